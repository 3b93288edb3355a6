//! The transport `file`: artifacts on this machine's disk.

use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::place::io;
use super::{Fault, Listed, Opened, Origin, Source, Trouble, Watch, artifact};
use crate::base::Error;
use crate::git::disk;
use crate::record::kind::Digest;

/// Returns the path of a `file:` URI, from the part after the colon (RFC 8089).
/// `register` writes paths as they are, other programs percent-encode them; the path
/// that exists is taken.
pub(super) fn path_of(rest: &str) -> Result<PathBuf, Error> {
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(rest) => {
            let start = rest.find('/').unwrap_or(rest.len());
            match &rest[..start] {
                "" | "localhost" => &rest[start..],
                host => {
                    return Err(Error::msg(format!(
                        "`file:{}` is on another machine: `{host}`",
                        &format!("//{rest}")
                    ))
                    .hint("a path on this machine is written `file:///…`"));
                }
            }
        }
    };
    let plain = Path::new(path);
    let decoded = percent_decode_str(path).decode_utf8().ok();
    Ok(match decoded {
        Some(decoded) if !plain.exists() && Path::new(&*decoded).exists() => PathBuf::from(&*decoded),
        _ => plain.to_owned(),
    })
}

/// A file or folder on disk.
pub(super) struct Local(pub(super) PathBuf);

impl Source for Local {
    fn file(&self) -> Box<dyn Origin + '_> {
        Box::new(OnDisk(self.0.clone()))
    }

    fn list(&self, _: &Digest, _: &mut Watch<'_>) -> Result<Vec<Listed>, Fault> {
        if !self.0.is_dir() {
            return Err(Error::msg(format!("there is no folder `{}`", self.0.display())).into());
        }
        let files = artifact::artifact_files(&self.0)?;
        Ok(files
            .into_iter()
            .map(|(_, path, size)| Listed {
                path,
                size,
                digest: None,
            })
            .collect())
    }

    fn below(&self, path: &str) -> Box<dyn Origin + '_> {
        Box::new(OnDisk(self.0.join(path)))
    }
}

struct OnDisk(PathBuf);

impl Origin for OnDisk {
    fn open(&self, from: u64, _: Option<&str>) -> Result<Opened, Trouble> {
        let lasting = |error| Trouble::Lasting(io("read", &self.0)(error));
        if self.0.is_dir() {
            return Err(Trouble::Lasting(
                Error::msg(format!("`{}` is no plain file", self.0.display()))
                    .hint("a folder is registered with `type: folder`"),
            ));
        }
        let mut file = disk::open_plain(&self.0).map_err(Trouble::Lasting)?;
        let meta = file.metadata().map_err(lasting)?;
        if from > meta.len() {
            return Err(Trouble::Beyond);
        }
        file.seek(SeekFrom::Start(from)).map_err(lasting)?;
        Ok(Opened {
            from,
            length: Some(meta.len() - from),
            mark: None,
            body: Box::new(file),
        })
    }

    fn shown(&self) -> String {
        self.0.display().to_string()
    }
}
