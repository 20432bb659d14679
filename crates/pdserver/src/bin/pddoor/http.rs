//! HTTP/1.1 on the side of a server, as far as printing needs it: heads, bodies with a length or in chunks, answers.
//!
//! A head is refused where two readers might not agree on what it means: a length beside chunks, a length or a host that is given
//! twice, a blank before a colon, a line that ends without a carriage return. Whatever cannot be told from the next request ends its
//! connection.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use spoolsuite::wire::chunked::Chunks;
use spoolsuite::wire::packed::{Packing, Unpacked};

use super::connection::{Connection, Got};

/// Octets of the largest head.
const MAX_HEAD: usize = 16 * 1024;
/// Lines of a head.
const MAX_LINES: usize = 64;
/// How long a head may take to arrive, once it has begun.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Octets of a head that are read at once.
const CHUNK: usize = 4 * 1024;
/// Octets of a body.
const OF_BODY: usize = 64 * 1024;
/// Octets that are read and thrown away so that a sender reads why he was refused.
const DRAIN: u64 = 1024 * 1024;

/// Why nothing more is read.
#[derive(Debug)]
pub enum Stop {
    /// The sender has closed his side.
    Closed,
    /// The sender is silent.
    Silent,
    /// The connection is broken.
    Broken(io::Error),
    /// What came is not HTTP as we speak it: the status, and why.
    Bad(u16, &'static str),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection ended"),
            Self::Silent => f.write_str("it was silent"),
            Self::Broken(error) => error.fmt(f),
            Self::Bad(_, why) => f.write_str(why),
        }
    }
}

/// How the end of a body is known.
#[derive(Debug)]
pub enum Framing {
    /// It has so many octets more.
    Length(u64),
    /// It comes in chunks.
    Chunked(Chunks),
}

/// The head of a request.
#[derive(Debug)]
pub struct Head {
    /// `POST` and the like.
    pub method: String,
    /// What is asked for.
    pub path: String,
    /// What the body is, in lower case, without parameters.
    pub content_type: String,
    /// The name by which the client calls us; only what a host name may hold.
    pub host: Option<String>,
    /// Whether the client waits until it is told to go on.
    pub expects: bool,
    /// Whether more requests may follow.
    pub keeps: bool,
    /// The length of the body, where it was said.
    pub length: Option<u64>,
    /// How its end is known.
    pub framing: Framing,
    /// How its octets are packed.
    pub packing: Option<Packing>,
    /// Whether the client asks for nothing but to go on over TLS.
    pub upgrades: bool,
    /// What shows who asks.
    pub authorization: Option<Vec<u8>>,
}

/// The name and the password of `Basic` (RFC 7617). None for what is something else.
pub fn basic(authorization: &[u8]) -> Option<(String, String)> {
    let (scheme, coded) = authorization.split_at_checked(5)?;
    if !scheme.eq_ignore_ascii_case(b"basic") || coded.first() != Some(&b' ') {
        return None;
    }
    let octets = BASE64_STANDARD.decode(coded.trim_ascii()).ok()?;
    let text = String::from_utf8(octets).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Understands the octets of a head. None = it is not complete.
pub fn head(octets: &[u8]) -> Result<Option<(Head, usize)>, Stop> {
    let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
    let mut request = httparse::Request::new(&mut lines);
    let size = match request.parse(octets) {
        Ok(httparse::Status::Complete(size)) => size,
        Ok(httparse::Status::Partial) if octets.len() >= MAX_HEAD => {
            return Err(Stop::Bad(431, "the head is too large"));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Stop::Bad(431, "the head has too many lines")),
        Err(_) => return Err(Stop::Bad(400, "the head is no head of HTTP")),
    };
    if size > MAX_HEAD {
        return Err(Stop::Bad(431, "the head is too large"));
    }
    let read = octets.get(..size).unwrap_or_default();
    let bare =
        read.iter().enumerate().any(|(at, octet)| *octet == b'\n' && (at == 0 || read.get(at - 1) != Some(&b'\r')));
    if bare {
        return Err(Stop::Bad(400, "a line of the head ends without a carriage return"));
    }
    let all = |name: &str| -> Vec<&[u8]> {
        let named = request.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name));
        named.map(|line| line.value.trim_ascii()).collect()
    };
    let is_new = request.version == Some(1);
    let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
    let (length, framing) = match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => (None, Framing::Length(0)),
        ([digits], []) => {
            let is_number = !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit);
            let text = std::str::from_utf8(digits).ok().filter(|_| is_number);
            let length =
                text.and_then(|text| text.parse().ok()).ok_or(Stop::Bad(400, "Content-Length is no number"))?;
            (Some(length), Framing::Length(length))
        }
        ([], [coding]) if is_new && coding.eq_ignore_ascii_case(b"chunked") => {
            (None, Framing::Chunked(Chunks::default()))
        }
        ([], [_]) if is_new => return Err(Stop::Bad(501, "Transfer-Encoding is not chunked")),
        _ => return Err(Stop::Bad(400, "the head says more than once, or in two ways, how long the body is")),
    };
    let hosts = all("host");
    if hosts.len() > 1 {
        return Err(Stop::Bad(400, "the head has several hosts"));
    }
    let is_of_host = |octet: &u8| octet.is_ascii_alphanumeric() || b".-:[]_".contains(octet);
    let host = hosts.first().filter(|host| !host.is_empty() && host.len() <= 255 && host.iter().all(is_of_host));
    let connection: Vec<String> = all("connection")
        .into_iter()
        .flat_map(|value| value.split(|octet| *octet == b','))
        .map(|word| String::from_utf8_lossy(word.trim_ascii()).to_ascii_lowercase())
        .collect();
    let says = |word: &str| connection.iter().any(|one| one == word);
    let kind = all("content-type").first().copied().unwrap_or_default();
    let kind = kind.split(|octet| *octet == b';').next().unwrap_or_default().trim_ascii();
    let expects = all("expect");
    let expects_more = expects.iter().any(|value| value.eq_ignore_ascii_case(b"100-continue"));
    if !expects.is_empty() && !expects_more {
        return Err(Stop::Bad(417, "an expectation that is not 100-continue"));
    }
    let has_tls = |value: &&[u8]| value.windows(4).any(|part| part.eq_ignore_ascii_case(b"TLS/"));
    let is_empty = matches!(framing, Framing::Length(0));
    let asks = request.method == Some("OPTIONS") && is_new && is_empty && says("upgrade");
    let upgrades = asks && all("upgrade").iter().any(has_tls);
    let authorization = match all("authorization").as_slice() {
        [] => None,
        [one] => Some(one.to_vec()),
        _ => return Err(Stop::Bad(400, "the head says more than once who asks")),
    };
    let packing = match all("content-encoding").as_slice() {
        [] => None,
        [word] => {
            let known = std::str::from_utf8(word).ok().and_then(Packing::named);
            known.ok_or(Stop::Bad(415, "Content-Encoding is neither gzip nor deflate"))?
        }
        _ => return Err(Stop::Bad(415, "the body is packed more than once")),
    };
    let head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: request.path.unwrap_or_default().to_owned(),
        content_type: String::from_utf8_lossy(kind).to_ascii_lowercase(),
        host: host.map(|host| String::from_utf8_lossy(host).into_owned()),
        expects: is_new && expects_more,
        keeps: if is_new { !says("close") } else { says("keep-alive") },
        length,
        framing,
        packing,
        upgrades,
        authorization,
    };
    Ok(Some((head, size)))
}

/// The words of a status.
fn words(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

/// An answer as octets.
pub fn answer(status: u16, kind: &str, keeps: bool, body: &[u8]) -> Vec<u8> {
    let connection = match (status, keeps) {
        (426, true) => "Upgrade, keep-alive",
        (426, false) => "Upgrade, close",
        (_, true) => "keep-alive",
        (_, false) => "close",
    };
    let more = match status {
        401 => "WWW-Authenticate: Basic realm=\"spoolsuite\", charset=\"UTF-8\"\r\n",
        426 => "Upgrade: TLS/1.3, HTTP/1.1\r\n",
        405 => "Allow: POST\r\n",
        415 => "Accept-Encoding: gzip, deflate\r\n",
        503 => "Retry-After: 10\r\n",
        _ => "",
    };
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-cache\r\n{more}Connection: {connection}\r\n\r\n",
        words(status),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// What is said before a connection goes on over TLS.
pub const SWITCHES: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: TLS/1.3\r\n\r\n";

/// An answer that says yes, and nothing else.
pub fn nothing() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nAllow: POST\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n".to_vec()
}

/// An answer that is no message of IPP.
pub fn plain(status: u16, why: &str) -> Vec<u8> {
    answer(status, "text/plain; charset=utf-8", false, format!("{status} {}: {why}\n", words(status)).as_bytes())
}

/// Reads what comes; how many octets.
fn read(connection: &mut Connection, place: &mut [u8], within: Duration, idle: bool) -> Result<usize, Stop> {
    match connection.read(place, Some(within), idle) {
        Got::Octets(n) => Ok(n),
        Got::End => Err(Stop::Closed),
        Got::Silence => Err(Stop::Silent),
        Got::Broken(error) => Err(Stop::Broken(error)),
    }
}

/// A connection on which requests come.
pub struct Wire {
    /// The connection.
    pub connection: Connection,
    /// A place for octets. Those from `at` to `end` were read, and are not used yet.
    ahead: Vec<u8>,
    at: usize,
    end: usize,
}

impl Wire {
    /// That of a connection that was just accepted.
    pub fn new(connection: Connection) -> Self {
        Self { connection, ahead: Vec::new(), at: 0, end: 0 }
    }

    fn rest(&self) -> &[u8] {
        self.ahead.get(self.at..self.end).unwrap_or_default()
    }

    fn use_up(&mut self, n: usize) {
        self.at += n;
        if self.at >= self.end {
            (self.at, self.end) = (0, 0);
        }
    }

    /// Reads more behind what is there.
    fn more(&mut self, most: usize, within: Duration, idle: bool) -> Result<(), Stop> {
        if self.at > 0 {
            self.ahead.copy_within(self.at..self.end, 0);
            (self.at, self.end) = (0, self.end - self.at);
        }
        let (begin, whole) = (self.end, self.end + most);
        // The place stays as it is: to fill it with zeros each time takes as long as to read into it.
        if self.ahead.len() < whole {
            self.ahead.resize(whole, 0);
        }
        let place = self.ahead.get_mut(begin..whole).unwrap_or_default();
        self.end += read(&mut self.connection, place, within, idle)?;
        Ok(())
    }

    /// Whether nothing was read that is not used yet.
    pub fn is_at_its_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Reads the head of the next request. None = there is no other one.
    ///
    /// # Errors
    /// When what comes is none.
    pub fn head(&mut self) -> Result<Option<Head>, Stop> {
        let mut until = None;
        loop {
            // Blank lines before a request are skipped, as clients of old have sent them.
            while until.is_none() && matches!(self.rest().first(), Some(b'\r' | b'\n')) {
                self.use_up(1);
            }
            if !self.rest().is_empty() {
                until.get_or_insert_with(|| Instant::now() + HEAD_TIME);
                if let Some((head, size)) = head(self.rest())? {
                    self.use_up(size);
                    return Ok(Some(head));
                }
            }
            // Whoever says nothing costs little.
            let (most, within) = match until {
                None => {
                    self.ahead = Vec::new();
                    (512, self.connection.patience())
                }
                Some(until) => (CHUNK, until.saturating_duration_since(Instant::now())),
            };
            match self.more(most, within, until.is_none()) {
                Ok(()) => {}
                Err(Stop::Closed | Stop::Silent) if until.is_none() => return Ok(None),
                Err(Stop::Silent) => return Err(Stop::Bad(408, "the head did not come")),
                Err(stop) => return Err(stop),
            }
        }
    }
}

/// The body of a request.
pub struct Body<'a> {
    wire: &'a mut Wire,
    framing: Framing,
    /// Whether the client still waits to be told to go on.
    owes: bool,
    /// Why it has ended before its end.
    pub failed: Option<Stop>,
}

impl<'a> Body<'a> {
    /// The body behind a head.
    pub fn new(wire: &'a mut Wire, framing: Framing, expects: bool) -> Self {
        let owes = expects && !matches!(framing, Framing::Length(0));
        Self { wire, framing, owes, failed: None }
    }

    /// Whether all of it was read.
    pub fn is_done(&self) -> bool {
        match &self.framing {
            Framing::Length(left) => *left == 0,
            Framing::Chunked(chunks) => chunks.is_done(),
        }
    }

    /// Octets that are still to come, where that is known.
    pub fn left(&self) -> Option<u64> {
        match &self.framing {
            Framing::Length(left) => Some(*left),
            Framing::Chunked(_) => None,
        }
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.wire.connection
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<usize, Stop> {
        if std::mem::take(&mut self.owes) {
            self.wire.connection.write(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(Stop::Broken)?;
        }
        while !self.is_done() && !out.is_empty() {
            if self.wire.rest().is_empty() {
                let patience = self.wire.connection.patience();
                // A large piece of a body with a length goes where it is wanted, and is not copied.
                if let Framing::Length(left) = &mut self.framing
                    && out.len() >= OF_BODY
                {
                    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(out.len());
                    let place = out.get_mut(..most).unwrap_or_default();
                    let n = read(&mut self.wire.connection, place, patience, false)?;
                    *left -= n as u64;
                    return Ok(n);
                }
                self.wire.more(OF_BODY, patience, false)?;
            }
            let (read, written) = match &mut self.framing {
                Framing::Length(left) => {
                    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(out.len());
                    let octets = self.wire.rest();
                    let n = most.min(octets.len());
                    if let (Some(to), Some(from)) = (out.get_mut(..n), octets.get(..n)) {
                        to.copy_from_slice(from);
                    }
                    *left -= n as u64;
                    (n, n)
                }
                Framing::Chunked(chunks) => {
                    let octets = self.wire.rest();
                    chunks.feed(octets, out).map_err(|_| Stop::Bad(400, "the body is not chunked as it says"))?
                }
            };
            self.wire.use_up(read);
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }

    /// Reads what is left and throws it away, up to a limit. Returns whether all of it was read: then another request may follow.
    pub fn drain(&mut self) -> bool {
        // Who still waits to be told to go on sends nothing.
        if self.owes {
            return false;
        }
        let (mut left, mut buffer) = (DRAIN, [0; 4096]);
        while left > 0 && !self.is_done() && self.failed.is_none() {
            match self.read(&mut buffer) {
                Ok(n) if n > 0 => left = left.saturating_sub(n as u64),
                _ => break,
            }
        }
        self.is_done()
    }
}

impl Read for Body<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.fill(out).map_err(|stop| {
            let error = io::Error::new(io::ErrorKind::ConnectionAborted, stop.to_string());
            self.failed = Some(stop);
            error
        })
    }
}

/// The body as its sender has it: unpacked, where it travels packed.
pub enum Inlet<'a, 'b> {
    /// As it comes.
    Plain(&'a mut Body<'b>),
    /// Packed.
    Packed(Box<Unpacked<&'a mut Body<'b>>>),
}

impl<'a, 'b> Inlet<'a, 'b> {
    /// That of a body.
    pub fn new(body: &'a mut Body<'b>, packing: Option<Packing>) -> Self {
        match packing {
            None => Self::Plain(body),
            Some(packing) => Self::Packed(Box::new(Unpacked::new(body, packing))),
        }
    }

    /// Octets that are still to come, where that is known.
    pub fn left(&self) -> Option<u64> {
        match self {
            Self::Plain(body) => body.left(),
            Self::Packed(_) => None,
        }
    }
}

impl Read for Inlet<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(body) => body.read(out),
            Self::Packed(body) => body.read(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(more: &str) -> Result<Option<(Head, usize)>, Stop> {
        head(format!("POST /printers/x HTTP/1.1\r\nHost: h:631\r\n{more}\r\n").as_bytes())
    }

    fn status(result: Result<Option<(Head, usize)>, Stop>) -> u16 {
        match result {
            Ok(_) => 200,
            Err(Stop::Bad(status, _)) => status,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_head_says_what_its_body_is() {
        let (head, _) = lines("Content-Length: 12\r\nContent-Type: Application/IPP; x=y\r\nExpect: 100-continue\r\n")
            .unwrap()
            .unwrap();
        assert_eq!((head.method.as_str(), head.path.as_str(), head.length), ("POST", "/printers/x", Some(12)));
        assert_eq!((head.content_type.as_str(), head.host.as_deref()), ("application/ipp", Some("h:631")));
        assert!(head.expects && head.keeps);
        let (head, _) = lines("Transfer-Encoding: chunked\r\nConnection: close\r\n").unwrap().unwrap();
        assert!(!head.keeps && matches!(head.framing, Framing::Chunked(_)));
        assert!(lines("Content-Length: 1").unwrap().is_none(), "a head that is not complete");
        assert_eq!(head2("Host: a/../b\r\n").host, None, "a host that is no host is nobody's name");
    }

    fn head2(more: &str) -> Head {
        head(format!("POST / HTTP/1.1\r\n{more}\r\n").as_bytes()).unwrap().unwrap().0
    }

    #[test]
    fn what_two_readers_may_understand_differently_is_refused() {
        for (more, wanted) in [
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", 400),
            ("Content-Length: 1, 1\r\n", 400),
            ("Content-Length: -1\r\n", 400),
            ("Content-Length: +1\r\n", 400),
            ("Content-Length: 0x1\r\n", 400),
            ("Content-Length:\r\n", 400),
            ("Content-Length: 99999999999999999999\r\n", 400),
            ("Content-Length : 1\r\n", 400),
            (" Content-Length: 1\r\n", 400),
            ("X: y\r\n Content-Length: 1\r\n", 400),
            ("Content-Length: 1\nX: y\r\n", 400),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
            ("Transfer-Encoding: gzip, chunked\r\n", 501),
            ("Transfer-Encoding: \x0bchunked\r\n", 400),
            ("Host: other\r\n", 400),
            ("Expect: pizza\r\n", 417),
            ("Content-Encoding: br\r\n", 415),
            ("Content-Encoding: gzip, gzip\r\n", 415),
            ("Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", 415),
        ] {
            assert_eq!(status(lines(more)), wanted, "{more:?}");
        }
        let old = head(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(status(old), 400);
        let many: String = (0..100).map(|n| format!("X{n}: y\r\n")).collect();
        assert_eq!(status(lines(&many)), 431);
        assert_eq!(status(lines(&format!("X: {}\r\n", "y".repeat(MAX_HEAD)))), 431);
        assert_eq!(status(head(&[b'P'; MAX_HEAD])), 431);
    }

    proptest! {
        #[test]
        fn any_octets_are_a_head_or_none(octets in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let _ = head(&octets);
        }

        #[test]
        fn a_damaged_head_is_a_head_or_none(at in 0usize..200, octet in any::<u8>()) {
            let mut octets = b"POST /ipp/print/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            let end = octets.len();
            octets[at % end] = octet;
            // Whatever one octet makes of it, never both at once.
            if let Ok(Some((head, _))) = head(&octets) {
                prop_assert!(head.length.is_none() || matches!(head.framing, Framing::Length(_)));
            }
        }
    }
}
