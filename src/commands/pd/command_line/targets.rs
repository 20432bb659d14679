//! Reads arguments that name jobs (`7`, `1021904417`, `acme1:1021904417`, each with `.2` for a document) or whole servers.

use crate::attributes::text::escaped;
use crate::commands::pd::Stop;
use crate::model::{JobRef, ServerName};

/// What an argument names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A job, or one document of it (from 1).
    Job(JobRef, Option<u32>),
    /// Every object in this server; none = in every server.
    Server(Option<ServerName>),
}

/// Reads an argument.
///
/// # Errors
/// [`Stop::Usage`], which shows the forms of an argument.
pub fn parse(text: &str) -> Result<Target, Stop> {
    let bad = || {
        let what = if text.is_empty() {
            "an argument is empty".to_owned()
        } else {
            format!("'{}' names no job", escaped(text))
        };
        Stop::usage(what).hint("a job is named by its local id (7), its ten digits (1021904417) or server:1021904417")
    };
    if text == "*:" || text == "*" {
        return Ok(Target::Server(None));
    }
    let (server, rest) = match text.split_once(':') {
        Some((server, rest)) => (Some(server), rest),
        None => (None, text),
    };
    match server {
        Some(server) if rest.is_empty() => {
            return server.parse().map(|name| Target::Server(Some(name))).map_err(|_| bad());
        }
        None if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && has_letter(text) => {
            return text.parse().map(|name| Target::Server(Some(name))).map_err(|_| bad());
        }
        _ => {}
    }
    // Dots before the colon belong to a server's name; one after it begins the number of a document.
    let (job, document) = match rest.rsplit_once('.') {
        Some((_, digits)) => match digits.parse::<u32>() {
            Ok(number) if number > 0 && number.to_string() == digits => {
                (&text[..text.len() - digits.len() - 1], Some(number))
            }
            _ => return Err(bad()),
        },
        None => (text, None),
    };
    JobRef::parse_pd(job).map(|job| Target::Job(job, document)).ok_or_else(bad)
}

/// Returns whether there is a letter before the first dot. Digits alone, or with the number of a document, are a job; a name
/// that begins with a digit has a letter there.
fn has_letter(text: &str) -> bool {
    text.split('.').next().unwrap_or_default().chars().any(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_an_argument() {
        let shown = [
            "7",
            "7.2",
            "1021904417",
            "1021904417.1",
            "acme.x:1021904417",
            "acme.x:1021904417.12",
            "acme1:",
            "acme1",
            "*:",
        ]
        .map(|text| format!("{text} -> {:?}", parse(text).unwrap()));
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn what_names_no_job_is_a_usage_error() {
        for bad in [
            "",
            "0",
            "-1",
            "7.",
            "7.0",
            "7.x",
            "7.01",
            "7.+1",
            "7.1.1",
            ":7",
            "acme1:7",
            "12345678901",
            "a b",
            "*:1021904417",
        ] {
            assert!(matches!(parse(bad), Err(Stop::Usage(_))), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_argument_is_answered(text in "[0-9a-z:.*+-]{0,24}|.{0,24}") {
            let _ = parse(&text);
        }
    }
}
