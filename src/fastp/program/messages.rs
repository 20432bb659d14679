//! What we and a program say to each other: one JSON object a line (docs/print-process.md). Unknown keys are ignored, so
//! that a later version may say more.

use serde::{Deserialize, Serialize};

/// The version of the contract.
pub const VERSION: u32 = 1;

/// What we say on its standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum ToProgram {
    /// The first word.
    Hello {
        /// Of the contract.
        version: u32,
        /// `$SPLB`
        process: String,
        /// PARM of the print process.
        parm: u16,
    },
    /// Open a device. The socket beside it is the conversation about this open.
    Open {
        /// `$LP1`
        device: String,
        /// Its address.
        uri: String,
        /// How it is to be driven.
        settings: Box<Settings>,
    },
    /// Answer this.
    Ping {
        /// Of the answer.
        number: u64,
    },
    /// End; no device is open.
    End,
}

/// What it says on its standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum FromProgram {
    /// The first word.
    Hello {
        /// Of the contract.
        version: u32,
    },
    /// It is well.
    Pong {
        /// What was asked.
        number: u64,
    },
}

/// The settings of a device that are the business of its print process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    /// Its form.
    pub form: String,
    /// HEADER
    pub header: String,
    /// STARTFF
    pub startff: String,
    /// ENDFF
    pub endff: bool,
    /// WIDTH; −1 = not set
    pub width: i32,
    /// TRUNC
    pub trunc: bool,
    /// EOL CRLF
    pub eol_crlf: bool,
    /// PAGELENGTH; 0 = not set
    pub page_length: u32,
    /// CONTENT RAW
    pub raw: bool,
    /// PARM
    pub parm: u16,
    /// DEVTYPE and other words without a meaning of ours, as they were typed
    pub words: Vec<String>,
}

/// What we say about an open device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum ToDevice {
    /// Carries descriptors for the `print` that follows.
    Files,
    /// Print this job. The descriptors that came since the last one are its documents, in order.
    Print(Box<Job>),
    /// Stand still, with the device open.
    Suspend,
    /// Go on.
    Resume,
    /// Go on at another place, because an operator asked for that page.
    Go {
        /// Its document, from 1.
        document: u32,
        /// Of which copy, from 1.
        copy: u32,
        /// Octets of it before.
        offset: u64,
        /// The page, from 1.
        page: u64,
    },
    /// Stop this job now.
    Stop,
    /// Close the device. The conversation is over then.
    Close,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Job {
    /// Its number.
    pub number: u32,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: String,
    /// `#GROUP.DEST`
    pub location: String,
    /// Its form.
    pub form: String,
    /// Whether octets of an earlier attempt may be on paper.
    pub possible_duplicate: bool,
    /// Its batch, if it is of one.
    pub batch: Option<u32>,
    /// Its documents.
    pub documents: Vec<Document>,
}

/// A document of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Document {
    /// From 1; 0 = of the font of its location, which is sent first.
    pub number: u32,
    /// How often.
    pub copies: u32,
    /// How long it is.
    pub octets: u64,
    /// What it is taken for.
    pub format: String,
}

/// Something that a device, or a job, lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trouble {
    /// What happened, in words.
    pub text: String,
    /// The error of the system, if it was one.
    pub errno: Option<i32>,
    /// The error of the device by its number in Guardian, if it has one.
    pub error: Option<u32>,
    /// Whether trying again helps without an operator; if it is not said, the error decides.
    pub retry: Option<bool>,
    /// Whether some octet of the running job may be on paper.
    pub touched: Option<bool>,
}

/// What it says about an open device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum FromDevice {
    /// It is open.
    Opened {
        /// Whether it can go on at another place of a job.
        #[serde(default)]
        skips: bool,
    },
    /// So much of the job has left.
    Progress {
        /// The document, from 1.
        document: u32,
        /// The copy, from 1.
        copy: u32,
        /// Octets of it.
        octets: u64,
    },
    /// Every octet of the job has left, or more is known.
    Printed {
        /// Whether the device has said so.
        #[serde(default)]
        confirmed: bool,
        /// Pages, where it counts them.
        #[serde(default)]
        pages: Option<u64>,
        /// Something worth recording.
        #[serde(default)]
        note: Option<String>,
    },
    /// The device stands still.
    Suspended,
    /// The job is stopped.
    Stopped {
        /// Whether some octet may be on paper.
        #[serde(default = "yes")]
        touched: bool,
        /// Whether the device had to be closed for it: what was sent must not be taken for the whole.
        #[serde(default)]
        closed: bool,
    },
    /// The job cannot be printed, whatever the device; other jobs can.
    Rejected {
        /// Why.
        text: String,
        /// Whether some octet may be on paper.
        #[serde(default = "yes")]
        touched: bool,
        /// Whether the device had to be closed for it.
        #[serde(default)]
        closed: bool,
    },
    /// The device cannot be opened, failed in mid-job, or did not close in order. It is closed.
    Failed(Trouble),
    /// The device has closed by itself while no job ran.
    Gone {
        /// Why.
        text: String,
    },
    /// It is closed.
    Closed,
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_read_with_what_is_left_out_and_what_is_unknown() {
        let read = |text: &str| serde_json::from_str::<FromDevice>(text).unwrap();
        assert_eq!(
            read(r#"{"op":"printed","colour":"red"}"#),
            FromDevice::Printed { confirmed: false, pages: None, note: None }
        );
        assert_eq!(read(r#"{"op":"stopped"}"#), FromDevice::Stopped { touched: true, closed: false });
        let trouble = Trouble { text: "no paper".into(), errno: Some(28), ..Trouble::default() };
        assert_eq!(read(r#"{"op":"failed","text":"no paper","errno":28}"#), FromDevice::Failed(trouble));
        assert!(serde_json::from_str::<FromDevice>(r#"{"op":"explode"}"#).is_err());
        let print = ToDevice::Go { document: 1, copy: 2, offset: 3, page: 4 };
        let text = r#"{"op":"go","document":1,"copy":2,"offset":3,"page":4}"#;
        assert_eq!(serde_json::to_string(&print).unwrap(), text);
    }

    proptest! {
        #[test]
        fn no_line_of_a_program_ends_us(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = serde_json::from_slice::<FromDevice>(&octets);
            let _ = serde_json::from_slice::<FromProgram>(&octets);
        }
    }
}
