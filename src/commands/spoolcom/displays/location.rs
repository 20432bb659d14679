//! LOC STATUS. The flags: B broadcast; D, which is ours, takes no jobs.

use serde_json::Value;

use crate::model::location::{LocationKind, LocationStatus, content_word};

use super::{Column, Shown, Style, json, label, left, on_off};

/// Names what prints its jobs: a device, the group for all devices of it, or nothing.
fn leads_to(status: &LocationStatus) -> String {
    match &status.device {
        Some(device) => device.guardian(),
        None if status.whole_group => format!("#{}", status.name.group),
        None => String::new(),
    }
}

/// Says as what InfoPrint commands made it; none for a location that was declared here.
fn kind(kind: LocationKind) -> Option<&'static str> {
    match kind {
        LocationKind::Location => None,
        LocationKind::Logical => Some("LOGICAL DESTINATION"),
        LocationKind::Outlet => Some("WAY TO AN ACTUAL DESTINATION"),
    }
}

impl Shown for LocationStatus {
    const COLUMNS: &'static [Column] = &[left("LOCATION"), left("FLAGS"), left("DEVICE"), left("FONT")];

    fn row(&self, _: &Style) -> Vec<String> {
        let flags = match (self.broadcast, self.takes_jobs) {
            (false, true) => "",
            (true, true) => "B",
            (false, false) => "D",
            (true, false) => "B D",
        };
        vec![self.name.to_string(), flags.into(), leads_to(self), String::new()]
    }

    fn detail(&self, _: &Style) -> Vec<(String, String)> {
        vec![
            label("LOCATION", &self.name),
            label("BROADCAST", on_off(self.broadcast)),
            label("DEVICE", leads_to(self)),
            label("FONT NAME", ""),
            label("CONTENT", content_word(self.content)),
            label("ACCESS", &self.access),
            label("GROUP ACCESS", &self.group_access),
            label("JOBS", self.jobs),
        ]
        .into_iter()
        .chain(kind(self.kind).map(|word| label("MADE AS", word)))
        .chain((!self.takes_jobs).then(|| label("TAKES JOBS", on_off(false))))
        .collect()
    }

    fn json(&self) -> Value {
        json::location(self)
    }
}
