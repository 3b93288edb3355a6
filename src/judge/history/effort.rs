//! The cost that a simulated merge may have, and its way with a conflict.

use std::collections::HashMap;

/// The most names that are merged for one plan.
const MOST_NAMES: usize = 250_000;

/// The most entries of folders that are read for one plan, and put into merged folders.
const MOST_ENTRIES: usize = 8_000_000;

/// The most bytes of files that are merged line by line for one plan, and the bytes that a
/// smaller merge counts for.
const MOST_BYTES: usize = 64 << 20;
pub(super) const LEAST_BYTES: usize = 1 << 10;

/// The most pairs of equal lines that are looked at for one plan. A text of a few lines,
/// each repeated many times, has as many as the square of its length, and merging it takes
/// as long.
const MOST_PAIRS: usize = 1 << 27;

/// The most conflicts of each kind that a plan names, and the most bytes of their paths.
const MOST_NAMED: usize = 100;
const MOST_OF_PATHS: usize = 1 << 20;

/// The cost that the merges of a plan may still have. Meeting a limit is a conflict of the folder
/// or file where it is met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    pub(super) names: usize,
    pub(super) entries: usize,
    pub(super) bytes: usize,
    pairs: usize,
    paths: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Effort {
            names: MOST_NAMES,
            entries: MOST_ENTRIES,
            bytes: MOST_BYTES,
            pairs: MOST_PAIRS,
            paths: MOST_OF_PATHS,
        }
    }
}

impl Effort {
    /// Whether these texts (base, ours, theirs) may be merged line by line.
    pub(super) fn merges(&mut self, [base, ours, theirs]: [&[u8]; 3]) -> bool {
        let pairs = pairs_of_lines(base, ours).saturating_add(pairs_of_lines(base, theirs));
        let left = self.pairs.checked_sub(pairs);
        self.pairs = left.unwrap_or(self.pairs);
        left.is_some()
    }

    /// Whether one more conflict is named by its path, after `named` of its kind: the
    /// first always is.
    pub(super) fn names_path(&mut self, named: usize, path: &[u8]) -> bool {
        if named > 0 && (named >= MOST_NAMED || self.paths < path.len()) {
            return false;
        }
        self.paths = self.paths.saturating_sub(path.len());
        true
    }
}

/// The number of pairs of a line of one text and an equal line of the other.
fn pairs_of_lines(one: &[u8], other: &[u8]) -> usize {
    let mut lines: HashMap<&[u8], usize> = HashMap::new();
    for line in one.split(|byte| *byte == b'\n') {
        *lines.entry(line).or_default() += 1;
    }
    let count = |line: &[u8]| lines.get(line).copied().unwrap_or(1);
    other
        .split(|byte| *byte == b'\n')
        .map(count)
        .fold(0, usize::saturating_add)
}

/// The version that a judged file has in the merged tree where it is in conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InConflict {
    /// The one of their side.
    Theirs,
    /// None, as git has it in a base that is itself a merge.
    Neither,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_few_lines_that_repeat_are_not_merged() {
        let text = |lines: &[&str], count: usize| lines.join("\n").repeat(count).into_bytes();
        let few = text(&["a\n", "b\n"], 50_000);
        assert!(!Effort::default().merges([&few, &few, &few]));
        let numbers: String = (0..50_000).map(|number| format!("{number}\n")).collect();
        let mut effort = Effort::default();
        for _ in 0..100 {
            assert!(effort.merges([numbers.as_bytes(); 3]));
        }
        let short = text(&["a\n", "b\n"], 1_000);
        assert!(effort.merges([&short, &short, &short]));
        assert_eq!(pairs_of_lines(b"a\nb\na\n", b"a\nc\na\na\n"), 8);
    }
}
