//! The reasons for which Modelry reaches no verdict. A finding says that the registry is
//! wrong. An error says that Modelry could not look, or could not carry out a command.
//! Exit code 2.

use std::path::PathBuf;

use crate::base::{ObjectKind, Oid};

/// Why we could not look, or could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The object store lacks an object: a shallow or partial clone, or damage.
    #[error("{} {id} is not in this repository", kind.as_str())]
    MissingObject {
        /// The object's id.
        id: Oid,
        /// Its kind.
        kind: ObjectKind,
    },
    /// An object's bytes do not match its id.
    #[error("object {id} is damaged, or is no {}", expected.as_str())]
    CorruptObject {
        /// The object's id.
        id: Oid,
        /// The kind that was asked for.
        expected: ObjectKind,
    },
    /// A commit's bytes are not a commit: no tree can be found in them.
    #[error("commit {id} can't be read: {what}")]
    MalformedCommit {
        /// The commit.
        id: Oid,
        /// The fault.
        what: String,
    },
    /// History that this version of the judge can't decide.
    #[error("incomplete: {what}")]
    Incomplete {
        /// The undecided question.
        what: String,
        /// Remedies, one line each.
        hints: Vec<String>,
    },
    /// A file or folder could not be read or written.
    #[error("can't {action} {}", path.display())]
    Io {
        /// `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Git's library refused.
    #[error("{what}")]
    Git {
        /// The action that failed.
        what: String,
        /// libgit2's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The schema accepts a document that the types refuse: a defect of Modelry.
    #[error("{path}: the schema accepts this file and the reader does not: {what}")]
    Disagreement {
        /// The document.
        path: String,
        /// The reader's reason.
        what: String,
    },
    /// Any other error: one sentence, with remedies.
    #[error("{what}")]
    Message {
        /// The sentence.
        what: String,
        /// Remedies, one line each.
        hints: Vec<String>,
    },
}

impl Error {
    /// An error in one sentence.
    pub fn msg(what: impl Into<String>) -> Error {
        Error::Message {
            what: what.into(),
            hints: Vec::new(),
        }
    }

    /// The same error with one more thing to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Error {
        match self {
            Error::Message { what, mut hints } => {
                hints.push(hint.into());
                Error::Message { what, hints }
            }
            Error::Incomplete { what, mut hints } => {
                hints.push(hint.into());
                Error::Incomplete { what, hints }
            }
            other => other,
        }
    }

    /// Returns the remedies, one line each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Error::Message { hints, .. } | Error::Incomplete { hints, .. } => hints.clone(),
            Error::MissingObject { .. } => vec![
                "bring what is missing of the registry: `modelry list --fetch`".into(),
                "or fetch the whole history: `git fetch --unshallow` (shallow clone), or `git fetch --refetch --no-filter` (partial clone)".into(),
            ],
            Error::CorruptObject { .. } => vec!["look at the damage with `git fsck --full`, and fetch the object anew".into()],
            Error::Disagreement { .. } => vec!["this is a defect of Modelry: please report it with the file".into()],
            Error::MalformedCommit { .. } | Error::Io { .. } | Error::Git { .. } => Vec::new(),
        }
    }
}
