//! Delivers events one after the other, and tries each until it is accepted or the
//! time is over.

use std::time::{Duration, Instant};

use super::answer::Verdict;
use crate::base::Error;
use crate::net::backoff;

/// A receiver of events.
pub trait Sink {
    /// Tries once to deliver an event: its id, and its JSON.
    fn tell(&self, id: &str, body: &[u8]) -> Verdict;
    /// Returns the receiver's name, without secrets.
    fn shown(&self) -> String;
    /// Returns the receiver's identity, which is never printed.
    fn address(&self) -> Vec<u8>;
}

/// The time for which each event is tried.
#[derive(Clone, Copy, Debug)]
pub struct RetryBudget(pub Duration);

/// An event that was not accepted.
#[derive(Debug)]
pub struct Untaken {
    /// The reason, in a few words.
    pub why: String,
    /// The full error, with a remedy.
    pub error: Error,
}

/// Delivers one event. `again` is called for each failure that may pass, with the
/// wait after it.
///
/// # Errors
/// The receiver refuses the event, or does not accept it in time.
pub fn deliver(
    sink: &dyn Sink,
    (id, body): (&str, &[u8]),
    patience: RetryBudget,
    again: &mut dyn FnMut(&str, Duration),
) -> Result<(), Untaken> {
    let start = Instant::now();
    let mut tries = 0_u32;
    loop {
        tries = tries.saturating_add(1);
        let (what, asked) = match sink.tell(id, body) {
            Verdict::Taken => return Ok(()),
            Verdict::Stop(what, hint) => {
                let error = Error::msg(format!("`{}` does not take event {}: {what}", sink.shown(), id));
                let error = match hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                };
                return Err(Untaken { why: what, error });
            }
            Verdict::Again(what, asked) => (what, asked),
        };
        let wait = backoff::wait(tries, asked, backoff::chance());
        let left = patience.0.saturating_sub(start.elapsed());
        if wait >= left {
            let tries = match tries {
                1 => "1 try".to_owned(),
                tries => format!("{tries} tries"),
            };
            let error = Error::msg(format!(
                "`{}` did not take event {}: {what} ({tries})",
                sink.shown(),
                id
            ));
            let error = match asked.filter(|asked| *asked >= left) {
                Some(asked) => error.hint(format!(
                    "it asks to wait {} s: run the same command then, or give it more time with `--patience`",
                    asked.as_secs()
                )),
                None => {
                    error.hint("what was delivered is in the cursor: the same command goes on from there")
                }
            };
            let why = format!("{what} ({tries})");
            return Err(Untaken { why, error });
        }
        again(&what, wait);
        std::thread::sleep(wait);
    }
}
