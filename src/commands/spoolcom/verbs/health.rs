//! CHECK: what is wrong with the spool, in one command.

use crate::commands::health::{self, Form};
use crate::commands::shell::Exit;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::why::Times;
use crate::model::printable;

/// Shows what is wrong; the status is 0 when nothing is, and 1 when something is.
pub fn run(session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let found = session.spool()?.health()?;
    let times = Times { zone: session.zone.clone(), now_ms: session.now_ms };
    let findings = health::findings(&found, &times);
    let form = if session.json { Form::Json } else { session.form };
    let exit = if findings.is_empty() { Exit::Done } else { Exit::Failed };
    let exit = match form {
        Form::Lines if findings.is_empty() => {
            writeln!(session.out, "{}", health::well(&found, &times))?;
            exit
        }
        Form::Lines => {
            for finding in &findings {
                writeln!(session.out, "{}", health::line(finding))?;
            }
            exit
        }
        Form::Json => {
            let text = health::object(&found, &findings).to_string();
            writeln!(session.out, "{}", printable::json(&text))?;
            exit
        }
        Form::Nagios => {
            let (line, status) = health::nagios(&found, &findings);
            writeln!(session.out, "{line}")?;
            match status {
                0 => Exit::Done,
                1 => Exit::Failed,
                _ => Exit::Usage,
            }
        }
        Form::Metrics => {
            session.out.write_all(health::metrics(&found, &findings, session.now_ms).as_bytes())?;
            Exit::Done
        }
    };
    if exit == Exit::Done { Ok(()) } else { Err(EarlyEnd::Reported(exit)) }
}
