//! When it is on record that a device was opened: with the end of its job or after a moment, where nothing depends on it,
//! and before the first octet, where recovery does.

use crate::support::documents::{stream, take_apart};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish};
use serde_json::Value;

/// More than the buffers between a print process and a printer hold.
const LARGE: usize = 12 << 20;

/// A device before a printer that takes nothing more, on which one job was printed and another one, `large`, is under way.
struct World {
    site: Site,
    printer: Sink,
}

impl World {
    /// What happens at a device is kept so long.
    fn new(keep_ms: &'static str) -> Self {
        let mut site = Site::new();
        site.env = vec![("PD_KEEP_MS", keep_ms)];
        let printer = Sink::new(Mode::Normal);
        site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        site.device("LP1", &printer.uri(), "OFF");
        site.spoolcom("LOC #OFFICE.FRONT, DEV $LP1; DEV $LP1, START");
        let world = Self { site, printer };
        world.submit("small", 300);
        world.site.wait_until_empty();
        assert_eq!(world.on_record(), (false, 1), "the first open is on record before its job");
        world.printer.set_mode(Mode::Stalls(1000));
        world.submit("large", LARGE);
        world.printer.wait_for("the beginning of the second job", |all| all.len() == 2 && !all[1].octets.is_empty());
        world
    }

    fn submit(&self, tag: &str, size: usize) {
        let file = self.site.document(tag, &stream(tag, size));
        finish(self.site.submission("office.front", tag, &file).spawn().unwrap(), DEADLINE).expect(0);
    }

    /// Whether the database takes the device for open, and how often it was opened.
    fn on_record(&self) -> (bool, u32) {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.site.database().query_row("SELECT is_open, opens FROM device WHERE name_key = 'lp1'", [], row).unwrap()
    }

    /// What is on record of the job under way: the device that has it.
    fn claimed(&self) -> Option<String> {
        let of_entry = "SELECT d.name FROM entry e JOIN device d ON d.id = e.device_id WHERE e.state = 1";
        self.site.database().query_row(of_entry, [], |row| row.get(0)).ok()
    }

    fn shown(&self) -> Value {
        let shown = self.site.run("spoolcom", &["DEV $LP1", "--json"]).expect(0);
        serde_json::from_str::<Value>(&shown.out).unwrap()[0].clone()
    }

    /// Lets everything print; how often the large job came out whole.
    fn printed(&self) -> usize {
        self.printer.set_mode(Mode::Normal);
        self.site.spoolcom("PRINT $SPLA, START");
        self.site.wait_until_empty();
        let whole = |octets: &[u8]| take_apart(octets).complete.into_iter().filter(|tag| tag == "large").count();
        self.printer.connections().iter().map(|connection| whole(&connection.octets)).sum()
    }
}

#[test]
fn a_crash_before_the_open_is_on_record_leaves_the_claim_and_the_duplicate_is_announced() {
    let world = World::new("3600000");
    assert_eq!(world.claimed().as_deref(), Some("LP1"));
    assert_eq!(world.on_record(), (false, 1), "the second open is kept");
    let shown = world.shown();
    assert_eq!((&shown["open"], &shown["state"]), (&true.into(), &"printing".into()), "displays know of it: {shown}");
    assert!(world.site.kill_fastp());
    assert_eq!(world.claimed().as_deref(), Some("LP1"), "the claim was on disk before the first octet");
    assert_eq!(world.shown()["open"], false, "nobody has it open");
    assert!(world.printed() >= 1);
    assert!(world.site.possible_duplicates().contains("large"));
    assert_eq!(world.on_record(), (false, 2), "the open that the crash took is not counted");
}

#[test]
fn an_open_is_on_record_when_its_job_takes_long() {
    let world = World::new("50");
    world.site.wait_for("the open is on record", || world.on_record() == (true, 2));
    assert!(world.claimed().is_some(), "while the job is under way");
    assert_eq!(world.printed(), 1);
    assert_eq!(world.on_record(), (false, 2));
    assert!(world.site.possible_duplicates().is_empty());
}

#[test]
fn an_open_at_another_address_is_on_record_before_the_first_octet() {
    let mut world = World::new("3600000");
    assert_eq!(world.printed(), 1);
    // To a file, and back to the printer: recovery goes by the address of the last open.
    let file = world.site.files.path().join("lp1.out");
    world.site.spoolcom(&format!("DEV $LP1, DRAIN; DEV $LP1, URI file://{}; DEV $LP1, START", file.display()));
    world.submit("small", 300);
    world.site.wait_until_empty();
    world.site.wait_for("the close of the file is on record", || world.on_record() == (false, 3));
    world.printer = Sink::new(Mode::Stalls(1000));
    world.site.spoolcom(&format!("DEV $LP1, DRAIN; DEV $LP1, URI {}; DEV $LP1, START", world.printer.uri()));
    world.submit("large", LARGE);
    world.printer.wait_for("the beginning of the job", |all| all.len() == 1 && !all[0].octets.is_empty());
    assert_eq!(world.on_record(), (true, 4));
    assert!(world.site.kill_fastp());
    assert!(world.printed() >= 1);
    assert!(world.site.possible_duplicates().contains("large"), "pages may be on paper");
}
