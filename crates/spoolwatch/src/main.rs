//! `spoolwatch`: the live screen of the spool, which `spoolcom WATCH` becomes.
//!
//! It is a program of its own so that nothing of what draws reaches the small ones. `state` is the screen as a value, `view` draws
//! it, `reader` looks and carries out, `terminal` sets up and restores. What it knows of the spool it gets from the library,
//! as every command does.

use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use ratatui::crossterm::event::{self, Event};
use spoolsuite::model::printable::escaped;
use spoolsuite::sys::{clock, limits, notice, spawn, umask};

mod reader;
mod state;
mod terminal;
mod text;
mod view;

#[cfg(test)]
mod generated_tests;
#[cfg(test)]
mod view_tests;

use reader::{News, Reader, Tray};
use state::{Abilities, Effect, Screen};
use terminal::{Drawn, Signals};

/// The status after the terminal was hung up.
const HUNG_UP: u8 = 128 + Signal::SIGHUP as u8;
/// How often what has passed is drawn while something prints.
const TICK: Duration = Duration::from_secs(1);

/// A live screen of the spool: trouble first, what prints, queues with what they printed in the last hour, and jobs
#[derive(Debug, Parser)]
#[command(name = "spoolwatch", version, after_help = AFTER)]
struct Arguments {
    /// Watch this spool: its base directory, or HOST:PORT of a server; the usual one if not given
    #[arg(long, value_name = "SPOOL")]
    spooler: Option<String>,
}

const AFTER: &str = "\
spoolcom WATCH starts it. It shows the trouble that spoolcom CHECK finds, wakes when something is committed, and polls
nothing. Keys: h holds a job, r releases it, x deletes it, d drains a device, s starts it; each shows its command first, and
only y runs it. ? lists all keys, q quits.

Environment:
  PDBASE, PD_SOCKET, PDHOST  where the spool is, as for spoolcom
  TERM                       dumb: no bold text; vt100 and others without colours: none
  NO_COLOR                   no colours
  LC_ALL, LC_CTYPE, LANG     without UTF-8 only ASCII is shown
  TZ                         the zone of times

Exit status: 0 after q, 2 usage error or no terminal, 129, 130, 143 after a hang-up, Ctrl-C, SIGTERM.";

fn main() -> ExitCode {
    umask::keep_private();
    spawn::default_sigpipe();
    limits::prepare_command(std::ffi::OsStr::new("spoolwatch"));
    let arguments = Arguments::parse();
    if !(io::stdout().is_terminal() && io::stdin().is_terminal()) {
        let hints = "  hint: spoolcom CHECK   says what is wrong\n  hint: pdls --follow   shows jobs again whenever something has changed";
        complain(&format!("it draws on a terminal, and standard input or output is none\n{hints}"));
        return ExitCode::from(2);
    }
    match watch(arguments.spooler) {
        Ok(status) => ExitCode::from(status),
        // It was hung up while something was drawn.
        Err(error) if error.raw_os_error() == Some(Errno::EIO as i32) => ExitCode::from(HUNG_UP),
        Err(error) => {
            let hint = "  hint: stty rows 24 columns 80   where the terminal does not say how large it is";
            complain(&format!("{}\n{hint}", escaped(&error.to_string())));
            ExitCode::FAILURE
        }
    }
}

/// Says what went wrong.
fn complain(what: &str) {
    // A closed standard error must not turn into a second failure.
    let _ = writeln!(io::stderr(), "spoolwatch: {what}");
}

/// Shows the screen until somebody ends it, and returns the exit status.
fn watch(spooler: Option<String>) -> io::Result<u8> {
    // Before any thread starts, so that none of them gets a signal.
    let signals = Signals::take()?;
    let (tray, bell) = Tray::new()?;
    let notices = tray.clone();
    notice::listen(move |text| notices.put(News::Notice(escaped(text))));
    let mut screen = Screen::new(Abilities::of(&|name| std::env::var(name).ok()));
    let mut drawn = Drawn::new()?;
    screen.resized(drawn.terminal.size()?.height);
    let reader = Reader::start(spooler, screen.wanted(), tray.clone())?;
    let mut ticked = Instant::now();
    draw(&mut drawn, &screen)?;
    loop {
        let timeout = screen.ticks().then(|| TICK.saturating_sub(ticked.elapsed()));
        let heard = wait(&signals, &bell, timeout)?;
        let mut dirty = false;
        while let Some(signal) = signals.next() {
            match signal {
                Signal::SIGWINCH => {
                    screen.resized(drawn.terminal.size()?.height);
                    reader.want(screen.wanted());
                    dirty = true;
                }
                Signal::SIGCONT => {
                    drawn.again()?;
                    dirty = true;
                }
                signal => return Ok(128 + u8::try_from(signal as i32).unwrap_or(0)),
            }
        }
        if heard.hung_up {
            return Ok(HUNG_UP);
        }
        for news in tray.take() {
            match news {
                News::Looked(found) => screen.looked(found.map(|desk| *desk)),
                News::Ran(answer) => {
                    screen.ran(answer);
                    reader.want(screen.wanted());
                }
                News::Notice(text) => screen.message = Some(text),
            }
            dirty = true;
        }
        if heard.typed {
            while event::poll(Duration::ZERO)? {
                let Event::Key(key) = event::read()? else { continue };
                match screen.key(key) {
                    Effect::None => {}
                    Effect::Draw => dirty = true,
                    effect @ (Effect::Look | Effect::Again) => {
                        if effect == Effect::Again {
                            drawn.anew()?;
                        }
                        reader.want(screen.wanted());
                        dirty = true;
                    }
                    Effect::Run(command) => {
                        reader.run(command);
                        dirty = true;
                    }
                    Effect::Quit(status) => return Ok(status),
                }
            }
        }
        if screen.ticks() && ticked.elapsed() >= TICK {
            dirty = true;
        }
        if dirty {
            ticked = Instant::now();
            draw(&mut drawn, &screen)?;
        }
    }
}

/// Draws what differs from what is there.
fn draw(drawn: &mut Drawn, screen: &Screen) -> io::Result<()> {
    let now_ms = clock::wall_ms();
    drawn.terminal.draw(|frame| view::draw(frame, screen, now_ms))?;
    Ok(())
}

/// What ended a wait.
struct Heard {
    typed: bool,
    hung_up: bool,
}

/// Waits for a key, a signal or news, at most `timeout`.
fn wait(signals: &Signals, bell: &UnixStream, timeout: Option<Duration>) -> io::Result<Heard> {
    let input = io::stdin();
    let mut waited = [
        PollFd::new(input.as_fd(), PollFlags::POLLIN),
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        PollFd::new(bell.as_fd(), PollFlags::POLLIN),
    ];
    let timeout = timeout.map_or(PollTimeout::NONE, |time| {
        // Rounded up: a tick that is not quite over would be waited for again.
        PollTimeout::from(u16::try_from(time.as_millis() + 1).unwrap_or(u16::MAX))
    });
    match poll(&mut waited, timeout) {
        Ok(_) | Err(nix::Error::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let keys = waited[0].revents().unwrap_or(PollFlags::empty());
    let (mut rings, mut bell) = ([0; 64], bell);
    while bell.read(&mut rings).is_ok_and(|n| n == rings.len()) {}
    Ok(Heard {
        typed: keys.contains(PollFlags::POLLIN),
        hung_up: keys.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL),
    })
}
