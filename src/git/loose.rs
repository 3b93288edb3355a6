//! Detects truncated loose objects, as a crash or a full disk leaves them. libgit2
//! 1.9 loops for ever at the end of such a file, so they are detected before libgit2
//! reads them.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use flate2::{Decompress, FlushDecompress, Status};

/// The depth to which alternates are followed, as git does it.
const DEEPEST: usize = 5;

/// The folders with loose objects.
pub(super) struct Loose {
    stores: Vec<Store>,
}

/// One object store, and which of its 256 folders existed when it was opened. Most
/// objects are in packs, and should not need a look at the disk.
struct Store {
    path: PathBuf,
    folders: HashSet<OsString>,
}

impl Loose {
    /// Collects the stores of the repository with this shared folder: its own, and
    /// its alternates.
    pub(super) fn new(common: &Path) -> Loose {
        let own =
            std::env::var_os("GIT_OBJECT_DIRECTORY").map_or_else(|| common.join("objects"), PathBuf::from);
        let mut stores = Vec::new();
        borrowed(own, 0, &mut stores);
        if let Some(others) = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES") {
            for other in std::env::split_paths(&others) {
                borrowed(other, 0, &mut stores);
            }
        }
        Loose { stores }
    }

    /// Whether a file of this object is truncated.
    pub(super) fn is_cut_off(&self, id: git2::Oid) -> bool {
        let hex = id.to_string();
        let (folder, name) = hex.split_at(2);
        let stores = self.stores.iter();
        stores
            .filter(|store| store.folders.contains(OsStr::new(folder)))
            .any(|store| {
                let file = std::fs::read(store.path.join(folder).join(name));
                file.is_ok_and(|bytes| ends_early(&bytes))
            })
    }
}

fn borrowed(store: PathBuf, depth: usize, stores: &mut Vec<Store>) {
    if depth > DEEPEST || stores.iter().any(|known| known.path == store) {
        return;
    }
    let listed = std::fs::read_to_string(store.join("info/alternates")).unwrap_or_default();
    let others: Vec<PathBuf> = listed
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| store.join(line))
        .collect();
    let folders = std::fs::read_dir(&store).into_iter().flatten().flatten();
    stores.push(Store {
        path: store,
        folders: folders.map(|entry| entry.file_name()).collect(),
    });
    for other in others {
        borrowed(other, depth + 1, stores);
    }
}

/// Whether a zlib stream is valid so far, but does not end. libgit2 itself refuses
/// other content.
fn ends_early(bytes: &[u8]) -> bool {
    let mut inflate = Decompress::new(true);
    let mut out = [0; 16 << 10];
    loop {
        let before = (inflate.total_in(), inflate.total_out());
        let rest = usize::try_from(before.0).ok().and_then(|at| bytes.get(at..));
        match inflate.decompress(rest.unwrap_or_default(), &mut out, FlushDecompress::None) {
            Err(_) | Ok(Status::StreamEnd) => return false,
            Ok(_) if before == (inflate.total_in(), inflate.total_out()) => return true,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    #[test]
    fn only_what_is_cut_off_ends_early() {
        let text: Vec<u8> = (0..40_000u32).flat_map(u32::to_le_bytes).collect();
        let mut packed = Vec::with_capacity(text.len() * 2);
        let mut deflate = Compress::new(Compression::default(), true);
        deflate
            .compress_vec(&text, &mut packed, FlushCompress::Finish)
            .expect("packed");
        assert!(!ends_early(&packed));
        assert!(ends_early(b""));
        for end in (1..packed.len()).step_by(997) {
            assert!(ends_early(&packed[..end]), "cut at {end}");
        }
        assert!(!ends_early(b"no zlib at all"));
    }
}
