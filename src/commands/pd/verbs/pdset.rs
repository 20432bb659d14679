//! `pdset`: sets attributes of destinations, queues and the server, and of jobs by the rules of `pdmod`.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::commands::pd::command_line::flags::{MessageFlag, ObjectAttributes, ObjectClassFlag, ServerFlag};
use crate::commands::pd::command_line::operation_class::take_one_of;
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::jobs::changes::AlterationRequest;
use crate::commands::pd::managed::pin;
use crate::commands::pd::managed::request::{ManagedRequest, ShowFlags, say_staged};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;
use crate::model::Failure;
use crate::model::bank::CardChange;

const PROGRAM: &str = "pdset";

/// Set attributes of destinations, queues, the server, and jobs.
///
/// For each object all the changes hold, or none of them. An actual destination must be disabled (pddisable) while it is
/// changed. What change control stages is written down, says so, and counts when it is issued (pdchange). With -c job the rules of pdmod hold: a job that is printing takes job-hold=true alone.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    class: ObjectClassFlag,
    #[command(flatten)]
    message: MessageFlag,
    #[command(flatten)]
    show: ShowFlags,
    #[command(flatten)]
    attributes: ObjectAttributes,
    /// With -c user: sets the PIN with which the users log on at stations. It is read from standard input, or asked for at a terminal
    #[arg(long, conflicts_with = "no_pin")]
    pin: bool,
    /// With -c user: takes the PIN from the users
    #[arg(long)]
    no_pin: bool,
    /// With -c user: gives the user a card with which he logs on at stations. Its number is read from standard input, or asked for at a
    /// terminal
    #[arg(long, conflicts_with_all = ["pin", "no_pin"])]
    card: bool,
    /// With --card: it is a guest card, good for so many hours
    #[arg(long, value_name = "HOURS", requires = "card")]
    guest: Option<u32>,
    /// With -c user: takes a card from the user. Its number is read as that of --card
    #[arg(long, conflicts_with_all = ["pin", "no_pin", "card"])]
    no_card: bool,
    /// With -c user: takes all cards from the users
    #[arg(long, conflicts_with_all = ["pin", "no_pin", "card", "no_card"])]
    no_cards: bool,
    /// Objects: [server:]name; with -c job local ids, ten digits, or server:digits
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::managing,
    names: Names::ALTERS_BY_CLASS,
    settings: &[Setting::OperationClass, Setting::Message, Setting::Requested, Setting::Style, Setting::Headings],
    act: set,
};

/// Runs `pdset` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn set(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let accepted = [
        Class::Destination,
        Class::Queue,
        Class::Server,
        Class::Job,
        Class::Medium,
        Class::InitialValueJob,
        Class::InitialValueDocument,
        Class::Station,
        Class::User,
    ];
    let class = take_one_of(&mut line.items, &accepted, PROGRAM)?;
    let (clock, bare) = (clock(shell), line.matches.get_flag("bare"));
    let items = std::mem::take(&mut line.items);
    if class == Class::Job {
        let request = AlterationRequest::of(items, bare, &clock)?;
        let mut spool = line.open(shell, Intent::Write)?;
        return request.apply(spool.as_mut(), shell, PROGRAM, &clock);
    }
    let request = ManagedRequest::of(items, class, false, bare, clock)?;
    let (sets, takes) = (line.matches.get_flag("pin"), line.matches.get_flag("no_pin"));
    if sets || takes {
        return set_pin(&request, class, sets, &mut line, shell);
    }
    let of_card = [("card", CardAct::Add), ("no_card", CardAct::Take), ("no_cards", CardAct::TakeAll)];
    if let Some((_, act)) = of_card.into_iter().find(|(name, _)| line.matches.get_flag(name)) {
        return set_card(&request, class, act, &mut line, shell);
    }
    if request.changes.is_empty() && request.message.is_none() {
        return Err(
            Stop::usage("nothing is to be changed").hint("-x \"descriptor='mail room'\"   changes an attribute")
        );
    }
    let mut spool = line.open(shell, Intent::Write)?;
    request.each(spool.as_mut(), shell, PROGRAM, &mut |spool, shell, object| {
        let staged = spool.set_managed(object.clone(), request.changes.clone(), request.message.clone())?;
        say_staged(shell, PROGRAM, object, staged)
    })
}

/// What is done with cards.
#[derive(Clone, Copy)]
enum CardAct {
    Add,
    Take,
    TakeAll,
}

/// Gives a user a card, or takes cards from users.
fn set_card(
    request: &ManagedRequest,
    class: Class,
    act: CardAct,
    line: &mut CommandLine,
    shell: &mut Shell<'_>,
) -> Result<Exit, Stop> {
    if class != Class::User {
        return Err(Stop::usage("users have cards, and nothing else has").hint("pdset -c user --card NAME   adds one"));
    }
    if !request.changes.is_empty() || request.message.is_some() {
        return Err(Stop::usage("a card is set alone").hint("a second pdset changes attributes"));
    }
    let change = match act {
        CardAct::Add => {
            let hours = line.matches.get_one::<u32>("guest").copied();
            CardChange::Add { number: pin::read_card(shell)?, hours }
        }
        CardAct::Take => CardChange::Take(pin::read_card(shell)?),
        CardAct::TakeAll => CardChange::TakeAll,
    };
    let mut spool = line.open(shell, Intent::Write)?;
    request.each(spool.as_mut(), shell, PROGRAM, &mut |spool, _, object| {
        spool.set_card(object.name.parse().map_err(Failure::from)?, change.clone())
    })
}

/// Sets the PIN of users, or takes it from them.
fn set_pin(
    request: &ManagedRequest,
    class: Class,
    sets: bool,
    line: &mut CommandLine,
    shell: &mut Shell<'_>,
) -> Result<Exit, Stop> {
    if class != Class::User {
        return Err(Stop::usage("users have PINs, and nothing else has").hint("pdset -c user --pin NAME   sets one"));
    }
    if !request.changes.is_empty() || request.message.is_some() {
        return Err(Stop::usage("a PIN is set alone").hint("a second pdset changes attributes"));
    }
    let pin = match sets {
        true => Some(pin::read(shell)?),
        false => None,
    };
    let mut spool = line.open(shell, Intent::Write)?;
    request.each(spool.as_mut(), shell, PROGRAM, &mut |spool, _, object| {
        spool.set_pin(object.name.parse().map_err(Failure::from)?, pin.clone())
    })
}
