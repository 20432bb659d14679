//! Bounds for the work of a queue and backup destinations, as the pd commands set and show them.

use std::time::Instant;

use spoolsuite::sys::watch::Watch;

use crate::support::{DEADLINE, Site};

/// A queue with a disabled printer of 60 lines a minute.
fn site() -> Site {
    let mut site = Site::new();
    site.env.push(("PD_CONFIRM_DELETE", "no"));
    site.run("pdcreate", &["-c", "queue", "acme1:q"]).expect(0);
    let made = "destination-realization=actual associated-queue=q destination-tcpip-internet-address=127.0.0.1 device-speed=60";
    site.run("pdcreate", &["-c", "destination", "-x", made, "acme1:ad"]).expect(0);
    let made = "destination-realization=logical associated-queue=q";
    site.run("pdcreate", &["-c", "destination", "-x", made, "acme1:ld"]).expect(0);
    site.run("pdenable", &["ld"]).expect(0);
    site
}

fn shown(site: &Site) -> String {
    site.run("pdls", &["-c", "queue", "-g", "-s", "line", "-r", "queue-backlog backlogged", "q"]).expect(0).out
}

#[test]
fn a_queue_shows_how_long_its_jobs_take_and_tells_when_that_is_too_long() {
    let site = site();
    let text = site.document("text", "line\n".repeat(150).as_bytes());
    let submit = || site.run("pdpr", &["-d", "ld", text.to_str().unwrap()]).expect(0);
    submit();
    assert_eq!(shown(&site), "queue-backlog =\nbacklogged = false\n");
    let told = site.files.path().join("told");
    let profile = format!(
        "notification-profile={{event-identifiers='queue-backlogged queue-no-longer-backlogged' \
         delivery-method=file-add-to delivery-address={}}}",
        told.display()
    );
    site.run("pdset", &["-c", "queue", "-x", &profile, "q"]).expect(0);
    site.run("pdset", &["-c", "queue", "-x", "backlog-upper-bound=4 backlog-lower-bound=3", "q"]).expect(0);
    assert_eq!(shown(&site), "queue-backlog = 0:03\nbacklogged = false\n");
    submit();
    assert_eq!(shown(&site), "queue-backlog = 0:05\nbacklogged = true\n");
    let found =
        site.run("pdls", &["-c", "queue", "-r", "queue-name", "-g", "-f", "backlogged==true", "acme1:"]).expect(0);
    assert_eq!(found.out.trim(), "queue-name = q");
    site.run("pdrm", &["1"]).expect(0);
    assert_eq!(shown(&site), "queue-backlog = 0:03\nbacklogged = false\n");
    let end = Instant::now() + DEADLINE;
    let watch = Watch::new(site.files.path()).unwrap();
    let said = loop {
        let said = std::fs::read_to_string(&told).unwrap_or_default();
        if said.contains("9900-944") {
            break said;
        }
        assert!(Instant::now() < end, "{said}");
        watch.wait(DEADLINE).unwrap();
    };
    assert!(
        said.contains("5010-304 The queue is backlogged: queue q. queue q: its jobs take 0:05, more than 0:04."),
        "{said}"
    );
    let refused = site.run("pdset", &["-c", "queue", "-x", "backlog-lower-bound=5", "q"]).expect(1);
    refused.says("backlog-lower-bound: it is more than backlog-upper-bound");
}
