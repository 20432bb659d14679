//! Where certificates, keys and the list of members lie: `<base>/<server>/tls/` of a server, a directory in the home of a person.
//!
//! | file | what |
//! |---|---|
//! | `authority.pem` | the authority's certificate; there is nothing to trust without it |
//! | `authority.key` | its key; only at the first server |
//! | `own.pem` | our certificate and its key, which never leaves this place. One file, so that they always fit |
//! | `ends` | when our certificate ends, in seconds since 1970, for those who read no certificates |
//! | `group.json` | the list of members, as far as this place knows it |
//! | `invitations/NAME` | a digest of a token that was not used yet |
//! | `seen` | written after every change; whoever watches the directory looks again then |
//!
//! All of it is readable by its owner alone. A file is replaced as a whole: written beside, synced, renamed, its directory
//! synced. A crash leaves the old one or the new one. Backups do not contain this directory: a stolen backup speaks for nobody.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use spoolsuite::model::{Failure, FailureKind, ServerName};
use spoolsuite::spool::Base;
use spoolsuite::sys::lock::FileLock;

use crate::members::{Group, Role};

/// How long another command that changes the list is waited for.
const OTHERS: Duration = Duration::from_secs(10);

/// The directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    dir: PathBuf,
}

/// Our certificate and what it is judged by.
#[derive(Debug)]
pub struct Credentials {
    /// The authority's certificate.
    pub authority: CertificateDer<'static>,
    /// Ours.
    pub certificate: CertificateDer<'static>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

/// An invitation as the inviting server keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Digest of its secret.
    pub secret: String,
    /// What the one who was invited becomes.
    pub role: Role,
    /// His name.
    pub name: ServerName,
    /// When it ends, in seconds since 1970.
    pub ends: u64,
}

/// A certificate in the form of a file.
pub fn pem(certificate: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", certificate))
}

/// What a person keeps of the server where he joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Where it listens.
    pub address: String,
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("{}: {error}", path.display()))
}

impl Place {
    /// That of a server.
    pub fn of_server(base: &Base, server: &ServerName) -> Self {
        Self { dir: base.members(server) }
    }

    /// One at this path.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Whether there is a group.
    pub fn is_member(&self) -> bool {
        self.path("own.pem").exists() && self.path("authority.pem").exists()
    }

    /// Whether the authority is here.
    pub fn has_authority(&self) -> bool {
        self.path("authority.key").exists()
    }

    /// Makes the directory, with those above it; all of them ours alone.
    ///
    /// # Errors
    /// When it cannot be made, or is no directory of ours.
    pub fn make(&self) -> Result<(), Failure> {
        for dir in [self.dir.clone(), self.path("invitations")] {
            DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(|error| failure(&dir, &error))?;
            // A link would lead keys to where somebody else reads them.
            let meta = std::fs::symlink_metadata(&dir).map_err(|error| failure(&dir, &error))?;
            if !meta.is_dir() || meta.uid() != nix::unistd::geteuid().as_raw() || meta.mode() & 0o077 != 0 {
                let what = format!("{}: is no directory that only you can read", dir.display());
                return Err(Failure::new(FailureKind::Security, what).hint(format!("chmod 700 {}", dir.display())));
            }
        }
        Ok(())
    }

    /// Takes the lock under which the list is changed.
    ///
    /// # Errors
    /// When another one has it for long.
    pub fn lock(&self) -> Result<FileLock, Failure> {
        let path = self.path("lock");
        let lock = FileLock::exclusive(&path, OTHERS).map_err(|error| failure(&path, &error))?;
        lock.ok_or_else(|| Failure::new(FailureKind::Unreachable, "another command changes the list of members"))
    }

    /// Writes a file as a whole.
    ///
    /// # Errors
    /// When it is not on disk.
    pub fn write(&self, name: &str, octets: &[u8]) -> Result<(), Failure> {
        let path = self.path(name);
        let beside = path.with_extension("new");
        let write = || -> io::Result<()> {
            match std::fs::remove_file(&beside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // Made anew, so it is no link, and its mode is ours.
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
            file.write_all(octets)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)?;
            File::open(path.parent().unwrap_or(&self.dir))?.sync_all()
        };
        write().map_err(|error| failure(&path, &error))
    }

    /// Tells whoever watches the directory that something was changed in it.
    pub fn tell(&self) {
        // Whoever does not hear it looks again by himself after a while.
        let _ = File::options().write(true).create(true).truncate(true).mode(0o600).open(self.path("seen"));
    }

    /// Removes a file; one that is gone already is no error.
    ///
    /// # Errors
    /// When it is still there.
    pub fn remove(&self, name: &str) -> Result<bool, Failure> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failure(&path, &error)),
        }
    }

    /// Reads a file; none when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.path(name);
        match std::fs::read(&path) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(&path, &error)),
        }
    }

    fn value<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(octets) = self.read(name)? else { return Ok(None) };
        let damaged = |error| Failure::new(FailureKind::Damaged, format!("{}: {error}", self.path(name).display()));
        serde_json::from_slice(&octets).map(Some).map_err(damaged)
    }

    fn put<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Failure> {
        let octets = serde_json::to_vec_pretty(value)
            .map_err(|error| Failure::new(FailureKind::Io, format!("{name}: {error}")))?;
        self.write(name, &octets)
    }

    fn no_group(&self) -> Failure {
        Failure::new(FailureKind::Unreachable, format!("{}: there is no certificate", self.dir.display()))
            .hint("pdserver invite NAME, at the first server of a group, prints a token; pdserver join uses it")
    }

    /// The list of members.
    ///
    /// # Errors
    /// `Unreachable` when there is none.
    pub fn group(&self) -> Result<Group, Failure> {
        self.value("group.json")?.ok_or_else(|| self.no_group())
    }

    /// Writes the list, and tells whoever watches.
    ///
    /// # Errors
    /// When it is not on disk.
    pub fn set_group(&self, group: &Group) -> Result<(), Failure> {
        self.put("group.json", group)?;
        self.tell();
        Ok(())
    }

    /// Our certificate and its key.
    ///
    /// # Errors
    /// `Unreachable` when there is none.
    pub fn credentials(&self) -> Result<Credentials, Failure> {
        let pem = |name: &str| self.read(name)?.ok_or_else(|| self.no_group());
        let damaged = |name: &str| {
            let path = self.path(name);
            move |error| Failure::new(FailureKind::Damaged, format!("{}: {error}", path.display()))
        };
        Ok(Credentials {
            authority: self.authority()?,
            certificate: CertificateDer::from_pem_slice(&pem("own.pem")?).map_err(damaged("own.pem"))?,
            key: PrivateKeyDer::from_pem_slice(&pem("own.pem")?).map_err(damaged("own.pem"))?,
        })
    }

    /// Keeps our certificate, which ends at `ends`, and its key, and tells whoever watches.
    ///
    /// # Errors
    /// When they are not on disk; then those before are.
    pub fn set_own(&self, certificate: &[u8], key: &KeyPair, ends: u64) -> Result<(), Failure> {
        self.write("own.pem", format!("{}{}", pem(certificate), key.serialize_pem()).as_bytes())?;
        self.write("ends", ends.to_string().as_bytes())?;
        self.tell();
        Ok(())
    }

    /// The authority's certificate.
    ///
    /// # Errors
    /// `Unreachable` when there is none.
    pub fn authority(&self) -> Result<CertificateDer<'static>, Failure> {
        let pem = self.read("authority.pem")?.ok_or_else(|| self.no_group())?;
        CertificateDer::from_pem_slice(&pem).map_err(|error| {
            Failure::new(FailureKind::Damaged, format!("{}: {error}", self.path("authority.pem").display()))
        })
    }

    /// What a person keeps of the server where he joined.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn joined(&self) -> Result<Option<Joined>, Failure> {
        self.value("joined.json")
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it is not on disk.
    pub fn set_joined(&self, joined: &Joined) -> Result<(), Failure> {
        self.put("joined.json", joined)
    }

    /// Keeps an invitation, instead of an earlier one of the same name.
    ///
    /// # Errors
    /// When it is not on disk.
    pub fn invite(&self, invitation: &Invitation) -> Result<(), Failure> {
        self.put(&format!("invitations/{}", invitation.name.key()), invitation)
    }

    /// The invitation of that name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn invitation(&self, name: &ServerName) -> Result<Option<Invitation>, Failure> {
        self.value(&format!("invitations/{}", name.key()))
    }

    /// Uses an invitation up. Returns whether it was there.
    ///
    /// # Errors
    /// When it is still there.
    pub fn use_up(&self, name: &ServerName) -> Result<bool, Failure> {
        let used = self.remove(&format!("invitations/{}", name.key()))?;
        let dir = self.path("invitations");
        File::open(&dir).and_then(|dir| dir.sync_all()).map_err(|error| failure(&dir, &error))?;
        Ok(used)
    }
}
