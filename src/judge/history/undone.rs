//! The last step that changed a group, where it was refused: a later step may undo it.

use super::Past;
use super::read_commit;
use super::replay::Replay;
use crate::base::{Error, Oid};
use crate::object;
use crate::record::snapshot::Records;

/// The number of steps back that are searched for the last changes of a group.
const MOST_BACK: usize = 1_000;

/// One change of a group's folder.
struct Changed {
    by: Oid,
    parent: Oid,
    before: Option<Oid>,
    after: Option<Oid>,
}

impl Past<'_> {
    /// Lists the last two steps that changed this folder of the registry, newest first.
    fn last_changes(&self, folder: &str) -> Result<Vec<Changed>, Error> {
        let full = match self.folder {
            "" => folder.to_owned(),
            top => format!("{top}/{folder}"),
        };
        let id = |tree| Ok::<_, Error>(object::lookup(self.objects, tree, &full)?.map(|entry| entry.id));
        let mut found = Vec::new();
        let Some(tip) = self.tip else { return Ok(found) };
        let mut at = read_commit(self.objects, tip)?;
        let mut after = id(at.tree)?;
        for _ in 0..MOST_BACK {
            let Some(parent) = at.parents.first() else { break };
            let parent = read_commit(self.objects, *parent)?;
            let before = id(parent.tree)?;
            if before != after {
                found.push(Changed {
                    by: at.id,
                    parent: parent.id,
                    before,
                    after,
                });
                if found.len() == 2 {
                    break;
                }
            }
            (at, after) = (parent, before);
        }
        Ok(found)
    }

    /// Returns the last step that changed the group in this folder, if the group was `now`
    /// before it, and the step was refused and changed nothing else of the registry.
    ///
    /// A step that itself undoes another one is not judged again here: it is legal, and
    /// what it undid does not come back.
    pub(super) fn search_undone(&self, folder: &str, now: Oid) -> Result<Option<Oid>, Error> {
        let changes = self.last_changes(folder)?;
        let [last, earlier] = &changes[..] else {
            return Ok(None);
        };
        if self.is_inner || last.before != Some(now) || last.after == earlier.before {
            return Ok(None);
        }
        let records = Records::new(self.objects);
        let mut replay = Replay::after_judged(&records, self.folder, last.parent)?;
        replay.is_inner = true;
        let step = replay.step(&read_commit(self.objects, last.by)?)?;
        let inside = format!("{folder}/");
        let is_alone = step.changes.iter().all(|change| change.path.starts_with(&inside));
        Ok((is_alone && !step.findings.is_empty()).then_some(last.by))
    }
}
