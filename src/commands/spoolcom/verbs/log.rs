//! LOG shows what happened to an object, oldest first. It is the same for every kind of object.

use crate::commands::log::{self, FOLLOWED_MS};
use crate::commands::spoolcom::displays::Listing;
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::why::Times;
use crate::model::printable;
use crate::spool::interface::records::EventSubject;
use crate::sys::clock::wall_ms;

/// Shows what happened to `object` and goes on as more happens, a line for each event. It ends when the program does, or when
/// the object is gone.
fn follow(session: &mut Session<'_>, object: &EventSubject, subject: &Subject) -> Result<(), EarlyEnd> {
    let mut times = Times { zone: session.zone.clone(), now_ms: session.now_ms };
    let (json, mut after) = (session.json, 0);
    let mut seen = session.spool()?.await_change(0, 0)?;
    loop {
        let mut lines = Vec::new();
        log::pages_after(session.spool()?, object, &mut after, |page| {
            lines.extend(page.iter().map(|event| match json {
                true => printable::json(&log::object(event).to_string()).into_owned(),
                false => log::line(event, &times),
            }));
            Ok(())
        })
        .map_err(|failure: crate::model::Failure| EarlyEnd::Failed(failure, subject.clone()))?;
        lines.iter().try_for_each(|line| writeln!(session.out, "{line}"))?;
        session.out.flush()?;
        seen = session.spool()?.await_change(seen, FOLLOWED_MS)?;
        times.now_ms = wall_ms();
    }
}

/// Shows what happened to `object`; a failure names `subject`.
pub fn show(
    session: &mut Session<'_>,
    display: &DisplayRequest,
    object: &EventSubject,
    subject: &Subject,
) -> Result<(), EarlyEnd> {
    if session.follow {
        return follow(session, object, subject);
    }
    session.show(display, |spool, out, style| {
        let mut listing = Listing::new(out, style);
        log::pages(spool, object, |page| listing.page(page).map_err(EarlyEnd::from)).map_err(
            |trouble| match trouble {
                EarlyEnd::Failed(failure, _) => EarlyEnd::Failed(failure, subject.clone()),
                other => other,
            },
        )?;
        Ok(listing.end()?)
    })
}
