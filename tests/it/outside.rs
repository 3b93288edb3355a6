//! What is believed comes from outside of what is pushed or delivered: the
//! repository, its configuration, the pinned root, the guarded branch.

use std::path::Path;
use std::process::Command;

use crate::hook::Guarded;
use crate::support::{Lab, Said, said};

/// A clone whose registry is at `models/`, with `fraud/1` Approved.
fn in_folder() -> Lab {
    let lab = Lab::empty();
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "models", "--actor", "admin-1", "--solo"],
    );
    approved(&lab);
    lab
}

fn approved(lab: &Lab) {
    let digest = format!("sha256:{}", "1".repeat(64));
    for line in [
        &["group", "create", "fraud"][..],
        &[
            "register",
            "fraud",
            "--artifact",
            "s3://models/good",
            "--digest",
            &digest,
        ],
        &["approve", "fraud/1", "-m", "ok"],
    ] {
        let _ = lab.ok("admin-1", line);
    }
}

fn modelry(lab: &Lab, directory: &Path, arguments: &[&str]) -> Said {
    let mut command = lab.modelry("admin-1", arguments);
    said(command.current_dir(directory))
}

/// A registry of somebody else, as the files of a bare repository.
fn embedded(lab: &Lab, folder: &str) {
    let hers = Lab::empty();
    let _ = hers.ok(
        "admin-1",
        &["init", "--path", "models", "--actor", "admin-1", "--solo"],
    );
    approved(&hers);
    let target = lab.top.join(folder);
    std::fs::create_dir_all(&target).expect("a folder");
    let bare = hers.home().join("hers.git");
    let from = hers.top.to_string_lossy().into_owned();
    lab.git(&["clone", "-q", "--bare", &from, &bare.to_string_lossy()]);
    let copied = Command::new("cp")
        .arg("-r")
        .args(["HEAD", "config", "objects", "packed-refs", "refs"].map(|name| bare.join(name)))
        .arg(&target)
        .status();
    assert!(copied.expect("cp").success());
    let config = target.join("config");
    let root = hers.root();
    let text = std::fs::read_to_string(&config).expect("a file");
    std::fs::write(
        &config,
        format!("{text}[modelry]\n\troot = {root}:models\n[gpg \"ssh\"]\n\tprogram = touch-ran\n"),
    )
    .expect("a file");
}

#[test]
fn a_bare_repository_among_the_files_is_never_read() {
    let lab = in_folder();
    embedded(&lab, "models");
    embedded(&lab, "elsewhere/deep");
    for folder in ["models", "elsewhere/deep", "models/refs"] {
        let folder = lab.top.join(folder);
        for line in [
            &["resolve", "fraud/1", "-o", "uri", "--trust-root"][..],
            &["list"],
            &["show", "fraud/1"],
            &["audit", "--trust-root"],
            &["events", "--trust-root"],
            &["log"],
            &["trust"],
            &["whoami"],
            &["approve", "fraud/1", "-m", "x", "--yes"],
        ] {
            let told = modelry(&lab, &folder, line);
            assert_eq!(told.code, 2, "{line:?}: {told:?}");
            assert!(
                told.err.contains("looks like a bare repository"),
                "{line:?}: {told:?}"
            );
            assert_eq!(told.out, "", "{line:?}");
        }
        let by_option = lab.says("admin-1", &["-C", &folder.to_string_lossy(), "list"]);
        assert_eq!(by_option.code, 2, "{by_option:?}");
    }
    // From the top the clone's own registry is read.
    let told = lab.ok("admin-1", &["resolve", "fraud/1", "-o", "uri"]);
    assert_eq!(told.trim(), "s3://models/good");
    // Somebody who means it says so, as git wants it.
    let mut command = lab.modelry("admin-1", &["list"]);
    command.env("GIT_DIR", lab.top.join("models"));
    let told = said(&mut command);
    assert_eq!(told.code, 0, "{told:?}");
}

#[test]
fn files_that_look_like_a_repository_are_a_finding() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.write("HEAD", "ref: refs/heads/main\n");
    lab.git(&["add", "-f", "HEAD"]);
    lab.git(&["commit", "-q", "--no-gpg-sign", "-m", "files"]);
    let told = guarded.refuses("admin-1", &["main"]);
    assert!(
        told.contains("MR101") && told.contains("bare repository"),
        "{told}"
    );
}

#[test]
fn a_git_directory_of_its_own_is_read_beside_and_below() {
    let lab = in_folder();
    // In git's own folder, in a linked work tree, and in a bare one that nobody's work tree
    // is around.
    let told = modelry(&lab, &lab.top.join(".git"), &["list"]);
    assert_eq!(told.code, 0, "{told:?}");
    let linked = lab.home().join("linked");
    lab.git(&["worktree", "add", "-q", "-b", "other", &linked.to_string_lossy()]);
    assert_eq!(modelry(&lab, &linked.join("models"), &["list"]).code, 0);
    let bare = lab.home().join("bare.git");
    lab.git(&["clone", "-q", "--bare", ".", &bare.to_string_lossy()]);
    assert_eq!(modelry(&lab, &bare, &["list"]).code, 0);
}

#[test]
fn a_pin_of_the_user_is_not_overruled_by_a_repository() {
    let lab = in_folder();
    let (right, wrong) = (lab.root(), "1".repeat(40));
    let resolve = ["resolve", "fraud/1", "-o", "json"];
    let told = lab.ok("admin-1", &resolve);
    assert!(told.contains("\"rootPinnedBy\": \"local\""), "{told}");
    lab.git(&["config", "--global", "modelry.root", &format!("{wrong}:models")]);
    let told = lab.says("admin-1", &resolve);
    assert_eq!(told.code, 2, "{told:?}");
    for named in [&right, &wrong] {
        assert!(told.err.contains(named.as_str()), "{told:?}");
    }
    assert!(
        told.err.contains("git config --global --unset-all modelry.root"),
        "{told:?}"
    );
    lab.git(&["config", "--global", "modelry.root", &format!("{right}:models")]);
    let _ = lab.ok("admin-1", &resolve);
    // Of another folder it says nothing.
    lab.git(&["config", "--global", "modelry.root", &format!("{wrong}:other")]);
    let _ = lab.ok("admin-1", &[&resolve[..], &["--path", "models"]].concat());
    lab.git(&["config", "--global", "--unset", "modelry.root"]);
    // By the environment, and by the command line.
    let mut command = lab.modelry("admin-1", &resolve);
    for (name, value) in [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "modelry.root"),
        ("GIT_CONFIG_VALUE_0", &wrong),
    ] {
        command.env(name, value);
    }
    let told = said(&mut command);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("the environment's configuration"), "{told:?}");
    let told = lab.says("admin-1", &[&resolve[..], &["--root", &wrong]].concat());
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        told.err.contains("`--root` says") || told.err.contains("says 1111"),
        "{told:?}"
    );
    // Without the clone's own pin each of them is enough.
    lab.git(&["config", "--unset-all", "modelry.root"]);
    let told = lab.ok("admin-1", &[&resolve[..], &["--root", &right]].concat());
    assert!(told.contains("\"rootPinnedBy\": \"option\""), "{told}");
    lab.git(&["config", "--global", "modelry.root", &right]);
    let told = lab.ok("admin-1", &resolve);
    assert!(told.contains("\"rootPinnedBy\": \"global\""), "{told}");
    let told = lab.ok("admin-1", &["resolve", "fraud/1"]);
    assert!(told.contains("pinned by the user's configuration"), "{told}");
}

#[test]
fn the_environments_configuration_counts_for_what_is_read() {
    let lab = in_folder();
    let mut command = lab.modelry("admin-1", &["trust"]);
    for (name, value) in [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "modelry.mainline"),
        ("GIT_CONFIG_VALUE_0", "nowhere"),
    ] {
        command.env(name, value);
    }
    let told = said(&mut command);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("no branch `nowhere`"), "{told:?}");
}

#[test]
fn a_folder_beyond_the_ceiling_is_in_no_repository() {
    let lab = in_folder();
    let mut command = lab.modelry("admin-1", &["list"]);
    command
        .current_dir(lab.top.join("models"))
        .env("GIT_CEILING_DIRECTORIES", &lab.top);
    let told = said(&mut command);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("is not in a Git repository"), "{told:?}");
}

/// An archive brings its own `.git/config`.
#[test]
fn looking_at_a_repository_that_was_delivered_runs_none_of_its_programs() {
    let lab = in_folder();
    let mark = lab.home().join("ran");
    let program = lab.home().join("program");
    crate::hook::write_program(&program, &format!("#!/bin/sh\necho ran >> {}\n", mark.display()));
    let program = program.to_string_lossy().into_owned();
    for key in [
        "gpg.program",
        "gpg.openpgp.program",
        "gpg.ssh.program",
        "gpg.ssh.defaultKeyCommand",
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "credential.helper",
    ] {
        lab.git(&["config", key, &program]);
    }
    // Without a key of the user's the programs would be asked for one.
    lab.git(&["config", "user.signingkey", ""]);
    lab.write("models/groups/fraud/group.yaml", "changed: true\n");
    for format in ["ssh", "openpgp"] {
        lab.git(&["config", "gpg.format", format]);
        for line in [
            &["whoami"][..],
            &["validate"],
            &["list"],
            &["show", "fraud/1"],
            &["resolve", "fraud/1"],
            &["audit"],
            &["log"],
            &["diff"],
            &["events"],
            &["trust"],
            &["policy", "show"],
        ] {
            let _ = lab.says("admin-1", line);
            assert!(!mark.exists(), "{format} {line:?}");
        }
    }
}

#[test]
fn a_pushed_file_does_not_hide_the_registry_of_a_checkpoint() {
    let lab = in_folder();
    let checkpoint = lab.home().join("checkpoint");
    let checkpoint = checkpoint.to_string_lossy().into_owned();
    lab.write("docs/registry.yaml", "hello: world\n");
    lab.git(&["add", "docs"]);
    lab.git(&["commit", "-q", "--no-gpg-sign", "-m", "docs"]);
    let _ = lab.ok(
        "admin-1",
        &["audit", "--checkpoint", &checkpoint, "--new-checkpoint"],
    );
    let shallow = lab.home().join("shallow");
    let url = format!("file://{}", lab.top.display());
    lab.git(&["clone", "-q", "--depth", "1", &url, &shallow.to_string_lossy()]);
    let told = modelry(
        &lab,
        &shallow,
        &["resolve", "fraud/1", "-o", "uri", "--checkpoint", &checkpoint],
    );
    assert_eq!((told.code, told.out.trim()), (0, "s3://models/good"), "{told:?}");
}

/// HEAD of a linked work tree is another branch.
#[test]
fn the_guarded_branch_is_guarded_by_way_of_a_work_tree() {
    let guarded = Guarded::new();
    let linked = guarded.lab.home().join("worktree");
    let linked = linked.to_string_lossy().into_owned();
    guarded.git(&["worktree", "add", "-q", "-b", "x", &linked]);
    let lab = &guarded.lab;
    lab.write("registry.yaml", "broken: true\n");
    lab.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "broken"]);
    let before = guarded.references();
    let told = guarded.push_to(&linked, "admin-1", &["HEAD:main"]);
    assert_ne!(told.code, 0, "{told:?}");
    assert!(told.err.contains("pre-receive hook declined"), "{told:?}");
    assert_eq!(guarded.references(), before);
    // Nor when HEAD itself moves on.
    guarded.git(&["symbolic-ref", "HEAD", "refs/heads/x"]);
    let told = guarded.refuses("admin-1", &["HEAD:main"]);
    assert!(told.contains("registry.yaml"), "{told}");
}
