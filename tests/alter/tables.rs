//! Every cell of both languages' state tables, and other users' jobs.

use spoolsuite::commands::pd::jobs::effects;
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::spoolcom::language::keywords::Key;
use spoolsuite::commands::spoolcom::verbs::states::job_allows;
use spoolsuite::model::lifetime::Retention;
use spoolsuite::model::state::{Delivery, JobState};

use super::world::{World, number, other};

/// The states that occur in this version.
const STATES: [JobState; 5] =
    [JobState::Held, JobState::Paused, JobState::Printing, JobState::Terminating, JobState::Ready];

#[test]
fn every_cell_of_the_spoolcom_table_holds_on_a_real_spool() {
    for wire in [false, true] {
        for (key, text) in [
            (Key::Start, "START"),
            (Key::Delete, "DELETE"),
            (Key::Hold, "HOLD"),
            (Key::HoldAfter, "HOLDAFTER"),
            (Key::Copies, "COPIES 3"),
            (Key::Form, "FORM INVOICE"),
            (Key::Loc, "LOC #NEW.PLACE"),
            (Key::Owner, "OWNER 4242,4242"),
            (Key::Report, "REPORT two words"),
            (Key::SelPri, "SELPRI 2"),
            (Key::Status, "STATUS DETAIL"),
        ] {
            let world = World::new(wire);
            for state in STATES {
                let n = world.job_in(state, key == Key::Hold);
                let before = world.job(n);
                let (exit, _, err) = world.run(&["spoolcom", &format!("JOB {n}, {text}")]);
                let allowed = job_allows(key, state);
                assert_eq!(exit == Exit::Done, allowed, "{text} {state:?}\n{err}");
                if !allowed {
                    assert_eq!(world.job(n), before, "{text} {state:?}");
                    assert!(err.starts_with(&format!("JOB {n} INVALID OPERATION IN CURRENT STATE\n")), "{err}");
                }
                // Out of the way of the next one.
                if let Ok(job) = world.ops().job(number(n))
                    && matches!(job.state, JobState::Printing | JobState::Terminating)
                {
                    let claim = world.claim("LP1").unwrap();
                    world.deliver(&claim, Delivery::Sent);
                }
                let _ = world.ops().delete_job(number(n), None, None);
            }
        }
    }
}

#[test]
fn every_cell_of_the_effect_matrix_holds_on_a_real_spool() {
    use effects::{Action, Effect};
    for wire in [false, true] {
        for (action, words, hold) in [
            (Action::Modify, &["pdmod", "-x", "copy-count=3 job-name=x"][..], false),
            (Action::Modify, &["pdset", "-c", "job", "-x", "job-priority=20"], false),
            (Action::Modify, &["pdmod", "-x", "job-hold=true job-priority=20"], false),
            (Action::Modify, &["pdmod", "-x", "job-hold=true", "-m", "why"], true),
            (Action::Remove, &["pdrm"], false),
            (Action::Promote, &["pdpromote"], false),
            (Action::Pause, &["pdpause", "-c", "job"], false),
            (Action::Resume, &["pdresume", "-c", "job"], false),
            (Action::Resubmit, &["pdresubmit", "office.front"], false),
            (Action::Reorder, &["pdreorder", "-p", "lp1"], false),
        ] {
            let world = World::new(wire);
            for state in STATES.into_iter().chain([JobState::Retained]) {
                let n = world.job_in(state, state != JobState::Terminating);
                let before = world.job(n);
                let id = before.global.to_string();
                let (exit, out, err) = world.run(&[words, &[&id]].concat());
                let allowed = match effects::effect(action, state) {
                    Effect::Done => true,
                    Effect::HoldOnly => hold,
                    Effect::Refused => false,
                };
                assert_eq!(exit, if allowed { Exit::Done } else { Exit::Failed }, "{words:?} {state:?}\n{err}");
                assert_eq!(out, "");
                if allowed {
                    assert_eq!(err, "", "{words:?} {state:?}");
                } else {
                    assert_eq!(world.job(n), before, "{words:?} {state:?}");
                    assert!(err.contains(state.infoprint()), "{err}");
                }
                *world.process.running.lock().unwrap() = None;
                if let Ok(job) = world.ops().job(number(n))
                    && matches!(job.state, JobState::Printing | JobState::Terminating)
                {
                    let claim = world.claim("LP1").unwrap();
                    world.deliver(&claim, Delivery::Sent);
                }
                let _ = world.ops().delete_job(number(n), None, Some(Retention::Period(0)));
            }
        }
    }
}

#[test]
fn another_users_job_is_left_alone_in_every_verb() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit(&[1]);
        let before = world.job(n);
        let id = before.global.to_string();
        for text in
            ["COPIES 2", "FORM A", "HOLD", "HOLDAFTER", "LOC #X.Y", "OWNER NONE", "REPORT X", "SELPRI 1", "DELETE"]
        {
            // What the table refuses first is asked of a held job.
            if !job_allows(Key::from_word(text.split(' ').next().unwrap()).unwrap(), JobState::Ready) {
                world.ops().hold_job(number(n)).unwrap();
            }
            let before = world.job(n);
            let (exit, _, err) = world.run_as(other(), &["spoolcom", &format!("JOB {n}, {text}")]);
            assert_eq!(exit, Exit::Failed);
            assert!(err.starts_with(&format!("JOB {n} SECURITY VIOLATION\n")), "{text}: {err}");
            assert_eq!(world.job(n), before, "{text}");
            if before.state == JobState::Held {
                world.ops().start_job(number(n)).unwrap();
            }
        }
        for words in [
            &["pdmod", "-n", "2"][..],
            &["pdmod", "-m", "mine"],
            &["pdset", "-c", "job", "-x", "job-hold=true"],
            &["pdpause", "-c", "job"],
            &["pdpromote"],
            &["pdresubmit", "office.front"],
            &["pdreorder", "-p", "lp1"],
            &["pdrm"],
        ] {
            let before = world.job(n);
            let (exit, _, err) = world.run_as(other(), &[words, &[&id]].concat());
            assert_eq!(exit, Exit::Failed, "{words:?}");
            assert!(err.contains("another user") || err.contains("only the creator"), "{err}");
            assert_eq!(world.job(n), before, "{words:?}");
        }
        assert!(world.ops().locations(None, None).unwrap().iter().all(|location| location.name.group.key() != "x"));
    }
}
