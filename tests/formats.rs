//! What documents are taken for and how many pages they have, through the real programs; the corpora of the fuzz targets.

use std::path::Path;

use crate::support::{Site, pages};

#[test]
fn the_corpora_of_the_fuzz_targets_hold() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut seen = 0;
    for (target, holds) in [("recognise", pages::recognised as fn(&[u8])), ("pages", pages::counted)] {
        for entry in std::fs::read_dir(corpus.join(target)).unwrap() {
            holds(&std::fs::read(entry.unwrap().path()).unwrap());
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}

/// What a listing says of each document, in the order in which they were handed in.
fn listed(documents: &[(&str, Vec<u8>)], attributes: &[&str]) -> Vec<Vec<serde_json::Value>> {
    let site = Site::new();
    site.declare();
    for (name, octets) in documents {
        let file = site.document(name, octets);
        site.submission("office.front", name, &file).args(["-x", "job-hold=true"]).output().unwrap();
    }
    let jobs = site.jobs();
    documents
        .iter()
        .map(|(name, _)| {
            let job = jobs.iter().find(|job| job["job-name"] == *name).unwrap_or_else(|| panic!("{name}: {jobs:?}"));
            attributes.iter().map(|attribute| job["documents"][0][*attribute].clone()).collect()
        })
        .collect()
}

#[test]
fn a_listing_tells_format_and_pages_as_they_were_found() {
    let lines = |n: usize| b"detail line\n".repeat(n);
    let ps = b"%!PS-Adobe-3.0\n%%Pages: 1\n%%EndComments\nshowpage\n";
    let expected: &[(&str, Vec<u8>, &str, Option<u64>)] = &[
        ("report", [lines(600), b"\x0c".to_vec()].concat(), "ascii", Some(10)),
        ("fed first", [b"\x0c".to_vec(), lines(600)].concat(), "ascii", Some(10)),
        ("150 and 10", [lines(150), b"\x0c".to_vec(), lines(10)].concat(), "ascii", Some(4)),
        ("dos", b"DOS listing\r\n\x1a".to_vec(), "ascii", Some(1)),
        ("bell", b"Attention\x07\r\n".to_vec(), "ascii", Some(1)),
        ("cp437", b"Gr\x94\xe1e\r\n".to_vec(), "ascii", Some(1)),
        ("bom.ps", [&b"\xef\xbb\xbf"[..], ps].concat(), "postscript", Some(1)),
        ("blank.ps", [&b"\r\n"[..], ps].concat(), "postscript", Some(1)),
        ("two.ps", [&b"\x04\x04"[..], ps].concat(), "postscript", Some(1)),
        ("named.ps", [&b"\x1b%-12345X@PJL ENTER LANGUAGE = POSTSCRIPT\r\n"[..], ps].concat(), "postscript", Some(1)),
        ("zjs", b"\x1b%-12345X@PJL ENTER LANGUAGE=ZJS\r\nJZJZ".to_vec(), "passthru", None),
        ("pcl", b"\x1bEone\x0ctwo\x1bE".to_vec(), "pcl", Some(2)),
        ("bom.zpl", b"\xef\xbb\xbf^XA^FDx^FS^XZ\n".to_vec(), "zpl", None),
        ("cr.epl", b"N\rq812\rA50,50,0,4,1,1,N,\"x\"\rP1\r".to_vec(), "epl", None),
        ("receipt", b"\x1b@Receipt\n\x1dV\0".to_vec(), "escpos", None),
        ("invoice", b"Invoice \x1bEbold\x1bF\r\n\x0c".to_vec(), "epson", None),
        ("kyocera", b"!R! RES; TEXT 'x'; PAGE; EXIT;\r\n".to_vec(), "prescribe", None),
        ("csv", b"IN;OUT;NET\n1;2;3\n".to_vec(), "ascii", Some(1)),
        ("memo", b"%PDF- is how a PDF file begins; this is a memo.\n".to_vec(), "ascii", Some(1)),
    ];
    let documents: Vec<(&str, Vec<u8>)> = expected.iter().map(|row| (row.0, row.1.clone())).collect();
    let found = listed(&documents, &["document-format", "page-count"]);
    for ((name, _, format, pages), found) in expected.iter().zip(found) {
        assert_eq!((found[0].as_str(), found[1].as_u64()), (Some(*format), *pages), "{name}: {found:?}");
    }
}

#[test]
fn page_of_spoolcom_is_the_pages_of_the_document_and_not_times_its_copies() {
    let site = Site::new();
    site.declare();
    let file = site.document("three", b"one\x0ctwo\x0cthree\n");
    let file = file.to_str().unwrap();
    site.run("pdpr", &["-d", "office.front", "-x", "job-hold=true", "-n", "4", file]).expect(0);
    let out = site.spoolcom("JOB 1, STATUS DETAIL").expect(0).out;
    assert!(out.lines().any(|line| line.split_whitespace().eq(["PAGES:", "3"])), "{out}");
    assert!(out.lines().any(|line| line.split_whitespace().eq(["COPIES:", "4"])), "{out}");
}
