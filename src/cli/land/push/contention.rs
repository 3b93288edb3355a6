//! Measures contention on a branch. The writer that landed last is always nearest to
//! the tip, and would starve writers that back off after a lost race. The loser of a first
//! race therefore lets as many others through as are landing now.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::attempt::Attempt;
use crate::base::Oid;
use crate::judge::history::read_commit;

/// The age in seconds up to which commits count as recent.
const NOW: i64 = 20;

/// The most commits that are read.
const SEEN: usize = 64;

/// The fewest recent commits that count as contention.
const FEW: usize = 4;

/// Ignores contention when commits arrive further apart than this.
const SELDOM: Duration = Duration::from_secs(3);

/// The longest wait, on average.
const LONGEST: Duration = Duration::from_secs(8);

/// The contention on a branch.
#[derive(Debug, PartialEq)]
pub(super) struct Contention {
    /// The number of other writers.
    pub(super) others: usize,
    /// The time that all but one of them need, one after the other.
    pub(super) time: Duration,
}

/// Measures the contention on the branch with this tip, or `None` when there is none.
/// Unreadable commits, as in a shallow clone, are reported by the code that needs
/// them.
pub(super) fn contention(attempt: &Attempt<'_>, tip: Oid) -> Option<Contention> {
    let repo = &attempt.workspace.repo;
    let me = repo.ident("committer").ok()?.email;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let objects = repo.objects().ok()?;
    let mut landed = Vec::new();
    let mut next = Some(tip);
    while let Some(id) = next
        && landed.len() < SEEN
    {
        let Ok(commit) = read_commit(&objects, id) else {
            break;
        };
        // A person who rebases or applies the commits of many counts as one writer.
        let Some(committer) = commit.committer else {
            break;
        };
        if now.saturating_sub(committer.seconds) > 2 * NOW {
            break;
        }
        landed.push((committer.seconds, committer.email));
        next = commit.parents.first().copied();
    }
    of(&landed, &me, now)
}

/// Computes the contention from landed commits, the newest first: time and writer, as
/// the commits claim. A wrong clock shows no contention, so it delays nobody.
fn of(landed: &[(i64, String)], me: &str, now: i64) -> Option<Contention> {
    let newest = landed.first()?.0;
    if now.abs_diff(newest) > NOW.unsigned_abs() {
        return None;
    }
    let age = |at: i64| newest.saturating_sub(at);
    let recent: Vec<&(i64, String)> = landed.iter().take_while(|(at, _)| age(*at) < NOW).collect();
    let others: BTreeSet<&str> = recent
        .iter()
        .map(|(_, who)| who.as_str())
        .filter(|who| *who != me)
        .collect();
    let span = age(recent.last()?.0).clamp(1, NOW);
    let each = Duration::from_secs(span.unsigned_abs()).div_f64(recent.len() as f64);
    // A single other writer loses as often as this one, and rare commits do not
    // compete.
    if others.len() < 2 || recent.len() < FEW || each > SELDOM {
        return None;
    }
    Some(Contention {
        others: others.len(),
        // One of them may be no nearer to the tip than this writer.
        time: each.mul_f64((others.len() - 1) as f64).min(LONGEST),
    })
}

#[cfg(test)]
mod tests {
    use super::{Contention, LONGEST, of};
    use std::time::Duration;

    fn landed(all: &[(i64, &str)]) -> Vec<(i64, String)> {
        all.iter().map(|(at, who)| (*at, (*who).to_owned())).collect()
    }

    #[test]
    fn a_turn_for_all_but_one() {
        let all = landed(&[(108, "a"), (106, "b"), (104, "me"), (102, "a"), (100, "c")]);
        let contention = of(&all, "me", 109);
        let time = Duration::from_millis(2 * 8000 / 5);
        assert_eq!(contention, Some(Contention { others: 3, time }));
        // Older commits do not count.
        let mut more = all;
        more.extend(landed(&[(80, "d"), (79, "e")]));
        assert_eq!(of(&more, "me", 109), contention);
    }

    #[test]
    fn nobody_waits_alone_or_for_a_clock() {
        let one = landed(&[(108, "a"), (107, "me"), (106, "a")]);
        assert_eq!(of(&one, "me", 109), None);
        let two = landed(&[(108, "a"), (107, "b"), (106, "a"), (105, "b")]);
        assert!(of(&two, "me", 109).is_some());
        assert_eq!(of(&two, "me", 150), None, "they have landed");
        assert_eq!(of(&two, "me", 60), None, "their clock is ahead");
        assert_eq!(of(&two[..3], "me", 109), None, "a few");
        let seldom = landed(&[(108, "a"), (103, "b"), (96, "a"), (91, "b")]);
        assert_eq!(of(&seldom, "me", 109), None, "now and then");
        assert_eq!(of(&[], "me", 109), None);
        let wild = landed(&[(i64::MAX, "a"), (i64::MIN, "b"), (0, "c")]);
        assert_eq!(of(&wild, "me", i64::MAX), None);
        let contention = of(
            &landed(&[(100, "a"), (i64::MAX, "b"), (100, "c"), (99, "d")]),
            "me",
            100,
        );
        assert!(contention.is_some_and(|contention| contention.time <= LONGEST));
    }
}
