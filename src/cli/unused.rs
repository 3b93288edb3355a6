//! Options that every command takes, and that some commands have no use for: such a
//! line is refused, since it would not do what it says.

use super::Command;
use super::args::Global;
use super::verify::hook::HookCommand;
use super::verify::trust::TrustArgs;
use crate::base::Error;

/// Options that only a command with a history to verify has a use for.
const THREADS: &[&str] = &["--threads"];
/// Options that say which registry to read, and how.
const REGISTRY: &[&str] = &["--path", "--mainline", "--root", "--threads"];

/// Returns the options that the command has no use for, and the reason.
fn unused(command: &Command) -> (&'static [&'static str], &'static str) {
    match command {
        Command::Explain(_) | Command::Completions(_) | Command::Man(_) => (REGISTRY, "it reads no registry"),
        Command::Schema(args) if args.only_prints() => (REGISTRY, "it reads no registry"),
        Command::Demo(_) => (REGISTRY, "it makes a registry of its own, in a new folder"),
        Command::Init(_) => (
            &["--mainline", "--root", "--threads"],
            "the commit that it makes on the current branch is the root",
        ),
        Command::Trust(TrustArgs { root: Some(_), .. }) => (
            &["--root", "--threads"],
            "it pins the root that its argument names",
        ),
        Command::Hook(HookCommand::Install(args)) if args.uninstall => {
            (REGISTRY, "it removes the hook of the repository")
        }
        Command::Hook(HookCommand::Install(args)) if !args.server => (
            &["--mainline", "--root", "--threads"],
            "the hook judges the staged files against HEAD",
        ),
        Command::Hook(HookCommand::PreCommit(_)) => (
            &["--mainline", "--threads"],
            "it judges the staged files against HEAD",
        ),
        Command::Validate(args) if args.no_history => (
            &["--mainline", "--root", "--threads"],
            "with `--no-history` it reads files alone",
        ),
        command if command.only_reads() => (THREADS, "it verifies no history"),
        _ => (&[], ""),
    }
}

/// Refuses an option that the command would ignore, and a folder to start in that is
/// not there.
///
/// # Errors
/// The line has such an option.
pub(super) fn refuse(command: &Command, name: &str, global: &Global) -> Result<(), Error> {
    let folder = global.directory();
    if !global.directories.is_empty() && !folder.is_dir() {
        return Err(Error::msg(format!("there is no folder `{}`", folder.display()))
            .hint("name one that is there: `modelry -C DIR …`"));
    }
    let (options, why) = unused(command);
    let given = [
        ("--path", global.path.is_some()),
        ("--mainline", global.mainline.is_some()),
        ("--root", global.root.is_some()),
        ("--threads", global.threads.is_some()),
    ];
    let found = given
        .iter()
        .find(|(option, is_given)| *is_given && options.contains(option));
    match found {
        None => Ok(()),
        Some((option, _)) => Err(
            Error::msg(format!("`modelry {name}` has no use for `{option}`: {why}"))
                .hint(format!("leave `{option}` out")),
        ),
    }
}
