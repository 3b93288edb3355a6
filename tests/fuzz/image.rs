//! Image references: what counts as pinned is what the grammar of OCI says, by a
//! reader of its own.

use modelry::testing::record::kind::pinned_image;

/// Reads the grammar from its end to its start, letter by letter. The product cuts
/// the text at its marks.
fn is_name(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_component = |part: &str| {
        let all: Vec<char> = part.chars().collect();
        let mut at = 0;
        loop {
            let start = at;
            while at < all.len() && is_word(all[at]) {
                at += 1;
            }
            if at == start {
                return false;
            }
            if at == all.len() {
                return true;
            }
            let mark = all[at];
            let run = all[at..].iter().take_while(|c| **c == mark).count();
            let fits = match mark {
                '.' => run == 1,
                '_' => run <= 2,
                '-' => true,
                _ => false,
            };
            if !fits {
                return false;
            }
            at += run;
        }
    };
    let is_host = |host: &str| {
        let (host, port) = match host.rfind(']') {
            Some(end) => {
                let inner = host[..end].strip_prefix('[');
                let is_inner = inner.is_some_and(|it| {
                    !it.is_empty() && it.chars().all(|c| c.is_ascii_hexdigit() || c == ':')
                });
                if !is_inner {
                    return false;
                }
                (None, &host[end + 1..])
            }
            None => {
                let end = host.find(':').unwrap_or(host.len());
                (Some(&host[..end]), &host[end..])
            }
        };
        let port = port.is_empty()
            || (port.len() > 1 && port.starts_with(':') && port[1..].bytes().all(|b| b.is_ascii_digit()));
        let label = |label: &str| {
            label.starts_with(|c: char| c.is_ascii_alphanumeric())
                && label.ends_with(|c: char| c.is_ascii_alphanumeric())
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        port && host.is_none_or(|host| host.split('.').all(label))
    };
    let parts: Vec<&str> = name.split('/').collect();
    parts.iter().all(|part| is_component(part))
        || (parts.len() > 1 && is_host(parts[0]) && parts[1..].iter().all(|part| is_component(part)))
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let pinned = pinned_image(text);
    let expected = text.find('@').is_some_and(|at| {
        let rest = &text[..at];
        let (name, tag) = match rest.rfind(':') {
            Some(colon) if !rest[colon..].contains('/') => (&rest[..colon], &rest[colon + 1..]),
            _ => (rest, "tag"),
        };
        let first = tag.chars().next();
        name.len() <= 255
            && is_name(name)
            && tag.len() <= 128
            && first.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            && tag
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
    });
    assert_eq!(pinned.is_some(), expected, "{text:?}");
    let Some((name, digest)) = pinned else { return };
    assert_eq!(format!("{name}@{digest}"), text, "nothing is lost");
    assert!(name.is_ascii() && !name.contains([' ', '\t', '\n', '\r', '\0', '#', '?']));
    for at in 0..=name.len() {
        let spaced = format!("{} {}@{digest}", &name[..at], &name[at..]);
        assert_eq!(pinned_image(&spaced), None, "{spaced:?}");
    }
}
