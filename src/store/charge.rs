//! Rows of what was debited for releases and is not settled yet.
//!
//! States of a row: asked (before the program is asked; nobody knows yet) → paid (it said yes, and the job is released) → gone, with
//! the job on paper. Or → owed back (the release failed, the job ended unprinted, or nobody knows what the program did) → gone, when
//! the program has taken it back. A crash leaves `asked`, which is owed back when it is old; and of a job of another server `paid`,
//! which is owed back when it is old and that job is not here.

use super::value::{columns, values};
use super::{Fallible, Row, Tx};

/// How a debit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChargeState {
    /// The program is being asked.
    Asked,
    /// It was paid for a job that is to be printed.
    Paid,
    /// It is to be given back.
    OwedBack,
}

impl ChargeState {
    fn stored(self) -> i64 {
        match self {
            Self::Asked => 0,
            Self::Paid => 1,
            Self::OwedBack => 2,
        }
    }
}

/// A debit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChargeRow {
    /// Its own name: the program knows it by that.
    pub(crate) id: String,
    /// The name of the job everywhere.
    pub(crate) correlation: String,
    /// The program.
    pub(crate) program: String,
    /// The station.
    pub(crate) station: String,
    /// Who pays.
    pub(crate) who: String,
    /// Whether it is paid for a job, and not owed back yet.
    pub(crate) paid: bool,
}

columns!(at { id, correlation, program, station, who, state });

fn read(row: &Row<'_>) -> Fallible<ChargeRow> {
    Ok(ChargeRow {
        id: row.get(at::id)?,
        correlation: row.get(at::correlation)?,
        program: row.get(at::program)?,
        station: row.get(at::station)?,
        who: row.get(at::who)?,
        paid: row.get::<i64>(at::state)? == ChargeState::Paid.stored(),
    })
}

/// Notes that a program is about to be asked. `due_ms`: when it is owed back unless more is known.
pub(crate) fn ask(tx: &Tx<'_>, row: &ChargeRow, due_ms: i64) -> Fallible<()> {
    tx.run(
        "INSERT INTO bank_charge (id, correlation, program, station, who, state, due_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        values![row.id, row.correlation, row.program, row.station, row.who, ChargeState::Asked.stored(), due_ms],
    )?;
    Ok(())
}

/// Notes how a debit stands, and when it is looked at next.
///
/// # Errors
/// When there is no such debit any more: it was given back meanwhile.
pub(crate) fn set(tx: &Tx<'_>, id: &str, state: ChargeState, due_ms: Option<i64>) -> Fallible<()> {
    let sql = "UPDATE bank_charge SET state = ?, due_ms = ? WHERE id = ?";
    tx.change("the debit", sql, values![state.stored(), due_ms, id])
}

/// Notes that a debit is to be given back from now on, also one that was thought to be settled.
pub(crate) fn owe_back(tx: &Tx<'_>, row: &ChargeRow) -> Fallible<()> {
    forget(tx, &row.id)?;
    ask(tx, row, tx.now().wall_ms)?;
    set(tx, &row.id, ChargeState::OwedBack, Some(tx.now().wall_ms))
}

/// Forgets a debit: it is settled.
pub(crate) fn forget(tx: &Tx<'_>, id: &str) -> Fallible<()> {
    tx.run("DELETE FROM bank_charge WHERE id = ?", values![id])?;
    Ok(())
}

/// Whether a job was paid for and has not printed since.
pub(crate) fn is_paid(tx: &Tx<'_>, correlation: &str) -> Fallible<bool> {
    let paid = ChargeState::Paid.stored();
    tx.finds("SELECT 1 FROM bank_charge WHERE correlation = ? AND state = ?", values![correlation, paid])
}

/// Settles what was paid for a job that has ended: it has printed, or it is owed back from now on.
pub(crate) fn settle(tx: &Tx<'_>, correlation: &str, printed: bool) -> Fallible<()> {
    let paid = ChargeState::Paid.stored();
    match printed {
        true => {
            tx.run("DELETE FROM bank_charge WHERE correlation = ? AND state = ?", values![correlation, paid])?;
        }
        false => {
            tx.run(
                "UPDATE bank_charge SET state = ?, due_ms = ? WHERE correlation = ? AND state = ?",
                values![ChargeState::OwedBack.stored(), tx.now().wall_ms, correlation, paid],
            )?;
        }
    }
    Ok(())
}

fn due_sql() -> String {
    format!("SELECT {} FROM bank_charge WHERE due_ms <= ? ORDER BY due_ms LIMIT ?", at::LIST)
}

/// Returns the debits that are owed back now.
pub(crate) fn due(tx: &Tx<'_>, now_ms: i64, limit: u32) -> Fallible<Vec<ChargeRow>> {
    tx.rows(&due_sql(), values![now_ms, limit], read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn what_is_owed_back_is_found_by_an_index() {
        let plan = Memory::new().plan(&due_sql());
        assert!(plan.contains("bank_charge_due") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}
