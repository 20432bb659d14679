//! Claims between two spools: each message is brought, lost or made up by the test, and the clocks are those of the test.

use super::*;
use crate::model::alter::JobChange;
use crate::model::authority::Caller;
use crate::model::field::Field;
use crate::model::lease::{ClaimAnswer, ClaimEnd, ClaimRefusal, EndAnswer, GRACE_MS, Granted, LEASE_MS, LeaseAnswer};
use crate::model::lifetime::{Lifetime, Retention};
use crate::model::remote::{PeerFate, of_token};
use crate::model::state::{HoldReason, HoldReasons, JobState};
use crate::model::{FailureKind, GlobalJobId, ServerName};
use crate::spool::Room;
use crate::spool::remote::claimed::Permit;
use crate::store;

fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn acme2() -> ServerName {
    name("acme2")
}

/// `acme1` holds jobs in `#OFFICE.FRONT`; `acme2` has `$LP1`, a socket.
struct Two {
    a: Site,
    b: Site,
    device: DeviceId,
}

/// The same user, as another server speaks of him.
fn speaks_for(site: &Site) -> Caller {
    Caller { uid: u32::MAX, user: site.caller.user.clone(), host: "acme2".into(), groups: Vec::new(), operator: false }
}

impl Two {
    fn new() -> Self {
        let (a, b) = (Site::new(), Site::of_server("acme2"));
        let device = b.device("LP1", "#OFFICE.FRONT", vec![Site::socket()]);
        a.device("LP9", "#OFFICE.FRONT", vec![Site::socket()]);
        Self { a, b, device }
    }

    /// A job that is held on `acme1`.
    fn held(&self) -> (u32, GlobalJobId) {
        self.held_with(|_| {})
    }

    fn held_with(&self, alter: impl FnOnce(&mut Submission)) -> (u32, GlobalJobId) {
        let job = self.a.job_with("office.front", 1, |job| {
            job.hold = true;
            alter(job);
        });
        (job, self.a.status(job).unwrap().global)
    }

    fn asked(&self, from: &str, job: &GlobalJobId, caller: &Caller) -> ClaimAnswer {
        let terms = (LEASE_MS, &self.a.now());
        self.a.spool.grant(&name(from), (job, &name("$LP1")), caller, terms).unwrap()
    }

    fn granted(&self, job: &GlobalJobId) -> Granted {
        match self.asked("acme2", job, &speaks_for(&self.a)) {
            ClaimAnswer::Granted(granted) => *granted,
            ClaimAnswer::Refused(why) => panic!("{why:?}"),
        }
    }

    fn refused(&self, job: &GlobalJobId) -> ClaimRefusal {
        match self.asked("acme2", job, &speaks_for(&self.a)) {
            ClaimAnswer::Granted(_) => panic!("it is granted"),
            ClaimAnswer::Refused(why) => why,
        }
    }

    /// Makes the job on `acme2` that was granted. Returns its number there.
    fn taken(&self, granted: Granted) -> u32 {
        let job = granted.offer.global.clone();
        let to = self.b.spool.resolve(&self.b.call(), "office.front").unwrap();
        let sent = self.b.now();
        self.b.spool.take_claimed(&self.b.call(), (&name("acme1"), &job), granted, (&to, None), &sent).unwrap().0.get()
    }

    fn begun(&self, token: &str) -> LeaseAnswer {
        self.a.spool.begin_lease(&acme2(), token, &self.a.now()).unwrap()
    }

    fn renewed(&self, token: &str) -> LeaseAnswer {
        self.a.spool.renew_lease(&acme2(), token, (LEASE_MS, &self.a.now())).unwrap()
    }

    fn over(&self, token: &str, outcome: &str, begun: bool) -> EndAnswer {
        let end = ClaimEnd { outcome: outcome.into(), device: Some("LP1".into()), begun };
        self.a.spool.lease_over(&acme2(), token, end, &self.a.now()).unwrap()
    }

    fn state(&self, job: u32) -> JobState {
        self.a.status(job).unwrap().state
    }

    fn reasons(&self, job: u32) -> HoldReasons {
        self.a.status(job).unwrap().reasons
    }

    /// Both clocks.
    fn pass(&self, ms: i64) {
        self.a.pass(ms);
        self.b.pass(ms);
    }
}

#[test]
fn vector_14_of_two_claims_one_gets_the_job_and_the_other_is_told_who_has_it() {
    let two = Two::new();
    let (job, global) = two.held();
    let granted = two.granted(&global);
    let other = two.asked("acme3", &global, &speaks_for(&two.a));
    assert_eq!(other, ClaimAnswer::Refused(ClaimRefusal::HeldElsewhere("acme2".into())));
    assert_eq!(two.state(job), JobState::Held);
    assert!(two.a.spool.releasable(&speaks_for(&two.a), &two.a.now()).unwrap().is_empty(), "it is offered nowhere");
    let log = two.a.log(job);
    assert!(log.contains(&"claimed".to_owned()) && log.contains(&"refused".to_owned()), "{log:?}");
    // Nothing of it prints here meanwhile.
    assert!(two.a.claim(&two.a.begins(), two.a.spool.device(&two.a.call(), &name("LP9")).unwrap().id).is_none());
    assert!(matches!(two.begun(&granted.offer.token), LeaseAnswer::Begun));
}

#[test]
fn vector_15_a_claim_that_was_not_begun_ends_by_its_time_and_the_job_is_held_as_before() {
    let two = Two::new();
    let (job, global) = two.held();
    let token = two.granted(&global).offer.token;
    two.a.pass(LEASE_MS + GRACE_MS - 1);
    assert!(!two.a.spool.end_leases(&two.a.now()).unwrap(), "the owner waits longer than who prints");
    assert!(two.a.status(job).unwrap().away.is_some_and(|away| away.claimed && !away.is_there()));
    two.a.pass(1);
    assert!(two.a.spool.end_leases(&two.a.now()).unwrap());
    assert_eq!(two.state(job), JobState::Held);
    assert!(two.a.status(job).unwrap().away.is_none());
    assert!(two.a.log(job).contains(&"returned".to_owned()));
    assert!(matches!(two.begun(&token), LeaseAnswer::Over(_)), "it is not begun any more");
    assert_eq!(two.a.spool.releasable(&speaks_for(&two.a), &two.a.now()).unwrap().len(), 1);
    // The next claim has a higher number.
    let next = two.granted(&global).offer.token;
    assert!(of_token(&next).unwrap().1 > of_token(&token).unwrap().1);
}

#[test]
fn a_claim_whose_time_is_over_is_not_begun_though_nobody_has_ended_it_yet() {
    let two = Two::new();
    let (job, global) = two.held();
    let token = two.granted(&global).offer.token;
    two.a.pass(LEASE_MS + GRACE_MS);
    assert!(matches!(two.begun(&token), LeaseAnswer::Over(_)));
    assert_eq!(two.state(job), JobState::Held);
    assert!(!two.reasons(job).has(HoldReason::MayHavePrinted));
}

#[test]
fn a_claim_that_is_renewed_lasts() {
    let two = Two::new();
    let (_, global) = two.held();
    let token = two.granted(&global).offer.token;
    for _ in 0..5 {
        two.a.pass(LEASE_MS);
        assert_eq!(two.renewed(&token), LeaseAnswer::Stands(LEASE_MS));
        assert!(!two.a.spool.end_leases(&two.a.now()).unwrap());
    }
    assert_eq!(two.begun(&token), LeaseAnswer::Begun);
    assert_eq!(two.renewed(&token), LeaseAnswer::Begun);
}

#[test]
fn vector_16_what_was_begun_and_not_reported_may_have_printed_and_is_offered_nowhere() {
    let two = Two::new();
    let (job, global) = two.held();
    let token = two.granted(&global).offer.token;
    assert_eq!(two.begun(&token), LeaseAnswer::Begun);
    two.a.pass(1000 * LEASE_MS);
    assert!(!two.a.spool.end_leases(&two.a.now()).unwrap(), "it does not end by time");
    assert!(two.a.spool.releasable(&speaks_for(&two.a), &two.a.now()).unwrap().is_empty());
    assert_eq!(two.refused(&global), ClaimRefusal::HeldElsewhere("acme2".into()));
    let away = two.a.status(job).unwrap().away.unwrap();
    assert!(away.claimed && away.is_there());
    let cause = two.a.spool.why(&two.a.call(), &reference(job)).unwrap().causes.remove(0);
    assert_eq!(cause.keyword(), "begun-by-server");
    // An operator says that the other server is lost.
    two.a.spool.claimant_is_lost(&two.a.call(), &reference(job)).unwrap();
    assert_eq!(two.state(job), JobState::Held);
    assert!(two.reasons(job).has(HoldReason::MayHavePrinted));
    assert!(two.a.spool.releasable(&speaks_for(&two.a), &two.a.now()).unwrap().is_empty(), "not silently");
    // What was begun before is announced when somebody starts it all the same.
    two.a.spool.start_job(&two.a.call(), &reference(job)).unwrap();
    let device = two.a.spool.device(&two.a.call(), &name("LP9")).unwrap().id;
    assert!(two.a.claim(&two.a.begins(), device).unwrap().possible_duplicate);
}

#[test]
fn an_end_that_comes_late_is_refused_on_record_and_shown_once() {
    let two = Two::new();
    let (job, global) = two.held();
    let token = two.granted(&global).offer.token;
    two.begun(&token);
    two.a.spool.claimant_is_lost(&two.a.call(), &reference(job)).unwrap();
    two.a.spool.start_job(&two.a.call(), &reference(job)).unwrap();
    for _ in 0..2 {
        assert!(matches!(two.over(&token, "sent", false), EndAnswer::Late(_)));
    }
    let late = |log: Vec<String>| log.iter().filter(|word| *word == "late").count();
    assert_eq!(late(two.a.log(job)), 1);
    // It is not printed a second time without somebody's word.
    assert!(two.state(job) == JobState::Held && two.reasons(job).has(HoldReason::MayHavePrinted));
    let all = two.a.spool.events(&two.a.call(), &EventSubject::Spool, 0).unwrap();
    assert_eq!(late(all.into_iter().map(|event| event.what.into()).collect()), 1);
    // The number of another claim, or of another server, counts for nothing.
    let end = || ClaimEnd { outcome: "sent".into(), device: None, begun: false };
    let (a, now) = (&two.a.spool, two.a.now());
    assert!(a.lease_over(&name("acme3"), &token, end(), &now).is_err());
    assert!(a.lease_over(&acme2(), "@acme1:1021904417.7", end(), &now).is_err());
    assert!(a.lease_over(&acme2(), "@acme2:1021904417.7", end(), &now).is_err());
}

#[test]
fn an_end_is_recorded_once_however_often_it_is_told() {
    for (outcome, begun) in [("sent", false), ("confirmed", false)] {
        let two = Two::new();
        let (job, global) = two.held();
        let token = two.granted(&global).offer.token;
        two.begun(&token);
        for _ in 0..3 {
            assert_eq!(two.over(&token, outcome, begun), EndAnswer::Done);
        }
        assert!(two.a.status(job).is_err() && two.a.print_files().is_empty(), "it has printed");
        assert_eq!(two.a.log(job).iter().filter(|word| *word == outcome).count(), 1);
        assert!(!two.a.log(job).contains(&"late".to_owned()));
    }
}

#[test]
fn a_claim_that_is_given_back_unbegun_leaves_the_job_as_it_was_and_a_begun_one_in_doubt() {
    for begun in [false, true] {
        let two = Two::new();
        let (job, global) = two.held();
        let token = two.granted(&global).offer.token;
        if begun {
            two.begun(&token);
        }
        assert_eq!(two.over(&token, PeerFate::GIVEN_BACK, begun), EndAnswer::Done);
        assert_eq!(two.state(job), JobState::Held);
        assert_eq!(two.reasons(job).has(HoldReason::MayHavePrinted), begun);
        let listed = two.a.spool.releasable(&speaks_for(&two.a), &two.a.now()).unwrap().len();
        assert_eq!(listed, usize::from(!begun));
    }
}

#[test]
fn vector_17_a_job_whose_time_comes_while_it_is_claimed_prints_and_goes_at_once_if_it_does_not() {
    for prints in [true, false] {
        let two = Two::new();
        let soon = two.a.now().wall_ms + 1000;
        let (job, global) =
            two.held_with(|job| job.lifetime = Lifetime { discard_ms: Some(soon), ..Lifetime::default() });
        let token = two.granted(&global).offer.token;
        two.a.pass(2000);
        two.a.spool.due(&two.a.call()).unwrap();
        assert!(two.a.status(job).is_ok(), "a claim keeps it");
        if prints {
            two.begun(&token);
            assert_eq!(two.over(&token, "sent", false), EndAnswer::Done);
            assert!(two.a.log(job).contains(&"sent".to_owned()));
        } else {
            assert_eq!(two.over(&token, PeerFate::GIVEN_BACK, false), EndAnswer::Done);
        }
        assert!(two.a.status(job).is_err() && two.a.print_files().is_empty());
    }
}

#[test]
fn vector_18_a_job_whose_time_is_over_is_not_released() {
    let two = Two::new();
    let soon = two.a.now().wall_ms + 1000;
    let (_, global) = two.held_with(|job| job.lifetime = Lifetime { discard_ms: Some(soon), ..Lifetime::default() });
    assert_eq!(two.a.spool.releasable(&speaks_for(&two.a), &two.a.now()).unwrap().len(), 1);
    two.a.pass(1000);
    assert_eq!(two.refused(&global), ClaimRefusal::Expired);
}

#[test]
fn vector_22_a_job_of_another_user_is_not_released_whoever_speaks_for_whom() {
    let two = Two::new();
    let (job, global) = two.held();
    let another = Caller { user: "another".into(), ..speaks_for(&two.a) };
    assert_eq!(two.asked("acme2", &global, &another), ClaimAnswer::Refused(ClaimRefusal::NotOwner));
    assert!(two.a.spool.releasable(&another, &two.a.now()).unwrap().is_empty());
    // Of one whose name begins with his nothing is listed either.
    let longer = Caller { user: format!("{}x", two.a.caller.user), ..speaks_for(&two.a) };
    assert!(two.a.spool.releasable(&longer, &two.a.now()).unwrap().is_empty());
    // An operator here may have it released.
    let operator = Caller { operator: true, ..another };
    assert!(matches!(two.asked("acme2", &global, &operator), ClaimAnswer::Granted(_)));
    assert_eq!(two.state(job), JobState::Held);
}

#[test]
fn only_what_is_held_for_somebody_is_released() {
    let two = Two::new();
    let ready = two.a.job("office.front", 1);
    let ready = two.a.status(ready).unwrap().global;
    assert!(matches!(two.refused(&ready), ClaimRefusal::NotReleasable(_)));
    let (_, global) = two.held();
    two.a.spool.change(Room::Gives, &two.a.call(), |tx| store::restored::begin(tx, None, "by hand")).unwrap();
    assert!(matches!(two.refused(&global), ClaimRefusal::NotReleasable(_)));
    let unknown = GlobalJobId { serial: crate::model::Serial(1_000_000_001), ..global.clone() };
    assert_eq!(two.refused(&unknown), ClaimRefusal::Gone);
    assert_eq!(two.refused(&GlobalJobId { server: name("acme7"), ..global }), ClaimRefusal::Gone);
}

#[test]
fn a_change_at_the_owner_ends_a_claim_that_was_not_begun() {
    type Change = fn(&Two, u32);
    let changes: [(Change, Option<JobState>); 4] = [
        (|two, job| drop(two.a.spool.start_job(&two.a.call(), &reference(job)).unwrap()), Some(JobState::Ready)),
        (|two, job| drop(two.a.spool.hold_job(&two.a.call(), &reference(job)).unwrap()), Some(JobState::Held)),
        (|two, job| drop(two.a.spool.pause_job(&two.a.call(), &reference(job), None).unwrap()), Some(JobState::Paused)),
        (|two, job| drop(two.a.spool.delete_job(&two.a.call(), &reference(job), None, None).unwrap()), None),
    ];
    for (change, state) in changes {
        let two = Two::new();
        let (job, global) = two.held();
        let token = two.granted(&global).offer.token;
        change(&two, job);
        assert_eq!(two.a.status(job).ok().map(|status| status.state), state);
        assert!(matches!(two.begun(&token), LeaseAnswer::Over(_)));
        assert!(matches!(two.renewed(&token), LeaseAnswer::Over(_)));
        // Whoever gives it back late does no harm, and that is no audit.
        assert!(matches!(two.over(&token, PeerFate::GIVEN_BACK, false), EndAnswer::Late(_)));
        assert!(!two.a.log(job).contains(&"late".to_owned()));
    }
}

#[test]
fn what_is_deleted_at_the_owner_while_it_prints_ends_with_the_report() {
    for (outcome, begun) in [("sent", false), (PeerFate::GIVEN_BACK, true)] {
        let two = Two::new();
        let (job, global) = two.held();
        let token = two.granted(&global).offer.token;
        two.begun(&token);
        two.a.spool.delete_job(&two.a.call(), &reference(job), None, None).unwrap();
        assert_eq!(two.state(job), JobState::Terminating);
        two.over(&token, outcome, begun);
        assert!(two.a.status(job).is_err() && two.a.print_files().is_empty());
    }
}

#[test]
fn a_server_that_lost_its_claim_claims_anew_and_the_first_number_is_void() {
    let two = Two::new();
    let (_, global) = two.held();
    let first = two.granted(&global).offer.token;
    let second = two.granted(&global).offer.token;
    assert_ne!(first, second);
    assert!(matches!(two.begun(&first), LeaseAnswer::Over(_)));
    assert_eq!(two.begun(&second), LeaseAnswer::Begun);
    assert_eq!(two.refused(&global), ClaimRefusal::HeldElsewhere("acme2".into()), "what was begun is not claimed anew");
}

#[test]
fn a_job_whose_time_is_over_when_it_is_claimed_anew_is_expired_and_its_file_goes() {
    let two = Two::new();
    let soon = two.a.now().wall_ms + 1000;
    let (job, global) = two.held_with(|job| job.lifetime = Lifetime { discard_ms: Some(soon), ..Lifetime::default() });
    two.granted(&global);
    two.a.pass(2000);
    assert_eq!(two.refused(&global), ClaimRefusal::Expired);
    assert!(two.a.status(job).is_err() && two.a.print_files().is_empty());
}

#[test]
fn files_are_given_under_a_claim_that_stands_and_under_no_other() {
    let two = Two::new();
    let (_, global) = two.held();
    let token = two.granted(&global).offer.token;
    let given = |from: &str, token: &str| two.a.spool.source_for(&name(from), token, 1, &two.a.now()).is_ok();
    assert!(given("acme2", &token) && !given("acme3", &token));
    two.a.pass(LEASE_MS + GRACE_MS);
    assert!(!given("acme2", &token));
    let next = two.granted(&global).offer.token;
    assert!(given("acme2", &next) && !given("acme2", &token));
    two.begun(&next);
    two.a.pass(10 * LEASE_MS);
    assert!(given("acme2", &next), "what prints is read to its end");
}

#[test]
fn a_claimed_job_prints_where_it_was_claimed_after_its_owner_knows_and_its_end_waits_until_it_is_told() {
    let two = Two::new();
    let (job, global) = two.held();
    let granted = two.granted(&global);
    let token = granted.offer.token.clone();
    two.taken(granted);
    let lease = two.b.begins();
    let claim = two.b.claim(&lease, two.device).unwrap();
    assert!(claim.asks.is_some());
    let asked = two.b.spool.permit(claim.job, &two.b.now()).unwrap();
    assert_eq!(asked, Permit::Ask { server: name("acme1"), token: token.clone() });
    assert_eq!(two.begun(&token), LeaseAnswer::Begun);
    // The reply is lost; it is asked again.
    assert_eq!(two.begun(&token), LeaseAnswer::Begun);
    two.b.spool.lease_begun(&token, &two.b.now()).unwrap();
    two.pass(10 * LEASE_MS);
    assert_eq!(two.b.spool.permit(claim.job, &two.b.now()).unwrap(), Permit::Given, "it does not end by time");
    two.b.ends(&lease, &claim, sent());
    let claims = two.b.spool.own_claims(&name("acme1"), "", (LEASE_MS, &two.b.now())).unwrap();
    let end = claims[0].end.clone().expect("it waits to be told");
    assert_eq!((end.outcome.as_str(), end.begun), ("sent", false));
    assert_eq!(two.b.spool.servers_with_work().unwrap(), [name("acme1")]);
    assert_eq!(two.a.spool.lease_over(&acme2(), &token, end, &two.a.now()).unwrap(), EndAnswer::Done);
    two.b.spool.end_is_told(&token, &two.b.now()).unwrap();
    assert!(two.b.spool.own_claims(&name("acme1"), "", (LEASE_MS, &two.b.now())).unwrap().is_empty());
    assert!(two.a.status(job).is_err());
}

#[test]
fn a_claimed_job_is_not_held_where_it_has_printed_and_prints_no_second_time() {
    let keeps = JobChange::Retention { field: Field::RetainForever, value: Some(Retention::Forever) };
    let changes = [JobChange::HoldAfter(Some(true)), keeps];
    for change in changes {
        let two = Two::new();
        let (_, global) = two.held();
        let granted = two.granted(&global);
        let token = granted.offer.token.clone();
        let there = two.taken(granted);
        two.b.spool.alter_job(&two.b.call(), &reference(there), vec![change]).unwrap();
        let lease = two.b.begins();
        let claim = two.b.claim(&lease, two.device).unwrap();
        two.begun(&token);
        two.b.spool.lease_begun(&token, &two.b.now()).unwrap();
        two.b.ends(&lease, &claim, sent());
        assert!(two.b.status(there).is_err());
        let end = two.b.spool.own_claims(&name("acme1"), "", (LEASE_MS, &two.b.now())).unwrap().remove(0).end;
        assert_eq!(end.unwrap().outcome, "sent", "its owner is told");
    }
}

#[test]
fn who_prints_counts_from_sending_and_begins_nothing_after_that() {
    let two = Two::new();
    let (_, global) = two.held();
    let granted = two.granted(&global);
    let token = granted.offer.token.clone();
    let sent = two.b.now();
    // The answer was long on its way.
    two.b.pass(20_000);
    let to = two.b.spool.resolve(&two.b.call(), "office.front").unwrap();
    two.b.spool.take_claimed(&two.b.call(), (&name("acme1"), &global), granted, (&to, None), &sent).unwrap();
    let lease = two.b.begins();
    let claim = two.b.claim(&lease, two.device).unwrap();
    two.b.pass(LEASE_MS - 20_000 - 1);
    assert!(matches!(two.b.spool.permit(claim.job, &two.b.now()).unwrap(), Permit::Ask { .. }));
    two.b.pass(1);
    assert!(matches!(two.b.spool.permit(claim.job, &two.b.now()).unwrap(), Permit::Over(_)));
    // The owner would still let it begin: its time ends later.
    two.a.pass(LEASE_MS);
    assert_eq!(two.renewed(&token), LeaseAnswer::Stands(LEASE_MS));
    // Its job here goes, and the owner is told that it was not begun.
    two.b.spool.withdraw_claimed(&token, "its time was over", &two.b.now()).unwrap();
    two.b.ends(&lease, &claim, AttemptEnd::Stopped { touched: false });
    let end = two.b.spool.own_claims(&name("acme1"), "", (LEASE_MS, &two.b.now())).unwrap().remove(0).end.unwrap();
    assert!(!end.begun && two.b.status(claim.number.get()).is_err());
}

#[test]
fn an_answer_that_comes_when_the_claim_is_over_makes_no_job() {
    let two = Two::new();
    let (_, global) = two.held();
    let granted = two.granted(&global);
    let sent = two.b.now();
    two.b.pass(LEASE_MS);
    let to = two.b.spool.resolve(&two.b.call(), "office.front").unwrap();
    assert!(two.b.spool.take_claimed(&two.b.call(), (&name("acme1"), &global), granted, (&to, None), &sent).is_err());
}

#[test]
fn a_claimed_job_that_is_deleted_where_it_was_claimed_is_held_at_its_owner_again() {
    let two = Two::new();
    let (job, global) = two.held();
    let granted = two.granted(&global);
    let token = granted.offer.token.clone();
    let there = two.taken(granted);
    two.b.spool.delete_job(&two.b.call(), &reference(there), None, None).unwrap();
    let end = two.b.spool.own_claims(&name("acme1"), "", (LEASE_MS, &two.b.now())).unwrap().remove(0).end.unwrap();
    assert!(!end.begun);
    two.a.spool.lease_over(&acme2(), &token, end, &two.a.now()).unwrap();
    assert_eq!(two.state(job), JobState::Held);
    assert!(!two.reasons(job).has(HoldReason::MayHavePrinted));
}

#[test]
fn vector_20_nothing_is_claimed_for_a_printer_that_does_not_print() {
    let two = Two::new();
    let (_, global) = two.held();
    let may = |to: &str| two.b.spool.may_claim(&two.b.call(), &global, to);
    assert!(may("office.front").is_ok());
    assert!(may("office.nowhere").is_err());
    let lease = two.b.begins();
    let own = two.b.job("office.front", 1);
    let claim = two.b.claim(&lease, two.device).unwrap();
    assert_eq!(claim.number.get(), own);
    two.b.ends(&lease, &claim, device_failed(false));
    let refused = may("office.front").unwrap_err();
    assert!(refused.message.contains("is in error: not ready"), "{refused}");
    two.b.spool.drain_device(&two.b.call(), name("LP1")).unwrap();
    assert!(may("office.front").is_err());
    // A job of one's own is none of another server.
    let (number, own) = (own, two.b.status(own).unwrap().global);
    let refused = two.b.spool.may_claim(&two.b.call(), &own, "office.front").unwrap_err();
    // The hint is a command that SPOOLCOM takes.
    assert_eq!(refused.hints, [format!("spoolcom 'JOB {number}, START'   starts it here")]);
    let gone = GlobalJobId { serial: crate::model::Serial(1_000_000_001), ..own };
    assert_eq!(two.b.spool.may_claim(&two.b.call(), &gone, "office.front").unwrap_err().kind, FailureKind::NotFound);
}

#[test]
fn a_server_that_left_the_group_has_no_claims_any_more() {
    let two = Two::new();
    let (leased, first) = two.held();
    let (begun, second) = two.held();
    two.granted(&first);
    let token = two.granted(&second).offer.token;
    two.begun(&token);
    assert_eq!(two.a.spool.claimants().unwrap(), [acme2()]);
    two.a.spool.claimant_left(&two.a.call(), &acme2()).unwrap();
    assert!(two.a.spool.claimants().unwrap().is_empty());
    for (job, doubt) in [(leased, false), (begun, true)] {
        assert_eq!(two.state(job), JobState::Held);
        assert_eq!(two.reasons(job).has(HoldReason::MayHavePrinted), doubt);
    }
}

/// A server that was restored from a backup gives no number a second time, and what it had forgotten is not printed silently.
#[test]
fn a_restored_owner_gives_a_higher_number_and_holds_what_may_have_printed() {
    let two = Two::new();
    let (job, global) = two.held();
    let first = two.granted(&global).offer.token;
    two.a.spool.change(Room::Gives, &two.a.call(), |tx| store::restored::begin(tx, None, "by hand")).unwrap();
    two.over(&first, PeerFate::GIVEN_BACK, false);
    assert!(two.reasons(job).has(HoldReason::Restored));
    assert!(matches!(two.refused(&global), ClaimRefusal::NotReleasable(_)));
    two.a.spool.start_job(&two.a.call(), &reference(job)).unwrap();
    two.a.spool.hold_job(&two.a.call(), &reference(job)).unwrap();
    let granted = two.granted(&global);
    assert!(granted.offer.duplicate, "it is announced where it prints");
    assert!(of_token(&granted.offer.token).unwrap().1 > of_token(&first).unwrap().1);
}

#[test]
fn a_paused_queue_offers_no_claim_until_it_is_resumed() {
    use crate::model::managed::{ManagedClass, ManagedObject, PauseWhen};
    let two = Two::new();
    two.held();
    let listed = || two.a.spool.releasable(&speaks_for(&two.a), &two.a.now()).unwrap().len();
    let pause = |pause| {
        let queue = ManagedObject { class: ManagedClass::Queue, name: "OFFICE".into() };
        two.a.spool.pause_managed(&two.a.call(), queue, pause, None).unwrap();
    };
    pause(Some(PauseWhen::Now));
    assert_eq!(listed(), 0);
    pause(None);
    assert_eq!(listed(), 1);
}
