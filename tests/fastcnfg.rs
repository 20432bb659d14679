//! FASTCNFG with the real programs: where each job goes says which entry its device was opened with. Times of change are
//! set, not waited for.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::support::documents::{take_apart, text};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Outcome, Site, finish};
use serde_json::Value;

/// A site whose print process stays for as long as the test, unless it is sent away.
struct World {
    site: Site,
    changes: u64,
    idle: &'static str,
}

impl World {
    /// `LP1` without a URI, before `OFFICE.FRONT`; not started.
    fn new(exclusive: &str) -> Self {
        let world = Self { site: Site::new(), changes: 0, idle: "100" };
        world.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        world.device("LP1", exclusive);
        world.spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
        world
    }

    fn device(&self, name: &str, exclusive: &str) {
        self.spoolcom(&format!("DEV ${name}, PROCESS $SPLA, RETRY 1, EXCLUSIVE {exclusive}, HEADER OFF"));
    }

    fn command(&self, name: &str) -> Command {
        let mut command = self.site.command(name);
        command.env("PD_FASTP_IDLE", self.idle);
        command
    }

    #[track_caller]
    fn spoolcom(&self, commands: &str) -> Outcome {
        finish(self.command("spoolcom").arg(commands).spawn().unwrap(), DEADLINE).expect(0)
    }

    /// One command file, from its beginning to its end.
    fn obey(&self, commands: &str) -> std::process::Child {
        let mut child = self.command("spoolcom").stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
        child
    }

    #[track_caller]
    fn submit_to(&self, destination: &str, tag: &str, size: usize, more: &[&str]) {
        let file = self.site.document(tag, &text(tag, size));
        let mut command = self.command("pdpr");
        command.args(["-d", destination, "-t", tag]).args(more).arg(file);
        finish(command.spawn().unwrap(), DEADLINE).expect(0);
    }

    #[track_caller]
    fn submit(&self, tag: &str) {
        self.submit_to("office.front", tag, 200, &[]);
    }

    /// Prints a job from its submission to its end.
    #[track_caller]
    fn print(&self, tag: &str) {
        self.submit(tag);
        self.site.wait_until_empty();
        // OFF: the next job is another open only when this one is closed.
        self.site.wait_for("the device is closed, or kept open", || {
            let lp1 = self.shown("lp1");
            lp1["open"] == false || lp1["exclusive"] == "on"
        });
    }

    /// Replaces a FASTCNFG file; its time of change is another one than before.
    fn write(&mut self, name: &str, text: &str) {
        self.changes += 1;
        self.write_at(name, text, 1_700_000_000 + self.changes);
    }

    fn write_at(&self, name: &str, text: &str, seconds: u64) {
        let path = self.site.base().join(name);
        let temporary = path.with_extension("new");
        std::fs::write(&temporary, text).unwrap();
        let file = File::options().write(true).open(&temporary).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        std::fs::rename(temporary, path).unwrap();
    }

    /// Sends `LP1` to the output `name`.
    fn lead_to(&mut self, name: &str) {
        let entry = self.entry("LP1", name);
        self.write("FASTCNFG", &entry);
    }

    fn entry(&self, device: &str, name: &str) -> String {
        format!("DEVICE ${device} CONTYPE = FILE PATH = {}\n", self.output(name).display())
    }

    fn output(&self, name: &str) -> PathBuf {
        self.site.files.path().join(format!("{name}.out"))
    }

    /// The jobs that went to the output `name`.
    #[track_caller]
    fn at(&self, name: &str) -> Vec<String> {
        take_apart(&std::fs::read(self.output(name)).unwrap_or_default()).complete
    }

    fn shown(&self, device: &str) -> Value {
        let listing = self.spoolcom_json(&format!("DEV {device}"));
        listing[0].clone()
    }

    fn spoolcom_json(&self, commands: &str) -> Value {
        let mut command = self.command("spoolcom");
        let outcome = finish(command.args([commands, "--json"]).spawn().unwrap(), DEADLINE).expect(0);
        serde_json::from_str(&outcome.out).unwrap()
    }

    /// The remarks about FASTCNFG in the log of a device.
    fn remarks(&self, device: &str) -> Vec<String> {
        let log = self.spoolcom_json(&format!("DEV {device}, LOG"));
        let events = log.as_array().unwrap().iter().filter(|event| event["what"] == "fastcnfg");
        events.map(|event| event["why"].as_str().unwrap().to_owned()).collect()
    }
}

/// An entry that leads to a printer.
fn tcp(sink: &Sink) -> String {
    let uri = sink.uri();
    let port = uri.rsplit(':').next().unwrap();
    format!("DEVICE $LP1 CONTYPE = TCP/IP PROTOCOL = NONE ADDRESS = 127.0.0.1 PORT = {port}\n")
}

fn jobs_of(sink: &Sink) -> Vec<String> {
    sink.connections().iter().flat_map(|connection| take_apart(&connection.octets).complete).collect()
}

/// A device in the middle of a large job `one` at a printer that does not read, with two more jobs in its queue.
fn in_the_middle(exclusive: &str) -> (World, Sink) {
    let mut world = World::new(exclusive);
    // Its window is of a size of its own, so that the job does not fit. One that is small as well makes the kernels' timers
    // pace the rest of the job, which then takes a minute now and then.
    let old = Sink::new(Mode::Stalls(usize::MAX));
    old.pause(true);
    world.write("FASTCNFG", &tcp(&old));
    world.spoolcom("DEV $LP1, START");
    world.submit_to("office.front", "one", 12_000_000, &[]);
    old.wait_for("a connection", |connections| !connections.is_empty());
    world.submit("two");
    world.submit("three");
    (world, old)
}

#[test]
fn off_goes_on_over_its_connection_and_notices_at_the_next_open() {
    let (mut world, old) = in_the_middle("OFF");
    world.lead_to("new");
    old.pause(false);
    world.site.wait_until_empty();
    assert_eq!(jobs_of(&old), ["one", "two", "three"]);
    world.print("four");
    assert_eq!(world.at("new"), ["four"]);
}

#[test]
fn off_each_notices_before_the_next_job_of_the_queue() {
    let (mut world, old) = in_the_middle("OFF!");
    world.lead_to("new");
    old.pause(false);
    world.site.wait_until_empty();
    assert_eq!((jobs_of(&old), world.at("new")), (vec!["one".to_owned()], vec!["two".to_owned(), "three".to_owned()]));
}

#[test]
fn drain_and_start_force_it_with_jobs_in_the_queue() {
    for exclusive in ["OFF", "OFF!"] {
        let (mut world, old) = in_the_middle(exclusive);
        world.lead_to("new");
        let forced = world.obey("DEV $LP1, DRAIN\nDEV $LP1, START\n");
        world.site.wait_for("it drains", || world.shown("lp1")["draining"] == true);
        old.pause(false);
        finish(forced, DEADLINE).expect(0);
        world.site.wait_until_empty();
        assert_eq!(jobs_of(&old), ["one"], "{exclusive}");
        assert_eq!(world.at("new"), ["two", "three"], "{exclusive}");
    }
}

/// The manual's way for EXCLUSIVE ON, as one command file; its job is one that is held until then.
const FORCED: &str = "DEV $LP1, DRAIN\nDEV $LP1, EXCLUSIVE OFF!\nDEV $LP1, START\nJOB NUMBER, START\n\
                      DEV $LP1, DRAIN\nDEV $LP1, EXCLUSIVE ON\nDEV $LP1, START\n";

fn number_of(world: &World, tag: &str) -> u64 {
    let jobs = world.spoolcom_json("JOB");
    let job = jobs.as_array().unwrap().iter().find(|job| job["report"] == tag).unwrap().clone();
    job["job"].as_u64().unwrap()
}

#[test]
fn the_way_of_the_manual_forces_it_under_exclusive_on_while_nothing_prints() {
    let mut world = World::new("ON");
    world.lead_to("old");
    world.spoolcom("DEV $LP1, START");
    world.print("one");
    world.lead_to("new");
    world.print("two");
    assert_eq!(world.at("old"), ["one", "two"], "never noticed while it is open");
    world.submit_to("office.front", "three", 200, &["-x", "job-hold=yes"]);
    let number = number_of(&world, "three").to_string();
    finish(world.obey(&FORCED.replace("NUMBER", &number)), DEADLINE).expect(0);
    world.site.wait_until_empty();
    world.site.wait_for("it is open again", || world.shown("lp1")["open"] == true);
    assert_eq!(world.shown("lp1")["exclusive"], "on");
    assert_eq!((world.at("old").len(), world.at("new")), (2, vec!["three".to_owned()]));
}

#[test]
fn the_way_of_the_manual_forces_it_under_exclusive_on_while_a_job_prints() {
    let (mut world, old) = in_the_middle("ON");
    world.lead_to("new");
    world.submit_to("office.front", "held", 200, &["-x", "job-hold=yes"]);
    let number = number_of(&world, "held").to_string();
    let forced = world.obey(&FORCED.replace("NUMBER", &number));
    world.site.wait_for("it drains", || world.shown("lp1")["draining"] == true);
    old.pause(false);
    finish(forced, DEADLINE).expect(0);
    world.site.wait_until_empty();
    assert_eq!(jobs_of(&old), ["one"]);
    let mut new = world.at("new");
    new.sort();
    assert_eq!(new, ["held", "three", "two"]);
    assert_eq!(world.shown("lp1")["exclusive"], "on");
}

#[test]
fn each_device_of_a_process_notices_at_its_own_open() {
    let mut world = World::new("ON");
    world.device("LP2", "OFF");
    world.spoolcom("LOC #OFFICE.BACK, DEV $LP2");
    let both = |world: &World, to: &str| {
        [world.entry("LP1", &format!("{to}1")), world.entry("LP2", &format!("{to}2"))].concat()
    };
    world.write("FASTCNFG", &both(&world, "old"));
    world.spoolcom("DEV $LP1, START; DEV $LP2, START");
    world.print("one");
    world.write("FASTCNFG", &both(&world, "new"));
    world.print("two");
    world.submit_to("office.back", "back", 200, &[]);
    world.site.wait_until_empty();
    assert_eq!((world.at("old1"), world.at("new1")), (vec!["one".to_owned(), "two".to_owned()], vec![]));
    assert_eq!((world.at("old2"), world.at("new2")), (vec![], vec!["back".to_owned()]));
}

#[test]
fn a_change_of_a_subordinate_file_is_noticed_with_the_primary_only() {
    let mut world = World::new("OFF");
    let jump = "SPOOLER $SPLS FASTCNFG = level2\nDEVICE $LP1 CONTYPE = NONE";
    world.write_at("FASTCNFG", jump, 1_700_000_500);
    world.write("level2", &world.entry("LP1", "old"));
    world.spoolcom("DEV $LP1, START");
    world.print("one");
    world.write("level2", &world.entry("LP1", "new"));
    world.print("two");
    // Backwards: another time is another time.
    world.write_at("FASTCNFG", jump, 1_700_000_400);
    world.print("three");
    assert_eq!(
        (world.at("old"), world.at("new")),
        (vec!["one".to_owned(), "two".to_owned()], vec!["three".to_owned()])
    );
    let entry = world.shown("lp1")["connection"]["entry"].as_str().unwrap().to_owned();
    assert!(entry.ends_with("level2:1"), "{entry}");
}

#[test]
fn parm_bit_5_lets_the_entry_win_over_a_uri() {
    let mut world = World::new("OFF");
    world.lead_to("entry");
    let uri = format!("DEV $LP1, URI file://{}", world.output("uri").display());
    world.spoolcom(&format!("{uri}; DEV $LP1, START"));
    world.print("one");
    world.spoolcom("DEV $LP1, DRAIN; DEV $LP1, PARM %2000; DEV $LP1, START");
    world.print("two");
    world.write("FASTCNFG", "DEVICE $LP2 CONTYPE = NONE");
    world.print("three");
    assert_eq!(
        (world.at("uri"), world.at("entry")),
        (vec!["one".to_owned(), "three".to_owned()], vec!["two".to_owned()])
    );
}

#[test]
fn a_broken_file_leaves_the_device_printing_where_it_did_and_says_why() {
    let mut world = World::new("OFF");
    world.device("LP2", "OFF");
    world.spoolcom("LOC #OFFICE.BACK, DEV $LP2");
    world.lead_to("old");
    world.spoolcom("DEV $LP1, START; DEV $LP2, START");
    world.print("one");
    let broken = format!("{}DEVICE $LP1\n  CONTYPE = FIEL\n  PATH = /x\n", world.entry("LP2", "back"));
    world.write("FASTCNFG", &broken);
    world.print("two");
    world.print("three");
    assert_eq!(world.at("old"), ["one", "two", "three"]);
    let why = "FASTCNFG:3:13: CONTYPE is one of NONE, TCP/IP, FILE, CHAR, FIFO, not 'FIEL' (did you mean FIFO, FILE?)";
    let complaint = world.shown("lp1")["connection"]["complaint"].as_str().unwrap().to_owned();
    assert!(complaint.ends_with(why), "{complaint}");
    for display in ["DEV $LP1", "DEV $LP1, STATUS DETAIL"] {
        let shown = world.spoolcom(display).out;
        assert!(shown.contains(why), "{shown}");
    }
    assert_eq!(world.remarks("lp1").len(), 1, "once, though it was opened twice");
    world.submit_to("office.back", "back", 200, &[]);
    world.site.wait_until_empty();
    assert_eq!(world.at("back"), ["back"], "the mistake of one entry is its own");
    world.lead_to("new");
    world.print("four");
    assert_eq!(world.at("new"), ["four"]);
    assert_eq!(world.shown("lp1")["connection"]["complaint"], Value::Null);
    assert_eq!(world.remarks("lp1").len(), 2);
}

#[test]
fn a_broken_file_stops_no_device_whose_print_process_has_gone_dormant_or_was_killed() {
    for idle in ["0.05", "100"] {
        let mut world = World::new("OFF");
        world.idle = idle;
        world.device("LP2", "OFF");
        world.spoolcom("LOC #OFFICE.BACK, DEV $LP2");
        let other_process = |world: &World| match idle {
            "100" => assert!(world.site.kill_fastp()),
            _ => assert!(world.site.fastp_ends(DEADLINE), "it goes dormant"),
        };
        let both = |world: &World| {
            world.submit("front");
            world.submit_to("office.back", "back", 200, &[]);
            world.site.wait_until_empty();
        };
        world.write("FASTCNFG", &[world.entry("LP1", "front"), world.entry("LP2", "back")].concat());
        world.spoolcom("DEV $LP1, START; DEV $LP2, START");
        both(&world);
        other_process(&world);
        let typo = world.entry("LP1", "front").replace("DEVICE", "DEVIC");
        world.write("FASTCNFG", &[typo, world.entry("LP2", "back")].concat());
        both(&world);
        for device in ["lp1", "lp2"] {
            let complaint = world.shown(device)["connection"]["complaint"].as_str().unwrap().to_owned();
            assert!(complaint.contains("FASTCNFG:1:1: 'DEVIC'"), "{complaint}");
        }
        other_process(&world);
        std::fs::remove_file(world.site.base().join("FASTCNFG")).unwrap();
        both(&world);
        assert_eq!((world.at("front").len(), world.at("back").len()), (3, 3), "idle {idle}");
        // Whoever has it now reads anew and takes what he finds. (A third death in a row would be an error of the process.)
        world.write("FASTCNFG", &[world.entry("LP1", "new"), world.entry("LP2", "back")].concat());
        both(&world);
        assert_eq!((world.at("front").len(), world.at("new").len(), world.at("back").len()), (3, 1, 4), "idle {idle}");
        assert_eq!(world.remarks("lp1").len(), 3, "broken, gone, used again");
        // Another URI is another device: nothing is left of the entry.
        let uri = format!("DEV $LP1, URI file://{}; DEV $LP1, START", world.output("uri").display());
        world.spoolcom(&format!("DEV $LP1, DRAIN; {uri}"));
        world.submit("by its URI");
        world.site.wait_until_empty();
        assert_eq!(world.at("uri").len(), 1);
        // Neither is it when it is to look for its entry again.
        world.write("FASTCNFG", "DEVIC");
        world.spoolcom("DEV $LP1, DRAIN; DEV $LP1, PARM %2000; DEV $LP1, START");
        world.submit("in error");
        world.site.wait_for("it has nothing to keep", || world.shown("lp1")["error"]["number"] == 66);
    }
}

#[test]
fn a_mistake_that_is_not_in_the_file_any_more_is_not_shown() {
    let mut world = World::new("OFF");
    world.lead_to("old");
    world.spoolcom("DEV $LP1, START");
    world.print("one");
    world.write("FASTCNFG", "DEVICE $LP1 CONTYPE = FIEL");
    world.print("two");
    let shown = |world: &World| ["DEV $LP1", "DEV $LP1, STATUS DETAIL"].map(|display| world.spoolcom(display).out);
    for display in shown(&world) {
        assert!(display.contains("'FIEL'"), "{display}");
    }
    world.write("FASTCNFG", "DEVICE $LP2 CONTYPE = NONE");
    world.submit("three");
    world.site.wait_for("there is no entry", || world.shown("lp1")["error"]["number"] == 14);
    assert_eq!(world.shown("lp1")["connection"]["complaint"], Value::Null);
    for display in shown(&world) {
        assert!(display.contains("has no entry there") && !display.contains("FIEL"), "{display}");
    }
    std::fs::remove_file(world.site.base().join("FASTCNFG")).unwrap();
    world.spoolcom("DEV $LP1, DRAIN");
    let display = world.spoolcom("DEV $LP1").out;
    assert!(display.contains("OFFLINE") && !display.contains("FASTCNFG"), "{display}");
    // What is complained of is not what is now, as long as nobody opens the device.
    world.lead_to("old");
    world.spoolcom("DEV $LP1, START");
    world.site.wait_until_empty();
    world.write("FASTCNFG", "DEVICE $LP1 CONTYPE = FIEL");
    world.print("four");
    world.spoolcom("DEV $LP1, DRAIN");
    let display = world.spoolcom("DEV $LP1").out;
    assert!(!display.contains("FASTCNFG"), "{display}");
}

#[test]
fn a_device_without_a_usable_entry_is_in_error_until_the_file_is_mended() {
    let mut world = World::new("OFF");
    let refused = finish(world.command("spoolcom").arg("DEV $LP1, START").spawn().unwrap(), DEADLINE);
    refused.expect(1).says("has no address").says("URI").says("FASTCNFG");
    world.write("FASTCNFG", "DEVICE $LP2 CONTYPE = NONE");
    // For a device that nobody has touched SPOOLER START is enough.
    world.spoolcom("SPOOLER, START");
    world.submit("one");
    let error = |world: &World| world.shown("lp1")["error"].clone();
    world.site.wait_for("there is no entry", || error(&world)["number"] == 14);
    assert!(error(&world)["text"].as_str().unwrap().contains("FASTCNFG: device $LP1 has no entry there, and no URI"));
    world.write("FASTCNFG", "DEVICE $LP1 CONTYPE = FILE");
    world.site.wait_for("the entry is wrong", || error(&world)["number"] == 66);
    world.lead_to("mended");
    world.site.wait_until_empty();
    assert_eq!(world.at("mended"), ["one"]);
}

#[test]
fn a_link_that_leads_nowhere_is_no_missing_entry_and_a_missing_hosts_file_is_named() {
    let mut world = World::new("OFF");
    let primary = world.site.base().join("FASTCNFG");
    let error = |world: &World| world.shown("lp1")["error"]["text"].as_str().unwrap_or_default().to_owned();
    for (to, why) in [("FASTCNFG", "too many symbolic links"), ("gone", "a link, and nothing is where it leads")] {
        let _ = std::fs::remove_file(&primary);
        std::os::unix::fs::symlink(to, &primary).unwrap();
        world.spoolcom("DEV $LP1, START");
        if to == "FASTCNFG" {
            world.submit("one");
        }
        let named = format!("{}: ", primary.display());
        let told = || error(&world).contains(&named) && error(&world).to_lowercase().contains(why);
        world.site.wait_for("the device says why", told);
    }
    world.write("FASTCNFG", "HOSTS none DEVICE $LP1 ADDRESS = lp1.nowhere.invalid PORT = 9");
    world.spoolcom("DEV $LP1, START");
    let named = format!("the HOSTS file {}: there is no such file", primary.with_file_name("none").display());
    world.site.wait_for("the file of hosts is named", || error(&world).contains(&named));
    world.lead_to("mended");
    world.spoolcom("DEV $LP1, START");
    world.site.wait_until_empty();
    assert_eq!(world.at("mended"), ["one"]);
}

#[test]
fn a_file_with_a_mistake_does_not_send_a_device_to_its_uri() {
    let mut world = World::new("OFF");
    world.write("FASTCNFG", "DEVICE $LP1 CONTYPE = FILE ! and its path is forgotten");
    let uri = format!("DEV $LP1, URI file://{}, PARM %2000", world.output("uri").display());
    world.spoolcom(&format!("{uri}; DEV $LP1, START"));
    world.submit("one");
    world.site.wait_for("it is in error", || world.shown("lp1")["state"] == "deverror");
    world.lead_to("entry");
    world.site.wait_until_empty();
    assert_eq!((world.at("uri"), world.at("entry")), (vec![], vec!["one".to_owned()]));
}

#[test]
fn the_variable_names_another_primary_file() {
    let mut world = World::new("OFF");
    world.write("other", &world.entry("LP1", "other"));
    let path = world.site.base().join("other");
    for (program, argument) in [("spoolcom", "DEV $LP1, START"), ("spoolcom", "SPOOLER, START")] {
        let mut command = world.command(program);
        finish(command.env("FASTCNFG", &path).arg(argument).spawn().unwrap(), DEADLINE).expect(0);
    }
    let file = world.site.document("one", &text("one", 200));
    let mut command = world.command("pdpr");
    command.env("FASTCNFG", &path).args(["-d", "office.front", "-t", "one"]).arg(file);
    finish(command.spawn().unwrap(), DEADLINE).expect(0);
    world.site.wait_until_empty();
    assert_eq!(world.at("other"), ["one"]);
}
