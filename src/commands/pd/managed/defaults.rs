//! The objects that a new server begins with: a queue, a logical destination, papers.

use crate::commands::pd::Shell;
use crate::commands::pd::messages::number_of;
use crate::model::field::{Field, Value};
use crate::model::location::Destination;
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject, Realization};
use crate::model::{Failure, FailureKind, LocationPattern, ServerName};
use crate::spool::interface::operations::Operations;

use super::jobs_of::{self, Place};

/// The papers.
pub const MEDIA: [&str; 8] = ["A3", "A4", "B4", "B5", "ledger", "legal", "letter", "tabloid"];

/// The messages that say that an object of that name is there.
const EXISTS: [&str; 2] = ["9100-107", "9100-108"];

/// Makes the default objects of `server`. One that is there already stays as it is, so this may be done again. `submit` makes
/// a queue for clients that send to the server's default queue, too.
///
/// # Errors
/// The spool refuses an object; those before it are made.
pub fn make(spool: &mut dyn Operations, server: &ServerName, submit: bool) -> Result<(), Failure> {
    // Names of destinations and queues have no dots.
    let stem = server.as_str().replace('.', "-");
    let queue = format!("{stem}-q");
    make_queue(spool, &queue, false)?;
    if submit {
        make_queue(spool, &format!("{stem}-default-queue"), true)?;
    }
    make_logical(spool, &format!("{stem}-ld"), &queue)?;
    for medium in MEDIA {
        let object = ManagedObject { class: ManagedClass::Medium, name: medium.to_owned() };
        ignore_existing(spool.create_managed(object, Vec::new(), None).map(drop))?;
    }
    Ok(())
}

fn make_queue(spool: &mut dyn Operations, name: &str, assigns: bool) -> Result<(), Failure> {
    let object = ManagedObject { class: ManagedClass::Queue, name: name.to_owned() };
    let field = Field::from_stored("assign-to-destination").filter(|_| assigns);
    let change = |field| ManagedChange { field, edit: ManagedEdit::Set(Value::Boolean(true)) };
    ignore_existing(spool.create_managed(object, field.map(change).into_iter().collect(), None).map(drop))
}

/// What a destination that is made says until it is enabled, and then.
const UNFINISHED: &str = "is made, and not enabled yet";
const FINISHED: &str = "made as a default";

fn make_logical(spool: &mut dyn Operations, name: &str, queue: &str) -> Result<(), Failure> {
    let object = ManagedObject { class: ManagedClass::Destination, name: name.to_owned() };
    match jobs_of::place(spool, name) {
        // Is it there because somebody was interrupted here? Then it takes no jobs, and nobody has said anything of it since. One
        // that an operator has disabled stays so.
        Ok(_) if !is_unfinished(spool, name)? => return Ok(()),
        Ok(_) => {}
        Err(failure) if failure.kind == FailureKind::NotFound => {
            let text =
                |field, text: &str| ManagedChange { field, edit: ManagedEdit::Set(Value::Text(text.to_owned())) };
            let changes = vec![
                text(Field::DestinationRealization, Realization::Logical.word()),
                text(Field::AssociatedQueue, queue),
            ];
            spool.create_managed(object.clone(), changes, Some(UNFINISHED.to_owned()))?;
        }
        Err(failure) => return Err(failure),
    }
    spool.enable_managed(object, true, Some(FINISHED.to_owned()))
}

/// Tells whether a logical destination was made here, and nothing has been done with it since.
fn is_unfinished(spool: &mut dyn Operations, name: &str) -> Result<bool, Failure> {
    let Place::Logical(Destination::Location(location) | Destination::Plain(location)) = jobs_of::place(spool, name)?
    else {
        return Ok(false);
    };
    let found = spool.locations(Some(LocationPattern::One(location)), None)?;
    let says = Value::Text(UNFINISHED.to_owned());
    let message = |given: &[(Field, Value)]| given.iter().any(|one| one.0.stored() == "message" && one.1 == says);
    Ok(found.iter().any(|one| !one.takes_jobs && message(&one.given)))
}

fn ignore_existing(result: Result<(), Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if EXISTS.contains(&number_of(&failure, false)) => Ok(()),
        other => other,
    }
}

/// Says on the terminal what the caller may want to do next.
pub fn say_next(shell: &mut Shell<'_>, server: &ServerName) {
    if !shell.err_is_terminal {
        return;
    }
    let stem = server.as_str().replace('.', "-");
    // A closed standard error must not turn into a failure.
    let _ = writeln!(
        shell.err,
        "  hint: pdcreate -c destination -x \"destination-realization=actual associated-queue={stem}-q \
         destination-tcpip-internet-address=HOST\" {server}:NAME   makes a printer; pdenable NAME   enables it"
    );
}
