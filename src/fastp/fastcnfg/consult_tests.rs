//! What a device remembers, open by open. Times of change are set, not waited for.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::fastp::fastcnfg::file_cache::FileCache;
use crate::fastp::fastcnfg::lookup::Requester;

struct Site {
    dir: tempfile::TempDir,
    settings: DeviceSettings,
    memory: Memory,
    file_cache: Arc<FileCache>,
}

impl Site {
    /// A device with this URI, or none.
    fn new(uri: &str) -> Self {
        let uri = (!uri.is_empty()).then(|| uri.parse().unwrap());
        let settings = DeviceSettings { uri, parm: 0o2000, ..DeviceSettings::default() };
        Self { dir: tempfile::tempdir().unwrap(), settings, memory: Memory::default(), file_cache: Arc::default() }
    }

    /// Writes a file; it was changed `age` seconds ago.
    fn write(&self, name: &str, text: &str, age: u64) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
        self.touch(name, age);
    }

    fn touch(&self, name: &str, age: u64) {
        let file = File::options().write(true).open(self.dir.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 - age)).unwrap();
    }

    fn request(&self) -> LookupRequest {
        let root = self.dir.path().to_owned();
        let primary = root.join("FASTCNFG");
        LookupRequest {
            primary,
            root,
            requester: Requester::new("acme", "SPLA"),
            device: "LP1".parse().unwrap(),
            file_cache: Arc::clone(&self.file_cache),
        }
    }

    fn settle(&mut self) -> Result<ConsultResult, Fault> {
        let request = self.request();
        let holds = self.memory.known(&request, &self.settings).is_some_and(|known| known.holds(&request));
        let looked = (!holds).then(|| request.look_up());
        self.memory.settle(&request, &self.settings, looked)
    }

    /// Another print process has the device from here on.
    fn succeed(&mut self) {
        let recorded = self.memory.to_record();
        self.memory = Memory::default();
        self.memory.recall(recorded);
    }

    /// Opens the device: its address, `!` when something is complained of, `*` when that is put on record.
    fn open(&mut self) -> String {
        let settled = self.settle();
        let remark = self.memory.remark.clone();
        self.memory.is_recorded();
        match settled {
            Ok(ConsultResult { in_use, .. }) => {
                let mark = |on: bool, mark: &'static str| if on { mark } else { "" };
                format!("{}{}{}", in_use.address, mark(in_use.complaint.is_some(), "!"), mark(remark.is_some(), "*"))
            }
            Err(fault) => {
                assert!(fault.retryable, "{fault:?}");
                format!("%{}", fault.error.number())
            }
        }
    }
}

const ONE: &str = "DEVICE $LP1 CONTYPE = FILE PATH = /one";
const TWO: &str = "DEVICE $LP1 CONTYPE = FILE PATH = /two";
const BAD: &str = "DEVICE $LP1 CONTYPE = FILE PAHT = /two";

#[test]
fn only_another_time_of_change_of_the_primary_is_noticed() {
    let mut site = Site::new("null:");
    site.write("FASTCNFG", ONE, 50);
    assert_eq!(site.open(), "file:///one");
    site.write("FASTCNFG", TWO, 50);
    assert_eq!(site.open(), "file:///one", "the same time");
    site.touch("FASTCNFG", 60);
    assert_eq!(site.open(), "file:///two", "backwards");
    std::fs::remove_file(site.dir.path().join("FASTCNFG")).unwrap();
    assert_eq!(site.open(), "file:///two!*", "gone");
    assert_eq!(site.open(), "file:///two!", "on record once");
    site.write("FASTCNFG", ONE, 60);
    assert_eq!(site.open(), "file:///one*", "back again");
}

#[test]
fn a_change_of_a_subordinate_file_alone_is_not_noticed() {
    let mut site = Site::new("null:");
    site.write("FASTCNFG", "SPOOLER $SPLS FASTCNFG = two", 50);
    site.write("two", ONE, 50);
    assert_eq!(site.open(), "file:///one");
    site.write("two", TWO, 10);
    assert_eq!(site.open(), "file:///one");
    site.touch("FASTCNFG", 49);
    assert_eq!(site.open(), "file:///two");
}

#[test]
fn a_device_keeps_what_it_had_until_the_file_is_mended() {
    let mut site = Site::new("null:");
    site.write("FASTCNFG", ONE, 50);
    assert_eq!(site.open(), "file:///one");
    site.write("FASTCNFG", BAD, 49);
    assert_eq!(site.open(), "file:///one!*");
    let complaint = site.settle().unwrap().in_use.complaint.unwrap();
    let path = site.dir.path().join("FASTCNFG");
    assert_eq!(complaint, format!("{}:1:28: there is no attribute 'PAHT' (did you mean PATH, PORT?)", path.display()));
    site.write("FASTCNFG", "", 49);
    assert_eq!(site.open(), "file:///one!", "not read again while its time is the same");
    site.write("FASTCNFG", TWO, 48);
    assert_eq!(site.open(), "file:///two*");
}

#[test]
fn a_mistake_in_a_subordinate_file_is_mended_there() {
    let mut site = Site::new("null:");
    site.write("FASTCNFG", ONE, 50);
    site.write("two", BAD, 50);
    assert_eq!(site.open(), "file:///one");
    site.write("FASTCNFG", "SPOOLER $SPLS FASTCNFG = two", 49);
    assert_eq!(site.open(), "file:///one!*");
    site.write("two", TWO, 48);
    assert_eq!(site.open(), "file:///two*");
    std::fs::create_dir(site.dir.path().join("dir")).unwrap();
    site.write("FASTCNFG", "SPOOLER $SPLS FASTCNFG = dir", 47);
    assert_eq!(site.open(), "file:///two!*");
    std::fs::remove_dir(site.dir.path().join("dir")).unwrap();
    assert_eq!(site.open(), "file:///two!*", "another reason");
}

#[test]
fn a_device_without_an_entry_is_sent_to_its_uri() {
    let mut site = Site::new("null:");
    site.write("FASTCNFG", "DEVICE $LP2 CONTYPE = NONE\nDEVICE $LP3 PAHT = 1", 50);
    assert_eq!(site.open(), "null:");
    site.write("FASTCNFG", "DEVICE $LP1 CONTYPE = NONE TIMEOUT = 5", 49);
    assert_eq!(site.open(), "null:");
    assert_eq!(site.settle().unwrap().settings.io_limit, Some(Duration::from_secs(5)));
    site.write("FASTCNFG", "", 48);
    assert_eq!(site.open(), "null:");
    assert_eq!(site.settle().unwrap().in_use.entry, None);
}

#[test]
fn without_a_file_the_uri_is_used_and_that_is_told() {
    let mut site = Site::new("null:");
    assert_eq!(site.open(), "null:!*");
    assert_eq!(site.open(), "null:!");
    site.write("FASTCNFG", ONE, 50);
    assert_eq!(site.open(), "file:///one*");
    site.settings.parm = 0;
    assert!(!site.settings.consults_fastcnfg());
}

#[test]
fn a_device_with_nothing_to_keep_is_in_error_until_the_file_is_mended() {
    let mut site = Site::new("null:");
    site.write("FASTCNFG", BAD, 50);
    assert_eq!(site.open(), "%66", "and not sent to its URI");
    site.write("FASTCNFG", ONE, 50);
    assert_eq!(site.open(), "file:///one", "the next try reads again, whatever its time");
    let mut site = Site::new("");
    assert_eq!(site.open(), "%11");
    site.write("FASTCNFG", "", 50);
    assert_eq!(site.open(), "%14");
    let fault = site.settle().unwrap_err();
    assert!(fault.text.ends_with("FASTCNFG: device $LP1 has no entry there, and no URI"), "{}", fault.text);
    site.write("FASTCNFG", "DEVICE $LP1 CONTYPE = NONE", 50);
    assert_eq!(site.open(), "%14");
    site.write("FASTCNFG", ONE, 50);
    assert_eq!(site.open(), "file:///one");
    site.write("FASTCNFG", "DEVICE $LP1 CONTYPE = NONE", 49);
    assert_eq!(site.open(), "file:///one!*", "a mistake");
    site.write("FASTCNFG", "DEVICE $LP2 CONTYPE = NONE", 48);
    assert_eq!(site.open(), "%14", "it was taken out");
}

#[test]
fn an_entry_tells_its_place_and_its_hosts() {
    let mut site = Site::new("");
    site.write("FASTCNFG", "HOSTS $SYSTEM.NETCONF.HOSTS\n\nDEVICE $LP1 ADDRESS = laser PORT = 9100", 50);
    let ConsultResult { settings, in_use, .. } = site.settle().unwrap();
    let root = site.dir.path();
    assert_eq!(in_use.entry, Some(format!("{}:3", root.join("FASTCNFG").display())));
    assert_eq!(settings.hosts.as_deref(), Some(root.join("guardian/system/netconf/hosts").as_path()));
    assert_eq!(settings.refused_tries, 10);
}

#[test]
fn whoever_has_the_device_next_reads_the_file_and_keeps_the_entry_when_it_is_wrong() {
    let mut site = Site::new("");
    site.write("FASTCNFG", ONE, 50);
    assert_eq!(site.open(), "file:///one");
    site.write("FASTCNFG", TWO, 50);
    site.succeed();
    assert_eq!(site.open(), "file:///two", "read on the first open, whatever its time");
    site.write("FASTCNFG", "DEVIC $LP1 CONTYPE = FILE PATH = /three", 49);
    site.succeed();
    assert_eq!(site.open(), "file:///two!*");
    site.succeed();
    assert_eq!(site.open(), "file:///two!", "on record once, whoever it was");
    std::fs::remove_file(site.dir.path().join("FASTCNFG")).unwrap();
    site.succeed();
    assert_eq!(site.open(), "file:///two!*", "another reason");
    site.write("FASTCNFG", ONE, 49);
    site.succeed();
    assert_eq!(site.open(), "file:///one*");
    site.write("FASTCNFG", "", 48);
    site.succeed();
    assert_eq!(site.open(), "%14", "it was taken out");
    site.write("FASTCNFG", "DEVIC", 47);
    site.succeed();
    assert_eq!(site.open(), "%66");
}

#[test]
fn a_device_without_an_entry_keeps_its_uri_when_the_file_is_wrong() {
    let mut site = Site::new("null:");
    site.write("FASTCNFG", "", 50);
    assert_eq!(site.open(), "null:");
    site.write("FASTCNFG", BAD, 49);
    site.succeed();
    assert_eq!(site.open(), "null:!*");
}

#[test]
fn a_memory_has_every_deadline_the_hosts_and_the_place() {
    let mut site = Site::new("");
    let entry = "HOSTS hosts DEVICE $LP1 ADDRESS = laser PORT = 9 TIMEOUT = 5 POLLNUM = 7 POLLINT = 3 SHUTDOWNTO = 9 SLOWPACE = 1";
    site.write("FASTCNFG", entry, 50);
    let first = site.settle().unwrap();
    assert_eq!(first.settings.hosts, Some(site.dir.path().join("hosts")));
    site.write("FASTCNFG", "DEVICE", 49);
    site.succeed();
    let second = site.settle().unwrap();
    assert_eq!((&second.settings, &second.in_use.entry), (&first.settings, &first.in_use.entry));
    assert!(second.in_use.complaint.is_some());
}

#[test]
fn another_uri_another_process_and_a_memory_that_cannot_be_read_are_none() {
    let kept = |site: &mut Site| {
        site.write("FASTCNFG", ONE, 50);
        assert_eq!(site.open(), "file:///one");
        site.write("FASTCNFG", BAD, 49);
    };
    let mut site = Site::new("null:");
    kept(&mut site);
    site.settings.uri = Some("socket://h:1".parse().unwrap());
    assert_eq!(site.open(), "%66");
    kept(&mut site);
    site.succeed();
    site.settings.uri = None;
    assert_eq!(site.open(), "%66");
    kept(&mut site);
    let mut recorded = site.memory.to_record();
    recorded.entry = recorded.entry.map(|text| text.replace("SPLA", "SPLB"));
    for entry in [recorded.entry, Some("{\"of\":7}".into()), Some(String::new()), None] {
        site.memory = Memory::default();
        site.memory.recall(Remembered { entry, complaint: Some("old".into()) });
        assert_eq!(site.open(), "%66");
        assert_eq!(site.memory.to_record(), Remembered::default());
    }
}

#[test]
fn what_is_on_record_already_is_not_written_again() {
    let mut site = Site::new("");
    site.write("FASTCNFG", ONE, 50);
    site.memory.recall(Remembered::default());
    site.settle().unwrap();
    assert!(site.memory.news().is_some());
    site.memory.is_recorded();
    site.settle().unwrap();
    assert_eq!(site.memory.news(), None);
    site.succeed();
    site.settle().unwrap();
    assert_eq!(site.memory.news(), None);
    site.write("FASTCNFG", BAD, 49);
    site.settle().unwrap();
    assert!(site.memory.news().is_some());
    site.memory.is_recorded();
    site.write("FASTCNFG", "", 48);
    site.settle().unwrap_err();
    let gone = Observation::Consulted { found: Remembered::default(), remark: None };
    assert_eq!(site.memory.news(), Some(gone), "it was taken out: what was complained of is not true any more");
}
