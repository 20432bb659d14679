//! Change control: edits of what pools are made of wait until they are issued, on all servers of the group under one number.
//!
//! What is staged: release type, purge time, compatible queues and driver of a queue, valid attributes and driver of a printer, and
//! stations. Everything else counts at once; so does all of it before another server has joined, unless an operator says otherwise.
//!
//! No configuration travels. Each server keeps the edits of its own objects in its own spool; what is common is a number:
//!
//! | state | on record here | what a crash after it leaves |
//! |---|---|---|
//! | staged | the edit: object, attribute, value | the edit |
//! | prepared n | what was staged, as it is to be, under the number | nothing counts yet; n is taken up or dropped when it is known whether the server that issues it has decided |
//! | committed n | the number, the edits with what was there before, the objects changed, in one transaction | it counts |
//!
//! The server that issues a generation decides it by its own commit; the others follow. One that was not there takes the number when it
//! is back, with what is staged on it then. So numbers may be missing somewhere, and never mean two things that matter: the edits of a
//! server are in its own rows alone.
//!
//! Going back is a generation as any other: its edits are what the generations behind the wanted one had found.

mod apply;
mod generations;
mod stage;
mod view;

use crate::model::authority::Right;
use crate::model::change::{Edit, EditedClass, Issue, Issued, Look, Mode, StagedEdit};
use crate::model::event::EventWord;
use crate::model::{Call, Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::{self, Fallible, Lock, Tx};

pub use generations::{LEAP, Told};
pub(crate) use stage::{creates, deletes, forget, sets};

use super::remote::asking::{Answer, LOGIN, OnBehalf, Question, ask};
use super::{Room, Spool};

/// Tells whether edits are staged now.
pub(crate) fn is_on(tx: &Tx<'_>) -> Fallible<bool> {
    Ok(match store::change::control(tx)?.mode {
        Mode::On => true,
        Mode::Off => false,
        Mode::Auto => !store::remote::known(tx)?.is_empty(),
    })
}

/// Says an edit as the record has it.
pub(crate) fn said(edit: &Edit) -> String {
    let value =
        |value: &Option<crate::model::field::Value>| value.as_ref().map_or_else(|| "none".to_owned(), view::shown);
    match edit.field {
        Some(field) => format!("{} {}: {} = {}", edit.class.word(), edit.name, field.stored(), value(&edit.after)),
        None if edit.after.is_some() => format!("{} {}: made", edit.class.word(), edit.name),
        None => format!("{} {}: deleted", edit.class.word(), edit.name),
    }
}

impl Spool {
    /// Has edits staged, or not; `discard` takes back what is staged. Returns how many edits that were.
    pub(crate) fn set_change_mode(&self, call: &Call, mode: Mode, discard: bool) -> Fallible<u32> {
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let staged = store::change::staged(tx)?;
            if mode == Mode::Off && !staged.is_empty() && !discard {
                let n = edits(staged.len());
                return Err(Failure::new(
                    FailureKind::State,
                    format!("{n} staged: they would neither count nor be issued"),
                )
                .hint("pdchange issue   issues them;  pdchange off --discard   takes them back"));
            }
            let gone = if discard { demand_undecided(tx, &staged).and_then(|()| take_back(tx, &staged))? } else { 0 };
            let row = store::change::control(tx)?;
            if row.mode != mode {
                store::change::set_control(tx, store::change::ControlRow { mode, ..row })?;
                record(tx, Object::Spool, EventWord::Altered, &format!("change control {}", mode.word()))?;
            }
            Ok(gone)
        })
    }

    /// Takes back what is staged, of one object where one is named. Returns how many edits that were.
    pub(crate) fn discard_changes(&self, call: &Call, name: Option<String>) -> Fallible<u32> {
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let mut staged = store::change::staged(tx)?;
            if let Some(name) = &name {
                staged.retain(|one| Edit::key_of(&one.edit.name) == Edit::key_of(name));
                if staged.is_empty() {
                    return Err(
                        Failure::not_found(format!("a staged edit of {name}")).hint("pdchange list   shows them")
                    );
                }
            }
            demand_undecided(tx, &staged)?;
            take_back(tx, &staged)
        })
    }

    /// Issues what is staged on all servers, or goes back to a generation.
    pub(crate) fn issue_changes(&self, call: &Call, issue: Issue) -> Fallible<Issued> {
        self.look(call, |tx| Self::demand(tx, Right::Configure))?;
        if self.known_servers()?.is_empty() {
            return self.issue_alone(call, issue);
        }
        let who = OnBehalf { caller: call.caller()?.clone(), method: LOGIN.to_owned(), station: None };
        // Whether it was issued is not known where the server ends meanwhile.
        let lost =
            |why| Failure::new(FailureKind::Unreachable, why).hint("pdchange status   shows which generation counts");
        match ask(&self.base().fetch_socket(), &Question::Issue(who, issue)).map_err(lost)? {
            Answer::Issued(issued) => Ok(issued),
            Answer::Failed(failure) => Err(failure),
            _ => Err(Failure::internal("the server here answers something else than it was asked")),
        }
    }

    /// Returns how change control stands on all servers. Everybody may look.
    pub(crate) fn change_views(&self, call: &Call, look: Look) -> Fallible<crate::model::change::ChangeViews> {
        if self.known_servers()?.is_empty() {
            let own = self.change_view(call, look)?;
            return Ok(crate::model::change::ChangeViews { servers: vec![own], silent: Vec::new() });
        }
        match self.ask_other(&Question::Changes(look)) {
            Ok(Answer::Changes(views)) => Ok(views),
            Ok(_) => Err(Failure::internal("the server here answers something else than it was asked")),
            // Without a server here nobody else was asked.
            Err(failure) if failure.kind == FailureKind::Unreachable => {
                let silent = self.known_servers()?.into_iter().map(|one| (one, failure.message.clone()));
                let silent = silent.collect();
                Ok(crate::model::change::ChangeViews { servers: vec![self.change_view(call, look)?], silent })
            }
            Err(failure) => Err(failure),
        }
    }
}

/// How many edits, as the beginning of a sentence.
pub(crate) fn edits(n: usize) -> String {
    if n == 1 { "1 edit is".to_owned() } else { format!("{n} edits are") }
}

/// Refuses to take back edits of a generation that is prepared: whether it counts is being decided elsewhere.
fn demand_undecided(tx: &Tx<'_>, staged: &[StagedEdit]) -> Fallible<()> {
    let Some(one) = store::change::prepared(tx)? else { return Ok(()) };
    let edits = store::change::edits(tx, one.number)?;
    let is_in_it = |staged: &StagedEdit| edits.iter().any(|edit| edit.place() == staged.edit.place());
    match staged.iter().find(|staged| is_in_it(staged)) {
        None => Ok(()),
        Some(staged) => Err(Failure::new(
            FailureKind::State,
            format!(
                "generation {} is being issued by server {} and has this edit: {}",
                one.number,
                one.by,
                said(&staged.edit)
            ),
        )
        .hint("pdchange status   shows when that is decided;  pdchange rollback   takes an issued generation back")),
    }
}

fn take_back(tx: &Tx<'_>, staged: &[StagedEdit]) -> Fallible<u32> {
    let mut gone = 0;
    for one in staged {
        store::change::unstage(tx, (one.edit.class, &one.edit.name), one.edit.field)?;
        record(tx, Object::Spool, EventWord::Staged, &format!("{}; taken back", said(&one.edit)))?;
        gone += 1;
    }
    Ok(gone)
}

/// The class of an object whose edits are staged now, if they are.
pub(crate) fn staged_class(tx: &Tx<'_>, class: crate::model::managed::ManagedClass) -> Fallible<Option<EditedClass>> {
    match EditedClass::of(class) {
        Some(class) if is_on(tx)? => Ok(Some(class)),
        _ => Ok(None),
    }
}
