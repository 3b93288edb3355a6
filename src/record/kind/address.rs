//! The type that holds an address, and the reader of its parts.
//!
//! An address can hold secrets: a login before the host, a signature among its
//! parameters. Formatting leaves them out. Only [`Address::expose`] returns the whole
//! text, for code that fetches, pushes or writes records.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::uri::{URI_MARK, UriFault, concealed, uri_fault};
use super::uri_text::masked_text;

/// An address of any form: `https://…`, `s3://…`, `git@host:path`, a path.
///
/// Parsing accepts any text, so that old records stay readable; [`Address::fault`] says
/// why a new record may not hold it. `Display` and `Debug` leave the secrets out. Serde
/// writes the exact text, because records are signed over it; the output masks what it
/// prints of a record.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// Returns the text with its secrets, for programs and records. Text for people
    /// never contains it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns why a record may not hold the address, or `None` when it may.
    pub fn fault(&self) -> Option<UriFault> {
        uri_fault(&self.0)
    }

    /// Returns the place alone, for people: a web address without login, parameters and
    /// fragment, any other address as `Display` writes it.
    pub fn place(&self) -> String {
        let parts = self.parts();
        if parts.form != Form::Url || !parts.has_scheme(&["http", "https"]) {
            return self.to_string();
        }
        let query = parts.query().map_or("", |_| "?…");
        let place = format!("{}://{}{}{query}", parts.scheme, parts.authority, parts.path());
        // A path can hold another address, with a login of its own.
        masked_text(&concealed(&place)).into_owned()
    }

    /// Splits the address into its parts, by RFC 3986.
    pub fn parts(&self) -> Parts<'_> {
        let text = self.0.as_str();
        let none = Parts {
            form: Form::Path,
            scheme: "",
            login: None,
            authority: "",
            rest: text,
        };
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            return none;
        };
        let Some(rest) = rest.strip_prefix("//") else {
            return Parts {
                form: Form::Opaque,
                scheme,
                rest,
                ..none
            };
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (login, authority) = split_login(authority);
        Parts {
            form: Form::Url,
            scheme,
            login,
            authority,
            rest,
        }
    }

    /// Splits the address of a remote as git does: `host:path` is ssh's, and
    /// `helper::address` belongs to a remote helper.
    pub fn as_remote(&self) -> Parts<'_> {
        let text = self.0.as_str();
        let parts = self.parts();
        let is_word = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        let helper = text.split_once("::").map(|(helper, _)| helper);
        if parts.form == Form::Url || helper.is_some_and(|it| !it.is_empty() && it.chars().all(is_word)) {
            return parts;
        }
        let path = Parts {
            form: Form::Path,
            scheme: "",
            rest: text,
            ..parts
        };
        // A slash before the colon belongs to a folder; a number in brackets has
        // colons.
        let first = &text[..text.find('/').unwrap_or(text.len())];
        let Some(end) = first.find("]:").map(|at| at + 1).or_else(|| first.find(':')) else {
            return path;
        };
        let (place, rest) = (&text[..end], &text[end + 1..]);
        // A single letter is a Windows drive.
        if place.is_empty() || (place.len() == 1 && place.starts_with(|c: char| c.is_ascii_alphabetic())) {
            return path;
        }
        // `[host:port]:path` has brackets around both.
        let inner = place.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let place = inner.filter(|it| it.matches(':').count() < 2).unwrap_or(place);
        let (login, authority) = split_login(place);
        Parts {
            form: Form::Scp,
            scheme: "ssh",
            login,
            authority,
            rest,
        }
    }
}

/// Whether a word is a scheme: RFC 3986, 3.1, and the `_` that some stores use.
fn is_scheme(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c))
}

fn split_login(authority: &str) -> (Option<&str>, &str) {
    match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    }
}

/// The form of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `scheme://authority…`.
    Url,
    /// `host:path`, as in scp; only for a remote.
    Scp,
    /// `scheme:…`, without an authority.
    Opaque,
    /// A path, or a word.
    Path,
}

/// The parts of an address. `Debug` leaves out the login and everything after the host.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The form.
    pub form: Form,
    /// The scheme as written; `ssh` for scp's form, and empty for a path.
    pub scheme: &'a str,
    login: Option<&'a str>,
    /// Host and port, without a login.
    pub authority: &'a str,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    /// Whether the scheme is one of these, in any case.
    pub fn has_scheme(&self, schemes: &[&str]) -> bool {
        schemes.iter().any(|it| it.eq_ignore_ascii_case(self.scheme))
    }

    /// Whether a login precedes the host.
    pub fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// The name, or name and password, before the host, as written.
    pub fn expose_login(&self) -> Option<&'a str> {
        self.login
    }

    /// Everything after the authority, with the parameters.
    pub fn expose_rest(&self) -> &'a str {
        self.rest
    }

    /// The host; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &'a str {
        self.split_port().0
    }

    /// The port, if the address names one.
    pub fn port(&self) -> Option<&'a str> {
        self.split_port().1
    }

    fn split_port(&self) -> (&'a str, Option<&'a str>) {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !host.ends_with(':') => {
                (host, Some(port).filter(|port| !port.is_empty()))
            }
            _ => (self.authority, None),
        }
    }

    /// The path, with the slash that starts it.
    pub fn path(&self) -> &'a str {
        self.rest.split(['?', '#']).next().unwrap_or_default()
    }

    /// The parameters, without their `?`.
    pub fn query(&self) -> Option<&'a str> {
        let rest = self.rest.split('#').next().unwrap_or_default();
        rest.split_once('?').map(|(_, query)| query)
    }

    /// The text after the first `#`.
    pub fn fragment(&self) -> Option<&'a str> {
        self.rest.split_once('#').map(|(_, fragment)| fragment)
    }
}

impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `user:password@host` parses as a scheme and a path.
        f.debug_struct("Parts")
            .field("form", &self.form)
            .field("scheme", &self.scheme)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

/// The address without its secrets; [`Address::expose`] returns the exact text.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&concealed(&self.0))
    }
}

/// The address without its secrets, quoted.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", concealed(&self.0))
    }
}

impl From<String> for Address {
    fn from(text: String) -> Address {
        Address(text)
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Address {
        Address(text.to_owned())
    }
}

impl std::str::FromStr for Address {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Address, Self::Err> {
        Ok(Address(text.to_owned()))
    }
}

impl PartialEq<str> for Address {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Address {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl JsonSchema for Address {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", (URI_MARK): true})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every text that formatting makes of an address and its parts.
    fn shown(address: &Address) -> String {
        format!(
            "{address} {address:?} {} {:?} {:?} {:?}",
            address.place(),
            address.parts(),
            address.as_remote(),
            Some(vec![address])
        )
    }

    #[test]
    fn parts_of_remotes_are_read_as_git_reads_them() {
        for (text, form, login, host, port, path) in [
            (
                "git@example.com:ml/models.git",
                Form::Scp,
                Some("git"),
                "example.com",
                None,
                "ml/models.git",
            ),
            (
                "example.com:models",
                Form::Scp,
                None,
                "example.com",
                None,
                "models",
            ),
            (
                "[git@example.com:2222]:m",
                Form::Scp,
                Some("git"),
                "example.com",
                Some("2222"),
                "m",
            ),
            ("[::1]:m", Form::Scp, None, "[::1]", None, "m"),
            ("git@[::1]:m", Form::Scp, Some("git"), "[::1]", None, "m"),
            (
                "ssh://git:pw@example.com:22/m",
                Form::Url,
                Some("git:pw"),
                "example.com",
                Some("22"),
                "/m",
            ),
            ("ssh://[::1]:22/m", Form::Url, None, "[::1]", Some("22"), "/m"),
            (
                "https://u:t@example.com/m?x=1#y",
                Form::Url,
                Some("u:t"),
                "example.com",
                None,
                "/m",
            ),
            (
                "s3://k:s@bucket/a b",
                Form::Url,
                Some("k:s"),
                "bucket",
                None,
                "/a b",
            ),
            ("file:///srv/m", Form::Url, None, "", None, "/srv/m"),
            ("/srv/m:1", Form::Path, None, "", None, "/srv/m:1"),
            ("./a:b", Form::Path, None, "", None, "./a:b"),
            ("C:/models", Form::Path, None, "", None, "C:/models"),
            ("", Form::Path, None, "", None, ""),
            (":x", Form::Path, None, "", None, ":x"),
        ] {
            let address = Address::from(text);
            let parts = address.as_remote();
            assert_eq!(
                (
                    parts.form,
                    parts.expose_login(),
                    parts.host(),
                    parts.port(),
                    parts.path()
                ),
                (form, login, host, port, path),
                "{text}"
            );
        }
        let helper = Address::from("ext::sh -c x");
        assert_eq!(helper.as_remote().form, Form::Opaque);
        assert_eq!(Address::from("models:/churn/3").parts().form, Form::Opaque);
    }

    #[test]
    fn a_place_has_neither_login_nor_parameters() {
        for (text, place) in [
            ("https://u:t@h:8080/a?X-Amz-Signature=s#f", "https://h:8080/a?…"),
            ("https://h/a#token", "https://h/a"),
            ("https://h", "https://h"),
            ("https://h?token=1", "https://h?…"),
            ("HTTPS://u@h", "HTTPS://h"),
            ("ftp://u:p@h/m.bin", "ftp://…@h/m.bin"),
            ("s3://key:secret@models/m.bin", "s3://…@models/m.bin"),
            ("s3://b/k?x=1", "s3://b/k?x=1"),
            ("u:t@h/a", "…@h/a"),
            ("/srv/m", "/srv/m"),
        ] {
            assert_eq!(Address::from(text).place(), place);
        }
        let nested = Address::from("https://h/x see https://hiddenlogin@other.example.com/y?a=b");
        assert!(!nested.place().contains("hiddenlogin"), "{}", nested.place());
    }

    proptest! {
        /// Formatting shows no secret, wherever the address has it.
        #[test]
        fn no_form_shows_a_secret(
            secret in "s3cr3t[A-Za-z0-9_.%-]{0,24}",
            user in "[a-z]{1,8}",
            host in "[a-z]{1,8}(\\.[a-z]{2,5}){0,2}(:[0-9]{2,4})?",
            path in "(/[a-z0-9 ._-]{1,8}){0,3}",
            scheme in prop::sample::select(vec!["https", "HTTP", "git+https", "git", "ftp", "wss"]),
            other in prop::sample::select(vec!["ssh", "s3", "postgresql", "git+ssh", "amqp"]),
            name in prop::sample::select(vec![
                "sig", "Signature", "X-Amz-Signature", "X-Goog-Signature", "access_token", "password", "sas",
            ]),
        ) {
            for text in [
                format!("{scheme}://{user}:{secret}@{host}{path}"),
                format!("{scheme}://{secret}@{host}{path}"),
                format!("{other}://{user}:{secret}@{host}{path}"),
                format!("//{user}:{secret}@{host}{path}"),
                format!("{user}:{secret}@{host}{path}"),
                format!("{user}:{secret}@{host}:models"),
                format!("https://{host}{path}?a=1&{name}={secret}"),
                format!("https://{host}{path}#{name}={secret}"),
                format!("s3://{host}{path}?{name}={secret}"),
            ] {
                let address = Address::from(text.as_str());
                let shown = shown(&address);
                prop_assert!(!shown.contains("s3cr3t"), "{text} is shown as {shown}");
                prop_assert_eq!(address.expose(), &text);
                prop_assert_eq!(serde_json::to_string(&address).unwrap(), serde_json::to_string(&text).unwrap());
            }
        }

        /// Joining the parts of any text restores the text.
        #[test]
        fn parts_lose_nothing(text in "([a-z0-9+.]{0,6}:?/{0,2})?([a-z:]{0,5}@)?[\\[\\]a-z0-9:.@]{0,8}[/?#a-z=&é ]{0,12}") {
            let address = Address::from(text.as_str());
            let parts = address.parts();
            let login = parts.expose_login().map(|login| format!("{login}@")).unwrap_or_default();
            let head = match parts.form {
                Form::Url => format!("{}://{login}{}", parts.scheme, parts.authority),
                Form::Opaque => format!("{}:", parts.scheme),
                _ => String::new(),
            };
            prop_assert_eq!(format!("{head}{}", parts.expose_rest()), text.clone());
            let query = parts.query().map(|it| format!("?{it}")).unwrap_or_default();
            let fragment = parts.fragment().map(|it| format!("#{it}")).unwrap_or_default();
            prop_assert_eq!(format!("{}{query}{fragment}", parts.path()), parts.expose_rest());
            let remote = address.as_remote();
            prop_assert!(remote.form != Form::Scp || !remote.authority.contains('/'));
            prop_assert!(text.ends_with(remote.expose_rest()));
        }
    }
}
