//! A server that guards several registries of one repository.

use super::Guarded;
use crate::support::Lab;

/// Registries in `a` and `b`, each pinned on an empty server.
fn two() -> Guarded {
    let lab = Lab::empty();
    let mut pins = Vec::new();
    for folder in ["a", "b"] {
        let _ = lab.ok(
            "admin-1",
            &["init", "--path", folder, "--actor", "admin-1", "--solo"],
        );
        pins.push(format!("{}:{folder}", lab.git(&["rev-parse", "HEAD"])));
    }
    let guarded = Guarded::of(lab);
    for pin in &pins {
        let said = guarded.says(&["hook", "install", "--server", "--root", pin]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let kept = guarded.git(&["config", "--get-all", "modelry.root"]);
    assert_eq!(kept.lines().collect::<Vec<_>>(), pins);
    guarded
}

#[test]
fn each_pinned_registry_is_judged() {
    let guarded = two();
    let lab = &guarded.lab;
    let _ = guarded.accepts("admin-1", &["main"]);
    for folder in ["a", "b"] {
        let _ = lab.ok("admin-1", &["--path", folder, "group", "create", "churn"]);
        let _ = guarded.accepts("admin-1", &["main"]);
        lab.write(&format!("{folder}/groups/churn/stray"), "x");
        lab.git(&["add", "-A"]);
        lab.git(&["commit", "-q", "-m", "stray"]);
        let before = guarded.references();
        let said = guarded.push("admin-1", &["main"]);
        let stray = format!("{folder}/groups/churn/stray");
        assert!(said.code != 0 && said.err.contains(&stray), "{said:?}");
        assert_eq!(before, guarded.references());
        lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
    let said = guarded.says(&["hook", "install", "--server"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn a_mainline_that_is_pushed_whole_is_judged_by_each() {
    let guarded = two();
    let lab = &guarded.lab;
    lab.write("b/groups/churn/stray", "x");
    lab.git(&["add", "-A"]);
    lab.git(&["commit", "-q", "-m", "stray"]);
    let told = guarded.refuses("admin-1", &["main"]);
    assert!(told.contains("b/groups/churn/stray"), "{told}");
}

#[test]
fn another_root_for_a_pinned_folder_is_refused() {
    let guarded = two();
    let root = format!("{}:b", "1".repeat(40));
    let said = guarded.says(&["hook", "install", "--server", "--root", &root]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("another root is pinned"), "{}", said.err);
}
