//! The same over real transports: who pushes sees the findings at home.

use super::Guarded;
use super::server::Served;
use crate::support::Said;
use crate::support::needs::{LIGHTTPD, SSHD, needs};

type Push<'p> = dyn Fn(&Guarded, &Served, &str, &str, &[&str]) -> Said + 'p;

/// A whole conversation: legal pushes of two users, and what is refused.
fn converse(serve: fn(&Guarded) -> Served, push: &Push<'_>, fsck: bool, protocol: &str) {
    let guarded = Guarded::new();
    guarded.git(&[
        "config",
        "receive.fsckObjects",
        if fsck { "true" } else { "false" },
    ]);
    let server = serve(&guarded);
    let push = |who: &str, references: &[&str]| push(&guarded, &server, protocol, who, references);
    let lab = &guarded.lab;
    let accepts = |who: &str, references: &[&str]| {
        let said = push(who, references);
        assert_eq!(said.code, 0, "{who} {references:?}: {}", said.err);
    };
    let refuses = |who: &str, references: &[&str], words: &[&str]| {
        let before = guarded.references();
        let said = push(who, references);
        assert_ne!(said.code, 0, "{who} {references:?}: {}", said.err);
        for words in words {
            assert!(said.err.contains(words), "{words}: {}", said.err);
        }
        assert!(said.err.contains("pre-receive hook declined"), "{}", said.err);
        assert_eq!(before, guarded.references());
    };

    lab.register("churn", '2');
    accepts("trainer", &["main"]);
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    accepts("admin-1", &["main"]);

    // Two references, one of which adds something that no actor may.
    lab.git(&["switch", "-q", "-c", "bad"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["rm", "-q", "groups/churn/versions/1/reviews/risk-1.yaml"]);
    lab.commit("trainer", "take a review away");
    refuses(
        "trainer",
        &["bad:main", "bad:side"],
        &[
            "remote: finding[MR202 record-removed]",
            "refused: no reference moved",
        ],
    );
    accepts("trainer", &["bad:side"]);
    refuses("admin-1", &["--force", "main~1:main"], &["MR502"]);
    refuses("admin-1", &["main:refs/replace/x"], &["MR510"]);
    guarded.git(&["config", "receive.denyDeleteCurrent", "ignore"]);
    refuses("admin-1", &[":main"], &["MR509"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("admin-1", &["group", "create", "last"]);
    accepts("admin-1", &["main"]);
    let audit = guarded.says(&["audit"]);
    assert_eq!(audit.code, 0, "{}{}", audit.out, audit.err);
}

#[test]
#[ignore = "needs sshd"]
fn over_ssh_with_objects_checked_by_git() {
    needs![SSHD];
    converse(Guarded::ssh, &Guarded::push_ssh, true, "2");
}

#[test]
#[ignore = "needs sshd"]
fn over_ssh_by_the_old_protocol() {
    needs![SSHD];
    converse(Guarded::ssh, &Guarded::push_ssh, false, "0");
}

#[test]
#[ignore = "needs lighttpd"]
fn over_http_with_objects_checked_by_git() {
    needs![LIGHTTPD];
    converse(Guarded::http, &Guarded::push_http, true, "2");
}

#[test]
#[ignore = "needs lighttpd"]
fn over_http_by_the_old_protocol() {
    needs![LIGHTTPD];
    converse(Guarded::http, &Guarded::push_http, false, "0");
}

#[test]
#[ignore = "needs sshd and lighttpd"]
fn who_is_not_let_in_is_no_matter_of_the_hook() {
    needs![SSHD, LIGHTTPD];
    let guarded = Guarded::new();
    let server = guarded.ssh();
    let said = guarded.push_ssh(&server, "2", "risk-1", &["main"]);
    assert!(
        said.code != 0 && said.err.contains("Permission denied"),
        "{}",
        said.err
    );
    let server = guarded.http();
    let said = guarded.push_http(&server, "2", "risk-1", &["main:x"]);
    assert_ne!(said.code, 0, "{}", said.err);
    assert!(!guarded.references().contains("refs/heads/x"));
}
