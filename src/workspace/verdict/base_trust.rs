//! The trust in the history that a change builds on: proven, or trusted.

use crate::workspace::prove::ProveOptions;

/// The trust in the history on which a change builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseTrust {
    /// It is proven from the last point that this clone verified.
    Verified,
    /// It is proven from the root.
    Replay,
    /// It is trusted without a proof.
    Given,
}

impl BaseTrust {
    /// Returns the options of the proof; `None` if the history is taken as given.
    pub(super) fn how(self) -> Option<ProveOptions> {
        (self != BaseTrust::Given).then(|| ProveOptions {
            replay: self == BaseTrust::Replay,
            ..ProveOptions::default()
        })
    }
}
