//! Artifacts brought to a folder: over `file`, http and https, and from
//! S3-compatible stores with the feature `s3`. What arrives is hashed while it
//! streams, is kept under another name until it is proven, and only then takes
//! its own.

pub mod artifact;
mod file;
mod folder;
mod http;
pub mod mlflow;
mod part;
mod place;
#[cfg(feature = "s3")]
mod s3;

use std::cell::OnceCell;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::Error;
use crate::record::kind::{Address, Artifact, ArtifactType, Digest, Form, UriFault};

pub(crate) use http::{USER_AGENT, trust};
pub use place::{Standing, Target, other_content};

/// Why an artifact could not be brought.
#[derive(Debug)]
pub enum Fault {
    /// Its bytes are not those that the version fixes: as grave as a finding.
    Differs(Error),
    /// Anything else.
    Error(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Error(error)
    }
}

/// What is heard while an artifact is brought.
#[derive(Debug)]
pub enum Event<'a> {
    /// So many bytes of it are here.
    At(u64),
    /// Something failed and is tried again: what, and after how long.
    Again(&'a str, Duration),
}

/// Who hears of it.
pub type Watch<'w> = dyn FnMut(Event<'_>) + 'w;

/// How an artifact came to be in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Brought now.
    Fetched,
    /// Begun by an earlier run, and completed now.
    Resumed,
    /// It was there already.
    Present,
}

impl State {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Fetched => "fetched",
            State::Resumed => "resumed",
            State::Present => "present",
        }
    }
}

/// What a version promises of some bytes.
#[derive(Clone, Debug, Default)]
pub struct Promise {
    /// Their SHA-256, where it is known beforehand.
    pub digest: Option<Digest>,
    /// How many they are, where that is known.
    pub size: Option<u64>,
}

/// Bytes on their way.
struct Opened {
    /// The byte that they start at: the one asked for, or 0.
    from: u64,
    /// How many come, where the other side says so.
    length: Option<u64>,
    /// The other side's mark of this very content (a strong ETag).
    mark: Option<String>,
    /// The bytes.
    body: Box<dyn Read>,
}

/// Why bytes do not come.
enum Trouble {
    /// It may pass: what happened, and how long the other side asks to wait.
    Passing(String, Option<Duration>),
    /// There is nothing from that byte on.
    Beyond,
    /// It will not pass.
    Lasting(Error),
}

/// One file, somewhere.
trait Origin {
    /// Its bytes from one on; `mark` is what an earlier answer was marked with.
    fn open(&self, from: u64, mark: Option<&str>) -> Result<Opened, Trouble>;
    /// Its address, without what is secret in it.
    fn shown(&self) -> String;
}

/// A file of a folder, as its list says.
struct Listed {
    /// From the folder, with `/`.
    path: String,
    /// Bytes.
    size: u64,
    /// SHA-256, where the list has it.
    digest: Option<Digest>,
}

/// An artifact, somewhere.
trait Source {
    /// The file that it is.
    fn file(&self) -> Box<dyn Origin + '_>;
    /// The files of the folder that it is, in any order.
    fn list(&self, digest: &Digest, watch: &mut Watch<'_>) -> Result<Vec<Listed>, Fault>;
    /// One file of the folder that it is.
    fn below(&self, path: &str) -> Box<dyn Origin + '_>;
}

/// An artifact to be brought, and the name that it gets.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Its address, without what is secret in it.
    pub shown: String,
    /// Its name below the target folder.
    pub name: String,
    /// SHA-256 of the file, or of the canonical JSON of the folder's files.
    pub digest: Digest,
    /// Bytes of all files together, where they are recorded.
    pub size: Option<u64>,
    /// File or folder.
    pub kind: ArtifactType,
    address: Address,
}

/// Something that was brought.
#[derive(Clone, Debug)]
pub struct Brought {
    /// Where it is now.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// How it came there.
    pub state: State,
}

/// Brings artifacts.
pub struct Courier {
    /// What a relative path starts from.
    top: Option<PathBuf>,
    web: OnceCell<http::Web>,
    #[cfg(feature = "s3")]
    stores: OnceCell<s3::Stores>,
}

enum Way {
    Local(PathBuf),
    Web,
    #[cfg(feature = "s3")]
    Store,
}

impl Courier {
    /// A courier for whom relative paths start at `top` (none: nowhere).
    pub fn new(top: Option<PathBuf>) -> Courier {
        Courier {
            top,
            web: OnceCell::new(),
            #[cfg(feature = "s3")]
            stores: OnceCell::new(),
        }
    }

    /// What is to be brought for these artifacts, each thing once.
    ///
    /// # Errors
    /// When one has no digest, no way leads to it, or its name can't be used
    /// here; when two have one name.
    pub fn parcels(&self, artifacts: &[&Artifact]) -> Result<Vec<Parcel>, Error> {
        let mut parcels: Vec<Parcel> = Vec::new();
        for artifact in artifacts {
            let parcel = self.parcel(artifact)?;
            let same = |other: &&Parcel| other.name.to_lowercase() == parcel.name.to_lowercase();
            match parcels.iter().find(same) {
                None => parcels.push(parcel),
                Some(other)
                    if other.address == parcel.address
                        && other.digest == parcel.digest
                        && other.kind == parcel.kind => {}
                Some(other) => {
                    return Err(Error::told(format!(
                        "`{}` and `{}` would both be `{}`",
                        other.shown, parcel.shown, parcel.name
                    ))
                    .hint("fetch them by hand into folders of their own, and compare their digests")
                    .hint("give the next version's artifacts different names"));
                }
            }
        }
        Ok(parcels)
    }

    fn parcel(&self, artifact: &Artifact) -> Result<Parcel, Error> {
        let address = &artifact.uri;
        let shown = address.place();
        let Some(digest) = artifact.digest.clone() else {
            return Err(
                Error::told(format!("`{shown}` has no digest to be checked against"))
                    .hint("register a version that fixes its bytes: `--artifact URI --digest sha256:…`"),
            );
        };
        let name = match self.way(address)? {
            Way::Local(path) => path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            Way::Web => http::name(address),
            #[cfg(feature = "s3")]
            Way::Store => last_segment(address.parts().expose_rest()).to_owned(),
        };
        place::check_name(&name).map_err(|what| {
            Error::told(format!("`{shown}` gives no name for a file: {what}"))
                .hint("fetch it by hand, and compare its digest")
        })?;
        Ok(Parcel {
            shown,
            name,
            digest,
            size: artifact.size,
            kind: artifact.r#type.unwrap_or_default(),
            address: address.clone(),
        })
    }

    fn way(&self, address: &Address) -> Result<Way, Error> {
        let (parts, uri) = (address.parts(), address.expose());
        match (parts.scheme.to_ascii_lowercase().as_str(), parts.form) {
            ("http" | "https", _) => Ok(Way::Web),
            #[cfg(feature = "s3")]
            ("s3", _) => Ok(Way::Store),
            #[cfg(not(feature = "s3"))]
            ("s3", _) => Err(
                Error::told(format!("`{}` is in a store, and this Modelry is built without the feature `s3`", address.place()))
                    .hint("build it in: `cargo install --path . --features s3`")
                    .hint(format!(
                        "or fetch it with `aws s3 cp {} …`, and compare its SHA-256 with the digest that `modelry resolve` shows",
                        address.place()
                    )),
            ),
            ("file", _) => file::path_of(&uri[5..]).map(Way::Local),
            (_, Form::Url) => Err(Error::told(format!(
                "no way leads to `{}`: Modelry fetches file, http, https and s3",
                address.place()
            ))
            .hint(
                "fetch it with that store's own program, and compare its SHA-256 with the recorded digest",
            )),
            // A file's name on this disk has no login: what fails would show it.
            _ if address.fault() == Some(UriFault::Login) => Err(Error::told(format!(
                "no way leads to `{}`: the address has a login and no scheme",
                address.place()
            ))
            .hint("register the version again with an address like `https://HOST/PATH`")),
            _ if Path::new(uri).is_absolute() => Ok(Way::Local(uri.into())),
            _ => match &self.top {
                Some(top) => Ok(Way::Local(top.join(uri))),
                None => Err(
                    Error::told(format!("`{}` is a relative path, and there is no work tree", address.place()))
                        .hint("run this in a clone that has one"),
                ),
            },
        }
    }

    fn source(&self, address: &Address) -> Result<Box<dyn Source + '_>, Error> {
        match self.way(address)? {
            Way::Local(path) => Ok(Box::new(file::Local(path))),
            Way::Web => Ok(Box::new(http::Site::new(self.web()?, address)?)),
            #[cfg(feature = "s3")]
            Way::Store => {
                let stores = match self.stores.get() {
                    Some(stores) => stores,
                    None => {
                        let stores = s3::Stores::from_env()?;
                        self.stores.get_or_init(|| stores)
                    }
                };
                Ok(Box::new(s3::Shelf::new(self.web()?, stores, address)?))
            }
        }
    }

    fn web(&self) -> Result<&http::Web, Error> {
        if let Some(web) = self.web.get() {
            return Ok(web);
        }
        let web = http::Web::new()?;
        Ok(self.web.get_or_init(|| web))
    }

    /// Brings an artifact to its place.
    ///
    /// # Errors
    /// [`Fault::Differs`] when it is not what was promised. Nothing stands
    /// under the final name then, and what was there before stands still.
    pub fn bring(
        &self,
        parcel: &Parcel,
        target: &Target,
        force: bool,
        watch: &mut Watch<'_>,
    ) -> Result<Brought, Fault> {
        let source = self.source(&parcel.address)?;
        let (whole, size, resumed) = match parcel.kind {
            ArtifactType::File => {
                let promise = Promise {
                    digest: Some(parcel.digest.clone()),
                    size: parcel.size,
                };
                let part = target.part(&parcel.digest)?;
                let arrived = part::bring(&*source.file(), &promise, &part, watch)?;
                (part, arrived.size, arrived.resumed)
            }
            ArtifactType::Folder => folder::bring(&*source, parcel, target, watch)?,
        };
        let path = target.settle(&whole, parcel, force)?;
        let state = if resumed { State::Resumed } else { State::Fetched };
        Ok(Brought { path, size, state })
    }
}

/// What stands after the last `/`, trailing ones aside.
fn last_segment(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}
