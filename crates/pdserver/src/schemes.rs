//! The kinds of signatures by which clients show that a certificate is theirs: the process of a door offers them, and the server,
//! which looks at the signatures, takes no others.

use rustls::SignatureScheme;

/// Those of TLS 1.3.
pub const OF_CLIENTS: [SignatureScheme; 6] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ED25519,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
];
