//! Secrets in what begins: the root of a registry, and the first commit of a group.
//! Both are kept for good.

use crate::support::Lab;

const ROOT: &str = "registry.yaml";

/// Addresses that no record may hold, and the words for each.
const ADDRESSES: [(&str, &str); 4] = [
    ("https://user:glpat-SECRET@git.example.com/x.git", "holds a login"),
    (
        "https://b.example.com/m?X-Amz-Signature=SECRET",
        "X-Amz-Signature",
    ),
    ("https://b.example.com/m?sv=1&sig=SECRET", "sig"),
    ("//user:glpat-SECRET@git.example.com/x", "holds a login"),
];

/// A hand-made first policy with an address in its description, staged in a fresh
/// repository.
fn staged(address: &str) -> Lab {
    let lab = Lab::empty();
    let _ = lab.ok("admin-1", &["init", "--name", "x", "--actor", "admin-1"]);
    let text = lab.read(ROOT);
    lab.git(&["update-ref", "-d", "HEAD"]);
    lab.git(&["config", "--unset-all", "modelry.root"]);
    lab.write(
        ROOT,
        &text.replacen(
            "\nserial: 1\n",
            &format!("\ndescription: \"see {address}\"\nserial: 1\n"),
            1,
        ),
    );
    lab.git(&["add", "."]);
    lab
}

#[test]
fn a_secret_in_a_root_is_found_wherever_it_is_judged() {
    for (address, words) in ADDRESSES {
        let lab = staged(address);
        let found = |said: &crate::support::Said| {
            let all = format!("{}{}", said.out, said.err);
            assert!(
                said.code == 1 && all.contains("MR112") && all.contains(words),
                "{all}"
            );
            assert!(!all.contains("SECRET"), "{all}");
        };
        // Before it is committed.
        found(&lab.says("admin-1", &["hook", "pre-commit"]));
        found(&lab.says("admin-1", &["validate", "--no-history"]));
        lab.git(&["commit", "-q", "-S", "-m", "A registry by hand"]);
        let root = lab.git(&["rev-parse", "HEAD"]);
        // In the history, with or without a pin.
        found(&lab.says("admin-1", &["audit", "--trust-root"]));
        found(&lab.says("admin-1", &["audit", "--root", &root]));
        // On a server that has it pinned.
        let bare = lab.home().join("hub.git").to_string_lossy().into_owned();
        lab.git(&["init", "-q", "--bare", "-b", "main", &bare]);
        let install = ["-C", &bare, "hook", "install", "--server", "--root", &root];
        let _ = lab.ok("admin-1", &install);
        let push = lab.git_as("admin-1", &["push", "-q", &bare, "main"]);
        let told = String::from_utf8_lossy(&push.stderr).into_owned();
        assert!(!push.status.success() && told.contains("MR112"), "{told}");
        assert!(!told.contains("SECRET"), "{told}");
    }
}

/// The registry works, and an administrator can accept what is in its root for good.
#[test]
fn a_root_with_a_secret_can_be_accepted() {
    let lab = staged(ADDRESSES[0].0);
    lab.git(&["commit", "-q", "-S", "-m", "A registry by hand"]);
    let root = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.ok("admin-1", &["trust", &root]);
    let text = lab.read(ROOT);
    let text = text
        .replace("serial: 1\n", "serial: 2\n")
        .replace("user:glpat-SECRET@", "");
    let accepted = format!(
        "{}\nacknowledged:\n  - commit: {root}\n    codes: [MR112]\n    reason: the token was revoked\n",
        text.trim_end()
    );
    lab.write(ROOT, &accepted);
    lab.git(&["commit", "-q", "-a", "-S", "-m", "Accept it"]);
    let said = lab.says("admin-1", &["audit"]);
    assert_eq!(said.code, 0, "{said:?}");
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    lab.check();
}

#[test]
fn a_secret_in_the_first_commit_of_a_group_is_found() {
    for (address, words) in ADDRESSES {
        let lab = Lab::with_registry();
        lab.write(
            "groups/fraud/group.yaml",
            &format!(
                "apiVersion: modelry/v1\nkind: ModelGroup\nname: fraud\ndescription: \"see {address}\"\n"
            ),
        );
        lab.git(&["add", "."]);
        let hook = lab.says("admin-1", &["hook", "pre-commit"]);
        assert!(hook.code == 1 && hook.err.contains("MR112"), "{hook:?}");
        lab.commit("admin-1", "A group by hand");
        let said = lab.says("admin-1", &["validate", "HEAD~1..HEAD"]);
        assert!(
            said.code == 1 && said.out.contains("MR112") && said.out.contains(words),
            "{said:?}"
        );
    }
}
