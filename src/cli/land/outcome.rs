//! The end of a writing command as a value: the command prints it once.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::commit::Signed;
use super::preview::{Existing, Proposal};
use super::request::Page;
use crate::act::Refusal;
use crate::base::Oid;
use crate::judge::finding::Report;

/// The end of a writing command.
pub(super) enum Landing {
    /// Nothing was written.
    Refused(Refused),
    /// It would be fine, and no more was asked; with where it would go, on a remote.
    Dry(Box<Proposal>, Option<Destination>),
    /// The registry holds already what was asked for.
    Existing(Existing),
    /// The commit is made.
    Done(Box<Done>),
}

/// The reason why nothing was written.
pub(super) enum Refused {
    /// The history that it would build on is faulty.
    Faulty(FaultyBase),
    /// The change itself has findings.
    Findings(Report),
    /// It is not to be signed: with members for programs.
    Declined(Refusal, Map<String, Value>),
    /// The answer to the question was no.
    NotSigned,
}

impl Refused {
    /// A refusal of which programs learn nothing more.
    pub fn declined(refusal: Refusal) -> Refused {
        Refused::Declined(refusal, Map::new())
    }
}

/// A history that nothing may build on.
pub(super) struct FaultyBase {
    /// The findings that are in the way.
    pub report: Report,
    /// The faulty commits that no remote has.
    pub own: Vec<Oid>,
}

/// A change that is a commit, and on its branch.
pub(super) struct Done {
    pub signed: Rc<Signed>,
    /// The branch's short name.
    pub branch: String,
    /// Where it landed; none when that is this clone alone.
    pub sent: Option<Sent>,
    /// Sentences on the places that lack it yet.
    pub unpushed: Vec<String>,
}

/// Where a dry run would have landed.
pub(super) struct Destination {
    pub remote: String,
    pub branch: String,
    pub onto: Oid,
}

/// Where it landed.
pub(super) struct Sent {
    pub remote: String,
    pub tries: usize,
    /// The pull request, or the page that opens one.
    pub page: Option<Page>,
}
