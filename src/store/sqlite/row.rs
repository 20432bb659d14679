//! Values on their way to SQLite and back.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Params, params_from_iter};

use crate::model::{Failure, FailureKind};
use crate::store::Fallible;
use crate::store::value::{Bind, Column, Read, Value};

/// A parameter on its way to SQLite.
struct Bound<'a>(Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(n) => ValueRef::Integer(n),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(octets) => ValueRef::Blob(octets),
        }))
    }
}

pub(super) fn bound<'a>(values: &'a [&'a dyn Bind]) -> impl Params + 'a {
    params_from_iter(values.iter().map(|value| Bound(value.bind())))
}

/// A row that a statement found.
pub(crate) struct Row<'a>(&'a rusqlite::Row<'a>);

impl<'a> Row<'a> {
    pub(super) fn of(row: &'a rusqlite::Row<'a>) -> Self {
        Self(row)
    }

    /// Returns the value of a column.
    pub(crate) fn get<T: Read>(&self, column: Column) -> Fallible<T> {
        let value = match self.0.get_ref(column.index)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(n) => Value::Integer(n),
            ValueRef::Text(text) => {
                Value::Text(str::from_utf8(text).map_err(|error| damaged(column.name, &error.to_string()))?)
            }
            ValueRef::Blob(octets) => Value::Blob(octets),
            ValueRef::Real(_) => return Err(damaged(column.name, "a number with a fraction")),
        };
        T::read(value).map_err(|wrong| damaged(column.name, &wrong))
    }

    /// Returns the value of the only column.
    pub(crate) fn only<T: Read>(&self) -> Fallible<T> {
        self.get(ONLY)
    }
}

const ONLY: Column = Column { index: 0, name: "value" };

/// A row that says what this version does not know, or that is damaged: nothing is made of it.
pub(in crate::store) fn damaged(column: &str, wrong: &str) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("spool.db: {column}: {wrong}"))
        .hint("the spool is damaged, or another version has written it")
}
