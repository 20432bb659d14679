//! Every test of the real programs, in one program: one link instead of one for each file.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test ends where it finds a fault")]

mod access_attributes;
mod add;
mod alter;
mod at_rest;
mod attribute_strings;
mod attributes;
mod backup;
mod banks;
mod both_ways;
mod boundaries;
mod change_control;
mod circumstances;
mod collectors;
mod command_files;
mod command_language;
mod completion;
mod corruption;
mod crowd;
mod device_actions;
mod device_cures;
mod device_life;
mod device_queue;
mod document_format;
mod documents;
mod door_formats;
mod dump_config;
mod fastcnfg;
mod fastcnfg_check;
mod fastcnfg_text;
mod figures;
mod first_hour;
mod formats;
mod from_cups;
mod fsck;
mod full_disk;
mod generated;
mod ground;
mod header_pages;
mod health;
mod hold;
mod host_systems;
mod hostile;
mod independent;
mod infoprint_jobs;
mod infoprint_rows;
mod infoprint_site;
mod ipp_text;
mod json;
mod keeper;
mod kills;
mod layout;
mod linked;
mod lives;
mod lp;
mod moving;
mod neighbours;
mod night_desk;
mod notification;
mod nth_call;
mod objects;
mod odd_arguments;
mod odd_names;
mod old_spools;
mod open_jobs;
mod opens;
mod order;
mod packaging;
mod page_select;
mod pd_classes;
mod pd_lint;
mod pd_manners;
mod pd_verbs;
mod peer_frames;
mod powerloss;
mod print_process;
mod printer_features;
mod printers;
mod prompt;
mod queue_bounds;
mod queue_model;
mod repeating;
mod reprints;
mod rooms;
mod schedulers;
mod secure_release;
mod servers;
mod shown;
mod site_check;
mod site_files;
mod sockets;
mod spoolers;
mod starved;
mod store_rules;
mod submission_socket;
mod support;
mod syncs;
mod titles;
mod transforms;
mod transports;
mod twenty_questions;
mod two_languages;
mod unit;
mod unrecorded;
mod waits;
mod ways_out;
mod who_is_alive;
mod who_starts;

/// A file that no `mod` line names would never run.
#[test]
fn no_file_of_tests_is_forgotten() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let named: Vec<&str> =
        include_str!("suite.rs").lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let mut forgotten = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let is_module = path.extension().is_some_and(|end| end == "rs") || path.join("mod.rs").exists();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if is_module && stem != "suite" && !named.contains(&stem.as_str()) {
            forgotten.push(stem);
        }
    }
    assert!(forgotten.is_empty(), "tests/suite.rs lacks: {forgotten:?}");
}
