//! Artifacts on this machine: their files, their digests, and pointer files in place
//! of an artifact.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use crate::base::Error;
use crate::git::disk::{io, open_plain};
use crate::record::canonical::{canonical, sha256};
use crate::record::kind::{ArtifactType, Digest};

/// A local artifact, hashed.
#[derive(Clone, Debug)]
pub struct HashedArtifact {
    /// Whether it is a file or a folder.
    pub kind: ArtifactType,
    /// SHA-256 of the file, or of the canonical JSON of the folder's files.
    pub digest: Digest,
    /// The size of all files together, in bytes.
    pub size: u64,
}

/// Lists the files of an artifact (path on disk, name in the artifact with `/`,
/// size), sorted by name.
///
/// # Errors
/// Something can't be read, or is not a regular file.
pub(crate) fn artifact_files(path: &Path) -> Result<Vec<(PathBuf, String, u64)>, Error> {
    let mut files = Vec::new();
    for entry in WalkDir::new(path).min_depth(usize::from(path.is_dir())) {
        let entry = entry.map_err(|error| {
            let at = error.path().unwrap_or(path).to_owned();
            Error::Io {
                action: "read",
                path: at,
                source: error.into(),
            }
        })?;
        if entry.path_is_symlink() && entry.depth() > 0 {
            return Err(Error::msg(format!(
                "`{}` is a symbolic link, and an artifact is files alone",
                entry.path().display()
            ))
            .hint("put the file itself there: `cp -L`"));
        }
        let meta = std::fs::metadata(entry.path()).map_err(io("read", entry.path()))?;
        if meta.is_dir() {
            continue;
        }
        if !meta.is_file() {
            return Err(Error::msg(format!(
                "`{}` is no plain file",
                entry.path().display()
            )));
        }
        let relative = entry.path().strip_prefix(path).unwrap_or(entry.path());
        let parts: Option<Vec<&str>> = relative
            .components()
            .map(|part| part.as_os_str().to_str())
            .collect();
        let name = parts
            .ok_or_else(|| Error::msg(format!("the name of `{}` is not UTF-8", entry.path().display())))?
            .join("/");
        files.push((entry.path().to_owned(), name, meta.len()));
    }
    files.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(files)
}

/// Refuses an artifact that holds no model: a pointer file, or an empty file or
/// folder.
///
/// # Errors
/// The artifact is a pointer file or is empty; the hint has the command that gets the
/// real content.
pub fn refuse_stand_ins(path: &Path, role: &str) -> Result<(), Error> {
    if !path.exists() {
        // A git-annex file without content is a dangling link.
        return match std::fs::read_link(path) {
            Ok(target) if is_annexed(&target.to_string_lossy()) => Err(stand_in(path, StandIn::Annex)),
            _ => Ok(()),
        };
    }
    let files = artifact_files(path)?;
    for (file, ..) in &files {
        if let Some(kind) = stand_in_of(file)? {
            // If the data is beside it, DVC's file is legitimate.
            let data = file.with_extension("");
            if kind == StandIn::Dvc && path.is_dir() && data.exists() {
                continue;
            }
            return Err(stand_in(file, kind));
        }
    }
    if files.iter().all(|(.., size)| *size == 0) {
        let what = if path.is_dir() {
            "holds nothing"
        } else {
            "is empty"
        };
        return Err(
            Error::msg(format!("`{}` {what}, so it is no {role}", path.display())).hint(format!(
                "is it written whole? name the file or folder that holds the {role}"
            )),
        );
    }
    Ok(())
}

/// A kind of pointer file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StandIn {
    Lfs,
    Dvc,
    Annex,
}

fn is_annexed(target: &str) -> bool {
    target.replace('\\', "/").contains(".git/annex/objects/")
}

/// Detects a pointer file by its first bytes.
///
/// Sources: Git LFS, "Specification" (a pointer has less than 1024 bytes); DVC,
/// ".dvc files"; git-annex, "pointer files".
fn stand_in_of(path: &Path) -> Result<Option<StandIn>, Error> {
    let mut head = Vec::new();
    let file = open_plain(path)?;
    file.take(32 << 10)
        .read_to_end(&mut head)
        .map_err(io("read", path))?;
    let Ok(text) = std::str::from_utf8(&head) else {
        return Ok(None);
    };
    let is_lfs = head.len() < 1024
        && [
            "https://git-lfs.github.com/spec/",
            "https://hawser.github.com/spec/",
        ]
        .iter()
        .any(|spec| {
            text.strip_prefix("version ")
                .is_some_and(|rest| rest.starts_with(spec))
        })
        && text.contains("\noid ");
    let is_dvc =
        path.extension().is_some_and(|it| it == "dvc") && text.lines().any(|line| line.trim_end() == "outs:");
    Ok(if is_lfs {
        Some(StandIn::Lfs)
    } else if is_dvc {
        Some(StandIn::Dvc)
    } else if text.starts_with("/annex/objects/") {
        Some(StandIn::Annex)
    } else {
        None
    })
}

fn stand_in(path: &Path, kind: StandIn) -> Error {
    let shown = path.display();
    let word = crate::base::shell_word(&path.to_string_lossy());
    let (what, bring) = match kind {
        StandIn::Lfs => (
            "a pointer of Git LFS, not the file that it stands for",
            "git lfs pull".to_owned(),
        ),
        StandIn::Dvc => (
            "a file of DVC that names the data, not the data itself",
            format!("dvc pull {word}"),
        ),
        StandIn::Annex => (
            "a pointer of git-annex, and the file itself is not here",
            format!("git annex get {word}"),
        ),
    };
    let error = Error::msg(format!("`{shown}` is {what}")).hint(format!("fetch the file: `{bring}`"));
    match kind {
        StandIn::Dvc => error.hint(format!(
            "then name what it names: `{}`",
            path.with_extension("").display()
        )),
        _ => error,
    }
}

/// Returns the number of bytes that hashing will read.
pub fn artifact_size(path: &Path) -> Result<u64, Error> {
    Ok(artifact_files(path)?.iter().map(|(.., size)| size).sum())
}

/// Hashes a local artifact, file or folder; `progress` is called for each chunk.
///
/// # Errors
/// The artifact can't be read, or contains something other than regular files.
pub fn hash_artifact(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<HashedArtifact, Error> {
    if !path.exists() {
        return Err(Error::msg(format!("there is no `{}`", path.display())).hint(
            "name a local file or folder, or a URI with its digest: `--artifact URI --digest sha256:…`",
        ));
    }
    let files = artifact_files(path)?;
    let mut hashed = Vec::new();
    for (file, name, _) in &files {
        let (digest, size) = hash_file(file, progress)?;
        hashed.push((name, digest, size));
    }
    let size = hashed.iter().map(|(.., size)| size).sum();
    if path.is_dir() {
        let list: Vec<_> = hashed
            .iter()
            .map(|(path, digest, size)| json!({"path": path, "size": size, "digest": digest}))
            .collect();
        let digest = sha256(&canonical(&json!(list)));
        return Ok(HashedArtifact {
            kind: ArtifactType::Folder,
            digest,
            size,
        });
    }
    let digest = hashed.into_iter().next().map(|(_, digest, _)| digest);
    let digest = digest.ok_or_else(|| Error::msg(format!("`{}` is no plain file", path.display())))?;
    Ok(HashedArtifact {
        kind: ArtifactType::File,
        digest,
        size,
    })
}

fn hash_file(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<(Digest, u64), Error> {
    let mut file = open_plain(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer).map_err(io("read", path))?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        size += count as u64;
        progress(count as u64);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((Digest::of_hex(&hex), size))
}
