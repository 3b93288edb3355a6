//! The judge on real commits: the whole matrix of status pairs, ranges, and
//! what may not be hidden from it.

use std::fmt::Write;

use modelry::testing::record::kind::{Registry, Status};

use crate::support::Lab;

fn policy(transitions: &str) -> Registry {
    let text = format!(
        "apiVersion: modelry/v1\nkind: Registry\nname: x\nid: \"{}\"\nserial: 1\nactors: {{a: {{kind: person}}}}\n{transitions}",
        "0".repeat(32)
    );
    serde_yaml::from_str(&text).expect("a policy")
}

#[test]
fn the_matrix_of_status_pairs() {
    let plain = policy("");
    let both = policy("lifecycle: {transitions: {Approved: [Rejected], Pending: [Archived]}}\n");
    let mut table = String::new();
    for (name, policy) in [("as it is", &plain), ("with both edges added", &both)] {
        writeln!(
            table,
            "{name:<22}{}",
            Status::ALL
                .map(|to| format!("{:<10}", to.as_str()))
                .concat()
                .trim_end()
        )
        .expect("text");
        for from in Status::ALL {
            let cells =
                Status::ALL.map(|to| format!("{:<10}", if policy.allows(from, to) { "yes" } else { "." }));
            writeln!(table, "  {:<20}{}", from.as_str(), cells.concat().trim_end()).expect("text");
        }
    }
    insta::assert_snapshot!(table, @r"
    as it is              Pending   Approved  Rejected  Archived
      Pending             .         yes       yes       .
      Approved            .         .         .         yes
      Rejected            .         .         .         yes
      Archived            .         .         .         .
    with both edges added Pending   Approved  Rejected  Archived
      Pending             .         yes       yes       yes
      Approved            .         .         yes       yes
      Rejected            .         .         .         yes
      Archived            .         .         .         .
    ");
}

/// A version in each status, and what `validate` says of every edit of it.
#[test]
fn every_move_by_hand_is_judged_on_real_commits() {
    let lab = Lab::with_registry();
    for mark in ['1', '2', '3', '4'] {
        lab.register("churn", mark);
    }
    let _ = lab.ok("risk-1", &["approve", "churn/2", "-m", "good"]);
    let _ = lab.ok("risk-1", &["reject", "churn/3", "-m", "bad"]);
    let _ = lab.ok("risk-1", &["reject", "churn/4", "-m", "bad"]);
    let _ = lab.ok("risk-1", &["archive", "churn/4", "-m", "old"]);
    lab.check();
    let mut table = String::new();
    for (number, from) in Status::ALL.iter().enumerate() {
        for to in Status::ALL.iter().filter(|to| *to != from) {
            let path = format!("groups/churn/versions/{}/version.yaml", number + 1);
            let before = lab.read(&path);
            lab.write(
                &path,
                &before.replace(&format!("status: {from}"), &format!("status: {to}")),
            );
            let out = lab.findings("risk-1", &["validate", "-o", "concise"]);
            let codes: Vec<&str> = out
                .lines()
                .filter_map(|line| line.split_whitespace().nth(1))
                .collect();
            writeln!(table, "{from} -> {to}: {}", codes.join(" ")).expect("text");
            lab.write(&path, &before);
        }
    }
    insta::assert_snapshot!(table, @r"
    Pending -> Approved: MR308
    Pending -> Rejected: MR312
    Pending -> Archived: MR203 MR313
    Approved -> Pending: MR203
    Approved -> Rejected: MR203
    Approved -> Archived: MR313
    Rejected -> Pending: MR203
    Rejected -> Approved: MR203
    Rejected -> Archived: MR313
    Archived -> Pending: MR203
    Archived -> Approved: MR203
    Archived -> Rejected: MR203
    ");
}

#[test]
fn a_range_is_judged_commit_by_commit() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let range = format!("{}..HEAD", lab.root());
    let said = lab.ok("risk-1", &["validate", &range]);
    assert!(said.starts_with("clean: looked at "), "{said}");
    // A step that is undone later stays a finding; undoing it by a signed commit is none.
    let path = "groups/churn/versions/1/version.yaml";
    let good = lab.read(path);
    lab.write(path, &good.replace("Approved", "Rejected"));
    assert!(
        lab.git_as("risk-1", &["commit", "-q", "-S", "-a", "-m", "by hand"])
            .status
            .success()
    );
    lab.write(path, &good);
    assert!(
        lab.git_as("risk-1", &["commit", "-q", "-S", "-a", "-m", "undone"])
            .status
            .success()
    );
    let said = lab.findings("risk-1", &["validate", "-o", "concise", &range]);
    let codes: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(codes, ["MR203"], "{said}");
    // And nothing is built on it in that group.
    let refused = lab.says("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.out.contains("MR203") && refused.err.contains("nothing was written"),
        "{refused:?}"
    );
}

#[test]
fn unsigned_stranger_and_forged_commits_speak_for_nobody() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let base = lab.git(&["rev-parse", "HEAD"]);
    let path = "groups/churn/versions/1/version.yaml";
    let edit = lab.read(path).replace("spec:", "labels:\n  a: b\nspec:");
    for (who, flag, code) in [("trainer", "--no-gpg-sign", "MR301"), ("stranger", "-S", "MR302")] {
        lab.write(path, &edit);
        assert!(
            lab.git_as(who, &["commit", "-q", flag, "-a", "-m", "label"])
                .status
                .success()
        );
        let said = lab.findings("trainer", &["validate", "-o", "concise", "HEAD~1..HEAD"]);
        assert!(said.contains(code), "{said}");
        lab.git(&["reset", "-q", "--hard", &base]);
    }
    // A good signature under another message is lifted, and proves nothing.
    lab.write(path, &edit);
    assert!(
        lab.git_as("trainer", &["commit", "-q", "-S", "-a", "-m", "label"])
            .status
            .success()
    );
    let raw = lab
        .git(&["cat-file", "commit", "HEAD"])
        .replace("\nlabel", "\nother words")
        + "\n";
    let id = hash_object(&lab, raw.as_bytes());
    lab.git(&["reset", "-q", "--hard", &id]);
    let said = lab.findings("trainer", &["validate", "-o", "concise", "HEAD~1..HEAD"]);
    assert!(said.contains("MR303"), "{said}");
    assert!(
        !lab.git_as("admin-1", &["verify-commit", "HEAD"]).status.success(),
        "git agrees"
    );
    lab.git(&["reset", "-q", "--hard", &base]);
    // Two signature headers: no strict form.
    lab.write(path, &edit);
    assert!(
        lab.git_as("trainer", &["commit", "-q", "-S", "-a", "-m", "label"])
            .status
            .success()
    );
    let raw = lab.git(&["cat-file", "commit", "HEAD"]) + "\n";
    let start = raw.find("gpgsig ").expect("a signature");
    let end = raw.find("\n\n").expect("an end") + 1;
    let twice = format!("{}{}{}", &raw[..end], &raw[start..end], &raw[end..]);
    let id = hash_object(&lab, twice.as_bytes());
    lab.git(&["reset", "-q", "--hard", &id]);
    let said = lab.findings("trainer", &["validate", "-o", "concise", "HEAD~1..HEAD"]);
    assert!(said.contains("MR315"), "{said}");
}

fn hash_object(lab: &Lab, bytes: &[u8]) -> String {
    use std::io::Write as _;
    let mut child = lab
        .command("git")
        .args(["hash-object", "-t", "commit", "-w", "--literally", "--stdin"])
        .current_dir(&lab.top)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("git");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(bytes)
        .expect("bytes");
    let output = child.wait_with_output().expect("git");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn local_views_change_no_verdict() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(path, &lab.read(path).replace("Pending", "Approved"));
    assert!(
        lab.git_as("trainer", &["commit", "-q", "-S", "-a", "-m", "by hand"])
            .status
            .success()
    );
    let said = lab.findings("trainer", &["validate", "-o", "concise", "HEAD~1..HEAD"]);
    // A replace reference that hides the commit, and hostile configuration.
    lab.git(&["replace", "HEAD", "HEAD~1"]);
    lab.git(&["config", "gpg.ssh.program", "/bin/true"]);
    lab.git(&["config", "core.quotePath", "true"]);
    assert_eq!(
        said,
        lab.findings("trainer", &["validate", "-o", "concise", "HEAD~1..HEAD"])
    );
}

#[test]
fn what_a_merge_adds_of_its_own_needs_its_signer() {
    let lab = Lab::with_registry();
    lab.git(&["branch", "side"]);
    lab.register("churn", '1');
    let _ = lab.ok(
        "trainer",
        &[
            "register",
            "churn",
            "--branch",
            "side",
            "--artifact",
            "s3://m/2",
            "--digest",
            &format!("sha256:{}", "2".repeat(64)),
            "--metric",
            "a=1",
            "--allow-duplicate",
            "--label",
            "x=y",
        ],
    );
    lab.git(&["branch", "other", "side"]);
    let _ = lab.git_as(
        "trainer",
        &["merge", "-q", "-S", "-s", "ours", "-m", "keep ours", "side"],
    );
    // The merge keeps this side whole, so it is only a link.
    let _ = lab.ok("trainer", &["validate", "HEAD~1..HEAD"]);
    lab.git(&["checkout", "-q", "-b", "mix", "HEAD~1"]);
    lab.write(
        "groups/churn/group.yaml",
        &lab.read("groups/churn/group.yaml").replace("leave us", "leave"),
    );
    lab.git(&["add", "-A"]);
    let tree = lab.git(&["write-tree"]);
    let merge = lab.git(&["commit-tree", &tree, "-p", "HEAD", "-p", "other", "-m", "evil"]);
    let said = lab.findings("trainer", &["validate", &format!("HEAD..{merge}")]);
    assert!(
        said.contains("MR301") && said.contains("charged since neither side had this value"),
        "{said}"
    );
}

#[test]
fn a_policy_that_nobody_authorised_brings_nothing_into_force() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let base = lab.git(&["rev-parse", "HEAD"]);
    let granted = lab.policy_with(
        "allow: [register, add-evidence, annotate]",
        "allow: [register, add-evidence, annotate, approve, reject]",
    );
    lab.write("registry.yaml", &granted);
    lab.commit("trainer", "grab");
    // The thief's changes are judged by the last good policy.
    let review = lab
        .read("groups/churn/versions/1/version.yaml")
        .replace("Pending", "Rejected");
    lab.write("groups/churn/versions/1/version.yaml", &review);
    assert!(
        lab.git_as("risk-1", &["commit", "-q", "-S", "-a", "-m", "use"])
            .status
            .success()
    );
    let said = lab.findings(
        "admin-1",
        &["validate", "-o", "concise", &format!("{base}..HEAD")],
    );
    assert!(said.contains("MR403") && said.contains("MR312"), "{said}");
}

#[test]
fn sha256_repositories_are_judged_the_same() {
    let lab = Lab::empty();
    std::fs::remove_dir_all(&lab.top).expect("the folder");
    let made = lab
        .command("git")
        .args(["init", "-q", "--object-format=sha256", "-b", "main"])
        .arg(&lab.top)
        .status();
    assert!(made.expect("git").success());
    lab.git(&["config", "gpg.format", "ssh"]);
    lab.git(&["config", "gpg.ssh.allowedSignersFile", "../signers"]);
    let _ = lab.ok("admin-1", &["init", "--solo", "--actor", "admin-1"]);
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    let digest = format!("sha256:{}", "a".repeat(64));
    let _ = lab.ok(
        "admin-1",
        &["register", "churn", "--artifact", "s3://m/1", "--digest", &digest],
    );
    let _ = lab.ok("admin-1", &["approve", "churn/1", "-m", "alone, as agreed"]);
    assert_eq!(lab.root().len(), 64);
    let _ = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
    lab.check();
}

#[test]
fn protected_files_need_an_administrator() {
    let lab = Lab::with_registry();
    let text = lab.read("registry.yaml");
    let serial: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("serial: "))
        .expect("a serial")
        .parse()
        .expect("a number");
    let text = text.replace(&format!("serial: {serial}"), &format!("serial: {}", serial + 1));
    lab.write("registry.yaml", &format!("{text}protect: [\".github/**\"]\n"));
    assert!(
        lab.git_as("admin-1", &["commit", "-q", "-S", "-a", "-m", "protect"])
            .status
            .success()
    );
    lab.write(".github/workflows/ci.yml", "on: push\n");
    let said = lab.findings("risk-1", &["validate", "-o", "concise"]);
    assert!(said.starts_with(".github/workflows/ci.yml:1:1: MR307 "), "{said}");
    let _ = lab.ok("admin-1", &["validate"]);
    lab.git(&["add", "-A"]);
    assert!(
        lab.git_as("risk-1", &["commit", "-q", "-S", "-m", "ci"])
            .status
            .success()
    );
    let said = lab.findings("risk-1", &["validate", "-o", "concise", "HEAD~1..HEAD"]);
    assert!(said.contains("MR307"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_link_or_submodule_in_the_place_of_any_folder_that_a_glob_needs_is_protected() {
    let lab = Lab::with_registry();
    lab.change_policy("actors:\n", "protect: [\".github/**/*.yml\"]\nactors:\n");
    let head = lab.git(&["rev-parse", "HEAD"]);
    for path in [".github", ".github/workflows", ".github/wf", ".github/a/b"] {
        for mode in ["120000", "160000"] {
            let id = match mode {
                "120000" => lab.git(&["rev-parse", "HEAD:registry.yaml"]),
                _ => head.clone(),
            };
            let entry = format!("{mode},{id},{path}");
            lab.git(&["update-index", "--add", "--cacheinfo", &entry]);
            assert!(
                lab.git_as("risk-1", &["commit", "-q", "-S", "-m", "ci"])
                    .status
                    .success()
            );
            let said = lab.findings("risk-1", &["validate", "-o", "concise", "HEAD~1..HEAD"]);
            assert!(
                said.contains(&format!("{path}:1:1: MR307 ")),
                "{path} {mode}: {said}"
            );
            lab.git(&["reset", "-q", "--hard", &head]);
        }
    }
    // One that is not committed yet.
    let target = lab.top.join(".github");
    std::fs::create_dir_all(&target).expect("a folder");
    std::os::unix::fs::symlink("../elsewhere", target.join("wf")).expect("a link");
    let said = lab.findings("risk-1", &["validate", "-o", "concise"]);
    assert!(said.contains(".github/wf:1:1: MR307 "), "{said}");
    // A plain file is free there, and so is a link elsewhere.
    std::fs::remove_file(target.join("wf")).expect("the link");
    lab.write(".github/wf", "text\n");
    std::os::unix::fs::symlink(".github", lab.top.join("docs")).expect("a link");
    let _ = lab.ok("risk-1", &["validate"]);
    lab.git(&["add", "-A"]);
    assert!(
        lab.git_as("risk-1", &["commit", "-q", "-S", "-m", "plain"])
            .status
            .success()
    );
    let _ = lab.ok("risk-1", &["validate", "HEAD~1..HEAD"]);
}

#[test]
fn a_registry_that_vanished_is_a_finding_and_no_excuse() {
    let lab = Lab::with_registry();
    lab.git(&["rm", "-q", "registry.yaml"]);
    assert!(
        lab.git_as("risk-1", &["commit", "-q", "-S", "-m", "gone"])
            .status
            .success()
    );
    let said = lab.findings("admin-1", &["validate", "-o", "concise", "HEAD~1..HEAD"]);
    assert!(said.contains("MR404"), "{said}");
    let moved = lab.says("admin-1", &["group", "create", "other"]);
    assert_ne!(moved.code, 0, "nothing is built on it: {moved:?}");
}

#[test]
fn what_a_faulty_step_brought_authorises_nothing_later() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let subject = {
        lab.git(&["switch", "-q", "-c", "other"]);
        let _ = lab.ok(
            "risk-1",
            &["approve", "churn/1", "-m", "good", "--no-record-signature"],
        );
        let review = lab.read("groups/churn/versions/1/reviews/risk-1.yaml");
        lab.git(&["switch", "-q", "main"]);
        review
    };
    let codes = |range: &str| -> Vec<String> {
        let said = lab.findings("risk-1", &["validate", "-o", "concise", range]);
        said.lines()
            .filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned))
            .collect()
    };
    let version = "groups/churn/versions/1/version.yaml";
    // A review in the name of risk-1, and an Archival, that the trainer signs.
    lab.write("groups/churn/versions/1/reviews/risk-1.yaml", &subject);
    lab.commit("trainer", "a review");
    assert_eq!(codes("HEAD~1..HEAD"), ["MR306", "MR307"]);
    lab.write(version, &lab.read(version).replace("Pending", "Approved"));
    lab.commit("stranger", "approved");
    assert_eq!(codes("HEAD~1..HEAD"), ["MR308"]);
    lab.write(
        "groups/churn/versions/1/archival.yaml",
        "apiVersion: modelry/v1\nkind: Archival\ngroup: churn\nversion: 1\nby: risk-1\n",
    );
    lab.commit("trainer", "an archival");
    assert_eq!(codes("HEAD~1..HEAD"), ["MR213", "MR306", "MR307"]);
    lab.write(version, &lab.read(version).replace("Approved", "Archived"));
    lab.commit("stranger", "archived");
    assert_eq!(codes("HEAD~1..HEAD"), ["MR313"]);
}

#[test]
fn a_version_that_first_appears_archived_went_some_way_there() {
    let lab = Lab::with_registry();
    lab.change_policy("required: 1", "required: 2");
    let squashed = |lab: &Lab| {
        lab.git(&["switch", "-q", "main"]);
        lab.git(&["merge", "-q", "--squash", "side"]);
        let output = lab.git_as("stranger", &["commit", "-q", "--no-gpg-sign", "-m", "squashed"]);
        assert!(output.status.success());
        lab.says("risk-1", &["validate", "-o", "concise", "HEAD~1..HEAD"])
    };
    // One approved it, of two that were needed; the other rejected it.
    lab.git(&["switch", "-q", "-c", "side"]);
    lab.register("churn", '1');
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.ok("risk-2", &["reject", "churn/1", "-m", "bad"]);
    let _ = lab.ok("risk-2", &["archive", "churn/1", "-m", "old"]);
    let said = squashed(&lab);
    assert_eq!(said.code, 0, "{said:?}");
    lab.git(&["branch", "-q", "-D", "side"]);
    // One approved it, and it was cleared away.
    lab.change_policy(
        "actors:\n",
        "lifecycle: {transitions: {Pending: [Archived]}}\nactors:\n",
    );
    lab.git(&["switch", "-q", "-c", "side"]);
    lab.register("churn", '2');
    let _ = lab.ok("risk-1", &["approve", "churn/2", "-m", "good"]);
    let _ = lab.ok("risk-2", &["archive", "churn/2", "-m", "nobody wants it"]);
    let said = squashed(&lab);
    assert_eq!(said.code, 0, "{said:?}");
}
