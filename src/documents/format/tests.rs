//! What real documents begin with, and what only looks so.

use super::*;
use crate::model::job::Format;
use proptest::prelude::*;

fn all(format: Format, documents: &[&[u8]]) {
    for document in documents {
        assert_eq!(detect(document), format, "{:?}", String::from_utf8_lossy(document));
    }
}

#[test]
fn each_format_is_known_by_its_beginning() {
    let table: [(&[u8], Format); 27] = [
        (b"hello\r\n\tworld\x0c\x08_", Format::Text),
        ("Grüße – ☃".as_bytes(), Format::Text),
        (b"Gr\xfc\xdfe\n", Format::Text),
        (b"\x1bE\x1b&l0O", Format::Pcl),
        (b"\x1b%-12345X@PJL\r\n", Format::Pcl),
        (b"%!PS-Adobe-3.0\n", Format::PostScript),
        (b"\x04%!PS\n", Format::PostScript),
        (b"%PDF-1.7\n", Format::Pdf),
        (b"^XA^FO10,10^FDx^FS^XZ", Format::Zpl),
        (b"\r\n^XA", Format::Zpl),
        (b"~DGR:A.GRF,8,1,FF", Format::Zpl),
        (b"CT~~CD,~CC^~CT~\r\n^XA", Format::Zpl),
        (b"~ about ten ~", Format::Text),
        (b"IN;SP1;PU0,0;", Format::Hpgl),
        (b"INDEX;", Format::Text),
        (b"N\nq609\nQ203,26\n", Format::Epl),
        (b"\r\nN\r\nA50,0,0,1,1,1,N,\"x\"\r\nP1\r\n", Format::Epl),
        (b"N\nis a letter\n", Format::Text),
        (b"\x5a\x00\x10\xd3\xa8\xa8\x00\x00\x00", Format::Modca),
        (b"Zebra", Format::Text),
        (b"II*\0\x08\0\0\0", Format::Tiff),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", Format::Jpeg),
        (b"\x89PNG\r\n\x1a\n\0\0", Format::Png),
        (b"", Format::Passthru),
        (b"text\0with NUL", Format::Passthru),
        (b"\x1b@ESC/P", Format::Passthru),
        (b"\x80\x81\x82", Format::Passthru),
    ];
    for (first, format) in table {
        assert_eq!(detect(first), format, "{:?}", String::from_utf8_lossy(first));
    }
}

#[test]
fn a_character_cut_by_the_end_of_what_is_seen_is_text() {
    let mut long = vec![b'a'; DETECT_OCTETS - 1];
    long.extend("é\n".as_bytes());
    assert_eq!(detect(&long), Format::Text);
}

#[test]
fn images_and_containers_are_known_by_their_first_octets() {
    all(Format::Gif, &[b"GIF89a\x01\0\x01\0\x80\0\0", b"GIF87a\x10\0"]);
    all(Format::Tiff, &[b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0"]);
    all(Format::Bmp, &[b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02"]);
    all(Format::PwgRaster, &[b"RaS2PwgRaster\0", b"3SaR\0\0"]);
    all(Format::Urf, &[b"UNIRAST\0\0\0\0\x01"]);
    all(Format::Xps, &[b"PK\x03\x04\x14\0\0\0FixedDocumentSequence.fdseq"]);
    all(Format::Passthru, &[b"PK\x03\x04\x14\0\0\0word/document.xml", b"\x1f\x8b\x08\0\0"]);
    all(Format::Modca, &[b"\x5a\x00\x08\xd3\xa8\xa8\x00\x00\x00\x5a\x00\x10\xd3"]);
}

#[test]
fn an_image_of_white_is_no_text() {
    let white = [&b"P5\n# white\n100 100\n255\n"[..], &[0xff; 10_000]].concat();
    all(Format::Passthru, &[&white, &[0xff; 5000], &[0; 5000], &[b' '; 5000], b"P4 8 2\n\0\0"]);
    all(Format::Passthru, &[&[0xfe, 0xff, 0xff, 0xff].repeat(500), &[&[0xff; 99][..], b"\n"].concat().repeat(40)]);
}

#[test]
fn what_stands_before_postscript_does_not_hide_it() {
    let program = b"%!PS-Adobe-3.0\n%%Pages: 1\nshowpage\n";
    for before in
        [&b""[..], b"\r\n", b"\xef\xbb\xbf", b"\x04\r\n", b"\x04\x04", b"\n\n  \t\n", b"\x04\xef\xbb\xbf\n", b"\0\0"]
    {
        let found = recognise(&[before, program].concat());
        assert_eq!((found.format, found.at), (Format::PostScript, before.len() as u64), "{before:?}");
    }
    all(
        Format::PostScript,
        &[
            b"%!\n/x 1 def",
            b"%!FontType1-1.0: x",
            b"\xc5\xd0\xd3\xc6\x20\0\0\0",
            b"%! a program\n/Helvetica findfont 12 scalefont setfont",
        ],
    );
    all(
        Format::Text,
        &[b"A program begins with %!PS.\n%!PS\n", b"%!TEX program = xelatex\n\\documentclass{article}\n"],
    );
    all(Format::Text, &[b"%! is how a program begins; this is a memo.\n"]);
}

#[test]
fn a_pdf_has_a_version_and_may_begin_within_the_first_kib() {
    let pdf = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\n";
    for before in [&b""[..], b"\xef\xbb\xbf", b"\r\n\r\n", b"some lines\nin front\n", &[b'x', b'\n'].repeat(500)] {
        let found = recognise(&[before, pdf].concat());
        assert_eq!(found.format, Format::Pdf, "{before:?}");
    }
    assert_eq!(recognise(&[&b"junk\n"[..], pdf].concat()).at, 5);
    all(
        Format::Text,
        &[b"%PDF- is how a PDF file begins; this is a memo.\n", b"%PDF-1.4 is what the first line of it says.\n"],
    );
    all(Format::Text, &[b"A file has %PDF-1.4 and 1 0 obj in it.\n", &[&b"x\n".repeat(600)[..], pdf].concat()]);
}

#[test]
fn pjl_names_the_language_or_is_followed_by_it() {
    let named = |words: &str| format!("\x1b%-12345X@PJL JOB NAME=\"x\"\r\n@PJL SET COPIES=1\r\n{words}\r\nrest");
    for (words, format) in [
        ("@PJL ENTER LANGUAGE=POSTSCRIPT", Format::PostScript),
        ("@PJL ENTER LANGUAGE = POSTSCRIPT", Format::PostScript),
        ("@pjl enter language=Postscript ", Format::PostScript),
        ("@PJL  ENTER  LANGUAGE  =  PDF", Format::Pdf),
        ("@PJL ENTER LANGUAGE=PCL", Format::Pcl),
        ("@PJL ENTER LANGUAGE=PCLXL", Format::Pcl),
        ("@PJL ENTER LANGUAGE=HPGL2", Format::Hpgl),
        ("@PJL ENTER LANGUAGE=ZJS", Format::Passthru),
        ("@PJL ENTER LANGUAGE=HBPL", Format::Passthru),
        ("@PJL ENTER LANGUAGE=QPDL", Format::Passthru),
    ] {
        assert_eq!(detect(named(words).as_bytes()), format, "{words}");
        assert_eq!(detect(named(words).replace("\r\n", "\n").as_bytes()), format, "{words}");
        assert_eq!(detect(&named(words).as_bytes()[9..]), format, "without an exit: {words}");
    }
    all(
        Format::PostScript,
        &[b"\x1b%-12345X%!PS\n", b"\x1b%-12345X@PJL\n@PJL SET X=1\n%!PS\n", b"\r\n\x1b%-12345X\x1b%-12345X@PJL\n%!PS"],
    );
    all(Format::Pdf, &[b"\x1b%-12345X@PJL ENTER LANGUAGE=AUTO\n%PDF-1.4\n"]);
    all(
        Format::Pcl,
        &[
            b"\x1b%-12345X",
            b"\x1b%-12345X@PJL INFO STATUS\r\n\x1b%-12345X",
            b"\x1b%-12345X@PJL\r\nplain text\r\n",
            b"\x1b%-12345X) HP-PCL XL;2;0",
        ],
    );
    all(Format::Text, &[b"@PJLX is no command\n"]);
    let found = recognise(b"\x1b%-12345X@PJL ENTER LANGUAGE=PDF\r\n%PDF-1.4\n");
    assert_eq!(found, Found { format: Format::Pdf, at: 34 });
    assert!(
        speaks_pjl(b"\r\n\x1b%-12345X@PJL\r\n")
            && speaks_pjl(b"@PJL SET")
            && !speaks_pjl(b"@PJLX")
            && !speaks_pjl(b"\x1bE")
    );
}

#[test]
fn zpl_is_known_behind_what_editors_and_drivers_put_before_it() {
    let wide =
        |text: &str| [&b"\xff\xfe"[..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat();
    all(
        Format::Zpl,
        &[
            b"\xef\xbb\xbf^XA\n\n^FO10,10^FDx^FS\n^XZ\n",
            b"^FX a shipping label ^FS\n^XA^FO50,50^FDx^FS^XZ\n",
            b"^JMA^XA^FO10,10^FDx^FS^XZ\n",
            b"^xa^fo10,10^fdx^fs^xz\n",
            b"\x02^XA^FO10,10^FDx^FS^XZ\x03",
            b"~SD15\r\n^XA^XZ",
            b"~JSN^LT0^XA^XZ",
            b"~TA000~JSN^XA^XZ",
            b"<xpml><page quantity='0' pitch='50.8 mm'></xpml>^XA^FDx^FS^XZ",
            &wide("^XA^FO10,10^FDx^FS^XZ"),
        ],
    );
    all(
        Format::Text,
        &[
            b"~DRAFT~ Minutes of the meeting\n",
            b"^XA is how a label begins, says the book.\n",
            b"~JA is yes in German\n",
            b"^Page 3\n",
            b"~PSST~ quiet\n",
        ],
    );
}

#[test]
fn epl_is_known_by_the_grammar_of_its_lines() {
    all(
        Format::Epl,
        &[
            b"N\n;carton\nq812\nA50,50,0,4,1,1,N,\"x\"\nP1\n",
            b"N\rq812\rA50,50,0,4,1,1,N,\"x\"\rP1\r",
            b"FK\"BOX\"\nFS\"BOX\"\nV00,15,N,\"name\"\nA50,50,0,4,1,1,N,V00\nFE\n",
            b"I8,A,001\r\n\r\n\r\nQ599,024\r\nq831\r\nrN\r\nS4\r\nD7\r\nZT\r\nN\r\nA50,50,0,4,1,1,N,\"x\"\r\nP1\r\n",
            b"Q600,24\nq900\nN\nB10,540,0,1,2,4,80,B,\"77777\"\nP1\n",
            b"N\nZT\nA60,40,0,4,1,1,N,\"x\"\nP1\n",
            b"\xef\xbb\xbfN\nA60,40,0,4,1,1,N,\"a, \\\"b\\\"\"\nP1,2\n",
            b"\nN\nLO0,0,800,4\nP1\n",
            b"N\nGW10,10,2,2,\xff\0\xff\0\nP1\n",
            b"N\nb10,10,P,600,400,\"text\"\nP1\n",
        ],
    );
    all(
        Format::Text,
        &[
            b"N\nA1 is the motorway to take\nand some prose\n",
            b"N\n\nS\n",
            b"A1,2,3\nB1,2,3\n",
            b"Q1\nQ2\nQ3\nQ4\n",
            b"P1\nP2\n",
            b"N\nS4\nE5\n",
            b"X1,Y1\n",
        ],
    );
}

#[test]
fn other_labels_are_known_by_their_commands() {
    all(
        Format::Tspl,
        &[
            b"SIZE 100 mm,50 mm\r\nGAP 2 mm,0\r\nCLS\r\nTEXT 10,10,\"3\",0,1,1,\"x\"\r\nPRINT 1,1\r\n",
            b"SIZE 4,2\nDIRECTION 1\nCLS\nBITMAP 0,0,2,2,0,\xff\xff\nPRINT 1\n",
            b"\xef\xbb\xbf\r\nSIZE 60 mm, 40 mm\r\nCLS\r\nQRCODE 10,10,H,4,A,0,\"x\"\r\n",
        ],
    );
    all(
        Format::Cpcl,
        &[
            b"! 0 200 200 210 1\r\nTEXT 4 0 30 40 Hello\r\nFORM\r\nPRINT\r\n",
            b"! U1 setvar \"device.languages\" \"zpl\"\r\n",
            b"! UTILITIES\r\nGAP-SENSE\r\nPRINT\r\n",
        ],
    );
    all(
        Format::Fingerprint,
        &[
            b"INPUT ON\r\nPP 50,50\r\nFT \"Swiss 721 BT\"\r\nPT \"x\"\r\nPF\r\n",
            b"CLL\nPRPOS 10,20:FONT \"Swiss 721 BT\",12\nPRTXT \"a:b\"\nPRINTFEED\n",
        ],
    );
    all(
        Format::Dpl,
        &[b"\x02L\r\nD11\r\n191100501000000Hello\r\nE\r\n", b"\x02n\r\n\x02M0500\r\n\x02L\r\nH10\r\nE\r\n"],
    );
    all(
        Format::Sbpl,
        &[b"\x02\x1bA\x1bV100\x1bH200\x1bP02\x1bMHELLO\x1bQ1\x1bZ\x03", b"\x1bA\x1bH0100\x1bV0100\x1bL0101x\x1bZ"],
    );
    all(
        Format::Passthru,
        &[
            b"^Q50,3\r\n^W80\r\n^L\r\nAC,10,10,1,1,0,0,x\r\nE\r\n",
            b"{D0508,1050,0478|}\r\n{C|}\r\n",
            b"m m\nJ\nS l1;0,0,68,71,100\nT 10,10,0,3,5;x\nA 1\n",
        ],
    );
    all(
        Format::Text,
        &[
            b"SIZE matters\nGAP analysis\n",
            b"CLS\nPRINT \"HELLO\"\n",
            b"! Fortran comment\n      PROGRAM X\n",
            b"! 2 eggs\n! 3 apples\n",
            b"INPUT A\nPRINT A\n",
            b"PP is a polymer\n",
            b"Joint\nmeeting\n",
        ],
    );
}

#[test]
fn plots_begin_with_instructions() {
    all(
        Format::Hpgl,
        &[
            b"IN;SP1;PU0,0;PD100,100;",
            b"IN;\r\nIP0,0,100,100;\r\nSC0,1,0,1;\r\n",
            b"INSP1PU0,0PD10,10",
            b"DF;SP1;",
            b"PS4320,36;IN;",
            b"SP1;PU100,200;PD;",
            b"BP5,1\"plot\";IN;SP1;",
            b"\r\nIN;SP1;",
            b";IN;SP 1;PA 0,0;",
            b"IN;",
            b"\x1b%-1BIN;SP1;",
            b"\x1b.(;.I81;;17:IN;",
            b"IN;PU;LBtext\x03PA0,0;",
        ],
    );
    all(
        Format::Text,
        &[
            b"IN;OUT;NET\n1;2;3\n",
            b"INPUTS;OUTPUTS\n",
            b"INDEX;",
            b"SP;PU;PD\n1;2;3\n",
            b"IN the beginning\n",
            b"SPAIN\n",
            b"PS: 12 more\n",
            b"PAPER 10\n",
        ],
    );
}

#[test]
fn prescribe_is_a_command_behind_its_mark() {
    all(Format::Prescribe, &[b"!R! RES; TEXT 'x'; PAGE; EXIT;\r\n", b"!R!RES;EXIT;", b"\r\n!R! FRPO P1,1; EXIT;"]);
    all(Format::Text, &[b"!R! is how it begins\n", b"!Read me\n"]);
}

#[test]
fn languages_of_escape_sequences_are_told_apart() {
    all(
        Format::Pcl,
        &[
            b"\x1bE",
            b"\x1bE\x1b&l1O text",
            b"\x1b&l0O",
            b"\x1b(8U\x1b(s0p10H",
            b"\x1b*t300R",
            b"\x1b%0A",
            b"\x1b%0BIN;SP1;",
            b"\x1b&k2G",
            b") HP-PCL XL;3;0;",
            b"Report \x1b(s3Bbold\x1b(s0B\n",
        ],
    );
    all(
        Format::EscPos,
        &[
            b"\x1b@Receipt\nTotal 9.99\n\x1dV\0",
            b"\x1b@\x1ba\x01\x1d!\x11SHOP\n",
            b"Total 9.99\n\n\x1dV\x41\x03",
            b"\x1b=\x01\x1b@x",
            b"\x10\x04\x01\x1b@x\n\x1bd\x03",
            b"\x1b@\x1bp\0\x19\xfa",
            b"\x1dv0\0\x01\0\x01\0\xff",
        ],
    );
    all(
        Format::Epson,
        &[
            b"Invoice \x1bEbold\x1bF\r\nTotal 5\r\n\x0c",
            b"\x1b@\x1bP\x1bx\x01text",
            b"\x1b@\x1b(G\x01\0\x01",
            b"\0\0\0\x1b\x01@EJL 1284.4\n@EJL     \n\x1b@",
            b"\x1bEbold\x1bF plain",
        ],
    );
    // Star and Brother begin alike, and know no universal exit.
    all(
        Format::Passthru,
        &[
            b"\x1b*rR\x1b*rA\x1b*rE13\0b\x02\0\xff\xff",
            b"\0\0\0\0\x1b@\x1bia\x01\x1biz\x8e",
            b"\x1b@\x1b\x1da\x01x\n",
            b"\x1b%@",
            b"\x1b&\0\x41\x41",
        ],
    );
}

#[test]
fn a_listing_may_have_the_controls_that_listings_have() {
    all(
        Format::Text,
        &[
            b"DOS listing\r\nsecond line\r\n\x1a",
            b"Attention\x07\r\n",
            b"one\x0btwo\n",
            b"\x0fcondensed\x12 \x0ewide\x14\n",
            b"\x11on\x13off\x7f\n",
            b"a.txt\r\n\x1ab.txt\r\n\x1a",
            b"block\r\n\x1a\0\0\0\0\0\0\0\0\0\0\0",
            b"slow\r\n\0\0\0carriage\r\n\0\0\0",
            b"listing\n\x04",
            b"\xef\xbb\xbftext\n",
        ],
    );
    // One octet of a stream is enough.
    all(Format::Passthru, &[b"a\x1bb\n", b"a\x01b\n", b"a\0b\n", b"\x1a", b"a\x1d~"]);
}

#[test]
fn letters_of_a_code_page_are_text() {
    let russian: Vec<u8> = b"\x8f\xe0\xa8\xa2\xa5\xe2, \xac\xa8\xe0!\r\n".repeat(30);
    let box_drawing = [&[0xc9][..], &[0xcd; 78], &[0xbb], b"\r\n\xba total 9.99 \xba\r\n"].concat();
    all(Format::Text, &[b"Gr\x94\xe1e\r\n", b"Gr\xfc\xdfe", b"\x80 5.00\r\n", &russian, &box_drawing]);
    all(
        Format::Text,
        &[
            "\u{feff}Grüße\n".as_bytes(),
            &[&b"\xff\xfe"[..], &"wide\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat(),
        ],
    );
    let noise: Vec<u8> = (0u32..4000).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let high: Vec<u8> = noise.iter().map(|octet| octet | 0x80).collect();
    // EBCDIC has no line ends that a printer of ASCII knows.
    let ebcdic = [&b"\xc8\x85\x93\x93\x96\x40\xa6\x96\x99\x93\x84"[..], &[0x40; 69]].concat().repeat(50);
    all(Format::Passthru, &[&noise, &high, &ebcdic]);
}

proptest! {
    #[test]
    fn any_bytes_have_a_format(first in any::<Vec<u8>>()) {
        let found = recognise(&first);
        prop_assert!(found.at <= first.len() as u64);
        prop_assert_eq!(detect(&first), found.format);
    }

    #[test]
    fn printable_text_is_never_a_binary_format(text in "[ -}\n\r\t]{1,300}") {
        prop_assert!(!matches!(detect(text.as_bytes()),
            Format::Tiff | Format::Jpeg | Format::Png | Format::Modca | Format::Gif | Format::Bmp | Format::EscPos));
    }

    #[test]
    fn sentences_are_text(words in proptest::collection::vec("[A-Za-z]{1,9}|[0-9]{1,4}", 4..60)) {
        let text = words.chunks(7).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(detect(text.as_bytes()), Format::Text, "{}", text);
    }
}
