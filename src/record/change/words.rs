//! Changes as text: a phrase for people, a line for machines.

use super::{Change, ChangeKind};
use crate::record::kind::{RecordPath, VersionNumber};

fn stage_words(version: Option<VersionNumber>) -> String {
    version.map_or_else(|| "nothing".to_owned(), |n| n.to_string())
}

/// Escapes the line feeds of a path.
fn on_one_line(words: &str) -> String {
    words.replace('\n', "\\u{a}")
}

fn filled(words: &str, target: &str, name: &str) -> String {
    words.replace("{target}", target).replace("{name}", name)
}

impl Change {
    /// The target of the change: `fraud-detector/3`, `fraud-detector`, `registry.yaml`.
    pub fn target(&self) -> String {
        match &self.record {
            Some(RecordPath::Registry) | None => self.path.clone(),
            Some(RecordPath::PolicyReview(serial, _)) => format!("policy {serial}"),
            Some(RecordPath::Group(group)) => group.to_string(),
            Some(RecordPath::Stage(group, stage)) => format!("{group}@{stage}"),
            Some(record) => record
                .version()
                .map_or_else(|| self.path.clone(), ToString::to_string),
        }
    }

    /// The name of the record in the folder of its kind; empty for a kind that has one
    /// record.
    fn name(&self) -> &str {
        self.record
            .as_ref()
            .and_then(RecordPath::name)
            .unwrap_or_default()
    }

    /// The change as an imperative phrase, as in the subject of a commit.
    pub fn phrase(&self) -> String {
        on_one_line(&self.as_phrase())
    }

    fn as_phrase(&self) -> String {
        let target = self.target();
        let name = self.name();
        if let Some(words) = self.kind.words() {
            return filled(words.phrase, &target, name);
        }
        match &self.kind {
            ChangeKind::RegistryCreated => "create the registry".into(),
            ChangeKind::PolicyChanged => "change the policy".into(),
            ChangeKind::PolicyReviewed { decision } => format!("{} {target} as {name}", decision.verb()),
            ChangeKind::GroupCreated => format!("create group {target}"),
            ChangeKind::GroupUpdated => format!("update group {target}"),
            ChangeKind::GroupDeleted => format!("delete group {target}"),
            ChangeKind::VersionRegistered => format!("register {target}"),
            ChangeKind::VersionImported { status } => format!("import {target} as {status}"),
            ChangeKind::VersionDeleted => format!("delete {target}"),
            ChangeKind::FrozenChanged { pointers } => {
                format!("change frozen {} of {target}", pointers.join(", "))
            }
            ChangeKind::VersionAnnotated { pointers } => {
                format!("annotate {target} ({})", pointers.join(", "))
            }
            ChangeKind::Reviewed { decision, .. } => format!("{} {target} as {name}", decision.verb()),
            ChangeKind::StatusMoved { from, to } => format!("move {target} from {from} to {to}"),
            ChangeKind::StageMoved { from, to } if from == to => {
                format!("leave {target} at {}, with a new reason", stage_words(*to))
            }
            ChangeKind::StageMoved { from, to } => {
                format!(
                    "move {target} from {} to {}",
                    stage_words(*from),
                    stage_words(*to)
                )
            }
            ChangeKind::TombstoneChanged => format!("change the tombstone of {target}"),
            ChangeKind::Reformatted => format!("reformat {}", self.path),
            ChangeKind::Removed => format!("remove {}", self.path),
            ChangeKind::ProtectedChanged => format!("change protected {}", self.path),
            ChangeKind::Added(_) | ChangeKind::Changed(_) | ChangeKind::Unreadable => {
                format!("leave {} unreadable", self.path)
            }
            ChangeKind::Stray { .. } => format!("leave stray {}", self.path),
        }
    }

    /// The change as one line of a commit's `Modelry-Change:` trailer: the kind, the
    /// target, the details.
    pub fn trailer(&self) -> String {
        on_one_line(&self.as_trailer())
    }

    fn as_trailer(&self) -> String {
        let target = self.target();
        let name = self.name();
        if let Some(words) = self.kind.words() {
            return filled(words.trailer, &target, name);
        }
        match &self.kind {
            ChangeKind::RegistryCreated => "registry created".into(),
            ChangeKind::PolicyChanged => {
                let serial = self
                    .after
                    .as_ref()
                    .and_then(|after| after.registry())
                    .map_or(0, |policy| policy.serial);
                format!("policy changed, serial {serial}")
            }
            ChangeKind::PolicyReviewed { decision } => format!("review {target} {name} {decision}"),
            ChangeKind::Reviewed { decision, .. } => format!("review {target} {name} {decision}"),
            ChangeKind::StatusMoved { from, to } => format!("status {target} {from} -> {to}"),
            ChangeKind::StageMoved { from, to } if from == to => {
                format!("stage {target} stays {}, with a new reason", stage_words(*to))
            }
            ChangeKind::StageMoved { from, to } => {
                format!("stage {target} {} -> {}", stage_words(*from), stage_words(*to))
            }
            ChangeKind::GroupCreated => format!("group {target} created"),
            ChangeKind::GroupUpdated => format!("group {target} updated"),
            ChangeKind::GroupDeleted => format!("group {target} deleted"),
            ChangeKind::VersionRegistered => format!("version {target} registered"),
            ChangeKind::VersionImported { status } => {
                let by = self.after.as_ref().and_then(|after| after.by());
                let by = by.map_or_else(String::new, |by| format!(" by {by}"));
                format!("version {target} imported as {status}{by}")
            }
            ChangeKind::VersionDeleted => format!("version {target} deleted"),
            ChangeKind::VersionAnnotated { .. } => format!("version {target} annotated"),
            ChangeKind::FrozenChanged { .. }
            | ChangeKind::TombstoneChanged
            | ChangeKind::Reformatted
            | ChangeKind::Removed
            | ChangeKind::ProtectedChanged
            | ChangeKind::Added(_)
            | ChangeKind::Changed(_)
            | ChangeKind::Unreadable
            | ChangeKind::Stray { .. } => self.phrase(),
        }
    }
}
