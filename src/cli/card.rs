//! `card set`, `card show`, `card render`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::names::{self, Target};
use super::reading::Reading;
use super::register::read_mapping;
use super::write::{Job, Scope, WriteArgs, land};
use super::{Global, Outcome, Output, Ui};
use crate::act;
use crate::error::Error;
use crate::exchange::{CardView, huggingface, sagemaker_card};
use crate::model::{Key, RecordPath, VersionId};
use crate::render::card_page;

/// `modelry card …`
#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// Fill sections of a version's card; the others stay
    #[command(
        after_help = "Examples:\n  modelry card set fraud-detector/3 --section intendedUses=\"card payments\" --section limitations=\"no cash\"\n  modelry card set fraud-detector/3 -f card.yaml"
    )]
    Set(CardArgs),
    /// Show a version's card
    #[command(after_help = "Example:\n  modelry card show fraud-detector/3")]
    Show {
        /// The version
        #[arg(value_name = "GROUP/N | GROUP@STAGE")]
        version: Target,
        /// As it was at this commit, or on this day
        #[arg(long, value_name = "REV|DATE")]
        at: Option<String>,
    },
    /// Write a version's card for others: a Hugging Face card, a page, SageMaker's JSON
    #[command(
        after_help = "Formats: markdown (Hugging Face's, also the default), html (one page that stands alone), json (SageMaker's content).\n\nExamples:\n  modelry card render fraud-detector/3 > README.md\n  modelry card render fraud-detector@production -o html > card.html"
    )]
    Render {
        /// The version
        #[arg(value_name = "GROUP/N | GROUP@STAGE")]
        version: Target,
        /// As it was at this commit, or on this day
        #[arg(long, value_name = "REV|DATE")]
        at: Option<String>,
    },
}

/// `modelry card set`
#[derive(Debug, Args)]
pub struct CardArgs {
    /// The version
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    version: VersionId,
    /// Sections, as YAML or JSON; `-` for standard input
    #[arg(short = 'f', long = "file", value_name = "FILE|-")]
    file: Option<String>,
    /// A section of plain text; empty takes it away; may be repeated
    #[arg(long = "section", value_name = "NAME=TEXT", value_parser = names::pair)]
    sections: Vec<(Key, String)>,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn card(command: &CardCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let args = match command {
        CardCommand::Show { version, at } => return show(version, at.as_deref(), global, ui),
        CardCommand::Render { version, at } => return render(version, at.as_deref(), global, ui),
        CardCommand::Set(args) => args,
    };
    let mut sections = args
        .file
        .as_deref()
        .map(read_mapping)
        .transpose()?
        .unwrap_or_default();
    for (name, text) in &args.sections {
        let value = if text.is_empty() { Value::Null } else { json!(text) };
        sections.insert(name.to_string(), value);
    }
    if sections.is_empty() {
        return Err(Error::told("there is nothing to set")
            .hint("name sections: `--section intendedUses=\"…\"`, or a file: `-f card.yaml`"));
    }
    let job = Job {
        draft: &|desk| act::set_card(desk, &args.version, &sections, args.write.reason.as_deref()).map(Some),
        scope: Scope::of(&args.version.group),
        decision: false,
        moved: None,
    };
    land(&job, &args.write, global, ui)
}

fn show(target: &Target, at: Option<&str>, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(at, global, |reading| {
        let id = names::resolve(target, &reading.snapshot)?;
        reading.version(&id)?;
        match reading.snapshot.read(&RecordPath::Card(id.clone()))? {
            Some(loaded) => super::show::print_record(&loaded, ui),
            None => Err(Error::told(format!("{id} has no card yet"))
                .hint(format!("`modelry card set {id} --section intendedUses=\"…\"`"))),
        }
    })
}

fn render(target: &Target, at: Option<&str>, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(at, global, |reading| {
        let id = names::resolve(target, &reading.snapshot)?;
        reading.version(&id)?;
        let view = CardView::read(&reading.snapshot, &id)?;
        match ui.output {
            Output::Json => ui.json(&sagemaker_card::content(&view))?,
            Output::Html => ui.print(&card_page(&view))?,
            _ => ui.print(&huggingface::markdown(&view)?)?,
        }
        Ok(Outcome::Fine)
    })
}
