//! Events as CloudEvents 1.0, in its JSON format.
//!
//! The extensions `sequence` (its value sorts as text) and `partitionkey` are
//! those that CloudEvents documents; `previous` is the id of the event before.

use serde_json::{Map, Value};

use super::put;
use crate::record::kind::masked_value;
use crate::report::event::{self, Event};

/// The media type of one event.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// The media type of several in an array.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// An event. A login in the address of an older record is no news.
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
