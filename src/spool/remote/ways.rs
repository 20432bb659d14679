//! Ways to destinations of other servers: for each a location here, which leads there like one that an operator leads to a device of
//! another server.
//!
//! The other server was asked and has that destination. The location stays when its jobs are gone: the next one goes the
//! same way, also while that server does not answer.

use crate::model::event::EventWord;
use crate::model::location::Destination;
use crate::model::{BadName, Call, DeviceName, Failure, FailureKind, LocationName, ServerName};
use crate::spool::objects::locations;
use crate::spool::{Room, Spool};
use crate::store::event::{Object, record};
use crate::store::{self, Fallible, Lock};

use super::plain;

/// How a destination of another server is called here; with a digest where that name leads elsewhere.
fn names(server: &ServerName, there: &str) -> Result<[LocationName; 2], BadName> {
    let group = plain(server.as_str()).parse()?;
    let name = |dest: String| Ok(LocationName { group: Clone::clone(&group), dest: dest.parse()? });
    let short = there.replace('.', "-");
    Ok([name(plain(&short))?, name(plain(there))?])
}

impl Spool {
    /// Returns the location by which jobs reach a destination of another server, if there is one.
    pub(crate) fn known_way(&self, call: &Call, server: &ServerName, there: &str) -> Fallible<Option<Destination>> {
        let there = DeviceName::of_destination(server, there)?;
        self.look(call, |tx| Ok(store::location::of_remote(tx, &there)?.map(|row| Destination::of(row.name, row.kind))))
    }

    /// Makes that location. `there` is what the other server calls the destination.
    pub(crate) fn make_way(&self, call: &Call, server: &ServerName, there: &str) -> Fallible<Destination> {
        let place = DeviceName::of_destination(server, there)?;
        let [short, long] = names(server, there.trim_start_matches('#'))?;
        let server = server.clone();
        self.change(Room::Takes, call, move |tx| {
            if let Some(row) = store::location::of_remote(tx, &place)? {
                return Ok(Destination::of(row.name, row.kind));
            }
            if !store::remote::is_known(tx, &server)? {
                return Err(Failure::not_found(format!("server {server}")));
            }
            let name = if store::location::by_name(tx, &short)?.is_some() { &long } else { &short };
            if store::location::by_name(tx, name)?.is_some() {
                let shown = place.guardian();
                let why = format!("{name} is to lead to {shown}, and is used for something else");
                return Err(Failure::new(FailureKind::State, why)
                    .hint(format!("LOC #GROUP.DEST, DEV {shown}   leads another location there")));
            }
            let row = locations::declare(tx, name)?;
            tx.lock(Lock::Route(row.route))?;
            store::location::set_remote(tx, row.id, &place)?;
            Self::reorder(tx, row.route)?;
            record(tx, Object::Location(row.id), EventWord::Routed, &format!("to {}", place.guardian()))?;
            Ok(Destination::Location(name.clone()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_elsewhere_has_a_name_here_that_no_other_has() {
        let named = |server: &str, there: &str| {
            names(&server.parse().unwrap(), there).unwrap().map(|name| name.to_string().to_ascii_lowercase())
        };
        assert_eq!(named("acme2", "office")[0], "#acme2.office");
        assert_eq!(named("acme2", "office.front")[0], "#acme2.office-front");
        assert!(named("acme2", "office.front")[1].starts_with("#acme2.office-front-"));
        assert_ne!(named("acme2", "a.b-c")[1], named("acme2", "a-b.c")[1]);
        assert!(named("acme2.example", "office")[0].starts_with("#acme2-example-"));
    }
}
