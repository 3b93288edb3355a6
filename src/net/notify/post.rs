//! A receiver on the web: each attempt is one signed request.

use std::fmt;
use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use super::address::{Allowed, Refused};
use super::answer::Verdict;
use super::delivery::Sink;
use super::signature::Secrets;
use crate::base::Error;
use crate::net::fetch;
use crate::record::kind::{Address, Form};

/// The most bytes of an answer that are read: enough to reuse the connection and to
/// print the beginning.
const LARGEST_ANSWER: u64 = 16 << 10;

/// The address of a receiver. `Debug` shows only its host.
#[derive(Clone)]
pub struct Receiver {
    address: Address,
    /// The same address, as the HTTP client parses it.
    uri: Uri,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Receiver {
    /// Parses an address.
    ///
    /// # Errors
    /// Events can't be sent to the address. The error does not repeat it: it may
    /// contain a secret.
    pub fn read(address: &Address) -> Result<Receiver, Error> {
        let wrong = |what: &str| {
            Err(Error::msg(format!("the receiver's address {what}"))
                .hint("it is like `https://hooks.example.com/models`"))
        };
        let parts = address.parts();
        if parts.fragment().is_some() {
            return wrong("has a part after `#`, which nobody sends");
        }
        // The HTTP client parses the address too; both must find the same host.
        let Ok(uri) = address.expose().parse::<Uri>() else {
            return wrong("is no address");
        };
        if parts.form != Form::Url || !parts.has_scheme(&["http", "https"]) {
            return wrong("does not start with `https://`");
        }
        if parts.has_login() {
            return wrong("has a name or a password in it; the receiver knows the sender by the signature");
        }
        if parts.host().is_empty() || uri.authority().is_none_or(|it| it.as_str() != parts.authority) {
            return wrong("names no host");
        }
        Ok(Receiver {
            address: address.clone(),
            uri,
        })
    }

    /// Returns the receiver without its path and query: those of webhooks are often
    /// secret.
    pub fn shown(&self) -> String {
        let parts = self.address.parts();
        let more = match parts.expose_rest() {
            "/" | "" => "",
            _ => "/…",
        };
        format!("{}://{}{more}", parts.scheme, parts.authority)
    }

    /// Removes the secret parts of the address from an answer: many servers repeat an
    /// unknown path.
    fn hushed(&self, said: &[u8]) -> Vec<u8> {
        let mut text = String::from_utf8_lossy(said).into_owned();
        let parts = self.address.parts();
        let (path, query) = (parts.path(), parts.query().unwrap_or_default());
        // A short part is a word; one as long as a token may be a secret.
        let is_token = |part: &&str| part.len() >= 8;
        let mut parts: Vec<&str> = vec![path, query];
        parts.extend(path.split('/').filter(is_token));
        parts.extend(query.split(['&', '=']).filter(is_token));
        parts.retain(|part| part.len() > 3);
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        for part in parts {
            text = text.replace(part, "…");
        }
        text.into_bytes()
    }
}

/// Sends events to a receiver.
pub struct Poster {
    agent: Agent,
    receiver: Receiver,
    secrets: Secrets,
}

impl Poster {
    /// Creates a sender to this receiver, if it is at an allowed address. An attempt
    /// takes at most `timeout`, from the name's lookup to the answer.
    ///
    /// # Errors
    /// The certificates can't be read.
    pub fn new(
        receiver: Receiver,
        secrets: Secrets,
        allowed: Allowed,
        timeout: Duration,
    ) -> Result<Poster, Error> {
        let config = Agent::config_builder()
            .tls_config(fetch::trust()?)
            .user_agent(fetch::USER_AGENT)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // The address of a receiver behind a proxy could not be checked.
            .proxy(None)
            .timeout_global(Some(timeout))
            .build();
        let checked = Checked {
            inner: DefaultResolver::default(),
            allowed,
        };
        Ok(Poster {
            agent: Agent::with_parts(config, DefaultConnector::default(), checked),
            receiver,
            secrets,
        })
    }
}

impl Sink for Poster {
    fn tell(&self, id: &str, body: &[u8]) -> Verdict {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.ok().and_then(|since| i64::try_from(since.as_secs()).ok());
        let now = now.unwrap_or_default();
        let request = self
            .agent
            .post(self.receiver.uri.clone())
            .header("content-type", "application/cloudevents+json")
            .header("accept-encoding", "identity")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.to_string())
            .header("webhook-signature", self.secrets.sign(id, now, body));
        match request.send(body) {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let wait = answer.headers().get("retry-after");
                let wait = wait.and_then(|wait| wait.to_str().ok()).map(str::to_owned);
                let said = self.receiver.hushed(&beginning(answer.into_body()));
                Verdict::of_answer(status, wait.as_deref(), &said, now)
            }
            Err(error) => failed(&error),
        }
    }

    fn shown(&self) -> String {
        self.receiver.shown()
    }

    fn address(&self) -> Vec<u8> {
        format!("to {}", self.receiver.uri).into_bytes()
    }
}

/// Reads the first bytes of an answer. A slow body is not waited for, since the
/// status decides.
fn beginning(body: Body) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = body.into_reader().take(LARGEST_ANSWER).read_to_end(&mut bytes);
    bytes
}

/// Maps a failed request to its result. Texts that may contain an address are left
/// out.
fn failed(error: &ureq::Error) -> Verdict {
    use ureq::Error as E;
    let distrusted = |what: String| {
        Verdict::Stop(
            format!("it can't be trusted: {what}"),
            Some("where a company signs its own certificates, name theirs: `SSL_CERT_FILE=FILE.pem`".into()),
        )
    };
    match error {
        E::Other(inner) => match inner.downcast_ref::<Refused>() {
            Some(refused) => Verdict::Stop(
                refused.to_string(),
                Some(match refused {
                    Refused::Private { .. } => {
                        "when that is where the events are to go: `--allow-private`".into()
                    }
                    Refused::Plain(_) => {
                        "use https, or, when everybody may read the events: `--allow-http`".into()
                    }
                }),
            ),
            None => Verdict::Again("the connection failed".into(), None),
        },
        // rustls reports certificate errors as invalid data.
        E::Io(inner) if inner.kind() == std::io::ErrorKind::InvalidData => distrusted(inner.to_string()),
        E::Rustls(inner) => distrusted(inner.to_string()),
        E::Io(inner) => Verdict::Again(inner.to_string(), None),
        E::BadUri(_) | E::Http(_) => Verdict::Stop("it is no address that can be asked".into(), None),
        E::Protocol(_) => Verdict::Again("it does not speak HTTP".into(), None),
        other => Verdict::Again(other.to_string(), None),
    }
}

/// Looks a name up, and returns its addresses only if all are allowed. The connection
/// goes to the checked addresses, even if the name changes meanwhile.
#[derive(Debug)]
struct Checked {
    inner: DefaultResolver,
    allowed: Allowed,
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let secure = uri.scheme_str() == Some("https");
        for address in &found {
            let judged = self.allowed.judge(address.ip(), secure);
            judged.map_err(|refused| ureq::Error::Other(Box::new(refused)))?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::Receiver;

    #[test]
    fn addresses_of_receivers() {
        for (text, shown) in [
            ("https://hooks.example.com", "https://hooks.example.com"),
            (
                "https://hooks.example.com/T0/secret?k=1",
                "https://hooks.example.com/…",
            ),
            ("http://[::1]:8080/a", "http://[::1]:8080/…"),
        ] {
            let receiver = Receiver::read(&text.into()).expect(text);
            assert_eq!(receiver.shown(), shown);
            let path = receiver.address.parts().path();
            let echoed = format!("Cannot POST {path}");
            let hushed = String::from_utf8(receiver.hushed(echoed.as_bytes())).expect("text");
            assert!(path.len() < 4 || !hushed.contains(path), "{hushed}");
            assert_eq!(format!("{receiver:?}"), shown);
        }
        for text in [
            "",
            "hooks.example.com",
            "/hooks",
            "ftp://hooks.example.com/s3cret",
            "file:///etc/passwd",
            "https://",
            "https:///s3cret",
            "https://who:s3cret@hooks.example.com/",
            "https://s3cret@hooks.example.com/",
            "https://hooks.example.com/#s3cret",
            "https://hooks example.com/s3cret",
        ] {
            let told = Receiver::read(&text.into()).expect_err(text).to_string();
            assert!(!told.contains("s3cret"), "{told}");
        }
    }
}
