//! Other users of the machine: what they put where a device prints to, and what they could do to a base that was made
//! with loose rights.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{DEADLINE, Site, finish, program};

const NOBODY: u32 = 65534;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// A program of ours under another umask.
fn under(site: &Site, umask: &str, name: &str, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    site.dress(&mut command);
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(program(name)).args(args);
    command
}

/// A site whose `$LP1` prints to `open/lp.out`, a directory with this mode.
fn site_with(mode: u32) -> (Site, PathBuf, PathBuf) {
    let site = Site::new();
    let open = site.files.path().join("open");
    fs::create_dir(&open).unwrap();
    set_mode(&open, mode);
    let path = open.join("lp.out");
    site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
    site.device("LP1", &format!("file://{}", path.display()), "OFF!");
    site.spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
    (site, open, path)
}

/// Starts `$LP1`, waits until its error says `words`, mends what `mend` mends, and waits for the job.
fn refused_until_mended(site: &Site, words: &str, mend: impl FnOnce()) {
    let file = site.document("x", b"our text\n");
    site.submit("office.front", "x", &file).expect(0);
    site.start("LP1");
    site.wait_for(words, || site.run("spoolcom", &["DEV $LP1, STATUS DETAIL"]).out.contains(words));
    let why = site.run("spoolcom", &["JOB 1, WHY"]);
    assert!(why.out.contains(words), "{why:#?}");
    mend();
    site.wait_until_empty();
    site.spoolcom("DEV $LP1, DRAIN");
}

#[test]
fn what_others_put_where_a_device_prints_gets_nothing_and_the_device_heals_when_it_is_gone() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: only root can act for another user");
        return;
    }
    type Plant = fn(&Path, &Path);
    let plants: [(&str, Plant); 4] = [
        ("belongs to nobody", |path, victim| {
            symlink(victim, path).unwrap();
            lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }),
        ("it belongs to nobody", |path, _| {
            fs::write(path, "").unwrap();
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            set_mode(path, 0o666);
        }),
        ("has 2 names", |path, victim| fs::hard_link(victim, path).unwrap()),
        ("it is a FIFO", |path, _| {
            nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }),
    ];
    for (words, plant) in plants {
        let (site, open, path) = site_with(0o1777);
        let victim = site.document("victim", b"keys\n");
        plant(&path, &victim);
        let planted = fs::symlink_metadata(&path).unwrap().ino();
        refused_until_mended(&site, words, || {
            // A device of another kind waits for its operator; the others heal alone.
            fs::rename(&path, open.join("aside")).unwrap();
            if words.contains("FIFO") {
                site.spoolcom("DEV $LP1, START");
            }
        });
        assert_eq!(fs::read(&victim).unwrap(), b"keys\n", "{words}");
        assert_eq!(fs::read(&path).unwrap(), b"our text\n");
        assert_eq!(mode(&path), 0o644);
        assert_ne!(fs::symlink_metadata(&path).unwrap().ino(), planted);
    }
}

#[test]
fn a_directory_in_which_others_replace_files_is_refused_until_it_is_closed_or_accepted() {
    let (site, open, path) = site_with(0o777);
    refused_until_mended(&site, "chmod +t", || set_mode(&open, 0o755));
    assert_eq!(fs::read(&path).unwrap(), b"our text\n");
    set_mode(&open, 0o777);
    site.spoolcom(&format!("DEV $LP1, URI file://{}?shared=yes; DEV $LP1, START", path.display()));
    let shown = site.run("spoolcom", &["DEV $LP1, STATUS DETAIL"]).expect(0).out;
    assert!(shown.contains("?shared=yes"), "{shown}");
    let file = site.document("y", b"more\n");
    site.submit("office.front", "y", &file).expect(0);
    site.wait_until_empty();
    assert_eq!(fs::read(&path).unwrap(), b"our text\nmore\n");
}

#[test]
fn a_fifo_in_an_open_directory_is_refused_like_a_file() {
    let (site, open, path) = site_with(0o777);
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    site.spoolcom(&format!("DEV $LP1, URI fifo://{}", path.display()));
    let reader = std::thread::spawn({
        let path = path.clone();
        move || fs::read(path).unwrap()
    });
    refused_until_mended(&site, "others may replace", || set_mode(&open, 0o1777));
    assert_eq!(reader.join().unwrap(), b"our text\n");
}

#[test]
fn a_second_name_of_a_file_of_the_spool_is_no_device_and_no_document() {
    let site = Site::new();
    site.declare();
    site.spoolcom("LOC #OFFICE.PARK, DEV NONE");
    let file = site.document("d", b"secret\n");
    site.submit("office.park", "kept", &file).expect(0);
    let print_file = site.server_dir().join(&site.print_files()[0]);
    let second = site.files.path().join("second");
    for own in [site.paths().write_lock(), site.paths().database(), print_file.clone()] {
        let before = fs::read(&own).unwrap();
        fs::hard_link(&own, &second).unwrap();
        site.device("LP2", &format!("file://{}", second.display()), "OFF!");
        site.spoolcom("LOC #OFFICE.BACK, DEV $LP2; DEV $LP2, START");
        site.submit("office.back", "x", &file).expect(0);
        // It is an error of that device, and the spool goes on.
        site.wait_for("it is refused", || {
            site.run("spoolcom", &["DEV $LP2, STATUS DETAIL"]).out.contains("a file of the spool under another name")
        });
        // Database and write gate change by themselves.
        let after = fs::read(&own).unwrap();
        if own == print_file {
            assert_eq!(after, before);
        } else {
            assert!(!after.windows(6).any(|part| part == b"secret"), "{}", own.display());
        }
        site.spoolcom("DEV $LP2, DRAIN");
        let jobs: Vec<String> = site.jobs().iter().map(|job| job["job-number"].to_string()).collect();
        for job in jobs.iter().filter(|job| *job != "1") {
            site.spoolcom(&format!("JOB {job}, DELETE"));
        }
        fs::remove_file(&second).unwrap();
    }
    fs::hard_link(&print_file, &second).unwrap();
    let outcome = site.run("pdpr", &["-d", "office.park", "-l", second.to_str().unwrap()]).expect(1);
    outcome.says("a file of the spool under another name");
    assert_eq!(site.jobs().len(), 1);
}

#[test]
fn a_base_made_with_loose_rights_is_tightened_by_the_next_command() {
    let site = Site::new();
    fs::create_dir(site.base()).unwrap();
    set_mode(site.base(), 0o777);
    site.declare();
    assert_eq!(mode(site.base()), 0o700, "an empty directory of ours that everybody could write to");
    let (database, run, server) = (site.paths().database(), site.paths().run(), site.server_dir());
    set_mode(&database, 0o644);
    set_mode(&run, 0o777);
    set_mode(&server, 0o755);
    set_mode(site.base(), 0o777);
    site.run("pdls", &[]).expect(0);
    let modes = [&database, &run, &server, &site.base().to_path_buf()].map(|path| mode(path));
    assert_eq!(modes, [0o600, 0o700, 0o700, 0o700]);
    // Others may look into the directory itself where its user wants it so: there is nothing that they can read.
    set_mode(site.base(), 0o755);
    site.run("pdls", &[]).expect(0);
    assert_eq!(mode(site.base()), 0o755);
}

#[test]
fn a_base_in_which_others_could_have_replaced_something_is_refused_with_the_way_out() {
    let site = Site::new();
    site.declare();
    let stranger = site.base().join("stranger");
    fs::write(&stranger, "").unwrap();
    set_mode(site.base(), 0o777);
    let outcome = site.run("pdls", &[]).expect(3);
    outcome.says("is no part of a spool").says(&format!("chmod 700 {}", site.base().display()));
    assert_eq!(mode(site.base()), 0o777, "nothing is changed where it is not clear what lies there");
    fs::remove_file(&stranger).unwrap();
    site.run("pdls", &[]).expect(0);
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    site.fastp_ends(DEADLINE);
    chown(site.paths().run(), Some(NOBODY), Some(NOBODY)).unwrap();
    for mode in [0o700, 0o777] {
        set_mode(site.base(), mode);
        site.run("pdls", &[]).expect(3).says("somebody");
    }
    chown(site.paths().run(), Some(0), Some(0)).unwrap();
    set_mode(site.base(), 0o700);
    site.run("pdls", &[]).expect(0);
}

#[test]
fn every_file_has_the_mode_that_it_needs_whatever_the_umask() {
    for umask in ["0", "0177", "0777"] {
        let site = Site::new();
        let run =
            |name: &str, args: &[&str]| finish(under(&site, umask, name, args).spawn().unwrap(), DEADLINE).expect(0);
        let sink = site.files.path().join("sink");
        run(
            "spoolcom",
            &[&format!(
                "PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI file://{}, HEADER OFF, RETRY 1; LOC #A.B, DEV $LP1; \
                 LOC #A.PARK, DEV NONE; SPOOLER, START",
                sink.display()
            )],
        );
        let file = site.document("d", b"secret\n");
        run("pdpr", &["-d", "a.park", file.to_str().unwrap()]);
        run("pdpr", &["-d", "a.b", file.to_str().unwrap()]);
        site.wait_for("it is printed", || site.jobs().len() == 1);
        assert_eq!(mode(&sink), 0o644, "umask {umask}");
        let mut left = vec![site.base().to_path_buf()];
        while let Some(path) = left.pop() {
            // What the print process removes meanwhile is not there any more.
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            let wanted = if meta.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(meta.mode() & 0o7777, wanted, "umask {umask}: {}", path.display());
            if meta.is_dir() {
                left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
    }
}

#[test]
fn a_file_that_the_user_names_is_made_as_his_shell_would_make_it() {
    let site = Site::new();
    site.declare();
    for (umask, expected) in [("0", 0o666), ("027", 0o640), ("0177", 0o600)] {
        let out = site.files.path().join(umask);
        let out = out.to_str().unwrap();
        finish(under(&site, umask, "spoolcom", &["--out", out, "DEV"]).spawn().unwrap(), DEADLINE).expect(0);
        assert_eq!(mode(Path::new(out)), expected, "umask {umask}");
        finish(under(&site, "0", "spoolcom", &["--out", out, "DEV"]).spawn().unwrap(), DEADLINE).expect(0);
        assert_eq!(mode(Path::new(out)), expected, "one that is there keeps what it has");
    }
}
