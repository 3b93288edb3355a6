//! ASCII armour: exactly one block, read strictly.
//!
//! Source: RFC 9580, section 6. The checksum may be missing; if present, it must be
//! right.

/// Returns the bytes of the one armoured block of this kind, and nothing beside it.
pub fn read(text: &str, kind: &str, largest: usize) -> Result<Vec<u8>, String> {
    if text.len() > largest {
        return Err(format!("it is larger than {} KiB", largest >> 10));
    }
    let text = text.trim();
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    if text.contains("PRIVATE KEY BLOCK") {
        return Err("it is a private key: keep it to yourself, and write the public one".into());
    }
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    if lines.first() != Some(&begin.as_str()) || lines.len() < 2 || lines.pop() != Some(end.as_str()) {
        return Err(format!("it is not one whole block `{begin}`"));
    }
    if text.matches("-----").count() != 4 {
        return Err("it is more than one armoured block".into());
    }
    let Some(blank) = lines.iter().position(|line| line.is_empty()) else {
        return Err("it has no empty line before its body".into());
    };
    let headers = &lines[1..blank];
    if !headers.iter().all(|line| line.contains(": ") && line.is_ascii()) {
        return Err("its header lines are malformed".into());
    }
    let mut body = &lines[blank + 1..];
    let mut stated = None;
    if let Some((last, rest)) = body.split_last()
        && let Some(checksum) = last.strip_prefix('=')
    {
        stated = Some(decode(checksum)?);
        body = rest;
    }
    let bytes = decode(&body.concat())?;
    match stated {
        Some(stated) if stated != checksum(&bytes) => Err("its checksum is wrong".into()),
        _ => Ok(bytes),
    }
}

/// CRC-24 of RFC 9580, section 6.1.
fn checksum(bytes: &[u8]) -> Vec<u8> {
    let mut crc: u32 = 0x00b7_04ce;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4cfb;
            }
        }
    }
    crc.to_be_bytes()[1..].to_vec()
}

/// Decodes Base64 in its one form: padded, and with zeros in the unused bits.
fn decode(text: &str) -> Result<Vec<u8>, String> {
    let malformed = || "its body is no base64".to_owned();
    let signs = text.as_bytes();
    if !signs.len().is_multiple_of(4) {
        return Err(malformed());
    }
    let padding = signs.iter().rev().take_while(|sign| **sign == b'=').count();
    let mut out = Vec::with_capacity(signs.len() / 4 * 3);
    let mut bits = 0u32;
    for (index, sign) in signs[..signs.len() - padding].iter().enumerate() {
        let value = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(malformed()),
        };
        bits = bits << 6 | u32::from(value);
        if index % 4 == 3 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            bits = 0;
        }
    }
    let rest = match padding {
        0 => &[][..],
        1 if bits.trailing_zeros() >= 2 => &(bits << 6).to_be_bytes()[1..3],
        2 if bits.trailing_zeros() >= 4 => &(bits << 12).to_be_bytes()[1..2],
        _ => return Err(malformed()),
    };
    out.extend_from_slice(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::super::ssh::base64;
    use super::*;

    #[test]
    fn base64_has_one_form() {
        for length in 0..70u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(37)).collect();
            assert_eq!(decode(&base64(&bytes)), Ok(bytes));
        }
        for text in [
            "A", "AA", "AAA", "AB==", "AAB=", "====", "A===", "AA=A", "AA\u{e4}", "AAA AA==",
        ] {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}
