//! The line printer daemon: one connection, one command.
//!
//! A job is complete when its control file is there and each data file that it names. Whatever comes last of it is acknowledged
//! after the job is on disk. Control files come before their data or behind, several jobs come over one connection, and names tie
//! them together; the names are keys of this connection and nothing else.
//!
//! | what happens | what becomes of it |
//! |---|---|
//! | data without a control file, and an orderly end | the job is held: its octets were acknowledged |
//! | a control file without its data; a reset; silence | nothing is left, and an event says so |
//! | the server is gone, or refuses | the octet 1, or 2 where there is no room: an orderly close without it would be a yes |
//! | the acknowledgement is lost | the sender repeats, and the second job is announced |

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use spoolsuite::model::door::{DoorDocument, DoorJob, DoorTrouble, token_of};
use spoolsuite::model::job::Format;
use spoolsuite::model::printable::escaped;
use spoolsuite::model::{Failure, FailureKind};
use spoolsuite::sys::{clock, fault};
use spoolsuite::wire::lpd::{
    self, Command, ControlFile, Count, LATER, MAX_CONTROL, MAX_LINE, NO, QueueLine, Subcommand, YES, text,
};

use super::connection::{Connection, Got, Who};
use super::gate::Context;
use super::paper::Paper;

/// Octets that are read at once.
const CHUNK: usize = 64 * 1024;
/// How long one waits for more behind a NUL that stands alone: an empty file, or the first octet of one of unknown length.
const ALONE: Duration = Duration::from_secs(1);
/// Data files and control files that wait for each other in one connection.
const MOST_FILES: usize = 128;
/// Octets of control files of one connection whose jobs are not complete yet.
const MOST_CONTROL: u64 = 1 << 20;
/// Octets that are read and thrown away while a refusal is on its way.
const DRAIN: usize = 64 * 1024;

/// A data file that is here.
struct Data {
    file: Paper,
    octets: u64,
    digest: blake3::Hash,
    /// Whether its sender knew how long it is.
    counted: bool,
}

/// Why a session ends.
enum End {
    /// The sender has closed his side, between two files.
    Closed,
    /// The sender has gone in the middle of something, or was silent.
    Lost(String),
    /// We have said no, and the session is over.
    Refused,
}

struct Session<'a> {
    context: &'a Context,
    connection: Connection,
    queue: String,
    controls: Vec<(Vec<u8>, ControlFile)>,
    /// Their octets, with those of jobs that have become complete meanwhile.
    control_octets: u64,
    data: HashMap<Vec<u8>, Data>,
    /// Tokens of jobs that were acknowledged, each with the octets that were written by then.
    acknowledged: Vec<(String, u64)>,
}

/// Serves one connection.
pub fn serve(context: &Context, mut connection: Connection) {
    let line = match connection.line(MAX_LINE, true) {
        Ok(Some(line)) => line,
        // A connection that says nothing is a probe.
        Ok(None) => {
            let _ = connection.leave();
            return;
        }
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return connection.say_and_leave(&[NO]),
        Err(_) => return,
    };
    let peer = connection.address();
    match Command::parse(&line) {
        Command::Wake(_) => connection.say_and_leave(&[YES]),
        Command::Receive(queue) => {
            let queue = text(&queue);
            let queue = queue.trim().to_owned();
            Session {
                context,
                connection,
                queue,
                controls: Vec::new(),
                control_octets: 0,
                data: HashMap::new(),
                acknowledged: Vec::new(),
            }
            .run();
        }
        Command::Queue { queue, which, long } => answer_queue(context, connection, (&text(&queue), &which), long),
        Command::Remove { queue, agent, which } => {
            let which = which.iter().map(|word| text(word)).collect();
            let said = match context.link.remove(&text(&queue), peer, &text(&agent), which) {
                Ok(1) => "1 dequeued\n".to_owned(),
                Ok(count) => format!("{count} dequeued\n"),
                Err(failure) => format!("{}\n", escaped(&failure.message)),
            };
            connection.say_and_leave(said.as_bytes());
        }
        Command::Other(_) => connection.say_and_leave(&[NO]),
    }
}

fn answer_queue(context: &Context, mut connection: Connection, (queue, which): (&str, &[Vec<u8>]), long: bool) {
    let said = match context.link.queue(queue, connection.address()) {
        Ok(found) => {
            let lines: Vec<QueueLine> = found
                .rows
                .into_iter()
                .map(|row| QueueLine {
                    active: row.active,
                    owner: row.owner,
                    number: row.number,
                    title: row.title,
                    octets: row.octets,
                    copies: row.copies,
                    host: row.host,
                })
                .filter(|line| {
                    let is_named = |word: &Vec<u8>| {
                        let word = text(word);
                        word == line.number.to_string() || line.owner.as_ref() == Some(&word)
                    };
                    which.is_empty() || which.iter().any(is_named)
                })
                .collect();
            lpd::listing(&found.name, found.ready, &lines, long)
        }
        Err(failure) => format!("{}\n", escaped(&failure.message)),
    };
    connection.say_and_leave(said.as_bytes());
}

/// The octet that says why not.
fn code(failure: &Failure) -> u8 {
    if failure.kind == FailureKind::Full { LATER } else { NO }
}

impl Session<'_> {
    fn run(mut self) {
        if let Err(failure) = self.context.link.resolve(&self.queue, self.connection.address()) {
            self.refuse(&failure);
            return;
        }
        if self.connection.write(&[YES]).is_err() {
            return;
        }
        let end = loop {
            match self.subcommand() {
                Ok(()) => self.see_what_arrived(),
                Err(end) => break end,
            }
        };
        self.end(end);
    }

    fn address(&self) -> Who {
        self.connection.peer
    }

    /// Says no, in an event too.
    fn refuse(&mut self, failure: &Failure) -> End {
        self.connection.say_and_leave(&[code(failure)]);
        let hints = if failure.hints.is_empty() { String::new() } else { format!(" ({})", failure.hints.join("; ")) };
        let why = format!("a job of {} for '{}' was refused: {}{hints}", self.address(), self.queue, failure.message);
        self.context.link.trouble(DoorTrouble::Refused, why);
        End::Refused
    }

    fn wrong(&mut self, what: &str) -> End {
        self.refuse(&Failure::new(FailureKind::BadValue, what))
    }

    fn subcommand(&mut self) -> Result<(), End> {
        let line = match self.connection.line(MAX_LINE, self.controls.is_empty() && self.data.is_empty()) {
            Ok(Some(line)) => line,
            Ok(None) => return Err(End::Closed),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(self.wrong("a line that is too long"));
            }
            Err(error) => return Err(End::Lost(error.to_string())),
        };
        match Subcommand::parse(&line) {
            // A NUL alone is read without its end of line.
            Subcommand::Nothing => Ok(()),
            Subcommand::Abort => {
                self.controls.clear();
                self.data.clear();
                self.say_yes()
            }
            Subcommand::Control { count, name } => self.control(count, name),
            Subcommand::Data { count, name } => self.file(count, name),
            Subcommand::Bad(_) if line == [0] => Ok(()),
            Subcommand::Bad(why) => Err(self.wrong(why)),
        }
    }

    fn say_yes(&mut self) -> Result<(), End> {
        self.connection.write(&[YES]).map_err(|error| End::Lost(error.to_string()))
    }

    /// Tells the server of acknowledgements that the sender has.
    fn see_what_arrived(&mut self) {
        let connection = &self.connection;
        let (told, untold): (Vec<_>, Vec<_>) = std::mem::take(&mut self.acknowledged)
            .into_iter()
            .partition(|(_, octets)| connection.has_acknowledged(*octets));
        self.acknowledged = untold;
        for (token, _) in told {
            self.context.link.was_delivered(&token);
        }
    }

    /// Reads the octet behind a file: none or a NUL is good.
    fn is_good(&mut self) -> Result<bool, End> {
        let mut octet = [0];
        match self.connection.read(&mut octet, Some(self.connection.patience()), false) {
            Got::Octets(_) => Ok(octet == [0]),
            Got::End => Ok(true),
            Got::Silence => Err(End::Lost("it was silent behind a file".to_owned())),
            Got::Broken(error) => Err(End::Lost(error.to_string())),
        }
    }

    fn control(&mut self, count: Count, name: Vec<u8>) -> Result<(), End> {
        let octets = match count {
            Count::Known(octets) if octets <= MAX_CONTROL => octets,
            Count::Zero => 0,
            _ => return Err(self.wrong("a control file that is too large")),
        };
        if self.controls.is_empty() {
            self.control_octets = 0;
        }
        self.control_octets += octets;
        if self.controls.len() >= MOST_FILES || self.control_octets > MOST_CONTROL {
            return Err(self.wrong("too many control files"));
        }
        self.say_yes()?;
        let mut control = Vec::new();
        let mut left = usize::try_from(octets).unwrap_or(usize::MAX);
        let mut buffer = vec![0; 4096];
        while left > 0 {
            let want = left.min(buffer.len());
            match self.connection.read(
                buffer.get_mut(..want).unwrap_or_default(),
                Some(self.connection.patience()),
                false,
            ) {
                Got::Octets(n) => {
                    control.extend_from_slice(buffer.get(..n).unwrap_or_default());
                    left -= n;
                }
                Got::End => return Err(End::Lost("the connection ended in a control file".to_owned())),
                Got::Silence => return Err(End::Lost("it was silent in a control file".to_owned())),
                Got::Broken(error) => return Err(End::Lost(error.to_string())),
            }
        }
        if !self.is_good()? {
            return Err(self.wrong("the sender says that its control file is bad"));
        }
        let control = match ControlFile::parse(&control) {
            Ok(control) => control,
            Err(why) => return Err(self.wrong(why)),
        };
        // Several control files of one job: those that name no file, or come under the same name, belong to the next.
        let joins = self.controls.iter().position(|(known, before)| *known == name || before.files.is_empty());
        match joins.and_then(|at| self.controls.get_mut(at)) {
            Some((known, before)) => {
                before.join(control);
                *known = name;
            }
            None => self.controls.push((name, control)),
        }
        self.commit()
    }

    fn file(&mut self, count: Count, name: Vec<u8>) -> Result<(), End> {
        if self.data.len() >= MOST_FILES {
            return Err(self.wrong("too many data files"));
        }
        let (said, most) = match count {
            Count::Known(octets) => (Some(octets), octets),
            Count::Zero => (None, u64::MAX),
            Count::AtMost(octets) => (None, octets),
        };
        if let Some(most) = self.context.settings.most_octets.filter(|most| said.is_some_and(|octets| octets > *most)) {
            return Err(self.wrong(&format!("a file of {} octets: {most} are the most", said.unwrap_or(0))));
        }
        let file = match self.context.link.new_file(said) {
            Ok(file) => file,
            Err(failure) => return Err(self.refuse(&failure)),
        };
        self.say_yes()?;
        let (data, ended) = self.octets(file, count, most)?;
        self.data.insert(name, data);
        if ended {
            // Whoever does not say how long a file is says its end by closing: he may not wait for an answer.
            let _ = self.commit();
            return Err(End::Closed);
        }
        self.commit()
    }

    /// Reads the octets of a file. Returns also whether the connection has ended with it.
    fn octets(&mut self, mut file: Paper, count: Count, most: u64) -> Result<(Data, bool), End> {
        let counted = matches!(count, Count::Known(_));
        let limit = self.context.settings.most_octets.unwrap_or(u64::MAX);
        let mut hasher = blake3::Hasher::new();
        let mut octets = 0u64;
        let mut buffer = vec![0; CHUNK];
        let mut ended = false;
        while octets < most {
            let want = usize::try_from(most - octets).unwrap_or(usize::MAX).min(buffer.len());
            let n = match self.connection.read(
                buffer.get_mut(..want).unwrap_or_default(),
                Some(self.connection.patience()),
                false,
            ) {
                Got::Octets(n) => n,
                Got::End if counted => {
                    return Err(End::Lost(format!("the connection ended after {octets} of {most} octets")));
                }
                Got::End => {
                    ended = true;
                    break;
                }
                Got::Silence => return Err(End::Lost(format!("it was silent after {octets} octets"))),
                Got::Broken(error) => return Err(End::Lost(format!("{error} after {octets} octets"))),
            };
            let got = buffer.get(..n).unwrap_or_default();
            if count == Count::Zero && octets == 0 && got == [0] {
                let mut next = [0; 1];
                match self.connection.read(&mut next, Some(ALONE), false) {
                    // More comes: it was the first octet of a file of unknown length.
                    Got::Octets(_) if !matches!(next, [1..=5]) => self.connection.unread(&next),
                    Got::Octets(_) => {
                        self.connection.unread(&next);
                        return Ok((Data { file, octets: 0, digest: hasher.finalize(), counted: true }, false));
                    }
                    _ => return Ok((Data { file, octets: 0, digest: hasher.finalize(), counted: true }, false)),
                }
            }
            if let Err(error) = file.write_all(got) {
                return Err(self.no_room(&error));
            }
            hasher.update(got);
            octets += n as u64;
            if octets > limit {
                return Err(self.wrong(&format!("a file of more than {limit} octets")));
            }
        }
        if !ended && !self.is_good()? {
            return Err(self.wrong("the sender says that its data file is bad"));
        }
        Ok((Data { file, octets, digest: hasher.finalize(), counted }, ended))
    }

    /// The disk is full in the middle of a file: what is on its way is thrown away, so that the sender reads the answer.
    fn no_room(&mut self, error: &std::io::Error) -> End {
        let (mut buffer, mut left) = (vec![0; 4096], DRAIN);
        while left > 0 {
            match self.connection.read(&mut buffer, Some(Duration::from_millis(200)), false) {
                Got::Octets(n) => left = left.saturating_sub(n),
                _ => break,
            }
        }
        self.refuse(&Failure::new(FailureKind::Full, format!("no room for its data: {error}")))
    }

    /// Hands in each job that is complete, and acknowledges what has just come.
    fn commit(&mut self) -> Result<(), End> {
        let has_all = |data: &HashMap<Vec<u8>, Data>, control: &ControlFile| {
            !control.files.is_empty() && control.files.iter().all(|file| data.contains_key(&file.file))
        };
        let mut tokens = Vec::new();
        while let Some(at) = self.controls.iter().position(|(_, control)| has_all(&self.data, control)) {
            let (_, control) = self.controls.remove(at);
            let files =
                control.files.iter().filter_map(|file| Some((file.clone(), self.data.remove(&file.file)?))).collect();
            match self.submit(&control, files, None) {
                Ok(token) => tokens.push(token),
                Err(failure) => return Err(self.refuse(&failure)),
            }
        }
        let said = self.say_yes();
        let written = self.connection.written();
        self.acknowledged.extend(tokens.into_iter().map(|token| (token, written)));
        said
    }

    fn submit(
        &self,
        control: &ControlFile,
        files: Vec<(lpd::DataFile, Data)>,
        held: Option<String>,
    ) -> Result<String, Failure> {
        let shown = |octets: &Option<Vec<u8>>| octets.as_deref().map(text).filter(|text| !text.trim().is_empty());
        let (user, host) = (shown(&control.user), shown(&control.host));
        let first = files.first().and_then(|(file, _)| shown(&file.name));
        let title = shown(&control.title).or(first).unwrap_or_else(|| self.queue.clone());
        let mut hasher = blake3::Hasher::new();
        // Numbers and dates are left out: CUPS takes a new number for each try.
        for part in [
            self.address().to_string(),
            host.clone().unwrap_or_default(),
            user.clone().unwrap_or_default(),
            self.queue.clone(),
            title.clone(),
        ] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        let mut remarks = Vec::new();
        let (mut documents, mut descriptors) = (Vec::new(), Vec::new());
        for (file, data) in files {
            if data.octets == 0 {
                remarks.push("a data file was empty: it is left out".to_owned());
                continue;
            }
            hasher.update(data.digest.as_bytes());
            if !data.counted {
                remarks
                    .push("length unknown: the end of the connection was taken for the end of the document".to_owned());
            }
            if matches!(file.letter, b'c' | b'd' | b'g' | b'n' | b't') {
                remarks
                    .push(format!("the sender says format '{}', which is printed as it is", char::from(file.letter)));
            }
            let name = shown(&file.name).unwrap_or_else(|| title.clone());
            let format = (file.letter == b'o').then_some(Format::PostScript);
            documents.push(DoorDocument { name, copies: file.copies, format });
            descriptors.push(data.file.into());
        }
        if documents.is_empty() {
            return Err(Failure::new(FailureKind::BadValue, "the job is empty"));
        }
        let key: String = hasher.finalize().to_hex().chars().take(32).collect();
        let token = token(&key)?;
        let job = DoorJob {
            token: token.clone(),
            key: format!("{key}."),
            queue: self.queue.clone(),
            title,
            user,
            host,
            peer: self.connection.address(),
            uid: None,
            login: None,
            documents,
            banner: control.banner,
            held,
            remarks,
            attributes: Vec::new(),
            link: None,
        };
        fault::point("door-received");
        self.context.link.submit(job, descriptors)?;
        fault::point("door-submitted");
        Ok(token)
    }

    fn end(mut self, end: End) {
        match end {
            End::Refused => return,
            End::Lost(why) => {
                if !self.controls.is_empty() || !self.data.is_empty() {
                    let why = format!("a job of {} for '{}' did not arrive: {why}", self.address(), self.queue);
                    self.context.link.trouble(DoorTrouble::Unfinished, why);
                }
                return self.doubt();
            }
            End::Closed => {}
        }
        // Its octets were acknowledged, so they are kept; what is to be done with them nobody has said.
        let left: Vec<_> = self.data.drain().collect();
        let mut files: Vec<_> = left
            .into_iter()
            .filter(|(_, data)| data.octets > 0)
            .map(|(name, data)| (lpd::DataFile { name: Some(name.clone()), file: name, letter: b'l', copies: 1 }, data))
            .collect();
        files.sort_by(|a, b| a.0.file.cmp(&b.0.file));
        if !files.is_empty() {
            let control = self.controls.first().map(|(_, control)| control.clone()).unwrap_or_default();
            let held = Some("incomplete: no control file came that names these data".to_owned());
            if let Err(failure) = self.submit(&control, files, held) {
                let _ = self.refuse(&failure);
                return;
            }
        } else if !self.controls.is_empty() {
            let why = format!("a job of {} for '{}' did not arrive: no data came", self.address(), self.queue);
            self.context.link.trouble(DoorTrouble::Unfinished, why);
        }
        self.see_what_arrived();
        let untold: Vec<(String, u64)> = std::mem::take(&mut self.acknowledged);
        let context = self.context;
        let address = self.address();
        if self.connection.leave() {
            untold.iter().for_each(|(token, _)| context.link.was_delivered(token));
        } else if !untold.is_empty() {
            context.link.trouble(DoorTrouble::Unacknowledged, format!("{address} may not know that its job is here"));
        }
    }

    /// The connection is broken: what the sender has not acknowledged he may not know.
    fn doubt(&mut self) {
        self.see_what_arrived();
        if !self.acknowledged.is_empty() {
            let why = format!("{} may not know that its job is here", self.address());
            self.context.link.trouble(DoorTrouble::Unacknowledged, why);
        }
    }
}

/// The token of a job with this key.
pub fn token(key: &str) -> Result<String, Failure> {
    Ok(token_of(key, clock::wall_ms(), &random()?))
}

/// A random word: it tells two submissions of the same job apart.
pub fn random() -> Result<String, Failure> {
    let mut octets = [0; 8];
    getrandom::fill(&mut octets).map_err(|error| Failure::new(FailureKind::Io, error.to_string()))?;
    Ok(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}
