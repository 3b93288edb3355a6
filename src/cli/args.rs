//! Options that many commands share: which registry to read, and durations.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::output::Output;
use crate::workspace::Wanted;

/// Options that every command takes: where the registry is, and the form of the
/// output.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Run as if started in this folder; a second `-C` is relative to the first
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        action = clap::ArgAction::Append,
        help_heading = "Everywhere"
    )]
    pub(super) directories: Vec<PathBuf>,
    /// The registry's folder, relative to the repository's top [default: the folder
    /// that holds `registry.yaml`]
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Where to look")]
    pub(super) path: Option<String>,
    /// The branch whose history counts [default: git config modelry.mainline, else
    /// the remote's default branch, else the current branch]
    #[arg(long, global = true, value_name = "BRANCH", help_heading = "Where to look")]
    pub(super) mainline: Option<String>,
    /// The root that you trust: the id of the registry's first commit, and its folder
    /// [default: git config modelry.root]
    #[arg(
        long,
        global = true,
        value_name = "OID[:FOLDER]",
        help_heading = "Where to look"
    )]
    pub(super) root: Option<String>,
    /// The number of threads that verify a history [default: the number of
    /// processors]
    #[arg(
        long,
        global = true,
        value_name = "N",
        hide_short_help = true,
        help_heading = "Everywhere"
    )]
    pub(super) threads: Option<std::num::NonZeroUsize>,
    /// The form of the output: `human`, `json`, or another form that the command's
    /// help names
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORM",
        global = true,
        value_parser = FormParser,
        hide_possible_values = true,
        help_heading = "Everywhere"
    )]
    pub(super) output: Option<String>,
}

impl Global {
    /// Resolves a path of the command line against the folder to work in.
    pub(super) fn located(&self, path: &std::path::Path) -> PathBuf {
        match self.directory().to_str() {
            Some(".") => path.to_owned(),
            _ => self.directory().join(path),
        }
    }

    /// Returns the folder to work in. As in git, each `-C` is relative to the one
    /// before it.
    pub(super) fn directory(&self) -> PathBuf {
        let mut given = self.directories.iter();
        let first = given.next().cloned().unwrap_or_else(|| ".".into());
        given.fold(first, |at, next| at.join(next))
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            directory: self.directory(),
            path: self.path.clone(),
            mainline: self.mainline.clone(),
            root: self.root.clone(),
            repins: false,
            checkpoint: None,
            threads: self.threads,
        }
    }
}

/// Accepts any word as a form, so that the command itself can name the forms that it
/// has. Completions list all forms.
#[derive(Clone)]
struct FormParser;

impl TypedValueParser for FormParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let all = Output::value_variants().iter();
        Some(Box::new(all.filter_map(ValueEnum::to_possible_value)))
    }
}

/// Parses `90s`, `30m` or `2h`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.trim_end_matches(|c: char| c.is_ascii_alphabetic()) {
        number if number.len() == text.len() => (number, "s"),
        number => (number, &text[number.len()..]),
    };
    let wrong = || format!("`{text}` is no time: write 90s, 30m or 2h");
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}
