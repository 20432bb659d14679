//! A spool in the caller's process, as [`Operations`].

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::model::alter::JobChange;
use crate::model::device::{DeviceChange, DeviceStatus};
use crate::model::finished::FinishedStatus;
use crate::model::job::{Accepted, JobStatus, Occurrence, Submission};
use crate::model::location::{Destination, LocationStatus};
use crate::model::process::{ProcessChange, ProcessStatus};
use crate::model::query::{Cursor, Page, Query};
use crate::model::queue::QueueItem;
use crate::model::state::{DeviceState, DeviceWish, HoldReasons, ProcessState};
use crate::model::time::Moment;
use crate::model::why::Why;
use crate::model::{
    Call, Caller, DeviceName, Failure, GroupName, JobId, JobRef, LocationName, LocationPattern, ProcessName,
};

use super::operations::Operations;
use super::records::{Event, EventSubject, Removal, SpoolStatus};
use crate::spool::jobs::submit::Taken;
use crate::spool::{Attendant, Spool, WakeTarget};

/// The longest wait of one [`Operations::await_offline`].
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A spool, who asks it, and who sees to its print processes.
pub struct Local {
    spool: Spool,
    caller: Caller,
    clock: fn() -> Moment,
    attendant: Arc<dyn Attendant>,
}

impl Local {
    /// The spool for one caller.
    pub fn new(spool: Spool, caller: Caller, clock: fn() -> Moment, attendant: Arc<dyn Attendant>) -> Self {
        Self { spool, caller, clock, attendant }
    }

    /// The spool itself.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// A call of its caller, now.
    fn call(&self) -> Call {
        Call::of(&self.caller, &(self.clock)())
    }

    /// Sees to the processes that have work now, and to those that died while they had some: every command that writes
    /// starts them again.
    fn attend(&self, targets: &[WakeTarget], now: &Moment) {
        self.attend_with(targets, self.spool.dead_processes().unwrap_or_default(), now);
    }

    /// Sees to the processes of a job that was taken in.
    fn attended(&self, taken: Taken, now: &Moment) -> Accepted {
        self.attend_with(&taken.targets, self.spool.dead_of(taken.running), now);
        taken.accepted
    }

    fn attend_with(&self, targets: &[WakeTarget], dead: Vec<WakeTarget>, now: &Moment) {
        let mut targets = targets.to_vec();
        for dead in dead {
            if !targets.iter().any(|target| target.id == dead.id) {
                targets.push(dead);
            }
        }
        if !targets.is_empty() {
            self.attendant.attend(&self.spool, &targets, now);
        }
    }
}

impl Operations for Local {
    fn about(&mut self) -> Result<SpoolStatus, Failure> {
        self.spool.about(&self.call())
    }
    fn start_spooler(&mut self) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.start_spooler(&call)?;
        self.attend(&targets, &call.now);
        Ok(())
    }
    fn drain_spooler(&mut self) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.drain_spooler(&call)?;
        self.attend(&targets, &call.now);
        Ok(())
    }
    fn set_manager_access(&mut self, on: bool) -> Result<(), Failure> {
        self.spool.set_manager_access(&self.call(), on)
    }
    fn change_process(&mut self, name: ProcessName, changes: Vec<ProcessChange>) -> Result<(), Failure> {
        self.spool.change_process(&self.call(), name, changes)
    }
    fn start_process(&mut self, name: ProcessName) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.start_process(&call, name)?;
        self.attend(&targets, &call.now);
        Ok(())
    }
    fn delete_process(&mut self, name: ProcessName) -> Result<(), Failure> {
        self.spool.delete_process(&self.call(), name)
    }
    fn processes(&mut self, after: Option<ProcessName>) -> Result<Vec<ProcessStatus>, Failure> {
        self.spool.processes(&self.call(), after)
    }
    fn process(&mut self, name: ProcessName) -> Result<ProcessStatus, Failure> {
        self.spool.process(&self.call(), &name)
    }
    fn change_device(&mut self, name: DeviceName, changes: Vec<DeviceChange>) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.change_device(&call, name, changes)?;
        if !targets.is_empty() {
            self.attend(&targets, &call.now);
        }
        Ok(())
    }
    fn start_device(&mut self, name: DeviceName) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.start_device(&call, name)?;
        self.attend(&targets, &call.now);
        Ok(())
    }
    fn suspend_device(&mut self, name: DeviceName) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.suspend_device(&call, name)?;
        self.attend(&targets, &call.now);
        Ok(())
    }
    fn drain_device(&mut self, name: DeviceName) -> Result<DeviceState, Failure> {
        let call = self.call();
        let (state, targets) = self.spool.drain_device(&call, name)?;
        self.attend(&targets, &call.now);
        Ok(state)
    }
    fn await_offline(&mut self, name: DeviceName, timeout_ms: u64) -> Result<DeviceStatus, Failure> {
        let timeout = Duration::from_millis(timeout_ms).min(LONGEST_WAIT);
        let status = self.spool.await_offline(&name, timeout, &|| self.call())?;
        let ended = matches!(status.process_state, ProcessState::Dead | ProcessState::Dormant);
        if status.wish == DeviceWish::Draining && ended {
            // Who was to end the drain is gone: its successor will.
            if let Some(process) = &status.settings.process {
                self.attend(&self.spool.targets_of(process)?, &(self.clock)());
            }
        }
        Ok(status)
    }
    fn delete_device(&mut self, name: DeviceName) -> Result<(), Failure> {
        self.spool.delete_device(&self.call(), name)
    }
    fn devices(&mut self, after: Option<DeviceName>) -> Result<Vec<DeviceStatus>, Failure> {
        self.spool.devices(&self.call(), after)
    }
    fn device(&mut self, name: DeviceName) -> Result<DeviceStatus, Failure> {
        self.spool.device(&self.call(), &name)
    }
    fn device_queue(
        &mut self,
        name: DeviceName,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<QueueItem>, Failure> {
        self.spool.device_queue(&self.call(), &name, after.as_ref(), limit)
    }
    fn route_location(&mut self, pattern: LocationPattern, device: Option<DeviceName>) -> Result<u32, Failure> {
        let call = self.call();
        let (routed, targets) = self.spool.route_location(&call, pattern, device)?;
        self.attend(&targets, &call.now);
        Ok(routed)
    }
    fn set_broadcast(&mut self, group: GroupName, on: bool) -> Result<(), Failure> {
        self.spool.set_broadcast(&self.call(), group, on)
    }
    fn delete_location(&mut self, pattern: LocationPattern) -> Result<u32, Failure> {
        self.spool.delete_location(&self.call(), pattern)
    }
    fn locations(
        &mut self,
        pattern: Option<LocationPattern>,
        after: Option<LocationName>,
    ) -> Result<Vec<LocationStatus>, Failure> {
        self.spool.locations(&self.call(), pattern, after)
    }
    fn resolve_destination(&mut self, name: String) -> Result<Destination, Failure> {
        self.spool.resolve(&self.call(), &name)
    }
    fn settle(&mut self, token: String) -> Result<Option<Accepted>, Failure> {
        let call = self.call();
        let taken = self.spool.settle(&call, token)?;
        Ok(taken.map(|taken| self.attended(taken, &call.now)))
    }
    fn jobs(&mut self, query: Query, after: Option<Cursor>, limit: u32) -> Result<Page<JobStatus>, Failure> {
        self.spool.jobs(&self.call(), &query, after, limit)
    }
    fn job(&mut self, job: JobRef) -> Result<JobStatus, Failure> {
        self.spool.job(&self.call(), &job)
    }
    fn occurrences(&mut self, job: JobId) -> Result<Vec<Occurrence>, Failure> {
        self.spool.occurrences(&self.call(), job)
    }
    fn why(&mut self, job: JobRef) -> Result<Why, Failure> {
        self.spool.why(&self.call(), &job)
    }
    fn finished(&mut self, query: Query, after: Option<Cursor>, limit: u32) -> Result<Page<FinishedStatus>, Failure> {
        self.spool.finished(&self.call(), &query.condition, after, limit)
    }
    fn hold_job(&mut self, job: JobRef) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.hold_job(&call, &job)?;
        self.attend(&targets, &call.now);
        Ok(())
    }
    fn start_job(&mut self, job: JobRef) -> Result<HoldReasons, Failure> {
        let call = self.call();
        let (left, targets) = self.spool.start_job(&call, &job)?;
        self.attend(&targets, &call.now);
        Ok(left)
    }
    fn delete_job(&mut self, job: JobRef) -> Result<Removal, Failure> {
        let call = self.call();
        let (removal, targets) = self.spool.delete_job(&call, &job)?;
        self.attend(&targets, &call.now);
        Ok(removal)
    }
    fn alter_job(&mut self, job: JobRef, changes: Vec<JobChange>) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.alter_job(&call, &job, changes)?;
        self.attend(&targets, &call.now);
        Ok(())
    }
    fn pause_job(&mut self, job: JobRef, message: Option<String>) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.pause_job(&call, &job, message)?;
        self.attend(&targets, &call.now);
        Ok(())
    }
    fn resume_job(&mut self, job: JobRef, message: Option<String>) -> Result<(), Failure> {
        let call = self.call();
        let targets = self.spool.resume_job(&call, &job, message)?;
        self.attend(&targets, &call.now);
        Ok(())
    }
    fn promote_job(&mut self, job: JobRef, message: Option<String>) -> Result<(), Failure> {
        self.spool.promote_job(&self.call(), &job, message)
    }
    fn await_stopped(&mut self, job: JobRef, timeout_ms: u64) -> Result<JobStatus, Failure> {
        let timeout = Duration::from_millis(timeout_ms).min(LONGEST_WAIT);
        self.spool.await_stopped(&self.call(), &job, timeout)
    }
    fn events(&mut self, subject: EventSubject, after: i64) -> Result<Vec<Event>, Failure> {
        self.spool.events(&self.call(), &subject, after)
    }
    fn submit(&mut self, submission: Submission, files: Vec<OwnedFd>) -> Result<Accepted, Failure> {
        let call = self.call();
        let taken = self.spool.submit(&call, submission, files)?;
        Ok(self.attended(taken, &call.now))
    }
}
