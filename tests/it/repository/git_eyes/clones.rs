//! Each way in which a clone may differ from what is stored: a clean clone is
//! judged clean, an illegal edit is found at the same place as in a plain clone,
//! and each writing command leaves `git status` empty.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::LazyLock;

use crate::support::{Lab, said};

const VERSION: &str = "groups/churn/versions/1/version.yaml";

/// A registry as it was before `init` wrote attributes, with a protected link and
/// a text that git's filter `ident` expands.
static BASE: LazyLock<Lab> = LazyLock::new(|| {
    let lab = Lab::with_registry();
    lab.git(&["rm", "-q", ".gitattributes"]);
    lab.write(".github/workflow.yaml", "on: push\n");
    std::os::unix::fs::symlink("workflow.yaml", lab.top.join(".github/link")).expect("a link");
    lab.write("docs/page.md", "a page\n");
    lab.commit("admin-1", "no attributes");
    lab.change_policy("grants:\n", "protect: [\".github/**\"]\ngrants:\n");
    let _ = lab.ok("admin-1", &["group", "create", "ident", "--description", "$Id$"]);
    lab.register("churn", '1');
    lab
});

/// How a clone writes text on disk.
type Kind = fn(&str) -> Vec<u8>;

/// As it is stored.
const PLAINLY: Kind = |text| text.as_bytes().to_vec();

/// A clone of [`BASE`] of this kind. Its files are checked out afresh.
fn clone(set_up: impl Fn(&Lab)) -> Lab {
    let lab = BASE.copy();
    // A copy has files of its own, which git's index does not know yet.
    lab.git(&["status"]);
    set_up(&lab);
    lab
}

/// Checks all files out afresh, by the attributes and settings of now.
fn check_out(lab: &Lab) {
    lab.git(&["rm", "-q", "-r", "--cached", "."]);
    for name in [".github", "docs", "groups", "registry.yaml"] {
        let path = lab.top.join(name);
        let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
    }
    lab.git(&["reset", "-q", "--hard"]);
}

fn attributes(lab: &Lab, text: &str) {
    lab.write(".git/info/attributes", text);
    check_out(lab);
}

fn config(lab: &Lab, settings: &[(&str, &str)]) {
    for (key, value) in settings {
        lab.git(&["config", key, value]);
    }
}

/// A program that leaves a trace when somebody runs it.
fn tracer(lab: &Lab, name: &str) -> String {
    let path = lab.home().join(name);
    let trace = lab.home().join("trace");
    let text = format!("#!/bin/sh\necho ran >> '{}'\nexec cat\n", trace.display());
    std::fs::write(&path, text).expect("a program");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path.display().to_string()
}

#[track_caller]
fn left_no_trace(lab: &Lab) {
    assert!(
        !lab.home().join("trace").exists(),
        "a program of the configuration was run"
    );
}

#[track_caller]
fn is_clean(lab: &Lab) {
    assert_eq!(
        lab.git(&["status", "--porcelain"]),
        "",
        "git status shows something"
    );
}

/// The findings of the work tree.
#[track_caller]
fn found(lab: &Lab) -> String {
    lab.findings("trainer", &["validate", "-o", "concise"])
}

/// An edit that nobody may make, written as the clone's files are.
fn break_it(lab: &Lab, kind: Kind) {
    let text = lab.git(&["show", &format!("HEAD:{VERSION}")]) + "\n";
    let text = text.replace("status: Pending", "status: Approved");
    let path = lab.top.join(VERSION);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    std::fs::write(path, kind(&text)).expect("a file");
}

/// The findings of [`break_it`] in a plain clone.
static PLAIN: LazyLock<String> = LazyLock::new(|| {
    let lab = BASE.copy();
    break_it(&lab, PLAINLY);
    found(&lab)
});

/// Checks what must be true in every kind of clone.
#[track_caller]
fn holds(lab: &Lab, kind: Kind) {
    is_clean(lab);
    let said = lab.says("trainer", &["validate"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    break_it(lab, kind);
    assert_eq!(found(lab), *PLAIN);
    lab.git(&["checkout", "-q", "--", VERSION]);
    if lab.git(&["config", "--default", "false", "core.sparseCheckout"]) == "true" {
        lab.git(&["sparse-checkout", "reapply"]);
    }
    writes(lab);
}

/// Every kind of writing command works, and leaves nothing uncommitted.
#[track_caller]
fn writes(lab: &Lab) {
    let commands: [(&str, &[&str]); 8] = [
        ("trainer", &["annotate", "churn/1", "--label", "tier=1"]),
        ("risk-1", &["approve", "churn/1", "-m", "ok"]),
        ("admin-1", &["promote", "churn/1", "staging", "-m", "go"]),
        ("admin-1", &["group", "create", "fresh"]),
        ("admin-1", &["actor", "add-account", "risk-1", "github=1234"]),
        ("risk-1", &["archive", "churn/1", "-m", "gone"]),
        (
            "admin-1",
            &["rollback", "churn", "staging", "--empty", "-m", "gone"],
        ),
        ("risk-1", &["delete", "churn/1", "-m", "gone"]),
    ];
    for (who, command) in commands {
        if command[0] == "archive" {
            lab.register("churn", '2');
            is_clean(lab);
        }
        let _ = lab.ok(who, command);
        is_clean(lab);
        let _ = lab.ok(who, &["validate"]);
    }
}

fn windows(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn plain() {
    holds(&clone(|_| {}), PLAINLY);
}

#[test]
fn autocrlf_true() {
    let lab = clone(|lab| {
        config(lab, &[("core.autocrlf", "true")]);
        check_out(lab);
    });
    assert!(lab.read(VERSION).contains("\r\n"));
    holds(&lab, windows);
    assert!(
        lab.read("groups/fresh/group.yaml").contains("\r\n"),
        "written as git would"
    );
}

#[test]
fn autocrlf_input() {
    let lab = clone(|lab| config(lab, &[("core.autocrlf", "input")]));
    for path in [VERSION, "registry.yaml"] {
        std::fs::write(lab.top.join(path), windows(&lab.read(path))).expect("a file");
    }
    // Git takes another size for another content, until it has read the file.
    lab.git(&["add", "--all"]);
    holds(&lab, windows);
}

#[test]
fn attribute_eol_crlf() {
    let lab = clone(|lab| attributes(lab, "*.yaml text eol=crlf\n"));
    assert!(lab.read("registry.yaml").contains("\r\n"));
    holds(&lab, windows);
}

#[test]
fn attribute_text_auto() {
    let lab = clone(|lab| {
        config(lab, &[("core.eol", "crlf"), ("core.safecrlf", "true")]);
        attributes(lab, "* text=auto\n");
    });
    assert!(lab.read("registry.yaml").contains("\r\n"));
    holds(&lab, windows);
}

#[test]
fn attribute_ident() {
    let lab = clone(|lab| attributes(lab, "*.yaml ident\n"));
    assert!(lab.read("groups/ident/group.yaml").contains("$Id: "));
    holds(&lab, PLAINLY);
}

#[test]
fn attribute_working_tree_encoding() {
    let lab = clone(|lab| attributes(lab, "groups/** text working-tree-encoding=UTF-16LE\n"));
    let bytes = std::fs::read(lab.top.join(VERSION)).expect("a file");
    assert!(bytes.contains(&0), "it is UTF-16");
    holds(&lab, utf_16);
}

#[test]
fn ignored_files() {
    let lab = clone(|lab| {
        std::fs::write(lab.home().join("ignore"), "*~\n").expect("a file");
        config(
            lab,
            &[(
                "core.excludesFile",
                &lab.home().join("ignore").display().to_string(),
            )],
        );
        lab.write(".git/info/exclude", ".DS_Store\n*.swp\n/groups/scratch/\n");
        for path in [
            "groups/.DS_Store",
            "groups/churn/.group.yaml.swp",
            "groups/churn/group.yaml~",
        ] {
            lab.write(path, "not a record\n");
        }
        lab.write("groups/scratch/group.yaml", "not a record\n");
        lab.write(".github/.DS_Store", "not protected\n");
    });
    holds(&lab, PLAINLY);
    // A file in the way of a record is not overwritten, ignored or not.
    let told = lab.error("admin-1", &["group", "create", "scratch"]);
    assert!(
        told.contains("would be lost in groups/scratch/group.yaml"),
        "{told}"
    );
    lab.write("groups/churn/notes.txt", "seen\n");
    assert!(
        found(&lab).contains("groups/churn/notes.txt:1:1: MR101"),
        "{}",
        found(&lab)
    );
}

#[test]
fn untracked_files_that_are_not_shown() {
    let lab = clone(|lab| {
        config(lab, &[("status.showUntrackedFiles", "no")]);
        lab.write("groups/churn/notes.txt", "not shown\n");
        lab.write("groups/scratch/group.yaml", "not a record\n");
    });
    holds(&lab, PLAINLY);
    let told = lab.error("admin-1", &["group", "create", "scratch"]);
    assert!(
        told.contains("would be lost in groups/scratch/group.yaml"),
        "{told}"
    );
}

#[test]
fn a_repository_inside() {
    let lab = clone(|_| {});
    lab.git(&["init", "-q", "groups/churn/inner"]);
    let told = lab.error("admin-1", &["validate"]);
    assert!(
        told.contains("`groups/churn/inner` is a Git repository of its own without a commit"),
        "{told}"
    );
    lab.git(&[
        "-C",
        "groups/churn/inner",
        "commit",
        "-q",
        "--allow-empty",
        "--no-gpg-sign",
        "-m",
        "x",
    ]);
    assert!(
        found(&lab).contains("groups/churn/inner:1:1: MR101"),
        "{}",
        found(&lab)
    );
}

#[test]
fn ignored_by_a_rule_for_records() {
    let lab = clone(|lab| lab.write(".git/info/exclude", "*.yaml\n"));
    holds(&lab, PLAINLY);
}

#[test]
fn sparse_cone() {
    let lab = clone(|lab| {
        lab.git(&["sparse-checkout", "set", "--cone", "docs"]);
    });
    assert!(!lab.top.join("groups").exists());
    holds(&lab, PLAINLY);
    assert!(
        !lab.top.join("groups/fresh").exists(),
        "nothing is written outside of the cone"
    );
}

#[test]
fn sparse_index() {
    let lab = clone(|lab| {
        lab.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "docs"]);
    });
    holds(&lab, PLAINLY);
    assert!(
        !lab.top.join("groups/fresh").exists(),
        "nothing is written outside of the cone"
    );
}

#[test]
fn sparse_patterns() {
    let lab = clone(|lab| {
        lab.git(&["sparse-checkout", "set", "--no-cone", "/groups/ident/", "/docs/"]);
    });
    assert!(!lab.top.join("registry.yaml").exists());
    holds(&lab, PLAINLY);
    assert!(!lab.top.join("registry.yaml").exists());
    assert!(!lab.top.join("groups/fresh").exists());
}

#[test]
fn skip_worktree() {
    let lab = clone(|lab| flag(lab, "--skip-worktree"));
    holds_blind(&lab);
    let shown = lab.git(&["ls-files", "-v", "groups/churn/group.yaml"]);
    assert!(shown.starts_with("S "), "{shown}");
}

#[test]
fn assume_unchanged() {
    let lab = clone(|lab| flag(lab, "--assume-unchanged"));
    holds_blind(&lab);
    let shown = lab.git(&["ls-files", "-v", "groups/churn/group.yaml"]);
    assert!(shown.starts_with("h "), "{shown}");
}

/// Gives all records a flag in the index, and touches one of them.
fn flag(lab: &Lab, flag: &str) {
    for path in lab.git(&["ls-files", "--", "registry.yaml", "groups"]).lines() {
        lab.git(&["update-index", flag, path]);
    }
    touch(lab, "groups/churn/group.yaml");
}

/// Makes a file look older than git knows it.
fn touch(lab: &Lab, path: &str) {
    let file = std::fs::File::options().append(true).open(lab.top.join(path));
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    file.and_then(|file| file.set_modified(time)).expect("a time");
}

/// As [`holds`], where a flag hides an edit from git: it stays on disk, and what is
/// written goes around it.
#[track_caller]
fn holds_blind(lab: &Lab) {
    is_clean(lab);
    let _ = lab.ok("trainer", &["validate"]);
    break_it(lab, PLAINLY);
    is_clean(lab);
    let mine = lab.read(VERSION);
    let said = lab.says("risk-1", &["approve", "churn/1", "-m", "ok"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.err.contains(&format!("`{VERSION}` on disk stays as it was")),
        "{}",
        said.err
    );
    assert_eq!(lab.read(VERSION), mine);
    assert!(
        lab.git(&["show", &format!("HEAD:{VERSION}")])
            .contains("status: Approved")
    );
    is_clean(lab);
    let _ = lab.ok("trainer", &["validate"]);
    // A file that is as the index has it follows.
    let _ = lab.ok(
        "admin-1",
        &["group", "update", "churn", "--description", "new words"],
    );
    assert!(lab.read("groups/churn/group.yaml").contains("new words"));
    is_clean(lab);
}

#[test]
fn modes_that_mean_nothing() {
    let lab = clone(|lab| {
        config(lab, &[("core.fileMode", "false")]);
        for path in [VERSION, "registry.yaml", ".github/workflow.yaml"] {
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(lab.top.join(path), mode).expect("a mode");
        }
    });
    holds(&lab, PLAINLY);
}

#[test]
fn no_symbolic_links() {
    let lab = clone(|lab| {
        config(lab, &[("core.symlinks", "false")]);
        check_out(lab);
    });
    let link = lab.top.join(".github/link");
    assert!(!link.is_symlink() && link.is_file());
    holds(&lab, PLAINLY);
    lab.write(".github/link", "elsewhere");
    assert!(found(&lab).starts_with(".github/link:1:1: "), "{}", found(&lab));
}

#[test]
fn split_index() {
    let lab = clone(|lab| {
        config(lab, &[("core.splitIndex", "true")]);
        lab.git(&["update-index", "--split-index"]);
    });
    holds(&lab, PLAINLY);
}

#[test]
fn a_touched_file() {
    let lab = clone(|_| {});
    touch(&lab, VERSION);
    let _ = lab.ok("trainer", &["validate"]);
    writes(&lab);
}

#[test]
fn a_monitor_and_hooks_are_not_run() {
    let lab = clone(|lab| {
        let program = tracer(lab, "monitor");
        config(lab, &[("core.fsmonitor", &program)]);
        std::fs::create_dir_all(lab.top.join(".git/hooks")).expect("a folder");
        std::fs::copy(&program, lab.top.join(".git/hooks/post-index-change")).expect("a hook");
    });
    let _ = lab.ok("trainer", &["validate"]);
    break_it(&lab, PLAINLY);
    assert_eq!(found(&lab), *PLAIN);
    left_no_trace(&lab);
    lab.git(&[
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "checkout",
        "-q",
        "--",
        ".",
    ]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "ok"]);
    left_no_trace(&lab);
}

#[test]
fn a_filter_program_is_named_and_not_run() {
    let lab = clone(|lab| {
        let program = tracer(lab, "filter");
        attributes(lab, "groups/churn/** filter=a=b\n");
        for variable in ["clean", "smudge"] {
            config(lab, &[(&format!("filter.a=b.{variable}"), &program)]);
        }
        config(lab, &[("filter.a=b.required", "true")]);
    });
    // Git reads each file again that was written in the same moment as its index.
    let _ = lab.ok("trainer", &["validate"]);
    left_no_trace(&lab);
    let said = lab.says("risk-1", &["approve", "churn/1", "-m", "ok"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.err
            .contains(&format!("`{VERSION}` has the attribute `filter=a=b`")),
        "{}",
        said.err
    );
    left_no_trace(&lab);
    // The filter's effect on an edit is not known.
    lab.write(VERSION, &lab.read(VERSION).replace("Approved", "Rejected"));
    let said = lab.says("trainer", &["validate"]);
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    let hint = format!("`git add {VERSION}`");
    assert!(
        said.err.contains("filter=a=b") && said.err.contains(&hint),
        "{}",
        said.err
    );
    left_no_trace(&lab);
    // The remedy: git runs it, and what is staged is judged.
    lab.git(&["add", VERSION]);
    std::fs::remove_file(lab.home().join("trace")).expect("git ran it");
    assert!(found(&lab).contains("MR203"), "{}", found(&lab));
    left_no_trace(&lab);
}

/// Git would run it on a touched file, regardless of its bytes.
#[test]
fn a_filter_program_is_named_for_the_same_bytes_too() {
    let lab = clone(|lab| {
        let program = tracer(lab, "filter");
        attributes(lab, "groups/churn/** filter=lfs\n");
        config(lab, &[("filter.lfs.clean", &program)]);
    });
    let _ = lab.ok("trainer", &["validate"]);
    let text = lab.read(VERSION);
    std::fs::remove_file(lab.top.join(VERSION)).expect("a file");
    lab.write(VERSION, &text);
    touch(&lab, VERSION);
    let said = lab.says("trainer", &["validate"]);
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, 0, "{all}");
    let named = format!("`{VERSION}` has the attribute `filter=lfs`");
    assert!(all.contains(&named) && all.contains("was not run"), "{all}");
    left_no_trace(&lab);
}

#[test]
fn a_proposed_policy_is_read_as_git_stores_it() {
    let lab = clone(|lab| {
        config(lab, &[("core.autocrlf", "true")]);
        check_out(lab);
    });
    lab.git(&["switch", "-q", "-c", "proposal"]);
    let text = lab.policy_with("name: risk-models", "name: riskier-models");
    lab.write("registry.yaml", &text);
    lab.commit("admin-1", "propose");
    // Other line ends on disk are no uncommitted change.
    assert!(text.contains("\r\n"));
    lab.write("registry.yaml", &text.replace("\r\n", "\n"));
    let _ = lab.ok("admin-1", &["policy", "approve", "-m", "as agreed"]);
    let _ = lab.ok("admin-1", &["validate", "--onto", "main", "--landing", "squash"]);
}

#[test]
fn what_is_staged_is_judged_as_before() {
    let lab = clone(|lab| {
        config(lab, &[("core.autocrlf", "true")]);
        check_out(lab);
    });
    break_it(&lab, windows);
    let _ = lab.ok("trainer", &["hook", "pre-commit"]);
    lab.git(&["add", VERSION]);
    let mut command = lab.modelry("trainer", &["hook", "pre-commit", "-o", "concise"]);
    let judged = said(command.stdin(Stdio::null()));
    assert_eq!(judged.code, 1, "{}{}", judged.out, judged.err);
    assert!(format!("{}{}", judged.out, judged.err).contains(PLAIN.lines().next().expect("a line")));
}

#[test]
fn a_new_registry_keeps_its_records_as_they_are() {
    let lab = Lab::empty();
    config(&lab, &[("core.autocrlf", "true")]);
    lab.write("models/.gitattributes", "* text=auto eol=crlf");
    lab.write("notes.txt", "mine\n");
    lab.commit("admin-1", "before");
    let _ = lab.ok("admin-1", &["--path", "models", "init", "--actor", "admin-1"]);
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    is_clean(&lab);
    check_out(&lab);
    lab.git(&["reset", "-q", "--hard"]);
    let text = lab.read("models/.gitattributes").replace('\r', "");
    assert!(text.starts_with("* text=auto eol=crlf\n"), "{text}");
    for path in ["models/registry.yaml", "models/groups/churn/group.yaml"] {
        assert!(!lab.read(path).contains('\r'), "{path}");
    }
    let _ = lab.ok("admin-1", &["validate"]);
    // A complete clone gets no new objects.
    let own = Lab::empty();
    own.write(".gitattributes", &text);
    own.commit("admin-1", "before");
    let _ = own.ok("admin-1", &["init", "--actor", "admin-1"]);
    assert_eq!(own.read(".gitattributes"), text);
    is_clean(&own);
}

#[test]
fn a_clone_without_a_checkout_stays_one() {
    let lab = clone(|lab| {
        for name in [".github", "docs", "groups", "registry.yaml"] {
            let path = lab.top.join(name);
            let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
        }
        std::fs::remove_file(lab.top.join(".git/index")).expect("an index");
    });
    let _ = lab.ok("admin-1", &["group", "create", "fresh"]);
    assert!(!lab.top.join("groups").exists());
    lab.git(&["reset", "-q", "--hard"]);
    is_clean(&lab);
    assert!(lab.top.join("groups/fresh/group.yaml").exists());
}
