//! Where the file may be, and what may stand in it.

use super::*;

#[test]
fn where_the_file_may_be() {
    let lab = lab();
    let told = |path: &str| lab.error("admin-1", &["audit", "--new-checkpoint", "--checkpoint", path]);
    for inside in ["checkpoint", "groups/churn/checkpoint", "./groups/../checkpoint"] {
        assert!(told(inside).contains("inside the work tree"), "{inside}");
    }
    // A link in the tree could be committed, and one from outside leads into it.
    let target = lab.home().join("elsewhere");
    std::os::unix::fs::symlink(&target, lab.top.join("link")).expect("a link");
    std::fs::write(&target, "").expect("a file");
    assert!(told("link").contains("inside the work tree"));
    std::fs::remove_file(lab.top.join("link")).expect("removed");
    std::os::unix::fs::symlink(lab.top.join("registry.yaml"), lab.home().join("link")).expect("a link");
    assert!(told("../link").contains("inside the work tree"));
    // Another work tree of the same repository does not count as another place.
    lab.git(&["worktree", "add", "-q", "--detach", "../second"]);
    assert!(told("../second/checkpoint").contains("inside the work tree"));
    assert!(told("../no-such-folder/checkpoint").contains("can't read"));
    assert!(told("/").contains("no file"));
    // The git directory can't be committed.
    let _ = lab.ok(
        "admin-1",
        &["audit", "--new-checkpoint", "--checkpoint", ".git/checkpoint"],
    );
    assert_eq!(read(&lab.top.join(".git/checkpoint")), by_hand(&lab, "main"));
}

#[test]
fn a_link_and_a_mode_stay_what_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let lab = lab();
    let kept = lab.home().join("kept");
    std::fs::create_dir(&kept).expect("a folder");
    let kept = kept.join("risk");
    std::fs::write(&kept, by_hand(&lab, "main~1")).expect("a file");
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    std::os::unix::fs::symlink(&kept, file(&lab)).expect("a link");
    let _ = clean(&lab, &[]);
    assert!(file(&lab).is_symlink());
    assert_eq!(read(&kept), by_hand(&lab, "main"));
    let mode = std::fs::metadata(&kept).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A link to nothing is not followed.
    std::fs::remove_file(&kept).expect("removed");
    let said = audit(&lab, "admin-1", &["--new-checkpoint"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("link to nothing") && !kept.exists(), "{said:?}");
}

#[test]
fn new_files_are_asked_for_and_old_ones_kept() {
    let lab = lab();
    let said = audit(&lab, "admin-1", &[]);
    assert_eq!((said.code, file(&lab).exists()), (2, false), "{said:?}");
    assert!(
        said.err.contains("there is no checkpoint at") && said.err.contains("--new-checkpoint"),
        "{}",
        said.err
    );
    let _ = clean(&lab, &["--new-checkpoint"]);
    let before = read(&file(&lab));
    grow(&lab, '2');
    let said = audit(&lab, "admin-1", &["--new-checkpoint"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("would start over"), "{}", said.err);
    assert_eq!(read(&file(&lab)), before);
    let alone = lab.says("admin-1", &["audit", "--new-checkpoint"]);
    assert_eq!(alone.code, 2, "{alone:?}");
    assert!(alone.err.contains("--checkpoint"), "{}", alone.err);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let lab = lab();
    // Not even root can write below a file that is not a folder.
    let said = lab.says(
        "admin-1",
        &["audit", "--new-checkpoint", "--checkpoint", "/proc/checkpoint"],
    );
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("can't write /proc/checkpoint"), "{}", said.err);
}

#[test]
fn hostile_files_are_errors_and_stay_as_they_are() {
    let lab = lab();
    let good = by_hand(&lab, "main");
    let steps = good.lines().nth(1).expect("a size");
    let size = |other: &str| good.replacen(&format!("\n{steps}\n"), &format!("\n{other}\n"), 1);
    for (bytes, why) in [
        (Vec::new(), "does not end"),
        (size("-1").into_bytes(), "size"),
        (size("0").into_bytes(), "size"),
        (size("99999999999999999999999999").into_bytes(), "size"),
        (good.replace('\n', "\r\n").into_bytes(), "character"),
        (format!("{good}\0").into_bytes(), "character"),
        (format!("{good}more\n").into_bytes(), "nobody knows"),
        (format!("{good}\nmore\n").into_bytes(), "no signature"),
        (good.trim_end().as_bytes().to_vec(), "does not end"),
        (b"\xff\xfe".to_vec(), "UTF-8"),
        (vec![b'a'; (1 << 20) + 1], "larger"),
    ] {
        std::fs::write(file(&lab), &bytes).expect("a file");
        let said = audit(&lab, "admin-1", &[]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(why), "{why}: {}", said.err);
        assert_eq!(std::fs::read(file(&lab)).expect("a file"), bytes);
    }
    std::fs::remove_file(file(&lab)).expect("removed");
    std::fs::create_dir(file(&lab)).expect("a folder");
    let said = audit(&lab, "admin-1", &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("no plain file"), "{}", said.err);
    let said = lab.says("admin-1", &["audit", "--checkpoint", "/dev/zero"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("no plain file"), "{}", said.err);
}

#[test]
fn signatures_of_a_note_are_read_and_go_when_the_file_moves() {
    let lab = lab();
    let good = by_hand(&lab, "main");
    let noted = format!("{good}\n\u{2014} witness.example.com/w1 AAAAAGFiYw==\n");
    std::fs::write(file(&lab), &noted).expect("a file");
    let _ = clean(&lab, &[]);
    assert_eq!(read(&file(&lab)), noted, "it says the same, and is left alone");
    grow(&lab, '2');
    let _ = clean(&lab, &[]);
    assert_eq!(read(&file(&lab)), by_hand(&lab, "main"));
}
