//! SPOOLER STATUS.

use serde_json::Value;

use crate::attributes::Class;
use crate::model::job::RawPath;
use crate::spool::disk::paths::Base;
use crate::spool::interface::records::SpoolStatus;

use super::{Column, Shown, Style, given, json, label, left, on_off, plain};

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

/// A spooler, by the name by which it was opened: it has none of its own.
pub struct NamedSpooler {
    /// `$SPLS`, or another name.
    pub name: String,
    /// What it says of itself.
    pub status: SpoolStatus,
    /// Objects that InfoPrint commands made and that have no command here: a label and a line for each.
    pub objects: Vec<(&'static str, String)>,
}

impl Shown for NamedSpooler {
    const COLUMNS: &'static [Column] = &[left("SPOOLER"), left("STATE"), left("LOGGING FILE"), left("LAST ERROR")];

    fn row(&self, _: &Style) -> Vec<String> {
        let status = &self.status;
        let error = plain(status.last_error.as_deref().unwrap_or_default());
        vec![plain(&self.name), status.state.word().into(), log(status), error]
    }

    fn detail(&self, style: &Style) -> Vec<(String, String)> {
        let status = &self.status;
        let mut lines = vec![
            label("SPOOL SUPERVISOR", &self.name),
            label("STATE", status.state.word()),
            label("MGRACCESS", on_off(status.manager_access)),
            label("ACCESS", &status.access),
            label("USERJOBS", limit(status.limits.jobs)),
            label("USEROCTETS", limit(status.limits.octets)),
            label("USEROPENS", limit(status.limits.opens.map(u64::from))),
            label("RESERVE", status.space.reserve.map_or_else(|| "NONE".to_owned(), |reserve| reserve.to_string())),
            label("%FULL", status.space.percent_full().map_or_else(String::new, |full| full.to_string())),
            label("COPIES", format!("{} OF {} OCTETS", status.space.copies, status.space.copy_octets)),
            label("LINKS", status.space.links),
            label("FETCHED", format!("{} OF {} OCTETS", status.space.fetched, status.space.fetched_octets)),
            label("TRANSFORMED", format!("{} OF {} OCTETS", status.space.transformed, status.space.transformed_octets)),
            label("FASTCNFG", &status.fastcnfg),
            label("LOG FILE", log(status)),
            label("LAST ERROR", plain(status.last_error.as_deref().unwrap_or("NONE"))),
            label("SERVER", &status.server),
            label("BASE", &status.base),
            label("CREATOR", status.creator_uid),
        ];
        lines.extend(given::lines(Class::Server, &status.given, "", style));
        lines.extend(self.objects.iter().map(|(name, text)| label(name, text)));
        lines
    }

    fn json(&self) -> Value {
        json::spooler(&self.name, &self.status)
    }
}
