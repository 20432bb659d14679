//! The attributes of a job, as JOB subcommands set them.

use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::Subcommand;
use crate::model::alter::{JobChange, NewOwner};
use crate::model::device::check_form;
use crate::model::order::Priority;
use crate::model::{DestName, GroupName, LocationName, LocationPattern};
use crate::sys::users;

use super::operands::operand_name;

/// Makes the change of COPIES. The grammar has checked the range.
pub fn copies(n: i64) -> JobChange {
    JobChange::Copies { document: None, copies: u32::try_from(n).ok() }
}

/// Makes the change of SELPRI. The grammar has checked the range.
pub fn selection_priority(n: i64) -> JobChange {
    JobChange::Priority(u8::try_from(n).ok().and_then(Priority::from_selpri))
}

/// Makes the change of FORM; none clears it.
pub fn form(subcommand: &Subcommand, form: Option<String>) -> Result<JobChange, Mistake> {
    let form = form.map(|form| check_form(&form)).transpose();
    form.map(JobChange::Form).map_err(|why| subcommand.bad_value(why))
}

/// Makes the change of REPORT; none gives the usual name. Refuses a blank name.
pub fn report(subcommand: &Subcommand, name: Option<String>) -> Result<JobChange, Mistake> {
    let text = name.as_deref().unwrap_or("NONE");
    if text.trim().is_empty() {
        return Err(subcommand.bad_value("the report name is blank").hint("REPORT NONE   gives the usual one"));
    }
    Ok(JobChange::Name(name))
}

/// Makes the change of LOC; none means `#DEFAULT.DEFAULT`, where jobs go that name no location.
pub fn location(subcommand: &Subcommand, location: Option<String>) -> Result<JobChange, Mistake> {
    let to = match location {
        Some(text) => operand_name(subcommand, &text)?,
        None => {
            LocationPattern::One(LocationName { group: GroupName::default_group(), dest: DestName::default_dest() })
        }
    };
    Ok(JobChange::Destination { to, declare: true })
}

/// Makes the change of OWNER: to a login name, to the numbers that JOB STATUS shows, or to the caller.
pub fn owner(subcommand: &Subcommand, user: Option<String>) -> Result<JobChange, Mistake> {
    let expected = || subcommand.bad_value("expected a login name, group.user, or the numbers gid,uid");
    new_owner(user.as_deref()).map(JobChange::Owner).ok_or_else(expected)
}

fn new_owner(value: Option<&str>) -> Option<NewOwner> {
    let Some(value) = value else {
        return Some(NewOwner::Uid(users::caller_without_groups().uid));
    };
    match value.split_once(',') {
        None => match of_group(value) {
            Some((gid, uid)) => Some(NewOwner::Ids { gid, uid }),
            None => Some(NewOwner::Name(value.to_owned())).filter(|_| !value.is_empty()),
        },
        Some((gid, uid)) => Some(NewOwner::Ids { gid: gid.trim().parse().ok()?, uid: uid.trim().parse().ok()? }),
    }
}

/// Reads `group.user`, by names or by numbers: the group and the user. Login names have dots too: one that somebody has is a
/// name, and what is neither is one that nobody has.
pub fn of_group(value: &str) -> Option<(u32, u32)> {
    let (group, user) = value.split_once('.')?;
    if let (Ok(gid), Ok(uid)) = (group.parse(), user.parse()) {
        return Some((gid, uid));
    }
    let uid = users::uid_of(user).filter(|_| users::uid_of(value).is_none())?;
    Some((users::gid_of(group)?, uid))
}

/// Returns the warning for a change that is made all the same.
pub fn warning(change: &JobChange) -> Option<&'static str> {
    match change {
        JobChange::Owner(NewOwner::Uid(uid) | NewOwner::Ids { uid, .. }) if !users::is_defined(*uid) => {
            Some("WARNING: USERID NOT DEFINED")
        }
        _ => None,
    }
}
