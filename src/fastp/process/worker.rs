//! What main keeps of one device between its threads: the running thread, the failures in a row, and how long to leave
//! a device alone whose thread found nothing to do.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::backoff::{GrowingWait, is_due};
use super::run::{Main, ThreadEndSignal};
use super::waker::Waker;
use crate::fastp::device::context::{DeviceContext, FailureStreak};
use crate::fastp::device::helpers::Helpers;
use crate::fastp::device::thread::{Device, ThreadEnd};
use crate::fastp::fastcnfg::Memory;
use crate::model::DeviceId;
use crate::model::device::Exclusive;
use crate::model::guardian::DeviceError;
use crate::model::process::ProcessTrouble;
use crate::model::state::{DeviceWish, ErrorNote};
use crate::spool::interface::engine::{DeviceOrder, Observation};
use crate::sys::{clock, limits};

/// Stack of a device thread.
const STACK: usize = 256 * 1024;

/// The worker of one device.
pub(crate) struct Worker {
    slot: usize,
    thread: Option<Thread>,
    streak: FailureStreak,
    memory: Memory,
    helpers: Arc<Helpers>,
    /// Whether its printer was told of bare line feeds.
    told: Arc<AtomicBool>,
    /// Waits after threads that found nothing to do or were refused.
    pause: GrowingWait,
    not_before: Option<Instant>,
    /// Whether the spool refused the last thread, or it died.
    refused: bool,
    last_order: Option<DeviceOrder>,
    /// Whether main read what is wanted of the device while its thread ran, and did not wake the thread.
    needs_rescan: bool,
}

struct Thread {
    waker: Arc<Waker>,
    done: Arc<AtomicBool>,
    printing: Arc<AtomicBool>,
    handle: JoinHandle<ThreadResult>,
}

struct ThreadResult {
    end: ThreadEnd,
    streak: FailureStreak,
    memory: Memory,
    worked: bool,
}

/// When a device needs a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStart {
    /// Not before something changes.
    Never,
    /// Now.
    Now,
    /// After this long.
    In(Duration),
}

/// Summary of the threads that ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndedThreads {
    /// The spool refused some call.
    pub(crate) refused: bool,
    /// Some thread ended for another reason than having nothing to do: what it gave back may suit another device.
    pub(crate) gave_up: bool,
    /// Their devices.
    pub(crate) devices: Vec<DeviceId>,
}

/// When to try a device whose tries are `interval` seconds apart and whose next try is due at `due_ms`, or never.
fn at(due_ms: Option<i64>, interval: u32, wall_ms: i64) -> NextStart {
    match due_ms {
        None => NextStart::Never,
        Some(due) if is_due(due, interval, wall_ms) => NextStart::Now,
        Some(due) => NextStart::In(Duration::from_millis(due.abs_diff(wall_ms).saturating_add(1))),
    }
}

/// What an order asks for, regardless of earlier failures of its threads.
fn wanted(order: &DeviceOrder, wall_ms: i64) -> NextStart {
    // No thread runs, so the claim is left over from one that broke off. It is given back before anything else.
    if order.claimed || order.asked.is_some() {
        return NextStart::Now;
    }
    match order.wish {
        DeviceWish::Stopped => at(order.restart_at_ms, order.settings.restart, wall_ms),
        DeviceWish::Suspended => NextStart::Never,
        DeviceWish::Draining => NextStart::Now,
        DeviceWish::Started => match &order.error {
            Some(error) => at(error.next_try_ms, order.settings.retry, wall_ms),
            None if order.eligible || order.transferred > 0 => NextStart::Now,
            None if order.settings.exclusive == Exclusive::On => NextStart::Now,
            None => NextStart::Never,
        },
    }
}

impl Worker {
    /// Creates a worker without a thread.
    pub(crate) fn new(slot: usize) -> Self {
        let pause = GrowingWait::new(Duration::from_millis(20), Duration::from_secs(30));
        Self {
            slot,
            thread: None,
            streak: FailureStreak::default(),
            memory: Memory::default(),
            helpers: Arc::default(),
            told: Arc::default(),
            pause,
            not_before: None,
            refused: false,
            last_order: None,
            needs_rescan: false,
        }
    }

    /// Whether its thread runs.
    pub(crate) fn working(&self) -> bool {
        self.thread.is_some()
    }

    /// Returns when to start a thread. If somebody made work (`woken`) or the order is new, earlier idle waits do not
    /// count; after a refusal by the spool the full wait always counts.
    pub(crate) fn due(&mut self, order: &DeviceOrder, wall_ms: i64, woken: bool) -> NextStart {
        let wanted = wanted(order, wall_ms);
        if !self.refused && (woken || self.last_order.as_ref() != Some(order)) {
            self.not_before = None;
            self.pause.reset();
        }
        let left = self.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        match wanted {
            NextStart::Now if !left.is_zero() => NextStart::In(left),
            other => other,
        }
    }

    /// Wakes its thread if the news may concern it.
    pub(crate) fn wake_thread(&mut self, order: &DeviceOrder) {
        let Some(thread) = &self.thread else { return };
        let news = order.eligible || thread.printing.load(Ordering::SeqCst) || self.last_order.as_ref() != Some(order);
        if news {
            thread.waker.wake();
        }
        self.last_order = Some(order.clone());
    }

    /// Main read what is wanted of the device and left its thread alone: it must look again when that thread ends.
    pub(crate) fn rescan_when_thread_ends(&mut self) {
        self.needs_rescan = true;
    }

    /// Tells its thread to end after the running job.
    pub(crate) fn finish(&self) {
        if let Some(thread) = &self.thread {
            thread.waker.finish();
        }
    }

    /// Tells its thread to end now.
    pub(crate) fn stop(&self) {
        if let Some(thread) = &self.thread {
            thread.waker.stop();
        }
    }

    fn thread_ended(&mut self, ended: Option<ThreadResult>) -> bool {
        let refused = matches!(&ended, None | Some(ThreadResult { end: ThreadEnd::Refused(_), .. }));
        let worked = ended.as_ref().is_some_and(|ended| ended.worked);
        self.refused = refused;
        if let Some(ended) = &ended {
            self.streak = ended.streak;
            self.memory = ended.memory.clone();
        }
        let wait = match ended {
            _ if worked && !refused => {
                self.pause.reset();
                Duration::ZERO
            }
            // An operator's START after an error must not wait.
            Some(ThreadResult { end: ThreadEnd::DeviceError, .. }) => Duration::from_millis(50),
            _ if refused => self.pause.wait().max(Duration::from_secs(1)),
            _ => self.pause.wait(),
        };
        self.not_before = Some(Instant::now() + wait);
        refused
    }
}

impl Main<'_> {
    /// Collects the threads that have ended.
    pub(crate) fn reap(&mut self) -> EndedThreads {
        let mut reaped = EndedThreads::default();
        for (device, worker) in &mut self.workers {
            let Some(thread) = worker.thread.take_if(|thread| thread.done.load(Ordering::SeqCst)) else { continue };
            let ended = thread.handle.join().ok();
            if ended.is_none() {
                self.log.line(format_args!("the thread of the device in slot {} died", worker.slot));
            }
            let needs_rescan = std::mem::take(&mut worker.needs_rescan);
            let end = ended.as_ref().map(|ended| &ended.end);
            // Its last transaction found nothing waiting, and nobody woke it since.
            if end == Some(&ThreadEnd::NothingQueued) && !needs_rescan && !thread.waker.was_woken() {
                worker.thread_ended(ended);
                continue;
            }
            let _ = self.progress.clear(worker.slot);
            reaped.gave_up |= !matches!(end, Some(ThreadEnd::NothingToDo | ThreadEnd::NothingQueued));
            reaped.refused |= worker.thread_ended(ended);
            reaped.devices.push(*device);
        }
        reaped
    }

    /// Starts the thread of a device.
    pub(crate) fn start(&mut self, id: DeviceId, order: &DeviceOrder) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        // An error that is gone from the record although we did not clear it: an operator said START.
        let tries = order.error.as_ref().map_or(0, |error| error.tries.max(worker.streak.tries));
        let since_ms = order.error.as_ref().map_or(0, |error| error.since_ms);
        let waker = match Waker::new() {
            Ok(waker) => Arc::new(waker),
            Err(error) => return self.no_thread(order, &limits::cure(&error).unwrap_or_else(|| error.to_string())),
        };
        let [done, printing] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let end_signal = ThreadEndSignal { done: Arc::clone(&done), waker: Arc::clone(&self.waker) };
        let (engine, lease, name) = (Arc::clone(&self.engine), self.lease.clone(), order.name.clone());
        let (root, log, timing) = (self.base.root().to_path_buf(), self.log.clone(), self.timing);
        let (zone, memory, file_cache) = (self.zone.clone(), worker.memory.clone(), Arc::clone(&self.file_cache));
        let program = self.program.clone();
        let (helpers, told) = (Arc::clone(&worker.helpers), Arc::clone(&worker.told));
        let (progress, slot) = (Arc::clone(&self.progress), worker.slot);
        let troubles = Arc::clone(&self.troubles);
        let (its_waker, its_printing) = (Arc::clone(&waker), Arc::clone(&printing));
        let first = order.clone();
        let body = move || {
            let _end_signal = end_signal;
            let context = Rc::new(DeviceContext {
                engine,
                lease,
                device: id,
                name,
                root,
                waker: its_waker,
                progress,
                slot,
                log,
                troubles,
                timing,
                program,
                zone,
                in_error: Cell::new(false),
                streak: Cell::new(FailureStreak { tries, since_ms }),
                wake_pending: Cell::new(false),
                file_cache,
                memory: Cell::new(memory),
                helpers,
                told,
                printing: its_printing,
                pending_reports: Cell::default(),
                pending_since: Cell::new(None),
            });
            let mut device = Device::new(Rc::clone(&context));
            let end = device.run(first);
            ThreadResult { end, streak: context.streak.get(), memory: context.memory.take(), worked: device.worked }
        };
        let label: String = order.name.to_string().chars().take(15).collect();
        match std::thread::Builder::new().name(label).stack_size(STACK).spawn(body) {
            Ok(handle) => {
                self.troubles.end(Some(id));
                worker.last_order = Some(order.clone());
                worker.thread = Some(Thread { waker, done, printing, handle });
            }
            Err(error) => self.no_thread(order, &limits::no_thread(&error)),
        }
    }

    /// A device whose thread cannot be started is in error, like one that cannot be opened: it is tried again after growing
    /// waits, and the others print.
    fn no_thread(&mut self, order: &DeviceOrder, why: &str) {
        let now = clock::now();
        let tries = order.error.as_ref().map_or(0, |error| error.tries).saturating_add(1);
        let name = order.name.guardian();
        let text = format!("no thread can be started for {name}: {why}");
        self.log.line(format_args!("{text}; try {tries}"));
        let what = ProcessTrouble { lasting: false, starved: true, text: text.clone() };
        self.troubles.begin(Some(order.id), &what, tries, now.boot_ms);
        let wait = super::backoff::device(order.settings.retry, tries, 0).as_millis();
        let error = ErrorNote {
            number: DeviceError::OutOfResources.number(),
            text,
            since_ms: order.error.as_ref().map_or(now.wall_ms, |error| error.since_ms),
            next_try_ms: Some(now.wall_ms.saturating_add(i64::try_from(wait).unwrap_or(60_000))),
            tries,
        };
        // A draining or leftover job has no retry of its own: it is tried again with the next look.
        if let Err(failure) = self.engine.observe(&self.lease, order.id, Observation::Failed(error), &now) {
            self.log.line(format_args!("{name}: {failure}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fastp::fake::Fake;
    use crate::model::Failure;
    use crate::model::device::DeviceSettings;
    use crate::model::state::ErrorNote;

    fn order() -> DeviceOrder {
        let fake = Fake::new();
        let lp = fake.device("null:", Exclusive::Off);
        let state = fake.state();
        DeviceOrder { eligible: true, ..Fake::order_of(&state, lp).unwrap() }
    }

    /// A worker whose thread, started for `order`, has just ended.
    fn worker_after(order: &DeviceOrder, end: ThreadEnd) -> Worker {
        let mut worker = Worker::new(1);
        worker.pause = GrowingWait::new(Duration::from_secs(30), Duration::from_secs(30));
        worker.last_order = Some(order.clone());
        worker.thread_ended(Some(ThreadResult {
            end,
            streak: FailureStreak::default(),
            memory: Memory::default(),
            worked: false,
        }));
        worker
    }

    #[test]
    fn a_device_that_found_nothing_to_do_is_looked_at_at_once_when_there_is_news() {
        let known = order();
        assert!(matches!(worker_after(&known, ThreadEnd::NothingToDo).due(&known, 0, false), NextStart::In(_)));
        assert_eq!(worker_after(&known, ThreadEnd::NothingToDo).due(&known, 0, true), NextStart::Now, "woken");
        let other = DeviceOrder { transferred: 1, ..known.clone() };
        assert_eq!(worker_after(&known, ThreadEnd::NothingToDo).due(&other, 0, false), NextStart::Now, "another order");
    }

    #[test]
    fn a_spool_that_refused_is_let_be_whatever_is_new() {
        let known = order();
        let refused = || ThreadEnd::Refused(Failure::internal("no"));
        assert!(matches!(worker_after(&known, refused()).due(&known, 0, true), NextStart::In(_)));
        let other = DeviceOrder { transferred: 1, ..known.clone() };
        assert!(matches!(worker_after(&known, refused()).due(&other, 0, true), NextStart::In(_)));
    }

    #[test]
    fn a_claim_that_is_left_over_needs_a_thread_whatever_is_wanted() {
        for wish in [DeviceWish::Started, DeviceWish::Stopped, DeviceWish::Suspended, DeviceWish::Draining] {
            let order = DeviceOrder { wish, eligible: false, claimed: true, ..order() };
            assert_eq!(wanted(&order, 0), NextStart::Now, "{wish:?}");
        }
    }

    #[test]
    fn a_device_error_heals_when_the_clock_was_set_back() {
        let error = ErrorNote { number: 66, text: "x".into(), since_ms: 0, next_try_ms: Some(3_600_000), tries: 1 };
        let order = DeviceOrder { error: Some(error), ..order() };
        assert_eq!(wanted(&order, 0), NextStart::Now);
        assert_eq!(wanted(&order, 3_590_000), NextStart::In(Duration::from_millis(10_001)));
    }

    #[test]
    fn a_restart_is_waited_for_and_no_jump_of_the_clock_makes_it_wait_longer_than_its_interval() {
        let stopped = |seconds: u32, restart_at_ms| {
            let order = order();
            let settings = DeviceSettings { restart: seconds, ..order.settings };
            DeviceOrder { wish: DeviceWish::Stopped, settings, restart_at_ms, ..order }
        };
        let hour = 3_600_000;
        // RESTART 600 at one o'clock: due at ten past.
        let order = stopped(600, Some(hour + 600_000));
        assert_eq!(wanted(&order, hour), NextStart::In(Duration::from_millis(600_001)));
        assert_eq!(wanted(&order, hour + 599_999), NextStart::In(Duration::from_millis(2)));
        assert_eq!(wanted(&order, hour + 600_000), NextStart::Now);
        assert_eq!(wanted(&order, 9 * hour), NextStart::Now, "the clock was set forward, or the machine slept");
        assert_eq!(wanted(&order, 0), NextStart::Now, "the clock was set back by an hour");
        assert_eq!(wanted(&order, hour - 1), NextStart::Now, "by a moment: sooner is no harm");
        assert_eq!(wanted(&stopped(600, None), 9 * hour), NextStart::Never, "no RESTART, or a spooler that is drained");
        assert_eq!(wanted(&stopped(u32::MAX, Some(i64::MAX)), i64::MIN), NextStart::Now);
    }
}
