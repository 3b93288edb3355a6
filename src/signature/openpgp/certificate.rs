//! Certificates: a primary key, and its statements about itself and its subkeys.
//!
//! The latest self-signature of a primary key decides; among several of one time, the
//! strictest. In doubt, the certificate is refused.

use pgp::packet::{Packet, RevocationCode, Signature, SignatureType, SubpacketData};

use super::armor;
use super::packet::{self, Key, Made, Wrong, prefixed};

/// Larger certificates are not read.
const LARGEST: usize = 64 << 10;

/// An OpenPGP certificate: one person's primary key and subkeys.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The primary key first.
    parts: Vec<Part>,
}

/// A key of a certificate, and the statements about it.
#[derive(Clone, Debug)]
struct Part {
    key: Key,
    said: Said,
}

/// The primary key's statements about one key.
#[derive(Clone, Debug, Default)]
struct Said {
    /// The reason for which it makes no signatures, or `None` when it may.
    may_not: Option<String>,
    /// The time from which it proves nothing, in seconds since 1970.
    expires: Option<u64>,
    revoked: Option<Revoked>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revoked {
    /// For everything, at any time.
    Always,
    /// For what was signed at this time or later.
    From(u64),
}

/// The signatures over one key.
#[derive(Default)]
struct Pile {
    /// Direct signatures and those over user ids, or bindings of a subkey, separated by
    /// kind: the latest of each kind counts.
    statements: [Vec<Made>; 2],
    /// Times of statements that are not trusted, and their weak hash.
    weak: Vec<(u64, String)>,
    revocations: Vec<Made>,
}

impl Certificate {
    /// Reads exactly one armoured certificate, without secret keys.
    pub fn parse(text: &str) -> Result<Certificate, String> {
        let bytes = armor::read(text, "PGP PUBLIC KEY BLOCK", LARGEST)?;
        let mut parts: Vec<(Key, Pile)> = Vec::new();
        let mut over: Vec<u8> = Vec::new();
        for framed in packet::packets(&bytes)? {
            match framed.packet {
                Packet::PublicKey(key) => {
                    if !parts.is_empty() {
                        return Err("it holds two certificates: write each on its own".into());
                    }
                    parts.push((Key::primary(key, framed.body)?, Pile::default()));
                }
                Packet::SecretKey(_) | Packet::SecretSubkey(_) => {
                    return Err("it holds a secret key: export the public one".into());
                }
                _ if parts.is_empty() => return Err("it does not start with a primary key".into()),
                Packet::PublicSubkey(key) => {
                    parts.push((Key::sub(key, framed.body)?, Pile::default()));
                    over.clear();
                }
                Packet::UserId(_) => over = prefixed(0xb4, framed.body),
                Packet::UserAttribute(_) => over = prefixed(0xd1, framed.body),
                Packet::Signature(signature) => match Made::new(&signature, framed.body) {
                    Some(made) => place(&mut parts, &over, made)?,
                    None => pass_over(&signature)?,
                },
                Packet::Trust(_) | Packet::Marker(_) | Packet::Padding(_) => {}
                _ => return Err("it holds something that belongs in no certificate".into()),
            }
        }
        let Some((primary, _)) = parts.first() else {
            return Err("it holds no key".into());
        };
        let primary = primary.clone();
        let parts = parts.into_iter().enumerate().map(|(index, (key, pile))| {
            let backed = (index > 0).then_some(&primary);
            let said = pile.say(&key, backed);
            Part { key, said }
        });
        Ok(Certificate {
            parts: parts.collect(),
        })
    }

    /// The primary key's fingerprint, in capital hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.parts[0].key.fingerprint()
    }

    /// Returns the fingerprints of the primary key and of every signing subkey, expired
    /// ones included. A subkey that does not claim its primary does not count.
    pub fn fingerprints(&self) -> Vec<String> {
        self.own().map(|part| part.key.fingerprint()).collect()
    }

    /// Returns the material of those keys, in one form for all formats, so that a key is
    /// recognised in any certificate.
    pub fn material(&self) -> Vec<String> {
        self.own().map(|part| part.key.material()).collect()
    }

    fn own(&self) -> impl Iterator<Item = &Part> {
        let subkeys = self.parts[1..].iter().filter(|part| part.said.may_not.is_none());
        self.parts[..1].iter().chain(subkeys)
    }

    /// Returns why the certificate can't prove anything at any time, or `None` when one
    /// of its keys can sign.
    pub fn weakness(&self) -> Option<String> {
        if let Some(why) = self.parts[0].key.weakness() {
            return Some(why);
        }
        let reasons: Vec<&String> = self
            .parts
            .iter()
            .filter_map(|part| part.said.may_not.as_ref())
            .collect();
        (reasons.len() == self.parts.len()).then(|| reasons[0].clone())
    }

    /// Whether it contains a revocation of itself.
    #[cfg(feature = "testing")]
    pub fn is_revoked(&self) -> bool {
        self.parts[0].said.revoked.is_some()
    }

    /// The keys that a signature claims to be made by.
    pub(super) fn claimed<'c>(&'c self, made: &'c Made) -> impl Iterator<Item = usize> + 'c {
        (0..self.parts.len()).filter(|index| made.claims(&self.parts[*index].key))
    }

    pub(super) fn key(&self, index: usize) -> &Key {
        &self.parts[index].key
    }

    /// Whether this key could sign at this time.
    pub(super) fn could_sign(&self, index: usize, at: u64) -> Result<(), String> {
        if let Some(why) = self.parts[0].key.weakness() {
            return Err(why);
        }
        if let Some(why) = &self.parts[index].said.may_not {
            return Err(why.clone());
        }
        for (part, name) in [(&self.parts[0], "certificate"), (&self.parts[index], "key")] {
            if at < part.key.created() {
                return Err(format!("it says that it is older than its {name}"));
            }
            if part.said.expires.is_some_and(|expires| at >= expires) {
                return Err(format!("it was made after its {name} expired"));
            }
            match part.said.revoked {
                Some(Revoked::Always) => return Err(format!("its {name} is revoked by its owner")),
                Some(Revoked::From(time)) if at >= time => {
                    return Err(format!("it was made after its {name} was revoked by its owner"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Adds a signature to those of its key, once it is known to be the primary key's. Other
/// keys' signatures are ignored, except revocations.
fn place(parts: &mut [(Key, Pile)], over: &[u8], made: Made) -> Result<(), String> {
    let primary = parts[0].0.clone();
    if primary.weakness().is_some() {
        // The packet itself is worthless, and that is reported first.
        return Ok(());
    }
    let own = made.claims(&primary);
    let last = parts.len() - 1;
    let of_subkey = |key: &Key| [primary.hashed(), key.hashed()].concat();
    let of_primary = || primary.hashed();
    use SignatureType as Kind;
    let (index, statement, hashed) = match made.kind() {
        Kind::Key => (0, Some(0), of_primary()),
        Kind::CertGeneric | Kind::CertPersona | Kind::CertCasual | Kind::CertPositive if !over.is_empty() => {
            (0, Some(1), [of_primary(), over.to_vec()].concat())
        }
        Kind::SubkeyBinding if last > 0 => (last, Some(0), of_subkey(&parts[last].0)),
        Kind::KeyRevocation => (0, None, of_primary()),
        Kind::SubkeyRevocation if last > 0 => (last, None, of_subkey(&parts[last].0)),
        Kind::SubkeyRevocation => return Err("a revocation stands in the wrong place".into()),
        _ => return Ok(()),
    };
    if !own {
        return match statement {
            Some(_) => Ok(()),
            None => Err("it is revoked by another's key, which can't be verified".into()),
        };
    }
    let pile = &mut parts[index].1;
    match (made.check(&primary, &[&hashed]), statement) {
        (Ok(()), Some(kind)) => pile.statements[kind].push(made),
        (Ok(()), None) => pile.revocations.push(made),
        (Err(Wrong::WeakHash(hash)), Some(_)) => pile.weak.push((made.created().unwrap_or(u64::MAX), hash)),
        (Err(Wrong::WeakHash(hash)), None) => {
            return Err(format!("it carries a revocation with the weak hash {hash}"));
        }
        (Err(Wrong::Fields(why)), _) => return Err(format!("in a signature of its own, {why}")),
        (Err(Wrong::Mismatch), _) => return Err("a signature of its own does not verify".into()),
    }
    Ok(())
}

/// Old versions of signatures are not trusted, but a revocation must not be overlooked.
fn pass_over(signature: &Signature) -> Result<(), String> {
    match signature.typ() {
        Some(SignatureType::KeyRevocation | SignatureType::SubkeyRevocation) => {
            Err("it carries a revocation of an old version, which is not verified".into())
        }
        Some(_) => Ok(()),
        None => Err("it holds a signature of an unknown version".into()),
    }
}

impl Pile {
    /// Returns the statement of these signatures about `key`; `primary` is the key that a
    /// subkey belongs to.
    fn say(self, key: &Key, primary: Option<&Key>) -> Said {
        let mut said = Said {
            may_not: key.weakness(),
            ..Said::default()
        };
        let refuse = |said: &mut Said, why: String| {
            said.may_not.get_or_insert(why);
        };
        let latest_of_all = self.statements.iter().flatten().filter_map(Made::created).max();
        if let Some((_, hash)) = self
            .weak
            .iter()
            .find(|(time, _)| latest_of_all.is_none_or(|latest| *time >= latest))
        {
            refuse(
                &mut said,
                format!("it is held together by a signature with the weak hash {hash}"),
            );
        } else if latest_of_all.is_none() {
            refuse(&mut said, "nothing of it is signed by its own primary key".into());
        }
        for statements in &self.statements {
            let latest = statements.iter().filter_map(Made::created).max();
            for made in statements.iter().filter(|made| made.created() == latest) {
                let flag = made.hashed(|data| match data {
                    SubpacketData::KeyFlags(flags) => Some(flags.sign()),
                    _ => None,
                });
                match (flag, primary) {
                    (Some(true), None) | (None, None) => {}
                    (Some(true), Some(primary)) => {
                        if let Err(why) = backed(made, key, primary) {
                            refuse(&mut said, why);
                        }
                    }
                    _ => refuse(&mut said, "it is no key for signatures".into()),
                }
                let ends = [
                    made.key_expires_after().map(|after| key.created() + after),
                    made.expires_after()
                        .zip(made.created())
                        .map(|(after, made)| made + after),
                ];
                said.expires = ends.into_iter().flatten().chain(said.expires).min();
            }
        }
        for made in &self.revocations {
            let soft = made.hashed(|data| match data {
                SubpacketData::RevocationReason(code, _) => Some(matches!(
                    code,
                    RevocationCode::KeySuperseded | RevocationCode::KeyRetired
                )),
                _ => None,
            });
            let this = match (soft, made.created()) {
                (Some(true), Some(time)) => Revoked::From(time),
                _ => Revoked::Always,
            };
            said.revoked = Some(match (said.revoked, this) {
                (Some(Revoked::From(a)), Revoked::From(b)) => Revoked::From(a.min(b)),
                (None, this) => this,
                _ => Revoked::Always,
            });
        }
        said
    }
}

/// Whether a signing subkey claims its primary: without that, anybody could
/// adopt another's subkey.
fn backed(binding: &Made, key: &Key, primary: &Key) -> Result<(), String> {
    let Some(back) = binding.embedded() else {
        return Err("its subkey does not claim its primary key".into());
    };
    if back.kind() != SignatureType::KeyBinding {
        return Err("its subkey does not claim its primary key".into());
    }
    match back.check(key, &[&primary.hashed(), &key.hashed()]) {
        Ok(()) if back.expires_after().is_none() => Ok(()),
        Err(Wrong::WeakHash(hash)) => Err(format!(
            "its subkey claims its primary key with the weak hash {hash}"
        )),
        _ => Err("its subkey does not claim its primary key".into()),
    }
}
