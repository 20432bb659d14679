//! What an administrator hands to somebody who is to become a member.
//!
//! `pd1:KIND:NAME:SECRET:AUTHORITY`. KIND is `server` or `person`. SECRET is random; the inviting server keeps only its digest.
//! AUTHORITY is the digest of the authority's certificate: whoever joins trusts nobody else, so the secret goes to no other server.

use std::str::FromStr;

use spoolsuite::model::{Failure, FailureKind, ServerName};

use crate::members::Role;

/// Octets of the longest token that is read.
const LONGEST: usize = 512;
/// Characters of a secret and of a digest, in hexadecimal digits.
const SECRET: usize = 32;
const DIGEST: usize = 64;

/// An invitation in the hand of the one who was invited.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What the one who joins becomes.
    pub role: Role,
    /// Its name.
    pub name: ServerName,
    /// What proves that it was invited.
    pub secret: String,
    /// Digest of the authority's certificate.
    pub authority: String,
}

// Never the secret: tokens must not get into a log.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("role", &self.role).field("name", &self.name).finish_non_exhaustive()
    }
}

/// The digest of a secret or a certificate, in hexadecimal digits.
pub fn digest(octets: &[u8]) -> String {
    blake3::hash(octets).to_hex().to_string()
}

/// A new secret.
///
/// # Errors
/// When the kernel gives no random octets.
pub fn new_secret() -> Result<String, Failure> {
    let mut octets = [0; SECRET / 2];
    getrandom::fill(&mut octets)
        .map_err(|error| Failure::new(FailureKind::Io, format!("no random octets: {error}")))?;
    Ok(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pd1:{}:{}:{}:{}", self.role.word(), self.name, self.secret, self.authority)
    }
}

impl FromStr for Token {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let bad = || {
            Failure::new(FailureKind::BadValue, "that is no token")
                .hint("pdserver invite NAME, at the first server of the group, prints one")
        };
        if text.len() > LONGEST {
            return Err(bad());
        }
        let parts: Vec<&str> = text.trim().split(':').collect();
        let ["pd1", role, name, secret, authority] = parts[..] else { return Err(bad()) };
        let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|c| c.is_ascii_hexdigit());
        if !is_hex(secret, SECRET) || !is_hex(authority, DIGEST) {
            return Err(bad());
        }
        Ok(Self {
            role: Role::of_word(role).ok_or_else(bad)?,
            name: name.parse().map_err(|_| bad())?,
            secret: secret.to_ascii_lowercase(),
            authority: authority.to_ascii_lowercase(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_printed_and_nothing_else_is_one() {
        let token = Token {
            role: Role::Server,
            name: "acme2".parse().unwrap(),
            secret: new_secret().unwrap(),
            authority: digest(b"certificate"),
        };
        let text = token.to_string();
        assert_eq!(text.parse::<Token>().unwrap(), token);
        assert!(!format!("{token:?}").contains(&token.secret));
        let (secret, authority) = (&token.secret, &token.authority);
        let short = &secret[1..];
        for bad in [
            String::new(),
            text[..text.len() - 1].to_owned(),
            format!("{text}0"),
            format!("{text}:x"),
            text.replace("pd1", "pd2"),
            text.replace(":server:", ":root:"),
            text.replace("acme2", "../acme2"),
            text.replace("acme2", ""),
            format!("pd1:server:acme2:{short}g:{authority}"),
            "x".repeat(1 << 20),
        ] {
            assert!(bad.parse::<Token>().is_err(), "{bad:.80}");
        }
    }
}
