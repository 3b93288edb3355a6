//! Adapts the lines that a user is asked to type to the folder where the user works.
//! Lines of `modelry` get `-C`, `--path` and `--mainline` as they were given. Lines
//! of git run at the repository's top, since all paths of reports are relative to it.
//! Lines for another person get no folder of this user's machine.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;

use super::args::Global;
use super::{Command, definition};
use crate::base::shell_word;

/// The user's folder, and the options that the command was given.
#[derive(Default)]
pub(super) struct Standing {
    /// The given options, each with its value quoted for a shell.
    given: Vec<(&'static str, String)>,
    /// The path to the repository's top, or `None` where the user is there.
    top: Option<String>,
    commands: Vec<String>,
    /// The user's name as an actor, once it is known.
    me: RefCell<Option<String>>,
}

/// Words that name the person who types the line after them.
const FOR_ANOTHER: [&str; 5] = ["ask ", "let `", "turn:", "Others ", "an administrator can "];

/// The programs whose lines name paths relative to the repository's top.
const AT_TOP: [&str; 4] = ["mv ", "mkdir ", "chmod ", "sed "];

impl Standing {
    /// Reads a command line. Lines of a hook and lines for an administrator are typed
    /// elsewhere, and so stay as they are.
    pub(super) fn of(global: &Global, command: &Command) -> Standing {
        if matches!(
            command,
            Command::Hook(_) | Command::Whoami(_) | Command::Completions(_) | Command::Man(_)
        ) {
            return Standing::default();
        }
        let directory = global.directory();
        let named = |text: &str| shell_word(text);
        let mut given = Vec::new();
        if directory != Path::new(".") {
            given.push(("-C", named(&directory.to_string_lossy())));
        }
        for (option, value) in [("--path", &global.path), ("--mainline", &global.mainline)] {
            given.extend(value.as_ref().map(|value| (option, named(value))));
        }
        let top = top_of(&directory).filter(|top| top != ".");
        let commands = match given.is_empty() {
            true => Vec::new(),
            false => definition()
                .get_subcommands()
                .map(|it| it.get_name().to_owned())
                .collect(),
        };
        Standing {
            given,
            top: top.map(|top| named(&top)),
            commands,
            me: RefCell::default(),
        }
    }

    /// Stores the user's name as an actor: lines for that actor are the user's own.
    pub(super) fn is_of(&self, actor: &str) {
        self.me.replace(Some(actor.to_owned()));
    }

    /// Whether lines are changed for the user's folder.
    pub(super) fn adapts(&self) -> bool {
        !self.given.is_empty()
    }

    /// Whether a line after these words is for another person to type.
    fn is_for_another(&self, before: &str) -> bool {
        let clause = ["; ", ", or ", ". "]
            .iter()
            .filter_map(|end| before.rfind(end).map(|at| at + end.len()))
            .max();
        let clause = &before[clause.unwrap_or(0)..];
        let names = |name: &str| {
            let mut words = clause.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
            words.any(|word| word == name)
        };
        let starts = |words: &&str| {
            let mut found = clause.match_indices(*words);
            // A word in colour follows a letter.
            found.any(|(at, _)| *words == "turn:" || !clause[..at].ends_with(|c: char| c.is_alphanumeric()))
        };
        FOR_ANOTHER.iter().any(starts) && !names("anybody") && !self.me.borrow().as_deref().is_some_and(names)
    }

    /// Returns the text with its lines as the user types them here.
    pub(super) fn typed<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.given.is_empty() && self.top.is_none() {
            return Cow::Borrowed(text);
        }
        let lines = text.split_inclusive('\n').map(|line| {
            let parts: Vec<&str> = line.split('`').collect();
            // A backtick inside quoted words leaves an odd number of parts.
            let is_paired = parts.len() % 2 == 1;
            let mut before = String::new();
            let mut typed = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                let is_line = is_paired && index % 2 == 1;
                let is_mine = !self.is_for_another(&before);
                let shown = self.commands(part, &before);
                typed.push(match is_line && is_mine {
                    true => self.at_top(&shown).into_owned(),
                    false => shown.into_owned(),
                });
                before.push_str(part);
                before.push('`');
            }
            typed.join("`")
        });
        Cow::Owned(lines.collect())
    }

    /// Returns a shell line as it runs at the repository's top.
    fn at_top<'t>(&self, line: &'t str) -> Cow<'t, str> {
        let Some(top) = &self.top else {
            return Cow::Borrowed(line);
        };
        if AT_TOP.iter().any(|program| line.starts_with(program)) {
            return Cow::Owned(format!("(cd {top} && {line})"));
        }
        let is_elsewhere = self.given.iter().any(|(option, _)| *option == "-C");
        let has_paths = line.contains(" -- ") || line.starts_with("git add ");
        if !line.starts_with("git ") || !(is_elsewhere || has_paths) {
            return Cow::Borrowed(line);
        }
        let parts = line.split(" && ").map(|part| match part.strip_prefix("git ") {
            Some(rest) if !rest.starts_with("-C ") => format!("git -C {top} {rest}"),
            _ => part.to_owned(),
        });
        Cow::Owned(parts.collect::<Vec<String>>().join(" && "))
    }

    /// Adds the options after each `modelry` in a part of a line that names a
    /// command. `words` are those before the part.
    fn commands<'t>(&self, part: &'t str, words: &str) -> Cow<'t, str> {
        const NAME: &str = "modelry ";
        if self.given.is_empty() || !part.contains(NAME) {
            return Cow::Borrowed(part);
        }
        let mut out = String::new();
        let mut rest = part;
        while let Some(at) = rest.find(NAME) {
            let (before, after) = rest.split_at(at);
            let after = &after[NAME.len()..];
            out.push_str(before);
            out.push_str(NAME);
            let is_word = before
                .chars()
                .next_back()
                .is_some_and(|c| c.is_alphanumeric() || "_./-".contains(c));
            let word = after
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
                .next();
            let is_command = word.is_some_and(|word| self.commands.iter().any(|it| it == word));
            if is_command && !is_word {
                let is_mine = !self.is_for_another(&format!("{words}{before}"));
                for (option, value) in &self.given {
                    if (is_mine || *option != "-C") && !after.contains(&format!(" {option} ")) {
                        out.push_str(&format!("{option} {value} "));
                    }
                }
            }
            rest = after;
        }
        out.push_str(rest);
        Cow::Owned(out)
    }
}

/// Returns the path from the user's folder to the repository's top.
fn top_of(directory: &Path) -> Option<String> {
    let whole = directory.canonicalize().ok()?;
    let depth = whole.ancestors().position(|at| at.join(".git").exists());
    let shown = directory.to_string_lossy();
    let Some(depth) = depth else {
        // The repository is bare, or there is none.
        return Some(shown.into_owned());
    };
    let up = vec![".."; depth].join("/");
    Some(match (shown.as_ref(), depth) {
        (_, 0) => shown.into_owned(),
        (".", _) => up,
        _ => format!("{}/{up}", shown.trim_end_matches('/')),
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::Standing;

    fn standing(given: &[(&'static str, &str)], top: Option<&str>) -> Standing {
        Standing {
            given: given
                .iter()
                .map(|(option, value)| (*option, (*value).to_owned()))
                .collect(),
            top: top.map(str::to_owned),
            commands: vec!["list".into(), "validate".into()],
            me: RefCell::default(),
        }
    }

    #[test]
    fn lines_of_modelry_have_the_options_that_were_given() {
        let here = standing(&[("-C", "there"), ("--path", "models")], Some("there"));
        for (line, typed) in [
            ("`modelry list`", "`modelry -C there --path models list`"),
            ("type modelry list", "type modelry -C there --path models list"),
            (
                "`modelry list --path other `",
                "`modelry -C there list --path other `",
            ),
            ("`modelry -C x list`", "`modelry -C x list`"),
            ("my-modelry list, modelry is", "my-modelry list, modelry is"),
            (
                "`git fetch && git push`",
                "`git -C there fetch && git -C there push`",
            ),
            (
                "`mv a b && git reset -- a`",
                "`(cd there && mv a b && git reset -- a)`",
            ),
            ("git fetch", "git fetch"),
            ("a ` b `git fetch`", "a ` b `git fetch`"),
        ] {
            assert_eq!(here.typed(line), typed);
        }
    }

    #[test]
    fn lines_for_another_person_have_no_folder_of_this_machine() {
        let here = standing(&[("-C", "there"), ("--path", "models")], Some("there"));
        here.is_of("ben");
        for (line, typed) in [
            (
                "turn: cho: `modelry list`",
                "turn: cho: `modelry --path models list`",
            ),
            (
                "turn: ben: `modelry list`",
                "turn: ben: `modelry -C there --path models list`",
            ),
            (
                "turn: anybody's: `modelry list`",
                "turn: anybody's: `modelry -C there --path models list`",
            ),
            (
                "ask `cho`: `modelry list`",
                "ask `cho`: `modelry --path models list`",
            ),
            ("ask cho: modelry list", "ask cho: modelry --path models list"),
            (
                "ask `cho`; then `modelry list`",
                "ask `cho`; then `modelry -C there --path models list`",
            ),
            (
                "the task `modelry list`",
                "the task `modelry -C there --path models list`",
            ),
            (
                "`modelry list`, and ask `cho` to `git fetch`",
                "`modelry -C there --path models list`, and ask `cho` to `git fetch`",
            ),
        ] {
            assert_eq!(here.typed(line), typed);
        }
    }

    #[test]
    fn below_the_top_lines_with_paths_alone_change() {
        let here = standing(&[], Some("../.."));
        for (line, typed) in [
            ("`modelry list`", "`modelry list`"),
            ("`git fetch`", "`git fetch`"),
            ("`git restore -- a`", "`git -C ../.. restore -- a`"),
            ("`mv a b`", "`(cd ../.. && mv a b)`"),
        ] {
            assert_eq!(here.typed(line), typed);
        }
    }
}
