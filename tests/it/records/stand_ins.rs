//! Files given as artifacts: those that only stand in for a model are refused, and
//! several are the artifacts of several containers.

use serde_json::Value;

use crate::support::Lab;

const LFS: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
const DVC: &str = "outs:\n- md5: a304afb96060aad90176268345e10355\n  size: 12\n  path: model.pkl\n";
const ANNEX: &str =
    "/annex/objects/SHA256E-s12--4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393.bin\n";

#[test]
fn what_stands_in_for_a_model_is_refused_with_what_brings_it() {
    let lab = Lab::with_registry();
    let _ = lab.ok(
        "trainer",
        &["register", "churn", "--artifact", "s3://m/1", "--without-digest"],
    );
    let folder = lab.home().join("given");
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, text, words) in [
        ("model.bin", LFS, "git lfs pull"),
        ("model.pkl.dvc", DVC, "dvc pull"),
        ("annexed.bin", ANNEX, "git annex get"),
        ("empty.bin", "", "is empty"),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        let path = path.to_string_lossy().into_owned();
        let spec = lab.home().join("spec.yaml");
        std::fs::write(&spec, format!("artifacts: [{{uri: \"{path}\"}}]\n")).expect("a file");
        for arguments in [
            vec!["register", "churn", "--artifact", &path],
            vec!["register", "churn", "-f", &spec.to_string_lossy()],
            vec!["evidence", "add", "churn/1", "e", "--dataset", &path],
            vec!["evidence", "add", "churn/1", "e", "--report", &path],
        ] {
            let error = lab.error("trainer", &arguments);
            assert!(error.contains(words), "{arguments:?}: {error}");
        }
        // Inside of a folder too; an empty file there is one of its files.
        if !text.is_empty() {
            let inside = folder.to_string_lossy().into_owned();
            let error = lab.error("trainer", &["register", "churn", "--artifact", &inside]);
            assert!(error.contains(words), "{error}");
        }
        std::fs::remove_file(folder.join(name)).expect("a file");
    }
    #[cfg(unix)]
    {
        let link = folder.join("locked.bin");
        std::os::unix::fs::symlink("../.git/annex/objects/x/y/SHA256E-s1--0.bin", &link).expect("a link");
        let error = lab.error(
            "trainer",
            &["register", "churn", "--artifact", &link.to_string_lossy()],
        );
        assert!(error.contains("git annex get"), "{error}");
        std::fs::remove_file(&link).expect("a link");
    }
    std::fs::write(folder.join("__init__.py"), "").expect("a file");
    let inside = folder.to_string_lossy().into_owned();
    let error = lab.error("trainer", &["register", "churn", "--artifact", &inside]);
    assert!(error.contains("holds nothing"), "{error}");
    for (name, text) in [("model.pkl", "weights"), ("model.pkl.dvc", DVC)] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    let _ = lab.ok("trainer", &["register", "churn", "--artifact", &inside]);
}

#[test]
fn several_artifacts_are_those_of_several_containers() {
    let lab = Lab::with_registry();
    for name in ["encoder.onnx", "head.onnx"] {
        std::fs::write(lab.home().join(name), name).expect("a file");
    }
    let image = format!("registry.example.com/serve@sha256:{}", "1".repeat(64));
    let digest = format!("sha256:{}", "3".repeat(64));
    let _ = lab.ok(
        "trainer",
        &[
            "register",
            "churn",
            "--artifact",
            "../encoder.onnx",
            "--artifact",
            "s3://m/head",
            "--digest",
            &digest,
            "--artifact-uri",
            "s3://m/encoder",
            "--image",
            &image,
            "--framework",
            "onnx",
            "--framework-version",
            "1",
            "--framework-version",
            "2",
        ],
    );
    let out = lab.ok("trainer", &["show", "churn/1", "-o", "json"]);
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    let text = shown.to_string();
    let record = lab.read("groups/churn/versions/1/version.yaml");
    assert_eq!(record.matches("image: ").count(), 2, "{record}");
    for part in [
        "s3://m/encoder",
        "s3://m/head",
        &digest,
        "frameworkVersion: \"1\"",
        "frameworkVersion: \"2\"",
    ] {
        assert!(record.contains(part), "{part} is not in {record}{text}");
    }
    let error = lab.error(
        "trainer",
        &[
            "register",
            "churn",
            "--artifact",
            "s3://m/a",
            "--artifact",
            "s3://m/b",
            "--artifact",
            "s3://m/c",
            "--image",
            "a",
            "--image",
            "b",
        ],
    );
    assert!(
        error.contains("`--image` is given 2 times, and there are 3 containers"),
        "{error}"
    );
    let error = lab.error(
        "trainer",
        &[
            "register",
            "churn",
            "--artifact",
            "s3://m/a",
            "--artifact",
            "s3://m/b",
            "--digest",
            &digest,
        ],
    );
    assert!(error.contains("`--digest` is given 1 times"), "{error}");
}

/// A spec file's local paths are hashed as the flags' are.
#[test]
fn a_spec_file_has_its_local_files_hashed() {
    let lab = Lab::with_registry();
    std::fs::write(lab.home().join("model.bin"), "weights").expect("a file");
    let spec = "inference:\n  containers:\n    - artifact: {uri: ../model.bin}\n      additionalArtifacts:\n        lora: {uri: ../model.bin}\nreports:\n  quality:\n    statistics: {uri: ../model.bin}\n";
    std::fs::write(lab.home().join("spec.yaml"), spec).expect("a file");
    let _ = lab.ok("trainer", &["register", "churn", "-f", "../spec.yaml"]);
    let record = lab.read("groups/churn/versions/1/version.yaml");
    assert_eq!(record.matches("file:///").count(), 3, "{record}");
    assert_eq!(record.matches("digest: ").count(), 3, "{record}");
    assert_eq!(record.matches("size: 7").count(), 2, "{record}");
    std::fs::write(
        lab.home().join("spec.yaml"),
        "artifacts: [{uri: ../nowhere.bin}]\n",
    )
    .expect("a file");
    let error = lab.error("trainer", &["register", "churn", "-f", "../spec.yaml"]);
    assert!(error.contains("there is no `../nowhere.bin`"), "{error}");
}

/// A file with several keys gives all of them.
#[test]
fn a_file_of_several_keys_gives_them_all() {
    let lab = Lab::with_registry();
    let keys: Vec<String> = ["a", "b"]
        .iter()
        .map(|who| std::fs::read_to_string(lab.public_key(who)).expect("a key"))
        .collect();
    std::fs::write(lab.home().join("two.pub"), keys.concat()).expect("a file");
    let _ = lab.ok("admin-1", &["actor", "add", "risk-3", "--key", "../two.pub"]);
    let list = lab.ok("admin-1", &["actor", "list"]);
    let policy = lab.read("registry.yaml");
    let own: Vec<&str> = policy
        .split("risk-3:")
        .nth(1)
        .unwrap_or_default()
        .lines()
        .take(6)
        .collect();
    assert_eq!(own.join("\n").matches("ssh-ed25519").count(), 2, "{policy}{list}");
    let more: Vec<String> = ["c", "d"]
        .iter()
        .map(|who| std::fs::read_to_string(lab.public_key(who)).expect("a key"))
        .collect();
    std::fs::write(lab.home().join("two.pub"), more.concat()).expect("a file");
    let out = lab.ok("admin-1", &["actor", "add-key", "risk-3", "--key", "../two.pub"]);
    assert!(out.contains("2 keys of risk-3"), "{out}");
    let empty = Lab::empty();
    std::fs::write(empty.home().join("two.pub"), keys.concat()).expect("a file");
    let error = empty.error(
        "admin-1",
        &["init", "--actor", "admin-1", "--recovery-key", "../two.pub"],
    );
    assert!(error.contains("holds 2 public keys"), "{error}");
}

/// Words that people try first lead somewhere.
#[test]
fn help_explain_and_schema_know_the_words_that_people_try() {
    let lab = Lab::with_registry();
    let help = lab.ok("admin-1", &["help"]);
    assert!(help.contains("Usage: modelry"), "{help}");
    let help = lab.ok("admin-1", &["help", "register"]);
    assert!(help.contains("Usage: modelry register"), "{help}");
    let help = lab.ok("admin-1", &["help", "group", "create"]);
    assert!(help.contains("Usage: modelry group create"), "{help}");
    for word in [
        "four-eyes",
        "FOUR_EYES",
        "quorum",
        "champion",
        "landing",
        "pin",
        "gates",
        "squash",
    ] {
        let out = lab.ok("admin-1", &["explain", word]);
        assert!(out.lines().count() > 3, "{out}");
    }
    let out = lab.ok("admin-1", &["explain"]);
    assert!(out.contains("four-eyes") && out.contains("MR112"), "{out}");
    let error = lab.error("admin-1", &["explain", "quorun"]);
    assert!(error.contains("did you mean `quorum`?"), "{error}");
    for (word, kind) in [
        ("version", "ModelVersion"),
        ("Versions", "ModelVersion"),
        ("MODEL_VERSION", "ModelVersion"),
        ("version.yaml", "ModelVersion"),
        ("group", "ModelGroup"),
        ("card", "ModelCard"),
        ("review", "Review"),
        ("policy", "Registry"),
        ("stage", "StageAssignment"),
        ("evidence", "Evaluation"),
        ("archive", "Archival"),
    ] {
        let out = lab.ok("admin-1", &["schema", word]);
        assert!(
            out.contains(&format!("\"title\": \"{kind}\"")),
            "{word}: {}",
            &out[..200]
        );
    }
    let error = lab.error("admin-1", &["schema", "verison"]);
    assert!(error.contains("did you mean `ModelVersion`?"), "{error}");
}
