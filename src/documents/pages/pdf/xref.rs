//! Where objects are: tables of cross-references, streams of them, or what a reading of the whole document finds.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::super::source::{Finding, Unknown, Window};
use super::inflate::{LARGEST, decode};
use super::object::{Dictionary, Reader, is_space};

/// Octets at the end among which `startxref` is looked for.
const TAIL: u64 = 4096;
/// Sections of all tables: an update adds one or more.
const MOST_SECTIONS: usize = 8192;
/// Objects that a rebuilding notes.
const MOST_OBJECTS: usize = 1 << 20;
/// The largest object that is read without its stream: a flat tree of 100,000 pages has one of a megabyte.
const LARGEST_OBJECT: usize = 16 << 20;
/// Octets of object streams that are kept.
const KEPT: usize = 48 << 20;

/// An object: from its first octet on, and where it lies.
pub struct Found {
    /// Its octets, and some behind it.
    pub octets: Vec<u8>,
    /// Its place, or that of the stream that holds it.
    pub place: u64,
}

/// What the trailer says.
#[derive(Clone, Copy, Debug)]
pub struct Trailer {
    pub root: u32,
    pub encrypted: bool,
}

/// Where an object is.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Free,
    At(u64),
    In { stream: u32, index: u32 },
}

/// A part of a table: objects from `first` on.
struct Section {
    first: u32,
    count: u32,
    lies: Lies,
}

enum Lies {
    /// Twenty octets an entry, in the file.
    Table(u64),
    /// Columns of so many octets, in a decoded stream from an octet on.
    Stream(Rc<Vec<u8>>, [usize; 3], usize),
}

/// An object stream: its octets, and where each object in it begins.
type Opened = (Vec<u8>, Vec<(u32, usize)>);

/// A document whose objects can be asked for.
pub struct File<'w, 'a> {
    window: &'w Window<'a>,
    /// What places in the document are counted from.
    base: u64,
    trailer: Option<Trailer>,
    sections: Vec<Section>,
    rebuilt: Option<HashMap<u32, Entry>>,
    streams: Vec<(u32, Rc<Opened>)>,
}

impl<'w, 'a> File<'w, 'a> {
    /// One whose tables are read from its end on.
    ///
    /// # Errors
    /// When they lead nowhere.
    pub fn open(window: &'w Window<'a>, at: u64) -> Finding<Self> {
        let from = window.size().saturating_sub(TAIL);
        let tail = window.read(from, usize::try_from(TAIL).unwrap_or(usize::MAX))?;
        let place = memchr::memmem::rfind(&tail, b"startxref").ok_or(Unknown::Broken)?;
        let start = Reader { octets: &tail, at: place + 9 }.number().ok_or(Unknown::Broken)?;
        // Places count from the header, or from the first octet, whatever stands before the header.
        let bases = if at == 0 { vec![0] } else { vec![at, 0] };
        let mut last = Unknown::Broken;
        for base in bases {
            let mut file =
                Self { window, base, trailer: None, sections: Vec::new(), rebuilt: None, streams: Vec::new() };
            match file.tables(start) {
                Ok(()) => return Ok(file),
                Err(unknown) => last = unknown,
            }
        }
        Err(last)
    }

    /// What the trailer says.
    ///
    /// # Errors
    /// When there is none.
    pub fn trailer(&self) -> Finding<Trailer> {
        self.trailer.ok_or(Unknown::Broken)
    }

    /// Reads the tables, the newest first.
    fn tables(&mut self, start: u64) -> Finding<()> {
        let mut seen = HashSet::new();
        let mut next = Some(start);
        while let Some(place) = next {
            if !seen.insert(place) {
                return Err(Unknown::Broken);
            }
            let place =
                self.base.checked_add(place).filter(|place| *place < self.window.size()).ok_or(Unknown::Broken)?;
            next = self.table(place, true)?;
        }
        Ok(())
    }

    /// Reads one table, and returns where the one before it is. A stream beside a table (`XRefStm`) has none before it.
    fn table(&mut self, place: u64, beside: bool) -> Finding<Option<u64>> {
        let head = self.window.read(place, 32)?;
        let mut reader = Reader::new(&head);
        if !reader.eat(b"xref") {
            return self.stream_table(place);
        }
        if !beside {
            return Err(Unknown::Broken);
        }
        let mut place = place + reader.at as u64;
        let mut sections = Vec::new();
        let trailer = loop {
            let head = self.window.read(place, 64)?;
            let mut reader = Reader::new(&head);
            if reader.eat(b"trailer") {
                break place + reader.at as u64;
            }
            let first = reader.number().and_then(|first| u32::try_from(first).ok()).ok_or(Unknown::Broken)?;
            let count = reader.number().and_then(|count| u32::try_from(count).ok()).ok_or(Unknown::Broken)?;
            reader.blanks();
            let entries = place + reader.at as u64;
            place = entries + u64::from(count) * 20;
            if place > self.window.size() || self.sections.len() + sections.len() >= MOST_SECTIONS {
                return Err(Unknown::Broken);
            }
            sections.push(Section { first, count, lies: Lies::Table(entries) });
        };
        let octets = self.dictionary_at(trailer)?;
        let dictionary = Reader::new(&octets).dictionary()?;
        self.note(&dictionary);
        // Hidden from old readers, whose entries say that these objects are free: so it is asked before the table.
        if let Some(beside) = dictionary.number(b"XRefStm") {
            self.table(self.base.saturating_add(beside), false)?;
        }
        self.sections.append(&mut sections);
        Ok(dictionary.number(b"Prev"))
    }

    fn stream_table(&mut self, place: u64) -> Finding<Option<u64>> {
        let mut head = Reader::new(&self.window.read(place, 64)?).to_object().ok_or(Unknown::Broken)?;
        head.1 += place;
        let octets = self.dictionary_at(head.1)?;
        let mut reader = Reader::new(&octets);
        let dictionary = reader.dictionary()?;
        if dictionary.name(b"Type") != Some(b"XRef") {
            return Err(Unknown::Broken);
        }
        let length = dictionary.number(b"Length").ok_or(Unknown::Broken)?;
        let data = self.data(&octets, reader.at, head.1, length)?;
        let plain = Rc::new(decode(self.window, &dictionary, data)?);
        let widths = super::object::array(dictionary.get(b"W").ok_or(Unknown::Broken)?)?;
        let mut columns = [0; 3];
        if widths.len() < 3 {
            return Err(Unknown::Broken);
        }
        for (column, width) in columns.iter_mut().zip(widths) {
            *column = Reader::new(width).number().filter(|width| *width <= 8).ok_or(Unknown::Broken)? as usize;
        }
        let row: usize = columns.iter().sum();
        if row == 0 {
            return Err(Unknown::Broken);
        }
        let size = dictionary.number(b"Size").ok_or(Unknown::Broken)?;
        let parts = match dictionary.get(b"Index") {
            Some(parts) => super::object::array(parts)?
                .into_iter()
                .map(|n| Reader::new(n).number())
                .collect::<Option<Vec<_>>>()
                .ok_or(Unknown::Broken)?,
            None => vec![0, size],
        };
        let mut from = 0;
        for part in parts.chunks_exact(2) {
            let (Ok(first), Ok(count)) = (u32::try_from(part[0]), u32::try_from(part[1])) else {
                return Err(Unknown::Broken);
            };
            if self.sections.len() >= MOST_SECTIONS {
                return Err(Unknown::TooMuch);
            }
            self.sections.push(Section { first, count, lies: Lies::Stream(Rc::clone(&plain), columns, from) });
            from = from.saturating_add(row.saturating_mul(count as usize));
        }
        self.note(&dictionary);
        Ok(dictionary.number(b"Prev"))
    }

    /// What a trailer says; the newest is believed, but an older one may tell that the document is encrypted.
    fn note(&mut self, dictionary: &Dictionary<'_>) {
        let encrypted = dictionary.get(b"Encrypt").is_some();
        match &mut self.trailer {
            Some(trailer) => trailer.encrypted |= encrypted,
            None => self.trailer = dictionary.reference(b"Root").map(|root| Trailer { root, encrypted }),
        }
    }

    /// Enough octets from `place` on to hold a whole value.
    fn dictionary_at(&self, place: u64) -> Finding<Vec<u8>> {
        let mut length = 1024;
        loop {
            let octets = self.window.read(place, length)?;
            match Reader::new(&octets).value() {
                Ok(_) => return Ok(octets),
                Err(Unknown::Broken) if octets.len() == length && length < LARGEST_OBJECT => length *= 4,
                Err(unknown) => return Err(unknown),
            }
        }
    }

    /// The data of a stream: its dictionary was read from `octets`, which lie at `place`.
    fn data(&self, octets: &[u8], at: usize, place: u64, length: u64) -> Finding<Vec<u8>> {
        let mut head = Reader { octets, at };
        let mut from = place + at as u64;
        let window;
        // `stream` may stand behind what was read.
        if octets.len() < at + 16 {
            window = self.window.read(from, 64)?;
            head = Reader::new(&window);
        } else {
            from = place;
        }
        if !head.eat(b"stream") {
            return Err(Unknown::Broken);
        }
        match &head.octets[head.at..] {
            [b'\r', b'\n', ..] => head.at += 2,
            [b'\n' | b'\r', ..] => head.at += 1,
            _ => {}
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= LARGEST).ok_or(Unknown::TooMuch)?;
        let data = self.window.read(from + head.at as u64, length)?;
        if data.len() < length { Err(Unknown::Broken) } else { Ok(data) }
    }

    fn entry(&self, number: u32) -> Finding<Entry> {
        if let Some(rebuilt) = &self.rebuilt {
            return rebuilt.get(&number).copied().ok_or(Unknown::Broken);
        }
        self.window.spend(self.sections.len())?;
        for section in &self.sections {
            let Some(index) = number.checked_sub(section.first).filter(|index| *index < section.count) else {
                continue;
            };
            match &section.lies {
                Lies::Table(entries) => {
                    let entry = self.window.read(entries + u64::from(index) * 20, 20)?;
                    let mut reader = Reader::new(&entry);
                    let place = reader.number().ok_or(Unknown::Broken)?;
                    reader.number().ok_or(Unknown::Broken)?;
                    return match reader.word() {
                        b"n" => Ok(Entry::At(place)),
                        b"f" => Ok(Entry::Free),
                        _ => Err(Unknown::Broken),
                    };
                }
                Lies::Stream(rows, columns, from) => {
                    let row: usize = columns.iter().sum();
                    let at = from.saturating_add(row.saturating_mul(index as usize));
                    let row = rows.get(at..at.saturating_add(row)).ok_or(Unknown::Broken)?;
                    let (kind, rest) = row.split_at(columns[0]);
                    let (second, third) = rest.split_at(columns[1]);
                    let whole =
                        |octets: &[u8]| octets.iter().fold(0u64, |number, octet| number << 8 | u64::from(*octet));
                    return match if kind.is_empty() { 1 } else { whole(kind) } {
                        0 => Ok(Entry::Free),
                        1 => Ok(Entry::At(whole(second))),
                        2 => {
                            let stream = u32::try_from(whole(second)).map_err(|_| Unknown::Broken)?;
                            let index = u32::try_from(whole(third)).map_err(|_| Unknown::Broken)?;
                            Ok(Entry::In { stream, index })
                        }
                        _ => Err(Unknown::Broken),
                    };
                }
            }
        }
        Err(Unknown::Broken)
    }

    /// An object.
    ///
    /// # Errors
    /// When it is not where the tables say.
    pub fn object(&mut self, number: u32) -> Finding<Found> {
        match self.entry(number)? {
            Entry::Free => Err(Unknown::Broken),
            Entry::At(place) => {
                let (octets, place) = self.plain(number, place)?;
                Ok(Found { octets, place })
            }
            Entry::In { stream, index } => {
                let opened = self.opened(stream)?;
                let (named, from) = *opened.1.get(index as usize).ok_or(Unknown::Broken)?;
                if named != number {
                    return Err(Unknown::Broken);
                }
                let end = opened.1.get(index as usize + 1).map_or(opened.0.len(), |next| next.1.max(from));
                let mut octets = opened.0.get(from..end).ok_or(Unknown::Broken)?.to_vec();
                // The last number of a stream ends with it.
                octets.push(b' ');
                self.window.spend(octets.len())?;
                let place = match self.entry(stream)? {
                    Entry::At(place) => self.base + place,
                    _ => return Err(Unknown::Broken),
                };
                Ok(Found { octets, place })
            }
        }
    }

    /// A number that is an object.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn number(&mut self, number: u32) -> Finding<Option<u64>> {
        Ok(Reader::new(&self.object(number)?.octets).number())
    }

    /// An object that lies in the file itself.
    fn plain(&self, number: u32, place: u64) -> Finding<(Vec<u8>, u64)> {
        let place = self.base.checked_add(place).filter(|place| *place < self.window.size()).ok_or(Unknown::Broken)?;
        let (named, at) = Reader::new(&self.window.read(place, 64)?).to_object().ok_or(Unknown::Broken)?;
        if named != number {
            return Err(Unknown::Broken);
        }
        Ok((self.dictionary_at(place + at)?, place))
    }

    /// An object stream, decoded.
    fn opened(&mut self, stream: u32) -> Finding<Rc<Opened>> {
        if let Some((_, opened)) = self.streams.iter().find(|(number, _)| *number == stream) {
            return Ok(Rc::clone(opened));
        }
        let Entry::At(place) = self.entry(stream)? else {
            return Err(Unknown::Broken);
        };
        let opened = Rc::new(self.open_stream(stream, place)?);
        self.streams.push((stream, Rc::clone(&opened)));
        while self.streams.len() > 1 && self.streams.iter().map(|(_, opened)| opened.0.len()).sum::<usize>() > KEPT {
            self.streams.remove(0);
        }
        Ok(opened)
    }

    fn open_stream(&self, stream: u32, place: u64) -> Finding<Opened> {
        let (octets, place) = self.plain(stream, place)?;
        let (_, at) = Reader::new(&self.window.read(place, 64)?).to_object().ok_or(Unknown::Broken)?;
        let mut reader = Reader::new(&octets);
        let dictionary = reader.dictionary()?;
        if dictionary.name(b"Type") != Some(b"ObjStm") {
            return Err(Unknown::Broken);
        }
        let length = match dictionary.reference(b"Length") {
            Some(number) => match self.entry(number)? {
                Entry::At(place) => Reader::new(&self.plain(number, place)?.0).number(),
                // A length that lies in a stream whose length it may be: not here.
                _ => None,
            },
            None => dictionary.number(b"Length"),
        };
        let data = self.data(&octets, reader.at, place + at, length.ok_or(Unknown::Broken)?)?;
        let plain = decode(self.window, &dictionary, data)?;
        let first = dictionary.number(b"First").and_then(|first| usize::try_from(first).ok()).ok_or(Unknown::Broken)?;
        let count = dictionary.number(b"N").ok_or(Unknown::Broken)?;
        let mut objects = Vec::new();
        let mut heads = Reader::new(plain.get(..first).ok_or(Unknown::Broken)?);
        for _ in 0..count {
            let (Some(number), Some(at)) = (heads.number(), heads.number()) else {
                return Err(Unknown::Broken);
            };
            let number = u32::try_from(number).map_err(|_| Unknown::Broken)?;
            let at = usize::try_from(at).ok().and_then(|at| at.checked_add(first)).ok_or(Unknown::Broken)?;
            objects.push((number, at));
        }
        Ok((plain, objects))
    }

    /// One whose objects are looked for in all of it, the last of each number counting.
    ///
    /// # Errors
    /// When nothing leads to pages, or there is too much.
    pub fn rebuild(window: &'w Window<'a>, at: u64) -> Finding<Self> {
        let size = usize::try_from(window.size()).map_err(|_| Unknown::TooMuch)?;
        let octets = window.read(0, size)?;
        let mut entries = HashMap::new();
        let mut streams = Vec::new();
        let mut file =
            Self { window, base: 0, trailer: None, sections: Vec::new(), rebuilt: None, streams: Vec::new() };
        let mut catalogs = Vec::new();
        let mut trailers = Vec::new();
        let begin = usize::try_from(at).map_err(|_| Unknown::TooMuch)?;
        for word in memchr::memmem::find_iter(&octets[begin.min(size)..], b"obj").map(|word| word + begin) {
            let Some((number, place)) = object_before(&octets, word) else {
                continue;
            };
            if entries.len() >= MOST_OBJECTS {
                return Err(Unknown::TooMuch);
            }
            entries.insert(number, Entry::At(place as u64));
            let mut reader = Reader { octets: &octets, at: word + 3 };
            // A dictionary has its type near its beginning, or it is none of those that are wanted.
            reader.octets = &octets[..octets.len().min(word + 3 + 4096)];
            window.spend(256)?;
            if let Ok(dictionary) = reader.dictionary() {
                match dictionary.name(b"Type") {
                    Some(b"ObjStm") => streams.push((number, place as u64)),
                    Some(b"Catalog") => catalogs.push(number),
                    Some(b"XRef") => {
                        trailers.push((dictionary.reference(b"Root"), dictionary.get(b"Encrypt").is_some()))
                    }
                    _ => {}
                }
            }
        }
        for word in memchr::memmem::find_iter(&octets, b"trailer") {
            let mut reader = Reader { octets: &octets[..octets.len().min(word + 7 + 4096)], at: word + 7 };
            window.spend(256)?;
            if let Ok(dictionary) = reader.dictionary() {
                trailers.push((dictionary.reference(b"Root"), dictionary.get(b"Encrypt").is_some()));
            }
        }
        drop(octets);
        let encrypted = trailers.iter().any(|trailer| trailer.1);
        if encrypted {
            return Err(Unknown::Beyond);
        }
        file.rebuilt = Some(entries);
        for (number, place) in streams {
            let Ok((_, objects)) = file.open_stream(number, place) else {
                // Pages may be in it.
                return Err(Unknown::Beyond);
            };
            let entries = file.rebuilt.get_or_insert_default();
            for (index, (object, _)) in objects.into_iter().enumerate() {
                if entries.len() >= MOST_OBJECTS {
                    return Err(Unknown::TooMuch);
                }
                // What lies in the file itself was written later, or before: nobody can tell without a table.
                if !matches!(entries.get(&object), Some(Entry::At(_))) {
                    entries.insert(
                        object,
                        Entry::In { stream: number, index: u32::try_from(index).map_err(|_| Unknown::TooMuch)? },
                    );
                }
            }
        }
        let mut roots: Vec<u32> = trailers.into_iter().filter_map(|trailer| trailer.0).collect();
        roots.sort_unstable();
        roots.dedup();
        catalogs.sort_unstable();
        catalogs.dedup();
        // Two different roots are two answers.
        let root = match (&roots[..], &catalogs[..]) {
            ([root], _) | ([], [root]) => *root,
            _ => return Err(Unknown::Beyond),
        };
        file.trailer = Some(Trailer { root, encrypted });
        Ok(file)
    }
}

impl Reader<'_> {
    /// `7 0 obj`: its number, and where the object itself begins.
    fn to_object(mut self) -> Option<(u32, u64)> {
        let number = u32::try_from(self.number()?).ok()?;
        self.number()?;
        self.eat(b"obj").then_some((number, self.at as u64))
    }
}

/// The number and the place of the object whose `obj` stands at `word`.
fn object_before(octets: &[u8], word: usize) -> Option<(u32, usize)> {
    let blanks = |end: usize| octets[..end].iter().rev().take(16).take_while(|octet| is_space(**octet)).count();
    let digits = |end: usize| octets[..end].iter().rev().take(11).take_while(|octet| octet.is_ascii_digit()).count();
    let mut end = word - blanks(word);
    let generation = digits(end);
    end -= generation;
    let between = blanks(end);
    end -= between;
    let number = digits(end);
    let begin = end - number;
    if generation == 0 || generation > 5 || between == 0 || number == 0 || number > 10 {
        return None;
    }
    // `endobj` and `1.5 0 obj` are none.
    if begin > 0
        && !is_space(octets[begin - 1])
        && !octets[..begin].ends_with(b"endobj")
        && !octets[..begin].ends_with(b"endstream")
    {
        return None;
    }
    let number = octets[begin..end].iter().fold(0u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    u32::try_from(number).ok().map(|number| (number, begin))
}
