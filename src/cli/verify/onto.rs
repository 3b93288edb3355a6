//! `modelry validate --onto`: the branch to land on, and the ways of landing.

use clap::ValueEnum;

use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::read::at::FetchArgs;
use crate::git::Repo;
use crate::record::kind::Landing;
use crate::workspace::Workspace;

/// The ways of landing, as options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// A merge commit of both sides
    Merge,
    /// One commit with all changes of the branch
    Squash,
    /// Each commit of the branch, made again
    Rebase,
}

impl From<Way> for Landing {
    fn from(way: Way) -> Landing {
        match way {
            Way::Merge => Landing::Merge,
            Way::Squash => Landing::Squash,
            Way::Rebase => Landing::Rebase,
        }
    }
}

/// Opens the registry. In a checkout without a branch, as CI makes it, the branch to
/// land on identifies the mainline.
pub(super) fn workspace(base: &str, fetch: FetchArgs, global: &Global, ui: &Ui) -> Result<Workspace, Error> {
    let first = match fetch.open(global, ui) {
        Ok(workspace) => return Ok(workspace),
        Err(error) => error,
    };
    let mut wanted = global.wanted();
    if wanted.mainline.is_none()
        && let Ok(repo) = Repo::open(&wanted.directory)
        && let Some(name) = repo.full_name(base)
    {
        wanted.mainline = Some(name.to_string());
        return fetch.open_as(&wanted, ui);
    }
    Err(first)
}
