//! MR206 card-authors: a card does not list all who changed it.

use super::scene::{Findings, Scene, names};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::RecordKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR206",
        name: "card-authors",
        summary: "a card does not list all who changed it",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !matches!(
        scene.change.kind,
        ChangeKind::Added(RecordKind::Card) | ChangeKind::Changed(RecordKind::Card)
    ) {
        return Ok(());
    }
    let Some(card) = scene.change.after.as_ref().and_then(|after| after.card()) else {
        return Ok(());
    };
    let before = scene.change.before.as_ref().and_then(|before| before.card());
    let earlier = before.map_or(&[][..], |before| &before.authors[..]);
    let missing: Vec<_> = earlier
        .iter()
        .chain([&card.by])
        .filter(|author| !card.authors.contains(author))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        scene.at("/authors"),
        format!("`authors` must list {}", names(&missing, "nobody")),
    )
    .why("everyone who ever changed a card is an author of what is approved, for four eyes")
    .help(format!(
        "write `authors: [{}]`, and sign the card again",
        card.authors
            .iter()
            .chain(missing)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
`authors` of a card lists everyone who ever changed it, and only grows.

## Why it matters
The four-eyes rule uses this list.

## Example
A reviewer who edits the card and leaves their name out.

## How to fix
Add the missing names.
"#;
