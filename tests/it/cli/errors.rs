//! Faults outside the registry: each error says what is wrong and what to do, and
//! leaves everything as it was (`Lab::error` compares).

use std::process::Command;

use crate::support::needs::{GPG, PRLIMIT, needs};
use crate::support::{Lab, said};

#[test]
fn places_that_are_no_registry() {
    let lab = Lab::empty();
    let nowhere = lab.home().join("keys");
    insta::assert_snapshot!(lab.error("admin-1", &["-C", &nowhere.to_string_lossy(), "list"]), @r"
    error: [HOME]/keys is not in a Git repository
       hint: make one with `git -C [HOME]/keys init`, or name another folder with `-C DIR`
    ");
    insta::assert_snapshot!(lab.error("admin-1", &["list"]), @r"
    error: the branch has no commit yet
       hint: make the first one: `modelry init`
    ");
    lab.write("a", "a\n");
    lab.git(&["add", "-A"]);
    assert!(
        lab.git_as("admin-1", &["commit", "-q", "-S", "-m", "a"])
            .status
            .success()
    );
    insta::assert_snapshot!(lab.error("admin-1", &["list"]), @r"
    error: there is no registry on `main`
       hint: make one with `modelry init`, or name its branch with `--mainline` or its folder with `--path`
    ");
    for folder in ["a-models", "b-models"] {
        let _ = lab.ok("admin-1", &["init", "--path", folder, "--actor", "admin-1"]);
    }
    lab.git(&["config", "--unset-all", "modelry.root"]);
    insta::assert_snapshot!(lab.error("admin-1", &["list"]), @r"
    error: there are 2 registries here: `a-models`, `b-models`
       hint: say which: `--path FOLDER`, or pin one: `modelry trust OID:FOLDER`
    ");
    let _ = lab.ok("admin-1", &["--path", "b-models", "list"]);
}

#[test]
fn names_that_are_not_there() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let mut told = String::new();
    for arguments in [
        &["show", "chrun"][..],
        &["show", "churn/7"],
        &["register", "chrn", "--artifact", "s3://m/1"],
        &["actor", "retire", "rsk-1"],
        &["team", "remove", "rsk"],
        &["schema", "ModelVersoin"],
        &["explain", "illegal-transitoin"],
        &["validate", "nonsense..HEAD"],
        &["validate", "HEAD..HEAD"],
        &["validate", "no-such-folder"],
        &["card", "set", "churn/1", "--set", "limitatoins=x"],
        &["approve", "churn/1"],
        &["approve", "churn/1", "-m", "  "],
        &["init"],
    ] {
        told.push_str(&format!(
            "$ modelry {}\n{}",
            arguments.join(" "),
            lab.error("admin-1", arguments)
        ));
    }
    insta::assert_snapshot!(told, @r#"
    $ modelry show chrun
    error: there is no group `chrun`
       hint: did you mean `churn`?
    $ modelry show churn/7
    error: there is no version churn/7
       hint: the highest is churn/1; `modelry list churn` shows them all
    $ modelry register chrn --artifact s3://m/1
    error: there is no group `chrn`
       hint: did you mean `churn`?
    $ modelry actor retire rsk-1
    error: the policy knows no actor `rsk-1`
       hint: did you mean `risk-1`?
    $ modelry team remove rsk
    error: there is no team `rsk`
       hint: did you mean `risk`?
    $ modelry schema ModelVersoin
    error: there is no kind `ModelVersoin`
       hint: did you mean `ModelVersion`?
    $ modelry explain illegal-transitoin
    error: there is no rule and no concept `illegal-transitoin`
       hint: did you mean `illegal-transition`?
    $ modelry validate nonsense..HEAD
    error: `nonsense` names no commit here
       hint: `git branch -a` lists branches; in CI, fetch the commit first: `git fetch origin REV`
    $ modelry validate HEAD..HEAD
    error: there is nothing to check: HEAD..HEAD names one commit, [ID]
       hint: name the commit before the first one to judge: A..B
    $ modelry validate no-such-folder
    error: there is no `./no-such-folder`
       hint: name a folder or file on disk, or a range of commits: A..B
    $ modelry card set churn/1 --set limitatoins=x
    error: a card has no section `limitatoins`
       hint: did you mean `limitations`?
    $ modelry approve churn/1
    error: say why: a decision to approve carries its reason
       hint: modelry approve churn/1 -m "…"
    $ modelry approve churn/1 -m   
    error: say why: a decision to approve carries its reason
       hint: modelry approve churn/1 -m "…"
    $ modelry init
    error: there is a registry here already: `registry.yaml`
       hint: `modelry trust` shows its root; `modelry whoami` says who you are in it
    "#);
}

#[test]
fn no_grant_says_who_has_it() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let said = lab.says("trainer", &["approve", "churn/1", "-m", "mine"]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("MR307") && said.out.contains("`admin-1`, `risk-1` and `risk-2` may"),
        "{}",
        said.out
    );
    assert!(said.err.contains("refused: nothing was written"), "{}", said.err);
    assert_eq!(tip, lab.git(&["rev-parse", "HEAD"]));
}

#[test]
#[ignore = "needs GnuPG"]
fn keys_and_signing_programs() {
    needs![GPG];
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let with = |pairs: &[(&str, &str)]| {
        let mut command = lab.modelry("risk-1", &["approve", "churn/1", "-m", "x"]);
        command.env("GIT_CONFIG_COUNT", pairs.len().to_string());
        for (index, (key, value)) in pairs.iter().enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{index}"), key)
                .env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        command.env("MODELRY_SIGN_TIMEOUT", "1");
        let told = said(&mut command);
        assert_eq!(told.code, 2, "{told:?}");
        lab.scrub(&told.err)
    };
    let before = lab.git(&["rev-parse", "HEAD"]);
    let key = lab.key("risk-1").to_string_lossy().into_owned();
    let hang = lab.home().join("hang");
    std::fs::write(&hang, "#!/bin/sh\nsleep 30\n").expect("a script");
    let refuse = lab.home().join("refuse");
    std::fs::write(&refuse, "#!/bin/sh\necho 'the key is not here' >&2\nexit 3\n").expect("a script");
    for script in [&hang, &refuse] {
        assert!(
            Command::new("chmod")
                .arg("+x")
                .arg(script)
                .status()
                .expect("chmod")
                .success()
        );
    }
    let (hang, refuse) = (
        hang.to_string_lossy().into_owned(),
        refuse.to_string_lossy().into_owned(),
    );
    let mut told = String::new();
    for pairs in [
        &[][..],
        &[("user.signingkey", "/no/such/key")],
        &[("user.signingkey", &key), ("gpg.ssh.program", "/no/such/program")],
        &[("user.signingkey", &key), ("gpg.ssh.program", &refuse)],
        &[("user.signingkey", &key), ("gpg.ssh.program", &hang)],
        &[("user.signingkey", "ABCD"), ("gpg.format", "openpgp")],
        &[("user.signingkey", "ABCD"), ("gpg.format", "x509")],
    ] {
        told.push_str(&with(pairs));
    }
    assert_eq!(before, lab.git(&["rev-parse", "HEAD"]));
    insta::assert_snapshot!(told, @r#"
    error: no signing key is configured
       hint: every decision is signed; make a key once: `ssh-keygen -t ed25519`
       hint: then tell git: `git config --global gpg.format ssh`
       hint: and: `git config --global user.signingkey ~/.ssh/id_ed25519.pub`
    error: there is no signing key at /no/such/key
       hint: look at `git config user.signingkey`
       hint: make a key: `ssh-keygen -t ed25519`
    error: can't run the signing program `/no/such/program`: No such file or directory (os error 2)
       hint: install it, or look at `gpg.ssh.program` in git's configuration
    error: the signing program `[HOME]/refuse` refused: the key is not here
       hint: try it by hand: `git commit -S --allow-empty -m try`
       hint: is the key in your agent? `ssh-add -l`
    error: the signing program `[HOME]/hang` did not answer in 1 s
       hint: is it waiting for a key to be touched, or a passphrase? try `git commit -S --allow-empty -m try`
       hint: `MODELRY_SIGN_TIMEOUT=SECONDS` gives it more time
    error: gpg has no secret key for `ABCD`
       hint: look at `gpg --list-secret-keys` and `git config user.signingkey`
       hint: make a key: `gpg --quick-generate-key "$(git config user.email)" ed25519 sign`
    error: git signs with x509 here, and X.509 signatures are not supported: sign with SSH or OpenPGP
       hint: sign with an SSH key: `git config --global gpg.format ssh`
       hint: and name it: `git config --global user.signingkey ~/.ssh/id_ed25519.pub`
    "#);
    let stranger = lab.error("stranger", &["approve", "churn/1", "-m", "x"]);
    assert!(
        stranger.contains("belongs to no actor") && stranger.contains("modelry whoami"),
        "{stranger}"
    );
}

#[test]
fn branches_and_files_in_the_way() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let path = "groups/churn/versions/1/version.yaml";
    let text = lab.read(path);
    lab.write(path, &format!("{text}# a note of mine\n"));
    insta::assert_snapshot!(lab.error("risk-1", &["approve", "churn/1", "-m", "x"]), @r"
    error: uncommitted changes would be lost in groups/churn/versions/1/version.yaml
       hint: commit or stash them first: `git stash push -- FILE`, or write to another branch with `--branch NAME`
    ");
    assert!(lab.read(path).ends_with("# a note of mine\n"));
    lab.write(path, &text);
    lab.write("groups/churn/versions/1/reviews/risk-1.yaml", "in the way\n");
    let told = lab.error("risk-1", &["approve", "churn/1", "-m", "x"]);
    assert!(told.contains("reviews/risk-1.yaml"), "{told}");
    std::fs::remove_dir_all(lab.top.join("groups/churn/versions/1/reviews")).expect("the folder");
    // Somebody else's uncommitted work elsewhere is none of our business.
    lab.write(
        "groups/churn/group.yaml",
        &lab.read("groups/churn/group.yaml").replace("leave us", "leave"),
    );
    let staged = lab.read("groups/churn/group.yaml");
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "x"]);
    assert_eq!(staged, lab.read("groups/churn/group.yaml"));
    assert_eq!(
        lab.git(&["status", "--porcelain"]).trim(),
        "M groups/churn/group.yaml"
    );
    lab.git(&["checkout", "-q", "--", "."]);
    lab.git(&["checkout", "-q", "--detach"]);
    insta::assert_snapshot!(lab.error("trainer", &["annotate", "churn/1", "--label", "a=b"]), @r"
    error: HEAD is detached, so there is no branch to commit to
       hint: switch to one: `git switch main`, or name it: `--branch NAME`
    ");
}

#[test]
fn a_lock_that_somebody_holds() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let lock = lab.top.join(".git/refs/heads/main.lock");
    std::fs::write(&lock, "").expect("a lock");
    insta::assert_snapshot!(lab.error("risk-1", &["approve", "churn/1", "-m", "x"]), @r"
    error: `main` is locked by another process: [HOME]/models/.git/refs/heads/main.lock
       hint: wait for it to end, and try again; if none is running, remove that file
    ");
    assert!(lock.exists(), "a lock is never taken away unasked");
    std::fs::remove_file(lock).expect("the lock");
    // Objects of a failed landing are unreachable, as git's own would be.
    lab.git(&["prune", "--expire=now"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "x"]);
    lab.check();
}

/// Runs a command where it can't write: as another user when this is root, for
/// whom nothing is read-only.
fn powerless(command: &Command, prefix: &[&str]) -> Command {
    let mut wrapped = Command::new(prefix[0]);
    wrapped
        .args(&prefix[1..])
        .arg(command.get_program())
        .args(command.get_args());
    wrapped.env_clear();
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            wrapped.env(key, value);
        }
    }
    if let Some(directory) = command.get_current_dir() {
        wrapped.current_dir(directory);
    }
    wrapped
}

#[test]
fn a_repository_that_cant_be_written() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let before = lab.git(&["rev-parse", "HEAD"]);
    let open = Command::new("chmod")
        .args(["-R", "a+rX"])
        .arg(lab.home())
        .status();
    assert!(open.expect("chmod").success());
    let open = Command::new("chmod")
        .args(["a+r"])
        .arg(lab.key("risk-1"))
        .status();
    assert!(open.expect("chmod").success());
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .expect("id")
        .stdout
        .starts_with(b"0");
    let mut command = lab.modelry("risk-1", &["approve", "churn/1", "-m", "x"]);
    command
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_1", "safe.directory")
        .env("GIT_CONFIG_VALUE_1", "*");
    // ssh-keygen wants a key that is the signer's alone: it gets a copy.
    let signer = lab.home().join("signer");
    std::fs::write(&signer, "#!/bin/sh\nset -e\nmine=$(mktemp)\ncat \"$6\" > \"$mine\"\nssh-keygen -Y sign -n \"$4\" -f \"$mine\" \"$7\"\nrm \"$mine\"\n").expect("a script");
    assert!(
        Command::new("chmod")
            .args(["a+rx"])
            .arg(&signer)
            .status()
            .expect("chmod")
            .success()
    );
    std::fs::write(lab.home().join(".gitconfig"), "[safe]\n\tdirectory = *\n").expect("a file");
    assert!(
        Command::new("chmod")
            .args(["a+r"])
            .arg(lab.home().join(".gitconfig"))
            .status()
            .expect("chmod")
            .success()
    );
    command.args(["--no-record-signature"]);
    command
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_1", "gpg.ssh.program")
        .env("GIT_CONFIG_VALUE_1", &signer);
    let told = if is_root {
        // The binary itself may lie where the other user can't go.
        let binary = lab.home().join("modelry-copy");
        // By a program: what this process writes, another thread's child may hold open,
        // and then it does not run.
        let copied = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_modelry"))
            .arg(&binary)
            .status();
        assert!(copied.expect("cp").success());
        let mut copy = Command::new(&binary);
        copy.args(command.get_args()).current_dir(&lab.top);
        for (key, value) in command.get_envs() {
            if let Some(value) = value {
                copy.env(key, value);
            }
        }
        said(&mut powerless(
            &copy,
            &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        ))
    } else {
        assert!(
            Command::new("chmod")
                .args(["-R", "a-w"])
                .arg(lab.top.join(".git"))
                .status()
                .expect("chmod")
                .success()
        );
        said(&mut command)
    };
    let _ = Command::new("chmod")
        .args(["-R", "u+w"])
        .arg(lab.top.join(".git"))
        .status();
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        told.err.contains("can't be written by you") || told.err.contains("ermission denied"),
        "{told:?}"
    );
    assert_eq!(before, lab.git(&["rev-parse", "HEAD"]));
}

#[test]
fn output_that_cant_be_written_is_an_error() {
    let lab = Lab::with_registry();
    let mut command = lab.modelry("admin-1", &["list"]);
    command.stdout(
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full"),
    );
    let told = said(&mut command);
    assert_eq!(told.code, 2);
    assert!(
        told.err.contains("can't write standard output") && told.err.contains("No space left"),
        "{told:?}"
    );
}

#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    needs![PRLIMIT];
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let before = lab.git(&["rev-parse", "HEAD"]);
    let review = lab.top.join("groups/churn/versions/1/reviews");
    // No file may grow beyond a few bytes: what a full disk does, without one.
    let command = lab.modelry("risk-1", &["approve", "churn/1", "-m", "x"]);
    let mut limited = powerless(&command, &["prlimit", "--fsize=16", "--"]);
    let told = said(&mut limited);
    assert_ne!(told.code, 0, "{told:?}");
    assert_eq!(before, lab.git(&["rev-parse", "HEAD"]));
    assert!(!review.exists());
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "x"]);
    lab.check();
}

#[test]
fn a_record_of_a_newer_format() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(path, &lab.read(path).replace("modelry/v1", "modelry/v2"));
    let out = lab.findings("trainer", &["validate"]);
    assert!(
        out.contains("MR015 unknown-format") && out.contains("use a newer Modelry"),
        "{out}"
    );
}

#[test]
fn a_shallow_clone_is_never_a_silent_pass() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let clone = lab.home().join("shallow");
    let url = format!("file://{}", lab.top.display());
    assert!(
        lab.command("git")
            .args(["clone", "-q", "--depth", "1", &url])
            .arg(&clone)
            .status()
            .expect("git")
            .success()
    );
    let root = lab.root();
    let told = lab.error(
        "trainer",
        &[
            "-C",
            &clone.to_string_lossy(),
            "validate",
            &format!("{root}..HEAD"),
        ],
    );
    assert!(told.contains("fetch --unshallow"), "{told}");
    let told = lab.error(
        "trainer",
        &[
            "-C",
            &clone.to_string_lossy(),
            "annotate",
            "churn/1",
            "--label",
            "a=b",
        ],
    );
    assert!(
        told.contains("is not in this repository") && told.contains("fetch"),
        "{told}"
    );
}
