//! SPOOLER: the spooler as a whole.

use crate::commands::findings;
use crate::commands::shell::{Exit, Intent};
use crate::commands::spoolcom::displays::spooler::NamedSpooler;
use crate::commands::spoolcom::displays::{Listing, given, statistics};
use crate::commands::spoolcom::language::grammar::SpoolerSubcommand;
use crate::commands::spoolcom::language::messages::{Message, Subject};
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::out_name::OutName;
use crate::commands::spoolcom::language::tree::{Command, Subcommand};
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::output;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::access::{AccessChange, AccessObject};
use crate::model::authority::UserLimit;
use crate::model::job::RawPath;
use crate::model::space::Reserve;
use crate::model::state::SpoolerState;
use crate::model::{Call, Failure, FailureKind, printable};
use crate::spool::disk::fsck::{self, Wanted};
use crate::spool::disk::paths::Base;
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::Intended;
use crate::sys::{clock, users};

use super::operands::{Source, Step, access_change, most, run_steps, warn, wrong};

/// What one SPOOLER subcommand does.
#[derive(Clone, Debug, PartialEq)]
pub enum SpoolerAction {
    /// ACCESS
    Access(AccessChange),
    /// USERJOBS, USEROCTETS, USEROPENS
    Limit(UserLimit, Option<u64>),
    /// RESERVE
    Reserve(Option<Reserve>),
    /// What needs no further meaning.
    Plain(SpoolerSubcommand),
}

/// A SPOOLER command.
#[derive(Clone, Debug, PartialEq)]
pub struct SpoolerStatement {
    warnings: Vec<String>,
    steps: Vec<Step<SpoolerAction>>,
}

/// Returns what `subcommand` does.
fn action(subcommand: &Subcommand) -> Result<SpoolerAction, Mistake> {
    let limit = |limit: UserLimit, text: Option<String>| {
        let most = most(subcommand, text.as_deref(), limit == UserLimit::Octets)?;
        Ok(SpoolerAction::Limit(limit, most))
    };
    match subcommand.read()? {
        SpoolerSubcommand::Access(rule) => Ok(SpoolerAction::Access(access_change(subcommand, rule.as_deref())?)),
        SpoolerSubcommand::UserJobs(text) => limit(UserLimit::Jobs, text),
        SpoolerSubcommand::UserOctets(text) => limit(UserLimit::Octets, text),
        SpoolerSubcommand::UserOpens(text) => limit(UserLimit::Opens, text),
        SpoolerSubcommand::Reserve(text) => {
            let reserve = text.map(|text| text.parse::<Reserve>()).transpose();
            reserve.map(SpoolerAction::Reserve).map_err(|failure| wrong(subcommand, failure))
        }
        plain => Ok(SpoolerAction::Plain(plain)),
    }
}

impl SpoolerStatement {
    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let (mut steps, mut warnings) = (Vec::new(), Vec::new());
        for subcommand in &command.subcommands {
            let meant = action(subcommand)?;
            match &meant {
                SpoolerAction::Plain(SpoolerSubcommand::ErrLog(Some(name))) if !log_file(subcommand, name)? => warnings
                    .push(format!(
                        "WARNING: ERRLOG {name} HAS NO EFFECT HERE: messages stay in the log of the spool ({})",
                        source.place(command, None)
                    )),
                SpoolerAction::Plain(SpoolerSubcommand::Dump(name)) => dump_file(subcommand, name)?,
                _ => {}
            }
            steps.push(source.step(command, Some(subcommand), meant));
        }
        if let Some(Step { action: SpoolerAction::Plain(SpoolerSubcommand::Rebuild), .. }) = steps.iter().rev().nth(1) {
            let last = command.subcommands.last().map_or(command.head, |subcommand| subcommand.span);
            return Err(Mistake::new(
                Message::Syntax,
                last,
                "REBUILD is the last of its command: it closes the spooler",
            ));
        }
        if steps.is_empty() {
            let status = SpoolerAction::Plain(SpoolerSubcommand::Status(DisplayRequest::default()));
            steps.push(source.step(command, None, status));
        }
        Ok(Self { warnings, steps })
    }

    /// Whether START is among its subcommands.
    pub fn starts(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, SpoolerAction::Plain(SpoolerSubcommand::Start)))
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        let looks = |step: &Step<SpoolerAction>| match &step.action {
            SpoolerAction::Plain(SpoolerSubcommand::Status(display) | SpoolerSubcommand::Statistics(display)) => {
                display.intent() == Intent::Read
            }
            _ => false,
        };
        if self.steps.iter().all(looks) { Intent::Read } else { Intent::Write }
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        warn(&self.warnings, session);
        run_steps(&self.steps, session, execute)
    }
}

/// Whether ERRLOG names a file; a console or a process is none.
fn log_file(subcommand: &Subcommand, name: &str) -> Result<bool, Mistake> {
    let read = OutName::read(name).map_err(|why| subcommand.bad_value(why))?;
    Ok(matches!(read, OutName::File(_) | OutName::Guardian(_)))
}

fn dump_file(subcommand: &Subcommand, name: &str) -> Result<(), Mistake> {
    match OutName::read(name).map_err(|why| subcommand.bad_value(why))? {
        OutName::File(_) | OutName::Guardian(_) => Ok(()),
        OutName::Console | OutName::Job { .. } => Err(subcommand.bad_value(format!("{name} is no file"))),
    }
}

fn execute(action: &SpoolerAction, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let about = |failure| EarlyEnd::Failed(failure, Subject::Spooler);
    let subcommand = match action {
        SpoolerAction::Access(change) => {
            return session.spool()?.set_access(AccessObject::Spooler, vec![change.clone()]).map_err(about);
        }
        SpoolerAction::Limit(limit, most) => return session.spool()?.set_user_limit(*limit, *most).map_err(about),
        SpoolerAction::Reserve(reserve) => return session.spool()?.set_reserve(*reserve).map_err(about),
        SpoolerAction::Plain(subcommand) => subcommand,
    };
    match subcommand {
        // Their meaning is an action of its own.
        SpoolerSubcommand::Access(_)
        | SpoolerSubcommand::Reserve(_)
        | SpoolerSubcommand::UserJobs(_)
        | SpoolerSubcommand::UserOctets(_)
        | SpoolerSubcommand::UserOpens(_) => Ok(()),
        SpoolerSubcommand::Fastcnfg(path) => {
            let path = path.clone().map(|path| RawPath(path.into()));
            session.spool()?.set_fastcnfg(path).map_err(about)
        }
        SpoolerSubcommand::Start => {
            session.spool()?.start_spooler().map_err(about)?;
            for lacks in session.spool()?.unready_devices().map_err(about)? {
                let mut text = format!("WARNING: NOT STARTED: {}", lacks.message);
                lacks.hints.iter().for_each(|hint| text.push_str(&format!("\n  hint: {hint}")));
                // A closed standard error must not turn into a failure.
                let _ = writeln!(session.err, "{text}");
            }
            Ok(())
        }
        SpoolerSubcommand::ErrLog(name) => session.spool()?.set_error_log(name.clone()).map_err(about),
        SpoolerSubcommand::Dump(name) => {
            let cwd = session.cwd.clone();
            let spool = session.spool()?;
            let path = match OutName::read(name) {
                // Whoever has the spool makes the directory, too: it may be a server of another account.
                Ok(OutName::Guardian(name)) => output::guardian(&name, spool, false)?,
                _ => cwd.join(name),
            };
            spool.dump(RawPath(path)).map_err(about)
        }
        SpoolerSubcommand::Statistics(display) => {
            let name = session.supervisor.clone();
            session.show(display, |spool, out, style| {
                let counted = spool.statistics().map_err(about)?;
                Ok(statistics::show(out, style, &name, &counted)?)
            })
        }
        SpoolerSubcommand::Rebuild => rebuild(session),
        SpoolerSubcommand::Drain => session.spool()?.drain_spooler().map_err(about),
        SpoolerSubcommand::MgrAccess(on) => session.spool()?.set_manager_access(*on).map_err(about),
        SpoolerSubcommand::Status(display) => {
            let name = session.supervisor.clone();
            session.show(display, |spool, out, style| {
                let mut listing = Listing::new(out, style);
                let status = spool.about().map_err(about)?;
                let objects = if style.detail { other_objects(spool).map_err(about)? } else { Vec::new() };
                listing.page(&[NamedSpooler { name, status, objects }])?;
                Ok(listing.end()?)
            })
        }
    }
}

/// Objects of a class that DETAIL names: people may be thousands.
const NAMED: u32 = 20;

/// Returns the objects that InfoPrint commands made and that have no command of ours, each as a line.
fn other_objects(spool: &mut dyn Operations) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut lines = Vec::new();
    for (class, word) in given::CLASSES {
        let page = spool.objects(*class, None, None, NAMED)?;
        lines.extend(page.rows.iter().map(|object| (*word, given::in_one_line(object))));
        if page.next.is_some() {
            lines.push((*word, format!("MORE: pdls -c {class} LISTS THEM")));
        }
    }
    Ok(lines)
}

/// Looks at the whole spool and mends it. The spool is closed for that; the next command opens it again.
fn rebuild(session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let about = session.spool()?.about()?;
    if !matches!(about.state, SpoolerState::Cold | SpoolerState::Warm) {
        session.spool()?.demand_right(Intended::ChangeSpooler)?;
        let failure = Failure::new(FailureKind::State, format!("the spooler is {}", about.state.word()));
        let failure = failure.hint("SPOOLER, DRAIN first; REBUILD when it is WARM");
        return Err(EarlyEnd::Failed(failure, Subject::Spooler));
    }
    session.spool = None;
    let call = Call::of(&users::caller_without_groups(), &clock::now());
    let report = fsck::check(&Base::new(about.base.0), Wanted { repair: true, accept: false }, &call)
        .map_err(|failure| EarlyEnd::Failed(failure, Subject::Spooler))?;
    if session.json {
        let json = serde_json::to_value(&report).map_err(Failure::internal)?;
        writeln!(session.out, "[\n{}\n]", printable::json(&json.to_string()))?;
    } else {
        findings::show(&report, session.out)?;
    }
    if report.is_clean() { Ok(()) } else { Err(EarlyEnd::Reported(Exit::Failed)) }
}
