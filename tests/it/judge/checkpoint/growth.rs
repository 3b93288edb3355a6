//! History that grew, and history that was rewritten.

use super::*;

#[test]
pub fn mr506_passes_when_history_grows() {
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
    // The lost commits are reported.
    let lost = lab.git(&[
        "log",
        "-2",
        "--date=format-local:%Y-%m-%d",
        "--format=lost: %h, %cd: %s",
        "--abbrev=10",
        &old,
    ]);
    for line in lost.lines() {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert_eq!(said.matches("lost: ").count(), 2, "{said}");
    // A longer history does not make it better.
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
pub fn mr506_fires_when_the_mainline_is_truncated() {
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
    let (lab, other) = (lab(), other());
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
fn an_unclean_audit_leaves_the_file_as_it_is() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint"]);
    let path = "groups/churn/versions/1/version.yaml";
    let text = lab.read(path);
    assert!(text.contains("status: Approved"));
    lab.write(path, &text.replace("status: Approved", "status: Archived"));
    lab.commit("trainer", "by hand");
    let _ = finds(&lab, "MR313");
    // A missing checkpoint stays missing.
    std::fs::remove_file(file(&lab)).expect("removed");
    let said = audit(&lab, "admin-1", &["--new-checkpoint"]);
    assert_eq!((said.code, file(&lab).exists()), (1, false), "{said:?}");
}

#[test]
fn taints_go_into_the_checkpoint_and_out_of_it() {
    let lab = lab();
    let shown = lab.ok("risk-1", &["whoami", "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let key = shown["key"].as_str().expect("a key");
    let since = lab.git(&["rev-parse", "main~1"]);
    let _ = clean(&lab, &["--new-checkpoint"]);
    let _ = lab.ok(
        "admin-1",
        &["actor", "revoke-key", key, "--since", &since, "-m", "laptop lost"],
    );
    let _ = finds(&lab, "MR317");
    let revocation = lab.git(&["rev-parse", "main"]);
    let entry = format!("acknowledged:\n  - {{commit: \"{revocation}\", codes: [MR317]}}\nactors:\n");
    lab.change_policy("actors:\n", &entry);
    let _ = clean(&lab, &[]);
    let line = format!("tainted churn/1 {key}\n");
    assert_eq!(read(&file(&lab)), format!("{}{line}", by_hand(&lab, "main")));
    let said = resolve(&lab, &clone(&lab, "1", "shallow"), &["churn/1"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains(key), "{}", said.err);
    // The same again, and with a step after it.
    let _ = clean(&lab, &[]);
    grow(&lab, '2');
    let _ = clean(&lab, &[]);
    let tainted = read(&file(&lab));
    assert!(tainted.ends_with(&line), "{tainted}");
    // Without the line the version would be answered: that is found.
    std::fs::write(file(&lab), tainted.replace(&line, "")).expect("a file");
    let said = finds(&lab, "MR506 checkpoint-mismatch");
    assert!(said.contains("calls tainted"), "{said}");
    std::fs::write(file(&lab), &tainted).expect("a file");
    // Reaffirmed after the checkpoint, by a policy that the clone holds.
    let _ = lab.ok(
        "admin-1",
        &[
            "actor",
            "revoke-key",
            key,
            "--reaffirm",
            "churn/1",
            "-m",
            "it was right",
        ],
    );
    let said = resolve(&lab, &clone(&lab, "2", "deeper"), &["churn/1", "-o", "uri"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "s3://models/churn/1\n"),
        "{said:?}"
    );
    let _ = clean(&lab, &[]);
    assert_eq!(read(&file(&lab)), by_hand(&lab, "main"));
}

#[test]
fn a_registry_in_a_folder_of_a_bare_sha256_repository() {
    let mut lab = Lab::empty();
    lab.top = lab.home().join("long");
    std::fs::create_dir(&lab.top).expect("a folder");
    lab.git(&["init", "-q", "--object-format=sha256", "-b", "main"]);
    lab.git(&["config", "gpg.format", "ssh"]);
    lab.git(&["commit", "-q", "--allow-empty", "-S", "-m", "something else"]);
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "models/risk", "--actor", "admin-1", "--solo"],
    );
    let root = lab.git(&["rev-parse", "main"]);
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    let digest = format!("sha256:{}", "1".repeat(64));
    let _ = lab.ok(
        "admin-1",
        &["register", "churn", "--artifact", "s3://m/1", "--digest", &digest],
    );
    let _ = lab.ok("admin-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["clone", "-q", "--bare", ".", "../long.git"]);
    lab.git(&["-C", "../long.git", "config", "gpg.format", "ssh"]);
    let pin = format!("{root}:models/risk");
    let bare = [
        "-C",
        "../long.git",
        "audit",
        "--root",
        &pin,
        "--checkpoint",
        "../checkpoint",
    ];
    // As given with `-C`: beside the bare repository.
    let _ = lab.ok("admin-1", &[&bare[..], &["--new-checkpoint", "--sign"]].concat());
    let _ = lab.ok("admin-1", &bare);
    let text = read(&file(&lab));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        (lines[1], lines[3], lines[4]),
        (
            "4",
            format!("commit {}", lab.git(&["rev-parse", "main"])).as_str(),
            format!("root {pin}").as_str()
        )
    );
    let shallow = clone(&lab, "1", "shallow");
    let said = resolve(&lab, &shallow, &["churn/1", "-o", "uri"]);
    assert_eq!((said.code, said.out.as_str()), (0, "s3://m/1\n"), "{said:?}");
}
