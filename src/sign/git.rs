//! git's own way of signing with SSH keys.
//!
//! Source: gpg-interface.c of git, and the documentation of `gpg.format`,
//! `user.signingKey`, `gpg.ssh.program` and `gpg.ssh.defaultKeyCommand`.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::Signer;
use crate::error::Error;

/// How long a signing program may take: somebody may have to find a hardware
/// key.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the key is.
enum Key {
    /// A file: the private key, or the public one of a key in the agent.
    File(PathBuf),
    /// The public key itself; the agent has the private one.
    Literal(String),
}

/// Signs as git is configured to.
pub struct GitSigner {
    key: Key,
    program: String,
}

fn how_to() -> [&'static str; 2] {
    [
        "git config --global gpg.format ssh",
        "git config --global user.signingkey ~/.ssh/id_ed25519.pub",
    ]
}

impl GitSigner {
    /// Reads the configuration as git itself sees it in this folder.
    ///
    /// # Errors
    /// When no SSH key is configured, or another kind of signature is.
    pub fn from_config(directory: &Path) -> Result<GitSigner, Error> {
        let config = configuration(directory)?;
        let get = |key: &str| config.get(key).cloned().filter(|value| !value.is_empty());
        let key = get("user.signingkey");
        match get("gpg.format").as_deref() {
            Some("ssh") => {}
            Some(other @ ("openpgp" | "x509")) => {
                return Err(not_yet(other));
            }
            Some(other) => {
                return Err(
                    Error::told(format!("git's `gpg.format` is `{other}`, which nobody knows"))
                        .hint(how_to()[0])
                        .hint(how_to()[1]),
                );
            }
            None if key.is_some() => return Err(not_yet("openpgp")),
            None => return Err(no_key()),
        }
        let program = get("gpg.ssh.program").unwrap_or_else(|| "ssh-keygen".into());
        let key = match key {
            Some(key) => key,
            None => match get("gpg.ssh.defaultkeycommand") {
                Some(command) => default_key(&command, directory)?,
                None => return Err(no_key()),
            },
        };
        Ok(GitSigner {
            key: read_key(&key, directory),
            program,
        })
    }
}

fn not_yet(format: &str) -> Error {
    Error::told(format!(
        "git signs with {format} here, and Modelry does not sign with that yet"
    ))
    .hint(format!("sign with an SSH key: `{}`", how_to()[0]))
    .hint(format!("and name it: `{}`", how_to()[1]))
}

fn no_key() -> Error {
    Error::told("no signing key is configured")
        .hint("every decision is signed; make a key once: `ssh-keygen -t ed25519`")
        .hint(format!("then tell git: `{}`", how_to()[0]))
        .hint(format!("and: `{}`", how_to()[1]))
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
    let path = match key.strip_prefix("~/") {
        Some(rest) => {
            std::env::var_os("HOME").map_or_else(|| PathBuf::from(key), |home| Path::new(&home).join(rest))
        }
        None => directory.join(key),
    };
    Key::File(path)
}

/// git's configuration with all its levels and includes, as git reads it.
fn configuration(directory: &Path) -> Result<HashMap<String, String>, Error> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["config", "--null", "--list"])
        .output()
        .map_err(|error| missing("git", "PATH", &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::told(format!("git can't read its configuration: {said}")));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let entries = text.split('\0').filter(|entry| !entry.is_empty());
    Ok(entries
        .map(|entry| {
            let (key, value) = entry.split_once('\n').unwrap_or((entry, ""));
            (key.to_owned(), value.to_owned())
        })
        .collect())
}

/// The first key that `gpg.ssh.defaultKeyCommand` prints.
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
        _ => Err(Error::told(format!(
            "`gpg.ssh.defaultKeyCommand` gave no key: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
        .hint("its first line must be `key::` and a public key; an agent must hold the private one")
        .hint("or name a key: `git config --global user.signingkey ~/.ssh/id_ed25519.pub`")),
    }
}

fn missing(program: &str, setting: &str, error: &std::io::Error) -> Error {
    Error::told(format!("can't run the signing program `{program}`: {error}")).hint(format!(
        "install it, or look at `{setting}` in git's configuration"
    ))
}

impl Signer for GitSigner {
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
                        Error::told(format!("there is no signing key at {}", path.display()))
                            .hint("look at `git config user.signingkey`")
                            .hint("make a key: `ssh-keygen -t ed25519`"),
                    );
                }
                command.arg(path);
            }
            Key::Literal(line) => {
                let mut file = NamedTempFile::new_in(scratch.path()).map_err(temporary)?;
                writeln!(file, "{line}").map_err(temporary)?;
                // The key itself is in the agent.
                command.arg(file.path()).arg("-U");
                literal = Some(file);
            }
        }
        command.arg(&buffer);
        self.run(command)?;
        drop(literal);
        let signature = std::fs::read_to_string(scratch.path().join("payload.sig")).map_err(|_| {
            Error::told(format!(
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
                    .find(|line| crate::verify::PublicKey::parse(line).is_ok())
            {
                return Ok(line.to_owned());
            }
        }
        if !path.exists() {
            return Err(
                Error::told(format!("there is no signing key at {}", path.display()))
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
            return Err(Error::told(format!(
                "the public key of {} can't be read: {}",
                path.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            ))
            .hint(format!("put the public key beside it, in {}.pub", path.display())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

fn temporary(error: std::io::Error) -> Error {
    Error::Io {
        action: "write",
        path: std::env::temp_dir(),
        source: error,
    }
}

impl GitSigner {
    /// Runs the program, with the terminal for its questions, and not for ever.
    fn run(&self, mut command: Command) -> Result<(), Error> {
        let patience = std::env::var("MODELRY_SIGN_TIMEOUT")
            .ok()
            .and_then(|seconds| seconds.parse().ok())
            .map_or(PATIENCE, Duration::from_secs);
        let mut child = command
            .stdin(Stdio::inherit())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| missing(&self.program, "gpg.ssh.program", &error))?;
        // What it says is read beside, so that a full pipe can't stop it.
        let mut pipe = child.stderr.take();
        let said = std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(pipe) = &mut pipe {
                let _ = pipe.take(64 << 10).read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).trim().to_owned()
        });
        let start = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if start.elapsed() > patience => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(Error::told(format!("the signing program `{}` did not answer in {} s", self.program, patience.as_secs()))
                        .hint("is it waiting for a key to be touched, or a passphrase? try `git commit -S --allow-empty -m try`")
                        .hint("`MODELRY_SIGN_TIMEOUT=SECONDS` gives it more time"));
                }
                Ok(None) => std::thread::sleep(Duration::from_micros(300)),
                Err(error) => return Err(missing(&self.program, "gpg.ssh.program", &error)),
            }
        };
        if status.success() {
            return Ok(());
        }
        let said = said.join().unwrap_or_default();
        Err(
            Error::told(format!("the signing program `{}` refused: {said}", self.program))
                .hint("try it by hand: `git commit -S --allow-empty -m try`")
                .hint("is the key in your agent? `ssh-add -l`"),
        )
    }
}
