//! Merges texts line by line, as git does it.

use git2::{MergeFileInput, merge_file};

use super::failed;
use crate::base::Error;

/// Merges what two sides made of a text, or `None` when they conflict. Attributes and
/// merge drivers of the repository have no effect.
pub fn merge_text(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let input = |bytes| {
        let mut input = MergeFileInput::new();
        input.content(bytes);
        input
    };
    let merged =
        merge_file(&input(base), &input(ours), &input(theirs), None).map_err(failed("can't merge a text"))?;
    Ok(merged.is_automergeable().then(|| merged.content().to_vec()))
}
