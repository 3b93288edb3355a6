//! `modelry list`

mod asked;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::fresh;
use super::metrics::metrics_words;
use crate::act;
use crate::base::Error;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::cli::read::at::{ReadArgs, Reading};
use crate::cli::{Ui, names};
use crate::record::kind::{GroupName, Key, Labels, RecordPath, Status, VersionId, VersionNumber};
use crate::record::snapshot::unknown_group;
use crate::report::{Cell, CellStyle, Table};
use crate::trust::condition::{self, Expr};

/// The variables of a condition.
pub const VARIABLES: [&str; 11] = [
    "group",
    "version",
    "status",
    "by",
    "description",
    "labels",
    "annotations",
    "metrics",
    "spec",
    "stages",
    "card",
];

/// `modelry list`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry list\n  modelry list fraud-detector --status approved\n  modelry list --where 'metrics.auc > 0.9 && labels.team == \"risk\"' --sort metrics.auc"
)]
pub struct ListArgs {
    /// List only the versions of this group
    group: Option<GroupName>,
    /// List only versions of this status; may be repeated
    #[arg(long)]
    status: Vec<Status>,
    /// List only versions with this label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = names::pair)]
    labels: Vec<(Key, String)>,
    /// List only versions for which this CEL condition is true; a version that lacks
    /// a field of it is left out. Variables: group, version, status, by, description,
    /// labels, annotations, metrics, spec, stages, card
    #[arg(long = "where", value_name = "EXPR")]
    condition: Option<String>,
    /// Sort by version, status, by, or a metric as metrics.NAME (highest first)
    #[arg(long, value_name = "FIELD")]
    sort: Option<String>,
    /// List at most this many
    #[arg(long, value_name = "N", value_parser = names::count)]
    limit: Option<usize>,
    #[command(flatten)]
    read: ReadArgs,
}

/// One version in a list.
pub struct Row {
    id: VersionId,
    status: Status,
    value: Map<String, Value>,
    metrics: String,
    by: String,
    labels: String,
    stages: Vec<String>,
}

impl Row {
    /// Returns the stages that it serves.
    fn served(&self) -> impl Iterator<Item = Served> {
        let stages = self.stages.iter();
        stages.map(|stage| Served {
            stage: stage.clone(),
            version: self.id.number,
        })
    }
}

/// Returns the versions of a group; deleted ones are left out.
fn rows(reading: &Reading<'_>, group: &GroupName) -> Result<Vec<Row>, Error> {
    let snapshot = &reading.snapshot;
    let mut serving: Vec<(String, u64)> = Vec::new();
    for stage in snapshot.stages(group)? {
        let loaded = snapshot.read(&RecordPath::Stage(group.clone(), stage.clone()))?;
        serving.extend(
            loaded
                .and_then(|loaded| loaded.stage()?.version)
                .map(|n| (stage.to_string(), n)),
        );
    }
    let mut rows = Vec::new();
    for number in snapshot.versions(group)? {
        let id = VersionId {
            group: group.clone(),
            number,
        };
        let Some(loaded) = snapshot.read(&RecordPath::Version(id.clone()))? else {
            continue;
        };
        let Some(version) = loaded.version() else { continue };
        let stages: Vec<String> = serving
            .iter()
            .filter(|(_, n)| *n == number)
            .map(|(stage, _)| stage.clone())
            .collect();
        let mut value: Map<String, Value> = [
            "group",
            "version",
            "status",
            "by",
            "description",
            "labels",
            "annotations",
            "imported",
            "spec",
        ]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), loaded.value().get(key)?.clone())))
        .collect();
        for key in ["labels", "annotations"] {
            value.entry(key).or_insert_with(|| json!({}));
        }
        value.insert(
            "metrics".into(),
            loaded
                .value()
                .pointer("/spec/metrics")
                .cloned()
                .unwrap_or_else(|| json!({})),
        );
        value.insert("stages".into(), json!(stages));
        rows.push(Row {
            status: version.status,
            metrics: metrics_words(&version.spec.metrics),
            by: match &version.imported {
                Some(imported) => format!("{} (imported as {})", version.by, imported.status.status()),
                None => version.by.to_string(),
            },
            labels: version
                .labels
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
                .join(","),
            stages,
            value,
            id,
        });
    }
    Ok(rows)
}

/// Returns the versions of a group as JSON.
pub fn version_values(reading: &Reading<'_>, group: &GroupName) -> Result<Vec<Value>, Error> {
    values(reading, rows(reading, group)?)
}

/// Returns versions as JSON, each with the digest that a review of it names.
fn values(reading: &Reading<'_>, rows: Vec<Row>) -> Result<Vec<Value>, Error> {
    let policy = reading.policy()?;
    let mut values = Vec::new();
    for mut row in rows {
        let subject = act::content(policy.id(), &reading.snapshot, &row.id)?;
        let stages: Vec<Served> = row.served().collect();
        row.value.insert("subject".into(), json!(subject));
        row.value.insert("stages".into(), json!(stages));
        values.push(Value::Object(row.value));
    }
    Ok(values)
}

/// Returns the versions of a group as a table.
pub fn version_table(reading: &Reading<'_>, group: &GroupName, limit: Option<usize>) -> Result<Table, Error> {
    let mut rows = rows(reading, group)?;
    rows.reverse();
    rows.truncate(limit.unwrap_or(usize::MAX));
    Ok(table(&rows))
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(["VERSION", "STATUS", "SERVES", "BY", "METRICS", "LABELS"]);
    for row in rows {
        table.row([
            Cell::styled(row.id.to_string(), CellStyle::Strong),
            Cell::styled(row.status.as_str(), CellStyle::of_status(row.status)),
            row.stages.join(",").into(),
            row.by.clone().into(),
            row.metrics.clone().into(),
            row.labels.clone().into(),
        ]);
    }
    table
}

pub fn run(args: &ListArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let filtered = !args.status.is_empty()
        || !args.labels.is_empty()
        || args.condition.is_some()
        || args.sort.is_some()
        || args.limit.is_some();
    if args.group.is_none() && !filtered {
        return groups(&args.read, global, ui);
    }
    Reading::with(&args.read, global, ui, |reading| {
        let rows = chosen(args, reading, ui)?;
        if ui.is_json() {
            ui.json(&json!({"versions": values(reading, rows)?}))?;
        } else if rows.is_empty() {
            ui.say("no version matches");
            if args.read.is_newest() {
                fresh::nothing_at(reading.workspace, reading.commit, ui);
            }
        } else {
            ui.print(&table(&rows).render(&ui.style))?;
        }
        Ok(Outcome::Fine)
    })
}

/// Returns the versions that were asked for, in order. Notes say which names in the
/// request no version has.
fn chosen(args: &ListArgs, reading: &Reading<'_>, ui: &Ui) -> Result<Vec<Row>, Error> {
    let mut all = Vec::new();
    for group in &chosen_groups(args, reading)? {
        all.extend(rows(reading, group)?);
    }
    if let Some(condition) = &args.condition
        && condition.contains("card")
    {
        for row in &mut all {
            let card = reading.snapshot.read(&RecordPath::Card(row.id.clone()))?;
            row.value
                .insert("card".into(), card.map_or(json!({}), |card| card.value().clone()));
        }
    }
    let condition = args.condition.as_deref().map(compiled).transpose()?;
    let contents: Vec<&Map<String, Value>> = all.iter().map(|row| &row.value).collect();
    if let Some(expr) = &condition {
        asked::check(expr, &contents, reading)?;
    }
    for note in asked::notes(args, condition.as_ref(), &contents, reading)? {
        ui.note(&note);
    }
    all.retain(|row| {
        let label =
            |(key, value): &(Key, String)| row.value["labels"].get(key.as_str()) == Some(&json!(value));
        (args.status.is_empty() || args.status.contains(&row.status)) && args.labels.iter().all(label)
    });
    if let Some(expr) = &condition {
        all.retain(|row| expr.evaluate(&row.value) == condition::Outcome::True);
    }
    sort(&mut all, args.sort.as_deref())?;
    all.truncate(args.limit.unwrap_or(usize::MAX));
    Ok(all)
}

/// Returns the group that is named, or all groups.
fn chosen_groups(args: &ListArgs, reading: &Reading<'_>) -> Result<Vec<GroupName>, Error> {
    let known = reading.snapshot.groups()?;
    let Some(group) = &args.group else {
        return Ok(known);
    };
    let record = reading.snapshot.read(&RecordPath::Group(group.clone()))?;
    let is_deleted = record.is_some_and(|record| record.tombstone().is_some());
    match is_deleted || !known.contains(group) {
        true => Err(unknown_group(&known, group.as_str())),
        false => Ok(vec![group.clone()]),
    }
}

/// An example of a condition, for errors.
const EXAMPLE: &str = "for example: --where 'metrics.auc > 0.9 && labels.team == \"risk\"'";

fn compiled(condition: &str) -> Result<Expr, Error> {
    Expr::compile(condition, &VARIABLES).map_err(|fault| {
        let mark = fault.span.map_or_else(String::new, |span| {
            let before = condition[..span.start].chars().count();
            let width = condition[span].chars().count().max(1);
            format!("\n  {condition}\n  {}{}", " ".repeat(before), "^".repeat(width))
        });
        Error::msg(format!("{}{mark}", fault.message)).hint(EXAMPLE)
    })
}

fn sort(rows: &mut [Row], field: Option<&str>) -> Result<(), Error> {
    match field {
        None | Some("version") => {
            rows.sort_by(|a, b| (&a.id.group, b.id.number).cmp(&(&b.id.group, a.id.number)))
        }
        Some("status") => rows.sort_by_key(|row| row.status),
        Some("by") => rows.sort_by(|a, b| a.by.cmp(&b.by)),
        Some(field) => {
            let Some(metric) = field.strip_prefix("metrics.") else {
                let error = Error::msg(format!("can't sort by `{field}`"));
                return Err(
                    match act::nearest(&["version", "status", "by", "metrics.NAME"], field) {
                        Some(near) => error.hint(format!("did you mean `{near}`?")),
                        None => error.hint("there are version, status, by, and metrics.NAME"),
                    },
                );
            };
            let value = |row: &Row| row.value["metrics"].get(metric).and_then(Value::as_f64);
            // Versions without the metric come last.
            rows.sort_by(|a, b| {
                let (a, b) = (value(a), value(b));
                b.is_some()
                    .cmp(&a.is_some())
                    .then(b.unwrap_or(0.0).total_cmp(&a.unwrap_or(0.0)))
            });
        }
    }
    Ok(())
}

/// `modelry list` and `modelry group list`
pub fn groups(read: &ReadArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(read, global, ui, |reading| {
        let view = GroupsView::read(reading)?;
        if ui.is_json() {
            ui.json(&view)?;
        } else if !view.groups.is_empty() {
            ui.print(&view.table().render(&ui.style))?;
        } else if reading.is_incomplete() {
            ui.say("no group that can be read");
        } else {
            ui.say("no group yet; make one: modelry group create NAME");
            if read.is_newest() {
                fresh::nothing_at(reading.workspace, reading.commit, ui);
            }
        }
        Ok(Outcome::Fine)
    })
}

/// The groups of a registry: `list -o json`.
#[derive(Serialize)]
struct GroupsView {
    groups: Vec<GroupRow>,
}

/// One group in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupRow {
    group: GroupName,
    versions: usize,
    pending: usize,
    latest_approved: Option<VersionNumber>,
    description: Option<String>,
    labels: Labels,
    stages: Vec<Served>,
}

/// A stage, and the version that serves it.
#[derive(Serialize)]
struct Served {
    stage: String,
    version: VersionNumber,
}

impl GroupsView {
    /// Reads the groups whose records can be read.
    fn read(reading: &Reading<'_>) -> Result<GroupsView, Error> {
        let mut groups = Vec::new();
        for group in reading.snapshot.groups()? {
            let loaded = reading.snapshot.read(&RecordPath::Group(group.clone()))?;
            let Some(record) = loaded.as_ref().and_then(|loaded| loaded.group()) else {
                continue;
            };
            let rows = rows(reading, &group)?;
            let of_status = |status| rows.iter().filter(move |row| row.status == status);
            groups.push(GroupRow {
                versions: rows.len(),
                pending: of_status(Status::Pending).count(),
                latest_approved: of_status(Status::Approved).next_back().map(|row| row.id.number),
                description: record.description.clone(),
                labels: record.labels.clone(),
                stages: rows.iter().flat_map(Row::served).collect(),
                group,
            });
        }
        Ok(GroupsView { groups })
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            "GROUP",
            "VERSIONS",
            "PENDING",
            "LATEST APPROVED",
            "STAGES",
            "DESCRIPTION",
        ]);
        for row in &self.groups {
            let stages = row.stages.iter();
            let stages: Vec<String> = stages.map(|it| format!("{}={}", it.stage, it.version)).collect();
            table.row([
                Cell::styled(row.group.to_string(), CellStyle::Strong),
                row.versions.to_string().into(),
                match row.pending {
                    0 => Cell::styled("0", CellStyle::Dim),
                    pending => Cell::styled(pending.to_string(), CellStyle::Waiting),
                },
                match row.latest_approved {
                    None => Cell::styled("none", CellStyle::Dim),
                    Some(number) => Cell::styled(format!("{}/{number}", row.group), CellStyle::Good),
                },
                stages.join(",").into(),
                row.description.clone().unwrap_or_default().into(),
            ]);
        }
        table
    }
}
