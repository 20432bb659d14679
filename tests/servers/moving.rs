//! Jobs that are sent to a destination of another server by its name there.

use super::world::World;
use super::{once, state};

/// A server with a job that waits in a queue of its own, and one that prints.
fn waiting() -> World {
    let world = World::two();
    world["acme1"].spoolcom("LOC #LOCAL.HERE, DEV");
    let file = world["acme1"].document("moved", b"moved line\n");
    world["acme1"].submit("local.here", "moved", &file).expect(0);
    world
}

#[test]
fn a_job_is_sent_on_to_a_queue_of_another_server_and_keeps_its_name_and_its_file_until_it_has_printed() {
    for there in ["ACME2:Office.Front", "acme2:office.front", "acme2:#office"] {
        let world = waiting();
        world["acme2"].spoolcom("DEV $LP1, DRAIN");
        let id = world["acme1"].jobs()[0]["job-identifier"].as_str().unwrap().to_owned();
        let sent = world["acme1"].run("pdresubmit", &[there, &id]);
        assert_eq!((sent.status, sent.err.as_str()), (0, ""), "{there}");
        world.await_job("acme1", "taken over", |job| {
            state(job) == "pending" && job["job-state-reasons"].to_string().len() < 4
        });
        // Both servers know it by the name that its submitter was told.
        let there_now = world["acme2"].jobs();
        assert!(there_now.len() == 1 && there_now[0]["job-identifier"] == id, "{there_now:#?}");
        assert_eq!(world["acme1"].print_files().len(), 1, "{there}");
        world["acme2"].start("LP1");
        world.wait_until_empty();
        assert!(once(&world.paper(), "moved line"), "{there}: {}", world.paper());
        world["acme1"].wait_for_no_print_files();
        let log = world["acme1"].run("pdls", &["--history", "-U", "-r", "log"]).expect(0).out;
        assert!(log.contains("rerouted") && log.contains("handed-over"), "{log}");
    }
}

#[test]
fn what_another_server_does_not_have_or_does_not_answer_leaves_the_job_where_it_is() {
    let world = waiting();
    let stays = |world: &World| world["acme1"].jobs()[0]["queue-assigned"] == "LOCAL";
    world["acme1"].run("pdresubmit", &["acme2:nowhere.at-all", "1"]).expect(1).says("nowhere.at-all");
    world["acme1"].run("pdresubmit", &["acme9:office.front", "1"]).expect(1).says("server acme9");
    world["acme1"].run("pdresubmit", &["acme2:", "1"]).expect(1).says("acme2:");
    assert!(stays(&world));
    world.kill("acme2");
    let refused = world["acme1"].run("pdresubmit", &["acme2:office.front", "1"]);
    assert_ne!(refused.status, 0);
    assert!(refused.err.contains("acme2"), "{}", refused.err);
    assert!(stays(&world));
    // A way that is known is gone also while nobody answers there.
    world.run("acme2");
    world["acme1"]
        .wait_for("it answers", || world["acme1"].run("pdresubmit", &["acme2:office.front", "1"]).status == 0);
    world.wait_until_empty();
    world.kill("acme2");
    let file = world["acme1"].document("later", b"later line\n");
    world["acme1"].run("pdpr", &["-d", "acme2:office.front", "-t", "later", file.to_str().unwrap()]).expect(0);
    world["acme1"].wait_for("it says for whom it waits", || {
        let job = world["acme1"].jobs();
        world["acme1"].spoolcom(&format!("JOB {}, WHY", job[0]["job-number"])).out.contains("waits for server acme2")
    });
    world.run("acme2");
    world.wait_until_empty();
    let paper = world.paper();
    assert!(once(&paper, "moved line") && once(&paper, "later line"), "{paper}");
}

#[test]
fn a_queue_that_takes_nothing_there_holds_the_job_here_with_its_words() {
    let world = waiting();
    world["acme2"].spoolcom("LOC #GONE.SOON, DEV $LP1");
    world["acme1"].run("pdresubmit", &["acme2:gone.soon", "1"]).expect(0);
    world.wait_until_empty();
    world["acme2"].spoolcom("LOC #GONE.SOON, DELETE");
    let file = world["acme1"].document("late", b"late line\n");
    world["acme1"].run("pdpr", &["-d", "acme2:gone.soon", "-t", "late", file.to_str().unwrap()]).expect(0);
    world.await_job("acme1", "held", |job| state(job) == "held");
    let number = world["acme1"].jobs()[0]["job-number"].to_string();
    let why = world["acme1"].spoolcom(&format!("JOB {number}, WHY")).out;
    assert!(why.contains("acme2 does not take it") && why.to_lowercase().contains("gone.soon"), "{why}");
    // It can be sent on from there as from anywhere.
    world["acme1"].run("pdresubmit", &["acme2:office.front", &number]).expect(0);
    world["acme1"].spoolcom(&format!("JOB {number}, START"));
    world.wait_until_empty();
    assert!(once(&world.paper(), "late line"), "{}", world.paper());
}

#[test]
fn an_operator_leads_a_location_to_a_destination_of_another_server_and_it_is_written_down() {
    let world = World::two();
    world["acme1"].spoolcom(r"LOC #FAR.AWAY, DEV \acme2.#OFFICE.FRONT");
    let shown = world["acme1"].spoolcom("LOC #FAR.AWAY").out;
    assert!(shown.to_lowercase().contains(r"\acme2.#office.front"), "{shown}");
    let written = world["acme1"].run("spoolcom", &["--dump-config"]).expect(0).out;
    assert!(written.to_lowercase().contains(r"loc #far.away, dev \acme2.#office.front"), "{written}");
    let file = world["acme1"].document("far", b"far line\n");
    world["acme1"].submit("far.away", "far", &file).expect(0);
    world.wait_until_empty();
    assert!(once(&world.paper(), "far line"), "{}", world.paper());
    // Two ways to one place are one.
    let file = world["acme1"].document("same", b"same line\n");
    world["acme1"].run("pdpr", &["-d", "acme2:office.front", "-t", "same", file.to_str().unwrap()]).expect(0);
    world.wait_until_empty();
    assert!(!world["acme1"].spoolcom("LOC").out.to_lowercase().contains("#acme2."), "a second way was made");
}

#[test]
fn a_queue_that_keeps_jobs_for_their_owners_takes_none_of_another_server_and_neither_does_one_that_leads_on() {
    let world = World::two();
    world["acme2"].run("pdcreate", &["-c", "queue", "-x", "release-type=secure", "acme2:kept"]).expect(0);
    world["acme2"].spoolcom("LOC #KEPT.ONE, DEV $LP1");
    let file = world["acme1"].document("mine", b"my line\n");
    world["acme1"].run("pdpr", &["-d", "acme2:kept.one", "-t", "mine", file.to_str().unwrap()]).expect(0);
    world.await_job("acme1", "held", |job| state(job) == "held");
    let why = world["acme1"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("keeps its jobs for their owners"), "{why}");
    assert!(!world.paper().contains("my line"));
    // A location there that leads back here is no place to print.
    world["acme2"].wait_for("its group is known", || {
        world["acme2"].run("spoolcom", &[r"LOC #ROUND.ABOUT, DEV \acme1.#OFFICE.FRONT"]).status == 0
    });
    world["acme1"].run("pdresubmit", &["acme2:round.about", "1"]).expect(0);
    world["acme1"].spoolcom("JOB 1, START");
    world["acme1"].wait_for("held again", || world["acme1"].spoolcom("JOB 1, WHY").out.contains("leads on to"));
}
