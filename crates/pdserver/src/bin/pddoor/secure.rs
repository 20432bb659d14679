//! TLS at a door: the octets of a connection on the side of a server.
//!
//! The key is not here. What a connection has to sign is signed by the server, which signs nothing but the proof of a handshake.
//! Nothing is resumed, so that each connection costs the same and none keeps anything.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pdgroup::schemes;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig, ServerConnection};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    CertificateError, ConfigBuilder, DigitallySignedStruct, DistinguishedName, Error, SignatureAlgorithm,
    SignatureScheme, WantsVerifier,
};
use spoolsuite::model::door::{ClientFault, ClientProof, DoorLogOn, DoorLogin, DoorTls};

use super::link::{Link, LogOn};

/// Octets that a session keeps at most because the other side does not read.
const MOST_WAITING: usize = 256 * 1024;
/// The octet with which TLS begins, and no request of HTTP does.
pub const BEGINS: u8 = 0x16;

/// A key that is elsewhere.
#[derive(Clone)]
struct FarKey {
    link: Arc<Link>,
    schemes: Vec<SignatureScheme>,
}

impl fmt::Debug for FarKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key of the server")
    }
}

impl SigningKey for FarKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = self.schemes.iter().copied().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(FarSigner { link: Arc::clone(&self.link), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.schemes.first() {
            Some(SignatureScheme::ED25519) => SignatureAlgorithm::ED25519,
            Some(SignatureScheme::ECDSA_NISTP256_SHA256 | SignatureScheme::ECDSA_NISTP384_SHA384) => {
                SignatureAlgorithm::ECDSA
            }
            _ => SignatureAlgorithm::RSA,
        }
    }
}

struct FarSigner {
    link: Arc<Link>,
    scheme: SignatureScheme,
}

impl fmt::Debug for FarSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a signer of the server")
    }
}

impl Signer for FarSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.link.sign(u16::from(self.scheme), message).map_err(|failure| Error::General(failure.message))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// Shows the one certificate of a door.
#[derive(Debug)]
struct One(Arc<CertifiedKey>);

impl ResolvesServerCert for One {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// What a connection shows of its client: the certificate goes to the server, with the proof that belongs to this handshake.
struct FarClients {
    link: Arc<Link>,
    peer: Option<IpAddr>,
    authorities: Arc<[DistinguishedName]>,
    required: bool,
    chain: Mutex<Vec<Vec<u8>>>,
    log_on: Arc<OnceLock<LogOn>>,
}

impl fmt::Debug for FarClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server knows the clients")
    }
}

impl ClientCertVerifier for FarClients {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.authorities
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // It is looked at when its proof is here, which the handshake does not go without.
        let chain = std::iter::once(own).chain(issuers).map(|one| one.to_vec()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("this is TLS 1.3".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        _: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let chain = std::mem::take(&mut *self.chain.lock().unwrap_or_else(PoisonError::into_inner));
        let proof = ClientProof {
            chain,
            scheme: u16::from(signed.scheme),
            message: message.to_vec(),
            signature: signed.signature().to_vec(),
        };
        let asked = self.link.client(proof, self.peer).map_err(|failure| Error::General(failure.message))?;
        let log_on = asked.map_err(|fault| {
            Error::InvalidCertificate(match fault {
                ClientFault::Expired => CertificateError::Expired,
                ClientFault::Revoked => CertificateError::Revoked,
                ClientFault::Foreign => CertificateError::UnknownIssuer,
                ClientFault::Nameless | ClientFault::Other(_) => CertificateError::ApplicationVerificationFailure,
            })
        })?;
        // It is set once: a connection has one handshake.
        let _ = self.log_on.set(log_on);
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        schemes::OF_CLIENTS.to_vec()
    }
}

/// What the connections of a door have in common.
pub struct Offer {
    certified: Arc<CertifiedKey>,
    link: Arc<Link>,
    /// The authorities of clients, and whether a connection needs one of them.
    clients: Option<(Arc<[DistinguishedName]>, bool)>,
    /// What a connection has whose client shows nothing.
    plain: Arc<ServerConfig>,
}

fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| error.to_string())
}

fn set_up(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// What the connections of a door have in common.
///
/// # Errors
/// When there is no TLS 1.3 to be had.
pub fn offer(tls: &DoorTls, log_on: &DoorLogOn, link: &Arc<Link>) -> Result<Arc<Offer>, String> {
    let schemes = tls.schemes.iter().map(|scheme| SignatureScheme::from(*scheme)).collect();
    let key = FarKey { link: Arc::clone(link), schemes };
    let chain = tls.chain.iter().map(|one| CertificateDer::from(one.clone())).collect();
    let certified = Arc::new(CertifiedKey::new(chain, Arc::new(key)));
    let plain = builder()?.with_no_client_auth().with_cert_resolver(Arc::new(One(Arc::clone(&certified))));
    let clients = tls.authorities.as_ref().map(|names| {
        let names: Vec<DistinguishedName> = names.iter().map(|name| DistinguishedName::from(name.clone())).collect();
        // Where a password will do, whoever has no certificate is asked for it.
        (Arc::from(names), log_on.is_required() && !log_on.pam)
    });
    Ok(Arc::new(Offer { certified, link: Arc::clone(link), clients, plain: set_up(plain) }))
}

impl Offer {
    /// What one connection has, and where it stands who has logged on by it.
    fn config(&self, peer: Option<IpAddr>) -> Result<(Arc<ServerConfig>, Arc<OnceLock<LogOn>>), String> {
        let log_on = Arc::new(OnceLock::new());
        let Some((authorities, required)) = &self.clients else { return Ok((Arc::clone(&self.plain), log_on)) };
        let clients = FarClients {
            link: Arc::clone(&self.link),
            peer,
            authorities: Arc::clone(authorities),
            required: *required,
            chain: Mutex::default(),
            log_on: Arc::clone(&log_on),
        };
        let builder = builder()?.with_client_cert_verifier(Arc::new(clients));
        Ok((set_up(builder.with_cert_resolver(Arc::new(One(Arc::clone(&self.certified))))), log_on))
    }
}

/// A session of TLS over a socket that does not block.
pub struct Session {
    session: Box<ServerConnection>,
    /// Octets that were written to the socket.
    written: u64,
    /// Who has logged on with a certificate.
    log_on: Arc<OnceLock<LogOn>>,
}

fn broken(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Session {
    /// One that has read these octets.
    ///
    /// # Errors
    /// When they are no TLS.
    pub fn begin(offer: &Offer, peer: Option<IpAddr>, octets: &[u8]) -> io::Result<Self> {
        let (config, log_on) = offer.config(peer).map_err(io::Error::other)?;
        let mut session = ServerConnection::new(config).map_err(broken)?;
        session.set_buffer_limit(Some(MOST_WAITING));
        let mut session = Self { session: Box::new(session), written: 0, log_on };
        let mut left = octets;
        while !left.is_empty() {
            session.session.read_tls(&mut left)?;
            session.session.process_new_packets().map_err(broken)?;
        }
        Ok(session)
    }

    /// What stands for whoever has logged on with a certificate.
    pub fn login(&self) -> Option<&DoorLogin> {
        self.log_on.get().map(|log_on| &log_on.login)
    }

    /// Whether a certificate that was shown may still be relied on.
    pub fn is_fresh(&self) -> bool {
        self.log_on.get().is_none_or(LogOn::is_fresh)
    }

    /// Octets that were written to the socket.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Whether the handshake is over.
    pub fn is_open(&self) -> bool {
        !self.session.is_handshaking()
    }

    /// Whether something waits to be written to the socket.
    pub fn waits(&self) -> bool {
        self.session.wants_write()
    }

    /// Writes what waits, as far as the socket takes it now.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn flush(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(socket) {
                Ok(n) => self.written += n as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what has come; none of it in clear is `WouldBlock`, and the end of the session is 0.
    ///
    /// # Errors
    /// When the connection is broken, or what comes is no TLS.
    pub fn read(&mut self, socket: &mut (impl Read + Write), buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                // A connection that just ends is for HTTP to judge: it knows what is missing.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            self.flush(socket)?;
            let n = self.session.read_tls(socket)?;
            let processed = self.session.process_new_packets();
            // Why not is told to the other side, if it still reads.
            let flushed = self.flush(socket);
            processed.map_err(broken)?;
            flushed?;
            if n == 0 && self.session.is_handshaking() {
                return Ok(0);
            }
        }
    }

    /// Takes octets to be written; 0 when none are taken before others have gone.
    ///
    /// # Errors
    /// When the session is broken.
    pub fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.session.writer().write(octets)
    }

    /// Says that nothing follows.
    pub fn end(&mut self, socket: &mut impl Write) {
        self.session.send_close_notify();
        let _ = self.flush(socket);
    }
}
