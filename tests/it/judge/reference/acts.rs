//! The acts of people in random histories: mostly what they may do, and now and then
//! what they may not.

use serde_json::{Value, json};

use super::acts_foreign::DECISIONS;
use super::approval::{names, subject, without};
use super::law::{Law, digest, text};
use super::objects::{Files, at};
use super::place::folder;
use super::records::speaks_for_notes;
use super::world::{Dice, Sign, World, document};

pub const REGISTRY: &str = "0123456789abcdef0123456789abcdef";
pub const GROUPS: [&str; 5] = ["churn", "fraud-a", "auto-a", "solo-a", "rank-a"];
pub const PEOPLE: [&str; 11] = [
    "admin-1", "admin-2", "risk-1", "risk-2", "risk-3", "boss", "trainer", "robot", "relay", "host",
    "stranger",
];

/// One who writes.
pub struct Pen<'a> {
    pub world: &'a mut World,
    pub dice: &'a mut Dice,
    /// How often, of a hundred, something is tampered with.
    pub tamper: usize,
    /// A number that no branch has yet, for each group.
    pub fresh: u64,
}

/// An act: what was done, and its signer.
pub struct Done {
    pub sign: Sign,
    pub what: &'static str,
}

impl Pen<'_> {
    pub fn law(&self, files: &Files) -> Law {
        let policy = at(files, "registry.yaml").unwrap_or_else(|| json!({"actors": {}}));
        Law(policy, Vec::new())
    }

    pub fn tampers(&mut self) -> bool {
        self.dice.percent(self.tamper)
    }

    /// A name of a key of this actor; one in force unless tampered with.
    pub fn key_of(&mut self, law: &Law, who: &str) -> String {
        let mut able = Vec::new();
        for n in 0..3 {
            let name = format!("{who}#{n}");
            let line = self.world.line(&name);
            let fingerprint = self.world.fingerprint(&name);
            let keys = law.actor(who)["keys"].as_array().cloned().unwrap_or_default();
            let good = keys.iter().any(|entry| *entry == json!(line)) && !law.is_revoked(&fingerprint);
            if good {
                able.push(name);
            }
        }
        if able.is_empty() || self.tampers() {
            return format!("{who}#{}", self.dice.below(2));
        }
        self.dice.pick(&able).clone()
    }

    /// Someone who may, or with tampering anybody.
    pub fn someone(&mut self, law: &Law, action: &str, group: &str, stage: &str) -> String {
        let able: Vec<&str> = PEOPLE
            .iter()
            .copied()
            .filter(|who| law.may(who, action, group, stage))
            .collect();
        if able.is_empty() || self.tampers() {
            return (*self.dice.pick(&PEOPLE)).to_owned();
        }
        (*self.dice.pick(&able)).to_owned()
    }

    /// Signs a commit as this actor, or with tampering otherwise.
    pub fn commit_by(&mut self, law: &Law, who: &str) -> Sign {
        let key = self.key_of(law, who);
        if !self.tampers() {
            return Sign::By(key);
        }
        match self.dice.below(6) {
            0 | 1 => Sign::Nobody,
            2 => Sign::Lifted(key),
            3 => Sign::Loose(key),
            _ => {
                let other = *self.dice.pick(&PEOPLE);
                Sign::By(format!("{other}#0"))
            }
        }
    }

    /// Chooses a signer of the commit, or none.
    pub fn carried(&mut self) -> Sign {
        match self.dice.below(4) {
            0 => Sign::Nobody,
            1 => Sign::By("stranger#0".into()),
            2 => Sign::By("host#0".into()),
            _ => Sign::By(format!("{}#0", self.dice.pick(&PEOPLE))),
        }
    }

    /// Writes a record, with or without a signature of its own; who signs the
    /// commit.
    pub fn write(&mut self, files: &mut Files, law: &Law, path: &str, record: Value, who: &str) -> Sign {
        let proves = self.dice.percent(50);
        self.write_as(files, law, (path, record), who, proves)
    }

    /// Writes a record that proves itself, or not.
    pub fn write_as(
        &mut self,
        files: &mut Files,
        law: &Law,
        (path, mut record): (&str, Value),
        who: &str,
        proves: bool,
    ) -> Sign {
        if proves {
            let left_out: &[&str] = match text(&record, "kind") {
                "ModelVersion" => &["signature", "status", "description", "labels", "annotations"],
                _ => &["signature"],
            };
            let mut signed =
                json!({"registry": REGISTRY, "path": path, "record": without(&record, left_out)});
            let mut key = self.key_of(law, who);
            if self.tampers() {
                match self.dice.below(3) {
                    0 => signed["path"] = json!("groups/elsewhere"),
                    1 => key = format!("{}#0", self.dice.pick(&PEOPLE)),
                    _ => signed["record"]["reason"] = json!("other words"),
                }
            }
            let bytes = serde_json_canonicalizer::to_vec(&signed).expect("JSON");
            record["signature"] = json!(self.world.sign(&key, "modelry", &bytes));
        }
        files.insert(path.to_owned(), document(&record));
        match proves && self.dice.percent(40) {
            true => self.carried(),
            false => self.commit_by(law, who),
        }
    }

    /// The versions that are there, with their status.
    pub fn versions(files: &Files, wanted: &[&str]) -> Vec<(String, u64, Value)> {
        let mut found = Vec::new();
        for path in files.keys().filter(|path| path.ends_with("/version.yaml")) {
            let record = at(files, path).expect("it is there");
            let parts: Vec<&str> = path.split('/').collect();
            if wanted.contains(&text(&record, "status")) {
                found.push((parts[1].to_owned(), parts[3].parse().expect("a number"), record));
            }
        }
        found
    }

    pub fn a_version(&mut self, files: &Files, wanted: &[&str]) -> Option<(String, u64, Value)> {
        let wanted = if self.tampers() {
            &["Pending", "Approved", "Rejected", "Archived"]
        } else {
            wanted
        };
        let found = Self::versions(files, wanted);
        (!found.is_empty()).then(|| self.dice.pick(&found).clone())
    }

    pub fn revision(&mut self, before: Option<&Value>) -> u64 {
        let last = before.and_then(|record| record["revision"].as_u64()).unwrap_or(0);
        if self.tampers() { last.max(1) } else { last + 1 }
    }

    /// Does one thing to some files; none when there is nothing to do it to.
    pub fn act(&mut self, files: &mut Files) -> Option<Done> {
        let law = self.law(files);
        let groups = names_of_groups(files);
        if groups.len() < 3 && self.dice.percent(60) {
            return self.create_group(files, &law);
        }
        // Renames are asked for: other histories would come with each seed.
        let kinds = if super::number("MODELRY_RENAMES", 0) > 0 {
            118
        } else {
            114
        };
        match self.dice.below(kinds) {
            0..6 => self.create_group(files, &law),
            6..24 => self.register(files, &law),
            24..31 => self.evidence(files, &law),
            31..36 => self.card(files, &law),
            36..62 => self.review(files, &law),
            62..66 => self.force_status(files, &law),
            66..72 => self.archive(files, &law),
            72..81 => self.stage(files, &law),
            81..86 => self.annotate(files, &law),
            86..89 => self.delete(files, &law),
            89..90 => self.remove(files, &law),
            90..92 => self.outside(files, &law),
            100..108 => self.report(files, &law),
            108..114 => self.import(files, &law),
            114..118 => self.rename_group(files, &law),
            _ => self.policy(files, &law),
        }
    }

    /// Changes what others change at the same time, to one of few values.
    pub fn contend(&mut self, files: &mut Files) -> Option<Done> {
        let law = self.law(files);
        let reviewed = self.dice.percent(30).then(|| self.contend_review(files, &law));
        if let Some(Some(done)) = reviewed {
            return Some(done);
        }
        if self.dice.percent(8) {
            return self.policy(files, &law);
        }
        let groups = names_of_groups(files);
        let group = groups.first()?.clone();
        let path = format!("groups/{group}/group.yaml");
        let mut record = at(files, &path)?;
        record["description"] = json!(format!("one of three: {}", self.dice.below(3)));
        files.insert(path, document(&record));
        let who = self.someone(&law, "update-group", &group, "");
        Some(Done {
            sign: self.commit_by(&law, &who),
            what: "contend",
        })
    }

    fn create_group(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let group = *self.dice.pick(&GROUPS);
        let path = format!("groups/{group}/group.yaml");
        let mut record = at(files, &path)
            .unwrap_or_else(|| json!({"apiVersion": "modelry/v1", "kind": "ModelGroup", "name": group}));
        let new = !files.contains_key(&path);
        if text(&record, "kind") == "Tombstone" {
            return None;
        }
        record["description"] = json!(format!("number {}", self.dice.below(9)));
        if self.tampers() && self.dice.percent(10) {
            record["name"] = json!("another");
        }
        files.insert(path, document(&record));
        let who = self.someone(law, if new { "create-group" } else { "update-group" }, group, "");
        Some(Done {
            sign: self.commit_by(law, &who),
            what: if new { "create-group" } else { "update-group" },
        })
    }

    fn register(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let mut groups = names_of_groups(files);
        if self.tampers() && self.dice.percent(10) {
            groups.push("nowhere".into());
        }
        if groups.is_empty() {
            return None;
        }
        let group = self.dice.pick(&groups).clone();
        let who = self.someone(law, "register", &group, "");
        let (path, mut record) = self.new_version(files, &group, &who)?;
        if self.tampers() && self.dice.percent(30) {
            record["status"] = json!("Approved");
        }
        let labelled = !record["labels"].is_null() && !self.tampers();
        let mut sign = self.write(files, law, &path, record, &who);
        if labelled && !speaks_for_notes(files, &path) {
            sign = self.commit_by(law, &who);
        }
        Some(Done {
            sign,
            what: "register",
        })
    }

    fn evidence(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let observation = self.dice.percent(25);
        let wanted: &[&str] = if observation {
            &["Pending", "Approved", "Rejected", "Archived"]
        } else {
            &["Pending"]
        };
        let (group, n, _) = self.a_version(files, wanted)?;
        let name = *self.dice.pick(&["holdout", "bias"]);
        let kind = if observation { "observations" } else { "evidence" };
        let path = format!("{}/{kind}/{name}.yaml", folder(&group, n));
        let before = at(files, &path);
        let who = match &before {
            Some(before) if !self.tampers() => text(before, "by").to_owned(),
            _ => self.someone(law, "add-evidence", &group, ""),
        };
        let record = json!({
            "apiVersion": "modelry/v1", "kind": "Evaluation", "group": group, "version": n, "name": name,
            "by": who, "revision": self.revision(before.as_ref()),
            "metrics": {"auc": 0.5 + 0.01 * self.dice.below(40) as f64},
        });
        let sign = self.write(files, law, &path, record, &who);
        let what = if observation { "observation" } else { "evidence" };
        Some(Done { sign, what })
    }

    fn card(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let (group, n, _) = self.a_version(files, &["Pending"])?;
        let path = format!("{}/card.yaml", folder(&group, n));
        let before = at(files, &path);
        let who = self.someone(law, "add-evidence", &group, "");
        let mut authors = before.as_ref().map_or_else(Vec::new, |card| {
            card["authors"].as_array().cloned().expect("a list")
        });
        if self.tampers() && self.dice.percent(30) {
            authors.clear();
            authors.push(json!("admin-1"));
        } else if !authors.contains(&json!(who)) {
            authors.push(json!(who));
        }
        let mut record = json!({
            "apiVersion": "modelry/v1", "kind": "ModelCard", "group": group, "version": n, "by": who,
            "authors": authors, "revision": self.revision(before.as_ref()),
        });
        let section = if self.dice.percent(80) {
            "intendedUses"
        } else {
            "limitations"
        };
        record[section] = json!(format!("number {}", self.dice.below(9)));
        let sign = self.write(files, law, &path, record, &who);
        Some(Done { sign, what: "card" })
    }

    fn review(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let (group, n, version) = self.a_version(files, &["Pending"])?;
        let place = folder(&group, n);
        let decision = *self.dice.pick(&DECISIONS);
        let who = match decision {
            "Rejected" if self.dice.percent(15) => text(&version, "by").to_owned(),
            "Rejected" => self.someone(law, "reject", &group, ""),
            _ => self.someone(law, "approve", &group, ""),
        };
        let path = format!("{place}/reviews/{who}.yaml");
        let before = at(files, &path);
        if decision == "Withdrawn" && before.is_none() && !self.tampers() {
            return None;
        }
        let mut subject = subject(REGISTRY, files, &group, n)?;
        if self.tampers() && self.dice.percent(30) {
            subject = digest(&json!("stale"));
        }
        let mut record = json!({
            "apiVersion": "modelry/v1", "kind": "Review", "group": group, "version": n, "by": who,
            "revision": self.revision(before.as_ref()), "decision": decision, "subject": subject,
        });
        let reviews = format!("{place}/reviews");
        let others = names(files, &reviews);
        let replayed = others.first().filter(|_| self.tamper > 0 && self.dice.percent(3));
        if let Some(other) = replayed {
            record = at(files, &format!("{reviews}/{other}.yaml")).expect("it is named");
        }
        let mut sign = self.write(files, law, &path, record, &who);
        self.decide(files, law, &group, n, decision);
        if self.tampers() && self.dice.percent(20) {
            sign = self.carried();
        }
        let what = match decision {
            "Approved" => "approve",
            "Rejected" => "reject",
            _ => "withdraw",
        };
        Some(Done { sign, what })
    }

    /// A status set by hand: to settle what reviews authorise, or without any.
    fn force_status(&mut self, files: &mut Files, _law: &Law) -> Option<Done> {
        let (group, n, mut version) = self.a_version(files, &["Pending", "Approved"])?;
        if !self.tampers() && self.dice.percent(70) {
            return None;
        }
        version["status"] = json!(*self.dice.pick(&["Pending", "Approved", "Rejected", "Archived"]));
        files.insert(format!("{}/version.yaml", folder(&group, n)), document(&version));
        Some(Done {
            sign: self.carried(),
            what: "status",
        })
    }

    fn archive(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let (group, n, mut version) = self.a_version(files, &["Approved", "Rejected"])?;
        let who = self.someone(law, "archive", &group, "");
        let place = folder(&group, n);
        let record = json!({
            "apiVersion": "modelry/v1", "kind": "Archival", "group": group, "version": n, "by": who,
            "reason": format!("number {}", self.dice.below(9)),
        });
        let sign = self.write(files, law, &format!("{place}/archival.yaml"), record, &who);
        if !self.tampers() || self.dice.percent(50) {
            version["status"] = json!("Archived");
            files.insert(format!("{place}/version.yaml"), document(&version));
        }
        Some(Done {
            sign,
            what: "archive",
        })
    }

    fn stage(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let mut stage = *self.dice.pick(&["staging", "production"]);
        let wanted: &[&str] = if stage == "production" {
            &["Approved"]
        } else {
            &["Pending", "Approved", "Rejected"]
        };
        let (group, mut n, _) = self.a_version(files, wanted)?;
        if self.tampers() && self.dice.percent(20) {
            stage = "canary";
            n = 77;
        }
        let path = format!("groups/{group}/stages/{stage}.yaml");
        let before = at(files, &path);
        let who = self.someone(law, "promote", &group, stage);
        let mut record = json!({
            "apiVersion": "modelry/v1", "kind": "StageAssignment", "group": group, "stage": stage,
            "by": who, "revision": self.revision(before.as_ref()),
        });
        if before.is_none() || self.dice.percent(80) {
            record["version"] = json!(n);
        }
        let served = match &before {
            None => Value::Null,
            Some(before) if before["version"] == record["version"] => before["previous"].clone(),
            Some(before) => before["version"].clone(),
        };
        if self.tampers() && self.dice.percent(40) {
            record["previous"] = json!(9);
        } else if !served.is_null() {
            record["previous"] = served;
        }
        let sign = self.write(files, law, &path, record, &who);
        Some(Done { sign, what: "stage" })
    }

    fn annotate(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let (group, n, mut version) =
            self.a_version(files, &["Pending", "Approved", "Rejected", "Archived"])?;
        let who = self.someone(law, "annotate", &group, "");
        let path = format!("{}/version.yaml", folder(&group, n));
        let what = if self.dice.percent(20) {
            let mut text = files[&path].clone();
            text.extend_from_slice(b"# a remark\n");
            files.insert(path, text);
            "reformat"
        } else {
            if self.tampers() && self.dice.percent(30) {
                version["spec"]["metrics"]["auc"] = json!(0.99);
            } else {
                version["labels"] = json!({"seen": format!("{}", self.dice.below(9))});
            }
            files.insert(path, document(&version));
            "annotate"
        };
        Some(Done {
            sign: self.commit_by(law, &who),
            what,
        })
    }

    fn delete(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let (group, n, _) = self.a_version(files, &["Rejected", "Archived"])?;
        let serving = names(files, &format!("groups/{group}/stages"))
            .iter()
            .any(|stage| {
                let stage = at(files, &format!("groups/{group}/stages/{stage}.yaml")).expect("it is named");
                stage["version"] == json!(n)
            });
        if serving && !self.tampers() {
            return None;
        }
        let who = self.someone(law, "delete", &group, "");
        let place = folder(&group, n);
        let mut kept = subject(REGISTRY, files, &group, n)?;
        if self.tampers() && self.dice.percent(30) {
            kept = digest(&json!("another"));
        }
        let record = json!({
            "apiVersion": "modelry/v1", "kind": "Tombstone", "group": group, "version": n, "by": who, "subject": kept,
        });
        if !self.tampers() {
            let beside = format!("{place}/");
            files.retain(|path, _| !path.starts_with(&beside));
        }
        let sign = self.write(files, law, &format!("{place}/version.yaml"), record, &who);
        let whole = Self::versions(files, &["Pending", "Approved", "Rejected", "Archived"])
            .iter()
            .all(|version| version.0 != group);
        if whole && self.dice.percent(30) {
            let who = self.someone(law, "delete-group", &group, "");
            let record = json!({"apiVersion": "modelry/v1", "kind": "Tombstone", "group": group, "by": who});
            let sign = self.write(files, law, &format!("groups/{group}/group.yaml"), record, &who);
            return Some(Done {
                sign,
                what: "delete-group",
            });
        }
        Some(Done { sign, what: "delete" })
    }

    /// Removes a file that must stay, or adds one that is not a record.
    fn remove(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        if !self.tampers() {
            return None;
        }
        if self.dice.percent(20) && files.remove("registry.yaml").is_some() {
            let sign = self.carried();
            return Some(Done {
                sign,
                what: "remove-policy",
            });
        }
        let paths: Vec<String> = files
            .keys()
            .filter(|path| path.starts_with("groups/"))
            .cloned()
            .collect();
        if paths.is_empty() || self.dice.percent(20) {
            files.insert("groups/notes.txt".into(), b"mine\n".to_vec());
            return Some(Done {
                sign: self.carried(),
                what: "stray",
            });
        }
        let path = self.dice.pick(&paths).clone();
        files.remove(&path);
        let sign = self.commit_by(law, "admin-1");
        Some(Done { sign, what: "remove" })
    }

    /// Gives the folder of a group another name: as it is, or with the name changed in
    /// its records, and now and then with something else beside it.
    fn rename_group(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let groups = names_of_groups(files);
        if self.tamper == 0 || groups.is_empty() || !self.dice.percent(15) {
            return None;
        }
        let from = self.dice.pick(&groups).clone();
        let to = format!("renamed-{}", self.dice.below(3));
        let rewrites = self.dice.percent(50);
        let loses = self.dice.percent(20);
        let prefix = format!("groups/{from}/");
        let paths: Vec<String> = files
            .keys()
            .filter(|path| path.starts_with(&prefix))
            .cloned()
            .collect();
        for (place, path) in paths.iter().enumerate() {
            let Some(bytes) = files.remove(path) else { continue };
            if loses && place > 0 && self.dice.percent(30) {
                continue;
            }
            let moved = path.replacen(&from, &to, 1);
            let mut text = String::from_utf8_lossy(&bytes).into_owned();
            for key in ["name", "group"] {
                let member = |group: &str| format!("\"{key}\": \"{group}\"");
                text = text.replacen(&member(&from), &member(&to), 1);
            }
            files.insert(moved, if rewrites { text.into_bytes() } else { bytes });
        }
        Some(Done {
            sign: self.commit_by(law, "admin-1"),
            what: "rename-group",
        })
    }

    /// Files outside the registry, of which some are protected.
    fn outside(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let number = self.dice.below(99);
        let text = format!("number {number}\n").into_bytes();
        let is_free = self.dice.percent(50);
        let below_a_glob = number.is_multiple_of(2);
        if below_a_glob {
            self.below_a_glob(files, number / 2);
        }
        if is_free {
            if !below_a_glob {
                files.insert("README.md".into(), text);
            }
            return Some(Done {
                sign: self.carried(),
                what: "outside",
            });
        }
        // On many disks the two are one file.
        let folder = if self.dice.percent(30) {
            ".GitHub"
        } else {
            ".github"
        };
        if !below_a_glob {
            files.insert(format!("{folder}/workflows.yaml"), text);
        }
        let who = self.someone(law, "administer", "", "");
        Some(Done {
            sign: self.commit_by(law, &who),
            what: "protected",
        })
    }
}

pub fn names_of_groups(files: &Files) -> Vec<String> {
    let groups = files
        .keys()
        .filter_map(|path| path.strip_prefix("groups/")?.strip_suffix("/group.yaml"));
    let living = |group: &&str| {
        let record = at(files, &format!("groups/{group}/group.yaml")).expect("it is named");
        text(&record, "kind") != "Tombstone"
    };
    groups.filter(living).map(str::to_owned).collect()
}
