//! `modelry show`: a group or a version, its reviews, and who must act next.

use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::evidence::{evidence_records, evidence_values};
use super::metrics::metrics_words;
use crate::base::{Error, shell_word};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::names::{self, Target};
use crate::cli::output::Outcome;
use crate::cli::read::at::{ReadArgs, Reading};
use crate::record::kind::{GroupName, ModelVersion, RecordPath, Status, VersionId};
use crate::record::snapshot::Loaded;
use crate::report::{Cell, CellStyle, Table, clean, paint};
use crate::trust::{self, Counted, Policy, Shortfall, Standing, Tally};
use crate::workspace::identity::Identity;
use crate::workspace::prove::ProveOptions;

/// `modelry show`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry show fraud-detector/3\n  modelry show fraud-detector@production --at 2026-03-03"
)]
pub struct ShowArgs {
    /// A group, a version, or the version that serves a stage
    #[arg(value_name = "GROUP | GROUP/N | GROUP@STAGE")]
    target: Target,
    #[command(flatten)]
    read: ReadArgs,
}

pub fn run(args: &ShowArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    show(&args.target, &args.read, global, ui)
}

pub fn show(target: &Target, read: &ReadArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(read, global, ui, |reading| match target {
        Target::Group(group) => show_group(reading, group, ui),
        other => {
            let id = names::resolve(other, &reading.snapshot)?;
            show_version(reading, &id, ui)
        }
    })
}

/// Returns the stages of a group whose files can be read, and the names of the
/// others.
fn stages_of(reading: &Reading<'_>, group: &GroupName) -> Result<Stages, Error> {
    let mut stages = Stages::default();
    for stage in reading.snapshot.stages(group)? {
        let loaded = reading
            .snapshot
            .read(&RecordPath::Stage(group.clone(), stage.clone()))?;
        match loaded.as_ref().and_then(|loaded| loaded.stage()) {
            Some(record) => stages.known.push((stage.to_string(), record.version)),
            None => stages.unreadable.push(stage.to_string()),
        }
    }
    Ok(stages)
}

/// The stages of a group.
#[derive(Default)]
struct Stages {
    /// The readable stages, each with the version that serves it.
    known: Vec<(String, Option<u64>)>,
    /// Stages whose files can't be read.
    unreadable: Vec<String>,
}

/// Returns the stages that a version serves.
pub(crate) fn serves(reading: &Reading<'_>, id: &VersionId) -> Result<Vec<String>, Error> {
    let stages = stages_of(reading, &id.group)?.known.into_iter();
    Ok(stages
        .filter(|(_, n)| *n == Some(id.number))
        .map(|(stage, _)| stage)
        .collect())
}

/// A line of what is shown; empty where there is no value.
fn fact(key: &str, value: &str, ui: &Ui) -> String {
    if value.is_empty() {
        return String::new();
    }
    let pad = " ".repeat(12_usize.saturating_sub(key.len()));
    format!("  {}{pad} {}\n", paint(key, "2", &ui.style), clean(value))
}

fn group_json(
    reading: &Reading<'_>,
    group: &GroupName,
    record: &Value,
    (stages, need): (Stages, &trust::ApprovalNeed),
) -> Result<Value, Error> {
    let stages: serde_json::Map<String, Value> = stages
        .known
        .into_iter()
        .map(|(stage, n)| (stage, json!(n)))
        .collect();
    let versions = super::list::version_values(reading, group)?;
    Ok(json!({
        "group": record,
        "stages": stages,
        "approval": {"required": need.required, "from": need.from, "fourEyes": need.four_eyes, "card": need.card},
        "versions": versions,
    }))
}

fn show_group(reading: &Reading<'_>, group: &GroupName, ui: &Ui) -> Result<Outcome, Error> {
    let groups = reading.snapshot.groups()?;
    let Some(loaded) = reading.snapshot.read(&RecordPath::Group(group.clone()))? else {
        if groups.contains(group) {
            return Err(no_record(reading, &RecordPath::Group(group.clone())));
        }
        return Err(crate::record::snapshot::unknown_group(&groups, group.as_str()));
    };
    let policy = reading.policy()?;
    let stages = stages_of(reading, group)?;
    let need = policy.need(group);
    if ui.is_json() {
        ui.json(&group_json(reading, group, loaded.value(), (stages, &need))?)?;
        return Ok(Outcome::Fine);
    }
    let mut out = format!("{}\n", paint(group.as_str(), "1", &ui.style));
    let mut line = |key: &str, value: String| out.push_str(&fact(key, &value, ui));
    if let Some(group) = loaded.group() {
        line("description", group.description.clone().unwrap_or_default());
        line(
            "owners",
            group
                .owners
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        );
        line("labels", pairs(&group.labels));
        line("annotations", pairs(&group.annotations));
    } else if let Some(tombstone) = loaded.tombstone() {
        line(
            "state",
            format!("deleted by {}; its name is never used again", tombstone.by),
        );
        line("reason", tombstone.reason.clone().unwrap_or_default());
    } else {
        line("state", "can't be read: `modelry validate` says why".into());
    }
    line("approval", trust::need_words(&need));
    for stage in &stages.unreadable {
        line(
            "stage",
            format!("{stage}: can't be read, `modelry validate` says why"),
        );
    }
    for (stage, version) in &stages.known {
        line(
            "stage",
            format!(
                "{stage}: {}",
                version.map_or("nothing".to_owned(), |n| format!("{group}/{n}"))
            ),
        );
    }
    out.push('\n');
    let table = super::list::version_table(reading, group, None)?;
    if table.is_empty() && !reading.snapshot.versions(group)?.is_empty() && reading.is_incomplete() {
        out.push_str("No version that can be read.\n");
    } else if table.is_empty() && loaded.tombstone().is_some() {
        out.push_str(&format!(
            "`modelry log {group}` shows the commit that deleted it.\n"
        ));
    } else if table.is_empty() {
        out.push_str(&format!(
            "No version yet. Register one: `modelry register {group} --artifact PATH`\n"
        ));
    } else {
        out.push_str(&table.render(&ui.style));
    }
    ui.print(&out)?;
    Ok(Outcome::Fine)
}

/// Returns the error for a file that exists and can't be read as its record.
fn no_record(reading: &Reading<'_>, path: &RecordPath) -> Error {
    let path = reading.workspace.from_top(&path.to_string());
    Error::msg(format!("`{path}` can't be read")).hint("`modelry validate` says why")
}

fn pairs(map: &crate::record::kind::Labels) -> String {
    map.iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns notes on a version that was decided earlier. Reviews by keys that were revoked
/// since then stand as `audit` counts them.
fn decided(
    reading: &Reading<'_>,
    policy: &Policy,
    id: &VersionId,
    status: Status,
    tally: &mut Tally,
) -> Vec<String> {
    if status != Status::Approved {
        return Vec::new();
    }
    let is_revoked =
        |standing: &Standing| matches!(standing, Standing::Not(why) if why.ends_with(" is revoked"));
    let mut notes = Vec::new();
    if tally.reviews.iter().any(|review| is_revoked(&review.standing))
        && let Ok(proof) = reading.workspace.prove(
            reading.objects,
            reading.snapshot.records,
            reading.commit,
            ProveOptions::default(),
        )
    {
        match proof.tainted.get(id) {
            Some(key) => notes.push(format!(
                "the approval of {id} rests on key {key}, after it was last trusted: nothing resolves it; `modelry audit` tells more"
            )),
            None => {
                let is_refused = |review: &Counted| {
                    let path = reading.workspace.from_top(&review.path.to_string());
                    proof.report.findings.iter().any(|finding| finding.primary.at.path == path)
                };
                let reviews = tally.reviews.iter_mut();
                let mut revoked = reviews
                    .filter(|review| is_revoked(&review.standing) && !is_refused(review))
                    .peekable();
                if revoked.peek().is_none() {
                    return notes;
                }
                revoked.for_each(|review| review.standing = Standing::Counts);
                let mut entries = policy.registry().revoked.iter();
                notes.push(match entries.any(|entry| entry.reaffirmed.contains(&id.to_string())) {
                    true => format!("a key behind the approval of {id} is revoked, and the policy reaffirms the version"),
                    false => format!("a key behind the approval of {id} was revoked later: the review was given before, and counts"),
                });
            }
        }
        return notes;
    }
    let has_none = |missing: &Shortfall| matches!(missing, Shortfall::Approvals { have: 0, .. });
    if tally.missing.iter().any(has_none) {
        notes.push(format!(
            "{id} says Approved, and no review of it counts by the policy in force: `modelry audit` judges how it got there, and `modelry validate --onto {}` a branch",
            shell_word(reading.workspace.mainline_name())
        ));
    }
    notes
}

fn show_version(reading: &Reading<'_>, id: &VersionId, ui: &Ui) -> Result<Outcome, Error> {
    let loaded = reading.version(id)?;
    let policy = reading.policy()?;
    let Some(version) = loaded.version() else {
        if loaded.tombstone().is_none() {
            return Err(no_record(reading, &RecordPath::Version(id.clone())));
        }
        if ui.is_json() {
            ui.json(&json!({"version": id.to_string(), "record": loaded.value()}))?;
        } else {
            ui.print(&format!("{id}  deleted; a tombstone stays\n"))?;
        }
        return Ok(Outcome::Fine);
    };
    let mut tally = reading.tally(&policy, id, &loaded)?;
    let status = match version.imported {
        Some(_) => Status::Pending,
        None => version.status,
    };
    for note in decided(reading, &policy, id, status, &mut tally) {
        ui.note(&note);
    }
    for note in super::gates::slips(reading, &policy, &tally.gates, &id.group)? {
        ui.note(&note);
    }
    let serving = serves(reading, id)?;
    let card = reading.snapshot.read(&RecordPath::Card(id.clone()))?;
    let shown = ShownVersion {
        reading,
        id,
        loaded: &loaded,
        version,
        tally: &tally,
        serving,
        card,
    };
    match ui.is_json() {
        true => ui.json(&shown.as_json()?)?,
        false => ui.print(&shown.for_people(ui)?)?,
    }
    Ok(Outcome::Fine)
}

/// A version as it is shown.
struct ShownVersion<'s> {
    reading: &'s Reading<'s>,
    id: &'s VersionId,
    loaded: &'s Loaded,
    version: &'s ModelVersion,
    tally: &'s Tally,
    /// The stages that it serves.
    serving: Vec<String>,
    card: Option<Arc<Loaded>>,
}

impl ShownVersion<'_> {
    fn as_json(&self) -> Result<Value, Error> {
        let ShownVersion {
            reading,
            id,
            version,
            tally,
            ..
        } = self;
        let reviews: Vec<Value> = tally
            .reviews
            .iter()
            .map(|review| {
                let why = match &review.standing {
                    Standing::Counts => Value::Null,
                    Standing::Not(why) => json!(why),
                };
                json!({"actor": review.actor, "reportedBy": review.reported_by, "decision": review.decision.as_str(), "counts": review.standing == Standing::Counts, "why": why})
            })
            .collect();
        let evidence = evidence_values(reading, id, false)?;
        Ok(json!({
            "version": id.to_string(),
            "commit": reading.commit.to_string(),
            "status": version.status.as_str(),
            "stages": self.serving,
            "imported": version.imported.as_ref().map(|it| it.words(&version.by)),
            "subject": tally.subject,
            "record": self.loaded.value(),
            "card": self.card.as_ref().map(|card| card.value().clone()),
            "evidence": evidence,
            "observations": evidence_values(reading, id, true)?,
            "reviews": reviews,
            "gates": if version.status == Status::Pending { super::gates::values(&tally.gates) } else { json!([]) },
            "missing": if version.status == Status::Pending { tally.missing.iter().map(trust::shortfall_words).collect() } else { Vec::new() },
            "couldApprove": if version.status == Status::Pending { tally.could_approve.clone() } else { Vec::new() },
        }))
    }

    fn for_people(&self, ui: &Ui) -> Result<String, Error> {
        let mut out = self.facts(ui)?;
        if !self.tally.reviews.is_empty() {
            out.push('\n');
            out.push_str(&self.reviews()?.render(&ui.style));
        }
        if self.version.status == Status::Pending {
            out.push('\n');
            out.push_str(&self.pending(ui)?);
        }
        Ok(out)
    }

    fn facts(&self, ui: &Ui) -> Result<String, Error> {
        let ShownVersion {
            reading,
            id,
            version,
            tally,
            ..
        } = self;
        let tone = match version.status {
            Status::Approved => "32",
            Status::Rejected => "31",
            Status::Pending => "33",
            Status::Archived => "2",
        };
        let mut out = format!(
            "{}  {}\n",
            paint(&id.to_string(), "1", &ui.style),
            paint(version.status.as_str(), tone, &ui.style)
        );
        let mut line = |key: &str, value: String| out.push_str(&fact(key, &value, ui));
        line("registered", format!("by {}", version.by));
        let imported = version.imported.as_ref();
        line(
            "imported",
            imported.map_or_else(String::new, |it| {
                let words = it.words(&version.by);
                words.strip_prefix("imported ").unwrap_or(&words).to_owned()
            }),
        );
        line("description", version.description.clone().unwrap_or_default());
        line("serves", self.serving.join(", "));
        line("labels", pairs(&version.labels));
        line("annotations", pairs(&version.annotations));
        for (_, container) in version.spec.containers() {
            line("image", container.image.clone().unwrap_or_default().to_string());
        }
        for (_, artifact) in version.spec.all_artifacts() {
            let digest = artifact
                .digest
                .as_ref()
                .map_or("no digest".to_owned(), |digest| format!("{}…", digest.short()));
            line("artifact", format!("{} ({digest})", artifact.uri));
        }
        line("metrics", metrics_words(&version.spec.metrics));
        for (name, value) in evidence_records(reading, id, false)? {
            let metrics = value
                .evaluation()
                .map(|e| metrics_words(&e.metrics))
                .unwrap_or_default();
            let by = value.by().map(ToString::to_string).unwrap_or_default();
            line("evidence", format!("{name} by {by}: {metrics}"));
        }
        for (name, value) in evidence_records(reading, id, true)? {
            let metrics = value
                .evaluation()
                .map(|e| metrics_words(&e.metrics))
                .unwrap_or_default();
            line("observed", format!("{name}: {metrics}"));
        }
        if let Some(card) = self.card.as_ref().and_then(|card| card.card()) {
            let filled: Vec<_> = crate::record::kind::CardSection::ALL
                .iter()
                .filter(|section| card.filled(**section))
                .map(|s| s.as_str())
                .collect();
            line(
                "card",
                if filled.is_empty() {
                    "empty".into()
                } else {
                    filled.join(", ")
                },
            );
        }
        line("content", format!("{}…", tally.subject.short()));
        Ok(out)
    }

    fn reviews(&self) -> Result<Table, Error> {
        let ShownVersion { reading, tally, .. } = self;
        let mut table = Table::new(["REVIEW", "DECISION", "COUNTS", "WHY NOT", "REASON"]);
        for review in &tally.reviews {
            let counts = review.standing == Standing::Counts;
            let why = match &review.standing {
                Standing::Counts => String::new(),
                Standing::Not(why) => why.clone(),
            };
            let reason = reading.snapshot.read(&review.path)?;
            let reason = reason.and_then(|loaded| loaded.review().and_then(|review| review.reason.clone()));
            table.row([
                Cell::styled(review.voice(), CellStyle::Strong),
                review.decision.as_str().into(),
                if counts {
                    Cell::styled("yes", CellStyle::Good)
                } else {
                    Cell::styled("no", CellStyle::Dim)
                },
                why.into(),
                reason.unwrap_or_default().into(),
            ]);
        }
        Ok(table)
    }

    /// The gates, what is missing, and whose turn it is.
    fn pending(&self, ui: &Ui) -> Result<String, Error> {
        let ShownVersion {
            reading,
            id,
            version,
            tally,
            ..
        } = self;
        let mut out = String::new();
        if !tally.gates.is_empty() {
            out.push_str(&super::gates::table(&tally.gates).render(&ui.style));
            out.push('\n');
        }
        if !tally.missing.is_empty() {
            let missing: Vec<String> = tally.missing.iter().map(trust::shortfall_words).collect();
            out.push_str(&format!(
                "{} {}\n",
                paint("missing:", "1", &ui.style),
                missing.join("; ")
            ));
        }
        if ui.adapts()
            && let Ok(me) = Identity::to_look(&reading.workspace.repo)
            && let Ok(me) = me.actor(&reading.policy()?)
        {
            ui.is_for(&me);
        }
        out.push_str(&format!(
            "{} {}\n",
            paint("turn:", "1", &ui.style),
            trust::turn(id, version.status, tally)
        ));
        Ok(out)
    }
}
