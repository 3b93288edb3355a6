//! Packets: framing, keys, and the bytes that a signature covers.
//!
//! Source: RFC 9580, sections 4 and 5. rPGP reads the fields; the hashed bytes are those
//! of the input, never those that rPGP would write.

use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    Packet, PacketHeader, PublicKey, PublicSubkey, Signature, SignatureConfig, SignatureType,
    SignatureVersionSpecific, Subpacket, SubpacketData,
};
use pgp::ser::Serialize;
use pgp::types::{
    EcdsaPublicParams, EddsaLegacyPublicParams, KeyDetails, KeyVersion, PacketLength, PublicParams,
    SignatureBytes, VerifyingKey,
};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents,
};

use super::super::key::small_order;

/// RSA keys of fewer bits prove nothing. Git hosts signed with 2048 for years, and their
/// history must stay verifiable.
const SMALLEST_RSA: usize = 2048;

/// RSA keys of more bits can't be verified by.
const LARGEST_RSA: usize = 8192;

/// One packet and the bytes of its body.
pub struct Framed<'b> {
    /// The parsed packet.
    pub packet: Packet,
    /// Its bytes without the header.
    pub body: &'b [u8],
}

/// Reads every packet of some bytes, each of a stated length.
pub fn packets(mut bytes: &[u8]) -> Result<Vec<Framed<'_>>, String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let header = PacketHeader::try_from_reader(&mut bytes)
            .map_err(|_| "a packet's header can't be read".to_owned())?;
        let PacketLength::Fixed(length) = header.packet_length() else {
            return Err("a packet does not state its length".into());
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (body, rest) = bytes.split_at_checked(length).ok_or("a packet is cut off")?;
        let packet = Packet::from_reader(header, body)
            .map_err(|error| format!("a packet can't be read: {}", first_line(&error.to_string())))?;
        found.push(Framed { packet, body });
        bytes = rest;
    }
    Ok(found)
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(120).collect()
}

/// A primary key or a subkey.
#[derive(Clone, Debug)]
pub struct Key {
    fields: Fields,
    body: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Fields {
    Primary(PublicKey),
    Sub(PublicSubkey),
}

impl Key {
    /// Reads a primary key.
    ///
    /// # Errors
    /// Its bytes are not in the one form that has one fingerprint.
    pub fn primary(key: PublicKey, body: &[u8]) -> Result<Key, String> {
        let written = key.to_bytes();
        Key::new(Fields::Primary(key), body, written)
    }

    /// Reads a subkey.
    pub fn sub(key: PublicSubkey, body: &[u8]) -> Result<Key, String> {
        let written = key.to_bytes();
        Key::new(Fields::Sub(key), body, written)
    }

    fn new(fields: Fields, body: &[u8], written: pgp::errors::Result<Vec<u8>>) -> Result<Key, String> {
        let key = Key {
            fields,
            body: body.to_vec(),
        };
        match key.details().version() {
            KeyVersion::V4 | KeyVersion::V6 => {}
            version => return Err(format!("it holds a key of version {}", u8::from(version))),
        }
        if written.ok().as_deref() != Some(body) {
            return Err("a key's numbers are not written in their one form".into());
        }
        Ok(key)
    }

    fn details(&self) -> &dyn KeyDetails {
        match &self.fields {
            Fields::Primary(key) => key,
            Fields::Sub(key) => key,
        }
    }

    /// The fingerprint in capital hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex(self.details().fingerprint().as_bytes())
    }

    /// The key id in capital hexadecimal digits.
    pub fn id(&self) -> String {
        hex(self.details().legacy_key_id().as_ref())
    }

    /// When it was made, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.details().created_at().as_secs().into()
    }

    /// Returns the key material alone, in one form for all certificates.
    pub fn material(&self) -> String {
        match self.details().public_params() {
            PublicParams::RSA(_) => match self.rsa() {
                Some((n, e)) => format!("rsa {} {}", hex(&n), hex(&e)),
                None => self.fingerprint(),
            },
            PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { key }) => {
                format!("ed25519 {}", hex(key.as_bytes()))
            }
            PublicParams::Ed25519(params) => format!("ed25519 {}", hex(params.key.as_bytes())),
            PublicParams::ECDSA(EcdsaPublicParams::P256 { key }) => {
                format!("ecdsa {}", hex(&key.to_sec1_bytes()))
            }
            PublicParams::ECDSA(EcdsaPublicParams::P384 { key }) => {
                format!("ecdsa {}", hex(&key.to_sec1_bytes()))
            }
            PublicParams::ECDSA(EcdsaPublicParams::P521 { key }) => {
                format!("ecdsa {}", hex(&key.to_sec1_bytes()))
            }
            _ => self.fingerprint(),
        }
    }

    /// Returns why no signature by this key is trusted, or `None` when it can be.
    pub fn weakness(&self) -> Option<String> {
        match self.details().public_params() {
            PublicParams::RSA(_) => {
                let bits = self.rsa().map_or(0, |(n, _)| bits(&n));
                if bits < SMALLEST_RSA {
                    return Some(format!(
                        "RSA keys need {SMALLEST_RSA} bits, and this one has {bits}"
                    ));
                }
                (bits > LARGEST_RSA)
                    .then(|| format!("RSA keys have at most {LARGEST_RSA} bits, and this one has {bits}"))
            }
            PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { key }) => {
                small_order(key.as_bytes()).then(|| "anybody can sign for this key".into())
            }
            PublicParams::Ed25519(params) => {
                small_order(params.key.as_bytes()).then(|| "anybody can sign for this key".into())
            }
            PublicParams::ECDSA(
                EcdsaPublicParams::P256 { .. }
                | EcdsaPublicParams::P384 { .. }
                | EcdsaPublicParams::P521 { .. },
            ) => None,
            PublicParams::DSA(_) => Some("DSA keys are too weak".into()),
            _ => Some(format!(
                "keys of the kind {:?} are not supported",
                self.details().algorithm()
            )),
        }
    }

    /// Modulus and exponent, without leading zeros.
    fn rsa(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let PublicParams::RSA(params) = self.details().public_params() else {
            return None;
        };
        let bytes = params.to_bytes().ok()?;
        let (n, rest) = number(&bytes)?;
        let (e, _) = number(rest)?;
        Some((n.to_vec(), e.to_vec()))
    }

    /// Returns the bytes that a signature over this key hashes: RFC 9580, section 5.2.4.
    pub fn hashed(&self) -> Vec<u8> {
        match self.details().version() {
            KeyVersion::V6 => prefixed(0x9b, &self.body),
            _ => {
                let length = u16::try_from(self.body.len()).unwrap_or(u16::MAX);
                [&[0x99][..], &length.to_be_bytes(), &self.body].concat()
            }
        }
    }

    fn verify(&self, hash: HashAlgorithm, signed: &[u8], digest: &[u8], bytes: &SignatureBytes) -> bool {
        if let Some((n, e)) = self.rsa() {
            let (parameters, SignatureBytes::Mpis(numbers)) = (
                match hash {
                    HashAlgorithm::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                    HashAlgorithm::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
                    HashAlgorithm::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                    _ => return false,
                },
                bytes,
            ) else {
                return false;
            };
            let [number] = &numbers[..] else { return false };
            // A number has no leading zeros; the standard needs them.
            let mut padded = vec![0; n.len().saturating_sub(number.len())];
            padded.extend_from_slice(number.as_ref());
            return RsaPublicKeyComponents { n, e }
                .verify(parameters, signed, &padded)
                .is_ok();
        }
        match &self.fields {
            Fields::Primary(key) => key.verify(hash, digest, bytes).is_ok(),
            Fields::Sub(key) => key.verify(hash, digest, bytes).is_ok(),
        }
    }
}

/// Returns the bytes that a signature over a user id or attribute hashes.
pub fn prefixed(prefix: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&[prefix][..], &length.to_be_bytes(), body].concat()
}

/// Reads a number of RFC 9580, section 3.2, and returns the rest.
fn number(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (bits, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*bits)).div_ceil(8))
}

fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    (number.len() * 8).saturating_sub(leading)
}

/// Capital hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A signature packet of version 4 or 6, and its bytes.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its fields.
    pub config: SignatureConfig,
    /// The first octets of the digest, as an unhashed member states them.
    stated: [u8; 2],
    bytes: SignatureBytes,
    /// From the version to the hashed subpackets.
    head: Vec<u8>,
}

/// The reasons for which a signature is not by this key over these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It uses a hash algorithm for which forgeries can be made.
    WeakHash(String),
    /// Something in it has no meaning here.
    Fields(String),
    /// It is a signature of something else.
    Mismatch,
}

impl Made {
    /// Reads the signature in this packet, or `None` for versions that are no longer to be
    /// made.
    pub fn new(signature: &Signature, body: &[u8]) -> Option<Made> {
        let config = signature.config()?.clone();
        let length = match config.version_specific {
            SignatureVersionSpecific::V4 => {
                let length: [u8; 2] = body.get(4..6)?.try_into().ok()?;
                6 + usize::from(u16::from_be_bytes(length))
            }
            SignatureVersionSpecific::V6 { .. } => {
                let length: [u8; 4] = body.get(4..8)?.try_into().ok()?;
                8usize.checked_add(usize::try_from(u32::from_be_bytes(length)).ok()?)?
            }
            _ => return None,
        };
        Some(Made {
            stated: signature.signed_hash_value()?,
            bytes: signature.signature()?.clone(),
            head: body.get(..length)?.to_vec(),
            config,
        })
    }

    /// The signature inside a subpacket, by which a subkey claims its primary.
    pub fn embedded(&self) -> Option<Made> {
        let inner = self.subpackets().find_map(|subpacket| match &subpacket.data {
            SubpacketData::EmbeddedSignature(inner) => Some(inner),
            _ => None,
        })?;
        Made::new(inner, &inner.to_bytes().ok()?)
    }

    /// Returns all subpackets, unhashed ones last.
    fn subpackets(&self) -> impl Iterator<Item = &Subpacket> {
        self.config
            .hashed_subpackets
            .iter()
            .chain(&self.config.unhashed_subpackets)
    }

    /// The type of the signature.
    pub fn kind(&self) -> SignatureType {
        self.config.typ
    }

    /// Returns the keys that it claims to be made by: fingerprints if it names any, else
    /// key ids, in capital hexadecimal digits.
    pub fn issuers(&self) -> Vec<String> {
        let fingerprints: Vec<String> = self
            .config
            .issuer_fingerprint()
            .iter()
            .map(|print| hex(print.as_bytes()))
            .collect();
        if !fingerprints.is_empty() {
            return fingerprints;
        }
        self.config
            .issuer_key_id()
            .iter()
            .map(|id| hex(id.as_ref()))
            .collect()
    }

    /// Whether it claims to be made by this key.
    pub fn claims(&self, key: &Key) -> bool {
        let (fingerprint, id) = (key.fingerprint(), key.id());
        self.issuers()
            .iter()
            .any(|issuer| *issuer == fingerprint || *issuer == id)
    }

    /// When it was made, in seconds since 1970.
    pub fn created(&self) -> Option<u64> {
        Some(self.config.created()?.as_secs().into())
    }

    /// Returns the seconds after which it expires, or `None` when it never does.
    pub fn expires_after(&self) -> Option<u64> {
        self.hashed(|data| match data {
            SubpacketData::SignatureExpirationTime(after) => Some(u64::from(after.as_secs())),
            _ => None,
        })
        .filter(|after| *after > 0)
    }

    /// Returns the seconds of its life after which the key expires, or `None` when it
    /// never does.
    pub fn key_expires_after(&self) -> Option<u64> {
        self.hashed(|data| match data {
            SubpacketData::KeyExpirationTime(after) => Some(u64::from(after.as_secs())),
            _ => None,
        })
        .filter(|after| *after > 0)
    }

    /// Returns the value of the first matching subpacket that the signature covers.
    pub fn hashed<T>(&self, what: impl Fn(&SubpacketData) -> Option<T>) -> Option<T> {
        self.config
            .hashed_subpackets
            .iter()
            .find_map(|subpacket| what(&subpacket.data))
    }

    /// Returns the hash's name, when it is one for which forgeries can be made.
    pub fn weak_hash(&self) -> Option<String> {
        match self.config.hash_alg {
            HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512 => None,
            HashAlgorithm::Sha1 => Some("SHA-1".into()),
            other => Some(other.to_string()),
        }
    }

    /// Checks that this reader understands the fields, for any type of signature.
    fn fields(&self) -> Result<(), String> {
        use SubpacketData as Data;
        let created = |subpacket: &&Subpacket| matches!(subpacket.data, Data::SignatureCreationTime(_));
        if self.config.hashed_subpackets.iter().filter(created).count() != 1 {
            return Err("it does not say once when it was made".into());
        }
        for subpacket in self.subpackets().filter(|subpacket| subpacket.is_critical) {
            let known = matches!(
                subpacket.data,
                Data::SignatureCreationTime(_)
                    | Data::SignatureExpirationTime(_)
                    | Data::ExportableCertification(_)
                    | Data::Revocable(_)
                    | Data::KeyExpirationTime(_)
                    | Data::PreferredSymmetricAlgorithms(_)
                    | Data::RevocationKey(_)
                    | Data::IssuerKeyId(_)
                    | Data::PreferredHashAlgorithms(_)
                    | Data::PreferredCompressionAlgorithms(_)
                    | Data::PreferredAeadAlgorithms(_)
                    | Data::KeyServerPreferences(_)
                    | Data::PreferredKeyServer(_)
                    | Data::IsPrimary(_)
                    | Data::PolicyURI(_)
                    | Data::KeyFlags(_)
                    | Data::SignersUserID(_)
                    | Data::RevocationReason(..)
                    | Data::Features(_)
                    | Data::EmbeddedSignature(_)
                    | Data::IssuerFingerprint(_)
            );
            if !known {
                return Err(format!(
                    "it holds a critical subpacket of kind {}, which is not understood",
                    subpacket.typ().as_u8(false)
                ));
            }
        }
        Ok(())
    }

    /// Checks that `key` made it over exactly these bytes.
    pub fn check(&self, key: &Key, over: &[&[u8]]) -> Result<(), Wrong> {
        if let Some(hash) = self.weak_hash() {
            return Err(Wrong::WeakHash(hash));
        }
        self.fields().map_err(Wrong::Fields)?;
        let (version, salt) = match &self.config.version_specific {
            SignatureVersionSpecific::V6 { salt } => (KeyVersion::V6, &salt[..]),
            _ => (KeyVersion::V4, &[][..]),
        };
        if key.details().version() != version || key.details().algorithm() != self.config.pub_alg {
            return Err(Wrong::Fields(
                "its version or algorithm does not fit the key".into(),
            ));
        }
        let length = u32::try_from(self.head.len()).unwrap_or(u32::MAX);
        let signed = [
            salt,
            &over.concat(),
            &self.head,
            &[u8::from(version), 0xff],
            &length.to_be_bytes(),
        ]
        .concat();
        let digest = self
            .config
            .hash_alg
            .digest(&signed)
            .map_err(|_| Wrong::Mismatch)?;
        // RFC 9580, 5.2.3: version 6 must be rejected when these octets do not match. In
        // version 4 they are an unsigned hint, and GnuPG ignores them.
        if version == KeyVersion::V6 && digest.get(..2) != Some(&self.stated[..]) {
            return Err(Wrong::Mismatch);
        }
        if !key.verify(self.config.hash_alg, &signed, &digest, &self.bytes) {
            return Err(Wrong::Mismatch);
        }
        Ok(())
    }
}
