//! Interprets a receiver's answer.
//!
//! Source: Standard Webhooks, "Operational considerations": any 2xx is success,
//! redirects are failures, and 410 ends the subscription. Faults that may pass are
//! tried again; an answer that the request itself is wrong is final.

use std::time::Duration;

/// The most characters of a receiver's answer that are printed.
const WORDS: usize = 200;

/// The result of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver accepted the event.
    Taken,
    /// The fault may pass: what happened, and how long the receiver asks to wait.
    Again(String, Option<Duration>),
    /// The fault will not pass: what happened, and what to do.
    Stop(String, Option<String>),
}

impl Verdict {
    /// Interprets the status of an answer, its `Retry-After`, the beginning of its
    /// body, and the time in seconds since 1970.
    pub fn of_answer(status: u16, retry_after: Option<&str>, body: &[u8], now: i64) -> Verdict {
        let said = match words(body) {
            said if said.is_empty() => format!("it answers {status}"),
            said => format!("it answers {status}: {said}"),
        };
        match status {
            200..=299 => Verdict::Taken,
            300..=399 => Verdict::Stop(
                format!("it answers {status}, and points elsewhere"),
                Some(
                    "name the address that it points to, if that is the receiver: no redirect is followed"
                        .into(),
                ),
            ),
            408 | 425 | 429 | 500..=599 => {
                Verdict::Again(said, retry_after.and_then(|text| asked(text, now)))
            }
            410 => Verdict::Stop(
                said,
                Some(
                    "the receiver wants no more events: remove this delivery, or ask whoever runs it".into(),
                ),
            ),
            401 | 403 => Verdict::Stop(said, Some("does the receiver know the secret?".into())),
            _ => Verdict::Stop(said, None),
        }
    }
}

/// Parses a `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn asked(text: &str, now: i64) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second();
    Some(Duration::from_secs(
        u64::try_from(moment.saturating_sub(now)).unwrap_or(0),
    ))
}

/// Returns the beginning of an answer on one line, without control characters.
pub fn words(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16) -> Verdict {
        Verdict::of_answer(status, None, b"no \x1b[31m\n such  thing", 0)
    }

    #[test]
    fn each_status_has_one_verdict() {
        for status in 100..=999 {
            let verdict = of(status);
            let expected = match status {
                200..=299 => 't',
                408 | 425 | 429 | 500..=599 => 'a',
                _ => 's',
            };
            let found = match &verdict {
                Verdict::Taken => 't',
                Verdict::Again(..) => 'a',
                Verdict::Stop(..) => 's',
            };
            assert_eq!(found, expected, "{status}");
        }
        assert_eq!(
            of(400),
            Verdict::Stop("it answers 400: no [31m such thing".into(), None)
        );
        let Verdict::Stop(_, Some(hint)) = of(410) else {
            panic!("{:?}", of(410));
        };
        assert!(hint.contains("no more"), "{hint}");
    }

    #[test]
    fn waits_that_are_asked_for() {
        let wait = |text: &str| match Verdict::of_answer(429, Some(text), b"", 1_445_412_470) {
            Verdict::Again(_, wait) => wait.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait(" 0 "), Some(0));
        assert_eq!(wait("99999999999999999999999"), Some(u64::MAX));
        // RFC 9110's own date is at 1445412480.
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(10));
        assert_eq!(wait("Wed, 21 Oct 2015 07:27:00 GMT"), Some(0), "it is over");
        for odd in ["", "-1", "1.5", "soon", "Wed, 21 Oct"] {
            assert_eq!(wait(odd), None, "{odd}");
        }
    }

    #[test]
    fn words_are_few_and_on_one_line() {
        assert_eq!(words(b""), "");
        assert_eq!(words(b"\xff\x00a\r\nb"), "\u{fffd} a b");
        let long = words("é".repeat(5000).as_bytes());
        assert_eq!(long.chars().count(), WORDS + 1);
    }
}
