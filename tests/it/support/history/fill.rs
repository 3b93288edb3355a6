//! Fills the placeholders of scripts: bytes, and values of the repository.

use modelry::testing::base::{ObjectFormat, Oid};
use modelry::testing::git::disk;
use modelry::testing::object::Memory;
use modelry::testing::record::kind::{RecordPath, VersionId};
use modelry::testing::record::snapshot::{Records, Snapshot};
use modelry::testing::record::subject;
use modelry::testing::record::yaml::{Document, Limits};

use super::world::World;
use super::{Format, Replacements};

/// A text with its bytes: `\xHH` is one.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = rest
            .strip_prefix(b"\\x")
            .and_then(|hex| std::str::from_utf8(hex.get(..2)?).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) => {
                out.push(byte);
                rest = &rest[4..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// Bytes with replacements made, each of which must fit.
#[track_caller]
pub fn replaced(world: &World, mut content: Vec<u8>, replacements: &Replacements) -> Vec<u8> {
    for (from, to) in replacements {
        let (from, to) = (bytes(&fill(world, from)), bytes(&fill(world, to)));
        match &from[..] {
            b"+" => content.extend(to),
            b"^" => {
                content.splice(0..0, to);
            }
            _ => {
                let at = content
                    .windows(from.len())
                    .position(|window| window == from)
                    .unwrap_or_else(|| {
                        panic!(
                            "there is no `{}` in\n{}",
                            String::from_utf8_lossy(&from),
                            String::from_utf8_lossy(&content)
                        )
                    });
                content.splice(at..at + from.len(), to);
            }
        }
    }
    content
}

/// The placeholders.
pub const NAMES: [&str; 7] = ["ID", "SUBJECT", "KEY", "PRINT", "MATERIAL", "SIGNATURE", "REPEAT"];

/// Replaces `NAME(…)` with its value.
pub fn fill(world: &World, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    'text: while !rest.is_empty() {
        for name in NAMES {
            let Some(argument) = rest
                .strip_prefix(name)
                .and_then(|after| after.strip_prefix('('))
                .filter(|_| !out.ends_with(|c: char| c.is_ascii_alphanumeric()))
            else {
                continue;
            };
            let end = argument.find(')').expect("a closing sign");
            out.push_str(&value(world, name, &argument[..end]));
            rest = &argument[end + 1..];
            continue 'text;
        }
        let next = rest.chars().next().map_or(1, char::len_utf8);
        out.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    out
}

fn value(world: &World, name: &str, argument: &str) -> String {
    match name {
        "ID" if argument == "root" => world.root.clone(),
        "ID" => world.git(&["rev-parse", "--verify", "--end-of-options", argument]),
        "SUBJECT" => subject_of(world, argument),
        "KEY" => world.key_file(argument),
        "PRINT" => world.print(argument),
        "MATERIAL" => world.material(argument),
        "SIGNATURE" => signature_of(world, argument),
        _ => {
            let (count, text) = argument.split_once('|').expect("REPEAT(n|text)");
            text.repeat(count.parse().expect("a number"))
        }
    }
}

/// The signature of a commit or tag, folded as a commit's header wants it.
fn signature_of(world: &World, revision: &str) -> String {
    let kind = world.git(&["cat-file", "-t", revision]);
    let text = world.git(&["cat-file", &kind, revision]);
    let start = text.find("-----BEGIN ").expect("a signature");
    let end = start + text[start..].find("-----END ").expect("its end");
    let end = end + text[end..].find('\n').unwrap_or(text.len() - end);
    let lines: Vec<&str> = text[start..end]
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n ")
}

/// Reads the registry on disk.
fn on_disk<T>(world: &World, look: impl FnOnce(&Snapshot<'_>, &str) -> T) -> T {
    let format = match world.base.format {
        Format::Sha1 => ObjectFormat::Sha1,
        Format::Sha256 => ObjectFormat::Sha256,
    };
    let (memory, tree): (Memory, Option<Oid>) =
        disk::objects(&world.folder(), format, |_| true).expect("readable files");
    let records = Records::new(&memory);
    let snapshot = Snapshot {
        records: &records,
        tree,
        earlier: None,
        top: None,
    };
    let registry = snapshot.registry().expect("readable").expect("a policy");
    let id = registry.value()["id"].as_str().expect("an id").to_owned();
    look(&snapshot, &id)
}

fn subject_of(world: &World, what: &str) -> String {
    on_disk(world, |snapshot, id| {
        if what == "policy" {
            let registry = snapshot.registry().expect("readable").expect("a policy");
            return subject::policy_subject(id, registry.value()).to_string();
        }
        let of: VersionId = what.parse().expect("group/n");
        let version = snapshot.read(&RecordPath::Version(of.clone())).expect("readable");
        let version = version.unwrap_or_else(|| panic!("there is no {what}"));
        let subject = subject::version_subject(id, &of, &version, snapshot);
        subject.expect("a subject").to_string()
    })
}

/// The bytes that the signature of the record at this path covers.
pub fn signed_bytes(world: &World, path: &str) -> Vec<u8> {
    let text = std::fs::read(world.folder().join(path)).expect("a record");
    let document = Document::read(&text, &Limits::LARGE).expect("a record that reads");
    let record = RecordPath::parse(path).expect("a record's path");
    on_disk(world, |_, id| {
        subject::signed_bytes(id, &record, document.value())
    })
}
