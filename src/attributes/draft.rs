//! A destination, a queue or the server while its attributes are changed.
//!
//! Changes are taken one after the other; then [`Draft::finish`] decides what depends on several of them: the address, which
//! has a host and a port, and what is ready, which must be supported. Nothing is changed before all of them are taken.

use std::collections::BTreeMap;

use super::{Attribute, Class, Setter, find, text};
use crate::model::access::Access;
use crate::model::device::{DeviceChange, DeviceSettings, DeviceUri, RAW_PORT};
use crate::model::field::{Field, Value};
use crate::model::job::Format;
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, Realization};
use crate::model::{Failure, FailureKind, GroupName};

/// What is being changed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its class.
    class: ManagedClass,
    /// What it is, of a destination.
    pub realization: Option<Realization>,
    /// Its queue, of a destination.
    pub queue: Option<GroupName>,
    /// Settings of its device as they are after the changes so far.
    pub settings: DeviceSettings,
    /// Changes of its device.
    pub changes: Vec<DeviceChange>,
    /// What the documents of its jobs are, of a logical destination.
    pub content: Option<Format>,
    /// Whether a job for the whole queue prints on each of its devices.
    pub broadcast: bool,
    /// Who may do what with it.
    pub access: Access,
    /// Values that are only kept.
    pub kept: BTreeMap<Field, Value>,
    host: Option<Option<String>>,
    port: Option<Option<u16>>,
}

impl Draft {
    /// Begins with nothing set.
    pub fn new(class: ManagedClass, realization: Option<Realization>) -> Self {
        Self {
            class,
            realization,
            queue: None,
            settings: DeviceSettings::default(),
            changes: Vec::new(),
            content: None,
            broadcast: false,
            access: Access::default(),
            kept: BTreeMap::new(),
            host: None,
            port: None,
        }
    }

    /// Takes a change.
    ///
    /// # Errors
    /// `BadValue` with the attribute and why it cannot be changed so.
    pub fn take(&mut self, change: &ManagedChange, creates: bool) -> Result<(), Failure> {
        let row = self.row(change.field, creates)?;
        let bad = |why: String| Failure::new(FailureKind::BadValue, format!("{}: {why}", row.name()));
        let value = match &change.edit {
            ManagedEdit::Set(value) => Some(value.clone()),
            ManagedEdit::Reset => None,
            ManagedEdit::Add(value) | ManagedEdit::Remove(value) => {
                let adds = matches!(change.edit, ManagedEdit::Add(_));
                if adds && !row.many {
                    return Err(bad("it has one value: nothing can be added to it".to_owned()));
                }
                let mut now = self.now(row).each().to_vec();
                for one in value.each() {
                    now.retain(|other| !row.replaces(one, other));
                    if adds {
                        now.push(one.clone());
                    }
                }
                match now.pop() {
                    None => None,
                    Some(one) if !row.many => Some(one),
                    Some(last) => {
                        now.push(last);
                        Some(Value::Many(now))
                    }
                }
            }
        };
        if let Some(value) = &value {
            row.check(value).map_err(bad)?;
        }
        match row.set {
            Setter::Managed(set) => set(self, value.as_ref()).map_err(bad),
            _ => {
                match value {
                    Some(value) => self.kept.insert(row.field, value),
                    None => self.kept.remove(&row.field),
                };
                Ok(())
            }
        }
    }

    /// Returns the attribute, if this object has it and it can be set now.
    fn row(&self, field: Field, creates: bool) -> Result<&'static Attribute, Failure> {
        let bad = |why: &str| Failure::new(FailureKind::BadValue, format!("{}: {why}", field.stored()));
        let class = match self.class {
            ManagedClass::Destination => Class::Destination,
            ManagedClass::Queue => Class::Queue,
            ManagedClass::Server => Class::Server,
            ManagedClass::Medium => Class::Medium,
            ManagedClass::InitialValueJob => Class::InitialValueJob,
            ManagedClass::InitialValueDocument => Class::InitialValueDocument,
            ManagedClass::Station => Class::Station,
            ManagedClass::User => Class::User,
        };
        let word = self.class.word();
        let row = find(class, field).ok_or_else(|| bad(&format!("a {word} has no such attribute")))?;
        if let Some(realization) = self.realization
            && !row.is_of(realization)
        {
            let other = if realization == Realization::Logical { "actual" } else { "logical" };
            return Err(bad(&format!("only {other} destinations have it")));
        }
        match row.settable {
            super::Settable::Always => Ok(row),
            // What a default job gives is given once more with each job.
            super::Settable::Initially if row.class != class => Ok(row),
            super::Settable::Initially if creates => Ok(row),
            super::Settable::Initially => {
                Err(bad(&format!("it is given when a {word} is made, and cannot be altered")))
            }
            super::Settable::Never => Err(bad("it cannot be set: the spool determines it")),
        }
    }

    /// Returns the value that is added to or removed from.
    fn now(&self, row: &Attribute) -> Value {
        match row.field {
            Field::AssociatedQueue => self.queue.as_ref().map_or(super::NONE, |queue| Value::Text(queue.to_string())),
            Field::Access => super::getters::texts(self.access.values()),
            Field::DeviceTransforms => super::getters::texts(self.settings.transforms.iter()),
            field => self.kept.get(&field).cloned().unwrap_or(super::NONE),
        }
    }

    /// Changes a setting of the device.
    pub(super) fn device(&mut self, change: DeviceChange) {
        self.settings.apply(&change);
        self.changes.push(change);
    }

    /// Sets the host of the address; none = there is no address.
    pub(super) fn host(&mut self, host: Option<String>) {
        self.host = Some(host);
    }

    /// Sets the port of the address; none = the usual one.
    pub(super) fn port(&mut self, port: Option<u16>) {
        self.port = Some(port);
    }

    /// Sets the whole address. What was said of its parts before counts no more.
    pub(super) fn uri(&mut self, uri: DeviceUri) {
        (self.host, self.port) = (None, None);
        self.device(DeviceChange::Uri(uri));
    }

    /// Decides what depends on several attributes.
    ///
    /// # Errors
    /// `BadValue` with what does not fit together.
    pub fn finish(&mut self) -> Result<(), Failure> {
        if self.realization == Some(Realization::Actual) {
            self.address()?;
            self.without_form();
            let media = media(&self.kept);
            if media != self.settings.media {
                self.device(DeviceChange::Media(media));
            }
        }
        for (ready, supported) in READY {
            self.is_supported(ready, supported)?;
        }
        if self.class == ManagedClass::Queue { self.bounds() } else { Ok(()) }
    }

    /// Checks the bounds of a queue against each other. With the first upper bound the time between two estimates is fixed.
    fn bounds(&mut self) -> Result<(), Failure> {
        let minutes = |kept: &BTreeMap<Field, Value>, name: &str| match Field::from_stored(name)
            .and_then(|field| kept.get(&field))
        {
            Some(Value::Integer(minutes)) => Some(*minutes),
            _ => None,
        };
        let upper = minutes(&self.kept, UPPER_BOUND);
        let bad = |name: &str, why: &str| Err(Failure::new(FailureKind::BadValue, format!("{name}: {why}")));
        for name in [LOWER_BOUND, INTERVAL] {
            match (minutes(&self.kept, name), upper) {
                (Some(time), Some(upper)) if time > upper => {
                    return bad(name, &format!("it is more than {UPPER_BOUND}"));
                }
                _ => {}
            }
        }
        if let (Some(upper), None) = (upper, minutes(&self.kept, INTERVAL))
            && let Some(field) = Field::from_stored(INTERVAL)
        {
            self.kept.insert(field, Value::Integer((upper / 30).max(1).min(upper)));
        }
        Ok(())
    }

    fn address(&mut self) -> Result<(), Failure> {
        if self.host.is_none() && self.port.is_none() {
            return Ok(());
        }
        let (old_host, old_port) = match &self.settings.uri {
            Some(DeviceUri::Socket { host, port }) => (Some(host.clone()), Some(*port)),
            _ => (None, None),
        };
        let host = self.host.take().unwrap_or(old_host);
        let port = self.port.take().unwrap_or(old_port).unwrap_or(RAW_PORT);
        let Some(host) = host else {
            let (address, port) = (Field::DestinationHost.stored(), Field::DestinationPort.stored());
            return Err(Failure::new(FailureKind::BadValue, format!("{port}: without {address} there is no address"))
                .hint(format!("{address}=HOST {port}={RAW_PORT}   is an address")));
        };
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host };
        let uri = format!("socket://{bracketed}:{port}").parse::<DeviceUri>();
        let uri = uri.map_err(|why| {
            Failure::new(FailureKind::BadValue, format!("{}: {why}", Field::DestinationHost.stored()))
        })?;
        if self.settings.uri.as_ref() != Some(&uri) {
            self.device(DeviceChange::Uri(uri));
        }
        Ok(())
    }

    /// Takes the form out of the papers that are said to be loaded besides: it is shown among them, and follows `form`.
    fn without_form(&mut self) {
        let form = self.settings.form.trim().to_owned();
        if let Some(ready) = self.kept.remove(&Field::MediaReady) {
            let is_form = |value: &Value| matches!(value, Value::Text(text) if text.eq_ignore_ascii_case(&form));
            let others: Vec<Value> = ready.each().iter().filter(|value| !is_form(value)).cloned().collect();
            if !others.is_empty() {
                self.kept.insert(Field::MediaReady, Value::Many(others));
            }
        }
    }

    /// Checks that what is ready is supported, where something is said to be supported.
    fn is_supported(&self, ready: &str, supported: &str) -> Result<(), Failure> {
        let value = |name: &str| Field::from_stored(name).and_then(|field| self.kept.get(&field));
        let (Some(is), Some(may)) = (value(ready), value(supported)) else { return Ok(()) };
        let range = |value: &Value| match value {
            Value::Text(text) => text::range(text, 0, i64::MAX),
            _ => None,
        };
        let missing = match (range(is), range(may)) {
            (Some(is), Some(may)) => is.0 < may.0 || is.1 > may.1,
            _ => is.each().iter().any(|one| !may.each().contains(one)),
        };
        if missing {
            return Err(Failure::new(
                FailureKind::BadValue,
                format!("{ready}: it has a value that {supported} has not"),
            ));
        }
        Ok(())
    }
}

/// The bounds for the work that waits in a queue, and the time between two estimates of it.
const UPPER_BOUND: &str = "backlog-upper-bound";
const LOWER_BOUND: &str = "backlog-lower-bound";
const INTERVAL: &str = "backlog-update-interval";

/// What is ready, and where what is supported stands.
const READY: [(&str, &str); 4] = [
    ("media-ready", "media-supported"),
    ("job-batches-ready", "job-batches-supported"),
    ("job-size-range-ready", "job-size-range-supported"),
    ("job-page-range-ready", "job-page-range-supported"),
];

/// Returns the papers that are loaded: those that were said to be, or those in the trays.
fn media(kept: &BTreeMap<Field, Value>) -> Vec<String> {
    let texts = |field: Field| {
        let values = kept.get(&field).map(|value| value.each().to_vec()).unwrap_or_default();
        values.into_iter().filter_map(|value| if let Value::Text(text) = value { Some(text) } else { None })
    };
    let ready: Vec<String> = texts(Field::MediaReady).collect();
    if !ready.is_empty() {
        return ready;
    }
    let mut found: Vec<String> = Vec::new();
    for tray in texts(Field::InputTraysMedium) {
        if let Some((_, medium)) = tray.split_once(':')
            && !medium.is_empty()
            && !found.iter().any(|other| other == medium)
        {
            found.push(medium.to_owned());
        }
    }
    found
}
