//! Canonical bytes: RFC 8785 (JSON Canonicalization Scheme), and SHA-256 over
//! them.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::record::kind::Digest;

/// The canonical bytes of a value.
pub fn canonical(value: &Value) -> Vec<u8> {
    // Only a number that JSON can't hold could fail, and a Value has none.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// The SHA-256 of some bytes, as records write it.
pub fn sha256(bytes: &[u8]) -> Digest {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Digest::of_hex(&hex)
}
