//! The orders of actual destinations, through the real programs.

use crate::support::Site;

/// A queue with one printer, which is a file, and a logical destination.
fn site() -> Site {
    let site = Site::new();
    site.run("pdcreate", &["-c", "queue", "acme1:q"]).expect(0);
    let given = format!(
        "destination-realization=actual associated-queue=q device-uri=file://{}",
        site.files.path().join("paper").display()
    );
    site.run("pdcreate", &["-x", &given, "acme1:ad"]).expect(0);
    site.run("pdcreate", &["-x", "destination-realization=logical associated-queue=q", "acme1:ld"]).expect(0);
    site.run("pdenable", &["ld"]).expect(0);
    site
}

/// Submits a document that says its name on so many pages.
fn submit(site: &Site, name: &str, pages: usize, given: &str) {
    let file = site.document(name, format!("{name}\n\x0c").repeat(pages).as_bytes());
    let mut args = vec!["-d", "ld", "-t", name];
    if !given.is_empty() {
        args.extend(["-x", given]);
    }
    args.push(file.to_str().unwrap());
    site.run("pdpr", &args).expect(0);
}

/// The names on the paper, in order.
fn printed(site: &Site) -> Vec<String> {
    site.run("pdenable", &["ad"]).expect(0);
    site.wait_until_empty();
    let text = std::fs::read_to_string(site.files.path().join("paper")).unwrap();
    let mut names: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    names.dedup();
    names
}

fn names(site: &Site, destination: &str) -> Vec<String> {
    let said = site.run("pdq", &["-U", "-g", "-s", "column", "-r", "job-name", "-d", destination]).expect(0).out;
    said.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_destination_goes_by_deadline_and_then_by_length() {
    let site = site();
    let order = "scheduler-sort-primary-order=deadline scheduler-sort-secondary-order=longest-job-first";
    site.run("pdset", &["-x", order, "ad"]).expect(0);
    let shown = site.run(
        "pdls",
        &["-c", "dest", "-g", "-s", "line", "-r", "scheduler-sort-primary-order,scheduler-sort-secondary-order", "ad"],
    );
    let shown = shown.expect(0).out;
    assert!(shown.contains("deadline") && shown.contains("longest-job-first"), "{shown}");
    site.run("spoolcom", &["DEV ad, STATUS DETAIL"]).expect(0).says("OFF (deadline, longest-job-first)");
    submit(&site, "short", 1, "");
    submit(&site, "late", 1, "job-deadline-time='11:00:00 PM 12/31/2090'");
    submit(&site, "long", 5, "");
    submit(&site, "soon", 1, "job-deadline-time='11:00:00 PM 12/30/2090'");
    submit(&site, "urgent", 1, "job-priority=90");
    let wanted = ["soon", "late", "long", "short", "urgent"];
    assert_eq!(names(&site, "ad"), wanted);
    // Another deadline takes nobody's place among those that are alike.
    let late =
        site.run("pdq", &["-U", "-g", "-s", "column", "-r", "job-identifier", "-f", "job-name==late", "-d", "ld"]);
    site.run("pdmod", &["-x", "job-deadline-time='11:00:00 PM 12/29/2090'", late.expect(0).out.trim()]).expect(0);
    let wanted = ["late", "soon", "long", "short", "urgent"];
    assert_eq!(names(&site, "ad"), wanted);
    assert_eq!(printed(&site), wanted);
}

#[test]
fn an_order_is_set_of_a_disabled_destination_and_fifo_of_spoolcom_sets_it_anew() {
    let site = site();
    site.run("pdenable", &["ad"]).expect(0);
    site.run("pdset", &["-x", "scheduler-sort-primary-order=deadline", "ad"]).expect(1).says("is enabled");
    site.run("pddisable", &["ad"]).expect(0);
    site.run("pdset", &["-x", "scheduler-sort-primary-order=sausage", "ad"]).expect(2);
    site.run("pdset", &["-x", "scheduler-sort-primary-order=longest-job-first", "ad"]).expect(0);
    submit(&site, "one", 1, "");
    submit(&site, "two", 2, "");
    assert_eq!(names(&site, "ad"), ["two", "one"]);
    site.run("spoolcom", &["DEV ad, FIFO ON"]).expect(0);
    assert_eq!(names(&site, "ad"), ["one", "two"]);
    site.run("pdset", &["-x", "scheduler-sort-primary-order=shortest-job-first", "ad"]).expect(0);
    site.run("pdset", &["-x", "scheduler-sort-primary-order==", "ad"]).expect(0);
    assert_eq!(printed(&site), ["one", "two"]);
}
