//! Histories as small scripts: `fixtures/histories/{hostile,legal}/NAME.yaml`.
//!
//! A script says, step by step, who does what to a prepared registry (see [`world`]),
//! and what the judge must say of it in the end.
//!
//! ```yaml
//! title: an approval smuggled into a back-merge
//! threats: [34, 42]        # rows of the list of threats that it covers
//! keys: openpgp            # ssh when absent
//! format: sha256           # sha1 when absent
//! folder: models           # the registry's folder; the top when absent
//! steps: [...]
//! judge: resolve churn/1   # a command; when absent `audit`, by who never saw it
//! verdict: findings        # clean | findings | incomplete | nothing
//! codes: [MR308]           # of all findings that decide, sorted
//! notes: [leaves out]      # words that the report must hold
//! harmless: why            # of a hostile history that is clean all the same
//! known-defect: why        # the verdict is right, and the product's is not yet
//! ```
//!
//! A step has one verb, and says with `as` who does it (`admin-1` when absent),
//! with `sign` whose key signs the commit (the same; `nobody`), with `on` the
//! branch (`main`; a new one starts at `from`, or at `main`; from `nothing` it
//! shares no history). Only `git` goes on where the step before left off.
//!
//! | verb | what it does |
//! | --- | --- |
//! | `run: approve churn/1 -m good` | a command of Modelry; `exit` when it must not be 0 |
//! | `commit: MESSAGE` | a commit by hand, of `files`, `reviews`, `status`, `seal` |
//! | `merge: side` | a merge of one or more branches, with `options`; `files` and the like change its result; `tree` takes that of another commit |
//! | `commit: …`, `parents: [a, b]` | a commit with these parents; `tree` as above |
//! | `squash: side`, `rebase: side` | what a Git host makes of a branch: one commit, or each anew |
//! | `raw: {FROM: TO}` | the last commit's bytes with replacements; `resign: WHO` signs what comes out, in `namespace` |
//! | `raw-tree: {in: …, add: […]}` | a commit whose tree is written byte for byte |
//! | `tamper: {object: …, with: …}` | an object's file with other content, or gone |
//! | `git: WORDS`, `git-file: {PATH: TEXT}` | anything else in the clone |
//! | `clone: WORDS` | goes on in a clone that is made like this |
//!
//! `files` maps a path to its text, to nothing (then it goes), or to
//! replacements; `churn/1/…` is short for `groups/churn/versions/1/…`. The key
//! `+` appends, `^` puts before. A change of `registry.yaml` raises its serial
//! unless `serial: keep` is said. In texts, `\xHH` is a byte, and `NAME(…)` is
//! filled in: `ID` of a revision, `SUBJECT` of a version or of `policy`, `KEY`
//! (a file), `PRINT` and `MATERIAL` (as the policy spells it) of somebody,
//! `SIGNATURE` of a commit or tag, `REPEAT(n|text)`.

mod fill;
mod raw;
mod steps;
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

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
