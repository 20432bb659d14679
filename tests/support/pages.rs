//! What holds for every octet string that is taken for a document. Shared by the tests and the fuzz targets.

use spoolsuite::documents::{DETECT_OCTETS, Found, Sheet, detect, index, pages, recognise};
use spoolsuite::model::job::Format;

/// The recogniser: it says where the document begins, inside of what it saw, and looks at no more than it says.
pub fn recognised(octets: &[u8]) {
    let found = recognise(octets);
    assert!(found.at <= octets.len().min(DETECT_OCTETS) as u64);
    assert_eq!(found.format, detect(&octets[..octets.len().min(DETECT_OCTETS)]));
}

/// Every finder, whatever the octets are: places are inside the document, in order where it is printed in order.
pub fn counted(octets: &[u8]) {
    for format in [Format::Text, Format::PostScript, Format::Pdf, Format::Pcl] {
        let found = Found { format, at: 0 };
        let Some(index) = index(&octets, found, Sheet::default()) else { continue };
        assert!(index.begins.is_empty() || index.begins.len() as u64 == index.pages, "{format:?}");
        assert!(index.begins.iter().all(|at| *at <= octets.len() as u64), "{format:?}");
        assert!(format == Format::Pdf || index.begins.is_sorted(), "{format:?}");
        assert!(format == Format::Text || pages(&octets, found) == Some(index.pages), "{format:?}");
    }
}
