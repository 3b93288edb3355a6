//! Fetches a folder: its list of files, each file on its own, and the digest of all
//! from the bytes that were read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;

use super::part::{self, Arrived};
use super::place::{self, Stage, io};
use super::{Event, Fault, Listed, Origin, Parcel, Promise, Source, Target, Watch, artifact};
use crate::base::Error;
use crate::record::canonical::{canonical, sha256};
use crate::record::kind::Digest;

/// The largest list of files, in bytes.
const LARGEST_LIST: u64 = 64 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    size: u64,
    digest: Digest,
}

/// Reads the manifest, which proves itself: a file that is the canonical JSON of
/// [{path, size, digest}] with the folder's own digest. Returns `None` when the file
/// is something else.
pub(super) fn manifest(
    origin: &dyn Origin,
    digest: &Digest,
    watch: &mut Watch<'_>,
) -> Result<Option<Vec<Listed>>, Error> {
    let bytes = part::small(origin, LARGEST_LIST, watch)?;
    let Some(bytes) = bytes.filter(|bytes| sha256(bytes) == *digest) else {
        return Ok(None);
    };
    let entries: Vec<Entry> = serde_json::from_slice(&bytes)
        .map_err(|error| Error::msg(format!("`{}` is no list of files: {error}", origin.shown())))?;
    Ok(Some(
        entries
            .into_iter()
            .map(|entry| Listed {
                path: entry.path,
                size: entry.size,
                digest: Some(entry.digest),
            })
            .collect(),
    ))
}

/// Checks a list before anything is fetched.
fn check(files: &[Listed], parcel: &Parcel) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    let mut total: u64 = 0;
    for file in files {
        place::check_path(&file.path).map_err(|what| {
            Error::msg(format!(
                "the folder `{}` has a file with a name that can't be used: {what}",
                parcel.shown
            ))
            .hint("fetch it by hand, and compare its digest")
        })?;
        if !seen.insert(file.path.to_lowercase()) {
            return Err(Error::msg(format!(
                "the folder `{}` has two files named `{}` but for case",
                parcel.shown, file.path
            ))
            .into());
        }
        total = total.saturating_add(file.size);
    }
    match parcel.size.filter(|size| *size != total) {
        Some(size) => Err(Fault::Differs(
            Error::msg(format!(
                "the files of `{}` have {total} bytes together, and {size} are recorded",
                parcel.shown
            ))
            .hint("it is not what was registered: ask whoever keeps it there"),
        )),
        None => Ok(()),
    }
}

/// Fetches a folder to a temporary place beside the target. Returns the place, the
/// number of bytes, and whether an earlier run had begun it.
pub(super) fn bring(
    source: &dyn Source,
    parcel: &Parcel,
    target: &Target,
    watch: &mut Watch<'_>,
) -> Result<(PathBuf, u64, bool), Fault> {
    let mut files = source.list(&parcel.digest, watch)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    check(&files, parcel)?;
    loop {
        let stage = target.stage(&parcel.digest)?;
        let read = gather(source, &files, &stage, watch)?;
        let list: Vec<_> = read
            .iter()
            .map(|(path, file)| json!({"path": path, "size": file.size, "digest": file.digest}))
            .collect();
        let found = sha256(&canonical(&json!(list)));
        let resumed = read.iter().any(|(_, file)| file.resumed);
        if found == parcel.digest {
            tidy(&stage, &read, parcel)?;
            let size = read.iter().map(|(_, file)| file.size).sum();
            return Ok((stage.files(), size, resumed));
        }
        stage.remove();
        // The parts of an earlier run may be faulty, so everything is fetched once
        // more.
        if !resumed {
            return Err(Fault::Differs(
                Error::msg(format!(
                    "the folder `{}` has the digest {found}, and {} is recorded",
                    parcel.shown, parcel.digest
                ))
                .hint("it is not what was registered: ask whoever keeps it there"),
            ));
        }
    }
}

fn gather<'f>(
    source: &dyn Source,
    files: &'f [Listed],
    stage: &Stage,
    watch: &mut Watch<'_>,
) -> Result<Vec<(&'f str, Arrived)>, Fault> {
    let mut read = Vec::new();
    let mut before = 0;
    for file in files {
        let promise = Promise {
            digest: file.digest.clone(),
            size: Some(file.size),
        };
        let waiting = stage.part(&file.path);
        let place = stage.place(&file.path)?;
        // A file that an earlier run completed is read again, like any part.
        if place.symlink_metadata().is_ok() {
            std::fs::rename(&place, &waiting).map_err(io("write", &waiting))?;
        }
        let mut hear = |event: Event<'_>| match event {
            Event::At(bytes) => watch(Event::At(before + bytes)),
            other => watch(other),
        };
        let arrived = part::bring(&*source.below(&file.path), &promise, &waiting, &mut hear)?;
        std::fs::rename(&waiting, &place).map_err(io("write", &place))?;
        before += arrived.size;
        read.push((file.path.as_str(), arrived));
    }
    Ok(read)
}

/// Removes leftovers of an earlier run that are not part of the folder, and checks
/// that every part is there.
fn tidy(stage: &Stage, read: &[(&str, Arrived)], parcel: &Parcel) -> Result<(), Error> {
    let mut wanted: BTreeMap<&str, u64> = read.iter().map(|(path, file)| (*path, file.size)).collect();
    for (path, name, size) in artifact::artifact_files(&stage.files())? {
        if wanted.remove(name.as_str()) != Some(size) {
            std::fs::remove_file(&path).map_err(io("remove", &path))?;
        }
    }
    match wanted.first_key_value() {
        None => Ok(()),
        Some((missing, _)) => Err(Error::msg(format!(
            "`{missing}` of `{}` can't be kept beside the folder's other files on this disk",
            parcel.shown
        ))),
    }
}
