//! Printers of doors are announced on the local network: by a real Avahi, in a network of its own and with a bus of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::doors::installed;
use crate::namespaces::Network;
use crate::support::{DEADLINE, Machine, OPERATOR, Outcome, SERVER};

/// The address of the machine on that network.
const AT: &str = "10.231.79.1";

/// A machine on a network with Avahi.
struct Site {
    machine: Machine,
    network: Network,
    bus: Option<Child>,
    avahi: Option<Child>,
}

fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        end(&mut self.avahi);
        end(&mut self.bus);
    }
}

impl Site {
    /// None where Avahi is not there, or no network can be made, which is said. The server runs; neither bus nor Avahi does.
    fn new() -> Option<Self> {
        let programs = [
            "/usr/sbin/avahi-daemon",
            "/usr/bin/avahi-browse",
            "/usr/bin/avahi-publish-service",
            "/usr/bin/dbus-daemon",
        ];
        if !programs.into_iter().all(installed) {
            return None;
        }
        let mut machine = Machine::named("acme1", |_| true)?;
        let network = Network::new()?;
        network.ip("link add d0 type veth peer name d1");
        network.ip(&format!("addr add {AT}/24 dev d0"));
        network.ip("link set d0 up");
        network.ip("link set d1 up");
        machine.network = Some(network.pid());
        let mut site = Self { machine, network, bus: None, avahi: None };
        site.start_server();
        site.machine.declare();
        Some(site)
    }

    fn address(&self) -> PathBuf {
        format!("unix:path={}", self.machine.path("bus").display()).into()
    }

    fn start_server(&mut self) {
        let address = self.address();
        self.machine.start_with(&[("DBUS_SYSTEM_BUS_ADDRESS", &address)]);
    }

    /// A command on this network, with this bus.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.network.pid())).arg(program);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", self.address()).env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    fn start_bus(&mut self) {
        let (config, bus) = (self.machine.path("bus.conf"), self.machine.path("bus"));
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">
             <busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context=\"default\">
             <allow own=\"*\"/><allow user=\"*\"/><allow send_destination=\"*\"/><allow receive_sender=\"*\"/>
             </policy></busconfig>",
            bus.display()
        );
        std::fs::write(&config, text).unwrap();
        // A bus talks to nobody whose account has no name.
        let (users, of_machine) = (self.machine.path("passwd"), std::fs::read_to_string("/etc/passwd").unwrap());
        std::fs::write(&users, format!("{of_machine}pd-announces:x:{SERVER}:{SERVER}::/:/bin/false\n")).unwrap();
        let script = format!(
            "mount --bind {} /etc/passwd && exec /usr/bin/dbus-daemon --nofork --nopidfile --config-file {}",
            users.display(),
            config.display()
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.bus = Some(command.spawn().unwrap());
        self.wait_for("the bus", |_| std::os::unix::net::UnixStream::connect(&bus).is_ok());
    }

    /// Avahi has places of its own below `/run`.
    fn start_avahi(&mut self) {
        let config = self.machine.path("avahi.conf");
        let text = "[server]\nhost-name=announces\nuse-ipv6=no\nallow-interfaces=d0\n[wide-area]\nenable-wide-area=no\n\
                    [publish]\npublish-workstation=no\npublish-hinfo=no\n";
        std::fs::write(&config, text).unwrap();
        let script = format!(
            "mount -t tmpfs none /run && mkdir -p /run/avahi-daemon && \
             exec /usr/sbin/avahi-daemon -f {} --no-drop-root --no-chroot --no-rlimits",
            config.display()
        );
        let mut command = self.command("unshare");
        command.args(["--mount", "sh", "-c", &script]).stdout(Stdio::null()).stderr(Stdio::null());
        self.avahi = Some(command.spawn().unwrap());
    }

    /// What is found of this kind: a line for each service, with its name, port and text.
    fn found(&self, kind: &str) -> Vec<String> {
        let said = Outcome::of(self.command("avahi-browse").args(["-rptk", kind])).out;
        let mut lines: Vec<String> = said
            .lines()
            .filter(|line| line.starts_with("=;"))
            .map(|line| line.replace("\\032\\064\\032", " @ ").replace("\\.", "."))
            .collect();
        lines.sort();
        lines
    }

    /// Waits until something is so. Nothing tells a test what others have found on a network, so it looks again.
    #[track_caller]
    fn wait_for(&self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !condition(self) {
            let log = self.machine.log();
            assert!(Instant::now() < until, "not within {DEADLINE:?}: {what}; {log}");
            std::thread::yield_now();
        }
    }

    #[track_caller]
    fn wait_for_word(&self, door: &str, word: &str) {
        let mut last = String::new();
        let until = Instant::now() + DEADLINE;
        while !last.contains(word) {
            assert!(Instant::now() < until, "door {door} does not say '{word}' but '{last}'; {}", self.machine.log());
            last = self.machine.shown(door, "door-announced");
        }
    }

    #[track_caller]
    fn add(&self, name: &str, kind: &str, port: u16, more: &[&str]) {
        let listen = format!("{AT}:{port}");
        let own = ["add", name, kind, "--listen", &listen, "--allow", "10.231.79.0/24", "--dns-sd", "true"];
        let said = self.machine.door(&[&own[..], more].concat()).expect(0).out;
        assert!(said.contains("ready"), "{said}");
    }
}

fn host() -> String {
    Outcome::of(Command::new("hostname").arg("-s")).out.trim().to_owned()
}

#[test]
fn printers_are_announced_and_withdrawn_as_they_come_and_go() {
    let Some(mut site) = Site::new() else { return };
    site.start_bus();
    site.start_avahi();
    site.add("ipp1", "ipp", 6310, &["--tls", "true"]);
    site.add("lpd1", "lpd", 5150, &["--to", "queue=office.front"]);
    site.add("raw1", "raw", 9100, &["--to", "office.front"]);
    let name = format!("OFFICE.FRONT @ {}", host());
    site.wait_for("IPP is announced", |site| site.found("_ipp._tcp").iter().any(|line| line.contains(&name)));
    let [ipp] = site.found("_ipp._tcp").try_into().unwrap();
    for part in [";announces.local;10.231.79.1;6310;", "\"rp=printers/OFFICE.FRONT\"", "\"TLS=1.3\"", "\"UUID="] {
        assert!(ipp.contains(part), "{part}: {ipp}");
    }
    assert!(!ipp.contains("URF"), "{ipp}");
    site.wait_for("IPPS is announced", |site| site.found("_ipps._tcp").len() == 1);
    site.wait_for("LPD is announced", |site| {
        site.found("_printer._tcp").iter().any(|line| line.contains("\"rp=queue\""))
    });
    site.wait_for("the raw port is announced", |site| {
        site.found("_pdl-datastream._tcp").iter().any(|line| line.contains(";9100;"))
    });
    site.wait_for_word("ipp1", "2 of 2 announced");

    // Another destination, and one that is declared to take what needs no driver.
    let operator = |words: &str| site.machine.run(OPERATOR, "spoolcom", &[words]).expect(0);
    operator("LOC #OFFICE.BACK, DEV LP1");
    site.wait_for("it is announced", |site| site.found("_ipp._tcp").iter().any(|line| line.contains("OFFICE.BACK")));
    operator("LOC #OFFICE.BACK, DELETE");
    site.wait_for("it is withdrawn", |site| !site.found("_ipp._tcp").iter().any(|line| line.contains("OFFICE.BACK")));
    site.machine
        .run(OPERATOR, "pdset", &["-c", "destination", "-x", "document-formats-supported=urf", "LP1"])
        .expect(0);
    site.wait_for("phones find it", |site| {
        site.found("_universal._sub._ipp._tcp").iter().any(|line| line.contains("\"URF="))
    });

    // A door that takes no jobs is not found, and one of a server that has died neither.
    site.machine.door(&["drain", "lpd1"]).expect(0);
    site.wait_for("it is withdrawn", |site| site.found("_printer._tcp").is_empty());
    site.machine.door(&["set", "raw1", "--dns-sd", "false"]).expect(0);
    site.wait_for("it is withdrawn", |site| site.found("_pdl-datastream._tcp").is_empty());
    assert!(site.machine.shown("raw1", "door-state").contains("ready"), "{}", site.machine.log());
    let mut server = site.machine.server.take().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    site.wait_for("all is withdrawn", |site| site.found("_ipp._tcp").is_empty());
}

#[test]
fn what_keeps_printers_from_being_announced_is_said_and_heals() {
    let Some(mut site) = Site::new() else { return };
    // Neither bus nor Avahi: the door is open all the same.
    site.add("ipp1", "ipp", 6310, &["--to", "office.front"]);
    site.wait_for_word("ipp1", "0 of 1 announced: ");
    site.start_bus();
    site.wait_for_word("ipp1", "avahi-daemon does not run");
    site.start_avahi();
    site.wait_for_word("ipp1", "1 of 1 announced");
    end(&mut site.avahi);
    site.wait_for_word("ipp1", "avahi-daemon does not run");
    site.start_avahi();
    site.wait_for_word("ipp1", "1 of 1 announced");
    site.wait_for("it is found", |site| site.found("_ipp._tcp").len() == 1);
    end(&mut site.avahi);
    end(&mut site.bus);
    let _ = std::fs::remove_file(site.machine.path("bus"));
    site.wait_for_word("ipp1", "0 of 1 announced: ");
    site.start_bus();
    site.start_avahi();
    site.wait_for_word("ipp1", "1 of 1 announced");

    // A name that another program of the machine has.
    let name = format!("OFFICE.FRONT @ {}", host());
    let mut other = site.command("avahi-publish-service");
    other.args([&name, "_printer._tcp", "1"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut other = Some(other.spawn().unwrap());
    site.wait_for("the other is found", |site| site.found("_printer._tcp").len() == 1);
    site.add("lpd1", "lpd", 5150, &["--to", "office.front"]);
    site.wait_for_word("lpd1", "#2': the name is taken");
    site.wait_for("both are found", |site| site.found("_printer._tcp").len() == 2);
    end(&mut other);
    // What was said is on record.
    let log = site.machine.log();
    assert!(log.contains("avahi-daemon does not run") && log.contains("the name is taken"), "{log}");
}

#[test]
fn what_nobody_reaches_from_the_network_is_not_announced() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let words = ["add", "ipp1", "ipp", "--listen", "127.0.0.1:0", "--to", "office.front", "--dns-sd", "true"];
    machine.door(&words).expect(1).says("has to be reached from there");
    assert!(Path::new(&machine.path("run/socket")).exists());
}
