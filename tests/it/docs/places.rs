//! The places that blocks of the pages run in.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::support::{Lab, Said, docs, said};

/// A sealed home, and the folder in it where the commands run.
pub struct Place {
    lab: Lab,
    folder: PathBuf,
    before: String,
}

impl Place {
    /// The names that pages may give.
    pub const NAMES: [&str; 8] = [
        "team", "models", "pull", "pipeline", "auditor", "proposal", "tagged", "cards",
    ];

    /// Makes the place of this name.
    pub fn prepare(name: &str) -> Place {
        if name == "team" {
            let lab = Lab::homed();
            let folder = lab.home().join("team");
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join("policy.yaml"), docs::block("team-policy")).expect("a file");
            return Place {
                lab,
                folder,
                before: String::new(),
            };
        }
        let lab = models();
        let mut folder = lab.top.clone();
        let before = lab.git(&["rev-parse", "HEAD"]);
        match name {
            "models" => {}
            "pull" => {
                std::fs::write(lab.home().join("4.bin"), "the fourth").expect("a file");
                let file = lab.home().join("4.bin").to_string_lossy().into_owned();
                let card = [
                    "card",
                    "set",
                    "fraud-detector/4",
                    "--set",
                    "intendedUses=a",
                    "--set",
                    "limitations=b",
                ];
                let _ = lab.ok("trainer", &["register", "fraud-detector", "--artifact", &file]);
                let _ = lab.ok("trainer", &card);
                serve(&lab, "fraud-detector/4");
            }
            "pipeline" => lab.write("model.tar.gz", "a model"),
            "auditor" => {
                folder = lab.home().join("auditor");
                std::fs::create_dir_all(&folder).expect("a folder");
            }
            "proposal" => {
                lab.git(&["switch", "-q", "-c", "next"]);
                lab.register("fraud-detector", 'e');
            }
            "tagged" => {
                lab.git(&["tag", "v1", "HEAD~5"]);
            }
            "cards" => lab.write(
                "card.yaml",
                "intendedUses: online card payments\nlimitations: no cash\n",
            ),
            _ => panic!("no place is called `{name}`"),
        }
        Place { lab, folder, before }
    }

    /// Runs lines of a shell here, as this actor; the first that fails ends them.
    pub fn run(&self, who: &str, lines: &str) -> Said {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_modelry"));
        let path = std::env::var_os("PATH").expect("PATH");
        let own = binary.parent().expect("a folder").to_owned();
        let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path)));
        let mut shell = self.lab.command("bash");
        if !self.before.is_empty() {
            self.lab.as_actor(&mut shell, who);
            shell
                .env("MODELRY_ROOT", self.lab.root())
                .env("REGISTRY", format!("file://{}", self.origin().display()))
                .env("BEFORE", &self.before)
                .env("BUILD", "7");
        }
        shell
            .args(["-euo", "pipefail", "-c", lines])
            .current_dir(&self.folder)
            .env("PATH", path.expect("a path"));
        said(&mut shell)
    }

    fn origin(&self) -> PathBuf {
        self.lab.home().join("origin.git")
    }
}

/// The registry that the guides speak of: three versions of a fraud detector, the first
/// in production, the third with one of two approvals; and a remote that has all of it.
fn models() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    let lab = Lab::copy_of(&MADE, || {
        let lab = Lab::with_another_registry();
        let promote = [
            "grant",
            "add",
            "team:risk",
            "--allow",
            "promote",
            "--groups",
            "*",
            "--stages",
            "production",
        ];
        let _ = lab.ok("admin-1", &promote);
        let two = "    required: 1\n  - groups: [fraud-*]\n    required: 2\n    card: [intendedUses, limitations]\n";
        lab.change_policy("    required: 1\n", two);
        let _ = lab.ok("admin-1", &["group", "create", "fraud-detector"]);
        for (number, mark) in [(1, 'a'), (2, 'b'), (3, 'c')] {
            let digest = format!("sha256:{}", mark.to_string().repeat(64));
            let uri = format!("s3://models/fraud/{number}/model.tar.gz");
            let metric = format!("auc=0.8{number}");
            let register = [
                "register",
                "fraud-detector",
                "--artifact",
                &uri,
                "--digest",
                &digest,
                "--metric",
                &metric,
            ];
            let _ = lab.ok("trainer", &register);
            let version = format!("fraud-detector/{number}");
            let card = [
                "card",
                "set",
                &version,
                "--set",
                "intendedUses=a",
                "--set",
                "limitations=b",
            ];
            let _ = lab.ok("trainer", &card);
        }
        serve(&lab, "fraud-detector/1");
        let _ = lab.ok(
            "risk-1",
            &["approve", "fraud-detector/3", "-m", "best so far", "--yes"],
        );
        lab
    });
    let origin = lab.home().join("origin.git").to_string_lossy().into_owned();
    lab.git(&["clone", "--quiet", "--bare", ".", &origin]);
    lab.git(&["remote", "add", "origin", &origin]);
    lab.git(&["fetch", "--quiet", "origin"]);
    lab.git(&["branch", "--quiet", "--set-upstream-to=origin/main"]);
    lab
}

/// Approves a version by two people and puts it into production.
fn serve(lab: &Lab, version: &str) {
    for who in ["risk-1", "risk-2"] {
        let _ = lab.ok(who, &["approve", version, "-m", "looked at", "--yes"]);
    }
    let _ = lab.ok(
        "risk-2",
        &["promote", version, "production", "-m", "now", "--yes"],
    );
}
