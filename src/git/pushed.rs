//! The result of a push, from the messages of git and the remote.

use crate::record::kind::masked_text;

/// The result of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The remote accepted it.
    Landed,
    /// The branch had moved, or was locked; with the remote's reason.
    Raced(String),
    /// The remote rejected it.
    Refused {
        /// The reason, as git puts it: `pre-receive hook declined`.
        why: String,
        /// The remote's messages to the pusher, line by line.
        said: Vec<String>,
    },
    /// The connection broke before an answer, so the result is unknown; with git's
    /// messages.
    Broken(String),
}

/// The reasons of a server that lost a race between its first look and its update.
const RACES: [&str; 5] = [
    "failed to update ref",
    "cannot lock ref",
    "failed to lock",
    "incorrect old value provided",
    "reference already exists",
];

/// The message of a guarded server when another push moved the mainline while it
/// judged this one. It counts as a race too, and the next look at the remote shows
/// it.
pub const MOVED_MEANWHILE: &str = "was moved by another push meanwhile";

/// Messages of git and its helpers about a server that is starting, is overloaded, or
/// broke off.
const PASSING: [&str; 19] = [
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "Connection closed by",
    "closed by remote host",
    "Operation timed out",
    "Broken pipe",
    // A shared connection whose master exited as the call began.
    "muxclient: ",
    "mux_client",
    "kex_exchange_identification",
    "remote end hung up",
    "early EOF",
    "unexpected disconnect",
    "Empty reply from server",
    "Recv failure",
    "returned error: 429",
    "returned error: 502",
    "returned error: 503",
    "returned error: 504",
];

/// Messages about a lasting fault, regardless of other messages.
const LASTING: [&str; 3] = [
    "Permission denied",
    "Host key verification failed",
    "does not appear to be a git repository",
];

/// Whether the fault that git's messages describe may pass within moments.
pub fn may_pass(said: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    // A broken ssh connection has no message; another fault has one.
    let is_cut_off = said
        .rsplit("failed: ")
        .next()
        .is_some_and(|said| said.starts_with("fatal: Could not read from remote repository"));
    (is_cut_off || has(&PASSING)) && !has(&LASTING)
}

/// Returns a line of the remote, without git's mark.
fn remote_line(line: &str) -> Option<String> {
    let line = line.strip_prefix("remote:")?.trim_end();
    Some(line.strip_prefix(' ').unwrap_or(line).to_owned())
}

/// Parses the output of `git push --porcelain` for one branch.
pub(super) fn read_push(out: &str, err: &str) -> Pushed {
    // Git repeats the address that it was given, and a hook may do so too.
    let (out, err) = (&*masked_text(out), &*masked_text(err));
    let broken = || {
        let lines: Vec<&str> = err
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        Pushed::Broken(lines.join("; "))
    };
    let line = out.lines().find(|line| line.matches('\t').count() == 2);
    let Some((flag, summary)) = line.and_then(|line| {
        let (flag, rest) = line.split_once('\t')?;
        Some((flag, rest.split_once('\t')?.1))
    }) else {
        return broken();
    };
    if flag != "!" {
        return Pushed::Landed;
    }
    let (kind, why) = match summary.split_once(" (") {
        Some((kind, why)) => (kind, why.strip_suffix(')').unwrap_or(why)),
        None => (summary, summary),
    };
    match kind {
        // The client itself saw that the branch had moved.
        "[rejected]" => Pushed::Raced(why.to_owned()),
        "[remote rejected]" if RACES.iter().any(|race| why.contains(race)) => Pushed::Raced(why.to_owned()),
        "[remote rejected]" => {
            let said: Vec<String> = err.lines().filter_map(remote_line).collect();
            match said.iter().find(|line| line.contains(MOVED_MEANWHILE)) {
                Some(line) => Pushed::Raced(line.strip_prefix("error: ").unwrap_or(line).to_owned()),
                None => Pushed::Refused {
                    why: why.to_owned(),
                    said,
                },
            }
        }
        _ => broken(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Pushed, may_pass, read_push};

    fn pushed(line: &str, err: &str) -> Pushed {
        read_push(&format!("To ssh://host/repo\n{line}\nDone\n"), err)
    }

    #[test]
    fn what_git_says_of_a_push() {
        let refspec = "1111:refs/heads/main";
        let landed = [" \t{}\t1111..2222", "*\t{}\t[new branch]", "=\t{}\t[up to date]"];
        for line in landed {
            assert_eq!(pushed(&line.replace("{}", refspec), ""), Pushed::Landed, "{line}");
        }
        for why in ["stale info", "fetch first", "non-fast-forward"] {
            let line = format!("!\t{refspec}\t[rejected] ({why})");
            assert_eq!(pushed(&line, ""), Pushed::Raced(why.into()));
        }
        let lock = "cannot lock ref 'refs/heads/main': is at 2222 but expected 1111";
        let line = format!("!\t{refspec}\t[remote rejected] ({lock})");
        assert_eq!(pushed(&line, ""), Pushed::Raced(lock.into()));
        let line = format!("!\t{refspec}\t[remote rejected] (pre-receive hook declined)");
        assert_eq!(
            pushed(
                &line,
                "remote: MR301 no        \nremote:   indented\nerror: failed\n"
            ),
            Pushed::Refused {
                why: "pre-receive hook declined".into(),
                said: vec!["MR301 no".into(), "  indented".into()],
            }
        );
        let moved = "`main` was moved by another push meanwhile";
        let line = format!("!\t{refspec}\t[remote rejected] (pre-receive hook declined)");
        assert_eq!(
            pushed(&line, &format!("remote: error: {moved}        \n")),
            Pushed::Raced(moved.into())
        );
        let line = format!("!\t{refspec}\t[remote failure] (remote failed to report status)");
        assert!(matches!(pushed(&line, "x"), Pushed::Broken(_)));
        let said = "fatal: the remote end hung up unexpectedly\n";
        assert_eq!(
            read_push("", said),
            Pushed::Broken("fatal: the remote end hung up unexpectedly".into())
        );
    }
    #[test]
    fn what_may_pass() {
        let hung_up = "fatal: the remote end hung up unexpectedly";
        assert!(may_pass(hung_up));
        assert!(may_pass(
            "ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote repository."
        ));
        assert!(may_pass(
            "git fetch failed: muxclient: master hello exchange failed\nFailed to connect to new control master\nfatal: Could not read from remote repository."
        ));
        assert!(!may_pass(
            "ssh: Could not resolve hostname h: Name or service not known"
        ));
        assert!(!may_pass(&format!(
            "git@h: Permission denied (publickey).\n{hung_up}"
        )));
        assert!(!may_pass(
            "remote: Repository not found.\nfatal: repository 'https://h/r/' not found"
        ));
    }
}
