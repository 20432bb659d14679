//! The operations of a spool, as values: every argument and result is owned and serialisable, so that a caller does not
//! know whether the spool is in its own process or behind a socket.
//!
//! An operation is one row of the table below: what it does to the spool, its name, arguments and result, and the call
//! that carries it out. The table makes the trait [`Operations`], its implementation for [`Local`], the [`Request`] and
//! [`Reply`] that travel, what a client knows of a request ([`Request::effect`], [`Request::own_wait`]), and [`answer`],
//! which applies a request to a spool. [`Operations::submit`] and
//! [`Operations::serve_station`] stand beside the table because open files travel with them.
//!
//! | first word | what the operation does |
//! |---|---|
//! | `looks` | changes nothing |
//! | `changes` | changes the spool; no print process has more to do |
//! | `declares` | as `wakes`; between two [`Operations::gather`] it is on disk with the second one |
//! | `wakes` | changes the spool; [`Local`] then sees to the print processes that have work |
//! | `waits(timeout_ms)` | changes nothing; returns when something has happened, or after that time |

use std::os::fd::OwnedFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::access::{AccessChange, AccessObject};
use crate::model::alter::JobChange;
use crate::model::authority::UserLimit;
use crate::model::bank::CardChange;
use crate::model::candidate::{KnownName, NameKind};
use crate::model::change::{ChangeViews, Issue, Issued, Look, Mode, Staged};
use crate::model::collector::{CollectorChange, CollectorState, CollectorStatus};
use crate::model::device::{DeviceChange, DeviceStatus};
use crate::model::finished::FinishedStatus;
use crate::model::forecast::{Forecast, Stop};
use crate::model::history::{Duplicate, DuplicatePlace, Happening, RecordPlace, Since};
use crate::model::job::{Accepted, BatchChange, BatchResult, Format, JobStatus, Occurrence, RawPath, Submission};
use crate::model::lease::ReleasableJobs;
use crate::model::lifetime::Retention;
use crate::model::location::{Destination, FontStatus, GroupStatus, LocationStatus};
use crate::model::managed::{ManagedChange, ManagedObject, PauseWhen};
use crate::model::object::{ObjectAttribute, ObjectChange, ObjectClass, ObjectName, ObjectPage};
use crate::model::order::Reorder;
use crate::model::process::{ProcessChange, ProcessStatus};
use crate::model::query::{Cursor, Page, Query};
use crate::model::queue::QueueItem;
use crate::model::request::{Answer, Cleared, DeviceRequest};
use crate::model::secure::{AtStation, AuditPage, HeldElsewhere, HeldPage, Released, Wanted};
use crate::model::space::Reserve;
use crate::model::state::{DeviceState, HoldReasons};
use crate::model::station::Pin;
use crate::model::why::{Cause, Why};
use crate::model::{
    BatchNumber, Call, CollectorName, DeviceName, Failure, FailureKind, FontName, GlobalJobId, GroupName, JobId,
    JobNumber, JobRef, LocationName, LocationPattern, ProcessName, RequestId, ServerName,
};
use crate::spool::Spool;
use crate::spool::remote::asking::LOGIN;

use super::local::{Local, OnlyThese, WaitResult, longest};
use super::records::{
    DeviceCounts, Event, EventSubject, Health, Intended, JobSummary, Removal, SpoolStatus, Statistics,
};

/// What an operation does to the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing and answers at once.
    Looks,
    /// It changes the spool; no print process has more to do.
    Changes,
    /// It changes the spool, and print processes may have work.
    Wakes,
    /// It changes nothing, and answers when something has happened or its time is over.
    Waits,
}

impl Effect {
    const fn looks() -> Self {
        Self::Looks
    }
    const fn changes() -> Self {
        Self::Changes
    }
    const fn declares() -> Self {
        Self::Wakes
    }
    const fn wakes() -> Self {
        Self::Wakes
    }
    const fn waits() -> Self {
        Self::Waits
    }

    /// Whether the operation changes nothing. It may be asked again, and a lost reply leaves no doubt.
    pub fn only_looks(self) -> bool {
        matches!(self, Self::Looks | Self::Waits)
    }
}

/// Has an operation carried out at another server.
fn ask_there(spool: &Spool, call: &Call, server: &ServerName, request: &Request) -> Result<Box<Reply>, Failure> {
    if request.effect() != Effect::Looks {
        let why = format!("{} changes something: it is asked of server {server} itself", request.name());
        return Err(Failure::new(FailureKind::Unsupported, why).hint("-H HOST:PORT   asks a server of another machine"));
    }
    let asked = serde_json::to_string(request).map_err(|error| Failure::internal(error.to_string()))?;
    let reply = spool.look_there(call, server, asked)?;
    let bad =
        |_| Failure::new(FailureKind::Unreachable, format!("server {server} answers what nobody here understands"));
    serde_json::from_str(&reply).map(Box::new).map_err(bad)
}

/// Returns the other server whose device that is.
fn node_of(spool: &Spool, name: &DeviceName) -> Result<Option<ServerName>, Failure> {
    match name.node() {
        Some(node) if node != spool.server() && spool.known_servers()?.contains(node) => Ok(Some(node.clone())),
        _ => Ok(None),
    }
}

/// Returns the other server whose job that is.
fn server_of(spool: &Spool, job: &JobRef) -> Result<Option<ServerName>, Failure> {
    match job {
        JobRef::Global(job) if job.server != *spool.server() && spool.known_servers()?.contains(&job.server) => {
            Ok(Some(job.server.clone()))
        }
        _ => Ok(None),
    }
}

/// Finds or makes the location by which jobs reach a destination of another server.
fn way_to(spool: &Spool, call: &Call, server: &ServerName, name: &str) -> Result<Destination, Failure> {
    if server == spool.server() {
        return spool.resolve(call, name);
    }
    // As that server writes its name.
    let servers = spool.known_servers()?;
    let Some(server) = servers.iter().find(|known| *known == server) else {
        let here = format!("the server here is {}", spool.server());
        return Err(Failure::not_found(format!("server {server}")).hint(here));
    };
    // What a name without a sign and a dot means only that server knows; but one that does not answer may have said it before.
    let known = || spool.known_way(call, server, name).ok().flatten();
    let is_clear = name.contains(['#', '.']);
    if let Some(known) = known().filter(|_| is_clear) {
        return Ok(known);
    }
    let asked = ask_there(spool, call, server, &Request::ResolveDestination { name: name.to_owned() });
    let answered = match (asked, known) {
        (Ok(answered), _) => answered,
        (Err(failure), known) => return known().ok_or(failure),
    };
    match *answered {
        Reply::ResolveDestination(there) => spool.make_way(call, server, &there.to_string()),
        Reply::Failed(failure) => Err(failure),
        _ => Err(Failure::internal("another server answers something else")),
    }
}

/// Another server of the group, as the spool here reaches it: it can be looked at.
pub struct At<'a> {
    /// The spool here.
    pub spool: &'a mut dyn Operations,
    /// The other server.
    pub server: ServerName,
}

impl Carrier for At<'_> {
    fn carry(&mut self, request: Request, _: Vec<OwnedFd>) -> Result<Reply, Failure> {
        self.spool.ask_server(self.server.clone(), Box::new(request)).map(|reply| *reply)
    }
}

macro_rules! operations {
    ($(
        $(#[$doc:meta])*
        $kind:ident $(($timeout:ident))? $method:ident / $variant:ident ( $($arg:ident : $type:ty),* ) -> $result:ty =>
            |$spool:ident, $call:ident| $work:expr;
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

            /// Has on disk what was declared, wakes the print processes that have work because of it, and says how
            /// declarations are carried out from now on: with `on` together, some of them at a time, else each at once. Whatever
            /// is no declaration and changes something has those before it on disk first.
            fn gather(&mut self, on: bool) -> Result<(), Failure>;

            /// Opens the page of a station. `channels` are sockets over which its process asks
            /// ([`crate::model::station`]), and nothing else.
            fn serve_station(&mut self, station: ObjectName, channels: Vec<OwnedFd>) -> Result<(), Failure>;

            /// The caller has his answer: what did not have to be done before it may be done now.
            fn has_answered(&mut self) {}
        }

        impl Operations for Local {
            $( fn $method(&mut self, $($arg: $type),*) -> Result<$result, Failure> {
                self.$kind(move |$spool, $call| $work)
            } )+

            fn submit(&mut self, submission: Submission, files: Vec<OwnedFd>) -> Result<Accepted, Failure> {
                self.takes_in(|spool, call| spool.submit_until((call, &|| self.call()), submission, files))
            }

            fn has_answered(&mut self) {
                self.see_to_what_was_left();
            }

            fn gather(&mut self, on: bool) -> Result<(), Failure> {
                self.set_gathering(on)
            }

            fn serve_station(&mut self, station: ObjectName, _: Vec<OwnedFd>) -> Result<(), Failure> {
                self.looks(|spool, call| spool.serve_station(call, &station))
            }
        }

        /// An operation on its way.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Request {
            $( $(#[$doc])* $variant { $($arg: $type),* }, )+
            /// [`Operations::submit`]; the files travel beside it.
            Submit { submission: Submission },
            /// [`Operations::gather`].
            Gather { on: bool },
            /// [`Operations::serve_station`]; the sockets travel beside it.
            ServeStation { station: ObjectName },
        }

        impl Request {
            /// What the operation does to the spool.
            pub fn effect(&self) -> Effect {
                match self {
                    $( Self::$variant { .. } => Effect::$kind(), )+
                    Self::Submit { .. } | Self::Gather { .. } => Effect::Wakes,
                    Self::ServeStation { .. } => Effect::Looks,
                }
            }

            /// The operation's name, for a log.
            pub fn name(&self) -> &'static str {
                match self {
                    $( Self::$variant { .. } => stringify!($method), )+
                    Self::Submit { .. } => "submit",
                    Self::Gather { .. } => "gather",
                    Self::ServeStation { .. } => "serve_station",
                }
            }

            /// How long the operation waits because its caller asks for that.
            pub fn own_wait(&self) -> Duration {
                match self {
                    $( Self::$variant { $($timeout,)? .. } => Duration::from_millis(0 $(+ *$timeout)?), )+
                    Self::Submit { .. } | Self::Gather { .. } | Self::ServeStation { .. } => Duration::ZERO,
                }
            }
        }

        /// The result of an operation on its way back.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Reply {
            $( $variant($result), )+
            Submit(Accepted),
            Gather(()),
            ServeStation(()),
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
                Request::Gather { on } => match spool.gather(on) {
                    Ok(()) => Reply::Gather(()),
                    Err(failure) => Reply::Failed(failure),
                },
                Request::ServeStation { station } => match spool.serve_station(station, files) {
                    Ok(()) => Reply::ServeStation(()),
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

            /// As [`Operations::has_answered`].
            fn has_answered(&mut self) {}
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

            fn gather(&mut self, on: bool) -> Result<(), Failure> {
                match self.carry(Request::Gather { on }, Vec::new())? {
                    Reply::Gather(()) => Ok(()),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("the reply belongs to another request")),
                }
            }

            fn serve_station(&mut self, station: ObjectName, channels: Vec<OwnedFd>) -> Result<(), Failure> {
                match self.carry(Request::ServeStation { station }, channels)? {
                    Reply::ServeStation(()) => Ok(()),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("the reply belongs to another request")),
                }
            }

            fn has_answered(&mut self) {
                Carrier::has_answered(self);
            }
        }
    };
}

operations! {
    /// The spool itself: its server name, state and counts.
    looks about / About() -> SpoolStatus =>
        |spool, call| spool.about(call);
    /// Makes the spool ACTIVE, starts what has work.
    wakes start_spooler / StartSpooler() -> () =>
        |spool, call| spool.start_spooler(call);
    /// What of a spool is counted.
    looks statistics / Statistics() -> Statistics =>
        |spool, call| spool.statistics(call);
    /// The log file of the spooler as typed; none = its own log alone.
    changes set_error_log / SetErrorLog(name: Option<String>) -> () =>
        |spool, call| spool.set_error_log(call, name);

    /// Writes a snapshot of the database to a new file.
    looks dump / Dump(to: RawPath) -> () =>
        |spool, call| spool.dump(call, &to);

    /// Declares a collector, or alters it; it must be dormant to be altered.
    declares change_collector / ChangeCollector(name: CollectorName, changes: Vec<CollectorChange>) -> () =>
        |spool, call| spool.change_collector(call, name, changes);
    /// Has a collector take jobs.
    changes start_collector / StartCollector(name: CollectorName) -> () =>
        |spool, call| spool.start_collector(call, name);
    /// Has a collector take no new jobs. Returns at once with the state it is in.
    changes drain_collector / DrainCollector(name: CollectorName) -> CollectorState =>
        |spool, call| spool.drain_collector(call, name);
    /// Removes a collector; it must be dormant, without jobs that came by it.
    changes delete_collector / DeleteCollector(name: CollectorName) -> () =>
        |spool, call| spool.delete_collector(call, name);
    /// Collectors by name, at most 1,000, those after `after`.
    looks collectors / Collectors(after: Option<CollectorName>) -> Vec<CollectorStatus> =>
        |spool, call| spool.collectors(call, after);
    /// One collector.
    looks collector / Collector(name: CollectorName) -> CollectorStatus =>
        |spool, call| spool.collector(call, &name);

    /// What the devices lack that SPOOLER START has left as they are, the first twenty of them.
    looks unready_devices / UnreadyDevices() -> Vec<Failure> =>
        |spool, call| spool.unready_devices(call);
    /// Orderly stop: new jobs are refused, running attempts finish. Returns at once.
    wakes drain_spooler / DrainSpooler() -> () =>
        |spool, call| spool.drain_spooler(call);
    /// Whether group managers may handle their members' jobs.
    changes set_manager_access / SetManagerAccess(on: bool) -> () =>
        |spool, call| spool.set_manager_access(call, on);

    /// Changes the access rules of an object: all of the changes, or none.
    changes set_access / SetAccess(object: AccessObject, changes: Vec<AccessChange>) -> () =>
        |spool, call| spool.set_access(call, object, changes);
    /// Whether the caller may do something, whatever state the object is in: who may not is told that first.
    looks demand_right / DemandRight(what: Intended) -> () =>
        |spool, call| spool.demand_right_to(call, &what);
    /// Sets what one user may have of something; none = without limit.
    changes set_user_limit / SetUserLimit(limit: UserLimit, most: Option<u64>) -> () =>
        |spool, call| spool.set_user_limit(call, limit, most);

    /// Sets what is kept free on the file system of the spool: below it submissions are refused.
    changes set_reserve / SetReserve(reserve: Option<Reserve>) -> () =>
        |spool, call| spool.set_reserve(call, reserve);

    /// Which file is the primary FASTCNFG file; none = `FASTCNFG` in the base directory.
    changes set_fastcnfg / SetFastcnfg(path: Option<RawPath>) -> () =>
        |spool, call| spool.set_fastcnfg(call, path);

    /// Declares a print process, or alters it; the process must be dormant or in error to be altered.
    declares change_process / ChangeProcess(name: ProcessName, changes: Vec<ProcessChange>) -> () =>
        |spool, call| spool.change_process(call, name, changes);
    /// Clears the error of a process, ends it if it hangs, and starts it when it has work.
    wakes start_process / StartProcess(name: ProcessName) -> () =>
        |spool, call| spool.start_process(call, name);
    /// Removes a process; it must be dormant and its devices offline.
    changes delete_process / DeleteProcess(name: ProcessName) -> () =>
        |spool, call| spool.delete_process(call, name);
    /// Processes by name, at most 1,000, those after `after`.
    looks processes / Processes(after: Option<ProcessName>) -> Vec<ProcessStatus> =>
        |spool, call| spool.processes(call, after);
    /// One process.
    looks process / Process(name: ProcessName) -> ProcessStatus =>
        |spool, call| spool.process(call, &name);

    /// Declares a device, or alters it; it must be offline to be altered.
    declares change_device / ChangeDevice(name: DeviceName, changes: Vec<DeviceChange>) -> () =>
        |spool, call| spool.change_device(call, name, changes).map(OnlyThese);
    /// Brings a device online.
    declares start_device / StartDevice(name: DeviceName) -> () =>
        |spool, call| spool.start_device(call, name);
    /// Stops a device where it is; START lets it go on at the same octet.
    wakes suspend_device / SuspendDevice(name: DeviceName) -> () =>
        |spool, call| spool.suspend_device(call, name);
    /// Waits until no further octet leaves a suspended device, or `timeout_ms` have passed, and says whether it stands.
    waits(timeout_ms) await_standing / AwaitStanding(name: DeviceName, timeout_ms: u64) -> bool =>
        |spool, again| spool.await_standing(&name, longest(timeout_ms), again);
    /// Takes a device offline after its current job. Returns at once with the state it is in.
    wakes drain_device / DrainDevice(name: DeviceName) -> DeviceState =>
        |spool, call| spool.drain_device(call, name);
    /// Waits until a device is OFFLINE, or `timeout_ms` have passed, and says what it is then.
    waits(timeout_ms) await_offline / AwaitOffline(name: DeviceName, timeout_ms: u64) -> DeviceStatus =>
        |spool, again| spool.await_offline(&name, longest(timeout_ms), again);
    /// Takes the job in print from a device: it is held, or with `remove` it is deleted.
    wakes clear_device / ClearDevice(name: DeviceName, remove: bool) -> Cleared =>
        |spool, call| spool.clear_device(call, name, remove);
    /// Makes a job that is queued for a device the next one that it prints, whatever the priorities of the others.
    changes next_job / NextJob(name: DeviceName, job: JobRef) -> () =>
        |spool, call| spool.next_job(call, name, &job);
    /// Asks the print process of a device for something that only it can do.
    wakes ask_device / AskDevice(name: DeviceName, what: DeviceRequest) -> RequestId =>
        |spool, call| spool.ask_device(call, name, what);
    /// Waits until what was asked is answered, at most `timeout_ms`, and returns the answer.
    waits(timeout_ms) await_answer / AwaitAnswer(request: RequestId, timeout_ms: u64) -> Answer =>
        |spool, again| spool.await_answer(request, longest(timeout_ms), again).map(WaitResult::from);
    /// Removes a device; it must be offline, without jobs of its own and without locations.
    changes delete_device / DeleteDevice(name: DeviceName) -> () =>
        |spool, call| spool.delete_device(call, name);
    /// Devices by name, at most 1,000, those after `after`.
    looks devices / Devices(after: Option<DeviceName>) -> Vec<DeviceStatus> =>
        |spool, call| spool.devices(call, after);
    /// How many devices are in each state.
    looks device_summary / DeviceSummary() -> DeviceCounts =>
        |spool, call| spool.device_summary(call);
    /// One device.
    looks device / Device(name: DeviceName) -> DeviceStatus =>
        |spool, call| match node_of(spool, &name)? {
            None => spool.device(call, &name),
            Some(server) => {
                let own = name.without_node();
                match *ask_there(spool, call, &server, &Request::Device { name: own })? {
                    Reply::Device(status) => Ok(DeviceStatus { name, ..status }),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("another server answers something else")),
                }
            }
        };
    /// One device, if there is one of that name.
    looks known_device / KnownDevice(name: DeviceName) -> Option<DeviceStatus> =>
        |spool, call| match node_of(spool, &name)? {
            None => spool.known_device(call, &name),
            Some(server) => {
                let own = name.without_node();
                match *ask_there(spool, call, &server, &Request::KnownDevice { name: own })? {
                    Reply::KnownDevice(status) => Ok(status.map(|status| DeviceStatus { name, ..status })),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("another server answers something else")),
                }
            }
        };
    /// What waits for a device, in the order in which it would claim it now, a page at a time, at most 1,000.
    looks device_queue / DeviceQueue(name: DeviceName, after: Option<Cursor>, limit: u32) -> Page<QueueItem> =>
        |spool, call| match node_of(spool, &name)? {
            None => spool.device_queue(call, &name, after.as_ref(), limit),
            Some(server) => {
                let asked = Request::DeviceQueue { name: name.without_node(), after, limit };
                match *ask_there(spool, call, &server, &asked)? {
                    Reply::DeviceQueue(page) => Ok(page),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("another server answers something else")),
                }
            }
        };

    /// Connects every location that matches to `device`, or to nothing; `#group.dest` is declared when it is unknown.
    /// Returns how many were connected.
    declares route_location / RouteLocation(pattern: LocationPattern, device: Option<DeviceName>) -> u32 =>
        |spool, call| spool.route_location(call, pattern, device);
    /// What the documents of jobs are that are sent to every location that matches, where nobody else says;
    /// `#group.dest` is declared when it is unknown. Returns how many were set.
    declares set_content / SetContent(pattern: LocationPattern, content: Option<Format>) -> u32 =>
        |spool, call| spool.set_content(call, pattern, content);
    /// The font that is sent ahead of the jobs of every location that matches, once a job; `#group.dest` is declared when it
    /// is unknown. Returns how many were set.
    declares set_font / SetFont(pattern: LocationPattern, font: Option<FontName>) -> u32 =>
        |spool, call| spool.set_font(call, pattern, font);
    /// Makes a job a font, which is defined by that. A job that is a font cannot be deleted.
    changes define_font / DefineFont(name: FontName, job: JobRef) -> () =>
        |spool, call| spool.define_font(call, name, &job);
    /// Forgets a font; its job stays.
    changes delete_font / DeleteFont(name: FontName) -> () =>
        |spool, call| spool.delete_font(call, name);
    /// Fonts by name, at most 1,000, those after `after`.
    looks fonts / Fonts(after: Option<FontName>) -> Vec<FontStatus> =>
        |spool, call| spool.fonts(call, after);
    /// Whether a job for the whole group prints on every device of it.
    declares set_broadcast / SetBroadcast(group: GroupName, on: bool) -> () =>
        |spool, call| spool.set_broadcast(call, group, on);
    /// Removes a location or a group with its locations; no job may be in it. Returns how many were removed.
    changes delete_location / DeleteLocation(pattern: LocationPattern) -> u32 =>
        |spool, call| spool.delete_location(call, pattern);
    /// Locations by name, at most 1,000, those after `after`, all or those that match.
    looks locations / Locations(pattern: Option<LocationPattern>, after: Option<LocationName>) -> Vec<LocationStatus> =>
        |spool, call| spool.locations(call, pattern, after);
    /// What a destination name means: exact name, then `group.dest`, then a `dest` that is unique, then a device.
    /// An unknown one fails with names that resemble it.
    looks resolve_destination / ResolveDestination(name: String) -> Destination =>
        |spool, call| spool.resolve(call, &name);
    /// The location here by which jobs reach a destination of another server. Where there is none the other server is asked for that
    /// destination, and one is made.
    changes way_to / WayTo(server: ServerName, name: String) -> Destination =>
        |spool, call| way_to(spool, call, &server, &name);

    /// Groups by name, at most 1,000, those after `after`.
    looks groups / Groups(after: Option<GroupName>) -> Vec<GroupStatus> =>
        |spool, call| spool.groups(call, after);

    /// Makes a destination or a queue. A destination is disabled, and has what it needs to print.
    changes create_managed / CreateManaged(object: ManagedObject, changes: Vec<ManagedChange>, message: Option<String>) -> Staged =>
        |spool, call| spool.create_managed(call, object, changes, message);
    /// Changes attributes of a destination, a queue or the server: all of the changes, or none. An actual destination is
    /// disabled then.
    wakes set_managed / SetManaged(object: ManagedObject, changes: Vec<ManagedChange>, message: Option<String>) -> Staged =>
        |spool, call| spool.set_managed(call, object, changes, message).map(|(staged, targets)| (staged, OnlyThese(targets)));
    /// Deletes a destination without jobs, or a queue without destinations.
    changes delete_managed / DeleteManaged(object: ManagedObject) -> Staged =>
        |spool, call| spool.delete_managed(call, object);
    /// Notes that the jobs of a destination, a queue or the server were removed: whoever asks for that is told.
    changes note_cleaned / NoteCleaned(object: ManagedObject, removed: u64) -> () =>
        |spool, call| spool.note_cleaned(call, object, removed);
    /// Enables or disables a destination, those of a queue, or those of the server. A device goes on to the end of its job.
    wakes enable_managed / EnableManaged(object: ManagedObject, on: bool, message: Option<String>) -> () =>
        |spool, call| spool.enable_managed(call, object, on, message);
    /// Pauses what an object stands for, or resumes it (none).
    wakes pause_managed / PauseManaged(object: ManagedObject, pause: Option<PauseWhen>, message: Option<String>) -> () =>
        |spool, call| spool.pause_managed(call, object, pause, message);

    /// Creates an object of a class that the model only keeps: queues, servers, stations, profiles and so on.
    changes create_object / CreateObject(class: ObjectClass, name: ObjectName, attributes: Vec<ObjectAttribute>) -> () =>
        |spool, call| spool.create_object(call, class, name, attributes);
    /// Changes attributes of an object: all of the changes, or none.
    changes set_object / SetObject(class: ObjectClass, name: ObjectName, changes: Vec<ObjectChange>) -> () =>
        |spool, call| spool.set_object(call, class, name, changes);
    /// Deletes an object with its attributes.
    changes delete_object / DeleteObject(class: ObjectClass, name: ObjectName) -> () =>
        |spool, call| spool.delete_object(call, class, name);
    /// Objects of a class by name, or the one that is named, a page at a time, those after `after`. A page has at most
    /// `limit` objects, at most 1,000, and fewer when they are large: only `next` tells whether there are more.
    looks objects / Objects(class: ObjectClass, name: Option<ObjectName>, after: Option<ObjectName>, limit: u32) -> ObjectPage =>
        |spool, call| spool.objects(call, class, name, after, limit);

    /// What became of the submission with this token: accepted, or certainly not and never will be.
    wakes settle / Settle(token: String) -> Option<Accepted> =>
        |spool, call| spool.settle(call, token);
    /// Jobs, a page at a time, at most 1,000.
    looks jobs / Jobs(query: Query, after: Option<Cursor>, limit: u32) -> Page<JobStatus> =>
        |spool, call| spool.jobs(call, &query, after, limit);
    /// What is wrong with the spool and its objects, in one look.
    looks health / Health() -> Health =>
        |spool, call| spool.health(call);
    /// How many jobs are in each state.
    looks job_summary / JobSummary() -> JobSummary =>
        |spool, call| spool.job_summary(call);
    /// One job.
    looks job / Job(job: JobRef) -> JobStatus =>
        |spool, call| match (spool.job(call, &job), server_of(spool, &job)?) {
            (Err(failure), Some(server)) if failure.kind == FailureKind::NotFound => {
                match *ask_there(spool, call, &server, &Request::Job { job })? {
                    Reply::Job(status) => Ok(status),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("another server answers something else")),
                }
            }
            (found, _) => found,
        };
    /// Where a job waits and prints.
    looks occurrences / Occurrences(job: JobId) -> Vec<Occurrence> =>
        |spool, call| spool.occurrences(call, job);
    /// Why a job is not printing.
    looks why / Why(job: JobRef) -> Why =>
        |spool, call| match (spool.why(call, &job), server_of(spool, &job)?) {
            (Err(failure), Some(server)) if failure.kind == FailureKind::NotFound => {
                match *ask_there(spool, call, &server, &Request::Why { job })? {
                    Reply::Why(why) => Ok(why),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("another server answers something else")),
                }
            }
            (found, _) => found,
        };
    /// Finished jobs, those that ended last first, a page at a time, at most 1,000. The order of `query` is ignored.
    looks finished / Finished(query: Query, after: Option<Cursor>, limit: u32) -> Page<FinishedStatus> =>
        |spool, call| spool.finished(call, &query.condition, after, limit);
    /// Holds a job; a printing one stops.
    wakes hold_job / HoldJob(job: JobRef) -> () =>
        |spool, call| spool.hold_job(call, &job);
    /// Clears the holds that START clears and says which remain.
    wakes start_job / StartJob(job: JobRef) -> HoldReasons =>
        |spool, call| spool.start_job(call, &job);
    /// Removes a job. A printing one is removed when its attempt has ended. The message goes into its history. A job that has a
    /// retention is kept; `retention` takes the place of the one that it has.
    wakes delete_job / DeleteJob(job: JobRef, message: Option<String>, retention: Option<Retention>) -> Removal =>
        |spool, call| spool.delete_job(call, &job, message, retention);
    /// Changes a job: all of the changes, or none. What decides its place makes it the newest arrival at its place.
    wakes alter_job / AlterJob(job: JobRef, changes: Vec<JobChange>) -> () =>
        |spool, call| spool.alter_job(call, &job, changes);
    /// Sends a job that waits, is held or is kept to another destination; with `anew` without what the old one gave it.
    wakes resubmit_job / ResubmitJob(job: JobRef, to: String, anew: bool) -> () =>
        |spool, call| spool.resubmit_job(call, &job, to, anew);
    /// Puts a job on hold into a batch, whose jobs are on hold too; a number that is no batch begins one.
    changes link_job / LinkJob(batch: BatchNumber, job: JobRef) -> () =>
        |spool, call| spool.link_job(call, batch, &job);
    /// Takes a job on hold out of a batch.
    changes unlink_job / UnlinkJob(batch: BatchNumber, job: JobRef) -> () =>
        |spool, call| spool.unlink_job(call, batch, &job);
    /// Changes all jobs of a batch, or none of them.
    wakes change_batch / ChangeBatch(batch: BatchNumber, change: BatchChange) -> BatchResult =>
        |spool, call| spool.change_batch(call, batch, change);
    /// Keeps a job back until it is resumed; a printing one stops. The message goes into its history.
    wakes pause_job / PauseJob(job: JobRef, message: Option<String>) -> () =>
        |spool, call| spool.pause_job(call, &job, message);
    /// Lets a paused job go where it stood; it stays held when something holds it.
    wakes resume_job / ResumeJob(job: JobRef, message: Option<String>) -> () =>
        |spool, call| spool.resume_job(call, &job, message);
    /// Puts a job that waits before all others of its queue.
    changes promote_job / PromoteJob(job: JobRef, message: Option<String>) -> () =>
        |spool, call| spool.promote_job(call, &job, message);
    /// Puts a job that waits before or behind another one, on one device, or where a new arrival stands.
    wakes reorder_job / ReorderJob(job: JobRef, to: Reorder, message: Option<String>) -> () =>
        |spool, call| spool.reorder_job(call, &job, &to, message);
    /// The jobs that the caller may release, in the order of submission, a page at a time, at most 1,000, with what each printer
    /// of the station makes of them. Without a station the only one that there is counts.
    looks held_jobs / HeldJobs(station: Option<ObjectName>, after: Option<JobId>, limit: u32) -> HeldPage =>
        |spool, call| spool.held_jobs(call, station, after, limit);
    /// The jobs that other servers hold for the caller, with what each printer of the station makes of them, and which servers did
    /// not say.
    looks held_elsewhere / HeldElsewhere(station: Option<ObjectName>) -> HeldElsewhere =>
        |spool, call| spool.held_elsewhere(call, station.as_ref());
    /// What the stations of this server make of a job that asks for this.
    looks at_stations / AtStations(wanted: Wanted) -> Vec<AtStation> =>
        |spool, call| spool.at_stations(call, &wanted);
    /// What the stations of other servers make of a job that waits for its owner.
    looks why_elsewhere / WhyElsewhere(job: JobRef) -> Vec<Cause> =>
        |spool, call| spool.why_elsewhere(call, &job);
    /// Removes a job of the caller that waits for its release at another server.
    changes remove_elsewhere / RemoveElsewhere(job: GlobalJobId) -> () =>
        |spool, call| spool.remove_elsewhere(call, &job);
    /// Releases a job that waits for its owner on a printer of a station; without a printer on the first one that takes it. The job may
    /// lie on another server.
    wakes release_job / ReleaseJob(job: JobRef, station: Option<ObjectName>, printer: Option<DeviceName>) -> Released =>
        |spool, call| spool.release_job(call, &job, station, printer);
    /// Sets the PIN with which a user logs on at stations, or takes it from him.
    changes set_pin / SetPin(user: ObjectName, pin: Option<Pin>) -> () =>
        |spool, call| spool.set_pin(call, user, pin);
    /// Gives a user a card with which he logs on at stations, or takes it from him.
    changes set_card / SetCard(user: ObjectName, change: CardChange) -> () =>
        |spool, call| spool.set_card(call, user, change);
    /// Has edits of what pools are made of staged, or not, and takes back what is staged if that is wanted. Returns how many edits
    /// that were.
    changes set_change_mode / SetChangeMode(mode: Mode, discard: bool) -> u32 =>
        |spool, call| spool.set_change_mode(call, mode, discard);
    /// Takes back what is staged here, of one object where one is named. Returns how many edits that were.
    changes discard_changes / DiscardChanges(name: Option<String>) -> u32 =>
        |spool, call| spool.discard_changes(call, name);
    /// Issues what is staged on all servers of the group as the next generation, or goes back to one.
    changes issue_changes / IssueChanges(issue: Issue) -> Issued =>
        |spool, call| spool.issue_changes(call, issue);
    /// How change control stands on all servers of the group, what is staged there, and their objects as they will be.
    looks change_views / ChangeViews(look: Look) -> ChangeViews =>
        |spool, call| spool.change_views(call, look);
    /// Lines of the record of releases after the one with that place, oldest first, at most 1,000: all of them for whoever the
    /// spool trusts, those about his own jobs for everybody else.
    looks release_record / ReleaseRecord(after: i64, limit: u32) -> AuditPage =>
        |spool, call| spool.release_record(call, after, limit);
    /// Waits until a job that was held or paused is on no device any more, at most `timeout_ms`, and says what it is then.
    waits(timeout_ms) await_stopped / AwaitStopped(job: JobRef, timeout_ms: u64) -> JobStatus =>
        |spool, again| spool.await_stopped(&again(), &job, longest(timeout_ms)).map(WaitResult::from);
    /// Waits until a job has ended or is held until a person acts, at most `timeout_ms`, and says what it is then; none where it
    /// has ended and is gone.
    waits(timeout_ms) await_end / AwaitEnd(job: JobRef, timeout_ms: u64) -> Option<JobStatus> =>
        |spool, again| spool.await_end(&again(), &job, longest(timeout_ms)).map(WaitResult::from);

    /// The other servers of the group.
    looks servers / Servers() -> Vec<ServerName> =>
        |spool, _call| spool.other_servers();
    /// Has an operation carried out at another server that only looks, with the rights that the caller has there.
    looks ask_server / AskServer(server: ServerName, request: Box<Request>) -> Box<Reply> =>
        |spool, call| ask_there(spool, call, &server, &request);
    /// Jobs of the caller that other servers hold, or one of them, and which servers did not say.
    looks releasable / Releasable(server: Option<ServerName>) -> ReleasableJobs =>
        |spool, call| spool.list_releasable(call, server, (LOGIN, None));
    /// Claims a job of the caller that another server holds, and has it printed at a destination here. Returns its number here.
    changes claim_job / ClaimJob(job: GlobalJobId, to: String) -> JobNumber =>
        |spool, call| spool.claim_of_other(call, &job, &to, (LOGIN, None));
    /// Says that the server is lost which has claimed a job: the job may have printed, and is free again.
    changes claimant_is_lost / ClaimantIsLost(job: JobRef) -> () =>
        |spool, call| spool.claimant_is_lost(call, &job);

    /// Names of a kind that begin with a text, whatever its case, at most so many and 1,000: for completion. Of jobs those that the
    /// caller sees, the last one first.
    looks names / Names(kind: NameKind, beginning: String, limit: u32) -> Vec<KnownName> =>
        |spool, call| spool.names(call, kind, &beginning, limit);
    /// When a job prints, by measured speed.
    looks forecast / Forecast(job: JobRef) -> Forecast =>
        |spool, call| match (spool.forecast(call, &job), server_of(spool, &job)?) {
            (Err(failure), Some(server)) if failure.kind == FailureKind::NotFound => {
                match *ask_there(spool, call, &server, &Request::Forecast { job })? {
                    Reply::Forecast(forecast) => Ok(forecast),
                    Reply::Failed(failure) => Err(failure),
                    _ => Err(Failure::internal("another server answers something else")),
                }
            }
            (found, _) => found,
        };
    /// What a stop of a device would touch.
    looks stop_of / StopOf(name: DeviceName) -> Stop =>
        |spool, call| spool.stop_of(call, &name);
    /// What happened to all objects behind a place, in the order of the commits, at most 1,000; and where the next page begins, if
    /// there may be one. Without a place it begins since then, and there always is a place to go on from.
    looks record / Record(since: Since, after: Option<RecordPlace>) -> (Vec<Happening>, Option<RecordPlace>) =>
        |spool, call| spool.record_of_all(call, since, after);
    /// The jobs that may have come out twice before that place of the list, the last one first, a page at a time, at most 1,000.
    looks duplicates / Duplicates(before: Option<DuplicatePlace>, limit: u32) -> (Vec<Duplicate>, Option<DuplicatePlace>) =>
        |spool, call| spool.duplicates(call, before, limit);
    /// Waits until something has changed in the spool since the change `seen` (0 = return at once), at most `timeout_ms`, and
    /// returns the last change.
    waits(timeout_ms) await_change / AwaitChange(seen: u64, timeout_ms: u64) -> u64 =>
        |spool, again| spool.await_change(seen, longest(timeout_ms), again).map(WaitResult::from);
    /// What happened to an object, oldest first, at most 1,000, those after the event `after`.
    looks events / Events(subject: EventSubject, after: i64) -> Vec<Event> =>
        |spool, call| spool.events(call, &subject, after);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_a_client_knows_of_its_request() {
        let device = || "lp1".parse::<DeviceName>().unwrap();
        let looks = Request::DeviceQueue { name: device(), after: None, limit: 1 };
        assert_eq!((looks.effect(), looks.own_wait()), (Effect::Looks, Duration::ZERO));
        let waits = Request::AwaitOffline { name: device(), timeout_ms: 1500 };
        assert_eq!((waits.effect(), waits.own_wait()), (Effect::Waits, Duration::from_millis(1500)));
        let stopped = Request::AwaitStopped { job: JobRef::Number(7.try_into().unwrap()), timeout_ms: 20 };
        assert_eq!((stopped.effect(), stopped.own_wait()), (Effect::Waits, Duration::from_millis(20)));
        let changes = Request::DeleteDevice { name: device() };
        assert_eq!((changes.effect(), changes.own_wait()), (Effect::Changes, Duration::ZERO));
        let submit = Request::Submit { submission: Submission::sample("t", "d", 1) };
        assert_eq!(submit.effect(), Effect::Wakes);
        let only_looks = [Effect::Looks, Effect::Waits, Effect::Changes, Effect::Wakes].map(Effect::only_looks);
        assert_eq!(only_looks, [true, true, false, false]);
    }
}
