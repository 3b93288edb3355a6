//! Arranges a summary in blocks: the content, its order, and its length.

use super::builder::{Block, Builder, Line, Span, ours, strong};
use super::version::version_blocks;
use super::{Limit, Page, steps};
use crate::base::count;
use crate::judge::finding::{Finding, Place, Remedy, Report};
use crate::report::number;
use crate::report::summary::{Comparison, Field, Metric, PolicyLine, PolicyPart, StagePart, Why};

/// Builds the blocks of a page.
pub(super) fn of(page: &Page<'_>, limit: Limit) -> Vec<Block> {
    let mut out = Builder {
        limit,
        blocks: Vec::new(),
        left_out: 0,
    };
    let summary = page.summary;
    out.heading(2, vec![ours("What this change means")]);
    out.text(vec![ours(counted(page))]);
    if let Some(caution) = page.caution {
        out.blocks.push(Block::Warning(vec![ours(caution)], Vec::new()));
    }
    if let Some(policy) = &summary.policy {
        policy_blocks(&mut out, policy);
    }
    if !summary.protected.is_empty() {
        let lines = out.list(&summary.protected, |out, path| vec![out.theirs(path)]);
        out.blocks.push(Block::Warning(
            vec![strong("This changes files that the policy protects")],
            lines,
        ));
    }
    if let Some(report) = page.report {
        landing_blocks(&mut out, report);
    }
    let (versions, rest) = out.some(&summary.versions);
    for version in versions {
        version_blocks(&mut out, version);
    }
    if let Some(rest) = rest {
        out.text(rest);
    }
    if !summary.stages.is_empty() {
        out.heading(3, vec![ours("Stages")]);
        let (stages, rest) = out.some(&summary.stages);
        for stage in stages {
            stage_blocks(&mut out, stage);
        }
        if let Some(rest) = rest {
            out.text(rest);
        }
    }
    for (title, phrases) in [("Groups", &summary.groups), ("Also", &summary.others)] {
        if phrases.is_empty() {
            continue;
        }
        out.heading(3, vec![ours(title)]);
        let (some, rest) = out.some(phrases);
        let mut lines = Vec::new();
        for phrase in some {
            lines.push(vec![out.theirs(&phrase.phrase)]);
            let fields = field_lines(&mut out, &phrase.fields);
            lines.extend(fields);
        }
        lines.extend(rest);
        out.blocks.push(Block::List(lines));
    }
    steps::add(&mut out, page);
    if out.left_out > 0 {
        let (from, to) = page.range;
        let words = format!(
            "{} or shortened here, to fit. All of it: ",
            match out.left_out {
                1 => "1 thing was left out".to_owned(),
                many => format!("{many} things were left out"),
            }
        );
        let command = Span::Theirs(format!("modelry diff {from}..{to} -o json"));
        out.text(vec![ours(words), command]);
    }
    out.blocks
}

/// Summarises the change in one sentence.
fn counted(page: &Page<'_>) -> String {
    let summary = page.summary;
    let mut parts = Vec::new();
    let mut add = |number: usize, noun: &str, verb: &str| {
        if number > 0 {
            parts.push(format!("{} {verb}", count(number, noun)));
        }
    };
    let registered = summary
        .versions
        .iter()
        .filter(|version| version.registered)
        .count();
    add(registered, "version", "registered");
    add(summary.versions.len() - registered, "version", "changed");
    add(summary.stages.len(), "stage", "moved");
    add(summary.groups.len(), "group", "touched");
    add(usize::from(summary.policy.is_some()), "policy", "changed");
    add(summary.protected.len(), "protected file", "changed");
    add(summary.others.len(), "file", "otherwise changed");
    match parts.is_empty() {
        true => "Nothing of the registry changes.".into(),
        false => format!("{}.", parts.join(", ")),
    }
}

fn policy_line(out: &mut Builder, line: &PolicyLine) -> Line {
    let text = match (&line.before, &line.after) {
        (Some(before), Some(after)) => {
            let (before, after) = out.pair(before, after);
            format!("{} {before} -> {after}", line.what)
        }
        (Some(before), None) => format!("gone: {} {before}", line.what),
        (None, Some(after)) => format!("new: {} {after}", line.what),
        (None, None) => line.what.clone(),
    };
    let mut shown = Line::new();
    if line.weakens {
        let words = match line.unsure {
            true => "may ask for less:",
            false => "asks for less, or allows more:",
        };
        shown.push(Span::Warn(words.into()));
        shown.push(ours(" "));
    } else if line.strengthens {
        shown.push(ours("asks for more: "));
    }
    shown.push(match (&line.before, &line.after) {
        // Each text already has the maximal length; cutting again would lose the second
        // one.
        (Some(_), Some(_)) => Span::Theirs(text),
        _ => out.theirs(&text),
    });
    shown
}

fn policy_blocks(out: &mut Builder, policy: &PolicyPart) {
    let weakening = policy.lines.iter().filter(|line| line.weakens).count();
    let to = policy.to.map_or("unreadable".to_owned(), |to| to.to_string());
    let mut title = vec![strong(format!(
        "This changes the policy ({} -> {to})",
        policy.from
    ))];
    title.push(ours(match weakening {
        0 => ". Nothing of it asks for less or allows more than before.".into(),
        1 => ". In 1 place it asks for less or allows more than before, or may:".into(),
        some => format!(". In {some} places it asks for less or allows more than before, or may:"),
    }));
    // Everything else depends on the policy, so its part may be longer.
    let limit = out.limit;
    out.limit = Limit {
        items: limit.items.max(40),
        text: limit.text.max(120),
    };
    let lines = out.list(&policy.lines, policy_line);
    out.limit = limit;
    out.blocks.push(Block::Warning(title, lines));
    let mut line = vec![ours(format!(
        "It needs {}. Agreed so far: ",
        count(
            usize::try_from(policy.required).unwrap_or(usize::MAX),
            "administrator"
        )
    ))];
    match policy.agreed.is_empty() {
        true => line.push(ours("nobody")),
        false => line.extend(out.names(&policy.agreed)),
    }
    if let Some(signer) = &policy.signed {
        line.push(ours(" ("));
        line.push(out.theirs(signer.as_str()));
        line.push(ours(
            " by the signature of the commit, which a squash or a rebase by the host does not keep)",
        ));
    }
    if !policy.could_agree.is_empty() {
        line.push(ours(". Still to be asked: "));
        line.extend(out.names(&policy.could_agree));
    }
    if let Some(why) = &policy.blocked {
        line.push(ours(". Blocked: nobody can give what is missing: "));
        line.push(Span::Theirs(why.clone()));
    }
    out.text(line);
    for (actor, why) in policy.not_counted.iter().take(out.limit.items) {
        let line = vec![
            ours("The review of "),
            out.theirs(actor.as_str()),
            ours(" does not count: "),
            out.theirs(why),
        ];
        out.text(line);
    }
}

fn finding_line(out: &mut Builder, finding: &Finding<Place>) -> Line {
    let at = &finding.primary.at;
    let mut line = match finding.acknowledged {
        None => vec![Span::Bad(finding.rule.code.into())],
        Some(_) => vec![ours(finding.rule.code)],
    };
    line.push(ours(format!(" {}: ", finding.rule.name)));
    line.push(out.theirs(&finding.message));
    line.push(ours(" at "));
    line.push(out.theirs(&format!("{}:{}:{}", at.path, at.line, at.column)));
    if !finding.landings.is_empty() {
        let ways: Vec<&str> = finding.landings.iter().map(|way| way.name()).collect();
        line.push(ours(format!(", landed by {}", ways.join(", "))));
    }
    if let Some(by) = &finding.acknowledged {
        line.push(ours(", acknowledged "));
        line.push(out.theirs(by));
    } else if let Some(help) = &finding.help {
        line.push(ours(match finding.remedy {
            Remedy::Follow => ". Do: ",
            Remedy::Choose => ". Choose: ",
        }));
        line.push(out.theirs(help));
    }
    line
}

fn landing_blocks(out: &mut Builder, report: &Report) {
    // A change that is already on the mainline needs no decision.
    if report.landings.is_empty() {
        out.heading(3, vec![ours("Verdict")]);
        out.text(vec![match report.open().count() {
            0 => Span::Good("clean".into()),
            some => Span::Bad(count(some, "finding")),
        }]);
    } else {
        out.heading(3, vec![ours("Would it land?")]);
    }
    let lines = report.landings.iter().map(|tried| {
        let verdict = match tried.findings {
            0 => Span::Good("clean".into()),
            some => Span::Bad(count(some, "finding")),
        };
        vec![
            ours(format!("by {}: ", tried.way.name())),
            verdict,
            ours(format!(" ({})", tried.makes)),
        ]
    });
    let lines: Vec<Line> = lines.collect();
    if !lines.is_empty() {
        out.blocks.push(Block::List(lines));
    }
    if !report.findings.is_empty() {
        out.text(vec![ours("Findings:")]);
        let lines = out.list(&report.findings, finding_line);
        out.blocks.push(Block::List(lines));
    }
    if !report.notes.is_empty() {
        out.text(vec![ours("Notes:")]);
        let lines = out.list(&report.notes, |out, note| vec![out.theirs(&note.message)]);
        out.blocks.push(Block::List(lines));
    }
}

fn metric_row(out: &mut Builder, metric: &Metric, compared: bool) -> Vec<Line> {
    let name = match &metric.evidence {
        None => metric.name.clone(),
        Some(evidence) => format!("{evidence}: {}", metric.name),
    };
    let shown = |value: Option<f64>| vec![ours(value.map_or("—".into(), number))];
    let mut row = vec![vec![out.theirs(&name)], shown(metric.value)];
    if compared {
        row.push(shown(metric.other));
        let signed = |difference: f64| match difference > 0.0 {
            true => format!("+{}", number(difference)),
            false => number(difference),
        };
        row.push(match (metric.difference, metric.better) {
            (None, _) => Line::new(),
            (Some(0.0), _) => vec![ours("the same")],
            (Some(difference), None) => vec![ours(signed(difference))],
            (Some(difference), Some(true)) => {
                vec![
                    ours(format!("{} ", signed(difference))),
                    Span::Good("better".into()),
                ]
            }
            (Some(difference), Some(false)) => {
                vec![
                    ours(format!("{} ", signed(difference))),
                    Span::Bad("worse".into()),
                ]
            }
        });
    }
    row
}

pub(super) fn comparison_blocks(out: &mut Builder, version: &str, comparison: &Comparison) {
    let mut header = vec![vec![ours("METRIC")], vec![Span::Theirs(version.to_owned())]];
    if let Some(than) = &comparison.than {
        let mut line = vec![ours("Beside "), Span::Theirs(than.version.clone())];
        line.extend(match &than.why {
            Why::Serves(stage) => vec![ours(", which serves "), out.theirs(stage.as_str()), ours(":")],
            Why::ServedLast(stage) => vec![
                ours(", which served "),
                out.theirs(stage.as_str()),
                ours(" last:"),
            ],
            Why::HighestApproved => vec![ours(", the highest number Approved:")],
            Why::ServedBefore => vec![ours(", which served before:")],
        });
        out.text(line);
        header.push(vec![Span::Theirs(than.version.clone())]);
        header.push(vec![ours("DIFFERENCE")]);
    }
    let (some, rest) = out.some(&comparison.metrics);
    let rows: Vec<Vec<Line>> = some
        .iter()
        .map(|metric| metric_row(out, metric, comparison.than.is_some()))
        .collect();
    out.blocks.push(Block::Table(header, rows));
    if let Some(rest) = rest {
        out.text(rest);
    }
}

pub(super) fn field_lines(out: &mut Builder, fields: &[Field]) -> Vec<Line> {
    out.list(fields, |out, field| {
        let (before, after) = out.pair(&field.before, &field.after);
        vec![
            out.theirs(&field.field),
            ours(": "),
            Span::Theirs(before),
            ours(" -> "),
            Span::Theirs(after),
        ]
    })
}

fn stage_blocks(out: &mut Builder, stage: &StagePart) {
    let named = |version: &Option<String>| match version {
        Some(version) => Span::Theirs(version.clone()),
        None => ours("nothing"),
    };
    let mut line = vec![Span::Theirs(stage.stage.clone()), ours(": "), named(&stage.from)];
    match stage.from == stage.to {
        true => line.push(ours(" as before, with a new reason")),
        false => line.extend([ours(" -> "), named(&stage.to)]),
    }
    line.extend([ours(", by "), out.theirs(&stage.by)]);
    if let Some(reason) = &stage.reason {
        line.extend([ours("; because "), out.theirs(reason)]);
    }
    out.text(line);
    if let (Some(to), Some(comparison)) = (&stage.to, &stage.comparison) {
        comparison_blocks(out, to, comparison);
    }
}
