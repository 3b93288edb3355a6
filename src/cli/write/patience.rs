//! How long to wait before the next try: longer each time, never as long as
//! another who lost the same race, and not for ever.

use std::time::{Duration, Instant};

/// The first wait.
const FIRST: Duration = Duration::from_millis(100);

/// How far waits grow, on average: who has lost often should not fall behind those
/// who just came.
const LONGEST: Duration = Duration::from_millis(1500);

/// The longest wait, on average, where every round takes longer still.
const TOO_LONG: Duration = Duration::from_secs(5);

/// What is left of somebody's patience.
pub(super) struct Patience {
    end: Instant,
    wait: Duration,
    round: Instant,
}

impl Patience {
    /// Ends after this time.
    pub fn of(time: Duration) -> Patience {
        let now = Instant::now();
        Patience {
            end: now + time,
            wait: FIRST,
            round: now,
        }
    }

    /// Waits; false when there is no patience left.
    pub fn wait(&mut self) -> bool {
        let now = Instant::now();
        // Where a round takes long, others need as long for theirs.
        let wait = jitter(self.wait.max((now - self.round) / 2).min(TOO_LONG));
        if now + wait >= self.end {
            return false;
        }
        std::thread::sleep(wait);
        self.wait = (self.wait * 3 / 2).min(LONGEST);
        self.round = Instant::now();
        true
    }
}

/// Somewhere between nothing and twice the time: whoever lost together should
/// not come back together.
fn jitter(time: Duration) -> Duration {
    let mut random = [0; 4];
    // Without random numbers they do come back together, and that is all.
    let part = match getrandom::fill(&mut random) {
        Ok(()) => f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    };
    time.mul_f64(2.0 * part)
}

#[cfg(test)]
mod tests {
    use super::{Patience, jitter};
    use std::time::Duration;

    #[test]
    fn waits_differ_and_end() {
        let second = Duration::from_secs(1);
        let waits: Vec<Duration> = (0..64).map(|_| jitter(second)).collect();
        assert!(waits.iter().all(|wait| *wait <= 2 * second));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
        assert!(!Patience::of(Duration::ZERO).wait(), "no patience, no wait");
    }
}
