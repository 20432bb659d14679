//! The seam itself, as the spool in memory keeps it.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Fake, Printer};
use crate::model::device::Exclusive;
use crate::model::request::{DeviceRequest, OpenRequest};
use crate::model::state::{Delivery, DeviceWish};
use crate::model::time::Moment;
use crate::model::{DeviceId, Failure, FailureKind, ProcessId, ProcessName, ServerName};
use crate::spool::interface::engine::{
    AttemptEnd, AttemptWish, Claim, DeviceOrder, DeviceReport, Engine, Lease, Next, Observation, Outcome, Remembered,
    Settlement, TimedReport,
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
        let mut state = self.state();
        state.looks += 1;
        Ok(Self::order_of(&state, at(device)))
    }

    fn remembered(&self, _: &Lease, device: DeviceId) -> Result<Remembered, Failure> {
        Ok(self.state().printers[at(device)].remembered.clone())
    }

    fn fastcnfg(&self) -> Result<PathBuf, Failure> {
        Ok(self.base.usual_fastcnfg())
    }

    fn claim(&self, _: &Lease, device: DeviceId, _: &Moment) -> Result<Option<Claim>, Failure> {
        let claim = Self::take(&mut self.state(), at(device));
        self.changed.notify_all();
        Ok(claim)
    }

    fn record(
        &self,
        _: &Lease,
        device: DeviceId,
        reports: Arc<Vec<TimedReport>>,
        claim_next: bool,
        _: &Moment,
    ) -> Result<Next, Failure> {
        let begins = reports.iter().any(|timed| matches!(timed.report, DeviceReport::AttemptBegins { .. }));
        let ends = reports.iter().any(|timed| matches!(timed.report, DeviceReport::AttemptEnds { .. }));
        if begins {
            self.fault("attempt_begins")?;
        }
        if ends {
            self.fault("attempt_ends")?;
        }
        let mut state = self.state();
        if ends && state.failing > 0 {
            state.failing -= 1;
            return Err(Failure::new(FailureKind::Full, "the disk is full"));
        }
        let n = at(device);
        state.transactions.push(reports.len());
        for TimedReport { report, at } in reports.iter() {
            let line = state.printers[n].apply(report.clone(), at);
            state.record.push(line);
        }
        let started = state.printers[n].wish == DeviceWish::Started;
        let next = if claim_next { Self::take(&mut state, n) } else { None };
        self.changed.notify_all();
        Ok(match next {
            Some(claim) => Next::Job(Box::new(claim)),
            None if claim_next && started => Next::Nothing,
            None => Next::Unknown,
        })
    }

    fn attempt_wish(&self, _: &Lease, claim: &Claim) -> Result<AttemptWish, Failure> {
        self.fault("attempt_wish")?;
        let state = self.state();
        Ok(match state.printers[at(claim.device)].wish {
            _ if state.stop.contains(&claim.number.get()) => AttemptWish::Stop,
            DeviceWish::Suspended => AttemptWish::Suspend,
            DeviceWish::Stopped => AttemptWish::LetGo,
            _ => AttemptWish::Continue,
        })
    }

    fn ends(&self, _: &Lease, why: &str, _: &Moment) -> Result<(), Failure> {
        let mut state = self.state();
        state.running = false;
        self.note(&mut state, format!("epoch ends: {why}"));
        Ok(())
    }

    fn requests(&self, _: &Lease, claim: &Claim) -> Result<Vec<OpenRequest>, Failure> {
        let state = self.state();
        let asked = state.printers[at(claim.device)].asked.iter();
        Ok(asked.filter(|asked| asked.what != DeviceRequest::Align).copied().collect())
    }

    fn goes_dormant(&self, _: &Lease, _: &Moment) -> Result<bool, Failure> {
        self.fault("goes_dormant")?;
        let mut state = self.state();
        let busy = state.printers.iter().any(|printer| {
            let due = printer.error.is_some();
            let work = !printer.queue.is_empty();
            printer.wish == DeviceWish::Draining
                || !printer.asked.is_empty()
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

impl Printer {
    /// What becomes of it; a line for the record.
    fn apply(&mut self, report: DeviceReport, at: &Moment) -> String {
        match report {
            DeviceReport::Observed(seen) => self.seen(seen, at),
            DeviceReport::AttemptBegins { claim, at, separation } => {
                if let Some(claimed) = &mut self.claimed {
                    claimed.begun = Some(at.clone());
                    claimed.begun_separation = Some(separation);
                }
                format!("begin {} at {}", claim.number, at.offset)
            }
            DeviceReport::AttemptEnds { claim, end } => self.ended(claim.number.get(), end, at),
            DeviceReport::Settled(how) => self.settled(how),
            DeviceReport::Answered { request, answer, paper } => {
                self.asked.retain(|asked| asked.id != request);
                self.paper = paper.unwrap_or(self.paper);
                format!("answered: {answer:?}")
            }
        }
    }

    fn ended(&mut self, number: u32, end: AttemptEnd, now: &Moment) -> String {
        let mut mine = self.claimed.take().expect("an attempt that ended is ended once");
        match end {
            AttemptEnd::Delivered { delivery, octets, paper, remark } => {
                self.paper = paper;
                if delivery == Delivery::Transferred {
                    self.transferred.push(mine);
                } else {
                    self.done.push((number, delivery));
                }
                let mended = delivery != Delivery::Transferred && self.error.take().is_some();
                let mended = if mended { "; recovered" } else { "" };
                format!("{} {number} {octets} {}{mended}", delivery.word(), remark.unwrap_or_default())
            }
            AttemptEnd::DeviceFailed { error, touched, .. } => {
                let line = format!(
                    "failed {number} touched {touched} error {} try {}: {}",
                    error.number, error.tries, error.text
                );
                mine.possible_duplicate |= touched;
                if !touched {
                    mine.begun = None;
                }
                self.fail(error, now.wall_ms);
                self.give_back(mine);
                line
            }
            AttemptEnd::DataFailed { reason, text, moved, touched } => {
                format!("held {number} {reason:?} touched {touched} moved {}: {text}", moved.is_some())
            }
            AttemptEnd::Stopped { touched } => format!("stopped {number} touched {touched}"),
            AttemptEnd::Abandoned { touched } => {
                self.give_back(mine);
                format!("abandoned {number} touched {touched}")
            }
        }
    }

    fn settled(&mut self, settlement: Settlement) -> String {
        let all = std::mem::take(&mut self.transferred);
        let named = |job: &Claim| settlement.entries.as_ref().is_none_or(|entries| entries.contains(&job.entry));
        let (jobs, others): (Vec<Claim>, Vec<Claim>) = all.into_iter().partition(named);
        self.transferred = others;
        let done = matches!(settlement.outcome, Outcome::Closed | Outcome::Released { .. });
        let mended = if done && self.error.take().is_some() { "; recovered" } else { "" };
        match settlement.outcome {
            Outcome::Closed => {
                self.done.extend(jobs.iter().map(|job| (job.number.get(), Delivery::Sent)));
                format!("settled: closed{mended}")
            }
            Outcome::Released { why } => {
                self.done.extend(jobs.iter().map(|job| (job.number.get(), Delivery::Transferred)));
                format!("settled: released, {why}{mended}")
            }
            Outcome::Reset { why } => {
                for mut job in jobs {
                    job.possible_duplicate = true;
                    self.give_back(job);
                }
                format!("settled: reset, {why}")
            }
            Outcome::Cut { why } => {
                let numbers: Vec<String> = jobs.iter().map(|job| job.number.to_string()).collect();
                format!("settled: cut {}, {why}", numbers.join(" "))
            }
        }
    }

    fn seen(&mut self, seen: Observation, now: &Moment) -> String {
        match seen {
            Observation::Opened { why, connection } => {
                self.connection = Some(connection);
                format!("opened: {why}")
            }
            Observation::Consulted { found, remark } => {
                self.remembered = found;
                format!("consulted: {}", remark.unwrap_or_default())
            }
            Observation::Closed { why } => format!("closed: {why}"),
            Observation::Failed(error) => {
                let line = format!("error {} try {}: {}", error.number, error.tries, error.text);
                self.fail(error, now.wall_ms);
                line
            }
            Observation::Restarting => {
                self.wish = DeviceWish::Started;
                self.stopped_by_error = false;
                "restarted".into()
            }
            Observation::Recovered => {
                self.error = None;
                "recovered".into()
            }
            Observation::Drained => {
                self.wish = DeviceWish::Stopped;
                "drained".into()
            }
            Observation::Remark { what, why } => format!("remark {what}: {why}"),
        }
    }
}
