//! Mail, through the mail program of the machine. It is no shell that reads the address, and the address is one that cannot be
//! an option; a header is made of nothing but what was checked.

use crate::model::notification::{Delivery, MAIL_NUMBER, MAIL_SUBJECT, Try};
use crate::spool::Spool;
use crate::sys::spawn::{Ended, run_bounded};

use super::Settings;

/// The line above the message.
const RULE: &str = "****************************************************************";

/// Statuses of mail programs that mean *never* (sysexits.h): usage, data, no such user, no such host, no permission, bad
/// configuration.
const NEVER: [i32; 6] = [64, 65, 67, 68, 77, 78];

pub(super) fn send(spool: &Spool, settings: &Settings, one: &Delivery) -> Try {
    let mail = text(spool.server().as_str(), one);
    // -i: a line with a dot alone ends nothing. --: what follows is no option.
    let args = ["-i", "--", &one.address];
    let env = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C.UTF-8")];
    let shown = settings.sendmail.display();
    match run_bounded(&settings.sendmail, &args, &env, mail.as_bytes(), settings.deadline) {
        Ok(Ended::Status(0)) => Try::Delivered,
        Ok(Ended::Status(status)) if NEVER.contains(&status) => {
            Try::Never(format!("{shown} refused it (status {status})"))
        }
        Ok(Ended::Status(status)) => Try::Again(format!("{shown} failed (status {status})")),
        Ok(Ended::Signal(signal)) => Try::Again(format!("{shown} was ended by signal {signal}")),
        Ok(Ended::Late) => Try::Again(format!("{shown} did not end within {} s", settings.deadline.as_secs())),
        Err(error) => Try::Again(format!("{shown} cannot be started: {error}")),
    }
}

/// The mail as it is handed over. The message is one line without control characters, whatever was in a title.
fn text(server: &str, one: &Delivery) -> String {
    let at = jiff::Timestamp::from_millisecond(one.at_ms).unwrap_or_default();
    let at = at.to_zoned(crate::sys::clock::zone(None)).strftime("%m/%d/%y %H:%M:%S");
    format!(
        "To: {}\nSubject: {MAIL_NUMBER} {}\nAuto-Submitted: auto-generated\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\
         X-Spool-Event: {} {}\nX-Spool-Object: {}\n\n{RULE}\n[{at}] {}\n",
        one.address,
        MAIL_SUBJECT.replace("____", server),
        one.number,
        one.event,
        one.about.chars().filter(|c| matches!(c, ' '..='~')).collect::<String>(),
        one.text
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notification::Method;

    #[test]
    fn a_mail_has_its_headers_and_one_line_of_text() {
        let one = Delivery {
            id: 1,
            uid: 0,
            set_by: 0,
            method: Method::Mail,
            address: "ann@h1".into(),
            event: "job-completed".into(),
            number: "5010-280".into(),
            text: "5010-280 Printed: report7, Job 4 (1234500007).".into(),
            at_ms: 0,
            about: "acme1:1234500007\u{202e}".into(),
            age_ms: 0,
            tries: 0,
        };
        let mail = text("acme1", &one);
        let (head, body) = mail.split_once("\n\n").unwrap();
        assert!(head.starts_with("To: ann@h1\nSubject: 5010-192 Message from print server: acme1\n"), "{head}");
        assert!(head.ends_with("X-Spool-Event: 5010-280 job-completed\nX-Spool-Object: acme1:1234500007"), "{head}");
        assert!(
            body.starts_with("****") && body.ends_with("] 5010-280 Printed: report7, Job 4 (1234500007).\n"),
            "{body}"
        );
    }
}
