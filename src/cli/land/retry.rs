//! The retry budget of a push: how long to back off before the next attempt.
//!
//! A newcomer to a branch under contention first lets the others through. A lost race
//! means that the remote works and others push. After a few losses the writer backs
//! off, which reduces contention; after many it retries at once, so that newcomers
//! can't starve it. A remote that does not answer is retried at growing intervals.

use std::time::{Duration, Instant};

use crate::net::backoff;

/// The number of rounds to back off, on average, after each lost race; the last value
/// holds from then on.
const STAND_BACK: [f64; 7] = [1.0, 2.0, 4.0, 4.0, 2.0, 1.0, 0.25];

/// The shortest assumed round.
const SHORTEST: Duration = Duration::from_millis(50);

/// The longest average wait, even when rounds take longer.
const TOO_LONG: Duration = Duration::from_secs(5);

/// The first wait for a remote that does not answer.
const FIRST: Duration = Duration::from_millis(100);

/// The longest of those waits, on average.
const LONGEST: Duration = Duration::from_millis(1500);

/// The time that is left for retries, and the losses so far.
pub(super) struct RetryBudget {
    end: Instant,
    round: Instant,
    lost: usize,
    unanswered: Duration,
}

impl RetryBudget {
    /// Creates a budget of this time.
    pub fn of(time: Duration) -> RetryBudget {
        let now = Instant::now();
        RetryBudget {
            end: now + time,
            round: now,
            lost: 0,
            unanswered: FIRST,
        }
    }

    /// Returns the wait before the first attempt, under contention that lasts this
    /// long, or `None` when the budget would be used up.
    pub fn turn(&self, time: Duration) -> Option<Duration> {
        let wait = jitter(time);
        (Instant::now() + wait < self.end).then_some(wait)
    }

    /// Waits this long.
    pub fn sleep(&mut self, wait: Duration) {
        std::thread::sleep(wait);
        self.round = Instant::now();
    }

    /// Waits after a lost race; returns false when the budget is used up.
    pub fn after_race(&mut self) -> bool {
        // Other writers need about as long for their rounds.
        let round = self.round.elapsed().max(SHORTEST);
        let wait = stand_back(self.lost, round);
        self.lost += 1;
        self.unanswered = FIRST;
        self.wait(wait)
    }

    /// Waits for a remote that did not answer; returns false when the budget is used
    /// up.
    pub fn without_answer(&mut self) -> bool {
        let wait = self.unanswered;
        self.unanswered = (wait * 3 / 2).min(LONGEST);
        self.wait(wait)
    }

    fn wait(&mut self, average: Duration) -> bool {
        let wait = self.turn(average);
        if let Some(wait) = wait {
            self.sleep(wait);
        }
        wait.is_some()
    }
}

/// Returns the average wait after this many earlier losses.
fn stand_back(lost: usize, round: Duration) -> Duration {
    let rounds = STAND_BACK[lost.min(STAND_BACK.len() - 1)];
    round.mul_f64(rounds).min(TOO_LONG)
}

/// Returns a random time up to twice the given one, so that losers of one race do not
/// retry together.
fn jitter(time: Duration) -> Duration {
    let part = f64::from(backoff::chance()) / f64::from(u32::MAX);
    time.mul_f64(2.0 * part)
}

#[cfg(test)]
mod tests {
    use super::{RetryBudget, TOO_LONG, jitter, stand_back};
    use std::time::Duration;

    #[test]
    fn waits_differ_and_end() {
        let second = Duration::from_secs(1);
        let waits: Vec<Duration> = (0..64).map(|_| jitter(second)).collect();
        assert!(waits.iter().all(|wait| *wait <= 2 * second));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
        let mut none = RetryBudget::of(Duration::ZERO);
        assert!(
            !none.after_race() && !none.without_answer(),
            "no patience, no wait"
        );
    }

    #[test]
    fn who_has_lost_often_comes_back_first() {
        let second = Duration::from_secs(1);
        let all: Vec<Duration> = (0..12).map(|lost| stand_back(lost, second)).collect();
        let widest = all.iter().max().expect("some");
        assert!(all[0] < *widest, "it grows: others are let through");
        assert!(all[11] < all[0], "and shrinks below what newcomers wait");
        assert!(stand_back(3, 60 * second) <= TOO_LONG);
    }
}
