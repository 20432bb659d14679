//! A fetched file that a power loss left half there is never printed as it lies.

use crate::support::documents::text;
use crate::support::sink::{Mode, Sink};

use super::world::World;

/// Prints a large document half, kills everything on `acme2`, leaves a file there that is only its beginning, and goes on.
fn after_a_power_loss(submit: impl Fn(&World, &str, &[u8])) {
    let printer = Sink::new(Mode::Stalls(64 << 10));
    let world = World::with_printer(&printer);
    let document = text("large", 4 << 20);
    submit(&world, "large", &document);
    printer.wait_for("its beginning", |all| all.iter().any(|one| one.octets.len() >= 64 << 10));
    world.kill("acme2");
    assert!(world["acme2"].kill_fastp());
    let name = world["acme1"].print_files().pop().unwrap();
    let dir = world["acme2"].base().join("acme2").join("pdb");
    std::fs::create_dir_all(&dir).unwrap();
    // Its name was on the disk, its octets were not all.
    std::fs::write(dir.join(format!("acme1.{name}")), &document[..1 << 20]).unwrap();
    printer.set_mode(Mode::Normal);
    world.run("acme2");
    // Its operator finds that nothing prints.
    world["acme2"].start("LP1");
    world.wait_until_empty();
    let last = printer.connections().pop().unwrap();
    assert!(last.octets == document, "{} of {} octets", last.octets.len(), document.len());
}

#[test]
fn a_fetched_copy_that_is_half_there_is_not_printed_as_it_lies() {
    after_a_power_loss(World::submit);
}

#[test]
fn a_fetched_link_that_is_half_there_is_fetched_anew() {
    after_a_power_loss(|world, tag, text| {
        world.submit_link(tag, text);
    });
}
