//! Bases whose creation was cut off by a power loss.

use super::*;
use crate::model::FailureKind;
use crate::store::cut_off_creation;

#[test]
fn a_creation_that_was_cut_off_is_no_spool_and_is_completed() {
    let dir = tempfile::tempdir().unwrap();
    let base = Base::new(dir.path());
    std::fs::create_dir_all(base.run()).unwrap();
    cut_off_creation(&base.database());
    let now = moment(0);
    let refused = open(&base, Access::Existing { now: now.clone() }).err().unwrap();
    assert_eq!(refused.kind, FailureKind::Unreachable);
    assert!(refused.to_string().contains("there is no spool"), "{refused}");
    let spool = open(&base, Access::Create { server: "acme1".parse().unwrap(), now }).unwrap();
    assert_eq!(spool.server().as_str(), "acme1");
}
