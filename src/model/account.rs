//! What is accounted for a job that a device has printed (docs/reference/infoprint.md 8).

use serde::{Deserialize, Serialize};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The device.
    pub device: String,
    /// Who is responsible for the job.
    pub owner: String,
    /// Its ten digits.
    pub serial: String,
    /// When it was submitted, milliseconds since 1970.
    pub submitted_ms: i64,
    /// When it was printed.
    pub completed_ms: i64,
    /// Its pages, over all copies; 0 where nobody knows them.
    pub pages: u64,
    /// Octets that were sent.
    pub octets: u64,
    /// What its first document was taken for.
    pub format: String,
    /// Its name.
    pub name: String,
}

impl Account {
    /// Returns it as a line of thirteen fields with commas between them, without its end; a moment is written in UTC and as the
    /// local date and time that `local` makes of it. A comma in a name becomes a semicolon, so that a line has no more fields.
    pub fn line(&self, moment: impl Fn(i64) -> [String; 3]) -> String {
        let name = |text: &str| super::printable::escaped(text).replace(',', ";");
        let [submitted, submitted_date, submitted_time] = moment(self.submitted_ms);
        let [completed, completed_date, completed_time] = moment(self.completed_ms);
        [
            name(&self.device),
            name(&self.owner),
            self.serial.clone(),
            submitted,
            submitted_date,
            submitted_time,
            completed,
            completed_date,
            completed_time,
            self.pages.to_string(),
            self.octets.to_string(),
            self.format.clone(),
            name(&self.name),
        ]
        .join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_of_thirteen_fields_whatever_its_names_hold() {
        let account = Account {
            device: "mail-ad".into(),
            owner: "ann@h1".into(),
            serial: "1021904417".into(),
            submitted_ms: 1,
            completed_ms: 2,
            pages: 7,
            octets: 123,
            format: "ascii".into(),
            name: "a, b\nc".into(),
        };
        let line = account.line(|ms| [format!("u{ms}"), format!("d{ms}"), format!("t{ms}")]);
        assert_eq!(line, "mail-ad,ann@h1,1021904417,u1,d1,t1,u2,d2,t2,7,123,ascii,a; b\\nc");
        assert_eq!(line.split(',').count(), 13);
    }
}
