//! SSHSIG, the signature format of `ssh-keygen -Y sign`.
//!
//! Source: OpenSSH's PROTOCOL.sshsig, and PROTOCOL.u2f for security keys.

use std::fmt;

use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, SshSig};

use super::PublicKey;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// Flags and counter after a security key's signature.
const SK_TRAILER: usize = 5;

/// The flag with which a security key states that a person touched it.
const USER_PRESENT: u8 = 1;

/// Why a signature proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// The block is not an SSHSIG of version 1.
    Malformed(String),
    /// It was made for another purpose.
    Namespace {
        /// The purpose that it was made for.
        found: String,
        /// The purpose that was asked for.
        expected: String,
    },
    /// The key is too weak or of an unsupported kind.
    Key(String),
    /// The signature algorithm is too weak or does not fit the key.
    Algorithm(String),
    /// A security key signed without a touch.
    NotTouched,
    /// It is a signature of something else.
    Mismatch,
}

impl fmt::Display for SignatureFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignatureFault::Malformed(what) => write!(f, "it is malformed: {what}"),
            SignatureFault::Namespace { found, expected } => {
                write!(
                    f,
                    "it was made in the namespace `{}`, not `{expected}`",
                    found.escape_debug()
                )
            }
            SignatureFault::Key(what) | SignatureFault::Algorithm(what) => f.write_str(what),
            SignatureFault::NotTouched => f.write_str("a security key signed and nobody touched it"),
            SignatureFault::Mismatch => f.write_str("it is a signature of something else"),
        }
    }
}

fn read(armor: &str) -> Result<SshSig, SignatureFault> {
    let malformed = |what: &str| SignatureFault::Malformed(what.to_owned());
    let text = armor.trim();
    if text.matches(BEGIN).count() != 1 || text.matches(END).count() != 1 {
        return Err(malformed("it is not exactly one armoured block"));
    }
    if !text.starts_with(BEGIN) || !text.ends_with(END) {
        return Err(malformed("there is something beside the armoured block"));
    }
    // Git stores the lines joined; the reader needs them as ssh-keygen writes them, with
    // one line feed after the last.
    let lines: Vec<&str> = text.lines().collect();
    let signature =
        SshSig::from_pem(format!("{}\n", lines.join("\n"))).map_err(|error| malformed(&error.to_string()))?;
    // The library does not check that nested fields have the lengths that they state:
    // only the bytes that its fields re-encode to are trusted.
    let written = written(&signature).map_err(|error| malformed(&error.to_string()))?;
    let body = lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default();
    if base64(&written) != body.concat().split_whitespace().collect::<String>() {
        return Err(malformed("its fields are not as long as they state"));
    }
    if signature.version() != 1 {
        return Err(malformed("its version is not 1"));
    }
    if !signature.reserved().is_empty() {
        return Err(malformed("its reserved field is not empty"));
    }
    Ok(signature)
}

/// The bytes of a signature by PROTOCOL.sshsig. The library's own writer is
/// wrong for `sk-ecdsa` keys: it puts flags and counter inside the field that
/// they follow.
fn written(signature: &SshSig) -> Result<Vec<u8>, ssh_key::Error> {
    let key = ssh_key::PublicKey::new(signature.public_key().clone(), "").to_bytes()?;
    let inner = signature.signature();
    let bytes = inner.as_bytes();
    let end = match inner.algorithm() {
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => bytes.len().saturating_sub(SK_TRAILER),
        _ => bytes.len(),
    };
    let (proper, trailer) = bytes.split_at(end);
    let inner = [
        field(inner.algorithm().as_str().as_bytes()),
        field(proper),
        trailer.to_vec(),
    ]
    .concat();
    Ok([
        b"SSHSIG".to_vec(),
        signature.version().to_be_bytes().to_vec(),
        field(&key),
        field(signature.namespace().as_bytes()),
        field(signature.reserved()),
        field(signature.hash_alg().as_str().as_bytes()),
        field(&inner),
    ]
    .concat())
}

/// Bytes after their length, as SSH writes them.
pub(super) fn field(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * index) & 63) as usize];
            out.push(if index <= chunk.len() {
                char::from(sign)
            } else {
                '='
            });
        }
    }
    out
}

/// The key that a signature claims to be made by, unverified.
pub fn peek(armor: &str) -> Option<PublicKey> {
    PublicKey::of(read(armor).ok()?.public_key()).ok()
}

/// Returns the key that made this signature over exactly `message` in exactly this
/// namespace.
///
/// Ed25519 is verified by the equation without cofactor, `R = sB - kA` compared as bytes,
/// with `s` below the group's order: the same verdict as OpenSSH's. Keys of small order,
/// for which it holds too often, are refused by [`PublicKey::weakness`].
pub fn verify(armor: &str, namespace: &str, message: &[u8]) -> Result<PublicKey, SignatureFault> {
    let signature = read(armor)?;
    if signature.namespace() != namespace {
        return Err(SignatureFault::Namespace {
            found: signature.namespace().to_owned(),
            expected: namespace.to_owned(),
        });
    }
    let key = PublicKey::of(signature.public_key()).map_err(SignatureFault::Malformed)?;
    if let Some(weakness) = key.weakness() {
        return Err(SignatureFault::Key(weakness));
    }
    let signed = SshSig::signed_data(namespace, signature.hash_alg(), message)
        .map_err(|error| SignatureFault::Malformed(error.to_string()))?;
    let inner = signature.signature();
    let fits = match (&key.data, inner.algorithm()) {
        (KeyData::Rsa(_), Algorithm::Rsa { hash: Some(_) }) => true,
        (KeyData::Rsa(_), _) => false,
        (data, algorithm) => data.algorithm() == algorithm,
    };
    if !fits {
        return Err(SignatureFault::Algorithm(format!(
            "a signature by `{}` does not fit a key of `{}`",
            inner.algorithm(),
            key.algorithm()
        )));
    }
    match &key.data {
        KeyData::Rsa(rsa) => verify_rsa(rsa, &inner.algorithm(), &signed, inner.as_bytes())?,
        KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => {
            // Flags and a counter of four bytes follow the signature proper.
            let bytes = inner.as_bytes();
            let flags = bytes.len().checked_sub(SK_TRAILER).and_then(|at| bytes.get(at));
            if flags.is_none_or(|flags| flags & USER_PRESENT == 0) {
                return Err(SignatureFault::NotTouched);
            }
            verify_other(&key.data, namespace, message, &signature)?;
        }
        _ => verify_other(&key.data, namespace, message, &signature)?,
    }
    Ok(key)
}

fn verify_other(
    key: &KeyData,
    namespace: &str,
    message: &[u8],
    signature: &SshSig,
) -> Result<(), SignatureFault> {
    ssh_key::PublicKey::new(key.clone(), "")
        .verify(namespace, message, signature)
        .map_err(|_| SignatureFault::Mismatch)
}

fn verify_rsa(
    key: &ssh_key::public::RsaPublicKey,
    algorithm: &Algorithm,
    signed: &[u8],
    signature: &[u8],
) -> Result<(), SignatureFault> {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents};
    let parameters = match algorithm {
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha256),
        } => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha512),
        } => &RSA_PKCS1_2048_8192_SHA512,
        other => {
            return Err(SignatureFault::Algorithm(format!(
                "signatures by `{other}` are too weak"
            )));
        }
    };
    let components = RsaPublicKeyComponents {
        n: key.n.as_positive_bytes().ok_or(SignatureFault::Mismatch)?,
        e: key.e.as_positive_bytes().ok_or(SignatureFault::Mismatch)?,
    };
    // OpenSSH may leave out leading zero bytes; the standard does not.
    let mut padded = vec![0; components.n.len().saturating_sub(signature.len())];
    padded.extend_from_slice(signature);
    components
        .verify(parameters, signed, &padded)
        .map_err(|_| SignatureFault::Mismatch)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};
    use ring::signature::KeyPair;
    use sha2::{Digest, Sha256, Sha512};

    use super::*;

    macro_rules! vector {
        ($name:literal) => {
            (
                $name,
                include_str!(concat!("../../fixtures/vectors/sshsig/", $name, ".pub")),
                include_str!(concat!("../../fixtures/vectors/sshsig/", $name, ".sig")),
            )
        };
    }

    fn block(bytes: &[u8]) -> String {
        let text = base64(bytes);
        let lines: Vec<&str> = (0..text.len())
            .step_by(70)
            .map(|at| &text[at..(at + 70).min(text.len())])
            .collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }

    /// An armoured SSHSIG of these fields.
    fn armored(public: &[u8], namespace: &str, blob: &[u8]) -> String {
        let whole = [
            &b"SSHSIG"[..],
            &1u32.to_be_bytes(),
            &field(public),
            &field(namespace.as_bytes()),
            &field(b""),
            &field(b"sha512"),
            &field(blob),
        ]
        .concat();
        block(&whole)
    }

    /// Returns the bytes that a key signs for an SSHSIG over `message`.
    fn to_sign(message: &[u8], namespace: &str) -> Vec<u8> {
        [
            &b"SSHSIG"[..],
            &field(namespace.as_bytes()),
            &field(b""),
            &field(b"sha512"),
            &field(&Sha512::digest(message)),
        ]
        .concat()
    }

    /// Returns the bytes that a security key signs, by PROTOCOL.u2f.
    fn to_touch(message: &[u8], namespace: &str, flags: u8) -> Vec<u8> {
        [
            &Sha256::digest(b"ssh:")[..],
            &[flags],
            &5u32.to_be_bytes(),
            &Sha256::digest(to_sign(message, namespace))[..],
        ]
        .concat()
    }

    /// Returns a security key's output: an SSHSIG by PROTOCOL.sshsig over a U2F signature
    /// by PROTOCOL.u2f.
    fn security_key(message: &[u8], namespace: &str, flags: u8) -> String {
        let key = SigningKey::from_bytes(&[7; 32]);
        let name = b"sk-ssh-ed25519@openssh.com";
        let signature = key.sign(&to_touch(message, namespace, flags)).to_bytes();
        let public = [field(name), field(key.verifying_key().as_bytes()), field(b"ssh:")].concat();
        let blob = [
            field(name),
            field(&signature),
            vec![flags],
            5u32.to_be_bytes().to_vec(),
        ]
        .concat();
        armored(&public, namespace, &blob)
    }

    /// A number as SSH writes it: no leading zeros, but one before a high bit.
    fn mpint(bytes: &[u8]) -> Vec<u8> {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let short = &bytes[zeros..];
        match short.first() {
            Some(first) if *first >= 0x80 => field(&[&[0], short].concat()),
            _ => field(short),
        }
    }

    /// A new P-256 key, and a security key's output with it.
    fn security_key_p256(message: &[u8], namespace: &str, flags: u8) -> String {
        let (key, random) = new_p256();
        let name = b"sk-ecdsa-sha2-nistp256@openssh.com";
        let public = [
            field(name),
            field(b"nistp256"),
            field(key.public_key().as_ref()),
            field(b"ssh:"),
        ]
        .concat();
        let signature = key
            .sign(&random, &to_touch(message, namespace, flags))
            .expect("a signature");
        let (r, s) = signature.as_ref().split_at(32);
        let blob = [
            field(name),
            field(&[mpint(r), mpint(s)].concat()),
            vec![flags],
            5u32.to_be_bytes().to_vec(),
        ]
        .concat();
        armored(&public, namespace, &blob)
    }

    fn new_p256() -> (ring::signature::EcdsaKeyPair, ring::rand::SystemRandom) {
        use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let random = ring::rand::SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
            .expect("a key");
        (key, random)
    }

    /// Signatures of `message` in the namespace `git`, and their keys, made by
    /// OpenSSH 9.2 with throwaway test keys.
    const VECTORS: [(&str, &str, &str); 6] = [
        vector!("ed25519"),
        vector!("ecdsa256"),
        vector!("ecdsa384"),
        vector!("ecdsa521"),
        vector!("rsa3072"),
        vector!("rsa2048"),
    ];

    #[test]
    fn what_ssh_keygen_signs_is_believed_and_nothing_beside_it() {
        for (name, line, armor) in VECTORS {
            let key = PublicKey::parse(line).expect("a key");
            if let Some(weakness) = key.weakness() {
                assert_eq!(name, "rsa2048", "{weakness}");
                assert_eq!(
                    verify(armor, "git", b"message"),
                    Err(SignatureFault::Key(weakness))
                );
                continue;
            }
            assert_eq!(verify(armor, "git", b"message"), Ok(key.clone()), "{name}");
            assert_eq!(peek(armor), Some(key), "{name}");
            assert_eq!(
                verify(armor, "git", b"messagf"),
                Err(SignatureFault::Mismatch),
                "{name}"
            );
            assert!(
                matches!(
                    verify(armor, "modelry", b"message"),
                    Err(SignatureFault::Namespace { .. })
                ),
                "{name}"
            );
            for end in 0..armor.trim_end().len() {
                assert!(
                    verify(&armor[..end], "git", b"message").is_err(),
                    "{name}, cut at {end}"
                );
            }
        }
    }

    #[test]
    fn a_p256_security_key_that_was_touched_proves_its_owner() {
        // Several keys: the numbers of a signature vary in length.
        for _ in 0..8 {
            let armor = security_key_p256(b"message", "git", 1);
            let key = verify(&armor, "git", b"message").expect("a good signature");
            assert_eq!(key.algorithm(), "sk-ecdsa-sha2-nistp256@openssh.com");
            assert_eq!(peek(&armor), Some(key));
            assert_eq!(verify(&armor, "git", b"other"), Err(SignatureFault::Mismatch));
        }
        let armor = security_key_p256(b"message", "git", 0);
        assert_eq!(verify(&armor, "git", b"message"), Err(SignatureFault::NotTouched));
    }

    #[test]
    fn a_point_written_short_is_no_second_key() {
        let (key, random) = new_p256();
        let point = key.public_key().as_ref();
        let short = [&[2 + (point[64] & 1)], &point[1..33]].concat();
        let name = b"ecdsa-sha2-nistp256";
        let blob = |point: &[u8]| [field(name), field(b"nistp256"), field(point)].concat();
        let line = |point| format!("ecdsa-sha2-nistp256 {}", base64(&blob(point)));
        assert_eq!(PublicKey::parse(&line(point)).map(|key| key.weakness()), Ok(None));
        assert!(PublicKey::parse(&line(&short)).is_err(), "OpenSSH refuses it too");
        let signature = key
            .sign(&random, &to_sign(b"message", "git"))
            .expect("a signature");
        let (r, s) = signature.as_ref().split_at(32);
        let inner = [field(name), field(&[mpint(r), mpint(s)].concat())].concat();
        assert!(verify(&armored(&blob(point), "git", &inner), "git", b"message").is_ok());
        assert!(verify(&armored(&blob(&short), "git", &inner), "git", b"message").is_err());
    }

    #[test]
    fn a_key_for_which_anybody_can_sign_proves_nothing() {
        // With the neutral point as key, R = neutral and s = 0 hold for every message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let name = b"ssh-ed25519";
        let public = [field(name), field(&neutral)].concat();
        let blob = [field(name), field(&[&neutral[..], &[0; 32]].concat())].concat();
        let armor = armored(&public, "git", &blob);
        assert!(matches!(
            verify(&armor, "git", b"whatever"),
            Err(SignatureFault::Key(_))
        ));
    }

    #[test]
    fn fields_of_the_wrong_shape_are_malformed() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let name = b"ssh-ed25519";
        let public = [field(name), field(key.verifying_key().as_bytes())].concat();
        let signature = key.sign(&to_sign(b"message", "git")).to_bytes();
        let blob = [field(name), field(&signature)].concat();
        let good = armored(&public, "git", &blob);
        assert!(verify(&good, "git", b"message").is_ok());
        let whole = |version: u32, public: &[u8], reserved: &[u8], hash: &[u8], blob: &[u8], rest: &[u8]| {
            let bytes = [
                &b"SSHSIG"[..],
                &version.to_be_bytes(),
                &field(public),
                &field(b"git"),
                &field(reserved),
                &field(hash),
                &field(blob),
                rest,
            ]
            .concat();
            block(&bytes)
        };
        assert_eq!(whole(1, &public, b"", b"sha512", &blob, b""), good);
        let longer_key = [&public[..], b"x"].concat();
        let longer_blob = [&blob[..], b"x"].concat();
        for (what, armor) in [
            ("version 0", whole(0, &public, b"", b"sha512", &blob, b"")),
            ("version 2", whole(2, &public, b"", b"sha512", &blob, b"")),
            ("reserved", whole(1, &public, b"r", b"sha512", &blob, b"")),
            ("sha1", whole(1, &public, b"", b"sha1", &blob, b"")),
            ("after the key", whole(1, &longer_key, b"", b"sha512", &blob, b"")),
            (
                "after the signature",
                whole(1, &public, b"", b"sha512", &longer_blob, b""),
            ),
            ("at the end", whole(1, &public, b"", b"sha512", &blob, b"x")),
        ] {
            assert!(
                matches!(
                    verify(&armor, "git", b"message"),
                    Err(SignatureFault::Malformed(_))
                ),
                "{what}"
            );
        }
    }

    #[test]
    fn a_security_key_that_was_touched_proves_its_owner() {
        let armor = security_key(b"message", "git", 1);
        let key = verify(&armor, "git", b"message").expect("a good signature");
        assert_eq!(key.algorithm(), "sk-ssh-ed25519@openssh.com");
        assert_eq!(peek(&armor), Some(key));
        assert_eq!(verify(&armor, "git", b"other"), Err(SignatureFault::Mismatch));
        assert!(matches!(
            verify(&armor, "modelry", b"message"),
            Err(SignatureFault::Namespace { .. })
        ));
    }

    #[test]
    fn a_security_key_that_nobody_touched_proves_nothing() {
        let armor = security_key(b"message", "git", 0);
        assert_eq!(verify(&armor, "git", b"message"), Err(SignatureFault::NotTouched));
    }

    #[test]
    fn two_blocks_trailing_text_and_any_cut_are_refused() {
        let armor = security_key(b"message", "git", 1);
        assert!(verify(&format!("{armor}{armor}"), "git", b"message").is_err());
        assert!(verify(&format!("{armor}x"), "git", b"message").is_err());
        assert!(verify(&format!("x\n{armor}"), "git", b"message").is_err());
        for end in 0..armor.trim_end().len() {
            assert!(verify(&armor[..end], "git", b"message").is_err(), "cut at {end}");
        }
        // No single changed sign of the body may pass.
        for at in BEGIN.len() + 1..armor.len() - END.len() - 2 {
            let mut changed = armor.clone().into_bytes();
            if changed[at] == b'\n' {
                continue;
            }
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(verify(&changed, "git", b"message").is_err(), "changed at {at}");
        }
    }
}
