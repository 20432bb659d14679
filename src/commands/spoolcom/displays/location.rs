//! LOC STATUS.

use serde_json::Value;

use crate::model::location::{LocationStatus, content_word};

use super::{Column, Shown, Style, json, label, left, on_off};

/// Returns the name of its font; empty without one.
fn font(status: &LocationStatus) -> String {
    status.font.as_ref().map(ToString::to_string).unwrap_or_default()
}

impl Shown for LocationStatus {
    const COLUMNS: &'static [Column] = &[left("LOCATION"), left("FLAGS"), left("DEVICE"), left("FONT")];

    fn row(&self, _: &Style) -> Vec<String> {
        let device = self.device.as_ref().map(|device| device.guardian()).unwrap_or_default();
        let flags = if self.broadcast { "B" } else { "" };
        vec![self.name.to_string(), flags.into(), device, font(self)]
    }

    fn detail(&self, _: &Style) -> Vec<(String, String)> {
        vec![
            label("LOCATION", &self.name),
            label("BROADCAST", on_off(self.broadcast)),
            label("DEVICE", self.device.as_ref().map(|device| device.guardian()).unwrap_or_default()),
            label("FONT NAME", font(self)),
            label("CONTENT", content_word(self.content)),
            label("JOBS", self.jobs),
        ]
    }

    fn json(&self) -> Value {
        json::location(self)
    }
}
