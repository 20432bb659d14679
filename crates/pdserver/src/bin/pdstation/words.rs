//! The words of the page, in one table: one line for each of them, one column for each language.
//!
//! `{0}` and `{1}` stand for what is put in. A language is one more column; the test below finds a hole in it.

use spoolsuite::model::hours::{Closed, Opening};
use spoolsuite::model::secure::{HeldJob, PrinterTrouble, ReleaseState, Verdict, word_of};
use spoolsuite::model::state::HoldReason;
use spoolsuite::model::station::{NotDone, Trouble};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $english:literal, $german:literal;)+) => {
        /// The words of one language.
        #[derive(Debug)]
        pub struct Words { $($(#[$doc])* pub $name: &'static str,)+ }

        /// English.
        static ENGLISH: Words = Words { $($name: $english,)+ };
        /// German.
        static GERMAN: Words = Words { $($name: $german,)+ };

        #[cfg(test)]
        const NAMES: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $german),)+];
    };
}

words! {
    /// The tag of the language.
    tag: "en", "de";
    /// What the language calls itself.
    language: "English", "Deutsch";
    /// The heading of the page.
    station: "Printing at {0}", "Drucken an {0}";
    /// The field for the name.
    user: "Name", "Name";
    /// The field for the PIN.
    pin: "PIN", "PIN";
    /// The field for the password of an account.
    password: "Password", "Passwort";
    /// The field for either.
    pin_or_password: "PIN or password", "PIN oder Passwort";
    /// The field for the card.
    card: "Card", "Karte";
    /// Whoever knows who may log on does not answer.
    bank_silent: "Nobody can be let in now: whoever knows the users does not answer. Please tell an operator.",
        "Gerade kann niemand angemeldet werden: Die Stelle, die die Benutzer kennt, antwortet nicht. Bitte der Betreuung melden.";
    /// What he has left.
    balance: "Balance: {0}", "Guthaben: {0}";
    /// There is not enough to pay for it.
    over_limit: "not printed: your balance is not enough for it", "nicht gedruckt: Ihr Guthaben reicht dafür nicht";
    /// Whoever takes the money does not answer.
    no_bank: "not printed: whoever keeps the balances does not answer; nothing was taken",
        "nicht gedruckt: Die Stelle, die die Guthaben führt, antwortet nicht; es wurde nichts abgebucht";
    /// The button that lets somebody in.
    log_on: "Log on", "Anmelden";
    /// The button that lets him out.
    log_off: "Log off", "Abmelden";
    /// Who is logged on.
    logged_on_as: "Logged on as {0}", "Angemeldet als {0}";
    /// The answer to a name or a PIN that is wrong, whichever it is.
    refused: "The name, the card or the PIN is wrong. After five wrong PINs a name is refused for a minute or longer.",
        "Name, Karte oder PIN ist falsch. Nach fünf falschen PINs wird ein Name für eine Minute oder länger abgewiesen.";
    /// The same where a password may be what is wrong.
    refused_password: "The name, the card, the PIN or the password is wrong. After five wrong ones a name is refused for a minute or longer.",
        "Name, Karte, PIN oder Passwort ist falsch. Nach fünf falschen wird ein Name für eine Minute oder länger abgewiesen.";
    /// Too many tried.
    busy: "Too many wrong attempts were made here. Please wait a minute.",
        "Hier gab es zu viele Fehlversuche. Bitte eine Minute warten.";
    /// He was logged off.
    over: "You are logged off.", "Sie sind abgemeldet.";
    /// A form that is too old, or of somebody else.
    stale: "This page was too old, or cookies are off. Nothing was done; please try again.",
        "Diese Seite war zu alt, oder Cookies sind ausgeschaltet. Es ist nichts geschehen; bitte noch einmal.";
    /// A station without PINs.
    no_pin: "Nobody can log on here: this station takes no PIN and no card.", "Hier kann sich niemand anmelden: Diese Station nimmt weder PIN noch Karte.";
    /// A page that is not there.
    not_found: "There is no such page.", "Diese Seite gibt es nicht.";
    /// The way back.
    back: "Back to the start", "Zum Anfang";
    /// The server does not do it.
    trouble: "This is not possible now: {0}", "Das geht jetzt nicht: {0}";
    /// It is not allowed.
    not_allowed: "it is not allowed", "es ist nicht erlaubt";
    /// There is no room.
    full: "the print server has no room", "der Druckserver hat keinen Platz mehr";
    /// A server is silent.
    no_answer: "the print server does not answer; please try again", "der Druckserver antwortet nicht; bitte noch einmal versuchen";
    /// Something of the station is gone, or it lets nobody in.
    closed: "this station, or its printer, cannot do it now", "diese Station oder ihr Drucker kann es gerade nicht";
    /// Something is broken.
    broken: "something is broken; please tell an operator", "etwas ist defekt; bitte der Betreuung melden";
    /// The queue of a job is paused.
    queue_paused: "queue {0} is paused", "Warteschlange {0} ist angehalten";
    /// The server prints nothing.
    stopped: "the print server is being stopped", "der Druckserver wird gerade angehalten";
    /// The server of a job does not give it.
    not_given: "server {0} does not give it now", "Server {0} gibt ihn gerade nicht her";
    /// Jobs of his were removed.
    purged: "{0} of your jobs were removed within a day, because nobody released them in time.",
        "{0} Ihrer Aufträge wurden innerhalb eines Tages gelöscht, weil sie nicht rechtzeitig freigegeben wurden.";
    /// The heading of jobs of others.
    jobs_of_others: "Jobs of others", "Aufträge anderer";
    /// What is said above them.
    about_others: "This station shows the jobs of all users. Whoever prints one is on record.",
        "Diese Station zeigt die Aufträge aller. Wer einen druckt, wird festgehalten.";
    /// The heading of the list.
    your_jobs: "Your print jobs", "Ihre Druckaufträge";
    /// An empty list.
    nothing: "No job of yours waits for its release. One that arrives now appears here by itself.",
        "Es wartet kein Auftrag von Ihnen. Ein Auftrag, der jetzt ankommt, erscheint hier von selbst.";
    /// A list that was cut.
    more: "There are more jobs than fit on this page. They follow when these are gone.",
        "Es gibt mehr Aufträge, als auf diese Seite passen. Sie folgen, wenn diese erledigt sind.";
    /// The column of check boxes.
    choose: "Choose", "Wählen";
    /// The column of titles.
    title: "Document", "Dokument";
    /// The column of pages.
    pages: "Pages", "Seiten";
    /// The column of what is left.
    left: "Time left", "Noch";
    /// The column of verdicts.
    state: "Here?", "Hier?";
    /// Whose job it is.
    of: "of {0}", "von {0}";
    /// The button of one job.
    print: "Print", "Drucken";
    /// The button for what is chosen.
    print_chosen: "Print what is chosen", "Gewählte drucken";
    /// The button for everything.
    print_all: "Print all", "Alle drucken";
    /// The button that removes.
    delete: "Delete what is chosen", "Gewählte löschen";
    /// The button that looks again.
    look: "Look again", "Neu laden";
    /// Nothing was chosen.
    choose_first: "Choose a job first.", "Bitte zuerst einen Auftrag wählen.";
    /// The question before something is removed.
    really: "Delete these jobs? They are not printed, and are gone.",
        "Diese Aufträge löschen? Sie werden nicht gedruckt und sind dann fort.";
    /// Yes.
    yes_delete: "Delete", "Löschen";
    /// No.
    no_keep: "Keep them", "Behalten";
    /// A job was released.
    prints: "{0}: prints on {1}", "{0}: wird auf {1} gedruckt";
    /// A job was removed.
    deleted: "{0}: deleted", "{0}: gelöscht";
    /// Nothing was done with a job.
    failed: "{0}: {1}", "{0}: {1}";
    /// A job for which there was no time.
    not_tried: "not tried: it would have taken too long; please choose it again",
        "nicht versucht: Es hätte zu lange gedauert; bitte noch einmal wählen";
    /// A job that he does not have.
    gone: "there is no such job of yours any more", "diesen Auftrag von Ihnen gibt es nicht mehr";
    /// A server that does not answer.
    silent: "Server {0} does not answer: jobs that it holds are not listed.",
        "Server {0} antwortet nicht: Aufträge, die er hat, fehlen in der Liste.";
    /// Nobody else was asked.
    only_here: "Jobs that other servers hold are not shown at this station.",
        "Aufträge anderer Server zeigt diese Station nicht.";
    /// It can be released here.
    here: "releasable here ({0})", "hier druckbar ({0})";
    /// Before what a printer says.
    printed_already: "printed already; ", "schon gedruckt; ";
    /// The same of a job of which nobody knows.
    may_have_printed: "may have printed; ", "vielleicht schon gedruckt; ";
    /// It was released.
    released: "released, waits at {0}", "freigegeben, wartet an {0}";
    /// It prints.
    printing: "prints on {0}", "druckt auf {0}";
    /// Another server has begun it.
    begun: "begun on {0}, may have printed", "begonnen auf {0}, vielleicht schon gedruckt";
    /// Its time is over.
    expired: "expired", "abgelaufen";
    /// Something else holds it.
    kept_back: "kept back: {0}", "zurückgehalten: {0}";
    /// The same without a reason.
    paused: "paused, or still arriving", "angehalten, oder noch unterwegs";
    /// A station without printers.
    no_printers: "this station has no printers", "diese Station hat keine Drucker";
    /// No queue of the printer is compatible.
    incompatible: "not here, because queue {0} is not compatible with queue {1}",
        "nicht hier, denn Warteschlange {0} passt nicht zu {1}";
    /// One of the two names the other.
    one_way: "not here, because only one of queue {0} and queue {1} names the other as compatible",
        "nicht hier, denn nur eine der Warteschlangen {0} und {1} nennt die andere";
    /// No queue leads to the printer.
    no_queue: "not here, because no queue leads to this printer", "nicht hier, denn zu diesem Drucker führt keine Warteschlange";
    /// What the printer does not accept.
    attributes: "not here, because the printer does not accept {0}", "nicht hier, denn der Drucker kann nicht: {0}";
    /// The printer takes nothing now.
    not_now: "not now, because the printer {0}", "jetzt nicht, denn der Drucker {0}";
    /// A printer that is stopped.
    is_offline: "is offline", "ist abgeschaltet";
    /// One that is suspended.
    is_suspended: "is suspended", "ist angehalten";
    /// One that has failed.
    is_in_error: "is in error", "hat eine Störung";
    /// One whose print process has failed.
    process_in_error: "cannot print: its print process is in error", "kann nicht drucken: Sein Druckprozess hat eine Störung";
    /// One that is being stopped.
    is_stopping: "is being stopped", "wird gerade abgeschaltet";
    /// One that takes nothing.
    is_stalled: "takes nothing of the job that it prints: it may be jammed or without paper",
        "nimmt nichts mehr an: vielleicht Papierstau oder kein Papier";
    /// Held by somebody.
    held_set: "held by its owner or an operator", "vom Besitzer oder der Betreuung angehalten";
    /// Held until a time.
    held_time: "waits for its print-after time", "wartet auf seine Druckzeit";
    /// Something is not there.
    held_resources: "needs something that is not ready", "braucht etwas, das nicht bereit ist";
    /// It waits for its owner.
    held_secure: "waits for its release", "wartet auf seine Freigabe";
    /// It failed.
    held_failed: "its document could not be printed", "das Dokument ließ sich nicht drucken";
    /// The file is another one.
    held_changed: "its linked document is another file now", "das verknüpfte Dokument ist jetzt eine andere Datei";
    /// The file is damaged.
    held_corrupt: "its document is damaged", "das Dokument ist beschädigt";
    /// The writer died.
    held_writer: "its writer ended before the job was complete", "das schreibende Programm endete, bevor der Auftrag vollständig war";
    /// From a backup.
    held_restored: "it was restored from a backup and may have been printed since",
        "aus einer Sicherung wiederhergestellt, vielleicht seither schon gedruckt";
    /// Nobody knows.
    held_uncertain: "it may have printed", "vielleicht schon gedruckt";
    /// Its device failed at it.
    held_set_aside: "its device failed at it too often", "der Drucker ist zu oft daran gescheitert";
    /// Its file is elsewhere.
    held_unreachable: "its print file lies at another server, which does not give it",
        "die Druckdatei liegt auf einem anderen Server, der sie nicht hergibt";
    /// Nothing supports it.
    held_unsupported: "asks for something that its destination does not support", "verlangt etwas, das sein Ziel nicht kann";
    /// The station is closed, and nobody can say until when.
    station_closed: "This station is closed.", "Diese Station ist geschlossen.";
    /// The station is closed until then.
    station_closed_until: "This station is closed until {0}.", "Diese Station ist bis {0} geschlossen.";
    /// The same of a job.
    not_now_closed: "not now, because the station is closed", "jetzt nicht, denn die Station ist geschlossen";
    /// The same with the time.
    not_now_closed_until: "not now, because the station is closed until {0}", "jetzt nicht, denn die Station ist bis {0} geschlossen";
    /// A time of today.
    clock: "{0}", "{0} Uhr";
    /// A time of another day.
    day_and_clock: "{0}, {1}", "{0}, {1} Uhr";
    /// The days of the week, Monday first.
    weekdays: "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag";
    /// There is no such printer.
    no_printer: "not here, because there is no such printer", "nicht hier, denn diesen Drucker gibt es nicht";
}

/// All languages. The first one is that of whoever asks for none of them.
pub static LANGUAGES: [&Words; 2] = [&ENGLISH, &GERMAN];

/// Puts values into a text.
pub fn put(text: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(text.len() + values.iter().map(|value| value.len()).sum::<usize>());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (place, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(place.parse::<usize>().ok().and_then(|n| values.get(n)).copied().unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The language of that tag.
pub fn of_tag(tag: &str) -> Option<&'static Words> {
    LANGUAGES.into_iter().find(|words| words.tag.eq_ignore_ascii_case(tag))
}

/// The first language of an `Accept-Language` that we have.
pub fn accepted(header: &str) -> &'static Words {
    let tags = header.split(',').take(32).map(|one| one.split([';', '-']).next().unwrap_or_default().trim());
    tags.into_iter().find_map(of_tag).unwrap_or(LANGUAGES[0])
}

/// Says how long is left until `at_ms`, in words that need no language.
pub fn left(at_ms: Option<i64>, now_ms: i64) -> String {
    let Some(at_ms) = at_ms else { return "–".to_owned() };
    let minutes = at_ms.saturating_sub(now_ms).max(0) / 60_000;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "< 1 min".to_owned(),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

impl Words {
    /// Says why nothing was done with a job.
    pub fn not_done(&self, why: &NotDone) -> String {
        match why {
            NotDone::NotTried => self.not_tried.to_owned(),
            NotDone::Gone => self.gone.to_owned(),
            NotDone::Stands(job) => self.standing(job),
            NotDone::Paused(queue) => put(self.queue_paused, &[queue]),
            NotDone::Stopped => self.stopped.to_owned(),
            NotDone::OverLimit => self.over_limit.to_owned(),
            NotDone::BankSilent => self.no_bank.to_owned(),
            NotDone::Silent(server) => put(self.not_given, &[server]),
            NotDone::Other(trouble) => self.trouble_of(*trouble).to_owned(),
        }
    }

    /// Says why the server did not do something.
    pub fn trouble_of(&self, trouble: Trouble) -> &'static str {
        match trouble {
            Trouble::NotAllowed => self.not_allowed,
            Trouble::Full => self.full,
            Trouble::Silent => self.no_answer,
            Trouble::Closed => self.closed,
            Trouble::Broken => self.broken,
        }
    }

    /// Says when a station opens.
    fn opening(&self, opening: &Opening) -> String {
        let clock = opening.clock();
        if opening.days_ahead == 0 {
            return put(self.clock, &[&clock]);
        }
        let weekday = self.weekdays.split(' ').nth(usize::from(opening.weekday).wrapping_sub(1)).unwrap_or_default();
        let day = match opening.days_ahead {
            ..7 => weekday.to_owned(),
            _ => format!("{weekday} {}.{}.", opening.day, opening.month),
        };
        put(self.day_and_clock, &[&day, &clock])
    }

    /// Says that a station is closed.
    pub fn station_is_closed(&self, closed: &Closed) -> String {
        match &closed.opens {
            Some(opening) => put(self.station_closed_until, &[&self.opening(opening)]),
            None => self.station_closed.to_owned(),
        }
    }

    fn of_printer(&self, trouble: &PrinterTrouble) -> &'static str {
        match trouble {
            PrinterTrouble::StationClosed(_) => self.station_closed,
            PrinterTrouble::Offline(_) => self.is_offline,
            PrinterTrouble::Suspended => self.is_suspended,
            PrinterTrouble::InError(_) => self.is_in_error,
            PrinterTrouble::ProcessInError => self.process_in_error,
            PrinterTrouble::Stopping => self.is_stopping,
            PrinterTrouble::Stalled => self.is_stalled,
        }
    }

    fn held(&self, reason: HoldReason) -> &'static str {
        match reason {
            HoldReason::Operator => self.held_set,
            HoldReason::PrintAfter => self.held_time,
            HoldReason::Resources => self.held_resources,
            HoldReason::SecureRelease => self.held_secure,
            HoldReason::Failed => self.held_failed,
            HoldReason::Changed => self.held_changed,
            HoldReason::Corrupt => self.held_corrupt,
            HoldReason::WriterDied => self.held_writer,
            HoldReason::Restored => self.held_restored,
            HoldReason::MayHavePrinted => self.held_uncertain,
            HoldReason::SetAside => self.held_set_aside,
            HoldReason::Unreachable => self.held_unreachable,
            HoldReason::Unsupported => self.held_unsupported,
        }
    }

    /// Says how a job stands for whoever is at the station.
    pub fn standing(&self, job: &HeldJob) -> String {
        let printer = job.printer.as_deref().unwrap_or("–");
        let before = match job.state {
            ReleaseState::Released => return put(self.released, &[printer]),
            ReleaseState::Printing => return put(self.printing, &[printer]),
            ReleaseState::Begun => return put(self.begun, &[printer]),
            ReleaseState::Expired => return self.expired.to_owned(),
            ReleaseState::Blocked => {
                let others = job.reasons.iter().filter(|reason| *reason != HoldReason::SecureRelease);
                let words: Vec<&str> = others.map(|reason| self.held(reason)).collect();
                return match words.is_empty() {
                    true => self.paused.to_owned(),
                    false => put(self.kept_back, &[&words.join("; ")]),
                };
            }
            ReleaseState::Waiting => "",
            ReleaseState::Kept => self.printed_already,
            ReleaseState::MayHavePrinted => self.may_have_printed,
        };
        let here: Vec<String> =
            job.verdicts.iter().filter(|one| one.verdict.is_here()).map(|one| one.printer.to_string()).collect();
        if !here.is_empty() {
            return format!("{before}{}", put(self.here, &[&here.join(", ")]));
        }
        let why: Vec<String> =
            job.verdicts.iter().map(|one| format!("{}: {}", one.printer, self.verdict(&one.verdict))).collect();
        format!("{before}{}", if why.is_empty() { self.no_printers.to_owned() } else { why.join("; ") })
    }

    fn verdict(&self, verdict: &Verdict) -> String {
        match verdict {
            Verdict::Here => String::new(),
            Verdict::Incompatible { printer, .. } if printer.is_empty() => self.no_queue.to_owned(),
            Verdict::Incompatible { queue, printer, one_way } => {
                put(if *one_way { self.one_way } else { self.incompatible }, &[queue, &printer.join(", ")])
            }
            Verdict::Attributes(missing) => {
                let words: Vec<String> = missing.iter().map(|token| word_of(token)).collect();
                put(self.attributes, &[&words.join(", ")])
            }
            Verdict::Trouble(why) => put(self.not_now, &[self.of_printer(why)]),
            Verdict::StationClosed(closed) => match &closed.opens {
                Some(opening) => put(self.not_now_closed_until, &[&self.opening(opening)]),
                None => self.not_now_closed.to_owned(),
            },
            Verdict::NoPrinter => self.no_printer.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_each_word_with_the_same_places() {
        let places = |text: &str| (0..3).filter(|n| text.contains(&format!("{{{n}}}"))).collect::<Vec<_>>();
        for (name, english, german) in NAMES {
            assert!(!english.is_empty() && !german.is_empty(), "{name}");
            assert_eq!(places(english), places(german), "{name}");
        }
    }

    #[test]
    fn why_nothing_was_done_is_said_in_each_language() {
        let typed = [
            NotDone::NotTried,
            NotDone::Gone,
            NotDone::Paused("q".into()),
            NotDone::Stopped,
            NotDone::Silent("s".into()),
        ];
        for why in typed.into_iter().chain(Trouble::ALL.map(NotDone::Other)) {
            let said = LANGUAGES.map(|words| words.not_done(&why));
            assert_ne!(said[0], said[1]);
        }
    }

    #[test]
    fn why_a_printer_takes_nothing_and_what_holds_a_job_is_said_in_each_language() {
        let reasons = spoolsuite::model::state::HoldReasons(u32::MAX);
        for reason in reasons.iter() {
            let said = LANGUAGES.map(|words| words.held(reason));
            assert_ne!(said[0], said[1], "{reason:?}");
        }
        let text = || "66 what the device says".to_owned();
        for trouble in [
            PrinterTrouble::Offline(text()),
            PrinterTrouble::Suspended,
            PrinterTrouble::InError(text()),
            PrinterTrouble::ProcessInError,
            PrinterTrouble::Stopping,
            PrinterTrouble::Stalled,
        ] {
            let said = LANGUAGES.map(|words| words.verdict(&Verdict::Trouble(trouble.clone())));
            assert!(said[0] != said[1] && !said.concat().contains("66"), "{said:?}");
        }
    }

    #[test]
    fn when_a_closed_station_opens_is_said_in_each_language() {
        let at = |days_ahead, weekday| {
            let opens = Some(Opening { days_ahead, weekday, day: 7, month: 12, hour: 8, minute: 0 });
            LANGUAGES.map(|words| words.station_is_closed(&Closed { opens }))
        };
        let until = |english: &str, german: &str| {
            [format!("This station is closed until {english}."), format!("Diese Station ist bis {german} geschlossen.")]
        };
        assert_eq!(at(0, 1), until("08:00", "08:00 Uhr"));
        assert_eq!(at(2, 3), until("Wednesday, 08:00", "Mittwoch, 08:00 Uhr"));
        assert_eq!(at(7, 1), until("Monday 7.12., 08:00", "Montag 7.12., 08:00 Uhr"));
        let closed = Closed { opens: None };
        let said = LANGUAGES.map(|words| words.verdict(&Verdict::StationClosed(closed)));
        assert_ne!(said[0], said[1]);
    }

    #[test]
    fn values_are_put_in_and_are_no_texts_themselves() {
        assert_eq!(put("{0}: prints on {1}", &["{1}", "hall"]), "{1}: prints on hall");
        assert_eq!(put("a { b", &[]), "a ");
    }

    #[test]
    fn the_first_language_that_we_have_is_taken() {
        assert_eq!(accepted("fr-FR, de;q=0.8, en;q=0.5").tag, "de");
        assert_eq!(accepted("en-GB,de").tag, "en");
        assert_eq!(accepted("fr").tag, "en");
    }

    #[test]
    fn what_is_left_is_never_said_to_be_longer_than_it_is() {
        assert_eq!(left(Some(7_199_000), 0), "1 h 59 min");
        assert_eq!(left(Some(59_000), 0), "< 1 min");
        assert_eq!(left(Some(-1), 0), "< 1 min");
        assert_eq!(left(None, 0), "–");
    }
}
