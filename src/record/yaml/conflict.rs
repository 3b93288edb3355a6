//! Finds the conflict markers that a merge leaves in a text.

use std::ops::Range;

use super::read::{Fault, FaultKind, fault};

/// The most characters of a side that a message shows.
const SHOWN: usize = 60;

/// A line that git writes around a conflict.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Marker {
    Ours,
    Base,
    Theirs,
    End,
}

/// A side of a conflict.
#[derive(Default)]
struct Conflict {
    start: Range<usize>,
    middle: Option<Range<usize>>,
    in_base: bool,
    ours: Vec<String>,
    theirs: Vec<String>,
}

/// Reports each merge conflict in the text at its first marker. If the other markers
/// are gone, reports the first marker.
pub(super) fn conflicts(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut left: Option<Range<usize>> = None;
    let mut open: Option<Conflict> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        let span = at..at + bare.len();
        at += line.len();
        match (marker(bare), &mut open) {
            (Some(Marker::Ours), _) => {
                left = left.or(open.take().map(|conflict| conflict.start));
                open = Some(Conflict {
                    start: span,
                    ..Conflict::default()
                });
            }
            (Some(Marker::Base), Some(conflict)) if conflict.middle.is_none() => conflict.in_base = true,
            (Some(Marker::Theirs), Some(conflict)) if conflict.middle.is_none() => {
                conflict.middle = Some(span);
            }
            (Some(Marker::End), Some(conflict)) if conflict.middle.is_some() => {
                faults.extend(open.take().map(told));
            }
            // Alone, the line may underline a heading.
            (Some(Marker::Theirs), _) => {}
            (Some(_), _) => left = left.or(Some(span)),
            (None, Some(conflict)) => {
                let line = bare.trim().to_owned();
                match (conflict.middle.is_some(), conflict.in_base) {
                    (true, _) => conflict.theirs.push(line),
                    (false, true) => {}
                    (false, false) => conflict.ours.push(line),
                }
            }
            (None, None) => {}
        }
    }
    left = left.or(open.map(|conflict| conflict.start));
    if let (Some(span), true) = (left, faults.is_empty()) {
        let mut told = fault(
            FaultKind::MergeConflict,
            span,
            "a marker of a merge conflict is left here",
        );
        told.help = Some("delete the line, after checking that what is around it is what you want".into());
        faults.push(told);
    }
    faults
}

fn marker(line: &str) -> Option<Marker> {
    let first = line.chars().next()?;
    let (_, label) = line
        .split_at_checked(7)
        .filter(|(mark, _)| mark.chars().all(|c| c == first))?;
    let is_labelled = label.is_empty() || label.starts_with(' ');
    match first {
        '<' if is_labelled => Some(Marker::Ours),
        '|' if is_labelled => Some(Marker::Base),
        '=' if label.is_empty() => Some(Marker::Theirs),
        '>' if is_labelled => Some(Marker::End),
        _ => None,
    }
}

fn told(conflict: Conflict) -> Fault {
    let Conflict { ours, theirs, .. } = &conflict;
    let same =
        |pairs: &mut dyn Iterator<Item = (&String, &String)>| pairs.take_while(|(a, b)| a == b).count();
    // Lines common to both sides do not conflict.
    let first = same(&mut ours.iter().zip(theirs));
    let last = same(&mut ours[first..].iter().rev().zip(theirs[first..].iter().rev()));
    let says = |side: &[String]| {
        let lines: Vec<&str> = side[first..side.len() - last]
            .iter()
            .map(String::as_str)
            .filter(|line| !line.is_empty())
            .collect();
        match lines.join(" / ") {
            said if said.is_empty() => "nothing".to_owned(),
            said if said.chars().count() > SHOWN => {
                format!("`{}…`", said.chars().take(SHOWN).collect::<String>())
            }
            said => format!("`{said}`"),
        }
    };
    let message = format!(
        "unresolved merge conflict: ours says {}, theirs says {}",
        says(ours),
        says(theirs)
    );
    let mut told = fault(FaultKind::MergeConflict, conflict.start.clone(), message);
    told.help = Some("choose what is right, and delete the lines with the markers".into());
    told.related = conflict
        .middle
        .map(|middle| (middle, "theirs begins here".to_owned()));
    told
}

#[cfg(test)]
mod tests {
    use super::super::read::{Document, Limits};
    use super::*;

    fn said(text: &str) -> Vec<(FaultKind, Range<usize>, String)> {
        let faults = Document::read(text.as_bytes(), &Limits::RECORD)
            .err()
            .unwrap_or_default();
        let each = faults
            .into_iter()
            .map(|fault| (fault.kind, fault.span, fault.message));
        each.collect()
    }

    #[test]
    fn a_conflict_is_one_fault_at_its_first_marker() {
        let text = "a: 1\n<<<<<<< HEAD\nb: x\nc: same\n=======\nb: y\nc: same\n>>>>>>> side\nd: 1\n";
        let expected = "unresolved merge conflict: ours says `b: x`, theirs says `b: y`";
        assert_eq!(
            said(text),
            [(FaultKind::MergeConflict, 5..17, expected.to_owned())]
        );
        let windows = text.replace('\n', "\r\n");
        assert_eq!(
            said(&windows),
            [(FaultKind::MergeConflict, 6..18, expected.to_owned())]
        );
        let diff3 = "<<<<<<< HEAD\nb: x\n||||||| base\nb: 0\n=======\n>>>>>>> side\n";
        let expected = "unresolved merge conflict: ours says `b: x`, theirs says nothing";
        assert_eq!(
            said(diff3),
            [(FaultKind::MergeConflict, 0..12, expected.to_owned())]
        );
        assert_eq!(said(&text.repeat(2)).len(), 2);
    }

    #[test]
    fn a_marker_that_is_left_is_told_as_that() {
        for text in [
            "a: 1\n>>>>>>> side\n",
            "a: 1\n||||||| base\nb: 1\n",
            "a: 1\n<<<<<<< HEAD\nb: 1\n",
        ] {
            let expected = "a marker of a merge conflict is left here".to_owned();
            let [(kind, span, message)] = &said(text)[..] else {
                panic!("{text}")
            };
            assert_eq!(
                (*kind, span.start, message),
                (FaultKind::MergeConflict, 5, &expected)
            );
        }
    }

    #[test]
    fn what_only_resembles_a_marker_is_text() {
        let plain = "a: |\n  <<<<<<< HEAD\n  x\n  =======\n  y\n  >>>>>>> side\nb: 1\n";
        assert_eq!(said(plain), []);
        // Text that every reader accepts is not refused for its lines.
        assert_eq!(said("# <<<<<<< HEAD\na: 1\n"), []);
        for text in ["a: 1\n<<<<<<<< HEAD\n", "a: 1\n<<<<<<<HEAD\n", "a: 1\n=======\n"] {
            assert!(
                said(text)
                    .iter()
                    .all(|(kind, ..)| *kind != FaultKind::MergeConflict),
                "{text}"
            );
        }
    }
}
