//! What somebody who waits should know, said by code that never prints: a command writes it to standard error, a print
//! process to its log. Where nobody listens nothing is said.

use std::sync::OnceLock;

type Listener = Box<dyn Fn(&str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Has every notice of this process said by `say`, from now on; the first one who listens stays.
pub fn listen(say: impl Fn(&str) + Send + Sync + 'static) {
    let _ = LISTENER.set(Box::new(say));
}

/// Says something.
pub fn say(text: &str) {
    if let Some(listener) = LISTENER.get() {
        listener(text);
    }
}
