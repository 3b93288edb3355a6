//! A registry with versions to pull, a folder to pull them to, and bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use modelry::testing::record::canonical::sha256;
use serde_json::{Value, json};

use super::{Lab, Said, said};

/// A registry, and a folder to pull to.
pub struct Shop {
    pub lab: Lab,
    pub folder: PathBuf,
}

impl Shop {
    pub fn open() -> Shop {
        let lab = Lab::empty();
        let _ = lab.ok("admin-1", &["init", "--actor", "admin-1", "--solo"]);
        let _ = lab.ok("admin-1", &["group", "create", "churn"]);
        let folder = lab.home().join("here");
        Shop { lab, folder }
    }

    /// Registers a version with these artifacts; says its name.
    pub fn register(&self, artifacts: &Value) -> String {
        let spec = self.lab.home().join("spec.json");
        std::fs::write(&spec, json!({"artifacts": artifacts}).to_string()).expect("a file");
        let spec = spec.to_string_lossy().into_owned();
        let said = self.lab.ok(
            "admin-1",
            &[
                "register",
                "churn",
                "-f",
                &spec,
                "--without-digest",
                "--allow-duplicate",
            ],
        );
        registered(&said)
    }

    /// Registers one file.
    pub fn file(&self, uri: &str, bytes: &[u8]) -> String {
        self.register(&json!([{"uri": uri, "digest": sha256(bytes), "size": bytes.len()}]))
    }

    /// Registers one file by hand at an address that is refused today (MR112), as a
    /// registry may hold it from before. An administrator has accepted the commit.
    pub fn older_file(&self, uri: &str, bytes: &[u8]) -> String {
        let lab = &self.lab;
        let digest = sha256(bytes);
        let version = self.file("s3://models/m.bin", bytes);
        let (group, number) = version.split_once('/').expect("GROUP/N");
        let number: u64 = number.parse::<u64>().expect("a number") + 1;
        let record = format!(
            "apiVersion: modelry/v1\nkind: ModelVersion\ngroup: {group}\nversion: {number}\nstatus: Pending\nby: admin-1\nspec:\n  artifacts:\n    - uri: \"{uri}\"\n      digest: {digest}\n      size: {}\n",
            bytes.len()
        );
        lab.write(&format!("groups/{group}/versions/{number}/version.yaml"), &record);
        lab.commit("admin-1", "an older version");
        let commit = lab.git(&["rev-parse", "HEAD"]);
        let entry = format!("  - {{commit: {commit}, codes: [MR112], reason: an older address}}\n");
        match lab.read("registry.yaml").contains("\nacknowledged:\n") {
            true => lab.change_policy("\nacknowledged:\n", &format!("\nacknowledged:\n{entry}")),
            false => lab.change_policy("\nactors:", &format!("\nacknowledged:\n{entry}actors:")),
        }
        // The clone remembers nothing of it.
        let _ = std::fs::remove_dir_all(lab.top.join(".git/modelry"));
        format!("{group}/{number}")
    }

    pub fn command(&self, version: &str, more: &[&str]) -> Command {
        let folder = self.folder.to_string_lossy().into_owned();
        let mut arguments = vec!["pull", version, &folder];
        arguments.extend(more);
        self.lab.modelry("admin-1", &arguments)
    }

    pub fn pull(&self, version: &str, more: &[&str]) -> Said {
        said(&mut self.command(version, more))
    }

    /// A pull that succeeds, and what it says to programs.
    #[track_caller]
    pub fn pulled(&self, version: &str) -> Value {
        let said = self.pull(version, &["-o", "json"]);
        assert_eq!(said.code, 0, "{said:?}");
        serde_json::from_str(&said.out).expect("JSON")
    }

    /// A pull that ends like this; what it said, without what differs from run
    /// to run.
    #[track_caller]
    pub fn fails(&self, version: &str, code: i32) -> String {
        let said = self.pull(version, &[]);
        assert_eq!(said.code, code, "{said:?}");
        self.scrub(&said.err)
    }

    pub fn scrub(&self, text: &str) -> String {
        let text = self.lab.scrub(text);
        let mut out = String::new();
        for (i, piece) in text.split("localhost:").enumerate() {
            let piece = if i == 0 {
                piece
            } else {
                out.push_str("localhost:PORT");
                piece.trim_start_matches(|c: char| c.is_ascii_digit())
            };
            out.push_str(piece);
        }
        out
    }

    /// Returns the names in the folder, with hidden ones.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = walkdir::WalkDir::new(&self.folder)
            .min_depth(1)
            .into_iter()
            .filter_map(Result::ok)
            .map(|entry| {
                entry
                    .path()
                    .strip_prefix(&self.folder)
                    .expect("below")
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// The version that `register` says it registered.
pub fn registered(out: &str) -> String {
    let number = out.split("churn/").nth(1).expect("a version");
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    format!("churn/{number}")
}

/// Bytes that do not repeat soon.
pub fn bytes(count: usize) -> Vec<u8> {
    let mut state = 7_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(count)
    .collect()
}

/// The only part below the folder.
pub fn part(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder.join(".modelry-pull")).ok()?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "part"))
        .max()
}
