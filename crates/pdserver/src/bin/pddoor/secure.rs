//! TLS at a door: the octets of a connection on the side of a server.
//!
//! The key is not here. What a connection has to sign is signed by the server, which signs nothing but the proof of a handshake.
//! Nothing is resumed, so that each connection costs the same and none keeps anything.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig, ServerConnection};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use spoolsuite::model::door::DoorTls;

use super::link::Link;

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

/// What the connections of a door have in common.
///
/// # Errors
/// When there is no TLS 1.3 to be had.
pub fn config(tls: &DoorTls, link: &Arc<Link>) -> Result<Arc<ServerConfig>, String> {
    let schemes = tls.schemes.iter().map(|scheme| SignatureScheme::from(*scheme)).collect();
    let key = FarKey { link: Arc::clone(link), schemes };
    let chain = tls.chain.iter().map(|one| CertificateDer::from(one.clone())).collect();
    let certified = Arc::new(CertifiedKey::new(chain, Arc::new(key)));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| error.to_string())?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(One(certified)));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A session of TLS over a socket that does not block.
pub struct Session {
    session: Box<ServerConnection>,
    /// Octets that were written to the socket.
    written: u64,
}

fn broken(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Session {
    /// One that has read these octets.
    ///
    /// # Errors
    /// When they are no TLS.
    pub fn begin(config: &Arc<ServerConfig>, octets: &[u8]) -> io::Result<Self> {
        let mut session = ServerConnection::new(Arc::clone(config)).map_err(broken)?;
        session.set_buffer_limit(Some(MOST_WAITING));
        let mut session = Self { session: Box::new(session), written: 0 };
        let mut left = octets;
        while !left.is_empty() {
            session.session.read_tls(&mut left)?;
            session.session.process_new_packets().map_err(broken)?;
        }
        Ok(session)
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
