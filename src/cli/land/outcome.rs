//! The end of a writing command as a value: the command prints it once.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::commit::Signed;
use super::preview::{Existing, Proposal};
use super::request::Page;
use crate::act::Refusal;
use crate::base::Oid;
use crate::judge::finding::Report;

/// The result of a writing command.
pub(super) enum Landing {
    /// Nothing was written.
    Refused(Refused),
    /// A dry run would succeed; with the destination on a remote.
    Dry(Box<Proposal>, Option<Destination>),
    /// The registry already has what was asked for.
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
    /// The change must not be signed; with members for JSON output.
    Declined(Refusal, Map<String, Value>),
    /// The answer to the question was no.
    NotSigned,
}

impl Refused {
    /// Returns a refusal without members for JSON output.
    pub fn declined(refusal: Refusal) -> Refused {
        Refused::Declined(refusal, Map::new())
    }
}

/// A faulty history, on which no change may build.
pub(super) struct FaultyBase {
    /// The findings that are in the way.
    pub report: Report,
    /// The faulty commits that no remote has.
    pub own: Vec<Oid>,
}

/// A change that is committed on its branch.
pub(super) struct Done {
    pub signed: Rc<Signed>,
    /// The branch's short name.
    pub branch: String,
    /// The remote branch that it landed on, or `None` when it is only in this clone.
    pub sent: Option<Sent>,
    /// Sentences on the places that lack it yet.
    pub unpushed: Vec<String>,
}

/// The destination of a dry run.
pub(super) struct Destination {
    pub remote: String,
    pub branch: String,
    pub onto: Oid,
}

/// The remote branch that it landed on.
pub(super) struct Sent {
    pub remote: String,
    pub tries: usize,
    /// The pull request, or the page that opens one.
    pub page: Option<Page>,
}
