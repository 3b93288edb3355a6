//! The house: which room may name which, and what the core may know of the world.
//!
//! The table below is the whole law. Each room lists the rooms that it may import and
//! the external crates that it may name; everything else is refused. Code is parsed,
//! not searched: `use` trees, paths in code, and paths in the arguments of macros.
//! Items under `#[cfg(test)]` are left out one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// A room of `src`, in the order of the house: a room imports from rooms before it.
struct Room {
    name: &'static str,
    /// The rooms that it may import.
    rooms: &'static [&'static str],
    /// The external crates that it may name.
    crates: &'static [&'static str],
    /// Whether it is part of the core, which knows no disk, process, network or clock.
    is_core: bool,
}

const fn core(name: &'static str, rooms: &'static [&'static str], crates: &'static [&'static str]) -> Room {
    Room {
        name,
        rooms,
        crates,
        is_core: true,
    }
}

const fn shell(name: &'static str, rooms: &'static [&'static str], crates: &'static [&'static str]) -> Room {
    Room {
        name,
        rooms,
        crates,
        is_core: false,
    }
}

const HOUSE: [Room; 13] = [
    core("base", &[], &["thiserror", "sha1", "sha2"]),
    core("object", &["base"], &[]),
    core("signature", &[], &["ssh_key", "ring", "pgp"]),
    core(
        "record",
        &["base", "object", "signature"],
        &[
            "serde",
            "serde_json",
            "schemars",
            "jsonschema",
            "granit_parser",
            "serde_yaml",
            "serde_json_canonicalizer",
            "sha2",
            "regex",
            "strsim",
        ],
    ),
    core(
        "trust",
        &["base", "object", "signature", "record"],
        &["serde_json", "globset", "strsim", "thiserror"],
    ),
    core(
        "judge",
        &["base", "object", "signature", "record", "trust"],
        &["serde", "serde_json", "jiff", "base64", "sha2"],
    ),
    core(
        "act",
        &["base", "object", "record", "trust", "judge"],
        &["serde_json", "jiff"],
    ),
    core(
        "report",
        &["base", "object", "record", "trust", "judge"],
        &[
            "serde",
            "serde_json",
            "schemars",
            "jiff",
            "maud",
            "annotate_snippets",
            "comfy_table",
            "percent_encoding",
        ],
    ),
    core(
        "exchange",
        &["base", "record", "judge", "act", "report"],
        &["serde", "serde_json", "jiff", "sha1"],
    ),
    shell(
        "git",
        &["base", "object", "signature", "record"],
        &[
            "git2",
            "flate2",
            "jiff",
            "tempfile",
            "percent_encoding",
            "walkdir",
            "ring",
            "getrandom",
            "serde",
            "serde_json",
        ],
    ),
    shell(
        "workspace",
        &["base", "object", "record", "trust", "judge", "report", "git"],
        &["serde", "serde_json"],
    ),
    shell(
        "net",
        &[
            "base",
            "object",
            "record",
            "judge",
            "report",
            "exchange",
            "git",
            "workspace",
        ],
        &[
            "ureq",
            "rustls_native_certs",
            "rusty_s3",
            "base64",
            "percent_encoding",
            "ring",
            "sha2",
            "serde",
            "serde_json",
            "jiff",
            "thiserror",
            "walkdir",
            "rustix",
            "signal_hook",
            "getrandom",
        ],
    ),
    shell(
        "cli",
        &[
            "base",
            "object",
            "signature",
            "record",
            "trust",
            "judge",
            "act",
            "report",
            "exchange",
            "git",
            "workspace",
            "net",
        ],
        &[
            "clap",
            "clap_complete",
            "clap_mangen",
            "indicatif",
            "terminal_size",
            "serde",
            "serde_json",
            "serde_yaml",
            "jiff",
            "getrandom",
        ],
    ),
];

/// An exception for a part of a room: imports that the part must not have although
/// its room may, or may have although its room must not. The path is that of the file
/// or folder below `src`.
struct Exception {
    place: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static str],
}

const EXCEPTIONS: [Exception; 8] = [
    // The parser of conditions is recursive, and runs on a stack of its own size.
    Exception {
        place: "trust/condition",
        may: &["std::thread"],
        never: &[],
    },
    Exception {
        place: "record/kind",
        may: &[],
        never: &[
            "crate::record::yaml",
            "crate::record::snapshot",
            "crate::record::change",
        ],
    },
    Exception {
        place: "record/yaml",
        may: &[],
        never: &["crate::record::snapshot", "crate::record::change"],
    },
    // A finding knows no rule, and a rule knows no history.
    Exception {
        place: "judge/finding.rs",
        may: &[],
        never: &["crate::judge::rules", "crate::judge::history"],
    },
    Exception {
        place: "judge/rules",
        may: &[],
        never: &["crate::judge::history"],
    },
    // Renderers decide nothing.
    Exception {
        place: "report/findings",
        may: &[],
        never: &["crate::trust", "crate::judge::rules", "crate::judge::history"],
    },
    Exception {
        place: "report/card",
        may: &[],
        never: &["crate::trust", "crate::judge::rules", "crate::judge::history"],
    },
    Exception {
        place: "report/text",
        may: &[],
        never: &["crate::trust", "crate::judge"],
    },
];

/// Modules of the standard library that the core never names.
const WORLD: [&str; 5] = ["std::fs", "std::env", "std::process", "std::net", "std::thread"];

/// Types and functions that read a clock.
const CLOCKS: [&str; 4] = ["Instant", "SystemTime", "Timestamp::now", "Zoned::now"];

/// A path as code names it, in full: `crate::record::kind::Status`, `std::fs::read`.
type Named = String;

/// Every path that a file names, with what its `pub use` lends to others.
#[derive(Default)]
struct Names {
    module: Vec<String>,
    named: BTreeSet<Named>,
    /// The name in this module, and the path that it means.
    lent: Vec<(String, Named)>,
    /// Child modules that exist in tests only.
    tests: Vec<String>,
    /// The texts of the code, those of attributes left out.
    texts: Vec<String>,
}

impl Names {
    fn of(path: &str, text: &str) -> Names {
        let mut names = Names {
            module: module(path),
            ..Names::default()
        };
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("src/{path}: {error}"));
        names.visit_file(&file);
        names
    }

    /// The path in full, from the module that names it.
    fn full(&self, path: &[String]) -> Named {
        let mut at = self.module.clone();
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("super") => {
                while rest.first().is_some_and(|first| first == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
                at.insert(0, "crate".into());
            }
            Some("self") => {
                rest = &rest[1..];
                at.insert(0, "crate".into());
            }
            _ => at.clear(),
        }
        at.extend(rest.iter().cloned());
        at.join("::")
    }

    fn flatten(&mut self, tree: &syn::UseTree, before: &mut Vec<String>, is_lent: bool) {
        let leaf = |names: &mut Names, name: &syn::Ident, known_as: &syn::Ident| {
            let mut path = before.clone();
            if name != "self" {
                path.push(name.to_string());
            }
            let full = names.full(&path);
            if is_lent {
                names.lent.push((known_as.to_string(), full.clone()));
            }
            names.named.insert(full);
        };
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.flatten(&path.tree, before, is_lent);
                before.pop();
            }
            syn::UseTree::Name(name) => leaf(self, &name.ident, &name.ident),
            syn::UseTree::Rename(name) => leaf(self, &name.ident, &name.rename),
            syn::UseTree::Glob(_) => {
                let full = self.full(before);
                self.named.insert(full);
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.flatten(tree, before, is_lent);
                }
            }
        }
    }

    /// Paths in the arguments of a macro, which are tokens and no code yet.
    fn tokens(&mut self, stream: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in stream {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    colons = 0;
                    self.tokens(group.stream());
                }
                TokenTree::Literal(literal) => {
                    self.end(&mut path);
                    colons = 0;
                    self.texts
                        .extend(syn::parse_str::<syn::LitStr>(&literal.to_string()).map(|it| it.value()));
                }
                _ => {
                    self.end(&mut path);
                    colons = 0;
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            let full = self.full(path);
            self.named.insert(full);
        }
        path.clear();
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|what| what == "test")
    })
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(it) => &it.attrs,
            syn::Item::Fn(it) => &it.attrs,
            syn::Item::Use(it) => &it.attrs,
            syn::Item::Impl(it) => &it.attrs,
            syn::Item::Struct(it) => &it.attrs,
            syn::Item::Enum(it) => &it.attrs,
            syn::Item::Const(it) => &it.attrs,
            syn::Item::Static(it) => &it.attrs,
            _ => {
                visit::visit_item(self, item);
                return;
            }
        };
        match (is_test(attributes), item) {
            (true, syn::Item::Mod(it)) => self.tests.push(it.ident.to_string()),
            (true, _) => {}
            (false, _) => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_lent = !matches!(item.vis, syn::Visibility::Inherited);
        self.flatten(&item.tree, &mut Vec::new(), is_lent);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|it| it.ident.to_string()).collect();
        if segments.len() > 1 {
            let full = self.full(&segments);
            self.named.insert(full);
        }
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.texts.push(text.value());
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}

/// The module that a file is: `record/kind/mod.rs` is `[record, kind]`.
fn module(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = path
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

fn files() -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    walkdir::WalkDir::new(&top)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.expect("src"))
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "rs"))
        .map(|entry| {
            let path = entry.path().strip_prefix(&top).expect("below");
            let path = path.to_string_lossy().into_owned();
            (path, std::fs::read_to_string(entry.path()).expect("a file"))
        })
        .collect()
}

/// The files of the product, without those that only tests have.
fn parsed() -> BTreeMap<String, Names> {
    let mut all: BTreeMap<String, Names> = files()
        .into_iter()
        .filter(|(path, _)| !matches!(path.as_str(), "lib.rs" | "main.rs" | "testing.rs"))
        .map(|(path, text)| {
            let names = Names::of(&path, &text);
            (path, names)
        })
        .collect();
    let tests: BTreeSet<Vec<String>> = all
        .values()
        .flat_map(|names| {
            names.tests.iter().map(|test| {
                let mut path = names.module.clone();
                path.push(test.clone());
                path
            })
        })
        .collect();
    all.retain(|_, names| !tests.contains(&names.module));
    all
}

fn starts(path: &str, with: &str) -> bool {
    path.strip_prefix(with)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn is_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Why a file of this room may not name this path.
fn refused(room: &Room, path: &str, named: &str) -> Option<String> {
    let here = || EXCEPTIONS.iter().filter(|it| is_in(path, it.place));
    if here().any(|it| it.may.iter().any(|may| starts(named, may))) {
        return None;
    }
    if here().any(|it| it.never.iter().any(|never| starts(named, never))) {
        return Some("is not for this part of the room".into());
    }
    if let Some(other) = named.strip_prefix("crate::") {
        let other = other.split("::").next().unwrap_or_default();
        let is_room = HOUSE.iter().any(|it| it.name == other);
        return (is_room && other != room.name && !room.rooms.contains(&other))
            .then(|| format!("`{}` may not import `{other}`", room.name));
    }
    let first = named.split("::").next().unwrap_or_default();
    if dependencies().contains(first) && !room.crates.contains(&first) {
        return Some(format!("`{}` may not name the crate `{first}`", room.name));
    }
    let is_world = WORLD.iter().any(|it| starts(named, it));
    let is_clock = CLOCKS.iter().any(|it| {
        starts(named, it) || named.ends_with(&format!("::{it}")) || named.contains(&format!("::{it}::"))
    });
    (room.is_core && (is_world || is_clock))
        .then(|| "the core knows no disk, process, network or clock".into())
}

/// The crates that `Cargo.toml` names, as code does.
fn dependencies() -> &'static BTreeSet<String> {
    static NAMES: std::sync::OnceLock<BTreeSet<String>> = std::sync::OnceLock::new();
    NAMES.get_or_init(|| {
        let text = include_str!("../../../Cargo.toml");
        let mut inside = false;
        let mut names = BTreeSet::new();
        for line in text.lines() {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]") && !line.contains("dev-");
            } else if let Some((name, _)) = line.split_once('=').filter(|_| inside && !line.starts_with('#'))
            {
                names.insert(name.trim().replace('-', "_"));
            }
        }
        assert!(names.contains("git2"), "Cargo.toml's dependencies were not found");
        names
    })
}

#[test]
fn rooms_import_what_the_table_allows() {
    for (at, room) in HOUSE.iter().enumerate() {
        for other in room.rooms {
            let below = HOUSE[..at].iter().any(|it| it.name == *other);
            assert!(
                below,
                "the table lets `{}` import `{other}`, which is not below it",
                room.name
            );
        }
    }
    let mut wrong = Vec::new();
    for (path, names) in parsed() {
        let top = path.split('/').next().unwrap_or_default();
        let Some(room) = HOUSE.iter().find(|it| it.name == top) else {
            wrong.push(format!("src/{path} is in no room"));
            continue;
        };
        for named in &names.named {
            if let Some(why) = refused(room, &path, named) {
                wrong.push(format!("src/{path} names {named}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_of_references_are_taken_apart_in_one_file() {
    /// The page of a rule shows names of references.
    const MAY: [&str; 2] = ["base/reference.rs", "judge/rules/mr510_forbidden_reference.rs"];
    let mut wrong = Vec::new();
    for (path, names) in parsed() {
        if MAY.contains(&path.as_str()) {
            continue;
        }
        let of_git = |text: &&String| {
            ["refs/heads", "refs/remotes", "refs/tags"]
                .iter()
                .any(|it| text.contains(it))
        };
        let found = names.texts.iter().filter(of_git);
        wrong.extend(found.map(|text| format!("src/{path} writes {text:?}: `FullRef` does it")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_allows_no_more_than_is_used() {
    let all = parsed();
    let mut idle = Vec::new();
    for room in &HOUSE {
        let named: BTreeSet<&str> = all
            .iter()
            .filter(|(path, _)| is_in(path, room.name))
            .flat_map(|(_, names)| names.named.iter().map(String::as_str))
            .collect();
        let is_used = |what: &str| named.iter().any(|it| starts(it, what));
        let rooms = room.rooms.iter().filter(|it| !is_used(&format!("crate::{it}")));
        let crates = room
            .crates
            .iter()
            .filter(|it| !is_used(it) && **it != "pgp" && **it != "rusty_s3");
        idle.extend(
            rooms
                .chain(crates)
                .map(|it| format!("`{}` imports no `{it}`", room.name)),
        );
    }
    assert!(idle.is_empty(), "{}", idle.join("\n"));
}

/// Files that import each other in a circle, over any number of others.
fn circles(all: &BTreeMap<String, Names>, room: &str) -> Vec<Vec<String>> {
    let by_module: BTreeMap<String, &str> = all
        .iter()
        .map(|(path, names)| (format!("crate::{}", names.module.join("::")), path.as_str()))
        .collect();
    let lent: BTreeMap<String, &str> = all
        .values()
        .flat_map(|names| {
            let module = names.module.join("::");
            names
                .lent
                .iter()
                .map(move |(name, path)| (format!("crate::{module}::{name}"), path.as_str()))
        })
        .collect();
    let file = |named: &str| -> Option<&str> {
        let mut named = named.to_owned();
        for _ in 0..8 {
            let mut at = named.as_str();
            loop {
                if let Some(path) = lent.get(at) {
                    named = format!("{path}{}", &named[at.len()..]);
                    break;
                }
                match by_module.get(at) {
                    Some(path) => return Some(*path),
                    None => at = at.rsplit_once("::")?.0,
                }
            }
        }
        None
    };
    let edges: BTreeMap<&str, BTreeSet<&str>> = all
        .iter()
        .filter(|(path, _)| is_in(path, room))
        .map(|(path, names)| {
            let to = names.named.iter().filter_map(|it| file(it));
            let to = to.filter(|it| *it != path && is_in(it, room) && !it.ends_with("/mod.rs"));
            (path.as_str(), to.collect())
        })
        .collect();
    let reach = |from: &str| -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = edges.get(from).into_iter().flatten().copied().collect();
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                open.extend(edges.get(at).into_iter().flatten().copied());
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|it| (*it, reach(it))).collect();
    let mut done = BTreeSet::new();
    let mut all = Vec::new();
    for (path, to) in &reached {
        if to.contains(path) && !done.contains(path) {
            let circle: Vec<&str> = to
                .iter()
                .copied()
                .filter(|it| reached.get(it).is_some_and(|back| back.contains(path)))
                .collect();
            done.extend(circle.iter().copied());
            all.push(circle.into_iter().map(str::to_owned).collect());
        }
    }
    all
}

/// Small circles inside a room, each of one concern.
const KNOWN_CIRCLES: [&[&str]; 6] = [
    &[
        "record/yaml/build.rs",
        "record/yaml/conflict.rs",
        "record/yaml/read.rs",
    ],
    &["trust/approval.rs", "trust/selection.rs"],
    &[
        "judge/history/crossings.rs",
        "judge/history/graph.rs",
        "judge/history/provenance.rs",
        "judge/history/trace.rs",
    ],
    &[
        "report/summary/policy/effect.rs",
        "report/summary/policy/written.rs",
    ],
    &["report/summary/view/blocks.rs", "report/summary/view/version.rs"],
    &["git/interrupted.rs", "git/moving.rs", "git/worktree.rs"],
];

#[test]
fn files_import_each_other_in_no_circle() {
    let all = parsed();
    let mut wrong = Vec::new();
    for room in &HOUSE {
        for circle in circles(&all, room.name) {
            if !KNOWN_CIRCLES.iter().any(|known| **known == circle[..]) {
                wrong.push(circle.join(" <-> "));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_room_is_too_large() {
    for (path, text) in files() {
        let lines = text.lines().count();
        assert!(lines <= 620, "src/{path} has {lines} lines: split it by concern");
        assert!(!path.contains("util"), "src/{path}: name it by what it is");
        assert!(text.starts_with("//!"), "src/{path} does not say why it exists");
    }
}

/// A file that the `mod` lines beside it do not name is never compiled.
#[test]
fn no_test_file_is_forgotten() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut looked = 0;
    for entry in walkdir::WalkDir::new(&top) {
        let path = entry.expect("an entry").into_path();
        if path.extension().is_none_or(|end| end != "rs") || path == top.join("main.rs") {
            continue;
        }
        // `mod.rs` is its folder, which the folder above it names.
        let module = match path.ends_with("mod.rs") {
            true => path.parent().expect("a folder").to_owned(),
            false => path.with_extension(""),
        };
        let name = module.file_name().expect("a name").to_string_lossy();
        let folder = module.parent().expect("a folder");
        let parent = folder.join(if folder == top { "main.rs" } else { "mod.rs" });
        let text = std::fs::read_to_string(&parent).unwrap_or_default();
        let line = format!("mod {name};");
        assert!(
            text.lines()
                .any(|it| it.strip_prefix("pub ").unwrap_or(it) == line),
            "{} is not in {}",
            path.display(),
            parent.display()
        );
        looked += 1;
    }
    assert!(looked > 150, "{looked}");
}
