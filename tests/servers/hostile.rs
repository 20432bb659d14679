//! A member of the group that sends what no server sends: oversize, malformed and slow frames, names that lead elsewhere, tokens of others.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use spoolsuite::model::lease::{ClaimEnd, EndAnswer, LeaseAnswer};
use spoolsuite::wire::peer::{HEADER, Header, Kind, PeerReply, PeerRequest, decode, encode};

use super::world::World;
use super::{once, state};
use crate::support::{DEADLINE, Dice, number};

/// A connection to a server, as `acme2` makes it.
fn connect(world: &World, server: &str) -> UnixStream {
    let mut stream = UnixStream::connect(world.place(server)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(b"acme2\n").unwrap();
    stream
}

fn ask(stream: &mut UnixStream, request: &PeerRequest) -> PeerReply {
    stream.write_all(&encode(Kind::Request, request).unwrap()).unwrap();
    let mut head = [0; HEADER];
    stream.read_exact(&mut head).unwrap();
    let mut body = vec![0; Header::decode(head).unwrap().length as usize];
    stream.read_exact(&mut body).unwrap();
    decode(&body).unwrap()
}

fn closes(mut stream: UnixStream) -> bool {
    let mut rest = Vec::new();
    // A reset is a close too.
    stream.read_to_end(&mut rest).is_ok_and(|n| n == 0) || rest.is_empty()
}

#[test]
fn what_is_no_frame_ends_its_connection_and_nothing_else() {
    let world = World::two();
    let mut slow = connect(&world, "acme1");
    // Half a header, and then nothing: it has the patience of the server, and no other connection waits for it.
    slow.write_all(b"SPP\x01").unwrap();
    let huge = [&b"SPP\x01\x01\0\0\0"[..], &u32::MAX.to_be_bytes()].concat();
    let mut announced = connect(&world, "acme1");
    announced.write_all(&Header::of(Kind::Request, 4 << 20).unwrap().encode()).unwrap();
    for octets in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        huge,
        b"SPP\x09\x01\0\0\0\0\0\0\x01x".to_vec(),
        b"SPP\x01\x07\0\0\0\0\0\0\x01x".to_vec(),
        // An answer that nobody asked for, data that nobody wants, and no JSON at all.
        encode(Kind::Reply, &PeerReply::Done).unwrap(),
        [&Header::of(Kind::Data, 3).unwrap().encode()[..], b"xyz"].concat(),
        [&Header::of(Kind::Request, 8).unwrap().encode()[..], b"{\"Ask\":["].concat(),
        [&Header::of(Kind::Request, 5000).unwrap().encode()[..], &[b'['; 5000]].concat(),
    ] {
        let mut stream = connect(&world, "acme1");
        // It may be closed already.
        let _ = stream.write_all(&octets);
        assert!(closes(stream), "{:?}", String::from_utf8_lossy(&octets[..octets.len().min(40)]));
    }
    // A request of a later version, and one with an odd token, are answered and the connection goes on.
    let mut stream = connect(&world, "acme1");
    let later = br#"{"Teleport":1}"#;
    stream.write_all(&[&Header::of(Kind::Request, later.len()).unwrap().encode()[..], later].concat()).unwrap();
    let mut reply = [0; HEADER];
    stream.read_exact(&mut reply).unwrap();
    let mut body = vec![0; Header::decode(reply).unwrap().length as usize];
    stream.read_exact(&mut body).unwrap();
    assert_eq!(decode::<PeerReply>(&body).unwrap(), PeerReply::Unsupported);
    assert!(matches!(ask(&mut stream, &PeerRequest::GiveBack("a b".into())), PeerReply::Refused(_)));
    assert!(matches!(ask(&mut stream, &PeerRequest::Hello), PeerReply::Hello { .. }));
    world.submit("usual", b"usual line\n");
    world.wait_until_empty();
    assert!(once(&world.paper(), "usual line"), "{}", world.paper());
    assert!(closes(slow), "who says nothing is not waited for");
    assert!(closes(announced), "nor who announces and does not send");
}

#[test]
fn no_file_is_given_but_that_of_a_job_that_was_handed_over_to_who_asks() {
    let world = World::two();
    world["acme2"].spoolcom("DEV $LP1, DRAIN");
    world.submit("there", b"there line\n");
    world.await_job("acme2", "taken over", |job| state(job) == "pending");
    let fetch = |token: &str, document| {
        let request = PeerRequest::Fetch { token: token.into(), document, offset: 0 };
        ask(&mut connect(&world, "acme1"), &request)
    };
    let global = world["acme1"].jobs()[0]["job-identifier"].as_str().unwrap().to_owned();
    let token = format!("@{global}.1");
    assert!(matches!(fetch(&token, 1), PeerReply::File { octets: 11 }), "{:?}", fetch(&token, 1));
    for (token, document) in [
        (token.as_str(), 2),
        (token.as_str(), 0),
        (&format!("@{global}.2"), 1),
        ("@acme1:1000000001.1", 1),
        ("@acme2:1000000001.1", 1),
        ("../../../etc/passwd", 1),
        ("/etc/passwd", 1),
    ] {
        let reply = fetch(token, document);
        assert!(matches!(reply, PeerReply::Refused(_) | PeerReply::Failed(_)), "{token} {document}: {reply:?}");
    }
    // Another server, which speaks for itself, has not been given this job.
    let mut other = UnixStream::connect(world.place("acme1")).unwrap();
    other.set_read_timeout(Some(DEADLINE)).unwrap();
    other.write_all(b"acme3\n").unwrap();
    let request = PeerRequest::Fetch { token: token.clone(), document: 1, offset: 0 };
    assert!(matches!(ask(&mut other, &request), PeerReply::Refused(_) | PeerReply::Failed(_)));
    // A token whose job has ended opens nothing any more.
    world["acme2"].start("LP1");
    world.wait_until_empty();
    let reply = fetch(&token, 1);
    assert!(matches!(reply, PeerReply::Refused(_) | PeerReply::Failed(_)), "{reply:?}");
}

/// What a server issues is what is staged on each of the others; it says in whose name, and the next number.
#[test]
fn a_server_issues_in_its_own_name_with_the_next_number_and_nothing_but_what_is_staged() {
    use spoolsuite::model::change::{Generation, Look};
    let world = World::two();
    world["acme1"].run("pdset", &["-c", "queue", "-x", "purge-time=7", "office"]).expect(0).says("staged");
    let one = |number, by: &str, who: &str| {
        let (by, who) = (by.parse().unwrap(), who.to_owned());
        Generation { number, at_ms: 0, who, by, back_to: None, revokes: false }
    };
    let mut stream = connect(&world, "acme1");
    let mut prepare = |generation| ask(&mut stream, &PeerRequest::Prepare { generation, replaces: None });
    for odd in [one(1, "acme1", "eve"), one(1, "acme3", "eve"), one(u64::MAX, "acme2", "eve"), one(1, "acme2", "a\nb")]
    {
        assert!(matches!(prepare(odd.clone()), PeerReply::Refused(_)), "{odd:?}");
    }
    assert!(matches!(prepare(one(0, "acme2", "eve")), PeerReply::Refused(_)), "that counts already");
    assert_eq!(prepare(one(1, "acme2", "eve")), PeerReply::Prepared(1));
    // Another server drops nothing, and what nobody prepared changes nothing.
    assert_eq!(ask(&mut stream, &PeerRequest::DropPrepared(7)), PeerReply::Done);
    let far = PeerRequest::Commit { number: u64::MAX, told: vec![one(u64::MAX, "acme2", "eve")] };
    assert!(matches!(ask(&mut stream, &far), PeerReply::Refused(_)));
    let many = PeerRequest::Commit { number: 1, told: vec![one(1, "acme2", "eve"); 1001] };
    assert!(matches!(ask(&mut stream, &many), PeerReply::Refused(_)));
    let PeerReply::Changes(view) = ask(&mut stream, &PeerRequest::Changes(Look::Edits)) else { panic!("no view") };
    assert_eq!((view.generation, view.staged.len()), (0, 1));
    // It may have been dropped meanwhile, for nobody issues it really: then it is caught up with.
    let commit = PeerRequest::Commit { number: 1, told: vec![one(1, "acme2", "eve")] };
    assert_eq!(ask(&mut stream, &commit), PeerReply::Done);
    let log = world["acme1"].spoolcom("LOG").out;
    assert!(log.contains("generation 1, 1 edit, by eve on acme2"), "{log}");
}

/// Whoever has not claimed a job gets no octet of it, whatever he says; `ATTEMPTS` is how often he tries.
#[test]
fn without_a_claim_no_octet_of_a_held_job_leaves_its_server() {
    let world = super::release::pool(&["acme1", "acme2"], None);
    let job = super::release::waiting(&world, "far", b"far line\n", &[]);
    let mut stream = connect(&world, "acme1");
    let mut dice = Dice::new(7);
    for n in 0..number("ATTEMPTS", 3_000) {
        let guess = match dice.roll(4) {
            0 => format!("@{job}.{}", dice.roll(5)),
            1 => format!("@acme2:{}.{}", job.split(':').nth(1).unwrap(), dice.roll(5)),
            2 => format!("{job}.{}", dice.roll(1 << 20)),
            _ => format!("@acme1:{}.{}", 1_000_000_000 + dice.roll(1 << 30), dice.roll(3)),
        };
        let end = ClaimEnd { outcome: "sent".into(), device: None, begun: false };
        let request = match n % 4 {
            0 | 1 => PeerRequest::Fetch { token: guess, document: 1, offset: 0 },
            2 => PeerRequest::Begin(guess),
            _ => PeerRequest::ClaimOver { token: guess, end },
        };
        let reply = ask(&mut stream, &request);
        let is_no = match &reply {
            PeerReply::Refused(_) | PeerReply::Failed(_) => true,
            PeerReply::Lease(answer) => matches!(answer, LeaseAnswer::Over(_)),
            PeerReply::ClaimOver(answer) => matches!(answer, EndAnswer::Late(_)),
            _ => false,
        };
        assert!(is_no, "{request:?}: {reply:?}");
    }
    assert_eq!(super::release::listed(&world, "acme2", &job)["releasable"], true, "it waits as before");
    assert_eq!(world.paper(), "");
}
