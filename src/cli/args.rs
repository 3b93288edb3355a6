//! Options that many commands share: where to look, and how long.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::output::Output;
use crate::workspace::Wanted;

/// Where to look, and how to say it.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Run as though started in this folder; a second one is seen from the first
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        action = clap::ArgAction::Append,
        help_heading = "Everywhere"
    )]
    pub(super) directories: Vec<PathBuf>,
    /// The registry's folder, from the repository's top [default: found]
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Where to look")]
    pub(super) path: Option<String>,
    /// The branch that counts [default: git config modelry.mainline, else the remote's default, else the current one]
    #[arg(long, global = true, value_name = "BRANCH", help_heading = "Where to look")]
    pub(super) mainline: Option<String>,
    /// The registry's first commit, and its folder, that you trust [default: git config modelry.root]
    #[arg(
        long,
        global = true,
        value_name = "OID[:FOLDER]",
        help_heading = "Where to look"
    )]
    pub(super) root: Option<String>,
    /// Threads that prove a history [default: as many as there are processors]
    #[arg(
        long,
        global = true,
        value_name = "N",
        hide_short_help = true,
        help_heading = "Everywhere"
    )]
    pub(super) threads: Option<std::num::NonZeroUsize>,
    /// The form of the output: human or json, or those that the command's help names
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
    /// A path that was given, seen from the folder to work in.
    pub(super) fn located(&self, path: &std::path::Path) -> PathBuf {
        match self.directory().to_str() {
            Some(".") => path.to_owned(),
            _ => self.directory().join(path),
        }
    }

    /// The folder to work in. As in git, each `-C` is seen from the one before it.
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

/// Takes any word as a form, so that the command itself can name those that it has;
/// completions get them all.
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

/// `90s`, `30m`, `2h`; a bare number is seconds.
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
