//! Which jobs a caller sees, and where jobs are, as far as rights depend on it.
//!
//! Users see their own jobs; operators, the creator of the spool, with MGRACCESS a manager of the owner's group, and whom an
//! access rule of the place grants it see others' too. Numbers, sizes and places of all jobs are no secret: everybody may know
//! how many wait before his own. Nothing here is stored: a right that is given or taken holds from the next question on.

use std::collections::{BTreeMap, HashMap};

use crate::model::access::{Access, AccessObject, Operation, Place};
use crate::model::authority::{Caller, OfJob, Right, Trust};
use crate::model::job::{JobStatus, RawPath};
use crate::model::location::Destination;
use crate::model::query::Condition;
use crate::model::{Failure, JobRef};
use crate::store::access::Owner;
use crate::store::device::DeviceRow;
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Tx};
use crate::sys::users;

use crate::spool::Spool;

impl Spool {
    /// The rules that count for a destination: its own, those of its group, of the devices it leads to, and of the spooler.
    /// Where no object has rules, nothing is looked up.
    pub(crate) fn place_of(tx: &Tx<'_>, trust: &Trust, destination: &Destination) -> Fallible<Place> {
        if !trust.has_rules {
            return Ok(Place::default());
        }
        let mut place = Place::default();
        let (group, route) = match destination {
            Destination::Location(name) | Destination::Plain(name) => match store::location::by_name(tx, name)? {
                Some(row) => {
                    let own = store::access::of(tx, Owner::Location(row.id))?;
                    place.0.push((AccessObject::Location(row.name), own));
                    (Some(row.group), Some(row.route))
                }
                None => (store::location::group(tx, &name.group)?, None),
            },
            Destination::Group(name) => {
                let group = store::location::group(tx, name)?;
                let route = group.as_ref().map(|group| group.route);
                (group, route)
            }
        };
        if let Some(group) = group {
            place.0.push((AccessObject::Group(group.name), store::access::of(tx, Owner::Group(group.id))?));
        }
        for device in route.map_or(Ok(Vec::new()), |route| store::device::of_route(tx, route))? {
            place.0.push((AccessObject::Device(device.name), store::access::of(tx, Owner::Device(device.id))?));
        }
        place.0.push((AccessObject::Spooler, store::access::of(tx, Owner::Spool)?));
        Ok(place)
    }

    /// The rules that count for a device: its own and those of the spooler.
    pub(crate) fn place_of_device(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<Place> {
        if !store::spool::row(tx)?.trust.has_rules {
            return Ok(Place::default());
        }
        let own = store::access::of(tx, Owner::Device(device.id))?;
        let whole = store::access::of(tx, Owner::Spool)?;
        Ok(Place(vec![(AccessObject::Device(device.name.clone()), own), (AccessObject::Spooler, whole)]))
    }

    /// The rules that count for a job.
    pub(crate) fn place_of_job(tx: &Tx<'_>, job: &JobRow) -> Fallible<Place> {
        let trust = store::spool::row(tx)?.trust;
        if !trust.has_rules {
            return Ok(Place::default());
        }
        Self::place_of(tx, &trust, &Self::job_destination(tx, job)?)
    }
}

/// What one caller sees, for one look.
pub(crate) struct Visible {
    caller: Caller,
    trust: Trust,
    /// What was found out about owners: whether he manages one of their groups.
    managed: BTreeMap<u32, bool>,
    /// What was found out about places.
    places: HashMap<String, Place>,
    /// Whether a rule of any object lets him see jobs of others.
    may_see_others: bool,
}

impl Visible {
    /// What the caller of this transaction sees.
    pub(crate) fn of(tx: &Tx<'_>) -> Fallible<Self> {
        let caller = tx.caller()?.clone();
        let trust = store::spool::row(tx)?.trust;
        let granted = if trust.has_rules { store::access::granted_anywhere(tx)? } else { Access::default() };
        let may_see_others = granted.grants(Operation::Titles, caller.uid, &caller.user, &caller.groups);
        Ok(Self { caller, trust, managed: BTreeMap::new(), places: HashMap::new(), may_see_others })
    }

    /// Whether he sees everything of the jobs of this owner, wherever they are.
    fn owner(&mut self, uid: u32) -> bool {
        if uid == self.caller.uid || self.trust.trusts(&self.caller) {
            return true;
        }
        // Groups are looked up only where they can matter: the name service may be far away.
        if !self.trust.manager_access {
            return false;
        }
        *self.managed.entry(uid).or_insert_with(|| {
            let owner_groups = users::groups(uid);
            let job = OfJob { owner_uid: uid, owner_groups: &owner_groups, place: &Place::default() };
            self.trust.allows(&self.caller, Right::SeeJob(job)).is_ok()
        })
    }

    /// Whether he has `right` to a job of this owner at `destination`.
    fn has(
        &mut self,
        tx: &Tx<'_>,
        owner: u32,
        destination: &Destination,
        right: fn(OfJob<'_>) -> Right<'_>,
    ) -> Fallible<bool> {
        if self.owner(owner) {
            return Ok(true);
        }
        if !self.trust.has_rules {
            return Ok(false);
        }
        let key = destination.to_string();
        if !self.places.contains_key(&key) {
            let place = Spool::place_of(tx, &self.trust, destination)?;
            self.places.insert(key.clone(), place);
        }
        let none = Place::default();
        let place = self.places.get(&key).unwrap_or(&none);
        let job = OfJob { owner_uid: owner, owner_groups: &[], place };
        Ok(self.trust.allows(&self.caller, right(job)).is_ok())
    }

    /// Whether he sees a job of this owner at `destination`.
    #[allow(clippy::redundant_closure, reason = "the constructor itself holds for one lifetime only")]
    pub(crate) fn sees(&mut self, tx: &Tx<'_>, owner: u32, destination: &Destination) -> Fallible<bool> {
        self.has(tx, owner, destination, |job| Right::SeeJob(job))
    }

    /// Whether he sees a job.
    pub(crate) fn sees_job(&mut self, tx: &Tx<'_>, job: &JobRow) -> Fallible<bool> {
        if self.owner(job.owner_uid) {
            return Ok(true);
        }
        if !self.trust.has_rules {
            return Ok(false);
        }
        self.sees(tx, job.owner_uid, &Spool::job_destination(tx, job)?)
    }

    /// `condition`, narrowed to what an index finds for a caller who can only see his own jobs. [`Visible::sees`] decides
    /// about each job all the same: a name is no proof.
    pub(crate) fn narrow(&self, condition: &Condition) -> Condition {
        if self.trust.trusts(&self.caller) || self.trust.manager_access || self.may_see_others {
            return condition.clone();
        }
        match condition {
            // What names a job, or somebody's jobs, is narrow already.
            Condition::Job(_)
            | Condition::UserName(_)
            | Condition::Submitter(_)
            | Condition::Owner(_)
            | Condition::OwnerId(_) => condition.clone(),
            other => Condition::All(vec![Condition::OwnerId(self.caller.uid), other.clone()]),
        }
    }

    /// Refuses a caller who does not see a job of this owner at `destination`.
    pub(crate) fn demand(&mut self, tx: &Tx<'_>, job: &JobRef, owner: u32, destination: &Destination) -> Fallible<()> {
        if self.sees(tx, owner, destination)? {
            return Ok(());
        }
        self.refusal(job, owner)
    }

    /// The same for a job in the spool.
    pub(crate) fn demand_job(&mut self, tx: &Tx<'_>, job: &JobRef, row: &JobRow) -> Fallible<()> {
        if self.sees_job(tx, row)? {
            return Ok(());
        }
        self.refusal(job, row.owner_uid)
    }

    fn refusal(&self, job: &JobRef, owner: u32) -> Fallible<()> {
        let right = Right::SeeJob(OfJob { owner_uid: owner, owner_groups: &[], place: &Place::default() });
        self.trust
            .allows(&self.caller, right)
            .map_err(|failure| Failure { message: format!("job {job}: {}", failure.message), ..failure })
    }

    /// A job that the caller sees, with the places of its print files if he may read them.
    #[allow(clippy::redundant_closure, reason = "the constructor itself holds for one lifetime only")]
    pub(crate) fn shown(&mut self, tx: &Tx<'_>, mut job: JobStatus) -> Fallible<JobStatus> {
        if !self.has(tx, job.owner_uid, &job.destination, |job| Right::ReadJob(job))? {
            job.documents.iter_mut().for_each(|document| document.path = RawPath::default());
        }
        Ok(job)
    }

    /// The job as the caller sees it among others: of a job that he may not see, its number, size and place are left.
    pub(crate) fn veiled(&mut self, tx: &Tx<'_>, job: JobStatus) -> Fallible<JobStatus> {
        if self.sees(tx, job.owner_uid, &job.destination)? {
            return self.shown(tx, job);
        }
        Ok(JobStatus {
            name: String::new(),
            owner: String::new(),
            user_name: String::new(),
            reason_text: None,
            given: Vec::new(),
            documents: Vec::new(),
            ..job
        })
    }
}
