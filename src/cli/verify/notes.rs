//! Prints the notes of a judgement beside the report.

use crate::cli::Ui;
use crate::cli::output::Output;
use crate::workspace::verdict::Notice;

/// Prints the notes in order.
pub(super) fn tell(notes: &[Notice], ui: &Ui) {
    for note in notes {
        match note {
            Notice::Always(words) => ui.note(words),
            Notice::ForPeople(words) if ui.output == Output::Human => ui.note(words),
            Notice::ForPeople(_) => {}
        }
    }
}
