//! `modelry pull`: downloads the files of a version, and verifies them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::names::Target as Name;
use crate::cli::output::Outcome;
use crate::cli::read::at::ReadArgs;
use crate::cli::read::proven::{Proven, TrustArgs, answer};
use crate::cli::read::resolve::{nothing, parse_target};
use crate::net::fetch::{Brought, Courier, Event, Fault, Parcel, Standing, State, Target};
use crate::record::kind::{Address, Artifact, GroupName, ModelSpec, RecordPath, Status, VersionId};
use crate::report::resolve::{self, Answer, Resolved, Which};

/// `modelry pull`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry pull fraud-detector@production ./model\n  modelry pull fraud-detector/3 ./model --force\n  modelry pull fraud-detector@latest /srv/models -o json"
)]
pub struct PullArgs {
    /// A version, the one that serves a stage, or the highest Approved one
    #[arg(value_name = "GROUP/N | GROUP@STAGE | GROUP@latest")]
    version: Name,
    /// The folder to download to; created if there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    read: ReadArgs,
    /// Replace files in the folder that have other content
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Returns the requested version, or the reason why there is none. A stage and
/// `latest` mean what `resolve` answers. A number means that version, unless it is
/// distrusted.
pub(crate) fn chosen(
    which: &Which,
    group: &GroupName,
    proven: &Proven<'_>,
) -> Result<Result<Answer, String>, Error> {
    let tainted = &proven.proof.tainted;
    let resolved = resolve::resolve(&proven.snapshot, group, which, tainted);
    let why = match resolved.map_err(|error| proven.missing(error))? {
        Resolved::Version(answer) => return Ok(Ok(*answer)),
        Resolved::Nothing(why) => why,
    };
    let Which::Number(number) = which else {
        return Ok(Err(why));
    };
    let id = VersionId {
        group: group.clone(),
        number: *number,
    };
    let loaded = proven.snapshot.read(&RecordPath::Version(id.clone()))?;
    let status = loaded
        .as_ref()
        .and_then(|loaded| loaded.version())
        .map(|version| version.status);
    Ok(match (loaded, status) {
        (Some(loaded), Some(status)) if !tainted.contains_key(&id) => Ok(Answer { id, status, loaded }),
        _ => Err(why),
    })
}

pub fn run(args: &PullArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let (group, which) = parse_target(&args.version)?;
    answer(&group, &args.read, &args.trust, global, ui, |proven| {
        let answer = match chosen(&which, &group, proven)? {
            Ok(answer) => answer,
            Err(why) => return nothing(&why, ui),
        };
        let Some(version) = answer.loaded.version() else {
            return nothing(&format!("{} is deleted", answer.id), ui);
        };
        if answer.status != Status::Approved {
            ui.note(&format!("{} is {}", answer.id, answer.status));
        }
        let top = proven.workspace.repo.workdir().map(PathBuf::from);
        match pull(&answer.id, &version.spec, top, args, global, ui) {
            Ok(()) => Ok(Outcome::Fine),
            Err(Fault::Differs(error)) => {
                ui.error(&error);
                Ok(Outcome::Findings)
            }
            Err(Fault::Error(error)) => Err(error),
        }
    })
}

fn pull(
    id: &VersionId,
    spec: &ModelSpec,
    top: Option<PathBuf>,
    args: &PullArgs,
    global: &Global,
    ui: &Ui,
) -> Result<(), Fault> {
    for image in images(spec) {
        ui.note(&format!(
            "an image is not fetched here: `docker pull {image}` does it"
        ));
    }
    let courier = Courier::new(top);
    let artifacts: Vec<&Artifact> = spec
        .all_artifacts()
        .into_iter()
        .map(|(_, artifact)| artifact)
        .collect();
    let parcels = courier.parcels(&artifacts)?;
    let mut done = Vec::new();
    if parcels.is_empty() {
        ui.note(&format!("{id} has no files to fetch"));
    } else {
        // The folder is printed as the user named it, where that is the same folder.
        let folder = global.located(&args.folder);
        let target = Target::open(&folder, &mut || {
            ui.note(&format!(
                "another pull is at work in `{}`; waiting for it",
                folder.display()
            ));
        })?;
        // Files in the way are reported before anything is fetched.
        let mut waiting = Vec::new();
        for parcel in parcels {
            let bar = bar(&parcel, "reading", ui);
            let standing = target.standing(&parcel, &mut |count| bar.inc(count));
            bar.finish_and_clear();
            match standing? {
                Standing::Other if !args.force => {
                    return Err(crate::net::fetch::other_content(&target.place(&parcel)).into());
                }
                standing => waiting.push((parcel, standing)),
            }
        }
        for (parcel, standing) in waiting {
            let brought = match standing {
                Standing::Present(size) => Brought {
                    path: target.place(&parcel),
                    size,
                    state: State::Present,
                },
                _ => bring(&courier, &parcel, &target, args.force, ui)?,
            };
            if !ui.is_json() {
                ui.print(&line(&parcel, &brought))?;
            }
            done.push(value(&parcel, &brought));
        }
    }
    if ui.is_json() {
        ui.json(&json!(done))?;
    }
    Ok(())
}

fn images(spec: &ModelSpec) -> Vec<&Address> {
    let mut images: Vec<&Address> = spec
        .containers()
        .into_iter()
        .filter_map(|(_, container)| container.image.as_ref())
        .collect();
    images.sort_unstable();
    images.dedup();
    images
}

fn bring(
    courier: &Courier,
    parcel: &Parcel,
    target: &Target,
    force: bool,
    ui: &Ui,
) -> Result<Brought, Fault> {
    let bar = bar(parcel, "fetching", ui);
    let brought = courier.bring(parcel, target, force, &mut |event| match event {
        Event::At(bytes) => bar.set_position(bytes),
        Event::Again(what, wait) => bar.suspend(|| {
            ui.note(&format!("{what}; trying again in {:.1} s", wait.as_secs_f64()));
        }),
    });
    bar.finish_and_clear();
    brought
}

/// Creates a progress bar on standard error; hidden when that is not a terminal.
fn bar(parcel: &Parcel, doing: &'static str, ui: &Ui) -> ProgressBar {
    if ui.is_json() {
        return ProgressBar::hidden();
    }
    // The bar is on standard error, and hidden when that is not a terminal.
    let bar = ProgressBar::with_draw_target(parcel.size, ProgressDrawTarget::stderr_with_hz(10));
    let template = match parcel.size {
        Some(_) => "{prefix} {msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{prefix} {msg} {spinner} {bytes} {bytes_per_sec}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(doing);
    bar.set_message(crate::report::clean(&parcel.name).into_owned());
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

fn line(parcel: &Parcel, brought: &Brought) -> String {
    let how = match brought.state {
        State::Fetched => "fetched",
        State::Resumed => "fetched (resumed)",
        State::Present => "up to date",
    };
    let (path, size) = (brought.path.display(), HumanBytes(brought.size));
    let line = format!("{path}: {how}, {size}, {}", parcel.digest.short());
    format!("{}\n", crate::report::clean(&line))
}

fn value(parcel: &Parcel, brought: &Brought) -> Value {
    json!({
        "uri": parcel.shown,
        "path": brought.path.to_string_lossy(),
        "size": brought.size,
        "digest": parcel.digest,
        "state": brought.state.as_str(),
    })
}
