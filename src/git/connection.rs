//! A shared ssh connection for everything that a command asks of a remote. A
//! handshake takes longer than the requests themselves, and another push can land
//! during the handshake of a push.

use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Repo;
use crate::base::Error;
use crate::record::kind::{Address, Form};

/// Seconds after which an idle connection closes by itself.
const IDLE: u32 = 20;

/// The longest path of a socket that works on every system, with the suffix that ssh
/// adds while it creates the socket.
const PATH_LENGTH: usize = 80;

/// A connection that stays open between calls of git.
pub(super) struct Connection {
    /// The ssh program and its options, for git's `GIT_SSH_COMMAND`.
    pub command: String,
    destination: Destination,
    _folder: TempDir,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // If the control command fails, the master exits after `IDLE` seconds.
        let _ = self.destination.ssh(&self.command, &["-O", "exit"]).status();
    }
}

/// The host that ssh connects to, with the user before it. It has no `Debug`, since a
/// password may follow the user.
#[derive(PartialEq, Eq)]
struct Destination {
    host: String,
    port: Option<String>,
}

impl Destination {
    /// Returns the destination of a remote's address, or `None` when git does not use
    /// ssh for it.
    fn of(address: &Address) -> Option<Destination> {
        let parts = address.as_remote();
        let is_ssh = parts.form == Form::Scp
            || (parts.form == Form::Url && parts.has_scheme(&["ssh", "git+ssh", "ssh+git"]));
        // Numeric addresses in brackets are left to git.
        let host = parts.host();
        if !is_ssh || host.is_empty() || host.contains(['[', ']']) {
            return None;
        }
        let host = match parts.expose_login().unwrap_or_default() {
            "" => host.to_owned(),
            user => format!("{user}@{host}"),
        };
        let port = parts.port().map(str::to_owned);
        (!host.starts_with('-')).then_some(Destination { host, port })
    }

    /// Returns the ssh command that git would run.
    fn ssh(&self, command: &str, options: &[&str]) -> Command {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{command} \"$@\""), "ssh"])
            .args(options);
        if let Some(port) = &self.port {
            shell.args(["-p", port]);
        }
        shell.arg(&self.host).stdin(Stdio::null()).stdout(Stdio::null());
        shell.stderr(Stdio::null());
        shell
    }
}

impl Repo {
    /// Makes all further requests to this remote share one connection, where git uses
    /// OpenSSH and the user has not configured shared connections already.
    pub fn share_connection(&self, remote: &str) -> Result<(), Error> {
        let wanted = self.flag("modelry.shareConnection")?;
        if cfg!(not(unix)) || wanted == Some(false) {
            return Ok(());
        }
        let address = self.remote_address(remote)?;
        let Some(destination) = Destination::of(&address) else {
            return Ok(());
        };
        let is_open = |connection: &Connection| connection.destination == destination;
        if self.connection.borrow().as_ref().is_some_and(is_open) {
            return Ok(());
        }
        // A fetch from another address does not share the connection.
        if self.fetch_address(remote)? != address {
            return Ok(());
        }
        let Some(command) = self.open_ssh()? else {
            return Ok(());
        };
        let configured = destination.ssh(&command, &["-G"]).stdout(Stdio::piped()).output();
        let is_shared = |text: &str| {
            let mut lines = text.lines().map(str::to_ascii_lowercase);
            lines.any(|line| line.starts_with("controlpath ") && line != "controlpath none")
        };
        match configured {
            Ok(output) if output.status.success() => {
                if is_shared(&String::from_utf8_lossy(&output.stdout)) {
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
        // Without a folder for the socket, each call has its own connection.
        let Ok(folder) = tempfile::Builder::new().prefix("modelry-").tempdir() else {
            return Ok(());
        };
        let socket = folder.path().join("s");
        let Some(socket) = socket
            .to_str()
            .filter(|path| path.len() <= PATH_LENGTH && !path.contains(['\'', '%', '"', ' ', '\\', '$']))
        else {
            return Ok(());
        };
        self.connection.replace(Some(Connection {
            command: format!(
                "{command} -o ControlMaster=auto -o ControlPath='{socket}' -o ControlPersist={IDLE} -o ServerAliveInterval=15"
            ),
            destination,
            _folder: folder,
        }));
        Ok(())
    }

    /// Returns the command by which git runs ssh, when that is OpenSSH.
    fn open_ssh(&self) -> Result<Option<String>, Error> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let variant = match variable("GIT_SSH_VARIANT") {
            Some(variant) => Some(variant),
            None => self.config("ssh.variant"),
        };
        if variant.is_some_and(|variant| variant != "ssh" && variant != "auto") {
            return Ok(None);
        }
        let command = match variable("GIT_SSH_COMMAND") {
            Some(command) => command,
            None => match self
                .config("core.sshCommand")
                .filter(|command| !command.is_empty())
            {
                Some(command) => command,
                None if variable("GIT_SSH").is_some() => return Ok(None),
                None => "ssh".to_owned(),
            },
        };
        let program = command.split_whitespace().next().unwrap_or_default();
        let is_open_ssh = program.rsplit('/').next() == Some("ssh");
        // Options can't be appended to a command with these characters.
        let is_plain = !command.contains([';', '&', '|', '#', '\n', '<', '>']);
        Ok((is_open_ssh && is_plain).then_some(command))
    }
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn whom_ssh_calls() {
        let of = |address: &str| {
            let found = Destination::of(&address.into())?;
            Some((found.host, found.port.unwrap_or_default()))
        };
        let is = |host: &str, port: &str| Some((host.to_owned(), port.to_owned()));
        assert_eq!(of("git@example.com:ml/models"), is("git@example.com", ""));
        assert_eq!(of("example.com:models"), is("example.com", ""));
        assert_eq!(of("ssh://git@example.com/models"), is("git@example.com", ""));
        assert_eq!(of("ssh://example.com:2222/models"), is("example.com", "2222"));
        for other in [
            "https://example.com/models",
            "/srv/models",
            "./a:b",
            "file:///srv/models",
            "ssh://[::1]:22/models",
            "-oProxyCommand=x:y",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
