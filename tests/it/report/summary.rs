//! Summaries for the person who must decide: `diff -o markdown` and `validate --onto
//! BASE --summary FILE`.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::Lab;
use crate::support::golden::golden;
use crate::support::needs::needs;
use crate::support::python::Packages;

/// A reader of Markdown that somebody else wrote.
pub const READER: Packages = Packages {
    folder: "python-markdown",
    imports: "import markdown_it, linkify_it",
    names: &["markdown-it-py", "linkify-it-py"],
    options: &[],
};

const GATES: &str = "approvals:
  - groups: [churn]
    required: 2
    from: {risk: 1}
    gates:
      - name: good-enough
        champion: production
        require: metrics.auc >= 0.85 && (champion == null || metrics.auc >= champion.metrics.auc)
        message: must not fall behind the version in production
      - name: fast-enough
        require: metrics.latency <= 50
";

/// `churn/1` serves production; the branch `side` is checked out.
pub fn started() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.git(&["config", "modelry.mainline", "main"]);
        register(&lab, '1', &["auc=0.9", "latency=40", "recall=0.7"]);
        let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
        lab.change_policy("approvals:\n", GATES);
        let _ = lab.ok(
            "admin-1",
            &[
                "grant",
                "add",
                "team:risk",
                "--allow",
                "promote",
                "--groups",
                "*",
                "--stages",
                "production",
            ],
        );
        let _ = lab.ok("risk-1", &["promote", "churn/1", "production", "-m", "the first"]);
        lab.git(&["switch", "-q", "-c", "side"]);
        lab
    })
}

pub fn register(lab: &Lab, mark: char, metrics: &[&str]) {
    let digest = format!("sha256:{}", mark.to_string().repeat(64));
    let uri = format!("s3://models/churn/{mark}");
    let mut all = vec!["register", "churn", "--artifact", &uri, "--digest", &digest];
    for metric in metrics {
        all.extend(["--metric", metric]);
    }
    let _ = lab.ok("trainer", &all);
}

/// The page that `validate --summary` writes.
pub fn summary(lab: &Lab, code: i32) -> String {
    let said = lab.says(
        "stranger",
        &["validate", "--onto", "main", "--summary", "../out/page.md"],
    );
    assert_eq!(said.code, code, "{}{}", said.out, said.err);
    assert!(said.out.contains("landed by merge"), "{}", said.out);
    std::fs::read_to_string(lab.home().join("out/page.md")).expect("a page")
}

/// The text without what differs from run to run.
fn steady(lab: &Lab, text: &str) -> String {
    let mut out = String::new();
    for line in lab.scrub(text).split_inclusive('\n') {
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("sha256:") {
            let digits = after.bytes().take_while(u8::is_ascii_hexdigit).count();
            let same = after[..digits].bytes().all(|b| b == after.as_bytes()[0]);
            out.push_str(before);
            out.push_str("sha256:");
            out.push_str(if same { &after[..digits] } else { "[DIGEST]" });
            rest = &after[digits..];
        }
        out.push_str(rest);
    }
    let expected = regex::Regex::new("--expect [0-9a-f]{24}").expect("an expression");
    let out = expected.replace_all(&out, "--expect [ID]").into_owned();
    let id = lab.read("registry.yaml");
    let id = id
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .expect("an id");
    out.replace(id.trim_matches('"'), "[REGISTRY]")
}

fn proposed() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = started();
        register(&lab, '2', &["auc=0.92", "latency=45", "recall=0.65", "f1=0.5"]);
        let evil = "</details> @everyone <script>alert(1)</script> [x](http://evil.example.com) #1 `code`";
        let label = format!("--annotation=ticket={evil}");
        let _ = lab.ok("trainer", &["annotate", "churn/2", &label, "--description", evil]);
        let _ = lab.ok(
            "trainer",
            &["evidence", "add", "churn/2", "holdout", "--metric", "auc=0.91"],
        );
        let _ = lab.ok(
            "trainer",
            &["card", "set", "churn/2", "--set", "intendedUses=who may leave"],
        );
        let _ = lab.ok("risk-1", &["approve", "churn/2", "-m", "better | than *before*"]);
        lab
    })
}

#[test]
#[ignore = "needs Python packages: markdown-it-py, linkify-it-py"]
fn a_proposed_version_is_told_whole() {
    needs![READER];
    let lab = proposed();
    let page = summary(&lab, 1);
    golden("fixtures/pull-request/version.md", &steady(&lab, &page));
    let terminal = lab.ok("stranger", &["diff", "main..side"]);
    golden("fixtures/pull-request/version.txt", &steady(&lab, &terminal));
    let markdown = lab.ok("stranger", &["diff", "main..side", "-o", "markdown"]);
    // The same, but for what only a judgement of the landing knows.
    let (before, rest) = page.split_once("### Would it land?").expect("a section");
    let rest = &rest[rest.find("### `churn/2`").expect("the version")..];
    assert_eq!(markdown, format!("{before}{rest}"));
    let read = read(&[page]);
    assert_eq!(read[0]["links"], json!([]));
    assert_eq!(
        read[0]["html"],
        json!(["<details>", "<summary>", "</summary>", "</details>"])
    );
}

#[test]
fn a_change_of_the_policy_is_spelled_out() {
    let lab = started();
    let text = lab
        .policy_with("    required: 2\n", "    required: 1\n")
        .replace("metrics.latency <= 50", "metrics.latency <= 500");
    lab.write("registry.yaml", &text);
    lab.commit("risk-1", "make it easier");
    let page = summary(&lab, 1);
    golden("fixtures/pull-request/policy.md", &steady(&lab, &page));
    assert!(
        page.contains("⚠️ **asks for less, or allows more:** `churn: required approvals 2 -> 1`"),
        "{page}"
    );
    let terminal = lab.ok("stranger", &["diff", "main..side"]);
    assert!(
        terminal.contains("WARNING: This changes the policy"),
        "{terminal}"
    );
    assert!(
        terminal.contains("churn: required approvals 2 -> 1"),
        "{terminal}"
    );
    let shown = lab.findings("stranger", &["policy", "show", "side"]);
    let warnings = terminal
        .lines()
        .filter(|line| line.contains("ask for less") || line.contains("asks for less"));
    for line in warnings {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[test]
fn a_branch_in_conflict_tells_what_it_changes_by_itself() {
    let lab = started();
    register(&lab, '2', &["auc=0.92", "latency=45"]);
    lab.git(&["switch", "-q", "main"]);
    register(&lab, '3', &["auc=0.93", "latency=45"]);
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    lab.git(&["switch", "-q", "side"]);
    let page = summary(&lab, 1);
    assert!(page.contains("The branch is in conflict with"), "{page}");
    assert!(
        page.contains("MR508") && page.contains("### `churn/2`, new: Pending"),
        "{page}"
    );
    assert!(!page.contains("other"), "{page}");
}

#[test]
fn stages_groups_and_protected_files_are_told() {
    let lab = started();
    lab.git(&["switch", "-q", "main"]);
    lab.change_policy("grants:\n", "protect: [\".github/**\"]\ngrants:\n");
    register(&lab, '2', &["auc=0.92", "latency=45"]);
    for who in ["risk-1", "risk-2"] {
        let _ = lab.ok(who, &["approve", "churn/2", "-m", "good"]);
    }
    lab.git(&["switch", "-q", "-C", "side"]);
    let _ = lab.ok(
        "risk-1",
        &["promote", "churn/2", "production", "-m", "the better one"],
    );
    let _ = lab.ok(
        "admin-1",
        &["group", "update", "churn", "--description", "who left us"],
    );
    let _ = lab.ok("risk-1", &["archive", "churn/1", "-m", "old"]);
    lab.write(".github/workflows/ci.yaml", "on: push\n");
    lab.commit("risk-1", "another judge");
    let page = summary(&lab, 1);
    for line in [
        "1 version changed, 1 stage moved, 1 group touched, 1 protected file changed.",
        "> ⚠️ **This changes files that the policy protects**\n>\n> - `.github/workflows/ci.yaml`",
        "`churn@production`: `churn/1` -> `churn/2`, by `risk-1`; because `the better one`",
        "Beside `churn/1`, which served before:",
        "| `auc` | 0.92 | 0.9 | +0.02 ✅ better |",
        "Its status moves from Approved to Archived.",
        "Retired by `risk-1`: `old`",
        "- `update group churn`\n- `description`: `who may leave us` -> `who left us`",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    let told = lab.ok("stranger", &["diff", "main..side"]);
    assert!(
        told.contains("WARNING: This changes files that the policy protects\n  .github/workflows/ci.yaml"),
        "{told}"
    );
    let json: Value =
        serde_json::from_str(&lab.ok("stranger", &["diff", "main..side", "-o", "json"])).expect("JSON");
    assert_eq!(
        json["summary"]["stages"][0]["comparison"]["metrics"][0]["difference"],
        0.02
    );
}

#[test]
fn a_summary_that_can_not_be_written_is_an_error() {
    let lab = started();
    register(&lab, '2', &["auc=0.92", "latency=45"]);
    lab.write("../taken", "a file\n");
    let said = lab.says(
        "stranger",
        &["validate", "--onto", "main", "--summary", "../taken/page.md"],
    );
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    let said = lab.says("stranger", &["validate", "--summary", "page.md"]);
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(!Path::new(&lab.top).join("page.md").exists());
}

/// A parser of the pages, with every extension that hosts have: links, HTML that is
/// not our own, and the text outside code.
const READ: &str = r"
import json, sys
from markdown_it import MarkdownIt
reader = MarkdownIt('commonmark', {'html': True, 'linkify': True}).enable(['table', 'strikethrough', 'linkify'])
out = []
for page in json.load(sys.stdin):
    links, html, text, code, kinds = [], [], [], [], set()
    def walk(tokens):
        for token in tokens:
            kinds.add(token.type)
            if token.type in ('link_open', 'image'):
                links.append(token.attrs)
            elif token.type in ('html_block', 'html_inline'):
                html.append(token.content)
            elif token.type == 'text':
                text.append(token.content)
            elif token.type in ('code_inline', 'fence', 'code_block'):
                code.append(token.content)
            if token.children:
                walk(token.children)
    walk(reader.parse(page))
    import re
    tags = []
    for tag in re.findall('<[^>]*>', ''.join(html)):
        if tag not in tags:
            tags.append(tag)
    out.append({'links': links, 'html': tags, 'text': text, 'code': code, 'kinds': sorted(kinds), 'outside': ''.join(html)})
print(json.dumps(out))
";

pub fn read(pages: &[String]) -> Vec<Value> {
    READER
        .run(READ, &json!(pages))
        .as_array()
        .expect("a list")
        .clone()
}
