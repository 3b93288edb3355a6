//! Makes a registry with a long history, for measurements: people and a machine
//! register, approve, promote and archive, with the records that the commands
//! write, signed by throwaway keys of fixed seeds.
//!
//! ```text
//! cargo run --release --example make_history -- DIR COMMITS [--versions N]
//! ```
//!
//! With `--versions`, few commits register that many versions first, which stay
//! Pending: a large registry with a short history.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use modelry::testing::act::{self, Draft, WriteContext};
use modelry::testing::base::Error;
use modelry::testing::base::{ObjectFormat, ObjectKind, Oid};
use modelry::testing::judge::history::Past;
use modelry::testing::object::{self, Memory, Objects, Overlay};
use modelry::testing::record::change;
use modelry::testing::record::kind::{Decision, GroupName, RecordPath, VersionId};
use modelry::testing::record::snapshot::{Records, Snapshot};
use modelry::testing::trust::Policy;
use serde_json::json;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};

const ACTORS: [&str; 3] = ["admin-1", "risk-1", "trainer"];
const GROUPS: usize = 50;
/// When the first commit is made; each further one a minute later.
const START: i64 = 1_700_000_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn key(actor: &str) -> PrivateKey {
    let mut seed = [0; 32];
    seed[..actor.len()].copy_from_slice(actor.as_bytes());
    PrivateKey::from(Ed25519Keypair::from_seed(&seed))
}

fn sign(key: &PrivateKey, namespace: &str, bytes: &[u8]) -> Result<String, Error> {
    key.sign(namespace, HashAlg::Sha512, bytes)
        .and_then(|signature| signature.to_pem(LineEnding::LF))
        .map_err(|error| Error::msg(error.to_string()))
}

fn policy() -> Outcome<String> {
    let line = |actor: &str| -> Outcome<String> {
        Ok(key(actor)
            .public_key()
            .to_openssh()?
            .split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" "))
    };
    let mut text = "apiVersion: modelry/v1\nkind: Registry\nname: bench\nid: \"0123456789abcdef0123456789abcdef\"\nserial: 1\nstages:\n  - name: production\n    requires: Approved\nactors:\n".to_owned();
    for (actor, more) in
        ACTORS
            .iter()
            .zip(["kind: person", "kind: person", "kind: machine, owners: [admin-1]"])
    {
        text.push_str(&format!("  {actor}: {{{more}, keys: [\"{}\"]}}\n", line(actor)?));
    }
    text.push_str("grants:\n  - {to: [admin-1], allow: [administer, create-group], groups: [\"*\"]}\n  - {to: [risk-1], allow: [approve, archive], groups: [\"*\"]}\n  - {to: [risk-1], allow: [promote], groups: [\"*\"], stages: [production]}\n  - {to: [trainer], allow: [register, annotate], groups: [\"*\"]}\n");
    Ok(text)
}

/// The history so far, in memory.
struct History {
    objects: Memory,
    tip: Option<Oid>,
    tree: Option<Oid>,
    made: usize,
}

impl History {
    /// A signed commit of a tree.
    fn commit(&mut self, actor: &str, tree: Oid, message: &str) -> Outcome<()> {
        let time = START + 60 * i64::try_from(self.made)?;
        let mut head = format!("tree {tree}\n");
        if let Some(parent) = self.tip {
            head.push_str(&format!("parent {parent}\n"));
        }
        let who = format!("{actor} <{actor}@example.com> {time} +0000");
        head.push_str(&format!("author {who}\ncommitter {who}\n"));
        let body = format!("\n{message}\n");
        let signature = sign(&key(actor), "git", format!("{head}{body}").as_bytes())?;
        let folded = signature.trim_end().replace('\n', "\n ");
        let bytes = format!("{head}gpgsig {folded}\n{body}").into_bytes();
        self.tip = Some(self.objects.insert(ObjectKind::Commit, bytes));
        self.tree = Some(tree);
        self.made += 1;
        Ok(())
    }

    /// One command's commit.
    fn act(&mut self, actor: &str, draft: impl Fn(&WriteContext<'_>) -> Result<Draft, Error>) -> Outcome<()> {
        let (tree, subject) = {
            let overlay = Overlay::new(&self.objects);
            let records = Records::new(&overlay);
            let snapshot = Snapshot {
                records: &records,
                tree: self.tree,
                top: self.tree,
                earlier: None,
            };
            let policy = snapshot.registry()?.and_then(Policy::new).ok_or("no policy")?;
            let past = Past::new(&overlay, "", self.tip);
            let secret = key(actor);
            let signer = |bytes: &[u8]| sign(&secret, "modelry", bytes);
            let desk = WriteContext {
                snapshot,
                policy: &policy,
                actor: actor.parse()?,
                past: &past,
                mainline: None,
            };
            let mut draft = draft(&desk)?;
            let edited = |draft: &Draft| -> Outcome<Oid> {
                let edits: BTreeMap<String, Option<Vec<u8>>> = draft
                    .edits
                    .iter()
                    .map(|(path, text)| (path.clone(), text.clone().map(String::into_bytes)))
                    .collect();
                Ok(object::edit(&overlay, self.tree, &edits)?.ok_or("nothing left")?)
            };
            let mut tree = edited(&draft)?;
            for id in std::mem::take(&mut draft.settle) {
                let after = Snapshot {
                    records: &records,
                    tree: Some(tree),
                    top: Some(tree),
                    earlier: None,
                };
                if let Some((_, text)) = act::settle(&desk, &after, &id)? {
                    draft
                        .edits
                        .insert(RecordPath::Version(id).to_string(), Some(text));
                    tree = edited(&draft)?;
                }
            }
            let next = Snapshot {
                records: &records,
                tree: Some(tree),
                top: Some(tree),
                earlier: None,
            };
            for path in act::to_sign(&change::diff(&snapshot, &next)?.changes) {
                let text = draft.edits.get(&path.to_string()).cloned().flatten();
                let text = text.ok_or("a record that is no part of the draft")?;
                let signed = act::sign(&policy, &desk.actor, &path, text.as_bytes(), &signer)?;
                draft
                    .edits
                    .insert(path.to_string(), Some(String::from_utf8(signed)?));
            }
            tree = edited(&draft)?;
            let new = overlay.new.reachable(tree);
            (tree, (draft.subject, new))
        };
        let (subject, new) = subject;
        for (_, kind, bytes) in new {
            self.objects.insert(kind, bytes);
        }
        self.commit(actor, tree, &subject)
    }
}

/// The number of versions in one commit of many.
const AT_ONCE: usize = 1000;

/// Registers this many versions in few commits, Pending and without signatures
/// of their own.
fn fill(history: &mut History, groups: &[GroupName], versions: usize) -> Outcome<()> {
    for start in (0..versions).step_by(AT_ONCE) {
        let (tree, new) = {
            let overlay = Overlay::new(&history.objects);
            let file = |number: usize| {
                let (group, version) = (&groups[number % GROUPS], number / GROUPS + 1);
                let text = format!(
                    "apiVersion: modelry/v1\nkind: ModelVersion\ngroup: {group}\nversion: {version}\nstatus: Pending\nby: trainer\nspec:\n  inference:\n    containers:\n      - framework: xgboost\n        artifact:\n          uri: s3://models/{group}/{version}\n          digest: \"sha256:{number:064x}\"\n  metrics:\n    auc: 0.9\n"
                );
                let path = format!("groups/{group}/versions/{version}/version.yaml");
                (path, Some(text.into_bytes()))
            };
            let edits: BTreeMap<_, _> = (start..versions.min(start + AT_ONCE)).map(file).collect();
            let tree = object::edit(&overlay, history.tree, &edits)?.ok_or("nothing left")?;
            (tree, overlay.new.reachable(tree))
        };
        for (_, kind, bytes) in new {
            history.objects.insert(kind, bytes);
        }
        history.commit("trainer", tree, "Register many versions")?;
    }
    Ok(())
}

fn run(directory: &Path, commits: usize, versions: usize) -> Outcome<()> {
    let mut history = History {
        objects: Memory::new(ObjectFormat::Sha1),
        tip: None,
        tree: None,
        made: 0,
    };
    let (tree, root) = {
        let overlay = Overlay::new(&history.objects);
        let edits = BTreeMap::from([("registry.yaml".to_owned(), Some(policy()?.into_bytes()))]);
        let tree = object::edit(&overlay, None, &edits)?.ok_or("nothing left")?;
        (tree, overlay.new.reachable(tree))
    };
    for (_, kind, bytes) in root {
        history.objects.insert(kind, bytes);
    }
    history.commit("admin-1", tree, "Create the registry")?;
    let groups: Vec<GroupName> = (0..GROUPS)
        .map(|n| format!("group-{n}").parse())
        .collect::<Result<_, _>>()?;
    for group in &groups {
        history.act("admin-1", |desk| {
            act::create_group(desk, group, &act::GroupRequest::default(), None)
        })?;
    }
    fill(&mut history, &groups, versions)?;
    let mut number = versions;
    while history.made < commits {
        if history.made % 1000 < 4 {
            eprintln!("{} of {commits}", history.made);
        }
        let group = &groups[number % GROUPS];
        let id = VersionId {
            group: group.clone(),
            number: (number / GROUPS) as u64 + 1,
        };
        let request = act::RegisterRequest {
            spec: json!({
                "inference": {"containers": [{"framework": "xgboost", "artifact": {
                    "uri": format!("s3://models/{group}/{}", id.number), "digest": format!("sha256:{number:064x}"),
                }}]},
                "metrics": {"auc": 0.9},
            }),
            allow_duplicate: true,
            ..act::RegisterRequest::default()
        };
        history.act("trainer", |desk| {
            act::register(desk, group, &request, None).map(|(_, draft)| draft)
        })?;
        history.act("risk-1", |desk| {
            act::review(desk, &id, Decision::Approved, Some("good"))
        })?;
        let stage = "production".parse()?;
        let stages = [stage];
        history.act("risk-1", |desk| {
            act::promote(desk, std::slice::from_ref(&id), &stages, true, Some("better"))
        })?;
        let labels = BTreeMap::from([("seen".parse()?, Some("yes".to_owned()))]);
        let request = act::AnnotateRequest {
            labels,
            ..act::AnnotateRequest::default()
        };
        history.act("trainer", |desk| act::annotate(desk, &id, &request, None))?;
        number += 1;
    }
    write(directory, &history)
}

/// Everything as loose objects, then packed by git.
fn write(directory: &Path, history: &History) -> Outcome<()> {
    let git = |arguments: &[&str]| -> Outcome<()> {
        let status = Command::new("git")
            .arg("-C")
            .arg(directory)
            .args(arguments)
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("git {arguments:?}").into())
        }
    };
    std::fs::create_dir_all(directory)?;
    git(&["init", "-q", "-b", "main"])?;
    let repo = modelry::testing::git::Repo::open(directory)?;
    let tip = history.tip.ok_or("no commit")?;
    let mut at = Some(tip);
    let mut root = tip;
    let mut seen = std::collections::HashSet::new();
    while let Some(id) = at {
        root = id;
        let bytes = history.objects.read(id, ObjectKind::Commit)?;
        let commit = object::Commit::parse(id, &bytes)?;
        at = commit.parents.first().copied();
        let mut new = vec![(id, ObjectKind::Commit, bytes)];
        let mut open = vec![(commit.tree, ObjectKind::Tree)];
        while let Some((id, kind)) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let bytes = history.objects.read(id, kind)?;
            if kind == ObjectKind::Tree {
                for entry in object::read_tree(&history.objects, id)?.entries {
                    let kind = match entry.mode {
                        object::Mode::Tree => ObjectKind::Tree,
                        _ => ObjectKind::Blob,
                    };
                    open.push((entry.id, kind));
                }
            }
            new.push((id, kind, bytes));
        }
        repo.write_objects(new.into_iter())?;
    }
    git(&["update-ref", "refs/heads/main", &tip.to_string()])?;
    git(&["gc", "-q"])?;
    git(&["config", "modelry.root", &root.to_string()])?;
    println!("{} commits in {}", history.made, directory.display());
    Ok(())
}

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (directory, commits, versions) = match &arguments[..] {
        [directory, commits] => (directory, commits, "0"),
        [directory, commits, option, versions] if option == "--versions" => {
            (directory, commits, versions.as_str())
        }
        _ => {
            eprintln!("make_history DIR COMMITS [--versions N]");
            return std::process::ExitCode::from(2);
        }
    };
    let numbers = || -> Outcome<(usize, usize)> { Ok((commits.parse()?, versions.parse()?)) };
    let made = numbers().and_then(|(commits, versions)| run(Path::new(directory), commits, versions));
    match made {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::from(2)
        }
    }
}
