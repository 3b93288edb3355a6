//! The fuzzer's way to [`check::check`].

#![no_main]

#[path = "../condition.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
