//! All that a command could change in a repository, read without git.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Reads the references, the index and every file of the work tree; nothing where git
/// finds its folder in another way than by `.git`.
pub fn read(top: &Path) -> Option<String> {
    let git = top.join(".git");
    let is_plain = ["objects", "refs", "HEAD"]
        .iter()
        .all(|name| git.join(name).exists());
    if !git.symlink_metadata().is_ok_and(|data| data.is_dir()) || !is_plain {
        return None;
    }
    let mut files = BTreeMap::new();
    for name in ["HEAD", "packed-refs", "index"] {
        file(&git.join(name), &mut files);
    }
    below(&git.join("refs"), &git, &mut files);
    below(top, &git, &mut files);
    Some(format!("{files:#?}"))
}

/// Reads every file below a folder but those of git.
fn below(folder: &Path, git: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        match path.symlink_metadata().is_ok_and(|data| data.is_dir()) {
            true if path == git => {}
            true => below(&path, git, files),
            false => file(&path, files),
        }
    }
}

/// Reads a file, or where a link leads.
fn file(path: &Path, files: &mut BTreeMap<PathBuf, String>) {
    let content = match std::fs::read_link(path) {
        Ok(target) => format!("-> {}", target.display()),
        Err(_) => match std::fs::read(path) {
            Ok(bytes) => bytes.escape_ascii().to_string(),
            Err(error) => error.to_string(),
        },
    };
    files.insert(path.to_owned(), content);
}
