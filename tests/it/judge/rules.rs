//! Each rule has cases that fire and cases that pass, as folders below
//! `fixtures/rules`. A case is a change on `fixtures/registry`, the signer of its
//! commit, and the concise report that it must give.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use modelry::testing::base::Error;
use modelry::testing::base::{ObjectFormat, ObjectKind, Oid};
use modelry::testing::judge::finding::Report;
use modelry::testing::judge::rules::{self, Resolver, Step};
use modelry::testing::object::{Entry, Memory, Mode, Tree};
use modelry::testing::record::change;
use modelry::testing::record::kind::{RecordPath, VersionId};
use modelry::testing::record::snapshot::{Records, Snapshot};
use modelry::testing::record::subject;
use modelry::testing::record::yaml::{Document, Edit, Limits};
use modelry::testing::report;
use modelry::testing::trust::{Carrier, Carriers, HistoryView, Policy, Verdict};
use serde_json::Value;

use super::{checkpoint, histories, merges, onto};
use crate::hook::push;
use crate::support::golden::golden;

pub type Files = BTreeMap<String, (Mode, Vec<u8>)>;

struct NoHistory;

impl HistoryView for NoHistory {
    fn signer_of(&self, _: &Policy, _: &RecordPath) -> Result<Option<Verdict>, Error> {
        Ok(None)
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The files of `fixtures/registry`.
pub fn base() -> Files {
    let top = fixtures().join("registry");
    walkdir::WalkDir::new(&top)
        .into_iter()
        .map(|entry| entry.expect("the fixture registry"))
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry
                .path()
                .strip_prefix(&top)
                .expect("below")
                .to_str()
                .expect("UTF-8")
                .to_owned();
            (path, (Mode::File, std::fs::read(entry.path()).expect("a file")))
        })
        .collect()
}

type Listed<'f> = (Vec<&'f str>, &'f (Mode, Vec<u8>));

fn write(memory: &Memory, files: &Files, raw: Option<&str>) -> Oid {
    let listed: Vec<Listed<'_>> = files
        .iter()
        .map(|(path, file)| (path.split('/').collect(), file))
        .collect();
    folder(memory, "", &listed, raw == Some("unsorted"))
}

/// A folder as a tree; `groups` out of order when asked for.
fn folder(memory: &Memory, name: &str, files: &[Listed<'_>], unsorted: bool) -> Oid {
    let mut entries = Vec::new();
    let mut below: BTreeMap<&str, Vec<Listed<'_>>> = BTreeMap::new();
    for (parts, file) in files {
        match parts[..] {
            [name] => {
                let id = memory.insert(ObjectKind::Blob, file.1.clone());
                entries.push(Entry {
                    mode: file.0,
                    name: name.into(),
                    id,
                });
            }
            [name, ..] => below.entry(name).or_default().push((parts[1..].to_vec(), file)),
            [] => {}
        }
    }
    for (name, files) in below {
        let id = folder(memory, name, &files, unsorted);
        entries.push(Entry {
            mode: Mode::Tree,
            name: name.into(),
            id,
        });
    }
    if unsorted && name == "groups" {
        entries.sort_by(|a, b| b.name.cmp(&a.name));
        let bytes = entries
            .iter()
            .flat_map(|entry| Tree::write(std::slice::from_ref(entry)))
            .collect();
        return memory.insert(ObjectKind::Tree, bytes);
    }
    memory.insert(ObjectKind::Tree, Tree::write(&entries))
}

/// Replaces `SUBJECT(group/n)`, `KEY(actor)` by what they stand for.
pub fn filled(text: &str, files: &Files) -> String {
    let memory = Memory::new(ObjectFormat::Sha1);
    let tree = write(&memory, files, None);
    let records = Records::new(&memory);
    let snapshot = Snapshot {
        records: &records,
        tree: Some(tree),
        earlier: None,
        top: None,
    };
    let registry = snapshot.registry().expect("readable").expect("a policy");
    let mut text = text.to_owned();
    while let Some(at) = text.find("SUBJECT(") {
        let end = at + text[at..].find(')').expect("a closing sign");
        let (group, number) = text[at + 8..end].split_once('/').expect("group/n");
        let id = VersionId {
            group: group.parse().expect("a group"),
            number: number.parse().expect("a number"),
        };
        let version = snapshot.read(&RecordPath::Version(id.clone())).expect("readable");
        let digest = version.map_or_else(
            || format!("sha256:{}", "0".repeat(64)),
            |version| {
                let registry_id = registry.registry().expect("a policy").id.as_str();
                subject::version_subject(registry_id, &id, &version, &snapshot)
                    .expect("a subject")
                    .to_string()
            },
        );
        text.replace_range(at..=end, &digest);
    }
    while let Some(at) = text.find("KEY(") {
        let end = at + text[at..].find(')').expect("a closing sign");
        let actor = &registry.registry().expect("a policy").actors[&text[at + 4..end]];
        let line = actor.keys[0].ssh().expect("an SSH key").to_owned();
        text.replace_range(at..=end, &line);
    }
    text
}

/// Makes the edits of a case.
pub fn apply(files: &mut Files, edits: &Value) {
    let before = files.clone();
    // Reviews name the content as it is after everything else has changed.
    let mut ordered: Vec<_> = edits.as_object().expect("a mapping").iter().collect();
    ordered.sort_by_key(|(path, _)| path.contains("/reviews/"));
    for (path, edit) in ordered {
        let file = |bytes: Vec<u8>| (Mode::File, bytes);
        match edit {
            Value::String(text) => {
                let text = if text.contains("Tombstone") {
                    filled(text, &before)
                } else {
                    filled(text, files)
                };
                files.insert(path.clone(), file(text.into_bytes()));
            }
            Value::Object(edit) if edit.contains_key("gone") => {
                files.retain(|other, _| other != path && !other.starts_with(&format!("{path}/")));
            }
            Value::Object(edit) if edit.contains_key("moved") => {
                let from = format!("{}/", edit["moved"].as_str().expect("a folder"));
                let moved = |other: &String| Some(format!("{path}/{}", other.strip_prefix(&from)?));
                *files = std::mem::take(files)
                    .into_iter()
                    .map(|(other, file)| (moved(&other).unwrap_or(other), file))
                    .collect();
            }
            Value::Object(edit) if edit.contains_key("base64") => {
                files.insert(path.clone(), file(b"apiVersion: \xff\n".to_vec()));
            }
            Value::Object(edit) if edit.contains_key("repeat") => {
                let parts = edit["repeat"].as_array().expect("parts");
                let text = |at: usize| parts[at].as_str().expect("text").to_owned();
                let count = usize::try_from(parts[2].as_u64().expect("a count")).expect("a count");
                files.insert(
                    path.clone(),
                    file((text(0) + &text(1).repeat(count) + &text(3)).into_bytes()),
                );
            }
            Value::Object(edit) if edit.contains_key("symlink") => {
                files.insert(path.clone(), (Mode::Symlink, b"elsewhere".to_vec()));
            }
            Value::Object(edit) if edit.contains_key("executable") => {
                let text = edit["executable"].as_str().expect("text");
                files.insert(path.clone(), (Mode::Executable, text.into()));
            }
            edit => {
                let (_, bytes) = &files[path.as_str()];
                let document = Document::read(bytes, &Limits::LARGE).expect("the base reads cleanly");
                let mut edits = Vec::new();
                for (pointer, value) in edit["set"].as_object().into_iter().flatten() {
                    let mut value: Value =
                        serde_json::from_str(&filled(&value.to_string(), &before)).expect("JSON");
                    if value == "NEXT" {
                        value = (document.value()["serial"].as_u64().expect("a serial") + 1).into();
                    }
                    edits.push(Edit::Set {
                        pointer: pointer.clone(),
                        value,
                    });
                }
                for pointer in edit.get("remove").and_then(Value::as_array).into_iter().flatten() {
                    edits.push(Edit::Remove {
                        pointer: pointer.as_str().expect("a pointer").to_owned(),
                    });
                }
                let edited = document
                    .edit(&edits)
                    .unwrap_or_else(|error| panic!("{path}: {error}"));
                files.insert(path.clone(), file(edited.text().as_bytes().to_vec()));
            }
        }
    }
}

fn verdict(carrier: &str) -> Verdict {
    match carrier {
        "unsigned" => Verdict::Unsigned,
        "unknown" => Verdict::UnknownKey("SHA256:stranger".into()),
        "bad" => Verdict::Bad("it is a signature of something else".into()),
        "retired" => Verdict::Retired {
            id: "old-hand".parse().expect("an id"),
            key: "SHA256:old".into(),
            actor: true,
        },
        "revoked" => Verdict::Revoked("SHA256:lost".into()),
        "loose" => Verdict::NotStrict(vec!["header `gpgsig` stands twice".into()]),
        actor => Verdict::Actor {
            id: actor.parse().expect("an id"),
            key: "SHA256:test".into(),
        },
    }
}

/// The concise report of a case.
pub fn judge(case: &Value) -> String {
    let mut files = base();
    if let Some(edits) = case.get("before") {
        apply(&mut files, edits);
    }
    let prior_files = files.clone();
    if let Some(edits) = case.get("after") {
        apply(&mut files, edits);
    }
    let memory = Memory::new(ObjectFormat::Sha1);
    let prior_tree = write(&memory, &prior_files, None);
    let next_tree = write(&memory, &files, case.get("raw").and_then(Value::as_str));
    let records = Records::new(&memory);
    let root = case.get("root").is_some();
    let prior = Snapshot {
        records: &records,
        tree: (!root).then_some(prior_tree),
        earlier: None,
        top: None,
    };
    let next = Snapshot {
        records: &records,
        tree: Some(next_tree),
        earlier: None,
        top: None,
    };
    let policy = prior.registry().expect("readable").and_then(Policy::new);
    let mut differences = change::diff(&prior, &next).expect("a difference");
    if let Some(policy) = &policy {
        let trees = (Some(prior_tree), Some(next_tree));
        modelry::testing::judge::history::add_protected(&mut differences, &memory, policy, "", trees)
            .expect("a difference");
    }
    let verdict = verdict(case["carrier"].as_str().expect("a carrier"));
    let carriers = Carriers::one(Carrier::new(None, verdict));
    let step = Step::new(prior, next, policy.as_ref(), &carriers, &differences, &NoHistory);
    let judged = rules::judge(&step).expect("a judgement");
    let resolver = Resolver {
        prior,
        next,
        folder: "",
        before: None,
        after: None,
    };
    let mut findings: Vec<_> = judged
        .findings
        .into_iter()
        .map(|finding| resolver.resolve(finding))
        .collect();
    findings.sort_by_key(|finding| {
        (
            finding.rule.code,
            finding.primary.at.path.clone(),
            finding.primary.at.line,
        )
    });
    let report = Report {
        findings,
        ..Report::default()
    };
    report::report(&report, report::Format::Concise, &report::Style::PLAIN)
}

/// A rule's code, a test in which it fires, and one in which it passes.
type OnHistories = (&'static str, fn(), fn());

/// The rules about histories, which are tried on real commits.
const ON_HISTORIES: [OnHistories; 11] = [
    (
        "MR317",
        histories::mr317_fires_for_what_the_key_proved_later,
        histories::mr317_passes_for_what_it_proved_before,
    ),
    (
        "MR419",
        histories::mr419_fires_for_a_commit_that_is_no_first_parent_and_for_a_later_one,
        histories::mr419_passes_when_it_moves_to_an_earlier_one,
    ),
    (
        "MR502",
        histories::mr502_fires_when_a_verified_commit_is_gone,
        histories::mr502_passes_when_history_grows,
    ),
    (
        "MR503",
        merges::mr503_fires_for_three_parents_that_bring_something,
        merges::mr503_passes_for_three_parents_that_bring_nothing_of_the_registry,
    ),
    (
        "MR504",
        merges::mr504_fires_for_a_history_of_its_own,
        merges::mr504_passes_for_files_that_are_not_the_registrys,
    ),
    (
        "MR505",
        merges::mr505_fires_when_a_side_takes_the_mainlines_place,
        merges::mr505_passes_when_the_mainline_merges_the_side,
    ),
    (
        "MR506",
        checkpoint::growth::mr506_fires_when_the_mainline_is_truncated,
        checkpoint::growth::mr506_passes_when_history_grows,
    ),
    (
        "MR507",
        checkpoint::signature::mr507_fires_when_the_signature_does_not_fit,
        checkpoint::signature::mr507_passes_for_an_actor_of_then,
    ),
    (
        "MR508",
        onto::mr508_fires_and_names_both_sides,
        onto::mr508_passes_where_git_puts_lines_together,
    ),
    (
        "MR509",
        push::mr509_fires_when_the_mainline_is_deleted,
        push::mr509_passes_when_another_branch_is_deleted,
    ),
    (
        "MR510",
        push::mr510_fires_below_refs_replace,
        push::mr510_passes_beside_refs_replace,
    ),
];

#[test]
fn every_rule_fires_and_passes() {
    let top = fixtures().join("rules");
    let mut folders: Vec<String> = std::fs::read_dir(&top)
        .expect("fixtures/rules")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    folders.sort();
    let on_histories = |rule: &&&rules::Rule| matches!(rule.check, rules::Check::History);
    let told: Vec<&str> = ON_HISTORIES.iter().map(|(code, ..)| *code).collect();
    let codes = rules::RULES.iter().filter(on_histories);
    let codes: Vec<&str> = codes.map(|rule| rule.info.code).collect();
    assert_eq!(
        told, codes,
        "a line of ON_HISTORIES for each rule about histories"
    );
    let expected: Vec<String> = rules::RULES
        .iter()
        .filter(|rule| !on_histories(rule))
        .map(|rule| format!("{}-{}", rule.info.code, rule.info.name))
        .collect();
    assert_eq!(
        folders, expected,
        "a folder for each rule in fixtures/rules, and none without a rule"
    );
    let mut wrong = Vec::new();
    for rule in rules::RULES.iter().filter(|rule| !on_histories(rule)) {
        let folder = format!("{}-{}", rule.info.code, rule.info.name);
        let mut cases: Vec<String> = std::fs::read_dir(top.join(&folder))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        cases.sort();
        // A build that reads no certificates judges none.
        cases.retain(|case| cfg!(feature = "openpgp") || !case.ends_with("-openpgp"));
        for kind in ["fires-", "passes-"] {
            assert!(
                cases.iter().any(|case| case.starts_with(kind)),
                "{folder} has no case that {kind}…"
            );
        }
        for name in cases {
            let path = format!("fixtures/rules/{folder}/{name}");
            let text =
                std::fs::read_to_string(top.join(&folder).join(&name).join("case.yaml")).expect("case.yaml");
            let case: Value = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
            let report = judge(&case);
            let fires = report
                .lines()
                .any(|line| line.contains(&format!(" {} ", rule.info.code)));
            if fires != name.starts_with("fires-") {
                wrong.push(format!("{path}: fires = {fires}\n{report}"));
            }
            if name.starts_with("passes-") && !report.is_empty() {
                wrong.push(format!("{path}: something else fires\n{report}"));
            }
            golden(&format!("{path}/report.txt"), &report);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_looks_after_itself() {
    let codes: Vec<&str> = rules::RULES.iter().map(|rule| rule.info.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(
        codes, sorted,
        "rules are listed once, in the order of their codes"
    );
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/judge/rules");
    for rule in rules::RULES {
        let info = &rule.info;
        let file = format!("{}_{}.rs", info.code.to_lowercase(), info.name.replace('-', "_"));
        assert!(
            source.join(&file).exists(),
            "the file of {} is src/judge/rules/{file}",
            info.code
        );
        let headings: Vec<&str> = info.docs.lines().filter(|line| line.starts_with("## ")).collect();
        let agreed = [
            "## What it checks",
            "## Why it matters",
            "## Example",
            "## How to fix",
        ];
        assert_eq!(headings, agreed, "the page of {}", info.code);
    }
    let files = std::fs::read_dir(&source).expect("src/judge/rules");
    let files = files.filter(|file| {
        file.as_ref()
            .expect("a file")
            .file_name()
            .to_string_lossy()
            .starts_with("mr")
    });
    assert_eq!(
        files.count(),
        rules::RULES.len(),
        "every file in src/judge/rules is in the list"
    );
}
