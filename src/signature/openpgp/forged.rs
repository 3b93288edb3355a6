//! Certificates and signatures that GnuPG would not make: forged with rPGP.

use pgp::composed::KeyType;
use pgp::packet::{
    KeyFlags, Notation, PacketTrait, PubKeyInner, PublicKey, PublicSubkey, SecretKey, Signature,
    SignatureConfig, SignatureType, Subpacket, SubpacketData,
};
use pgp::types::{Duration, KeyDetails, KeyVersion, Password, Timestamp};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use super::super::ssh::base64;
use super::{Certificate, OpenPgpFault, verify};

const BORN: u32 = 1_700_000_000;
const NOW: u32 = BORN + 1000;
const MESSAGE: &[u8] = b"tree and so on";

struct Own {
    random: StdRng,
    public: PublicKey,
    secret: SecretKey,
}

fn own(seed: u64, kind: &KeyType, version: KeyVersion) -> Own {
    let mut random = StdRng::seed_from_u64(seed);
    let (public, secret) = kind.generate(&mut random).expect("a key");
    let inner = PubKeyInner::new(version, kind.to_alg(), Timestamp::from_secs(BORN), None, public);
    let public = PublicKey::from_inner(inner.expect("a key")).expect("a key");
    let secret = SecretKey::new(public.clone(), secret).expect("a key");
    Own {
        random,
        public,
        secret,
    }
}

fn legacy(seed: u64) -> Own {
    own(seed, &KeyType::Ed25519Legacy, KeyVersion::V4)
}

fn flags(sign: bool) -> SubpacketData {
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(sign);
    SubpacketData::KeyFlags(flags)
}

impl Own {
    fn config(&mut self, typ: SignatureType, at: u32, more: Vec<Subpacket>) -> SignatureConfig {
        let mut config = SignatureConfig::from_key(&mut self.random, &self.secret, typ).expect("a signature");
        config.hashed_subpackets = vec![
            Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(at)))
                .expect("a time"),
            Subpacket::regular(SubpacketData::IssuerFingerprint(self.public.fingerprint())).expect("a key"),
        ];
        config.hashed_subpackets.extend(more);
        config
    }

    fn direct(&mut self, at: u32, more: Vec<SubpacketData>) -> Signature {
        let more = more
            .into_iter()
            .map(|data| Subpacket::regular(data).expect("a subpacket"))
            .collect();
        let config = self.config(SignatureType::Key, at, more);
        config
            .sign_key(&self.secret, &Password::empty(), &self.public)
            .expect("a signature")
    }

    fn signs(&mut self, more: Vec<Subpacket>) -> String {
        let config = self.config(SignatureType::Binary, NOW, more);
        let made = config
            .sign(&self.secret, &Password::empty(), MESSAGE)
            .expect("a signature");
        armored("SIGNATURE", &packet(&made))
    }

    fn subkey(&self) -> PublicSubkey {
        let inner = PubKeyInner::new(
            self.public.version(),
            self.public.algorithm(),
            self.public.created_at(),
            None,
            self.public.public_params().clone(),
        );
        PublicSubkey::from_inner(inner.expect("a key")).expect("a key")
    }
}

fn packet(packet: &impl PacketTrait) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.to_writer_with_header(&mut bytes).expect("bytes");
    bytes
}

fn armored(kind: &str, bytes: &[u8]) -> String {
    format!(
        "-----BEGIN PGP {kind}-----\n\n{}\n-----END PGP {kind}-----\n",
        base64(bytes)
    )
}

fn certificate(packets: &[Vec<u8>]) -> Result<Certificate, String> {
    Certificate::parse(&armored("PUBLIC KEY BLOCK", &packets.concat()))
}

#[test]
fn keys_of_version_6_prove_their_owner_and_mix_with_nothing() {
    let mut new = own(1, &KeyType::Ed25519, KeyVersion::V6);
    let direct = new.direct(BORN, vec![flags(true)]);
    let held = certificate(&[packet(&new.public), packet(&direct)]).expect("a certificate");
    assert_eq!(held.fingerprint().len(), 64);
    assert_eq!(held.weakness(), None);
    let armor = new.signs(Vec::new());
    assert_eq!(verify([&held], &armor, MESSAGE), Ok(held.fingerprint()));
    assert!(verify([&held], &armor, b"another").is_err());
}

#[test]
fn a_subkey_is_adopted_by_nobody_without_its_consent() {
    let (mut thief, mut victim) = (legacy(2), legacy(3));
    let direct = thief.direct(BORN, vec![flags(true)]);
    let subkey = victim.subkey();
    let armor = victim.signs(Vec::new());
    let bound = |thief: &mut Own, back: Option<Signature>| {
        let mut more = vec![flags(true)];
        more.extend(back.map(|back| SubpacketData::EmbeddedSignature(Box::new(back))));
        let more = more
            .into_iter()
            .map(|data| Subpacket::regular(data).expect("a subpacket"))
            .collect();
        let config = thief.config(SignatureType::SubkeyBinding, BORN, more);
        let binding = config
            .sign_subkey_binding(&thief.secret, &thief.public, &Password::empty(), &subkey)
            .expect("a signature");
        let parts = [
            packet(&thief.public),
            packet(&direct),
            packet(&subkey),
            packet(&binding),
        ];
        certificate(&parts).expect("a certificate")
    };
    // The consent of the thief's own key, and one that the victim gave to another key.
    let own_consent = {
        let config = thief.config(SignatureType::KeyBinding, BORN, Vec::new());
        config
            .sign_primary_key_binding(&thief.secret, &thief.public, &Password::empty(), &thief.public)
            .expect("a signature")
    };
    let other = legacy(4);
    let to_another = {
        let config = victim.config(SignatureType::KeyBinding, BORN, Vec::new());
        config
            .sign_primary_key_binding(&victim.secret, &subkey, &Password::empty(), &other.public)
            .expect("a signature")
    };
    for back in [None, Some(own_consent), Some(to_another)] {
        let held = bound(&mut thief, back);
        assert_eq!(
            held.fingerprints(),
            [held.fingerprint()],
            "the subkey is nobody's"
        );
        let told = verify([&held], &armor, MESSAGE).expect_err("no proof");
        assert_eq!(
            told,
            OpenPgpFault::Bad("its subkey does not claim its primary key".into())
        );
    }
    let consent = {
        let config = victim.config(SignatureType::KeyBinding, BORN, Vec::new());
        config
            .sign_primary_key_binding(&victim.secret, &subkey, &Password::empty(), &thief.public)
            .expect("a signature")
    };
    let held = bound(&mut thief, Some(consent));
    assert_eq!(held.fingerprints().len(), 2);
    assert_eq!(
        verify([&held], &armor, MESSAGE),
        Ok(held.fingerprints()[1].clone())
    );
}

#[test]
fn of_self_signatures_of_one_time_the_strictest_holds() {
    let mut one = legacy(5);
    let expiring = |after: u32| SubpacketData::KeyExpirationTime(Duration::from_secs(after));
    let armor = one.signs(Vec::new());
    let generous = one.direct(BORN, vec![flags(true)]);
    let short = one.direct(BORN, vec![flags(true), expiring(500)]);
    let silent = one.direct(BORN, vec![flags(false)]);
    let later = one.direct(BORN + 1, vec![flags(true)]);
    let key = packet(&one.public);
    for (others, refused) in [
        (vec![&generous], None),
        (vec![&generous, &short], Some("expired")),
        (vec![&short, &generous], Some("expired")),
        (vec![&generous, &silent], Some("no key for signatures")),
        (vec![&silent, &short, &later], None),
        (vec![], Some("nothing of it is signed")),
    ] {
        let mut parts = vec![key.clone()];
        parts.extend(others.iter().map(|made| packet(*made)));
        let held = certificate(&parts).expect("a certificate");
        match (verify([&held], &armor, MESSAGE), refused) {
            (Ok(_), None) => {}
            (Err(OpenPgpFault::Bad(why)), Some(part)) => assert!(why.contains(part), "{why}"),
            (verdict, _) => panic!("{verdict:?}, {refused:?}"),
        }
    }
}

#[test]
fn what_is_critical_and_unknown_refuses() {
    let mut one = legacy(6);
    let direct = one.direct(BORN, vec![flags(true)]);
    let held = certificate(&[packet(&one.public), packet(&direct)]).expect("a certificate");
    let notation = || {
        SubpacketData::Notation(Notation {
            readable: true,
            name: "a@example.com".into(),
            value: "b".into(),
        })
    };
    let time = || SubpacketData::SignatureCreationTime(Timestamp::from_secs(NOW));
    let unknown = || SubpacketData::Experimental(101, vec![1, 2].into());
    for (more, refused) in [
        (Subpacket::regular(notation()), false),
        (Subpacket::regular(unknown()), false),
        (Subpacket::critical(notation()), true),
        (Subpacket::critical(unknown()), true),
        (
            Subpacket::critical(SubpacketData::Other(99, vec![1].into())),
            true,
        ),
        (Subpacket::regular(time()), true),
    ] {
        let Ok(more) = more else { panic!("a subpacket") };
        let mut config = one.config(SignatureType::Binary, NOW, Vec::new());
        config.hashed_subpackets.push(more.clone());
        // rPGP does not sign unknown fields; then there is nothing to verify.
        let Ok(made) = config.sign(&one.secret, &Password::empty(), MESSAGE) else {
            continue;
        };
        let verdict = verify([&held], &armored("SIGNATURE", &packet(&made)), MESSAGE);
        assert_eq!(verdict.is_err(), refused, "{more:?}: {verdict:?}");
    }
}

/// Builds the packet of a signature with two other octets as the start of its digest:
/// they are right before the signature's own 64 bytes.
fn misstated(made: &Signature, version: KeyVersion) -> Vec<u8> {
    let mut bytes = packet(made);
    let behind = match version {
        // Salt, with its length, which the hash decides, and the native form of the
        // signature (RFC 9580, 5.2.3).
        KeyVersion::V6 => {
            let salts = [16, 24, 32].map(|salt| (salt, bytes.len() - 64 - salt - 1));
            let found = salts
                .into_iter()
                .find(|(salt, at)| usize::from(bytes[*at]) == *salt);
            found.expect("a salt").0 + 1 + 64
        }
        // Two numbers, with their lengths, from which leading zeros are left out.
        _ => {
            let value = made.signed_hash_value().expect("octets");
            let at = bytes.windows(2).rposition(|two| two == value).expect("octets");
            bytes.len() - at - 2
        }
    };
    let at = bytes.len() - behind - 2;
    assert_eq!(made.signed_hash_value().expect("octets"), bytes[at..at + 2]);
    bytes[at] ^= 0xff;
    bytes[at + 1] ^= 0xff;
    bytes
}

#[test]
fn misstated_first_octets_refuse_in_version_6_alone() {
    for version in [KeyVersion::V4, KeyVersion::V6] {
        let mut one = match version {
            KeyVersion::V6 => own(9, &KeyType::Ed25519, version),
            _ => legacy(9),
        };
        let direct = one.direct(BORN, vec![flags(true)]);
        let good = [packet(&one.public), packet(&direct)];
        let held = certificate(&good).expect("a certificate");
        let config = one.config(SignatureType::Binary, NOW, Vec::new());
        let made = config
            .sign(&one.secret, &Password::empty(), MESSAGE)
            .expect("a signature");
        let armor = armored("SIGNATURE", &misstated(&made, version));
        let is_six = version == KeyVersion::V6;
        assert_eq!(verify([&held], &armor, MESSAGE).is_err(), is_six);
        // In a certificate's own signatures too.
        let odd = certificate(&[packet(&one.public), misstated(&direct, version)]);
        assert_eq!(odd.is_err(), is_six, "{odd:?}");
        let armor = armored("SIGNATURE", &packet(&made));
        if let Ok(odd) = odd {
            assert!(verify([&odd], &armor, MESSAGE).is_ok());
        }
    }
}

#[test]
fn changed_bits_and_cuts_of_rich_certificates_never_panic() {
    let mut one = legacy(7);
    let direct = one.direct(BORN, vec![flags(true)]);
    let bytes = [packet(&one.public), packet(&direct)].concat();
    let armor = one.signs(Vec::new());
    let good = certificate(std::slice::from_ref(&bytes))
        .expect("a certificate")
        .fingerprint();
    for at in 0..bytes.len() {
        assert!(
            certificate(&[bytes[..at].to_vec()]).is_err() || at == packet(&one.public).len(),
            "cut at {at}"
        );
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            if let Ok(held) = certificate(&[changed]) {
                let verdict = verify([&held], &armor, MESSAGE);
                assert!(verdict.is_err() || held.fingerprint() == good, "at {at}");
            }
        }
    }
    // Noise is never anything.
    let mut random = StdRng::seed_from_u64(8);
    for length in 0..400 {
        let mut noise = vec![0; length];
        random.fill_bytes(&mut noise);
        assert!(certificate(&[noise.clone()]).is_err());
        assert!(verify([], &armored("SIGNATURE", &noise), MESSAGE).is_err());
    }
}
