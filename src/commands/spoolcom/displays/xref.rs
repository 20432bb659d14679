//! XREF: which location leads to which device, and which print process drives that, seen from each of the three.

use serde_json::{Value, json};

use super::{Column, Shown, Style, label, left};

/// One connection, by the names that are shown. What is not connected is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The location.
    pub location: String,
    /// The device.
    pub device: String,
    /// The print process.
    pub process: String,
}

impl Connection {
    fn json(&self) -> Value {
        let known = |name: &String| (!name.is_empty()).then(|| name.clone());
        json!({
            "location": known(&self.location),
            "device": known(&self.device),
            "process": known(&self.process),
        })
    }
}

/// Makes the view of one kind of object: the order of the columns.
macro_rules! view {
    ($(#[$doc:meta])* $type:ident [$($field:ident $heading:literal),+]) => {
        $(#[$doc])*
        pub struct $type(pub Connection);

        impl Shown for $type {
            const COLUMNS: &'static [Column] = &[$(left($heading)),+];

            fn row(&self, _: &Style) -> Vec<String> {
                vec![$(self.0.$field.clone()),+]
            }

            fn detail(&self, style: &Style) -> Vec<(String, String)> {
                Self::COLUMNS.iter().zip(self.row(style)).map(|(column, name)| label(column.heading, name)).collect()
            }

            fn json(&self) -> Value {
                self.0.json()
            }
        }
    };
}

view!(
    /// By location.
    ByLocation [location "LOCATION", device "DEVICE", process "PRINT PROCESS"]
);
view!(
    /// By device.
    ByDevice [device "DEVICE", location "LOCATION", process "PRINT PROCESS"]
);
view!(
    /// By print process.
    ByProcess [process "PRINT PROCESS", device "DEVICE", location "LOCATION"]
);
