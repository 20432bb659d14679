//! Where things lie under a base directory (docs/reference/spooler.md 6).

use std::path::{Path, PathBuf};

use crate::model::{ProcessName, ServerName};

/// How the names of submission sockets begin.
const SUBMISSION: &str = "submission.";

/// How the names of the files begin in which print processes say that they cannot go on.
pub const TROUBLE: &str = "trouble.";

/// What the spool has under a name in `run/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindInRun {
    /// A lock, or what a process writes down.
    File,
    /// A socket.
    Socket,
    /// A log, which may be a link to another place.
    Log,
}

/// The base directory of a spool, `$PDBASE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    root: PathBuf,
}

impl Base {
    /// Returns the base at `root`, an absolute path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
    /// Returns the directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// `spool.db`.
    pub fn database(&self) -> PathBuf {
        self.root.join("spool.db")
    }
    /// `spool.db-wal`: its log.
    pub fn database_log(&self) -> PathBuf {
        self.root.join("spool.db-wal")
    }
    /// `run/`: locks, sockets, progress, ballast, log.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }
    /// Tells what the spool has under this name in `run/`, if it is one of its own.
    pub fn kind_in_run(name: &str) -> Option<KindInRun> {
        let starts = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
        match name {
            "ballast" => Some(KindInRun::File),
            _ if name.ends_with(".lock") || starts(&["progress.", "program.", TROUBLE]) => Some(KindInRun::File),
            _ if name.ends_with(".sock") => Some(KindInRun::Socket),
            _ if starts(&["fastp.log"]) => Some(KindInRun::Log),
            _ => None,
        }
    }
    /// Returns the write gate.
    pub fn write_lock(&self) -> PathBuf {
        self.run().join("write.lock")
    }
    /// Held shared by whoever has the spool open, alone by whoever alters its schema or puts another database there.
    pub fn spool_lock(&self) -> PathBuf {
        self.run().join("spool.lock")
    }
    /// Four MiB that a full disk gives back.
    pub fn ballast(&self) -> PathBuf {
        self.run().join("ballast")
    }
    /// Is there while submissions are refused because too little room is left.
    pub fn refusing(&self) -> PathBuf {
        self.run().join("full")
    }
    /// The primary FASTCNFG file, unless the spool has another one on record.
    pub fn usual_fastcnfg(&self) -> PathBuf {
        self.root.join("FASTCNFG")
    }
    /// The socket that wakes whoever keeps the print processes in the foreground.
    pub fn keeper_socket(&self) -> PathBuf {
        self.run().join("keeper.sock")
    }
    /// Held by whoever keeps the print processes in the foreground.
    pub fn keeper_lock(&self) -> PathBuf {
        self.run().join("keeper.lock")
    }
    /// Returns the lock that the server that has this spool holds. It says where the server listens.
    pub fn server_lock(&self) -> PathBuf {
        self.run().join("pdserver.lock")
    }
    /// Held by whoever delivers notifications.
    pub fn deliver_lock(&self) -> PathBuf {
        self.run().join("deliver.lock")
    }
    /// The socket that wakes him.
    pub fn deliver_socket(&self) -> PathBuf {
        self.run().join("deliver.sock")
    }
    /// Returns the directory of print files that were fetched from other servers, only while they print.
    pub fn pulled(&self, server: &ServerName) -> PathBuf {
        self.server(server).join("pdb")
    }
    /// Returns the directory of what programs make of documents, only while that prints (TRANSFORM).
    pub fn transforms(&self) -> PathBuf {
        self.root.join("transforms")
    }
    /// Where a server fetches print files for the print processes.
    pub fn fetch_socket(&self) -> PathBuf {
        self.run().join("fetch.sock")
    }
    /// Returns the log of the print processes.
    pub fn log(&self) -> PathBuf {
        self.run().join("fastp.log")
    }
    /// Returns the lock that a running print process holds.
    pub fn process_lock(&self, name: &ProcessName) -> PathBuf {
        self.run().join(format!("fastp.{}.lock", name.key()))
    }
    /// Returns the socket that wakes it.
    pub fn process_socket(&self, name: &ProcessName) -> PathBuf {
        self.run().join(format!("fastp.{}.sock", name.key()))
    }
    /// Returns the submission socket, at which a running print process takes submissions. The name says of which
    /// release and schema whoever listens is: the programs of another one do not find it.
    pub fn submission_socket(&self) -> PathBuf {
        let release = env!("CARGO_PKG_VERSION");
        self.run().join(format!("{SUBMISSION}{release}.{}.sock", crate::store::schema::VERSION))
    }
    /// Tells whether this file of `run/` is a submission socket, of whatever release.
    pub fn is_submission_socket(name: &str) -> bool {
        name.starts_with(SUBMISSION) && name.ends_with(".sock")
    }
    /// Held by whoever listens on the submission socket.
    pub fn submission_lock(&self) -> PathBuf {
        self.run().join("submission.lock")
    }
    /// Returns its progress, one slot a device.
    pub fn progress(&self, name: &ProcessName) -> PathBuf {
        self.run().join(format!("progress.{}", name.key()))
    }
    /// Which process its program is, where that is a program of others.
    pub fn program(&self, name: &ProcessName) -> PathBuf {
        self.run().join(format!("program.{}", name.key()))
    }
    /// What keeps it from going on, beside the database.
    pub fn trouble(&self, name: &ProcessName) -> PathBuf {
        self.run().join(format!("{TROUBLE}{}", name.key()))
    }

    /// Tells whether a path leads to a file that a spool keeps for itself, whichever spool that is: its database, what lies
    /// in `run/`, a print file or the proof of a server directory. Opening such a file to add something would damage the
    /// spool, and closing it again would take the locks of the database from this process.
    pub fn is_of_a_spool(path: &Path) -> bool {
        let real = path.canonicalize().ok().or_else(|| {
            // One that is to be made.
            Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
        });
        let Some(real) = real else { return false };
        let (Some(dir), Some(name)) = (real.parent(), real.file_name().and_then(|name| name.to_str())) else {
            return false;
        };
        let is_base = |dir: &Path| dir.join("spool.db").exists();
        let of_base = is_base(dir) && (name.starts_with("spool.db") || name == "run");
        let in_run = dir.file_name().is_some_and(|name| name == "run") && dir.parent().is_some_and(is_base);
        of_base || in_run || dir.join(".spool-id").exists()
    }
    /// Returns the directory of print files of a server.
    pub fn server(&self, server: &ServerName) -> PathBuf {
        self.root.join(server.as_str())
    }
    /// Proof of which spool that directory belongs to.
    pub fn spool_id(&self, server: &ServerName) -> PathBuf {
        self.server(server).join(".spool-id")
    }
    /// Returns the mark of the last commit, by which a database is found out that is older than the print files.
    pub fn generation(&self, server: &ServerName) -> PathBuf {
        self.server(server).join(".generation")
    }
    /// Returns the key for what is kept of cards.
    pub fn card_key(&self, server: &ServerName) -> PathBuf {
        self.server(server).join(".card-key")
    }

    /// The key of a server for print files that are encrypted.
    pub fn document_key(&self, server: &ServerName) -> PathBuf {
        self.server(server).join(super::document_key::NAME)
    }
    /// Where the program of a bank keeps its books.
    pub fn books(&self, server: &ServerName, program: &str) -> PathBuf {
        self.server(server).join("books").join(program)
    }
    /// Where certificates, keys and the list of the members of its group are.
    pub fn members(&self, server: &ServerName) -> PathBuf {
        self.server(server).join("tls")
    }
    /// When the certificate of the server ends.
    pub fn certificate_end(&self, server: &ServerName) -> PathBuf {
        self.members(server).join("ends")
    }
    /// Held alone while the schema is brought up to date: others wait there for their turn.
    pub fn upgrade_lock(&self) -> PathBuf {
        self.run().join("upgrade.lock")
    }
    /// Damaged things with a reason; never deleted.
    pub fn corrupt(&self, server: &ServerName) -> PathBuf {
        self.server(server).join("corrupt")
    }
}
