//! Cursors: there is one way to write each.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelry::notify::Cursor;

fuzz_target!(|data: &[u8]| {
    if let Ok(cursor) = Cursor::parse(data) {
        assert_eq!(
            cursor.text().as_bytes(),
            data,
            "what was read is what stands there"
        );
    }
});
