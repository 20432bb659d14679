//! Two spools of which one prints for the other; each message between them is brought, lost or made up by the test.

use super::*;
use crate::model::ServerName;
use crate::model::remote::{Offer, OfferAnswer, PeerFate};
use crate::model::state::{HoldReason, JobState};

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
