//! A key of the policy, of either format.

use crate::record::kind::{ActorKey, OpenPgpKeyEntry};
use crate::signature::{Certificate, PublicKey};

/// The content of an actor's key, once read.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An OpenSSH public key.
    Ssh(PublicKey),
    /// An OpenPGP certificate.
    OpenPgp(Box<Certificate>),
}

impl Credential {
    /// Reads a key of the policy.
    pub fn of(key: &ActorKey) -> Result<Credential, String> {
        match key {
            ActorKey::OpenPgp(entry) => Certificate::parse(&entry.openpgp)
                .map(|certificate| Credential::OpenPgp(Box::new(certificate))),
            ActorKey::Ssh(line) => PublicKey::parse(line).map(Credential::Ssh),
            ActorKey::SshEntry(entry) => PublicKey::parse(&entry.key).map(Credential::Ssh),
        }
    }

    /// The fingerprint that names it: the key's, or the primary key's.
    pub fn fingerprint(&self) -> String {
        match self {
            Credential::Ssh(key) => key.fingerprint(),
            Credential::OpenPgp(certificate) => certificate.fingerprint(),
        }
    }

    /// The fingerprint and the material of each signing key in it. The first names it.
    pub fn keys(&self) -> Vec<(String, String)> {
        match self {
            Credential::Ssh(key) => vec![(key.fingerprint(), key.material())],
            Credential::OpenPgp(certificate) => {
                let prints = certificate.fingerprints().into_iter();
                prints.zip(certificate.material()).collect()
            }
        }
    }

    /// Returns why it can't prove anything, however it is used, or `None` when it can.
    pub fn weakness(&self) -> Option<String> {
        match self {
            Credential::Ssh(key) => key.weakness(),
            Credential::OpenPgp(certificate) => certificate.weakness(),
        }
    }
}

/// Returns a fingerprint in its one form: an OpenPGP one without spaces, in capitals; an
/// OpenSSH one unchanged.
pub fn fingerprint(text: &str) -> String {
    let bare: String = text.split_whitespace().collect();
    let hex = bare.strip_prefix("0x").unwrap_or(&bare);
    match hex.len() {
        40 | 64 if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => hex.to_ascii_uppercase(),
        _ => text.trim().to_owned(),
    }
}

/// Builds a key of the policy from its text, which shows its format.
pub fn actor_key(text: &str) -> ActorKey {
    if !text.trim_start().starts_with("-----BEGIN PGP ") {
        return ActorKey::Ssh(text.to_owned());
    }
    // Lines end in one way, so that the policy shows them as lines.
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    ActorKey::OpenPgp(OpenPgpKeyEntry {
        openpgp: format!("{}\n", lines.join("\n")),
        retired: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_have_one_form() {
        let plain = "968479A1AFF927E37D1A566BB5690EEEBB952194";
        for text in [
            plain,
            "968479a1aff927e37d1a566bb5690eeebb952194",
            "9684 79A1 AFF9 27E3 7D1A  566B B569 0EEE BB95 2194",
            "0x968479A1AFF927E37D1A566BB5690EEEBB952194",
        ] {
            assert_eq!(fingerprint(text), plain);
        }
        assert_eq!(fingerprint("SHA256:abcDEF"), "SHA256:abcDEF");
    }
}
