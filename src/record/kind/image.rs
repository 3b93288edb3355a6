//! References to container images, by the OCI grammar.
//!
//! The grammar is the one of `distribution/reference` (its `reference.go`):
//! `[domain[:port]/]path[:tag][@digest]`.

/// Returns the name (with its tag) and the digest of a well-formed image reference that
/// has a digest. Any other text pins nothing.
pub fn pinned_image(image: &str) -> Option<(&str, &str)> {
    let (rest, digest) = image.split_once('@')?;
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    let is_sound = name.len() <= 255 && is_name(name) && tag.is_none_or(is_tag);
    is_sound.then_some((rest, digest))
}

fn is_name(name: &str) -> bool {
    let is_path = |path: &str| path.split('/').all(is_component);
    is_path(name)
        || name
            .split_once('/')
            .is_some_and(|(domain, path)| is_domain(domain) && is_path(path))
}

fn is_domain(domain: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if let Some((address, port)) = domain.strip_prefix('[').and_then(|it| it.split_once(']')) {
        let is_address = !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
        return is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = match domain.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (domain, None),
    };
    let is_label = |label: &str| {
        let is_legal = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !label.is_empty() && is_legal && !label.starts_with('-') && !label.ends_with('-')
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Runs of `[a-z0-9]` with one of `.`, `_`, `__` or dashes between them.
fn is_component(text: &str) -> bool {
    let is_run = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_between = |it: &str| matches!(it, "." | "_" | "__") || it.bytes().all(|b| b == b'-');
    text.starts_with(is_run) && text.ends_with(is_run) && text.split(is_run).all(is_between)
}

fn is_tag(tag: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(is_word) && tag.chars().all(|c| is_word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::pinned_image;

    fn image_digest(image: &str) -> Option<&str> {
        pinned_image(image).map(|(_, digest)| digest)
    }

    #[test]
    fn only_what_the_grammar_allows_has_a_digest() {
        for name in [
            "a",
            "a/b",
            "a:Tag",
            "Host.example.com:5000/a/b_c:1",
            "[::1]:5000/a",
            "localhost/a--b__c.d",
        ] {
            assert_eq!(
                image_digest(&format!("{name}@sha256:0")),
                Some("sha256:0"),
                "{name}"
            );
        }
        for name in [
            "",
            " a",
            "a ",
            " evil:latest #",
            "A",
            "a//b",
            "a/B",
            "a:",
            "a:-x",
            "a___b",
            "h:p/a",
            "-h/a",
            "a@b",
            "/a",
            "a/",
        ] {
            assert_ne!(
                image_digest(&format!("{name}@sha256:0")),
                Some("sha256:0"),
                "{name}"
            );
        }
    }
}
