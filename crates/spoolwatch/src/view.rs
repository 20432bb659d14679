//! Draws a screen: one head, the lists below each other, one foot. What does not fit is reached by moving the selection.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use spoolsuite::commands::desk::{Desk, JobRow, PrintingRow, QueueRow, TroubleRow};
use spoolsuite::commands::progress::rate;

use super::state::{Abilities, Mode, Row, Screen};
use super::text::{ascii, elapsed, fit, sparkline, width, wrap};

/// What stands out, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Plain,
    Head,
    Critical,
    Warning,
    Good,
    Dim,
    Asked,
}

fn style(tone: Tone, abilities: Abilities) -> Style {
    let style = Style::new();
    let bold = |style: Style| if abilities.styles { style.add_modifier(Modifier::BOLD) } else { style };
    let coloured = |colour| if abilities.colours { style.fg(colour) } else { style };
    match tone {
        Tone::Plain => style,
        Tone::Head => bold(coloured(Color::Cyan)),
        Tone::Critical => bold(coloured(Color::Red)),
        Tone::Warning => coloured(Color::Yellow),
        Tone::Good => coloured(Color::Green),
        Tone::Dim => coloured(Color::DarkGray),
        Tone::Asked if abilities.styles => bold(coloured(Color::Yellow)),
        Tone::Asked => style,
    }
}

/// A part of the lists: some lines, and whether they are those of the selected row.
struct Block {
    lines: Vec<(String, Tone)>,
    selected: bool,
}

/// Draws `screen` as it stands at `now_ms`, wall clock.
pub fn draw(frame: &mut Frame<'_>, screen: &Screen, now_ms: i64) {
    let area = frame.area();
    let columns = usize::from(area.width);
    let head = head(screen, columns);
    let foot = foot(screen, columns, usize::from(area.height) / 2);
    let body = usize::from(area.height).saturating_sub(head.len() + foot.len());
    let blocks = match screen.mode {
        Mode::Keys => vec![Block { lines: keys(columns), selected: false }],
        Mode::Watching | Mode::Asking(_) => blocks(screen, columns, body, now_ms),
    };
    let lines = window(blocks, body);
    let abilities = screen.abilities;
    let unselected = |lines: Vec<(String, Tone)>| lines.into_iter().map(|(text, tone)| (text, tone, false));
    let whole = unselected(head).chain(lines).chain(unselected(foot));
    for (line, (text, tone, selected)) in (0..area.height).zip(whole) {
        let text = if abilities.utf8 { text } else { ascii(&text) };
        let mut style = style(tone, abilities);
        if selected && abilities.styles {
            style = style.add_modifier(Modifier::REVERSED);
        }
        let line_area = Rect { x: area.x, y: area.y + line, width: area.width, height: 1 };
        frame.render_widget(Paragraph::new(Line::from(Span::styled(text, style))), line_area);
    }
}

/// Cuts the lines out that the body has room for: the selected row is among them. The rest of the body stays empty.
fn window(blocks: Vec<Block>, body: usize) -> Vec<(String, Tone, bool)> {
    let mut lines = Vec::new();
    let mut chosen = (0, 0);
    for block in blocks {
        if block.selected {
            chosen = (lines.len(), lines.len() + block.lines.len());
        }
        lines.extend(block.lines.into_iter().map(|(text, tone)| (text, tone, block.selected)));
    }
    // The line above a selected row is the head of its list as a rule.
    let (begin, end) = chosen;
    let from = if end <= body { 0 } else { (end - body).min(begin) };
    let mut shown: Vec<_> = lines.into_iter().skip(from).take(body).collect();
    shown.resize_with(body, || (String::new(), Tone::Plain, false));
    shown
}

fn head(screen: &Screen, columns: usize) -> Vec<(String, Tone)> {
    let mut lines = Vec::new();
    match &screen.desk {
        None if screen.problem.is_none() => lines.push(("looking at the spool".to_owned(), Tone::Dim)),
        None => {}
        Some(desk) => {
            let name = format!("{} {}", desk.server, desk.state);
            let counts = desk.counts.map_or_else(String::new, |counts| {
                let printing = counts.printing + counts.transferred;
                format!("{printing} printing  {} ready  {} held", counts.ready, counts.hold)
            });
            let tone = if desk.is_active() { Tone::Head } else { Tone::Critical };
            let whole = format!("{name}  {counts}");
            if width(&whole) <= columns {
                lines.push((whole, tone));
            } else {
                lines.push((fit(&name, columns), tone));
                lines.push((fit(&counts, columns), tone));
            }
        }
    }
    if let Some(problem) = &screen.problem {
        lines.extend(wrap(problem, columns, 2).into_iter().map(|line| (line, Tone::Critical)));
        if screen.desk.is_some() {
            lines.push((fit("below: what was seen last", columns), Tone::Dim));
        }
    }
    lines
}

/// The lowest lines: what is asked or answered, and the keys. At most `most` lines.
fn foot(screen: &Screen, columns: usize, most: usize) -> Vec<(String, Tone)> {
    let mut lines = Vec::new();
    let mut say = |text: &str, tone| lines.extend(wrap(text, columns, 2).into_iter().map(|line| (line, tone)));
    match (&screen.mode, &screen.running, &screen.message) {
        (Mode::Asking(command), _, _) => {
            say(&format!("spoolcom '{command}'"), Tone::Asked);
            say("y runs it, any other key does not", Tone::Asked);
        }
        (_, Some(command), _) => say(&format!("running: {command}"), Tone::Dim),
        (_, None, Some(message)) => say(message, Tone::Asked),
        (_, None, None) => {}
    }
    let long = "h hold  r release  x delete  d drain  s start  Enter queue  ? keys  q quit";
    let short = "h r x job  d s device  ? keys  q quit";
    let keys = if width(long) <= columns { long } else { short };
    lines.push((fit(keys, columns), Tone::Dim));
    let over = lines.len().saturating_sub(most.max(1));
    lines.drain(..over);
    lines
}

fn keys(columns: usize) -> Vec<(String, Tone)> {
    const KEYS: [(&str, &str); 13] = [
        ("Up Down", "select a line; also k and j"),
        ("PgUp PgDn", "half a screen; Home, End: the ends"),
        ("Tab", "the next list"),
        ("h", "hold the job: JOB n, HOLD"),
        ("r", "release the job: JOB n, START"),
        ("x", "delete the job: JOB n, DELETE"),
        ("d", "drain the device: DEV x, DRAIN"),
        ("s", "start the device, print process or spooler"),
        ("Enter", "on a queue: its jobs below"),
        ("Esc", "the jobs of all queues again"),
        ("t", "all troubles, or as many as half the screen"),
        ("Ctrl-L", "look again, draw again"),
        ("q", "quit"),
    ];
    let mut lines = vec![("KEYS (any key goes back)".to_owned(), Tone::Head)];
    for (key, what) in KEYS {
        let line = format!("{key:<10}{what}");
        lines.extend(wrap_after(&line, columns, 10).into_iter().map(|line| (line, Tone::Plain)));
    }
    let asked = "h r x d s show their command first; only y runs it.";
    lines.extend(wrap(asked, columns, 0).into_iter().map(|line| (line, Tone::Plain)));
    lines
}

/// Wraps a line whose first columns keep their blanks.
fn wrap_after(line: &str, columns: usize, first: usize) -> Vec<String> {
    let (key, what) = line.split_at(first.min(line.len()));
    let mut lines = wrap(what, columns.saturating_sub(first), 0);
    for (n, line) in lines.iter_mut().enumerate() {
        *line = if n == 0 { format!("{key}{line}") } else { format!("{:first$}{line}", "") };
    }
    lines
}

fn blocks(screen: &Screen, columns: usize, body: usize, now_ms: i64) -> Vec<Block> {
    let Some(desk) = &screen.desk else { return Vec::new() };
    let title = |text: String, tone| Block { lines: vec![(fit(&text, columns), tone)], selected: false };
    let mark = |selected: bool| if selected { "> " } else { "  " };
    let mut blocks = Vec::new();
    for line in &desk.refused {
        let lines = wrap(line, columns, 2).into_iter().map(|line| (line, Tone::Warning)).collect();
        blocks.push(Block { lines, selected: false });
    }
    let wide = columns.saturating_sub(2);
    let mut section = Section::Trouble;
    blocks.push(trouble_title(desk, columns));
    // Troubles take half of the body, unless somebody wants all or is among those behind.
    let (mut used, mut hidden) = (0, 0);
    for row in screen.rows() {
        let selected = screen.is_selected(&row);
        let next = Section::of(&row);
        while section != next {
            section = close(section, desk, columns, hidden, &mut blocks);
        }
        let lines = match row {
            Row::Trouble(row) => {
                let lines = trouble(row, selected, wide);
                if used > 0 && used + lines.len() > body / 2 && !screen.all_troubles && !selected {
                    hidden += 1;
                    continue;
                }
                used += lines.len();
                lines
            }
            Row::Printing(row) => vec![printing(row, wide, now_ms)],
            Row::Queue(row) => vec![queue(row, wide, screen.abilities.utf8)],
            Row::Job(row) => job(row, wide),
        };
        let lines = lines.into_iter().enumerate();
        let lines = lines.map(|(n, (text, tone))| (format!("{}{text}", mark(selected && n == 0)), tone)).collect();
        blocks.push(Block { lines, selected });
    }
    while section != Section::End {
        section = close(section, desk, columns, hidden, &mut blocks);
    }
    if desk.more_jobs {
        blocks.push(title("  more: pdls -U".to_owned(), Tone::Dim));
    }
    blocks
}

/// The lists, from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Trouble,
    Printing,
    Queues,
    Jobs,
    End,
}

impl Section {
    fn of(row: &Row<'_>) -> Self {
        match row {
            Row::Trouble(_) => Self::Trouble,
            Row::Printing(_) => Self::Printing,
            Row::Queue(_) => Self::Queues,
            Row::Job(_) => Self::Jobs,
        }
    }
}

/// Says what of a list is not shown, and begins the next one.
fn close(section: Section, desk: &Desk, columns: usize, hidden: usize, blocks: &mut Vec<Block>) -> Section {
    let mut add = |text: String, tone| {
        blocks.push(Block { lines: vec![(fit(&text, columns), tone)], selected: false });
    };
    match section {
        Section::Trouble => {
            if hidden > 0 {
                add(format!("  {hidden} more: t shows all"), Tone::Warning);
            }
            add(format!("PRINTING {}", desk.printing.len()), Tone::Head);
            Section::Printing
        }
        Section::Printing => {
            if desk.more_printing {
                add("  more: spoolcom JOB --state print".to_owned(), Tone::Dim);
            }
            let rest = beside_queue("JOBS", &format!("{:<1$}", "LAST HOUR", spark(columns)), "DONE", "");
            add(spread("QUEUES", &rest, columns), Tone::Head);
            Section::Queues
        }
        Section::Queues => {
            if desk.more_queues > 0 {
                add(format!("  {} more: spoolcom CHECK QUEUE", desk.more_queues), Tone::Dim);
            }
            let of = desk.queue.as_ref().map_or_else(String::new, |queue| format!(" of {queue} (Esc: all)"));
            add(format!("JOBS{of}"), Tone::Head);
            Section::Jobs
        }
        Section::Jobs | Section::End => Section::End,
    }
}

fn trouble_title(desk: &Desk, columns: usize) -> Block {
    let worst = desk.troubles.iter().any(|row| row.critical);
    let (text, tone) = match (desk.troubles.len(), worst) {
        (0, _) if desk.counts.is_none() => ("TROUBLE unknown".to_owned(), Tone::Warning),
        (0, _) => ("TROUBLE none".to_owned(), Tone::Good),
        (n, true) => (format!("TROUBLE {n}"), Tone::Critical),
        (n, false) => (format!("TROUBLE {n}"), Tone::Warning),
    };
    Block { lines: vec![(fit(&text, columns), tone)], selected: false }
}

/// What is wrong, on as many lines as that takes; the cure stands with the selected one.
fn trouble(row: &TroubleRow, selected: bool, columns: usize) -> Vec<(String, Tone)> {
    let tone = if row.critical { Tone::Critical } else { Tone::Warning };
    let sign = if row.critical { "!!" } else { "!" };
    let said = wrap(&format!("{sign} {}: {}", row.object, row.text), columns, 2);
    let mut lines: Vec<(String, Tone)> = said.into_iter().map(|line| (line, tone)).collect();
    if selected {
        let cure = wrap(&format!("cure: {}", row.cure), columns.saturating_sub(2), 2);
        lines.extend(cure.into_iter().map(|line| (format!("  {line}"), tone)));
    }
    lines
}

/// Puts `left` and `right` on one line; `left` gives way.
fn spread(left: &str, right: &str, columns: usize) -> String {
    let right = fit(right, columns);
    let room = columns.saturating_sub(width(&right) + usize::from(!right.is_empty()));
    let left = fit(left, room);
    let blanks = columns.saturating_sub(width(&left) + width(&right));
    format!("{left}{:blanks$}{right}", "")
}

fn printing(row: &PrintingRow, columns: usize, now_ms: i64) -> (String, Tone) {
    let passed = row.since_ms.map(|since| now_ms - since);
    let mut parts = Vec::new();
    if let Some((octets, total)) = row.octets {
        if total > 0 {
            parts.push(format!("{}%", u128::from(octets.min(total)) * 100 / u128::from(total)));
        }
        match row.stalled_ms {
            Some(since) => parts.push(format!("stands {}", elapsed(now_ms - since))),
            None => {
                let passed = u64::try_from(passed.unwrap_or(0)).unwrap_or(0);
                parts.push(rate(octets, Duration::from_millis(passed)));
            }
        }
    }
    parts.extend(passed.map(elapsed));
    parts.retain(|part| !part.is_empty());
    let left = format!("{} {} {}", row.device, row.job, row.title);
    let tone = if row.stalled_ms.is_some() { Tone::Warning } else { Tone::Good };
    (spread(&left, &parts.join("  "), columns), tone)
}

/// How many columns the last hour takes.
fn spark(columns: usize) -> usize {
    if columns >= 70 { 30 } else { 12 }
}

/// Writes what stands beside the name of a queue.
fn beside_queue(jobs: &str, hour: &str, done: &str, more: &str) -> String {
    format!("{jobs:>5} {hour} {done:>4}{more:<1}")
}

fn queue(row: &QueueRow, columns: usize, utf8: bool) -> (String, Tone) {
    let jobs = row.jobs.map_or_else(|| "-".to_owned(), |jobs| jobs.to_string());
    let more = if row.printed.contains(&None) { "+" } else { "" };
    let hour = sparkline(&row.printed, spark(columns + 2), utf8);
    let right = beside_queue(&jobs, &hour, &row.in_last_hour().to_string(), more);
    (spread(&row.name, &right, columns), Tone::Plain)
}

/// Why a job is held stands below it where the line has no room for all of that; its name gives way to a short state.
fn job(row: &JobRow, columns: usize) -> Vec<(String, Tone)> {
    const SHORT: usize = 10;
    let tone = if row.state.starts_with("held") { Tone::Warning } else { Tone::Plain };
    let left = format!("{} {} {}", row.job, row.destination, row.title);
    if width(&left) + 1 + width(&row.state) <= columns || width(&row.state) <= SHORT {
        return vec![(spread(&left, &row.state, columns), tone)];
    }
    let below = wrap(&row.state, columns.saturating_sub(2), 2);
    let below = below.into_iter().map(|line| (format!("  {line}"), tone));
    std::iter::once((fit(&left, columns), tone)).chain(below).collect()
}
