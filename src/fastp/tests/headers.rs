//! Header pages on their way to a device.

use crate::fastp::fake::Fake;
use crate::model::device::Exclusive;
use crate::model::job::Format;
use crate::model::separation::{HeaderPages, StartFf};
use crate::spool::interface::engine::FilePosition;

/// The sheets of an output, and whether each is a header page.
fn sheets(path: &std::path::Path) -> Vec<(bool, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    text.split('\x0c').map(|sheet| (sheet.contains("\r\n  REPORT    "), sheet.to_owned())).collect()
}

#[test]
fn each_text_job_has_one_header_page_whatever_its_documents_and_copies() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.state().printers[lp].settings.header = HeaderPages::On;
    let mut twice = fake.document(b"twice\n", Format::Text);
    twice.copies = 2;
    let other = fake.document(b"\x0cother\n", Format::Text);
    fake.submit(lp, vec![twice, other]);
    fake.text(lp, "\x0cown\n");
    fake.text(lp, "");
    fake.run();
    let sheets = sheets(&path);
    let texts: Vec<&str> = sheets.iter().filter(|sheet| !sheet.0).map(|sheet| sheet.1.as_str()).collect();
    assert_eq!(texts, ["twice\n", "twice\n", "other\n", "own\n"]);
    assert_eq!(sheets.iter().map(|sheet| sheet.0).collect::<Vec<_>>(), [true, false, false, false, true, false]);
    assert!(sheets[4].1.contains("  REPORT    job 2\r\n  LOCATION  #OFFICE.FRONT\r\n  OWNER     ann\r\n"));
    assert!(sheets[4].1.contains("  JOB       2\r\n  PRINTED   "));
    assert_eq!(fake.state().count("omitted"), 0, "an empty job has nothing to be headed");
}

#[test]
fn a_stream_passes_untouched_and_the_omission_is_on_record() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    {
        let settings = &mut fake.state().printers[lp].settings;
        (settings.header, settings.startff, settings.endff) = (HeaderPages::Batch, StartFf::On, true);
    }
    let pdf = fake.document(b"%PDF-1.7 \x0c", Format::Pdf);
    fake.submit(lp, vec![pdf]);
    let both = vec![fake.document(b"text", Format::Text), fake.document(b"%!PS", Format::PostScript)];
    fake.submit(lp, both);
    fake.run();
    let printed = std::fs::read_to_string(&path).unwrap();
    assert!(printed.starts_with("%PDF-1.7 \x0c\r\n") && printed.ends_with("\x0ctext%!PS"), "{printed}");
    let state = fake.state();
    assert_eq!(state.count("header page omitted: the document is pdf"), 1);
    assert_eq!(state.count("trailer pages omitted: document 2 is postscript"), 1);
}

/// What a dead attempt left is recognised although the name was altered and time has passed since; the new page says
/// what holds now.
#[test]
fn an_attempt_that_died_after_its_header_page_is_taken_back_with_it() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.state().printers[lp].settings.header = HeaderPages::On;
    fake.text(lp, "one\n");
    fake.run();
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 1, 100, whole.len() - 3, whole.len()] {
        let fake = Fake::new();
        let (uri, path) = fake.output();
        let lp = fake.device(&uri, Exclusive::Off);
        fake.text(lp, "one\n");
        let identity = {
            std::fs::write(&path, [b"before\n", &whole[..cut]].concat()).unwrap();
            crate::sys::files::identity(&std::fs::File::open(&path).unwrap()).unwrap()
        };
        {
            let mut state = fake.state();
            let claim = &mut state.printers[lp].queue[0];
            claim.begun = Some(FilePosition { dev: identity.dev, ino: identity.ino, offset: 7 });
            let mut separation = crate::model::separation::Separation {
                header: HeaderPages::On,
                columns: 132,
                lines: 66,
                ..Default::default()
            };
            let printed = String::from_utf8(whole.clone()).unwrap();
            let printed = printed.lines().find_map(|line| line.strip_prefix("  PRINTED   ")).unwrap().to_owned();
            separation.text.report = claim.name.clone();
            separation.text.location = claim.location.clone();
            separation.text.owner = claim.owner.clone();
            separation.text.job = 1;
            separation.text.printed = printed;
            claim.begun_separation = Some(separation);
            claim.name = "renamed".into();
            state.printers[lp].settings.header = HeaderPages::On;
            state.printers[lp].settings.width = 80;
        }
        fake.run();
        let sheets = sheets(&path);
        assert_eq!(sheets.len(), 2, "{cut}: {sheets:#?}");
        assert!(sheets[0].1.starts_with("before\n\r\n") && sheets[0].1.contains("  REPORT    renamed\r\n"), "{cut}");
        assert_eq!(sheets[1].1, "one\n");
        assert_eq!(fake.state().count("possible-duplicate"), 0, "{cut}");
    }
}
