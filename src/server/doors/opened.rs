//! Jobs that come by a door in several requests: IPP's Create-Job and Send-Document.
//!
//! States: opened, with a row that is arriving and a number; its documents are files without names that this process holds → complete
//! with the last document, and on disk before that is acknowledged. Silence for five times `--timeout` ends it: with documents it
//! is complete, because those were taken; without it is given up. The row of a server that died ends like that of any
//! submitter who died: nothing of it is left, and its sender sends it again.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::model::door::{DoorAsker, DoorDocument, DoorJob, DoorReply, DoorSettings, Duplicates, token_of};
use crate::model::field::{Field, Value};
use crate::model::{Call, Failure, FailureKind, JobNumber};
use crate::spool::Local;
use crate::spool::jobs::arrival::Opened;
use crate::spool::jobs::by_door::ByDoor;
use crate::sys::{clock, limits};

use super::{REPEATED_WITHIN, Sender, Shared, asker_of, bad, lock, tokens};

/// Documents of one job, and of all that arrive from one address: each is a descriptor of this process.
const MOST_DOCUMENTS: usize = 256;
/// The part of the descriptors of this process that documents may take which wait for the rest of their jobs.
const PART: u64 = 8;
/// How often is looked what is due in the spool, at most.
const LOOKS_EVERY: Duration = Duration::from_millis(500);
/// Jobs that arrive by one door at a time, whatever its connections.
const MOST_OPEN: usize = 1_000;

/// A job that arrives.
pub(super) struct OpenJob {
    opened: Opened,
    job: DoorJob,
    asker: DoorAsker,
    destination: String,
    documents: Vec<(DoorDocument, OwnedFd, String)>,
    octets: u64,
    touched: Instant,
}

/// How long such a job waits for its next document.
pub fn opens_for(settings: &DoorSettings) -> Duration {
    Duration::from_secs(settings.patience.saturating_mul(5))
}

/// A job that arrives, for whoever opened it.
fn arriving<'a>(
    open: &'a mut HashMap<u32, OpenJob>,
    number: u32,
    asker: &DoorAsker,
) -> Result<&'a mut OpenJob, Failure> {
    let job = open.get_mut(&number).ok_or_else(|| Failure::not_found(format!("job {number} that arrives")))?;
    if job.asker != *asker {
        return Err(Failure::new(FailureKind::Security, format!("job {number} is somebody else's")));
    }
    Ok(job)
}

impl Shared {
    /// What a door knows of a job.
    pub(super) fn by_door(
        &self,
        settings: &DoorSettings,
        job: &DoorJob,
        sender: &Sender,
        (remarks, prefix): (Vec<String>, String),
    ) -> ByDoor {
        ByDoor {
            noted: Field::from_stored("received-from")
                .map(|field| (field, Value::Text(self.from(job, sender))))
                .into_iter()
                .collect(),
            remarks,
            prefix,
            within_ms: i64::try_from(REPEATED_WITHIN.as_millis()).unwrap_or(i64::MAX),
            proven: std::sync::Arc::clone(&self.proven),
            holds_repeats: settings.duplicates == Duplicates::Hold,
        }
    }

    /// A job begins to arrive.
    pub(super) fn open(&self, job: DoorJob) -> Result<DoorReply, Failure> {
        let settings = self.settings()?;
        let [_] = job.documents.as_slice() else { return Err(bad("a job that opens has one document to copy")) };
        let asker = asker_of(&job);
        let row_asker = asker.clone();
        {
            let open = lock(&self.open);
            let of_peer = open.values().filter(|open| open.asker.origin() == asker.origin()).count() as u64;
            if open.len() >= MOST_OPEN || of_peer >= settings.most_of_peer {
                let why = format!("{} jobs arrive by door {} already", open.len(), self.name);
                return Err(Failure::new(FailureKind::Full, why));
            }
        }
        let sender = self.sender_of(&settings, &asker, job.host.as_deref())?;
        let destination = self.demand_taking(&settings, &sender, &job.queue)?;
        let (token, _) = tokens(&self.name, &job);
        let (submission, _) = self.submission(&settings, &job, &sender, (destination.clone(), token))?;
        let door = self.by_door(&settings, &job, &sender, (Vec::new(), String::new()));
        let opened = self.spool.open_by(&Call::of(&sender.caller, &clock::now()), submission, &door)?;
        let number = opened.number.get();
        let entry =
            OpenJob { opened, job, asker, destination, documents: Vec::new(), octets: 0, touched: Instant::now() };
        lock(&self.open).insert(number, entry);
        Ok(DoorReply::Accepted { number, row: self.shown(&settings, &row_asker, number) })
    }

    /// A document of a job that arrives is on its way.
    pub(super) fn arrives(&self, number: u32, asker: &DoorAsker) -> Result<DoorReply, Failure> {
        arriving(&mut lock(&self.open), number, asker)?.touched = Instant::now();
        Ok(DoorReply::Done)
    }

    /// A document of a job that arrives. Returns the token of the job when it is complete.
    pub(super) fn append(
        &self,
        number: u32,
        asker: &DoorAsker,
        (document, digest, last): (Option<DoorDocument>, String, bool),
        files: Vec<OwnedFd>,
    ) -> Result<DoorReply, Failure> {
        let settings = self.settings()?;
        let octets = self.demand_files(&files)?;
        if files.len() != usize::from(document.is_some()) {
            return Err(bad("a document needs its octets"));
        }
        let done = {
            let mut open = lock(&self.open);
            let job = arriving(&mut open, number, asker)?;
            job.touched = Instant::now();
            job.octets = job.octets.saturating_add(octets);
            let too_large = settings.most_octets.is_some_and(|most| most < job.octets);
            let held = |of: &dyn Fn(&OpenJob) -> bool| -> usize {
                open.values().filter(|job| of(job)).map(|job| job.documents.len()).sum()
            };
            let too_many = held(&|job| job.asker.origin() == asker.origin()) >= MOST_DOCUMENTS
                || held(&|_| true) as u64 >= limits::open_files() / PART;
            if !files.is_empty() && (too_large || too_many) {
                let many = "too many documents wait for the rest of their jobs";
                let (why, said) = match too_large {
                    true => {
                        let why = format!("job {number} is larger than door {} takes", self.name);
                        (bad(why), "it is larger than its door takes")
                    }
                    false => (Failure::new(FailureKind::Full, many), many),
                };
                // It will not be complete.
                if let Some(job) = open.remove(&number) {
                    drop(open);
                    self.spool.give_up(&self.call(), &job.opened, said);
                }
                return Err(why);
            }
            let file = files.into_iter().next().filter(|_| octets > 0);
            if let (Some(document), Some(file)) = (document, file)
                && let Some(job) = open.get_mut(&number)
            {
                // Copies are those of the job, as it was opened.
                let copies = job.job.documents.first().map_or(document.copies, |opened| opened.copies);
                job.documents.push((DoorDocument { copies, ..document }, file, digest));
            }
            if last { open.remove(&number) } else { None }
        };
        let token = done.map(|job| self.finish(job, None)).transpose()?;
        Ok(DoorReply::Appended { token, row: self.shown(&settings, asker, number) })
    }

    /// Completes a job that has all of its documents.
    fn finish(&self, open: OpenJob, remark: Option<String>) -> Result<String, Failure> {
        let OpenJob { opened, job, destination, documents, asker, .. } = open;
        if documents.is_empty() {
            self.spool.give_up(&self.call(), &opened, "no document of it came");
            // As CUPS says it: scripts look for that.
            return Err(bad("No file in print request."));
        }
        let given_up = |failure: Failure| {
            self.spool.give_up(&self.call(), &opened, "its door cannot take it any more");
            failure
        };
        let settings = self.settings().map_err(given_up)?;
        let mut hasher = blake3::Hasher::new();
        let peer = asker.origin();
        let user = asker.user.clone().unwrap_or_default();
        for part in
            [&peer, &user, &job.queue, &job.title].into_iter().chain(documents.iter().map(|(.., digest)| digest))
        {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        let key: String = hasher.finalize().to_hex().chars().take(32).collect();
        let random: String = job.token.chars().rev().take(16).collect();
        let (mut offered, mut files) = (Vec::new(), Vec::new());
        for (document, file, _) in documents {
            offered.push(document);
            files.push(file);
        }
        let token = token_of(&key, clock::wall_ms(), &random);
        let job = DoorJob {
            token: token.clone(),
            key: format!("{key}."),
            documents: offered,
            remarks: job.remarks.iter().cloned().chain(remark).collect(),
            ..job
        };
        let sender = self.sender_of(&settings, &asker, job.host.as_deref()).map_err(given_up)?;
        self.take(&settings, &job, (sender, destination), files, Some(opened))?;
        Ok(token)
    }

    /// Forgets a job that somebody has removed.
    pub(super) fn forget_open(&self, number: u32) {
        lock(&self.open).remove(&number);
    }

    /// Ends what has waited too long.
    pub(super) fn end_overdue(&self) {
        let overdue: Vec<OpenJob> = {
            let mut open = lock(&self.open);
            if open.is_empty() {
                return;
            }
            let Ok(settings) = self.settings() else { return };
            let limit = opens_for(&settings);
            let numbers: Vec<u32> =
                open.iter().filter(|(_, job)| job.touched.elapsed() >= limit).map(|(number, _)| *number).collect();
            numbers.into_iter().filter_map(|number| open.remove(&number)).collect()
        };
        for job in overdue {
            let number: JobNumber = job.opened.number;
            let why = "its sender said of no document that it is the last".to_owned();
            if let Err(failure) = self.finish(job, Some(why)) {
                let why = format!("job {number} did not arrive: {}", failure.message);
                self.trouble(crate::model::door::DoorTrouble::Unfinished, &why);
            }
        }
    }

    /// Gives up what has not arrived: the server ends.
    pub(super) fn end_all(&self) {
        let all: Vec<OpenJob> = lock(&self.open).drain().map(|(_, job)| job).collect();
        for job in all {
            self.spool.give_up(&self.call(), &job.opened, "the server ended before it was complete");
        }
    }

    /// Whether it is time to see what is due in the spool: with a submission, as with any command that writes, but not with each
    /// of many at once.
    fn looks_at_what_is_due(&self) -> bool {
        let mut last = lock(&self.looked);
        let is_time = last.is_none_or(|last: Instant| last.elapsed() >= LOOKS_EVERY);
        if is_time {
            *last = Some(Instant::now());
        }
        is_time
    }

    /// Hands a job to the spool, and to the print processes that have work because of it.
    pub(super) fn take(
        &self,
        settings: &DoorSettings,
        job: &DoorJob,
        (sender, destination): (Sender, String),
        files: Vec<OwnedFd>,
        opened: Option<Opened>,
    ) -> Result<u32, Failure> {
        let (token, prefix) = tokens(&self.name, job);
        let (submission, remarks) = self.submission(settings, job, &sender, (destination, token))?;
        let door = self.by_door(settings, job, &sender, (remarks, prefix));
        let call = Call::of(&sender.caller, &clock::now());
        let again = || Call::of(&sender.caller, &clock::now());
        let (taken, repeats) = self.spool.submit_by((&call, &again), submission, files, (Some(door), opened))?;
        let number = taken.accepted.number.get();
        let attendant = std::sync::Arc::clone(&self.attendant);
        let local = Local::new(self.spool.clone(), sender.caller.clone(), clock::now, attendant);
        match self.looks_at_what_is_due() {
            true => local.see_to(taken, &call.now),
            false => local.see_to_work(taken, &call.now),
        }
        self.count_accepted(number, repeats);
        Ok(number)
    }
}
