//! SSH signatures and keys: nothing but the very bytes that OpenSSH made is a
//! proof, and a key has one form.
//!
//! The first byte chooses: an armoured text, the bytes inside an armour, a
//! public key's line, or the bytes inside of one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modelry::testing::signature::{self, PublicKey};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

macro_rules! vectors {
    ($($name:literal),*) => {
        [$((
            include_str!(concat!("../../fixtures/vectors/sshsig/", $name, ".pub")),
            include_str!(concat!("../../fixtures/vectors/sshsig/", $name, ".sig")),
        )),*]
    };
}

/// Signatures of `message` in the namespace `git`.
const VECTORS: [(&str, &str); 6] = vectors!(
    "ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa3072", "rsa2048"
);

/// The bytes of an armour, by a reader that lets everything pass.
fn body(armor: &str) -> Option<Vec<u8>> {
    let inner = armor.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()
}

fn signature(armor: &str) {
    let peeked = signature::peek(armor);
    for (namespace, message) in [
        ("git", &b"another message"[..]),
        ("modelry", b"message"),
        ("", b""),
    ] {
        assert!(
            signature::verify(armor, namespace, message).is_err(),
            "nobody signed this"
        );
    }
    let Ok(key) = signature::verify(armor, "git", b"message") else {
        return;
    };
    assert_eq!(peeked.as_ref(), Some(&key));
    assert_eq!(key.weakness(), None);
    let proven = VECTORS
        .iter()
        .any(|(line, made)| PublicKey::parse(line).as_ref() == Ok(&key) && body(made) == body(armor));
    assert!(proven, "only the very bytes are a proof");
}

fn line(line: &str) {
    let Ok(key) = PublicKey::parse(line) else {
        return;
    };
    let again = PublicKey::parse(&key.to_openssh()).expect("its own line");
    assert_eq!(again, key);
    assert_eq!(again.fingerprint(), key.fingerprint());
    assert_eq!(again.material(), key.material());
    assert_eq!(again.weakness(), key.weakness());
    // One material, one form: what follows the algorithm is what was written.
    let written = line.split_whitespace().nth(1).unwrap_or_default();
    assert_eq!(
        key.to_openssh().split_whitespace().nth(1),
        Some(written),
        "a key has one form"
    );
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    match choice % 4 {
        0 => signature(&text),
        1 => {
            let inner = STANDARD.encode(rest);
            let lines: Vec<&str> = (0..inner.len())
                .step_by(70)
                .map(|at| &inner[at..(at + 70).min(inner.len())])
                .collect();
            signature(&format!("{BEGIN}\n{}\n{END}\n", lines.join("\n")));
        }
        2 => line(&text),
        _ => {
            // The algorithm's name is the first field.
            let name = rest
                .get(4..)
                .and_then(|rest| rest.get(..usize::from(data.get(4).copied().unwrap_or_default())))
                .unwrap_or_default();
            line(&format!(
                "{} {}",
                String::from_utf8_lossy(name),
                STANDARD.encode(rest)
            ));
        }
    }
}
