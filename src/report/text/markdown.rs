//! Escapes text that others wrote for Markdown. The text can't open a heading, and
//! can't add HTML, links or formulas. Paragraphs and plain lists are kept (CommonMark
//! 0.31).

use crate::report::clean;

/// A part of a text that people wrote.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// Lines of one paragraph.
    Paragraph(Vec<String>),
    /// Items of a list, and the first number of a numbered list.
    List(Option<u32>, Vec<String>),
}

/// Parses a line that is an item of a list: its number and its text.
fn item(line: &str) -> Option<(Option<u32>, &str)> {
    let spaced = |rest: &'_ str| rest.starts_with(' ') && !rest.trim().is_empty();
    if let Some(rest) = line.strip_prefix(['-', '*', '+']) {
        return spaced(rest).then(|| (None, rest.trim()));
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line[digits..].strip_prefix(['.', ')'])?;
    let number = line[..digits].parse().ok().filter(|_| digits <= 9)?;
    spaced(rest).then(|| (Some(number), rest.trim()))
}

/// Splits a text into parts: blank lines end a paragraph, and lines that start with
/// `-`, `*`, `+` or a number are items of a list.
pub fn parts(text: &str) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    let mut open = false;
    for line in clean(text).lines().map(str::trim) {
        if line.is_empty() {
            open = false;
            continue;
        }
        match (item(line), out.last_mut().filter(|_| open)) {
            (Some((number, words)), Some(Part::List(first, items)))
                if first.is_some() == number.is_some() =>
            {
                items.push(words.to_owned());
            }
            (Some((number, words)), _) => out.push(Part::List(number, vec![words.to_owned()])),
            (None, Some(Part::Paragraph(lines))) => lines.push(line.to_owned()),
            (None, Some(Part::List(_, items))) => {
                if let Some(last) = items.last_mut() {
                    last.push(' ');
                    last.push_str(line);
                }
            }
            (None, None) => out.push(Part::Paragraph(vec![line.to_owned()])),
        }
        open = true;
    }
    out
}

/// Escapes text within a line. White space becomes one space.
pub fn inline(text: &str) -> String {
    let text = clean(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let chars: Vec<char> = words.join(" ").chars().collect();
    let mut out = String::with_capacity(chars.len());
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(at + 1);
        let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        let escape = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '~' | '|' | '$' => true,
            '_' => !(word(before) && word(after)),
            '&' => word(after) || after == Some(&'#'),
            _ => false,
        };
        if escape {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Escapes text at the start of a line: as [`inline`], and it can't start a block.
pub fn line(text: &str) -> String {
    let text = inline(text);
    if text.starts_with(['#', '-', '+', '=']) {
        return format!("\\{text}");
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && text[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &text[..digits], &text[digits..]);
    }
    text
}

/// Formats text as paragraphs and lists.
pub fn prose(text: &str) -> String {
    let shown = parts(text).into_iter().map(|part| match part {
        Part::Paragraph(lines) => lines.iter().map(|text| line(text)).collect::<Vec<_>>().join("\n"),
        Part::List(first, items) => {
            let items = items.iter().zip(0u32..).map(|(item, at)| match first {
                Some(first) => format!("{}. {}", first.saturating_add(at).min(999_999_999), line(item)),
                None => format!("- {}", line(item)),
            });
            items.collect::<Vec<_>>().join("\n")
        }
    });
    shown.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        assert_eq!(
            inline("a <script> & b &lt; *c* _d_ e_f"),
            r"a \<script\> & b \&lt; \*c\* \_d\_ e_f"
        );
        assert_eq!(line("# no heading"), r"\# no heading");
        assert_eq!(line("12. no item"), r"12\. no item");
        assert_eq!(line("---"), r"\---");
        assert_eq!(prose("Title\n===\n---\n> q"), "Title\n\\===\n\\---\n\\> q");
        assert_eq!(
            prose("    # code?\n\n```\nx\n```"),
            "\\# code?\n\n\\`\\`\\`\nx\n\\`\\`\\`"
        );
        assert_eq!(prose("[a]: http://x\n![b](c)"), "\\[a\\]: http://x\n!\\[b\\](c)");
    }

    #[test]
    fn paragraphs_and_lists_are_kept() {
        assert_eq!(
            prose("Not for:\n- cash\n- # loans\n  of any kind\n\n1. a\n2. b\n- - -"),
            "Not for:\n\n- cash\n- \\# loans of any kind\n\n1. a\n2. b\n\n- \\- -"
        );
    }
}
