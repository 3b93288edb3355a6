//! What the reader can do now.

use super::Page;
use super::builder::{Block, Builder, Line, Span, ours};
use crate::summary::{ReviewFile, Summary};

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// What to do, if there is anything.
pub(super) fn add(out: &mut Builder, page: &Page<'_>) {
    let Summary { policy, versions, .. } = page.summary;
    let asked: Vec<_> = versions
        .iter()
        .filter_map(|version| Some((version, version.approval.as_ref()?)))
        .filter(|(_, approval)| !approval.could_approve.is_empty())
        .collect();
    let policy = policy.as_ref().filter(|policy| !policy.could_agree.is_empty());
    if asked.is_empty() && policy.is_none() {
        return;
    }
    out.heading(3, vec![ours("What you can do")]);
    if policy.is_some() {
        out.text(vec![ours(
            "An administrator who agrees runs, with this branch checked out:",
        )]);
        out.blocks
            .push(Block::Code("sh", "modelry policy approve -m \"why\"".into()));
    }
    if !asked.is_empty() {
        out.text(vec![ours(
            "A reviewer who agrees runs, with this branch checked out:",
        )]);
        let (some, rest) = out.some(&asked);
        let lines = some
            .iter()
            .map(|(version, _)| format!("modelry approve {} -m \"why\"", version.version));
        let lines = lines.collect::<Vec<_>>().join("\n");
        out.blocks.push(Block::Code("sh", lines));
        out.blocks.extend(rest.map(Block::Text));
        out.text(vec![
            ours("Who does not agree runs "),
            Span::Theirs(format!("modelry reject {} -m \"why\"", asked[0].0.version)),
            ours("."),
        ]);
    }
    if let Some(policy) = policy {
        files(out, page, &policy.files, None);
    }
    let (some, _) = out.some(&asked);
    for (version, approval) in some {
        files(out, page, &approval.files, Some(&version.version));
    }
}

/// What a reviewer writes who lacks the command.
fn files(out: &mut Builder, page: &Page<'_>, files: &[ReviewFile], version: Option<&str>) {
    let what = version.map_or_else(|| "the policy".to_owned(), str::to_owned);
    // More reviewers than this find their own way from the first.
    let most = out.limit.items.min(12);
    for file in &files[..files.len().min(most)] {
        let path = match page.folder {
            "" => file.path.clone(),
            folder => format!("{folder}/{}", file.path),
        };
        let shell = quoted(&path);
        let mut blocks = vec![
            Block::Text(vec![
                ours("Put this into "),
                Span::Theirs(path.clone()),
                ours(", with a reason of your own:"),
            ]),
            Block::Code("yaml", file.text.clone()),
            Block::Text(vec![ours(
                "Sign it, so that it counts however the branch lands. KEY is the file of your private key. The signature covers the reason: if you change it, change it here too:",
            )]),
            Block::Code(
                "sh",
                format!(
                    "{{ echo 'signature: |'; printf %s {} | ssh-keygen -Y sign -n modelry -f KEY | sed 's/^/  /'; }} >> {shell}",
                    quoted(&file.signed)
                ),
            ),
            Block::Text(vec![ours(
                "Then commit it, signed too. Where the branch lands as a merge, that signature is enough:",
            )]),
            Block::Code(
                "sh",
                format!(
                    "git add {shell}\ngit commit -S -m \"Approve {what} as {}\"",
                    file.actor
                ),
            ),
        ];
        if let Some(version) = version {
            blocks.push(Block::Text(vec![
                ours("When nothing is missing any more, whoever comes next runs "),
                Span::Theirs(format!("modelry settle {version}")),
                ours(", which moves the status."),
            ]));
        }
        let title = format!("Without the command: the review of {what} by {}", file.actor);
        out.blocks.push(Block::ByHand(title, blocks));
    }
    if files.len() > most {
        let rest: Line = vec![ours(format!(
            "{} more could review {what}: the same file, with another name in its path and after by:.",
            files.len() - most
        ))];
        out.text(rest);
    }
}
