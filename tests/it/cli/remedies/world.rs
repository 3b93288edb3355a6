//! `fixtures/registry` as a real repository, with keys that the test holds, and
//! the cases of `fixtures/rules` on its disk.

use std::path::Path;
use std::sync::OnceLock;

use modelry::testing::object::Mode;
use serde_json::Value;

use crate::judge::rules::{Files, apply, base, filled};
use crate::support::{Lab, said};

const PEOPLE: [&str; 7] = [
    "admin-1", "admin-2", "risk-1", "risk-2", "trainer", "host", "old-hand",
];

/// A case on a real disk.
pub struct Scene {
    pub lab: Lab,
    /// The files before the case changes them.
    pub before: Files,
    /// The commit before.
    pub base: String,
    /// The actor who judges and signs.
    pub who: String,
    /// Whether the case is a commit, and not on the disk alone.
    pub committed: bool,
}

/// A finding, as a program reads it.
#[derive(Clone, Debug)]
pub struct Told {
    pub code: String,
    pub message: String,
    pub path: String,
    pub pointer: String,
    pub start: (usize, usize),
    pub end: (usize, usize),
    pub help: String,
    pub choose: bool,
}

fn text(files: &Files, path: &str) -> String {
    String::from_utf8(files[path].1.clone()).expect("UTF-8")
}

fn put(files: &mut Files, path: &str, text: String) {
    files.insert(path.to_owned(), (Mode::File, text.into_bytes()));
}

/// The files with the keys of this lab.
fn with_keys(lab: &Lab) -> Files {
    let mut files = base();
    let mut registry = text(&files, "registry.yaml");
    let value: Value = serde_yaml::from_str(&registry).expect("YAML");
    for who in PEOPLE {
        let old = value["actors"][who]["keys"][0].as_str().expect("a key");
        registry = registry.replace(old, &key_line(lab, who));
    }
    let lost = value["revoked"][0]["key"].as_str().expect("a fingerprint");
    registry = registry.replace(lost, &print_of(lab, "lost"));
    put(&mut files, "registry.yaml", registry);
    files
}

/// Somebody's public key, without its comment.
pub fn key_line(lab: &Lab, who: &str) -> String {
    let line = std::fs::read_to_string(lab.public_key(who)).expect("a key");
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn print_of(lab: &Lab, who: &str) -> String {
    let mut command = lab.command("ssh-keygen");
    command.args(["-l", "-f", &lab.public_key(who)]);
    said(&mut command)
        .out
        .split_whitespace()
        .nth(1)
        .expect("a fingerprint")
        .to_owned()
}

/// Writes a file as the case has it; none takes it away.
fn write(lab: &Lab, path: &str, file: Option<&(Mode, Vec<u8>)>) {
    use std::os::unix::fs::PermissionsExt;
    let place = lab.top.join(path);
    let _ = std::fs::remove_file(&place);
    let Some((mode, bytes)) = file else { return };
    std::fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
    if *mode == Mode::Symlink {
        let to = String::from_utf8_lossy(bytes).into_owned();
        return std::os::unix::fs::symlink(to, &place).expect("a link");
    }
    std::fs::write(&place, bytes).expect("a file");
    if *mode == Mode::Executable {
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    }
}

/// Lists the differences between two states of the files.
fn changed(before: &Files, after: &Files) -> Vec<String> {
    let mut paths: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    paths.sort();
    paths.dedup();
    paths.retain(|path| before.get(path) != after.get(path));
    paths
}

/// The registry of the fixtures, each record by its author.
fn registry() -> &'static Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    MADE.get_or_init(|| {
        let lab = Lab::empty();
        for who in ["lost", "mallory", "fresh"] {
            let _ = lab.key(who);
        }
        let mut files = with_keys(&lab);
        // It was there before it was deleted.
        let other = text(&files, "groups/churn/versions/2/version.yaml");
        let folder = "groups/churn/versions/1";
        let deleted = format!("{folder}/version.yaml");
        let tombstone = text(&files, &deleted);
        put(&mut files, &deleted, other.replace("version: 2", "version: 1").replace("churn/2", "churn/1"));
        let subject = filled("SUBJECT(churn/1)", &files);
        let old = tombstone.lines().find_map(|line| line.strip_prefix("subject: ")).expect("a subject");
        let tombstone = tombstone.replace(old, &subject);
        let step = |who: &str, wanted: &dyn Fn(&str) -> bool, change: &dyn Fn(&str, String) -> String| {
            for path in files.keys().filter(|path| wanted(path)) {
                lab.write(path, &change(path, text(&files, path)));
            }
            lab.commit(who, "a step");
        };
        let as_is = |_: &str, text: String| text;
        step("admin-1", &|path| path == "registry.yaml", &|_, text| text.replace("serial: 16", "serial: 1"));
        lab.git(&["config", "modelry.root", &lab.root()]);
        lab.git(&["config", "modelry.mainline", "main"]);
        step("admin-1", &|path| path == "registry.yaml", &as_is);
        step("admin-1", &|path| path.ends_with("/group.yaml"), &as_is);
        let beside = |path: &str| {
            ["/reviews/", "/stages/"].iter().all(|part| !path.contains(part)) && path.contains("/versions/")
        };
        step("trainer", &beside, &|path, text| {
            let pending = |text: &str, status: &str| text.replace(&format!("status: {status}"), "status: Pending");
            match path.ends_with("/version.yaml") {
                true => pending(&pending(&text, "Approved"), "Rejected"),
                false => text,
            }
        });
        let is_of = |who: &'static str| move |path: &str| path.ends_with(&format!("/reviews/{who}.yaml"));
        step(
            "risk-1",
            &|path| is_of("risk-1")(path) || path == "groups/fraud-detector/versions/2/version.yaml",
            &as_is,
        );
        step(
            "risk-2",
            &|path| is_of("risk-2")(path) || path == "groups/fraud-detector/versions/1/version.yaml",
            &as_is,
        );
        step("risk-1", &|path| path.contains("/stages/"), &as_is);
        let review = format!(
            "apiVersion: modelry/v1\nkind: Review\ngroup: churn\nversion: 1\nby: risk-2\nrevision: 1\ndecision: Rejected\nsubject: {subject}\n"
        );
        lab.write(&format!("{folder}/reviews/risk-2.yaml"), &review);
        lab.write(&deleted, &text(&files, &deleted).replace("status: Pending", "status: Rejected"));
        lab.commit("risk-2", "reject churn/1");
        std::fs::remove_dir_all(lab.top.join(folder)).expect("the folder");
        lab.write(&deleted, &tombstone);
        lab.commit("risk-2", "delete churn/1");
        let _ = lab.ok("admin-1", &["audit"]);
        lab
    })
}

fn read_back(lab: &Lab) -> Files {
    let listed = lab.git(&["ls-files"]);
    listed
        .lines()
        .map(|path| {
            (
                path.to_owned(),
                (Mode::File, std::fs::read(lab.top.join(path)).expect("a file")),
            )
        })
        .collect()
}

/// The case on a real disk.
pub fn scene(case: &Value) -> Scene {
    let lab = registry().copy();
    let mut files = read_back(&lab);
    if let Some(edits) = case.get("before") {
        let start = files.clone();
        apply(&mut files, edits);
        let mut paths = changed(&start, &files);
        if paths.iter().any(|path| path == "registry.yaml") {
            let raised = text(&files, "registry.yaml").replace("serial: 16\n", "serial: 17\n");
            put(&mut files, "registry.yaml", raised);
        }
        // The policy first, then new versions, the records beside them, and moves.
        paths.sort_by_key(|path| {
            let moves = path.ends_with("/version.yaml") && start.contains_key(path);
            (
                path != "registry.yaml",
                moves,
                !path.ends_with("/version.yaml"),
                path.clone(),
            )
        });
        for path in &paths {
            write(&lab, path, files.get(path));
            let record: Value = serde_yaml::from_str(&text(&files, path)).expect("YAML");
            // Moves carry their own authority.
            lab.commit(record["by"].as_str().unwrap_or("admin-1"), "before");
        }
        let _ = lab.ok("admin-1", &["audit"]);
    }
    let before = files.clone();
    if let Some(edits) = case.get("after") {
        apply(&mut files, edits);
    }
    for path in changed(&before, &files) {
        write(&lab, &path, files.get(&path));
    }
    let base = lab.git(&["rev-parse", "HEAD"]);
    let carrier = case["carrier"].as_str().expect("a carrier");
    let who = match carrier {
        "unknown" => "mallory",
        "retired" => "old-hand",
        "revoked" => "lost",
        "bad" | "loose" => "trainer",
        who => who,
    };
    let mut scene = Scene {
        lab,
        before,
        base,
        who: who.to_owned(),
        committed: false,
    };
    if matches!(carrier, "bad" | "loose") {
        scene.forge(carrier);
    }
    scene
}

impl Scene {
    /// A commit whose signature does not hold, or with a header twice.
    fn forge(&mut self, how: &str) {
        self.lab.commit("trainer", "as signed");
        let text = self.lab.git(&["cat-file", "commit", "HEAD"]) + "\n";
        let forged = match how {
            "bad" => text.replace("as signed", "other words"),
            _ => text.replacen("\ngpgsig ", "\ngpgsig x\ngpgsig ", 1),
        };
        std::fs::write(self.lab.home().join("forged"), forged).expect("a file");
        let id = self
            .lab
            .git(&["hash-object", "-t", "commit", "-w", "--literally", "../forged"]);
        self.lab.git(&["update-ref", "HEAD", &id]);
        self.committed = true;
    }

    /// Returns the judge's findings on the files on disk, and on the commits since.
    pub fn look(&self) -> Vec<Told> {
        let mut told = self.judged(&[]);
        if self.lab.git(&["branch", "--show-current"]) != "main" {
            told.extend(self.judged(&["--onto", "main", "--landing", "merge"]));
        } else if self.lab.git(&["rev-parse", "HEAD"]) != self.base {
            told.extend(self.judged(&[&format!("{}..HEAD", self.base)]));
        }
        told
    }

    fn judged(&self, what: &[&str]) -> Vec<Told> {
        let words = [&["validate", "-o", "json"][..], what].concat();
        let mut command = self.lab.modelry(&self.who, &words);
        if self.who == "unsigned" {
            command.env("GIT_CONFIG_COUNT", "0");
        }
        let said = said(&mut command);
        assert!(said.code < 2, "{words:?}: {said:?}");
        let report: Value = serde_json::from_str(&said.out).expect("JSON");
        let findings = report["findings"].as_array().expect("a list").iter();
        let of = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let number = |finding: &Value, key: &str| {
            usize::try_from(finding[key].as_u64().unwrap_or(1)).expect("a number")
        };
        findings
            .map(|finding| Told {
                code: of(finding, "code"),
                message: of(finding, "message"),
                path: of(finding, "path"),
                pointer: of(finding, "pointer"),
                start: (number(finding, "line"), number(finding, "column")),
                end: (number(finding, "endLine"), number(finding, "endColumn")),
                help: of(finding, "help"),
                choose: finding["choose"] == true,
            })
            .collect()
    }

    /// Puts a file back as it was, or takes it away if it was not there.
    pub fn restore(&self, path: &str) {
        write(&self.lab, path, self.before.get(path));
    }

    pub fn exists(&self, path: &str) -> bool {
        Path::new(&self.lab.top.join(path)).exists()
    }
}
