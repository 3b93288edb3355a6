//! The globs of `protect`, name by name.
//!
//! `globset` says whether a glob matches a whole path. Walking a tree needs more: whether
//! a glob may match below a folder, and whether two folders are alike to all globs. So
//! each glob is also kept as a sequence of names, compiled once.

use std::cell::OnceCell;
use std::rc::Rc;

use globset::GlobMatcher;

use super::glob::path_glob;

/// The globs of a policy's `protect`.
#[derive(Clone)]
pub(super) struct Protect {
    globs: Vec<GlobMatcher>,
    written: Vec<String>,
    /// The globs name by name, compiled at the first question.
    ways: OnceCell<Rc<Vec<Way>>>,
}

impl Protect {
    pub(super) fn new(globs: &[String]) -> Protect {
        Protect {
            globs: globs.iter().filter_map(|glob| path_glob(glob).ok()).collect(),
            written: globs.to_vec(),
            ways: OnceCell::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether a glob matches the path, or names a folder at it.
    pub(super) fn names(&self, path: &str) -> bool {
        self.globs.iter().any(|glob| glob.is_match(path))
            || self.ways().iter().any(|way| way.stands_before(path))
    }

    /// Whether a glob names paths below a link: at these, readers find the link's files.
    pub(super) fn leads_through(&self, link: &str) -> bool {
        self.ways().iter().any(|way| way.leads_through(link))
    }

    /// Whether a glob may match something below a folder. In doubt, it may.
    pub(super) fn leads_below(&self, folder: &str) -> bool {
        self.ways().iter().any(|way| way.leads_below(folder))
    }

    /// Appends the position of each glob after the names of a folder. Below two folders
    /// of equal positions, the globs match the same names. Returns `None` if a glob
    /// depends on more than that.
    pub(super) fn state(&self, folder: &str, out: &mut Vec<u16>) -> Option<()> {
        for way in self.ways().iter() {
            out.extend(way.positions(folder)?);
            out.push(u16::MAX);
        }
        Some(())
    }

    fn ways(&self) -> &[Way] {
        self.ways.get_or_init(|| {
            let each = self.written.iter().flat_map(|glob| alternatives(glob));
            Rc::new(each.map(|one| Way::of(&one)).collect())
        })
    }
}

/// A glob without alternatives, name by name.
struct Way(Vec<Part>);

/// One name of a [`Way`].
enum Part {
    /// `**`: any number of names.
    Any,
    /// One name.
    Name(Name),
    /// A part that may match a `/`, or that the glob's reader may read in another way.
    Odd(Name),
}

/// A glob over one name.
enum Name {
    /// This name, in any case.
    Literal(String),
    /// `*`.
    Every,
    /// Another glob, or `None` if it does not compile: then it may match.
    Glob(Option<GlobMatcher>),
}

impl Name {
    fn of(part: &str) -> Name {
        match part {
            "*" => Name::Every,
            part if part.contains(['*', '?', '[', '{', '\\']) => Name::Glob(path_glob(part).ok()),
            part => Name::Literal(part.to_owned()),
        }
    }

    fn may_be(&self, name: &str) -> bool {
        match self {
            Name::Literal(literal) => literal.eq_ignore_ascii_case(name),
            Name::Every => true,
            Name::Glob(glob) => glob.as_ref().is_none_or(|glob| glob.is_match(name)),
        }
    }
}

impl Part {
    fn of(part: &str) -> Part {
        match part {
            "**" => Part::Any,
            part if part.contains("**") || part.contains(['{', '}', '\\']) || !has_plain_classes(part) => {
                Part::Odd(Name::of(part))
            }
            part => Part::Name(Name::of(part)),
        }
    }
}

/// Whether each class of a part has letters, digits and their ranges only, so that it
/// matches no `/`.
fn has_plain_classes(part: &str) -> bool {
    let mut rest = part;
    while let Some(start) = rest.find(['[', ']']) {
        let Some((class, after)) = rest[start..]
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
        else {
            return false;
        };
        let mut pieces = class.split('-');
        let is_plain = |piece: &str| piece.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if class.is_empty() || !pieces.all(|piece| !piece.is_empty() && is_plain(piece)) {
            return false;
        }
        rest = after;
    }
    true
}

impl Way {
    fn of(pattern: &str) -> Way {
        Way(pattern.split('/').map(Part::of).collect())
    }

    /// Returns the parts that may come next after the names of a folder, by their
    /// numbers, or `None` if an odd part was met.
    fn positions(&self, folder: &str) -> Option<Vec<u16>> {
        let mut is_odd = false;
        let at = self.after(folder, |_, _| {
            is_odd = true;
            false
        });
        let odd = |position: &u16| matches!(self.0.get(usize::from(*position)), Some(Part::Odd(_)));
        (!is_odd && !at.iter().any(odd)).then_some(at)
    }

    /// Returns the parts that may come next, where `odd` says whether an odd part matches
    /// a name.
    fn after(&self, folder: &str, mut odd: impl FnMut(&Name, &str) -> bool) -> Vec<u16> {
        let mut at = self.skipping(vec![0]);
        for name in folder.split('/').filter(|name| !name.is_empty()) {
            let mut next = Vec::new();
            for position in at {
                match self.0.get(usize::from(position)) {
                    Some(Part::Any) => next.push(position),
                    Some(Part::Name(part)) if part.may_be(name) => next.push(position + 1),
                    Some(Part::Odd(part)) if odd(part, name) => next.push(position + 1),
                    _ => {}
                }
            }
            at = self.skipping(next);
        }
        at
    }

    /// Adds the parts behind each `**`, since it may match no name at all.
    fn skipping(&self, mut positions: Vec<u16>) -> Vec<u16> {
        let mut index = 0;
        while let Some(position) = positions.get(index).copied() {
            if matches!(self.0.get(usize::from(position)), Some(Part::Any)) {
                positions.push(position + 1);
            }
            index += 1;
        }
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    fn is_left(&self, position: u16) -> bool {
        usize::from(position) < self.0.len()
    }

    fn leads_below(&self, folder: &str) -> bool {
        let is_left = |positions: Vec<u16>| positions.into_iter().any(|position| self.is_left(position));
        self.positions(folder).is_none_or(is_left)
    }

    /// An odd part counts as one name here. In doubt, each link would be protected.
    fn leads_through(&self, link: &str) -> bool {
        let at = self.after(link, |part, name| part.may_be(name));
        at.into_iter().any(|position| self.is_left(position))
    }

    /// Whether a path is a proper prefix, name by name, of the paths that the glob names:
    /// a file at the path takes the place of a folder that the glob needs. `**` names no
    /// folder.
    fn stands_before(&self, path: &str) -> bool {
        let mut parts = self.0.iter();
        for name in path.split('/') {
            match parts.next() {
                Some(Part::Name(part) | Part::Odd(part)) if part.may_be(name) => {}
                _ => return false,
            }
        }
        parts.next().is_some()
    }
}

/// Expands the alternatives of a glob, `{a/b,c}/d` for instance. Returns only the pattern
/// itself if there are too many, or if a class or an escape may hide a brace.
fn alternatives(pattern: &str) -> Vec<String> {
    const MOST: usize = 64;
    let hides = |class: &str| {
        let class = class.split(']').next().unwrap_or_default();
        class.contains(['{', '}', ','])
    };
    if pattern.contains('\\') || pattern.split('[').skip(1).any(hides) {
        return vec![pattern.to_owned()];
    }
    let mut done = Vec::new();
    let mut left = vec![pattern.to_owned()];
    while let Some(next) = left.pop() {
        let range = next.find('{').and_then(|start| {
            let mut depth = 0_usize;
            let end = next[start..].char_indices().find_map(|(at, c)| {
                depth += usize::from(c == '{');
                depth -= usize::from(c == '}');
                (depth == 0).then_some(start + at)
            })?;
            Some((start, end))
        });
        let Some((start, end)) = range else {
            done.push(next);
            continue;
        };
        let mut depth = 0_usize;
        let split = next[start + 1..end].split(|c| {
            depth += usize::from(c == '{');
            depth -= usize::from(c == '}');
            c == ',' && depth == 0
        });
        left.extend(split.map(|one| format!("{}{one}{}", &next[..start], &next[end + 1..])));
        if left.len() + done.len() > MOST {
            return vec![pattern.to_owned()];
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protect(glob: &str) -> Protect {
        Protect::new(&[glob.to_owned()])
    }

    #[test]
    fn folders_on_the_way_to_what_a_glob_matches() {
        for (pattern, folder, leads) in [
            (".github/**", "", true),
            (".github/**", ".github", true),
            (".github/**", ".GITHUB/workflows", true),
            (".github/**", "docs", false),
            (".github/**", ".github2", false),
            ("ci/run", "", true),
            ("ci/run", "ci", true),
            ("ci/run", "ci/run", false),
            ("ci/*/run", "ci/a", true),
            ("ci/*/run", "ci/a/b", false),
            ("ci/*/run", "other/a", false),
            ("run", "", true),
            ("run", "ci", false),
            ("**/OWNERS", "any/where", true),
            ("{ci,docs/x}/run", "docs/x", true),
            ("{ci,docs/x}/run", "other", false),
            ("a/**/b/c", "a/x/y", true),
            ("a/**/b/c", "x/a", false),
            ("[ab]/**", "a/x", true),
            ("[ab]/**", "c", false),
            ("[!a]x/y", "b", true),
            ("[+-9]x/y", "q", true),
            ("[{]{a}[}]/x", "{a}", true),
            ("a**/x", "abc", true),
        ] {
            assert_eq!(
                protect(pattern).leads_below(folder),
                leads,
                "{pattern} below {folder}"
            );
        }
    }

    #[test]
    fn links_that_paths_of_a_glob_lead_through() {
        for (pattern, link, leads) in [
            (".github/**/*.yml", ".github/a/b", true),
            (".github/**/*.yml", "docs/a", false),
            ("a/**/b/**/c", "A/x/b/y", true),
            ("*/x", "k", true),
            ("*/x", "k/y", false),
            ("q**/z", "qq", true),
            ("q**/z", "qq/r", false),
            ("q**/z", "k", false),
            ("[!c]i/**/run", "ai/x", true),
            ("[!c]i/**/run", "docs", false),
            ("\\[a]/x", "docs", false),
        ] {
            assert_eq!(protect(pattern).leads_through(link), leads, "{pattern} {link}");
        }
    }

    #[test]
    fn folders_that_are_alike_to_a_glob() {
        for (pattern, one, other, alike) in [
            (".github/**/*.yml", ".github/a", ".GitHub/b/c", true),
            (".github/**/*.yml", ".github", ".github/a", true),
            ("a/**/b/c", "a/x", "a/x/y", true),
            ("a/**/b/c", "a/x", "a/b", false),
            ("*/x", "a", "b", true),
            ("*/x", "a", "a/b", false),
            ("**", "a", "a/b", true),
        ] {
            let state = |folder| {
                let mut state = Vec::new();
                protect(pattern).state(folder, &mut state).map(|()| state)
            };
            let (one, other) = (state(one).expect("a state"), state(other).expect("a state"));
            assert_eq!(one == other, alike, "{pattern}: {one:?}, {other:?}");
        }
        for odd in ["[!a]/x", "\\a/x", "[--9]/x", "x**/{a,b}", "[a/b]/x"] {
            assert_eq!(protect(odd).state("a", &mut Vec::new()), None, "{odd}");
        }
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_stands_before_what_is_in_it() {
        for (pattern, path, wanted) in [
            ("ci/**", "ci", true),
            ("ci/**", "CI", true),
            ("ci/**", "cif", false),
            ("a/b/c.yml", "a", true),
            ("a/b/c.yml", "a/b", true),
            ("a/*/c", "a/x", true),
            ("**/Dockerfile", "a", false),
            ("**/Dockerfile", "a/b", false),
            ("{a/b,c}/**", "c", true),
            ("{a/b,c}/**", "a", true),
            ("{a/b,c}/**", "a/b", true),
            ("{a/b,c}/**", "d", false),
            ("{a,{b,c}}/x", "c", true),
            ("a**/x", "ab", true),
        ] {
            assert_eq!(protect(pattern).names(path), wanted, "{pattern} {path}");
        }
        assert_eq!(alternatives("{a,b"), ["{a,b"]);
    }
}
