//! The patterns of the paths of records: fixed names, and variables between them.

use std::fmt;

use super::{ActorId, GroupName, RecordName, StageName, VersionId};

/// The file of the policy, in the registry's folder.
pub const REGISTRY_FILE: &str = "registry.yaml";

/// The folder of the groups, in the registry's folder.
pub const GROUPS_FOLDER: &str = "groups";

/// The folder of the reviews of policies, in the registry's folder.
pub const POLICY_FOLDER: &str = "policy";

/// One name in the pattern of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// This name.
    Text(&'static str),
    /// A group's name, `<group>`.
    Group,
    /// A version's number or a policy's serial, `<number>`.
    Number,
    /// The file of a named record, `<name>.yaml`.
    File,
}

/// The most parts that a pattern has.
pub(super) const LONGEST: usize = 6;

/// The text of a path's variables.
#[derive(Default)]
pub struct Captured<'p> {
    group: &'p str,
    number: &'p str,
    name: &'p str,
}

impl<'p> Captured<'p> {
    /// Captures the variables of the path that has these parts, if it has the shape of
    /// the pattern.
    pub(super) fn of(pattern: &[Part], path: &[&'p str]) -> Option<Captured<'p>> {
        if pattern.len() != path.len() {
            return None;
        }
        let mut captured = Captured::default();
        for (part, text) in pattern.iter().zip(path) {
            match part {
                Part::Text(fixed) if fixed == text => {}
                Part::Text(_) => return None,
                Part::Group => captured.group = text,
                Part::Number => captured.number = text,
                Part::File => captured.name = text.strip_suffix(".yaml")?,
            }
        }
        Some(captured)
    }
}

/// The values of a path's variables.
#[derive(Clone, Copy, Default)]
pub struct Variables<'v> {
    pub(super) group: Option<&'v GroupName>,
    pub(super) version: Option<&'v VersionId>,
    pub(super) number: Option<u64>,
    pub(super) name: Option<&'v str>,
}

impl Variables<'_> {
    /// Whether the part is a fixed name, or a variable that has a value.
    pub(super) fn has(&self, part: &Part) -> bool {
        match part {
            Part::Text(_) => true,
            Part::Group => self.group.is_some(),
            Part::Number => self.number.is_some(),
            Part::File => self.name.is_some(),
        }
    }

    /// Writes the path, all of whose variables have values.
    pub(super) fn write(&self, pattern: &[Part], f: &mut impl fmt::Write) -> fmt::Result {
        for (at, part) in pattern.iter().enumerate() {
            if at > 0 {
                f.write_char('/')?;
            }
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Group => f.write_str(self.group.map_or("", GroupName::as_str))?,
                Part::Number => write!(f, "{}", self.number.unwrap_or_default())?,
                Part::File => {
                    f.write_str(self.name.unwrap_or_default())?;
                    f.write_str(".yaml")?;
                }
            }
        }
        Ok(())
    }
}

/// A part of a record's identity, which its path has.
pub trait Variable: Sized {
    /// Reads it from a path.
    ///
    /// # Errors
    /// The name that is not allowed, in words.
    fn read(path: &Captured<'_>) -> Result<Self, String>;

    /// Gives its values to a path.
    fn give<'v>(&'v self, path: &mut Variables<'v>);
}

/// Parses the number in a path: decimal, no sign, no leading zero, at most 2^53.
fn number(text: &str) -> Option<u64> {
    let canonical = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let value: u64 = text.parse().ok()?;
    (canonical && value <= super::MAX_INTEGER).then_some(value)
}

/// A policy's serial.
impl Variable for u64 {
    fn read(path: &Captured<'_>) -> Result<u64, String> {
        number(path.number).ok_or_else(|| format!("`{}` is not a serial", path.number))
    }

    fn give<'v>(&'v self, path: &mut Variables<'v>) {
        path.number = Some(*self);
    }
}

impl Variable for GroupName {
    fn read(path: &Captured<'_>) -> Result<GroupName, String> {
        path.group.parse()
    }

    fn give<'v>(&'v self, path: &mut Variables<'v>) {
        path.group = Some(self);
    }
}

impl Variable for VersionId {
    fn read(path: &Captured<'_>) -> Result<VersionId, String> {
        Ok(VersionId {
            group: path.group.parse()?,
            number: number(path.number)
                .ok_or_else(|| format!("`{}` is not a version's number", path.number))?,
        })
    }

    fn give<'v>(&'v self, path: &mut Variables<'v>) {
        path.group = Some(&self.group);
        path.number = Some(self.number);
        path.version = Some(self);
    }
}

macro_rules! named {
    ($($name:ident),*) => {
        $(
            impl Variable for $name {
                fn read(path: &Captured<'_>) -> Result<$name, String> {
                    path.name.parse()
                }

                fn give<'v>(&'v self, path: &mut Variables<'v>) {
                    path.name = Some(self.as_str());
                }
            }
        )*
    };
}

named!(ActorId, RecordName, StageName);
