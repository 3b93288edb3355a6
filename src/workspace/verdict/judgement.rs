//! The answer to a request to judge: data, which the command line turns into words
//! and an exit code.

use crate::base::{Oid, count};
use crate::judge::finding::Report;

/// A sentence for standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// For every reader.
    Always(String),
    /// For people; a program finds it in the report.
    ForPeople(&'static str),
}

/// The answer to a request.
#[derive(Debug, Default)]
pub struct Judgement {
    /// The findings; an open one decides against the whole request.
    pub report: Report,
    /// The number of open findings in the earlier history, in groups that the change
    /// does not touch.
    pub elsewhere: usize,
    /// The summary for people as Markdown, if it was asked for.
    pub summary: Option<String>,
    /// Sentences on how it was judged, in the order in which they are printed.
    pub notes: Vec<Notice>,
    /// The steps that a push adds to an existing mainline and that touch the
    /// registry, each with the date that it claims; only if they were asked for.
    pub claims: Vec<(Oid, Option<i64>)>,
    /// The tip that the push builds on, if there was one.
    pub onto: Option<Oid>,
}

impl Judgement {
    /// Creates a judgement with a report only.
    pub(super) fn of(report: Report) -> Judgement {
        Judgement {
            report,
            ..Judgement::default()
        }
    }

    /// Creates a judgement for a request without anything to judge, with the reason.
    pub(super) fn idle(why: &str) -> Judgement {
        let mut judgement = Judgement::default();
        judgement.note(why);
        judgement
    }

    /// Adds a sentence for every reader.
    pub(super) fn note(&mut self, words: impl Into<String>) {
        self.notes.push(Notice::Always(words.into()));
    }

    /// Notes how many findings of the mainline do not block the change.
    pub(super) fn note_elsewhere(&mut self) {
        if self.elsewhere > 0 {
            self.note(format!(
                "{} elsewhere in the history: `modelry audit` tells more",
                count(self.elsewhere, "finding")
            ));
        }
    }

    /// Whether the request contained nothing of the registry, and nothing is wrong.
    pub(super) fn is_idle(&self) -> bool {
        self.report.checked.changes == 0 && self.report.is_clean()
    }

    /// Adds the judgement on another registry of the same push.
    pub(super) fn join(&mut self, other: Judgement) {
        self.report.findings.extend(other.report.findings);
        self.report.notes.extend(other.report.notes);
        self.report.checked.changes += other.report.checked.changes;
        self.report.checked.documents += other.report.checked.documents;
        self.report.checked.steps = self.report.checked.steps.max(other.report.checked.steps);
        self.elsewhere += other.elsewhere;
        self.claims.extend(other.claims);
        self.onto = self.onto.or(other.onto);
    }
}
