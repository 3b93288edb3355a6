//! Every remedy works when typed: the line of each firing case of
//! `fixtures/rules` is followed on a real disk, and the finding is gone; or the
//! line says that a person must choose.

#![allow(clippy::print_stdout, reason = "the counts, shown with --nocapture")]

mod follow;
mod histories;
mod world;

use std::path::Path;

use serde_json::Value;

use self::follow::follow;
use self::world::{Told, scene};

/// Cases that no disk can show, and why.
const NOT_ON_A_DISK: &[(&str, &str)] = &[
    ("MR106-malformed-tree/fires-unsorted", "git writes no such tree"),
    ("MR501-bad-root/fires-serial", "a root has no registry before it"),
];

/// The firing cases, by name.
fn cases() -> Vec<(String, Value)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules");
    let files = walkdir::WalkDir::new(&top).sort_by_file_name().into_iter();
    let files = files.map(|entry| entry.expect("an entry").into_path());
    files
        .filter(|path| path.ends_with("case.yaml"))
        .filter_map(|path| {
            let folder = path
                .parent()
                .expect("a folder")
                .strip_prefix(&top)
                .expect("below");
            let name = folder.to_str().expect("UTF-8").to_owned();
            let fires = name.contains("/fires-");
            let read = cfg!(feature = "openpgp") || !name.ends_with("-openpgp");
            let text = std::fs::read_to_string(&path).expect("a case");
            (fires && read).then(|| (name, serde_yaml::from_str(&text).expect("YAML")))
        })
        .collect()
}

/// The results of the remedies.
#[derive(Debug, Default)]
struct Count {
    followed: usize,
    chosen: usize,
    wrong: Vec<String>,
}

/// Follows what the findings of this case's rule say to do.
fn try_case(name: &str, case: &Value, count: &mut Count) {
    let mut scene = scene(case);
    let code = &name[..5];
    let first = scene.look();
    let mut now = first.clone();
    let wanted: Vec<&Told> = first.iter().filter(|told| told.code == code).collect();
    if wanted.is_empty() {
        return count
            .wrong
            .push(format!("{name}: {code} does not fire on the disk: {first:#?}"));
    }
    for told in wanted {
        if told.choose {
            count.chosen += 1;
            continue;
        }
        let is_same = |other: &Told| (&other.code, &other.message) == (&told.code, &told.message);
        // The remedy of the finding before may have repaired this one.
        if !now.iter().any(is_same) {
            count.followed += 1;
            continue;
        }
        if let Err(why) = follow(&mut scene, name, told) {
            count
                .wrong
                .push(format!("{name}: {}\n  do: {}\n  {why}", told.message, told.help));
            now = scene.look();
            continue;
        }
        let after = scene.look();
        match after.iter().find(|other| is_same(other)) {
            None => count.followed += 1,
            Some(_) => count
                .wrong
                .push(format!("{name}: {} stays\n  do: {}", told.message, told.help)),
        }
        let known = |other: &&Told| first.iter().any(|told| told.code == other.code);
        let news: Vec<String> = after
            .iter()
            .filter(|other| !known(other))
            .map(|other| format!("{} {}", other.code, other.message))
            .collect();
        if !news.is_empty() {
            println!("{name}: after `{}`: {news:?}", told.help);
        }
        now = after;
    }
}

#[test]
fn every_remedy_works_when_typed() {
    let mut count = Count::default();
    let cases = cases();
    for (name, case) in &cases {
        if NOT_ON_A_DISK.iter().any(|(left_out, _)| left_out == name) {
            continue;
        }
        try_case(name, case, &mut count);
    }
    for (name, why) in NOT_ON_A_DISK {
        assert!(
            cases.iter().any(|(case, _)| case == name),
            "{name} is no case any more"
        );
        println!("not tried: {name}: {why}");
    }
    println!(
        "{} followed, {} for a person to choose",
        count.followed, count.chosen
    );
    assert!(count.wrong.is_empty(), "{}", count.wrong.join("\n\n"));
    assert!(count.followed > 70, "{count:?}");
}
