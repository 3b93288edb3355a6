//! Links of the pages lead to files of the tree, and to headings that are there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::support::docs::pages;

/// The page without its blocks of code and its code spans.
fn prose(text: &str) -> String {
    let mut open = false;
    let mut out = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            open = !open;
        } else if !open {
            let spans = line.split('`').enumerate();
            let outside: Vec<&str> = spans
                .filter(|(at, _)| at % 2 == 0)
                .map(|(_, span)| span)
                .collect();
            out.push_str(&outside.join("`"));
            out.push('\n');
        }
    }
    out
}

/// The anchors that Git hosts make of a page's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = BTreeSet::new();
    let mut open = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            open = !open;
        }
        let heading = line.trim_start_matches('#');
        if open || heading == line || !heading.starts_with(' ') {
            continue;
        }
        let slug: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let count = seen.entry(slug.clone()).or_default();
        out.insert(match *count {
            0 => slug.clone(),
            count => format!("{slug}-{count}"),
        });
        *count += 1;
    }
    out
}

/// The targets of the links of a text.
pub fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link.to_owned())
        .collect()
}

fn joined(page: &str, link: &str) -> PathBuf {
    let mut out = PathBuf::from(page);
    out.pop();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => assert!(out.pop(), "{page}: {link} leaves the tree"),
            part => out.push(part),
        }
    }
    out
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all: BTreeMap<String, BTreeSet<String>> = pages()
        .iter()
        .map(|page| (page.path.clone(), anchors(&page.text)))
        .collect();
    let mut wrong = Vec::new();
    let mut looked = 0;
    for page in pages() {
        for link in links(&prose(&page.text)) {
            if link.starts_with("https://") {
                continue;
            }
            looked += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = match file {
                "" => PathBuf::from(&page.path),
                file => joined(&page.path, file),
            };
            let known = all.get(&*path.to_string_lossy());
            if !top.join(&path).exists() {
                wrong.push(format!("{}: `{link}` leads to no file", page.path));
            } else if !anchor.is_empty() && !known.is_some_and(|known| known.contains(anchor)) {
                wrong.push(format!("{}: `{link}` leads to no heading", page.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looked > 50, "links were looked at");
}

#[test]
fn the_summary_lists_every_page_once() {
    let all = pages();
    let summary = all
        .iter()
        .find(|page| page.path == "docs/SUMMARY.md")
        .expect("a summary");
    let mut listed = links(&summary.text);
    listed.sort();
    let mut there: Vec<String> = all
        .iter()
        .filter_map(|page| page.path.strip_prefix("docs/"))
        .filter(|path| *path != "SUMMARY.md")
        .map(str::to_owned)
        .collect();
    there.sort();
    assert_eq!(listed, there);
}

#[test]
fn the_readme_is_short() {
    let all = pages();
    let readme = all
        .iter()
        .find(|page| page.path == "README.md")
        .expect("README.md");
    assert!(readme.text.lines().count() <= 120);
}

#[test]
fn explain_names_a_page_that_is_there() {
    let lab = crate::support::Lab::empty();
    let all: BTreeMap<String, BTreeSet<String>> = pages()
        .iter()
        .map(|page| (page.path.clone(), anchors(&page.text)))
        .collect();
    let listed = lab.ok("stranger", &["explain", "-o", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let wanted = |list: &str, member: &str| -> Vec<String> {
        let list = listed[list].as_array().expect("a list").iter();
        list.map(|one| one[member].as_str().expect("a name").to_owned())
            .collect()
    };
    let mut asked = wanted("concepts", "name");
    // The page of the rules is generated from the same list: two are enough.
    asked.extend(wanted("rules", "code").into_iter().take(1));
    asked.push("MR203".to_owned());
    for name in asked {
        let said = lab.ok("stranger", &["explain", &name]);
        let page = said.lines().find_map(|line| line.strip_prefix("Page: "));
        let (path, anchor) = page.and_then(|page| page.split_once('#')).expect("a page");
        let known = all.get(path).is_some_and(|known| known.contains(anchor));
        assert!(known, "{name}: {said}");
    }
}
