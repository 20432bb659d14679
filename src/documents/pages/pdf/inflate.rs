//! Streams: only those that cross-references and objects are in, and never more than is allowed.

use super::super::source::{Finding, Unknown, Window};
use super::object::{Dictionary, array};

/// Octets of one stream, before and after.
pub const LARGEST: usize = 32 << 20;

/// The octets of a stream whose dictionary and data are given.
///
/// # Errors
/// When it is damaged, too large, or made with something else than Flate.
pub fn decode(window: &Window<'_>, dictionary: &Dictionary<'_>, data: Vec<u8>) -> Finding<Vec<u8>> {
    let Some(filter) = dictionary.get(b"Filter").or_else(|| dictionary.get(b"F")) else {
        return Ok(data);
    };
    let filter = match array(filter) {
        Ok(filters) if filters.is_empty() => return Ok(data),
        Ok(filters) if filters.len() == 1 => filters[0],
        Ok(_) => return Err(Unknown::Beyond),
        Err(_) => filter,
    };
    if !matches!(filter, b"/FlateDecode" | b"/Fl") {
        return Err(Unknown::Beyond);
    }
    let plain = match miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&data, LARGEST) {
        Ok(plain) => plain,
        // What was made whole is in the error too, but nobody can say what is missing.
        Err(error) if error.status == miniz_oxide::inflate::TINFLStatus::HasMoreOutput => return Err(Unknown::TooMuch),
        Err(_) => return Err(Unknown::Broken),
    };
    window.spend(plain.len())?;
    predicted(dictionary, plain)
}

/// Takes back the prediction of PNG, which tables of cross-references are made with.
fn predicted(dictionary: &Dictionary<'_>, plain: Vec<u8>) -> Finding<Vec<u8>> {
    let Some(parameters) = dictionary.get(b"DecodeParms").or_else(|| dictionary.get(b"DP")) else {
        return Ok(plain);
    };
    let parameters = match array(parameters) {
        Ok(all) if all.len() == 1 => all[0],
        Ok(_) => return Err(Unknown::Beyond),
        Err(_) => parameters,
    };
    let parameters = super::object::Reader::new(parameters).dictionary()?;
    match parameters.get(b"Predictor").map(|_| parameters.number(b"Predictor")) {
        None | Some(Some(1)) => return Ok(plain),
        Some(Some(10..=15)) => {}
        _ => return Err(Unknown::Beyond),
    }
    let (colours, bits) =
        (parameters.number(b"Colors").unwrap_or(1), parameters.number(b"BitsPerComponent").unwrap_or(8));
    let columns = parameters.number(b"Columns").unwrap_or(1);
    if bits != 8 || colours != 1 || !(1..=4096).contains(&columns) {
        return Err(Unknown::Beyond);
    }
    let columns = usize::try_from(columns).map_err(|_| Unknown::Beyond)?;
    let mut above = vec![0u8; columns];
    let mut out = Vec::with_capacity(plain.len());
    for row in plain.chunks(columns + 1) {
        let (kind, row) = row.split_first().ok_or(Unknown::Broken)?;
        let mut line = vec![0u8; columns];
        for (at, octet) in row.iter().enumerate() {
            let left = if at == 0 { 0 } else { line[at - 1] };
            let corner = if at == 0 { 0 } else { above[at - 1] };
            line[at] = octet.wrapping_add(match kind {
                0 => 0,
                1 => left,
                2 => above[at],
                3 => u8::midpoint(left, above[at]),
                4 => paeth(left, above[at], corner),
                _ => return Err(Unknown::Broken),
            });
        }
        out.extend_from_slice(&line[..row.len()]);
        above = line;
    }
    Ok(out)
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(corner));
    let (pa, pb, pc) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    if pa <= pb && pa <= pc {
        left
    } else if pb <= pc {
        above
    } else {
        corner
    }
}
