//! Fetches one file into a part on disk. The part is hashed while it grows, is
//! resumed where it stopped, and never takes more than was promised.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{Event, Fault, Opened, Origin, Promise, Trouble, Watch, place::io};
use crate::base::Error;
use crate::net::backoff;
use crate::record::canonical::sha256;
use crate::record::kind::Digest;

/// The most failures in a row without progress.
const TRIES: u32 = 5;

/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The number of bytes that count as progress.
const HEADWAY: u64 = 1 << 20;

/// A file that arrived completely.
pub(super) struct Arrived {
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// Whether an earlier run had begun it.
    pub(super) resumed: bool,
}

/// A retry budget: counts the failures in a row.
struct RetryBudget {
    failures: u32,
}

impl RetryBudget {
    fn lose(&mut self, what: &str, asked: Option<Duration>, watch: &mut Watch<'_>) -> Result<(), Error> {
        self.failures += 1;
        if self.failures >= TRIES {
            return Err(Error::msg(format!("{what} ({TRIES} tries)"))
                .hint("what has arrived is kept: the same command goes on from there"));
        }
        let wait = asked.unwrap_or(backoff::doubled(self.failures)).min(LONGEST_WAIT);
        watch(Event::Again(what, wait));
        std::thread::sleep(wait);
        Ok(())
    }
}

/// How the stream of one answer ended.
enum End {
    /// The stream is complete.
    Done,
    /// The stream is longer than promised; its length, if announced.
    TooMany(Option<u64>),
    /// The connection broke before the end.
    Lost(String),
}

struct Part<'p> {
    path: &'p Path,
    file: File,
    hash: Sha256,
    size: u64,
    /// Whether an earlier run had begun the part.
    resumed: bool,
    /// Whether the part consists of several answers.
    pieced: bool,
}

impl<'p> Part<'p> {
    fn open(path: &'p Path, watch: &mut Watch<'_>) -> Result<Part<'p>, Error> {
        if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(Error::msg(format!("`{}` is no plain file", path.display()))
                .hint("remove it: Modelry keeps there what has arrived so far"));
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.open(path).map_err(io("write", path))?;
        let mut part = Part {
            path,
            file,
            hash: Sha256::new(),
            size: 0,
            resumed: false,
            pieced: false,
        };
        let mut buffer = vec![0; 1 << 20];
        loop {
            match part.file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => part.count(&buffer[..count], watch),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(io("read", path)(error)),
            }
        }
        part.resumed = part.size > 0;
        part.pieced = part.resumed;
        Ok(part)
    }

    fn count(&mut self, bytes: &[u8], watch: &mut Watch<'_>) {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        watch(Event::At(self.size));
    }

    fn start_over(&mut self) -> Result<(), Error> {
        self.file.set_len(0).map_err(io("write", self.path))?;
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(io("write", self.path))?;
        self.hash = Sha256::new();
        self.size = 0;
        self.resumed = false;
        self.pieced = false;
        Ok(())
    }

    fn digest(&self) -> Digest {
        let hash = self.hash.clone().finalize();
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Digest::of_hex(&hex)
    }

    /// Reads a stream into the part, and no byte more than promised.
    fn take(
        &mut self,
        opened: &mut Opened,
        most: Option<u64>,
        buffer: &mut [u8],
        watch: &mut Watch<'_>,
    ) -> Result<End, Error> {
        let announced = opened.length.map(|length| self.size + length);
        if let (Some(announced), Some(most)) = (announced, most)
            && announced > most
        {
            return Ok(End::TooMany(Some(announced)));
        }
        loop {
            let count = match opened.body.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Ok(End::Lost(error.to_string())),
                Ok(0) => break,
                Ok(count) => count,
            };
            if most.is_some_and(|most| self.size + count as u64 > most) {
                return Ok(End::TooMany(None));
            }
            self.file
                .write_all(&buffer[..count])
                .map_err(io("write", self.path))?;
            self.count(&buffer[..count], watch);
        }
        // Without an announced length, the end and a lost connection look alike.
        let short = match announced {
            Some(announced) => self.size < announced,
            None => most.is_some_and(|most| self.size < most),
        };
        Ok(if short {
            End::Lost("the connection ended early".into())
        } else {
            End::Done
        })
    }

    /// Returns the path of the file with the ETag of the part's content.
    fn mark_file(&self) -> PathBuf {
        self.path.with_extension("mark")
    }

    /// Returns the ETag of the part, if it came from this address.
    fn mark(&self, origin: &dyn Origin) -> Option<String> {
        let text = std::fs::read_to_string(self.mark_file()).ok()?;
        let (address, mark) = text.split_once('\n')?;
        (address == sha256(origin.shown().as_bytes()).as_str()).then(|| mark.to_owned())
    }

    fn set_mark(&self, origin: &dyn Origin, mark: Option<&str>) -> Result<(), Error> {
        let path = self.mark_file();
        match mark {
            Some(mark) => {
                let address = sha256(origin.shown().as_bytes());
                crate::git::disk::write_file(&path, format!("{address}\n{mark}").as_bytes())
            }
            None => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", &path)(error)),
                _ => Ok(()),
            },
        }
    }

    /// Removes the part and its files.
    fn drop_it(self) {
        let _ = std::fs::remove_file(self.mark_file());
        let path = self.path;
        drop(self.file);
        let _ = std::fs::remove_file(path);
    }
}

/// Fetches one file into `path`: complete, verified and synced to disk.
pub(super) fn bring(
    origin: &dyn Origin,
    promise: &Promise,
    path: &Path,
    watch: &mut Watch<'_>,
) -> Result<Arrived, Fault> {
    let mut part = Part::open(path, watch)?;
    if promise.size.is_some_and(|size| part.size > size) {
        part.start_over()?;
    }
    loop {
        let complete = match &promise.digest {
            Some(digest) => promise.size.is_none_or(|size| part.size == size) && part.digest() == *digest,
            // The folder's digest verifies a file of a folder.
            None => part.resumed && promise.size == Some(part.size),
        };
        let end = if complete {
            End::Done
        } else {
            match fill(origin, promise.size, &mut part, watch) {
                Ok(end) => end,
                Err(fault) => {
                    if part.size == 0 {
                        part.drop_it();
                    }
                    return Err(fault);
                }
            }
        };
        let differs = match end {
            End::TooMany(count) => {
                let has = count.map_or("more bytes".to_owned(), |count| format!("{count} bytes"));
                let size = promise.size.unwrap_or_default();
                format!("`{}` has {has}, and {size} are recorded", origin.shown())
            }
            _ => match wrong(&part, promise, origin) {
                Some(differs) => differs,
                None => {
                    part.file.sync_all().map_err(io("write", path))?;
                    let _ = std::fs::remove_file(part.mark_file());
                    return Ok(Arrived {
                        digest: part.digest(),
                        size: part.size,
                        resumed: part.resumed,
                    });
                }
            },
        };
        if part.pieced {
            // The pieces may belong to different contents, so the file is fetched
            // once more, in one piece.
            part.start_over()?;
            part.set_mark(origin, None)?;
            continue;
        }
        part.drop_it();
        return Err(Fault::Differs(
            Error::msg(differs).hint("it is not what was registered: ask whoever keeps it there"),
        ));
    }
}

fn wrong(part: &Part<'_>, promise: &Promise, origin: &dyn Origin) -> Option<String> {
    if let Some(size) = promise.size.filter(|size| *size != part.size) {
        return Some(format!(
            "`{}` has {} bytes, and {size} are recorded",
            origin.shown(),
            part.size
        ));
    }
    let found = part.digest();
    let digest = promise.digest.as_ref().filter(|digest| **digest != found)?;
    Some(format!(
        "`{}` has the digest {found}, and {digest} is recorded",
        origin.shown()
    ))
}

/// Reads until the end, with retries.
fn fill(
    origin: &dyn Origin,
    most: Option<u64>,
    part: &mut Part<'_>,
    watch: &mut Watch<'_>,
) -> Result<End, Fault> {
    let mut patience = RetryBudget { failures: 0 };
    let mut mark = part.mark(origin);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let before = part.size;
        let (what, wait) = match origin.open(before, mark.as_deref()) {
            Ok(mut opened) => {
                if opened.from == 0 {
                    part.start_over()?;
                    mark = opened.mark.take();
                    part.set_mark(origin, mark.as_deref())?;
                } else {
                    part.pieced = true;
                }
                match part.take(&mut opened, most, &mut buffer, watch)? {
                    End::Lost(what) => (what, None),
                    end => return Ok(end),
                }
            }
            Err(Trouble::Passing(what, wait)) => (what, wait),
            Err(Trouble::Beyond) => {
                part.start_over()?;
                mark = None;
                continue;
            }
            Err(Trouble::Lasting(error)) => return Err(error.into()),
        };
        if part.size >= before + HEADWAY {
            patience.failures = 0;
        }
        let what = format!("can't fetch `{}`: {what}", origin.shown());
        patience.lose(&what, wait, watch)?;
    }
}

/// Reads a small file into memory, or `None` when it has more than `most` bytes.
pub(super) fn small(origin: &dyn Origin, most: u64, watch: &mut Watch<'_>) -> Result<Option<Vec<u8>>, Error> {
    let mut patience = RetryBudget { failures: 0 };
    loop {
        let (what, wait) = match origin.open(0, None) {
            Ok(opened) if opened.length.is_some_and(|length| length > most) => return Ok(None),
            Ok(opened) => {
                let mut bytes = Vec::new();
                match opened.body.take(most + 1).read_to_end(&mut bytes) {
                    Ok(count) if count as u64 > most => return Ok(None),
                    Ok(_) => return Ok(Some(bytes)),
                    Err(error) => (error.to_string(), None),
                }
            }
            Err(Trouble::Passing(what, wait)) => (what, wait),
            Err(Trouble::Beyond) => return Ok(Some(Vec::new())),
            Err(Trouble::Lasting(error)) => return Err(error),
        };
        let what = format!("can't fetch `{}`: {what}", origin.shown());
        patience.lose(&what, wait, watch)?;
    }
}
