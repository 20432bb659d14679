//! What a request must be before anything is done for it: from a host that we are, from a page of ours, with a cookie and a token that
//! belong together.
//!
//! The cookie names a visitor, and after a log on his session; each log on makes a new one, so that nobody can have prepared it. The
//! name of the cookie has the port in it: browsers send a cookie to all ports of a host, and two pages there must not take the visitors
//! of each other. The token of a form is a keyed hash of the cookie under a key that this process has drawn: whoever does not read our
//! pages with that cookie does not have it.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{COOKIE, HOST, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use spoolsuite::model::door::Network;
use spoolsuite::model::{Failure, FailureKind};

/// The name of the cookie with the language.
pub const LANGUAGE: &str = "station-language";
/// Hexadecimal digits of what a cookie holds.
const DIGITS: usize = 64;
/// Where the browser says a request comes from.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a visitor's cookie says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// He has none.
    New,
    /// He is logged on nowhere; the whole cookie.
    Before(String),
    /// He has logged on: the whole cookie, whose tail is the name of his session.
    Session(String),
}

impl Visitor {
    /// The whole cookie.
    pub fn cookie(&self) -> Option<&str> {
        match self {
            Self::New => None,
            Self::Before(cookie) | Self::Session(cookie) => Some(cookie),
        }
    }
}

/// How the page is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnOrigin {
    /// As browsers write it: `http://HOST[:PORT]`.
    text: String,
    /// The port at which the page is served; 0 of one that was not connected to.
    port: u16,
    /// Whether it is a further name: a proxy may stand behind it, and then nobody knows where the browser is.
    named: bool,
}

impl OwnOrigin {
    /// Whether it is a name of `--origin`, and not the address itself.
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// Whether cookies travel encrypted alone.
    pub fn is_secure(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// The name of the cookie. A name with `__Host-` is taken by browsers from an encrypted page of that very host alone.
    fn cookie_name(&self) -> String {
        let prefix = if self.is_secure() { "__Host-" } else { "" };
        format!("{prefix}station-{}", self.port)
    }

    fn host(&self) -> &str {
        self.text.split_once("://").map_or("", |parts| parts.1)
    }
}

impl std::str::FromStr for OwnOrigin {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Self, Failure> {
        let lower = text.trim().trim_end_matches('/').to_ascii_lowercase();
        let host = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://")).unwrap_or_default();
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b".-:[]".contains(&octet);
        if host.is_empty() || !host.bytes().all(fits) {
            let why = format!("{text}: that is no origin").chars().take(200).collect::<String>();
            return Err(Failure::new(FailureKind::BadValue, why)
                .hint("it is written as browsers show it: https://print.example, or http://10.1.2.3:8080"));
        }
        Ok(Self { text: lower, port: 0, named: true })
    }
}

/// Who may come, and how.
pub struct Guard {
    key: [u8; 32],
    /// Further names under which browsers reach the page.
    origins: Vec<OwnOrigin>,
    allow: Vec<Network>,
}

/// Whether a peer is on this machine: it has connected from the address to which it has connected, or from one that no other machine
/// has.
pub fn is_here(peer: IpAddr, local: IpAddr) -> bool {
    let peer = peer.to_canonical();
    peer.is_loopback() || peer == local.to_canonical()
}

/// A status with what is said.
pub type Refusal = (u16, &'static str);

impl Guard {
    /// The guard of a page.
    ///
    /// # Errors
    /// When the kernel gives no random octets.
    pub fn new(origins: Vec<OwnOrigin>, allow: Vec<Network>) -> Result<Self, Failure> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Failure::new(FailureKind::Io, error.to_string()))?;
        Ok(Self { key, origins, allow })
    }

    /// Whether somebody who has connected from `peer` to `local` may come. Whoever is on this machine always may: it is the machine
    /// beside the printer.
    pub fn admits(&self, peer: IpAddr, local: IpAddr) -> bool {
        is_here(peer, local) || self.allow.iter().any(|network| network.contains(peer.to_canonical()))
    }

    /// Finds under which of our names a request was made.
    ///
    /// # Errors
    /// 400 or 421 where it is none of ours: somebody else's name may lead to our address.
    pub fn origin(&self, head: &Parts, local: SocketAddr) -> Result<OwnOrigin, Refusal> {
        if head.uri.authority().is_some() {
            return Err((400, "this is no proxy"));
        }
        let mut hosts = head.headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err((400, "one host is named")) };
        let host = host.to_str().map_err(|_| (400, "that is no host"))?.to_ascii_lowercase();
        let port = local.port();
        let ip = local.ip().to_canonical();
        let own = SocketAddr::new(ip, port).to_string();
        let bare = own.rsplit_once(':').map_or("", |parts| parts.0);
        let is_local = ip.is_loopback() && host == format!("localhost:{port}");
        let is_usual = port == 80 && (host == bare || (ip.is_loopback() && host == "localhost"));
        if host == own || is_local || is_usual {
            return Ok(OwnOrigin { text: format!("http://{host}"), port, named: false });
        }
        let known = self.origins.iter().find(|origin| origin.host() == host);
        known.map(|known| OwnOrigin { port, ..known.clone() }).ok_or((421, "this page has another name"))
    }

    /// Refuses a request that changes something unless one of our own pages has made it.
    ///
    /// # Errors
    /// 403 for any other one.
    pub fn demand_own(&self, head: &Parts, own: &OwnOrigin) -> Result<(), Refusal> {
        let no = Err((403, "the request comes from another page"));
        let mut origins = head.headers.get_all(ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else { return no };
        if !origin.to_str().is_ok_and(|origin| origin.eq_ignore_ascii_case(&own.text)) {
            return no;
        }
        match head.headers.get(SEC_FETCH_SITE) {
            Some(site) if site != "same-origin" => no,
            _ => Ok(()),
        }
    }

    /// What his cookie says. Two of them say nothing.
    pub fn visitor(&self, head: &Parts, own: &OwnOrigin) -> Visitor {
        let Some(cookie) = only_cookie(head, &own.cookie_name()) else { return Visitor::New };
        let digits = cookie.get(1..).unwrap_or_default();
        let is_hex = digits.len() == DIGITS && digits.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'));
        match (cookie.bytes().next(), is_hex) {
            (Some(b'b'), true) => Visitor::Before(cookie),
            (Some(b's'), true) => Visitor::Session(cookie),
            _ => Visitor::New,
        }
    }

    /// A cookie for somebody who is logged on nowhere.
    ///
    /// # Errors
    /// When the kernel gives no random octets.
    pub fn new_cookie(&self) -> Result<String, Failure> {
        let mut octets = [0; 32];
        getrandom::fill(&mut octets).map_err(|error| Failure::new(FailureKind::Io, error.to_string()))?;
        Ok(format!("b{}", blake3::Hash::from_bytes(octets).to_hex()))
    }

    /// The token of the forms of whoever has this cookie.
    pub fn token(&self, cookie: &str) -> String {
        blake3::keyed_hash(&self.key, cookie.as_bytes()).to_hex().to_string()
    }

    /// Whether a form of his has the right token. The comparison takes the same time whatever came.
    pub fn is_his(&self, cookie: &str, token: &str) -> bool {
        blake3::Hash::from_hex(token).is_ok_and(|token| token == blake3::keyed_hash(&self.key, cookie.as_bytes()))
    }
}

/// The head of an answer that sets the cookie of a visitor.
pub fn set_cookie(cookie: &str, own: &OwnOrigin) -> String {
    set(&own.cookie_name(), cookie, own)
}

/// The head of an answer that keeps the language.
pub fn set_language(tag: &str, own: &OwnOrigin) -> String {
    set(LANGUAGE, tag, own)
}

fn set(name: &str, value: &str, own: &OwnOrigin) -> String {
    let secure = if own.is_secure() { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

/// A cookie that is there once.
pub fn only_cookie(head: &Parts, name: &str) -> Option<String> {
    let headers = head.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = headers
        .flat_map(|value| value.split(';'))
        .filter_map(|one| one.trim().split_once('='))
        .filter(|one| one.0 == name)
        .map(|one| one.1.to_owned());
    match (found.next(), found.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn head(lines: &[(&str, &str)]) -> Parts {
        let request =
            lines.iter().fold(Request::post("/log-on"), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn guard() -> Guard {
        Guard::new(vec!["https://Print.Example/".parse().unwrap()], Vec::new()).unwrap()
    }

    const LOCAL: &str = "127.0.0.1:8080";

    #[test]
    fn this_machine_always_comes_in_and_others_where_they_are_allowed() {
        let guard =
            |allow: &[&str]| Guard::new(Vec::new(), allow.iter().map(|net| net.parse().unwrap()).collect()).unwrap();
        let may = |allow: &[&str], peer: &str, local: &str| {
            guard(allow).admits(peer.parse().unwrap(), local.parse().unwrap())
        };
        for allow in [&[] as &[&str], &["10.1.0.0/16"]] {
            assert!(may(allow, "127.0.0.1", "127.0.0.1") && may(allow, "::ffff:127.0.0.2", "127.0.0.1"));
            assert!(may(allow, "::1", "::1"));
            assert!(may(allow, "10.2.0.7", "10.2.0.7") && may(allow, "::ffff:10.2.0.7", "10.2.0.7"));
            assert!(!may(allow, "10.2.0.8", "10.2.0.7"));
            assert_eq!(may(allow, "10.1.2.3", "10.2.0.7"), !allow.is_empty());
        }
    }

    #[test]
    fn only_our_own_names_are_ours() {
        let guard = guard();
        let own = |host: &str| guard.origin(&head(&[("host", host)]), LOCAL.parse().unwrap()).map(|own| own.text);
        assert_eq!(own("127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(own("localhost:8080").unwrap(), "http://localhost:8080");
        assert_eq!(own("print.example").unwrap(), "https://print.example");
        let is_named = |host: &str| guard.origin(&head(&[("host", host)]), LOCAL.parse().unwrap()).unwrap().is_named();
        assert_eq!((is_named("print.example"), is_named(LOCAL)), (true, false));
        for other in ["evil.example", "evil.example:8080", "127.0.0.1", "127.0.0.1:8081", "print.example:8080", ""] {
            assert!(own(other).is_err(), "{other}");
        }
        let two = head(&[("host", LOCAL), ("host", LOCAL)]);
        assert!(guard.origin(&two, LOCAL.parse().unwrap()).is_err());
        assert!(guard.origin(&head(&[]), LOCAL.parse().unwrap()).is_err());
    }

    #[test]
    fn what_another_page_has_made_changes_nothing() {
        let guard = guard();
        let own = guard.origin(&head(&[("host", LOCAL)]), LOCAL.parse().unwrap()).unwrap();
        let may = |lines: &[(&str, &str)]| guard.demand_own(&head(lines), &own).is_ok();
        assert!(may(&[("origin", "http://127.0.0.1:8080")]));
        assert!(may(&[("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")]));
        assert!(!may(&[]));
        assert!(!may(&[("origin", "null")]));
        assert!(!may(&[("origin", "https://127.0.0.1:8080")]));
        assert!(!may(&[("origin", "http://evil.example")]));
        assert!(!may(&[("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn a_token_belongs_to_one_cookie_of_one_process() {
        let guard = guard();
        let (mine, yours) = (guard.new_cookie().unwrap(), guard.new_cookie().unwrap());
        assert_ne!(mine, yours);
        assert!(guard.is_his(&mine, &guard.token(&mine)));
        assert!(!guard.is_his(&yours, &guard.token(&mine)));
        assert!(!guard.is_his(&mine, &super::tests::guard().token(&mine)));
        for token in ["", "0", "zz", &"0".repeat(64)] {
            assert!(!guard.is_his(&mine, token));
        }
    }

    #[test]
    fn a_cookie_is_understood_or_nothing_is_known() {
        let guard = guard();
        let mine = guard.new_cookie().unwrap();
        let at = |host: &str| guard.origin(&head(&[("host", host)]), LOCAL.parse().unwrap()).unwrap();
        let visitor = |cookie: &str| guard.visitor(&head(&[("cookie", cookie)]), &at(LOCAL));
        assert_eq!(visitor(&format!("a=b; station-8080={mine}")), Visitor::Before(mine.clone()));
        let session = mine.replacen('b', "s", 1);
        assert_eq!(visitor(&format!("station-8080={session}")), Visitor::Session(session.clone()));
        let encrypted = |cookie: &str| guard.visitor(&head(&[("cookie", cookie)]), &at("print.example"));
        assert_eq!(encrypted(&format!("__Host-station-8080={session}")), Visitor::Session(session.clone()));
        assert_eq!(
            encrypted(&format!("station-8080={session}")),
            Visitor::New,
            "whoever serves the host unencrypted may set it"
        );
        for other in [
            "",
            "station-8080=",
            "station-8080=b12",
            &format!("station-8081={session}"),
            &format!("station={session}"),
            &format!("station-8080={mine}; station-8080={mine}"),
            &format!("station-8080=x{}", &mine[1..]),
        ] {
            assert_eq!(visitor(other), Visitor::New, "{other}");
        }
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_of_other_sites() {
        let at = |host: &str| guard().origin(&head(&[("host", host)]), LOCAL.parse().unwrap()).unwrap();
        let secure = set_cookie("b1", &at("print.example"));
        assert_eq!(secure, "__Host-station-8080=b1; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(set_cookie("b1", &at(LOCAL)), "station-8080=b1; Path=/; HttpOnly; SameSite=Strict");
        assert!("javascript:alert(1)".parse::<OwnOrigin>().is_err());
        assert!("http://a b".parse::<OwnOrigin>().is_err());
    }
}
