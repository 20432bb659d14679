//! One view of several servers: what any of them shows of the others, and what it says of one that does not answer.

use super::world::World;

/// Three servers, each with a job on hold that its name stands in.
fn three() -> World {
    let world = World::new(&["acme1", "acme2", "acme3"]);
    for name in ["acme1", "acme2", "acme3"] {
        world.run(name);
        world[name].spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        world[name].device("LP1", &format!("file://{}", world[name].sink().display()), "OFF");
        world[name].spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
        let file = world[name].document(&format!("of {name}"), b"line\n");
        world[name].submit("office.front", &format!("job of {name}"), &file).expect(0);
    }
    world["acme1"].wait_for("its group is known", || world["acme1"].run("pdls", &["*:"]).out.contains("job of acme3"));
    world["acme2"].wait_for("its group is known", || world["acme2"].run("pdls", &["*:"]).out.contains("job of acme3"));
    world
}

/// The name everywhere of the only job of a server.
fn global(world: &World, name: &str) -> String {
    world[name].jobs()[0]["job-identifier"].as_str().unwrap().to_owned()
}

#[test]
fn all_servers_are_listed_and_one_that_does_not_answer_is_named() {
    let world = three();
    for words in [&["*:"][..], &["-U", "*:"], &["--json", "*:"]] {
        let out = world["acme2"].run("pdls", words).expect(0).out;
        for name in ["acme1", "acme2", "acme3"] {
            assert!(out.contains(&format!("job of {name}")), "{words:?}: {out}");
        }
    }
    // Without a star it is this server alone.
    let out = world["acme2"].run("pdls", &["-U"]).expect(0).out;
    assert!(out.contains("job of acme2") && !out.contains("job of acme1"), "{out}");
    let out = world["acme2"].run("pdls", &["-U", "acme3:"]).expect(0).out;
    assert!(out.contains("job of acme3") && !out.contains("job of acme2"), "{out}");
    let out = world["acme2"].run("pdls", &["-c", "destination", "*:"]).expect(0).out;
    assert_eq!(out.matches("front").count(), 3, "{out}");
    let out = world["acme2"].run("pdls", &["-c", "server", "-r", "all", "acme1:"]).expect(0).out;
    assert!(out.contains("acme1"), "{out}");
    world.kill("acme3");
    let said = world["acme2"].run("pdls", &["-U", "*:"]).expect(1);
    assert!(said.out.contains("job of acme1") && said.out.contains("job of acme2"), "{}", said.out);
    assert!(said.err.contains("server acme3 is not answering"), "{}", said.err);
    // One that accepts and says nothing is named as well.
    world.before("acme1").silent(true);
    let said = world["acme2"].run("pdls", &["-c", "destination", "*:"]).expect(1);
    assert_eq!(said.out.matches("front").count(), 1, "{}", said.out);
    for name in ["acme1", "acme3"] {
        assert!(said.err.contains(&format!("server {name} is not answering")), "{}", said.err);
    }
}

#[test]
fn a_job_is_asked_of_its_server_and_one_without_a_server_of_all() {
    let world = three();
    let there = global(&world, "acme3");
    let (_, digits) = there.split_once(':').unwrap();
    let own = world["acme1"].jobs()[0]["job-identifier"].as_str().unwrap().ends_with(digits);
    for word in [there.as_str(), digits] {
        let out = world["acme1"].run("pdls", &["-U", word]).expect(0).out;
        // The same digits may be a job of this server too, and that one is meant then.
        assert!(out.contains("job of acme3") || (own && word == digits), "{word}: {out}");
    }
    let why = world["acme1"].run("pdls", &["-U", "-r", "why", &there]).expect(0).out;
    assert!(why.contains("$LP1"), "{why}");
    let out = world["acme1"].run("pdq", &["-U", "-d", "acme3:office.front"]).expect(0).out;
    assert!(out.contains("job of acme3") && !out.contains("job of acme1"), "{out}");
    let said = world["acme1"].run("pdls", &["-U", "acme3:1000000001"]).expect(1);
    assert!(said.err.contains("cannot find job"), "{}", said.err);
    let said = world["acme1"].run("pdls", &["-U", "acme7:1000000001"]).expect(1);
    assert!(said.err.contains("cannot find job"), "{}", said.err);
    world.kill("acme3");
    let said = world["acme1"].run("pdls", &["-U", &there]).expect(1);
    assert!(said.err.contains("server acme3 is not answering"), "{}", said.err);
}

#[test]
fn a_device_is_shown_by_any_server_under_the_node_of_its_own() {
    let world = three();
    world["acme3"].spoolcom("DEV $LP1, FORM blue");
    let out = world["acme1"].spoolcom("DEV \\acme3.$LP1").out;
    assert!(out.contains("LP1") && out.to_ascii_lowercase().contains("acme3"), "{out}");
    let out = world["acme1"].spoolcom("DEV \\acme3.$LP1, STATUS DETAIL").out;
    assert!(out.contains("blue"), "{out}");
    // Nothing is changed there in this way.
    let said = world["acme1"].run("spoolcom", &["DEV \\acme3.$LP1, START"]);
    assert_ne!(said.status, 0, "{}", said.out);
}
