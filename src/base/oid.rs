//! Names of Git objects: SHA-1 or SHA-256 over `<kind> <length>\0<bytes>`.

use std::fmt;

use sha2::Digest;

/// The hash that a repository names its objects by (`extensions.objectFormat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum ObjectFormat {
    /// 20 bytes, Git's default.
    #[default]
    Sha1,
    /// 32 bytes.
    Sha256,
}

/// The kinds of object that Modelry reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// A file's bytes.
    Blob,
    /// An annotated tag.
    Tag,
}

impl ObjectKind {
    /// Git's word for the kind, as an object's header has it.
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectKind::Commit => "commit",
            ObjectKind::Tree => "tree",
            ObjectKind::Blob => "blob",
            ObjectKind::Tag => "tag",
        }
    }
}

/// An object's id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid {
    format: ObjectFormat,
    bytes: [u8; 32],
}

impl Oid {
    /// The id that Git gives to these bytes.
    pub fn hash(format: ObjectFormat, kind: ObjectKind, bytes: &[u8]) -> Oid {
        let header = format!("{} {}\0", kind.as_str(), bytes.len());
        let mut out = [0; 32];
        match format {
            ObjectFormat::Sha1 => {
                let mut hash = sha1::Sha1::default();
                hash.update(header.as_bytes());
                hash.update(bytes);
                out[..20].copy_from_slice(&hash.finalize());
            }
            ObjectFormat::Sha256 => {
                let mut hash = sha2::Sha256::default();
                hash.update(header.as_bytes());
                hash.update(bytes);
                out.copy_from_slice(&hash.finalize());
            }
        }
        Oid { format, bytes: out }
    }

    /// An id from its raw bytes, 20 or 32 of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Oid> {
        let format = match bytes.len() {
            20 => ObjectFormat::Sha1,
            32 => ObjectFormat::Sha256,
            _ => return None,
        };
        let mut out = [0; 32];
        out[..bytes.len()].copy_from_slice(bytes);
        Some(Oid { format, bytes: out })
    }

    /// An id from its full lower-case hexadecimal form, 40 or 64 digits.
    pub fn from_hex(hex: &str) -> Option<Oid> {
        let digits = hex.as_bytes();
        if !matches!(digits.len(), 40 | 64) {
            return None;
        }
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = digits
            .chunks_exact(2)
            .map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?))
            .collect();
        Oid::from_bytes(&bytes?)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self.format {
            ObjectFormat::Sha1 => &self.bytes[..20],
            ObjectFormat::Sha256 => &self.bytes,
        }
    }

    /// The hash that made this id.
    pub fn format(&self) -> ObjectFormat {
        self.format
    }

    /// The first ten hexadecimal digits, for people.
    pub fn short(&self) -> String {
        let mut hex = self.to_string();
        hex.truncate(10);
        hex
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
