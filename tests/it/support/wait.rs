//! Waits for a condition, and never for a while.

use std::io::BufRead;
use std::time::{Duration, Instant};

/// Asks again and again whether it is so; fails after a minute.
#[track_caller]
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} never happened");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Reads what a program says, up to the line with these words.
#[track_caller]
pub fn line_with(words: &str, from: &mut impl BufRead) -> String {
    let mut said = String::new();
    loop {
        let start = said.len();
        let count = from.read_line(&mut said).expect("UTF-8");
        assert!(count > 0, "it ended without `{words}`:\n{said}");
        if said[start..].contains(words) {
            return said;
        }
    }
}
