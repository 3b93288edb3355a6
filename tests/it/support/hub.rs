//! A repository that several clones push to, as a Git host has it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::port::free_port;
use super::{Lab, Said, said};

/// A bare repository, and the lab that it began in.
pub struct Hub {
    pub lab: Lab,
    pub bare: PathBuf,
}

/// One clone of it.
pub struct Seat<'h> {
    pub hub: &'h Hub,
    pub top: PathBuf,
}

impl Hub {
    /// The registry of [`Lab::with_registry`], with one version, on a hub.
    pub fn open() -> Hub {
        static MADE: OnceLock<Lab> = OnceLock::new();
        let lab = Lab::copy_of(&MADE, || {
            let lab = Lab::with_registry();
            lab.register("churn", '1');
            Hub::of(lab).lab
        });
        // Both repositories name the other by its whole path.
        let made = MADE.get().expect("it was copied").home().display().to_string();
        let bare = lab.home().join("hub.git");
        for config in [lab.top.join(".git/config"), bare.join("config")] {
            let text = std::fs::read_to_string(&config).expect("git's configuration");
            let text = text.replace(&made, &lab.home().display().to_string());
            std::fs::write(config, text).expect("git's configuration");
        }
        Hub { lab, bare }
    }

    /// A registry on a hub.
    pub fn of(lab: Lab) -> Hub {
        // The files of each clone, and the pinned root.
        let root = lab.root();
        std::fs::write(
            lab.home().join(".gitconfig"),
            format!("[gpg]\n\tformat = ssh\n[modelry]\n\troot = {root}\n[gc]\n\tauto = 0\n"),
        )
        .expect("a file");
        let bare = lab.home().join("hub.git");
        let hub = Hub { lab, bare };
        let address = hub.bare.to_string_lossy().into_owned();
        hub.lab.git(&["clone", "-q", "--bare", ".", &address]);
        hub.lab.git(&["remote", "add", "origin", &address]);
        hub.lab.git(&["push", "-q", "-u", "origin", "main"]);
        hub.lab.git(&["remote", "set-head", "origin", "main"]);
        hub
    }

    /// Guards it as a server is: by the hook, with the root pinned.
    #[track_caller]
    pub fn guard(&self) {
        let bare = self.bare.to_string_lossy().into_owned();
        let root = self.lab.root();
        let install = ["-C", &bare, "hook", "install", "--server", "--root", &root];
        let _ = self.lab.ok("admin-1", &install);
    }

    /// Another clone.
    pub fn seat(&self, name: &str) -> Seat<'_> {
        self.seat_with(name, &self.bare.to_string_lossy(), &[])
    }

    /// Another clone, from an address and with options.
    pub fn seat_with(&self, name: &str, address: &str, options: &[&str]) -> Seat<'_> {
        let top = self.lab.home().join(name);
        let output = self
            .lab
            .command("git")
            .args(["clone", "-q"])
            .args(options)
            .arg(address)
            .arg(&top)
            .output();
        let output = output.expect("git is needed by this test");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Seat { hub: self, top }
    }

    /// Git in the bare repository; what it printed.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.lab, "admin-1", &self.bare, arguments)
    }

    /// Returns the mainline's tip.
    #[track_caller]
    pub fn tip(&self) -> String {
        self.git(&["rev-parse", "refs/heads/main"])
    }

    /// A hook of the bare repository.
    pub fn hook(&self, name: &str, script: &str) {
        hook(&self.bare.join("hooks"), name, script);
    }

    /// The files of the hub's mainline.
    #[track_caller]
    pub fn files(&self) -> Vec<String> {
        let listed = self.git(&["ls-tree", "-r", "--name-only", "main"]);
        listed.lines().map(str::to_owned).collect()
    }

    /// The hub's history is clean, from the root, and its objects are in order.
    #[track_caller]
    pub fn check(&self) {
        let bare = self.bare.to_string_lossy().into_owned();
        let _ = self.lab.ok("admin-1", &["-C", &bare, "audit"]);
        let said = self.git(&["fsck", "--strict", "--no-dangling"]);
        assert_eq!(said, "", "git fsck --strict");
    }
}

impl Seat<'_> {
    /// Modelry in this clone, as somebody.
    pub fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = self.hub.lab.modelry(who, arguments);
        command.current_dir(&self.top);
        command
    }

    pub fn says(&self, who: &str, arguments: &[&str]) -> Said {
        said(&mut self.command(who, arguments))
    }

    /// Runs Modelry at a terminal, as [`Lab::at_terminal`] does.
    pub fn at_terminal(&self, who: &str, answer: &str, arguments: &[&str]) -> Said {
        self.hub.lab.at_terminal_in(&self.top, who, answer, arguments)
    }

    /// A command that must succeed; its standard output.
    #[track_caller]
    pub fn ok(&self, who: &str, arguments: &[&str]) -> String {
        let said = self.says(who, arguments);
        assert_eq!(said.code, 0, "modelry {arguments:?}\n{}{}", said.out, said.err);
        said.out
    }

    /// A command that must succeed; its answer.
    #[track_caller]
    pub fn json(&self, who: &str, arguments: &[&str]) -> serde_json::Value {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        serde_json::from_str(&self.ok(who, &all)).expect("JSON")
    }

    /// A command that ends like this and leaves every branch and file as it was;
    /// what it said.
    #[track_caller]
    pub fn fails(&self, who: &str, code: i32, arguments: &[&str]) -> Said {
        let state = || {
            let all = ["for-each-ref", "status --porcelain", "rev-parse HEAD"];
            all.map(|words| self.git(&words.split(' ').collect::<Vec<_>>()))
        };
        let before = (state(), self.hub.git(&["for-each-ref"]));
        let said = self.says(who, arguments);
        assert_eq!(said.code, code, "modelry {arguments:?}\n{}{}", said.out, said.err);
        assert_eq!(
            before,
            (state(), self.hub.git(&["for-each-ref"])),
            "nothing is left half done"
        );
        said
    }

    /// Git in this clone; what it printed.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.hub.lab, "admin-1", &self.top, arguments)
    }

    /// Whether this clone's mainline, its files and its memory are where the hub is.
    #[track_caller]
    pub fn in_step(&self) {
        assert_eq!(self.git(&["rev-parse", "main"]), self.hub.tip());
        assert_eq!(self.git(&["status", "--porcelain"]), "");
        assert_eq!(self.git(&["rev-parse", "origin/main"]), self.hub.tip());
    }

    /// A hook of this clone.
    pub fn hook(&self, name: &str, script: &str) {
        let folder = self.git(&["rev-parse", "--git-path", "hooks"]);
        hook(&self.top.join(folder), name, script);
    }

    /// Registers a model of this mark; its version.
    #[track_caller]
    pub fn register(&self, mark: &str, more: &[&str]) -> serde_json::Value {
        self.json("trainer", &registering(&model(mark), more))
    }
}

/// A model that is not another's: its address and digest.
pub fn model(mark: &str) -> (String, String) {
    let digest = modelry::testing::record::canonical::sha256(mark.as_bytes());
    (format!("s3://models/{mark}"), digest.to_string())
}

/// The words that register a model in `churn`.
pub fn registering<'m>((uri, digest): &'m (String, String), more: &[&'m str]) -> Vec<&'m str> {
    let mut words = vec!["register", "churn", "--artifact", uri, "--digest", digest];
    words.extend(more);
    words
}

fn hook(folder: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(folder).expect("a folder");
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a hook");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[track_caller]
fn git(lab: &Lab, who: &str, top: &Path, arguments: &[&str]) -> String {
    let mut command = lab.command("git");
    lab.as_actor(&mut command, who);
    let output = command.args(arguments).current_dir(top).output().expect("git");
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// A server of ssh on this machine alone, with its own configuration.
pub struct Sshd {
    server: Option<Child>,
    folder: PathBuf,
    port: u16,
}

impl Sshd {
    /// Serves the hub to the keys of these people.
    pub fn serve(hub: &Hub, people: &[&str]) -> Sshd {
        let lab = &hub.lab;
        let folder = lab.home().join("sshd");
        std::fs::create_dir_all(&folder).expect("a folder");
        let host = lab.key("host");
        let public = |who: &str| std::fs::read_to_string(lab.public_key(who)).expect("a key");
        let keys: String = people.iter().map(|who| public(who)).collect();
        std::fs::write(folder.join("authorized_keys"), keys).expect("a file");
        let root = user() == "root";
        if root {
            // The package's service makes it; a machine without services lacks it.
            std::fs::create_dir_all("/run/sshd").expect("sshd's own folder");
        }
        hook(
            &folder,
            "session",
            &format!(
                "export HOME='{}' PATH='{}' GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8\necho \"$SSH_CLIENT\" >> '{}/calls'\nexec git-shell -c \"$SSH_ORIGINAL_COMMAND\"",
                lab.home().display(),
                std::env::var("PATH").unwrap_or_default(),
                folder.display()
            ),
        );
        let port = free_port();
        std::fs::write(
            folder.join("sshd_config"),
            format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {}\nPidFile none\nStrictModes no\nUsePAM {}\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nAuthorizedKeysFile {}/authorized_keys\nForceCommand {}/session\nSetEnv HOME={} SHLVL=2\nMaxStartups 200\nLogLevel ERROR\n",
                host.display(),
                if root { "yes" } else { "no" },
                folder.display(),
                folder.display(),
                // The shell reads the files in there before it does anything; below
                // another shell it does not read its user's files for terminals.
                folder.display(),
            ),
        )
        .expect("a file");
        let key = public("host");
        let words: Vec<&str> = key.split(' ').take(2).collect();
        std::fs::write(
            folder.join("known_hosts"),
            format!("[127.0.0.1]:{port} {}\n", words.join(" ")),
        )
        .expect("a file");
        let mut sshd = Sshd {
            server: None,
            folder,
            port,
        };
        sshd.start();
        sshd
    }

    /// Starts it, and waits until it listens.
    pub fn start(&mut self) {
        let log = std::fs::File::create(self.folder.join("log")).expect("a file");
        let server = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(self.folder.join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.server = Some(server.expect("sshd is needed by this test: openssh-server"));
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "sshd does not listen: {}",
                std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it and all its child processes, at once.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let mut all = vec![server.id()];
        let mut next = 0;
        while next < all.len() {
            all.extend(children(all[next]));
            next += 1;
        }
        let ids: Vec<String> = all.iter().map(ToString::to_string).collect();
        // Some may have ended by themselves.
        let _ = Command::new("kill")
            .arg("-KILL")
            .args(&ids)
            .stderr(Stdio::null())
            .status();
        let _ = server.wait();
    }

    /// From where it was called since this was asked last, call by call.
    pub fn calls(&self) -> Vec<String> {
        let file = self.folder.join("calls");
        let calls = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(&file);
        calls.lines().map(str::to_owned).collect()
    }

    /// The address of the hub.
    pub fn address(&self, hub: &Hub) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", user(), self.port, hub.bare.display())
    }

    /// How somebody calls it, for git's `core.sshCommand`.
    pub fn command(&self, lab: &Lab, who: &str) -> String {
        format!(
            "ssh -F /dev/null -i '{}' -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o UserKnownHostsFile='{}'",
            lab.key(who).display(),
            self.folder.join("known_hosts").display()
        )
    }

    /// A clone over ssh, for somebody.
    pub fn seat<'h>(&self, hub: &'h Hub, who: &str) -> Seat<'h> {
        let ssh = format!("core.sshCommand={}", self.command(&hub.lab, who));
        hub.seat_with(&format!("seat-{who}"), &self.address(hub), &["-c", &ssh])
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn children(id: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let listed = listed.unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}
