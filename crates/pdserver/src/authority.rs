//! The private authority of a group: it signs the certificates of members, and nobody else's.
//!
//! Of a request it takes the key alone. What the certificate says is decided here: a server's may serve and ask, a person's may
//! only ask.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use spoolsuite::model::{Failure, FailureKind, ServerName};

use crate::members::{DAY, Group, Member, Role};
use crate::place::{Invitation, Place};
use crate::token::{self, Token};

/// How long the authority's certificate is good.
const AUTHORITY: u64 = 20 * 365 * DAY;
/// How long a member's is.
pub const MEMBER: u64 = 365 * DAY;
/// How long an invitation is.
pub const INVITATION: u64 = DAY;
/// How far clocks may differ when a certificate begins.
const SKEW: u64 = 3600;

fn made(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Io, format!("the certificate cannot be made: {error}"))
}

fn params(name: &str, begins: u64, ends: u64) -> Result<CertificateParams, Failure> {
    let time = |at: u64| {
        let seconds = i64::try_from(at).map_err(made)?;
        time::OffsetDateTime::from_unix_timestamp(seconds).map_err(made)
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "spoolsuite");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = time(begins.saturating_sub(SKEW))?;
    params.not_after = time(ends)?;
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// A new key and the request to sign it.
///
/// # Errors
/// When the kernel gives no random octets.
pub fn new_request(name: &ServerName) -> Result<(KeyPair, Vec<u8>), Failure> {
    let key = KeyPair::generate().map_err(made)?;
    let mut request = params(name.as_str(), 0, DAY)?;
    request.use_authority_key_identifier_extension = false;
    let request = request.serialize_request(&key).map_err(made)?;
    Ok((key, request.der().to_vec()))
}

/// Makes the authority and the certificate of the first server, where there is none.
///
/// # Errors
/// When the place is a member of another group, or cannot be written.
pub fn found(place: &Place, server: &ServerName, host: &str, now: u64) -> Result<(), Failure> {
    place.make()?;
    let _lock = place.lock()?;
    if place.has_authority() && place.is_member() {
        return Ok(());
    }
    if place.is_member() {
        let first = place.group()?.first;
        return Err(Failure::new(FailureKind::State, format!("the authority of this group is at {first}"))
            .hint(format!("invite at {first}")));
    }
    let key = KeyPair::generate().map_err(made)?;
    let mut params = params(&format!("authority of {server}"), now, now.saturating_add(AUTHORITY))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let certificate = params.self_signed(&key).map_err(made)?;
    let issuer = Issuer::new(params, key);
    let (own_key, request) = new_request(server)?;
    let own = sign(&issuer, &request, server, Role::Server, now)?;
    let mut group = Group { generation: 0, first: server.clone(), members: Vec::new() };
    group.admit(member(&own, server, Role::Server, host, now), None);
    // `own.pem` last: until it is there, there is no group, and the next attempt begins anew.
    place.write("authority.pem", certificate.pem().as_bytes())?;
    place.write("group.json", &serde_json::to_vec_pretty(&group).map_err(made)?)?;
    place.write("authority.key", issuer.key().serialize_pem().as_bytes())?;
    place.set_own(&own, &own_key, now.saturating_add(MEMBER))
}

fn member(certificate: &[u8], name: &ServerName, role: Role, host: &str, now: u64) -> Member {
    Member {
        name: name.clone(),
        role,
        certificate: token::digest(certificate),
        before: None,
        ends: now.saturating_add(MEMBER),
        address: None,
        host: host.to_owned(),
        uid: 0,
        revoked: None,
    }
}

fn issuer(place: &Place) -> Result<Issuer<'static, KeyPair>, Failure> {
    let Some(key) = place.read("authority.key")? else {
        let first = place.group()?.first;
        return Err(Failure::new(FailureKind::State, format!("the authority of this group is at {first}"))
            .hint(format!("do that at {first}")));
    };
    let key = KeyPair::from_pem(&String::from_utf8_lossy(&key)).map_err(made)?;
    Issuer::from_ca_cert_der(&place.authority()?, key).map_err(made)
}

fn sign(
    issuer: &Issuer<'_, KeyPair>,
    request: &[u8],
    name: &ServerName,
    role: Role,
    now: u64,
) -> Result<CertificateDer<'static>, Failure> {
    let request =
        CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request)).map_err(|error| {
            Failure::new(FailureKind::BadValue, format!("that is no request for a certificate: {error}"))
        })?;
    let mut params = params(name.as_str(), now, now.saturating_add(MEMBER))?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = match role {
        Role::Server => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        Role::Person => vec![ExtendedKeyUsagePurpose::ClientAuth],
    };
    let certificate = params.signed_by(&request.public_key, issuer).map_err(made)?;
    Ok(certificate.der().clone())
}

/// Invites somebody: the token that he needs. An earlier invitation of the same name is void.
///
/// # Errors
/// When the authority is elsewhere, or a member of the other kind has that name.
pub fn invite(place: &Place, name: &ServerName, role: Role, now: u64) -> Result<Token, Failure> {
    let _lock = place.lock()?;
    let group = place.group()?;
    if !place.has_authority() {
        return Err(Failure::new(FailureKind::State, format!("the authority of this group is at {}", group.first))
            .hint(format!("invite at {}", group.first)));
    }
    if let Some(member) = group.member(name).filter(|member| member.role != role) {
        let what = format!("{name} is the name of a {} of this group", member.role.word());
        return Err(Failure::new(FailureKind::BadValue, what));
    }
    if *name == group.first {
        return Err(Failure::new(FailureKind::BadValue, format!("{name} is the first server of this group")));
    }
    let secret = token::new_secret()?;
    let authority = token::digest(&place.authority()?);
    let ends = now.saturating_add(INVITATION);
    let kept = Invitation { secret: token::digest(secret.as_bytes()), role, name: name.clone(), ends };
    place.invite(&kept)?;
    Ok(Token { role, name: name.clone(), secret, authority })
}

/// Why an invitation does not hold; none when it does.
///
/// # Errors
/// When the place cannot be read.
pub fn judge(place: &Place, secret: &str, role: Role, name: &ServerName, now: u64) -> Result<Option<String>, Failure> {
    let why = match place.invitation(name)? {
        // Digests are compared, so how long it takes tells nothing of the secret.
        Some(kept) if kept.secret == token::digest(secret.as_bytes()) && kept.role == role && kept.name == *name => {
            (kept.ends <= now).then(|| "the token is too old".to_owned())
        }
        _ => Some("the token is not valid, or was used already".to_owned()),
    };
    Ok(why)
}

/// Why somebody gets a certificate.
#[derive(Clone, Copy, Debug)]
pub enum Grounds<'a> {
    /// He was invited, and knows the secret.
    Invited(&'a str),
    /// He is a member, and showed the certificate with this digest.
    Renews(&'a str),
    /// It is the server that has the authority.
    Own,
}

/// Admits somebody who was invited, or renews the certificate of a member: signs the request, and puts him into the list. The
/// invitation is used up before the certificate leaves; a crash in between costs a new invitation, never a second member.
///
/// Can he be revoked meanwhile? Then the list that is read under the lock says so, and nothing is signed.
///
/// # Errors
/// Why he is refused, or when the place cannot be written.
pub fn admit(
    place: &Place,
    request: &[u8],
    (role, name, host): (Role, &ServerName, &str),
    grounds: Grounds<'_>,
    now: u64,
) -> Result<(CertificateDer<'static>, Group), Failure> {
    let issuer = issuer(place)?;
    let _lock = place.lock()?;
    let mut group = place.group()?;
    let refused = |why: String| Err(Failure::new(FailureKind::Security, why));
    let known = group.member(name);
    let before = match grounds {
        Grounds::Invited(secret) => match judge(place, secret, role, name, now)? {
            Some(why) => return refused(why),
            None => None,
        },
        Grounds::Renews(shown) => {
            let is_its = |member: &&Member| member.certificate == shown || member.before.as_deref() == Some(shown);
            match known.filter(is_its) {
                None => return refused(format!("{name} has another certificate now")),
                Some(member) if member.revoked.is_some() => {
                    return refused(format!("the membership of {} {name} was revoked", member.role.word()));
                }
                Some(_) => Some(shown.to_owned()),
            }
        }
        Grounds::Own => known.map(|member| member.certificate.clone()),
    };
    let certificate = sign(&issuer, request, name, role, now)?;
    if matches!(grounds, Grounds::Invited(_)) && !place.use_up(name)? {
        return refused("the token was used already".to_owned());
    }
    group.admit(member(&certificate, name, role, host, now), before.as_deref());
    place.set_group(&group)?;
    Ok((certificate, group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ServerName {
        text.parse().unwrap()
    }

    /// A group with the member `acme2`, and the digest of his certificate.
    fn group_of_two() -> (tempfile::TempDir, Place, String) {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::at(dir.path().join("tls"));
        found(&place, &name("acme1"), "h", 1000).unwrap();
        let invited = invite(&place, &name("acme2"), Role::Server, 1000).unwrap();
        let (certificate, _) = admitted(&place, Grounds::Invited(&invited.secret)).unwrap();
        (dir, place, certificate)
    }

    fn admitted(place: &Place, grounds: Grounds<'_>) -> Result<(String, Group), Failure> {
        let who = name("acme2");
        let (_, request) = new_request(&who)?;
        let (certificate, group) = admit(place, &request, (Role::Server, &who, "h"), grounds, 1001)?;
        Ok((token::digest(&certificate), group))
    }

    #[test]
    fn who_was_revoked_while_he_asked_gets_no_new_certificate() {
        let (_dir, place, certificate) = group_of_two();
        let mut group = place.group().unwrap();
        group.revoke(&name("acme2"), 1001);
        place.set_group(&group).unwrap();
        let refused = admitted(&place, Grounds::Renews(&certificate)).unwrap_err();
        assert!(refused.message.contains("was revoked"), "{}", refused.message);
        assert_eq!(place.group().unwrap(), group, "he stays revoked");
        // Whoever invites him again takes him back.
        let again = invite(&place, &name("acme2"), Role::Server, 1001).unwrap();
        assert!(admitted(&place, Grounds::Invited(&again.secret)).is_ok());
        assert!(admitted(&place, Grounds::Renews(&certificate)).is_err(), "the old certificate is of no use");
    }

    #[test]
    fn answers_may_be_lost_and_a_certificate_that_was_replaced_renews_nothing() {
        let (_dir, place, first) = group_of_two();
        let (lost, _) = admitted(&place, Grounds::Renews(&first)).unwrap();
        let (second, group) = admitted(&place, Grounds::Renews(&first)).unwrap();
        assert!(group.bearer(&first, 1001).is_ok() && group.bearer(&second, 1001).is_ok());
        assert!(group.bearer(&lost, 1001).is_err(), "nobody has it");
        assert!(admitted(&place, Grounds::Renews(&lost)).is_err());
        let mut group = place.group().unwrap();
        group.uses_new(&second);
        place.set_group(&group).unwrap();
        let refused = admitted(&place, Grounds::Renews(&first)).unwrap_err();
        assert!(refused.message.contains("another certificate"), "{}", refused.message);
    }
}
