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
    group.admit(member(&own, server, Role::Server, host, now), false);
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

/// Admits somebody who was invited, or renews the certificate of a member: signs the request, and puts him into the list. The
/// invitation is used up before the certificate leaves; a crash in between costs a new invitation, never a second member.
///
/// # Errors
/// Why he is refused, or when the place cannot be written.
pub fn admit(
    place: &Place,
    request: &[u8],
    (role, name, host): (Role, &ServerName, &str),
    secret: Option<&str>,
    now: u64,
) -> Result<(CertificateDer<'static>, Group), Failure> {
    let issuer = issuer(place)?;
    let _lock = place.lock()?;
    if let Some(secret) = secret
        && let Some(why) = judge(place, secret, role, name, now)?
    {
        return Err(Failure::new(FailureKind::Security, why));
    }
    let certificate = sign(&issuer, request, name, role, now)?;
    if secret.is_some() && !place.use_up(name)? {
        return Err(Failure::new(FailureKind::Security, "the token was used already"));
    }
    let mut group = place.group()?;
    group.admit(member(&certificate, name, role, host, now), secret.is_none());
    place.set_group(&group)?;
    Ok((certificate, group))
}
