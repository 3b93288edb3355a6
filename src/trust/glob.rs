//! Globs over the names of groups and over paths.

use globset::{GlobBuilder, GlobMatcher};

/// A glob that was read, ready to match names.
pub type Glob = globset::GlobMatcher;

/// A glob over group names: case is ignored.
///
/// # Errors
/// The reason, when the glob does not compile or is too long.
pub fn group_glob(pattern: &str) -> Result<GlobMatcher, String> {
    glob(pattern, false)
}

/// A glob over paths from the repository's top: case is ignored, since many
/// disks take `.GITHUB` for `.github`.
///
/// # Errors
/// The reason, when the glob does not compile or is too long.
pub fn path_glob(pattern: &str) -> Result<GlobMatcher, String> {
    glob(pattern, true)
}

fn glob(pattern: &str, is_path: bool) -> Result<GlobMatcher, String> {
    if pattern.is_empty() || pattern.len() > 256 {
        return Err("a glob has 1 to 256 characters".into());
    }
    GlobBuilder::new(pattern)
        .case_insensitive(true)
        .literal_separator(is_path)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_in_any_case_and_stars_stop_at_folders() {
        let matches = |pattern, path| path_glob(pattern).expect("a glob").is_match(path);
        assert!(matches(".github/**", ".GitHub/workflows/CI.yml"));
        assert!(matches("*.md", "README.MD") && !matches("*.md", "docs/README.md"));
    }
}
