//! Events as CloudEvents 1.0, in its JSON format.
//!
//! The extensions `sequence` (its value sorts as text) and `partitionkey` are
//! documented by CloudEvents. `previous` is the id of the preceding event.

use serde_json::{Map, Value};

use super::put;
use crate::record::kind::masked_value;
use crate::report::event::{self, Event};

/// Formats an event. A login in an address of an older record is masked.
pub fn event(event: &Event) -> Value {
    let mut all = Map::new();
    put(&mut all, "specversion", Some("1.0"));
    put(&mut all, "id", Some(&event.id));
    put(&mut all, "source", Some(event.source()));
    put(&mut all, "type", Some(event.type_name()));
    put(&mut all, "subject", Some(&event.subject));
    put(&mut all, "time", event.moment());
    put(&mut all, "sequence", Some(event.sequence()));
    put(&mut all, "previous", event.previous.as_ref());
    put(&mut all, "partitionkey", event.group.as_ref());
    put(&mut all, "datacontenttype", Some("application/json"));
    put(&mut all, "dataschema", Some(event::schema_id()));
    all.insert("data".into(), masked_value(event.data()));
    all.into()
}
