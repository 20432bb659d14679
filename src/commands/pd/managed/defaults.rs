//! The objects that a new server begins with: a queue, a logical destination, papers.

use crate::commands::pd::Shell;
use crate::model::field::{Field, Value};
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject, Realization};
use crate::model::{Failure, FailureKind, ServerName};
use crate::spool::interface::operations::Operations;

use super::jobs_of;

/// The papers.
pub const MEDIA: [&str; 8] = ["A3", "A4", "B4", "B5", "ledger", "legal", "letter", "tabloid"];

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
        ignore_existing(spool.create_managed(object, Vec::new(), None))?;
    }
    Ok(())
}

fn make_queue(spool: &mut dyn Operations, name: &str, assigns: bool) -> Result<(), Failure> {
    let object = ManagedObject { class: ManagedClass::Queue, name: name.to_owned() };
    let field = Field::from_stored("assign-to-destination").filter(|_| assigns);
    let change = |field| ManagedChange { field, edit: ManagedEdit::Set(Value::Boolean(true)) };
    ignore_existing(spool.create_managed(object, field.map(change).into_iter().collect(), None))
}

fn make_logical(spool: &mut dyn Operations, name: &str, queue: &str) -> Result<(), Failure> {
    // Whether it is there decides whether it is enabled below: an operator may have disabled it since.
    if jobs_of::place(spool, name).is_ok() {
        return Ok(());
    }
    let object = ManagedObject { class: ManagedClass::Destination, name: name.to_owned() };
    let text = |field, text: &str| ManagedChange { field, edit: ManagedEdit::Set(Value::Text(text.to_owned())) };
    let changes =
        vec![text(Field::DestinationRealization, Realization::Logical.word()), text(Field::AssociatedQueue, queue)];
    spool.create_managed(object.clone(), changes, None)?;
    spool.enable_managed(object, true, None)
}

fn ignore_existing(result: Result<(), Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if failure.kind == FailureKind::State => Ok(()),
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
