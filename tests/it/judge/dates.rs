//! Dates that committers choose: none of them changes what a day's answer was.

use std::sync::OnceLock;

use serde_json::Value;

use crate::support::{Lab, Said, said};

fn on(lab: &Lab, date: &str, words: &[&str]) {
    let mut command = lab.modelry("admin-1", words);
    command
        .env("GIT_COMMITTER_DATE", date)
        .env("GIT_AUTHOR_DATE", date);
    let said = said(&mut command);
    assert_eq!(said.code, 0, "{date} {words:?}: {said:?}");
}

/// Commits the files on disk, on this date.
fn commit_on(lab: &Lab, date: &str, signed: bool) {
    lab.git(&["add", "-A"]);
    let mut git = lab.command("git");
    lab.as_actor(&mut git, "admin-1");
    git.args(["commit", "-q", "-m", "by hand"])
        .args(signed.then_some("-S"))
        .env("GIT_COMMITTER_DATE", date)
        .current_dir(&lab.top);
    let said = said(&mut git);
    assert_eq!(said.code, 0, "{said:?}");
}

/// `fraud/1` serves production since 2025-05-01, and `fraud/2` is Approved.
fn lived() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::empty();
        on(
            &lab,
            "2025-01-01T10:00:00Z",
            &["init", "--actor", "admin-1", "--solo"],
        );
        on(&lab, "2025-02-01T10:00:00Z", &["group", "create", "fraud"]);
        for (mark, registered, approved) in [
            ("1", "2025-03-01T10:00:00Z", "2025-04-01T10:00:00Z"),
            ("2", "2025-04-02T10:00:00Z", "2025-04-03T10:00:00Z"),
        ] {
            let digest = format!("sha256:{}", mark.repeat(64));
            let uri = format!("s3://models/{mark}");
            let register = ["register", "fraud", "--artifact", &uri, "--digest", &digest];
            on(&lab, registered, &register);
            let id = format!("fraud/{mark}");
            on(&lab, approved, &["approve", &id, "-m", "ok", "--yes"]);
        }
        promoted(&lab, "2025-05-01T10:00:00Z", 1);
        lab
    })
}

fn promoted(lab: &Lab, date: &str, number: u8) {
    let id = format!("fraud/{number}");
    on(
        lab,
        date,
        &["promote", &id, "production", "-m", "better", "--yes"],
    );
}

fn annotated(lab: &Lab, date: &str, value: &str) {
    let label = format!("note={value}");
    on(lab, date, &["annotate", "fraud/1", "--label", &label]);
}

fn head(lab: &Lab) -> String {
    lab.git(&["rev-parse", "HEAD"])
}

fn says(lab: &Lab, words: &[&str]) -> Said {
    let root = lab.root();
    lab.says("stranger", &[words, &["--root", &root]].concat())
}

fn json(lab: &Lab, words: &[&str]) -> Value {
    let said = says(lab, &[words, &["-o", "json"]].concat());
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{words:?}: {error}: {said:?}"))
}

#[test]
fn a_backdated_promotion_changes_no_answer_about_the_past() {
    let lab = lived();
    let first = head(&lab);
    annotated(&lab, "2026-06-01T10:00:00Z", "a");
    let latest = head(&lab);
    promoted(&lab, "2025-06-10T10:00:00Z", 2);
    let backdated = head(&lab);
    let both = format!(
        "{} claims 2025-06-10 10:00:00 UTC, and {} before it 2026-06-01 10:00:00 UTC",
        &backdated[..10],
        &latest[..10]
    );
    let day = ["--at", "2025-06-15"];
    let answers: [(&[&str], &str); 5] = [
        (&["show", "fraud@production"], "fraud/1"),
        (&["resolve", "fraud@production"], "fraud/1"),
        (&["list", "fraud", "--where", "'production' in stages"], "fraud/1"),
        (&["group", "show", "fraud"], "production: fraud/1"),
        (&["log", "-n", "1"], "stage fraud@production nothing -> 1"),
    ];
    for (words, answer) in answers {
        let said = says(&lab, &[words, &day[..]].concat());
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
        assert!(said.out.contains(answer), "{words:?}: {said:?}");
        assert!(
            said.err.contains("1 step claims a date up to then") && said.err.contains(&both),
            "{words:?}: {said:?}"
        );
    }
    assert!(
        says(&lab, &["show", "fraud@production"])
            .out
            .starts_with("fraud/2")
    );
    let audit = json(&lab, &["audit", "--at", "2025-12-31"]);
    assert_eq!(audit["range"]["tip"], first.as_str());
    assert!(audit["notes"].to_string().contains(&both), "{}", audit["notes"]);
    // All of it is in the audit of the whole, with both dates.
    let audit = json(&lab, &["audit"]);
    assert!(audit["notes"].to_string().contains(&both), "{}", audit["notes"]);
    let events = audit["groups"][0]["events"].as_array().expect("events");
    let last = events.last().expect("an event");
    assert_eq!(last["claimed"], "2025-06-10T10:00:00Z");
    assert_eq!(last["date"], "2026-06-01T10:00:00Z");
    let page = says(&lab, &["audit", "-o", "html"]).out;
    assert!(page.contains("counts from 2026-06-01 10:00 UTC"), "{page}");
    let log = says(&lab, &["log"]).out;
    assert!(
        log.contains(&format!(
            "2025-06-10 10:00 (counts from 2026-06-01 10:00:00 UTC, which {} claims)",
            &latest[..10]
        )),
        "{log}"
    );
    let told = says(&lab, &["events", "2026-06-01.."]);
    assert_eq!(told.out.lines().count(), 2, "{told:?}");
    assert!(
        told.out
            .contains("2026-06-01T10:00:00Z (claims 2025-06-10T10:00:00Z)"),
        "{told:?}"
    );
    let events = json(&lab, &["events", "2026-06-01.."]);
    assert_eq!(events[1]["time"], "2026-06-01T10:00:00Z");
    assert_eq!(events[1]["data"]["claimed"], "2025-06-10T10:00:00Z");
    let day = says(&lab, &["events", "2025-06-01..2025-06-30"]);
    assert_eq!((day.code, day.out.as_str()), (0, ""), "{day:?}");
    assert!(day.err.contains(&both), "{day:?}");
}

#[test]
fn a_commit_beside_the_registry_has_no_say_in_dates() {
    let lab = lived();
    promoted(&lab, "2026-02-01T10:00:00Z", 2);
    for value in ["a", "b", "c"] {
        annotated(&lab, "2026-04-02T10:00:00Z", value);
    }
    lab.write("notes.txt", "nothing of the registry\n");
    commit_on(&lab, "2025-06-20T10:00:00Z", false);
    let said = says(&lab, &["show", "fraud@production", "--at", "2025-12-31"]);
    assert!(said.out.starts_with("fraud/1") && said.err.is_empty(), "{said:?}");
    assert_eq!(says(&lab, &["events", "2026-04-01.."]).out.lines().count(), 3);
    let cursor = lab.home().join("cursor").display().to_string();
    let notify = [
        "notify",
        "--exec",
        "/bin/cat",
        "--cursor",
        &cursor,
        "--since",
        "2026-04-01",
    ];
    let said = says(&lab, &notify);
    assert!(said.err.contains("3 events delivered"), "{said:?}");
    // A date to come has no say either.
    lab.write("notes.txt", "of tomorrow\n");
    commit_on(&lab, "2098-01-01T10:00:00Z", false);
    annotated(&lab, "2026-05-02T10:00:00Z", "d");
    let last = head(&lab);
    let audit = json(&lab, &["audit", "--at", "2026-12-31"]);
    assert_eq!(audit["range"]["tip"], last.as_str());
    assert_eq!(audit["notes"], serde_json::json!([]));
}

#[test]
fn what_a_clone_remembers_of_dates_changes_no_answer() {
    let lab = lived();
    // As many commits as are worth a file.
    let script: String = (0..300)
        .map(|n| {
            let time = 1_750_000_000 + n;
            format!("commit refs/heads/main\ncommitter a <a@example.com> {time} +0000\ndata 1\nx\nM 100644 inline notes/{n}\ndata 1\nx\n")
        })
        .collect();
    let file = lab.home().join("script");
    std::fs::write(
        &file,
        format!("reset refs/heads/main\nfrom refs/heads/main^0\n\n{script}"),
    )
    .expect("a script");
    let mut import = lab.command("git");
    import.args(["fast-import", "--quiet"]).current_dir(&lab.top);
    import.stdin(std::fs::File::open(&file).expect("the script"));
    assert_eq!(said(&mut import).code, 0);
    lab.git(&["reset", "-q", "--hard"]);
    let day = ["show", "fraud@production", "--at", "2025-12-31"];
    let remembered = lab.top.join(".git/modelry/dates");
    assert!(!remembered.exists());
    assert!(says(&lab, &day).out.starts_with("fraud/1"));
    assert_eq!(std::fs::read_dir(&remembered).expect("a folder").count(), 1);
    promoted(&lab, "2025-06-10T10:00:00Z", 2);
    let first = says(&lab, &["show", "fraud@production", "--at", "2025-06-11"]);
    std::fs::remove_dir_all(&remembered).expect("it goes");
    let again = says(&lab, &["show", "fraud@production", "--at", "2025-06-11"]);
    assert!(first.out.starts_with("fraud/2"), "{first:?}");
    assert_eq!(first.out, again.out);
    // A mainline that went another way is read as it is.
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let _ = std::fs::remove_dir_all(lab.top.join(".git/modelry/verified"));
    annotated(&lab, "2026-06-01T10:00:00Z", "a");
    promoted(&lab, "2025-06-10T10:00:00Z", 2);
    assert!(
        says(&lab, &["show", "fraud@production", "--at", "2025-06-11"])
            .out
            .starts_with("fraud/1")
    );
}

#[test]
fn what_a_step_of_the_future_takes_along_is_named() {
    let lab = lived();
    let text = lab.read("groups/fraud/versions/1/version.yaml");
    lab.write(
        "groups/fraud/versions/1/version.yaml",
        &text.replace("status: Approved", "status: Pending"),
    );
    commit_on(&lab, "2099-01-01T00:00:00Z", false);
    let illegal = head(&lab);
    let said = says(&lab, &["audit", "--at", "2026-12-31"]);
    assert!(
        said.out.contains(&format!(
            "1 step of the mainline, the next of them {} of 2099-01-01",
            &illegal[..10]
        )),
        "{said:?}"
    );
    on(&lab, "2026-07-01T00:00:00Z", &["group", "create", "churn"]);
    let later = head(&lab);
    let said = says(&lab, &["audit", "--at", "2026-12-31"]);
    assert_eq!(said.code, 0, "{said:?}");
    for name in [&later[..10], &illegal[..10], "2099-01-01", "2026-07-01"] {
        assert!(said.out.contains(name), "{name}: {}", said.out);
    }
    let said = says(&lab, &["show", "churn", "--at", "2026-12-31"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains(&later[..10]), "{said:?}");
    let whole = says(&lab, &["audit"]);
    assert_eq!(whole.code, 1, "{whole:?}");
    assert!(
        whole.out.contains("1 step claims an earlier date"),
        "{}",
        whole.out
    );
}

#[test]
fn a_step_of_a_protected_file_counts_with_its_date() {
    let lab = lived();
    let policy = lab.read("registry.yaml").replace("serial: 1\n", "serial: 2\n");
    lab.write("registry.yaml", &format!("{policy}protect: [\"ci/**\"]\n"));
    commit_on(&lab, "2025-06-01T10:00:00Z", true);
    lab.write("ci/job", "echo\n");
    commit_on(&lab, "2025-07-01T10:00:00Z", false);
    let illegal = head(&lab);
    let before = says(&lab, &["audit", "--at", "2025-06-30"]);
    assert_eq!(before.code, 0, "{before:?}");
    let after = says(&lab, &["audit", "--at", "2025-07-01"]);
    assert_eq!(after.code, 1, "{after:?}");
    assert!(after.out.contains(&illegal[..10]), "{}", after.out);
}

#[test]
fn a_day_before_the_first_step_names_what_claims_it() {
    let lab = lived();
    let said = says(&lab, &["show", "fraud", "--at", "2024-06-15"]);
    let first = "of 2025-01-01 10:00:00 UTC";
    assert!(said.code == 2 && said.err.contains(first), "{said:?}");
    assert!(!said.err.contains("claim"), "{said:?}");
    annotated(&lab, "2024-06-10T10:00:00Z", "a");
    let claims = head(&lab);
    for words in [&["show", "fraud"][..], &["list"], &["audit"]] {
        let said = says(&lab, &[words, &["--at", "2024-06-15"]].concat());
        assert_eq!(said.code, 2, "{words:?}: {said:?}");
        let told = format!(
            "1 step claims a date up to then, and counts from a later one on: {} claims 2024-06-10",
            &claims[..10]
        );
        assert!(
            said.err.contains(first) && said.err.contains(&told),
            "{words:?}: {said:?}"
        );
    }
}
