//! The seam itself, as the spool in memory keeps it.

use super::Fake;
use crate::model::device::Exclusive;
use crate::model::separation::Separation;
use crate::model::state::{Delivery, DeviceWish};
use crate::model::time::Moment;
use crate::model::{DeviceId, Failure, FailureKind, ProcessId, ProcessName, ServerName};
use crate::spool::engine::{
    AttemptEnd, AttemptWish, Claim, DeviceOrder, Engine, FilePosition, Lease, Observation, Remembered, Settlement,
};

fn at(device: DeviceId) -> usize {
    usize::try_from(device.0).unwrap()
}

impl Engine for Fake {
    fn server(&self) -> ServerName {
        "acme".parse().unwrap()
    }

    fn begins(&self, name: &ProcessName, _: u32, _: &Moment) -> Result<Lease, Failure> {
        let mut state = self.state();
        state.epoch += 1;
        state.running = true;
        for printer in &mut state.printers {
            if let Some(claim) = printer.claimed.take() {
                printer.queue.push_front(claim);
            }
        }
        Ok(Lease { process: ProcessId(1), name: name.clone(), epoch: state.epoch })
    }

    fn orders(&self, _: &Lease, _: &Moment) -> Result<Vec<DeviceOrder>, Failure> {
        self.fault("orders")?;
        let state = self.state();
        Ok((0..state.printers.len()).filter_map(|n| Self::order_of(&state, n)).collect())
    }

    fn order(&self, _: &Lease, device: DeviceId, _: &Moment) -> Result<Option<DeviceOrder>, Failure> {
        Ok(Self::order_of(&self.state(), at(device)))
    }

    fn remembered(&self, _: &Lease, device: DeviceId) -> Result<Remembered, Failure> {
        Ok(self.state().printers[at(device)].remembered.clone())
    }

    fn claim(&self, _: &Lease, device: DeviceId, _: &Moment) -> Result<Option<Claim>, Failure> {
        let claim = Self::take(&mut self.state(), at(device));
        self.changed.notify_all();
        Ok(claim)
    }

    fn attempt_begins(
        &self,
        _: &Lease,
        claim: &Claim,
        at_: &FilePosition,
        separation: &Separation,
        _: &Moment,
    ) -> Result<(), Failure> {
        self.fault("attempt_begins")?;
        let mut state = self.state();
        if let Some(claimed) = &mut state.printers[at(claim.device)].claimed {
            claimed.begun = Some(at_.clone());
            claimed.begun_separation = Some(separation.clone());
        }
        self.note(&mut state, format!("begin {} at {}", claim.number, at_.offset));
        Ok(())
    }

    fn attempt_ends(
        &self,
        _: &Lease,
        claim: &Claim,
        end: AttemptEnd,
        claim_next: bool,
        now: &Moment,
    ) -> Result<Option<Claim>, Failure> {
        self.fault("attempt_ends")?;
        let mut state = self.state();
        if state.failing > 0 {
            state.failing -= 1;
            return Err(Failure::new(FailureKind::Full, "the disk is full"));
        }
        let n = at(claim.device);
        let printer = &mut state.printers[n];
        let mut mine = printer.claimed.take().expect("an attempt that ended is ended once");
        let number = claim.number.get();
        let line = match end {
            AttemptEnd::Delivered { delivery, octets, paper, remark } => {
                printer.paper = paper;
                if delivery == Delivery::Transferred {
                    printer.transferred.push(mine);
                } else {
                    printer.done.push((number, delivery));
                }
                let mended = delivery != Delivery::Transferred && printer.error.take().is_some();
                let mended = if mended { "; recovered" } else { "" };
                format!("{} {number} {octets} {}{mended}", delivery.word(), remark.unwrap_or_default())
            }
            AttemptEnd::DeviceFailed { error, touched } => {
                let line = format!(
                    "failed {number} touched {touched} error {} try {}: {}",
                    error.number, error.tries, error.text
                );
                mine.possible_duplicate |= touched;
                if !touched {
                    mine.begun = None;
                }
                printer.fail(error, now.wall_ms);
                printer.give_back(mine);
                line
            }
            AttemptEnd::DataFailed { reason, text, moved, touched } => {
                format!("held {number} {reason:?} touched {touched} moved {}: {text}", moved.is_some())
            }
            AttemptEnd::Stopped { touched } => format!("stopped {number} touched {touched}"),
            AttemptEnd::Abandoned { touched } => {
                printer.give_back(mine);
                format!("abandoned {number} touched {touched}")
            }
        };
        self.note(&mut state, line);
        let next = if claim_next { Self::take(&mut state, n) } else { None };
        self.changed.notify_all();
        Ok(next)
    }

    fn attempt_wish(&self, _: &Lease, claim: &Claim) -> Result<AttemptWish, Failure> {
        self.fault("attempt_wish")?;
        let state = self.state();
        Ok(match state.printers[at(claim.device)].wish {
            _ if state.stop.contains(&claim.number.get()) => AttemptWish::Stop,
            DeviceWish::Suspended => AttemptWish::Suspend,
            _ => AttemptWish::Continue,
        })
    }

    fn settle_transferred(&self, _: &Lease, device: DeviceId, how: Settlement, _: &Moment) -> Result<(), Failure> {
        let mut state = self.state();
        let printer = &mut state.printers[at(device)];
        let jobs = std::mem::take(&mut printer.transferred);
        let mended = !matches!(how, Settlement::Reset { .. }) && printer.error.take().is_some();
        let mended = if mended { "; recovered" } else { "" };
        let line = match how {
            Settlement::Closed => {
                printer.done.extend(jobs.iter().map(|job| (job.number.get(), Delivery::Sent)));
                format!("settled: closed{mended}")
            }
            Settlement::Released { why } => {
                printer.done.extend(jobs.iter().map(|job| (job.number.get(), Delivery::Transferred)));
                format!("settled: released, {why}{mended}")
            }
            Settlement::Reset { why } => {
                jobs.into_iter().for_each(|job| printer.give_back(job));
                format!("settled: reset, {why}")
            }
        };
        self.note(&mut state, line);
        Ok(())
    }

    fn observe(&self, _: &Lease, device: DeviceId, seen: Observation, now: &Moment) -> Result<(), Failure> {
        let mut state = self.state();
        let printer = &mut state.printers[at(device)];
        let line = match seen {
            Observation::Opened { why, .. } => format!("opened: {why}"),
            Observation::Consulted { found, remark } => {
                printer.remembered = found;
                format!("consulted: {}", remark.unwrap_or_default())
            }
            Observation::Closed { why } => format!("closed: {why}"),
            Observation::Failed(error) => {
                let line = format!("error {} try {}: {}", error.number, error.tries, error.text);
                printer.fail(error, now.wall_ms);
                line
            }
            Observation::Restarting => {
                printer.wish = DeviceWish::Started;
                printer.stopped_by_error = false;
                "restarted".into()
            }
            Observation::Recovered => {
                printer.error = None;
                "recovered".into()
            }
            Observation::Drained => {
                printer.wish = DeviceWish::Stopped;
                "drained".into()
            }
            Observation::Remark { what, why } => format!("remark {what}: {why}"),
        };
        self.note(&mut state, line);
        Ok(())
    }

    fn ends(&self, _: &Lease, why: &str, _: &Moment) -> Result<(), Failure> {
        let mut state = self.state();
        state.running = false;
        self.note(&mut state, format!("epoch ends: {why}"));
        Ok(())
    }

    fn goes_dormant(&self, _: &Lease, _: &Moment) -> Result<bool, Failure> {
        self.fault("goes_dormant")?;
        let mut state = self.state();
        let busy = state.printers.iter().any(|printer| {
            let due = printer.error.is_some();
            let work = !printer.queue.is_empty();
            printer.wish == DeviceWish::Draining
                || printer.restart_at_ms().is_some()
                || printer.claimed.is_some()
                || !printer.transferred.is_empty()
                || (printer.wish == DeviceWish::Started && (due || work || printer.settings.exclusive == Exclusive::On))
        });
        state.running = busy;
        Ok(!busy)
    }

    fn lease_stands(&self, lease: &Lease) -> Result<bool, Failure> {
        self.fault("lease_stands")?;
        let state = self.state();
        Ok(state.epoch == lease.epoch && !state.newer_schema)
    }
}
