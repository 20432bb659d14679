//! Terminals and lines: what one says about itself, exclusive use, and a mode in which octets pass unchanged.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::libc;
use nix::sys::termios::{
    FlushArg, InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, Termios, tcdrain, tcflush,
    tcgetattr, tcsetattr,
};

/// How many columns the terminal behind `fd` has; none when it is no terminal or does not know.
pub fn columns(fd: impl AsFd) -> Option<usize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills the structure whose address is given; the descriptor is open for the duration of the call.
    let result = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (result == 0 && size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// Asks for an integer.
fn ask(fd: BorrowedFd<'_>, request: libc::Ioctl) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    // SAFETY: the requests of this file that come here write one int to the address given, which is valid for that.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, &raw mut value) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// Whether the terminal admits nobody else (except the superuser).
pub fn is_exclusive(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(ask(fd, libc::TIOCGEXCL)? != 0)
}

/// Makes the terminal admit nobody else, or everybody again.
pub fn set_exclusive(fd: BorrowedFd<'_>, exclusive: bool) -> io::Result<()> {
    let request = if exclusive { libc::TIOCEXCL } else { libc::TIOCNXCL };
    // SAFETY: the two requests take no argument.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Returns how many octets the driver of the line has not sent yet.
pub fn unsent(fd: BorrowedFd<'_>) -> io::Result<u32> {
    Ok(u32::try_from(ask(fd, libc::TIOCOUTQ)?).unwrap_or(0))
}

/// Waits until the last octet has left the line, however long that takes; [`discard_output`] ends it.
///
/// # Errors
/// When the line was hung up.
pub fn drain(fd: BorrowedFd<'_>) -> io::Result<()> {
    loop {
        match tcdrain(fd) {
            Err(nix::Error::EINTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Discards what was written and not sent.
pub fn discard_output(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(tcflush(fd, FlushArg::TCOFLUSH)?)
}

/// Discards what was received and not read.
pub fn discard_input(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(tcflush(fd, FlushArg::TCIFLUSH)?)
}

/// The settings that a terminal had before it became transparent.
#[derive(Debug)]
pub struct SavedSettings {
    termios: Termios,
}

/// What is done to octets that are sent: a finished stream must not get carriage returns.
const OUTPUT: OutputFlags = OutputFlags::OPOST;
/// What is done to octets that are received. A break or an interrupt character throws away what was not sent yet.
const INPUT: InputFlags = InputFlags::BRKINT
    .union(InputFlags::PARMRK)
    .union(InputFlags::ISTRIP)
    .union(InputFlags::INLCR)
    .union(InputFlags::IGNCR)
    .union(InputFlags::ICRNL);
/// Answers must not be sent back, nor be taken for a user's commands.
const LOCAL: LocalFlags = LocalFlags::ECHO
    .union(LocalFlags::ECHONL)
    .union(LocalFlags::ICANON)
    .union(LocalFlags::ISIG)
    .union(LocalFlags::IEXTEN)
    .union(LocalFlags::TOSTOP);

/// Makes the terminal transparent: octets pass unchanged. Speed, size, parity and flow control of the line stay as they
/// are.
pub fn set_transparent(fd: BorrowedFd<'_>) -> io::Result<SavedSettings> {
    let before = tcgetattr(fd)?;
    let mut termios = before.clone();
    termios.output_flags.remove(OUTPUT);
    termios.input_flags.remove(INPUT);
    termios.local_flags.remove(LOCAL);
    termios.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    termios.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    tcsetattr(fd, SetArg::TCSANOW, &termios)?;
    Ok(SavedSettings { termios: before })
}

/// Restores what [`set_transparent`] changed, and nothing that somebody else changed since.
///
/// # Errors
/// When the terminal was hung up.
pub fn restore(fd: BorrowedFd<'_>, before: &SavedSettings) -> io::Result<()> {
    let before = &before.termios;
    let mut termios = tcgetattr(fd)?;
    termios.output_flags.insert(before.output_flags & OUTPUT);
    termios.input_flags.insert(before.input_flags & INPUT);
    termios.local_flags.insert(before.local_flags & LOCAL);
    for index in [SpecialCharacterIndices::VMIN as usize, SpecialCharacterIndices::VTIME as usize] {
        termios.control_chars[index] = before.control_chars[index];
    }
    Ok(tcsetattr(fd, SetArg::TCSANOW, &termios)?)
}

/// What [`hide_input`] takes away.
const HIDDEN: LocalFlags = LocalFlags::ECHO.union(LocalFlags::ISIG);

/// Has the terminal not show what is typed, and forgets what was typed before. The keys that send a signal are octets of the line
/// then ([`SavedSettings::is_interrupt`]), because a program that a signal ends would leave the terminal as it is; the interrupt and
/// quit keys end the line.
///
/// # Errors
/// When it is no terminal.
pub fn hide_input(fd: BorrowedFd<'_>) -> io::Result<SavedSettings> {
    let before = tcgetattr(fd)?;
    let mut termios = before.clone();
    termios.local_flags.remove(HIDDEN);
    for (end, key) in ENDS {
        termios.control_chars[*end as usize] = before.control_chars[*key as usize];
    }
    tcsetattr(fd, SetArg::TCSAFLUSH, &termios)?;
    Ok(SavedSettings { termios: before })
}

/// What ends a line while input is hidden, and the key that does.
const ENDS: &[(SpecialCharacterIndices, SpecialCharacterIndices)] = &[
    (SpecialCharacterIndices::VEOL, SpecialCharacterIndices::VINTR),
    (SpecialCharacterIndices::VEOL2, SpecialCharacterIndices::VQUIT),
];

impl SavedSettings {
    /// Whether this octet was typed by a key that sends a signal otherwise.
    pub fn is_interrupt(&self, octet: u8) -> bool {
        let keys = [SpecialCharacterIndices::VINTR, SpecialCharacterIndices::VQUIT, SpecialCharacterIndices::VSUSP];
        // 0 says that there is no such key.
        octet != 0
            && self.termios.local_flags.contains(LocalFlags::ISIG)
            && keys.into_iter().any(|key| self.termios.control_chars[key as usize] == octet)
    }
}

/// Restores what [`hide_input`] changed.
///
/// # Errors
/// When the terminal was hung up.
pub fn show_input(fd: BorrowedFd<'_>, before: &SavedSettings) -> io::Result<()> {
    let mut termios = tcgetattr(fd)?;
    termios.local_flags.insert(before.termios.local_flags & HIDDEN);
    for (end, _) in ENDS {
        termios.control_chars[*end as usize] = before.termios.control_chars[*end as usize];
    }
    Ok(tcsetattr(fd, SetArg::TCSANOW, &termios)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::pty::openpty;
    use std::fs::File;
    use std::io::{Read, Write};

    #[test]
    fn octets_pass_unchanged_and_the_settings_come_back() {
        let pty = openpty(None, None).unwrap();
        let (mut master, mut slave) = (File::from(pty.master), File::from(pty.slave));
        let as_it_was = tcgetattr(&slave).unwrap();
        assert!(as_it_was.output_flags.contains(OutputFlags::OPOST));
        let before = set_transparent(slave.as_fd()).unwrap();
        slave.write_all(b"a\nb\tc\x03\x11").unwrap();
        let mut octets = [0; 7];
        master.read_exact(&mut octets).unwrap();
        assert_eq!(&octets, b"a\nb\tc\x03\x11");
        restore(slave.as_fd(), &before).unwrap();
        assert_eq!(tcgetattr(&slave).unwrap(), as_it_was);
    }

    #[test]
    fn a_terminal_is_exclusive_until_it_is_not() {
        let pty = openpty(None, None).unwrap();
        for exclusive in [true, false] {
            set_exclusive(pty.slave.as_fd(), exclusive).unwrap();
            assert_eq!(is_exclusive(pty.slave.as_fd()).unwrap(), exclusive);
        }
        assert!(is_exclusive(File::open("/dev/null").unwrap().as_fd()).is_err());
    }
}
