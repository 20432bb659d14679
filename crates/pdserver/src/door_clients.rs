//! The certificates of clients of a door: whether one lets somebody in, and whom it names.
//!
//! It is looked at in this process, with the proof of the handshake, and not in the one that parses what strangers send: that one
//! cannot say of itself who somebody is.

use std::path::PathBuf;
use std::sync::Arc;

use pdgroup::schemes;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, RootCertStore, SignatureScheme};
use spoolsuite::model::Failure;
use spoolsuite::model::door::{ClientFault, ClientName, ClientProof, DoorClients, DoorSettings};
use spoolsuite::server::doors::ClientCheck;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::door_tls::{chain, unread, unusable};

/// The files that say which certificates let people in.
pub fn files(settings: &DoorSettings) -> impl Iterator<Item = PathBuf> + use<'_> {
    let clients = settings.log_on.clients.iter();
    clients.flat_map(|clients| {
        [Some(&clients.authorities), clients.revoked.as_ref()].into_iter().flatten().map(PathBuf::from)
    })
}

/// Loads them: the names of the authorities, and what looks at a certificate.
///
/// # Errors
/// When a file cannot be used, with what is wrong with it.
pub fn load(of: &DoorClients) -> Result<(Vec<Vec<u8>>, Arc<ClientCheck>), Failure> {
    let at = PathBuf::from(&of.authorities);
    let mut roots = RootCertStore::empty();
    for one in chain(&at)? {
        roots.add(one).map_err(|error| unusable(&at, error))?;
    }
    let names = roots.subjects().into_iter().map(|name| name.as_ref().to_vec()).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    if let Some(revoked) = &of.revoked {
        let at = PathBuf::from(revoked);
        let text = std::fs::read(&at).map_err(|error| unread(&at, &error))?;
        let lists: Result<Vec<_>, pem::Error> = CertificateRevocationListDer::pem_slice_iter(&text).collect();
        let lists = lists.map_err(|error| unusable(&at, error))?;
        if lists.is_empty() {
            let failure = unusable(&at, "there is no list of revoked certificates in it");
            return Err(failure.hint("it begins with -----BEGIN X509 CRL-----"));
        }
        // A list that is out of date says nothing of those that were revoked since: it lets nobody in.
        builder = builder.with_crls(lists).enforce_revocation_expiration();
    }
    let verifier = builder.build().map_err(|error| unusable(&at, error))?;
    let name = of.name;
    let check = move |proof: &ClientProof| {
        let chain: Vec<CertificateDer<'_>> =
            proof.chain.iter().map(|one| CertificateDer::from(one.as_slice())).collect();
        let [own, issuers @ ..] = chain.as_slice() else { return Err(other("there is none")) };
        verifier.verify_client_cert(own, issuers, UnixTime::now()).map_err(|error| fault(&error))?;
        let scheme = SignatureScheme::from(proof.scheme);
        let known = provider.signature_verification_algorithms.mapping.iter().find(|known| known.0 == scheme);
        let algorithm = known.and_then(|known| known.1.first()).filter(|_| schemes::OF_CLIENTS.contains(&scheme));
        let algorithm = algorithm.ok_or_else(|| other("its signature is of a kind that is not known"))?;
        webpki::EndEntityCert::try_from(own)
            .and_then(|own| own.verify_signature(*algorithm, &proof.message, &proof.signature))
            .map_err(|_| other("whoever shows it does not have its key"))?;
        user(own, name).ok_or(ClientFault::Nameless)
    };
    Ok((names, Arc::new(check)))
}

fn other(why: &str) -> ClientFault {
    ClientFault::Other(why.to_owned())
}

fn fault(error: &rustls::Error) -> ClientFault {
    match error {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => ClientFault::Expired,
            CertificateError::Revoked => ClientFault::Revoked,
            CertificateError::UnknownIssuer => ClientFault::Foreign,
            CertificateError::UnknownRevocationStatus => other("no list of revoked certificates is of its authority"),
            CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
                other("the list of revoked certificates is out of date")
            }
            why => ClientFault::Other(why.to_string()),
        },
        error => ClientFault::Other(error.to_string()),
    }
}

/// Whom a certificate names. Where there are several names of that kind, or none, it names nobody.
fn user(certificate: &CertificateDer<'_>, name: ClientName) -> Option<String> {
    let (rest, certificate) = X509Certificate::from_der(certificate).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let found: Vec<&str> = match name {
        ClientName::CommonName => {
            certificate.subject().iter_common_name().map(|name| name.as_str()).collect::<Result<_, _>>().ok()?
        }
        ClientName::Email | ClientName::Dns => {
            let names = &certificate.subject_alternative_name().ok()??.value.general_names;
            let of_kind = |found: &GeneralName<'_>| match (name, found) {
                (ClientName::Email, GeneralName::RFC822Name(text)) => Some((*text).to_owned()),
                (ClientName::Dns, GeneralName::DNSName(text)) => Some((*text).to_owned()),
                _ => None,
            };
            let mut found = names.iter().filter_map(of_kind);
            let only = found.next()?;
            return found.next().is_none().then_some(only);
        }
    };
    match found.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    }
}
