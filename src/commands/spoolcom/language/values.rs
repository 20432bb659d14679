//! The values that were typed after a command or a subcommand, and their places.

use crate::commands::shell::Intent;

use super::keywords::Qualifier;
use super::mistake::Span;
use super::out_name::OutName;

/// A value and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// The states that the qualifier STATE knows.
pub const JOB_STATES: &[&str] = &["OPEN", "READY", "PRINT", "TRANSFER", "HOLD"];

/// One qualifier of a JOB list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Which.
    pub key: Qualifier,
    /// Its value; none for a bare OWNER.
    pub value: Option<String>,
    /// Its place.
    pub span: Span,
}

/// What a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// Not given.
    None,
    /// A name or number.
    Name(Spanned<String>),
    /// A list of qualifiers.
    Filters(Vec<Filter>),
}

/// ON, OFF or OFF!.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// ON, or nothing.
    On,
    /// OFF
    Off,
    /// OFF!
    OffEach,
}

/// ON, OFF, or a number that means ON with that value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchOrNumber {
    /// ON, or nothing.
    On,
    /// OFF
    Off,
    /// A number.
    Number(i64),
}

/// A display that was asked for: `[/OUT file/] [DETAIL]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisplayRequest {
    /// DETAIL.
    pub detail: bool,
    /// The destination of `/OUT file/`.
    pub out: Option<OutName>,
}

impl DisplayRequest {
    /// Returns what the display needs the spool for: one that becomes a job changes it.
    pub fn intent(&self) -> Intent {
        match &self.out {
            Some(OutName::Job { .. }) => Intent::Write,
            _ => Intent::Read,
        }
    }
}

/// What followed a subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, where nothing may follow.
    None,
    /// Whether `!` followed.
    Bang(bool),
    /// A switch.
    Switch(Switch),
    /// A number.
    Number(i64),
    /// A text, name or word; none when it was cleared or left out.
    Text(Option<String>),
    /// What a display shows, and where to.
    Display(DisplayRequest),
    /// Jobs, for FONT.
    Jobs(Object),
}

/// A type of what follows a subcommand, read from what was typed.
pub trait Payload: Sized {
    /// Reads the value; none for a value of another kind, which the parser has refused before.
    fn of(value: &Value) -> Option<Self>;
}

macro_rules! payloads {
    ($($type:ty: $($pattern:pat => $value:expr),+;)+) => {
        $(impl Payload for $type {
            fn of(value: &Value) -> Option<Self> {
                match value {
                    $($pattern => Some($value),)+
                    _ => None,
                }
            }
        })+
    };
}

payloads! {
    bool: Value::Bang(on) => *on, Value::Switch(switch) => *switch == Switch::On;
    Switch: Value::Switch(switch) => *switch;
    SwitchOrNumber:
        Value::Switch(Switch::On) => Self::On, Value::Switch(_) => Self::Off, Value::Number(n) => Self::Number(*n);
    i64: Value::Number(n) => *n;
    String: Value::Text(Some(text)) => text.clone();
    Option<String>: Value::Text(text) => text.clone();
    DisplayRequest: Value::Display(display) => display.clone();
}
