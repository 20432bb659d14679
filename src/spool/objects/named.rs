//! Names that begin with a text, for completion.
//!
//! Everybody may look at devices, locations, print processes and collectors, so their names are no secret. A job is named only
//! to whoever sees it ([`Visible`]). An answer has a limit, and costs the same among a million jobs.

use crate::model::candidate::{KnownName, MOST, MOST_JOBS, NameKind, OWN_SERVER};
use crate::model::location::LocationKind;
use crate::model::query::Condition;
use crate::model::{Call, CollectorName};
use crate::store::job::JobRow;
use crate::store::named::{self, Numbers};
use crate::store::{self, Fallible, Tx};

use crate::spool::Spool;
use crate::spool::jobs::visible::Visible;

/// The fewest digits after which the ten digits of jobs are looked through, and not local numbers alone.
const SERIAL_BEGINS: usize = 4;
/// How many digits a global job id has.
const SERIAL_DIGITS: u32 = 10;

impl Spool {
    /// Names of a kind that begin with `beginning`, whatever its case, at most `limit` and [`MOST`].
    pub(crate) fn names(&self, call: &Call, kind: NameKind, beginning: &str, limit: u32) -> Fallible<Vec<KnownName>> {
        let limit = limit.clamp(1, MOST);
        let key: String =
            beginning.chars().filter(|c| !matches!(c, '\\' | '$' | '#')).collect::<String>().to_ascii_lowercase();
        let mut names = self.look(call, |tx| match kind {
            NameKind::Destination => destinations(tx, &key, limit),
            NameKind::Group => plain(named::groups(tx, &key, limit)?),
            NameKind::Device => plain(named::devices(tx, &key, limit)?),
            NameKind::Location => plain(locations(tx, &key, limit)?.into_iter().map(|one| one.0)),
            NameKind::Process => plain(named::processes(tx, &key, limit)?),
            NameKind::Collector if store::collector::any_declared(tx)? => plain(named::collectors(tx, &key, limit)?),
            NameKind::Collector => plain([CollectorName::usual()]),
            NameKind::Font => plain(named::fonts(tx, &key, limit)?),
            NameKind::Object(class) => plain(named::objects(tx, class, &key, limit)?),
            NameKind::Server => {
                let own = KnownName { note: OWN_SERVER.to_owned(), ..KnownName::plain(self.server()) };
                Ok(std::iter::once(own).chain(plain(store::remote::known(tx)?)?).collect())
            }
            NameKind::Job => jobs_of_caller(tx, &key, limit.min(MOST_JOBS)),
            NameKind::JobNumber => jobs(tx, &key, limit.min(MOST_JOBS)),
        })?;
        names.truncate(limit as usize);
        Ok(names)
    }
}

fn plain<N: ToString>(names: impl IntoIterator<Item = N>) -> Fallible<Vec<KnownName>> {
    Ok(names.into_iter().map(KnownName::plain).collect())
}

/// Locations whose name begins so, each with what it is.
fn locations(tx: &Tx<'_>, key: &str, limit: u32) -> Fallible<Vec<(String, LocationKind)>> {
    let found = match key.split_once('.') {
        Some((group, dest)) => named::locations_of_group(tx, group, dest, limit)?,
        None => named::locations_of_groups(tx, key, limit)?,
    };
    Ok(found.into_iter().map(|(group, dest, kind)| (format!("{group}.{dest}"), kind)).collect())
}

/// Where a job can be sent, as the listings of the pd commands name it. The second half of a location is offered alone where
/// it begins so and is the only one of its name.
fn destinations(tx: &Tx<'_>, key: &str, limit: u32) -> Fallible<Vec<KnownName>> {
    let mut names: Vec<String> = Vec::new();
    let by_dest = named::locations_by_dest(tx, key, limit)?;
    for (at, (_, dest, kind)) in by_dest.iter().enumerate() {
        // The list is sorted, so those of the same name are neighbours.
        let twin = |other: Option<usize>| other.and_then(|at| by_dest.get(at)).is_some_and(|other| other.1 == *dest);
        match kind {
            LocationKind::Logical => names.push(dest.to_string()),
            LocationKind::Location if !key.is_empty() && !twin(at.checked_sub(1)) && !twin(Some(at + 1)) => {
                names.push(dest.to_string());
            }
            LocationKind::Location | LocationKind::Outlet => {}
        }
    }
    names.extend(named::devices(tx, key, limit)?.iter().map(ToString::to_string));
    names.extend(locations(tx, key, limit)?.into_iter().filter(|one| one.1 == LocationKind::Location).map(|one| one.0));
    names.sort_by_key(|name| name.to_ascii_lowercase());
    names.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    plain(names)
}

/// The numbers that begin with these digits, from the shortest to those of `digits` digits; all of them for none.
fn ranges(beginning: &str, digits: u32) -> Vec<(u64, u64)> {
    if beginning.is_empty() {
        return vec![(0, 10_u64.pow(digits) - 1)];
    }
    let known = u32::try_from(beginning.len()).unwrap_or(u32::MAX);
    let (Ok(number), true) = (beginning.parse::<u64>(), beginning.bytes().all(|octet| octet.is_ascii_digit())) else {
        return Vec::new();
    };
    let behind = (0..=digits.saturating_sub(known)).map(|more| 10_u64.pow(more));
    let ranges = behind.map(|factor| (number * factor, number * factor + factor - 1));
    if known > digits || beginning.starts_with('0') { Vec::new() } else { ranges.collect() }
}

/// Jobs of the caller by their local numbers, and what he sees by its ten digits.
fn jobs_of_caller(tx: &Tx<'_>, beginning: &str, limit: u32) -> Fallible<Vec<KnownName>> {
    let mut seen = Visible::of(tx)?;
    let server = store::spool::server(tx)?;
    let uid = tx.caller()?.uid;
    let mut names = Vec::new();
    for range in ranges(beginning, SERIAL_DIGITS - 1) {
        let rows = shown(tx, &mut seen, Numbers::Local(uid), range, limit)?;
        // The local numbers of another server's users are no numbers here.
        let own = rows.into_iter().filter(|row| row.owner_server.eq_ignore_ascii_case(&server));
        for row in own {
            names.push(KnownName { name: row.local.to_string(), note: note(tx, &row)? });
        }
    }
    if beginning.len() >= SERIAL_BEGINS
        && let Some(range) = ranges(beginning, SERIAL_DIGITS).pop()
    {
        for row in shown(tx, &mut seen, Numbers::Serials, range, limit)? {
            names.push(KnownName { name: row.serial.to_string(), note: note(tx, &row)? });
        }
    }
    Ok(names)
}

/// Jobs that the caller sees, by their SPOOLCOM numbers.
fn jobs(tx: &Tx<'_>, beginning: &str, limit: u32) -> Fallible<Vec<KnownName>> {
    let mut seen = Visible::of(tx)?;
    let uid = tx.caller()?.uid;
    let only_own = matches!(seen.narrow(&Condition::Any), Condition::All(_));
    let numbers = if only_own { Numbers::Of(uid) } else { Numbers::All };
    let mut names = Vec::new();
    for range in ranges(beginning, SERIAL_DIGITS - 1) {
        for row in shown(tx, &mut seen, numbers, range, limit)? {
            names.push(KnownName { name: row.number.to_string(), note: note(tx, &row)? });
        }
    }
    Ok(names)
}

/// The jobs of a range that the caller sees, the last one first.
fn shown(tx: &Tx<'_>, seen: &mut Visible, numbers: Numbers, range: (u64, u64), limit: u32) -> Fallible<Vec<JobRow>> {
    let mut rows = Vec::new();
    for id in named::jobs(tx, numbers, range, limit)? {
        if let Some(row) = store::job::by_id(tx, id)?
            && seen.sees_job(tx, &row)?
        {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// What a list shows beside a job: its title, its state, where it was sent.
fn note(tx: &Tx<'_>, row: &JobRow) -> Fallible<String> {
    let (state, _) = Spool::job_state(tx, row)?;
    Ok(format!("{}, {}, {}", row.name, state.infoprint(), Spool::job_destination(tx, row)?))
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn the_numbers_that_begin_with_digits() {
        assert_eq!(ranges("7", 3), [(7, 7), (70, 79), (700, 799)]);
        assert_eq!(ranges("12", 3), [(12, 12), (120, 129)]);
        assert_eq!(ranges("", 3), [(0, 999)]);
        assert_eq!(ranges("1021904417", 10), [(1_021_904_417, 1_021_904_417)]);
        for none in ["1234", "07", "0", "x", "-1", "1 ", "99999999999999999999999"] {
            assert!(ranges(none, 3).is_empty(), "{none}");
        }
    }
}
