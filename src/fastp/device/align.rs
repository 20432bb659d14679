//! ALIGN: prints the alignment page on a device that has no job.
//!
//! The page goes where a job would go: the device is opened if it is not open, and is closed behind the page unless it is
//! EXCLUSIVE ON. The request is answered when the page has left, as far as the transport can tell; a device that fails, goes
//! offline or takes nothing until it does answers with that. A crash leaves the request open, and the next epoch
//! refuses it: the page may be on paper, and is never printed a second time by itself.

use std::rc::Rc;

use super::control::AttemptControl;
use super::errors::{Fault, PrintError};
use super::thread::{Device, ThreadEnd};
use crate::fastp::content::boundary::Speech;
use crate::fastp::content::header::Sheets;
use crate::fastp::content::pieces::Pieces;
use crate::fastp::content::ruler;
use crate::fastp::transports::Chunk;
use crate::model::device::Exclusive;
use crate::model::request::{Answer, DeviceRequest, OpenRequest};
use crate::model::state::DeviceWish;
use crate::spool::interface::engine::{DeviceOrder, Paper};

/// Why no page is printed any more.
const OFFLINE: &str = "the device was taken offline";

/// Why a program of others prints no page.
const NO_RULER: &str = "the program of its print process prints no alignment page";

impl Device {
    /// Carries out what an operator asks of the device itself.
    ///
    /// # Errors
    /// Returns why the thread must end.
    pub(crate) fn carry_out(
        &mut self,
        request: OpenRequest,
        order: &DeviceOrder,
        control: &mut AttemptControl<'_>,
    ) -> Result<(), ThreadEnd> {
        let context = Rc::clone(&self.context);
        let wanted = matches!(order.wish, DeviceWish::Started | DeviceWish::Suspended);
        if request.what != DeviceRequest::Align || !wanted {
            return Ok(context.answer(request.id, Answer::Refused(OFFLINE.into()), None)?);
        }
        if context.program.is_some() {
            return Ok(context.answer(request.id, Answer::Refused(NO_RULER.into()), None)?);
        }
        control.on_request = true;
        let printed = self.print_ruler(order.paper, control);
        control.on_request = false;
        let (answer, fault) = match printed {
            Ok(None) => (Answer::Done("the alignment page has left".into()), None),
            Ok(Some(fault)) | Err(PrintError::Device(fault)) => (Answer::Refused(fault.text.clone()), Some(fault)),
            Err(PrintError::Ending) => return Err(ThreadEnd::ProcessEnding),
            Err(PrintError::Refused(failure)) => return Err(ThreadEnd::Refused(failure)),
            Err(_) => {
                self.leave_page(control)?;
                (Answer::Refused(OFFLINE.into()), None)
            }
        };
        let paper = matches!(answer, Answer::Done(_)).then_some(Paper::Fed);
        context.answer(request.id, answer, paper)?;
        match fault {
            Some(fault) => Err(self.record(&fault)?),
            None => Ok(()),
        }
    }

    /// Sends the page. Returns the fault of a close behind it.
    fn print_ruler(&mut self, paper: Paper, control: &mut AttemptControl<'_>) -> Result<Option<Fault>, PrintError> {
        // Behind a stream nobody knows what a text of ours would be taken for.
        let parted = |speech: Option<Speech>| speech.is_some_and(|speech| speech != Speech::Text);
        if self.open.as_ref().is_some_and(|open| open.connection.is_renewable() && parted(open.last))
            && let Some(fault) = self.close("ALIGN", control)?
        {
            return Err(fault.into());
        }
        self.ensure_open("ALIGN", control)?;
        let page = ruler::page(&self.settings, if self.new_address { Paper::Top } else { paper });
        let Some(open) = &mut self.open else { return Err(PrintError::Unwanted) };
        let nothing = Pieces {
            sources: Vec::new(),
            font: Vec::new(),
            paper,
            shared: open.connection.shared_stream(),
            renewable: open.connection.is_renewable(),
            last: open.last,
            sheets: Sheets::default(),
            earlier: None,
        };
        open.carried = true;
        // A device that is taken offline meanwhile need not take the rest.
        control.opening = true;
        control.renewed(None);
        let sent = open
            .connection
            .begin(&nothing, None, control)
            .and_then(|_| open.connection.send(Chunk::Bytes(&page), control))
            .and_then(|()| open.connection.finish(control));
        control.opening = false;
        sent?;
        open.last = Some(Speech::Text);
        self.new_address = false;
        if self.settings.exclusive == Exclusive::On {
            return Ok(None);
        }
        Ok(self.close("ALIGN", control)?)
    }

    /// Leaves a page that is not wanted any more.
    fn leave_page(&mut self, control: &mut AttemptControl<'_>) -> Result<(), ThreadEnd> {
        let undone = self.open.as_mut().map(|open| open.connection.undo());
        if undone.is_some_and(|undone| !undone.usable) {
            self.cut("ALIGN was stopped", control)?;
        }
        Ok(())
    }
}
