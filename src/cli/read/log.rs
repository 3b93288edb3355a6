//! `modelry log`

use std::collections::{BTreeSet, HashMap};

use clap::Args;
use serde_json::{Value, json};

use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::names::Target;
use crate::cli::output::Outcome;
use crate::cli::read::at::{ReadArgs, Reading};
use crate::judge::history::{self, Dated, Past, Replay};
use crate::object::Commit;
use crate::record::change::{self, Change};
use crate::record::kind::ActorId;
use crate::record::snapshot::{Records, Snapshot};
use crate::report::{clean, paint, summary};
use crate::trust::Verdict;

/// `modelry log`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  modelry log\n  modelry log fraud-detector/3")]
pub struct LogArgs {
    /// Print only changes of this group or version
    #[arg(value_name = "GROUP[/N]")]
    target: Option<Target>,
    /// Print at most this many commits
    #[arg(long, short = 'n', value_name = "N", value_parser = crate::cli::names::count)]
    limit: Option<usize>,
    #[command(flatten)]
    read: ReadArgs,
}

fn concerns(change: &Change, target: Option<&Target>) -> bool {
    let group = |name: &str| change.group() == Some(name);
    match target {
        None => true,
        Some(Target::Group(name) | Target::Latest(name)) => group(name.as_str()),
        Some(Target::Version(id)) => change.record.as_ref().and_then(|record| record.version()) == Some(id),
        Some(Target::Stage(name, stage)) => {
            group(name.as_str()) && change.path.ends_with(&format!("/stages/{stage}.yaml"))
        }
    }
}

/// Formats a commit's time in its own zone.
fn time(commit: &Commit) -> String {
    let Some(committer) = &commit.committer else {
        return String::new();
    };
    let offset = jiff::tz::Offset::from_seconds(committer.offset_minutes.saturating_mul(60))
        .unwrap_or(jiff::tz::Offset::UTC);
    jiff::Timestamp::from_second(committer.seconds)
        .map(|moment| offset.to_datetime(moment).strftime("%Y-%m-%d %H:%M").to_string())
        .unwrap_or_default()
}

/// Returns who signed for the changes of an unsigned commit: on the other side of a
/// merge, or in the records themselves.
fn authors<'r>(
    records: &'r Records<'r>,
    folder: &'r str,
    parent: Oid,
    commit: &Commit,
    target: Option<&Target>,
) -> Result<BTreeSet<ActorId>, Error> {
    // There are no actors before the first policy.
    let Ok(mut replay) = Replay::after(records, folder, parent) else {
        return Ok(BTreeSet::new());
    };
    let step = replay.step(commit)?;
    let behind = step.changes.iter().zip(&step.authors);
    let ours = behind.filter(|(change, _)| concerns(change, target));
    Ok(ours
        .filter_map(|(_, author)| author.verdict.actor().cloned())
        .collect())
}

fn words(verdict: &Verdict, commit: &Commit, authors: &BTreeSet<ActorId>) -> String {
    if verdict.actor().is_some() || authors.is_empty() {
        return verdict.words();
    }
    let names: Vec<String> = authors.iter().map(|actor| format!("`{actor}`")).collect();
    let names = names.join(", ");
    match (verdict, commit.parents.len() > 1) {
        (Verdict::Unsigned, true) => format!("a merge that nobody signed, of what {names} signed"),
        (Verdict::Unsigned, false) => format!("nobody signed the commit; {names} signed its records"),
        (_, true) => format!("{}; a merge of what {names} signed", verdict.words()),
        (_, false) => format!("{}; {names} signed its records", verdict.words()),
    }
}

/// The most fields of one record that are listed.
const MOST_FIELDS: usize = 12;

/// Lists the changed fields, with the old and the new value.
fn field_lines(change: &Change) -> String {
    let fields = summary::fields_of(change);
    let mut out = String::new();
    for field in fields.iter().take(MOST_FIELDS) {
        let line = format!("{}: {} -> {}", field.field, field.before, field.after);
        out.push_str(&format!("    {}\n", clean(&line)));
    }
    if fields.len() > MOST_FIELDS {
        let more = fields.len() - MOST_FIELDS;
        out.push_str(&format!("    {more} more: `modelry log -o json`\n"));
    }
    out
}

/// Returns the verdict on a commit, by the policy before it.
fn verdict_of<'r>(
    records: &'r Records<'r>,
    folder: &'r str,
    (prior, next): (Snapshot<'_>, Snapshot<'_>),
    commit: &Commit,
) -> Result<Verdict, Error> {
    let parent = commit.parents.first().copied();
    let verdict = match (parent, prior.registry()?) {
        (Some(parent), Some(_)) => Replay::after(records, folder, parent)
            .ok()
            .and_then(|replay| replay.policy)
            .map(|policy| history::verdict(&policy, commit)),
        // The root is not judged; its own policy lists the signer's key.
        _ => history::policy_at(&next, "the root")
            .ok()
            .map(|policy| history::verdict(&policy, commit)),
    };
    Ok(verdict.unwrap_or(Verdict::Unsigned))
}

/// One commit of the log.
struct Entry<'e> {
    commit: &'e Commit,
    dated: Option<&'e Dated>,
    verdict: Verdict,
    authors: BTreeSet<ActorId>,
    changes: Vec<Change>,
}

impl Entry<'_> {
    fn as_json(&self) -> Value {
        json!({
            "commit": self.commit.id.to_string(),
            "time": history::claimed(self.commit),
            "date": self.dated.map(|dated| dated.date),
            "signer": self.verdict.actor(),
            "verdict": words(&self.verdict, self.commit, &self.authors),
            "authors": self.authors,
            "subject": self.commit.subject(),
            "changes": self.changes.iter().map(Change::trailer).collect::<Vec<_>>(),
            "fields": self.changes.iter().flat_map(summary::fields_of).collect::<Vec<_>>(),
        })
    }

    fn for_people(&self, ui: &Ui) -> String {
        let signer = match self.verdict.actor() {
            Some(actor) => paint(actor.as_str(), "32", &ui.style),
            None => paint(
                &clean(&words(&self.verdict, self.commit, &self.authors)),
                if self.authors.is_empty() { "31" } else { "32" },
                &ui.style,
            ),
        };
        let counts = match self.dated.filter(|dated| dated.is_backdated()) {
            Some(dated) => format!(
                " (counts from {}, which {} claims)",
                history::moment(dated.date),
                dated.of.short()
            ),
            None => String::new(),
        };
        let mut out = format!(
            "{} {}{} {signer}\n",
            paint(&self.commit.id.short(), "33", &ui.style),
            time(self.commit),
            paint(&counts, "33", &ui.style)
        );
        for change in &self.changes {
            out.push_str(&format!("  {}\n", clean(&change.trailer())));
            out.push_str(&field_lines(change));
            let reason = change
                .after
                .as_ref()
                .and_then(|after| after.value().get("reason")?.as_str().map(str::to_owned));
            if let Some(reason) = reason {
                out.push_str(&format!("    {}\n", paint(&clean(&reason), "2", &ui.style)));
            }
        }
        out
    }
}

pub fn run(args: &LogArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(&args.read, global, ui, |reading| {
        match &args.target {
            Some(Target::Group(group) | Target::Latest(group)) => {
                crate::record::snapshot::known(&reading.snapshot, group, None)?;
            }
            Some(Target::Stage(group, stage)) => {
                crate::record::snapshot::known(&reading.snapshot, group, Some(stage))?
            }
            Some(Target::Version(id)) => {
                reading.version(id)?;
            }
            None => {}
        }
        let objects = reading.objects;
        let folder = &reading.workspace.folder;
        let records = Records::new(objects);
        // In a shallow clone the dates of the steps are those that they claim.
        let dates = match reading.workspace.dates(&records, reading.commit) {
            Ok(dates) => dates.by_commit(),
            Err(Error::MissingObject { .. }) => HashMap::new(),
            Err(error) => return Err(error),
        };
        let mut at = Some(reading.commit);
        let (mut values, mut shown) = (Vec::new(), 0);
        while let Some(id) = at {
            let commit = history::read_commit(objects, id)?;
            let parent = commit.parents.first().copied();
            let next = Snapshot::at(&records, commit.tree, folder)?;
            let prior = match parent {
                Some(parent) => Snapshot::at(&records, history::read_commit(objects, parent)?.tree, folder)?,
                None => Snapshot::empty(&records),
            };
            at = parent;
            let past = Past::new(objects, folder, parent);
            let mut changes = change::diff(&prior.seeing(&past), &next)?.changes;
            changes.retain(|change| concerns(change, args.target.as_ref()));
            if changes.is_empty() {
                continue;
            }
            let verdict = verdict_of(&records, folder, (prior, next), &commit)?;
            let authors = match (verdict.actor(), parent) {
                (Some(signer), _) => BTreeSet::from([signer.clone()]),
                (None, Some(parent)) => authors(&records, folder, parent, &commit, args.target.as_ref())?,
                (None, None) => BTreeSet::new(),
            };
            let entry = Entry {
                commit: &commit,
                dated: dates.get(&id),
                verdict,
                authors,
                changes,
            };
            match ui.is_json() {
                true => values.push(entry.as_json()),
                false => ui.print(&entry.for_people(ui))?,
            }
            shown += 1;
            if args.limit.is_some_and(|limit| shown >= limit) {
                break;
            }
        }
        if ui.is_json() {
            ui.json(&json!({"commits": values}))?;
        }
        Ok(Outcome::Fine)
    })
}
