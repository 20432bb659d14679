//! What a print process waits for at a device and cannot hurry: as a value, as a keyword, and in words.

use serde::{Deserialize, Serialize};

use super::device::DeviceSettings;
use super::names::DeviceName;
use super::uri::DeviceUri;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wait {
    /// The process looks at FASTCNFG, and reads it if it was altered.
    Fastcnfg,
    /// The address of the host.
    Address,
    /// The printer accepts the connection.
    Connection,
    /// The printer refused a connection, and is tried again.
    Refused,
    /// A program opens the FIFO for reading.
    Reader,
    /// The system opens the file or device.
    Opening,
    /// Every octet was sent, and the last ones have not arrived yet.
    LastOctets,
    /// SLOWPACE.
    Pause,
    /// The printer closes the connection.
    Close,
    /// The print file still arrives from another server, and what was there is sent.
    PrintFile,
    /// The program of a TRANSFORM makes its document into another.
    Transform,
}

/// Stored number, stable word, and what is waited for: `{}` is the place.
const TABLE: [(Wait, u64, &str, &str); 11] = [
    (Wait::Fastcnfg, 1, "fastcnfg", "FASTCNFG to be read"),
    (Wait::Address, 2, "address", "the address of {}"),
    (Wait::Connection, 3, "connection", "a connection to {}"),
    (Wait::Refused, 4, "connection-refused", "a connection to {}, which is refused and tried again"),
    (Wait::Reader, 5, "reader", "a program that reads {}"),
    (Wait::Opening, 6, "opening", "{} to open"),
    (Wait::LastOctets, 7, "last-octets", "its last octets to be taken"),
    (Wait::Pause, 8, "pause", "the pause after a job (SLOWPACE)"),
    (Wait::Close, 9, "close", "the printer to close the connection"),
    (Wait::PrintFile, 10, "print-file", "the rest of its print file, which another server sends"),
    (Wait::Transform, 11, "transform", "the program that makes its document into another (TRANSFORM)"),
];

impl Wait {
    fn row(self) -> &'static (Self, u64, &'static str, &'static str) {
        // Is there a row for every wait, in the order of the variants? Yes: a test checks this.
        &TABLE[self as usize]
    }

    /// Returns the number that stands for it in a progress file; it is never 0.
    pub fn number(self) -> u64 {
        self.row().1
    }

    /// Finds it by the number of a progress file; none when a later version wrote it.
    pub fn from_number(number: u64) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == number).map(|row| row.0)
    }

    /// Returns its stable word.
    pub fn keyword(self) -> &'static str {
        self.row().2
    }

    /// Returns the word for a column of trouble, and whether it is trouble from the first moment; none when a wait of this
    /// kind is what a device does.
    pub fn trouble(self) -> Option<(&'static str, bool)> {
        match self {
            Self::Reader => Some(("no reader", true)),
            Self::Refused => Some(("refused", true)),
            Self::Fastcnfg => Some(("fastcnfg", false)),
            Self::Address => Some(("no address yet", false)),
            Self::Connection => Some(("no answer", false)),
            Self::Opening => Some(("does not open", false)),
            Self::LastOctets => Some(("stalled", false)),
            Self::Close => Some(("does not close", false)),
            Self::PrintFile => Some(("file arrives", false)),
            Self::Pause | Self::Transform => None,
        }
    }

    /// Tells whether the device is not open yet, so that nothing of a job can have been sent.
    pub fn is_before_open(self) -> bool {
        self == Self::Transform || self.number() <= Self::Opening.number()
    }
}

/// A wait at a device, its place, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// What for.
    pub wait: Wait,
    /// Where: a path, a host, or the name of the device where FASTCNFG says more.
    pub place: String,
    /// Wall clock.
    pub since_ms: i64,
}

impl Awaited {
    /// Makes a wait at this device.
    pub fn at(name: &DeviceName, settings: &DeviceSettings, wait: Wait, since_ms: i64) -> Self {
        let place = match settings.uri.as_ref().filter(|_| !settings.consults_fastcnfg()) {
            Some(DeviceUri::Socket { host, .. }) if wait == Wait::Address => host.clone(),
            Some(uri) => uri.path().map_or_else(|| uri.to_string(), |path| path.display().to_string()),
            None => name.guardian(),
        };
        Self { wait, place, since_ms }
    }

    /// Says what is waited for: "a program that reads /run/labels".
    pub fn words(&self) -> String {
        self.wait.row().3.replace("{}", &self.place)
    }

    /// Says the same as SPOOLCOM writes it, in capitals except for the place.
    pub fn capitals(&self) -> String {
        self.wait.row().3.to_uppercase().replace("{}", &self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wait_has_its_own_row_number_and_word() {
        for (i, row) in TABLE.iter().enumerate() {
            assert_eq!((row.0 as usize, row.0.row().1), (i, row.1));
            assert_eq!(Wait::from_number(row.1), Some(row.0));
            assert!(TABLE[i + 1..].iter().all(|other| other.1 > row.1 && other.2 != row.2), "{}", row.2);
        }
        assert_eq!((Wait::from_number(0), Wait::from_number(u64::MAX)), (None, None));
        assert!(Wait::Opening.is_before_open() && !Wait::LastOctets.is_before_open());
    }

    #[test]
    fn the_place_is_the_path_or_host_or_where_fastcnfg_says_more_the_device() {
        let mut settings = DeviceSettings { uri: Some("fifo:///run/Labels".parse().unwrap()), ..Default::default() };
        let name: DeviceName = "LP1".parse().unwrap();
        let said = |settings: &DeviceSettings, wait| Awaited::at(&name, settings, wait, 0).words();
        assert_eq!(said(&settings, Wait::Reader), "a program that reads /run/Labels");
        assert_eq!(Awaited::at(&name, &settings, Wait::Reader, 0).capitals(), "A PROGRAM THAT READS /run/Labels");
        settings.uri = Some("socket://lp1.example:9101".parse().unwrap());
        assert_eq!(said(&settings, Wait::Address), "the address of lp1.example");
        assert_eq!(said(&settings, Wait::Connection), "a connection to socket://lp1.example:9101");
        settings.uri = None;
        assert_eq!(said(&settings, Wait::Connection), "a connection to $LP1");
    }
}
