//! Change control on one server, through the commands: docs/change-control.md.

use serde_json::Value;

use crate::support::Site;

fn json(site: &Site, words: &[&str]) -> Value {
    let out = site.run("pdchange", words).out;
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// Two queues, each with a printer, and edits that are staged.
fn site() -> Site {
    let site = Site::new();
    for queue in ["office", "annex"] {
        site.run("pdcreate", &["-c", "queue", "-x", "release-type=secure", &format!("acme1:{queue}")]).expect(0);
        let uri = format!("device-uri=file://{}", site.sink().display());
        let words = format!("destination-realization=actual associated-queue={queue} {uri}");
        site.run("pdcreate", &["-x", &words, &format!("acme1:{queue}-p")]).expect(0);
    }
    site.run("pdchange", &["on"]).expect(0);
    site
}

fn shown(site: &Site, class: &str, attribute: &str, object: &str) -> String {
    site.run("pdls", &["-c", class, "-r", attribute, object]).out
}

#[test]
fn edits_are_staged_listed_checked_issued_and_taken_back() {
    let site = site();
    let said = site.run("pdset", &["-c", "queue", "-x", "compatible-queues=annex purge-warning=3", "office"]).expect(0);
    assert_eq!(said.err, "pdset: queue office: staged; issue it with pdchange issue\n");
    assert!(shown(&site, "queue", "purge-warning", "office").contains('3'), "that counts at once");
    assert!(!shown(&site, "queue", "compatible-queues", "office").contains("annex"));
    let list = site.run("pdchange", &["list"]).expect(0).out;
    assert!(list.contains("queue acme1:office") && list.contains("+ compatible-queues = annex"), "{list}");
    let edit = &json(&site, &["list", "--json"])[0];
    assert_eq!((&edit["attribute"], &edit["after"][0]), (&"compatible-queues".into(), &"annex".into()));
    // One of two that name each other is no pool.
    let check = site.run("pdchange", &["check"]).expect(1).out;
    assert!(check.contains("fault: acme1:office: it names acme1:annex, which does not name it"), "{check}");
    assert_eq!(json(&site, &["check", "--json"])[0]["code"], "one-way");
    site.run("pdchange", &["issue"]).expect(1).says("pdchange issue --force");
    site.run("pdset", &["-c", "queue", "-x", "compatible-queues=office", "annex"]).expect(0);
    assert_eq!(site.run("pdchange", &["check"]).expect(0).out, "Nothing is wrong.\n");
    assert_eq!(site.run("pdchange", &["issue"]).expect(0).out, "generation 1 counts on acme1: 2 edits\n");
    assert!(shown(&site, "queue", "compatible-queues", "office").contains("annex"));
    site.run("pdchange", &["issue"]).expect(1).says("nothing is staged");
    // A printer need not be disabled for what is staged.
    site.run("pdenable", &["office-p"]).expect(0);
    site.run("pdset", &["-x", "valid-attributes=A4 duplex", "office-p"]).expect(0).says("staged");
    site.run("pdcreate", &["-c", "station", "-x", "related-printers=office-p", "acme1:hall"]).expect(0).says("staged");
    let check = site.run("pdchange", &["check"]).expect(0).out;
    assert!(check.contains("warning: acme1:annex: its printer annex-p accepts other attributes"), "{check}");
    let issued = json(&site, &["issue", "--json"]);
    assert_eq!((&issued["generation"], &issued["servers"][0]["edits"]), (&2.into(), &3.into()));
    assert!(shown(&site, "destination", "valid-attributes", "office-p").contains("duplex"));
    assert_eq!(site.run("pdchange", &["list"]).expect(0).out, "Nothing is staged.\n");
    let status = site.run("pdchange", &[]).expect(0).out;
    assert!(status.contains("Generation 2, issued") && status.contains("edits are staged"), "{status}");
    site.run("pdchange", &["rollback", "5"]).expect(1).says("generation 2 counts now");
    site.run("pdchange", &["rollback", "0"]).expect(0);
    assert!(!shown(&site, "queue", "compatible-queues", "office").contains("annex"));
    site.run("pdls", &["-c", "station", "hall"]).expect(1);
    site.run("pdchange", &["rollback"]).expect(0);
    site.run("pdls", &["-c", "station", "hall"]).expect(0);
    let status = json(&site, &["status", "--json"]);
    assert_eq!((&status["generation"], &status["generations"][3]["back-to"]), (&4.into(), &2.into()));
    let log = site.spoolcom("LOG").out;
    for word in ["staged", "issued", "rolled-back", "generation 3, 5 edits, by", "back to 0"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    site.run("pdfsck", &[]).expect(0);
}

#[test]
fn what_is_staged_is_taken_back_by_name_or_with_the_end_of_change_control() {
    let site = site();
    site.run("pdset", &["-c", "queue", "-x", "purge-time=5", "office", "annex"]).expect(0);
    site.run("pdchange", &["discard", "nowhere"]).expect(1).says("cannot find a staged edit of nowhere");
    assert_eq!(site.run("pdchange", &["discard", "office"]).expect(0).out, "1 edit taken back\n");
    site.run("pdchange", &["off"]).expect(1).says("1 edit is staged");
    assert_eq!(site.run("pdchange", &["off", "--discard"]).expect(0).out, "1 edit taken back\n");
    let said = site.run("pdset", &["-c", "queue", "-x", "purge-time=5", "office"]).expect(0);
    assert_eq!(said.err, "");
    assert!(shown(&site, "queue", "purge-time", "office").contains('5'));
    assert_eq!(site.run("pdchange", &["list"]).expect(0).out, "Nothing is staged.\n");
    assert_eq!(site.run("pdchange", &["discard"]).expect(0).out, "Nothing is staged on this server.\n");
}

#[test]
fn a_command_line_that_means_nothing_is_refused() {
    let site = site();
    for words in [
        &["publish"][..],
        &["issue", "office"],
        &["status", "--force"],
        &["on", "--discard"],
        &["rollback", "yesterday"],
        &["off", "--json"],
    ] {
        site.run("pdchange", words).expect(2);
    }
}
