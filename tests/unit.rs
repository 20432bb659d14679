//! `packaging/spoolsuite.service` below a systemd of its own, where that can be started: as root, in a mount namespace. Else
//! skipped and said so.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};

use crate::support::documents::{take_apart, text};
use crate::support::{DEADLINE, Site, finish, pid, program};
use spoolsuite::sys::watch::Watch;

/// A service manager of one user, who is us.
struct Manager<'a> {
    child: Child,
    home: &'a Path,
}

impl<'a> Manager<'a> {
    /// None where there is none, or it does not come up.
    fn start(home: &'a Path) -> Option<Self> {
        let units = home.join("config/systemd/user");
        std::fs::create_dir_all(&units).unwrap();
        std::fs::create_dir_all(home.join("run")).unwrap();
        let unit = include_str!("../packaging/spoolsuite.service");
        let ours = format!("{}", program("spoolcom").display());
        assert!(unit.contains("ExecStart=/usr/bin/spoolcom "));
        std::fs::write(units.join("spoolsuite.service"), unit.replace("/usr/bin/spoolcom", &ours)).unwrap();
        // It believes that the machine was started by systemd when this directory is there.
        let line = "mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec /usr/lib/systemd/systemd --user";
        let mut command = Command::new("unshare");
        command.args(["-m", "--propagation", "private", "sh", "-c", line]);
        Self::dress(&mut command, home);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut manager = Self { child: command.spawn().ok()?, home };
        let watch = Watch::new(&home.join("run")).unwrap();
        for _ in 0..40 {
            if manager.child.try_wait().unwrap().is_some() {
                return None;
            }
            if manager.ctl(&["show", "-p", "Version"]).0 == 0 {
                return Some(manager);
            }
            let _ = watch.wait(std::time::Duration::from_millis(250));
        }
        None
    }

    fn dress(command: &mut Command, home: &Path) {
        command.env("HOME", home).env("XDG_RUNTIME_DIR", home.join("run")).env("XDG_CONFIG_HOME", home.join("config"));
        command.env_remove("PDBASE").env_remove("DBUS_SESSION_BUS_ADDRESS");
    }

    fn ctl(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new("systemctl");
        command.arg("--user").args(arguments);
        Self::dress(&mut command, self.home);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => {
                let ended = finish(child, DEADLINE);
                (ended.status, ended.out)
            }
            Err(_) => (-1, String::new()),
        }
    }

    fn main_pid(&self) -> Option<nix::unistd::Pid> {
        let shown = self.ctl(&["show", "-p", "MainPID", "--value", "spoolsuite"]).1;
        shown.trim().parse().ok().filter(|raw| *raw != 0).map(pid)
    }
}

impl Drop for Manager<'_> {
    fn drop(&mut self) {
        self.ctl(&["stop", "spoolsuite"]);
        let _ = kill(pid(self.child.id()), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

#[test]
fn the_unit_keeps_the_print_processes_is_started_again_and_stops_in_good_order() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join(".local/state/pd");
    std::fs::create_dir_all(base.parent().unwrap()).unwrap();
    let site = Site::at(&base);
    site.declare();
    drop(site.stop());
    let Some(manager) = Manager::start(dir.path()) else {
        eprintln!("SKIPPED: no systemd can be started here");
        return;
    };
    assert_eq!(manager.ctl(&["start", "spoolsuite"]).0, 0);
    let keeper = || manager.main_pid().filter(|main| main.as_raw() != 0);
    let printed = || take_apart(&std::fs::read(site.sink()).unwrap_or_default()).complete;
    let submit = |tag: &str| {
        site.submit("office.front", tag, &site.document(tag, &text(tag, 300))).expect(0);
        site.wait_until_empty();
    };
    site.spoolcom("DEV $LP1, START");
    submit("one");
    let first = keeper().unwrap();
    kill(first, Signal::SIGKILL).unwrap();
    // Whoever is quicker, the unit or the submission: it prints, and the unit keeps the processes again.
    submit("two");
    site.wait_for("it was started again", || keeper().is_some_and(|now| now != first));
    submit("three");
    assert_eq!(printed(), ["one", "two", "three"]);
    assert_eq!(manager.ctl(&["stop", "spoolsuite"]).0, 0);
    let ended = manager.ctl(&["show", "-p", "ActiveState", "-p", "Result", "spoolsuite"]).1;
    assert!(ended.contains("ActiveState=inactive") && ended.contains("Result=success"), "{ended}");
    assert_eq!(site.fastp(), None, "it took its print processes with it");
}
