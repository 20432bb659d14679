//! Generations on this server: prepared, committed, dropped, caught up with.
//!
//! Each step is one transaction. What another server asks is done for the spooler; the record says who has issued it there.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::authority::Right;
use crate::model::change::{CatchUp, Edit, EditedClass, Generation, Issue, Issued, KEPT, StagedEdit, catch_up, undone};
use crate::model::event::EventWord;
use crate::model::field::Field;
use crate::model::time::Moment;
use crate::model::{Call, Failure, FailureKind, ServerName};
use crate::store::change::Standing;
use crate::store::event::{Object, record};
use crate::store::{self, Fallible, Lock, Tx};

use super::apply::{self, THERE};
use crate::spool::{Room, Spool};

/// How far ahead a number may be of the one that counts here: none follows the largest there is.
pub const LEAP: u64 = 1_000_000;

/// What a server that has missed generations is told: those that count at another one.
pub type Told = Vec<Generation>;

impl Spool {
    /// Issues a generation where there is no other server.
    pub(super) fn issue_alone(&self, call: &Call, issue: Issue) -> Fallible<Issued> {
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let control = store::change::control(tx)?;
            let one = Generation {
                number: control.generation + 1,
                at_ms: tx.now().wall_ms,
                who: tx.who().to_owned(),
                by: spool.server().clone(),
                back_to: wanted(control.generation, issue)?,
                revokes: false,
            };
            prepare(tx, &one, None)?;
            let n = commit(tx, &one)?;
            Ok(Issued { number: one.number, servers: vec![(spool.server().clone(), n)], stragglers: Vec::new() })
        })
    }

    /// The generation that an operator goes back to.
    ///
    /// # Errors
    /// When there is none.
    pub fn generation_wanted(&self, generation: u64, issue: Issue) -> Fallible<Option<u64>> {
        wanted(generation, issue)
    }

    /// Makes a generation ready to count here. `replaces` is one that is prepared and will never count. Returns how many edits it has
    /// here.
    ///
    /// # Errors
    /// `State` when it is behind what counts here, or another one is prepared.
    pub fn prepare_generation(&self, call: &Call, one: Generation, replaces: Option<u64>) -> Fallible<u32> {
        let is_user = call.caller().is_ok();
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            if is_user {
                Self::demand(tx, Right::Configure)?;
            }
            prepare(tx, &one, replaces)
        })
    }

    /// Has a generation count here that is prepared; `tell` are the servers that are told by this one. Returns how many edits it had; none
    /// where it was not prepared.
    ///
    /// # Errors
    /// When the spool cannot be changed. Nothing counts then.
    pub fn commit_generation(&self, call: &Call, number: u64, tell: Vec<ServerName>) -> Fallible<Option<u32>> {
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            if store::change::control(tx)?.generation >= number {
                return Ok(Some(0));
            }
            let Some(one) = store::change::prepared(tx)?.filter(|one| one.number == number) else { return Ok(None) };
            tell.iter().try_for_each(|server| store::change::add_straggler(tx, server))?;
            commit(tx, &one).map(Some)
        })
    }

    /// Drops a generation that is prepared: it will never count. What was staged is staged as before.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn drop_generation(&self, number: u64, now: &Moment) -> Fallible<()> {
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            tx.lock(Lock::Spool)?;
            match store::change::prepared(tx)? {
                Some(one) if one.number == number => store::change::forget_prepared(tx),
                _ => Ok(()),
            }
        })
    }

    /// Drops what this server had prepared when it died: it had not decided, so nobody has.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn drop_undecided(&self, now: &Moment) -> Fallible<()> {
        let own = self.server().clone();
        let prepared = self.look(&Call::timeless(), store::change::prepared)?;
        match prepared {
            Some(one) if one.by == own => self.drop_generation(one.number, now),
            _ => Ok(()),
        }
    }

    /// Takes up the generations that count at another server and that were missed here. Returns the number that counts now.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn catch_up_with(&self, told: Told, now: &Moment) -> Fallible<u64> {
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            tx.lock(Lock::Spool)?;
            let control = store::change::control(tx)?;
            let missed: Vec<&Generation> = told.iter().filter(|one| one.number > control.generation).collect();
            let Some(last) = missed.last() else { return Ok(control.generation) };
            let numbers = missed.iter().map(|one| one.number);
            if !numbers.is_sorted_by(|a, b| a < b) || last.number > control.generation.saturating_add(LEAP) {
                return Err(Failure::new(FailureKind::Security, "the numbers of the generations leap, or go back"));
            }
            if missed.iter().any(|one| one.is_odd()) {
                return Err(Failure::new(FailureKind::Security, "a generation says not who has issued it"));
            }
            let own = store::change::committed(tx, control.generation.saturating_sub(1))?.into_iter().next();
            if let Some(own) = own.filter(|_| control.generation > 0)
                && !told.iter().any(|one| one.number == own.number && one.by == own.by)
            {
                // Those of another group, or so many that they are forgotten: what they did does not fit to what counts here.
                store::change::forget_prepared(tx)?;
                store::change::set_generation(tx, last, Standing::Committed, &[])?;
                let how = "ALERT: what was issued elsewhere does not follow what counts here, and nothing of it was done; \
                           pdchange check   compares; ";
                settle(tx, last, 0, &[], how)?;
                return Ok(last.number);
            }
            let todo = catch_up(control.generation, &told);
            let (edits, numbers) = missed_edits(tx, &todo, &missed)?;
            let (done, gone) = apply::apply(tx, &edits)?;
            store::change::forget_prepared(tx)?;
            for one in &missed {
                let is_of_it = |edit: &&Edit| numbers.get(&edit.place()).unwrap_or(&last.number) == &one.number;
                let own: Vec<Edit> = done.iter().filter(is_of_it).cloned().collect();
                let revokes = own.iter().any(Edit::revokes);
                store::change::set_generation(tx, &Generation { revokes, ..(*one).clone() }, Standing::Committed, &own)?;
            }
            settle(tx, last, done.len(), &gone, "caught up with ")?;
            Ok(last.number)
        })
    }

    /// Notes that a server has the last generation.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn told_of_generation(&self, server: &ServerName, now: &Moment) -> Fallible<()> {
        let server = server.clone();
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| store::change::has_heard(tx, &server))
    }

    /// Notes that a server has to be told of the last generation.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn has_to_tell(&self, server: &ServerName, now: &Moment) -> Fallible<()> {
        let server = server.clone();
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| store::change::add_straggler(tx, &server))
    }

    /// What is prepared here and not decided, the servers that have to be told, and the generation that counts.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn change_work(&self) -> Fallible<(Option<Generation>, Vec<ServerName>, u64)> {
        self.look(&Call::timeless(), |tx| {
            let generation = store::change::control(tx)?.generation;
            Ok((store::change::prepared(tx)?, store::change::stragglers(tx)?, generation))
        })
    }

    /// The generation that counts here, and the last one that took a compatible queue away.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn generation(&self) -> Fallible<(u64, u64)> {
        self.look(&Call::timeless(), |tx| {
            Ok((store::change::control(tx)?.generation, store::change::last_revoking(tx)?))
        })
    }
}

fn wanted(generation: u64, issue: Issue) -> Fallible<Option<u64>> {
    let bad =
        |why: String| Err(Failure::new(FailureKind::BadValue, why).hint("pdchange status   shows the generations"));
    match issue.back_to {
        None => Ok(None),
        Some(_) if generation == 0 => bad("nothing was issued yet".to_owned()),
        Some(Issue::LAST) => Ok(Some(generation - 1)),
        Some(to) if to >= generation => {
            bad(format!("generation {generation} counts now: nothing behind {to} can be taken back"))
        }
        Some(to) => Ok(Some(to)),
    }
}

/// The edits that are staged, each with what counts now, without those that would change nothing.
fn staged_edits(tx: &Tx<'_>) -> Fallible<Vec<Edit>> {
    Ok(with_now(tx)?.into_iter().map(|one| one.edit).collect())
}

/// What is staged, each with what counts now. What would change nothing is left out.
pub(super) fn with_now(tx: &Tx<'_>) -> Fallible<Vec<StagedEdit>> {
    let staged = store::change::staged(tx)?;
    let is_made = |one: &&StagedEdit| one.edit.field.is_none() && one.edit.after.is_some();
    let made: BTreeSet<_> =
        staged.iter().filter(is_made).map(|one| (one.edit.class, Edit::key_of(&one.edit.name))).collect();
    let mut found = Vec::new();
    for mut one in staged {
        let now = apply::now(tx, one.edit.class, &one.edit.name)?;
        // Of an object that was deleted at once nothing is left to be edited.
        if now.is_none() && !made.contains(&(one.edit.class, Edit::key_of(&one.edit.name))) {
            continue;
        }
        one.edit.before = match one.edit.field {
            Some(field) => now.and_then(|values| values.get(&field).cloned()),
            None => now.map(|_| THERE),
        };
        if !Edit::same(one.edit.before.as_ref(), one.edit.after.as_ref()) {
            found.push(one);
        }
    }
    Ok(found)
}

/// What goes back to a generation.
fn edits_back_to(tx: &Tx<'_>, to: u64) -> Fallible<Vec<Edit>> {
    let later = store::change::committed(tx, to)?;
    let mut edits = Vec::new();
    for one in &later {
        edits.push(store::change::edits(tx, one.number)?);
    }
    Ok(undone(edits))
}

/// Which generation each edit belongs to.
type Numbers = BTreeMap<(EditedClass, String, Option<Field>), u64>;

/// The edits of generations that were missed: first back, then what is staged. Each belongs to the generation that would have had it, had
/// this server been there: the first that was issued after it was staged. So going back later goes back as far as elsewhere.
fn missed_edits(tx: &Tx<'_>, todo: &CatchUp, missed: &[&Generation]) -> Fallible<(Vec<Edit>, Numbers)> {
    let mut numbers = Numbers::new();
    let mut edits = match todo.back_to {
        Some(to) => edits_back_to(tx, to)?,
        None => Vec::new(),
    };
    if let Some(back) = missed.iter().rfind(|one| one.back_to.is_some()) {
        numbers.extend(edits.iter().map(|edit| (edit.place(), back.number)));
    }
    if !todo.issues.is_empty() {
        // What was prepared for one of them is what was issued.
        let prepared = store::change::prepared(tx)?.filter(|one| todo.issues.contains(&one.number));
        // None of an edit whose generation was rolled back: it stays staged.
        let issued = |at_ms: i64| {
            let later = |one: &&&Generation| one.back_to.is_none() && one.at_ms >= at_ms;
            let of = missed.iter().find(later).map(|one| one.number).or(todo.issues.last().copied());
            of.filter(|number| todo.issues.contains(number))
        };
        let staged: Vec<Edit> = match prepared {
            Some(one) => {
                let edits = store::change::edits(tx, one.number)?;
                numbers.extend(edits.iter().map(|edit| (edit.place(), one.number)));
                edits
            }
            None => {
                let mut staged = with_now(tx)?;
                staged.retain(|one| issued(one.at_ms).is_some());
                numbers.extend(staged.iter().filter_map(|one| Some((one.edit.place(), issued(one.at_ms)?))));
                staged.into_iter().map(|one| one.edit).collect()
            }
        };
        let newer: BTreeSet<_> = staged.iter().map(Edit::place).collect();
        edits.retain(|edit| !newer.contains(&edit.place()));
        edits.extend(staged);
    }
    Ok((edits, numbers))
}

fn prepare(tx: &Tx<'_>, one: &Generation, replaces: Option<u64>) -> Fallible<u32> {
    let counts = store::change::control(tx)?.generation;
    let no = |why: String| Err(Failure::new(FailureKind::State, why));
    if one.number <= counts {
        return no(format!("generation {counts} counts already, so {} cannot be issued", one.number));
    }
    if let Some(other) = store::change::prepared(tx)?
        && (other.number, &other.by) != (one.number, &one.by)
        && replaces != Some(other.number)
    {
        return no(format!(
            "server {} is issuing generation {} for {}: wait until it has",
            other.by, other.number, other.who
        ));
    }
    let edits = match one.back_to {
        None => staged_edits(tx)?,
        Some(to) => {
            // The oldest generation that is kept knows what there was before it, and nobody knows more.
            if let Some(oldest) = store::change::committed(tx, 0)?.first()
                && counts >= KEPT
                && to + 1 < oldest.number
            {
                return no(format!("generation {} is the oldest that can be taken back", oldest.number));
            }
            edits_back_to(tx, to)?
        }
    };
    store::change::forget_prepared(tx)?;
    store::change::set_generation(tx, one, Standing::Prepared, &edits)?;
    Ok(u32::try_from(edits.len()).unwrap_or(u32::MAX))
}

/// Has a generation count that is prepared. Returns how many edits it had.
fn commit(tx: &Tx<'_>, one: &Generation) -> Fallible<u32> {
    let edits = store::change::edits(tx, one.number)?;
    let (done, gone) = apply::apply(tx, &edits)?;
    let revokes = done.iter().any(Edit::revokes);
    let at_ms = tx.now().wall_ms;
    store::change::set_generation(tx, &Generation { revokes, at_ms, ..one.clone() }, Standing::Committed, &done)?;
    settle(tx, one, done.len(), &gone, "")?;
    Ok(u32::try_from(done.len()).unwrap_or(u32::MAX))
}

/// What follows when a generation counts.
fn settle(tx: &Tx<'_>, one: &Generation, done: usize, gone: &[String], how: &str) -> Fallible<()> {
    let control = store::change::control(tx)?;
    store::change::set_control(tx, store::change::ControlRow { generation: one.number, ..control })?;
    // What counts now is staged no more; what was edited since is.
    let left: BTreeSet<_> = with_now(tx)?.iter().map(|one| one.edit.place()).collect();
    for row in store::change::staged(tx)? {
        if !left.contains(&row.edit.place()) {
            store::change::unstage(tx, (row.edit.class, &row.edit.name), row.edit.field)?;
        }
    }
    let n = if done == 1 { "1 edit".to_owned() } else { format!("{done} edits") };
    let mut why = format!("{how}generation {}, {n}, by {} on {}", one.number, one.who, one.by);
    if !gone.is_empty() {
        why.push_str(&format!("; not there any more: {}", gone.join(", ")));
    }
    match one.back_to {
        Some(to) => record(tx, Object::Spool, EventWord::RolledBack, &format!("{why}, back to {to}"))?,
        None => record(tx, Object::Spool, EventWord::Issued, &why)?,
    }
    // The last one that took something away stays: it says who is too far behind.
    store::change::forget_until(tx, one.number.saturating_sub(KEPT), store::change::last_revoking(tx)?)
}
