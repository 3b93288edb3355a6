//! Differences between what was imported and what the other registry has by now. They are
//! reported, and never applied: the records here belong to their owners here.

use serde_json::{Map, Value};

use super::import_plan::{IMPORTED_STATUS, ImportedGroup, ImportedVersion};
use crate::record::canonical::canonical;
use crate::record::kind::{Labels, ModelGroup, ModelVersion, StageName, Status, VersionId};

/// The annotation that keeps a version's aliases.
pub const ALIASES: &str = "mlflow/aliases";

/// Members that differ, with the command that would take each.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// The members, by their names: `description`, `labels.tier`.
    pub members: Vec<String>,
    /// Notes on the differences, for the user.
    pub notes: Vec<String>,
}

impl Differences {
    fn say(&mut self, members: Vec<String>, how: &str) {
        if !members.is_empty() {
            let told = members.join(", ");
            self.notes
                .push(format!("differs there, and is not taken: {told}; {how}"));
            self.members.extend(members);
        }
    }

    /// Compares the descriptions, which anybody with the right changes by `command`.
    fn described(
        &mut self,
        command: &str,
        description: [Option<&String>; 2],
        labels: [&Labels; 2],
        annotations: [&Labels; 2],
    ) {
        let mut options = Vec::new();
        let mut members = Vec::new();
        let [there, here] = description;
        if there.is_some() && there != here {
            members.push("description".to_owned());
            options.push("--description TEXT");
        }
        for (what, option, [there, here]) in [
            ("labels", "--label KEY=VALUE", labels),
            ("annotations", "--annotation KEY=VALUE", annotations),
        ] {
            // Metadata that `export mlflow` wrote there is ours.
            let theirs = there
                .iter()
                .filter(|(key, _)| !key.as_str().starts_with("modelry."));
            let other = theirs.filter(|(key, value)| here.get(*key) != Some(*value));
            let before = members.len();
            members.extend(other.map(|(key, _)| format!("{what}.{key}")));
            if members.len() > before {
                options.push(option);
            }
        }
        let how = format!("`{command} {}` takes it", options.join(" "));
        self.say(members, &how);
    }
}

/// How a group differs there.
pub(super) fn of_group(there: &ImportedGroup, here: &ModelGroup) -> Differences {
    let mut out = Differences::default();
    out.described(
        &format!("modelry group update {}", there.name),
        [there.description.as_ref(), here.description.as_ref()],
        [&there.labels, &here.labels],
        [&there.annotations, &here.annotations],
    );
    out
}

/// Lists how a version differs there. `card` is the one that it has here.
pub(super) fn of_version(
    id: &VersionId,
    there: &ImportedVersion,
    here: &ModelVersion,
    card: Option<&Value>,
) -> Differences {
    let mut out = Differences::default();
    if let Some(note) = status(id, there, here) {
        out.members.push("status".into());
        out.notes.push(note);
    }
    out.described(
        &format!("modelry annotate {id}"),
        [there.description.as_ref(), here.description.as_ref()],
        [&there.labels, &here.labels],
        [&there.annotations, &here.annotations],
    );
    let gone = here
        .annotations
        .keys()
        .filter(|key| key.as_str().starts_with("mlflow/"));
    let gone = gone.filter(|key| !there.annotations.contains_key(*key));
    let gone = gone.map(|key| format!("annotations.{key}")).collect();
    out.say(
        gone,
        &format!("it is gone there: `modelry annotate {id} --annotation KEY-` takes it away"),
    );
    let none = Map::new();
    let sections = there.card.as_ref().unwrap_or(&none).iter();
    let other = sections.filter(|(name, value)| {
        let mine = card.and_then(|card| card.get(name.as_str()));
        mine.map(canonical) != Some(canonical(value))
    });
    let other = other.map(|(name, _)| format!("card.{name}")).collect();
    out.say(other, &format!("`modelry card set {id} -f FILE` takes it"));
    out
}

/// Reports the status that it has there by now, when that is news.
fn status(id: &VersionId, there: &ImportedVersion, here: &ModelVersion) -> Option<String> {
    let kept = || {
        let mut annotations = here.annotations.iter();
        annotations.find_map(|(key, value)| (key.as_str() == IMPORTED_STATUS).then(|| value.clone()))
    };
    let was = match &here.imported {
        Some(imported) => Some(imported.status.status().to_string()),
        None => kept(),
    };
    let now = there.source_status.as_deref();
    // A status that decides nothing is news when its name differs.
    if now == was.as_deref() || (there.status == here.status && there.status != Status::Pending) {
        return None;
    }
    // A version of our own, which was never imported.
    if was.is_none() && there.status == here.status && there.status == Status::Pending && now.is_none() {
        return None;
    }
    let was = was.map_or_else(String::new, |was| format!(" (`{was}` when it was brought along)"));
    let now = now.map_or("none".to_owned(), |now| format!("`{now}`"));
    let told = format!(
        "its status there is {now}{was}, and is not taken: it is {} here",
        here.status
    );
    let fixed = here.spec.undigested().is_empty() && !here.spec.is_hollow();
    Some(match (there.status, here.status) {
        (Status::Approved, Status::Pending) if !fixed => {
            format!("{told}, and can't be approved as it is")
        }
        (Status::Approved, Status::Pending) => {
            format!("{told}; `modelry approve {id} -m REASON` says the same")
        }
        (Status::Rejected, Status::Pending | Status::Approved) => {
            format!("{told}; `modelry reject {id} -m REASON` says the same")
        }
        (Status::Archived, _) => format!("{told}; `modelry archive {id} -m REASON` says the same"),
        _ => told,
    })
}

/// Returns the command that would put a version where the other registry has it: `what`
/// (an alias, or a stage) of this name. `listed` are the policy's stages; `fixed` says
/// whether it can be approved.
pub(super) fn promotion(
    id: &VersionId,
    (what, word): &(&'static str, String),
    listed: &[&StageName],
    fixed: bool,
) -> String {
    let told = format!("{what} `{word}` was on {id}");
    let name = word.to_lowercase();
    match listed.iter().find(|stage| stage.as_str() == name) {
        None => format!("{told}; no stage `{name}` in the policy"),
        // The note beside it says already that it can't be approved.
        Some(_) if !fixed => told,
        Some(stage) => {
            format!("{told}: once it is approved, `modelry promote {id} {stage}` puts it there")
        }
    }
}
