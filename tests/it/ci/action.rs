//! The action's step that installs: releases from a server of the test's own.

use std::path::Path;
use std::process::Command;

use modelry::testing::record::canonical::sha256;

use super::own;
use crate::support::hub::Hub;
use crate::support::needs::{CURL, needs};
use crate::support::server::{Reply, Server};
use crate::support::{Lab, Said, said};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn name(version: &str) -> String {
    format!("modelry-{version}-x86_64-unknown-linux-gnu")
}

fn packed(lab: &Lab, version: &str, program: &Path) -> Vec<u8> {
    let folder = lab.home().join("dist").join(name(version));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::copy(program, folder.join("modelry")).expect("a file");
    let tar = lab
        .command("tar")
        .args(["-czf", "archive", &name(version)])
        .current_dir(lab.home().join("dist"))
        .status();
    assert!(tar.expect("tar").success());
    std::fs::read(lab.home().join("dist/archive")).expect("an archive")
}

/// An archive as a release has it, with the binary that is tested.
pub fn archive(hub: &Hub, version: &str) -> Vec<u8> {
    packed(&hub.lab, version, Path::new(env!("CARGO_BIN_EXE_modelry")))
}

fn digits(bytes: &[u8]) -> String {
    sha256(bytes).to_string().trim_start_matches("sha256:").to_owned()
}

/// A server with these files below `/v0.1.0/`.
fn releases(files: Vec<(String, Vec<u8>)>) -> Server {
    Server::start(move |request| {
        let found = files
            .iter()
            .find(|(name, _)| request.path == format!("/v{VERSION}/{name}"));
        found.map_or_else(
            || Reply::new(404, b"not here"),
            |(_, bytes)| Reply::file(bytes, request),
        )
    })
}

/// The step's end, and what it put on the path.
fn install(lab: &Lab, variables: &[(&str, &str)]) -> (Said, String) {
    let script = own(".github/actions/validate/install.sh");
    install_by(lab, &script, lab.home(), variables)
}

/// The same of a checkout of the action, in a folder.
fn install_by(lab: &Lab, script: &Path, folder: &Path, variables: &[(&str, &str)]) -> (Said, String) {
    let runner = lab.home().join("runner");
    let _ = std::fs::remove_dir_all(&runner);
    std::fs::create_dir_all(&runner).expect("a folder");
    let mut command = lab.command(&script.to_string_lossy());
    command
        .env("RUNNER_TEMP", &runner)
        .env("GITHUB_PATH", runner.join("path"))
        .env("GITHUB_REPOSITORY", "risk/models")
        .envs(variables.iter().copied())
        .current_dir(folder);
    let said = said(&mut command);
    let path = std::fs::read_to_string(runner.join("path")).unwrap_or_default();
    if said.code != 0 {
        assert_eq!(path, "", "nothing is on the path: {said:?}");
        assert_eq!(
            std::fs::read_dir(&runner).expect("it").count(),
            0,
            "nothing is left: {said:?}"
        );
        assert!(said.out.contains("::error title=modelry::"), "{said:?}");
    }
    (said, path.trim().to_owned())
}

#[test]
fn a_release_is_installed_when_its_sum_is_right() {
    needs![CURL];
    let lab = Lab::empty();
    let bytes = packed(&lab, VERSION, Path::new(env!("CARGO_BIN_EXE_modelry")));
    let (file, sum) = (format!("{}.tar.gz", name(VERSION)), digits(&bytes));
    let sums = format!("{}  modelry.whl\n{sum}  {file}\n", "1".repeat(64));
    let server = releases(vec![(file, bytes), ("SHA256SUMS".into(), sums.into())]);
    for given in [sum.as_str(), ""] {
        let variables = [
            ("MODELRY_VERSION", VERSION),
            ("MODELRY_SHA256", given),
            ("MODELRY_RELEASES", &server.address),
        ];
        let (said, path) = install(&lab, &variables);
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(
            said.out.contains(&format!("`sha256: {sum}` would pin it")),
            given.is_empty()
        );
        let version = Command::new(Path::new(&path).join("modelry"))
            .arg("--version")
            .output();
        assert_eq!(
            version.expect("modelry").stdout,
            format!("modelry {VERSION}\n").into_bytes()
        );
    }
    // Where the sum is given, the release's own word is not even asked for.
    let asked = server
        .log()
        .iter()
        .filter(|request| request.path.ends_with("SHA256SUMS"))
        .count();
    assert_eq!(asked, 1);
}

#[test]
fn what_is_not_what_was_expected_is_not_installed() {
    needs![CURL];
    let lab = Lab::empty();
    let bytes = packed(&lab, VERSION, Path::new(env!("CARGO_BIN_EXE_modelry")));
    let file = format!("{}.tar.gz", name(VERSION));
    let right = digits(&bytes);
    let list = |sum: &str| format!("{sum}  {file}\n").into_bytes();
    let other = format!("{}  other.tar.gz\n", right).into_bytes();
    let twice = [list(&right), list(&"0".repeat(64))].concat();
    let wrong = "0".repeat(64);
    for (sums, given, words) in [
        (Some(list(&wrong)), "", "was expected: it is not used"),
        (Some(list(&right)), wrong.as_str(), "was expected: it is not used"),
        (Some(other), "", "names no sum of"),
        (Some(twice), "", "names no sum of"),
        (None, "", "can't fetch"),
        (Some(list(&right)), "abc", "is no SHA-256"),
    ] {
        let mut files = vec![(file.clone(), bytes.clone())];
        files.extend(sums.map(|sums| ("SHA256SUMS".to_owned(), sums)));
        let server = releases(files);
        let variables = [
            ("MODELRY_VERSION", VERSION),
            ("MODELRY_SHA256", given),
            ("MODELRY_RELEASES", &server.address),
        ];
        let (said, _) = install(&lab, &variables);
        assert_eq!(said.code, 2, "{words}: {said:?}");
        assert!(said.out.contains(words), "{words}: {said:?}");
    }
    // An archive of another version under this one's name.
    let script = lab.home().join("other");
    std::fs::write(&script, "#!/bin/sh\necho modelry 9.9.9\n").expect("a file");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let bytes = packed(&lab, VERSION, &script);
    let sum = digits(&bytes);
    let server = releases(vec![(file.clone(), bytes)]);
    let variables = [
        ("MODELRY_VERSION", VERSION),
        ("MODELRY_SHA256", sum.as_str()),
        ("MODELRY_RELEASES", &server.address),
    ];
    let (said, _) = install(&lab, &variables);
    assert!(
        said.code == 2 && said.out.contains("holds `modelry 9.9.9`"),
        "{said:?}"
    );
    // An invalid version, and a sum of nothing.
    for variables in [
        [("MODELRY_VERSION", "../../x"), ("MODELRY_SHA256", "")],
        [("MODELRY_VERSION", "1.2.3;id"), ("MODELRY_SHA256", "")],
        [("MODELRY_VERSION", "latest"), ("MODELRY_SHA256", "")],
        [("MODELRY_VERSION", ""), ("MODELRY_SHA256", sum.as_str())],
    ] {
        let (said, _) = install(&lab, &variables);
        assert_eq!(said.code, 2, "{variables:?}: {said:?}");
    }
}

/// The test's own cargo replaces minutes of compiling. The test checks its arguments,
/// and where its program goes.
#[test]
fn without_a_version_the_checkout_is_built() {
    let lab = Lab::empty();
    let programs = lab.home().join("programs");
    std::fs::create_dir_all(&programs).expect("a folder");
    let cargo = programs.join("cargo");
    let binary = env!("CARGO_BIN_EXE_modelry");
    std::fs::write(
        &cargo,
        format!("#!/bin/sh\n[ \"$1 $2 $3 $4 $6\" = 'install --locked --quiet --path --root' ] && [ -f \"$5/Cargo.lock\" ] || exit 7\nmkdir \"$7/bin\" && cp '{binary}' \"$7/bin/modelry\"\n"),
    )
    .expect("a file");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!(
        "{}:{}",
        programs.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let (said, installed) = install(&lab, &[("PATH", &path)]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(Path::new(&installed).join("modelry").is_file(), "{installed}");
    // The cache's key follows the lock file and the compiler.
    let out = lab.home().join("out");
    let run = said_of_toolchain(&lab, &out);
    assert_eq!(run.code, 0, "{run:?}");
    let text = std::fs::read_to_string(out).expect("outputs");
    let key = text
        .lines()
        .find_map(|line| line.strip_prefix("key="))
        .expect("a key");
    assert_eq!(key.len(), 64, "{text}");
    assert!(text.contains("\ntarget="), "{text}");
}

/// An author who may push a file to the registry could add a toolchain of their own,
/// or settings that put a program before the compiler.
#[test]
fn what_is_judged_has_no_say_in_what_builds() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::empty();
    let home = lab.home();
    let checkout = home.join("checkout");
    // As the reusable workflow checks the action out: below what is judged.
    let action = checkout.join(".modelry-action/.github/actions/validate");
    let programs = home.join("programs");
    for folder in [&action, &programs, &checkout.join(".cargo")] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    for script in ["install.sh", "toolchain.sh"] {
        std::fs::copy(own(".github/actions/validate").join(script), action.join(script)).expect("a file");
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        std::fs::copy(own(file), checkout.join(".modelry-action").join(file)).expect("a file");
    }
    let brought = [
        "rust-toolchain.toml",
        "rust-toolchain",
        ".cargo/config.toml",
        ".cargo/config",
        "Cargo.toml",
    ];
    for file in brought {
        std::fs::write(checkout.join(file), "theirs\n").expect("a file");
    }
    // They look where rustup and cargo look: from here, and from the sources, upwards.
    let look = format!(
        "#!/bin/sh\nlook() {{ at=$1; while [ \"$at\" != / ]; do for file in {}; do ! grep -qs theirs \"$at/$file\" || {{ echo \"$at/$file counts\" >&2; exit 9; }}; done; at=$(dirname \"$at\"); done; }}\nlook \"$PWD\"\necho \"with $RUSTUP_TOOLCHAIN\" >&2\n",
        brought.join(" ")
    );
    let binary = env!("CARGO_BIN_EXE_modelry");
    for (program, more) in [
        ("rustc", "echo rustc 1.0".to_owned()),
        (
            "cargo",
            format!(
                "look \"$5\"\n[ -f \"$5/Cargo.lock\" ] && mkdir \"$7/bin\" && cp '{binary}' \"$7/bin/modelry\""
            ),
        ),
    ] {
        let file = programs.join(program);
        std::fs::write(&file, format!("{look}{more}\n")).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let path = format!(
        "{}:{}",
        programs.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    for (given, used) in [("", "with stable"), ("1.90.0", "with 1.90.0")] {
        let variables = [("PATH", path.as_str()), ("MODELRY_TOOLCHAIN", given)];
        let (said, installed) = install_by(&lab, &action.join("install.sh"), &checkout, &variables);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.err.contains(used), "{said:?}");
        assert!(Path::new(&installed).join("modelry").is_file(), "{installed}");
        let mut command = lab.command(&action.join("toolchain.sh").to_string_lossy());
        command
            .envs(variables)
            .env("RUNNER_TEMP", home.join("runner"))
            .env("GITHUB_OUTPUT", home.join("out"))
            .current_dir(&checkout);
        let said = crate::support::said(&mut command);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.err.contains(used), "{said:?}");
    }
    // The job that holds the key takes nothing that another job could have written.
    let relay = std::fs::read_to_string(own(".github/actions/relay/action.yml")).expect("a file");
    assert!(!relay.contains("uses:"), "{relay}");
}

fn said_of_toolchain(lab: &Lab, out: &Path) -> Said {
    let mut command = lab.command(&own(".github/actions/validate/toolchain.sh").to_string_lossy());
    // The compiler is found as this test's was.
    for name in ["HOME", "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    said(command.env("RUNNER_TEMP", lab.home()).env("GITHUB_OUTPUT", out))
}
