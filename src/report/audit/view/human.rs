//! An audit as plain text: the audited range, the signers, the versions in use with
//! their approvals, the findings, and the assumptions.

use super::{census, commits, need, rules, seen, steps, use_of, verdict};
use crate::judge::history::Dated;
use crate::record::kind::{Decision, Status};
use crate::report::audit::{Approval, Audit, Given, Live};
use crate::report::findings::human as report;
use crate::report::text::plain::utc;
use crate::report::{Cell, CellStyle, Style, Table, clean, paint};

/// The width of the labels before the values.
const LABEL: usize = 11;

fn fact(out: &mut String, label: &str, value: &str) {
    out.push_str(&format!("  {label:LABEL$}{}\n", clean(value).replace('\n', " ")));
}

fn heading(out: &mut String, title: &str, style: &Style) {
    out.push_str(&format!("\n{}\n", paint(title, "1", style)));
}

/// Renders the audit as text.
pub fn render(audit: &Audit, style: &Style) -> String {
    let mut out = format!(
        "{}\n",
        paint(&clean(&format!("Audit of {}", audit.name)), "1", style)
    );
    let range = &audit.range;
    fact(&mut out, "registry", &audit.id);
    if !audit.folder.is_empty() {
        fact(&mut out, "folder", &audit.folder);
    }
    fact(&mut out, "mainline", &range.mainline);
    fact(
        &mut out,
        "root",
        &format!("{}, {}", range.root, range.pinned_words()),
    );
    fact(&mut out, "tip", &range.tip.to_string());
    fact(&mut out, "steps", &steps(audit));
    fact(&mut out, "commits", &commits(audit));
    fact(
        &mut out,
        "changes",
        &format!("{}, policy {} at the tip", range.changes, audit.serial),
    );
    fact(&mut out, "versions", &census(audit));
    heading(&mut out, "Signatures", style);
    out.push_str(&signatures(audit).render(style));
    heading(&mut out, "In use", style);
    if audit.live.is_empty() {
        out.push_str("  nothing is Approved, and no stage serves\n");
    }
    for live in &audit.live {
        in_use(&mut out, live, style);
    }
    heading(&mut out, "Findings", style);
    if audit.report.findings.is_empty() {
        out.push_str("  none\n");
    }
    if !audit.report.findings.is_empty() || !audit.report.notes.is_empty() {
        out.push('\n');
        out.push_str(report::findings(&audit.report, style).trim_end());
        out.push('\n');
        if let Some(how) = report::acceptance(&audit.report) {
            out.push_str(&format!("\n{}\n", how.trim_end()));
        }
    }
    heading(&mut out, "Taken on trust", style);
    for trust in audit.trust() {
        out.push_str(&format!("  - {}\n", clean(&trust.text)));
    }
    let (word, color) = match audit.report.is_clean() {
        true => ("clean:", "1;32"),
        false => ("not clean:", "1;31"),
    };
    out.push_str(&format!(
        "\n{} {}\n",
        paint(word, color, style),
        verdict(&audit.report)
    ));
    out
}

fn signatures(audit: &Audit) -> Table {
    let mut table = Table::new(["WHO", "WHAT", "COMMITS", "RECORDS", "KEY"]);
    for signer in &audit.signers {
        let kind = signer
            .kind
            .map_or_else(|| "not listed".to_owned(), |kind| kind.to_string());
        let kind = match signer.retired {
            true => format!("{kind}, retired"),
            false => kind,
        };
        for (index, key) in signer.keys.iter().enumerate() {
            // One line for each key; the actor is on the first.
            let who = if index == 0 { signer.actor.as_str() } else { "″" };
            let what = match (index, key.revoked) {
                (0, false) => kind.clone(),
                (0, true) => format!("{kind}, key revoked"),
                (_, false) => String::new(),
                (_, true) => "key revoked".to_owned(),
            };
            table.row([
                Cell::styled(who, CellStyle::Strong),
                what.into(),
                key.uses.commits.to_string().into(),
                key.uses.records.to_string().into(),
                key.key.as_str().into(),
            ]);
        }
    }
    for nobody in &audit.nobody {
        table.row([
            Cell::styled("nobody", CellStyle::Dim),
            nobody.what.as_str().into(),
            nobody.uses.commits.to_string().into(),
            nobody.uses.records.to_string().into(),
            nobody.key.clone().unwrap_or_default().into(),
        ]);
    }
    table
}

fn given(given: &Given) -> String {
    let key = given
        .proof
        .key
        .as_ref()
        .map_or_else(String::new, |key| format!(" by {key}"));
    format!(
        "{}{key}, step {}, commit {}",
        given.proof.words,
        given.step,
        given.commit.short()
    )
}

fn in_use(out: &mut String, live: &Live, style: &Style) {
    let color = match live.status {
        Some(Status::Approved) if live.tainted.is_none() => "32",
        _ => "33",
    };
    out.push_str(&format!(
        "{}  {}\n",
        paint(&live.id.to_string(), "1", style),
        paint(&use_of(live), color, style)
    ));
    match &live.approval {
        Some(approval) => approved(out, approval),
        None if live.status == Some(Status::Approved) => {
            let how = match (&live.moved, &live.imported) {
                (None, _) => "no step shows by whom".to_owned(),
                (Some(moved), None) => format!("by no reviews: {}", given(moved)),
                (Some(moved), Some(import)) => format!("{}: {}", super::import_words(import), given(moved)),
            };
            fact(out, "approved", &how);
        }
        None => {}
    }
    if let Some(key) = &live.tainted {
        fact(
            out,
            "tainted",
            &format!("its approval rests on key {key}, which was not believed any more"),
        );
    }
    for serving in &live.serves {
        let how = match &serving.since {
            Some(since) => {
                let who = since
                    .proof
                    .actor
                    .as_ref()
                    .map_or("nobody", |actor| actor.as_str());
                format!("{} by {who}: {}", serving.stage, given(since))
            }
            None => format!("{}: no step shows since when", serving.stage),
        };
        fact(out, "serves", &how);
    }
}

fn approved(out: &mut String, approval: &Approval) {
    fact(
        out,
        "approved",
        &format!(
            "step {}, {}{}, commit {}",
            approval.step,
            utc(approval.time),
            match approval.dated.filter(Dated::is_backdated) {
                Some(dated) => format!(" (counts from {})", utc(Some(dated.date))),
                None => String::new(),
            },
            approval.mainline.short()
        ),
    );
    for review in &approval.reviews {
        let how = review
            .given
            .as_ref()
            .map_or_else(|| "no step shows how".to_owned(), given);
        let decided = match review.decision {
            Decision::Approved => String::new(),
            other => format!("{other}, "),
        };
        let who = review.voice();
        match &review.void {
            None => fact(out, "by", &format!("{who}: {decided}{how}")),
            Some(why) => fact(out, "", &format!("{who} does not count: {decided}{why}")),
        }
    }
    fact(
        out,
        "under",
        &format!(
            "policy {}, {}: {}",
            approval.serial,
            rules(approval),
            need(approval)
        ),
    );
    for outcome in &approval.gates {
        let verb = if outcome.met { "held" } else { "was not met" };
        let seen = match seen(outcome) {
            none if none.is_empty() => none,
            some => format!(" ({some})"),
        };
        let words = format!("{}: `{}` {verb}{seen}", outcome.name, outcome.require);
        fact(out, "gate", &words);
    }
    if !approval.missing.is_empty() {
        fact(out, "missing", &approval.missing.join(", "));
    }
    fact(out, "content", &approval.subject.to_string());
}
