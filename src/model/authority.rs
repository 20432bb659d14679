//! Who may do what (docs/reference/spoolcom.md 3). Rights are decided here and nowhere else.

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};

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

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right<'a> {
    /// Look at devices, locations, processes, the spooler, and at how many jobs wait.
    See,
    /// See a job: its title, its documents, its history.
    SeeJob {
        /// Its owner.
        owner_uid: u32,
        /// Unix groups of the owner, by name.
        owner_groups: &'a [String],
    },
    /// Declare, alter, start, drain or delete devices, processes, locations, the spooler.
    Configure,
    /// Start a device. Anybody may, if it is offline because of a device error.
    StartDevice {
        /// Whether that is the case.
        offline_by_error: bool,
    },
    /// Hand in a job.
    Submit,
    /// Alter, hold, start or delete a job.
    ChangeJob {
        /// Its owner.
        owner_uid: u32,
        /// Unix groups of the owner, by name.
        owner_groups: &'a [String],
    },
    /// Give a job a priority above the usual one.
    RaisePriority,
}

/// Whom the spool trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// The creator of the spool, who may do everything.
    pub creator_uid: u32,
    /// Whether the managers of a group may handle the jobs of its members: `SPOOLER, MGRACCESS ON`.
    pub manager_access: bool,
}

impl Trust {
    /// Grants or refuses `right` to `caller`. A refusal is a [`FailureKind::Security`] that says what would be needed.
    pub fn allows(&self, caller: &Caller, right: Right<'_>) -> Result<(), Failure> {
        let trusted = self.trusts(caller);
        let allowed = match right {
            Right::See | Right::Submit => true,
            Right::Configure | Right::RaisePriority => trusted,
            Right::StartDevice { offline_by_error } => trusted || offline_by_error,
            Right::SeeJob { owner_uid, owner_groups } | Right::ChangeJob { owner_uid, owner_groups } => {
                trusted || caller.uid == owner_uid || (self.manager_access && manages(caller, owner_groups))
            }
        };
        if allowed {
            return Ok(());
        }
        Err(match right {
            Right::SeeJob { .. } | Right::ChangeJob { .. } => {
                Failure::new(FailureKind::Security, "the job belongs to another user")
            }
            Right::RaisePriority => Failure::new(
                FailureKind::Security,
                "only the creator of this spool and operators may give a job a priority above 50",
            )
            .hint("50 is the highest that its owner may give it; SELPRI 4 in spoolcom"),
            _ => Failure::new(FailureKind::Security, "only the creator of this spool and its operators may do that"),
        })
    }

    /// Whether the caller may do everything: the creator of the spool, or an operator.
    pub fn trusts(&self, caller: &Caller) -> bool {
        caller.uid == self.creator_uid || caller.operator
    }
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
        let trust = Trust { creator_uid: 1, manager_access: false };
        let operator = Caller { operator: true, ..caller(9, &[]) };
        let staff = vec!["staff".to_owned()];
        let see = Right::SeeJob { owner_uid: 2, owner_groups: &staff };
        let change = Right::ChangeJob { owner_uid: 2, owner_groups: &staff };
        for right in
            [Right::Configure, Right::RaisePriority, Right::StartDevice { offline_by_error: false }, see, change]
        {
            assert!(trust.allows(&operator, right).is_ok(), "{right:?}");
            assert!(trust.allows(&caller(3, &["staff-managers"]), right).is_err(), "{right:?}");
        }
        assert!(trust.allows(&caller(2, &[]), see).is_ok());
        let open = Trust { manager_access: true, ..trust };
        assert!(open.allows(&caller(3, &["staff-managers"]), see).is_ok());
    }

    #[test]
    fn who_may_do_what() {
        let trust = Trust { creator_uid: 1, manager_access: true };
        let staff = vec!["staff".to_owned()];
        let job = Right::ChangeJob { owner_uid: 2, owner_groups: &staff };
        assert!(trust.allows(&caller(1, &[]), job).is_ok());
        assert!(trust.allows(&caller(2, &[]), job).is_ok());
        assert!(trust.allows(&caller(3, &["staff"]), job).is_err());
        assert!(trust.allows(&caller(3, &["staff-managers"]), job).is_ok());
        let closed = Trust { manager_access: false, ..trust.clone() };
        assert!(closed.allows(&caller(3, &["staff-managers"]), job).is_err());
        assert!(trust.allows(&caller(3, &[]), Right::Configure).is_err());
        assert!(trust.allows(&caller(3, &[]), Right::StartDevice { offline_by_error: true }).is_ok());
        assert!(trust.allows(&caller(3, &[]), Right::StartDevice { offline_by_error: false }).is_err());
        assert!(trust.allows(&caller(3, &[]), Right::See).is_ok());
        assert!(trust.allows(&caller(1, &[]), Right::RaisePriority).is_ok());
        assert!(trust.allows(&caller(2, &[]), Right::RaisePriority).is_err());
    }
}
