//! One location of a group of 10,000 is declared, led elsewhere and deleted: against the same in a group of its own.

use super::super::support::site::Site;
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, fsync_p50, in_turn, seconds};
use spoolsuite::model::{DeviceName, LocationPattern};
use spoolsuite::spool::interface::operations::Operations;

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let locations = size.pick(20, 10_000);
    let each = size.pick(2, 200);
    let site = Site::new();
    for device in ["A", "B"] {
        site.device(device, "null:");
    }
    // A device for each location: what is looked at is the group, not what one device has.
    let declared = |n: usize| format!("DEV $D{n}, PROCESS $SPLA, URI null:; LOC #BIG.D{n}, DEV $D{n}");
    site.spoolcom(&(0..locations).map(declared).collect::<Vec<_>>().join("; "));
    let fsync = fsync_p50(site.dir.path());
    let (a, b): (DeviceName, DeviceName) = ("A".parse()?, "B".parse()?);
    let (mut big, mut small) = (site.local(), site.local());
    let turn = |spool: &mut dyn Operations, group: &dyn Fn(usize) -> String| {
        seconds(|| {
            for n in 0..each {
                let location: LocationPattern = format!("#{}.X{n}", group(n)).parse().unwrap();
                spool.route_location(location.clone(), Some(a.clone())).unwrap();
                spool.route_location(location.clone(), Some(b.clone())).unwrap();
                spool.delete_location(location).unwrap();
            }
        }) / each as f64
    };
    let times = in_turn(
        size.pick(1, 9),
        || turn(&mut big, &|_| "BIG".to_owned()),
        || turn(&mut small, &|n| format!("SMALL{n}")),
    );
    let what = format!("a location of a group of {locations} declared, led elsewhere, deleted");
    table.add(Row::ratio(&what, Unit::Seconds, times, "a group of its own", Goal::AtMost(1.2), fsync));
    Ok(())
}
