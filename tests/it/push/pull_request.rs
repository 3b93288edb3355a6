//! `--pr`: a branch of its own on the remote, a number that nobody else takes,
//! and a pull request.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::hub::{Hub, Seat, model, registering};

/// Programs of hosts that write down what they are asked; signed in at this host.
fn programs(hub: &Hub, host: &str, create: &str) {
    let folder = hub.lab.home().join("bin");
    std::fs::create_dir_all(&folder).expect("a folder");
    for program in ["gh", "glab"] {
        let file = folder.join(program);
        std::fs::write(
            &file,
            format!(
                "#!/bin/sh\nif [ \"$1 $2\" = 'auth status' ]; then\n  test \"$4\" = {host}; exit\nfi\nfor word in \"{program}\" \"$@\"; do printf '[%s]\\n' \"$word\"; done >> \"$HOME/asked\"\n{create}\n"
            ),
        )
        .expect("a program");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    }
}

/// Returns the output of a seat with those programs installed, when the hub has this
/// address.
fn says(seat: &Seat<'_>, address: &str, who: &str, arguments: &[&str]) -> crate::support::Said {
    // Every host resolves to the hub.
    let ssh = seat.hub.lab.home().join("answers");
    let bare = seat.hub.bare.display();
    std::fs::write(
        &ssh,
        format!("for word; do :; done\nexec \"${{word%% *}}\" '{bare}'\n"),
    )
    .expect("a program");
    seat.git(&["config", "core.sshCommand", &format!("sh {}", ssh.display())]);
    seat.git(&["config", "ssh.variant", "simple"]);
    seat.git(&["remote", "set-url", "origin", address]);
    let mut command = seat.command(who, arguments);
    let bin = seat.hub.lab.home().join("bin");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", bin.display()));
    crate::support::said(&mut command)
}

#[test]
fn a_registration_reserves_its_number() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    let said = seat.register("two", &["--pr"]);
    assert_eq!(said["branch"], "modelry/churn/2");
    assert_eq!(said["commit"], hub.git(&["rev-parse", "modelry/churn/2"]));
    assert_eq!(
        said["pullRequest"],
        serde_json::Value::Null,
        "a folder has no page"
    );
    // The mainline does not have it, and nobody else takes it.
    let said = other.register("three", &["--pr"]);
    assert_eq!(said["branch"], "modelry/churn/3");
    assert_eq!(said["changes"][0], "version churn/3 registered");
    assert_eq!(hub.tip(), hub.git(&["rev-parse", "modelry/churn/3~1"]));
    assert_eq!(
        hub.tip(),
        other.git(&["rev-parse", "main"]),
        "the clone stays where it was"
    );
    assert_eq!(other.git(&["branch", "--list"]), "* main");
    // A name that is not a number reserves nothing; a large one uses nothing up.
    hub.git(&["branch", "modelry/churn/next", "main"]);
    hub.git(&["branch", "modelry/churn/99999999", "main"]);
    assert_eq!(seat.register("four", &["--pr"])["branch"], "modelry/churn/4");
    // A proposed version can land.
    for number in ["2", "3", "4"] {
        let branch = format!("origin/modelry/churn/{number}");
        seat.git(&["fetch", "-q"]);
        let _ = seat.ok("admin-1", &["validate", "--onto", "origin/main", &branch]);
    }
}

#[test]
fn a_number_that_is_reserved_does_not_land() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    assert_eq!(seat.register("two", &["--pr"])["branch"], "modelry/churn/2");
    let said = other.register("three", &["--push"]);
    assert_eq!(said["changes"][0], "version churn/3 registered");
    // A proposed version can land after it.
    seat.git(&["fetch", "-q"]);
    let _ = seat.ok(
        "admin-1",
        &["validate", "--onto", "origin/main", "origin/modelry/churn/2"],
    );
    // Without the branch the number is anybody's.
    assert_eq!(seat.register("four", &["--pr"])["branch"], "modelry/churn/4");
    hub.git(&["branch", "-D", "modelry/churn/4"]);
    let said = other.register("another", &["--push"]);
    assert_eq!(said["changes"][0], "version churn/4 registered");
    // A branch keeps its number from nobody who works on it.
    let said = seat.register("five", &["--push", "--branch", "modelry/churn/5"]);
    assert_eq!(said["changes"][0], "version churn/5 registered", "{said}");
    hub.check();
}

/// Somebody's command, to be run by a hook of this seat.
fn other_registers(hub: &Hub, name: &str, mark: &str, how: &str) -> String {
    let seat = hub.seat(name);
    let (uri, digest) = model(mark);
    format!(
        "test -e ../raced && exit 0\ntouch ../raced\nunset GIT_DIR\nexec {} -C {} register churn --artifact {uri} --digest {digest} {how} >&2 </dev/null",
        env!("CARGO_BIN_EXE_modelry"),
        seat.top.display()
    )
}

#[test]
fn who_reserves_gives_way_to_what_landed() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    seat.hook("pre-push", &other_registers(&hub, "b", "theirs", "--push"));
    let said = seat.register("mine", &["--pr"]);
    assert_eq!(said["branch"], "modelry/churn/3", "{said}");
    assert_eq!(said["tries"], 2);
    assert_eq!(
        hub.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/modelry"]),
        "modelry/churn/3",
        "what was reserved in vain is taken back"
    );
    assert!(
        hub.files()
            .contains(&"groups/churn/versions/2/version.yaml".into())
    );
}

#[test]
fn who_lands_tells_of_a_reservation_that_crossed() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    seat.hook("pre-push", &other_registers(&hub, "b", "theirs", "--pr"));
    let told = model("mine");
    let said = seat.says("trainer", &registering(&told, &["--push"]));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err
            .contains("`modelry/churn/2` of `origin` reserved the number 2 while this landed"),
        "{}",
        said.err
    );
    hub.check();
}

#[test]
fn numbers_that_land_and_numbers_that_are_reserved_differ() {
    let hub = Hub::open();
    let jobs: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .enumerate()
        .map(|(index, mark)| {
            let (uri, digest) = model(mark);
            let how = ["--pr", "--push"][index % 2];
            let arguments = ["register", "churn", "--artifact", &uri, "--digest", &digest, how];
            let mut command = hub.seat(mark).command("trainer", &arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("modelry")
        })
        .collect::<Vec<_>>()
        .into_iter()
        .map(|job| job.wait_with_output().expect("modelry"))
        .collect();
    let mut said = String::new();
    for job in &jobs {
        assert!(job.status.success(), "{}", String::from_utf8_lossy(&job.stderr));
        said.push_str(&String::from_utf8_lossy(&job.stderr));
    }
    let reserved = hub.git(&[
        "for-each-ref",
        "--format=%(refname:lstrip=4)",
        "refs/heads/modelry/churn",
    ]);
    let reserved: Vec<&str> = reserved.lines().collect();
    let files = hub.files();
    let landed: Vec<&str> = files
        .iter()
        .filter_map(|path| {
            path.strip_prefix("groups/churn/versions/")?
                .strip_suffix("/version.yaml")
        })
        .collect();
    assert_eq!((reserved.len(), landed.len()), (3, 4));
    // Two who cross at the very moment can't both be kept, and one says so.
    for number in reserved.iter().filter(|number| landed.contains(number)) {
        let told = format!("reserved the number {number} while this landed");
        assert!(
            said.contains(&told),
            "{number} was given twice, and nobody knows: {said}"
        );
    }
    hub.check();
}

#[test]
fn parallel_registrations_reserve_different_numbers() {
    let hub = Hub::open();
    let jobs: Vec<_> = ["a", "b", "c", "d"]
        .map(|mark| {
            let told = model(mark);
            let arguments = registering(&told, &["--pr"]);
            let mut command = hub.seat(mark).command("trainer", &arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("modelry")
        })
        .into_iter()
        .map(|job| job.wait_with_output().expect("modelry"))
        .collect();
    for job in &jobs {
        assert!(job.status.success(), "{}", String::from_utf8_lossy(&job.stderr));
    }
    let branches = hub.git(&[
        "for-each-ref",
        "--format=%(refname:lstrip=4)",
        "refs/heads/modelry/churn",
    ]);
    assert_eq!(branches, "2\n3\n4\n5");
}

#[test]
fn a_number_that_is_taken_in_between_is_not_fought_for() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let bare = hub.bare.to_string_lossy();
    seat.hook(
        "pre-push",
        &format!("git -C {bare} rev-parse -q --verify modelry/churn/2 || exec git -C {bare} branch modelry/churn/2 main"),
    );
    let said = seat.register("two", &["--pr"]);
    assert_eq!(said["branch"], "modelry/churn/3");
    assert_eq!(said["tries"], 2);
    assert_eq!(
        hub.git(&["rev-parse", "modelry/churn/2"]),
        hub.tip(),
        "theirs stays"
    );
}

#[test]
fn an_answer_that_is_lost_reserves_one_number() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    hub.hook(
        "reference-transaction",
        "test \"$1\" = committed || exit 0\ntest -e died && exit 0\ntouch died\nkill -KILL $PPID",
    );
    let said = seat.register("two", &["--pr"]);
    assert!(hub.bare.join("died").exists(), "the server died");
    assert_eq!(said["branch"], "modelry/churn/2");
    assert_eq!(said["tries"], 1);
    assert_eq!(
        hub.git(&["for-each-ref", "--format=%(refname)", "refs/heads/modelry"])
            .lines()
            .count(),
        1
    );
}

#[test]
fn other_changes_get_a_branch_by_their_name() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let said = seat.json("risk-1", &["approve", "churn/1", "-m", "fine", "--pr"]);
    let branch = said["branch"].as_str().expect("a branch").to_owned();
    let short = &said["commit"].as_str().expect("a commit")[..10];
    assert_eq!(branch, format!("modelry/approve-churn-1-{short}"));
    assert_eq!(said["commit"], hub.git(&["rev-parse", &branch]));
    let said = seat.json(
        "risk-2",
        &["reject", "churn/1", "-m", "no", "--pr", "--branch", "no-churn"],
    );
    assert_eq!(said["branch"], "no-churn");
    assert_eq!(said["commit"], seat.git(&["rev-parse", "no-churn"]));
    let said = seat.fails(
        "risk-2",
        2,
        &["reject", "churn/1", "-m", "no", "--pr", "--branch", "main"],
    );
    assert!(said.err.contains("a branch of its own"), "{}", said.err);
    let said = seat.fails("risk-2", 2, &["reject", "churn/1", "-m", "no", "--pr", "--push"]);
    assert!(said.err.contains("cannot be used with"), "{}", said.err);
    let said = seat.fails(
        "risk-2",
        0,
        &["reject", "churn/1", "-m", "no", "--pr", "--dry-run"],
    );
    assert!(
        said.out.contains("branch modelry/reject-churn-1-ID of origin"),
        "{}",
        said.out
    );
}

#[test]
fn a_policy_is_proposed() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let said = seat.says("admin-1", &["team", "remove", "risk", "risk-2", "--pr"]);
    assert_eq!(said.code, 0, "{said:?}");
    let branch = hub.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/modelry"]);
    assert!(branch.starts_with("modelry/"), "{branch}");
    let files = hub.git(&["diff", "--name-only", "main", &branch]);
    assert!(
        files.contains("policy/"),
        "the author's review goes with it: {files}"
    );
}

#[test]
fn the_page_is_told() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    programs(&hub, "nowhere.example.com", "exit 1");
    for (address, page) in [
        (
            "git@github.com:acme/models.git",
            "https://github.com/acme/models/compare/main...modelry/churn/2?expand=1",
        ),
        (
            "ssh://user:secret@gitlab.example.com/ml/models",
            "https://gitlab.example.com/ml/models/-/merge_requests/new?merge_request%5Bsource_branch%5D=modelry/churn/3&merge_request%5Btarget_branch%5D=main",
        ),
    ] {
        let told = model(address.split('@').next().unwrap_or_default());
        let said = says(
            &seat,
            address,
            "trainer",
            &registering(&told, &["--allow-duplicate", "--pr"]),
        );
        assert_eq!(said.code, 0, "{said:?}");
        assert!(
            said.out.contains(&format!("open a pull request: {page}\n")),
            "{}",
            said.out
        );
        assert!(!said.out.contains("secret"), "{}", said.out);
    }
    // The host's name does not reveal its software: the configuration does.
    let address = "git@git.example.com:ml/models";
    let reject = ["reject", "churn/1", "-m", "no", "--pr"];
    let said = says(&seat, address, "risk-1", &reject);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("git config modelry.forge"), "{}", said.err);
    seat.git(&["config", "modelry.forge", "gitea"]);
    let said = says(&seat, address, "risk-1", &reject);
    assert!(
        said.out
            .contains("https://git.example.com/ml/models/compare/main...modelry/reject-churn-1-"),
        "{said:?}"
    );
}

#[test]
fn who_is_signed_in_has_it_opened() {
    for (host, program, page) in [
        ("github.com", "gh", "https://github.com/acme/models/pull/7"),
        (
            "gitlab.example.com",
            "glab",
            "https://gitlab.example.com/acme/models/-/merge_requests/7",
        ),
        (
            "git.example.com",
            "gh",
            "https://git.example.com/acme/models/pull/7",
        ),
    ] {
        let hub = Hub::open();
        let seat = hub.seat("a");
        programs(&hub, host, &format!("echo Creating...\necho {page}"));
        let address = format!("git@{host}:acme/models.git");
        let arguments = ["reject", "churn/1", "-m", "not now; $(id) @everyone", "--pr"];
        let said = says(&seat, &address, "risk-1", &arguments);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(
            said.out.contains(&format!("pull request: {page}\n")),
            "{}",
            said.out
        );
        let asked = std::fs::read_to_string(hub.lab.home().join("asked")).expect("what was asked");
        let asked = hub.lab.scrub(&asked);
        assert!(asked.starts_with(&format!("[{program}]\n")), "{asked}");
        assert!(asked.contains(&format!("[{host}/acme/models]\n")), "{asked}");
        assert!(
            asked.contains("[main]\n") && asked.contains("[modelry/reject-churn-1-"),
            "{asked}"
        );
        assert!(asked.contains("not now; $(id) @everyone"), "{asked}");
    }
}

#[test]
fn a_program_that_fails_leaves_the_page() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    programs(&hub, "github.com", "echo 'no rights here' >&2\nexit 1");
    let address = "git@github.com:acme/models.git";
    let said = says(
        &seat,
        address,
        "risk-1",
        &["reject", "churn/1", "-m", "no", "--pr"],
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err
            .contains("gh did not open a pull request: no rights here"),
        "{}",
        said.err
    );
    assert!(
        said.out
            .contains("open a pull request: https://github.com/acme/models/compare/"),
        "{}",
        said.out
    );
}

#[test]
fn a_branch_that_leaves_no_room_is_told_at_once() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let told = model("two");
    let register = registering(&told, &["--pr"]);
    for taken in ["modelry", "modelry/churn"] {
        hub.git(&["branch", taken, "main"]);
        let start = std::time::Instant::now();
        let said = seat.fails("trainer", 2, &[&register[..], &["--patience", "50s"]].concat());
        assert!(
            said.err.contains(&format!(
                "`origin` has a branch `{taken}`, so it can have none called `modelry/churn/2`"
            )),
            "{said:?}"
        );
        assert!(start.elapsed().as_secs() < 40, "it was tried again and again");
        hub.git(&["branch", "-D", taken]);
    }
    let _ = seat.ok("trainer", &register);
}
