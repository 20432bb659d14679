//! The attributes of media, default jobs, default documents and logs: the third part of [`super::table`].
//!
//! A default job also has every attribute that can be given to a job, a default document those of a document: they are the
//! rows of jobs and documents themselves ([`is_initial_value`]).

use super::Class::{Door, InitialValueDocument, InitialValueJob, Log, Medium, Station, User};
use super::Kind::{Boolean, Integer, Keyword, Name, Text};
use super::Shown::Brief;
use super::row::{carried, kept, noted};
use super::{Attribute, Class, Settable};
use crate::model::bank::check_program;
use crate::model::door::{CLIENT_NAMES, LOG_ONS};
use crate::model::field::Field;
use crate::model::hours::check_hours;
use crate::model::printable::is_harmful;
use crate::model::secure::JOBS_SHOWN;
use crate::model::station::BANKS;

/// Kinds of doors.
pub const DOORS: &[&str] = &["lpd", "ipp", "raw", "directory"];
/// What is counted.
const COUNT: super::Kind = Integer(0, i64::MAX);

/// Kinds of logs.
pub const LOGS: &[&str] = &["error", "print-process", "accounting"];

/// Every attribute of their own, in the order in which displays show them.
#[rustfmt::skip]
pub static TABLE: &[Attribute] = &[
    noted(Medium, "medium-name", Name, &["Medium"], "its name").shown(Brief).decides(),
    carried(Medium, "medium-identifier", Text, &["Identifier"], "the word that jobs and trays use; its name unless given")
        .shown(Brief).decides(),
    carried(Medium, "medium-size", Text, &["Size"], "its size").shown(Brief),
    carried(Medium, "medium-color", Text, &["Color"], "its color").shown(Brief),
    carried(Medium, "medium-type", Text, &["Type"], "what it is made of").shown(Brief),
    carried(Medium, "medium-holes-count", Integer(0, 1000), &["Holes"], "holes punched in it"),
    kept(Medium, Field::AssociatedServer, Name, &["Server"], "its server"),
    carried(Medium, "descriptor", Text, &["Descriptor"], "what people call it"),
    carried(Medium, "message", Text, &["Message"], "what an operator said last"),

    noted(InitialValueJob, "initial-value-job-identifier", Name, &["Default", "Job"], "its name").shown(Brief).decides(),
    kept(InitialValueJob, Field::AssociatedServer, Name, &["Server"], "its server").shown(Brief),
    carried(InitialValueJob, "descriptor", Text, &["Descriptor"], "what people call it").shown(Brief),
    carried(InitialValueJob, "message", Text, &["Message"], "what an operator said last"),

    noted(InitialValueDocument, "initial-value-document-identifier", Name, &["Default", "Document"], "its name")
        .shown(Brief).decides(),
    kept(InitialValueDocument, Field::AssociatedServer, Name, &["Server"], "its server").shown(Brief),
    carried(InitialValueDocument, "descriptor", Text, &["Descriptor"], "what people call it").shown(Brief),
    carried(InitialValueDocument, "message", Text, &["Message"], "what an operator said last"),

    noted(Station, "station-name", Name, &["Station"], "its name").shown(Brief).decides(),
    carried(Station, "related-printers", Name, &["Printers"], "the printers where it releases, the one that is taken first before the others")
        .many().shown(Brief).decides().written(check_printer, None),
    carried(Station, "jobs-shown", Keyword(JOBS_SHOWN), &["Jobs", "Shown"],
        "owner: a person's own jobs; all: everybody's, of this server alone, for whoever is at the station").default("owner").shown(Brief).decides(),
    carried(Station, "bank", Keyword(BANKS), &["Bank"],
        "how people log on at its page (pdstation); pin: with a name and the PIN that pdset --pin has set; card: with a card; card-and-pin: with both; pam: with a name and the password of an account, as PAM knows it; program: as bank-program says; none: nobody does")
        .many().shown(Brief).decides(),
    carried(Station, "bank-program", Text, &["Bank", "Program"],
        "the program in libexec/spoolsuite that is asked who may log on, and who pays").decides().written(check_program, None),
    carried(Station, "bank-charges", Boolean, &["Bank", "Charges"],
        "whether bank-program is asked to debit each release").default("false").decides(),
    carried(Station, "log-off-after", Integer(10, 3600), &["Log Off", "After"],
        "seconds without a touch after which its page logs off").default("60").decides(),
    carried(Station, "access-times", Text, &["Access", "Times"],
        "the days and hours at which it may be used, as mon-fri 08:00-18:00, in the time zone of its server; none: always")
        .many().decides().written(check_hours, None),
    kept(Station, Field::AssociatedServer, Name, &["Server"], "its server"),
    carried(Station, "descriptor", Text, &["Descriptor"], "where it stands, in words").shown(Brief),
    carried(Station, "message", Text, &["Message"], "what an operator said last"),

    noted(User, "user-id", Text, &["User"], "the name by which he is known").shown(Brief).decides(),
    carried(User, "aliases", Text, &["Aliases"], "his other names, as name, DOMAIN\\name or name@domain").many().shown(Brief).decides()
        .written(check_person, None),
    carried(User, "delegates", Text, &["Delegates"], "who may release his jobs").many().shown(Brief).decides()
        .written(check_person, None),
    carried(User, "public-name", Text, &["Public", "Name"], "what stations that show the jobs of everybody call him; a made-up name unless given").decides()
        .written(check_public, None),
    kept(User, Field::AssociatedServer, Name, &["Server"], "the server that knows him"),
    carried(User, "descriptor", Text, &["Descriptor"], "who he is, in words").shown(Brief),
    carried(User, "message", Text, &["Message"], "what an operator said last"),

    noted(Log, "log-name", Name, &["Log"], "its name").shown(Brief).decides(),
    noted(Log, "log-type", Keyword(LOGS), &["Type"], "what is written there").shown(Brief).decides(),
    noted(Log, "log-file-name", Text, &["File"], "where it is").shown(Brief).decides(),
    kept(Log, Field::Enabled, Boolean, &["Enabled"], "whether something is written there").shown(Brief),
    kept(Log, Field::AssociatedServer, Name, &["Server"], "its server"),

    noted(Door, "door-name", Name, &["Door"], "its name").shown(Brief).decides(),
    noted(Door, "door-kind", Keyword(DOORS), &["Kind"], "the language of its senders").shown(Brief).decides(),
    noted(Door, "door-state", Text, &["State"], "what it does now, or why it does not").shown(Brief).decides(),
    noted(Door, "door-wish", Keyword(&["started", "drained"]), &["Wish"], "what an operator wants of it").decides(),
    noted(Door, "door-listen", Text, &["Listens"], "the addresses where it listens").many().shown(Brief).decides(),
    noted(Door, "door-directory", Text, &["Directory"], "the directory that it watches").shown(Brief).decides(),
    noted(Door, "door-destination", Text, &["Destination"], "where its jobs go, as DEST or NAME=DEST").many().shown(Brief).decides(),
    noted(Door, "door-jobs-accepted", COUNT, &["Accepted"], "jobs that came by it").shown(Brief).decides(),
    noted(Door, "door-jobs-refused", COUNT, &["Refused"], "jobs that it refused").shown(Brief).decides(),
    noted(Door, "door-jobs-unfinished", COUNT, &["Unfinished"], "jobs that began to arrive and did not").decides(),
    noted(Door, "door-connections-refused", COUNT, &["Turned", "Away"], "connections that it refused").decides(),
    noted(Door, "door-duplicates-announced", COUNT, &["Possible", "Duplicates"], "jobs that may repeat another one").decides(),
    noted(Door, "door-last-refusal", Text, &["Last", "Refusal"], "what it refused last, and why").decides(),
    noted(Door, "door-announced", Text, &["Announced"], "how its announcement on the network stands").decides(),
    noted(Door, "door-allow", Text, &["Allow"], "the networks from which somebody may connect").many().decides(),
    noted(Door, "door-trust-users", Text, &["Trust", "Users"], "the networks from which the name of a user is believed").many().decides(),
    noted(Door, "door-max-octets", COUNT, &["Most", "Octets"], "octets of the largest job").decides(),
    noted(Door, "door-max-connections", COUNT, &["Most", "Connections"], "connections at a time").decides(),
    noted(Door, "door-max-per-peer", COUNT, &["Most", "Per Peer"], "connections of one address at a time").decides(),
    noted(Door, "door-rate", COUNT, &["Rate"], "connections of one address in a minute").decides(),
    noted(Door, "door-timeout", COUNT, &["Timeout"], "seconds that a sender may be silent").decides(),
    noted(Door, "door-duplicates", Keyword(&["announce", "hold"]), &["Duplicates"], "what becomes of a job that may repeat another one").decides(),
    noted(Door, "door-banner", Boolean, &["Banner"], "whether a sender gets a banner if he wants one").decides(),
    noted(Door, "door-require-reserved", Boolean, &["Reserved", "Ports"], "whether senders need a port below 1024").decides(),
    noted(Door, "door-idle", COUNT, &["Idle"], "seconds of silence that end a job of a raw port; 0 = none do").decides(),
    noted(Door, "door-end-mark", Text, &["End", "Mark"], "octets that end a job of a raw port").many().decides(),
    noted(Door, "door-back-channel", Boolean, &["Back", "Channel"], "whether a raw port answers the first questions of drivers").decides(),
    noted(Door, "door-settle", COUNT, &["Settle"], "seconds that a closed file must be left alone").decides(),
    noted(Door, "door-poll", COUNT, &["Poll"], "seconds between two looks into a directory").decides(),
    noted(Door, "door-marker", Text, &["Marker"], "the end of the name of the file that says that another one is complete").decides(),
    noted(Door, "door-link", Boolean, &["Link"], "whether files are used where they are").decides(),
    noted(Door, "door-tls", Boolean, &["TLS"], "whether it speaks TLS with a certificate of its own").decides(),
    noted(Door, "door-tls-cert", Text, &["TLS", "Certificate"], "the file of its certificate").decides(),
    noted(Door, "door-tls-key", Text, &["TLS", "Key"], "the file of the key of its certificate").decides(),
    noted(Door, "door-dns-sd", Boolean, &["DNS", "SD"], "whether its destinations are announced on the network").decides(),
    noted(Door, "door-pam", Boolean, &["PAM"], "whether people log on with the password of an account, as PAM knows it").decides(),
    noted(Door, "door-client-ca", Text, &["Client", "CA"], "the file of the authorities whose certificates let people log on").decides(),
    noted(Door, "door-client-crl", Text, &["Client", "CRL"], "the file of the lists of those that were revoked").decides(),
    noted(Door, "door-client-name", Keyword(CLIENT_NAMES), &["Client", "Name"], "what of a certificate names the user").decides(),
    noted(Door, "door-log-on", Keyword(LOG_ONS), &["Log", "On"], "whether people have to log on, or may").decides(),
    kept(Door, Field::AssociatedServer, Name, &["Server"], "its server"),
    noted(Door, "descriptor", Text, &["Descriptor"], "what people call it"),
    noted(Door, "message", Text, &["Message"], "what an operator said last"),
];

/// Checks the name of a printer.
fn check_printer(name: &str) -> Result<(), String> {
    name.parse::<crate::model::DeviceName>().map(drop).map_err(|error| error.to_string())
}

/// Checks the name of a person.
fn check_person(name: &str) -> Result<(), String> {
    let realms = crate::model::identity::Realms { usual: "here".to_owned(), ..Default::default() };
    realms.identity(name).map(drop).ok_or_else(|| "it is a name, as ann, CORP\\ann or ann@corp.local".to_owned())
}

/// Checks the name by which others see a person.
fn check_public(name: &str) -> Result<(), String> {
    let fits = (1..=40).contains(&name.trim().chars().count()) && !name.chars().any(is_harmful);
    if fits { Ok(()) } else { Err("it has 1 to 40 characters".to_owned()) }
}

/// Attributes of jobs that no default job gives: they name one job, or where it goes.
const OF_ONE_JOB: &[Field] = &[Field::DestinationNameRequested, Field::JobOwner, Field::JobOriginator];
/// The same of those without a place of their own.
const OF_ONE_JOB_TOO: &[&str] =
    &["initial-value-job", "initial-value-document", "job-batch-id", "destination-initial-value-job"];

/// Returns whether default jobs, or default documents, have the attribute `row` of jobs or documents.
pub fn is_initial_value(class: Class, row: &Attribute) -> bool {
    let of = match class {
        InitialValueJob => Class::Job,
        InitialValueDocument => Class::Document,
        _ => return false,
    };
    row.class == of
        && row.settable != Settable::Never
        && !OF_ONE_JOB.contains(&row.field)
        && !OF_ONE_JOB_TOO.contains(&row.name())
}
