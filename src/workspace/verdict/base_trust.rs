//! The history that something builds on: proven, or taken as given.

use crate::workspace::prove::How;

/// How far the history is believed on which something builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseTrust {
    /// It is proven from the last point that this clone verified.
    Verified,
    /// It is proven from the root.
    Replay,
    /// It is taken as given.
    Given,
}

impl BaseTrust {
    /// How to prove it; none when it is taken as given.
    pub(super) fn how(self) -> Option<How> {
        (self != BaseTrust::Given).then(|| How {
            replay: self == BaseTrust::Replay,
            ..How::default()
        })
    }
}
