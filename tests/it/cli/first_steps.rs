//! The first steps of a new user: clones that lack something, options that were left
//! out, and messages that say what to do.

use crate::support::hub::{Hub, Seat, model, registering};
use crate::support::{Lab, Said, said};

/// A clone as a runner of a CI system checks it out: a detached HEAD, and nothing
/// that says which branch is the mainline.
fn runner<'h>(hub: &'h Hub, name: &str) -> Seat<'h> {
    let seat = Seat {
        hub,
        top: hub.lab.home().join(name),
    };
    let top = seat.top.to_string_lossy().into_owned();
    hub.lab.git(&["init", "-q", "-b", "unborn", &top]);
    seat.git(&["remote", "add", "origin", &hub.bare.to_string_lossy()]);
    seat.git(&["fetch", "-q"]);
    seat.git(&["checkout", "-q", "--detach", "origin/main"]);
    // Newer versions of git note the remote's HEAD when they fetch.
    seat.git(&["update-ref", "--no-deref", "-d", "refs/remotes/origin/HEAD"]);
    seat
}

#[test]
fn a_remote_says_which_branch_is_the_mainline() {
    let hub = Hub::open();
    let seat = runner(&hub, "runner");
    let told = seat.fails("trainer", 2, &["annotate", "churn/1", "--label", "a=b"]);
    assert!(
        told.err.contains("git remote set-head origin --auto") && told.err.contains("--mainline main"),
        "{told:?}"
    );
    let said = seat.register("two", &["--push"]);
    assert_eq!(
        (&said["branch"], &said["commit"]),
        (&"main".into(), &hub.tip().into())
    );
    let said = seat.register("three", &["--pr"]);
    assert_eq!(said["branch"], "modelry/churn/3");
    assert_eq!(said["commit"], hub.git(&["rev-parse", "modelry/churn/3"]));
    let _ = seat.ok(
        "risk-1",
        &["approve", "churn/2", "-m", "good", "--push", "--any-content"],
    );
    let _ = seat.ok(
        "risk-1",
        &[
            "wait",
            "churn/2",
            "--for",
            "Approved",
            "--timeout",
            "0s",
            "--remote",
            "origin",
        ],
    );
    // One approval of two says whose turn it is, and is done all the same.
    hub.lab.git(&["pull", "-q", "--ff-only"]);
    hub.lab.change_policy("required: 1\n", "required: 2\n");
    hub.lab.git(&["push", "-q"]);
    seat.git(&["fetch", "-q"]);
    let approve = ["approve", "churn/1", "-m", "good", "--push", "--any-content"];
    let said = seat.says("risk-1", &approve);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("churn/1 is still Pending: 1 of 2 approvals"),
        "{said:?}"
    );
    // The local configuration has priority over the remote's answer.
    hub.git(&["branch", "other", "main"]);
    let said = seat.register("four", &["--push", "--mainline", "other"]);
    assert_eq!(said["branch"], "other");
    // A remote that names no branch leaves it open.
    hub.git(&["symbolic-ref", "HEAD", "refs/heads/nowhere"]);
    let told = model("five");
    let said = seat.fails("trainer", 2, &registering(&told, &["--push"]));
    assert!(said.err.contains("HEAD is detached"), "{said:?}");
    hub.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    hub.check();
}

#[test]
fn a_proposal_that_only_the_remote_has_is_reviewed_there() {
    let hub = Hub::open();
    let key = hub.lab.public_key("admin-2");
    let _ = hub.lab.ok("admin-1", &["actor", "add", "admin-2", "--key", &key]);
    let _ = hub
        .lab
        .ok("admin-1", &["grant", "add", "admin-2", "--allow", "administer"]);
    hub.lab
        .change_policy("actors:\n", "policyChange: {required: 2}\nactors:\n");
    hub.lab.git(&["push", "-q"]);
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    let propose = ["team", "add", "risk", "admin-1", "--branch", "proposal", "--push"];
    let _ = seat.ok("admin-1", &propose);
    other.git(&["fetch", "-q"]);
    let said = other.fails("admin-2", 2, &["policy", "show", "proposal"]);
    assert!(said.err.contains("did you mean `origin/proposal`?"), "{said:?}");
    let shown = other
        .fails("admin-2", 1, &["policy", "show", "origin/proposal"])
        .out;
    let line = "modelry policy approve origin/proposal --branch proposal --push -m REASON --expect ";
    assert!(shown.contains(&format!("ask admin-2: {line}")), "{shown}");
    // Without --push it starts from the remote's branch all the same.
    let main = other.git(&["rev-parse", "main"]);
    let review = ["policy", "approve", "origin/proposal", "-m", "as agreed"];
    let said = other.says("admin-2", &[&review[..], &["--branch", "proposal"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("starts where the remote has it"), "{said:?}");
    assert_eq!(
        other.git(&["rev-parse", "proposal~1"]),
        other.git(&["rev-parse", "origin/proposal"])
    );
    other.git(&["branch", "-q", "-D", "proposal"]);
    let third = runner(&hub, "runner");
    let said = third.says(
        "admin-2",
        &[&review[..], &["--branch", "proposal", "--push"]].concat(),
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(other.git(&["rev-parse", "main"]), main);
    other.git(&["fetch", "-q"]);
    let shown = other.ok("admin-1", &["policy", "show", "origin/proposal"]);
    assert!(shown.contains("2 of 2 administrators"), "{shown}");
}

#[test]
fn a_file_of_this_machine_is_told_when_it_is_pushed() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    std::fs::write(hub.lab.home().join("model.bin"), "weights").expect("a file");
    let register = ["register", "churn", "--artifact", "../model.bin"];
    let told = |more: &[&str]| seat.says("trainer", &[&register[..], more].concat());
    let is_told = |said: &Said| {
        assert_eq!(said.code, 0, "{said:?}");
        said.err.contains("`file:///") && said.err.contains("--artifact-uri URI")
    };
    assert!(!is_told(&told(&["--dry-run"])));
    assert!(is_told(&told(&["--dry-run", "--pr"])));
    assert!(is_told(&told(&["--push"])));
    let elsewhere = ["--artifact-uri", "s3://models/x", "--allow-duplicate", "--push"];
    assert!(!is_told(&told(&elsewhere)));
}

#[test]
fn a_policy_that_nobody_signed_is_to_be_signed() {
    let lab = Lab::with_registry();
    let text = lab.policy_with("name:", "description: models of risk\nname:");
    lab.write("registry.yaml", &text);
    lab.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "by hand"]);
    let said = lab.findings("admin-1", &["validate", "HEAD~1..HEAD"]);
    let about = said.split("finding[").find(|part| part.starts_with("MR403"));
    let about = about.expect("MR403");
    assert!(about.contains("`git commit --amend --no-edit -S`"), "{said}");
    assert!(!about.contains("propose it on a branch"), "{said}");
    // It is what to do.
    lab.git(&["commit", "-q", "--amend", "--no-edit", "-S"]);
    let _ = lab.ok("admin-1", &["validate", "HEAD~1..HEAD"]);
}

#[test]
fn a_machine_needs_an_owner_at_once() {
    let lab = Lab::with_registry();
    let add = [
        "actor",
        "add",
        "robot",
        "--kind",
        "machine",
        "--key",
        "no-such-file.pub",
    ];
    let told = lab.error("admin-1", &add);
    assert!(
        told.contains("hint: name the person who does: `--owner ID`"),
        "{told}"
    );
}

#[test]
fn files_in_the_way_are_named_on_one_line() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let path = "groups/churn/group.yaml";
    std::fs::write(seat.top.join(path), "mine\n").expect("a file");
    let update = ["group", "update", "churn", "--description", "x", "--push"];
    let said = seat.says("admin-1", &update);
    assert_eq!(said.code, 0, "{said:?}");
    let line = format!(
        "note: `main` of this clone stays where it was: what is not committed is in the way: {path}; commit or stash them, then `git pull --ff-only`\n"
    );
    assert!(said.err.contains(&line), "{said:?}");
    // A file that git does not know is in the way as well.
    seat.git(&["checkout", "-q", path]);
    let new = "groups/other/group.yaml";
    std::fs::create_dir_all(seat.top.join("groups/other")).expect("a folder");
    std::fs::write(seat.top.join(new), "mine\n").expect("a file");
    let said = seat.says(
        "admin-1",
        &["group", "create", "other", "--description", "x", "--push"],
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains(&format!("is in the way: {new}; commit")),
        "{said:?}"
    );
}

#[test]
fn an_empty_clone_of_a_remote_is_no_place_for_a_second_registry() {
    let lab = Lab::empty();
    let bare = lab.home().join("empty.git").to_string_lossy().into_owned();
    lab.git(&["init", "-q", "--bare", &bare]);
    lab.git(&["remote", "add", "origin", &bare]);
    for command in ["whoami", "trust"] {
        let told = lab.error("admin-1", &[command]);
        let hints: Vec<&str> = told.lines().filter(|line| line.contains("hint:")).collect();
        assert!(hints[0].contains("`git pull origin BRANCH`"), "{told}");
        assert!(hints[1].contains("ask an administrator"), "{told}");
    }
}

#[test]
fn what_is_only_in_an_unpushed_commit_is_to_be_pushed() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let create = ["group", "create", "other", "--description", "x"];
    let push = [&create[..], &["--push"]].concat();
    let _ = seat.ok("admin-1", &create);
    let said = seat.fails("admin-1", 2, &push);
    assert!(
        said.err
            .contains("group `other` is there already, but in this clone alone")
            && said.err.contains("`git push origin main`"),
        "{said:?}"
    );
    let another = ["group", "create", "other", "--description", "y", "--push"];
    let said = seat.fails("admin-1", 2, &another);
    assert!(
        said.err.contains("says something else of itself")
            && said.err.contains("1 commit of this clone that the remote lacks")
            && said.err.contains("`git push`"),
        "{said:?}"
    );
    seat.git(&["push", "-q"]);
    let said = seat.ok("admin-1", &push);
    assert_eq!(said, "nothing was written: group `other` is there already\n");
    let said = seat.fails("admin-1", 2, &another);
    assert!(
        said.err.contains("`modelry group update other …`") && !said.err.contains("`git push`"),
        "{said:?}"
    );
}

#[test]
fn a_guard_says_what_it_rests_on() {
    let hub = Hub::open();
    let bare = hub.bare.to_string_lossy().into_owned();
    let root = hub.lab.root();
    let install = ["-C", &bare, "hook", "install", "--server", "--root", &root];
    let said = hub.lab.says("admin-1", &install);
    assert!(
        said.out.contains(&format!("from the pinned root {root}\n")),
        "{said:?}"
    );
    assert!(!said.err.contains("work tree"), "{said:?}");
    let seat = hub.seat("a");
    let said = seat.says("admin-1", &["hook", "install", "--server", "--root", &root]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("this is a clone with a work tree"), "{said:?}");
    let said = seat.says("admin-1", &["hook", "install", "-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(value["root"], serde_json::Value::Null);
}

#[test]
fn a_pull_request_without_a_page_is_opened_by_hand() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let told = model("two");
    let said = seat.says("trainer", &registering(&told, &["--pr"]));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err
            .contains("open a pull request from `modelry/churn/2` to `main` by hand"),
        "{said:?}"
    );
}

#[test]
fn text_that_looks_like_a_mapping_is_to_be_quoted() {
    let lab = Lab::with_registry();
    let path = "groups/churn/group.yaml";
    let text = lab.read(path);
    lab.write(path, &text.replace("who may leave us", "I looked: fine"));
    let said = lab.findings("admin-1", &["validate"]);
    assert!(
        said.contains("MR004") && said.contains("do: quote the text"),
        "{said}"
    );
    lab.write(path, &text.replace("who may leave us", "\"I looked: fine\""));
    let _ = lab.ok("admin-1", &["validate"]);
    lab.write(path, &text.replace("who may leave us", "[a"));
    let said = lab.findings("admin-1", &["validate"]);
    assert!(
        said.contains("MR004") && said.contains("choose: mend that place"),
        "{said}"
    );
}

#[test]
fn teams_and_accounts_are_listed() {
    let lab = Lab::with_registry();
    let _ = lab.ok("admin-1", &["team", "add", "desk", "risk-1", "admin-1"]);
    let listed = lab.ok("stranger", &["team", "list"]);
    assert!(listed.starts_with("TEAM"), "{listed}");
    let line = listed
        .lines()
        .find(|line| line.starts_with("desk "))
        .expect("the team");
    assert!(line.contains("risk-1") && line.contains("admin-1"), "{listed}");
    let value: serde_json::Value =
        serde_json::from_str(&lab.ok("stranger", &["team", "list", "-o", "json"])).expect("JSON");
    assert!(value["desk"].is_array(), "{value}");
    let before = lab.ok("stranger", &["team", "list", "--at", "HEAD~1"]);
    assert!(!before.contains("desk "), "{before}");
    let listed = lab.ok("stranger", &["actor", "list"]);
    assert!(!listed.contains("ACCOUNTS"), "{listed}");
    let _ = lab.ok("admin-1", &["actor", "add-account", "risk-1", "github=101"]);
    let listed = lab.ok("stranger", &["actor", "list"]);
    let of = |id: &str| {
        listed
            .lines()
            .find(|line| line.starts_with(id))
            .expect("an actor")
            .to_owned()
    };
    assert!(
        listed
            .lines()
            .next()
            .is_some_and(|line| line.contains("ACCOUNTS")),
        "{listed}"
    );
    assert!(
        of("risk-1").contains("github=101") && !of("admin-1").contains("github"),
        "{listed}"
    );
}

#[test]
fn a_job_says_that_it_looked() {
    let lab = Lab::with_registry();
    for form in ["github", "gitlab", "junit", "sarif"] {
        let arguments = ["validate", "HEAD~1..HEAD", "-o", form];
        let said = said(&mut lab.modelry("admin-1", &arguments));
        assert_eq!(said.code, 0, "{said:?}");
        let lines: Vec<&str> = said.err.lines().collect();
        assert!(
            matches!(lines[..], [line] if line.starts_with("clean: looked at 1 step, ")),
            "{said:?}"
        );
    }
    let said = lab.says("admin-1", &["validate", "HEAD~1..HEAD"]);
    assert_eq!(said.err, "", "it is in the report");
    lab.git(&["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "x"]);
    lab.write("groups/churn/group.yaml", "mine: [\n");
    let said = lab.says("admin-1", &["validate", "-o", "github"]);
    assert!(said.code == 1 && !said.err.contains("looked at"), "{said:?}");
}
