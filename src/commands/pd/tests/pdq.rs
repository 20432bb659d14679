use crate::commands::pd::testing::{Answer, Fake, World, held, job, run, with};
use crate::commands::pd::verbs::pdq::run as pdq;
use crate::model::job::JobStatus;
use crate::model::location::Destination;
use crate::model::state::JobState;

/// A job that waits, one of somebody else, a held one, one in another queue, one that prints.
fn queue() -> Fake {
    let foreign = JobStatus { user_name: "bob@elsewhere".into(), name: "bob's".into(), ..job(2) };
    let elsewhere = JobStatus { destination: Destination::Group("OTHER".parse().unwrap()), ..held(4) };
    let printing = JobStatus { state: JobState::Printing, devices: vec!["LP1".parse().unwrap()], ..job(5) };
    with(vec![job(1), foreign, held(3), elsewhere, printing])
}

fn list(line: &str) -> Answer {
    run(&queue(), pdq, line)
}

/// The names of the jobs that are listed.
fn names(line: &str) -> String {
    let answer = list(&format!("-g -j -r job-name -s line {line}"));
    assert_eq!((answer.exit as u8, answer.err.as_str()), (0, ""), "{line}");
    answer.out.replace("job-name = ", "").replace('\n', " ").trim_end().to_owned()
}

#[test]
fn a_logical_destination_stands_for_its_whole_queue() {
    for name in ["office.front", "front", "acme1:front"] {
        assert_eq!(names(&format!("-d {name}")), "letter1.ps letter3.ps letter5.ps", "{name}");
    }
    assert_eq!(names("-U -d front"), "letter1.ps bob's letter3.ps letter5.ps");
    assert_eq!(names("-F -f job-hold==true -p front"), "letter1.ps bob's letter3.ps letter5.ps");
    assert_eq!(names("-U -f job-hold==true -d front"), "letter3.ps");
}

#[test]
fn an_actual_destination_shows_what_prints_and_what_comes_next() {
    for name in ["lp1", "$LP1", "acme1:lp1"] {
        assert_eq!(names(&format!("-d {name}")), "letter5.ps letter1.ps", "{name}");
    }
    assert_eq!(names("-U -d lp1"), "letter5.ps letter1.ps bob's");
    assert_eq!(names("-U -f job-name*=.ps -d lp1"), "letter5.ps letter1.ps");
    assert_eq!(names("-U -f current-job-state==processing -d lp1"), "letter5.ps");
    insta::assert_snapshot!(list("-U -d lp1"));
}

#[test]
fn jobs_and_the_usual_destination() {
    assert_eq!(names("1 acme1:1021904403"), "letter1.ps letter3.ps");
    let world = World { env: vec![("PDPRINTER", "front")], ..World::default() };
    let answer = world.run(Box::new(queue()), pdq, "-g -j -r job-name -s line");
    assert_eq!(answer.out.lines().count(), 3);
    let answer = world.run(Box::new(queue()), pdq, "--json -r job-client-id -j");
    assert_eq!(answer.out, "[\n{\"job-client-id\":1},\n{\"job-client-id\":3},\n{\"job-client-id\":5}\n]\n");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_shown() {
    let lines = [
        "",
        "-d ¦1",
        "-d¦",
        "-d front 1",
        "acme1:",
        "front",
        "-d nosuch",
        "-d $nosuch",
        "-d other:front",
        "2",
        "9",
        "-d front -x copy-count=2",
        "-d front --json -s line",
        "-d front -c job",
    ];
    let shown: Vec<String> = lines.iter().map(|line| format!("> {line}\n{}", list(line))).collect();
    insta::assert_snapshot!(shown.join("\n"));
}
