//! What a request to judge comes to: data, which the command line puts into words
//! and an exit code.

use crate::base::{Oid, count};
use crate::judge::finding::Report;

/// A sentence for standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// For every reader.
    Always(String),
    /// For people: a program reads it from the report.
    ForPeople(&'static str),
}

/// The answer to a request.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What is wrong: any of it that is open decides against all of it.
    pub report: Report,
    /// Open findings of the history before, in groups that the change does not touch.
    pub elsewhere: usize,
    /// The page for people, as Markdown, where it was asked for.
    pub summary: Option<String>,
    /// Sentences on how it was judged, in the order in which they are told.
    pub notes: Vec<Notice>,
    /// What a push puts on a mainline that was there: each step that touches the
    /// registry, with the date that it claims; only where that was asked for.
    pub claims: Vec<(Oid, Option<i64>)>,
    /// The tip that the push builds on, where there was one.
    pub onto: Option<Oid>,
}

impl Judgement {
    /// A judgement of which nothing but the report is known.
    pub(super) fn of(report: Report) -> Judgement {
        Judgement {
            report,
            ..Judgement::default()
        }
    }

    /// A judgement that found nothing to judge, and says why.
    pub(super) fn idle(why: &str) -> Judgement {
        let mut judgement = Judgement::default();
        judgement.note(why);
        judgement
    }

    /// Adds a sentence for every reader.
    pub(super) fn note(&mut self, words: impl Into<String>) {
        self.notes.push(Notice::Always(words.into()));
    }

    /// Tells how many findings of the mainline are not in the way.
    pub(super) fn note_elsewhere(&mut self) {
        if self.elsewhere > 0 {
            self.note(format!(
                "{} in other groups of the mainline: `modelry audit` tells more",
                count(self.elsewhere, "finding")
            ));
        }
    }

    /// Whether nothing of the registry was in it, and nothing is wrong.
    pub(super) fn is_idle(&self) -> bool {
        self.report.checked.changes == 0 && self.report.is_clean()
    }

    /// Adds what another registry of the same push comes to.
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
