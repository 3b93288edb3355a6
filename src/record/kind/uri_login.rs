//! Finds the logins of addresses in a text.

use std::ops::Range;

/// Whether a character ends an address in a longer text, or its authority.
fn ends_authority(c: char) -> bool {
    matches!(c, '/' | '?' | '#' | '\\' | '"' | '\'' | '`' | '<' | '>') || c.is_whitespace()
}

/// The way in which a text is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// As one address, from the first character on.
    Address,
    /// As words, each of which may be an address.
    Text,
}

/// Whether an address can start after this character.
pub(super) fn starts_word(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '<' | '(' | '[' | '{' | ',' | '=') || c.is_whitespace()
}

/// Finds the logins in a text, without the `@` after them: RFC 3986, 3.2.1. A name
/// alone is a login only where it can't be anything but a token; the names in
/// `git@host:path` and `abfss://container@account` are not.
pub(super) fn logins(text: &str, whole: Whole) -> impl Iterator<Item = Range<usize>> + '_ {
    let starts = text.match_indices("//").filter_map(move |(at, _)| {
        let before = &text[..at];
        let scheme_starts = before
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "+-.:".contains(c)))
            .map_or(0, |found| {
                found + before[found..].chars().next().map_or(1, char::len_utf8)
            });
        let scheme = before[scheme_starts..].strip_suffix(':');
        // A path may contain two slashes; an address starts with them, or has a scheme.
        let is_first = before.is_empty() || (whole == Whole::Text && before.ends_with(starts_word));
        (scheme.is_some() || is_first).then_some((scheme.unwrap_or(""), at + 2))
    });
    let words = text
        .char_indices()
        .filter(move |(_, c)| whole == Whole::Text && starts_word(*c));
    let bare = std::iter::once(0).chain(words.map(|(at, c)| at + c.len_utf8()));
    let bare = bare.map(|start| ("", start));
    starts
        .chain(bare)
        .chain(odd_starts(text))
        .filter_map(|(scheme, start)| {
            let rest = &text[start..];
            // Readers differ on a backslash: it ends the host for some and not for
            // others.
            let is_odd = scheme == ODD;
            let ends = |c: char| ends_authority(c) && !(is_odd && c == '\\');
            let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
            // `image@sha256:…` pins an image.
            let authority = authority.split("@sha256:").next().unwrap_or_default();
            let (login, _) = authority.rsplit_once('@')?;
            if login.is_empty() || is_mail(login) {
                return None;
            }
            let innermost = scheme.rsplit([':', '+']).next().unwrap_or_default();
            let is_web = matches!(
                innermost.to_ascii_lowercase().as_str(),
                "http"
                    | "https"
                    | "ftp"
                    | "ftps"
                    | "ws"
                    | "wss"
                    | "dav"
                    | "davs"
                    | "webdav"
                    | "webdavs"
                    | "git"
                    | "hf"
                    | "gs"
                    | "s3"
            );
            (is_web || login.contains(':')).then(|| start..start + login.len())
        })
}

/// Marks an address that browsers read differently from RFC 3986; its scheme is `http`.
const ODD: &str = "odd:http";

/// Finds web addresses that browsers recognise and RFC 3986 does not: `https:/host`,
/// `https:\host`, `https:///host`, and those with two slashes and a backslash in the
/// host. Source: WHATWG URL, "special authority".
fn odd_starts(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let lower = text.to_ascii_lowercase();
    let mut starts = Vec::new();
    for scheme in ["http:", "https:"] {
        for (at, _) in lower.match_indices(scheme) {
            let rest = &text[at + scheme.len()..];
            let slashes = rest.len() - rest.trim_start_matches(['/', '\\']).len();
            let start = at + scheme.len() + slashes;
            if slashes > 0 && (rest[..slashes] != *"//" || text[start..].contains('\\')) {
                starts.push((ODD, start));
            }
        }
    }
    starts.into_iter()
}

/// Whether the text before the `@` is the name of a mailbox or an account.
fn is_mail(login: &str) -> bool {
    let (scheme, name) = login.split_once(':').unwrap_or_default();
    !name.contains(':')
        && ["mailto", "sip", "sips", "xmpp", "acct"]
            .iter()
            .any(|it| it.eq_ignore_ascii_case(scheme))
}
