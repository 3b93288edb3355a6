//! OpenSSH public keys: one form for each, and a check for those that can't prove
//! anything.

use ssh_key::HashAlg;
use ssh_key::public::KeyData;

/// RSA keys of fewer bits prove nothing.
const SMALLEST_RSA: usize = 3072;

/// RSA keys of more bits can't be verified by.
const LARGEST_RSA: usize = 8192;

/// The first byte of a point on a curve with both its coordinates.
const UNCOMPRESSED: u8 = 4;

/// Y of the points of small order, in every encoding, without the sign bit: anybody can
/// make signatures for such a key.
const SMALL_ORDER: [[u8; 32]; 7] = [
    small(0, 0, 0),
    small(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    small(0xec, 0xff, 0x7f),
    small(0xed, 0xff, 0x7f),
    small(0xee, 0xff, 0x7f),
];

const fn small(first: u8, between: u8, last: u8) -> [u8; 32] {
    let mut bytes = [between; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// A public key; equal to another when the key material is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub(super) data: KeyData,
}

impl PublicKey {
    /// Reads one OpenSSH line: algorithm, base64, and perhaps a comment.
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
        let key = PublicKey::of(key.key_data())?;
        // The library does not check that nested fields have the lengths that they state.
        if key.to_openssh().split_whitespace().nth(1) != material.get(1).copied() {
            return Err("its fields are not as long as they state".into());
        }
        Ok(key)
    }

    /// A key has one form, or it would have two fingerprints: the library reads
    /// compressed points, which OpenSSH refuses.
    pub(super) fn of(data: &KeyData) -> Result<PublicKey, String> {
        let point = match data {
            KeyData::Ecdsa(key) => key.as_sec1_bytes(),
            KeyData::SkEcdsaSha2NistP256(key) => key.ec_point().as_bytes(),
            _ => &[UNCOMPRESSED],
        };
        if point.first() != Some(&UNCOMPRESSED) {
            return Err("its point is compressed, which OpenSSH does not read".into());
        }
        Ok(PublicKey { data: data.clone() })
    }

    /// The fingerprint as `ssh-keygen -l` prints it: `SHA256:` and unpadded
    /// base64.
    pub fn fingerprint(&self) -> String {
        self.data.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Returns the key material alone, in the form of [`super::Certificate::material`],
    /// so that a key is recognised in any format.
    pub fn material(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        match &self.data {
            KeyData::Rsa(key) => {
                let number = |number: &ssh_key::Mpint| hex(number.as_positive_bytes().unwrap_or_default());
                format!("rsa {} {}", number(&key.n), number(&key.e))
            }
            KeyData::Ed25519(key) => format!("ed25519 {}", hex(&key.0)),
            KeyData::Ecdsa(key) => format!("ecdsa {}", hex(key.as_sec1_bytes())),
            _ => self.fingerprint(),
        }
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

    /// Returns why the key can't prove anything, however it is used, or `None` when it
    /// can.
    pub fn weakness(&self) -> Option<String> {
        match &self.data {
            KeyData::Rsa(key) => {
                let bits = rsa_bits(key);
                if bits < SMALLEST_RSA {
                    return Some(format!(
                        "RSA keys need {SMALLEST_RSA} bits, and this one has {bits}"
                    ));
                }
                (bits > LARGEST_RSA)
                    .then(|| format!("RSA keys have at most {LARGEST_RSA} bits, and this one has {bits}"))
            }
            KeyData::Ed25519(key) if small_order(&key.0) => Some("anybody can sign for this key".into()),
            KeyData::SkEd25519(key) if small_order(&key.public_key().0) => {
                Some("anybody can sign for this key".into())
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

pub(super) fn small_order(point: &[u8; 32]) -> bool {
    let mut y = *point;
    y[31] &= 0x7f;
    SMALL_ORDER.contains(&y)
}

fn rsa_bits(key: &ssh_key::public::RsaPublicKey) -> usize {
    let modulus = key.n.as_positive_bytes().unwrap_or_default();
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    (modulus.len() * 8).saturating_sub(leading)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::super::ssh::{base64, field};
    use super::*;

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

    #[test]
    fn rsa_keys_that_no_signature_can_be_verified_by_are_named() {
        let line = |bits: usize| {
            let mut modulus = vec![0xff; bits / 8];
            modulus.insert(0, 0);
            let blob = [field(b"ssh-rsa"), field(&[1, 0, 1]), field(&modulus)].concat();
            format!("ssh-rsa {}", base64(&blob))
        };
        for (bits, usable) in [(2048, false), (3072, true), (8192, true), (16384, false)] {
            let key = PublicKey::parse(&line(bits)).expect("a key");
            assert_eq!(key.weakness().is_none(), usable, "{bits}");
        }
    }

    #[test]
    fn what_follows_the_key_in_its_line_is_refused() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let blob = [field(b"ssh-ed25519"), field(key.verifying_key().as_bytes())].concat();
        let longer = [&blob[..], &[0]].concat();
        assert!(PublicKey::parse(&format!("ssh-ed25519 {}", base64(&longer))).is_err());
        assert!(PublicKey::parse(&format!("ssh-rsa {}", base64(&blob))).is_err());
    }

    #[test]
    fn a_field_that_states_another_length_is_refused() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let mut blob = [field(b"ssh-ed25519"), field(key.verifying_key().as_bytes())].concat();
        assert!(PublicKey::parse(&format!("ssh-ed25519 {}", base64(&blob))).is_ok());
        // 0xdc20 bytes, and there are 0x20: OpenSSH reads no such key.
        let length = blob.len() - 32 - 2;
        blob[length] = 0xdc;
        assert!(PublicKey::parse(&format!("ssh-ed25519 {}", base64(&blob))).is_err());
    }

    #[test]
    fn points_of_small_order_are_no_keys() {
        let name = b"ssh-ed25519";
        let mut points = 0;
        for point in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut point = point;
                point[31] |= sign;
                let weak = ed25519_dalek::VerifyingKey::from_bytes(&point).map(|key| key.is_weak());
                assert_ne!(weak.as_ref().ok(), Some(&false), "{point:02x?}");
                points += usize::from(weak.is_ok());
                let blob = [field(name), field(&point)].concat();
                let key = PublicKey::parse(&format!("ssh-ed25519 {}", base64(&blob))).expect("a key");
                assert!(key.weakness().is_some(), "{point:02x?}");
                let blob = [
                    field(b"sk-ssh-ed25519@openssh.com"),
                    field(&point),
                    field(b"ssh:"),
                ]
                .concat();
                let line = format!("sk-ssh-ed25519@openssh.com {}", base64(&blob));
                assert!(PublicKey::parse(&line).is_ok_and(|key| key.weakness().is_some()));
            }
        }
        assert!(points >= 8, "all eight points are among them: {points}");
    }
}
