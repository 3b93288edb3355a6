//! The records of groups and versions, one change at a time.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::approval::{names, subject};
use super::foreign::{decider, is_reported};
use super::judge::Case;
use super::law::{text, texts};
use super::objects::{Files, at, value};
use super::place::{Place, folder};
use super::provenance::Link;

const FREE: [&str; 3] = ["description", "labels", "annotations"];

/// SHA-256 of the canonical JSON of what a version has of these.
pub fn digest_of_notes(version: &Value) -> String {
    let mut notes = version.as_object().expect("a record").clone();
    notes.retain(|member, _| FREE.contains(&member.as_str()));
    let bytes = serde_json_canonicalizer::to_vec(&Value::Object(notes)).expect("JSON");
    modelry::testing::record::canonical::sha256(&bytes).to_string()
}

/// Whether a version's own signature speaks for its labels.
pub fn speaks_for_notes(files: &Files, path: &str) -> bool {
    let version = at(files, path).expect("it stands");
    version["signature"].is_string() && version["registeredWith"].is_string()
}

/// The texts of a record that say where something is, by the names of their members.
fn addresses(value: &Value, name: &str, out: &mut BTreeSet<String>) {
    const NAMES: [&str; 7] = [
        "uri",
        "repository",
        "image",
        "job",
        "trainingJob",
        "output",
        "from",
    ];
    match value {
        Value::String(text) if NAMES.contains(&name) => {
            out.insert(text.clone());
        }
        Value::Object(members) => members
            .iter()
            .for_each(|(name, member)| addresses(member, name, out)),
        Value::Array(items) => items.iter().for_each(|item| addresses(item, name, out)),
        _ => {}
    }
}

/// All texts of a record, its keys too.
fn all_texts(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            out.insert(text.clone());
        }
        Value::Object(members) => {
            out.extend(members.keys().cloned());
            members.values().for_each(|member| all_texts(member, out));
        }
        Value::Array(items) => items.iter().for_each(|item| all_texts(item, out)),
        _ => {}
    }
}

/// Whether a word of a text is the address of a website with a login in it.
fn has_login(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let web = word.split_once("https://").or_else(|| word.split_once("http://"));
        let host = web.and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
        host.is_some_and(|host| host.contains('@'))
    })
}

/// Whether a text brings an address that is more than one line or has a password in it,
/// or another text that names an address with a login.
pub fn brings_unsafe(prior: Option<&[u8]>, next: Option<&[u8]>) -> bool {
    let of = |content: Option<Value>| {
        let mut out = BTreeSet::new();
        if let Some(content) = content {
            addresses(&content, "", &mut out);
        }
        out
    };
    let before = of(prior.map(value));
    let after = of(next.map(value));
    let is_unsafe = |text: &&String| {
        let host = text.split("://").nth(1).and_then(|rest| rest.split('/').next());
        let login = host
            .and_then(|host| host.rsplit_once('@'))
            .map(|(login, _)| login);
        text.contains(char::is_control) || login.is_some_and(|login| login.contains(':'))
    };
    let texts_of = |content: Option<&[u8]>| {
        let mut out = BTreeSet::new();
        if let Some(content) = content {
            all_texts(&value(content), &mut out);
            let lines = String::from_utf8_lossy(content);
            let comments = lines
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix('#'));
            out.extend(comments.map(str::to_owned));
        }
        out
    };
    let old = texts_of(prior);
    let new = texts_of(next);
    after.difference(&before).any(|text| is_unsafe(&text)) || new.difference(&old).any(|text| has_login(text))
}

impl Case<'_> {
    /// Checks new addresses.
    pub fn addresses(&mut self, link: &Link) {
        if brings_unsafe(link.before.as_deref(), link.after.as_deref()) {
            self.codes.insert("MR112");
        }
    }

    pub fn group(&mut self, link: &Link, group: &str, before: Option<Value>, after: &Value) {
        if text(after, "kind") == "Tombstone" {
            self.author_needs(link, after, &["delete-group"], group, "");
            // A version's folder must contain a tombstone.
            let versions = format!("groups/{group}/versions/");
            let folders = self.next.keys().filter_map(|path| {
                let n = path.strip_prefix(&versions)?.split('/').next()?;
                Some(format!("{versions}{n}/version.yaml"))
            });
            let mut records = folders.map(|path| at(self.next, &path));
            let alive =
                records.any(|record| record.is_none_or(|record| text(&record, "kind") != "Tombstone"));
            if alive || before.is_none() {
                self.codes.insert("MR208");
            }
            return;
        }
        let action = if before.is_none() {
            "create-group"
        } else {
            "update-group"
        };
        self.record_author(link, None);
        self.commit_needs(link, action, group, "");
    }

    pub fn version(&mut self, link: &Link, group: &str, n: u64, before: Option<Value>, after: &Value) {
        if text(after, "kind") == "Tombstone" {
            return self.deletion(link, group, n, before, after);
        }
        let Some(before) = before else {
            self.author_needs(link, after, &["register"], group, "");
            // Data of the registration is the author's word where the signed record
            // has its digest, regardless of the commit's signer. Data that differs
            // from the digest was added on the way.
            let given = &after["registeredWith"];
            let is_as_given = given.is_string() && *given == json!(digest_of_notes(after));
            let labelled =
                FREE.iter().any(|member| !after[*member].is_null()) || (given.is_string() && !is_as_given);
            let own_word = labelled && is_as_given && after["signature"].is_string();
            if own_word && self.author(link, after).actor().is_some() {
                self.record_author(link, Some(after));
                let by = self.author(link, after).actor().map(str::to_owned);
                if by
                    .as_deref()
                    .is_some_and(|by| by != text(after, "by") && !self.law.may(by, "annotate", group, ""))
                {
                    self.codes.insert("MR307");
                }
            } else if labelled {
                // First labels belong to the registration, too, when the version's
                // author signed the commit.
                self.record_author(link, None);
                if self.committer(link).actor() != Some(text(after, "by")) {
                    self.commit_needs(link, "annotate", group, "");
                }
            }
            let status = text(after, "status");
            let imported = &after["imported"];
            let arrived = imported["status"].as_str().unwrap_or("Pending");
            if status != arrived {
                self.record_author(link, None);
            }
            self.with_version_of(link, |case| match status {
                _ if imported.is_object() => case.import(link, group, n, after),
                "Pending" => {}
                "Approved" | "Rejected" => case.moves(group, n, "Pending", status),
                _ => case.moved_on_the_way(group, n),
            });
            return;
        };
        let frozen = [
            "apiVersion",
            "kind",
            "spec",
            "group",
            "version",
            "by",
            "imported",
            "registeredWith",
            "signature",
        ];
        if frozen.iter().any(|member| before[*member] != after[*member]) {
            self.record_author(link, None);
            self.codes.insert("MR201");
        }
        let comes = self
            .links
            .iter()
            .any(|other| other.path == link.path && other.before.is_none());
        if FREE.iter().any(|member| before[*member] != after[*member]) {
            self.record_author(link, None);
            // So do those that come with it in one merge.
            let own = self.committer(link).actor() == Some(text(after, "by"));
            if !(comes && own) {
                self.commit_needs(link, "annotate", group, "");
            }
        }
        let (from, to) = (text(&before, "status"), text(after, "status"));
        if from != to {
            self.record_author(link, None);
            // A version that first appears in a merge as Archived may have taken
            // several steps on its side.
            self.with_version_of(link, |case| match (from, to) {
                ("Pending", "Archived") if comes => case.moved_on_the_way(group, n),
                _ => case.moves(group, n, from, to),
            });
        }
    }

    /// Judges on the files after the step, with the version as this change left
    /// it: behind a merge others may follow.
    fn with_version_of(&mut self, link: &Link, judge: impl FnOnce(&mut Case<'_>)) {
        let mut next = self.next.clone();
        next.insert(link.path.clone(), link.after.clone().expect("a version"));
        let mut case = Case {
            next: &next,
            links: self.links.clone(),
            renamed: Vec::new(),
            codes: BTreeSet::new(),
            authors: BTreeSet::new(),
            id: self.id.clone(),
            ..*self
        };
        judge(&mut case);
        self.codes.extend(case.codes);
    }

    /// One move of a version's status.
    pub fn moves(&mut self, group: &str, n: u64, from: &str, to: &str) {
        if !self.law.leads(from, to) {
            self.codes.insert("MR203");
        }
        match to {
            "Approved" if self.law.leads(from, to) => {
                let against = self.against_approval(group, n);
                self.codes.extend(against);
            }
            "Rejected" if self.law.leads(from, to) => self.codes.extend(self.against_rejection(group, n)),
            "Archived" => self.codes.extend(self.against_archival(group, n)),
            _ => {}
        }
        if from == "Approved" {
            for stage in names(self.next, &format!("groups/{group}/stages")) {
                let assigned =
                    at(self.next, &format!("groups/{group}/stages/{stage}.yaml")).expect("it is named");
                if self.law.needs_approved(&stage) && assigned["version"] == json!(n) {
                    self.codes.insert("MR211");
                }
            }
        }
    }

    /// A version that first appears Archived was cleared away, or decided before,
    /// whichever is legal. Without a decision, no edge leads there.
    fn moved_on_the_way(&mut self, group: &str, n: u64) {
        self.codes.extend(self.against_archival(group, n));
        let cleared = self.law.leads("Pending", "Archived");
        if cleared || self.against_rejection(group, n).is_none() {
            return;
        }
        let against = self.against_approval(group, n);
        if self.approvers(group, n).is_empty() {
            self.codes.insert("MR203");
        } else {
            self.codes.extend(against);
        }
    }

    fn deletion(&mut self, link: &Link, group: &str, n: u64, before: Option<Value>, after: &Value) {
        self.author_needs(link, after, &["delete"], group, "");
        let place = folder(group, n);
        let Some(before) = before else {
            self.codes.insert("MR208");
            return;
        };
        let beside = format!("{place}/");
        let left = self
            .next
            .keys()
            .any(|path| path.starts_with(&beside) && !path.ends_with("/version.yaml"));
        let serves = names(self.next, &format!("groups/{group}/stages"))
            .iter()
            .any(|stage| {
                let assigned = at(self.next, &format!("groups/{group}/stages/{stage}.yaml"));
                assigned.is_some_and(|assigned| assigned["version"] == json!(n))
            });
        if !["Rejected", "Archived"].contains(&text(&before, "status")) || left || serves {
            self.codes.insert("MR208");
        }
        let stood = at(self.prior, &format!("{place}/version.yaml"));
        let stood = stood.is_some_and(|stood| text(&stood, "kind") != "Tombstone");
        let had = subject(&self.id, self.prior, group, n).filter(|_| stood);
        if had.is_some() && had.as_deref() != Some(text(after, "subject")) {
            self.codes.insert("MR214");
        }
    }

    /// A version as it is after the step, or was before it.
    pub fn version_of(&self, group: &str, n: u64) -> Option<Value> {
        let path = format!("{}/version.yaml", folder(group, n));
        at(self.next, &path).or_else(|| at(self.prior, &path))
    }

    /// Checks the records beside a version, and stages.
    pub fn beside(&mut self, link: &Link, place: &Place, before: Option<Value>, after: &Value) {
        let raised = |before: &Value| after["revision"].as_u64() > before["revision"].as_u64();
        let stays = before.as_ref().is_some_and(|before| !raised(before));
        // A merge that takes neither side's record goes back behind neither.
        let commit = &self.history[&self.commit];
        let behind = commit.parents.get(1).is_some_and(|other| {
            let theirs = at(&self.history[other].files, &link.path);
            let here = at(self.next, &link.path);
            link.commit == self.commit && theirs != here && theirs.is_some_and(|theirs| !raised(&theirs))
        });
        if (stays || behind) && !matches!(place, Place::Archival(..)) {
            self.codes.insert("MR205");
        }
        let group = place.group().unwrap_or_default().to_owned();
        let earlier = place
            .version()
            .and_then(|(group, n)| at(self.prior, &format!("{}/version.yaml", folder(group, n))));
        // No record may be beside a tombstone: that is reported once.
        let decided = earlier.is_some_and(|version| !["Pending", ""].contains(&text(&version, "status")));
        match place {
            Place::PolicyReview(..) => {
                // An actor who stands in for administrators reviews too, and so does one
                // who ends their own keys or rights.
                let author = self.author(link, after);
                let is_excused = |who| self.law.stands_in(who) || self.is_own_end(after, who);
                let needed: &[&str] = match author.actor().is_some_and(is_excused) {
                    true => &[],
                    false => &["administer"],
                };
                self.author_needs(link, after, needed, "", "");
                // Reviews of a policy can't be reported.
                if is_reported(after) {
                    self.codes.insert("MR318");
                    if !self.law.knows(decider(after)) {
                        self.codes.insert("MR109");
                    }
                }
            }
            Place::Card(..) => {
                self.author_needs(link, after, &["add-evidence"], &group, "");
                let listed = texts(after, "authors");
                let lost = before
                    .is_some_and(|before| texts(&before, "authors").iter().any(|who| !listed.contains(who)));
                if listed.iter().any(|who| !self.law.knows(who)) {
                    self.codes.insert("MR109");
                }
                if lost || !listed.contains(&text(after, "by")) {
                    self.codes.insert("MR206");
                }
                if decided {
                    self.codes.insert("MR204");
                }
            }
            Place::Evidence(..) | Place::Observation(..) => {
                self.author_needs(link, after, &["add-evidence"], &group, "");
                if before.is_some_and(|before| before["by"] != after["by"]) {
                    self.codes.insert("MR314");
                }
                if decided && matches!(place, Place::Evidence(..)) {
                    self.codes.insert("MR204");
                }
            }
            Place::Review(_, n, _) => self.reviewed(link, before.as_ref(), after, &group, *n),
            Place::Archival(..) => {
                self.author_needs(link, after, &["archive"], &group, "");
                if before.is_some() {
                    self.codes.insert("MR213");
                }
            }
            Place::Stage(_, stage) => {
                self.author_needs(link, after, &["promote"], &group, stage);
                if !self.law.has_stage(stage) {
                    self.codes.insert("MR110");
                }
                // Changing the record of a stage that already serves this version
                // keeps the earlier version.
                let served = match &before {
                    None => Value::Null,
                    Some(before) if before["version"] == after["version"] => before["previous"].clone(),
                    Some(before) => before["version"].clone(),
                };
                if after["previous"] != served {
                    self.codes.insert("MR212");
                }
            }
            Place::Registry | Place::Group(_) | Place::Version(..) | Place::Stray => {}
        }
    }

    /// Checks every touched record, regardless of its author.
    pub fn state(&mut self) {
        let links = self.links.clone();
        for link in &links {
            let place = super::place::place(&link.path);
            let Some(group) = place.group().filter(|_| !self.is_moved(&link.path)) else {
                continue;
            };
            let kind = |path: &str| at(self.next, path).map(|record| text(&record, "kind").to_owned());
            let group_kind = kind(&format!("groups/{group}/group.yaml"));
            if self.next.contains_key(&link.path) {
                let gone = |kind: &Option<String>| kind.as_deref().is_none_or(|kind| kind == "Tombstone");
                let version_kind = place
                    .version()
                    .map(|(group, n)| kind(&format!("{}/version.yaml", folder(group, n))));
                let is_version = matches!(place, Place::Version(..));
                let deleted = is_version && version_kind == Some(Some("Tombstone".into()));
                let beside_group = !matches!(place, Place::Group(_)) && gone(&group_kind) && !deleted;
                let beside_version = !is_version && version_kind.as_ref().is_some_and(gone);
                // A record in place of a tombstone is reported as that.
                let was = link.before.as_deref().map(value);
                let rises = was.is_some_and(|was| text(&was, "kind") == "Tombstone");
                if (beside_group || beside_version) && !rises {
                    self.codes.insert("MR107");
                }
            }
            if let (Place::Archival(group, n), true) = (&place, self.next.contains_key(&link.path)) {
                let version = at(self.next, &format!("{}/version.yaml", folder(group, *n)));
                if version.is_some_and(|version| !["Archived", ""].contains(&text(&version, "status"))) {
                    self.codes.insert("MR213");
                }
            }
            if let Place::Stage(group, stage) = &place
                && let Some(assigned) = link.after.as_deref().map(value)
                && let Some(n) = assigned["version"].as_u64()
            {
                let version = at(self.next, &format!("{}/version.yaml", folder(group, n)));
                match version.filter(|version| text(version, "kind") != "Tombstone") {
                    None => {
                        self.codes.insert("MR111");
                    }
                    Some(version)
                        if self.law.needs_approved(stage) && text(&version, "status") != "Approved" =>
                    {
                        self.codes.insert("MR210");
                    }
                    Some(_) => {}
                }
            }
        }
    }
}
