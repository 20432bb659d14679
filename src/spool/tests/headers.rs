//! What the spool keeps and hands out for header pages and form feeds.

use crate::model::FailureKind;
use crate::model::device::{DeviceChange, DeviceSettings};
use crate::model::separation::{HeaderPages, HeaderText, Layout, PjlHead, Separation, StartFf};
use crate::spool::interface::engine::{AttemptEnd, Engine, FilePosition, Paper};
use crate::spool::interface::records::EventSubject;

use super::{Site, sent};

#[test]
fn the_settings_are_kept_and_header_is_on_unless_told() {
    let site = Site::new();
    site.device("LP1", "#A.B", Vec::new());
    let shown = |name: &str| site.spool.device(&site.call(), &name.parse().unwrap()).unwrap().settings;
    let plain = shown("LP1");
    assert_eq!((plain.header, plain.startff, plain.endff, plain.width), (HeaderPages::On, StartFf::Off, false, -1));
    for header in HeaderPages::ALL {
        for startff in StartFf::ALL {
            let name = format!("LP.{}.{}", header.word(), startff.word().replace(" !", "-each"));
            let changes = vec![
                DeviceChange::Header(header),
                DeviceChange::StartFf(startff),
                DeviceChange::EndFf(true),
                DeviceChange::Width(80),
            ];
            site.device(&name, "#A.B", changes);
            let kept = shown(&name);
            assert_eq!(kept, DeviceSettings { header, startff, endff: true, width: 80, ..plain.clone() });
        }
    }
}

#[test]
fn a_width_that_is_none_is_refused() {
    let site = Site::new();
    for bad in [0, -2, 32768, i32::MIN] {
        let change = vec![DeviceChange::Width(bad)];
        let refused = site.spool.change_device(&site.call(), "LP1".parse().unwrap(), change).unwrap_err();
        assert_eq!(refused.kind, FailureKind::BadValue, "{bad}");
    }
}

#[test]
fn a_claim_carries_what_the_header_page_says() {
    let site = Site::new();
    let lp = site.device("LP1", "#Office.Front", vec![DeviceChange::Form("A4".into())]);
    let lease = site.begins();
    site.job_with("#office.front", 1, |job| (job.name, job.form) = ("Figures".into(), "a4".into()));
    site.job_with("#office", 1, |job| job.form = "A4".into());
    let first = site.claim(&lease, lp).unwrap();
    assert_eq!((first.name.as_str(), first.location.as_str(), first.form.as_str()), ("Figures", "#Office.Front", "a4"));
    assert_eq!(first.owner, site.caller.user);
    let second = site.ends(&lease, &first, sent()).unwrap();
    assert_eq!(second.location, "#Office", "sent to the whole group");
}

#[test]
fn how_an_attempt_set_its_job_apart_outlives_the_process() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![site.file()]);
    let dead = site.begins();
    site.job("a.b", 5);
    let claim = site.claim(&dead, lp).unwrap();
    assert_eq!(claim.begun_separation, None);
    let separation = Separation {
        header: HeaderPages::Batch,
        startff: StartFf::Swallow,
        endff: true,
        columns: 80,
        lines: 72,
        text: HeaderText { report: "\u{1b}\"é".into(), job: 1, ..HeaderText::default() },
        layout: Layout { eol_crlf: true, columns: Some(80), cut: true, page_lines: Some(72) },
        raw: false,
        font_first: false,
        continues: false,
        continued: true,
        pjl: vec![PjlHead { document: 1, lines: vec!["SET DUPLEX=ON".into()] }],
    };
    let position = FilePosition { dev: 1, ino: 7, offset: 42 };
    site.spool.attempt_begins(&dead, &claim, &position, &separation, &site.now()).unwrap();
    let lease = site.begins();
    let again = site.claim(&lease, lp).unwrap();
    assert_eq!((again.begun, again.begun_separation), (Some(position), Some(separation)));
}

#[test]
fn a_remark_is_recorded_once_although_the_job_came_back() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    let job = site.job("a.b", 5);
    let said = "header page omitted: the document is pdf";
    let end = |delivery| AttemptEnd::Delivered { delivery, octets: 5, paper: Paper::Stream, remark: Some(said.into()) };
    let claim = site.claim(&lease, lp).unwrap();
    assert!(site.ends(&lease, &claim, end(crate::model::state::Delivery::Transferred)).is_none());
    let reset = crate::spool::interface::engine::Outcome::Reset { why: "reset".into() };
    site.spool.settle_transferred(&lease, lp, reset, &site.now()).unwrap();
    let claim = site.claim(&lease, lp).unwrap();
    site.ends(&lease, &claim, end(crate::model::state::Delivery::Transferred));
    let subject = EventSubject::Job(super::reference(job));
    let events = site.spool.events(&site.call(), &subject, 0).unwrap();
    assert_eq!(events.iter().filter(|event| event.why == said).count(), 1);
}
