//! `--json`: an array of objects, one object a line, written as it is read.
//!
//! Keys are the full names of attributes, in the order of the display. Numbers are numbers, times are RFC 3339 in UTC. An
//! attribute that may have several values is an array. One without a value is `null`, or an empty array. The documents of a
//! job are the array `documents`. `document-content` is an object with `path` and `server`; a path that is not UTF-8 has
//! U+FFFD for what it cannot show and its octets in hexadecimal as `path-octets`. More than a thousand jobs ahead are
//! `"intervening-jobs": 1000` beside `"intervening-jobs-more": true`. `why` and `log` are arrays of objects
//! ([`why`](crate::commands::why), [`log`](crate::commands::log)).

use std::io::{self, Write};

use super::record::{Carried, Layout, Record};
use crate::attributes::text::utc;
use crate::attributes::{Attribute, Kind};
use crate::commands::pd::command_line::selection::Selection;
use crate::model::field::{Field, Value};

/// An attribute, and its key as it is written.
type Keyed = (&'static Attribute, Vec<u8>);

/// The attributes of a selection with their keys, which are made once for a listing.
#[derive(Debug)]
pub struct Keys {
    object: Vec<Keyed>,
    documents: Vec<Keyed>,
}

impl Keys {
    /// Makes the keys of `selection`.
    pub fn of(selection: &Selection) -> Self {
        let keys = |rows: &[&'static Attribute]| rows.iter().map(|row| (*row, key(row.name()))).collect();
        Self { object: keys(&selection.object), documents: keys(&selection.documents) }
    }
}

/// Writes one object.
pub fn record(out: &mut Vec<u8>, keys: &Keys, layout: &Layout, record: &Record) -> io::Result<()> {
    out.push(b'{');
    members(out, (&keys.object, &record.values, &record.carried), &record.structured)?;
    if !layout.selection.documents.is_empty() {
        if !keys.object.is_empty() || !record.carried.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(b"\"documents\":[");
        for (n, document) in record.documents.iter().enumerate() {
            out.extend_from_slice(if n == 0 { b"{" } else { b",{" });
            members(out, (&keys.documents, &document.values, &document.carried), &[])?;
            out.push(b'}');
        }
        out.push(b']');
    }
    out.push(b'}');
    Ok(())
}

fn members(
    out: &mut Vec<u8>,
    (rows, values, carried): (&[Keyed], &[Value], &[Carried]),
    structured: &[(Field, serde_json::Value)],
) -> io::Result<()> {
    for (n, ((row, key), one)) in rows.iter().zip(values).enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key);
        match structured.iter().find(|one| one.0 == row.field) {
            Some((_, whole)) => serde_json::to_writer(&mut *out, whole).map_err(io::Error::from)?,
            None => value(out, row, one)?,
        }
    }
    for (n, (row, one)) in carried.iter().enumerate() {
        if n > 0 || !rows.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(&key(row.name()));
        value(out, row, one)?;
    }
    Ok(())
}

/// Writes the value of an attribute.
fn value(out: &mut Vec<u8>, row: &Attribute, value: &Value) -> io::Result<()> {
    match (row.kind, value) {
        (Kind::Counted(most), Value::Integer(n)) if *n > most => {
            write!(out, "{most},\"{}-more\":true", row.name())
        }
        (Kind::Content, Value::Many(parts)) => content(out, parts),
        (_, Value::Many(values)) if row.many => {
            out.push(b'[');
            for (n, value) in values.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                scalar(out, value)?;
            }
            out.push(b']');
            Ok(())
        }
        (_, one) if row.many => {
            out.push(b'[');
            scalar(out, one)?;
            out.push(b']');
            Ok(())
        }
        (_, one) => scalar(out, one),
    }
}

fn content(out: &mut Vec<u8>, parts: &[Value]) -> io::Result<()> {
    let keys = ["path", "server", "path-octets"];
    out.push(b'{');
    for (n, (name, value)) in keys.iter().zip(parts).enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&key(name));
        scalar(out, value)?;
    }
    out.push(b'}');
    Ok(())
}

fn scalar(out: &mut Vec<u8>, value: &Value) -> io::Result<()> {
    match value {
        Value::Text(text) => serde_json::to_writer(&mut *out, text).map_err(io::Error::from)?,
        Value::Integer(n) => serde_json::to_writer(&mut *out, n).map_err(io::Error::from)?,
        Value::Boolean(on) => out.extend_from_slice(if *on { b"true" } else { b"false" }),
        Value::Time(ms) => match utc(*ms) {
            Some(mut text) => {
                // RFC 3339 has a T between the date and the time.
                text[10] = b'T';
                out.push(b'"');
                out.extend_from_slice(&text);
                out.extend_from_slice(b"Z\"");
            }
            None => out.extend_from_slice(b"null"),
        },
        Value::Many(_) => out.extend_from_slice(b"null"),
    }
    Ok(())
}

/// Returns a name of ours, in which nothing has to be escaped, as a key.
fn key(name: &str) -> Vec<u8> {
    format!("\"{name}\":").into_bytes()
}
