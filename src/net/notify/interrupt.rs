//! Passes signals on to the program that handles an event. The program has its own
//! process group, so Ctrl-C, `kill` and a hangup reach only this command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// The signals that end a command.
const ENDING: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// A record of signals received.
pub(super) struct Interrupt {
    /// Whether no program runs, so that a signal has its usual effect at once.
    is_idle: Arc<AtomicBool>,
    /// The signal that came while a program ran; zero for none.
    came: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Starts listening. Signals that were ignored at the start, as under `nohup`,
    /// stay ignored.
    ///
    /// # Errors
    /// The system can't install a handler.
    pub fn listen() -> std::io::Result<Interrupt> {
        let interrupt = Interrupt {
            is_idle: Arc::new(AtomicBool::new(true)),
            came: Arc::default(),
        };
        let ignored = ignored();
        for signal in ENDING {
            if ignored >> (signal - 1) & 1 == 1 {
                continue;
            }
            let number = usize::try_from(signal).unwrap_or_default();
            let _ = flag::register_conditional_default(signal, interrupt.is_idle.clone())?;
            let _ = flag::register_usize(signal, interrupt.came.clone(), number)?;
        }
        Ok(interrupt)
    }

    /// Runs a function that a signal does not interrupt; the function checks for
    /// signals itself.
    pub fn hold<T>(&self, run: impl FnOnce() -> T) -> T {
        self.is_idle.store(false, Ordering::SeqCst);
        let done = run();
        self.is_idle.store(true, Ordering::SeqCst);
        done
    }

    /// Returns the signal that came while a program ran.
    pub fn signal(&self) -> Option<Signal> {
        let came = i32::try_from(self.came.load(Ordering::SeqCst)).ok()?;
        Signal::from_named_raw(came)
    }

    /// Ends this process as the signal would have.
    pub fn obey(signal: Signal) -> ! {
        let _ = low_level::emulate_default_handler(signal.as_raw());
        std::process::exit(128 + signal.as_raw())
    }
}

/// Returns the signals that this process ignores, one bit each (proc(5), `SigIgn`);
/// zero where the system does not report them.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}
