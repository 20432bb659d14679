//! When a job prints, and what a stop of a device touches: the same truth for whoever asks.

use super::*;
use crate::model::forecast::{Before, Forecast};

const BOB: u32 = 4711;

#[test]
fn jobs_of_others_count_in_a_forecast_and_nothing_is_told_of_them() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![DeviceChange::Fifo(true)]);
    let lease = site.begins();
    // It takes five seconds for 5,000 octets.
    site.job("a.b", 1000);
    let claim = site.claim(&lease, lp).unwrap();
    site.pass(5000);
    let end = AttemptEnd::Delivered { delivery: Delivery::Sent, octets: 5000, paper: Paper::Text, remark: None };
    assert!(site.ends(&lease, &claim, end).is_none());
    for _ in 0..3 {
        site.job("a.b", 2000);
    }
    let bob = Caller { uid: BOB, user: "bob".into(), host: "here".into(), groups: Vec::new(), operator: false };
    let his_call = Call::of(&bob, &site.now());
    let files = vec![site.document(b"his\n")];
    let his = site.spool.submit(&his_call, site.submission("a.b"), files).unwrap().accepted.number.get();
    let told = site.spool.forecast(&his_call, &reference(his)).unwrap();
    let Forecast::Begins { before: Before { jobs: 3, pages: None }, from_ms, to_ms, .. } = told else {
        panic!("{told:?}")
    };
    let seen = site.spool.forecast(&site.call(), &reference(his)).unwrap();
    let device = "LP1".parse().unwrap();
    let before = Before { jobs: 3, pages: Some(3 * 34) };
    assert_eq!(
        seen,
        Forecast::Begins { device, before, from_ms, to_ms },
        "who may see the jobs is told their pages too"
    );
    // 30,000 octets at about 1,000 in a second, and up to a second beside for each job.
    assert!((25_000..30_000).contains(&from_ms) && (33_000..40_000).contains(&to_ms), "{from_ms} {to_ms}");
    let name = "LP1".parse().unwrap();
    let stop = site.spool.stop_of(&his_call, &name).unwrap();
    assert_eq!(stop.owners, [("bob".to_owned(), 1)]);
    assert_eq!((stop.pages, stop.first.unwrap().1.as_str(), stop.device.waiting), (None, "", 4));
    let stop = site.spool.stop_of(&site.call(), &name).unwrap();
    assert_eq!(stop.owners.iter().map(|one| one.1).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(stop.first.unwrap().1, site.caller.user);
}
