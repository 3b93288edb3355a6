//! Real GnuPG in the sealed home of a lab, with throwaway keys and no agent
//! left behind.

use std::io::Write;
use std::process::{Command, Stdio};

use super::Lab;

/// The GnuPG of one lab.
pub struct Gnupg<'l> {
    lab: &'l Lab,
}

impl Drop for Gnupg<'_> {
    fn drop(&mut self) {
        let _ = self.lab.command("gpgconf").args(["--kill", "all"]).status();
    }
}

impl<'l> Gnupg<'l> {
    /// An empty keyring.
    pub fn new(lab: &'l Lab) -> Gnupg<'l> {
        let home = lab.home().join("g");
        std::fs::create_dir_all(&home).expect("a folder");
        let closed = Command::new("chmod").arg("700").arg(&home).status();
        assert!(closed.expect("chmod").success());
        Gnupg { lab }
    }

    /// gpg with these arguments and this input; what it printed, and whether it
    /// was content.
    pub fn try_run(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        let mut child = self
            .lab
            .command("gpg")
            .args([
                "--batch",
                "--quiet",
                "--no-tty",
                "--passphrase",
                "",
                "--pinentry-mode",
                "loopback",
            ])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gpg is needed by this test");
        let _ = child.stdin.take().expect("a pipe").write_all(input);
        let output = child.wait_with_output().expect("gpg");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// As [`Gnupg::try_run`], when it must be content.
    #[track_caller]
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> String {
        self.try_run(arguments, input)
            .unwrap_or_else(|told| panic!("gpg {arguments:?}: {told}"))
    }

    /// A new certificate of `NAME <NAME@example.com>`; its fingerprint.
    #[track_caller]
    pub fn certificate(&self, name: &str, algorithm: &str, usage: &str) -> String {
        let uid = format!("{name} <{name}@example.com>");
        self.run(&["--quick-generate-key", &uid, algorithm, usage, "never"], b"");
        self.fingerprints(name)[0].clone()
    }

    /// Fingerprints of the primary key and of the subkeys.
    pub fn fingerprints(&self, name: &str) -> Vec<String> {
        let listed = self.run(&["--with-colons", "--list-keys", name], b"");
        listed
            .lines()
            .filter_map(|line| line.strip_prefix("fpr:"))
            .map(|line| line.trim_matches(':').to_owned())
            .collect()
    }

    /// The armoured certificate.
    pub fn export(&self, name: &str) -> String {
        self.run(
            &["--armor", "--export-options", "export-minimal", "--export", name],
            b"",
        )
    }

    /// A file with the armoured certificate.
    pub fn file(&self, name: &str) -> String {
        let path = self.lab.home().join(format!("{name}.asc"));
        std::fs::write(&path, self.export(name)).expect("a file");
        path.display().to_string()
    }

    /// A detached, armoured signature of these bytes.
    #[track_caller]
    pub fn sign(&self, arguments: &[&str], payload: &[u8]) -> String {
        self.run(&[arguments, &["--armor", "--detach-sign"]].concat(), payload)
    }
}
