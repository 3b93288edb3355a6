//! Clones that lack the history before a checkpoint.

use super::*;

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
    // History before the checkpoint is not proven by it.
    let said = resolve(&lab, &deep, &["churn/1", "--at", &then]);
    assert_eq!(said.code, 0, "{said:?}");
    let old = lab.git(&["rev-parse", &format!("{then}~1")]);
    std::fs::write(file(&lab), by_hand(&lab, "main")).expect("a file");
    let whole = lab.top.clone();
    let said = resolve(&lab, &whole, &["churn/1", "--at", &old]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains(&format!("what is asked for is at {old}")),
        "{}",
        said.err
    );
    std::fs::write(file(&lab), by_hand(&lab, &then)).expect("a file");
    // Too shallow: both commits are named, and what to fetch.
    let shallow = clone(&lab, "1", "shallow");
    let tip = lab.git(&["rev-parse", "main"]);
    let said = resolve(&lab, &shallow, &["churn/2"]);
    assert_eq!(said.code, 2, "{said:?}");
    let fetch = format!("`git -C {} fetch --unshallow`", shallow.display());
    for word in [then.as_str(), &tip, &fetch] {
        assert!(said.err.contains(word), "{}", said.err);
    }
    // A fault after the checkpoint stops the answer.
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
    let (lab, other) = (lab(), other());
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
            "there is no `registry.yaml` at commit",
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
    // A checkpoint inside the tree is refused, and so is a missing one.
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
