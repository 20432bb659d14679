//! LOG shows what happened to an object, oldest first. It is the same for every kind of object.

use crate::commands::log;
use crate::commands::spoolcom::displays::Listing;
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::spool::interface::records::EventSubject;

/// Shows what happened to `object`; a failure names `subject`.
pub fn show(
    session: &mut Session<'_>,
    display: &DisplayRequest,
    object: &EventSubject,
    subject: &Subject,
) -> Result<(), EarlyEnd> {
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
