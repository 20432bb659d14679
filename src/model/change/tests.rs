//! Going back, catching up, and the check, as values.

use super::lint::{Weight, check};
use super::*;

fn server(name: &str) -> ServerName {
    name.parse().unwrap()
}

fn field(name: &str) -> Field {
    Field::from_stored(name).unwrap()
}

fn texts(words: &[&str]) -> Value {
    Value::Many(words.iter().map(|word| Value::Text((*word).to_owned())).collect())
}

fn edit(before: &[&str], after: &[&str]) -> Edit {
    let value = |words: &[&str]| (!words.is_empty()).then(|| texts(words));
    Edit {
        class: EditedClass::Queue,
        name: "office".into(),
        field: Some(field("compatible-queues")),
        before: value(before),
        after: value(after),
    }
}

fn generation(number: u64, back_to: Option<u64>) -> Generation {
    Generation { number, at_ms: 0, who: "ann".into(), by: server("acme1"), back_to, revokes: false }
}

#[test]
fn what_is_taken_away_revokes_and_what_is_added_does_not() {
    assert!(edit(&["a", "b"], &["a"]).revokes());
    assert!(edit(&["a"], &[]).revokes());
    assert!(!edit(&["a"], &["a", "b"]).revokes());
    let driver = Edit { field: Some(field("driver")), ..edit(&["a"], &[]) };
    assert!(!driver.revokes());
}

#[test]
fn one_of_several_is_that_one() {
    let text = Value::Text("a".into());
    assert!(Edit::same(Some(&text), Some(&texts(&["a"]))) && Edit::same(None, Some(&texts(&[]))));
    assert!(!Edit::same(Some(&text), None) && !Edit::same(Some(&text), Some(&texts(&["a", "b"]))));
}

#[test]
fn several_generations_are_undone_as_one() {
    let undo = undone([vec![edit(&[], &["a"])], vec![edit(&["a"], &["b"])]]);
    assert_eq!(undo, [edit(&["b"], &[])]);
    assert!(undone([vec![edit(&["a"], &["b"])], vec![edit(&["b"], &["a"])]]).is_empty());
    // Names are compared as everywhere.
    let other = Edit { name: "#OFFICE".into(), ..edit(&["a"], &["b"]) };
    assert_eq!(undone([vec![edit(&[], &["a"])], vec![other]]), [edit(&["b"], &[])]);
}

#[test]
fn whoever_has_missed_generations_does_what_they_come_to() {
    let todo = |own, missed: &[Generation]| catch_up(own, missed);
    let of = |back_to, issues: &[u64]| CatchUp { back_to, issues: issues.to_vec() };
    assert_eq!(todo(1, &[generation(1, None)]), of(None, &[]));
    assert_eq!(todo(1, &[generation(2, None), generation(3, None)]), of(None, &[2, 3]));
    // It was issued and taken back while nobody was there: what is staged stays so.
    assert_eq!(todo(1, &[generation(2, None), generation(3, Some(1))]), of(None, &[]));
    assert_eq!(todo(2, &[generation(3, Some(1))]), of(Some(1), &[]));
    assert_eq!(todo(2, &[generation(3, Some(1)), generation(4, None)]), of(Some(1), &[4]));
    assert_eq!(todo(3, &[generation(4, Some(2)), generation(5, Some(0)), generation(6, Some(3))]), of(Some(0), &[]));
}

fn view(name: &str, queues: &[(&str, &[&str])]) -> ChangeView {
    let queue = |(name, compatible): &(&str, &[&str])| QueueFacts {
        name: (*name).to_owned(),
        secure: true,
        compatible: compatible.iter().map(|one| (*one).to_owned()).collect(),
        driver: None,
    };
    ChangeView {
        server: server(name),
        mode: Mode::Auto,
        stages: true,
        generation: 0,
        prepared: None,
        issuing: None,
        history: Vec::new(),
        stragglers: Vec::new(),
        staged: Vec::new(),
        queues: queues.iter().map(queue).collect(),
        printers: Vec::new(),
        stations: Vec::new(),
        unreached: Vec::new(),
    }
}

fn found(views: Vec<ChangeView>, silent: &[&str]) -> Vec<(Weight, String, String)> {
    let silent = silent.iter().map(|name| (server(name), "no answer".to_owned())).collect();
    let all = check(&ChangeViews { servers: views, silent });
    all.into_iter().map(|one| (one.weight, one.code, one.object)).collect()
}

fn one(weight: Weight, code: &str, object: &str) -> (Weight, String, String) {
    (weight, code.to_owned(), object.to_owned())
}

#[test]
fn vectors_1_and_2_the_check_reports_what_is_one_way_and_what_is_no_clique() {
    let a = view("acme1", &[("office", &["acme2:office"])]);
    let b = view("acme2", &[("office", &[])]);
    assert_eq!(found(vec![a, b.clone()], &[]), [one(Weight::Fault, "one-way", "acme1:office")]);
    let mesh = [
        view("acme1", &[("q", &["acme2:q"])]),
        view("acme2", &[("q", &["acme1:q", "acme3:Q"])]),
        view("acme3", &[("q", &["ACME2:#q"])]),
    ];
    assert_eq!(found(mesh.to_vec(), &[]), [one(Weight::Warning, "not-a-clique", "acme2:q")]);
    let full = [
        view("acme1", &[("q", &["acme2:q", "acme3:q"])]),
        view("acme2", &[("q", &["acme1:q", "acme3:q"])]),
        view("acme3", &[("q", &["acme1:q", "acme2:q"])]),
    ];
    assert!(found(full.to_vec(), &[]).is_empty());
    // Two queues of one server name each other without it.
    assert!(found(vec![view("acme1", &[("a", &["b"]), ("b", &["a"])])], &[]).is_empty());
}

#[test]
fn names_that_lead_nowhere_are_faults_and_a_server_that_is_silent_is_one_warning() {
    let all = |entry: &'static str| view("acme1", &[("office", std::slice::from_ref(Box::leak(Box::new(entry))))]);
    assert_eq!(found(vec![all("other")], &[]), [one(Weight::Fault, "no-such-queue", "acme1:office")]);
    assert_eq!(found(vec![all("acme9:q")], &[]), [one(Weight::Fault, "no-such-server", "acme1:office")]);
    assert_eq!(found(vec![all("acme2:q")], &["acme2"]), [one(Weight::Warning, "unreachable", "acme2")]);
    let mut alone = view("acme1", &[("office", &[])]);
    alone.stations.push(StationFacts { name: "hall".into(), printers: vec!["LP9".into()], shows_all: true });
    alone.unreached.push((server("acme2"), "refused".into()));
    let said = [
        one(Weight::Fault, "no-such-printer", "acme1:hall"),
        one(Weight::Warning, "shows-all", "acme1:hall"),
        one(Weight::Warning, "unreachable", "acme1"),
    ];
    assert_eq!(found(vec![alone], &[]), said);
}

#[test]
fn one_number_that_two_parts_have_issued_is_a_warning() {
    let (mut a, mut b) = (view("acme1", &[]), view("acme2", &[]));
    a.history = vec![generation(1, None), generation(2, None)];
    b.history = a.history.clone();
    assert!(found(vec![a.clone(), b.clone()], &[]).is_empty());
    b.history[1].by = server("acme2");
    assert_eq!(found(vec![a, b], &[]), [one(Weight::Warning, "issued-apart", "acme2")]);
}

#[test]
fn attributes_and_drivers_that_differ_within_a_pool_are_warnings() {
    let printer = |name: &str, valid: &[&str], driver: Option<&str>| PrinterFacts {
        name: name.to_owned(),
        queues: vec!["q".into()],
        valid: valid.iter().map(|one| (*one).to_owned()).collect(),
        driver: driver.map(str::to_owned),
    };
    let pair = |one: PrinterFacts, other: PrinterFacts| {
        let (mut a, mut b) = (view("acme1", &[("q", &["acme2:q"])]), view("acme2", &[("q", &["acme1:q"])]));
        a.printers.push(one);
        b.printers.push(other);
        found(vec![a, b], &[])
    };
    let (a4, letter) = (printer("p", &["A4", "duplex"], Some("pcl6")), printer("r", &["letter"], Some("pcl6")));
    assert_eq!(pair(a4.clone(), letter), [one(Weight::Warning, "attributes-differ", "acme1:q")]);
    // The same in other words and another order.
    assert!(pair(a4.clone(), printer("r", &["duplex", "media=a4"], Some("PCL6"))).is_empty());
    let other = printer("r", &["A4", "duplex"], Some("postscript"));
    assert_eq!(pair(a4, other), [one(Weight::Warning, "drivers-differ", "acme1:q")]);
    let (mut a, b) = (view("acme1", &[("q", &["acme2:q"])]), view("acme2", &[("q", &["acme1:q"])]));
    a.queues[0].secure = false;
    assert_eq!(found(vec![b, a], &[]), [one(Weight::Warning, "direct", "acme2:q")]);
}
