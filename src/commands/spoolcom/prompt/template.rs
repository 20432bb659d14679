//! The edit line of FC: what is typed beneath a command changes it, column by column.
//!
//! | typed beneath | does |
//! |---|---|
//! | `D` | deletes the character above each D |
//! | `R text` without the blank | replaces what stands above the R, and what follows it, by the text |
//! | `I text` without the blank | inserts the text before the character above the I |
//! | any other text | replaces what stands above it, character by character |
//! | `//` | ends one change; the next one begins at its own column |
//!
//! All columns are those of the line as it was shown.

/// Changes `line` as the edit line `template` says.
pub fn edited(line: &str, template: &str) -> String {
    let old: Vec<char> = line.chars().collect();
    let typed: Vec<char> = template.chars().collect();
    let mut changes: Vec<Change> = Vec::new();
    let mut at = 0;
    while at < typed.len() {
        let end = (at..typed.len()).find(|at| typed[*at..].starts_with(&['/', '/'])).unwrap_or(typed.len());
        piece(&typed[at..end], at, &mut changes);
        at = end + 2;
    }
    let mut new = old;
    // From the last column to the first, so that a change moves nothing that another one is about.
    changes.sort_by_key(|change| change.at);
    for change in changes.into_iter().rev() {
        let fill = change.at.saturating_sub(new.len());
        if fill > 0 && !change.text.is_empty() {
            new.extend(std::iter::repeat_n(' ', fill));
        }
        let first = change.at.min(new.len());
        let last = change.at.saturating_add(change.gone).min(new.len());
        new.splice(first..last, change.text);
    }
    new.into_iter().collect::<String>().trim_end().to_owned()
}

/// Something that happens at a column.
struct Change {
    at: usize,
    /// How many characters go.
    gone: usize,
    /// What comes in their place.
    text: Vec<char>,
}

/// Reads the changes of one piece of an edit line, which begins at the column `start`.
fn piece(piece: &[char], start: usize, changes: &mut Vec<Change>) {
    let mut at = 0;
    while let Some(blanks) = piece[at..].iter().position(|c| !c.is_whitespace()) {
        at += blanks;
        let word = piece[at..].split(|c| c.is_whitespace()).next().unwrap_or_default();
        if word.iter().all(|c| c.eq_ignore_ascii_case(&'d')) {
            changes.extend((0..word.len()).map(|n| Change { at: start + at + n, gone: 1, text: Vec::new() }));
            at += word.len();
            continue;
        }
        let column = start + at;
        let rest = &piece[at..];
        changes.push(match rest[0].to_ascii_uppercase() {
            'R' => Change { at: column, gone: rest.len() - 1, text: rest[1..].to_vec() },
            'I' => Change { at: column, gone: 0, text: rest[1..].to_vec() },
            _ => Change { at: column, gone: rest.len(), text: rest.to_vec() },
        });
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_edit_line_changes_what_stands_above_it() {
        for (line, template, expected) in [
            ("DEV $LP1, DRAIN", "", "DEV $LP1, DRAIN"),
            ("DEV $LP1, DRAIN", "          RSTART", "DEV $LP1, START"),
            ("DEV $LP1, DRAIN", "       I2", "DEV $LP21, DRAIN"),
            ("DEV $LP1, DRAIN", "       d", "DEV $LP, DRAIN"),
            ("DEV $LP1, DRAIN", "   D   D", "DEV$LP, DRAIN"),
            ("DEV $LP1, DRAIN", "DDDD", "$LP1, DRAIN"),
            ("DEV $LP1, DRAIN", "       7", "DEV $LP7, DRAIN"),
            ("DEV $LP1, DRAIN", "LOC #OF", "LOC #OF1, DRAIN"),
            ("DEV $LP1, DRAIN", "       R2//RSTART", "DEV $LP2, DSTART"),
            ("DEV $LP1, DRAIN", "       7//RSTART", "DEV $LP7, START"),
            ("JOB 5", "        i, HOLD", "JOB 5   , HOLD"),
            ("JOB 5", "        D", "JOB 5"),
            ("JOB é", "    R12", "JOB 12"),
        ] {
            assert_eq!(edited(line, template), expected, "{line}\n{template}");
        }
    }

    proptest! {
        #[test]
        fn any_edit_line_makes_a_line(line in "\\PC{0,40}", template in "[ DRIdri/x漢]{0,60}|\\PC{0,60}") {
            let new = edited(&line, &template);
            // What lies beyond the line is filled with blanks.
            prop_assert!(new.chars().count() <= line.chars().count() + 2 * template.chars().count());
        }

        #[test]
        fn blanks_change_nothing_but_the_blanks_behind(line in "\\PC{0,40}", blanks in " {0,50}") {
            prop_assert_eq!(edited(&line, &blanks), line.trim_end());
        }
    }
}
