//! Checkpoints: the length of the mainline when an audit found it clean, and the root
//! hash of its log.
//!
//! Source: the text of a C2SP `tlog-checkpoint`, with extension lines in this order:
//!
//! - the last step's commit,
//! - the root with its folder,
//! - `signed` if a signature belongs to it,
//! - the versions whose approval rests on a key that is no longer trusted.
//!
//! The branch is not named, so renaming it changes nothing.
//!
//! Signatures in the form of a C2SP `signed-note` may follow. They are read and left out,
//! since nothing here knows their keys. Modelry makes and verifies a detached signature
//! beside the file.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::log::Hash;
use crate::base::Oid;
use crate::record::kind::{RegistryId, VersionId};

/// No checkpoint is larger, in bytes.
pub const LARGEST_CHECKPOINT: usize = 1 << 20;

/// The namespace of SSH signatures over a checkpoint.
pub const CHECKPOINT_NAMESPACE: &str = "modelry-checkpoint";

/// The start of `origin`.
const ORIGIN: &str = "modelry/";

/// A mainline that an audit found clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The registry.
    pub registry: RegistryId,
    /// The mainline's steps, with the root: at least 1.
    pub size: u64,
    /// The root hash of the log over them.
    pub root_hash: Hash,
    /// The last of them.
    pub commit: Oid,
    /// The first of them.
    pub root: Oid,
    /// The registry's folder; empty for the repository's top.
    pub folder: String,
    /// Whether a signature belongs to it.
    pub signed: bool,
    /// Versions whose approval rests on a key that was no longer trusted, and that were
    /// not reaffirmed, with the key's fingerprint.
    pub tainted: BTreeMap<VersionId, String>,
}

impl Checkpoint {
    /// Reads a checkpoint. There is one way to write each: the text that is read, without
    /// signatures, equals [`Checkpoint::body`].
    pub fn parse(bytes: &[u8]) -> Result<Checkpoint, String> {
        if bytes.len() > LARGEST_CHECKPOINT {
            return Err(format!("it is larger than {LARGEST_CHECKPOINT} bytes"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        if let Some(odd) = text.chars().find(|c| c.is_control() && *c != '\n') {
            return Err(format!("it holds the character {:?}", odd));
        }
        let (body, signatures) = match text.split_once("\n\n") {
            Some((body, signatures)) => (body, Some(signatures)),
            None => match text.strip_suffix('\n') {
                Some(body) => (body, None),
                None => return Err("its last line does not end".into()),
            },
        };
        if let Some(signatures) = signatures
            && !is_signed_note(signatures)
        {
            return Err("what follows its empty line is no signature of a note".into());
        }
        let checkpoint = Checkpoint::parse_body(body)?;
        match checkpoint.body().strip_suffix('\n') == Some(body) {
            true => Ok(checkpoint),
            false => Err("its tainted versions are not each once and in order".into()),
        }
    }

    fn parse_body(body: &str) -> Result<Checkpoint, String> {
        let mut lines = body.split('\n');
        let mut next = |what: &str| lines.next().ok_or_else(|| format!("it has no {what}"));
        let origin = next("origin")?;
        let registry = origin
            .strip_prefix(ORIGIN)
            .and_then(|id| id.parse().ok())
            .ok_or("its first line is not `modelry/` and a registry's id")?;
        let size = parse_size(next("size")?).ok_or("its size is no number of steps")?;
        let root_hash = STANDARD
            .decode(next("root hash")?)
            .ok()
            .and_then(|hash| hash.try_into().ok())
            .ok_or("its root hash is not 32 bytes in base64")?;
        let commit = next("commit")?
            .strip_prefix("commit ")
            .and_then(Oid::from_hex)
            .ok_or("its fourth line is not `commit` and an id")?;
        let root = next("root")?
            .strip_prefix("root ")
            .ok_or("its fifth line is not `root` and an id")?;
        let (root, folder) = match root.split_once(':') {
            Some((_, "")) => return Err("its root names an empty folder".into()),
            Some(pair) => pair,
            None => (root, ""),
        };
        let root = Oid::from_hex(root)
            .filter(|root| root.format() == commit.format())
            .ok_or("its root is no id, or another kind of id than its commit")?;
        let mut lines = lines.peekable();
        let signed = lines.next_if_eq(&"signed").is_some();
        let mut tainted = BTreeMap::new();
        for line in lines {
            let (id, key) = line
                .strip_prefix("tainted ")
                .and_then(|rest| rest.split_once(' '))
                .ok_or_else(|| format!("nobody knows its line `{line}`"))?;
            let id: VersionId = id.parse()?;
            if !is_key(key) {
                return Err(format!("`{key}` is no fingerprint of a key"));
            }
            tainted.insert(id, key.to_owned());
        }
        Ok(Checkpoint {
            registry,
            size,
            root_hash,
            commit,
            root,
            folder: folder.to_owned(),
            signed,
            tainted,
        })
    }

    /// The text of the checkpoint.
    pub fn body(&self) -> String {
        let folder = match self.folder.as_str() {
            "" => String::new(),
            folder => format!(":{folder}"),
        };
        let mut body = format!(
            "{ORIGIN}{}\n{}\n{}\ncommit {}\nroot {}{folder}\n",
            self.registry,
            self.size,
            STANDARD.encode(self.root_hash),
            self.commit,
            self.root,
        );
        if self.signed {
            body.push_str("signed\n");
        }
        for (id, key) in &self.tainted {
            body.push_str(&format!("tainted {id} {key}\n"));
        }
        body
    }
}

/// A size as `tlog-checkpoint` writes it: decimal, no leading zero, below 2^63.
fn parse_size(text: &str) -> Option<u64> {
    let canonical = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let size = text.parse().ok().filter(|_| canonical)?;
    i64::try_from(size).is_ok().then_some(size)
}

/// A fingerprint as the policy writes it, without spaces.
fn is_key(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Lines of an em dash, a key's name, and its hash with a signature.
fn is_signed_note(text: &str) -> bool {
    let is_signature = |line: &str| {
        let Some((name, signature)) = line
            .strip_prefix("\u{2014} ")
            .and_then(|rest| rest.split_once(' '))
        else {
            return false;
        };
        let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+');
        is_name && STANDARD.decode(signature).is_ok_and(|bytes| bytes.len() > 4)
    };
    text.strip_suffix('\n')
        .is_some_and(|lines| lines.split('\n').all(is_signature))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "modelry/5c0f3a0e9d7b4f6f8a51c2d3e4f50617
12
qw3gJSpmgkbs0A8PSGzTlFhSc4QP9X8b5WYTJEGbqDs=
commit abababababababababababababababababababab
root cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd:models/risk
tainted churn/2 SHA256:abc
tainted fraud/1 968479A1AFF927E37D1A566BB5690EEEBB952194
";

    #[test]
    fn one_is_read_and_written_as_it_was() {
        let checkpoint = Checkpoint::parse(GOOD.as_bytes()).expect("a checkpoint");
        assert_eq!((checkpoint.size, checkpoint.folder.as_str()), (12, "models/risk"));
        assert_eq!(checkpoint.tainted.len(), 2);
        assert_eq!(checkpoint.body(), GOOD);
        let signed = GOOD.replace("tainted churn", "signed\ntainted churn");
        let read = Checkpoint::parse(signed.as_bytes()).expect("a checkpoint");
        assert_eq!(
            (checkpoint.signed, read.signed, read.body()),
            (false, true, signed)
        );
        let signed = format!("{GOOD}\n\u{2014} witness.example.com/w1 AAAAAGFiYw==\n");
        assert_eq!(Checkpoint::parse(signed.as_bytes()), Ok(checkpoint));
    }

    #[test]
    fn what_is_not_exactly_one_is_refused() {
        let with = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            GOOD.replacen(from, to, 1)
        };
        let commit = "abababababababababababababababababababab";
        let hash = "qw3gJSpmgkbs0A8PSGzTlFhSc4QP9X8b5WYTJEGbqDs=";
        for (text, why) in [
            (String::new(), "does not end"),
            ("\n".into(), "first line"),
            ("\n\n".into(), "no signature"),
            (GOOD.trim_end().into(), "does not end"),
            (GOOD.replace('\n', "\r\n"), "character '\\r'"),
            (with("churn", "ch\0rn"), "character '\\0'"),
            (with("modelry/", "other/"), "first line"),
            (with("modelry/5", "modelry/X"), "first line"),
            (with("\n12\n", "\n0\n"), "size"),
            (with("\n12\n", "\n012\n"), "size"),
            (with("\n12\n", "\n+12\n"), "size"),
            (with("\n12\n", "\n-12\n"), "size"),
            (with("\n12\n", "\n9223372036854775808\n"), "size"),
            (with("\n12\n", "\n99999999999999999999999\n"), "size"),
            (with("\n12\n", "\n\n"), "no signature"),
            (with(hash, "AAAA"), "root hash"),
            (with("qDs=", "qDs"), "root hash"),
            // The same bytes, written with other bits after them.
            (with("qDs=", "qDt="), "root hash"),
            (with("commit a", "commit A"), "fourth line"),
            (with(commit, "abab"), "fourth line"),
            (with(commit, &"ab".repeat(32)), "another kind"),
            (with(":models/risk", ":"), "empty folder"),
            (with("root cd", "rot cd"), "fifth line"),
            (with("tainted churn", "stained churn"), "nobody knows"),
            (with("tainted fraud", "signed\ntainted fraud"), "nobody knows"),
            (
                with("tainted churn", "signed\nsigned\ntainted churn"),
                "nobody knows",
            ),
            (with("churn/2", "churn/02"), "no version's number"),
            (with("SHA256:abc", "SHA256:abc "), "no fingerprint"),
            (with("churn/2", "zebra/2"), "in order"),
            (with("tainted fraud/1", "tainted churn/2"), "in order"),
            (format!("{GOOD}\n"), "no signature"),
            (format!("{GOOD}\nanything\n"), "no signature"),
            (format!("{GOOD}\n\u{2014} w AAAAAGFiYw=="), "no signature"),
            (format!("{GOOD}\n\u{2014} w AAAA\n"), "no signature"),
            (format!("{GOOD}\n\u{2014}  AAAAAGFiYw==\n"), "no signature"),
            (format!("{GOOD}{}", "a".repeat(LARGEST_CHECKPOINT)), "larger"),
        ] {
            let told = Checkpoint::parse(text.as_bytes()).expect_err(&text);
            assert!(told.contains(why), "{text}\n{told}");
        }
        assert!(Checkpoint::parse(b"modelry/\xff\n").is_err());
    }

    fn checkpoint() -> impl Strategy<Value = Checkpoint> {
        let hash = any::<[u8; 32]>();
        let ids = (any::<bool>(), any::<[u8; 32]>(), any::<[u8; 32]>());
        let key = "[!-~]{1,60}";
        let tainted = proptest::collection::btree_map(("[a-z]{1,6}", 1u32..2000), key, 0..5);
        let folder = ("([a-zé ]{1,5}(/[a-z:]{1,5}){0,2})?", any::<bool>());
        ("[0-9a-f]{32}", 1..i64::MAX as u64, hash, ids, folder, tainted).prop_filter_map(
            "names of groups",
            |(registry, size, root_hash, (long, commit, root), (folder, signed), tainted)| {
                let length = if long { 32 } else { 20 };
                let tainted = tainted
                    .into_iter()
                    .map(|((group, n), key)| Some((format!("{group}/{n}").parse().ok()?, key)));
                Some(Checkpoint {
                    registry: registry.parse().ok()?,
                    size,
                    root_hash,
                    commit: Oid::from_bytes(&commit[..length])?,
                    root: Oid::from_bytes(&root[..length])?,
                    folder,
                    signed,
                    tainted: tainted.collect::<Option<_>>()?,
                })
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn reader_and_writer_are_inverse(checkpoint in checkpoint()) {
            prop_assert_eq!(Checkpoint::parse(checkpoint.body().as_bytes()), Ok(checkpoint));
        }

        #[test]
        fn a_changed_byte_is_read_as_it_stands_or_not_at_all(at in 0..GOOD.len(), byte in any::<u8>()) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(checkpoint) = Checkpoint::parse(&bytes) {
                prop_assert_eq!(checkpoint.body().into_bytes(), bytes);
            }
        }
    }
}
