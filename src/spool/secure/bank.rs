//! The bank of a station: an external program that says who may log on, and who pays for a release.
//!
//! The program lies in the directory for programs of others, has no rights but a directory of its own which stays (for its books),
//! and a time ([`crate::model::bank`], `sys::spawn`). One question is one run. Whatever it does but answer in time, it is a bank that
//! does not answer: nobody is let in, and nothing is released.
//!
//! A release that is paid for: the debit is on record as asked for → the program says yes → the job is released in one transaction
//! with the debit as paid → it has printed: settled. When the release fails after that, when the job ends unprinted, and when nobody
//! knows what the program did, the debit is owed back: the program is asked for that until it says yes. It knows each debit by its
//! id, so it may be asked twice. A job that was paid for and comes back unprinted is released again without a second debit.
//!
//! Why not debit when it has printed? Somebody whose money is gone by then would have his paper already.

use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::model::bank::{Answer, Question};
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::printable::escaped;
use crate::model::time::Moment;
use crate::model::{Call, Caller, Failure, FailureKind, JobRef};
use crate::store::charge::{ChargeRow, ChargeState};
use crate::store::{self, Fallible, Tx};
use crate::sys::files;
use crate::sys::spawn::{self, Ended, Filter, FilterLimits};

use super::texts;
use crate::model::field::Value;
use crate::spool::disk::scratch::Scratch;
use crate::spool::{Room, Spool};

/// How long an answer may take, where `PD_BANK_SECONDS` says nothing.
const SECONDS: u64 = 10;
/// Octets of an answer.
const MOST_ANSWER: usize = 4096;
/// What a program may use.
const LIMITS: FilterLimits = FilterLimits { seconds: 10, file_octets: 1 << 30, memory: 1 << 30, processes: 256 };
/// When a debit of which nobody knows what became of it is owed back.
const UNKNOWN_AFTER_MS: i64 = 120_000;
/// When the program is asked again for what it did not give back.
const AGAIN_MS: i64 = 60_000;
/// Debits that are given back in one go.
pub(crate) const REFUNDS: u32 = 16;
/// The same where somebody waits.
pub(super) const FEW_REFUNDS: u32 = 2;

/// The result on record of a release that is not paid for.
pub(crate) const OVER_LIMIT: &str = "over-limit";
/// That of a bank which does not answer.
pub(crate) const SILENT: &str = "bank-silent";

/// What a station says of its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bank {
    /// Its name.
    pub(super) program: String,
    /// Whether releases are paid for.
    pub(super) charges: bool,
}

/// A debit that stands.
pub(super) struct Paid(ChargeRow);

impl Paid {
    /// Its name, for the transaction that releases.
    pub(super) fn id(&self) -> &str {
        &self.0.id
    }
}

/// What is released, as the program is told.
pub(super) struct Goods<'a> {
    pub(super) correlation: &'a str,
    pub(super) queue: &'a str,
    pub(super) printer: &'a str,
    pub(super) pages: Option<u64>,
    pub(super) octets: u64,
    pub(super) attributes: &'a [String],
}

/// Returns the bank of a station that has one.
pub(super) fn bank_of(tx: &Tx<'_>, station: &ObjectName) -> Fallible<Option<Bank>> {
    let class = ObjectClass::Station;
    let Some(row) = store::object::by_name(tx, class, station)? else { return Ok(None) };
    let values = store::object::values(tx, class, row.id)?;
    let program = texts(values.get("bank-program").map(|all| Value::Many(all.clone()))).pop();
    let charges = values.get("bank-charges").and_then(|all| all.first()) == Some(&Value::Boolean(true));
    Ok(match (program, charges) {
        (None, false) => None,
        // Where somebody has to pay and no program is named, nobody can: nothing prints for nothing.
        (program, charges) => Some(Bank { program: program.unwrap_or_else(|| "bank-program".to_owned()), charges }),
    })
}

/// Whether a release at that station has to be paid for, and is not.
pub(super) fn is_unpaid(tx: &Tx<'_>, station: &ObjectName, correlation: &str) -> Fallible<bool> {
    Ok(bank_of(tx, station)?.is_some_and(|bank| bank.charges) && !store::charge::is_paid(tx, correlation)?)
}

/// The failure where a bank does not answer. `why` is for whoever runs it.
fn silent(program: &str, why: &str) -> Failure {
    Failure::new(FailureKind::State, format!("the bank does not answer: {program} {why}"))
        .hint("docs/secure-release.md says what the program of a bank has to do")
}

/// How long an answer may take.
fn patience() -> Duration {
    let told =
        std::env::var("PD_BANK_SECONDS").ok().and_then(|text| text.parse().ok()).filter(|n| (1..=60).contains(n));
    Duration::from_secs(told.unwrap_or(SECONDS))
}

impl Spool {
    /// Asks the program of a bank.
    fn ask_bank(&self, program: &str, question: &Question) -> Fallible<Answer> {
        self.run_bank(program, question).map_err(|why| silent(program, &why))
    }

    fn run_bank(&self, name: &str, question: &Question) -> Result<Answer, String> {
        let io = |doing: &'static str| move |error: io::Error| format!("was not run: {doing}: {error}");
        let program = spawn::libexec_program(name).map_err(|why| format!("was not run: {why}"))?;
        let books = self.base().books(self.server(), name);
        DirBuilder::new().recursive(true).mode(0o700).create(&books).map_err(io("its directory cannot be made"))?;
        let scratch = Scratch::new(self.base()).map_err(io("no room for the note of who it is"))?;
        let note = scratch.note().map_err(io("no note of who it is"))?;
        // Never on a disk: there is a PIN in it.
        let mut input = files::file_in_memory().map_err(io("no memory for its question"))?;
        io::Write::write_all(&mut input, question.text().as_bytes()).map_err(io("no memory for its question"))?;
        let mut filter =
            Filter::start(&program, &input, (&books, note), &[], LIMITS).map_err(io("it cannot be started"))?;
        let until = Instant::now() + patience();
        let mut output = Vec::new();
        let mut take = |octets: &[u8]| {
            output.extend_from_slice(octets);
            if output.len() > MOST_ANSWER { Err(io::Error::other("its answer is too long")) } else { Ok(()) }
        };
        loop {
            match filter.pump(&mut take).map_err(|error| format!("was ended: {error}"))? {
                Some(Ended::Status(0)) => break,
                Some(Ended::Status(code)) => return Err(format!("ended with status {code}{}", said(&filter))),
                Some(Ended::Signal(signal)) => return Err(format!("was ended by signal {signal}{}", said(&filter))),
                Some(Ended::Late) | None => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("did not answer within {} s", patience().as_secs()));
            }
            let wait = PollTimeout::try_from(left.min(Duration::from_secs(1))).unwrap_or(PollTimeout::ZERO);
            match poll(&mut [PollFd::new(filter.news().as_fd(), PollFlags::POLLIN)], wait) {
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(error) => return Err(format!("cannot be waited for: {error}")),
            }
        }
        Answer::parse(&output).ok_or_else(|| format!("answered nothing that is known{}", said(&filter)))
    }

    /// Asks the bank of a station who it is that typed this; none whom it does not know.
    pub(super) fn ask_who(
        &self,
        station: &ObjectName,
        program: &str,
        question: Question,
    ) -> Fallible<Option<ObjectName>> {
        match self.ask_bank(program, &question.with("station", station.as_str()))? {
            Answer::Yes(name) => {
                let name = name.parse();
                name.map(Some).map_err(|_| silent(program, "lets in somebody whose name is none"))
            }
            Answer::No(_) | Answer::OverLimit(_) => Ok(None),
        }
    }

    /// Asks the bank of a station what somebody has left; none where nobody pays there.
    pub(crate) fn balance(&self, call: &Call, station: &ObjectName) -> Fallible<Option<String>> {
        let Some(bank) = self.look(call, |tx| bank_of(tx, station))?.filter(|bank| bank.charges) else {
            return Ok(None);
        };
        let question = Question::new("balance").with("station", station.as_str());
        match self.ask_bank(&bank.program, &whose(question, call.caller()?))? {
            Answer::Yes(text) if !text.is_empty() => Ok(Some(text)),
            _ => Ok(None),
        }
    }

    /// Has the caller pay for a release, if his station wants that and it is not paid for yet. The other way round than everything
    /// else here: what is written first is that nobody knows.
    ///
    /// # Errors
    /// `State` where he has not enough, or the bank does not answer; then `result` is what goes on record.
    pub(super) fn pay(
        &self,
        call: &Call,
        station: &ObjectName,
        goods: &Goods<'_>,
    ) -> Result<Option<Paid>, (Failure, &'static str)> {
        let plain = |failure: Failure| (failure, SILENT);
        let bank = self
            .look(call, |tx| {
                Ok(bank_of(tx, station)?
                    .filter(|bank| bank.charges)
                    .zip(Some(store::charge::is_paid(tx, goods.correlation)?)))
            })
            .map_err(plain)?;
        let Some((bank, false)) = bank else { return Ok(None) };
        let began = Instant::now();
        // What is owed comes first: it may be his. What does not succeed is tried again later.
        self.refund_owed(FEW_REFUNDS, &call.now);
        let caller = call.caller().map_err(plain)?;
        let id =
            files::random_name(20).map_err(|error| plain(Failure::internal(format!("no random octets: {error}"))))?;
        let row = ChargeRow {
            id: id.clone(),
            correlation: goods.correlation.to_owned(),
            program: bank.program.clone(),
            station: station.to_string(),
            who: caller.identity(),
            paid: false,
        };
        let asked = row.clone();
        // The release was asked for before that, and what was given back meanwhile took its time.
        let later = i64::try_from(began.elapsed().as_millis()).unwrap_or(0).saturating_add(UNKNOWN_AFTER_MS);
        self.change(Room::Gives, call, move |tx| {
            store::charge::ask(tx, &asked, tx.now().wall_ms.saturating_add(later))
        })
        .map_err(plain)?;
        let pages = goods.pages.map_or_else(|| "unknown".to_owned(), |pages| pages.to_string());
        let question = whose(Question::new("debit").with("id", &id).with("station", station.as_str()), caller)
            .with("job", goods.correlation)
            .with("queue", goods.queue)
            .with("printer", goods.printer)
            .with("pages", &pages)
            .with("octets", &goods.octets.to_string())
            .with("attributes", &goods.attributes.join(" "));
        match self.ask_bank(&bank.program, &question) {
            Ok(Answer::Yes(_)) => Ok(Some(Paid(row))),
            Ok(Answer::OverLimit(text) | Answer::No(text)) => {
                self.change(Room::Gives, call, move |tx| store::charge::forget(tx, &id)).map_err(plain)?;
                let text = if text.is_empty() { text } else { format!(": {}", escaped(&text)) };
                Err((Failure::new(FailureKind::State, format!("there is not enough to pay for it{text}")), OVER_LIMIT))
            }
            Err(failure) => {
                // It may have taken it.
                self.owe_back(call, &Paid(row));
                Err(plain(failure))
            }
        }
    }

    /// The release that was paid for has failed.
    pub(super) fn owe_back(&self, call: &Call, paid: &Paid) {
        let row = paid.0.clone();
        // Where that cannot be written, the row says that nobody knows, and it is given back later.
        let _ = self.change(Room::Gives, call, move |tx| store::charge::owe_back(tx, &row));
    }

    /// Notes that a job of another server was paid for, before it is claimed: it may have printed before the answer is here.
    pub(super) fn pay_before_claim(&self, call: &Call, paid: &Paid) -> Fallible<()> {
        let id = paid.id().to_owned();
        self.change(Room::Gives, call, move |tx| {
            // Where a crash keeps it from being claimed, nothing else ever looks at it.
            let due = tx.now().wall_ms.saturating_add(UNKNOWN_AFTER_MS);
            store::charge::set(tx, &id, ChargeState::Paid, Some(due))
        })
    }

    /// Finds out what became of a job of another server that was paid for a while ago: it is here, or was never claimed.
    fn see_to_claim(&self, call: &Call, row: &ChargeRow) -> Fallible<()> {
        let (row, server) = (row.clone(), self.server().clone());
        self.change(Room::Gives, call, move |tx| {
            let here = match store::remote::global(&row.correlation) {
                Some(job) => store::job::by_ref(tx, &JobRef::Global(job), 0, server.as_str())?.is_some(),
                None => false,
            };
            match here {
                true => store::charge::set(tx, &row.id, ChargeState::Paid, None),
                false => store::charge::owe_back(tx, &row),
            }
        })
    }

    /// Whether a bank is to be asked to give something back now.
    pub fn owes(&self, now: &Moment) -> bool {
        self.look(&Call::of_spooler(now), |tx| Ok(!store::charge::due(tx, tx.now().wall_ms, 1)?.is_empty()))
            .unwrap_or(false)
    }

    /// Has banks give back what is owed, `most` debits at a time. Returns what did not succeed, in words.
    pub fn refund_owed(&self, most: u32, now: &Moment) -> Vec<String> {
        static ONE: Mutex<()> = Mutex::new(());
        // Another thread is at it.
        let Ok(_alone) = ONE.try_lock() else { return Vec::new() };
        let call = Call::of_spooler(now);
        let due = match self.look(&call, |tx| store::charge::due(tx, tx.now().wall_ms, most)) {
            Ok(due) => due,
            Err(failure) => return vec![failure.message],
        };
        let (mut failed, mut hangs) = (Vec::new(), BTreeSet::new());
        for row in due {
            if row.paid {
                failed.extend(self.see_to_claim(&call, &row).err().map(|failure| failure.message));
                continue;
            }
            // A bank that does not answer is not asked twice in a row, and holds nobody else up.
            if hangs.contains(&row.program) {
                continue;
            }
            // As the debit named him: the realm stands behind the last sign.
            let (user, realm) = row.who.rsplit_once('@').unwrap_or((&row.who, ""));
            let question = Question::new("refund")
                .with("id", &row.id)
                .with("station", &row.station)
                .with("user", user)
                .with("realm", realm)
                .with("job", &row.correlation);
            let given = match self.ask_bank(&row.program, &question) {
                Ok(Answer::Yes(_)) => Ok(()),
                Ok(_) => Err(format!("{} does not give back {} for job {}", row.program, row.id, row.correlation)),
                Err(failure) => {
                    hangs.insert(row.program.clone());
                    Err(format!("{}: {} is owed for job {}", failure.message, row.id, row.correlation))
                }
            };
            let (id, is_given) = (row.id.clone(), given.is_ok());
            let settled = self.change(Room::Gives, &call, move |tx| match is_given {
                true => store::charge::forget(tx, &id),
                false => {
                    let again = tx.now().wall_ms.saturating_add(AGAIN_MS);
                    store::charge::set(tx, &id, ChargeState::OwedBack, Some(again))
                }
            });
            failed.extend(given.err());
            failed.extend(settled.err().map(|failure| failure.message));
        }
        failed
    }
}

fn said(filter: &Filter) -> String {
    let words = filter.last_words();
    let last = words.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    if last.is_empty() {
        String::new()
    } else {
        format!(", and said: {}", escaped(&last.chars().take(200).collect::<String>()))
    }
}

/// With who it is that pays.
fn whose(question: Question, caller: &Caller) -> Question {
    question.with("user", &caller.user).with("realm", &caller.host)
}
