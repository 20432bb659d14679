//! Fonts: jobs that are sent ahead of the jobs of some locations.
//!
//! States: a font is a name for a job. While a job is a font it cannot be deleted, and when it was printed it stays, held. A
//! location names a font, whether there is one of that name or not; with none nothing is sent ahead.
//!
//! Who may: the creator of the spool and its operators. Anybody looks.
//!
//! A crash: each change is one transaction.

use crate::model::authority::Right;
use crate::model::event::EventWord;
use crate::model::location::FontStatus;
use crate::model::state::JobState;
use crate::model::{Call, Failure, FailureKind, FontName, JobRef, LocationPattern};
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Lock, Tx};

use super::locations::{declare, matching, unknown_dest};
use crate::spool::jobs::actions::find_to_change;
use crate::spool::{Room, Spool};

/// Makes the failure for a font that does not exist.
fn not_found(name: &FontName) -> Failure {
    Failure::not_found(format!("font {name}"))
}

/// Refuses to remove a job that is a font.
pub(crate) fn demand_no_font(tx: &Tx<'_>, job: &JobRow) -> Fallible<()> {
    match store::font::of_job(tx, job.id)? {
        None => Ok(()),
        Some(font) => Err(Failure::new(FailureKind::InUse, format!("job {} is the font {font}", job.number))
            .hint(format!("FONT {font}, DELETE   first, or   FONT {font}, JOB number   for another job"))),
    }
}

impl Spool {
    /// Makes a job the font of that name, which is defined by that.
    pub(crate) fn define_font(&self, call: &Call, name: FontName, job: &JobRef) -> Fallible<()> {
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let row = find_to_change(tx, &spool, &job)?;
            let (state, _) = Self::job_state(tx, &row)?;
            if matches!(state, JobState::Open | JobState::Terminating) {
                return Err(Failure::new(FailureKind::State, format!("job {} is {}", row.number, state.infoprint())));
            }
            if store::font::job_of(tx, &name)? == Some(row.id) {
                return Ok(());
            }
            if store::font::job_of(tx, &name)?.is_none() {
                super::additions::demand_additions(tx)?;
            }
            store::font::set(tx, &name, row.id)?;
            record(tx, Object::Job(row.id), EventWord::Altered, &format!("FONT {name}"))?;
            record(tx, Object::Spool, EventWord::Declared, &format!("FONT {name}, JOB {}", row.number))
        })
    }

    /// Forgets a font; its job stays. Locations that name it send nothing ahead from then on.
    pub(crate) fn delete_font(&self, call: &Call, name: FontName) -> Fallible<()> {
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            if !store::font::delete(tx, &name)? {
                return Err(not_found(&name));
            }
            record(tx, Object::Spool, EventWord::Deleted, &format!("FONT {name}"))
        })
    }

    /// Returns one page of the fonts, after `after`.
    pub(crate) fn fonts(&self, call: &Call, after: Option<FontName>) -> Fallible<Vec<FontStatus>> {
        self.look(call, |tx| store::font::list(tx, after.as_ref()))
    }

    /// Sets the font that is sent ahead of the jobs of the matching locations. A single location that is unknown is
    /// declared. Returns how many.
    pub(crate) fn set_font(&self, call: &Call, pattern: LocationPattern, font: Option<FontName>) -> Fallible<u32> {
        self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let mut rows = matching(tx, &pattern)?;
            match &pattern {
                LocationPattern::One(name) if rows.is_empty() => rows.push(declare(tx, name)?),
                LocationPattern::EveryGroup(dest) if rows.is_empty() => return Err(unknown_dest(tx, dest)?),
                _ => {}
            }
            for row in rows.iter().filter(|row| row.font != font) {
                tx.lock(Lock::Route(row.route))?;
                store::location::set_font(tx, row.id, font.as_ref())?;
                let shown = font.as_ref().map_or_else(|| "NONE".to_owned(), ToString::to_string);
                record(tx, Object::Location(row.id), EventWord::Altered, &format!("FONT {shown}"))?;
            }
            Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
        })
    }
}
