//! One file for each `pd` command, and one row in [`VERBS`].

use super::runner::Verb;

pub mod pdaccount;
pub mod pdbackup;
pub mod pdchange;
pub mod pdclaim;
pub mod pdclean;
pub mod pdcrdflt;
pub mod pdcreate;
pub mod pddelete;
pub mod pddeviceop;
pub mod pddisable;
pub mod pdenable;
pub mod pdfsck;
pub mod pdlint;
pub mod pdls;
pub mod pdmod;
pub mod pdmsg;
pub mod pdpause;
pub mod pdpr;
pub mod pdpromote;
pub mod pdq;
pub mod pdrelease;
pub mod pdreorder;
pub mod pdresubmit;
pub mod pdresume;
pub mod pdrm;
pub mod pdset;
pub mod pdshutdown;
pub mod startsrv;

/// Every `pd` command.
pub const VERBS: &[Verb] = &[
    pdaccount::VERB,
    pdbackup::VERB,
    pdchange::VERB,
    pdclaim::VERB,
    pdclean::VERB,
    pdcrdflt::VERB,
    pdcreate::VERB,
    pddelete::VERB,
    pddeviceop::VERB,
    pddisable::VERB,
    pdenable::VERB,
    pdfsck::VERB,
    pdlint::VERB,
    pdls::VERB,
    pdmod::VERB,
    pdmsg::VERB,
    pdpause::VERB,
    pdpr::VERB,
    pdpromote::VERB,
    pdq::VERB,
    pdrelease::VERB,
    pdreorder::VERB,
    pdresubmit::VERB,
    pdresume::VERB,
    pdrm::VERB,
    pdset::VERB,
    pdshutdown::VERB,
    startsrv::VERB,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_row_a_definition_and_a_program_of_its_name() {
        let bin = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
        let programs = std::fs::read_dir(bin).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut programs: Vec<String> =
            programs.filter(|name| name.starts_with("pd") || name == "startsrv.rs").collect();
        programs.sort();
        let rows: Vec<String> = VERBS.iter().map(|verb| format!("{}.rs", verb.name)).collect();
        assert_eq!(rows, programs);
        for verb in VERBS {
            assert_eq!((verb.definition)().get_name(), verb.name);
            verb.documented().debug_assert();
        }
    }
}
