//! Screens, drawn into memory: 40 and 80 columns, with and without colour; and what keys do to them.

use insta::assert_snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};
use spoolsuite::commands::desk::{Desk, Handles, JobRow, PrintingRow, QueueRow, TroubleRow};
use spoolsuite::model::LocationName;
use spoolsuite::model::location::Destination;
use spoolsuite::spool::interface::records::JobSummary;

use super::state::{Abilities, Effect, Mode, Screen};
use super::view;

const NOW_MS: i64 = 1_795_251_600_000;
const COLOURS: Abilities = Abilities { colours: true, styles: true, utf8: true };
const VT100: Abilities = Abilities { colours: false, styles: true, utf8: false };
const DUMB: Abilities = Abilities { colours: false, styles: false, utf8: false };

fn handles(job: Option<u32>, device: Option<&str>) -> Handles {
    Handles {
        job: job.map(|job| job.try_into().unwrap()),
        device: device.map(|device| device.parse().unwrap()),
        ..Handles::default()
    }
}

fn desk() -> Desk {
    let mut printed: Vec<Option<u32>> = (0..60).map(|n| Some(n / 15)).collect();
    printed[..10].fill(None);
    Desk {
        server: "acme1".into(),
        state: "ACTIVE",
        counts: Some(JobSummary { printing: 1, transferred: 0, ready: 240, open: 0, hold: 3 }),
        troubles: vec![
            TroubleRow {
                kind: "process",
                critical: true,
                object: "print process $SPLB".into(),
                text: "died; jobs wait for its 2 started devices".into(),
                cure: "spoolcom 'PRINT $SPLB, START'".into(),
                handles: Handles { process: Some("SPLB".parse().unwrap()), ..Handles::default() },
            },
            TroubleRow {
                kind: "device",
                critical: false,
                object: "device $LP2".into(),
                text: "$LP2 is in error %10037: cannot connect to socket://10.0.0.9:9100: the connection was refused; 3 tries since 02:36:53, next try 02:37:00; 3 jobs wait".into(),
                cure: "it heals by itself: look at the printer, its cable, its address".into(),
                handles: handles(None, Some("LP2")),
            },
        ],
        printing: vec![PrintingRow {
            job: 12.try_into().unwrap(),
            title: "report for the board of directors (ann)".into(),
            device: "$LP1".into(),
            octets: Some((34_000_000, 100_000_000)),
            since_ms: Some(NOW_MS - 28_000),
            stalled_ms: None,
            handles: handles(Some(12), Some("LP1")),
        }],
        more_printing: false,
        queues: vec![
            QueueRow {
                name: "#OFFICE.FRONT".into(),
                jobs: Some(240),
                printed,
                location: Some(Destination::Location(LocationName {
                    group: "OFFICE".parse().unwrap(),
                    dest: "FRONT".parse().unwrap(),
                })),
                handles: handles(None, Some("LP1")),
            },
            QueueRow {
                name: "#ALL".into(),
                jobs: None,
                printed: vec![Some(0); 60],
                location: None,
                handles: Handles::default(),
            },
        ],
        more_queues: 2,
        jobs: vec![
            JobRow {
                job: 13.try_into().unwrap(),
                title: "Börse \\u{1b}[2J (bob)".into(),
                destination: "#OFFICE.FRONT".into(),
                state: "ready".into(),
                handles: handles(Some(13), None),
            },
            JobRow {
                job: 7.try_into().unwrap(),
                title: "letter (ann)".into(),
                destination: "#OFFICE.BACK".into(),
                state: "held: an operator holds it".into(),
                handles: handles(Some(7), None),
            },
        ],
        more_jobs: true,
        queue: None,
        refused: Vec::new(),
        looked_ms: NOW_MS,
    }
}

fn screen(abilities: Abilities) -> Screen {
    let mut screen = Screen::new(abilities);
    screen.looked(Ok(desk()));
    screen
}

fn drawn(screen: &Screen, columns: u16, lines: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| view::draw(frame, screen, NOW_MS)).unwrap();
    terminal
}

fn text(screen: &Screen, columns: u16, lines: u16) -> String {
    let terminal = drawn(screen, columns, lines);
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(usize::from(columns));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n").collect()
}

fn press(screen: &mut Screen, code: KeyCode) -> Effect {
    screen.key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn trouble_stands_first_at_80_columns() {
    assert_snapshot!(text(&screen(COLOURS), 80, 24));
}

#[test]
fn no_line_loses_its_diagnosis_at_40_columns() {
    let mut screen = screen(VT100);
    press(&mut screen, KeyCode::Down);
    assert_snapshot!(text(&screen, 40, 24));
}

#[test]
fn all_is_well_and_nothing_prints() {
    let mut screen = Screen::new(COLOURS);
    let well = Desk {
        troubles: Vec::new(),
        printing: Vec::new(),
        queues: Vec::new(),
        jobs: Vec::new(),
        more_jobs: false,
        more_queues: 0,
        ..desk()
    };
    screen.looked(Ok(well));
    assert!(!screen.ticks(), "nothing changes as time passes");
    assert_snapshot!(text(&screen, 40, 12));
}

#[test]
fn keys_are_told_at_40_columns() {
    let mut screen = screen(VT100);
    press(&mut screen, KeyCode::Char('?'));
    assert_snapshot!(text(&screen, 40, 24));
    press(&mut screen, KeyCode::Char('x'));
    assert_eq!(screen.mode, Mode::Watching);
}

#[test]
fn colours_and_styles_are_those_of_the_terminal() {
    for (abilities, colours, styles) in [(COLOURS, true, true), (VT100, false, true), (DUMB, false, false)] {
        let terminal = drawn(&screen(abilities), 80, 24);
        let cells = terminal.backend().buffer().content();
        let coloured = cells.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        let styled = cells.iter().any(|cell| cell.modifier != Modifier::empty());
        assert_eq!((coloured, styled), (colours, styles), "{abilities:?}");
        let ascii = cells.iter().all(|cell| cell.symbol().is_ascii());
        assert_eq!(ascii, !abilities.utf8);
    }
}

#[test]
fn the_environment_says_what_the_terminal_can_show() {
    let of = |pairs: &[(&str, &str)]| {
        let found =
            Abilities::of(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()));
        (found.colours, found.styles, found.utf8)
    };
    assert_eq!(of(&[("TERM", "xterm-256color"), ("LANG", "en_US.UTF-8")]), (true, true, true));
    assert_eq!(of(&[("TERM", "xterm"), ("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]), (true, true, false));
    assert_eq!(of(&[("TERM", "xterm"), ("NO_COLOR", "1")]), (false, true, false));
    assert_eq!(of(&[("TERM", "xterm"), ("NO_COLOR", "")]), (true, true, false));
    assert_eq!(of(&[("TERM", "vt100")]), (false, true, false));
    assert_eq!(of(&[("TERM", "dumb")]), (false, false, false));
    assert_eq!(of(&[]), (false, false, false));
}

#[test]
fn only_y_runs_the_command_that_is_shown() {
    let mut screen = screen(COLOURS);
    press(&mut screen, KeyCode::End);
    assert_eq!(press(&mut screen, KeyCode::Char('h')), Effect::Draw);
    assert_eq!(screen.mode, Mode::Asking("JOB 7, HOLD".into()));
    assert!(text(&screen, 40, 24).contains("spoolcom 'JOB 7, HOLD'\ny runs it, any other key does not\n"));
    // Whatever happens to the lists, what was shown is what runs.
    let mut changed = desk();
    changed.jobs.clear();
    screen.looked(Ok(changed));
    assert_eq!(press(&mut screen, KeyCode::Char('y')), Effect::Run("JOB 7, HOLD".into()));
    assert_eq!(press(&mut screen, KeyCode::Char('d')), Effect::Draw);
    assert_eq!(screen.mode, Mode::Watching, "one command at a time");
    screen.ran("done: JOB 7, HOLD".into());
    for key in [KeyCode::Enter, KeyCode::Char('Y'), KeyCode::Char('n'), KeyCode::Esc, KeyCode::Char('h')] {
        press(&mut screen, KeyCode::Home);
        press(&mut screen, KeyCode::Char('s'));
        assert_eq!(screen.mode, Mode::Asking("PRINT $SPLB, START".into()));
        assert_eq!(press(&mut screen, key), Effect::Draw);
        assert_eq!(screen.mode, Mode::Watching);
    }
}

#[test]
fn each_key_has_its_command_on_each_kind_of_line() {
    let mut screen = screen(COLOURS);
    let mut asked = Vec::new();
    for _ in 0..screen.rows().len() {
        for key in ['h', 'r', 'x', 'd', 's'] {
            press(&mut screen, KeyCode::Char(key));
            match std::mem::take(&mut screen.mode) {
                Mode::Asking(command) => asked.push(command),
                _ => asked.push(screen.message.clone().unwrap()),
            }
        }
        press(&mut screen, KeyCode::Down);
    }
    assert_snapshot!(asked.join("\n"));
}

#[test]
fn the_selected_line_stays_selected_when_the_lists_change() {
    let mut screen = screen(COLOURS);
    press(&mut screen, KeyCode::End);
    let mut changed = desk();
    changed.troubles.clear();
    changed.jobs.insert(0, JobRow { job: 99.try_into().unwrap(), ..changed.jobs[0].clone() });
    screen.looked(Ok(changed.clone()));
    press(&mut screen, KeyCode::Char('x'));
    assert_eq!(std::mem::take(&mut screen.mode), Mode::Asking("JOB 7, DELETE".into()));
    changed.jobs.pop();
    screen.looked(Ok(changed));
    press(&mut screen, KeyCode::Char('x'));
    assert_eq!(screen.mode, Mode::Asking("JOB 13, DELETE".into()), "the line that stands there now");
}

#[test]
fn a_queue_is_opened_and_left() {
    let mut screen = screen(COLOURS);
    press(&mut screen, KeyCode::Tab);
    press(&mut screen, KeyCode::Tab);
    assert_eq!(press(&mut screen, KeyCode::Enter), Effect::Look);
    let queue = desk().queues[0].location.clone();
    assert_eq!(screen.wanted().queue, queue);
    assert!(queue.is_some());
    assert_eq!(press(&mut screen, KeyCode::Esc), Effect::Look);
    assert_eq!(screen.wanted().queue, None);
}

#[test]
fn what_is_selected_is_on_the_screen_and_tiny_screens_do_no_harm() {
    let mut screen = screen(COLOURS);
    press(&mut screen, KeyCode::End);
    assert!(text(&screen, 40, 10).contains("> 7 #OFFICE.BACK"));
    for (columns, lines) in [(1, 1), (3, 2), (10, 4), (200, 3)] {
        text(&screen, columns, lines);
        press(&mut screen, KeyCode::Char('h'));
        text(&screen, columns, lines);
        screen.mode = Mode::Watching;
    }
}

#[test]
fn a_spool_that_is_not_reached_is_said_and_what_was_seen_stays() {
    let mut screen = Screen::new(COLOURS);
    screen.looked(Err("there is no server at /run/pd/socket".into()));
    assert!(text(&screen, 40, 8).starts_with("there is no server at /run/pd/socket\n"));
    screen.looked(Ok(desk()));
    screen.looked(Err("there is no server at /run/pd/socket".into()));
    let shown = text(&screen, 80, 24);
    assert!(shown.contains("below: what was seen last") && shown.contains("TROUBLE 2"), "{shown}");
}

#[test]
fn ctrl_c_and_q_end_it() {
    let mut screen = screen(COLOURS);
    assert_eq!(screen.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Effect::Quit(130));
    assert_eq!(press(&mut screen, KeyCode::Char('q')), Effect::Quit(0));
}

/// README.md and docs/night-desk.md show this screen between fences.
#[test]
fn the_picture_in_the_documents_is_this_screen() {
    let picture = format!("```text\n{}```\n", text(&screen(COLOURS), 80, 24));
    for page in ["README.md", "docs/night-desk.md"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
        let before = std::fs::read_to_string(&path).unwrap();
        let (head, rest) = before.split_once("<!-- screen -->\n").unwrap();
        let (_, tail) = rest.split_once("<!-- /screen -->\n").unwrap();
        let fresh = format!("{head}<!-- screen -->\n{picture}<!-- /screen -->\n{tail}");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &fresh).unwrap();
            continue;
        }
        assert!(before == fresh, "{page} is stale: UPDATE=1 writes it");
    }
}
