//! A version's card as a page, in HTML and Markdown. Both render the same blocks, so
//! both show the same content in the same order.

mod html;
mod markdown;
mod page;

use crate::record::kind::{Decision, Evaluation, ModelCard, ModelVersion, VersionId};

/// A version with its card, evaluations and reviews.
pub struct CardView<'a> {
    /// The version's name.
    pub id: &'a VersionId,
    /// The version.
    pub version: &'a ModelVersion,
    /// The version's card.
    pub card: &'a ModelCard,
    /// Evaluations that an approval covers.
    pub evidence: Vec<&'a Evaluation>,
    /// Evaluations added later.
    pub observations: Vec<&'a Evaluation>,
    /// The reviews, as counted.
    pub reviews: Vec<CardReview>,
    /// The missing requirements of an approval; empty after the decision.
    pub missing: Vec<String>,
    /// The stages that the version serves.
    pub stages: Vec<String>,
    /// The digest of the reviewed content.
    pub subject: String,
    /// The commit that the content was read from.
    pub commit: String,
}

impl CardView<'_> {
    /// The model's name: from the card, or else the group's.
    pub fn name(&self) -> &str {
        let given = self.card.overview.as_ref().and_then(|it| it.name.as_deref());
        given.unwrap_or(self.id.group.as_str())
    }
}

/// One review of a version.
pub struct CardReview {
    /// The reviewer.
    pub actor: String,
    /// The decision of the reviewer.
    pub decision: Decision,
    /// The reason why the review does not count, or `None` if it counts.
    pub void: Option<String>,
    /// The reason that the reviewer gave.
    pub reason: Option<String>,
}

/// The page of a card.
struct Page {
    /// The content of the card, in the order of Hugging Face's template.
    main: Vec<Section>,
    /// The data of the registry: decision, metrics, evidence, authors.
    beside: Vec<Section>,
}

/// Blocks under a title.
struct Section {
    title: &'static str,
    blocks: Vec<Block>,
}

/// A piece of a page.
enum Block {
    Heading(String),
    /// Text that people wrote: paragraphs and plain lists.
    Prose(String),
    Facts(Vec<Fact>),
    /// Titled entries, each with its facts.
    Entries(Vec<Entry>),
    /// Rows under a header. Empty columns are left out.
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

struct Entry {
    title: String,
    /// A short word, and its meaning.
    badge: Option<(String, BadgeStyle)>,
    text: Option<String>,
    facts: Vec<Fact>,
}

impl Entry {
    /// Whether the entry has only a title.
    fn is_bare(&self) -> bool {
        self.badge.is_none() && self.text.is_none() && self.facts.is_empty()
    }
}

/// A value on one line.
enum Inline {
    Text(String),
    /// Text to copy: a digest, a name in a registry.
    Code(String),
    /// An address; a link if it is safe for a browser.
    Uri(String),
}

impl Inline {
    fn is_empty(&self) -> bool {
        let (Inline::Text(text) | Inline::Code(text) | Inline::Uri(text)) = self;
        text.trim().is_empty()
    }
}

/// The meaning of a badge.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BadgeStyle {
    Good,
    Bad,
    Waiting,
    Quiet,
}

/// The indexes of a table's columns that are not empty.
fn used_columns(header: &[&'static str], rows: &[Vec<Inline>]) -> Vec<usize> {
    let says = |column: &usize| {
        rows.iter()
            .any(|row| row.get(*column).is_some_and(|it| !it.is_empty()))
    };
    (0..header.len()).filter(says).collect()
}

/// Whether the address is safe as a link: `http` or `https`, without a character that
/// would end an attribute or an address.
fn is_web(uri: &str) -> bool {
    let lower = uri.to_ascii_lowercase();
    (lower.starts_with("https://") || lower.starts_with("http://"))
        && !uri
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "<>\"'`|\\".contains(c))
}

/// Renders the card as one self-contained HTML page: no script, no external resources.
pub fn html(view: &CardView<'_>) -> String {
    html::render(view, &page::of(view))
}

/// Renders the card as Markdown (CommonMark with GitHub's tables), without front
/// matter.
pub fn markdown(view: &CardView<'_>) -> String {
    markdown::render(view, &page::of(view))
}
