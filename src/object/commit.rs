//! A commit's bytes, and whether they are in strict form. Only a commit in strict form
//! proves its signer: known headers in Git's order, each once, at most one signature,
//! UTF-8, nothing hidden, at most two parents.

use crate::base::{Error, ObjectFormat, Oid};

/// Commits larger than this are not in strict form.
const LARGEST: usize = 64 * 1024;

/// A person and a time, as a commit names its author or committer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name; proves nothing.
    pub name: String,
    /// The address; proves nothing.
    pub email: String,
    /// Seconds since 1970-01-01T00:00:00Z; proves nothing.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset_minutes: i32,
}

/// The kinds of signature that Git writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// `-----BEGIN SSH SIGNATURE-----`
    Ssh,
    /// `-----BEGIN PGP SIGNATURE-----`
    OpenPgp,
    /// `-----BEGIN SIGNED MESSAGE-----`, or a bare certificate or PKCS#7 block.
    X509,
    /// Anything else.
    Unknown,
}

impl SignatureKind {
    /// The kind of an armoured block, by its first line.
    pub fn of(armor: &str) -> SignatureKind {
        match armor.lines().next().unwrap_or_default().trim_end() {
            "-----BEGIN SSH SIGNATURE-----" => SignatureKind::Ssh,
            "-----BEGIN PGP SIGNATURE-----" => SignatureKind::OpenPgp,
            "-----BEGIN SIGNED MESSAGE-----" | "-----BEGIN CERTIFICATE-----" | "-----BEGIN PKCS7-----" => {
                SignatureKind::X509
            }
            _ => SignatureKind::Unknown,
        }
    }
}

/// The signature in a commit's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitSignature {
    /// The kind that its first line states.
    pub kind: SignatureKind,
    /// The armoured block.
    pub armor: String,
}

/// One commit.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its id.
    pub id: Oid,
    /// The tree.
    pub tree: Oid,
    /// The parents, the mainline's first.
    pub parents: Vec<Oid>,
    /// The author, as claimed.
    pub author: Option<Identity>,
    /// The committer, as claimed.
    pub committer: Option<Identity>,
    /// The message; what is not UTF-8 is replaced.
    pub message: String,
    /// The signature.
    pub signature: Option<CommitSignature>,
    /// The signed bytes: the stored ones without the one signature header.
    pub payload: Vec<u8>,
    /// The reasons for which the commit is not in strict form; empty when it is.
    pub faults: Vec<String>,
    /// Whether readers may see another tree or other parents in it.
    pub is_ambiguous: bool,
}

impl Commit {
    /// Reads a commit's stored bytes. The tree is the one that git reads; the parents are
    /// all that the headers name.
    ///
    /// # Errors
    /// [`Error::MalformedCommit`] for bytes that git can't read either; no push can
    /// contain them. All other faults are in [`Commit::faults`].
    pub fn parse(id: Oid, bytes: &[u8]) -> Result<Commit, Error> {
        Commit::read(id, bytes).or_else(|error| match error {
            Error::MalformedCommit { what, .. } => Commit::ambiguous(id, bytes, what),
            error => Err(error),
        })
    }

    /// Reads only the tree and the parents of an ambiguous commit, since it can't prove a
    /// signer.
    fn ambiguous(id: Oid, bytes: &[u8], what: String) -> Result<Commit, Error> {
        let end = find(bytes, b"\n\n").unwrap_or(bytes.len());
        let lines: Vec<&[u8]> = bytes[..end].split(|byte| *byte == b'\n').collect();
        let named = |line: &[u8], name: &str| -> Option<Oid> {
            let text = std::str::from_utf8(line).ok()?;
            // Git takes capital letters too.
            let hex = text.strip_prefix(name)?.strip_prefix(' ')?.to_ascii_lowercase();
            oid(&hex, id.format())
        };
        let malformed = || Error::MalformedCommit {
            id,
            what: what.clone(),
        };
        let (first, rest) = lines.split_first().ok_or_else(malformed)?;
        let tree = named(first, "tree").ok_or_else(malformed)?;
        let mut parents = Vec::new();
        for line in rest.iter().filter(|line| line.starts_with(b"parent ")) {
            match named(line, "parent") {
                Some(parent) if parents.contains(&parent) => {}
                Some(parent) => parents.push(parent),
                None => return Err(malformed()),
            }
        }
        let message = bytes.get(end + 2..).unwrap_or_default();
        Ok(Commit {
            id,
            tree,
            parents,
            author: None,
            committer: None,
            message: String::from_utf8_lossy(message).into_owned(),
            signature: None,
            payload: bytes.to_vec(),
            faults: vec![what],
            is_ambiguous: true,
        })
    }

    fn read(id: Oid, bytes: &[u8]) -> Result<Commit, Error> {
        let malformed = |what: &str| Error::MalformedCommit {
            id,
            what: what.to_owned(),
        };
        let mut faults = Vec::new();
        if bytes.len() > LARGEST {
            faults.push(format!("it is larger than {LARGEST} bytes"));
        }
        if bytes.contains(&0) {
            faults.push("it holds a NUL byte".into());
        }
        let (headers, message) = match find(bytes, b"\n\n") {
            Some(end) => (&bytes[..=end], &bytes[end + 2..]),
            None => {
                if !bytes.ends_with(b"\n") {
                    return Err(malformed("its headers do not end"));
                }
                faults.push("no blank line ends its headers".into());
                (bytes, &bytes[..0])
            }
        };
        if headers.contains(&b'\r') {
            faults.push("a header holds a carriage return".into());
        }
        let fields = split(headers).ok_or_else(|| malformed("a header has no name"))?;
        let mut reader = Reader {
            fields: &fields,
            at: 0,
            faults: &mut faults,
        };
        let tree = reader
            .take("tree")
            .and_then(|value| oid(&value, id.format()))
            .ok_or_else(|| malformed("it does not start with its tree"))?;
        let mut parents = Vec::new();
        while let Some(value) = reader.take("parent") {
            parents.push(oid(&value, id.format()).ok_or_else(|| malformed("a parent is no object id"))?);
        }
        let author = reader.identity("author");
        let committer = reader.identity("committer");
        let (signature, signature_range) = reader.rest(id)?.unzip();
        if parents.len() > 2 {
            faults.push(format!("it has {} parents", parents.len()));
        }
        if std::str::from_utf8(bytes).is_err() {
            faults.push("it is not UTF-8".into());
        }
        let mut payload = bytes.to_vec();
        if let Some(range) = signature_range {
            payload.drain(range);
        }
        faults.dedup();
        Ok(Commit {
            id,
            tree,
            parents,
            author,
            committer,
            message: String::from_utf8_lossy(message).into_owned(),
            signature,
            payload,
            faults,
            is_ambiguous: false,
        })
    }

    /// Whether the commit is in strict form, so that it can prove its signer.
    pub fn is_strict(&self) -> bool {
        self.faults.is_empty()
    }

    /// The first line of the message.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// One header with its continuation lines joined.
struct Field {
    name: String,
    value: String,
    range: std::ops::Range<usize>,
}

/// Cuts headers into fields, or `None` when a line is not a header.
fn split(headers: &[u8]) -> Option<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    let mut at = 0;
    for line in headers.split_inclusive(|byte| *byte == b'\n') {
        let range = at..at + line.len();
        at = range.end;
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned();
        if let Some(rest) = text.strip_prefix(' ') {
            let field = fields.last_mut()?;
            field.value.push('\n');
            field.value.push_str(rest);
            field.range.end = range.end;
            continue;
        }
        let (name, value) = text.split_once(' ').unwrap_or((&text, ""));
        if name.is_empty() {
            return None;
        }
        fields.push(Field {
            name: name.to_owned(),
            value: value.to_owned(),
            range,
        });
    }
    Some(fields)
}

struct Reader<'a> {
    fields: &'a [Field],
    at: usize,
    faults: &'a mut Vec<String>,
}

impl Reader<'_> {
    /// Reads the headers that follow those of every commit. Returns the signature, with
    /// its place in the bytes.
    fn rest(&mut self, id: Oid) -> Result<Option<(CommitSignature, std::ops::Range<usize>)>, Error> {
        let own = match id.format() {
            ObjectFormat::Sha1 => "gpgsig",
            ObjectFormat::Sha256 => "gpgsig-sha256",
        };
        let mut signature = None;
        let mut seen: Vec<&str> = Vec::new();
        while let Some(field) = self.fields.get(self.at) {
            self.at += 1;
            let name = field.name.as_str();
            let once = name != "mergetag";
            if once && seen.contains(&name) {
                self.faults
                    .push(format!("header `{}` stands twice", crate::base::printable(name)));
            }
            match name {
                "tree" | "parent" => {
                    return Err(Error::MalformedCommit {
                        id,
                        what: "it names a second tree or a parent out of order".to_owned(),
                    });
                }
                "author" | "committer" => self.faults.push(format!("header `{name}` is out of order")),
                "encoding" if !matches!(field.value.to_ascii_lowercase().as_str(), "utf-8" | "utf8") => {
                    self.faults.push("its encoding is not UTF-8".into());
                }
                "encoding" | "mergetag" => {}
                _ if name == own => {
                    if signature.is_none() {
                        signature = Some((signature_of(&field.value, self.faults), field.range.clone()));
                    }
                }
                "gpgsig" | "gpgsig-sha256" => {
                    self.faults
                        .push(format!("header `{name}` signs for another kind of repository"));
                }
                other => self
                    .faults
                    .push(format!("header `{}` is not known", crate::base::printable(other))),
            }
            seen.push(name);
        }
        Ok(signature)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let field = self.fields.get(self.at).filter(|field| field.name == name)?;
        self.at += 1;
        Some(field.value.clone())
    }

    fn identity(&mut self, name: &str) -> Option<Identity> {
        let Some(value) = self.take(name) else {
            self.faults
                .push(format!("header `{name}` is missing or out of order"));
            return None;
        };
        let identity = identity(&value);
        if identity.is_none() {
            self.faults.push(format!("header `{name}` is malformed"));
        }
        identity
    }
}

fn oid(hex: &str, format: ObjectFormat) -> Option<Oid> {
    Oid::from_hex(hex).filter(|id| id.format() == format)
}

/// `Name <email> seconds +hhmm`, as Git writes it: readers understand a line with more
/// angle brackets differently.
fn identity(value: &str) -> Option<Identity> {
    let (name, rest) = value.split_once(" <")?;
    let (email, rest) = rest.split_once("> ")?;
    if [name, email].iter().any(|text| text.contains(['<', '>', '\n'])) {
        return None;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (seconds, offset) = rest.split_once(' ')?;
    if !digits(seconds) || (seconds.starts_with('0') && seconds != "0") {
        return None;
    }
    let (sign, clock) = match offset.split_at_checked(1)? {
        ("+", clock) => (1, clock),
        ("-", clock) => (-1, clock),
        _ => return None,
    };
    if clock.len() != 4 || !digits(clock) {
        return None;
    }
    let hours: i32 = clock[..2].parse().ok()?;
    let minutes: i32 = clock[2..].parse().ok().filter(|minutes| *minutes < 60)?;
    Some(Identity {
        name: name.trim_end().to_owned(),
        email: email.to_owned(),
        seconds: seconds.parse().ok()?,
        offset_minutes: sign * (hours * 60 + minutes),
    })
}

fn signature_of(armor: &str, faults: &mut Vec<String>) -> CommitSignature {
    let blocks = armor
        .lines()
        .filter(|line| line.starts_with("-----BEGIN "))
        .count();
    if blocks > 1 {
        faults.push("its signature header holds two blocks".into());
    }
    CommitSignature {
        kind: SignatureKind::of(armor),
        armor: armor.to_owned(),
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn commit(headers: &str, message: &str) -> Result<Commit, Error> {
        let bytes = format!("{headers}\n{message}");
        let id = Oid::hash(
            ObjectFormat::Sha1,
            crate::base::ObjectKind::Commit,
            bytes.as_bytes(),
        );
        Commit::parse(id, bytes.as_bytes())
    }

    fn headers() -> String {
        format!(
            "tree {TREE}\nparent {TREE}\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 -0130\n"
        )
    }

    #[test]
    fn a_plain_commit_is_strict() {
        let plain = commit(&headers(), "subject\n\nbody\n").expect("a commit");
        assert!(plain.is_strict(), "{:?}", plain.faults);
        assert_eq!((plain.subject(), plain.parents.len()), ("subject", 1));
        assert_eq!(plain.committer.map(|who| who.offset_minutes), Some(-90));
        let encoded = commit(&format!("{}encoding UTF-8\n", headers()), "x\n").expect("a commit");
        assert!(encoded.is_strict());
    }

    #[test]
    fn what_is_signed_is_everything_but_the_one_signature() {
        let signature = "gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n";
        let signed = commit(&format!("{}{signature}", headers()), "x\n").expect("a commit");
        assert!(signed.is_strict());
        assert_eq!(signed.payload, format!("{}\nx\n", headers()).into_bytes());
        let found = signed.signature.expect("a signature");
        assert_eq!(found.kind, SignatureKind::Ssh);
        assert_eq!(
            found.armor,
            "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----"
        );
    }

    #[test]
    fn whatever_could_hide_something_is_named() {
        let signature = "gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n";
        let swapped = headers().replace("author A <a@example.com> 1 +0000\n", "")
            + "author A <a@example.com> 1 +0000\n";
        for (headers, message, fault) in [
            (
                format!("{}{signature}{signature}", headers()),
                "x",
                "stands twice",
            ),
            (
                format!("{}{}", headers(), signature.replace("gpgsig", "gpgsig-sha256")),
                "x",
                "another kind",
            ),
            (format!("{}nonce 1\n", headers()), "x", "is not known"),
            (format!("{}encoding latin1\n", headers()), "x", "not UTF-8"),
            (headers().replace("A <", "A\r <"), "x", "carriage return"),
            (headers(), "x\0hidden", "NUL"),
            (swapped, "x", "out of order"),
            (headers().replace("1 +0000", "one +0000"), "x", "malformed"),
            (
                headers().replace(&format!("parent {TREE}\n"), &format!("parent {TREE}\n").repeat(3)),
                "x",
                "3 parents",
            ),
            (
                format!(
                    "{}gpgsig -----BEGIN SSH SIGNATURE-----\n -----BEGIN SSH SIGNATURE-----\n",
                    headers()
                ),
                "x",
                "two blocks",
            ),
        ] {
            let commit = commit(&headers, message).expect("readable");
            assert!(
                commit.faults.iter().any(|told| told.contains(fault)),
                "{fault}: {:?}",
                commit.faults
            );
        }
        for headers in [
            headers().replacen("tree", "tee", 1),
            headers().replace(TREE, "4b825d"),
            "parent x\n".to_owned(),
        ] {
            assert!(commit(&headers, "x").is_err(), "{headers}");
        }
        for headers in [
            format!("{}tree {TREE}\n", headers()),
            format!("{}parent {TREE}\n", headers()),
            format!("tree {TREE}\n{}", headers()),
            headers().replacen(TREE, &TREE.to_uppercase(), 1),
        ] {
            let commit = commit(&headers, "x").expect("what git reads");
            assert!(commit.is_ambiguous && !commit.is_strict(), "{headers}");
            assert!(commit.signature.is_none(), "{headers}");
        }
    }

    #[test]
    fn identities_that_readers_disagree_on_are_malformed() {
        let told = |value: &str| {
            let headers = format!("tree {TREE}\nauthor {value}\ncommitter A <a@example.com> 1 +0000\n");
            commit(&headers, "x\n").expect("a commit").faults
        };
        for value in [
            "A <b <c> 1 +0000",
            "A > x <e> 1 +0000",
            "A<e> 1 +0000",
            "A <e>1 +0000",
            "A <e> -5 +0000",
            "A <e> 01 +0000",
            "A <e> 1 +0060",
            "A <e> 1 0000",
            "A <e> 1 +000",
            "A <e> 1",
            "A <e> 1 +0000 ",
            "A <e> 99999999999999999999 +0000",
        ] {
            assert_eq!(told(value), ["header `author` is malformed"], "{value}");
        }
        // Headers that Git writes.
        for value in [
            "A <e> 0 +0000",
            "A <> 1 +1400",
            " <e> 1 -0000",
            "Ä B <e f> 1 +0545",
        ] {
            assert!(told(value).is_empty(), "{value}");
        }
    }

    #[test]
    fn what_git_writes_for_a_merged_tag_is_strict() {
        // Git's own order: encoding, tags, signature. Other programs put the signature
        // before the others.
        let tag = format!(
            "mergetag object {TREE}\n type commit\n tag t\n tagger A <a@example.com> 1 +0000\n \n x\n -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n"
        );
        let signature = "gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n";
        for more in [
            format!("encoding utf8\n{tag}{tag}{signature}"),
            format!("{signature}encoding utf8\n{tag}"),
        ] {
            let merge = commit(&format!("{}{more}", headers()), "x\n").expect("a commit");
            assert!(merge.is_strict(), "{:?}", merge.faults);
            let payload = format!("{}{}\nx\n", headers(), more.replace(signature, ""));
            assert_eq!(merge.payload, payload.into_bytes());
        }
    }

    #[test]
    fn any_cut_is_read_or_refused() {
        let whole = format!("{}gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n\nx\n", headers()).into_bytes();
        for end in 0..whole.len() {
            let id = Oid::hash(ObjectFormat::Sha1, crate::base::ObjectKind::Commit, &whole[..end]);
            let _ = Commit::parse(id, &whole[..end]);
        }
    }
}
