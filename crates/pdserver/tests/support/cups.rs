//! A CUPS of its own from Debian's packages, at a socket, with all of its files in the directory of a machine.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::{DEADLINE, Machine, Outcome};

/// A running scheduler. Dropped, it is ended.
pub struct Cups {
    dir: PathBuf,
    daemon: Child,
}

impl Cups {
    /// Starts one.
    pub fn start(machine: &Machine) -> Self {
        let dir = machine.path("cups");
        let at = dir.display();
        for name in ["conf/ppd", "spool/tmp", "cache", "state/certs", "log"] {
            std::fs::create_dir_all(dir.join(name)).unwrap();
        }
        let files = format!(
            "SystemGroup root\nServerRoot {at}/conf\nRequestRoot {at}/spool\nTempDir {at}/spool/tmp\nCacheDir {at}/cache\n\
             StateDir {at}/state\nErrorLog {at}/log/error\nAccessLog {at}/log/access\nPageLog {at}/log/page\n\
             FileDevice Yes\nPrintcap\n"
        );
        let rules = "Order allow,deny\nAllow from all\n";
        let conf = format!(
            "LogLevel warn\nMaxJobs 0\nMaxJobTime 0\nBrowsing No\nWebInterface No\nListen {at}/socket\nDefaultAuthType None\n\
             <Location />\n{rules}</Location>\n<Location /admin>\n{rules}</Location>\n<Policy default>\n\
             JobPrivateAccess all\nJobPrivateValues none\nSubscriptionPrivateAccess all\nSubscriptionPrivateValues none\n\
             <Limit All>\n{rules}</Limit>\n</Policy>\n"
        );
        std::fs::write(dir.join("conf/cups-files.conf"), files).unwrap();
        std::fs::write(dir.join("conf/cupsd.conf"), conf).unwrap();
        let mut command = Command::new("/usr/sbin/cupsd");
        command.arg("-f").arg("-c").arg(dir.join("conf/cupsd.conf")).arg("-s").arg(dir.join("conf/cups-files.conf"));
        let daemon = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let cups = Self { dir, daemon };
        let end = Instant::now() + DEADLINE;
        while std::os::unix::net::UnixStream::connect(cups.dir.join("socket")).is_err() {
            assert!(Instant::now() < end, "cupsd does not listen: {}", cups.log());
            std::thread::yield_now();
        }
        cups
    }

    /// What it says of itself.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log/error")).unwrap_or_default()
    }

    /// One of its commands, directed to it.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(program);
        command
            .env("CUPS_SERVER", self.dir.join("socket"))
            .env("LC_ALL", "C")
            .env("HOME", &self.dir)
            .env_remove("LPDEST");
        Outcome::of_foreign(command.current_dir(&self.dir).args(arguments).stdin(Stdio::null()))
    }

    /// Makes a queue that leaves octets alone.
    pub fn raw_queue(&self, name: &str, uri: &str) {
        let words = ["-p", name, "-v", uri, "-m", "raw", "-o", "printer-error-policy=retry-current-job", "-E"];
        self.run("/usr/sbin/lpadmin", &words).expect(0);
    }

    /// Whether no job waits or prints there.
    pub fn is_empty(&self) -> bool {
        self.run("/usr/bin/lpstat", &["-W", "not-completed", "-o"]).expect(0).out.is_empty()
    }
}

impl Drop for Cups {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
