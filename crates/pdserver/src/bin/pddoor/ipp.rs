//! The Internet Printing Protocol (RFC 8011): requests over HTTP, and what is done about them.
//!
//! A document goes to a file of the spool while it arrives; the answer that names the job is sent after the job is on disk. A
//! connection that breaks before the end of a document leaves nothing, and an event says so. When an answer is lost its client sends
//! the job again, and the second one is announced.
//!
//! The printer that is meant stands in the message and not in the path of HTTP; the host in it has no meaning here.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use spoolsuite::commands::WhyWords;
use spoolsuite::model::door::{
    DoorAct, DoorAsker, DoorDocument, DoorJob, DoorJobRow, DoorJobState, DoorJobs, DoorLogin, DoorPrinter, DoorTrouble,
};
use spoolsuite::model::station::Password;
use spoolsuite::model::{Failure, FailureKind};
use spoolsuite::sys::fault;
use spoolsuite::wire::ipp::{Attribute, Group, Head as IppHead, IppError, Message, Value, tag};
use spoolsuite::wire::packed::{Packing, Unpacked};

use super::connection::{Connection, Who};
use super::gate::Context;
use super::http::{self, Body, Head, Inlet, Stop, Wire};
use super::ipp_answers::{self as answers, Wanted, operation, status};
use super::ipp_driverless;
use super::ipp_target::{Target, target};
use super::link::{Asker, LogOn, New};
use super::lpd::{random, token};
use super::paper::Paper;

/// Octets that are read at once of a document.
const CHUNK: usize = 64 * 1024;
/// What is said of a job without octets, as CUPS says it: scripts look for that.
const NO_DOCUMENT: &str = "No file in print request.";
/// Jobs of one answer.
const MOST_JOBS: u32 = 1_000;

/// What a session has at hand beside its door.
pub struct Words {
    /// The words for why a job does not print.
    pub why: WhyWords,
}

/// An operation that is refused: its status, why, and what was not supported.
struct Refusal {
    status: u16,
    why: String,
    unsupported: Vec<Attribute>,
    /// Where it is answered as HTTP and not as IPP: the status, and why.
    plain: Option<(u16, &'static str)>,
}

impl Refusal {
    fn new(status: u16, why: impl Into<String>) -> Self {
        Self { status, why: why.into(), unsupported: Vec::new(), plain: None }
    }

    /// Refuses somebody who has not logged on, or cannot.
    fn plain(code: u16, why: &'static str) -> Self {
        Self { plain: Some((code, why)), ..Self::new(status::NOT_AUTHENTICATED, why) }
    }

    fn bad(why: &str) -> Self {
        Self::new(status::BAD_REQUEST, why)
    }
}

/// What the spool refuses, as a status; what `State` means depends on what was asked.
fn refused(failure: &Failure, of_state: u16) -> Refusal {
    let code = match failure.kind {
        FailureKind::NotFound | FailureKind::Ambiguous => status::NOT_FOUND,
        FailureKind::Security => status::NOT_AUTHORIZED,
        FailureKind::State | FailureKind::InUse => of_state,
        FailureKind::SpoolerState => status::NOT_ACCEPTING_JOBS,
        FailureKind::BadValue => status::BAD_REQUEST,
        FailureKind::Unsupported => status::VALUES_NOT_SUPPORTED,
        FailureKind::UnsupportedFormat => status::FORMAT_NOT_SUPPORTED,
        FailureKind::Full | FailureKind::Timeout => status::TEMPORARY_ERROR,
        FailureKind::Unreachable => status::SERVICE_UNAVAILABLE,
        _ => status::INTERNAL_ERROR,
    };
    let hints = if failure.hints.is_empty() { String::new() } else { format!(" ({})", failure.hints.join("; ")) };
    Refusal::new(code, format!("{}{hints}", failure.message))
}

/// Refuses a job.
fn no_job(failure: Failure) -> Refusal {
    refused(&failure, status::NOT_ACCEPTING_JOBS)
}

/// Refuses to do something about a job.
fn no_act(failure: Failure) -> Refusal {
    refused(&failure, status::NOT_POSSIBLE)
}

/// What is answered: a status with groups.
#[derive(Default)]
struct Done {
    status: u16,
    groups: Vec<Group>,
    unsupported: Vec<Attribute>,
    /// The token of a job that this answer acknowledges.
    token: Option<String>,
}

impl Done {
    fn with(groups: Vec<Group>) -> Self {
        Self { groups, ..Self::default() }
    }
}

/// A request whose attributes are read.
struct Request<'a> {
    message: &'a Message,
    operation: &'a Group,
    target: Target,
    asker: Asker,
    /// The beginning of our addresses: how the client calls us, and whether over TLS.
    root: String,
    /// Octets of the document, where the head says it.
    left: Option<u64>,
    /// How the document is packed, by its attribute.
    packing: Option<Packing>,
}

/// Serves one connection.
pub fn serve(context: &Context, connection: Connection, words: &Words) {
    let mut wire = Wire::new(connection);
    let mut tokens: Vec<(String, u64)> = Vec::new();
    let mut basic: Option<Basic> = None;
    loop {
        let head = match wire.head() {
            Ok(Some(head)) => Head { keeps: head.keeps && wire.connection.is_fresh(), ..head },
            Ok(None) => break,
            Err(Stop::Bad(code, why)) => {
                wire.connection.say_and_leave(&http::plain(code, why));
                let why = format!("a request of {} was refused: {why}", wire.connection.peer);
                context.link.trouble(DoorTrouble::TurnedAway, why);
                return see(context, &wire.connection, &mut tokens, true);
            }
            Err(_) => return see(context, &wire.connection, &mut tokens, true),
        };
        see(context, &wire.connection, &mut tokens, false);
        if let Some(config) = context.tls.as_ref().filter(|_| head.upgrades && !wire.connection.is_sealed()) {
            // As CUPS' clients begin with -E (RFC 2817): the rest of the connection is sealed, beginning with the answer to this.
            if !wire.is_at_its_end() || wire.connection.upgrade(config).is_err() {
                return see(context, &wire.connection, &mut tokens, true);
            }
            if wire.connection.write(&http::nothing()).is_err() {
                return see(context, &wire.connection, &mut tokens, true);
            }
            continue;
        }
        let keeps = head.keeps;
        match request(context, &mut wire, head, (words, &mut basic)) {
            Answer::Goes(octets, token) => {
                let failed = wire.connection.write(&octets).is_err();
                // An answer that did not leave is acknowledged by nobody.
                let mark = if failed { u64::MAX } else { wire.connection.written() };
                tokens.extend(token.map(|token| (token, mark)));
                if failed {
                    return see(context, &wire.connection, &mut tokens, true);
                }
                if !keeps {
                    break;
                }
            }
            Answer::Ends(octets, token) => {
                let all = wire.connection.written().saturating_add(octets.len() as u64);
                wire.connection.say_and_leave(&octets);
                let written = wire.connection.written();
                tokens.extend(token.map(|token| (token, if written < all { u64::MAX } else { written })));
                return see(context, &wire.connection, &mut tokens, true);
            }
            Answer::Lost => return see(context, &wire.connection, &mut tokens, true),
        }
    }
    let (address, untold) = (wire.connection.peer, tokens);
    if wire.connection.leave() {
        untold.iter().for_each(|(token, _)| context.link.was_delivered(token));
    } else if !untold.is_empty() {
        context.link.trouble(DoorTrouble::Unacknowledged, format!("{address} may not know that its job is here"));
    }
}

/// Tells the server which answers their senders have. At the end of a connection it is said of the others that nobody knows.
fn see(context: &Context, connection: &Connection, tokens: &mut Vec<(String, u64)>, ends: bool) {
    let (told, untold): (Vec<_>, Vec<_>) =
        std::mem::take(tokens).into_iter().partition(|(_, octets)| connection.has_acknowledged(*octets));
    told.iter().for_each(|(token, _)| context.link.was_delivered(token));
    if ends && !untold.is_empty() {
        let why = format!("{} may not know that its job is here", connection.peer);
        context.link.trouble(DoorTrouble::Unacknowledged, why);
    }
    *tokens = untold;
}

/// What becomes of a request.
enum Answer {
    /// These octets go out, and another request may follow.
    Goes(Vec<u8>, Option<String>),
    /// These octets go out, and the connection ends.
    Ends(Vec<u8>, Option<String>),
    /// Nobody is there to read an answer.
    Lost,
}

/// Somebody who has logged on with a password: what he showed, as a digest, and what stands for him.
struct Basic {
    shown: blake3::Hash,
    log_on: LogOn,
}

/// What a request shows of who asks, before anybody looks at it.
struct Shown<'a> {
    /// Whom the certificate of the connection names.
    certified: Option<DoorLogin>,
    /// What the head says of him; none in clear, where it is not read, and where passwords do not count.
    authorization: Option<Vec<u8>>,
    is_sealed: bool,
    /// From where.
    address: Option<IpAddr>,
    /// What was looked at before.
    basic: &'a mut Option<Basic>,
}

impl<'a> Shown<'a> {
    fn new(
        context: &Context,
        connection: &Connection,
        authorization: Option<Vec<u8>>,
        basic: &'a mut Option<Basic>,
    ) -> Self {
        let is_sealed = connection.is_sealed();
        Self {
            certified: connection.login(),
            authorization: authorization.filter(|_| context.settings.log_on.pam && is_sealed),
            is_sealed,
            address: connection.address(),
            basic,
        }
    }

    /// Who asks for `operation`. For what everybody is told no password is looked at: a computer that asks again and again how
    /// its printer is would lock its user out with one that is out of date.
    fn login(self, context: &Context, operation: u16) -> Result<Option<DoorLogin>, Refusal> {
        if self.certified.is_some() {
            return Ok(self.certified);
        }
        let Some(authorization) = &self.authorization else {
            *self.basic = None;
            return Ok(None);
        };
        let shown = blake3::hash(authorization);
        if let Some(known) = self.basic.as_ref().filter(|known| known.shown == shown && known.log_on.is_fresh()) {
            return Ok(Some(known.log_on.login.clone()));
        }
        *self.basic = None;
        if is_free(operation) {
            return Ok(None);
        }
        let wrong = || Refusal::plain(401, "the name or the password is wrong");
        let (user, password) = http::basic(authorization).ok_or_else(wrong)?;
        match context.link.log_on(user, Password::new(&password), self.address) {
            Ok(Some(log_on)) => {
                let login = log_on.login.clone();
                *self.basic = Some(Basic { shown, log_on });
                Ok(Some(login))
            }
            Ok(None) => Err(wrong()),
            Err(_) => Err(Refusal::plain(503, "nobody can log on now: try again in a minute")),
        }
    }
}

/// Whether everybody is told this: what printers there are. Clients ask that before they ask for a name and a password.
fn is_free(operation: u16) -> bool {
    matches!(
        operation,
        operation::GET_PRINTER_ATTRIBUTES
            | operation::CUPS_GET_DEFAULT
            | operation::CUPS_GET_PRINTERS
            | operation::CUPS_GET_CLASSES
    )
}

/// Refuses what nobody may do who has not logged on.
fn demand_log_on(context: &Context, request: &Request<'_>, is_sealed: bool) -> Result<(), Refusal> {
    let is_known = request.asker.login.is_some() || request.asker.uid.is_some();
    if !context.settings.log_on.is_required() || is_known || is_free(request.message.head.code) {
        return Ok(());
    }
    Err(match (is_sealed, context.settings.log_on.pam) {
        (true, true) => Refusal::plain(401, "a name and a password, please"),
        (true, false) => Refusal::plain(403, "this door wants a certificate"),
        (false, _) => Refusal::plain(426, "this door lets people log on over TLS alone"),
    })
}

fn request(context: &Context, wire: &mut Wire, head: Head, (words, basic): (&Words, &mut Option<Basic>)) -> Answer {
    let address = wire.connection.peer;
    let most = context.settings.most_octets;
    let Head { method, path, content_type, host, expects, keeps, length, framing, packing, authorization, .. } = head;
    let mut body = Body::new(wire, framing, expects);
    let why = match method.as_str() {
        "POST" if !path.starts_with('/') && path != "*" => Some((400, "the path is none")),
        "POST" if content_type != "application/ipp" => Some((415, "this is a printer: it takes application/ipp")),
        "POST" if most.is_some_and(|most| length.is_some_and(|length| length > most.saturating_add(1 << 20))) => {
            Some((413, "it is larger than this door takes"))
        }
        "POST" => None,
        "GET" | "HEAD" => Some((404, "this is a printer, and has no pages")),
        _ => Some((405, "this is a printer: it takes POST")),
    };
    if let Some(why) = why {
        return refuse(&mut body, why, keeps, method == "HEAD");
    }
    // At a socket of this machine a client has no port, and CUPS' library writes one that no address can have.
    let host = host.filter(|_| address.address().is_some()).unwrap_or_else(|| body.connection().own_address());
    let root = format!("{}://{host}", if body.connection().is_sealed() { "ipps" } else { "ipp" });
    let shown = Shown::new(context, body.connection(), authorization, basic);
    let (head, done) = message(context, &mut body, packing, (root, shown), words);
    if let Some(stop) = &body.failed {
        let octets = match stop {
            Stop::Bad(code, why) => http::plain(*code, why),
            Stop::Silent => http::plain(408, "nothing came any more"),
            // A document that was on its way is said where it was read.
            Stop::Closed | Stop::Broken(_) => return Answer::Lost,
        };
        return Answer::Ends(octets, None);
    }
    if let Err(Refusal { plain: Some(why), .. }) = done {
        return refuse(&mut body, why, keeps, false);
    }
    let (id, version) = (head.id, answers::version(head.version));
    let Done { status, groups, unsupported, token } = match done {
        Ok(done) => done,
        Err(refusal) => {
            // A question that is answered with no is nobody's loss; a job is.
            if matches!(head.code, operation::PRINT_JOB | operation::CREATE_JOB | operation::SEND_DOCUMENT) {
                let why = format!("a job of {address} was refused: {}", refusal.why);
                context.link.trouble(DoorTrouble::Refused, why);
            }
            let mut group = answers::first_group();
            group.add("status-message", Value::Octets(tag::TEXT, shortened(&refusal.why)));
            Done { status: refusal.status, groups: vec![group], unsupported: refusal.unsupported, token: None }
        }
    };
    let mut groups = groups;
    if groups.first().is_none_or(|group| group.tag != tag::OPERATION) {
        groups.insert(0, answers::first_group());
    }
    if !unsupported.is_empty() {
        groups.insert(1, Group { tag: tag::UNSUPPORTED, attributes: unsupported });
    }
    let answer = Message { head: IppHead { version, code: status, id }, groups }.encode();
    let whole = body.drain();
    let keeps = keeps && whole;
    let octets = http::answer(200, "application/ipp", keeps, &answer);
    if keeps { Answer::Goes(octets, token) } else { Answer::Ends(octets, token) }
}

/// Answers that a request is refused as HTTP.
fn refuse(body: &mut Body<'_>, (code, why): (u16, &str), keeps: bool, is_head: bool) -> Answer {
    let text = format!("{code}: {why}\n");
    let keeps = keeps && body.drain();
    let shown = if is_head { &[][..] } else { text.as_bytes() };
    let octets = http::answer(code, "text/plain; charset=utf-8", keeps, shown);
    if keeps { Answer::Goes(octets, None) } else { Answer::Ends(octets, None) }
}

/// A text of at most 255 octets without control characters.
fn shortened(text: &str) -> Vec<u8> {
    let Value::Octets(_, octets) = Value::name(&spoolsuite::model::printable::escaped(text)) else { return Vec::new() };
    octets
}

/// Reads a message, and does what it asks.
fn message(
    context: &Context,
    body: &mut Body<'_>,
    packing: Option<Packing>,
    (root, shown): (String, Shown<'_>),
    words: &Words,
) -> (IppHead, Result<Done, Refusal>) {
    let unread = |error: IppError| match error {
        IppError::TooMuch(_) => Refusal::new(status::ENTITY_TOO_LARGE, error.to_string()),
        IppError::Io(_) => Refusal::bad("the message ends before its end"),
        IppError::Malformed(why) => Refusal::bad(why),
    };
    let (who, proof) = (body.connection().peer, body.connection().proof());
    let mut buffered = Buffered { body: Inlet::new(body, packing), octets: [0; 4096], at: 0, end: 0 };
    let head = match IppHead::read(&mut buffered) {
        Ok(head) => head,
        Err(error) => {
            return (IppHead { version: (1, 1), code: 0, id: 0 }, Err(unread(error)));
        }
    };
    if !(1..=2).contains(&head.version.0) {
        let why = format!("version {}.{} is none that is spoken here", head.version.0, head.version.1);
        return (head, Err(Refusal::new(status::VERSION_NOT_SUPPORTED, why)));
    }
    let read = match Message::read(head, &mut buffered) {
        Ok(read) => read,
        Err(error) => return (head, Err(unread(error))),
    };
    let proof = match proof {
        Ok(proof) => proof,
        Err(error) => return (head, Err(Refusal::new(status::TEMPORARY_ERROR, format!("who calls? {error}")))),
    };
    let is_sealed = shown.is_sealed;
    let login = shown.login(context, head.code);
    let done = login.and_then(|login| checked(&read, (who, proof, login), root)).and_then(|request| {
        demand_log_on(context, &request, is_sealed)?;
        let left = buffered.body.left().map(|left| left + (buffered.end - buffered.at) as u64);
        act(context, &Request { left: left.filter(|_| request.packing.is_none()), ..request }, &mut buffered, words)
    });
    (head, done)
}

/// A body that is read in small pieces.
struct Buffered<'a, 'b> {
    body: Inlet<'a, 'b>,
    octets: [u8; 4096],
    at: usize,
    end: usize,
}

impl Read for Buffered<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.end {
            if out.len() >= self.octets.len() {
                return self.body.read(out);
            }
            (self.at, self.end) = (0, self.body.read(&mut self.octets)?);
        }
        let ready = self.octets.get(self.at..self.end).unwrap_or_default();
        let n = ready.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), ready.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}

/// Checks what every request has (RFC 8011 §4.1).
fn checked(
    message: &Message,
    (who, proof, login): (Who, Option<OwnedFd>, Option<DoorLogin>),
    root: String,
) -> Result<Request<'_>, Refusal> {
    if message.head.id < 1 {
        return Err(Refusal::bad("a request has a number above 0"));
    }
    let operation = match message.groups.as_slice() {
        [first, ..] if first.tag == tag::OPERATION => first,
        _ => return Err(Refusal::bad("the attributes of the operation come first")),
    };
    if message.groups.windows(2).any(|pair| matches!(pair, [a, b] if a.tag > b.tag || b.tag == tag::OPERATION)) {
        return Err(Refusal::bad("the groups of attributes are in the wrong order"));
    }
    let [charset, language, ..] = operation.attributes.as_slice() else {
        return Err(Refusal::bad("attributes-charset and attributes-natural-language come first"));
    };
    let is = |attribute: &Attribute, name: &str, tag: u8| {
        attribute.name == name
            && attribute.values.len() == 1
            && attribute.values.first().is_some_and(|value| value.tag() == tag)
    };
    if !is(charset, "attributes-charset", tag::CHARSET) || !is(language, "attributes-natural-language", tag::LANGUAGE) {
        return Err(Refusal::bad("attributes-charset and attributes-natural-language come first, each with one value"));
    }
    let named = charset.values.first().and_then(Value::as_text).unwrap_or_default().to_ascii_lowercase();
    if !matches!(named.as_str(), "utf-8" | "us-ascii") {
        let why = "attributes-charset is utf-8 here";
        return Err(Refusal { unsupported: vec![charset.clone()], ..Refusal::new(status::CHARSET_NOT_SUPPORTED, why) });
    }
    if let Some(twice) = operation
        .attributes
        .iter()
        .enumerate()
        .find(|(at, one)| operation.attributes.iter().take(*at).any(|before| before.name == one.name))
    {
        return Err(Refusal::bad(&format!("{} stands there twice", twice.1.name)));
    }
    let uri = |name: &str| match operation.find(name) {
        None => Ok(None),
        Some(found) if is(found, name, tag::URI) => Ok(found.values.first().and_then(Value::as_text)),
        Some(_) => Err(Refusal::bad(&format!("{name} is one address"))),
    };
    let needs_none = matches!(
        message.head.code,
        operation::CUPS_GET_DEFAULT | operation::CUPS_GET_PRINTERS | operation::CUPS_GET_CLASSES
    );
    let (printer, job) = (uri("printer-uri")?, uri("job-uri")?);
    let target = match (printer, job) {
        (Some(printer), _) => {
            let number = operation.value("job-id").and_then(Value::as_integer);
            // A number below 0 stands for all jobs in what CUPS' commands send.
            let is_of_all = matches!(message.head.code, operation::CANCEL_JOBS | operation::PURGE_JOBS);
            let number = number.filter(|number| !is_of_all || *number >= 0);
            match (target(&printer), number) {
                (Target::Printer(name), Some(number)) => Target::job(number, Some(name)),
                (Target::Any, Some(number)) => Target::job(number, None),
                (found, _) => found,
            }
        }
        (None, Some(job)) => match target(&job) {
            found @ Target::Job(..) => found,
            _ => Target::Nothing(job),
        },
        (None, None) if needs_none => Target::Any,
        (None, None) => return Err(Refusal::bad("printer-uri or job-uri says what is meant")),
    };
    let user = operation.text("requesting-user-name").filter(|user| !user.trim().is_empty());
    let asker = match who {
        Who::Address(_) => DoorAsker { peer: who.address(), user, uid: None, login },
        // Whom the kernel names needs no other name.
        Who::User(uid) => DoorAsker { peer: None, user: None, uid: Some(uid), login: None },
    };
    let packing = operation.text("compression").and_then(|word| Packing::named(&word)).flatten();
    let asker = Asker { asker, proof };
    Ok(Request { message, operation, target, asker, root, left: None, packing })
}

impl Request<'_> {
    /// The printer that is meant, as the client names it; empty = the usual one.
    fn queue(&self) -> Result<&str, Refusal> {
        match &self.target {
            Target::Printer(name) => Ok(name),
            Target::Any => Ok(""),
            Target::Job(..) => Err(Refusal::bad("this operation is about a printer")),
            Target::Nothing(uri) => Err(Refusal::new(status::NOT_FOUND, format!("{uri}: there is no such printer"))),
        }
    }

    fn number(&self) -> Result<u32, Refusal> {
        match &self.target {
            Target::Job(number, _) => Ok(*number),
            Target::Nothing(uri) => Err(Refusal::new(status::NOT_FOUND, format!("{uri}: there is no such job"))),
            _ => Err(Refusal::bad("job-id or job-uri says which job is meant")),
        }
    }

    fn wanted(&self, usual: &[&str]) -> Wanted {
        Wanted::of(self.operation.find("requested-attributes"), usual)
    }
}

fn printers(context: &Context, queue: Option<&str>) -> Result<Vec<DoorPrinter>, Refusal> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let (page, next) = context.link.printers(queue, after).map_err(no_act)?;
        found.extend(page);
        match next {
            Some(next) if queue.is_none() => after = next,
            _ => return Ok(found),
        }
    }
}

fn printer(context: &Context, request: &Request<'_>) -> Result<DoorPrinter, Refusal> {
    let unknown = || Refusal::new(status::NOT_FOUND, "there is no such printer");
    printers(context, Some(request.queue()?))?.into_iter().next().ok_or_else(unknown)
}

/// The same, as far as a job for it is concerned.
fn printer_for_job(context: &Context, request: &Request<'_>) -> Result<DoorPrinter, Refusal> {
    let unknown = || Refusal::new(status::NOT_FOUND, "there is no such printer");
    context.link.printer_for_job(request.queue()?).map_err(no_act)?.ok_or_else(unknown)
}

/// The job that is meant. A printer that was named has to be there, and to be its printer.
fn job(context: &Context, request: &Request<'_>, why: bool) -> Result<DoorJobRow, Refusal> {
    let number = request.number()?;
    let unknown = || Refusal::new(status::NOT_FOUND, format!("Job #{number} does not exist."));
    let row = match context.link.jobs(DoorJobs::One { number, why }, &request.asker) {
        Err(failure) if failure.kind == FailureKind::NotFound => None,
        rows => rows.map_err(no_act)?.into_iter().next(),
    };
    let row = row.ok_or_else(unknown)?;
    if let Target::Job(_, Some(queue)) = &request.target {
        let printer = printers(context, Some(queue))?.into_iter().next();
        printer.filter(|printer| printer.name.eq_ignore_ascii_case(&row.queue)).ok_or_else(unknown)?;
    }
    Ok(row)
}

fn act(context: &Context, request: &Request<'_>, body: &mut Buffered<'_, '_>, words: &Words) -> Result<Done, Refusal> {
    match request.message.head.code {
        operation::PRINT_JOB => print_job(context, request, body, words),
        operation::VALIDATE_JOB => {
            let printer = printer_for_job(context, request)?;
            let plan = plan(context, request, &printer)?;
            Ok(Done { status: plan.status(), unsupported: plan.unsupported, ..Done::default() })
        }
        operation::CREATE_JOB => {
            let printer = printer_for_job(context, request)?;
            let plan = plan(context, request, &printer)?;
            let (status, unsupported) = (plan.status(), plan.unsupported.clone());
            let job = plan.job(request, &printer, random().map_err(no_job)?)?;
            let group = new_job(context.link.open(job, &request.asker).map_err(no_job)?, request, words);
            Ok(Done { status, unsupported, groups: vec![group], token: None })
        }
        operation::SEND_DOCUMENT => send_document(context, request, body, words),
        operation::CLOSE_JOB => {
            let row = job(context, request, false)?;
            if row.own.is_some() && row.state != DoorJobState::Lives(spoolsuite::model::state::JobState::Open) {
                // Its last document has closed it.
                return Ok(Done::default());
            }
            let (token, _) = context.link.append(row.number, &request.asker, None, true).map_err(no_act)?;
            Ok(Done { token, ..Done::default() })
        }
        operation::CANCEL_JOB => match &request.target {
            // lprm without a number: what prints or waits first.
            Target::Job(0, Some(queue)) => cancel_current(context, request, queue),
            _ => change(context, request, DoorAct::Cancel),
        },
        operation::HOLD_JOB => match request.operation.text("job-hold-until").as_deref() {
            None | Some("indefinite") => change(context, request, DoorAct::Hold),
            Some("no-hold") => change(context, request, DoorAct::Release),
            Some(_) => Err(not_supported(request.operation, "job-hold-until")),
        },
        operation::RELEASE_JOB => change(context, request, DoorAct::Release),
        operation::SET_JOB_ATTRIBUTES => {
            let group = request.message.group(tag::JOB).ok_or_else(|| Refusal::bad("nothing is set"))?;
            match (group.attributes.as_slice(), group.text("job-hold-until").as_deref()) {
                ([_], Some("indefinite")) => change(context, request, DoorAct::Hold),
                ([_], Some("no-hold")) => change(context, request, DoorAct::Release),
                _ => Err(Refusal {
                    unsupported: group.attributes.clone(),
                    ..Refusal::new(status::VALUES_NOT_SUPPORTED, "job-hold-until can be set to indefinite or no-hold")
                }),
            }
        }
        operation::CANCEL_MY_JOBS => cancel_my_jobs(context, request),
        operation::CANCEL_JOBS => cancel_jobs(context, request),
        // What CUPS' lprm - sends; what was printed stays in the history.
        operation::PURGE_JOBS if request.operation.value("purge-jobs") == Some(&Value::Boolean(false)) => {
            cancel_jobs(context, request)
        }
        operation::GET_JOB_ATTRIBUTES => {
            let row = job(context, request, true)?;
            let wanted = request.wanted(&["all"]);
            Ok(Done::with(vec![answers::first_group(), answers::job(&row, &wanted, &request.root, &words.why)]))
        }
        operation::GET_JOBS => get_jobs(context, request, words),
        operation::GET_PRINTER_ATTRIBUTES => {
            let printer = printer(context, request)?;
            let wanted = request.wanted(&["all"]);
            Ok(Done::with(vec![answers::first_group(), answers::printer(context, &printer, &wanted, &request.root)]))
        }
        operation::CUPS_GET_DEFAULT => {
            let none = |_| Refusal::new(status::NOT_FOUND, "No default printer.");
            let found = printers(context, Some("")).map_err(none)?;
            let found = found.first().ok_or_else(|| none(Refusal::bad("")))?;
            let wanted = request.wanted(&["all"]);
            Ok(Done::with(vec![answers::first_group(), answers::printer(context, found, &wanted, &request.root)]))
        }
        operation::CUPS_GET_PRINTERS | operation::CUPS_GET_CLASSES => {
            let wanted = request.wanted(&["all"]);
            let classes = request.message.head.code == operation::CUPS_GET_CLASSES;
            let first = request.operation.text("first-printer-name");
            let limit =
                request.operation.value("limit").and_then(Value::as_integer).and_then(|n| usize::try_from(n).ok());
            let all = printers(context, None)?;
            if all.is_empty() {
                return Err(Refusal::new(status::NOT_FOUND, "No destinations added."));
            }
            let all = all.into_iter().filter(|printer| printer.is_group == classes);
            let from = all.skip_while(|printer| first.as_ref().is_some_and(|first| printer.name < *first));
            let rows = from.take(limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX));
            let mut groups = vec![answers::first_group()];
            groups.extend(rows.map(|row| answers::printer(context, &row, &wanted, &request.root)));
            Ok(Done::with(groups))
        }
        code => Err(Refusal::new(status::OPERATION_NOT_SUPPORTED, format!("operation {code:04x} is not supported"))),
    }
}

fn not_supported(group: &Group, name: &str) -> Refusal {
    let unsupported = group.find(name).cloned().into_iter().collect();
    Refusal { unsupported, ..Refusal::new(status::VALUES_NOT_SUPPORTED, format!("{name}: the value is not supported")) }
}

/// A job as its sender describes it, checked.
struct Plan {
    title: String,
    copies: u32,
    held: Option<String>,
    banner: bool,
    attributes: Vec<(String, String)>,
    unsupported: Vec<Attribute>,
}

impl Plan {
    fn status(&self) -> u16 {
        if self.unsupported.is_empty() { status::OK } else { status::OK_IGNORED }
    }

    fn job(self, request: &Request<'_>, printer: &DoorPrinter, token: String) -> Result<DoorJob, Refusal> {
        Ok(DoorJob {
            token,
            key: String::new(),
            queue: printer.name.clone(),
            title: self.title.clone(),
            user: request.asker.user.clone(),
            host: None,
            peer: request.asker.peer,
            uid: request.asker.uid,
            login: request.asker.login.clone(),
            documents: vec![DoorDocument {
                name: document_name(request, &self.title),
                copies: self.copies,
                format: None,
            }],
            banner: self.banner,
            held: self.held,
            remarks: Vec::new(),
            attributes: self.attributes,
            link: None,
        })
    }
}

fn document_name(request: &Request<'_>, title: &str) -> String {
    request.operation.text("document-name").filter(|name| !name.trim().is_empty()).unwrap_or_else(|| title.to_owned())
}

/// Checks the compression and the format of a document.
fn demand_document(operation: &Group, printer: &DoorPrinter) -> Result<(), Refusal> {
    if operation.text("compression").is_some_and(|word| Packing::named(&word).is_none()) {
        let unsupported = operation.find("compression").cloned().into_iter().collect();
        let why = "compression is none, gzip or deflate";
        return Err(Refusal { unsupported, ..Refusal::new(status::COMPRESSION_NOT_SUPPORTED, why) });
    }
    let format = operation.text("document-format").map(|format| format.to_ascii_lowercase());
    let bare = format.as_deref().map(|format| format.split(';').next().unwrap_or_default().trim());
    match bare {
        Some(format) if !answers::takes(printer, format) => {
            let unsupported = operation.find("document-format").cloned().into_iter().collect();
            let why = format!("{} is not declared to print {format}", printer.name);
            Err(Refusal { unsupported, ..Refusal::new(status::FORMAT_NOT_SUPPORTED, why) })
        }
        _ => Ok(()),
    }
}

/// Checks what a job asks for, before a document is read.
fn plan(context: &Context, request: &Request<'_>, printer: &DoorPrinter) -> Result<Plan, Refusal> {
    let operation = request.operation;
    if let Some(why) = &printer.refuses {
        return Err(Refusal::new(status::NOT_ACCEPTING_JOBS, why.clone()));
    }
    demand_document(operation, printer)?;
    let most = context.settings.most_octets;
    if most.is_some_and(|most| request.left.is_some_and(|left| left > most)) {
        return Err(too_large(context));
    }
    let name = |name: &str| operation.text(name).filter(|text| !text.trim().is_empty());
    let title = name("job-name").or_else(|| name("document-name"));
    let mut plan = Plan {
        title: title.unwrap_or_else(|| "Untitled".to_owned()),
        copies: 1,
        held: None,
        banner: false,
        attributes: Vec::new(),
        unsupported: Vec::new(),
    };
    let attributes =
        request.message.groups.iter().filter(|group| group.tag == tag::JOB).flat_map(|group| &group.attributes);
    for attribute in attributes {
        let value = attribute.values.first();
        let (number, text) = (value.and_then(Value::as_integer), value.and_then(Value::as_text));
        match (attribute.name.as_str(), number, text.as_deref()) {
            ("copies", Some(n @ 1..=9_999), _) => plan.copies = u32::try_from(n).unwrap_or(1),
            ("job-hold-until", _, Some("no-hold")) => {}
            ("job-hold-until", _, Some("indefinite")) => plan.held = Some("job-hold-until is indefinite".to_owned()),
            ("job-priority", Some(n @ 1..=100), _) => plan.attributes.push(("job-priority".to_owned(), n.to_string())),
            ("job-sheets", _, Some("none")) => {}
            ("job-sheets", _, Some("standard")) => plan.banner = true,
            (
                "job-name" | "job-uuid" | "job-originating-user-name" | "job-originating-host-name" | "document-name",
                ..,
            ) => {}
            _ if ipp_driverless::takes(printer, attribute) => {}
            _ => plan.unsupported.push(attribute.clone()),
        }
    }
    let strict = operation.value("ipp-attribute-fidelity") == Some(&Value::Boolean(true));
    if strict && !plan.unsupported.is_empty() {
        let why = "some attributes are not supported, and ipp-attribute-fidelity wants all of them";
        return Err(Refusal { unsupported: plan.unsupported, ..Refusal::new(status::VALUES_NOT_SUPPORTED, why) });
    }
    Ok(plan)
}

fn too_large(context: &Context) -> Refusal {
    let most = context.settings.most_octets.unwrap_or(u64::MAX);
    Refusal::new(status::ENTITY_TOO_LARGE, format!("it is larger than the {most} octets that this door takes"))
}

/// A document that is here.
struct Arrived {
    file: Paper,
    octets: u64,
    digest: String,
}

/// Reads a document to its end; of the job `number`, if that has begun to arrive.
fn document(
    context: &Context,
    request: &Request<'_>,
    body: &mut Buffered<'_, '_>,
    number: Option<u32>,
) -> Result<Arrived, Refusal> {
    let mut file = context.link.new_file(request.left).map_err(no_job)?;
    let mut unpacked;
    let body: &mut dyn Read = match request.packing {
        None => body,
        Some(packing) => {
            unpacked = Unpacked::new(body, packing);
            &mut unpacked
        }
    };
    let mut told = Instant::now();
    let most = context.settings.most_octets.unwrap_or(u64::MAX);
    let (mut hasher, mut octets, mut buffer) = (blake3::Hasher::new(), 0u64, vec![0; CHUNK]);
    loop {
        let n = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) => {
                use std::io::ErrorKind::{InvalidData, UnexpectedEof};
                if matches!(error.kind(), InvalidData | UnexpectedEof) {
                    let why = format!("the document is not packed as it says: {error} after {octets} octets");
                    return Err(Refusal::new(status::COMPRESSION_ERROR, why));
                }
                let why = format!("a job of {} did not arrive: {error} after {octets} octets", request.asker.origin());
                context.link.trouble(DoorTrouble::Unfinished, why);
                return Err(Refusal::bad("the document did not arrive"));
            }
        };
        // The job waits for this document, however long it takes, as long as it goes on.
        if let Some(number) = number.filter(|_| told.elapsed() >= Duration::from_secs(context.settings.patience)) {
            context.link.arrives(number, &request.asker).map_err(no_job)?;
            told = Instant::now();
        }
        let got = buffer.get(..n).unwrap_or_default();
        octets += n as u64;
        if octets > most {
            return Err(too_large(context));
        }
        if let Err(error) = file.write_all(got) {
            return Err(Refusal::new(status::TEMPORARY_ERROR, format!("no room for the document: {error}")));
        }
        hasher.update(got);
    }
    Ok(Arrived { file, octets, digest: hasher.finalize().to_hex().to_string() })
}

fn print_job(
    context: &Context,
    request: &Request<'_>,
    body: &mut Buffered<'_, '_>,
    words: &Words,
) -> Result<Done, Refusal> {
    let printer = printer_for_job(context, request)?;
    let plan = plan(context, request, &printer)?;
    let (status, unsupported) = (plan.status(), plan.unsupported.clone());
    let arrived = document(context, request, body, None)?;
    if arrived.octets == 0 {
        return Err(Refusal::bad(NO_DOCUMENT));
    }
    let mut hasher = blake3::Hasher::new();
    let peer = request.asker.origin();
    let user = request.asker.user.clone().unwrap_or_default();
    for part in [&peer, &user, &printer.name, &plan.title, &arrived.digest] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    let key: String = hasher.finalize().to_hex().chars().take(32).collect();
    let token = token(&key).map_err(no_job)?;
    let job = DoorJob { key: format!("{key}."), ..plan.job(request, &printer, token.clone())? };
    fault::point("door-received");
    let new = context.link.submit_for(job, vec![OwnedFd::from(arrived.file)], &request.asker).map_err(no_job)?;
    fault::point("door-submitted");
    let group = new_job(new, request, words);
    Ok(Done { status, unsupported, groups: vec![group], token: Some(token) })
}

/// What is said of a job that was just made. A job that is gone already was printed.
fn new_job(New { number, row }: New, request: &Request<'_>, words: &Words) -> Group {
    let names = ["job-id", "job-uri", "job-state", "job-state-reasons", "job-state-message", "job-uuid"];
    let wanted = Wanted::of(None, &names);
    match row {
        Some(row) => answers::job(&row, &wanted, &request.root, &words.why),
        None => {
            let mut group = Group::new(tag::JOB);
            group.add("job-id", Value::Integer(i32::try_from(number).unwrap_or(i32::MAX)));
            group.add("job-uri", Value::uri(&format!("{}/jobs/{number}", request.root)));
            group.add("job-state", Value::Enum(3));
            group.add("job-state-reasons", Value::keyword("none"));
            group
        }
    }
}

fn send_document(
    context: &Context,
    request: &Request<'_>,
    body: &mut Buffered<'_, '_>,
    words: &Words,
) -> Result<Done, Refusal> {
    let operation = request.operation;
    let Some(Value::Boolean(last)) = operation.value("last-document") else {
        return Err(Refusal::bad("last-document says whether another document follows"));
    };
    let row = job(context, request, false)?;
    if !matches!(row.state, DoorJobState::Lives(spoolsuite::model::state::JobState::Open)) {
        return Err(Refusal::new(status::NOT_POSSIBLE, format!("job {} has all of its documents", row.number)));
    }
    let printer = context.link.printer_for_job(&row.queue).map_err(no_act)?;
    if let Some(printer) = &printer {
        demand_document(operation, printer)?;
    }
    context.link.arrives(row.number, &request.asker).map_err(no_job)?;
    let arrived = document(context, request, body, Some(row.number))?;
    let title = row.own.as_ref().map_or_else(|| "Untitled".to_owned(), |own| own.title.clone());
    // Copies were said when the job was opened: the server knows.
    let document = DoorDocument { name: document_name(request, &title), copies: 1, format: None };
    let sent = (arrived.octets > 0).then(|| (document, arrived.digest, OwnedFd::from(arrived.file)));
    let (token, new) = context.link.append(row.number, &request.asker, sent, *last).map_err(no_job)?;
    let group = new_job(new, request, words);
    Ok(Done { token, ..Done::with(vec![group]) })
}

fn change(context: &Context, request: &Request<'_>, act: DoorAct) -> Result<Done, Refusal> {
    let row = job(context, request, false)?;
    context.link.act(row.number, &request.asker, act).map_err(no_act)?;
    Ok(Done::default())
}

/// The numbers that a request names.
fn named(operation: &Group) -> Option<Vec<u32>> {
    let values = &operation.find("job-ids")?.values;
    Some(values.iter().filter_map(Value::as_integer).filter_map(|n| u32::try_from(n).ok()).collect())
}

/// The jobs of a printer, or of all, that have not ended; those of the asker alone, or all.
fn living(context: &Context, request: &Request<'_>, queue: &str, own: bool) -> Result<Vec<DoorJobRow>, Refusal> {
    let queue = (!queue.is_empty()).then(|| queue.to_owned());
    let which = DoorJobs::Of { queue, ended: false, own, skip: 0, limit: MOST_JOBS };
    context.link.jobs(which, &request.asker).map_err(no_act)
}

/// Cancels the first job of the asker: one that prints, else the next one that would.
fn cancel_current(context: &Context, request: &Request<'_>, queue: &str) -> Result<Done, Refusal> {
    use spoolsuite::model::state::JobState::Printing;
    let own = living(context, request, queue, true)?;
    let first = own.iter().find(|job| job.state == DoorJobState::Lives(Printing)).or(own.first());
    let none = || Refusal::new(status::NOT_POSSIBLE, format!("No active jobs of yours on {queue}."));
    let first = first.ok_or_else(none)?;
    context.link.act(first.number, &request.asker, DoorAct::Cancel).map_err(no_act)?;
    Ok(Done::default())
}

/// Cancels all jobs of a printer, or of all, as far as they are the asker's. That others stay is said.
fn cancel_jobs(context: &Context, request: &Request<'_>) -> Result<Done, Refusal> {
    let queue = match &request.target {
        Target::Job(_, queue) => queue.clone().unwrap_or_default(),
        _ => request.queue()?.to_owned(),
    };
    let (all, named) = (living(context, request, &queue, false)?, named(request.operation));
    let chosen = all.into_iter().filter(|job| named.as_ref().is_none_or(|named| named.contains(&job.number)));
    let (own, others): (Vec<_>, Vec<_>) = chosen.partition(|job| job.own.is_some());
    for job in &own {
        match context.link.act(job.number, &request.asker, DoorAct::Cancel) {
            // It has ended meanwhile.
            Err(failure) if failure.kind == FailureKind::State => {}
            done => done.map_err(no_act)?,
        }
    }
    if others.is_empty() {
        return Ok(Done::default());
    }
    let why = format!("{} of yours cancelled; {} of others stay, and are not yours to cancel", own.len(), others.len());
    Err(Refusal::new(status::NOT_AUTHORIZED, why))
}

fn cancel_my_jobs(context: &Context, request: &Request<'_>) -> Result<Done, Refusal> {
    let queue = match request.queue()? {
        "" => None,
        queue => Some(queue.to_owned()),
    };
    let which = DoorJobs::Of { queue, ended: false, own: true, skip: 0, limit: MOST_JOBS };
    let own: Vec<u32> =
        context.link.jobs(which, &request.asker).map_err(no_act)?.into_iter().map(|row| row.number).collect();
    let chosen = match named(request.operation) {
        None => own,
        Some(named) => {
            if let Some(other) = named.iter().find(|number| !own.contains(number)) {
                return Err(Refusal::new(
                    status::NOT_POSSIBLE,
                    format!("job {other} is none of yours that can be cancelled"),
                ));
            }
            named
        }
    };
    for number in chosen {
        context.link.act(number, &request.asker, DoorAct::Cancel).map_err(no_act)?;
    }
    Ok(Done::default())
}

fn get_jobs(context: &Context, request: &Request<'_>, words: &Words) -> Result<Done, Refusal> {
    let operation = request.operation;
    let queue = match request.queue()? {
        "" => None,
        queue => Some(queue.to_owned()),
    };
    let count = |name: &str| match operation.value(name) {
        None => Ok(None),
        Some(Value::Integer(n)) if *n >= 1 => Ok(u32::try_from(*n).ok()),
        Some(_) => Err(Refusal::bad(&format!("{name} is a number above 0"))),
    };
    let limit = count("limit")?.unwrap_or(MOST_JOBS).min(MOST_JOBS);
    let skip = count("first-index")?.map_or(0, |first| first - 1);
    let own = operation.value("my-jobs") == Some(&Value::Boolean(true));
    let kinds: &[bool] = match operation.text("which-jobs").as_deref() {
        None | Some("not-completed") => &[false],
        Some("completed") => &[true],
        Some("all") => &[false, true],
        Some(_) => return Err(not_supported(operation, "which-jobs")),
    };
    // Whoever asks for everything in a printer that is not there is told so.
    if let Some(queue) = &queue {
        printers(context, Some(queue))?;
    }
    let wanted = request.wanted(&["job-id", "job-uri"]);
    let rows = match named(operation) {
        Some(numbers) => named_jobs(context, request, (queue.as_deref(), own, kinds), &numbers)?
            .into_iter()
            .skip(skip as usize)
            .take(limit as usize)
            .collect(),
        None => listed_jobs(context, request, (queue, own, kinds), (skip, limit))?,
    };
    let mut groups = vec![answers::first_group()];
    groups.extend(rows.iter().map(|row| answers::job(row, &wanted, &request.root, &words.why)));
    Ok(Done::with(groups))
}

/// Those of the named jobs that are there, in the order of their names.
fn named_jobs(
    context: &Context,
    request: &Request<'_>,
    (queue, own, kinds): (Option<&str>, bool, &[bool]),
    numbers: &[u32],
) -> Result<Vec<DoorJobRow>, Refusal> {
    if numbers.len() > MOST_JOBS as usize {
        return Err(Refusal::bad("job-ids names too many jobs"));
    }
    let mut rows = Vec::new();
    for number in numbers {
        match context.link.jobs(DoorJobs::One { number: *number, why: true }, &request.asker) {
            Ok(found) => rows.extend(found),
            // One that does not exist is left out.
            Err(failure) if failure.kind == FailureKind::NotFound => {}
            Err(failure) => return Err(no_act(failure)),
        }
    }
    rows.retain(|row| {
        kinds.contains(&!matches!(row.state, DoorJobState::Lives(_)))
            && (!own || row.own.is_some())
            && queue.is_none_or(|queue| row.queue.eq_ignore_ascii_case(queue))
    });
    Ok(rows)
}

/// The jobs of a queue, those that wait before those that have ended: of two lists the second begins where the first one ends.
fn listed_jobs(
    context: &Context,
    request: &Request<'_>,
    (queue, own, kinds): (Option<String>, bool, &[bool]),
    (mut skip, limit): (u32, u32),
) -> Result<Vec<DoorJobRow>, Refusal> {
    let list = |ended: bool, skip: u32, limit: u32| {
        let which = DoorJobs::Of { queue: queue.clone(), ended, own, skip, limit };
        context.link.jobs(which, &request.asker).map_err(no_act)
    };
    let length = |list: Vec<DoorJobRow>| u32::try_from(list.len()).unwrap_or(u32::MAX);
    let mut rows: Vec<DoorJobRow> = Vec::new();
    for (n, ended) in kinds.iter().enumerate() {
        let room = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        if room == 0 {
            break;
        }
        let found = list(*ended, skip, room)?;
        let is_last = n + 1 == kinds.len();
        if found.is_empty() && skip > 0 && !is_last {
            // How long was it?
            let mut passed = 0;
            loop {
                let page = length(list(*ended, passed, MOST_JOBS)?);
                passed += page;
                if page < MOST_JOBS {
                    break;
                }
            }
            skip = skip.saturating_sub(passed);
        } else {
            skip = 0;
        }
        rows.extend(found);
    }
    Ok(rows)
}
