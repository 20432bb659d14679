//! What a device remembers, open by open. Times of change are set, not waited for.

use std::fs::File;
use std::time::SystemTime;

use super::*;

struct Site {
    dir: tempfile::TempDir,
    settings: DeviceSettings,
    memory: Memory,
}

impl Site {
    /// A device with this URI, or none.
    fn new(uri: &str) -> Self {
        let uri = (!uri.is_empty()).then(|| uri.parse().unwrap());
        let settings = DeviceSettings { uri, parm: 0o2000, ..DeviceSettings::default() };
        Self { dir: tempfile::tempdir().unwrap(), settings, memory: Memory::default() }
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

    fn place(&self) -> Place {
        let root = self.dir.path().to_owned();
        let primary = root.join("FASTCNFG");
        Place { primary, root, who: Who::new("acme", "SPLA"), device: "LP1".parse().unwrap() }
    }

    fn settle(&mut self) -> Result<Consulted, Fault> {
        let place = self.place();
        let holds = self.memory.known.as_ref().is_some_and(|known| known.holds(&place));
        let looked = (!holds).then(|| place.look());
        self.memory.settle(&place, &self.settings.clone(), looked)
    }

    /// Opens the device: its address, `!` when something is complained of, `*` when that is put on record.
    fn open(&mut self) -> String {
        match self.settle() {
            Ok(Consulted { used, remark, .. }) => {
                let mark = |on: bool, mark: &'static str| if on { mark } else { "" };
                format!("{}{}{}", used.address, mark(used.complaint.is_some(), "!"), mark(remark.is_some(), "*"))
            }
            Err(fault) => {
                assert!(fault.retryable, "{fault:?}");
                format!("%{}", fault.number)
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
    let complaint = site.settle().unwrap().used.complaint.unwrap();
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
    assert_eq!(site.settle().unwrap().means.io_limit, Some(Duration::from_secs(5)));
    site.write("FASTCNFG", "", 48);
    assert_eq!(site.open(), "null:");
    assert_eq!(site.settle().unwrap().used.entry, None);
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
    let Consulted { means, used, .. } = site.settle().unwrap();
    let root = site.dir.path();
    assert_eq!(used.entry, Some(format!("{}:3", root.join("FASTCNFG").display())));
    assert_eq!(means.hosts.as_deref(), Some(root.join("guardian/system/netconf/hosts").as_path()));
    assert_eq!(means.refused_tries, 10);
}
