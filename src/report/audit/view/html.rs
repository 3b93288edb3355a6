//! An audit as one self-contained HTML file: inline style, no script, no external
//! resources. It suits phones and printers.

use maud::{Markup, html};

use super::timeline::{self, badge, key, proof};
use super::{commits, need, rules, steps, verdict};
use crate::base::{count, shell_word};
use crate::record::kind::{Decision, Status};
use crate::report::audit::{Again, Approval, Audit, Counted, Given, Group, Live, State, Uses};
use crate::report::clean;
use crate::report::text::page::page;
use crate::report::text::plain::utc;

const STYLE: &str = concat!(include_str!("../../text/page.css"), include_str!("audit.css"));

/// Renders the audit as a page.
pub fn render(audit: &Audit) -> String {
    let body = html! {
            body {
                (head(audit))
                main {
                    (range(audit))
                    (in_use(audit))
                    (findings(audit))
                    (signatures(audit))
                    (trust(audit))
                    (registry(audit))
                    @for (index, one) in audit.groups.iter().enumerate() { (group(index, one)) }
                }
                (foot(audit))
            }
    };
    let mut text = page(
        &format!("Audit of {} at {}", clean(&audit.name), audit.range.tip.short()),
        STYLE,
        &body,
    )
    .into_string();
    text.push('\n');
    text
}

fn head(audit: &Audit) -> Markup {
    let report = &audit.report;
    let open = report.open().count();
    let accepted = report.findings.len() - open;
    html! {
        header {
            p.eyebrow { "Registry audit" span.id { (clean(&audit.id)) } }
            h1 { (clean(&audit.name)) }
            p.badges {
                @match open {
                    0 => (badge("clean", "good")),
                    _ => (badge(&count(open, "open finding"), "bad")),
                }
                @if accepted > 0 { (badge(&format!("{accepted} acknowledged"), "waiting")) }
                @match audit.range.pinned {
                    true => (badge("root pinned", "quiet")),
                    false => (badge("root taken on trust", "waiting")),
                }
            }
            p.lede { (sentence(&verdict(report))) }
            nav aria-label="Contents" {
                a href="#range" { "Range" }
                a href="#in-use" { "In use" }
                a href="#findings" { "Findings" }
                a href="#signatures" { "Signatures" }
                a href="#trust" { "Taken on trust" }
                a href="#registry" { "Policy" }
                @for (index, group) in audit.groups.iter().enumerate() {
                    a href={ "#group-" (index + 1) } { (clean(&group.name)) }
                }
            }
        }
    }
}

/// Adds a capital first letter and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

fn row(label: &str, value: impl maud::Render) -> Markup {
    html! { div { dt { (label) } dd { (value) } } }
}

fn range(audit: &Audit) -> Markup {
    let range = &audit.range;
    let census = audit.census();
    let versions: usize = census.iter().map(|(_, count)| count).sum();
    let tile = |label: &str, value: usize, more: &str| {
        html! { div { dt { (label) } dd { (value) @if !more.is_empty() { small { (more) } } } } }
    };
    let behind = match range.side_commits {
        0 => String::new(),
        side => format!("{side} behind merges"),
    };
    let beside = match range.links {
        0 => String::new(),
        links => format!("{links} beside the registry"),
    };
    html! {
        section #range {
            h2 { "Range" }
            dl.tiles {
                (tile("Steps", range.steps, &beside))
                (tile("Commits checked", range.commits, &behind))
                (tile("Changes judged", range.changes, ""))
                (tile("Versions", versions, &format!("in {}", count(audit.groups.iter().filter(|group| group.exists).count(), "group"))))
            }
            @if !census.is_empty() {
                p.badges {
                    @for (state, count) in &census {
                        (badge(&format!("{count} {}", state.as_str()), state_class(*state)))
                    }
                }
            }
            dl.facts {
                (row("Mainline", html! { (clean(&range.mainline)) }))
                @if !audit.folder.is_empty() { (row("Folder", html! { code { (clean(&audit.folder)) } })) }
                (row("Root", html! { code { (range.root) } " " (range.pinned_words()) }))
                (row("Tip", html! { code { (range.tip) } " under policy " (audit.serial) }))
                (row("Walked", html! { (steps(audit)) "; " (commits(audit)) }))
            }
        }
    }
}

fn state_class(state: State) -> &'static str {
    match state {
        State::Is(status) => status_class(status),
        State::Deleted => "quiet",
        State::Unreadable => "bad",
    }
}

/// The CSS class of a status.
pub(super) fn status_class(status: Status) -> &'static str {
    match status {
        Status::Approved => "good",
        Status::Rejected => "bad",
        Status::Pending => "waiting",
        Status::Archived => "quiet",
    }
}

fn in_use(audit: &Audit) -> Markup {
    html! {
        section #in-use {
            h2 { "In use" }
            p.note { "Every version that is Approved at the tip, or serves a stage, and by whose leave." }
            @if audit.live.is_empty() { p { "Nothing is Approved, and no stage serves." } }
            div.cards { @for one in &audit.live { (live(one)) } }
        }
    }
}

fn live(live: &Live) -> Markup {
    let status = live.status.map_or(State::Unreadable, State::Is);
    html! {
        article.card {
            h3 { (live.id) }
            p.badges {
                (badge(status.as_str(), state_class(status)))
                @for serving in &live.serves { (badge(&format!("serves {}", serving.stage), "quiet")) }
                @if live.status == Some(Status::Approved) && !live.is_authorised() {
                    (badge("not authorised", "bad"))
                }
                @if live.imported.is_some() { (badge("imported", "quiet")) }
                @if live.tainted.is_some() { (badge("rests on a revoked key", "bad")) }
            }
            dl.facts {
                @match &live.approval {
                    Some(approval) => (approved(approval)),
                    None if live.status == Some(Status::Approved) => (row("Approved", html! {
                        @match &live.moved {
                            Some(moved) => {
                                @match &live.imported {
                                    Some(import) => (super::import_words(import)),
                                    None => "by no reviews,",
                                }
                                (given(moved))
                            }
                            None => "no step shows by whom",
                        }
                    })),
                    None => {},
                }
                @if let Some(tainted) = &live.tainted {
                    (row("Tainted", html! { "its approval rests on " (key(tainted)) ", which was not believed any more" }))
                }
                @for serving in &live.serves {
                    (row("Serves", html! {
                        strong { (serving.stage) }
                        @match &serving.since {
                            Some(since) => {
                                @if let Some(actor) = &since.proof.actor { " by " (actor) }
                                (given(since))
                            }
                            None => ": no step shows since when",
                        }
                    }))
                }
            }
        }
    }
}

/// The proof of a record at the time it was added.
fn given(given: &Given) -> Markup {
    html! { " at step " (given.step) (proof(&given.proof, Some(given.commit), false)) }
}

fn review(review: &Counted) -> Markup {
    html! {
        li {
            strong { (review.voice()) }
            @if review.decision != Decision::Approved { " " (review.decision) }
            @if let Some(why) = &review.void { " does not count: " (clean(why)) }
            @match &review.given {
                Some(how) => (given(how)),
                None => span.given { "no step shows how" },
            }
        }
    }
}

/// The deciding reviews, and the rules that applied.
fn approved(approval: &Approval) -> Markup {
    html! {
        (row("Approved", html! {
            "step " (approval.step) ", " (utc(approval.time)) br;
            code { (approval.mainline) }
        }))
        (row("By", html! { ul.plain { @for one in &approval.reviews { (review(one)) } } }))
        (row("Under", html! {
            "policy " (approval.serial) ", " (timeline::words(&rules(approval)))
            br; (need(approval))
        }))
        @if !approval.gates.is_empty() {
            (row("Gates", html! {
                ul.plain {
                    @for outcome in &approval.gates {
                        li { (timeline::gate(outcome)) }
                    }
                }
            }))
        }
        @if !approval.missing.is_empty() { (row("Missing", html! { (approval.missing.join(", ")) })) }
        (row("Content", html! { code { (approval.subject) } }))
    }
}

fn findings(audit: &Audit) -> Markup {
    let report = &audit.report;
    html! {
        section #findings {
            h2 { "Findings" }
            @if report.findings.is_empty() { p { "None." } }
            @for finding in &report.findings { (timeline::finding(finding)) }
            @if !report.notes.is_empty() {
                h3 { "Notes" }
                ul {
                    @for note in &report.notes {
                        li {
                            (timeline::words(&note.message))
                            @if let Some(commit) = note.commit { " (" code title=(commit) { (commit.short()) } ")" }
                        }
                    }
                }
            }
        }
    }
}

fn signatures(audit: &Audit) -> Markup {
    let numbers = |uses: Uses| {
        html! {
            td.number data-label="Commits" { (uses.commits) }
            td.number data-label="Records" { (uses.records) }
        }
    };
    html! {
        section #signatures {
            h2 { "Signatures" }
            p.note { "Commits and records by whose key signed them. The root is trusted for its pin and is not among them." }
            table {
                thead {
                    tr {
                        th scope="col" { "Who" } th scope="col" { "What" }
                        th.number scope="col" { "Commits" } th.number scope="col" { "Records" }
                        th scope="col" { "Key" }
                    }
                }
                tbody {
                    @for signer in &audit.signers {
                        @for one in &signer.keys {
                            tr {
                                td data-label="Who" { strong { (signer.actor) } }
                                td data-label="What" {
                                    @match signer.kind { Some(kind) => (kind), None => "not listed" }
                                    @if signer.retired { ", retired" }
                                    @if one.revoked { " " (badge("key revoked", "bad")) }
                                }
                                (numbers(one.uses))
                                td data-label="Key" { (key(&one.key)) }
                            }
                        }
                    }
                    @for nobody in &audit.nobody {
                        tr {
                            td data-label="Who" { "nobody" }
                            td data-label="What" { (clean(&nobody.what)) }
                            (numbers(nobody.uses))
                            td data-label="Key" { @match &nobody.key { Some(one) => (key(one)), None => "none" } }
                        }
                    }
                }
            }
        }
    }
}

fn trust(audit: &Audit) -> Markup {
    html! {
        section #trust {
            h2 { "Taken on trust" }
            ul { @for trust in audit.trust() { li { (sentence(&clean(&trust.text))) } } }
        }
    }
}

fn registry(audit: &Audit) -> Markup {
    html! {
        section #registry {
            h2 { "Policy and registry" }
            (timeline::events(&audit.events))
        }
    }
}

fn group(index: usize, group: &Group) -> Markup {
    let serves = group.stages.iter().map(|(stage, version)| match version {
        Some(version) => format!("{stage} serves {version}"),
        None => format!("{stage} serves nothing"),
    });
    html! {
        section id={ "group-" (index + 1) } {
            h2 { span.kind { "Group" } " " (clean(&group.name)) }
            p.badges {
                @if !group.exists { (badge("not there at the tip", "quiet")) }
                @if group.deleted { (badge("deleted", "quiet")) }
                @for (number, state) in &group.versions {
                    (badge(&format!("/{number} {}", state.as_str()), state_class(*state)))
                }
                @for words in serves { (badge(&words, "quiet")) }
            }
            (timeline::events(&group.events))
        }
    }
}

fn foot(audit: &Audit) -> Markup {
    let pin = match audit.folder.as_str() {
        "" => audit.range.root.to_string(),
        folder => format!("{}:{folder}", audit.range.root),
    };
    let root = match audit.range.pinned {
        true => format!("--root {}", shell_word(&clean(&pin))),
        false if audit.folder.is_empty() => "--trust-root".to_owned(),
        false => format!("--trust-root --path {}", shell_word(&clean(&audit.folder))),
    };
    let made = html! {
        "Made by Modelry " (env!("CARGO_PKG_VERSION")) " from commit " code { (audit.range.tip) }
    };
    html! {
        footer {
            @match &audit.again {
                Again::Anywhere => {
                    p { (made) ". Anybody with a clone can make it again, byte for byte:" }
                    p { code { "modelry audit " (root) " --at " (audit.range.tip) " -o html" } }
                }
                Again::OnDay { day, mainline } => {
                    p {
                        (made) ". Anybody with a clone whose " code { (clean(&audit.range.mainline)) }
                        " is at " code { (mainline) } " can make it again, byte for byte:"
                    }
                    p { code { "modelry audit " (root) " --at " (shell_word(&clean(day))) " -o html" } }
                }
                Again::Never => {
                    p {
                        (made) ". It depends on more than the history: on a checkpoint outside of the repository ("
                        code { "--checkpoint" } "), or on the clone that it was made in (" code { "--with-clone" } ")."
                    }
                }
            }
        }
    }
}
