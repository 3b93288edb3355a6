//! Names of references. No other file strips or writes `refs/heads/`.

use std::fmt;

/// The folder of branches.
pub const HEADS: &str = "refs/heads";
const REMOTES: &str = "refs/remotes";
const TAGS: &str = "refs/tags";

/// The folder in which a clone keeps branches of remotes that have an address and no
/// name.
const UNNAMED_REMOTES: &str = "refs/modelry/remotes";

fn below<'n>(name: &'n str, folder: &str) -> Option<&'n str> {
    name.strip_prefix(folder)?.strip_prefix('/')
}

/// The full name of a reference: `refs/heads/main`, `refs/remotes/origin/main`. Git
/// checks the letters, when it is asked for the reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FullRef(String);

impl FullRef {
    /// Checks a full name: it is below `refs/`. `HEAD` is none.
    pub fn new(name: &str) -> Option<FullRef> {
        let rest = name.strip_prefix("refs/")?;
        (!rest.is_empty()).then(|| FullRef(name.to_owned()))
    }

    /// Returns `HEAD`: the branch that is checked out, whichever it is.
    pub fn head() -> FullRef {
        FullRef("HEAD".to_owned())
    }

    /// Returns the reference that a user means by the name of a branch or by a full
    /// name: `main` and `refs/heads/main` are the same.
    pub fn meant(name: &str) -> FullRef {
        FullRef::new(name).unwrap_or_else(|| FullRef::of_branch(name))
    }

    /// Returns the remote-tracking branch that a user means: `origin/main` and
    /// `refs/remotes/origin/main` are the same.
    pub fn meant_tracking(name: &str) -> FullRef {
        let full = FullRef::new(name).filter(FullRef::is_tracking);
        full.unwrap_or_else(|| FullRef(format!("{REMOTES}/{name}")))
    }

    /// Returns the full name of a branch.
    pub fn of_branch(name: &str) -> FullRef {
        FullRef(format!("{HEADS}/{name}"))
    }

    /// Returns the full name of a tag.
    pub fn of_tag(name: &str) -> FullRef {
        FullRef(format!("{TAGS}/{name}"))
    }

    /// Returns the remote-tracking branch of a remote's branch.
    pub fn tracking(remote: &str, branch: &str) -> FullRef {
        FullRef(format!("{REMOTES}/{remote}/{branch}"))
    }

    /// Returns the reference that keeps a branch of a remote without a name; `place`
    /// stands for its address.
    pub fn of_unnamed_remote(place: &str, branch: &str) -> FullRef {
        FullRef(format!("{UNNAMED_REMOTES}/{place}/{branch}"))
    }

    /// Returns the reference that a process fetches into, and deletes afterwards.
    pub fn of_fetched(process: u32) -> FullRef {
        FullRef(format!("refs/modelry/fetched/{process}"))
    }

    /// Returns the branch, the remote-tracking branch and the tag of one short name.
    pub fn readings(short: &str) -> [FullRef; 3] {
        [HEADS, REMOTES, TAGS].map(|folder| FullRef(format!("{folder}/{short}")))
    }

    /// Returns the full name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the branch, or `None` where it is no branch.
    pub fn branch(&self) -> Option<&str> {
        below(&self.0, HEADS)
    }

    /// Whether it names a branch.
    pub fn is_branch(&self) -> bool {
        self.branch().is_some()
    }

    /// Whether it names a remote-tracking branch.
    pub fn is_tracking(&self) -> bool {
        self.tracked().is_some()
    }

    /// Returns what follows `refs/remotes/`: `origin/main`; `None` where it is no
    /// remote-tracking branch.
    pub fn tracked(&self) -> Option<&str> {
        below(&self.0, REMOTES)
    }

    /// Returns the branch of a remote that it keeps, without the remote; `None` where
    /// it keeps none.
    pub fn kept(&self) -> Option<&str> {
        let kept = self.tracked().or_else(|| below(&self.0, UNNAMED_REMOTES))?;
        Some(kept.split_once('/').map_or(kept, |(_, name)| name))
    }

    /// Returns the branch's name; of another reference, the full name.
    pub fn short(&self) -> &str {
        self.branch().unwrap_or(&self.0)
    }

    /// Returns the name as git shows it for a branch or a remote-tracking branch:
    /// `main`, `origin/main`; of another reference, the full name.
    pub fn shown(&self) -> &str {
        self.tracked().unwrap_or_else(|| self.short())
    }

    /// Returns the name of the folder that it is in, or `None` where that is no folder
    /// of branches.
    pub fn folder(&self) -> Option<FullRef> {
        let (folder, _) = self.0.rsplit_once('/')?;
        below(folder, HEADS)?;
        Some(FullRef(folder.to_owned()))
    }

    /// Whether git, asked for this reference by its name or part of it, could take
    /// another for it: it looks for `main`, `heads/main` and `refs/heads/main` in
    /// several places (gitrevisions(7)).
    pub fn is_shadowed_by(&self, other: &str) -> bool {
        if other == self.0 {
            return false;
        }
        let below_refs = self.0.strip_prefix("refs/").unwrap_or(&self.0);
        let asked_for = [self.branch().unwrap_or(below_refs), below_refs, &self.0];
        let is_asked = |rest: &str| asked_for.contains(&rest);
        let remote = below(other, REMOTES).map(|rest| rest.strip_suffix("/HEAD").unwrap_or(rest));
        let elsewhere = ["refs", TAGS, HEADS].map(|folder| below(other, folder));
        is_asked(other) || elsewhere.into_iter().chain([remote]).flatten().any(is_asked)
    }
}

impl fmt::Display for FullRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for FullRef {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::FullRef;

    #[test]
    fn a_name_below_refs_is_full_and_every_other_is_a_branch() {
        for none in ["", "HEAD", "main", "refs", "refs/"] {
            assert_eq!(FullRef::new(none), None, "{none}");
        }
        assert_eq!(FullRef::meant("main"), FullRef::meant("refs/heads/main"));
        assert_eq!(FullRef::meant("refs/tags/v1").as_str(), "refs/tags/v1");
    }

    #[test]
    fn each_name_is_shown_as_git_shows_it() {
        for (full, short, shown, kept) in [
            ("refs/heads/a/b", "a/b", "a/b", None),
            (
                "refs/remotes/origin/a/b",
                "refs/remotes/origin/a/b",
                "origin/a/b",
                Some("a/b"),
            ),
            (
                "refs/modelry/remotes/srv-m/main",
                "refs/modelry/remotes/srv-m/main",
                "refs/modelry/remotes/srv-m/main",
                Some("main"),
            ),
            ("refs/tags/v1", "refs/tags/v1", "refs/tags/v1", None),
        ] {
            let name = FullRef::new(full).expect("a full name");
            assert_eq!((name.short(), name.shown(), name.kept()), (short, shown, kept));
        }
        let folders = |name: &str| FullRef::meant(name).folder().map(|it| it.as_str().to_owned());
        assert_eq!(folders("a/b").as_deref(), Some("refs/heads/a"));
        assert_eq!(folders("a"), None);
        assert_eq!(folders("refs/tags/a/b"), None);
    }
}
