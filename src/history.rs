//! The mainline, step by step: the chain of first parents from the root, each
//! commit judged against its predecessor by the policy in force before it.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::access::{Carrier, Outside, Policy, Verdict};
use crate::change::{self, Change, ChangeKind, Differences};
use crate::error::Error;
use crate::finding::{Checked, Finding, Note, Place, Report};
use crate::model::{GroupName, RecordPath, StageName, VersionNumber};
use crate::raw::{self, Commit, ObjectKind, Objects, Oid, SignatureKind};
use crate::rules::{self, Resolver, Step};
use crate::snapshot::{Records, Snapshot};
use crate::verify;

/// The namespace of Git's own SSH signatures.
pub const COMMIT_NAMESPACE: &str = "git";

/// One judged step.
pub struct JudgedStep {
    /// The commit.
    pub commit: Oid,
    /// Who signed it; none for a step that touches nothing of the registry,
    /// where nobody asked.
    pub verdict: Option<Verdict>,
    /// What it changes.
    pub changes: Vec<Change>,
    /// What is wrong with it.
    pub findings: Vec<Finding<Place>>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

/// Reads a commit.
///
/// # Errors
/// When it is missing, damaged or no commit.
pub fn read_commit(objects: &dyn Objects, id: Oid) -> Result<Commit, Error> {
    Commit::parse(id, &objects.read(id, ObjectKind::Commit)?)
}

/// The first-parent chain from `tip` back to `from`, oldest first, without
/// `from`; to the first commit when `from` is none.
///
/// # Errors
/// [`Error::Told`] when `from` is not on the chain.
pub fn chain(objects: &dyn Objects, from: Option<Oid>, tip: Oid) -> Result<Vec<Commit>, Error> {
    let mut commits = Vec::new();
    let mut at = tip;
    while Some(at) != from {
        let commit = read_commit(objects, at)?;
        let parent = commit.parents.first().copied();
        commits.push(commit);
        match (parent, from) {
            (Some(parent), _) => at = parent,
            (None, None) => break,
            (None, Some(from)) => {
                return Err(Error::told(format!(
                    "commit {} is not among the first parents of {}",
                    from.short(),
                    tip.short()
                ))
                .hint("name a commit of the same mainline; `git log --first-parent` lists them"));
            }
        }
    }
    commits.reverse();
    Ok(commits)
}

/// Who signed a commit, under one policy.
pub fn verdict(policy: &Policy, commit: &Commit) -> Verdict {
    if !commit.is_strict() {
        return Verdict::NotStrict(commit.faults.clone());
    }
    match &commit.signature {
        None => Verdict::Unsigned,
        Some(signature) => match signature.kind {
            SignatureKind::Ssh => {
                Verdict::of_signature(policy, &signature.armor, COMMIT_NAMESPACE, &commit.payload)
            }
            SignatureKind::OpenPgp => Verdict::Bad("OpenPGP signatures are not verified yet".into()),
            SignatureKind::X509 => Verdict::Bad("X.509 signatures are not supported".into()),
            SignatureKind::Unknown => Verdict::Bad("no known kind of signature".into()),
        },
    }
}

/// What history knows at one commit of the mainline.
pub struct Past<'a> {
    objects: &'a dyn Objects,
    folder: &'a str,
    tip: Option<Oid>,
    keys: RefCell<HashMap<RecordPath, Option<String>>>,
}

impl<'a> Past<'a> {
    /// History up to and with `tip`.
    pub fn new(objects: &'a dyn Objects, folder: &'a str, tip: Option<Oid>) -> Past<'a> {
        Past {
            objects,
            folder,
            tip,
            keys: RefCell::default(),
        }
    }

    fn search(&self, path: &RecordPath) -> Result<Option<String>, Error> {
        let full = match self.folder {
            "" => path.to_string(),
            folder => format!("{folder}/{path}"),
        };
        let mut at = self.tip;
        while let Some(id) = at {
            let commit = read_commit(self.objects, id)?;
            let here = raw::lookup(self.objects, commit.tree, &full)?.map(|entry| entry.id);
            let parent = commit.parents.first().copied();
            let there = match parent {
                Some(parent) => {
                    let tree = read_commit(self.objects, parent)?.tree;
                    raw::lookup(self.objects, tree, &full)?.map(|entry| entry.id)
                }
                None => None,
            };
            if here.is_some() && here != there {
                let signature = commit
                    .signature
                    .as_ref()
                    .filter(|signature| signature.kind == SignatureKind::Ssh);
                let key = signature.and_then(|signature| {
                    verify::verify(&signature.armor, COMMIT_NAMESPACE, &commit.payload).ok()
                });
                return Ok(key.map(|key| key.fingerprint()));
            }
            at = parent;
        }
        Ok(None)
    }
}

impl Past<'_> {
    /// What a stage was assigned, oldest first, along the first parents; none
    /// where it was emptied.
    ///
    /// # Errors
    /// When a commit is missing, as in a shallow clone.
    pub fn assignments(
        &self,
        records: &Records<'_>,
        group: &GroupName,
        stage: &StageName,
    ) -> Result<Vec<Option<VersionNumber>>, Error> {
        let path = RecordPath::Stage(group.clone(), stage.clone());
        let mut found = Vec::new();
        let mut last = None;
        let mut at = self.tip;
        while let Some(id) = at {
            let commit = read_commit(self.objects, id)?;
            let snapshot = Snapshot::at(records, commit.tree, self.folder)?;
            let record = snapshot.read(&path)?;
            let Some(record) = record else { break };
            let here = record.stage().map(|stage| (stage.revision, stage.version));
            if here.is_some() && here != last {
                last = here;
                found.extend(here.map(|(_, version)| version));
            }
            at = commit.parents.first().copied();
        }
        found.reverse();
        Ok(found)
    }
}

impl Outside for Past<'_> {
    fn brought_by(&self, path: &RecordPath) -> Result<Option<String>, Error> {
        if let Some(known) = self.keys.borrow().get(path) {
            return Ok(known.clone());
        }
        let key = self.search(path)?;
        self.keys.borrow_mut().insert(path.clone(), key.clone());
        Ok(key)
    }
}

/// The judge's walk along the mainline.
pub struct Replay<'a> {
    records: &'a Records<'a>,
    folder: &'a str,
    /// The policy in force; none before the root.
    pub policy: Option<Policy>,
    /// What was looked at so far.
    pub checked: Checked,
}

impl<'a> Replay<'a> {
    /// Before the root.
    pub fn from_root(records: &'a Records<'a>, folder: &'a str) -> Replay<'a> {
        Replay {
            records,
            folder,
            policy: None,
            checked: Checked::default(),
        }
    }

    /// After `commit`, taken as given: its policy is in force.
    ///
    /// # Errors
    /// When there is no readable policy at that commit.
    pub fn after(records: &'a Records<'a>, folder: &'a str, commit: Oid) -> Result<Replay<'a>, Error> {
        let top = read_commit(records.objects(), commit)?.tree;
        let snapshot = Snapshot::at(records, top, folder)?;
        let policy = policy_at(&snapshot, &format!("commit {}", commit.short()))?;
        Ok(Replay {
            records,
            folder,
            policy: Some(policy),
            checked: Checked::default(),
        })
    }

    /// With this policy in force.
    pub fn with_policy(records: &'a Records<'a>, folder: &'a str, policy: Policy) -> Replay<'a> {
        Replay {
            records,
            folder,
            policy: Some(policy),
            checked: Checked::default(),
        }
    }

    /// Judges one commit against its first parent.
    ///
    /// # Errors
    /// When an object can't be read, or the commit is a merge that touches the
    /// registry.
    pub fn step(&mut self, commit: &Commit) -> Result<JudgedStep, Error> {
        let objects = self.records.objects();
        let parent = match commit.parents.first() {
            Some(parent) => Some(read_commit(objects, *parent)?),
            None => None,
        };
        let at_root = self.policy.is_none();
        let prior = match &parent {
            Some(parent) if !at_root => Snapshot::at(self.records, parent.tree, self.folder)?,
            _ => Snapshot::empty(self.records),
        };
        let next = Snapshot::at(self.records, commit.tree, self.folder)?;
        let mut differences = change::diff(&prior, &next)?;
        if let (Some(policy), Some(parent)) = (&self.policy, &parent) {
            let outside = protected(objects, policy, self.folder, parent.tree, commit.tree)?;
            differences.changes.extend(outside);
        }
        self.checked.steps += 1;
        if differences.changes.is_empty() && differences.malformed_trees.is_empty() {
            let (findings, notes) = Default::default();
            return Ok(JudgedStep {
                commit: commit.id,
                verdict: None,
                changes: Vec::new(),
                findings,
                notes,
            });
        }
        if commit.parents.len() > 1 {
            return Err(Error::Incomplete {
                what: format!(
                    "commit {} is a merge that touches the registry",
                    commit.id.short()
                ),
                hints: vec!["this version judges linear history: land with a squash or a rebase".into()],
            });
        }
        let verdict = match &self.policy {
            Some(policy) => verdict(policy, commit),
            None => Verdict::Unsigned,
        };
        self.checked.commits += 1;
        let carrier = Carrier {
            commit: Some(commit.id),
            verdict,
        };
        let past = Past::new(objects, self.folder, Some(commit.id));
        let judged = self.judge(
            prior,
            next,
            &carrier,
            &differences,
            &past,
            parent.map(|parent| parent.id),
        )?;
        Ok(JudgedStep {
            verdict: Some(carrier.verdict),
            changes: differences.changes,
            ..judged
        })
    }

    /// Judges a step that no commit carries yet, and brings its policy into
    /// force as [`Replay::step`] does.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn judge(
        &mut self,
        prior: Snapshot<'_>,
        next: Snapshot<'_>,
        carrier: &Carrier,
        differences: &Differences,
        outside: &dyn Outside,
        parent: Option<Oid>,
    ) -> Result<JudgedStep, Error> {
        let policy = self.policy.take();
        let step = Step::new(prior, next, policy.as_ref(), carrier, differences, outside);
        let judged = rules::judge(&step);
        drop(step);
        let judgement = match judged {
            Ok(judgement) => judgement,
            Err(error) => {
                self.policy = policy;
                return Err(error);
            }
        };
        self.checked.changes += differences.changes.len();
        self.policy = judgement.policy.or(policy);
        let resolver = Resolver {
            prior,
            next,
            folder: self.folder,
            before: parent,
            after: carrier.commit,
        };
        let mut findings: Vec<_> = judgement
            .findings
            .into_iter()
            .map(|finding| resolver.resolve(finding))
            .collect();
        findings.sort_by(|a, b| {
            let key = |finding: &Finding<Place>| {
                let at = &finding.primary.at;
                (at.path.clone(), at.line, at.column, finding.rule.code)
            };
            key(a).cmp(&key(b))
        });
        let mut notes = judgement.notes;
        for note in &mut notes {
            note.commit = carrier.commit;
        }
        Ok(JudgedStep {
            commit: carrier
                .commit
                .unwrap_or_else(|| Oid::hash(next.records.objects().format(), ObjectKind::Tree, b"")),
            verdict: None,
            changes: Vec::new(),
            findings,
            notes,
        })
    }

    /// Judges the commits in order and gathers one report.
    ///
    /// # Errors
    /// As [`Replay::step`].
    pub fn run(&mut self, commits: &[Commit], mut seen: impl FnMut(&JudgedStep)) -> Result<Report, Error> {
        let mut report = Report::default();
        for commit in commits {
            let step = self.step(commit)?;
            seen(&step);
            report.findings.extend(step.findings);
            report.notes.extend(step.notes);
        }
        self.checked.documents = self.records.documents();
        report.checked = self.checked;
        Ok(report)
    }
}

/// The policy at one tree.
///
/// # Errors
/// When there is none, or it can't be read.
pub fn policy_at(snapshot: &Snapshot<'_>, place: &str) -> Result<Policy, Error> {
    let Some(loaded) = snapshot.registry()? else {
        return Err(Error::told(format!("there is no `registry.yaml` at {place}"))
            .hint("make a registry with `modelry init`, or name its folder with `--path`"));
    };
    let faults = rules::document_findings("registry.yaml", &loaded);
    Policy::new(loaded).ok_or_else(|| {
        let first = faults
            .first()
            .map_or_else(String::new, |finding| format!(": {}", finding.message));
        Error::told(format!("the policy at {place} can't be read{first}"))
            .hint("nothing can be judged without it: restore `registry.yaml`")
    })
}

/// Changes of files outside the registry that the policy protects.
fn protected(
    objects: &dyn Objects,
    policy: &Policy,
    folder: &str,
    before: Oid,
    after: Oid,
) -> Result<Vec<Change>, Error> {
    if !policy.protects_anything() || before == after {
        return Ok(Vec::new());
    }
    Ok(protected_changes(
        policy,
        folder,
        &raw::diff(objects, Some(before), Some(after))?.changes,
    ))
}

/// Those of some files (paths from the repository's top) that the policy
/// protects, as changes. The registry's own files are judged as records.
pub fn protected_changes(policy: &Policy, folder: &str, files: &[raw::FileChange]) -> Vec<Change> {
    let own = |path: &str| {
        let inside = match folder {
            "" => Some(path),
            folder => path.strip_prefix(folder).and_then(|path| path.strip_prefix('/')),
        };
        inside.is_some_and(|path| {
            matches!(
                path.split('/').next(),
                Some("registry.yaml" | "groups" | "policy")
            )
        })
    };
    files
        .iter()
        .map(|file| String::from_utf8_lossy(&file.path).into_owned())
        .filter(|path| !own(path) && policy.protects(path))
        .map(|path| Change {
            kind: ChangeKind::ProtectedChanged,
            path,
            record: None,
            before: None,
            after: None,
        })
        .collect()
}

/// The root of the registry on the chain that ends at `tip`: the earliest of
/// the unbroken run of commits that hold `registry.yaml`.
///
/// # Errors
/// When there is no registry at the tip, or a commit can't be read.
pub fn find_root(objects: &dyn Objects, folder: &str, tip: Oid) -> Result<Oid, Error> {
    let path = match folder {
        "" => "registry.yaml".to_owned(),
        folder => format!("{folder}/registry.yaml"),
    };
    let mut root = None;
    let mut at = Some(tip);
    while let Some(id) = at {
        let commit = read_commit(objects, id)?;
        if raw::lookup(objects, commit.tree, &path)?.is_some() {
            root = Some(id);
        }
        at = commit.parents.first().copied();
    }
    root.ok_or_else(|| {
        Error::told(format!("there is no `{path}` in the history of {}", tip.short()))
            .hint("make a registry with `modelry init`")
    })
}
