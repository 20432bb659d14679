//! Altering jobs, on a spool in the caller's process and on one behind the wire: every cell of both languages' tables,
//! other users' jobs, what moves a job and what does not, and what a print process finds.

mod tables;
mod words;
mod world;

use spoolsuite::commands::shell::Exit;
use spoolsuite::model::alter::{JobChange, NewOwner};
use spoolsuite::model::order::Priority;
use spoolsuite::model::state::{Delivery, HoldReason, JobState};
use spoolsuite::model::{Caller, FailureKind};
use spoolsuite::spool::interface::engine::{Engine, Outcome};
use spoolsuite::spool::interface::records::Removal;
use spoolsuite::sys::users;

use self::world::{World, clock, number, other};

#[test]
fn hold_change_and_start_work_in_one_command_while_the_job_prints() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.job_in(JobState::Printing, true);
        let (exit, _, err) = world.run(&["spoolcom", &format!("JOB {n}, HOLD, COPIES 2, SELPRI 1, START")]);
        assert_eq!((exit, err.as_str()), (Exit::Done, ""));
        let job = world.job(n);
        assert_eq!((job.state, job.priority.selpri(), job.documents[1].copies), (JobState::Ready, 1, 2));
        assert!(world.claim("LP1").unwrap().possible_duplicate, "pages may be on paper");
    }
}

#[test]
fn an_owner_sets_a_priority_of_50_at_most_and_the_creator_more() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit_as(other(), "office.front", &[1]);
        let set = |caller: Caller, p: u8| {
            world.as_caller(caller).alter_job(number(n), vec![JobChange::Priority(Priority::new(p))])
        };
        assert_eq!(set(other(), 49), Ok(()));
        assert_eq!(set(other(), 50), Ok(()));
        assert_eq!(set(other(), 51).unwrap_err().kind, FailureKind::Security);
        assert_eq!(set(users::caller(), 90), Ok(()));
        assert_eq!(set(other(), 90), Ok(()), "as it is");
        assert_eq!(set(other(), 80).unwrap_err().kind, FailureKind::Security);
        assert_eq!(set(other(), 10), Ok(()));
        assert_eq!(world.as_caller(other()).promote_job(number(n), None).unwrap_err().kind, FailureKind::Security);
    }
}

#[test]
fn what_decides_the_place_makes_it_the_newest_arrival_and_the_rest_does_not() {
    let world = World::new(false);
    let jobs: Vec<u32> = (0..4).map(|_| world.submit(&[1])).collect();
    assert_eq!(world.order(), jobs);
    for harmless in [
        JobChange::Name(Some("x".into())),
        JobChange::HoldAfter(Some(true)),
        JobChange::Owner(NewOwner::Uid(4242)),
        JobChange::Priority(None),
        JobChange::Form(None),
        JobChange::Copies { document: Some(1), copies: Some(1) },
        JobChange::Destination { to: "office.front".parse().unwrap(), declare: false },
        JobChange::Message("why".into()),
    ] {
        world.alter(jobs[0], vec![harmless]).unwrap();
    }
    assert_eq!(world.order(), jobs);
    world.alter(jobs[0], vec![JobChange::Copies { document: None, copies: Some(2) }]).unwrap();
    assert_eq!(world.order(), [jobs[1], jobs[2], jobs[3], jobs[0]]);
    world.alter(jobs[3], vec![JobChange::Priority(Priority::new(60))]).unwrap();
    assert_eq!(world.order(), [jobs[3], jobs[1], jobs[2], jobs[0]]);
    for n in [jobs[0], jobs[2]] {
        world.ops().promote_job(number(n), None).unwrap();
    }
    assert_eq!(world.order(), [jobs[2], jobs[0], jobs[3], jobs[1]], "a later promotion goes before an earlier one");
    let claimed: Vec<u32> =
        std::iter::from_fn(|| world.claim("LP1").inspect(|claim| world.deliver(claim, Delivery::Sent)))
            .map(|claim| claim.number.get())
            .take(2)
            .collect();
    assert_eq!(claimed, [jobs[2], jobs[0]]);
}

#[test]
fn a_pause_keeps_the_place_and_a_hold_loses_it() {
    for wire in [false, true] {
        let world = World::new(wire);
        let jobs: Vec<u32> = (0..3).map(|_| world.submit(&[1])).collect();
        let mut ops = world.ops();
        ops.pause_job(number(jobs[0]), Some("lunch".into())).unwrap();
        assert_eq!(world.order(), jobs[1..]);
        assert_eq!(world.events(jobs[0], "paused"), ["lunch"]);
        ops.resume_job(number(jobs[0]), None).unwrap();
        assert_eq!(world.order(), jobs);
        ops.hold_job(number(jobs[0])).unwrap();
        ops.pause_job(number(jobs[0]), None).unwrap();
        assert_eq!(world.job(jobs[0]).state, JobState::Paused);
        world.alter(jobs[0], vec![JobChange::Hold(Some(false))]).unwrap();
        assert_eq!(world.job(jobs[0]).state, JobState::Paused, "still paused when its hold ends");
        ops.hold_job(number(jobs[0])).unwrap();
        ops.resume_job(number(jobs[0]), None).unwrap();
        assert_eq!(world.job(jobs[0]).state, JobState::Held, "held still");
        ops.start_job(number(jobs[0])).unwrap();
        assert_eq!(world.order(), [jobs[1], jobs[2], jobs[0]]);
    }
}

#[test]
fn a_changed_form_or_location_decides_who_prints_it_and_whom_it_wakes() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit(&[1]);
        world.alter(n, vec![JobChange::Form(Some("invoice".into()))]).unwrap();
        assert!(world.claim("LP1").is_none() && world.claim("LP2").is_none());
        let to = |text: &str| JobChange::Destination { to: text.parse().unwrap(), declare: false };
        world.alter(n, vec![to("back")]).unwrap();
        assert_eq!(world.job(n).destination.to_string(), "#OFFICE.BACK");
        assert_eq!(
            world.events(n, "altered"),
            ["form nothing to 'invoice'", "destination '#OFFICE.FRONT' to '#OFFICE.BACK'"]
        );
        world.process.woken.lock().unwrap().clear();
        world.alter(n, vec![to("#lab.one"), JobChange::Form(None)]).unwrap();
        // SPLA is only seen to because nobody holds its lock here: it counts as dead.
        let woken = world.process.woken.lock().unwrap().clone();
        assert_eq!(woken.first().map(String::as_str), Some("SPLB"), "{woken:?}");
        world.alter(n, vec![to("#office.back"), JobChange::Form(Some("INVOICE".into()))]).unwrap();
        assert_eq!(world.claim("LP2").unwrap().number.get(), n);
    }
}

#[test]
fn a_job_sent_to_a_broadcasting_group_prints_on_each_of_its_devices() {
    let world = World::new(false);
    let n = world.submit(&[1]);
    world.ops().set_broadcast("office".parse().unwrap(), true).unwrap();
    world.alter(n, vec![JobChange::Destination { to: "#office".parse().unwrap(), declare: false }]).unwrap();
    let id = world.job(n).id;
    assert_eq!(world.ops().occurrences(id).unwrap().len(), 2);
    let first = world.claim("LP1").unwrap();
    world.deliver(&first, Delivery::Sent);
    assert!(world.claim("LP1").is_none());
    // Held half-way and started again, only what is missing is printed.
    let mut ops = world.ops();
    ops.hold_job(number(n)).unwrap();
    world.alter(n, vec![JobChange::Form(Some("INVOICE".into()))]).unwrap();
    ops.start_job(number(n)).unwrap();
    assert!(world.claim("LP1").is_none());
    let second = world.claim("LP2").unwrap();
    world.deliver(&second, Delivery::Sent);
    assert_eq!(ops.job(number(n)).unwrap_err().kind, FailureKind::NotFound);
}

#[test]
fn an_unknown_location_comes_into_being_only_where_the_language_says_so() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.job_in(JobState::Held, false);
        let to = |text: &str, declare| JobChange::Destination { to: text.parse().unwrap(), declare };
        assert_eq!(world.alter(n, vec![to("#park.here", false)]).unwrap_err().kind, FailureKind::NotFound);
        assert_eq!(world.alter(n, vec![to("nowhere", true)]).unwrap_err().kind, FailureKind::NotFound);
        for (text, found) in [
            ("#PARK.HERE", "#PARK.HERE"),
            ("#STORE", "#STORE.DEFAULT"),
            ("#STORE", "#STORE"),
            ("here", "#PARK.HERE"),
            ("NONE", "#DEFAULT.DEFAULT"),
        ] {
            assert_eq!(world.run(&["spoolcom", "JOB", &format!("{n},"), "LOC", text]).0, Exit::Done, "{text}");
            assert_eq!(world.job(n).destination.to_string(), found);
        }
        assert_eq!(world.run(&["spoolcom", &format!("JOB {n}, LOC #A.B; JOB {n}, LOC")]).0, Exit::Done);
        assert_eq!(world.job(n).destination.to_string(), "#DEFAULT.DEFAULT");
    }
}

#[test]
fn all_of_the_changes_hold_or_none() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit(&[1, 2]);
        let before = world.job(n);
        for bad in [
            JobChange::Copies { document: Some(3), copies: Some(2) },
            JobChange::Copies { document: None, copies: Some(0) },
            JobChange::Owner(NewOwner::Name("no such user".into())),
            JobChange::Destination { to: "no.where".parse().unwrap(), declare: false },
            JobChange::Form(Some("a_b".into())),
            JobChange::Name(Some("x".repeat(256))),
            JobChange::Message("x".repeat(5000)),
        ] {
            let changes = vec![
                JobChange::Copies { document: Some(1), copies: Some(9) },
                JobChange::Hold(Some(true)),
                JobChange::Destination { to: "#brand.new".parse().unwrap(), declare: true },
                JobChange::Priority(Priority::new(3)),
                bad.clone(),
            ];
            assert!(world.alter(n, changes).is_err(), "{bad:?}");
            assert_eq!(world.job(n), before, "{bad:?}");
            assert!(world.events(n, "altered").is_empty());
        }
        assert!(world.alter(n, Vec::new()).is_err());
    }
}

#[test]
fn a_job_given_away_has_a_number_of_its_new_owner() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.job_in(JobState::Held, false);
        world.submit_as(other(), "office.front", &[1]);
        let (exit, _, err) = world.run(&["spoolcom", &format!("JOB {n}, OWNER 1,4242, REPORT A B")]);
        assert_eq!((exit, err.as_str()), (Exit::Done, "WARNING: USERID NOT DEFINED\n"));
        let job = world.job(n);
        assert_eq!((job.owner_uid, job.local.0, job.name.as_str()), (4242, 2, "A B"));
        assert!(world.as_caller(other()).start_job(number(n)).is_ok(), "its new owner may");
        world.ops().hold_job(number(n)).unwrap();
        assert_eq!(world.run(&["spoolcom", &format!("JOB {n}, OWNER NONE, REPORT NONE")]).0, Exit::Done);
        assert_eq!((world.job(n).owner_uid, world.job(n).name.as_str()), (users::caller().uid, "letter"));
    }
}

#[test]
fn a_transferred_job_cannot_be_stopped_and_says_so() {
    for wire in [false, true] {
        let world = World::new(wire);
        let (held, deleted) = (world.submit(&[1]), world.submit(&[1]));
        for _ in [held, deleted] {
            let claim = world.claim("LP1").unwrap();
            world.deliver(&claim, Delivery::Transferred);
        }
        let mut ops = world.ops();
        ops.hold_job(number(held)).unwrap();
        assert_eq!(ops.delete_job(number(deleted), None).unwrap(), Removal::Transferred);
        assert_eq!(ops.job(number(held)).unwrap().state, JobState::Transferred);
        assert_eq!(ops.job(number(deleted)).unwrap().state, JobState::Terminating);
        let device = world.device("LP1");
        world.spool.settle_transferred(&world.lease, device, Outcome::Closed, &clock()).unwrap();
        let job = ops.job(number(held)).unwrap();
        assert!(job.state == JobState::Held && job.reasons.has(HoldReason::Operator));
        assert_eq!(job.reason_text.as_deref(), Some("it had been printed completely on $LP1 (sent)"));
        assert_eq!(ops.job(number(deleted)).unwrap_err().kind, FailureKind::NotFound);
        // Started, it is printed once more; a reset instead of the clean close keeps it on hold as well.
        ops.start_job(number(held)).unwrap();
        let claim = world.claim("LP1").unwrap();
        world.deliver(&claim, Delivery::Transferred);
        ops.hold_job(number(held)).unwrap();
        let reset = Outcome::Reset { why: "reset".into() };
        world.spool.settle_transferred(&world.lease, device, reset, &clock()).unwrap();
        assert_eq!(ops.job(number(held)).unwrap().state, JobState::Held);
        assert!(world.claim("LP1").is_none());
    }
}

#[test]
fn a_job_held_as_its_last_octet_goes_out_stays() {
    let world = World::new(false);
    let n = world.submit(&[1]);
    let claim = world.claim("LP1").unwrap();
    world.ops().hold_job(number(n)).unwrap();
    world.deliver(&claim, Delivery::Sent);
    let job = world.job(n);
    assert_eq!(job.state, JobState::Held);
    assert!(job.reason_text.unwrap().contains("printed completely"));
    // Paused instead, there is nothing left to resume: it is done.
    let m = world.submit(&[1]);
    let claim = world.claim("LP1").unwrap();
    world.ops().pause_job(number(m), None).unwrap();
    world.deliver(&claim, Delivery::Sent);
    assert_eq!(world.ops().job(number(m)).unwrap_err().kind, FailureKind::NotFound);
}

#[test]
fn jobs_are_selected_by_when_they_were_created() {
    let world = World::new(false);
    let n = world.submit(&[1]);
    let at = jiff::Timestamp::from_millisecond(clock().wall_ms).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    let day = at.strftime("%d %b %Y, %H:%M").to_string();
    for (dates, hit) in [
        (format!("FROM {day}"), true),
        (format!("FROM {day} THRU {day}"), true),
        ("THRU 1 JAN 2020, 10:00".into(), false),
        ("FROM 1 JAN 2020 THRU 1 JAN 2021".into(), false),
        ("FROM 00:00 THRU 23:59".into(), true),
    ] {
        let (exit, out, err) = world.run(&["spoolcom", &format!("JOB (DATE {dates}, OWNER), STATUS")]);
        assert_eq!((exit, err.as_str()), (Exit::Done, ""), "{dates}");
        assert_eq!(out.lines().any(|line| line.trim_start().starts_with(&format!("{n} "))), hit, "{dates}\n{out}");
    }
}
