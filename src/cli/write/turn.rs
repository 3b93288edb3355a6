//! Reports what an approval still lacks, on standard error.

use crate::base::Error;
use crate::cli::args::Global;
use crate::cli::land::WriteArgs;
use crate::cli::output::Outcome;
use crate::cli::read::at::Reading;
use crate::cli::ui::Ui;
use crate::record::kind::{Status, VersionId};
use crate::trust;
use crate::workspace::Workspace;

/// Reports after an approval what is still missing.
pub fn say_turn(id: &VersionId, write: &WriteArgs, global: &Global, ui: &Ui) -> Result<(), Error> {
    let workspace = write.open(global)?;
    // The change may have landed on the remote alone, where nothing is checked out.
    let at = write.is_remote().then_some(workspace.mainline.as_str());
    Reading::of(&workspace, at, ui, |reading| {
        let Ok(loaded) = reading.version(id) else {
            return Ok(Outcome::Fine);
        };
        if loaded
            .version()
            .is_some_and(|version| version.status == Status::Pending)
        {
            let tally = reading.tally(&reading.policy()?, id, &loaded)?;
            let missing: Vec<String> = tally.missing.iter().map(trust::shortfall_words).collect();
            ui.note(&format!(
                "{id} is still Pending: {}; turn: {}",
                missing.join("; "),
                trust::turn(id, Status::Pending, &tally)
            ));
        }
        Ok(Outcome::Fine)
    })?;
    Ok(())
}

/// Reports before an approval that it can't change the status.
pub fn say_never(id: &VersionId, global: &Global, ui: &Ui) -> Result<(), Error> {
    Reading::of(&Workspace::open(&global.wanted())?, None, ui, |reading| {
        let Ok(loaded) = reading.version(id) else {
            return Ok(Outcome::Fine);
        };
        let tally = reading.tally(&reading.policy()?, id, &loaded)?;
        if tally.can_never_be_approved() {
            let missing: Vec<String> = tally.missing.iter().map(trust::shortfall_words).collect();
            ui.note(&format!(
                "{id} can't be approved as it is, and a review moves nothing: it lacks {}",
                missing.join("; ")
            ));
        }
        Ok(Outcome::Fine)
    })?;
    Ok(())
}
