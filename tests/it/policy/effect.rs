//! Whether a change of the policy asks for less is decided by its effect: small
//! random policies, of which every set of reviews is tried before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use modelry::testing::base::Error;
use modelry::testing::base::{ObjectFormat, ObjectKind, Oid};
use modelry::testing::object::{self, Memory, Objects, Overlay};
use modelry::testing::record::kind::{Action, ActorId, GroupName, RecordPath, StageName, VersionId};
use modelry::testing::record::snapshot::{self, Records, Snapshot};
use modelry::testing::record::subject;
use modelry::testing::record::yaml;
use modelry::testing::report::summary::{PolicyLine, policy_lines};
use modelry::testing::trust::{self, Candidate, HistoryView, Policy, Shortfall, Verdict, are_enough};
use serde_json::{Value, json};

/// The policy that is this document.
pub fn policy(value: &Value) -> Policy {
    let text = yaml::write(None, value).expect("YAML");
    let id = Oid::hash(ObjectFormat::Sha1, ObjectKind::Blob, text.as_bytes());
    let loaded = snapshot::load(&RecordPath::Registry, id, text.as_bytes()).expect("a record");
    Policy::new(Arc::new(loaded)).unwrap_or_else(|| panic!("no policy: {text}"))
}

/// The lines of the page for a change.
pub fn lines(before: &Value, after: &Value) -> Vec<PolicyLine> {
    policy_lines(&policy(before), &policy(after), &[])
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let sides = u64::try_from(of.len()).expect("few");
        &of[usize::try_from(self.roll(sides)).expect("few")]
    }

    /// Some of them; now and then none, where that may be.
    fn some(&mut self, of: &[&str], least: usize) -> Vec<String> {
        loop {
            let all = of.iter();
            let taken: Vec<String> = all
                .filter(|_| self.roll(2) == 0)
                .map(|one| (*one).to_owned())
                .collect();
            if taken.len() >= least {
                return taken;
            }
        }
    }
}

const ACTORS: [&str; 4] = ["ann", "bob", "cat", "bot"];
const GLOBS: [&str; 4] = ["*", "g-*", "g-1", "h"];
/// One name for each set of the globs, and one that only `*` matches.
const GROUPS: [&str; 4] = ["g-1", "g-2", "h", "other"];

fn rule(dice: &mut Dice) -> Value {
    let mut rule = json!({"groups": dice.some(&GLOBS, 1), "required": 1 + dice.roll(3)});
    if dice.roll(3) == 0 {
        rule["from"] = json!({"red": 1 + dice.roll(2)});
    }
    if dice.roll(2) == 0 {
        rule["fourEyes"] = json!(dice.roll(2) == 0);
    }
    if dice.roll(2) == 0 {
        rule["machines"] = json!(dice.roll(2) == 0);
    }
    if dice.roll(2) == 0 {
        rule["delegated"] = json!(dice.roll(3));
    }
    rule
}

fn grant(dice: &mut Dice) -> Value {
    let allow = *dice.one(&[
        "approve",
        "approve",
        "register",
        "reject",
        "promote",
        "administer",
    ]);
    let mut grant = json!({
        "to": dice.some(&["ann", "bob", "cat", "bot", "team:red"], 1),
        "allow": [allow], "groups": dice.some(&GLOBS, 1),
    });
    if allow == "promote" {
        grant["stages"] = json!(["live"]);
    }
    grant
}

fn world(dice: &mut Dice) -> Value {
    let account = |dice: &mut Dice, number: u64| match dice.roll(2) {
        0 => json!({"github": number.to_string()}),
        _ => json!({}),
    };
    let mut value = json!({
        "apiVersion": "modelry/v1", "kind": "Registry", "name": "r", "serial": 1,
        "id": "5c0f3a0e9d7b4f6f8a51c2d3e4f50617",
        "stages": [{"name": "live"}],
        "approvals": [rule(dice)],
        "actors": {
            "ann": {"kind": "person", "accounts": account(dice, 1)},
            "bob": {"kind": "person", "accounts": account(dice, 2)},
            "cat": {"kind": "person", "accounts": account(dice, 3)},
            "bot": {"kind": "machine", "owners": dice.some(&ACTORS[..3], 0)},
        },
        "teams": {"red": dice.some(&ACTORS, 0)},
        "grants": [{"to": dice.some(&ACTORS, 2), "allow": ["approve"], "groups": ["*"]}, grant(dice)],
        "policyChange": {"required": 1 + dice.roll(2)},
    });
    if dice.roll(2) == 0 {
        let second = rule(dice);
        value["approvals"].as_array_mut().expect("rules").push(second);
    }
    value
}

/// The same policy but for one thing, or two.
fn changed(dice: &mut Dice, before: &Value) -> Value {
    let mut after = before.clone();
    for _ in 0..=dice.roll(2) {
        let new = rule(dice);
        let rules = after["approvals"].as_array_mut().expect("rules");
        let at = usize::try_from(dice.roll(u64::try_from(rules.len()).expect("few"))).expect("few");
        let member = *dice.one(&["required", "from", "fourEyes", "machines", "delegated", "groups"]);
        match dice.roll(9) {
            0..=2 => {
                let rule = rules[at].as_object_mut().expect("a rule");
                match new.get(member) {
                    Some(value) => rule.insert(member.into(), value.clone()),
                    None => rule.remove(member),
                };
            }
            3 if rules.len() < 3 => rules.push(new),
            3 => drop(rules.remove(at)),
            4 => after["actors"]["bot"]["owners"] = json!(dice.some(&ACTORS[..3], 0)),
            5 => after["teams"]["red"] = json!(dice.some(&ACTORS, 0)),
            6 => after["grants"][1] = grant(dice),
            7 => {
                // The team by another name, and every reference with it.
                let text = after
                    .to_string()
                    .replace("\"red\"", "\"blue\"")
                    .replace("team:red", "team:blue");
                after = serde_json::from_str(&text).expect("JSON");
            }
            _ => after["policyChange"]["required"] = json!(1 + dice.roll(2)),
        }
        // Each of them may be asked for by the other name next.
        let text = after.to_string();
        if text.contains("blue") && text.contains("\"red\"") {
            let text = text
                .replace("\"red\"", "\"blue\"")
                .replace("team:red", "team:blue");
            after = serde_json::from_str(&text).expect("JSON");
        }
    }
    after
}

fn actor(name: &str) -> ActorId {
    name.parse().expect("an actor")
}

/// Every set of these.
fn subsets<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    let masks = 0..1u32 << of.len();
    masks
        .map(|mask| {
            let all = of.iter().enumerate();
            all.filter(|(index, _)| mask & (1 << index) != 0)
                .map(|(_, one)| one.clone())
                .collect()
        })
        .collect()
}

/// Every set of reviews: of each actor none, an own one, or one that the machine
/// reports.
fn review_sets() -> Vec<Vec<(ActorId, Option<ActorId>)>> {
    let mut out = vec![Vec::new()];
    for name in ACTORS {
        let mut voices = vec![(actor(name), None)];
        if name != "bot" {
            voices.push((actor(name), Some(actor("bot"))));
        }
        let without = out.clone();
        for voice in voices {
            out.extend(without.iter().map(|set| {
                let mut set = set.clone();
                set.push(voice.clone());
                set
            }));
        }
    }
    out
}

fn enough(
    policy: &Policy,
    group: &GroupName,
    authors: &[ActorId],
    reviews: &[(ActorId, Option<ActorId>)],
) -> bool {
    let voices: Vec<Candidate<'_>> = reviews
        .iter()
        .map(|(actor, reporter)| Candidate {
            actor,
            reported_by: reporter.as_ref(),
        })
        .collect();
    let authors = authors.iter().cloned().collect();
    are_enough(policy, &policy.need(group), group, &authors, &voices)
}

/// Reviews of somebody's content that are enough after and were not before.
fn newly_enough(before: &Policy, after: &Policy) -> Option<String> {
    let all: Vec<ActorId> = ACTORS.iter().map(|name| actor(name)).collect();
    let authors: Vec<Vec<ActorId>> = subsets(&all).into_iter().filter(|set| !set.is_empty()).collect();
    for group in GROUPS {
        let group: GroupName = group.parse().expect("a group");
        for reviews in review_sets() {
            for authors in &authors {
                if enough(after, &group, authors, &reviews) && !enough(before, &group, authors, &reviews) {
                    return Some(format!("{group}: {reviews:?} of {authors:?}"));
                }
            }
        }
    }
    None
}

/// Something that an actor may do after and might not before, and sets of
/// administrators that are enough to change the policy.
fn may_more(before: &Policy, after: &Policy) -> bool {
    let stage: StageName = "live".parse().expect("a stage");
    let more = |name: &str, action, group: Option<&str>| {
        let may = |policy: &Policy| policy.may(&actor(name), action, group, Some(&stage));
        may(after) && !may(before)
    };
    let acts = ACTORS.iter().any(|name| {
        Action::ALL.iter().any(|action| match action {
            Action::Administer => more(name, *action, None),
            action => GROUPS.iter().any(|group| more(name, *action, Some(group))),
        })
    });
    let all: Vec<ActorId> = ACTORS.iter().map(|name| actor(name)).collect();
    let agrees = |policy: &Policy, set: &[ActorId]| {
        let counted = set
            .iter()
            .filter(|id| policy.may(id, Action::Administer, None, None));
        let required = policy.registry().policy_change.required;
        u32::try_from(counted.count()).expect("few") >= required
    };
    acts || subsets(&all)
        .iter()
        .any(|set| agrees(after, set) && !agrees(before, set))
}

/// Some parts of a policy are left out, since they warn regardless of reviews. Gates
/// and cards are other conditions than reviews. Protected files, ways of landing,
/// transitions and stages need no approval. Accepted faults and revocations concern
/// the past. A new key or account of an actor is another way to act as it.
#[test]
fn the_page_warns_exactly_where_reviews_are_newly_enough_or_somebody_may_more() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut warned, mut quiet) = (0, 0);
    for case in 0..120 {
        let old = world(&mut dice);
        let new = changed(&mut dice, &old);
        let (before, after) = (policy(&old), policy(&new));
        let lines = policy_lines(&before, &after, &[]);
        let warns = lines.iter().any(|line| line.weakens);
        let example = newly_enough(&before, &after);
        let asks_less = example.is_some() || may_more(&before, &after);
        assert_eq!(
            warns, asks_less,
            "case {case}: {example:?}\nbefore {old}\nafter {new}\n{lines:#?}"
        );
        assert!(lines.iter().all(|line| !line.unsure), "{lines:#?}");
        match warns {
            true => warned += 1,
            false => quiet += 1,
        }
    }
    assert!(warned > 20 && quiet > 20, "{warned} {quiet}");
}

/// The signer of each review: the actor that it names.
struct Signed(BTreeMap<String, ActorId>);

impl HistoryView for Signed {
    fn signer_of(&self, _: &Policy, path: &RecordPath) -> Result<Option<Verdict>, Error> {
        let id = self.0.get(&path.to_string()).cloned();
        Ok(id.map(|id| Verdict::Actor { id, key: "k".into() }))
    }
}

/// The judge counts reviews that are files alike.
#[test]
fn the_judge_counts_the_same() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let sets = review_sets();
    let (mut yes, mut no) = (0, 0);
    for _ in 0..150 {
        let policy = policy(&world(&mut dice));
        let group: GroupName = dice.one(&GROUPS).parse().expect("a group");
        let reviews = dice.one(&sets).clone();
        let authors: Vec<ActorId> = dice.some(&ACTORS, 1).iter().map(|name| actor(name)).collect();
        let told = enough(&policy, &group, &authors, &reviews);
        assert_eq!(
            told,
            judged(&policy, &group, &authors, &reviews),
            "{reviews:?} of {authors:?} in {group}"
        );
        match told {
            true => yes += 1,
            false => no += 1,
        }
    }
    assert!(yes > 5 && no > 5, "{yes} {no}");
}

/// Whether the judge misses no review of a version with these reviews.
fn judged(
    policy: &Policy,
    group: &GroupName,
    authors: &[ActorId],
    reviews: &[(ActorId, Option<ActorId>)],
) -> bool {
    let base = Memory::new(ObjectFormat::Sha1);
    let overlay = Overlay::new(&base);
    let id = VersionId {
        group: group.clone(),
        number: 1.try_into().expect("a number"),
    };
    let mut files = BTreeMap::new();
    let mut put = |path: &RecordPath, value: &Value| {
        let text = yaml::write(None, value).expect("YAML");
        files.insert(path.to_string(), Some(text.into_bytes()));
    };
    put(
        &RecordPath::Version(id.clone()),
        &json!({
            "apiVersion": "modelry/v1", "kind": "ModelVersion", "group": group, "version": 1, "by": authors[0],
            "status": "Pending",
            "spec": {"artifacts": [{"uri": "s3://m/1", "digest": format!("sha256:{}", "1".repeat(64))}]},
        }),
    );
    put(
        &RecordPath::Card(id.clone()),
        &json!({
            "apiVersion": "modelry/v1", "kind": "ModelCard", "group": group, "version": 1, "by": authors[0],
            "authors": authors, "revision": 1, "intendedUses": "a test",
        }),
    );
    let tree = object::edit(&overlay, None, &files).expect("a tree");
    let subject = {
        let records = Records::new(&overlay);
        let snapshot = Snapshot {
            records: &records,
            tree,
            earlier: None,
            top: None,
        };
        let version = snapshot
            .read(&RecordPath::Version(id.clone()))
            .expect("a file")
            .expect("a version");
        subject::version_subject(policy.id(), &id, &version, &snapshot).expect("a digest")
    };
    let mut signed = Signed(BTreeMap::new());
    let mut files = BTreeMap::new();
    for (who, reporter) in reviews {
        let by = reporter.as_ref().unwrap_or(who);
        let path = RecordPath::Review(id.clone(), who.clone());
        let mut review = json!({
            "apiVersion": "modelry/v1", "kind": "Review", "group": group, "version": 1, "by": by, "revision": 1,
            "decision": "Approved", "subject": subject, "reason": "good",
        });
        if reporter.is_some() {
            review["onBehalfOf"] = json!(who);
            review["host"] = json!({"name": "github", "review": "7", "commit": "7".repeat(40)});
        }
        let text = yaml::write(None, &review).expect("YAML");
        files.insert(path.to_string(), Some(text.into_bytes()));
        signed.0.insert(path.to_string(), by.clone());
    }
    let tree = object::edit(&overlay, tree, &files).expect("a tree");
    let objects: &dyn Objects = &overlay;
    let records = Records::new(objects);
    let snapshot = Snapshot {
        records: &records,
        tree,
        earlier: None,
        top: None,
    };
    let version = snapshot
        .read(&RecordPath::Version(id.clone()))
        .expect("a file")
        .expect("a version");
    assert!(version.version().is_some(), "a version");
    let tally = trust::tally(policy, &snapshot, &snapshot, &id, &version, &signed).expect("a tally");
    let counting: BTreeSet<&ActorId> = tally.counting().map(|review| &review.actor).collect();
    assert!(counting.len() <= reviews.len());
    let lacks = |missing: &Shortfall| matches!(missing, Shortfall::Approvals { .. } | Shortfall::Team { .. });
    assert!(tally.missing.iter().all(lacks), "{:?}", tally.missing);
    tally.missing.is_empty()
}

/// The changes that started this: an owner, a glob that adds nothing, a name.
#[test]
fn what_is_written_otherwise_and_asks_for_the_same_does_not_warn() {
    let before = json!({
        "apiVersion": "modelry/v1", "kind": "Registry", "name": "r", "serial": 1,
        "id": "5c0f3a0e9d7b4f6f8a51c2d3e4f50617",
        "approvals": [{"groups": ["*"], "required": 1, "from": {"red": 1}, "card": ["limitations"],
                       "gates": [{"name": "g", "require": "metrics.a > 1"}]}],
        "actors": {
            "ann": {"kind": "person"}, "bob": {"kind": "person"}, "cat": {"kind": "person"},
            "bot": {"kind": "machine", "owners": ["bob"]},
        },
        "teams": {"red": ["ann", "bob"]},
        "grants": [
            {"to": ["team:red"], "allow": ["approve", "reject"], "groups": ["*"]},
            {"to": ["bot"], "allow": ["register"], "groups": ["*"]},
            {"to": ["cat"], "allow": ["administer"]},
        ],
        "protect": [".github/**"],
    });
    let with = |change: &dyn Fn(&mut Value)| {
        let mut after = before.clone();
        change(&mut after);
        lines(&before, &after)
    };
    let quiet: [&dyn Fn(&mut Value); 7] = [
        &|after| after["approvals"][0]["groups"] = json!(["*", "zzz"]),
        &|after| after["grants"][0]["groups"] = json!(["*", "zzz"]),
        &|after| {
            let text = after
                .to_string()
                .replace("\"red\"", "\"blue\"")
                .replace("team:red", "team:blue");
            *after = serde_json::from_str(&text).expect("JSON");
        },
        &|after| after["grants"][0]["to"] = json!(["ann", "bob"]),
        &|after| after["protect"] = json!(["**"]),
        &|after| after["actors"]["dan"] = json!({"kind": "person"}),
        &|after| after["approvals"] = json!([before["approvals"][0], {"groups": ["zzz"], "required": 2}]),
    ];
    for (at, change) in quiet.into_iter().enumerate() {
        let lines = with(change);
        // A group that another glob covers gives no actor more rights: there is no
        // line.
        assert!(at == 1 || !lines.is_empty(), "{at}");
        assert!(lines.iter().all(|line| !line.weakens), "{lines:#?}");
    }
    let owner = with(&|after| after["actors"]["bot"]["owners"] = json!(["ann"]));
    assert_eq!(
        owner[0].what,
        "*: the approval of bob is enough now for what bot made, and was not before"
    );
    assert!(
        owner[0].weakens && owner.iter().filter(|line| line.weakens).count() == 1,
        "{owner:#?}"
    );
    let approves = with(&|after| {
        after["teams"]["red"] = json!(["ann", "bob", "cat"]);
    });
    assert_eq!(approves[0].what, "cat may now approve, reject in *");
    let freed = with(&|after| after["protect"] = json!([".github/workflows/*"]));
    assert!(
        freed[0].weakens && freed[0].before.as_deref() == Some(".github/**"),
        "{freed:#?}"
    );
}
