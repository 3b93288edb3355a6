//! The loop: every rule over everything that it examines.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::bounded::{Bound, Explains};
use super::moved::moved;
use super::place::at_part;
use super::restored::restored;
use super::scene::{Findings, PolicyScene, Scene, Step};
use super::{Check, RULES, mr112_unsafe_address, mr216_group_renamed};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, Note, Remedy, RuleInfo, Side};
use crate::record::change::ChangeKind;
use crate::record::kind::{Action, ActorId, Status, VersionId, group_in, is_of_policy};
use crate::record::snapshot::{Loaded, ReadFault};
use crate::record::yaml::Fault;
use crate::trust::{self, Author, Carrier, Carriers, Policy, Tally};

/// The verdict on one step.
pub struct Judgement {
    /// The findings.
    pub findings: Vec<Finding<Anchor>>,
    /// The notes.
    pub notes: Vec<Note>,
    /// The policy that the step puts into force, if it adds one without a finding.
    pub policy: Option<Policy>,
    /// Whether the step only revokes keys and retires actors and keys.
    pub only_ends: bool,
    /// The administrators, or the actor concerned, who agreed to the new policy.
    pub behind: BTreeSet<ActorId>,
    /// The author of each change, in the order of the changes; empty if no policy names
    /// the actors yet.
    pub authors: Vec<Author>,
    /// The moves of status that reviews decide, with the reviews as they were
    /// counted.
    pub decided: Vec<Decided>,
}

/// A move of status that reviews decide: to Approved or to Rejected.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The index of the change that moves it.
    pub change: usize,
    /// The version.
    pub id: VersionId,
    /// The status to which the reviews move it; it may have gone further in the same
    /// step.
    pub to: Status,
    /// The reviews as they were counted, and the policy's requirements. A missing part is
    /// a finding of the step.
    pub tally: Rc<Tally>,
}

/// Lets findings about the text of another commit than the step's own point into the file
/// as that commit left it: the step may leave another text there.
fn as_written(findings: &mut [Finding<Anchor>], step: &Step<'_>, index: usize) {
    let change = &step.changes()[index];
    let carrier = step.carriers.of(index);
    let Some(commit) = carrier
        .commit
        .filter(|_| carrier.commit != step.carriers.own.commit)
    else {
        return;
    };
    let Some((after, text)) = change
        .after
        .as_ref()
        .and_then(|after| Some((after, after.text.clone()?)))
    else {
        return;
    };
    for finding in findings {
        let at = &mut finding.primary.at;
        if at.side != Side::After || at.path != change.path {
            continue;
        }
        let named = after
            .document
            .as_ref()
            .map(|document| document.span(&at.pointer, at.part));
        at.span = at.span.clone().or(named);
        at.written = Some((commit, text.clone()));
        finding.who.get_or_insert_with(|| carrier.words());
    }
}

/// Judges one step by every rule.
pub fn judge(step: &Step<'_>) -> Result<Judgement, Error> {
    let mut out = Findings::default();
    let renames = mr216_group_renamed::renamed(step)?;
    let moved = moved(step)?;
    let moves = renames.iter().map(|renamed| renamed as &dyn Explains);
    let mut bound = Bound::new(moves.chain(moved.iter().map(|moved| moved as &dyn Explains)));
    judge_unreadable(step, &mut bound, &mut out);
    let mut authors = Vec::new();
    let mut decided = Vec::new();
    if let Some(policy) = step.policy {
        (authors, decided) = judge_changes(step, policy, &mut bound, &mut out)?;
    }
    if step.policy.is_none() {
        // The content of the root is kept for ever, and a policy can accept it later.
        for (index, change) in step.changes().iter().enumerate() {
            let first = out.list.len();
            mr112_unsafe_address::of_change(step, change, &mut out);
            as_written(&mut out.list[first..], step, index);
            bound.take(&mut out.list, first);
        }
    }
    let first_of_policy = out.list.len();
    let brought = judge_policies(step, &mut bound, &mut out)?;
    let of_policy_rules = first_of_policy != out.list.len();
    for rule in RULES {
        if let Check::Step(check) = rule.check {
            let first = out.list.len();
            check(step, &mut out)?;
            bound.take(&mut out.list, first);
        }
    }
    let back = restored(step, &out.list, &renames)?;
    out.list.retain(|finding| !back.excuses(finding));
    bound.finish(&mut out.list);
    let words = step.carriers.own.words();
    for finding in &mut out.list {
        finding.who.get_or_insert_with(|| words.clone());
    }
    // A policy change that has a finding does not come into force.
    let policy = brought.last.filter(|_| {
        // The reviews that come with it belong to it.
        let of_policy = |finding: &Finding<Anchor>| {
            let path = &finding.primary.at.path;
            let is_first = step.policy.is_none() && finding.rule.code == "MR112";
            !is_first && is_of_policy(path)
        };
        (!of_policy_rules || back.is_of_policy()) && !out.list.iter().any(of_policy)
    });
    Ok(Judgement {
        findings: out.list,
        notes: out.notes,
        only_ends: brought.is_emergency && policy.is_some(),
        behind: brought.behind,
        policy,
        authors,
        decided,
    })
}

/// The policies that a step brings.
struct Brought {
    /// The last of them.
    last: Option<Policy>,
    /// Whether they only revoke keys and retire actors and keys, and reaffirm no version.
    is_emergency: bool,
    /// The actors who agreed to them.
    behind: BTreeSet<ActorId>,
}

/// Judges each policy that the step brings by every rule of policies. On a merged branch
/// each policy replaces the one before it on its side.
fn judge_policies(step: &Step<'_>, bound: &mut Bound<'_>, out: &mut Findings) -> Result<Brought, Error> {
    let mut only_ends = step.is_of_policy_alone();
    let mut brought = Brought {
        last: None,
        is_emergency: only_ends,
        behind: BTreeSet::new(),
    };
    for (index, after) in policies_brought(step) {
        let before = brought.last.as_ref().or(step.policy);
        let ends = |before| trust::only_ends(before, after.registry(), &after.source);
        only_ends &= before.is_some_and(ends);
        let is_fast = |before| trust::fast_path(before, after.registry(), &after.source).is_some();
        brought.is_emergency &= before.is_some_and(is_fast);
        let scene = PolicyScene {
            step,
            before,
            authority: step.policy,
            carrier: step.carriers.of(index),
            after: &after,
            only_ends,
        };
        let tally = scene.tally()?.into_iter();
        brought.behind.extend(tally.flat_map(|tally| tally.counted));
        let first = out.list.len();
        for rule in RULES {
            if let Check::Policy(check) = rule.check {
                check(&scene, out)?;
            }
        }
        for finding in &mut out.list[first..] {
            finding.who.get_or_insert_with(|| scene.carrier.words());
        }
        bound.take(&mut out.list, first);
        brought.last = Some(after);
    }
    Ok(brought)
}

/// Lists what is wrong with the documents that can't be read.
fn judge_unreadable(step: &Step<'_>, bound: &mut Bound<'_>, out: &mut Findings) {
    for (index, change) in step.changes().iter().enumerate() {
        if change.kind == ChangeKind::Unreadable
            && let Some(after) = &change.after
        {
            let first = out.list.len();
            out.list.extend(document_findings(&change.path, after));
            as_written(&mut out.list[first..], step, index);
            bound.take(&mut out.list, first);
        }
    }
}

/// Judges each change by every rule of changes. Returns the authors, and the moves of
/// status that reviews decide.
fn judge_changes(
    step: &Step<'_>,
    policy: &Policy,
    bound: &mut Bound<'_>,
    out: &mut Findings,
) -> Result<(Vec<Author>, Vec<Decided>), Error> {
    let mut authors = Vec::new();
    let mut decided = Vec::new();
    for (index, change) in step.changes().iter().enumerate() {
        let carrier = step.carriers.of(index);
        let author = trust::author(policy, change, carrier);
        let scene = Scene {
            step,
            policy,
            change,
            author: &author,
        };
        let first = out.list.len();
        for rule in RULES {
            if let Check::Change(check) = rule.check {
                check(&scene, out)?;
            }
        }
        as_written(&mut out.list[first..], step, index);
        for finding in &mut out.list[first..] {
            finding.group = finding.group.take().or_else(|| change.group().map(str::to_owned));
            if finding.who.is_none() {
                finding.who = Some(carrier.words());
            }
        }
        bound.take(&mut out.list, first);
        for to in [Status::Approved, Status::Rejected] {
            let counted = scene.tally_of_move(to)?;
            decided.extend(counted.map(|(id, tally)| Decided {
                change: index,
                id,
                to,
                tally,
            }));
        }
        authors.push(author);
    }
    Ok((authors, decided))
}

/// Lists the policies that the step adds, each with the index of its change.
fn policies_brought(step: &Step<'_>) -> Vec<(usize, Policy)> {
    let changes = step.changes().iter().enumerate();
    let mut brought = changes.filter(|(_, change)| change.brings_policy()).peekable();
    // The policy in force stays in force, so nothing replaces it.
    let _ = brought.next_if(|(index, _)| puts_back(step, *index));
    brought
        .filter_map(|(index, change)| Some((index, Policy::new(change.after.clone()?)?)))
        .collect()
}

/// Whether a change puts back the policy in force, in place of a text that was refused:
/// in its own bytes, whichever commit does it, or in another form that an administrator
/// signs.
fn puts_back(step: &Step<'_>, index: usize) -> bool {
    let change = &step.changes()[index];
    let (Some(policy), Some(_), Some(after)) = (step.policy, &change.before, &change.after) else {
        return false;
    };
    let signer = step.carriers.of(index).verdict.actor();
    after.value() == policy.source.value()
        && (after.id == policy.source.id
            || signer.is_some_and(|signer| policy.may(signer, Action::Administer, None, None)))
}

/// The findings of reading one file.
pub fn document_findings(path: &str, loaded: &Loaded) -> Vec<Finding<Anchor>> {
    loaded
        .faults
        .iter()
        .map(|fault| {
            let rule = rule_of(fault);
            let mut finding = match fault {
                ReadFault::Text(fault) => {
                    let at = |span| Anchor {
                        span: Some(span),
                        ..Anchor::file(path)
                    };
                    let mut finding = Finding::new(rule, at(fault.span.clone()), &fault.message);
                    finding.help.clone_from(&fault.help);
                    // Only the writer knows the intended value.
                    let is_vague = fault.help.as_ref().is_some_and(|help| help.starts_with("mend "));
                    if is_vague || ["MR005", "MR008", "MR013", "MR017"].contains(&rule.code) {
                        finding.remedy = Remedy::Choose;
                    }
                    if rule.code == "MR013" {
                        let shorter = "shorten it, or keep it elsewhere and name its address here";
                        finding.help.get_or_insert_with(|| shorter.to_owned());
                    }
                    if let Some((span, words)) = &fault.related {
                        finding = finding.related(at(span.clone()), words);
                    }
                    finding
                }
                ReadFault::Schema(fault) => {
                    let at = at_part(Anchor::after(path, &fault.pointer), fault.part);
                    let mut finding = Finding::new(rule, at, &fault.message);
                    finding.help.clone_from(&fault.help);
                    if fault.help.as_ref().is_some_and(|help| help.ends_with('?')) {
                        finding.remedy = Remedy::Choose;
                    }
                    finding
                }
                ReadFault::Format { found } => Finding::new(
                    rule,
                    Anchor::after(path, "/apiVersion"),
                    format!("format `{found}` is not known to this version of Modelry"),
                )
                .why(format!(
                    "this version reads `{}`",
                    crate::record::kind::API_VERSION
                ))
                .help("use a newer Modelry, or write `apiVersion: modelry/v1`"),
                ReadFault::Kind { found, expected } => {
                    let places: Vec<_> = expected.iter().map(|kind| format!("`{kind}`")).collect();
                    Finding::new(
                        rule,
                        Anchor::after(path, "/kind"),
                        format!(
                            "`{found}` does not live here: this is the place of {}",
                            places.join(" or ")
                        ),
                    )
                    .help(format!(
                        "write `kind: {}`, or move the file to the path of its kind",
                        expected.first().map_or("", |kind| kind.as_str())
                    ))
                }
            };
            finding.group = group_in(path).map(str::to_owned);
            finding
        })
        .collect()
}

/// The rule of a fault in a text.
pub fn of_text(fault: &Fault) -> &'static RuleInfo {
    rule_of(&ReadFault::Text(fault.clone()))
}

fn rule_of(fault: &ReadFault) -> &'static RuleInfo {
    let rule = RULES
        .iter()
        .find(|rule| matches!(rule.check, Check::Fault(is) if is(fault)));
    // Every kind of fault has its rule: a test makes one of each.
    rule.map_or(&RULES[0].info, |rule| &rule.info)
}

/// Judges a registry without its history: every fault of reading, the names and
/// references (family MR1xx), and the policy's own rules.
pub fn state_findings(
    next: &crate::record::snapshot::Snapshot<'_>,
    differences: &crate::record::change::Differences,
) -> Result<Vec<Finding<Anchor>>, Error> {
    struct NoHistory;
    impl trust::HistoryView for NoHistory {
        fn signer_of(
            &self,
            _: &trust::Policy,
            _: &crate::record::kind::RecordPath,
        ) -> Result<Option<trust::Verdict>, Error> {
            Ok(None)
        }
    }
    let mut out = Findings::default();
    for change in &differences.changes {
        if let (ChangeKind::Unreadable, Some(after)) = (&change.kind, &change.after) {
            out.list.extend(document_findings(&change.path, after));
        }
    }
    let Some(policy) = next.registry()?.and_then(Policy::new) else {
        return Ok(out.list);
    };
    let carriers = Carriers::one(Carrier::new(None, trust::Verdict::Nobody));
    let prior = crate::record::snapshot::Snapshot::empty(next.records);
    let step = Step::new(prior, *next, Some(&policy), &carriers, differences, &NoHistory);
    for change in &differences.changes {
        let author = trust::author(&policy, change, &carriers.own);
        let scene = Scene {
            step: &step,
            policy: &policy,
            change,
            author: &author,
        };
        for rule in RULES.iter().filter(|rule| rule.info.code.starts_with("MR1")) {
            if let Check::Change(check) = rule.check {
                check(&scene, &mut out)?;
            }
        }
    }
    let scene = PolicyScene {
        step: &step,
        before: None,
        authority: None,
        carrier: &carriers.own,
        after: &policy,
        only_ends: false,
    };
    for rule in RULES {
        if let Check::Policy(check) = rule.check {
            check(&scene, &mut out)?;
        }
    }
    let mut bound = Bound::default();
    bound.take(&mut out.list, 0);
    bound.finish(&mut out.list);
    Ok(out.list)
}
