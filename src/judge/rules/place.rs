//! Names to places: the only file that turns an anchor into line and column.

use std::sync::Arc;

use crate::base::{Oid, shell_word};
use crate::judge::finding::{Anchor, Finding, Label, Place, Side};
use crate::record::kind::{RecordPath, concealed, is_in_entries};
use crate::record::snapshot::Snapshot;
use crate::record::yaml::{LineIndex, Part, pointer_step};

/// A placeholder in a remedy, before a path of the registry's folder: it becomes that
/// folder, since the remedy is typed at the repository's top.
pub(super) const FROM_TOP: char = '\u{1}';

/// Returns the anchor of a file of the registry's folder. A path that is none of its
/// entries would count from the repository's top otherwise.
pub(super) fn in_folder(path: &str) -> Anchor {
    match is_in_entries(path) {
        true => Anchor::file(path),
        false => Anchor::file(format!("{FROM_TOP}{path}")),
    }
}

/// A placeholder in a remedy for the registry's folder, seen from the repository's top.
pub(super) const FOLDER: char = '\u{2}';

/// Resolves anchors against the two trees of a step.
pub struct Resolver<'a> {
    /// The registry before.
    pub prior: Snapshot<'a>,
    /// The registry after.
    pub next: Snapshot<'a>,
    /// The registry's folder from the repository's top; empty for the top.
    pub folder: &'a str,
    /// The commit before.
    pub before: Option<Oid>,
    /// The commit after.
    pub after: Option<Oid>,
}

impl Resolver<'_> {
    /// Resolves an anchor to a place. One that can't be resolved becomes the file's first
    /// character, so no finding is lost for want of a place.
    pub fn place(&self, anchor: &Anchor) -> Place {
        let (snapshot, commit) = match anchor.side {
            Side::Before => (&self.prior, self.before),
            Side::After => (&self.next, self.after),
        };
        let record = RecordPath::parse(&anchor.path);
        let loaded = record.and_then(|record| snapshot.read(&record).ok().flatten());
        let (text, commit): (Option<Arc<str>>, Option<Oid>) = match &anchor.written {
            Some((commit, text)) => (Some(text.clone()), Some(*commit)),
            None => (loaded.as_ref().and_then(|loaded| loaded.text.clone()), commit),
        };
        let span = match (
            &anchor.span,
            loaded.as_ref().and_then(|loaded| loaded.document.as_ref()),
        ) {
            (Some(span), _) => span.clone(),
            (None, Some(document)) => document.span(&anchor.pointer, anchor.part),
            (None, None) => 0..0,
        };
        let length = text.as_deref().map_or(0, str::len);
        let span = span.start.min(length)..span.end.min(length).max(span.start.min(length));
        let (start, end) = match text.as_deref() {
            Some(text) => {
                let index = LineIndex::new(text);
                (
                    index.line_column(text, span.start),
                    index.line_column(text, span.end),
                )
            }
            None => Default::default(),
        };
        let own = anchor.path.strip_prefix(FROM_TOP);
        let path = own.unwrap_or(&anchor.path);
        let path = match self.folder {
            "" => path.to_owned(),
            folder if own.is_some() || is_in_entries(path) => format!("{folder}/{path}"),
            _ => path.to_owned(),
        };
        Place {
            side: anchor.side,
            path,
            pointer: shown_pointer(&anchor.pointer),
            commit,
            line: start.line.max(1),
            column: start.column.max(1),
            end_line: end.line.max(1),
            end_column: end.column.max(1),
            span,
            text,
        }
    }

    /// Returns a remedy with its paths from the repository's top.
    fn typed_at_top(&self, help: &str) -> String {
        let (folder, from_top) = match self.folder {
            "" => (".".to_owned(), String::new()),
            folder => (shell_word(folder), format!("{folder}/")),
        };
        let folder_made = match self.folder {
            "" => String::new(),
            _ => format!("mkdir -p {folder} && "),
        };
        help.replace(&format!("mkdir -p {FOLDER} && "), &folder_made)
            .replace(FOLDER, &folder)
            .replace(FROM_TOP, &from_top)
    }

    /// The finding with all its places.
    pub fn resolve(&self, finding: Finding<Anchor>) -> Finding<Place> {
        let label = |label: Label<Anchor>| Label {
            at: self.place(&label.at),
            text: shown(label.text),
        };
        Finding {
            rule: finding.rule,
            message: shown(finding.message),
            primary: label(finding.primary),
            related: finding.related.into_iter().map(label).collect(),
            why: finding.why.into_iter().map(shown).collect(),
            who: finding.who,
            help: finding.help.map(|help| self.typed_at_top(&help)),
            remedy: finding.remedy,
            group: finding.group,
            also: finding.also,
            step: self.after,
            acknowledged: finding.acknowledged,
            landings: finding.landings,
            reaffirms: finding.reaffirms,
            uncovered: finding.uncovered,
            folded: finding.folded,
        }
    }
}

/// Returns words as a report may show them: CI systems store and publish it.
fn shown(words: String) -> String {
    concealed(&words).into_owned()
}

/// Returns a pointer as a report may show it: a key may be an address with a login.
fn shown_pointer(pointer: &str) -> String {
    if !pointer.contains("~1") {
        return pointer.to_owned();
    }
    let steps = pointer.split('/').map(|step| {
        let key = step.replace("~1", "/").replace("~0", "~");
        pointer_step(&concealed(&key))
    });
    steps.collect::<Vec<_>>().join("/")
}

/// Returns the anchor with this part: a member's key, or its value.
pub(super) fn at_part(anchor: Anchor, part: Part) -> Anchor {
    Anchor { part, ..anchor }
}
