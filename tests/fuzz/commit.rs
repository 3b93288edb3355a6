//! Commits: for any bytes, nothing is hidden from the signer or the reader.
//!
//! The first byte chooses the object format; the rest is the commit.

use modelry::testing::base::{ObjectFormat, ObjectKind, Oid};
use modelry::testing::object::Commit;

/// The length of the headers with the line feed that ends the last.
fn headers(bytes: &[u8]) -> usize {
    bytes
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .map_or(bytes.len(), |at| at + 1)
}

/// Returns the names of the headers, found line by line, independently of the
/// product.
fn names(bytes: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(&bytes[..headers(bytes)]).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split(' ').next().unwrap_or_default())
        .collect()
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let (format, own) = match choice & 1 {
        0 => (ObjectFormat::Sha1, "gpgsig"),
        _ => (ObjectFormat::Sha256, "gpgsig-sha256"),
    };
    let id = Oid::hash(format, ObjectKind::Commit, bytes);
    let Ok(commit) = Commit::parse(id, bytes) else {
        return;
    };
    assert_eq!(commit.id, id);
    assert_eq!(commit.tree.format(), format);
    assert!(commit.parents.iter().all(|parent| parent.format() == format));
    let text = std::str::from_utf8(bytes);
    if text.is_err() || bytes.contains(&0) || bytes.len() > 64 * 1024 {
        assert!(!commit.is_strict());
    }
    match &commit.signature {
        None => assert_eq!(commit.payload, bytes, "all is signed but a signature"),
        Some(signature) if text.is_ok() => {
            // Payload and signature together give the original bytes, and the
            // signature was among the headers.
            let mut header = format!("{own} {}", signature.armor.replace('\n', "\n ")).into_bytes();
            header.push(b'\n');
            // A header without a value has no space after its name.
            let bare = [own.as_bytes(), &header[own.len() + 1..]].concat();
            let again = (0..=headers(&commit.payload)).any(|at| {
                let (before, after) = commit.payload.split_at(at);
                [&header, &bare].iter().any(|header| {
                    bytes.len() == commit.payload.len() + header.len()
                        && bytes.starts_with(before)
                        && bytes[at..].starts_with(header)
                        && bytes.ends_with(after)
                })
            });
            assert!(again, "payload and signature are the commit");
        }
        Some(_) => {}
    }
    if commit.is_strict() {
        let names = names(bytes);
        let count = |name: &str| names.iter().filter(|other| **other == name).count();
        assert_eq!(names[0], "tree");
        assert_eq!(count("tree"), 1);
        assert_eq!(count("parent"), commit.parents.len());
        assert!(commit.parents.len() <= 2);
        assert_eq!((count("author"), count("committer")), (1, 1));
        assert_eq!(count(own), usize::from(commit.signature.is_some()));
        assert_eq!(count("gpgsig") + count("gpgsig-sha256"), count(own));
        assert!(commit.author.is_some() && commit.committer.is_some());
        let end = headers(bytes);
        assert_eq!(bytes.get(end), Some(&b'\n'), "a blank line ends the headers");
        assert_eq!(commit.message.as_bytes(), &bytes[end + 1..]);
        // The signed payload reads as the same commit, without the signature.
        let payload = Oid::hash(format, ObjectKind::Commit, &commit.payload);
        let bare = Commit::parse(payload, &commit.payload).expect("what is signed is a commit");
        assert!(bare.is_strict() && bare.signature.is_none());
        assert_eq!(
            (
                bare.tree,
                &bare.parents,
                &bare.author,
                &bare.committer,
                &bare.message
            ),
            (
                commit.tree,
                &commit.parents,
                &commit.author,
                &commit.committer,
                &commit.message
            )
        );
    }
}
