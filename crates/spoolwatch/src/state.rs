//! The screen as a value: what was looked at, what is selected, what is asked; and what a key does to it. Nothing here reads or
//! draws.
//!
//! States: watching → asking (a command is shown) → running it, or watching again. Only `y` runs what is asked.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use spoolsuite::commands::desk::{Act, Desk, Handles, JobRow, PrintingRow, QueueRow, TroubleRow, Wanted};
use spoolsuite::model::location::Destination;

/// What becomes of a screen after a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// It is drawn again.
    Draw,
    /// The spool is looked at again.
    Look,
    /// The same, and everything is drawn again.
    Again,
    /// This command of SPOOLCOM is carried out.
    Run(String),
    /// It ends, with this status.
    Quit(u8),
}

/// What one line of a list is about. A row keeps its name when the list changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A trouble: its kind and object.
    Trouble(String, String),
    /// A job on a device.
    Printing(u32, String),
    /// A queue.
    Queue(String),
    /// A job.
    Job(u32),
}

/// A row of a list.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// A trouble.
    Trouble(&'a TroubleRow),
    /// What prints.
    Printing(&'a PrintingRow),
    /// A queue.
    Queue(&'a QueueRow),
    /// A job.
    Job(&'a JobRow),
}

impl Row<'_> {
    /// Returns its name.
    pub fn name(&self) -> Name {
        match self {
            Self::Trouble(row) => Name::Trouble(row.kind.to_owned(), row.object.clone()),
            Self::Printing(row) => Name::Printing(row.job.get(), row.device.clone()),
            Self::Queue(row) => Name::Queue(row.name.clone()),
            Self::Job(row) => Name::Job(row.job.get()),
        }
    }

    fn handles(&self) -> &Handles {
        match self {
            Self::Trouble(row) => &row.handles,
            Self::Printing(row) => &row.handles,
            Self::Queue(row) => &row.handles,
            Self::Job(row) => &row.handles,
        }
    }
}

/// What the keys do now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They select and ask.
    #[default]
    Watching,
    /// They answer whether this command is to run.
    Asking(String),
    /// They end the page about keys.
    Keys,
}

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Colours.
    pub colours: bool,
    /// Bold and reversed text.
    pub styles: bool,
    /// Characters beyond ASCII.
    pub utf8: bool,
}

impl Abilities {
    /// What the environment says of the terminal.
    pub fn of(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let term = env("TERM").unwrap_or_default();
        let styles = !matches!(term.as_str(), "" | "dumb" | "unknown");
        let no_colour = env("NO_COLOR").is_some_and(|value| !value.is_empty());
        let monochrome = term.starts_with("vt") || ["-m", "-mono"].iter().any(|end| term.ends_with(end));
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env(name).filter(|v| !v.is_empty()));
        let locale = locale.unwrap_or_default().to_lowercase();
        let utf8 = locale.ends_with("utf-8") || locale.ends_with("utf8") || locale.contains(".utf-8@");
        Self { colours: styles && !no_colour && !monochrome, styles, utf8 }
    }
}

/// The screen.
#[derive(Clone, Debug)]
pub struct Screen {
    /// What the terminal can show.
    pub abilities: Abilities,
    /// The last look.
    pub desk: Option<Desk>,
    /// Why there is no newer one.
    pub problem: Option<String>,
    /// What became of the last command.
    pub message: Option<String>,
    /// What the keys do.
    pub mode: Mode,
    /// The command that is being carried out.
    pub running: Option<String>,
    /// Whether all troubles are shown, however many rows they take.
    pub all_troubles: bool,
    selected: Option<Name>,
    /// Where the selected row stood.
    at: usize,
    queue: Option<Destination>,
    lines: u16,
}

impl Screen {
    /// A screen on which nothing stands yet.
    pub fn new(abilities: Abilities) -> Self {
        Self {
            abilities,
            desk: None,
            problem: None,
            message: None,
            mode: Mode::Watching,
            running: None,
            all_troubles: false,
            selected: None,
            at: 0,
            queue: None,
            lines: 24,
        }
    }

    /// Notes how many lines the terminal has.
    pub fn resized(&mut self, lines: u16) {
        self.lines = lines;
    }

    /// Returns what the next look is to bring: no more rows than there are lines.
    pub fn wanted(&self) -> Wanted {
        Wanted { rows: u32::from(self.lines.clamp(5, 200)), queue: self.queue.clone() }
    }

    /// Takes a new look.
    pub fn looked(&mut self, found: Result<Desk, String>) {
        match found {
            Ok(desk) => {
                (self.desk, self.problem) = (Some(desk), None);
                self.keep_selection();
            }
            Err(why) => self.problem = Some(why),
        }
    }

    /// A command has ended.
    pub fn ran(&mut self, answer: String) {
        self.running = None;
        self.message = Some(answer);
    }

    /// Returns the rows of all lists, from above.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let Some(desk) = &self.desk else { return Vec::new() };
        let troubles = desk.troubles.iter().map(Row::Trouble);
        let printing = desk.printing.iter().map(Row::Printing);
        let queues = desk.queues.iter().map(Row::Queue);
        troubles.chain(printing).chain(queues).chain(desk.jobs.iter().map(Row::Job)).collect()
    }

    /// Tells whether a row is the selected one.
    pub fn is_selected(&self, row: &Row<'_>) -> bool {
        self.selected.as_ref() == Some(&row.name())
    }

    /// Whether something on the screen changes as time passes.
    pub fn ticks(&self) -> bool {
        self.desk.as_ref().is_some_and(|desk| !desk.printing.is_empty())
    }

    /// The selected row stays the same one; where it is gone, what stands in its place is selected.
    fn keep_selection(&mut self) {
        let names: Vec<Name> = self.rows().iter().map(Row::name).collect();
        let kept = self.selected.as_ref().and_then(|selected| names.iter().position(|name| name == selected));
        self.at = kept.unwrap_or(self.at).min(names.len().saturating_sub(1));
        self.selected = names.get(self.at).cloned();
    }

    fn select(&mut self, at: usize) -> Effect {
        self.at = at;
        self.selected = None;
        self.keep_selection();
        Effect::Draw
    }

    /// Does what `key` means.
    pub fn key(&mut self, key: KeyEvent) -> Effect {
        if key.kind == KeyEventKind::Release {
            return Effect::None;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && key.code == KeyCode::Char('c') {
            return Effect::Quit(130);
        }
        if control && key.code == KeyCode::Char('l') {
            return Effect::Again;
        }
        match std::mem::take(&mut self.mode) {
            Mode::Asking(command) => self.answer(command, key.code),
            // Any key ends the page.
            Mode::Keys => Effect::Draw,
            Mode::Watching if control => Effect::None,
            Mode::Watching => self.watching(key.code),
        }
    }

    fn answer(&mut self, command: String, code: KeyCode) -> Effect {
        if code == KeyCode::Char('y') {
            self.message = None;
            self.running = Some(command.clone());
            return Effect::Run(command);
        }
        self.message = Some("not done".to_owned());
        Effect::Draw
    }

    fn watching(&mut self, code: KeyCode) -> Effect {
        self.message = None;
        let last = self.rows().len().saturating_sub(1);
        let page = usize::from(self.lines / 2).max(1);
        match code {
            KeyCode::Char('q') => Effect::Quit(0),
            KeyCode::Char('?') => {
                self.mode = Mode::Keys;
                Effect::Draw
            }
            KeyCode::Down | KeyCode::Char('j') => self.select((self.at + 1).min(last)),
            KeyCode::Up | KeyCode::Char('k') => self.select(self.at.saturating_sub(1)),
            KeyCode::PageDown | KeyCode::Char(' ') => self.select((self.at + page).min(last)),
            KeyCode::PageUp => self.select(self.at.saturating_sub(page)),
            KeyCode::Home => self.select(0),
            KeyCode::End => self.select(last),
            KeyCode::Tab => self.next_list(),
            KeyCode::Char('t') => {
                self.all_troubles = !self.all_troubles;
                Effect::Draw
            }
            KeyCode::Enter => self.open_queue(),
            KeyCode::Esc | KeyCode::Backspace => {
                self.queue = None;
                Effect::Look
            }
            KeyCode::Char('h') => self.ask(Act::Hold),
            KeyCode::Char('r') => self.ask(Act::Release),
            KeyCode::Char('x') | KeyCode::Delete => self.ask(Act::Delete),
            KeyCode::Char('d') => self.ask(Act::Drain),
            KeyCode::Char('s') => self.ask(Act::Start),
            _ => Effect::None,
        }
    }

    /// Selects the first row of the next list that has any.
    fn next_list(&mut self) -> Effect {
        let list = |row: &Row<'_>| match row {
            Row::Trouble(_) => 0,
            Row::Printing(_) => 1,
            Row::Queue(_) => 2,
            Row::Job(_) => 3,
        };
        let lists: Vec<u8> = self.rows().iter().map(list).collect();
        let here = lists.get(self.at).copied().unwrap_or(0);
        let next = lists.iter().position(|list| *list > here).unwrap_or(0);
        self.select(next)
    }

    fn open_queue(&mut self) -> Effect {
        let rows = self.rows();
        let Some(Row::Queue(row)) = rows.get(self.at) else { return Effect::None };
        self.queue = row.location.clone();
        Effect::Look
    }

    /// Asks whether the command for `act` on the selected row is to run.
    fn ask(&mut self, act: Act) -> Effect {
        if self.running.is_some() {
            self.message = Some("the last command has not ended yet".to_owned());
            return Effect::Draw;
        }
        let command = self.rows().get(self.at).and_then(|row| row.handles().command(act));
        match command {
            Some(command) => self.mode = Mode::Asking(command),
            None => {
                let what = match act {
                    Act::Hold | Act::Release | Act::Delete => "no job stands on this line",
                    Act::Drain => "no device stands on this line",
                    Act::Start => "nothing that can be started stands on this line",
                };
                self.message = Some(what.to_owned());
            }
        }
        Effect::Draw
    }
}
