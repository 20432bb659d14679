//! Which devices are found in trouble: all that stand, however many others there are.

use super::*;
use crate::store::steps_of;

/// The devices that the health names.
fn found(site: &Site) -> Vec<String> {
    let health = site.spool.health(&site.call()).unwrap();
    health.devices.iter().map(|device| device.status.name.to_string()).collect()
}

#[test]
fn devices_that_stand_are_found_among_many_that_are_well_or_stopped_without_work() {
    let site = Site::new();
    let fails = site.device("FAILS", "#B.FAILS", vec![]);
    for n in 0..90 {
        site.device(&format!("X{n}"), &format!("#A.X{n}"), vec![]);
    }
    let name = |n: usize| -> DeviceName { format!("X{n}").parse().unwrap() };
    assert!(found(&site).is_empty());
    // Few are stopped, then many.
    for (stopped, more) in [(0..3, 85), (3..60, 86)] {
        for n in stopped {
            site.spool.drain_device(&site.call(), name(n)).unwrap();
        }
        let before = found(&site).len();
        // Work for one that is stopped is trouble, for one that is started it is not.
        site.job("a.x2", 1);
        site.job(&format!("a.x{more}"), 1);
        assert_eq!(found(&site), ["X2"], "{before}");
    }
    // A job that is held waits for no device.
    site.job_with("a.x5", 1, |job| job.hold = true);
    assert_eq!(found(&site), ["X2"]);
    let lease = site.begins();
    site.job("b.fails", 1);
    let claim = site.claim(&lease, fails).unwrap();
    site.ends(&lease, &claim, device_failed(false));
    assert_eq!(found(&site), ["FAILS", "X2"]);
    // What waits for any device of a group waits for each that is stopped.
    site.job("#a", 1);
    let all = found(&site);
    assert_eq!(all.len(), 60 + 1, "{all:?}");
}

#[test]
fn a_device_that_is_well_costs_the_health_next_to_nothing() {
    let costs = |devices: usize| {
        let site = Site::new();
        for n in 0..devices {
            site.device(&format!("X{n}"), &format!("#A.X{n}"), vec![]);
            if n % 2 == 0 {
                site.spool.drain_device(&site.call(), format!("X{n}").parse().unwrap()).unwrap();
            }
        }
        let _lease = site.begins();
        site.job("a.x1", 1);
        steps_of(|| drop(site.spool.health(&site.call()).unwrap())).0
    };
    let (few, many) = (costs(100), costs(500));
    assert!(many - few <= 400 * 6, "{few} and {many} steps");
}
