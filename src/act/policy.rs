//! The policy: the first one, and edits of its actors, grants and rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::policy_edit::{Editing, Made, PolicyEdit};
use super::{Draft, Mainline, WriteContext};
use crate::base::Error;
use crate::judge::rules::DistrustedChange;
use crate::record::kind::nearest;
use crate::record::kind::{Action, ActorId, ActorKey, Grant, Kind, MAX_RISE, RecordPath, VersionId};
use crate::record::schema::editor;
use crate::record::snapshot::Loaded;
use crate::record::yaml::{self, Edit};
use crate::trust::{Policy, group_glob};

/// The contents of a new registry's policy.
#[derive(Clone, Debug)]
pub struct FirstPolicy {
    /// The registry's name.
    pub name: String,
    /// 128 random bits, in hexadecimal.
    pub id: String,
    /// The first administrator.
    pub actor: ActorId,
    /// Its address.
    pub email: Option<String>,
    /// Its key.
    pub key: ActorKey,
    /// An offline key, of an actor who can replace missing administrators.
    pub recovery: Option<ActorKey>,
    /// Whether one person may register and approve.
    pub solo: bool,
}

/// Returns the text of a new registry's policy.
///
/// # Errors
/// The text can't be written.
pub fn first_policy(request: &FirstPolicy) -> Result<String, Error> {
    let mut actor = json!({"kind": "person"});
    if let Some(email) = &request.email {
        actor["email"] = json!(email);
    }
    actor["keys"] = json!([request.key]);
    let mut rule = json!({"groups": ["*"], "required": 1});
    if request.solo {
        rule["fourEyes"] = json!(false);
    }
    let id = request.actor.as_str();
    let mut policy = json!({
        "apiVersion": crate::record::kind::API_VERSION,
        "kind": "Registry",
        "name": request.name,
        "id": request.id,
        "serial": 1,
        "stages": [{"name": "staging"}, {"name": "production", "requires": "Approved"}],
        "approvals": [rule],
        "actors": {id: actor},
        "grants": [
            {"to": [id], "allow": ["administer"]},
            {
                "to": [id],
                "allow": ["create-group", "update-group", "delete-group", "register", "annotate", "add-evidence",
                          "approve", "reject", "archive", "delete"],
                "groups": ["*"],
            },
            {"to": [id], "allow": ["promote"], "groups": ["*"], "stages": ["staging", "production"]},
        ],
    });
    if let Some(key) = &request.recovery {
        // The first administrator may be called so.
        let recovery = match id {
            "recovery" => "recovery-key",
            _ => "recovery",
        };
        policy["actors"][recovery] = json!({"kind": "person", "keys": [key]});
        policy["policyChange"] = json!({"required": 1, "recovery": [recovery]});
    }
    yaml::write(
        Some(&editor::line(Kind::Registry, &RecordPath::Registry)),
        &policy,
    )
    .map_err(super::edit_failed(&RecordPath::Registry))
}

/// A text of the policy to edit, and the refused text that it replaces: `Some(None)` where
/// there is no file.
type Start = (Arc<Loaded>, Option<Option<Arc<Loaded>>>);

/// Returns the text that an edit starts from: the policy in force, in place of a text that
/// was refused, since an administrator who edits a refused text signs all of it. The text
/// of a proposal is edited further, but by no revocation.
fn start(desk: &WriteContext<'_>, edit: &PolicyEdit) -> Result<Start, Error> {
    let here = desk.snapshot.registry()?;
    let ends = matches!(edit, PolicyEdit::Retire(..) | PolicyEdit::RevokeKey { .. });
    let is_refused = |here: &Loaded| match desk.mainline {
        None => true,
        Some(Mainline { text, .. }) => {
            let of_mainline = text.as_ref().is_some_and(|text| text.value() == here.value());
            of_mainline || here.registry().is_none()
        }
    };
    Ok(match here {
        Some(here) if here.value() == desk.policy.source.value() => (here, None),
        Some(here) if !ends && !is_refused(&here) => (here, None),
        here => (desk.policy.source.clone(), Some(here)),
    })
}

/// Edits the policy, keeping its comments and order, and raises its serial.
///
/// # Errors
/// There is nothing to edit, or nothing would change.
pub fn edit_policy(desk: &WriteContext<'_>, edit: &PolicyEdit, reason: Option<&str>) -> Result<Draft, Error> {
    let (old, refused) = start(desk, edit)?;
    let registry = old.registry().unwrap_or(desk.policy.registry());
    let mut editing = Editing::new(desk, &old, registry);
    let subject = match (editing.make(edit)?, edit) {
        (Made::Subject(subject), _) => subject,
        (Made::Held(note), PolicyEdit::RevokeKey { reason, .. }) => {
            return Ok(holds(note, reason.as_deref()));
        }
        (Made::Held(note), _) => return Ok(holds(note, reason)),
    };
    let notes = match edit {
        PolicyEdit::GrantAdd(grant) => unmatched(desk, grant)?,
        _ => Vec::new(),
    };
    let mut edits = editing.edits;
    if edits.is_empty() {
        return Ok(holds("the policy says so already".to_owned(), reason));
    }
    let there = refused
        .iter()
        .flatten()
        .find_map(|here| Some(here.registry()?.serial));
    let of_mainline = desk
        .mainline
        .map_or(0, |mainline| mainline.policy.registry().serial);
    let now = desk.policy.registry().serial.max(of_mainline);
    let serial = there.filter(|there| (now..now + MAX_RISE).contains(there));
    edits.push(Edit::Set {
        pointer: "/serial".into(),
        value: json!(serial.unwrap_or(now) + 1),
    });
    let mut draft = Draft::new(subject, reason);
    draft.notes = notes;
    if refused.is_some() {
        draft.notes.push(format!(
            "`registry.yaml` is not the policy in force, since the step that changed it has findings: policy {} is put back with this; accept those findings afterwards, as `modelry audit` says",
            desk.policy.registry().serial
        ));
    }
    draft.put(
        &RecordPath::Registry,
        desk.edited(&RecordPath::Registry, &old, edits)?,
    );
    Ok(draft)
}

/// Notes on globs of a grant that match none of the groups that exist. Where it lets
/// create groups, they are still to come.
fn unmatched(desk: &WriteContext<'_>, grant: &Grant) -> Result<Vec<String>, Error> {
    let groups = desk.snapshot.groups()?;
    if groups.is_empty() || grant.allow.contains(&Action::CreateGroup) {
        return Ok(Vec::new());
    }
    let matches_none = |glob: &&String| {
        // A glob that can't be read is a finding.
        group_glob(glob).is_ok_and(|glob| !groups.iter().any(|group| glob.is_match(group.as_str())))
    };
    let note = |glob: &String| {
        let near = nearest(&groups, glob).filter(|_| !glob.contains('*'));
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("`{glob}` matches no group yet{near}")
    };
    Ok(grant.groups.iter().filter(matches_none).map(note).collect())
}

/// The draft of an edit whose outcome the policy holds already.
fn holds(note: String, reason: Option<&str>) -> Draft {
    let mut draft = Draft::new("", reason);
    draft.notes.push(note);
    draft.existing.push(RecordPath::Registry);
    draft
}

/// Explains the effect of a policy change on the past: the changes that keys proved and
/// that are no longer trusted, each with the index of its revocation in `policy`, and the
/// consequences.
pub fn consequences(policy: &Policy, distrusted: &[(usize, DistrustedChange)]) -> Vec<String> {
    /// The most changes that are named.
    const NAMED: usize = 10;
    let accepts = |index: usize, id: &VersionId| {
        let revoked = policy.registry().revoked.get(index);
        revoked.is_some_and(|revoked| policy.reaffirms(&revoked.key, id))
    };
    let mut words = Vec::new();
    for (index, act) in distrusted.iter().take(NAMED) {
        let accepted = match &act.version {
            Some(id) if accepts(*index, id) => ", accepted since the version is reaffirmed",
            _ => "",
        };
        let commit = act.commit.short();
        words.push(format!(
            "a finding from now on (MR317): {}, in commit {commit}{accepted}",
            act.phrase
        ));
    }
    if distrusted.len() > NAMED {
        words.push(format!("and {} more findings", distrusted.len() - NAMED));
    }
    let nowhere: BTreeSet<&VersionId> = distrusted
        .iter()
        .filter_map(|(index, act)| act.approves.as_ref().filter(|id| !accepts(*index, id)))
        .collect();
    if !nowhere.is_empty() {
        let mut list: Vec<String> = nowhere.iter().take(NAMED).map(ToString::to_string).collect();
        if nowhere.len() > NAMED {
            list.push(format!("and {} more", nowhere.len() - NAMED));
        }
        words.push(format!(
            "resolves nowhere until it is reaffirmed (`--reaffirm GROUP/N`) or gone: {}",
            list.join(", ")
        ));
    }
    words
}
