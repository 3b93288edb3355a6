//! Secrets in addresses. A record is signed and kept for ever, so an address in it may
//! contain no secret, and no character that a reader could take for the end of a line.
//! [`super::Address`] is the type that holds an address.

use std::borrow::Cow;
use std::ops::Range;

use super::uri_login::{Whole, logins};

/// Marks addresses in the schemas that the program compiles. The published schemas
/// leave it out.
pub const URI_MARK: &str = "modelry:uri";

/// The reason why a record may not hold an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UriFault {
    /// A name and a password, or a token in their place.
    Login,
    /// A parameter of this name, which grants access to anyone who has the address.
    Signature(String),
    /// This character, which is invisible or ends a line.
    Hidden(char),
    /// A space at the start or the end.
    Padded,
}

impl UriFault {
    /// The fault, as the rest of a sentence about the address.
    pub fn words(&self) -> String {
        match self {
            UriFault::Login => "holds a login".to_owned(),
            UriFault::Signature(name) => format!("holds a secret in the parameter `{name}`"),
            UriFault::Hidden(c) => format!("holds the character U+{:04X}", u32::from(*c)),
            UriFault::Padded => "starts or ends with a space".to_owned(),
        }
    }
}

/// Returns why a record may not hold this address, or `None` when it may. A space
/// inside is allowed, because keys of S3 and file names have them.
pub fn uri_fault(uri: &str) -> Option<UriFault> {
    if let Some(c) = uri.chars().find(|c| is_refused(*c)) {
        return Some(UriFault::Hidden(c));
    }
    if uri.trim() != uri {
        return Some(UriFault::Padded);
    }
    if logins(uri, Whole::Address).next().is_some() {
        return Some(UriFault::Login);
    }
    let secret = parameters(uri).into_iter().find(|(name, _)| is_secret(uri, name));
    secret.map(|(name, _)| UriFault::Signature(decoded_name(&uri[name])))
}

/// Whether a reader does not see the character as it is: controls, bidirectional
/// overrides, zero-width marks, line ends other than LF. Source: Unicode UAX #9
/// (explicit formatting), and the Trojan Source report.
pub(crate) fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        || matches!(u32::from(c), 0xfffe | 0xffff)
}

/// Whether a character is drawn as nothing, and is none of those that [`is_hidden`]
/// refuses in every text: soft hyphen, joiner, fillers of Hangul, blank of Braille.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
    )
}

/// Whether a character can't be part of an address: controls, invisible marks, and any
/// white space but U+0020.
fn is_refused(c: char) -> bool {
    is_hidden(c) || is_blank(c) || c.is_control() || (c.is_whitespace() && c != ' ')
}

/// The number of cleaning passes: removing one secret can expose another login.
pub(super) const PASSES: usize = 8;

/// Returns the address without its secrets and invisible characters, as a suggestion to
/// its owner. The result is empty where each pass exposes another secret.
pub fn cleaned_uri(uri: &str) -> String {
    let mut clean = cleaned_once(uri);
    for _ in 1..PASSES {
        if uri_fault(&clean).is_none() {
            return clean;
        }
        clean = cleaned_once(&clean);
    }
    match uri_fault(&clean) {
        None => clean,
        Some(_) => String::new(),
    }
}

fn cleaned_once(uri: &str) -> String {
    let seen: String = uri.trim().chars().filter(|c| !is_refused(*c)).collect();
    let mut cut: Vec<Range<usize>> = logins(&seen, Whole::Address)
        .map(|it| it.start..it.end + 1)
        .collect();
    let all = parameters(&seen);
    if all.iter().any(|(name, _)| is_secret(&seen, name)) {
        let is_cut = |name: &Range<usize>| is_secret(&seen, name) || signs_with(&seen[name.clone()]);
        for (name, whole) in &all {
            if is_cut(name) {
                cut.push(whole.clone());
            }
        }
    }
    if cut.is_empty() {
        return seen;
    }
    cut.sort_by_key(|it| it.start);
    let mut out = String::new();
    let mut at = 0;
    for range in cut {
        out.push_str(&seen[at..range.start.max(at)]);
        at = range.end.max(at);
    }
    out.push_str(&seen[at..]);
    // Removes a separator that no longer separates anything.
    for (pair, one) in [("&&", "&"), ("?&", "?"), ("&#", "#"), ("?#", "#"), (";?", "?")] {
        while out.contains(pair) {
            out = out.replace(pair, one);
        }
    }
    while out.ends_with(['?', '&', ';']) {
        out.pop();
    }
    out
}

/// Masks the secrets of addresses in a text: each login and each secret parameter
/// becomes `…`.
pub fn concealed(text: &str) -> Cow<'_, str> {
    conceal(text, |_| "…".to_owned())
}

/// Masks like [`concealed`] and keeps the number of bytes, so that places in the text
/// stay.
pub fn concealed_in_place(text: &str) -> Cow<'_, str> {
    conceal(text, |secret| "*".repeat(secret.len()))
}

/// Masks what is secret in a text, and then what is secret in the masked text: an address
/// without its login can read as another address.
fn conceal(text: &str, with: impl Fn(&str) -> String) -> Cow<'_, str> {
    let mut shown = conceal_once(text, &with);
    for _ in 1..PASSES {
        match conceal_once(&shown, &with) {
            Cow::Owned(again) if again != *shown => shown = Cow::Owned(again),
            _ => break,
        }
    }
    shown
}

fn conceal_once<'t>(text: &'t str, with: &impl Fn(&str) -> String) -> Cow<'t, str> {
    if !text.contains(['@', '=']) {
        return Cow::Borrowed(text);
    }
    let mut hide: Vec<Range<usize>> = logins(text, Whole::Text).collect();
    for (name, whole) in parameters(text) {
        if is_secret(text, &name) {
            hide.push(name.end + 1..whole.end);
        }
    }
    if hide.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    push_masked(&mut out, text, hide, with);
    Cow::Owned(out)
}

/// Appends a text to `out` with these ranges replaced.
pub(super) fn push_masked(
    out: &mut String,
    text: &str,
    mut hide: Vec<Range<usize>>,
    with: impl Fn(&str) -> String,
) {
    hide.retain(|range| !range.is_empty());
    hide.sort_by_key(|it| it.start);
    // The value of a parameter may contain a login: both are masked as one.
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in hide {
        match joined.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    let mut at = 0;
    for range in joined {
        out.push_str(&text[at..range.start]);
        out.push_str(&with(&text[range.clone()]));
        at = range.end;
    }
    out.push_str(&text[at..]);
}

/// A parameter: the range of its name, and the range of the whole.
pub(super) type Parameter = (Range<usize>, Range<usize>);

/// Whether a parameter starts after this character.
fn starts_parameter(c: char) -> bool {
    matches!(c, '?' | '&' | '#' | ';')
}

/// Whether a parameter ends before this character.
fn ends_parameter(c: char) -> bool {
    starts_parameter(c) || matches!(c, '"' | '\'' | '`' | '<' | '>') || c.is_whitespace()
}

/// Finds the parameters in a text: the range of each name, and of each whole
/// `name=value`.
pub(super) fn parameters(text: &str) -> Vec<Parameter> {
    let mut out = Vec::new();
    for (at, mark) in text.char_indices().filter(|(_, c)| starts_parameter(*c)) {
        let start = at + mark.len_utf8();
        let rest = &text[start..];
        let whole = &rest[..rest.find(ends_parameter).unwrap_or(rest.len())];
        if let Some((name, value)) = whole.split_once('=')
            && !name.is_empty()
            && !value.is_empty()
        {
            out.push((start..start + name.len(), start..start + whole.len()));
        }
    }
    out
}

/// Decodes a parameter's name as a server does: `X%2DAmz%2DSignature` is a name.
pub(super) fn decoded_name(name: &str) -> String {
    let mut out = Vec::new();
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let escaped = name
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether the value of a parameter grants access to the address.
///
/// Sources: AWS Signature versions 2 and 4, Azure's shared access signatures,
/// Google's signed URLs, Alibaba's and Tencent's; RFC 6750, 2.3; Jakarta Servlet 6,
/// 7.1.3 (`;jsessionid=`).
pub(super) fn is_secret(text: &str, name: &Range<usize>) -> bool {
    let value = value_of(text, name);
    let is_google_key = || value.starts_with("AIza") && text[name.clone()].eq_ignore_ascii_case("key");
    is_secret_name(&text[name.clone()]) || is_google_key() || holds_address_with_secret(value)
}

/// The value of the parameter of this name.
fn value_of<'t>(text: &'t str, name: &Range<usize>) -> &'t str {
    let value = text.get(name.end + 1..).unwrap_or_default();
    &value[..value.find(ends_parameter).unwrap_or(value.len())]
}

/// Whether a value is an address in percent escapes that holds a secret itself. It is
/// decoded once, as the server does that goes there.
fn holds_address_with_secret(value: &str) -> bool {
    if !value.contains('%') {
        return false;
    }
    let inner = decoded_name(value);
    if !inner.contains("//") {
        return false;
    }
    let mut parameters = parameters(&inner).into_iter();
    logins(&inner, Whole::Address).next().is_some()
        || parameters.any(|(name, _)| is_secret_name(&inner[name]))
}

/// Whether a parameter of this name grants access.
fn is_secret_name(name: &str) -> bool {
    let name = decoded_name(name).to_ascii_lowercase().replace('-', "_");
    matches!(
        name.as_str(),
        "x_amz_signature"
            | "x_amz_credential"
            | "x_amz_security_token"
            | "awsaccesskeyid"
            | "x_goog_signature"
            | "x_goog_credential"
            | "googleaccessid"
            | "x_oss_signature"
            | "x_oss_credential"
            | "x_oss_security_token"
            | "x_obs_signature"
            | "x_obs_credential"
            | "x_obs_security_token"
            | "x_tos_signature"
            | "x_tos_credential"
            | "x_tos_security_token"
            | "x_bz_signature"
            | "x_ms_signature"
            | "x_plex_token"
            | "temp_url_sig"
            | "hdnts"
            | "hdnea"
            | "__token__"
            | "download_token"
            | "authorization"
            | "auth"
            | "jwt"
            | "access_key"
            | "ossaccesskeyid"
            | "x_cos_security_token"
            | "q_signature"
            | "security_token"
            | "signature"
            | "sig"
            | "token"
            | "access_token"
            | "accesstoken"
            | "refresh_token"
            | "id_token"
            | "auth_token"
            | "authtoken"
            | "private_token"
            | "job_token"
            | "api_key"
            | "apikey"
            | "x_api_key"
            | "password"
            | "passwd"
            | "pwd"
            | "secret"
            | "client_secret"
            | "secret_key"
            | "secret_access_key"
            | "aws_secret_access_key"
            | "aws_session_token"
            | "sharedaccesssignature"
            | "sas"
            | "sas_token"
            | "sastoken"
            | "jsessionid"
            | "phpsessid"
            | "session_id"
            | "sessionid"
    )
}

/// Whether a parameter has a meaning only together with a signature.
fn signs_with(name: &str) -> bool {
    let name = decoded_name(name).to_ascii_lowercase();
    ["x-amz-", "x-goog-", "x-oss-", "x-obs-", "x-tos-", "q-"]
        .iter()
        .any(|it| name.starts_with(it))
        || matches!(
            name.as_str(),
            "expires"
                | "se"
                | "sp"
                | "sr"
                | "st"
                | "sv"
                | "spr"
                | "sip"
                | "ske"
                | "skoid"
                | "sks"
                | "skt"
                | "sktid"
                | "skv"
                | "ss"
                | "srt"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of addresses")]
    fn what_opens_a_door_is_found_and_taken_out() {
        for (uri, clean) in [
            ("https://user:token@host/x", "https://host/x"),
            (
                "https://gitlab-ci-token:glcbt-1@gitlab.example.com/g/p.git",
                "https://gitlab.example.com/g/p.git",
            ),
            ("https://ghp_token@github.com/o/r", "https://github.com/o/r"),
            ("https://a%40b:p%2Fw@host", "https://host"),
            ("HTTPS://u:p@h:8080/x?y=1#z", "HTTPS://h:8080/x?y=1#z"),
            ("git+https://t@h/x", "git+https://h/x"),
            ("ssh://git:pw@host/x", "ssh://host/x"),
            ("s3://key:secret@bucket/x", "s3://bucket/x"),
            ("jdbc:postgresql://u:p@h/db", "jdbc:postgresql://h/db"),
            ("//u:p@h/x", "//h/x"),
            ("https:/u:p@h/x", "https:/h/x"),
            ("https:///u:p@h/x", "https:///h/x"),
            (r"https:/\u:p@h/x", r"https:/\h/x"),
            (r"https://h\@u:p@h2/x", "https://h2/x"),
            ("u:p@h/x", "h/x"),
            ("u:p@h//x", "h//x"),
            (
                "u:p@registry.example.com/x@sha256:0000",
                "registry.example.com/x@sha256:0000",
            ),
            (
                "u:p@registry.example.com@sha256:0000",
                "registry.example.com@sha256:0000",
            ),
            ("https://proxy/https://u:p@h/x", "https://proxy/https://h/x"),
            (
                "https://b.s3.amazonaws.com/m?X-Amz-Algorithm=A&X-Amz-Credential=K&X-Amz-Signature=S&versionId=7",
                "https://b.s3.amazonaws.com/m?versionId=7",
            ),
            ("https://h/m?X%2DAmz%2DSignature=S", "https://h/m"),
            (
                "https://h/m?AWSAccessKeyId=K&Expires=1&Signature=S",
                "https://h/m",
            ),
            (
                "https://a.blob.core.windows.net/c/m?sv=1&sp=r&sig=S",
                "https://a.blob.core.windows.net/c/m",
            ),
            ("https://h/m?x=1&X-Goog-Signature=S#part", "https://h/m?x=1#part"),
            ("https://h/m?access_token=t", "https://h/m"),
            ("https://h/m?sas=t", "https://h/m"),
            ("https://h/m;jsessionid=t?x=1", "https://h/m?x=1"),
            ("https://h/m#access_token=t", "https://h/m#"),
            ("s3://b/m\nexport X=1", "s3://b/mexport X=1"),
            ("s3://b/m\u{202e}", "s3://b/m"),
            (" s3://b/m", "s3://b/m"),
            ("s3://b/m\tn", "s3://b/mn"),
            ("https://t@//t@h/x", "https:////h/x"),
            ("https://h/m?X-Obs-Signature=S&X-Obs-Date=1", "https://h/m"),
            ("https://h/m?X-Tos-Signature=S", "https://h/m"),
            ("https://h/m?X-Bz-Signature=S", "https://h/m"),
            ("https://h/m?X-Ms-Signature=S", "https://h/m"),
            ("https://h/m?temp_url_sig=S", "https://h/m"),
            ("https://h/m?hdnts=S", "https://h/m"),
            ("https://h/m?hdnea=S", "https://h/m"),
            ("https://h/m?__token__=S", "https://h/m"),
            ("https://h/m?download_token=S", "https://h/m"),
            ("https://h/m?X-Plex-Token=S", "https://h/m"),
            ("https://h/m?Authorization=S", "https://h/m"),
            ("https://h/m?auth=S", "https://h/m"),
            ("https://h/m?jwt=S", "https://h/m"),
            ("https://h/m?access_key=S", "https://h/m"),
            ("https://h/m?key=AIzaSy1", "https://h/m"),
            (
                "https://h/m?u=https%3A%2F%2Fb%2Fx%3FX-Amz-Signature%3Dabc",
                "https://h/m",
            ),
            ("https://h/m?a=https%3A%2F%2Fu%3Ap%40h%2Fy&b=1", "https://h/m?b=1"),
            ("hf://tok@x/y", "hf://x/y"),
            ("gs://tok@b/y", "gs://b/y"),
            ("s3://b/m\u{3164}", "s3://b/m"),
            ("s3://b/m\u{115f}\u{1160}\u{34f}\u{2800}\u{ffa0}", "s3://b/m"),
            ("s3://b/m\u{e0021}", "s3://b/m"),
        ] {
            assert!(uri_fault(uri).is_some(), "{uri}");
            assert_eq!(cleaned_uri(uri), clean, "{uri}");
            assert_eq!(uri_fault(clean), None, "{clean}");
        }
    }

    #[test]
    fn what_opens_nothing_stays() {
        for uri in [
            "",
            "s3://bucket/a b/model.tar.gz",
            "git@github.com:owner/name.git",
            "ssh://git@github.com/owner/name.git",
            "abfss://container@account.dfs.core.windows.net/m",
            "registry.example.com:5000/img@sha256:0000",
            "img:1@sha256:0000",
            "docker://img@sha256:0000",
            "hf://owner/name@main",
            "models:/churn/3",
            "models:/churn@champion",
            "arn:aws:kms:eu-west-1:1:key/x",
            "file:///srv/models/m.bin",
            "https://h/m?versionId=7&key=a/b&signature=",
            "https://h/~a@b/x",
            "./m.bin",
            "mailto:a@example.com",
            "https://h/m?u=https%3A%2F%2Fb%2Fx%3Fa%3Db",
            "https://h/m?q=a%3Ab%40c&author=x&keys=AIza",
        ] {
            assert_eq!(uri_fault(uri), None, "{uri}");
            assert_eq!(cleaned_uri(uri), uri);
            assert_eq!(concealed(uri), uri);
        }
    }

    #[test]
    fn no_text_shows_a_secret() {
        for (text, shown) in [
            (
                "`https://u:p@h/x` was `https://h/x?a=1&sig=S`",
                "`https://…@h/x` was `https://h/x?a=1&sig=…`",
            ),
            (
                "    repository: https://t@h/x # c",
                "    repository: https://…@h/x # c",
            ),
            ("mail me@example.com", "mail me@example.com"),
            ("    uri: u:p@h/x", "    uri: …@h/x"),
            ("    uri: //u:p@h/x", "    uri: //…@h/x"),
            ("{image: \"u:p@h/x@sha256:00\"}", "{image: \"…@h/x@sha256:00\"}"),
            ("https://h/x?token=a:b@c/d&e=1", "https://h/x?token=…&e=1"),
            ("image: img:1@sha256:00", "image: img:1@sha256:00"),
        ] {
            assert_eq!(concealed(text), shown);
            let same = concealed_in_place(text);
            assert_eq!(same.len(), text.len());
            assert!(!same.contains("u:p") && !same.contains("sig=S"));
        }
    }
}
