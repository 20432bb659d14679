//! Rows of the cards of users: keyed hashes of their numbers. A card belongs to one user; a user has as many as he likes.

use crate::model::ObjectId;

use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx};

/// What is stored of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CardRow {
    /// Whose it is.
    pub(crate) user: ObjectId,
    /// Until when it lets him in, spool time; none = for ever.
    pub(crate) until: Option<i64>,
}

columns!(at { object_id, until_spool });

fn read(row: &Row<'_>) -> Fallible<CardRow> {
    Ok(CardRow { user: row.get(at::object_id)?, until: row.get(at::until_spool)? })
}

/// Returns the card of that hash.
pub(crate) fn of(tx: &Tx<'_>, hash: &str) -> Fallible<Option<CardRow>> {
    tx.one(made_once!("SELECT {} FROM card WHERE hash = ?", at::LIST), values![hash], read)
}

/// Gives a user a card. One that he has already gets this end.
pub(crate) fn add(tx: &Tx<'_>, user: ObjectId, hash: &str, until: Option<i64>) -> Fallible<()> {
    tx.demand_lock(Lock::Kept(user))?;
    tx.run("DELETE FROM card WHERE hash = ?", values![hash])?;
    tx.run("INSERT INTO card (hash, object_id, until_spool) VALUES (?, ?, ?)", values![hash, user, until])?;
    Ok(())
}

/// Takes a card from a user; whether he had it.
pub(crate) fn take(tx: &Tx<'_>, user: ObjectId, hash: &str) -> Fallible<bool> {
    tx.demand_lock(Lock::Kept(user))?;
    Ok(tx.run("DELETE FROM card WHERE hash = ? AND object_id = ?", values![hash, user])? > 0)
}

/// Takes all cards from a user. How many he had.
pub(crate) fn take_all(tx: &Tx<'_>, user: ObjectId) -> Fallible<usize> {
    tx.run("DELETE FROM card WHERE object_id = ?", values![user])
}

/// Forgets guest cards whose time is over.
pub(crate) fn forget_over(tx: &Tx<'_>, now: i64) -> Fallible<()> {
    tx.run("DELETE FROM card WHERE until_spool <= ?", values![now])?;
    Ok(())
}
