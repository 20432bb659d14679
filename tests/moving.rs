//! Work that goes from one place to another: pdresubmit.

use crate::support::Site;

/// A site with the name of its server.
fn site() -> (Site, String) {
    let site = Site::new();
    site.run("pdcreate", &["-c", "queue", "acme1:empty-q"]).expect(0);
    site.run("pdcreate", &["-c", "queue", "acme1:mail-q"]).expect(0);
    site.run(
        "pdcreate",
        &["-c", "destination", "-x", "destination-realization=logical associated-queue=mail-q", "acme1:mail-ld"],
    )
    .expect(0);
    site.run("pdenable", &["mail-ld"]).expect(0);
    (site, "acme1".to_owned())
}

#[test]
fn a_queue_without_destinations_has_no_jobs_and_one_that_is_not_there_is_not_found() {
    let (site, server) = site();
    site.run("pdresubmit", &["-c", "queue", "mail-ld", "empty-q"]).expect(0);
    site.run("pdresubmit", &["-c", "queue", "mail-ld", &format!("{server}:empty-q")]).expect(0);
    let missing = site.run("pdresubmit", &["-c", "queue", "mail-ld", "other-q"]).expect(1);
    assert!(missing.err.contains("queue other-q"), "{}", missing.err);
}
