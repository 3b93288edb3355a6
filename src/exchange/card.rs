//! A version's card with what stands beside it, as blocks that every format can
//! show: what the card holds is never forgotten, because nothing is named.

use std::rc::Rc;

use serde_json::Value;

use crate::error::Error;
use crate::model::{CardSection, Decision, ModelCard, ModelVersion, RecordPath, VersionId};
use crate::snapshot::{Loaded, Snapshot};

/// A card with its version.
pub struct CardView {
    /// The version's name.
    pub id: VersionId,
    /// The version's file.
    version: Rc<Loaded>,
    /// The card's file.
    card: Rc<Loaded>,
    /// Reviews: who, what was decided, and why.
    pub reviews: Vec<(String, Decision, String)>,
    /// Evaluations that are part of what is approved: name and record.
    pub evidence: Vec<(String, Value)>,
    /// Stages that it serves.
    pub stages: Vec<String>,
}

impl CardView {
    /// Reads a version's card and what stands beside it.
    ///
    /// # Errors
    /// When the version has no card, or one of them can't be read.
    pub fn read(snapshot: &Snapshot<'_>, id: &VersionId) -> Result<CardView, Error> {
        let unreadable = |path: &RecordPath| {
            Error::told(format!("`{path}` can't be read")).hint("`modelry validate` says why")
        };
        let path = RecordPath::Version(id.clone());
        let version = snapshot
            .read(&path)?
            .ok_or_else(|| Error::told(format!("there is no version {id}")))?;
        if version.version().is_none() {
            return Err(match version.tombstone() {
                Some(_) => Error::told(format!("{id} is deleted")),
                None => unreadable(&path),
            });
        }
        let path = RecordPath::Card(id.clone());
        let card = snapshot.read(&path)?.ok_or_else(|| {
            Error::told(format!("{id} has no card yet"))
                .hint(format!("`modelry card set {id} --section intendedUses=\"…\"`"))
        })?;
        if card.card().is_none() {
            return Err(unreadable(&path));
        }
        let mut view = CardView {
            id: id.clone(),
            version,
            card,
            reviews: Vec::new(),
            evidence: Vec::new(),
            stages: Vec::new(),
        };
        for actor in snapshot.reviewers(id)? {
            let loaded = snapshot.read(&RecordPath::Review(id.clone(), actor.clone()))?;
            if let Some(review) = loaded.as_ref().and_then(|loaded| loaded.review()) {
                let reason = review.reason.clone().unwrap_or_default();
                view.reviews.push((actor.to_string(), review.decision, reason));
            }
        }
        for name in snapshot.evidence(id)? {
            if let Some(loaded) = snapshot.read(&RecordPath::Evidence(id.clone(), name.clone()))? {
                let mut record = loaded.value().clone();
                if let Some(members) = record.as_object_mut() {
                    // Who and where is said beside it.
                    let content = |key: &str| {
                        !matches!(
                            key,
                            "apiVersion" | "kind" | "group" | "version" | "name" | "revision" | "signature"
                        )
                    };
                    members.retain(|key, _| content(key));
                }
                view.evidence.push((name.to_string(), record));
            }
        }
        for stage in snapshot.stages(&id.group)? {
            let loaded = snapshot.read(&RecordPath::Stage(id.group.clone(), stage.clone()))?;
            let serves = loaded.and_then(|loaded| loaded.stage().and_then(|stage| stage.version));
            if serves == Some(id.number) {
                view.stages.push(stage.to_string());
            }
        }
        Ok(view)
    }

    /// The version's record.
    ///
    /// # Panics
    /// Never: [`CardView::read`] has looked.
    pub fn version(&self) -> &ModelVersion {
        self.version.version().expect("a version")
    }

    /// The card's record.
    ///
    /// # Panics
    /// Never: [`CardView::read`] has looked.
    pub fn card(&self) -> &ModelCard {
        self.card.card().expect("a card")
    }

    /// The model's name, for headings.
    pub fn name(&self) -> String {
        let name = self
            .card()
            .overview
            .as_ref()
            .and_then(|overview| overview.name.clone());
        name.unwrap_or_else(|| self.id.group.to_string())
    }

    /// The filled sections, in the order of the card.
    pub fn sections(&self) -> Vec<Section> {
        let filled = CardSection::ALL
            .iter()
            .filter(|section| self.card().filled(**section));
        filled
            .filter_map(|section| {
                let value = self.card.value().get(section.as_str())?;
                Some(Section {
                    key: *section,
                    title: heading(*section),
                    blocks: blocks_of(value, is_named_by_author(section.as_str())),
                })
            })
            .collect()
    }
}

/// A section, ready to be shown.
pub struct Section {
    /// Which one.
    pub key: CardSection,
    /// Its heading.
    pub title: &'static str,
    /// What it holds.
    pub blocks: Vec<Block>,
}

/// A piece of a section. All text is others' text.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Running text; line breaks are the author's.
    Text(String),
    /// Items.
    List(Vec<String>),
    /// Members: name and what it holds.
    Pairs(Vec<(String, Vec<Block>)>),
    /// Rows under headings.
    Table(Vec<String>, Vec<Vec<String>>),
}

/// "lineOfBusiness" as "Line of business".
fn title(key: &str) -> String {
    let mut out = String::new();
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            out.push(' ');
            out.push(c.to_ascii_lowercase());
        } else if out.is_empty() {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
    }
    match out.as_str() {
        "Uri" => "URI".into(),
        "Id" => "Identifier".into(),
        "License" => "Licence".into(),
        _ => out,
    }
}

/// Members whose own members are named by the author, and stay as they are.
fn is_named_by_author(key: &str) -> bool {
    matches!(key, "hyperparameters" | "metrics" | "custom")
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) | Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// What a value holds, as blocks.
pub fn blocks(value: &Value) -> Vec<Block> {
    blocks_of(value, false)
}

/// With `named_by_author`, the keys of a mapping stay as they are.
fn blocks_of(value: &Value, named_by_author: bool) -> Vec<Block> {
    if let Some(text) = scalar(value) {
        return vec![Block::Text(text)];
    }
    match value {
        Value::Array(items) if items.iter().all(|item| scalar(item).is_some()) => {
            vec![Block::List(items.iter().filter_map(scalar).collect())]
        }
        Value::Array(items) if items.iter().all(is_flat) => vec![table(items)],
        Value::Array(items) => items.iter().flat_map(blocks).collect(),
        Value::Object(members) => {
            let pair = |(key, value): (&String, &Value)| {
                let name = if named_by_author { key.clone() } else { title(key) };
                (name, blocks_of(value, is_named_by_author(key)))
            };
            vec![Block::Pairs(members.iter().map(pair).collect())]
        }
        _ => Vec::new(),
    }
}

fn is_flat(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|members| members.values().all(|value| scalar(value).is_some()))
}

fn table(items: &[Value]) -> Block {
    let mut columns: Vec<String> = Vec::new();
    for key in items
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|members| members.keys())
    {
        if !columns.contains(key) {
            columns.push(key.clone());
        }
    }
    let cell = |item: &Value, column: &String| item.get(column).and_then(scalar).unwrap_or_default();
    let rows = items
        .iter()
        .map(|item| columns.iter().map(|column| cell(item, column)).collect())
        .collect();
    Block::Table(columns.iter().map(|column| title(column)).collect(), rows)
}

fn heading(section: CardSection) -> &'static str {
    match section {
        CardSection::Overview => "Model details",
        CardSection::IntendedUses => "Intended uses",
        CardSection::OutOfScopeUses => "Out-of-scope uses",
        CardSection::Users => "Users",
        CardSection::Business => "Business",
        CardSection::Risk => "Risk",
        CardSection::Training => "Training",
        CardSection::Datasets => "Datasets",
        CardSection::Evaluations => "Evaluation",
        CardSection::Limitations => "Limitations",
        CardSection::Tradeoffs => "Trade-offs",
        CardSection::EthicalConsiderations => "Ethical considerations",
        CardSection::Fairness => "Fairness",
        CardSection::EnvironmentalConsiderations => "Environmental considerations",
        CardSection::Caveats => "Caveats and recommendations",
        CardSection::License => "Licence",
        CardSection::BaseModels => "Base models",
        CardSection::Languages => "Languages",
        CardSection::Library => "Library",
        CardSection::Pipeline => "Task",
        CardSection::Tags => "Tags",
        CardSection::Parameters => "Model parameters",
        CardSection::Custom => "Further details",
    }
}
