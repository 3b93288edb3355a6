//! The build without the feature `openpgp`: no OpenPGP signature proves an actor, and no
//! certificate can be read.

use std::convert::Infallible;

const ABSENT: &str = "this build does not verify OpenPGP (feature `openpgp`)";

/// An OpenPGP certificate; this build can't make one.
#[derive(Clone, Debug)]
pub struct Certificate(Infallible);

/// Why an OpenPGP signature proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenPgpFault {
    /// No certificate has the key of this fingerprint or id.
    UnknownKey(String),
    /// In words.
    Bad(String),
}

impl Certificate {
    /// Refuses every certificate.
    pub fn parse(_text: &str) -> Result<Certificate, String> {
        Err(ABSENT.into())
    }

    /// The primary key's fingerprint.
    pub fn fingerprint(&self) -> String {
        match self.0 {}
    }

    /// Fingerprints of all keys that sign.
    pub fn fingerprints(&self) -> Vec<String> {
        match self.0 {}
    }

    /// The material of those keys.
    pub fn material(&self) -> Vec<String> {
        match self.0 {}
    }

    /// Why it proves nothing.
    pub fn weakness(&self) -> Option<String> {
        match self.0 {}
    }
}

/// The keys that a signature claims to be made by: not read.
pub fn issuers(_armor: &str) -> Vec<String> {
    Vec::new()
}

/// Refuses every signature.
pub fn verify<'c>(
    _certificates: impl IntoIterator<Item = &'c Certificate>,
    _armor: &str,
    _message: &[u8],
) -> Result<String, OpenPgpFault> {
    Err(OpenPgpFault::Bad(ABSENT.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_verified_says_so() {
        let armor = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n";
        assert_eq!(verify([], armor, b"x"), Err(OpenPgpFault::Bad(ABSENT.into())));
        assert!(Certificate::parse("-----BEGIN PGP PUBLIC KEY BLOCK-----").is_err());
    }
}
