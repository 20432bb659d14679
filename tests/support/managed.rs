//! Destinations, a queue and a server with a value of every attribute.

use spoolsuite::attributes::{Attribute, Class, Kind, Settable, of_class};
use spoolsuite::model::field::{Field, Value};
use spoolsuite::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject, Realization};
use spoolsuite::spool::interface::operations::Operations;

use super::inside::Inside;

/// A value that `row` may have.
pub fn value(row: &Attribute) -> Value {
    let one = match row.kind {
        // Those whose values are names or patterns of their own.
        _ if row.name() == "compatible-queues" => Value::Text("other:some-queue".into()),
        // One that has parts.
        Kind::Text if row.written.is_some() => Value::Text(
            match row.name() {
                "notification-profile" => "{delivery-method=none event-comment='some comment'}",
                "notify-operator" => "none:some operator",
                "valid-attributes" => "A4",
                "identity-realms" => "CORP=corp.local",
                "identity-rules" => "(.+)-adm",
                "aliases" | "delegates" => "CORP\\some one",
                _ => "ann@h1::2:some comment",
            }
            .into(),
        ),
        Kind::Keyword(words) => Value::Text(words[0].into()),
        Kind::Integer(_, high) => Value::Integer(high),
        Kind::Boolean => Value::Boolean(true),
        Kind::Duration => Value::Integer(90),
        Kind::Time => Value::Time(1_800_000_000_000),
        Kind::Range(low, _) => Value::Text(format!("{low}:100")),
        // Default jobs and documents that are named must be there: [`defaults`] makes them.
        _ if row.name().contains("initial-value-") => Value::Text("house".into()),
        // What is ready must be supported.
        _ => Value::Text(format!("some {}", row.heading.join(" ").replace("Ready", "Supported"))),
    };
    if row.many { Value::Many(vec![one.clone(), one]) } else { one }
}

/// The default job and document that values name; they give nothing.
pub fn defaults(inside: &mut Inside) {
    for class in [ManagedClass::InitialValueJob, ManagedClass::InitialValueDocument] {
        inside.local.create_managed(ManagedObject { class, name: "house".into() }, Vec::new(), None).unwrap();
    }
}

/// A queue, a destination of each kind and the server, with a value of every attribute that is only kept.
pub fn manage(inside: &mut Inside) {
    defaults(inside);
    let text = |text: &str| ManagedEdit::Set(Value::Text(text.into()));
    let kept = |class: Class, only: Option<Realization>| -> Vec<ManagedChange> {
        let rows = of_class(class).filter(|row| row.is_carried() && row.settable != Settable::Never);
        let rows = rows.filter(|row| only.is_none_or(|only| row.is_of(only)));
        rows.map(|row| ManagedChange { field: row.field, edit: ManagedEdit::Set(value(row)) }).collect()
    };
    let object = |class, name: &str| ManagedObject { class, name: name.into() };
    let message = Some("a word".to_owned());
    let queue = kept(Class::Queue, None);
    inside.local.create_managed(object(ManagedClass::Queue, "sales-q"), queue, message.clone()).unwrap();
    for (name, only) in [("sales-ld", Realization::Logical), ("sales-ad", Realization::Actual)] {
        let mut changes = kept(Class::Destination, Some(only));
        changes.push(ManagedChange { field: Field::DestinationRealization, edit: text(only.word()) });
        changes.push(ManagedChange { field: Field::AssociatedQueue, edit: text("sales-q") });
        if only == Realization::Logical {
            changes.push(ManagedChange { field: Field::DestinationContent, edit: text("pcl") });
        } else {
            let trays = Value::Many(vec![Value::Text("tray-1:some Media Supported".into())]);
            let transforms = Value::Many(vec![Value::Text("application/pdf some-program".into())]);
            changes.push(ManagedChange { field: Field::DeviceTransforms, edit: ManagedEdit::Set(transforms) });
            changes.push(ManagedChange { field: Field::Form, edit: text("A5") });
            changes.push(ManagedChange { field: Field::DestinationHost, edit: text("127.0.0.1") });
            changes.push(ManagedChange { field: Field::InputTraysMedium, edit: ManagedEdit::Set(trays) });
        }
        inside.local.create_managed(object(ManagedClass::Destination, name), changes, message.clone()).unwrap();
    }
    for (class, name) in [(ManagedClass::Destination, "sales-ld"), (ManagedClass::Destination, "sales-ad")] {
        inside.local.enable_managed(object(class, name), true, message.clone()).unwrap();
    }
    let server = kept(Class::Server, None);
    inside.local.set_managed(object(ManagedClass::Server, "acme1"), server, message).unwrap();
}
