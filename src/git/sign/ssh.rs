//! SSH signatures, made as git makes them: by `ssh-keygen -Y sign`.
//!
//! Source: `sign_buffer_ssh` in gpg-interface.c of git, and the documentation of
//! `user.signingKey`, `gpg.ssh.program` and `gpg.ssh.defaultKeyCommand`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

use super::Signer;
use super::key::{expanded, no_key};
use super::run::{missing, refused, run, temporary};
use crate::base::Error;

const SETTING: &str = "gpg.ssh.program";

/// The place of the key.
enum Key {
    /// A file with the private key, or with the public key of a key in the agent.
    File(PathBuf),
    /// The public key itself; the agent has the private key.
    Literal(String),
}

/// Signs with `ssh-keygen`, or the configured replacement.
pub struct SshSigner {
    key: Key,
    program: String,
}

impl SshSigner {
    /// Returns a signer for this `user.signingKey`, else for the first key that this
    /// `gpg.ssh.defaultKeyCommand` prints.
    ///
    /// # Errors
    /// There is neither.
    pub fn new(
        key: Option<String>,
        command: Option<String>,
        program: Option<String>,
        directory: &Path,
    ) -> Result<SshSigner, Error> {
        let key = match (key, command) {
            (Some(key), _) => key,
            (None, Some(command)) => default_key(&command, directory)?,
            (None, None) => return Err(no_key()),
        };
        Ok(SshSigner {
            key: read_key(&key, directory),
            program: program.unwrap_or_else(|| "ssh-keygen".into()),
        })
    }
}

fn read_key(key: &str, directory: &Path) -> Key {
    if let Some(literal) = key.strip_prefix("key::") {
        return Key::Literal(literal.trim().to_owned());
    }
    if ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"]
        .iter()
        .any(|start| key.starts_with(start))
        && key.contains(' ')
    {
        return Key::Literal(key.trim().to_owned());
    }
    Key::File(directory.join(expanded(key)))
}

/// Returns the first key that `gpg.ssh.defaultKeyCommand` prints.
fn default_key(command: &str, directory: &Path) -> Result<String, Error> {
    let output = Command::new("sh")
        .arg("-c")
        .arg(command)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing(command, "gpg.ssh.defaultKeyCommand", &error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let first = text
        .lines()
        .find(|line| line.starts_with("key::") || line.starts_with("ssh-"));
    match first {
        Some(line) if output.status.success() => Ok(line.to_owned()),
        _ => Err(Error::msg(format!(
            "`gpg.ssh.defaultKeyCommand` gave no key: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
        .hint("its first line must be `key::` and a public key; an agent must hold the private one")
        .hint("or name a key: `git config --global user.signingkey ~/.ssh/id_ed25519.pub`")),
    }
}

impl Signer for SshSigner {
    fn sign(&self, namespace: &str, payload: &[u8]) -> Result<String, Error> {
        let scratch = tempfile::Builder::new()
            .prefix("modelry-sign-")
            .tempdir()
            .map_err(temporary)?;
        let buffer = scratch.path().join("payload");
        std::fs::write(&buffer, payload).map_err(temporary)?;
        let mut literal = None;
        let mut command = Command::new(&self.program);
        command.args(["-Y", "sign", "-n", namespace, "-f"]);
        match &self.key {
            Key::File(path) => {
                if !path.exists() {
                    return Err(
                        Error::msg(format!("there is no signing key at {}", path.display()))
                            .hint("look at `git config user.signingkey`")
                            .hint("make a key: `ssh-keygen -t ed25519`"),
                    );
                }
                command.arg(path);
            }
            Key::Literal(line) => {
                let mut file = NamedTempFile::new_in(scratch.path()).map_err(temporary)?;
                writeln!(file, "{line}").map_err(temporary)?;
                // The private key is in the agent.
                command.arg(file.path()).arg("-U");
                literal = Some(file);
            }
        }
        command.arg(&buffer);
        let written = run(command, None, SETTING)?;
        if !written.success {
            return Err(refused(&self.program, &written.beside, SETTING));
        }
        drop(literal);
        let signature = std::fs::read_to_string(scratch.path().join("payload.sig")).map_err(|_| {
            Error::msg(format!(
                "the signing program `{}` gave no signature",
                self.program
            ))
            .hint("try it by hand: `git commit -S --allow-empty -m try`")
        })?;
        Ok(signature.replace("\r\n", "\n"))
    }

    fn public_key(&self) -> Result<String, Error> {
        let path = match &self.key {
            Key::Literal(line) => return Ok(line.clone()),
            Key::File(path) => path,
        };
        let mut beside = path.clone().into_os_string();
        beside.push(".pub");
        for candidate in [path.clone(), PathBuf::from(beside)] {
            if let Ok(text) = std::fs::read_to_string(&candidate)
                && let Some(line) = text
                    .lines()
                    .find(|line| crate::signature::PublicKey::parse(line).is_ok())
            {
                return Ok(line.to_owned());
            }
        }
        if !path.exists() {
            return Err(
                Error::msg(format!("there is no signing key at {}", path.display()))
                    .hint("look at `git config user.signingkey`")
                    .hint("make a key: `ssh-keygen -t ed25519`"),
            );
        }
        let output = Command::new("ssh-keygen")
            .arg("-y")
            .arg("-f")
            .arg(path)
            .stdin(Stdio::inherit())
            .output()
            .map_err(|error| missing("ssh-keygen", "PATH", &error))?;
        if !output.status.success() {
            return Err(Error::msg(format!(
                "the public key of {} can't be read: {}",
                path.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            ))
            .hint(format!("put the public key beside it, in {}.pub", path.display())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
