//! Notifications, as the spool sees them: who may ask for which, and the work of whoever delivers them.
//!
//! An event puts what is to be told into the outbox, in its own transaction (`store::outbox`). After the commit a deliverer is
//! rung for: a process of its own (`notify`), so that nothing that hangs there is in the way of a job. It takes what is due,
//! tries it, and settles it here: done, put off, or given up with a word in the log of the job.
//!
//! Who may name a file or a program? Whoever delivers acts with the rights of the account that has the spool. The user of that
//! account may do with it what he likes. From anybody else a file or a program is taken only if he may configure the spool, a
//! file only among the Guardian files of the spool, and a program only from the directory that its administrator named. That
//! is judged when the profile is given, and again when it is delivered: who set it is kept with it, and the administrator may
//! have named another directory since, or none.

use std::path::{Path, PathBuf};

use crate::model::authority::Right;
use crate::model::field::{Field, Value};
use crate::model::managed::{ManagedChange, ManagedEdit};
use crate::model::notification::{self, Delivery, MAX_TRIES, Method, Profile, Try};
use crate::model::time::Moment;
use crate::model::{Actor, Call, Caller, Failure, FailureKind};
use crate::store::{self, Fallible, Tx};

use super::disk::error_log;
use super::{Base, Room, Spool};

/// Rings for a deliverer: wakes the one that runs, or starts one.
pub type Ring = Box<dyn Fn(&Base) + Send + Sync>;

/// Who has notifications delivered, and what may be named in them.
pub struct Keeper {
    /// Rings for a deliverer.
    pub ring: Ring,
    /// Where programs lie that operators may name.
    pub programs: Option<PathBuf>,
    /// The user whose rights a deliverer has.
    pub uid: u32,
}

/// What a deliverer does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// It tries these.
    Try(Vec<Delivery>),
    /// It waits so many milliseconds; less when it is rung for.
    Wait(i64),
    /// Nothing is to be told.
    Nothing,
}

impl Spool {
    /// From now on `keeper` is asked to deliver what this process puts into the outbox. Only the first one counts.
    pub fn keep_deliveries(&self, keeper: Keeper) {
        let _ = self.inner.deliveries.set(keeper);
    }

    /// Rings for a deliverer.
    pub(super) fn ring_for_deliveries(&self) {
        if let Some(keeper) = self.inner.deliveries.get() {
            (keeper.ring)(self.base());
        }
    }

    /// Rings for a deliverer if anything is to be told: one may have died.
    pub fn see_to_deliveries(&self) {
        // What cannot be looked at now is seen to the next time.
        if self.inner.deliveries.get().is_some() && self.look(&Call::timeless(), store::outbox::any).unwrap_or(false) {
            self.ring_for_deliveries();
        }
    }

    /// Returns what a deliverer is to do that is at work on `busy`, and can take `free` more.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn next_deliveries(&self, busy: &[(Method, String)], free: u32, now: &Moment) -> Fallible<Work> {
        self.look(&Call::of_spooler(now), |tx| {
            let due = if free > 0 { store::outbox::due(tx, busy, free)? } else { Vec::new() };
            if !due.is_empty() {
                return Ok(Work::Try(due));
            }
            Ok(store::outbox::next(tx)?.map_or(Work::Nothing, Work::Wait))
        })
    }

    /// Records what became of tries; `first_wait_ms` is how long the first wait is.
    ///
    /// # Errors
    /// When the spool cannot be written: what was delivered is delivered again.
    pub fn settle_deliveries(&self, tried: Vec<(Delivery, Try)>, first_wait_ms: i64, now: &Moment) -> Fallible<()> {
        let call = Call { actor: Actor::Process("notifier".to_owned()), now: now.clone(), process: None, later: false };
        self.change(Room::Gives, &call, move |tx| {
            for (one, became) in &tried {
                match became {
                    Try::Delivered => store::outbox::delivered(tx, one)?,
                    Try::Never(why) => store::outbox::give_up(tx, one, why)?,
                    Try::Again(why)
                        if one.tries + 1 >= MAX_TRIES || one.age_ms >= notification::max_age_ms(one.method) =>
                    {
                        let why = format!("given up after {} tries: {why}", one.tries + 1);
                        store::outbox::give_up(tx, one, &why)?;
                    }
                    Try::Again(_) => {
                        let wait = notification::wait_ms(first_wait_ms, one.tries + 1);
                        store::outbox::put_off(tx, one, wait)?;
                    }
                }
            }
            Ok(())
        })
    }

    /// Where a notification goes that names a file or a program; why it goes nowhere, where its user has not the right.
    ///
    /// # Errors
    /// Says why.
    pub fn delivery_path(&self, one: &Delivery) -> Result<PathBuf, String> {
        let keeper = self.inner.deliveries.get();
        // Not the user who is told: what objects have is told to the creator of the spool, whoever asked for it.
        let own = keeper.is_some_and(|keeper| keeper.uid == one.set_by);
        path_of(self, one.method, &one.address, own).map_err(|failure| failure.message)
    }

    /// The same for a change of a destination, a queue or the server.
    pub(crate) fn demand_told(&self, tx: &Tx<'_>, change: &ManagedChange) -> Fallible<()> {
        match &change.edit {
            ManagedEdit::Set(value) | ManagedEdit::Add(value) => self.demand_notifiable(tx, change.field, value),
            ManagedEdit::Remove(_) | ManagedEdit::Reset => Ok(()),
        }
    }

    /// Makes sure that the caller of a change may ask for what a value of `notification-profile` or `notify-operator` says.
    /// Other attributes are nobody's business here.
    pub(crate) fn demand_notifiable(&self, tx: &Tx<'_>, field: Field, value: &Value) -> Fallible<()> {
        let asked: Vec<(Method, Option<String>)> = match field.stored() {
            "notification-profile" => {
                let profiles = texts(value).map(Profile::parse);
                let profiles = profiles.collect::<Result<Vec<_>, _>>().map_err(|why| bad(field, why))?;
                profiles.into_iter().map(|one| (one.method, one.address)).collect()
            }
            "notify-operator" => {
                texts(value).map(notification::operator).collect::<Result<_, _>>().map_err(|why| bad(field, why))?
            }
            _ => return Ok(()),
        };
        let caller = tx.caller()?;
        // Without a keeper nothing is delivered by this process, and the user of the spool is who made it.
        let own = match self.inner.deliveries.get() {
            Some(keeper) => keeper.uid == caller.uid,
            None => self.was_made_by(caller.uid),
        };
        for (method, address) in asked {
            let address = address.unwrap_or_default();
            match method {
                Method::None | Method::JobLog | Method::Mail => {}
                Method::Message => {
                    if !own && !address.is_empty() && !is_same_user(caller, &address) {
                        Self::demand(tx, Right::Configure).map_err(|failure| {
                            failure.hint("a message goes to your own terminals; operators may send it to others")
                        })?;
                    }
                }
                Method::Syslog => {
                    if !own {
                        Self::demand(tx, Right::Configure).map_err(|failure| {
                            failure.hint("the log of the system is for operators; e-mail and message are for everybody")
                        })?;
                    }
                }
                Method::File | Method::FileAddTo | Method::Exit => {
                    if !own {
                        Self::demand(tx, Right::Configure).map_err(|failure| {
                            failure.hint(format!(
                                "the method {method} acts with the rights of the server: only operators may use it; \
                                 e-mail and message are for everybody"
                            ))
                        })?;
                    }
                    path_of(self, method, &address, own)?;
                }
            }
        }
        Ok(())
    }
}

fn bad(field: Field, why: String) -> Failure {
    Failure::new(FailureKind::BadValue, format!("{}: {why}", field.stored()))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.each().iter().filter_map(|one| if let Value::Text(text) = one { Some(text.as_str()) } else { None })
}

fn is_same_user(caller: &Caller, address: &str) -> bool {
    address.split('@').next() == Some(caller.user.as_str())
}

/// The path that an address names, for a user who has the rights of whoever delivers (`own`) or not.
fn path_of(spool: &Spool, method: Method, address: &str, own: bool) -> Fallible<PathBuf> {
    let refused = |why: String| Failure::new(FailureKind::Security, why);
    let base = spool.base();
    if method == Method::Exit {
        let program = PathBuf::from(address.split_whitespace().next().unwrap_or_default());
        let programs = spool.inner.deliveries.get().and_then(|keeper| keeper.programs.as_deref());
        return match programs {
            _ if own => Ok(program),
            Some(dir) if program.parent() == Some(dir) => Ok(program),
            Some(dir) => Err(refused(format!("{}: exit programs lie in {}", program.display(), dir.display()))),
            None => Err(refused(format!("{}: this server runs no exit programs", program.display()))
                .hint("PD_EXIT_DIR=DIRECTORY in the environment of pdserver names where they lie")),
        };
    }
    let path = error_log::path(address, base, spool.server())
        .map_err(|failure| Failure::new(failure.kind, failure.message.replacen("ERRLOG ", "", 1)))?;
    let path = path.ok_or_else(|| Failure::new(FailureKind::BadValue, format!("{address}: it is no file")))?;
    if own || is_below(&path, &base.root().join("guardian")) {
        return Ok(path);
    }
    Err(refused(format!("{}: a server writes to no path that it is given", path.display()))
        .hint("$VOLUME.SUBVOLUME.FILE names a file of the spool itself"))
}

fn is_below(path: &Path, dir: &Path) -> bool {
    path.starts_with(dir) && path.components().all(|part| part != std::path::Component::ParentDir)
}
