//! Globs of `protect`: a glob protects every prefix of what it names, and no folder
//! on the way to a protected file is left out of the comparison.
//!
//! The first line is the glob, each further line a path.

use modelry::testing::base::{ObjectFormat, ObjectKind};
use modelry::testing::object::Memory;
use modelry::testing::record::snapshot::{Records, Snapshot};
use modelry::testing::trust::{Policy, path_glob};

fn policy(glob: &str) -> Option<Policy> {
    let text = format!(
        "apiVersion: modelry/v1\nkind: Registry\nname: fuzz\nid: \"0123456789abcdef0123456789abcdef\"\nserial: 1\nprotect: [{}]\nactors:\n  admin-1:\n    kind: person\n    keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKu59A5NGvjjLbXfeRM2nualpNDWPRedWmSqtr5Bij/x]\ngrants:\n  - to: [admin-1]\n    allow: [administer]\n",
        serde_json::to_string(glob).ok()?
    );
    let memory = Memory::new(ObjectFormat::Sha1);
    let blob = memory.insert(ObjectKind::Blob, text.into_bytes());
    let entry = [b"100644 registry.yaml\0".as_slice(), blob.as_bytes()].concat();
    let tree = memory.insert(ObjectKind::Tree, entry);
    let records = Records::new(&memory);
    let snapshot = Snapshot::at(&records, tree, "").ok()?;
    Policy::new(snapshot.registry().ok()??)
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let glob = lines.next().unwrap_or_default();
    let Some(policy) = policy(glob) else {
        assert!(
            path_glob(glob).is_err() || glob.chars().any(char::is_control),
            "{glob:?}"
        );
        return;
    };
    let compiled = path_glob(glob);
    for path in lines.take(8) {
        // Git has no other paths.
        if path.len() > 512 || path.split('/').any(|name| matches!(name, "" | "." | "..")) {
            continue;
        }
        let is_protected = policy.protects(path);
        let names = compiled.as_ref().is_ok_and(|glob| glob.is_match(path));
        assert!(is_protected || !names, "{glob:?} names {path:?}");
        if !is_protected {
            continue;
        }
        for (at, _) in path.match_indices('/') {
            let folder = &path[..at];
            assert!(
                policy.may_protect_below(folder),
                "{glob:?} protects {path:?}, and leaves {folder:?} out"
            );
            // A folder that `**` matches is not named by the glob.
            let is_plain = !glob.contains(['*', '{', '[', '\\', '?']);
            if names && is_plain {
                assert!(
                    policy.protects(folder),
                    "{glob:?} names {path:?}, and lets {folder:?} pass"
                );
            }
        }
    }
}
