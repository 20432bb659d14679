//! `pdserver invite`, `join`, `members`, `revoke`, `renew` and `leave`.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use pdgroup::clock::Clock;
use pdgroup::listener::carries_node;
use pdgroup::members::{Group, Member, Role};
use pdgroup::place::Place;
use pdgroup::token::Token;
use pdgroup::{authority, connect, join, local_device};
use spoolsuite::model::{Failure, FailureKind, ServerName};
use spoolsuite::spool::Base;
use spoolsuite::supervise::{self, PORT, Purpose};
use spoolsuite::sys::users;

use super::arguments::{Command, OfBase, Whose};

fn base_of(base: &Path, cwd: &Path) -> Base {
    Base::new(cwd.join(base))
}

/// The name of the server that has the spool at `base`.
fn server_of(base: &Base) -> Result<ServerName, Failure> {
    let mut spool = supervise::open_at(base, Purpose::Look)?;
    Ok(spool.about()?.server)
}

fn place_of(of: &OfBase, cwd: &Path) -> Result<(Place, ServerName), Failure> {
    let base = base_of(&of.base, cwd);
    let name = server_of(&base)?;
    Ok((Place::of_server(&base, &name), name))
}

fn place_whose(whose: &Whose, cwd: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Place, Failure> {
    match whose.client {
        true => connect::place_of_person(env, ""),
        false => Ok(place_of(&OfBase { base: whose.base.clone() }, cwd)?.0),
    }
}

/// Carries out a command.
///
/// # Errors
/// When it cannot, in words; nothing was changed then unless they say so.
pub fn run(
    command: &Command,
    cwd: &Path,
    env: &dyn Fn(&str) -> Option<OsString>,
    clock: &Clock,
) -> Result<(), Failure> {
    match command {
        Command::Invite { of, name, client } => {
            let (place, server) = place_of(of, cwd)?;
            let name: ServerName = name.parse()?;
            let role = if *client { Role::Person } else { Role::Server };
            if role == Role::Person && users::uid_of(name.as_str()) == Some(0) {
                return Err(Failure::new(FailureKind::Security, "nobody is root over the network"));
            }
            if role == Role::Server
                && let Some(device) =
                    local_device(supervise::open_at(&base_of(&of.base, cwd), Purpose::Look)?.as_mut(), &name)?
            {
                return Err(carries_node(&device, &name, &server));
            }
            authority::found(&place, &server, &users::host(), clock.now())?;
            println!("{}", authority::invite(&place, &name, role, clock.now())?);
            Ok(())
        }
        Command::Join { whose, name, token, address } => {
            join_with(whose, name.as_deref(), &token.parse()?, address, (cwd, env, clock))
        }
        Command::Members { of, json } => {
            let (place, _) = place_of(of, cwd)?;
            let group = place.group()?;
            match json {
                true => println!("{}", serde_json::to_string_pretty(&group).unwrap_or_default()),
                false => print!("{}", listed(&group, clock.now())),
            }
            Ok(())
        }
        Command::Revoke { of, name } => {
            let (place, _) = place_of(of, cwd)?;
            revoke(&place, &name.parse()?, clock.now())
        }
        Command::Door { command } => super::door_commands::run(command, cwd),
        Command::Renew { whose } => join::renew(&place_whose(whose, cwd, env)?, clock),
        Command::Leave { whose } => join::leave(&place_whose(whose, cwd, env)?, clock),
    }
}

/// Ends a membership, and voids an invitation that was not used.
fn revoke(place: &Place, name: &ServerName, now: u64) -> Result<(), Failure> {
    let _lock = place.lock()?;
    let mut group = place.group()?;
    if !place.has_authority() {
        let what = format!("the authority of this group is at {}", group.first);
        return Err(Failure::new(FailureKind::State, what).hint(format!("revoke at {}", group.first)));
    }
    if *name == group.first {
        return Err(Failure::new(
            FailureKind::State,
            format!("{name} is the first server: without it there is no group"),
        )
        .hint("pdserver leave, when all others are revoked, ends the group"));
    }
    let invited = place.use_up(name)?;
    match group.revoke(name, now) {
        Some(true) => place.set_group(&group),
        // Done already, or an invitation alone.
        Some(false) => Ok(()),
        None if invited => Ok(()),
        None => Err(Failure::not_found(format!("member {name}"))),
    }
}

/// `HOST:PORT`, with the usual port where none is named.
fn address_of(text: &str) -> String {
    let has_port = match text.strip_prefix('[') {
        Some(rest) => rest.contains("]:"),
        None => text.matches(':').count() == 1,
    };
    match (has_port, text.contains(':') && !text.starts_with('[')) {
        (true, _) => text.to_owned(),
        (false, true) => format!("[{text}]:{PORT}"),
        (false, false) => format!("{text}:{PORT}"),
    }
}

type World<'a> = (&'a Path, &'a dyn Fn(&str) -> Option<OsString>, &'a Clock);

fn join_with(whose: &Whose, name: Option<&str>, token: &Token, address: &str, world: World<'_>) -> Result<(), Failure> {
    let (cwd, env, clock) = world;
    let address = address_of(address);
    let wrong = |what: String| Failure::new(FailureKind::BadValue, what);
    let is_person = token.role == Role::Person;
    if is_person != whose.client {
        let hint = if is_person { "pdserver join --client" } else { "pdserver join without --client" };
        return Err(wrong(format!("the token is for {} {}", token.role.word(), token.name)).hint(hint));
    }
    let host = users::host();
    if is_person {
        let place = match env("PD_CREDENTIALS").filter(|dir| !dir.is_empty()) {
            Some(dir) => Place::at(cwd.join(dir)),
            None => {
                // One directory for each group, whatever it is called.
                let group = token.authority.get(..16).unwrap_or(&token.authority);
                Place::at(connect::groups_of_person(env)?.join(group))
            }
        };
        join::join(&place, token, (&address, &host), clock, &|_| Ok(()))?;
        println!("{} may use the servers of this group now: -H {address}", token.name);
        return Ok(());
    }
    let base = base_of(&whose.base, cwd);
    if let Some(name) = name
        && name.parse::<ServerName>()? != token.name
    {
        return Err(wrong(format!("the token is for server {}, not {name}", token.name)));
    }
    let (mut spool, server) =
        supervise::open_waited(&base, Purpose::Declare, Some(token.name.as_str()), Duration::ZERO)?;
    if server != token.name {
        return Err(wrong(format!("the token is for server {}, and this is {server}", token.name))
            .hint("a spool keeps the name it was made with: invite that name"));
    }
    let place = Place::of_server(&base, &server);
    if place.is_member() {
        let first = place.group()?.first;
        return Err(Failure::new(FailureKind::State, format!("{server} is a member of the group of {first} already"))
            .hint("pdserver leave ends that"));
    }
    let spool = std::cell::RefCell::new(&mut spool);
    let look = |group: &Group| {
        for member in group.servers() {
            if let Some(device) = local_device(spool.borrow_mut().as_mut(), &member.name)? {
                return Err(carries_node(&device, &member.name, &server));
            }
        }
        Ok(())
    };
    let group = join::join(&place, token, (&address, &host), clock, &look)?;
    println!("{server} is a member of the group of {} now", group.first);
    Ok(())
}

fn state_of(member: &Member, now: u64) -> String {
    match member.revoked {
        Some(_) => "revoked".to_owned(),
        None if member.ends <= now => "ended".to_owned(),
        None => format!("{} days left", (member.ends - now) / pdgroup::members::DAY),
    }
}

/// The members as a table.
fn listed(group: &Group, now: u64) -> String {
    let mut rows = vec![["NAME", "KIND", "CERTIFICATE", "HOST", "LISTENS"].map(str::to_owned)];
    for member in &group.members {
        let kind = if member.name == group.first { "first server" } else { member.role.word() };
        rows.push([
            member.name.to_string(),
            kind.to_owned(),
            state_of(member, now),
            member.host.clone(),
            member.address.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row.get(column).map_or(0, String::len)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    let line = |row: &[String; 5]| {
        let [name, kind, state, host, listens] = row;
        let padded = [name, kind, state, host].into_iter().zip(&widths).map(|(text, width)| format!("{text:width$}  "));
        format!("{}{listens}\n", padded.collect::<String>())
    };
    rows.iter().map(line).collect()
}
