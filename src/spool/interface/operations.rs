//! The operations of a spool, as values: every argument and result is owned and serialisable, so that a caller does not
//! know whether the spool is in its own process or behind a socket.
//!
//! One table makes the trait [`Operations`], the [`Request`] and [`Reply`] that travel, and [`answer`], which applies a
//! request to a spool. [`Operations::submit`] stands beside the table because open files travel with it.

use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

use crate::model::alter::JobChange;
use crate::model::device::{DeviceChange, DeviceStatus};
use crate::model::finished::FinishedStatus;
use crate::model::job::{Accepted, JobStatus, Occurrence, Submission};
use crate::model::location::{Destination, LocationStatus};
use crate::model::process::{ProcessChange, ProcessStatus};
use crate::model::query::{Cursor, Page, Query};
use crate::model::queue::QueueItem;
use crate::model::state::{DeviceState, HoldReasons};
use crate::model::why::Why;
use crate::model::{DeviceName, Failure, GroupName, JobId, JobRef, LocationName, LocationPattern, ProcessName};

use super::records::{Event, EventSubject, Removal, SpoolStatus};

macro_rules! operations {
    ($(
        $(#[$doc:meta])*
        $method:ident / $variant:ident ( $($arg:ident : $type:ty),* ) -> $result:ty;
    )+) => {
        /// What can be asked of a spool. Implemented by the spool itself and by a client of a server.
        ///
        /// # Errors
        /// Every method fails with a [`Failure`] in the user's words; nothing was changed unless its kind is `Unknown`.
        pub trait Operations {
            $( $(#[$doc])* fn $method(&mut self, $($arg: $type),*) -> Result<$result, Failure>; )+

            /// Hands in a job. `files` are the open documents, one for each of `submission.documents` in order; the
            /// job is on disk when this returns. After a failure of kind `Unknown` ask [`Operations::settle`].
            fn submit(&mut self, submission: Submission, files: Vec<OwnedFd>) -> Result<Accepted, Failure>;
        }

        /// An operation on its way.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Request {
            $( $(#[$doc])* $variant { $($arg: $type),* }, )+
            /// [`Operations::submit`]; the files travel beside it.
            Submit { submission: Submission },
        }

        /// The result of an operation on its way back.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Reply {
            $( $variant($result), )+
            Submit(Accepted),
            Failed(Failure),
        }

        /// Applies `request` to `spool`.
        pub fn answer(spool: &mut dyn Operations, request: Request, files: Vec<OwnedFd>) -> Reply {
            match request {
                $( Request::$variant { $($arg),* } => match spool.$method($($arg),*) {
                    Ok(result) => Reply::$variant(result),
                    Err(failure) => Reply::Failed(failure),
                }, )+
                Request::Submit { submission } => match spool.submit(submission, files) {
                    Ok(result) => Reply::Submit(result),
                    Err(failure) => Reply::Failed(failure),
                },
            }
        }

        /// Something that carries a request to a spool and brings the reply back; that makes it a spool.
        pub trait Carrier {
            /// Sends `request` with `files` and waits for its reply.
            ///
            /// # Errors
            /// `Unreachable` when it was not sent, `Unknown` when the reply did not come.
            fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure>;
        }

        impl<C: Carrier> Operations for C {
            $( fn $method(&mut self, $($arg: $type),*) -> Result<$result, Failure> {
                match self.carry(Request::$variant { $($arg),* }, Vec::new())? {
                    Reply::$variant(result) => Ok(result),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("the reply belongs to another request")),
                }
            } )+

            fn submit(&mut self, submission: Submission, files: Vec<OwnedFd>) -> Result<Accepted, Failure> {
                match self.carry(Request::Submit { submission }, files)? {
                    Reply::Submit(result) => Ok(result),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("the reply belongs to another request")),
                }
            }
        }
    };
}

operations! {
    /// The spool itself: its server name, state and counts.
    about / About() -> SpoolStatus;
    /// Makes the spool ACTIVE, starts what has work.
    start_spooler / StartSpooler() -> ();
    /// Orderly stop: new jobs are refused, running attempts finish. Returns at once.
    drain_spooler / DrainSpooler() -> ();
    /// Whether group managers may handle their members' jobs.
    set_manager_access / SetManagerAccess(on: bool) -> ();

    /// Declares a print process, or alters it; the process must be dormant or in error to be altered.
    change_process / ChangeProcess(name: ProcessName, changes: Vec<ProcessChange>) -> ();
    /// Clears the error of a process, ends it if it hangs, and starts it when it has work.
    start_process / StartProcess(name: ProcessName) -> ();
    /// Removes a process; it must be dormant and its devices offline.
    delete_process / DeleteProcess(name: ProcessName) -> ();
    /// Processes by name, at most 1,000, those after `after`.
    processes / Processes(after: Option<ProcessName>) -> Vec<ProcessStatus>;
    /// One process.
    process / Process(name: ProcessName) -> ProcessStatus;

    /// Declares a device, or alters it; it must be offline to be altered.
    change_device / ChangeDevice(name: DeviceName, changes: Vec<DeviceChange>) -> ();
    /// Brings a device online.
    start_device / StartDevice(name: DeviceName) -> ();
    /// Stops a device where it is; START lets it go on at the same octet.
    suspend_device / SuspendDevice(name: DeviceName) -> ();
    /// Takes a device offline after its current job. Returns at once with the state it is in.
    drain_device / DrainDevice(name: DeviceName) -> DeviceState;
    /// Waits until a device is OFFLINE, or `timeout_ms` have passed, and says what it is then.
    await_offline / AwaitOffline(name: DeviceName, timeout_ms: u64) -> DeviceStatus;
    /// Removes a device; it must be offline, without jobs of its own and without locations.
    delete_device / DeleteDevice(name: DeviceName) -> ();
    /// Devices by name, at most 1,000, those after `after`.
    devices / Devices(after: Option<DeviceName>) -> Vec<DeviceStatus>;
    /// One device.
    device / Device(name: DeviceName) -> DeviceStatus;
    /// What waits for a device, in the order in which it would claim it now, a page at a time, at most 1,000.
    device_queue / DeviceQueue(name: DeviceName, after: Option<Cursor>, limit: u32) -> Page<QueueItem>;

    /// Connects every location that matches to `device`, or to nothing; `#group.dest` is declared when it is unknown.
    /// Returns how many were connected.
    route_location / RouteLocation(pattern: LocationPattern, device: Option<DeviceName>) -> u32;
    /// Whether a job for the whole group prints on every device of it.
    set_broadcast / SetBroadcast(group: GroupName, on: bool) -> ();
    /// Removes a location or a group with its locations; no job may be in it. Returns how many were removed.
    delete_location / DeleteLocation(pattern: LocationPattern) -> u32;
    /// Locations by name, at most 1,000, those after `after`, all or those that match.
    locations / Locations(pattern: Option<LocationPattern>, after: Option<LocationName>) -> Vec<LocationStatus>;
    /// What a destination name means: exact name, then `group.dest`, then a `dest` that is unique, then a device.
    /// An unknown one fails with names that resemble it.
    resolve_destination / ResolveDestination(name: String) -> Destination;

    /// What became of the submission with this token: accepted, or certainly not and never will be.
    settle / Settle(token: String) -> Option<Accepted>;
    /// Jobs, a page at a time, at most 1,000.
    jobs / Jobs(query: Query, after: Option<Cursor>, limit: u32) -> Page<JobStatus>;
    /// One job.
    job / Job(job: JobRef) -> JobStatus;
    /// Where a job waits and prints.
    occurrences / Occurrences(job: JobId) -> Vec<Occurrence>;
    /// Why a job is not printing.
    why / Why(job: JobRef) -> Why;
    /// Finished jobs, those that ended last first, a page at a time, at most 1,000. The order of `query` is ignored.
    finished / Finished(query: Query, after: Option<Cursor>, limit: u32) -> Page<FinishedStatus>;
    /// Holds a job; a printing one stops.
    hold_job / HoldJob(job: JobRef) -> ();
    /// Clears the holds that START clears and says which remain.
    start_job / StartJob(job: JobRef) -> HoldReasons;
    /// Removes a job. A printing one is removed when its attempt has ended.
    delete_job / DeleteJob(job: JobRef) -> Removal;
    /// Changes a job: all of the changes, or none. What decides its place makes it the newest arrival at its place.
    alter_job / AlterJob(job: JobRef, changes: Vec<JobChange>) -> ();
    /// Keeps a job back until it is resumed; a printing one stops. The message goes into its history.
    pause_job / PauseJob(job: JobRef, message: Option<String>) -> ();
    /// Lets a paused job go where it stood; it stays held when something holds it.
    resume_job / ResumeJob(job: JobRef, message: Option<String>) -> ();
    /// Puts a job that waits before all others of its queue.
    promote_job / PromoteJob(job: JobRef, message: Option<String>) -> ();
    /// Waits until a job that was held or paused is on no device any more, at most `timeout_ms`, and says what it is then.
    await_stopped / AwaitStopped(job: JobRef, timeout_ms: u64) -> JobStatus;

    /// What happened to an object, oldest first, at most 1,000, those after the event `after`.
    events / Events(subject: EventSubject, after: i64) -> Vec<Event>;
}
