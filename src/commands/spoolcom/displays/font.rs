//! FONT STATUS.

use serde_json::{Value, json};

use crate::model::location::FontStatus;

use super::{Column, Shown, Style, label, left, right};

impl Shown for FontStatus {
    const COLUMNS: &'static [Column] = &[left("FONT"), right("JOB")];

    fn row(&self, _: &Style) -> Vec<String> {
        vec![self.name.to_string(), self.job.to_string()]
    }

    fn detail(&self, _: &Style) -> Vec<(String, String)> {
        vec![label("FONT", &self.name), label("JOB", self.job)]
    }

    fn json(&self) -> Value {
        json!({ "font": self.name.as_str(), "job": self.job.get() })
    }
}
