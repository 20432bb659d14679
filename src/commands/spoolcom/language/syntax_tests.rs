use super::*;
use crate::commands::spoolcom::language::keywords::Key;
use proptest::prelude::*;

fn parse(line: &str) -> Result<Vec<Command>, Mistake> {
    Parser::new(line, false).commands()
}

fn values(line: &str) -> Vec<(Key, Value)> {
    parse(line).unwrap()[0].subcommands.iter().map(|sub| (sub.key(), sub.value.clone())).collect()
}

#[test]
fn every_subcommand_of_every_command_is_recognised() {
    for verb in Verb::ALL {
        let grammar = verb.grammar();
        for row in grammar.rows {
            let operand = match row.operand {
                Operand::Number(low, _) => low.to_string(),
                Operand::Name | Operand::Text => "x".into(),
                Operand::Pair => "x y".into(),
                Operand::Jobs => "(STATE PRINT)".into(),
                _ => String::new(),
            };
            let object = if grammar.object == ObjectKind::Nothing { "" } else { "a1" };
            let line = format!("{} {object}, {} {operand}", verb.word().to_lowercase(), row.key.word());
            let commands = parse(&line).unwrap_or_else(|mistake| panic!("{line}: {mistake:?}"));
            assert_eq!(commands[0].subcommands[0].key(), row.key, "{line}");
        }
    }
}

#[test]
fn operands_are_read_as_their_rows_say() {
    let text = |text: &str| Value::Text(Some(text.to_owned()));
    assert_eq!(
        values("DEV $LP1, PROCESS $SPLA, URI file:///tmp/a(b)!c d, FORM INVOICE A4, EXCLUSIVE OFF !, FIFO, PARM %2000"),
        [
            (Key::Process, text("$SPLA")),
            (Key::Uri, text("file:///tmp/a(b)!c d")),
            (Key::Form, text("INVOICE A4")),
            (Key::Exclusive, Value::Switch(Switch::OffEach)),
            (Key::Fifo, Value::Switch(Switch::On)),
            (Key::Parm, Value::Number(0o2000)),
        ]
    );
    assert_eq!(
        values("DEV x, PARM 0o2000, SKIP -3, SKIP + 3")[1..],
        [(Key::Skip, Value::Number(-3)), (Key::Skip, Value::Number(3))]
    );
    assert_eq!(values("LOC x, DEV, DEV NONE")[..], [(Key::Dev, Value::Text(None)), (Key::Dev, Value::Text(None))]);
    assert_eq!(
        values("JOB 5, STATUS / OUT /tmp/x / DETAIL"),
        [(Key::Status, Value::Display(DisplayRequest { detail: true, out: Some(OutName::File("/tmp/x".into())) }))]
    );
    assert_eq!(values("JOB 5, OWNER 8,21, START"), [(Key::Owner, text("8,21")), (Key::Start, Value::None)]);
}

#[test]
fn a_job_list_holds_each_qualifier_once() {
    let commands = parse("JOB (state print, OWNER 100,1000, LOC #A.B, REPORT A B), HOLD").unwrap();
    let Object::Filters(filters) = &commands[0].object else { panic!() };
    let shown: Vec<(Qualifier, Option<&str>)> = filters.iter().map(|f| (f.key, f.value.as_deref())).collect();
    assert_eq!(
        shown,
        [
            (Qualifier::State, Some("PRINT")),
            (Qualifier::Owner, Some("100,1000")),
            (Qualifier::Loc, Some("#A.B")),
            (Qualifier::Report, Some("A B"))
        ]
    );
    for bad in
        ["JOB ()", "JOB (STATE", "JOB (STATE)", "JOB (X 1)", "JOB (STATE PRINT STATE", "JOB (STATE PRINT, STATE HOLD)"]
    {
        assert_eq!(parse(bad).unwrap_err().message, Message::QualifierList, "{bad}");
    }
    assert!(parse("JOB (OWNER), DELETE").is_ok());
    assert!(Parser::new("JOB (OWNER), DELETE", true).commands().is_err());
}

#[test]
fn a_mistake_ends_at_its_semicolon() {
    let read = |line: &str| {
        let mut parser = Parser::of_file(line);
        let mut all = Vec::new();
        loop {
            match parser.next_command() {
                Ok(None) => return all,
                Ok(Some(command)) => all.push(command.grammar.verb.word()),
                Err(mistake) => {
                    all.push("?");
                    parser.skip(&mistake);
                }
            }
        }
    };
    assert_eq!(read("FOO; DEV $A, BAR; LOC; DEV $A, ; JOB (X 1), HOLD; PRINT"), ["?", "?", "LOC", "?", "?", "PRINT"]);
    assert_eq!(read("DEV $A\u{7}, START; LOC"), ["?", "LOC"]);
    assert_eq!(read("DEV 'a; LOC"), ["?"]);
    assert_eq!(read("LOC; COMMENT \0 don't; FOO"), ["LOC", "COMMENT"]);
}

#[test]
fn an_out_clause_may_follow_its_word_without_a_blank() {
    let request = |line: &str| match parse(line).unwrap().remove(0).subcommands.remove(0).value {
        Value::Display(request) => request,
        other => panic!("{other:?}"),
    };
    let out = |name: &str| Some(OutName::File(name.into()));
    assert_eq!(request("DEV, STATUS/OUT f/"), DisplayRequest { detail: false, out: out("f") });
    assert_eq!(request("DEV $A, status/out /tmp/f/DETAIL; LOC"), DisplayRequest { detail: true, out: out("/tmp/f") });
    assert_eq!(request("LOC x, STATUS /OUT f/ DETAIL"), DisplayRequest { detail: true, out: out("f") });
    assert_eq!(parse("DEV $A, DRAIN/OUT f/").unwrap_err().message, Message::UnknownSubcommand);
}

#[test]
fn comments_and_empty_commands_are_nothing() {
    assert!(parse(" /* any (thing' at all").unwrap().is_empty());
    assert!(parse(";; ;").unwrap().is_empty());
    assert_eq!(parse("COMMENT don't; DEV (").unwrap().len(), 1);
}

#[test]
fn bare_clearing_operands_are_refused_among_shell_words() {
    for line in [
        "LOC x, DEV",
        "JOB 5, LOC",
        "DEV x, FORM",
        "JOB 5, REPORT",
        "JOB 5, OWNER",
        "LOC x, DEV; JOB",
        "DEV x, FORM, START",
    ] {
        let mistake = Parser::new(line, true).commands().unwrap_err();
        assert_eq!(mistake.message, Message::OperandMissing, "{line}");
        assert!(parse(line).is_ok(), "{line}");
    }
    assert!(Parser::new("LOC x, DEV NONE", true).commands().is_ok());
}

proptest! {
    #[test]
    fn parsing_never_panics(line in "\\PC{0,80}", strict: bool) {
        let mut parser = Parser::new(&line, strict);
        let _ = parser.supervisor();
        let _ = parser.commands();
    }

    #[test]
    fn whatever_is_wrong_a_line_comes_to_its_end(line in "(DEV|FOO|COMMENT|, |;|'|\"|\u{7}|\u{fffd}|x|\\(|STATUS/OUT f/| ){0,12}") {
        let mut parser = Parser::of_file(&line);
        for _ in 0..=line.len() {
            match parser.next_command() {
                Ok(None) => return Ok(()),
                Ok(Some(_)) => {}
                Err(mistake) => parser.skip(&mistake),
            }
        }
        prop_assert!(false, "does not end");
    }

    #[test]
    fn parsing_what_looks_like_commands_never_panics_and_mistakes_lie_in_the_line(
        words in prop::collection::vec("DEV|JOB|LOC|PRINT|FONT|STATUS|START|DELETE|DRAIN|URI|FORM|PARM|SKIP|OWNER|STATE|/OUT|/|DETAIL|\\$LP1|#A\\.B|-3|%7|é|,|;|\\(|\\)|!|'|\"|\\\\", 0..14),
        strict: bool,
    ) {
        let line = words.join(" ");
        if let Err(mistake) = Parser::new(&line, strict).commands() {
            prop_assert!(line.get(mistake.span.start..mistake.span.end).is_some(), "{:?}", mistake);
        }
    }
}
