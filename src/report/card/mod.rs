//! A version's card as a page: what is told of it, in which order, and in two
//! spellings, HTML and Markdown. Both spell the same blocks, so that neither
//! can forget what the other tells.

mod html;
mod markdown;
mod page;

use crate::record::kind::{Decision, Evaluation, ModelCard, ModelVersion, VersionId};

/// A version with its card and everything that stands beside it.
pub struct CardView<'a> {
    /// Which version.
    pub id: &'a VersionId,
    /// What was registered.
    pub version: &'a ModelVersion,
    /// What its card says.
    pub card: &'a ModelCard,
    /// Evaluations that are part of what is approved.
    pub evidence: Vec<&'a Evaluation>,
    /// Evaluations that were learnt later.
    pub observations: Vec<&'a Evaluation>,
    /// The reviews, as they count.
    pub reviews: Vec<CardReview>,
    /// What is missing for an approval, in words; nothing once it is decided.
    pub missing: Vec<String>,
    /// The stages that it serves.
    pub stages: Vec<String>,
    /// The digest of what is approved.
    pub subject: String,
    /// The commit that it is read from.
    pub commit: String,
}

impl CardView<'_> {
    /// The model's name: as the card gives it, else the group's.
    pub fn name(&self) -> &str {
        let given = self.card.overview.as_ref().and_then(|it| it.name.as_deref());
        given.unwrap_or(self.id.group.as_str())
    }
}

/// One review of a version.
pub struct CardReview {
    /// Whose.
    pub actor: String,
    /// What was decided.
    pub decision: Decision,
    /// Why it counts for nothing; none when it counts.
    pub void: Option<String>,
    /// The reason that was given.
    pub reason: Option<String>,
}

/// The page of a card.
struct Page {
    /// What the card tells, in the order of Hugging Face's template.
    main: Vec<Section>,
    /// What the registry knows: decision, metrics, evidence, authors.
    beside: Vec<Section>,
}

/// Blocks under a title.
struct Section {
    title: &'static str,
    blocks: Vec<Block>,
}

/// A piece of a page.
enum Block {
    /// A smaller title.
    Heading(String),
    /// Text that people wrote: paragraphs and plain lists.
    Prose(String),
    /// Names and values.
    Facts(Vec<Fact>),
    /// Things with a title, each with its facts.
    Entries(Vec<Entry>),
    /// Rows under a header; columns that are empty throughout are left out.
    Table {
        header: Vec<&'static str>,
        rows: Vec<Vec<Inline>>,
    },
}

/// A name and a value.
struct Fact {
    label: String,
    value: Inline,
}

/// A thing with a title.
struct Entry {
    title: String,
    /// A word about it, and what it means.
    badge: Option<(String, BadgeStyle)>,
    text: Option<String>,
    facts: Vec<Fact>,
}

impl Entry {
    /// Whether it is a title alone.
    fn is_bare(&self) -> bool {
        self.badge.is_none() && self.text.is_none() && self.facts.is_empty()
    }
}

/// A value on one line.
enum Inline {
    /// Words.
    Text(String),
    /// Something to be copied: a digest, a name in a registry.
    Code(String),
    /// Where something is; a link when a browser may follow it.
    Uri(String),
}

impl Inline {
    fn is_empty(&self) -> bool {
        let (Inline::Text(text) | Inline::Code(text) | Inline::Uri(text)) = self;
        text.trim().is_empty()
    }
}

/// What a badge means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BadgeStyle {
    Good,
    Bad,
    Waiting,
    Quiet,
}

/// The columns of a table that say something, by their place.
fn used_columns(header: &[&'static str], rows: &[Vec<Inline>]) -> Vec<usize> {
    let says = |column: &usize| {
        rows.iter()
            .any(|row| row.get(*column).is_some_and(|it| !it.is_empty()))
    };
    (0..header.len()).filter(says).collect()
}

/// Whether a browser may follow it: `http` or `https`, and nothing in it that
/// would end an attribute or an address.
fn is_web(uri: &str) -> bool {
    let lower = uri.to_ascii_lowercase();
    (lower.starts_with("https://") || lower.starts_with("http://"))
        && !uri
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "<>\"'`|\\".contains(c))
}

/// The card as one self-contained HTML page: no script, nothing loaded.
pub fn html(view: &CardView<'_>) -> String {
    html::render(view, &page::of(view))
}

/// The card as Markdown (CommonMark with GitHub's tables), without front matter.
pub fn markdown(view: &CardView<'_>) -> String {
    markdown::render(view, &page::of(view))
}
