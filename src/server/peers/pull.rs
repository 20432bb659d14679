//! Fetching the files of other servers, for the print processes of this one.
//!
//! A print process asks at a socket that is open to the account of the server only. The file arrives as `NAME.N.part`, where N is of
//! this fetch alone: two devices that print a job at a time have it fetched twice. It gets its name when all of it is there and its digest is right. A connection that breaks off is made again, and the file goes on where it
//! stood. One with a wrong digest is fetched from the beginning; after three of them the print process is told.
//!
//! A print process whose device can wait reads the file while it arrives (`client::fetch`). Then nothing begins anew: octets of it may
//! be on paper, so a wrong digest is told at once, and so is a file that became another one.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::client::fetch::{ARRIVES, MAX_LINE};
use crate::model::job::WrappedKey;
use crate::model::remote::Wanted;
use crate::model::{DocumentId, Failure, FailureKind, ServerName};
use crate::spool::remote::asking::{ASKS, Answer, LONGEST_QUESTION};
use crate::spool::remote::fetched::{PART, Receiving};
use crate::sys::{clock, fault, socket};
use crate::wire::peer::{FileEnd, Kind, PeerReply, PeerRequest, decode};

use super::{LOOK, Peers, STEP, frames};

/// How often a fetch that gets no further is tried.
const TRIES: u32 = 3;
/// Octets a second that the other side reads at least.
const READ_AGAIN: u64 = 10 << 20;
/// How many files are fetched at a time from one server. It lets this one have more connections, for questions.
const AT_ONCE: usize = 32;
/// How many print processes ask for something at a time.
const ASKERS: usize = 512;

/// Listens where print processes ask.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    let listener = socket::listen(path)?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}

/// Serves print processes until the server ends.
pub fn accept(peers: &Peers, listener: &UnixListener) {
    let own = nix::unistd::geteuid().as_raw();
    let running = std::sync::Arc::new(());
    while !peers.is_over() {
        let Ok((stream, _)) = listener.accept() else {
            peers.pause(Duration::from_millis(200));
            continue;
        };
        if peers.is_over() {
            break;
        }
        let known = socket::peer(&stream).is_ok_and(|peer| peer.uid == own || peer.uid == 0);
        if !known || std::sync::Arc::strong_count(&running) > ASKERS {
            continue;
        }
        let (peers, running) = (peers.clone(), std::sync::Arc::clone(&running));
        let serve = move || {
            let _running = running;
            // A print process that is gone needs no answer.
            let _ = serve(&peers, &stream);
        };
        // Without a thread the print process finds the connection closed, and its job waits.
        let _ = std::thread::Builder::new().name("fetch".into()).spawn(serve);
    }
    let _ = std::fs::remove_file(peers.inner.spool.base().fetch_socket());
}

fn serve(peers: &Peers, mut stream: &UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(STEP))?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_QUESTION.max(MAX_LINE))).read_line(&mut line)?;
    if let Some(question) = line.trim_end().strip_prefix(ASKS) {
        let answer = match serde_json::from_str(question) {
            Ok(question) => peers.answer_here(question),
            Err(error) => Answer::Failed(Failure::new(FailureKind::BadValue, format!("that is no question: {error}"))),
        };
        let mut answer = serde_json::to_vec(&answer)?;
        answer.push(b'\n');
        stream.set_write_timeout(Some(STEP))?;
        return stream.write_all(&answer);
    }
    let (word, id) = line.trim_end().split_once(' ').unwrap_or_default();
    let done = match (word, id.parse()) {
        ("fetch" | "stream", Ok(id)) => fetch(peers, DocumentId(id), (stream, word == "stream")),
        _ => Err("that is no question".to_owned()),
    };
    let answer = match done {
        Ok(()) => "ok\n".to_owned(),
        Err(why) => format!("no {}\n", why.replace(['\n', '\r'], " ")),
    };
    stream.set_write_timeout(Some(STEP))?;
    stream.write_all(answer.as_bytes())
}

/// A place among those who fetch from a server.
struct Place<'a> {
    peers: &'a Peers,
    server: &'a ServerName,
}

impl<'a> Place<'a> {
    /// Takes one, if one is free.
    fn take(peers: &'a Peers, server: &'a ServerName) -> Option<Self> {
        let mut fetches = peers.inner.fetches.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = fetches.entry(server.clone()).or_default();
        if *taken == AT_ONCE {
            return None;
        }
        *taken += 1;
        Some(Self { peers, server })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut fetches = self.peers.inner.fetches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = fetches.get_mut(self.server) {
            *taken -= 1;
        }
    }
}

/// Fetches the file of a document, which may be read while it arrives (`streams`). Returns when it lies there.
fn fetch(peers: &Peers, document: DocumentId, (asker, streams): (&UnixStream, bool)) -> Result<(), String> {
    let spool = &peers.inner.spool;
    let wanted = spool.wanted(document).map_err(|failure| failure.message)?;
    let Some(_place) = Place::take(peers, &wanted.server) else {
        return Err(format!("{AT_ONCE} files are fetched from {} now, this one has to wait", wanted.server));
    };
    let dir = spool.base().pulled(spool.server());
    spool.make_pulled().map_err(|failure| failure.message)?;
    spool.demand_room(wanted.octets).map_err(|failure| failure.message)?;
    let path = dir.join(&wanted.name);
    let mut arriving =
        Arriving::begin(&path, wanted.sealed.as_ref()).map_err(|error| format!("{}: {error}", dir.display()))?;
    arriving.streams = streams;
    let (mut tries, mut wrong) = (0, 0);
    loop {
        let before = arriving.octets;
        let failed = match arriving.go_on(peers, &wanted, asker) {
            Ok(digest) if digest == arriving.digest() && wanted.digest.is_none_or(|known| known == digest) => {
                fault::point("fetched");
                let octets = arriving.octets;
                arriving.complete(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                let what = format!("document {} from {}, {octets} octets", wanted.document, wanted.server);
                // It is there, whatever the history says.
                let _ = spool.note_fetched(document, what, &clock::now());
                return Ok(());
            }
            Ok(_) => {
                wrong += 1;
                peers.log(&format!("{} of {}: its digest is wrong", wanted.name, wanted.server));
                // What is read already is not replaced.
                let last = wrong >= TRIES || arriving.told.is_some();
                if !last {
                    arriving.restart().map_err(|error| format!("{}: {error}", path.display()))?;
                }
                if last {
                    Some(format!("what {} sends is not what was accepted: its digest differs", wanted.server))
                } else {
                    None
                }
            }
            Err(Broken::Given(why)) => Some(why),
            Err(Broken::Off(why)) => {
                tries = if arriving.octets > before { 0 } else { tries + 1 };
                (tries >= TRIES).then(|| format!("{} does not give it: {why}", wanted.server))
            }
        };
        if let Some(why) = failed {
            return Err(why);
        }
        if tries > 0 {
            peers.pause(Duration::from_millis(100));
        }
    }
}

/// Why a file is not there yet.
enum Broken {
    /// The way to the other server; it may go on.
    Off(String),
    /// It makes no sense to go on.
    Given(String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Off(match error.kind() {
            io::ErrorKind::UnexpectedEof => "the connection broke off".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// A file that arrives.
struct Arriving {
    part: PathBuf,
    file: Receiving,
    octets: u64,
    hasher: blake3::Hasher,
    /// Whether the print process reads it while it arrives.
    streams: bool,
    /// The size that was told to it, with the name, when its first octets were there.
    told: Option<u64>,
}

impl Drop for Arriving {
    /// What did not arrive is of no use. One that did has another name by now.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.part);
    }
}

impl Arriving {
    fn begin(path: &Path, sealed: Option<&WrappedKey>) -> io::Result<Self> {
        static FETCHES: AtomicU64 = AtomicU64::new(0);
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".{}{PART}", FETCHES.fetch_add(1, Ordering::Relaxed)));
        let part = PathBuf::from(part);
        let file = Receiving::create(&part, sealed)?;
        Ok(Self { part, file, octets: 0, hasher: blake3::Hasher::new(), streams: false, told: None })
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.restart()?;
        (self.octets, self.hasher) = (0, blake3::Hasher::new());
        Ok(())
    }

    fn digest(&self) -> [u8; 32] {
        *self.hasher.finalize().as_bytes()
    }

    /// Gives it its name. Is it synced? No: who prints it after a crash proves it by its digest, or has it fetched again.
    fn complete(&mut self, path: &Path) -> io::Result<()> {
        self.file.finish()?;
        std::fs::rename(&self.part, path)
    }

    /// Tells the print process that there is more of it. Can that block? The first line cannot, and another one follows only when the
    /// ones before are read: until then they say the same, and leave room for the answer.
    fn tell(&mut self, size: u64, mut asker: &UnixStream) -> io::Result<()> {
        if self.told.is_some() {
            return if socket::is_read(asker) { socket::send_if_room(asker, b"\n") } else { Ok(()) };
        }
        let name = self.part.file_name().unwrap_or_default().to_string_lossy();
        asker.write_all(format!("{ARRIVES}{name} {size}\n").as_bytes())?;
        self.told = Some(size);
        Ok(())
    }

    /// Fetches what is missing, over a connection that nobody else uses meanwhile. Returns the digest that the other server tells
    /// at the end.
    fn go_on(&mut self, peers: &Peers, wanted: &Wanted, asker: &UnixStream) -> Result<[u8; 32], Broken> {
        let off = |failure: Failure| Broken::Off(failure.message);
        // The other side reads what is here already once more, for its digest, before it sends anything.
        let patience = STEP + Duration::from_secs(self.octets / READ_AGAIN);
        let mut reached = peers.reach(&wanted.server, patience).map_err(off)?;
        let (token, offset) = (wanted.token.clone(), self.octets);
        let request = PeerRequest::Fetch { token, document: wanted.document, offset };
        let begun = reached.begin(|stream| {
            frames::send(stream, Kind::Request, &request)?;
            frames::receive(stream, Kind::Reply)
        });
        let size = match begun.map_err(off)?? {
            PeerReply::File { octets } => octets,
            PeerReply::Refused(why) | PeerReply::Failed(why) => return Err(Broken::Given(why)),
            _ => return Err(Broken::Given("its answer is none to the question".to_owned())),
        };
        if (wanted.digest.is_some() || wanted.sealed.is_some()) && size != wanted.octets {
            let why = format!("it has {size} octets there, and {} were accepted", wanted.octets);
            return Err(Broken::Given(why));
        }
        // The file of a link may have grown since it was accepted.
        let missing = size.saturating_sub(self.octets);
        peers.inner.spool.demand_room(missing).map_err(|failure| Broken::Given(failure.message))?;
        if self.told.is_some_and(|told| told != size) {
            return Err(Broken::Given("its file is another one now".to_owned()));
        }
        if size < self.octets {
            self.restart()?;
            return Err(Broken::Off("its file is another one now".to_owned()));
        }
        let proof = reached.proof().cloned();
        let stream = reached.stream();
        let (begin, first) = (Instant::now(), self.octets);
        let mut proved = begin;
        let mut octets = Vec::new();
        loop {
            let header = frames::header(stream)?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
            stream.set_patience(STEP)?;
            frames::body(stream, header, &mut octets)?;
            match header.kind {
                Kind::Data => {
                    if self.octets.saturating_add(octets.len() as u64) > size {
                        return Err(Broken::Given("it sends more than it announced".to_owned()));
                    }
                    self.file.write_all(&octets).map_err(|error| Broken::Given(error.to_string()))?;
                    self.hasher.update(&octets);
                    self.octets += octets.len() as u64;
                    if self.streams {
                        self.tell(size, asker).map_err(|error| Broken::Given(error.to_string()))?;
                    }
                    fault::point("fetching");
                }
                Kind::End if self.octets == size => {
                    let end: FileEnd = decode(&octets).map_err(|error| Broken::Given(error.to_string()))?;
                    reached.keep();
                    return Ok(end.digest);
                }
                _ => return Err(Broken::Off("it ends before its end".to_owned())),
            }
            if peers.is_over() {
                return Err(Broken::Given("the server here ends".to_owned()));
            }
            if proved.elapsed() > LOOK {
                proved = Instant::now();
                if peers.inner.dial.proof(&wanted.server).is_ok_and(|now| now != proof) {
                    return Err(Broken::Off("its membership of this group is another one now".to_owned()));
                }
            }
            if is_gone(asker) {
                return Err(Broken::Given("nobody waits for it any more".to_owned()));
            }
            if let Some(rate) = peers.inner.terms.rate.filter(|rate| *rate > 0) {
                let due = Duration::from_secs_f64((self.octets - first) as f64 / rate as f64);
                peers.pause(due.saturating_sub(begin.elapsed()));
            }
        }
    }
}

/// Tells whether the print process has closed: it sends nothing but its question.
fn is_gone(asker: &UnixStream) -> bool {
    socket::is_readable_within(asker, Duration::ZERO)
}
