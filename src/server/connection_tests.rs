//! The loop of a connection, with a spool that gives canned replies.

use super::*;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use crate::model::job::Submission;
use crate::spool::interface::operations::Carrier;
use crate::wire::frame::{HEADER, Header};

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

#[test]
fn a_malformed_frame_is_answered_with_its_fault_and_closed() {
    let mut bad_body = Header { kind: Kind::Request, files: 0, length: 4 }.encode().to_vec();
    bad_body.extend(b"\"No\"");
    for octets in [b"GET / HTTP/1.1\r\n".to_vec(), bad_body] {
        let (said, end) = said_to(&octets, Duration::from_secs(20));
        let reply: Reply = frame::decode(&said[HEADER..]).unwrap();
        assert!(matches!(reply, Reply::Failed(Failure { kind: FailureKind::BadValue, .. })));
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

#[test]
fn half_a_request_is_not_waited_for_and_not_answered() {
    let head = Header { kind: Kind::Request, files: 0, length: 100 }.encode();
    for octets in [&head[..5], &head[..]] {
        let (said, end) = said_to(octets, Duration::from_millis(10));
        assert!(said.is_empty());
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
