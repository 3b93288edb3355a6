//! Second opinions in Python: other readers of what Modelry writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// What to say when it is not there.
pub const NEEDS: &str = "this test needs python3 with pip: `.ci/run` installs it";

const PACKAGES: [&str; 7] = [
    "pyyaml",
    "rfc8785",
    "check-jsonschema",
    "huggingface_hub",
    "html5lib",
    "boto3",
    "moto[server]",
];

/// Python with the packages that these tests ask; what the machine lacks is
/// installed below the target folder, once.
pub fn python3() -> Command {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let packages = FOUND.get_or_init(|| {
        let has_them = |path: Option<&Path>| {
            let mut command = Command::new("python3");
            command
                .args([
                    "-c",
                    "import yaml, rfc8785, check_jsonschema, huggingface_hub, html5lib, boto3, moto.server",
                ])
                .stderr(Stdio::null());
            if let Some(path) = path {
                command.env("PYTHONPATH", path);
            }
            command.status().expect(NEEDS).success()
        };
        if has_them(None) {
            return None;
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
        if !has_them(Some(&target)) {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--target"])
                .arg(&target);
            let installed = pip.args(PACKAGES).status();
            assert!(installed.is_ok_and(|status| status.success()), "{NEEDS}");
        }
        Some(target)
    });
    let mut command = Command::new("python3");
    if let Some(packages) = packages {
        command.env("PYTHONPATH", packages);
    }
    command
}

/// Runs a Python script over a JSON value, and reads the JSON that it prints.
pub fn python(script: &str, input: &Value) -> Value {
    let mut child = python3()
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect(NEEDS);
    let bytes = serde_json::to_vec(input).expect("JSON");
    let mut pipe = child.stdin.take().expect("a pipe");
    let feed = std::thread::spawn(move || std::io::Write::write_all(&mut pipe, &bytes));
    let output = child.wait_with_output().expect("python3");
    feed.join().expect("a thread").expect("bytes");
    assert!(output.status.success(), "{NEEDS}");
    serde_json::from_slice(&output.stdout).expect("JSON from python")
}
