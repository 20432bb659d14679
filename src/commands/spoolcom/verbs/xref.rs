//! XREF, from each of its three sides.

use std::collections::BTreeMap;

use crate::commands::spoolcom::displays::Listing;
use crate::commands::spoolcom::displays::xref::{ByDevice, ByLocation, ByProcess, Connection};
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::device::DeviceStatus;
use crate::model::{DeviceName, LocationPattern, ProcessName};
use crate::spool::interface::operations::Operations;

/// Shows the locations that lead to devices, by location.
pub fn by_location(
    session: &mut Session<'_>,
    display: &DisplayRequest,
    location: Option<&LocationPattern>,
) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut processes: BTreeMap<String, String> = BTreeMap::new();
        let mut listing = Listing::new(out, style);
        let mut after = None;
        loop {
            let page = spool.locations(location.cloned(), after)?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            let mut rows = Vec::new();
            for status in &page {
                let process = match &status.device {
                    None => String::new(),
                    Some(device) => match processes.get(&device.key()) {
                        Some(known) => known.clone(),
                        None => {
                            let found = process(&spool.device(device.clone())?);
                            processes.insert(device.key(), found.clone());
                            found
                        }
                    },
                };
                rows.push(ByLocation(Connection {
                    location: status.name.to_string(),
                    device: status.device.as_ref().map(DeviceName::guardian).unwrap_or_default(),
                    process,
                }));
            }
            listing.page(&rows)?;
        }
        Ok(listing.end()?)
    })
}

/// Shows the devices with their locations and print processes, by device.
pub fn by_device(
    session: &mut Session<'_>,
    display: &DisplayRequest,
    device: Option<&DeviceName>,
) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let locations = locations(spool)?;
        let mut listing = Listing::new(out, style);
        let mut show = |page: &[DeviceStatus]| {
            let rows: Vec<ByDevice> = page.iter().flat_map(|one| connections(one, &locations)).map(ByDevice).collect();
            listing.page(&rows)
        };
        match device {
            Some(name) => show(&[spool.device(name.clone())?])?,
            None => each_page(spool, |page| Ok(show(page)?))?,
        }
        Ok(listing.end()?)
    })
}

/// Shows the print processes with their devices and locations, by print process.
pub fn by_process(
    session: &mut Session<'_>,
    display: &DisplayRequest,
    wanted: Option<&ProcessName>,
) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        if let Some(name) = wanted {
            spool.process(name.clone())?;
        }
        let locations = locations(spool)?;
        let mut found: BTreeMap<String, Vec<Connection>> = BTreeMap::new();
        each_page(spool, |page| {
            for device in page {
                let Some(name) = &device.settings.process else { continue };
                if wanted.is_none_or(|wanted| wanted == name) {
                    found.entry(name.key()).or_default().extend(connections(device, &locations));
                }
            }
            Ok(())
        })?;
        let mut listing = Listing::new(out, style);
        for rows in found.into_values() {
            listing.page(&rows.into_iter().map(ByProcess).collect::<Vec<_>>())?;
        }
        Ok(listing.end()?)
    })
}

/// Returns the connections of one device; one without a location when none leads to it.
fn connections(device: &DeviceStatus, locations: &BTreeMap<String, Vec<String>>) -> Vec<Connection> {
    let one = |location: &str| Connection {
        location: location.to_owned(),
        device: device.name.guardian(),
        process: process(device),
    };
    match locations.get(&device.name.key()) {
        Some(names) => names.iter().map(|name| one(name)).collect(),
        None => vec![one("")],
    }
}

fn process(device: &DeviceStatus) -> String {
    device.settings.process.as_ref().map(|name| format!("${name}")).unwrap_or_default()
}

/// Returns the names of the locations that lead to each device.
fn locations(spool: &mut dyn Operations) -> Result<BTreeMap<String, Vec<String>>, EarlyEnd> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = spool.locations(None, after)?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.name.clone());
        for status in &page {
            if let Some(device) = &status.device {
                found.entry(device.key()).or_default().push(status.name.to_string());
            }
        }
    }
}

/// Reads all devices, a page at a time.
pub fn each_page(
    spool: &mut dyn Operations,
    mut act: impl FnMut(&[DeviceStatus]) -> Result<(), EarlyEnd>,
) -> Result<(), EarlyEnd> {
    let mut after = None;
    loop {
        let page = spool.devices(after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        act(&page)?;
    }
}
