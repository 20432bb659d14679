//! Pages of PDF: the tables of cross-references, then the tree of pages, leaf by leaf.
//!
//! The tables are used where they lie: an entry is looked up when it is wanted, so that a large document costs what its
//! pages do, and a hostile one what [`WORK`] allows. If they lead nowhere the objects are looked for, as readers do
//! ([`Rebuilt`](xref::Rebuilt)). A count is believed if the leaves that were met are as many as the root says.

mod inflate;
mod object;
mod xref;

use std::collections::HashSet;

use super::source::{Finding, ReadAt, Unknown, Window};
use super::{Index, READ_THROUGH};
use object::{Reader, array};
use xref::{File, Found};

/// Octets that may be read, parsed and inflated for one document.
pub const WORK: u64 = 512 << 20;
/// Objects on the way through the tree that are not leaves, waiting or seen.
const MOST_NODES: usize = 1 << 21;

/// The pages of the document at `at`.
///
/// # Errors
/// When they are not known.
pub fn pages(source: &dyn ReadAt, at: u64) -> Finding<Index> {
    let window = Window::new(source, WORK)?;
    let at = header(&window, at)?;
    match File::open(&window, at).and_then(|mut file| tree(&mut file)) {
        Err(Unknown::Broken) => {}
        finding => return finding,
    }
    if window.size() > READ_THROUGH {
        return Err(Unknown::TooMuch);
    }
    let mut file = File::rebuild(&window, at)?;
    tree(&mut file)
}

/// Where `%PDF-` stands: places in the document count from there, or from the first octet.
fn header(window: &Window<'_>, at: u64) -> Finding<u64> {
    let head = window.read(at, 2048)?;
    let place = memchr::memmem::find(&head, b"%PDF-").ok_or(Unknown::Broken)?;
    Ok(at + place as u64)
}

/// Goes through the tree of pages, without calling itself.
fn tree(file: &mut File<'_, '_>) -> Finding<Index> {
    let trailer = file.trailer()?;
    if trailer.encrypted {
        return Err(Unknown::Beyond);
    }
    let catalog = file.object(trailer.root)?;
    let catalog = Reader::new(&catalog.octets).dictionary()?;
    let root = catalog.reference(b"Pages").ok_or(Unknown::Broken)?;
    let mut index = Index::default();
    let mut said = None;
    let mut seen = HashSet::new();
    let mut waiting = vec![root];
    while let Some(number) = waiting.pop() {
        if !seen.insert(number) {
            // A tree whose branches meet is none; readers differ in what they print of it.
            return Err(Unknown::Beyond);
        }
        let Found { octets, place } = file.object(number)?;
        let node = Reader::new(&octets).dictionary()?;
        let kind = node.name(b"Type");
        match node.get(b"Kids") {
            None if kind == Some(b"Page") && number != root => index.begin(place)?,
            None => return Err(Unknown::Broken),
            Some(_) if kind == Some(b"Page") => return Err(Unknown::Beyond),
            Some(kids) => {
                if number == root {
                    said = match node.get(b"Count").and_then(object::reference) {
                        Some(count) => file.number(count)?,
                        None => node.number(b"Count"),
                    };
                }
                let elsewhere;
                let kids = match object::reference(kids) {
                    Some(number) => {
                        elsewhere = file.object(number)?;
                        Reader::new(&elsewhere.octets).value()?
                    }
                    None => kids,
                };
                let kids = array(kids)?;
                if waiting.len() + seen.len() + kids.len() > MOST_NODES {
                    return Err(Unknown::TooMuch);
                }
                for kid in kids.into_iter().rev() {
                    waiting.push(object::reference(kid).ok_or(Unknown::Broken)?);
                }
            }
        }
    }
    if said == Some(index.pages) && index.pages > 0 { Ok(index) } else { Err(Unknown::Broken) }
}
