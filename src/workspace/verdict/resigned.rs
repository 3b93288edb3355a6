//! The remedy of a commit without a valid signature that is not the last one: each
//! commit from there is signed again.

use crate::base::{Error, Oid};
use crate::judge::finding::{Finding, Place, Report};
use crate::judge::history;
use crate::workspace::Workspace;

/// The remedy for the last commit of the branch.
const LAST: &str = "`git commit --amend --no-edit -S`";

impl Workspace {
    /// Rewrites the remedies that amend the last commit where the finding is about an
    /// earlier one of the branch that is checked out. Merges stay as they are.
    pub fn sign_again(&self, report: &mut Report) {
        // What a policy accepted needs no remedy.
        let wants = |finding: &Finding<Place>| {
            finding.acknowledged.is_none() && finding.help.as_ref().is_some_and(|help| help.contains(LAST))
        };
        if !report.findings.iter().any(wants) {
            return;
        }
        let Ok(Some(head)) = self.repo.head().map(|head| head.tip()) else {
            return;
        };
        for finding in report.findings.iter_mut().filter(|finding| wants(finding)) {
            let Some(step) = finding.step.filter(|step| *step != head) else {
                continue;
            };
            if let (Ok(true), Some(help)) = (self.is_before(step, head), &mut finding.help) {
                let line = format!(
                    "`git rebase --exec 'git commit --amend --no-edit -S' {}~1`",
                    step.short()
                );
                *help = help.replace(LAST, &format!("{line}, which signs each commit from there"));
            }
        }
    }

    /// Whether a plain chain of commits leads from one commit to another.
    fn is_before(&self, step: Oid, head: Oid) -> Result<bool, Error> {
        let objects = self.repo.objects()?;
        let chain = history::chain_if(&objects, step, head)?;
        Ok(chain.is_some_and(|chain| chain.iter().all(|commit| commit.parents.len() == 1)))
    }
}
