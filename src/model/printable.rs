//! Text from outside as it may be shown: no character of it moves a cursor, ends a line or turns the direction of
//! writing.
//!
//! Titles, forms, owners, paths, addresses, the text of a FASTCNFG file and words of a command line come from people and
//! machines that we do not know. A control character of theirs commands the terminal that shows it, and a formatting
//! character shows another name than the one that is there. Every display, message and log passes such text through
//! here; nobody else decides what is harmful.

use std::borrow::Cow;
use std::path::Path;

/// Whether a terminal obeys `c` instead of showing it, or shows it as nothing.
///
/// Are the joiners U+200C and U+200D among them? No: Persian, Hindi and many emoji are not written right without them.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// Whether `text` is printable ASCII: nothing to escape, and each character as wide as its octet.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|octet| matches!(octet, b' '..=b'~'))
}

/// Returns `text` as one line: harmful characters are escapes, such as `\n` and `\u{202e}`.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(text, &mut out);
    out
}

/// Appends `text` to `out` as one line.
pub fn escape(text: &str, out: &mut String) {
    if is_plain(text) {
        return out.push_str(text);
    }
    for c in text.chars() {
        if is_harmful(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
}

/// Returns a path as one line. Octets that are no UTF-8 are shown as U+FFFD.
pub fn path(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

/// Returns a text of ours with words of others in it, such as the usage that clap writes: its line breaks stay.
pub fn escaped_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push('\n');
        }
        escape(line, &mut out);
    }
    out
}

/// Returns serialised JSON in which harmful characters are written as `\uXXXX`. Whoever parses it finds the same values.
pub fn json(text: &str) -> Cow<'_, str> {
    // Control characters below U+0020 are escaped by every serialiser; a line break that is left stands between values.
    let harmful = |c: char| c != '\n' && is_harmful(c);
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harmful(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_commands_a_terminal_or_hides_is_escaped_and_what_scripts_need_stays() {
        for c in [
            '\0', '\n', '\r', '\t', '\u{7}', '\u{8}', '\u{1b}', '\u{7f}', '\u{9b}', '\u{200b}', '\u{200e}', '\u{200f}',
            '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
            '\u{feff}',
        ] {
            let shown = escaped(&format!("a{c}b"));
            assert!(shown.starts_with("a\\") && shown.ends_with('b') && !shown.contains(c), "{c:?}: {shown}");
        }
        for text in ["grün", "می\u{200c}خواهم", "👩\u{200d}🚀", "שלום", "漢字", "a\\nb"] {
            assert_eq!(escaped(text), text);
        }
        assert_eq!(escaped_lines("one\ntwo\x1b[2J\r\n"), "one\ntwo\\u{1b}[2J\\r\n");
    }

    proptest! {
        #[test]
        fn an_escaped_text_is_harmless_and_escaping_it_again_changes_nothing(text in "\\PC{0,20}|(?s).{0,40}") {
            let shown = escaped(&text);
            prop_assert!(!shown.chars().any(is_harmful));
            prop_assert_eq!(escaped(&shown), shown);
        }

        #[test]
        fn json_keeps_its_values(text in "(?s).{0,40}") {
            let value = serde_json::json!({ "a": [text.clone()] });
            let written = value.to_string();
            let shown = json(&written);
            prop_assert!(!shown.chars().any(is_harmful));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }
}
