//! Runs the git program on the index and the work tree, and keeps it from running
//! others: hooks, the file system monitor, and filter programs of the configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Repo;
use super::command::git;
use super::config::Settings;
use crate::base::{Error, ObjectFormat};
use crate::git::disk::io;

/// A filter with a program in the configuration.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// The value of the attribute `filter` that selects it.
    pub name: String,
    /// The program that git would run, as configured.
    pub program: String,
}

/// The git program, set up to read the work tree as `git add` and `git status` do,
/// without running other programs.
pub(super) struct Program<'r> {
    repo: &'r Repo,
    top: PathBuf,
    filters: Vec<Filter>,
    /// An index in place of the repository's, and a folder for new objects that must
    /// stay out of the repository.
    scratch: Option<(PathBuf, Option<PathBuf>)>,
}

impl Repo {
    /// Returns the git program for the work tree, or `None` in a bare repository.
    pub(super) fn program(&self) -> Result<Option<Program<'_>>, Error> {
        let Some(top) = self.workdir() else {
            return Ok(None);
        };
        Ok(Some(Program {
            repo: self,
            top: top.to_owned(),
            filters: configured(&self.settings()),
            scratch: None,
        }))
    }

    /// Returns the index's path; a hook's environment may name another index.
    pub(super) fn index_file(&self) -> PathBuf {
        match std::env::var_os("GIT_INDEX_FILE").filter(|path| !path.is_empty()) {
            Some(path) => self.workdir().unwrap_or(Path::new(".")).join(path),
            None => self.raw.path().join("index"),
        }
    }
}

impl Program<'_> {
    /// Returns the work tree's top.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Returns the program with a copy of the repository's index, and with new
    /// objects below `folder`.
    pub fn apart(&self, folder: &Path) -> Result<Program<'_>, Error> {
        let (index, objects) = (folder.join("index"), folder.join("objects"));
        std::fs::create_dir_all(&objects).map_err(io("create", &objects))?;
        Ok(Program {
            scratch: Some((index.clone(), Some(objects))),
            ..self.on(&index)?
        })
    }

    /// Returns the program with a copy of the repository's index at this path.
    pub fn on(&self, index: &Path) -> Result<Program<'_>, Error> {
        let from = self.repo.index_file();
        if from.exists() {
            std::fs::copy(&from, index).map_err(io("read", &from))?;
            // Git compares this time with those of the files, and reads a file again
            // that was written at the same moment as its entry.
            let time = std::fs::metadata(&from).and_then(|meta| meta.modified());
            let time = time.map_err(io("read", &from))?;
            let copy = std::fs::File::options().write(true).open(index);
            copy.and_then(|copy| copy.set_modified(time))
                .map_err(io("write", index))?;
        }
        Ok(self.on_as_it_is(index))
    }

    /// Returns the program with the index at this path.
    pub fn on_as_it_is(&self, index: &Path) -> Program<'_> {
        Program {
            repo: self.repo,
            top: self.top.clone(),
            filters: self.filters.clone(),
            scratch: Some((index.to_owned(), None)),
        }
    }

    /// Returns the hash format of the repository's objects.
    pub fn format(&self) -> ObjectFormat {
        self.repo.format()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = git();
        command.current_dir(&self.top).arg("--literal-pathspecs");
        let mut settings = vec![
            ("core.fsmonitor".to_owned(), "false"),
            ("core.hooksPath".to_owned(), "/dev/null"),
            ("advice.sparseIndexExpanded".to_owned(), "false"),
        ];
        for Filter { name, .. } in &self.filters {
            for (variable, value) in [
                ("clean", ""),
                ("smudge", ""),
                ("process", ""),
                ("required", "false"),
            ] {
                settings.push((format!("filter.{name}.{variable}"), value));
            }
        }
        if self.scratch.is_some() {
            settings.push(("core.splitIndex".to_owned(), "false"));
            // The setting warns a person who adds a file, and nothing is added here.
            settings.push(("core.safecrlf".to_owned(), "false"));
        }
        // An outer `git -c` overrides these variables, so most settings use `-c`
        // themselves. `-c` does not allow a name that contains `=`.
        let before = std::env::var("GIT_CONFIG_COUNT").ok();
        let mut count: usize = before.and_then(|count| count.parse().ok()).unwrap_or(0);
        for (key, value) in settings {
            if key.contains('=') {
                command.env(format!("GIT_CONFIG_KEY_{count}"), key);
                command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
                count += 1;
            } else {
                command.arg("-c").arg(format!("{key}={value}"));
            }
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command.env("GIT_DIR", self.repo.raw.path());
        command.env("GIT_WORK_TREE", &self.top);
        // A command that only reads leaves the index unchanged.
        command.env("GIT_OPTIONAL_LOCKS", "0");
        command.env("GIT_NO_REPLACE_OBJECTS", "1");
        command.env("GIT_NO_LAZY_FETCH", "1");
        command.env("LC_ALL", "C");
        if let Some((index, objects)) = &self.scratch {
            command.env("GIT_INDEX_FILE", index);
            if let Some(objects) = objects {
                command.env("GIT_OBJECT_DIRECTORY", objects);
                command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.alternates());
            }
        }
        command.args(arguments);
        command
    }

    /// Returns the folders that objects are read from, besides the folder for new
    /// ones.
    fn alternates(&self) -> OsString {
        let own = std::env::var_os("GIT_OBJECT_DIRECTORY").filter(|path| !path.is_empty());
        let own = own.unwrap_or_else(|| self.repo.common_dir().join("objects").into_os_string());
        // Git parses a path in quotation marks like a C string.
        let mut all = OsString::from("\"");
        let text = own.to_string_lossy();
        all.push(text.replace('\\', r"\\").replace('"', "\\\""));
        all.push("\"");
        if let Some(more) = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").filter(|it| !it.is_empty()) {
            all.push(if cfg!(windows) { ";" } else { ":" });
            all.push(more);
        }
        all
    }

    /// Runs git, and returns its standard output.
    ///
    /// # Errors
    /// Git fails; the error has git's own words.
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Error> {
        let mut command = self.command(arguments);
        command.stdin(if input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(io("run", Path::new("git")))?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // Git may answer before it has read all input.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
            child.wait_with_output()
        });
        let output = output.map_err(io("run", Path::new("git")))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(self.failed(arguments[0], &output.stderr)),
        }
    }

    fn failed(&self, what: &str, said: &[u8]) -> Error {
        let said = String::from_utf8_lossy(said).replace('\r', "");
        Error::msg(format!("git {what} failed: {}", said.trim())).hint(format!(
            "look at it by hand: `git -C '{}' status`",
            self.top.display()
        ))
    }

    /// Runs git as [`Program::run`] does, with a path after the arguments for each of
    /// `within`. For many paths, their common folder is passed instead.
    pub fn run_within(&self, arguments: &[&str], within: &[String]) -> Result<Vec<u8>, Error> {
        /// More paths would make the command line too long for some systems.
        const MOST: usize = 200;
        let common;
        let within = match within.len() > MOST {
            true => {
                common = common_folder(within).map(str::to_owned);
                common.as_slice()
            }
            false => within,
        };
        let mut arguments = arguments.to_vec();
        if !within.is_empty() {
            arguments.push("--");
            arguments.extend(within.iter().map(String::as_str));
        }
        self.run(&arguments, &[])
    }

    /// Whether the configuration has a filter with a program.
    pub fn has_filter_programs(&self) -> bool {
        self.filters.iter().any(|filter| !filter.program.is_empty())
    }

    /// Returns the filters with programs that these paths select, by path.
    pub fn filtered(&self, paths: &[&[u8]]) -> Result<BTreeMap<Vec<u8>, Filter>, Error> {
        let mut found = BTreeMap::new();
        if !self.has_filter_programs() || paths.is_empty() {
            return Ok(found);
        }
        let said = self.run(&["check-attr", "-z", "--stdin", "filter"], &listed(paths))?;
        let mut words = said.split(|byte| *byte == 0);
        while let (Some(path), Some(_), Some(value)) = (words.next(), words.next(), words.next()) {
            let value = String::from_utf8_lossy(value);
            let mut filters = self.filters.iter();
            let filter = filters.find(|filter| filter.name == value && !filter.program.is_empty());
            found.extend(filter.map(|filter| (path.to_vec(), filter.clone())));
        }
        Ok(found)
    }
}

/// Returns the filters with programs in the configuration.
fn configured(settings: &Settings) -> Vec<Filter> {
    let mut filters = BTreeMap::new();
    for setting in settings.iter() {
        let named = setting.key.strip_prefix("filter.");
        let Some((name, variable)) = named.and_then(|rest| rest.rsplit_once('.')) else {
            continue;
        };
        let filter = filters.entry(name.to_owned()).or_insert_with(|| Filter {
            name: name.to_owned(),
            program: String::new(),
        });
        // The programs are `clean`, `smudge` and `process`; the first one names the
        // filter.
        if matches!(variable, "clean" | "smudge" | "process") && filter.program.is_empty() {
            filter.program.clone_from(&setting.value);
        }
    }
    filters.into_values().collect()
}

/// Joins paths as git reads them with `-z`.
pub(super) fn listed(paths: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::new();
    for path in paths {
        all.extend_from_slice(path);
        all.push(0);
    }
    all
}

/// Returns the deepest folder that contains all paths, or `None` where that is the
/// top.
fn common_folder(paths: &[String]) -> Option<&str> {
    let mut common = paths.first()?.rsplit_once('/')?.0;
    for path in paths {
        while !path
            .strip_prefix(common)
            .is_some_and(|rest| rest.starts_with('/'))
        {
            common = common.rsplit_once('/')?.0;
        }
    }
    Some(common)
}
