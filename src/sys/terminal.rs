//! What a terminal says about itself.

use std::os::fd::{AsFd, AsRawFd};

use nix::libc;

/// How many columns the terminal behind `fd` has; none when it is no terminal or does not know.
pub fn columns(fd: impl AsFd) -> Option<usize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills the structure whose address is given; the descriptor is open for the duration of the call.
    let result = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (result == 0 && size.ws_col > 0).then_some(usize::from(size.ws_col))
}
