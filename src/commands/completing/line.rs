//! The line of bash up to the cursor: its words, and what bash puts in place of the last one.
//!
//! bash hands over its line with the quotes in it, cuts the word at the cursor at `COMP_WORDBREAKS`, and puts what it gets into the
//! line as it stands. So the rules by which it finds the beginning of what it replaces are here once more: behind the quotation
//! mark that is open, or else behind the last such character that is not quoted.

/// The place of the cursor in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The words before, without their quotes and without the program.
    pub before: Vec<String>,
    /// The word at the cursor without its quotes.
    pub word: String,
    /// How much of it stays in the line, in octets.
    kept: usize,
    /// The quotation mark that is open.
    quote: Option<char>,
}

impl Place {
    /// Finds the place at the end of `line`; none where no word of a command stands.
    pub fn of(line: &str, breaks: &str) -> Option<Self> {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        // Where the last character stands at which bash cuts, and the quotation mark that was opened last.
        let (mut cut, mut opened, mut quote, mut redirects) = (0, 0, None, false);
        let mut rest = line.chars().peekable();
        while let Some(c) = rest.next() {
            match (quote, c) {
                (Some(mark), _) if c == mark => quote = None,
                (Some('"'), '\\') => match rest.next() {
                    Some(c) if "$`\"\\".contains(c) => word.get_or_insert_default().push(c),
                    Some('\n') => {}
                    Some(c) => word.get_or_insert_default().extend(['\\', c]),
                    None => return None,
                },
                (Some(_), _) => word.get_or_insert_default().push(c),
                // Quotes that have a meaning of their own.
                (None, '$') if matches!(rest.peek(), Some('\'' | '"' | '(' | '{')) => return None,
                (None, '`') => return None,
                (None, '\'' | '"') => (quote, opened) = (Some(c), word.get_or_insert_default().len()),
                (None, '\\') => match rest.next() {
                    Some('\n') => {}
                    Some(c) => word.get_or_insert_default().push(c),
                    None => return None,
                },
                (None, ' ' | '\t' | '\n') => {
                    cut = 0;
                    match word.take() {
                        Some(_) if redirects => redirects = false,
                        word => words.extend(word),
                    }
                }
                (None, '<' | '>') => {
                    (word, cut, redirects) = (None, 0, true);
                }
                (None, '|' | ';' | '&' | '(' | ')') => {
                    words.clear();
                    (word, cut, redirects) = (None, 0, false);
                }
                (None, _) => {
                    let word = word.get_or_insert_default();
                    word.push(c);
                    if breaks.contains(c) {
                        cut = word.len();
                    }
                }
            }
        }
        if redirects || words.is_empty() {
            return None;
        }
        words.remove(0);
        let kept = if quote.is_some() { opened } else { cut };
        Some(Self { before: words, word: word.unwrap_or_default(), kept, quote })
    }

    /// Whether a quotation mark is open.
    pub fn is_quoted(&self) -> bool {
        self.quote.is_some()
    }

    /// Returns what takes the place of the word so that it reads as `word`; none when it does not begin as the word that stays.
    pub fn quoted(&self, word: &str) -> Option<String> {
        let kept = self.word.get(..self.kept)?;
        let text = word.strip_prefix(kept)?;
        let mut quoted = String::with_capacity(text.len() + 8);
        for (at, c) in text.char_indices() {
            match (self.quote, c) {
                (Some('\''), '\'') => quoted.push_str("'\\''"),
                (Some('"'), '$' | '`' | '"' | '\\') => quoted.extend(['\\', c]),
                // Between these a shell that keeps a history takes it for an old line, and a backslash would stay.
                (Some('"'), '!') => quoted.push_str("\"\\!\""),
                (Some(_), _) => quoted.push(c),
                // A backslash before a line break takes it away.
                (None, '\n') => quoted.push_str("$'\\n'"),
                (None, '~') if at > 0 => quoted.push(c),
                (None, _) if c.is_alphanumeric() || "_-./:=,+@%".contains(c) => quoted.push(c),
                (None, _) => quoted.extend(['\\', c]),
            }
        }
        Some(quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BREAKS: &str = " \t\n\"'@><=;|&(:";

    /// The words, then what bash would make of `word`.
    fn at(line: &str, word: &str) -> String {
        let Some(place) = Place::of(line, BREAKS) else { return "none".to_owned() };
        let put = place.quoted(word).unwrap_or_else(|| "-".to_owned());
        format!("{} > {} > {put}", place.before.join("|"), place.word)
    }

    #[test]
    fn words_and_what_takes_their_place() {
        assert_eq!(at("pdpr -d of", "office.front"), "-d > of > office.front");
        assert_eq!(at("pdpr -d ", "office.front"), "-d >  > office.front");
        assert_eq!(at("pdpr -x job-hold=t", "job-hold=true"), "-x > job-hold=t > true");
        assert_eq!(at("pdpr -x \"job-hold=t", "job-hold=true"), "-x > job-hold=t > job-hold=true");
        assert_eq!(at("pdrm acme1:10", "acme1:1021904417"), " > acme1:10 > 1021904417");
        assert_eq!(at("pdls 'a b'c", "a bcd"), " > a bc > a\\ bcd");
        assert_eq!(at("pdls -c queue a\\ b", "a bc$"), "-c|queue > a b > a\\ bc\\$");
        assert_eq!(at("spoolcom 'DEV $L", "DEV $LP1"), " > DEV $L > DEV $LP1");
        assert_eq!(at("spoolcom \"DEV \\$L", "DEV $LP1"), " > DEV $L > DEV \\$LP1");
        assert_eq!(at("spoolcom 'COMMENT it'\\''s ", "COMMENT it's x"), " > COMMENT it's  > s x");
        assert_eq!(at("spoolcom DEV ", "$LP1"), "DEV >  > \\$LP1");
        assert_eq!(at("pdpr -d \"of", "of!fice"), "-d > of > of\"\\!\"fice");
    }

    #[test]
    fn where_no_word_of_ours_stands() {
        for line in ["", "pdpr", "pdpr -d x >of", "pdpr $(of", "pdpr `of", "pdpr $'of", "pdpr a\\"] {
            assert_eq!(at(line, "x"), "none", "{line}");
        }
        assert_eq!(at("pdls >f of", "office"), " > of > office");
        assert_eq!(at("true; pdls of", "office"), " > of > office");
    }

    proptest! {
        #[test]
        fn what_is_put_in_place_reads_as_the_word(
            typed in "[a-z'\"$ ]{0,6}", more in "[a-z'\"$`\\\\ ;&|<>(){}*?!#~\n\tä]{0,8}", mark in prop::option::of("['\"]")
        ) {
            // Typed by somebody who quotes rightly.
            let word = format!("{typed}{more}");
            let none = Place { before: Vec::new(), word: String::new(), kept: 0, quote: mark.as_ref().and_then(|mark| mark.chars().next()) };
            let open = mark.clone().unwrap_or_default();
            let line = format!("pdpr {open}{}", none.quoted(&typed).unwrap());
            let place = Place::of(&line, BREAKS).unwrap();
            prop_assert_eq!(&place.word, &typed);
            // bash cuts off what it replaces: here everything after the program, with the quotation mark.
            let put = format!("pdpr {open}{}", none.quoted(&word).unwrap());
            let again = Place::of(&put, BREAKS);
            if let Some(again) = again {
                prop_assert_eq!(&again.word, &word);
                prop_assert!(again.before.is_empty());
            } else {
                prop_assert!(put.contains("$'"));
            }
        }

        #[test]
        fn any_line_is_answered(line in "\\PC{0,30}", word in "\\PC{0,10}") {
            if let Some(place) = Place::of(&line, BREAKS) {
                let _ = place.quoted(&word);
            }
        }
    }
}
