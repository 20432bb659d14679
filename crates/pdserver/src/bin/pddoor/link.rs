//! The way to the server: channels that are made when they are wanted, and questions over them.
//!
//! Whether a job was accepted is not known when a question was not answered, and its sender is told no: when he tries again, the
//! server announces it.

use std::fs::File;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::paper::Paper;
use spoolsuite::client::channels::Channels;
use spoolsuite::model::door::{
    ClientFault, ClientProof, DoorAct, DoorAsker, DoorDocument, DoorJob, DoorJobRow, DoorJobs, DoorLogin, DoorPrinter,
    DoorQuestion, DoorReply, DoorRequest, DoorTrouble,
};
use spoolsuite::model::station::Password;
use spoolsuite::model::{Failure, FailureKind};

/// Questions under way at a time: submissions that come together are committed together.
const MOST: usize = 32;
/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Who asks, and what shows it where the kernel knows.
pub struct Asker {
    /// Who.
    pub asker: DoorAsker,
    /// His connection.
    pub proof: Option<OwnedFd>,
}

impl std::ops::Deref for Asker {
    type Target = DoorAsker;
    fn deref(&self) -> &DoorAsker {
        &self.asker
    }
}

/// A job that was just made.
pub struct New {
    /// Its number.
    pub number: u32,
    /// How it stands; none = it is gone already.
    pub row: Option<Box<DoorJobRow>>,
}

/// Somebody who has logged on. Dropped, it logs him off.
pub struct LogOn {
    link: Arc<Link>,
    /// What stands for him.
    pub login: DoorLogin,
    since: Instant,
}

/// How long that is relied on; then it is looked at anew. The server forgets him after twice that time.
const FRESH: Duration = Duration::from_secs(6 * 3600);

impl LogOn {
    fn new(link: &Arc<Link>, login: DoorLogin) -> Self {
        Self { link: Arc::clone(link), login, since: Instant::now() }
    }

    /// Whether it is relied on.
    pub fn is_fresh(&self) -> bool {
        self.since.elapsed() < FRESH
    }
}

impl Drop for LogOn {
    fn drop(&mut self) {
        // A server that does not hear it forgets him later.
        let _ = self.link.ask(DoorRequest::LogOff { login: self.login.clone() }, &[]);
    }
}

/// The way to the server.
pub struct Link {
    channels: Channels,
    /// Questions under way.
    busy: AtomicUsize,
    /// Tokens of jobs whose senders have their acknowledgements, until the server knows. They travel with each question, so that it
    /// knows them before it decides whether a job repeats another one. Where no question is under way they are told at once.
    delivered: Mutex<Vec<String>>,
}

fn lost(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("the server does not answer: {error}"))
}

impl Link {
    /// The way over this socket.
    pub fn new(control: UnixStream) -> Self {
        let channels = Channels::new(control, MOST, PATIENCE, Duration::MAX);
        Self { channels, busy: AtomicUsize::new(0), delivered: Mutex::default() }
    }

    /// Asks the server. What it refuses is a failure.
    fn ask(&self, request: DoorRequest, files: &[OwnedFd]) -> Result<(DoorReply, Vec<OwnedFd>), Failure> {
        self.busy.fetch_add(1, Ordering::SeqCst);
        let reply = self.ask_and_tell(request, files);
        if self.busy.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.tell();
        }
        match reply? {
            (DoorReply::Failed(failure), _) => Err(failure),
            reply => Ok(reply),
        }
    }

    fn delivered(&self) -> MutexGuard<'_, Vec<String>> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask_and_tell(&self, request: DoorRequest, files: &[OwnedFd]) -> Result<(DoorReply, Vec<OwnedFd>), Failure> {
        let question = DoorQuestion { delivered: self.delivered().clone(), request };
        let reply = self.channels.ask(&question, files)?;
        if !question.delivered.is_empty() {
            self.delivered().retain(|token| !question.delivered.contains(token));
        }
        Ok(reply)
    }

    /// Tells what is still to be told.
    fn tell(&self) {
        let is_told = self.delivered().is_empty();
        // A server that does not hear it is gone, and with it what it would be good for.
        if !is_told && self.ask_and_tell(DoorRequest::Nothing, &[]).is_err() {
            self.delivered().clear();
        }
    }

    /// The same for somebody: what shows who he is travels last.
    fn ask_for(
        &self,
        asker: &Asker,
        request: DoorRequest,
        mut files: Vec<OwnedFd>,
    ) -> Result<(DoorReply, Vec<OwnedFd>), Failure> {
        if let Some(proof) = &asker.proof {
            files.push(proof.try_clone().map_err(lost)?);
        }
        self.ask(request, &files)
    }

    /// Whether this queue takes jobs.
    pub fn resolve(&self, queue: &str, peer: Option<IpAddr>) -> Result<(), Failure> {
        self.ask(DoorRequest::Resolve { queue: queue.to_owned(), peer }, &[]).map(drop)
    }

    /// An empty file on the file system of the spool.
    pub fn new_file(&self, octets: Option<u64>) -> Result<Paper, Failure> {
        let (DoorReply::File { least_free }, files) = self.ask(DoorRequest::NewFile { octets }, &[])? else {
            return Err(lost("the answer belongs to another question"));
        };
        let file = files.into_iter().next().map(File::from).ok_or_else(|| lost("no file came"))?;
        Ok(Paper::new(file, least_free))
    }

    /// Says that a document of a job that has begun to arrive is arriving.
    pub fn arrives(&self, number: u32, asker: &Asker) -> Result<(), Failure> {
        self.ask_for(asker, DoorRequest::Arrives { number, asker: asker.asker.clone() }, Vec::new()).map(drop)
    }

    /// Hands in a job. It is on disk when this returns; its number comes back.
    pub fn submit(&self, job: DoorJob, files: Vec<OwnedFd>) -> Result<u32, Failure> {
        match self.ask(DoorRequest::Submit { job: Box::new(job), shown: false }, &files)?.0 {
            DoorReply::Accepted { number, .. } => Ok(number),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// The same for somebody of whom the kernel may know, who is told how the job stands.
    pub fn submit_for(&self, job: DoorJob, files: Vec<OwnedFd>, asker: &Asker) -> Result<New, Failure> {
        match self.ask_for(asker, DoorRequest::Submit { job: Box::new(job), shown: true }, files)?.0 {
            DoorReply::Accepted { number, row } => Ok(New { number, row }),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// What the key of the door makes of a proof.
    pub fn sign(&self, scheme: u16, message: &[u8]) -> Result<Vec<u8>, Failure> {
        match self.ask(DoorRequest::Sign { scheme, message: message.to_vec() }, &[])?.0 {
            DoorReply::Signed(signature) => Ok(signature),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// Whether a name and a password let somebody in.
    pub fn log_on(
        self: &Arc<Self>,
        user: String,
        password: Password,
        peer: Option<IpAddr>,
    ) -> Result<Option<LogOn>, Failure> {
        match self.ask(DoorRequest::LogOn { user, password, peer }, &[])?.0 {
            DoorReply::LoggedOn { login } => Ok(Some(LogOn::new(self, login))),
            DoorReply::NotLoggedOn => Ok(None),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// Whether a certificate lets somebody in.
    pub fn client(
        self: &Arc<Self>,
        proof: ClientProof,
        peer: Option<IpAddr>,
    ) -> Result<Result<LogOn, ClientFault>, Failure> {
        match self.ask(DoorRequest::Client { proof: Box::new(proof), peer }, &[])?.0 {
            DoorReply::LoggedOn { login } => Ok(Ok(LogOn::new(self, login))),
            DoorReply::BadClient(fault) => Ok(Err(fault)),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// Says that the sender of a job knows that we have it. Without it a repetition is announced.
    pub fn was_delivered(&self, token: &str) {
        self.delivered().push(token.to_owned());
        // Whoever asks now looks afterwards whether there is something to tell.
        if self.busy.load(Ordering::SeqCst) == 0 {
            self.tell();
        }
    }

    /// Says that something went wrong. A server that does not hear it is gone.
    pub fn trouble(&self, what: DoorTrouble, why: impl Into<String>) {
        let _ = self.ask(DoorRequest::Trouble { what, why: why.into() }, &[]);
    }

    /// What waits at a queue.
    pub fn queue(&self, queue: &str, peer: Option<IpAddr>) -> Result<spoolsuite::model::door::DoorQueue, Failure> {
        match self.ask(DoorRequest::Queue { queue: queue.to_owned(), peer }, &[])?.0 {
            DoorReply::Queue(queue) => Ok(queue),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// Removes jobs; how many.
    pub fn remove(&self, queue: &str, peer: Option<IpAddr>, agent: &str, which: Vec<String>) -> Result<u32, Failure> {
        let request = DoorRequest::Remove { queue: queue.to_owned(), peer, agent: agent.to_owned(), which };
        match self.ask(request, &[])?.0 {
            DoorReply::Removed(count) => Ok(count),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// Printers of the door, or the one of this name; with the place of the next one, if there are more.
    pub fn printers(&self, queue: Option<&str>, after: u64) -> Result<(Vec<DoorPrinter>, Option<u64>), Failure> {
        self.printers_of(DoorRequest::Printers { queue: queue.map(str::to_owned), after, brief: false })
    }

    /// The printer of this name, as far as a job for it is concerned.
    pub fn printer_for_job(&self, queue: &str) -> Result<Option<DoorPrinter>, Failure> {
        let request = DoorRequest::Printers { queue: Some(queue.to_owned()), after: 0, brief: true };
        Ok(self.printers_of(request)?.0.into_iter().next())
    }

    fn printers_of(&self, request: DoorRequest) -> Result<(Vec<DoorPrinter>, Option<u64>), Failure> {
        match self.ask(request, &[])?.0 {
            DoorReply::Printers(found, next) => Ok((found, next)),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// Jobs.
    pub fn jobs(&self, which: DoorJobs, asker: &Asker) -> Result<Vec<DoorJobRow>, Failure> {
        let request = DoorRequest::Jobs { which, asker: asker.asker.clone() };
        match self.ask_for(asker, request, Vec::new())?.0 {
            DoorReply::Jobs(found) => Ok(found),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// A job begins to arrive; its number comes back.
    pub fn open(&self, job: DoorJob, asker: &Asker) -> Result<New, Failure> {
        match self.ask_for(asker, DoorRequest::Open(Box::new(job)), Vec::new())?.0 {
            DoorReply::Accepted { number, row } => Ok(New { number, row }),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// Hands in a document of a job that arrives, or says that there is no other one. With the last one the job is on disk when this
    /// returns, and its token comes back; with each the job as it stands.
    pub fn append(
        &self,
        number: u32,
        asker: &Asker,
        document: Option<(DoorDocument, String, OwnedFd)>,
        last: bool,
    ) -> Result<(Option<String>, New), Failure> {
        let (document, digest, files) = match document {
            Some((document, digest, file)) => (Some(document), digest, vec![file]),
            None => (None, String::new(), Vec::new()),
        };
        let request = DoorRequest::Append { number, asker: asker.asker.clone(), document, digest, last };
        match self.ask_for(asker, request, files)?.0 {
            DoorReply::Appended { token, row } => Ok((token, New { number, row })),
            _ => Err(lost("the answer belongs to another question")),
        }
    }

    /// Does something about a job.
    pub fn act(&self, number: u32, asker: &Asker, act: DoorAct) -> Result<(), Failure> {
        self.ask_for(asker, DoorRequest::Act { number, asker: asker.asker.clone(), act }, Vec::new()).map(drop)
    }
}
