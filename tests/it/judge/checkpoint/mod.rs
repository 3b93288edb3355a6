//! Checkpoints on real repositories.

mod file;
pub mod growth;
mod shallow;
pub mod signature;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::support::{Lab, Said, said};

/// A registry with `churn/1` approved, the root pinned.
fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || approved(Lab::with_registry()))
}

/// The same, of another registry.
fn other() -> Lab {
    approved(Lab::with_another_registry())
}

fn approved(lab: Lab) -> Lab {
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

/// The checkpoint that `--sign` makes of `main`.
fn signed_by_hand(lab: &Lab) -> String {
    format!("{}signed\n", by_hand(lab, "main"))
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

/// Clones this many commits, as a deployment job does.
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

/// The lines of a block of the docs, run in a folder of the job's own, as somebody.
fn lines(lab: &Lab, who: &str, block: &str) -> Said {
    let lines = crate::support::docs::block(block);
    let binary = Path::new(env!("CARGO_BIN_EXE_modelry"))
        .parent()
        .expect("a folder");
    let path = std::env::var_os("PATH").expect("PATH");
    let path = std::env::join_paths(std::iter::once(binary.to_owned()).chain(std::env::split_paths(&path)));
    let folder = lab.home().join("job");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut shell = lab.command("bash");
    lab.as_actor(&mut shell, who);
    shell
        .args(["-e", "-c", &lines])
        .current_dir(&folder)
        .env("PATH", path.expect("a path"))
        .env("REGISTRY", format!("file://{}", lab.top.display()))
        .env("MODELRY_ROOT", lab.root())
        .env("MODEL", "churn/1")
        .env("AUDITOR", who);
    said(&mut shell)
}

#[test]
fn the_nightly_audit_of_the_docs_is_true() {
    let lab = lab();
    lab.git(&["config", "--global", "gpg.format", "ssh"]);
    for night in 0..2 {
        let said = lines(&lab, "admin-1", "nightly");
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(read(&lab.home().join("job/checkpoint")), signed_by_hand(&lab));
        let _ = lab.ok(
            "trainer",
            &["annotate", "churn/1", "--label", &format!("night={night}")],
        );
    }
    let said = lines(&lab, "admin-1", "verify");
    assert_eq!(said.code, 0, "{said:?}");
    // The deployment comes before the next audit: it says what to fetch.
    let said = lines(&lab, "stranger", "shallow");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains("`git -C models fetch --unshallow`"),
        "{}",
        said.err
    );
    let _ = lines(&lab, "admin-1", "nightly");
    std::fs::remove_dir_all(lab.home().join("job/models")).expect("removed");
    let said = lines(&lab, "stranger", "shallow");
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "s3://models/churn/1\n"),
        "{said:?}"
    );
}
