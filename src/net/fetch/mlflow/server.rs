//! Reads an MLflow server through its REST API 2.0.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use ureq::Agent;
use ureq::http::StatusCode;
use ureq::http::header::AUTHORIZATION;

use super::super::http::{RESERVED, Web};
use super::LARGEST;
use crate::base::Error;
use crate::exchange::mlflow::{Found, numbers_as_text};
use crate::net::backoff;
use crate::record::kind::Address;

/// The most models or versions in one answer.
const PAGE: usize = 200;
/// The most answers to one search: a server must not send pages without end.
const PAGES: usize = 5000;
/// The number of parallel requests for runs.
const ASKERS: usize = 4;
/// The most attempts of a request with a transient fault.
const TRIES: u32 = 4;

/// Returns everything that is registered on the server.
///
/// # Errors
/// An answer is not one of MLflow.
pub(super) fn read(
    address: &Address,
    only: &[String],
    heard: &mut dyn FnMut(usize, usize),
) -> Result<Found, Error> {
    let server = Server::new(address)?;
    let mut found = Found {
        from: format!("MLflow at {}", server.shown),
        ..Found::default()
    };
    let models = match only {
        [] => server.models()?,
        names => server.named(names)?,
    };
    for mut model in models {
        let name = name_of(&model).unwrap_or_default().to_owned();
        if let Some(versions) = server.versions(&name, &mut found.notes)? {
            model["versions"] = Value::Array(versions);
            found.models.push(model);
        }
    }
    let versions = found
        .models
        .iter()
        .filter_map(|model| model["versions"].as_array())
        .flatten();
    let ids: BTreeSet<String> = versions
        .filter_map(|one| one.get("run_id")?.as_str().map(str::to_owned))
        .filter(|id| !id.is_empty())
        .collect();
    found.runs = server.runs(ids.into_iter().collect(), heard)?;
    let experiments: BTreeSet<&str> = found
        .runs
        .values()
        .filter_map(|run| run.pointer("/info/experiment_id")?.as_str())
        .collect();
    for id in experiments {
        let told = server.member("experiments/get", &[("experiment_id", id)], "experiment")?;
        if let Some(name) = told.as_ref().and_then(|told| told.get("name")?.as_str()) {
            found.experiments.insert(id.to_owned(), name.to_owned());
        }
    }
    Ok(found)
}

/// Returns a filter for the versions of one model.
fn filter(name: &str) -> Option<String> {
    match (name.contains('\''), name.contains('"')) {
        (false, _) => Some(format!("name='{name}'")),
        (true, false) => Some(format!("name=\"{name}\"")),
        (true, true) => None,
    }
}

/// Returns the names of all models on the server.
pub(super) fn names(address: &Address) -> Result<Vec<String>, Error> {
    let models = Server::new(address)?.models()?;
    Ok(models.iter().filter_map(name_of).map(str::to_owned).collect())
}

/// Returns the name of a model, or of the model of a version.
fn name_of(value: &Value) -> Option<&str> {
    value.get("name")?.as_str()
}

struct Server {
    agent: Agent,
    base: Address,
    login: Option<String>,
    shown: String,
}

impl Server {
    fn new(address: &Address) -> Result<Server, Error> {
        let parts = address.parts();
        if parts.has_login() {
            return Err(
                Error::msg("a name and password in the address end up in the shell's history")
                    .hint("leave them out, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
            );
        }
        Ok(Server {
            agent: Web::new()?.agent,
            base: format!("{}://{}{}", parts.scheme, parts.authority, parts.path())
                .trim_end_matches('/')
                .into(),
            login: login(),
            shown: address.place(),
        })
    }

    /// Makes a request, with retries, or `None` when the object does not exist.
    fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Value>, Error> {
        let query: Vec<String> = query
            .iter()
            .map(|(key, value)| format!("{key}={}", utf8_percent_encode(value, &RESERVED)))
            .collect();
        let url = format!("{}/api/2.0/mlflow/{path}?{}", self.base.expose(), query.join("&"));
        let mut tries = 1;
        loop {
            match self.once(&url) {
                Ok(answer) => return Ok(answer),
                Err((error, passes)) if !passes || tries == TRIES => return Err(error),
                Err(_) => {
                    std::thread::sleep(backoff::doubled(tries));
                    tries += 1;
                }
            }
        }
    }

    /// Makes one request; an error says whether the fault may pass.
    fn once(&self, url: &str) -> Result<Option<Value>, (Error, bool)> {
        let told = |what: &str| Error::msg(format!("`{}` {what}", self.shown));
        let mut request = self.agent.get(url);
        if let Some(login) = &self.login {
            request = request.header(AUTHORIZATION, login);
        }
        // The login is sent to no other host.
        let request = request
            .config()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build();
        let mut answer = request.call().map_err(|error| {
            let passes = matches!(
                error,
                ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::Timeout(_)
            );
            let why = match &error {
                ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                    "it is no address that can be asked".to_owned()
                }
                other => other.to_string(),
            };
            let error = told(&format!("does not answer: {why}"));
            (
                error.hint("does the server run there? It is what MLFLOW_TRACKING_URI names"),
                passes,
            )
        })?;
        let status = answer.status();
        let body = answer
            .body_mut()
            .with_config()
            .limit(LARGEST as u64)
            .read_to_vec();
        let body = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => (told("answers with more than 64 MiB"), false),
            other => (told(&format!("broke off: {other}")), true),
        })?;
        let text = String::from_utf8_lossy(&body);
        let value = serde_json::from_str::<Value>(&numbers_as_text(&text)).ok();
        let code = value
            .as_ref()
            .and_then(|value| value.get("error_code")?.as_str())
            .unwrap_or_default();
        if status.is_success() {
            let value = value.filter(Value::is_object);
            return value.map(Some).ok_or_else(|| {
                let error = told("does not answer as MLflow does");
                (
                    error.hint("name the server's address, as in MLFLOW_TRACKING_URI"),
                    false,
                )
            });
        }
        if code == "RESOURCE_DOES_NOT_EXIST" {
            return Ok(None);
        }
        let why = value.as_ref().and_then(|value| value.get("message")?.as_str());
        Err(self.refused(status, why.unwrap_or_default()))
    }

    /// Returns the error for a status other than success, and whether the fault may pass.
    fn refused(&self, status: StatusCode, why: &str) -> (Error, bool) {
        let why: String = why.chars().take(300).collect();
        let words = format!("`{}` answers {status} {why}", self.shown);
        let error = Error::msg(words.trim_end());
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => (
                error.hint(
                    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
                ),
                false,
            ),
            status if status.is_redirection() => (
                error.hint("name the address that it points to: a login is sent nowhere else"),
                false,
            ),
            StatusCode::NOT_FOUND => (
                error.hint("name the server's address, as in MLFLOW_TRACKING_URI, and not that of a page"),
                false,
            ),
            status => (
                error,
                status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
            ),
        }
    }

    /// Returns one member of an answer.
    fn member(&self, path: &str, query: &[(&str, &str)], key: &str) -> Result<Option<Value>, Error> {
        let answer = self.ask(path, query)?;
        Ok(answer.and_then(|mut answer| answer.get_mut(key).map(Value::take)))
    }

    /// Returns everything that a search finds.
    fn pages(&self, path: &str, query: &[(&str, &str)], key: &str) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let mut query = query.to_vec();
            query.extend(token.as_deref().map(|token| ("page_token", token)));
            let mut answer = self.ask(path, &query)?.unwrap_or_default();
            if let Some(Value::Array(items)) = answer.get_mut(key).map(Value::take) {
                all.extend(items);
            }
            let next = answer.get("next_page_token").and_then(Value::as_str);
            match next.filter(|next| !next.is_empty()) {
                None => return Ok(all),
                Some(next) if token.as_deref() == Some(next) => break,
                Some(next) => token = Some(next.to_owned()),
            }
        }
        Err(Error::msg(format!(
            "`{}` never comes to the end of `{path}`",
            self.shown
        )))
    }

    /// Returns all models.
    fn models(&self) -> Result<Vec<Value>, Error> {
        self.pages(
            "registered-models/search",
            &[("max_results", &PAGE.to_string())],
            "registered_models",
        )
    }

    /// Returns the models of these names.
    fn named(&self, names: &[String]) -> Result<Vec<Value>, Error> {
        let mut models = Vec::new();
        for name in names {
            models.extend(self.member("registered-models/get", &[("name", name)], "registered_model")?);
        }
        // A database may treat two spellings as the same name.
        let is_asked = |model: &Value| name_of(model).is_some_and(|it| names.iter().any(|name| name == it));
        match models.iter().find(|model| !is_asked(model)) {
            None => Ok(models),
            Some(other) => Err(Error::msg(format!(
                "asked for {names:?}, the server answers with {}",
                other.get("name").unwrap_or(&Value::Null)
            ))
            .hint("name the model as the server spells it: `--model NAME`")),
        }
    }

    /// Returns the versions of a model, each with its location, or `None` when the name
    /// can't be searched for. A note says what is left out.
    fn versions(&self, name: &str, notes: &mut Vec<String>) -> Result<Option<Vec<Value>>, Error> {
        let Some(filter) = filter(name) else {
            notes.push(format!(
                "{name:?} can't be searched for, since it holds both kinds of quotes: left out"
            ));
            return Ok(None);
        };
        let mut versions = self.pages(
            "model-versions/search",
            &[("filter", &filter), ("max_results", &PAGE.to_string())],
            "model_versions",
        )?;
        let all = versions.len();
        versions.retain(|version| name_of(version) == Some(name));
        if versions.len() < all {
            notes.push(format!(
                "{} versions that the server tells for {name:?} are another model's: left out",
                all - versions.len()
            ));
        }
        let placed = versions.into_iter().map(|version| self.placed(name, version));
        placed.collect::<Result<_, _>>().map(Some)
    }

    /// Adds to a version the location that its source names.
    fn placed(&self, name: &str, mut version: Value) -> Result<Value, Error> {
        let source = version.get("source").and_then(Value::as_str).unwrap_or_default();
        if !source.starts_with("models:") && !source.starts_with("runs:") {
            return Ok(version);
        }
        let number = version.get("version").and_then(Value::as_str).unwrap_or_default();
        let query = [("name", name), ("version", number)];
        if let Some(place) = self.member("model-versions/get-download-uri", &query, "artifact_uri")? {
            version["_place"] = place;
        }
        Ok(version)
    }

    /// Returns runs by their ids; deleted ones are left out.
    fn runs(
        &self,
        ids: Vec<String>,
        heard: &mut dyn FnMut(usize, usize),
    ) -> Result<BTreeMap<String, Value>, Error> {
        let all = ids.len();
        let waiting = Mutex::new(ids);
        let (send, receive) = std::sync::mpsc::channel();
        let next = || {
            waiting
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .pop()
        };
        std::thread::scope(|scope| {
            for _ in 0..ASKERS.min(all) {
                let (send, next) = (send.clone(), &next);
                scope.spawn(move || {
                    while let Some(id) = next() {
                        let run = self.member("runs/get", &[("run_id", &id)], "run");
                        if send.send((id, run)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(send);
            let mut runs = BTreeMap::new();
            for (count, (id, run)) in (1..).zip(receive) {
                if let Some(run) = run? {
                    runs.insert(id, run);
                }
                heard(count, all);
            }
            Ok(runs)
        })
    }
}

/// Returns the login that MLflow's own client would send: a name and password, else a
/// token.
fn login() -> Option<String> {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (set("MLFLOW_TRACKING_USERNAME"), set("MLFLOW_TRACKING_PASSWORD")) {
        (Some(name), Some(password)) => Some(format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{name}:{password}"))
        )),
        _ => set("MLFLOW_TRACKING_TOKEN").map(|token| format!("Bearer {token}")),
    }
}
