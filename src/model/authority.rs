//! Who may do what (docs/reference/spoolcom.md 3). Rights are decided here and nowhere else.

use serde::{Deserialize, Serialize};

use super::access::{Operation, Place};
use super::failure::{Failure, FailureKind};

/// User ids from this one on belong to nobody on this machine: what senders say of themselves behind a door, and users of other
/// servers.
pub const NOBODY: u32 = u32::MAX - 1;

/// Who asks: in an embedded spool the process itself, behind a socket the peer that the kernel names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Unix user id.
    pub uid: u32,
    /// Login name, or the number when there is none.
    pub user: String,
    /// Host the request comes from.
    pub host: String,
    /// Unix groups of the caller, by name.
    pub groups: Vec<String>,
    /// Whether the server counts him among its operators (system operator, 255,n). Nobody is one of a spool without a
    /// server: there the creator is.
    #[serde(default)]
    pub operator: bool,
}

impl Caller {
    /// Returns `user@host`, the InfoPrint identity.
    pub fn identity(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }
}

/// What somebody wants to do. `place` holds the access rules that count there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right<'a> {
    /// Look at devices, locations, processes, the spooler, and at how many jobs wait.
    See,
    /// See a job: its title, its documents, its history.
    SeeJob(OfJob<'a>),
    /// See where the print files of a job are, and read them.
    ReadJob(OfJob<'a>),
    /// Declare, alter or delete devices, processes, locations; start and drain the spooler; set access rules and limits.
    Configure,
    /// Start a device. Anybody may, if it is offline because of a device error.
    StartDevice {
        /// Whether that is the case.
        offline_by_error: bool,
        /// Its rules.
        place: &'a Place,
    },
    /// Suspend or drain a device, act on what prints there, or put a job of its queue before others.
    Operate {
        /// The rules of the device or the queue.
        place: &'a Place,
    },
    /// Hand in a job.
    Submit {
        /// The rules of where it is sent.
        place: &'a Place,
    },
    /// Hold or start a job.
    HoldJob(OfJob<'a>),
    /// Alter or delete a job.
    ChangeJob(OfJob<'a>),
    /// Give a job a priority above the usual one.
    RaisePriority {
        /// The rules of its queue.
        place: &'a Place,
    },
}

/// A job, as far as rights depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfJob<'a> {
    /// Its owner.
    pub owner_uid: u32,
    /// Unix groups of the owner, by name.
    pub owner_groups: &'a [String],
    /// The rules of where it is.
    pub place: &'a Place,
}

/// Whom the spool trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// The creator of the spool, who may do everything.
    pub creator_uid: u32,
    /// Whether the managers of a group may handle the jobs of its members: `SPOOLER, MGRACCESS ON`.
    pub manager_access: bool,
    /// Whether any object has access rules. Without any, nobody looks for them.
    pub has_rules: bool,
}

impl Trust {
    /// Grants or refuses `right` to `caller`. A refusal is a [`FailureKind::Security`] that says what would be needed.
    pub fn allows(&self, caller: &Caller, right: Right<'_>) -> Result<(), Failure> {
        if self.trusts(caller) {
            return Ok(());
        }
        let granted = |place: &Place, what| place.grants(what, caller.uid, &caller.user, &caller.groups);
        let of_job = |job: OfJob<'_>, what| {
            caller.uid == job.owner_uid
                || (self.manager_access && manages(caller, job.owner_groups))
                || granted(job.place, what)
        };
        let refused = |why: &str| Err(Failure::new(FailureKind::Security, why));
        match right {
            Right::See => Ok(()),
            Right::Submit { place } => match place.refuses_submission(caller.uid, &caller.user, &caller.groups) {
                None => Ok(()),
                Some(object) => {
                    let why = format!("you may not submit there: ACCESS SUBMIT of {object} does not name you");
                    Err(Failure::new(FailureKind::Security, why)
                        .hint("an operator may name you; pdls -c destination -r access shows the rules"))
                }
            },
            Right::StartDevice { offline_by_error, place }
                if offline_by_error || granted(place, Operation::Operate) =>
            {
                Ok(())
            }
            Right::Operate { place } | Right::RaisePriority { place } if granted(place, Operation::Operate) => Ok(()),
            Right::SeeJob(job) if of_job(job, Operation::Titles) => Ok(()),
            Right::ReadJob(job) if of_job(job, Operation::Content) => Ok(()),
            Right::HoldJob(job) if of_job(job, Operation::Hold) => Ok(()),
            Right::ChangeJob(job) if of_job(job, Operation::Alter) => Ok(()),
            Right::SeeJob(_) | Right::ReadJob(_) | Right::HoldJob(_) | Right::ChangeJob(_) => {
                refused("the job belongs to another user")
            }
            Right::RaisePriority { .. } => Err(Failure::new(
                FailureKind::Security,
                "only the creator of this spool and operators may give a job a priority above 50",
            )
            .hint("50 is the highest that its owner may give it; SELPRI 4 in spoolcom")),
            Right::Configure | Right::StartDevice { .. } | Right::Operate { .. } => {
                refused("only the creator of this spool and its operators may do that")
            }
        }
    }

    /// Whether the caller may do everything: the creator of the spool, or an operator.
    pub fn trusts(&self, caller: &Caller) -> bool {
        caller.uid == self.creator_uid || caller.operator
    }
}

/// What one user may have in the spool at a time; none = without limit. They do not hold for those whom the spool trusts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLimits {
    /// Jobs, whatever their state.
    pub jobs: Option<u64>,
    /// Octets of the documents of his jobs together.
    pub octets: Option<u64>,
    /// Submissions that are under way.
    pub opens: Option<u32>,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserLimit {
    /// See [`UserLimits`].
    Jobs,
    /// See [`UserLimits`].
    Octets,
    /// See [`UserLimits`].
    Opens,
}

impl UserLimit {
    /// Returns its word in SPOOLCOM.
    pub fn word(self) -> &'static str {
        match self {
            Self::Jobs => "USERJOBS",
            Self::Octets => "USEROCTETS",
            Self::Opens => "USEROPENS",
        }
    }
}

impl UserLimits {
    /// The same with another limit.
    ///
    /// # Errors
    /// `BadValue` for a limit that is none.
    pub fn with(self, limit: UserLimit, most: Option<u64>) -> Result<Self, Failure> {
        let bad = |range: &str| {
            let most = most.unwrap_or(0);
            Failure::new(FailureKind::BadValue, format!("{} {most}: {range}, or NONE", limit.word()))
        };
        if most.is_some_and(|most| most == 0 || i64::try_from(most).is_err()) {
            return Err(bad("at least 1"));
        }
        Ok(match limit {
            UserLimit::Jobs => Self { jobs: most, ..self },
            UserLimit::Octets => Self { octets: most, ..self },
            UserLimit::Opens => {
                let opens = most.map(u32::try_from).transpose().map_err(|_| bad("from 1 to 4294967295"))?;
                Self { opens, ..self }
            }
        })
    }

    /// Refuses a user who has `jobs` jobs of `octets` octets and hands in one more of `more` octets.
    ///
    /// # Errors
    /// `Full`, with the limit and the way out.
    pub fn allow(&self, (jobs, octets): (u64, u64), more: u64) -> Result<(), Failure> {
        if let Some(most) = self.jobs.filter(|most| jobs >= *most) {
            let why = format!("you have {jobs} jobs in the spool, and {most} are the most that one user may have");
            return Err(full(why, "USERJOBS"));
        }
        if let Some(most) = self.octets.filter(|most| octets.saturating_add(more) > *most) {
            let why = format!(
                "your jobs have {octets} octets and this one {more}; {most} octets are the most that one user may have"
            );
            return Err(full(why, "USEROCTETS"));
        }
        Ok(())
    }

    /// Refuses to give a job of `more` octets to somebody who has `jobs` jobs of `octets` octets.
    ///
    /// # Errors
    /// `Full`, with the limit and the way out.
    pub fn allow_owner(&self, name: &str, (jobs, octets): (u64, u64), more: u64) -> Result<(), Failure> {
        let word = match (self.jobs, self.octets) {
            (Some(most), _) if jobs >= most => "USERJOBS",
            (_, Some(most)) if octets.saturating_add(more) > most => "USEROCTETS",
            _ => return Ok(()),
        };
        let why = format!("{name} has as much in the spool as one user may have ({word}), and cannot be given more");
        Err(Failure::new(FailureKind::Full, why).hint("an operator may give it to him all the same"))
    }

    /// Refuses a user of whom `opens` submissions are under way.
    ///
    /// # Errors
    /// `Full`, with the limit and the way out.
    pub fn allow_open(&self, opens: u32) -> Result<(), Failure> {
        match self.opens.filter(|most| opens >= *most) {
            None => Ok(()),
            Some(most) => {
                let why = format!("{opens} of your submissions are under way, and {most} are the most of one user");
                Err(full(why, "USEROPENS"))
            }
        }
    }
}

fn full(why: String, word: &str) -> Failure {
    let failure = Failure::new(FailureKind::Full, why);
    let failure = match word {
        "USEROPENS" => failure.hint("submit again when one of them has ended"),
        _ => failure.hint("let some of them print, or delete some: pdrm, or JOB n, DELETE"),
    };
    failure.hint(format!("an operator may raise the limit: SPOOLER, {word} n"))
}

/// Tells whether the caller manages one of these groups: a manager of a group is a member of the Unix group
/// `<group>-managers`, which stands for user (n,255).
fn manages(caller: &Caller, owner_groups: &[String]) -> bool {
    owner_groups.iter().any(|group| {
        let managers = format!("{group}-managers");
        caller.groups.contains(&managers)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(uid: u32, groups: &[&str]) -> Caller {
        Caller {
            uid,
            user: format!("u{uid}"),
            host: "h".into(),
            groups: groups.iter().map(ToString::to_string).collect(),
            operator: false,
        }
    }

    #[test]
    fn an_operator_may_do_everything_and_a_user_sees_his_own_jobs() {
        let trust = Trust { creator_uid: 1, manager_access: false, has_rules: false };
        let place = &Place::default();
        let operator = Caller { operator: true, ..caller(9, &[]) };
        let staff = vec!["staff".to_owned()];
        let see = Right::SeeJob(OfJob { owner_uid: 2, owner_groups: &staff, place });
        let change = Right::ChangeJob(OfJob { owner_uid: 2, owner_groups: &staff, place });
        for right in [
            Right::Configure,
            Right::RaisePriority { place },
            Right::StartDevice { offline_by_error: false, place },
            see,
            change,
        ] {
            assert!(trust.allows(&operator, right).is_ok(), "{right:?}");
            assert!(trust.allows(&caller(3, &["staff-managers"]), right).is_err(), "{right:?}");
        }
        assert!(trust.allows(&caller(2, &[]), see).is_ok());
        let open = Trust { manager_access: true, ..trust };
        assert!(open.allows(&caller(3, &["staff-managers"]), see).is_ok());
    }

    #[test]
    fn a_rule_grants_one_operation_in_one_place_and_submitting_is_what_it_takes_away() {
        use crate::model::access::{Access, AccessChange, AccessObject};
        let place = |texts: &[&str]| {
            let mut access = Access::default();
            texts.iter().for_each(|text| access.apply(&AccessChange::parse(text).unwrap()));
            Place(vec![(AccessObject::Device("lp1".parse().unwrap()), access)])
        };
        let trust = Trust { creator_uid: 1, manager_access: false, has_rules: true };
        let (ann, bob) = (caller(7, &["sales"]), caller(8, &[]));
        let granted = |place: &Place, caller: &Caller| {
            let job = OfJob { owner_uid: 2, owner_groups: &[], place };
            let rights = [
                Right::Submit { place },
                Right::SeeJob(job),
                Right::ReadJob(job),
                Right::HoldJob(job),
                Right::ChangeJob(job),
                Right::Operate { place },
                Right::StartDevice { offline_by_error: false, place },
                Right::RaisePriority { place },
                Right::Configure,
            ];
            rights.map(|right| trust.allows(caller, right).is_ok())
        };
        let mine = [true, false, false, false, false, false, false, false, false];
        assert_eq!(granted(&place(&[]), &ann), mine);
        assert_eq!(granted(&place(&["SUBMIT u8"]), &ann), [false; 9]);
        assert_eq!(granted(&place(&["SUBMIT u8"]), &bob), mine);
        let operates = [true, true, false, true, true, true, true, true, false];
        assert_eq!(granted(&place(&["SUBMIT u8", "OPERATE @sales"]), &ann), operates);
        assert_eq!(
            granted(&place(&["CONTENT u7"]), &ann),
            [true, true, true, false, false, false, false, false, false]
        );
        let refused = trust.allows(&ann, Right::Submit { place: &place(&["SUBMIT u8"]) }).unwrap_err();
        assert_eq!(refused.kind, FailureKind::Security);
        assert!(refused.message.contains("ACCESS SUBMIT of $lp1 does not name you"), "{refused}");
    }

    #[test]
    fn who_may_do_what() {
        let trust = Trust { creator_uid: 1, manager_access: true, has_rules: false };
        let place = &Place::default();
        let staff = vec!["staff".to_owned()];
        let job = Right::ChangeJob(OfJob { owner_uid: 2, owner_groups: &staff, place });
        assert!(trust.allows(&caller(1, &[]), job).is_ok());
        assert!(trust.allows(&caller(2, &[]), job).is_ok());
        assert!(trust.allows(&caller(3, &["staff"]), job).is_err());
        assert!(trust.allows(&caller(3, &["staff-managers"]), job).is_ok());
        let closed = Trust { manager_access: false, ..trust.clone() };
        assert!(closed.allows(&caller(3, &["staff-managers"]), job).is_err());
        assert!(trust.allows(&caller(3, &[]), Right::Configure).is_err());
        assert!(trust.allows(&caller(3, &[]), Right::StartDevice { offline_by_error: true, place }).is_ok());
        assert!(trust.allows(&caller(3, &[]), Right::StartDevice { offline_by_error: false, place }).is_err());
        assert!(trust.allows(&caller(3, &[]), Right::See).is_ok());
        assert!(trust.allows(&caller(1, &[]), Right::RaisePriority { place }).is_ok());
        assert!(trust.allows(&caller(2, &[]), Right::RaisePriority { place }).is_err());
    }
}
