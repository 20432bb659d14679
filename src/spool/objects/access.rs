//! Access rules, limits of users and the reserve of the disk: setting them.
//!
//! States: an object has no rules → rules → none again; they go with the object. Each change is one transaction with its
//! event at the object, and holds from the next question of anybody on. What they mean is [`crate::model::authority`]'s
//! alone.
//!
//! Who may: the creator of the spool and operators; whoever operates one device or queue only does not change its rules.

use crate::model::Call;
use crate::model::Failure;
use crate::model::access::{Access, AccessChange, AccessObject};
use crate::model::authority::{Right, UserLimit};
use crate::model::event::EventWord;
use crate::model::space::Reserve;
use crate::store::access::Owner;
use crate::store::event::{Object, record, record_of_group};
use crate::store::{self, Fallible, Lock, Tx};

use crate::spool::interface::records::Intended;
use crate::spool::jobs::actions;
use crate::spool::{Room, Spool};

impl Spool {
    /// Refuses a caller who may not do what he is about to do.
    pub(crate) fn demand_right_to(&self, call: &Call, what: &Intended) -> Fallible<()> {
        let owner = match what {
            Intended::HoldJob(job) | Intended::ChangeJob(job) => self.owners_groups(call, job)?,
            Intended::ChangeSpooler | Intended::ChangeDevice(_) | Intended::OperateDevice(_) => None,
        };
        self.look(call, |tx| match what {
            Intended::ChangeSpooler | Intended::ChangeDevice(_) => Self::demand(tx, Right::Configure),
            Intended::OperateDevice(name) => {
                let device = store::device::by_name(tx, name)?.ok_or_else(|| super::devices::not_found(tx, name))?;
                Self::demand(tx, Right::Operate { place: &Self::place_of_device(tx, &device)? })
            }
            Intended::HoldJob(job) => actions::demand_hold(tx, &actions::find(tx, self, job)?, owner.as_ref()),
            Intended::ChangeJob(job) => actions::demand_job(tx, &actions::find(tx, self, job)?, owner.as_ref()),
        })
    }

    /// Changes the access rules of an object: all of `changes`, or none.
    pub(crate) fn set_access(&self, call: &Call, object: AccessObject, changes: Vec<AccessChange>) -> Fallible<()> {
        changes.iter().try_for_each(AccessChange::check)?;
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let (owner, subject) = owner_of(tx, &object)?;
            let before = store::access::of(tx, owner)?;
            let mut access = before.clone();
            changes.iter().for_each(|change| access.apply(change));
            if access == before {
                return Ok(());
            }
            store::access::set(tx, owner, &access)?;
            let what = match &object {
                AccessObject::Group(group) => format!("#{group}: "),
                _ => String::new(),
            };
            let why = format!("{what}ACCESS {access}");
            match owner {
                Owner::Group(group) => record_of_group(tx, group, EventWord::Altered, &why),
                _ => record(tx, subject, EventWord::Altered, &why),
            }
        })
    }

    /// Sets what one user may have of something; none = without limit.
    pub(crate) fn set_user_limit(&self, call: &Call, limit: UserLimit, most: Option<u64>) -> Fallible<()> {
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let before = store::spool::row(tx)?.limits;
            let limits = before.with(limit, most)?;
            if limits == before {
                return Ok(());
            }
            store::spool::set_limits(tx, &limits)?;
            let most = most.map_or_else(|| "NONE".to_owned(), |most| most.to_string());
            record(tx, Object::Spool, EventWord::Altered, &format!("{} {most}", limit.word()))
        })
    }

    /// Sets what is kept free on the file system of the spool.
    pub(crate) fn set_reserve(&self, call: &Call, reserve: Option<Reserve>) -> Fallible<()> {
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            if store::spool::row(tx)?.reserve == reserve {
                return Ok(());
            }
            store::spool::set_reserve(tx, reserve)?;
            let reserve = reserve.map_or_else(|| "NONE".to_owned(), |reserve| reserve.to_string());
            record(tx, Object::Spool, EventWord::Altered, &format!("RESERVE {reserve}"))
        })
    }

    /// The rules of an object, for a display.
    pub(crate) fn access_of(tx: &Tx<'_>, has_rules: bool, owner: Owner) -> Fallible<Access> {
        if has_rules { store::access::of(tx, owner) } else { Ok(Access::default()) }
    }
}

/// Finds the object that rules are set of, and what its events are about.
fn owner_of(tx: &Tx<'_>, object: &AccessObject) -> Fallible<(Owner, Object)> {
    Ok(match object {
        AccessObject::Spooler => (Owner::Spool, Object::Spool),
        AccessObject::Group(name) => {
            let row = store::location::group(tx, name)?;
            let row = row.ok_or_else(|| Failure::not_found(format!("group #{name}")))?;
            (Owner::Group(row.id), Object::Spool)
        }
        AccessObject::Location(name) => {
            let row = store::location::by_name(tx, name)?;
            let row = row.ok_or_else(|| Failure::not_found(format!("location {name}")))?;
            (Owner::Location(row.id), Object::Location(row.id))
        }
        AccessObject::Device(name) => {
            let row = store::device::by_name(tx, name)?.ok_or_else(|| super::devices::not_found(tx, name))?;
            (Owner::Device(row.id), Object::Device(row.id))
        }
    })
}
