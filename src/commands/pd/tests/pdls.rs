use crate::commands::pd::testing::{Answer, document, held, job, run, with};
use crate::commands::pd::verbs::pdls::run as pdls;
use crate::model::job::{JobStatus, RawPath};
use crate::model::state::JobState;
use std::os::unix::ffi::OsStringExt;

fn three() -> Vec<JobStatus> {
    let printing = JobStatus {
        state: JobState::Printing,
        devices: vec!["LP1".parse().unwrap(), "LP22".parse().unwrap()],
        started_ms: Some(1_795_251_660_000),
        name: "two words\n日本".into(),
        intervening: Some(0),
        documents: vec![document(1), document(2)],
        ..job(1)
    };
    vec![printing, job(2), held(3)]
}

/// Runs `pdls`; whoever runs the test is called `ann@here`.
fn list(line: &str) -> Answer {
    let answer = run(&with(three()), pdls, line);
    Answer { out: answer.out.replace(&crate::sys::users::caller().identity(), "ann@here"), ..answer }
}

#[test]
fn brief_is_a_table() {
    insta::assert_snapshot!(list(""));
}

#[test]
fn verbose_of_one_job_has_its_documents_below() {
    insta::assert_snapshot!(list("-r verbose 1"));
}

#[test]
fn documents_of_several_jobs_are_told_apart() {
    insta::assert_snapshot!(list("1 2"));
}

#[test]
fn all_is_lines() {
    insta::assert_snapshot!(list("-r all 1021904401.2"));
}

#[test]
fn document_content_is_one_exact_line_a_document() {
    assert_eq!(
        list("-U -r document-content").out,
        "1021904401.1: document-content = /var/pd/acme1/pdpr7kQ2aX:acme1\n\
         1021904401.2: document-content = /var/pd/acme1/pdpr7kQ2aX:acme1\n\
         1021904402.1: document-content = /var/pd/acme1/pdpr7kQ2aX:acme1\n\
         1021904403.1: document-content = /var/pd/acme1/pdpr7kQ2aX:acme1\n"
    );
    for hidden in ["-r all", "-r verbose -s line", "--json", "--json -r all 1", "-s doccol"] {
        assert!(!list(hidden).out.contains("pdpr7kQ2aX"), "{hidden}");
    }
}

#[test]
fn several_values_stand_below_each_other_and_headings_can_go() {
    insta::assert_snapshot!(list("-g -r destinations-assigned 1"));
    insta::assert_snapshot!(list("-r d-a,j-s-r"));
    insta::assert_snapshot!(list("-s doccol"));
    insta::assert_snapshot!(list("-r document-content,intervening-jobs -s column 2"));
}

#[test]
fn json_is_an_array_of_objects_with_all_attributes() {
    let answer = list("--json 1 3");
    let value: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value[0]).unwrap());
    insta::assert_snapshot!(list("--json -r job-client-id,document-content,job-state-reasons 3"));
    insta::assert_snapshot!(list("-j --json -r brief 3"));
    assert_eq!(list("--json -f job-hold==true&&job-priority<3").out, "[]\n");
}

#[test]
fn a_path_that_is_not_text_keeps_its_octets_in_json() {
    let mut odd = job(1);
    odd.documents[0].path = RawPath(std::ffi::OsString::from_vec(b"/a\xff\nb".to_vec()).into());
    let fake = with(vec![odd]);
    let lines = run(&fake, pdls, "-r document-content");
    assert_eq!(lines.out, "1021904401.1: document-content = /a\u{fffd}\\nb:acme1\n");
    let json = run(&fake, pdls, "--json -r document-content");
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(value[0]["documents"][0]["document-content"]["path-octets"], "2f61ff0a62");
}

#[test]
fn more_than_a_thousand_jobs_ahead_are_not_counted() {
    let fake = with(vec![JobStatus { intervening: Some(1001), ..job(1) }]);
    assert_eq!(run(&fake, pdls, "-r intervening-jobs").out, "1021904401: intervening-jobs = 1000+\n");
    let json = run(&fake, pdls, "--json -r intervening-jobs").out;
    assert_eq!(json, "[\n{\"intervening-jobs\":1000,\"intervening-jobs-more\":true}\n]\n");
}

#[test]
fn own_jobs_unless_everybodys_are_asked_for() {
    let foreign = JobStatus { user_name: "bob@elsewhere".into(), ..job(2) };
    let fake = with(vec![job(1), foreign]);
    let count = |line: &str| run(&fake, pdls, line).out.lines().count();
    assert_eq!(count("-g"), 1);
    assert_eq!(count("-g -U"), 2);
    assert_eq!(count("-g -F -f job-name==x"), 2);
    assert_eq!(count("-g -U -f user-name=*bob"), 1);
    assert_eq!(count("-g -U -f user-name=*bob||user-name==*"), 2);
    insta::assert_snapshot!(run(&fake, pdls, "2"));
}

#[test]
fn what_is_not_there_is_reported_and_the_rest_is_listed() {
    insta::assert_snapshot!(list("-g 9 2 1.7 other: acme1:1021904499"));
    let answer = list("-f job-name==nosuch 2");
    assert_eq!((answer.out.as_str(), answer.err.as_str(), answer.exit as u8), ("", "", 0));
}

#[test]
fn destinations_queues_and_the_server() {
    insta::assert_snapshot!(list("-c dest"));
    insta::assert_snapshot!(list("-c destination -r all lp1 acme1:office.front #office"));
    insta::assert_snapshot!(list("-c destination front nosuch"));
    insta::assert_snapshot!(list("-c de -f destination-realization==actual&&associated-queue==office -r d-n"));
    insta::assert_snapshot!(list("-c queue"));
    insta::assert_snapshot!(list("-c queue --json #office offic"));
    insta::assert_snapshot!(list("-c server acme1:"));
    insta::assert_snapshot!(list("-c server acme2"));
}

#[test]
fn documents_are_listed_and_chosen_one_by_one() {
    let numbers = "-r document-sequence-number";
    let lines = |line: &str| list(&format!("-c document {numbers} {line}")).out;
    let second = "1021904401.2: document-sequence-number = 2\n";
    assert_eq!(lines("1"), format!("1021904401.1: document-sequence-number = 1\n{second}"));
    assert_eq!(lines("1.2"), second);
    // Another document of the same job fulfils the opposite.
    assert_eq!(lines("-U -f document-sequence-number>1"), second);
    assert_eq!(lines("-U -f !document-sequence-number==1"), second);
    assert_eq!(lines("-U -F -f document-sequence-number>1").lines().count(), 4);
    assert_eq!(
        lines("-U --json -f document-sequence-number==2"),
        "[\n{\"job-identifier\":\"acme1:1021904401\",\"document-sequence-number\":2}\n]\n"
    );
    insta::assert_snapshot!(list("-U -c document"));
    let faults = ["-j", "-s doccol", "--history", "-f job-name==x"];
    let said: Vec<String> = faults.iter().map(|line| list(&format!("-c document {line}")).to_string()).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn faults_of_the_command_line_show_nothing() {
    let lines = [
        "-c medium",
        "-c nosuch",
        "-r nosuch",
        "-s wide",
        "-f job-name",
        "-x copy-count=2",
        "--json -s line",
        "x y",
        "1 -q",
        "-c server -s doccol",
        "-x style",
        "-x filter==x",
        "-X nosuch",
        "-r ,",
    ];
    let shown: Vec<String> = lines.iter().map(|line| format!("> {line}\n{}", list(line))).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn command_attributes_are_flags_by_another_name() {
    assert_eq!(list("-x¦style=line requested-attributes=job-name headings=false¦2").out, "job-name = letter2.ps\n");
    assert_eq!(
        list("-x¦filter='job-name==letter2.ps' r-a=job-client-id r-a+=job-number s=line").out.lines().count(),
        2
    );
    assert_eq!(list("-r¦all -x¦requested-attributes=job-number¦2").out.lines().count(), 0);
    assert_eq!(list("-r¦all¦-x¦requested-attributes=job-number¦2").out, "1021904402: job-number = 2\n");
}

#[test]
fn long_listings_come_in_pages_with_one_heading() {
    let fake = with((1..=2500).map(job).collect());
    assert_eq!(run(&fake, pdls, "").out.lines().count(), 2503);
    let json: serde_json::Value = serde_json::from_str(&run(&fake, pdls, "--json").out).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2500);
}
