//! Media, default jobs, default documents and logs of an InfoPrint site through the real programs.

use crate::support::Site;

fn site() -> Site {
    let mut site = Site::new();
    site.env.push(("PD_CONFIRM_DELETE", "no"));
    site.run("pdcreate", &["-c", "queue", "acme1:q"]).expect(0);
    for name in ["ld", "plain-ld"] {
        let given = "destination-realization=logical associated-queue=q";
        site.run("pdcreate", &["-x", given, &format!("acme1:{name}")]).expect(0);
    }
    site
}

#[track_caller]
fn ok(site: &Site, program: &str, words: &[&str]) {
    let said = site.run(program, words).expect(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""), "{program} {words:?}");
}

/// Submits a document and returns the values of these attributes, job attributes first, as lines `name=value`.
#[track_caller]
fn submitted(site: &Site, words: &[&str], attributes: &str) -> Vec<String> {
    let file = site.document("doc.txt", b"x");
    let more = [words, &["-r", "job-identifier", "-s", "line", file.to_str().unwrap()]].concat();
    let id = site.run("pdpr", &more).expect(0).out.trim().rsplit(" = ").next().unwrap().to_owned();
    let shown = site.run("pdls", &["-U", "-s", "line", "-r", attributes, &id]).expect(0).out;
    shown.lines().map(|line| line.split_once(": ").unwrap().1.replacen(" = ", "=", 1)).collect()
}

#[test]
fn what_a_submitter_does_not_say_comes_from_default_jobs_and_documents() {
    let site = site();
    let (job, document) = ("initial-value-job", "initial-value-document");
    ok(
        &site,
        "pdcreate",
        &["-c", job, "-x", "job-priority=30 job-comment='of the house' job-hold=true", "acme1:house"],
    );
    ok(
        &site,
        "pdcreate",
        &["-c", job, "-x", "job-priority=20 job-retention-period=0:30 descriptor=urgent", "acme1:mine"],
    );
    ok(&site, "pdcreate", &["-c", document, "-x", "copy-count=3 sides=2", "acme1:duplex"]);
    let names = "destination-initial-value-job=house destination-initial-value-document=duplex";
    ok(&site, "pdset", &["-x", names, "ld"]);
    ok(&site, "pdenable", &["ld", "plain-ld"]);

    let attributes = "job-priority job-comment job-hold job-retention-period copy-count sides";
    // What the destination says.
    let shown = submitted(&site, &["-d", "ld"], attributes);
    assert_eq!(shown[..3], ["job-priority=30", "job-comment=of the house", "job-hold=true"]);
    assert_eq!(shown[shown.len() - 2..], ["copy-count=3", "sides=2"]);
    // What the submission names comes first, and the destination gives the rest.
    let shown = submitted(&site, &["-d", "ld", "-x", "initial-value-job=mine"], attributes);
    assert!(shown.contains(&"job-priority=20".to_owned()), "{shown:?}");
    assert!(shown.contains(&"job-comment=of the house".to_owned()), "{shown:?}");
    assert!(shown.contains(&"job-retention-period=0:30".to_owned()), "{shown:?}");
    // What the submitter says comes before both.
    let given = "initial-value-job=mine job-priority=40 job-hold=false copy-count=1";
    let shown = submitted(&site, &["-d", "ld", "-x", given], attributes);
    assert!(shown.contains(&"job-priority=40".to_owned()) && shown.contains(&"job-hold=false".to_owned()), "{shown:?}");
    assert!(shown.contains(&"copy-count=1".to_owned()) && shown.contains(&"sides=2".to_owned()), "{shown:?}");
    // Another destination gives nothing.
    let shown = submitted(&site, &["-d", "plain-ld"], "job-priority copy-count");
    assert_eq!(shown, ["job-priority=50", "copy-count=1"]);

    // It can be altered, and holds for the jobs that follow.
    ok(&site, "pdset", &["-c", job, "-x", "job-priority=10 job-comment==", "house"]);
    let shown = submitted(&site, &["-d", "ld"], "job-priority job-comment");
    assert_eq!(shown[0], "job-priority=10");
    assert!(!shown.iter().any(|line| line.contains("of the house")), "{shown:?}");

    // What is named must be there, and what is referred to stays.
    let file = site.document("doc.txt", b"x");
    let lost = ["-d", "ld", "-x", "initial-value-job=nobody", file.to_str().unwrap()];
    site.run("pdpr", &lost).expect(1).says("cannot find initial-value-job nobody");
    site.run("pddelete", &["-c", job, "house"]).expect(1).says("still has destination ld");
    ok(&site, "pdset", &["-x", "destination-initial-value-job==", "ld"]);
    ok(&site, "pddelete", &["-c", job, "house"]);
    ok(&site, "pddisable", &["ld"]);
    ok(&site, "pdset", &["-x", "destination-initial-value-job=house", "ld"]);
    site.run("pdenable", &["ld"]).expect(1).says("cannot find initial-value-job house");
}

#[test]
fn default_jobs_are_listed_and_made_again_from_what_is_listed() {
    let site = site();
    let class = "initial-value-job";
    ok(
        &site,
        "pdcreate",
        &["-c", class, "-m", "for the night", "-x", "job-priority=30 job-comment='two words'", "acme1:house"],
    );
    let brief = site.run("pdls", &["-c", class, "-g", "acme1:"]).expect(0).out;
    assert_eq!(brief.split_whitespace().collect::<Vec<_>>(), ["house", "acme1"]);
    let shown =
        site.run("pdls", &["-c", class, "-s", "line", "-r", "job-priority job-comment message", "house"]).expect(0).out;
    assert_eq!(shown, "house: job-priority = 30\nhouse: job-comment = two words\nhouse: message = for the night\n");
    let found = site.run(
        "pdls",
        &["-c", class, "-g", "-s", "column", "-r", "initial-value-job-identifier", "-f", "job-priority>40", "acme1:"],
    );
    assert_eq!(found.expect(0).out, "");
    let archive = site.run("pdls", &["-c", class, "-r", "archive", "house"]).expect(0).out;
    let file = site.document("house.att", archive.as_bytes());
    ok(&site, "pdcreate", &["-c", class, "-X", file.to_str().unwrap(), "acme1:again"]);
    let again = site.run("pdls", &["-c", class, "-r", "archive", "again"]).expect(0).out;
    assert_eq!(again, archive.replacen("# house\n", "# again\n", 1));
    for (words, part) in [
        (&["-c", class, "-x", "job-identifier=x", "acme1:bad"][..], "no attribute"),
        (&["-c", class, "-x", "destination-name-requested=ld", "acme1:bad"], "no attribute"),
        (&["-c", class, "-x", "copy-count=2", "acme1:bad"], "no attribute"),
        (&["-c", class, "-x", "job-priority=200", "acme1:bad"], "200"),
        (&["-c", class, "bad"], "names no server"),
    ] {
        site.run("pdcreate", words).expect(2).says(part);
    }
    site.run("pdcreate", &["-c", class, "acme1:house"]).expect(1).says("exists already");
    site.run("pdls", &["-c", class, "nobody"]).expect(1).says("cannot find initial-value-job nobody");
    let json = site.run("pdls", &["-c", class, "--json", "acme1:"]).expect(0).out;
    let json: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!((json.len(), json[1]["job-priority"].as_u64()), (2, Some(30)));
}

#[test]
fn papers_are_checked_and_waited_for() {
    let site = site();
    let sink = site.sink();
    let actual = format!(
        "destination-realization=actual associated-queue=q device-uri=file://{} media-supported=letter legal my-paper \
         input-trays-medium=tray-1:letter",
        sink.display()
    );
    ok(&site, "pdcreate", &["-x", &actual, "acme1:ad"]);
    ok(&site, "pdenable", &["ad", "ld"]);
    let file = site.document("doc.txt", b"text\n");
    let file = file.to_str().unwrap();
    ok(&site, "pdcreate", &["-c", "medium", "-x", "medium-identifier=my-paper medium-color=blue", "acme1:letterhead"]);
    ok(&site, "pdcreate", &["-c", "medium", "acme1:legal"]);
    let shown = site
        .run("pdls", &["-c", "medium", "-s", "line", "-r", "medium-identifier medium-color", "acme1:"])
        .expect(0)
        .out;
    assert_eq!(
        shown,
        "legal:      medium-identifier = legal\nlegal:      medium-color =\n\
         letterhead: medium-identifier = my-paper\nletterhead: medium-color = blue\n"
    );
    // No printer has it: refused, and nothing is queued.
    let refused = site.run("pdpr", &["-d", "ld", "-x", "default-medium=A3", file]).expect(1);
    assert!(
        refused.err.starts_with("pdpr: 9100-207 default-medium: A3 is not supported by destination ld"),
        "{refused:?}"
    );
    assert!(refused.err.contains("legal, letter, my-paper"), "{refused:?}");
    // It is loaded: printed.
    site.run("pdpr", &["-d", "ld", "-x", "default-medium=letter", file]).expect(0);
    site.wait_until_empty();
    // Supported and not loaded: it waits until somebody loads it. A medium is named by its name, too.
    site.run("pdpr", &["-d", "ld", "-x", "default-medium=letterhead", file]).expect(0);
    let why = site.run("pdls", &["-g", "-s", "line", "-j", "-r", "form why", "acme1:"]).expect(0).out;
    assert!(why.contains("form = my-paper"), "{why}");
    ok(&site, "pddisable", &["ad"]);
    site.wait_for("it is disabled", || {
        site.run("pdset", &["-x", "input-trays-medium=tray-1:my-paper", "ad"]).status == 0
    });
    ok(&site, "pdenable", &["ad"]);
    site.wait_until_empty();
    // A logical destination restricts papers itself.
    ok(&site, "pdset", &["-x", "media-supported=letter", "ld"]);
    site.run("pdpr", &["-d", "ld", "-x", "default-medium=legal", file])
        .expect(1)
        .says("not supported by destination ld");
    ok(&site, "pdset", &["-x", "media-supported==", "ld"]);
    // The server may take what nobody prints.
    ok(&site, "pdset", &["-c", "server", "-x", "accept-unsupported-jobs=true", "acme1"]);
    site.run("pdpr", &["-d", "ld", "-x", "default-medium=A3", "-t", "large", file]).expect(0);
    let large = [
        "-U",
        "-j",
        "-g",
        "-s",
        "line",
        "-r",
        "current-job-state,required-resources-not-supported",
        "-f",
        "job-name==large",
    ];
    let shown = site.run("pdls", &large).expect(0).out;
    assert_eq!(shown, "current-job-state = held\nrequired-resources-not-supported = default-medium=A3\n");
    // Whoever wants it all the same gets it.
    let number = ["-U", "-j", "-g", "-s", "column", "-r", "job-number", "-f", "job-name==large"];
    let number = site.run("pdls", &number).expect(0).out;
    site.spoolcom(&format!("JOB {}, START", number.trim()));
    site.wait_until_empty();
    ok(&site, "pddelete", &["-c", "medium", "letterhead"]);
    site.run("pdls", &["-c", "medium", "letterhead"]).expect(1).says("cannot find medium letterhead");
}

#[test]
fn logs_are_listed_and_other_classes_say_what_to_do() {
    let site = site();
    ok(&site, "pdset", &["-c", "server", "-x", "log-accounting-data=true", "acme1"]);
    let actual =
        format!("destination-realization=actual associated-queue=q device-uri=file://{}", site.sink().display());
    ok(&site, "pdcreate", &["-x", &actual, "acme1:ad"]);
    let logs = site
        .run("pdls", &["-c", "log", "-g", "-s", "column", "-r", "log-name log-type enabled", "acme1:"])
        .expect(0)
        .out;
    let rows: Vec<Vec<&str>> = logs.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..1], ["fastp.log"]);
    assert!(rows.iter().any(|row| row[..] == ["ad.accounting.log", "accounting", "true"]), "{logs}");
    let file =
        site.run("pdls", &["-c", "log", "-g", "-s", "line", "-r", "log-file-name", "ad.accounting.log"]).expect(0).out;
    assert!(file.trim().ends_with("accounting.logs/ad.accounting.log.v1"), "{file}");
    site.run("pdls", &["-c", "log", "nothing.log"]).expect(1).says("cannot find log nothing.log");
    site.run("pdcreate", &["-c", "log", "acme1:x"]).expect(2).says("no class log");
    for (class, instead) in
        [("auxiliary-sheet", "device-header"), ("resource-context", "AFP"), ("transform", "convert")]
    {
        for program in ["pdcreate", "pdls", "pddelete", "pdset"] {
            site.run(program, &["-c", class, "acme1:x"]).expect(2).says(instead);
        }
    }
}
