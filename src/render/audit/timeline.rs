//! The parts of the page that tell of single changes: what was done, by whom,
//! by what proof, and what is wrong with it.

use maud::{Markup, html};

use super::html::status_class;
use crate::audit::{Event, GateOutcome, Means, Outcome, Proof};
use crate::finding::{Finding, Label, Place, Side};
use crate::model::Decision;
use crate::raw::Oid;
use crate::render::clean;
use crate::render::human::excerpt;
use crate::render::text::utc;

/// A word in a colour that means something.
pub(super) fn badge(word: &str, class: &str) -> Markup {
    html! { span class={ "badge " (class) } { (clean(word)) } }
}

/// A key's fingerprint.
pub(super) fn key(key: &str) -> Markup {
    html! { code.key { (clean(key)) } }
}

/// Who stands behind a change, and by what; `named` when the actor is to be
/// named here.
pub(super) fn proof(proof: &Proof, commit: Oid, named: bool) -> Markup {
    let (mark, class) = match proof.means {
        Means::Root => ("root", "quiet"),
        Means::Record => ("signed record", "good"),
        Means::Commit => ("signed commit", "good"),
        Means::Decision => ("decision", "quiet"),
        Means::Nobody => ("nobody", "waiting"),
    };
    let is_signed = matches!(proof.means, Means::Record | Means::Commit);
    html! {
        span.proof {
            span class={ "mark " (class) } { (mark) } " "
            @if is_signed {
                @if let Some(actor) = proof.actor.as_ref().filter(|_| named) { "by " strong { (actor) } ", " }
                // What follows the mark's own words.
                @if let Some((_, more)) = proof.words.split_once("; ") { (clean(more)) ", " }
            } @else { (clean(&proof.words)) ", " }
            @if let Some(one) = &proof.key { "key " (key(one)) ", " }
            "commit " code title=(commit) { (commit.short()) }
        }
    }
}

/// A gate: its condition, whether it held, and what it saw.
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

/// Changes, by the step that brings them.
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
            (proof(&event.proof, event.commit, true))
            @if let Some(approval) = &event.approval {
                span.proof { "Under policy " (approval.serial) ", " (clean(&super::rules(approval))) ": " (super::need(approval)) }
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
                @if !label.text.is_empty() { ": " (clean(&label.text)) }
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

/// One finding, with its source lines.
pub(super) fn finding(finding: &Finding<Place>) -> Markup {
    let row = |label: &str, text: &str| html! { div { dt { (label) } dd { (clean(text)) } } };
    let accepted = finding.acknowledged.as_deref();
    html! {
        article class={ "finding " (if accepted.is_some() { "accepted" } else { "open" }) } {
            p.badges {
                (badge(finding.rule.code, if accepted.is_some() { "waiting" } else { "bad" }))
                span.rule { (finding.rule.name) }
                @if accepted.is_some() { (badge("acknowledged", "waiting")) }
            }
            h3 { (clean(&finding.message)) }
            (source(&finding.primary))
            @for label in &finding.related { (source(label)) }
            dl.facts {
                @for why in &finding.why { (row("Why", why)) }
                @if let Some(who) = &finding.who { (row("Who", who)) }
                @if let Some(words) = accepted { (row("Acknowledged", words)) }
                @if let Some(help) = finding.help.as_deref().filter(|_| accepted.is_none()) { (row("Do", help)) }
            }
        }
    }
}
