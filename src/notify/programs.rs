//! Exit programs: the words of the address, the number of the event, the message. No shell reads any of it.

use std::path::Path;

use crate::model::notification::{Delivery, Try};
use crate::sys::spawn::{Ended, run_bounded};

use super::Settings;

/// A program that ends with this status wants to be run again (sysexits.h).
const AGAIN: i32 = 75;

pub(super) fn run(program: &Path, settings: &Settings, one: &Delivery) -> Try {
    let code = one.number.rsplit('-').next().unwrap_or_default();
    let mut args: Vec<&str> = one.address.split_whitespace().skip(1).collect();
    args.extend([code, one.text.as_str()]);
    let env = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("LC_ALL", "C.UTF-8"),
        ("PD_EVENT", one.event.as_str()),
        ("PD_OBJECT", one.about.as_str()),
    ];
    let shown = program.display();
    match run_bounded(program, &args, &env, b"", settings.deadline) {
        Ok(Ended::Status(0)) => Try::Delivered,
        Ok(Ended::Status(AGAIN)) => Try::Again(format!("{shown} asks to be run again (status {AGAIN})")),
        // It has run. Whatever it has done, it may not be what is wanted twice.
        Ok(Ended::Status(status)) => Try::Never(format!("{shown} failed (status {status})")),
        Ok(Ended::Signal(signal)) => Try::Never(format!("{shown} was ended by signal {signal}")),
        Ok(Ended::Late) => Try::Never(format!("{shown} did not end within {} s", settings.deadline.as_secs())),
        Err(error) => Try::Again(format!("{shown} cannot be started: {error}")),
    }
}
