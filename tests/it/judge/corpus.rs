//! The corpus of histories: `fixtures/histories/{hostile,legal}`. Each script
//! becomes a real repository, and the real binary judges it. The README there
//! describes the grammar.
//!
//! `HISTORY=part-of-a-name cargo test --test it corpus` plays only some, and
//! shows what the judge said of them. Those with OpenPGP's keys are played by
//! `cargo test --test system -- corpus`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::golden::golden;
use crate::support::history::{Base, Format, Keys, Script, Verdict, World, grammar};
#[cfg(feature = "openpgp")]
use crate::support::needs::{GPG, needs};

const TABLE: &str = "fixtures/histories/table.txt";

/// Rows of the list of threats that no history can show, and who shows them.
const ELSEWHERE: &[(u8, &str)] = &[(
    31,
    "the known pairs collide as files and not behind the header of a Git object; the hash that libgit2 reads with detects them",
)];

/// Every script, by `hostile/NAME` or `legal/NAME`.
fn scripts() -> BTreeMap<String, Script> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/histories");
    let mut scripts = BTreeMap::new();
    for kind in ["hostile", "legal"] {
        for entry in std::fs::read_dir(top.join(kind)).expect("the corpus") {
            let path: PathBuf = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            assert!(
                path.extension().is_some_and(|end| end == "yaml"),
                "{}",
                path.display()
            );
            scripts.insert(format!("{kind}/{name}"), Script::read(&path));
        }
    }
    scripts
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clean => "clean",
        Verdict::Findings => "findings",
        Verdict::Incomplete => "incomplete",
        Verdict::Nothing => "nothing",
    }
}

#[expect(clippy::print_stderr, reason = "asked for, to see what the judge says")]
fn show(name: &str, said: &str) {
    eprintln!("{name}\n{said}");
}

/// Plays one script; why it is not as it says, when it is not.
fn play(name: &str, script: &Script, base: &World, aloud: bool) -> Result<(), String> {
    let mut world = base.copy();
    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.play(script);
        world.judge(script)
    }));
    world.stop_agent();
    let judged = judged.map_err(|panic| {
        let why = panic
            .downcast_ref::<String>()
            .map_or("it panicked", String::as_str);
        format!("{name}: step {} could not be taken: {why}", world.at)
    })?;
    if aloud {
        show(name, &judged.said);
    }
    let notes = script.notes.iter().all(|note| judged.said.contains(note));
    let right = judged.verdict == script.verdict && judged.codes == script.codes && notes;
    match (&script.known_defect, right) {
        (None, true) | (Some(_), false) => Ok(()),
        (Some(_), true) => Err(format!("{name}: is no defect any more: take `known-defect` away")),
        (None, false) => Err(format!(
            "{name} ({}): {} {}, and the judge says {} {}\n{}",
            script.title,
            verdict(script.verdict),
            script.codes.join(" "),
            verdict(judged.verdict),
            judged.codes.join(" "),
            judged.said
        )),
    }
}

#[test]
fn every_history_is_judged_as_its_script_says() {
    all_are_judged_as_they_say(Keys::Ssh);
}

#[cfg(feature = "openpgp")]
#[test]
#[ignore = "needs GnuPG"]
fn every_history_signed_with_gnupg_is_judged_as_its_script_says() {
    needs![GPG];
    all_are_judged_as_they_say(Keys::Openpgp);
}

/// Plays every script with these keys.
#[track_caller]
fn all_are_judged_as_they_say(keys: Keys) {
    let only = std::env::var("HISTORY").ok();
    let scripts: Vec<(String, Script)> = scripts()
        .into_iter()
        .filter(|(name, _)| only.as_ref().is_none_or(|only| name.contains(only)))
        .filter(|(_, script)| script.keys == keys)
        .collect();
    let mut bases: BTreeMap<Base, World> = BTreeMap::new();
    for (_, script) in &scripts {
        let base = script.base();
        bases.entry(base).or_insert_with_key(World::build);
    }
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, script)) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = play(name, script, &bases[&script.base()], only.is_some());
                    if let Err(why) = played {
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
        "{} of {} histories\n\n{}",
        wrong.len(),
        scripts.len(),
        wrong.join("\n")
    );
}

/// The verdict on each history, in one table: a change of any verdict shows in
/// review.
#[test]
fn the_table_of_verdicts() {
    let mut table = String::new();
    for (name, script) in scripts() {
        let mut keys = match script.keys {
            Keys::Ssh => "ssh",
            Keys::Openpgp => "openpgp",
        }
        .to_owned();
        if script.format == Format::Sha256 {
            keys.push_str(", sha256");
        }
        let threats: Vec<String> = script.threats.iter().map(u8::to_string).collect();
        let line = format!(
            "{name:<62} {keys:<15} {:<10} {:<30} {}{}",
            verdict(script.verdict),
            script.codes.join(" "),
            threats.join(" "),
            script.known_defect.map_or("", |_| " KNOWN DEFECT"),
        );
        writeln!(table, "{}", line.trim_end()).expect("text");
    }
    golden(TABLE, &table);
}

#[test]
fn the_page_of_the_grammar_has_all_of_it() {
    let page = include_str!("../../../fixtures/histories/README.md");
    let word = regex::Regex::new("`[^`\n]*`").expect("a pattern");
    let code: Vec<&str> = word.find_iter(page).map(|found| found.as_str()).collect();
    let is_told = |key: &String| {
        code.iter().any(|code| {
            let mut words = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            words.any(|word| word == key)
        })
    };
    let all = grammar();
    assert!(all.len() > 60, "{all:?}");
    let missing: Vec<&String> = all.iter().filter(|key| !is_told(key)).collect();
    assert!(missing.is_empty(), "the page does not tell of {missing:?}");
}

#[test]
fn every_threat_has_its_history() {
    let mut rows: BTreeMap<u8, usize> = BTreeMap::new();
    for (name, script) in scripts() {
        let clean = script.verdict == Verdict::Clean;
        match name.starts_with("legal/") {
            true => assert!(
                clean && script.harmless.is_none(),
                "{name}: what is legal is clean"
            ),
            false => assert_eq!(
                clean,
                script.harmless.is_some(),
                "{name}: what is hostile and clean says why it is `harmless`"
            ),
        }
        for row in script.threats {
            assert!((1..=65).contains(&row), "{name}: there is no row {row}");
            *rows.entry(row).or_default() += 1;
        }
    }
    for row in 1..=65 {
        let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == row);
        assert!(
            rows.contains_key(&row) != elsewhere.is_some(),
            "row {row}: {} histories, elsewhere: {elsewhere:?}",
            rows.get(&row).unwrap_or(&0)
        );
    }
}
