//! A raw printer: accepts TCP connections and keeps what came over each.

use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

/// How the printer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reads everything, closes when the peer does.
    Normal,
    /// Resets each connection once this many octets came over it.
    ResetAfter(usize),
    /// Resets the first connection over which this text came, and is a normal printer from then on.
    ResetAt(&'static str),
    /// Has a small window and reads a little at a time.
    Slow,
    /// Reads about so many octets of each connection and then nothing, until another mode is set, which is its mode then.
    Stalls(usize),
    /// Reads everything and keeps its side open.
    NeverCloses,
}

/// One connection.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    pub octets: Vec<u8>,
    /// The peer closed its side in order.
    pub ended: bool,
    /// It was reset.
    pub reset: bool,
}

#[derive(Default)]
struct State {
    connections: Vec<Connection>,
    mode: Option<Mode>,
    paused: bool,
    over: bool,
    /// Sockets that a printer that never closes keeps.
    kept: Vec<TcpStream>,
}

/// The printer. Dropped, it accepts nothing more.
pub struct Sink {
    port: u16,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Sink {
    pub fn new(mode: Mode) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), mode)
    }

    /// A printer at a port that is listened on already.
    pub fn at(listener: TcpListener, mode: Mode) -> Self {
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new((Mutex::new(State { mode: Some(mode), ..State::default() }), Condvar::new()));
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), false) = (stream, accepting.0.lock().unwrap().over) else {
                    return;
                };
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, shared }
    }

    /// Its address as a device has it.
    pub fn uri(&self) -> String {
        format!("socket://127.0.0.1:{}", self.port)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    /// Behaves otherwise from the next connection on, and on those that stalled.
    ///
    /// How many connections were made before, which keep the way they had.
    pub fn set_mode(&self, mode: Mode) -> usize {
        let mut state = self.state();
        state.mode = Some(mode);
        self.shared.1.notify_all();
        state.connections.len()
    }

    /// Stops reading, or goes on.
    pub fn pause(&self, paused: bool) {
        self.state().paused = paused;
        self.shared.1.notify_all();
    }

    /// A printer that never closes closes what it kept open.
    pub fn let_go(&self) {
        self.state().kept.clear();
    }

    /// What came over each connection so far.
    pub fn connections(&self) -> Vec<Connection> {
        self.state().connections.clone()
    }

    /// Waits until `condition` holds for what came so far.
    #[track_caller]
    pub fn wait_for(&self, what: &str, condition: impl Fn(&[Connection]) -> bool) {
        let end = Instant::now() + super::DEADLINE;
        let mut state = self.state();
        while !condition(&state.connections) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the printer did not see: {what}");
            state = self.shared.1.wait_timeout(state, left.min(Duration::from_secs(5))).unwrap().0;
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        {
            let mut state = self.state();
            state.over = true;
            state.paused = false;
            state.kept.clear();
        }
        self.shared.1.notify_all();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(mut stream: TcpStream, shared: &(Mutex<State>, Condvar)) {
    let (index, mut mode) = {
        let mut state = shared.0.lock().unwrap();
        state.connections.push(Connection::default());
        (state.connections.len() - 1, state.mode.unwrap_or(Mode::Normal))
    };
    shared.1.notify_all();
    let mut buffer = vec![0; if mode == Mode::Slow { 2048 } else { 64 * 1024 }];
    match mode {
        Mode::Slow => drop(setsockopt(&stream, sockopt::RcvBuf, &16_384)),
        Mode::Stalls(_) => drop(setsockopt(&stream, sockopt::RcvBuf, &262_144)),
        _ => {}
    }
    loop {
        {
            let mut state = shared.0.lock().unwrap();
            let stalls = |state: &State| match mode {
                Mode::Stalls(n) => {
                    state.mode == Some(mode) && !state.over && state.connections[index].octets.len() >= n
                }
                _ => false,
            };
            while state.paused || stalls(&state) {
                state = shared.1.wait(state).unwrap();
            }
            if let (Mode::Stalls(_), Some(now)) = (mode, state.mode) {
                mode = now;
            }
        }
        let read = stream.read(&mut buffer);
        let mut state = shared.0.lock().unwrap();
        let connection = &mut state.connections[index];
        let mut done = false;
        match read {
            Ok(0) => {
                connection.ended = true;
                done = true;
            }
            Ok(n) => {
                connection.octets.extend(&buffer[..n]);
                let resets = match mode {
                    Mode::ResetAfter(limit) => connection.octets.len() >= limit,
                    Mode::ResetAt(text) => connection.octets.windows(text.len()).any(|some| some == text.as_bytes()),
                    _ => false,
                };
                if resets {
                    let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
                    let _ = setsockopt(&stream, sockopt::Linger, &linger);
                    if let Mode::ResetAt(_) = mode {
                        state.mode = Some(Mode::Normal);
                    }
                    done = true;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => (connection.reset, done) = (true, true),
        }
        if done && mode == Mode::NeverCloses && !state.over {
            state.kept.push(stream);
            drop(state);
            shared.1.notify_all();
            return;
        }
        drop(state);
        shared.1.notify_all();
        if done {
            return;
        }
    }
}
