//! The page of a pull request, with hostile text: nothing of it is markup, it fits
//! what hosts accept, and no change of a policy is passed over.

use modelry::testing::judge::finding::{Finding, Label, Note, Place, Report, RuleInfo, Side, Tried};
use modelry::testing::record::kind::Landing;
use modelry::testing::report::summary::{
    Approval, Comparison, Counting, EvidencePart, Field, GatePart, Metric, Phrase, PolicyLine, PolicyPart,
    ReviewPart, StagePart, Summary, Than, VersionPart, Why,
};
use modelry::testing::report::{self, Page, Style};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::json;

use crate::report::summary::read;
use crate::support::needs::needs;

static RULE: RuleInfo = RuleInfo {
    code: "MR301",
    name: "unsigned-change",
    summary: "a",
    docs: "b",
};

/// A summary in which others wrote `text` wherever they can, `many` times.
fn written(text: &str, many: usize) -> (Summary, Report) {
    let t = || text.to_owned();
    let field = || Field {
        field: t(),
        before: t(),
        after: t(),
    };
    let fields = vec![field(); many];
    let comparison = Comparison {
        than: Some(Than {
            version: "churn/1".into(),
            why: Why::Serves("production".parse().expect("a stage")),
        }),
        metrics: vec![
            Metric {
                evidence: Some(t()),
                name: t(),
                value: Some(0.5),
                other: None,
                difference: Some(1e-9),
                better: Some(true),
            };
            many
        ],
    };
    let version = VersionPart {
        version: "churn/2".into(),
        registered: true,
        by: t(),
        status: Some("Pending".into()),
        description: Some(t()),
        artifacts: vec![(t(), Some(t())); many],
        images: vec![t(); many],
        comparison: Some(comparison.clone()),
        gates: vec![
            GatePart {
                name: t(),
                met: false,
                saw: t(),
                champion: Some("churn/1".into()),
                why: vec![t()],
                require: t(),
            };
            many
        ],
        evidence: vec![
            EvidencePart {
                name: t(),
                observation: false,
                added: true,
                by: t(),
                metrics: Default::default(),
                notes: Some(t()),
                fields: fields.clone(),
            };
            many
        ],
        notes: fields.clone(),
        frozen: fields.clone(),
        archival: Some((t(), Some(t()))),
        reviews: vec![
            ReviewPart {
                actor: t(),
                decision: "Approved".into(),
                counts: Counting::No(t()),
                reason: Some(t()),
                new: true,
            };
            many
        ],
        approval: Some(Approval {
            need: t(),
            missing: vec![t(); many],
            turn: t(),
            could_approve: Vec::new(),
            subject: t(),
            files: Vec::new(),
        }),
        ..VersionPart::default()
    };
    let phrase = Phrase {
        phrase: t(),
        fields: fields.clone(),
    };
    let summary = Summary {
        policy: Some(PolicyPart {
            from: 1,
            to: Some(2),
            lines: vec![
                PolicyLine {
                    what: t(),
                    before: Some(t()),
                    after: Some(t()),
                    weakens: true,
                    unsure: false,
                    strengthens: false,
                };
                many
            ],
            required: 2,
            agreed: Vec::new(),
            signed: None,
            not_counted: [("risk-1".parse().expect("an actor"), t())].into(),
            blocked: None,
            could_agree: Vec::new(),
            subject: format!("sha256:{}", "5".repeat(64)),
            files: Vec::new(),
        }),
        protected: vec![t(); many],
        versions: vec![version; many],
        stages: vec![
            StagePart {
                stage: "churn@production".into(),
                from: Some("churn/1".into()),
                to: Some("churn/2".into()),
                by: t(),
                reason: Some(t()),
                comparison: Some(comparison),
            };
            many
        ],
        groups: vec![phrase.clone(); many],
        others: vec![phrase; many],
    };
    let finding = Finding {
        rule: &RULE,
        message: t(),
        primary: Label {
            at: Place {
                side: Side::After,
                path: t(),
                pointer: String::new(),
                commit: None,
                line: 1,
                column: 1,
                end_line: 1,
                end_column: 1,
                span: 0..0,
                text: None,
            },
            text: String::new(),
        },
        related: Vec::new(),
        why: Vec::new(),
        who: None,
        help: Some(t()),
        remedy: modelry::testing::judge::finding::Remedy::Follow,
        group: None,
        also: None,
        step: None,
        acknowledged: None,
        landings: vec![Landing::Merge],
        reaffirms: None,
        uncovered: None,
        folded: std::collections::BTreeSet::new(),
    };
    let mut accepted = finding.clone();
    accepted.acknowledged = Some(t());
    let mut findings = vec![finding; many];
    findings.push(accepted);
    let report = Report {
        findings,
        notes: vec![
            Note {
                message: t(),
                path: None,
                commit: None,
            };
            many
        ],
        landings: vec![Tried {
            way: Landing::Merge,
            findings: many,
            makes: "a merge commit".into(),
        }],
        ..Report::default()
    };
    (summary, report)
}

fn page(text: &str, many: usize) -> String {
    let (summary, report) = written(text, many);
    report::summary_markdown(&Page {
        summary: &summary,
        report: Some(&report),
        folder: "",
        range: ("1111111111", "2222222222"),
        caution: None,
    })
}

const EVIL: [&str; 24] = [
    "@everyone",
    "#123 GH-1 !1 $1 %2 &3 ~label org/repo#1 deadbeefdeadbeef",
    "http://evil.example.com www.evil.example.com me@evil.example.com",
    "[x](http://evil.example.com) ![x](http://evil.example.com/a.png) [a]: http://evil.example.com",
    "<script>alert(1)</script> <img src=x onerror=alert(1)>",
    "</details> </summary> <details open>",
    "`",
    "``",
    "` `` ``` ````",
    "` <b> `",
    "a\n\n# heading\n\n- item\n\n```\nfence",
    "a | b \\| c \\\\| d",
    "\\",
    "\\`",
    "| --- |",
    "***bold*** ~~gone~~ __x__",
    "> quote\n> more",
    "&lt;b&gt; &#64;everyone &commat;everyone",
    " ",
    "",
    "\u{202e}txt.exe \u{2066}x\u{2069} \u{200b}\u{ad}\u{61c}\u{e0041}",
    ":tada: $x$ $`x`$ \\(x\\)",
    "-->",
    "\r\n\t\u{0}\u{1b}[31m",
];

/// Checks that the pages look as if others had written only a harmless word.
fn as_if_harmless(pages: &[String]) {
    let mut all = vec![page("word", 1)];
    all.extend_from_slice(pages);
    let read = read(&all);
    let harmless = &read[0];
    assert_eq!(harmless["links"], json!([]));
    for (told, page) in read.iter().zip(&all) {
        for what in ["links", "html", "outside", "kinds", "text"] {
            assert_eq!(told[what], harmless[what], "{what} of\n{page}");
        }
        let hidden = |c: char| {
            (c.is_control() && c != '\n')
                || "\u{202e}\u{2066}\u{2069}\u{200b}\u{ad}\u{61c}\u{e0041}".contains(c)
        };
        assert!(!page.contains(hidden), "{}", page.escape_debug());
    }
}

#[test]
#[ignore = "needs Python packages: markdown-it-py, linkify-it-py"]
fn nothing_that_others_wrote_is_markup() {
    needs![crate::report::summary::READER];
    let pages: Vec<String> = EVIL
        .iter()
        .filter(|text| !text.trim().is_empty())
        .map(|text| page(text, 1))
        .collect();
    as_if_harmless(&pages);
    // A blank text is described in our own words.
    let read = read(&[page("", 1), page(" ", 1)]);
    assert_eq!(read[0]["links"], json!([]));
    assert_eq!(read[0]["kinds"], read[1]["kinds"]);
}

#[test]
#[ignore = "needs Python packages: markdown-it-py, linkify-it-py"]
fn whatever_others_wrote_it_is_no_markup() {
    needs![crate::report::summary::READER];
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    // Pieces of markup in any order, and any text.
    let piece = prop_oneof![
        3 => proptest::sample::select(&EVIL[..]).prop_map(str::to_owned),
        2 => "[`|\\\\<>@#*_\\[\\]()!&~\\-\n ]{1,6}",
        1 => "\\PC{1,8}",
    ];
    let text = proptest::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat());
    let texts = proptest::collection::vec(text, 150);
    let texts = texts.new_tree(&mut runner).expect("texts").current();
    let pages: Vec<String> = texts
        .iter()
        .filter(|text| !report::clean(text).trim().is_empty())
        .map(|text| page(text, 1))
        .collect();
    assert!(pages.len() > 100);
    as_if_harmless(&pages);
}

#[test]
fn a_page_fits_what_hosts_take_and_says_what_it_leaves_out() {
    for (text, many) in [("word", 16), ("`|\u{1f600}<&", 16), ("word", 3)] {
        let long = text.repeat(300);
        let page = page(&long, many);
        assert!(page.len() < 60_000, "{many}: {}", page.len());
        assert!(page.contains(
            "left out or shortened here, to fit. All of it: `modelry diff 1111111111..2222222222 -o json`"
        ));
        // The warning is kept, and so is the verdict.
        assert!(page.contains("This changes the policy (1 -> 2)") && page.contains("### Would it land?"));
        assert_eq!(
            page.matches("<details>").count(),
            page.matches("</details>").count()
        );
    }
    assert!(!page("word", 2).contains("left out"));
}

#[test]
fn the_terminal_obeys_nothing_and_tells_the_same() {
    let (summary, report) = written("\u{1b}[2Jgone \u{202e}back\nnext", 2);
    let told = report::summary_terminal(
        &Page {
            summary: &summary,
            report: Some(&report),
            folder: "",
            range: ("1111111111", "2222222222"),
            caution: Some("take care"),
        },
        &Style::PLAIN,
    );
    assert!(!told.contains(['\u{1b}', '\u{202e}']));
    for words in [
        "WARNING: take care",
        "WARNING: This changes the policy (1 -> 2)",
        "by merge: 2 findings",
        "not met",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
}
