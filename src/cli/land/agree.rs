//! Asks before a decision is signed: checks that the object was seen, and waits for a
//! yes at a terminal.

use serde_json::{Map, Value, json};

use super::Target;
use super::attempt::{Attempt, Base};
use super::outcome::Refused;
use super::preview::{Existing, Proposal};
use super::seen::{look, typed, unexpected};
use super::tell::show_decision;
use crate::act::Refusal;
use crate::base::Error;

/// Checks whether the object of a decision was seen, shows it, and asks at a
/// terminal. Returns a refusal when it must not be signed.
pub(super) fn agree(
    attempt: &Attempt<'_>,
    base: &Base<'_>,
    target: &Target,
    proposal: &mut Proposal,
) -> Result<Option<Refused>, Error> {
    let Attempt { job, args, ui, .. } = *attempt;
    if !proposal.decides() {
        return Ok(None);
    }
    let asks = !args.yes && !args.dry_run && ui.can_ask();
    let look = match &job.seen {
        Some(_) => Some(look(attempt, base, target, proposal)?),
        None => None,
    };
    let mut anew = false;
    if let (Some(look), Some(seen)) = (look, &job.seen) {
        let given = seen.args.cloned().unwrap_or_default();
        proposal.contents.clone_from(&look.contents);
        proposal.notes.extend(look.notes.iter().cloned());
        if !given.expect.is_empty()
            && let Some(refusal) = unexpected(&look.contents, &given, args)
        {
            look.show(ui);
            let mut facts = Map::new();
            facts.insert("subjects".into(), json!(proposal.content_values()));
            return Ok(Some(Refused::Declined(refusal, facts)));
        }
        if look.has_moved() && !given.any_content {
            let knows = !given.expect.is_empty() || args.dry_run;
            if !asks && !knows {
                look.show(ui);
                let (refusal, facts) = look.unseen(seen.args.is_some());
                return Ok(Some(Refused::Declined(refusal, facts)));
            }
            anew = true;
        }
        // A repeated attempt prints only new changes.
        let words = look.words(ui);
        if !words.is_empty() && (anew || *attempt.told.borrow() != words) {
            ui.say(&words);
            attempt.told.replace(words);
        }
    }
    if !asks {
        let is_unseen = !args.yes && !args.dry_run && ui.asks_unseen();
        return Ok(is_unseen.then(|| Refused::declined(unshown())));
    }
    let shown = proposal.shown();
    if anew || attempt.agreed.borrow().as_ref() != Some(&shown) {
        if target.follows {
            let edits = proposal.edits.iter();
            let edits = edits
                .map(|(path, content)| (attempt.workspace.from_top(path), content.clone()))
                .collect();
            attempt.workspace.repo.check_clean(&edits)?;
        }
        show_decision(proposal, ui);
        if !ui.ask(&format!("Sign this as {}?", base.actor))? {
            return Ok(Some(Refused::NotSigned));
        }
        attempt.agreed.replace(Some(shown));
        attempt.seen.set(Some(target.base));
        if let Some(policy) = job.seen.as_ref().and_then(|seen| seen.policy)
            && let Some(now) = policy.now.borrow().clone()
        {
            policy.shown.replace(now);
        }
    }
    // The notes were printed before the question.
    proposal.notes.clear();
    Ok(None)
}

/// The refusal where what is there already is not the content that the command line
/// names.
pub(super) fn disagrees(attempt: &Attempt<'_>, there: &Existing) -> Option<Refused> {
    let given = attempt.job.seen.as_ref()?.args?;
    if given.expect.is_empty() || there.contents.is_empty() {
        return None;
    }
    let refusal = unexpected(&there.contents, given, attempt.args)?;
    let contents = there.contents.iter();
    let contents: Map<String, Value> = contents
        .map(|(name, digest)| (name.clone(), json!(digest)))
        .collect();
    let mut facts = Map::new();
    facts.insert("subjects".into(), json!(contents));
    Some(Refused::Declined(refusal, facts))
}

/// Returns the refusal for somebody at a terminal who would not see the question.
fn unshown() -> Refusal {
    let typed = typed();
    Refusal {
        why: "the decision and its question go to standard error, and the answer comes from standard input: only one of the two is a terminal".to_owned(),
        remedies: vec![
            "run it again with both on the terminal, to see and answer the question".to_owned(),
            format!("or sign it without the question: `{typed} --yes`"),
        ],
    }
}
