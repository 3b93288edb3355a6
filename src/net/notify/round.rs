//! One round of delivery: proves the history since the cursor, then delivers it event
//! by event. The cursor moves after each event.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::cursor::{Cursor, Position};
use super::delivery::{RetryBudget, Sink, deliver};
use super::track::Track;
use crate::base::{Error, Oid};
use crate::exchange::cloudevents;
use crate::judge::finding::Report;
use crate::judge::history;
use crate::judge::rules::{self, Resolver};
use crate::object::Objects;
use crate::record::kind::RegistryId;
use crate::record::snapshot::{Records, Snapshot};
use crate::report;
use crate::report::event::Event;
use crate::workspace::Workspace;
use crate::workspace::verdict::{Occurred, occurred};

/// The start of a new cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The root: all events are delivered.
    Root,
    /// After this commit of the mainline.
    Since(Oid),
}

/// A message about a round, for the user.
#[derive(Debug)]
pub enum Heard<'a> {
    /// An event was accepted.
    Taken(&'a Event),
    /// An attempt failed: the reason, and the wait before the next one.
    Again(&'a str, Duration),
    /// An event was not accepted, which ends the round: the reason.
    Failed(&'a Event, &'a str),
    /// A note for the user.
    Note(String),
}

/// The result of a round.
#[derive(Debug)]
pub enum Ended {
    /// All events were delivered.
    Done,
    /// Nothing was delivered: the mainline has findings.
    Findings(Box<Report>),
}

/// One round of delivery.
pub struct Round<'r> {
    /// The workspace.
    pub workspace: &'r Workspace,
    /// The records of the repository.
    pub records: &'r Records<'r>,
    /// The mainline's tip.
    pub tip: Oid,
    /// The receiver.
    pub sink: &'r dyn Sink,
    /// The time for which each event is tried.
    pub patience: RetryBudget,
    /// The start of a new cursor.
    pub start: Option<Start>,
    /// Whether the cursor of another address becomes this receiver's.
    pub moved: bool,
}

impl Round<'_> {
    /// Delivers the events since the cursor.
    ///
    /// # Errors
    /// The cursor is missing and no start is given; it belongs to another receiver;
    /// history can't be read; or an event is not accepted. The cursor records what
    /// was delivered until then.
    pub fn run(&self, track: &mut Track, heard: &mut dyn FnMut(Heard<'_>)) -> Result<Ended, Error> {
        let objects = self.records.objects();
        let sink = Sha256::digest(self.sink.address()).into();
        let position = self.position(objects, track.cursor(), sink)?;
        if let Some(commit) = position.commit()
            && history::chain_if(objects, commit, self.tip)?.is_none()
        {
            return self.gone(commit);
        }
        let from = match &position {
            Position::Start => None,
            Position::Since(commit) | Position::After(commit) => Some(*commit),
            Position::Within(commit, _) => history::read_commit(objects, *commit)?.parents.first().copied(),
        };
        let events = match occurred(self.workspace, self.records, from, self.tip, |_| {})? {
            Occurred::Events(events) => events,
            Occurred::Refused(report) => return Ok(Ended::Findings(report)),
        };
        let registry = self.registry(objects)?;
        if let Some(cursor) = track.cursor()
            && cursor.registry != registry
        {
            return Err(Error::msg(format!(
                "the cursor is of registry {}, and this is {registry}",
                cursor.registry
            ))
            .hint("give each registry a cursor of its own"));
        }
        let at = |position| Cursor {
            registry: registry.clone(),
            sink,
            position,
        };
        let told = match &position {
            Position::Within(commit, id) => told(&events, *commit, id).unwrap_or_else(|| {
                heard(Heard::Note(format!(
                    "the cursor's event {id} is not among those of commit {}: all of them are told again",
                    commit.short()
                )));
                0
            }),
            _ => 0,
        };
        // Once the cursor exists, a later run can continue from it.
        track.move_to(at(position))?;
        for event in &events[told..] {
            let body = report::json_line(&cloudevents::event(event));
            let taken = deliver(
                self.sink,
                (&event.id, body.as_bytes()),
                self.patience,
                &mut |what, wait| heard(Heard::Again(what, wait)),
            );
            if let Err(untaken) = taken {
                heard(Heard::Failed(event, &untaken.why));
                return Err(untaken.error);
            }
            track.move_to(at(Position::Within(event.mainline, event.id.clone())))?;
            heard(Heard::Taken(event));
        }
        track.move_to(at(Position::After(self.tip)))?;
        Ok(Ended::Done)
    }

    /// Returns the position to continue from.
    fn position(
        &self,
        objects: &dyn Objects,
        cursor: Option<&Cursor>,
        sink: [u8; 32],
    ) -> Result<Position, Error> {
        match (cursor, self.start) {
            (Some(cursor), Some(start)) if cursor.position.is_untold() => {
                self.started_again(objects, &cursor.position, start)
            }
            (Some(cursor), None) if cursor.sink == sink || self.moved => Ok(cursor.position.clone()),
            (Some(_), None) => Err(Error::msg(
                "the cursor is another receiver's, and would have this one miss what that one was told",
            )
            .hint("give each receiver a cursor of its own; when it is the same one at another address: `--moved`")),
            (Some(_), Some(_)) => Err(Error::msg("there is a cursor, and nothing else says where to start")
                .hint("leave `--from-start` or `--since` away; to start over, remove the cursor")),
            (None, Some(Start::Root)) => Ok(Position::Start),
            (None, Some(Start::Since(commit))) => Ok(Position::Since(commit)),
            (None, None) => Err(Error::msg("there is no cursor yet, so nothing says where to start")
                .hint("once: `--since HEAD` tells what happens from now on, `--from-start` everything since the root")
                .hint("was it lost? restore it from a copy, or name the last commit that the receiver knows: `--since COMMIT`")),
        }
    }

    /// Returns the position for a start that is given again before the first
    /// delivery, possibly for another receiver. Refuses one that would skip events.
    fn started_again(
        &self,
        objects: &dyn Objects,
        before: &Position,
        start: Start,
    ) -> Result<Position, Error> {
        let next = match start {
            Start::Root => return Ok(Position::Start),
            Start::Since(commit) => commit,
        };
        let (is_later, from) = match before.commit() {
            None => (true, "the root".to_owned()),
            // A commit that has left the mainline is reported below.
            Some(old) if history::chain_if(objects, old, self.tip)?.is_none() => {
                return Ok(before.clone());
            }
            Some(old) => (
                history::chain_if(objects, next, old)?.is_none(),
                format!("commit {}", old.short()),
            ),
        };
        if is_later {
            return Err(Error::msg(format!(
                "the cursor starts at {from}, nothing of it is told yet, and starting at commit {} would leave out what happened between",
                next.short()
            ))
            .hint("leave `--since` away to tell all of it; to leave it out, remove the cursor"));
        }
        Ok(Position::Since(next))
    }

    /// Returns the registry's id, by the policy that was just proven.
    fn registry(&self, objects: &dyn Objects) -> Result<RegistryId, Error> {
        let top = history::read_commit(objects, self.tip)?.tree;
        let snapshot = Snapshot::at(self.records, top, &self.workspace.folder)?;
        let policy = history::policy_at(&snapshot, &format!("commit {}", self.tip.short()))?;
        policy.id().parse().map_err(Error::msg)
    }

    /// Returns the error for a cursor whose commit is not on the mainline any more.
    fn gone(&self, commit: Oid) -> Result<Ended, Error> {
        let top = history::read_commit(self.records.objects(), self.tip)?.tree;
        let snapshot = Snapshot::at(self.records, top, &self.workspace.folder)?;
        let resolver = Resolver {
            prior: snapshot,
            next: snapshot,
            folder: &self.workspace.folder,
            before: Some(self.tip),
            after: Some(self.tip),
        };
        let finding = rules::told_mainline(self.workspace.mainline_name(), commit, self.tip);
        Ok(Ended::Findings(Box::new(Report {
            findings: vec![resolver.resolve(finding)],
            ..Report::default()
        })))
    }
}

/// Counts the commit's events up to the one with this id, or `None` when the commit
/// has no such event.
fn told(events: &[Event], commit: Oid, id: &str) -> Option<usize> {
    let mut of_commit = events.iter().take_while(|event| event.mainline == commit);
    of_commit.position(|event| event.id == id).map(|at| at + 1)
}
