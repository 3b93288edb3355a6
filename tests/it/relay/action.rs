//! `.github/actions/relay`: its script, run as the host would run it after a
//! pull request landed, with a `gh` that answers what the host's API answers.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::hub::Hub;
use crate::support::needs::{JQ, needs};
use crate::support::{Lab, Said, said};

/// A hub where the machine `relay` may report for risk-1, with a pull request
/// that registered churn/1 and landed as a merge.
struct Host {
    hub: Hub,
    before: String,
    after: String,
    seen: String,
}

fn host() -> Host {
    let lab = Lab::with_registry();
    let (admin, relay) = (lab.public_key("admin-2"), lab.public_key("relay"));
    for arguments in [
        &["actor", "add", "admin-2", "--key", &admin][..],
        &[
            "actor", "add", "relay", "--kind", "machine", "--owner", "admin-2", "--key", &relay,
        ],
        &["grant", "add", "relay", "--allow", "approve", "--groups", "*"],
        &["actor", "add-account", "risk-1", "github=101"],
    ] {
        let _ = lab.ok("admin-1", arguments);
    }
    lab.change_policy("    required: 1\n", "    required: 1\n    delegated: 1\n");
    let hub = Hub::of(lab);
    let lab = &hub.lab;
    let before = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.git(&["switch", "-q", "-c", "feature"]);
    lab.register("churn", '1');
    let seen = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.git(&["switch", "-q", "main"]);
    let merge = [
        "merge",
        "-q",
        "--no-ff",
        "-S",
        "-m",
        "Merge pull request 7",
        "feature",
    ];
    assert!(lab.git_as("admin-1", &merge).status.success());
    let _ = lab.git(&["push", "-q", "origin", "main", "feature:refs/pull/7/head"]);
    let after = lab.git(&["rev-parse", "HEAD"]);
    let bin = lab.home().join("bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    // It answers with files, through jq as `gh` does.
    let gh = format!(
        "#!/bin/sh\n[ \"$GH_TOKEN\" = secret ] || exit 4\npath= filter=.\nwhile [ $# -gt 0 ]; do\n  case $1 in --jq) filter=$2; shift;; --*|api) ;; *) path=$1;; esac\n  shift\ndone\nfile=\"{}/$(echo \"$path\" | tr / _)\"\n[ -f \"$file\" ] || {{ echo \"gh: HTTP 502 $path\" >&2; exit 1; }}\nexec jq -r \"$filter\" \"$file\"\n",
        lab.home().display()
    );
    std::fs::write(bin.join("gh"), gh).expect("a file");
    std::fs::set_permissions(bin.join("gh"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let host = Host {
        hub,
        before,
        after,
        seen,
    };
    host.landed("main", &[]);
    host
}

impl Host {
    fn answer(&self, state: &str) {
        let pages = serde_json::json!([[{
            "id": 77, "user": {"id": 101, "login": "risk-one"}, "state": state, "commit_id": self.seen,
        }]]);
        self.tells("pulls/7/reviews", &pages);
    }

    /// Sets the API's answer at a path below the repository.
    fn tells(&self, path: &str, answer: &serde_json::Value) {
        let name = format!("repos/acme/models/{path}").replace('/', "_");
        std::fs::write(self.hub.lab.home().join(name), answer.to_string()).expect("a file");
    }

    /// The pull request was for this branch in the end, after these events.
    fn landed(&self, base: &str, events: &[&str]) {
        let pulls = serde_json::json!([
            {"number": 7, "merged_at": "2026-01-01T00:00:00Z", "base": {"ref": base}},
            {"number": 8, "merged_at": null, "base": {"ref": "main"}},
        ]);
        self.tells(&format!("commits/{}/pulls", self.after), &pulls);
        let events: Vec<_> = events
            .iter()
            .map(|event| serde_json::json!({"event": event}))
            .collect();
        self.tells("issues/7/timeline", &serde_json::json!(events));
    }

    /// The script in a fresh checkout, with what a push gives it.
    fn run(&self, name: &str, change: &[(&str, &str)]) -> Said {
        let seat = self.hub.seat(name);
        let lab = &self.hub.lab;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/actions/relay/relay.sh");
        let modelry = Path::new(env!("CARGO_BIN_EXE_modelry"))
            .parent()
            .expect("a folder");
        let path = format!(
            "{}:{}:/usr/bin:/bin",
            lab.home().join("bin").display(),
            modelry.display()
        );
        let runner = lab.home().join(format!("runner-{name}"));
        std::fs::create_dir_all(&runner).expect("a folder");
        let key = std::fs::read_to_string(lab.key("relay")).expect("a key");
        let mut command = lab.command("bash");
        command
            .arg(script)
            .current_dir(&seat.top)
            .env("PATH", path)
            .env("RUNNER_TEMP", &runner)
            .env("GITHUB_EVENT_NAME", "push")
            .env("GITHUB_REF", "refs/heads/main")
            .env("MODELRY_MAINLINE", "main")
            .env("GITHUB_REPOSITORY", "acme/models")
            .env("GITHUB_SHA", &self.after)
            .env("GH_TOKEN", "secret")
            .env("MODELRY_BEFORE", &self.before)
            .env("MODELRY_ROOT", lab.root())
            .env("MODELRY_KEY", key);
        for (name, value) in change {
            command.env(name, value);
        }
        let said = said(&mut command);
        let left: Vec<_> = std::fs::read_dir(&runner)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name.to_string_lossy().starts_with("relay."))
            .collect();
        assert!(left.is_empty(), "the key stays on the runner: {left:?}");
        said
    }

    fn review(&self) -> String {
        self.hub
            .git(&["show", "main:groups/churn/versions/1/reviews/risk-1.yaml"])
    }
}

#[test]
fn what_landed_is_approved_by_who_clicked_and_once() {
    needs![JQ];
    let host = host();
    host.answer("APPROVED");
    let said = host.run("one", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let review = host.review();
    assert!(
        review.contains("onBehalfOf: risk-1") && review.contains("reason: reviewed in pull request 7"),
        "{review}"
    );
    let tip = host.hub.tip();
    let again = host.run("two", &[]);
    assert!(
        again.code == 0 && again.out.contains("nothing to relay"),
        "{again:?}"
    );
    assert_eq!(tip, host.hub.tip());
    // Dismissed later, by a run that is started again.
    host.answer("DISMISSED");
    let said = host.run("three", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(host.review().contains("decision: Withdrawn"));
    host.hub.check();
}

#[test]
fn who_asks_for_changes_rejects_only_where_that_is_wanted() {
    needs![JQ];
    let host = host();
    host.answer("CHANGES_REQUESTED");
    let said = host.run("one", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(host.review().contains("decision: Withdrawn"));
    // The machine may approve and not reject.
    let said = host.run("two", &[("MODELRY_REJECT", "true")]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("MR307") || said.err.contains("may not"),
        "{said:?}"
    );
}

#[test]
fn what_is_missing_is_an_error_of_the_step() {
    needs![JQ];
    let host = host();
    host.answer("APPROVED");
    for (name, change, told) in [
        (
            "event",
            ("GITHUB_EVENT_NAME", "pull_request"),
            "on a push to the mainline",
        ),
        (
            "before",
            ("MODELRY_BEFORE", "0000000000000000000000000000000000000000"),
            "made the branch",
        ),
        (
            "gone",
            ("MODELRY_BEFORE", "abababababababababababababababababababab"),
            "fetch-depth: 0",
        ),
        (
            "branch",
            ("GITHUB_REF", "refs/heads/release"),
            "on pushes to the mainline, main",
        ),
        ("mainline", ("MODELRY_MAINLINE", ""), "nothing says which branch"),
        (
            "list",
            ("GITHUB_SHA", "abababababababababababababababababababab"),
            "can't be listed",
        ),
        ("api", ("GITHUB_REPOSITORY", "acme/other"), "can't be read"),
        ("root", ("MODELRY_ROOT", ""), "`root` is empty"),
        ("key", ("MODELRY_KEY", ""), "the secret is not set"),
        ("garbage", ("MODELRY_KEY", "x"), "is no private SSH key"),
    ] {
        let said = host.run(name, &[change]);
        assert_eq!(said.code, 2, "{name}: {said:?}");
        assert!(
            said.out.contains("::error title=modelry::") && said.out.contains(told),
            "{said:?}"
        );
    }
    let said = host.run("token", &[("GH_TOKEN", "")]);
    assert_ne!(said.code, 0, "{said:?}");
    assert_eq!(host.hub.tip(), host.after);
}

/// A reviewer of a pull request into another branch sees its changes there, which may
/// be one line of what lands here.
#[test]
fn what_was_not_for_the_mainline_all_along_is_not_relayed() {
    needs![JQ];
    let host = host();
    host.answer("APPROVED");
    for (name, base, events) in [
        ("stacked", "feature-a", &["reviewed"][..]),
        ("retargeted", "main", &["reviewed", "base_ref_changed", "merged"]),
        ("followed", "main", &["automatic_base_change_succeeded"]),
    ] {
        host.landed(base, events);
        let said = host.run(name, &[]);
        assert_eq!(said.code, 0, "{name}: {said:?}");
        assert!(
            said.out
                .contains("::warning title=modelry::pull request 7 was not for main all along")
                && said.out.contains("there is nothing to relay"),
            "{name}: {said:?}"
        );
        assert_eq!(host.hub.tip(), host.after, "{name}");
    }
    let timeline = host.hub.lab.home().join("repos_acme_models_issues_7_timeline");
    host.landed("main", &["reviewed", "merged"]);
    let kept = std::fs::read(&timeline).expect("a file");
    std::fs::remove_file(&timeline).expect("it goes");
    let said = host.run("silent", &[]);
    assert!(
        said.code == 2 && said.out.contains("timeline of pull request 7 can't be read"),
        "{said:?}"
    );
    std::fs::write(&timeline, kept).expect("a file");
    let said = host.run("straight", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(host.review().contains("onBehalfOf: risk-1"));
}
