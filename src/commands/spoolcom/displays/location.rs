//! LOC STATUS.

use serde_json::Value;

use crate::model::location::{LocationStatus, content_word};

use super::{Column, Shown, Style, json, label, left, on_off};

impl Shown for LocationStatus {
    const COLUMNS: &'static [Column] = &[left("LOCATION"), left("FLAGS"), left("DEVICE"), left("FONT")];

    fn row(&self, _: &Style) -> Vec<String> {
        let device = self.device.as_ref().map(|device| device.guardian()).unwrap_or_default();
        let flags = if self.broadcast { "B" } else { "" };
        vec![self.name.to_string(), flags.into(), device, String::new()]
    }

    fn detail(&self, _: &Style) -> Vec<(String, String)> {
        vec![
            label("LOCATION", &self.name),
            label("BROADCAST", on_off(self.broadcast)),
            label("DEVICE", self.device.as_ref().map(|device| device.guardian()).unwrap_or_default()),
            label("FONT NAME", ""),
            label("CONTENT", content_word(self.content)),
            label("ACCESS", &self.access),
            label("GROUP ACCESS", &self.group_access),
            label("JOBS", self.jobs),
        ]
    }

    fn json(&self) -> Value {
        json::location(self)
    }
}
