//! Change control between servers: issuing a generation on all of them, telling those that were not there, and finding out what became
//! of one that is prepared. What a generation is, is in `spool::changes`.
//!
//! | step | who | a crash after it |
//! |---|---|---|
//! | how does everybody stand? | the server that issues | nothing was done |
//! | prepared, one after the other in the order of names | each server | each finds out that nobody has decided, and drops it |
//! | decided: its own commit, with the names of all others | the server that issues | the others find that out, or are told when it is back |
//! | told, each that it counts | the server that issues | it tells again whoever is still on its list |
//!
//! Two that issue at the same time meet at the server whose name comes first: the one that comes second is told who was first, and has
//! prepared nothing anywhere. One that is prepared and whose issuer will never decide is replaced by the next.
//!
//! Who may? The operators of any server of the group. A server believes another one that it issues; what counts then is what its own
//! operators have staged, and nothing else.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::model::change::{ChangeView, ChangeViews, Generation, Issue, Issued, Look};
use crate::model::{Call, Failure, FailureKind, ServerName};
use crate::spool::changes::LEAP;
use crate::spool::remote::asking::OnBehalf;
use crate::sys::{clock, fault};
use crate::wire::peer::{PeerReply, PeerRequest};

use super::claims::{LISTING, ask_on, odd, unanswered};
use super::{LOOK, Peers, STEP};

/// How long all servers together may take that say which others they cannot reach.
const PROBING: Duration = Duration::from_secs(8);
/// How long one that is prepared is left to the server that issues it.
const GRACE: Duration = Duration::from_secs(2);
/// The first and the longest wait before servers are asked again.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// What this process knows of change control.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The generation that is being issued here.
    issuing: Option<u64>,
    /// One that is prepared, and since when that is known.
    prepared: Option<(u64, Instant)>,
}

/// Answers what another server asks about change control.
pub fn answer(peers: &Peers, from: &ServerName, request: PeerRequest) -> Result<PeerReply, Failure> {
    let (spool, now) = (&peers.inner.spool, clock::now());
    let refused = |why: &str| Err(Failure::new(FailureKind::Security, why.to_owned()));
    let own = spool.generation()?.0;
    Ok(match request {
        PeerRequest::Changes(look) => {
            let mut view = peers.own_view(look)?;
            if look >= Look::Objects {
                view.unreached = peers.unreached();
            }
            PeerReply::Changes(Box::new(view))
        }
        PeerRequest::Prepare { generation, .. } if generation.by != *from => {
            return refused("a server issues in its own name");
        }
        PeerRequest::Prepare { generation, .. } if generation.number > own.saturating_add(LEAP) => {
            return refused("the number of that generation is too large");
        }
        PeerRequest::Prepare { generation, replaces } => {
            match spool.prepare_generation(&Call::of_spooler(&now), generation, replaces) {
                Ok(n) => {
                    fault::point("change-ready");
                    PeerReply::Prepared(n)
                }
                // It answers, and says no.
                Err(failure) if failure.kind == FailureKind::State => PeerReply::Refused(failure.message),
                Err(failure) => return Err(failure),
            }
        }
        PeerRequest::Commit { number, .. } if number > own.saturating_add(LEAP) => {
            return refused("the number of that generation is too large");
        }
        PeerRequest::Commit { number, told } => {
            match spool.commit_generation(&Call::of_spooler(&now), number, Vec::new())? {
                Some(_) => {}
                // It was not there when it was prepared.
                None => {
                    let told = told.into_iter().filter(|one| one.number <= number).collect();
                    peers.log(&format!("server {from} tells of generation {number}, which was missed here"));
                    spool.catch_up_with(told, &now)?;
                }
            }
            fault::point("change-taken");
            PeerReply::Done
        }
        PeerRequest::DropPrepared(number) => {
            let (prepared, _, _) = spool.change_work()?;
            if prepared.is_some_and(|one| one.number == number && one.by == *from) {
                spool.drop_generation(number, &now)?;
            }
            PeerReply::Done
        }
        _ => PeerReply::Unsupported,
    })
}

impl Peers {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How change control stands here.
    fn own_view(&self, look: Look) -> Result<ChangeView, Failure> {
        let mut view = self.inner.spool.change_view(&Call::of_spooler(&clock::now()), look)?;
        view.issuing = self.known().issuing;
        Ok(view)
    }

    /// The servers that this one cannot reach, and why.
    fn unreached(&self) -> Vec<(ServerName, String)> {
        let hello = |peers: &Self, server: &ServerName| peers.ask_one(server, &PeerRequest::Hello, LISTING.0);
        let found = self.ask_each(self.inner.dial.servers(), LISTING.1, hello);
        found.into_iter().filter_map(|(server, said)| Some((server, said.err()?))).collect()
    }

    /// How change control stands on all servers.
    pub(super) fn change_views(&self, look: Look) -> Result<ChangeViews, Failure> {
        let patience = if look >= Look::Objects { PROBING } else { LISTING.1 };
        let request = PeerRequest::Changes(look);
        let asked = self.ask_each(self.inner.dial.servers(), patience, move |peers, server| {
            // Whether it is there is known sooner than which others it cannot reach.
            let mut reached = peers.reach(server, LISTING.0)?;
            ask_on(&mut reached, server, &PeerRequest::Hello)?;
            reached.stream().set_patience(patience).map_err(|error| unanswered(server, &error))?;
            match ask_on(&mut reached, server, &request)? {
                PeerReply::Changes(view) if view.server == *server => {
                    reached.keep();
                    Ok(*view)
                }
                _ => Err(odd(server)),
            }
        });
        let mut views = ChangeViews { servers: vec![self.own_view(look)?], silent: Vec::new() };
        for (server, said) in asked {
            match said {
                Ok(view) => views.servers.push(view),
                Err(why) => views.silent.push((server, why)),
            }
        }
        Ok(views)
    }

    /// Issues a generation on all servers.
    pub(super) fn issue(&self, who: &OnBehalf, issue: Issue) -> Result<Issued, Failure> {
        let state = |why: String| Failure::new(FailureKind::State, why);
        let _issuing = Issuing::begin(self).ok_or_else(|| state("a generation is being issued here".to_owned()))?;
        let spool = &self.inner.spool;
        let mut views = self.change_views(Look::State)?;
        set_aside(&mut views);
        if let Some((server, why)) = views.silent.first()
            && !issue.allow_partial
        {
            let why = format!("server {server} does not answer, so nothing was issued: {why}");
            return Err(Failure::new(FailureKind::Unreachable, why)
                .hint("pdchange issue --allow-partial   issues on those that answer; the others are caught up when they are back"));
        }
        let own = views.servers.first().map_or(0, |view| view.generation);
        let highest =
            views.servers.iter().map(|view| view.generation.max(view.prepared.as_ref().map_or(0, |one| one.number)));
        let highest = highest.max().unwrap_or(0);
        let most = views.servers.iter().map(|view| view.generation).max().unwrap_or(0);
        if own < most {
            self.inner.behind.store(true, Ordering::SeqCst);
            let why = format!("generation {own} counts here and {most} elsewhere: this server is being caught up");
            return Err(state(why).hint("issue it again in a moment"));
        }
        let one = Generation {
            number: highest + 1,
            at_ms: clock::now().wall_ms,
            who: who.caller.user.clone(),
            by: spool.server().clone(),
            back_to: spool.generation_wanted(own, issue)?,
            revokes: false,
        };
        self.known().issuing = Some(one.number);
        let mut turn: Vec<&ChangeView> = views.servers.iter().collect();
        turn.sort_by_key(|view| view.server.key());
        let mut prepared: Vec<(ServerName, u32)> = Vec::new();
        let mut missing = views.silent.clone();
        for view in turn {
            let said = match replaced(view, &views) {
                Ok(replaces) => self.prepare_at(&view.server, (who, &one), replaces),
                Err(failure) => Err(failure),
            };
            match said {
                Ok(n) => prepared.push((view.server.clone(), n)),
                Err(failure) if failure.kind == FailureKind::Unreachable && issue.allow_partial => {
                    missing.push((view.server.clone(), failure.message));
                }
                Err(failure) => {
                    self.drop_at(&prepared, one.number);
                    return Err(failure);
                }
            }
            fault::point("change-preparing");
        }
        fault::point("change-prepared");
        let others: Vec<ServerName> = self.inner.dial.servers();
        let call = Call::of(&who.caller, &clock::now());
        // Here it is decided: whatever happens from now on, it counts.
        if spool.commit_generation(&call, one.number, others)?.is_none() {
            self.drop_at(&prepared, one.number);
            return Err(state("another generation was prepared here meanwhile".to_owned()));
        }
        fault::point("change-decided");
        let (mut servers, history) = (Vec::new(), self.own_view(Look::State)?.history);
        for (server, n) in prepared {
            if server != *spool.server()
                && let Err(failure) = self.tell(&server, one.number, &history)
            {
                missing.push((server, failure.message));
                continue;
            }
            servers.push((server, n));
            fault::point("change-told");
        }
        self.log(&format!("generation {} was issued by {}", one.number, one.who));
        Ok(Issued { number: one.number, servers, stragglers: missing })
    }

    fn prepare_at(
        &self,
        server: &ServerName,
        (who, one): (&OnBehalf, &Generation),
        replaces: Option<u64>,
    ) -> Result<u32, Failure> {
        let spool = &self.inner.spool;
        if server == spool.server() {
            return spool.prepare_generation(&Call::of(&who.caller, &clock::now()), one.clone(), replaces);
        }
        match self.ask_one(server, &PeerRequest::Prepare { generation: one.clone(), replaces }, STEP)? {
            PeerReply::Prepared(n) => Ok(n),
            _ => Err(odd(server)),
        }
    }

    /// Has servers drop what they have prepared. One that does not hear it finds out by itself.
    fn drop_at(&self, prepared: &[(ServerName, u32)], number: u64) {
        for (server, _) in prepared {
            let dropped = match server == self.inner.spool.server() {
                true => self.inner.spool.drop_generation(number, &clock::now()),
                false => self.ask_one(server, &PeerRequest::DropPrepared(number), LISTING.0).map(drop),
            };
            if let Err(failure) = dropped {
                self.log(&format!("generation {number} is still prepared on server {server}: {}", failure.message));
            }
        }
    }

    /// Tells a server that a generation counts.
    fn tell(&self, server: &ServerName, number: u64, history: &[Generation]) -> Result<(), Failure> {
        match self.ask_one(server, &PeerRequest::Commit { number, told: history.to_vec() }, STEP)? {
            PeerReply::Done => self.inner.spool.told_of_generation(server, &clock::now()),
            _ => Err(odd(server)),
        }
    }

    /// Notes which generation counts at a server that asks something. Why it is refused, if that one is ahead: rules that are not known
    /// here may hold there.
    pub(super) fn compare_generations(&self, from: &ServerName, theirs: u64) -> Result<Option<String>, Failure> {
        let spool = &self.inner.spool;
        let own = spool.generation()?.0;
        if theirs > own.saturating_add(LEAP) {
            return Ok(Some(odd_number(from, theirs, own)));
        }
        if theirs > own {
            self.inner.behind.store(true, Ordering::SeqCst);
            self.inner.changed.notify_all();
            let why = format!(
                "generation {theirs} counts on {from}, and {own} on {}, which is being caught up",
                spool.server()
            );
            return Ok(Some(why));
        }
        if theirs < own && !spool.change_work()?.1.contains(from) {
            spool.has_to_tell(from, &clock::now())?;
        }
        Ok(None)
    }

    /// Tells servers what they have missed, and finds out what this one has.
    pub(super) fn see_to_changes(&self) {
        let watch = self.watch();
        let begun = self.inner.spool.drop_undecided(&clock::now()).and_then(|()| self.inner.spool.generation());
        self.inner.behind.store(begun.is_ok_and(|(own, _)| own > 0), Ordering::SeqCst);
        let mut wait = WAITS.0;
        let mut said = None;
        while !self.is_over() {
            match self.change_round() {
                Ok(true) => {
                    self.pause(wait);
                    wait = (wait * 2).min(WAITS.1);
                    continue;
                }
                Ok(false) => (wait, said) = (WAITS.0, None),
                Err(failure) if said.as_ref() != Some(&failure.message) => {
                    self.log(&failure.message);
                    said = Some(failure.message);
                }
                Err(_) => {}
            }
            match &watch {
                Some(watch) => drop(watch.wait(LOOK)),
                None => self.pause(LOOK),
            }
        }
    }

    /// Does what is to be done now. Returns whether something is left.
    fn change_round(&self) -> Result<bool, Failure> {
        let spool = &self.inner.spool;
        let (prepared, stragglers, own) = spool.change_work()?;
        let mut left = false;
        if let Some(one) = prepared.filter(|one| one.by != *spool.server()) {
            // What is wrong with what another one tells of it keeps nothing else from being done.
            left |= !self.find_out(&one).unwrap_or_else(|failure| {
                self.log(&format!("generation {} is prepared here: {}", one.number, failure.message));
                false
            });
        }
        let members = self.inner.dial.servers();
        // First what is to be done here: others may not answer for a while.
        if self.inner.behind.load(Ordering::SeqCst) {
            match self.ahead(members.clone())? {
                Some(view) if view.generation > own => {
                    let number = spool.catch_up_with(view.history, &clock::now())?;
                    self.log(&format!("caught up with generation {number} of server {}", view.server));
                    self.inner.behind.store(false, Ordering::SeqCst);
                }
                Some(_) => self.inner.behind.store(false, Ordering::SeqCst),
                None => left = true,
            }
        }
        let (stragglers, left_us): (Vec<_>, Vec<_>) = stragglers.into_iter().partition(|one| members.contains(one));
        for server in left_us {
            spool.told_of_generation(&server, &clock::now())?;
        }
        // After catching up it is another one, with other servers to be told: the next round.
        let is_other = spool.generation()?.0 != own;
        left |= is_other && !stragglers.is_empty();
        if !stragglers.is_empty() && !is_other {
            let history = self.own_view(Look::State)?.history;
            for (server, told) in
                self.ask_each(stragglers, STEP, move |peers, server| peers.tell(server, own, &history))
            {
                match told {
                    Ok(()) => self.log(&format!("server {server} has generation {own} now")),
                    Err(_) => left = true,
                }
            }
        }
        Ok(left)
    }

    /// How the server stands that is ahead of all others; none where nobody answers.
    fn ahead(&self, members: Vec<ServerName>) -> Result<Option<ChangeView>, Failure> {
        if members.is_empty() {
            return self.own_view(Look::State).map(Some);
        }
        let mut views = self.change_views(Look::State)?;
        set_aside(&mut views);
        Ok(views.servers.into_iter().skip(1).max_by_key(|view| view.generation))
    }

    /// Finds out what became of a generation that is prepared here. Returns whether that is known.
    fn find_out(&self, one: &Generation) -> Result<bool, Failure> {
        let since = {
            let mut known = self.known();
            match known.prepared {
                Some((number, since)) if number == one.number => since,
                _ => known.prepared.insert((one.number, Instant::now())).1,
            }
        };
        if since.elapsed() < GRACE {
            return Ok(false);
        }
        let spool = &self.inner.spool;
        let mut views = self.change_views(Look::State)?;
        set_aside(&mut views);
        let others = || views.servers.iter().skip(1);
        if let Some(view) = others().find(|view| view.generation >= one.number) {
            let now = spool.catch_up_with(view.history.clone(), &clock::now())?;
            return Ok(now >= one.number);
        }
        let issuer = others().find(|view| view.server == one.by);
        let is_lost = match issuer {
            Some(view) => view.issuing != Some(one.number),
            None => !self.inner.dial.servers().contains(&one.by),
        };
        if is_lost {
            self.log(&format!("generation {} was not issued by server {}: it is dropped", one.number, one.by));
            spool.drop_generation(one.number, &clock::now())?;
        }
        Ok(is_lost)
    }
}

/// Why the number of a generation that a server tells is no number of this group.
fn odd_number(server: &ServerName, theirs: u64, own: u64) -> String {
    format!(
        "server {server} says that generation {theirs} counts there, and {own} counts here: that is no generation of this group"
    )
}

/// Counts servers that tell of generations that cannot be as those that do not answer: they keep nobody else from issuing.
fn set_aside(views: &mut ChangeViews) {
    let own = views.servers.first().map_or(0, |view| view.generation);
    let is_odd = |n: u64| n > own.saturating_add(LEAP);
    for view in std::mem::take(&mut views.servers) {
        let prepared = view.prepared.as_ref().map_or(0, |one| one.number);
        match view.generation.max(prepared) {
            n if is_odd(n) => views.silent.push((view.server.clone(), odd_number(&view.server, n, own))),
            _ => views.servers.push(view),
        }
    }
}

/// Which prepared generation of a server may be replaced, or who is issuing it.
fn replaced(view: &ChangeView, views: &ChangeViews) -> Result<Option<u64>, Failure> {
    let Some(one) = &view.prepared else { return Ok(None) };
    let issuer = views.servers.iter().find(|other| other.server == one.by);
    // One that does not answer was passed over by the operator.
    if issuer.is_some_and(|issuer| issuer.issuing == Some(one.number)) {
        let why = format!("server {} is issuing generation {} for {}: wait until it has", one.by, one.number, one.who);
        return Err(Failure::new(FailureKind::State, why));
    }
    Ok(Some(one.number))
}

/// A generation that is being issued here; dropped, another one may be.
struct Issuing<'a>(&'a Peers);

impl<'a> Issuing<'a> {
    fn begin(peers: &'a Peers) -> Option<Self> {
        let mut known = peers.known();
        if known.issuing.is_some() {
            return None;
        }
        known.issuing = Some(0);
        drop(known);
        Some(Self(peers))
    }
}

impl Drop for Issuing<'_> {
    fn drop(&mut self) {
        self.0.known().issuing = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::Mode;

    fn view(name: &str, generation: u64) -> ChangeView {
        ChangeView {
            server: name.parse().unwrap(),
            mode: Mode::Auto,
            stages: true,
            generation,
            prepared: None,
            issuing: None,
            history: Vec::new(),
            stragglers: Vec::new(),
            staged: Vec::new(),
            queues: Vec::new(),
            printers: Vec::new(),
            stations: Vec::new(),
            unreached: Vec::new(),
        }
    }

    #[test]
    fn a_server_with_a_number_that_cannot_be_keeps_nobody_from_issuing() {
        let mut views = ChangeViews {
            servers: vec![view("acme1", 4), view("acme2", u64::MAX - 1), view("acme3", 6)],
            silent: Vec::new(),
        };
        set_aside(&mut views);
        let names: Vec<&str> = views.servers.iter().map(|view| view.server.as_str()).collect();
        assert_eq!(names, ["acme1", "acme3"]);
        assert!(views.silent[0].1.contains("no generation of this group"), "{:?}", views.silent);
    }
}
