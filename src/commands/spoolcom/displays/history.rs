//! LOG and WHY: what happened to an object, and why a job is not printing.

use std::io::{self, Write};

use serde_json::Value;

use crate::commands::why::{self, Times};
use crate::commands::{forecast, log};
use crate::model::forecast::Forecast;
use crate::model::why::Why;
use crate::spool::interface::records::Event;

use super::{Column, Listing, Shown, Style, label, left, plain};

fn times(style: &Style) -> Times {
    Times { zone: style.zone.clone(), now_ms: style.now_ms }
}

impl Shown for Event {
    const COLUMNS: &'static [Column] = &[left("TIME"), left("WHO"), left("WHAT"), left("WHY")];

    fn row(&self, style: &Style) -> Vec<String> {
        vec![times(style).full(self.at_ms), plain(&self.who), plain(self.what.word()), plain(&self.why)]
    }

    fn detail(&self, style: &Style) -> Vec<(String, String)> {
        vec![
            label("TIME", times(style).full(self.at_ms)),
            label("WHO", plain(&self.who)),
            label("WHAT", plain(self.what.word())),
            label("WHY", plain(&self.why)),
        ]
    }

    fn json(&self) -> Value {
        log::object(self)
    }
}

/// Shows why a job is not printing, with one line for each cause, and when it will.
pub fn why(out: &mut dyn Write, style: &Style, why: &Why, ahead: Option<&Forecast>) -> io::Result<()> {
    let times = times(style);
    if style.json {
        let mut values: Vec<Value> = why.causes.iter().map(|cause| why::object(cause, &times)).collect();
        values.extend(ahead.map(forecast::object));
        let mut listing = Listing::<Event>::new(out, style);
        listing.json(&values)?;
        return listing.end();
    }
    why.causes.iter().try_for_each(|cause| writeln!(out, "{}", why::words(cause, &times)))?;
    ahead.iter().try_for_each(|ahead| writeln!(out, "{}", forecast::words(ahead)))
}
