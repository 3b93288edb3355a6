//! Executes each verb of a script.

use super::world::World;
use super::{Content, OneOrMore, Review, Script, Serial, Step, Verdict, fill, raw};

/// The judge's report.
#[derive(Debug)]
pub struct Judged {
    pub verdict: Verdict,
    pub codes: Vec<String>,
    /// Everything, for people.
    pub said: String,
}

impl World {
    /// Takes every step.
    pub fn play(&mut self, script: &Script) {
        for (index, step) in script.steps.iter().enumerate() {
            self.at = index + 1;
            self.step(step);
        }
    }

    /// Asks the judge: an auditor, who has never seen this history, or the
    /// command that the script names, in a clone that remembers what it verified.
    pub fn judge(&self, script: &Script) -> Judged {
        if script.judge.is_none() {
            for memory in [".git/modelry", "modelry"] {
                let _ = std::fs::remove_dir_all(self.lab.top.join(memory));
            }
        }
        let words = script.judge.as_deref().unwrap_or("audit");
        let words = words_of(&format!("{} -o json", fill::fill(self, words)));
        let said = self.modelry("admin-1", &words.iter().map(String::as_str).collect::<Vec<_>>());
        let verdict = match said.code {
            0 => Verdict::Clean,
            1 => Verdict::Findings,
            2 => Verdict::Incomplete,
            3 => Verdict::Nothing,
            other => panic!("exit {other}: {}{}", said.out, said.err),
        };
        let report: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_default();
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        let mut codes: Vec<String> = findings
            .iter()
            .filter(|finding| finding["acknowledged"].is_null())
            .map(|finding| finding["code"].as_str().expect("a code").to_owned())
            .collect();
        codes.sort();
        codes.dedup();
        Judged {
            verdict,
            codes,
            said: format!("{}{}", said.out, said.err),
        }
    }

    fn step(&mut self, step: &Step) {
        let who = step.who.as_deref().unwrap_or("admin-1");
        if let Some(branch) = &step.on {
            self.switch(branch, step.from.as_deref().unwrap_or("main"));
        } else if self.branch() != "main" && step.git.is_none() {
            self.switch("main", "main");
        }
        if let Some(words) = &step.run {
            let words = words_of(&fill::fill(self, words));
            let said = self.modelry(who, &words.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(
                said.code,
                step.exit.unwrap_or(0),
                "modelry {words:?}\n{}{}",
                said.out,
                said.err
            );
        } else if let Some(replacements) = &step.raw {
            let id = raw::commit(
                self,
                replacements,
                step.resign.as_deref(),
                step.namespace.as_deref(),
            );
            self.move_to(&id);
        } else if let Some(tree) = &step.raw_tree {
            let top = raw::tree(self, tree);
            self.commit_tree(step, &top, &["HEAD".into()]);
        } else if let Some(tamper) = &step.tamper {
            raw::tamper(self, tamper);
        } else if let Some(words) = &step.git {
            let words = words_of(&fill::fill(self, words));
            let output = self.git_with(who, who, &words.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(output.status.success(), "git {words:?}: {}", text(&output.stderr));
        } else if !step.git_file.is_empty() {
            for (path, content) in &step.git_file {
                self.git_file(path, content.as_deref());
            }
        } else if let Some(words) = &step.clone {
            self.clone_again(words);
        } else if let Some(other) = &step.merge {
            self.merge(step, other);
        } else if let Some(other) = &step.squash {
            self.git(&["merge", "-q", "--squash", other]);
            self.commit(step);
        } else if let Some(other) = &step.rebase {
            let range = format!("HEAD..{other}");
            for commit in self
                .git(&["rev-list", "--reverse", "--no-merges", &range])
                .lines()
            {
                self.git_signed(step, &["cherry-pick", "--allow-empty"], &[commit]);
            }
        } else if step.commit.is_some() {
            self.commit(step);
        } else {
            panic!("a step without a verb: {step:?}");
        }
    }

    fn branch(&self) -> String {
        self.git(&["symbolic-ref", "--short", "HEAD"])
    }

    fn switch(&self, branch: &str, from: &str) {
        if self.branch() == branch {
            return;
        }
        let known = self.git_with(
            "admin-1",
            "admin-1",
            &["show-ref", "-q", &format!("refs/heads/{branch}")],
        );
        match known.status.success() {
            true => self.git(&["switch", "-q", "--discard-changes", branch]),
            false if from == "nothing" => self.git(&["switch", "-q", "--orphan", branch]),
            false => self.git(&["switch", "-q", "--discard-changes", "-c", branch, from]),
        };
    }

    /// Makes a commit the tip of this branch. Files that can't be checked out stay as
    /// they are on disk.
    fn move_to(&self, id: &str) {
        self.git(&["update-ref", "HEAD", id]);
        let _ = self.git_with("admin-1", "admin-1", &["reset", "-q", "--hard"]);
    }

    /// A git command that signs, or not, as the step says.
    fn git_signed(&self, step: &Step, command: &[&str], arguments: &[&str]) -> String {
        let who = step.who.as_deref().unwrap_or("admin-1");
        let (key, flag) = match step.sign.as_deref() {
            Some("nobody") => (who, "--no-gpg-sign"),
            Some(other) => (other, "-S"),
            None => (who, "-S"),
        };
        let words = [command, &[flag], arguments].concat();
        let output = self.git_with(who, key, &words);
        assert!(
            output.status.success(),
            "git {words:?}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout).trim().to_owned()
    }

    fn commit_tree(&self, step: &Step, tree: &str, parents: &[String]) {
        let message = step.commit.as_deref().unwrap_or("merge");
        let mut arguments = vec!["-m", message];
        for parent in parents {
            arguments.extend(["-p", parent]);
        }
        arguments.push(tree);
        let id = self.git_signed(step, &["commit-tree"], &arguments);
        self.move_to(&id);
    }

    fn commit(&self, step: &Step) {
        self.change(step);
        let tree = match &step.tree {
            Some(revision) => self.git(&["rev-parse", &format!("{revision}^{{tree}}")]),
            None => {
                self.git(&["add", "-A"]);
                self.git(&["write-tree"])
            }
        };
        if step.parents.is_some() || step.tree.is_some() {
            let parents = step.parents.clone().unwrap_or_else(|| vec!["HEAD".into()]);
            return self.commit_tree(step, &tree, &parents);
        }
        let message = step.commit.as_deref().unwrap_or("landed");
        self.git_signed(step, &["commit", "-q", "--allow-empty"], &["-m", message]);
    }

    fn merge(&self, step: &Step, other: &OneOrMore) {
        let others: Vec<&str> = match other {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more.iter().map(String::as_str).collect(),
        };
        if let Some(revision) = &step.tree {
            let tree = self.git(&["rev-parse", &format!("{revision}^{{tree}}")]);
            let parents: Vec<String> = std::iter::once("HEAD").chain(others).map(str::to_owned).collect();
            return self.commit_tree(step, &tree, &parents);
        }
        let mut words = vec!["merge", "-q", "--no-ff"];
        words.extend(step.options.as_deref().unwrap_or_default().split_whitespace());
        if step.changes_nothing() {
            let arguments = [&["-m", step.commit.as_deref().unwrap_or("merge")][..], &others].concat();
            self.git_signed(step, &words, &arguments);
            return;
        }
        words.push("--no-commit");
        words.extend(others);
        // A conflict is for the files of this step to resolve.
        let _ = self.git_with("admin-1", "admin-1", &words);
        self.commit(step);
    }

    /// Changes the files as a step says.
    fn change(&self, step: &Step) {
        for (path, content) in &step.files {
            let path = whole_path(path);
            let at = self.folder().join(&path);
            let Some(content) = content else {
                let gone = match at.is_dir() {
                    true => std::fs::remove_dir_all(&at),
                    false => std::fs::remove_file(&at),
                };
                gone.unwrap_or_else(|error| panic!("{path}: {error}"));
                continue;
            };
            let bytes = match content {
                Content::Whole(text) => fill::bytes(&fill::fill(self, text)),
                Content::Replaced(replacements) => {
                    let before = std::fs::read(&at).unwrap_or_else(|error| panic!("{path}: {error}"));
                    fill::replaced(self, before, replacements)
                }
            };
            std::fs::create_dir_all(at.parent().expect("a folder")).expect("folders");
            std::fs::write(&at, bytes).expect("a file");
        }
        if step.files.contains_key("registry.yaml") && step.serial != Some(Serial::Keep) {
            self.raise_serial();
        }
        for (version, status) in &step.status {
            let path = self.folder().join(whole_path(version));
            let before = std::fs::read_to_string(&path).expect("a version");
            let line = before.lines().find(|line| line.starts_with("status: "));
            let after = before.replace(line.expect("a status"), &format!("status: {status}"));
            std::fs::write(path, after).expect("a version");
        }
        for review in &step.reviews {
            self.review(review);
        }
        for (path, who) in &step.seal {
            self.seal(&whole_path(path), who);
        }
    }

    fn raise_serial(&self) {
        let path = self.folder().join("registry.yaml");
        let text = std::fs::read_to_string(&path).expect("a policy");
        let line = text
            .lines()
            .find(|line| line.starts_with("serial: "))
            .expect("a serial");
        let serial: u64 = line["serial: ".len()..].parse().expect("a number");
        std::fs::write(path, text.replacen(line, &format!("serial: {}", serial + 1), 1)).expect("a policy");
    }

    fn review(&self, review: &Review) {
        let (group, number) = review.of.split_once('/').expect("group/n");
        let subject = review
            .subject
            .clone()
            .unwrap_or_else(|| format!("SUBJECT({})", review.of));
        let path = whole_path(&format!("{}/reviews/{}.yaml", review.of, review.by));
        let text = format!(
            "apiVersion: modelry/v1\nkind: Review\ngroup: {group}\nversion: {number}\nby: {}\nrevision: {}\ndecision: {}\nsubject: {}\nreason: by hand\n",
            review.by,
            review.revision,
            review.decision,
            fill::fill(self, &subject),
        );
        let at = self.folder().join(&path);
        std::fs::create_dir_all(at.parent().expect("a folder")).expect("folders");
        std::fs::write(at, text).expect("a review");
        if let Some(who) = &review.seal {
            self.seal(&path, who);
        }
    }

    /// Puts the record's own signature under it; `WHO in NAMESPACE` takes
    /// another namespace.
    fn seal(&self, path: &str, who: &str) {
        let (who, namespace) = who.split_once(" in ").unwrap_or((who, "modelry"));
        let at = self.folder().join(path);
        let text = std::fs::read_to_string(&at).expect("a record");
        let bare = match text.find("signature: |") {
            Some(start) => text[..start].to_owned(),
            None => text,
        };
        std::fs::write(&at, &bare).expect("a record");
        let armor = self.signature(who, namespace, &fill::signed_bytes(self, path));
        let block: String = armor
            .lines()
            .map(|line| match line {
                "" => "\n".to_owned(),
                line => format!("  {line}\n"),
            })
            .collect();
        std::fs::write(&at, format!("{bare}signature: |\n{block}")).expect("a record");
    }

    fn git_file(&self, path: &str, content: Option<&str>) {
        let at = self.lab.top.join(".git").join(path);
        match content {
            Some(content) => {
                let bytes = fill::bytes(&fill::fill(self, content));
                std::fs::create_dir_all(at.parent().expect("a folder")).expect("folders");
                std::fs::write(at, bytes).expect("a file");
            }
            None => std::fs::remove_file(at).expect("the file goes"),
        }
    }

    fn clone_again(&mut self, words: &str) {
        let from = format!("file://{}", self.lab.top.display());
        let to = self.lab.home().join("clone");
        let to_text = to.display().to_string();
        let mut all = vec!["clone", "-q"];
        all.extend(words.split_whitespace());
        all.extend([from.as_str(), to_text.as_str()]);
        self.git(&all);
        let kept =
            ["gpg.format", "modelry.root", "modelry.mainline"].map(|key| (key, self.git(&["config", key])));
        self.lab.top = to;
        for (key, value) in kept {
            self.git(&["config", key, &value]);
        }
    }
}

impl Step {
    fn changes_nothing(&self) -> bool {
        self.files.is_empty() && self.reviews.is_empty() && self.status.is_empty() && self.seal.is_empty()
    }
}

/// `churn/1/…` is short for `groups/churn/versions/1/…`, and `churn/1` for its
/// version.yaml.
fn whole_path(path: &str) -> String {
    let mut parts = path.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(group), Some(number), rest)
            if group != "policy" && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!(
                "groups/{group}/versions/{number}/{}",
                rest.unwrap_or("version.yaml")
            )
        }
        _ => path.to_owned(),
    }
}

/// Words as a shell would cut them, with `'` and `"` to keep some together.
pub fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
