//! Malformed objects that only the second parent of a merge leads to: the step itself
//! looks fine, and the author on the side is still held to strict form.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Lab, said};

/// An entry of a folder: mode, name, id.
type Entry = (String, String, String);

/// A registry with a side branch that approves `churn/1`; only the commit says
/// whose the review is.
struct Side {
    lab: Lab,
    base: String,
    /// The approval, as git made it.
    good: String,
}

impl Side {
    fn new(format: &str) -> Side {
        let lab = Lab::in_format(format);
        lab.populate();
        lab.register("churn", '1');
        let base = lab.git(&["rev-parse", "HEAD"]);
        lab.git(&["switch", "-q", "-c", "side"]);
        let _ = lab.ok(
            "risk-1",
            &["approve", "churn/1", "-m", "good", "--no-record-signature"],
        );
        let good = lab.git(&["rev-parse", "HEAD"]);
        lab.git(&["switch", "-q", "main"]);
        let _ = lab.ok("admin-1", &["group", "create", "other"]);
        Side { lab, base, good }
    }

    /// Writes bytes into the store, valid or not.
    fn store(&self, kind: &str, bytes: &[u8]) -> String {
        let mut child = self
            .lab
            .command("git")
            .args(["hash-object", "-t", kind, "-w", "--literally", "--stdin"])
            .current_dir(&self.lab.top)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("git");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(bytes)
            .expect("bytes");
        let output = child.wait_with_output().expect("git");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn object(&self, kind: &str, id: &str) -> Vec<u8> {
        self.lab.git_as("admin-1", &["cat-file", kind, id]).stdout
    }

    /// `text` signed by somebody, as a commit.
    fn signed(&self, who: &str, payload: &[u8]) -> String {
        let mut child = self
            .lab
            .command("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", "git", "-f"])
            .arg(self.lab.key(who))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ssh-keygen");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(payload)
            .expect("bytes");
        let output = child.wait_with_output().expect("ssh-keygen");
        let armor = String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .replace('\n', "\n ");
        let header = if self.base.len() == 40 {
            "gpgsig"
        } else {
            "gpgsig-sha256"
        };
        let end = payload
            .windows(2)
            .position(|pair| pair == b"\n\n")
            .expect("headers")
            + 1;
        let bytes = [
            &payload[..end],
            format!("{header} {armor}\n").as_bytes(),
            &payload[end..],
        ]
        .concat();
        self.store("commit", &bytes)
    }

    fn payload(&self, tree: &str, parent: &str) -> String {
        let who = "risk-1 <risk-1@example.com> 1795000000 +0000";
        format!("tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nside\n")
    }

    fn tree(&self, of: &str) -> String {
        self.lab.git(&["rev-parse", &format!("{of}^{{tree}}")])
    }

    /// A tree's entries: mode, name, id.
    fn entries(&self, tree: &str) -> Vec<Entry> {
        let listed = self.lab.git(&["ls-tree", tree]);
        let entry = |line: &str| {
            let (mode, rest) = line.split_once(' ')?;
            let (id, name) = rest.split_once(' ')?.1.split_once('\t')?;
            Some((
                mode.trim_start_matches('0').to_owned(),
                name.to_owned(),
                id.to_owned(),
            ))
        };
        listed.lines().filter_map(entry).collect()
    }

    fn write_tree(&self, entries: &[(String, String, String)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            for at in (0..id.len()).step_by(2) {
                bytes.push(u8::from_str_radix(&id[at..at + 2], 16).expect("hex"));
            }
        }
        self.store("tree", &bytes)
    }

    /// The tree of `of` with one folder's entries changed.
    fn with_folder(&self, of: &str, path: &[&str], change: &dyn Fn(&mut Vec<Entry>)) -> String {
        let mut entries = self.entries(of);
        match path.split_first() {
            None => change(&mut entries),
            Some((first, rest)) => {
                let entry = entries
                    .iter_mut()
                    .find(|entry| entry.1 == *first)
                    .expect("a folder");
                entry.2 = self.with_folder(&entry.2, rest, change);
            }
        }
        self.write_tree(&entries)
    }

    /// Returns the codes for a merge whose other side is this commit, and whose tree
    /// is in order.
    #[track_caller]
    fn merged(&self, side: &str, what: &str) -> Vec<String> {
        let tree = self.merge_tree();
        let main = self.lab.git(&["rev-parse", "main"]);
        let merge = self
            .lab
            .git(&["commit-tree", &tree, "-p", &main, "-p", side, "-m", "merge"]);
        let range = format!("{}..{merge}", self.base);
        let told = said(&mut self.lab.modelry("admin-1", &["validate", &range, "-o", "json"]));
        assert!(told.code < 2, "{what}: {}", told.err);
        let value: serde_json::Value = serde_json::from_str(&told.out).expect("JSON");
        let findings = value["findings"].as_array().expect("a list").iter();
        let mut codes: Vec<String> = findings
            .map(|finding| finding["code"].as_str().expect("a code").to_owned())
            .collect();
        codes.sort();
        codes.dedup();
        codes
    }

    /// The good side and the mainline, merged as git does it.
    fn merge_tree(&self) -> String {
        self.lab.git(&["merge-tree", "--write-tree", "main", &self.good])
    }
}

const FORMATS: [&str; 2] = ["sha1", "sha256"];
const REVIEWS: [&str; 5] = ["groups", "churn", "versions", "1", "reviews"];

#[test]
fn a_commit_on_the_side_that_is_not_in_strict_form_speaks_for_nobody() {
    for format in FORMATS {
        let side = Side::new(format);
        assert_eq!(side.merged(&side.good, "as git made it"), Vec::<String>::new());
        let tree = side.tree(&side.good);
        let plain = side.payload(&tree, &side.base);
        let rewritten = side.signed("risk-1", plain.as_bytes());
        assert_eq!(side.merged(&rewritten, "as git would"), Vec::<String>::new());
        let author = plain.lines().nth(2).expect("an author").to_owned();
        let header = |line: &str| plain.replacen("\n\n", &format!("\n{line}\n\n"), 1);
        for (what, payload) in [
            (
                "two authors",
                plain.replacen(&author, &format!("{author}\n{author}"), 1),
            ),
            ("an author after the committer", {
                let without = plain.replacen(&format!("{author}\n"), "", 1);
                without.replacen("\n\n", &format!("\n{author}\n\n"), 1)
            }),
            ("a NUL after the message", format!("{plain}\0hidden\n")),
            ("another encoding", header("encoding ISO-8859-1")),
            ("a header of nobody", header("nonce 17")),
            (
                "no committer",
                plain
                    .lines()
                    .filter(|line| !line.starts_with("committer"))
                    .fold(String::new(), |text, line| text + line + "\n"),
            ),
            (
                "a date that is none",
                plain.replace("1795000000 +0000", "yesterday"),
            ),
            (
                "a carriage return",
                plain.replacen("author risk-1", "author risk-1\r", 1),
            ),
        ] {
            let id = side.signed("risk-1", payload.as_bytes());
            assert_eq!(side.merged(&id, what), ["MR308", "MR315"], "{what}");
        }
        // Two signatures, and one for the other kind of repository.
        let bytes = side.object("commit", &rewritten);
        let text = String::from_utf8(bytes).expect("text");
        let start = text.find("gpgsig").expect("a signature");
        let end = text.find("\n\n").expect("an end") + 1;
        let signature = &text[start..end];
        let other = match format {
            "sha1" => signature.replacen("gpgsig ", "gpgsig-sha256 ", 1),
            _ => signature.replacen("gpgsig-sha256 ", "gpgsig ", 1),
        };
        for (what, extra) in [("two signatures", signature), ("a foreign signature", &other)] {
            let twice = format!("{}{extra}{}", &text[..end], &text[end..]);
            let id = side.store("commit", twice.as_bytes());
            assert_eq!(side.merged(&id, what), ["MR308", "MR315"], "{what}");
        }
    }
}

#[test]
fn mr106_fires_for_a_malformed_folder_on_the_side() {
    for format in FORMATS {
        let side = Side::new(format);
        let tree = side.tree(&side.good);
        let empty = side.store("blob", b"");
        type Entries = Vec<Entry>;
        let twice: &dyn Fn(&mut Entries) = &|entries| {
            let mut again = entries[0].clone();
            again.2.clone_from(&empty);
            entries.push(again);
        };
        let unsorted: &dyn Fn(&mut Entries) = &|entries| {
            let first = ("100644".to_owned(), "zz".to_owned(), empty.clone());
            entries.insert(0, first);
        };
        let padded: &dyn Fn(&mut Entries) = &|entries| {
            entries[0].0 = format!("0{}", entries[0].0);
        };
        let odd: &dyn Fn(&mut Entries) = &|entries| {
            entries.insert(0, ("100644".to_owned(), "..".to_owned(), empty.clone()));
        };
        let git: &dyn Fn(&mut Entries) = &|entries| {
            entries.insert(0, ("40000".to_owned(), ".git".to_owned(), side.write_tree(&[])));
        };
        for (what, change) in [
            ("a name twice", twice),
            ("out of order", unsorted),
            ("a padded mode", padded),
            ("a name that leads elsewhere", odd),
            ("a name of git's own", git),
        ] {
            let bad = side.with_folder(&tree, &REVIEWS, change);
            // The reviewer signs it; a stranger puts the folder in order.
            let first = side.signed("risk-1", side.payload(&bad, &side.base).as_bytes());
            let then = side.signed("stranger", side.payload(&tree, &first).as_bytes());
            let codes = side.merged(&then, what);
            assert!(codes.contains(&"MR106".to_owned()), "{what}: {codes:?}");
            // A stranger prepares it; the reviewer, who sees no difference, does.
            let first = side.signed("stranger", side.payload(&bad, &side.base).as_bytes());
            let then = side.signed("risk-1", side.payload(&tree, &first).as_bytes());
            let codes = side.merged(&then, what);
            assert!(codes.contains(&"MR106".to_owned()), "{what}, prepared: {codes:?}");
        }
    }
}

#[test]
fn mr106_passes_for_a_side_in_order() {
    let side = Side::new("sha1");
    let tree = side.tree(&side.good);
    let same = side.with_folder(&tree, &REVIEWS, &|_| {});
    assert_eq!(same, tree, "written as git writes it");
    let first = side.signed("risk-1", side.payload(&same, &side.base).as_bytes());
    assert_eq!(side.merged(&first, "in order"), Vec::<String>::new());
}

#[test]
fn odd_modes_on_the_side_are_no_records() {
    let side = Side::new("sha1");
    let tree = side.tree(&side.good);
    for mode in ["100755", "120000", "100664", "160000"] {
        let odd = side.with_folder(&tree, &REVIEWS, &|entries| entries[0].0 = mode.to_owned());
        let first = side.signed("risk-1", side.payload(&odd, &side.base).as_bytes());
        // The commit that turns it into a regular file counts as its author.
        let then = side.signed("stranger", side.payload(&tree, &first).as_bytes());
        let codes = side.merged(&then, mode);
        assert!(codes.contains(&"MR302".to_owned()), "{mode}: {codes:?}");
    }
}

/// A branch's own illegal commit is not judged by `validate` alone, which says so.
#[test]
fn validate_on_a_side_branch_says_what_it_did_not_judge() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.git(&["switch", "-q", "-c", "side"]);
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(
        path,
        &lab.read(path).replace("status: Pending", "status: Approved"),
    );
    lab.commit("trainer", "by hand");
    let said = lab.ok("admin-1", &["validate"]);
    assert!(
        said.contains("was not (MR308 in ") && said.contains("`modelry validate --onto main` judges it"),
        "{said}"
    );
    let told = lab.findings("admin-1", &["validate", "--onto", "main"]);
    assert!(told.contains("MR308"), "{told}");
    let said = lab.says("admin-1", &["show", "churn/1"]);
    assert!(
        said.err.contains("says Approved, and no review of it counts"),
        "{said:?}"
    );
    lab.git(&["switch", "-q", "--orphan", "alone"]);
    lab.git(&["checkout", "-q", "side", "--", "."]);
    lab.commit("trainer", "by hand");
    let said = lab.ok("admin-1", &["validate"]);
    assert!(said.contains("it has none in common with `main`"), "{said}");
}
