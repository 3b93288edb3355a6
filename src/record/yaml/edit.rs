//! Edits of single members. An edit splices the bytes of one member and parses the text
//! again. Any other change is an error.

use std::ops::Range;

use serde_json::Value;

use super::emit::{self, EditError};
use super::read::{Document, Limits, Node, Shape, steps};

/// One change of one member, by JSON pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Sets the member to this value. An absent key becomes the last of its mapping,
    /// and missing parents are created. `-` as the last step appends to a list, which
    /// is created if absent.
    Set {
        /// The JSON pointer.
        pointer: String,
        /// The new value.
        value: Value,
    },
    /// Removes the member.
    Remove {
        /// The JSON pointer.
        pointer: String,
    },
}

impl Document {
    /// Applies these edits in order.
    ///
    /// # Errors
    /// An edit can't be made exactly. Then no edit is applied.
    pub fn edit(&self, edits: &[Edit]) -> Result<Document, EditError> {
        let mut document = self.clone();
        for edit in edits {
            document = document.edit_one(edit)?;
        }
        Ok(document)
    }

    fn edit_one(&self, edit: &Edit) -> Result<Document, EditError> {
        let mut expected = self.value().clone();
        let pointer = match edit {
            Edit::Set { pointer, value } => {
                set_value(&mut expected, &steps(pointer), value)
                    .ok_or_else(|| EditError::Nowhere(pointer.clone()))?;
                pointer
            }
            Edit::Remove { pointer } => {
                remove_value(&mut expected, &steps(pointer))
                    .ok_or_else(|| EditError::Nowhere(pointer.clone()))?;
                pointer
            }
        };
        if expected == *self.value() {
            return Ok(self.clone());
        }
        let text = match edit {
            Edit::Set { value, .. } => self.spliced_set(&steps(pointer), value),
            Edit::Remove { .. } => self.spliced_remove(&steps(pointer), &expected),
        };
        let text = text.ok_or_else(|| EditError::Nowhere(pointer.clone()))?;
        let document = match Document::read(text.as_bytes(), &Limits::LARGE) {
            Ok(document) => document,
            Err(faults) => {
                let why = faults.first().map(|fault| fault.message.clone());
                let why = why.unwrap_or_default();
                return Err(EditError::Unreadable { text, why });
            }
        };
        if *document.value() == expected {
            Ok(document)
        } else {
            Err(EditError::Unexpected(format!(
                "something else than `{pointer}` changed"
            )))
        }
    }

    fn splice(&self, range: Range<usize>, new: &str) -> String {
        format!("{}{new}{}", &self.text[..range.start], &self.text[range.end..])
    }

    /// The indentation of the line that contains this byte.
    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |feed| feed + 1)
    }

    /// The end of the line on which a node's content ends, before its line feed. A
    /// comment on that line belongs to the node.
    fn line_end(&self, node: &Node) -> usize {
        let end = self.content_end(node);
        self.text[end..]
            .find('\n')
            .map_or(self.text.len(), |feed| end + feed)
    }

    /// The end of a node's content, without the white space that a block's span may
    /// include after it.
    fn content_end(&self, node: &Node) -> usize {
        let trimmed = self.text[..node.span.end].trim_end();
        trimmed.len().max(node.span.start)
    }

    /// Finds the deepest existing node on the path, the remaining steps, and the
    /// indentation of the keys of the node's mapping.
    fn reach<'p>(&self, path: &'p [String]) -> (&Node, &'p [String]) {
        let mut node = &self.root;
        for (index, step) in path.iter().enumerate() {
            let next = match &node.shape {
                Shape::Map { entries, .. } => entries
                    .iter()
                    .find(|(key, ..)| key == step)
                    .map(|(.., value)| value),
                Shape::Seq { items, .. } => step.parse().ok().and_then(|index: usize| items.get(index)),
                Shape::Scalar(_) => None,
            };
            match next {
                Some(next) => node = next,
                None => return (node, &path[index..]),
            }
        }
        (node, &[])
    }

    fn spliced_set(&self, path: &[String], value: &Value) -> Option<String> {
        let (node, left) = self.reach(path);
        if left.is_empty() {
            return self.replaced(path, node, value);
        }
        // The value to add below `node`, under the first remaining step.
        let value = left[1..]
            .iter()
            .rev()
            .fold(value.clone(), |inner, step| match step.as_str() {
                "-" => Value::Array(vec![inner]),
                step => Value::Object([(step.to_owned(), inner)].into_iter().collect()),
            });
        match &node.shape {
            Shape::Map { flow: true, entries } => {
                let member = format!(
                    "{}: {}",
                    emit::inline(&Value::String(left[0].clone())),
                    emit::inline(&value)
                );
                Some(self.in_flow(node, entries.last().map(|(.., last)| last), &member))
            }
            Shape::Seq { flow: true, items } if left[0] == "-" => {
                Some(self.in_flow(node, items.last(), &emit::inline(&value)))
            }
            Shape::Map { flow: false, entries } => {
                let indent = self.column(entries.first()?.1.start);
                let member = format!(
                    "{}{}:{}",
                    " ".repeat(indent),
                    emit::key(&left[0]),
                    emit::after_key(&value, indent)
                );
                Some(self.after_line(&entries.last()?.2, &member))
            }
            Shape::Seq { flow: false, items } if left[0] == "-" => {
                let indent = self.dash_column(node)?;
                let item = format!("{}-{}", " ".repeat(indent), emit::after_dash(&value, indent));
                Some(self.after_line(items.last()?, &item))
            }
            _ => None,
        }
    }

    /// The column of the dashes of a block sequence.
    fn dash_column(&self, sequence: &Node) -> Option<usize> {
        let Shape::Seq { items, .. } = &sequence.shape else {
            return None;
        };
        let first = items.first()?.span.start;
        self.text[..first].rfind('-').map(|dash| self.column(dash))
    }

    fn after_line(&self, last: &Node, line: &str) -> String {
        let end = self.line_end(last);
        self.splice(end..end, &format!("\n{line}"))
    }

    fn in_flow(&self, node: &Node, last: Option<&Node>, member: &str) -> String {
        match last {
            Some(last) => self.splice(last.span.end..last.span.end, &format!(", {member}")),
            None => {
                let open = node.span.start + 1;
                self.splice(open..open, member)
            }
        }
    }

    /// Replaces an existing value.
    fn replaced(&self, path: &[String], node: &Node, value: &Value) -> Option<String> {
        let in_flow = (0..path.len()).any(|depth| {
            let (parent, _) = self.reach(&path[..depth]);
            matches!(
                parent.shape,
                Shape::Map { flow: true, .. } | Shape::Seq { flow: true, .. }
            )
        });
        let end = self.content_end(node);
        if in_flow {
            return Some(self.splice(node.span.start..end, &emit::inline(value)));
        }
        let one_line = !matches!(value, Value::Array(_) | Value::Object(_));
        let (parent, _) = self.reach(&path[..path.len() - 1]);
        match &parent.shape {
            Shape::Map { entries, .. } => {
                let (_, key, _) = entries.iter().find(|(name, ..)| Some(name) == path.last())?;
                let text = emit::after_key(value, self.column(key.start));
                let simple = one_line && !text.contains('\n');
                if simple
                    && matches!(node.shape, Shape::Scalar(_))
                    && !self.text[node.span.clone()].contains('\n')
                {
                    return Some(self.splice(node.span.start..end, text.trim_start()));
                }
                // Replaces from the colon on, so that a block can replace a scalar.
                let colon = key.end + self.text[key.end..].find(':')? + 1;
                Some(self.splice(colon..end, &text))
            }
            Shape::Seq { .. } => {
                let indent = self.dash_column(parent)?;
                let text = emit::after_dash(value, indent);
                Some(self.splice(node.span.start..end, text.trim_start()))
            }
            Shape::Scalar(_) => None,
        }
    }

    fn spliced_remove(&self, path: &[String], expected: &Value) -> Option<String> {
        let (name, parents) = path.split_last()?;
        let (parent, left) = self.reach(parents);
        if !left.is_empty() {
            return None;
        }
        let (count, index) = match &parent.shape {
            Shape::Map { entries, .. } => (entries.len(), entries.iter().position(|(key, ..)| key == name)?),
            Shape::Seq { items, .. } => (
                items.len(),
                name.parse().ok().filter(|index: &usize| *index < items.len())?,
            ),
            Shape::Scalar(_) => return None,
        };
        let part = |index: usize| -> (usize, &Node) {
            match &parent.shape {
                Shape::Map { entries, .. } => (entries[index].1.start, &entries[index].2),
                Shape::Seq { items, .. } => (items[index].span.start, &items[index]),
                Shape::Scalar(_) => (parent.span.start, parent),
            }
        };
        let flow = matches!(
            parent.shape,
            Shape::Map { flow: true, .. } | Shape::Seq { flow: true, .. }
        );
        let (start, node) = part(index);
        if count == 1 && !parents.is_empty() {
            let empty = if matches!(parent.shape, Shape::Map { .. }) {
                "{}"
            } else {
                "[]"
            };
            let in_map = matches!(
                self.reach(&parents[..parents.len() - 1]).0.shape,
                Shape::Map { .. }
            );
            if flow {
                return Some(self.splice(parent.span.clone(), empty));
            }
            if in_map {
                let (_, key, _) = self.entry(parents)?;
                let colon = key.end + self.text[key.end..].find(':')? + 1;
                return Some(self.splice(colon..self.content_end(node), &format!(" {empty}")));
            }
            return Some(self.splice(parent.span.start..self.content_end(node), empty));
        }
        if flow {
            return Some(if index + 1 < count {
                self.splice(start..part(index + 1).0, "")
            } else {
                self.splice(part(index - 1).1.span.end..node.span.end, "")
            });
        }
        let line = self.line_start(start);
        let before = self.text[line..start].trim_matches(' ');
        let alone = before.is_empty() || (before == "-" && matches!(parent.shape, Shape::Seq { .. }));
        if !alone {
            // For the first key after a dash, the whole mapping is written again.
            let value = parents.iter().try_fold(expected, |value, step| match value {
                Value::Array(items) => items.get(step.parse::<usize>().ok()?),
                other => other.get(step),
            })?;
            return self.replaced(parents, parent, value);
        }
        let end = self.line_end(node);
        let end = if end < self.text.len() { end + 1 } else { end };
        Some(self.splice(line..end, ""))
    }

    fn entry(&self, path: &[String]) -> Option<&(String, Range<usize>, Node)> {
        let (name, parents) = path.split_last()?;
        match &self.reach(parents).0.shape {
            Shape::Map { entries, .. } => entries.iter().find(|(key, ..)| key == name),
            _ => None,
        }
    }
}

fn set_value(target: &mut Value, path: &[String], value: &Value) -> Option<()> {
    let Some((step, rest)) = path.split_first() else {
        *target = value.clone();
        return Some(());
    };
    match target {
        Value::Object(members) => {
            let next_is_list = rest.first().is_some_and(|step| step == "-");
            let empty = || {
                if next_is_list {
                    Value::Array(Vec::new())
                } else {
                    Value::Object(Default::default())
                }
            };
            let member = members.entry(step.clone()).or_insert_with(empty);
            set_value(member, rest, value)
        }
        Value::Array(items) if step == "-" && rest.is_empty() => {
            items.push(value.clone());
            Some(())
        }
        Value::Array(items) => set_value(items.get_mut(step.parse::<usize>().ok()?)?, rest, value),
        _ => None,
    }
}

fn remove_value(target: &mut Value, path: &[String]) -> Option<()> {
    let (step, rest) = path.split_first()?;
    let inner = match target {
        Value::Object(members) if rest.is_empty() => return members.shift_remove(step).map(drop),
        Value::Array(items) if rest.is_empty() => {
            let index = step.parse::<usize>().ok().filter(|index| *index < items.len())?;
            items.remove(index);
            return Some(());
        }
        Value::Object(members) => members.get_mut(step)?,
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?)?,
        _ => return None,
    };
    remove_value(inner, rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "\
# top
status: Pending   # waiting
labels: {team: risk}  # flow

list:
- one   # the first
- two # tail
nested:
  deep:
    - name: a   # dash
      by: x
empty: []
none: {}
text: |
  line one
  line two
last: 1 # end
";

    fn edited(edit: Edit) -> String {
        let document = Document::read(TEXT.as_bytes(), &Limits::RECORD).expect("it reads");
        document
            .edit(&[edit])
            .map_or_else(|error| error.to_string(), |document| document.text().to_string())
    }

    fn set(pointer: &str, value: Value) -> String {
        edited(Edit::Set {
            pointer: pointer.into(),
            value,
        })
    }

    fn remove(pointer: &str) -> String {
        edited(Edit::Remove {
            pointer: pointer.into(),
        })
    }

    #[test]
    fn an_edit_touches_its_own_bytes_alone() {
        let with = |old: &str, new: &str| TEXT.replacen(old, new, 1);
        assert_eq!(set("/status", json!("Approved")), with("Pending", "Approved"));
        assert_eq!(set("/status", json!("no")), with("Pending", "\"no\""));
        assert_eq!(
            set("/labels/env", json!("prod")),
            with("{team: risk}", "{team: risk, env: prod}")
        );
        assert_eq!(remove("/labels/team"), with("{team: risk}", "{}"));
        assert_eq!(
            set("/list/-", json!("three")),
            with("- two # tail\n", "- two # tail\n- three\n")
        );
        assert_eq!(remove("/list/0"), with("- one   # the first\n", ""));
        assert_eq!(set("/empty/-", json!("x: y")), with("[]", "[\"x: y\"]"));
        assert_eq!(set("/none/a", json!(1)), with("{}", "{a: 1}"));
        assert_eq!(set("/nested/deep/0/by", json!("z")), with("by: x", "by: z"));
        assert_eq!(
            set("/nested/deep/0/extra", json!(true)),
            with("      by: x\n", "      by: x\n      extra: true\n")
        );
        assert_eq!(
            set("/nested/deep/-", json!({"name": "b"})),
            with("      by: x\n", "      by: x\n    - name: b\n")
        );
        assert_eq!(
            set("/nested/more", json!("m")),
            with("      by: x\n", "      by: x\n  more: m\n")
        );
        assert_eq!(
            set("/text", json!("short")),
            with("|\n  line one\n  line two", "short")
        );
        assert_eq!(
            set("/text", json!("a\nb\n")),
            with("line one\n  line two", "a\n  b")
        );
        assert_eq!(
            set("/new", json!({"a": {"b": [1, 2]}})),
            format!("{TEXT}new:\n  a:\n    b: [1, 2]\n")
        );
        assert_eq!(set("/fresh/-", json!("first")), format!("{TEXT}fresh: [first]\n"));
        assert_eq!(remove("/last"), with("last: 1 # end\n", ""));
        assert_eq!(remove("/text"), with("text: |\n  line one\n  line two\n", ""));
    }

    #[test]
    fn what_cant_be_edited_exactly_is_an_error() {
        assert_eq!(remove("/nothing"), "there is nothing at `/nothing` to change");
        assert_eq!(
            set("/status/below", json!(1)),
            "there is nothing at `/status/below` to change"
        );
        assert_eq!(remove("/list/9"), "there is nothing at `/list/9` to change");
        assert!(set("/status", Value::Null).starts_with("the edited file would not read back as intended"));
    }
}
