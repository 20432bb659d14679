//! `--json`: an array of objects, one object a line, written as it is read.
//!
//! Keys are the full names of attributes, in the order of the display. Numbers are numbers, times are RFC 3339 in UTC,
//! an attribute that may have several values is an array, one without a value is `null` (or an empty array). The documents of a job
//! are the array `documents`. `document-content` is an object with `path` and `server`; a path that is not UTF-8 has
//! U+FFFD for what it cannot show and its octets in hexadecimal as `path-octets`. More than a thousand jobs ahead are
//! `"intervening-jobs": 1000` beside `"intervening-jobs-more": true`. `why` and `log` are arrays of objects
//! ([`why`](crate::commands::why), [`log`](crate::commands::log)).

use std::io::{self, Write};

use jiff::Timestamp;

use super::record::{Layout, Record};
use crate::attributes::{Attribute, Kind};
use crate::model::field::{Field, Value};
use crate::model::printable;

/// Writes one object.
pub fn record(out: &mut Vec<u8>, layout: &Layout, record: &Record) -> io::Result<()> {
    out.write_all(b"{")?;
    let selection = &layout.selection;
    members(out, (&selection.object, &record.values, &record.carried), &record.structured)?;
    if !layout.selection.documents.is_empty() {
        if !selection.object.is_empty() || !record.carried.is_empty() {
            out.write_all(b",")?;
        }
        out.write_all(b"\"documents\":[")?;
        for (n, document) in record.documents.iter().enumerate() {
            out.write_all(if n == 0 { b"{" } else { b",{" })?;
            members(out, (&selection.documents, &document.values, &document.carried), &[])?;
            out.write_all(b"}")?;
        }
        out.write_all(b"]")?;
    }
    out.write_all(b"}")
}

fn members(
    out: &mut Vec<u8>,
    (rows, values, carried): (&[&'static Attribute], &[Value], &[(&'static Attribute, Value)]),
    structured: &[(Field, serde_json::Value)],
) -> io::Result<()> {
    let carried = carried.iter().map(|(row, value)| (row, value));
    for (n, (row, value)) in rows.iter().zip(values).chain(carried).enumerate() {
        if n > 0 {
            out.write_all(b",")?;
        }
        key(out, row.name());
        if let Some((_, value)) = structured.iter().find(|one| one.0 == row.field) {
            out.write_all(printable::json(&value.to_string()).as_bytes())?;
            continue;
        }
        match (row.kind, value) {
            (Kind::Counted(most), Value::Integer(n)) if *n > most => {
                write!(out, "{most},\"{}-more\":true", row.name())?;
            }
            (Kind::Content, Value::Many(parts)) => content(out, parts)?,
            (_, Value::Many(values)) if row.many => {
                out.write_all(b"[")?;
                for (n, value) in values.iter().enumerate() {
                    if n > 0 {
                        out.write_all(b",")?;
                    }
                    scalar(out, value)?;
                }
                out.write_all(b"]")?;
            }
            (_, one) if row.many => {
                out.write_all(b"[")?;
                scalar(out, one)?;
                out.write_all(b"]")?;
            }
            (_, one) => scalar(out, one)?,
        }
    }
    Ok(())
}

fn content(out: &mut Vec<u8>, parts: &[Value]) -> io::Result<()> {
    let keys = ["path", "server", "path-octets"];
    out.write_all(b"{")?;
    for (n, (key, value)) in keys.iter().zip(parts).enumerate() {
        if n > 0 {
            out.write_all(b",")?;
        }
        self::key(out, key);
        scalar(out, value)?;
    }
    out.write_all(b"}")
}

fn scalar(out: &mut Vec<u8>, value: &Value) -> io::Result<()> {
    match value {
        Value::Text(text) => string(out, text),
        Value::Integer(n) => write!(out, "{n}"),
        Value::Boolean(b) => write!(out, "{b}"),
        Value::Time(ms) => match Timestamp::from_millisecond(*ms) {
            Ok(at) => string(out, &at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            Err(_) => out.write_all(b"null"),
        },
        Value::Many(_) => out.write_all(b"null"),
    }
}

/// A name of ours, in which nothing has to be escaped.
fn key(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn string(out: &mut Vec<u8>, text: &str) -> io::Result<()> {
    if text.contains(printable::is_harmful) {
        return out.write_all(printable::json(&serde_json::Value::from(text).to_string()).as_bytes());
    }
    serde_json::to_writer(&mut *out, text).map_err(io::Error::from)
}
