//! Two spools of which one prints for the other; each message between them is brought, lost or made up by the test.

use super::*;
use crate::model::ServerName;
use crate::model::managed::{ManagedClass, ManagedObject, PauseWhen};
use crate::model::remote::{Offer, OfferAnswer, PeerFate};
use crate::model::state::{HoldReason, JobState};
use crate::model::why::Cause;
use crate::store;

fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn acme1() -> ServerName {
    name("acme1")
}

fn acme2() -> ServerName {
    name("acme2")
}

/// `#OFFICE.FRONT` on `acme1` leads to `$LP1` on `acme2`, a socket.
struct Two {
    a: Site,
    b: Site,
    device: DeviceId,
}

impl Two {
    fn new() -> Self {
        let (a, b) = (Site::new(), Site::of_server("acme2"));
        let device = b.device("LP1", "#OFFICE.FRONT", vec![Site::socket()]);
        for other in ["acme2", "acme3"] {
            a.spool.works_with(&a.call(), &name(other)).unwrap();
        }
        a.spool.route_location(&a.call(), name("#OFFICE.FRONT"), Some(name("\\acme2.$LP1"))).unwrap();
        Self { a, b, device }
    }

    fn offer(&self) -> Offer {
        self.a.spool.send_next(&self.a.call(), &acme2()).unwrap().expect("nothing waits")
    }

    fn brought(&self, offer: &Offer) -> OfferAnswer {
        self.b.spool.take_over(&acme1(), offer.clone(), &self.b.now()).unwrap().0
    }

    fn answered(&self, token: &str, answer: OfferAnswer) {
        self.a.spool.offer_answered(&self.a.call(), &acme2(), token, answer).unwrap();
    }

    /// Offers the next job, and both have on record that it is there. Returns its token.
    fn handed_over(&self) -> String {
        let offer = self.offer();
        assert_eq!(self.brought(&offer), OfferAnswer::Taken);
        self.answered(&offer.token, OfferAnswer::Taken);
        offer.token
    }

    fn fate(&self, token: &str) -> PeerFate {
        self.b.spool.fates(&acme1(), &[token.to_owned()], &self.b.now()).unwrap().remove(0).1
    }

    fn given_back(&self, token: &str) -> PeerFate {
        self.b.spool.give_back_to(&acme1(), token, &self.b.now()).unwrap().0
    }

    fn told(&self, token: &str, fate: PeerFate) -> bool {
        self.a.spool.fate_told(&self.a.call(), &acme2(), token, fate).unwrap()
    }

    fn hold(&self, job: u32) {
        self.a.spool.hold_job(&self.a.call(), &reference(job)).unwrap();
    }

    fn start(&self, job: u32) {
        self.a.spool.start_job(&self.a.call(), &reference(job)).unwrap();
    }

    fn is_held(&self, job: u32, why: HoldReason) -> bool {
        let status = self.a.status(job).unwrap();
        status.state == JobState::Held && status.reasons.has(why)
    }
}

#[test]
fn a_server_is_believed_about_jobs_that_it_has_and_about_no_others() {
    let two = Two::new();
    let job = two.a.job("office.front", 1);
    let offer = two.offer();
    let over = || PeerFate::Over { outcome: "confirmed".into(), device: None, begun: false };
    let call = two.a.call();
    two.a.spool.offer_answered(&call, &name("acme3"), &offer.token, OfferAnswer::Refused("no".into())).unwrap();
    assert_eq!(two.a.status(job).unwrap().reasons, crate::model::state::HoldReasons::NONE);
    two.answered(&offer.token, OfferAnswer::Taken);
    for fate in [over(), PeerFate::Unknown, PeerFate::There { state: JobState::Held, words: None }] {
        two.a.spool.fate_told(&call, &name("acme3"), &offer.token, fate).unwrap();
        assert_eq!(two.a.status(job).unwrap().state, JobState::Ready, "somebody else's word counts for nothing");
    }
    assert!(two.told(&offer.token, over()));
    assert!(two.a.status(job).is_err(), "it has printed");
}

#[test]
fn a_paused_queue_offers_no_job_to_another_server_until_it_is_resumed() {
    let two = Two::new();
    let (spool, call) = (&two.a.spool, two.a.call());
    let job = two.a.job("office.front", 1);
    for (class, name) in [(ManagedClass::Queue, "OFFICE"), (ManagedClass::Server, "acme1")] {
        let pause = |pause| {
            let object = ManagedObject { class, name: name.into() };
            spool.pause_managed(&call, object, pause, None).unwrap();
        };
        pause(Some(PauseWhen::Now));
        assert!(spool.send_next(&call, &acme2()).unwrap().is_none(), "{name} is paused");
        assert!(spool.without_digest(&call, &acme2()).unwrap().is_empty(), "and nothing is read for it");
        assert_eq!(spool.servers_with_work().unwrap(), []);
        assert!(matches!(spool.why(&call, &reference(job)).unwrap().causes[0], Cause::QueuePaused(_)));
        pause(None);
        assert_eq!(spool.servers_with_work().unwrap(), [acme2()]);
    }
    two.handed_over();
}

#[test]
fn a_queue_that_keeps_no_failed_job_keeps_one_whose_file_its_server_does_not_give() {
    let two = Two::new();
    queues::set(&two.b, "OFFICE", "requeue-failed-jobs", false);
    let lease = two.b.begins();
    for (reason, stays) in [(HoldReason::Unreachable, true), (HoldReason::Failed, false)] {
        let job = two.a.job("office.front", 1);
        let token = two.handed_over();
        let claim = two.b.claim(&lease, two.device).unwrap();
        let end = AttemptEnd::DataFailed { reason, text: "no".into(), moved: None, touched: false };
        two.b.ends(&lease, &claim, end);
        assert_eq!(two.b.status(claim.number.get()).is_ok(), stays, "{reason:?}");
        let fate = two.fate(&token);
        assert_eq!(matches!(fate, PeerFate::There { .. }), stays, "{fate:?}");
        two.told(&token, fate);
        assert_eq!(two.a.status(job).is_ok(), stays);
        if !stays {
            let subject = EventSubject::Job(reference(job));
            let log = two.a.spool.events(&two.a.call(), &subject, 0).unwrap();
            assert!(log.iter().any(|event| event.why.contains("keeps no job that failed")), "{log:?}");
        }
    }
}

impl Two {
    /// What the log of a job on the second server says of duplicates.
    fn is_announced(&self, claim: &Claim) -> bool {
        self.b.log(claim.number.get()).contains(&"possible-duplicate".to_owned())
    }
}

#[test]
fn a_job_that_a_restored_server_does_not_know_may_have_printed_also_when_it_is_asked_back() {
    let mut two = Two::new();
    let job = two.a.job("office.front", 1);
    let token = two.handed_over();
    // The other spool is as it was before.
    two.b = Site::of_server("acme2");
    two.device = two.b.device("LP1", "#OFFICE.FRONT", vec![Site::socket()]);
    two.hold(job);
    let fate = two.given_back(&token);
    assert_eq!(fate, PeerFate::Unknown);
    two.told(&token, fate);
    assert!(two.is_held(job, HoldReason::MayHavePrinted));
    // Who starts it all the same has it announced.
    two.start(job);
    two.handed_over();
    let claim = two.b.claim(&two.b.begins(), two.device).unwrap();
    assert!(two.is_announced(&claim) && claim.possible_duplicate);
}

#[test]
fn a_job_that_was_deleted_while_a_restored_server_had_it_is_gone_with_its_file() {
    let mut two = Two::new();
    let job = two.a.job("office.front", 1);
    let token = two.handed_over();
    two.b = Site::of_server("acme2");
    two.a.spool.delete_job(&two.a.call(), &reference(job), None, None).unwrap();
    assert!(two.a.status(job).is_ok(), "it may be printing");
    let fate = two.given_back(&token);
    two.told(&token, fate);
    assert!(two.a.status(job).is_err() && two.a.print_files().is_empty());
}

#[test]
fn a_job_that_is_taken_back_before_its_offer_arrives_is_spent_and_offered_anew() {
    let two = Two::new();
    let job = two.a.job("office.front", 1);
    let offer = two.offer();
    two.hold(job);
    let fate = two.given_back(&offer.token);
    assert_eq!(fate, PeerFate::Unknown);
    two.told(&offer.token, fate);
    assert!(two.is_held(job, HoldReason::Operator), "nobody had it");
    assert_eq!(two.brought(&offer), OfferAnswer::Spent, "the offer was late");
    two.start(job);
    assert_ne!(two.handed_over(), offer.token);
    let claim = two.b.claim(&two.b.begins(), two.device).unwrap();
    assert!(!two.is_announced(&claim) && !claim.possible_duplicate);
}

#[test]
fn a_job_that_was_restored_is_announced_by_the_server_that_prints_it() {
    let two = Two::new();
    let job = two.a.job("office.front", 1);
    two.a
        .spool
        .change(crate::spool::Room::Gives, &two.a.call(), |tx| store::restored::begin(tx, None, "by hand"))
        .unwrap();
    two.start(job);
    two.handed_over();
    let claim = two.b.claim(&two.b.begins(), two.device).unwrap();
    assert!(two.is_announced(&claim) && claim.possible_duplicate);
}

#[test]
fn a_job_that_is_called_back_and_started_again_prints_again_though_the_reply_was_lost() {
    let two = Two::new();
    let job = two.a.job("office.front", 1);
    let token = two.handed_over();
    let lease = two.b.begins();
    // It was held there, as far as this spool knows, and prints meanwhile.
    two.told(&token, PeerFate::There { state: JobState::Held, words: None });
    let claim = two.b.claim(&lease, two.device).unwrap();
    two.hold(job);
    // The reply is lost.
    assert!(matches!(two.given_back(&token), PeerFate::There { .. }));
    two.start(job);
    two.b.ends(&lease, &claim, AttemptEnd::Stopped { touched: true });
    let fate = two.fate(&token);
    assert!(two.told(&token, fate), "its end is on record");
    assert_eq!(two.a.status(job).unwrap().state, JobState::Ready);
    assert!(two.a.log(job).contains(&"possible-duplicate".to_owned()));
    two.handed_over();
    let claim = two.b.claim(&lease, two.device).unwrap();
    assert!(two.is_announced(&claim) && claim.possible_duplicate);
}

#[test]
fn a_job_that_was_deleted_while_its_offer_was_refused_takes_its_file_along() {
    for answer in [OfferAnswer::Spent, OfferAnswer::Refused("no".into())] {
        let two = Two::new();
        let job = two.a.job("office.front", 1);
        let offer = two.offer();
        two.a.spool.delete_job(&two.a.call(), &reference(job), None, None).unwrap();
        assert_eq!(two.a.print_files().len(), 1);
        two.answered(&offer.token, answer);
        assert!(two.a.status(job).is_err() && two.a.print_files().is_empty());
    }
}

#[test]
fn a_location_that_an_operator_has_led_elsewhere_stays_and_the_jobs_wait() {
    let two = Two::new();
    // Several locations lead to the device: jobs of another server have one of their own.
    let call = two.b.call();
    two.b.spool.route_location(&call, name("#OFFICE.BACK"), Some(name("LP1"))).unwrap();
    two.a.job("office.front", 1);
    two.handed_over();
    let own: LocationPattern = name("#ACME1.LP1");
    two.b.device("LP2", "#OFFICE.SIDE", vec![Site::socket()]);
    two.b.spool.route_location(&call, own.clone(), Some(name("LP2"))).unwrap();
    two.a.job("office.front", 1);
    let offer = two.offer();
    let answer = two.brought(&offer);
    assert!(matches!(&answer, OfferAnswer::Later(why) if why.contains("LOC #acme1.LP1, DEV $LP1")), "{answer:?}");
    two.b.spool.route_location(&call, own, Some(name("LP1"))).unwrap();
    assert_eq!(two.brought(&offer), OfferAnswer::Taken);
}

#[test]
fn servers_whose_names_differ_by_a_dot_have_locations_of_their_own() {
    let two = Two::new();
    let call = two.b.call();
    two.b.spool.route_location(&call, name("#OFFICE.BACK"), Some(name("LP1"))).unwrap();
    two.a.job("office.front", 1);
    let offer = two.offer();
    let mut places = Vec::new();
    for server in ["acme.1", "acme-1"] {
        let global = crate::model::GlobalJobId { server: name(server), ..offer.global.clone() };
        let offer = Offer { token: crate::model::remote::token(&global, 1), global, ..offer.clone() };
        assert_eq!(two.b.spool.take_over(&name(server), offer, &two.b.now()).unwrap().0, OfferAnswer::Taken);
        let lease = two.b.begins();
        let claim = two.b.claim(&lease, two.device).unwrap();
        places.push(two.b.status(claim.number.get()).unwrap().destination.to_string());
        two.b.ends(&lease, &claim, sent());
    }
    assert_eq!(places[1].to_ascii_lowercase(), "#acme-1.lp1");
    assert!(places[0].to_ascii_lowercase().starts_with("#acme-1-"), "{places:?}");
}

#[test]
fn rights_go_by_the_submitter_whom_his_server_knows_and_not_by_whom_he_names() {
    let two = Two::new();
    two.a.job_with("office.front", 1, |job| job.owner = Some("root".into()));
    let offer = two.offer();
    assert_eq!(two.brought(&offer), OfferAnswer::Taken);
    let lease = two.b.begins();
    let claim = two.b.claim(&lease, two.device).unwrap();
    let job = two.b.status(claim.number.get()).unwrap();
    assert_eq!(job.user_name, format!("{}@acme1", two.a.caller.user));
    // Values that nobody could give here are not taken.
    two.a.job("office.front", 1);
    let mut offer = two.offer();
    offer.given.push(crate::model::job::GivenValue {
        document: 7,
        field: crate::model::field::Field::from_stored("document-copies")
            .unwrap_or(crate::model::field::Field::JobName),
        value: crate::model::field::Value::Text("x".into()),
        origin: crate::model::job::Origin::User,
    });
    assert!(matches!(two.brought(&offer), OfferAnswer::Refused(_)));
    // What the other spool notes for itself is no matter of this one.
    offer.given.iter_mut().for_each(|given| given.origin = crate::model::job::Origin::Spool);
    // However long it says that it has waited.
    offer.waited_ms = i64::MAX;
    assert_eq!(two.brought(&offer), OfferAnswer::Taken);
}

#[test]
fn a_job_has_waited_since_it_was_queued_whatever_the_clock_says() {
    let two = Two::new();
    let job = two.a.job("office.front", 1);
    two.hold(job);
    two.a.pass(60_000);
    two.start(job);
    two.a.pass(5_000);
    let waited = two.offer().waited_ms;
    assert!((4_000..=6_000).contains(&waited), "{waited}");
}

#[test]
fn jobs_that_another_server_has_do_not_wait_for_it() {
    let two = Two::new();
    let jobs = [two.a.job("office.front", 1), two.a.job("office.front", 1)];
    let waits = |job: u32| two.a.status(job).unwrap().reason_keywords().contains(&"waiting-for-server");
    assert!(jobs.into_iter().all(waits));
    two.handed_over();
    two.handed_over();
    assert!(!jobs.into_iter().any(waits));
    let query = crate::model::query::Query {
        condition: crate::model::query::Condition::All(Vec::new()),
        order: crate::model::query::Order::Schedule,
        parts: crate::model::query::Parts::ALL,
    };
    let page = two.a.spool.jobs(&two.a.call(), &query, None, 1000).unwrap();
    assert_eq!(page.rows.len(), 2);
    assert!(!page.rows.iter().any(|job| job.reason_keywords().contains(&"waiting-for-server")));
}
