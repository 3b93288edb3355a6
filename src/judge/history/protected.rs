//! The files outside the registry that a policy protects.

use crate::base::{Error, Oid};
use crate::object::{self, FileChange, Look, Mode, Objects, TreeDiff};
use crate::record::change::{self, Change, ChangeKind, Differences};
use crate::record::kind::is_managed;
use crate::trust::Policy;

/// The most protected files that are listed for a step that meets a limit. The limit is
/// a finding whatever the others are.
const MOST_LISTED: usize = 1_000;

/// Whether the policy protects a file, link or submodule (path from the repository's
/// top). The registry's own files are judged as records.
fn is_protected(policy: &Policy, folder: &str, file: &FileChange) -> bool {
    let path = String::from_utf8_lossy(&file.path);
    let is_link = |side: Option<(Mode, Oid)>| {
        side.is_some_and(|(mode, _)| matches!(mode, Mode::Symlink | Mode::Gitlink))
    };
    let protects = match is_link(file.before) || is_link(file.after) {
        true => policy.protects_link(&path),
        false => policy.protects(&path),
    };
    protects && !is_own(folder, &path)
}

fn is_own(folder: &str, path: &str) -> bool {
    let inside = match folder {
        "" => Some(path),
        folder => path.strip_prefix(folder).and_then(|path| path.strip_prefix('/')),
    };
    inside.is_some_and(is_managed)
}

/// Whether a path is the registry's folder, or one on the way to it.
fn is_around(folder: &str, path: &str) -> bool {
    let rest = folder.strip_prefix(path);
    path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The part of a repository in which policies may protect files.
struct Protected<'p> {
    policies: &'p [&'p Policy],
    folder: &'p str,
}

impl Protected<'_> {
    /// The name of a look for the files that these policies protect.
    fn named(&self, what: &str) -> Vec<u8> {
        let ids = self.policies.iter().map(|policy| policy.source.id);
        format!(
            "{what} {} {}",
            Vec::from_iter(ids.map(|id| id.to_string())).join(" "),
            self.folder
        )
        .into_bytes()
    }
}

impl Look for Protected<'_> {
    fn scope(&self) -> Option<Vec<u8>> {
        Some(self.named("protected"))
    }

    fn enters(&self, folder: &[u8], _: Option<Oid>, _: Option<Oid>) -> bool {
        let folder = String::from_utf8_lossy(folder);
        let mut policies = self.policies.iter();
        !is_own(self.folder, &folder) && policies.any(|policy| policy.may_protect_below(&folder))
    }

    fn holds(&self, file: &FileChange) -> bool {
        let mut policies = self.policies.iter();
        policies.any(|policy| is_protected(policy, self.folder, file))
    }

    fn state(&self, folder: &[u8]) -> Option<Vec<u16>> {
        let folder = String::from_utf8_lossy(folder);
        if is_around(self.folder, &folder) {
            return None;
        }
        let mut state = Vec::new();
        for policy in self.policies {
            policy.protection(&folder, &mut state)?;
        }
        Some(state)
    }

    fn is_outside(&self, _: &[u8]) -> bool {
        true
    }
}

/// Compares the files of two trees that one of these policies protects outside the
/// registry. Folders in which it protects nothing are not read.
pub(super) fn protected(
    objects: &dyn Objects,
    policies: &[&Policy],
    folder: &str,
    before: Option<Oid>,
    after: Option<Oid>,
) -> Result<TreeDiff, Error> {
    if !policies.iter().any(|policy| policy.protects_anything()) {
        return Ok(TreeDiff::default());
    }
    let mut files = object::diff(objects, before, after, &Protected { policies, folder })?;
    if !files.limits.is_empty() {
        files.changes.truncate(MOST_LISTED);
    }
    Ok(files)
}

/// The part of a repository that is judged under one policy: the registry's own files,
/// and those that it protects.
pub(super) struct Judged<'j> {
    managed: change::Managed,
    policies: [&'j Policy; 1],
    folder: &'j str,
}

impl<'j> Judged<'j> {
    /// The registry in `folder`, under this policy.
    pub(super) fn of(folder: &'j str, policy: &'j Policy) -> Judged<'j> {
        Judged {
            managed: change::Managed::below(folder),
            policies: [policy],
            folder,
        }
    }

    fn protected(&self) -> Protected<'_> {
        Protected {
            policies: &self.policies,
            folder: self.folder,
        }
    }
}

impl Look for Judged<'_> {
    fn scope(&self) -> Option<Vec<u8>> {
        Some(self.protected().named("judged"))
    }

    fn enters(&self, folder: &[u8], before: Option<Oid>, after: Option<Oid>) -> bool {
        self.protected().enters(folder, before, after) || self.managed.enters(folder, before, after)
    }

    fn holds(&self, file: &FileChange) -> bool {
        let path = String::from_utf8_lossy(&file.path);
        is_own(self.folder, &path) || self.protected().holds(file)
    }

    fn state(&self, folder: &[u8]) -> Option<Vec<u16>> {
        match self.is_outside(folder) {
            true => self.protected().state(folder),
            false => None,
        }
    }

    fn is_outside(&self, path: &[u8]) -> bool {
        let path = String::from_utf8_lossy(path);
        !is_around(self.folder, &path) && !is_own(self.folder, &path)
    }

    fn holds_below(&self, folder: &[u8]) -> Option<bool> {
        if is_own(self.folder, &String::from_utf8_lossy(folder)) {
            return Some(true);
        }
        (!self.enters(folder, None, None)).then_some(false)
    }
}

/// The change of a protected file.
pub(super) fn protected_change(file: &FileChange) -> Change {
    Change {
        kind: ChangeKind::ProtectedChanged,
        path: String::from_utf8_lossy(&file.path).into_owned(),
        record: None,
        before: None,
        after: None,
    }
}

/// Lists the changes of protected files between two trees.
pub fn protected_changes(
    objects: &dyn Objects,
    policy: &Policy,
    folder: &str,
    (before, after): (Option<Oid>, Option<Oid>),
) -> Result<Vec<Change>, Error> {
    let files = protected(objects, &[policy], folder, before, after)?;
    Ok(files.changes.iter().map(protected_change).collect())
}

/// Adds the changes of protected files between two trees, and the limits that they meet.
pub fn add_protected(
    differences: &mut Differences,
    objects: &dyn Objects,
    policy: &Policy,
    folder: &str,
    (before, after): (Option<Oid>, Option<Oid>),
) -> Result<(), Error> {
    let files = protected(objects, &[policy], folder, before, after)?;
    differences
        .changes
        .extend(files.changes.iter().map(protected_change));
    let limits = files.limits.into_iter();
    differences
        .limits
        .extend(limits.map(|(at, what)| (format!("/{at}"), what)));
    Ok(())
}
