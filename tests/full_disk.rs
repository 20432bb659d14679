//! A full file system under the base: submissions are refused and leave nothing, listings work, a job in print is
//! completed, and when there is space again everything goes on by itself.
//!
//! Needs the right to mount a file system (CI runs as root); without it the test says so and passes. `CYCLES` is how
//! often the disk fills, 20 by default.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::support::documents::{stream, take_apart, text};
use crate::support::sink::{Mode, Sink};
use crate::support::{Site, number};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

/// A small file system that only this thread and its children see.
pub struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// Mounts one at `at`; says so and returns none where that is not allowed.
    pub fn new(at: &'a Path) -> Option<Self> {
        let made = unshare(CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>))
            .and_then(|()| mount(Some("small"), at, Some("tmpfs"), MsFlags::empty(), Some("size=16m,mode=0700")));
        match made {
            Ok(()) => Some(Self(at)),
            Err(error) => {
                eprintln!("SKIPPED: a small file system cannot be mounted here ({error}); run this test as root");
                None
            }
        }
    }

    /// Fills it to the last octet.
    pub fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).unwrap();
        for size in [1 << 20, 4096, 1] {
            let piece = vec![b'f'; size];
            loop {
                match filler.write(&piece) {
                    Ok(_) => {}
                    Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    /// Gives the room back.
    pub fn empty(&self) {
        // Cut first: a program that another test starts in this moment may hold what was open here, for a moment.
        drop(File::create(self.0.join("filler")).unwrap());
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = umount2(self.0, MntFlags::MNT_DETACH);
    }
}

#[test]
fn a_full_disk_refuses_new_jobs_completes_those_in_print_and_heals() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::new(dir.path()) else {
        return;
    };
    // Dropped before the disk: the print process ends first.
    let site = Site::at(dir.path());
    site.declare();
    let printer = Sink::new(Mode::Normal);
    site.device("LP2", &printer.uri(), "OFF!");
    site.spoolcom("LOC #OFFICE.SLOW, DEV $LP2; DEV $LP1, START; DEV $LP2, START");
    let mut printed = Vec::new();
    let cycles = number("CYCLES", 20);
    for cycle in 0..cycles {
        let [slow, refused, after] = ["slow", "refused", "after"].map(|what| format!("{what}-{cycle}"));
        // A job in print: its printer has accepted the connection and reads nothing.
        printer.pause(true);
        let opened = printer.connections().len();
        let document = site.document(&slow, &stream(&slow, 500_000));
        site.submit("office.slow", &slow, &document).expect(0);
        printer.wait_for("a connection", |connections| connections.len() > opened);

        disk.fill();
        let before = site.print_files();
        // Larger than what becomes free of itself: a process that ends takes the database's log (4 MiB) with it.
        let document = site.document(&refused, &stream(&refused, 8_000_000));
        site.submit("office.front", &refused, &document).expect(1).says("space");
        assert_eq!(site.print_files(), before, "cycle {cycle}: a refused job left something");
        // From standard input, too, where the size is not known beforehand.
        let piped = site
            .command("pdpr")
            .args(["-d", "office.front", "-t", &refused, "-"])
            .stdin(File::open(&document).unwrap())
            .spawn();
        crate::support::finish(piped.unwrap(), crate::support::DEADLINE).expect(1).says("space");
        assert_eq!(site.print_files(), before, "cycle {cycle}: a refused job left something");
        assert_eq!(site.tags(), HashSet::from([slow.clone()]), "cycle {cycle}");
        site.spoolcom("DEV $LP2; JOB; SPOOLER");

        printer.pause(false);
        site.wait_until_empty();
        printer.wait_for("the whole job", |connections| connections.iter().filter(|one| one.ended).count() > opened);
        printed.push(slow);

        disk.empty();
        let document = site.document(&after, &text(&after, 100_000));
        site.submit("office.front", &after, &document).expect(0);
        site.wait_until_empty();
        site.wait_for_no_print_files();
    }
    let received = take_apart(&std::fs::read(site.sink()).unwrap());
    assert_eq!(received.complete, (0..cycles).map(|cycle| format!("after-{cycle}")).collect::<Vec<_>>());
    let over_socket: Vec<_> =
        printer.connections().iter().flat_map(|connection| take_apart(&connection.octets).complete).collect();
    assert_eq!(over_socket, printed);
}

#[test]
fn the_small_disk_is_really_full() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::new(dir.path()) else {
        return;
    };
    disk.fill();
    assert_eq!(std::fs::write(dir.path().join("x"), "x").unwrap_err().kind(), ErrorKind::StorageFull);
    disk.empty();
    std::fs::write(dir.path().join("x"), "x").unwrap();
}
