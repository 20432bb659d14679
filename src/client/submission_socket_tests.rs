//! Who is asked and who is believed: a print process that follows a script, and a spool that records what it is given.

use super::*;
use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::thread::JoinHandle;

use crate::client::{channel, hello};
use crate::model::job::{Accepted, Submission};
use crate::model::location::Destination;
use crate::model::{GlobalJobId, JobId, JobNumber, JobRef, LocalJobId, Serial};
use crate::sys::socket::Deadline;
use crate::wire::frame::{self, Kind};

const SOON: Duration = Duration::from_secs(20);

fn accepted(n: u32) -> Accepted {
    Accepted {
        id: JobId(n.into()),
        number: JobNumber::new(n).unwrap(),
        local: LocalJobId(n),
        global: GlobalJobId { server: "acme".parse().unwrap(), serial: Serial(n.into()) },
    }
}

fn destination() -> Destination {
    Destination::Group("office".parse().unwrap())
}

/// The spool: accepts everything as job 7, and writes down the requests and what the documents hold.
#[derive(Clone, Default)]
struct Book(Rc<RefCell<Vec<String>>>);

impl Carrier for Book {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let (line, reply) = match request {
            Request::ResolveDestination { name } if name == "office" => {
                ("resolve".to_owned(), Reply::ResolveDestination(destination()))
            }
            Request::ResolveDestination { name } => {
                ("resolve".to_owned(), Reply::Failed(Failure::new(FailureKind::NotFound, format!("{name}: not here"))))
            }
            Request::Submit { submission } => {
                let mut line = format!("submit {}", submission.token);
                for file in files {
                    let mut text = String::new();
                    File::from(file).read_to_string(&mut text).unwrap();
                    line = format!("{line} {text:?}");
                }
                match submission.name.as_str() {
                    "refused" => (line, Reply::Failed(Failure::new(FailureKind::Full, "no room"))),
                    _ => (line, Reply::Submit(accepted(7))),
                }
            }
            // The print process had accepted the second one.
            Request::Settle { token } if token == "t2" => (format!("settle {token}"), Reply::Settle(Some(accepted(5)))),
            Request::Settle { token } => (format!("settle {token}"), Reply::Settle(None)),
            other => (format!("{other:?}"), Reply::Failed(Failure::new(FailureKind::State, "spool"))),
        };
        self.0.borrow_mut().push(line);
        Ok(reply)
    }
}

/// What the print process does with one request.
enum Turn {
    /// Answers.
    Says(Box<Reply>),
    /// Reads the documents and closes the connection.
    ReadsAndDies,
    /// Closes the connection.
    Dies,
    /// Says nothing until the other side closes.
    Waits,
}

struct World {
    dir: tempfile::TempDir,
    book: Book,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), book: Book::default() }
    }
    fn path(&self) -> PathBuf {
        self.dir.path().join("submission.sock")
    }
    fn submitter(&self, patience: Duration) -> Submitter {
        let book = self.book.clone();
        Submitter::new(&self.path(), patience, Box::new(move || Ok(Box::new(book.clone()))))
    }
    fn file(&self, text: &str) -> OwnedFd {
        let path = self.dir.path().join("document");
        std::fs::write(&path, text).unwrap();
        File::open(path).unwrap().into()
    }
    fn written(&self) -> Vec<String> {
        self.book.0.borrow().clone()
    }
    /// A print process that serves one connection. Joining it returns the requests it got.
    fn server(&self, turns: Vec<Turn>) -> JoinHandle<Vec<Request>> {
        let listener = UnixListener::bind(self.path()).unwrap();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            drop(listener);
            let mut got = Vec::new();
            let until = Deadline::after(SOON);
            // A submitter that is gone already asks nothing.
            let _ = hello::answer(&stream, &hello::ours(), until);
            for turn in turns {
                let Ok(Some((request, files))) = channel::receive::<Request>(&stream, Kind::Request, until, || until)
                else {
                    break;
                };
                got.push(request);
                match turn {
                    Turn::Says(reply) => {
                        channel::send(&stream, &frame::encode(Kind::Reply, &reply, 0).unwrap(), &[], until).unwrap();
                    }
                    Turn::ReadsAndDies => {
                        for file in files {
                            File::from(file).read_to_end(&mut Vec::new()).unwrap();
                        }
                        break;
                    }
                    Turn::Dies => break,
                    Turn::Waits => drop(socket::receive(&stream, &mut [0; 1], &mut Vec::new(), until)),
                }
            }
            got
        })
    }
}

fn submission(documents: usize) -> Submission {
    Submission::sample("t1", "office", documents)
}

fn says(reply: Reply) -> Turn {
    Turn::Says(Box::new(reply))
}

fn resolved() -> Turn {
    says(Reply::ResolveDestination(destination()))
}

fn refused(kind: FailureKind) -> Turn {
    says(Reply::Failed(Failure::new(kind, "server")))
}

/// Hands in one document of "text" after resolving its destination.
fn hand_in(world: &World, submitter: &mut Submitter) -> Accepted {
    assert_eq!(submitter.resolve_destination("office".into()), Ok(destination()));
    submitter.submit(submission(1), vec![world.file("text")]).unwrap()
}

#[test]
fn a_counter_that_says_yes_is_believed_and_the_spool_is_not_opened() {
    let world = World::new();
    let server = world.server(vec![resolved(), says(Reply::Submit(accepted(3)))]);
    assert_eq!(hand_in(&world, &mut world.submitter(SOON)), accepted(3));
    assert_eq!(server.join().unwrap().len(), 2);
    assert!(world.written().is_empty());
}

#[test]
fn where_nobody_listens_the_submission_goes_into_the_spool() {
    let world = World::new();
    for stale in [false, true] {
        if stale {
            drop(UnixListener::bind(world.path()).unwrap());
        }
        assert_eq!(hand_in(&world, &mut world.submitter(SOON)), accepted(7));
    }
    assert_eq!(world.written().len(), 4);
}

#[test]
fn with_no_patience_nobody_is_looked_for() {
    let world = World::new();
    let listener = UnixListener::bind(world.path()).unwrap();
    assert_eq!(hand_in(&world, &mut world.submitter(Duration::ZERO)), accepted(7));
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn who_does_not_answer_the_first_question_is_given_nothing() {
    for accepts in [false, true] {
        let world = World::new();
        let listener = match accepts {
            true => Err(world.server(vec![Turn::Waits])),
            false => Ok(UnixListener::bind(world.path()).unwrap()),
        };
        assert_eq!(hand_in(&world, &mut world.submitter(Duration::from_millis(10))), accepted(7));
        if let Err(server) = listener {
            assert!(matches!(server.join().unwrap()[..], [Request::ResolveDestination { .. }]));
        }
        assert_eq!(world.written(), ["resolve", "submit t1 \"text\""]);
    }
}

#[test]
fn a_submission_without_a_question_before_it_goes_into_the_spool() {
    let world = World::new();
    let server = world.server(vec![resolved()]);
    let mut submitter = world.submitter(SOON);
    submitter.submit(submission(1), vec![world.file("text")]).unwrap();
    drop(submitter);
    assert!(server.join().unwrap().is_empty());
    assert_eq!(world.written(), ["submit t1 \"text\""]);
}

#[test]
fn the_words_of_a_refusal_are_those_of_the_spool() {
    let world = World::new();
    let server = world.server(vec![refused(FailureKind::NotFound)]);
    let mut submitter = world.submitter(SOON);
    assert_eq!(submitter.resolve_destination("attic".into()).unwrap_err().message, "attic: not here");
    drop(submitter);
    assert_eq!(server.join().unwrap().len(), 1);
}

#[test]
fn a_submission_whose_outcome_is_unknown_is_handed_in_again_whole_with_the_same_token() {
    for turn in [
        Turn::Dies,
        Turn::ReadsAndDies,
        refused(FailureKind::Unknown),
        refused(FailureKind::Full),
        says(Reply::StartSpooler(())),
    ] {
        let world = World::new();
        let server = world.server(vec![resolved(), turn]);
        assert_eq!(hand_in(&world, &mut world.submitter(SOON)), accepted(7));
        assert!(matches!(&server.join().unwrap()[1], Request::Submit { submission } if submission.token == "t1"));
        assert_eq!(world.written(), ["submit t1 \"text\""]);
    }
}

#[test]
fn what_the_spool_refuses_is_refused_for_good_or_was_accepted_before() {
    let answer_is_certain = || refused(FailureKind::State);
    for (turn, token, expected, asked) in [
        (Turn::ReadsAndDies, "t1", None, true),
        (Turn::ReadsAndDies, "t2", Some(accepted(5)), true),
        (refused(FailureKind::Unknown), "t1", None, true),
        (refused(FailureKind::Unknown), "t2", Some(accepted(5)), true),
        (answer_is_certain(), "t2", None, false),
    ] {
        let world = World::new();
        let server = world.server(vec![resolved(), turn]);
        let mut submitter = world.submitter(SOON);
        submitter.resolve_destination("office".into()).unwrap();
        let submission = Submission { token: token.into(), name: "refused".into(), ..submission(1) };
        let result = submitter.submit(submission, vec![world.file("text")]);
        server.join().unwrap();
        assert_eq!(result.clone().ok(), expected);
        if let Err(failure) = result {
            assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Full, "no room"));
        }
        let written = world.written();
        assert_eq!(written[0], format!("submit {token} \"text\""));
        assert_eq!(written[1..], if asked { vec![format!("settle {token}")] } else { vec![] });
    }
}

#[test]
fn a_document_is_read_again_from_where_it_began() {
    let world = World::new();
    let server = world.server(vec![resolved(), Turn::ReadsAndDies]);
    let mut submitter = world.submitter(SOON);
    submitter.resolve_destination("office".into()).unwrap();
    let mut begun = File::from(world.file("line 1\nline 2\n"));
    begun.seek(SeekFrom::Start(7)).unwrap();
    submitter.submit(submission(1), vec![begun.into()]).unwrap();
    server.join().unwrap();
    assert_eq!(world.written(), ["submit t1 \"line 2\\n\""]);
}

#[test]
fn streams_and_huge_files_are_read_by_nobody_but_ourselves() {
    let (read, mut write) = std::io::pipe().unwrap();
    write.write_all(b"piped").unwrap();
    drop(write);
    let world = World::new();
    let huge = File::create_new(world.dir.path().join("huge")).unwrap();
    huge.set_len(MOST_OCTETS + 1).unwrap();
    assert_eq!(places(&[huge.into()]), None);
    assert_eq!(places(&[world.file("text"), world.file("text")]), Some(vec![0, 0]));
    let server = world.server(vec![resolved()]);
    let mut submitter = world.submitter(SOON);
    submitter.resolve_destination("office".into()).unwrap();
    assert_eq!(submitter.submit(submission(1), vec![read.into()]), Ok(accepted(7)));
    drop(submitter);
    assert_eq!(server.join().unwrap().len(), 1);
    assert_eq!(world.written(), ["submit t1 \"piped\""]);
}

#[test]
fn what_became_of_a_token_is_asked_of_the_spool() {
    let world = World::new();
    let server = world.server(vec![resolved(), refused(FailureKind::NotFound)]);
    let mut submitter = world.submitter(SOON);
    submitter.resolve_destination("office".into()).unwrap();
    assert_eq!(submitter.settle("t1".into()), Ok(None));
    assert_eq!(submitter.job(JobRef::Local(LocalJobId(1))).unwrap_err().message, "spool");
    assert_eq!(server.join().unwrap().len(), 2);
    assert_eq!(world.written()[0], "settle t1");
}
