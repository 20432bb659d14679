//! The attributes and flags of InfoPrint, name by name: each is known here, or belongs to AFP printing and says so, or stands in
//! `docs/migrating-infoprint.md` with what to do instead.

use std::collections::BTreeSet;

use spoolsuite::commands::pd::verbs::VERBS;

use crate::support::{DEADLINE, Site, finish, program};

/// Attributes with their old names, by what has them.
#[rustfmt::skip]
const ATTRIBUTES: &[(&[&str], &str)] = &[
    (&["job"], "\
        job-identifier job-client-id local-id job-name job-owner owner job-originator user-name job-comment comment \
        job-message-from-administrator name-of-last-accessor number-of-documents initial-value-job \
        destination-name-requested printer-name-requested actual-destinations-requested physical-printers-requested \
        destination-locations-requested printer-locations-requested locations-requested destination-models-requested \
        printer-models-requested models-requested queue-assigned destinations-assigned printers-assigned \
        destinations-used job-batch job-hold hold job-print-after print-after job-priority job-deadline-time \
        deadline-in-jeopardy estimated-completion-time job-discard-time discard-time job-retention-period \
        retention-period job-retain-until retain-forever retained-time job-scheduling job-start-wait job-start-message \
        start-message job-end-message end-message job-message-to-operator message-to-operator results-profile \
        total-job-octets job-page-count sheet-range auxiliary-sheet-selection job-finishing current-job-state job-state \
        previous-job-state previous-state job-state-reasons state-reasons reasons required-resources-not-ready \
        required-resources-not-supported creation-time modification-time promotion-time submission-time \
        started-printing-time completion-time processing-time intervening-jobs position-in-queue queue-position \
        octets-completed pages-completed job-copies-completed media-sheets-completed job-submission-complete job-log"),
    (&["document"], "\
        document-content document-file-name document-name document-sequence-number transfer-method document-type type \
        document-format format octet-count page-count copy-count copies page-select default-medium \
        destination-pass-through printer-pass-through other-options sides plex number-up content-orientation \
        default-input-tray input-tray-select output-bin page-media-select document-finishing print-quality \
        document-comment initial-value-document document-state copies-completed"),
    (&["logical", "actual"], "\
        destination-name printer-name destination-realization associated-server associated-queue enabled message \
        descriptor notification-profile destination-locations destination-model"),
    (&["logical"], "\
        destination-initial-value-job destination-initial-value-document authorize-jobs hot-folder-directory \
        hot-folder-poll-method hot-folder-poll-interval destinations-ready printers-ready document-formats-supported \
        media-supported maximum-copies-supported auxiliary-sheet-selections-supported job-size-range-supported \
        image-out-formats-supported"),
    (&["actual"], "\
        destination-state printer-state device-state problem-message accept-jobs force-destination-setup \
        force-printer-setup pull-print-printer maximum-concurrent-jobs automated-backup-destination-enabled \
        backup-destinations backup-destination-retry-interval schedulers-supported scheduler-sort-primary-order \
        scheduler-sort-secondary-order document-formats-supported media-supported media-ready input-trays-medium \
        job-size-range-supported job-page-range-supported file-size-range-supported maximum-copies-supported \
        job-batches-supported job-attributes-supported job-start-wait-supported start-message-supported \
        end-message-supported auxiliary-sheet-selections-supported destination-support-system attachment-type \
        destination-tcpip-internet-address printer-tcpip-internet-address destination-tcpip-port-number \
        connection-timeout destination-timeout-period timeout-period printer-timeout-period \
        destination-register-threshold printer-register-threshold register-threshold destination-command printer-command \
        attribute-map print-queue-name print-queue wait-for-job-completion wait-for-job-completion-snmp-timeout \
        destination-poll-interval use-snmp snmp-active printer-start-sheet printer-end-sheet notify-operator \
        dss-job-message-disposition log-accounting-data additional-accounting-log-attributes accounting-log-version"),
    (&["queue"], "\
        queue-name associated-server queue-state queue-type assign-to-destination assign-to-printer requeue-failed-jobs \
        backlog-upper-bound backlog-lower-bound backlog-update-interval queue-backlog backlogged notification-profile \
        notify-operator message descriptor"),
    (&["server"], "\
        server-name server-state accept-unsupported-jobs log-accounting-data additional-accounting-log-attributes \
        accounting-log-version pull-print-job-timeout pull-print-timeout security-level job-attributes-supported \
        job-states-supported destination-states-supported events-supported notification-profile job-submission-timer \
        printer-register-threshold transfer-methods-supported job-completion-period \
        hold-jobs-interrupted-by-printer-failure modify-individual-document-supported multiple-documents-supported \
        cancel-individual-document-supported locale locales-supported object-class-supported"),
];

/// The flags of each command.
const FLAGS: &[(&str, &str)] = &[
    ("pdpr", "H d p f l n N r s t x X Z"),
    ("pdls", "H c A f F g j r s U x X"),
    ("pdq", "H f d p F g j r s U x X"),
    ("pdmod", "H g m n r s t x X"),
    ("pdset", "H c g m r s x X"),
    ("pdrm", "H m r x X"),
    ("pdresubmit", "H c g i r s x X"),
    ("pdreorder", "H a b p s u m x X"),
    ("pdpromote", "H m x X"),
    ("pdpause", "H c j m w x X"),
    ("pdresume", "H c m x X"),
    ("pdenable", "H c m x X"),
    ("pddisable", "H c m x X"),
    ("pdcreate", "H c g m r s x X"),
    ("pddelete", "H c m r x X"),
    ("pdclean", "H c m x X"),
    ("pdshutdown", "H c m w x X s"),
    ("pddeviceop", "H c m t x X"),
    ("startsrv", "c F l p"),
    ("pdcrdflt", "c"),
];

/// Programs and flags that are not here.
const ELSEWHERE: &[&str] = &[
    "start_server",
    "pdmigpp",
    "pdinitports",
    "pdwsinitports",
    "startippgw",
    "pdpause -n",
    "all-device",
    "PDIDTABLE",
    "PD_DATE_FORMAT",
    "pdserver.conf",
    "security-level",
    "hot-folder-directory",
];

fn documented(what: &str) -> bool {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrating-infoprint.md");
    let page = std::fs::read_to_string(page).unwrap();
    page.contains(&format!("`{what}`"))
}

#[test]
fn every_attribute_is_known_or_says_what_to_do_instead() {
    let site = Site::new();
    site.run("pdcreate", &["-c", "queue", "acme1:q"]).expect(0);
    let actual = "destination-realization=actual associated-queue=q device-uri=null:";
    site.run("pdcreate", &["-x", actual, "acme1:ad"]).expect(0);
    site.run("pdcreate", &["-x", "destination-realization=logical associated-queue=q", "acme1:ld"]).expect(0);
    site.run("pdenable", &["ld"]).expect(0);
    let file = site.document("a.txt", b"one\n");
    site.run("pdpr", &["-d", "ld", file.to_str().unwrap()]).expect(0);
    let mut missing = BTreeSet::new();
    for (objects, names) in ATTRIBUTES {
        for (object, name) in objects.iter().flat_map(|object| names.split(' ').map(move |name| (*object, name))) {
            let target: &[&str] = match object {
                "job" | "document" => &["-U", "1"],
                "logical" => &["-c", "destination", "ld"],
                "actual" => &["-c", "destination", "ad"],
                "queue" => &["-c", "queue", "q"],
                _ => &["-c", "server", "acme1"],
            };
            let said = site.run("pdls", &[&["-g", "-s", "line", "-r", name], target].concat());
            match said.status {
                0 => assert!(said.out.contains(" =") || said.out.is_empty(), "{object} {name}: {said:?}"),
                _ if said.err.contains("9100-003") => {}
                _ if documented(name) => {}
                _ => {
                    missing.insert(format!("{object} {name}: {}", said.err));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_flag_is_run_in_every_form_and_ends_as_it_should() {
    let site = Site::new();
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/infoprint/every-flag.sh");
    let mut command = std::process::Command::new("sh");
    site.dress(&mut command);
    let programs = program("pdls").parent().unwrap().to_path_buf();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(programs).chain(std::env::split_paths(&paths));
    command.env("PATH", std::env::join_paths(paths).unwrap()).env("PD_CONFIRM_DELETE", "no");
    command.arg(script).current_dir(site.files.path());
    let said = finish(command.spawn().unwrap(), 3 * DEADLINE).expect(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
}

#[test]
fn every_flag_is_one_here_or_stands_among_what_differs() {
    for (program, flags) in FLAGS {
        let verb = VERBS.iter().find(|verb| verb.name == *program).unwrap_or_else(|| panic!("{program} is missing"));
        let definition = (verb.definition)();
        let known: Vec<char> = definition.get_arguments().filter_map(clap::Arg::get_short).collect();
        for flag in flags.split(' ').filter_map(|flag| flag.chars().next()) {
            let aliased = definition
                .get_arguments()
                .any(|one| one.get_all_short_aliases().is_some_and(|all| all.contains(&flag)));
            assert!(known.contains(&flag) || aliased, "{program} -{flag}");
        }
    }
    for what in ELSEWHERE {
        assert!(documented(what), "{what} is not in docs/migrating-infoprint.md");
    }
}
