//! ATTEMPTS: a job at which its device fails every time is set aside, so that the others print.
//!
//! An attempt is spent by a job that was alone on the connection that failed, and of which the printer had acknowledged
//! octets: a printer that is off spends none, and neither does a job that another one took down with it. After ATTEMPTS
//! of them the job is held.
//!
//! Whose fault was it? The next job tells:
//!
//! | after one was set aside | what follows |
//! |---|---|
//! | a job is delivered | it was the job: it stays held, and START prints it as a possible duplicate |
//! | the next one fails alike | it is the device: both are back in their places, and nothing is set aside before a job is delivered |
//!
//! A crash between two attempts loses nothing: what was spent stands in the entry, which job was set aside in the device.

use crate::model::JobId;
use crate::model::event::EventWord;
use crate::model::state::{HoldReason, HoldReasons};
use crate::spool::Spool;
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Tx};

/// Stands for the job that was set aside once it is known that the device is at fault.
const DEVICE_AT_FAULT: JobId = JobId(0);

impl Spool {
    /// Spends an attempt of a job at which its device failed. Returns the job as it is then: held, when it is set aside.
    pub(crate) fn spend(
        &self,
        tx: &Tx<'_>,
        entry: &EntryRow,
        job: JobRow,
        device: &DeviceRow,
        why: &str,
    ) -> Fallible<JobRow> {
        let most = device.settings.attempts;
        match device.set_aside {
            Some(DEVICE_AT_FAULT) => return Ok(job),
            Some(other) if other != job.id => {
                self.blame_device(tx, device, other, &job)?;
                store::entry::set_spent(tx, entry, 0)?;
                return Ok(job);
            }
            _ => {}
        }
        let spent = entry.spent.saturating_add(1);
        store::entry::set_spent(tx, entry, spent)?;
        if most == 0 || spent < most {
            return Ok(job);
        }
        let why = format!("{} failed at it {spent} times (ATTEMPTS), the last time: {why}", device.name.guardian());
        let reasons = job.reasons.with(HoldReason::SetAside);
        store::job::set_reasons(tx, job.id, reasons, Some(&why))?;
        store::entry::set_spent(tx, entry, 0)?;
        store::device::set_aside(tx, device.id, Some(job.id))?;
        record(tx, Object::Job(job.id), EventWord::Held, &format!("{}: {why}", HoldReason::SetAside.words()))?;
        let why = format!("job {} is set aside after {spent} attempts", job.number);
        record(tx, Object::Device(device.id), EventWord::Held, &why)?;
        Ok(JobRow { reasons, ..job })
    }

    /// The job that was set aside is back in its place: another one fails alike.
    fn blame_device(&self, tx: &Tx<'_>, device: &DeviceRow, other: JobId, job: &JobRow) -> Fallible<()> {
        store::device::set_aside(tx, device.id, Some(DEVICE_AT_FAULT))?;
        let numbers = match store::job::lock(tx, other)? {
            Some(set_aside) if set_aside.reasons.has(HoldReason::SetAside) => {
                let reasons = set_aside.reasons.without(HoldReasons::NONE.with(HoldReason::SetAside));
                store::job::set_reasons(tx, other, reasons, None)?;
                let why = format!("job {} failed on {} alike: it is the device", job.number, device.name.guardian());
                record(tx, Object::Job(other), EventWord::Started, &why)?;
                if reasons.is_empty() {
                    for entry in store::entry::of_job(tx, other)? {
                        store::entry::requeue(tx, entry.job, entry.id, &entry.sort)?;
                    }
                }
                format!("jobs {} and {}", set_aside.number, job.number)
            }
            _ => format!("job {} and one before it", job.number),
        };
        let why =
            format!("the device is at fault: {numbers} failed alike, and nothing is set aside until one is delivered");
        record(tx, Object::Device(device.id), EventWord::Remark, &why)
    }
}

/// A job was delivered: what was set aside before was at fault itself, and the device is not.
pub(crate) fn cleared(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<()> {
    match device.set_aside {
        Some(_) => store::device::set_aside(tx, device.id, None),
        None => Ok(()),
    }
}
