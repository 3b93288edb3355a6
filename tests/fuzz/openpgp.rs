//! OpenPGP signatures and certificates: nothing but what was made is a proof,
//! and a certificate that is read says the same each time.
//!
//! The first byte chooses: an armoured signature, the packets of one, an
//! armoured certificate, or the packets of one.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modelry::testing::base::{ObjectFormat, ObjectKind, Oid};
use modelry::testing::object::Commit;
use modelry::testing::signature::{Certificate, openpgp};

const CERTIFICATE: &str = include_str!("../../fixtures/vectors/openpgp/web-flow-2024.asc");
const COMMIT: &[u8] =
    include_bytes!("../../fixtures/vectors/openpgp/588ff1874c8c394253c231733047a550efe78260.commit");

/// RSA of 4096 bits: the number at the end of a signature's packet.
const NUMBER: usize = 500;

struct Known {
    certificate: Certificate,
    fingerprint: String,
    payload: Vec<u8>,
    armor: String,
    packet: Vec<u8>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let id = Oid::hash(ObjectFormat::Sha1, ObjectKind::Commit, COMMIT);
    let commit = Commit::parse(id, COMMIT).expect("a commit");
    let certificate = Certificate::parse(CERTIFICATE).expect("a certificate");
    let armor = commit.signature.expect("a signature").armor;
    Known {
        fingerprint: certificate.fingerprint(),
        certificate,
        payload: commit.payload,
        packet: bytes(&armor).expect("a packet"),
        armor,
    }
});

/// The bytes of an armour, by a reader that lets everything pass.
fn bytes(armor: &str) -> Option<Vec<u8>> {
    let (_, rest) = armor.split_once("\n\n").or_else(|| armor.split_once("\n \n"))?;
    let body: String = rest
        .lines()
        .take_while(|line| !line.starts_with('=') && !line.starts_with("---"))
        .collect();
    STANDARD.decode(body).ok()
}

fn armored(kind: &str, bytes: &[u8]) -> String {
    format!(
        "-----BEGIN PGP {kind}-----\n\n{}\n-----END PGP {kind}-----\n",
        STANDARD.encode(bytes)
    )
}

fn signature(armor: &str) {
    let known = &*KNOWN;
    let issuers = openpgp::issuers(armor);
    assert!(
        openpgp::verify([], armor, &known.payload).is_err(),
        "no key is known"
    );
    assert!(
        openpgp::verify([&known.certificate], armor, b"another message").is_err(),
        "nobody signed this"
    );
    let Ok(signer) = openpgp::verify([&known.certificate], armor, &known.payload) else {
        return;
    };
    assert_eq!(signer, known.fingerprint);
    assert!(!issuers.is_empty());
    // RSA signatures have one form: the number must be the one that was made.
    let made = &known.packet[known.packet.len() - NUMBER..];
    let shown = bytes(armor);
    if let Some(shown) = &shown {
        assert!(shown.ends_with(made), "only what was made is a proof");
    }
    assert!(armor.matches("-----BEGIN").count() == 1);
}

fn certificate(text: &str) {
    let known = &*KNOWN;
    let Ok(certificate) = Certificate::parse(text) else {
        return;
    };
    let again = Certificate::parse(text).expect("the same text");
    let told = |certificate: &Certificate| {
        (
            certificate.fingerprint(),
            certificate.fingerprints(),
            certificate.material(),
            certificate.weakness(),
            certificate.is_revoked(),
        )
    };
    assert_eq!(told(&certificate), told(&again));
    assert!(certificate.fingerprints().contains(&certificate.fingerprint()));
    assert!(openpgp::verify([&certificate], &known.armor, b"another message").is_err());
    if openpgp::verify([&certificate], &known.armor, &known.payload).is_ok() {
        assert_eq!(
            certificate.fingerprint(),
            known.fingerprint,
            "a key is its own certificate's"
        );
        assert_eq!(certificate.material()[0], known.certificate.material()[0]);
        assert!(!certificate.is_revoked() && certificate.weakness().is_none());
    }
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    match choice % 4 {
        0 => signature(&String::from_utf8_lossy(rest)),
        1 => signature(&armored("SIGNATURE", rest)),
        2 => certificate(&String::from_utf8_lossy(rest)),
        _ => certificate(&armored("PUBLIC KEY BLOCK", rest)),
    }
}
