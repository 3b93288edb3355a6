//! The wait before a receiver or a server is asked again: it doubles each time.

use std::time::Duration;

/// The longest wait after the first failure.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait, unless the receiver asks for a longer one.
const LONGEST: Duration = Duration::from_secs(60);

/// Returns the wait after this many failures in a row (at least 1).
pub(super) fn doubled(failures: u32) -> Duration {
    let times = 2_u32.saturating_pow(failures.saturating_sub(1));
    FIRST.saturating_mul(times).min(LONGEST)
}

/// Returns a random number. Without one, those that wait may return at the same time,
/// which does no harm.
pub fn chance() -> u32 {
    let mut random = [0; 4];
    match getrandom::fill(&mut random) {
        Ok(()) => u32::from_le_bytes(random),
        Err(_) => u32::MAX / 2,
    }
}

/// Returns the wait after this many failures of one event (at least 1). It doubles
/// each time, and half of it is jitter, so that senders which lost the same receiver
/// do not return together. It is never shorter than the receiver asks for.
pub(super) fn wait(failures: u32, asked: Option<Duration>, chance: u32) -> Duration {
    let whole = doubled(failures);
    let part = 0.5 + f64::from(chance) / f64::from(u32::MAX) / 2.0;
    whole.mul_f64(part).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_grow_and_are_bounded(failures in 1..2000_u32, a in any::<u32>(), b in any::<u32>()) {
            let (one, next) = (wait(failures, None, a), wait(failures + 1, None, b));
            prop_assert!(one <= LONGEST && one >= FIRST / 2);
            prop_assert!(next >= one || next >= LONGEST / 2);
        }

        #[test]
        fn a_receiver_is_not_asked_before_it_wants(failures in 1..50_u32, chance in any::<u32>(), asked in 0..100_000_u64) {
            let asked = Duration::from_secs(asked);
            prop_assert!(wait(failures, Some(asked), chance) >= asked);
        }
    }

    #[test]
    fn the_plan() {
        let waits: Vec<u128> = (1..=9).map(|n| wait(n, None, u32::MAX).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
        assert_eq!(wait(1, None, 0), FIRST / 2);
    }
}
