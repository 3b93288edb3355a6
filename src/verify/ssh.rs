//! SSHSIG, the signature format of `ssh-keygen -Y sign`.
//!
//! Source: OpenSSH's PROTOCOL.sshsig, and PROTOCOL.u2f for security keys.

use std::fmt;

use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, SshSig};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// RSA keys of fewer bits prove nothing.
const SMALLEST_RSA: usize = 3072;

/// The flag by which a security key says that a person touched it.
const USER_PRESENT: u8 = 1;

/// A public key; equal to another when the key material is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    data: KeyData,
}

impl PublicKey {
    /// Reads one OpenSSH line: algorithm, base64, and perhaps a comment.
    ///
    /// # Errors
    /// Why the line is no public key, in words.
    pub fn parse(line: &str) -> Result<PublicKey, String> {
        let line = line.trim();
        if line.contains('\n') {
            return Err("it is more than one line".into());
        }
        let algorithm = line.split_whitespace().next().unwrap_or_default();
        if line.contains("PRIVATE KEY") {
            return Err("it is a private key: write the line of the `.pub` file".into());
        }
        if algorithm.contains("-cert-v01@") {
            return Err("it is a certificate: write the public key itself".into());
        }
        if algorithm == "ssh-dss" {
            return Err("DSA keys are too weak".into());
        }
        if !algorithm.starts_with("ssh-") && !algorithm.starts_with("ecdsa-") && !algorithm.starts_with("sk-")
        {
            return Err("it does not start with a key's algorithm, as `ssh-ed25519`".into());
        }
        // The comment proves nothing and may hold anything.
        let material: Vec<&str> = line.split_whitespace().take(2).collect();
        let key = ssh_key::PublicKey::from_openssh(&material.join(" ")).map_err(|error| error.to_string())?;
        Ok(PublicKey {
            data: key.key_data().clone(),
        })
    }

    /// The fingerprint as `ssh-keygen -l` prints it: `SHA256:` and unpadded
    /// base64.
    pub fn fingerprint(&self) -> String {
        self.data.fingerprint(HashAlg::Sha256).to_string()
    }

    /// The algorithm's name, `ssh-ed25519`.
    pub fn algorithm(&self) -> String {
        self.data.algorithm().as_str().to_owned()
    }

    /// The line without a comment.
    pub fn to_openssh(&self) -> String {
        ssh_key::PublicKey::new(self.data.clone(), "")
            .to_openssh()
            .map(|line| line.trim().to_owned())
            .unwrap_or_default()
    }

    /// Why the key proves nothing, however it is used; none when it can.
    pub fn weakness(&self) -> Option<String> {
        match &self.data {
            KeyData::Rsa(key) => {
                let bits = rsa_bits(key);
                (bits < SMALLEST_RSA)
                    .then(|| format!("RSA keys need {SMALLEST_RSA} bits, and this one has {bits}"))
            }
            KeyData::Ecdsa(key) if key.curve() == EcdsaCurve::NistP521 => {
                Some("keys on the curve nistp521 are not supported".into())
            }
            KeyData::Ed25519(_)
            | KeyData::Ecdsa(_)
            | KeyData::SkEd25519(_)
            | KeyData::SkEcdsaSha2NistP256(_) => None,
            other => Some(format!(
                "keys of the kind {} are not supported",
                other.algorithm()
            )),
        }
    }
}

fn rsa_bits(key: &ssh_key::public::RsaPublicKey) -> usize {
    let modulus = key.n.as_positive_bytes().unwrap_or_default();
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    (modulus.len() * 8).saturating_sub(leading)
}

/// Why a signature proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// The block is no SSHSIG of version 1.
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
    /// A security key signed without anybody touching it.
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
    // Git joins the lines as it stored them; the reader wants them as
    // ssh-keygen writes them, with one line feed after the last.
    let lines: Vec<&str> = text.lines().collect();
    let signature =
        SshSig::from_pem(format!("{}\n", lines.join("\n"))).map_err(|error| malformed(&error.to_string()))?;
    // The library does not hold nested fields to the lengths that they state:
    // only bytes that it would write itself are believed.
    let written = signature
        .to_pem(ssh_key::LineEnding::LF)
        .map_err(|error| malformed(&error.to_string()))?;
    let body = |text: &str| text.split_whitespace().collect::<String>();
    if body(&written) != body(text) {
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

/// The key that a signature claims to be made by, unverified.
pub fn peek(armor: &str) -> Option<PublicKey> {
    read(armor).ok().map(|signature| PublicKey {
        data: signature.public_key().clone(),
    })
}

/// The key that made this signature over exactly `message` in exactly this
/// namespace. Ed25519 is verified by the cofactorless equation with a canonical
/// scalar, as OpenSSH does.
///
/// # Errors
/// Why the signature proves nothing.
pub fn verify(armor: &str, namespace: &str, message: &[u8]) -> Result<PublicKey, SignatureFault> {
    let signature = read(armor)?;
    if signature.namespace() != namespace {
        return Err(SignatureFault::Namespace {
            found: signature.namespace().to_owned(),
            expected: namespace.to_owned(),
        });
    }
    let key = PublicKey {
        data: signature.public_key().clone(),
    };
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
            let flags = bytes.len().checked_sub(5).and_then(|at| bytes.get(at));
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
    use sha2::{Digest, Sha256, Sha512};

    use super::*;

    fn field(bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        [&length.to_be_bytes(), bytes].concat()
    }

    fn base64(bytes: &[u8]) -> String {
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

    /// What a security key makes: an SSHSIG by PROTOCOL.sshsig over a U2F
    /// signature by PROTOCOL.u2f.
    fn security_key(message: &[u8], namespace: &str, flags: u8) -> String {
        let key = SigningKey::from_bytes(&[7; 32]);
        let application = b"ssh:";
        let signed = [
            &b"SSHSIG"[..],
            &field(namespace.as_bytes()),
            &field(b""),
            &field(b"sha512"),
            &field(&Sha512::digest(message)),
        ]
        .concat();
        let counter = 5u32.to_be_bytes();
        let inner = [
            &Sha256::digest(application)[..],
            &[flags],
            &counter,
            &Sha256::digest(&signed)[..],
        ]
        .concat();
        let signature = key.sign(&inner).to_bytes();
        let public = [
            field(b"sk-ssh-ed25519@openssh.com"),
            field(key.verifying_key().as_bytes()),
            field(application),
        ]
        .concat();
        let blob = [
            field(b"sk-ssh-ed25519@openssh.com"),
            field(&signature),
            vec![flags],
            counter.to_vec(),
        ]
        .concat();
        let whole = [
            &b"SSHSIG"[..],
            &1u32.to_be_bytes(),
            &field(&public),
            &field(namespace.as_bytes()),
            &field(b""),
            &field(b"sha512"),
            &field(&blob),
        ]
        .concat();
        let text = base64(&whole);
        let lines: Vec<&str> = (0..text.len())
            .step_by(70)
            .map(|at| &text[at..(at + 70).min(text.len())])
            .collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
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

    #[test]
    fn keys_are_compared_by_material_and_weak_ones_are_named() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let blob = [field(b"ssh-ed25519"), field(key.verifying_key().as_bytes())].concat();
        let line = format!("ssh-ed25519 {}", base64(&blob));
        let plain = PublicKey::parse(&line).expect("a key");
        assert_eq!(
            plain,
            PublicKey::parse(&format!("{line} somebody@example.com")).expect("a key")
        );
        assert_eq!(plain.to_openssh(), line);
        assert_eq!(plain.weakness(), None);
        for (line, why) in [
            ("ssh-dss AAAA", "too weak"),
            ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
            ("no-pty ssh-ed25519 AAAA", "algorithm"),
            ("", "algorithm"),
        ] {
            let told = PublicKey::parse(line).expect_err("no key");
            assert!(told.contains(why), "{line}: {told}");
        }
    }
}
