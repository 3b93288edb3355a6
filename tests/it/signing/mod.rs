//! Signing and verifying, with real programs and keys.

mod git_suites;
#[cfg(feature = "openpgp")]
mod openpgp;
mod programs;
