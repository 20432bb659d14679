//! What another server asks of this one. Who asks is what its certificate says; it speaks of its own jobs only.

use std::io;

use crate::client::peer::PeerStream;
use crate::model::{Failure, FailureKind, ServerName};
use crate::spool::WakeTarget;
use crate::sys::{clock, fault};
use crate::wire::peer::{FileEnd, Header, Kind, MAX_DATA, PeerReply, PeerRequest, request};

use super::{Peers, frames};

/// Answers requests until the other side closes.
pub fn serve(peers: &Peers, stream: &mut dyn PeerStream, from: &ServerName) -> io::Result<()> {
    let mut octets = Vec::new();
    while !peers.is_over() {
        let Some(header) = frames::header(stream)? else { return Ok(()) };
        if header.kind != Kind::Request {
            return Err(frames::bad(crate::wire::peer::PeerError::Kind(header.kind as u8)));
        }
        frames::body(stream, header, &mut octets)?;
        let Some(request) = request(&octets).map_err(frames::bad)? else {
            frames::send(stream, Kind::Reply, &PeerReply::Unsupported)?;
            continue;
        };
        if let Some(fault) = request.fault() {
            frames::send(stream, Kind::Reply, &PeerReply::Refused(fault.to_owned()))?;
            continue;
        }
        if let PeerRequest::Fetch { token, document, offset } = request {
            send_file(peers, stream, from, (&token, document), offset)?;
            continue;
        }
        let reply = answer(peers, from, request).unwrap_or_else(|failure| refusal(peers, from, &failure));
        fault::point("peer-reply");
        frames::send(stream, Kind::Reply, &reply)?;
    }
    Ok(())
}

fn refusal(peers: &Peers, from: &ServerName, failure: &Failure) -> PeerReply {
    match failure.kind {
        FailureKind::Security | FailureKind::BadValue | FailureKind::NotFound => {
            peers.log(&format!("refused server {from}: {}", failure.message));
            PeerReply::Refused(failure.message.clone())
        }
        _ => PeerReply::Failed(failure.message.clone()),
    }
}

fn answer(peers: &Peers, from: &ServerName, request: PeerRequest) -> Result<PeerReply, Failure> {
    let spool = &peers.inner.spool;
    let now = clock::now();
    let wake = |targets: Vec<WakeTarget>| {
        if !targets.is_empty() {
            peers.inner.attendant.attend(spool, &targets, &now);
        }
    };
    Ok(match request {
        PeerRequest::Hello => PeerReply::Hello { spool: spool.spool_id().to_owned() },
        PeerRequest::Offer(offer) => {
            let (answer, targets) = spool.take_over(from, *offer, &now)?;
            fault::point("taken-over");
            wake(targets);
            PeerReply::Offer(answer)
        }
        PeerRequest::Ask(tokens) => PeerReply::Fates(spool.fates(from, &tokens, &now)?),
        PeerRequest::GiveBack(token) => {
            let (fate, targets) = spool.give_back_to(from, &token, &now)?;
            wake(targets);
            PeerReply::Fates(vec![(token, fate)])
        }
        PeerRequest::Confirm(tokens) => {
            spool.confirmed(from, &tokens, &now)?;
            PeerReply::Done
        }
        PeerRequest::Fetch { .. } => PeerReply::Unsupported,
        change @ (PeerRequest::Changes(_)
        | PeerRequest::Prepare { .. }
        | PeerRequest::Commit { .. }
        | PeerRequest::DropPrepared(_)) => super::changes::answer(peers, from, change)?,
        claim => super::claims::answer(peers, from, claim)?,
    })
}

/// Sends a file from `offset` on, and then the digest of the whole.
fn send_file(
    peers: &Peers,
    stream: &mut dyn PeerStream,
    from: &ServerName,
    (token, document): (&str, u32),
    offset: u64,
) -> io::Result<()> {
    let source = match peers.inner.spool.source_for(from, token, document, &clock::now()) {
        Ok(source) => source,
        Err(failure) => return frames::send(stream, Kind::Reply, &refusal(peers, from, &failure)),
    };
    let file = match source.open() {
        Ok(file) => file,
        Err(why) => return frames::send(stream, Kind::Reply, &PeerReply::Failed(why)),
    };
    let octets = file.octets();
    frames::send(stream, Kind::Reply, &PeerReply::File { octets })?;
    let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; MAX_DATA]);
    let mut at = 0;
    // Why is what the other side has read once more? The digest is that of the whole, and this side alone knows it.
    while at < octets && !peers.is_over() {
        let begin = if at < offset { offset - at } else { u64::MAX };
        let most = usize::try_from((octets - at).min(begin)).unwrap_or(MAX_DATA).min(MAX_DATA);
        let n = file.read_at(&mut buffer[..most], at).inspect_err(|error| {
            peers.log(&format!("document {document} of {token} cannot be read for server {from}: {error}"));
        })?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&buffer[..n]);
        if at >= offset {
            let header = Header::of(Kind::Data, n).map_err(frames::bad)?;
            stream.write_all(&header.encode())?;
            stream.write_all(&buffer[..n])?;
            fault::point("peer-data");
        }
        at += n as u64;
    }
    if at < octets {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    frames::send(stream, Kind::End, &FileEnd { digest: *hasher.finalize().as_bytes() })
}
