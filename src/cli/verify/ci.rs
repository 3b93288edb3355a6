//! `modelry validate --ci`: reads the CI system's job.

use clap::ValueEnum;
use serde_json::Value;

use crate::base::Error;
use crate::workspace::verdict::{self, Job, System};

/// The CI systems, as options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// GitHub Actions: GITHUB_EVENT_NAME and GITHUB_EVENT_PATH; GITHUB_REF and GITHUB_SHA on a schedule or by hand
    Github,
    /// GitLab CI: the variables that begin with CI_
    Gitlab,
}

impl From<Ci> for System {
    fn from(ci: Ci) -> System {
        match ci {
            Ci::Github => System::GitHub,
            Ci::Gitlab => System::GitLab,
        }
    }
}

/// Returns a variable of the environment; an empty one counts as unset.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the job that this process runs in.
///
/// # Errors
/// The system's variables describe no job.
pub(super) fn job(system: System, mainline: Option<&str>) -> Result<Job, Error> {
    match system {
        System::GitLab => verdict::gitlab(&variable, mainline),
        System::GitHub => {
            let needed = |name: &str| {
                variable(name).ok_or_else(|| {
                    Error::msg(format!(
                        "`{name}` is not set, so this is no job of GitHub Actions"
                    ))
                    .hint("elsewhere: `modelry validate --onto BASE TIP`, or `modelry validate A..B`")
                })
            };
            let (event, path) = (needed("GITHUB_EVENT_NAME")?, needed("GITHUB_EVENT_PATH")?);
            let path = std::path::PathBuf::from(path);
            let bytes = std::fs::read(&path).map_err(|source| Error::Io {
                action: "read",
                path: path.clone(),
                source,
            })?;
            let payload: Value = serde_json::from_slice(&bytes)
                .map_err(|error| Error::msg(format!("{} is no JSON: {error}", path.display())))?;
            verdict::github(&event, &payload, &variable, mainline)
        }
    }
}
