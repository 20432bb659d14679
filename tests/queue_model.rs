//! The order of a device's queue, against a slow and obvious model: whatever is submitted, held, started, promoted or altered, and
//! however the device is altered above a filled queue, each claim takes the job that the model says.

use crate::support::inside::{Inside, START, now, pass};
use proptest::prelude::*;
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::{pd, spoolcom};
use spoolsuite::model::alter::JobChange;
use spoolsuite::model::field::{Field, Value};
use spoolsuite::model::job::{GivenValue, Origin, Submission};
use spoolsuite::model::order::{Priority, SortBy};
use spoolsuite::model::state::Delivery;
use spoolsuite::model::{DeviceName, JobNumber, JobRef};
use spoolsuite::spool::interface::engine::{AttemptEnd, Engine, Lease, Observation, Paper};
use spoolsuite::spool::interface::operations::Operations;

const FORMS: [&str; 2] = ["", "CHEQUES"];

/// What somebody does.
#[derive(Clone, Debug)]
enum Act {
    /// Submits so many lines, which should be ready in so many minutes.
    Submit { lines: usize, selpri: u8, form: usize, other: bool, minutes: Option<i64> },
    /// Lets seconds pass.
    Pass(i64),
    /// HOLD of one of the jobs.
    Hold(usize),
    /// START of one of the jobs, if it is on hold.
    Start(usize),
    /// HOLD, SELPRI, START.
    SelPri(usize, u8),
    /// DEV JOB of one of the jobs, if it could be next.
    First(usize),
    /// FIFO of the device, its queue filled.
    Fifo(bool),
    /// The order of the device, its queue filled.
    Scheduler(SortBy, SortBy),
    /// Another deadline for one of the jobs, or none.
    Deadline(usize, Option<i64>),
    /// FORM of the device.
    Form(usize),
    /// SPEED of the device.
    Speed(u32),
    /// The device prints one.
    Print,
}

fn an_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1usize..400, 0u8..=7, prop::sample::select(vec![0, 0, 0, 1]), any::<bool>(), a_deadline())
            .prop_map(|(lines, selpri, form, other, minutes)| Act::Submit { lines, selpri, form, other, minutes }),
        4 => (2usize..2000, any::<bool>())
            .prop_map(|(lines, other)| Act::Submit { lines, selpri: 4, form: 0, other, minutes: None }),
        4 => (1i64..300).prop_map(Act::Pass),
        2 => (0usize..20).prop_map(Act::Hold),
        2 => (0usize..20).prop_map(Act::Start),
        2 => (0usize..20, 0u8..=7).prop_map(|(n, selpri)| Act::SelPri(n, selpri)),
        1 => (0usize..20).prop_map(Act::First),
        1 => any::<bool>().prop_map(Act::Fifo),
        2 => (a_sort(), a_sort()).prop_map(|(first, then)| Act::Scheduler(first, then)),
        1 => (0usize..20, a_deadline()).prop_map(|(n, minutes)| Act::Deadline(n, minutes)),
        1 => (0usize..2).prop_map(Act::Form),
        1 => prop::sample::select(vec![30, 100, 600, 3000]).prop_map(Act::Speed),
        3 => Just(Act::Print),
    ]
}

fn a_sort() -> impl Strategy<Value = SortBy> {
    prop::sample::select(SortBy::ALL.to_vec())
}

/// Few of them, so that some are alike.
fn a_deadline() -> impl Strategy<Value = Option<i64>> {
    prop::sample::select(vec![None, None, Some(10), Some(20), Some(600)])
}

/// A job, as the model knows it.
#[derive(Clone, Debug)]
struct Job {
    number: u32,
    lines: i64,
    selpri: u8,
    form: usize,
    held: bool,
    /// Of all that came or was started before, how many.
    arrival: usize,
    /// When it came, in milliseconds.
    came: i64,
    /// How long it was thought to take when it came.
    takes: i64,
    /// Promoted, and how many were before.
    promoted: usize,
    /// When it should be ready, in minutes.
    minutes: Option<i64>,
}

/// A device and its queue: a list that is looked through from its beginning to its end.
#[derive(Debug)]
struct Model {
    jobs: Vec<Job>,
    fifo: bool,
    /// What goes before FIFO.
    scheduler: Option<(SortBy, SortBy)>,
    form: usize,
    speed: i64,
    clock: i64,
    arrivals: usize,
    promotions: usize,
}

impl Model {
    /// Puts a job at the end of those that came.
    fn arrives(&mut self, number: u32) {
        self.arrivals += 1;
        let (arrival, came, speed) = (self.arrivals, self.clock, self.speed);
        if let Some(job) = self.jobs.iter_mut().find(|job| job.number == number) {
            (job.arrival, job.came, job.held, job.promoted) = (arrival, came, false, 0);
            job.takes = job.lines * 60_000 / speed;
        }
    }

    /// Whether `a` goes before `b`.
    fn before(&self, a: &Job, b: &Job) -> bool {
        if a.promoted != b.promoted {
            return a.promoted > b.promoted;
        }
        if let Some((first, then)) = self.scheduler {
            let usual = first == SortBy::JobPriority && then == SortBy::ShortestFirst;
            for by in [first, then].into_iter().take(if usual { 0 } else { 2 }) {
                let pages = |job: &Job| (job.lines + 59) / 60;
                let (one, other) = match by {
                    SortBy::Fifo => return a.arrival < b.arrival,
                    SortBy::Deadline => (a.minutes.unwrap_or(i64::MAX), b.minutes.unwrap_or(i64::MAX)),
                    SortBy::JobPriority => (i64::from(b.selpri), i64::from(a.selpri)),
                    SortBy::LongestFirst => (pages(b), pages(a)),
                    SortBy::ShortestFirst => (pages(a), pages(b)),
                };
                if one != other {
                    return one < other;
                }
            }
            if !usual {
                return a.arrival < b.arrival;
            }
        }
        if a.selpri != b.selpri {
            return a.selpri > b.selpri;
        }
        if self.fifo || a.came + a.takes == b.came + b.takes {
            return a.arrival < b.arrival;
        }
        // The later one goes before the earlier only if it takes less than what the other has left, its waiting counted.
        let (first, later) = if a.arrival < b.arrival { (a, b) } else { (b, a) };
        let waited = later.came - first.came;
        let later_goes_before = later.takes < first.takes - waited;
        (later.number == a.number) == later_goes_before
    }

    /// The job that the device takes next.
    fn next(&self) -> Option<u32> {
        let mut best: Option<&Job> = None;
        for job in self.jobs.iter().filter(|job| !job.held && job.form == self.form) {
            if best.is_none_or(|best| self.before(job, best)) {
                best = Some(job);
            }
        }
        best.map(|job| job.number)
    }

    /// The number of one of the jobs, if there is any that `wanted` likes.
    fn pick(&self, n: usize, wanted: impl Fn(&Job) -> bool) -> Option<u32> {
        let liked: Vec<u32> = self.jobs.iter().filter(|job| wanted(job)).map(|job| job.number).collect();
        liked.get(n % liked.len().max(1)).copied()
    }
}

struct Room {
    inside: Inside,
    lease: Lease,
    model: Model,
}

fn lp1() -> DeviceName {
    "LP1".parse().unwrap()
}

impl Room {
    fn new(fifo: bool) -> Self {
        let mut inside = Inside::new();
        let fifo_word = if fifo { "ON" } else { "OFF" };
        let line = format!(
            "PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI null:, SPEED 100, FIFO {fifo_word}; \
             LOC #G.A, DEV $LP1; LOC #H.B, DEV $LP1; DEV $LP1, START"
        );
        inside.run(spoolcom::run, &[&line], Exit::Done);
        let lease = inside.begins("SPLA");
        let model = Model {
            jobs: Vec::new(),
            fifo,
            scheduler: None,
            form: 0,
            speed: 100,
            clock: 0,
            arrivals: 0,
            promotions: 0,
        };
        Self { inside, lease, model }
    }

    fn types(&self, line: &str) {
        self.inside.run(spoolcom::run, &["--no-wait", line], Exit::Done);
    }

    /// Alters the device as an operator must: drained, altered, started.
    fn alters(&mut self, what: &str) {
        self.drains();
        self.types(&format!("DEV $LP1, {what}, START"));
    }

    fn drains(&mut self) {
        self.types("DEV $LP1, DRAIN");
        let id = self.inside.local.device(lp1()).unwrap().id;
        self.inside.spool.observe(&self.lease, id, Observation::Drained, &now()).unwrap();
    }

    /// The device prints one job, which must be the one of the model.
    fn prints(&mut self) -> bool {
        let wanted = self.model.next();
        let id = self.inside.local.device(lp1()).unwrap().id;
        let claim = self.inside.spool.claim(&self.lease, id, &now()).unwrap();
        assert_eq!(claim.as_ref().map(|claim| claim.number.get()), wanted, "{:#?}", self.model);
        let Some(claim) = claim else { return false };
        let end = AttemptEnd::Delivered { delivery: Delivery::Sent, octets: 5, paper: Paper::Top, remark: None };
        self.inside.spool.attempt_ends(&self.lease, &claim, end, false, &now()).unwrap();
        self.model.jobs.retain(|job| Some(job.number) != wanted);
        true
    }

    fn does(&mut self, act: &Act) {
        match act {
            Act::Submit { lines, selpri, form, other, minutes } => {
                let to = if *other { "h.b" } else { "g.a" };
                let taken = self.inside.submit(to, &b"line\n".repeat(*lines), |submission: &mut Submission| {
                    submission.priority = Priority::from_selpri(*selpri).unwrap();
                    submission.form = FORMS[*form].to_owned();
                    submission.given.extend(minutes.map(|minutes| GivenValue {
                        document: 0,
                        field: Field::from_stored("job-deadline-time").unwrap(),
                        value: Value::Time(START + minutes * 60_000),
                        origin: Origin::User,
                    }));
                });
                let number = taken.number.get();
                let job = Job {
                    number,
                    lines: *lines as i64,
                    selpri: *selpri,
                    form: *form,
                    held: false,
                    arrival: 0,
                    came: 0,
                    takes: 0,
                    promoted: 0,
                    minutes: *minutes,
                };
                self.model.jobs.push(job);
                self.model.arrives(number);
            }
            Act::Pass(seconds) => {
                pass(seconds * 1000);
                self.model.clock += seconds * 1000;
            }
            Act::Hold(n) => {
                let Some(number) = self.model.pick(*n, |job| !job.held) else { return };
                self.types(&format!("JOB {number}, HOLD"));
                self.model.jobs.iter_mut().filter(|job| job.number == number).for_each(|job| job.held = true);
            }
            Act::Start(n) => {
                let Some(number) = self.model.pick(*n, |job| job.held) else { return };
                self.types(&format!("JOB {number}, START"));
                self.model.arrives(number);
            }
            Act::SelPri(n, selpri) => {
                let Some(number) = self.model.pick(*n, |_| true) else { return };
                self.types(&format!("JOB {number}, HOLD, SELPRI {selpri}, START"));
                self.model.jobs.iter_mut().filter(|job| job.number == number).for_each(|job| job.selpri = *selpri);
                self.model.arrives(number);
            }
            Act::First(n) => {
                let form = self.model.form;
                let Some(number) = self.model.pick(*n, |job| !job.held && job.form == form) else { return };
                self.types(&format!("DEV $LP1, JOB {number}"));
                self.model.promotions += 1;
                let promoted = self.model.promotions;
                self.model.jobs.iter_mut().filter(|job| job.number == number).for_each(|job| job.promoted = promoted);
            }
            Act::Fifo(on) => {
                self.alters(if *on { "FIFO ON" } else { "FIFO OFF" });
                self.model.fifo = *on;
                self.model.scheduler = None;
            }
            Act::Scheduler(first, then) => {
                self.drains();
                let given = format!(
                    "scheduler-sort-primary-order={} scheduler-sort-secondary-order={}",
                    first.word(),
                    then.word()
                );
                self.inside.run(pd::verbs::pdset::run, &["-c", "destination", "-x", &given, "LP1"], Exit::Done);
                self.types("DEV $LP1, START");
                self.model.scheduler = Some((*first, *then));
                if *then == SortBy::Fifo || *then == SortBy::ShortestFirst {
                    self.model.fifo = *then == SortBy::Fifo;
                }
            }
            Act::Deadline(n, minutes) => {
                let Some(number) = self.model.pick(*n, |_| true) else { return };
                let change = JobChange::Carried {
                    field: Field::from_stored("job-deadline-time").unwrap(),
                    document: None,
                    value: minutes.map(|minutes| Value::Time(START + minutes * 60_000)),
                };
                let job = JobRef::Number(JobNumber::new(number).unwrap());
                self.inside.local.alter_job(job, vec![change]).unwrap();
                self.model.jobs.iter_mut().filter(|job| job.number == number).for_each(|job| job.minutes = *minutes);
            }
            Act::Form(form) => {
                self.alters(if *form == 0 { "FORM NONE" } else { "FORM CHEQUES" });
                self.model.form = *form;
            }
            Act::Speed(speed) => {
                self.alters(&format!("SPEED {speed}"));
                self.model.speed = i64::from(*speed);
            }
            Act::Print => {
                self.prints();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn each_claim_takes_the_job_that_a_slow_and_obvious_model_says(
        fifo in any::<bool>(),
        acts in prop::collection::vec(an_act(), 1..28),
    ) {
        let mut room = Room::new(fifo);
        for act in &acts {
            room.does(act);
        }
        // Whatever is left: with the one form and the other, and what is on hold last.
        for _ in 0..2 {
            for form in 0..FORMS.len() {
                room.does(&Act::Form(form));
                while room.prints() {}
            }
            while room.model.jobs.iter().any(|job| job.held) {
                room.does(&Act::Start(0));
            }
        }
        prop_assert!(room.model.jobs.is_empty());
        prop_assert!(room.inside.local.about().unwrap().jobs == 0);
    }

    #[test]
    fn nobody_starves_however_many_short_jobs_come(long in 200usize..3000, short in 1usize..20) {
        let mut room = Room::new(false);
        room.does(&Act::Submit { lines: long, selpri: 4, form: 0, other: false, minutes: None });
        // A short one comes for each that is printed: they go before the long one, until it has waited as long as it takes.
        let mut before = 0;
        while room.model.jobs.iter().any(|job| job.number == 1) {
            room.does(&Act::Submit { lines: short, selpri: 4, form: 0, other: true, minutes: None });
            room.does(&Act::Pass(30));
            room.does(&Act::Print);
            before += 1;
            prop_assert!(before < 200, "it waits for ever");
        }
        prop_assert!(before as i64 * 30_000 <= long as i64 * 600 + 60_000, "no longer than it takes itself: {before}");
    }
}
