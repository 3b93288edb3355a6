//! Holds a decision to what its author saw: the object must be as this clone showed
//! it before the command fetched anything, or the command line must name its digest.

use std::cell::RefCell;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use super::attempt::{Attempt, Base};
use super::fetched::{Fetched, fetched};
use super::preview::Proposal;
use super::{Target, WriteArgs};
use crate::act::{self, Object, Refusal};
use crate::base::{Error, FullRef, Oid, shell_word};
use crate::cli::Ui;
use crate::cli::read::at;
use crate::judge::history;
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{Digest, GroupName, RecordPath, VersionId};
use crate::record::snapshot::{Loaded, Records, Snapshot};
use crate::report::{self, paint, summary};
use crate::trust::Policy;
use crate::workspace::Workspace;

/// Options for the content that a decision may be signed for.
#[derive(Clone, Debug, Default, Args)]
pub struct SeenArgs {
    /// Sign only this content: at least 12 digits of the digest that `show`, `list -o
    /// json` and the page of a pull request print; may be repeated
    #[arg(
        long,
        value_name = "DIGEST",
        help_heading = "Writing",
        conflicts_with = "any_content"
    )]
    pub expect: Vec<Expected>,
    /// Sign the present content, seen or not: for machines that decide by gates
    #[arg(long, help_heading = "Writing")]
    pub any_content: bool,
}

/// The first digits of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected(String);

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Expected, String> {
        let bare = text.strip_prefix("sha256:").unwrap_or(text);
        let bare = bare.trim_end_matches(['…', '.']).to_ascii_lowercase();
        let is_hex = bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        match is_hex && (12..=64).contains(&bare.len()) {
            true => Ok(Expected(bare)),
            false => Err(
                "write 12 to 64 hexadecimal digits of the content's digest, as `modelry show` prints it"
                    .into(),
            ),
        }
    }
}

impl Expected {
    fn is_of(&self, digest: &Digest) -> bool {
        digest.as_str().trim_start_matches("sha256:").starts_with(&self.0)
    }
}

/// The policy in force, if there is one, and the one that is proposed in its place.
pub type Policies = (Option<Arc<Loaded>>, Arc<Loaded>);

/// The policies that a review concerns.
pub struct PolicySeen {
    /// The policies as this clone showed them.
    pub shown: RefCell<Policies>,
    /// The policies at the review's destination; set by the draft.
    pub now: RefCell<Option<Policies>>,
}

/// The state that a decision is held to.
pub struct Seen<'s> {
    /// The options of the command line, if the command has them.
    pub args: Option<&'s SeenArgs>,
    /// The policies, for a review of one.
    pub policy: Option<&'s PolicySeen>,
}

impl<'s> Seen<'s> {
    /// Returns the state for decisions on versions and stages.
    pub fn of(args: &'s SeenArgs) -> Seen<'s> {
        Seen {
            args: Some(args),
            policy: None,
        }
    }

    /// Returns the state for decisions on objects without a digest to name.
    pub fn unnamed() -> Seen<'s> {
        Seen {
            args: None,
            policy: None,
        }
    }
}

/// Returns the commit that this clone shows before anything is fetched: the tip of
/// the named branch, or the checked-out commit, if there is one.
pub(super) fn shown(workspace: &Workspace, args: &WriteArgs) -> Option<Oid> {
    let repo = &workspace.repo;
    let named = args.branch.as_ref().and_then(|name| {
        let full = FullRef::meant(name);
        repo.reference(&full)
            .ok()
            .flatten()
            .or_else(|| repo.upstream_tip(&full))
    });
    named.or_else(|| at::current(workspace).ok())
}

/// The objects of a decision, compared with what was seen of them.
pub(super) struct Look {
    /// The content that would be signed, by name.
    pub contents: Vec<(String, Digest)>,
    /// The objects that have changed since they were seen.
    moved: Vec<Object>,
    /// The changes in these objects.
    changes: Vec<Change>,
    /// Changes around the objects that do not stop the decision.
    beside: Vec<Change>,
    /// The objects that the fetched mainline has otherwise.
    fetched: Option<Fetched>,
    /// The groups that there are.
    groups: Vec<GroupName>,
    /// Notes on what the change rests on beside its objects, and was not shown.
    pub notes: Vec<String>,
}

/// Compares the objects of a decision with what was seen of them.
pub(super) fn look(
    attempt: &Attempt<'_>,
    base: &Base<'_>,
    target: &Target,
    proposal: &Proposal,
) -> Result<Look, Error> {
    let tip = target.base;
    let folder = &attempt.workspace.folder;
    let records = Records::new(base.objects);
    let at = |commit: Oid| -> Result<Snapshot<'_>, Error> {
        Snapshot::at(&records, history::read_commit(base.objects, commit)?.tree, folder)
    };
    let now = at(tip)?;
    let id = base.policy.id();
    let mut look = Look {
        contents: Vec::new(),
        moved: Vec::new(),
        changes: Vec::new(),
        beside: Vec::new(),
        fetched: fetched(attempt, base, target, proposal)?,
        groups: now.groups()?,
        notes: Vec::new(),
    };
    for version in act::spoken_for(&proposal.changes) {
        if let Some(digest) = act::content(id, &now, &version)? {
            look.contents.push((version.to_string(), digest));
        }
    }
    for change in &proposal.changes {
        if let (ChangeKind::PolicyReviewed { .. }, Some(review)) = (
            &change.kind,
            change.after.as_ref().and_then(|after| after.review()),
        ) {
            look.contents.push((change.target(), review.subject.clone()));
        }
    }
    let objects = act::objects(&proposal.changes);
    let seen = match attempt.seen.get() {
        Some(seen) if seen == tip => now,
        // A commit that this clone can't read was never shown here.
        Some(seen) => at(seen).unwrap_or(Snapshot::empty(&records)),
        None => Snapshot::empty(&records),
    };
    for (version, actor) in act::unseen_support(&base.policy, &proposal.changes, &seen, &now)? {
        look.notes.push(format!(
            "{version} is approved together with the review of `{actor}`, which this clone had not shown"
        ));
    }
    for object in &objects {
        if act::has_moved(id, object, &seen, &now)? {
            look.moved.push(object.clone());
        }
    }
    for object in act::contradicting_reviews(&proposal.changes, &seen, &now)? {
        if !look.moved.contains(&object) {
            look.moved.push(object);
        }
    }
    if !look.moved.is_empty() {
        look.changes = act::moves(&look.moved, &seen, &now)?;
    }
    look.beside = act::surroundings(&objects, &seen, &now)?;
    let told = |change: &Change| {
        let mut told = look.changes.iter();
        told.any(|other| other.path == change.path && other.kind == change.kind)
    };
    let is_told: Vec<bool> = look.beside.iter().map(told).collect();
    let mut is_told = is_told.into_iter();
    look.beside.retain(|_| is_told.next() == Some(false));
    if objects.contains(&Object::Policy) {
        let moved = policies(attempt, base, target, (&seen, &now))?;
        if !moved.is_empty() {
            look.moved.push(Object::Policy);
            look.changes.extend(moved);
        }
    }
    Ok(look)
}

/// Returns how the policies of a review differ from what was seen.
fn policies(
    attempt: &Attempt<'_>,
    base: &Base<'_>,
    target: &Target,
    (seen, now): (&Snapshot<'_>, &Snapshot<'_>),
) -> Result<Vec<Change>, Error> {
    let in_force = &base.policy.source;
    let change = |before: Option<&Arc<Loaded>>, after: &Arc<Loaded>| {
        before
            .is_none_or(|before| before.value() != after.value())
            .then(|| Change {
                kind: ChangeKind::PolicyChanged,
                path: RecordPath::Registry.to_string(),
                record: Some(RecordPath::Registry),
                before: before.cloned(),
                after: Some(after.clone()),
            })
    };
    if let Some(policy) = attempt.job.seen.as_ref().and_then(|seen| seen.policy) {
        let shown = policy.shown.borrow();
        let now = policy.now.borrow();
        let Some((_, proposed)) = &*now else {
            return Ok(Vec::new());
        };
        // A branch may have left the mainline under an older policy.
        let replaced = target
            .is_mainline
            .then(|| change(shown.0.as_ref(), in_force))
            .flatten();
        return Ok(replaced
            .into_iter()
            .chain(change(Some(&shown.1), proposed))
            .collect());
    }
    // An edit of a proposal signs all of it, including the edits of others.
    let Some(proposed) = now.registry()? else {
        return Ok(Vec::new());
    };
    if proposed.value() == in_force.value() {
        return Ok(Vec::new());
    }
    let shown = seen.registry()?;
    Ok(change(shown.as_ref(), &proposed).into_iter().collect())
}

impl Look {
    /// Whether an object has changed since it was seen.
    pub fn has_moved(&self) -> bool {
        !self.moved.is_empty() || self.fetched.is_some()
    }

    /// Formats the changes as `diff` does: those that stop a decision, and those
    /// beside them. The text is empty where there are none.
    pub fn words(&self, ui: &Ui) -> String {
        let mut text = String::new();
        if !self.moved.is_empty() {
            let names = format!("not as this clone showed it: {}", names(&self.moved));
            text.push_str(&paint(&names, "1;33", &ui.side));
            text.push('\n');
            text.push_str(&self.changed(&self.changes, ui));
        }
        if let Some(fetched) = &self.fetched {
            let names = format!("not as `{}` has it: {}", fetched.mainline, names(&fetched.moved));
            text.push_str(&paint(&names, "1;33", &ui.side));
            text.push('\n');
            text.push_str(&self.changed(&fetched.changes, ui));
        }
        if !self.beside.is_empty() {
            text.push_str(&paint("changed since this clone showed it:", "1;36", &ui.side));
            text.push('\n');
            text.push_str(&self.changed(&self.beside, ui));
        }
        text.trim_end().to_owned()
    }

    /// Prints the changes.
    pub fn show(&self, ui: &Ui) {
        let words = self.words(ui);
        if !words.is_empty() {
            ui.say(&words);
        }
    }

    fn changed(&self, changes: &[Change], ui: &Ui) -> String {
        let mut text = report::changes_in_full(changes, &ui.side);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        for change in changes {
            let policy = |side: &Option<Arc<Loaded>>| side.clone().and_then(Policy::new);
            if let (Some(before), Some(after)) = (policy(&change.before), policy(&change.after)) {
                for line in summary::policy_lines(&before, &after, &self.groups) {
                    text.push_str(&report::policy_line(&line, &ui.side));
                }
            }
        }
        text
    }

    /// Returns the refusal to sign unseen content, with the command that signs it
    /// knowingly, and members for JSON output.
    pub fn unseen(&self, has_option: bool) -> (Refusal, Map<String, Value>) {
        let expect: Vec<String> = self
            .contents
            .iter()
            .map(|(_, digest)| format!("--expect {}", digest.typed()))
            .collect();
        let remedy = match has_option && !expect.is_empty() {
            true => format!("when that is what you mean: `{} {}`", typed(), expect.join(" ")),
            false => "bring this clone up to date, look, and run it again: `git pull --ff-only`".to_owned(),
        };
        let refusal = Refusal {
            why: match &self.moved[..] {
                [one] if !matches!(one, Object::Reviews(_)) => {
                    format!("{one} is not as this clone showed it")
                }
                _ => format!("{} are not as this clone showed them", names(&self.moved)),
            },
            remedies: vec![remedy],
        };
        let refusal = match &self.fetched {
            Some(fetched) => Refusal {
                why: match fetched.moved.len() {
                    1 => format!(
                        "{} is not as `{}` has it",
                        names(&fetched.moved),
                        fetched.mainline
                    ),
                    _ => format!(
                        "{} are not as `{}` has them",
                        names(&fetched.moved),
                        fetched.mainline
                    ),
                },
                remedies: vec![fetched.remedy.clone()],
            },
            None => refusal,
        };
        let fetched = self.fetched.iter().flat_map(|fetched| &fetched.changes);
        let phrases: Vec<String> = self.changes.iter().chain(fetched).map(Change::phrase).collect();
        let contents: Map<String, Value> = self
            .contents
            .iter()
            .map(|(name, digest)| (name.clone(), json!(digest)))
            .collect();
        let mut facts = Map::new();
        facts.insert("moved".into(), json!(phrases));
        facts.insert("subjects".into(), json!(contents));
        (refusal, facts)
    }
}

fn names(objects: &[Object]) -> String {
    let names: Vec<String> = objects.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Returns why the content, by name, is not what the command line expects; none where it
/// is.
pub(super) fn unexpected(
    contents: &[(String, Digest)],
    args: &SeenArgs,
    write: &WriteArgs,
) -> Option<Refusal> {
    let expected = &args.expect;
    let is_named = |digest: &Digest| expected.iter().any(|expected| expected.is_of(digest));
    let given = || {
        let given: Vec<String> = expected.iter().map(|it| format!("sha256:{}", it.0)).collect();
        given.join(", ")
    };
    let why = match contents.iter().find(|(_, digest)| !is_named(digest)) {
        Some((name, digest)) => format!(
            "the content of {name} is sha256:{}…, and `--expect` says {}",
            digest.typed(),
            given()
        ),
        None => {
            let idle = |it: &&Expected| !contents.iter().any(|(_, digest)| it.is_of(digest));
            let idle = expected.iter().find(idle)?;
            format!(
                "`--expect` says sha256:{}, and nothing that would be signed has that digest",
                idle.0
            )
        }
    };
    let fetch = if write.is_remote() { " --fetch" } else { "" };
    let looks = contents.iter().map(|(name, _)| match name.parse::<VersionId>() {
        Ok(id) => format!("look at what is there now before you sign it: `modelry show {id}{fetch}`"),
        Err(_) => {
            "look at what is there now before you sign it: `git fetch`, then `modelry policy show BRANCH`"
                .to_owned()
        }
    });
    Some(Refusal {
        why,
        remedies: looks.collect(),
    })
}

/// Returns the command line as it was typed, without the expected digests.
pub(super) fn typed() -> String {
    let mut words = vec!["modelry".to_owned()];
    let mut skips = false;
    for word in std::env::args().skip(1) {
        if skips {
            skips = false;
        } else if word == "--expect" {
            skips = true;
        } else if !word.starts_with("--expect=") {
            words.push(shell_word(&word));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::Expected;

    #[test]
    fn digests_as_people_paste_them() {
        for text in [
            "0123456789ab",
            "0123456789AB",
            "sha256:0123456789ab",
            "sha256:0123456789ab…",
            "0123456789ab...",
        ] {
            assert_eq!(
                text.parse::<Expected>(),
                Ok(Expected("0123456789ab".into())),
                "{text}"
            );
        }
        for text in ["0123456789a", "", "sha256:", "0123456789ag", &"0".repeat(65)] {
            assert!(text.parse::<Expected>().is_err(), "{text}");
        }
    }
}
