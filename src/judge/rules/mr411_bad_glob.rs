//! MR411 bad-glob: a glob of the policy does not compile.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::trust::{group_glob, path_glob};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR411",
        name: "bad-glob",
        summary: "a glob of the policy does not compile",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let registry = scene.registry();
    let mut globs: Vec<(String, &String, bool)> = Vec::new();
    let add = |at: String, list: &'_ [String]| -> Vec<String> {
        (0..list.len()).map(|i| format!("{at}/{i}")).collect()
    };
    for (index, rule) in registry.approvals.iter().enumerate() {
        globs.extend(
            add(format!("/approvals/{index}/groups"), &rule.groups)
                .into_iter()
                .zip(&rule.groups)
                .map(|(at, glob)| (at, glob, true)),
        );
    }
    for (index, grant) in registry.grants.iter().enumerate() {
        globs.extend(
            add(format!("/grants/{index}/groups"), &grant.groups)
                .into_iter()
                .zip(&grant.groups)
                .map(|(at, glob)| (at, glob, true)),
        );
    }
    for (index, rule) in registry.imports.iter().enumerate() {
        globs.extend(
            add(format!("/imports/{index}/groups"), &rule.groups)
                .into_iter()
                .zip(&rule.groups)
                .map(|(at, glob)| (at, glob, true)),
        );
    }
    globs.extend(
        add("/protect".to_owned(), &registry.protect)
            .into_iter()
            .zip(&registry.protect)
            .map(|(at, glob)| (at, glob, false)),
    );
    for (at, glob, of_groups) in globs {
        let compiled = if of_groups {
            group_glob(glob)
        } else {
            path_glob(glob)
        };
        if let Err(why) = compiled {
            let finding = Finding::new(
                &RULE.info,
                in_policy(at),
                format!("glob `{glob}` does not compile: {why}"),
            )
            .choose("correct the glob: `*` stands for any characters, `?` for one, `[ab]` for a choice");
            out.push(finding);
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Every glob of the policy compiles.

## Why it matters
A glob that matches nothing grants nothing, and asks for nothing.

## Example
`groups: ["fraud-["]`.

## How to fix
Correct the glob.
"#;
