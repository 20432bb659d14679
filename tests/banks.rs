//! Banks: a program that is asked who pays for a release (docs/secure-release.md). What is not paid for is not released, and what did
//! not print is given back.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::Site;

/// A bank of three debits that keeps its books in its own directory. The file `mood` there says what else it does.
const BANK: &str = r#"#!/bin/sh
ask= id=
while read -r word value; do
    case $word in
    ask) ask=$value ;;
    id) id=$value ;;
    pages) pages=$value ;;
    end) break ;;
    esac
done
mood=$(cat mood 2>/dev/null)
echo "$ask $id ${pages:-}" >> books
[ "$mood" = fails ] && { echo "no ledger" >&2; exit 1; }
[ "$mood" = hangs ] && [ "$ask" = debit ] && sleep 600
case $ask in
debit)
    [ "$(cat debits/* 2>/dev/null | wc -l)" -ge 3 ] && { echo "over-limit 0.00 EUR left"; exit 0; }
    mkdir -p debits; echo x > "debits/$id"; echo yes ;;
refund) rm -f "debits/$id"; echo yes ;;
balance) echo "yes $((3 - $(cat debits/* 2>/dev/null | wc -l))) prints" ;;
*) echo no ;;
esac
"#;

fn program(dir: &Path, name: &str, script: &str) {
    let path = dir.join(name);
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
}

struct World {
    site: Site,
    programs: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let mut site = Site::new();
        let programs = tempfile::tempdir().unwrap();
        std::fs::set_permissions(programs.path(), PermissionsExt::from_mode(0o755)).unwrap();
        program(programs.path(), "campus", BANK);
        site.env.push(("PD_LIBEXEC_DIR", String::leak(programs.path().to_str().unwrap().to_owned())));
        site.env.push(("PD_BANK_SECONDS", "2"));
        site.env.push(("PD_CONFIRM_DELETE", "no"));
        let uri = format!("file://{}", site.files.path().join("paper").display());
        site.run("pdcreate", &["-c", "queue", "-x", "release-type=secure", "acme1:office"]).expect(0);
        let logical = "destination-realization=logical associated-queue=office";
        site.run("pdcreate", &["-x", logical, "acme1:follow-me"]).expect(0);
        let actual = format!("destination-realization=actual associated-queue=office device-uri={uri}");
        site.run("pdcreate", &["-x", &actual, "acme1:printer"]).expect(0);
        let station = "related-printers=printer bank-program=campus bank-charges=true";
        site.run("pdcreate", &["-c", "station", "-x", station, "acme1:hall"]).expect(0);
        site.run("pdenable", &["follow-me", "printer"]).expect(0);
        Self { site, programs }
    }

    fn submit(&self, name: &str) {
        self.submit_text(name, &format!("{name}\n"));
    }

    fn submit_text(&self, name: &str, text: &str) {
        let file = self.site.document(name, text.as_bytes());
        self.site.run("pdpr", &["-d", "follow-me", file.to_str().unwrap()]).expect(0);
    }

    fn books_dir(&self) -> std::path::PathBuf {
        self.site.base().join("acme1/books/campus")
    }

    /// What was asked, one word for each question.
    fn books(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.books_dir().join("books")).unwrap_or_default();
        text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
    }

    fn mood(&self, word: &str) {
        let path = self.books_dir().join("mood");
        std::fs::write(&path, word).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    }

    /// The debits that stand.
    fn debits(&self) -> usize {
        std::fs::read_dir(self.books_dir().join("debits")).map_or(0, Iterator::count)
    }

    fn results(&self) -> Vec<String> {
        let out = self.site.run("pdrelease", &["--history", "--json"]).expect(0).out;
        let record: Value = serde_json::from_str(&out).unwrap();
        let words = |line: &Value| format!("{}:{}", line["what"].as_str().unwrap(), line["result"].as_str().unwrap());
        record.as_array().unwrap().iter().map(words).collect()
    }

    fn unsettled(&self) -> i64 {
        self.site.database().query_row("SELECT count(*) FROM bank_charge", [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn what_is_paid_for_prints_and_what_is_not_waits() {
    let world = World::new();
    for name in ["a", "b", "c", "d"] {
        world.submit(name);
    }
    for job in ["1", "2", "3"] {
        world.site.run("pdrelease", &[job]).expect(0);
    }
    world.site.run("pdrelease", &["4"]).expect(1).says("there is not enough to pay for it: 0.00 EUR left");
    world.site.wait_for("three are printed", || world.site.jobs().len() == 1);
    assert_eq!(std::fs::read_to_string(world.site.files.path().join("paper")).unwrap(), "a\n\u{c}b\n\u{c}c\n");
    assert_eq!(world.books(), ["debit", "debit", "debit", "debit"]);
    assert_eq!(world.results().last().unwrap(), "release:over-limit");
    // What has printed is settled, and what was refused was never taken.
    world.site.wait_for("all is settled", || world.unsettled() == 0);
}

#[test]
fn a_bank_that_fails_or_hangs_releases_nothing_and_what_it_took_is_given_back() {
    let world = World::new();
    world.submit("a");
    std::fs::create_dir_all(world.books_dir()).unwrap();
    world.mood("fails");
    world.site.run("pdrelease", &["1"]).expect(1).says("the bank does not answer").says("ended with status 1");
    world.mood("hangs");
    world.site.run("pdrelease", &["1"]).expect(1).says("did not answer within 2 s");
    assert_eq!(world.results()[1..], ["release:bank-silent", "release:bank-silent"]);
    assert!(!world.site.files.path().join("paper").exists());
    // Nobody knows what it took: it is asked to give both back, and then this one is paid and printed.
    world.mood("well");
    world.site.run("pdrelease", &["1"]).expect(0);
    world.site.wait_until_empty();
    assert_eq!(world.books().iter().filter(|word| *word == "refund").count(), 2, "{:?}", world.books());
    assert_eq!((world.debits(), world.unsettled()), (1, 0));
}

#[test]
fn a_job_that_is_removed_before_it_prints_is_given_back_and_a_printer_that_cannot_print_takes_no_money() {
    let world = World::new();
    let uri = |uri: &str| {
        world.site.run("pddisable", &["printer"]).expect(0);
        world.site.run("pdset", &["-c", "destination", "-x", &format!("device-uri={uri}"), "printer"]).expect(0);
        world.site.run("pdenable", &["printer"]).expect(0);
    };
    world.submit("a");
    world.submit("b");
    // Nobody listens there.
    uri("socket://127.0.0.1:1");
    world.site.run("pdrelease", &["1"]).expect(0);
    assert_eq!((world.debits(), world.unsettled()), (1, 1));
    let in_error = || world.site.spoolcom("DEV $printer").out.contains("ERR");
    world.site.wait_for("the printer has failed", in_error);
    world.site.run("pdrelease", &["2"]).expect(1).says("not now, because the printer");
    assert_eq!(world.debits(), 1);
    world.site.run("pdrm", &["1"]).expect(0);
    uri(&format!("file://{}", world.site.files.path().join("paper").display()));
    world.site.run("pdrelease", &["2"]).expect(0);
    world.site.wait_until_empty();
    assert_eq!(world.books(), ["debit", "refund", "debit"]);
    assert_eq!((world.debits(), world.unsettled()), (1, 0));
}

#[test]
fn a_job_that_comes_back_unprinted_is_released_again_without_a_second_debit() {
    let world = World::new();
    program(world.programs.path(), "made", "#!/bin/sh\nexit 1\n");
    world.site.run("pddisable", &["printer"]).expect(0);
    world.site.spoolcom("DEV $printer, TRANSFORM 'application/pdf' made");
    world.site.run("pdenable", &["printer"]).expect(0);
    world.submit_text("letter", "%PDF-1.4\ndear ann\n%%EOF\n");
    world.site.run("pdrelease", &["1"]).expect(0);
    let state = || world.site.jobs()[0]["current-job-state"].clone();
    world.site.wait_for("it came back", || state() == "held");
    assert_eq!((world.debits(), world.unsettled()), (1, 1));
    program(world.programs.path(), "made", "#!/bin/sh\ncat\n");
    world.site.run("pdrelease", &["1"]).expect(0);
    world.site.wait_until_empty();
    assert_eq!((world.books(), world.debits(), world.unsettled()), (vec!["debit".to_owned()], 1, 0));
}

#[test]
fn where_somebody_has_to_pay_and_no_program_is_named_nothing_is_released() {
    let world = World::new();
    world.site.run("pdset", &["-c", "station", "-x", "bank-program==", "hall"]).expect(0);
    world.submit("a");
    let refused = world.site.run("pdrelease", &["--all"]).expect(1);
    assert!(refused.err.contains("the bank does not answer"), "{refused:#?}");
    assert_eq!(world.results(), ["hold:ok", "release:bank-silent"]);
}

/// A printer whose documents go through a program of this text first.
fn through(world: &World, script: &str) {
    program(world.programs.path(), "made", script);
    world.site.run("pddisable", &["printer"]).expect(0);
    world.site.spoolcom("DEV $printer, TRANSFORM 'application/pdf' made");
    world.site.run("pdenable", &["printer"]).expect(0);
}

#[test]
fn a_job_that_is_removed_while_the_device_has_it_is_given_back_unless_something_was_sent() {
    let world = World::new();
    // It never gets as far as an octet.
    through(&world, "#!/bin/sh\nexec sleep 600\n");
    world.submit_text("letter", "%PDF-1.4\ndear ann\n%%EOF\n");
    world.site.run("pdrelease", &["1"]).expect(0);
    world.site.wait_for("the device has it", || world.site.jobs()[0]["current-job-state"] == "processing");
    world.site.run("pdrm", &["1"]).expect(0);
    world.site.wait_until_empty();
    assert_eq!(world.results().last().unwrap(), "delete:ok");
    // The next release gives back what is owed.
    world.submit("plain");
    world.site.run("pdrelease", &["2"]).expect(0);
    world.site.wait_until_empty();
    assert_eq!((world.books(), world.debits(), world.unsettled()), (words("debit refund debit"), 1, 0));

    // Of this one pages may be on paper.
    let sink = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    world.site.run("pddisable", &["printer"]).expect(0);
    let uri = format!("device-uri=socket://{}", sink.local_addr().unwrap());
    world.site.run("pdset", &["-c", "destination", "-x", &uri, "printer"]).expect(0);
    world.site.run("pdenable", &["printer"]).expect(0);
    world.submit_text("long", &"a line of a long document\n".repeat(1 << 20));
    world.site.run("pdrelease", &["3"]).expect(0);
    let (mut taken, _) = sink.accept().unwrap();
    std::io::Read::read_exact(&mut taken, &mut [0; 1000]).unwrap();
    world.site.run("pdrm", &["3"]).expect(0);
    drop((taken, sink));
    world.site.wait_until_empty();
    assert_eq!((world.books(), world.debits(), world.unsettled()), (words("debit refund debit debit"), 2, 0));
}

#[test]
fn a_job_that_fails_and_is_not_held_again_is_given_back() {
    let world = World::new();
    world.site.run("pdset", &["-c", "queue", "-x", "requeue-failed-jobs=false", "office"]).expect(0);
    through(&world, "#!/bin/sh\nexit 1\n");
    world.submit_text("letter", "%PDF-1.4\ndear ann\n%%EOF\n");
    world.site.run("pdrelease", &["1"]).expect(0);
    world.site.wait_until_empty();
    assert_eq!(world.results().last().unwrap(), "delete:ok");
    world.submit("plain");
    world.site.run("pdrelease", &["2"]).expect(0);
    world.site.wait_until_empty();
    assert_eq!((world.books(), world.debits(), world.unsettled()), (words("debit refund debit"), 1, 0));
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_program_that_others_may_write_is_not_run_and_nothing_is_released() {
    let world = World::new();
    world.submit("a");
    let path = world.programs.path().join("campus");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
    world.site.run("pdrelease", &["1"]).expect(1).says("can be written by others");
    for bad in ["bank-program=/bin/sh", "bank-program=../campus", "bank=cash"] {
        world.site.run("pdset", &["-c", "station", "-x", bad, "hall"]).expect(2);
    }
}

#[test]
fn the_key_of_cards_is_in_a_backup_only_where_somebody_wants_it() {
    use std::io::Write;
    let site = Site::new();
    site.run("pdcreate", &["-c", "user", "acme1:ann"]).expect(0);
    let mut command = site.command("pdset");
    command.args(["-c", "user", "--card", "ann"]).stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"04A2B3C4D5\n").unwrap();
    crate::support::finish(child, crate::support::DEADLINE).expect(0);
    let key = std::fs::read(site.base().join("acme1/.card-key")).unwrap();
    let to = |name: &str| site.files.path().join(name);
    let words = |name: &str| to(name).to_str().unwrap().to_owned();
    site.run("pdbackup", &[&words("plain")]).expect(0).says("the key of cards (.card-key) is not in the backup");
    assert!(!to("plain").join("acme1/.card-key").exists());
    site.run("pdbackup", &["--keys", &words("keys")]).expect(0);
    assert_eq!(std::fs::read(to("keys").join("acme1/.card-key")).unwrap(), key);
    // On another disk.
    std::fs::remove_file(site.base().join("acme1/.card-key")).unwrap();
    site.run("pdbackup", &["--restore", &words("keys")]).expect(0);
    let path = site.base().join("acme1/.card-key");
    assert_eq!(std::fs::read(&path).unwrap(), key);
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}
