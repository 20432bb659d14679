//! What an address in a message of IPP names. Its host has no meaning: clients write the one by which they have reached us, or
//! `localhost`. What is not one of our paths names nothing.

/// What is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A printer; empty = the usual one.
    Printer(String),
    /// All printers, or the usual one: what the operation makes of it.
    Any,
    /// A job, and the printer that was named with it.
    Job(u32, Option<String>),
    /// Nothing that is here.
    Nothing(String),
}

impl Target {
    /// A job by its number.
    pub fn job(number: i32, printer: Option<String>) -> Self {
        match u32::try_from(number) {
            Ok(number) => Self::Job(number, printer),
            Err(_) => Self::Nothing(number.to_string()),
        }
    }
}

/// The octets that `%HH` stand for.
fn decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let digits = rest.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit))?;
        octets.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = rest.get(2..).unwrap_or_default();
    }
    String::from_utf8(octets).ok().filter(|text| !text.chars().any(char::is_control))
}

/// What `uri` names.
pub fn target(uri: &str) -> Target {
    let nothing = || Target::Nothing(uri.to_owned());
    let Some((scheme, rest)) = uri.split_once("://") else { return nothing() };
    if !["ipp", "ipps", "http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return nothing();
    }
    let path = rest.find('/').map_or("", |at| rest.get(at..).unwrap_or_default());
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let parts: Option<Vec<String>> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let Some(parts) = parts else { return nothing() };
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        [] | ["jobs" | "printers" | "classes"] => Target::Any,
        ["ipp"] | ["ipp", "print" | "printer"] => Target::Printer(String::new()),
        ["printers" | "classes", name] | ["ipp", "print" | "printer", name] => Target::Printer((*name).to_owned()),
        ["jobs", number] if number.bytes().all(|octet| octet.is_ascii_digit()) => {
            number.parse().map_or_else(|_| nothing(), |number| Target::Job(number, None))
        }
        _ => nothing(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_path_says_what_is_meant_and_the_host_does_not() {
        let printer = |name: &str| Target::Printer(name.to_owned());
        for (uri, wanted) in [
            ("ipp://localhost/printers/office.front", printer("office.front")),
            ("http://10.0.0.1:631/ipp/print/front", printer("front")),
            ("ipps://x/ipp/print", printer("")),
            ("ipp://x/ipp/print/%23office", printer("#office")),
            ("ipp://localhost/", Target::Any),
            ("ipp://localhost", Target::Any),
            ("ipp://localhost/jobs/", Target::Any),
            ("ipp://localhost/jobs/17", Target::Job(17, None)),
        ] {
            assert_eq!(target(uri), wanted, "{uri}");
        }
        for uri in [
            "",
            "front",
            "file:///printers/x",
            "ipp://h/admin",
            "ipp://h/printers/a/b",
            "ipp://h/printers/%0a",
            "ipp://h/printers/%",
            "ipp://h/printers/%zz",
            "ipp://h/jobs/x",
            "ipp://h/jobs/99999999999",
        ] {
            assert_eq!(target(uri), Target::Nothing(uri.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_target(text in ".{0,80}") {
            let _ = target(&text);
            let _ = target(&format!("ipp://{text}"));
        }
    }
}
