//! HTTP: connections, what comes over them, and the heads of answers.
//!
//! `hyper` reads heads and bodies. Here is how much of them: the size of a head, its lines, the time that it may take, the size of a
//! body and its time, connections at a time, those of one address, and how long one may last. One thread does all of it; what asks
//! the server does so in threads of its own, of which there are few.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::attempts::place;
use super::guard::{self, is_here, only_cookie};
use super::page::{Answer, Asked, Pages, STYLE};
use super::words::{self, Words};
use spoolsuite::model::station::BrowserPlace;

/// Octets of the largest head.
const MAX_HEAD: usize = 16 * 1024;
/// Lines of a head.
const MAX_LINES: usize = 64;
/// How long a head may take to arrive; also how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// Octets of the largest body: a thousand jobs that are chosen.
const MAX_BODY: usize = 128 * 1024;
/// Fields of a form.
const MAX_FIELDS: usize = 1100;
/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long a connection may last.
const LONGEST: Duration = Duration::from_secs(300);
/// Connections at a time.
const MOST: usize = 128;
/// Those of them that this machine alone may have: the browser beside the printer comes in when others take all the rest.
const KEPT: usize = 16;
/// Those of one address, and of one network of version 6, of which one machine has all addresses.
const MOST_OF_PEER: usize = 32;
/// Pause after a failed accept: descriptors come back when somebody closes some.
const PAUSE: Duration = Duration::from_millis(200);

/// What each answer says of itself: it runs nothing, loads nothing of others, is shown in no frame, and is kept by nobody.
const HEADS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // With no-referrer browsers would hide the origin of our own forms.
    ("referrer-policy", "same-origin"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// How many connections there are, by place.
#[derive(Default)]
struct Inside(Mutex<HashMap<IpAddr, usize>>);

/// One of those that are counted.
struct Entry {
    inside: Arc<Inside>,
    place: IpAddr,
}

impl Inside {
    fn enter(self: &Arc<Self>, address: IpAddr, here: bool) -> Option<Entry> {
        let place = place(address);
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = if here { MOST } else { MOST - KEPT };
        if inside.values().sum::<usize>() >= most {
            return None;
        }
        let count = inside.entry(place).or_default();
        if *count >= MOST_OF_PEER {
            return None;
        }
        *count += 1;
        Some(Entry { inside: Arc::clone(self), place })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut inside = self.inside.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.place) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                inside.remove(&self.place);
            }
        }
    }
}

/// Serves the pages to whoever comes.
///
/// # Errors
/// When the socket cannot be used.
pub async fn serve(listener: std::net::TcpListener, pages: Arc<Pages>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let inside = Arc::new(Inside::default());
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Whoever may not come, or is one too many, finds the connection closed.
        let (peer, Ok(local)) = (peer.ip().to_canonical(), stream.local_addr()) else { continue };
        if !pages.guard.admits(peer, local.ip()) {
            continue;
        }
        let Some(entry) = inside.enter(peer, is_here(peer, local.ip())) else { continue };
        let pages = Arc::clone(&pages);
        tokio::spawn(async move {
            let _counted = entry;
            let _ = tokio::time::timeout(LONGEST, converse(stream, (peer, local), pages)).await;
        });
    }
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, ends: Ends, pages: Arc<Pages>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let pages = Arc::clone(&pages);
        async move { Ok::<_, Infallible>(respond(request, ends, pages).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(MAX_HEAD).max_headers(MAX_LINES);
    // What is no HTTP ends the connection; hyper says 400 or 431 first.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

/// Where the browser is, and where it has connected.
type Ends = (IpAddr, SocketAddr);

async fn respond(request: Request<Incoming>, ends: Ends, pages: Arc<Pages>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let without_body = head.method == Method::HEAD;
    let answer = match ask(&head, body, ends, &pages).await {
        Err((status, why)) => Answer::plain(status, why),
        Ok(None) => Answer { kind: "text/css; charset=utf-8", body: STYLE.to_owned(), ..Answer::plain(200, "") },
        Ok(Some(asked)) => {
            let made = tokio::task::spawn_blocking(move || pages.answer(&asked)).await;
            made.unwrap_or_else(|_| Answer::plain(500, "the page cannot be made"))
        }
    };
    written(answer, without_body)
}

/// Understands a request; none for the style.
async fn ask(head: &Parts, body: Incoming, ends: Ends, pages: &Pages) -> Result<Option<Asked>, guard::Refusal> {
    let own = pages.guard.origin(head, ends.1)?;
    let posts = match head.method {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return Err((405, "pages are asked for with GET and forms sent with POST")),
    };
    if !posts && head.uri.path() == "/style.css" {
        return Ok(None);
    }
    let form = match posts {
        false => Vec::new(),
        true => {
            pages.guard.demand_own(head, &own)?;
            form_of(head, body).await?
        }
    };
    Ok(Some(Asked {
        from: BrowserPlace { address: ends.0, here: is_here(ends.0, ends.1.ip()) && !own.is_named() },
        posts,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        visitor: pages.guard.visitor(head, &own),
        words: language_of(head),
        own,
        form,
    }))
}

fn language_of(head: &Parts) -> &'static Words {
    let chosen = only_cookie(head, guard::LANGUAGE).and_then(|tag| words::of_tag(&tag));
    let accepted = || {
        let value = head.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        words::accepted(value.unwrap_or_default())
    };
    chosen.unwrap_or_else(accepted)
}

async fn form_of(head: &Parts, body: Incoming) -> Result<Vec<(String, String)>, guard::Refusal> {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err((415, "that is no form"));
    }
    let read = tokio::time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await;
    let octets = match read {
        Err(_) => return Err((408, "the form did not come")),
        Ok(Err(_)) => return Err((413, "the form is too large, or was cut off")),
        Ok(Ok(body)) => body.to_bytes(),
    };
    let fields: Vec<(String, String)> = form_urlencoded::parse(&octets).into_owned().take(MAX_FIELDS + 1).collect();
    if fields.len() > MAX_FIELDS {
        return Err((413, "the form has too many fields"));
    }
    Ok(fields)
}

fn written(answer: Answer, without_body: bool) -> Response<Full<Bytes>> {
    let body = if without_body { Bytes::new() } else { Bytes::from(answer.body) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let heads = response.headers_mut();
    for (name, value) in HEADS {
        heads.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    heads.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    if let Some(location) = answer.location {
        heads.insert(header::LOCATION, HeaderValue::from_static(location));
    }
    if answer.status == 405 {
        heads.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    for cookie in answer.cookies {
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            heads.append(header::SET_COOKIE, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn strangers_leave_connections_to_the_browser_beside_the_printer() {
        let inside = Arc::new(Inside::default());
        let strangers = (1..=MOST as u8).filter_map(|n| inside.enter(Ipv4Addr::new(10, 1, 2, n).into(), false));
        let mut held: Vec<Entry> = strangers.collect();
        assert_eq!(held.len(), MOST - KEPT);
        let here: Vec<Entry> = (0..=KEPT).filter_map(|_| inside.enter(Ipv4Addr::LOCALHOST.into(), true)).collect();
        assert_eq!(here.len(), KEPT);
        held.pop();
        assert!(inside.enter(Ipv4Addr::new(10, 1, 3, 1).into(), false).is_none());
        assert!(inside.enter(Ipv4Addr::LOCALHOST.into(), true).is_some());
        drop((held, here));
        assert!(inside.0.lock().unwrap().is_empty());
        let of_one: Vec<Entry> =
            (0..=MOST_OF_PEER).filter_map(|_| inside.enter(Ipv4Addr::LOCALHOST.into(), true)).collect();
        assert_eq!(of_one.len(), MOST_OF_PEER);
    }

    #[test]
    fn one_machine_has_a_whole_network_of_version_6() {
        let inside = Arc::new(Inside::default());
        let at = |network: u16, n: u16| Ipv6Addr::new(0x2001, 0xdb8, 1, network, 0, 0, 0, n).into();
        let held: Vec<Entry> = (0..2 * MOST_OF_PEER as u16).filter_map(|n| inside.enter(at(1, n), false)).collect();
        assert_eq!(held.len(), MOST_OF_PEER);
        assert!(inside.enter(at(2, 1), false).is_some());
        drop(held);
        assert!(inside.0.lock().unwrap().is_empty());
    }
}
