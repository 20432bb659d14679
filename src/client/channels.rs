//! Channels between a process without rights and its server, both sides: sockets that are made when they are wanted, each with one
//! question at a time.
//!
//! The process begins with one socket, the control socket. A channel is one end of a pair, whose other end goes to the server over
//! the control socket. A question that was not answered costs its channel, for a late answer would be taken for that of the next
//! question; the next one makes a new channel. So a server that is slow for a time is asked again when it is not.

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::channel::{self, ChannelError};
use crate::model::{Failure, FailureKind};
use crate::sys::socket::Deadline;
use crate::wire::frame::{self, FrameError, Kind};

/// How long the word that a channel comes may take to arrive once it has begun.
const PATIENCE: Duration = Duration::from_secs(30);

/// The side that asks.
pub struct Channels {
    control: Mutex<UnixStream>,
    state: Mutex<State>,
    free: Condvar,
    most: usize,
    patience: Duration,
    queue: Duration,
}

#[derive(Default)]
struct State {
    idle: Vec<UnixStream>,
    used: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lost(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("the server does not answer: {error}"))
}

impl Channels {
    /// Those over this control socket: `most` questions at a time. The server may take `patience` to answer one, and a question may
    /// wait for `queue` until others have their answers.
    pub fn new(control: UnixStream, most: usize, patience: Duration, queue: Duration) -> Self {
        Self { control: Mutex::new(control), state: Mutex::default(), free: Condvar::new(), most, patience, queue }
    }

    /// A channel that nobody uses. It has to be given back, or that it is lost.
    fn channel(&self) -> Result<UnixStream, Failure> {
        {
            let state = lock(&self.state);
            let wait = self.free.wait_timeout_while(state, self.queue, |state| state.used >= self.most);
            let mut state = wait.unwrap_or_else(PoisonError::into_inner).0;
            if state.used >= self.most {
                return Err(lost("too many wait for it"));
            }
            state.used += 1;
            if let Some(idle) = state.idle.pop() {
                return Ok(idle);
            }
        }
        self.new_channel().map_err(|error| {
            self.give_back(None);
            lost(error)
        })
    }

    fn new_channel(&self) -> io::Result<UnixStream> {
        let (near, far) = UnixStream::pair()?;
        let frame = frame::encode(Kind::Request, &"channel", 1).map_err(io::Error::other)?;
        channel::send(&lock(&self.control), &frame, &[far.into()], Deadline::after(self.patience))?;
        Ok(near)
    }

    fn give_back(&self, channel: Option<UnixStream>) {
        let mut state = lock(&self.state);
        state.used = state.used.saturating_sub(1);
        state.idle.extend(channel);
        self.free.notify_one();
    }

    /// Asks the server.
    ///
    /// # Errors
    /// `Unreachable` when it does not answer.
    pub fn ask<Q, A>(&self, request: &Q, files: &[OwnedFd]) -> Result<(A, Vec<OwnedFd>), Failure>
    where
        Q: Serialize,
        A: DeserializeOwned,
    {
        let channel = self.channel()?;
        let answer = self.exchange(&channel, request, files);
        self.give_back(answer.is_ok().then_some(channel));
        answer
    }

    fn exchange<Q, A>(&self, channel: &UnixStream, request: &Q, files: &[OwnedFd]) -> Result<(A, Vec<OwnedFd>), Failure>
    where
        Q: Serialize,
        A: DeserializeOwned,
    {
        let frame = frame::encode(Kind::Request, request, files.len()).map_err(lost)?;
        channel::send(channel, &frame, files, Deadline::after(self.patience)).map_err(lost)?;
        let until = Deadline::after(self.patience);
        match channel::receive(channel, Kind::Reply, until, || until) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(lost("it has closed the channel")),
            Err(error) => Err(lost(error)),
        }
    }
}

/// A channel that counts until this is dropped, also by a thread that breaks down.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The side that answers: takes the channels that a process makes, and has `serve` answer each in a thread of that `name`, until the
/// process has gone. One that would be more than `most` at a time is closed at once, and so is one for which this process has no
/// room: the process makes another one, and what is served goes on.
///
/// # Errors
/// When something else than a channel came. The control socket is shut down, so that the process finds out.
pub fn take<F>(control: &UnixStream, name: &str, most: usize, serve: F) -> Result<(), ChannelError>
where
    F: Fn(UnixStream) + Clone + Send + 'static,
{
    let taken = take_all(control, name, most, serve);
    if taken.is_err() {
        // One that is closed already is no worse.
        let _ = control.shutdown(Shutdown::Both);
    }
    taken
}

fn take_all<F>(control: &UnixStream, name: &str, most: usize, serve: F) -> Result<(), ChannelError>
where
    F: Fn(UnixStream) + Clone + Send + 'static,
{
    let count = Arc::new(AtomicUsize::new(0));
    loop {
        let received =
            channel::receive_what_fits::<String>(control, Kind::Request, Deadline::NEVER, || Deadline::after(PATIENCE));
        let channels = match received {
            Ok(Some((_, channels))) => channels,
            Ok(None) => return Ok(()),
            // Our table of descriptors is full; what was lost the process finds closed.
            Err(ChannelError::Frame(FrameError::Files { found, expected })) if found < expected => continue,
            Err(error) => return Err(error),
        };
        for channel in channels {
            if count.fetch_add(1, Ordering::SeqCst) >= most {
                count.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let (serve, counted) = (serve.clone(), Counted(Arc::clone(&count)));
            // Without a thread both are dropped, and the process finds the channel closed.
            let _ = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
                let _counted = counted;
                serve(UnixStream::from(channel));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// A server that never answers "wait", closes the channel at "close", breaks down at "break", and repeats anything else.
    fn server(most: usize) -> (UnixStream, std::thread::JoinHandle<Result<(), ChannelError>>) {
        let (near, far) = UnixStream::pair().unwrap();
        let serve = |channel: UnixStream| {
            while let Ok(Some((asked, _))) =
                channel::receive::<String>(&channel, Kind::Request, Deadline::NEVER, || Deadline::after(LONG))
            {
                match asked.as_str() {
                    "close" => return,
                    "break" => std::panic::resume_unwind(Box::new("as it was told")),
                    "wait" => {}
                    _ => {
                        let frame = frame::encode(Kind::Reply, &asked, 0).unwrap();
                        channel::send(&channel, &frame, &[], Deadline::after(LONG)).unwrap();
                    }
                }
            }
        };
        (near, std::thread::spawn(move || take(&far, "echo", most, serve)))
    }

    fn ask(channels: &Channels, word: &str) -> Result<String, Failure> {
        channels.ask(&word, &[]).map(|answer: (String, _)| answer.0)
    }

    #[test]
    fn the_tenth_question_is_answered_after_nine_that_were_not() {
        let (control, served) = server(16);
        let mut channels = Channels::new(control, 8, Duration::from_millis(20), LONG);
        for _ in 0..9 {
            assert_eq!(ask(&channels, "wait").unwrap_err().kind, FailureKind::Unreachable);
        }
        channels.patience = LONG;
        for _ in 0..9 {
            let closed = ask(&channels, "close").unwrap_err();
            assert!(closed.message.contains("it has closed the channel"), "{closed}");
        }
        assert_eq!(ask(&channels, "here?").unwrap(), "here?");
        let state = channels.state.into_inner().unwrap();
        assert_eq!((state.used, state.idle.len()), (0, 1));
        drop((state, channels.control));
        served.join().unwrap().unwrap();
    }

    #[test]
    fn no_more_are_served_at_a_time_than_may_be() {
        let (control, served) = server(1);
        let channels = Channels::new(control, 2, LONG, Duration::ZERO);
        let (one, two) = (channels.channel().unwrap(), channels.channel().unwrap());
        let third = channels.channel().unwrap_err();
        assert!(third.message.contains("too many wait for it"), "{third}");
        let answer = |channel: &UnixStream| channels.exchange::<_, String>(channel, &"here?", &[]).map(|one| one.0);
        assert_eq!(answer(&one).unwrap(), "here?");
        answer(&two).unwrap_err();
        channels.give_back(Some(one));
        channels.give_back(None);
        drop(channels);
        served.join().unwrap().unwrap();
    }

    #[test]
    fn a_thread_that_breaks_down_leaves_its_place_to_another() {
        let (control, served) = server(1);
        let channels = Channels::new(control, 1, LONG, LONG);
        ask(&channels, "break").unwrap_err();
        let end = std::time::Instant::now() + LONG;
        // Its channel is closed a moment before its place is free.
        while ask(&channels, "here?").is_err() {
            assert!(std::time::Instant::now() < end, "the place is lost");
        }
        drop(channels);
        served.join().unwrap().unwrap();
    }

    #[test]
    fn a_process_that_says_something_else_is_cut_off() {
        use std::io::Write;
        let (mut control, served) = server(1);
        control.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        assert!(matches!(served.join().unwrap(), Err(ChannelError::Frame(_))));
    }

    #[test]
    fn a_process_that_is_cut_off_finds_out_though_somebody_still_has_the_socket() {
        let (mut near, far) = UnixStream::pair().unwrap();
        near.set_read_timeout(Some(LONG)).unwrap();
        let _kept = far.try_clone().unwrap();
        let served = std::thread::spawn(move || take(&far, "nothing", 1, drop));
        // As long as a header.
        io::Write::write_all(&mut near, b"GET / HTTP/1").unwrap();
        assert_eq!(io::Read::read(&mut near, &mut [0]).unwrap(), 0);
        assert!(matches!(served.join().unwrap(), Err(ChannelError::Frame(_))));
    }

    #[test]
    fn a_channel_for_which_there_is_no_room_is_closed_and_the_next_one_is_served() {
        let (control, served) = server(2);
        // As if the kernel had kept the file back: the frame comes without it.
        let frame = frame::encode(Kind::Request, &"channel", 1).unwrap();
        channel::send(&control, &frame, &[], Deadline::after(LONG)).unwrap();
        let channels = Channels::new(control, 1, LONG, LONG);
        assert_eq!(ask(&channels, "here?").unwrap(), "here?");
        drop(channels);
        served.join().unwrap().unwrap();
    }

    /// In a process of its own: the table of descriptors is full for all threads.
    #[test]
    fn a_full_table_of_descriptors_ends_no_control_socket() {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        if std::env::var_os("CHANNELS_ARE_FULL").is_none() {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            child.args(["client::channels::tests::a_full_table_of_descriptors_ends_no_control_socket", "--exact"]);
            let output = child.env("CHANNELS_ARE_FULL", "1").output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        let (control, served) = server(2);
        let (near, far) = UnixStream::pair().unwrap();
        let usual = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 3, usual.1).unwrap();
        let frame = frame::encode(Kind::Request, &"channel", 1).unwrap();
        channel::send(&control, &frame, &[far.into()], Deadline::after(LONG)).unwrap();
        assert_eq!(io::Read::read(&mut &near, &mut [0]).unwrap(), 0, "what has no room is closed");
        setrlimit(Resource::RLIMIT_NOFILE, usual.0, usual.1).unwrap();
        let channels = Channels::new(control, 1, LONG, LONG);
        assert_eq!(ask(&channels, "here?").unwrap(), "here?");
        drop(channels);
        served.join().unwrap().unwrap();
    }
}
