//! OpenPGP certificates and signatures, in this process.
//!
//! Source: RFC 9580, and GnuPG's behaviour; where they differ, the stricter. No clock is
//! read: a key's life is compared with the creation time that a signature states. OpenPGP
//! has no namespaces: a payload that Git signs starts with `tree `, and a record's with
//! `{`, so neither can be replayed as the other.

mod armor;
mod certificate;
mod packet;

use pgp::packet::{Packet, SignatureType};

pub use certificate::Certificate;
use packet::{Made, Wrong};

/// Larger signatures are not read.
const LARGEST_SIGNATURE: usize = 16 << 10;

/// Why an OpenPGP signature proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenPgpFault {
    /// No certificate has the key of this fingerprint or id.
    UnknownKey(String),
    /// It is malformed, too weak, over other bytes, or by a key that could not sign then;
    /// in words.
    Bad(String),
}

fn read(text: &str) -> Result<Made, String> {
    let malformed = |why: String| format!("it is malformed: {why}");
    let bytes = armor::read(text, "PGP SIGNATURE", LARGEST_SIGNATURE).map_err(malformed)?;
    let mut packets = packet::packets(&bytes).map_err(malformed)?;
    if packets.len() != 1 {
        return Err(format!(
            "it holds {} packets, and one signature is one",
            packets.len()
        ));
    }
    let framed = packets.remove(0);
    let Packet::Signature(signature) = &framed.packet else {
        return Err("it is no signature".into());
    };
    Made::new(signature, framed.body).ok_or_else(|| "its version is neither 4 nor 6".into())
}

/// The keys that a signature claims to be made by, unverified: fingerprints, or
/// key ids of older programs.
pub fn issuers(armor: &str) -> Vec<String> {
    read(armor).map(|made| made.issuers()).unwrap_or_default()
}

/// Returns the fingerprint of the key, in one of these certificates, that made this
/// signature over exactly `message`, if it could sign at that time.
pub fn verify<'c>(
    certificates: impl IntoIterator<Item = &'c Certificate>,
    armor: &str,
    message: &[u8],
) -> Result<String, OpenPgpFault> {
    let bad = |why: &str| OpenPgpFault::Bad(why.to_owned());
    let made = read(armor).map_err(OpenPgpFault::Bad)?;
    match made.kind() {
        SignatureType::Binary => {}
        SignatureType::Text => return Err(bad("it was made in text mode, which changes what is signed")),
        _ => return Err(bad("it is not a signature of bytes")),
    }
    if let Some(hash) = made.weak_hash() {
        return Err(OpenPgpFault::Bad(format!("it uses the weak hash {hash}")));
    }
    if made.expires_after().is_some() {
        return Err(bad("it says that it expires, and no decision does"));
    }
    let created = made
        .created()
        .ok_or_else(|| bad("it does not say when it was made"))?;
    let issuers = made.issuers();
    let Some(claimed) = issuers.first() else {
        return Err(bad("it does not say which key made it"));
    };
    let mut signer: Option<String> = None;
    let mut known = false;
    // A key may be in two certificates: then it must be good in both.
    for certificate in certificates {
        for index in certificate.claimed(&made) {
            known = true;
            match made.check(certificate.key(index), &[message]) {
                Ok(()) => {}
                Err(Wrong::Mismatch) => continue,
                Err(Wrong::WeakHash(hash)) => {
                    return Err(OpenPgpFault::Bad(format!("it uses the weak hash {hash}")));
                }
                Err(Wrong::Fields(why)) => return Err(OpenPgpFault::Bad(why)),
            }
            certificate
                .could_sign(index, created)
                .map_err(OpenPgpFault::Bad)?;
            signer = Some(certificate.key(index).fingerprint());
        }
    }
    match signer {
        Some(fingerprint) => Ok(fingerprint),
        None if known => Err(bad("it is a signature of something else")),
        None => Err(OpenPgpFault::UnknownKey(claimed.clone())),
    }
}

#[cfg(test)]
mod forged;
#[cfg(test)]
mod tests;
