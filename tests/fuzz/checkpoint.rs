//! Checkpoints: there is one way to write each.

use modelry::testing::judge::checkpoint::Checkpoint;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(checkpoint) = Checkpoint::parse(data) else {
        return;
    };
    assert!(checkpoint.size > 0);
    let body = checkpoint.body();
    assert!(
        data.starts_with(body.as_bytes()),
        "what was read is what stands there"
    );
    assert_eq!(Checkpoint::parse(body.as_bytes()).as_ref(), Ok(&checkpoint));
}
