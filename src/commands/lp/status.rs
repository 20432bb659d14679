//! `lpstat` and `lpq`: displays.

use std::ffi::OsString;

use jiff::Timestamp;

use super::cancel::each;
use super::options::{Item, read};
use super::queues::{self, Queue, Standing};
use super::{Stop, job_number, open};
use crate::commands::shell::{Intent, Shell};
use crate::commands::why::{self, Times};
use crate::model::event::EventWord;
use crate::model::job::JobStatus;
use crate::model::names::DeviceName;
use crate::model::printable::escaped;
use crate::model::query::{Condition, Order, PAGE, Parts, Query};
use crate::model::state::JobState;
use crate::model::{JobRef, LocationPattern};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;

/// What `lpstat` shows, in the order in which it was asked for.
struct Wanted {
    what: char,
    names: Vec<String>,
}

/// Runs `lpstat`.
pub fn lpstat(words: &[OsString], shell: &mut Shell<'_>) -> Result<(), Stop> {
    let (mut wanted, mut host, mut users, mut long, mut rank) = (Vec::<Wanted>::new(), None, Vec::new(), false, false);
    let mut which = "not-completed".to_owned();
    let mut glued = false;
    for item in read(words, "a?c?o?p?u?v?dlrstDREh:H?U:W:")? {
        match item {
            Item::Option('h', value) => host = value,
            Item::Option('W', value) => which = value.unwrap_or_default(),
            Item::Option('l', _) => long = true,
            Item::Option('R', _) => rank = true,
            Item::Option('u', value) => {
                users.extend(names(value.as_deref()));
                wanted.push(Wanted { what: 'u', names: Vec::new() });
                glued = value.is_some();
            }
            Item::Option(what @ ('a' | 'c' | 'o' | 'p' | 'v' | 'd' | 'r' | 's' | 't' | 'H'), value) => {
                let list = names(value.as_deref());
                glued = value.is_some();
                wanted.push(Wanted { what, names: list });
            }
            Item::Option(..) => {}
            Item::Argument(word) => {
                let list = names(Some(&word.to_string_lossy()));
                match wanted.last_mut() {
                    Some(last) if last.what == 'u' && !glued && users.is_empty() => users.extend(list),
                    Some(last)
                        if matches!(last.what, 'a' | 'c' | 'o' | 'p' | 'v') && !glued && last.names.is_empty() =>
                    {
                        last.names = list;
                    }
                    _ => wanted.push(Wanted { what: 'o', names: list }),
                }
            }
        }
    }
    if !matches!(which.as_str(), "all" | "completed" | "not-completed" | "successful") {
        let what = "Error - need \"completed\", \"not-completed\", \"successful\", or \"all\" after \"-W\" option.";
        return Err(Stop::Says(what.to_owned()));
    }
    let mut spool = match open(shell, host.as_deref(), Intent::Read) {
        Ok(spool) => spool,
        Err(_) if wanted.iter().all(|one| one.what == 'r') && !wanted.is_empty() => {
            writeln!(shell.out, "scheduler is not running")?;
            return Ok(());
        }
        Err(stop) => return Err(stop),
    };
    let spool = spool.as_mut();
    // Nothing said: one's own jobs.
    if wanted.is_empty() {
        users.push(crate::sys::users::caller().user);
        wanted.push(Wanted { what: 'u', names: Vec::new() });
    }
    let times = Times { zone: crate::sys::clock::zone((shell.env)("TZ")), now_ms: shell.now_ms };
    let display = Display { long, rank, which: &which, users: &users, times: &times };
    for one in &wanted {
        let parts: &[char] = match one.what {
            's' => &['d', 'c', 'v'],
            't' => &['r', 'd', 'c', 'v', 'a', 'p', 'o'],
            'u' => &['o'],
            _ => std::slice::from_ref(&one.what),
        };
        for part in parts {
            match part {
                'r' => writeln!(shell.out, "scheduler is running")?,
                'H' => writeln!(shell.out, "{}", host.as_deref().unwrap_or("localhost"))?,
                'd' => match queues::usual(spool, shell) {
                    Some(name) => writeln!(shell.out, "system default destination: {}", escaped(&name))?,
                    None => writeln!(shell.out, "no system default destination")?,
                },
                'c' => display.classes(spool, &one.names, shell)?,
                'o' => display.jobs(spool, &one.names, shell)?,
                part => display.queues(spool, *part, &one.names, shell)?,
            }
        }
    }
    Ok(())
}

/// Reads a list of names: with commas or blanks between them.
fn names(text: Option<&str>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split([',', ' ']).filter(|name| !name.is_empty() && *name != "all").map(str::to_owned).collect()
}

/// How `lpstat` shows things.
struct Display<'a> {
    long: bool,
    rank: bool,
    which: &'a str,
    users: &'a [String],
    times: &'a Times,
}

impl Display<'_> {
    /// Returns a time as a C locale writes it.
    fn date(&self, ms: i64) -> String {
        let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        at.to_zoned(self.times.zone.clone()).strftime("%a %b %e %H:%M:%S %Y").to_string()
    }

    /// Shows queues: whether they take jobs (`a`), how they stand (`p`), or where they lead (`v`).
    fn queues(
        &self,
        spool: &mut dyn Operations,
        what: char,
        named: &[String],
        shell: &mut Shell<'_>,
    ) -> Result<(), Stop> {
        let all = queues::all(spool)?;
        let devices = queues::devices(spool)?;
        let chosen: Vec<&Queue> = match named {
            // The usual one has a name of its own.
            [] => {
                all.iter().filter(|queue| !queue.location.name.group.as_str().eq_ignore_ascii_case("DEFAULT")).collect()
            }
            named => {
                let mut chosen = Vec::new();
                for name in named {
                    let found = all.iter().find(|queue| queue.name.eq_ignore_ascii_case(name));
                    chosen.push(found.ok_or_else(|| unknown(name))?);
                }
                chosen
            }
        };
        for queue in chosen {
            let device = queue.location.device.as_ref().and_then(|name| devices.get(name));
            let name = escaped(&queue.name);
            match what {
                'v' => match device.and_then(|device| device.settings.uri.as_ref()) {
                    Some(uri) => writeln!(shell.out, "device for {name}: {}", escaped(&uri.to_string()))?,
                    None => writeln!(shell.out, "device for {name}: ///dev/null")?,
                },
                'a' => {
                    let since = self.since(spool, queue.location.device.as_ref(), None);
                    if queue.location.takes_jobs {
                        writeln!(shell.out, "{name} accepting requests since {since}")?;
                    } else {
                        writeln!(shell.out, "{name} not accepting requests since {since} -\n\treason unknown")?;
                    }
                }
                _ => {
                    let (standing, since_ms) = queues::standing(device);
                    let since = self.since(spool, queue.location.device.as_ref(), since_ms);
                    match standing {
                        Standing::Idle => writeln!(shell.out, "printer {name} is idle.  enabled since {since}")?,
                        Standing::Printing(job) => {
                            writeln!(shell.out, "printer {name} now printing {name}-{job}.  enabled since {since}")?;
                        }
                        Standing::Stopped(why) => {
                            writeln!(shell.out, "printer {name} disabled since {since} -\n\t{why}")?
                        }
                    }
                    if self.long
                        && let Some(device) = device
                    {
                        writeln!(shell.out, "\tDescription: {}", device.name.guardian())?;
                        let uri = device.settings.uri.as_ref().map(ToString::to_string).unwrap_or_default();
                        writeln!(shell.out, "\tConnection: {}", escaped(&uri))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns since when a device stands as it does: a moment that is known, or its last change on record.
    fn since(&self, spool: &mut dyn Operations, device: Option<&DeviceName>, known: Option<i64>) -> String {
        let last = |spool: &mut dyn Operations| {
            let events = spool.events(EventSubject::Device(device?.clone()), 0).ok()?;
            let changes =
                [EventWord::Declared, EventWord::Started, EventWord::Drained, EventWord::Stopped, EventWord::Suspended];
            events.iter().rev().find(|event| changes.contains(&event.what)).map(|event| event.at_ms)
        };
        let at = known.or_else(|| last(spool)).unwrap_or(self.times.now_ms);
        self.date(at)
    }

    /// Shows groups with their devices.
    fn classes(&self, spool: &mut dyn Operations, named: &[String], shell: &mut Shell<'_>) -> Result<(), Stop> {
        let all = queues::all(spool)?;
        let mut groups: Vec<String> = Vec::new();
        for queue in &all {
            let group = queue.location.name.group.to_string();
            let wanted =
                named.is_empty() || named.iter().any(|name| name.trim_start_matches('#').eq_ignore_ascii_case(&group));
            if wanted && !groups.iter().any(|one| one.eq_ignore_ascii_case(&group)) {
                groups.push(group);
            }
        }
        if let Some(name) = named
            .iter()
            .find(|name| !groups.iter().any(|group| group.eq_ignore_ascii_case(name.trim_start_matches('#'))))
        {
            return Err(unknown(name));
        }
        for group in groups {
            let members = all.iter().filter(|queue| queue.location.name.group.as_str().eq_ignore_ascii_case(&group));
            writeln!(shell.out, "members of class {group}:")?;
            for queue in members {
                writeln!(shell.out, "\t{}", escaped(&queue.name))?;
            }
        }
        Ok(())
    }

    /// Shows jobs: all, those of queues, or those that are named.
    fn jobs(&self, spool: &mut dyn Operations, named: &[String], shell: &mut Shell<'_>) -> Result<(), Stop> {
        if self.which != "not-completed" {
            self.finished(spool, named, shell)?;
            if self.which != "all" {
                return Ok(());
            }
        }
        let mut conditions = Vec::new();
        for name in named {
            conditions.push(match (queues::find(spool, name), job_number(name)) {
                (Ok(destination), _) => Condition::Destination(destination),
                // One that has ended is no longer listed, and that is no error.
                (Err(_), Some(number)) => match spool.job(JobRef::Number(number)) {
                    Ok(_) => Condition::Job(JobRef::Number(number)),
                    Err(_) => continue,
                },
                (Err(_), None) => return Err(unknown(name)),
            });
        }
        if named.is_empty() {
            conditions.push(Condition::Any);
        }
        for condition in conditions {
            let mut jobs = Vec::new();
            each(spool, condition, |job| {
                if self.users.is_empty() || self.users.contains(&job.owner) {
                    jobs.push(job.clone());
                }
            })?;
            for (place, job) in jobs.iter().enumerate() {
                let rank = if self.rank { format!("{place:3} ") } else { String::new() };
                let id = format!("{}-{}", queues::name(&job.destination), job.number);
                let size = job.total_octets.div_ceil(1024) * 1024;
                writeln!(
                    shell.out,
                    "{rank}{id:<23} {:<13} {size:8} {}",
                    escaped(&job.owner),
                    self.date(job.created_ms)
                )?;
                if self.long {
                    let causes = spool.why(JobRef::Number(job.number)).map(|why| why.causes).unwrap_or_default();
                    let words: Vec<String> = causes.iter().map(|cause| why::words(cause, self.times)).collect();
                    writeln!(shell.out, "\tStatus: {}", words.join("; "))?;
                    writeln!(shell.out, "\tqueued for {}", queues::name(&job.destination))?;
                }
            }
        }
        Ok(())
    }

    /// Shows jobs that have ended, the last one first.
    fn finished(&self, spool: &mut dyn Operations, named: &[String], shell: &mut Shell<'_>) -> Result<(), Stop> {
        let query = Query { condition: Condition::Any, order: Order::Number, parts: Parts::JOB };
        let mut after = None;
        loop {
            let page = spool.finished(query.clone(), after, PAGE)?;
            for job in &page.rows {
                let queue = queues::name(&job.destination);
                let wanted = named.is_empty() || named.iter().any(|name| name.eq_ignore_ascii_case(&queue));
                if wanted && (self.users.is_empty() || self.users.contains(&job.owner)) {
                    let id = format!("{queue}-{}", job.number);
                    let size = job.octets.div_ceil(1024) * 1024;
                    writeln!(
                        shell.out,
                        "{id:<23} {:<13} {size:8} {}",
                        escaped(&job.owner),
                        self.date(job.finished_ms)
                    )?;
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

fn unknown(name: &str) -> Stop {
    Stop::Says(format!("Invalid destination name in list \"{}\".", escaped(name)))
}

/// Runs `lpq`.
pub fn lpq(words: &[OsString], shell: &mut Shell<'_>) -> Result<(), Stop> {
    let (mut queue, mut host, mut long, mut all, mut wanted) = (None, None, false, false, Vec::new());
    for item in read(words, "P:h:U:laE")? {
        match item {
            Item::Option('P', value) => queue = value,
            Item::Option('h', value) => host = value,
            Item::Option('l', _) => long = true,
            Item::Option('a', _) => all = true,
            Item::Option(..) => {}
            // `+10` repeats the display; it is shown once.
            Item::Argument(word) if word.to_string_lossy().starts_with('+') => {}
            Item::Argument(word) => wanted.push(word.to_string_lossy().into_owned()),
        }
    }
    let mut spool = open(shell, host.as_deref(), Intent::Read)?;
    let spool = spool.as_mut();
    let mut condition = Condition::Any;
    if !all {
        let name = queue.or_else(|| queues::usual(spool, shell));
        let name = name.ok_or_else(|| Stop::Says("Error - no default destination available.".to_owned()))?;
        let destination = queues::find(spool, &name)
            .map_err(|_| Stop::Says(format!("Error - unknown destination \"{}\".", escaped(&name))))?;
        let devices = queues::devices(spool)?;
        let pattern = destination.location().map_or_else(
            || LocationPattern::Group(destination.group().clone()),
            |location| LocationPattern::One(location.clone()),
        );
        // A class is ready when one of its devices is.
        let mut standings = Vec::new();
        for location in spool.locations(Some(pattern), None)? {
            standings.push(queues::standing(location.device.as_ref().and_then(|name| devices.get(name))).0);
        }
        let name = queues::name(&destination);
        let word = if standings.iter().any(|one| matches!(one, Standing::Printing(_))) {
            "ready and printing"
        } else if standings.contains(&Standing::Idle) {
            "ready"
        } else {
            "not ready"
        };
        writeln!(shell.out, "{} is {word}", escaped(&name))?;
        condition = Condition::Destination(destination);
    }
    let mut jobs: Vec<JobStatus> = Vec::new();
    each(spool, condition, |job| {
        let number = job.number.to_string();
        if wanted.is_empty() || wanted.iter().any(|word| *word == number || *word == job.owner) {
            jobs.push(job.clone());
        }
    })?;
    if jobs.is_empty() {
        writeln!(shell.out, "no entries")?;
        return Ok(());
    }
    if !long {
        writeln!(shell.out, "Rank    Owner   Job     File(s)                         Total Size")?;
    }
    // What prints stands first.
    jobs.sort_by_key(|job| !is_active(job));
    let mut place = 0;
    for job in &jobs {
        let rank = if is_active(job) {
            "active".to_owned()
        } else {
            place += 1;
            ordinal(place)
        };
        let (owner, title) = (escaped(&job.owner), escaped(&job.name));
        if long {
            let host = job.user_name.rsplit_once('@').map_or("localhost", |(_, host)| host);
            writeln!(shell.out, "\n{:<40} [job {} {}]", format!("{owner}: {rank}"), job.number, escaped(host))?;
            let title = if job.copies > 1 { format!("{} copies of {title}", job.copies) } else { title };
            writeln!(shell.out, "        {:<39} {} bytes", cut(&title, 39), job.total_octets)?;
        } else {
            // A blank between the columns always, or readers take two of them for one.
            writeln!(
                shell.out,
                "{:<7} {:<7} {:<7} {:<31} {} bytes",
                cut(&rank, 7),
                cut(&owner, 7),
                job.number,
                cut(&title, 31),
                job.total_octets
            )?;
        }
    }
    Ok(())
}

fn is_active(job: &JobStatus) -> bool {
    matches!(job.state, JobState::Printing | JobState::Transferred)
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Writes a place as `lpq` does: `1st`, `2nd`, `11th`.
fn ordinal(n: usize) -> String {
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

#[cfg(test)]
mod tests {
    use super::ordinal;

    #[test]
    fn places_are_written_as_lpq_writes_them() {
        let all: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111].into_iter().map(ordinal).collect();
        assert_eq!(all, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th"]);
    }
}
