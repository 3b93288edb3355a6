//! Python with packages that somebody else wrote: second opinions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde_json::Value;

/// Packages that a test asks.
pub struct Packages {
    /// The folder below the target folder that they are put in.
    pub folder: &'static str,
    /// The modules that must be importable.
    pub imports: &'static str,
    /// The packages that pip installs: each is in `tests/requirements.txt`, or has
    /// its version here.
    pub names: &'static [&'static str],
    /// Further words for pip.
    pub options: &'static [&'static str],
}

/// Versions of the packages, as pip reads them.
const PINNED: &str = include_str!("../../requirements.txt");

impl Packages {
    /// Returns the packages that pip installs, each at its pinned version.
    pub fn requirements(&self) -> Vec<String> {
        let pinned = |name: &str| {
            let mut lines = PINNED.lines();
            lines.find(|line| line.split_once("==").is_some_and(|(of, _)| of == name))
        };
        let names = self.names.iter();
        names
            .map(|name| pinned(name).unwrap_or(name).to_owned())
            .collect()
    }

    fn needs(&self) -> String {
        format!(
            "python3 is needed by this test, with: pip install {}",
            self.requirements().join(" ")
        )
    }

    /// Python with these packages; what the machine lacks is installed below
    /// the target folder, once.
    pub fn python3(&self) -> Command {
        let mut command = Command::new("python3");
        if let Some(folder) = self.folder().unwrap_or_else(|()| panic!("{}", self.needs())) {
            command.env("PYTHONPATH", folder);
        }
        command
    }

    /// Folder that the packages are in, or `None` where the machine has them. Fails
    /// where they can't be installed.
    pub fn folder(&self) -> Result<Option<PathBuf>, ()> {
        type Folders = BTreeMap<&'static str, Result<Option<PathBuf>, ()>>;
        static FOLDERS: Mutex<Folders> = Mutex::new(BTreeMap::new());
        let mut folders = FOLDERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        folders
            .entry(self.folder)
            .or_insert_with(|| self.install())
            .clone()
    }

    fn install(&self) -> Result<Option<PathBuf>, ()> {
        let has_them = |path: Option<&Path>| {
            let mut command = Command::new("python3");
            command.args(["-c", self.imports]).stderr(Stdio::null());
            if let Some(path) = path {
                command.env("PYTHONPATH", path);
            }
            command
                .status()
                .unwrap_or_else(|error| panic!("{}: {error}", self.needs()))
                .success()
        };
        if has_them(None) {
            return Ok(None);
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.folder);
        if !has_them(Some(&target)) {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--target"])
                .arg(&target)
                .args(self.options);
            let installed = pip.args(self.requirements()).status();
            if !installed.is_ok_and(|status| status.success()) {
                return Err(());
            }
        }
        Ok(Some(target))
    }

    /// Runs a script over a JSON value, and reads the JSON that it prints last.
    pub fn run(&self, script: &str, input: &Value) -> Value {
        let mut child = self
            .python3()
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.needs()));
        let bytes = serde_json::to_vec(input).expect("JSON");
        let mut pipe = child.stdin.take().expect("a pipe");
        let feed = std::thread::spawn(move || std::io::Write::write_all(&mut pipe, &bytes));
        let output = child.wait_with_output().expect("python3");
        feed.join().expect("a thread").expect("bytes");
        assert!(
            output.status.success(),
            "{}, and that it agrees: {}",
            self.needs(),
            String::from_utf8_lossy(&output.stderr)
        );
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(said.lines().last().unwrap_or_default()).expect("JSON from python")
    }
}
