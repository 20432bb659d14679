//! ALIGN, SKIP and SKIPTO: what an operator asks of a device at work.

use std::io::Read;
use std::time::Duration;

use super::sockets::{accept, listen, printer, read};
use crate::fastp::fake::Fake;
use crate::model::device::{DeviceSettings, Exclusive};
use crate::model::request::DeviceRequest;
use crate::model::state::{Delivery, DeviceWish};

/// Pages of lines of their own: more than what a printer that reads nothing takes.
fn pages(count: usize) -> String {
    (1..=count).map(|page| format!("{}{}", "x".repeat(99), "\n").repeat(50) + &format!("<{page}>\n\x0c")).collect()
}

/// The numbers of the pages that came, in their order.
fn numbers(text: &str) -> Vec<u32> {
    text.match_indices('<').map(|(at, _)| text[at + 1..].split('>').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn skipto_takes_effect_in_mid_job_and_nothing_that_was_sent_comes_again() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, &pages(4000));
    let process = fake.start();
    let mut stream = accept(&listener);
    let mut out = read(&mut stream, 10_000);
    fake.ask(lp, DeviceRequest::SkipTo(3990));
    drop(fake.until(|state| state.count("answered: Warned(\"it goes on at page 3990; page ") == 1));
    stream.read_to_end(&mut out).unwrap();
    drop(stream);
    process.join().unwrap().unwrap();
    let text = String::from_utf8(out).unwrap();
    let numbers = numbers(&text);
    let turn = numbers.iter().position(|page| *page == 3990).unwrap();
    assert_eq!(numbers[turn..], (3990..=4000).collect::<Vec<u32>>());
    assert_eq!(numbers[..turn], (1..=turn as u32).collect::<Vec<u32>>(), "in order, each once");
    assert!(turn < 3000, "a part was left out: {turn}");
    // The cut sheet is fed out: page 3990 begins at top of form.
    let before = text[..text.find("<3990>").unwrap()].rfind('\x0c').unwrap();
    assert!(text[before + 1..].starts_with("xxx"), "{}", &text[before..before + 20]);
    assert_eq!(fake.state().printers[lp].done, [(1, Delivery::Sent)]);
}

#[test]
fn a_suspended_job_goes_on_at_another_page_after_start() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, &pages(4000));
    let process = fake.start();
    let mut stream = accept(&listener);
    let mut out = read(&mut stream, 10_000);
    fake.state().printers[lp].wish = DeviceWish::Suspended;
    fake.wake();
    drop(fake.until(|state| state.count("stands-still") == 1));
    fake.ask(lp, DeviceRequest::SkipTo(3999));
    drop(fake.until(|state| state.count("it goes on at page 3999 after START; page ") == 1));
    fake.ask(lp, DeviceRequest::Skip(-1));
    drop(fake.until(|state| state.count("it goes on at page 3998 after START; page ") == 1));
    fake.ask(lp, DeviceRequest::SkipTo(4001));
    drop(fake.until(|state| state.count("answered: Refused(\"it has 4000 pages\")") == 1));
    assert_eq!(fake.state().count("stands-still"), 1, "it stands all the time");
    fake.state().printers[lp].wish = DeviceWish::Started;
    fake.wake();
    stream.read_to_end(&mut out).unwrap();
    drop(stream);
    process.join().unwrap().unwrap();
    let text = String::from_utf8(out).unwrap();
    let numbers = numbers(&text);
    assert!(numbers.ends_with(&[3998, 3999, 4000]) && !numbers.contains(&3997), "{numbers:?}");
}

#[test]
fn a_second_skip_counts_from_the_page_of_the_first_while_its_sheet_cannot_leave_yet() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, &pages(4000));
    let process = fake.start();
    let mut stream = accept(&listener);
    let mut out = read(&mut stream, 10_000);
    // The printer reads nothing: what is fed out waits behind what it did not take yet.
    fake.ask(lp, DeviceRequest::SkipTo(2000));
    drop(fake.until(|state| state.count("answered: Warned(\"it goes on at page 2000; page ") == 1));
    fake.ask(lp, DeviceRequest::Skip(2));
    // Some pages more where the printer had room for them.
    drop(fake.until(|state| state.count("answered: Warned(\"it goes on at page 2") == 2));
    stream.read_to_end(&mut out).unwrap();
    drop(stream);
    process.join().unwrap().unwrap();
    let text = String::from_utf8(out).unwrap();
    let numbers = numbers(&text);
    let turn = numbers.iter().position(|page| *page >= 2000).unwrap();
    assert_eq!(numbers[..turn], (1..=turn as u32).collect::<Vec<u32>>());
    assert!(numbers.is_sorted_by(|one, next| one < next), "none comes again");
    let after = &numbers[turn..];
    assert!(after[0] >= 2002 || after.windows(2).any(|two| two[1] > two[0] + 1), "pages are left out: {after:?}");
}

#[test]
fn skip_back_prints_pages_again_and_a_stream_is_refused() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::OffEach);
    let stream = fake.document(&vec![b'x'; 32 << 20], crate::model::job::Format::Passthru);
    fake.submit(lp, vec![stream]);
    let process = fake.start();
    let mut stream = accept(&listener);
    read(&mut stream, 1000);
    fake.ask(lp, DeviceRequest::SkipTo(2));
    drop(fake.until(|state| state.count("answered: Refused(\"document 1 is passthru: ") == 1));
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    drop(stream);
    assert_eq!(rest.len() + 1000, 32 << 20, "it went on as if nothing had been asked");
    process.join().unwrap().unwrap();
}

#[test]
fn laid_out_text_turns_too() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.state().printers[lp].settings.eol_crlf = true;
    fake.text(lp, &pages(4000));
    let process = fake.start();
    let mut stream = accept(&listener);
    let mut out = read(&mut stream, 10_000);
    fake.ask(lp, DeviceRequest::SkipTo(3999));
    drop(fake.until(|state| state.count("answered: Warned(\"it goes on at page 3999; page ") == 1));
    stream.read_to_end(&mut out).unwrap();
    drop(stream);
    process.join().unwrap().unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with("<4000>\r\n\x0c") && text.contains("<3999>\r\n") && !text.contains("<3998>"));
    assert!(!text.contains("x\n"), "still laid out after the turn");
}

#[test]
fn align_prints_one_page_without_a_job_and_the_next_job_begins_at_top_of_form() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let printed = printer(listener);
    let lp = fake.device(&uri, Exclusive::Off);
    let settings = DeviceSettings { width: 10, page_length: 3, ..fake.state().printers[lp].settings.clone() };
    fake.state().printers[lp].settings = settings;
    let process = fake.start_asked(lp, DeviceRequest::Align);
    drop(fake.until(|state| state.count("answered: Done(\"the alignment page has left\")") == 1));
    let next = || String::from_utf8(printed.recv_timeout(Duration::from_secs(20)).unwrap()).unwrap();
    assert_eq!(next(), "....+....1\r\n 2       2\r\n....+....1\r\n\x0c");
    process.join().unwrap().unwrap();
    fake.text(lp, "one\n");
    fake.run();
    assert_eq!(next(), "one\n");
    let state = fake.state();
    assert_eq!((state.count("claim"), state.count("opened: ALIGN"), state.count("closed: ALIGN")), (1, 1, 1));
}

#[test]
fn align_of_a_device_that_is_suspended_without_a_job_or_exclusive_on() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::On);
    let process = fake.start();
    drop(fake.until(|state| state.count("opened: EXCLUSIVE ON") == 1));
    fake.ask(lp, DeviceRequest::Align);
    drop(fake.until(|state| state.count("answered: Done") == 1));
    assert_eq!(fake.state().count("opened"), 1, "over the open device");
    fake.put(lp, DeviceRequest::Align);
    fake.state().printers[lp].wish = DeviceWish::Suspended;
    fake.wake();
    drop(fake.until(|state| state.count("answered: Done") == 2));
    process.join().unwrap().unwrap();
    fake.state().printers[lp].wish = DeviceWish::Draining;
    let process = fake.start_asked(lp, DeviceRequest::Align);
    drop(fake.until(|state| state.count("answered: Refused(\"the device was taken offline\")") == 1));
    process.join().unwrap().unwrap();
    let printed = std::fs::read_to_string(path).unwrap();
    let rulers = printed.split(['\n', '\x0c']).filter(|line| line.starts_with("....+....1")).count();
    assert_eq!(rulers, 4, "two pages");
}

#[test]
fn align_of_a_device_that_fails_is_refused_with_its_fault() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    drop(listener);
    let lp = fake.device(&uri, Exclusive::Off);
    let process = fake.start_asked(lp, DeviceRequest::Align);
    drop(fake.until(|state| state.count("answered: Refused") == 1 && state.count("error 4127") >= 1));
    fake.state().printers[lp].wish = DeviceWish::Stopped;
    fake.state().printers[lp].error = None;
    fake.wake();
    process.join().unwrap().unwrap();
}
