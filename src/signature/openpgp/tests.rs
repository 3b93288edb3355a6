//! Vectors: a Git host's own keys, and commits that it signed with them.

use sha1::{Digest, Sha1};

use super::*;
use crate::base::{ObjectFormat, ObjectKind, Oid};
use crate::object::Commit;

/// GitHub's own keys, as it publishes them, and squashes of a robot's pull
/// requests that it signed with them; all are public.
const HOST: [(&str, &str, &[u8]); 2] = [
    (
        include_str!("../../../fixtures/vectors/openpgp/web-flow-2024.asc"),
        "588ff1874c8c394253c231733047a550efe78260",
        include_bytes!("../../../fixtures/vectors/openpgp/588ff1874c8c394253c231733047a550efe78260.commit"),
    ),
    (
        include_str!("../../../fixtures/vectors/openpgp/web-flow-2024.asc"),
        "050bec750ff2c5acf881415fa2b5efb5fcce8414",
        include_bytes!("../../../fixtures/vectors/openpgp/050bec750ff2c5acf881415fa2b5efb5fcce8414.commit"),
    ),
];

#[test]
fn commits_of_a_git_host_are_believed_and_nothing_beside_them() {
    for (text, id, bytes) in HOST {
        let header = format!("commit {}\0", bytes.len());
        let digest = Sha1::digest([header.as_bytes(), bytes].concat());
        assert_eq!(packet::hex(&digest).to_lowercase(), id, "the very bytes");
        let oid = Oid::hash(ObjectFormat::Sha1, ObjectKind::Commit, bytes);
        let commit = Commit::parse(oid, bytes).expect("a commit");
        assert!(commit.is_strict(), "{:?}", commit.faults);
        let signature = commit.signature.expect("a signature");
        let certificate = Certificate::parse(text).expect("a certificate");
        assert_eq!(certificate.weakness(), None);
        assert_eq!(
            verify([&certificate], &signature.armor, &commit.payload),
            Ok(certificate.fingerprint())
        );
        let mut other = commit.payload.clone();
        other[10] ^= 1;
        assert_eq!(
            verify([&certificate], &signature.armor, &other),
            Err(OpenPgpFault::Bad("it is a signature of something else".into()))
        );
        assert!(matches!(
            verify([], &signature.armor, &commit.payload),
            Err(OpenPgpFault::UnknownKey(_))
        ));
    }
}

/// The place of the digest's first octets in a signature packet of version 4, which
/// nothing covers.
fn stated_octets(packet: &[u8]) -> std::ops::Range<usize> {
    let body = match (packet[0], packet[1]) {
        (tag, _) if tag & 0x40 == 0 => [2, 3, 5][usize::from(tag & 3)],
        (_, ..192) => 2,
        (_, 192..224) => 3,
        _ => 6,
    };
    let length = |at: usize| usize::from(packet[at]) << 8 | usize::from(packet[at + 1]);
    let hashed = length(body + 4);
    let start = body + 8 + hashed + length(body + 6 + hashed);
    start..start + 2
}

#[test]
fn any_cut_and_any_changed_sign_is_refused() {
    for (text, _, bytes) in HOST {
        let oid = Oid::hash(ObjectFormat::Sha1, ObjectKind::Commit, bytes);
        let commit = Commit::parse(oid, bytes).expect("a commit");
        let armor = commit.signature.expect("a signature").armor;
        let certificate = Certificate::parse(text).expect("a certificate");
        let good = |armor: &str| verify([&certificate], armor, &commit.payload).is_ok();
        assert!(good(&armor));
        assert!(!good(&format!("{armor}\n{armor}")));
        assert!(!good(&format!("{armor}\nx")));
        for end in 0..armor.trim_end().len() {
            assert!(!good(&armor[..end]), "cut at {end}");
        }
        for end in 0..text.trim_end().len() {
            assert!(Certificate::parse(&text[..end]).is_err(), "cut at {end}");
        }
        let body = armor.find("\n\n").expect("a blank line") + 2..armor.find("\n=").expect("a checksum");
        for at in body {
            let mut changed = armor.clone().into_bytes();
            if changed[at] == b'\n' {
                continue;
            }
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            // The checksum is left out, so that the packet itself must show the change.
            let changed = String::from_utf8(changed).expect("ASCII");
            let start = changed.find("\n=").expect("a checksum");
            let bare = format!("{}{}", &changed[..start], &changed[start + 6..]);
            let read = |armor: &str| armor::read(armor, "PGP SIGNATURE", 1 << 20);
            let original = read(&armor).expect("a block");
            let octets = stated_octets(&original);
            let only_octets = read(&bare).is_ok_and(|changed| {
                let differs = |at: &usize| changed[*at] != original[*at];
                changed.len() == original.len()
                    && (0..original.len()).filter(differs).all(|at| octets.contains(&at))
            });
            assert_eq!(
                verify([&certificate], &bare, &commit.payload).is_ok(),
                only_octets,
                "changed at {at}"
            );
        }
    }
}

#[test]
fn the_digest_decides_and_not_the_octets_that_state_its_start() {
    for (text, _, bytes) in HOST {
        let oid = Oid::hash(ObjectFormat::Sha1, ObjectKind::Commit, bytes);
        let commit = Commit::parse(oid, bytes).expect("a commit");
        let certificate = Certificate::parse(text).expect("a certificate");
        let mut packet = armor::read(
            &commit.signature.expect("a signature").armor,
            "PGP SIGNATURE",
            1 << 20,
        )
        .expect("a block");
        let octets = stated_octets(&packet);
        packet[octets.start] ^= 0xff;
        packet[octets.start + 1] ^= 0xff;
        let body = super::super::ssh::base64(&packet);
        let armor = format!("-----BEGIN PGP SIGNATURE-----\n\n{body}\n-----END PGP SIGNATURE-----\n");
        assert_eq!(
            verify([&certificate], &armor, &commit.payload),
            Ok(certificate.fingerprint())
        );
    }
}

#[test]
fn changed_bits_of_packets_never_panic_and_never_sign() {
    let (text, _, bytes) = HOST[0];
    let oid = Oid::hash(ObjectFormat::Sha1, ObjectKind::Commit, bytes);
    let commit = Commit::parse(oid, bytes).expect("a commit");
    let block = armor::read(text, "PGP PUBLIC KEY BLOCK", 1 << 20).expect("a block");
    let good = Certificate::parse(text).expect("a certificate").fingerprint();
    let signature = commit.signature.expect("a signature").armor;
    let armored = |bytes: &[u8]| {
        let body = super::super::ssh::base64(bytes);
        format!("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{body}\n-----END PGP PUBLIC KEY BLOCK-----\n")
    };
    assert!(Certificate::parse(&armored(&block)).is_ok());
    for at in 0..block.len() {
        let mut changed = block.clone();
        changed[at] ^= 1 << (at % 8);
        if let Ok(certificate) = Certificate::parse(&armored(&changed)) {
            let verdict = verify([&certificate], &signature, &commit.payload);
            // Bytes outside the signed fields may change; the key may not.
            assert!(verdict.is_err() || certificate.fingerprint() == good, "at {at}");
        }
        assert!(
            Certificate::parse(&armored(&block[..at])).is_err() || at > 500,
            "cut at {at}"
        );
    }
}
