//! One round of delivery: what happened since the cursor, proven, then told
//! event by event; the cursor moves after each.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::cursor::{Cursor, Position};
use super::delivery::{Patience, Sink, deliver};
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

/// Where to start when there is no cursor yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the root: everything is told.
    Root,
    /// After this commit of the mainline.
    Since(Oid),
}

/// What is heard of a round.
#[derive(Debug)]
pub enum Heard<'a> {
    /// An event was taken, after so many tries.
    Taken(&'a Event, u32),
    /// A try failed: why, and the wait before the next one.
    Again(&'a str, Duration),
    /// An event was not taken, and the round ends: why.
    Failed(&'a Event, &'a str),
    /// Something that is good to know.
    Note(String),
}

/// How a round ended.
#[derive(Debug)]
pub enum Ended {
    /// All that happened is told.
    Done,
    /// Nothing is told: what is wrong with the mainline.
    Findings(Box<Report>),
}

/// One round of delivery.
pub struct Round<'r> {
    /// Where.
    pub workspace: &'r Workspace,
    /// The records that are read.
    pub records: &'r Records<'r>,
    /// The mainline's tip.
    pub tip: Oid,
    /// Who is told.
    pub sink: &'r dyn Sink,
    /// How long each event is tried.
    pub patience: Patience,
    /// Where to start, for a new cursor.
    pub start: Option<Start>,
    /// The cursor was another address's: it is this receiver's from now on.
    pub moved: bool,
}

impl Round<'_> {
    /// Tells what happened since the cursor.
    ///
    /// # Errors
    /// When the cursor is missing and no start is given, or is another
    /// receiver's; when history can't be read; when an event is not taken. What
    /// was told until then is in the cursor.
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
            return Err(Error::told(format!(
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
        // A cursor that is there can be gone on from, whatever happens next.
        track.move_to(at(position))?;
        for event in &events[told..] {
            let body = report::json_line(&cloudevents::event(event));
            let taken = deliver(
                self.sink,
                (&event.id, body.as_bytes()),
                self.patience,
                &mut |what, wait| heard(Heard::Again(what, wait)),
            );
            let tries = match taken {
                Ok(tries) => tries,
                Err(untaken) => {
                    heard(Heard::Failed(event, &untaken.why));
                    return Err(untaken.error);
                }
            };
            track.move_to(at(Position::Within(event.mainline, event.id.clone())))?;
            heard(Heard::Taken(event, tries));
        }
        track.move_to(at(Position::After(self.tip)))?;
        Ok(Ended::Done)
    }

    /// Where to go on.
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
            (Some(_), None) => Err(Error::told(
                "the cursor is another receiver's, and would have this one miss what that one was told",
            )
            .hint("give each receiver a cursor of its own; when it is the same one at another address: `--moved`")),
            (Some(_), Some(_)) => Err(Error::told("there is a cursor, and nothing else says where to start")
                .hint("leave `--from-start` or `--since` away; to start over, remove the cursor")),
            (None, Some(Start::Root)) => Ok(Position::Start),
            (None, Some(Start::Since(commit))) => Ok(Position::Since(commit)),
            (None, None) => Err(Error::told("there is no cursor yet, so nothing says where to start")
                .hint("once: `--since HEAD` tells what happens from now on, `--from-start` everything since the root")
                .hint("was it lost? restore it from a copy, or name the last commit that the receiver knows: `--since COMMIT`")),
        }
    }

    /// Where to go on when nothing was told yet and a start is given once more,
    /// for whichever receiver: there, unless that leaves out what was to be told.
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
            // What is not on the mainline any more is told below.
            Some(old) if history::chain_if(objects, old, self.tip)?.is_none() => {
                return Ok(before.clone());
            }
            Some(old) => (
                history::chain_if(objects, next, old)?.is_none(),
                format!("commit {}", old.short()),
            ),
        };
        if is_later {
            return Err(Error::told(format!(
                "the cursor starts at {from}, nothing of it is told yet, and starting at commit {} would leave out what happened between",
                next.short()
            ))
            .hint("leave `--since` away to tell all of it; to leave it out, remove the cursor"));
        }
        Ok(Position::Since(next))
    }

    /// The registry's id, by the policy that was just proven.
    fn registry(&self, objects: &dyn Objects) -> Result<RegistryId, Error> {
        let top = history::read_commit(objects, self.tip)?.tree;
        let snapshot = Snapshot::at(self.records, top, &self.workspace.folder)?;
        let policy = history::policy_at(&snapshot, &format!("commit {}", self.tip.short()))?;
        policy.id().parse().map_err(Error::told)
    }

    /// What was told of is not on the mainline any more.
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

/// How many of the first events were told, when the last of them was this one of
/// this commit; none when the commit has no such event.
fn told(events: &[Event], commit: Oid, id: &str) -> Option<usize> {
    let mut of_commit = events.iter().take_while(|event| event.mainline == commit);
    of_commit.position(|event| event.id == id).map(|at| at + 1)
}
