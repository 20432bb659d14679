//! The attributes of destinations, queues and the server: the second half of [`super::table`].
//!
//! One that decides something here has a function that reads it and one that sets it. Every other one is kept and shown, so
//! that what a site knows of its printers is not lost.

use super::Class::{Destination, Queue, Server};
use super::Kind::{Boolean, Duration, Integer, Keyword, Name, Range, Text};
use super::Shown::{All, Brief, ByName, Verbose};
use super::draft::Draft;
use super::getters::{destination_name, device_state, is_enabled, number, optional, plain, problem, text, texts};
use super::row::{carried, destination, queue, server};
use super::table::{FORMATS, JOB_STATES};
use super::{Attribute, NONE, Settable, Setter};
use crate::model::access::Access;
use crate::model::device::{AfterReset, DeviceChange, DeviceUri, Exclusive, check_form};
use crate::model::field::{Field, Value};
use crate::model::identity::{Realms, Rule};
use crate::model::job::Format;
use crate::model::location::{Destination as Sent, LocationStatus};
use crate::model::managed::Realization::{Actual, Logical};
use crate::model::notification::{EVENTS, check_operator, check_profile, profile_key};
use crate::model::order::SortBy;
use crate::model::secure::{RELEASE_TYPES, check_compatible, check_valid};
use crate::model::separation::{HeaderPages, StartFf};
use crate::model::state::SpoolerState;
use crate::model::transform::Transform;

/// The largest count or number.
const MAX: i64 = 2_147_483_647;
/// The largest count of octets.
const MAX_OCTETS: i64 = 9_223_372_036_854_775_800;

/// Values of `destination-state`.
pub const DESTINATION_STATES: &[&str] = &[
    "idle",
    "connecting-to-printer",
    "printing",
    "paused",
    "needs-attention",
    "needs-key-operator",
    "timed-out",
    "shutdown",
];

/// Orders of jobs.
const SCHEDULERS: &[&str] = &SortBy::WORDS;

/// Values of `auxiliary-sheet-selections-supported`.
const SHEETS: &[&str] = &["none", "start", "sep", "end", "start-sep", "start-end", "sep-end", "start-sep-end"];

/// Every attribute of destinations, queues and the server, in the order in which displays show them.
#[rustfmt::skip]
pub static TABLE: &[Attribute] = &[
    destination(Field::DestinationName, Name, Brief, &["Destination"], "its name").also(&["printer-name"])
        .logical(|l| location_name(l.location)).actual(|a| text(&a.device.name)),
    destination(Field::DestinationRealization, Keyword(&["logical", "actual"]), Brief, &["Realization"],
        "logical (jobs are sent to it) or actual (a device)")
        .also(&["printer-realization"]).values_also(&[("physical", "actual")]).managed(set_realization).initially()
        .logical(|_| text("logical")).actual(|_| text("actual")),
    destination(Field::DestinationState, Keyword(DESTINATION_STATES), Brief, &["State"],
        "what an actual destination is doing").also(&["printer-state"]).only(Actual).actual(|a| text(device_state(a))),
    destination(Field::Enabled, Boolean, Brief, &["Enabled"], "whether it takes jobs")
        .logical(|l| Value::Boolean(l.server.accepts && l.location.takes_jobs))
        .actual(|a| Value::Boolean(a.server.accepts && is_enabled(a.device))),
    destination(Field::AssociatedQueue, Name, Brief, &["Queue"], "the queue behind it").many().managed(set_queue)
        .logical(|l| text(&l.location.name.group)).actual(|a| texts(a.queues)),
    destination(Field::ProblemMessage, Text, Brief, &["Problem"],
        "why an actual destination does not print, and since when").only(Actual).actual(|a| problem(a.device)),
    destination(Field::PausePending, Keyword(&["after-current-job"]), All, &["Pause", "Pending"],
        "the pause that waits for the end of its job (pdpause -w)").only(Actual)
        .actual(|a| if a.device.pause_next { text("after-current-job") } else { NONE }),
    destination(Field::AssociatedServer, Name, All, &["Server"], "the server it belongs to")
        .logical(|l| text(l.server.name)).actual(|a| text(a.server.name)),
    carried(Destination, "message", Text, &["Message"], "what an operator last said of it, with -m"),
    carried(Destination, "descriptor", Text, &["Descriptor"], "what it is, in words"),
    carried(Destination, "destination-locations", Text, &["Locations"], "where it stands, in several words for one place")
        .many().also(&["printer-locations", "destination-location"]).decides(),
    carried(Destination, "destination-model", Text, &["Model"], "the model of the printer").also(&["printer-model"]).decides(),
    carried(Destination, "notification-profile", Text, &["Notification", "Profile"], "who is told of which events, and how").many()
        .decides().written(check_profile, Some(profile_key)),

    carried(Destination, "destination-initial-value-job", Name, &["Initial", "Value Job"], "the default job of a logical destination")
        .also(&["printer-initial-value-job"]).only(Logical).decides(),
    carried(Destination, "destination-initial-value-document", Name, &["Initial Value", "Document"],
        "the default document of a logical destination").also(&["printer-initial-value-document"]).only(Logical).decides(),
    carried(Destination, "authorize-jobs", Boolean, &["Authorize", "Jobs"], "whether a submitter needs a permission")
        .default("false").only(Logical),
    carried(Destination, "hot-folder-directory", Text, &["Hot Folder", "Directory"], "the directory whose files are submitted")
        .only(Logical),
    carried(Destination, "hot-folder-poll-method", Keyword(&["file-access-monitoring", "file-size-monitoring"]),
        &["Hot Folder", "Method"], "how it is seen that a file of the hot folder is complete").only(Logical),
    carried(Destination, "hot-folder-poll-interval", Integer(1, MAX), &["Hot Folder", "Interval"],
        "seconds between two looks into the hot folder").only(Logical),
    destination(Field::Access, Text, All, &["Access"], "who may do what with it: operation:user, operation:@group, operation:*")
        .many().managed(set_access).logical(|l| texts(l.location.access.values())).actual(|a| texts(a.device.access.values())),
    destination(Field::DestinationsReady, Name, All, &["Destinations", "Ready"],
        "the devices that print its jobs and are enabled and well").also(&["printers-ready"]).many().only(Logical)
        .logical(|l| texts(l.ready)),
    destination(Field::DestinationContent, Keyword(FORMATS), All, &["Content"],
        "what documents are that are sent to it, unless the submitter says it").values_also(Format::SYNONYMS)
        .managed(set_content).only(Logical)
        .logical(|l| l.location.content.map_or(NONE, |content| plain(content.keyword()))),
    destination(Field::FontName, Name, All, &["Font"], "the font whose job is sent ahead of its jobs, as spoolcom knows it")
        .only(Logical).logical(|l| l.location.font.as_ref().map_or(NONE, text)),

    destination(Field::DeviceUri, Text, All, &["Device", "URI"], "the address of a device, whatever leads to it").only(Actual)
        .managed(set_uri).actual(|a| a.device.settings.uri.as_ref().map_or(NONE, text)),
    destination(Field::DestinationHost, Text, All, &["Internet", "Address"], "the host of a device on the network")
        .also(&["printer-tcpip-internet-address"]).only(Actual).managed(set_host).actual(|a| match &a.device.settings.uri {
            Some(DeviceUri::Socket { host, .. }) => plain(host),
            _ => NONE,
        }),
    destination(Field::DestinationPort, Integer(1, 65535), All, &["Port"], "its port; 9100 unless given")
        .also(&["printer-tcpip-port-number"]).only(Actual).managed(set_port).actual(|a| match &a.device.settings.uri {
            Some(DeviceUri::Socket { port, .. }) => number(*port),
            _ => NONE,
        }),
    destination(Field::PrintProcess, Name, All, &["Print", "Process"], "the print process that drives a device").only(Actual)
        .managed(set_process).actual(|a| a.device.settings.process.as_ref().map_or(NONE, text)),
    carried(Destination, "destination-support-system",
        Keyword(&["AIX", "BSD", "CUPS", "DFE", "Email", "IPP", "Passthrough", "PSF", "Anyplace"]),
        &["Support", "System"], "the family of drivers it had elsewhere").only(Actual).initially(),
    carried(Destination, "attachment-type", Keyword(&["command", "other-driver", "tcpip", "upload-tcpip"]), &["Attachment"],
        "how it was attached elsewhere").only(Actual).initially(),
    carried(Destination, "print-queue-name", Text, &["Print", "Queue"], "the queue of the operating system that it had elsewhere")
        .also(&["print-queue"]).only(Actual).initially(),
    carried(Destination, "connection-timeout", Integer(0, 9999), &["Connection", "Timeout"],
        "seconds after which connecting was given up; 0 never").only(Actual),
    carried(Destination, "destination-timeout-period", Integer(0, MAX), &["Timeout", "Period"],
        "seconds after which a device that cannot be had is shown as timed-out; it is tried on").default("60").means_something()
        .also(&["timeout-period", "printer-timeout-period"]).only(Actual),
    carried(Destination, "destination-register-threshold", Duration, &["Register", "Threshold"],
        "time between two tries to register with the server of its queue").default("10")
        .also(&["printer-register-threshold", "register-threshold"]).only(Actual),
    carried(Destination, "destination-command", Text, &["Command"], "the command to which files were given elsewhere")
        .also(&["printer-command"]).only(Actual),
    carried(Destination, "attribute-map", Text, &["Attribute", "Map"], "attributes and the flags of the command").many().only(Actual),
    carried(Destination, "destination-poll-interval", Integer(0, MAX), &["Poll", "Interval"], "seconds between two looks at progress")
        .default("2").only(Actual),
    carried(Destination, "use-snmp", Boolean, &["Use", "SNMP"], "whether the device is asked how it is").default("false").only(Actual),
    carried(Destination, "snmp-active", Boolean, &["SNMP", "Active"], "whether the device answers how it is").default("false")
        .only(Actual).unsettable(),
    carried(Destination, "wait-for-job-completion", Boolean, &["Wait for", "Completion"],
        "whether a job is done when its paper is out").only(Actual),
    carried(Destination, "wait-for-job-completion-snmp-timeout", Integer(0, MAX), &["Completion", "Timeout"],
        "seconds after which the end of a job is no longer waited for").default("300").only(Actual),

    carried(Destination, "accept-jobs", Boolean, &["Accept", "Jobs"], "whether new jobs may be assigned to it").default("true")
        .only(Actual),
    carried(Destination, "force-destination-setup", Boolean, &["Force", "Setup"],
        "whether a job that does not fit disables it, instead of being held").default("false").also(&["force-printer-setup"])
        .only(Actual),
    carried(Destination, "pull-print-printer", Boolean, &["Pull", "Print"], "whether its jobs wait for their owners")
        .default("false").only(Actual),
    carried(Destination, "maximum-concurrent-jobs", Integer(1, 150), &["Concurrent", "Jobs"], "how many jobs it takes at once")
        .default("1").only(Actual),
    carried(Destination, "automated-backup-destination-enabled", Boolean, &["Backup", "Enabled"],
        "whether what waits for it alone goes to another device when it fails").default("false").only(Actual).decides(),
    carried(Destination, "backup-destinations", Name, &["Backup", "Destinations"],
        "the devices that take over, the first that is well and can print the job").many().only(Actual).decides(),
    carried(Destination, "backup-destination-retry-interval", Integer(1, 9999), &["Backup", "Interval"],
        "seconds for which it has to fail before its jobs go").default("60").only(Actual).decides(),

    destination(Field::SchedulersSupported, Keyword(SCHEDULERS), All, &["Schedulers", "Supported"], "orders of jobs").many()
        .only(Actual).actual(|_| texts(SCHEDULERS)),
    destination(Field::SchedulerPrimary, Keyword(SCHEDULERS), All, &["Primary", "Order"], "the order of its jobs")
        .default("job-priority").only(Actual).managed(set_primary).actual(|a| plain(a.device.settings.sort_by.word())),
    destination(Field::SchedulerSecondary, Keyword(SCHEDULERS), All, &["Secondary", "Order"],
        "the order of jobs that are alike in the primary order; what is alike in both is printed as it arrived")
        .only(Actual).managed(set_secondary).actual(|a| plain(a.device.settings.then_by().word())),
    carried(Destination, "document-formats-supported", Text, &["Formats", "Supported"],
        "formats of documents that it prints; jobs for others are refused").many().decides(),
    carried(Destination, "media-supported", Text, &["Media", "Supported"],
        "papers that it prints on; jobs for others are refused").many().decides(),
    destination(Field::InputTraysMedium, Text, All, &["Trays", "Medium"], "what lies in each tray, as tray:medium").many().only(Actual)
        .managed(set_trays).actual(|a| kept(&a.device.given, Field::InputTraysMedium)),
    destination(Field::InputTraysSupported, Text, All, &["Trays", "Supported"], "its trays").many().only(Actual)
        .actual(|a| trays(&a.device.given)),
    destination(Field::MediaReady, Text, All, &["Media", "Ready"],
        "papers that are loaded: jobs that want one of them, or none, are printed").many().only(Actual).kept_as_set()
        .actual(|a| texts(a.device.settings.papers())),
    destination(Field::Form, Text, All, &["Form"], "the form that is loaded, as spoolcom knows it").only(Actual).managed(set_form)
        .actual(|a| plain(a.device.settings.form.trim())),
    carried(Destination, "valid-attributes", Text, &["Valid", "Attributes"],
        "what released jobs may ask of it: papers and finishing, as A4, duplex, color, staple, collate; nothing = everything").many()
        .only(Actual).decides().written(check_valid, None),
    carried(Destination, "driver", Text, &["Driver"], "the driver for which its jobs are made").only(Actual),
    carried(Destination, "sides-supported", Integer(1, 2), &["Sides", "Supported"],
        "printed sides of a sheet; jobs for others are refused").many().decides(),
    carried(Destination, "plexes-supported", Keyword(&["simplex", "duplex", "tumble"]), &["Plexes", "Supported"],
        "one side, or two and how they turn; jobs for others are refused").many().decides(),
    carried(Destination, "output-bins-supported", Text, &["Bins", "Supported"],
        "where sheets can be put; jobs for others are refused").many().decides(),
    carried(Destination, "content-orientations-supported", Keyword(&["portrait", "landscape", "reverse-portrait", "reverse-landscape"]),
        &["Orientations", "Supported"], "how pages lie on the paper; jobs for others are refused").many().decides(),
    carried(Destination, "numbers-up-supported", Text, &["Numbers Up", "Supported"],
        "pages on one side of a sheet; jobs for others are refused").many().decides(),
    carried(Destination, "job-finishings-supported", Text, &["Job Finishings", "Supported"],
        "what is done with the output of a job; jobs for others are refused")
        .many().also(&["finishings-supported"]).decides(),
    carried(Destination, "job-size-range-supported", Range(0, MAX_OCTETS), &["Job Sizes", "Supported"],
        "octets of jobs that it prints; other jobs are refused").decides(),
    carried(Destination, "job-size-range-ready", Range(0, MAX_OCTETS), &["Job Sizes", "Ready"], "octets of jobs that it prints now")
        .only(Actual),
    carried(Destination, "job-page-range-supported", Range(0, MAX), &["Job Pages", "Supported"],
        "pages of jobs that it prints; other jobs are refused")
        .only(Actual).decides(),
    carried(Destination, "job-page-range-ready", Range(0, MAX), &["Job Pages", "Ready"], "pages of jobs that it prints now")
        .only(Actual),
    carried(Destination, "file-size-range-supported", Range(0, MAX_OCTETS), &["File Sizes", "Supported"],
        "octets of documents that it prints; other jobs are refused").only(Actual).decides(),
    carried(Destination, "large-file-enabled", Boolean, &["Large", "Files"], "whether documents may be larger than 2 GiB")
        .default("true").only(Actual),
    carried(Destination, "maximum-copies-supported", Integer(1, MAX), &["Copies", "Supported"],
        "copies of a document; jobs for more are refused").decides(),
    carried(Destination, "job-batches-supported", Text, &["Batches", "Supported"],
        "labels of jobs that it prints; jobs for others are refused").many().only(Actual).decides(),
    carried(Destination, "job-batches-ready", Text, &["Batches", "Ready"], "labels of jobs that it prints now").many().only(Actual),
    destination(Field::JobAttributesSupported, Text, All, &["Job Attributes", "Supported"], "attributes that its jobs may have").many()
        .only(Actual).actual(|_| job_attributes()),
    carried(Destination, "job-start-wait-supported", Boolean, &["Start Wait", "Supported"], "whether a job may pause it")
        .default("false"),
    carried(Destination, "start-message-supported", Boolean, &["Start Message", "Supported"], "whether a job may say something first")
        .default("true"),
    carried(Destination, "end-message-supported", Boolean, &["End Message", "Supported"], "whether a job may say something last")
        .default("true"),
    carried(Destination, "auxiliary-sheet-selections-supported", Keyword(SHEETS), &["Sheets", "Supported"],
        "pages that jobs may have before, between and behind their documents; jobs for others are refused").many().decides(),
    carried(Destination, "printer-start-sheet", Name, &["Start", "Sheet"], "the page before a job").also(&["destination-start-sheet"])
        .only(Actual),
    carried(Destination, "printer-separator-sheet", Name, &["Separator", "Sheet"], "the page between two documents")
        .also(&["destination-separator-sheet"]).only(Actual),
    carried(Destination, "printer-end-sheet", Name, &["End", "Sheet"], "the page behind a job").also(&["destination-end-sheet"])
        .only(Actual),
    carried(Destination, "notify-operator", Text, &["Notify", "Operator"], "who is told what jobs say, as method:address").many()
        .decides().written(check_operator, None)
        .only(Actual),
    carried(Destination, "dss-job-message-disposition", Keyword(&["print", "log"]), &["Message", "Disposition"],
        "whether errors of a job are printed after it").only(Actual),
    carried(Destination, "transform-sequence", Name, &["Transforms"], "what converts its documents").many().only(Actual),
    carried(Destination, "log-accounting-data", Boolean, &["Accounting"], "whether its jobs are accounted for; as the server says where it has no value")
        .decides().only(Actual),
    carried(Destination, "additional-accounting-log-attributes", Text, &["Accounting", "Attributes"],
        "what else stands in the accounting log").many().only(Actual),
    carried(Destination, "accounting-log-version", Text, &["Accounting", "Version"], "the form of the accounting log").only(Actual),
    carried(Destination, "device-contact", Text, &["Device", "Contact"], "who looks after the device").only(Actual),
    carried(Destination, "device-location", Text, &["Device", "Location"], "where the device says that it stands").only(Actual),

    destination(Field::DeviceSpeed, Integer(1, 32767), All, &["Device", "Speed"], "SPEED: lines per minute").only(Actual)
        .managed(|d, v| whole(d, v, |n| DeviceChange::Speed(n.unwrap_or(100)))).actual(|a| number(a.device.settings.speed)),
    destination(Field::DeviceExclusive, Keyword(&["off", "on", "each"]), All, &["Device", "Exclusive"],
        "EXCLUSIVE: whether a device is kept open; each opens it anew for each job").only(Actual).managed(set_exclusive)
        .actual(|a| plain(match a.device.settings.exclusive {
            Exclusive::Off => "off",
            Exclusive::On => "on",
            Exclusive::OffEach => "each",
        })),
    destination(Field::DeviceRetry, Integer(0, 32767), All, &["Device", "Retry"], "RETRY: seconds between two tries").only(Actual)
        .managed(|d, v| whole(d, v, |n| DeviceChange::Retry(n.unwrap_or(5)))).actual(|a| number(a.device.settings.retry)),
    destination(Field::DeviceTimeout, Integer(-1, 32767), All, &["Device", "Timeout"], "TIMEOUT: tries; -1 for ever").only(Actual)
        .managed(|d, v| whole(d, v, |n| DeviceChange::Timeout(n.unwrap_or(-1)))).actual(|a| number(a.device.settings.timeout)),
    destination(Field::DeviceRestart, Integer(0, 32767), All, &["Device", "Restart"],
        "RESTART: seconds after which a device starts again that an error stopped; 0 never").only(Actual)
        .managed(|d, v| whole(d, v, |n| DeviceChange::Restart(n.unwrap_or(0)))).actual(|a| number(a.device.settings.restart)),
    destination(Field::DeviceDelivery, Keyword(&["again", "ask", "once"]), All, &["Device", "Delivery"],
        "DELIVERY: what becomes of jobs whose connection was reset").only(Actual).managed(set_delivery)
        .actual(|a| plain(a.device.settings.delivery.word().to_ascii_lowercase())),
    destination(Field::DeviceAttempts, Integer(0, 32767), All, &["Device", "Attempts"], "ATTEMPTS: attempts at one job").only(Actual)
        .managed(|d, v| whole(d, v, |n| DeviceChange::Attempts(n.unwrap_or(5)))).actual(|a| number(a.device.settings.attempts)),
    destination(Field::DeviceHeader, Keyword(&["off", "on", "batch"]), All, &["Device", "Header"],
        "HEADER: pages around text jobs").only(Actual).managed(set_header)
        .actual(|a| plain(a.device.settings.header.word().to_ascii_lowercase())),
    destination(Field::DeviceStartFf, Keyword(&["off", "on", "swallow"]), All, &["Device", "StartFF"],
        "STARTFF: the form feed before a text job").only(Actual).managed(set_startff)
        .actual(|a| plain(match a.device.settings.startff {
            StartFf::Off => "off",
            StartFf::On => "on",
            StartFf::Swallow => "swallow",
        })),
    destination(Field::DeviceEndFf, Boolean, All, &["Device", "EndFF"], "ENDFF: the form feed behind a text job").only(Actual)
        .managed(|d, v| switch(d, v, DeviceChange::EndFf)).actual(|a| Value::Boolean(a.device.settings.endff)),
    destination(Field::DeviceWidth, Integer(-1, 32767), All, &["Device", "Width"], "WIDTH: columns of a line; -1 as they come").only(Actual)
        .managed(|d, v| whole(d, v, |n| DeviceChange::Width(n.unwrap_or(-1)))).actual(|a| number(a.device.settings.width)),
    destination(Field::DeviceTrunc, Boolean, All, &["Device", "Trunc"], "TRUNC: whether longer lines are cut").only(Actual)
        .managed(|d, v| switch(d, v, DeviceChange::Trunc)).actual(|a| Value::Boolean(a.device.settings.trunc)),
    destination(Field::DeviceEol, Keyword(&["none", "crlf"]), All, &["Device", "EOL"], "EOL: whether line ends are completed").only(Actual)
        .managed(set_eol).actual(|a| plain(if a.device.settings.eol_crlf { "crlf" } else { "none" })),
    destination(Field::DevicePageLength, Integer(0, 32767), All, &["Page", "Length"], "PAGELENGTH: lines of a page; 0 as they come")
        .only(Actual).managed(|d, v| whole(d, v, |n| DeviceChange::PageLength(n.unwrap_or(0))))
        .actual(|a| number(a.device.settings.page_length)),
    destination(Field::DeviceRaw, Boolean, All, &["Device", "Raw"], "CONTENT RAW: whether nothing is ever added").only(Actual)
        .managed(|d, v| switch(d, v, DeviceChange::ContentRaw)).actual(|a| Value::Boolean(a.device.settings.content_raw)),
    destination(Field::DevicePjl, Boolean, All, &["Device", "PJL"],
        "whether the printer speaks PJL: sides, trays, bins and the like are told to it ahead of each document").only(Actual)
        .managed(|d, v| switch(d, v, DeviceChange::Pjl)).actual(|a| Value::Boolean(a.device.settings.pjl)),
    destination(Field::DeviceTransforms, Text, All, &["Device", "Transforms"],
        "TRANSFORM: programs through which documents go before they print, each as 'FORMAT PROGRAM'").many()
        .only(Actual).managed(set_transforms).actual(|a| texts(a.device.settings.transforms.iter())),

    queue(Field::QueueName, Name, Brief, &["Queue"], "its name").queue(|q| text(&q.group.name)),
    queue(Field::QueueState, Keyword(&["ready", "paused"]), Brief, &["State"], "whether jobs leave it for printing")
        .queue(|q| text(if q.server.prints && !q.group.paused { "ready" } else { "paused" })),
    queue(Field::AssociatedServer, Name, Brief, &["Server"], "the server it belongs to").queue(|q| text(q.server.name)),
    queue(Field::Access, Text, All, &["Access"], "who may do what with the jobs of all its destinations")
        .many().managed(set_access).queue(|q| texts(q.group.access.values())),
    queue(Field::LogicalDestinationsAssigned, Name, Verbose, &["Logical", "Destinations Assigned"], "the logical destinations that feed it")
        .also(&["logical-printers-assigned"]).many().queue(|q| texts(q.logical)),
    queue(Field::ActualDestinationsAssigned, Name, Verbose, &["Actual", "Destinations Assigned"], "the actual destinations that it feeds")
        .also(&["physical-printers-assigned"]).many().queue(|q| texts(q.actual)),
    queue(Field::PausePending, Name, All, &["Pauses", "Pending"], "its actual destinations that pause when their job is done")
        .many().queue(|q| texts(q.pausing)),
    queue(Field::QueueType, Keyword(&["standard-queue"]), All, &["Type"], "what kind of queue it is").queue(|_| text("standard-queue")),
    queue(Field::Broadcast, Boolean, All, &["Broadcast"], "whether a job for the whole queue prints on each of its devices")
        .managed(set_broadcast).queue(|q| Value::Boolean(q.group.broadcast)),
    carried(Queue, "message", Text, &["Message"], "what an operator last said of it, with -m"),
    carried(Queue, "descriptor", Text, &["Descriptor"], "what it is, in words"),
    carried(Queue, "assign-to-destination", Boolean, &["Assign to", "Destination"], "whether a job gets its device when it arrives")
        .also(&["assign-to-printer"]).default("false").decides(),
    carried(Queue, "requeue-failed-jobs", Boolean, &["Requeue", "Failed Jobs"], "whether a job that failed is held, instead of going away")
        .default("true").decides(),
    carried(Queue, "release-type", Keyword(RELEASE_TYPES), &["Release", "Type"],
        "direct prints at once; secure holds each job until its owner releases it at a station").default("direct").decides(),
    carried(Queue, "purge-time", Integer(1, 525_600), &["Purge", "Time"],
        "minutes after its submission for which a held job can be released; then it is removed").default("120").decides(),
    carried(Queue, "purge-warning", Integer(0, 525_600), &["Purge", "Warning"],
        "minutes before it is removed at which whoever wants to know it is told (close-to-discard-time); 0 = nobody").default("30").decides(),
    carried(Queue, "keep-after-release", Integer(0, 525_600), &["Keep After", "Release"],
        "minutes for which a printed job is kept, to be released again; 0 = not").default("0").decides(),
    carried(Queue, "encrypt-at-rest", Boolean, &["Encrypt", "at Rest"],
        "whether the copies of a secure queue are encrypted on disk").default("true").decides(),
    carried(Queue, "compatible-queues", Name, &["Compatible", "Queues"],
        "queues on whose printers its jobs may be released, if they name it too: queue, or server:queue").many()
        .decides().written(check_compatible, None),
    carried(Queue, "driver", Text, &["Driver"], "the driver for which its jobs are made"),
    carried(Queue, "backlog-upper-bound", Duration, &["Backlog", "Upper Bound"],
        "the time above which it is backlogged; without it no estimate is made").decides(),
    carried(Queue, "backlog-lower-bound", Duration, &["Backlog", "Lower Bound"],
        "the time below which it is no longer backlogged; nothing = the upper bound").decides(),
    carried(Queue, "backlog-update-interval", Duration, &["Backlog", "Interval"],
        "0 = no estimate is made; any other time: it is made whenever jobs come or go").decides(),
    queue(Field::QueueBacklog, Duration, All, &["Queue", "Backlog"],
        "the time that everything that waits or is printed would take, with all its devices at work")
        .queue(|q| optional(q.group.backlog.map(|backlog| backlog.minutes))),
    queue(Field::Backlogged, Boolean, All, &["Backlogged"], "whether its backlog came to exceed its upper bound")
        .queue(|q| Value::Boolean(q.group.backlog.is_some_and(|backlog| backlog.backlogged))),
    carried(Queue, "notification-profile", Text, &["Notification", "Profile"], "who is told of which events, and how").many()
        .decides().written(check_profile, Some(profile_key)),
    carried(Queue, "notify-operator", Text, &["Notify", "Operator"], "who is told what jobs say, as method:address").many()
        .decides().written(check_operator, None),

    server(Field::ServerName, Name, Brief, &["Server"], "its name").server(|s| text(s.name)),
    server(Field::Access, Text, All, &["Access"], "who may do what with all destinations").many()
        .managed(set_access).server(|s| texts(s.access.values())),
    server(Field::SpoolSpace, Text, All, &["Spool", "Space"],
        "print files of its jobs (copies, links), and the room on their disk").many().server(|s| texts(s.space.lines())),
    server(Field::JobsPerUser, Integer(1, i64::MAX), All, &["Jobs Per", "User"], "jobs that one user may have")
        .server(|s| optional(s.limits.jobs)),
    server(Field::OctetsPerUser, Integer(1, i64::MAX), All, &["Octets Per", "User"],
        "octets that the jobs of one user may have").server(|s| optional(s.limits.octets)),
    server(Field::SubmissionsPerUser, Integer(1, MAX), All, &["Submissions", "Per User"],
        "submissions of one user that may be under way").server(|s| optional(s.limits.opens)),
    server(Field::ServerState, Keyword(&["initializing", "ready", "paused", "terminating"]), Brief, &["State"],
        "ready takes jobs and prints them; paused takes jobs and nobody prints them; initializing and terminating take none")
        .server(|s| text(match (s.state, s.prints) {
            (SpoolerState::Cold, _) => "initializing",
            (SpoolerState::Warm | SpoolerState::Drain, _) => "terminating",
            (SpoolerState::Active, true) => "ready",
            (SpoolerState::Active, false) => "paused",
        })),
    server(Field::ProblemMessage, Text, Brief, &["Problem"], "why nobody prints what waits, or what is wrong with the spool")
        .server(|s| s.problem.map_or(NONE, plain)),
    server(Field::PausePending, Name, All, &["Pauses", "Pending"], "its actual destinations that pause when their job is done")
        .many().server(|s| s.members.map_or(NONE, |members| texts(&members.pausing))),
    server(Field::Collectors, Text, All, &["Collectors"],
        "where jobs come in, each with its state: those of the NonStop language").many()
        .server(|s| texts(s.collectors.iter().map(|(name, state)| format!("{name}:{}", state.word().to_lowercase())))),
    server(Field::LogicalDestinationsSupported, Name, Verbose, &["Logical", "Destinations Supported"], "its logical destinations")
        .also(&["logical-printers-supported"]).many().server(|s| s.members.map_or(NONE, |members| texts(&members.logical))),
    server(Field::ActualDestinationsSupported, Name, Verbose, &["Actual", "Destinations Supported"], "its actual destinations")
        .also(&["physical-printers-supported"]).many().server(|s| s.members.map_or(NONE, |members| texts(&members.actual))),
    server(Field::QueuesSupported, Name, Verbose, &["Queues"], "its queues").many()
        .server(|s| s.members.map_or(NONE, |members| texts(&members.queues))),
    carried(Server, "message", Text, &["Message"], "what an operator last said of it, with -m"),
    carried(Server, "descriptor", Text, &["Descriptor"], "what it is, in words"),
    carried(Server, "accept-unsupported-jobs", Boolean, &["Accept", "Unsupported"], "whether jobs are taken for papers and other things that no device supports").decides()
        .default("false"),
    carried(Server, "log-accounting-data", Boolean, &["Accounting"], "whether jobs are accounted for on devices that do not say it")
        .decides().default("false"),
    carried(Server, "additional-accounting-log-attributes", Text, &["Accounting", "Attributes"],
        "what else stands in the accounting log").many(),
    carried(Server, "accounting-log-version", Text, &["Accounting", "Version"], "the form of the accounting log"),
    carried(Server, "pull-print-job-timeout", Duration, &["Pull Print", "Timeout"], "how long jobs wait for their owners")
        .also(&["pull-print-timeout"]).default("24:00"),
    carried(Server, "default-realm", Text, &["Default", "Realm"],
        "the realm of users who are named without one; the server itself unless given").decides(),
    carried(Server, "identity-realms", Text, &["Identity", "Realms"], "other names of realms, as CORP=corp.local").many().decides()
        .written(check_realm, None),
    carried(Server, "identity-rules", Text, &["Identity", "Rules"],
        "patterns of whole names of users that nobody has, in order; the group in parentheses is the name that is meant").many()
        .decides().written(check_rule, None),
    carried(Server, "security-level", Keyword(&["none", "low", "medium", "high"]), &["Security", "Level"],
        "who may do what, elsewhere; here the rights of the spool decide"),
    server(Field::JobAttributesSupported, Text, All, &["Job Attributes", "Supported"], "attributes that jobs may have").many()
        .server(|_| job_attributes()),
    server(Field::JobStatesSupported, Keyword(JOB_STATES), All, &["Job States", "Supported"], "states of jobs").many()
        .server(|_| texts(JOB_STATES)),
    server(Field::DestinationStatesSupported, Keyword(DESTINATION_STATES), All, &["Destination States", "Supported"],
        "states of actual destinations").also(&["printer-states-supported"]).many().server(|_| texts(DESTINATION_STATES)),
    server(Field::EventsSupported, Text, All, &["Events", "Supported"], "events that somebody can be told of").many()
        .server(|_| texts(EVENTS.iter().filter(|event| !event.on.is_empty()).map(|event| event.name))),
    server(Field::NotificationsWaiting, Integer(0, MAX), All, &["Notifications", "Waiting"],
        "notifications that are not delivered yet").server(|s| number(s.deliveries.waiting)),
    server(Field::NotificationsLost, Integer(0, MAX), All, &["Notifications", "Lost"],
        "notifications that were given up since the cold start").server(|s| number(s.deliveries.lost)),
    server(Field::Health, Text, ByName, &["Health"],
        "what is wrong with the spool and its objects, a line each with its cure, or well; shown only when asked for by name").many()
        .server(|s| s.health.map_or(NONE, |lines| texts(lines.iter().cloned()))),
    carried(Server, "notification-profile", Text, &["Notification", "Profile"], "who is told of which events, and how").many()
        .decides().written(check_profile, Some(profile_key)),
    carried(Server, "job-submission-timer", Duration, &["Submission", "Timer"], "how long the last document of a job is waited for"),
    carried(Server, "destination-register-threshold", Duration, &["Register", "Threshold"],
        "how long devices have to register after a start").also(&["printer-register-threshold", "register-threshold"]).default("10"),
    server(Field::TransferMethodsSupported, Keyword(&["copy", "link"]), All, &["Transfer", "Methods"], "ways of documents into the spool")
        .many().server(|_| texts(["copy", "link"])),
    server(Field::ObjectClassSupported, Text, All, &["Classes", "Supported"], "classes of objects").many()
        .server(|_| texts(["job", "document", "destination", "queue", "server"])),
    server(Field::MultipleDocumentsSupported, Boolean, All, &["Multiple", "Documents"], "whether a job may have several documents")
        .server(|_| Value::Boolean(true)),
    server(Field::ModifyIndividualDocumentSupported, Boolean, All, &["Modify", "Document"], "whether one document can be altered alone")
        .server(|_| Value::Boolean(true)),
    carried(Server, "cancel-individual-document-supported", Boolean, &["Cancel", "Document"], "whether one document can be removed alone")
        .default("false").unsettable(),
    carried(Server, "locale", Text, &["Locale"], "the language of its messages").default("en").unsettable(),
    carried(Server, "locales-supported", Text, &["Locales", "Supported"], "languages of messages").many().default("en").unsettable(),
];

impl Attribute {
    /// What is kept of it decides something.
    const fn means_something(self) -> Self {
        Self { used: true, ..self }
    }

    /// Nobody sets it.
    const fn unsettable(self) -> Self {
        Self { settable: Settable::Never, set: Setter::Nobody, ..self }
    }
}

/// Names a location as the pd commands do.
fn location_name(location: &LocationStatus) -> Value {
    destination_name(&Sent::of(location.name.clone(), location.kind))
}

/// Finds what was set.
fn kept(given: &[(Field, Value)], field: Field) -> Value {
    given.iter().find(|one| one.0 == field).map_or(NONE, |one| one.1.clone())
}

fn trays(given: &[(Field, Value)]) -> Value {
    let medium = kept(given, Field::InputTraysMedium);
    let tray = |value: &Value| match value {
        Value::Text(text) => text.split(':').next().map(str::to_owned),
        _ => None,
    };
    texts(medium.each().iter().filter_map(tray))
}

/// The attributes that a submitter may give.
fn job_attributes() -> Value {
    texts(super::nameable(super::Class::Job).filter(|row| row.settable != Settable::Never).map(Attribute::name))
}

fn check_realm(line: &str) -> Result<(), String> {
    Realms::alias(line).map(drop)
}

fn check_rule(text: &str) -> Result<(), String> {
    Rule::new(text).map(drop)
}

type Set = Result<(), String>;

fn words(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::Text(text)) => Some(text),
        Some(Value::Many(values)) => values.first().and_then(|first| words(Some(first))),
        _ => None,
    }
}

fn set_realization(_: &mut Draft, _: Option<&Value>) -> Set {
    // It was read before the draft began.
    Ok(())
}

fn set_queue(draft: &mut Draft, value: Option<&Value>) -> Set {
    if value.is_some_and(|value| value.each().len() > 1) {
        return Err("a destination has one queue".to_owned());
    }
    draft.queue = match words(value) {
        Some(name) => Some(name.trim_start_matches('#').parse().map_err(|error| format!("{error}"))?),
        None => None,
    };
    Ok(())
}

fn set_access(draft: &mut Draft, value: Option<&Value>) -> Set {
    let mut texts = Vec::new();
    for one in value.map(Value::each).unwrap_or_default() {
        let Value::Text(text) = one else { return Err("it has a value of another kind".to_owned()) };
        texts.push(text.as_str());
    }
    draft.access = Access::of_values(texts).map_err(|failure| failure.message)?;
    Ok(())
}

fn set_content(draft: &mut Draft, value: Option<&Value>) -> Set {
    draft.content = words(value).and_then(Format::from_keyword);
    Ok(())
}

fn set_uri(draft: &mut Draft, value: Option<&Value>) -> Set {
    let Some(uri) = words(value) else { return Err("an address can be replaced, not taken away".to_owned()) };
    draft.uri(uri.parse()?);
    Ok(())
}

fn set_host(draft: &mut Draft, value: Option<&Value>) -> Set {
    let Some(host) = words(value) else { return Err("an address can be replaced, not taken away".to_owned()) };
    if host.is_empty() {
        return Err("the host is empty".to_owned());
    }
    draft.host(Some(host.trim_start_matches('[').trim_end_matches(']').to_owned()));
    Ok(())
}

fn set_port(draft: &mut Draft, value: Option<&Value>) -> Set {
    draft.port(match value {
        Some(Value::Integer(n)) => u16::try_from(*n).ok(),
        _ => None,
    });
    Ok(())
}

fn set_process(draft: &mut Draft, value: Option<&Value>) -> Set {
    let Some(name) = words(value) else { return Err("a print process can be replaced, not taken away".to_owned()) };
    draft.device(DeviceChange::Process(name.trim_start_matches('$').parse().map_err(|error| format!("{error}"))?));
    Ok(())
}

fn set_primary(draft: &mut Draft, value: Option<&Value>) -> Set {
    let by =
        words(value).map_or(Some(SortBy::JobPriority), SortBy::from_word).ok_or("it has a value of another kind")?;
    draft.device(DeviceChange::Scheduler(Some(by), None));
    Ok(())
}

fn set_secondary(draft: &mut Draft, value: Option<&Value>) -> Set {
    let by = words(value).map_or(Some(SortBy::Fifo), SortBy::from_word).ok_or("it has a value of another kind")?;
    draft.device(DeviceChange::Scheduler(None, Some(by)));
    Ok(())
}

fn set_trays(draft: &mut Draft, value: Option<&Value>) -> Set {
    for tray in value.map(Value::each).unwrap_or_default() {
        let fits = matches!(tray, Value::Text(text)
            if text.split_once(':').is_some_and(|(tray, medium)| !tray.is_empty() && !medium.contains(':')));
        if !fits {
            return Err("a value has the form tray:medium, as tray-1:letter".to_owned());
        }
    }
    match value {
        Some(value) => draft.kept.insert(Field::InputTraysMedium, value.clone()),
        None => draft.kept.remove(&Field::InputTraysMedium),
    };
    Ok(())
}

fn set_form(draft: &mut Draft, value: Option<&Value>) -> Set {
    draft.device(DeviceChange::Form(check_form(words(value).unwrap_or_default())?));
    Ok(())
}

fn set_exclusive(draft: &mut Draft, value: Option<&Value>) -> Set {
    draft.device(DeviceChange::Exclusive(match words(value) {
        Some("on") => Exclusive::On,
        Some("each") => Exclusive::OffEach,
        _ => Exclusive::Off,
    }));
    Ok(())
}

fn set_delivery(draft: &mut Draft, value: Option<&Value>) -> Set {
    let word = words(value).unwrap_or("again").to_ascii_uppercase();
    draft.device(DeviceChange::Delivery(AfterReset::from_word(&word).ok_or("it has a value of another kind")?));
    Ok(())
}

fn set_header(draft: &mut Draft, value: Option<&Value>) -> Set {
    let word = words(value).unwrap_or("off").to_ascii_uppercase();
    draft.device(DeviceChange::Header(HeaderPages::from_word(&word).ok_or("it has a value of another kind")?));
    Ok(())
}

fn set_startff(draft: &mut Draft, value: Option<&Value>) -> Set {
    draft.device(DeviceChange::StartFf(match words(value) {
        Some("on") => StartFf::On,
        Some("swallow") => StartFf::Swallow,
        _ => StartFf::Off,
    }));
    Ok(())
}

fn set_eol(draft: &mut Draft, value: Option<&Value>) -> Set {
    draft.device(DeviceChange::EolCrLf(words(value) == Some("crlf")));
    Ok(())
}

fn set_transforms(draft: &mut Draft, value: Option<&Value>) -> Set {
    let mut transforms = Vec::new();
    for one in value.map(|value| value.each().to_vec()).unwrap_or_default() {
        if let Value::Text(text) = one {
            transforms.push(text.parse::<Transform>()?);
        }
    }
    draft.device(DeviceChange::NoTransform(None));
    transforms.into_iter().for_each(|transform| draft.device(DeviceChange::Transform(transform)));
    Ok(())
}

fn set_broadcast(draft: &mut Draft, value: Option<&Value>) -> Set {
    draft.broadcast = matches!(value, Some(Value::Boolean(true)));
    Ok(())
}

/// Sets a number of the device; none = the usual one.
fn whole<T: TryFrom<i64>>(draft: &mut Draft, value: Option<&Value>, change: fn(Option<T>) -> DeviceChange) -> Set {
    let number = match value {
        Some(Value::Integer(n)) => Some(T::try_from(*n).map_err(|_| format!("'{n}' is out of range"))?),
        _ => None,
    };
    draft.device(change(number));
    Ok(())
}

/// Sets a yes or no of the device; none = no.
fn switch(draft: &mut Draft, value: Option<&Value>, change: fn(bool) -> DeviceChange) -> Set {
    draft.device(change(matches!(value, Some(Value::Boolean(true)))));
    Ok(())
}
