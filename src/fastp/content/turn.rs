//! Going on at another page of the job in print: SKIP and SKIPTO.
//!
//! Only of plain text is it known what a page needs: nothing that stands before it. So a text goes on at any of its pages,
//! as its device lays it out. In a finished stream the pages before decide how a page looks, and a part of it
//! would have to be taken back: there the request is refused.
//!
//! Pages count through the documents of a job, each once, whatever its copies. What was sent before the turn stays where
//! it is; the sheet that was begun is fed out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use super::feeds::Feed;
use super::pieces::{FORM_FEED, Pieces, Place, Source};
use crate::documents::{Found, Index, ReadAt, Sheet, index};
use crate::model::job::Format;
use crate::model::request::DeviceRequest;

/// Where a job goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// There.
    pub to: Place,
    /// What feeds out the sheet that was begun.
    pub feed: Feed,
    /// How many octets of the documents lie between; negative for one that goes back.
    pub over: i64,
    /// The page, from 1.
    pub page: u64,
    /// The page that was being sent.
    pub from_page: u64,
}

/// Octets before a place that tell how the paper stands there.
const BEFORE: u64 = 8;

/// Finds where a job that is at `now` goes on.
///
/// # Errors
/// Why it cannot, in words.
pub fn find(job: &Pieces, now: Place, what: DeviceRequest) -> Result<Turn, String> {
    if job.sheets.raw {
        return Err("the device is CONTENT RAW: every octet leaves as it came".into());
    }
    if !job.sheets.heads.is_empty() {
        return Err("the printer was told what to do with its documents, and would forget it".into());
    }
    let indexes = Indexes { job, known: RefCell::default() };
    let (before, own) = indexes.until(now.index)?;
    let from_page = before + page_at(&own, now.at);
    let page = match what {
        DeviceRequest::SkipTo(page) => page,
        DeviceRequest::Skip(pages) => from_page.saturating_add_signed(pages).max(1),
        DeviceRequest::Align => return Err("an alignment page is no page of the job".into()),
    };
    let (index, at) = indexes.find(page)?;
    let copies = job.sources[index].copies.max(1);
    let copy = match index.cmp(&now.index) {
        std::cmp::Ordering::Equal => now.copy,
        // The copies of an earlier document are out; those of a later one are not.
        std::cmp::Ordering::Less => copies,
        std::cmp::Ordering::Greater => 1,
    };
    let source = &job.sources[now.index];
    let feed = feed(source, now.at).map_err(|error| format!("document {} cannot be read: {error}", source.sequence))?;
    let to = Place { index, copy, at };
    Ok(Turn { to, feed, over: octets_before(job, to) - octets_before(job, now), page, from_page })
}

/// Octets of the documents before a place, copies included.
pub fn octets_before(job: &Pieces, place: Place) -> i64 {
    let whole: u64 = job.sources[..place.index].iter().map(|s| s.size.saturating_mul(u64::from(s.copies.max(1)))).sum();
    let copies = job.sources[place.index].size.saturating_mul(u64::from(place.copy.saturating_sub(1)));
    i64::try_from(whole.saturating_add(copies).saturating_add(place.at)).unwrap_or(i64::MAX)
}

/// What feeds out the sheet on which a text stands after its first `at` octets.
fn feed(source: &Source, at: u64) -> io::Result<Feed> {
    if at == 0 {
        return Ok(Feed::None);
    }
    let mut octets = [0; BEFORE as usize];
    let first = at.saturating_sub(BEFORE);
    let want = (at - first) as usize;
    let got = source.file.read_at(&mut octets[..want], first)?;
    let line_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
    Ok(match octets[..got].last() {
        _ if octets[..got].iter().rfind(|octet| !line_end(octet)) == Some(&FORM_FEED) => Feed::None,
        Some(last) if line_end(last) => Feed::Plain,
        _ => Feed::WithReturn,
    })
}

/// Which page of a document the octet at `at` is on, from 1.
fn page_at(index: &Index, at: u64) -> u64 {
    (index.begins.partition_point(|begin| *begin <= at) as u64).max(1)
}

/// The pages of the documents of a job. Each is looked for when it is asked for, and once: reading a document takes time.
struct Indexes<'a> {
    job: &'a Pieces,
    known: RefCell<BTreeMap<u32, Rc<Index>>>,
}

impl Indexes<'_> {
    fn of(&self, source: &Source) -> Result<Rc<Index>, String> {
        if let Some(known) = self.known.borrow().get(&source.sequence) {
            return Ok(Rc::clone(known));
        }
        let index = Rc::new(self.look_for(source)?);
        self.known.borrow_mut().insert(source.sequence, Rc::clone(&index));
        Ok(index)
    }

    fn look_for(&self, source: &Source) -> Result<Index, String> {
        let mut first = [0; 2];
        let read = source.file.read_at(&mut first, 0);
        let why = match source.format {
            Format::Text if read.is_ok() && matches!(first, [0xff, 0xfe] | [0xfe, 0xff]) => {
                Some("it has sixteen bits a character".to_owned())
            }
            Format::Text => None,
            other => Some(format!("of {} nobody knows what a page needs of those before it", other.keyword())),
        };
        let found = Found { format: Format::Text, at: 0 };
        let index = match why {
            Some(why) => Err(why),
            None => index(&source.file, found, Sheet::of(self.job.sheets.layout))
                .ok_or_else(|| "its pages cannot be counted".to_owned()),
        };
        index.map_err(|why| format!("document {} is {}: {why}", source.sequence, source.format.keyword()))
    }

    /// Returns how many pages the documents before `until` have, and the pages of that one.
    fn until(&self, until: usize) -> Result<(u64, Rc<Index>), String> {
        let mut before = 0;
        for (n, source) in self.job.sources.iter().enumerate() {
            let index = self.of(source)?;
            if n == until {
                return Ok((before, index));
            }
            before += index.pages;
        }
        Err("it has no document there".into())
    }

    /// Returns the document of a page, and where it begins in it.
    fn find(&self, page: u64) -> Result<(usize, u64), String> {
        let mut before = 0;
        for (n, source) in self.job.sources.iter().enumerate() {
            let index = self.of(source)?;
            let within = page.saturating_sub(before);
            if within <= index.pages {
                let begin = usize::try_from(within - 1).ok().and_then(|at| index.begins.get(at));
                return begin.map(|begin| (n, *begin)).ok_or_else(|| "its pages are too many".to_owned());
            }
            before += index.pages;
        }
        Err(format!("it has {before} page{}", if before == 1 { "" } else { "s" }))
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
