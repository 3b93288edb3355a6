//! The reference judge: as slow and plain as can be, from the design alone. It
//! reads whole snapshots, keeps nothing, and calls nothing of the product's
//! judge.

use std::collections::BTreeSet;

use modelry::testing::base::Oid;
use serde_json::{Value, json};

use super::approval::without;
use super::law::{Law, Signer, proven, text};
use super::objects::{Commit, Files, History, LINK, at, value};
use super::place::{Place, is_managed, place};
use super::provenance::{Link, Shape, bringer, links, reformats, shape};
use super::records::brings_unsafe;
use super::renamed::{Renamed, renamed};

/// The reference's verdict on one step.
pub struct Step {
    pub codes: BTreeSet<&'static str>,
    /// Whether the step put a policy into force.
    pub brought: bool,
    /// The files that change, with the commits that answer, and whose act each
    /// is.
    pub authors: BTreeSet<(String, Oid, Option<String>)>,
}

/// One step in front of the judge.
pub struct Case<'a> {
    pub history: &'a History,
    pub law: &'a Law,
    pub id: String,
    pub commit: Oid,
    pub prior: &'a Files,
    pub next: &'a Files,
    pub links: Vec<Link>,
    pub renamed: Vec<Renamed>,
    pub codes: BTreeSet<&'static str>,
    pub authors: BTreeSet<(String, Oid, Option<String>)>,
}

/// Judges the mainline, oldest step first.
pub fn judge(history: &History, mainline: &[Oid]) -> Vec<Step> {
    let mut law: Option<Law> = None;
    let mut steps = Vec::new();
    let mut refused = BTreeSet::new();
    for id in mainline {
        let (step, brought) = match &law {
            None => root(history, *id),
            Some(law) => step(history, law, *id, &refused),
        };
        law = brought.or(law);
        if !step.codes.is_empty() {
            refused.insert(*id);
        }
        steps.push(step);
    }
    steps
}

/// The root adds a first policy, and nothing else of the registry.
fn root(history: &History, id: Oid) -> (Step, Option<Law>) {
    let files = &history[&id].files;
    let alone = files.keys().filter(|path| is_managed(path)).count() == 1;
    // It is pinned outside: what else it holds is a finding, and its policy
    // judges all the same.
    let policy = at(files, "registry.yaml").filter(|policy| policy["serial"] == json!(1));
    let mut codes = BTreeSet::new();
    if policy.is_none() || !alone {
        codes.insert("MR501");
    }
    let own = files.iter().filter(|(path, _)| is_managed(path));
    if own.into_iter().any(|(_, bytes)| brings_unsafe(None, Some(bytes))) {
        codes.insert("MR112");
    }
    let step = Step {
        codes,
        brought: policy.is_some(),
        authors: BTreeSet::new(),
    };
    let bytes = files.get("registry.yaml").cloned().unwrap_or_default();
    (step, policy.map(|policy| Law(policy, bytes)))
}

fn step(history: &History, law: &Law, id: Oid, refused: &BTreeSet<Oid>) -> (Step, Option<Law>) {
    let commit = &history[&id];
    let (prior, next) = (&history[&commit.parents[0]].files, &commit.files);
    let mut paths: BTreeSet<&String> = prior.keys().chain(next.keys()).collect();
    let is_link = |files: &Files, path: &str| files.get(path).is_some_and(|bytes| bytes.starts_with(LINK));
    paths.retain(|path| {
        is_managed(path)
            || law.protects(path)
            || ((is_link(prior, path) || is_link(next, path)) && law.protects_link(path))
    });
    let shape = shape(history, id);
    let links: Vec<Link> = match shape {
        Shape::Plain => paths.iter().flat_map(|path| links(history, id, path)).collect(),
        // Only the commit itself answers for the changes of such a merge.
        Shape::Octopus | Shape::Unrelated => paths
            .iter()
            .map(|path| Link {
                path: (*path).clone(),
                before: prior.get(*path).cloned(),
                after: next.get(*path).cloned(),
                commit: id,
            })
            .filter(|link| link.before != link.after)
            .collect(),
    };
    let mut case = Case {
        history,
        law,
        id: text(&law.0, "id").to_owned(),
        commit: id,
        prior,
        next,
        links,
        renamed: Vec::new(),
        codes: BTreeSet::new(),
        authors: BTreeSet::new(),
    };
    let mut brought = None;
    let mut faulty = false;
    case.renamed = renamed(prior, next, &case.links);
    if !case.renamed.is_empty() {
        case.codes.insert("MR216");
    }
    let restores = case.restores_registry();
    let undoes = case.undoes_a_group(refused);
    for link in case.links.clone() {
        // A renamed record is reported once, a restored one not at all; their authors
        // are kept.
        let is_excused = case.is_moved(&link.path) || ((restores || undoes) && is_managed(&link.path));
        let told = is_excused.then(|| case.codes.clone());
        match place(&link.path) {
            _ if !is_managed(&link.path) => {
                case.record_author(&link, None);
                case.commit_needs(&link, "administer", "", "");
            }
            Place::Registry if case.puts_back(&link) => {
                case.record_author(&link, None);
                if case.links.iter().any(|link| link.path.starts_with("groups/")) {
                    case.codes.insert("MR402");
                }
            }
            Place::Registry => {
                case.record_author(&link, None);
                // A merge may have several: none is in force where one of them has a
                // finding.
                brought = case.policy(&link);
                faulty |= brought.is_none();
            }
            place => {
                if let Some(link) = case.readable(&link, &place) {
                    case.addresses(&link);
                    case.record(&link, &place);
                }
            }
        }
        if let Some(told) = told {
            case.codes = told;
        }
    }
    let repositories = repositories(prior, next);
    for path in repositories.iter().copied() {
        case.codes.insert("MR101");
        let of_step = Link {
            before: prior.get(path).cloned(),
            after: next.get(path).cloned(),
            path: path.clone(),
            commit: id,
        };
        case.record_author(&of_step, None);
    }
    if restores {
        // The registry that was judged before is there again, with the same policy.
        brought = Some(law.clone());
    } else if !undoes {
        case.state();
        // The reviews that come with a policy are part of its change.
        if faulty || case.policy_reviews_are_faulty() {
            brought = None;
        }
    }
    if !case.links.is_empty() || !repositories.is_empty() {
        match shape {
            Shape::Plain => {}
            Shape::Octopus => {
                case.codes.insert("MR503");
                brought = None;
            }
            Shape::Unrelated => {
                case.codes.insert("MR504");
                brought = None;
            }
        }
    }
    let step = Step {
        codes: case.codes,
        brought: brought.is_some(),
        authors: case.authors,
    };
    (step, brought)
}

/// The files `HEAD` of folders without records that git reads as repositories, where the
/// step gives a folder this file or what git reads with it.
fn repositories<'f>(prior: &Files, next: &'f Files) -> BTreeSet<&'f String> {
    let is_new = |folder: &str, names: &[&str]| {
        next.iter().any(|(path, bytes)| {
            let inside = path.strip_prefix(folder).and_then(|path| path.split('/').next());
            inside.is_some_and(|name| names.contains(&name)) && prior.get(path) != Some(bytes)
        })
    };
    let read = ["HEAD", "objects", "refs", "config", "commondir"];
    let is_beside = |folder: &str| {
        let inside = |path: &String| Some(path.strip_prefix(folder)?.split('/').next()?.to_owned());
        let mut names = next.keys().filter_map(inside);
        names.any(|name| name != "HEAD" && read.contains(&name.as_str()))
    };
    let heads = next
        .keys()
        .filter(|path| path.ends_with("/HEAD") && !is_managed(path));
    heads
        .filter(|path| is_beside(&path[..path.len() - 4]) && is_new(&path[..path.len() - 4], &read))
        .collect()
}

impl Case<'_> {
    /// Whether the step puts back, byte for byte, the whole registry that the mainline
    /// had last, with the policy that is still in force.
    fn restores_registry(&self) -> bool {
        const POLICY: &str = "registry.yaml";
        if self.prior.contains_key(POLICY) || !self.next.contains_key(POLICY) {
            return false;
        }
        let mut last = self.history[&self.commit].parents.first();
        while let Some(id) = last.filter(|id| !self.history[*id].files.contains_key(POLICY)) {
            last = self.history[id].parents.first();
        }
        let Some(last) = last else { return false };
        let own = |files: &Files| -> Vec<(String, Vec<u8>)> {
            let own = files.iter().filter(|(path, _)| is_managed(path));
            own.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
        };
        own(&self.history[last].files) == own(self.next)
            && at(self.next, POLICY).is_some_and(|policy| policy == self.law.0)
    }

    /// Whether an actor undoes, byte for byte, the last step that changed one group,
    /// which was refused, is not accepted, and changed nothing else.
    fn undoes_a_group(&self, refused: &BTreeSet<Oid>) -> bool {
        let group = |path: &str| path.strip_prefix("groups/")?.split('/').next().map(str::to_owned);
        let groups: BTreeSet<_> = self.links.iter().map(|link| group(&link.path)).collect();
        let [Some(name)] = &Vec::from_iter(groups)[..] else {
            return false;
        };
        let own = |files: &Files| -> Files {
            let own = files
                .iter()
                .filter(|(path, _)| group(path).as_ref() == Some(name));
            own.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
        };
        let rest = |files: &Files| -> Files {
            let rest = files.iter().filter(|(path, _)| is_managed(path));
            let rest = rest.filter(|(path, _)| group(path).as_ref() != Some(name));
            rest.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
        };
        // Every change of the group so far, newest first.
        let mut changes = Vec::new();
        let mut at = self.history[&self.commit].parents[0];
        while let Some(parent) = self.history[&at].parents.first() {
            if own(&self.history[&at].files) != own(&self.history[parent].files) {
                changes.push((at, *parent));
            }
            at = *parent;
        }
        let [(last, before), (_, earlier), ..] = changes[..] else {
            return false;
        };
        let files = |commit: Oid| &self.history[&commit].files;
        let is_accepted = || {
            let entries = self.law.0["acknowledged"].as_array().into_iter().flatten();
            entries
                .into_iter()
                .any(|entry| text(entry, "commit") == last.to_string())
        };
        !own(self.prior).is_empty()
            && own(self.next) == own(files(before))
            && own(files(last)) != own(files(earlier))
            && rest(files(last)) == rest(files(before))
            && refused.contains(&last)
            && !is_accepted()
            && self
                .links
                .iter()
                .all(|link| self.committer(link).actor().is_some())
    }

    /// Whether a file is only moved with its group.
    pub fn is_moved(&self, path: &str) -> bool {
        self.renamed.iter().any(|renamed| renamed.moves(path))
    }

    fn commit_of(&self, link: &Link) -> &Commit {
        &self.history[&link.commit]
    }

    /// Returns the signer of the commit that answers for a link.
    pub fn committer(&self, link: &Link) -> Signer {
        self.law.committer(self.commit_of(link))
    }

    /// Returns the author of a record: its own signer, else the commit's signer.
    pub fn author(&self, link: &Link, record: &Value) -> Signer {
        match record["signature"].as_str() {
            Some(armor) => self
                .law
                .signer(armor, "modelry", &self.signed(&link.path, record), "MR305"),
            None => self.committer(link),
        }
    }

    /// The bytes that a record's own signature covers.
    fn signed(&self, path: &str, record: &Value) -> Vec<u8> {
        let left_out: &[&str] = match text(record, "kind") {
            "ModelVersion" => &["signature", "status", "description", "labels", "annotations"],
            _ => &["signature"],
        };
        let record = without(record, left_out);
        serde_json_canonicalizer::to_vec(&json!({"registry": self.id, "path": path, "record": record}))
            .expect("JSON")
    }

    pub fn record_author(&mut self, link: &Link, authored: Option<&Value>) {
        let signer = match authored {
            Some(record) => self.author(link, record),
            None => self.committer(link),
        };
        let who = signer.actor().map(str::to_owned);
        self.authors.insert((link.path.clone(), link.commit, who));
    }

    /// The signer of the commit must hold an action.
    pub fn commit_needs(&mut self, link: &Link, action: &str, group: &str, stage: &str) {
        match self.committer(link) {
            Signer::Nobody(code) => {
                self.codes.insert(code);
            }
            Signer::Actor(who, _) if !self.law.may(&who, action, group, stage) => {
                self.codes.insert("MR307");
            }
            Signer::Actor(..) => {}
        }
    }

    /// The author of a record must be somebody, the one in `by`, and hold one
    /// of these actions (or none is needed).
    pub fn author_needs(&mut self, link: &Link, record: &Value, actions: &[&str], group: &str, stage: &str) {
        self.record_author(link, Some(record));
        if !self.law.knows(text(record, "by")) {
            self.codes.insert("MR109");
        }
        match self.author(link, record) {
            Signer::Nobody(code) => {
                self.codes.insert(code);
            }
            Signer::Actor(who, _) => {
                if text(record, "by") != who {
                    self.codes.insert("MR306");
                }
                let holds = |action: &&str| self.law.may(&who, action, group, stage);
                if !actions.is_empty() && !actions.iter().any(holds) {
                    self.codes.insert("MR307");
                }
            }
        }
    }

    /// Whether the content of a record after the step is its actor's: added now by
    /// that actor, or earlier by a key that is not revoked now.
    pub fn still_proven(&self, path: &str, who: &str) -> bool {
        let record = at(self.next, path).expect("it stands");
        self.is_word_of(path, &record, who)
    }

    /// The same of what a record says, or said before something took its place in
    /// this step.
    pub fn is_word_of(&self, path: &str, record: &Value, who: &str) -> bool {
        let says = |link: &&Link| {
            let it_says = link.after.as_deref().map(value).as_ref() == Some(record);
            link.path == path && it_says && !reformats(link)
        };
        if let Some(link) = self.links.iter().rev().find(says) {
            return self.author(link, record).actor() == Some(who);
        }
        let key = match record["signature"].as_str() {
            Some(armor) => proven(armor, "modelry", &self.signed(path, record)),
            None => bringer(self.history, self.history[&self.commit].parents[0], path).and_then(|id| {
                let commit = &self.history[&id];
                let armor = commit.signature.as_deref().filter(|_| commit.strict)?;
                proven(armor, "git", &commit.payload)
            }),
        };
        key.is_some_and(|key| self.law.owner_of(&key) == Some(who) && !self.law.is_revoked(&key))
    }

    /// Whether a record lies unchanged in the folder to which the step moves the whole
    /// registry: that is one thing to put back.
    fn went_along(&self, link: &Link) -> bool {
        if self.next.contains_key("registry.yaml") {
            return false;
        }
        let mut moved = self.next.iter().filter_map(|(path, bytes)| {
            let folder = path.strip_suffix("/registry.yaml")?;
            let is_it = text(&value(bytes), "id") == self.id && !self.prior.contains_key(path);
            is_it.then_some(folder)
        });
        moved.any(|folder| self.next.get(&format!("{folder}/{}", link.path)) == link.before.as_ref())
    }

    /// One record, changed in one way by one commit.
    fn record(&mut self, link: &Link, place: &Place) {
        if *place == Place::Stray {
            self.record_author(link, None);
            if link.after.is_some() {
                self.codes.insert("MR101");
            }
            return;
        }
        let before = link.before.as_deref().map(value);
        let after = link.after.as_deref().map(value);
        let kind = |record: &Option<Value>| {
            record
                .as_ref()
                .map_or("", |record| text(record, "kind"))
                .to_owned()
        };
        let is_deleted = |version: Option<(&str, u64)>| {
            version.is_some_and(|(group, n)| {
                let path = format!("groups/{group}/versions/{n}/version.yaml");
                let gone = |files: &Files| {
                    at(files, &path).is_some_and(|record| text(&record, "kind") == "Tombstone")
                };
                // The actor who writes its tombstone again removes the files beside
                // it too.
                gone(self.next) && self.links.iter().any(|link| link.path == path)
            })
        };
        let Some(after) = after else {
            // Files that a version loses are part of its deletion.
            if matches!(place, Place::Version(..)) || !is_deleted(place.version()) {
                self.record_author(link, None);
                if !self.went_along(link) {
                    self.codes.insert("MR202");
                }
            }
            return;
        };
        self.identity(place, &after);
        if kind(&before) == "Tombstone" {
            self.record_author(link, None);
            if before.as_ref() == Some(&after) {
                self.reformatted(link, place);
            } else {
                self.codes.insert("MR207");
            }
            return;
        }
        if before.as_ref() == Some(&after) {
            self.record_author(link, None);
            self.reformatted(link, place);
            return;
        }
        match place {
            Place::Group(group) => self.group(link, group, before, &after),
            Place::Version(group, n) => self.version(link, group, *n, before, &after),
            _ => self.beside(link, place, before, &after),
        }
    }

    /// A change without meaning needs the grant of its kind.
    fn reformatted(&mut self, link: &Link, place: &Place) {
        let group = place.group().unwrap_or_default().to_owned();
        let (action, stage) = match place {
            Place::Group(_) => ("update-group", ""),
            Place::Version(..) => ("annotate", ""),
            Place::Card(..) | Place::Evidence(..) | Place::Observation(..) => ("add-evidence", ""),
            Place::Stage(_, stage) => ("promote", stage.as_str()),
            Place::Archival(..) => ("archive", ""),
            Place::Review(..) => ("approve", ""),
            Place::Registry | Place::PolicyReview(..) | Place::Stray => ("administer", ""),
        };
        self.commit_needs(link, action, &group, stage);
    }

    /// A record repeats its path.
    fn identity(&mut self, place: &Place, record: &Value) {
        let tombstone = text(record, "kind") == "Tombstone";
        let own = match record["onBehalfOf"].is_null() {
            true => "by",
            false => "onBehalfOf",
        };
        let expected: Vec<(&str, Value)> = match place {
            Place::Registry | Place::Stray => Vec::new(),
            Place::PolicyReview(serial, who) => vec![("serial", json!(serial)), (own, json!(who))],
            Place::Group(group) if tombstone => vec![("group", json!(group))],
            Place::Group(group) => vec![("name", json!(group))],
            Place::Stage(group, stage) => vec![("group", json!(group)), ("stage", json!(stage))],
            Place::Version(group, n) | Place::Card(group, n) | Place::Archival(group, n) => {
                vec![("group", json!(group)), ("version", json!(n))]
            }
            Place::Evidence(group, n, name) | Place::Observation(group, n, name) => {
                vec![
                    ("group", json!(group)),
                    ("version", json!(n)),
                    ("name", json!(name)),
                ]
            }
            Place::Review(group, n, who) => {
                vec![("group", json!(group)), ("version", json!(n)), (own, json!(who))]
            }
        };
        if expected.iter().any(|(member, value)| record[*member] != *value) {
            self.codes.insert("MR104");
        }
    }

    fn policy_reviews_are_faulty(&self) -> bool {
        let reviews = self.links.iter().filter(|link| link.path.starts_with("policy/"));
        reviews.into_iter().any(|link| {
            let mut alone = Case {
                links: self.links.clone(),
                renamed: Vec::new(),
                codes: BTreeSet::new(),
                authors: BTreeSet::new(),
                id: self.id.clone(),
                ..*self
            };
            alone.record(link, &place(&link.path));
            !alone.codes.is_empty()
        })
    }
}
