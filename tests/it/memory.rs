//! What a clone remembers of its proofs, for each mainline and root.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Lab, Said};

/// A registry with `churn/1`, a branch `other` at its registration, and a
/// rejection on `main` after it.
fn started() -> Lab {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.git(&["config", "modelry.root", &lab.root()]);
    lab.git(&["branch", "other"]);
    let _ = lab.ok("risk-1", &["reject", "churn/1", "-m", "no"]);
    forget(&lab);
    lab
}

fn folder(lab: &Lab) -> PathBuf {
    lab.top.join(".git/modelry/verified")
}

fn forget(lab: &Lab) {
    std::fs::remove_dir_all(lab.top.join(".git/modelry")).expect("removed");
}

fn points(lab: &Lab) -> Vec<Value> {
    let entries = std::fs::read_dir(folder(lab)).expect("a folder");
    let read = |path: PathBuf| serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
    entries
        .map(|entry| read(entry.expect("an entry").path()))
        .collect()
}

fn resolve(lab: &Lab, mainline: &str) -> Said {
    lab.says("admin-1", &["resolve", "churn@latest", "--mainline", mainline])
}

/// The rejection is dropped, and an approval stands in its place.
fn rewrite(lab: &Lab) {
    lab.git(&["switch", "-q", "main"]);
    lab.git(&["reset", "-q", "--hard", "other"]);
    lab.git(&["commit", "-q", "--allow-empty", "-S", "-m", "another way"]);
}

#[track_caller]
fn lost(lab: &Lab) {
    let said = resolve(lab, "main");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR502"), "{said:?}");
    let said = lab.says("admin-1", &["audit", "--mainline", "main"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR502"), "{said:?}");
}

#[test]
fn another_mainline_makes_nothing_forgotten() {
    let lab = started();
    for mainline in ["main", "other"] {
        assert_eq!(resolve(&lab, mainline).code, 3);
    }
    assert_eq!(points(&lab).len(), 2);
    rewrite(&lab);
    lost(&lab);
    // Nor does any command on another branch, where no remote names one.
    lab.git(&["switch", "-q", "other"]);
    let _ = lab.ok("admin-1", &["group", "update", "churn", "--description", "x"]);
    lost(&lab);
}

#[test]
fn another_root_makes_nothing_forgotten() {
    let lab = started();
    assert_eq!(resolve(&lab, "main").code, 3);
    // A registry that starts where the other did, in the same place.
    lab.git(&["switch", "-q", "--orphan", "fresh"]);
    let _ = lab.ok(
        "admin-1",
        &["init", "--name", "x", "--actor", "admin-1", "--path", ""],
    );
    let root = lab.root();
    lab.git(&["update-ref", "refs/heads/old", "main"]);
    lab.git(&["branch", "-f", "main", "fresh"]);
    let said = lab.says(
        "admin-1",
        &["resolve", "churn@latest", "--mainline", "main", "--root", &root],
    );
    assert_ne!(said.code, 0, "{said:?}");
    let roots: Vec<_> = points(&lab).iter().map(|point| point["root"].clone()).collect();
    assert!(roots.contains(&root.clone().into()), "{roots:?}");
    lab.git(&[
        "config",
        "modelry.root",
        &lab.git(&["rev-list", "--max-parents=0", "old"]),
    ]);
    lab.git(&["branch", "-f", "main", "old"]);
    lab.git(&["switch", "-q", "main"]);
    rewrite(&lab);
    lost(&lab);
}

/// One file was for all, and what it calls verified was judged by fewer rules:
/// the point must be on the way, and all is judged anew.
#[test]
fn the_point_of_an_older_format_is_not_forgotten() {
    let lab = started();
    assert_eq!(resolve(&lab, "main").code, 3);
    let mut point = points(&lab).remove(0);
    point["format"] = "modelry-verified/v2".into();
    let one_file = lab.top.join(".git/modelry/verified.json");
    let older = || {
        forget(&lab);
        std::fs::create_dir_all(lab.top.join(".git/modelry")).expect("a folder");
        std::fs::write(&one_file, point.to_string()).expect("a file");
    };
    older();
    let proof = lab.ok("admin-1", &["audit", "-o", "json", "--with-clone"]);
    assert!(
        proof.contains("\"held\": true") || proof.contains("\"held\":true"),
        "{proof}"
    );
    // Another mainline's stays as it is.
    assert_eq!(resolve(&lab, "other").code, 3);
    assert!(one_file.exists());
    assert_eq!(resolve(&lab, "main").code, 3);
    assert!(!one_file.exists());
    assert_eq!(points(&lab).len(), 2);
    older();
    rewrite(&lab);
    lost(&lab);
    let said = lab.says(
        "admin-1",
        &["group", "update", "churn", "--description", "x", "--replay"],
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(resolve(&lab, "main").code, 3);
    // What can't be read is no point, and no obstacle.
    for text in ["", "{", "[]", "{\"format\": \"modelry-verified/v1\"}"] {
        older();
        std::fs::write(&one_file, text).expect("a file");
        assert_eq!(resolve(&lab, "main").code, 3);
    }
}

/// A fault before an older point is no news to the clone, and is found anew.
#[test]
fn what_was_judged_by_fewer_rules_is_judged_anew() {
    let lab = started();
    let path = "groups/churn/group.yaml";
    lab.write(path, &lab.read(path).replace("who may leave us", "who may leave"));
    lab.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "hotfix"]);
    assert_eq!(resolve(&lab, "main").code, 1);
    let mut point = points(&lab).remove(0);
    assert_ne!(point["faulty"], Value::Array(Vec::new()));
    point["faulty"] = Value::Array(Vec::new());
    point["format"] = "modelry-verified/v2".into();
    forget(&lab);
    std::fs::create_dir_all(lab.top.join(".git/modelry")).expect("a folder");
    std::fs::write(lab.top.join(".git/modelry/verified.json"), point.to_string()).expect("a file");
    let said = resolve(&lab, "main");
    assert!(said.code == 1 && said.out.contains("MR301"), "{said:?}");
}

#[test]
fn proofs_at_once_forget_nothing() {
    let lab = started();
    let names: Vec<String> = (0..12).map(|number| format!("branch-{number}")).collect();
    for name in &names {
        lab.git(&["branch", name, "main"]);
    }
    let mut runs = Vec::new();
    for name in &names {
        let mut command = lab.modelry("admin-1", &["resolve", "churn@latest", "--mainline", name]);
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        runs.push(command.spawn().expect("the program runs"));
    }
    for mut run in runs {
        assert_eq!(run.wait().expect("it ends").code(), Some(3));
    }
    let mut known: Vec<String> = points(&lab)
        .iter()
        .map(|point| {
            point["mainline"]
                .as_str()
                .expect("a name")
                .replace("refs/heads/", "")
        })
        .collect();
    known.sort();
    let mut names = names;
    names.sort();
    assert_eq!(known, names);
}

/// The one that was not used for longest goes first.
#[test]
fn only_so_many_points_are_kept() {
    let lab = started();
    assert_eq!(resolve(&lab, "main").code, 3);
    let age = |path: PathBuf, hours: u64| {
        let file = std::fs::File::options().append(true).open(path).expect("a file");
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
        file.set_modified(then).expect("a time");
    };
    let own = std::fs::read_dir(folder(&lab)).expect("a folder").next();
    let own = own.expect("a point").expect("a point").path();
    for number in 0..400 {
        let path = folder(&lab).join(format!("{number}.json"));
        std::fs::write(&path, "{}").expect("a file");
        age(path, 2 + number);
    }
    age(own.clone(), 1000);
    // It is used, though there is nothing new to keep.
    assert_eq!(resolve(&lab, "main").code, 3);
    assert_eq!(resolve(&lab, "other").code, 3);
    let left = std::fs::read_dir(folder(&lab)).expect("a folder").count();
    assert_eq!(left, 256);
    assert!(own.exists() && folder(&lab).join("0.json").exists());
    assert!(!folder(&lab).join("399.json").exists());
}
