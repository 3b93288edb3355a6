//! How many findings of one step are listed.

use std::collections::{BTreeSet, HashMap};

use crate::judge::finding::{Anchor, Finding};
use crate::record::kind::{GROUPS_FOLDER, POLICY_FOLDER, group_in, is_of_policy};

/// The most findings of one rule that are listed for one folder, while the step has fewer
/// than [`MOST_OF_STEP`].
const MOST_OF_FOLDER: usize = 100;

/// The most findings of one step that are listed; after that, one for each rule and
/// folder.
const MOST_OF_STEP: usize = 1_000;

/// A move of a folder, reported as one finding.
pub(super) trait Explains {
    /// Whether the finding is the one about this move.
    fn is(&self, finding: &Finding<Anchor>) -> bool;

    /// Whether the finding is about a file that only the move touched.
    fn explains(&self, finding: &Finding<Anchor>) -> bool;
}

/// A rule, and the folder that its findings are counted for.
type Key = (&'static str, String);

/// Keeps the first findings of each rule and folder, and counts the others. A rule that
/// fires for a folder keeps one finding there at least, so the verdict is exact.
#[derive(Default)]
pub(super) struct Bound<'e> {
    explained: Vec<(&'e dyn Explains, BTreeSet<&'static str>)>,
    kept: usize,
    of: HashMap<Key, (usize, u64)>,
}

impl<'e> Bound<'e> {
    /// Leaves out the findings that these moves explain.
    pub(super) fn new(moves: impl Iterator<Item = &'e dyn Explains>) -> Bound<'e> {
        Bound {
            explained: moves.map(|it| (it, BTreeSet::new())).collect(),
            ..Bound::default()
        }
    }

    /// Looks at the findings from `first` on, each once.
    pub(super) fn take(&mut self, list: &mut Vec<Finding<Anchor>>, first: usize) {
        let new = list.split_off(first);
        list.extend(new.into_iter().filter(|finding| self.keeps(finding)));
    }

    fn keeps(&mut self, finding: &Finding<Anchor>) -> bool {
        // The files of a moved folder show nothing that the move does not show.
        let mut moves = self.explained.iter_mut();
        if let Some((_, folded)) = moves.find(|(it, _)| it.explains(finding)) {
            folded.insert(finding.rule.code);
            return false;
        }
        let (kept, more) = self.of.entry(key(finding)).or_default();
        if *kept >= MOST_OF_FOLDER || (*kept > 0 && self.kept >= MOST_OF_STEP) {
            *more += 1;
            return false;
        }
        *kept += 1;
        self.kept += 1;
        true
    }

    /// Adds the number of omitted findings to the last finding of each rule and folder,
    /// and the codes that the move of a folder replaces to that finding.
    pub(super) fn finish(mut self, list: &mut [Finding<Anchor>]) {
        for (it, folded) in &self.explained {
            // Accepting the move takes accepting the findings that it replaces, each by
            // its code.
            if let Some(finding) = list.iter_mut().find(|finding| it.is(finding)) {
                finding.folded.extend(folded);
            }
        }
        for finding in list.iter_mut().rev() {
            let (code, folder) = key(finding);
            let place = match folder.as_str() {
                "" => String::new(),
                folder => format!(" in `{folder}`"),
            };
            if let Some((_, more @ 1..)) = self.of.remove(&(code, folder)) {
                finding.why.push(format!(
                    "the step has {more} more findings of {code}{place}, which are not listed"
                ));
            }
        }
    }
}

/// The policy and its reviews are counted apart: a finding there keeps a policy from
/// coming into force.
fn key(finding: &Finding<Anchor>) -> Key {
    let path = &finding.primary.at.path;
    let in_path = || {
        group_in(path)
            .filter(|group| !group.is_empty())
            .map(str::to_owned)
    };
    let folder = match finding.group.clone().or_else(in_path) {
        Some(group) => format!("{GROUPS_FOLDER}/{group}"),
        None if is_of_policy(path) => POLICY_FOLDER.to_owned(),
        None => String::new(),
    };
    (finding.rule.code, folder)
}
