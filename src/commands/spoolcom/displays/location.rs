//! LOC STATUS. The flags: B broadcast; D, which is ours, takes no jobs.

use serde_json::Value;

use crate::attributes::Class;
use crate::model::field::{Field, Value as Given};
use crate::model::location::{GroupStatus, LocationKind, LocationStatus, content_word};

use super::{Column, Shown, Style, given, json, label, left, on_off};

/// Returns the name of its font; empty without one.
fn font(status: &LocationStatus) -> String {
    status.font.as_ref().map(ToString::to_string).unwrap_or_default()
}

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

/// What decides about the release of the jobs of a group; the same words on a group and on its locations.
const OF_RELEASE: &[&str] = &[
    "release-type",
    "purge-time",
    "purge-warning",
    "keep-after-release",
    "encrypt-at-rest",
    "compatible-queues",
    "driver",
];

/// Says what InfoPrint commands set of a group.
fn of_group(given: &[(Field, Given)], style: &Style) -> Vec<(String, String)> {
    let (release, rest): (Vec<_>, Vec<_>) = given.iter().cloned().partition(|one| OF_RELEASE.contains(&one.0.stored()));
    let mut lines = given::lines(Class::Queue, &release, "", style);
    lines.extend(given::lines(Class::Queue, &rest, "QUEUE ", style));
    lines
}

/// One line of LOC STATUS.
pub enum LocationLine {
    /// A location.
    Location(Box<LocationStatus>),
    /// A group that has none: a queue of InfoPrint commands.
    Group(GroupStatus),
}

impl Shown for LocationLine {
    const COLUMNS: &'static [Column] = LocationStatus::COLUMNS;

    fn row(&self, style: &Style) -> Vec<String> {
        match self {
            Self::Location(status) => status.row(style),
            Self::Group(group) => {
                let flags = if group.broadcast { "B" } else { "" };
                vec![format!("#{}", group.name), flags.into(), String::new(), String::new()]
            }
        }
    }

    fn detail(&self, style: &Style) -> Vec<(String, String)> {
        match self {
            Self::Location(status) => status.detail(style),
            Self::Group(group) => vec![
                label("LOCATION", format!("#{}", group.name)),
                label("BROADCAST", on_off(group.broadcast)),
                label("MADE AS", "QUEUE"),
            ]
            .into_iter()
            .chain(group.paused.then(|| label("QUEUE PAUSED", on_off(true))))
            .chain(of_group(&group.given, style))
            .collect(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Location(status) => status.json(),
            Self::Group(group) => json::group(group),
        }
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
        vec![self.name.to_string(), flags.into(), leads_to(self), font(self)]
    }

    fn detail(&self, style: &Style) -> Vec<(String, String)> {
        vec![
            label("LOCATION", &self.name),
            label("BROADCAST", on_off(self.broadcast)),
            label("DEVICE", leads_to(self)),
            label("FONT NAME", font(self)),
            label("CONTENT", content_word(self.content)),
            label("ACCESS", &self.access),
            label("GROUP ACCESS", &self.group_access),
            label("JOBS", self.jobs),
        ]
        .into_iter()
        .chain(kind(self.kind).map(|word| label("MADE AS", word)))
        .chain((!self.takes_jobs).then(|| label("TAKES JOBS", on_off(false))))
        .chain(self.group_paused.then(|| label("QUEUE PAUSED", on_off(true))))
        .chain(given::lines(Class::Destination, &self.given, "", style))
        .chain(of_group(&self.group_given, style))
        .collect()
    }

    fn json(&self) -> Value {
        json::location(self)
    }
}
