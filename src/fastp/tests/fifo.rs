//! A pipe that nobody reads for long.

use std::time::Duration;

use nix::sys::stat::Mode;

use crate::fastp::Timing;
use crate::fastp::fake::Fake;
use crate::model::device::Exclusive;
use crate::model::state::ErrorNote;
use crate::sys::clock;

#[test]
fn a_reader_that_comes_after_many_tries_does_not_wait_longer_than_retry() {
    let fake = Fake::new();
    let path = fake.dir.path().join("fifo");
    nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let lp = fake.device(&format!("fifo://{}", path.display()), Exclusive::Off);
    fake.text(lp, "one");
    let text = format!("cannot open {}: no program reads it", path.display());
    let now = clock::wall_ms();
    fake.state().printers[lp].error =
        Some(ErrorNote { number: 14, text, since_ms: now, next_try_ms: Some(now), tries: 50 });
    let process = fake.start_with(Timing { connect: Duration::from_millis(50), ..Fake::timing() });
    // Growing waits would be a minute long by now, and this would be late.
    drop(fake.until(|state| state.count("error 14 try 53") == 1));
    let read = std::fs::read_to_string(&path).unwrap();
    process.join().unwrap().unwrap();
    assert_eq!((read.as_str(), fake.state().printers[lp].done.len()), ("one", 1));
    assert_eq!(fake.state().count("claim 1"), 1, "it was not given to a pipe that nobody reads");
}
