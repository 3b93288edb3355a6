//! The hooks for pre-commit, by pre-commit itself.

use std::process::Command;

use super::{own, path};
use crate::support::needs::needs;
use crate::support::python::Packages;
use crate::support::{Lab, Said, said};

const PRE_COMMIT: Packages = Packages {
    folder: "pre-commit",
    imports: "import pre_commit",
    names: &["pre-commit"],
    options: &[],
};

/// A repository with nothing but the hooks' file, as pre-commit clones it; the
/// whole of this one would be copied for each run.
fn hooks(lab: &Lab) -> String {
    let folder = lab.home().join("hooks");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::copy(
        own(".pre-commit-hooks.yaml"),
        folder.join(".pre-commit-hooks.yaml"),
    )
    .expect("a file");
    let at = folder.to_string_lossy().into_owned();
    lab.git(&["init", "-q", &at]);
    lab.git(&["-C", &at, "add", "-A"]);
    lab.git(&["-C", &at, "commit", "-q", "-m", "hooks"]);
    at
}

fn tried(lab: &Lab, hooks: &str) -> Said {
    let python: Command = PRE_COMMIT.python3();
    let mut command = lab.command("python3");
    lab.as_actor(&mut command, "trainer");
    let packages = python.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command
        .envs(packages)
        .env("PATH", path())
        .env("PRE_COMMIT_HOME", lab.home().join("pre-commit"))
        .args([
            "-m",
            "pre_commit",
            "try-repo",
            hooks,
            "modelry-system",
            "--verbose",
        ])
        .current_dir(&lab.top);
    said(&mut command)
}

#[test]
#[ignore = "needs Python packages: pre-commit"]
fn what_is_staged_is_judged_by_pre_commit() {
    needs![PRE_COMMIT];
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let hooks = hooks(&lab);
    let path = "groups/churn/versions/1/version.yaml";
    let text = lab.read(path);

    lab.write(path, &text.replace("status: Pending", "status: Approved"));
    lab.git(&["add", path]);
    // The file on disk is repaired, and the staged one is not.
    lab.write(path, &text);
    let said = tried(&lab, &hooks);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("MR308") && said.out.contains("Failed"),
        "{said:?}"
    );

    lab.git(&["add", path]);
    lab.write("README", "words\n");
    lab.git(&["add", "README"]);
    let said = tried(&lab, &hooks);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("Passed"), "{said:?}");
}

/// Both ways to install it run the same; nothing depends on which files are
/// staged, since the policy may protect any.
#[test]
fn both_hooks_run_the_same() {
    let text = std::fs::read_to_string(own(".pre-commit-hooks.yaml")).expect("a file");
    let of = |id: &str| {
        let rest = text.split(&format!("- id: {id}\n")).nth(1).expect("a hook");
        let block = rest.split("- id: ").next().unwrap_or_default();
        let kept = block.lines().filter(|line| {
            ["entry:", "pass_filenames:", "always_run:"]
                .iter()
                .any(|key| line.trim().starts_with(key))
        });
        kept.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("modelry"), of("modelry-system"));
    assert_eq!(
        of("modelry"),
        [
            "entry: modelry hook pre-commit",
            "pass_filenames: false",
            "always_run: true"
        ]
    );
}

/// pre-commit's own reading of the hooks, and of what the docs give to paste.
#[test]
#[ignore = "needs Python packages: pre-commit"]
fn pre_commit_reads_the_hooks_and_the_docs() {
    needs![PRE_COMMIT];
    let config = crate::support::docs::block("pre-commit");
    let lab = Lab::empty();
    let file = lab.home().join("config.yaml");
    std::fs::write(&file, config).expect("a file");
    let valid = |what: &str, file: &std::path::Path| {
        let output = PRE_COMMIT
            .python3()
            .args(["-m", "pre_commit", what])
            .arg(file)
            .env("PRE_COMMIT_HOME", lab.home().join("pre-commit"))
            .output();
        output.expect("python3").status.success()
    };
    assert!(valid("validate-config", &file));
    assert!(valid("validate-manifest", &own(".pre-commit-hooks.yaml")));
    assert!(!valid("validate-manifest", &file), "the check can fail");
}
