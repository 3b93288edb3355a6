//! MR101 stray-file: a file below `groups/` or `policy/` is not a record.

use super::place::in_folder;
use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::{ChangeKind, Stray};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR101",
        name: "stray-file",
        summary: "a file below `groups/` or `policy/` is not a record",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let path = &scene.change.path;
    let finding = |message| Finding::new(&RULE.info, in_folder(path), message);
    let moves = "move the file out of the registry's folders, or to the path of the record that it is";
    out.push(match &scene.change.kind {
        ChangeKind::Stray {
            what: Stray::Path | Stray::Repository,
        } if looks_like_git(path) => {
            finding(looks(path)).help("remove the file; give it another name if its content is needed")
        }
        ChangeKind::Stray { what: Stray::Path } => {
            finding(format!("no record lives at `{path}`")).help(moves)
        }
        ChangeKind::Stray {
            what: Stray::Paths(count),
        } => finding(format!("{count} more files below `{path}` are no records")).help(moves),
        _ => return Ok(()),
    });
    Ok(())
}

/// Whether the last name is one by which git knows a repository.
fn looks_like_git(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.eq_ignore_ascii_case("HEAD") || name.eq_ignore_ascii_case(".git")
}

fn looks(path: &str) -> String {
    let (folder, name) = match path.rsplit_once('/') {
        Some((folder, name)) => (format!("the folder `{folder}`"), name),
        None => ("the registry's folder".to_owned(), path),
    };
    let what = match name.eq_ignore_ascii_case("HEAD") {
        true => "a bare repository",
        false => "a work tree of its own",
    };
    format!("`{path}` makes {folder} look like {what}")
}

const DOCS: &str = r#"
## What it checks
Below `groups/` and `policy/` there are records and nothing else. The registry's
folder has no file `HEAD`, by which git knows a bare repository. The folders below it have none
beside `objects`, `refs`, `commondir` or `config`, and no entry `.git`.

## Why it matters
A file that no rule reads can smuggle content past a review. A folder that git takes for a
repository has a configuration and a history of its own, chosen by the person who pushed it.

Of one group, 99 such files are listed at most; the others are counted in one more finding.

## Example
`groups/fraud-detector/notes.txt`.

## How to fix
Move it out of the registry's folders.
"#;
