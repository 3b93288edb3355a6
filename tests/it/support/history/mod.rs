//! Histories as small scripts: `fixtures/histories/{hostile,legal}/NAME.yaml`.
//!
//! `fixtures/histories/README.md` describes the grammar, and the registry that each
//! history starts from.

mod fill;
mod raw;
mod steps;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use steps::words_of;
pub use world::{Base, World};

/// The kind of the keys of everybody.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    #[default]
    Ssh,
    Openpgp,
}

/// The kind of object ids.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Sha1,
    Sha256,
}

/// The judge's verdict at the end.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Clean,
    Findings,
    Incomplete,
    Nothing,
}

/// One script.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Script {
    pub title: String,
    #[serde(default)]
    pub threats: Vec<u8>,
    #[serde(default)]
    pub keys: Keys,
    #[serde(default)]
    pub format: Format,
    #[serde(default)]
    pub folder: String,
    pub steps: Vec<Step>,
    pub judge: Option<String>,
    pub verdict: Verdict,
    #[serde(default)]
    pub codes: Vec<String>,
    #[serde(default)]
    pub notes: Vec<String>,
    pub known_defect: Option<String>,
    pub harmless: Option<String>,
}

/// One step; exactly one verb is there.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    #[serde(rename = "as")]
    pub who: Option<String>,
    pub sign: Option<String>,
    pub on: Option<String>,
    pub from: Option<String>,

    pub run: Option<String>,
    pub exit: Option<i32>,

    pub commit: Option<String>,
    #[serde(default)]
    pub files: BTreeMap<String, Option<Content>>,
    #[serde(default)]
    pub reviews: Vec<Review>,
    #[serde(default)]
    pub status: BTreeMap<String, String>,
    #[serde(default)]
    pub seal: BTreeMap<String, String>,
    pub serial: Option<Serial>,

    pub merge: Option<OneOrMore>,
    pub options: Option<String>,
    pub tree: Option<String>,
    pub parents: Option<Vec<String>>,

    pub squash: Option<String>,
    pub rebase: Option<String>,

    pub raw: Option<Replacements>,
    pub resign: Option<String>,
    pub namespace: Option<String>,
    pub raw_tree: Option<RawTree>,
    pub tamper: Option<Tamper>,

    pub git: Option<String>,
    #[serde(default)]
    pub git_file: BTreeMap<String, Option<String>>,
    pub clone: Option<String>,
}

/// Replacements in order of their keys; `+` appends, `^` puts before.
pub type Replacements = BTreeMap<String, String>;

/// The new content of a file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Content {
    Whole(String),
    Replaced(Replacements),
}

/// A review written by hand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Review {
    pub of: String,
    pub by: String,
    #[serde(default = "approved")]
    pub decision: String,
    #[serde(default = "one")]
    pub revision: u32,
    /// The subject; that of the version when absent.
    pub subject: Option<String>,
    /// The owner of the key that signs the record; absent for an unsigned record.
    pub seal: Option<String>,
}

fn approved() -> String {
    "Approved".into()
}

fn one() -> u32 {
    1
}

/// The new serial of the policy.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Serial {
    Keep,
}

/// One branch, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A folder whose tree is written byte for byte.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawTree {
    /// The folder, from the repository's top.
    #[serde(rename = "in")]
    pub folder: String,
    /// Entries beside those that are there.
    #[serde(default)]
    pub add: Vec<RawEntry>,
    /// Other modes of entries that are there.
    #[serde(default)]
    pub modes: BTreeMap<String, String>,
    /// Whether the entries stand in another order than Git's: new ones first.
    #[serde(default)]
    pub unsorted: bool,
}

/// An entry: what it is, and its content or the object that it names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawEntry {
    pub mode: String,
    pub name: String,
    pub text: Option<String>,
    pub object: Option<String>,
}

/// An object's file with other content; gone when nothing is said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tamper {
    pub object: String,
    pub with: Option<String>,
}

/// The keys and words that the parser takes for a type, out of its own mouth.
fn taken<T: DeserializeOwned>(wrong: &str) -> BTreeSet<String> {
    let told = serde_yaml::from_str::<T>(wrong).err().expect("a complaint");
    let told = told.to_string();
    let (_, expected) = told.split_once("expected").expect("what there is");
    let words = expected.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

/// Every key, word and placeholder of the grammar.
pub fn grammar() -> BTreeSet<String> {
    let types = [
        taken::<Script>("{other: 1}"),
        taken::<Step>("{other: 1}"),
        taken::<Review>("{other: 1}"),
        taken::<RawTree>("{other: 1}"),
        taken::<RawEntry>("{other: 1}"),
        taken::<Tamper>("{other: 1}"),
        taken::<Keys>("other"),
        taken::<Format>("other"),
        taken::<Verdict>("other"),
        taken::<Serial>("other"),
    ];
    let placeholders = fill::NAMES.iter().map(|name| (*name).to_owned());
    types.into_iter().flatten().chain(placeholders).collect()
}

impl Script {
    /// Reads one script.
    pub fn read(path: &Path) -> Script {
        let text = std::fs::read_to_string(path).expect("a script");
        let script: Script =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut sorted = script.codes.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(script.codes, sorted, "{}: codes are sorted", path.display());
        script
    }

    /// The registry that it starts from.
    pub fn base(&self) -> Base {
        Base {
            keys: self.keys,
            format: self.format,
            folder: self.folder.clone(),
        }
    }
}
