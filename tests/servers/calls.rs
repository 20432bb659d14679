//! The n-th system call of a server, or of its print process, fails while a job is handed over, its file is fetched and printed, its end goes
//! back, and both forget it: n = 1, 2, 3 … until none is left to fail. Each time the job prints, once, or twice where that is announced; what
//! an operator has to do is no more than START.
//!
//! The short form tries every 29th call; `NTH_STRIDE=1` is the long one.

use std::path::PathBuf;
use std::process::Child;
use std::time::Instant;

use crate::nth_call::shim;
use crate::support::documents::text;
use crate::support::{DEADLINE, number};

use super::world::World;

struct Faults {
    world: World,
    /// What makes calls fail, and where it is told which.
    shim: PathBuf,
    arm: PathBuf,
    mark: PathBuf,
    process: Option<Child>,
}

impl Faults {
    /// Two servers. Of `who` a call of this kind is to fail: of a server, or of the print process of `acme2`.
    fn new(who: &'static str, kind: &str) -> Self {
        let world = World::two();
        let files = world["acme2"].files.path();
        let (shim, arm, mark) = (shim(files), files.join("arm"), files.join("mark"));
        let program = match who {
            "fastp" => "fastp".to_owned(),
            _ => std::env::current_exe().unwrap().file_name().unwrap().to_string_lossy().into_owned(),
        };
        let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
        let (preload, armed, marked) = (text(&shim), text(&arm), text(&mark));
        let env = [
            ("LD_PRELOAD", preload.as_str()),
            ("FAULT_PROGRAM", &program),
            ("FAULT_KIND", kind),
            ("FAULT_ARM", &armed),
            ("FAULT_MARK", &marked),
        ];
        let process = match who {
            "fastp" => {
                world["acme2"].kill_fastp();
                Some(world["acme2"].start_with_submission_socket("600", &env))
            }
            server => {
                world.kill(server);
                world.run_with(server, &env);
                None
            }
        };
        Self { world, shim, arm, mark, process }
    }

    /// Lets the n-th call from now on fail.
    fn arm(&self, n: u64) {
        let _ = std::fs::remove_file(&self.mark);
        let new = self.arm.with_extension("new");
        std::fs::write(&new, n.to_string()).unwrap();
        std::fs::rename(new, &self.arm).unwrap();
    }

    /// Does what an operator would until nothing is left: what is held, and a device in error, is started.
    fn come_to_its_end(&self, what: &str) {
        let end = Instant::now() + DEADLINE;
        loop {
            let mut left = 0;
            for name in ["acme1", "acme2"] {
                for job in self.world[name].jobs() {
                    left += 1;
                    if job["current-job-state"] == "held" {
                        self.world[name].run("spoolcom", &[&format!("JOB {}, START", job["job-number"])]);
                    }
                }
            }
            if left == 0 {
                return;
            }
            if self.world["acme2"].run("spoolcom", &["DEV $LP1, START"]).status != 0 {
                self.world["acme2"].run("spoolcom", &["PRINT $SPLA, START"]);
            }
            assert!(
                Instant::now() < end,
                "{what}: {:#?} {:#?} {} {}",
                self.world["acme1"].jobs(),
                self.world["acme2"].jobs(),
                self.world.log("acme1"),
                self.world.log("acme2")
            );
        }
    }
}

fn fails(who: &'static str, kind: &str) {
    let faults = Faults::new(who, kind);
    assert!(faults.shim.exists());
    let stride = number("NTH_STRIDE", 29);
    let (mut fired, mut tags) = (0, Vec::new());
    for n in (1..3000).step_by(usize::try_from(stride).unwrap()) {
        let tag = format!("{kind}-{n}");
        faults.arm(n);
        let file = faults.world["acme1"].document(&tag, &text(&tag, 2000));
        let words = ["-l", "-d", "office.front", "-t", &tag, file.to_str().unwrap()];
        let outcome = faults.world["acme1"].run("pdpr", &words).expect(0);
        let what = format!("{who}: {kind} in call {n} ({:?}): {outcome:?}", std::fs::read_to_string(&faults.mark));
        faults.come_to_its_end(&what);
        tags.push(tag);
        match std::fs::read_to_string(&faults.mark) {
            Ok(_) => fired += 1,
            Err(_) => break,
        }
    }
    let paper = faults.world.paper();
    let mut announced = faults.world["acme1"].possible_duplicates();
    announced.extend(faults.world["acme2"].possible_duplicates());
    for tag in &tags {
        let lines = String::from_utf8(text(tag, 2000)).unwrap();
        let times = paper.matches(lines.as_str()).count();
        assert!(times == 1 || times > 1 && announced.contains(tag), "{who}: {tag} came out {times} times");
    }
    assert!(fired > 0, "{who}: {kind} never fired");
    eprintln!("{who}: {kind}: {fired} calls failed, {} announced", announced.len());
    faults.world["acme1"].wait_for_no_print_files();
    faults.world["acme2"].wait_for("nothing fetched is left", || faults.world.fetched("acme2").is_empty());
    if let Some(mut process) = faults.process {
        let _ = process.kill();
        let _ = process.wait();
    }
}

#[test]
fn a_job_prints_whichever_call_of_the_server_that_has_it_fails() {
    for kind in ["EIO", "ENOSPC", "EMFILE"] {
        fails("acme1", kind);
    }
}

#[test]
fn a_job_prints_whichever_call_of_the_server_that_fetches_it_fails() {
    for kind in ["EIO", "ENOSPC", "EMFILE"] {
        fails("acme2", kind);
    }
}

#[test]
fn a_job_prints_whichever_call_of_the_print_process_fails() {
    for kind in ["EIO", "ENOSPC", "EMFILE", "SHORT"] {
        fails("fastp", kind);
    }
}
