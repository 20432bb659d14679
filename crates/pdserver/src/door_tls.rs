//! The certificates of doors, and their keys, which never leave this process: the process of a door parses what strangers send, so
//! it asks here for the one signature that each connection needs, and gets a signature of nothing else.
//!
//! A certificate comes from two files that an administrator names, or is made here: signed by itself, for the names and addresses
//! of this machine, kept beside the certificates of the server, and made anew before it ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use pdgroup::clock::Clock;
use pdgroup::place::Place;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use spoolsuite::model::door::{DoorCertificate, DoorPlace, DoorSettings, DoorTls};
use spoolsuite::model::{Failure, FailureKind};
use spoolsuite::server::doors::{ClientCheck, Signer};
use spoolsuite::sys::users;

use super::door_clients;

/// Days for which a certificate of our own is good: some clients refuse what is good for longer.
const DAYS: u64 = 397;
/// Days before its end at which it is made anew.
const BEFORE: u64 = 30;
const DAY: u64 = 24 * 3600;

/// The schemes that we sign with, as TLS 1.3 has them.
const SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
];

/// What a certificate was loaded from: another one is another certificate.
pub type Stamp = Vec<Option<(PathBuf, SystemTime, u64)>>;

/// A certificate that is ready for use.
pub struct Loaded {
    /// What the process of the door needs of it.
    pub tls: DoorTls,
    /// What signs with its key.
    pub signer: Arc<Signer>,
    /// What finds out whom certificates of clients name, where they let people in.
    pub clients: Option<Arc<ClientCheck>>,
}

pub(super) fn unusable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::BadValue, format!("its certificate cannot be used: {}: {why}", path.display()))
}

/// The files of a certificate; none where it has none of its own.
fn files(certificate: &DoorCertificate, place: &Place, door: &str) -> [PathBuf; 2] {
    match certificate {
        DoorCertificate::Files { certificate, key } => [certificate.into(), key.into()],
        DoorCertificate::Own => {
            let name = format!("door-{}", door.to_ascii_lowercase());
            [place.dir().join(format!("{name}.pem")), place.dir().join(format!("{name}.key"))]
        }
    }
}

/// What the files of the certificate of a door are now; empty where it has none. Of a certificate of our own that is to be made
/// anew nothing is there.
pub fn stamp(settings: &DoorSettings, place: &Place, clock: &Clock) -> Stamp {
    let Some(certificate) = &settings.certificate else { return Vec::new() };
    let of = |path: PathBuf| {
        if *certificate == DoorCertificate::Own && !is_fresh(&path, clock) {
            return None;
        }
        let meta = std::fs::metadata(&path).ok()?;
        Some((path, meta.modified().ok()?, meta.len()))
    };
    let own = files(certificate, place, settings.name.as_str()).map(of);
    own.into_iter().chain(door_clients::files(settings).map(of)).collect()
}

/// Loads the certificate of a door; none where it has none.
///
/// # Errors
/// When it cannot be used, with the file and what is wrong with it.
pub fn load(settings: &DoorSettings, place: &Place, clock: &Clock) -> Result<Option<Loaded>, Failure> {
    let Some(certificate) = &settings.certificate else { return Ok(None) };
    let [at, key_at] = files(certificate, place, settings.name.as_str());
    if *certificate == DoorCertificate::Own {
        keep_own(settings, place, (&at, &key_at), clock)?;
    }
    let chain = chain(&at)?;
    let key = key(&key_at)?;
    let certified = CertifiedKey::new(chain.clone(), Arc::clone(&key));
    certified.keys_match().map_err(|_| {
        unusable(&key_at, format!("this key does not belong to the certificate in {}", at.display()))
            .hint("the certificate of the door comes first in its file, those of its issuers behind it")
    })?;
    let schemes: Vec<u16> =
        SCHEMES.into_iter().filter(|scheme| key.choose_scheme(&[*scheme]).is_some()).map(u16::from).collect();
    if schemes.is_empty() {
        return Err(unusable(&key_at, "TLS 1.3 knows no key of this kind")
            .hint("an RSA key of 2048 bits or more, P-256, P-384 or Ed25519"));
    }
    let signer = move |scheme: u16, message: &[u8]| {
        let scheme = SCHEMES.into_iter().find(|known| u16::from(*known) == scheme)?;
        key.choose_scheme(&[scheme])?.sign(message).ok()
    };
    let chain = chain.into_iter().map(|one| one.to_vec()).collect();
    let (authorities, clients) = settings.log_on.clients.as_ref().map(door_clients::load).transpose()?.unzip();
    Ok(Some(Loaded { tls: DoorTls { chain, schemes, authorities }, signer: Arc::new(signer), clients }))
}

pub(super) fn unread(path: &Path, error: &std::io::Error) -> Failure {
    let failure = unusable(path, error);
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            failure.hint("the account of the server reads it: its group may be the owner of the file, with mode 640")
        }
        _ => failure,
    }
}

pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let text = std::fs::read(path).map_err(|error| unread(path, &error))?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => {
            Err(unusable(path, "there is no certificate in it").hint("it begins with -----BEGIN CERTIFICATE-----"))
        }
        Err(error) => Err(unusable(path, error)),
    }
}

fn key(path: &Path) -> Result<Arc<dyn SigningKey>, Failure> {
    let text = std::fs::read(path).map_err(|error| unread(path, &error))?;
    let found = PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        let sealed = text.windows(9).any(|part| part == b"ENCRYPTED");
        let why = if sealed { "the key is sealed with a password" } else { "there is no key in it" };
        unusable(path, why).hint(
            "a key without a password begins with -----BEGIN PRIVATE KEY-----; openssl pkey -in FILE writes it so",
        )
    })?;
    any_supported_type(&found).map_err(|error| unusable(path, error))
}

/// Whether a file of a certificate of our own is there, and young enough.
fn is_fresh(path: &Path, clock: &Clock) -> bool {
    let Ok(made) = std::fs::metadata(path).and_then(|meta| meta.modified()) else { return false };
    let since = made.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    clock.now().saturating_sub(since) < (DAYS - BEFORE) * DAY
}

/// Makes a certificate of our own, unless there is one that is good for long enough.
fn keep_own(
    settings: &DoorSettings,
    place: &Place,
    (at, key_at): (&Path, &Path),
    clock: &Clock,
) -> Result<(), Failure> {
    let now = clock.now();
    if is_fresh(key_at, clock) && is_fresh(at, clock) {
        return Ok(());
    }
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(FailureKind::Io, format!("the certificate cannot be made: {error}"))
    };
    place.make()?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), users::host()];
    names.extend(nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()));
    for place in settings.listen.iter().filter_map(|place| place.parse().ok()) {
        if let DoorPlace::Address(address) = place
            && !address.ip().is_unspecified()
        {
            names.push(address.ip().to_string());
        }
    }
    names.sort();
    names.dedup();
    let mut params = CertificateParams::new(names).map_err(|error| failed(&error))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "spoolsuite");
    params.distinguished_name.push(DnType::CommonName, users::host());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let time = |at: u64| {
        let seconds = i64::try_from(at).unwrap_or(i64::MAX);
        time::OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| failed(&error))
    };
    (params.not_before, params.not_after) = (time(now.saturating_sub(3600))?, time(now + DAYS * DAY)?);
    let key = KeyPair::generate().map_err(|error| failed(&error))?;
    let certificate = params.self_signed(&key).map_err(|error| failed(&error))?;
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    place.write(&name(key_at), key.serialize_pem().as_bytes())?;
    place.write(&name(at), pdgroup::place::pem(certificate.der()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(certificate: Option<DoorCertificate>) -> DoorSettings {
        use spoolsuite::model::field::Value;
        use spoolsuite::model::object::ObjectAttribute;
        let text = |name: &str, value: &str| ObjectAttribute::of(name, Value::Text(value.to_owned()));
        let own = [text("door-kind", "ipp"), text("door-listen", "127.0.0.1:0")];
        DoorSettings { certificate, ..DoorSettings::of(&"ipp1".parse().unwrap(), &own).unwrap() }
    }

    #[test]
    fn a_certificate_of_our_own_is_made_once_and_anew_before_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::at(dir.path().join("tls"));
        let own = settings(Some(DoorCertificate::Own));
        let clock = Clock::of_machine();
        let first = load(&own, &place, &clock).unwrap().unwrap();
        let again = load(&own, &place, &clock).unwrap().unwrap();
        assert_eq!(first.tls, again.tls);
        let before = stamp(&own, &place, &clock);
        assert_eq!(before, stamp(&own, &place, &clock));
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join("tls/door-ipp1.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        let old = SystemTime::now() - std::time::Duration::from_secs((DAYS - BEFORE) * DAY + 60);
        std::fs::File::open(dir.path().join("tls/door-ipp1.pem")).unwrap().set_modified(old).unwrap();
        // A door that runs sees it, and begins anew.
        assert_ne!(before, stamp(&own, &place, &clock));
        let third = load(&own, &place, &clock).unwrap().unwrap();
        assert_ne!(first.tls.chain, third.tls.chain);
        assert_ne!(before, stamp(&own, &place, &clock));
        // The key signs; what it is asked to sign is not its business.
        assert!((third.signer)(third.tls.schemes[0], b"message").is_some());
        assert!((third.signer)(0x0201, b"message").is_none());
        assert!(load(&settings(None), &place, &clock).unwrap().is_none());
    }

    #[test]
    fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::of_machine();
        let place = Place::at(dir.path().join("tls"));
        load(&settings(Some(DoorCertificate::Own)), &place, &clock).unwrap();
        let (good, key) = (place.dir().join("door-ipp1.pem"), place.dir().join("door-ipp1.key"));
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let other = write("other.key", &KeyPair::generate().unwrap().serialize_pem());
        let empty = write("empty", "nothing\n");
        let sealed =
            write("sealed", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
        let said = |certificate: &Path, key: &Path| {
            let text = |path: &Path| path.to_str().unwrap().to_owned();
            let files = DoorCertificate::Files { certificate: text(certificate), key: text(key) };
            load(&settings(Some(files)), &place, &clock).err().map(|failure| failure.message).unwrap_or_default()
        };
        assert_eq!(said(&good, &key), "");
        assert!(said(&dir.path().join("missing"), &key).contains("missing: No such file"));
        assert!(said(&empty, &key).contains("no certificate in it"));
        assert!(said(&good, &empty).contains("no key in it"));
        assert!(said(&good, &sealed).contains("sealed with a password"));
        assert!(said(&good, &other).contains("does not belong to the certificate"));
        assert!(said(&key, &key).contains("no certificate in it"));
    }
}
