//! What both sides of a connection demand: TLS 1.3, and certificates of the one authority.
//!
//! Nothing is resumed: each connection proves anew who it is. Names in certificates decide nothing here: who a certificate belongs
//! to says the list of members.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName as TlsName, UnixTime};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    ServerConfig, SignatureScheme,
};
use spoolsuite::model::{Failure, FailureKind};

use crate::Purpose;
use crate::clock::Clock;
use crate::place::Credentials;
use crate::stream::{self, Secure};
use crate::token;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Damaged, format!("the certificates of this server cannot be used: {error}"))
}

/// Whom a client believes.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Servers of this authority.
    Authority(CertificateDer<'static>),
    /// Servers of the authority whose certificate has this digest, and comes with theirs.
    Digest(String),
}

/// Judges the certificate of a server.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &TlsName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = match &self.trust {
            Trust::Authority(authority) => authority.clone(),
            Trust::Digest(digest) => {
                let known = others.iter().find(|other| token::digest(other) == *digest);
                known.ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?.clone().into_owned()
            }
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority)?;
        let certificate = ParsedCertificate::try_from(certificate)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &roots, others, now, algorithms)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What a server shows and demands.
///
/// # Errors
/// When its own certificates cannot be used.
pub fn server(own: Credentials, clock: &Clock) -> Result<Arc<ServerConfig>, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(own.authority.clone()).map_err(unusable)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        // Who joins has none yet; without one there is nothing else to be had.
        .allow_unauthenticated()
        .build()
        .map_err(unusable)?;
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(clock.clone()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unusable)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own.certificate, own.authority], own.key)
        .map_err(unusable)?;
    config.alpn_protocols = Purpose::ALL.iter().map(|purpose| purpose.protocol().to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Who a client is.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    purpose: Purpose,
}

impl Client {
    /// Somebody with a certificate.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn member(own: Credentials, purpose: Purpose, clock: &Clock) -> Result<Self, Failure> {
        let builder = builder(Trust::Authority(own.authority.clone()), clock)?;
        let config = builder.with_client_auth_cert(vec![own.certificate, own.authority], own.key).map_err(unusable)?;
        Ok(Self::of(config, purpose))
    }

    /// Somebody who was invited, and has no certificate yet.
    ///
    /// # Errors
    /// Never for a digest; the same as of a member otherwise.
    pub fn invited(trust: Trust, clock: &Clock) -> Result<Self, Failure> {
        Ok(Self::of(builder(trust, clock)?.with_no_client_auth(), Purpose::Join))
    }

    fn of(mut config: ClientConfig, purpose: Purpose) -> Self {
        config.alpn_protocols = vec![purpose.protocol().to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Self { config, purpose }
    }

    /// Connects to the server at `address`, within `patience`.
    ///
    /// # Errors
    /// `Unreachable`: the words begin with the address and what is the matter.
    pub fn connect(self, address: &str, patience: Duration) -> Result<Secure<ClientConnection>, Failure> {
        let until = Instant::now().checked_add(patience).unwrap_or_else(Instant::now);
        let timed = stream::connect(address, until).map_err(|error| Trouble::of(&error).failure(address, &error))?;
        // The name is not looked at: the verifier knows whom it believes.
        let name = TlsName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
        let connection = ClientConnection::new(Arc::new(self.config), name).map_err(unusable)?;
        let secure =
            Secure::shake(connection, timed, until).map_err(|error| Trouble::of(&error).failure(address, &error))?;
        if secure.purpose() != Some(self.purpose) {
            return Err(Trouble::Version.failure(address, &io::Error::other("it does not know what we want of it")));
        }
        Ok(secure)
    }
}

fn builder(
    trust: Trust,
    clock: &Clock,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, Failure> {
    let builder = ClientConfig::builder_with_details(provider(), Arc::new(clock.clone()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unusable)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier { trust, provider: provider() })))
}

/// Why a server is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody listens there, or there is no such host.
    NoServer,
    /// The server does not let us in.
    Refused,
    /// The certificate of the server, or ours, is none that counts.
    Certificate,
    /// The server is of another version, or no server of ours.
    Version,
    /// No answer in time.
    Timeout,
    /// The connection was lost.
    Lost,
}

impl Trouble {
    /// What an error means.
    pub fn of(error: &io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            return match tls {
                Error::InvalidCertificate(_) => Self::Certificate,
                Error::AlertReceived(
                    AlertDescription::BadCertificate
                    | AlertDescription::CertificateExpired
                    | AlertDescription::CertificateRevoked
                    | AlertDescription::CertificateUnknown
                    | AlertDescription::CertificateRequired
                    | AlertDescription::UnsupportedCertificate
                    | AlertDescription::UnknownCA
                    | AlertDescription::DecryptError,
                ) => Self::Certificate,
                Error::AlertReceived(AlertDescription::AccessDenied) => Self::Refused,
                _ => Self::Version,
            };
        }
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout,
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Lost,
            _ => Self::NoServer,
        }
    }

    /// Its words; each trouble has its own.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoServer => "no server",
            Self::Refused => "refused",
            Self::Certificate => "wrong certificate",
            Self::Version => "other version",
            Self::Timeout => "timeout",
            Self::Lost => "connection lost",
        }
    }

    /// The exit status of `pdconnect`.
    pub fn status(self) -> u8 {
        match self {
            Self::NoServer => 10,
            Self::Refused => 11,
            Self::Certificate => 12,
            Self::Version => 13,
            Self::Timeout => 14,
            Self::Lost => 15,
        }
    }

    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::NoServer, Self::Refused, Self::Certificate, Self::Version, Self::Timeout, Self::Lost];

    /// The failure of a server at `address`, with the way out.
    pub fn failure(self, address: &str, why: &dyn std::fmt::Display) -> Failure {
        let failure = Failure::new(FailureKind::Unreachable, format!("{address}: {}: {why}", self.words()));
        match self {
            Self::NoServer => failure.hint("pdserver --listen ADDR:PORT is what listens there"),
            Self::Certificate => {
                failure.hint("an administrator invites anew: pdserver invite NAME, and pdserver join uses the token")
            }
            Self::Version => failure.hint("use the newer spoolsuite on both sides"),
            Self::Refused | Self::Timeout | Self::Lost => failure,
        }
    }
}
