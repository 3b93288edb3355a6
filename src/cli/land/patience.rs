//! How long to wait before the next try, never as long as another who lost the
//! same race, and not for ever.
//!
//! Who comes new to a branch on which others land one after the other lets them
//! through first. A lost race says that the remote is well and others are at work. Who has lost
//! a little stands back, so that fewer are in each other's way; who has lost
//! often comes back at once, so that nobody is outrun for long by those who just
//! came. A remote that does not answer is left alone longer each time.

use std::time::{Duration, Instant};

/// How many rounds to stand back, on average, after so many lost races; after
/// more of them, the last.
const STAND_BACK: [f64; 7] = [1.0, 2.0, 4.0, 4.0, 2.0, 1.0, 0.25];

/// The shortest that a round is taken for.
const SHORTEST: Duration = Duration::from_millis(50);

/// The longest wait, on average, where every round takes longer still.
const TOO_LONG: Duration = Duration::from_secs(5);

/// The first wait for a remote that does not answer.
const FIRST: Duration = Duration::from_millis(100);

/// How far those waits grow, on average.
const LONGEST: Duration = Duration::from_millis(1500);

/// What is left of somebody's patience.
pub(super) struct Patience {
    end: Instant,
    round: Instant,
    lost: usize,
    unanswered: Duration,
}

impl Patience {
    /// Ends after this time.
    pub fn of(time: Duration) -> Patience {
        let now = Instant::now();
        Patience {
            end: now + time,
            round: now,
            lost: 0,
            unanswered: FIRST,
        }
    }

    /// How long to wait before the first try, when others who are at it need so
    /// long; none when that would leave no patience.
    pub fn turn(&self, time: Duration) -> Option<Duration> {
        let wait = jitter(time);
        (Instant::now() + wait < self.end).then_some(wait)
    }

    /// Waits so long.
    pub fn sleep(&mut self, wait: Duration) {
        std::thread::sleep(wait);
        self.round = Instant::now();
    }

    /// Waits after a lost race; false when there is no patience left.
    pub fn after_race(&mut self) -> bool {
        // Others need as long for their rounds.
        let round = self.round.elapsed().max(SHORTEST);
        let wait = stand_back(self.lost, round);
        self.lost += 1;
        self.unanswered = FIRST;
        self.wait(wait)
    }

    /// Waits for a remote that did not answer; false when there is no patience
    /// left.
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

/// How long to stand back, on average, who has lost so many races before this
/// one.
fn stand_back(lost: usize, round: Duration) -> Duration {
    let rounds = STAND_BACK[lost.min(STAND_BACK.len() - 1)];
    round.mul_f64(rounds).min(TOO_LONG)
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
    use super::{Patience, TOO_LONG, jitter, stand_back};
    use std::time::Duration;

    #[test]
    fn waits_differ_and_end() {
        let second = Duration::from_secs(1);
        let waits: Vec<Duration> = (0..64).map(|_| jitter(second)).collect();
        assert!(waits.iter().all(|wait| *wait <= 2 * second));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
        let mut none = Patience::of(Duration::ZERO);
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
