//! A program as the receiver: the event is its standard input, and its exit status is
//! the answer.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::answer::Verdict;
use super::delivery::Sink;
#[cfg(unix)]
use super::interrupt::Interrupt;
use crate::base::shell_word;

/// The time that a program may still take after the signal to end.
#[cfg(unix)]
const GRACE: Duration = Duration::from_secs(5);

/// A program that is started once for each attempt, without a shell.
pub struct Program {
    /// The name as the user gave it.
    name: OsString,
    /// The path of the program.
    path: PathBuf,
    arguments: Vec<OsString>,
    folder: PathBuf,
    timeout: Duration,
    #[cfg(unix)]
    interrupt: Interrupt,
}

impl Program {
    /// Finds a program by its path from `folder` or its name in `PATH`. It runs in
    /// `folder`, an absolute path.
    ///
    /// # Errors
    /// The system can't install signal handlers.
    pub fn new(
        name: &Path,
        arguments: &[OsString],
        folder: &Path,
        timeout: Duration,
    ) -> std::io::Result<Program> {
        Ok(Program {
            name: name.as_os_str().to_owned(),
            path: match name.components().count() {
                // `./x` has two components, and is not looked up in PATH.
                1 => name.to_owned(),
                _ => folder.join(name),
            },
            arguments: arguments.to_vec(),
            folder: folder.to_owned(),
            timeout,
            #[cfg(unix)]
            interrupt: Interrupt::listen()?,
        })
    }

    fn start(&self, id: &str) -> std::io::Result<Child> {
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env("MODELRY_EVENT_ID", id)
            // The program has no use for the secret.
            .env_remove("MODELRY_WEBHOOK_SECRET")
            .env_remove("MODELRY_WEBHOOK_URL")
            .stdin(Stdio::piped())
            // Standard output belongs to this command.
            .stdout(Stdio::from(std::io::stderr()))
            .stderr(Stdio::inherit());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // A process group of its own, so that its child processes end with it.
            command.process_group(0);
        }
        command.spawn()
    }

    /// Makes one attempt: starts the program, and waits for it.
    fn run(&self, id: &str, body: &[u8]) -> Verdict {
        let mut child = match self.start(id) {
            Ok(child) => child,
            Err(error) => {
                let hint = match error.kind() {
                    ErrorKind::PermissionDenied if self.path.is_file() => format!(
                        "make it a program: `chmod +x {}`",
                        shell_word(&self.path.to_string_lossy())
                    ),
                    _ => {
                        "`--exec` takes a program's path or name alone; its arguments stand after `--`".into()
                    }
                };
                return Verdict::Stop(format!("it can't be run: {error}"), Some(hint));
            }
        };
        if let Some(mut pipe) = child.stdin.take() {
            // The event is one line.
            let body = [body, b"\n"].concat();
            // The program may read all of it, a part, or nothing.
            std::thread::spawn(move || pipe.write_all(&body));
        }
        let start = Instant::now();
        let mut pause = Duration::from_micros(300);
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return verdict(status),
                #[cfg(unix)]
                Ok(None) if self.interrupt.signal().is_some() => {
                    return self.interrupted(child);
                }
                Ok(None) if start.elapsed() >= self.timeout => {
                    end(&mut child);
                    return Verdict::Again(
                        format!(
                            "it did not end in {} s, and was killed",
                            self.timeout.as_secs_f64()
                        ),
                        None,
                    );
                }
                Ok(None) => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                Err(error) => {
                    end(&mut child);
                    return Verdict::Again(format!("it was lost: {error}"), None);
                }
            }
        }
    }

    /// Passes the signal on to the program and its child processes, and waits for the
    /// end. The event counts as not delivered, whatever the exit status: a program
    /// may exit with success after a cleanup, without having handled the event.
    #[cfg(unix)]
    fn interrupted(&self, mut child: Child) -> Verdict {
        if let (Some(signal), Some(group)) = (self.interrupt.signal(), group(&child)) {
            let _ = rustix::process::kill_process_group(group, signal);
        }
        let start = Instant::now();
        while start.elapsed() < GRACE && matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        end(&mut child);
        Verdict::Again("it was interrupted".into(), None)
    }
}

impl Sink for Program {
    #[cfg(unix)]
    fn tell(&self, id: &str, body: &[u8]) -> Verdict {
        if let Some(signal) = self.interrupt.signal() {
            Interrupt::obey(signal);
        }
        let verdict = self.interrupt.hold(|| self.run(id, body));
        match (self.interrupt.signal(), &verdict) {
            // An accepted event is recorded before the signal is obeyed.
            (None, _) | (_, Verdict::Taken) => verdict,
            (Some(signal), _) => Interrupt::obey(signal),
        }
    }

    #[cfg(not(unix))]
    fn tell(&self, id: &str, body: &[u8]) -> Verdict {
        self.run(id, body)
    }

    fn shown(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    fn address(&self) -> Vec<u8> {
        let mut all = b"exec".to_vec();
        for word in std::iter::once(&self.name).chain(&self.arguments) {
            all.push(0);
            all.extend_from_slice(word.as_encoded_bytes());
        }
        all
    }
}

fn verdict(status: ExitStatus) -> Verdict {
    match status.success() {
        true => Verdict::Taken,
        // `exit status: 1`, `signal: 9 (SIGKILL)`.
        false => Verdict::Again(format!("it ended with {status}"), None),
    }
}

/// Returns the process group of a program and its child processes.
#[cfg(unix)]
fn group(child: &Child) -> Option<rustix::process::Pid> {
    let id = i32::try_from(child.id()).ok()?;
    rustix::process::Pid::from_raw(id)
}

/// Kills a program with its child processes.
fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = group(child) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}
