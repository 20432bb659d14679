//! The loop of a connection, with a spool that gives canned replies.

use super::*;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use crate::model::job::Submission;
use crate::spool::interface::operations::Carrier;
use crate::wire::frame::{HEADER, Header};
use crate::wire::hello::Hello;

/// Answers `StartSpooler` with done, `Submit` with a failure that quotes its files, everything else with a long list.
struct Canned;

impl Carrier for Canned {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        Ok(match request {
            Request::StartSpooler {} => Reply::StartSpooler(()),
            Request::Submit { .. } => {
                let mut text = String::new();
                for file in files {
                    File::from(file).read_to_string(&mut text).unwrap();
                }
                Reply::Failed(Failure::new(FailureKind::State, text))
            }
            _ => Reply::Failed(Failure::new(FailureKind::State, "x".repeat(frame::MAX_REPLY))),
        })
    }
}

fn canned(caller: Caller) -> Result<Box<dyn Operations>, Failure> {
    assert_eq!(caller.uid, nix::unistd::geteuid().as_raw());
    Ok(Box::new(Canned))
}

fn submission(documents: usize) -> Submission {
    Submission::sample("t", "d", documents)
}

fn file(text: &str) -> OwnedFd {
    let (read, mut write) = io::pipe().unwrap();
    write.write_all(text.as_bytes()).unwrap();
    read.into()
}

#[test]
fn requests_are_answered_until_the_peer_closes() {
    let (mut remote, server) = pair(canned).unwrap();
    assert_eq!(remote.start_spooler(), Ok(()));
    assert_eq!(remote.start_spooler(), Ok(()));
    drop(remote);
    assert!(server.join().unwrap().is_ok());
}

#[test]
fn a_client_that_asks_nothing_is_no_fault() {
    for _ in 0..50 {
        let (remote, server) = pair(canned).unwrap();
        drop(remote);
        server.join().unwrap().unwrap();
    }
}

#[test]
fn documents_travel_as_open_files_in_their_order() {
    let (mut remote, _server) = pair(canned).unwrap();
    let files = (0..128).map(|i| file(&format!("{i},"))).collect();
    let expected: String = (0..128).map(|i| format!("{i},")).collect();
    assert_eq!(remote.submit(submission(128), files).unwrap_err().message, expected);
}

#[test]
fn a_submission_without_its_files_is_refused_and_the_connection_goes_on() {
    let (mut remote, _server) = pair(canned).unwrap();
    assert_eq!(remote.submit(submission(2), vec![file("a")]).unwrap_err().kind, FailureKind::BadValue);
    assert_eq!(remote.start_spooler(), Ok(()));
}

#[test]
fn an_answer_that_is_too_long_is_a_failure_with_a_hint() {
    let (mut remote, _server) = pair(canned).unwrap();
    let failure = remote.about().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Full);
    assert!(!failure.hints.is_empty());
    assert_eq!(remote.start_spooler(), Ok(()));
}

#[test]
fn a_spool_that_cannot_be_opened_says_so_to_every_request() {
    let (mut remote, _server) = pair(|_| Err(Failure::new(FailureKind::Unreachable, "no spool"))).unwrap();
    assert_eq!(remote.start_spooler().unwrap_err().message, "no spool");
    assert_eq!(remote.about().unwrap_err().message, "no spool");
}

/// What a server says to these octets, and how it ends.
fn said_to(octets: &[u8], patience: Duration) -> (Vec<u8>, io::Result<()>) {
    let (mut near, far) = UnixStream::pair().unwrap();
    let server = std::thread::spawn(move || {
        let mut spool = canned(users::caller());
        serve(&far, &mut spool, || Deadline::NEVER, patience)
    });
    near.write_all(octets).unwrap();
    let mut said = Vec::new();
    near.read_to_end(&mut said).unwrap();
    (said, server.join().unwrap())
}

fn hello_frame(hello: &Hello) -> Vec<u8> {
    frame::encode(Kind::Hello, hello, 0).unwrap()
}

/// A client's hello, and `more`.
fn greeted(more: &[u8]) -> Vec<u8> {
    [&hello_frame(&hello::ours()), more].concat()
}

/// The hello with which a server began, and what it said then.
fn parted(said: &[u8]) -> (Hello, &[u8]) {
    let head = Header::decode(said[..HEADER].try_into().unwrap(), Kind::Hello).unwrap();
    let (hello, rest) = said[HEADER..].split_at(head.length as usize);
    (frame::decode(hello).unwrap(), rest)
}

/// The words of the failure that is all of `said`.
fn failure(said: &[u8]) -> String {
    match frame::decode(&said[HEADER..]).unwrap() {
        Reply::Failed(Failure { kind: FailureKind::BadValue, message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_malformed_frame_is_answered_with_its_fault_and_closed() {
    let mut bad_body = Header { kind: Kind::Request, files: 0, length: 4 }.encode().to_vec();
    bad_body.extend(b"\"No\"");
    let (said, end) = said_to(&greeted(&bad_body), Duration::from_secs(20));
    let (hello, rest) = parted(&said);
    assert_eq!(hello, hello::ours());
    assert!(failure(rest).contains("malformed"));
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn what_is_no_hello_is_answered_with_its_fault_and_closed() {
    let request = frame::encode(Kind::Request, &Request::StartSpooler {}, 0).unwrap();
    let long = Header { kind: Kind::Hello, files: 0, length: 1 << 20 }.encode().to_vec();
    let mut bad_body = Header { kind: Kind::Hello, files: 0, length: 2 }.encode().to_vec();
    bad_body.extend(b"[]");
    for (octets, words) in [
        (b"GET / HTTP/1.1\r\n".to_vec(), "does not speak the protocol"),
        (request, "the client is older"),
        (long, "at most 4096"),
        (bad_body, "malformed"),
    ] {
        let (said, end) = said_to(&octets, Duration::from_secs(20));
        assert!(failure(&said).contains(words), "{}", failure(&said));
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

#[test]
fn a_client_of_another_release_is_told_so_and_its_request_is_not_read() {
    let ours = hello::ours();
    for (release, schema, word) in [("99.0.0", ours.schema, "newer"), (&*ours.release, ours.schema - 1, "older")] {
        let mut octets = hello_frame(&Hello::new(release, schema));
        octets.extend(frame::encode(Kind::Request, &Request::StartSpooler {}, 0).unwrap());
        let (said, end) = said_to(&octets, Duration::from_secs(20));
        let (hello, rest) = parted(&said);
        assert_eq!((hello.release, hello.schema), (ours.release.clone(), ours.schema));
        let words = hello.refusal.unwrap();
        assert!(words.starts_with(&format!("the client is {word}: release {release} with schema {schema}")), "{words}");
        assert!(rest.is_empty());
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::Unsupported);
    }
}

#[test]
fn half_a_hello_is_not_waited_for() {
    let hello = hello_frame(&hello::ours());
    for octets in [&b""[..], &hello[..5], &hello[..HEADER + 3]] {
        let (said, end) = said_to(octets, Duration::from_millis(10));
        assert!(said.is_empty());
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}

#[test]
fn half_a_request_is_not_waited_for_and_not_answered() {
    let head = Header { kind: Kind::Request, files: 0, length: 100 }.encode();
    for octets in [&head[..5], &head[..]] {
        let (said, end) = said_to(&greeted(octets), Duration::from_millis(100));
        assert!(parted(&said).1.is_empty());
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
