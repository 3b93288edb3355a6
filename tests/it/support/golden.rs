//! Generated files: plain `cargo test` compares them, and `UPDATE=1 cargo test`
//! writes them again.

use std::path::Path;

/// The file's content must be this.
#[track_caller]
pub fn golden(path: &str, content: &str) {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(whole.parent().expect("a folder")).expect("folders");
        std::fs::write(&whole, content).expect("a generated file");
        return;
    }
    let there = std::fs::read_to_string(&whole).unwrap_or_default();
    assert!(
        there == content,
        "{path} is not what the code generates: run `UPDATE=1 cargo test` and look at the difference\n--- it should be\n{content}"
    );
}
