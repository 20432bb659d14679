//! Lists the jobs of a query, and reads each page while the one before it is shown.
//!
//! This thread asks the spool; a second one lays a page out and writes it. There are two pages at most, the one that is
//! shown and the one that is read. Each is one look at the spool, as without a second thread.
//!
//! A page that was shown comes back and is freed by the thread that made it. An allocator that must take back what another
//! thread was given would cost more than the second thread gains.
//!
//! A listing of one page has no second thread, and neither has one that asks the spool more about each job.
//!
//! When the output fails (its reader went away), nothing more is read. When the spool fails, what was read before is shown.

use std::io;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;

use super::display::Display;
use super::on_request;
use crate::commands::pd::Stop;
use crate::commands::why::Times;
use crate::model::job::JobStatus;
use crate::model::query::{PAGE, Page, Query};
use crate::spool::interface::operations::Operations;

/// Shows every job of `query`.
pub fn every(spool: &mut dyn Operations, display: &mut Display<'_>, query: &Query, times: &Times) -> Result<(), Stop> {
    let mut page = spool.jobs(query.clone(), None, PAGE)?;
    if page.next.is_some() && !on_request::is_asked(&display.layout().selection) {
        page = match beside(spool, display, query, page) {
            Beside::Ended(result) => return result,
            Beside::NoThread(page) => page,
        };
    }
    loop {
        for job in &page.rows {
            display.add_job(spool, job, None, times)?;
        }
        let Some(next) = page.next else { return Ok(()) };
        page = spool.jobs(query.clone(), Some(next), PAGE)?;
    }
}

/// How a listing by two threads ended.
enum Beside {
    /// It is shown, or failed.
    Ended(Result<(), Stop>),
    /// There is no second thread to be had. Nothing was shown.
    NoThread(Page<JobStatus>),
}

fn beside(spool: &mut dyn Operations, display: &mut Display<'_>, query: &Query, first: Page<JobStatus>) -> Beside {
    // No page waits in the channel: the next one is read while this one is shown.
    let (to_show, pages) = sync_channel(0);
    let (back, shown) = channel();
    thread::scope(|scope| {
        let shower = thread::Builder::new().spawn_scoped(scope, move || show(display, &pages, &back));
        let Ok(shower) = shower else { return Beside::NoThread(first) };
        let mut page = first;
        let read = loop {
            // The other thread takes no more when its output has failed.
            if to_show.send(page.rows).is_err() {
                break Ok(());
            }
            // By now it has shown the page before.
            drop(shown.try_recv());
            let Some(next) = page.next else { break Ok(()) };
            match spool.jobs(query.clone(), Some(next), PAGE) {
                Ok(found) => page = found,
                Err(failure) => break Err(failure),
            }
        };
        drop(to_show);
        let written = shower.join().unwrap_or_else(|panic| resume_unwind(panic));
        Beside::Ended(written.map_err(Stop::from).and(read.map_err(Stop::from)))
    })
}

fn show(display: &mut Display<'_>, pages: &Receiver<Vec<JobStatus>>, back: &Sender<Vec<JobStatus>>) -> io::Result<()> {
    for jobs in pages {
        for job in &jobs {
            display.add_read(job, None)?;
        }
        // Nobody takes it back when the spool failed: then it is freed here.
        let _ = back.send(jobs);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::rc::Rc;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::attributes::{Class, Shown};
    use crate::commands::pd::command_line::selection::Requested;
    use crate::commands::pd::displays::record::{Layout, Record, Style};
    use crate::commands::pd::testing::{Fake, State, job};
    use crate::commands::shell::Exit;
    use crate::model::query::{Condition, Order, Parts};
    use crate::model::{Failure, FailureKind};
    use crate::spool::interface::operations::{Carrier, Reply, Request};

    /// A spool that counts the pages it gave and fails after some of them.
    struct Counted {
        fake: Fake,
        pages: Rc<Cell<u32>>,
        fails_after: u32,
    }

    impl Carrier for Counted {
        fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
            if matches!(request, Request::Jobs { .. }) {
                if self.pages.get() == self.fails_after {
                    return Err(Failure::new(FailureKind::Unreachable, "the server is gone"));
                }
                self.pages.set(self.pages.get() + 1);
            }
            self.fake.carry(request, files)
        }
    }

    /// An output whose reader goes away after so many writes.
    struct Leaves(u32);

    impl Write for Leaves {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0 -= 1;
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn spool(jobs: u32, fails_after: u32) -> (Counted, Rc<Cell<u32>>) {
        let fake = Fake::default();
        *fake.0.borrow_mut() = State { jobs: (1..=jobs).map(job).collect(), ..State::default() };
        let pages = Rc::new(Cell::new(0));
        (Counted { fake, pages: Rc::clone(&pages), fails_after }, pages)
    }

    fn layout(style: Style) -> Layout {
        Layout {
            class: Class::Job,
            selection: Requested::group(Shown::All).select(Class::Job, None),
            style,
            headings: true,
            document_table: true,
            documents: Condition::Any,
            zone: TimeZone::UTC,
            now_ms: 0,
            width: None,
        }
    }

    fn query() -> Query {
        Query { condition: Condition::Any, order: Order::Schedule, parts: Parts::ALL }
    }

    fn times() -> Times {
        Times { zone: TimeZone::UTC, now_ms: 0 }
    }

    /// What two threads show of so many jobs, and how it ended.
    fn shown(jobs: u32, fails_after: u32, style: Style) -> (String, Result<(), Stop>) {
        let (layout, mut out) = (layout(style), Vec::new());
        let mut display = Display::new(&mut out, &layout);
        let result = every(&mut spool(jobs, fails_after).0, &mut display, &query(), &times());
        display.end().unwrap();
        (String::from_utf8(out).unwrap(), result)
    }

    /// What one thread shows of them.
    fn plain(jobs: u32, style: Style) -> String {
        let (layout, mut out) = (layout(style), Vec::new());
        let mut display = Display::new(&mut out, &layout);
        for n in 1..=jobs {
            display.add(Record::of_job(&job(n), &layout.selection, None)).unwrap();
        }
        display.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn pages_are_shown_in_their_order_as_by_one_thread() {
        for style in [Style::Column, Style::DocCol, Style::Line, Style::Json] {
            for jobs in [0, 1, 1000, 1001, 3500] {
                let (text, result) = shown(jobs, u32::MAX, style);
                assert!(result.is_ok());
                assert!(text == plain(jobs, style), "{style:?}, {jobs} jobs");
            }
        }
    }

    #[test]
    fn what_was_read_before_the_spool_failed_is_shown() {
        for pages in [1, 2] {
            let (text, result) = shown(3500, pages, Style::Json);
            assert!(matches!(result, Err(Stop::Failed(failure)) if failure.kind == FailureKind::Unreachable));
            assert!(text == plain(1000 * pages, Style::Json), "{pages} pages");
        }
    }

    #[test]
    fn nothing_more_is_read_when_the_reader_of_the_output_has_gone() {
        let (mut spool, pages) = spool(9000, u32::MAX);
        let (layout, mut out) = (layout(Style::Line), Leaves(100));
        let mut display = Display::new(&mut out, &layout);
        let result = every(&mut spool, &mut display, &query(), &times());
        assert!(matches!(result, Err(Stop::Said(Exit::Done))));
        assert!(pages.get() <= 2, "{} pages", pages.get());
    }

    #[test]
    fn what_was_shown_comes_back_to_who_read_it() {
        let (to_show, pages) = sync_channel(2);
        let (back, shown) = channel();
        let rows = |from: u32| (from..from + 3).map(job).collect::<Vec<_>>();
        to_show.send(rows(1)).unwrap();
        to_show.send(rows(4)).unwrap();
        drop(to_show);
        let (layout, mut out) = (layout(Style::Column), Vec::new());
        show(&mut Display::new(&mut out, &layout), &pages, &back).unwrap();
        assert_eq!(shown.try_iter().collect::<Vec<_>>(), [rows(1), rows(4)]);
    }
}
