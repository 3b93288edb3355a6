//! A tree's bytes, and whether they are in Git's strict form.

use std::collections::HashSet;

use crate::base::{ObjectFormat, Oid};

/// The mode of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A folder (40000).
    Tree,
    /// A plain file (100644).
    File,
    /// A program (100755).
    Executable,
    /// A symbolic link (120000).
    Symlink,
    /// A submodule's commit (160000).
    Gitlink,
    /// Any other mode.
    Other(u32),
}

impl Mode {
    /// The mode that these bits mean in a tree.
    #[must_use]
    pub fn from_bits(bits: u32) -> Mode {
        match bits {
            0o40000 => Mode::Tree,
            0o100644 => Mode::File,
            0o100755 => Mode::Executable,
            0o120000 => Mode::Symlink,
            0o160000 => Mode::Gitlink,
            other => Mode::Other(other),
        }
    }

    fn bits(self) -> u32 {
        match self {
            Mode::Tree => 0o40000,
            Mode::File => 0o100644,
            Mode::Executable => 0o100755,
            Mode::Symlink => 0o120000,
            Mode::Gitlink => 0o160000,
            Mode::Other(other) => other,
        }
    }
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The mode.
    pub mode: Mode,
    /// Its name.
    pub name: Vec<u8>,
    /// The object.
    pub id: Oid,
}

/// One folder.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Its entries as stored.
    pub entries: Vec<Entry>,
    /// The reasons for which it is not in strict form; empty when it is. The first
    /// `MOST_FAULTS`, each once, and the number of the others.
    pub faults: Vec<String>,
    /// The entries in the order of their names, of a tree that is not in strict form.
    named: Vec<usize>,
}

impl Tree {
    /// The memory that it takes, in bytes, about.
    pub(super) fn weight(&self) -> usize {
        let names: usize = self.entries.iter().map(|entry| entry.name.len()).sum();
        names + self.entries.len() * size_of::<Entry>() + self.named.len() * size_of::<usize>() + 256
    }
}

/// The most faults of one tree that are listed.
const MOST_FAULTS: usize = 20;

/// The faults of a tree, each once.
#[derive(Default)]
struct Faults(HashSet<String>, Vec<String>);

impl Faults {
    fn push(&mut self, fault: String) {
        if !self.0.contains(&fault) {
            if self.1.len() < MOST_FAULTS {
                self.1.push(fault.clone());
            }
            self.0.insert(fault);
        }
    }

    fn named(mut self) -> Vec<String> {
        let more = self.0.len() - self.1.len();
        if more > 0 {
            self.1.push(format!("{more} more of its names are malformed"));
        }
        self.1
    }
}

/// Git sorts a folder as though its name ended with a slash.
fn sort_key(entry: &Entry) -> Vec<u8> {
    let mut key = entry.name.clone();
    if entry.mode == Mode::Tree {
        key.push(b'/');
    }
    key
}

/// Whether the first of two entries comes first in Git's order.
fn in_order(first: &Entry, second: &Entry) -> bool {
    let end = |entry: &Entry| (entry.mode == Mode::Tree).then_some(b'/');
    let bytes = first.name.iter().copied().chain(end(first));
    bytes.lt(second.name.iter().copied().chain(end(second)))
}

impl Tree {
    /// Reads a tree's stored bytes.
    ///
    /// # Errors
    /// When the bytes can't be cut into entries.
    pub fn parse(format: ObjectFormat, bytes: &[u8]) -> Result<Tree, String> {
        let width = match format {
            ObjectFormat::Sha1 => 20,
            ObjectFormat::Sha256 => 32,
        };
        let mut tree = Tree::default();
        let mut faults = Faults::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = rest
                .iter()
                .position(|byte| *byte == b' ')
                .ok_or("an entry has no mode")?;
            let nul = rest
                .iter()
                .position(|byte| *byte == 0)
                .ok_or("an entry has no end")?;
            if space > nul {
                return Err("an entry has no mode".into());
            }
            let digits = &rest[..space];
            // Git reads any number of digits, and keeps the last 32 bits.
            let octal = !digits.is_empty() && digits.iter().all(|digit| (b'0'..=b'7').contains(digit));
            if !octal {
                return Err("an entry's mode is no octal number".into());
            }
            let bits = digits
                .iter()
                .fold(0, |bits, digit| bits << 3 | u32::from(digit - b'0'));
            let name = rest[space + 1..nul].to_vec();
            let id = rest
                .get(nul + 1..nul + 1 + width)
                .and_then(Oid::from_bytes)
                .ok_or("an entry is cut off")?;
            if digits[0] == b'0' {
                faults.push(format!("the mode of `{}` is padded with zeros", show(&name)));
            }
            if let Some(fault) = name_fault(&name) {
                faults.push(fault);
            }
            tree.entries.push(Entry {
                mode: Mode::from_bits(bits),
                name,
                id,
            });
            rest = &rest[nul + 1 + width..];
        }
        for pair in tree.entries.windows(2) {
            if pair[0].name == pair[1].name {
                faults.push(format!("`{}` stands twice", show(&pair[0].name)));
            } else if sort_key(&pair[0]) >= sort_key(&pair[1]) {
                faults.push(format!("`{}` is out of order", show(&pair[1].name)));
            }
        }
        // A file and a folder of one name need not be neighbours.
        let mut names: Vec<&[u8]> = tree.entries.iter().map(|entry| &entry.name[..]).collect();
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
            faults.push(format!("`{}` stands twice", show(pair[0])));
        }
        tree.faults = faults.named();
        if !tree.faults.is_empty() {
            let mut named: Vec<usize> = (0..tree.entries.len()).collect();
            named.sort_by(|a, b| tree.entries[*a].name.cmp(&tree.entries[*b].name));
            tree.named = named;
        }
        Ok(tree)
    }

    /// Returns the entry of this name, or `None` when the tree has the name twice, since
    /// readers may then see either.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        if self.faults.is_empty() {
            // A tree in strict form has it once, sorted as a file or as a folder.
            let name = name.as_bytes();
            return self.sorted(name, None).or_else(|| self.sorted(name, Some(&b'/')));
        }
        let entry = |at: usize| self.named.get(at).and_then(|index| self.entries.get(*index));
        let is_named = |entry: &&Entry| entry.name == name.as_bytes();
        let before = |index: &usize| self.entries[*index].name.as_slice() < name.as_bytes();
        let first = self.named.partition_point(before);
        let second = entry(first + 1).filter(is_named);
        entry(first).filter(is_named).filter(|_| second.is_none())
    }

    /// Returns the entry of this name, of a tree in strict form, if it is sorted with
    /// this ending.
    fn sorted(&self, name: &[u8], end: Option<&u8>) -> Option<&Entry> {
        let found = self.entries.binary_search_by(|entry| {
            let is_folder = entry.mode == Mode::Tree;
            let shared = entry.name.len().min(name.len());
            let after = |key: &[u8], end: Option<&u8>| key.get(shared).or(end).copied();
            entry.name[..shared]
                .cmp(&name[..shared])
                .then_with(|| after(&entry.name, is_folder.then_some(&b'/')).cmp(&after(name, end)))
                .then_with(|| entry.name.len().cmp(&name.len()))
        });
        found.ok().and_then(|index| self.entries.get(index))
    }

    /// Returns the names whose entries two trees do not share, in any order and some of
    /// them twice. Returns all names of both when one of the trees is not in strict form.
    pub fn differing<'t>(&'t self, other: &'t Tree) -> Vec<&'t [u8]> {
        if !self.faults.is_empty() || !other.faults.is_empty() {
            let all = self.entries.iter().chain(&other.entries);
            return all.map(|entry| &entry.name[..]).collect();
        }
        let mut names = Vec::new();
        let (mut ours, mut theirs) = (&self.entries[..], &other.entries[..]);
        loop {
            match (ours, theirs) {
                ([one, rest @ ..], [other, others @ ..]) if one == other => (ours, theirs) = (rest, others),
                ([one, rest @ ..], [other, ..]) if in_order(one, other) => {
                    names.push(&one.name[..]);
                    ours = rest;
                }
                (_, [other, others @ ..]) => {
                    names.push(&other.name[..]);
                    theirs = others;
                }
                ([one, rest @ ..], []) => {
                    names.push(&one.name[..]);
                    ours = rest;
                }
                ([], []) => return names,
            }
        }
    }

    /// The stored bytes of a tree with these entries, in Git's order.
    pub fn write(entries: &[Entry]) -> Vec<u8> {
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        sorted.sort_by_key(|entry| sort_key(entry));
        let mut bytes = Vec::new();
        for entry in sorted {
            bytes.extend_from_slice(format!("{:o} ", entry.mode.bits()).as_bytes());
            bytes.extend_from_slice(&entry.name);
            bytes.push(0);
            bytes.extend_from_slice(entry.id.as_bytes());
        }
        bytes
    }
}

fn show(name: &[u8]) -> String {
    crate::base::printable(&String::from_utf8_lossy(name))
}

fn name_fault(name: &[u8]) -> Option<String> {
    let what = match name {
        b"" => "is empty",
        b"." | b".." => "leads elsewhere",
        _ if name.contains(&b'/') => "holds a slash",
        _ if name.eq_ignore_ascii_case(b".git") => "is Git's own",
        _ => return None,
    };
    Some(format!("the name `{}` {what}", show(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ObjectKind;

    fn entry(mode: &str, name: &[u8]) -> Vec<u8> {
        let id = Oid::hash(ObjectFormat::Sha1, ObjectKind::Blob, b"");
        [mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat()
    }

    fn faults(entries: &[Vec<u8>]) -> Vec<String> {
        Tree::parse(ObjectFormat::Sha1, &entries.concat())
            .expect("entries")
            .faults
    }

    #[test]
    fn the_empty_tree_and_an_ordered_one_are_strict() {
        assert_eq!(
            Oid::hash(ObjectFormat::Sha1, ObjectKind::Tree, b"").to_string(),
            "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
        );
        let bytes = [
            entry("100644", b"a"),
            entry("100644", b"a.b"),
            entry("40000", b"a0"),
        ]
        .concat();
        let tree = Tree::parse(ObjectFormat::Sha1, &bytes).expect("entries");
        assert!(tree.faults.is_empty(), "{:?}", tree.faults);
        assert_eq!(Tree::write(&tree.entries), bytes);
    }

    #[test]
    fn names_that_two_trees_do_not_share_are_listed() {
        let parse =
            |entries: &[Vec<u8>]| Tree::parse(ObjectFormat::Sha1, &entries.concat()).expect("entries");
        let one = parse(&[
            entry("100644", b"a"),
            entry("100644", b"a.b"),
            entry("40000", b"c"),
            entry("100644", b"d"),
        ]);
        let other = parse(&[
            entry("100644", b"a.b"),
            entry("40000", b"a"),
            entry("100644", b"c"),
            entry("100755", b"d"),
            entry("100644", b"e"),
        ]);
        for (one, other) in [(&one, &other), (&other, &one)] {
            let mut names = one.differing(other);
            names.sort_unstable();
            names.dedup();
            assert_eq!(names, [b"a", b"c", b"d", b"e"]);
            assert!(one.differing(one).is_empty());
        }
        let twice = parse(&[entry("100644", b"a"), entry("100644", b"a")]);
        assert!(
            twice.differing(&twice).contains(&&b"a"[..]),
            "readers see one or the other"
        );
    }

    #[test]
    fn names_and_orders_that_readers_disagree_on_are_named() {
        for (entries, fault) in [
            (vec![entry("100644", b"b"), entry("100644", b"a")], "out of order"),
            (vec![entry("100644", b"a"), entry("100644", b"a")], "stands twice"),
            (
                vec![
                    entry("100644", b"a"),
                    entry("100644", b"a.b"),
                    entry("40000", b"a"),
                ],
                "stands twice",
            ),
            (vec![entry("040000", b"a")], "padded"),
            (vec![entry("100644", b"")], "empty"),
            (vec![entry("100644", b".")], "elsewhere"),
            (vec![entry("100644", b"..")], "elsewhere"),
            (vec![entry("100644", b"a/b")], "slash"),
            (vec![entry("40000", b".GiT")], "Git's own"),
        ] {
            let told = faults(&entries);
            assert!(told.iter().any(|told| told.contains(fault)), "{fault}: {told:?}");
        }
        let twice = Tree::parse(
            ObjectFormat::Sha1,
            &[entry("100644", b"a"), entry("100644", b"a")].concat(),
        );
        assert!(
            twice.expect("entries").get("a").is_none(),
            "nobody can say which is meant"
        );
    }

    #[test]
    fn what_cant_be_cut_into_entries_is_refused() {
        let whole = entry("100644", b"name");
        for end in 1..whole.len() {
            assert!(
                Tree::parse(ObjectFormat::Sha1, &whole[..end]).is_err(),
                "cut at {end}"
            );
        }
        assert!(Tree::parse(ObjectFormat::Sha1, &entry("10x644", b"a")).is_err());
    }

    #[test]
    fn a_name_is_found_as_a_file_and_as_a_folder() {
        let names = ["a", "a.b", "a0", "b", "b-", "b.c", "ba", "c"];
        // Each name in turn is a folder, so it is sorted after the names that it is a
        // prefix of.
        for folder in names {
            let entries: Vec<Entry> = names
                .iter()
                .map(|name| Entry {
                    mode: if *name == folder { Mode::Tree } else { Mode::File },
                    name: name.as_bytes().to_vec(),
                    id: Oid::hash(ObjectFormat::Sha1, ObjectKind::Blob, name.as_bytes()),
                })
                .collect();
            let tree = Tree::parse(ObjectFormat::Sha1, &Tree::write(&entries)).expect("entries");
            assert!(tree.faults.is_empty(), "{:?}", tree.faults);
            for entry in &entries {
                let name = String::from_utf8_lossy(&entry.name);
                assert_eq!(tree.get(&name), Some(entry), "{name} beside the folder {folder}");
            }
            for name in ["", "a/", "a.", "b/", "bb", "d"] {
                assert_eq!(tree.get(name), None, "{name} beside the folder {folder}");
            }
        }
    }
}
