//! Acts in random histories with input from elsewhere: reviews that a machine
//! reports, and versions that arrive with their status.

use serde_json::{Value, json};

use super::acts::{Done, PEOPLE, Pen, REGISTRY, names_of_groups};
use super::approval::{names, subject};
use super::foreign::is_reported;
use super::law::{Law, digest, text, texts};
use super::objects::{Files, at};
use super::place::folder;
use super::records::{digest_of_notes, speaks_for_notes};
use super::world::document;

/// The decisions, as often as they are drawn.
pub const DECISIONS: [&str; 6] = [
    "Approved",
    "Approved",
    "Approved",
    "Approved",
    "Rejected",
    "Withdrawn",
];

const HOSTS: [&str; 3] = ["github", "GitHub", "forge.example.com"];

impl Pen<'_> {
    /// Chooses the owners of the reporting machine: one who decides nothing, or
    /// somebody in the way.
    pub fn owners_of_relay(&mut self) -> Value {
        let owners = [
            json!(["boss"]),
            json!(["boss"]),
            json!(["risk-3"]),
            json!(["robot", "boss"]),
        ];
        self.dice.pick(&owners).clone()
    }

    /// Most have an account somewhere.
    pub fn accounts_of(&mut self, who: &str) -> Value {
        let mut accounts = serde_json::Map::new();
        for _ in 0..self.dice.below(3) {
            accounts.insert((*self.dice.pick(&HOSTS)).to_owned(), json!(account(who)));
        }
        Value::Object(accounts)
    }

    /// Sets what the first policy accepts from others.
    pub fn trust_others(&mut self, policy: &mut Value) {
        for rule in policy["approvals"].as_array_mut().expect("a list") {
            if self.dice.percent(75) {
                rule["delegated"] = json!(self.dice.below(3));
            }
        }
        if self.dice.percent(60) {
            policy["approvals"]
                .as_array_mut()
                .expect("a list")
                .push(json!({"groups": ["churn"], "delegated": 1}));
        }
        if self.dice.percent(30) {
            policy["approvals"][0]["from"]["board"] = json!(1);
            policy["approvals"][0]["required"] = json!(1 + self.dice.below(2));
        }
        policy["imports"] = match self.dice.below(5) {
            0 => json!([]),
            1 => {
                json!([{"to": ["boss"], "groups": ["CHURN"]}, {"to": ["team:risk", "trainer"], "groups": ["solo-*", "fraud*"]}])
            }
            _ => json!([{"to": ["boss"], "groups": ["*"]}]),
        };
    }

    /// Changes what the policy believes of others.
    pub fn edit_trust(&mut self, policy: &mut Value) -> Option<&'static str> {
        let people = ["admin-1", "admin-2", "risk-1", "risk-2", "risk-3", "relay"];
        let who = *self.dice.pick(&people);
        Some(match self.dice.below(10) {
            0..3 => {
                let rules = policy["approvals"].as_array_mut()?;
                let n = self.dice.below(rules.len());
                rules[n]["delegated"] = json!(self.dice.below(4));
                "delegate"
            }
            3..6 => {
                let of = if self.tampers() || self.dice.percent(25) {
                    *self.dice.pick(&people)
                } else {
                    who
                };
                let actor = policy["actors"][who].as_object_mut()?;
                let accounts = actor.entry("accounts").or_insert_with(|| json!({}));
                let host = *self.dice.pick(&HOSTS);
                accounts[host] = json!(account(of));
                "add-account"
            }
            6 => {
                let accounts = policy["actors"][who]["accounts"].as_object_mut()?;
                let host = accounts.keys().next()?.clone();
                accounts.remove(&host);
                "remove-account"
            }
            _ => {
                let mut to = *self.dice.pick(&["boss", "trainer", "team:risk", "admin-2"]);
                if self.tampers() && self.dice.percent(30) {
                    to = "team:nobody";
                }
                let group = *self.dice.pick(&["*", "churn", "AUTO-*"]);
                let imports = policy
                    .as_object_mut()?
                    .entry("imports")
                    .or_insert_with(|| json!([]));
                let imports = imports.as_array_mut()?;
                if !imports.is_empty() && self.dice.percent(40) {
                    imports.remove(0);
                } else {
                    imports.push(json!({"to": [to], "groups": [group]}));
                }
                "grant-import"
            }
        })
    }

    /// Says that a review is another's, given on a host; `odd` is what is wrong
    /// with that.
    pub fn on_behalf_of(&mut self, record: &mut Value, law: &Law, who: &str, odd: usize) {
        record["onBehalfOf"] = json!(who);
        let listed = law.actor(who)["accounts"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let (mut host, mut given_by) = match listed.iter().next() {
            Some((host, account)) => (host.clone(), account.clone()),
            None => ("github".to_owned(), json!(account(who))),
        };
        if self.dice.percent(30) {
            host = host.to_uppercase();
        }
        match odd {
            1 => host = (*self.dice.pick(&HOSTS)).to_owned(),
            2 => given_by = json!(account(PEOPLE[self.dice.below(PEOPLE.len())])),
            _ => {}
        }
        record["host"] = json!({"name": host, "review": "17", "commit": "9".repeat(40)});
        if odd == 2 || self.dice.percent(60) {
            record["host"]["account"] = given_by;
        }
        let left_out = ["host", "onBehalfOf"].get(odd.wrapping_sub(3));
        if let (Some(member), Some(record)) = (left_out, record.as_object_mut()) {
            record.remove(*member);
        }
    }

    /// A machine writes down what a person decided on a host's page.
    pub fn report(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let (group, n, _) = self.a_version(files, &["Pending"])?;
        let reviews = format!("{}/reviews", folder(&group, n));
        let decision = *self.dice.pick(&DECISIONS);
        let action = match decision {
            "Rejected" => "reject",
            _ => "approve",
        };
        let able: Vec<&str> = PEOPLE
            .into_iter()
            .filter(|who| law.may(who, action, &group, "") && law.may_be_reported(who))
            .collect();
        let odd = match self.tamper > 0 && self.dice.percent(40) {
            true => 1 + self.dice.below(10),
            false => 0,
        };
        let mut machine = "relay";
        let mut person = match able.is_empty() {
            true if self.tamper == 0 => return None,
            true => *self.dice.pick(&PEOPLE),
            false => *self.dice.pick(&able),
        };
        match odd {
            5 => machine = *self.dice.pick(&["robot", "trainer", "admin-1", "risk-1", "host"]),
            6 => person = *self.dice.pick(&PEOPLE),
            // The decision that the owner of the machine would like.
            7 => person = texts(law.actor(machine), "owners").first().copied()?,
            8 => {
                let given = names(files, &reviews);
                person = PEOPLE
                    .into_iter()
                    .find(|who| given.iter().any(|name| name == who))?;
            }
            9 => machine = person,
            _ => {}
        }
        let path = format!("{reviews}/{person}.yaml");
        let before = at(files, &path);
        let stands = before.as_ref().is_some_and(is_reported);
        let signed = before.is_some() && !stands;
        if odd == 0 && (signed || (decision == "Withdrawn" && !stands)) {
            return None;
        }
        let mut subject = subject(REGISTRY, files, &group, n)?;
        if odd == 10 {
            subject = digest(&json!("stale"));
        }
        let mut record = json!({
            "apiVersion": "modelry/v1", "kind": "Review", "group": group, "version": n, "by": machine,
            "revision": self.revision(before.as_ref()), "decision": decision, "subject": subject,
        });
        self.on_behalf_of(&mut record, law, person, odd);
        let sign = self.write(files, law, &path, record, machine);
        let decided = self.decide(files, law, &group, n, decision);
        Some(Done {
            sign,
            what: match (signed, decided) {
                (true, _) => "report-over",
                (_, true) => "report-and-decide",
                _ => "report",
            },
        })
    }

    /// One of two persons decides on the first version that waits, as others let
    /// them decide on other branches at the same time: themselves or reported,
    /// and now and then forged.
    pub fn contend_review(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let (group, n, _) = Self::versions(files, &["Pending"]).into_iter().next()?;
        let person = *self.dice.pick(&["risk-1", "risk-2"]);
        let path = format!("{}/reviews/{person}.yaml", folder(&group, n));
        let before = at(files, &path);
        let decision = *self.dice.pick(&["Approved", "Approved", "Withdrawn"]);
        let mut record = json!({
            "apiVersion": "modelry/v1", "kind": "Review", "group": group, "version": n, "by": person,
            "revision": self.revision(before.as_ref()), "decision": decision,
            "subject": subject(REGISTRY, files, &group, n)?,
        });
        let mut writer = person;
        if law.may_be_reported(person) && before.as_ref().is_none_or(is_reported) && self.dice.percent(50) {
            writer = "relay";
            record["by"] = json!(writer);
            self.on_behalf_of(&mut record, law, person, 0);
        }
        if self.tampers() {
            writer = *self.dice.pick(&PEOPLE);
        }
        let sign = self.write(files, law, &path, record, writer);
        if self.dice.percent(50) {
            self.decide(files, law, &group, n, decision);
        }
        Some(Done {
            sign,
            what: "contend-review",
        })
    }

    /// Moves the status of a version along with a decision, mostly when there
    /// are as many as are needed; whether it moves.
    pub fn decide(&mut self, files: &mut Files, law: &Law, group: &str, n: u64, decision: &str) -> bool {
        let place = folder(group, n);
        let path = format!("{place}/version.yaml");
        let mut version = at(files, &path).expect("it stands");
        let subject = subject(REGISTRY, files, group, n);
        let mut decided = decision == "Rejected" && self.dice.percent(70);
        if decision == "Approved" && self.dice.percent(70) {
            let reviews = format!("{place}/reviews");
            let agreeing: Vec<Value> = names(files, &reviews)
                .iter()
                .filter_map(|who| at(files, &format!("{reviews}/{who}.yaml")))
                .filter(|review| text(review, "decision") == "Approved")
                .filter(|review| Some(text(review, "subject")) == subject.as_deref())
                .collect();
            let reported = agreeing.iter().filter(|review| is_reported(review)).count();
            let counted = agreeing.len() - reported + reported.min(law.delegated(group));
            let needed = law
                .rules(group)
                .iter()
                .filter_map(|rule| rule["required"].as_u64())
                .max();
            decided = counted as u64 >= needed.unwrap_or(1) || self.tampers();
        }
        if decided {
            version["status"] = json!(decision);
        }
        files.insert(path, document(&version));
        decided
    }

    /// A version that nobody has yet; its path and its record.
    pub fn new_version(&mut self, files: &Files, group: &str, who: &str) -> Option<(String, Value)> {
        let last = Self::versions(files, &["Pending", "Approved", "Rejected", "Archived"]);
        let last = last
            .iter()
            .filter(|version| version.0 == group)
            .map(|version| version.1)
            .max();
        let n = match self.dice.percent(15) {
            true => last.unwrap_or(0) + 1,
            false => self.fresh,
        };
        let path = format!("{}/version.yaml", folder(group, n));
        if files.contains_key(&path) {
            return None;
        }
        let auc = [0.7, 0.8, 0.85, 0.9, 0.95][self.dice.below(5)];
        let mut container = json!({
            "framework": "xgboost",
            "artifact": {"uri": format!("s3://models/{group}/{n}"), "digest": format!("sha256:{n:064x}")},
        });
        if self.dice.percent(6) {
            container = json!({"image": "registry.example.com/model:1"});
        }
        let mut record = json!({
            "apiVersion": "modelry/v1", "kind": "ModelVersion", "group": group, "version": n,
            "status": "Pending", "by": who,
            "spec": {"inference": {"containers": [container]}, "metrics": {"auc": auc}},
        });
        if self.dice.percent(20) {
            record["labels"] = json!({"team": "risk"});
        }
        // Decided without the dice, which other things hang on.
        if n % 2 == 0 {
            record["registeredWith"] = json!(digest_of_notes(&record));
            match n % 10 {
                2 if self.tamper > 0 => record["labels"] = json!({"team": "other"}),
                4 if self.tamper > 0 => record["description"] = json!("in other words"),
                6 if self.tamper > 0 => drop(record.as_object_mut().expect("a record").remove("labels")),
                _ => {}
            }
        }
        Some((path, record))
    }

    /// Imports a version with the status that it had elsewhere.
    pub fn import(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        if self.tampers() && self.dice.percent(30) {
            return self.change_origin(files, law);
        }
        let groups = names_of_groups(files);
        if groups.is_empty() {
            return None;
        }
        let group = self.dice.pick(&groups).clone();
        let able: Vec<&str> = PEOPLE
            .into_iter()
            .filter(|who| law.may_import(who, &group) && law.may(who, "register", &group, ""))
            .collect();
        if able.is_empty() && self.tamper == 0 {
            return None;
        }
        let who = match able.is_empty() || self.tampers() {
            true => *self.dice.pick(&["boss", "trainer", "risk-1", "robot", "admin-2"]),
            false => *self.dice.pick(&able),
        };
        let (path, mut record) = self.new_version(files, &group, who)?;
        let had = *self.dice.pick(&["Approved", "Approved", "Rejected", "Archived"]);
        record["status"] = json!(had);
        record["imported"] = self.origin(had);
        let since = had != "Archived" && self.dice.percent(12);
        if since || (self.tampers() && self.dice.percent(30)) {
            record["status"] = json!(
                *self
                    .dice
                    .pick(&["Archived", "Archived", "Rejected", "Pending", "Approved"])
            );
        }
        let labelled = !record["labels"].is_null() && !self.tampers();
        let n = record["version"].as_u64().expect("a number");
        let mut sign = self.write(files, law, &path, record, who);
        if labelled && !speaks_for_notes(files, &path) {
            sign = self.commit_by(law, who);
        }
        if since {
            self.happens_since(files, law, &group, n);
        }
        Some(Done {
            sign,
            what: if since { "import-moved" } else { "import" },
        })
    }

    fn origin(&mut self, had: &str) -> Value {
        let mut origin = json!({"from": "arn:aws:sagemaker:elsewhere", "status": had});
        if self.dice.percent(50) {
            origin["by"] = json!("somebody there");
        }
        origin
    }

    /// Adds decisions that were made here before an import lands, each proving
    /// itself.
    fn happens_since(&mut self, files: &mut Files, law: &Law, group: &str, n: u64) {
        let place = folder(group, n);
        let subject = subject(REGISTRY, files, group, n).expect("it stands");
        if self.dice.percent(80) {
            let who = self.someone(law, "archive", group, "");
            let record = json!({
                "apiVersion": "modelry/v1", "kind": "Archival", "group": group, "version": n, "by": who,
                "reason": "no longer needed",
            });
            let path = format!("{place}/archival.yaml");
            self.write_as(files, law, (&path, record), &who, true);
        }
        if self.dice.percent(40) {
            let decision = *self.dice.pick(&["Approved", "Rejected"]);
            let action = if decision == "Rejected" {
                "reject"
            } else {
                "approve"
            };
            let who = self.someone(law, action, group, "");
            let record = json!({
                "apiVersion": "modelry/v1", "kind": "Review", "group": group, "version": n, "by": who,
                "revision": 1, "decision": decision, "subject": subject,
            });
            let path = format!("{place}/reviews/{who}.yaml");
            self.write_as(files, law, (&path, record), &who, true);
        }
    }

    /// Says afterwards of a version that it came from elsewhere, or from where
    /// else.
    fn change_origin(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let (group, n, mut version) =
            self.a_version(files, &["Pending", "Approved", "Rejected", "Archived"])?;
        let path = format!("{}/version.yaml", folder(&group, n));
        if version["imported"].is_null() {
            version["imported"] = self.origin("Approved");
            version["status"] = json!("Approved");
        } else if let Some(map) = version.as_object_mut() {
            map.remove("imported");
        }
        files.insert(path, document(&version));
        let who = self.someone(law, "register", &group, "");
        Some(Done {
            sign: self.commit_by(law, &who),
            what: "change-origin",
        })
    }
}

/// The account of somebody, the same on every host.
fn account(who: &str) -> String {
    let n = PEOPLE.iter().position(|other| *other == who);
    (1000 + n.unwrap_or(0)).to_string()
}

impl Law {
    fn may_be_reported(&self, who: &str) -> bool {
        let accounts = self.actor(who)["accounts"].as_object();
        text(self.actor(who), "kind") == "person" && accounts.is_some_and(|accounts| !accounts.is_empty())
    }
}
