//! Secure release across servers: the job lies on `acme1`, its owner stands at a station of `acme2`. The vectors are those of
//! docs/reference/secure-release.md.

use serde_json::Value;

use crate::support::documents::text;
use crate::support::sink::{Mode, Sink};

use super::once;
use super::world::World;

/// A pool of two secure queues, one on each server, each with a printer and a station. The printer of `acme2` is this one, or appends
/// to a file.
pub(super) fn pool(names: &[&'static str], printer: Option<&Sink>) -> World {
    pooled(World::new(names), names, printer)
}

fn pooled(world: World, names: &[&'static str], printer: Option<&Sink>) -> World {
    for name in names {
        world.run(name);
        let site = &world[name];
        let run = |program: &str, words: &[&str]| {
            site.run(program, words).expect(0);
        };
        // What these tests change counts at once.
        run("pdchange", &["off"]);
        let others = names.iter().filter(|other| *other != name).map(|other| format!("{other}:office"));
        let others: Vec<String> = others.collect();
        run("pdcreate", &["-c", "queue", "-x", "release-type=secure", &format!("{name}:office")]);
        run("pdset", &["-c", "queue", "-x", &format!("compatible-queues={}", others.join(" ")), "office"]);
        // One person is one person on all of them, whatever account runs this test.
        let realms: Vec<String> = names.iter().map(|name| format!("'{name}=site'")).collect();
        let realms = format!("default-realm=site identity-realms={}", realms.join(" "));
        run("pdset", &["-c", "server", "-x", &realms, name]);
        let logical = "destination-realization=logical associated-queue=office";
        run("pdcreate", &["-x", logical, &format!("{name}:follow-me")]);
        let uri = match (printer, *name) {
            (Some(printer), "acme2") => printer.uri(),
            _ => format!("file://{}", site.sink().display()),
        };
        let actual = format!("destination-realization=actual associated-queue=office device-uri={uri}");
        run("pdcreate", &["-x", &actual, &format!("{name}:LP1")]);
        run("pdcreate", &["-c", "station", "-x", "related-printers=LP1", &format!("{name}:hall")]);
        run("pdenable", &["follow-me", "LP1"]);
    }
    world
}

/// A job of a secure queue on `acme1`. Returns its name everywhere.
pub(super) fn waiting(world: &World, tag: &str, text: &[u8], words: &[&str]) -> String {
    let file = world["acme1"].document(tag, text);
    let words = [&["-d", "follow-me", "-t", tag], words, &[file.to_str().unwrap()]].concat();
    world["acme1"].run("pdpr", &words).expect(0);
    let jobs = world["acme1"].jobs();
    let job = jobs.iter().find(|job| job["job-name"] == tag).unwrap_or_else(|| panic!("{jobs:#?}"));
    job["job-identifier"].as_str().unwrap().to_owned()
}

fn json(world: &World, name: &str, words: &[&str]) -> Value {
    let out = world[name].run("pdrelease", words).out;
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// The row of a job in the list at a station of `name`.
pub(super) fn listed(world: &World, name: &str, job: &str) -> Value {
    let list = json(world, name, &["--json"]);
    let jobs = list["jobs"].as_array().unwrap().clone();
    jobs.into_iter().find(|row| row["job-identifier"] == job).unwrap_or(Value::Null)
}

/// What the record of a server has about a job, each line as `what:result`.
fn record(world: &World, name: &str, job: &str) -> Vec<String> {
    let lines = json(world, name, &["--history", "--json"]);
    let of_job = lines.as_array().unwrap().iter().filter(|line| line["correlation"] == job);
    let words = |line: &Value| format!("{}:{}", line["what"].as_str().unwrap(), line["result"].as_str().unwrap());
    of_job.map(words).collect()
}

fn begun(printer: &Sink) {
    printer.wait_for("its beginning", |all| all.iter().any(|one| one.octets.len() >= 64 << 10));
}

#[test]
fn a_job_that_lies_on_another_server_is_listed_released_and_on_record_on_both() {
    let world = pool(&["acme1", "acme2"], None);
    let job = waiting(&world, "far", b"far line\n", &[]);
    assert_eq!(listed(&world, "acme2", &job)["releasable"], true);
    let said = world["acme2"].run("pdrelease", &[&job]).expect(0).out;
    assert_eq!(said, format!("job {job} prints on LP1\n"));
    world.wait_until_empty();
    assert!(once(&world.paper(), "far line"), "{}", world.paper());
    world["acme1"].wait_for_no_print_files();
    assert_eq!(record(&world, "acme1", &job), ["hold:ok", "release:ok", "print:sent"]);
    assert_eq!(record(&world, "acme2", &job), ["release:ok", "print:sent"]);
    assert_eq!(world["acme2"].run("pdrelease", &[]).expect(0).out, "No job of yours waits for its release.\n");
}

#[test]
fn all_jobs_of_all_servers_are_released_in_the_order_of_submission() {
    let world = pool(&["acme1", "acme2"], None);
    waiting(&world, "a", b"line a\n", &[]);
    let file = world["acme2"].document("b", b"line b\n");
    world["acme2"].run("pdpr", &["-d", "follow-me", file.to_str().unwrap()]).expect(0);
    waiting(&world, "c", b"line c\n", &[]);
    let said = world["acme2"].run("pdrelease", &["--all"]).expect(0).out;
    assert_eq!(said.lines().count(), 3, "{said}");
    world.wait_until_empty();
    let places = ["line a", "line b", "line c"].map(|line| world.paper().find(line).unwrap());
    assert!(places.is_sorted(), "{}", world.paper());
}

#[test]
fn vectors_1_and_8_the_owner_of_a_job_judges_queue_and_attributes() {
    let world = pool(&["acme1", "acme2"], None);
    let job = waiting(&world, "stapled", b"stapled line\n", &["-x", "job-finishing=staple"]);
    world["acme2"].run("pddisable", &["LP1"]).expect(0);
    world["acme2"].run("pdset", &["-c", "destination", "-x", "valid-attributes=A4", "LP1"]).expect(0);
    world["acme2"].run("pdenable", &["LP1"]).expect(0);
    let row = listed(&world, "acme2", &job);
    assert_eq!((&row["releasable"], &row["printers"][0]["verdict"]), (&Value::Bool(false), &Value::from("attributes")));
    world["acme2"].run("pdrelease", &[&job]).expect(1).says("does not accept staple");
    let why = world["acme1"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("at station hall of server acme2: on LP1 not here"), "{why}");
    world["acme2"].run("pddisable", &["LP1"]).expect(0);
    world["acme2"].run("pdset", &["-c", "destination", "-x", "valid-attributes==", "LP1"]).expect(0);
    world["acme2"].run("pdenable", &["LP1"]).expect(0);
    // What one of them says is not enough.
    world["acme1"].run("pdset", &["-c", "queue", "-x", "compatible-queues==", "office"]).expect(0);
    assert_eq!(listed(&world, "acme2", &job)["printers"][0]["verdict"], "queue-one-way");
    world["acme2"]
        .run("pdrelease", &[&job])
        .expect(1)
        .says("only one of queue acme1:office and queue acme2:office names the other");
    world["acme1"].run("pdset", &["-c", "queue", "-x", "compatible-queues=acme2:office", "office"]).expect(0);
    world["acme2"].run("pdrelease", &[&job]).expect(0);
    world.wait_until_empty();
    assert!(once(&world.paper(), "stapled line"));
}

#[test]
fn vector_9_a_station_that_shows_all_jobs_shows_those_of_its_server_and_says_so() {
    let world = pool(&["acme1", "acme2"], None);
    let job = waiting(&world, "far", b"far line\n", &[]);
    world["acme2"].run("pdset", &["-c", "station", "-x", "jobs-shown=all", "hall"]).expect(0);
    let out = world["acme2"].run("pdrelease", &[]).expect(0).out;
    assert!(out.contains("jobs that other servers hold are not shown") && !out.contains("far"), "{out}");
    let list = json(&world, "acme2", &["--json"]);
    assert_eq!((&list["only-here"], list["jobs"].as_array().unwrap().len()), (&Value::Bool(true), 0));
    assert_eq!(listed(&world, "acme1", &job)["state"], "waiting");
}

/// The same login on both machines, each in a realm of its own. Somebody else than root has it: of root no server believes
/// another one anything.
#[test]
fn vector_11_the_same_name_in_another_realm_is_somebody_else() {
    let names = ["acme1", "acme2"];
    let is_root = nix::unistd::geteuid().is_root();
    let nobody = is_root.then(|| nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw());
    let programs = ["pdcreate", "pdset", "pdenable", "pdrelease", "pdchange"];
    let world = pooled(World::with_programs(&names.map(|name| (name, nobody)), &programs), &names, None);
    let realms = |name: &str, own: &str, line: &str| {
        let set = format!("default-realm={own} identity-realms={line}");
        world[name].run("pdset", &["-c", "server", "-x", &set, name]).expect(0);
    };
    realms("acme1", "lab", "acme1=lab 'acme2=corp'");
    realms("acme2", "corp", "acme1=lab 'acme2=corp'");
    let job = waiting(&world, "far", b"far line\n", &[]);
    assert_eq!(listed(&world, "acme2", &job), Value::Null);
    world["acme2"].run("pdrelease", &[&job]).expect(1).says("cannot find job");
    world["acme2"].run("pdrelease", &["--delete", &job]).expect(1).says("cannot find job");
    assert_eq!(listed(&world, "acme1", &job)["state"], "waiting");
    // Where nobody says anything of the other server, its users are nobody here either.
    world["acme1"].run("pdset", &["-c", "server", "-x", "identity-realms==", "acme1"]).expect(0);
    assert_eq!(listed(&world, "acme2", &job), Value::Null);
    // The owner of the job says that the two are one person.
    realms("acme1", "lab", "acme1=lab 'acme2=lab'");
    assert_eq!(listed(&world, "acme2", &job)["releasable"], true);
    world["acme2"].run("pdrelease", &[&job]).expect(0);
    world.wait_until_empty();
    assert!(once(&world.paper(), "far line"), "{}", world.paper());
}

#[test]
fn vector_13_a_server_that_is_down_is_named_and_what_is_here_is_listed() {
    let world = pool(&["acme1", "acme2"], None);
    let job = waiting(&world, "far", b"far line\n", &[]);
    let file = world["acme2"].document("near", b"near line\n");
    world["acme2"].run("pdpr", &["-d", "follow-me", file.to_str().unwrap()]).expect(0);
    world["acme1"].run("pdls", &[]);
    world.before("acme1").silent(true);
    let said = world["acme2"].run("pdrelease", &[]).expect(1);
    assert!(said.out.contains("near") && !said.out.contains("far"), "{}", said.out);
    assert!(said.err.contains("server acme1 is not answering"), "{}", said.err);
    let list = json(&world, "acme2", &["--json"]);
    assert_eq!((&list["servers"][0]["server"], &list["servers"][0]["answered"]), (&"acme1".into(), &false.into()));
    world["acme2"].run("pdrelease", &[&job]).expect(1).says("acme1");
    // Of WHY the other way round.
    world.before("acme1").silent(false);
    world.before("acme2").silent(true);
    let why = world["acme1"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("server acme2 does not say what its stations make of it"), "{why}");
}

#[test]
fn vector_14_two_stations_that_release_a_job_together_get_one_claim() {
    let world = pool(&["acme1", "acme2", "acme3"], None);
    let job = waiting(&world, "once", b"once line\n", &[]);
    let release = |name: &'static str| world[name].run("pdrelease", &[&job]);
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| release("acme2"));
        let other = scope.spawn(|| release("acme3"));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(one.status + other.status, 1, "{}{}", one.err, other.err);
    world.wait_until_empty();
    let papers = ["acme2", "acme3"].map(|name| std::fs::read_to_string(world[name].sink()).unwrap_or_default());
    assert!(once(&papers.concat(), "once line"), "{papers:?}");
    let granted = record(&world, "acme1", &job).into_iter().filter(|line| line == "release:ok").count();
    assert_eq!(granted, 1);
}

#[test]
fn vector_14_a_job_that_is_released_several_times_at_one_server_is_released_once() {
    let world = pool(&["acme1", "acme2"], None);
    let job = waiting(&world, "once", b"once line\n", &[]);
    let said: Vec<_> = std::thread::scope(|scope| {
        let each: Vec<_> = (0..4).map(|_| scope.spawn(|| world["acme2"].run("pdrelease", &[&job]))).collect();
        each.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(said.iter().filter(|one| one.status == 0).count(), 1, "{said:#?}");
    world.wait_until_empty();
    assert!(once(&world.paper(), "once line"), "{}", world.paper());
    let lines = record(&world, "acme1", &job);
    assert_eq!(lines.iter().filter(|line| *line == "release:ok").count(), 1, "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("abort")), "{lines:?}");
}

/// START by an operator is no release, also where HOLDAFTER keeps the job when it has printed.
#[test]
fn a_job_that_is_held_after_printing_elsewhere_is_released_again_by_its_owner_alone() {
    let world = pool(&["acme1", "acme2"], None);
    let job = waiting(&world, "twice", b"twice line\n", &["-x", "hold-after=true"]);
    for round in 1..=2 {
        world["acme2"].run("pdrelease", &[&job]).expect(0);
        let printed = || record(&world, "acme1", &job).iter().filter(|line| *line == "print:sent").count();
        world["acme1"].wait_for("its end is on record", || printed() == round);
        assert_eq!(listed(&world, "acme1", &job)["state"], "blocked");
        world["acme1"].run("spoolcom", &["JOB 1, START"]).says("waits for release at a station");
        assert_eq!(listed(&world, "acme1", &job)["state"], "waiting");
        assert_eq!(world.paper().matches("twice line").count(), round);
    }
}

#[test]
fn vector_15_a_server_that_dies_between_claim_and_begin_gives_the_job_back() {
    let printer = Sink::new(Mode::Stalls(64 << 10));
    let world = pool(&["acme1", "acme2"], Some(&printer));
    let first = world["acme2"].document("first", &text("first", 4 << 20));
    world["acme2"].run("pdpr", &["-d", "LP1", first.to_str().unwrap()]);
    world["acme2"].run("pdrelease", &["1"]).expect(0);
    begun(&printer);
    world.kill("acme1");
    world.run_with("acme1", &[("TEST_SERVER_LEASE_MS", "200")]);
    let job = waiting(&world, "left", b"left line\n", &[]);
    world["acme2"].run("pdrelease", &[&job]).expect(0);
    assert_eq!(listed(&world, "acme1", &job)["state"], "released");
    world["acme1"].run("pdrelease", &["1"]).expect(1);
    world.kill("acme2");
    world["acme1"].wait_for("its lease has ended", || listed(&world, "acme1", &job)["state"] == "waiting");
    assert!(record(&world, "acme1", &job).contains(&"abort:unprinted".to_owned()));
    // It is released at its own server, and prints there.
    world["acme1"].run("pdrelease", &["1"]).expect(0);
    let paper = || std::fs::read_to_string(world["acme1"].sink()).unwrap_or_default();
    world["acme1"].wait_for("it has printed", || once(&paper(), "left line"));
}

#[test]
fn vector_16_a_job_of_which_nobody_knows_whether_it_printed_is_not_offered_again() {
    let printer = Sink::new(Mode::Stalls(64 << 10));
    let world = pool(&["acme1", "acme2"], Some(&printer));
    let job = waiting(&world, "large", &text("large", 8 << 20), &[]);
    world["acme2"].run("pdrelease", &[&job]).expect(0);
    begun(&printer);
    world.kill("acme2");
    assert!(world["acme2"].kill_fastp());
    let shown = world["acme1"].run("pdrelease", &[]).out;
    assert!(shown.contains("may have printed"), "{shown}");
    let all = world["acme1"].run("pdrelease", &["--all"]);
    assert!(all.out.contains("can be released now"), "{}", all.out);
    world["acme1"].run("pdrelease", &["1"]).expect(1).says("may have printed");
    // An operator says that the server is lost. The owner of the job decides, by its name.
    world["acme1"].run("pdclaim", &["--lost", &job]).expect(0);
    assert_eq!(listed(&world, "acme1", &job)["state"], "may-have-printed");
    assert!(record(&world, "acme1", &job).contains(&"abort:may-have-printed".to_owned()));
    let all = world["acme1"].run("pdrelease", &["--all"]);
    assert!(all.err.contains("may have printed already"), "{}", all.err);
    world["acme1"].run("pdrelease", &["1"]).expect(0);
}

#[test]
fn vector_20_a_printer_that_is_offline_refuses_before_anything_is_claimed() {
    let world = pool(&["acme1", "acme2"], None);
    let job = waiting(&world, "far", b"far line\n", &[]);
    world["acme2"].run("pddisable", &["LP1"]).expect(0);
    world["acme2"].run("pdrelease", &[&job]).expect(1).says("not now, because the printer is offline");
    assert_eq!(record(&world, "acme1", &job), ["hold:ok"]);
    assert_eq!(record(&world, "acme2", &job), ["release:printer-trouble"]);
    assert_eq!(listed(&world, "acme1", &job)["state"], "waiting");
}

#[test]
fn vector_25_a_job_is_removed_from_a_station_of_another_server() {
    let world = pool(&["acme1", "acme2"], None);
    let job = waiting(&world, "far", b"far line\n", &[]);
    world["acme2"].run("pdrelease", &["--delete", &job]).expect(0);
    assert!(world["acme1"].jobs().is_empty());
    world["acme1"].wait_for_no_print_files();
    assert_eq!(world["acme2"].run("pdrelease", &[]).expect(0).out, "No job of yours waits for its release.\n");
    assert_eq!(record(&world, "acme1", &job), ["hold:ok", "delete:ok"]);
    world["acme2"].run("pdrelease", &["--delete", &job]).expect(1).says("cannot find job");
}

/// Only at a station, where the owner of the job stands, is such a job claimed; whoever may start any job may not.
#[test]
fn a_job_that_waits_for_its_owner_is_no_job_for_pdclaim() {
    let world = pool(&["acme1", "acme2"], None);
    let job = waiting(&world, "far", b"far line\n", &[]);
    assert_eq!(world["acme2"].run("pdclaim", &[]).expect(0).out, "");
    world["acme2"].run("pdclaim", &["-d", "LP1", &job]).expect(1).says("it waits for its owner at a station");
    world["acme2"].run("pdrelease", &["acme1:1000000001"]).expect(1).says("cannot find job");
}

#[test]
fn an_encrypted_file_lies_in_clear_on_no_server_also_while_it_is_fetched_and_printed() {
    let printer = Sink::new(Mode::Normal);
    let world = pool(&["acme1", "acme2"], Some(&printer));
    let document = crate::support::documents::stream("far", 8 << 20);
    let job = waiting(&world, "far", &document, &[]);
    let nowhere = |world: &World| {
        for name in ["acme1", "acme2"] {
            for at in [0, 300_000, 1 << 20, document.len() - 64] {
                let found = crate::at_rest::files_with(world[name].base(), &document[at..at + 48]);
                assert!(found.is_empty(), "octets from {at} on: {found:?}");
            }
        }
    };
    nowhere(&world);
    world.before("acme1").gate(4 << 20);
    world["acme2"].run("pdrelease", &[&job]).expect(0);
    begun(&printer);
    assert!(!world.fetched("acme2").is_empty(), "it is not used where it is");
    nowhere(&world);
    world.before("acme1").gate(0);
    world.wait_until_empty();
    let printed = printer.connections();
    assert!(printed.len() == 1 && printed[0].octets == document);
    assert_eq!(world["acme2"].possible_duplicates().len(), 0);
    nowhere(&world);
}

#[test]
fn an_encrypted_file_that_breaks_off_goes_on_where_it_stood_and_a_wrong_one_is_not_printed() {
    let world = pool(&["acme1", "acme2"], None);
    let document = crate::support::documents::text("cut", 600_000);
    let job = waiting(&world, "cut", &document, &[]);
    world.before("acme1").cut_after(300_000);
    world["acme2"].run("pdrelease", &[&job]).expect(0);
    world.wait_until_empty();
    assert!(world.paper().as_bytes() == document, "{} octets", world.paper().len());
}
