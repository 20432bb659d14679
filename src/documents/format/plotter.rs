//! HP-GL and HP-GL/2: two letters and their parameters.

use super::Head;

/// The instructions, in two letters each.
const INSTRUCTIONS: &[u8] = b"AA AC AD AF AH AR AT BL BP BR BZ CA CC CF CI CM CO CP CR CS CT CV DC DF DI DL DP DR DS DT DV EA EC EP ER ES EW \
    FI FN FP FR FS FT GC GM IM IN IP IR IW KY LA LB LM LO LT MC MG MT NP NR OA OC OD OE OF OG OH OI OL OO OP OS OT OW \
    PA PB PC PD PE PG PM PP PR PS PT PU PW QL RA RF RO RP RQ RR RT RV RW SA SB SC SD SE SI SL SM SP SR SS ST SV TD TL TR UC UF UL \
    VA VN VS WD WG WU XT YT";

/// What a plot may begin with: set-up, a pen, the scale.
const FIRST: &[u8] = b"IN DF BP PS IP SC SP PU PA LT CO RO VS NP IW NR PG";

/// Instructions that are read before it is believed.
const ENOUGH: usize = 12;

/// Whether what is seen is a row of instructions, of which a drawing one or a set-up one comes first.
///
/// `IN;OUT;NET` is the head of a table: OU is no instruction. A table whose columns all are instructions has no numbers.
pub fn hpgl(head: &Head<'_>, bare: &[u8]) -> bool {
    let mut rest = bare.strip_prefix(b";").unwrap_or(bare);
    if !rest.get(..2).is_some_and(|name| is_in(name, FIRST)) {
        return false;
    }
    let begins_with_in = rest.starts_with(b"IN") || rest.starts_with(b"DF");
    let (mut read, mut numbers, mut ended) = (0, 0, 0);
    while read < ENOUGH {
        while let [b';' | b' ' | b'\r' | b'\n' | b'\t' | 0x03, after @ ..] = rest {
            rest = after;
        }
        let Some((name, after)) = rest.split_at_checked(2) else {
            // The end, or one letter of an instruction that is cut. An end of file, or a plotter command, may follow.
            if !rest.is_empty() && !head.cut && rest != b"\x1a" {
                return false;
            }
            break;
        };
        if name == b"\x1b%" || name == b"\x1b." || name == b"\x1bE" {
            break;
        }
        if !is_in(name, INSTRUCTIONS) {
            return false;
        }
        read += 1;
        rest = after;
        match name {
            // What is drawn as letters, and coded lines.
            b"LB" | b"PE" => {
                // Behind an instruction that was ended: PAPER is two names, and no plot.
                numbers += usize::from(ended > 0);
                break;
            }
            b"DT" => break,
            // A text in quotation marks.
            b"BP" | b"CO" => {
                let quoted = matches!(rest, [b'"' | b';', ..]);
                if !quoted && (name == b"CO" || !rest.first().is_some_and(u8::is_ascii_digit)) {
                    return false;
                }
                (numbers, ended) = (numbers + 1, ended + 1);
                break;
            }
            _ => {}
        }
        let parameters =
            rest.iter().take_while(|o| matches!(o, b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | b' ')).count();
        numbers += usize::from(rest[..parameters].iter().any(u8::is_ascii_digit));
        rest = &rest[parameters..];
        match rest {
            [b';' | b'\r' | b'\n', ..] | [] => ended += 1,
            // Parameters may be followed by the next instruction at once, as may those that have none.
            [letter, ..] if letter.is_ascii_uppercase() || *letter == b'\x1b' || *letter == b'\x03' => {}
            _ => return false,
        }
    }
    // `IN;` alone sets a plotter up; a word of six capitals (INPUTS) is three names without an end.
    (begins_with_in && read == 1 && ended == 1 && bare.len() <= 8) || (numbers > 0 && (read >= 2 || ended > 0))
}

fn is_in(name: &[u8], table: &[u8]) -> bool {
    table.split(|octet| *octet == b' ').any(|known| known == name)
}
