//! `-r`: what is to be shown, groups and names mixed (docs/reference/infoprint.md 5).

use super::options::{attribute_names, to_look_at, unknown};
use super::strings::{Op, Pair};
use crate::attributes::names::BadWord;
use crate::attributes::text::escaped;
use crate::attributes::{Attribute, Class, Settable, Shown, find, nameable, of_class};
use crate::commands::pd::Stop;
use crate::model::field::Field;

/// The most words of a request.
const MAX_WORDS: usize = 1_000;

/// Returns every word of a request, for completion.
pub fn words(class: Class) -> impl Iterator<Item = &'static str> {
    ["none", "brief", "verbose", "all", "archive"].into_iter().chain(nameable(class).map(Attribute::name))
}

/// One word of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// `none`: nothing.
    Nothing,
    /// `brief`, `verbose` or `all`.
    Group(Shown),
    /// `archive`: what can be given.
    Archive,
    /// A name.
    Named(&'static Attribute),
}

/// What a request says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requested(pub Vec<Wanted>);

/// The attributes to show, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Of the object itself.
    pub object: Vec<&'static Attribute>,
    /// Of its documents.
    pub documents: Vec<&'static Attribute>,
    /// Whether attributes of documents were asked for by name.
    pub documents_named: bool,
    /// Those that are shown where they have a value: see [`Selection::laid_out`].
    pub carried: Vec<&'static Attribute>,
    /// Those that were asked for by name.
    named: Vec<&'static Attribute>,
}

impl Requested {
    /// One group.
    pub fn group(shown: Shown) -> Self {
        Self(vec![Wanted::Group(shown)])
    }

    /// Takes a `requested-attributes` pair: `=` replaces what was collected, `+=` adds to it.
    pub fn take(&mut self, pair: &Pair, class: Class) -> Result<(), Stop> {
        match pair.op {
            Op::Set => self.0.clear(),
            Op::Add => {}
            Op::Remove | Op::Default => {
                return Err(Stop::usage(format!("requested-attributes takes '=' and '+=', not '{}'", pair.op.sign())));
            }
        }
        let words = pair.values.iter().flat_map(|value| value.split([' ', ',', '\t', '\n']));
        for word in words.filter(|word| !word.is_empty()) {
            if self.0.len() == MAX_WORDS {
                return Err(Stop::usage(format!("more than {MAX_WORDS} requested attributes")));
            }
            self.0.push(wanted(word, class)?);
        }
        if self.0.is_empty() {
            return Err(
                Stop::usage("-r names no attribute").hint("-r none, brief, verbose, all, or names of attributes")
            );
        }
        Ok(())
    }

    /// Selects the attributes of `class` (and of documents, with a job) in the order of display. `brief` = the set that
    /// `brief` shows where a verb has its own.
    pub fn select(&self, class: Class, brief: Option<&[Field]>) -> Selection {
        let mut selection = Selection::default();
        for wanted in &self.0 {
            match wanted {
                Wanted::Nothing => {}
                Wanted::Group(Shown::Brief) if brief.is_some() => {
                    let fields = brief.unwrap_or_default();
                    of_class(class).filter(|row| fields.contains(&row.field)).for_each(|row| selection.add(row));
                }
                Wanted::Group(level) => {
                    // What a default job gives to jobs is shown with all, or by name.
                    let shows = |row: &&Attribute| row.shown <= *level && (row.class == class || *level == Shown::All);
                    of_class(class).filter(shows).for_each(|row| selection.add(row));
                    if class == Class::Job {
                        of_class(Class::Document).filter(|row| row.shown <= *level).for_each(|row| selection.add(row));
                    }
                }
                Wanted::Archive => nameable(class).filter(|row| is_archived(row)).for_each(|row| selection.add(row)),
                Wanted::Named(row) => {
                    selection.name(row);
                }
            }
        }
        // A default document has attributes of documents, and stands alone.
        if class == Class::InitialValueDocument {
            let own = std::mem::take(&mut selection.documents);
            selection.object.extend(own);
            selection.documents_named = false;
        }
        selection
    }

    /// Returns whether this is exactly `brief` or exactly `verbose`. These are shown as a table unless a style is given.
    pub fn is_table(&self) -> bool {
        matches!(self.0.as_slice(), [Wanted::Group(Shown::Brief | Shown::Verbose)])
    }

    /// Returns whether this is exactly `archive`. It is shown as an attributes file unless a style is given.
    pub fn is_archive(&self) -> bool {
        matches!(self.0.as_slice(), [Wanted::Archive])
    }
}

/// Returns whether an attribute can be given to a new object: `archive` has those.
fn is_archived(row: &Attribute) -> bool {
    row.settable != Settable::Never
}

impl Selection {
    /// Adds an attribute that was asked for by its name.
    pub fn name(&mut self, row: &'static Attribute) {
        self.documents_named |= row.class == Class::Document;
        self.named.push(row);
        self.add(row);
    }

    /// Returns the selection for a display that is a `table`, or that shows one attribute after the other. Most attributes that
    /// are only carried have no value in most jobs. Where they have no column of their own, a group shows those that have a
    /// value. So a job without any costs nothing, however many attributes there are.
    #[must_use]
    pub fn laid_out(mut self, table: bool) -> Self {
        if !table {
            let named = std::mem::take(&mut self.named);
            for part in [&mut self.object, &mut self.documents] {
                self.carried.extend(part.extract_if(.., |row| row.shows_only_values() && !named.contains(row)));
            }
            self.named = named;
        }
        self
    }

    /// Returns the selection for a display whose objects are documents; `with_job` = the job that each belongs to comes first.
    #[must_use]
    pub fn of_documents(mut self, with_job: bool) -> Self {
        let job = find(Class::Job, Field::JobIdentifier).filter(|_| with_job);
        self.object = job.into_iter().chain(std::mem::take(&mut self.documents)).collect();
        self.documents_named = false;
        self
    }

    /// Adds an attribute once.
    pub fn add(&mut self, row: &'static Attribute) {
        let part = if row.class == Class::Document { &mut self.documents } else { &mut self.object };
        if !part.iter().any(|other| other.field == row.field) {
            part.push(row);
        }
    }
}

fn wanted(word: &str, class: Class) -> Result<Wanted, Stop> {
    match word.to_ascii_lowercase().as_str() {
        "none" => return Ok(Wanted::Nothing),
        "brief" => return Ok(Wanted::Group(Shown::Brief)),
        "verbose" => return Ok(Wanted::Group(Shown::Verbose)),
        "all" => return Ok(Wanted::Group(Shown::All)),
        "archive" => return Ok(Wanted::Archive),
        "all-device" => {
            return Err(Stop::usage("-r all-device: devices are not asked for attributes of their own")
                .hint("-r all   shows every attribute that has no special cost"));
        }
        _ => {}
    }
    match to_look_at(word, &attribute_names(class)) {
        Ok(row) => Ok(Wanted::Named(row)),
        Err(BadWord::Ambiguous(found)) => {
            Err(Stop::usage(format!("'{}' may mean {}", escaped(word), found.join(" or "))))
        }
        Err(BadWord::Unknown(near)) => {
            Err(unknown(format!("a {} has no attribute '{}'", class.keyword(), escaped(word)), word, &near, None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Result<Requested, Stop> {
        let mut requested = Requested::default();
        let pair = Pair { name: "r".into(), op: Op::Set, values: vec![text.to_owned()] };
        requested.take(&pair, Class::Job).map(|()| requested)
    }

    fn names(rows: &[&Attribute]) -> String {
        rows.iter().map(|row| row.name()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn groups_and_names_mix_and_nothing_comes_twice() {
        let selection = request("brief,copy-count job-na d-con").unwrap().select(Class::Job, None);
        assert!(names(&selection.object).starts_with("job-client-id job-identifier job-name current-job-state"));
        assert_eq!(
            names(&selection.documents),
            "document-sequence-number document-format document-file-name copy-count document-content"
        );
        assert!(selection.documents_named);
    }

    #[test]
    fn document_content_is_in_no_group() {
        for group in ["brief", "verbose", "all", "none"] {
            let selection = request(group).unwrap().select(Class::Job, None);
            assert!(!selection.documents.iter().any(|row| row.field == Field::DocumentContent), "{group}");
        }
    }

    #[test]
    fn what_cannot_be_requested_is_a_usage_error() {
        for bad in ["", ",", "all-device", "nosuch", "j", "enabled"] {
            assert!(matches!(request(bad), Err(Stop::Usage(_))), "{bad}");
        }
    }
}
