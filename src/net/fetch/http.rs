//! The transports http and https: range requests, retries after transient faults, and
//! no secrets in messages.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rustls_native_certs::load_native_certs;
use ureq::http::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderName};
use ureq::http::{Response, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::{Fault, Listed, Opened, Origin, Source, Trouble, Watch, folder, last_segment};
use crate::base::Error;
use crate::record::kind::{Address, Digest};

/// The most redirects in a row.
const REDIRECTS: u32 = 5;

/// The characters of a name that are percent-encoded (RFC 3986, 2.3).
pub(super) const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The time limits for a connection, and for silence.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60));

/// Returns the name at the end of an address, percent-decoded.
pub(super) fn name(address: &Address) -> String {
    percent_decode_str(last_segment(address.parts().path()))
        .decode_utf8_lossy()
        .into_owned()
}

/// The User-Agent header.
pub(crate) const USER_AGENT: &str = concat!("modelry/", env!("CARGO_PKG_VERSION"));

/// Returns the trusted certificate authorities: the system's, or those of
/// `SSL_CERT_FILE` and `SSL_CERT_DIR`; on a system without a list (a slim container),
/// Mozilla's.
///
/// # Errors
/// One of these variables is set, and no certificate can be read there.
pub(crate) fn trust() -> Result<TlsConfig, Error> {
    let found = load_native_certs();
    let told = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if found.certs.is_empty() && told {
        let why = found
            .errors
            .first()
            .map_or("it holds none".into(), ToString::to_string);
        return Err(Error::msg(format!(
            "no certificate can be read where SSL_CERT_FILE or SSL_CERT_DIR says: {why}"
        ))
        .hint("name a file of certificates in PEM, or unset them"));
    }
    let roots = if found.certs.is_empty() {
        RootCerts::WebPki
    } else {
        let certificates = found
            .certs
            .iter()
            .map(|bytes| Certificate::from_der(bytes).to_owned());
        RootCerts::from(certificates)
    };
    Ok(TlsConfig::builder().root_certs(roots).build())
}

/// An HTTP client.
pub(super) struct Web {
    pub(super) agent: Agent,
}

impl Web {
    /// Creates a client that trusts the authorities of [`trust`].
    pub(super) fn new() -> Result<Web, Error> {
        let config = Agent::config_builder()
            .tls_config(trust()?)
            .user_agent(USER_AGENT)
            .http_status_as_error(false)
            .timeout_connect(Some(PATIENCE.0))
            .timeout_recv_response(Some(PATIENCE.1))
            .timeout_per_read(Some(PATIENCE.1))
            .build();
        Ok(Web {
            agent: config.new_agent(),
        })
    }
}

/// A file or folder on the web.
pub(super) struct Site<'w> {
    web: &'w Web,
    /// The address without the login, and with the parameters.
    url: Address,
    /// The value of the header with the login.
    login: Option<String>,
    shown: String,
}

impl<'w> Site<'w> {
    pub(super) fn new(web: &'w Web, address: &Address) -> Result<Site<'w>, Error> {
        let shown = address.place();
        let parts = address.parts();
        if parts.authority.is_empty() {
            return Err(Error::msg(format!("`{shown}` names no host")));
        }
        let rest = parts.expose_rest().split('#').next().unwrap_or_default();
        let url = format!(
            "{}://{}{rest}",
            parts.scheme.to_ascii_lowercase(),
            parts.authority
        );
        Ok(Site {
            web,
            url: url.into(),
            login: parts.expose_login().map(|login| {
                use base64::prelude::{BASE64_STANDARD, Engine as _};
                let login: Vec<u8> = percent_decode_str(login).collect();
                format!("Basic {}", BASE64_STANDARD.encode(login))
            }),
            shown,
        })
    }

    fn page(&self, path: Option<&str>) -> Page<'_> {
        let add = |address: &str, path: &str| {
            let (address, query) = match address.split_once('?') {
                Some((address, query)) => (address, format!("?{query}")),
                None => (address, String::new()),
            };
            format!("{}/{path}{query}", address.trim_end_matches('/'))
        };
        let encoded = |path: &str| {
            let names = path.split('/');
            let names = names.map(|name| utf8_percent_encode(name, &RESERVED).to_string());
            names.collect::<Vec<_>>().join("/")
        };
        let (url, shown) = match path {
            None => (self.url.clone(), self.shown.clone()),
            Some(path) => (
                add(self.url.expose(), &encoded(path)).into(),
                add(&self.shown, path),
            ),
        };
        Page {
            web: self.web,
            url: Box::new(move || url.clone()),
            login: self.login.clone(),
            shown,
            redirects: REDIRECTS,
            hint: &plain_hint,
        }
    }
}

impl Source for Site<'_> {
    fn file(&self) -> Box<dyn Origin + '_> {
        Box::new(self.page(None))
    }

    fn list(&self, digest: &Digest, watch: &mut Watch<'_>) -> Result<Vec<Listed>, Fault> {
        let page = self.page(Some("manifest.json"));
        let files = folder::manifest(&page, digest, watch)?;
        files.ok_or_else(|| {
            Fault::Differs(
                Error::msg(format!("`{}` is not the list of files that is recorded", page.shown))
                    .hint("it must be the canonical JSON (RFC 8785) of [{path, size, digest}] sorted by path, whose SHA-256 is the folder's digest"),
            )
        })
    }

    fn below(&self, path: &str) -> Box<dyn Origin + '_> {
        Box::new(self.page(Some(path)))
    }
}

/// Returns advice about a status, where there is more to say than the status.
pub(super) type Hint<'h> = dyn Fn(&Response<Body>) -> Option<String> + 'h;

fn plain_hint(answer: &Response<Body>) -> Option<String> {
    match answer.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Some("fetch it with a program that has the right to, and compare its digest".into())
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Some("ask whoever registered it where it is now".into()),
        _ => None,
    }
}

/// One file on the web.
pub(super) struct Page<'w> {
    pub(super) web: &'w Web,
    /// Returns the address for a new request: signed addresses expire.
    pub(super) url: Box<dyn Fn() -> Address + 'w>,
    pub(super) login: Option<String>,
    pub(super) shown: String,
    /// The most redirects in a row.
    pub(super) redirects: u32,
    pub(super) hint: &'w Hint<'w>,
}

impl Origin for Page<'_> {
    fn open(&self, from: u64, mark: Option<&str>) -> Result<Opened, Trouble> {
        let url = (self.url)();
        let secure = url.parts().has_scheme(&["https"]);
        let mut request = self
            .web
            .agent
            .get(url.expose())
            .header(ACCEPT_ENCODING, "identity");
        if let Some(login) = &self.login {
            request = request.header(AUTHORIZATION, login);
        }
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
            if let Some(mark) = mark {
                request = request.header("if-range", mark);
            }
        }
        let request = request
            .config()
            .https_only(secure)
            .max_redirects(self.redirects)
            .max_redirects_will_error(self.redirects > 0);
        let answer = request.build().call();
        self.read(answer.map_err(|error| self.failed(&error))?, from)
    }

    fn shown(&self) -> String {
        self.shown.clone()
    }
}

impl Page<'_> {
    fn read(&self, answer: Response<Body>, from: u64) -> Result<Opened, Trouble> {
        let header = |name: &str| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            answer.headers().get(name)?.to_str().ok().map(str::to_owned)
        };
        let status = answer.status();
        let range = header("content-range").and_then(|text| ContentRange::read(&text));
        let start = match (status, range) {
            (StatusCode::OK, _) => 0,
            (StatusCode::PARTIAL_CONTENT, Some(ContentRange::Part(start))) if start == from && from > 0 => {
                from
            }
            (StatusCode::PARTIAL_CONTENT, _) => {
                return Err(self.lasting("answers with other bytes than were asked for"));
            }
            // The part on disk is already complete.
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(ContentRange::Whole(size))) if size == from => {
                return Ok(Opened {
                    from,
                    length: Some(0),
                    mark: None,
                    body: Box::new(std::io::empty()),
                });
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, _) if from > 0 => return Err(Trouble::Beyond),
            _ => return Err(self.refused(&answer)),
        };
        if header("content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
            return Err(self.lasting("answers with packed bytes, and was asked for plain ones"));
        }
        // A weak ETag does not promise the same bytes.
        let mark = header("etag").filter(|etag| etag.starts_with('"') && !etag.contains(['\r', '\n']));
        let length = header("content-length").and_then(|text| text.parse().ok());
        Ok(Opened {
            from: start,
            length,
            mark,
            body: Box::new(answer.into_body().into_reader()),
        })
    }

    fn lasting(&self, what: &str) -> Trouble {
        Trouble::Lasting(Error::msg(format!("`{}` {what}", self.shown)))
    }

    fn refused(&self, answer: &Response<Body>) -> Trouble {
        let status = answer.status();
        let passes = status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
            );
        if passes {
            let wait = answer.headers().get("retry-after");
            let wait = wait.and_then(|text| text.to_str().ok()?.trim().parse().ok());
            return Trouble::Passing(format!("it answers {status}"), wait.map(Duration::from_secs));
        }
        let error = Error::msg(format!("`{}` answers {status}", self.shown));
        Trouble::Lasting(match (self.hint)(answer) {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    /// Maps a failed request to its fault. Texts that may contain an address are left
    /// out.
    fn failed(&self, error: &ureq::Error) -> Trouble {
        use ureq::Error as E;
        match error {
            // rustls reports certificate errors as invalid data.
            E::Io(inner) if inner.kind() == std::io::ErrorKind::InvalidData => {
                self.distrusted(&inner.to_string())
            }
            E::Rustls(inner) => self.distrusted(&inner.to_string()),
            E::Io(inner) => Trouble::Passing(inner.to_string(), None),
            E::HostNotFound | E::ConnectionFailed | E::Timeout(_) => {
                Trouble::Passing(error.to_string(), None)
            }
            E::TooManyRedirects => self.lasting(&format!("points elsewhere more than {REDIRECTS} times")),
            E::RequireHttpsOnly(_) => self.lasting("points from https to http"),
            E::BadUri(_) | E::Http(_) => self.lasting("is no address that can be asked"),
            E::InvalidProxyUrl | E::ConnectProxyFailed(_) => Trouble::Lasting(
                Error::msg(format!("the proxy leads nowhere on the way to `{}`", self.shown))
                    .hint("look at HTTPS_PROXY, ALL_PROXY and NO_PROXY"),
            ),
            other => self.lasting(&format!("can't be read: {other}")),
        }
    }

    fn distrusted(&self, what: &str) -> Trouble {
        Trouble::Lasting(
            Error::msg(format!("`{}` can't be trusted: {what}", self.shown))
                .hint("behind a proxy that opens TLS, name its certificate: `SSL_CERT_FILE=FILE.pem`"),
        )
    }
}

/// A parsed Content-Range (RFC 9110, 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContentRange {
    /// `bytes START-END/SIZE`: bytes from START.
    Part(u64),
    /// `bytes */SIZE`: there are SIZE bytes.
    Whole(u64),
}

impl ContentRange {
    fn read(text: &str) -> Option<ContentRange> {
        let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        if range == "*" {
            return size.parse().ok().map(ContentRange::Whole);
        }
        let (start, _) = range.split_once('-')?;
        start.parse().ok().map(ContentRange::Part)
    }
}

#[cfg(test)]
mod tests {
    use super::{ContentRange, name};

    #[test]
    fn names_of_addresses() {
        for (uri, expected) in [
            ("https://a.example.com/x/m.bin?y=/z", "m.bin"),
            ("https://a.example.com/x/my%20m.bin", "my m.bin"),
            ("https://a.example.com/x/..%2f..%2fm", "../../m"),
            ("https://a.example.com/folder/", "folder"),
            ("https://a.example.com", ""),
            ("https://a.example.com/", ""),
        ] {
            assert_eq!(name(&uri.into()), expected, "{uri}");
        }
    }

    #[test]
    fn ranges_of_content() {
        assert_eq!(ContentRange::read("bytes 5-9/10"), Some(ContentRange::Part(5)));
        assert_eq!(ContentRange::read("bytes 5-9/*"), Some(ContentRange::Part(5)));
        assert_eq!(ContentRange::read("bytes */10"), Some(ContentRange::Whole(10)));
        assert_eq!(ContentRange::read("bytes */*"), None);
        assert_eq!(ContentRange::read("lines 1-2/3"), None);
    }
}
