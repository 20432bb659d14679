//! Stations, and their printers as a job meets them.

use crate::model::device::DeviceStatus;
use crate::model::field::Value;
use crate::model::hours::{Closed, Standing, standing_as_written};
use crate::model::job::GivenValue;
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::secure::{PoolQueue, PrinterTrouble, StationPrinter, Verdict, Wanted, judge, medium, token};
use crate::model::state::{DeviceState, DeviceWish, ProcessState};
use crate::model::{DeviceName, Failure, FailureKind};
use crate::store::device::DeviceRow;
use crate::store::job::JobRow;
use crate::store::location::LocationRow;
use crate::store::managed::Holder;
use crate::store::secure::SecureRow;
use crate::store::{self, Fallible, Tx};
use crate::sys::clock;

use super::{given, texts};
use crate::spool::Spool;
use crate::spool::objects::alive::Alive;

/// Stations that WHY names at most.
pub(crate) const SHOWN: u32 = 20;

/// A station.
#[derive(Clone, Debug)]
pub(crate) struct Station {
    pub(crate) name: ObjectName,
    /// The printers where it releases, as they were named.
    pub(crate) related: Vec<String>,
    /// Whether it shows the jobs of everybody.
    pub(crate) shows_all: bool,
    /// The hours at which it is open, as they are written.
    hours: Vec<String>,
}

impl Station {
    /// Whether it is closed at the moment of the look. The time zone lies in a file, so a change does not ask that.
    pub(crate) fn closed(&self, tx: &Tx<'_>) -> Option<Closed> {
        match hours(tx, &self.hours) {
            Standing::Open(_) => None,
            Standing::Closed(closed) => Some(closed),
        }
    }
}

/// Says whether a station with these hours is open at the moment of the look, by the clock on the wall of this machine: the time zone
/// of whoever asks does not count.
pub(super) fn hours(tx: &Tx<'_>, written: &[String]) -> Standing {
    match written {
        [] => Standing::Open(None),
        written => standing_as_written(written, tx.now().wall_ms, &clock::zone(None)),
    }
}

/// Why a device takes no job now.
fn trouble(status: &DeviceStatus) -> Option<PrinterTrouble> {
    let text = || status.error.as_ref().map(|error| error.text.clone()).unwrap_or_default();
    match &status.state {
        DeviceState::Offline => Some(PrinterTrouble::Offline(text())),
        DeviceState::Suspended => Some(PrinterTrouble::Suspended),
        DeviceState::DevError(_) => Some(PrinterTrouble::InError(text())),
        // A process that died is started again by the release.
        DeviceState::ProcError if status.process_state == ProcessState::Dead => None,
        DeviceState::ProcError => Some(PrinterTrouble::ProcessInError),
        _ if status.wish == DeviceWish::Draining => Some(PrinterTrouble::Stopping),
        _ if status.running.as_ref().is_some_and(|running| running.stalled.is_some()) => Some(PrinterTrouble::Stalled),
        _ => None,
    }
}

/// The same as far as a row tells, for the moment of the release.
pub(super) fn trouble_of_row(row: &DeviceRow) -> Option<PrinterTrouble> {
    let text = || row.in_error().map(|error| error.text.clone()).unwrap_or_default();
    match row.wish {
        DeviceWish::Stopped => Some(PrinterTrouble::Offline(text())),
        DeviceWish::Suspended => Some(PrinterTrouble::Suspended),
        DeviceWish::Draining => Some(PrinterTrouble::Stopping),
        DeviceWish::Started => row.in_error().map(|_| PrinterTrouble::InError(text())),
    }
}

/// What a job asks of a printer, from what was given for it.
pub(super) fn wanted(job: &JobRow, values: &[GivenValue]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |token: Option<String>| {
        if let Some(token) = token.filter(|token| !found.contains(token)) {
            found.push(token);
        }
    };
    let mut says_medium = !job.form.trim().is_empty();
    if says_medium {
        add(medium(&job.form));
    }
    for one in values {
        for value in one.value.each() {
            match (one.field.stored(), value) {
                ("sides", Value::Integer(2)) => add(token("duplex")),
                ("plex" | "job-finishing" | "document-finishing" | "print-color", Value::Text(word)) => {
                    add(token(word))
                }
                ("default-medium", Value::Text(word)) if !says_medium => {
                    says_medium = true;
                    add(medium(word));
                }
                // A page, and its paper.
                ("page-media-select", Value::Text(word)) => add(word.rsplit(':').next().and_then(medium)),
                _ => {}
            }
        }
    }
    found
}

impl Spool {
    /// Returns the station of that name; without one, the only one that there is.
    pub(crate) fn station(&self, tx: &Tx<'_>, name: Option<&ObjectName>) -> Fallible<Option<Station>> {
        let class = ObjectClass::Station;
        let row = match name {
            Some(name) => {
                let found = store::object::by_name(tx, class, name)?;
                Some(found.ok_or_else(|| {
                    Failure::not_found(format!("station {name}")).hint("pdls -c station   lists the stations")
                })?)
            }
            None => {
                let mut all = store::object::list(tx, class, None, 2)?;
                if all.len() == 1 { all.pop() } else { None }
            }
        };
        row.map(|row| Self::station_of(tx, row)).transpose()
    }

    fn station_of(tx: &Tx<'_>, row: store::object::ObjectRow) -> Fallible<Station> {
        let values = store::object::values(tx, ObjectClass::Station, row.id)?;
        let related = texts(values.get("related-printers").map(|values| Value::Many(values.clone())));
        let shown = texts(values.get("jobs-shown").map(|values| Value::Many(values.clone())));
        let hours = texts(values.get("access-times").map(|values| Value::Many(values.clone())));
        Ok(Station { name: row.name, related, shows_all: shown.iter().any(|word| word == "all"), hours })
    }

    /// Returns the stations, as many as are shown.
    pub(crate) fn stations(tx: &Tx<'_>) -> Fallible<Vec<Station>> {
        let rows = store::object::list(tx, ObjectClass::Station, None, SHOWN)?;
        rows.into_iter().map(|row| Self::station_of(tx, row)).collect()
    }

    /// Returns the printers of a station as they are now; one that is not there is told with its name.
    pub(crate) fn printers_of(
        &self,
        tx: &Tx<'_>,
        station: &Station,
        alive: &mut Alive,
    ) -> Fallible<Vec<(DeviceName, Option<StationPrinter>)>> {
        let mut found = Vec::new();
        let closed = station.closed(tx);
        for word in &station.related {
            let name: DeviceName = word.parse()?;
            match store::device::by_name(tx, &name)? {
                Some(row) => {
                    let mut printer = self.station_printer(tx, &row)?;
                    let of_station = closed.map(PrinterTrouble::StationClosed);
                    printer.trouble = of_station.or(trouble(&self.device_status(tx, row, alive)?));
                    found.push((printer.name.clone(), Some(printer)));
                }
                None => found.push((name, None)),
            }
        }
        Ok(found)
    }

    /// Returns a printer as its rows tell of it.
    pub(super) fn station_printer(&self, tx: &Tx<'_>, row: &DeviceRow) -> Fallible<StationPrinter> {
        let values = store::managed::of(tx, Holder::Device(row.id))?;
        let mut queues: Vec<PoolQueue> = Vec::new();
        for location in store::location::of_device(tx, row.id)? {
            let queue = self.pool_queue(tx, location.group.id)?;
            if !queues.contains(&queue) {
                queues.push(queue);
            }
        }
        Ok(StationPrinter {
            name: row.name.clone(),
            queues,
            valid: texts(given(&values, "valid-attributes")),
            trouble: trouble_of_row(row),
        })
    }

    /// Returns the location by which a job of `queue` reaches a printer: one of a compatible queue that leads to it alone.
    pub(super) fn way_to(&self, tx: &Tx<'_>, row: &DeviceRow, queue: &PoolQueue) -> Fallible<Option<LocationRow>> {
        for location in store::location::of_device(tx, row.id)? {
            let there = self.pool_queue(tx, location.group.id)?;
            if queue.compatibility(&there).is_effective() && !location.whole_group {
                return Ok(Some(location));
            }
        }
        Ok(None)
    }

    /// Returns what a job asks of a printer.
    pub(crate) fn asks_of_printer(&self, tx: &Tx<'_>, job: &JobRow, row: &SecureRow) -> Fallible<Wanted> {
        Self::asks(tx, job, self.pool_queue(tx, row.group)?)
    }

    /// The same where the queue of the job is known.
    pub(super) fn asks(tx: &Tx<'_>, job: &JobRow, queue: PoolQueue) -> Fallible<Wanted> {
        let values = store::given::of_jobs(tx, job.id, job.id)?.remove(&job.id).unwrap_or_default();
        Ok(Wanted { queue, attributes: wanted(job, &values) })
    }
}

/// Judges whether a job may be released on a printer of a station.
pub(crate) fn verdict(job: &Wanted, printer: Option<&StationPrinter>) -> Verdict {
    printer.map_or(Verdict::NoPrinter, |printer| judge(job, printer))
}

/// The failure for a printer that a station has not.
pub(super) fn not_related(station: &Station, printer: &DeviceName) -> Failure {
    let names = station.related.join(", ");
    Failure::new(FailureKind::BadValue, format!("station {} does not release on {printer}", station.name)).hint(
        match names.is_empty() {
            true => format!("pdset -c station -x related-printers=PRINTER {}   gives it printers", station.name),
            false => format!("its printers are {names}"),
        },
    )
}
