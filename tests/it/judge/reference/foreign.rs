//! Statements of others through an actor here: reviews that a machine reports for a
//! person, and versions that arrive with the status that they had elsewhere.

use serde_json::{Value, json};

use super::judge::Case;
use super::law::{Law, covers, list, text, texts};
use super::objects::{at, value};
use super::place::folder;
use super::provenance::Link;

/// The person who decided, and the machine that reports it, if any.
#[derive(Clone, Debug)]
pub struct Voice {
    pub who: String,
    pub through: Option<String>,
}

/// Returns the person whose decision a review is.
pub fn decider(review: &Value) -> &str {
    review["onBehalfOf"].as_str().unwrap_or(text(review, "by"))
}

/// Whether a review was written for another, or says at least where on a host
/// that other gave it.
pub fn is_reported(review: &Value) -> bool {
    review["onBehalfOf"].is_string() || review["host"].is_object()
}

impl Law {
    /// How many reported reviews may count in a group: every rule that matches
    /// must say so.
    pub fn delegated(&self, group: &str) -> usize {
        let rules = self.rules(group);
        let many = rules.iter().map(|rule| rule["delegated"].as_u64().unwrap_or(0));
        usize::try_from(many.min().unwrap_or(0)).expect("a small number")
    }

    /// Whether an actor may import versions of a group with a status.
    pub fn may_import(&self, who: &str, group: &str) -> bool {
        let forge = text(self.actor(who), "kind") == "forge";
        !forge
            && list(&self.0, "imports").iter().any(|entry| {
                let named = texts(entry, "to")
                    .iter()
                    .any(|to| match to.strip_prefix("team:") {
                        Some(team) => self.team(team).contains(&who),
                        None => *to == who,
                    });
                named && texts(entry, "groups").iter().any(|glob| covers(glob, group))
            })
    }

    /// The accounts of an actor on a host, whose name has no case.
    pub fn accounts(&self, who: &str, host: &str) -> Vec<&str> {
        let all = self.actor(who)["accounts"].as_object().into_iter().flatten();
        all.filter(|(name, _)| name.to_lowercase() == host.to_lowercase())
            .filter_map(|(_, account)| account.as_str())
            .collect()
    }

    /// Returns the rights of which a machine needs one to report this decision.
    fn to_report(decision: &str) -> &'static [&'static str] {
        match decision {
            "Approved" => &["approve"],
            "Rejected" => &["reject"],
            _ => &["approve", "reject"],
        }
    }

    /// Whether a reported review is a machine's that may report it, for a
    /// person with that account.
    fn delegates(&self, review: &Value, group: &str) -> bool {
        let (machine, person) = (text(review, "by"), decider(review));
        let (host, account) = (text(&review["host"], "name"), review["host"]["account"].as_str());
        let accounts = self.accounts(person, host);
        text(self.actor(machine), "kind") == "machine"
            && review["onBehalfOf"].is_string()
            && text(self.actor(person), "kind") == "person"
            && self.actor(person)["retired"] != json!(true)
            && Law::to_report(text(review, "decision"))
                .iter()
                .any(|action| self.may(machine, action, group, ""))
            && !accounts.is_empty()
            && account.is_none_or(|account| accounts.contains(&account))
    }

    /// Whether two voices count separately. A holder of a machine's key may have made
    /// up its reports, so beside a signed review they count as the word of the
    /// machine and its owners. The policy limits how many reports may be made up.
    fn apart(&self, one: &Voice, other: &Voice) -> bool {
        let made_up = |report: &Voice, signed: &Voice| match (&report.through, &signed.through) {
            (Some(machine), None) => self.related(machine, &signed.who),
            _ => false,
        };
        !self.related(&one.who, &other.who) && !made_up(one, other) && !made_up(other, one)
    }
}

impl Case<'_> {
    /// Checks a review in a change: the rights of its signer, and the content of a
    /// report.
    pub fn reviewed(&mut self, link: &Link, before: Option<&Value>, after: &Value, group: &str, n: u64) {
        if is_reported(after) {
            if !self.law.knows(decider(after)) {
                self.codes.insert("MR109");
            }
            let replaces = before.is_some_and(|before| !is_reported(before));
            if replaces || !self.law.delegates(after, group) {
                self.codes.insert("MR318");
            }
        }
        let version = self.version_of(group, n);
        let signer = self.author(link, after);
        let own = version.is_some_and(|version| signer.actor() == Some(text(&version, "by")));
        let needed: &[&str] = match text(after, "decision") {
            "Approved" => &["approve"],
            "Rejected" if own => &[],
            "Rejected" => &["reject"],
            _ => &[],
        };
        self.author_needs(link, after, needed, group, "");
    }

    /// Returns the review of a person: where the step replaces a signed review with a
    /// report, the signed one counts.
    pub fn said(&self, path: &str) -> Value {
        let now = at(self.next, path).expect("it is named");
        if !is_reported(&now) {
            return now;
        }
        let replaced = self.links.iter().rev().filter(|link| link.path == path);
        let mut replaced = replaced.filter_map(|link| link.before.as_deref().map(value));
        replaced.find(|before| !is_reported(before)).unwrap_or(now)
    }

    /// Returns the voice of a review that is in force after the step, if any.
    pub fn voice(&self, path: &str, review: &Value, group: &str, name: &str) -> Option<Voice> {
        let by = text(review, "by");
        if decider(review) != name || !self.is_word_of(path, review, by) {
            return None;
        }
        // Where the policy counts no reports, none is considered.
        let reported = is_reported(review);
        let heard = self.law.delegated(group) > 0 && self.law.delegates(review, group);
        (!reported || heard).then(|| Voice {
            who: name.to_owned(),
            through: reported.then(|| by.to_owned()),
        })
    }

    /// Whether a voice is one of these, represents one, or shares an owner.
    pub fn is_of(&self, voice: &Voice, authors: &[String]) -> bool {
        let own = |who: &str| authors.iter().any(|author| self.law.related(author, who));
        own(&voice.who) || voice.through.as_deref().is_some_and(own)
    }

    /// Every choice of voices that may count together: no two of whom are
    /// related, and no more reported ones than the rules say.
    pub fn choices<'v>(&self, voices: &'v [Voice], group: &str) -> Vec<Vec<&'v Voice>> {
        let most = self.law.delegated(group);
        let mut choices: Vec<Vec<&Voice>> = vec![Vec::new()];
        for voice in voices {
            for n in 0..choices.len() {
                let chosen = &choices[n];
                let reported = chosen.iter().filter(|chosen| chosen.through.is_some()).count();
                let one_too_many = voice.through.is_some() && reported >= most;
                if !one_too_many && chosen.iter().all(|other| self.law.apart(voice, other)) {
                    let mut chosen = chosen.clone();
                    chosen.push(voice);
                    choices.push(chosen);
                }
            }
        }
        choices
    }

    /// Checks a version that arrives with the status that it had elsewhere, on the
    /// word of its importer; later moves are judged as usual.
    pub fn import(&mut self, link: &Link, group: &str, n: u64, after: &Value) {
        let signer = self.author(link, after);
        if !signer.actor().is_some_and(|who| self.law.may_import(who, group)) {
            self.codes.insert("MR215");
        }
        let (had, status) = (text(&after["imported"], "status"), text(after, "status"));
        if had == "Approved" && self.is_loose(&folder(group, n)) {
            self.codes.insert("MR209");
        }
        if had != status {
            self.moves(group, n, had, status);
        }
    }
}
