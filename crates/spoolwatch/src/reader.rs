//! Looking at the spool and carrying out commands, on threads of their own: the screen answers keys meanwhile.
//!
//! One thread waits for changes of the spool, as `pdls --follow` does, and has another one look. A look that took long is not
//! followed by the next one at once, so that a screen never takes more than a small part of a processor.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use spoolsuite::commands::desk::{self, Desk, LOOK_AGAIN_MS, LastHour, Times, Wanted};
use spoolsuite::commands::shell::{Intent, Shell, opener};
use spoolsuite::commands::spoolcom;
use spoolsuite::model::Failure;
use spoolsuite::model::printable::escaped;
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::sys::clock;

/// The shortest time between two looks: what is committed meanwhile is one change.
const BETWEEN: Duration = Duration::from_millis(250);
/// A look takes at most one part of so many of the time.
const PART: u32 = 60;
/// The first pause before a spool that was not reached is tried again, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What the other threads have brought.
#[derive(Debug)]
pub enum News {
    /// A look, or why there is none.
    Looked(Result<Box<Desk>, String>),
    /// What a command said.
    Ran(String),
    /// What somebody who waits should know.
    Notice(String),
}

/// Where news are put; the bell is rung for each.
#[derive(Clone)]
pub struct Tray {
    news: Arc<Mutex<Vec<News>>>,
    bell: Arc<UnixStream>,
}

impl Tray {
    /// Makes one, and the end of the bell that can be waited for.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new() -> io::Result<(Self, UnixStream)> {
        let (ours, bell) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        Ok((Self { news: Arc::default(), bell: Arc::new(bell) }, ours))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<News>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts news there.
    pub fn put(&self, news: News) {
        self.lock().push(news);
        // A bell that rings already takes no further ring.
        let _ = (&*self.bell).write(&[0]);
    }

    /// Takes all of them.
    pub fn take(&self) -> Vec<News> {
        std::mem::take(&mut self.lock())
    }
}

/// What the looking thread is told.
enum Order {
    /// Something has changed.
    Changed,
    /// This is wanted now.
    Want(Wanted),
}

/// The threads.
pub struct Reader {
    orders: Sender<Order>,
    tray: Tray,
    place: Place,
}

/// Where the spool is.
#[derive(Clone)]
struct Place {
    spooler: Option<String>,
    cwd: PathBuf,
}

impl Place {
    fn open(&self) -> Result<Box<dyn Operations>, Failure> {
        opener(self.cwd.clone())(self.spooler.as_deref(), Intent::Read)
    }
}

impl Reader {
    /// Starts looking at the spool that is called `spooler`; none is the usual one.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(spooler: Option<String>, wanted: Wanted, tray: Tray) -> io::Result<Self> {
        let place = Place { spooler, cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")) };
        let (orders, taken) = channel();
        let (looks, told, at) = (tray.clone(), orders.clone(), place.clone());
        thread::Builder::new().name("look".into()).spawn(move || look(&at, wanted, &taken, &looks))?;
        let at = place.clone();
        thread::Builder::new().name("wait".into()).spawn(move || wait(&at, &told))?;
        Ok(Self { orders, tray, place })
    }

    /// Has it look now.
    pub fn want(&self, wanted: Wanted) {
        // It looks until the process ends.
        let _ = self.orders.send(Order::Want(wanted));
    }

    /// Carries out a command of SPOOLCOM, as `spoolcom` would.
    pub fn run(&self, command: String) {
        let (place, tray) = (self.place.clone(), self.tray.clone());
        let runs = thread::Builder::new().name("run".into()).spawn(move || {
            let answer = carry_out(&place, &command);
            tray.put(News::Ran(answer));
        });
        if let Err(error) = runs {
            self.tray.put(News::Ran(format!("no thread can be started: {error}")));
        }
    }
}

fn carry_out(place: &Place, command: &str) -> String {
    let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), io::empty());
    let mut words: Vec<OsString> = vec!["--no-wait".into()];
    words.extend(place.spooler.iter().flat_map(|spooler| [OsString::from("--spooler"), OsString::from(spooler)]));
    words.push(command.into());
    let env = |name: &str| std::env::var_os(name);
    let mut open = opener(place.cwd.clone());
    let now = (place.cwd.clone(), clock::wall_ms());
    let mut shell = Shell::of_script((&mut out, &mut err, &mut input), &env, now, &mut open);
    let exit = spoolcom::run(&words, &mut shell);
    said(
        command,
        exit == spoolsuite::commands::shell::Exit::Done,
        &String::from_utf8_lossy(&out),
        &String::from_utf8_lossy(&err),
    )
}

/// Puts what a command said on one line: what was refused and why, without hints, which are longer than the screen.
fn said(command: &str, done: bool, out: &str, err: &str) -> String {
    let lines = err.lines().chain(out.lines()).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with("hint:")).collect();
    let said = escaped(&lines.join(": "));
    match (done, said.as_str()) {
        (true, "") => format!("done: {command}"),
        (true, said) => format!("done: {command}: {said}"),
        (false, "") => format!("not done: {command}"),
        (false, said) => format!("not done: {said}"),
    }
}

/// Puts a failure on one line.
fn line(failure: &Failure) -> String {
    let hint = failure.hints.first().map_or_else(String::new, |hint| format!("; {hint}"));
    escaped(&format!("{}{hint}", failure.message))
}

/// Looks whenever it is told to.
fn look(place: &Place, mut wanted: Wanted, orders: &Receiver<Order>, tray: &Tray) {
    let (mut spool, mut hour) = (None, LastHour::default());
    loop {
        let began = Instant::now();
        let found = looked(place, &mut spool, &wanted, &mut hour);
        if found.is_err() {
            spool = None;
        }
        tray.put(News::Looked(found.map(Box::new)));
        let next = Instant::now() + BETWEEN.max(began.elapsed() * PART);
        // What has changed is looked at after the pause; what somebody wants, now.
        let mut changed = false;
        loop {
            let order = match changed {
                true => match orders.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Ok(order) => order,
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                },
                false => match orders.recv() {
                    Ok(order) => order,
                    Err(_) => return,
                },
            };
            match order {
                Order::Changed => changed = true,
                Order::Want(this) => {
                    wanted = this;
                    break;
                }
            }
        }
    }
}

fn looked(
    place: &Place,
    spool: &mut Option<Box<dyn Operations>>,
    wanted: &Wanted,
    hour: &mut LastHour,
) -> Result<Desk, String> {
    let mut open = match spool.take() {
        Some(open) => open,
        None => place.open().map_err(|failure| line(&failure))?,
    };
    let times = Times { zone: clock::zone(std::env::var_os("TZ")), now_ms: clock::wall_ms() };
    let desk = desk::look(open.as_mut(), wanted, hour, &times).map_err(|failure| line(&failure))?;
    *spool = Some(open);
    Ok(desk)
}

/// Waits for changes and says that there was one. Nothing is asked meanwhile.
fn wait(place: &Place, orders: &Sender<Order>) {
    let mut pause = AGAIN.0;
    // There is nothing to wait at after a failure: it is tried again, less and less often.
    while follow(place, orders, &mut pause).is_err() && orders.send(Order::Changed).is_ok() {
        thread::sleep(pause);
        pause = (pause * 2).min(AGAIN.1);
    }
}

/// Follows the changes until that fails, or until nobody looks any more.
fn follow(place: &Place, orders: &Sender<Order>, pause: &mut Duration) -> Result<(), Failure> {
    let (mut spool, mut seen) = (place.open()?, 0);
    loop {
        seen = spool.await_change(seen, LOOK_AGAIN_MS)?;
        *pause = AGAIN.0;
        if orders.send(Order::Changed).is_err() {
            return Ok(());
        }
        // What is committed in the meantime is found by the next wait at once.
        thread::sleep(BETWEEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_said_is_one_line_without_hints() {
        let err = "SECURITY VIOLATION\n  DEV $LP1: you may not \x1b[2J\n  hint: ask\n";
        assert_eq!(
            said("DEV $LP1, START", false, "", err),
            "not done: SECURITY VIOLATION: DEV $LP1: you may not \\u{1b}[2J"
        );
        assert_eq!(said("JOB 1, HOLD", true, "", ""), "done: JOB 1, HOLD");
        assert_eq!(said("JOB 1, START", true, "still held\n", ""), "done: JOB 1, START: still held");
    }
}
