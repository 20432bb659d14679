//! The attributes of a FASTCNFG entry (docs/reference/fastp.md 4.3): one table for the parser, its suggestions and the manual.

use std::time::Duration;

use super::lexer::{WordEnd, shown};
use crate::model::near;

/// A tick of FASTPTCP's attributes of time.
pub const TICK: Duration = Duration::from_millis(10);
/// A day in ticks, the longest SHUTDOWNTO.
const DAY: u64 = 8_640_000;
/// What 31 bits hold: the longest TIMEOUT.
const LONGEST: u64 = (1 << 31) - 1;

/// What an attribute does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// How the device is connected.
    Contype,
    /// What is spoken over TCP.
    Protocol,
    /// Host of a TCP connection.
    Address,
    /// Port of a TCP connection.
    Port,
    /// An address of this spooler.
    Uri,
    /// File, character device or pipe.
    Path,
    /// How long an operation may take.
    Timeout,
    /// Wait between tries of a refused connection.
    Pollint,
    /// How many such tries.
    Pollnum,
    /// How long we wait for the peer's close.
    Shutdownto,
    /// Pause before the end of a job.
    Slowpace,
    /// Another file; for SPOOLER and PROCESS only.
    Fastcnfg,
    /// Accepted, without effect in this version.
    Idle,
    /// Belongs to a print process or protocol that is not available: its name.
    Foreign(&'static str),
}

/// What values an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Any word or quotation.
    Any,
    /// One of these.
    Word(&'static [&'static str]),
    /// A number, decimal.
    Number(u64, u64),
    /// Words up to a `;`.
    List,
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub role: Role,
    /// What it takes.
    pub value: Value,
    /// Whether it belongs to CONTYPE = TCP/IP alone.
    pub tcp: bool,
    /// Where its value ends.
    pub until: WordEnd,
}

const fn row(name: &'static str, role: Role, value: Value) -> Attribute {
    Attribute { name, role, value, tcp: false, until: WordEnd::Mark }
}
const fn tcp(name: &'static str, role: Role, value: Value) -> Attribute {
    Attribute { name, role, value, tcp: true, until: WordEnd::Mark }
}
const fn place(name: &'static str, role: Role) -> Attribute {
    Attribute { name, role, value: Value::Any, tcp: false, until: WordEnd::Blank }
}

const YES_NO: Value = Value::Word(&["YES", "NO"]);
const X25: Role = Role::Foreign("FASTPX25");
const XNS: Role = Role::Foreign("FASTPXNS");
const SMB: Role = Role::Foreign("FASTPSMB");
const LPD: Role = Role::Foreign("PROTOCOL = LPD1179");

/// Every attribute.
#[rustfmt::skip]
pub const TABLE: &[Attribute] = &[
    row("CONTYPE", Role::Contype, Value::Any),
    place("URI", Role::Uri),
    place("PATH", Role::Path),
    place("FASTCNFG", Role::Fastcnfg),
    row("TIMEOUT", Role::Timeout, Value::Number(0, LONGEST)),
    tcp("PROTOCOL", Role::Protocol, Value::Any),
    tcp("ADDRESS", Role::Address, Value::Any),
    tcp("PORT", Role::Port, Value::Number(1, 65_535)),
    tcp("POLLINT", Role::Pollint, Value::Number(0, DAY)),
    tcp("POLLNUM", Role::Pollnum, Value::Number(0, 32_767)),
    tcp("SHUTDOWNTO", Role::Shutdownto, Value::Number(0, DAY)),
    tcp("SLOWPACE", Role::Slowpace, Value::Number(0, 12_000)),
    row("DELAY", Role::Idle, Value::Number(0, LONGEST)),
    place("SHADOW", Role::Idle),
    place("SHADOW1", Role::Idle), place("SHADOW2", Role::Idle), place("SHADOW3", Role::Idle), place("SHADOW4", Role::Idle),
    place("SHADOW5", Role::Idle), place("SHADOW6", Role::Idle), place("SHADOW7", Role::Idle), place("SHADOW8", Role::Idle),
    tcp("ONLINEMODE", Role::Idle, Value::Word(&["NO", "YES", "EOJ", "BOTH"])),
    tcp("SNMP-COMMUNITY", Role::Idle, Value::Any),
    tcp("POLLTYPENAME", Role::Idle, Value::Any),
    tcp("WAITTIME", Role::Idle, Value::Number(0, LONGEST)),
    tcp("TCPA-ADDR", Role::Idle, Value::Any),
    tcp("TCPB-ADDR", Role::Idle, Value::Any),
    tcp("BLOCK", Role::Idle, Value::Any),
    tcp("CHARSET", Role::Idle, Value::Any),
    tcp("DRAIN", Role::Idle, YES_NO),
    tcp("DRAINLOG", Role::Idle, YES_NO),
    tcp("NOTIMINGMARK", Role::Idle, Value::Any),
    row("SVCLIST", X25, Value::List),
    row("SVCMACRO", X25, Value::Any),
    row("SUBS140", X25, Value::Any),
    row("RECOVERY", X25, Value::Any),
    row("RETRIES", XNS, Value::Any),
    row("LAN", SMB, Value::Any),
    row("BLANK", SMB, Value::Any),
    row("FASTPJOB", SMB, Value::Any),
    row("LOCATION", SMB, Value::Any),
    row("NODESPOOL", SMB, Value::Any),
    row("REPORT", SMB, Value::Any),
    row("SPOOLJOB", SMB, Value::Any),
    row("USER", SMB, Value::Any),
    row("QUEUENAME", LPD, Value::Any),
    row("HOSTNAME", LPD, Value::Any),
    row("USERID", LPD, Value::Any),
    row("JOBNAME", LPD, Value::Any),
    row("BANNERCLASS", LPD, Value::Any),
    row("PRINTBANNER", LPD, YES_NO),
    row("BURSTBANNER", LPD, Value::Any),
    row("UNLINK", LPD, YES_NO),
    row("SOURCEFILE", LPD, Value::Any),
];

/// The attribute of that name.
pub fn find(name: &str) -> Option<&'static Attribute> {
    TABLE.iter().find(|row| row.name.eq_ignore_ascii_case(name))
}

/// Names of attributes that resemble `name`, as a hint.
pub fn suggestion(name: &str) -> Option<String> {
    let near = near(name, TABLE.iter().map(|row| row.name));
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(", ")))
}

impl Attribute {
    /// Checks a value as far as the attribute alone allows.
    pub fn check(&self, value: &str) -> Result<(), String> {
        match self.value {
            Value::Any if value.is_empty() => Err(format!("{} is empty", self.name)),
            Value::Any | Value::List => Ok(()),
            Value::Word(words) if words.iter().any(|word| word.eq_ignore_ascii_case(value)) => Ok(()),
            Value::Word(words) => Err(format!("{} is one of {}, not '{}'", self.name, words.join(", "), shown(value))),
            Value::Number(..) => self.number(value).map(|_| ()),
        }
    }

    /// Returns `value` as a number.
    pub fn number(&self, value: &str) -> Result<u64, String> {
        let Value::Number(least, most) = self.value else { return Err(format!("{} is no number", self.name)) };
        let number = value.bytes().all(|b| b.is_ascii_digit()).then(|| value.parse().ok()).flatten();
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("{} is a number from {least} to {most}, not '{}'", self.name, shown(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_row() {
        for (i, row) in TABLE.iter().enumerate() {
            assert!(TABLE[i + 1..].iter().all(|other| other.name != row.name), "{}", row.name);
            assert_eq!(find(&row.name.to_lowercase()), Some(row));
        }
        assert_eq!(suggestion("SHUTDOWNT").as_deref(), Some("did you mean SHUTDOWNTO?"));
        assert_eq!(suggestion("XYZZYXYZZY"), None);
    }

    #[test]
    fn a_value_out_of_its_range_is_refused() {
        let check = |name: &str, value: &str| find(name).unwrap().check(value);
        for (name, good, bad) in [
            ("PORT", ["1", "65535"], ["0", "65536"]),
            ("SHUTDOWNTO", ["0", "8640000"], ["8640001", "-1"]),
            ("SLOWPACE", ["0", "012000"], ["12001", "%10"]),
            ("TIMEOUT", ["0", "2147483647"], ["2147483648", "99999999999999999999"]),
            ("ONLINEMODE", ["both", "EOJ"], ["MAYBE", ""]),
        ] {
            good.iter().for_each(|value| assert_eq!(check(name, value), Ok(()), "{name}"));
            bad.iter().for_each(|value| assert!(check(name, value).is_err(), "{name} {value}"));
        }
        assert!(check("PORT", "9100").is_ok() && check("PORT", "91OO").unwrap_err().contains("from 1 to 65535"));
    }
}
