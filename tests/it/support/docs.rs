//! The pages for users: README.md, CONTRIBUTING.md, SECURITY.md and `docs/`.

use std::path::Path;

/// One page, by its path from the top.
pub struct Page {
    pub path: String,
    pub text: String,
}

/// All pages, sorted by path.
pub fn pages() -> Vec<Page> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<String> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(str::to_owned)
        .into_iter()
        .filter(|path| top.join(path).exists())
        .collect();
    for entry in walkdir::WalkDir::new(top.join("docs")) {
        let entry = entry.expect("docs");
        let path = entry.path().strip_prefix(top).expect("below the top");
        if path.extension().is_some_and(|end| end == "md") {
            paths.push(path.to_string_lossy().into_owned());
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| Page {
            text: std::fs::read_to_string(top.join(&path)).expect("a page"),
            path,
        })
        .collect()
}

/// The marks of blocks that tests of their own take.
pub const MARKS: [&str; 21] = [
    "acknowledged",
    "automated",
    "demo",
    "deploy-rule",
    "github",
    "gitlab",
    "manifest",
    "nightly",
    "notify-ci",
    "notify-cron",
    "notify-hook",
    "notify-once",
    "pre-commit",
    "put-events",
    "reaffirmed",
    "recovery",
    "server",
    "shallow",
    "team-policy",
    "tour",
    "verify",
];

/// The block that the pages give between `<!-- MARK: begin -->` and `<!-- MARK: end -->`,
/// without its fence.
#[track_caller]
pub fn block(mark: &str) -> String {
    assert!(MARKS.contains(&mark), "`{mark}` is missing in MARKS");
    let begin = format!("<!-- {mark}: begin -->\n```");
    let found: Vec<String> = pages()
        .iter()
        .filter_map(|page| page.text.split_once(&begin))
        .map(|(_, rest)| {
            let (_, rest) = rest.split_once('\n').expect("a block");
            let (block, rest) = rest.split_once("```\n").expect("the end of a block");
            assert!(rest.starts_with(&format!("<!-- {mark}: end -->\n")), "{mark}");
            block.to_owned()
        })
        .collect();
    assert_eq!(found.len(), 1, "blocks of the mark `{mark}`");
    found.into_iter().next().expect("a block")
}
