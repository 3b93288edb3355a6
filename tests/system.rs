//! The tests that take servers, foreign programs, Python packages, or minutes: those
//! of the target `it` that are marked `#[ignore = "needs …"]`. `cargo test` leaves them
//! out; `cargo test --test system` runs them, and fails where this machine lacks what
//! one of them needs.
//!
//! They are in `it` because most of them share a file and its helpers with tests that
//! need nothing. Arguments after `--` go to them: `cargo test --test system -- soak`.

use std::path::Path;
use std::process::{Command, ExitCode};

/// Cargo, building for the tests what it has built for this target, and nothing else.
fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    // A build script that watches what cargo says of this package would run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
        if is_ours.iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", target.expect("the target folder"))
        .args(["test", "--test", "it", "--no-default-features", "--features"]);
    let features = [
        ("default", cfg!(feature = "default")),
        ("openpgp", cfg!(feature = "openpgp")),
        ("s3", cfg!(feature = "s3")),
    ];
    let on: Vec<&str> = features
        .iter()
        .filter_map(|(name, on)| on.then_some(*name))
        .collect();
    command.arg(on.join(","));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command
}

fn main() -> ExitCode {
    let status = cargo()
        .args(["--", "--ignored"])
        .args(std::env::args_os().skip(1))
        .env("MODELRY_TEST_ALL", "1")
        .status()
        .expect("cargo runs");
    match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
