//! `modelry hook`: a guarded server, and commits judged before they are made.

mod commit;
mod install;
pub mod push;
mod server;
mod several;
mod transports;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::{Lab, Said, said};

/// A registry in a clone, and a guarded bare repository beside it.
pub struct Guarded {
    pub lab: Lab,
    /// The bare repository.
    pub bare: PathBuf,
}

impl Guarded {
    /// The registry of `Lab::with_registry` with `churn/1` Pending, on the
    /// server too.
    pub fn new() -> Guarded {
        static MADE: OnceLock<Guarded> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let guarded = Guarded::empty();
            guarded.lab.register("churn", '1');
            let _ = guarded.accepts("admin-1", &["main"]);
            guarded
        });
        made.copy()
    }

    /// The same, with nothing pushed yet.
    pub fn empty() -> Guarded {
        static MADE: OnceLock<Guarded> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let guarded = Guarded::of(Lab::with_registry());
            let root = guarded.lab.root();
            let said = guarded.says(&["hook", "install", "--server", "--root", &root]);
            assert_eq!(said.code, 0, "{}", said.err);
            guarded
        });
        made.copy()
    }

    /// An empty bare repository beside a clone, not guarded yet.
    pub fn of(lab: Lab) -> Guarded {
        let bare = lab.home().join("models.git");
        lab.git(&[
            "init",
            "-q",
            "--bare",
            "--initial-branch=main",
            &bare.to_string_lossy(),
        ]);
        Guarded { lab, bare }
    }

    fn copy(&self) -> Guarded {
        let lab = self.lab.copy();
        let bare = lab.home().join("models.git");
        Guarded { lab, bare }
    }

    /// Modelry on the server.
    pub fn says(&self, arguments: &[&str]) -> Said {
        let mut command = self.lab.command(env!("CARGO_BIN_EXE_modelry"));
        said(command.args(arguments).current_dir(&self.bare))
    }

    /// Modelry on the server, with this on standard input.
    pub fn says_to(&self, input: &str, arguments: &[&str]) -> Said {
        let mut command = self.lab.command(env!("CARGO_BIN_EXE_modelry"));
        command.args(arguments).current_dir(&self.bare);
        say_to(&mut command, input.as_bytes())
    }

    /// Git on the server.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.lab
            .git(&[&["-C", &self.bare.to_string_lossy()], arguments].concat())
    }

    /// A push to the server.
    pub fn push(&self, who: &str, arguments: &[&str]) -> Said {
        let url = self.bare.to_string_lossy().into_owned();
        self.push_to(&url, who, arguments)
    }

    /// A push to the server by a URL of it.
    pub fn push_to(&self, url: &str, who: &str, arguments: &[&str]) -> Said {
        let mut command = self.lab.command("git");
        self.lab.as_actor(&mut command, who);
        let options: Vec<&str> = arguments.iter().copied().filter(|a| a.starts_with('-')).collect();
        let references: Vec<&str> = arguments
            .iter()
            .copied()
            .filter(|a| !a.starts_with('-'))
            .collect();
        command.arg("push").args(options).arg(url).args(references);
        said(command.current_dir(&self.lab.top))
    }

    /// Every reference of the server.
    pub fn references(&self) -> String {
        self.git(&["for-each-ref", "--format=%(objectname) %(refname)"])
    }

    /// A push that must be accepted.
    #[track_caller]
    pub fn accepts(&self, who: &str, arguments: &[&str]) -> Said {
        let said = self.push(who, arguments);
        assert_eq!(said.code, 0, "push {arguments:?}: {}", said.err);
        said
    }

    /// A push that must be refused, whole; what the pusher sees.
    #[track_caller]
    pub fn refuses(&self, who: &str, arguments: &[&str]) -> String {
        let before = (self.references(), self.verified());
        let said = self.push(who, arguments);
        assert_ne!(said.code, 0, "push {arguments:?}: {}", said.err);
        assert!(said.err.contains("pre-receive hook declined"), "{}", said.err);
        assert_eq!(before.0, self.references(), "a refused push moves nothing");
        let tip = self.git(&["for-each-ref", "--format=%(objectname)", "refs/heads/main"]);
        let after = self.verified();
        assert!(
            after == before.1 || after.as_deref() == Some(&tip),
            "the verified point is no further than the mainline"
        );
        said.err
    }

    /// The commit that the server verified last.
    pub fn verified(&self) -> Option<String> {
        verified(&self.bare)
    }

    /// A hook of the server's owner, as a shell script.
    pub fn write_hook(&self, name: &str, text: &str) {
        write_program(&self.bare.join("hooks").join(name), text);
    }
}

/// Runs a command with this on standard input.
pub fn say_to(command: &mut Command, input: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A process that does not read its input explains why.
    let _ = child.stdin.take().expect("standard input").write_all(input);
    let output = child.wait_with_output().expect("the program ends");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The commit of the only verified point that a repository remembers.
fn verified(git_folder: &Path) -> Option<String> {
    let points = std::fs::read_dir(git_folder.join("modelry/verified")).ok()?;
    let mut points = points.map(|point| std::fs::read(point.expect("a point").path()).expect("a file"));
    let bytes = points.next()?;
    assert!(points.next().is_none(), "one mainline, one point");
    let value = crate::support::remembered(&bytes);
    value["commit"].as_str().map(str::to_owned)
}

pub fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    std::fs::write(path, text).expect("a program");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}
