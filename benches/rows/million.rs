//! 1,000,000 waiting jobs: what an operation costs in such a spool, against the same in a spool with one job.

use std::cell::RefCell;
use std::process::{Command, Stdio};

use super::super::support::filled;
use super::super::support::memory::peak_mib;
use super::super::support::site::{Site, submit, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, document, fsync_p50, in_turn, median, seconds};
use spoolsuite::model::job::Transfer;
use spoolsuite::model::query::{Condition, Order, Parts, Query};
use spoolsuite::spool::interface::engine::{AttemptEnd, Engine};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::sys::{clock, users};

/// A site with a device that is not started, so that nothing prints, and one waiting job.
fn site() -> Site {
    let site = Site::new();
    site.device("LP1", "null:");
    let mut local = site.local();
    let file = document(site.dir.path(), "small", 5_000);
    submit(&mut local, "g.lp1", &file, Transfer::Copy);
    site
}

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let jobs = size.pick(2_000, 1_000_000);
    let (full, empty) = (site(), site());
    let filling = seconds(|| filled::waiting(&full, jobs - 1));
    eprintln!("{jobs} jobs copied in {filling:.1} s");
    let fsync = fsync_p50(full.dir.path());
    let rounds = size.pick(1, 41);
    let both = |work: &dyn Fn(&Site) -> f64| in_turn(rounds, || work(&full), || work(&empty));
    let goal = Goal::AtMost(1.5);
    let row = |what: &str, times| {
        Row::ratio(&format!("{what}, {jobs} waiting jobs"), Unit::Seconds, times, "an empty spool", goal, fsync)
    };

    // The middle one of the full spool; the only one of the other.
    let middle = (jobs / 2).to_string();
    let by_id = |site: &Site| {
        let id = if std::ptr::eq(site, &full) { middle.as_str() } else { "1" };
        seconds(|| succeed(site.command("pdls").args(["-U", id])))
    };
    table.add(row("one job by its id, `pdls -U n`", both(&by_id)));

    let user = users::caller().identity();
    let first_page = |site: &Site| {
        seconds(|| {
            let query =
                Query { condition: Condition::UserName(user.clone()), order: Order::Schedule, parts: Parts::ALL };
            let page = site.local().jobs(query, None, 50).unwrap();
            assert!(!page.rows.is_empty());
        })
    };
    // One job against fifty would say little: fifty in the other spool too.
    filled::waiting(&empty, 49);
    table.add(row("the first 50 of an owner, opening included", both(&first_page)));

    let file = full.dir.path().join("small");
    let one_more = |site: &Site| seconds(|| succeed(&mut site.pdpr("g.lp1", &file)));
    table.add(row("submit one more, `pdpr`", both(&one_more)));

    dump(size, &full, jobs, table, fsync)?;
    filters(size, &full, jobs, table, fsync)?;
    next(&full, &empty, jobs, rounds, table, fsync)?;
    Ok(())
}

/// The claim of the next job: chosen by the index and committed.
fn next(full: &Site, empty: &Site, jobs: usize, rounds: u32, table: &mut Table, fsync: f64) -> anyhow::Result<()> {
    let engine = |site: &Site| -> anyhow::Result<_> {
        // Nobody runs the process: we are it.
        site.local().start_device("LP1".parse()?)?;
        let spool = site.spool();
        let lease = spool.begins(&site.process(), std::process::id(), &clock::now())?;
        Ok((spool, lease))
    };
    let (full, empty) = (engine(full)?, engine(empty)?);
    let slowest = RefCell::new(Vec::new());
    let claim = |(spool, lease): &(spoolsuite::spool::Spool, spoolsuite::spool::interface::engine::Lease)| {
        let order = spool.orders(lease, &clock::now()).unwrap().remove(0);
        let mut claimed = None;
        let took = seconds(|| claimed = spool.claim(lease, order.id, &clock::now()).unwrap());
        let end = AttemptEnd::Abandoned { touched: false };
        spool.attempt_ends(lease, &claimed.unwrap(), end, false, &clock::now()).unwrap();
        took
    };
    let times = in_turn(
        rounds,
        || {
            let took = claim(&full);
            slowest.borrow_mut().push(took);
            took
        },
        || claim(&empty),
    );
    let what = format!("choose and claim the next to print, {jobs} waiting jobs");
    table.add(Row::ratio(&what, Unit::Seconds, times, "an empty spool", Goal::AtMost(1.5), fsync));
    let what = "the same against its limit, one sync included";
    table.add(Row::limit(what, Unit::Seconds, median(slowest.into_inner()), None, Goal::AtMost(0.001), fsync));
    Ok(())
}

/// Every job as JSON, and what that takes of memory.
fn dump(size: Size, site: &Site, jobs: usize, table: &mut Table, fsync: f64) -> anyhow::Result<()> {
    if Command::new("sqlite3").arg("--version").stdout(Stdio::null()).status().is_err() {
        table.left_out("every job as JSON", "needs the Debian package sqlite3");
        return Ok(());
    }
    // What `pdls` shows of a job, with its destination, how far it is, and its documents.
    let sql = "SELECT j.local_id, j.serial, j.name, j.wish, j.reasons, e.state, e.device_id, e.claimed_ms, g.name AS grp, l.dest,
            j.octets, j.number, j.user_name, j.owner, j.priority, j.hold_after, j.form, j.pages, j.created_ms,
            d.sequence, d.format, CAST(d.file_name AS TEXT) AS file_name, d.copies, d.octets AS document_octets,
            d.pages AS document_pages, d.transfer
        FROM job j JOIN location_group g ON g.id = j.group_id LEFT JOIN location l ON l.id = j.location_id
            JOIN entry e ON e.job_id = j.id JOIN document d ON d.job_id = j.id
        ORDER BY j.sort_promoted, j.sort_rank, j.sort_key, j.sort_sequence";
    let quiet = |command: &mut Command| seconds(|| succeed(command));
    let pdls = |arguments: &[&str]| {
        let mut command = site.command("pdls");
        command.args(arguments);
        command
    };
    let shell = || {
        let mut command = Command::new("sqlite3");
        command.arg("-json").arg("-readonly").arg(site.base.database()).arg(sql);
        command
    };
    let all = &["-U", "-F", "--json"][..];
    let times = in_turn(size.pick(1, 3), || quiet(&mut pdls(all)), || quiet(&mut shell()));
    let what = format!("all {jobs} as JSON, `pdls -U -F --json`");
    table.add(Row::ratio(&what, Unit::Seconds, times, "sqlite3 -json", Goal::AtMost(3.0), fsync));
    // The whole against a listing of some, long enough for its process to be there when it is looked at.
    let some: Vec<String> = (1..=jobs.min(200)).map(|id| id.to_string()).collect();
    let few: Vec<&str> = ["-U", "--json"].into_iter().chain(some.iter().map(String::as_str)).collect();
    let (whole, page) = (peak_mib(pdls(all))?, peak_mib(pdls(&few))?);
    let what = "memory it takes at most";
    table.add(Row::limit(what, Unit::Mib, whole, Some((page, "for 200 jobs")), Goal::AtMost(page + 8.0), fsync));
    Ok(())
}

/// `pdls -U -f`: the first page of what a filter selects, where an index knows it, and the whole of what none knows.
fn filters(size: Size, site: &Site, jobs: usize, table: &mut Table, fsync: f64) -> anyhow::Result<()> {
    // One job among all the others that each filter finds.
    site.device("RARE", "null:");
    let mut local = site.local();
    let file = document(site.dir.path(), "small", 5_000);
    submit(&mut local, "g.rare", &file, Transfer::Copy);
    let last = local.about()?.jobs.to_string();
    succeed(site.command("pdmod").args(["-x", "job-hold=true", &last]));
    let rounds = size.pick(1, 21);
    let me = users::caller().user;
    for (what, filter) in [
        ("state", "current-job-state==held".to_owned()),
        ("destination", "destination-name-requested==rare".to_owned()),
        ("owner", format!("job-owner=={me} && current-job-state==held")),
        ("id", format!("job-client-id=={last}")),
    ] {
        let page = || {
            let mut command = site.command("pdls");
            command.args(["-U", "-j", "-g", "-s", "line", "-r", "job-identifier", "-f", &filter]);
            // The id stands as an argument where a script has one.
            if what == "id" {
                command.arg(&last);
            }
            seconds(|| succeed(&mut command))
        };
        let times = (0..rounds).map(|_| page()).collect();
        let what = format!("`pdls -U -f` of one job by its {what}, {jobs} waiting jobs");
        table.add(Row::limit(&what, Unit::Seconds, median(times), None, Goal::AtMost(0.020), fsync));
    }
    if Command::new("sqlite3").arg("--version").stdout(Stdio::null()).status().is_err() {
        table.left_out("a filter that no index knows", "needs the Debian package sqlite3");
        return Ok(());
    }
    let filtered = || {
        let mut command = site.command("pdls");
        command.args(["-U", "-j", "-g", "-s", "line", "-r", "job-identifier", "-f", "job-name~=nothing-like-it"]);
        seconds(|| succeed(&mut command))
    };
    let scan = || {
        let sql = "SELECT * FROM job ORDER BY sort_promoted, sort_rank, sort_place, sort_sequence";
        let mut command = Command::new("sqlite3");
        command.args(["-json", "-readonly"]).arg(site.base.database()).arg(sql);
        seconds(|| succeed(&mut command))
    };
    let times = in_turn(size.pick(1, 3), filtered, scan);
    let what = format!("`pdls -U -f` of a name that none of {jobs} jobs has");
    table.add(Row::ratio(&what, Unit::Seconds, times, "a bare scan by sqlite3", Goal::AtMost(3.0), fsync));
    Ok(())
}
