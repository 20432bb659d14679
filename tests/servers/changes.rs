//! Change control across servers: one generation for all of them, whoever dies when. The vectors are those of
//! docs/reference/secure-release.md.

use std::io::Read;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::once;
use super::release::{listed, pool, waiting};
use super::world::World;
use crate::support::DEADLINE;

const THREE: [&str; 3] = ["acme1", "acme2", "acme3"];

/// A pool whose edits are staged from now on.
fn controlled(names: &[&'static str]) -> World {
    let world = pool(names, None);
    for name in names {
        world[*name].run("pdchange", &["auto"]).expect(0);
    }
    world
}

/// Stages the purge time of `office` on each of these servers.
fn stage(world: &World, names: &[&str], minutes: u32) {
    for name in names {
        let said =
            world[*name].run("pdset", &["-c", "queue", "-x", &format!("purge-time={minutes}"), "office"]).expect(0);
        assert!(said.err.contains("staged; issue it with pdchange issue"), "{}", said.err);
    }
}

fn purge_time(world: &World, name: &str) -> String {
    let words = ["-c", "queue", "-r", "purge-time", "office"];
    let out = world[name].run("pdls", &words).expect(0).out;
    out.trim().rsplit(' ').next().unwrap().to_owned()
}

/// The servers as one of them sees them.
fn servers(world: &World, name: &str) -> Vec<Value> {
    let out = world[name].run("pdchange", &["status", "--json"]).out;
    let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    value["servers"].as_array().unwrap().clone()
}

fn answered(world: &World, name: &str) -> Vec<Value> {
    servers(world, name).into_iter().filter(|one| one["answered"] == true).collect()
}

/// The generations that count on the servers that answer.
fn counting(world: &World, name: &str) -> Vec<i64> {
    answered(world, name).iter().map(|one| one["generation"].as_i64().unwrap()).collect()
}

/// Waits until something holds; what another server does rings no bell here.
#[track_caller]
fn until(world: &World, name: &str, what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    let watch = spoolsuite::sys::watch::Watch::new(&world[name].paths().write_lock()).unwrap();
    while !condition() {
        let logs = || ["acme1", "acme2"].map(|name| world.log(name)).concat();
        assert!(Instant::now() < end, "never: {what}; {:#?}; {}", servers(world, name), logs());
        watch.wait(Duration::from_millis(200)).unwrap();
    }
}

/// The same; none while one of them has something prepared.
fn generations(world: &World, name: &str) -> Option<Vec<i64>> {
    let answered = answered(world, name);
    let settled = answered.iter().all(|one| one["prepared"].is_null());
    settled.then(|| answered.iter().map(|one| one["generation"].as_i64().unwrap()).collect())
}

fn are_one(found: Option<Vec<i64>>, many: usize) -> bool {
    found.is_some_and(|found| found.len() == many && found.iter().all(|one| *one == found[0]))
}

#[test]
fn vector_3_a_mesh_that_is_staged_does_not_count_until_it_is_issued_on_all_servers() {
    let world = controlled(&["acme1", "acme2"]);
    let job = waiting(&world, "far", b"far line\n", &[]);
    let words = ["-c", "queue", "-x", "compatible-queues==", "office"];
    world["acme1"].run("pdset", &words).expect(0).says("staged; issue it with pdchange issue");
    assert_eq!(listed(&world, "acme2", &job)["releasable"], true, "nothing has changed");
    let status = world["acme2"].run("pdchange", &[]).expect(0).out;
    assert!(status.contains("1 edit staged for generation 1"), "{status}");
    let list = world["acme2"].run("pdchange", &["list"]).expect(0).out;
    assert!(list.contains("queue acme1:office") && list.contains("- compatible-queues = acme2:office"), "{list}");
    assert!(list.contains("+ compatible-queues has no value"), "{list}");
    // Vector 1: the other half is missing, and the check says so.
    let check = world["acme2"].run("pdchange", &["check"]).expect(1).out;
    assert!(check.contains("fault: acme2:office: it names acme1:office, which does not name it"), "{check}");
    world["acme2"].run("pdchange", &["issue"]).expect(1).says("nothing was issued");
    world["acme2"].run("pdset", &words).expect(0);
    let said = world["acme2"].run("pdchange", &["issue"]).expect(0).out;
    assert_eq!(said, "generation 1 counts on acme1, acme2: 2 edits\n");
    assert_eq!(generations(&world, "acme1"), Some(vec![1, 1]));
    world["acme2"].run("pdrelease", &[&job]).expect(1).says("compatible");
    let log = world["acme1"].spoolcom("LOG").out;
    assert!(log.contains("generation 1, 1 edit, by") && log.contains("on acme2"), "{log}");
    // Back again, from the other server.
    world["acme1"].run("pdchange", &["rollback"]).expect(0);
    assert_eq!(generations(&world, "acme2"), Some(vec![2, 2]));
    world["acme2"].run("pdrelease", &[&job]).expect(0);
    world.wait_until_empty();
    assert!(once(&world.paper(), "far line"), "{}", world.paper());
}

#[test]
fn a_straggler_is_named_and_caught_up_when_it_is_back() {
    let world = controlled(&THREE);
    stage(&world, &THREE, 7);
    world.kill("acme3");
    let refused = world["acme1"].run("pdchange", &["issue"]);
    assert!(refused.status != 0 && refused.err.contains("server acme3 does not answer"), "{}", refused.err);
    assert!(refused.err.contains("--allow-partial"), "{}", refused.err);
    assert_eq!(purge_time(&world, "acme1"), "120");
    let said = world["acme1"].run("pdchange", &["issue", "--allow-partial"]).expect(0);
    assert!(said.out.contains("counts on acme1, acme2: 2 edits"), "{}", said.out);
    assert!(said.err.contains("server acme3 does not have generation 1 yet"), "{}", said.err);
    let status = world["acme1"].run("pdchange", &[]).expect(1).out;
    assert!(status.contains("it is caught up when it is back"), "{status}");
    world.run("acme3");
    until(&world, "acme3", "it has caught up", || are_one(generations(&world, "acme3"), 3));
    assert_eq!(THREE.map(|name| purge_time(&world, name)), ["7", "7", "7"]);
}

/// Where the server that issues may die, and where another one may. What counts in the end counts everywhere.
#[test]
fn whichever_server_dies_at_whichever_step_all_have_one_generation_in_the_end() {
    let steps = [
        ("acme1", "change-preparing@1"),
        ("acme1", "change-preparing@2"),
        ("acme1", "change-prepared"),
        ("acme1", "change-decided"),
        ("acme1", "change-told@1"),
        ("acme1", "change-told@2"),
        ("acme2", "change-ready"),
        ("acme2", "change-taken"),
    ];
    let world = controlled(&THREE);
    for (n, (victim, point)) in steps.into_iter().enumerate() {
        world.kill(victim);
        world.run_with(victim, &[("PD_FAULT", point)]);
        let minutes = 200 + u32::try_from(n).unwrap();
        stage(&world, &THREE, minutes);
        let said = world["acme1"].run("pdchange", &["issue"]);
        world.await_death(victim);
        let other = if victim == "acme1" { "acme2" } else { "acme1" };
        until(&world, other, "those that answer have one", || are_one(Some(counting(&world, other)), 2));
        let silent = servers(&world, other).into_iter().filter(|one| one["answered"] == false);
        assert_eq!(silent.map(|one| one["server"].clone()).collect::<Vec<_>>(), [victim], "it is named: {point}");
        world.run(victim);
        until(&world, other, "all have one", || are_one(generations(&world, other), 3));
        let now = THREE.map(|name| purge_time(&world, name));
        let counts = now[0] == minutes.to_string();
        assert!(now.iter().all(|one| *one == now[0]), "{point}: {now:?}; {}", said.err);
        if !counts {
            world["acme2"].run("pdchange", &["issue"]).expect(0);
            assert_eq!(THREE.map(|name| purge_time(&world, name)), [(); 3].map(|()| minutes.to_string()), "{point}");
        }
    }
}

/// A place where a server waits. Returns it, and how it goes on.
fn gate(world: &World, name: &'static str, point: &str) -> (tempfile::TempDir, UnixListener) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gate");
    let listener = UnixListener::bind(&path).unwrap();
    world.kill(name);
    world.run_with(name, &[("PD_FAULT", point), ("PD_GATE", path.to_str().unwrap())]);
    (dir, listener)
}

#[test]
fn of_two_that_issue_at_once_one_wins_and_the_other_is_told_who() {
    let world = controlled(&["acme1", "acme2"]);
    stage(&world, &["acme1", "acme2"], 7);
    let (_dir, listener) = gate(&world, "acme1", "change-prepared");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world["acme1"].run("pdchange", &["issue"]));
        let (mut waits, _) = listener.accept().unwrap();
        let second = world["acme2"].run("pdchange", &["issue"]).expect(1);
        assert!(second.err.contains("server acme1 is issuing generation 1 for"), "{}", second.err);
        let same = world["acme1"].run("pdchange", &["issue"]).expect(1);
        assert!(same.err.contains("a generation is being issued here"), "{}", same.err);
        waits.shutdown(std::net::Shutdown::Both).unwrap();
        let _ = waits.read(&mut [0]);
        first.join().unwrap().expect(0);
    });
    assert_eq!(generations(&world, "acme2"), Some(vec![1, 1]));
}

#[test]
fn a_release_under_way_ends_under_its_generation() {
    let world = controlled(&["acme1", "acme2"]);
    let (_dir, listener) = gate(&world, "acme2", "claim-answered");
    let job = waiting(&world, "far", b"far line\n", &[]);
    std::thread::scope(|scope| {
        let release = scope.spawn(|| world["acme2"].run("pdrelease", &[&job]));
        let (waits, _) = listener.accept().unwrap();
        for name in ["acme1", "acme2"] {
            world[name].run("pdset", &["-c", "queue", "-x", "compatible-queues==", "office"]).expect(0);
        }
        world["acme1"].run("pdchange", &["issue"]).expect(0);
        waits.shutdown(std::net::Shutdown::Both).unwrap();
        release.join().unwrap().expect(0);
    });
    world.wait_until_empty();
    assert!(once(&world.paper(), "far line"), "{}", world.paper());
    let next = waiting(&world, "next", b"next line\n", &[]);
    world["acme2"].run("pdrelease", &[&next]).expect(1).says("not compatible");
}

#[test]
fn vector_23_a_server_that_has_not_heard_of_a_revocation_is_refused_until_it_has() {
    let world = controlled(&["acme1", "acme2"]);
    let job = waiting(&world, "far", b"far line\n", &[]);
    world["acme1"].run("pdcreate", &["-c", "queue", "-x", "release-type=secure", "acme1:vault"]).expect(0);
    let vault = |entries: &str| {
        let value = format!("compatible-queues={entries}");
        world["acme1"].run("pdset", &["-c", "queue", "-x", &value, "vault"]).expect(0);
    };
    vault("office");
    world["acme1"].run("pdchange", &["issue", "--force"]).expect(0);
    assert_eq!(listed(&world, "acme2", &job)["releasable"], true);
    // It is taken away again while the other server hears nothing.
    world.before("acme2").silent(true);
    vault("=");
    world["acme1"]
        .run("pdchange", &["issue", "--allow-partial"])
        .expect(0)
        .says("acme2 does not have generation 2 yet");
    world["acme2"].run("pdrelease", &[&job]).expect(1).says("generation 2 has taken a compatible queue away");
    world.before("acme2").silent(false);
    until(&world, "acme2", "it has caught up", || are_one(generations(&world, "acme2"), 2));
    world["acme2"].run("pdrelease", &[&job]).expect(0);
    world.wait_until_empty();
    assert!(once(&world.paper(), "far line"), "{}", world.paper());
}
