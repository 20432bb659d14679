//! What was found in a spool on disk, as `pdfsck` and `SPOOLER, REBUILD` show it.

use std::io::Write;

use crate::attributes::text::escaped;
use crate::spool::disk::fsck::Report;

/// Shows what was found, and what became of it.
///
/// # Errors
/// When it cannot be written.
pub fn show(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    for finding in &report.findings {
        let lost = if finding.loss { "LOST: " } else { "" };
        writeln!(out, "{lost}{}: {}", escaped(&finding.object), escaped(&finding.text))?;
        match (&finding.mended, &finding.cure) {
            (Some(mended), _) => writeln!(out, "  mended: {}", escaped(mended))?,
            (None, Some(cure)) => writeln!(out, "  cure: {}", escaped(cure))?,
            (None, None) => {}
        }
    }
    if report.accepted {
        writeln!(out, "accepted: what no job knows may be erased again; held jobs stay held until START")?;
    }
    let left = report.findings.iter().filter(|finding| finding.mended.is_none()).count();
    let verdict = match left {
        0 => "nothing is wrong".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        n => format!("{n} things are wrong"),
    };
    writeln!(
        out,
        "{} jobs, {} print files, {} files put aside: {verdict}",
        report.jobs, report.print_files, report.aside
    )?;
    Ok(())
}
