//! Becoming a member, and what a member asks the first server for.

use std::time::Duration;

use rustls::ClientConnection;
use spoolsuite::model::{Failure, FailureKind, ServerName};

use crate::clock::Clock;
use crate::members::Group;
use crate::messages::{self, Answer, LONGEST_ANSWER, Question, hex, unhex};
use crate::place::{Joined, Place, pem};
use crate::stream::{HANDSHAKE, Secure};
use crate::tls::{Client, Trouble, Trust};
use crate::token::Token;
use crate::{Purpose, authority};

/// A conversation with the first server.
pub struct Conversation {
    stream: Secure<ClientConnection>,
    address: String,
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.stream.end();
    }
}

impl Conversation {
    /// Connects as `client` does.
    ///
    /// # Errors
    /// `Unreachable`, with what is the matter.
    pub fn with(client: Client, address: &str) -> Result<Self, Failure> {
        Ok(Self { stream: client.connect(address, HANDSHAKE)?, address: address.to_owned() })
    }

    /// Connects as a member.
    ///
    /// # Errors
    /// See above.
    pub fn of_member(place: &Place, address: &str, clock: &Clock) -> Result<Self, Failure> {
        Self::with(Client::member(place.credentials()?, Purpose::Group, clock)?, address)
    }

    /// Asks, and waits `patience` for the answer.
    ///
    /// # Errors
    /// `Security` with the words of a refusal; `Unreachable` when no answer comes.
    pub fn ask(&mut self, question: &Question, patience: Duration) -> Result<Answer, Failure> {
        self.stream.timed().set_patience(patience);
        let lost = |error: std::io::Error| Trouble::of(&error).failure(&self.address, &error);
        // One that refuses may have closed the connection already, with words that can still be read.
        let sent = messages::write(&mut self.stream, question);
        let answer = messages::read::<Answer>(&mut self.stream, LONGEST_ANSWER);
        match (answer, sent) {
            (Ok(Some(Answer::Refused(why))), _) => {
                Err(Failure::new(FailureKind::Security, format!("{}: refused: {why}", self.address)))
            }
            (Ok(Some(answer)), _) => Ok(answer),
            (Err(error), _) | (Ok(None), Err(error)) => Err(lost(error)),
            (Ok(None), Ok(())) => Err(lost(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Cuts it, from another thread.
    pub fn cutter(&self) -> spoolsuite::client::peer::Cutter {
        spoolsuite::client::peer::PeerStream::cutter(&self.stream)
    }
}

/// How long an answer may take that nobody waits for on purpose.
pub const ANSWER: Duration = Duration::from_secs(30);

fn odd(address: &str) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("{address}: other version: that is no answer to what was asked"))
}

/// Becomes a member with `token` at the server at `address`, and keeps everything at `place`. `look` sees the list before the
/// token is used, and may refuse to go on.
///
/// # Errors
/// When the server cannot be reached, is not the one that the token names, or refuses; when `look` does.
pub fn join(
    place: &Place,
    token: &Token,
    (address, host): (&str, &str),
    clock: &Clock,
    look: &dyn Fn(&Group) -> Result<(), Failure>,
) -> Result<Group, Failure> {
    place.make()?;
    let _lock = place.lock()?;
    let mut server = Conversation::with(Client::invited(Trust::Digest(token.authority.clone()), clock)?, address)?;
    let Token { secret, role, name, .. } = token.clone();
    let question = Question::Look { secret: secret.clone(), role, name: name.clone() };
    let Answer::Group(group) = server.ask(&question, ANSWER)? else { return Err(odd(address)) };
    look(&group)?;
    let authority = server.authority(&token.authority).ok_or_else(|| odd(address))?;
    let (key, request) = authority::new_request(&name)?;
    let question = Question::Join { secret, role, name: name.clone(), request: hex(&request), host: host.to_owned() };
    let Answer::Certificate { certificate, group } = server.ask(&question, ANSWER)? else { return Err(odd(address)) };
    let certificate = unhex(&certificate).ok_or_else(|| odd(address))?;
    // `own.pem` last: until it is there, we are no member.
    place.write("authority.pem", pem(&authority).as_bytes())?;
    place.set_joined(&Joined { address: address.to_owned() })?;
    place.set_group(&group)?;
    place.set_own(&certificate, &key, ends(&group, &name))?;
    Ok(group)
}

impl Conversation {
    /// The certificate with that digest among those that the server has shown.
    fn authority(&self, digest: &str) -> Option<Vec<u8>> {
        let shown = self.stream.0.conn.peer_certificates()?;
        shown.iter().find(|shown| crate::token::digest(shown) == digest).map(|found| found.to_vec())
    }
}

/// When the certificate of a member ends.
fn ends(group: &Group, name: &ServerName) -> u64 {
    group.member(name).map_or(0, |member| member.ends)
}

/// Where the first server is, as far as a member knows.
///
/// # Errors
/// `Unreachable` when it does not.
pub fn first_server(place: &Place) -> Result<String, Failure> {
    let group = place.group()?;
    let listed = group.member(&group.first).and_then(|first| first.address.clone());
    // The address at which it was joined is one that reaches it from here.
    let joined = place.joined()?.map(|joined| joined.address);
    joined.or(listed).ok_or_else(|| {
        Failure::new(FailureKind::Unreachable, format!("nobody knows where {} listens", group.first))
            .hint("pdserver --listen ADDR:PORT there says it")
    })
}

/// Makes a new certificate with a new key for the member at `place`.
///
/// # Errors
/// When the first server cannot be reached, or refuses.
pub fn renew(place: &Place, clock: &Clock) -> Result<(), Failure> {
    let digest = crate::token::digest(&place.credentials()?.certificate);
    let group = place.group()?;
    let own = |group: &Group| -> Option<ServerName> {
        let mut found = group.members.iter();
        found
            .find(|member| member.certificate == digest || member.before.as_ref() == Some(&digest))
            .map(|member| member.name.clone())
    };
    let name = own(&group).unwrap_or_else(|| group.first.clone());
    let (key, request) = authority::new_request(&name)?;
    if place.has_authority() {
        let member = group.member(&name).map(|member| (member.role, member.host.clone()));
        let (role, host) =
            member.ok_or_else(|| Failure::new(FailureKind::Damaged, "the first server is not in its own list"))?;
        let (certificate, group) =
            authority::admit(place, &request, (role, &name, &host), authority::Grounds::Own, clock.now())?;
        return place.set_own(&certificate, &key, ends(&group, &name));
    }
    let address = first_server(place)?;
    let mut server = Conversation::of_member(place, &address, clock)?;
    let question = Question::Renew { request: hex(&request) };
    let Answer::Certificate { certificate, group } = server.ask(&question, ANSWER)? else { return Err(odd(&address)) };
    let certificate = unhex(&certificate).ok_or_else(|| odd(&address))?;
    place.set_own(&certificate, &key, ends(&group, &name))?;
    place.set_group(&group)
}

/// Ends the membership, and removes what it consisted of.
///
/// # Errors
/// When the first server cannot be told.
pub fn leave(place: &Place, clock: &Clock) -> Result<(), Failure> {
    if place.has_authority() {
        let group = place.group()?;
        let others =
            group.members.iter().filter(|member| member.revoked.is_none() && member.name != group.first).count();
        if others > 0 {
            let what =
                format!("this is the first server of a group with {others} more members: without it there is no group");
            return Err(Failure::new(FailureKind::State, what).hint("revoke the others first: pdserver revoke NAME"));
        }
    } else {
        let address = first_server(place)?;
        let mut server = Conversation::of_member(place, &address, clock)?;
        let Answer::Done = server.ask(&Question::Leave, ANSWER)? else { return Err(odd(&address)) };
    }
    for name in ["own.pem", "ends", "authority.key", "authority.pem", "group.json", "joined.json"] {
        place.remove(name)?;
    }
    place.tell();
    Ok(())
}
