//! Programs and packages of Python and Node that some tests need beside git and OpenSSH's
//! client programs.
//!
//! A test of servers, Python packages, GnuPG, node, strace or a release build is marked
//! `#[ignore = "needs …"]`: `cargo test --test system` runs it. Small programs that most
//! machines have are looked for instead: a test that lacks one ends at once, and the
//! target `left_out`, which cargo runs last, lists it with the reason and the line that
//! installs what is missing. With `MODELRY_TEST_ALL` set, as `.ci/run` and the target
//! `system` do, it fails instead.

use std::path::{Path, PathBuf};

use super::python::Packages;

/// A need that this machine does not meet.
pub struct Missing {
    /// Name of the program or of the packages.
    pub what: String,
    /// Command that installs it.
    pub install: String,
}

/// Something that a test needs beside git and OpenSSH's client programs.
pub trait Need {
    /// Returns the missing part, if this machine lacks it.
    fn missing(&self) -> Option<Missing>;
}

/// A program, and the Debian package that holds it.
pub struct Program(pub &'static str, pub &'static str);

pub const CURL: Program = Program("curl", "curl");
pub const GPG: Program = Program("gpg", "gnupg");
pub const JQ: Program = Program("jq", "jq");
pub const LIGHTTPD: Program = Program("lighttpd", "lighttpd");
pub const NODE: Program = Program("node", "nodejs");
pub const NPM: Program = Program("npm", "npm");
pub const OPENSSL: Program = Program("openssl", "openssl");
pub const PRLIMIT: Program = Program("prlimit", "util-linux");
pub const PYTHON: Program = Program("python3", "python3 python3-pip python3-venv");
pub const READELF: Program = Program("readelf", "binutils");
pub const SCRIPT: Program = Program("script", "bsdutils");
pub const STRACE: Program = Program("strace", "strace");
pub const TIME: Program = Program("time", "time");
pub const SSHD: Program = Program("sshd", "openssh-server");

impl Program {
    /// Path of the program, also in the folders of system services.
    pub fn path(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
            .map(|folder| folder.join(self.0))
            .find(|file| file.is_file())
    }
}

impl Need for Program {
    fn missing(&self) -> Option<Missing> {
        self.path().is_none().then(|| Missing {
            what: self.0.to_owned(),
            install: format!("apt-get install {}", self.1),
        })
    }
}

/// The right to give files to another user.
pub struct Root;

impl Need for Root {
    fn missing(&self) -> Option<Missing> {
        let me = std::process::Command::new("id").arg("-u").output();
        let is_root = me.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
        (!is_root).then(|| Missing {
            what: "the rights of root".to_owned(),
            install: "run the tests as root, in a container for example".to_owned(),
        })
    }
}

impl Need for Packages {
    fn missing(&self) -> Option<Missing> {
        PYTHON.missing().or_else(|| {
            self.folder().is_err().then(|| Missing {
                what: format!("Python packages: {}", self.names.join(", ")),
                install: format!("python3 -m pip install {}", self.requirements().join(" ")),
            })
        })
    }
}

/// Says whether a test is left out, and writes that down for the target
/// `left_out`. `here` is the type name of a function inside the test.
#[track_caller]
pub fn is_left_out(here: &str, needs: &[&dyn Need]) -> bool {
    let test = here.trim_end_matches("::here");
    let test = test.split_once("::").map_or(test, |(_, test)| test);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("left-out");
    let record = folder.join(test.replace("::", "."));
    let missing: Vec<Missing> = needs.iter().filter_map(|need| need.missing()).collect();
    if missing.is_empty() {
        let _ = std::fs::remove_file(record);
        return false;
    }
    if std::env::var_os("MODELRY_TEST_ALL").is_some() {
        let lines: Vec<&str> = missing.iter().map(|missing| &*missing.install).collect();
        panic!("{test} needs more than this machine has: {}", lines.join("; "));
    }
    // The parent is cargo: `left_out` lists the tests of its own run alone.
    let mut text = format!("{}\n", std::os::unix::process::parent_id());
    for missing in missing {
        text.push_str(&format!("{}\t{}\n", missing.what, missing.install));
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(record, text).expect("a record of the test that is left out");
    true
}

/// Ends a test that needs what this machine lacks. First line of the test.
macro_rules! needs {
    ($($need:expr),+ $(,)?) => {
        fn here() {}
        if $crate::support::needs::is_left_out(
            std::any::type_name_of_val(&here),
            &[$(&$need as &dyn $crate::support::needs::Need),+],
        ) {
            return;
        }
    };
}
pub(crate) use needs;
