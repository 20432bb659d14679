//! Rows of change control: how it is set, what is staged, and the generations.
//!
//! The one row of `change_control` is absent until something is set or issued; absent means the usual mode and generation 0.

use crate::model::change::{Edit, EditedClass, Generation, Mode, StagedEdit};
use crate::model::field::{Field, Value};
use crate::model::{Failure, ServerName};

use super::value::{Bind, Value as Stored, columns, values};
use super::{Fallible, Row, Tx};

/// How change control stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ControlRow {
    /// When edits are staged.
    pub(crate) mode: Mode,
    /// The generation that counts here.
    pub(crate) generation: u64,
}

columns!(of_control { mode, generation });

fn mode_of(n: i64) -> Mode {
    match n {
        1 => Mode::On,
        2 => Mode::Off,
        _ => Mode::Auto,
    }
}

fn stored(mode: Mode) -> i64 {
    match mode {
        Mode::Auto => 0,
        Mode::On => 1,
        Mode::Off => 2,
    }
}

/// Returns how change control stands.
pub(crate) fn control(tx: &Tx<'_>) -> Fallible<ControlRow> {
    let sql = made_once!("SELECT {} FROM change_control", of_control::LIST);
    let found = tx.one(sql, &[], |row| {
        Ok(ControlRow { mode: mode_of(row.get(of_control::mode)?), generation: row.get(of_control::generation)? })
    })?;
    Ok(found.unwrap_or(ControlRow { mode: Mode::Auto, generation: 0 }))
}

/// Stores it.
pub(crate) fn set_control(tx: &Tx<'_>, row: ControlRow) -> Fallible<()> {
    tx.run(
        "INSERT INTO change_control (id, mode, generation) VALUES (1, ?, ?)
         ON CONFLICT (id) DO UPDATE SET mode = excluded.mode, generation = excluded.generation",
        values![stored(row.mode), row.generation],
    )?;
    Ok(())
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Fallible<T> {
    serde_json::from_str(text).map_err(|_| Failure::internal("spool.db: the text of an edit is unknown"))
}

fn written<T: serde::Serialize>(value: &T) -> Fallible<String> {
    serde_json::to_string(value).map_err(|error| Failure::internal(format!("an edit cannot be written: {error}")))
}

columns!(at { class, name, field, value, at_ms, who });

fn read(row: &Row<'_>) -> Fallible<StagedEdit> {
    let class: String = row.get(at::class)?;
    let field: String = row.get(at::field)?;
    let value: Option<String> = row.get(at::value)?;
    let unknown = || Failure::internal("spool.db: a staged edit is of an unknown kind");
    Ok(StagedEdit {
        edit: Edit {
            class: EditedClass::from_word(&class).ok_or_else(unknown)?,
            name: row.get(at::name)?,
            field: match field.as_str() {
                "" => None,
                name => Some(Field::from_stored(name).ok_or_else(unknown)?),
            },
            before: None,
            after: value.map(|text| parse(&text)).transpose()?,
        },
        at_ms: row.get(at::at_ms)?,
        who: row.get(at::who)?,
    })
}

/// Returns what is staged. What counts now (`before`) is not filled in.
pub(crate) fn staged(tx: &Tx<'_>) -> Fallible<Vec<StagedEdit>> {
    tx.rows(made_once!("SELECT {} FROM staged_edit ORDER BY class, name_key, field", at::LIST), &[], read)
}

/// Returns the same of one object.
pub(crate) fn staged_of(tx: &Tx<'_>, class: EditedClass, name: &str) -> Fallible<Vec<StagedEdit>> {
    let sql = made_once!("SELECT {} FROM staged_edit WHERE class = ? AND name_key = ? ORDER BY field", at::LIST);
    tx.rows(sql, values![class.word(), Edit::key_of(name)], read)
}

/// Tells whether more than so many edits are staged.
pub(crate) fn has_more_than(tx: &Tx<'_>, most: u32) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM staged_edit LIMIT 1 OFFSET ?", values![most])
}

fn field_word(field: Option<Field>) -> String {
    field.map(|field| field.stored().to_owned()).unwrap_or_default()
}

/// Stages that an attribute has this value; without a field, that the object is there (a value) or not.
pub(crate) fn stage(
    tx: &Tx<'_>,
    (class, name): (EditedClass, &str),
    field: Option<Field>,
    value: Option<&Value>,
) -> Fallible<()> {
    let value = value.map(written).transpose()?;
    tx.run(
        "INSERT INTO staged_edit (class, name_key, field, name, value, at_ms, who) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (class, name_key, field) DO UPDATE SET name = excluded.name, value = excluded.value,
             at_ms = excluded.at_ms, who = excluded.who",
        values![class.word(), Edit::key_of(name), field_word(field), name, value, tx.now().wall_ms, tx.who()],
    )?;
    Ok(())
}

/// Takes one edit back. Returns how many there were.
pub(crate) fn unstage(tx: &Tx<'_>, (class, name): (EditedClass, &str), field: Option<Field>) -> Fallible<usize> {
    let sql = "DELETE FROM staged_edit WHERE class = ? AND name_key = ? AND field = ?";
    tx.run(sql, values![class.word(), Edit::key_of(name), field_word(field)])
}

/// Takes all edits of an object back. Returns how many there were.
pub(crate) fn unstage_all(tx: &Tx<'_>, class: EditedClass, name: &str) -> Fallible<usize> {
    let sql = "DELETE FROM staged_edit WHERE class = ? AND name_key = ?";
    tx.run(sql, values![class.word(), Edit::key_of(name)])
}

/// How a generation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is ready to count.
    Prepared = 1,
    /// It counts, or did.
    Committed = 2,
}

impl Bind for Standing {
    fn bind(&self) -> Stored<'_> {
        Stored::Integer(*self as i64)
    }
}

columns!(of_issued { number, at_ms, who, by_server, back_to, revokes });

fn read_generation(row: &Row<'_>) -> Fallible<Generation> {
    Ok(Generation {
        number: row.get(of_issued::number)?,
        at_ms: row.get(of_issued::at_ms)?,
        who: row.get(of_issued::who)?,
        by: row.get(of_issued::by_server)?,
        back_to: row.get(of_issued::back_to)?,
        revokes: row.get(of_issued::revokes)?,
    })
}

/// Returns the generations that count or did, oldest first, those behind `after`.
pub(crate) fn committed(tx: &Tx<'_>, after: u64) -> Fallible<Vec<Generation>> {
    let sql = made_once!("SELECT {} FROM issued WHERE standing = ? AND number > ? ORDER BY number", of_issued::LIST);
    tx.rows(sql, values![Standing::Committed, after], read_generation)
}

/// Returns the generation that is prepared.
pub(crate) fn prepared(tx: &Tx<'_>) -> Fallible<Option<Generation>> {
    let sql = made_once!("SELECT {} FROM issued WHERE standing = ?", of_issued::LIST);
    tx.one(sql, values![Standing::Prepared], read_generation)
}

columns!(edits_of { edits });

/// Returns the edits of a generation.
pub(crate) fn edits(tx: &Tx<'_>, number: u64) -> Fallible<Vec<Edit>> {
    let sql = made_once!("SELECT {} FROM issued WHERE number = ?", edits_of::LIST);
    let text = tx.one(sql, values![number], |row| row.get::<String>(edits_of::edits))?;
    text.map_or_else(|| Ok(Vec::new()), |text| parse(&text))
}

/// Stores a generation with its edits.
pub(crate) fn set_generation(tx: &Tx<'_>, one: &Generation, standing: Standing, edits: &[Edit]) -> Fallible<()> {
    tx.run(
        "INSERT INTO issued (number, standing, at_ms, who, by_server, back_to, revokes, edits) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (number) DO UPDATE SET standing = excluded.standing, at_ms = excluded.at_ms, who = excluded.who,
             by_server = excluded.by_server, back_to = excluded.back_to, revokes = excluded.revokes, edits = excluded.edits",
        values![
            one.number,
            standing,
            one.at_ms,
            one.who,
            one.by.as_str(),
            one.back_to,
            one.revokes,
            written(&edits)?
        ],
    )?;
    Ok(())
}

/// Forgets what is prepared.
pub(crate) fn forget_prepared(tx: &Tx<'_>) -> Fallible<()> {
    tx.run("DELETE FROM issued WHERE standing = ?", values![Standing::Prepared])?;
    Ok(())
}

/// Forgets the generations up to this one.
pub(crate) fn forget_until(tx: &Tx<'_>, number: u64, but: u64) -> Fallible<()> {
    let sql = "DELETE FROM issued WHERE standing = ? AND number <= ? AND number <> ?";
    tx.run(sql, values![Standing::Committed, number, but])?;
    Ok(())
}

/// Returns the last generation that took a compatible queue away.
pub(crate) fn last_revoking(tx: &Tx<'_>) -> Fallible<u64> {
    let sql = made_once!(
        "SELECT {} FROM issued WHERE standing = ? AND revokes = ? ORDER BY number DESC LIMIT 1",
        of_issued::LIST
    );
    Ok(tx.one(sql, values![Standing::Committed, true], read_generation)?.map_or(0, |one| one.number))
}

/// Returns the servers that have not taken the last generation yet, as far as this one has to tell them.
pub(crate) fn stragglers(tx: &Tx<'_>) -> Fallible<Vec<ServerName>> {
    tx.rows("SELECT server FROM change_straggler ORDER BY server", &[], |row| row.only())
}

/// Notes that a server has to be told.
pub(crate) fn add_straggler(tx: &Tx<'_>, server: &ServerName) -> Fallible<()> {
    let sql = "INSERT INTO change_straggler (server) VALUES (?) ON CONFLICT (server) DO NOTHING";
    tx.run(sql, values![server.as_str()])?;
    Ok(())
}

/// Notes that a server was told.
pub(crate) fn has_heard(tx: &Tx<'_>, server: &ServerName) -> Fallible<()> {
    tx.run("DELETE FROM change_straggler WHERE server = ?", values![server.as_str()])?;
    Ok(())
}

columns!(of_edits { number, edits });
columns!(of_staged { class, name, value });

/// Returns what holds edits that cannot be read.
pub(super) fn unreadable(tx: &Tx<'_>) -> Fallible<Vec<String>> {
    let mut found = Vec::new();
    tx.each(made_once!("SELECT {} FROM issued ORDER BY number", of_edits::LIST), &[], |row| {
        if serde_json::from_str::<Vec<Edit>>(&row.get::<String>(of_edits::edits)?).is_err() {
            found.push(format!("generation {}", row.get::<i64>(of_edits::number)?));
        }
        Ok(())
    })?;
    tx.each(made_once!("SELECT {} FROM staged_edit ORDER BY class, name_key", of_staged::LIST), &[], |row| {
        let value: Option<String> = row.get(of_staged::value)?;
        if value.is_some_and(|text| serde_json::from_str::<Value>(&text).is_err()) {
            found.push(format!("{} {}", row.get::<String>(of_staged::class)?, row.get::<String>(of_staged::name)?));
        }
        Ok(())
    })?;
    Ok(found)
}
