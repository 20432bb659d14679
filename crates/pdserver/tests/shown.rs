//! Nothing that comes from outside commands a terminal or hides, wherever the server or a command that asks it shows it.

use std::os::unix::fs::PermissionsExt;

use spoolsuite::model::printable::is_harmful;

use crate::support::{ANN, BOB, Machine, OPERATOR, Outcome, SERVER};

/// Clears a screen, rings, goes to another column, turns the direction of writing, and has no width.
const HOSTILE: &str = "A\u{1b}[2J\u{7}\u{8}\u{9b}31mB\u{202e}C\u{2066}D\u{200b}E\u{200f}F\u{feff}G";
/// The same without control characters, which no title may have.
const HIDING: &str = "A\u{202e}C\u{2066}D\u{200b}E\u{200e}F\u{feff}\u{200c}\u{200d}G";

#[track_caller]
fn harmless(what: &str, text: &str) {
    let found: Vec<char> = text.chars().filter(|c| *c != '\n' && is_harmful(*c)).collect();
    assert!(found.is_empty(), "{what}: {found:?} in {text:?}");
}

#[track_caller]
fn looked_at(what: &str, outcome: Outcome) -> Outcome {
    harmless(what, &outcome.out);
    harmless(what, &outcome.err);
    outcome
}

#[test]
fn a_server_shows_no_word_of_its_command_line_as_it_is() {
    let Some(machine) = Machine::new() else { return };
    let odd = machine.path(&format!("run/{HOSTILE}"));
    let odd = odd.to_str().unwrap();
    let usual = machine.path("base");
    let usual = usual.to_str().unwrap();
    let lines = [
        vec!["--base", odd, "--name", HOSTILE],
        vec!["--base", odd, "--socket", odd, "--name", "acme2", "--operators", HOSTILE, HOSTILE],
        vec!["--base", usual, "--socket", odd],
        vec!["--base", usual, "--socket", "/dev/null/A\u{1b}[2J"],
        vec![HOSTILE],
        vec![&format!("--{HOSTILE}")],
    ]
    .map(|words| words.into_iter().map(str::to_owned).collect::<Vec<_>>());
    for words in &lines {
        let mut command = machine.command(SERVER, "pdserver");
        let outcome = looked_at(&format!("{words:?}"), Outcome::of(command.args(words)));
        assert!(outcome.status == 2 || outcome.status == 3, "{outcome:#?}");
    }
}

#[test]
fn what_users_hand_in_and_ask_for_is_shown_harmless_to_others_and_in_the_log() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let letter = machine.file(ANN, &format!("d{HOSTILE}.txt"), "one line\n", 0o644);
    machine.run(ANN, "pdpr", &["-d", "office.front", "-t", &format!("title{HIDING}"), &letter]).expect(0);
    machine.run(ANN, "pdpr", &["-d", "office.front", "-l", &letter]).expect(0);
    let commands = [
        (BOB, "spoolcom", vec!["JOB 1".to_owned()]),
        (BOB, "spoolcom", vec!["JOB 1, HOLD".to_owned()]),
        (BOB, "spoolcom", vec![format!("DEV '{HIDING}', START")]),
        (BOB, "spoolcom", vec![format!("DEV LP1, FORM '{HIDING}'")]),
        (BOB, "pdpr", vec!["-d".to_owned(), HOSTILE.to_owned(), "/etc/hostname".to_owned()]),
        (BOB, "pdpr", vec!["-d".to_owned(), "office.front".to_owned(), "-l".to_owned(), letter.clone()]),
        (BOB, "spoolcom", vec!["DEV LP1, JOB".to_owned()]),
        (OPERATOR, "pdls", vec!["-U".to_owned(), "-r".to_owned(), "all".to_owned()]),
        (OPERATOR, "pdls", vec!["-U".to_owned(), "-r".to_owned(), "all".to_owned(), "--json".to_owned()]),
        (OPERATOR, "spoolcom", vec!["JOB, STATUS DETAIL; JOB 1, LOG; JOB 1, WHY; SPOOLER, STATUS DETAIL".to_owned()]),
    ];
    let mut shown = String::new();
    for (uid, program, words) in commands {
        let outcome = Outcome::of(machine.command(uid, program).args(&words));
        shown.push_str(&looked_at(&format!("{program} {words:?}"), outcome).out);
    }
    assert!(shown.contains("\\u{202e}") && shown.contains("\\u202e"), "the title was never shown: {shown}");
    harmless("log of the server", &machine.log());
    assert!(machine.log().contains("refused"), "{}", machine.log());
}

#[test]
fn a_hostile_name_of_a_socket_and_of_a_base_is_shown_harmless_where_it_works() {
    let Some(machine) = Machine::new() else { return };
    let base = machine.path(&format!("run/base{HIDING}"));
    std::fs::create_dir(&base).unwrap();
    std::fs::set_permissions(&base, PermissionsExt::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(&base, Some(SERVER), Some(SERVER)).unwrap();
    let socket = machine.path(&format!("run/s{HIDING}"));
    let log = std::fs::File::create(machine.path("log2")).unwrap();
    let mut command = machine.command(SERVER, "pdserver");
    command.args(["--name", "acme2", "--base"]).arg(&base).arg("--socket").arg(&socket).stderr(log);
    let mut server = command.spawn().unwrap();
    let listed = || Outcome::of(machine.command(ANN, "pdls").env("PD_SOCKET", &socket).args(["-c", "server"]));
    let end = std::time::Instant::now() + crate::support::DEADLINE;
    while looked_at("pdls", listed()).status != 0 {
        assert!(std::time::Instant::now() < end);
        std::thread::yield_now();
    }
    let mut twice = machine.command(SERVER, "pdserver");
    looked_at("a second server", Outcome::of(twice.arg("--base").arg(&base).arg("--socket").arg(&socket))).expect(3);
    server.kill().unwrap();
    server.wait().unwrap();
    looked_at("no server", listed()).expect(3);
    harmless("its log", &std::fs::read_to_string(machine.path("log2")).unwrap());
}
