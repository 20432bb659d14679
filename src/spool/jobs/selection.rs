//! Which pages of its documents a job prints, as the spool counts them and refuses what nobody can pick out.
//!
//! A page of a plain text needs nothing that stands before it. In a finished stream the pages before decide how a page looks,
//! so there the request is refused when it is made, and not when it would print the wrong thing.

use crate::model::job::{Format, GivenValue};
use crate::model::selection::{MOST_RANGES, PAGE_SELECT, Selection};
use crate::model::{Failure, FailureKind};
use crate::store::Fallible;
use crate::store::document::DocumentRow;

/// Counts the pages that a job prints, copies among them; none where they are not known.
pub(crate) fn pages(documents: &[DocumentRow], given: &[GivenValue]) -> Option<u64> {
    let of = |one: &DocumentRow| {
        let all = one.pages?;
        let printed = Selection::of_document(given, one.sequence).map_or(all, |selected| selected.count(all));
        Some(printed.saturating_mul(u64::from(one.copies)))
    };
    documents.iter().map(of).try_fold(0, |sum: u64, one| one.map(|one| sum.saturating_add(one)))
}

/// Refuses a selection of pages that cannot be honoured.
pub(crate) fn demand(documents: &[DocumentRow], given: &[GivenValue]) -> Fallible<()> {
    let is_many = |one: &&GivenValue| one.field.stored() == PAGE_SELECT && one.value.each().len() > MOST_RANGES;
    if let Some(many) = given.iter().find(is_many) {
        let why = format!("page-select of document {}: at most {MOST_RANGES} ranges", many.document.max(1));
        return Err(Failure::new(FailureKind::BadValue, why));
    }
    for document in documents {
        let Some(selected) = Selection::of_document(given, document.sequence) else { continue };
        let bad = |kind: FailureKind, why: String| {
            Err(Failure::new(kind, format!("page-select={selected} of document {}: {why}", document.sequence)))
        };
        if document.format != Format::Text {
            let word = document.format.keyword();
            return bad(
                FailureKind::Unsupported,
                format!("of {word} nobody knows what a page needs of those before it"),
            )
            .map_err(|failure: Failure| {
                failure.hint("print a file that has only the pages that are wanted: pdfseparate and psselect make one")
            });
        }
        match document.pages {
            None => return bad(FailureKind::Unsupported, "its pages cannot be counted".to_owned()),
            Some(pages) if selected.count(pages) == 0 => {
                let those = if pages == 1 { "1 page".to_owned() } else { format!("{pages} pages") };
                return bad(FailureKind::BadValue, format!("it has {those}, and none of these"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
