//! The first frame of each side of a connection: who speaks, and which spools it knows.
//!
//! A client says its hello when it has connected, and need not wait for the server's before it sends its first request. The
//! server answers with its own hello; it reads requests only when both agree. Releases with the same major and minor number
//! and the same schema speak the same operations. Both sides judge by [`Hello::judge`], so they come to the same end.
//!
//! A hello stays readable for every later release: one JSON object of at most [`MAX_HELLO`] octets, to which members may be
//! added and from which none is taken away.

use serde::{Deserialize, Serialize};

/// Octets of the longest hello.
pub const MAX_HELLO: usize = 4096;
/// Characters of a peer's release that are shown.
const SHOWN: usize = 32;

/// What one side says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Its release: `0.1.0`.
    pub release: String,
    /// The schema of the spools it writes.
    pub schema: i64,
    /// Why the server does not go on, in words; none when it does, and in what a client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

impl Hello {
    /// What a program of `release` says that knows `schema`.
    pub fn new(release: &str, schema: i64) -> Self {
        Self { release: release.to_owned(), schema, refusal: None }
    }

    /// Whether this side may go on with the other, which is called `name` in the refusal.
    ///
    /// # Errors
    /// With which of the two is older, and what to do.
    pub fn judge(&self, other: &Self, name: &str) -> Result<(), String> {
        let (ours, theirs) = (numbers(&self.release), numbers(&other.release));
        if ours[..2] == theirs[..2] && self.schema == other.schema {
            return Ok(());
        }
        let order = (ours[0], ours[1], self.schema).cmp(&(theirs[0], theirs[1], other.schema));
        let (word, cure) = match order {
            std::cmp::Ordering::Less => ("newer", "use the newer spoolsuite on both sides"),
            _ => ("older", "end it and let the newer spoolsuite take its place"),
        };
        let release: String = other.release.chars().take(SHOWN).flat_map(char::escape_default).collect();
        Err(format!(
            "{name} is {word}: release {release} with schema {}, this is release {} with schema {}; {cure}",
            other.schema, self.release, self.schema
        ))
    }
}

/// Major, minor and patch number of a release; what is no number is 0.
fn numbers(release: &str) -> [u64; 3] {
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(release.split(['.', '-', '+'])) {
        *number = part.parse().unwrap_or(0);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_come_to_the_same_end_and_say_who_is_older() {
        let ours = Hello::new("0.1.0", 3);
        assert_eq!(ours.judge(&Hello::new("0.1.7", 3), "the server"), Ok(()));
        for (release, schema, word) in [
            ("0.2.0", 3, "newer"),
            ("1.0.0", 1, "newer"),
            ("0.1.0", 4, "newer"),
            ("0.0.9", 3, "older"),
            ("0.1.0", 2, "older"),
        ] {
            let other = Hello::new(release, schema);
            let said = ours.judge(&other, "the server").unwrap_err();
            assert!(said.starts_with(&format!("the server is {word}: release {release} with schema {schema}, this")));
            let answer = other.judge(&ours, "the client").unwrap_err();
            assert!(answer.contains(if word == "newer" { "is older" } else { "is newer" }), "{answer}");
        }
    }

    #[test]
    fn a_release_of_any_octets_is_judged_and_shown_in_one_short_line() {
        let odd = Hello::new(&format!("9.9\n{}", "x".repeat(1000)), 3);
        let said = Hello::new("0.1.0", 3).judge(&odd, "the server").unwrap_err();
        assert!(said.len() < 300 && !said.contains('\n'), "{said}");
        assert!(Hello::new("0.1.0", 3).judge(&Hello::new("", i64::MIN), "the server").is_err());
    }

    #[test]
    fn a_later_hello_with_more_members_is_read() {
        let later: Hello = serde_json::from_str(r#"{"release":"9.0.0","schema":9,"features":["tls"]}"#).unwrap();
        assert_eq!(later, Hello::new("9.0.0", 9));
    }
}
