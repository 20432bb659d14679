//! Notifications: who is told of what, by which method, and what becomes of those that cannot be delivered.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use spoolsuite::sys::lock::FileLock;
use spoolsuite::sys::watch::Watch;

use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish, holder};

/// A site with a device that prints into a file, and a mail program that notes what it gets.
struct Told {
    site: Site,
}

/// Keeps a text as long as the process runs: what a site has in its environment.
fn kept(text: &Path) -> &'static str {
    Box::leak(text.display().to_string().into_boxed_str())
}

impl Told {
    fn new() -> Self {
        let mut site = Site::new();
        let mail = script(site.files.path(), "sendmail", &note(site.files.path(), "mail"));
        site.env.push(("PD_SENDMAIL", kept(&mail)));
        site.env.push(("PD_NOTIFY_WAIT_MS", "0"));
        site.env.push(("PD_NOTIFY_DEADLINE_MS", "60000"));
        let terminals = site.files.path().join("terminals");
        std::fs::create_dir(&terminals).unwrap();
        site.env.push(("PD_TERMINALS", kept(&terminals)));
        site.declare();
        Self { site }
    }

    fn dir(&self) -> &Path {
        self.site.files.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Submits a job with this profile.
    fn submit(&self, name: &str, profile: &str) {
        let file = self.site.document(name, b"hello\n");
        let given = format!("notification-profile={profile}");
        let args = ["-d", "OFFICE.FRONT", "-t", name, "-x", &given, file.to_str().unwrap()];
        self.site.run("pdpr", &args).expect(0);
    }

    /// Waits until a file of the site holds this.
    #[track_caller]
    fn wait_for_text(&self, name: &str, part: &str) -> String {
        let end = Instant::now() + DEADLINE;
        let watch = Watch::new(self.dir()).unwrap();
        loop {
            let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
            if text.contains(part) {
                return text;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "'{part}' is not in {name}: '{text}'; {:?}", self.outbox());
            watch.wait(left.min(Duration::from_secs(1))).unwrap();
        }
    }

    /// What waits: method, address, text, tries.
    fn outbox(&self) -> Vec<String> {
        let db = self.site.database();
        let mut statement = db.prepare("SELECT method, address, text, tries FROM outbox ORDER BY id").unwrap();
        let rows = statement.query_map([], |row| {
            let (method, address, text): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!("{method} {address} {text} {}", row.get::<_, i64>(3)?))
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[track_caller]
    fn wait_until_told(&self) {
        self.site.wait_for("everybody is told", || self.outbox().is_empty());
    }

    /// What the history says with this word, of whatever object.
    fn history(&self, word: &str) -> Vec<String> {
        let db = self.site.database();
        let mut statement = db.prepare("SELECT object || ' ' || why FROM event WHERE what = ? ORDER BY id").unwrap();
        statement.query_map([word], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(pid) = holder(&self.site.paths().deliver_lock()) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}

/// A program of ours.
fn script(dir: &Path, name: &str, body: &str) -> PathBuf {
    let path = dir.join(name);
    let new = dir.join(format!("{name}.new"));
    // By another process: a child that another test starts at this moment would hold it open for writing.
    let text = dir.join(format!("{name}.text"));
    std::fs::write(&text, format!("#!/bin/sh\n{body}\n")).unwrap();
    assert!(std::process::Command::new("cp").arg(&text).arg(&new).status().unwrap().success());
    std::fs::set_permissions(&new, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::rename(&new, &path).unwrap();
    path
}

/// A body that notes its arguments and its input in a file.
fn note(dir: &Path, to: &str) -> String {
    let to = dir.join(to);
    format!(
        "{{ for one in \"$@\"; do printf '<%s>' \"$one\"; done; echo; cat; echo; }} >> '{0}.part.'$$ && cat '{0}.part.'$$ >> '{0}'",
        to.display()
    )
}

#[test]
fn a_submitter_who_asks_for_mail_gets_one_when_the_job_is_printed() {
    let told = Told::new();
    told.submit("report7", "{delivery-method=e-mail delivery-address=ann@mail.example event-comment='fetch it'}");
    told.site.start("LP1");
    let mail = told.wait_for_text("mail", "fetch it");
    let user = mail.lines().next().unwrap();
    assert_eq!(user, "<-i><--><ann@mail.example>", "{mail}");
    assert!(mail.contains("\nTo: ann@mail.example\nSubject: 5010-192 Message from print server: "), "{mail}");
    assert!(mail.contains("5010-280 Printed: report7, Job 1 ("), "{mail}");
    told.wait_until_told();
    let log = told.history("notified");
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(log[0].starts_with("job job-completed by electronic-mail to ann@mail.example"), "{log:?}");
}

#[test]
fn an_exit_program_gets_the_words_of_its_address_the_number_and_the_message() {
    let told = Told::new();
    let done = script(told.dir(), "done", &note(told.dir(), "exit"));
    let profile = format!(
        "{{event-identifiers=job-completed delivery-method=exit delivery-address='{} -v $(reboot);x'}}",
        done.display()
    );
    told.submit("a; rm -rf $HOME `id` \u{202e}x", &profile);
    told.site.start("LP1");
    let text = told.wait_for_text("exit", "280");
    assert!(
        text.starts_with("<-v><$(reboot);x><280><5010-280 Printed: a; rm -rf $HOME `id` \\u{202e}x, Job 1 ("),
        "{text}"
    );
    told.wait_until_told();
}

#[test]
fn files_hold_the_last_message_or_all_of_them_and_the_job_log_has_its_own() {
    let told = Told::new();
    let (last, all) = (told.path("last"), told.path("all"));
    let profile = format!(
        "{{delivery-method=file delivery-address={} event-identifiers=class-job-status}} \
         {{delivery-method=file-add-to delivery-address={} event-identifiers='job-assigned-to-queue job-completed'}} \
         {{delivery-method=job-log}}",
        last.display(),
        all.display()
    );
    let profile = profile.replace("'job-assigned-to-queue job-completed'", "job-assigned-to-queue job-completed");
    told.submit("one", &profile);
    told.wait_for_text("all", "9900-901 Queued: one");
    told.site.start("LP1");
    let text = told.wait_for_text("all", "5010-280 Printed: one");
    assert_eq!(text.lines().count(), 2, "{text}");
    told.wait_until_told();
    assert_eq!(std::fs::read_to_string(&last).unwrap().lines().count(), 1);
    let log = told.history("notified");
    assert!(log.iter().any(|line| line.starts_with("job 5010-280 Printed: one, Job 1 (")), "{log:?}");
}

#[test]
fn a_deliverer_that_is_killed_anywhere_loses_nothing() {
    for point in ["notify-attempt", "notify-before-settle"] {
        let mut told = Told::new();
        told.site.env.push(("PD_FAULT", point));
        told.submit("one", "{event-identifiers=job-assigned-to-queue delivery-method=email delivery-address=ann}");
        // It may be dead, or have delivered and not said so.
        let until = Instant::now() + DEADLINE;
        let lock = told.site.paths().deliver_lock();
        let killed = || std::fs::read(&lock).is_ok_and(|note| !note.is_empty()) && !FileLock::is_held(&lock).unwrap();
        while !killed() {
            assert!(Instant::now() < until);
            std::thread::yield_now();
        }
        assert_eq!(told.outbox().len(), 1, "{point}");
        told.site.env.retain(|(name, _)| *name != "PD_FAULT");
        // Whatever changes anything sees to it. More than one of those that die may have been started.
        let mut retry = 1;
        while !told.outbox().is_empty() {
            assert!(Instant::now() < until, "{point}");
            retry = retry % 9 + 1;
            told.site.spoolcom(&format!("DEV $LP1, RETRY {retry}"));
        }
        told.wait_for_text("mail", "9900-901 Queued: one");
    }
}

#[test]
fn a_mail_program_that_fails_or_hangs_is_in_the_way_of_no_job_and_is_given_up_with_a_word() {
    let mut told = Told::new();
    script(told.dir(), "sendmail", "case \"$3\" in slow) exec sleep 1000;; none) exit 67;; *) exit 75;; esac");
    told.site.env.push(("PD_NOTIFY_DEADLINE_MS", "200"));
    for (name, address) in [("one", "slow"), ("two", "none"), ("three", "busy")] {
        told.submit(name, &format!("{{delivery-method=email delivery-address={address}}}"));
    }
    told.site.start("LP1");
    told.site.wait_until_empty();
    told.wait_until_told();
    let log = told.history("undelivered");
    let of_jobs: Vec<&String> = log.iter().filter(|line| line.starts_with("job ")).collect();
    assert_eq!(of_jobs.len(), 3, "{log:?}");
    assert!(
        log.iter().any(|line| line.contains("given up after 24 tries") && line.contains("did not end within")),
        "{log:?}"
    );
    assert!(log.iter().any(|line| line.contains("refused it (status 67)") && !line.contains("tries")), "{log:?}");
    assert!(log.iter().any(|line| line.contains("given up after 24 tries") && line.contains("status 75")), "{log:?}");
    assert_eq!(log.iter().filter(|line| line.starts_with("spool ")).count(), 3, "operators see it too: {log:?}");
    let shown =
        told.site.run("pdls", &["-c", "server", "-r", "notifications-waiting notifications-lost", "-s", "line"]);
    let shown = shown.expect(0).out;
    assert!(shown.contains("notifications-waiting = 0") && shown.contains("notifications-lost = 3"), "{shown}");
    // The history of a job that has gone says it, too.
    let log = told.site.run("pdls", &["--history", "-U", "-F", "-r", "job-name log"]).expect(0).out;
    assert!(log.contains("given up after 24 tries"), "{log}");
}

/// A site where nothing that was tried is tried again soon, and one mail to ann that was.
fn waiting() -> Told {
    let mut told = Told::new();
    script(told.dir(), "sendmail", "exit 75");
    told.site.env.retain(|(name, _)| *name != "PD_NOTIFY_WAIT_MS");
    told.site.env.push(("PD_NOTIFY_WAIT_MS", "3600000"));
    told.submit("first", "{event-identifiers=job-assigned-to-queue delivery-method=email delivery-address=ann}");
    told.site.wait_for("it was tried", || told.outbox().iter().any(|line| line.ends_with(" 1")));
    told
}

/// Puts `more` like the first one into the outbox, to the address that `address` makes of a number `n`.
fn multiply(told: &Told, more: u32, address: &str) {
    let db = rusqlite::Connection::open(told.site.paths().database()).unwrap();
    db.busy_timeout(DEADLINE).unwrap();
    db.execute_batch(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {more})
         INSERT INTO outbox (object, object_id, of_server, uid, method, address, event, number, text, about, at_ms,
             made_spool, due_spool, tries)
         SELECT object, object_id, of_server, uid, method, {address}, event, number, text, about, at_ms + n, made_spool,
             due_spool, 1 FROM outbox, n;
         UPDATE spool SET deliveries_waiting = deliveries_waiting + {more};"
    ))
    .unwrap();
}

#[test]
fn what_waits_is_bounded_and_what_finds_no_room_is_counted() {
    let told = waiting();
    multiply(&told, 999, "'user' || n");
    told.submit("more", "{event-identifiers=job-assigned-to-queue delivery-method=email delivery-address=ann}");
    told.submit("most", "{event-identifiers=job-assigned-to-queue delivery-method=email delivery-address=bob}");
    assert_eq!(told.outbox().len(), 1000);
    let shown =
        told.site.run("pdls", &["-c", "server", "-r", "notifications-lost notifications-waiting", "-s", "line"]);
    let shown = shown.expect(0).out;
    assert!(shown.contains("notifications-lost = 2") && shown.contains("notifications-waiting = 1000"), "{shown}");
    assert_eq!(told.history("undelivered").len(), 1, "it is said once");
    assert_eq!(told.site.jobs().len(), 3, "the jobs are taken all the same");
}

#[test]
fn an_address_that_nobody_answers_at_takes_no_room_of_others() {
    let told = waiting();
    multiply(&told, 99, "address");
    told.submit("more", "{event-identifiers=job-assigned-to-queue delivery-method=email delivery-address=ann}");
    told.submit("other", "{event-identifiers=job-assigned-to-queue delivery-method=email delivery-address=bob}");
    let to =
        |user: &str| told.outbox().iter().filter(|line| line.starts_with(&format!("electronic-mail {user} "))).count();
    assert_eq!((to("ann"), to("bob")), (100, 1));
}

#[test]
fn a_message_that_finds_no_terminal_for_ten_minutes_is_given_up() {
    let told = waiting();
    multiply(&told, 1, "address");
    let db = rusqlite::Connection::open(told.site.paths().database()).unwrap();
    db.busy_timeout(DEADLINE).unwrap();
    // One of each method is as old; only the message is given up.
    db.execute_batch(
        "UPDATE outbox SET made_spool = made_spool - 600000, due_spool = due_spool - 3600000, tries = 2;
                      UPDATE outbox SET method = 'message', address = 'root' WHERE id = 1;",
    )
    .unwrap();
    drop(db);
    told.submit("later", "{event-identifiers=job-assigned-to-queue delivery-method=email delivery-address=bob}");
    told.site
        .wait_for("the message is given up", || told.outbox().iter().all(|line| line.starts_with("electronic-mail ")));
    told.site.wait_for("the mails are kept", || told.outbox().len() == 2);
    assert!(told.history("undelivered").iter().any(|line| line.contains("by message to root: given up after 3 tries")));
}

#[test]
fn hostile_profiles_are_refused_where_they_are_typed() {
    let told = Told::new();
    let file = told.site.document("x", b"x\n");
    for (profile, why) in [
        ("{delivery-method=email delivery-address=-oQ/tmp}", "is no mail address"),
        ("{delivery-method=email delivery-address='ann@h1 bob@h2'}", "is no mail address"),
        ("{delivery-method=email delivery-address='a\nBcc: evil@x'}", "control characters"),
        ("{delivery-method=email delivery-address='|/bin/sh'}", "is no mail address"),
        ("{delivery-method=message delivery-address='\u{202e}ann'}", "cannot be shown"),
        ("{delivery-method=exit delivery-address='sh -c reboot'}", "no absolute path"),
        ("{delivery-method=file delivery-address=../../etc/passwd}", "no absolute path"),
        ("{event-identifiers=job-done}", "is no event"),
        ("{delivery-method=pigeon}", "is no method"),
    ] {
        let given = format!("notification-profile={profile}");
        let args = ["-d", "OFFICE.FRONT", "-x", &given, file.to_str().unwrap()];
        told.site.run("pdpr", &args).expect(2).says(why);
    }
    let database = format!(
        "notification-profile={{delivery-method=file delivery-address={}/spool.db}}",
        told.site.base().display()
    );
    let database = database.replace("delivery-address=", "delivery-address=\"").replace("spool.db}", "spool.db\"}");
    let args = ["-d", "OFFICE.FRONT", "-x", &database, file.to_str().unwrap()];
    told.site.run("pdpr", &args).expect(1).says("among the files of the spool");
    assert!(told.site.jobs().is_empty());
}

#[test]
fn a_profile_is_shown_as_it_was_given_changed_by_its_key_and_taken_back_from_an_archive() {
    let told = Told::new();
    told.submit(
        "kept",
        "{event-identifiers=job-completed delivery-method=email delivery-address=ann@h1 event-comment='two words'}",
    );
    let shown =
        |told: &Told| told.site.run("pdls", &["-U", "-F", "-s", "line", "-r", "notification-profile"]).expect(0).out;
    let first =
        "{event-identifiers=job-completed delivery-method=email delivery-address=ann@h1 event-comment='two words'}";
    assert!(shown(&told).contains(first), "{}", shown(&told));
    let add = |told: &Told, text: &str| told.site.run("pdmod", &["-x", text, "1"]).expect(0);
    add(&told, "notification-profile+={delivery-method=e-mail delivery-address=ann@h1} {delivery-method=job-log}");
    let now = shown(&told);
    assert!(!now.contains("two words") && now.contains("delivery-method=e-mail") && now.contains("job-log"), "{now}");
    add(&told, "notification-profile-={delivery-method=electronic-mail delivery-address=ann@h1}");
    assert!(!shown(&told).contains("ann@h1"), "{}", shown(&told));
    // What the archive writes, pdpr reads.
    let with = "notification-profile={delivery-method=email delivery-address=ann@h1 event-comment='two words'} {delivery-method=job-log}";
    add(&told, with);
    let archive = told.site.run("pdls", &["-U", "-F", "-r", "archive"]).expect(0).out;
    let file = told.site.document("archive", archive.as_bytes());
    let again = told.site.document("again", b"again\n");
    told.site.run("pdpr", &["-X", file.to_str().unwrap(), again.to_str().unwrap()]).expect(0);
    let now = shown(&told);
    let both =
        ["{delivery-method=email delivery-address=ann@h1 event-comment='two words'}", "{delivery-method=job-log}"];
    assert!(both.iter().all(|one| now.matches(one).count() == 2), "{archive}: {now}");
}

#[test]
fn devices_queues_and_the_server_tell_their_operators() {
    let told = Told::new();
    let named = ["-c", "server", "-g", "-s", "column", "-r", "server-name"];
    let server = told.site.run("pdls", &named).expect(0).out.trim().to_owned();
    let all = told.path("all");
    let profile = |events: &str| {
        format!(
            "notification-profile={{event-identifiers={events} delivery-method=file-add-to delivery-address={}}}",
            all.display()
        )
    };
    told.site
        .run("pdset", &["-c", "destination", "-x", &profile("destination-enabled destination-needs-operator"), "LP1"])
        .expect(0);
    told.site.run("pdset", &["-c", "queue", "-x", &profile("job-completed"), "OFFICE"]).expect(0);
    told.site.run("pdset", &["-c", "server", "-x", &profile("class-server-configuration"), &server]).expect(0);
    told.site.start("LP1");
    told.wait_for_text("all", "9900-931 Enabled: device $LP1.");
    let file = told.site.document("one", b"one\n");
    told.site.submit("OFFICE.FRONT", "one", &file).expect(0);
    told.wait_for_text("all", "5010-280 Printed: one, Job 1 (");
    told.site.spoolcom("COLLECT $S9, FILE CSPOOL");
    told.wait_for_text("all", "9900-946 Made: server ");
}

#[test]
fn what_a_job_says_to_its_operators_reaches_them() {
    let told = Told::new();
    let all = told.path("all");
    let operator = format!("notify-operator=file-add-to:{}", all.display());
    told.site.run("pdset", &["-c", "queue", "-x", &operator, "OFFICE"]).expect(0);
    told.site.run("pdset", &["-c", "destination", "-x", &operator, "LP1"]).expect(0);
    let file = told.site.document("one", b"one\n");
    let says = "job-message-to-operator='load blue paper' job-start-message='it begins' job-end-message='it ends'";
    told.site.run("pdpr", &["-d", "OFFICE.FRONT", "-x", says, file.to_str().unwrap()]).expect(0);
    told.wait_for_text("all", "For the operator: one, Job 1");
    told.site.start("LP1");
    let text = told.wait_for_text("all", "it ends");
    let order: Vec<usize> =
        ["load blue paper", "it begins", "it ends"].iter().map(|part| text.find(part).unwrap()).collect();
    assert!(order.is_sorted(), "{text}");
}

#[test]
fn a_message_goes_to_the_terminal_of_the_user_and_waits_until_there_is_one() {
    let told = Told::new();
    let file = told.site.document("one", b"one\n");
    told.site.run("pdpr", &["-d", "OFFICE.FRONT", "-N", "message", file.to_str().unwrap()]).expect(0);
    let shown = told.site.run("pdls", &["-U", "-F", "-s", "line", "-r", "notification-profile"]).expect(0).out;
    assert!(shown.contains("{delivery-method=message}"), "{shown}");
    let pty = nix::pty::openpty(None, None).unwrap();
    let name = nix::unistd::ttyname(&pty.slave).unwrap();
    std::fs::set_permissions(&name, PermissionsExt::from_mode(0o620)).unwrap();
    std::os::unix::fs::symlink(&name, told.path("terminals").join("0")).unwrap();
    told.site.start("LP1");
    told.wait_until_told();
    let mut seen = [0; 4096];
    let n = nix::unistd::read(&pty.master, &mut seen).unwrap();
    let seen = String::from_utf8_lossy(&seen[..n]).into_owned();
    assert!(seen.contains("5010-280 Printed: one, Job 1 ("), "{seen:?}");
}

#[test]
fn methods_that_n_cannot_give_alone_are_refused_and_none_tells_nobody() {
    let told = Told::new();
    let file = told.site.document("one", b"one\n");
    let with = |method: &str| told.site.run("pdpr", &["-d", "OFFICE.FRONT", "-N", method, file.to_str().unwrap()]);
    with("exit").expect(2).says("needs an address");
    with("pigeon").expect(2).says("is no method");
    with("none").expect(0);
    told.site.start("LP1");
    told.site.wait_until_empty();
    assert!(told.outbox().is_empty() && told.history("notified").is_empty());
}

#[test]
fn a_job_that_is_cancelled_says_by_whom_and_one_without_a_profile_says_nothing() {
    let told = Told::new();
    let all = told.path("all");
    let profile =
        format!("{{event-identifiers=class-aborted delivery-method=file-add-to delivery-address={}}}", all.display());
    told.submit("one", &profile);
    let file = told.site.document("two", b"two\n");
    told.site.submit("OFFICE.FRONT", "two", &file).expect(0);
    for job in ["1", "2"] {
        finish(told.site.command("pdrm").arg(job).env("PD_CONFIRM_DELETE", "no").spawn().unwrap(), DEADLINE).expect(0);
    }
    let text = told.wait_for_text("all", "9900-910 Cancelled by its owner: one, Job 1");
    told.wait_until_told();
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// Gives an object a profile that adds all of these events to a file.
fn set_profile(told: &Told, class: &str, object: &str, events: &str, file: &str) {
    let address = told.path(file).display().to_string();
    let given = format!(
        "notification-profile={{event-identifiers='{events}' delivery-method=file-add-to delivery-address={address}}}"
    );
    told.site.run("pdset", &["-c", class, "-x", &given, object]).expect(0);
}

#[test]
fn a_job_that_is_cleared_a_device_that_goes_on_and_a_queue_that_is_cleaned_are_told() {
    let told = Told::new();
    set_profile(
        &told,
        "destination",
        "LP1",
        "document-cancelled-at-destination object-resumed object-cleaned",
        "device",
    );
    set_profile(&told, "queue", "OFFICE", "object-cleaned object-modified object-deleted", "queue");
    let sink = Sink::new(Mode::Normal);
    sink.pause(true);
    told.site.run("spoolcom", &[&format!("DEV LP1, URI {}", sink.uri())]).expect(0);
    let large = told.site.document("stuck", &b"line\n".repeat(2_000_000));
    let profile = "notification-profile={event-identifiers=document-cancelled-at-destination delivery-method=job-log}";
    told.site.run("pdpr", &["-d", "OFFICE.FRONT", "-t", "stuck", "-x", profile, large.to_str().unwrap()]).expect(0);
    told.submit("waits", "{}");
    told.site.start("LP1");
    told.site.wait_for("it prints", || told.site.run("spoolcom", &["DEV LP1"]).out.contains("JOB 1"));
    told.site.run("spoolcom", &["DEV LP1, SUSPEND; DEV LP1, START; DEV LP1, CLEAR"]).expect(0);
    let text = told.wait_for_text("device", "9900-924");
    assert!(text.contains("9900-951 Resumed: device $LP1."), "{text}");
    assert!(
        told.history("notified")
            .iter()
            .any(|line| line.contains("9900-924 Taken from its device by an operator: stuck"))
    );
    sink.pause(false);
    told.site.run("spoolcom", &["DEV LP1, DRAIN"]).expect(0);
    let clean =
        told.site.command("pdclean").env("PD_CONFIRM_DELETE", "no").args(["-c", "queue", "OFFICE"]).output().unwrap();
    assert!(clean.status.success(), "{clean:?}");
    told.wait_for_text("queue", "9900-949 All jobs were removed: queue OFFICE. queue OFFICE: ");
}

#[test]
fn the_creator_of_the_spool_is_told_once_of_his_own_job() {
    let told = Told::new();
    told.site
        .run(
            "pdset",
            &[
                "-c",
                "queue",
                "-x",
                "notification-profile={event-identifiers=job-completed delivery-method=email}",
                "OFFICE",
            ],
        )
        .expect(0);
    told.submit("mine", "{event-identifiers=job-completed delivery-method=email}");
    told.site.start("LP1");
    told.site.wait_for("it is told", || !told.history("notified").is_empty());
    told.wait_until_told();
    assert_eq!(told.history("notified").len(), 1, "{:?}", told.history("notified"));
}

#[test]
fn a_job_that_is_held_when_it_is_printed_has_its_last_word() {
    let told = Told::new();
    told.site.run("pdset", &["-c", "destination", "-x", "notify-operator=email:ops", "LP1"]).expect(0);
    let file = told.site.document("kept", b"hello\n");
    let args = ["-d", "OFFICE.FRONT", "-x", "job-end-message='fetch the forms'", file.to_str().unwrap()];
    told.site.run("pdpr", &args).expect(0);
    told.site.run("spoolcom", &["JOB 1, HOLDAFTER"]).expect(0);
    told.site.start("LP1");
    told.wait_for_text("mail", "fetch the forms");
}

#[test]
fn a_trouble_is_told_only_if_it_lasts_and_the_log_of_the_system_is_one_way() {
    use std::os::unix::net::UnixDatagram;
    let mut told = Told::new();
    let socket = told.path("log");
    let log = UnixDatagram::bind(&socket).unwrap();
    log.set_read_timeout(Some(DEADLINE)).unwrap();
    told.site.env.push(("PD_SYSLOG", kept(&socket)));
    let refused = |part: &str, why: &str| {
        let given = format!("notification-profile={{delivery-method=syslog {part}}}");
        told.site.run("pdset", &["-c", "queue", "-x", &given, "OFFICE"]).expect(2).says(why);
    };
    refused("delivery-address=kern", "'kern' is no facility; facilities are lpr, user, daemon");
    refused("event-delay=0", "'0' is no event-delay: it is 1 to 10080 minutes");
    refused("event-delay=soon", "'soon' is no event-delay");
    let events = "event-identifiers='destination-needs-attention destination-enabled destination-recovered'";
    let given = format!(
        "notification-profile={{{events} event-delay=7 delivery-method=syslog delivery-address=local3 event-comment=look}}"
    );
    told.site.run("pdset", &["-c", "destination", "-x", &given, "LP1"]).expect(0);
    let heard = || {
        let mut octets = vec![0; 4096];
        let n = log.recv(&mut octets).unwrap();
        String::from_utf8(octets[..n].to_vec()).unwrap()
    };
    // What is no trouble is told at once: facility 19, information.
    told.site.start("LP1");
    let line = heard();
    assert!(line.starts_with("<158>spoolsuite[") && line.contains("]: 9900-931 Enabled: device $LP1."), "{line}");
    // A device that fails, and is started anew before its time: only that it is enabled is told.
    let dir = told.site.sink();
    let _ = std::fs::remove_file(&dir);
    std::fs::create_dir(&dir).unwrap();
    let file = told.site.document("one", b"one\n");
    told.site.submit("OFFICE.FRONT", "one", &file).expect(0);
    told.site
        .wait_for("it is kept whether the trouble lasts", || told.outbox().iter().any(|row| row.contains("9900-933")));
    std::fs::remove_dir(&dir).unwrap();
    told.site.spoolcom("DEV $LP1, START");
    told.site.wait_until_empty();
    let line = heard();
    assert!(line.starts_with("<158>") && line.contains("]: 9900-931 Enabled: device $LP1."), "{line}");
    told.wait_until_told();
    // One that lasts is told when its time has come.
    let _ = std::fs::remove_file(&dir);
    std::fs::create_dir(&dir).unwrap();
    told.site.submit("OFFICE.FRONT", "two", &file).expect(0);
    told.site.wait_for("it is kept once more", || told.outbox().iter().any(|row| row.contains("9900-933")));
    let db = rusqlite::Connection::open(told.site.paths().database()).unwrap();
    db.busy_timeout(DEADLINE).unwrap();
    db.execute_batch("UPDATE outbox SET due_spool = due_spool - 420000, made_spool = made_spool - 420000").unwrap();
    drop(db);
    told.site.spoolcom("LOC #OFFICE.OTHER, DEV $LP1");
    let line = heard();
    assert!(line.starts_with("<156>") && line.contains("This has lasted for 7 minutes. look"), "{line}");
}

#[test]
fn a_disk_without_room_is_told_once_and_that_there_is_room_again_is_on_record() {
    let told = Told::new();
    let server = told.site.run("pdls", &["-c", "server", "-g", "-s", "column", "-r", "server-name"]).expect(0).out;
    set_profile(&told, "server", server.trim(), "out-of-disk-space disk-space-low", "space");
    told.site.spoolcom("SPOOLER, RESERVE 900T");
    let file = told.site.document("one", b"one\n");
    for _ in 0..2 {
        told.site.submit("OFFICE.FRONT", "one", &file).expect(1);
    }
    let text = told.wait_for_text("space", "9900-962 The disk is full: server ");
    assert!(text.contains("no job is accepted") && text.lines().count() == 1, "{text}");
    told.wait_until_told();
    assert_eq!(told.history("space-out").len(), 1);
    told.site.spoolcom("SPOOLER, RESERVE NONE");
    told.site.submit("OFFICE.FRONT", "one", &file).expect(0);
    // A print process that begins looks.
    told.site.start("LP1");
    told.site.wait_for("there is room", || told.history("space-back").len() == 1);
    let shown = told.site.run("spoolcom", &["LOG"]).expect(0).out;
    assert!(shown.contains("no job is accepted"), "{shown}");
}
