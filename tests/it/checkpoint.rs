//! Checkpoints on real repositories: history that grew and history that was
//! rewritten, files that are hostile, signatures, and clones of depth 1.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::support::{Lab, Said, said};

/// A registry with `churn/1` approved, the root pinned.
fn lab() -> Lab {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.git(&["config", "modelry.root", &lab.root()]);
    lab
}

/// Where the checkpoint is kept: outside the repository.
fn file(lab: &Lab) -> PathBuf {
    lab.home().join("checkpoint")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn beside(lab: &Lab, extension: &str) -> PathBuf {
    lab.home().join(format!("checkpoint{extension}"))
}

/// An audit with the checkpoint, as somebody.
fn audit(lab: &Lab, who: &str, more: &[&str]) -> Said {
    let path = file(lab);
    let mut all = vec!["audit", "--checkpoint", path.to_str().expect("UTF-8")];
    all.extend_from_slice(more);
    lab.says(who, &all)
}

#[track_caller]
fn clean(lab: &Lab, more: &[&str]) -> Said {
    let said = audit(lab, "admin-1", more);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said
}

/// An audit that finds this, and leaves the file as it is.
#[track_caller]
fn finds(lab: &Lab, code: &str) -> String {
    let before = read(&file(lab));
    let said = audit(lab, "admin-1", &[]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains(code), "{}", said.out);
    assert_eq!(read(&file(lab)), before, "only a clean audit moves it");
    said.out
}

fn grow(lab: &Lab, mark: char) {
    lab.register("churn", mark);
}

/// The root hash as RFC 6962 defines it.
fn merkle(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::digest([&[0], &leaf[..]].concat()).into(),
        leaves => {
            let k = leaves.len().next_power_of_two() / 2;
            Sha256::digest([&[1], &merkle(&leaves[..k])[..], &merkle(&leaves[k..])[..]].concat()).into()
        }
    }
}

/// The checkpoint of a branch, made from nothing but git's own output.
fn by_hand(lab: &Lab, branch: &str) -> String {
    let registry = lab.git(&["show", &format!("{branch}:registry.yaml")]);
    let id = registry
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .expect("an id")
        .trim_matches('"');
    let list = lab.git(&["rev-list", "--first-parent", "--reverse", branch]);
    let commits: Vec<&str> = list.lines().collect();
    let leaves: Vec<Vec<u8>> = commits
        .iter()
        .enumerate()
        .map(|(index, commit)| {
            let raw = lab.git_as("admin-1", &["cat-file", "commit", commit]).stdout;
            let digest: String = Sha256::digest(&raw)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!(
                "{{\"commit\":\"{commit}\",\"index\":{index},\"registry\":\"{id}\",\"sha256\":\"{digest}\"}}"
            )
            .into_bytes()
        })
        .collect();
    format!(
        "modelry/{id}\n{}\n{}\ncommit {}\nroot {}\n",
        commits.len(),
        STANDARD.encode(merkle(&leaves)),
        commits.last().expect("a commit"),
        commits[0]
    )
}

#[test]
fn mr506_passes_when_history_grows() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint"]);
    assert_eq!(read(&file(&lab)), by_hand(&lab, "main"));
    // The same again: nothing is written.
    let before = std::fs::metadata(file(&lab))
        .and_then(|meta| meta.modified())
        .expect("a time");
    let _ = clean(&lab, &[]);
    let after = std::fs::metadata(file(&lab))
        .and_then(|meta| meta.modified())
        .expect("a time");
    assert_eq!(before, after);
    for mark in ['2', '3', '4'] {
        grow(&lab, mark);
        let _ = clean(&lab, &[]);
        assert_eq!(read(&file(&lab)), by_hand(&lab, "main"));
    }
    let left: Vec<_> = std::fs::read_dir(lab.home())
        .expect("the home")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| name.contains("checkpoint") || name.starts_with(".modelry"))
        .collect();
    assert_eq!(left, ["checkpoint"], "and nothing beside it");
}

#[test]
fn mr506_fires_when_an_old_step_is_amended() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint"]);
    let common = lab.git(&["rev-parse", "main~2"]);
    let old = lab.git(&["rev-parse", "main"]);
    // The approval is left out, and something else takes its place.
    lab.git(&["reset", "-q", "--hard", "main~2"]);
    // A clone that never saw what was.
    std::fs::remove_dir_all(lab.top.join(".git/modelry")).expect("removed");
    grow(&lab, '1');
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    let said = finds(&lab, "MR506 checkpoint-mismatch");
    assert!(
        said.contains(&format!("rewritten after {}", &common[..10])),
        "{said}"
    );
    assert!(
        said.contains(&format!("git branch before-the-rewrite {old}")),
        "{said}"
    );
    // Longer than before is no better.
    grow(&lab, '2');
    let said = finds(&lab, "MR506 checkpoint-mismatch");
    assert!(
        said.contains(&format!("rewritten after {}", &common[..10])),
        "{said}"
    );
    // Without what was, it can't be said where they part; but that they do.
    lab.git(&["reflog", "expire", "--expire=now", "--all"]);
    lab.git(&["gc", "-q", "--prune=now"]);
    let said = finds(&lab, "MR506 checkpoint-mismatch");
    assert!(said.contains("not in this repository"), "{said}");
    lab.git(&["commit", "-q", "--allow-empty", "-S", "-m", "a link"]);
    let _ = finds(&lab, "MR506 checkpoint-mismatch");
}

#[test]
fn mr506_fires_when_the_mainline_is_truncated() {
    let lab = lab();
    let steps: usize = lab
        .git(&["rev-list", "--count", "main"])
        .parse()
        .expect("a number");
    let _ = clean(&lab, &["--new-checkpoint"]);
    lab.git(&["reset", "-q", "--hard", "main~2"]);
    let tip = lab.git(&["rev-parse", "main"]);
    let said = finds(&lab, "MR506 checkpoint-mismatch");
    assert!(
        said.contains(&format!(
            "the mainline ends after {} steps, at {}",
            steps - 2,
            &tip[..10]
        )),
        "{said}"
    );
    assert!(said.contains("2 steps that were found clean"), "{said}");
}

#[test]
fn mr506_fires_for_another_registry_and_another_root() {
    let (lab, other) = (lab(), lab());
    let _ = clean(&lab, &["--new-checkpoint"]);
    let _ = clean(&other, &["--new-checkpoint"]);
    std::fs::copy(file(&other), file(&lab)).expect("a copy");
    let said = finds(&lab, "MR506 checkpoint-mismatch");
    assert!(said.contains("is of the registry"), "{said}");
    let fresh = by_hand(&lab, "main");
    let root = lab.root();
    std::fs::write(
        file(&lab),
        fresh.replace(&format!("root {root}"), &format!("root {root}:models")),
    )
    .expect("a file");
    let said = finds(&lab, "MR506 checkpoint-mismatch");
    assert!(said.contains(&format!("root {}:models", &root[..10])), "{said}");
}

#[test]
fn mr506_fires_when_the_checkpoint_was_altered() {
    let lab = lab();
    let good = by_hand(&lab, "main");
    let lines: Vec<&str> = good.lines().collect();
    let steps: usize = lines[1].parse().expect("a number");
    let zero = STANDARD.encode([0; 32]);
    let tip = lab.git(&["rev-parse", "main"]);
    let before = lab.git(&["rev-parse", "main~1"]);
    for (from, to, why) in [
        (lines[2], zero.as_str(), "root hash"),
        (
            &format!("\n{steps}\n"),
            &format!("\n{}\n", steps - 1),
            "that commit is step",
        ),
        (
            &format!("\n{steps}\n"),
            "\n9223372036854775807\n",
            "that commit is step",
        ),
        (&tip, &before, "that commit is step"),
    ] {
        assert!(good.contains(from));
        std::fs::write(file(&lab), good.replacen(from, to, 1)).expect("a file");
        let said = finds(&lab, "MR506 checkpoint-mismatch");
        assert!(said.contains(why) && said.contains("altered"), "{said}");
    }
    std::fs::write(file(&lab), &good).expect("a file");
    let _ = clean(&lab, &[]);
}

#[test]
fn a_branch_that_is_another_mainline_is_told_apart() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint"]);
    lab.git(&["branch", "other", "main~1"]);
    let said = audit(&lab, "admin-1", &["--mainline", "other"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("the mainline ends after"), "{}", said.out);
}

#[test]
fn where_the_file_may_be() {
    let lab = lab();
    let told = |path: &str| lab.error("admin-1", &["audit", "--new-checkpoint", "--checkpoint", path]);
    for inside in ["checkpoint", "groups/churn/checkpoint", "./groups/../checkpoint"] {
        assert!(told(inside).contains("inside the work tree"), "{inside}");
    }
    // A link in the tree could be committed, and one from outside leads into it.
    let target = lab.home().join("elsewhere");
    std::os::unix::fs::symlink(&target, lab.top.join("link")).expect("a link");
    std::fs::write(&target, "").expect("a file");
    assert!(told("link").contains("inside the work tree"));
    std::fs::remove_file(lab.top.join("link")).expect("removed");
    std::os::unix::fs::symlink(lab.top.join("registry.yaml"), lab.home().join("link")).expect("a link");
    assert!(told("../link").contains("inside the work tree"));
    // Another work tree of the same repository is no other place.
    lab.git(&["worktree", "add", "-q", "--detach", "../second"]);
    assert!(told("../second/checkpoint").contains("inside the work tree"));
    assert!(told("../no-such-folder/checkpoint").contains("can't read"));
    assert!(told("/").contains("no file"));
    // The git directory can't be committed.
    let _ = lab.ok(
        "admin-1",
        &["audit", "--new-checkpoint", "--checkpoint", ".git/checkpoint"],
    );
    assert_eq!(read(&lab.top.join(".git/checkpoint")), by_hand(&lab, "main"));
}

#[test]
fn a_link_and_a_mode_stay_what_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let lab = lab();
    let kept = lab.home().join("kept");
    std::fs::create_dir(&kept).expect("a folder");
    let kept = kept.join("risk");
    std::fs::write(&kept, by_hand(&lab, "main~1")).expect("a file");
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    std::os::unix::fs::symlink(&kept, file(&lab)).expect("a link");
    let _ = clean(&lab, &[]);
    assert!(file(&lab).is_symlink());
    assert_eq!(read(&kept), by_hand(&lab, "main"));
    let mode = std::fs::metadata(&kept).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A link to nothing is not followed.
    std::fs::remove_file(&kept).expect("removed");
    let said = audit(&lab, "admin-1", &["--new-checkpoint"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("link to nothing") && !kept.exists(), "{said:?}");
}

#[test]
fn new_files_are_asked_for_and_old_ones_kept() {
    let lab = lab();
    let said = audit(&lab, "admin-1", &[]);
    assert_eq!((said.code, file(&lab).exists()), (2, false), "{said:?}");
    assert!(
        said.err.contains("there is no checkpoint at") && said.err.contains("--new-checkpoint"),
        "{}",
        said.err
    );
    let _ = clean(&lab, &["--new-checkpoint"]);
    let before = read(&file(&lab));
    grow(&lab, '2');
    let said = audit(&lab, "admin-1", &["--new-checkpoint"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("would start over"), "{}", said.err);
    assert_eq!(read(&file(&lab)), before);
    let alone = lab.says("admin-1", &["audit", "--new-checkpoint"]);
    assert_eq!(alone.code, 2, "{alone:?}");
    assert!(alone.err.contains("--checkpoint"), "{}", alone.err);
}

#[test]
fn an_unclean_audit_leaves_the_file_as_it_is() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint"]);
    let path = "groups/churn/versions/1/version.yaml";
    let text = lab.read(path);
    assert!(text.contains("status: Approved"));
    lab.write(path, &text.replace("status: Approved", "status: Archived"));
    lab.commit("trainer", "by hand");
    let _ = finds(&lab, "MR313");
    // And there is none where there was none.
    std::fs::remove_file(file(&lab)).expect("removed");
    let said = audit(&lab, "admin-1", &["--new-checkpoint"]);
    assert_eq!((said.code, file(&lab).exists()), (1, false), "{said:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let lab = lab();
    // Not even root writes below a file that is no folder.
    let said = lab.says(
        "admin-1",
        &["audit", "--new-checkpoint", "--checkpoint", "/proc/checkpoint"],
    );
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("can't write /proc/checkpoint"), "{}", said.err);
}

#[test]
fn hostile_files_are_errors_and_stay_as_they_are() {
    let lab = lab();
    let good = by_hand(&lab, "main");
    let steps = good.lines().nth(1).expect("a size");
    let size = |other: &str| good.replacen(&format!("\n{steps}\n"), &format!("\n{other}\n"), 1);
    for (bytes, why) in [
        (Vec::new(), "does not end"),
        (size("-1").into_bytes(), "size"),
        (size("0").into_bytes(), "size"),
        (size("99999999999999999999999999").into_bytes(), "size"),
        (good.replace('\n', "\r\n").into_bytes(), "character"),
        (format!("{good}\0").into_bytes(), "character"),
        (format!("{good}more\n").into_bytes(), "nobody knows"),
        (format!("{good}\nmore\n").into_bytes(), "no signature"),
        (good.trim_end().as_bytes().to_vec(), "does not end"),
        (b"\xff\xfe".to_vec(), "UTF-8"),
        (vec![b'a'; (1 << 20) + 1], "larger"),
    ] {
        std::fs::write(file(&lab), &bytes).expect("a file");
        let said = audit(&lab, "admin-1", &[]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(why), "{why}: {}", said.err);
        assert_eq!(std::fs::read(file(&lab)).expect("a file"), bytes);
    }
    std::fs::remove_file(file(&lab)).expect("removed");
    std::fs::create_dir(file(&lab)).expect("a folder");
    let said = audit(&lab, "admin-1", &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("no plain file"), "{}", said.err);
    let said = lab.says("admin-1", &["audit", "--checkpoint", "/dev/zero"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("no plain file"), "{}", said.err);
}

/// Whether OpenSSH itself finds the signature good.
#[track_caller]
fn verified_by_openssh(lab: &Lab) -> bool {
    let signers = lab.home().join("signers");
    std::fs::write(&signers, lab.ok("admin-1", &["allowed-signers"])).expect("a file");
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    let mut principals = lab.command("ssh-keygen");
    let found = said(principals.args([
        "-Y",
        "find-principals",
        "-f",
        &path(signers.clone()),
        "-s",
        &path(beside(lab, ".sig")),
    ]));
    let Some(who) = found.out.lines().next().map(str::to_owned) else {
        return false;
    };
    let mut command = lab.command("ssh-keygen");
    command
        .args(["-Y", "verify", "-n", "modelry-checkpoint", "-I", &who])
        .args(["-f", &path(signers), "-s", &path(beside(lab, ".sig"))])
        .stdin(std::fs::File::open(file(lab)).expect("the checkpoint"));
    said(&mut command).code == 0
}

#[test]
fn a_signed_checkpoint_is_verified_by_openssh_too() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    assert!(verified_by_openssh(&lab));
    let (body, signature) = (read(&file(&lab)), read(&beside(&lab, ".sig")));
    // The same again writes neither.
    let said = clean(&lab, &["--sign"]);
    assert!(said.out.contains("admin-1"), "who signed is told: {}", said.out);
    assert_eq!(
        (read(&file(&lab)), read(&beside(&lab, ".sig"))),
        (body, signature.clone())
    );
    grow(&lab, '2');
    // Whoever can't sign looks, and moves nothing.
    let said = clean(&lab, &[]);
    assert!(said.err.contains("--sign"), "{}", said.err);
    assert!(verified_by_openssh(&lab));
    let _ = clean(&lab, &["--sign"]);
    assert_eq!(read(&file(&lab)), by_hand(&lab, "main"));
    assert_ne!(read(&beside(&lab, ".sig")), signature);
    assert!(verified_by_openssh(&lab) && !beside(&lab, ".sig.new").exists());
    // One that was never signed is signed where it stands.
    std::fs::remove_file(beside(&lab, ".sig")).expect("removed");
    let _ = clean(&lab, &["--sign"]);
    assert!(verified_by_openssh(&lab));
}

#[test]
fn only_actors_sign_checkpoints() {
    let lab = lab();
    let said = audit(&lab, "stranger", &["--new-checkpoint", "--sign"]);
    assert_eq!(
        (said.code, file(&lab).exists(), beside(&lab, ".sig").exists()),
        (2, false, false),
        "{said:?}"
    );
    assert!(said.err.contains("belongs to no actor"), "{}", said.err);
    let alone = lab.says("admin-1", &["audit", "--sign"]);
    assert_eq!(alone.code, 2, "{alone:?}");
}

#[test]
fn mr507_fires_when_the_signature_does_not_fit() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    let good = read(&beside(&lab, ".sig"));
    grow(&lab, '2');
    let body = read(&file(&lab));
    std::fs::write(file(&lab), by_hand(&lab, "main")).expect("a file");
    let said = finds(&lab, "MR507 bad-checkpoint-signature");
    assert!(!said.contains("MR506"), "it fits the history: {said}");
    assert_eq!(read(&beside(&lab, ".sig")), good);
    std::fs::write(file(&lab), body).expect("a file");
    for bad in ["", "nonsense\n", "-----BEGIN SSH SIGNATURE-----\n"] {
        std::fs::write(beside(&lab, ".sig"), bad).expect("a file");
        let _ = finds(&lab, "MR507 bad-checkpoint-signature");
    }
    // A good one, of nobody; and of the wrong namespace.
    for (who, namespace) in [("stranger", "modelry-checkpoint"), ("admin-1", "git")] {
        std::fs::remove_file(beside(&lab, ".sig")).expect("removed");
        let mut command = lab.command("ssh-keygen");
        command
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(lab.key(who))
            .arg(file(&lab));
        assert_eq!(said_code(&mut command), 0);
        let _ = finds(&lab, "MR507 bad-checkpoint-signature");
    }
    // To sign is no way out.
    let said = audit(&lab, "admin-1", &["--sign"]);
    assert_eq!(said.code, 1, "{said:?}");
}

fn said_code(command: &mut std::process::Command) -> i32 {
    said(command).code
}

#[test]
fn mr507_passes_for_an_actor_of_then() {
    let lab = lab();
    let said = audit(&lab, "risk-2", &["--new-checkpoint", "--sign"]);
    assert_eq!(said.code, 0, "{said:?}");
    // Whoever leaves later was an actor when it was signed.
    let _ = lab.ok("admin-1", &["actor", "retire", "risk-2", "-m", "has left"]);
    let said = clean(&lab, &[]);
    assert!(said.out.contains("risk-2"), "{}", said.out);
}

#[test]
fn a_pair_that_was_cut_between_its_writes_is_still_a_pair() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    let (old_body, old_sig) = (read(&file(&lab)), read(&beside(&lab, ".sig")));
    grow(&lab, '2');
    let _ = clean(&lab, &["--sign"]);
    let (new_body, new_sig) = (read(&file(&lab)), read(&beside(&lab, ".sig")));
    assert_ne!(old_body, new_body);
    // Every state in the order of the writes.
    for (body, sig, waiting) in [
        (&old_body, &old_sig, Some(&new_sig)),
        (&new_body, &old_sig, Some(&new_sig)),
        (&new_body, &new_sig, None),
    ] {
        for sign in [true, false] {
            let _ = std::fs::remove_file(beside(&lab, ".sig.new"));
            std::fs::write(file(&lab), body).expect("a file");
            std::fs::write(beside(&lab, ".sig"), sig).expect("a file");
            if let Some(waiting) = waiting {
                std::fs::write(beside(&lab, ".sig.new"), waiting).expect("a file");
            }
            let _ = clean(&lab, if sign { &["--sign"] } else { &[] });
            assert!(verified_by_openssh(&lab));
            if sign {
                assert_eq!(read(&file(&lab)), new_body);
            }
        }
    }
    // The same with the first signature of a file: none, waiting, placed.
    for body in [&old_body, &new_body] {
        std::fs::remove_file(beside(&lab, ".sig")).expect("removed");
        std::fs::write(file(&lab), body).expect("a file");
        std::fs::write(beside(&lab, ".sig.new"), &new_sig).expect("a file");
        let _ = clean(&lab, &["--sign"]);
        assert!(verified_by_openssh(&lab));
    }
}

#[test]
fn a_kill_leaves_no_half_pair() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    let path = file(&lab);
    let mut cut = 0;
    for round in 0..6u64 {
        lab.git(&["commit", "-q", "--allow-empty", "-S", "-m", "a link"]);
        let mut child = lab
            .modelry(
                "admin-1",
                &["audit", "--sign", "--checkpoint", path.to_str().expect("UTF-8")],
            )
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the program runs");
        // As soon as the first of the writes is seen, or a little later.
        while !beside(&lab, ".sig.new").exists() && child.try_wait().expect("a child").is_none() {
            std::hint::spin_loop();
        }
        std::thread::sleep(std::time::Duration::from_micros(round * 60));
        let _ = child.kill();
        cut += usize::from(!child.wait().expect("a child").success());
        // Whatever stands there, it is found good, and goes on.
        let _ = clean(&lab, &[]);
        assert!(verified_by_openssh(&lab));
    }
    assert!(cut > 0, "no run was killed in time");
    let _ = clean(&lab, &["--sign"]);
    assert_eq!(read(&file(&lab)), by_hand(&lab, "main"));
    assert!(verified_by_openssh(&lab) && !beside(&lab, ".sig.new").exists());
}

/// A clone of so many commits, as a deployment job makes it.
fn clone(lab: &Lab, depth: &str, name: &str) -> PathBuf {
    let url = format!("file://{}", lab.top.display());
    let path = lab.home().join(name);
    lab.git(&[
        "clone",
        "-q",
        "--depth",
        depth,
        &url,
        path.to_str().expect("UTF-8"),
    ]);
    path
}

fn resolve(lab: &Lab, clone: &Path, more: &[&str]) -> Said {
    let (at, checkpoint) = (clone.to_string_lossy(), file(lab));
    let mut all = vec![
        "-C",
        &at,
        "resolve",
        "--checkpoint",
        checkpoint.to_str().expect("UTF-8"),
    ];
    all.extend_from_slice(more);
    lab.says("stranger", &all)
}

#[test]
fn a_clone_of_depth_one_answers_by_the_checkpoint() {
    let lab = lab();
    grow(&lab, '2');
    let steps = lab.git(&["rev-list", "--count", "main"]);
    std::fs::write(file(&lab), by_hand(&lab, "main")).expect("a file");
    let shallow = clone(&lab, "1", "shallow");
    // Nothing else would do here.
    let without = lab.says(
        "stranger",
        &[
            "-C",
            &shallow.to_string_lossy(),
            "resolve",
            "churn/1",
            "--trust-root",
        ],
    );
    assert_eq!(without.code, 2, "{without:?}");
    let said = resolve(&lab, &shallow, &["churn/1"]);
    assert_eq!(said.code, 0, "{said:?}");
    insta::assert_snapshot!(lab.scrub(&said.out), @r"
    churn/1  Approved
      artifact  s3://models/churn/1
                sha256:[ID]
      commit    [ID]
      proven    up to here, by the checkpoint; root [ID] named by the checkpoint
    ");
    assert!(
        said.err
            .contains(&format!("taken from the checkpoint of {steps} steps")),
        "{}",
        said.err
    );
    let said = resolve(&lab, &shallow, &["churn/1", "-o", "uri"]);
    assert_eq!((said.code, said.out.as_str()), (0, "s3://models/churn/1\n"));
    let said = resolve(&lab, &shallow, &["churn/1", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(json["proven"]["checkpoint"]["size"].to_string(), steps);
    assert_eq!(json["proven"]["from"], lab.git(&["rev-parse", "main"]));
    assert_eq!(json["proven"]["root"], lab.root());
    assert_eq!(json["proven"]["rootPinned"], false);
    let said = resolve(&lab, &shallow, &["churn/2"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("churn/2 is Pending"), "{}", said.err);
    // It leaves nothing behind that a later proof would believe.
    assert!(!shallow.join(".git/modelry").exists());
    // `wait` and `pull` stand on the same ground.
    let at = shallow.to_string_lossy().into_owned();
    let path = file(&lab);
    let path = path.to_str().expect("UTF-8");
    let _ = lab.ok(
        "stranger",
        &[
            "-C",
            &at,
            "wait",
            "churn/1",
            "--for",
            "Approved",
            "--timeout",
            "0s",
            "--checkpoint",
            path,
        ],
    );
    let pulled = lab.says(
        "stranger",
        &[
            "-C",
            &at,
            "pull",
            "churn@latest",
            "../model",
            "--checkpoint",
            path,
        ],
    );
    assert!(pulled.err.contains("taken from the checkpoint"), "{pulled:?}");
}

#[test]
fn what_a_checkpoint_calls_tainted_resolves_nowhere() {
    let lab = lab();
    let tainted = format!("{}tainted churn/1 SHA256:abc\n", by_hand(&lab, "main"));
    std::fs::write(file(&lab), tainted).expect("a file");
    let shallow = clone(&lab, "1", "shallow");
    let said = resolve(&lab, &shallow, &["churn/1"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("rests on key SHA256:abc"), "{}", said.err);
    // The history knows of no such key.
    let said = finds(&lab, "MR506 checkpoint-mismatch");
    assert!(said.contains("tainted"), "{said}");
}

#[test]
fn the_steps_after_a_checkpoint_are_judged() {
    let lab = lab();
    std::fs::write(file(&lab), by_hand(&lab, "main")).expect("a file");
    let then = lab.git(&["rev-parse", "main"]);
    grow(&lab, '2');
    // A merge, whose sides are all after the checkpoint.
    lab.git(&["switch", "-q", "-c", "side"]);
    let _ = lab.ok("risk-1", &["approve", "churn/2", "-m", "good"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    lab.git(&["merge", "-q", "--no-ff", "-S", "-m", "merge", "side"]);
    let depth = lab.git(&["rev-list", "--count", "--first-parent", &format!("{then}..main")]);
    let deeper: usize = depth.parse::<usize>().expect("a number") + 1;
    let deep = clone(&lab, &deeper.to_string(), "deep");
    let said = resolve(&lab, &deep, &["churn/2"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out
            .contains(&format!("3 steps after {}, by the checkpoint", &then[..10])),
        "{}",
        said.out
    );
    // Too shallow: both commits are named, and what to fetch.
    let shallow = clone(&lab, "1", "shallow");
    let tip = lab.git(&["rev-parse", "main"]);
    let said = resolve(&lab, &shallow, &["churn/2"]);
    assert_eq!(said.code, 2, "{said:?}");
    for word in [then.as_str(), &tip, "git fetch --unshallow"] {
        assert!(said.err.contains(word), "{}", said.err);
    }
    // What is wrong after it stops the answer.
    let path = "groups/churn/versions/1/version.yaml";
    let text = lab.read(path);
    lab.write(path, &text.replace("status: Approved", "status: Archived"));
    lab.commit("trainer", "by hand");
    let deep = clone(&lab, &(deeper + 1).to_string(), "deeper");
    let said = resolve(&lab, &deep, &["churn/2"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR313"), "{}", said.out);
}

#[test]
fn a_checkpoint_of_something_else_answers_nothing() {
    let (lab, other) = (lab(), lab());
    let shallow = clone(&lab, "1", "shallow");
    let good = by_hand(&lab, "main");
    let (root, registry) = (lab.root(), good.lines().next().expect("an origin"));
    let other = by_hand(&other, "main");
    for (text, why) in [
        (other.clone(), "the history between the two is not in this clone"),
        (
            good.replacen(registry, other.lines().next().expect("an origin"), 1),
            "is of the registry",
        ),
        (
            good.replacen(&format!("root {root}\n"), &format!("root {root}:models\n"), 1),
            "the checkpoint is of the root",
        ),
        (good.trim_end().to_owned(), "is no checkpoint"),
    ] {
        std::fs::write(file(&lab), text).expect("a file");
        let said = resolve(&lab, &shallow, &["churn/1"]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains(why), "{}", said.err);
    }
    // A root that is pinned here must be the checkpoint's.
    std::fs::write(file(&lab), &good).expect("a file");
    let pin = lab.git(&["rev-parse", "main"]);
    let said = resolve(&lab, &shallow, &["churn/1", "--root", &pin]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("the checkpoint is of the root"), "{}", said.err);
    let said = resolve(&lab, &shallow, &["churn/1", "--root", &root]);
    assert_eq!(said.code, 0, "{said:?}");
    // Nor one from inside the tree, nor none at all.
    std::fs::write(shallow.join("checkpoint"), &good).expect("a file");
    for (path, why) in [
        ("checkpoint", "inside the work tree"),
        ("../nowhere", "there is no checkpoint"),
    ] {
        let said = lab.says(
            "stranger",
            &[
                "-C",
                &shallow.to_string_lossy(),
                "resolve",
                "churn/1",
                "--checkpoint",
                path,
            ],
        );
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(why), "{}", said.err);
    }
    // One whose signature does not fit is not believed.
    std::fs::write(beside(&lab, ".sig"), "nonsense\n").expect("a file");
    let said = resolve(&lab, &shallow, &["churn/1"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR507"), "{}", said.out);
}
