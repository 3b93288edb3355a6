//! The cost that a simulated merge may have, and its way with a conflict.

/// The most names that are merged for one plan.
const MOST_NAMES: usize = 250_000;

/// The most entries of folders that are read for one plan, and put into merged folders.
const MOST_ENTRIES: usize = 8_000_000;

/// The most bytes of files that are merged line by line for one plan, and the bytes that a
/// smaller merge counts for.
const MOST_BYTES: usize = 64 << 20;
pub(super) const LEAST_BYTES: usize = 1 << 10;

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
    paths: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Effort {
            names: MOST_NAMES,
            entries: MOST_ENTRIES,
            bytes: MOST_BYTES,
            paths: MOST_OF_PATHS,
        }
    }
}

impl Effort {
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

/// The version that a judged file has in the merged tree where it is in conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InConflict {
    /// The one of their side.
    Theirs,
    /// None, as git has it in a base that is itself a merge.
    Neither,
}
