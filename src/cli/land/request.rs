//! The pull request from a pushed branch: `gh` or `glab` opens it where the user is
//! signed in; otherwise the page that opens it is printed.

use std::process::{Command, Stdio};

use super::attempt::Attempt;
use super::preview::Proposal;
use crate::base::Error;
use crate::git::forge::{Forge, Home};

/// The two branches of a pull request.
pub(super) struct Request<'r> {
    pub remote: &'r str,
    pub branch: &'r str,
    pub mainline: &'r str,
}

/// A pull request, or the page that opens one.
pub(super) struct Page {
    pub url: String,
    pub opened: bool,
}

/// Turns the words of a subject into a part of a branch's name.
pub(super) fn slug(subject: &str) -> String {
    let mut slug = String::new();
    for c in subject.to_lowercase().chars() {
        match c {
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(40);
    slug.trim_end_matches('-').to_owned()
}

/// Opens the pull request, or returns the page that opens one.
pub(super) fn open(
    attempt: &Attempt<'_>,
    request: Request<'_>,
    made: &Proposal,
) -> Result<Option<Page>, Error> {
    let repo = &attempt.workspace.repo;
    let Some(home) = Home::of(&repo.remote_address(request.remote)?) else {
        attempt.ui.note(&format!(
            "open a pull request from `{}` to `{}` by hand: the address of `{}` leads to no page",
            request.branch, request.mainline, request.remote
        ));
        return Ok(None);
    };
    let configured = match repo.config("modelry.forge") {
        Some(name) => Some(Forge::named(&name).ok_or_else(|| {
            Error::msg(format!(
                "`{name}` of git config modelry.forge is no host that is known"
            ))
            .hint("write github, gitlab, bitbucket or gitea")
        })?),
        None => None,
    };
    let forge = configured.or_else(|| home.forge());
    let tools: &[Tool] = match forge {
        Some(Forge::GitHub) => &[GH],
        Some(Forge::GitLab) => &[GLAB],
        Some(_) => &[],
        // For a self-hosted server, both programs are tried.
        None => &[GH, GLAB],
    };
    for tool in tools {
        if !tool.is_signed_in(&home.host) {
            continue;
        }
        match tool.create(&home, &request, made) {
            Ok(url) => return Ok(Some(Page { url, opened: true })),
            Err(why) => attempt
                .ui
                .note(&format!("{} did not open a pull request: {why}", tool.program)),
        }
    }
    let Some(forge) = forge else {
        attempt.ui.note(&format!(
            "open a pull request from `{}` to `{}` at {} by hand; `git config modelry.forge github|gitlab|bitbucket|gitea` lets the next one tell its page",
            request.branch, request.mainline, home.host
        ));
        return Ok(None);
    };
    Ok(Some(Page {
        url: home.page(forge, request.branch, request.mainline),
        opened: false,
    }))
}

/// A host's command-line program.
struct Tool {
    program: &'static str,
    noun: &'static str,
    from: &'static str,
    to: &'static str,
    body: &'static str,
    more: &'static [&'static str],
}

const GH: Tool = Tool {
    program: "gh",
    noun: "pr",
    from: "--head",
    to: "--base",
    body: "--body",
    more: &[],
};

const GLAB: Tool = Tool {
    program: "glab",
    noun: "mr",
    from: "--source-branch",
    to: "--target-branch",
    body: "--description",
    more: &["--yes"],
};

impl Tool {
    fn is_signed_in(&self, host: &str) -> bool {
        Command::new(self.program)
            .args(["auth", "status", "--hostname", host])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Returns the address of the pull request, or the reason why there is none.
    fn create(&self, home: &Home, request: &Request<'_>, made: &Proposal) -> Result<String, String> {
        let repository = format!("{}/{}", home.host, home.path);
        let (subject, body) = made.message.split_once('\n').unwrap_or((&made.message, ""));
        let output = Command::new(self.program)
            .args([self.noun, "create", "--repo", &repository])
            .args([self.from, request.branch, self.to, request.mainline])
            .args(["--title", subject, self.body, body.trim()])
            .args(self.more)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let out = String::from_utf8_lossy(&output.stdout);
        let url = out
            .split_whitespace()
            .rev()
            .find(|word| word.starts_with("https://") || word.starts_with("http://"));
        match url {
            Some(url) if output.status.success() => Ok(url.to_owned()),
            _ => {
                let err = String::from_utf8_lossy(&output.stderr);
                let last = err.lines().rev().find(|line| !line.trim().is_empty());
                Err(last.unwrap_or("it gave no address").trim().to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn subjects_as_names() {
        assert_eq!(slug("Approve fraud-detector/3"), "approve-fraud-detector-3");
        assert_eq!(slug("../Ünder  way"), "nder-way");
        assert!(slug(&"long ".repeat(40)).len() <= 40);
    }
}
