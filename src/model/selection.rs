//! The pages of a document that are to be printed: `page-select`, as ranges of pages counted from 1.

use super::field::Value;
use super::job::GivenValue;

/// The attribute.
pub const PAGE_SELECT: &str = "page-select";
/// Ranges that one document may have.
pub const MOST_RANGES: usize = 10;

/// Ranges of pages, in the order in which they are printed: the first page of each and the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(Vec<(u64, u64)>);

impl Selection {
    /// Returns the selection that a value of the attribute is; none for one that is none.
    pub fn of(value: &Value) -> Option<Self> {
        let range = |one: &Value| {
            let Value::Text(text) = one else { return None };
            // A page alone is where it begins.
            let (first, last) = text.split_once(':').unwrap_or((text, ""));
            let side = |text: &str, usual: u64| if text.is_empty() { Some(usual) } else { text.parse().ok() };
            let (first, last) = (side(first, 1)?, side(last, u64::MAX)?);
            (1 <= first && first <= last).then_some((first, last))
        };
        let ranges = value.each().iter().map(range).collect::<Option<Vec<_>>>()?;
        (!ranges.is_empty() && ranges.len() <= MOST_RANGES).then_some(Self(ranges))
    }

    /// Returns what was selected of a document; none where all of it is printed.
    pub fn of_document(given: &[GivenValue], document: u32) -> Option<Self> {
        let named = |of: u32| given.iter().find(move |one| one.document == of && one.field.stored() == PAGE_SELECT);
        named(document).or_else(|| named(0)).and_then(|one| Self::of(&one.value))
    }

    /// Returns the ranges, of which pages beyond `pages` are left out.
    pub fn within(&self, pages: u64) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(move |(first, last)| (*first, (*last).min(pages))).filter(|(first, last)| first <= last)
    }

    /// Counts the pages that are printed of a document that has `pages`. One that is in two ranges is printed twice.
    pub fn count(&self, pages: u64) -> u64 {
        self.within(pages).map(|(first, last)| last - first + 1).fold(0, u64::saturating_add)
    }
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, (first, last)) in self.0.iter().enumerate() {
            let blank = if n == 0 { "" } else { " " };
            match last {
                &u64::MAX => write!(f, "{blank}{first}:")?,
                last => write!(f, "{blank}{first}:{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Option<Selection> {
        Selection::of(&Value::Many(words.iter().map(|word| Value::Text((*word).to_owned())).collect()))
    }

    #[test]
    fn ranges_are_read_and_cut_to_the_pages_that_are_there() {
        let pages = of(&["2:5", ":1", "9"]).unwrap();
        assert_eq!(pages.to_string(), "2:5 1:1 9:");
        assert_eq!(pages.within(3).collect::<Vec<_>>(), [(2, 3), (1, 1)]);
        assert_eq!((pages.count(3), pages.count(10), pages.count(0)), (3, 7, 0));
        for bad in [&["0:3"][..], &["5:2"], &["x"], &[], &["1:1"; 11], &["99999999999999999999999"]] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }
}
