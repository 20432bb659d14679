//! One view of several servers: what any of them shows of the others, and what it says of one that does not answer.

use super::world::World;

/// A user who is no root: nobody is root for another server. Every system has this one.
const DAEMON: u32 = 1;

/// Three servers, each with a job that waits and bears its name.
fn three() -> World {
    let uid = nix::unistd::geteuid().is_root().then_some(DAEMON);
    let world = World::of(&["acme1", "acme2", "acme3"].map(|name| (name, uid)));
    for name in ["acme1", "acme2", "acme3"] {
        world.run(name);
        world[name].spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        world[name].device("LP1", &format!("file://{}", world[name].sink().display()), "OFF");
        world[name].spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
        let file = world[name].document(&format!("of {name}"), b"line\n");
        std::os::unix::fs::chown(&file, uid, uid).unwrap();
        world[name].submit("office.front", &format!("of-{name}"), &file).expect(0);
    }
    for name in ["acme1", "acme2"] {
        let all = || world[name].run("pdls", &["--json", "*:"]);
        world[name].wait_for("its group is known", || {
            let out = all().out;
            out.contains("of-acme1") && out.contains("of-acme3")
        });
    }
    world
}

/// The name everywhere of the only job of a server.
fn global(world: &World, name: &str) -> String {
    world[name].jobs()[0]["job-identifier"].as_str().unwrap().to_owned()
}

#[test]
fn all_servers_are_listed_and_one_that_does_not_answer_is_named() {
    let world = three();
    for words in [&["-s", "line", "*:"][..], &["-s", "line", "-U", "*:"], &["--json", "*:"]] {
        let out = world["acme2"].run("pdls", words).expect(0).out;
        for name in ["acme1", "acme2", "acme3"] {
            assert!(out.contains(&format!("of-{name}")), "{words:?}: {out}");
        }
    }
    // Without a star it is this server alone.
    let out = world["acme2"].run("pdls", &["--json", "-U"]).expect(0).out;
    assert!(out.contains("of-acme2") && !out.contains("of-acme1"), "{out}");
    let out = world["acme2"].run("pdls", &["--json", "-U", "acme3:"]).expect(0).out;
    assert!(out.contains("of-acme3") && !out.contains("of-acme2"), "{out}");
    let out = world["acme2"].run("pdls", &["-c", "destination", "*:"]).expect(0).out;
    assert_eq!(out.matches("OFFICE.FRONT").count(), 3, "{out}");
    // Each row says whose it is; where all are of this server none does.
    for name in ["acme1", "acme2", "acme3"] {
        assert!(out.lines().any(|line| line.contains("OFFICE.FRONT") && line.contains(name)), "{name}: {out}");
    }
    let own = world["acme2"].run("pdls", &["-c", "destination"]).expect(0).out;
    assert!(!own.contains("acme2"), "{own}");
    let out = world["acme2"].run("pdls", &["-c", "server", "-r", "all", "acme1:"]).expect(0).out;
    assert!(out.contains("acme1"), "{out}");
    world.kill("acme3");
    let said = world["acme2"].run("pdls", &["--json", "-U", "*:"]).expect(1);
    assert!(said.out.contains("of-acme1") && said.out.contains("of-acme2"), "{}", said.out);
    assert!(said.err.contains("server acme3 is not answering"), "{}", said.err);
    // One that accepts and says nothing is named as well.
    world.before("acme1").silent(true);
    let said = world["acme2"].run("pdls", &["-c", "destination", "*:"]).expect(1);
    assert_eq!(said.out.matches("OFFICE.FRONT").count(), 1, "{}", said.out);
    for name in ["acme1", "acme3"] {
        assert!(said.err.contains(&format!("server {name} is not answering")), "{}", said.err);
    }
}

#[test]
fn a_job_is_asked_of_its_server_and_one_without_a_server_of_all() {
    let world = three();
    let there = global(&world, "acme3");
    let (_, digits) = there.split_once(':').unwrap();
    let has_it = |name: &str| global(&world, name).ends_with(digits);
    let own = has_it("acme1") || has_it("acme2");
    for word in [there.as_str(), digits] {
        let out = world["acme1"].run("pdls", &["--json", "-U", word]).expect(0).out;
        // The same digits may be a job of another server too, or of this one, and that one may be meant then.
        assert!(out.contains("of-acme3") || (own && word == digits), "{word}: {out}");
    }
    let why = world["acme1"].run("pdls", &["-U", "-r", "why", &there]).expect(0).out;
    assert!(why.contains("$LP1"), "{why}");
    let out = world["acme1"].run("pdq", &["--json", "-U", "-d", "acme3:office.front"]).expect(0).out;
    assert!(out.contains("of-acme3") && !out.contains("of-acme1"), "{out}");
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
