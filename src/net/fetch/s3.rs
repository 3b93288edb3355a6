//! The transport `s3`: S3-compatible stores. Requests are signed here, and sent over
//! http. Keys come only from the usual environment variables.

use std::time::Duration;

use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use ureq::Body;
use ureq::http::{Response, StatusCode};

use super::http::{Page, Web};
use super::{Fault, Listed, Origin, Source, Watch, folder, part};
use crate::base::Error;
use crate::record::kind::{Address, Digest};

/// The lifetime of a signed address; each request has a new one.
const HOLDS: Duration = Duration::from_secs(3600);

/// The largest page of a listing, in bytes (a thousand keys of a kilobyte each, with
/// their markup).
const LARGEST_PAGE: u64 = 16 << 20;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The endpoint and keys of the stores.
pub(super) struct Stores {
    region: String,
    endpoint: Option<String>,
    credentials: Option<Credentials>,
}

impl Stores {
    /// Reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION
    /// (or AWS_DEFAULT_REGION) and AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL). Without
    /// a key, requests are not signed, which is enough for a public bucket.
    pub(super) fn from_env() -> Result<Stores, Error> {
        let pair = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        if let [Some(has), Some(lacks)] = [
            pair.iter().find(|name| variable(name).is_some()),
            pair.iter().find(|name| variable(name).is_none()),
        ] {
            return Err(Error::msg(format!("{has} is set, and {lacks} is not"))
                .hint("set both, or neither for a public bucket"));
        }
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        Ok(Stores {
            region: region.unwrap_or_else(|| "us-east-1".into()),
            endpoint: variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL")),
            credentials: Credentials::from_env(),
        })
    }

    fn bucket(&self, name: &str) -> Result<Bucket, Error> {
        // TLS certificates match one label before the host, and a private endpoint
        // seldom has a host for each bucket.
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let style = if plain && self.endpoint.is_none() {
            UrlStyle::VirtualHost
        } else {
            UrlStyle::Path
        };
        let endpoint = self.endpoint.clone().unwrap_or_else(|| {
            let china = if self.region.starts_with("cn-") { ".cn" } else { "" };
            format!("https://s3.{}.amazonaws.com{china}", self.region)
        });
        let told = |what: String| {
            Error::msg(format!("the store's address can't be used: {what}"))
                .hint("look at AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL and AWS_REGION")
        };
        let endpoint = endpoint.parse().map_err(|_| told("it is no URL".into()))?;
        Bucket::new(endpoint, style, name.to_owned(), self.region.clone())
            .map_err(|error| told(error.to_string()))
    }

    /// Returns advice about a status.
    fn hint(&self, answer: &Response<Body>) -> Option<String> {
        let region = answer.headers().get("x-amz-bucket-region");
        let region = region.and_then(|region| region.to_str().ok());
        if let Some(region) = region.filter(|region| *region != self.region) {
            return Some(format!("the bucket is in another region: `AWS_REGION={region}`"));
        }
        match (answer.status(), &self.credentials) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None) => {
                Some("name your key: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into())
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST, Some(_)) => Some(
                "look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION, and at what that key may read".into(),
            ),
            (status, _) if status.is_redirection() => {
                Some("the bucket is in another region: set AWS_REGION".into())
            }
            (StatusCode::NOT_FOUND, _) => Some("ask whoever registered it where it is now".into()),
            _ => None,
        }
    }
}

/// A file or folder in a store.
pub(super) struct Shelf<'s> {
    web: &'s Web,
    stores: &'s Stores,
    bucket: Bucket,
    /// The key of the file or folder, without a `/` at its end.
    key: String,
    shown: String,
    hint: Box<super::http::Hint<'s>>,
}

impl<'s> Shelf<'s> {
    pub(super) fn new(web: &'s Web, stores: &'s Stores, address: &Address) -> Result<Shelf<'s>, Error> {
        let parts = address.parts();
        let (bucket, key) = (parts.authority, parts.expose_rest());
        // A key may contain characters that end the host in other addresses.
        let key = key.strip_prefix('/').unwrap_or(key).trim_end_matches('/');
        // An address would resolve such steps, and name another object.
        let has_steps = key.split('/').any(|step| matches!(step, "." | ".."));
        if bucket.is_empty() || parts.has_login() || has_steps {
            return Err(Error::msg(format!("`{address}` names no object of a store"))
                .hint("it is written `s3://BUCKET/KEY`"));
        }
        Ok(Shelf {
            web,
            stores,
            bucket: stores.bucket(bucket)?,
            key: key.to_owned(),
            shown: address.to_string().trim_end_matches('/').to_owned(),
            hint: Box::new(|answer| stores.hint(answer)),
        })
    }

    fn page<'p>(&'p self, shown: String, url: Box<dyn Fn() -> Address + 'p>) -> Page<'p> {
        Page {
            web: self.web,
            url,
            login: None,
            shown,
            // A signature is valid for one host only.
            redirects: 0,
            hint: &*self.hint,
        }
    }

    fn object(&self, key: String, shown: String) -> Page<'_> {
        let sign = move || {
            let action = self.bucket.get_object(self.stores.credentials.as_ref(), &key);
            Address::from(action.sign(HOLDS).to_string())
        };
        self.page(shown, Box::new(sign))
    }

    /// Returns the prefix of this folder's keys.
    fn prefix(&self) -> String {
        if self.key.is_empty() {
            String::new()
        } else {
            format!("{}/", self.key)
        }
    }

    /// Lists the folder's files, page by page.
    fn listed(&self, watch: &mut Watch<'_>) -> Result<Vec<Listed>, Error> {
        let prefix = self.prefix();
        let mut files = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let sign = || {
                let mut action = self.bucket.list_objects_v2(self.stores.credentials.as_ref());
                action.with_prefix(prefix.as_str());
                if let Some(next) = &next {
                    action.with_continuation_token(next.as_str());
                }
                Address::from(action.sign(HOLDS).to_string())
            };
            let page = self.page(format!("{}/", self.shown), Box::new(sign));
            let told =
                |what: &str| Error::msg(format!("the list of `{}/` can't be read: {what}", self.shown));
            let bytes = part::small(&page, LARGEST_PAGE, watch)?.ok_or_else(|| told("it is too long"))?;
            let text = String::from_utf8(bytes).map_err(|_| told("it is not UTF-8"))?;
            let list = ListObjectsV2::parse_response(&text).map_err(|error| told(&error.to_string()))?;
            for object in list.contents {
                // A key that ends in `/` only makes a folder visible.
                let path = object.key.strip_prefix(&prefix);
                let Some(path) = path.filter(|path| !path.is_empty() && !path.ends_with('/')) else {
                    continue;
                };
                files.push(Listed {
                    path: path.to_owned(),
                    size: object.size.ok_or_else(|| told("a size is missing"))?,
                    digest: None,
                });
            }
            drop(page);
            match list.next_continuation_token {
                None => return Ok(files),
                Some(token) if next.as_ref() == Some(&token) => return Err(told("it does not end")),
                token => next = token,
            }
        }
    }
}

impl Source for Shelf<'_> {
    fn file(&self) -> Box<dyn Origin + '_> {
        Box::new(self.object(self.key.clone(), self.shown.clone()))
    }

    fn list(&self, digest: &Digest, watch: &mut Watch<'_>) -> Result<Vec<Listed>, Fault> {
        // A valid manifest proves itself, and saves a listing. Otherwise the store's
        // own listing is read.
        if let Ok(Some(files)) = folder::manifest(&*self.below("manifest.json"), digest, watch) {
            return Ok(files);
        }
        let files = self.listed(watch)?;
        if files.is_empty() {
            return Err(Error::msg(format!("there is nothing below `{}/`", self.shown))
                .hint("ask whoever registered it where it is now")
                .into());
        }
        Ok(files)
    }

    fn below(&self, path: &str) -> Box<dyn Origin + '_> {
        let key = format!("{}{path}", self.prefix());
        Box::new(self.object(key, format!("{}/{path}", self.shown)))
    }
}
