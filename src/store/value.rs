//! Values on their way into rows and out of them.
//!
//! A parameter and a column have the type of what they mean: a state, a name, a number. What is stored and means nothing
//! to this version is an error, never another value.

use crate::model::access::{Grantee, Operation};
use crate::model::collector::CollectorWish;
use crate::model::device::{AfterReset, DeviceUri, Exclusive, Paper};
use crate::model::event::{EventDetail, EventWord};
use crate::model::field::Field;
use crate::model::job::{Format, FormatOrigin, Origin, RawPath, Transfer, WrappedKey};
use crate::model::lifetime::{Ending, Retention};
use crate::model::location::{Destination, LocationKind};
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::order::Priority;
use crate::model::separation::{HeaderPages, StartFf};
use crate::model::state::{DeviceWish, EntryState, HoldReasons, JobState, SpoolerState, Wish};
use crate::model::{
    BatchNumber, ClassId, CollectorId, CollectorName, DestName, DeviceId, DeviceName, DocumentId, EntryId, FontName,
    GroupId, GroupName, JobId, JobNumber, LocalJobId, LocationId, ObjectId, ProcessId, ProcessName, RequestId, RouteId,
    Serial, ServerName,
};

/// A value as engines know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// A text.
    Text(&'a str),
    /// Octets.
    Blob(&'a [u8]),
}

/// What can be bound to a parameter of a statement.
pub(crate) trait Bind {
    /// It as an engine takes it.
    fn bind(&self) -> Value<'_>;
}

/// What can be read from a column.
pub(crate) trait Read: Sized {
    /// It from what an engine found, or what is wrong with that.
    fn read(value: Value<'_>) -> Result<Self, String>;
}

/// The parameters of a statement, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$(&$value as &dyn $crate::store::value::Bind),*] };
}
pub(crate) use values;

fn integer(value: Value<'_>) -> Result<i64, String> {
    match value {
        Value::Integer(n) => Ok(n),
        other => Err(format!("{other:?} is no number")),
    }
}

fn text(value: Value<'_>) -> Result<&str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("{other:?} is no text")),
    }
}

fn octets(value: Value<'_>) -> Result<&[u8], String> {
    match value {
        Value::Blob(octets) => Ok(octets),
        other => Err(format!("{other:?} are no octets")),
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    fn bind(&self) -> Value<'_> {
        (**self).bind()
    }
}

impl<T: Bind> Bind for Option<T> {
    fn bind(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Bind::bind)
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: Value<'_>) -> Result<Self, String> {
        match value {
            Value::Null => Ok(None),
            value => T::read(value).map(Some),
        }
    }
}

macro_rules! integers {
    ($($type:ty),+) => {$(
        impl Bind for $type {
            fn bind(&self) -> Value<'_> {
                Value::Integer(i64::from(*self))
            }
        }
        impl Read for $type {
            fn read(value: Value<'_>) -> Result<Self, String> {
                let n = integer(value)?;
                Self::try_from(n).map_err(|_| format!("{n} is out of range"))
            }
        }
    )+};
}
integers!(i64, i32, u32, u16, u8);

/// Larger than 2^63 − 1 never occurs.
impl Bind for u64 {
    fn bind(&self) -> Value<'_> {
        Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl Read for u64 {
    fn read(value: Value<'_>) -> Result<Self, String> {
        let n = integer(value)?;
        Self::try_from(n).map_err(|_| format!("{n} is negative"))
    }
}

impl Bind for usize {
    fn bind(&self) -> Value<'_> {
        Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

/// A number of the kernel that uses all 64 bits (device, inode): it is stored bit for bit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bits(pub(crate) u64);

impl Bind for Bits {
    fn bind(&self) -> Value<'_> {
        Value::Integer(self.0.cast_signed())
    }
}

impl Read for Bits {
    fn read(value: Value<'_>) -> Result<Self, String> {
        Ok(Self(integer(value)?.cast_unsigned()))
    }
}

impl Bind for bool {
    fn bind(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl Read for bool {
    fn read(value: Value<'_>) -> Result<Self, String> {
        Ok(integer(value)? != 0)
    }
}

impl Bind for str {
    fn bind(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Bind for String {
    fn bind(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Read for String {
    fn read(value: Value<'_>) -> Result<Self, String> {
        text(value).map(str::to_owned)
    }
}

impl Bind for [u8] {
    fn bind(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl Bind for [u8; 32] {
    fn bind(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl Read for [u8; 32] {
    fn read(value: Value<'_>) -> Result<Self, String> {
        let octets = octets(value)?;
        octets.try_into().map_err(|_| format!("{} octets are no digest", octets.len()))
    }
}

impl Bind for WrappedKey {
    fn bind(&self) -> Value<'_> {
        Value::Blob(&self.0)
    }
}

impl Read for WrappedKey {
    fn read(value: Value<'_>) -> Result<Self, String> {
        Ok(Self(octets(value)?.to_vec()))
    }
}

impl Bind for RawPath {
    fn bind(&self) -> Value<'_> {
        Value::Blob(self.bytes())
    }
}

impl Read for RawPath {
    fn read(value: Value<'_>) -> Result<Self, String> {
        Ok(Self::from(octets(value)?.to_vec()))
    }
}

macro_rules! wrapped {
    ($($type:ident),+) => {$(
        impl Bind for $type {
            fn bind(&self) -> Value<'_> {
                self.0.bind()
            }
        }
        impl Read for $type {
            fn read(value: Value<'_>) -> Result<Self, String> {
                Read::read(value).map(Self)
            }
        }
    )+};
}
wrapped!(ClassId, CollectorId, DeviceId, DocumentId, EntryId, GroupId, JobId, LocationId, ObjectId, ProcessId);
wrapped!(RequestId, RouteId);
wrapped!(HoldReasons, LocalJobId, Serial);

/// Values with a number of their own: what has another number is unknown.
macro_rules! numbered {
    ($($type:ident: $number:expr, $from:expr, $what:literal;)+) => {$(
        impl Bind for $type {
            fn bind(&self) -> Value<'_> {
                let number: fn($type) -> i64 = $number;
                Value::Integer(number(*self))
            }
        }
        impl Read for $type {
            fn read(value: Value<'_>) -> Result<Self, String> {
                let n = integer(value)?;
                let from: fn(i64) -> Option<$type> = $from;
                from(n).ok_or_else(|| format!(concat!("{} is no ", $what), n))
            }
        }
    )+};
}
numbered! {
    EntryState: |state| state as i64, EntryState::from_stored, "state of an entry";
    CollectorWish: |wish| wish as i64, CollectorWish::from_stored, "wish for a collector";
    DeviceWish: |wish| wish as i64, DeviceWish::from_stored, "wish for a device";
    LocationKind: |kind| kind as i64, LocationKind::from_stored, "kind of a location";
    SpoolerState: |state| state as i64, SpoolerState::from_stored, "state of a spooler";
    Paper: |paper| paper as i64, Paper::from_stored, "place of the paper";
    Wish: Wish::stored, Wish::from_stored, "wish for a job";
    JobNumber: |number| i64::from(number.get()), |n| u32::try_from(n).ok().and_then(JobNumber::new), "job number";
    BatchNumber: |number| i64::from(number.get()), |n| u32::try_from(n).ok().and_then(BatchNumber::new), "batch number";
    Priority: |priority| i64::from(priority.get()), |n| u8::try_from(n).ok().and_then(Priority::new), "priority";
}

/// Values with a word of their own: another word is unknown.
macro_rules! words {
    ($($type:ident: $word:expr, $from:expr, $what:literal;)+) => {$(
        impl Bind for $type {
            fn bind(&self) -> Value<'_> {
                let word: fn($type) -> &'static str = $word;
                Value::Text(word(*self))
            }
        }
        impl Read for $type {
            fn read(value: Value<'_>) -> Result<Self, String> {
                let word = text(value)?;
                let from: fn(&str) -> Option<$type> = $from;
                from(word).ok_or_else(|| format!(concat!("'{}' is no ", $what), word))
            }
        }
    )+};
}
words! {
    Operation: Operation::keyword, Operation::from_word, "operation of an access rule";
    AfterReset: AfterReset::word, AfterReset::from_word, "value of DELIVERY";
    Exclusive: Exclusive::word, Exclusive::from_word, "value of EXCLUSIVE";
    HeaderPages: HeaderPages::word, HeaderPages::from_word, "value of HEADER";
    StartFf: StartFf::word, StartFf::from_word, "value of STARTFF";
    Transfer: Transfer::word, Transfer::from_word, "way of a document into the spool";
    Format: Format::keyword, Format::from_keyword, "document format";
    FormatOrigin: FormatOrigin::word, FormatOrigin::from_word, "origin of a document format";
    Origin: Origin::word, Origin::from_word, "origin of a value";
    EventDetail: EventDetail::stored, EventDetail::from_stored, "detail of an event";
    JobState: JobState::infoprint, JobState::from_infoprint, "state of a job";
}

/// How a job ended; 0 stands for a job that has not.
impl Bind for super::job::Ended {
    fn bind(&self) -> Value<'_> {
        Value::Integer(Ending::stored(self.0))
    }
}

impl Read for super::job::Ended {
    fn read(value: Value<'_>) -> Result<Self, String> {
        Ending::from_stored(integer(value)?).map(Self)
    }
}

/// How long a job is kept when it has ended. It is bound as its text.
impl Read for Retention {
    fn read(value: Value<'_>) -> Result<Self, String> {
        let stored = text(value)?;
        Self::from_stored(stored).ok_or_else(|| format!("'{stored}' is no retention"))
    }
}

impl Bind for Grantee {
    fn bind(&self) -> Value<'_> {
        Value::Text(self.stored())
    }
}

impl Read for Grantee {
    fn read(value: Value<'_>) -> Result<Self, String> {
        text(value)?.parse().map_err(|failure: crate::model::Failure| failure.message)
    }
}

/// The attribute of a value that was given.
impl Read for Field {
    fn read(value: Value<'_>) -> Result<Self, String> {
        let name = text(value)?;
        Self::from_stored(name).ok_or_else(|| format!("'{name}' is no name of an attribute"))
    }
}

impl Bind for Field {
    fn bind(&self) -> Value<'_> {
        Value::Text(self.stored())
    }
}

impl Bind for ObjectClass {
    fn bind(&self) -> Value<'_> {
        Value::Text(self.word())
    }
}

impl Bind for EventWord {
    fn bind(&self) -> Value<'_> {
        Value::Text(self.word())
    }
}

impl Read for EventWord {
    fn read(value: Value<'_>) -> Result<Self, String> {
        text(value).map(Self::from)
    }
}

/// Names, checked before they were stored.
macro_rules! names {
    ($($type:ident),+) => {$(
        impl Read for $type {
            fn read(value: Value<'_>) -> Result<Self, String> {
                let name = text(value)?;
                name.parse().map_err(|_| format!("'{name}' is no name"))
            }
        }
    )+};
}
names!(CollectorName, DestName, DeviceName, DeviceUri, FontName, GroupName, ObjectName, ProcessName, ServerName);

/// Where a finished job was sent.
impl Read for Destination {
    fn read(value: Value<'_>) -> Result<Self, String> {
        let name = text(value)?;
        Self::from_stored(name).ok_or_else(|| format!("'{name}' is no name"))
    }
}

/// A column of a table, by its name. Its place in a row comes from the list of columns that it is defined with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Where it stands in a row.
    pub(crate) index: usize,
    /// Its name.
    pub(crate) name: &'static str,
}

/// Defines the columns that a statement reads: `LIST` for its text and, for [`super::Row::get`], one constant for each
/// column. The place of a column follows from its name when the program is built, so that reading by name costs nothing.
macro_rules! columns {
    ($name:ident { $($column:ident $(= $sql:literal)?),+ $(,)? }) => {
        #[allow(non_upper_case_globals, non_camel_case_types)]
        mod $name {
            use $crate::store::value::Column;
            enum Place { $($column),+ }
            /// The columns as a SELECT lists them.
            pub(in $crate::store) const LIST: &str = $crate::store::value::columns!(@list $($column $(= $sql)?),+);
            $(
                pub(in $crate::store) const $column: Column =
                    Column { index: Place::$column as usize, name: stringify!($column) };
            )+
        }
    };
    (@list $first:ident $(= $first_sql:literal)? $(, $column:ident $(= $sql:literal)?)*) => {
        concat!(
            $crate::store::value::columns!(@one $first $(= $first_sql)?)
            $(, ", ", $crate::store::value::columns!(@one $column $(= $sql)?))*
        )
    };
    (@one $column:ident) => { stringify!($column) };
    (@one $column:ident = $sql:literal) => { concat!($sql, " AS ", stringify!($column)) };
}
pub(crate) use columns;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_and_unknown_is_an_error_and_never_another_value() {
        assert!(EntryState::read(Value::Integer(9)).is_err());
        assert!(DeviceWish::read(Value::Integer(9)).is_err());
        assert!(SpoolerState::read(Value::Integer(9)).is_err());
        assert!(Paper::read(Value::Integer(9)).is_err());
        assert!(Wish::read(Value::Integer(3)).is_err());
        assert!(JobNumber::read(Value::Integer(0)).is_err());
        assert!(Priority::read(Value::Integer(101)).is_err());
        assert!(u64::read(Value::Integer(-1)).is_err());
        assert!(Exclusive::read(Value::Text("perhaps")).is_err());
        assert!(HeaderPages::read(Value::Text("perhaps")).is_err());
        assert!(StartFf::read(Value::Text("perhaps")).is_err());
        assert!(Transfer::read(Value::Text("perhaps")).is_err());
        assert!(Format::read(Value::Text("perhaps")).is_err());
        assert!(EventDetail::read(Value::Text("perhaps")).is_err());
        assert!(DeviceName::read(Value::Text("")).is_err());
        assert!(<[u8; 32]>::read(Value::Blob(b"short")).is_err());
        assert_eq!(Wish::read(Value::Integer(2)), Ok(Wish::Cancel));
    }
}
