//! Runs the fuzzer's checks on its committed seeds and on small changes of them, in a
//! few seconds. `.ci/fuzz` looks for inputs of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../../fuzz/address.rs"]
mod address;
#[path = "../../fuzz/checkpoint.rs"]
mod checkpoint;
#[path = "../../fuzz/commit.rs"]
mod commit;
#[path = "../../fuzz/condition.rs"]
mod condition;
#[path = "../../fuzz/cursor.rs"]
mod cursor;
#[path = "../../fuzz/hook.rs"]
mod hook;
#[path = "../../fuzz/image.rs"]
mod image;
#[path = "../../fuzz/protect.rs"]
mod protect;
#[path = "../../fuzz/tree.rs"]
mod tree;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds")
}

/// Returns the seeds of a target that are lines of one file; `|` represents a line
/// feed.
fn lines(target: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(folder().join(format!("{target}.txt"))).expect("seeds");
    text.lines()
        .map(|line| line.replace('|', "\n").into_bytes())
        .collect()
}

/// The seeds that are files with this end, with a byte before each that chooses.
fn files(end: &str, choice: &[u8]) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|it| it == end))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seed ends in .{end}");
    let read = |path: &PathBuf| [choice, &std::fs::read(path).expect("a seed")].concat();
    paths.iter().map(read).collect()
}

/// Numbers that are the same on each machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end.max(1)
    }
}

/// Checks each seed and `changes` changed inputs: bytes replaced, taken out, put in
/// and doubled, and parts of other seeds.
fn run(check: fn(&[u8]), seeds: &[Vec<u8>], changes: usize) {
    const MARKS: &[u8] = b"@:/\\?#=&;.%[]{},*!|-_ \n\0\xc3\xa9a0Z";
    seeds.iter().for_each(|seed| check(seed));
    let more = std::env::var("MODELRY_FUZZ_ROUNDS").ok();
    let rounds = more.and_then(|more| more.parse().ok()).unwrap_or(1_usize);
    let mut numbers = Numbers(7);
    for _ in 0..changes * rounds {
        let mut input = seeds[numbers.below(seeds.len())].clone();
        for _ in 0..1 + numbers.below(6) {
            let at = numbers.below(input.len() + 1);
            let mark = MARKS[numbers.below(MARKS.len())];
            match numbers.below(6) {
                0 if at < input.len() => input[at] = mark,
                1 if at < input.len() => input[at] = u8::try_from(numbers.below(256)).expect("a byte"),
                2 if at < input.len() => {
                    input.remove(at);
                }
                3 => {
                    let end = (at + numbers.below(12)).min(input.len());
                    let part = input[at..end].to_vec();
                    input.splice(at..at, part);
                }
                4 => {
                    let other = &seeds[numbers.below(seeds.len())];
                    let start = numbers.below(other.len() + 1);
                    let end = (start + numbers.below(24)).min(other.len());
                    input.splice(at..at, other[start..end].iter().copied());
                }
                _ => input.insert(at, mark),
            }
        }
        check(&input);
    }
}

#[test]
fn seeds_of_what_is_read_pass() {
    run(image::check, &lines("image"), 4000);
    run(address::check, &lines("address"), 4000);
    run(protect::check, &lines("protect"), 800);
    run(condition::check, &lines("condition"), 4000);
    run(commit::check, &files("commit", &[0]), 500);
    run(commit::check, &files("commit-sha256", &[1]), 500);
    run(checkpoint::check, &files("checkpoint", &[]), 500);
    run(cursor::check, &files("cursor", &[]), 500);
    let store =
        b"\x02\x03\x04\x03\x01\x00\x00\x02\x01\x00\x02\x00\x02\x02\x01\x02\x01\x01\x03\x01\x00\x01\x00\x01";
    run(tree::check, &[store.to_vec(), [&[3], &store[1..]].concat()], 500);
}

/// The hook's key lies in the home of the process: it runs in a process of its own.
#[test]
fn seeds_of_pushes_pass() {
    const INNER: &str = "MODELRY_FUZZ_INNER";
    if std::env::var_os(INNER).is_some() {
        return run(hook::check, &files("push", &[]), 60);
    }
    let home = tempfile::tempdir().expect("a home");
    let (_, module) = module_path!().split_once("::").expect("a module of this crate");
    let name = format!("{module}::seeds_of_pushes_pass");
    let this = std::env::current_exe().expect("a program");
    let output = Command::new(this)
        .args(["--exact", &name, "--nocapture"])
        .env(INNER, "1")
        .env("HOME", home.path())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .expect("the program runs");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
