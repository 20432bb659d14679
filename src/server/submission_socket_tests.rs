//! The submission socket from outside: who is served, who is not, and how it ends.

use super::*;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use crate::client::Remote;
use crate::model::job::{Accepted, Submission};
use crate::model::location::Destination;
use crate::model::{GlobalJobId, JobId, JobNumber, LocalJobId, Serial};

const SOON: Duration = Duration::from_secs(20);

/// A spool that reports every submission and answers it when it may.
struct Slow {
    begun: Sender<()>,
    go: Arc<Mutex<Receiver<()>>>,
}

impl Carrier for Slow {
    fn carry(&mut self, request: Request, _: Vec<OwnedFd>) -> Result<Reply, Failure> {
        match request {
            Request::ResolveDestination { .. } => {
                Ok(Reply::ResolveDestination(Destination::Group("office".parse().unwrap())))
            }
            Request::Submit { .. } => {
                self.begun.send(()).unwrap();
                self.go.lock().unwrap().recv_timeout(SOON).unwrap();
                Ok(Reply::Submit(Accepted {
                    id: JobId(1),
                    number: JobNumber::new(1).unwrap(),
                    local: LocalJobId(1),
                    global: GlobalJobId { server: "acme".parse().unwrap(), serial: Serial(1) },
                }))
            }
            other => panic!("{other:?}"),
        }
    }
}

struct World {
    dir: tempfile::TempDir,
    base: Base,
    begun: Receiver<()>,
    go: Sender<()>,
    open: Opener,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path().join("base"));
        std::fs::create_dir_all(base.run()).unwrap();
        let (tell, begun) = channel();
        let (go, may) = channel();
        let may = Arc::new(Mutex::new(may));
        let open = move || Box::new(Slow { begun: tell.clone(), go: Arc::clone(&may) }) as Box<dyn Operations>;
        Self { dir, base, begun, go, open: Arc::new(open) }
    }

    fn submission_socket(&self) -> SubmissionSocket {
        SubmissionSocket::open(&self.base, Arc::clone(&self.open)).unwrap()
    }

    /// A connection to whoever listens, as soon as somebody does.
    fn connect(&self) -> Remote {
        Remote::new(self.stream()).with_deadline(SOON)
    }

    fn stream(&self) -> UnixStream {
        let watch = crate::sys::watch::Watch::new(&self.base.run()).unwrap();
        let late = Instant::now() + SOON;
        loop {
            match socket::connect(&self.base.submission_socket()) {
                Ok(stream) => return stream,
                Err(error) => assert!(Instant::now() < late, "{error}"),
            }
            watch.wait(Duration::from_millis(100)).unwrap();
        }
    }

    fn file(&self, octets: u64) -> OwnedFd {
        let path: PathBuf = self.dir.path().join("document");
        File::create(&path).unwrap().set_len(octets).unwrap();
        File::open(path).unwrap().into()
    }
}

fn submission() -> Submission {
    Submission::sample("t", "office", 1)
}

/// Waits until the other side closes.
fn closed(mut stream: UnixStream) {
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    // Reset is closed, too: what we sent was not read.
    assert!(matches!(stream.read(&mut [0; 1]), Ok(0)) || stream.write(b"x").is_err());
}

#[test]
fn what_a_submitter_asks_is_answered_and_nothing_else() {
    let world = World::new();
    let _socket = world.submission_socket();
    let mut remote = world.connect();
    assert!(remote.resolve_destination("office".into()).is_ok());
    assert!(remote.drain_spooler().unwrap_err().message.contains("submissions only"));
    assert!(remote.settle("t".into()).unwrap_err().message.contains("submissions only"));
    let (pipe, _write) = std::io::pipe().unwrap();
    assert!(remote.submit(submission(), vec![pipe.into()]).unwrap_err().message.contains("small files only"));
    let huge = world.file(crate::client::submission_socket::MOST_OCTETS + 1);
    assert!(remote.submit(submission(), vec![huge]).unwrap_err().message.contains("small files only"));
    world.go.send(()).unwrap();
    assert!(remote.submit(submission(), vec![world.file(1)]).is_ok());
}

#[test]
fn a_connection_that_says_nothing_keeps_nobody_waiting_and_those_beyond_the_bound_are_closed() {
    let world = World::new();
    let socket = world.submission_socket();
    let mut silent: Vec<_> = (0..MOST - 1).map(|_| world.stream()).collect();
    (&silent[0]).write_all(b"SPW").unwrap();
    let mut remote = world.connect();
    assert!(remote.resolve_destination("office".into()).is_ok());
    closed(world.stream());
    closed(silent.remove(1));
    let begun = Instant::now();
    drop(socket);
    assert!(begun.elapsed() < PARTING, "who says nothing is not waited for");
}

#[test]
fn a_counter_that_closes_answers_what_it_has_read_and_is_found_by_nobody() {
    let world = World::new();
    let socket = world.submission_socket();
    let mut remote = world.connect();
    let idle = world.stream();
    assert!(remote.resolve_destination("office".into()).is_ok());
    let file = world.file(1);
    let submitter = std::thread::spawn(move || (remote.submit(submission(), vec![file]), remote));
    world.begun.recv_timeout(SOON).unwrap();
    let closing = std::thread::spawn(move || drop(socket));
    closed(idle);
    assert_eq!(socket::connect(&world.base.submission_socket()).unwrap_err().kind(), io::ErrorKind::NotFound);
    world.go.send(()).unwrap();
    let (accepted, mut remote) = submitter.join().unwrap();
    assert_eq!(accepted.unwrap().number.get(), 1);
    closing.join().unwrap();
    assert!(remote.resolve_destination("office".into()).is_err());
}

#[test]
fn a_request_that_takes_too_long_does_not_keep_the_process_alive() {
    let world = World::new();
    let socket = world.submission_socket();
    let mut remote = world.connect();
    assert!(remote.resolve_destination("office".into()).is_ok());
    let file = world.file(1);
    let submitter = std::thread::spawn(move || remote.submit(submission(), vec![file]));
    world.begun.recv_timeout(SOON).unwrap();
    let begun = Instant::now();
    drop(socket);
    assert!(begun.elapsed() >= PARTING && begun.elapsed() < SOON);
    world.go.send(()).unwrap();
    let _ = submitter.join().unwrap();
}

#[test]
fn one_process_listens_and_the_next_one_follows_and_clears_the_names_of_the_dead() {
    let world = World::new();
    let older = world.base.run().join("submission.0.0.1.1.sock");
    drop(socket::listen(&older).unwrap());
    let first = world.submission_socket();
    let mut remote = world.connect();
    assert!(remote.resolve_destination("office".into()).is_ok());
    assert!(!older.exists());
    let second = world.submission_socket();
    let third = world.submission_socket();
    assert!(world.connect().resolve_destination("office".into()).is_ok());
    drop(second);
    assert!(world.connect().resolve_destination("office".into()).is_ok(), "one that stands by takes no name away");
    drop(first);
    assert!(world.connect().resolve_destination("office".into()).is_ok(), "the third one has followed");
    drop(third);
    assert!(!world.base.submission_socket().exists());
}

#[test]
fn the_counter_of_a_base_that_was_moved_takes_nothing_and_leaves_the_new_one_its_name() {
    let world = World::new();
    let socket = world.submission_socket();
    let mut submitter = world.connect();
    submitter.resolve_destination("office".into()).unwrap();
    std::fs::rename(world.base.root(), world.dir.path().join("moved")).unwrap();
    let refusal = submitter.submit(submission(), vec![world.file(5)]).unwrap_err();
    assert!(refusal.message.contains("moved away"), "{refusal}");
    std::fs::create_dir_all(world.base.run()).unwrap();
    File::create(world.base.submission_socket()).unwrap();
    assert!(submitter.submit(submission(), vec![world.file(5)]).is_err());
    drop(submitter);
    drop(socket);
    assert!(world.base.submission_socket().exists());
}
