//! Change control on one spool: what is staged, issued, taken back and caught up with.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::model::change::{Edit, EditedClass, Generation, Issue, Look, Mode};
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
use crate::model::object::ObjectClass;
use crate::model::{Call, FailureKind};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;
use crate::spool::testing::{Site, clock, local, user};

fn words(words: &[&str]) -> Value {
    Value::Many(words.iter().map(|word| Value::Text((*word).into())).collect())
}

fn change(attribute: &str, value: Option<Value>) -> ManagedChange {
    let edit = value.map_or(ManagedEdit::Reset, ManagedEdit::Set);
    ManagedChange { field: Field::from_stored(attribute).unwrap(), edit }
}

fn object(class: ManagedClass, name: &str) -> ManagedObject {
    ManagedObject { class, name: name.to_owned() }
}

fn set(site: &mut Site, class: ManagedClass, name: &str, attribute: &str, value: Option<Value>) -> u32 {
    site.local.set_managed(object(class, name), vec![change(attribute, value)], None).unwrap().edits
}

fn issue(site: &mut Site) -> u64 {
    site.local.issue_changes(Issue::default()).unwrap().number
}

/// What counts: the values of queues, printers and stations.
fn counts(site: &mut Site) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for group in site.local.groups(None).unwrap() {
        found.insert(format!("queue {}", group.name), format!("{:?}", group.given));
    }
    let printer = site.local.device("LP1".parse().unwrap()).unwrap();
    found.insert("printer".into(), format!("{:?}", printer.given));
    for station in site.local.objects(ObjectClass::Station, None, None, 100).unwrap().rows {
        found.insert(format!("station {}", station.name), format!("{:?}", station.attributes));
    }
    found
}

fn staged(site: &mut Site) -> Vec<String> {
    let view = site.local.change_views(Look::Edits).unwrap().servers.remove(0);
    view.staged.iter().map(|one| crate::spool::changes::said(&one.edit)).collect()
}

fn log(site: &mut Site, word: &EventWord) -> Vec<String> {
    let events = site.local.events(EventSubject::Spool, 0).unwrap();
    events.into_iter().filter(|event| event.what == *word).map(|event| event.why).collect()
}

fn controlled() -> Site {
    let mut site = Site::printing();
    site.local.set_change_mode(Mode::On, false).unwrap();
    site
}

#[test]
fn vector_3_what_is_staged_does_not_count_until_it_is_issued() {
    let mut site = controlled();
    let before = counts(&mut site);
    assert_eq!(set(&mut site, ManagedClass::Queue, "OFFICE", "compatible-queues", Some(words(&["acme2:office"]))), 1);
    assert_eq!(counts(&mut site), before);
    assert_eq!(staged(&mut site), ["queue OFFICE: compatible-queues = acme2:office"]);
    let view = site.local.change_views(Look::State).unwrap().servers.remove(0);
    assert_eq!((view.generation, view.staged.len(), view.stages), (0, 0, true));
    assert_eq!(issue(&mut site), 1);
    assert!(counts(&mut site)["queue OFFICE"].contains("acme2:office"));
    assert!(staged(&mut site).is_empty());
    assert_eq!(log(&mut site, &EventWord::Issued), ["generation 1, 1 edit, by ann on acme1"]);
    assert_eq!(log(&mut site, &EventWord::Staged), ["queue OFFICE: compatible-queues = acme2:office"]);
}

#[test]
fn what_is_no_part_of_a_pool_counts_at_once_and_so_does_everything_without_change_control() {
    let mut site = Site::printing();
    assert_eq!(set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5))), 0);
    site.local.set_change_mode(Mode::On, false).unwrap();
    assert_eq!(set(&mut site, ManagedClass::Queue, "OFFICE", "purge-warning", Some(Value::Integer(5))), 0);
    let both = vec![change("purge-warning", Some(Value::Integer(7))), change("purge-time", Some(Value::Integer(9)))];
    assert_eq!(site.local.set_managed(object(ManagedClass::Queue, "OFFICE"), both, None).unwrap().edits, 1);
    let queue = counts(&mut site)["queue OFFICE"].clone();
    assert!(queue.contains("Integer(7)") && queue.contains("Integer(5)") && !queue.contains("Integer(9)"), "{queue}");
    // Users are never staged.
    site.local.create_managed(object(ManagedClass::User, "ann"), Vec::new(), None).unwrap();
    // What makes again what counts now is no edit.
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5)));
    assert!(staged(&mut site).is_empty());
}

#[test]
fn another_server_that_joins_begins_it_and_off_ends_it() {
    let mut site = Site::printing();
    let stages = |site: &mut Site| site.local.change_views(Look::State).unwrap().servers[0].stages;
    assert!(!stages(&mut site));
    site.spool.works_with(&Call::of_spooler(&clock()), &"acme2".parse().unwrap()).unwrap();
    assert!(stages(&mut site), "{}", "the server there cannot be asked, and that changes nothing here");
    assert_eq!(set(&mut site, ManagedClass::Queue, "OFFICE", "driver", Some(Value::Text("pcl6".into()))), 1);
    let refused = site.local.set_change_mode(Mode::Off, false).unwrap_err();
    assert!(refused.message.contains("1 edit is staged"), "{refused:?}");
    assert_eq!(site.local.set_change_mode(Mode::Off, true).unwrap(), 1);
    assert_eq!(set(&mut site, ManagedClass::Queue, "OFFICE", "driver", Some(Value::Text("pcl6".into()))), 0);
}

#[test]
fn stations_are_made_changed_and_deleted_with_a_generation() {
    let mut site = controlled();
    let station = || object(ManagedClass::Station, "hall");
    let printers = vec![change("related-printers", Some(words(&["LP1"])))];
    assert!(site.local.create_managed(station(), printers.clone(), None).unwrap().edits > 0);
    let again = site.local.create_managed(station(), printers, None).unwrap_err();
    assert!(again.message.contains("exists already"), "{again:?}");
    set(&mut site, ManagedClass::Station, "hall", "jobs-shown", Some(Value::Text("all".into())));
    assert!(!counts(&mut site).contains_key("station hall"));
    issue(&mut site);
    assert!(staged(&mut site).is_empty(), "{:?}", staged(&mut site));
    let made = counts(&mut site)["station hall"].clone();
    assert!(made.contains("LP1") && made.contains("all"), "{made}");
    site.local.delete_managed(station()).unwrap();
    let gone = site.local.set_managed(station(), vec![change("bank", Some(words(&["pin"])))], None).unwrap_err();
    assert!(gone.message.contains("staged to be deleted"), "{gone:?}");
    assert!(counts(&mut site).contains_key("station hall"));
    issue(&mut site);
    assert!(!counts(&mut site).contains_key("station hall"));
    let back = Issue { back_to: Some(1), allow_partial: false };
    assert_eq!(site.local.issue_changes(back).unwrap().number, 3);
    assert_eq!(counts(&mut site)["station hall"], made);
    // Nothing passes change control by.
    let name = "hall".parse().unwrap();
    assert_eq!(site.local.delete_object(ObjectClass::Station, name).unwrap_err().kind, FailureKind::State);
}

#[test]
fn a_new_queue_is_secure_from_its_first_job_on_and_names_others_with_the_next_generation() {
    let mut site = controlled();
    let changes = vec![
        change("release-type", Some(Value::Text("secure".into()))),
        change("compatible-queues", Some(words(&["OFFICE"]))),
    ];
    assert_eq!(site.local.create_managed(object(ManagedClass::Queue, "vault"), changes, None).unwrap().edits, 1);
    let queue = counts(&mut site)["queue vault"].clone();
    assert!(queue.contains("secure") && !queue.contains("OFFICE"), "{queue}");
    // What is deleted at once takes what is staged of it along.
    site.local.delete_managed(object(ManagedClass::Queue, "vault")).unwrap();
    assert!(staged(&mut site).is_empty());
}

#[test]
fn what_is_staged_of_an_object_that_is_gone_is_issued_by_nobody() {
    let mut site = controlled();
    site.device("LP2", "SPLA", &[]);
    assert_eq!(set(&mut site, ManagedClass::Destination, "LP2", "valid-attributes", Some(words(&["A4"]))), 1);
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5)));
    site.local.delete_device("LP2".parse().unwrap()).unwrap();
    assert_eq!(staged(&mut site), ["queue OFFICE: purge-time = 5"]);
    assert_eq!(site.local.issue_changes(Issue::default()).unwrap().servers[0].1, 1);
    // One of that name that comes later is not edited by it.
    site.device("LP2", "SPLA", &[]);
    assert!(staged(&mut site).is_empty());
    // What went back to an object that is gone passes it over, and says so.
    set(&mut site, ManagedClass::Destination, "LP2", "valid-attributes", Some(words(&["A4"])));
    issue(&mut site);
    site.local.delete_device("LP2".parse().unwrap()).unwrap();
    site.local.issue_changes(Issue { back_to: Some(0), allow_partial: false }).unwrap();
    let said = log(&mut site, &EventWord::RolledBack);
    assert!(said[0].contains("not there any more: destination LP2"), "{said:?}");
}

#[test]
fn only_operators_stage_issue_and_go_back() {
    let mut site = controlled();
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5)));
    let mut his = local(&site.spool, user("bob", 4711));
    let queue = object(ManagedClass::Queue, "OFFICE");
    let refused = [
        his.set_managed(queue, vec![change("purge-time", None)], None).map(drop),
        his.issue_changes(Issue::default()).map(drop),
        his.issue_changes(Issue { back_to: Some(Issue::LAST), allow_partial: true }).map(drop),
        his.set_change_mode(Mode::Off, true).map(drop),
        his.discard_changes(None).map(drop),
    ];
    for one in refused {
        assert_eq!(one.unwrap_err().kind, FailureKind::Security);
    }
    assert_eq!(his.change_views(Look::Edits).unwrap().servers[0].staged.len(), 1, "everybody may look");
    assert_eq!(site.local.discard_changes(Some("office".into())).unwrap(), 1);
    assert_eq!(site.local.discard_changes(Some("office".into())).unwrap_err().kind, FailureKind::NotFound);
    let nothing = site.local.issue_changes(Issue { back_to: Some(Issue::LAST), allow_partial: false }).unwrap_err();
    assert!(nothing.message.contains("nothing was issued yet"), "{nothing:?}");
}

/// A generation that another server issues.
fn of_other(number: u64, back_to: Option<u64>) -> Generation {
    let by = "acme2".parse().unwrap();
    Generation { number, at_ms: clock().wall_ms, who: "eve".into(), by, back_to, revokes: false }
}

#[test]
fn what_is_prepared_counts_when_it_is_committed_and_what_is_edited_meanwhile_stays_staged() {
    let mut site = controlled();
    let call = Call::of_spooler(&clock());
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5)));
    assert_eq!(site.spool.prepare_generation(&call, of_other(4, None), None).unwrap(), 1);
    let busy = site.local.issue_changes(Issue::default()).unwrap_err();
    assert!(busy.message.contains("server acme2 is issuing generation 4 for eve"), "{busy:?}");
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(6)));
    set(&mut site, ManagedClass::Queue, "OFFICE", "driver", Some(Value::Text("pcl6".into())));
    assert_eq!(site.spool.commit_generation(&call, 3, Vec::new()).unwrap(), None, "another number");
    assert_eq!(site.spool.commit_generation(&call, 4, Vec::new()).unwrap(), Some(1));
    assert_eq!(site.spool.commit_generation(&call, 4, Vec::new()).unwrap(), Some(0), "twice is once");
    assert!(counts(&mut site)["queue OFFICE"].contains("Integer(5)"));
    assert_eq!(staged(&mut site), ["queue OFFICE: driver = pcl6", "queue OFFICE: purge-time = 6"]);
    let behind = site.spool.prepare_generation(&call, of_other(4, None), None).unwrap_err();
    assert!(behind.message.contains("counts already"), "{behind:?}");
    // One whose issuer is lost gives way.
    site.spool.prepare_generation(&call, of_other(5, None), None).unwrap();
    site.spool.prepare_generation(&call, of_other(6, None), Some(5)).unwrap();
    site.spool.drop_generation(6, &clock()).unwrap();
    assert_eq!(staged(&mut site).len(), 2);
}

#[test]
fn a_straggler_takes_up_what_it_has_missed() {
    let mut site = controlled();
    let call = Call::of_spooler(&clock());
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5)));
    // Issued and taken back while it was away: its edit is staged as before.
    let told = vec![of_other(1, None), of_other(2, Some(0))];
    assert_eq!(site.spool.catch_up_with(told.clone(), &clock()).unwrap(), 2);
    assert_eq!(staged(&mut site).len(), 1);
    assert_eq!(site.spool.catch_up_with(told, &clock()).unwrap(), 2, "once more changes nothing");
    // Whoever tells, tells all that counts there.
    let mut told = vec![of_other(1, None), of_other(2, Some(0))];
    let mut catch_up = |site: &mut Site, more: &[Generation]| {
        told.extend_from_slice(more);
        site.spool.catch_up_with(told.clone(), &clock()).unwrap();
    };
    // One that was prepared here counts as it was prepared.
    site.spool.prepare_generation(&call, of_other(3, None), None).unwrap();
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(6)));
    catch_up(&mut site, &[of_other(3, None)]);
    assert!(counts(&mut site)["queue OFFICE"].contains("Integer(5)"));
    assert_eq!(staged(&mut site), ["queue OFFICE: purge-time = 6"]);
    // Back, and something else issued.
    catch_up(&mut site, &[of_other(4, Some(2)), of_other(5, None)]);
    assert!(counts(&mut site)["queue OFFICE"].contains("Integer(6)"));
    catch_up(&mut site, &[of_other(6, Some(0))]);
    assert!(!counts(&mut site)["queue OFFICE"].contains("purge-time"));
    assert_eq!(site.spool.generation().unwrap().0, 6);
}

#[test]
fn what_a_straggler_takes_up_belongs_to_the_generation_that_it_was_staged_for() {
    for (at_ms, taken_back) in [([i64::MAX, i64::MAX], false), ([0, i64::MAX], true)] {
        let mut site = controlled();
        set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5)));
        let mut told: Vec<Generation> =
            (1..).zip(at_ms).map(|(number, at_ms)| Generation { at_ms, ..of_other(number, None) }).collect();
        site.spool.catch_up_with(told.clone(), &clock()).unwrap();
        assert!(counts(&mut site)["queue OFFICE"].contains("Integer(5)"));
        // Told at once, it is not taken up what was rolled back.
        let mut other = controlled();
        set(&mut other, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5)));
        let at_once = [told.clone(), vec![of_other(3, Some(1))]].concat();
        other.spool.catch_up_with(at_once, &clock()).unwrap();
        assert_eq!(!counts(&mut other)["queue OFFICE"].contains("purge-time"), taken_back, "{at_ms:?}");
        assert_eq!(staged(&mut other).len(), usize::from(taken_back));
        // Elsewhere only what the second one has changed is taken back.
        told.push(of_other(3, Some(1)));
        site.spool.catch_up_with(told, &clock()).unwrap();
        assert_eq!(!counts(&mut site)["queue OFFICE"].contains("purge-time"), taken_back, "{at_ms:?}");
    }
}

#[test]
fn what_is_being_issued_is_not_taken_back() {
    let mut site = controlled();
    let call = Call::of_spooler(&clock());
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5)));
    site.spool.prepare_generation(&call, of_other(1, None), None).unwrap();
    set(&mut site, ManagedClass::Queue, "OFFICE", "driver", Some(Value::Text("pcl6".into())));
    for refused in [
        site.local.discard_changes(Some("OFFICE".into())).unwrap_err(),
        site.local.discard_changes(None).unwrap_err(),
        site.local.set_change_mode(Mode::Off, true).unwrap_err(),
    ] {
        assert!(refused.message.contains("generation 1 is being issued by server acme2"), "{refused:?}");
    }
    assert_eq!(staged(&mut site).len(), 2);
    site.spool.drop_generation(1, &clock()).unwrap();
    assert_eq!(site.local.discard_changes(None).unwrap(), 2);
}

#[test]
fn what_another_group_has_issued_changes_nothing_and_numbers_do_not_leap() {
    let mut site = controlled();
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(5)));
    issue(&mut site);
    set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(6)));
    for bad in [vec![of_other(u64::MAX, None)], vec![of_other(3, None), of_other(2, None)]] {
        assert_eq!(site.spool.catch_up_with(bad, &clock()).unwrap_err().kind, FailureKind::Security);
    }
    let unsigned = Generation { who: "eve\n".into(), ..of_other(2, None) };
    assert_eq!(site.spool.catch_up_with(vec![unsigned], &clock()).unwrap_err().kind, FailureKind::Security);
    // Its first generation is not ours: neither what is staged here nor what we issued is touched.
    let others = vec![of_other(1, None), of_other(2, None), of_other(3, Some(0))];
    assert_eq!(site.spool.catch_up_with(others, &clock()).unwrap(), 3);
    assert!(counts(&mut site)["queue OFFICE"].contains("Integer(5)"));
    assert_eq!(staged(&mut site), ["queue OFFICE: purge-time = 6"]);
    issue(&mut site);
    assert_eq!(site.spool.generation().unwrap().0, 4);
}

#[test]
fn what_takes_a_compatible_queue_away_is_remembered_as_that() {
    let mut site = controlled();
    set(&mut site, ManagedClass::Queue, "OFFICE", "compatible-queues", Some(words(&["a", "b"])));
    issue(&mut site);
    assert_eq!(site.spool.generation().unwrap(), (1, 0));
    set(&mut site, ManagedClass::Queue, "OFFICE", "compatible-queues", Some(words(&["b"])));
    issue(&mut site);
    set(&mut site, ManagedClass::Queue, "OFFICE", "driver", Some(Value::Text("pcl6".into())));
    issue(&mut site);
    assert_eq!(site.spool.generation().unwrap(), (3, 2));
    // Old generations are forgotten, that one is not.
    for n in 0..110 {
        set(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Some(Value::Integer(n + 1)));
        issue(&mut site);
    }
    assert_eq!(site.spool.generation().unwrap(), (113, 2));
    let kept = site.local.change_views(Look::State).unwrap().servers[0].history.len();
    assert!(kept <= 102, "{kept}");
}

/// One step of an operator.
#[derive(Clone, Debug)]
enum Step {
    Queue(&'static str, Option<i64>),
    Compatible(Vec<&'static str>),
    Valid(Vec<&'static str>),
    Station(&'static str, bool),
    Bank(&'static str, Vec<&'static str>),
    Issue,
    Back(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let some = || prop::sample::subsequence(vec!["a", "b:c", "d"], 0..=3);
    let station = || prop::sample::select(vec!["hall", "annex"]);
    prop_oneof![
        (prop::sample::select(vec!["purge-time"]), prop::option::of(1..9_i64)).prop_map(|(a, n)| Step::Queue(a, n)),
        some().prop_map(Step::Compatible),
        some().prop_map(Step::Valid),
        (station(), any::<bool>()).prop_map(|(name, there)| Step::Station(name, there)),
        (station(), prop::sample::subsequence(vec!["pin", "card"], 0..=2))
            .prop_map(|(name, how)| Step::Bank(name, how)),
        Just(Step::Issue),
        (0..6_u64).prop_map(Step::Back),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn going_back_gives_the_rows_back_exactly(steps in prop::collection::vec(step(), 1..24)) {
        let mut site = controlled();
        let mut then = vec![counts(&mut site)];
        for step in steps {
            let list = |all: &[&str]| (!all.is_empty()).then(|| words(all));
            // What cannot be done now is refused, and changes nothing.
            let _ = match step {
                Step::Queue(attribute, n) => site
                    .local
                    .set_managed(object(ManagedClass::Queue, "OFFICE"), vec![change(attribute, n.map(Value::Integer))], None)
                    .map(drop),
                Step::Compatible(all) => site
                    .local
                    .set_managed(object(ManagedClass::Queue, "OFFICE"), vec![change("compatible-queues", list(&all))], None)
                    .map(drop),
                Step::Valid(all) => site
                    .local
                    .set_managed(object(ManagedClass::Destination, "LP1"), vec![change("valid-attributes", list(&all))], None)
                    .map(drop),
                Step::Station(name, true) => {
                    site.local.create_managed(object(ManagedClass::Station, name), Vec::new(), None).map(drop)
                }
                Step::Station(name, false) => site.local.delete_managed(object(ManagedClass::Station, name)).map(drop),
                Step::Bank(name, how) => site
                    .local
                    .set_managed(object(ManagedClass::Station, name), vec![change("bank", list(&how))], None)
                    .map(drop),
                Step::Issue => {
                    let number = issue(&mut site);
                    then.push(counts(&mut site));
                    prop_assert_eq!(number as usize, then.len() - 1);
                    Ok(())
                }
                Step::Back(to) => {
                    let asked = Issue { back_to: Some(to), allow_partial: false };
                    let done = site.local.issue_changes(asked);
                    match done {
                        Ok(_) => {
                            then.push(counts(&mut site));
                            prop_assert_eq!(&then[then.len() - 1], &then[to as usize]);
                        }
                        Err(_) => prop_assert!(to as usize >= then.len() - 1),
                    }
                    Ok(())
                }
            };
            // Nothing else has changed what counts.
            let now = counts(&mut site);
            prop_assert_eq!(&now, &then[then.len() - 1]);
        }
    }
}

#[test]
fn an_edit_says_what_it_is_about() {
    let edit = Edit { class: EditedClass::Station, name: "hall".into(), field: None, before: None, after: None };
    assert_eq!(crate::spool::changes::said(&edit), "station hall: deleted");
}
