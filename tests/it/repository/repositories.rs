//! The corpus of repositories and configurations: `fixtures/repositories`. Each
//! script becomes a home with real repositories, and the real binary answers in it.
//! The format is described in `support::repository`.
//!
//! `REPOSITORY=part-of-a-name cargo test --test it repositories` plays only some, and
//! shows what was said.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::golden::golden;
use crate::support::repository::{Script, World};

const FOLDER: &str = "fixtures/repositories";

/// Every script, by its name.
fn scripts() -> BTreeMap<String, Script> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let entries = std::fs::read_dir(top).expect("the corpus");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, Script::read(&path))
        })
        .collect()
}

#[expect(clippy::print_stderr, reason = "asked for, to see what was said")]
fn show(name: &str, said: &str) {
    eprintln!("{name}\n{said}");
}

/// Plays one script; why it is not as it says, when it is not.
fn play(name: &str, script: &Script, ground: &World, aloud: bool) -> Result<(), String> {
    let mut world = ground.copy();
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.play(script)));
    if aloud {
        show(name, &world.aloud);
    }
    played.map_err(|panic| {
        let why = panic
            .downcast_ref::<String>()
            .map_or("it panicked", String::as_str);
        let step = world.aloud.matches("step ").count();
        format!("{name} ({}), step {step}: {why}", script.title)
    })
}

#[test]
fn every_repository_answers_as_its_script_says() {
    let only = std::env::var("REPOSITORY").ok();
    let scripts: Vec<(String, Script)> = scripts()
        .into_iter()
        .filter(|(name, _)| only.as_ref().is_none_or(|only| name.contains(only)))
        .collect();
    let mut grounds = BTreeMap::new();
    for (_, script) in &scripts {
        grounds
            .entry(script.ground())
            .or_insert_with_key(|ground| World::build(*ground));
    }
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, script)) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ground = &grounds[&script.ground()];
                    if let Err(why) = play(name, script, ground, only.is_some()) {
                        wrong.lock().expect("no panic").push(why);
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().expect("no panic");
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} of {} repositories\n\n{}",
        wrong.len(),
        scripts.len(),
        wrong.join("\n")
    );
}

/// The exit codes of all commands, in one table: a change of any of them shows in
/// review.
#[test]
fn the_table_of_answers() {
    let mut table = String::new();
    for (name, script) in scripts() {
        writeln!(table, "{name}: {}", script.title).expect("text");
        for verdict in script.verdicts() {
            writeln!(table, "  {verdict}").expect("text");
        }
    }
    golden(&format!("{FOLDER}/table.txt"), &table);
}
