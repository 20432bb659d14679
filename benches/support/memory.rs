//! What a command takes of memory.

use std::process::{Command, Stdio};

use anyhow::Context;

/// The most memory that a command had, in MiB.
pub fn peak_mib(mut command: Command) -> anyhow::Result<f64> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut out = child.stdout.take().context("the command has no output")?;
    let mut buffer = vec![0; 1 << 20];
    let mut peak: f64 = 0.0;
    let mut reads = 0u32;
    while std::io::Read::read(&mut out, &mut buffer)? > 0 {
        // The high-water mark only grows: now and then is enough.
        reads += 1;
        if reads % 256 != 1 {
            continue;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kib: f64 = line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
        peak = peak.max(kib / 1024.0);
    }
    child.wait()?;
    Ok(peak)
}
