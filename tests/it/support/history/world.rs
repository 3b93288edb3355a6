//! The registry that every history starts from, and the people in it.
//!
//! `main` holds the root, the policy, the groups `churn` and `fraud`, and one
//! Pending version of each. Churn models need one approval; fraud models two,
//! one of them from `risk`, and a gate. The tag `base` stays there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::{Format, Keys};
#[cfg(feature = "openpgp")]
use crate::support::gnupg::Gnupg;
use crate::support::{Lab, Said, said};

/// The owners of keys: `mallory` is not an actor, and `spare` is a key that somebody
/// may get.
const PEOPLE: &[&str] = &[
    "admin-1", "admin-2", "risk-1", "risk-2", "lead", "trainer", "scorer", "host", "mallory", "spare",
];

/// The content of a base.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Base {
    pub keys: Keys,
    pub format: Format,
    pub folder: String,
}

/// A registry, its people and their keys.
pub struct World {
    pub lab: Lab,
    pub base: Base,
    pub root: String,
    /// The step that is being taken, from 1.
    pub at: usize,
    /// OpenPGP fingerprints and armoured certificates.
    certificates: BTreeMap<String, (String, String)>,
}

impl World {
    /// Builds the base.
    pub fn build(base: &Base) -> World {
        let lab = Lab::empty();
        std::fs::remove_dir_all(&lab.top).expect("the folder");
        let format = match base.format {
            Format::Sha1 => "sha1",
            Format::Sha256 => "sha256",
        };
        let made = lab
            .command("git")
            .args(["init", "-q", "-b", "main", "--object-format", format])
            .arg(&lab.top)
            .status();
        assert!(made.expect("git").success());
        let mut world = World {
            lab,
            base: base.clone(),
            root: String::new(),
            at: 0,
            certificates: BTreeMap::new(),
        };
        let signing = match base.keys {
            Keys::Ssh => "ssh",
            Keys::Openpgp => "openpgp",
        };
        world.lab.git(&["config", "gpg.format", signing]);
        world.lab.git(&["config", "gc.auto", "0"]);
        world.lab.git(&["config", "maintenance.auto", "false"]);
        world.make_keys();
        if !base.folder.is_empty() {
            world
                .lab
                .write("README.md", "the registry is one folder of many\n");
            world.lab.git(&["add", "-A"]);
            world.lab.git(&["commit", "-q", "-m", "another project"]);
        }
        let mut init = vec!["init", "--name", "risk-models", "--actor", "admin-1"];
        if !base.folder.is_empty() {
            init.extend(["--path", &base.folder]);
        }
        world.ok("admin-1", &init);
        world.root = world.lab.git(&["rev-parse", "HEAD"]);
        let pin = match base.folder.as_str() {
            "" => world.root.clone(),
            folder => format!("{}:{folder}", world.root),
        };
        world.lab.git(&["config", "modelry.root", &pin]);
        world.lab.git(&["config", "modelry.mainline", "main"]);
        let policy = world.policy();
        world.lab.write(&world.top_path("registry.yaml"), &policy);
        world.commit_all("admin-1", "the policy");
        for (group, mark) in [("churn", "1"), ("fraud", "2")] {
            world.ok("admin-1", &["group", "create", group, "--description", "a group"]);
            let digest = format!("sha256:{}", mark.repeat(64));
            let artifact = format!("s3://models/{group}/1");
            let words = [
                "register",
                group,
                "--artifact",
                &artifact,
                "--digest",
                &digest,
                "--metric",
                "auc=0.9",
            ];
            world.ok("trainer", &words);
        }
        world.lab.git(&["tag", "base"]);
        world.stop_agent();
        world
    }

    /// The same, to do something with.
    pub fn copy(&self) -> World {
        World {
            lab: self.lab.copy(),
            base: self.base.clone(),
            root: self.root.clone(),
            at: 0,
            certificates: self.certificates.clone(),
        }
    }

    #[cfg(feature = "openpgp")]
    fn make_keys(&mut self) {
        if self.base.keys == Keys::Ssh {
            return self.make_ssh_keys();
        }
        let gpg = Gnupg::new(&self.lab);
        let mut certificates = BTreeMap::new();
        for who in PEOPLE {
            let print = gpg.certificate(who, "ed25519", "sign");
            certificates.insert((*who).to_owned(), (print, gpg.export(who)));
        }
        drop(gpg);
        self.certificates = certificates;
    }

    #[cfg(not(feature = "openpgp"))]
    fn make_keys(&mut self) {
        self.make_ssh_keys();
    }

    fn make_ssh_keys(&self) {
        for who in PEOPLE {
            let _ = self.lab.key(who);
        }
    }

    /// A detached, armoured signature of these bytes, as Git asks for it.
    pub fn signature(&self, who: &str, namespace: &str, payload: &[u8]) -> String {
        match self.base.keys {
            // The commits of every script are signed by `ssh-keygen`.
            Keys::Ssh => {
                let key = std::fs::read(self.lab.key(who)).expect("a key");
                let key = ssh_key::PrivateKey::from_openssh(key).expect("a key");
                let signature = key.sign(namespace, ssh_key::HashAlg::Sha512, payload);
                let pem = signature.and_then(|signature| signature.to_pem(ssh_key::LineEnding::LF));
                pem.expect("a signature")
            }
            #[cfg(feature = "openpgp")]
            Keys::Openpgp => {
                // No guard: the agent is stopped once, at the end.
                let gpg = std::mem::ManuallyDrop::new(Gnupg::new(&self.lab));
                gpg.sign(&["-u", &self.print(who)], payload)
            }
            #[cfg(not(feature = "openpgp"))]
            Keys::Openpgp => unreachable!("such histories are left out"),
        }
    }

    fn piped(&self, program: &str, words: &[&str], input: &[u8]) -> String {
        use std::io::Write;
        let mut child = self
            .lab
            .command(program)
            .args(words)
            .current_dir(&self.lab.top)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program runs");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(input)
            .expect("bytes");
        let output = child.wait_with_output().expect("the program ends");
        assert!(
            output.status.success(),
            "{program} {words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Stores an object whose bytes nobody checks; its id.
    pub fn store(&self, kind: &str, bytes: &[u8]) -> String {
        let words = ["hash-object", "-t", kind, "-w", "--literally", "--stdin"];
        self.piped("git", &words, bytes).trim().to_owned()
    }

    /// Ends the GnuPG agent of this home.
    pub fn stop_agent(&self) {
        #[cfg(feature = "openpgp")]
        if self.base.keys == Keys::Openpgp {
            drop(Gnupg::new(&self.lab));
        }
    }

    /// A program run by somebody, with their key to sign with.
    fn command(&self, program: &str, who: &str, key: &str) -> Command {
        let mut command = self.lab.command(program);
        if self.base.keys == Keys::Ssh {
            self.lab.as_actor(&mut command, who);
            command.env("GIT_CONFIG_VALUE_0", self.lab.key(key));
        } else {
            command
                .env("GIT_AUTHOR_NAME", who)
                .env("GIT_AUTHOR_EMAIL", format!("{who}@example.com"))
                .env("GIT_COMMITTER_NAME", who)
                .env("GIT_COMMITTER_EMAIL", format!("{who}@example.com"))
                .env("GIT_CONFIG_COUNT", "1")
                .env("GIT_CONFIG_KEY_0", "user.signingkey")
                .env("GIT_CONFIG_VALUE_0", self.print(key));
        }
        command.current_dir(&self.lab.top);
        command
    }

    /// Git, run by `who` with the key of `key`.
    pub fn git_with(&self, who: &str, key: &str, words: &[&str]) -> Output {
        let mut command = self.command("git", who, key);
        // Replacements of objects are switched off while the history is made.
        command.env("GIT_NO_REPLACE_OBJECTS", "1");
        command.args(words).output().expect("git is needed by this test")
    }

    /// Git, which must be content; what it printed.
    #[track_caller]
    pub fn git(&self, words: &[&str]) -> String {
        let output = self.git_with("admin-1", "admin-1", words);
        assert!(
            output.status.success(),
            "git {words:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The raw bytes that git prints.
    pub fn git_bytes(&self, words: &[&str]) -> Vec<u8> {
        self.git_with("admin-1", "admin-1", words).stdout
    }

    /// Modelry, run by somebody.
    pub fn modelry(&self, who: &str, words: &[&str]) -> Said {
        said(self.command(env!("CARGO_BIN_EXE_modelry"), who, who).args(words))
    }

    #[track_caller]
    fn ok(&self, who: &str, words: &[&str]) {
        let said = self.modelry(who, words);
        assert_eq!(said.code, 0, "modelry {words:?}\n{}{}", said.out, said.err);
    }

    fn commit_all(&self, who: &str, message: &str) {
        self.git(&["add", "-A"]);
        let output = self.git_with(who, who, &["commit", "-q", "-S", "-m", message]);
        assert!(output.status.success(), "{output:?}");
    }

    /// The registry's folder on disk.
    pub fn folder(&self) -> PathBuf {
        self.lab.top.join(&self.base.folder)
    }

    /// A path of the registry from the repository's top.
    pub fn top_path(&self, path: &str) -> String {
        match self.base.folder.as_str() {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        }
    }

    /// The fingerprint of somebody's key, as the policy's revocations name it.
    pub fn print(&self, who: &str) -> String {
        if let Some((print, _)) = self.certificates.get(who) {
            return print.clone();
        }
        let key = self.lab.public_key(who);
        let line = std::fs::read_to_string(key).expect("a key");
        let key: ssh_key::PublicKey = line.parse().expect("a key");
        key.fingerprint(ssh_key::HashAlg::Sha256).to_string()
    }

    /// A file with somebody's public key or certificate.
    pub fn key_file(&self, who: &str) -> String {
        match self.certificates.get(who) {
            Some((_, armor)) => {
                let path = self.lab.home().join(format!("{who}.asc"));
                std::fs::write(&path, armor).expect("a file");
                path.display().to_string()
            }
            None => self.lab.public_key(who),
        }
    }

    /// Somebody's key as the policy spells it.
    pub fn material(&self, who: &str) -> String {
        match self.certificates.get(who) {
            Some((_, armor)) => format!("{{openpgp: {}}}", serde_json::json!(armor)),
            None => {
                let line = std::fs::read_to_string(self.lab.public_key(who)).expect("a key");
                let words: Vec<&str> = line.split_whitespace().take(2).collect();
                serde_json::json!(words.join(" ")).to_string()
            }
        }
    }

    fn policy(&self) -> String {
        let first = self.lab.read(&self.top_path("registry.yaml"));
        let id = first
            .lines()
            .find(|line| line.starts_with("id: "))
            .expect("an id");
        let person = |who: &str| format!("  {who}: {{kind: person, keys: [{}]}}\n", self.material(who));
        let people: String = ["admin-1", "admin-2", "risk-1", "risk-2", "lead"]
            .iter()
            .map(|who| person(who))
            .collect();
        POLICY
            .replace("ID\n", &format!("{id}\n"))
            .replace("PEOPLE\n", &people)
            .replace("TRAINER", &self.material("trainer"))
            .replace("SCORER", &self.material("scorer"))
            .replace("HOST", &self.material("host"))
    }
}

const POLICY: &str = r#"apiVersion: modelry/v1
kind: Registry
name: risk-models
ID
serial: 2
stages:
  - name: staging
  - name: production
    requires: Approved
approvals:
  - groups: ["*"]
    required: 1
  - groups: ["fraud*"]
    required: 2
    from: {risk: 1}
    gates:
      - name: good-enough
        champion: production
        require: metrics.auc >= 0.8 && (champion == null || metrics.auc >= champion.metrics.auc)
actors:
PEOPLE
  trainer: {kind: machine, owners: [admin-1], keys: [TRAINER]}
  scorer: {kind: machine, owners: [admin-2], keys: [SCORER]}
  host: {kind: forge, keys: [HOST]}
teams:
  risk: [risk-1, risk-2]
grants:
  - {to: [admin-1, admin-2], allow: [administer]}
  - {to: [admin-1], allow: [create-group, update-group, delete-group], groups: ["*"]}
  - {to: [trainer], allow: [register, add-evidence, annotate], groups: ["*"]}
  - {to: [lead], allow: [register, add-evidence, annotate, approve], groups: ["*"]}
  - {to: ["team:risk"], allow: [approve, reject, archive, delete], groups: ["*"]}
  - {to: ["team:risk"], allow: [promote], groups: ["*"], stages: [staging, production]}
  - {to: [host], allow: [annotate], groups: ["*"]}
"#;
