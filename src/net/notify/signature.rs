//! Signs requests as Standard Webhooks defines: `v1,` and the HMAC-SHA256 of
//! `id.timestamp.body`, in base64.
//!
//! Source: the specification of Standard Webhooks, 1.0.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// The prefix of a written secret.
const PREFIX: &str = "whsec_";

/// The length of a secret, in bytes (of the specification).
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The most secrets, during a rotation.
const MOST: usize = 8;

/// The secrets that a receiver may know: one, or several during a rotation.
pub struct Secrets {
    keys: Vec<hmac::Key>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.keys.len())
    }
}

impl Secrets {
    /// Parses secrets, each `whsec_` and base64, separated by white space.
    ///
    /// # Errors
    /// A secret is malformed; the error does not repeat it.
    pub fn read(text: &str) -> Result<Secrets, String> {
        let mut keys = Vec::new();
        for (n, word) in text.split_whitespace().enumerate() {
            let which = n + 1;
            if which > MOST {
                return Err(format!("it holds more than {MOST} secrets"));
            }
            let encoded = word
                .strip_prefix(PREFIX)
                .ok_or_else(|| format!("its secret {which} does not start with `{PREFIX}`"))?;
            let bytes = STANDARD
                .decode(encoded)
                .map_err(|_| format!("its secret {which} is not base64 after `{PREFIX}`"))?;
            if !LENGTHS.contains(&bytes.len()) {
                return Err(format!(
                    "its secret {which} has {} bytes, and between {} and {} are allowed",
                    bytes.len(),
                    LENGTHS.start(),
                    LENGTHS.end()
                ));
            }
            keys.push(hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        }
        match keys.is_empty() {
            true => Err("it holds no secret".into()),
            false => Ok(Secrets { keys }),
        }
    }

    /// Returns the value of `webhook-signature`: one signature for each secret.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let head = format!("{id}.{seconds}.");
        let one = |key: &hmac::Key| {
            let mut context = hmac::Context::with_key(key);
            context.update(head.as_bytes());
            context.update(body);
            format!("v1,{}", STANDARD.encode(context.sign()))
        };
        self.keys.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_example_of_the_specification() {
        let secrets = Secrets::read(ONE).expect("a secret");
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn one_signature_for_each_secret() {
        let other = format!("whsec_{}", STANDARD.encode([7; 32]));
        let both = Secrets::read(&format!(" {ONE}\n{other}\n")).expect("two");
        let apart = [ONE, &other].map(|one| Secrets::read(one).expect("one").sign("a", 1, b"b"));
        assert_eq!(both.sign("a", 1, b"b"), apart.join(" "));
        assert_eq!(format!("{both:?}"), "2 secrets");
    }

    #[test]
    fn what_is_no_secret() {
        let long = |count: usize| format!("whsec_{}", STANDARD.encode(vec![0x5a; count]));
        let many = [ONE; MOST + 1].join(" ");
        for (text, why) in [
            ("", "no secret"),
            (" \n", "no secret"),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not start"),
            ("whsec_", "0 bytes"),
            ("whsec_MfKQ9r8GKYqrTwjU!D8ILPZIo2LaLaSw", "not base64"),
            (&long(23), "23 bytes"),
            (&long(65), "65 bytes"),
            (&many, "more than 8"),
        ] {
            let told = Secrets::read(text).expect_err(text);
            assert!(told.contains(why), "{text}: {told}");
            assert!(!told.contains("MfKQ"), "{told}");
        }
        assert!(Secrets::read(&long(24)).is_ok() && Secrets::read(&long(64)).is_ok());
    }
}
