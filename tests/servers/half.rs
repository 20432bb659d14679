//! Connections that are closed in one direction while the other one stays open.

use crate::support::documents::stream;

use super::world::World;

#[test]
fn a_fetch_whose_connection_is_half_closed_goes_on_where_it_stood() {
    let document = stream("half", 3 << 20);
    let world = World::two();
    world.before("acme1").cut_after(1 << 20);
    world.before("acme1").half(true);
    // The answers to offers are cut in the same way, far behind their ends.
    world.before("acme2").cut_after(64 << 10);
    world.before("acme2").half(true);
    world.submit_link("half", &document);
    world.wait_until_empty();
    let paper = std::fs::read(world["acme2"].sink()).unwrap();
    assert!(paper == document, "{} of {} octets", paper.len(), document.len());
}
