//! Git's attributes for a registry's files: their bytes stay as they are signed.

/// The attributes of each of the registry's paths.
const KEPT: &str = "text eol=lf -ident -filter !working-tree-encoding";

/// The registry's paths, from its folder.
const PATHS: [&str; 3] = ["/registry.yaml", "/groups/**", "/policy/**"];

/// Returns the `.gitattributes` of a registry's folder, which lets records be checked out
/// as they are stored, or `None` when the present one has all of it.
pub fn attributes(before: Option<&str>) -> Option<String> {
    let before = before.unwrap_or_default();
    let missing: Vec<String> = PATHS
        .iter()
        .map(|path| format!("{path} {KEPT}"))
        .filter(|line| !before.lines().any(|it| it.trim() == line))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let mut text = before.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str("# Modelry: records are signed as they are, so no clone changes their bytes.\n");
    text.push_str(&missing.join("\n"));
    text.push('\n');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_and_what_is_missing_comes_after_it() {
        let first = attributes(None).expect("all of it is missing");
        assert_eq!(attributes(Some(&first)), None);
        assert_eq!(attributes(Some(&first.replace('\n', "\r\n"))), None);
        let more = attributes(Some("* text=auto eol=crlf")).expect("all of it is missing");
        assert_eq!(more, format!("* text=auto eol=crlf\n{first}"));
        let without = first.replace("/policy/**", "/other/**");
        let again = attributes(Some(&without)).expect("one line is missing");
        assert!(again.starts_with(&without), "{again}");
        assert_eq!(again.matches("/groups/**").count(), 1, "{again}");
    }
}
