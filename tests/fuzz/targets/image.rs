//! The fuzzer's way to [`check::check`].

#![no_main]

#[path = "../image.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
