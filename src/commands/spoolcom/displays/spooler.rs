//! SPOOLER STATUS.

use serde_json::Value;

use crate::model::job::RawPath;
use crate::spool::disk::paths::Base;
use crate::spool::interface::records::SpoolStatus;

use super::{Column, SUPERVISOR, Shown, Style, json, label, left, on_off, plain};

/// Returns the log file: as typed, or the one that every spool has.
fn log(status: &SpoolStatus) -> String {
    if let Some(typed) = &status.error_log {
        return plain(typed);
    }
    RawPath(Base::new(status.base.0.clone()).log()).to_string()
}

fn limit(most: Option<u64>) -> String {
    most.map_or_else(|| "NONE".to_owned(), |most| most.to_string())
}

impl Shown for SpoolStatus {
    const COLUMNS: &'static [Column] = &[left("SPOOLER"), left("STATE"), left("LOGGING FILE"), left("LAST ERROR")];

    fn row(&self, _: &Style) -> Vec<String> {
        let error = plain(self.last_error.as_deref().unwrap_or_default());
        vec![SUPERVISOR.into(), self.state.word().into(), log(self), error]
    }

    fn detail(&self, _: &Style) -> Vec<(String, String)> {
        vec![
            label("SPOOL SUPERVISOR", SUPERVISOR),
            label("STATE", self.state.word()),
            label("MGRACCESS", on_off(self.manager_access)),
            label("ACCESS", &self.access),
            label("USERJOBS", limit(self.limits.jobs)),
            label("USEROCTETS", limit(self.limits.octets)),
            label("USEROPENS", limit(self.limits.opens.map(u64::from))),
            label("RESERVE", self.space.reserve.map_or_else(|| "NONE".to_owned(), |reserve| reserve.to_string())),
            label("%FULL", self.space.percent_full().map_or_else(String::new, |full| full.to_string())),
            label("COPIES", format!("{} OF {} OCTETS", self.space.copies, self.space.copy_octets)),
            label("LINKS", self.space.links),
            label("FETCHED", format!("{} OF {} OCTETS", self.space.fetched, self.space.fetched_octets)),
            label("FASTCNFG", &self.fastcnfg),
            label("LOG FILE", log(self)),
            label("LAST ERROR", plain(self.last_error.as_deref().unwrap_or("NONE"))),
            label("SERVER", &self.server),
            label("BASE", &self.base),
            label("CREATOR", self.creator_uid),
        ]
    }

    fn json(&self) -> Value {
        json::spooler(self)
    }
}
