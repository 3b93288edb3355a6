//! Public keys as users give them: files, armoured certificates, lines.

use std::path::Path;

use crate::base::Error;
use crate::record::kind::ActorKey;
use crate::trust::{Credential, actor_key};

/// Reads the public keys in a file: OpenSSH lines without their comments, or armoured
/// OpenPGP certificates. Git hosts publish an account's keys in this form.
///
/// # Errors
/// The file can't be read, or something in it is not a public key.
pub fn read_keys(file: &Path) -> Result<Vec<ActorKey>, Error> {
    let text = std::fs::read_to_string(file).map_err(|source| Error::Io {
        action: "read",
        path: file.into(),
        source,
    })?;
    let name = file.display().to_string();
    let keys = blocks(&text);
    let one = |(at, key): (usize, &String)| match keys.len() {
        1 => parse_key(key, &name),
        count => parse_key(key, &format!("key {} of {count} in {name}", at + 1)),
    };
    keys.iter().enumerate().map(one).collect()
}

/// Splits a text into keys, each as the text of a file of its own: armoured blocks,
/// else lines that are neither blank nor comments. Other text stays whole, so that
/// reading it explains what is wrong.
fn blocks(text: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
    let text = text.trim_start();
    if text.starts_with(BEGIN) {
        let starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
        let ends = starts.iter().copied().skip(1).chain([text.len()]);
        return starts
            .iter()
            .zip(ends)
            .map(|(&start, end)| text[start..end].to_owned())
            .collect();
    }
    let is_line = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let lines: Vec<&str> = text.lines().filter(is_line).collect();
    let is_key = |line: &&str| ["ssh-", "ecdsa-", "sk-"].iter().any(|it| line.starts_with(it));
    match lines.len() > 1 && lines.iter().all(is_key) {
        true => lines.into_iter().map(str::to_owned).collect(),
        false => vec![text.to_owned()],
    }
}

/// Reads the one public key in a file.
///
/// # Errors
/// As [`read_keys`], and when the file holds several.
pub fn read_key(file: &Path) -> Result<ActorKey, Error> {
    let mut keys = read_keys(file)?;
    match (keys.pop(), keys.len()) {
        (Some(key), 0) => Ok(key),
        (_, more) => Err(Error::msg(format!(
            "{} holds {} public keys, and one is asked for",
            file.display(),
            more + 1
        ))
        .hint("put the one that is meant into a file of its own")),
    }
}

pub fn parse_key(text: &str, name: &str) -> Result<ActorKey, Error> {
    let key = actor_key(text);
    let usable = Credential::of(&key).and_then(|credential| match credential.weakness() {
        Some(why) => Err(why),
        None => Ok(credential),
    });
    match usable {
        Ok(Credential::Ssh(key)) => Ok(ActorKey::Ssh(key.to_openssh())),
        Ok(Credential::OpenPgp(_)) => Ok(key),
        Err(why) => {
            let error = Error::msg(format!("{name} is no public key that can be used: {why}"));
            Err(match key {
                ActorKey::OpenPgp(_) => error.hint(
                    "give what `gpg --armor --export --export-options export-minimal FINGERPRINT` prints",
                ),
                _ => error.hint("give the `.pub` file"),
            })
        }
    }
}
