//! Reads registered models from an MLflow server, or from a folder that
//! mlflow-export-import wrote.

mod server;
mod tree;

use std::path::Path;

use serde_json::Value;

use crate::base::Error;
use crate::exchange::mlflow::{Found, numbers_as_text};
use crate::git::disk;
use crate::record::kind::{Address, Form};

/// The largest answer or file, in bytes.
const LARGEST: usize = 64 << 20;

/// Returns everything that is registered at an address or in a folder, or only the
/// named models. `heard` is called with the number of runs that were read.
///
/// # Errors
/// The source can't be read, or lacks a named model.
pub fn registered(
    place: &Address,
    folder: &Path,
    only: &[String],
    heard: &mut dyn FnMut(usize, usize),
) -> Result<Found, Error> {
    let parts = place.parts();
    let is_file = parts.form != Form::Url || parts.has_scheme(&["file"]);
    let found = match is_file {
        false if parts.has_scheme(&["http", "https"]) => server::read(place, only, heard)?,
        false => {
            let scheme = parts.scheme.to_ascii_lowercase();
            return Err(Error::msg(format!("`{scheme}://` is no way to an MLflow server"))
                .hint("name its address, as in MLFLOW_TRACKING_URI: `https://mlflow.example.com`, or a folder of mlflow-export-import"));
        }
        true => tree::read(folder, only)?,
    };
    let name = |model: &Value| model.get("name").and_then(Value::as_str).map(str::to_owned);
    let mut there: Vec<String> = found.models.iter().filter_map(name).collect();
    if let Some(missing) = only.iter().find(|name| !there.contains(name)) {
        // A server was asked only for the named models.
        if !is_file {
            there = server::names(place)?;
        }
        let shown: Vec<String> = there.iter().take(20).map(|name| format!("`{name}`")).collect();
        let shown = match (there.len(), there.len().saturating_sub(20)) {
            (0, _) => "no model is registered there".to_owned(),
            (_, 0) => format!("there are {}", shown.join(", ")),
            (_, more) => format!("there are {}, and {more} more", shown.join(", ")),
        };
        return Err(Error::msg(format!("there is no model `{missing}`")).hint(shown));
    }
    if found.models.is_empty() {
        return Err(Error::msg("no model is registered there").hint("is it the right place?"));
    }
    Ok(found)
}

/// Reads a JSON file as Python writes it, or `None` when there is no file.
fn json_file(path: &Path) -> Result<Option<Value>, Error> {
    let Some(bytes) = disk::read_at_most(path, LARGEST)? else {
        return Ok(None);
    };
    let told = |why: &str| Error::msg(format!("`{}` can't be read: {why}", path.display()));
    if bytes.len() > LARGEST {
        return Err(told("it is larger than 64 MiB"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| told("it is not UTF-8"))?;
    serde_json::from_str(&numbers_as_text(text))
        .map(Some)
        .map_err(|error| told(&format!("it is no JSON: {error}")))
}
