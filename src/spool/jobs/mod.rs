//! Jobs from submission to history: handing in, listing, holding, altering, explaining, and what is kept of finished ones.

pub(crate) mod actions;
pub(crate) mod alter;
pub(crate) mod arrival;
pub(crate) mod assign;
pub(crate) mod batch;
pub(crate) mod by_door;
pub(crate) mod history;
pub(crate) mod lifetime;
pub(crate) mod membership;
pub(crate) mod new_job;
pub(crate) mod pause;
pub(crate) mod reorder;
pub(crate) mod reroute;
pub(crate) mod resubmit;
pub(crate) mod selection;
pub(crate) mod submit;
mod supported;
pub(crate) mod view;
pub(crate) mod visible;
pub(crate) mod why;
