//! Secure release: queues whose jobs wait for their owners, printers that accept only some jobs, and the answer to "may this
//! job be released there?" (docs/reference/secure-release.md 2, 3).
//!
//! Everything here is a value or a pure function of values, so that a job of another server is judged as one of this one: the
//! owner of a job judges from its own data, whoever asks.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::hours::Closed;
use super::ids::{GlobalJobId, JobId, JobNumber, LocalJobId};
use super::job::Format;
use super::lease::Answered;
use super::names::{DeviceName, GroupName, ServerName};
use super::object::ObjectName;
use super::state::HoldReasons;

/// Minutes for which a job of a secure queue can be released, where nobody says otherwise.
pub const USUAL_PURGE_MINUTES: i64 = 120;

/// Minutes before the end of that time at which somebody is told, where nobody says otherwise.
pub const USUAL_WARNING_MINUTES: i64 = 30;

/// What a queue does with what arrives.
pub const RELEASE_TYPES: &[&str] = &["direct", "secure"];
/// Whose jobs a station shows.
pub const JOBS_SHOWN: &[&str] = &["owner", "all"];

/// A queue, as far as other queues are concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolQueue {
    /// Its server.
    pub server: String,
    /// Its name.
    pub name: String,
    /// The queues that it names as compatible: `queue` of its own server, or `server:queue`.
    pub compatible: Vec<String>,
}

/// How two queues stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compatibility {
    /// They are one and the same.
    Same,
    /// Each names the other.
    Mutual,
    /// Only one of them names the other, which is not enough.
    OneWay,
    /// Neither names the other.
    None,
}

impl Compatibility {
    /// Whether jobs of one are released on printers of the other.
    pub fn is_effective(self) -> bool {
        matches!(self, Self::Same | Self::Mutual)
    }
}

impl PoolQueue {
    fn is(&self, other: &Self) -> bool {
        self.server.eq_ignore_ascii_case(&other.server) && self.name.eq_ignore_ascii_case(&other.name)
    }

    fn names(&self, other: &Self) -> bool {
        self.compatible.iter().any(|entry| {
            let (server, name) = entry.split_once(':').unwrap_or((&self.server, entry));
            server.eq_ignore_ascii_case(&other.server) && name.trim_start_matches('#').eq_ignore_ascii_case(&other.name)
        })
    }

    /// Tells how it stands to another queue. What others have in common with both counts for nothing.
    pub fn compatibility(&self, other: &Self) -> Compatibility {
        match (self.is(other), self.names(other), other.names(self)) {
            (true, ..) => Compatibility::Same,
            (_, true, true) => Compatibility::Mutual,
            (_, false, false) => Compatibility::None,
            _ => Compatibility::OneWay,
        }
    }
}

/// Checks one entry of `compatible-queues`.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_compatible(entry: &str) -> Result<(), String> {
    let (server, name) = entry.split_once(':').map_or((None, entry), |(server, name)| (Some(server), name));
    let bad = || "it names a queue of this server, or server:queue".to_owned();
    if let Some(server) = server {
        server.parse::<super::names::ServerName>().map_err(|_| bad())?;
    }
    name.trim_start_matches('#').parse::<GroupName>().map(drop).map_err(|_| bad())
}

/// Words for what a job may ask of a printer, each with the token that it means. No token: it asks for nothing, for that is
/// what every printer does.
const WORDS: &[(&str, &str)] = &[
    ("duplex", "sides=two-sided"),
    ("tumble", "sides=two-sided"),
    ("two-sided", "sides=two-sided"),
    ("two-sided-long-edge", "sides=two-sided"),
    ("two-sided-short-edge", "sides=two-sided"),
    ("sides=two-sided-long-edge", "sides=two-sided"),
    ("sides=two-sided-short-edge", "sides=two-sided"),
    ("sides=2", "sides=two-sided"),
    ("simplex", ""),
    ("one-sided", ""),
    ("sides=1", ""),
    ("sides=one-sided", ""),
    ("color", "color"),
    ("colour", "color"),
    ("mono", ""),
    ("monochrome", ""),
    ("collate", "collate"),
    ("collated", "collate"),
    ("uncollated", ""),
    ("staple", "finishing=staple"),
    ("fold", "finishing=fold"),
    ("trim", "finishing=trim"),
    ("punch", "finishing=punch"),
    ("a3", "media=iso_a3_297x420mm"),
    ("a4", "media=iso_a4_210x297mm"),
    ("a5", "media=iso_a5_148x210mm"),
    ("letter", "media=na_letter_8.5x11in"),
    ("legal", "media=na_legal_8.5x14in"),
    ("ledger", "media=na_ledger_11x17in"),
    ("tabloid", "media=na_ledger_11x17in"),
    ("folio", "media=om_folio_210x330mm"),
];

/// Returns the token that a word means: `A4` and `media=iso_a4_210x297mm` are one. None for what every printer does.
pub fn token(word: &str) -> Option<String> {
    let word = word.trim().to_ascii_lowercase();
    let known = |word: &str| WORDS.iter().find(|row| row.0 == word).map(|row| row.1);
    let bare = word
        .split_once('=')
        .map(|parts| parts.1)
        .filter(|_| word.starts_with("media=") || word.starts_with("finishing=") || word.starts_with("sides="));
    let token = known(&word).or_else(|| bare.and_then(known)).map_or(word.clone(), str::to_owned);
    (!token.is_empty()).then_some(token)
}

/// Returns the token of a paper.
pub fn medium(word: &str) -> Option<String> {
    token(&format!("media={}", word.trim()))
}

/// Returns what people call a token: the shortest word that means it.
pub fn word_of(token: &str) -> String {
    let words = WORDS.iter().filter(|row| row.1 == token).map(|row| row.0);
    match words.min_by_key(|word| word.len()) {
        Some(word) if token.starts_with("media=") => word.to_ascii_uppercase(),
        Some("tumble" | "duplex") => "duplex".to_owned(),
        Some(word) => word.to_owned(),
        None => token.split_once('=').map_or(token, |parts| parts.1).to_owned(),
    }
}

/// Returns what of `wanted` a printer does not accept whose list is `valid`. An empty list accepts everything; another one is
/// all that is accepted. Nothing is left out or changed to make a job fit.
pub fn missing(valid: &[String], wanted: &[String]) -> Vec<String> {
    if valid.is_empty() {
        return Vec::new();
    }
    let valid: Vec<String> = valid.iter().filter_map(|word| token(word)).collect();
    // A paper of the site's own is named as it is: `invoice`.
    let plain = |token: &String| token.split_once('=').map(|parts| parts.1.to_owned());
    let accepted = |one: &&String| valid.contains(one) || plain(one).is_some_and(|bare| valid.contains(&bare));
    wanted.iter().filter(|one| !accepted(one)).cloned().collect()
}

/// Checks one entry of `valid-attributes`.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_valid(word: &str) -> Result<(), String> {
    match word.trim().is_empty() || word.chars().any(|c| c.is_whitespace() || c.is_control()) {
        true => Err("it is one word, as A4, duplex, color, staple or collate".to_owned()),
        false => Ok(()),
    }
}

/// A printer as a station offers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationPrinter {
    /// Its name.
    pub name: DeviceName,
    /// The queues whose jobs it prints anyway.
    pub queues: Vec<PoolQueue>,
    /// What it accepts; nothing = everything.
    pub valid: Vec<String>,
    /// Why it takes no job now; none = it does.
    pub trouble: Option<PrinterTrouble>,
}

/// Why a printer takes no job now. The text is what its device says, empty where it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrinterTrouble {
    /// It is stopped.
    Offline(String),
    /// It is suspended.
    Suspended,
    /// It has failed.
    InError(String),
    /// Its print process has failed.
    ProcessInError,
    /// It is being stopped.
    Stopping,
    /// It takes nothing of the job that it prints.
    Stalled,
    /// The station at which it is to be used is closed.
    StationClosed(Closed),
}

/// The end of the sentence "the printer …".
impl fmt::Display for PrinterTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, text) = match self {
            Self::StationClosed(closed) => return write!(f, "is at a station that is {closed}"),
            Self::Offline(text) => ("is offline", text.as_str()),
            Self::Suspended => ("is suspended", ""),
            Self::InError(text) => ("is in error", text.as_str()),
            Self::ProcessInError => ("cannot print: its print process is in error", ""),
            Self::Stopping => ("is being stopped", ""),
            Self::Stalled => ("takes nothing of the job that it prints: it may be jammed or without paper", ""),
        };
        f.write_str(words)?;
        if text.is_empty() { Ok(()) } else { write!(f, ": {text}") }
    }
}

/// A job, as far as printers are concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The queue to which it was sent.
    pub queue: PoolQueue,
    /// What it asks of a printer, as tokens.
    pub attributes: Vec<String>,
}

/// Whether a job may be released on a printer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It may.
    Here,
    /// No queue of the printer is compatible with that of the job.
    Incompatible {
        /// The queue of the job.
        queue: String,
        /// The queues of the printer.
        printer: Vec<String>,
        /// Whether one of the two names the other.
        one_way: bool,
    },
    /// The printer does not accept what the job asks for.
    Attributes(Vec<String>),
    /// The printer takes no job now.
    Trouble(PrinterTrouble),
    /// The station is closed now.
    StationClosed(Closed),
    /// There is no such printer.
    NoPrinter,
}

impl Verdict {
    /// Whether it may.
    pub fn is_here(&self) -> bool {
        *self == Self::Here
    }

    /// That of a printer which takes nothing now.
    pub fn of_trouble(trouble: PrinterTrouble) -> Self {
        match trouble {
            PrinterTrouble::StationClosed(closed) => Self::StationClosed(closed),
            other => Self::Trouble(other),
        }
    }

    /// Returns its stable word.
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Here => "releasable",
            Self::Incompatible { one_way: true, .. } => "queue-one-way",
            Self::Incompatible { .. } => "queue-incompatible",
            Self::Attributes(_) => "attributes",
            Self::Trouble(_) => "printer-trouble",
            Self::StationClosed(_) => "station-closed",
            Self::NoPrinter => "no-printer",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here => f.write_str("releasable here"),
            Self::Incompatible { queue, printer, one_way: true } => write!(
                f,
                "not here, because only one of queue {queue} and queue {} names the other as compatible",
                printer.join(", ")
            ),
            Self::Incompatible { queue, printer, .. } if printer.is_empty() => {
                write!(f, "not here, because no queue leads to this printer, and the job is in queue {queue}")
            }
            Self::Incompatible { queue, printer, .. } => {
                write!(f, "not here, because queue {queue} is not compatible with queue {}", printer.join(", "))
            }
            Self::Attributes(missing) => {
                let words: Vec<String> = missing.iter().map(|token| word_of(token)).collect();
                write!(f, "not here, because the printer does not accept {}", words.join(", "))
            }
            Self::Trouble(why) => write!(f, "not now, because the printer {why}"),
            Self::StationClosed(closed) => write!(f, "not now, because the station is {closed}"),
            Self::NoPrinter => f.write_str("not here, because there is no such printer"),
        }
    }
}

/// Judges whether a job may be released on a printer. What will not change by itself comes first.
pub fn judge(job: &Wanted, printer: &StationPrinter) -> Verdict {
    let stand: Vec<Compatibility> = printer.queues.iter().map(|queue| job.queue.compatibility(queue)).collect();
    if !stand.iter().any(|one| one.is_effective()) {
        // Two queues of different servers may have one name.
        let far = printer.queues.iter().any(|queue| !queue.server.eq_ignore_ascii_case(&job.queue.server));
        let name =
            |queue: &PoolQueue| if far { format!("{}:{}", queue.server, queue.name) } else { queue.name.clone() };
        return Verdict::Incompatible {
            queue: name(&job.queue),
            printer: printer.queues.iter().map(name).collect(),
            one_way: stand.contains(&Compatibility::OneWay),
        };
    }
    let missing = missing(&printer.valid, &job.attributes);
    if !missing.is_empty() {
        return Verdict::Attributes(missing);
    }
    match &printer.trouble {
        Some(why) => Verdict::of_trouble(why.clone()),
        None => Verdict::Here,
    }
}

/// How a job stands that its owner may release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReleaseState {
    /// It waits for its release.
    Waiting,
    /// It has printed, is kept, and can be released again.
    Kept,
    /// It was released, and may have printed: whether it did is not known.
    MayHavePrinted,
    /// Its time is over; it is about to be removed.
    Expired,
    /// It was released, and waits at its printer.
    Released,
    /// It prints.
    Printing,
    /// Another server has begun to print it, and has not said yet what became of it.
    Begun,
    /// Something else holds it, which only an operator ends.
    Blocked,
}

impl ReleaseState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Kept,
        Self::MayHavePrinted,
        Self::Expired,
        Self::Released,
        Self::Printing,
        Self::Begun,
        Self::Blocked,
    ];

    /// Returns its stable word.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Kept => "kept",
            Self::MayHavePrinted => "may-have-printed",
            Self::Expired => "expired",
            Self::Released => "released",
            Self::Printing => "printing",
            Self::Begun => "begun",
            Self::Blocked => "blocked",
        }
    }

    /// Whether it can be released when it is named, as far as the job itself is concerned.
    pub fn is_releasable(self) -> bool {
        matches!(self, Self::Waiting | Self::Kept | Self::MayHavePrinted)
    }
}

/// What a printer of the station makes of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrinterVerdict {
    /// The printer.
    pub printer: DeviceName,
    /// Whether the job may be released there.
    pub verdict: Verdict,
}

/// A job that somebody may release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldJob {
    /// Row identity at its server.
    pub id: JobId,
    /// Its name everywhere, with its server.
    pub global: GlobalJobId,
    /// SPOOLCOM's number.
    pub number: JobNumber,
    /// The owner's own number for it.
    pub local: LocalJobId,
    /// Its title.
    pub name: String,
    /// Who submitted it.
    pub owner: String,
    /// Whether it is released for somebody else, who named the caller as a delegate.
    pub delegated: bool,
    /// The queue to which it was sent.
    pub queue: GroupName,
    /// The queues that this one names as compatible.
    pub compatible: Vec<String>,
    /// What its documents are.
    pub formats: Vec<Format>,
    /// Pages of all copies, where they are known.
    pub pages: Option<u64>,
    /// Octets.
    pub octets: u64,
    /// When it was submitted, wall clock.
    pub submitted_ms: i64,
    /// When it can no longer be released, wall clock; none = it does not expire.
    pub expires_ms: Option<i64>,
    /// What it asks of a printer.
    pub attributes: Vec<String>,
    /// How it stands.
    pub state: ReleaseState,
    /// What holds it.
    pub reasons: HoldReasons,
    /// The printer where it was last released.
    pub printer: Option<String>,
    /// What ties the records of its release together, on every server that took part.
    pub correlation: String,
    /// What each printer of the station makes of it, in the station's order; nothing where no station was named.
    pub verdicts: Vec<PrinterVerdict>,
}

impl HeldJob {
    /// Returns the queue to which it was sent, as other queues see it.
    pub fn pool_queue(&self) -> PoolQueue {
        PoolQueue {
            server: self.global.server.to_string(),
            name: self.queue.to_string(),
            compatible: self.compatible.clone(),
        }
    }

    /// Returns the printer that is taken where nobody chooses: the first one that may.
    pub fn first_printer(&self) -> Option<&DeviceName> {
        self.verdicts.iter().find(|one| one.verdict.is_here()).map(|one| &one.printer)
    }

    /// Whether it can be released at the station now.
    pub fn is_releasable_here(&self) -> bool {
        self.state.is_releasable() && self.first_printer().is_some()
    }
}

/// One page of what somebody may release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPage {
    /// The station, where one was named or there is only one.
    pub station: Option<ObjectName>,
    /// Its printers.
    pub printers: Vec<StationPrinter>,
    /// The jobs, in the order of submission.
    pub rows: Vec<HeldJob>,
    /// After which job the next page begins; none after the last page.
    pub next: Option<JobId>,
    /// With the first page of a station that shows the jobs of everybody: those of others that wait for one of its printers, each
    /// with the public name of whose it is.
    pub others: Vec<HeldJob>,
    /// Whether there are more of them.
    pub more_others: bool,
    /// With the first page: how many jobs of his own were removed within a day because nobody released them.
    pub purged: u32,
}

/// The jobs of one answer to another server, and after which job the next answer begins; none after the last one.
pub type HeldRows = (Vec<HeldJob>, Option<JobId>);

/// What somebody may release here of what other servers hold, and which of them did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldElsewhere {
    /// The jobs, those of each server in the order of submission.
    pub rows: Vec<HeldJob>,
    /// The servers that were asked.
    pub servers: Vec<(ServerName, Answered)>,
    /// The station shows the jobs of all users, so nobody was asked.
    pub only_here: bool,
}

/// What the printers of one station make of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtStation {
    /// The station.
    pub station: ObjectName,
    /// Its printers.
    pub verdicts: Vec<PrinterVerdict>,
}

/// What the stations of servers make of a job, or why a server did not say.
pub type AtServers = Vec<(ServerName, Result<Vec<AtStation>, String>)>;

/// What became of a job that was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Its number at the server that prints it.
    pub number: JobNumber,
    /// The printer that prints it.
    pub printer: DeviceName,
    /// What ties the records of this release together.
    pub correlation: String,
}

/// One line of the record of releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Its place; ascends.
    pub id: i64,
    /// When, wall clock, UTC.
    pub at_ms: i64,
    /// What ties records together.
    pub correlation: String,
    /// What happened: one of [`AUDITED`].
    pub what: String,
    /// Who did it.
    pub who: String,
    /// Whose job it is.
    pub owner: String,
    /// The number of the job here; none of one that another server holds and that never was here.
    pub number: Option<JobNumber>,
    /// The station.
    pub station: Option<String>,
    /// The printer.
    pub printer: Option<String>,
    /// `ok`, or the keyword of a refusal.
    pub result: String,
    /// Digest of this record and the one before it, in hexadecimal digits.
    pub digest: String,
}

/// What is recorded.
pub const AUDITED: &[&str] = &["hold", "release", "print", "abort", "delete", "purge"];

/// One page of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The records, oldest first.
    pub rows: Vec<AuditRecord>,
    /// Whether there may be more after the last of them.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(name: &str, compatible: &[&str]) -> PoolQueue {
        let compatible = compatible.iter().map(|one| (*one).to_owned()).collect();
        PoolQueue { server: "a".into(), name: name.into(), compatible }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn job(attributes: &[&str]) -> Vec<String> {
        attributes.iter().filter_map(|word| token(word)).collect()
    }

    #[test]
    fn vector_1_one_of_two_that_names_the_other_is_not_enough() {
        let (a, b) = (queue("a", &["b"]), queue("b", &[]));
        assert_eq!(a.compatibility(&b), Compatibility::OneWay);
        assert_eq!(b.compatibility(&a), Compatibility::OneWay);
        let printer = StationPrinter { name: "p".parse().unwrap(), queues: vec![b], valid: Vec::new(), trouble: None };
        let verdict = judge(&Wanted { queue: a, attributes: Vec::new() }, &printer);
        assert!(matches!(&verdict, Verdict::Incompatible { one_way: true, .. }), "{verdict:?}");
        assert!(verdict.to_string().contains("only one of"), "{verdict}");
    }

    #[test]
    fn vector_2_what_two_have_in_common_makes_them_no_pool() {
        let (a, b, c) = (queue("a", &["b"]), queue("b", &["a", "c"]), queue("c", &["b"]));
        assert_eq!(a.compatibility(&b), Compatibility::Mutual);
        assert_eq!(b.compatibility(&c), Compatibility::Mutual);
        assert_eq!(a.compatibility(&c), Compatibility::None);
        assert_eq!(a.compatibility(&queue("A", &[])), Compatibility::Same);
    }

    #[test]
    fn a_queue_of_another_server_is_named_with_its_server() {
        let here = queue("q", &["b:q"]);
        let there = PoolQueue { server: "b".into(), name: "q".into(), compatible: words(&["A:#Q"]) };
        assert_eq!(here.compatibility(&there), Compatibility::Mutual);
        let unaware = PoolQueue { compatible: words(&["q"]), ..there };
        assert_eq!(here.compatibility(&unaware), Compatibility::OneWay);
        assert!(check_compatible("b:q").is_ok() && check_compatible("q").is_ok());
        assert!(check_compatible("b:").is_err() && check_compatible("a b").is_err());
    }

    #[test]
    fn vectors_4_to_7_a_printer_accepts_everything_or_only_what_it_lists() {
        let (a4, all) = (job(&["A4", "duplex"]), [] as [String; 0]);
        assert!(missing(&all, &a4).is_empty(), "vector 4: nothing listed accepts everything");
        let refused = missing(&words(&["duplex"]), &a4);
        assert_eq!(refused, ["media=iso_a4_210x297mm"], "vector 5");
        assert_eq!(Verdict::Attributes(refused).to_string(), "not here, because the printer does not accept A4");
        assert!(missing(&words(&["A4", "color"]), &job(&["a4", "mono", "simplex"])).is_empty(), "vector 6");
        let refused = missing(&words(&["A4"]), &job(&["A4", "collate"]));
        assert_eq!(refused, ["collate"], "vector 7");
        // What nobody here has heard of is refused and named.
        assert_eq!(missing(&words(&["A4"]), &job(&["A4", "gold-foil"])), ["gold-foil"]);
    }

    #[test]
    fn a_word_and_its_other_forms_are_one() {
        for (one, other) in [
            ("A4", "media=iso_a4_210x297mm"),
            ("media=a4", "A4"),
            ("duplex", "sides=2"),
            ("staple", "finishing=staple"),
            ("colour", "color"),
        ] {
            assert_eq!(token(one), token(other), "{one} {other}");
        }
        assert_eq!(token("simplex"), None);
        assert_eq!(word_of("sides=two-sided"), "duplex");
        // A paper of the site's own.
        assert!(missing(&words(&["invoice"]), &[medium("Invoice").unwrap()]).is_empty());
    }

    #[test]
    fn what_will_not_change_by_itself_is_said_first() {
        let queue_a = queue("a", &[]);
        let printer = |queue: &str, is_offline: bool| StationPrinter {
            name: "p".parse().unwrap(),
            queues: vec![queue_of(queue)],
            valid: words(&["A4"]),
            trouble: is_offline.then(|| PrinterTrouble::Offline(String::new())),
        };
        fn queue_of(name: &str) -> PoolQueue {
            queue(name, &[])
        }
        let wanted = |attributes: &[&str]| Wanted { queue: queue_a.clone(), attributes: job(attributes) };
        let verdict =
            |queue, attributes: &[&str], trouble| judge(&wanted(attributes), &printer(queue, trouble)).keyword();
        assert_eq!(verdict("b", &["A3"], true), "queue-incompatible");
        assert_eq!(verdict("a", &["A3"], true), "attributes");
        assert_eq!(verdict("a", &["A4"], true), "printer-trouble");
        assert_eq!(verdict("a", &["A4"], false), "releasable");
    }
}
