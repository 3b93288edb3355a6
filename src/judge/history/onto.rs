//! The verdict on a branch as if it had landed, in each way of landing.

use std::collections::HashMap;

use super::graph::Graph;
use super::landing::{Clash, MergeText, Plan, Planner};
use super::protected::Judged;
use super::{Arrival, Past, Replay, Stopped, provenance, read_commit, verdict};
use crate::base::{Error, Oid};
use crate::judge::finding::{Anchor, Finding, Note, Place, Remedy, Report, Scope, Tried};
use crate::judge::rules::{self, Resolver};
use crate::object::{Objects, Overlay};
use crate::record::change::{self, Change};
use crate::record::kind::{Action, ActorId, Landing, REGISTRY_FILE, RecordPath};
use crate::record::snapshot::{Loaded, Records, Snapshot};
use crate::trust::{Author, Carrier, Policy, Verdict, tally_policy};

/// The question about a branch.
pub struct Onto<'o> {
    /// The registry's folder from the repository's top; empty for the top.
    pub folder: &'o str,
    /// The policy in force at `base`.
    pub policy: &'o Policy,
    /// The mainline's name.
    pub mainline: &'o str,
    /// The mainline's tip.
    pub base: Oid,
    /// The branch's tip.
    pub tip: Oid,
    /// The ways to try.
    pub ways: &'o [Landing],
    /// The report on the mainline up to `base`.
    pub before: &'o Report,
    /// Merges texts as git does.
    pub merge_text: MergeText<'o>,
}

/// The results for a branch that would land.
#[derive(Debug, Default)]
pub struct Landings {
    /// Its findings, in any way of landing, and the findings of the mainline that stop
    /// it.
    pub report: Report,
    /// How many findings of the mainline stop it.
    pub stopped: usize,
    /// The number of findings of the mainline in groups that it does not touch.
    pub elsewhere: usize,
}

/// Judges the landing of a branch, in each way. Findings that several ways share are
/// reported once. A finding of the mainline stops it as it stops a push.
///
/// # Errors
/// `base` has all of the branch already.
pub fn onto(objects: &dyn Objects, ask: &Onto<'_>) -> Result<Landings, Error> {
    let overlay = Overlay::new(objects);
    let records = Records::new(&overlay);
    let graph = Graph::new(&overlay, None);
    if graph.sides(ask.base, ask.tip)?.second.is_empty() {
        return Err(Error::msg(format!(
            "there is nothing to land: `{}` at {} has all of {}",
            ask.mainline,
            ask.base.short(),
            ask.tip.short()
        ))
        .hint("name the branch's tip: `modelry validate --onto BASE TIP`"));
    }
    let judged = Judged::of(ask.folder, ask.policy);
    let court = Court {
        ask,
        planner: Planner {
            objects: &overlay,
            graph: &graph,
            merge_text: ask.merge_text,
            judged: &judged,
        },
        records: &records,
        prior: Snapshot::at(&records, read_commit(&overlay, ask.base)?.tree, ask.folder)?,
        next: Snapshot::at(&records, read_commit(&overlay, ask.tip)?.tree, ask.folder)?,
    };
    let merge = court.judge(Landing::Merge)?;
    let mut all = AllWays::default();
    for way in ask.ways {
        let judged = match way {
            Landing::Merge => merge.clone(),
            way => court.judge(*way)?,
        };
        all.add(&court, *way, judged, &merge)?;
    }
    let mut report = all.report;
    report.checked.documents = records.documents();
    let stopped = all.stopping.len();
    report.findings.splice(0..0, all.stopping);
    Ok(Landings {
        report,
        stopped,
        elsewhere: all.elsewhere,
    })
}

/// What the ways of landing amount to together: a finding that several share is listed
/// once.
#[derive(Default)]
struct AllWays {
    report: Report,
    /// The findings of the mainline that stop the branch.
    stopping: Vec<Finding<Place>>,
    /// The number of findings of the mainline that don't.
    elsewhere: usize,
    /// The findings in the report, by their identity.
    listed: HashMap<Identity, usize>,
}

/// The code, message, path, pointer and acknowledgement of a finding.
type Identity = (&'static str, String, String, String, Option<String>);

impl AllWays {
    /// Adds the verdict on one way of landing.
    fn add(
        &mut self,
        court: &Court<'_, '_>,
        way: Landing,
        judged: WayJudged,
        merge: &WayJudged,
    ) -> Result<(), Error> {
        let report = &mut self.report;
        report.landings.push(Tried {
            way,
            findings: judged.report.open().count(),
            makes: judged.makes,
        });
        if report.landings.len() == 1 {
            report.checked = judged.report.checked;
        }
        self.elsewhere = self.elsewhere.max(judged.stopped.elsewhere);
        for finding in judged.stopped.findings {
            let same = |known: &Finding<Place>| {
                known.step == finding.step
                    && known.rule.code == finding.rule.code
                    && known.message == finding.message
                    && known.primary.at.path == finding.primary.at.path
                    && known.primary.at.line == finding.primary.at.line
            };
            if !self.stopping.iter().any(same) {
                self.stopping.push(finding);
            }
        }
        for mut finding in judged.report.findings {
            let at = &finding.primary.at;
            let identity = (
                finding.rule.code,
                finding.message.clone(),
                at.path.clone(),
                at.pointer.clone(),
                finding.acknowledged.clone(),
            );
            match self.listed.get(&identity) {
                Some(index) => {
                    let ways: &mut Vec<Landing> = &mut report.findings[*index].landings;
                    if !ways.contains(&way) {
                        ways.push(way);
                    }
                }
                None => {
                    self.listed.insert(identity, report.findings.len());
                    finding.landings.push(way);
                    court.instead(&mut finding, way, merge)?;
                    report.findings.push(finding);
                }
            }
        }
        for note in judged.report.notes {
            if !report.notes.iter().any(|known| known.message == note.message) {
                report.notes.push(note);
            }
        }
        Ok(())
    }
}

/// The registry before and after a branch has landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The tree before: the mainline's.
    pub before: Oid,
    /// The tree after: of a merge.
    pub after: Oid,
    /// Whether the branch can't be merged as it is. Then the trees are the
    /// branch's own: where it left the mainline, and its tip.
    pub in_conflict: bool,
}

/// Computes the registry before and after the branch lands. New objects go to `overlay`.
pub fn outlook(overlay: &Overlay<'_>, ask: &Onto<'_>) -> Result<Outlook, Error> {
    let graph = Graph::new(overlay, None);
    let judged = Judged::of(ask.folder, ask.policy);
    let planner = Planner {
        objects: overlay,
        graph: &graph,
        merge_text: ask.merge_text,
        judged: &judged,
    };
    let plan = planner.plan(Landing::Merge, ask.base, ask.tip)?;
    if let Some(commit) = plan.commits.last() {
        return Ok(Outlook {
            before: read_commit(overlay, ask.base)?.tree,
            after: commit.tree,
            in_conflict: false,
        });
    }
    let shared = graph.sides(ask.base, ask.tip)?.shared;
    let left = shared.first().copied().unwrap_or(ask.base);
    Ok(Outlook {
        before: read_commit(overlay, left)?.tree,
        after: read_commit(overlay, ask.tip)?.tree,
        in_conflict: true,
    })
}

/// The most conflicts outside of the registry that have a note each.
const MOST_NOTES: usize = 20;

/// The most faults of malformed folders that are listed.
const MOST_MALFORMED: usize = 100;

/// The most characters of a path in a note.
const MOST_OF_PATH: usize = 200;

/// Returns the start of a path: folders can be nested deep, and names be long.
fn shortened(path: &str) -> String {
    match path.char_indices().nth(MOST_OF_PATH) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path.to_owned(),
    }
}

fn own_path<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    match folder {
        "" => Some(path),
        folder => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

/// The result of one way.
#[derive(Clone, Default)]
struct WayJudged {
    report: Report,
    makes: String,
    /// The findings of the mainline that stop it.
    stopped: Stopped,
    /// The proven author of each file.
    writers: HashMap<String, Writer>,
}

/// The author of a file, and whether the record itself proves it.
#[derive(Clone)]
struct Writer {
    actor: ActorId,
    by_record: bool,
    can_be_signed: bool,
}

struct Court<'c, 'a> {
    ask: &'c Onto<'c>,
    planner: Planner<'c, 'a>,
    records: &'c Records<'c>,
    prior: Snapshot<'c>,
    next: Snapshot<'c>,
}

impl Court<'_, '_> {
    fn judge(&self, way: Landing) -> Result<WayJudged, Error> {
        let plan = self.planner.plan(way, self.ask.base, self.ask.tip)?;
        let mut judged = WayJudged {
            makes: match (way, plan.commits.len()) {
                (Landing::Merge, _) => "a merge commit".into(),
                (Landing::Squash, _) => "one commit".into(),
                (Landing::Rebase, 1) => "1 commit made anew".into(),
                (Landing::Rebase, count) => format!("{count} commits made anew"),
            },
            ..WayJudged::default()
        };
        let resolver = Resolver {
            prior: self.prior,
            next: self.next,
            folder: self.ask.folder,
            before: Some(self.ask.base),
            after: Some(self.ask.tip),
        };
        self.conflicts(&plan, &resolver, &mut judged.report)?;
        if !judged.report.findings.is_empty() {
            judged.makes = "nothing yet".into();
            let scope = Scope::Groups(Vec::new());
            let (stopping, others): (Vec<_>, Vec<_>) = self
                .ask
                .before
                .open()
                .cloned()
                .partition(|finding| scope.is_stopped_by(finding));
            judged.stopped = Stopped {
                findings: stopping,
                elsewhere: others.len(),
            };
            return Ok(judged);
        }
        let mut replay = Replay::with_policy(self.records, self.ask.folder, self.ask.policy.clone());
        let mut arrival = Arrival::default();
        for commit in &plan.commits {
            let step = replay.landing(commit)?;
            arrival.add(&step);
            for (change, author) in step.changes.iter().zip(&step.authors) {
                judged.note_writer(change, author);
            }
            judged.report.findings.extend(step.findings);
            judged.report.notes.extend(step.notes);
        }
        replay.mark(&mut judged.report);
        arrival.settle(&mut judged.report);
        let before = Report {
            findings: self.ask.before.findings.clone(),
            ..Report::default()
        };
        judged.stopped = arrival.stopped_by(before, &replay, false);
        judged.report.checked = replay.checked;
        Ok(judged)
    }

    /// Reports why a plan can't land: as many of each kind as it names, and how many more.
    fn conflicts(&self, plan: &Plan, resolver: &Resolver<'_>, report: &mut Report) -> Result<(), Error> {
        let mut tell = |mut finding: Finding<Anchor>, more: Option<String>| {
            finding.why.extend(more);
            report.findings.push(resolver.resolve(finding));
        };
        let malformed = &plan.malformed[..plan.malformed.len().min(MOST_MALFORMED)];
        for (at, (folder, what)) in malformed.iter().enumerate() {
            let folder = own_path(self.ask.folder, folder).unwrap_or(folder);
            let more = plan.malformed.len() - malformed.len();
            let last = at + 1 == malformed.len() && more > 0;
            let more = last.then(|| format!("there are {more} more such faults, which are not listed"));
            tell(rules::malformed_tree(folder, what), more);
        }
        for (at, clash) in plan.clashes.iter().enumerate() {
            let more = plan.more.clashes;
            let last = at + 1 == plan.clashes.len() && more > 0;
            let more = last.then(|| format!("{more} more files are in conflict, which are not listed"));
            tell(self.conflict(clash)?, more);
        }
        for (at, (from, to)) in plan.renames.iter().enumerate() {
            let (from, to) = (String::from_utf8_lossy(from), String::from_utf8_lossy(to));
            let own = own_path(self.ask.folder, &to).unwrap_or(&to);
            let more = plan.more.renames;
            let last = at + 1 == plan.renames.len() && more > 0;
            let more = last.then(|| format!("{more} more files are removed so, which are not listed"));
            tell(rules::renamed_into(&from, own, self.ask.mainline), more);
        }
        let named = &plan.elsewhere[..plan.elsewhere.len().min(MOST_NOTES)];
        for path in named {
            let path = shortened(&String::from_utf8_lossy(path));
            report.notes.push(Note {
                message: format!("`{path}` is no file of the registry, and is in conflict too"),
                path: Some(path),
                commit: None,
            });
        }
        let unnamed = u64::try_from(plan.elsewhere.len() - named.len()).unwrap_or(u64::MAX);
        let more = plan.more.elsewhere.saturating_add(unnamed);
        if more > 0 {
            report.notes.push(Note {
                message: format!("{more} more conflicts are outside of the registry"),
                path: None,
                commit: None,
            });
        }
        Ok(())
    }

    /// Both sides of a conflict.
    fn conflict(&self, clash: &Clash) -> Result<Finding<Anchor>, Error> {
        let full = String::from_utf8_lossy(&clash.path).into_owned();
        let own = own_path(self.ask.folder, &full).unwrap_or(&full);
        let record = RecordPath::parse(own);
        let mut pointer = String::new();
        if let Some(record) = &record
            && let (Some(ours), Some(theirs)) = (self.prior.read(record)?, self.next.read(record)?)
        {
            let differing = change::differing_pointers(ours.value(), theirs.value());
            pointer = differing.into_iter().next().unwrap_or_default();
        }
        let branch = clash.commit.unwrap_or(self.ask.tip);
        Ok(rules::merge_conflict(
            own,
            &pointer,
            &self.side(self.ask.base, &full)?,
            &self.side(branch, &full)?,
            self.ask.mainline,
        ))
    }

    /// Describes the author of the file as it is at `tip`.
    fn side(&self, tip: Oid, path: &str) -> Result<String, Error> {
        let objects = self.planner.objects;
        Ok(
            match provenance::author_of(objects, self.planner.graph, self.ask.folder, tip, path, &|_| {
                Ok(false)
            })? {
                Some(commit) => {
                    let signer = verdict(self.ask.policy, &read_commit(objects, commit)?);
                    format!("commit {}, signed by {}", commit.short(), signer.words())
                }
                None => format!("it is not there at {}", tip.short()),
            },
        )
    }

    /// Names the way to make one step of a branch whose reviews come after the policy: a
    /// rebase lands each commit as a step, and a squash of the branch is clean.
    fn one_step_instead(&self, finding: &mut Finding<Place>) -> Result<bool, Error> {
        let squash = self.judge(Landing::Squash)?;
        let lacks = |finding: &&Finding<Place>| finding.rule.code == "MR403";
        if squash.makes == "nothing yet" || squash.report.open().any(|finding| lacks(&finding)) {
            return Ok(false);
        }
        let Some(line) = self.one_commit()? else {
            return Ok(false);
        };
        finding
            .why
            .push("a rebase lands each commit as a step, and the reviews come after this one".to_owned());
        let other = match self.ask.policy.landing().contains(&Landing::Squash) {
            true => ", or land it as a squash",
            false => "",
        };
        finding.help = Some(format!(
            "make one commit of the branch, with it checked out: `{line}`{other}"
        ));
        Ok(true)
    }

    /// Names the administrator whose signed commit this way of landing drops: it needs a
    /// review by that administrator instead.
    fn review_instead(
        &self,
        finding: &mut Finding<Place>,
        way: Landing,
        merge: &WayJudged,
    ) -> Result<(), Error> {
        let Some(registry) = self.next.registry()? else {
            return Ok(());
        };
        let serial = registry.registry().map_or(0, |registry| registry.serial);
        let Some(writer) = merge.writers.get(REGISTRY_FILE) else {
            return Ok(());
        };
        let (policy, actor) = (self.ask.policy, &writer.actor);
        let decides = policy.may(actor, Action::Administer, None, None) || policy.is_recovery(actor);
        if !decides || self.next.policy_reviewers(serial)?.contains(actor) {
            return Ok(());
        }
        finding.why.push(format!(
            "`{actor}` signed a commit of the branch, which a {} leaves behind",
            way.name()
        ));
        // Each commit of a rebase is a step, so the review goes into the policy's own.
        let one_step = match way {
            Landing::Rebase if self.lacks_one(&registry)? => self.one_commit()?,
            _ => None,
        };
        let one_step = one_step.map_or_else(String::new, |line| format!(" && {line}"));
        finding.help = Some(format!(
            "ask `{actor}` to review policy {serial} too: `modelry policy approve -m REASON{one_step}`, with the branch checked out"
        ));
        Ok(())
    }

    /// Whether one more review is enough for the policy at the tip, landed as one commit.
    fn lacks_one(&self, registry: &Loaded) -> Result<bool, Error> {
        let (policy, host) = (self.ask.policy, Carrier::new(None, Verdict::Host));
        let past = Past::new(self.planner.objects, self.ask.folder, Some(self.ask.base));
        let tally = tally_policy(policy, policy, (&self.prior, &self.next), registry, &host, &past)?;
        Ok(tally.counted.len() + 1 == tally.required as usize)
    }

    /// Returns the line that makes one commit of the branch, or `None` where it has no
    /// commit in common with the mainline.
    fn one_commit(&self) -> Result<Option<String>, Error> {
        let sides = self.planner.graph.sides(self.ask.base, self.ask.tip)?;
        let left = sides.shared.first();
        Ok(left.map(|left| format!("git reset --soft {} && git commit -S -m REASON", left.short())))
    }

    /// Describes how to land a policy that lacks a review in this way alone.
    fn approval_instead(
        &self,
        finding: &mut Finding<Place>,
        way: Landing,
        merge: &WayJudged,
    ) -> Result<(), Error> {
        let is_told = way == Landing::Rebase && self.one_step_instead(finding)?;
        match is_told {
            true => Ok(()),
            false => self.review_instead(finding, way, merge),
        }
    }

    /// Describes how to land changes that only a host's own commit would sign.
    fn instead(&self, finding: &mut Finding<Place>, way: Landing, merge: &WayJudged) -> Result<(), Error> {
        match finding.rule.code {
            _ if way == Landing::Merge => {}
            "MR403" => self.approval_instead(finding, way, merge)?,
            "MR301" => self.sign_instead(finding, way, merge),
            "MR202" | "MR216" | "MR401" | "MR402" | "MR404" => self.merge_instead(finding, merge),
            _ => {}
        }
        Ok(())
    }

    /// Names the merge if that alone is clean: another way lands each commit of the
    /// branch as a step, or several as one.
    fn merge_instead(&self, finding: &mut Finding<Place>, merge: &WayJudged) {
        if merge.report.open().count() > 0 || !self.ask.policy.landing().contains(&Landing::Merge) {
            return;
        }
        finding.help = Some(format!(
            "land it as a merge, and check that way alone: `modelry validate --onto {} {} --landing merge`",
            self.ask.base.short(),
            self.ask.tip.short()
        ));
    }

    /// Names the signer of a commit that this way of landing drops, if the record itself
    /// has no signature.
    fn sign_instead(&self, finding: &mut Finding<Place>, way: Landing, merge: &WayJudged) {
        let own = own_path(self.ask.folder, &finding.primary.at.path).unwrap_or(&finding.primary.at.path);
        let Some(writer) = merge.writers.get(own).filter(|writer| !writer.by_record) else {
            return;
        };
        let actor = &writer.actor;
        finding.why.push(format!(
            "`{actor}` signed a commit of the branch, which a {} leaves behind",
            way.name()
        ));
        let may_merge = self.ask.policy.landing().contains(&Landing::Merge);
        let signs = format!("let `{actor}` sign the record itself: without `--no-record-signature`");
        finding.help = Some(match (may_merge, writer.can_be_signed) {
            (true, true) => format!("land it as a merge, or {signs}"),
            (true, false) => format!(
                "land it as a merge, which keeps the branch's own commits, and check that way alone: `modelry validate --onto {} {} --landing merge`",
                self.ask.base.short(),
                self.ask.tip.short()
            ),
            (false, true) => signs,
            (false, false) => {
                finding.remedy = Remedy::Choose;
                format!(
                    "this can't be signed but by its commit: let `{actor}` push it to `{}`, or allow merges in the policy's `landing`",
                    self.ask.mainline
                )
            }
        });
    }
}

impl WayJudged {
    fn note_writer(&mut self, change: &Change, author: &Author) {
        let Some(actor) = author.verdict.actor() else {
            return;
        };
        let writer = Writer {
            actor: actor.clone(),
            by_record: author.by_record,
            can_be_signed: crate::trust::is_in_record(change),
        };
        self.writers.insert(change.path.clone(), writer);
    }
}
