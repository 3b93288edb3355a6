//! A registration lands in every way that the policy allows, with any flags.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::support::hub::Hub;
use crate::support::{Lab, Said};

const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const IMAGE: &str =
    "registry.example.com/x@sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// Registrations that use every flag among them, but for those that any writing
/// command has.
const REGISTRATIONS: &[&[&str]] = &[
    &["--artifact", "s3://m/1", "--digest", DIGEST],
    &[
        "--artifact",
        "s3://m/2",
        "--digest",
        DIGEST,
        "--label",
        "team=risk",
    ],
    &[
        "--artifact",
        "s3://m/3",
        "--digest",
        DIGEST,
        "--annotation",
        "run=7",
    ],
    &[
        "--artifact",
        "s3://m/4",
        "--digest",
        DIGEST,
        "--description",
        "as # before: \"good\"",
    ],
    &[
        "--file",
        "spec.yaml",
        "--image",
        IMAGE,
        "--artifact",
        "model.bin",
        "--artifact-uri",
        "s3://m/5",
        "--framework",
        "xgboost",
        "--framework-version",
        "2.1",
        "--content-type",
        "text/csv",
        "--response-type",
        "text/csv",
        "--metric",
        "auc=0.91",
        "--source-repository",
        "https://example.com/code",
        "--source-commit",
        "0123456789012345678901234567890123456789",
        "--training-job",
        "job-7",
        "--description",
        "all of it",
        "--label",
        "team=risk",
        "--label",
        "env=prod",
        "--annotation",
        "run=7",
        "--card",
        "card.yaml",
        "--allow-duplicate",
    ],
    &[
        "--artifact",
        "s3://m/6",
        "--without-digest",
        "--label",
        "team=risk",
    ],
    &["--file", "version.yaml"],
];

const WAYS: [&str; 3] = ["merge", "squash", "rebase"];

/// A registry as `init` makes it, with one group, and the files that the
/// registrations name.
fn registry() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::empty();
        let _ = lab.ok("admin-1", &["init", "--name", "models", "--actor", "admin-1"]);
        let _ = lab.ok("admin-1", &["group", "create", "churn"]);
        files(&lab);
        lab
    })
}

fn files(lab: &Lab) {
    for (name, text) in [
        ("spec.yaml", "inference:\n  contentTypes: [text/csv]\n".to_owned()),
        ("card.yaml", "intendedUses: to keep\n".to_owned()),
        (
            "version.yaml",
            format!(
                "apiVersion: modelry/v1\nkind: ModelVersion\ndescription: by file\nlabels: {{team: risk}}\nannotations: {{run: '8'}}\nspec:\n  inference:\n    containers:\n      - artifact: {{uri: s3://m/7, digest: \"{DIGEST}\"}}\n"
            ),
        ),
        ("model.bin", "weights".to_owned()),
    ] {
        std::fs::write(lab.home().join(name), text).expect("a file beside the repository");
    }
}

fn register(lab: &Lab, who: &str, flags: &[&str]) -> Said {
    let mut arguments = vec!["register".to_owned(), "churn".to_owned()];
    for flag in flags {
        let is_file = ["spec.yaml", "card.yaml", "version.yaml", "model.bin"].contains(flag);
        arguments.push(if is_file {
            format!("../{flag}")
        } else {
            (*flag).to_owned()
        });
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    lab.says(who, &arguments)
}

/// Lands `side` on `main` as a host does, without an actor's signature on its
/// commits.
fn land(lab: &Lab, way: &str) {
    match way {
        "merge" => {
            lab.git(&["switch", "-q", "main"]);
            lab.git(&["merge", "-q", "--no-ff", "--no-gpg-sign", "-m", "merge", "side"]);
        }
        "squash" => {
            lab.git(&["switch", "-q", "main"]);
            lab.git(&["merge", "-q", "--squash", "side"]);
            lab.git(&["commit", "-q", "--no-gpg-sign", "-m", "squash"]);
        }
        _ => {
            lab.git(&["switch", "-q", "side"]);
            lab.git(&["rebase", "-q", "--force-rebase", "--no-gpg-sign", "main"]);
            lab.git(&["switch", "-q", "main"]);
            lab.git(&["merge", "-q", "--ff-only", "side"]);
        }
    }
    lab.git(&["branch", "-q", "-D", "side"]);
}

#[test]
fn the_registrations_use_every_flag() {
    let mut command = modelry::testing::cli::definition();
    command.build();
    let register = command.find_subcommand("register").expect("the command");
    let annotate = command.find_subcommand("annotate").expect("the command");
    let names = |command: &clap::Command| -> BTreeSet<String> {
        command
            .get_arguments()
            .filter_map(|argument| argument.get_long().map(|long| format!("--{long}")))
            .collect()
    };
    let mut own: BTreeSet<String> = names(register).difference(&names(annotate)).cloned().collect();
    own.extend(["--label", "--annotation", "--description"].map(str::to_owned));
    let used: BTreeSet<String> = REGISTRATIONS
        .concat()
        .iter()
        .filter(|word| word.starts_with("--"))
        .map(|word| (*word).to_owned())
        .collect();
    assert_eq!(
        own, used,
        "a flag of `register` that no registration here uses, or one that is gone"
    );
}

#[test]
fn a_registration_lands_in_every_way() {
    let started = registry();
    for way in WAYS {
        let lab = started.copy();
        for flags in REGISTRATIONS {
            lab.git(&["switch", "-q", "-c", "side"]);
            let said = register(&lab, "admin-1", flags);
            assert_eq!(said.code, 0, "{flags:?}: {said:?}");
            let _ = lab.ok("admin-1", &["validate", "--onto", "main"]);
            // Another change lands first, so that the commits are created again.
            lab.git(&["switch", "-q", "main"]);
            lab.git(&[
                "commit",
                "-q",
                "--allow-empty",
                "--no-gpg-sign",
                "-m",
                "other work",
            ]);
            land(&lab, way);
            let _ = lab.ok("admin-1", &["audit"]);
        }
        let labels = lab.ok(
            "admin-1",
            &["list", "churn", "--where", "labels.team == 'risk'", "-o", "json"],
        );
        assert_eq!(labels.matches("\"team\": \"risk\"").count(), 4, "{labels}");
    }
}

#[test]
fn a_proposed_registration_with_labels_is_clean_in_every_way() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    seat.register(
        "two",
        &["--pr", "--label", "team=risk", "--description", "new data"],
    );
    seat.git(&["fetch", "-q"]);
    let said = seat.ok(
        "admin-1",
        &["validate", "--onto", "origin/main", "origin/modelry/churn/2"],
    );
    for way in WAYS {
        assert!(said.contains(&format!("landed by {way}")), "{said}");
    }
}

/// An author who may register and nothing else.
#[test]
fn labels_at_registration_need_no_grant_of_their_own() {
    let lab = Lab::with_registry();
    files(&lab);
    let _ = lab.ok("admin-1", &["grant", "remove", "trainer", "--allow", "annotate"]);
    lab.git(&["switch", "-q", "-c", "side"]);
    let said = register(&lab, "trainer", REGISTRATIONS[4]);
    // A card needs `add-evidence`, which is there.
    assert_eq!(said.code, 0, "{said:?}");
    let _ = lab.ok("admin-1", &["validate", "--onto", "main"]);
    let refused = lab.says("trainer", &["annotate", "churn/1", "--label", "team=other"]);
    assert_eq!(refused.code, 1, "{refused:?}");
}

/// A label that differs from the registration belongs to the actor who changed it.
#[test]
fn labels_that_changed_on_the_way_are_the_commits() {
    let lab = registry();
    let path = "groups/churn/versions/1/version.yaml";
    lab.git(&["switch", "-q", "-c", "side"]);
    let _ = register(&lab, "admin-1", REGISTRATIONS[1]);
    let given = lab.read(path);
    lab.git(&["switch", "-q", "main"]);
    let bare = given.replace("labels:\n  team: risk\n", "");
    assert_ne!(bare, given);
    let digest = given.split("registeredWith: sha256:").nth(1).expect("a digest");
    let digest = &digest[..64];
    for (text, codes) in [
        (given.clone(), &[][..]),
        (given.replace("team: risk", "team: other"), &["MR301"]),
        (bare, &["MR301"]),
        (
            given.replace("team: risk", "team: risk\nannotations:\n  run: x"),
            &["MR301"],
        ),
        // The digest is the registration's.
        (given.replace(digest, &"0".repeat(64)), &["MR301", "MR305"]),
    ] {
        lab.git(&["switch", "-q", "-c", "host", "main"]);
        lab.write(path, &text);
        lab.git(&["add", "-A"]);
        lab.git(&["commit", "-q", "--no-gpg-sign", "-m", "squash"]);
        let said = lab.says("admin-1", &["validate", "main..host", "-o", "concise"]);
        let told: BTreeSet<&str> = said
            .out
            .split_whitespace()
            .filter(|word| word.starts_with("MR3"))
            .collect();
        assert_eq!(told, codes.iter().copied().collect(), "{text}\n{}", said.out);
        lab.git(&["switch", "-q", "main"]);
        lab.git(&["branch", "-q", "-D", "host"]);
    }
}
