//! Real servers on loopback: sshd, and lighttpd before git's http-backend.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Guarded;
use super::commit::which;
use crate::support::port::free_port;
use crate::support::{Said, said};

/// A program that serves until the test ends.
pub struct Served {
    child: Child,
    pub port: u16,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of the system's, which may be off the path.
fn system(program: &str) -> PathBuf {
    let place = Path::new("/usr/sbin").join(program);
    if place.exists() {
        place
    } else {
        PathBuf::from(which(program))
    }
}

/// Starts a server on a port that is free, and waits until it answers.
fn start(log: &Path, command: impl Fn(u16) -> Command) -> Served {
    for _ in 0..5 {
        let port = free_port();
        let file = std::fs::File::create(log).expect("a log");
        let mut command = command(port);
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a log"))
            .stderr(file);
        let mut child = command.spawn().expect("the server starts");
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Served { child, port };
            }
            if child.try_wait().expect("a child").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    panic!("no server: {}", std::fs::read_to_string(log).unwrap_or_default());
}

/// Returns the user who runs the tests, as sshd knows them.
fn me() -> String {
    let said = said(Command::new("id").arg("-un"));
    said.out.trim().to_owned()
}

impl Guarded {
    /// Starts sshd, where `admin-1` and `trainer` log in with their keys as one user
    /// of the system, and can run only git. A program that git runs there has no
    /// home, and a bare path.
    pub fn ssh(&self) -> Served {
        let home = self.lab.home().join("sshd");
        std::fs::create_dir_all(&home).expect("a folder");
        let host_key = home.join("host");
        let made = said(
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "throwaway host key", "-f"])
                .arg(&host_key),
        );
        assert_eq!(made.code, 0, "{}", made.err);
        let git = which("git");
        let mut authorized = String::new();
        for who in ["admin-1", "trainer"] {
            let key = std::fs::read_to_string(self.lab.public_key(who)).expect("a key");
            let command = format!(
                "exec env -i PATH=/usr/bin:/bin GIT_CONFIG_NOSYSTEM=1 GIT_PROTOCOL=\\\"$GIT_PROTOCOL\\\" {git} shell -c \\\"$SSH_ORIGINAL_COMMAND\\\""
            );
            authorized.push_str(&format!("command=\"{command}\",restrict {}\n", key.trim()));
        }
        std::fs::write(home.join("authorized_keys"), authorized).expect("written");
        // A shell below another one does not read what its user keeps for terminals,
        // which may wait for anything.
        let config = format!(
            "SetEnv SHLVL=2\nHostKey {host}\nAuthorizedKeysFile {keys}\nPidFile none\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nUsePAM no\nAcceptEnv GIT_PROTOCOL\nListenAddress 127.0.0.1\n",
            host = host_key.display(),
            keys = home.join("authorized_keys").display(),
        );
        std::fs::write(home.join("config"), config).expect("written");
        // Root's sshd asks for this folder, which the system makes at its start.
        if me() == "root" {
            std::fs::create_dir_all("/run/sshd").expect("/run/sshd");
        }
        start(&home.join("log"), |port| {
            let mut command = Command::new(system("sshd"));
            command.args(["-D", "-e", "-f"]).arg(home.join("config"));
            command.args(["-p", &port.to_string()]);
            command
        })
    }

    /// lighttpd before git's http-backend, where `admin-1` and `trainer` come in
    /// with a password.
    pub fn http(&self) -> Served {
        let home = self.lab.home().join("httpd");
        std::fs::create_dir_all(&home).expect("a folder");
        std::fs::write(home.join("users"), "admin-1:one\ntrainer:two\n").expect("written");
        let core = said(Command::new("git").arg("--exec-path"));
        let config = format!(
            r#"
server.modules = ("mod_auth", "mod_authn_file", "mod_alias", "mod_setenv", "mod_cgi")
server.document-root = "{home}"
server.bind = "127.0.0.1"
server.port = env.HTTP_PORT
alias.url = ("/git" => "{core}/git-http-backend")
auth.backend = "plain"
auth.backend.plain.userfile = "{home}/users"
auth.require = ("/git" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
setenv.set-environment = ("GIT_PROJECT_ROOT" => "{root}", "GIT_HTTP_EXPORT_ALL" => "1", "GIT_CONFIG_NOSYSTEM" => "1", "PATH" => "/usr/bin:/bin")
cgi.assign = ("" => "")
"#,
            home = home.display(),
            core = core.out.trim(),
            root = self.lab.home().display(),
        );
        std::fs::write(home.join("config"), config).expect("written");
        start(&home.join("log"), |port| {
            let mut command = Command::new(system("lighttpd"));
            command
                .env_clear()
                .env("HTTP_PORT", port.to_string())
                .args(["-D", "-f"])
                .arg(home.join("config"));
            command
        })
    }

    /// A push by git's protocol version, over ssh.
    pub fn push_ssh(&self, server: &Served, protocol: &str, who: &str, references: &[&str]) -> Said {
        let url = format!("ssh://{}@127.0.0.1:{}{}", me(), server.port, self.bare.display());
        let ssh = format!(
            "ssh -F none -i '{}' -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
            self.lab.key(who).display()
        );
        self.push_over(&url, protocol, who, references, Some(&ssh))
    }

    /// A push by git's protocol version, over smart http.
    pub fn push_http(&self, server: &Served, protocol: &str, who: &str, references: &[&str]) -> Said {
        let password = if who == "admin-1" { "one" } else { "two" };
        let url = format!("http://{who}:{password}@127.0.0.1:{}/git/models.git", server.port);
        self.push_over(&url, protocol, who, references, None)
    }

    fn push_over(
        &self,
        url: &str,
        protocol: &str,
        who: &str,
        references: &[&str],
        ssh: Option<&str>,
    ) -> Said {
        let mut command = self.lab.command("git");
        self.lab.as_actor(&mut command, who);
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("no_proxy", "127.0.0.1");
        if let Some(ssh) = ssh {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        let protocol = format!("protocol.version={protocol}");
        command.args(["-c", &protocol, "push"]);
        command.args(references.iter().filter(|reference| reference.starts_with('-')));
        command.arg(url);
        command.args(references.iter().filter(|reference| !reference.starts_with('-')));
        said(command.current_dir(&self.lab.top))
    }
}
