//! A signal that ends this command while a program runs for it: the program has a
//! group of its own, so the terminal's Ctrl-C, a `kill` and a hangup reach only
//! this command, and are passed on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// The signals that end a command whose user has enough of it.
const ENDING: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Whether such a signal came.
pub(super) struct Interrupt {
    /// Nothing runs, so that a signal has its usual effect at once.
    is_idle: Arc<AtomicBool>,
    /// The signal that came while something ran; zero when none did.
    came: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Listens from now on. What this process was started to ignore, as `nohup`
    /// does it, stays ignored.
    ///
    /// # Errors
    /// When the system gives no handler.
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

    /// Runs something that a signal does not end at once: it looks for one itself.
    pub fn hold<T>(&self, run: impl FnOnce() -> T) -> T {
        self.is_idle.store(false, Ordering::SeqCst);
        let done = run();
        self.is_idle.store(true, Ordering::SeqCst);
        done
    }

    /// The signal that came while something ran.
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

/// The signals that this process ignores, a bit each (proc(5), `SigIgn`); none
/// where the system does not tell.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}
