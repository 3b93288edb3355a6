//! Builds EventBridge entries from events and the versions that they are about.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::base::{Error, Oid};
use crate::exchange::eventbridge::{self, About, Account, Batch};
use crate::judge::history;
use crate::record::kind::{RecordPath, VersionId};
use crate::record::snapshot::{Records, Snapshot};
use crate::report::event::Event;

/// Passes the events to `out` in batches of one `PutEvents` call each. `from` is the
/// commit before the first event, or `None` for the root.
///
/// # Errors
/// An event is too large, or `out` fails.
pub fn entries(
    records: &Records<'_>,
    folder: &str,
    from: Option<Oid>,
    events: &[Event],
    account: &Account,
    mut out: impl FnMut(Value) -> Result<(), Error>,
) -> Result<(), Error> {
    let objects = records.objects();
    let mut registered = match from {
        Some(from) => history::registered(objects, folder, from, older(events))?,
        None => Default::default(),
    };
    let mut batch = Batch::default();
    let mut snapshot: Option<(Oid, Snapshot<'_>)> = None;
    for event in events {
        let at = match snapshot {
            Some((commit, at)) if commit == event.mainline => at,
            _ => {
                let tree = history::read_commit(objects, event.mainline)?.tree;
                let at = Snapshot::at(records, tree, folder)?;
                snapshot = Some((event.mainline, at));
                at
            }
        };
        let id = eventbridge::about(event);
        if let (Some(id), "version.registered", Some(time)) = (&id, event.kind, event.time) {
            registered.insert(id.clone(), time);
        }
        let (mut version, mut card) = (None, None);
        if let Some(id) = &id {
            version = at.read(&RecordPath::Version(id.clone()))?;
            card = at.read(&RecordPath::Card(id.clone()))?;
        }
        let about = About {
            version: version.as_ref().and_then(|file| file.version()),
            registered: id.as_ref().and_then(|id| registered.get(id).copied()),
            card: card.as_ref().and_then(|file| file.revision()),
        };
        if let Some(full) = batch.add(eventbridge::entry(event, about, account)) {
            out(full)?;
        }
    }
    batch.take().map_or(Ok(()), out)
}

/// The versions that events are about and that were registered earlier.
fn older(events: &[Event]) -> BTreeSet<VersionId> {
    let mut young = HashSet::new();
    let mut older = BTreeSet::new();
    for event in events {
        let Some(id) = eventbridge::about(event) else {
            continue;
        };
        if event.kind == "version.registered" {
            young.insert(id);
        } else if !young.contains(&id) {
            older.insert(id);
        }
    }
    older
}
