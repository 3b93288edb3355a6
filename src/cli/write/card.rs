//! `modelry card`: fill, show and render the card of a version.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::given::Given;
use crate::act;
use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::land::{Scope, WriteArgs, WriteCommand, land, refused};
use crate::cli::names::{self, Target};
use crate::cli::output::{Outcome, Output};
use crate::cli::read::at::{ReadArgs, Reading};
use crate::cli::read::{evidence, show};
use crate::exchange::{huggingface, sagemaker_card};
use crate::record::kind::{HYPERPARAMETERS, Key, ModelCard, RecordPath, Status, VersionId};
use crate::record::snapshot::Loaded;
use crate::record::yaml::{self, Document, Limits};
use crate::report::{self, CardReview, CardView};
use crate::trust::Standing;

/// `modelry card …`
#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// Fill sections of a version's card; the other sections stay
    #[command(
        after_help = "Examples:\n  modelry card set fraud-detector/3 --set intendedUses=\"card payments\" --set limitations=\"no cash\"\n  modelry card set fraud-detector/3 --set risk.rating=High --set tags=fraud --set tags=tabular\n  modelry card set fraud-detector/3 -f card.yaml -m \"reviewed with the business\""
    )]
    Set(SetArgs),
    /// Show a version's card
    #[command(after_help = "Example:\n  modelry card show fraud-detector@production --at 2026-03-03")]
    Show {
        /// The version
        #[arg(value_name = "GROUP/N | GROUP@STAGE | GROUP@latest")]
        target: Target,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Render a version's card as Markdown, HTML or JSON
    ///
    /// `-o markdown` (default): a model card for Hugging Face, with front matter. `-o
    /// html`: one self-contained page. `-o json`: SageMaker's model card, as input of
    /// CreateModelCard.
    #[command(
        after_help = "Examples:\n  modelry card render fraud-detector/3 --to README.md\n  modelry card render fraud-detector@production -o html --to card.html\n  modelry card render fraud-detector/3 -o json"
    )]
    Render(RenderArgs),
}

/// `modelry card set`
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The version
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    version: VersionId,
    /// A file with sections or a whole card, as YAML or JSON; `-` reads standard
    /// input
    #[arg(short = 'f', long = "file", value_name = "FILE|-")]
    file: Option<String>,
    /// A section, or a field of one, and its text; a number where the field holds
    /// numbers; an empty text removes it; may be repeated, also to give a list several
    /// items
    #[arg(long = "set", alias = "section", value_name = "SECTION[.MEMBER]=TEXT", value_parser = names::pair)]
    texts: Vec<(Key, String)>,
    #[command(flatten)]
    write: WriteArgs,
}

/// `modelry card render`
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The version
    #[arg(value_name = "GROUP/N | GROUP@STAGE | GROUP@latest")]
    target: Target,
    /// Write the card to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    read: ReadArgs,
}

pub fn run(command: &CardCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    match command {
        CardCommand::Set(args) => set(args, global, ui),
        CardCommand::Show { target, read } => Reading::with(read, global, ui, |reading| {
            show_card(reading, &names::resolve(target, &reading.snapshot)?, ui)
        }),
        CardCommand::Render(args) => Reading::with(&args.read, global, ui, |reading| {
            let id = names::resolve(&args.target, &reading.snapshot)?;
            let text = rendered(reading, &id, ui.output)?;
            ui.page(args.to.as_deref(), global, &text, &format!("the card of {id}"))?;
            Ok(Outcome::Fine)
        }),
    }
}

fn set(args: &SetArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let file = match args
        .file
        .as_deref()
        .map(|name| Given::read(name, Limits::LARGE, global))
    {
        Some(given) => match given? {
            Ok(given) => Some(given),
            Err(report) => return refused(&report, ui),
        },
        None => None,
    };
    if file.is_none() && args.texts.is_empty() {
        return Err(Error::msg("there is nothing to set")
            .hint("name sections: `--set intendedUses=\"…\"`, or a file: `-f card.yaml`"));
    }
    let mut sections: Map<String, Value> = act::sections_of(
        file.as_ref().map(|file| file.members.clone()).unwrap_or_default(),
        &args.version,
    )?;
    let texts = args
        .texts
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    let members = act::card_members(texts)?;
    let spelled = spelled(&args.texts);
    // A whole section of plain text is treated like one from the file.
    let (whole, members): (Vec<_>, Vec<_>) = members.into_iter().partition(|(path, _)| !path.contains('.'));
    sections.extend(whole);
    let job = WriteCommand {
        draft: &|desk| {
            let reason = args.write.reason.as_deref();
            let mut draft = act::set_card(desk, &args.version, &sections, &members, reason)?;
            if draft.existing.is_empty() {
                let record = RecordPath::Card(args.version.clone()).to_string();
                if let Some(Some(text)) = draft.edits.get_mut(&record) {
                    let given = file.as_ref().map(Given::document);
                    for document in given.into_iter().chain(&spelled) {
                        *text = yaml::respelled(text, document, HYPERPARAMETERS);
                    }
                }
                draft
                    .given
                    .extend(file.iter().map(|file| file.part(record.clone(), "")));
            }
            Ok(draft)
        },
        scope: Scope::of(&args.version.group),
        seen: None,
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}

/// Returns the hyperparameters that flags give as numbers, as a file would spell them.
fn spelled(texts: &[(Key, String)]) -> Option<Document> {
    let numbers = texts.iter().filter_map(|(path, text)| {
        let name = path.as_str().strip_prefix("training.hyperparameters.")?;
        yaml::given_number(text).ok()?;
        Some(format!("{}: {text}", Value::from(name)))
    });
    let members = numbers.collect::<Vec<_>>().join(", ");
    let text = format!("{{\"training\": {{\"hyperparameters\": {{{members}}}}}}}");
    Document::read_json(text.as_bytes(), &Limits::LARGE).ok()
}

/// Returns the card's file, or an error if there is none.
fn card_of(reading: &Reading<'_>, id: &VersionId) -> Result<std::sync::Arc<Loaded>, Error> {
    let version = reading.version(id)?;
    if version.tombstone().is_some() {
        return Err(
            Error::msg(format!("version {id} is deleted, and its card with it"))
                .hint("`--at REV` looks at a commit before the deletion"),
        );
    }
    match reading.snapshot.read(&RecordPath::Card(id.clone()))? {
        Some(loaded) => Ok(loaded),
        None => Err(
            Error::msg(format!("{id} has no card at {}", reading.commit.short())).hint(format!(
                "write one: `modelry card set {id} --set intendedUses=\"…\"`"
            )),
        ),
    }
}

fn show_card(reading: &Reading<'_>, id: &VersionId, ui: &Ui) -> Result<Outcome, Error> {
    let loaded = card_of(reading, id)?;
    evidence::print_record(&loaded, ui)?;
    let pending = reading
        .version(id)?
        .version()
        .is_some_and(|version| version.status == Status::Pending);
    if let Some(card) = loaded.card().filter(|_| pending) {
        let need = reading.policy()?.need(&id.group).card;
        let empty: Vec<&str> = need
            .iter()
            .filter(|section| !card.filled(**section))
            .map(|section| section.as_str())
            .collect();
        if !empty.is_empty() {
            ui.note(&format!("an approval of {id} also asks for {}", empty.join(", ")));
        }
    }
    Ok(Outcome::Fine)
}

fn rendered(reading: &Reading<'_>, id: &VersionId, form: Output) -> Result<String, Error> {
    let unreadable =
        |what: &str| Error::msg(format!("{what} of {id} can't be read")).hint("`modelry validate` says why");
    let card = card_of(reading, id)?;
    let card: &ModelCard = card.card().ok_or_else(|| unreadable("the card"))?;
    let loaded = reading.version(id)?;
    let version = loaded.version().ok_or_else(|| unreadable("the file"))?;
    let tally = reading.tally(&reading.policy()?, id, &loaded)?;
    let mut reviews = Vec::new();
    for counted in &tally.reviews {
        let review = reading.snapshot.read(&counted.path)?;
        reviews.push(CardReview {
            actor: counted.voice(),
            decision: counted.decision,
            void: match &counted.standing {
                Standing::Counts => None,
                Standing::Not(why) => Some(why.clone()),
            },
            reason: review.and_then(|it| it.review().and_then(|review| review.reason.clone())),
        });
    }
    let evidence = evidence::evidence_records(reading, id, false)?;
    let observations = evidence::evidence_records(reading, id, true)?;
    let missing = tally.missing.iter().map(crate::trust::shortfall_words);
    let view = CardView {
        id,
        version,
        card,
        evidence: evidence.iter().filter_map(|(_, it)| it.evaluation()).collect(),
        observations: observations
            .iter()
            .filter_map(|(_, it)| it.evaluation())
            .collect(),
        reviews,
        missing: missing.filter(|_| version.status == Status::Pending).collect(),
        stages: show::serves(reading, id)?,
        subject: tally.subject.to_string(),
        commit: reading.commit.short().to_string(),
    };
    match form {
        Output::Html => Ok(report::card_html(&view)),
        Output::Json => {
            let content = sagemaker_card::render(&view)?;
            Ok(report::json_text(&content))
        }
        _ => huggingface::render(&view),
    }
}
