//! The output of a judge: findings, notes, and their places.
//!
//! A rule points by name ([`Anchor`]: side, path, JSON pointer); one place,
//! [`crate::judge::rules`], turns that into line and column ([`Place`]). Renderers see
//! places only.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::Oid;
use crate::record::kind::{GroupName, Landing, VersionId};
use crate::record::yaml::Part;

/// A rule's public face. The code and name never change once published, and a retired
/// code is never used again.
#[derive(Debug)]
pub struct RuleInfo {
    /// `MR203`.
    pub code: &'static str,
    /// `illegal-transition`: names the fault, not the remedy.
    pub name: &'static str,
    /// One sentence: the fault that it finds.
    pub summary: &'static str,
    /// The page that `modelry explain` prints: Markdown with the headings
    /// *What it checks*, *Why it matters*, *Example*, *How to fix*.
    pub docs: &'static str,
}

impl RuleInfo {
    /// The section of the book that explains the rule, from the top of Modelry's source.
    pub fn page(&self) -> String {
        format!("docs/reference/rules.md#{}", self.code.to_lowercase())
    }
}

/// The tree of a step that an anchor is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The tree before the step.
    Before,
    /// The tree after it.
    After,
}

/// A place by name: a file, and a JSON pointer (RFC 6901) into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Which tree.
    pub side: Side,
    /// Path from the registry's folder.
    pub path: String,
    /// JSON pointer; empty for the whole document. A pointer to an absent value resolves
    /// to its nearest existing parent.
    pub pointer: String,
    /// Key or value.
    pub part: Part,
    /// Bytes of the text, for a fault in the text itself that no pointer can name.
    pub span: Option<std::ops::Range<usize>>,
    /// The file as a commit of a merged side left it, if the finding is about that text
    /// and not the step's.
    pub written: Option<(Oid, Arc<str>)>,
}

impl Anchor {
    /// The value at `pointer` in the file as it is after the step.
    pub fn after(path: impl Into<String>, pointer: impl Into<String>) -> Anchor {
        Anchor {
            side: Side::After,
            path: path.into(),
            pointer: pointer.into(),
            part: Part::Value,
            span: None,
            written: None,
        }
    }

    /// The value at `pointer` in the file as it was before the step.
    pub fn before(path: impl Into<String>, pointer: impl Into<String>) -> Anchor {
        Anchor {
            side: Side::Before,
            ..Anchor::after(path, pointer)
        }
    }

    /// The whole file after the step.
    pub fn file(path: impl Into<String>) -> Anchor {
        Anchor::after(path, "")
    }

    /// The key instead of the value.
    #[must_use]
    pub fn key(self) -> Anchor {
        Anchor {
            part: Part::Key,
            ..self
        }
    }
}

/// A resolved place. Lines and columns are one-based; columns count characters
/// (Unicode scalar values); the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which tree.
    pub side: Side,
    /// Path from the repository's top.
    pub path: String,
    /// JSON pointer, as the rule gave it.
    pub pointer: String,
    /// The commit whose tree this is, or `None` for files that are not committed.
    pub commit: Option<Oid>,
    /// First line.
    pub line: usize,
    /// First column.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// Column after the last character.
    pub end_column: usize,
    /// The bytes of `text` that are meant.
    pub span: std::ops::Range<usize>,
    /// The file's text, for source lines, or `None` when the file is absent or not text.
    pub text: Option<std::sync::Arc<str>>,
}

/// A place with a few words beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label<At> {
    /// Where.
    pub at: At,
    /// A few words; may be empty.
    pub text: String,
}

/// Whether the remedy can be followed as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Remedy {
    /// It spells the commands or the edit; after them, the finding is gone.
    #[default]
    Follow,
    /// A person chooses first: a name, a value, or one of several ways.
    Choose,
}

impl Remedy {
    /// The word in front of the line.
    pub fn verb(self) -> &'static str {
        match self {
            Remedy::Follow => "do",
            Remedy::Choose => "choose",
        }
    }
}

/// The registry is wrong here.
#[derive(Clone, Debug)]
pub struct Finding<At> {
    /// Which rule.
    pub rule: &'static RuleInfo,
    /// One complete sentence: lower case, values in backticks, no full stop.
    pub message: String,
    /// Where.
    pub primary: Label<At>,
    /// The earlier value, or the line of the policy that decides.
    pub related: Vec<Label<At>>,
    /// Why, in words.
    pub why: Vec<String>,
    /// The author: commit, signer and verdict.
    pub who: Option<String>,
    /// One thing to do now.
    pub help: Option<String>,
    /// Whether `help` can be followed, or leaves a choice.
    pub remedy: Remedy,
    /// The group that it belongs to, or `None` for the policy and for history.
    pub group: Option<String>,
    /// A second group that it belongs to: a renamed one has two names.
    pub also: Option<String>,
    /// The commit of the step that it is about, or `None` for one that is not committed.
    pub step: Option<Oid>,
    /// The actor who accepted it since, the policy, and the reason; it decides nothing
    /// then.
    pub acknowledged: Option<String>,
    /// For a change that has not landed: the ways of landing in which it is wrong.
    /// Otherwise empty.
    pub landings: Vec<Landing>,
    /// For a version whose approval rests on a revoked key: the key, and the version.
    /// Reaffirming the version accepts the finding.
    pub reaffirms: Option<(String, VersionId)>,
    /// For a fault in the past, found by a step that does nothing but revoke or retire:
    /// the place of that step in its walk. It stops the changes that rest on it, and
    /// never the step itself.
    pub uncovered: Option<usize>,
    /// Codes of the findings that this one replaces. Accepting it takes accepting these
    /// too.
    pub folded: BTreeSet<&'static str>,
}

impl<At> Finding<At> {
    /// Builds a finding with its place, and nothing else.
    pub fn at(rule: &'static RuleInfo, at: At, message: impl Into<String>) -> Finding<At> {
        Finding {
            rule,
            message: message.into(),
            primary: Label {
                at,
                text: String::new(),
            },
            related: Vec::new(),
            why: Vec::new(),
            who: None,
            help: None,
            remedy: Remedy::Follow,
            group: None,
            also: None,
            step: None,
            acknowledged: None,
            landings: Vec::new(),
            reaffirms: None,
            uncovered: None,
            folded: BTreeSet::new(),
        }
    }
}

impl Finding<Anchor> {
    /// Builds a finding with its place; the methods below add the rest.
    pub fn new(rule: &'static RuleInfo, at: Anchor, message: impl Into<String>) -> Finding<Anchor> {
        Finding::at(rule, at, message)
    }

    /// Words beside the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// A second place.
    #[must_use]
    pub fn related(mut self, at: Anchor, text: impl Into<String>) -> Self {
        self.related.push(Label {
            at,
            text: text.into(),
        });
        self
    }

    /// A reason.
    #[must_use]
    pub fn why(mut self, text: impl Into<String>) -> Self {
        self.why.push(text.into());
        self
    }

    /// The one thing to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Sets the choice that a person must make before something can be done.
    #[must_use]
    pub fn choose(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self.remedy = Remedy::Choose;
        self
    }
}

impl<At> Finding<At> {
    /// Whether it belongs to the group.
    pub fn is_in(&self, group: &str) -> bool {
        self.group.as_deref() == Some(group) || self.also.as_deref() == Some(group)
    }
}

impl Finding<Place> {
    /// Returns the lines of a report beside the message: why, who, in which ways of
    /// landing, and what to do.
    pub fn details(&self) -> Vec<String> {
        let mut words: Vec<String> = self.why.iter().map(|why| format!("why: {why}")).collect();
        words.extend(self.who.iter().map(|who| format!("who: {who}")));
        if !self.landings.is_empty() {
            let ways: Vec<&str> = self.landings.iter().map(|way| way.name()).collect();
            words.push(format!("landed by: {}", ways.join(", ")));
        }
        let verb = self.remedy.verb();
        words.extend(self.help.iter().map(|help| format!("{verb}: {help}")));
        words
    }
}

/// Information that decides nothing.
#[derive(Clone, Debug)]
pub struct Note {
    /// One sentence.
    pub message: String,
    /// The place, if it has one: path from the repository's top.
    pub path: Option<String>,
    /// The commit that it is about.
    pub commit: Option<Oid>,
}

/// The objects that were examined: a judge that examined nothing is not green.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Steps of the mainline.
    pub steps: usize,
    /// The commits whose signature was verified.
    pub commits: usize,
    /// Documents read.
    pub documents: usize,
    /// Typed changes judged.
    pub changes: usize,
}

/// Findings in order (step, path, line, column, code), with the examined objects.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding<Place>>,
    /// The notes.
    pub notes: Vec<Note>,
    /// The objects that were examined.
    pub checked: Checked,
    /// For a change that has not landed: each way that was tried. Otherwise empty.
    pub landings: Vec<Tried>,
}

/// One way of landing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Which.
    pub way: Landing,
    /// The number of findings.
    pub findings: usize,
    /// The commits that it would make, in words: "one merge commit", "3 commits".
    pub makes: String,
}

impl Report {
    /// Returns the findings that are not acknowledged: they decide.
    pub fn open(&self) -> impl Iterator<Item = &Finding<Place>> {
        self.findings
            .iter()
            .filter(|finding| finding.acknowledged.is_none())
    }

    /// Lists the steps whose findings a policy can accept, in the order of the findings,
    /// each with the codes of all of them: they are not accepted yet, and the step is done.
    pub fn acceptable(&self) -> Vec<(Oid, BTreeSet<&'static str>)> {
        let mut steps: Vec<(Oid, BTreeSet<&'static str>)> = Vec::new();
        for finding in self.open().filter(|finding| finding.landings.is_empty()) {
            let Some(step) = finding.step else { continue };
            let at = steps
                .iter()
                .position(|(known, _)| *known == step)
                .unwrap_or_else(|| {
                    steps.push((step, BTreeSet::new()));
                    steps.len() - 1
                });
            steps[at].1.insert(finding.rule.code);
            steps[at].1.extend(&finding.folded);
        }
        steps
    }

    /// Whether nothing decides against it.
    pub fn is_clean(&self) -> bool {
        self.open().next().is_none()
    }
}

/// The object of a command or a push: a finding there stops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The policy, which can be repaired despite any other fault.
    Policy,
    /// These groups, and the policy and the mainline under them.
    Groups(Vec<String>),
    /// These groups, for a change that takes versions out of use. What a revoked key did
    /// about a version does not stop it: a stolen key's version could never be taken out.
    Removal {
        /// The groups.
        groups: Vec<String>,
        /// The versions that the change puts into a stage: what was done about them stops it.
        puts: Vec<VersionId>,
    },
    /// All of the registry.
    Everything,
}

impl Scope {
    /// One group.
    pub fn of(group: &GroupName) -> Scope {
        Scope::Groups(vec![group.to_string()])
    }

    /// One group, for a change that takes versions of it out of use.
    pub fn removal(group: &GroupName) -> Scope {
        Scope::Removal {
            groups: vec![group.to_string()],
            puts: Vec::new(),
        }
    }

    /// Whether the finding stops the command: it is in a group that the command
    /// concerns, in the policy, or in the shape of the mainline.
    pub fn is_stopped_by<At>(&self, finding: &Finding<At>) -> bool {
        match self {
            Scope::Policy => false,
            Scope::Everything => true,
            Scope::Groups(mine) => finding.group.is_none() || mine.iter().any(|group| finding.is_in(group)),
            Scope::Removal { groups, puts } => {
                let is_other = finding
                    .reaffirms
                    .as_ref()
                    .is_some_and(|(_, id)| !puts.contains(id));
                !is_other && Scope::Groups(groups.clone()).is_stopped_by(finding)
            }
        }
    }
}
