//! Ranges of events by day: a day counts whole, at both ends.

use crate::support::{Lab, Said, said};

fn events(lab: &Lab, range: &str) -> Said {
    lab.says(
        "stranger",
        &["events", "--trust-root", "-o", "cloudevents", range],
    )
}

#[track_caller]
fn told(lab: &Lab, range: &str) -> String {
    let said = events(lab, range);
    assert_eq!(said.code, 0, "{range}: {said:?}");
    said.out
}

/// A group more, made on this day, as its committer says.
fn group_on(lab: &Lab, name: &str, moment: &str) {
    let text = format!("apiVersion: modelry/v1\nkind: ModelGroup\nname: {name}\n");
    lab.write(&format!("groups/{name}/group.yaml"), &text);
    lab.git(&["add", "-A"]);
    let mut command = lab.command("git");
    lab.as_actor(&mut command, "admin-1");
    command
        .args(["commit", "-q", "-S", "-m", name])
        .current_dir(&lab.top);
    let said = said(command.env("GIT_COMMITTER_DATE", moment));
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_day_is_told_whole() {
    let lab = Lab::empty();
    let _ = lab.ok("admin-1", &["init", "--actor", "admin-1", "--solo"]);
    for (name, moment) in [
        ("first", "2096-03-01T00:00:00Z"),
        ("last", "2096-03-01T23:59:59Z"),
        ("next", "2096-03-02T00:00:00Z"),
    ] {
        group_on(&lab, name, moment);
    }
    let all = told(&lab, "..");
    let lines: Vec<&str> = all.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 4, "{all}");
    // The registry is younger than this day.
    assert_eq!(told(&lab, "2001-03-01.."), all);
    assert_eq!(told(&lab, "2001-03-01T00:00:00Z.."), all);
    assert_eq!(told(&lab, "2096-03-01.."), lines[1..].concat());
    assert_eq!(told(&lab, "2096-03-01..2096-03-01"), lines[1..3].concat());
    assert_eq!(told(&lab, "2096-03-02.."), lines[3]);
    assert_eq!(told(&lab, "2096-03-03.."), "");
    // One day after the other is the whole.
    for day in ["2096-02-29", "2096-03-01", "2096-03-02"] {
        let after: jiff::civil::Date = day.parse().expect("a day");
        let after = after.tomorrow().expect("a day");
        let both = told(&lab, &format!("..{day}")) + &told(&lab, &format!("{after}.."));
        assert_eq!(both, all, "{day}");
    }
}

#[test]
fn a_day_that_is_none_is_said() {
    let lab = Lab::empty();
    let _ = lab.ok("admin-1", &["init", "--actor", "admin-1", "--solo"]);
    for (range, why) in [
        ("2026-02-30..", "there is no day `2026-02-30`"),
        ("..30/11/2026", "there is no day `30/11/2026`"),
        ("1.2.3..", "`1.2.3` names no commit"),
        ("..2001-03-01", "no commit as old as 2001-03-01"),
        ("0000000000000000000000000000000000000000..main", "`..main`"),
    ] {
        let said = events(&lab, range);
        assert!(said.code == 2 && said.err.contains(why), "{range}: {said:?}");
    }
}

#[test]
fn the_root_is_its_signers() {
    let lab = Lab::empty();
    let _ = lab.ok("admin-1", &["init", "--actor", "admin-1", "--solo"]);
    let said = lab.ok("stranger", &["events", "--trust-root"]);
    assert!(
        said.contains("registry created  admin-1, by the root  "),
        "{said}"
    );
    let event: serde_json::Value = serde_json::from_str(&told(&lab, "..")).expect("JSON");
    assert_eq!(event["data"]["actor"], "admin-1");
    assert_eq!(event["data"]["proof"]["means"], "root");
}
