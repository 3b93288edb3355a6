//! Objects written byte for byte, as no well-behaved program writes them.

use super::world::World;
use super::{Format, RawTree, Replacements, Tamper, fill};

/// Returns the id of the last commit with replacements in its bytes, signed again
/// when asked for.
pub fn commit(
    world: &World,
    replacements: &Replacements,
    resign: Option<&str>,
    namespace: Option<&str>,
) -> String {
    let mut bytes = world.git_bytes(&["cat-file", "commit", "HEAD"]);
    if resign.is_some() {
        bytes = unsigned(&bytes);
    }
    bytes = fill::replaced(world, bytes, replacements);
    if let Some(who) = resign {
        let armor = world.signature(who, namespace.unwrap_or("git"), &bytes);
        let header = match world.base.format {
            Format::Sha1 => "gpgsig",
            Format::Sha256 => "gpgsig-sha256",
        };
        let header = format!("{header} {}\n", armor.trim_end().replace('\n', "\n "));
        let end = position(&bytes, b"\n\n").expect("an end of the headers") + 1;
        bytes.splice(end..end, header.into_bytes());
    }
    world.store("commit", &bytes)
}

/// The bytes without their signature header.
fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let end = position(bytes, b"\n\n").expect("an end of the headers") + 1;
    let mut out = Vec::new();
    let mut in_signature = false;
    for line in bytes[..end].split_inclusive(|byte| *byte == b'\n') {
        in_signature = line.starts_with(b"gpgsig") || (in_signature && line.starts_with(b" "));
        if !in_signature {
            out.extend(line);
        }
    }
    out.extend(&bytes[end..]);
    out
}

fn position(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// One entry of a tree.
struct Entry {
    mode: String,
    name: Vec<u8>,
    id: String,
}

fn entries(world: &World, tree: &str) -> Vec<Entry> {
    let listed = world.git_bytes(&["ls-tree", "-z", tree]);
    listed
        .split(|byte| *byte == 0)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let tab = line.iter().position(|byte| *byte == b'\t').expect("a name");
            let head = String::from_utf8_lossy(&line[..tab]).into_owned();
            let mut words = head.split(' ');
            let mode = words.next().expect("a mode").trim_start_matches('0').to_owned();
            Entry {
                mode,
                name: line[tab + 1..].to_vec(),
                id: words.nth(1).expect("an id").to_owned(),
            }
        })
        .collect()
}

fn write(world: &World, entries: &[Entry]) -> String {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(format!("{} ", entry.mode).bytes());
        bytes.extend(&entry.name);
        bytes.push(0);
        let hex = entry.id.as_bytes().chunks(2);
        bytes.extend(
            hex.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex")),
        );
    }
    world.store("tree", &bytes)
}

/// The tree of the last commit with one folder written byte for byte; its id.
pub fn tree(world: &World, raw: &RawTree) -> String {
    let parts: Vec<&str> = raw.folder.split('/').filter(|part| !part.is_empty()).collect();
    let at = format!("HEAD:{}", raw.folder);
    let mut inner = entries(world, at.trim_end_matches('/'));
    for entry in &mut inner {
        if let Some(mode) = raw.modes.get(String::from_utf8_lossy(&entry.name).as_ref()) {
            entry.mode.clone_from(mode);
        }
    }
    let mut added = Vec::new();
    for entry in &raw.add {
        let id = match (&entry.text, &entry.object) {
            (Some(text), None) => world.store("blob", &fill::bytes(&fill::fill(world, text))),
            (None, Some(object)) => fill::fill(world, object),
            _ => panic!("an entry has a text or an object: {entry:?}"),
        };
        added.push(Entry {
            mode: entry.mode.clone(),
            name: fill::bytes(&entry.name),
            id,
        });
    }
    if raw.unsorted {
        added.extend(inner);
        inner = added;
        inner.reverse();
    } else {
        inner.extend(added);
        sort(&mut inner);
    }
    let mut id = write(world, &inner);
    for depth in (0..parts.len()).rev() {
        let mut outer = entries(world, &format!("HEAD:{}", parts[..depth].join("/")));
        for entry in &mut outer {
            if entry.name == parts[depth].as_bytes() {
                entry.id.clone_from(&id);
            }
        }
        id = write(world, &outer);
    }
    id
}

/// In the order that Git asks for: a folder as though its name ended with a
/// slash.
fn sort(entries: &mut [Entry]) {
    entries.sort_by_key(|entry| {
        let mut name = entry.name.clone();
        if entry.mode == "40000" {
            name.push(b'/');
        }
        name
    });
}

/// Gives an object's file the content of another object, no bytes, or nothing
/// at all.
pub fn tamper(world: &World, tamper: &Tamper) {
    let id = fill::fill(world, &tamper.object);
    let file = |id: &str| world.lab.top.join(".git/objects").join(&id[..2]).join(&id[2..]);
    let at = file(&id);
    assert!(at.is_file(), "{id} is no loose object");
    match &tamper.with {
        None => std::fs::remove_file(at).expect("the object goes"),
        Some(text) if text.is_empty() => {
            std::fs::remove_file(&at).expect("the object goes");
            std::fs::write(at, b"").expect("an empty file");
        }
        Some(text) => {
            let kind = world.git(&["cat-file", "-t", &id]);
            let other = world.store(&kind, &fill::bytes(&fill::fill(world, text)));
            std::fs::remove_file(&at).expect("the object goes");
            std::fs::copy(file(&other), at).expect("another object in its place");
        }
    }
}
