//! `policy show REV`: what a proposed policy changes, how it lands, and who may agree.

use serde_json::{Value, json};

use crate::base::{Error, FullRef, shell_word};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::cli::read::at::FetchArgs;
use crate::git::kept_as;
use crate::judge::finding::{Finding, Place, Report};
use crate::judge::history::{self, Onto};
use crate::object::{CachedObjects, Objects};
use crate::record::change;
use crate::record::kind::{ActorId, Landing};
use crate::record::snapshot::{Records, Snapshot};
use crate::report::summary::{self, PolicyPart, Summary};
use crate::report::{self, Page, clean, paint};
use crate::workspace::{Workspace, verdict};

/// Returns the options that send a review to the proposal's branch, with a space
/// before them. A branch of a remote gets the review there at once.
fn place_of(workspace: &Workspace, proposal: &str) -> Result<String, Error> {
    let repo = &workspace.repo;
    let own = FullRef::meant(proposal);
    if own.is_branch() && repo.reference(&own)?.is_some() {
        return Ok(format!(" --branch {}", own.short()));
    }
    let kept = FullRef::meant_tracking(proposal);
    Ok(match kept.kept() {
        Some(name) if repo.reference(&kept)?.is_some() => format!(" --branch {name} --push"),
        // The proposal is not a branch: the reviewer must name one.
        _ => " --branch NAME".to_owned(),
    })
}

/// The verdict on a proposal, for each way of landing.
struct Verdict {
    /// The ways of landing without a finding.
    lands: Vec<Landing>,
    /// The ways that lack only reviews by administrators.
    lacks: Vec<Landing>,
    /// The faults that no review removes; empty where some way of landing has none.
    faults: Report,
}

/// Judges a proposal as `validate --onto` does, in each way of landing.
fn judged(objects: &dyn Objects, ask: &Onto<'_>) -> Result<Verdict, Error> {
    let mut faults = history::onto(objects, ask)?.report;
    faults.findings.retain(|finding| finding.acknowledged.is_none());
    let has = |way: &Landing, only: &dyn Fn(&Finding<Place>) -> bool| {
        let mut findings = faults.findings.iter();
        findings.any(|finding| finding.landings.contains(way) && only(finding))
    };
    let lacks_approval = |finding: &Finding<Place>| finding.rule.code == "MR403";
    let is_faulty = |way: &Landing| has(way, &|finding| !lacks_approval(finding));
    let ways = || ask.ways.iter().copied();
    let lands: Vec<Landing> = ways().filter(|way| !has(way, &|_| true)).collect();
    let lacks: Vec<Landing> = ways()
        .filter(|way| has(way, &lacks_approval) && !is_faulty(way))
        .collect();
    faults.findings.retain(|finding| !lacks_approval(finding));
    if !(lands.is_empty() && lacks.is_empty()) {
        faults.findings.clear();
    }
    Ok(Verdict { lands, lacks, faults })
}

/// Lists ways of landing in a sentence.
fn ways_words(ways: &[Landing]) -> String {
    let names: Vec<&str> = ways.iter().map(|way| way.name()).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// Describes how a proposal lands, and what the other ways lack.
fn landing_words(
    verdict: &Verdict,
    ask: &Onto<'_>,
    part: &PolicyPart,
    could: &[String],
    approve: &str,
) -> String {
    let Verdict { lands, lacks, .. } = verdict;
    if lands.len() == ask.ways.len() {
        return "anybody can land it\n".into();
    }
    let mut lines = Vec::new();
    if !lands.is_empty() {
        lines.push(format!("it lands by {}", ways_words(lands)));
    }
    let lacking = match lands.is_empty() {
        true => String::new(),
        false => format!("by {} it lacks ", ways_words(lacks)),
    };
    // The signature of a commit counts only in a merge.
    let signer = part.signed.as_ref().filter(|_| part.is_enough());
    lines.extend(match (lacks.is_empty(), signer, &part.blocked) {
        (true, _, _) => None,
        (_, Some(signer), _) => Some(match lands.is_empty() {
            true => format!("it lacks {signer}'s own review: {approve}"),
            false => format!("{lacking}{signer}'s own review: {approve}"),
        }),
        (_, None, Some(why)) => Some(format!("blocked: nobody can give what is missing: {why}")),
        // Another review does not help: each commit is a step there.
        (_, None, None) if could.is_empty() => Some(format!(
            "not by {}, where each commit is a step of its own: modelry validate --onto {} {}",
            ways_words(lacks),
            ask.mainline,
            ask.tip.short()
        )),
        (_, None, None) if lands.is_empty() => Some(format!("ask {}: {approve}", could.join(" or "))),
        (_, None, None) => Some(format!(
            "{lacking}the review of {}: {approve}",
            could.join(" or ")
        )),
    });
    let ways = ask.ways.iter().copied();
    let faulty: Vec<Landing> = ways
        .filter(|way| !lands.contains(way) && !lacks.contains(way))
        .collect();
    if !faulty.is_empty() {
        lines.push(format!(
            "by {} it has findings: modelry validate --onto {} {}",
            ways_words(&faulty),
            ask.mainline,
            ask.tip.short()
        ));
    }
    format!("{}\n", lines.join("; "))
}

/// Returns a note where a branch of this clone lacks commits of the remote's branch of
/// that name, as last fetched.
fn stale(workspace: &Workspace, proposal: &str) -> Result<Option<String>, Error> {
    let repo = &workspace.repo;
    let own = FullRef::meant(proposal);
    let Some(tip) = repo.reference(&own)?.filter(|_| own.is_branch()) else {
        return Ok(None);
    };
    for remote in repo.remotes()? {
        let kept = kept_as(&remote, &own);
        let Some(there) = repo.reference(&kept)? else {
            continue;
        };
        let (_, lacks) = repo.ahead_behind(tip, there)?;
        if lacks > 0 {
            let kept = kept.shown();
            let commits = crate::base::count(lacks, "commit");
            let show = shell_word(kept);
            return Ok(Some(format!(
                "`{}` lacks {commits} of `{kept}`, which is not what is shown: `modelry policy show {show}` shows that",
                own.short()
            )));
        }
    }
    Ok(None)
}

/// Shows a proposed policy, judged on the newest mainline that this clone knows.
pub(super) fn show(proposal: &str, fetch: FetchArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = fetch.open(global, ui)?;
    let objects = workspace.repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let (mainline, tip, note) = workspace.newest_mainline()?;
    let notes = note.into_iter().chain(stale(&workspace, proposal)?);
    notes.for_each(|note| ui.note(&note));
    let at = |commit| -> Result<Snapshot<'_>, Error> {
        Snapshot::at(
            &records,
            history::read_commit(&kept, commit)?.tree,
            &workspace.folder,
        )
    };
    let (policy, is_refused) = history::policy_in_force(&records, &workspace.folder, tip, &mainline, None)?;
    let commit = workspace.repo.resolve(proposal)?;
    let proposed = at(commit)?
        .registry()?
        .ok_or_else(|| Error::msg(format!("`{proposal}` holds no `registry.yaml`")))?;
    let no_other = || {
        Error::msg(format!(
            "`{proposal}` proposes no other policy than the one in force"
        ))
    };
    let (before, after) = (policy.source.value(), proposed.value());
    if before == after {
        return Err(match is_refused {
            true => no_other().hint(format!(
                "it puts that policy back, in place of a text that was refused: `modelry validate --onto {} {}` judges its landing",
                shell_word(&mainline),
                shell_word(proposal)
            )),
            false => no_other(),
        });
    }
    // Findings of the mainline itself do not concern the proposal.
    let nothing = Report::default();
    let ask = Onto {
        folder: &workspace.folder,
        policy: &policy,
        mainline: &mainline,
        base: tip,
        tip: commit,
        ways: policy.landing(),
        before: &nothing,
        merge_text: &crate::git::merge_text,
    };
    let verdict = judged(&kept, &ask)?;
    let report = &verdict.faults;
    let (mut summary, caution) = verdict::meaning(&kept, &ask)?;
    let mut part = summary.policy.take();
    if part.is_none() && report.is_clean() {
        return Err(no_other());
    }
    let outcome = match verdict.lands.is_empty() {
        true => Outcome::Findings,
        false => Outcome::Fine,
    };
    // The command that approves is named below, and only where the review would
    // count.
    let could = part
        .as_mut()
        .map(|part| std::mem::take(&mut part.could_agree))
        .unwrap_or_default();
    let shown = Shown {
        workspace: &workspace,
        proposal,
        ask: &ask,
        verdict: &verdict,
        part,
        could,
        caution,
    };
    match ui.is_json() {
        true => ui.json(&shown.as_json((before, after), ui))?,
        false => ui.print(&shown.for_people(ui)?)?,
    }
    Ok(outcome)
}

/// A proposed policy as it is shown.
struct Shown<'s> {
    workspace: &'s Workspace,
    proposal: &'s str,
    ask: &'s Onto<'s>,
    verdict: &'s Verdict,
    part: Option<PolicyPart>,
    /// The administrators whose review would count.
    could: Vec<ActorId>,
    caution: Option<String>,
}

impl Shown<'_> {
    fn as_json(&self, (before, after): (&Value, &Value), ui: &Ui) -> Value {
        let report = &self.verdict.faults;
        let fields = summary::fields(before, after, change::differing_pointers(before, after));
        let findings: Value = serde_json::from_str(&report::report(report, report::Format::Json, &ui.style))
            .unwrap_or_default();
        let part = self.part.as_ref();
        json!({
            "commit": self.ask.tip.to_string(),
            "fields": fields,
            "subject": part.map(|part| &part.subject),
            "policy": part,
            "required": part.map(|part| part.required),
            "counted": part.map(|part| &part.agreed),
            "notCounted": part.map(|part| &part.not_counted),
            "couldApprove": self.could,
            "lands": self.verdict.lands.iter().map(|way| way.name()).collect::<Vec<_>>(),
            "enough": part.is_some_and(PolicyPart::is_enough) && report.is_clean(),
            "findings": findings["findings"],
        })
    }

    fn for_people(self, ui: &Ui) -> Result<String, Error> {
        let Shown {
            workspace,
            proposal,
            ask,
            verdict,
            part,
            could,
            caution,
        } = self;
        let report = &verdict.faults;
        let mut out = format!(
            "{}\n",
            paint(&format!("policy proposed by {}", clean(proposal)), "1", &ui.style)
        );
        let (from, to) = (ask.base.short().to_string(), ask.tip.short().to_string());
        if let Some(mut part) = part {
            part.files.clear();
            let agreed = part
                .agreed
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            let behind = format!(
                "{} of {} administrators stand behind it{}{agreed}\n",
                part.agreed.len(),
                part.required,
                if agreed.is_empty() { "" } else { ": " }
            );
            let names: Vec<String> = could.iter().map(ToString::to_string).collect();
            let approve = format!(
                "modelry policy approve {}{} -m REASON --expect {}",
                clean(proposal),
                clean(&place_of(workspace, proposal)?),
                part.subject.get(7..31).unwrap_or_default()
            );
            let words = landing_words(verdict, ask, &part, &names, &approve);
            let only = Summary {
                policy: Some(part),
                ..Summary::default()
            };
            out.push_str(&report::summary_terminal(
                &Page {
                    summary: &only,
                    report: None,
                    folder: &workspace.folder,
                    range: (&from, &to),
                    caution: caution.as_deref(),
                },
                &ui.style,
            ));
            out.push_str(&format!("\n{behind}"));
            if report.is_clean() {
                out.push_str(&words);
            }
        }
        if !report.is_clean() {
            out.push_str("it can't land as it is, whoever approves it:\n\n");
            out.push_str(&report::report(
                report,
                crate::cli::output::report_format(ui.output),
                &ui.style,
            ));
        }
        Ok(out)
    }
}
