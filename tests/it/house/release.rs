//! The release: what `.ci/release` makes is fetched, checked, installed and run
//! as a stranger would.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::Lab;
use crate::support::needs::{READELF, needs};
use crate::support::python::Packages;

/// The wheel's builder, which `.ci/release` puts into an environment of its own.
const MATURIN: Packages = Packages {
    folder: "maturin",
    imports: "import maturin",
    names: &["maturin==1.16.0"],
    options: &[],
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Removes the variables that cargo sets for a test of its own package: a build
/// script that watches these would run again, and the tests' own build with it.
fn outside_cargo(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
            .iter()
            .any(|start| told.starts_with(start))
        {
            command.env_remove(&name);
        }
    }
    command.env_remove("CARGO").env_remove("OUT_DIR");
    command
}

#[track_caller]
fn fine(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} is needed by this test: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", told(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn names(folder: &Path) -> BTreeSet<String> {
    let listed = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    listed
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

/// Builds a release of the present build, committed or not. It uses cargo's results
/// from the tests' own folder, but writes to another: the wheel's builder moves the
/// binary away and back while other tests run it.
fn release(out: &Path) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("the target folder");
    let features: Vec<&str> = [
        ("default", cfg!(feature = "default")),
        ("openpgp", cfg!(feature = "openpgp")),
        ("s3", cfg!(feature = "s3")),
    ]
    .iter()
    .filter_map(|(name, on)| on.then_some(*name))
    .collect();
    let _ = fine(
        outside_cargo(&top.join(".ci/release"))
            .args(["--dirty", "--profile", "dev", "--features", &features.join(",")])
            .arg("--out")
            .arg(out)
            .env("CARGO_TARGET_DIR", out.with_extension("target"))
            .env("CARGO_BUILD_BUILD_DIR", target)
            .env("SOURCE_DATE_EPOCH", "1790000000"),
    );
}

#[test]
#[ignore = "needs a release build and Python packages: maturin"]
fn a_release_is_checked_installed_and_run() {
    needs![MATURIN, READELF];
    let lab = Lab::empty();
    let out = lab.home().join("dist");
    release(&out);

    // Three files, and sums that notice one byte.
    let files = names(&out);
    let find = |start: &str, end: &str| {
        let mut found = files
            .iter()
            .filter(|name| name.starts_with(start) && name.ends_with(end));
        let name = found
            .next()
            .unwrap_or_else(|| panic!("{start}…{end} in {files:?}"));
        (name.clone(), out.join(name))
    };
    let (archive_name, archive) = find(&format!("modelry-{VERSION}-"), "-linux-gnu.tar.gz");
    let (_, wheel) = find(&format!("modelry-{VERSION}-py3-none-"), ".whl");
    assert_eq!(files.len(), 3, "{files:?}");
    let check = || {
        let mut sums = lab.command("sha256sum");
        sums.args(["--check", "SHA256SUMS"]).current_dir(&out);
        sums.output().expect("sha256sum")
    };
    let said = told(&check());
    assert_eq!(said.matches(": OK").count(), 2, "{said}");
    for file in [&archive, &wheel] {
        let good = std::fs::read(file).expect("a file");
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        std::fs::write(file, bad).expect("a file");
        assert!(!check().status.success(), "{} was changed", file.display());
        std::fs::write(file, good).expect("a file");
    }
    assert!(check().status.success());

    // The archive: one folder, without an owner or a time of its own.
    let _ = fine(
        lab.command("tar")
            .args(["--extract", "--file"])
            .arg(&archive)
            .current_dir(lab.home()),
    );
    let folder = lab.home().join(archive_name.trim_end_matches(".tar.gz"));
    assert_eq!(
        names(&folder).iter().map(String::as_str).collect::<Vec<_>>(),
        [
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "README.md",
            "SECURITY.md",
            "completions",
            "docs",
            "man",
            "modelry"
        ]
    );
    let readme = std::fs::read_to_string(folder.join("README.md")).expect("README.md");
    for link in crate::docs::links::links(&readme) {
        assert!(folder.join(&link).exists(), "README.md links to `{link}`");
    }
    let list = fine(
        lab.command("tar")
            .args(["--list", "--verbose", "--numeric-owner", "--file"])
            .arg(&archive),
    );
    for line in list.lines() {
        assert!(line.contains(" 0/0 ") && line.contains(" 2026-09-21 "), "{line}");
    }
    assert_eq!(names(&folder.join("completions")).len(), 5);
    let page = std::fs::read_to_string(folder.join("man/man1/modelry-approve.1")).expect("a page");
    assert!(
        page.contains("modelry approve") || page.contains("modelry\\-approve"),
        "{page}"
    );
    let script = fine(
        lab.command("bash")
            .args(["-c", "source \"$1\" && complete -p modelry", "-"])
            .arg(folder.join("completions/modelry.bash")),
    );
    assert!(script.contains("modelry"), "{script}");
    runs(&lab, &folder.join("modelry"), "from-archive");
    let sections = fine(
        lab.command("readelf")
            .args(["--sections", "--wide"])
            .arg(folder.join("modelry")),
    );
    assert!(
        !sections.contains(" .symtab ") && !sections.contains(" .debug_line "),
        "it is stripped:\n{sections}"
    );

    // The wheel, in an environment that holds nothing else.
    let venv = lab.home().join("venv");
    let _ = fine(lab.command("python3").args(["-m", "venv"]).arg(&venv));
    let python = venv.join("bin/python");
    let pip = |arguments: &[&str]| {
        let mut command = lab.command(&python.to_string_lossy());
        command.args(["-m", "pip", "--isolated", "--disable-pip-version-check"]);
        fine(command.args(arguments))
    };
    let _ = pip(&["install", "--quiet", "--no-index", &wheel.to_string_lossy()]);
    let shown = pip(&["show", "--files", "modelry"]);
    for line in [
        "Name: modelry".to_owned(),
        format!("Version: {VERSION}"),
        format!("Summary: {}", env!("CARGO_PKG_DESCRIPTION")),
        "Requires: ".to_owned(),
        "  ../../../bin/modelry".to_owned(),
    ] {
        let line = line.trim_end();
        assert!(
            shown.lines().any(|has| has.trim_end() == line),
            "{line}:\n{shown}"
        );
    }
    let metadata = fine(lab.command(&python.to_string_lossy()).args([
        "-c",
        "from importlib.metadata import distribution; print(distribution('modelry').read_text('METADATA'))",
    ]));
    for line in [
        format!("License-Expression: {}", env!("CARGO_PKG_LICENSE")),
        "License-File: LICENSE-MIT".to_owned(),
        "Requires-Python: >=3.8".to_owned(),
        "# Modelry".to_owned(),
    ] {
        assert!(metadata.lines().any(|has| has == line), "{line}:\n{metadata}");
    }
    runs(&lab, &venv.join("bin/modelry"), "from-wheel");
    // The packed file is the one that cargo built.
    let made = std::fs::read(out.with_extension("target").join("debug/modelry")).expect("the binary");
    let packed = std::fs::read(venv.join("bin/modelry")).expect("the binary");
    assert!(made == packed, "the wheel's binary is another than cargo's");

    // Made again, it is the same; what else is in the folder stays.
    let first = std::fs::read_to_string(out.join("SHA256SUMS")).expect("sums");
    std::fs::write(out.join("notes.txt"), "mine").expect("a file");
    std::fs::write(
        out.join("SHA256SUMS"),
        format!("{first}{}  modelry-0.0.9.tar.gz\n", "0".repeat(64)),
    )
    .expect("a file");
    std::fs::write(out.join("modelry-0.0.9.tar.gz"), "older").expect("a file");
    release(&out);
    let again = std::fs::read_to_string(out.join("SHA256SUMS")).expect("sums");
    assert_eq!(first, again, "two runs, the same bytes");
    assert!(check().status.success());
    let mut expected = files;
    expected.insert("notes.txt".to_owned());
    assert_eq!(names(&out), expected);
}

/// It says its version, and makes a whole registry that holds.
#[track_caller]
fn runs(lab: &Lab, binary: &Path, folder: &str) {
    let binary = binary.to_string_lossy();
    assert_eq!(
        fine(lab.command(&binary).arg("--version")),
        format!("modelry {VERSION}\n")
    );
    let demo = lab.home().join(folder);
    let _ = fine(lab.command(&binary).arg("demo").arg(&demo));
    let list = fine(lab.command(&binary).arg("-C").arg(&demo).arg("list"));
    assert!(list.contains("fraud-detector"), "{list}");
}

/// A project with the release script and a program of its own.
struct Project {
    lab: Lab,
}

impl Project {
    fn new(program: &str) -> Project {
        let lab = Lab::empty();
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in [
            ".ci/release",
            "pyproject.toml",
            "README.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
            "docs/README.md",
            "LICENSE-MIT",
            "LICENSE-APACHE",
        ] {
            let copy = lab.top.join(file);
            std::fs::create_dir_all(copy.parent().expect("a folder")).expect("folders");
            std::fs::copy(top.join(file), copy).expect("a file");
        }
        lab.write(
            "Cargo.toml",
            "[package]\nname = \"modelry\"\nversion = \"7.8.9\"\nedition = \"2024\"\n\
             description = \"none\"\nlicense = \"MIT OR Apache-2.0\"\nreadme = \"README.md\"\n",
        );
        lab.write("src/main.rs", program);
        lab.write("CHANGELOG.md", "# Changelog\n\n## 7.8.9\n\n- all of it\n");
        lab.write(".gitignore", "/target\n");
        let _ = fine(
            outside_cargo(Path::new("cargo"))
                .args(["generate-lockfile", "--offline", "--quiet"])
                .current_dir(&lab.top),
        );
        lab.commit("admin-1", "a project");
        Project { lab }
    }

    fn out(&self) -> PathBuf {
        self.lab.home().join("out")
    }

    /// A release that must not come to be: what it says instead.
    #[track_caller]
    fn refused(&self) -> String {
        let before = self.out().exists().then(|| names(&self.out()));
        // The builder that the other test installed, if it was faster.
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release-tools/bin");
        let path = std::env::var("PATH").unwrap_or_default();
        let output = outside_cargo(&self.lab.top.join(".ci/release"))
            .args(["--profile", "dev", "--features", "", "--out"])
            .arg(self.out())
            .env("PATH", format!("{}:{path}", tools.display()))
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_BUILD_TARGET_DIR")
            .output()
            .expect("bash");
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        assert_eq!(before, self.out().exists().then(|| names(&self.out())));
        let left: Vec<String> = names(self.lab.home())
            .into_iter()
            .filter(|name| name.starts_with("out."))
            .collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        told(&output)
    }
}

#[test]
#[ignore = "needs a release build"]
fn a_release_of_what_is_not_committed_or_not_written_up_is_refused() {
    let project = Project::new("fn main() {}\n");
    project.lab.write("src/more.rs", "");
    let said = project.refused();
    assert!(said.contains("the tree is not what is committed"), "{said}");
    std::fs::remove_file(project.lab.top.join("src/more.rs")).expect("a file");

    project
        .lab
        .write("CHANGELOG.md", "# Changelog\n\n## 7.8.90\n\n## 7x8x9\n");
    project.lab.commit("admin-1", "other versions");
    let said = project.refused();
    assert!(said.contains("CHANGELOG.md has no section for 7.8.9"), "{said}");

    project
        .lab
        .write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n");
    project.lab.commit("admin-1", "not yet");
    std::fs::create_dir(project.out()).expect("a folder");
    std::fs::write(project.out().join("letter"), "mine").expect("a file");
    let said = project.refused();
    assert!(said.contains("holds other files than a release"), "{said}");
}

#[test]
#[ignore = "needs a release build and Python packages: maturin"]
fn a_release_that_does_not_build_or_run_leaves_nothing() {
    needs![MATURIN];
    let project = Project::new("fn main() { this does not compile }\n");
    let said = project.refused();
    assert!(said.contains("could not compile"), "{said}");

    // It writes pages and completions, and is of another version.
    project.lab.write(
        "src/main.rs",
        "fn main() { if std::env::args().any(|word| word == \"--version\") { println!(\"modelry 7.8.8\") } }\n",
    );
    project.lab.commit("admin-1", "another version");
    let said = project.refused();
    assert!(
        said.contains("says that it is `modelry 7.8.8`, not 7.8.9"),
        "{said}"
    );

    // It is right about that, and cannot do its job.
    project.lab.write(
        "src/main.rs",
        "fn main() {\n    match std::env::args().nth(1).as_deref() {\n        \
         Some(\"--version\") => println!(\"modelry 7.8.9\"),\n        \
         Some(\"demo\") => { eprintln!(\"out of order\"); std::process::exit(3) }\n        \
         _ => {}\n    }\n}\n",
    );
    project.lab.commit("admin-1", "no demo");
    let said = project.refused();
    assert!(
        said.contains("out of order") && said.contains("failed: "),
        "{said}"
    );
}
