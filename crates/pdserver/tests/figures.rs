//! The program that measures the figures of a server, in its short form: each row works. No time makes a test fail.

#[path = "../benches/release.rs"]
mod release;
#[path = "../benches/rows.rs"]
mod rows;
#[path = "../benches/sealed.rs"]
mod sealed;
#[path = "../benches/server.rs"]
mod server;
#[path = "../../../benches/support/mod.rs"]
mod support;

use self::support::Size;
use self::support::table::Table;

#[test]
fn what_a_server_costs_is_measured() {
    let mut table = Table::default();
    rows::measure(Size::Short, &[], &mut table).unwrap();
    // Three of them need CUPS, which continuous integration has.
    assert!(table.rows.len() >= if support::cups::is_demanded() { 12 } else { 9 });
}
