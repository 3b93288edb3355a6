//! Cursors: there is one way to write each.

use modelry::testing::net::notify::Cursor;

/// Checks one input.
pub fn check(data: &[u8]) {
    if let Ok(cursor) = Cursor::parse(data) {
        assert_eq!(
            cursor.text().as_bytes(),
            data,
            "what was read is what stands there"
        );
    }
}
