//! The lines of the docs: a cron line, a hook on a server, a step in CI.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Receiver, SECRET, events, lab};
use crate::support::needs::{OPENSSL, needs};
use crate::support::wait::wait_for;
use crate::support::{Lab, Said, said};

/// A block of the docs, with this receiver and its secret.
fn block(mark: &str, receiver: &Receiver) -> String {
    let block = crate::support::docs::block(mark);
    let there = |text: &str, with: &str, block: &str| match block.contains(text) {
        true => block.replace(text, with),
        false => block.to_owned(),
    };
    let block = there("whsec_$(openssl rand -base64 32)", SECRET, &block);
    let block = there("https://hooks.example.com/models", &receiver.uri("/ok"), &block);
    // The receiver is on this machine.
    block.replace(" --cursor ", " --allow-private --cursor ")
}

/// A registry, a bare clone of it in a folder as a server has one, a receiver.
fn ground() -> (Lab, PathBuf, Receiver) {
    let lab = lab();
    let folder = lab.home().join("srv");
    std::fs::create_dir(&folder).expect("a folder");
    let bare = folder.join("models.git").to_string_lossy().into_owned();
    let _ = lab.git(&["clone", "--quiet", "--mirror", ".", &bare]);
    let _ = lab.git(&["-C", &bare, "config", "modelry.root", &lab.root()]);
    let receiver = Receiver::start(lab.home());
    (lab, folder, receiver)
}

/// A shell that finds Modelry.
fn shell(lab: &Lab, shell: &str, text: &str, folder: &Path) -> Command {
    let mut command = lab.command(shell);
    lab.as_actor(&mut command, "admin-1");
    command
        .args(["-e", "-c", text])
        .current_dir(folder)
        .env("PATH", with_modelry());
    command
}

fn with_modelry() -> std::ffi::OsString {
    let binary = Path::new(env!("CARGO_BIN_EXE_modelry"))
        .parent()
        .expect("a folder");
    let path = std::env::var_os("PATH").expect("PATH");
    let all = std::iter::once(binary.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(all).expect("a path")
}

#[track_caller]
fn fine(command: &mut Command) -> Said {
    let said = said(command);
    assert_eq!(said.code, 0, "{said:?}");
    said
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn by_cron() {
    needs![super::PACKAGES, OPENSSL];
    let (lab, folder, receiver) = ground();
    let _ = fine(&mut shell(
        &lab,
        "bash",
        &block("notify-once", &receiver),
        &folder,
    ));
    assert_eq!(receiver.received().len(), 0, "from now on");
    let line = block("notify-cron", &receiver);
    let fields: Vec<&str> = line.trim().splitn(6, ' ').collect();
    assert_eq!(fields[..5], ["*/5", "*", "*", "*", "*"]);
    assert!(!fields[5].contains('%'), "cron would take it for a new line");
    let line = fields[5].replace("/srv/git", &folder.to_string_lossy());
    let cron = || fine(&mut shell(&lab, "sh", &line, lab.home()));
    assert_eq!(cron().err, "", "cron would send a mail");
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    let _ = lab.ok("admin-1", &["group", "create", "cards"]);
    let said = cron();
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
    assert_eq!(receiver.ids("/ok"), events(&lab)[3..]);
    let log = std::fs::read_to_string(folder.join("notify/log")).expect("a log");
    assert!(
        log.contains("group cards created\nnote: 2 events delivered\n"),
        "{log}"
    );
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn by_a_hook_on_a_server() {
    needs![super::PACKAGES, OPENSSL];
    use std::os::unix::fs::PermissionsExt as _;
    let (lab, folder, receiver) = ground();
    let bare = folder.join("models.git");
    let _ = lab.git(&[
        "-C",
        &bare.to_string_lossy(),
        "config",
        "--unset",
        "remote.origin.mirror",
    ]);
    let _ = fine(&mut shell(
        &lab,
        "bash",
        &block("notify-once", &receiver),
        &folder,
    ));
    let hook = bare.join("hooks/post-receive");
    std::fs::create_dir_all(bare.join("hooks")).expect("a folder");
    std::fs::write(&hook, block("notify-hook", &receiver)).expect("a file");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    // Several pushes follow each other faster than events are delivered.
    for group in ["loans", "cards", "leases"] {
        let _ = lab.ok("admin-1", &["group", "create", group]);
        let push = format!("git push --quiet {} main", bare.display());
        let _ = fine(&mut shell(&lab, "sh", &push, &lab.top));
    }
    wait_for("the third event", || receiver.received().len() >= 3);
    assert_eq!(receiver.ids("/ok"), events(&lab)[3..]);
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn in_ci() {
    needs![super::PACKAGES, OPENSSL];
    let (lab, _, receiver) = ground();
    let workflow = block("notify-ci", &receiver);
    let (_, run) = workflow.split_once("- run: |\n").expect("a step");
    let (run, env) = run.split_once("        env:\n").expect("its environment");
    for name in [
        "BEFORE",
        "MODELRY_ROOT",
        "MODELRY_WEBHOOK_URL",
        "MODELRY_WEBHOOK_SECRET",
    ] {
        assert!(env.contains(&format!("          {name}: ")), "{env}");
    }
    // GitHub's own shell, in a clone as its action makes it.
    let job = |n: u32, before: &str| {
        let clone = lab.home().join(format!("job-{n}"));
        let from = format!("file://{}", lab.top.display());
        let _ = lab.git(&["clone", "--quiet", &from, &clone.to_string_lossy()]);
        let mut step = shell(&lab, "bash", run, &clone);
        step.env("BEFORE", before)
            .env("MODELRY_ROOT", lab.root())
            .env("MODELRY_WEBHOOK_URL", receiver.uri("/ok"))
            .env("MODELRY_WEBHOOK_SECRET", SECRET);
        fine(&mut step)
    };
    let before = lab.git(&["rev-parse", "HEAD^"]);
    let _ = job(1, &before);
    assert_eq!(receiver.ids("/ok"), events(&lab)[2..]);
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    // The job of this push was skipped for the next one.
    let before = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.ok("admin-1", &["group", "create", "cards"]);
    let _ = job(2, &before);
    assert_eq!(receiver.ids("/ok"), events(&lab)[2..]);
    // A branch's first push: there was nothing before.
    std::fs::remove_dir_all(lab.home().join("notify")).expect("a folder");
    let _ = job(3, &"0".repeat(40));
    assert_eq!(receiver.ids("/ok")[3..], events(&lab));
}
