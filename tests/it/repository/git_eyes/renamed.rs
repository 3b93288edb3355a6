//! A group's folder under another name is one finding, on disk, in a range and in a
//! merge. Other changes are reported with it.

use std::sync::OnceLock;

use crate::support::Lab;

/// A group with two versions, one of them decided.
fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        lab.register("churn", '2');
        let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "ok"]);
        lab
    })
}

fn concise(lab: &Lab, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["validate", "-o", "concise"];
    all.extend_from_slice(arguments);
    let said = lab.findings("admin-1", &all);
    said.lines().map(str::to_owned).collect()
}

#[track_caller]
fn is_one(said: &[String]) {
    let expected = "groups/leavers/group.yaml:1:1: MR216 group-renamed: the folder of group `churn` is renamed to `leavers`, and groups can't be renamed";
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(
        said[0].ends_with(expected.split_once(": ").expect("a place").1),
        "{said:#?}"
    );
    assert!(said[0].starts_with("groups/leavers/group.yaml:"), "{said:#?}");
}

#[test]
fn on_disk_and_put_back() {
    let lab = lab();
    lab.git(&["mv", "groups/churn", "groups/leavers"]);
    is_one(&concise(&lab, &[]));
    let told = lab.findings("admin-1", &["validate"]);
    let put_back = "mv groups/leavers groups/churn";
    assert!(told.contains(&format!("`{put_back} && git reset")), "{told}");
    std::fs::rename(lab.top.join("groups/leavers"), lab.top.join("groups/churn")).expect("a rename");
    let _ = lab.ok("admin-1", &["validate"]);
}

/// The line is typed at the repository's top, wherever the registry is.
#[test]
fn in_a_folder_of_the_repository() {
    let lab = Lab::empty();
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "ml/models", "--actor", "admin-1", "--solo"],
    );
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    lab.git(&["mv", "ml/models/groups/churn", "ml/models/groups/leavers"]);
    let told = lab.findings("admin-1", &["validate"]);
    let put_back = "`mv ml/models/groups/leavers ml/models/groups/churn && git reset";
    assert!(told.contains(put_back), "{told}");
}

#[test]
fn with_the_name_changed_inside_too() {
    let lab = lab();
    std::fs::rename(lab.top.join("groups/churn"), lab.top.join("groups/leavers")).expect("a rename");
    for path in ["group.yaml", "versions/1/version.yaml", "versions/2/version.yaml"] {
        let path = format!("groups/leavers/{path}");
        lab.write(&path, &lab.read(&path).replace(": churn", ": leavers"));
    }
    is_one(&concise(&lab, &[]));
}

#[test]
fn in_a_range_and_in_a_merge() {
    let lab = lab();
    lab.git(&["switch", "-q", "-c", "side"]);
    lab.git(&["mv", "groups/churn", "groups/leavers"]);
    lab.commit("admin-1", "rename");
    is_one(&concise(&lab, &["HEAD~1..HEAD"]));
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    lab.git(&["merge", "-q", "-S", "--no-edit", "side"]);
    is_one(&concise(&lab, &["HEAD~1..HEAD"]));
    // Neither name answers, and what is elsewhere goes on.
    for group in ["churn", "leavers"] {
        let said = lab.says("admin-1", &["resolve", &format!("{group}@latest")]);
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        assert!(
            said.err.contains("MR216") || said.out.contains("MR216"),
            "{}{}",
            said.out,
            said.err
        );
        let said = lab.says("admin-1", &["group", "update", group, "--label", "a=b"]);
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    }
    let _ = lab.ok("admin-1", &["group", "update", "other", "--label", "a=b"]);
}

#[test]
fn what_else_is_changed_is_told() {
    let lab = lab();
    lab.git(&["mv", "groups/churn", "groups/leavers"]);
    let path = "groups/leavers/versions/2/version.yaml";
    lab.write(
        path,
        &lab.read(path).replace("status: Pending", "status: Approved"),
    );
    lab.write("groups/leavers/versions/2/notes.txt", "a stray file\n");
    let said = concise(&lab, &[]);
    let all = said.join("\n");
    assert!(
        all.contains("MR216") && all.contains("notes.txt:1:1: MR101"),
        "{all}"
    );
    assert!(all.contains(&format!("{path}:")), "{all}");
    assert!(!all.contains("versions/1/"), "{all}");
}

#[test]
fn a_copy_or_half_a_move_is_no_rename() {
    let lab = lab();
    std::fs::create_dir_all(lab.top.join("groups/leavers/versions")).expect("folders");
    let moved = ["versions/1", "versions/2"];
    for part in moved {
        let (from, to) = (format!("groups/churn/{part}"), format!("groups/leavers/{part}"));
        std::fs::rename(lab.top.join(from), lab.top.join(to)).expect("a rename");
    }
    let all = concise(&lab, &[]).join("\n");
    assert!(!all.contains("MR216") && all.contains("MR202"), "{all}");
}

/// Another case of a letter is another name. Accepting the one finding accepts
/// everything that it covers.
#[test]
fn in_the_case_of_a_letter() {
    let lab = lab();
    lab.git(&["mv", "groups/churn", "groups/moved"]);
    lab.git(&["mv", "groups/moved", "groups/Churn"]);
    let said = concise(&lab, &[]);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(
        said[0].contains("MR216") && said[0].contains("group `churn` is renamed to `Churn`"),
        "{said:#?}"
    );
    lab.commit("admin-1", "rename");
    assert_eq!(concise(&lab, &["HEAD~1..HEAD"]).len(), 1);
    let audit = lab.says("admin-1", &["audit"]);
    assert_eq!(audit.code, 1, "{audit:?}");
    let line = audit.out.lines().find(|line| line.contains("codes: ["));
    let line = line.unwrap_or_else(|| panic!("no line that accepts it: {}", audit.out));
    assert!(line.contains("MR216") && line.contains("MR202"), "{line}");
    let text = lab.read("registry.yaml");
    let serial = text
        .lines()
        .find_map(|line| line.strip_prefix("serial: "))
        .expect("a serial");
    let next: u64 = serial.parse::<u64>().expect("a number") + 1;
    let text = text.replace(&format!("serial: {serial}\n"), &format!("serial: {next}\n"));
    let line = line
        .trim()
        .replace("reason: …", "reason: it was meant")
        .replace("reason: \u{2026}", "reason: x");
    lab.write(
        "registry.yaml",
        &format!("{}\nacknowledged:\n  {line}\n", text.trim_end()),
    );
    lab.commit("admin-1", "accept it");
    let audit = lab.says("admin-1", &["audit"]);
    assert_eq!(audit.code, 0, "{audit:?}");
}
