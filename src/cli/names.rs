//! Parsers for the arguments of a command line: `GROUP/N`, `GROUP@STAGE`,
//! `KEY=VALUE`.

use std::str::FromStr;

use serde_json::Value;

use crate::base::Error;
use crate::record::kind::{GroupName, Key, StageName, Status, VersionId};
use crate::record::snapshot::Snapshot;
use crate::record::yaml;

/// A group or a version, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `GROUP`
    Group(GroupName),
    /// `GROUP/N`
    Version(VersionId),
    /// `GROUP@STAGE`
    Stage(GroupName, StageName),
    /// `GROUP@latest`: the highest number Approved.
    Latest(GroupName),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((group, stage)) = text.split_once('@') {
            let group = group.parse()?;
            return Ok(if stage == "latest" {
                Target::Latest(group)
            } else {
                Target::Stage(group, stage.parse()?)
            });
        }
        match text.split_once('/') {
            Some(_) => version(text).map(Target::Version),
            None => text.parse().map(Target::Group),
        }
    }
}

/// Parses a number of lines to show.
///
/// # Errors
/// The text is not a number, or is zero.
pub fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("that would show nothing: a limit is 1 or more".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("a limit is a whole number, 1 or more".to_owned()),
    }
}

/// Parses `GROUP/N`.
pub fn version(text: &str) -> Result<VersionId, String> {
    text.parse()
}

/// Parses a free text, which may start with a hyphen. Refuses an option, which stands
/// there where the text was forgotten.
pub fn free_text(text: &str) -> Result<String, String> {
    let is_word = |name: &str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|c| c.is_ascii_lowercase())
            && chars.all(|c| c.is_ascii_lowercase() || c == '-')
    };
    let is_short = matches!(text.as_bytes(), [b'-', letter] if letter.is_ascii_alphabetic());
    match is_short || text.strip_prefix("--").is_some_and(is_word) {
        true => Err("the text is missing: this is an option".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// Parses `KEY=VALUE`.
pub fn pair(text: &str) -> Result<(Key, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is no KEY=VALUE"))?;
    Ok((key.parse()?, value.to_owned()))
}

/// Parses `KEY=VALUE`, which sets a key, or `KEY-`, which removes it.
pub fn change(text: &str) -> Result<(Key, Option<String>), String> {
    match (text.split_once('='), text.strip_suffix('-')) {
        (Some((key, value)), _) => Ok((key.parse()?, Some(value.to_owned()))),
        (None, Some(key)) => Ok((key.parse()?, None)),
        _ => Err(format!("`{text}` is neither KEY=VALUE nor KEY-")),
    }
}

/// Parses `NAME=NUMBER`; refuses a number that a record can't keep as it is given.
pub fn metric(text: &str) -> Result<(Key, Value), String> {
    let (key, value) = pair(text)?;
    Ok((key, yaml::given_number(&value)?))
}

/// Returns the version that a target names now.
///
/// # Errors
/// The target names no version.
pub fn resolve(target: &Target, snapshot: &Snapshot<'_>) -> Result<VersionId, Error> {
    use crate::record::kind::RecordPath;
    match target {
        Target::Version(id) => Ok(id.clone()),
        Target::Group(group) => {
            Err(Error::msg(format!("`{group}` is a group")).hint(format!("name a version: `{group}/N`")))
        }
        Target::Stage(group, stage) => {
            crate::record::snapshot::known(snapshot, group, Some(stage))?;
            let loaded = snapshot.read(&RecordPath::Stage(group.clone(), stage.clone()))?;
            if let Some(loaded) = &loaded
                && loaded.record.is_none()
            {
                return Err(
                    Error::msg(format!("the file of stage `{stage}` in `{group}` can't be read"))
                        .hint("`modelry validate` says why"),
                );
            }
            let number = loaded.and_then(|loaded| loaded.stage().and_then(|stage| stage.version));
            number
                .map(|number| VersionId {
                    group: group.clone(),
                    number,
                })
                .ok_or_else(|| {
                    Error::msg(format!("nothing serves `{stage}` in `{group}`"))
                        .hint(format!("`modelry show {group}` shows its stages"))
                })
        }
        Target::Latest(group) => {
            crate::record::snapshot::known(snapshot, group, None)?;
            for &number in snapshot.versions(group)?.iter().rev() {
                let id = VersionId {
                    group: group.clone(),
                    number,
                };
                let loaded = snapshot.read(&RecordPath::Version(id.clone()))?;
                if loaded.is_some_and(|loaded| loaded.version().is_some_and(|v| v.status == Status::Approved))
                {
                    return Ok(id);
                }
            }
            Err(Error::msg(format!("no version of `{group}` is Approved"))
                .hint(format!("`modelry list {group}` shows them")))
        }
    }
}

/// Parses `HOST=ID`: an account on a Git host, by its number.
pub fn account(text: &str) -> Result<(Key, String), String> {
    let (host, id) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not HOST=ID, like github=1234567"))?;
    if id.is_empty() || id.len() > 256 || id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(format!("`{id}` is no account's number"));
    }
    // A number, or the UUID in braces of some hosts.
    let uuid = id.trim_start_matches('{').trim_end_matches('}');
    let is_uuid = uuid.len() == 36
        && uuid.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        });
    if !is_uuid && !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "`{id}` is a name, which its owner can give up: give the account's number, as of `gh api users/NAME --jq .id`"
        ));
    }
    Ok((host.parse()?, id.to_owned()))
}
