//! Whether a version may move to another status, on the files after the step
//! and by the policy before it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::foreign::Voice;
use super::judge::Case;
use super::law::{digest, text, texts};
use super::objects::{Files, at};
use super::place::folder;

/// The value without some of its members.
pub fn without(value: &Value, members: &[&str]) -> Value {
    let mut value = value.clone();
    if let Value::Object(map) = &mut value {
        map.retain(|name, _| !members.contains(&name.as_str()));
    }
    value
}

/// The names of the documents in a folder.
pub fn names(files: &Files, folder: &str) -> Vec<String> {
    let start = format!("{folder}/");
    let inside = files
        .keys()
        .filter_map(|path| path.strip_prefix(&start)?.strip_suffix(".yaml"));
    inside
        .filter(|name| !name.contains('/'))
        .map(str::to_owned)
        .collect()
}

/// The digest of what a reviewer of this version sees.
pub fn subject(registry: &str, files: &Files, group: &str, n: u64) -> Option<String> {
    let folder = folder(group, n);
    let version = at(files, &format!("{folder}/version.yaml"))?;
    let authorship = ["by", "authors", "revision", "signature"];
    let card = at(files, &format!("{folder}/card.yaml"));
    let mut evidence = Map::new();
    for name in names(files, &format!("{folder}/evidence")) {
        let record = at(files, &format!("{folder}/evidence/{name}.yaml"))?;
        evidence.insert(name, without(&record, &authorship));
    }
    Some(digest(&json!({
        "registry": registry, "group": group, "version": n,
        "spec": version["spec"],
        "card": card.map_or(Value::Null, |card| without(&card, &authorship)),
        "evidence": evidence,
    })))
}

impl Case<'_> {
    /// Returns everyone whose approval is in force after the step, and counts.
    pub fn approvers(&self, group: &str, n: u64) -> Vec<Voice> {
        let place = folder(group, n);
        let rules = self.law.rules(group);
        let flag =
            |name: &str| -> Vec<bool> { rules.iter().filter_map(|rule| rule[name].as_bool()).collect() };
        let four_eyes = flag("fourEyes").is_empty() || flag("fourEyes").contains(&true);
        let machines = !flag("machines").is_empty() && !flag("machines").contains(&false);
        let Some(version) = at(self.next, &format!("{place}/version.yaml")) else {
            return Vec::new();
        };
        let mut authors = vec![text(&version, "by").to_owned()];
        if let Some(card) = at(self.next, &format!("{place}/card.yaml")) {
            authors.push(text(&card, "by").to_owned());
            authors.extend(texts(&card, "authors").iter().map(|who| (*who).to_owned()));
        }
        for name in names(self.next, &format!("{place}/evidence")) {
            let record = at(self.next, &format!("{place}/evidence/{name}.yaml")).expect("it is named");
            authors.push(text(&record, "by").to_owned());
        }
        let mut voices = self.deciders(group, n, "Approved");
        voices.retain(|voice| {
            let machine = text(self.law.actor(&voice.who), "kind") == "machine";
            let own = four_eyes && self.is_of(voice, &authors);
            self.law.may(&voice.who, "approve", group, "") && !own && (!machine || machines)
        });
        voices
    }

    /// Returns the objections to the move of a version to Approved.
    pub fn against_approval(&self, group: &str, n: u64) -> BTreeSet<&'static str> {
        let mut codes = BTreeSet::new();
        let place = folder(group, n);
        let rules = self.law.rules(group);
        let Some(version) = at(self.next, &format!("{place}/version.yaml")) else {
            return BTreeSet::from(["MR308"]);
        };
        let card = at(self.next, &format!("{place}/card.yaml"));
        let voices = self.approvers(group, n);
        let mut choices = self.choices(&voices, group);
        let required = rules
            .iter()
            .filter_map(|rule| rule["required"].as_u64())
            .max()
            .unwrap_or(1)
            .max(1);
        let most = |choices: &[Vec<&Voice>]| choices.iter().map(Vec::len).max().unwrap_or(0) as u64;
        let at_most = most(&choices);
        for rule in &rules {
            // One choice must do for every team, and for the number.
            for (team, many) in rule["from"].as_object().into_iter().flatten() {
                let members = self.law.team(team);
                choices.retain(|choice| {
                    let heard = choice
                        .iter()
                        .filter(|voice| members.contains(&voice.who.as_str()));
                    heard.count() as u64 >= many.as_u64().expect("a number")
                });
            }
            for section in texts(rule, "card") {
                let filled = card
                    .as_ref()
                    .is_some_and(|card| !text(card, section).trim().is_empty());
                if !filled {
                    codes.insert("MR310");
                }
            }
            for gate in rule["gates"].as_array().into_iter().flatten() {
                if !self.passes(gate, group, &version) {
                    codes.insert("MR316");
                }
            }
        }
        if choices.is_empty() {
            codes.insert("MR309");
        }
        let counted = if choices.is_empty() {
            at_most
        } else {
            most(&choices)
        };
        if counted < required {
            codes.insert("MR308");
        }
        if self.is_rejected(group, n, &version) {
            codes.insert("MR311");
        }
        if self.is_loose(&place) {
            codes.insert("MR209");
        }
        codes
    }

    /// Whether a version has nothing to load, or something without a digest.
    pub fn is_loose(&self, place: &str) -> bool {
        let version = at(self.next, &format!("{place}/version.yaml")).unwrap_or_default();
        let containers = version["spec"]["inference"]["containers"].as_array();
        let containers = containers.map_or(&[][..], Vec::as_slice);
        let loose = |container: &Value| {
            let artifact = &container["artifact"];
            let image = text(container, "image");
            (artifact.is_object() && artifact["digest"].is_null())
                || (!image.is_empty() && !image.contains("@sha256:"))
        };
        containers.is_empty() || containers.iter().any(loose)
    }

    /// Returns everyone who has this decision in force after the step.
    fn deciders(&self, group: &str, n: u64, decision: &str) -> Vec<Voice> {
        let subject = subject(&self.id, self.next, group, n);
        let reviews = format!("{}/reviews", folder(group, n));
        let mut found = Vec::new();
        for who in names(self.next, &reviews) {
            let path = format!("{reviews}/{who}.yaml");
            let review = self.said(&path);
            if text(&review, "decision") == decision && Some(text(&review, "subject")) == subject.as_deref() {
                found.extend(self.voice(&path, &review, group, &who));
            }
        }
        found
    }

    /// Whether a rejection is in force by an actor who may reject: by grant, or as
    /// the author of the version.
    fn is_rejected(&self, group: &str, n: u64, version: &Value) -> bool {
        let rejecters = self.deciders(group, n, "Rejected");
        rejecters
            .iter()
            .any(|voice| self.law.may(&voice.who, "reject", group, "") || text(version, "by") == voice.who)
    }

    /// Returns the objection to the move of a version to Rejected.
    pub fn against_rejection(&self, group: &str, n: u64) -> Option<&'static str> {
        let version = at(self.next, &format!("{}/version.yaml", folder(group, n)));
        let supported = version.is_some_and(|version| self.is_rejected(group, n, &version));
        (!supported).then_some("MR312")
    }

    /// Returns the objection to the move of a version to Archived.
    pub fn against_archival(&self, group: &str, n: u64) -> Option<&'static str> {
        let path = format!("{}/archival.yaml", folder(group, n));
        let supported = at(self.next, &path).is_some_and(|archival| {
            let who = text(&archival, "by").to_owned();
            // A faulty record of this step is reported by itself.
            let comes = self.links.iter().any(|link| link.path == path);
            comes || (self.law.may(&who, "archive", group, "") && self.still_proven(&path, &who))
        });
        (!supported).then_some("MR313")
    }

    /// The two gates that the generator writes.
    fn passes(&self, gate: &Value, group: &str, version: &Value) -> bool {
        let auc = version["spec"]["metrics"]["auc"].as_f64();
        let champion = self.champion(group, text(gate, "champion"));
        match text(gate, "require") {
            "metrics.auc >= 0.8" => auc.is_some_and(|auc| auc >= 0.8),
            "champion == null || metrics.auc >= champion.metrics.auc" => match champion {
                None => true,
                Some(champion) => {
                    let its = champion["spec"]["metrics"]["auc"].as_f64();
                    auc.zip(its).is_some_and(|(auc, its)| auc >= its)
                }
            },
            other => panic!("no such gate: {other}"),
        }
    }

    /// The version that serves a stage before the step, or served it last.
    fn champion(&self, group: &str, stage: &str) -> Option<Value> {
        let assigned = at(self.prior, &format!("groups/{group}/stages/{stage}.yaml"))?;
        let n = assigned["version"].as_u64().or(assigned["previous"].as_u64())?;
        at(self.prior, &format!("{}/version.yaml", folder(group, n)))
    }
}
