//! Events for people, one on each line.

use crate::report::event::Event;
use crate::report::{Style, clean, paint};

/// Formats an event on one line: time, change, actor, proof and id.
pub fn event(event: &Event, style: &Style) -> String {
    let when = event
        .moment()
        .map_or_else(|| "-".to_owned(), |moment| clean(&moment).into_owned());
    let who = match &event.proof.actor {
        Some(actor) => paint(actor.as_str(), "32", style),
        None => paint("nobody", "31", style),
    };
    let means = match event.proof.means.as_str() {
        "nobody" => String::new(),
        "root" => ", by the root".to_owned(),
        means => format!(" by {means}"),
    };
    let claims = event
        .claimed_moment()
        .map_or_else(String::new, |claimed| format!(" (claims {})", clean(&claimed)));
    format!(
        "{when}{claims}  {}  {who}{means}  {}",
        clean(&event.change),
        paint(&event.id, "2", style)
    )
}
