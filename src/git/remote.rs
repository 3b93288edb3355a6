//! Calls of remotes through the git program, with the user's credentials, proxies and
//! ssh configuration.

use std::process::{Command, Output, Stdio};

use super::pushed::{Pushed, read_push};
use super::{Repo, failed};
use crate::base::{Error, FullRef, Oid, shell_word};
use crate::record::kind::{Address, masked_text};

/// The most files in the way that are named.
const MOST_NAMED: usize = 5;

/// Returns a setting for one call of git. With `remote.NAME.mirror` set, as after
/// `git clone --mirror`, `git push` would refuse a branch on its command line.
fn no_mirror(remote: &str) -> String {
    format!("remote.{remote}.mirror=false")
}

impl Repo {
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<Output, Error> {
        self.ask_with(&[], arguments)
    }

    fn ask_with(&self, settings: &[&str], arguments: &[&str]) -> Result<Output, Error> {
        let mut git = self.git();
        self.share(&mut git);
        for setting in settings {
            git.args(["-c", setting]);
        }
        git.args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| Error::Io {
                action: "run",
                path: "git".into(),
                source,
            })
    }

    /// Makes a call of git use the open connection.
    pub(super) fn share(&self, git: &mut Command) {
        if let Some(connection) = &*self.connection.borrow() {
            git.env("GIT_SSH_COMMAND", &connection.command);
        }
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        self.run_with(&[], arguments)
    }

    /// Runs git as [`Repo::run`] does, with these settings (`KEY=VALUE`) in place of
    /// the configured ones.
    pub(super) fn run_with(&self, settings: &[&str], arguments: &[&str]) -> Result<String, Error> {
        let output = self.ask_with(settings, arguments)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        // Ssh ends its lines with a carriage return too.
        let said = String::from_utf8_lossy(&output.stderr).replace('\r', "");
        // Git repeats the address that it was given.
        let said = masked_text(said.trim());
        Err(Error::msg(format!("git {} failed: {said}", arguments[0]))
            .hint(format!("try it by hand: `git {}`", by_hand(arguments).join(" "))))
    }

    /// Returns the tip of a branch on a remote, or `None` when there is no such
    /// branch. It takes one round trip, and fetches no objects.
    pub fn remote_tip(&self, remote: &str, reference: &FullRef) -> Result<Option<Oid>, Error> {
        let mut listed = self.remote_branches(remote, reference.as_str())?.into_iter();
        Ok(listed.find_map(|(name, id)| (name == *reference).then_some(id)))
    }

    /// Returns the references of a remote that match a pattern, as `ls-remote` reads
    /// it, with their targets.
    pub fn remote_branches(&self, remote: &str, pattern: &str) -> Result<Vec<(FullRef, Oid)>, Error> {
        let listed = self.run(&["ls-remote", "--", remote, pattern])?;
        let named = |line: &str| {
            let (id, name) = line.split_once('\t')?;
            Some((FullRef::new(name)?, Oid::from_hex(id)?))
        };
        Ok(listed.lines().filter_map(named).collect())
    }

    /// Fetches a branch of a remote into a reference of this clone.
    pub fn fetch(&self, remote: &str, reference: &FullRef, into: &FullRef) -> Result<(), Error> {
        let refspec = format!("+{reference}:{into}");
        self.run(&["fetch", "--quiet", "--no-tags", "--", remote, &refspec])
            .map(|_| ())
    }

    /// Fetches a branch of a remote and returns its tip, or `None` when there is no
    /// such branch. No reference of the clone moves.
    pub fn fetch_tip(&self, remote: &str, reference: &FullRef) -> Result<Option<Oid>, Error> {
        // The name is unique to this process: others may fetch into the same clone.
        let into = FullRef::of_fetched(std::process::id());
        let refspec = format!("+{reference}:{into}");
        let fetched = self.run(&[
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            "--refmap=",
            "--",
            remote,
            &refspec,
        ]);
        if let Err(error) = fetched {
            return match self.remote_tip(remote, reference) {
                Ok(None) => Ok(None),
                _ => Err(error),
            };
        }
        let tip = self.reference(&into)?;
        if let Ok(mut reference) = self.raw.find_reference(into.as_str()) {
            reference
                .delete()
                .map_err(failed(format!("can't take `{into}` away")))?;
        }
        Ok(tip)
    }

    /// Pushes a commit to a branch of a remote, if its tip is still the expected one
    /// (`None`: there is no such branch). The commit must descend from that tip: a
    /// push is never forced.
    pub fn push(
        &self,
        remote: &str,
        commit: Oid,
        reference: &FullRef,
        expected: Option<Oid>,
    ) -> Result<Pushed, Error> {
        let lease = format!(
            "--force-with-lease={reference}:{}",
            expected.map(|id| id.to_string()).unwrap_or_default()
        );
        let output = self.ask(&[
            "-c",
            &no_mirror(remote),
            "push",
            "--porcelain",
            "--no-progress",
            "--no-follow-tags",
            "--recurse-submodules=no",
            &lease,
            "--",
            remote,
            &format!("{commit}:{reference}"),
        ])?;
        Ok(read_push(
            &String::from_utf8_lossy(&output.stdout),
            &String::from_utf8_lossy(&output.stderr),
        ))
    }

    /// Maintains the object store, as git's own fetch does at its end. Git decides
    /// whether there is anything to do, and does it in the background.
    pub fn maintain(&self) {
        if !matches!(self.flag("maintenance.auto"), Ok(Some(false))) {
            // The fetch itself is done, so a failure does not matter.
            let _ = self.run(&["maintenance", "run", "--auto", "--quiet"]);
        }
    }

    /// Deletes a branch of a remote, if its tip is still this commit. Returns whether
    /// it is deleted.
    pub fn withdraw(&self, remote: &str, reference: &FullRef, commit: Oid) -> Result<bool, Error> {
        let lease = format!("--force-with-lease={reference}:{commit}");
        let gone = format!(":{reference}");
        let output = self.ask(&[
            "-c",
            &no_mirror(remote),
            "push",
            "--quiet",
            "--no-progress",
            &lease,
            "--",
            remote,
            &gone,
        ])?;
        Ok(output.status.success())
    }

    /// Returns the remote that a branch is pushed to, and the branch's full name
    /// there. The remote is the first of: `pushRemote`, `remote.pushDefault`, the
    /// branch's `remote`, the only remote, `origin`.
    ///
    /// # Errors
    /// There is no remote.
    pub fn push_place(&self, branch: &FullRef) -> Result<(String, FullRef), Error> {
        let short = branch.short();
        let of_branch = |key: &str| -> Result<Option<String>, Error> {
            // `.` means this repository, and so is not a remote.
            let value = self.config(&format!("branch.{short}.{key}"));
            Ok(value.filter(|value| !value.is_empty() && value != "."))
        };
        let upstream = of_branch("remote")?;
        let wanted = match of_branch("pushRemote")? {
            Some(remote) => Some(remote),
            None => match self.config("remote.pushDefault").filter(|name| !name.is_empty()) {
                Some(remote) => Some(remote),
                None => upstream.clone(),
            },
        };
        let remote = match wanted {
            Some(remote) => remote,
            None => {
                let names = self.remotes()?;
                match &names[..] {
                    [] => {
                        return Err(Error::msg("this clone has no remote to push to")
                            .hint("name it: `git remote add origin URL`"));
                    }
                    [only] => only.clone(),
                    _ if names.iter().any(|name| name == "origin") => "origin".to_owned(),
                    _ => {
                        return Err(
                            Error::msg(format!("`{short}` could be pushed to {}", names.join(", "))).hint(
                                format!(
                                    "say which: `git config {} NAME`",
                                    shell_word(&format!("branch.{short}.remote"))
                                ),
                            ),
                        );
                    }
                }
            }
        };
        let merge = of_branch("merge")?.and_then(|merge| FullRef::new(&merge));
        let merge = merge.filter(|merge| upstream.as_ref() == Some(&remote) && merge.is_branch());
        Ok((remote, merge.unwrap_or_else(|| branch.clone())))
    }

    /// Returns the remote that a branch is fetched from, and the branch's full name
    /// there, or `None` without a remote. The remote is the first of: the one of a
    /// remote-tracking branch, the branch's `remote`, the only remote, `origin`.
    pub fn fetch_place(&self, branch: &FullRef) -> Result<Option<(String, FullRef)>, Error> {
        let remotes = self.remotes()?;
        if let Some(tracked) = branch.tracked() {
            let of = |remote: &&String| tracked.strip_prefix(remote.as_str())?.strip_prefix('/');
            let named = remotes.iter().filter_map(|remote| Some((remote, of(&remote)?)));
            return Ok(named
                .max_by_key(|(remote, _)| remote.len())
                .map(|(remote, name)| (remote.clone(), FullRef::of_branch(name))));
        }
        let short = branch.short();
        let upstream = self.config(&format!("branch.{short}.remote"));
        let upstream = upstream.filter(|name| !name.is_empty() && name != ".");
        let merge = self.config(&format!("branch.{short}.merge"));
        Ok(match (upstream, &remotes[..]) {
            (Some(remote), _) => {
                let merge = merge.and_then(|merge| FullRef::new(&merge));
                let merge = merge.filter(FullRef::is_branch);
                Some((remote, merge.unwrap_or_else(|| branch.clone())))
            }
            (None, [only]) => Some((only.clone(), branch.clone())),
            (None, all) => {
                let origin = all.iter().find(|name| *name == "origin");
                origin.map(|origin| (origin.clone(), branch.clone()))
            }
        })
    }

    /// Returns the names of the remotes.
    pub fn remotes(&self) -> Result<Vec<String>, Error> {
        let remotes = self
            .raw
            .remotes()
            .map_err(failed("can't read the names of remotes"))?;
        Ok(remotes.iter().flatten().flatten().map(str::to_owned).collect())
    }

    /// Asks a remote for the branch that its HEAD names: `refs/heads/main`, or `None`
    /// when it names none.
    pub fn ask_default_branch(&self, remote: &str) -> Result<Option<FullRef>, Error> {
        let listed = self.run(&["ls-remote", "--symref", "--", remote, "HEAD"])?;
        let named = |line: &str| {
            let (name, head) = line.strip_prefix("ref: ")?.split_once('\t')?;
            FullRef::new(name).filter(|name| head == "HEAD" && name.is_branch())
        };
        Ok(listed.lines().find_map(named))
    }

    /// Returns the address that a remote is pushed to, with the user's rewritings of
    /// addresses.
    ///
    /// # Errors
    /// There is no such remote.
    pub fn remote_address(&self, remote: &str) -> Result<Address, Error> {
        // A remote may be named by its address alone.
        if self.config(&format!("remote.{remote}.url")).is_none() {
            return Ok(remote.into());
        }
        let address = self.run(&["remote", "get-url", "--push", "--", remote])?;
        Ok(address.trim().into())
    }

    /// Returns the address that a remote is fetched from.
    pub(super) fn fetch_address(&self, remote: &str) -> Result<Address, Error> {
        if self.config(&format!("remote.{remote}.url")).is_none() {
            return Ok(remote.into());
        }
        let address = self.run(&["remote", "get-url", "--", remote])?;
        Ok(address.trim().into())
    }

    /// Returns the tip of a remote's branch as this clone last saw it.
    pub fn noted_remote_tip(&self, remote: &str, reference: &FullRef) -> Result<Option<Oid>, Error> {
        match tracking(remote, reference) {
            Some(tracking) => self.reference(&tracking),
            None => Ok(None),
        }
    }

    /// Returns the tip of a branch's remote side as this clone last saw it: of its
    /// upstream, else of the branch that it is pushed to. Returns `None` where the
    /// clone does not track it. A remote-tracking branch is its own remote side.
    pub fn upstream_tip(&self, branch: &FullRef) -> Option<Oid> {
        if branch.is_tracking() {
            return self.reference(branch).ok()?;
        }
        let upstream = self.raw.branch_upstream_name(branch.as_str()).ok();
        let upstream = upstream.and_then(|name| FullRef::new(name.as_str().ok()?));
        if let Some(name) = upstream.filter(FullRef::is_tracking)
            && let Ok(Some(tip)) = self.reference(&name)
        {
            return Some(tip);
        }
        let (remote, reference) = self.push_place(branch).ok()?;
        self.noted_remote_tip(&remote, &reference).ok()?
    }

    /// Returns the last known tip of the branch of the same name on the upstream's
    /// remote. The upstream itself may have another name, as for a proposal.
    pub fn namesake_tip(&self, branch: &FullRef) -> Option<Oid> {
        let remote = self.raw.branch_upstream_remote(branch.as_str()).ok()?;
        let tracking = tracking(remote.as_str().ok()?, branch)?;
        self.reference(&tracking).ok()?
    }

    /// Whether commits of this repository may be missing on its remote. A bare
    /// repository has its branches from there.
    pub fn may_be_ahead(&self) -> bool {
        self.workdir().is_some() && self.remotes().is_ok_and(|remotes| !remotes.is_empty())
    }

    /// Updates a remote-tracking branch, as `git push` does; only where there is one
    /// already.
    pub fn note_remote_tip(&self, remote: &str, reference: &FullRef, tip: Oid) {
        if let Some(tracking) = tracking(remote, reference)
            && let Ok(Some(old)) = self.reference(&tracking)
            && old != tip
        {
            // Another process has recorded a newer tip, or will.
            let _ = self.advance(&tracking, Some(old), tip, "modelry: push");
        }
    }

    /// Returns the time of the last fetch into this clone, by git's own record, or
    /// `None` where nothing was fetched since the clone was made.
    pub fn last_fetch(&self) -> Option<std::time::SystemTime> {
        let noted = [self.raw.path(), self.common_dir()].map(|folder| {
            let note = std::fs::metadata(folder.join("FETCH_HEAD")).ok()?;
            note.modified().ok()
        });
        noted.into_iter().flatten().max()
    }

    /// Counts the commits that each of two lacks of the other.
    pub fn ahead_behind(&self, local: Oid, remote: Oid) -> Result<(usize, usize), Error> {
        let raw = |id: Oid| git2::Oid::from_bytes(id.as_bytes()).map_err(failed(format!("{id} is no id")));
        if let Ok(counts) = self.raw.graph_ahead_behind(raw(local)?, raw(remote)?) {
            return Ok(counts);
        }
        // libgit2 stops at a commit whose author or date is malformed. Git reads on, and
        // so must this: anybody who may push can land such a commit.
        let range = format!("{local}...{remote}");
        let said = self.run(&[
            "--no-replace-objects",
            "rev-list",
            "--left-right",
            "--count",
            &range,
            "--",
        ])?;
        let mut counts = said.split_whitespace().map(str::parse);
        match (counts.next(), counts.next()) {
            (Some(Ok(ahead)), Some(Ok(behind))) => Ok((ahead, behind)),
            _ => Err(Error::msg(format!("git rev-list counted `{}`", said.trim()))),
        }
    }

    /// Lets git move the checked-out branch forward to a descendant.
    ///
    /// # Errors
    /// Git refuses the move; nothing has changed.
    pub(super) fn merge_forward(&self, commit: Oid) -> Result<(), Error> {
        let commit = commit.to_string();
        let merged = self.run(&[
            "merge",
            "--ff-only",
            "--quiet",
            "--no-autostash",
            "--no-verify-signatures",
            &commit,
        ]);
        let Err(error) = merged else { return Ok(()) };
        let said = error.to_string();
        // Git lists the files that are in the way on lines of their own.
        let mut files: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix('\t')).collect();
        if files.is_empty() {
            return Err(error);
        }
        let more = files.len().saturating_sub(MOST_NAMED);
        files.truncate(MOST_NAMED);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Err(Error::msg(format!(
            "what is not committed is in the way: {}{more}",
            files.join(", ")
        ))
        .hint("commit or stash them, then `git pull --ff-only`"))
    }
}

/// Returns the arguments that a user would type, without options and references of
/// this program and without secrets.
fn by_hand(arguments: &[&str]) -> Vec<String> {
    let plain = |word: &&str| !word.starts_with("--");
    let words = arguments.iter().copied().filter(plain);
    words
        .map(|word| match word.split_once(":refs/modelry/") {
            Some((reference, _)) => shell_word(reference.trim_start_matches('+')),
            None => shell_word(&Address::from(word).to_string()),
        })
        .collect()
}

/// Returns the remote-tracking reference of a remote's branch.
fn tracking(remote: &str, reference: &FullRef) -> Option<FullRef> {
    reference.is_branch().then(|| kept_as(remote, reference))
}

/// Returns the reference under which a clone keeps a branch of a remote. For a remote
/// that is named by its address alone, it is one of Modelry's own, without a login in
/// it.
pub fn kept_as(remote: &str, branch: &FullRef) -> FullRef {
    let usual = FullRef::tracking(remote, branch.short());
    if git2::Reference::is_valid_name(usual.as_str()) {
        return usual;
    }
    let place = Address::from(remote).place();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let place: String = place.chars().map(plain).collect();
    FullRef::of_unnamed_remote(place.trim_matches('-'), branch.short())
}

#[cfg(test)]
mod tests {
    use super::{by_hand, kept_as};
    use crate::base::FullRef;

    #[test]
    fn a_branch_of_an_address_is_kept_under_a_name_without_the_login() {
        let main = FullRef::of_branch("main");
        for (remote, kept) in [
            ("origin", "refs/remotes/origin/main"),
            ("the/source", "refs/remotes/the/source/main"),
            (
                "https://bot:s3cret@example.com/m.git?token=s3cret",
                "refs/modelry/remotes/https---example-com-m-git/main",
            ),
            ("git@example.com:m", "refs/modelry/remotes/git-example-com-m/main"),
            ("../models", "refs/modelry/remotes/models/main"),
            ("/srv/models", "refs/modelry/remotes/srv-models/main"),
        ] {
            assert_eq!(kept_as(remote, &main).as_str(), kept);
        }
    }

    #[test]
    fn what_is_typed_by_hand_is_quoted_where_a_shell_needs_it() {
        let words = [
            "fetch",
            "--quiet",
            "--",
            "origin",
            "+refs/heads/a;id:refs/modelry/fetched/1",
        ];
        assert_eq!(by_hand(&words).join(" "), "fetch origin 'refs/heads/a;id'");
        assert_eq!(by_hand(&["push", "it's"]).join(" "), r"push 'it'\''s'");
        let words = by_hand(&["ls-remote", "--", "https://bot:s3cret@example.com/m.git"]);
        assert!(!words.join(" ").contains("s3cret"), "{words:?}");
    }
}
