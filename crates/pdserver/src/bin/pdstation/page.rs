//! The pages: what is answered to a request that has come in.
//!
//! What changes something is a POST with the token of its form, answered by the way back to the list, so that reloading repeats
//! nothing. Each page comes from a template that escapes whatever it is given: titles of jobs are written by strangers.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use spoolsuite::model::bank::CardNumber;
use spoolsuite::model::lease::Answered;
use spoolsuite::model::printable::escaped;
use spoolsuite::model::secure::HeldJob;
use spoolsuite::model::station::{
    BrowserPlace, Password, Pin, SessionKey, StationAbout, StationAct, StationJobs, StationOutcome, StationReply,
    StationRequest, Trouble, Typed,
};
use spoolsuite::model::{Failure, GlobalJobId, Serial};

use super::attempts::Attempts;
use super::guard::{self, Guard, OwnOrigin, Visitor};
use super::link::Link;
use super::words::{self, Words, left, put};

/// The style, which is served as it is.
pub const STYLE: &str = include_str!("../../../templates/style.css");
/// Seconds after which an empty list looks for itself.
const EMPTY_LOOKS: u64 = 5;

/// What came in.
#[derive(Debug)]
pub struct Asked {
    /// Where his browser is.
    pub from: BrowserPlace,
    /// Whether it is a POST.
    pub posts: bool,
    /// The path.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// Whose it is.
    pub visitor: Visitor,
    /// His language.
    pub words: &'static Words,
    /// How he reached us.
    pub own: OwnOrigin,
    /// The fields of the form, in order.
    pub form: Vec<(String, String)>,
}

impl Asked {
    fn field(&self, name: &str) -> &str {
        self.form.iter().find(|field| field.0 == name).map_or("", |field| field.1.as_str())
    }

    fn jobs(&self, name: &str) -> Vec<GlobalJobId> {
        let named = self.form.iter().filter(|field| field.0 == name);
        named.filter_map(|field| job_of(&field.1)).collect()
    }
}

/// What goes out.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What the body is.
    pub kind: &'static str,
    /// The body.
    pub body: String,
    /// Where to go instead.
    pub location: Option<&'static str>,
    /// Cookies that are set.
    pub cookies: Vec<String>,
}

impl Answer {
    fn page(status: u16, page: &impl Template) -> Self {
        // A template without fields of its own that fail cannot fail; if it does, nothing of it is shown.
        match page.render() {
            Ok(body) => Self { status, kind: "text/html; charset=utf-8", body, location: None, cookies: Vec::new() },
            Err(_) => Self::plain(500, "the page cannot be made"),
        }
    }

    /// An answer in one line.
    pub fn plain(status: u16, why: &str) -> Self {
        let body = format!("{status}: {why}\n");
        Self { status, kind: "text/plain; charset=utf-8", body, location: None, cookies: Vec::new() }
    }

    fn to(location: &'static str) -> Self {
        Self { location: Some(location), ..Self::plain(303, "see there") }
    }

    fn with(mut self, cookie: String) -> Self {
        self.cookies.push(cookie);
        self
    }
}

/// What all pages have.
struct Frame {
    words: &'static Words,
    title: String,
    descriptor: Option<String>,
    refresh: Option<u64>,
}

impl Frame {
    fn languages(&self) -> impl Iterator<Item = &'static Words> {
        let own = self.words.tag;
        words::LANGUAGES.into_iter().filter(move |words| words.tag != own)
    }
}

#[derive(Template)]
#[template(path = "log_on.html")]
struct LogOnPage {
    frame: Frame,
    said: Option<&'static str>,
    takes_pin: bool,
    takes_password: bool,
    /// What the field for a PIN or a password is called.
    secret: &'static str,
    takes_card: bool,
    card_needs_pin: bool,
    closed: Option<String>,
    token: String,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    token: String,
    who: String,
    balance: Option<String>,
    said: Vec<Said>,
    rows: Vec<Row>,
    /// Jobs of others, at a station that shows them.
    others: Vec<Row>,
    more: bool,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    frame: Frame,
    token: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    frame: Frame,
    said: String,
}

struct Said {
    bad: bool,
    text: String,
}

/// A job as the list shows it.
struct Row {
    id: String,
    title: String,
    of: Option<String>,
    pages: String,
    left: String,
    standing: String,
    here: bool,
}

/// The pages of a station.
pub struct Pages {
    /// Who may come.
    pub guard: Guard,
    link: Arc<Link>,
    attempts: Attempts,
    /// The name of the station, where the server does not say more.
    name: String,
}

/// The job that a form names, as `server:digits`.
fn job_of(text: &str) -> Option<GlobalJobId> {
    let (server, serial) = text.split_once(':')?;
    Some(GlobalJobId { server: server.parse().ok()?, serial: Serial::parse(serial)? })
}

fn unexpected() -> Failure {
    Failure::internal("the answer belongs to another question")
}

fn session_of(cookie: &str) -> SessionKey {
    SessionKey(cookie.get(1..).unwrap_or_default().to_owned())
}

impl Pages {
    /// Those of the station of that name.
    pub fn new(guard: Guard, link: Arc<Link>, name: String) -> Self {
        Self { guard, link, attempts: Attempts::default(), name }
    }

    fn about(&self) -> Result<StationAbout, Failure> {
        match self.link.ask(&StationRequest::About)? {
            StationReply::About(about) => Ok(about),
            _ => Err(unexpected()),
        }
    }

    fn frame(&self, words: &'static Words, about: Option<&StationAbout>) -> Frame {
        let name = about.map_or(self.name.as_str(), |about| about.name.as_str());
        let descriptor = about.and_then(|about| about.descriptor.as_deref()).map(escaped);
        Frame { words, title: put(words.station, &[&escaped(name)]), descriptor, refresh: None }
    }

    /// A page that says one thing.
    fn message(&self, words: &'static Words, status: u16, said: String) -> Answer {
        Answer::page(status, &MessagePage { frame: self.frame(words, None), said })
    }

    /// Answers.
    pub fn answer(&self, asked: &Asked) -> Answer {
        let done = match (asked.posts, asked.path.as_str()) {
            (false, "/") => self.home(asked),
            (true, "/log-on") => self.log_on(asked),
            (true, "/jobs") => self.act(asked),
            (true, "/log-off") => self.log_off(asked),
            (false, path) => match path.strip_prefix("/language/").and_then(words::of_tag) {
                Some(words) => Ok(Answer::to("/").with(guard::set_language(words.tag, &asked.own))),
                None => Ok(self.message(asked.words, 404, asked.words.not_found.to_owned())),
            },
            (true, _) => Ok(self.message(asked.words, 404, asked.words.not_found.to_owned())),
        };
        done.unwrap_or_else(|failure| {
            let why = asked.words.trouble_of(Trouble::of(failure.kind));
            self.message(asked.words, 503, put(asked.words.trouble, &[why]))
        })
    }

    /// The form with which one logs on. It comes with a new cookie unless he has one that names nobody.
    fn entrance(&self, asked: &Asked, status: u16, said: Option<&'static str>) -> Result<Answer, Failure> {
        let (cookie, is_new) = match &asked.visitor {
            Visitor::Before(cookie) => (cookie.clone(), false),
            Visitor::New | Visitor::Session(_) => (self.guard.new_cookie()?, true),
        };
        let about = self.about()?;
        let page = LogOnPage {
            frame: self.frame(asked.words, Some(&about)),
            said,
            takes_pin: about.takes_pin,
            takes_password: about.takes_password,
            secret: match (about.takes_pin, about.takes_password) {
                (true, true) => asked.words.pin_or_password,
                (false, true) => asked.words.password,
                _ => asked.words.pin,
            },
            takes_card: about.takes_card,
            card_needs_pin: about.card_needs_pin,
            closed: about.closed.as_ref().map(|closed| asked.words.station_is_closed(closed)),
            token: self.guard.token(&cookie),
        };
        let answer = Answer::page(status, &page);
        Ok(if is_new { answer.with(guard::set_cookie(&cookie, &asked.own)) } else { answer })
    }

    fn home(&self, asked: &Asked) -> Result<Answer, Failure> {
        let Visitor::Session(cookie) = &asked.visitor else { return self.entrance(asked, 200, None) };
        let touched = asked.query != "look";
        match self.link.ask(&StationRequest::Jobs { session: session_of(cookie), touched })? {
            StationReply::Jobs(jobs) => {
                let about = self.about()?;
                let list = self.list(asked, cookie, &about, &jobs);
                // From now on they are on their way to him.
                if !jobs.outcomes.is_empty() {
                    self.link.ask(&StationRequest::Shown { session: session_of(cookie), told: jobs.told })?;
                }
                Ok(list)
            }
            StationReply::NoSession => self.entrance(asked, 200, Some(asked.words.over)),
            _ => Err(unexpected()),
        }
    }

    fn list(&self, asked: &Asked, cookie: &str, about: &StationAbout, jobs: &StationJobs) -> Answer {
        let words = asked.words;
        let mut said: Vec<Said> = jobs.outcomes.iter().map(|outcome| outcome_of(words, outcome)).collect();
        for (server, answered) in &jobs.elsewhere.servers {
            if matches!(answered, Answered::No(_)) {
                said.push(Said { bad: true, text: put(words.silent, &[&server.to_string()]) });
            }
        }
        if jobs.elsewhere.only_here {
            said.push(Said { bad: false, text: words.only_here.to_owned() });
        }
        if jobs.page.purged > 0 {
            said.push(Said { bad: false, text: put(words.purged, &[&jobs.page.purged.to_string()]) });
        }
        let rows = rows_of(words, jobs);
        let others: Vec<Row> = jobs.page.others.iter().map(|job| row_of(words, jobs, job, true)).collect();
        let ends = jobs.idle_seconds + 1;
        let refresh = if rows.is_empty() && others.is_empty() { ends.min(EMPTY_LOOKS) } else { ends };
        let frame = Frame { refresh: Some(refresh), ..self.frame(words, Some(about)) };
        let who = put(words.logged_on_as, &[&escaped(&jobs.user)]);
        let token = self.guard.token(cookie);
        let balance = jobs.balance.as_ref().map(|text| put(words.balance, &[&escaped(text)]));
        Answer::page(200, &JobsPage { frame, token, who, balance, said, rows, others, more: jobs.more })
    }

    /// The cookie of a form whose token is right.
    fn own_form<'a>(&self, asked: &'a Asked) -> Option<&'a str> {
        asked.visitor.cookie().filter(|cookie| self.guard.is_his(cookie, asked.field("token")))
    }

    fn stale(&self, asked: &Asked) -> Result<Answer, Failure> {
        self.entrance(asked, 403, Some(asked.words.stale))
    }

    fn log_on(&self, asked: &Asked) -> Result<Answer, Failure> {
        if self.own_form(asked).is_none() {
            return self.stale(asked);
        }
        // Before the server is asked: whoever guesses closes the page for his own address alone.
        let Some(attempt) = self.attempts.begin(asked.from.address, asked.own.is_named(), Instant::now()) else {
            return self.entrance(asked, 429, Some(asked.words.busy));
        };
        let typed = Typed {
            user: asked.field("user").to_owned(),
            pin: Pin::new(asked.field("pin")),
            password: Password::new(asked.field("pin")),
            card: CardNumber::new(asked.field("card")),
        };
        match self.link.ask(&StationRequest::LogOn { typed, from: asked.from })? {
            StationReply::LoggedOn(session) => {
                // Whoever was logged on in this browser before is not any more.
                if let Visitor::Session(before) = &asked.visitor {
                    self.link.ask(&StationRequest::LogOff { session: session_of(before) })?;
                }
                Ok(Answer::to("/").with(guard::set_cookie(&format!("s{}", session.0), &asked.own)))
            }
            StationReply::Refused => {
                attempt.was_refused();
                let words = asked.words;
                let said = if self.about()?.takes_password { words.refused_password } else { words.refused };
                self.entrance(asked, 403, Some(said))
            }
            StationReply::Busy => self.entrance(asked, 429, Some(asked.words.busy)),
            StationReply::BankSilent => self.entrance(asked, 503, Some(asked.words.bank_silent)),
            StationReply::Closed => self.entrance(asked, 403, None),
            _ => Err(unexpected()),
        }
    }

    fn log_off(&self, asked: &Asked) -> Result<Answer, Failure> {
        let Some(cookie) = self.own_form(asked) else { return self.stale(asked) };
        if let Visitor::Session(_) = &asked.visitor {
            self.link.ask(&StationRequest::LogOff { session: session_of(cookie) })?;
        }
        self.entrance(asked, 200, Some(asked.words.over))
    }

    fn act(&self, asked: &Asked) -> Result<Answer, Failure> {
        let (Some(cookie), Visitor::Session(_)) = (self.own_form(asked), &asked.visitor) else {
            return self.stale(asked);
        };
        let session = session_of(cookie);
        let (one, chosen) = (asked.jobs("one"), asked.jobs("job"));
        let request = match (asked.field("do"), one.is_empty()) {
            (_, false) => StationRequest::Act { session, act: StationAct::Release, jobs: one },
            ("all", _) => StationRequest::ReleaseAll { session },
            ("release" | "delete" | "really-delete", _) if chosen.is_empty() => {
                return Ok(self.message(asked.words, 200, asked.words.choose_first.to_owned()));
            }
            ("release", _) => StationRequest::Act { session, act: StationAct::Release, jobs: chosen },
            ("really-delete", _) => StationRequest::Act { session, act: StationAct::Delete, jobs: chosen },
            ("delete", _) => return self.confirm(asked, cookie, &chosen),
            _ => return Ok(Answer::to("/")),
        };
        match self.link.ask(&request)? {
            StationReply::Done => Ok(Answer::to("/")),
            StationReply::NoSession => self.entrance(asked, 403, Some(asked.words.over)),
            _ => Err(unexpected()),
        }
    }

    fn confirm(&self, asked: &Asked, cookie: &str, chosen: &[GlobalJobId]) -> Result<Answer, Failure> {
        match self.link.ask(&StationRequest::Jobs { session: session_of(cookie), touched: true })? {
            StationReply::Jobs(jobs) => {
                let mut rows = rows_of(asked.words, &jobs);
                rows.retain(|row| chosen.iter().any(|job| job.to_string() == row.id));
                let frame =
                    Frame { refresh: Some(jobs.idle_seconds + 1), ..self.frame(asked.words, Some(&self.about()?)) };
                Ok(Answer::page(200, &ConfirmPage { frame, token: self.guard.token(cookie), rows }))
            }
            StationReply::NoSession => self.entrance(asked, 403, Some(asked.words.over)),
            _ => Err(unexpected()),
        }
    }
}

fn outcome_of(words: &Words, outcome: &StationOutcome) -> Said {
    let job = outcome.job.to_string();
    let title = escaped(outcome.title.as_deref().unwrap_or(&job));
    match (&outcome.result, outcome.act) {
        (Ok(Some(printer)), _) => Said { bad: false, text: put(words.prints, &[&title, printer]) },
        (Ok(None), _) => Said { bad: false, text: put(words.deleted, &[&title]) },
        (Err(why), _) => Said { bad: true, text: put(words.failed, &[&title, &escaped(&words.not_done(why))]) },
    }
}

fn rows_of(words: &Words, jobs: &StationJobs) -> Vec<Row> {
    let mut all: Vec<&HeldJob> = jobs.page.rows.iter().chain(&jobs.elsewhere.rows).collect();
    all.sort_by_key(|job| job.submitted_ms);
    all.into_iter().map(|job| row_of(words, jobs, job, job.delegated)).collect()
}

/// `of_other`: whose it is is said.
fn row_of(words: &Words, jobs: &StationJobs, job: &HeldJob, of_other: bool) -> Row {
    Row {
        id: job.global.to_string(),
        title: escaped(&job.name),
        of: of_other.then(|| put(words.of, &[&escaped(&job.owner)])),
        pages: job.pages.map_or_else(|| "–".to_owned(), |pages| pages.to_string()),
        left: left(job.expires_ms, jobs.now_ms),
        standing: escaped(&words.standing(job)),
        here: job.is_releasable_here(),
    }
}
