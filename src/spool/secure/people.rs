//! Users as the site has described them: objects of the class `user`, and realms and rules of the server.

use crate::model::Caller;
use crate::model::authority::NOBODY;
use crate::model::identity::{Directory, Person, Realms, Rule};
use crate::model::object::ObjectClass;
use crate::store::managed::Holder;
use crate::store::{self, Fallible, Tx};

use super::{given, texts};
use crate::spool::Spool;

impl Spool {
    /// Returns all that is known of users. What holds now counts, not what held when a job came.
    pub(crate) fn directory(&self, tx: &Tx<'_>) -> Fallible<Directory> {
        let server = store::managed::of(tx, Holder::Spool)?;
        let own = self.server().to_string();
        let usual = texts(given(&server, "default-realm")).pop().unwrap_or_else(|| own.clone());
        let aliases =
            texts(given(&server, "identity-realms")).iter().filter_map(|line| Realms::alias(line).ok()).collect();
        // They were checked when they were set. One that another version understands and this one does not fits nobody.
        let rules = texts(given(&server, "identity-rules")).iter().filter_map(|text| Rule::new(text).ok()).collect();
        let mut people: Vec<Person> = Vec::new();
        store::object::each_value(tx, ObjectClass::User, |name, value| {
            if people.last().is_none_or(|last| last.name != name) {
                people.push(Person { name, ..Person::default() });
            }
            match (people.last_mut(), value) {
                (Some(person), Some((attribute, text))) if attribute == "aliases" => person.aliases.push(text),
                (Some(person), Some((attribute, text))) if attribute == "delegates" => person.delegates.push(text),
                (Some(person), Some((attribute, text))) if attribute == "public-name" => {
                    person.public_name = Some(text);
                }
                _ => {}
            }
        })?;
        Ok(Directory { realms: Realms { usual, aliases, exact: own }, people, rules })
    }
}

/// Returns the name by which somebody is looked for: the login name of a user of this machine, and `user@host` of everybody else.
/// Whoever writes the name of a user of this machine into a request from elsewhere is not that user, unless the site has
/// described him so.
pub(super) fn name_of(uid: u32, user_at_host: &str) -> String {
    let login = user_at_host.split_once('@').map_or(user_at_host, |(login, _)| login);
    if uid < NOBODY { login.to_owned() } else { user_at_host.to_owned() }
}

/// Whose jobs somebody may release.
pub(crate) struct Reach {
    /// The keys of his own jobs.
    pub(crate) own: Vec<String>,
    /// Those of users who have named him as a delegate.
    pub(crate) delegated: Vec<String>,
}

impl Reach {
    /// That of a user.
    pub(crate) fn of(directory: &Directory, caller: &Caller) -> Self {
        Self::named(directory, &name_of(caller.uid, &caller.identity()))
    }

    /// That of somebody for whom another server speaks. His login is one of that server, `login@server`, also where an account here
    /// has the same name: only the site says that the two are one person.
    pub(crate) fn asserted(directory: &Directory, caller: &Caller) -> Self {
        Self::named(directory, &caller.identity())
    }

    fn named(directory: &Directory, user: &str) -> Self {
        let own = directory.keys_of(user);
        let of_others = directory.delegated_to(user).into_iter().flat_map(|person| directory.keys_of(&person.name));
        let delegated = of_others.filter(|key| !own.contains(key)).collect();
        Self { own, delegated }
    }

    /// Whether he may release the jobs of an owner.
    pub(crate) fn has(&self, owner: &str) -> bool {
        self.own.iter().chain(&self.delegated).any(|key| key == owner)
    }

    /// Every key.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &String> {
        self.own.iter().chain(&self.delegated)
    }
}
