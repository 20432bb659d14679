//! The terminal: set up, and as it was before whatever ends the screen. And the signals, as something that can be waited for.
//!
//! Why are signals read and not handled? A handler could do nothing here that a read in the loop cannot, and the loop is the only
//! place that knows what is on the screen.

use std::io::{self, Stdout, stdout};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Rect;

/// A terminal in the mode of a screen. It is as before when this is dropped.
pub struct Drawn {
    /// What is drawn on. It is never dropped: it would complain on standard error of a terminal that was hung up.
    pub terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
}

impl Drawn {
    /// Sets the terminal up.
    ///
    /// # Errors
    /// When it is none, or does not say how large it is.
    pub fn new() -> io::Result<Self> {
        let terminal = ManuallyDrop::new(Terminal::new(CrosstermBackend::new(stdout()))?);
        enable_raw_mode()?;
        let drawn = Self { terminal };
        enter()?;
        Ok(drawn)
    }

    /// Sets it up again, for somebody who stopped us and let us go on.
    ///
    /// # Errors
    /// When it is gone.
    pub fn again(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        enter()?;
        self.anew()
    }

    /// Has everything drawn anew. The terminal is asked nothing, not where its cursor stands either: one that does not answer in
    /// time would end the screen.
    pub fn anew(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }
}

fn enter() -> io::Result<()> {
    execute!(stdout(), EnterAlternateScreen, Hide)
}

impl Drop for Drawn {
    fn drop(&mut self) {
        // One that was hung up cannot be restored, and nobody sees it.
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// The signals that the screen answers.
pub struct Signals(SignalFd);

impl Signals {
    /// Takes them over. Threads that start later do not get them either.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn take() -> io::Result<Self> {
        let mut set = SigSet::empty();
        for signal in
            [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGQUIT, Signal::SIGWINCH, Signal::SIGCONT]
        {
            set.add(signal);
        }
        set.thread_block()?;
        Ok(Self(SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Returns the next one that has come.
    pub fn next(&self) -> Option<Signal> {
        let info = self.0.read_signal().ok()??;
        Signal::try_from(i32::try_from(info.ssi_signo).ok()?).ok()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
