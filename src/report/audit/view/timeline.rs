//! The parts of the page that show single changes: action, actor, proof, findings.

use maud::{Markup, html};

use super::html::status_class;
use crate::base::Oid;
use crate::judge::finding::{Finding, Label, Place, Remedy, Side};
use crate::judge::history::Dated;
use crate::record::kind::{Decision, Status};
use crate::report::audit::{Event, GateOutcome, Means, Outcome, Proof};
use crate::report::clean;
use crate::report::findings::human::excerpt;
use crate::report::text::plain::utc;

/// Renders a word in the colour of its meaning.
pub(super) fn badge(word: &str, class: &str) -> Markup {
    html! { span class={ "badge " (class) } { (clean(word)) } }
}

/// Renders text of others. Parts between backticks become code.
pub(super) fn words(text: &str) -> Markup {
    let text = clean(text);
    let parts: Vec<&str> = text.split('`').collect();
    // A backtick without a partner is text.
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (index, part) in parts.iter().enumerate() {
            @if index % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

pub(super) fn key(key: &str) -> Markup {
    html! { code.key { (clean(key)) } }
}

/// Renders the actor behind a change and the proof. Leaves out the commit where the
/// page shows it already.
pub(super) fn proof(proof: &Proof, commit: Option<Oid>, named: bool) -> Markup {
    let (mark, class) = match proof.means {
        Means::Root => ("root", "quiet"),
        Means::Record => ("signed record", "good"),
        Means::Commit => ("signed commit", "good"),
        Means::Decision => ("decision", "quiet"),
        Means::Nobody => ("nobody", "waiting"),
    };
    let mut parts: Vec<Markup> = Vec::new();
    if matches!(proof.means, Means::Record | Means::Commit) {
        let actor = proof.actor.as_ref().filter(|_| named);
        parts.extend(actor.map(|actor| html! { "by " strong { (actor) } }));
        // The words after those of the badge.
        let more = proof.words.split_once("; ");
        parts.extend(more.map(|(_, more)| html! { (clean(more)) }));
    } else {
        let told = proof.words.strip_prefix("nobody: ");
        parts.push(words(told.unwrap_or(&proof.words)));
    }
    parts.extend(proof.key.as_ref().map(|one| html! { "key " (key(one)) }));
    parts.extend(commit.map(|commit| html! { "commit " code title=(commit) { (commit.short()) } }));
    html! {
        span.proof {
            span class={ "mark " (class) } { (mark) } " "
            @for (index, part) in parts.iter().enumerate() {
                @if index > 0 { ", " }
                (part)
            }
        }
    }
}

/// Renders a gate: its condition, its result, and the values that it used.
pub(super) fn gate(gate: &GateOutcome) -> Markup {
    let seen = super::seen(gate);
    html! {
        strong { (gate.name) } " "
        @match gate.met {
            true => (badge("held", "good")),
            false => (badge("not met", "bad")),
        }
        span.proof {
            code { (clean(&gate.require)) }
            @if !seen.is_empty() { br; (clean(&seen)) }
        }
    }
}

fn outcome(outcome: &Outcome) -> Markup {
    match outcome {
        Outcome::Status(status) => badge(status.as_str(), status_class(*status)),
        Outcome::Decision(decision) => badge(
            decision.as_str(),
            match decision {
                Decision::Approved => "good",
                Decision::Rejected => "bad",
                Decision::Withdrawn => "quiet",
            },
        ),
        Outcome::Stage(Some(version)) => badge(&format!("serves {version}"), "quiet"),
        Outcome::Stage(None) => badge("serves nothing", "quiet"),
        Outcome::Policy(serial) => badge(&format!("policy {serial}"), "quiet"),
    }
}

/// Renders changes, grouped by their step.
pub(super) fn events(events: &[Event]) -> Markup {
    let steps = events.chunk_by(|a, b| a.step == b.step);
    html! {
        @if events.is_empty() { p { "Nothing happened." } }
        ol.timeline {
            @for changes in steps { (step(changes)) }
        }
    }
}

fn step(changes: &[Event]) -> Markup {
    let Some(first) = changes.first() else {
        return Markup::default();
    };
    html! {
        li.step {
            div.when {
                strong { "Step " (first.step) }
                span { (utc(first.time)) }
                @if let Some(dated) = first.dated.filter(Dated::is_backdated) {
                    span title={ "the date that " (dated.of) " claims" } { "counts from " (utc(Some(dated.date))) }
                }
                code title=(first.mainline) { (first.mainline.short()) }
            }
            div.changes { @for change in changes { (event(change)) } }
        }
    }
}

fn event(event: &Event) -> Markup {
    html! {
        div.change {
            p.what {
                span.phrase { (clean(&event.phrase)) }
                @if let Some(one) = &event.outcome { " " (outcome(one)) }
                @for flag in &event.flags {
                    " "
                    @match flag.acknowledged {
                        true => (badge(&format!("{} {}, acknowledged", flag.code, flag.name), "waiting")),
                        false => (badge(&format!("{} {}", flag.code, flag.name), "bad")),
                    }
                }
            }
            @if let Some(reason) = &event.reason { blockquote { (clean(reason)) } }
            (proof(&event.proof, Some(event.commit).filter(|commit| *commit != event.mainline), true))
            @if let Some(approval) = event.approval.as_ref().filter(|it| it.to == Status::Approved) {
                span.proof { "Under policy " (approval.serial) ", " (words(&super::rules(approval))) ": " (super::need(approval)) }
                @for outcome in &approval.gates {
                    span.proof {
                        "Gate " (outcome.name)
                        @match outcome.met { true => " held", false => " was not met" }
                        ": " code { (clean(&outcome.require)) }
                    }
                }
            }
        }
    }
}

fn source(label: &Label<Place>) -> Markup {
    let at = &label.at;
    let excerpt = excerpt(at);
    html! {
        figure {
            figcaption {
                code { (clean(&at.path)) ":" (at.line) ":" (at.column) }
                @if at.side == Side::Before { " before" }
                @if let Some(commit) = at.commit { " at " code title=(commit) { (commit.short()) } }
                @if !label.text.is_empty() { ": " (words(&label.text)) }
            }
            @if let Some((text, line, span)) = &excerpt {
                pre { code {
                    span.line { (line) }
                    (text.get(..span.start).unwrap_or_default())
                    mark { (text.get(span.clone()).unwrap_or_default()) }
                    (text.get(span.end..).unwrap_or_default())
                } }
            }
        }
    }
}

/// Renders one finding with its source lines.
pub(super) fn finding(finding: &Finding<Place>) -> Markup {
    let row = |label: &str, text: &str| html! { div { dt { (label) } dd { (words(text)) } } };
    let accepted = finding.acknowledged.as_deref();
    html! {
        article class={ "finding " (if accepted.is_some() { "accepted" } else { "open" }) } {
            p.badges {
                (badge(finding.rule.code, if accepted.is_some() { "waiting" } else { "bad" }))
                span.rule { (finding.rule.name) }
                @if accepted.is_some() { (badge("acknowledged", "waiting")) }
            }
            h3 { (words(&finding.message)) }
            (source(&finding.primary))
            @for label in &finding.related { (source(label)) }
            dl.facts {
                @for why in &finding.why { (row("Why", why)) }
                @if let Some(who) = &finding.who { (row("Who", who)) }
                @if let Some(words) = accepted { (row("Acknowledged", words)) }
                @if let Some(help) = finding.help.as_deref().filter(|_| accepted.is_none()) {
                    (row(if finding.remedy == Remedy::Choose { "Choose" } else { "Do" }, help))
                }
            }
        }
    }
}
