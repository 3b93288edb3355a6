//! Acts on the policy in random histories.

use serde_json::{Value, json};

use super::acts::{Done, PEOPLE, Pen, REGISTRY};
use super::law::{Law, digest, text};
use super::objects::{Files, LINK, at};
use super::world::document;

impl Pen<'_> {
    pub fn root_policy(&mut self) -> Value {
        let line = |pen: &mut Self, key: &str| json!([pen.world.line(key)]);
        let mut actors = serde_json::Map::new();
        for who in PEOPLE.iter().filter(|who| **who != "stranger") {
            let keys = line(self, &format!("{who}#0"));
            let actor = match *who {
                "trainer" | "robot" => json!({"kind": "machine", "owners": ["admin-1"], "keys": keys}),
                "relay" => json!({"kind": "machine", "owners": self.owners_of_relay(), "keys": keys}),
                "host" => json!({"kind": "forge", "keys": keys}),
                _ => json!({"kind": "person", "keys": keys, "accounts": self.accounts_of(who)}),
            };
            actors.insert((*who).to_owned(), actor);
        }
        let mut transitions = serde_json::Map::new();
        if self.dice.percent(40) {
            transitions.insert("Approved".into(), json!(["Rejected"]));
        }
        if self.dice.percent(40) {
            transitions.insert("Pending".into(), json!(["Archived"]));
        }
        let quorum = if self.dice.percent(25) { 2 } else { 1 };
        let mut policy = json!({
            "apiVersion": "modelry/v1", "kind": "Registry", "name": "random", "id": REGISTRY, "serial": 1,
            "stages": [{"name": "staging"}, {"name": "production", "requires": "Approved"}],
            "lifecycle": {"transitions": transitions},
            "approvals": [
                {"groups": ["fraud-*"], "required": 2, "from": {"risk": 1}},
                {"groups": ["FRAUD-a"], "card": ["intendedUses"]},
                {"groups": ["auto-*"], "machines": true, "fourEyes": false,
                 "gates": [{"name": "good", "require": "metrics.auc >= 0.8"}]},
                {"groups": ["solo-a"], "fourEyes": false},
                {"groups": ["rank-*"], "gates": [{"name": "better", "champion": "production",
                 "require": "champion == null || metrics.auc >= champion.metrics.auc"}]},
            ],
            "actors": actors,
            "teams": {"risk": ["risk-1", "risk-2", "risk-3"], "board": ["admin-1", "admin-2"]},
            "grants": [
                {"to": ["admin-1", "admin-2"], "allow": ["administer", "create-group", "update-group", "delete-group",
                    "delete", "approve", "reject"], "groups": ["*"]},
                {"to": ["trainer"], "allow": ["register", "add-evidence", "annotate"], "groups": ["*"]},
                {"to": ["robot"], "allow": ["register", "approve", "add-evidence"], "groups": ["auto-*"]},
                {"to": ["team:risk"], "allow": ["approve", "reject", "archive", "delete"], "groups": ["*"]},
                {"to": ["team:risk"], "allow": ["promote"], "groups": ["*"], "stages": ["staging", "production"]},
                {"to": ["risk-1"], "allow": ["register", "add-evidence"], "groups": ["solo-*"]},
                {"to": ["host"], "allow": ["annotate", "create-group", "update-group"], "groups": ["*"]},
                {"to": ["relay"], "allow": ["approve", "reject"], "groups": ["*"]},
                {"to": ["boss"], "allow": ["register"], "groups": ["*"]},
            ],
            "protect": [".github/**", "ci/**/run"],
            "policyChange": {"required": quorum},
        });
        if self.dice.percent(30) {
            policy["policyChange"]["recovery"] = json!(["boss"]);
        }
        self.trust_others(&mut policy);
        policy
    }

    /// Writes a link or a file in a folder that a glob of `protect` may lead through, or a
    /// file of a folder that git takes for a repository.
    pub fn below_a_glob(&mut self, files: &mut Files, number: usize) {
        let paths = [
            "ci/a",
            "ci/b/c",
            "ci/run",
            "ci/d/run",
            "docs/a",
            "docs/r/refs/x",
            "docs/r/HEAD",
            "docs/r/config",
        ];
        let path = paths[number % paths.len()];
        let text = format!("../number-{number}").into_bytes();
        let is_link = (number / paths.len()).is_multiple_of(2) && !path.starts_with("docs/r/");
        let bytes = match is_link {
            true => [LINK, &text].concat(),
            false => text,
        };
        files.insert(path.into(), bytes);
    }

    pub fn policy(&mut self, files: &mut Files, law: &Law) -> Option<Done> {
        let mut policy = at(files, "registry.yaml")?;
        let serial = policy["serial"].as_u64()?;
        let (what, ending) = self.edit(&mut policy)?;
        let raised = if self.tampers() && self.dice.percent(30) {
            serial
        } else {
            serial + 1
        };
        policy["serial"] = json!(raised);
        files.insert("registry.yaml".into(), document(&policy));
        if self.tampers() && self.dice.percent(20) {
            files.insert("groups/churn/group.yaml".into(), document(&json!({
                "apiVersion": "modelry/v1", "kind": "ModelGroup", "name": "churn", "description": "mixed in",
            })));
        }
        let mut sign = match &ending {
            Some(who) if self.dice.percent(50) => self.commit_by(law, who),
            _ if law.stands_in("boss") && self.dice.percent(30) => self.commit_by(law, "boss"),
            _ => {
                let who = self.someone(law, "administer", "", "");
                self.commit_by(law, &who)
            }
        };
        if law.policy_quorum() > 1 || self.dice.percent(20) {
            for who in ["admin-1", "admin-2", "boss"] {
                let agrees = law.may(who, "administer", "", "") || law.stands_in(who);
                if !agrees || (self.tampers() && self.dice.percent(50)) {
                    continue;
                }
                let mut subject = digest(&json!({"registry": REGISTRY, "policy": policy}));
                if self.tampers() && self.dice.percent(30) {
                    subject = digest(&json!("stale"));
                }
                let path = format!("policy/{raised}/{who}.yaml");
                let before = at(files, &path);
                let revision = before.map_or(0, |before| before["revision"].as_u64().expect("a number")) + 1;
                let mut record = json!({
                    "apiVersion": "modelry/v1", "kind": "Review", "serial": raised, "by": who,
                    "revision": revision, "decision": "Approved", "subject": subject,
                });
                let mut writer = who;
                if self.tampers() && self.dice.percent(30) {
                    writer = *self.dice.pick(&["relay", "admin-1"]);
                    record["by"] = json!(writer);
                    let odd = *self.dice.pick(&[0, 4]);
                    self.on_behalf_of(&mut record, law, who, odd);
                }
                let signed = self.write(files, law, &path, record.clone(), writer);
                // Only its own signature proves a review beside another's commit.
                if !at(files, &path).expect("it was written")["signature"].is_string() {
                    sign = signed;
                    if self.dice.percent(30) {
                        break;
                    }
                }
            }
        }
        Some(Done { sign, what })
    }

    /// Changes one thing; whose rights it ends, when it only ends some.
    fn edit(&mut self, policy: &mut Value) -> Option<(&'static str, Option<String>)> {
        if self.dice.percent(25) {
            return self.edit_trust(policy).map(|what| (what, None));
        }
        let people = [
            "admin-2", "risk-1", "risk-2", "risk-3", "boss", "trainer", "robot", "relay",
        ];
        let who = *self.dice.pick(&people);
        let push = |policy: &mut Value, list: &str, entry: Value| {
            if policy[list].is_null() {
                policy[list] = json!([]);
            }
            policy[list].as_array_mut().expect("a list").push(entry);
        };
        Some(match self.dice.below(if self.tamper > 0 { 13 } else { 8 }) {
            0 | 1 => {
                let grant = match self.dice.below(3) {
                    0 => {
                        json!({"to": ["risk-3"], "allow": ["register", "annotate", "add-evidence"], "groups": ["*"]})
                    }
                    1 => json!({"to": ["team:risk"], "allow": ["annotate"], "groups": ["fraud-*"]}),
                    _ => {
                        json!({"to": ["admin-2"], "allow": ["promote"], "groups": ["*"], "stages": ["staging"]})
                    }
                };
                push(policy, "grants", grant);
                ("grant", None)
            }
            2 => {
                let rules = policy["approvals"].as_array_mut().expect("a list");
                let n = self.dice.below(2);
                rules[n]["required"] = json!(1 + self.dice.below(2));
                ("quorum", None)
            }
            3 => {
                let fingerprint = self.world.fingerprint(&format!("{who}#0"));
                let entries = policy["revoked"].as_array().cloned().unwrap_or_default();
                if entries.iter().any(|entry| text(entry, "key") == fingerprint) {
                    return None;
                }
                push(policy, "revoked", json!({"key": fingerprint, "reason": "lost"}));
                ("revoke-key", Some(who.to_owned()))
            }
            4 => {
                let keys = policy["actors"][who]["keys"].as_array_mut()?;
                let line = keys.first()?.as_str()?.to_owned();
                keys[0] = json!({"key": line, "retired": true});
                ("retire-key", Some(who.to_owned()))
            }
            5 | 6 => {
                let n = 1 + self.dice.below(2);
                let line = self.world.line(&format!("{who}#{n}"));
                let keys = policy["actors"][who]["keys"].as_array_mut()?;
                let known = |entry: &Value| *entry == json!(line) || text(entry, "key") == line;
                if keys.iter().any(known) {
                    return None;
                }
                keys.push(json!(line));
                ("add-key", None)
            }
            7 => {
                let actor = &policy["actors"][who];
                if actor.is_null() || actor["retired"] == json!(true) {
                    return None;
                }
                policy["actors"][who]["retired"] = json!(true);
                ("retire-actor", Some(who.to_owned()))
            }
            8 => {
                let line = self.world.line("risk-1#0");
                let keys = policy["actors"][who]["keys"].as_array_mut()?;
                keys.push(json!(line));
                ("share-key", None)
            }
            9 => {
                policy["actors"].as_object_mut()?.remove(who);
                ("remove-actor", None)
            }
            10 => {
                let grants = policy["grants"]
                    .as_array_mut()
                    .filter(|grants| !grants.is_empty())?;
                grants.remove(0);
                ("lock-out", None)
            }
            11 => {
                policy["revoked"].as_array_mut()?.pop()?;
                ("undo-revocation", None)
            }
            _ => match self.dice.below(3) {
                0 => {
                    policy["id"] = json!("f".repeat(32));
                    ("change-id", None)
                }
                1 => {
                    let keys = policy["actors"][who]["keys"].as_array_mut();
                    keys.filter(|keys| !keys.is_empty())?.remove(0);
                    ("remove-key", None)
                }
                _ if policy["actors"][who].is_null() => return None,
                _ => {
                    policy["actors"][who]["kind"] = json!("person");
                    ("change-kind", None)
                }
            },
        })
    }
}
