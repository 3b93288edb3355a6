//! The sentences that a judgement comes with, told beside the report.

use crate::cli::Ui;
use crate::cli::output::Output;
use crate::workspace::verdict::Notice;

/// Tells them in their order.
pub(super) fn tell(notes: &[Notice], ui: &Ui) {
    for note in notes {
        match note {
            Notice::Always(words) => ui.note(words),
            Notice::ForPeople(words) if ui.output == Output::Human => ui.note(words),
            Notice::ForPeople(_) => {}
        }
    }
}
