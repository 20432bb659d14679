//! What DEV does to a device at work: ALIGN, CLEAR, JOB n, SKIP, SKIPTO.
//!
//! ALIGN, SKIP and SKIPTO are carried out by the print process. The command waits two seconds for its answer; then it says
//! that they are requested, and ends well: they are carried out as soon as the process can.

use crate::commands::parts;
use crate::commands::spoolcom::language::keywords::Key;
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::Subcommand;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::request::{Answer, Cleared, DeviceRequest};
use crate::model::state::JobState;
use crate::model::{DeviceName, Failure, FailureKind, JobNumber, JobRef};

/// How long the answer of a print process is waited for, in milliseconds.
const ANSWER_MS: u64 = 2000;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum AtWork {
    /// ALIGN
    Align,
    /// CLEAR, or CLEAR DEL
    Clear {
        /// DEL
        remove: bool,
    },
    /// JOB n
    Job(JobNumber),
    /// SKIP
    Skip(i64),
    /// SKIPTO
    SkipTo(u64),
}

impl AtWork {
    /// Returns its word.
    pub fn key(&self) -> Key {
        match self {
            Self::Align => Key::Align,
            Self::Clear { .. } => Key::Clear,
            Self::Job(_) => Key::Job,
            Self::Skip(_) => Key::Skip,
            Self::SkipTo(_) => Key::SkipTo,
        }
    }

    /// Executes it.
    pub fn run(&self, name: &DeviceName, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
        match self {
            Self::Align => ask(name, DeviceRequest::Align, session),
            Self::Skip(pages) => ask(name, DeviceRequest::Skip(*pages), session),
            Self::SkipTo(page) => ask(name, DeviceRequest::SkipTo(*page), session),
            Self::Clear { remove } => {
                let cleared = session.spool()?.clear_device(name.clone(), *remove)?;
                if let Some(job) = cleared.job.filter(|_| !cleared.running) {
                    let what = if *remove { "deleted" } else { "held" };
                    session.hint(&format!("{} failed at job {job}, which is {what} now", name.guardian()));
                }
                Ok(gone(name, &cleared, session)?)
            }
            Self::Job(job) => {
                let job = JobRef::Number(*job);
                let next = session.spool()?.next_job(name.clone(), job.clone());
                next.map_err(|failure| match failure.kind {
                    // The device was found before.
                    FailureKind::State => EarlyEnd::Failed(failure, Subject::Job(job)),
                    _ => failure.into(),
                })
            }
        }
    }
}

/// Reads the operand of JOB. The grammar has checked the range.
pub fn job_number(subcommand: &Subcommand, n: i64) -> Result<JobNumber, Mistake> {
    let number = u32::try_from(n).ok().and_then(JobNumber::new);
    number.ok_or_else(|| subcommand.bad_value(format!("expected a job number (1 to {})", JobNumber::MAX)))
}

/// Asks a print process, and waits for its answer.
fn ask(name: &DeviceName, what: DeviceRequest, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let request = session.spool()?.ask_device(name.clone(), what)?;
    let wait = if session.wait { ANSWER_MS } else { 0 };
    let shown = name.guardian();
    match session.spool()?.await_answer(request, wait)? {
        Answer::Done(text) => session.hint(&text),
        Answer::Warned(text) => {
            // A closed standard error must not turn into a failure.
            let _ = writeln!(session.err, "WARNING: WHAT WAS SENT OF THE JOB ON {shown} MAY PRINT\n  {text}");
        }
        Answer::Refused(why) if what == DeviceRequest::Align => {
            let failure = Failure::new(FailureKind::State, format!("the alignment page was not delivered: {why}"));
            let hint =
                format!("DEV {shown}, STATUS DETAIL   shows the device; once it is well,  DEV {shown}, ALIGN   again");
            return Err(failure.hint(hint).into());
        }
        Answer::Refused(why) => return Err(Failure::new(FailureKind::State, format!("{what}: {why}")).into()),
        // Nobody waits for it who says so.
        Answer::Requested if !session.wait => {}
        Answer::Requested => {
            // A closed standard error must not turn into a failure.
            let _ = writeln!(
                session.err,
                "WARNING: {what} OF {shown} IS REQUESTED\n  its print process has not answered yet; DEV {shown}, LOG   shows its answer"
            );
        }
    }
    Ok(())
}

/// Waits until a job that was cleared has left its device, and says what of it cannot be taken back.
fn gone(name: &DeviceName, cleared: &Cleared, session: &mut Session<'_>) -> Result<(), Failure> {
    let shown = name.guardian();
    let Some(job) = cleared.job else {
        session.hint(&format!("the alignment page on {shown} is given up; what was sent of it may print"));
        return Ok(());
    };
    if cleared.running && session.wait {
        let left = match session.spool()?.await_stopped(JobRef::Number(job), ANSWER_MS) {
            Ok(status) => !matches!(status.state, JobState::Printing | JobState::Terminating),
            Err(failure) if failure.kind == FailureKind::NotFound => true,
            Err(failure) => return Err(failure),
        };
        if !left {
            // A closed standard error must not turn into a failure.
            let _ = writeln!(
                session.err,
                "WARNING: JOB {job} IS STILL PRINTING\n  {shown} has not let go of it yet, and begins the next one then"
            );
        }
    }
    if let Some(octets) = cleared.gone {
        let part = parts::left(&shown, octets);
        // A closed standard error must not turn into a failure.
        let _ = writeln!(session.err, "WARNING: THE PART OF JOB {job} THAT WAS SENT MAY PRINT\n  {part}");
    }
    Ok(())
}
