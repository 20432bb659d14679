//! Who belongs to a group: one list, which the first server keeps.
//!
//! A member is a name with a role and the digest of its certificate. Every change makes a new generation of the list, so that
//! followers see what they miss, and never go back. A member that was revoked stays in the list, so that its name says why it is
//! refused.

use serde::{Deserialize, Serialize};

use spoolsuite::model::ServerName;

/// The number that stands for the first person whose name is no login; the next ones follow. No login has such a number.
const FIRST_GUEST: u32 = 1 << 31;
/// How long before its end a certificate is said to end.
pub const ANNOUNCED: u64 = 30 * DAY;
/// How long before its end a server asks for a new one.
pub const RENEWED: u64 = 60 * DAY;
/// Seconds of a day.
pub const DAY: u64 = 24 * 3600;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A server of the group.
    Server,
    /// Somebody who uses its servers.
    Person,
}

impl Role {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Person => "person",
        }
    }

    /// The role of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Server, Self::Person].into_iter().find(|role| role.word() == word)
    }
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name: of a server, or a login name.
    pub name: ServerName,
    /// What it is.
    pub role: Role,
    /// Digest of its certificate.
    pub certificate: String,
    /// The one before, which is good until the new one is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// When the certificate ends, in seconds since 1970.
    pub ends: u64,
    /// Where a server listens, `ADDRESS:PORT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The host that it said it joined from.
    pub host: String,
    /// The user id that stands for a person whose name is no login.
    pub uid: u32,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<u64>,
}

/// The list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Grows with every change.
    pub generation: u64,
    /// The server that has the authority.
    pub first: ServerName,
    /// Everybody who ever was a member.
    pub members: Vec<Member>,
}

impl Group {
    /// The member of that name, as it is compared.
    pub fn member(&self, name: &ServerName) -> Option<&Member> {
        self.members.iter().find(|member| member.name == *name)
    }

    fn member_mut(&mut self, name: &ServerName) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.name == *name)
    }

    /// Whom the certificate with this digest belongs to.
    ///
    /// # Errors
    /// Why it is refused, in words.
    pub fn bearer(&self, certificate: &str, now: u64) -> Result<&Member, String> {
        let is_its =
            |member: &&Member| member.certificate == certificate || member.before.as_deref() == Some(certificate);
        match self.members.iter().find(is_its) {
            None => Err("its certificate belongs to no member of this group, or was replaced".to_owned()),
            Some(member) if member.revoked.is_some() => {
                Err(format!("the membership of {} {} was revoked", member.role.word(), member.name))
            }
            Some(member) if member.ends <= now => {
                Err(format!("the certificate of {} {} has ended", member.role.word(), member.name))
            }
            Some(member) => Ok(member),
        }
    }

    /// Servers that are members.
    pub fn servers(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.role == Role::Server && member.revoked.is_none())
    }

    /// Puts in a member with a new certificate, or replaces that of a member of the same name and role. Who renews keeps the
    /// certificate that he asked with until he uses the new one: the answer may be lost, even twice.
    pub fn admit(&mut self, mut member: Member, renews: Option<&str>) {
        self.generation += 1;
        let next = self.members.iter().map(|known| known.uid).max().map_or(FIRST_GUEST, |uid| uid.saturating_add(1));
        match self.member_mut(&member.name) {
            Some(known) => {
                // Jobs belong to the number: whoever joins again has his.
                member.uid = known.uid;
                member.before = renews.map(str::to_owned);
                if renews.is_some() {
                    member.address.clone_from(&known.address);
                }
                *known = member;
            }
            None => self.members.push(Member { uid: next, ..member }),
        }
    }

    /// Forgets the certificate before, when the new one was seen. Returns whether that is news.
    pub fn uses_new(&mut self, certificate: &str) -> bool {
        let found = self.members.iter_mut().find(|member| member.certificate == certificate && member.before.is_some());
        match found {
            Some(member) => {
                member.before = None;
                self.generation += 1;
                true
            }
            None => false,
        }
    }

    /// Notes where a server listens. Returns whether that is news.
    pub fn listens_at(&mut self, name: &ServerName, address: &str) -> bool {
        match self.member_mut(name) {
            Some(member) if member.address.as_deref() != Some(address) => {
                member.address = Some(address.to_owned());
                self.generation += 1;
                true
            }
            _ => false,
        }
    }

    /// Revokes a membership. Returns whether that is news; none when there is no such member.
    pub fn revoke(&mut self, name: &ServerName, now: u64) -> Option<bool> {
        let member = self.member_mut(name)?;
        let news = member.revoked.is_none();
        if news {
            member.revoked = Some(now);
            self.generation += 1;
        }
        Some(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, role: Role, certificate: &str) -> Member {
        Member {
            name: name.parse().unwrap(),
            role,
            certificate: certificate.to_owned(),
            before: None,
            ends: 1000,
            address: None,
            host: "h".to_owned(),
            uid: 0,
            revoked: None,
        }
    }

    fn group() -> Group {
        let mut group = Group { generation: 0, first: "acme1".parse().unwrap(), members: Vec::new() };
        group.admit(member("acme1", Role::Server, "c1"), None);
        group.admit(member("ann", Role::Person, "c2"), None);
        group
    }

    #[test]
    fn a_certificate_is_good_until_it_ends_or_is_replaced_or_revoked() {
        let mut group = group();
        assert_eq!(group.bearer("c2", 999).unwrap().name.as_str(), "ann");
        assert!(group.bearer("c2", 1000).unwrap_err().contains("has ended"));
        assert!(group.bearer("c9", 1).unwrap_err().contains("belongs to no member"));
        let uid = group.member(&"ann".parse().unwrap()).unwrap().uid;
        group.admit(member("ANN", Role::Person, "c3"), None);
        assert!(group.bearer("c2", 1).is_err(), "who joins again gives up the certificate before");
        assert_eq!(group.bearer("c3", 1).unwrap().uid, uid);
        group.admit(member("ann", Role::Person, "c4"), Some("c3"));
        assert!(group.bearer("c3", 1).is_ok() && group.bearer("c4", 1).is_ok(), "the answer may be lost");
        assert!(group.uses_new("c4") && !group.uses_new("c4"));
        assert!(group.bearer("c3", 1).is_err());
        assert_eq!(group.revoke(&"ann".parse().unwrap(), 5), Some(true));
        assert!(group.bearer("c4", 6).unwrap_err().contains("was revoked"));
        assert_eq!(group.revoke(&"nobody".parse().unwrap(), 5), None);
    }

    #[test]
    fn each_change_is_a_generation_and_each_person_has_a_number_of_his_own() {
        let mut group = group();
        assert_eq!(group.generation, 2);
        group.admit(member("bob", Role::Person, "c5"), None);
        let uids: std::collections::HashSet<u32> = group.members.iter().map(|member| member.uid).collect();
        assert_eq!(uids.len(), 3);
        assert!(uids.iter().all(|uid| *uid >= FIRST_GUEST));
        assert!(
            group.listens_at(&"acme1".parse().unwrap(), "h:1") && !group.listens_at(&"acme1".parse().unwrap(), "h:1")
        );
        assert_eq!(group.generation, 4);
    }
}
