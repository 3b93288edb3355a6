//! `modelry demo`: builds a complete registry with throwaway keys, through the same
//! functions as the commands.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, Parser};

use crate::base::Error;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::cli::{Cli, Ui};
use crate::record::kind::REGISTRY_FILE;
use crate::report::paint;

/// `modelry demo`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  modelry demo /tmp/models && cd /tmp/models && modelry list")]
pub struct DemoArgs {
    /// A folder that does not exist yet [default: modelry-demo]
    #[arg(default_value = "modelry-demo", hide_default_value = true, value_name = "DIR")]
    folder: PathBuf,
}

/// Fails if a program that the demo runs is missing.
fn look_for_programs() -> Result<(), Error> {
    let missing: Vec<&str> = ["git", "ssh-keygen"]
        .into_iter()
        .filter(|program| {
            // Neither option does anything; `ssh-keygen` has no option for its
            // version.
            let option = if *program == "git" { "--version" } else { "-?" };
            Command::new(program)
                .arg(option)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_err()
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::msg(format!(
        "the demo needs `git` and OpenSSH's `ssh-keygen`, and can't run {}",
        missing
            .iter()
            .map(|program| format!("`{program}`"))
            .collect::<Vec<_>>()
            .join(" or ")
    ))
    .hint(
        "install git and OpenSSH's client programs, on Debian and Ubuntu: `apt-get install git openssh-client`",
    ))
}

/// Variables of git that the demo keeps: where git's programs are.
const KEPT: [&str; 1] = ["GIT_EXEC_PATH"];

/// Variables of git with which the demo runs: no configuration beside the repository's.
const SEALED: [(&str, &str); 2] = [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")];

/// Starts this program again without the variables of git around it, and with no
/// configuration of the user or the system, so that no other key, identity, hook or
/// repository is used. Returns where that is so already.
fn seal() -> Result<(), Error> {
    let is_of_git = |(name, _): &(OsString, OsString)| {
        let name = name.to_string_lossy();
        name.starts_with("GIT_") && !KEPT.contains(&name.as_ref())
    };
    let around: Vec<(OsString, OsString)> = std::env::vars_os().filter(is_of_git).collect();
    let is_sealed =
        |(name, value): &(OsString, OsString)| SEALED.iter().any(|it| name == it.0 && value == it.1);
    if around.len() == SEALED.len() && around.iter().all(is_sealed) {
        return Ok(());
    }
    let failed = |error: std::io::Error| Error::msg(format!("can't start the demo: {error}"));
    let mut again = Command::new(std::env::current_exe().map_err(failed)?);
    again.args(std::env::args_os().skip(1));
    around.iter().for_each(|(name, _)| {
        again.env_remove(name);
    });
    again.envs(SEALED);
    Err(failed(go_on_as(again)))
}

/// Goes on as this command. Returns only if it can't be started.
#[cfg(unix)]
fn go_on_as(mut command: Command) -> std::io::Error {
    use std::os::unix::process::CommandExt as _;
    command.exec()
}

/// Runs this command, and ends as it does. Returns only if it can't be started.
#[cfg(not(unix))]
fn go_on_as(mut command: Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(2)),
        Err(error) => error,
    }
}

/// The actors of the demo.
const CAST: [&str; 4] = ["admin-1", "trainer", "risk-1", "risk-2"];

struct Stage<'d> {
    top: &'d Path,
    ui: &'d Ui,
}

pub fn run(args: &DemoArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let top = &global.located(&args.folder);
    if top.exists() {
        return Err(Error::msg(format!("{} is there already", top.display()))
            .hint("name a folder that does not exist yet: `modelry demo DIR`"));
    }
    look_for_programs()?;
    seal()?;
    std::fs::create_dir_all(top).map_err(|source| Error::Io {
        action: "create",
        path: top.clone(),
        source,
    })?;
    let top = &top.canonicalize().map_err(|source| Error::Io {
        action: "read",
        path: top.clone(),
        source,
    })?;
    let stage = Stage { top, ui };
    stage.set_up()?;
    stage.found()?;
    stage.grant()?;
    stage.register()?;
    stage.approve()?;
    stage.deploy()?;
    stage.check()?;
    let shown = global.located(&args.folder);
    let shown = shown.display();
    ui.print(&format!(
        "\nThe registry is in {shown}. Its keys are throwaway keys, in {shown}/keys.\nGo on there, as risk-2:\n\n  cd {shown}\n  modelry list\n  modelry show fraud-detector/3\n  modelry log fraud-detector\n  git config user.signingkey keys/risk-2\n  modelry approve fraud-detector/3 -m \"seconded\"\n"
    ))?;
    Ok(Outcome::Fine)
}

impl Stage<'_> {
    /// Creates the registry, and brings in its actors.
    fn found(&self) -> Result<(), Error> {
        self.say("A registry is a Git repository. The first policy is a commit of its own, signed by the first administrator.")?;
        self.act(
            "admin-1",
            &["init", "--name", "demo-models", "--actor", "admin-1"],
        )?;
        self.say("The administrator brings in a training pipeline and two reviewers, each with a key, and says who may do what.")?;
        for who in ["risk-1", "risk-2"] {
            let (key, email) = (format!("keys/{who}.pub"), format!("{who}@example.com"));
            self.act(
                "admin-1",
                &["actor", "add", who, "--key", &key, "--email", &email],
            )?;
        }
        self.admin("actor add trainer --kind machine --owner admin-1 --key keys/trainer.pub")?;
        Ok(())
    }

    /// Makes the team of reviewers, and says who may do what.
    fn grant(&self) -> Result<(), Error> {
        self.act("admin-1", &["team", "add", "risk", "risk-1", "risk-2"])?;
        self.admin("grant add trainer --allow register,add-evidence,annotate --groups *")?;
        self.admin("grant add team:risk --allow approve,reject,archive --groups *")?;
        self.admin("grant add team:risk --allow promote --groups * --stages staging,production")?;
        self.say("For fraud models the policy asks for two approvals, a card, and a metric that does not fall behind production. A person edits the file, looks, and commits.")?;
        self.quorum()?;
        Ok(())
    }

    /// Creates the groups, and registers versions.
    fn register(&self) -> Result<(), Error> {
        self.say("Two groups of models.")?;
        self.act(
            "admin-1",
            &[
                "group",
                "create",
                "fraud-detector",
                "--description",
                "card payments, online",
                "--owner",
                "team:risk",
            ],
        )?;
        self.act(
            "admin-1",
            &[
                "group",
                "create",
                "churn-classifier",
                "--description",
                "who may leave us",
            ],
        )?;
        self.say(
            "The pipeline registers versions. Local artifacts are hashed; the spec is frozen from here on.",
        )?;
        for (n, auc) in [(1, "0.861"), (2, "0.848"), (3, "0.912")] {
            self.write(
                &format!("artifacts/fraud-{n}.bin"),
                format!("throwaway model {n}\n").repeat(512).as_bytes(),
            )?;
            let (artifact, metric) = (format!("artifacts/fraud-{n}.bin"), format!("auc={auc}"));
            self.act(
                "trainer",
                &[
                    "register",
                    "fraud-detector",
                    "--artifact",
                    &artifact,
                    "--framework",
                    "xgboost",
                    "--framework-version",
                    "2.1",
                    "--metric",
                    &metric,
                    "--label",
                    "team=risk",
                ],
            )?;
        }
        self.write("artifacts/churn-1.bin", b"throwaway churn model\n")?;
        self.act(
            "trainer",
            &[
                "register",
                "churn-classifier",
                "--artifact",
                "artifacts/churn-1.bin",
                "--metric",
                "f1=0.71",
            ],
        )?;
        Ok(())
    }

    /// Adds evidence, and approves a version.
    fn approve(&self) -> Result<(), Error> {
        self.say("Evidence and a card, before the decision: they are part of what is approved.")?;
        for version in ["fraud-detector/1", "fraud-detector/3"] {
            self.act(
                "trainer",
                &[
                    "evidence",
                    "add",
                    version,
                    "holdout",
                    "--metric",
                    "auc=0.905",
                    "--dataset",
                    "s3://data/holdout-q3.parquet",
                ],
            )?;
            self.act(
                "trainer",
                &[
                    "card",
                    "set",
                    version,
                    "--set",
                    "intendedUses=online card payments",
                    "--set",
                    "limitations=not for cash withdrawals",
                ],
            )?;
        }
        self.say(
            "Version 1 is approved by two people. The second approval completes the quorum and moves the status.",
        )?;
        self.act(
            "risk-1",
            &[
                "approve",
                "fraud-detector/1",
                "-m",
                "meets performance and bias criteria",
            ],
        )?;
        self.act(
            "risk-2",
            &["approve", "fraud-detector/1", "-m", "holdout looked at"],
        )?;
        Ok(())
    }

    /// Promotes a version, and rejects one that falls behind it.
    fn deploy(&self) -> Result<(), Error> {
        self.say("It goes into production, and the deployment job asks what to deploy: an answer that is proven from the root.")?;
        self.act(
            "risk-2",
            &[
                "promote",
                "fraud-detector/1",
                "production",
                "-m",
                "first of its kind",
            ],
        )?;
        self.act("trainer", &["resolve", "fraud-detector@production"])?;
        self.say("Version 2 falls behind what is in production: the gate refuses its approval, and a reviewer rejects it.")?;
        self.refused("risk-1", &["approve", "fraud-detector/2", "-m", "looks good"])?;
        self.act(
            "risk-1",
            &["reject", "fraud-detector/2", "-m", "falls behind version 1"],
        )?;
        Ok(())
    }

    /// Leaves a version that waits for its second approval, and judges the history.
    fn check(&self) -> Result<(), Error> {
        self.say("One approval for version 3; it waits for the second.")?;
        self.act("risk-1", &["approve", "fraud-detector/3", "-m", "best so far"])?;
        self.act("risk-2", &["show", "fraud-detector/3"])?;
        self.say("What if somebody just edits the file? The validator says what is wrong, and what to do.")?;
        self.illegal()?;
        self.say(
            "The whole history is judged again, from the root: every status came about by legal, signed changes.",
        )?;
        let root = self.git(&["rev-list", "--max-parents=0", "HEAD"])?;
        self.act(
            "risk-1",
            &["validate", &format!("{}..HEAD", &root[..10.min(root.len())])],
        )?;
        self.act("risk-1", &["list", "fraud-detector"])?;
        Ok(())
    }

    /// Runs a command of the administrator, whose words hold no blanks.
    fn admin(&self, line: &str) -> Result<(), Error> {
        self.act("admin-1", &line.split(' ').collect::<Vec<_>>())
    }

    fn say(&self, text: &str) -> Result<(), Error> {
        self.ui.print(&format!(
            "\n{}\n",
            paint(&format!("# {text}"), "36", &self.ui.style)
        ))
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        crate::git::disk::write_file(&self.top.join(path), bytes)
    }

    fn git(&self, arguments: &[&str]) -> Result<String, Error> {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.top)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Error::msg(format!("can't run git: {error}")).hint("install git"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        Err(Error::msg(format!(
            "`git {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        )))
    }

    /// Creates the folder, a key for each actor, and git's configuration.
    fn set_up(&self) -> Result<(), Error> {
        self.git(&["init", "--quiet", "--initial-branch=main"])?;
        std::fs::create_dir_all(self.top.join("keys")).map_err(|source| Error::Io {
            action: "create",
            path: self.top.join("keys"),
            source,
        })?;
        for who in CAST {
            let output = Command::new("ssh-keygen")
                .args([
                    "-q",
                    "-t",
                    "ed25519",
                    "-N",
                    "",
                    "-C",
                    &format!("{who}, a throwaway key of the demo"),
                    "-f",
                ])
                .arg(self.top.join("keys").join(who))
                .stdin(Stdio::null())
                .output()
                .map_err(|error| {
                    Error::msg(format!("can't run ssh-keygen: {error}"))
                        .hint("install OpenSSH's client programs")
                })?;
            if !output.status.success() {
                return Err(Error::msg(format!(
                    "ssh-keygen failed: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                )));
            }
        }
        for (key, value) in [("gpg.format", "ssh"), ("commit.gpgsign", "true")] {
            self.git(&["config", key, value])?;
        }
        // Keys and artifacts are not part of the registry.
        self.write(".git/info/exclude", b"/keys/\n/artifacts/\n")?;
        self.become_actor("admin-1")
    }

    fn become_actor(&self, who: &str) -> Result<(), Error> {
        self.git(&["config", "user.name", who])?;
        self.git(&["config", "user.email", &format!("{who}@example.com")])?;
        self.git(&[
            "config",
            "user.signingkey",
            &self.top.join("keys").join(who).to_string_lossy(),
        ])?;
        Ok(())
    }

    /// Prints a command as one would type it, and runs it.
    fn act(&self, who: &str, arguments: &[&str]) -> Result<(), Error> {
        self.run(who, arguments).and_then(|outcome| match outcome {
            Outcome::Fine => Ok(()),
            Outcome::Findings | Outcome::Nothing => Err(Error::msg(format!(
                "the demo's `modelry {}` was refused",
                arguments.join(" ")
            ))),
        })
    }

    /// Runs a command that must be refused, and prints the refusal.
    fn refused(&self, who: &str, arguments: &[&str]) -> Result<(), Error> {
        match self.run(who, arguments)? {
            Outcome::Findings => Ok(()),
            Outcome::Fine | Outcome::Nothing => Err(Error::msg(format!(
                "the demo's `modelry {}` was not refused",
                arguments.join(" ")
            ))
            .hint("this is a defect: please report it")),
        }
    }

    fn run(&self, who: &str, arguments: &[&str]) -> Result<Outcome, Error> {
        self.become_actor(who)?;
        let quoted = |word: &&str| {
            let plain = word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_./:=,@".contains(c));
            if plain {
                (*word).to_owned()
            } else {
                format!("'{word}'")
            }
        };
        let line: Vec<String> = arguments.iter().map(quoted).collect();
        let prompt = paint(&format!("{who}$"), "32", &self.ui.style);
        self.ui.print(&format!(
            "{prompt} {}\n",
            paint(&format!("modelry {}", line.join(" ")), "1", &self.ui.style)
        ))?;
        // The folder is given explicitly, since the demo does not change to it.
        let local = |word: &&str| {
            if word.starts_with("keys/") || word.starts_with("artifacts/") {
                self.top.join(word).into_os_string()
            } else {
                OsString::from(word)
            }
        };
        let mut command: Vec<OsString> = vec!["modelry".into(), "-C".into(), self.top.as_os_str().to_owned()];
        command.extend(arguments.iter().map(local));
        let cli = Cli::try_parse_from(command).map_err(|error| Error::msg(error.to_string()))?;
        let form = crate::cli::form(&cli.command, cli.global.output.as_deref(), "demo")?;
        let ui = self.ui.with_output(form);
        crate::cli::dispatch(cli.command, &cli.global, &ui)
    }

    /// Edits the policy by hand, as a person would.
    fn quorum(&self) -> Result<(), Error> {
        self.become_actor("admin-1")?;
        let path = self.top.join(REGISTRY_FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Io {
            action: "read",
            path: path.clone(),
            source,
        })?;
        let document = crate::act::read_given(REGISTRY_FILE, text.as_bytes())?;
        let serial = document
            .value()
            .get("serial")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(1)
            + 1;
        let edits = [
            crate::record::yaml::Edit::Set {
                pointer: "/approvals/-".into(),
                value: serde_json::json!({"groups": ["fraud-*"], "required": 2, "from": {"risk": 1}, "card": ["intendedUses", "limitations"], "gates": [{
                    "name": "good-enough",
                    "champion": "production",
                    "require": "metrics.auc >= 0.85 && (champion == null || metrics.auc >= champion.metrics.auc)",
                    "message": "must reach 0.85 and not fall behind the version in production",
                }]}),
            },
            crate::record::yaml::Edit::Set {
                pointer: "/serial".into(),
                value: serde_json::json!(serial),
            },
        ];
        let edited = document
            .edit(&edits)
            .map_err(|error| Error::msg(error.to_string()))?;
        self.write(REGISTRY_FILE, edited.text().as_bytes())?;
        self.ui.print(&format!(
            "{} $EDITOR registry.yaml\n",
            paint("admin-1$", "32", &self.ui.style)
        ))?;
        self.ui.print(&format!(
            "{}\n",
            self.git(&["diff", "--unified=0", "--no-color", "--", REGISTRY_FILE])?
                .lines()
                .filter(|line| line.starts_with(['+', '-'])
                    && !line.starts_with("+++")
                    && !line.starts_with("---"))
                .map(|line| format!("  {line}"))
                .collect::<Vec<_>>()
                .join("\n")
        ))?;
        self.act("admin-1", &["validate"])?;
        self.ui.print(&format!(
            "{} git commit -S -am 'Ask for two approvals of fraud models'\n",
            paint("admin-1$", "32", &self.ui.style)
        ))?;
        self.git(&[
            "commit",
            "--quiet",
            "-S",
            "-a",
            "-m",
            "Ask for two approvals of fraud models",
        ])?;
        Ok(())
    }

    /// Changes a status by hand where the policy has no edge, and shows the finding.
    fn illegal(&self) -> Result<(), Error> {
        let path = self.top.join("groups/fraud-detector/versions/2/version.yaml");
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Io {
            action: "read",
            path: path.clone(),
            source,
        })?;
        self.write(
            "groups/fraud-detector/versions/2/version.yaml",
            text.replace("status: Rejected", "status: Approved").as_bytes(),
        )?;
        self.ui.print(&format!(
            "{} sed -i 's/status: Rejected/status: Approved/' groups/fraud-detector/versions/2/version.yaml\n",
            paint("trainer$", "32", &self.ui.style)
        ))?;
        let outcome = self.run("trainer", &["validate"])?;
        self.git(&["checkout", "--quiet", "--", "groups"])?;
        match outcome {
            Outcome::Findings => Ok(()),
            Outcome::Fine | Outcome::Nothing => {
                Err(Error::msg("the demo's illegal transition was not refused")
                    .hint("this is a defect: please report it"))
            }
        }
    }
}
