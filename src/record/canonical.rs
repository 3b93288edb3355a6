//! Canonical JSON (RFC 8785, JSON Canonicalization Scheme), and SHA-256 digests of it.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::record::kind::Digest;

/// The canonical bytes of a value.
pub fn canonical(value: &Value) -> Vec<u8> {
    // Only a number outside JSON could fail, and a `Value` can't hold one.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// The SHA-256 of some bytes, in the spelling of records.
pub fn sha256(bytes: &[u8]) -> Digest {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Digest::of_hex(&hex)
}
