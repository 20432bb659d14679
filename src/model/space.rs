//! Room on the file system of a spool: what is kept free, and what is there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};

/// What is kept free on the file system of the spool: below it submissions are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reserve {
    /// So many octets.
    Octets(u64),
    /// So many hundredths of the file system.
    Percent(u8),
}

/// The largest reserve in hundredths: a spool that keeps all free takes nothing.
const MOST_PERCENT: u8 = 90;

impl Reserve {
    /// Octets that are to be free on a file system of `total` octets.
    pub fn octets(self, total: u64) -> u64 {
        match self {
            Self::Octets(octets) => octets,
            Self::Percent(percent) => total / 100 * u64::from(percent),
        }
    }
}

/// `500000000` or `5%`.
impl fmt::Display for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octets(octets) => write!(f, "{octets}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for Reserve {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let found = match text.strip_suffix('%') {
            Some(digits) => digits.parse().ok().filter(|n| (1..=MOST_PERCENT).contains(n)).map(Self::Percent),
            None => octets(text).map(Self::Octets),
        };
        found.ok_or_else(|| {
            let shown: String = text.chars().take(40).flat_map(char::escape_default).collect();
            Failure::new(FailureKind::BadValue, format!("'{shown}' is no reserve"))
                .hint(format!("a reserve is written 500M, 2G or 100000000, or 1% to {MOST_PERCENT}%"))
        })
    }
}

/// Reads octets: a number, and K, M, G or T behind it.
pub fn octets(text: &str) -> Option<u64> {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => {
            let shift = match unit.to_ascii_uppercase() {
                'K' => 10,
                'M' => 20,
                'G' => 30,
                'T' => 40,
                _ => return None,
            };
            (&text[..at], shift)
        }
        _ => (text, 0),
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(1 << shift).filter(|octets| (1..=i64::MAX.cast_unsigned()).contains(octets))
}

/// What a spool holds, and the room that there is for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolSpace {
    /// Copies of documents.
    pub copies: u64,
    /// Their octets.
    pub copy_octets: u64,
    /// Links to documents of users.
    pub links: u64,
    /// Files of other servers that lie here at the moment, because they print.
    #[serde(default)]
    pub fetched: u64,
    /// Their octets.
    #[serde(default)]
    pub fetched_octets: u64,
    /// Documents that programs make of others at the moment, because those print (TRANSFORM).
    #[serde(default)]
    pub transformed: u64,
    /// Their octets, and those of what the programs write besides.
    #[serde(default)]
    pub transformed_octets: u64,
    /// What is kept free.
    pub reserve: Option<Reserve>,
    /// Octets of the file system, and of them those that are free for the spool; none where it does not say.
    pub disk: Option<(u64, u64)>,
    /// Whether submissions are refused because of the reserve, until there is some more room than that.
    pub refuses: bool,
}

impl SpoolSpace {
    /// How full the file system is, in hundredths.
    pub fn percent_full(&self) -> Option<u64> {
        let (total, free) = self.disk.filter(|(total, _)| *total > 0)?;
        Some(100 - u64::try_from(u128::from(free.min(total)) * 100 / u128::from(total)).unwrap_or(0))
    }

    /// Lines for people: what there is of each kind, and the room.
    pub fn lines(&self) -> Vec<String> {
        let mut lines =
            vec![format!("copies: {} of {} octets", self.copies, self.copy_octets), format!("links: {}", self.links)];
        if self.fetched > 0 {
            lines.push(format!("fetched: {} of {} octets", self.fetched, self.fetched_octets));
        }
        if self.transformed > 0 {
            lines.push(format!("transformed: {} of {} octets", self.transformed, self.transformed_octets));
        }
        if let (Some((total, free)), Some(full)) = (self.disk, self.percent_full()) {
            lines.push(format!("free: {free} of {total} octets ({full}% full)"));
        }
        if let Some(reserve) = self.reserve {
            let refuses = if self.refuses { ", submissions are refused" } else { "" };
            lines.push(format!("reserve: {reserve}{refuses}"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_octets_or_hundredths() {
        for (text, octets) in [("500M", 500 << 20), ("2g", 2 << 30), ("100000", 100_000), ("10%", 1000), ("1K", 1024)] {
            assert_eq!(text.parse::<Reserve>().unwrap().octets(10_000), octets, "{text}");
        }
        for bad in ["", "0", "x", "5X", "0%", "91%", "-1", "99999999T", "M", "5 M", "\u{661}"] {
            assert!(bad.parse::<Reserve>().is_err(), "{bad}");
        }
        for text in ["1234", "5%"] {
            assert_eq!(text.parse::<Reserve>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn how_full_it_is() {
        let space = |total, free| SpoolSpace { disk: Some((total, free)), ..SpoolSpace::default() };
        assert_eq!(space(1000, 250).percent_full(), Some(75));
        assert_eq!(space(u64::MAX, u64::MAX).percent_full(), Some(0));
        assert_eq!((space(0, 0).percent_full(), SpoolSpace::default().percent_full()), (None, None));
        let all = SpoolSpace {
            reserve: Some(Reserve::Percent(5)),
            refuses: true,
            copies: 2,
            copy_octets: 7,
            ..space(100, 4)
        };
        let lines = [
            "copies: 2 of 7 octets",
            "links: 0",
            "free: 4 of 100 octets (96% full)",
            "reserve: 5%, submissions are refused",
        ];
        assert_eq!(all.lines(), lines);
    }
}
