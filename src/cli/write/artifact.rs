//! Hashes local files and folders for a record, and writes them down with an address.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::record::kind::{Address, ArtifactType, Digest, Form};

/// Hashes a local artifact, with a progress bar on a terminal. Refuses a pointer file
/// (Git LFS, DVC) in the place of the artifact.
///
/// # Errors
/// The artifact can't be read, or is empty; `role` names it in the message.
pub fn hash(path: &Path, role: &str, ui: &Ui) -> Result<crate::net::fetch::artifact::HashedArtifact, Error> {
    crate::net::fetch::artifact::refuse_stand_ins(path, role)?;
    let bar = match crate::net::fetch::artifact::artifact_size(path) {
        Ok(size) if size > 16 << 20 && !ui.is_json() => ProgressBar::new(size),
        _ => ProgressBar::hidden(),
    };
    if let Ok(style) = ProgressStyle::with_template("hashing {bar:30} {bytes}/{total_bytes} {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    let hashed = crate::net::fetch::artifact::hash_artifact(path, &mut |count| bar.inc(count));
    bar.finish_and_clear();
    hashed
}

/// Whether the address names something other than a file of this machine.
pub fn is_remote(given: &Address) -> bool {
    let parts = given.parts();
    parts.form == Form::Url && !parts.has_scheme(&["file"])
}

/// Returns the address of a local file.
fn local_uri(path: &Path) -> Result<Address, Error> {
    let whole = path.canonicalize().map_err(|source| Error::Io {
        action: "read",
        path: path.into(),
        source,
    })?;
    Ok(format!("file://{}", whole.display()).into())
}

/// Returns an artifact as a spec holds it: a URI stays as it is, a local file or
/// folder is hashed.
///
/// # Errors
/// A local artifact can't be read, or has another digest than the one given; or a URI is
/// given twice.
pub fn artifact(
    given: &Address,
    digest: Option<&Digest>,
    uri: Option<&Address>,
    lands_elsewhere: bool,
    global: &Global,
    ui: &Ui,
) -> Result<Value, Error> {
    if is_remote(given) {
        if let Some(uri) = uri.filter(|uri| uri.expose() != given.expose()) {
            return Err(Error::msg(format!(
                "the artifact has two addresses: `--artifact {given}` and `--artifact-uri {uri}`"
            ))
            .hint(
                "leave `--artifact-uri` out: it is for a local file or folder, to say where others find it",
            ));
        }
        let mut artifact = json!({"uri": given});
        if let Some(digest) = digest {
            artifact["digest"] = json!(digest);
        }
        return Ok(artifact);
    }
    let local = given.expose();
    let local = local.strip_prefix("file://").unwrap_or(local);
    let path = &global.located(Path::new(local));
    let hashed = hash(path, "model", ui)?;
    must_be(digest, &hashed.digest, local)?;
    let uri = match uri {
        Some(uri) => uri.clone(),
        None => {
            let uri = local_uri(path)?;
            if lands_elsewhere {
                ui.note(&format!(
                    "the artifact is written down as `{uri}`, which only this machine can read: say where others find it with `--artifact-uri URI`"
                ));
            }
            uri
        }
    };
    let mut artifact = json!({"uri": uri});
    if hashed.kind == ArtifactType::Folder {
        artifact["type"] = json!("folder");
    }
    artifact["digest"] = json!(hashed.digest);
    artifact["size"] = json!(hashed.size);
    Ok(artifact)
}

/// Returns a reference to a file: its URI, and its digest where it is known. The
/// `role` names it in messages: `dataset`, `report`.
pub fn reference(
    given: &Address,
    role: &str,
    digest: Option<&Digest>,
    global: &Global,
    ui: &Ui,
) -> Result<(Address, Option<Digest>), Error> {
    if given.parts().form == Form::Url {
        return Ok((given.clone(), digest.cloned()));
    }
    let path = &global.located(Path::new(given.expose()));
    let hashed = hash(path, role, ui)?;
    must_be(digest, &hashed.digest, given.expose())?;
    Ok((local_uri(path)?, Some(hashed.digest)))
}

/// Refuses a file that has another digest than the one given.
fn must_be(given: Option<&Digest>, found: &Digest, name: &str) -> Result<(), Error> {
    match given.filter(|given| *given != found) {
        None => Ok(()),
        Some(given) => Err(Error::msg(format!("{name} has the digest {found}, not {given}"))
            .hint("is it the file that you mean?")),
    }
}

/// Hashes the local files that a spec names without a digest, as the flags do: those
/// without a scheme, and `file://`.
///
/// # Errors
/// A file can't be read, or has another digest than the one beside it.
pub fn hash_given(
    spec: &mut Map<String, Value>,
    lands_elsewhere: bool,
    global: &Global,
    ui: &Ui,
) -> Result<(), Error> {
    for (key, member) in spec {
        // The model's source is not one of its files.
        if key != "source" {
            hash_within(member, key, lands_elsewhere, global, ui)?;
        }
    }
    Ok(())
}

fn hash_within(
    value: &mut Value,
    key: &str,
    lands_elsewhere: bool,
    global: &Global,
    ui: &Ui,
) -> Result<(), Error> {
    match value {
        Value::Array(items) => {
            for item in items {
                hash_within(item, key, lands_elsewhere, global, ui)?;
            }
        }
        Value::Object(members) => {
            if let Some(uri) = members.get("uri").and_then(Value::as_str).map(Address::from) {
                let stated = members.get("digest").and_then(Value::as_str);
                let digest = stated.and_then(|digest| digest.parse::<Digest>().ok());
                if !names_local(&uri, digest.is_some(), global) || digest.is_none() != stated.is_none() {
                    return Ok(());
                }
                let Value::Object(hashed) =
                    artifact(&uri, digest.as_ref(), None, lands_elsewhere, global, ui)?
                else {
                    return Ok(());
                };
                // A report is always a file, and its size is not recorded.
                let is_artifact = matches!(key, "artifact" | "artifacts" | "additionalArtifacts");
                for (name, value) in hashed {
                    if is_artifact || matches!(name.as_str(), "uri" | "digest") {
                        members.insert(name, value);
                    }
                }
                return Ok(());
            }
            for (name, member) in members {
                // The user chooses the names of channels.
                let name = if key == "additionalArtifacts" { key } else { name };
                hash_within(member, name, lands_elsewhere, global, ui)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether an address in a spec is a local path whose file is to be hashed.
fn names_local(address: &Address, has_digest: bool, global: &Global) -> bool {
    let (parts, uri) = (address.parts(), address.expose());
    if uri.is_empty() {
        return false;
    }
    if parts.form == Form::Url {
        return parts.has_scheme(&["file"]) && !has_digest;
    }
    // With a digest, or where another scheme may be meant, only a file that exists is
    // taken.
    let may_be_other = has_digest || uri.contains(':');
    !may_be_other || global.located(Path::new(uri)).exists()
}
