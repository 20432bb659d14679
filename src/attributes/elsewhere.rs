//! Attributes that only AFP printing has. They are known by their names so that whoever gives one learns what it is: nothing
//! here can carry it out, and a job that needs it would print wrongly without it.

/// Their names.
pub const AFP_ONLY: &[&str] = &[
    "account-text",
    "accounting1-text",
    "accounting2-text",
    "accounting3-text",
    "ack-interval",
    "address1-text",
    "address2-text",
    "address3-text",
    "address4-text",
    "base-printer",
    "building-text",
    "chars",
    "color-bits-per-plane",
    "color-mapping-table",
    "color-profile",
    "color-rendering-intent",
    "color-toner-saver",
    "current-page-printing",
    "data-fidelity-problem-reported",
    "delete-segment-list",
    "department-text",
    "dfe-job-identifier",
    "dfe-preset-requested",
    "document-rendering-attributes",
    "document-rip-attributes",
    "email-from-address",
    "email-to-address",
    "fax-number",
    "fax-to-email-domain",
    "fax-to-name",
    "font-resolution",
    "form-definition",
    "formatted-job-ticket-content",
    "halftone",
    "image-out-format",
    "image-out-formats-supported",
    "interrupt-message-page",
    "job-media-sheet-count",
    "job-rendering-attributes",
    "job-rip-action",
    "job-rip-files",
    "job-ripped-by-server",
    "job-version-attributes",
    "maximum-messages",
    "mvs-destination",
    "mvs-forms",
    "mvs-segment-id",
    "name-text",
    "new-line-option",
    "node-id-text",
    "optimize-for-multiple-copies",
    "other-transform-options",
    "output-format",
    "overlay-back",
    "overlay-front",
    "page-counts-for-ripped-files",
    "page-definition",
    "programmer-text",
    "psf-exit-program-name",
    "psf-tray-characteristics",
    "record-count",
    "resource-context",
    "resource-context-font",
    "resource-context-form-definition",
    "resource-context-overlay",
    "resource-context-page-definition",
    "resource-context-page-segment",
    "resource-context-user",
    "resource-exit",
    "room-text",
    "segment-list-file-name",
    "shared-formatting",
    "sheet-range",
    "snmp-context-name",
    "title-text",
    "user-id-text",
];

/// Attributes of InfoPrint that are not here, each with what to use instead.
const INSTEAD: &[(&str, &str)] = &[
    ("job-log", "pdls -r log JOB   shows what happened to a job"),
    ("device-state", "destination-state and problem-message say how an actual destination is"),
    ("job-completion-period", "job-retention-period keeps a job that is done"),
    ("hold-jobs-interrupted-by-printer-failure", "device-delivery=ask holds jobs whose connection the printer resets"),
];

/// Returns what to use instead of the attribute `name` of InfoPrint, which is not here.
pub fn instead_of(name: &str) -> Option<&'static str> {
    INSTEAD.iter().find(|known| known.0.eq_ignore_ascii_case(name)).map(|known| known.1)
}

/// Returns whether `name` is one of them.
pub fn is_afp_only(name: &str) -> bool {
    AFP_ONLY.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attribute_of_ours_is_said_to_be_elsewhere() {
        let ours = crate::attributes::table::TABLE
            .iter()
            .flat_map(|row| std::iter::once(row.name()).chain(row.synonyms.iter().copied()));
        for name in ours {
            assert!(!is_afp_only(name), "{name}");
        }
        assert!(is_afp_only("Form-Definition"));
        for (name, _) in INSTEAD {
            assert!(!is_afp_only(name) && !crate::attributes::rows().any(|row| row.name() == *name), "{name}");
        }
    }
}
