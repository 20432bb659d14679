//! What connections cost that say nothing, at a door that speaks TLS.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "inside of what is timed an error has nowhere to go; a figure without it is none"
)]

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};

use super::support::doors::Served;
use super::support::printer::{private_kib, process_cpu};
use super::support::table::{Goal, Row, Table, Unit};
use super::support::{DEADLINE, Size, fsync_p50};

/// Who measures memory asks for no name.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}

fn sealed(at: SocketAddr, config: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let socket = TcpStream::connect(at).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let connection = ClientConnection::new(Arc::clone(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    stream
}

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let served = match Served::start() {
        Ok(served) => served,
        Err(why) => {
            table.left_out("connections by TLS", &why);
            return Ok(());
        }
    };
    let fsync = fsync_p50(served.dir.path());
    let many = ["--tls", "true", "--max-per-peer", "3000", "--max-connections", "3000", "--timeout", "600"];
    let at = served.door("ipps1", "ipp", &many);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    let config = Arc::new(config);
    let process = served.newest_door();
    let crowd: Vec<_> = (0..size.pick(20, 1_000)).map(|_| sealed(at, &config)).collect();
    let before = process_cpu(process);
    std::thread::sleep(size.pick(Duration::from_millis(200), Duration::from_secs(10)));
    let cpu = process_cpu(process) - before;
    let memory = private_kib(process) / 1024.0;
    drop(crowd);
    let what = "1,000 connections by TLS at an ipp door that say nothing: memory";
    table.add(Row::limit(what, Unit::Mib, memory, None, Goal::AtMost(48.0), fsync));
    let what = "the same by TLS: processor time in 10 s";
    table.add(Row::limit(what, Unit::Seconds, cpu, None, Goal::AtMost(0.02), fsync));
    Ok(())
}
