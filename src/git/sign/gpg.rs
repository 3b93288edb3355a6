//! OpenPGP signatures, made as git makes them: by `gpg -bsau`.
//!
//! Source: `sign_buffer_gpg` in gpg-interface.c of git; doc/DETAILS of GnuPG.

use std::process::Command;

use super::Signer;
use super::run::{refused, run};
use crate::base::Error;

const SETTING: &str = "gpg.program";

/// Signs with `gpg`, or the configured replacement.
pub struct GpgSigner {
    /// The value of `user.signingKey`, or the committer's name and address.
    pub key: String,
    /// The value of `gpg.program`.
    pub program: String,
}

impl Signer for GpgSigner {
    fn sign(&self, _namespace: &str, payload: &[u8]) -> Result<String, Error> {
        let mut command = Command::new(&self.program);
        command.args(["--status-fd=2", "-bsau", &self.key]);
        let written = run(command, Some(payload), SETTING)?;
        // As in git: gpg's own status line decides whether a signature was made.
        let created = |line: &str| line.starts_with("[GNUPG:] SIG_CREATED ");
        if !written.success || !written.beside.lines().any(created) {
            return Err(refused(&self.program, &written.beside, SETTING));
        }
        Ok(written.out.replace("\r\n", "\n") + "\n")
    }

    fn public_key(&self) -> Result<String, Error> {
        let primary = self.primary()?;
        let mut command = Command::new(&self.program);
        command.args([
            "--batch",
            "--armor",
            "--export-options",
            "export-minimal",
            "--export",
            &primary,
        ]);
        let written = run(command, None, SETTING)?;
        if !written.success || written.out.is_empty() {
            return Err(self.none());
        }
        Ok(written.out + "\n")
    }
}

impl GpgSigner {
    /// Returns the fingerprint of the primary key that gpg would use: the first
    /// secret key of that name that has not expired.
    fn primary(&self) -> Result<String, Error> {
        let mut command = Command::new(&self.program);
        command.args(["--batch", "--with-colons", "--list-secret-keys", "--"]);
        // A `!` selects exactly that subkey, so it is left out to find the
        // certificate.
        command.arg(self.key.trim_end_matches('!'));
        let listed = run(command, None, SETTING)?;
        let mut usable = false;
        for line in listed.out.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            match (fields[0], fields.get(1), fields.get(9)) {
                ("sec", Some(validity), _) => usable = !matches!(*validity, "r" | "e" | "i" | "d" | "n"),
                ("fpr", _, Some(print)) if usable => return Ok((*print).to_owned()),
                _ => {}
            }
        }
        Err(self.none())
    }

    fn none(&self) -> Error {
        Error::msg(format!("gpg has no secret key for `{}`", self.key))
            .hint("look at `gpg --list-secret-keys` and `git config user.signingkey`")
            .hint("make a key: `gpg --quick-generate-key \"$(git config user.email)\" ed25519 sign`")
    }
}
