//! What HOLD, DELETE, a pause and a removal say of a job that was being sent: the part that has left may print.

use crate::model::job::Occurrence;

/// Says where parts of a job went before it was stopped; none when nothing can have left for good.
pub fn gone(occurrences: &[Occurrence]) -> Option<String> {
    let parts: Vec<String> = occurrences
        .iter()
        .filter_map(|one| {
            let device = one.device.as_ref()?.guardian();
            Some(match one.gone? {
                // Progress is written a few times a second.
                0 => format!("its beginning may have gone to {device}"),
                octets => format!("at least {octets} octets of it had left for {device}"),
            })
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::location::Destination;
    use crate::model::state::EntryState;

    #[test]
    fn only_what_left_for_good_is_spoken_of() {
        let one = |gone| Occurrence {
            destination: Destination::Group("A".parse().unwrap()),
            device: Some("LP1".parse().unwrap()),
            sequence: None,
            state: EntryState::Claimed,
            copy: 1,
            attempt: 1,
            gone,
        };
        assert_eq!(gone(&[one(None)]), None);
        assert_eq!(gone(&[one(Some(0))]).unwrap(), "its beginning may have gone to $LP1");
        assert_eq!(gone(&[one(Some(7)), one(None)]).unwrap(), "at least 7 octets of it had left for $LP1");
    }
}
