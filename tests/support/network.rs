//! A network of its own for one test: the thread of the test stands at one end of a cable and a printer at the other.
//! Both are namespaces that vanish with their threads; nothing of them is seen outside.

use std::process::Command;
use std::sync::mpsc;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;

/// The address of the printer.
pub const PRINTER: &str = "10.231.77.2";

type Work = Box<dyn FnOnce() + Send>;

/// The printer's end of the cable.
pub struct Far {
    work: mpsc::Sender<Work>,
}

/// Runs `ip` with these words in the namespace of this thread.
fn ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip").args(words.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("ip {words}: {said}")) }
}

/// Lays the cable from this thread, and all it starts from now on, to a printer; or says why that cannot be done here.
pub fn cable() -> Result<Far, String> {
    let apart = || unshare(CloneFlags::CLONE_NEWNET).map_err(|error| format!("no network of its own: {error}"));
    apart()?;
    let (work, todo) = mpsc::channel::<Work>();
    let (ready, far) = mpsc::channel();
    thread::spawn(move || {
        let _ = ready.send(apart().map(|()| gettid()));
        todo.into_iter().for_each(|work| work());
    });
    let tid = far.recv().map_err(|error| error.to_string())??;
    ip("link set lo up")?;
    ip(&format!("link add near type veth peer name far netns {tid}"))?;
    ip("addr add 10.231.77.1/24 dev near")?;
    ip("link set near up")?;
    let far = Far { work };
    far.run(|| ip(&format!("addr add {PRINTER}/24 dev far")))?;
    far.run(|| ip("link set far up"))?;
    Ok(far)
}

impl Far {
    /// Does something at the printer's end.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, result) = mpsc::channel();
        self.work.send(Box::new(move || drop(sender.send(work())))).unwrap();
        result.recv().unwrap()
    }

    /// Pulls the plug: nothing that is sent arrives, in either direction, and nobody is told.
    pub fn power_off(&self) {
        self.run(|| ip("link set far down")).unwrap();
    }

    /// Puts it back.
    pub fn power_on(&self) {
        self.run(|| ip("link set far up")).unwrap();
    }
}
