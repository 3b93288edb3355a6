//! One tip gives one report, regardless of the clone's past, its place, the name of
//! its remote and the way the command was typed.

use std::path::{Path, PathBuf};

use crate::support::{Lab, said};

struct Clones {
    lab: Lab,
    root: String,
}

impl Clones {
    fn make(&self, name: &str, options: &[&str]) -> PathBuf {
        let at = self.lab.home().join(name);
        let url = format!("file://{}", self.lab.top.display());
        let mut git = self.lab.command("git");
        git.args(["clone", "-q"]).args(options).arg(url).arg(&at);
        let said = said(&mut git);
        assert_eq!(said.code, 0, "{said:?}");
        at
    }

    fn git(&self, at: &Path, words: &[&str]) {
        let mut git = self.lab.command("git");
        self.lab.as_actor(&mut git, "admin-1");
        let said = said(git.args(words).current_dir(at));
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
    }

    /// A report with options of the command's own.
    fn report(&self, at: &Path, options: &[&str], form: &str) -> String {
        let words = [&["audit", "-o", form], options].concat();
        let said = said(self.lab.modelry("stranger", &words).current_dir(at));
        assert_eq!(said.code, 0, "{} {words:?}: {said:?}", at.display());
        said.out
    }

    fn audit(&self, at: &Path, words: &[&str], form: &str) -> String {
        let mut command = self.lab.modelry("stranger", words);
        let said = said(command.args(["audit", "-o", form]).current_dir(at));
        assert_eq!(said.code, 0, "{} {words:?}: {said:?}", at.display());
        said.out
    }
}

#[test]
fn clones_of_one_tip_give_the_same_bytes() {
    let lab = Lab::empty();
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "ml/models", "--actor", "admin-1", "--solo"],
    );
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    lab.write("notes.txt", "beside\n");
    lab.git(&["add", "-A"]);
    lab.git(&["commit", "-q", "-m", "beside"]);
    let root = lab.root();
    let clones = Clones { root, lab };
    let (root, pin) = (clones.root.as_str(), format!("{}:ml/models", clones.root));
    let truth = clones.make("plain", &[]);
    let resolved = clones.make("resolved", &[]);
    let commands: [(&[&str], i32); 5] = [
        (&["resolve", "churn@latest"], 3),
        (&["list"], 0),
        (&["validate"], 0),
        (&["events"], 0),
        (&["audit"], 0),
    ];
    for (words, code) in commands {
        let words = [words, &["--root", &pin]].concat();
        let said = said(clones.lab.modelry("stranger", &words).current_dir(&resolved));
        assert_eq!(said.code, code, "{words:?}: {said:?}");
    }
    assert!(resolved.join(".git/modelry/verified").is_dir());
    let rewritten = clones.make("rewritten", &[]);
    clones.git(
        &rewritten,
        &["commit", "-q", "--allow-empty", "-m", "another way"],
    );
    clones.git(&rewritten, &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    clones.git(&rewritten, &["reset", "-q", "--hard", "HEAD~1"]);
    clones.git(&rewritten, &["fetch", "-q"]);
    let bare = clones.make("bare.git", &["--bare"]);
    let home = clones.make("home", &[]);
    let linked = clones.lab.home().join("a linked tree");
    clones.git(
        &home,
        &["worktree", "add", "-q", "-b", "side", &linked.to_string_lossy()],
    );
    let deepened = clones.make("deepened", &["--depth", "1"]);
    clones.git(&deepened, &["fetch", "-q", "--unshallow"]);
    let pinned = clones.make("pinned", &[]);
    clones.git(&pinned, &["config", "modelry.root", &pin]);
    let tracked = clones.make("tracked", &["-o", "the/source"]);
    clones.git(&tracked, &["checkout", "-q", "--detach"]);
    clones.git(&tracked, &["branch", "-q", "-D", "main"]);
    let elsewhere = clones.lab.home().to_owned();
    let (place, tip) = (
        truth.display().to_string(),
        clones.lab.git(&["rev-parse", "HEAD"]),
    );
    let cases: [(&Path, Vec<&str>); 13] = [
        (&resolved, vec!["--root", &pin]),
        (&rewritten, vec!["--root", &pin]),
        (&bare, vec!["--root", &pin]),
        (&linked, vec!["--root", &pin]),
        (&deepened, vec!["--root", &pin]),
        (&pinned, vec![]),
        (&pinned, vec!["--mainline", "main", "--threads", "1"]),
        (
            &tracked,
            vec!["--root", &pin, "--mainline", "refs/remotes/the/source/main"],
        ),
        (
            &tracked,
            vec![
                "--root",
                &pin,
                "--mainline",
                "refs/remotes/the/source/main",
                "--threads",
                "3",
            ],
        ),
        (&elsewhere, vec!["-C", &place, "--root", &pin]),
        (&truth, vec!["--root", root, "--path", "./ml//models/"]),
        (&truth, vec!["--root", root]),
        (&truth, vec!["--root", &pin, "--mainline", "main"]),
    ];
    for form in ["json", "html", "human", "sarif"] {
        let expected = clones.audit(&truth, &["--root", &pin], form);
        for (at, words) in &cases {
            let got = clones.audit(at, words, form);
            assert_eq!(got, expected, "{form}, {} {words:?}", at.display());
        }
        let named = [&["--root", pin.as_str()][..]].concat();
        let mut command = clones.lab.modelry("stranger", &named);
        let said = said(
            command
                .args(["audit", "--at", &tip, "-o", form])
                .current_dir(&resolved),
        );
        assert_eq!(said.out, expected, "{form}");
    }
    let json = clones.audit(&truth, &["--root", &pin], "json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["modelry"], env!("CARGO_PKG_VERSION"));
    // The report includes the clone's own knowledge where it is asked for.
    let mut command = clones
        .lab
        .modelry("stranger", &["audit", "--root", &pin, "--with-clone"]);
    let with_clone = said(command.args(["-o", "json"]).current_dir(&resolved));
    let with_clone: serde_json::Value = serde_json::from_str(&with_clone.out).expect("JSON");
    assert_eq!(with_clone["range"]["known"]["held"], true);
    assert_eq!(with_clone["trust"][1]["code"], "verified-point");
    assert_eq!(with_clone["range"]["rootPinnedBy"], "option");
}

/// The origin of the pin differs between clones: it is beside the report, and in it
/// only where it is asked for.
#[test]
fn an_audit_says_by_what_the_root_is_pinned() {
    let lab = Lab::with_registry();
    let root = lab.root();
    lab.git(&["config", "--unset-all", "modelry.root"]);
    let plain = lab.ok("stranger", &["audit", "--root", &root, "-o", "json"]);
    for (scope, code, words) in [
        ("--global", "global", "the user's configuration"),
        ("--local", "local", "the clone's configuration"),
    ] {
        lab.git(&["config", scope, "modelry.root", &root]);
        for form in ["human", "concise", "json", "html", "sarif", "junit"] {
            let told = lab.says("stranger", &["audit", "-o", form]);
            assert_eq!(told.code, 0, "{told:?}");
            assert!(
                told.err.contains(&format!("note: the root is pinned by {words}")),
                "{told:?}"
            );
            assert!(!told.out.contains("pinned by"), "{form}: {}", told.out);
        }
        assert_eq!(lab.ok("stranger", &["audit", "-o", "json"]), plain);
        let told = lab.ok("stranger", &["audit", "--with-clone", "-o", "json"]);
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["range"]["rootPinnedBy"], code);
        for form in ["human", "html"] {
            let told = lab.ok("stranger", &["audit", "--with-clone", "-o", form]);
            assert!(told.contains(&format!("pinned by {words}")), "{form}: {told}");
        }
        lab.git(&["config", scope, "--unset-all", "modelry.root"]);
    }
}

#[test]
fn the_line_of_the_page_makes_the_page_again() {
    let lab = Lab::empty();
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "ml/models", "--actor", "admin-1", "--solo"],
    );
    let line = regex::Regex::new("<code>modelry (audit [^<]+)</code>").expect("an expression");
    for trust in [vec!["--root", &lab.root()], vec!["--trust-root"]] {
        let page = lab.ok("stranger", &[&["audit", "-o", "html"][..], &trust].concat());
        let typed = line.captures(&page).expect("a line to type")[1].to_owned();
        let words: Vec<&str> = typed.split(' ').collect();
        assert_eq!(lab.ok("stranger", &words), page, "{typed}");
    }
}

#[test]
fn a_report_of_a_day_says_what_it_leaves_out() {
    let lab = Lab::with_registry();
    let root = lab.root();
    let stamp = lab.git(&["log", "-1", "--format=%ct"]);
    let start: i64 = stamp.parse().expect("seconds");
    // A later step, of a later day.
    let later = format!("@{} +0000", start + 5 * 86_400);
    let mut made = lab.modelry("admin-1", &["group", "create", "later"]);
    made.env("GIT_COMMITTER_DATE", &later)
        .env("GIT_AUTHOR_DATE", &later);
    let made = said(&mut made);
    assert_eq!(made.code, 0, "{made:?}");
    let mut git = lab.command("git");
    let format = [
        "log",
        "-1",
        "--format=%cd",
        "--date=format-local:%Y-%m-%d",
        "HEAD~1",
    ];
    let day = said(git.args(format).env("TZ", "UTC").current_dir(&lab.top)).out;
    let day = day.trim();
    let clones = Clones { root, lab };
    let other = clones.make("other", &[]);
    let words = ["--at", day, "--root", clones.root.as_str()];
    for form in ["json", "html", "human"] {
        let report = clones.report(&clones.lab.top, &words, form);
        assert!(report.contains("1 step of the mainline"), "{form}: {report}");
        assert_eq!(report, clones.report(&other, &words, form));
    }
    let html = clones.report(&other, &words, "html");
    assert!(html.contains(&format!("--at {day} -o html")), "{html}");
}

#[test]
fn a_report_beside_a_checkpoint_claims_no_equal() {
    let lab = Lab::with_registry();
    let root = lab.root();
    let clones = Clones { root, lab };
    let top = clones.lab.top.clone();
    let pin = ["--root", clones.root.as_str()];
    let claim = "make it again, byte for byte";
    assert!(clones.report(&top, &pin, "html").contains(claim));
    let file = ["--checkpoint", "../checkpoint", "--new-checkpoint"];
    for more in [&file[..], &file[..2], &["--with-clone"]] {
        let html = clones.report(&top, &[&pin[..], more].concat(), "html");
        assert!(!html.contains(claim), "{more:?}");
        assert!(html.contains("depends on more than the history"), "{more:?}");
    }
}
