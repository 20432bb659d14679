//! Whether a job can be printed where it is sent: what it asks for beside what destinations say that they support.
//!
//! A destination that says nothing of an attribute supports every value of it. A logical destination that says something
//! refuses what is not among it. Of the actual ones behind it at least one must support everything that the job asks for;
//! if only some do, the job is assigned to one of these, and a broadcast prints on these alone. With `accept-unsupported-jobs` of the server a job that none supports
//! is taken and held, and says what is missing.
//!
//! Besides the formats that it says, a device prints what a program of it makes into one of them (TRANSFORM), everything where
//! it is CONTENT RAW, and a stream that nobody has a name for.
//!
//! A site that has set none of these attributes pays one look into an index.

use crate::model::event::{EventDetail, EventWord};
use crate::model::field::{Field, Value};
use crate::model::job::{Format, GivenValue};
use crate::model::location::LocationKind;
use crate::model::state::{HoldReason, HoldReasons};
use crate::model::{DeviceId, Failure, FailureKind};
use crate::store::device::DeviceRow;
use crate::store::document::DocumentRow;
use crate::store::event::{Object, record_with};
use crate::store::job::JobRow;
use crate::store::managed::Holder;
use crate::store::{self, Fallible, Tx};

use crate::spool::objects::media;

/// How a limit is read.
#[derive(Clone, Copy)]
enum Limit {
    /// The value is one of those.
    Among,
    /// The value is one of those, and a device that has none does not fit.
    Named,
    /// The value is not above that.
    Most,
    /// The value lies in that range.
    Within,
    /// The value is a tray of those, written as tray:medium.
    Tray,
}

/// What a job asks for, and the attribute of a destination that limits it (docs/reference/infoprint.md 8).
const PAIRS: &[(&str, &str, Limit)] = &[
    ("document-format", "document-formats-supported", Limit::Among),
    ("octet-count", "file-size-range-supported", Limit::Within),
    ("copy-count", "maximum-copies-supported", Limit::Most),
    ("total-job-octets", "job-size-range-supported", Limit::Within),
    ("job-page-count", "job-page-range-supported", Limit::Within),
    ("destination-locations-requested", "destination-locations", Limit::Named),
    ("destination-models-requested", "destination-model", Limit::Named),
    ("auxiliary-sheet-selection", "auxiliary-sheet-selections-supported", Limit::Among),
    ("job-batch", "job-batches-supported", Limit::Among),
    ("sides", "sides-supported", Limit::Among),
    ("plex", "plexes-supported", Limit::Among),
    ("output-bin", "output-bins-supported", Limit::Among),
    ("content-orientation", "content-orientations-supported", Limit::Among),
    ("number-up", "numbers-up-supported", Limit::Among),
    ("job-finishing", "job-finishings-supported", Limit::Among),
    ("document-finishing", "job-finishings-supported", Limit::Among),
    ("default-input-tray", "input-trays-medium", Limit::Tray),
];
/// What a document is.
const FORMAT: &str = "document-format";
/// What a document is to be printed on. Which device has it loaded is seen when it prints: here it counts where none supports it.
const PAPER: &str = "default-medium";
/// What names the devices that may print a job.
const DEVICES: &str = "actual-destinations-requested";
/// Attributes of which any one of several values suffices.
const ANY_OF: [&str; 3] = [DEVICES, "destination-locations-requested", "destination-models-requested"];

/// What a job asks for: an attribute, and its values.
type Wanted = (&'static str, Vec<String>);
/// What was set of a destination.
type Given = [(Field, Value)];

/// What came of looking at where a job is sent.
pub(crate) struct Verdict {
    /// The devices that can print it, where not all can.
    pub(crate) able: Option<Vec<DeviceId>>,
    /// What its logical destination does not allow, or else what no device supports, as attribute=value.
    pub(crate) lacking: Vec<String>,
    /// Whether it is the logical destination that does not allow it.
    by_logical: bool,
}

/// Looks at where a job is; none where nothing limits it.
pub(crate) fn judge(tx: &Tx<'_>, job: &JobRow, devices: &[DeviceRow]) -> Fallible<Option<Verdict>> {
    if !store::managed::limits(tx, job.id)? {
        return Ok(None);
    }
    let given = store::given::of_jobs(tx, job.id, job.id)?.remove(&job.id).unwrap_or_default();
    let wanted = wanted(job, &store::document::of_job(tx, job.id)?, &given);
    let papers = papers(tx, &given)?;
    if let Some(id) = job.location
        && let Some(row) = store::location::by_id(tx, id)?.filter(|row| row.kind != LocationKind::Outlet)
    {
        let said = store::managed::of(tx, Holder::Location(row.id))?;
        let mut lacking = lacking(&wanted, &said, None);
        lacking.extend(without_paper(&papers, &[media::papers_of("", &said, Vec::new())]));
        if !lacking.is_empty() {
            return Ok(Some(Verdict { able: None, lacking, by_logical: true }));
        }
    }
    let mut able = Vec::new();
    let mut of_able = Vec::new();
    let mut least: Option<Vec<String>> = None;
    for device in devices {
        let said = store::managed::of(tx, Holder::Device(device.id))?;
        let lacking = lacking(&wanted, &said, Some(device));
        if lacking.is_empty() {
            able.push(device.id);
            let loaded = device.settings.papers().map(str::to_owned).collect();
            of_able.push(media::papers_of("", &said, loaded));
        } else if least.as_ref().is_none_or(|least| lacking.len() < least.len()) {
            least = Some(lacking);
        }
    }
    let lacking = if able.is_empty() { least.unwrap_or_default() } else { without_paper(&papers, &of_able) };
    let able = (!able.is_empty() && able.len() < devices.len()).then_some(able);
    Ok(Some(Verdict { able, lacking, by_logical: false }))
}

/// A job that is held because no destination supports what it asks for.
pub(crate) struct Unsupported {
    /// The job, held.
    pub(crate) job: JobRow,
    why: String,
}

impl Unsupported {
    /// Puts on record why it is held. The spooler holds it, and not who submits it.
    pub(crate) fn record(&self, tx: &Tx<'_>) -> Fallible<()> {
        let object = Object::Job(self.job.id);
        record_with(&tx.spooler(), object, EventWord::Held, EventDetail::Hold(HoldReason::Unsupported), &self.why)
    }
}

fn missing() -> Fallible<Field> {
    let field = Field::from_stored("required-resources-not-supported");
    field.ok_or_else(|| Failure::internal("there is no attribute required-resources-not-supported"))
}

/// Forgets what a job lacked at another destination: it is not held because of that any more. Returns its reasons.
pub(crate) fn forget(tx: &Tx<'_>, job: &JobRow) -> Fallible<HoldReasons> {
    let reasons = job.reasons.without(HoldReasons::NONE.with(HoldReason::Unsupported));
    if reasons != job.reasons {
        store::job::set_reasons(tx, job.id, reasons, None)?;
        store::alter::set_value(tx, job.id, 0, missing()?, None)?;
    }
    Ok(reasons)
}

/// Refuses a job that cannot be printed where it is, or holds it where the server takes such jobs. The caller puts the hold on record.
pub(crate) fn demand(tx: &Tx<'_>, job: &JobRow, devices: &[DeviceRow], place: &str) -> Fallible<Option<Unsupported>> {
    let Some(verdict) = judge(tx, job, devices)?.filter(|verdict| !verdict.lacking.is_empty()) else {
        return Ok(None);
    };
    let accepts = store::managed::switch(tx, Holder::Spool, "accept-unsupported-jobs")? == Some(true);
    if verdict.by_logical || !accepts {
        return Err(refusal(&verdict, place));
    }
    let why = words(&verdict, place);
    let value = Value::Many(verdict.lacking.into_iter().map(Value::Text).collect());
    store::alter::note_value(tx, job.id, missing()?, &value)?;
    let reasons = job.reasons.with(HoldReason::Unsupported);
    store::job::set_reasons(tx, job.id, reasons, Some(&why))?;
    Ok(Some(Unsupported { job: JobRow { reasons, ..job.clone() }, why }))
}

/// Refuses to have one device of its queue print a job that others support and this one does not.
pub(crate) fn demand_on(tx: &Tx<'_>, job: &JobRow, device: &DeviceRow) -> Fallible<()> {
    let all = store::device::of_route(tx, job.route)?;
    let able = judge(tx, job, &all)?.and_then(|verdict| verdict.able);
    if able.is_none_or(|able| able.contains(&device.id)) {
        return Ok(());
    }
    match judge(tx, job, std::slice::from_ref(device))? {
        Some(verdict) => Err(refusal(&verdict, &plain(device))),
        None => Ok(()),
    }
}

fn words(verdict: &Verdict, place: &str) -> String {
    format!("{} is not supported by destination {place}", verdict.lacking.join(", "))
}

fn refusal(verdict: &Verdict, place: &str) -> Failure {
    let is_format = verdict.lacking.iter().any(|lacking| lacking.starts_with(&format!("{FORMAT}=")));
    let kind = if is_format { FailureKind::UnsupportedFormat } else { FailureKind::Unsupported };
    Failure::new(kind, words(verdict, place))
        .hint(format!("pdls -c destination -A -r all {place}   shows what it supports"))
}

/// Returns what a job asks for.
fn wanted(job: &JobRow, documents: &[DocumentRow], given: &[GivenValue]) -> Vec<Wanted> {
    let mut found: Vec<Wanted> = Vec::new();
    for document in documents {
        // A stream that nobody has a name for leaves as it came, wherever it prints.
        if document.format != Format::Passthru {
            found.push((FORMAT, vec![document.format.keyword().to_owned()]));
        }
        found.push(("octet-count", vec![document.identity.size.to_string()]));
        found.push(("copy-count", vec![document.copies.to_string()]));
    }
    found.push(("total-job-octets", vec![job.octets.to_string()]));
    let pages = given.iter().find(|one| one.field.stored() == "job-page-count").map(|one| texts(&one.value));
    let pages = pages.or_else(|| job.pages.map(|pages| vec![pages.to_string()]));
    found.extend(pages.map(|pages| ("job-page-count", pages)));
    for (name, ..) in PAIRS {
        // Of these two the job knows more than what somebody gave for it.
        let known = ["job-page-count", FORMAT].contains(name);
        let of_name = given.iter().filter(|one| one.field.stored() == *name && !known);
        found.extend(of_name.map(|one| (*name, texts(&one.value))));
    }
    let named = given.iter().find(|one| one.field.stored() == DEVICES);
    found.extend(named.map(|one| (DEVICES, texts(&one.value))));
    found.sort();
    found.dedup();
    found
}

/// Returns the papers that a job asks for, each as it was asked for and as trays name it.
fn papers(tx: &Tx<'_>, given: &[GivenValue]) -> Fallible<Vec<(String, String)>> {
    let asked = given.iter().filter(|one| one.field.stored() == PAPER).flat_map(|one| texts(&one.value));
    let mut found = asked
        .map(|word| Ok((word.clone(), media::identifier(tx, &word)?)))
        .collect::<Fallible<Vec<(String, String)>>>()?;
    found.sort();
    found.dedup();
    Ok(found)
}

/// Returns the papers that none of these destinations supports, as attribute=value.
fn without_paper(papers: &[(String, String)], all: &[media::Papers]) -> Vec<String> {
    let lacks = papers.iter().filter(|(_, paper)| !all.is_empty() && !all.iter().any(|one| one.supports(paper)));
    lacks.map(|(word, _)| format!("{PAPER}={word}")).collect()
}

/// Returns what is wanted and not there, as attribute=value; `device` = the device whose values these are.
fn lacking(wanted: &[Wanted], said: &Given, device: Option<&DeviceRow>) -> Vec<String> {
    let mut lacks = Vec::new();
    for (name, values) in wanted {
        let fits = |value: &String| {
            if *name == DEVICES {
                return device.is_none_or(|device| value.trim_start_matches('$').eq_ignore_ascii_case(&plain(device)));
            }
            if *name == FORMAT && device.is_some_and(|device| makes_do_with(device, value)) {
                return true;
            }
            let mut limits = PAIRS.iter().filter(|pair| pair.0 == *name);
            limits.all(|(_, limit, how)| {
                how.allows(value, said.iter().find(|one| one.0.stored() == *limit), device.is_some())
            })
        };
        if ANY_OF.contains(name) {
            if !values.is_empty() && !values.iter().any(fits) {
                lacks.extend(values.iter().map(|value| format!("{name}={value}")));
            }
            continue;
        }
        lacks.extend(values.iter().filter(|value| !fits(value)).map(|value| format!("{name}={value}")));
    }
    lacks
}

/// Tells whether a device prints a format whatever it says that it supports.
fn makes_do_with(device: &DeviceRow, format: &str) -> bool {
    let settings = &device.settings;
    settings.content_raw || settings.transforms.iter().any(|transform| transform.format.keyword() == format)
}

/// The name of a device without its mark.
fn plain(device: &DeviceRow) -> String {
    device.name.to_string().trim_start_matches('$').to_owned()
}

impl Limit {
    /// Tells whether a destination that says this, or nothing, supports `value`.
    fn allows(self, value: &str, said: Option<&(Field, Value)>, is_device: bool) -> bool {
        let said = said.map(|one| texts(&one.1)).unwrap_or_default();
        if said.is_empty() {
            return !(is_device && matches!(self, Self::Named));
        }
        let number = |text: &str| text.trim().parse::<i64>().ok();
        match self {
            // A format may be said in other words.
            Self::Among => said.iter().any(|one| {
                let same = |a: Option<Format>, b: Option<Format>| a.is_some() && a == b;
                one.eq_ignore_ascii_case(value) || same(Format::from_typed(one), Format::from_keyword(value))
            }),
            Self::Named => said.iter().any(|one| one == value),
            Self::Most => said.iter().filter_map(|one| number(one)).all(|most| number(value).is_none_or(|n| n <= most)),
            Self::Within => said.iter().any(|range| {
                let (low, high) = range.split_once(':').unwrap_or((range, ""));
                let n = number(value).unwrap_or(0);
                number(low).is_none_or(|low| low <= n) && number(high).is_none_or(|high| n <= high)
            }),
            Self::Tray => said
                .iter()
                .any(|one| one.split_once(':').map_or(one.as_str(), |pair| pair.0).eq_ignore_ascii_case(value)),
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(n) => Some(n.to_string()),
        _ => None,
    };
    value.each().iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(limit: &str, values: &[&str]) -> Vec<(Field, Value)> {
        let values = values.iter().map(|value| Value::Text((*value).to_owned())).collect();
        vec![(Field::from_stored(limit).unwrap(), Value::Many(values))]
    }

    #[test]
    fn every_limit_and_wish_is_an_attribute() {
        let rows = |name: &str| {
            let rows: Vec<_> = crate::attributes::rows().filter(|row| row.name() == name).collect();
            assert!(!rows.is_empty(), "{name}");
            assert!(rows.iter().all(|row| !row.decides_nothing()), "help says that {name} decides nothing");
        };
        rows(DEVICES);
        for (wish, limit, _) in PAIRS {
            rows(wish);
            rows(limit);
            assert!(store::managed::LIMITED.contains(&format!("'{limit}'")), "{limit} is looked for");
        }
    }

    #[test]
    fn values_are_held_against_what_a_destination_says() {
        for (wish, value, limit, values, ok) in [
            ("document-format", "ascii", "document-formats-supported", &["simple-text", "pcl"][..], true),
            ("document-format", "pcl", "document-formats-supported", &["HP-PCL"], true),
            ("document-format", "pdf", "document-formats-supported", &["pcl"], false),
            ("copy-count", "3", "maximum-copies-supported", &["3"], true),
            ("copy-count", "4", "maximum-copies-supported", &["3"], false),
            ("total-job-octets", "500", "job-size-range-supported", &["0:500"], true),
            ("total-job-octets", "501", "job-size-range-supported", &[":500"], false),
            ("total-job-octets", "4", "job-size-range-supported", &["5"], false),
            ("destination-models-requested", "ML 5", "destination-model", &["ml 5"], false),
            ("default-input-tray", "tray-2", "input-trays-medium", &["tray-1:a4", "tray-2:a5"], true),
            ("default-input-tray", "tray-3", "input-trays-medium", &["tray-1:a4", "tray-2:a5"], false),
        ] {
            let wish = PAIRS.iter().find(|pair| pair.0 == wish).unwrap().0;
            let lacks = lacking(&[(wish, vec![value.to_owned()])], &said(limit, values), None);
            assert_eq!(lacks.is_empty(), ok, "{wish}={value}, {limit}={values:?}");
            assert!(
                lacking(&[(wish, vec![value.to_owned()])], &[], None).is_empty(),
                "nothing said is nothing limited"
            );
        }
    }
}
