//! Words and lines that several rooms need.

use std::fmt::Display;

/// Text on one line.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a terminal executes a character, or draws nothing, or draws what follows in
/// another order: controls, bidirectional overrides, zero-width marks. A line feed is
/// none of these.
pub fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Makes text from others safe in one line of a message: line feeds and hidden
/// characters are shown, not sent.
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c == '\n' || is_hidden(c) {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect()
}

/// Joins items with commas: "a, b".
pub fn listed<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    words.join(", ")
}

/// "1 step", "2 steps".
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// Quotes a word of a command in a hint for the shell: the name of a reference may have
/// characters that a shell interprets. Hidden characters are written as octal bytes
/// between `$'` and `'` (POSIX.1-2024, 2.2.4), so that the shown line means the word.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+:/._-=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    if !text.contains(is_hidden) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut out = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if c == '\n' || is_hidden(c) => {
                let mut buffer = [0; 4];
                let bytes = c.encode_utf8(&mut buffer).bytes();
                out.extend(bytes.map(|byte| format!("\\{byte:03o}")));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::{printable, shell_word};

    #[test]
    fn a_word_for_the_shell_has_no_hidden_character() {
        for (text, word) in [
            ("feature/x", "feature/x"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("a\u{202e}b", r"$'a\342\200\256b'"),
            ("it's\\\u{9b}1", r"$'it\'s\\\302\2331'"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn a_printed_name_stays_on_its_line() {
        assert_eq!(printable("a\n\u{202e}b\u{9b}"), r"a\n\u{202e}b\u{9b}");
    }
}
