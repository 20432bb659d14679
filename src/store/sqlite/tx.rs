//! A transaction as the rooms of the store see it: [`Tx`].

use super::row::bound;
use super::{Row, Session, changed};
use crate::model::time::Moment;
use crate::model::{Actor, Call, Caller, DeviceId, EntryId, Failure, JobId, ObjectId, ProcessId, RouteId};
use crate::store::Fallible;
use crate::store::value::Bind;

/// What a transaction decides from. On an engine with many writers it is locked before it is read; on SQLite a transaction
/// that writes has the whole spool for itself. What if two transactions wait for each other? Such an engine ends one of
/// them, and its closure runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lock {
    /// The state of the spool, its rights.
    Spool,
    /// A print process: whether it runs, and in which epoch.
    Process(ProcessId),
    /// A route: where it leads, and what waits in it.
    Route(RouteId),
    /// A device: what is wanted of it, and what it has.
    Device(DeviceId),
    /// A job: its wish, its holds, its entries.
    Job(JobId),
    /// An entry: who has it.
    Entry(EntryId),
    /// An object that is only kept: its values.
    Kept(ObjectId),
    /// The record of releases: its last line.
    Releases,
}

/// A transaction: the connection, who asked for it, and when. Whatever decides or writes takes one; nothing above the
/// store sees more of the engine.
#[derive(Clone, Copy)]
pub struct Tx<'a> {
    pub(super) session: &'a Session,
    actor: &'a Actor,
    pub(super) now: &'a Moment,
}

/// Counts the steps that a statement took, for tests of what an operation costs in a large spool.
fn count(statement: &rusqlite::Statement<'_>) {
    #[cfg(test)]
    super::testing::count(statement);
    #[cfg(not(test))]
    let _ = statement;
}

impl<'a> Tx<'a> {
    pub(in crate::store) fn new(session: &'a Session, call: &'a Call) -> Self {
        Self { session, actor: &call.actor, now: &call.now }
    }

    /// When the call was made: the only time that a transaction knows.
    pub(crate) fn now(&self) -> &'a Moment {
        self.now
    }

    /// Who made the call, as events name him.
    pub(crate) fn who(&self) -> &'a str {
        self.actor.who()
    }

    /// Returns the user who made the call; an internal failure when a print process or the spooler did.
    pub(crate) fn caller(&self) -> Fallible<&'a Caller> {
        match self.actor {
            Actor::User(caller) => Ok(caller),
            other => Err(Failure::internal(format!("{} is no user", other.who()))),
        }
    }

    /// Returns the same transaction for something that happened at `now`, and is recorded later.
    pub(crate) fn at(self, now: &'a Moment) -> Self {
        Self { now, ..self }
    }

    /// Returns the same transaction for what the spooler does by itself.
    pub(crate) fn spooler(self) -> Self {
        Self { actor: &Actor::Spooler, ..self }
    }

    /// Runs a statement. How many rows it changed.
    pub(crate) fn run(&self, sql: &str, values: &[&dyn Bind]) -> Fallible<usize> {
        let mut statement = self.session.db.prepare_cached(sql)?;
        let changed = statement.execute(bound(values))?;
        count(&statement);
        Ok(changed)
    }

    /// Runs a statement that changes exactly one row. Anything else means that what was decided does not hold any more:
    /// the transaction fails and nothing of it is left.
    pub(crate) fn change(&self, what: &str, sql: &str, values: &[&dyn Bind]) -> Fallible<()> {
        match self.run(sql, values)? {
            1 => Ok(()),
            _ => Err(changed(what)),
        }
    }

    /// Inserts a row. Its identity.
    pub(crate) fn insert(&self, sql: &str, values: &[&dyn Bind]) -> Fallible<i64> {
        self.run(sql, values)?;
        Ok(self.session.db.last_insert_rowid())
    }

    /// Runs a statement for each of several items; `each` hands over the values of one.
    pub(crate) fn batch<I>(
        &self,
        sql: &str,
        items: impl IntoIterator<Item = I>,
        mut each: impl FnMut(I, &mut dyn FnMut(&[&dyn Bind]) -> Fallible<()>) -> Fallible<()>,
    ) -> Fallible<()> {
        let mut statement = None;
        for item in items {
            // Prepared when there is something to do: as a rule there is not.
            let statement = match &mut statement {
                Some(statement) => statement,
                None => statement.insert(self.session.db.prepare_cached(sql)?),
            };
            each(item, &mut |values| Ok(statement.execute(bound(values)).map(drop)?))?;
        }
        Ok(())
    }

    /// Returns what `read` finds for the `key` of `what`; while one state is looked at, it is read once.
    pub(in crate::store) fn seen<T: std::any::Any + Clone + Send>(
        &self,
        what: &'static str,
        key: impl FnOnce() -> String,
        read: impl FnOnce() -> Fallible<T>,
    ) -> Fallible<T> {
        self.session.seen(what, key, read)
    }

    /// Returns the first row that a statement finds.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        values: &[&dyn Bind],
        read: impl FnOnce(&Row<'_>) -> Fallible<T>,
    ) -> Fallible<Option<T>> {
        let mut statement = self.session.db.prepare_cached(sql)?;
        let mut rows = statement.query(bound(values))?;
        let found = rows.next()?.map(|row| read(&Row::of(row))).transpose();
        drop(rows);
        count(&statement);
        found
    }

    /// Returns the rows that a statement finds.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        values: &[&dyn Bind],
        mut read: impl FnMut(&Row<'_>) -> Fallible<T>,
    ) -> Fallible<Vec<T>> {
        let mut found = Vec::new();
        self.each(sql, values, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Hands each row that a statement finds to `take`.
    pub(crate) fn each(
        &self,
        sql: &str,
        values: &[&dyn Bind],
        mut take: impl FnMut(&Row<'_>) -> Fallible<()>,
    ) -> Fallible<()> {
        let mut statement = self.session.db.prepare_cached(sql)?;
        let mut rows = statement.query(bound(values))?;
        while let Some(row) = rows.next()? {
            take(&Row::of(row))?;
        }
        drop(rows);
        count(&statement);
        Ok(())
    }

    /// Tells whether a statement finds a row.
    pub(crate) fn finds(&self, sql: &str, values: &[&dyn Bind]) -> Fallible<bool> {
        let mut statement = self.session.db.prepare_cached(sql)?;
        let found = statement.exists(bound(values))?;
        count(&statement);
        Ok(found)
    }

    /// Keeps others from changing what this transaction decides from, until it ends. Whoever wants to decide from a row
    /// finds its identity, locks that, and reads the row then: what he has read before may be old.
    ///
    /// Here one writer at a time has locked everything. Builds with debug assertions hold every transaction to the rule all
    /// the same, and so every test does: what was read before it was locked fails, and so does a change of what is not locked.
    pub(crate) fn lock(&self, what: Lock) -> Fallible<()> {
        self.session.rules.lock(what)
    }

    /// Notes that the row of `what` was read.
    pub(in crate::store) fn has_read(&self, what: Lock) {
        self.session.rules.has_read(what);
    }

    /// Makes sure that `what` is locked, before its row is changed.
    pub(in crate::store) fn demand_lock(&self, what: Lock) -> Fallible<()> {
        self.session.rules.demand_lock(what)
    }

    /// Notes that this transaction has made the row of `what`, which nobody else sees yet.
    pub(in crate::store) fn has_made(&self, what: Lock) {
        self.session.rules.has_made(what);
    }

    /// Plans statements, without running them.
    pub(in crate::store) fn plan(&self, statements: &[&str]) -> Fallible<()> {
        statements.iter().try_for_each(|sql| Ok(self.session.db.prepare_cached(sql).map(drop)?))
    }

    /// Runs statements without values: those of a schema.
    pub(in crate::store) fn script(&self, sql: &str) -> Fallible<()> {
        Ok(self.session.db.execute_batch(sql)?)
    }

    /// Returns the number of the schema.
    pub(in crate::store) fn version(&self) -> Fallible<i64> {
        self.session.version()
    }

    /// Sets the number of the schema.
    pub(in crate::store) fn set_version(&self, version: i64) -> Fallible<()> {
        Ok(self.session.db.pragma_update(None, "user_version", version)?)
    }
}
