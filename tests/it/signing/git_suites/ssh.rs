//! The scenarios of git's t7528: commits signed with ssh-keygen.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{World, apart, branch, file, piped, scribe, with_header};
use crate::support::Lab;
use crate::support::golden::golden;
use crate::support::wait::wait_for;

fn new_key(lab: &Lab, who: &str, arguments: &[&str]) -> String {
    let path = lab.home().join("keys").join(who);
    let made = lab
        .command("ssh-keygen")
        .args(["-q", "-N", "", "-C", who, "-f"])
        .arg(&path)
        .args(arguments)
        .status();
    assert!(made.expect("ssh-keygen is needed by this test").success());
    format!("{}.pub", path.display())
}

/// `who@example.com OPTIONS KEY`, a line of git's allowed signers.
fn signer(lab: &Lab, who: &str, options: &str) -> String {
    let key = std::fs::read_to_string(lab.public_key(who)).expect("a key");
    let key: Vec<&str> = key.split_whitespace().take(2).collect();
    format!("{who}@example.com {options} {}\n", key.join(" "))
}

const SIGNERS: &str = "gpg.ssh.allowedSignersFile";

struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn new(lab: &Lab) -> Agent {
        let socket = lab.home().join("agent");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ssh-agent is needed by this test");
        wait_for("its socket", || socket.exists());
        Agent { child, socket }
    }

    fn add(&self, lab: &Lab, key: &Path) {
        let mut command = lab.command("ssh-add");
        let added = command
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .status();
        assert!(added.expect("ssh-add").success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn signed_with_ssh() {
    let mut world = World::new(Lab::with_registry(), |lab| {
        scribe(lab, "scribe", &lab.public_key("scribe"));
        scribe(
            lab,
            "curve",
            &new_key(lab, "curve", &["-t", "ecdsa", "-b", "384"]),
        );
        scribe(
            lab,
            "rivest",
            &new_key(lab, "rivest", &["-t", "rsa", "-b", "3072"]),
        );
    });
    let signers = world.lab.ok("admin-1", &["allowed-signers"]);
    let signers = file(&world.lab, "allowed", &signers);
    let plain: &[(&str, &str)] = &[(SIGNERS, &signers)];
    ways_to_sign(&mut world, plain);
    changed_afterwards(&mut world, plain);
    several_signatures(&mut world, plain);
    odd_headers(&mut world, plain);
    merges(&mut world, plain);
    for who in ["curve", "rivest"] {
        let id = world.signed(who, &world.payload("another kind of key"));
        let name = if who == "curve" {
            "an ECDSA key"
        } else {
            "an RSA key"
        };
        world.row(name, &id, plain, "");
    }
    namespaces_and_principals(&mut world, plain);
    agents_and_certificates(&mut world, plain);
    lives_of_keys(&mut world);
    golden("fixtures/git-suites/ssh.txt", &world.table());
}

/// Every way in which git signs, or does not.
fn ways_to_sign(world: &mut World, plain: &[(&str, &str)]) {
    let id = world.commit("scribe", &["commit", "-q", "-a", "-S", "-m", "label"]);
    world.row("signed", &id, plain, "");
    let id = world.commit("scribe", &["commit", "-q", "-a", "-m", "label"]);
    world.row("unsigned", &id, plain, "");
    let _ = world.commit("scribe", &["commit", "-q", "-a", "-m", "label"]);
    world.git_as("scribe", &["commit", "-q", "--amend", "-S", "-m", "signed"]);
    let id = world.lab.git(&["rev-parse", "HEAD"]);
    world.row("unsigned, then amended and signed", &id, plain, "");
    let _ = world.commit("scribe", &["commit", "-q", "-a", "-S", "-m", "label"]);
    world.git_as("scribe", &["commit", "-q", "--amend", "-S", "--no-edit"]);
    let id = world.lab.git(&["rev-parse", "HEAD"]);
    world.row("signed, then amended and signed", &id, plain, "");
    let _ = world.commit("scribe", &["commit", "-q", "-a", "-S", "-m", "label"]);
    world.git_as(
        "scribe",
        &["commit", "-q", "--amend", "--no-gpg-sign", "--no-edit"],
    );
    let id = world.lab.git(&["rev-parse", "HEAD"]);
    world.row("signed, then amended and not signed", &id, plain, "");
    world.lab.git(&["config", "commit.gpgsign", "true"]);
    let id = world.commit("scribe", &["commit", "-q", "-a", "-m", "label"]);
    world.row("signed by commit.gpgsign", &id, plain, "");
    let id = world.commit("scribe", &["commit", "-q", "-a", "--no-gpg-sign", "-m", "label"]);
    world.row("commit.gpgsign and --no-gpg-sign", &id, plain, "");
    let _ = world.commit("scribe", &["commit", "-q", "-a", "--no-gpg-sign", "-m", "label"]);
    world.git_as("scribe", &["rebase", "-q", "-f", &world.base]);
    let id = world.lab.git(&["rev-parse", "HEAD"]);
    world.row("unsigned, then rebased and signed", &id, plain, "");
    let id = world.git_as(
        "scribe",
        &["commit-tree", &world.tree, "-p", &world.base, "-m", "x"],
    );
    world.row("commit-tree under commit.gpgsign", &id, plain, "");
    world.lab.git(&["config", "--unset", "commit.gpgsign"]);
    let id = world.git_as(
        "scribe",
        &["commit-tree", "-S", &world.tree, "-p", &world.base, "-m", "x"],
    );
    world.row("commit-tree -S", &id, plain, "");
    let by_key = format!("--gpg-sign={}", world.lab.key("stranger").display());
    let id = world.git_as(
        "scribe",
        &["commit-tree", &by_key, &world.tree, "-p", &world.base, "-m", "x"],
    );
    world.row("by a key of nobody", &id, plain, "");
    let ultimate = [plain, &[("gpg.minTrustLevel", "undefined")]].concat();
    world.row("by a key of nobody, gpg.minTrustLevel low", &id, &ultimate, "");
}

/// Commits that are no longer what was signed.
fn changed_afterwards(world: &mut World, plain: &[(&str, &str)]) {
    let payload = world.payload("seventh");
    let armor = world.ssh("scribe", "git", &payload);
    let old = String::from_utf8(payload.clone()).expect("text");
    let empty = world.lab.git(&["rev-parse", &format!("{}^{{tree}}", world.base)]);
    for (name, from, to) in [
        ("the message is another", "seventh", "7th forged"),
        ("the author is another", "author scribe", "author admin-1"),
        (
            "the date is another",
            "1795000000 +0000\n\n",
            "1795000001 +0000\n\n",
        ),
        ("the time zone is another", "+0000\n\n", "+0100\n\n"),
    ] {
        assert!(old.contains(from));
        let forged = old.replacen(from, to, 1);
        let id = world.store(&with_header(forged.as_bytes(), "gpgsig", &armor));
        world.row(name, &id, plain, "");
    }
    // The signature covers the tree without the label, and is put into the commit
    // with it.
    let harmless = old.replacen(&world.tree, &empty, 1);
    let armor_of_it = world.ssh("scribe", "git", harmless.as_bytes());
    let id = world.store(&with_header(&payload, "gpgsig", &armor_of_it));
    world.row("the tree is another", &id, plain, "");
    let orphan = old.replacen(&format!("parent {}\n", world.base), "", 1);
    let armor_of_it = world.ssh("scribe", "git", orphan.as_bytes());
    let id = world.store(&with_header(&payload, "gpgsig", &armor_of_it));
    world.row("a parent that was not signed", &id, plain, "");
    let mut bytes = with_header(&payload, "gpgsig", &armor);
    bytes.extend_from_slice(b"\0wik\n");
    let id = world.store(&bytes);
    world.row("a NUL and more after the message", &id, plain, "");
    let with_nul = [&payload[..], b"\0wik\n"].concat();
    let id = world.signed("scribe", &with_nul);
    world.row(
        "a NUL and more that was signed",
        &id,
        plain,
        "no tool shows what follows the NUL",
    );
    let half: String = armor.lines().take(3).map(|line| format!("{line}\n")).collect();
    let id = world.store(&with_header(&payload, "gpgsig", &half));
    world.row("half of a signature", &id, plain, "");
    let id = world.store(&with_header(&payload, "gpgsig", "no signature at all"));
    world.row("words in place of a signature", &id, plain, "");
    let empty = with_header(&payload, "gpgsig", "");
    let id = world.store(&empty);
    world.row("an empty signature", &id, plain, "");
    let indented = [&payload[..], armor.as_bytes(), b"\n"].concat();
    let id = world.store(&indented);
    world.row("the signature after the message, as a tag has it", &id, plain, "");
    let after = format!("{armor}\nand words");
    let id = world.store(&with_header(&payload, "gpgsig", &after));
    world.row(
        "words after the signature",
        &id,
        plain,
        "exactly one block, and nothing beside it",
    );
}

/// More than one signature in one commit.
fn several_signatures(world: &mut World, plain: &[(&str, &str)]) {
    let payload = world.payload("twice");
    let (good, other) = (
        world.ssh("scribe", "git", &payload),
        world.ssh("stranger", "git", &payload),
    );
    let both = format!("{good}\n{other}");
    let id = world.store(&with_header(&payload, "gpgsig", &both));
    world.row(
        "two blocks in one header",
        &id,
        plain,
        "who signed would depend on who reads",
    );
    let both = format!("{other}\n{good}");
    let id = world.store(&with_header(&payload, "gpgsig", &both));
    world.row("two blocks in one header, a stranger's first", &id, plain, "");
    let twice = with_header(&with_header(&payload, "gpgsig", &good), "gpgsig", &good);
    let id = world.store(&twice);
    world.row("two headers", &id, plain, "who signed would depend on who reads");
    let twice = with_header(&with_header(&payload, "gpgsig", &other), "gpgsig", &good);
    let id = world.store(&twice);
    world.row("two headers, a stranger's first", &id, plain, "");
    let both = with_header(&with_header(&payload, "gpgsig", &good), "gpgsig-sha256", &good);
    let id = world.store(&both);
    world.row(
        "a good one, and one for SHA-256 repositories",
        &id,
        plain,
        "the second is nobody's to check here",
    );
    let id = world.store(&with_header(&payload, "gpgsig-sha256", &good));
    world.row("only one for SHA-256 repositories", &id, plain, "");
}

/// Headers that git takes, and readers differ on.
fn odd_headers(world: &mut World, plain: &[(&str, &str)]) {
    world.lab.git(&["config", "i18n.commitEncoding", "ISO-8859-1"]);
    let id = world.commit("scribe", &["commit", "-q", "-a", "-S", "-m", "latin"]);
    world.lab.git(&["config", "--unset", "i18n.commitEncoding"]);
    world.row(
        "an encoding header: ISO-8859-1",
        &id,
        plain,
        "what is read differs from what was signed",
    );
    let payload = with_header(&world.payload("utf-8"), "encoding", "UTF-8");
    let id = world.signed("scribe", &payload);
    world.row("an encoding header: UTF-8", &id, plain, "");
    let payload = with_header(&world.payload("extra"), "HG:extra", "branch:default");
    let id = world.signed("scribe", &payload);
    world.row(
        "a header of another tool",
        &id,
        plain,
        "unknown headers may hide something",
    );
    let text = String::from_utf8(world.payload("twice")).expect("text");
    let author = text.lines().nth(2).expect("an author").to_owned();
    let twice = text.replacen(&author, &format!("{author}\n{author}"), 1);
    let id = world.signed("scribe", twice.as_bytes());
    world.row("two authors", &id, plain, "readers differ on who is meant");
    let bracket = text.replacen("author scribe <", "author scribe <admin-1@example.com> <", 1);
    let id = world.signed("scribe", bracket.as_bytes());
    world.row(
        "two addresses in one author",
        &id,
        plain,
        "readers differ on who is meant",
    );
    let latin = [&world.payload("b")[..], b"caf\xe9\n"].concat();
    let id = world.signed("scribe", &latin);
    world.row(
        "bytes that are no UTF-8",
        &id,
        plain,
        "what is read differs from what was signed",
    );
}

fn merges(world: &mut World, plain: &[(&str, &str)]) {
    let head = |world: &World| world.lab.git(&["rev-parse", "HEAD"]);
    branch(world, "outside", "stranger", "--no-gpg-sign", || {
        world.lab.write("elif", "3\n");
    });
    branch(world, "unsigned", "scribe", "--no-gpg-sign", || world.label());
    branch(world, "signed", "scribe", "-S", || world.label());
    branch(world, "other", "scribe", "-S", || world.lab.write("other", "4\n"));
    apart(world);
    world.git_as(
        "scribe",
        &["merge", "-q", "--no-ff", "-S", "-m", "merge", "outside"],
    );
    let id = head(world);
    world.row("a signed merge of an unsigned file outside", &id, plain, "");
    apart(world);
    world.git_as(
        "scribe",
        &["merge", "-q", "--no-ff", "-S", "-m", "merge", "unsigned"],
    );
    let id = head(world);
    world.row(
        "a signed merge of an unsigned label",
        &id,
        plain,
        "a merge signs nothing that its side did not",
    );
    apart(world);
    world.git_as("stranger", &["merge", "-q", "--no-ff", "-m", "merge", "signed"]);
    let (id, side) = (head(world), world.lab.git(&["rev-parse", "HEAD^2"]));
    let base = world.base.clone();
    world.row_of(
        "an unsigned merge: git is asked of its signed side",
        &side,
        (&base, &id),
        plain,
        "",
    );
    apart(world);
    world.git_as("stranger", &["merge", "-q", "--no-ff", "--no-commit", "outside"]);
    world.label();
    world.lab.git(&["add", "-A"]);
    world.git_as("stranger", &["commit", "-q", "--no-gpg-sign", "-m", "evil"]);
    let id = head(world);
    world.row("an unsigned merge that brings the label itself", &id, plain, "");
    apart(world);
    world.git_as(
        "scribe",
        &["merge", "-q", "-S", "-m", "octopus", "signed", "other"],
    );
    let id = head(world);
    assert_eq!(
        world
            .lab
            .git(&["rev-list", "--parents", "-1", "HEAD"])
            .split(' ')
            .count(),
        4
    );
    world.row(
        "a signed octopus",
        &id,
        plain,
        "three parents tell nothing of who wrote what",
    );
    world.git_as("scribe", &["tag", "-s", "-m", "tagged", "label-tag", "signed"]);
    apart(world);
    world.git_as(
        "scribe",
        &["merge", "-q", "--no-ff", "-S", "-m", "merge", "label-tag"],
    );
    let id = head(world);
    assert!(String::from_utf8_lossy(&world.bytes(&id)).contains("\nmergetag object "));
    world.row("a signed merge of a signed tag", &id, plain, "");
}

fn namespaces_and_principals(world: &mut World, plain: &[(&str, &str)]) {
    for (name, namespace) in [
        ("signed for files", "file"),
        ("signed for records", "modelry"),
        ("signed for `Git`", "Git"),
    ] {
        let payload = world.payload(name);
        let armor = world.ssh("scribe", namespace, &payload);
        let id = world.store(&with_header(&payload, "gpgsig", &armor));
        world.row(name, &id, plain, "");
    }
    let text = String::from_utf8(world.payload("by name")).expect("text");
    let claimed = text.replace("scribe <scribe@example.com>", "admin-1 <admin-1@example.com>");
    let id = world.signed("scribe", claimed.as_bytes());
    world.row("another actor's name, the scribe's key", &id, plain, "");
    let id = world.signed("stranger", text.as_bytes());
    world.row("the scribe's name, a stranger's key", &id, plain, "");
    // Rights are not a matter of git.
    let id = world.signed("risk-1", text.as_bytes());
    world.row(
        "an actor who may not annotate",
        &id,
        plain,
        "a good signature, and no grant",
    );
}

fn agents_and_certificates(world: &mut World, plain: &[(&str, &str)]) {
    let agent = Agent::new(&world.lab);
    agent.add(&world.lab, &world.lab.key("scribe"));
    let line = std::fs::read_to_string(world.lab.public_key("scribe")).expect("a key");
    let line = line.trim().to_owned();
    let literal = format!("key::{line}");
    for (name, key) in [
        ("a literal key, from the agent", &line),
        ("a literal `key::`, from the agent", &literal),
    ] {
        for inline in [true, false] {
            world.reset();
            world.label();
            let mut command = world.lab.command("git");
            world.lab.as_actor(&mut command, "scribe");
            command
                .env("SSH_AUTH_SOCK", &agent.socket)
                .current_dir(&world.lab.top);
            match inline {
                true => command
                    .args(["commit", "-q", "-a", "-m", name])
                    .arg(format!("-S{key}")),
                false => command
                    .args(["-c", &format!("user.signingkey={key}")])
                    .env_remove("GIT_CONFIG_COUNT")
                    .args(["commit", "-q", "-a", "-S", "-m", name]),
            };
            assert!(command.status().expect("git").success(), "{name}");
            let id = world.lab.git(&["rev-parse", "HEAD"]);
            match inline {
                true => world.row(name, &id, plain, ""),
                false => assert_eq!(
                    (true, 0),
                    (world.git_says(&id, plain).0, world.we_say(&world.base, &id).len())
                ),
            }
        }
    }
    // A certificate says who: git believes an authority, and we the policy.
    let authority = new_key(&world.lab, "authority", &["-t", "ed25519"]);
    let certified = world.lab.key("certified");
    let made = world
        .lab
        .command("ssh-keygen")
        .args(["-q", "-I", "certified", "-n", "scribe@example.com", "-s"])
        .arg(world.lab.key("authority"))
        .arg(format!("{}.pub", certified.display()))
        .status();
    assert!(made.expect("ssh-keygen").success());
    agent.add(&world.lab, &certified);
    let payload = world.payload("certified");
    let mut command = world.lab.command("ssh-keygen");
    command
        .args(["-q", "-Y", "sign", "-n", "git", "-f"])
        .arg(format!("{}-cert.pub", certified.display()))
        .env("SSH_AUTH_SOCK", &agent.socket)
        .stderr(Stdio::null());
    let armor = piped(&mut command, &payload);
    let id = world.store(&with_header(&payload, "gpgsig", &armor));
    let key = std::fs::read_to_string(authority).expect("a key");
    let key: Vec<&str> = key.split_whitespace().take(2).collect();
    let believed = file(
        &world.lab,
        "authorities",
        &format!("*@example.com cert-authority {}\n", key.join(" ")),
    );
    world.row(
        "an SSH certificate of an authority",
        &id,
        &[(SIGNERS, &believed)],
        "the policy names keys, and no authority",
    );
}

/// Git goes by dates that the committer writes, and we by positions in history.
fn lives_of_keys(world: &mut World) {
    let timed = signer(
        &world.lab,
        "timed",
        "namespaces=\"git\",valid-after=\"20260101000000Z\",valid-before=\"20270101000000Z\"",
    );
    let timed = file(&world.lab, "timed", &timed);
    let config: &[(&str, &str)] = &[(SIGNERS, &timed)];
    let (before, within, after) = (1_700_000_000, 1_790_000_000, 1_900_000_000);
    let id = world.signed("timed", &world.payload_at(before, "too early"));
    world.row("before the key is valid", &id, config, "");
    let id = world.signed("timed", &world.payload_at(within, "written as later"));
    world.row(
        "before the key is valid, with a date within",
        &id,
        config,
        "a date is the committer's own word",
    );
    scribe(&world.lab, "timed", &world.lab.public_key("timed"));
    world.rebase();
    let id = world.signed("timed", &world.payload_at(within, "in time"));
    world.row("while the key is valid", &id, config, "");
    let _ = world.lab.ok("admin-1", &["actor", "retire", "timed"]);
    world.rebase();
    let id = world.signed("timed", &world.payload_at(after, "too late"));
    world.row("after the key is valid", &id, config, "");
    let id = world.signed("timed", &world.payload_at(within, "written as earlier"));
    world.row(
        "after the key is valid, with a date within",
        &id,
        config,
        "a date is the committer's own word",
    );
    let listed = world
        .lab
        .command("ssh-keygen")
        .arg("-lf")
        .arg(world.lab.public_key("scribe"))
        .output();
    let listed = String::from_utf8_lossy(&listed.expect("ssh-keygen").stdout).into_owned();
    let print = listed.split(' ').nth(1).expect("a fingerprint").to_owned();
    let _ = world
        .lab
        .ok("admin-1", &["actor", "revoke-key", &print, "-m", "stolen"]);
    world.rebase();
    let revoked = world.lab.home().join("revoked");
    let made = world
        .lab
        .command("ssh-keygen")
        .args(["-q", "-k", "-f"])
        .arg(&revoked)
        .arg(world.lab.public_key("scribe"))
        .status();
    assert!(made.expect("ssh-keygen").success());
    let signers = file(
        &world.lab,
        "one",
        &signer(&world.lab, "scribe", "namespaces=\"git\""),
    );
    let revoked = revoked.display().to_string();
    let id = world.signed("scribe", &world.payload("stolen"));
    let config: &[(&str, &str)] = &[(SIGNERS, &signers), ("gpg.ssh.revocationFile", &revoked)];
    world.row("a revoked key", &id, config, "");
    let id = world.signed("scribe", &world.payload_at(1_780_000_000, "written as earlier"));
    world.row("a revoked key, with an old date", &id, config, "");
}
