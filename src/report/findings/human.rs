//! Findings with source lines and carets, then reason, actor and remedy.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::base::count;
use crate::judge::finding::{Checked, Finding, Label, Place, Report};
use crate::record::kind::concealed_in_place;
use crate::report::Style;
use crate::report::text::plain::{clean, paint};

pub(crate) fn render(report: &Report, style: &Style) -> String {
    let mut out = findings(report, style);
    for tried in &report.landings {
        let verdict = match tried.findings {
            0 => paint("clean", "1;32", style).to_string(),
            some => paint(&count(some, "finding"), "1;31", style).to_string(),
        };
        let line = format!("landed by {:<7} {verdict} ({})\n", tried.way.name(), tried.makes);
        out.push_str(&line);
    }
    out.extend(acceptance(report));
    out.push_str(&summary(report, style));
    out.push('\n');
    out
}

/// Renders only the findings and notes.
pub(crate) fn findings(report: &Report, style: &Style) -> String {
    let renderer = if style.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.term_width(style.width.unwrap_or(140));
    let mut out = String::new();
    for finding in &report.findings {
        out.push_str(&one(finding, &renderer));
        out.push_str("\n\n");
    }
    for note in &report.notes {
        let place = note
            .path
            .as_ref()
            .map(|path| format!(" ({path})"))
            .unwrap_or_default();
        let line = format!(
            "{} {}{place}\n",
            paint("note:", "1;36", style),
            clean(&note.message)
        );
        out.push_str(&line);
    }
    if !report.notes.is_empty() {
        out.push('\n');
    }
    out
}

/// Explains how to acknowledge the findings that can't be undone, because history keeps
/// them: all of them, so that one paste is enough.
pub(crate) fn acceptance(report: &Report) -> Option<String> {
    let steps = report.acceptable();
    if steps.is_empty() {
        return None;
    }
    let entries: String = steps
        .iter()
        .map(|(step, codes)| {
            let codes = Vec::from_iter(codes.iter().copied()).join(", ");
            format!("    - {{commit: \"{step}\", codes: [{codes}], reason: …}}\n")
        })
        .collect();
    Some(format!(
        "What is done stays in history. Once somebody has looked, an administrator can accept it in `registry.yaml`:\n\n  acknowledged:\n{entries}\n"
    ))
}

pub(crate) fn summary(report: &Report, style: &Style) -> String {
    let Checked {
        steps,
        commits,
        documents,
        changes,
    } = report.checked;
    let mut looked = Vec::new();
    if steps > 0 {
        looked.push(count(steps, "step"));
    }
    if commits > 0 {
        let verb = if commits == 1 { "touches" } else { "touch" };
        looked.push(format!("{} that {verb} the registry", count(commits, "commit")));
    }
    looked.push(count(changes, "change"));
    looked.push(count(documents, "document"));
    let looked = looked.join(", ");
    let open = report.open().count();
    let accepted = match report.findings.len() - open {
        0 => String::new(),
        accepted => format!("; {accepted} acknowledged"),
    };
    if open == 0 {
        format!("{} looked at {looked}{accepted}", paint("clean:", "1;32", style))
    } else {
        let findings = format!("{}:", count(open, "finding"));
        format!("{} looked at {looked}{accepted}", paint(&findings, "1;31", style))
    }
}

/// Cuts the text around a place down to the shown part, and moves the span accordingly.
pub(crate) fn excerpt(place: &Place) -> Option<(String, usize, Range<usize>)> {
    let text = place.text.as_deref()?;
    let line = |at: usize| text[..at].rfind('\n').map_or(0, |feed| feed + 1);
    let start = line(place.span.start);
    let end = place.span.end.max(place.span.start);
    // Only the first line of a value over many lines is shown.
    let stop = text[place.span.start..]
        .find('\n')
        .map_or(text.len(), |feed| place.span.start + feed);
    let end = end.min(stop);
    // Secrets of addresses are masked without moving any place.
    let raw = &*concealed_in_place(&text[start..stop]);
    let (at, end) = (place.span.start - start, end - start);
    let shown = clean(raw).replace('\t', " ");
    let before = clean(&raw[..at]).replace('\t', " ").len();
    let width = clean(&raw[at..end]).replace('\t', " ").len();
    // Very long lines would fill the screen.
    if shown.len() > 400 {
        return None;
    }
    Some((shown, place.line, before..before + width))
}

fn where_words(place: &Place) -> String {
    let mut words = clean(&place.path).into_owned();
    if place.side == crate::judge::finding::Side::Before {
        match place.commit {
            Some(commit) => words.push_str(&format!(" (before, at {})", commit.short())),
            None => words.push_str(" (before)"),
        }
    }
    words
}

fn one(finding: &Finding<Place>, renderer: &Renderer) -> String {
    let title = clean(&finding.message).replace('\n', "\\u{a}");
    let id = format!("{} {}", finding.rule.code, finding.rule.name);
    let labels: Vec<(&Label<Place>, bool)> = std::iter::once((&finding.primary, true))
        .chain(finding.related.iter().map(|label| (label, false)))
        .collect();
    let excerpts: Vec<_> = labels.iter().map(|(label, _)| excerpt(&label.at)).collect();
    let paths: Vec<String> = labels
        .iter()
        .map(|(label, _)| where_words(&label.at).replace('\n', "\\u{a}"))
        .collect();
    let texts: Vec<String> = labels
        .iter()
        .map(|(label, _)| clean(&label.text).into_owned())
        .collect();
    let level = match finding.acknowledged {
        Some(_) => Level::NOTE.with_name("acknowledged"),
        None => Level::ERROR.with_name("finding"),
    };
    let mut group = Group::with_title(level.primary_title(title.as_str()).id(id.as_str()));
    for (index, (label, primary)) in labels.iter().enumerate() {
        let kind = if *primary {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        group = match &excerpts[index] {
            Some((source, line, span)) => {
                let mut annotation = kind.span(span.clone());
                if !texts[index].is_empty() {
                    annotation = annotation.label(texts[index].as_str());
                }
                let snippet = Snippet::source(source.as_str())
                    .path(paths[index].as_str())
                    .line_start(*line);
                group.element(snippet.annotation(annotation))
            }
            None => {
                let at = &label.at;
                group.element(
                    annotate_snippets::Origin::path(paths[index].as_str())
                        .line(at.line)
                        .char_column(at.column),
                )
            }
        };
    }
    let help = finding.help.as_deref().map(clean);
    let why: Vec<_> = finding.why.iter().map(|why| clean(why)).collect();
    let who = finding.who.as_deref().map(clean);
    let accepted = finding.acknowledged.as_deref().map(clean);
    let ways: Vec<&str> = finding.landings.iter().map(|way| way.name()).collect();
    let landings = (!ways.is_empty()).then(|| ways.join(", "));
    let explain = format!("modelry explain {}", finding.rule.code);
    for why in &why {
        group = group.element(Level::NOTE.with_name("why").message(why.as_ref()));
    }
    if let Some(who) = &who {
        group = group.element(Level::NOTE.with_name("who").message(who.as_ref()));
    }
    if let Some(landings) = &landings {
        group = group.element(Level::NOTE.with_name("landed by").message(landings.as_str()));
    }
    if let Some(accepted) = &accepted {
        group = group.element(Level::NOTE.with_name("acknowledged").message(accepted.as_ref()));
    }
    if let Some(help) = help.as_ref().filter(|_| accepted.is_none()) {
        group = group.element(
            Level::HELP
                .with_name(finding.remedy.verb())
                .message(help.as_ref()),
        );
    }
    group = group.element(Level::NOTE.with_name("more").message(explain.as_str()));
    renderer.render(&[group])
}
