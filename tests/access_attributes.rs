//! Access rules as values of the attribute `access`: shown, set and accepted back, of destinations, queues and the server.

use crate::support::Site;

fn site() -> Site {
    let mut site = Site::new();
    site.env.push(("PD_CONFIRM_DELETE", "no"));
    for words in [
        &["-c", "queue", "-x", "access='submit:@sales'", "acme1:q"][..],
        &["-x", "destination-realization=logical associated-queue=q access=hold:bob", "acme1:ld"],
        &[
            "-x",
            "destination-realization=actual associated-queue=q device-uri=null: access=operate:@facility",
            "acme1:ad",
        ],
    ] {
        site.run("pdcreate", words).expect(0);
    }
    site
}

fn shown(site: &Site, class: &str, name: &str) -> String {
    let said = site.run("pdls", &["-c", class, "-r", "access", "-s", "line", "-g", name]).expect(0).out;
    let values = said.split_once(" = ").map_or("", |(_, values)| values);
    values.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The objects that have rules.
const ALL: [(&str, &str); 4] = [("queue", "q"), ("destination", "ld"), ("destination", "ad"), ("server", "acme1")];

#[test]
fn rules_are_set_added_to_and_taken_away_in_the_same_words_in_which_they_are_shown() {
    let site = site();
    let before = ALL.map(|(class, name)| shown(&site, class, name));
    assert_eq!(before[..3], ["submit:@sales", "hold:bob", "operate:@facility"]);
    for (class, name) in ALL {
        let set = |words: &str| site.run("pdset", &["-c", class, "-x", words, name]);
        set("access=operate:bob submit:ann Submit:@sales").expect(0);
        assert_eq!(shown(&site, class, name), "submit:ann submit:@sales operate:bob", "{name}");
        set("access+=titles:*").expect(0);
        set("access-=submit:ann").expect(0);
        assert_eq!(shown(&site, class, name), "submit:@sales titles:* operate:bob", "{name}");
        for (bad, why) in [
            ("access=print:ann", "operations are submit, titles"),
            ("access=submit", "has not the form operation:who"),
            ("access='submit:a/b'", "is no name of a user or a group"),
        ] {
            set(bad).expect(1).says(why);
        }
        // A change that fails changes nothing.
        assert_eq!(shown(&site, class, name), "submit:@sales titles:* operate:bob", "{name}");
        set("access==").expect(0);
        assert!(!shown(&site, class, name).contains(':'), "{name}: {}", shown(&site, class, name));
    }
}

#[test]
fn spoolcom_shows_the_same_rules_and_the_history_says_who_changed_them() {
    let site = site();
    site.run("pdset", &["-c", "destination", "-x", "access=submit:ann submit:@sales", "ad"]).expect(0);
    let detail = site.spoolcom("DEV $AD, STATUS DETAIL").out;
    assert!(detail.contains("SUBMIT ann @sales"), "{detail}");
    site.spoolcom("LOC #q.ld, ACCESS TITLES *");
    assert_eq!(shown(&site, "destination", "ld"), "titles:* hold:bob");
    let log = site.spoolcom("DEV $AD, LOG").out;
    assert!(log.contains("ACCESS SUBMIT ann @sales"), "{log}");
}

#[test]
fn rules_can_be_set_of_a_device_that_is_enabled() {
    let site = site();
    site.run("pdenable", &["ad"]).expect(0);
    site.run("pdset", &["-c", "destination", "-x", "access=submit:ann", "ad"]).expect(0);
    assert_eq!(shown(&site, "destination", "ad"), "submit:ann");
    site.run("pdset", &["-c", "destination", "-x", "access=submit:bob pjl-unknown=1", "ad"]).expect(2);
    assert_eq!(shown(&site, "destination", "ad"), "submit:ann");
}

#[test]
fn rules_are_part_of_an_archive_and_come_back_with_it() {
    let site = site();
    site.spoolcom("SPOOLER, ACCESS HOLD @desk; SPOOLER, ACCESS SUBMIT *");
    for (class, name) in ALL {
        let before = shown(&site, class, name);
        assert!(before.contains(':'), "{name}: {before}");
        let archive = site.run("pdls", &["-c", class, "-r", "archive", name]).expect(0).out;
        assert!(archive.contains("access"), "{archive}");
        let file = site.document("archive", archive.as_bytes());
        if class == "destination" {
            site.run("pddelete", &["-c", class, name]).expect(0);
            let again = format!("acme1:{name}");
            site.run("pdcreate", &["-c", class, "-X", file.to_str().unwrap(), &again]).expect(0);
        } else {
            site.run("pdset", &["-c", class, "-x", "access==", name]).expect(0);
            site.run("pdset", &["-c", class, "-X", file.to_str().unwrap(), name]).expect(0);
        }
        assert_eq!(shown(&site, class, name), before, "{archive}");
    }
}
