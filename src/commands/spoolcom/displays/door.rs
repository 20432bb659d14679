//! COLLECT STATUS of doors, which stand apart from the collectors.

use serde_json::Value as Json;

use crate::model::field::Value;
use crate::model::object::ObjectStatus;

use super::{Column, Shown, Style, json, label, left, plain, right};

/// The values of an attribute of a door, in one line.
pub fn value(door: &ObjectStatus, name: &str) -> String {
    let found = door.attributes.iter().find(|attribute| attribute.name == name);
    let one = |value: &Value| match value {
        Value::Text(text) => plain(text),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        _ => String::new(),
    };
    found.map(|attribute| attribute.values.iter().map(one).collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

/// The state in one word: what a door says more stands in DETAIL.
fn state(door: &ObjectStatus) -> String {
    let state = value(door, "door-state");
    let word = state.split([' ', ':']).next().unwrap_or_default();
    if word.is_empty() { "CLOSED".to_owned() } else { word.to_uppercase() }
}

impl Shown for ObjectStatus {
    const COLUMNS: &'static [Column] =
        &[left("DOOR"), left("STATE"), left("KIND"), right("TAKEN"), right("REFUSED"), left("LISTENS"), left("TO")];

    fn row(&self, _: &Style) -> Vec<String> {
        let count = |name: &str| match value(self, name) {
            text if text.is_empty() => "0".to_owned(),
            text => text,
        };
        let place = match value(self, "door-listen") {
            text if text.is_empty() => value(self, "door-directory"),
            text => text,
        };
        let to = match value(self, "door-destination") {
            text if text.is_empty() => "*".to_owned(),
            text => text,
        };
        vec![
            format!("${}", self.name),
            state(self),
            value(self, "door-kind"),
            count("door-jobs-accepted"),
            count("door-jobs-refused"),
            place,
            to,
        ]
    }

    fn detail(&self, _: &Style) -> Vec<(String, String)> {
        let each = self.attributes.iter().map(|attribute| {
            let name = attribute.name.trim_start_matches("door-").replace('-', " ").to_uppercase();
            (name, value(self, &attribute.name))
        });
        std::iter::once(("DOOR".to_owned(), format!("${}", self.name)))
            .chain(each)
            .map(|(name, value)| label(&name, value))
            .collect()
    }

    fn json(&self) -> Json {
        json::door(self)
    }
}
