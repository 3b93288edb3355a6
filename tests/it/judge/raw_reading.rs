//! Features that change a clone's view change no verdict: replace refs, grafts,
//! shallow files, commit-graphs, alternates, configuration, environment. Damaged or
//! missing objects make it incomplete, and never a pass.
//!
//! Two stories, each with a merge, in both object formats: one is clean, and in the
//! other the side branch's changes are unsigned.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::needs::{PYTHON, needs};
use crate::support::{Lab, Said, said};

const REVIEW: &str = "groups/churn/versions/1/reviews/risk-1.yaml";

/// A registry with a merge in its history.
struct Story {
    lab: Lab,
    root: String,
    /// The side's only commit: it adds the review and the status.
    side: String,
    merge: String,
    clean: bool,
}

const FORMATS: [&str; 2] = ["sha1", "sha256"];

/// `churn/1` approved on a side branch and merged; when it is not `clean`, the
/// side's commit is signed by nobody, and git shows nothing of that.
fn story(format: &str, clean: bool) -> Story {
    let lab = Lab::in_format(format);
    lab.populate();
    lab.register("churn", '1');
    lab.git(&["switch", "-q", "-c", "side"]);
    let _ = lab.ok(
        "risk-1",
        &["approve", "churn/1", "-m", "good", "--no-record-signature"],
    );
    if !clean {
        lab.git(&["commit", "-q", "--amend", "--no-edit", "--no-gpg-sign"]);
    }
    let side = lab.git(&["rev-parse", "HEAD"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    let merged = lab.git_as("stranger", &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    assert!(merged.status.success());
    Story {
        root: lab.root(),
        merge: lab.git(&["rev-parse", "HEAD"]),
        side,
        clean,
        lab,
    }
}

/// Every story.
fn stories() -> Vec<Story> {
    static MADE: OnceLock<Vec<Story>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        FORMATS
            .into_iter()
            .flat_map(|format| [story(format, true), story(format, false)])
            .collect()
    });
    let copy = |story: &Story| Story {
        lab: story.lab.copy(),
        root: story.root.clone(),
        side: story.side.clone(),
        merge: story.merge.clone(),
        clean: story.clean,
    };
    made.iter().map(copy).collect()
}

/// A clone under another name, and how it is looked at.
struct View<'s> {
    story: &'s Story,
    at: PathBuf,
    environment: Vec<(String, String)>,
}

impl Story {
    /// A copy of the whole repository, as it is.
    fn copy(&self, name: &str) -> View<'_> {
        let at = self.lab.home().join(name);
        let copied = Command::new("cp").arg("-r").arg(&self.lab.top).arg(&at).status();
        assert!(copied.expect("cp").success());
        let _ = std::fs::remove_dir_all(at.join(".git/modelry"));
        View {
            story: self,
            at,
            environment: Vec::new(),
        }
    }

    /// The truth: the verdicts on the repository itself.
    fn truth(&self) -> [Said; 3] {
        let truth = self.copy("truth").verdicts();
        let expected = if self.clean { 0 } else { 1 };
        for truth in &truth {
            assert_eq!(truth.code, expected, "{truth:?}");
        }
        assert_eq!(self.clean, truth[1].out == "s3://models/churn/1\n");
        std::fs::remove_dir_all(self.lab.home().join("truth")).expect("a folder");
        truth
    }
}

impl View<'_> {
    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let mut command = self.story.lab.command("git");
        self.story.lab.as_actor(&mut command, "admin-1");
        let output = command
            .args(arguments)
            .current_dir(&self.at)
            .output()
            .expect("git");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn set(&mut self, key: &str, value: impl AsRef<Path>) {
        self.environment
            .push((key.into(), value.as_ref().display().to_string()));
    }

    /// The verdicts of `validate`, `resolve` and `audit`.
    fn verdicts(&self) -> [Said; 3] {
        let story = self.story;
        let range = format!("{}..HEAD", story.root);
        let at = self.at.display().to_string();
        [
            vec!["-C", &at, "validate", &range, "-o", "json"],
            vec![
                "-C",
                &at,
                "resolve",
                "churn@latest",
                "--root",
                &story.root,
                "--replay",
                "-o",
                "uri",
            ],
            vec!["-C", &at, "audit", "--root", &story.root, "-o", "json"],
        ]
        .map(|arguments| {
            let mut command = story.lab.modelry("admin-1", &arguments);
            for (key, value) in &self.environment {
                command.env(key, value);
            }
            said(&mut command)
        })
    }

    /// The verdicts are the true ones, byte for byte.
    #[track_caller]
    fn is_the_same(&self, truth: &[Said; 3], what: &str) {
        for (told, truth) in self.verdicts().iter().zip(truth) {
            assert_eq!(
                (told.code, &told.out),
                (truth.code, &truth.out),
                "{what}: {}",
                told.err
            );
        }
    }

    /// Checks that the output only says that the verdict is incomplete, and what to
    /// do about it.
    #[track_caller]
    fn is_incomplete(&self, what: &str, hint: &str) {
        for told in self.verdicts() {
            assert_eq!(told.code, 2, "{what}: {told:?}");
            assert_eq!(told.out, "", "{what}");
            assert!(told.err.contains(hint), "{what}: {}", told.err);
        }
    }

    /// The true verdicts, or none.
    #[track_caller]
    fn is_never_wrong(&self, truth: &[Said; 3], what: &str) {
        for (told, truth) in self.verdicts().iter().zip(truth) {
            if told.code == 2 {
                assert_eq!(told.out, "", "{what}");
            } else {
                assert_eq!((told.code, &told.out), (truth.code, &truth.out), "{what}");
            }
        }
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        let _ = std::fs::remove_file(&path);
        std::fs::write(path, bytes).expect("a file");
    }

    /// The file of a loose object.
    fn loose(&self, id: &str) -> String {
        format!(".git/objects/{}/{}", &id[..2], &id[2..])
    }

    /// Moves every object out into another store.
    fn move_objects(&self, name: &str) -> PathBuf {
        let to = self.story.lab.home().join(name);
        std::fs::rename(self.at.join(".git/objects"), &to).expect("moved");
        std::fs::create_dir_all(self.at.join(".git/objects/info")).expect("folders");
        std::fs::create_dir_all(self.at.join(".git/objects/pack")).expect("folders");
        to
    }
}

/// A commit as the attacker would like it to be: everything in one, signed by
/// the one whose review it is.
fn prettier(view: &View<'_>, parents: &[&str]) -> String {
    let tree = view.git(&["rev-parse", &format!("{}^{{tree}}", view.story.side)]);
    let mut arguments = vec!["commit-tree", "-S", &tree, "-m", "pretty"];
    for parent in parents {
        arguments.extend(["-p", parent]);
    }
    let mut command = view.story.lab.command("git");
    view.story.lab.as_actor(&mut command, "risk-1");
    let output = command
        .args(&arguments)
        .current_dir(&view.at)
        .output()
        .expect("git");
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[test]
fn replaced_objects_are_not_believed() {
    for story in stories() {
        let truth = story.truth();
        let mut view = story.copy("replaced");
        let base = view.git(&["rev-parse", &format!("{}^", story.side)]);
        let pretty = prettier(&view, &[&base]);
        view.git(&["replace", &story.side, &pretty]);
        let first = view.git(&["rev-parse", &format!("{}^1", story.merge)]);
        let alone = prettier(&view, &[&first]);
        view.git(&["replace", &story.merge, &alone]);
        let blob = view.git(&["rev-parse", &format!("HEAD:{REVIEW}")]);
        let empty = view.git(&["hash-object", "-w", "/dev/null"]);
        view.git(&["replace", &blob, &empty]);
        assert_eq!(
            view.git(&["cat-file", "blob", &blob]),
            "",
            "git itself shows another"
        );
        view.is_the_same(&truth, "refs/replace");
        // The same under a name of the environment's choice.
        view.git(&["pack-refs", "--all"]);
        for line in view
            .git(&[
                "for-each-ref",
                "--format=%(refname) %(objectname)",
                "refs/replace",
            ])
            .lines()
        {
            let (name, id) = line.split_once(' ').expect("a reference");
            view.git(&["update-ref", &name.replace("replace", "evil"), id]);
            view.git(&["update-ref", "-d", name]);
        }
        view.set("GIT_REPLACE_REF_BASE", "refs/evil/");
        view.is_the_same(&truth, "GIT_REPLACE_REF_BASE");
    }
}

#[test]
fn grafts_and_forged_shallow_files_change_nobodys_charge() {
    for story in stories() {
        let truth = story.truth();
        let mut view = story.copy("grafted");
        let first = view.git(&["rev-parse", &format!("{}^1", story.merge)]);
        let grafts = format!("{} {first}\n{}\n", story.merge, story.side);
        view.write(".git/info/grafts", &grafts);
        assert_eq!(
            view.git(&[
                "-c",
                "advice.graftFileDeprecated=false",
                "rev-list",
                "--parents",
                "-1",
                "HEAD"
            ]),
            format!("{} {first}", story.merge),
            "git itself sees one parent"
        );
        view.is_the_same(&truth, ".git/info/grafts");
        view.write(".git/info/grafts", "no ids\n");
        view.is_never_wrong(&truth, ".git/info/grafts is no list");
        std::fs::remove_file(view.at.join(".git/info/grafts")).expect("a file");
        let elsewhere = story.lab.home().join("grafts");
        std::fs::write(&elsewhere, &grafts).expect("a file");
        view.set("GIT_GRAFT_FILE", &elsewhere);
        view.is_the_same(&truth, "GIT_GRAFT_FILE");
        view.environment.clear();
        for (what, cut) in [
            ("merge", &story.merge),
            ("side", &story.side),
            ("root", &story.root),
        ] {
            view.write(".git/shallow", format!("{cut}\n"));
            view.is_never_wrong(&truth, &format!(".git/shallow names the {what}"));
        }
        view.write(".git/shallow", "no id\n");
        view.is_never_wrong(&truth, ".git/shallow is no list");
        std::fs::remove_file(view.at.join(".git/shallow")).expect("a file");
        let elsewhere = story.lab.home().join("cut");
        std::fs::write(&elsewhere, format!("{}\n", story.merge)).expect("a file");
        view.set("GIT_SHALLOW_FILE", &elsewhere);
        view.is_never_wrong(&truth, "GIT_SHALLOW_FILE");
    }
}

#[test]
fn a_clone_that_is_cut_off_is_incomplete() {
    for story in stories() {
        let url = format!("file://{}", story.lab.top.display());
        for (name, arguments) in [
            ("depth 1", &["--depth=1"][..]),
            ("depth 2", &["--depth=2"]),
            ("without the side", &["--shallow-exclude=side"]),
        ] {
            let at = story.lab.home().join(name);
            let mut command = story.lab.command("git");
            command
                .args(["clone", "-q", "--no-checkout"])
                .args(arguments)
                .arg(&url)
                .arg(&at);
            assert!(command.status().expect("git").success(), "{name}");
            let view = View {
                story: &story,
                at,
                environment: Vec::new(),
            };
            view.is_incomplete(name, "fetch --unshallow");
        }
    }
}

/// Each changed byte in one of the stories; in all of them by `cargo test --test system`.
#[test]
fn a_commit_graph_is_not_believed() {
    commit_graphs(|at, of| at % 4 == of);
}

#[test]
#[ignore = "needs a minute"]
fn a_commit_graph_that_is_changed_anywhere_is_not_believed() {
    commit_graphs(|_, _| true);
}

/// Judges beside commit-graphs. `is_tried` has a say on each change by its number and the
/// story's.
fn commit_graphs(is_tried: impl Fn(usize, usize) -> bool) {
    for (of, story) in stories().into_iter().enumerate() {
        let truth = story.truth();
        let view = story.copy("graph");
        view.git(&["commit-graph", "write", "--reachable", "--changed-paths"]);
        let path = view.at.join(".git/objects/info/commit-graph");
        let good = std::fs::read(&path).expect("a commit-graph");
        view.is_the_same(&truth, "a commit-graph");
        let places = (0..good.len()).step_by(good.len() / 12).enumerate();
        for (_, at) in places.filter(|(number, _)| is_tried(*number, of)) {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            view.write(".git/objects/info/commit-graph", &bad);
            view.is_the_same(&truth, &format!("a commit-graph, changed at {at}"));
        }
        view.write(".git/objects/info/commit-graph", &good[..good.len() / 2]);
        view.is_the_same(&truth, "half a commit-graph");
        view.write(".git/objects/info/commit-graph", b"");
        view.is_the_same(&truth, "an empty commit-graph");
        // One of another history, in which the merge has other parents.
        view.git(&["checkout", "-q", "--orphan", "another"]);
        view.git(&["commit", "-q", "-m", "another"]);
        view.git(&["branch", "-q", "-D", "side"]);
        view.git(&["update-ref", "-d", "refs/heads/main"]);
        view.git(&["commit-graph", "write", "--reachable"]);
        view.git(&["update-ref", "refs/heads/main", &story.merge]);
        view.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
        view.is_the_same(&truth, "a stale commit-graph");
    }
}

#[test]
fn objects_of_others_are_held_to_their_ids() {
    for story in stories() {
        let truth = story.truth();
        let mut view = story.copy("borrower");
        let store = view.move_objects("lender");
        view.is_incomplete("no object at all", "");
        view.write(".git/objects/info/alternates", format!("{}\n", store.display()));
        view.is_the_same(&truth, "an alternate");
        view.write(
            ".git/objects/info/alternates",
            format!("/nowhere\n# words\n{}\n", store.display()),
        );
        view.is_the_same(&truth, "an alternate that is not there, and one that is");
        std::fs::remove_file(view.at.join(".git/objects/info/alternates")).expect("a file");
        view.set("GIT_ALTERNATE_OBJECT_DIRECTORIES", &store);
        view.is_the_same(&truth, "GIT_ALTERNATE_OBJECT_DIRECTORIES");
        view.environment.clear();
        view.set("GIT_OBJECT_DIRECTORY", &store);
        view.is_the_same(&truth, "GIT_OBJECT_DIRECTORY");
        view.environment.clear();
        view.write(".git/objects/info/alternates", format!("{}\n", store.display()));
        // A lender that says another thing under the side commit's name.
        let pretty = prettier(&view, &[&story.root]);
        let from = view.at.join(view.loose(&pretty));
        let to = store.join(&story.side[..2]).join(&story.side[2..]);
        std::fs::remove_file(&to).expect("a loose object");
        std::fs::copy(from, to).expect("a forged object");
        view.is_incomplete("an alternate with a forged commit", "fsck --full`");
    }
}

/// Each damage of each object in one of the stories; in all of them by
/// `cargo test --test system`.
#[test]
fn damaged_objects_are_incomplete() {
    damaged_objects(|at, of| at % 4 == of);
}

#[test]
#[ignore = "needs a minute"]
fn every_damaged_object_of_every_story_is_incomplete() {
    damaged_objects(|_, _| true);
}

/// Damages the objects of stories one after the other. `is_tried` has a say on each damage
/// by its number and the story's.
fn damaged_objects(is_tried: impl Fn(usize, usize) -> bool) {
    for (of, story) in stories().into_iter().enumerate() {
        let truth = story.truth();
        let view = story.copy("damaged");
        let tree = |of: &str| view.git(&["rev-parse", of]);
        let review = tree(&format!("HEAD:{REVIEW}"));
        let other = tree("HEAD:groups/churn/group.yaml");
        let other = std::fs::read(view.at.join(view.loose(&other))).expect("a loose object");
        for (at, (what, id)) in [
            ("the merge", story.merge.clone()),
            ("the side's commit", story.side.clone()),
            ("the first parent", tree("HEAD^1")),
            ("the top tree", tree("HEAD^{tree}")),
            ("the side's tree", tree(&format!("{}^{{tree}}", story.side))),
            ("the reviews", tree("HEAD:groups/churn/versions/1/reviews")),
            ("the review", review),
            ("the policy", tree("HEAD:registry.yaml")),
            ("the version", tree("HEAD:groups/churn/versions/1/version.yaml")),
        ]
        .into_iter()
        .enumerate()
        {
            let path = view.loose(&id);
            let good = std::fs::read(view.at.join(&path)).unwrap_or_else(|error| panic!("{what}: {error}"));
            let mut bad = good.clone();
            let middle = bad.len() / 2;
            bad[middle] ^= 0x10;
            for (damage, (name, bytes)) in [
                ("with no bytes", &[][..]),
                ("half of it", &good[..middle]),
                ("with another bit", &bad),
                // Whole and well packed, and another thing.
                ("replaced by another file", &other),
            ]
            .into_iter()
            .enumerate()
            {
                if is_tried(at + damage, of) {
                    view.write(&path, bytes);
                    view.is_incomplete(&format!("{what}, {name}"), "fsck --full`");
                }
            }
            if is_tried(at, of) {
                let _ = std::fs::remove_file(view.at.join(&path));
                view.is_incomplete(&format!("{what}, gone"), "fetch --");
            }
            view.write(&path, &good);
        }
        view.is_the_same(&truth, "all as it was");
        // In a pack the same holds.
        view.git(&["repack", "-q", "-a", "-d", "-f"]);
        view.is_the_same(&truth, "packed");
        let folder = view.at.join(".git/objects/pack");
        let pack = std::fs::read_dir(folder)
            .expect("packs")
            .map(|entry| entry.expect("a pack").path())
            .find(|path| path.extension().is_some_and(|ending| ending == "pack"))
            .expect("a pack");
        let name = format!(
            ".git/objects/pack/{}",
            pack.file_name().expect("a name").to_string_lossy()
        );
        let good = std::fs::read(&pack).expect("a pack");
        let places = (12..good.len()).step_by(good.len() / 24).enumerate();
        for (_, at) in places.filter(|(number, _)| is_tried(*number, of)) {
            let mut bad = good.clone();
            bad[at] ^= 0x04;
            view.write(&name, &bad);
            view.is_never_wrong(&truth, &format!("a pack, changed at {at}"));
        }
        view.write(&name, &good[..good.len() / 2]);
        view.is_incomplete("half a pack", "");
    }
}

#[test]
fn a_delta_without_its_base_is_incomplete() {
    needs![PYTHON];
    for story in stories() {
        let view = story.copy("thin");
        let review = view.git(&["rev-parse", &format!("HEAD:{REVIEW}")]);
        std::fs::remove_file(view.at.join(view.loose(&review))).expect("a loose object");
        let script = "
import hashlib, struct, sys, zlib
algorithm, folder, name = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3])
base = b'\\x11' * len(name)
delta = zlib.compress(bytes([20, 20, 0x90, 20]))
body = b'PACK' + struct.pack('>LL', 2, 1) + bytes([0x70 | 4]) + base + delta
pack = body + hashlib.new(algorithm, body).digest()
fan = b''.join(struct.pack('>L', 1 if byte >= name[0] else 0) for byte in range(256))
index = b'\\xfftOc' + struct.pack('>L', 2) + fan + name
index += struct.pack('>L', zlib.crc32(pack[12:-len(name)])) + struct.pack('>L', 12) + pack[-len(name):]
index += hashlib.new(algorithm, index).digest()
for ending, content in (('pack', pack), ('idx', index)):
    open(folder + '/pack-' + pack[-len(name):].hex() + '.' + ending, 'wb').write(content)
";
        let algorithm = if story.root.len() == 40 { "sha1" } else { "sha256" };
        let made = Command::new("python3")
            .args(["-c", script, algorithm])
            .arg(view.at.join(".git/objects/pack"))
            .arg(&review)
            .status();
        assert!(made.expect("python3 is needed by this test").success());
        let git = story
            .lab
            .command("git")
            .args(["cat-file", "blob", &review])
            .current_dir(&view.at)
            .output()
            .expect("git");
        assert!(!git.status.success(), "git reads it neither");
        view.is_incomplete("a delta without its base", &review);
    }
}

#[test]
fn a_partial_clone_fetches_nothing_and_is_incomplete() {
    for story in stories() {
        story.lab.git(&["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", story.lab.top.display());
        for filter in ["blob:none", "tree:0"] {
            let at = story.lab.home().join(filter.replace(':', "-"));
            let mut command = story.lab.command("git");
            command
                .args(["clone", "-q", "--no-checkout", "--filter", filter, &url])
                .arg(&at);
            assert!(command.status().expect("git").success());
            let view = View {
                story: &story,
                at,
                environment: Vec::new(),
            };
            let before = view.git(&["count-objects", "-v"]);
            view.is_incomplete(filter, "fetch --refetch");
            assert_eq!(
                before,
                view.git(&["count-objects", "-v"]),
                "{filter}: nothing was fetched"
            );
            // The suggested command fetches the missing objects.
            view.git(&["config", "--unset", "remote.origin.partialclonefilter"]);
            view.git(&["config", "--unset", "remote.origin.promisor"]);
            view.git(&["fetch", "-q", "--refetch"]);
            view.is_the_same(&story.truth(), "after the fetch");
        }
    }
}

/// A program that leaves a mark when it is run.
fn trap(lab: &Lab) -> (PathBuf, PathBuf) {
    let (folder, mark) = (lab.home().join("traps"), lab.home().join("trapped"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let text = format!("#!/bin/sh\necho \"$0 $*\" >> {}\nexit 0\n", mark.display());
    for name in [
        "trap",
        "gpg",
        "gpg2",
        "gpgsm",
        "ssh-keygen",
        "ssh",
        "sh",
        "less",
        "ssh-agent",
    ] {
        let path = folder.join(name);
        std::fs::write(&path, &text).expect("a script");
        let made = Command::new("chmod").arg("+x").arg(&path).status();
        assert!(made.expect("chmod").success());
    }
    // The user's git is asked which repository is meant; it runs nothing else.
    let found = std::env::split_paths(&std::env::var_os("PATH").expect("a path"))
        .map(|folder| folder.join("git"))
        .find(|path| path.is_file());
    std::os::unix::fs::symlink(found.expect("git"), folder.join("git")).expect("a link");
    (folder, mark)
}

#[test]
fn no_configuration_changes_a_verdict_or_runs_a_program() {
    for story in stories() {
        let truth = story.truth();
        let (folder, mark) = trap(&story.lab);
        let program = folder.join("trap").display().to_string();
        let signers = story.lab.home().join("hostile-signers");
        std::fs::write(&signers, "* ssh-ed25519 AAAA\n").expect("a file");
        let hostile: Vec<(&str, String)> = vec![
            ("gpg.program", program.clone()),
            ("gpg.openpgp.program", program.clone()),
            ("gpg.ssh.program", program.clone()),
            ("gpg.x509.program", program.clone()),
            ("gpg.ssh.defaultKeyCommand", program.clone()),
            ("gpg.ssh.allowedSignersFile", signers.display().to_string()),
            ("gpg.ssh.revocationFile", signers.display().to_string()),
            ("gpg.format", "x509".into()),
            ("gpg.minTrustLevel", "undefined".into()),
            ("core.fsmonitor", program.clone()),
            ("core.hooksPath", folder.display().to_string()),
            ("core.sshCommand", program.clone()),
            ("core.pager", program.clone()),
            ("core.editor", program.clone()),
            ("core.askPass", program.clone()),
            ("core.gitProxy", program.clone()),
            ("core.alternateRefsCommand", program.clone()),
            ("core.quotePath", "true".into()),
            ("core.precomposeUnicode", "true".into()),
            ("core.protectHFS", "false".into()),
            ("core.protectNTFS", "false".into()),
            ("core.ignoreCase", "true".into()),
            ("core.autocrlf", "true".into()),
            ("core.eol", "crlf".into()),
            ("core.safecrlf", "true".into()),
            ("core.fileMode", "false".into()),
            ("core.symlinks", "false".into()),
            ("core.commitGraph", "true".into()),
            ("core.multiPackIndex", "true".into()),
            ("core.useReplaceRefs", "true".into()),
            ("core.attributesFile", signers.display().to_string()),
            ("core.excludesFile", signers.display().to_string()),
            ("core.abbrev", "4".into()),
            ("core.compression", "0".into()),
            ("core.warnAmbiguousRefs", "false".into()),
            ("credential.helper", program.clone()),
            ("diff.external", program.clone()),
            ("diff.evil.textconv", program.clone()),
            ("diff.evil.command", program.clone()),
            ("diff.renames", "copies".into()),
            ("diff.noprefix", "true".into()),
            ("diff.ignoreSubmodules", "all".into()),
            ("diff.orderFile", signers.display().to_string()),
            ("filter.evil.clean", program.clone()),
            ("filter.evil.smudge", program.clone()),
            ("filter.evil.process", program.clone()),
            ("filter.evil.required", "true".into()),
            ("merge.evil.driver", program.clone()),
            ("i18n.commitEncoding", "UTF-16".into()),
            ("i18n.logOutputEncoding", "ISO-8859-1".into()),
            ("log.showSignature", "true".into()),
            ("log.mailmap", "true".into()),
            ("log.date", "raw".into()),
            ("log.follow", "true".into()),
            ("log.excludeDecoration", "*".into()),
            ("log.diffMerges", "off".into()),
            ("mailmap.file", signers.display().to_string()),
            ("fsck.skipList", signers.display().to_string()),
            ("uploadpack.packObjectsHook", program.clone()),
            ("protocol.ext.allow", "always".into()),
            ("alias.verify-commit", format!("!{program}")),
            ("url.ext::sh.insteadOf", "file://".into()),
            ("commit.gpgSign", "true".into()),
            ("gc.auto", "1".into()),
            ("maintenance.auto", "true".into()),
            ("extensions.worktreeConfig", "true".into()),
        ];
        // In the repository's own file.
        let view = story.copy("configured");
        for (key, value) in &hostile {
            view.git(&["config", key, value]);
        }
        view.write(
            ".git/config.worktree",
            format!("[core]\n\tfsmonitor = {program}\n"),
        );
        let attributes = "* text eol=crlf working-tree-encoding=UTF-16 filter=evil diff=evil merge=evil ident -export-subst\n";
        view.write(".git/info/attributes", attributes);
        view.write(
            ".mailmap",
            "risk-1 <risk-1@example.com> stranger <stranger@example.com>\n",
        );
        view.is_the_same(&truth, "the repository's configuration");
        // And with no program to be found but traps.
        let mut view = view;
        view.set("PATH", &folder);
        view.is_the_same(&truth, "with traps for programs");
        assert!(
            !mark.exists(),
            "{}",
            std::fs::read_to_string(&mark).unwrap_or_default()
        );
        // In files that it includes.
        let view = story.copy("including");
        let mut included = String::new();
        for (key, value) in &hostile {
            let (section, name) = key.rsplit_once('.').expect("a key");
            let section = match section.split_once('.') {
                Some((section, sub)) => format!("{section} \"{sub}\""),
                None => section.to_owned(),
            };
            included.push_str(&format!("[{section}]\n\t{name} = \"{value}\"\n"));
        }
        view.write(".git/evil", &included);
        view.git(&["config", "include.path", "evil"]);
        view.git(&["config", "includeIf.onbranch:main.path", "evil"]);
        view.is_the_same(&truth, "included configuration");
        // In the user's, by the environment.
        let mut view = story.copy("environment");
        view.set("GIT_CONFIG_GLOBAL", view.at.join("../including/.git/evil"));
        view.set("GIT_CONFIG_SYSTEM", view.at.join("../including/.git/evil"));
        view.set("GIT_CONFIG_NOSYSTEM", "0");
        view.set("GIT_CONFIG_COUNT", hostile.len().to_string());
        for (index, (key, value)) in hostile.iter().enumerate() {
            view.set(&format!("GIT_CONFIG_KEY_{index}"), key);
            view.set(&format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        let parameters: Vec<String> = hostile
            .iter()
            .map(|(key, value)| format!("'{key}'='{value}'"))
            .collect();
        view.set("GIT_CONFIG_PARAMETERS", parameters.join(" "));
        for (key, value) in [
            ("LC_ALL", "tr_TR.UTF-8"),
            ("LANG", "tr_TR.UTF-8"),
            ("TZ", "Asia/Kolkata"),
            ("GIT_EXTERNAL_DIFF", &program),
            ("GIT_SSH_COMMAND", &program),
            ("GIT_PAGER", &program),
            ("GIT_EDITOR", &program),
            ("GIT_ASKPASS", &program),
            ("GIT_PROXY_COMMAND", &program),
            ("GIT_ATTR_SOURCE", "HEAD"),
            ("GIT_LITERAL_PATHSPECS", "1"),
            ("GIT_ICASE_PATHSPECS", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "0"),
            ("GIT_NO_LAZY_FETCH", "0"),
            ("GIT_CEILING_DIRECTORIES", "/"),
            ("GIT_COMMITTER_DATE", "@1 +0000"),
            ("GNUPGHOME", "/nowhere"),
            ("SSH_AUTH_SOCK", "/nowhere"),
        ] {
            view.set(key, value);
        }
        view.is_the_same(&truth, "the environment");
        assert!(
            !mark.exists(),
            "{}",
            std::fs::read_to_string(&mark).unwrap_or_default()
        );
    }
}

#[test]
fn a_repository_of_two_formats_is_refused() {
    let story = story("sha1", true);
    let view = story.copy("compatible");
    view.git(&["config", "core.repositoryFormatVersion", "1"]);
    view.git(&["config", "extensions.objectFormat", "sha1"]);
    view.git(&["config", "extensions.compatObjectFormat", "sha256"]);
    view.is_incomplete("extensions.compatObjectFormat", "`compatObjectFormat`");
}
