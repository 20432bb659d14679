//! What several verbs do with jobs: one step for each job, changes, effects by state, and the documents of a submission.

pub mod changes;
pub mod documents;
pub mod each_job;
pub mod effects;
pub mod reading_progress;
