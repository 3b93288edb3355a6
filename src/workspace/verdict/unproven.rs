//! The note of plain `validate` on findings in the commits below HEAD.

use crate::base::{Error, Oid, count, shell_word};
use crate::judge::finding::{Finding, Note, Place, Report};
use crate::judge::history::{self, Graph};
use crate::object::CachedObjects;
use crate::record::snapshot::Records;
use crate::workspace::Workspace;
use crate::workspace::prove::ProveOptions;

/// The number of faulty commits that the note names.
const MOST: usize = 3;

/// Adds a note for open findings in the commits after the last verified point, else
/// after the last known commit of the remote's mainline. Adds nothing where they
/// can't be judged, as in a shallow clone.
pub(super) fn note_past(workspace: &Workspace, head: Oid, report: &mut Report) {
    if let Ok(Some(message)) = past(workspace, head) {
        report.notes.push(Note {
            message,
            path: None,
            commit: None,
        });
    }
}

fn past(workspace: &Workspace, head: Oid) -> Result<Option<String>, Error> {
    let objects = workspace.repo.objects()?;
    let objects = CachedObjects::new(&objects);
    let records = Records::new(&objects);
    let tip = workspace.tip()?;
    let name = shell_word(workspace.mainline_name());
    let of_branch = match tip == head {
        true => None,
        false => Some(Graph::new(&objects, None).sides(tip, head)?),
    };
    if of_branch.as_ref().is_some_and(|sides| sides.shared.is_empty()) {
        return Ok(Some(format!(
            "the files on disk were judged, and the commits of this branch were not: it has none in common with `{name}`, and can't land there"
        )));
    }
    let report = match workspace.has_point() {
        true => {
            let how = ProveOptions {
                later: true,
                ..ProveOptions::default()
            };
            workspace.prove(&objects, &records, head, how)?.report
        }
        false => {
            let Some(known) = workspace.repo.upstream_tip(&workspace.mainline) else {
                return Ok(None);
            };
            let Some(commits) = history::chain_if(&objects, known, head)? else {
                return Ok(None);
            };
            let mut replay = history::Replay::after_judged(&records, &workspace.folder, known)?;
            workspace.run(&mut replay, &commits, |_, _| {})?
        }
    };
    let of_branch = of_branch.map(|sides| sides.second);
    let is_own = |finding: &&Finding<Place>| match (&of_branch, finding.step) {
        (Some(own), Some(step)) => own.contains(&step),
        _ => false,
    };
    // The landing may add signatures and reviews that a branch lacks.
    let is_of_landing =
        |finding: &&Finding<Place>| finding.rule.code.starts_with("MR30") || finding.rule.code == "MR403";
    let (own, past): (Vec<&Finding<Place>>, Vec<_>) = report.open().partition(is_own);
    let (landing, own): (Vec<_>, Vec<&Finding<Place>>) = own.into_iter().partition(is_of_landing);
    if own.is_empty() && !landing.is_empty() {
        return Ok(Some(format!(
            "the files on disk were judged, and the landing of commits that are not on `{name}` was not ({}): `modelry validate --onto {name}` judges it",
            steps(&landing)
        )));
    }
    if !own.is_empty() {
        return Ok(Some(format!(
            "{} in commits that are not on `{name}`: {}: `modelry validate --onto {name}` shows more",
            count(own.len(), "finding"),
            steps(&own)
        )));
    }
    if past.is_empty() {
        return Ok(None);
    }
    let first = past.iter().find_map(|finding| finding.step);
    let line = match first {
        Some(step) if past.iter().all(|finding| finding.step == Some(step)) => {
            format!("modelry validate {0}~1..{0}", step.short())
        }
        _ => "modelry audit".to_owned(),
    };
    Ok(Some(format!(
        "{} in the commits before: {}: `{line}` shows more",
        count(past.len(), "finding"),
        steps(&past)
    )))
}

/// Lists the faulty commits, each with the codes of its findings.
fn steps(findings: &[&Finding<Place>]) -> String {
    let mut steps: Vec<(Oid, Vec<&str>)> = Vec::new();
    for finding in findings {
        let Some(step) = finding.step else { continue };
        match steps.iter_mut().find(|(commit, _)| *commit == step) {
            Some((_, codes)) if codes.contains(&finding.rule.code) => {}
            Some((_, codes)) => codes.push(finding.rule.code),
            None => steps.push((step, vec![finding.rule.code])),
        }
    }
    let more = steps.len().saturating_sub(MOST);
    let shown: Vec<String> = steps
        .iter()
        .take(MOST)
        .map(|(commit, codes)| format!("{} in {}", codes.join(", "), commit.short()))
        .collect();
    match more {
        0 => shown.join("; "),
        more => format!("{}; and {more} more commits", shown.join("; ")),
    }
}
