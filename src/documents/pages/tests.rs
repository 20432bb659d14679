//! Pages of small documents made here, and of what looks like one.

use std::fmt::Write as _;

use super::*;
use crate::documents::recognise;
use proptest::prelude::*;

fn of(document: &[u8]) -> Option<u64> {
    pages(&document, recognise(document))
}

fn indexed(document: &[u8]) -> Option<Index> {
    index(&document, recognise(document), Sheet::default())
}

// ---- PostScript

#[test]
fn postscript_says_its_pages_at_its_beginning_or_its_end() {
    assert_eq!(of(b"%!PS-Adobe-3.0\r\n%%Pages: 12\r\n"), Some(12));
    assert_eq!(of(b"%!PS-Adobe-3.0\n%%Pages: 12 1\n"), Some(12));
    assert_eq!(of(b"%!PS-Adobe-3.0\n%%Pages: (atend)\n"), None);
    assert_eq!(of(b"%!PS-Adobe-3.0\n%%Pages: 99999999999999999999\n"), None);
    assert_eq!(of(b"%!PS\n(%%Pages: 3) show\n"), None);
    assert_eq!(of(b"%!PS-Adobe-3.0\n%%Pages: (atend)\n%%EndComments\n%%Page: 1 1\n%%Page: 2 2\n%%Trailer\n%%Pages: 2\n%%EOF\n"), Some(2));
    assert_eq!(of(b"%!PS-Adobe-3.0\n%%Page: 1 1\n%%Page: 2 2\n"), Some(2));
    // It contradicts itself.
    assert_eq!(of(b"%!PS-Adobe-3.0\n%%Pages: 3\n%%Page: 1 1\n"), None);
    assert_eq!(of(b"%!PS-Adobe-3.0\n%%Pages: 0\n"), None);
    // Two programs in one file.
    assert_eq!(of(b"%!PS-Adobe-3.0\n%%Pages: 1\n%%EOF\n\x04%!PS-Adobe-3.0\n%%Pages: 2\n"), None);
}

#[test]
fn the_pages_of_a_document_inside_a_document_are_not_its_own() {
    let outer = b"%!PS-Adobe-3.0\n%%Pages: (atend)\n%%Page: 1 1\n%%BeginDocument: x\n%!PS-Adobe-3.0 EPSF-3.0\n%%Pages: 9\n%%Page: 1 1\n%%Page: 2 2\n%%EndDocument\n%%Trailer\n%%Pages: 1\n";
    assert_eq!(of(outer), Some(1));
    assert_eq!(indexed(outer).unwrap().begins, [32]);
}

#[test]
fn comments_are_found_wherever_the_reading_is_cut() {
    for filler in [262_000, 262_120, 262_144, 262_150] {
        let mut text = b"%!PS-Adobe-3.0\n%%Pages: (atend)\n".to_vec();
        text.resize(filler, b'x');
        text.extend(b"\n%%Page: 1 1\n%%Page: 2 2\n%%Trailer\n%%Pages: 2\n");
        let index = indexed(&text).unwrap();
        assert_eq!((index.pages, index.begins), (2, vec![filler as u64 + 1, filler as u64 + 13]));
    }
}

#[test]
fn a_large_program_is_read_at_its_beginning_and_its_end_only() {
    let file = tempfile::tempfile().unwrap();
    use std::os::unix::fs::FileExt;
    let head = b"%!PS-Adobe-3.0\n%%Pages: (atend)\n";
    file.write_all_at(head, 0).unwrap();
    file.write_all_at(b"\n%%Trailer\n%%Pages: 700\n%%EOF\n", 300 << 20).unwrap();
    assert_eq!(pages(&file, recognise(head)), Some(700));
}

// ---- PCL

#[test]
fn pcl_pages_end_with_form_feeds_outside_of_data() {
    let job = |body: &[u8]| [b"\x1bE", body, b"\x1bE"].concat();
    assert_eq!(of(&job(b"one\x0ctwo\x0c")), Some(2));
    assert_eq!(of(&job(b"one\x0ctwo")), Some(2));
    assert_eq!(of(&job(b"\x1b*r1A\x1b*b3W\x0c\x0c\x0c\x1b*rB\x0c")), Some(1));
    assert_eq!(of(&job(b"\x1b*b2m3W\x0c\x0c\x0c\x0c")), Some(1));
    assert_eq!(of(&job(b"\x1b)s4W\x0c\x0c\x0c\x0cx\x0c")), Some(1));
    assert_eq!(of(&job(b"\x1b&p2X\x0c\x0cx\x0c")), Some(1));
    assert_eq!(of(&job(b"x\x1b&l1Oy\x0c")), Some(2));
    assert_eq!(of(&job(b"\x1b%0BIN;SP1;PD1,1;\x1b%0A\x0c")), Some(1));
    assert_eq!(of(b"\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n\x1bEx\x1bE\x1b%-12345X@PJL EOJ\r\n\x1b%-12345X"), Some(1));
    let two = b"\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n\x1bEx\x0c\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n\x1bEy\x0c\x1b%-12345X";
    assert_eq!(indexed(two).map(|index| index.pages), Some(2));
    assert_eq!(indexed(b"\x1bEa\x0cb\x0c").unwrap().begins, [0, 4]);
}

#[test]
fn pcl_that_may_print_otherwise_has_unknown_pages() {
    let long = [&b"\x1bE"[..], &b"x\r\n".repeat(60), b"\x0c"].concat();
    let wrapped = b"\x1bE\x1b&s0Cx\x0c";
    let macros = b"\x1bE\x1b&f1y2Xx\x0c";
    let mixed =
        b"\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n\x1bEx\x0c\x1b%-12345X@PJL ENTER LANGUAGE=POSTSCRIPT\r\n%!PS\n";
    let cut = b"\x1bE\x1b*b500Wxx";
    for document in
        [&long[..], wrapped, macros, mixed, cut, b"\x1b%-12345X@PJL ENTER LANGUAGE=PCLXL\r\n) HP-PCL XL;3;0;x\x0c"]
    {
        assert_eq!(of(document), None, "{:?}", String::from_utf8_lossy(document));
    }
}

// ---- PDF

/// A document whose objects are given by number, with a table and a trailer.
fn pdf(before: &str, objects: &[(u32, &str)], trailer: &str) -> Vec<u8> {
    let mut text = format!("{before}%PDF-1.4\n");
    let mut places = Vec::new();
    for (number, body) in objects {
        places.push((*number, text.len() - before.len()));
        writeln!(text, "{number} 0 obj\n{body}\nendobj").unwrap();
    }
    let start = text.len() - before.len();
    text.push_str("xref\n0 1\n0000000000 65535 f \n");
    for (number, place) in places {
        writeln!(text, "{number} 1\n{place:010} 00000 n ").unwrap();
    }
    writeln!(text, "trailer\n<< /Size 99 /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF").unwrap();
    text.into_bytes()
}

const CATALOG: (u32, &str) = (1, "<< /Type /Catalog /Pages 2 0 R >>");
const PAGE: &str = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>";
const TWO: [(u32, &str); 4] = [CATALOG, (2, "<< /Type /Pages /Count 2 /Kids [3 0 R 4 0 R] >>"), (3, PAGE), (4, PAGE)];

#[test]
fn the_leaves_of_the_tree_are_the_pages() {
    let plain = pdf("", &TWO, "");
    assert_eq!(of(&plain), Some(2));
    let begins = indexed(&plain).unwrap().begins;
    assert!(
        begins.iter().zip([3, 4]).all(|(at, n)| plain[*at as usize..].starts_with(format!("{n} 0 obj").as_bytes()))
    );
    let deeper = [
        CATALOG,
        (2, "<</Type/Pages/Count 3/Kids 9 0 R>>"),
        (9, "[5 0 R 4 0 R]"),
        (5, "<</Type/Pages/Kids[3 0 R 6 0 R]/Count 2>>"),
        (3, PAGE),
        (4, PAGE),
        (6, PAGE),
    ];
    assert_eq!(of(&pdf("", &deeper, "")), Some(3));
}

#[test]
fn a_header_behind_other_lines_moves_every_place_or_none() {
    assert_eq!(of(&pdf("lines of a mail\nin front\n", &TWO, "")), Some(2));
    let named = pdf("\x1b%-12345X@PJL ENTER LANGUAGE=PDF\r\n", &TWO, "");
    assert_eq!(of(&named), Some(2));
    assert_eq!(of(&[&named[..], b"\x1b%-12345X"].concat()), Some(2));
}

#[test]
fn a_broken_table_is_made_anew() {
    let plain = String::from_utf8(pdf("", &TWO, "")).unwrap();
    for broken in [
        plain.replace("startxref\n", "startxref\n9"),
        plain.replace("startxref", "startxxxx"),
        plain.replace("%PDF-1.4\n", "%PDF-1.4\n%a line that was put in\n"),
        plain.replace("xref\n0 1", "xxxx\n0 1"),
        plain.split("xref").next().unwrap().to_owned(),
    ] {
        assert_eq!(of(broken.as_bytes()), Some(2), "{broken}");
    }
}

#[test]
fn what_is_encrypted_or_contradicts_itself_is_unknown() {
    let with = |node: &'static str| pdf("", &[CATALOG, (2, node), (3, PAGE), (4, PAGE)], "");
    assert_eq!(of(&pdf("", &TWO, "/Encrypt 9 0 R")), None);
    for node in [
        "<< /Type /Pages /Count 3 /Kids [3 0 R 4 0 R] >>",
        "<< /Type /Pages /Kids [3 0 R 4 0 R] >>",
        "<< /Type /Pages /Count 3 /Kids [3 0 R 4 0 R 3 0 R] >>",
        "<< /Type /Pages /Count 3 /Kids [3 0 R 4 0 R 2 0 R] >>",
        "<< /Type /Pages /Count 3 /Kids [3 0 R 4 0 R 77 0 R] >>",
        "<< /Type /Pages /Count 0 /Kids [] >>",
        "<< /Type /Pages /Count 2 /Kids [3 0 R 4 0 R",
        PAGE,
    ] {
        assert_eq!(of(&with(node)), None, "{node}");
    }
    assert_eq!(of(b"%PDF-1.7\n"), None);
}

/// A document of which the pages are in an object stream and the table is a stream; `hybrid` has an old table beside it.
fn streams(hybrid: bool, filter: &str, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let inner =
        format!("2 0 3 48 4 104 {:<48}{:<56}{:<56}", "<< /Type /Pages /Count 2 /Kids [3 0 R 4 0 R] >>", PAGE, PAGE);
    let first = "2 0 3 48 4 104 ".len();
    let packed = pack(inner.as_bytes());
    let mut text = b"%PDF-1.5\n".to_vec();
    let catalog = text.len();
    text.extend(b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n");
    let stream = text.len();
    text.extend(
        format!("5 0 obj\n<< /Type /ObjStm /N 3 /First {first} /Length {} {filter} >>\nstream\n", packed.len())
            .as_bytes(),
    );
    text.extend(&packed);
    text.extend(b"\nendstream\nendobj\n");
    let table = text.len();
    let row = |kind: u8, second: usize, third: u8| [kind, (second >> 8) as u8, second as u8, third];
    let rows = [
        row(0, 0, 0),
        row(1, catalog, 0),
        row(2, 5, 0),
        row(2, 5, 1),
        row(2, 5, 2),
        row(1, stream, 0),
        row(1, table, 0),
    ]
    .concat();
    let packed = pack(&rows);
    text.extend(
        format!(
            "6 0 obj\n<< /Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R /Length {} {filter} >>\nstream\n",
            packed.len()
        )
        .as_bytes(),
    );
    text.extend(&packed);
    text.extend(b"\nendstream\nendobj\n");
    let old = text.len();
    if hybrid {
        let free = "0000000000 65535 f \n";
        text.extend(format!("xref\n0 7\n{free}{catalog:010} 00000 n \n{free}{free}{free}{stream:010} 00000 n \n{table:010} 00000 n \ntrailer\n<< /Size 7 /Root 1 0 R /XRefStm {table} >>\n").as_bytes());
    }
    text.extend(format!("startxref\n{}\n%%EOF\n", if hybrid { old } else { table }).as_bytes());
    text
}

fn deflate(octets: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(octets, 6)
}

#[test]
fn pages_in_object_streams_and_hybrid_documents_are_counted() {
    for hybrid in [false, true] {
        assert_eq!(of(&streams(hybrid, "", <[u8]>::to_vec)), Some(2));
        let packed = streams(hybrid, "/Filter /FlateDecode", deflate);
        assert_eq!(of(&packed), Some(2));
        assert_eq!(of(&streams(hybrid, "/Filter [/FlateDecode]", deflate)), Some(2));
        // Where the table is lost the stream is found by itself.
        let end = memchr::memmem::rfind(&packed, b"startxref").unwrap();
        assert_eq!(of(&packed[..end]), Some(2));
    }
}

#[test]
fn a_table_predicted_as_png_is_read() {
    let pack = |octets: &[u8]| {
        // Up, four columns; what is no table of four columns is left plain in rows of four, with its rest.
        let mut above = [0u8; 4];
        let mut out = Vec::new();
        for row in octets.chunks(4) {
            out.push(2);
            out.extend(row.iter().zip(above).map(|(octet, above)| octet.wrapping_sub(above)));
            above[..row.len()].copy_from_slice(row);
        }
        deflate(&out)
    };
    assert_eq!(of(&streams(false, "/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>", pack)), Some(2));
}

#[test]
fn a_stream_that_grows_without_end_is_unknown_and_costs_little() {
    let bomb = |_: &[u8]| deflate(&vec![0u8; 40 << 20]);
    assert_eq!(of(&streams(false, "/Filter /FlateDecode", bomb)), None);
    let nested = |_: &[u8]| deflate(&deflate(&vec![0u8; 8 << 20]));
    assert_eq!(of(&streams(false, "/Filter [/FlateDecode /FlateDecode]", nested)), None);
}

#[test]
fn depth_and_circles_end() {
    let deep =
        format!("%PDF-1.4\n1 0 obj\n{}\nendobj\ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF", "[".repeat(1_000_000));
    assert_eq!(of(deep.as_bytes()), None);
    let circle = pdf("", &TWO, "/Prev 0");
    assert_eq!(of(&circle), Some(2), "its table is not read, and made anew");
    let itself = String::from_utf8(pdf("", &TWO, "/Prev 00000")).unwrap();
    let start = itself.rfind("startxref\n").unwrap() + 10;
    let place = itself[start..].lines().next().unwrap().to_owned();
    assert_eq!(of(itself.replace("/Prev 00000", &format!("/Prev {place:>5}")).as_bytes()), Some(2));
}

#[test]
fn thousands_of_pages_are_counted_in_the_order_of_the_tree() {
    let mut objects = vec![(1u32, "<< /Type /Catalog /Pages 2 0 R >>".to_owned())];
    let groups: Vec<u32> = (0..50).map(|n| 10 + n * 101).collect();
    let kids =
        |numbers: &mut dyn Iterator<Item = u32>| numbers.map(|n| format!("{n} 0 R")).collect::<Vec<_>>().join(" ");
    objects.push((2, format!("<< /Type /Pages /Count 5000 /Kids [{}] >>", kids(&mut groups.iter().copied()))));
    for group in groups {
        objects
            .push((group, format!("<< /Type /Pages /Count 100 /Kids [{}] >>", kids(&mut (group + 1..=group + 100)))));
        objects.extend((group + 1..=group + 100).map(|number| (number, PAGE.to_owned())));
    }
    let objects: Vec<(u32, &str)> = objects.iter().map(|(number, body)| (*number, body.as_str())).collect();
    let document = pdf("", &objects, "");
    let index = indexed(&document).unwrap();
    assert_eq!((index.pages, index.begins.len()), (5000, 5000));
    assert!(index.begins.is_sorted());
}

#[test]
fn a_document_that_becomes_shorter_while_it_is_read_is_unknown() {
    struct Shrinking(Vec<u8>);
    impl ReadAt for Shrinking {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
            self.0[..self.0.len() / 2].read_at(buffer, offset)
        }
        fn size(&self) -> std::io::Result<u64> {
            Ok(self.0.len() as u64)
        }
    }
    let whole = pdf("", &TWO, "");
    let found = recognise(&whole);
    assert_eq!(pages(&Shrinking(whole), found), None);
}

proptest! {
    #[test]
    fn damage_never_makes_a_finder_fail(
        which in 0usize..6,
        damage in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..12),
        cut in any::<u16>(),
    ) {
        let mut document = match which {
            0 => pdf("", &TWO, ""),
            1 => streams(false, "/Filter /FlateDecode", deflate),
            2 => streams(true, "", <[u8]>::to_vec),
            3 => b"%!PS-Adobe-3.0\n%%Pages: (atend)\n%%Page: 1 1\n%%Trailer\n%%Pages: 1\n".to_vec(),
            4 => b"\x1bE\x1b&l1o2A\x1b*b3W\x0c\x0c\x0cx\x0c\x1b%0BIN;\x1b%0A\x1bE\x1b%-12345X@PJL EOJ\n".to_vec(),
            _ => b"text\n\x0cmore\n".to_vec(),
        };
        for (at, octet) in damage {
            let at = usize::from(at) % document.len();
            document[at] = octet;
        }
        document.truncate(document.len() - usize::from(cut) % 8);
        for format in [Format::Pdf, Format::PostScript, Format::Pcl, Format::Text] {
            if let Some(index) = index(&&document[..], Found { format, at: 0 }, Sheet::default()) {
                prop_assert!(index.begins.is_empty() || index.begins.len() as u64 == index.pages);
            }
        }
    }
}
