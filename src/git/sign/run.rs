//! Runs a signing program, with access to the terminal and with a time limit.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::base::Error;

/// The time limit of a signing program; the user may have to find a hardware key.
const PATIENCE: Duration = Duration::from_secs(120);

/// The most output that is read, in bytes.
const LARGEST: u64 = 256 << 10;

/// The output of a program.
pub struct Written {
    /// Whether it exited with success.
    pub success: bool,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub beside: String,
}

/// Runs the program that the setting names, with `input` or the terminal as its
/// standard input.
///
/// # Errors
/// The program is missing or hangs.
pub fn run(mut command: Command, input: Option<&[u8]>, setting: &str) -> Result<Written, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let patience = std::env::var("MODELRY_SIGN_TIMEOUT")
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .map_or(PATIENCE, Duration::from_secs);
    let mut child = command
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::inherit()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| missing(&program, setting, &error))?;
    // Threads read its output and write its input, so that neither a full pipe nor
    // early output can block it.
    let out = listen(child.stdout.take());
    let beside = listen(child.stderr.take());
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        let input = input.to_vec();
        std::thread::spawn(move || pipe.write_all(&input));
    }
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() > patience => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Error::msg(format!("the signing program `{program}` did not answer in {} s", patience.as_secs()))
                    .hint("is it waiting for a key to be touched, or a passphrase? try `git commit -S --allow-empty -m try`")
                    .hint("`MODELRY_SIGN_TIMEOUT=SECONDS` gives it more time"));
            }
            Ok(None) => std::thread::sleep(Duration::from_micros(300)),
            Err(error) => return Err(missing(&program, setting, &error)),
        }
    };
    Ok(Written {
        success: status.success(),
        out: out.join().unwrap_or_default(),
        beside: beside.join().unwrap_or_default(),
    })
}

fn listen(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(LARGEST).read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).trim().to_owned()
    })
}

/// Returns the error for a program that failed to sign.
pub fn refused(program: &str, said: &str, setting: &str) -> Error {
    let words: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("[GNUPG:]"))
        .collect();
    let error = Error::msg(format!(
        "the signing program `{program}` refused: {}",
        words.join("\n").trim()
    ))
    .hint("try it by hand: `git commit -S --allow-empty -m try`");
    if setting == "gpg.ssh.program" {
        error.hint("is the key in your agent? `ssh-add -l`")
    } else {
        error.hint("is the secret key there, and its time not over? `gpg --list-secret-keys`")
    }
}

/// Returns the error for a program that can't be run.
pub fn missing(program: &str, setting: &str, error: &std::io::Error) -> Error {
    Error::msg(format!("can't run the signing program `{program}`: {error}")).hint(format!(
        "install it, or look at `{setting}` in git's configuration"
    ))
}

/// Returns the error for a temporary file.
pub fn temporary(error: std::io::Error) -> Error {
    Error::Io {
        action: "write",
        path: std::env::temp_dir(),
        source: error,
    }
}
