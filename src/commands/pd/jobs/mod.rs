//! What several verbs do with jobs: one step for each job, changes, effects by state, the documents of a submission, where it
//! goes, and waiting for its end.

pub(crate) mod changes;
pub(crate) mod documents;
pub(crate) mod each_job;
pub mod effects;
pub(crate) mod places;
pub(crate) mod reading_progress;
pub(crate) mod waiting;
