//! Fetches artifacts to a folder: over `file`, http and https, and from S3-compatible
//! stores with the feature `s3`. Content is hashed while it streams, kept under a
//! temporary name until it is verified, and then renamed.

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

/// The reason why an artifact could not be fetched.
#[derive(Debug)]
pub enum Fault {
    /// The bytes differ from those that the version fixes, which is as grave as a
    /// finding.
    Differs(Error),
    /// Any other error.
    Error(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Error(error)
    }
}

/// A progress message while an artifact is fetched.
#[derive(Debug)]
pub enum Event<'a> {
    /// This many bytes have arrived.
    At(u64),
    /// An attempt failed and is repeated: the reason, and the wait.
    Again(&'a str, Duration),
}

/// Receives progress messages.
pub type Watch<'w> = dyn FnMut(Event<'_>) + 'w;

/// How an artifact came to be in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was fetched now.
    Fetched,
    /// An earlier run began it, and this one completed it.
    Resumed,
    /// It was there already.
    Present,
}

impl State {
    /// Returns the word for JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Fetched => "fetched",
            State::Resumed => "resumed",
            State::Present => "present",
        }
    }
}

/// The record of a version about some bytes.
#[derive(Clone, Debug, Default)]
pub struct Promise {
    /// Their SHA-256, where it is known.
    pub digest: Option<Digest>,
    /// Their number, where it is known.
    pub size: Option<u64>,
}

/// An open stream of bytes.
struct Opened {
    /// The offset of its first byte: the one asked for, or 0.
    from: u64,
    /// The announced length, if any.
    length: Option<u64>,
    /// The server's strong ETag of this content.
    mark: Option<String>,
    /// The bytes.
    body: Box<dyn Read>,
}

/// The reason why bytes do not arrive.
enum Trouble {
    /// The fault may pass: what happened, and how long the server asks to wait.
    Passing(String, Option<Duration>),
    /// There are no bytes from that offset on.
    Beyond,
    /// The fault will not pass.
    Lasting(Error),
}

/// A file at some source.
trait Origin {
    /// Opens its bytes from an offset; `mark` is the ETag of an earlier answer.
    fn open(&self, from: u64, mark: Option<&str>) -> Result<Opened, Trouble>;
    /// Returns its address, without secrets.
    fn shown(&self) -> String;
}

/// A file of a folder, as the folder's list has it.
struct Listed {
    /// The path from the folder, with `/`.
    path: String,
    /// The size in bytes.
    size: u64,
    /// The SHA-256, where the list has it.
    digest: Option<Digest>,
}

/// An artifact at some source.
trait Source {
    /// Returns the artifact as a file.
    fn file(&self) -> Box<dyn Origin + '_>;
    /// Lists the files of the artifact as a folder, in any order.
    fn list(&self, digest: &Digest, watch: &mut Watch<'_>) -> Result<Vec<Listed>, Fault>;
    /// Returns one file of the artifact as a folder.
    fn below(&self, path: &str) -> Box<dyn Origin + '_>;
}

/// An artifact to fetch, with its name in the target folder.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Its address, without secrets.
    pub shown: String,
    /// Its name below the target folder.
    pub name: String,
    /// SHA-256 of the file, or of the canonical JSON of the folder's files.
    pub digest: Digest,
    /// The size of all files together, where it is recorded.
    pub size: Option<u64>,
    /// Whether it is a file or a folder.
    pub kind: ArtifactType,
    address: Address,
}

/// A fetched artifact.
#[derive(Clone, Debug)]
pub struct Brought {
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// How it came there.
    pub state: State,
}

/// Fetches artifacts.
pub struct Courier {
    /// The folder that relative paths start from.
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
    /// Creates a courier. Relative paths start at `top`; without it they can't be
    /// used.
    pub fn new(top: Option<PathBuf>) -> Courier {
        Courier {
            top,
            web: OnceCell::new(),
            #[cfg(feature = "s3")]
            stores: OnceCell::new(),
        }
    }

    /// Returns what to fetch for these artifacts, each item once.
    ///
    /// # Errors
    /// An artifact has no digest, no known transport or an unusable name; or two have
    /// the same name.
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
                    return Err(Error::msg(format!(
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
                Error::msg(format!("`{shown}` has no digest to be checked against"))
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
            Error::msg(format!("`{shown}` gives no name for a file: {what}"))
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
                Error::msg(format!("`{}` is in a store, and this Modelry is built without the feature `s3`", address.place()))
                    .hint("build it in: `cargo install --path . --features s3`")
                    .hint(format!(
                        "or fetch it with `aws s3 cp {} …`, and compare its SHA-256 with the digest that `modelry resolve` shows",
                        address.place()
                    )),
            ),
            ("file", _) => file::path_of(&uri[5..]).map(Way::Local),
            (_, Form::Url) => Err(Error::msg(format!(
                "no way leads to `{}`: Modelry fetches file, http, https and s3",
                address.place()
            ))
            .hint(
                "fetch it with that store's own program, and compare its SHA-256 with the recorded digest",
            )),
            // A file's name on disk must not contain a login, since errors would show
            // it.
            _ if address.fault() == Some(UriFault::Login) => Err(Error::msg(format!(
                "no way leads to `{}`: the address has a login and no scheme",
                address.place()
            ))
            .hint("register the version again with an address like `https://HOST/PATH`")),
            _ if Path::new(uri).is_absolute() => Ok(Way::Local(uri.into())),
            _ => match &self.top {
                Some(top) => Ok(Way::Local(top.join(uri))),
                None => Err(
                    Error::msg(format!("`{}` is a relative path, and there is no work tree", address.place()))
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

    /// Fetches an artifact to its place.
    ///
    /// # Errors
    /// [`Fault::Differs`] when the bytes have another digest. The place then keeps
    /// its earlier content, or stays empty.
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

/// Returns the part after the last `/`, not counting trailing ones.
fn last_segment(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}
