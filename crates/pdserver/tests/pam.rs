//! Passwords of accounts, through PAM: with services of our own that nobody logs on to the machine by, and modules of Debian.

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::stations::{Browser, GAMES, Station, site, submit};
use super::support::{ANN, Machine, OPERATOR, Outcome, SERVER};

/// What a program is asked for each password. It also notes how it was asked.
const AUTH: &str = r#"#!/bin/sh
password=$(tr -d '\000')
tr '\000' ' ' < "/proc/$PPID/cmdline" >> RUN/asked
echo "$PAM_RHOST" >> RUN/asked
case "$PAM_USER:$password" in
"games:let me in " | man:right | zoe.here:right | games:right) exit 0 ;;
slow:*) sleep 1000 ;;
esac
exit 1
"#;

/// An account that is locked.
const ACCOUNT: &str = "#!/bin/sh\n[ \"$PAM_USER\" != man ]\n";

fn executable(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Makes a service of PAM. Its file comes back.
pub fn service(machine: &Machine) -> PathBuf {
    let dir = machine.path("pam.d");
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o755)).unwrap();
    executable(&dir.join("auth"), &AUTH.replace("RUN", machine.path("run").to_str().unwrap()));
    executable(&dir.join("account"), ACCOUNT);
    let at = dir.display();
    let text = format!(
        "auth [success=1 default=ignore] pam_exec.so quiet expose_authtok {at}/auth\n\
         auth requisite pam_deny.so\nauth required pam_permit.so\n\
         account [success=1 default=ignore] pam_exec.so quiet {at}/account\n\
         account requisite pam_deny.so\naccount required pam_permit.so\n"
    );
    let file = dir.join("printing");
    std::fs::write(&file, text).unwrap();
    file
}

/// Starts the server anew, with that service.
pub fn serve_with(machine: &mut Machine, service: &Path, seconds: &str) {
    machine.stop();
    machine.start_with(&[("PD_PAM_SERVICE", service), ("PD_PAM_SECONDS", Path::new(seconds))]);
}

fn bank(machine: &Machine, words: &str) {
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", &format!("bank={words}"), "hall"]).expect(0);
}

#[test]
fn people_log_on_with_the_password_of_their_account_and_nobody_learns_what_was_wrong() {
    let Some(mut machine) = site() else { return };
    let service = service(&machine);
    serve_with(&mut machine, &service, "20");
    bank(&machine, "pin pam");
    submit(&machine, GAMES, "Letter");
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    browser.get("/").expect(200).says("PIN or password");
    // Its blanks belong to a password.
    browser.log_on("games", "let+me+in+").expect(303);
    browser.get("/").expect(200).says("Logged on as games").says("Letter");
    // Digits are a PIN.
    browser.log_on("games", "4071").expect(303);
    let mut other = Browser::at(&station);
    let said = |browser: &mut Browser, user: &str, password: &str| {
        let page = browser.log_on(user, password).expect(403).says("the PIN or the password is wrong");
        let token = page.token().unwrap().to_owned();
        page.body.replace(&token, "")
    };
    let wrong = said(&mut other, "games", "let+me+in");
    // His account is locked, and nobody has that name: the same words, by the same way.
    assert_eq!(said(&mut other, "man", "right"), wrong);
    assert_eq!(said(&mut other, "zoe.there", "right"), wrong);
    assert_eq!(said(&mut other, "root", "right"), wrong);
    // Somebody whom this machine does not know by number, but PAM does.
    other.log_on("zoe.here", "right").expect(303);
    other.get("/").expect(200).says("Logged on as zoe.here");
    assert!(machine.log().contains("a wrong name or password from 127.0.0.1"), "{}", machine.log());
    // Neither the log nor a command line has a password in it.
    let asked = std::fs::read_to_string(machine.path("run/asked")).unwrap();
    assert!(asked.contains("pdpam") && asked.contains("127.0.0.1"), "{asked}");
    for text in [&asked, &machine.log()] {
        assert!(!text.contains("let me in") && !text.contains("right"), "{text}");
    }
    bank(&machine, "pin");
    other.get("/").expect(200).says("You are logged off.");
}

#[test]
fn wrong_passwords_and_wrong_pins_of_one_person_are_counted_together() {
    let Some(mut machine) = site() else { return };
    let service = service(&machine);
    serve_with(&mut machine, &service, "20");
    bank(&machine, "pin pam");
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    for wrong in ["wrong", "1234", "wronger", "1235", "wrongest"] {
        browser.log_on("games", wrong).expect(403);
    }
    browser.log_on("games", "4071").expect(403);
    browser.log_on("games", "right").expect(403);
    // Others are not affected.
    browser.log_on("zoe.here", "right").expect(303);
    let log = machine.run(OPERATOR, "spoolcom", &["LOG"]).expect(0).out;
    assert!(log.contains("in a row"), "{log}");
}

#[test]
fn a_module_that_hangs_and_a_service_that_is_missing_let_nobody_in_and_count_for_nobody() {
    let Some(mut machine) = site() else { return };
    let service = service(&machine);
    serve_with(&mut machine, &service, "1");
    bank(&machine, "pam");
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    browser.get("/").expect(200).says("Password");
    browser.log_on("slow", "right").expect(503).says("whoever knows the users does not answer");
    assert!(machine.log().contains("PAM did not answer within 1 s"), "{}", machine.log());
    let none = machine.path("pam.d/none");
    serve_with(&mut machine, &none, "20");
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    for _ in 0..6 {
        browser.log_on("games", "right").expect(503).says("whoever knows the users does not answer");
    }
    assert!(machine.log().contains("there is no service none in"), "{}", machine.log());
    std::fs::rename(service, none).unwrap();
    browser.log_on("games", "right").expect(303);
}

fn ask(machine: &Machine, service: &str, text: &str, user: &str) -> Outcome {
    let dir = machine.path("services");
    let _ = std::fs::create_dir(&dir);
    std::fs::write(dir.join(service), text).unwrap();
    let mut command = machine.command(ANN, "pdpam");
    let mut child = command.arg("--directory").arg(&dir).arg(service).stdin(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(format!("{user}\u{0}10.0.0.1\u{0}secret").as_bytes());
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn an_account_that_may_not_be_used_is_refused_although_the_password_is_right() {
    let Some(machine) = Machine::named("acme1", |_| true) else { return };
    let debug = |auth: &str, account: &str| {
        let text = format!("auth required pam_debug.so auth={auth}\naccount required pam_debug.so acct={account}\n");
        ask(&machine, "debug", &text, "games")
    };
    let yes = debug("success", "success").expect(0);
    assert_eq!((yes.out.as_str(), yes.err.as_str()), ("games", ""));
    for (auth, account) in [
        ("auth_err", "success"),
        ("user_unknown", "success"),
        ("maxtries", "success"),
        ("success", "acct_expired"),
        ("success", "new_authtok_reqd"),
        ("success", "perm_denied"),
    ] {
        let began = Instant::now();
        let no = debug(auth, account).expect(1);
        assert!(no.out.is_empty() && !no.err.is_empty(), "{no:?}");
        assert!(began.elapsed() >= Duration::from_secs(2), "a refusal takes its time");
    }
    debug("authinfo_unavail", "success").expect(3);
    // Nobody is asked for whoever has no name.
    ask(&machine, "debug", "auth required pam_debug.so auth=success\n", "").expect(1);
    // A service that is not described is not taken for another one.
    let mut command = machine.command(ANN, "pdpam");
    let mut child = command.arg("no-such-service").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"games\0\0secret").unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(3));
    machine.run(ANN, "pdpam", &["debug"]).expect(2).says("no question");
}

/// As on a machine whose accounts are in files: in a mount namespace of its own, so that those of this machine stay as they are.
#[test]
fn pam_unix_says_yes_to_a_server_without_rights_that_is_in_the_group_shadow() {
    let Some(machine) = Machine::named("acme1", |_| true) else { return };
    let here = ["unshare", "setpriv", "openssl"].iter().all(|name| Path::new("/usr/bin").join(name).exists());
    if !here {
        eprintln!("SKIPPED: no unshare, setpriv or openssl");
        return;
    }
    let hash = Outcome::of(Command::new("openssl").args(["passwd", "-6", "secret"]).stdout(Stdio::piped())).out;
    let hash = hash.trim();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let accounts: String = (0..)
        .zip(["pdann", "pdold", "pdlock"])
        .fold(passwd, |text, (n, name)| format!("{text}{name}:x:{}:{0}::/nonexistent:/bin/sh\n", 47_200 + n));
    let shadow = format!(
        "root:*:19000:0:99999:7:::\npdann:{hash}:19000:0:99999:7:::\npdold:{hash}:19000:0:99999:7::1:\npdlock:!{hash}:19000:0:99999:7:::\n"
    );
    std::fs::write(machine.path("passwd"), accounts).unwrap();
    std::fs::write(machine.path("shadow"), shadow).unwrap();
    let group = nix::unistd::Group::from_name("shadow").unwrap().unwrap().gid.as_raw();
    chown(machine.path("shadow"), Some(0), Some(group)).unwrap();
    std::fs::set_permissions(machine.path("shadow"), PermissionsExt::from_mode(0o640)).unwrap();
    std::fs::create_dir(machine.path("services")).unwrap();
    let text = "auth required pam_unix.so nodelay\naccount required pam_unix.so\n";
    std::fs::write(machine.path("services/unix"), text).unwrap();
    let dir = machine.dir.path().display();
    let ask = |user: &str, password: &str, groups: &str| {
        let script = format!(
            "mount --make-rprivate / && mount --bind {dir}/passwd /etc/passwd && mount --bind {dir}/shadow /etc/shadow && \
             exec setpriv --reuid {SERVER} --regid {SERVER} {groups} --no-new-privs {dir}/pdpam --directory {dir}/services unix"
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{user}\0\0{password}").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        Outcome { status: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    };
    let shadow = format!("--groups {group}");
    assert_eq!(ask("pdann", "secret", &shadow).expect(0).out, "pdann");
    for (user, password) in [("pdann", "wrong"), ("pdold", "secret"), ("pdlock", "secret"), ("pdnobody", "secret")] {
        ask(user, password, &shadow).expect(1);
    }
    assert_ne!(ask("pdann", "secret", "--clear-groups").status, 0, "without the group nobody comes in");
}
