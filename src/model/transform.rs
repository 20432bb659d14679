//! What makes documents of a format that a device cannot print into ones that it can: a program (TRANSFORM).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::job::Format;
use super::printable::escaped;

/// The program through which documents of one format go before they are printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transform {
    /// The format of the documents.
    pub format: Format,
    /// The name of the program in `libexec/spoolsuite`.
    pub program: String,
}

/// How a format is written: by its name on the network where it has one, else by its keyword.
pub fn format_word(format: Format) -> &'static str {
    format.mime().unwrap_or_else(|| format.keyword())
}

/// Reads the format of a transform: a name on the network, or a keyword.
///
/// # Errors
/// Says what is wrong.
pub fn transformed_format(word: &str) -> Result<Format, String> {
    let found = Format::from_mime(word).or_else(|| Format::from_typed(word));
    match found {
        Some(Format::Passthru) => Err("octets of which nobody knows what they are stay as they are".to_owned()),
        Some(format) => Ok(format),
        None => Err(format!("'{}' is no format of documents that is known here", escaped(word))),
    }
}

impl Transform {
    /// The most characters of the name of a program.
    const LONGEST: usize = 64;

    /// Reads one from the words for its format and its program.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn new(format: &str, program: &str) -> Result<Self, String> {
        let usable = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        let is_name = (1..=Self::LONGEST).contains(&program.len())
            && program.chars().all(usable)
            && program.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !is_name {
            return Err(format!(
                "'{}' is no name of a program: it lies in libexec/spoolsuite, and has at most {} letters, digits and - _ . +",
                escaped(program),
                Self::LONGEST
            ));
        }
        Ok(Self { format: transformed_format(format)?, program: program.to_owned() })
    }

    /// Returns how it is stored.
    pub fn stored(&self) -> String {
        format!("{} {}", self.format.keyword(), self.program)
    }
}

/// The format, a blank, and the program.
impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", format_word(self.format), self.program)
    }
}

impl FromStr for Transform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once([' ', '=']) {
            Some((format, program)) => Self::new(format.trim(), program.trim()),
            None => Err("it is written FORMAT PROGRAM, as 'image/pwg-raster pwg-to-pcl'".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written_and_stored() {
        for text in ["image/pwg-raster to-pcl", "application/pdf pdf2ps.sh", "zpl labels"] {
            let read: Transform = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(read.stored().parse::<Transform>().unwrap(), read);
        }
        assert_eq!(Transform::new("PDF", "x").unwrap(), Transform::new("Application/PDF", "x").unwrap());
        for bad in [
            "",
            "pdf",
            "pdf /bin/sh",
            "pdf ../sh",
            "pdf .sh",
            "pdf a b",
            "x/y sh",
            "passthru sh",
            "pdf -x",
            "application/octet-stream x",
        ] {
            assert!(bad.parse::<Transform>().is_err(), "{bad}");
        }
    }
}
