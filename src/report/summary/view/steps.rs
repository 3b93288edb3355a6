//! The next steps of the reader.

use super::Page;
use super::builder::{Block, Builder, Line, Span, ours};
use crate::record::kind::{ActorId, Decision};
use crate::report::summary::{REASON, ReviewFile, ReviewKey, Summary};

/// Quotes a word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The part of a digest that a command line names.
fn expected(subject: &str) -> &str {
    subject.get(7..31).unwrap_or(subject)
}

/// Adds the next steps, if there are any.
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
        let expect = policy.map_or("", |policy| expected(&policy.subject));
        out.blocks.push(Block::Code(
            "sh",
            format!("modelry policy approve -m \"why\" --expect {expect}"),
        ));
    }
    if !asked.is_empty() {
        out.text(vec![ours(
            "A reviewer who agrees runs, with this branch checked out:",
        )]);
        let (some, rest) = out.some(&asked);
        let lines = some.iter().map(|(version, approval)| {
            let expect = expected(&approval.subject);
            format!("modelry approve {} -m \"why\" --expect {expect}", version.version)
        });
        let lines = lines.collect::<Vec<_>>().join("\n");
        out.blocks.push(Block::Code("sh", lines));
        out.blocks.extend(rest.map(Block::Text));
        out.text(vec![
            ours("Who does not agree runs "),
            Span::Theirs(format!(
                "modelry reject {} -m \"why\" --expect {}",
                asked[0].0.version,
                expected(&asked[0].1.subject)
            )),
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

/// Adds the blocks for reviewers who lack the command.
fn files(out: &mut Builder, page: &Page<'_>, files: &[ReviewFile], version: Option<&str>) {
    let what = version.map_or_else(|| "the policy".to_owned(), str::to_owned);
    // More reviewers than this can adapt the first example.
    let most = out.limit.items.min(6);
    let mut actors: Vec<&ActorId> = files.iter().map(|file| &file.actor).collect();
    actors.dedup();
    for file in files
        .iter()
        .filter(|file| actors[..actors.len().min(most)].contains(&&file.actor))
    {
        let path = match page.folder {
            "" => file.path.clone(),
            folder => format!("{folder}/{}", file.path),
        };
        let mut blocks = Vec::new();
        for key in &file.keys {
            let with = match key {
                ReviewKey::Ssh => ours(
                    "your SSH key, which git's `user.signingkey` names; for a different one, set `KEY` to its file first",
                ),
                ReviewKey::Openpgp(print) => ours(format!("your OpenPGP key {print}")),
            };
            blocks.push(Block::Text(vec![
                ours("Check this branch out and paste this into a shell, with your reason in the place of the line between `cat` and `END_OF_REASON`. It writes "),
                Span::Theirs(path.clone()),
                ours(", signs it and commits it, with "),
                with,
                ours("."),
            ]));
            blocks.push(Block::Code("sh", script(file, key, &path, &what)));
        }
        if let Some(version) = version {
            blocks.push(Block::Text(vec![
                ours("When nothing is missing any more, the next to come runs "),
                Span::Theirs(format!("modelry settle {version}")),
                ours(", which moves the status."),
            ]));
        }
        let kind = match file.decision {
            Decision::Rejected => "rejection",
            _ => "review",
        };
        let title = format!("Without the command: the {kind} of {what} by {}", file.actor);
        out.blocks.push(Block::ByHand(title, blocks));
    }
    if actors.len() > most {
        let rest: Line = vec![ours(format!(
            "{} more could review {what}: `modelry diff -o json` has the file of each.",
            actors.len() - most
        ))];
        out.text(rest);
    }
}

/// Writes the commands that write, sign and commit a review with any reason. A
/// here-document holds the reason; a JSON string, which YAML also reads, puts it into
/// the file and into the signed bytes.
fn script(file: &ReviewFile, key: &ReviewKey, path: &str, what: &str) -> String {
    let head = file
        .text
        .rsplit_once("reason: ")
        .map_or(file.text.as_str(), |(head, _)| head);
    let (before, after) = file.signed.split_once(REASON).unwrap_or((&file.signed, ""));
    let shell = quoted(path);
    let folder = quoted(path.rsplit_once('/').map_or(".", |(folder, _)| folder));
    let (key, sign, git) = match key {
        ReviewKey::Ssh => (
            "key=${KEY:-$(git config --path user.signingkey)} || { echo 'set KEY to the file of your SSH key'; exit 1; }\ncase $key in key::*|ssh-*) printf '%s\\n' \"${key#key::}\" >\"$why.pub\"; key=$why.pub ;; esac\n".to_owned(),
            "ssh-keygen -q -Y sign -n modelry -f \"$key\"".to_owned(),
            "git -c gpg.format=ssh -c user.signingkey=\"$key\"".to_owned(),
        ),
        ReviewKey::Openpgp(print) => (
            String::new(),
            format!("gpg --armor --detach-sign --local-user {print}"),
            format!("git -c gpg.format=openpgp -c user.signingkey={print}"),
        ),
    };
    let verb = match file.decision {
        Decision::Rejected => "Reject",
        _ => "Approve",
    };
    format!(
        r#"(
set -e
cd "$(git rev-parse --show-toplevel)"
why=$(mktemp)
cat >"$why" <<'END_OF_REASON'
reviewed in the pull request
END_OF_REASON
reason=$(tr '\t' ' ' <"$why" | tr -d '\000-\010\013-\037\177' | sed 's/[\\"]/\\&/g' | awk '{{ printf "%s%s", s, $0; s = "\\n" }}')
{key}signature=$(printf '%s%s%s' {before} "$reason" {after} | {sign})
mkdir -p {folder}
rm -f {shell}
{{
cat <<'END_OF_RECORD'
{head}END_OF_RECORD
printf 'reason: "%s"\nsignature: |\n' "$reason"
printf '%s\n' "$signature" | sed 's/^/  /'
}} >{shell}
git add {shell}
{{ printf '%s\n\n' {subject}; cat "$why"; }} | {git} commit -q -S -F - -- {shell}
)
"#,
        before = quoted(before),
        after = quoted(after),
        subject = quoted(&format!("{verb} {what} as {}", file.actor)),
    )
}
