//! Addresses and licences in the form of the schema.

use serde_json::{Map, Value, json};

use super::{hashes, put};
use crate::record::kind::{Address, Digest, Form, License};

/// Licences that the schema accepts as identifiers (SPDX list 3.28).
const LICENSES: &str = include_str!("spdx.txt");

/// Formats the address for the schema (an IRI reference, RFC 3987), without name and
/// password. Returns `None` if it can't be one.
pub(super) fn address(uri: &Address) -> Option<String> {
    let parts = uri.parts();
    let (scheme, host, path) = match parts.form {
        Form::Url => (Some(parts.scheme), parts.authority, parts.expose_rest()),
        _ => (None, "", uri.expose()),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let is_scheme = |it: &str| {
        it.starts_with(|c: char| c.is_ascii_alphabetic())
            && it.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    if !name.chars().all(plain) || !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if scheme.is_some_and(|scheme| !is_scheme(scheme)) || uri.expose().is_empty() {
        return None;
    }
    let mut out = scheme
        .map(|scheme| format!("{scheme}://{host}"))
        .unwrap_or_default();
    let mut fragments = 0;
    for (at, c) in path.char_indices() {
        let escape = path
            .get(at + 1..at + 3)
            .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        fragments += usize::from(c == '#');
        let kept = plain(c)
            || "/?!$&'()*+,;=@".contains(c)
            || (c == '#' && fragments == 1)
            || (c == '%' && escape)
            // A colon in the first segment would make it a scheme.
            || (c == ':' && (scheme.is_some() || path[..at].contains('/') || is_scheme(&path[..at])));
        if kept {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    Some(out)
}

/// Builds an external reference to an address.
pub(super) fn reference(
    kind: &str,
    uri: &Address,
    digest: Option<&Digest>,
    comment: Option<&str>,
) -> Option<Value> {
    let mut out = Map::new();
    out.insert("type".into(), json!(kind));
    out.insert("url".into(), json!(address(uri)?));
    put(&mut out, "hashes", hashes(digest));
    put(&mut out, "comment", json!(comment));
    Some(Value::Object(out))
}

/// Formats a licence: by its SPDX identifier or expression if it has one, otherwise by
/// name.
pub(super) fn licenses(license: &License) -> Value {
    let known = |id: &str| LICENSES.lines().find(|known| known.eq_ignore_ascii_case(id));
    let url = license.uri.as_ref().and_then(address);
    let one = |key: &str, value: &str| {
        let mut out = Map::from_iter([(key.to_owned(), json!(value))]);
        put(&mut out, "url", json!(url));
        json!([{"license": out}])
    };
    let id = license.id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    let name = license.name.as_deref().filter(|name| !name.trim().is_empty());
    match (id, name) {
        (Some(id), _) if known(id).is_some() => one("id", known(id).unwrap_or(id)),
        (Some(id), _) if is_expression(id, &known) => json!([{"expression": id}]),
        (Some(id), _) => one("name", id),
        (None, Some(name)) => one("name", name),
        // A text without a name is given by its address.
        (None, None) => match &license.uri {
            Some(uri) => one("name", uri.expose()),
            None => Value::Null,
        },
    }
}

/// Whether the text is a list of identifiers joined by AND, OR and WITH.
fn is_expression<'k>(text: &str, known: &dyn Fn(&str) -> Option<&'k str>) -> bool {
    let spaced = text.replace(['(', ')'], " ");
    let mut words = spaced.split_whitespace();
    let mut after_with = false;
    let mut joins = 0;
    let all = words.all(|word| {
        let join = matches!(word, "AND" | "OR" | "WITH");
        joins += usize::from(join);
        let fits = join || after_with || word.starts_with("LicenseRef-") || {
            known(word.trim_end_matches('+')).is_some()
        };
        after_with = word == "WITH";
        fits
    });
    all && joins > 0 && !after_with
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_the_schema_takes() {
        for (uri, expected) in [
            ("s3://models/a b/ü.bin", Some("s3://models/a%20b/%C3%BC.bin")),
            (
                "https://u:p@h.example.com:8080/x?y=1#z",
                Some("https://h.example.com:8080/x?y=1#z"),
            ),
            ("models:/churn/3", Some("models:/churn/3")),
            ("100%/a%20b", Some("100%25/a%20b")),
            ("a#b#c", Some("a#b%23c")),
            ("1a:b", Some("1a%3Ab")),
            ("file:///data/<m>", Some("file:///data/%3Cm%3E")),
            ("https://a b/c", None),
            ("https://h:x/c", None),
            ("", None),
        ] {
            assert_eq!(address(&uri.into()).as_deref(), expected, "{uri}");
        }
    }

    #[test]
    fn licences_by_identifier_expression_or_name() {
        let told = |id: Option<&str>, name: Option<&str>| {
            licenses(&License {
                id: id.map(str::to_owned),
                name: name.map(str::to_owned),
                uri: None,
            })
        };
        assert_eq!(
            told(Some("apache-2.0"), None),
            json!([{"license": {"id": "Apache-2.0"}}])
        );
        assert_eq!(
            told(Some("MIT OR (GPL-2.0+ WITH x)"), None),
            json!([{"expression": "MIT OR (GPL-2.0+ WITH x)"}])
        );
        assert_eq!(
            told(Some("house rules"), None),
            json!([{"license": {"name": "house rules"}}])
        );
        assert_eq!(told(None, Some("ours")), json!([{"license": {"name": "ours"}}]));
        assert_eq!(told(None, None), Value::Null);
    }
}
