//! The section of one version.

use super::blocks::{comparison_blocks, field_lines};
use super::builder::{Block, Builder, Line, Span, ours, strong};
use crate::base::count;
use crate::report::number;
use crate::report::summary::{Counting, Field, VersionPart};

pub(super) fn version_blocks(out: &mut Builder, version: &VersionPart) {
    let mut title = vec![Span::Theirs(version.version.clone())];
    if version.registered {
        title.push(ours(", new"));
    }
    if let Some(status) = &version.status {
        title.push(ours(format!(": {status}")));
    }
    out.heading(3, title);
    if version.deleted {
        out.text(vec![Span::Warn("It is deleted; a tombstone stays.".into())]);
    }
    if let Some((status, from)) = &version.imported {
        let by = out.theirs(&version.by);
        let from = out.theirs(from);
        out.text(vec![
            Span::Warn(format!("Imported as {status}, without reviews here,")),
            ours(" by "),
            by,
            ours(" from "),
            from,
        ]);
    }
    let moves = version.moves.iter();
    for (from, to) in moves {
        out.text(vec![ours(format!("Its status moves from {from} to {to}."))]);
    }
    if let Some((by, reason)) = &version.archival {
        let mut line = vec![ours("Retired by "), out.theirs(by)];
        if let Some(reason) = reason {
            line.extend([ours(": "), out.theirs(reason)]);
        }
        out.text(line);
    }
    if !version.frozen.is_empty() {
        let lines = field_lines(out, &version.frozen);
        out.blocks.push(Block::Warning(
            vec![strong("What was frozen at registration changes")],
            lines,
        ));
    }
    if version.registered {
        let line = vec![ours("Registered by "), out.theirs(&version.by)];
        out.text(line);
    }
    if let Some(description) = &version.description {
        let line = vec![ours("Its description: "), out.theirs(description)];
        out.text(line);
    }
    if let Some(comparison) = &version.comparison {
        comparison_blocks(out, &version.version, comparison);
    }
    if !version.gates.is_empty() {
        gate_blocks(out, version);
    }
    if version.approval.is_some() || !version.reviews.is_empty() {
        approval_blocks(out, version);
    }
    evidence_blocks(out, version);
    out.fold("What it loads and runs", |out| {
        let mut lines = out.list(&version.artifacts, |out, (uri, digest)| {
            let digest = match digest {
                Some(digest) => out.theirs(digest),
                None => Span::Warn("no digest".into()),
            };
            vec![out.theirs(uri), ours(" "), digest]
        });
        lines.extend(out.list(&version.images, |out, image| {
            vec![ours("image "), out.theirs(image)]
        }));
        if !lines.is_empty() {
            out.blocks.push(Block::List(lines));
        }
    });
    if !version.notes.is_empty() {
        out.fold("Labels and annotations", |out| {
            let lines = field_lines(out, &version.notes);
            out.blocks.push(Block::List(lines));
        });
    }
}

fn gate_blocks(out: &mut Builder, version: &VersionPart) {
    let (some, rest) = out.some(&version.gates);
    let mut rows = Vec::new();
    for gate in some {
        let result = match gate.met {
            true => Span::Good("met".into()),
            false => Span::Bad("not met".into()),
        };
        let mut saw = vec![out.theirs(&gate.saw)];
        if let Some(champion) = &gate.champion {
            saw.extend([ours(" (champion: "), Span::Theirs(champion.clone()), ours(")")]);
        }
        let why = match gate.why.is_empty() {
            true => Line::new(),
            false => vec![out.theirs(&gate.why.join("; "))],
        };
        rows.push(vec![vec![out.theirs(&gate.name)], vec![result], saw, why]);
    }
    let header = ["GATE", "RESULT", "SAW", "WHY NOT"].map(|name| vec![ours(name)]);
    out.blocks.push(Block::Table(header.into(), rows));
    if let Some(rest) = rest {
        out.text(rest);
    }
}

fn approval_blocks(out: &mut Builder, version: &VersionPart) {
    if !version.reviews.is_empty() {
        let lines = out.list(&version.reviews, |out, review| {
            let mut line = vec![out.theirs(&review.actor), ours(format!(": {}", review.decision))];
            if review.new {
                line.push(ours(" (new)"));
            }
            match &review.counts {
                Counting::Yes => line.extend([ours(", "), Span::Good("counts".into())]),
                Counting::No(why) => {
                    line.extend([
                        ours(", "),
                        Span::Bad("does not count".into()),
                        ours(": "),
                        out.theirs(why),
                    ]);
                }
            }
            if let Some(reason) = &review.reason {
                line.extend([ours("; because "), out.theirs(reason)]);
            }
            line
        });
        out.text(vec![ours("Reviews:")]);
        out.blocks.push(Block::List(lines));
    }
    let Some(approval) = &version.approval else {
        return;
    };
    let approvals = count(version.approvals(), "approval");
    let mut line = vec![ours("An approval needs "), out.theirs(&approval.need)];
    line.push(ours(format!("; so far {approvals}.")));
    out.text(line);
    if !approval.missing.is_empty() {
        let missing = out.theirs(&approval.missing.join("; "));
        out.text(vec![strong("Still missing:"), ours(" "), missing]);
    }
    if version.status.as_deref() == Some("Pending") {
        let line = match approval.could_approve.is_empty() {
            false => {
                let mut line = vec![strong("To be asked:"), ours(" ")];
                line.extend(out.names(&approval.could_approve));
                line
            }
            true => vec![strong("Turn:"), ours(" "), out.theirs(&approval.turn)],
        };
        out.text(line);
    }
}

fn evidence_blocks(out: &mut Builder, version: &VersionPart) {
    if !version.evidence.is_empty() {
        let lines = out.list(&version.evidence, |out, evidence| {
            let what = match (evidence.observation, evidence.added) {
                (false, true) => "Evidence added: ",
                (false, false) => "Evidence changed: ",
                (true, true) => "Observation added: ",
                (true, false) => "Observation changed: ",
            };
            let mut line = vec![
                ours(what),
                out.theirs(&evidence.name),
                ours(" by "),
                out.theirs(&evidence.by),
            ];
            let metrics = evidence.metrics.iter();
            let metrics: Vec<String> = metrics
                .map(|(name, value)| format!("{name} {}", number(*value)))
                .collect();
            if !metrics.is_empty() {
                line.extend([ours(": "), out.theirs(&metrics.join(", "))]);
            }
            if let Some(notes) = &evidence.notes {
                line.extend([ours("; "), out.theirs(notes)]);
            }
            line
        });
        out.blocks.push(Block::List(lines));
        let changed: Vec<Field> = version.evidence.iter().flat_map(|it| it.fields.clone()).collect();
        if !changed.is_empty() {
            out.fold("What changed in the evidence", |out| {
                let lines = field_lines(out, &changed);
                out.blocks.push(Block::List(lines));
            });
        }
    }
    if let Some(card) = &version.card {
        let verb = if card.added { "Card added" } else { "Card changed" };
        let mut line = vec![ours(format!("{verb}; it fills "))];
        match card.filled.is_empty() {
            true => line.push(ours("nothing")),
            false => line.extend(out.names(&card.filled)),
        }
        out.text(line);
        if !card.fields.is_empty() {
            out.fold("What changed in the card", |out| {
                let lines = field_lines(out, &card.fields);
                out.blocks.push(Block::List(lines));
            });
        }
    }
}
