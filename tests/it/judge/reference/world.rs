//! Where random histories are written: keys, objects in memory, and commits.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use modelry::testing::base::{ObjectFormat, ObjectKind, Oid};
use modelry::testing::object::Memory;
use serde_json::Value;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use super::objects::{Files, LINK};

/// Numbers that look random and are the same each time (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("small")
    }

    /// Returns true in this many of a hundred cases.
    pub fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

/// How a commit is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    By(String),
    Nobody,
    /// A good signature of other bytes.
    Lifted(String),
    /// Signed, with a header that nobody knows.
    Loose(String),
}

/// One commit that was made.
pub struct Made {
    pub id: Oid,
    pub parents: Vec<usize>,
    pub files: Files,
    pub note: String,
}

/// Objects in memory, and the keys that sign them.
pub struct World {
    pub objects: Memory,
    pub made: Vec<Made>,
    keys: HashMap<String, PrivateKey>,
}

impl World {
    pub fn new() -> World {
        World {
            objects: Memory::new(ObjectFormat::Sha1),
            made: Vec::new(),
            keys: HashMap::new(),
        }
    }

    fn key(&mut self, name: &str) -> &PrivateKey {
        self.keys.entry(name.to_owned()).or_insert_with(|| {
            let mut seed = [7; 32];
            seed[..name.len()].copy_from_slice(name.as_bytes());
            PrivateKey::from(Ed25519Keypair::from_seed(&seed))
        })
    }

    /// The public line of a key.
    pub fn line(&mut self, name: &str) -> String {
        let line = self.key(name).public_key().to_openssh().expect("a line");
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    pub fn fingerprint(&mut self, name: &str) -> String {
        self.key(name)
            .public_key()
            .fingerprint(HashAlg::Sha256)
            .to_string()
    }

    pub fn sign(&mut self, name: &str, namespace: &str, bytes: &[u8]) -> String {
        let signature = self
            .key(name)
            .sign(namespace, HashAlg::Sha512, bytes)
            .expect("a signature");
        signature.to_pem(LineEnding::LF).expect("armour")
    }

    /// Writes a commit of these files.
    pub fn commit(&mut self, parents: &[usize], files: Files, sign: &Sign, note: String) -> usize {
        let tree = write_tree(&self.objects, &files);
        let mut head = format!("tree {tree}\n");
        for parent in parents {
            writeln!(head, "parent {}", self.made[*parent].id).expect("text");
        }
        let time = 1_700_000_000 + 60 * self.made.len();
        writeln!(head, "author a <a@example.com> {time} +0000").expect("text");
        writeln!(head, "committer a <a@example.com> {time} +0000").expect("text");
        if let Sign::Loose(_) = sign {
            head.push_str("x-unknown header\n");
        }
        let body = format!("\n{note}\n");
        let signed = match sign {
            Sign::Nobody => None,
            Sign::By(key) | Sign::Loose(key) => {
                Some(self.sign(key, "git", format!("{head}{body}").as_bytes()))
            }
            Sign::Lifted(key) => Some(self.sign(key, "git", format!("{head}\nother words\n").as_bytes())),
        };
        if let Some(armor) = signed {
            writeln!(head, "gpgsig {}", armor.trim_end().replace('\n', "\n ")).expect("text");
        }
        let id = self
            .objects
            .insert(ObjectKind::Commit, format!("{head}{body}").into_bytes());
        self.made.push(Made {
            id,
            parents: parents.to_vec(),
            files,
            note: format!("{note} [{sign:?}]"),
        });
        self.made.len() - 1
    }

    /// The history as text: graph, who signed, which files changed.
    pub fn story(&self) -> String {
        let mut out = String::new();
        for (n, made) in self.made.iter().enumerate() {
            writeln!(
                out,
                "{n} {} <- {:?}: {}",
                &made.id.to_string()[..10],
                made.parents,
                made.note
            )
            .expect("text");
            let none = Files::new();
            let before = made
                .parents
                .first()
                .map_or(&none, |parent| &self.made[*parent].files);
            let mut paths: Vec<&String> = before.keys().chain(made.files.keys()).collect();
            paths.sort();
            paths.dedup();
            for path in paths {
                let sign = match (before.get(path), made.files.get(path)) {
                    (None, _) => '+',
                    (_, None) => '-',
                    (was, is) if was != is => '~',
                    _ => continue,
                };
                writeln!(out, "      {sign} {path}").expect("text");
            }
        }
        out
    }
}

fn write_tree(objects: &Memory, files: &Files) -> Oid {
    let mut folders: BTreeMap<String, Files> = BTreeMap::new();
    let mut entries: Vec<(String, &str, String, Oid)> = Vec::new();
    for (path, bytes) in files {
        match path.split_once('/') {
            None => {
                let (mode, bytes) = match bytes.strip_prefix(LINK) {
                    Some(target) => ("120000", target),
                    None => ("100644", &bytes[..]),
                };
                let id = objects.insert(ObjectKind::Blob, bytes.to_vec());
                entries.push((path.clone(), mode, path.clone(), id));
            }
            Some((folder, rest)) => {
                folders
                    .entry(folder.to_owned())
                    .or_default()
                    .insert(rest.to_owned(), bytes.clone());
            }
        }
    }
    for (folder, inside) in folders {
        let id = write_tree(objects, &inside);
        entries.push((format!("{folder}/"), "40000", folder, id));
    }
    entries.sort();
    let mut bytes = Vec::new();
    for (_, mode, name, id) in entries {
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        bytes.extend_from_slice(id.as_bytes());
    }
    objects.insert(ObjectKind::Tree, bytes)
}

/// A document of these values.
pub fn document(value: &Value) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(value).expect("JSON");
    text.push('\n');
    text.into_bytes()
}
