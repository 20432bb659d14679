//! The peer: a CUPS of its own from Debian's packages, with raw queues, on a loopback port, all its files in one
//! temporary directory.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use spoolsuite::sys::watch::Watch;

use super::DEADLINE;
use super::site::succeed;

const DAEMON: &str = "/usr/sbin/cupsd";

/// What a row that compares with CUPS needs, and which Debian package has it.
const NEEDED: &[(&str, &str)] = &[
    (DAEMON, "cups-daemon"),
    ("/usr/bin/lp", "cups-client"),
    ("/usr/sbin/lpadmin", "cups-client"),
    ("/usr/lib/cups/backend/socket", "cups"),
];

/// Whether rows that need CUPS may not be left out: under continuous integration.
pub fn is_demanded() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true")
}

/// A running scheduler. Dropped, it is ended.
pub struct Cups {
    dir: tempfile::TempDir,
    daemon: Child,
    /// Where it listens on this machine.
    pub port: u16,
}

impl Cups {
    /// Starts one. None, with words why, where its packages are missing: except under continuous integration, where that
    /// is a fault.
    pub fn start() -> Result<Self, String> {
        let missing: Vec<&str> = NEEDED.iter().filter(|one| !Path::new(one.0).exists()).map(|one| one.1).collect();
        if !missing.is_empty() {
            let why = format!("needs the Debian packages {}", missing.join(", "));
            assert!(!is_demanded(), "{why}");
            return Err(why);
        }
        let dir = super::directory();
        let at = dir.path().display();
        for name in ["conf/ppd", "spool/tmp", "cache", "state/certs", "log"] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let files = format!(
            "SystemGroup root\nServerRoot {at}/conf\nRequestRoot {at}/spool\nTempDir {at}/spool/tmp\nCacheDir {at}/cache\n\
             StateDir {at}/state\nErrorLog {at}/log/error\nAccessLog {at}/log/access\nPageLog {at}/log/page\n\
             FileDevice Yes\nPrintcap\n"
        );
        // As Debian installs it, but for the places, any number of jobs, and no passwords for the administrator.
        let rules = "Order allow,deny\nAllow from all\n";
        let conf = format!(
            "LogLevel warn\nMaxJobs 0\nBrowsing No\nWebInterface No\nListen 127.0.0.1:{port}\nListen {at}/socket\n\
             DefaultAuthType None\n<Location />\n{rules}</Location>\n<Location /admin>\n{rules}</Location>\n\
             <Policy default>\nJobPrivateAccess all\nJobPrivateValues none\nSubscriptionPrivateAccess all\n\
             SubscriptionPrivateValues none\n<Limit All>\n{rules}</Limit>\n</Policy>\n"
        );
        std::fs::write(dir.path().join("conf/cups-files.conf"), files).unwrap();
        std::fs::write(dir.path().join("conf/cupsd.conf"), conf).unwrap();
        let watch = Watch::new(dir.path()).unwrap();
        let daemon = Command::new(DAEMON)
            .arg("-f")
            .arg("-c")
            .arg(dir.path().join("conf/cupsd.conf"))
            .arg("-s")
            .arg(dir.path().join("conf/cups-files.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cups = Self { dir, daemon, port };
        let until = Instant::now() + DEADLINE;
        while std::os::unix::net::UnixStream::connect(cups.socket()).is_err() {
            assert!(Instant::now() < until, "cupsd does not listen: {}", cups.log());
            watch.wait(Duration::from_millis(100)).unwrap();
        }
        Ok(cups)
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log/error")).unwrap_or_default()
    }

    /// One of its commands, directed to it.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env("CUPS_SERVER", self.socket()).env("LC_ALL", "C").env("TZ", "UTC");
        command.env("HOME", self.dir.path()).current_dir(self.dir.path());
        command
    }

    /// Makes a raw queue; `stopped`, it takes jobs and prints none.
    pub fn queue(&self, name: &str, uri: &str, stopped: bool) {
        let mut make = self.command("/usr/sbin/lpadmin");
        make.args(["-p", name, "-v", uri, "-m", "raw", "-o", "printer-error-policy=retry-current-job", "-E"]);
        // It warns that raw queues are deprecated.
        let output = make.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        if stopped {
            succeed(self.command("/usr/sbin/cupsdisable").arg(name));
        }
    }

    /// `lp -d queue -o raw file`.
    pub fn lp(&self, queue: &str, file: &Path) -> Command {
        let mut command = self.command("/usr/bin/lp");
        command.args(["-d", queue, "-o", "raw"]).arg(file);
        command
    }

    /// Whether it has no job left.
    pub fn is_empty(&self) -> bool {
        let output = self.command("/usr/bin/lpstat").args(["-W", "not-completed", "-o"]).output().unwrap();
        output.stdout.is_empty()
    }

    /// Throws every job away.
    pub fn cancel_all(&self) {
        succeed(self.command("/usr/bin/cancel").args(["-a", "-x"]));
    }
}

impl Drop for Cups {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
