//! The attributes of a job, as JOB subcommands set them.
//!
//! Neighbouring attributes travel as one change, which holds as a whole or not at all. HOLDAFTER goes by itself: it is
//! allowed in states in which the others are not.

use crate::model::alter::{JobChange, NewOwner};
use crate::model::device::check_form;
use crate::model::order::Priority;
use crate::model::{DestName, GroupName, LocationName, LocationPattern};
use crate::sys::users;

use super::grammar::Key;
use super::lexer::Mistake;
use super::plan::operand_name;
use super::tree::{Subcommand, Switch, Value};

/// The attribute that `subcommand` sets; none when it is no attribute.
///
/// # Errors
/// A malformed value.
pub fn change(subcommand: &Subcommand) -> Result<Option<JobChange>, Mistake> {
    Ok(Some(match (subcommand.key(), &subcommand.value) {
        // The grammar has checked the ranges.
        (Key::Copies, Value::Number(n)) => JobChange::Copies { document: None, copies: u32::try_from(*n).ok() },
        (Key::SelPri, Value::Number(n)) => JobChange::Priority(u8::try_from(*n).ok().and_then(Priority::from_selpri)),
        (Key::Form, Value::Text(form)) => JobChange::Form(match form {
            Some(form) => Some(check_form(form).map_err(|why| subcommand.bad_value(why))?),
            None => None,
        }),
        (Key::Report, Value::Text(name)) => {
            if name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
                return Err(subcommand.bad_value("a report name has no control characters"));
            }
            if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
                return Err(subcommand.bad_value("the report name is blank").hint("REPORT NONE   gives the usual one"));
            }
            JobChange::Name(name.clone())
        }
        (Key::HoldAfter, Value::Switch(on)) => JobChange::HoldAfter(Some(*on == Switch::On)),
        (Key::Loc, Value::Text(_)) => JobChange::Destination {
            to: operand_name::<LocationPattern>(subcommand)?.unwrap_or_else(default_location),
            declare: true,
        },
        (Key::Owner, Value::Text(user)) => JobChange::Owner(
            owner(user.as_deref())
                .ok_or_else(|| subcommand.bad_value("expected a login name, or the numbers gid,uid"))?,
        ),
        _ => return Ok(None),
    }))
}

/// `#DEFAULT.DEFAULT`, where a job goes that names no location.
fn default_location() -> LocationPattern {
    LocationPattern::One(LocationName { group: GroupName::default_group(), dest: DestName::default_dest() })
}

/// A login name, the numbers that JOB STATUS shows, or yourself.
fn owner(value: Option<&str>) -> Option<NewOwner> {
    let Some(value) = value else {
        return Some(NewOwner::Uid(users::caller_without_groups().uid));
    };
    match value.split_once(',') {
        None => Some(NewOwner::Name(value.to_owned())).filter(|_| !value.is_empty()),
        Some((gid, uid)) => {
            gid.trim().parse::<u32>().ok()?;
            uid.trim().parse().ok().map(NewOwner::Uid)
        }
    }
}

/// What is said of a change that was made all the same.
pub fn warning(change: &JobChange) -> Option<&'static str> {
    match change {
        JobChange::Owner(NewOwner::Uid(uid)) if !users::is_defined(*uid) => Some("WARNING: USERID NOT DEFINED"),
        _ => None,
    }
}
