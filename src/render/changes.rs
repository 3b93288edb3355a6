//! Changes as `diff` prints them: a phrase for each, with what it changed.

use super::{Style, clean, paint};
use crate::change::{Change, ChangeKind};
use crate::summary::{Field, PolicyLine, fields_of};

/// The changes, under a heading for each group.
pub fn changes(changes: &[Change], style: &Style) -> String {
    let mut out = String::new();
    let mut heading = String::new();
    for change in changes {
        let group = change.group().unwrap_or("policy").to_owned();
        if group != heading {
            out.push_str(&format!("{}\n", paint(&clean(&group), "1", style)));
            heading = group;
        }
        out.push_str(&format!("  {}\n", clean(&change.phrase())));
        // The change of a policy is said line by line elsewhere.
        let fields = match change.kind {
            ChangeKind::PolicyChanged => Vec::new(),
            _ => fields_of(change),
        };
        for Field { field, before, after } in fields {
            let (old, new) = (
                paint(&clean(&before), "31", style),
                paint(&clean(&after), "32", style),
            );
            out.push_str(&format!("    {}: {old} -> {new}\n", clean(&field)));
        }
    }
    out
}

/// One line of a change of the policy, with a warning where it asks for less.
pub fn policy_line(line: &PolicyLine, style: &Style) -> String {
    let warning = match (line.weakens, line.unsure) {
        (false, _) => String::new(),
        (true, true) => format!("{} ", paint("may ask for less:", "1;33", style)),
        (true, false) => format!("{} ", paint("asks for less, or allows more:", "1;33", style)),
    };
    let text = match (&line.before, &line.after) {
        (Some(before), Some(after)) => format!("{} {before} -> {after}", line.what),
        (Some(before), None) => format!("gone: {} {before}", line.what),
        (None, Some(after)) => format!("new: {} {after}", line.what),
        (None, None) => line.what.clone(),
    };
    format!("    {warning}{}\n", clean(&text))
}
