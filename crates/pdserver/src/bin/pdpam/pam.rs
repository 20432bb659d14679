//! The seven calls of libpam that a question needs.
//!
//! Why no crate? Those that speak to PAM as a program does need its headers, most of them a C parser too, and none of them can be told a
//! directory of services. The library itself is on every machine that people log on to, and these calls have been the same for
//! twenty years.

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

/// What came of a question.
#[derive(Debug)]
pub enum Outcome {
    /// The account may be used; this is its name, as the modules leave it.
    Yes(String),
    /// The password is wrong, or the account may not be used.
    No(String),
    /// Nobody can say.
    Unknown(String),
}

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    unused: c_int,
}

#[repr(C)]
struct Conversation {
    talk: extern "C" fn(c_int, *const *const Message, *mut *mut Response, *mut c_void) -> c_int,
    data: *mut c_void,
}

/// A handle of the library.
#[repr(C)]
struct Handle {
    _opaque: [u8; 0],
}

// The name under which the library is loaded: the one for those who compile against it need not be there.
#[link(name = "libpam.so.0", kind = "dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conversation,
        handle: *mut *mut Handle,
    ) -> c_int;
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conversation,
        directory: *const c_char,
        handle: *mut *mut Handle,
    ) -> c_int;
    fn pam_set_item(handle: *mut Handle, item: c_int, value: *const c_void) -> c_int;
    fn pam_get_item(handle: *const Handle, item: c_int, value: *mut *const c_void) -> c_int;
    fn pam_authenticate(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_end(handle: *mut Handle, status: c_int) -> c_int;
    fn pam_strerror(handle: *mut Handle, status: c_int) -> *const c_char;
}

// The C library's own allocator: what is answered, PAM gives back with it.
unsafe extern "C" {
    fn calloc(count: usize, size: usize) -> *mut c_void;
    fn strdup(text: *const c_char) -> *mut c_char;
    fn free(place: *mut c_void);
}

const SUCCESS: c_int = 0;
const BUF_ERR: c_int = 5;
const PERM_DENIED: c_int = 6;
const AUTH_ERR: c_int = 7;
const CRED_INSUFFICIENT: c_int = 8;
const USER_UNKNOWN: c_int = 10;
const MAXTRIES: c_int = 11;
const NEW_AUTHTOK_REQD: c_int = 12;
const ACCT_EXPIRED: c_int = 13;
const CRED_EXPIRED: c_int = 16;
const CONV_ERR: c_int = 19;
const AUTHTOK_EXPIRED: c_int = 27;
const USER: c_int = 2;
const RHOST: c_int = 4;
const PROMPT_ECHO_OFF: c_int = 1;
const ERROR_MSG: c_int = 3;
const TEXT_INFO: c_int = 4;
/// Modules say nothing, and an account without a password is none.
const FLAGS: c_int = 0x8000 | 0x1;
/// Messages of one talk.
const MOST_MESSAGES: c_int = 32;

/// What the talk with the modules knows.
struct Known {
    password: CString,
    /// Whether it was asked for: a module that wants something else, or it again, does not get it.
    given: bool,
}

/// Answers what modules ask: the password, once.
extern "C" fn talk(
    count: c_int,
    messages: *const *const Message,
    answers: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    if !(1..=MOST_MESSAGES).contains(&count) || messages.is_null() || answers.is_null() || data.is_null() {
        return CONV_ERR;
    }
    let Ok(count) = usize::try_from(count) else { return CONV_ERR };
    // SAFETY: `data` is the address of the `Known` that `ask` keeps until `pam_end`, and nobody else uses it meanwhile.
    let known = unsafe { &mut *data.cast::<Known>() };
    // SAFETY: calloc gives zeroed room for `count` responses, or nothing: a response of zeroes is one without a text.
    let room = unsafe { calloc(count, size_of::<Response>()) }.cast::<Response>();
    if room.is_null() {
        return BUF_ERR;
    }
    for n in 0..count {
        // SAFETY: Linux-PAM hands over an array of `count` pointers to messages.
        let style = unsafe { (*messages.add(n)).as_ref() }.map(|message| message.style);
        match style {
            Some(PROMPT_ECHO_OFF) if !known.given => {
                known.given = true;
                // SAFETY: `n` is within the room; strdup copies a text that ends with NUL.
                unsafe { (*room.add(n)).text = strdup(known.password.as_ptr()) };
            }
            Some(ERROR_MSG | TEXT_INFO) => {}
            _ => {
                for before in 0..n {
                    // SAFETY: each text is nothing or comes from strdup, and the room from calloc; nobody has them yet.
                    unsafe { free((*room.add(before)).text.cast()) };
                }
                // SAFETY: as above.
                unsafe { free(room.cast()) };
                return CONV_ERR;
            }
        }
    }
    // SAFETY: `answers` points to where PAM takes the address of the room, which it gives back with free.
    unsafe { *answers = room };
    SUCCESS
}

/// A question that was begun.
struct Asking {
    handle: *mut Handle,
    status: c_int,
}

impl Drop for Asking {
    fn drop(&mut self) {
        // SAFETY: the handle comes from pam_start and is used by nobody after this.
        unsafe { pam_end(self.handle, self.status) };
    }
}

impl Asking {
    fn words(&self) -> String {
        // SAFETY: the library returns a text of its own that ends with NUL, for every status.
        let text = unsafe { pam_strerror(self.handle, self.status) };
        if text.is_null() {
            return format!("status {}", self.status);
        }
        // SAFETY: see above.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }

    /// What a status that is no yes means.
    fn no(&self, known: &Known) -> Outcome {
        match self.status {
            PERM_DENIED | AUTH_ERR | CRED_INSUFFICIENT | USER_UNKNOWN | MAXTRIES | NEW_AUTHTOK_REQD | ACCT_EXPIRED
            | CRED_EXPIRED | AUTHTOK_EXPIRED => Outcome::No(self.words()),
            // It may have been right: nobody learns that by another answer.
            CONV_ERR if known.given => Outcome::No("a module asks for more than a password".to_owned()),
            _ => Outcome::Unknown(self.words()),
        }
    }

    fn name(&self) -> Option<String> {
        let mut value: *const c_void = ptr::null();
        // SAFETY: the handle is that of pam_start; the library writes the address of a text of its own.
        let status = unsafe { pam_get_item(self.handle, USER, &mut value) };
        if status != SUCCESS || value.is_null() {
            return None;
        }
        // SAFETY: the item is a text that ends with NUL and lives until the next change of it.
        unsafe { CStr::from_ptr(value.cast()) }.to_str().ok().map(str::to_owned)
    }
}

/// Asks whether `user` may come in with `password`, from `address` where there is one.
pub fn ask(service: &str, directory: Option<&Path>, user: &str, address: &str, password: &[u8]) -> Outcome {
    let text = |octets: &[u8]| CString::new(octets).ok();
    let (Some(service), Some(user), Some(address), Some(password)) =
        (text(service.as_bytes()), text(user.as_bytes()), text(address.as_bytes()), text(password))
    else {
        return Outcome::No("a name or a password with a NUL in it".to_owned());
    };
    let directory = directory.map(|directory| text(OsStr::as_bytes(directory.as_os_str())).unwrap_or_default());
    let mut known = Known { password, given: false };
    let known_at: *mut Known = &mut known;
    let conversation = Conversation { talk, data: known_at.cast() };
    let mut handle: *mut Handle = ptr::null_mut();
    // SAFETY: all texts end with NUL; the conversation is copied, and what it points to lives longer than the handle.
    let status = unsafe {
        match &directory {
            Some(directory) => {
                let conversation = &raw const conversation;
                pam_start_confdir(service.as_ptr(), user.as_ptr(), conversation, directory.as_ptr(), &mut handle)
            }
            None => pam_start(service.as_ptr(), user.as_ptr(), &conversation, &mut handle),
        }
    };
    if status != SUCCESS || handle.is_null() {
        return Outcome::Unknown(format!("PAM does not begin: status {status}"));
    }
    let mut asking = Asking { handle, status };
    if !address.is_empty() {
        // SAFETY: the text ends with NUL, and the library copies it.
        asking.status = unsafe { pam_set_item(handle, RHOST, address.as_ptr().cast()) };
    }
    if asking.status == SUCCESS {
        // SAFETY: the handle is that of pam_start.
        asking.status = unsafe { pam_authenticate(handle, FLAGS) };
    }
    if asking.status == SUCCESS {
        // SAFETY: as above.
        asking.status = unsafe { pam_acct_mgmt(handle, FLAGS) };
    }
    // SAFETY: no call of the library is under way, so nobody else reads or writes it.
    let known = unsafe { &*known_at };
    match asking.status {
        SUCCESS => asking.name().map_or_else(|| Outcome::Unknown("PAM names nobody".to_owned()), Outcome::Yes),
        _ => asking.no(known),
    }
}
