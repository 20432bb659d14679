//! Label languages of printable characters: each test asks for the grammar of commands, as prose may begin alike.

use super::{Head, begins, find, lines};

/// Lines that are read before a language of lines is believed.
const ENOUGH: usize = 24;

/// What stands around labels where drivers frame them.
fn unframed(bare: &[u8]) -> &[u8] {
    let mut rest = bare;
    while let [0x02 | 0x10 | 0x18 | b'\r' | b'\n' | b' ', after @ ..] = rest {
        rest = after;
    }
    rest
}

// ---- ZPL

/// Control commands of ZPL, and what may follow each: `-` nothing, `#` a number, `:` a name or letters, `?` any character.
const TILDES: [(&[u8], u8); 56] = [
    (b"CC", b'?'),
    (b"CD", b'?'),
    (b"CT", b'?'),
    (b"DB", b':'),
    (b"DE", b':'),
    (b"DG", b':'),
    (b"DN", b'-'),
    (b"DS", b':'),
    (b"DT", b':'),
    (b"DU", b':'),
    (b"DY", b':'),
    (b"EG", b'-'),
    (b"HB", b'-'),
    (b"HD", b'-'),
    (b"HI", b'-'),
    (b"HM", b'-'),
    (b"HQ", b'='),
    (b"HS", b'-'),
    (b"HU", b'-'),
    (b"JA", b'-'),
    (b"JB", b'-'),
    (b"JC", b'-'),
    (b"JD", b'-'),
    (b"JE", b'-'),
    (b"JF", b'='),
    (b"JG", b'-'),
    (b"JI", b'-'),
    (b"JL", b'-'),
    (b"JN", b'-'),
    (b"JO", b'-'),
    (b"JP", b'-'),
    (b"JQ", b'-'),
    (b"JR", b'-'),
    (b"JS", b'='),
    (b"JX", b'-'),
    (b"KB", b'-'),
    (b"NC", b'#'),
    (b"NR", b'-'),
    (b"NT", b'-'),
    (b"PH", b'-'),
    (b"PL", b'#'),
    (b"PM", b'#'),
    (b"PP", b'-'),
    (b"PR", b'-'),
    (b"PS", b'-'),
    (b"RO", b'#'),
    (b"SD", b'#'),
    (b"TA", b'#'),
    (b"WC", b'-'),
    (b"WL", b'-'),
    (b"WQ", b'='),
    (b"WR", b'-'),
    (b"DC", b':'),
    (b"RV", b'='),
    (b"HL", b'-'),
    (b"MC", b'-'),
];

/// Whether `rest` is a `~` command of ZPL: its parameters or its end follow as it has them.
fn tilde(rest: &[u8]) -> bool {
    let [b'~', a, b, after @ ..] = rest else {
        return false;
    };
    let name = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
    let Some((_, kind)) = TILDES.iter().find(|(known, _)| **known == name) else {
        return false;
    };
    let ends = |octets: &[u8]| matches!(octets, [] | [b'\r' | b'\n' | b'^' | b'~' | 0x03 | 0x02, ..]);
    match kind {
        b'?' => ends(after) || ends(&after[1..]),
        b'#' => matches!(after, [b'0'..=b'9' | b'-' | b'+' | b',', ..]) || ends(after),
        b':' => after.len() > 1 && after[..after.len().min(40)].iter().any(|o| matches!(o, b':' | b',')),
        b'=' => ends(&after[after.iter().take_while(|o| o.is_ascii_alphanumeric()).take(2).count()..]),
        _ => ends(after),
    }
}

/// `^XA` opens a label; what comes before it is set-up, a comment or a `~` command.
pub fn zpl(head: &Head<'_>, bare: &[u8]) -> bool {
    let rest = unframed(bare);
    // What drivers send first: it sets the characters back that begin a command.
    if tilde(rest) || rest.starts_with(b"CT~~CD,~CC^~CT~") {
        return true;
    }
    if !matches!(rest, [b'^', a, b, ..] if a.is_ascii_alphabetic() && (b.is_ascii_alphanumeric() || *b == b'@')) {
        return false;
    }
    let opens = |octets: &[u8]| (0..octets.len().saturating_sub(2)).any(|at| begins(&octets[at..], b"^XA"));
    if begins(rest, b"^XA") {
        // `^XA is how a label begins` goes on without another command.
        let after = &rest[3..];
        let command = |pair: &[u8]| pair[0] == b'^' && pair[1].is_ascii_alphabetic() && pair[2].is_ascii_alphanumeric();
        return after.trim_ascii().is_empty() || after.windows(3).any(command) || after.windows(3).any(tilde);
    }
    opens(rest)
        || (head.cut && rest.windows(2).filter(|pair| pair[0] == b'^' && pair[1].is_ascii_alphabetic()).count() > 16)
}

// ---- EPL

/// How much a line says for EPL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// It is no command.
    No,
    /// It may be one: a letter and a number, as prose and tables have them too.
    Weak,
    /// Half of what sets a label up; two different ones are as good as a command.
    SetUp(u8),
    /// Nothing else looks so.
    Strong,
    /// Nothing else looks so, and binary data follow.
    Data,
}

/// Whether every line is a command of EPL2 and at least one is unmistakable.
///
/// `N` (clear the image) often comes first, and `A1 is the motorway` may follow it in prose: so commands are asked for
/// their parameters.
pub fn epl(head: &Head<'_>, bare: &[u8]) -> bool {
    let (mut strong, mut set_up, mut read) = (false, Vec::new(), 0);
    for line in lines(unframed(bare), head.cut).take(ENOUGH) {
        read += 1;
        match epl_line(line) {
            // A file may end with a mark of its own behind the last command.
            Line::No if line == b"\x1a" || line == b"\x03" => {}
            Line::No => return false,
            Line::Weak => {}
            Line::SetUp(which) => {
                if !set_up.contains(&which) {
                    set_up.push(which);
                }
            }
            Line::Strong => strong = true,
            Line::Data => return true,
        }
    }
    (strong && read > 0) || set_up.len() >= 2
}

fn epl_line(line: &[u8]) -> Line {
    if line.starts_with(b";") {
        return Line::Weak;
    }
    let (first, rest) = (line[0], &line[1..]);
    let parameters = Parameters::of(rest);
    let numbers = |least: usize| parameters.as_ref().is_some_and(|p| p.leading_numbers >= least);
    let number = !rest.is_empty() && rest.iter().all(u8::is_ascii_digit);
    match (first, rest) {
        (b'N' | b'U' | b't' | b'O' | b'M', []) => Line::Weak,
        // Text, bar codes, boxes: coordinates, and text in quotation marks at the end.
        (b'A', _) if numbers(6) && parameters.as_ref().is_some_and(|p| p.all >= 8) => Line::Strong,
        (b'B', _) if numbers(3) && parameters.as_ref().is_some_and(|p| p.all >= 8) => Line::Strong,
        (b'b', _) if numbers(2) && parameters.as_ref().is_some_and(|p| p.all >= 3 && p.letters_or_quotes) => {
            Line::Strong
        }
        (b'X', _) if numbers(5) => Line::Strong,
        (b'L', [b'O' | b'E' | b'W', after @ ..]) if Parameters::of(after).is_some_and(|p| p.leading_numbers >= 4) => {
            Line::Strong
        }
        (b'L', [b'S', after @ ..]) if Parameters::of(after).is_some_and(|p| p.leading_numbers >= 5) => Line::Strong,
        (b'G', [b'W', after @ ..]) => match Parameters::prefix(after) {
            4.. => Line::Data,
            _ => Line::No,
        },
        (b'G', [b'M', b'"', ..]) => Line::Data,
        (b'G', [b'G' | b'K', ..]) | (b'F', [b'K' | b'S' | b'R', ..]) if line.contains(&b'"') => Line::Strong,
        (b'F' | b'G' | b'E', [b'E' | b'I' | b'R', ..]) if rest.len() == 1 || line.contains(&b'"') => Line::Weak,
        (b'V' | b'C', [b'0'..=b'9', b'0'..=b'9', b',', ..]) if line.contains(&b'"') => Line::Strong,
        (b'?', []) => Line::Weak,
        // Variables of a stored form come bare behind `?`, after the form was named.
        (b'q', _) if number && rest.len() >= 2 => Line::SetUp(b'q'),
        (b'Q', _) if numbers(2) => Line::SetUp(b'Q'),
        (b'Q', _) if number && rest.len() >= 2 => Line::Weak,
        (b'R', _) if numbers(2) && parameters.as_ref().is_some_and(|p| p.all == 2) => Line::SetUp(b'R'),
        (b'I', [b'7' | b'8', b',', ..]) => Line::SetUp(b'I'),
        (b'Z', [b'T' | b'B']) => Line::SetUp(b'Z'),
        (b'r', [b'N' | b'Y']) => Line::SetUp(b'r'),
        (b'J', [b'F' | b'B' | b'C']) => Line::SetUp(b'J'),
        (b'S', _) if number && rest.len() == 1 => Line::SetUp(b'S'),
        (b'D', _) if number && rest.len() <= 2 => Line::SetUp(b'D'),
        (b'P', _) if number || numbers(2) => Line::SetUp(b'P'),
        (b'P', [b'A', after @ ..]) if after.iter().all(|o| o.is_ascii_digit() || *o == b',') => Line::Weak,
        (b'O', _)
            if !rest.is_empty() && rest.len() <= 8 && rest.iter().all(|o| b"CDFLNPRSTWVE0123456789,".contains(o)) =>
        {
            Line::Weak
        }
        (b'o', [b'R' | b'H' | b'M' | b'B' | b'E' | b'W', ..]) if rest.len() <= 8 => Line::Weak,
        (b'f' | b'j', _) if number => Line::Weak,
        (b'i', _) if numbers(1) => Line::Weak,
        (b'Y', _) if parameters.as_ref().is_some_and(|p| p.leading_numbers == 1 && p.all == 4) => Line::SetUp(b'Y'),
        (b'U', [_]) | (b'U', [_, _]) if rest.iter().all(u8::is_ascii_uppercase) => Line::Weak,
        (b'T', [b'D' | b'T', ..]) => Line::Weak,
        (b'E', [b'K' | b'S', b'"', ..]) => Line::Strong,
        (b'^', [b'@', ..]) => Line::SetUp(b'^'),
        _ => Line::No,
    }
}

/// Parameters parted by commas.
struct Parameters {
    /// Numbers at the beginning.
    leading_numbers: usize,
    /// All.
    all: usize,
    /// One is a letter, or text in quotation marks.
    letters_or_quotes: bool,
}

impl Parameters {
    /// Reads them; none when one is neither a number, nor a few letters or digits, nor text in quotation marks.
    fn of(line: &[u8]) -> Option<Self> {
        let mut found = Self { leading_numbers: 0, all: 0, letters_or_quotes: false };
        let mut only_numbers = true;
        let mut rest = line;
        loop {
            rest = rest.trim_ascii_start();
            let length = match rest {
                [b'"', after @ ..] => {
                    found.letters_or_quotes = true;
                    only_numbers = false;
                    // Text may hold commas, and quotation marks behind a backslash.
                    let mut escaped = false;
                    let end = after.iter().position(|octet| {
                        let ends = *octet == b'"' && !escaped;
                        escaped = *octet == b'\\' && !escaped;
                        ends
                    });
                    end? + 2
                }
                _ => {
                    let length = rest.iter().position(|octet| *octet == b',').unwrap_or(rest.len());
                    let word = rest[..length].trim_ascii();
                    let digits = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")).unwrap_or(word);
                    let number = !digits.is_empty() && digits.iter().all(|o| o.is_ascii_digit() || *o == b'.');
                    if !number {
                        if word.len() > 8 || !word.iter().all(u8::is_ascii_alphanumeric) {
                            return None;
                        }
                        found.letters_or_quotes |= !word.is_empty();
                        only_numbers = false;
                    }
                    found.leading_numbers += usize::from(number && only_numbers);
                    length
                }
            };
            found.all += 1;
            rest = rest[length..].trim_ascii_start();
            match rest {
                [b',', after @ ..] => rest = after,
                [] => return Some(found),
                // A variable or a counter may stand behind a text.
                _ if found.letters_or_quotes && rest.iter().all(|o| o.is_ascii_alphanumeric()) => return Some(found),
                _ => return None,
            }
        }
    }

    /// Numbers that are followed by a comma, whatever comes then.
    fn prefix(line: &[u8]) -> usize {
        let mut count = 0;
        let mut rest = line;
        loop {
            let digits = rest.iter().take_while(|octet| octet.is_ascii_digit() || **octet == b' ').count();
            match rest.get(digits) {
                Some(b',') if digits > 0 => (count, rest) = (count + 1, &rest[digits + 1..]),
                _ => return count,
            }
        }
    }
}

// ---- TSPL

/// Commands of TSPL that set up, with the parameters that they need: `#` a number, `?` anything.
const TSPL: [(&[u8], u8); 56] = [
    (b"SIZE", b'#'),
    (b"GAP", b'#'),
    (b"GAPDETECT", b'?'),
    (b"BLINE", b'#'),
    (b"OFFSET", b'#'),
    (b"SPEED", b'#'),
    (b"DENSITY", b'#'),
    (b"DIRECTION", b'#'),
    (b"REFERENCE", b'#'),
    (b"SHIFT", b'#'),
    (b"COUNTRY", b'#'),
    (b"CODEPAGE", b'?'),
    (b"CLS", b'-'),
    (b"FEED", b'#'),
    (b"BACKFEED", b'#'),
    (b"BACKUP", b'#'),
    (b"FORMFEED", b'-'),
    (b"HOME", b'-'),
    (b"PRINT", b'#'),
    (b"SOUND", b'#'),
    (b"CUT", b'-'),
    (b"LIMITFEED", b'#'),
    (b"SELFTEST", b'?'),
    (b"BAR", b'#'),
    (b"BARCODE", b'#'),
    (b"TLC39", b'#'),
    (b"BITMAP", b'#'),
    (b"BOX", b'#'),
    (b"CIRCLE", b'#'),
    (b"ELLIPSE", b'#'),
    (b"CODABLOCK", b'#'),
    (b"DMATRIX", b'#'),
    (b"ERASE", b'#'),
    (b"MAXICODE", b'#'),
    (b"PDF417", b'#'),
    (b"AZTEC", b'#'),
    (b"MPDF417", b'#'),
    (b"PUTBMP", b'#'),
    (b"PUTPCX", b'#'),
    (b"QRCODE", b'#'),
    (b"RSS", b'#'),
    (b"REVERSE", b'#'),
    (b"DIAGONAL", b'#'),
    (b"TEXT", b'#'),
    (b"BLOCK", b'#'),
    (b"SET", b'?'),
    (b"DOWNLOAD", b'?'),
    (b"EOP", b'-'),
    (b"EOJ", b'-'),
    (b"KILL", b'?'),
    (b"MOVE", b'-'),
    (b"DELAY", b'#'),
    (b"DISPLAY", b'?'),
    (b"INITIALPRINTER", b'-'),
    (b"AUTODETECT", b'?'),
    (b"ENCODER", b'?'),
];

/// Commands of which one must be there: `CLS` and `PRINT` are BASIC as well.
const TSPL_STRONG: [&[u8]; 15] = [
    b"SIZE",
    b"GAP",
    b"BLINE",
    b"DENSITY",
    b"DIRECTION",
    b"REFERENCE",
    b"TEXT",
    b"BARCODE",
    b"BITMAP",
    b"QRCODE",
    b"BAR",
    b"BOX",
    b"DMATRIX",
    b"BLOCK",
    b"PUTBMP",
];

/// Whether every line is a command of TSPL; binary data of a picture end the reading.
pub fn tspl(head: &Head<'_>, bare: &[u8]) -> bool {
    let (mut strong, mut read) = (0, 0);
    for line in lines(unframed(bare), head.cut).take(ENOUGH) {
        let name = &line[..line.iter().take_while(|o| o.is_ascii_alphanumeric()).count()];
        let after = line[name.len()..].trim_ascii_start();
        if line.starts_with(b";") || line.starts_with(b"REM ") || line.starts_with(b"~!") || line.starts_with(b"<ESC>!")
        {
            continue;
        }
        let Some((known, needs)) = TSPL.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) else {
            // `@1 = "x"` sets a variable. Behind a picture or a download anything may follow.
            if line.starts_with(b"@") && line.contains(&b'=') {
                continue;
            }
            return false;
        };
        let fits = match needs {
            b'#' => matches!(after, [b'0'..=b'9' | b'-' | b'.', ..]) && numbers_only(after, known),
            b'-' => after.is_empty(),
            _ => true,
        };
        if !fits {
            return false;
        }
        read += 1;
        strong += usize::from(TSPL_STRONG.contains(known));
        if matches!(*known, b"BITMAP" | b"DOWNLOAD") && read > 1 {
            return true;
        }
    }
    strong > 0 && read >= 2
}

/// Whether a number of TSPL goes on as one: figures, units, commas, and texts for those that have them.
fn numbers_only(after: &[u8], name: &[u8]) -> bool {
    if matches!(name, b"TEXT" | b"BARCODE" | b"QRCODE" | b"DMATRIX" | b"BLOCK" | b"BITMAP") {
        return after.iter().filter(|octet| **octet == b',').count() >= 2;
    }
    let words = after.split(|octet| matches!(octet, b',' | b' ')).filter(|word| !word.is_empty());
    words.into_iter().all(|word| {
        let digits = word.iter().take_while(|o| o.is_ascii_digit() || matches!(o, b'.' | b'-')).count();
        let unit = &word[digits..];
        unit.is_empty()
            || unit.len() <= 4
                && (digits > 0
                    || begins(unit, b"mm")
                    || begins(unit, b"dot")
                    || begins(unit, b"inch")
                    || unit.len() <= 2)
    }) || after.contains(&b'"')
}

// ---- CPCL

/// `! 0 200 200 210 1`, `! UTILITIES`, `! U1 …`.
pub fn cpcl(_: &Head<'_>, bare: &[u8]) -> bool {
    let Some(rest) = unframed(bare).strip_prefix(b"!") else {
        return false;
    };
    let line = rest.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    if !line.starts_with(b" ") {
        return false;
    }
    let mut words = line.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
    let number = |word: &[u8]| word.iter().all(|o| o.is_ascii_digit() || matches!(o, b'-' | b'.'));
    match words.next() {
        Some(b"UTILITIES" | b"U") => words.next().is_none(),
        Some(b"U1") => {
            words.next().is_some_and(|word| word.iter().all(|o| o.is_ascii_alphanumeric() || matches!(o, b'-' | b'.')))
        }
        Some(b"DF" | b"DEFINE-FORMAT" | b"UF" | b"USE-FORMAT" | b"PCX") => {
            words.next().is_some_and(|word| word.contains(&b'.')) && words.next().is_none()
        }
        Some(b"QR" | b"CISCO") => false,
        Some(word) => {
            number(word) && {
                let rest: Vec<_> = words.collect();
                (3..=5).contains(&rest.len()) && rest.iter().all(|word| number(word))
            }
        }
        None => false,
    }
}

// ---- Fingerprint

/// Statements of Fingerprint and of the Direct Protocol; `!` after a name that is unmistakable with what it needs.
const FINGERPRINT: [(&[u8], u8, bool); 49] = [
    (b"INPUT", b'o', true),
    (b"PP", b'#', true),
    (b"PRPOS", b'#', true),
    (b"PT", b'"', true),
    (b"PRTXT", b'"', true),
    (b"PB", b'"', true),
    (b"PRBAR", b'"', true),
    (b"PX", b'#', true),
    (b"PRBOX", b'#', true),
    (b"PL", b'#', true),
    (b"PRLINE", b'#', true),
    (b"PM", b'"', true),
    (b"PRIMAGE", b'"', true),
    (b"PF", b'e', true),
    (b"PRINTFEED", b'e', true),
    (b"FT", b'"', true),
    (b"FONT", b'"', true),
    (b"BT", b'"', true),
    (b"BARTYPE", b'"', true),
    (b"BARSET", b'"', true),
    (b"BARFONT", b'x', true),
    (b"BF", b'x', true),
    (b"BH", b'#', false),
    (b"BARHEIGHT", b'#', true),
    (b"BM", b'#', false),
    (b"BARMAG", b'#', true),
    (b"BR", b'#', false),
    (b"BARRATIO", b'#', true),
    (b"DIR", b'#', false),
    (b"AN", b'#', false),
    (b"ALIGN", b'#', false),
    (b"MAG", b'#', false),
    (b"NI", b'e', false),
    (b"II", b'e', false),
    (b"NORIMAGE", b'e', true),
    (b"INVIMAGE", b'e', true),
    (b"CLL", b'e', true),
    (b"CLIP", b'o', true),
    (b"NASC", b'#', true),
    (b"NASCD", b'"', true),
    (b"OPTIMIZE", b'"', true),
    (b"LAYOUT", b'x', true),
    (b"FORMFEED", b'e', false),
    (b"TESTFEED", b'e', true),
    (b"VERBOFF", b'e', true),
    (b"VERBON", b'e', true),
    (b"SETUP", b'"', false),
    (b"CUT", b'x', false),
    (b"SYSVAR", b'(', true),
];

/// Whether every statement is one of Fingerprint, and at least two are.
pub fn fingerprint(head: &Head<'_>, bare: &[u8]) -> bool {
    let (mut strong, mut read) = (false, 0);
    for line in lines(unframed(bare), head.cut).take(ENOUGH) {
        let mut quoted = false;
        let statements = line.split(|octet| {
            quoted ^= *octet == b'"';
            *octet == b':' && !quoted
        });
        for statement in statements.map(<[u8]>::trim_ascii).filter(|statement| !statement.is_empty()) {
            let name = &statement[..statement.iter().take_while(|o| o.is_ascii_alphabetic()).count()];
            let after = statement[name.len()..].trim_ascii();
            if name == b"REM" || statement.starts_with(b"'") {
                continue;
            }
            let Some((_, needs, unmistakable)) = FINGERPRINT.iter().find(|(known, _, _)| name == *known) else {
                return false;
            };
            let fits = match needs {
                b'#' => {
                    matches!(after, [b'0'..=b'9' | b'-', ..])
                        && after.iter().all(|o| o.is_ascii_digit() || matches!(o, b',' | b' ' | b'-'))
                }
                b'"' => matches!(after, [b'"', ..]) || matches!(after, [b'0'..=b'9', ..]) || after.ends_with(b"$"),
                b'o' => matches!(after, b"ON" | b"OFF") || after.is_empty(),
                b'(' => after.starts_with(b"(") && after.contains(&b'='),
                b'e' => after.is_empty() || after.iter().all(u8::is_ascii_digit),
                _ => true,
            };
            if !fits {
                return false;
            }
            read += 1;
            strong |= unmistakable;
        }
    }
    strong && read >= 2
}

// ---- DPL, SBPL

/// `STX` and a system command; `STX L` opens a label somewhere.
pub fn dpl(_: &Head<'_>, bare: &[u8]) -> bool {
    // Immediate commands (SOH) may come first.
    let mut rest = bare;
    while let [0x01, _, after @ ..] = rest {
        rest = after.trim_ascii_start();
    }
    let [0x02, command, ..] = rest else {
        return false;
    };
    let open = memchr::memmem::find_iter(rest, b"\x02L")
        .any(|at| rest.get(at + 2).is_none_or(|o| matches!(o, b'\r' | b'\n' | b'D' | b'H' | b'1')));
    open && b"LnmMcOoVeftKSTrqQXIikJFGadEPpUWwxyZ".contains(command)
}

/// `ESC A` … `ESC Z`, in between only sequences of SBPL.
pub fn sbpl(head: &Head<'_>, bare: &[u8]) -> bool {
    let Some(rest) = unframed(bare).strip_prefix(b"\x1bA") else {
        return false;
    };
    // The line spacing of ESC/P is an octet below 86 that is no digit in practice, and no letter of SBPL follows it.
    let opens = matches!(rest, [0x1b | b'\r' | b'\n' | b'1' | b'3', ..]);
    let closes = find(rest, b"\x1bZ").is_some() || head.cut;
    let places = rest
        .windows(3)
        .any(|o| o[0] == 0x1b && matches!(o[1], b'V' | b'H' | b'%' | b'L' | b'P' | b'C' | b'#' | b'Q') && o[2] != 0);
    opens && closes && places
}

// ---- without a word of their own

/// EZPL (`^Q50,3`), TPCL (`{D0508,1050,0478|}`), JScript (`m m`, `J`, `S l1;…`).
pub fn others(head: &Head<'_>, bare: &[u8]) -> bool {
    let rest = unframed(bare);
    let has_line = |test: fn(&[u8]) -> bool| lines(rest, head.cut).take(ENOUGH).any(test);
    match rest {
        [b'^' | b'~', b'A'..=b'Z', ..] => {
            has_line(|line| line == b"^L") && has_line(|line| line.starts_with(b"^Q") || line.starts_with(b"^W"))
        }
        [b'{', b'A'..=b'Z', ..] => lines(rest, head.cut).next().is_some_and(|line| line.ends_with(b"|}")),
        [b'm' | b'J' | b'H' | b'S' | b'O' | b'z' | b';', ..] => {
            has_line(|line| line.starts_with(b"S l") && line.contains(&b';'))
                && has_line(|line| line == b"J" || line.starts_with(b"J "))
        }
        _ => false,
    }
}
