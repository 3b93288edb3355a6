//! A program as the receiver: the event on its standard input, its exit status
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

/// How long a program may still take that was told to end.
#[cfg(unix)]
const GRACE: Duration = Duration::from_secs(5);

/// A program that is started once for each try. No shell reads its name or its
/// arguments.
pub struct Program {
    /// As it was named.
    name: OsString,
    /// What is run.
    path: PathBuf,
    arguments: Vec<OsString>,
    folder: PathBuf,
    timeout: Duration,
    #[cfg(unix)]
    interrupt: Interrupt,
}

impl Program {
    /// A program, by its path from `folder` or its name in `PATH`, that is run
    /// in `folder`, an absolute path.
    ///
    /// # Errors
    /// When the system lets nobody listen for signals.
    pub fn new(
        name: &Path,
        arguments: &[OsString],
        folder: &Path,
        timeout: Duration,
    ) -> std::io::Result<Program> {
        Ok(Program {
            name: name.as_os_str().to_owned(),
            path: match name.components().count() {
                // `./x` has two, and is not looked for in PATH.
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
            // None of its business.
            .env_remove("MODELRY_WEBHOOK_SECRET")
            .env_remove("MODELRY_WEBHOOK_URL")
            .stdin(Stdio::piped())
            // Standard output is this command's own.
            .stdout(Stdio::from(std::io::stderr()))
            .stderr(Stdio::inherit());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // A group of its own, so that what it started ends with it.
            command.process_group(0);
        }
        command.spawn()
    }

    /// One try: started, and waited for.
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
            // A line of its own.
            let body = [body, b"\n"].concat();
            // Whether it reads all of it, or any, is its own affair.
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

    /// Passes the signal on to the program and all that it started, and lets it
    /// come to its end. Whatever that is, the event is told again: a program that
    /// cleans up may end well without having done its work.
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
            // What was taken is noted first.
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

/// The group that a program and all that it started are in.
#[cfg(unix)]
fn group(child: &Child) -> Option<rustix::process::Pid> {
    let id = i32::try_from(child.id()).ok()?;
    rustix::process::Pid::from_raw(id)
}

/// Kills a program with all that it started.
fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = group(child) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}
