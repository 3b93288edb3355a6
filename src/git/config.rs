//! Git's configuration, read once, by the git program. Only git knows every file,
//! include, condition and variable that a value can come from. libgit2 reads fewer of
//! them, and is used only where there is no git program.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use git2::{ConfigLevel, Repository};

use super::{command, failed};
use crate::base::Error;

/// The origin of a configured value, in git's words, from the widest to the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The machine's file.
    System,
    /// The user's file.
    Global,
    /// The repository's file.
    Local,
    /// The work tree's own file.
    Worktree,
    /// The environment: `GIT_CONFIG_COUNT` and `git -c`.
    Command,
}

impl Scope {
    /// Returns git's word for the scope, which is also the option of `git config`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::System => "system",
            Scope::Global => "global",
            Scope::Local => "local",
            Scope::Worktree => "worktree",
            Scope::Command => "command",
        }
    }

    /// Whether the value is stored in the repository itself. A repository that is
    /// received as a folder or an archive includes such values.
    pub fn is_of_repository(self) -> bool {
        matches!(self, Scope::Local | Scope::Worktree)
    }

    fn parse(word: &str) -> Option<Scope> {
        let all = [
            Scope::System,
            Scope::Global,
            Scope::Local,
            Scope::Worktree,
            Scope::Command,
        ];
        all.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// One value of git's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The origin of the value.
    pub scope: Scope,
    /// The key: section and variable in lower case.
    pub key: String,
    /// The value; `true` where the file gives the key alone.
    pub value: String,
}

/// Git's whole configuration for a repository, in git's order: the last value of a
/// key is the nearest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(Vec<Setting>);

impl Settings {
    /// Returns the nearest value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.all(key).last().map(|setting| setting.value.as_str())
    }

    /// Returns all values of a key.
    pub fn all(&self, key: &str) -> impl DoubleEndedIterator<Item = &Setting> {
        let key = spelled(key);
        self.0.iter().filter(move |setting| setting.key == key)
    }

    /// Returns the settings that name signing keys and programs, for a command that
    /// signs. gpg's program has two names; the last one set wins.
    pub fn signing(&self) -> HashMap<String, String> {
        Settings::keyed(self.0.iter())
    }

    /// Returns [`Settings::signing`] for a command that only reads. Programs that the
    /// repository's own files name are left out, since a repository that was handed
    /// over must not choose what is run.
    pub fn signing_to_look(&self) -> HashMap<String, String> {
        let is_program = |key: &str| key.ends_with(".program") || key.ends_with("command");
        let all = self.0.iter();
        Settings::keyed(all.filter(|setting| !(setting.scope.is_of_repository() && is_program(&setting.key))))
    }

    fn keyed<'s>(all: impl Iterator<Item = &'s Setting>) -> HashMap<String, String> {
        all.map(|setting| {
            let key = match setting.key.as_str() {
                "gpg.program" => "gpg.openpgp.program",
                key => key,
            };
            (key.to_owned(), setting.value.clone())
        })
        .collect()
    }

    /// Returns every value.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter()
    }

    /// Returns the git command that prints the configuration of the repository around
    /// `directory`.
    pub(super) fn command(directory: &Path) -> Command {
        let mut git = command::git();
        git.arg("-C")
            .arg(directory)
            .args(["config", "--list", "--null", "--show-scope"])
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        git
    }

    /// Parses the output of [`Settings::command`]: scope, then key and value, each
    /// ended by a NUL.
    pub(super) fn read(said: &[u8]) -> Settings {
        let said = String::from_utf8_lossy(said);
        let mut words = said.split('\0');
        let mut all = Vec::new();
        while let (Some(scope), Some(entry)) = (words.next(), words.next()) {
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            // An unknown scope is newer than this program, and is taken for the
            // nearest.
            let scope = Scope::parse(scope).unwrap_or(Scope::Command);
            all.push(Setting {
                scope,
                key: key.to_owned(),
                value: value.to_owned(),
            });
        }
        Settings(all)
    }

    /// Reads the configuration with libgit2, for machines without git.
    pub(super) fn of_libgit2(raw: &Repository) -> Result<Settings, Error> {
        let read = || {
            let mut all = Vec::new();
            let config = raw.config()?;
            let mut entries = config.entries(None)?;
            while let Some(entry) = entries.next() {
                let entry = entry?;
                let scope = match entry.level() {
                    ConfigLevel::ProgramData | ConfigLevel::System => Scope::System,
                    ConfigLevel::XDG | ConfigLevel::Global => Scope::Global,
                    ConfigLevel::Worktree => Scope::Worktree,
                    ConfigLevel::Local => Scope::Local,
                    _ => Scope::Command,
                };
                all.push(Setting {
                    scope,
                    key: entry.name()?.to_owned(),
                    value: entry.value().unwrap_or("true").to_owned(),
                });
            }
            Ok(Settings(all))
        };
        read().map_err(failed("can't read git's configuration"))
    }
}

/// Normalises a key as git lists it: section and variable in lower case, the part
/// between them unchanged.
fn spelled(key: &str) -> String {
    let (section, rest) = key.split_once('.').unwrap_or((key, ""));
    let section = section.to_ascii_lowercase();
    match rest.rsplit_once('.') {
        Some((between, variable)) => format!("{section}.{between}.{}", variable.to_ascii_lowercase()),
        None => format!("{section}.{}", rest.to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, Settings};

    #[test]
    fn keys_are_found_in_any_case_and_the_last_value_is_nearest() {
        let said = b"global\0user.name\nOne\0local\0branch.Main.pushremote\norigin\0local\0core.bare\0command\0user.name\nTwo\nlines\0";
        let settings = Settings::read(said);
        assert_eq!(settings.get("User.Name"), Some("Two\nlines"));
        assert_eq!(settings.get("branch.Main.pushRemote"), Some("origin"));
        assert_eq!(settings.get("branch.main.pushRemote"), None);
        assert_eq!(settings.get("core.bare"), Some("true"));
        let scopes: Vec<Scope> = settings.all("user.name").map(|setting| setting.scope).collect();
        assert_eq!(scopes, [Scope::Global, Scope::Command]);
    }
}
