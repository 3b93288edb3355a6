//! Finds names of groups, one for each combination of globs that can match a name.

use std::collections::{BTreeSet, HashSet, VecDeque};

use crate::record::kind::GroupName;
use crate::trust::{Glob, group_glob};

/// The most states of the search. The globs of a real policy need some hundreds. If
/// they need more, the existing groups are still examined.
const MOST: usize = 20_000;

/// Names of groups, each matched by a different set of globs.
pub(super) struct Classes {
    /// One name for each class; the name of an existing group if the class has one.
    pub names: Vec<GroupName>,
    globs: Vec<(String, Glob)>,
}

impl Classes {
    /// Finds the classes of names under these globs.
    pub fn of(globs: impl IntoIterator<Item = String>, groups: &[GroupName]) -> Classes {
        let mut texts: BTreeSet<String> = globs.into_iter().collect();
        texts.insert("*".into());
        let globs: Vec<(String, Glob)> = texts
            .into_iter()
            .filter_map(|text| Some((text.clone(), group_glob(&text).ok()?)))
            .collect();
        let found = search(&globs.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>());
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        for name in groups.iter().cloned().chain(found) {
            let matched: Vec<bool> = globs
                .iter()
                .map(|(_, glob)| glob.is_match(name.as_str()))
                .collect();
            if seen.insert(matched) {
                names.push(name);
            }
        }
        Classes { names, globs }
    }

    /// Describes these classes: the fewest globs that match them and no other class,
    /// and names for the rest.
    pub fn label(&self, indexes: &BTreeSet<usize>) -> String {
        let mut globs: Vec<(&str, BTreeSet<usize>)> = self
            .globs
            .iter()
            .map(|(text, glob)| {
                let names = self.names.iter().enumerate();
                let matched = names.filter(|(_, name)| glob.is_match(name.as_str()));
                (text.as_str(), matched.map(|(index, _)| index).collect())
            })
            .collect();
        globs.retain(|(_, matched): &(_, BTreeSet<usize>)| matched.is_subset(indexes));
        globs.sort_by_key(|(_, matched)| std::cmp::Reverse(matched.len()));
        let mut left = indexes.clone();
        let mut words = Vec::new();
        for (text, matched) in globs {
            if matched.iter().any(|index| left.contains(index)) {
                left.retain(|index| !matched.contains(index));
                words.push(text.to_owned());
            }
        }
        words.extend(
            left.iter()
                .map(|index| format!("{} and the like", self.names[*index])),
        );
        words.join(", ")
    }
}

/// A token of a glob.
enum Token {
    /// Any text.
    Many,
    /// One character of this set.
    One {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Many => true,
            Token::One { ranges, negated } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated
            }
        }
    }
}

/// Expands `{a,b}`. Leaves a glob with very many alternatives unchanged.
pub(super) fn alternatives(glob: &str) -> Vec<String> {
    let mut open = vec![glob.to_owned()];
    let mut done = Vec::new();
    while let Some(text) = open.pop() {
        let chars: Vec<char> = text.chars().collect();
        let start = (0..chars.len()).find(|at| chars[*at] == '{' && (*at == 0 || chars[at - 1] != '\\'));
        let Some(start) = start.filter(|_| open.len() + done.len() < 64) else {
            done.push(text);
            continue;
        };
        let (mut depth, mut parts, mut part, mut end) = (0, Vec::new(), String::new(), None);
        for (at, c) in chars.iter().enumerate().skip(start) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            match c {
                '}' if depth == 0 => {
                    end = Some(at);
                    break;
                }
                ',' if depth == 1 => parts.push(std::mem::take(&mut part)),
                '{' if depth == 1 => {}
                c => part.push(*c),
            }
        }
        let Some(end) = end else {
            done.push(text);
            continue;
        };
        parts.push(part);
        let (head, tail): (String, String) =
            (chars[..start].iter().collect(), chars[end + 1..].iter().collect());
        open.extend(parts.into_iter().map(|part| format!("{head}{part}{tail}")));
    }
    done
}

/// Splits a glob without alternatives into tokens, in lower case.
fn tokens(glob: &str) -> Vec<Token> {
    let one = |c: char| Token::One {
        ranges: vec![(c, c)],
        negated: false,
    };
    let mut out = Vec::new();
    let mut chars = glob.chars().flat_map(char::to_lowercase).peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                // `**/` also matches an empty text.
                if chars.peek() == Some(&'*') {
                    chars.next();
                    chars.next_if_eq(&'/');
                }
                out.push(Token::Many);
            }
            '?' => out.push(Token::One {
                ranges: Vec::new(),
                negated: true,
            }),
            '[' => {
                let negated = chars.next_if(|c| matches!(c, '!' | '^')).is_some();
                let mut ranges = Vec::new();
                while let Some(first) = chars.next() {
                    if first == ']' && !ranges.is_empty() {
                        break;
                    }
                    let mut last = first;
                    if chars.peek() == Some(&'-') {
                        chars.next();
                        match chars.next_if(|c| *c != ']') {
                            Some(end) => last = end,
                            None => ranges.push(('-', '-')),
                        }
                    }
                    ranges.push((first, last));
                }
                out.push(Token::One { ranges, negated });
            }
            '\\' => out.extend(chars.next().map(one)),
            c => out.push(one(c)),
        }
    }
    out
}

/// Positions in the globs, including those after tokens that match an empty text.
type State = Vec<(usize, usize)>;

fn with_empty(sequences: &[(usize, Vec<Token>)], places: impl Iterator<Item = (usize, usize)>) -> State {
    let mut out = BTreeSet::new();
    for (sequence, mut at) in places {
        out.insert((sequence, at));
        while let Some(Token::Many) = sequences[sequence].1.get(at) {
            at += 1;
            out.insert((sequence, at));
        }
    }
    out.into_iter().collect()
}

/// Finds the shortest name for each set of globs that can match a name together.
fn search(globs: &[&str]) -> Vec<GroupName> {
    let sequences: Vec<(usize, Vec<Token>)> = globs
        .iter()
        .enumerate()
        .flat_map(|(glob, text)| {
            let all = alternatives(text).into_iter();
            all.map(move |text| (glob, tokens(&text)))
        })
        .collect();
    // Of letters that no glob distinguishes, one is enough.
    let mut known_letters = HashSet::new();
    let mut letters: Vec<char> = Vec::new();
    for c in ('a'..='z').rev().chain('0'..='9') {
        let all = sequences.iter().flat_map(|(_, tokens)| tokens);
        if known_letters.insert(all.map(|token| token.takes(c)).collect::<Vec<bool>>()) {
            letters.push(c);
        }
    }
    letters.push('-');
    let start = with_empty(&sequences, (0..sequences.len()).map(|sequence| (sequence, 0)));
    // A name does not end with a hyphen, so the state after a hyphen is a different
    // one.
    let mut known: HashSet<(bool, State)> = HashSet::new();
    let mut open = VecDeque::from([(String::new(), start)]);
    let mut found: HashSet<Vec<usize>> = HashSet::new();
    let mut names = Vec::new();
    while let Some((name, state)) = open.pop_front() {
        if let Ok(group) = name.parse::<GroupName>() {
            let ends = state
                .iter()
                .filter(|(sequence, at)| *at == sequences[*sequence].1.len());
            let mut matched: Vec<usize> = ends.map(|(sequence, _)| sequences[*sequence].0).collect();
            matched.dedup();
            if found.insert(matched) {
                names.push(group);
            }
        }
        if name.len() == 63 {
            continue;
        }
        for c in letters.iter().copied().filter(|c| !name.is_empty() || *c != '-') {
            let next = state.iter().filter_map(|(sequence, at)| {
                let token = sequences[*sequence].1.get(*at)?;
                let after = at + usize::from(!matches!(token, Token::Many));
                token.takes(c).then_some((*sequence, after))
            });
            let next = with_empty(&sequences, next);
            if known.len() < MOST && known.insert((c == '-', next.clone())) {
                open.push_back((format!("{name}{c}"), next));
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(globs: &[&str]) -> BTreeSet<Vec<String>> {
        let classes = Classes::of(globs.iter().map(|glob| (*glob).to_owned()), &[]);
        let names = classes.names.iter();
        names
            .map(|name| {
                let globs = classes.globs.iter().filter(|(text, _)| text != "*");
                let hit = globs.filter(|(_, glob)| glob.is_match(name.as_str()));
                hit.map(|(text, _)| text.clone()).collect()
            })
            .collect()
    }

    #[test]
    fn every_set_of_globs_that_can_match_together_has_a_name() {
        let sets = |sets: &[&[&str]]| -> BTreeSet<Vec<String>> {
            let owned = |set: &&[&str]| set.iter().map(|text| (*text).to_owned()).collect();
            sets.iter().map(owned).collect()
        };
        assert_eq!(
            matched(&["fraud-*", "*-eu", "churn"]),
            sets(&[&[], &["fraud-*"], &["*-eu"], &["*-eu", "fraud-*"], &["churn"]])
        );
        assert_eq!(matched(&["zzz"]), sets(&[&[], &["zzz"]]));
        assert_eq!(
            matched(&["[a-c]?", "{a,x}1", "B*"]),
            sets(&[
                &[],
                &["[a-c]?"],
                &["[a-c]?", "{a,x}1"],
                &["{a,x}1"],
                &["B*"],
                &["B*", "[a-c]?"]
            ])
        );
    }

    #[test]
    fn a_label_is_the_fewest_globs() {
        let globs = ["fraud-*", "*-eu"].map(str::to_owned);
        let classes = Classes::of(globs, &["fraud-detector".parse().expect("a name")]);
        let all: BTreeSet<usize> = (0..classes.names.len()).collect();
        assert_eq!(classes.label(&all), "*");
        let fraud = |name: &GroupName| name.as_str().starts_with("fraud-");
        let some = all.iter().copied().filter(|index| fraud(&classes.names[*index]));
        assert_eq!(classes.label(&some.collect()), "fraud-*");
        let only = BTreeSet::from([0]);
        assert_eq!(classes.label(&only), "fraud-detector and the like");
    }
}
