//! Committing together what several threads want to change.
//!
//! A thread that hands in a change while nobody commits leads: it takes what waits, in the order in which it was handed in,
//! carries it out in one transaction, and tells each of the others what became of theirs. Those sleep until they are told;
//! when more waits by then, the first of them leads. States of a change: handed in → in a batch → told. A leader that
//! panics tells the threads of its batch so, and gives the lead on; its connection is dropped, which rolls back.
//!
//! Who hands something in while others are carried out comes along with them; on a slow disk a leader waits a little for who
//! is about to come ([`pace`]). Commits may be synced later ([`late`]).

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread, ThreadId};
use std::time::{Duration, Instant};

use super::sqlite::Session;
use super::{Fallible, Store, Tx, generation, guard, met_damage, schema};
use crate::model::{Call, Failure, FailureKind};

pub(super) use late::Late;
pub(super) use pace::Pace;

mod late;
mod pace;

/// What waits is committed together up to this many changes.
const BATCH: usize = 64;

type Work = Box<dyn FnMut(&Session) -> Fallible<()> + Send>;

/// What threads have handed in.
#[derive(Default)]
pub(super) struct Queue {
    pending: VecDeque<Pending>,
    /// Threads that will hand something in when a document of theirs is on disk, and since when they wait for that.
    coming: Vec<(ThreadId, Instant)>,
    /// Whether a thread leads, or has been told to.
    led: bool,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

struct Pending {
    work: Work,
    /// Whether its commit may be synced later.
    late: bool,
    ticket: Arc<Ticket>,
}

/// Where a thread waits for news.
struct Ticket {
    owner: Thread,
    news: Mutex<Option<News>>,
}

enum News {
    /// What became of its change.
    Verdict(Fallible<()>),
    /// It is to lead. Its change still waits.
    Lead,
}

impl Ticket {
    fn tell(&self, news: News) {
        *guard(&self.news) = Some(news);
        self.owner.unpark();
    }

    fn wait(&self) -> News {
        loop {
            if let Some(news) = guard(&self.news).take() {
                return news;
            }
            thread::park();
        }
    }
}

/// The lead. It is given on when it is dropped, also by a panic.
struct Lead<'a> {
    queue: &'a Mutex<Queue>,
    batch: Vec<Pending>,
}

impl Lead<'_> {
    /// Takes what waits, as long as the batch may be synced later only what may.
    fn take(&mut self, late: bool) {
        let mut queue = guard(self.queue);
        while self.batch.len() < BATCH
            && let Some(next) = queue.pending.pop_front_if(|next| !late || next.late)
        {
            self.batch.push(next);
        }
    }

    /// Gives the lead to whoever waits first, before this thread tells the others: their changes are carried out meanwhile.
    fn give_on(self) -> Vec<Pending> {
        let mut lead = self;
        mem::take(&mut lead.batch)
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        for pending in self.batch.drain(..) {
            let broken = Failure::internal("the transaction of another thread broke off: nothing was changed");
            pending.ticket.tell(News::Verdict(Err(broken)));
        }
        let mut queue = guard(self.queue);
        match queue.pending.front() {
            Some(next) => next.ticket.tell(News::Lead),
            None => queue.led = false,
        }
    }
}

impl Store {
    /// Carries out `work` in one durable transaction, alone or with what others have handed in.
    /// With `late` its commit may be synced later.
    pub(super) fn transact(
        &self,
        late: bool,
        work: impl FnMut(&Session) -> Fallible<()> + Send + 'static,
    ) -> Fallible<()> {
        let ticket = Arc::new(Ticket { owner: thread::current(), news: Mutex::new(None) });
        let leads = {
            let mut queue = guard(&self.waiting);
            queue.pending.push_back(Pending { work: Box::new(work), late, ticket: Arc::clone(&ticket) });
            queue.coming.retain(|(thread, _)| *thread != ticket.owner.id());
            self.arrived.notify_one();
            !mem::replace(&mut queue.led, true)
        };
        if !leads && let News::Verdict(verdict) = ticket.wait() {
            return verdict;
        }
        // Whoever leads is the first of those that wait: its own change is in the batch.
        let mut lead = Lead { queue: &self.waiting, batch: Vec::new() };
        lead.take(false);
        let verdicts = self.commit(&mut lead);
        for (pending, verdict) in lead.give_on().into_iter().zip(verdicts) {
            pending.ticket.tell(News::Verdict(verdict));
        }
        match ticket.wait() {
            News::Verdict(verdict) => verdict,
            News::Lead => Err(Failure::internal("a transaction left no verdict")),
        }
    }

    /// Returns what became of each of the batch.
    fn commit(&self, lead: &mut Lead<'_>) -> Vec<Fallible<()>> {
        let mut writer = guard(&self.writer);
        match self.commit_batch(&mut writer, lead) {
            Ok(verdicts) => verdicts,
            Err(failure) => {
                // Its caches may disagree with the file now: the next writer opens it anew.
                *writer = None;
                self.late.doubt(failure.kind == FailureKind::Unknown);
                lead.batch.iter().map(|_| Err(failure.clone())).collect()
            }
        }
    }

    fn commit_batch(&self, writer: &mut Option<Session>, lead: &mut Lead<'_>) -> Fallible<Vec<Fallible<()>>> {
        let _gate = self.pass_gate()?;
        // Taken out while it is inside a transaction: after a panic nobody finds it there, and dropping it rolls back.
        let session = match writer.take() {
            Some(session) => session,
            None => self.writing_session()?,
        };
        if self.late.in_doubt() {
            self.rewrite_log()?;
            self.late.trust();
        }
        let late = lead.batch.iter().all(|pending| pending.late) && self.late.may_grow();
        let verdicts = self.commit_on(&session, lead, late)?;
        // Between commit and answer: what went into files that have no name any more is not acknowledged.
        self.demand_ground()?;
        // In a crowd the log is left to the last of it, within bounds: written back after each batch, the same pages would
        // be written again and again. Whoever waits for an answer does not wait for that, where somebody else does it.
        let left = self.leaves_log() || late || !guard(&self.waiting).is_empty();
        if !left || self.log_is_huge() {
            self.shorten_log(&session);
        }
        // What was damaged is read anew by whoever writes next: it may have been mended meanwhile.
        if !verdicts.iter().any(met_damage) {
            *writer = Some(session);
        }
        Ok(verdicts)
    }

    /// Carries out each with its own verdict; a failure is that of the whole transaction.
    /// Whoever comes while the others are carried out comes along.
    fn commit_on(&self, session: &Session, lead: &mut Lead<'_>, late: bool) -> Fallible<Vec<Fallible<()>>> {
        session.sync_commits(!late)?;
        self.begin(session)?;
        let before = session.changes();
        if let Err(failure) = session.version().and_then(schema::check) {
            session.undo()?;
            return Ok(lead.batch.iter().map(|_| Err(failure.clone())).collect());
        }
        let (mut failed, mut waited) = (None, Duration::ZERO);
        for next in 0.. {
            if next == lead.batch.len() {
                lead.take(late);
                while next == lead.batch.len() && !late && self.awaits(next, &mut waited) {
                    lead.take(late);
                }
            }
            let Some(pending) = lead.batch.get_mut(next) else { break };
            failed = (pending.work)(session).err();
            if failed.is_some() {
                break;
            }
        }
        let batch = &mut lead.batch;
        let verdicts = match failed {
            None => batch.iter().map(|_| Ok(())).collect(),
            // A full disk or a failed read may have ended the whole transaction: then nobody's part is left of it.
            Some(failure) if session.is_over() => return Err(failure),
            Some(failure) if batch.len() == 1 => {
                session.undo()?;
                return Ok(vec![Err(failure)]);
            }
            // A part that fails is rare, and a savepoint before each costs a copy of every page that it changes. So all is
            // done again, with savepoints, when one has failed.
            Some(_) => {
                session.undo()?;
                self.begin(session)?;
                let verdicts = batch.iter_mut().map(|pending| run_part(session, &mut pending.work));
                let verdicts: Vec<Fallible<()>> = verdicts.collect::<Fallible<_>>()?;
                if verdicts.iter().all(Result::is_err) {
                    session.undo()?;
                    return Ok(verdicts);
                }
                verdicts
            }
        };
        let call = Call::timeless();
        let changed = session.changes() != before;
        let mark = if changed { generation::count(&Tx::new(session, &call))? } else { None };
        let begun = Instant::now();
        session.commit()?;
        if changed && !late {
            self.pace.took(begun.elapsed());
        }
        self.see_log(session);
        match (changed, late) {
            // Nothing was written, so nothing was synced.
            (false, _) => return Ok(verdicts),
            (true, true) => {
                self.late.begin();
                return Ok(verdicts);
            }
            (true, false) => self.late.end(),
        }
        // A mark of a database that has lost its name must not stand beside the one that has it now: that would count as
        // restored.
        if let (Some(mark), Some(path), Ok(())) = (mark, self.mark.get(), self.demand_ground()) {
            // A mark that cannot be written stays behind, which does no harm.
            let _ = mark.write(path);
        }
        Ok(verdicts)
    }

    fn begin(&self, session: &Session) -> Fallible<()> {
        self.begin_writing(session)?;
        self.name_log()
    }
}

/// Runs one request of a batch so that its failure undoes its own part only. The outer error has ended the transaction.
fn run_part(session: &Session, work: &mut Work) -> Fallible<Fallible<()>> {
    session.begin_part()?;
    match work(session) {
        Ok(()) => session.end_part().map(Ok),
        Err(failure) if session.is_over() => Err(failure),
        Err(failure) => {
            session.undo_part()?;
            Ok(Err(failure))
        }
    }
}

#[cfg(test)]
mod tests;
