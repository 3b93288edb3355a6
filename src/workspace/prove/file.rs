//! A checkpoint on disk, with its signature.
//!
//! Each of the two files is replaced atomically, and an interruption leaves a valid
//! pair. The new signature is first written as `FILE.sig.new`, then the checkpoint is
//! replaced, then the signature is renamed. A reader takes the signature that fits.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::base::{Error, shell_word};
use crate::git::sign::Signer;
use crate::git::{Repo, disk};
use crate::judge::checkpoint::{CHECKPOINT_NAMESPACE, Checkpoint, LARGEST_CHECKPOINT};
use crate::trust::{Policy, Verdict};

/// The largest signature, in bytes.
const LARGEST_SIGNATURE: usize = 64 << 10;

/// A checkpoint on disk.
pub struct CheckpointFile {
    /// Its path, with links resolved.
    path: PathBuf,
    /// The content of the file, or `None` for a new checkpoint.
    read: Option<(Vec<u8>, Checkpoint)>,
    /// The content of `FILE.sig`.
    signature: Option<String>,
    /// The content of `FILE.sig.new`.
    waiting: Option<String>,
}

/// The signer of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// It is not signed.
    No,
    /// It has a signature, with the verdict on it.
    By(Verdict),
}

/// The fate of a checkpoint after a clean audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is up to date.
    Not,
    /// It was written.
    Written,
    /// It was written, and signed.
    Signed,
    /// It is signed and stays as it is, since the next one could not be signed.
    Kept,
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(extension);
    PathBuf::from(name)
}

impl CheckpointFile {
    /// Returns the registry's folder in a checkpoint file, or `None` where the file
    /// is not a checkpoint, which [`CheckpointFile::open`] reports.
    pub fn folder_of(path: &Path) -> Option<String> {
        let bytes = disk::read_at_most(path, LARGEST_CHECKPOINT).ok()??;
        Some(Checkpoint::parse(&bytes).ok()?.folder)
    }

    /// Reads a checkpoint, or prepares to create one.
    ///
    /// # Errors
    /// The file is inside the repository's work tree, is missing (or, for a new one,
    /// exists), can't be read, or is not a checkpoint.
    pub fn open(repo: &Repo, given: &Path, new: bool) -> Result<CheckpointFile, Error> {
        let shown = given.display();
        let (folder, name) = disk::folder_and_name(given)?;
        let folder = folder.canonicalize().map_err(disk::io("read", folder))?;
        let link = folder.join(name);
        let path = match link.canonicalize() {
            Ok(path) => path,
            Err(_) if link.symlink_metadata().is_ok() => {
                return Err(Error::msg(format!("`{shown}` is a link to nothing"))
                    .hint("name the file itself, or remove the link"));
            }
            Err(_) => link.clone(),
        };
        // A link in the tree could be committed too, and lead elsewhere.
        for place in [&link, &path] {
            if repo.has_in_work_tree(place.parent().unwrap_or(place)) {
                return Err(Error::msg(format!(
                    "the checkpoint `{shown}` is inside the work tree that it is to judge: who can change the one could change the other"
                ))
                .hint("keep it outside the repository, where those who push can't write"));
            }
        }
        let bytes = disk::read_at_most(&path, LARGEST_CHECKPOINT)?;
        let signature = read_signature(&path, ".sig")?;
        let waiting = read_signature(&path, ".sig.new")?;
        let read = match (bytes, new) {
            (None, false) => {
                return Err(Error::msg(format!("there is no checkpoint at `{shown}`"))
                    .hint("was it lost or removed? restore it from a copy: without it nothing shows that history only grew")
                    .hint(format!(
                        "to make the first one: `modelry audit --checkpoint {} --new-checkpoint`",
                        shell_word(&shown.to_string())
                    )));
            }
            (None, true) if signature.is_some() => {
                return Err(Error::msg(format!(
                    "there is a signature at `{}`, and no checkpoint to it",
                    beside(given, ".sig").display()
                ))
                .hint("restore the checkpoint from a copy, or remove the signature"));
            }
            (None, true) => None,
            (Some(_), true) => {
                return Err(Error::msg(format!(
                    "there is a checkpoint at `{shown}`, and `--new-checkpoint` would start over"
                ))
                .hint("leave `--new-checkpoint` away, or name another file"));
            }
            (Some(bytes), false) => {
                let checkpoint = Checkpoint::parse(&bytes).map_err(|why| {
                    Error::msg(format!("`{shown}` is no checkpoint: {why}"))
                        .hint("restore it from a copy; it is never to be edited by hand")
                })?;
                Some((bytes, checkpoint))
            }
        };
        Ok(CheckpointFile {
            path,
            read,
            signature,
            waiting,
        })
    }

    /// Returns the checkpoint, or `None` for a new one.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.read.as_ref().map(|(_, checkpoint)| checkpoint)
    }

    /// Returns the signer, by the policy at the checkpoint's commit.
    pub fn signed(&self, policy: &Policy) -> Signed {
        self.find_signature(policy).0
    }

    /// Returns the signer, and whether the signature is still to be renamed.
    fn find_signature(&self, policy: &Policy) -> (Signed, bool) {
        let Some((bytes, _)) = &self.read else {
            return (Signed::No, false);
        };
        let verdict = |armor: &String| Verdict::of_signature(policy, armor, CHECKPOINT_NAMESPACE, bytes);
        let placed = self.signature.as_ref().map(verdict);
        if let Some(good) = placed.as_ref().filter(|verdict| verdict.actor().is_some()) {
            return (Signed::By(good.clone()), false);
        }
        // A run that was interrupted after it had replaced the checkpoint left this
        // signature. One that does not fit is from an earlier interruption, and is
        // ignored.
        let waiting = self.waiting.as_ref().map(verdict);
        match waiting.filter(|verdict| verdict.actor().is_some()) {
            Some(good) => (Signed::By(good), true),
            None => (placed.map_or(Signed::No, Signed::By), false),
        }
    }

    /// Replaces the checkpoint with `next`, whose policy is given, after an audit
    /// without findings in the registry or in the file.
    ///
    /// # Errors
    /// Signing or writing fails, or the file was changed meanwhile. The old
    /// checkpoint and its signature are unchanged.
    pub fn advance(
        &self,
        next: &Checkpoint,
        policies: (&Policy, &Policy),
        signer: Option<&dyn Signer>,
    ) -> Result<Moved, Error> {
        let (then, now) = policies;
        let (signed, waits) = self.find_signature(then);
        let signed = signed != Signed::No;
        let next = &Checkpoint {
            signed: signer.is_some() || self.checkpoint().is_some_and(|earlier| earlier.signed),
            ..next.clone()
        };
        let same = self.checkpoint() == Some(next);
        let body = match &self.read {
            Some((bytes, _)) if same => bytes.clone(),
            _ => next.body().into_bytes(),
        };
        if !same && Checkpoint::parse(&body).as_ref() != Ok(next) {
            return Err(Error::msg(
                "no checkpoint can be written: the registry's folder has a name with control characters, or too many versions are tainted",
            ));
        }
        let moved = match signer {
            _ if same && (signed || signer.is_none()) => Moved::Not,
            None if signed => Moved::Kept,
            None => Moved::Written,
            Some(_) => Moved::Signed,
        };
        let armor = match signer {
            Some(signer) if moved == Moved::Signed => Some(signature(signer, now, &body)?),
            _ => None,
        };
        if matches!(moved, Moved::Not | Moved::Kept) && !waits {
            return Ok(moved);
        }
        // Another audit may have replaced it with a newer one.
        let _lock = disk::lock_folder(&self.path);
        self.is_unchanged()?;
        let (sig, waiting) = (beside(&self.path, ".sig"), beside(&self.path, ".sig.new"));
        if waits {
            disk::rename(&waiting, &sig)?;
        }
        if let Some(armor) = &armor {
            disk::replace_file(&waiting, armor.as_bytes())?;
        }
        match (moved, &self.read) {
            (Moved::Not | Moved::Kept, _) => {}
            (Moved::Written | Moved::Signed, Some(_)) if same => {}
            (Moved::Written | Moved::Signed, Some(_)) => disk::replace_file(&self.path, &body)?,
            (Moved::Written | Moved::Signed, None) => disk::create_file(&self.path, &body)?,
        }
        if armor.is_some() {
            disk::rename(&waiting, &sig)?;
        }
        Ok(moved)
    }

    /// Checks that the files are as they were read.
    fn is_unchanged(&self) -> Result<(), Error> {
        let bytes = disk::read_at_most(&self.path, LARGEST_CHECKPOINT)?;
        let same = bytes.as_ref() == self.read.as_ref().map(|(bytes, _)| bytes)
            && read_signature(&self.path, ".sig")? == self.signature
            && read_signature(&self.path, ".sig.new")? == self.waiting;
        match same {
            true => Ok(()),
            false => Err(Error::msg(format!(
                "`{}` was changed while the audit ran, and is left as it is",
                self.path.display()
            ))
            .hint("run the audit again")),
        }
    }
}

/// Signs a checkpoint, and checks that the signature is an actor's.
fn signature(signer: &dyn Signer, policy: &Policy, body: &[u8]) -> Result<String, Error> {
    let armor = signer.sign(CHECKPOINT_NAMESPACE, body)?;
    let verdict = Verdict::of_signature(policy, &armor, CHECKPOINT_NAMESPACE, body);
    if verdict.actor().is_some() {
        return Ok(armor);
    }
    Err(Error::msg(format!(
        "a checkpoint is signed by an actor of the registry, and the configured key proves {}",
        verdict.words()
    ))
    .hint("`modelry whoami` shows whose key it is; sign with the key of an actor, or leave `--sign` away"))
}

/// Reads the signature of a checkpoint; content that is not text verifies as an
/// invalid signature.
fn read_signature(path: &Path, extension: &str) -> Result<Option<String>, Error> {
    let bytes = disk::read_at_most(&beside(path, extension), LARGEST_SIGNATURE)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
