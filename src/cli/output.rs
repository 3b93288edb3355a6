//! How a command ended, and the forms of its output.

use clap::ValueEnum;

use crate::report;

/// The way in which a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The command looked and found nothing wrong, or did what was asked.
    Fine,
    /// There are findings, or the command was refused because its result would be a
    /// finding.
    Findings,
    /// No version qualifies.
    Nothing,
}

/// The forms of output. `Command::forms` lists the forms of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text for people
    Human,
    /// One line for each finding (validate)
    Concise,
    /// JSON for programs
    Json,
    /// The artifact's URI alone (resolve)
    Uri,
    /// Variables for a shell (resolve)
    Env,
    /// Annotations (validate, audit); lines for $GITHUB_OUTPUT (resolve)
    Github,
    /// A KServe InferenceService (resolve)
    Kserve,
    /// For a pull request (diff); a model card with front matter for Hugging Face
    /// (card render)
    Markdown,
    /// One self-contained page (card render, audit)
    Html,
    /// SARIF, for code hosts and editors (validate, audit)
    Sarif,
    /// GitLab's code quality report (validate, audit)
    Gitlab,
    /// JUnit XML with a failed test for each finding (validate, audit)
    Junit,
    /// CloudEvents 1.0, one on each line (events)
    Cloudevents,
    /// Input of `aws events put-events`, one call on each line (events)
    Eventbridge,
    /// A Python program for MLflow's client (export mlflow)
    Python,
}

impl Output {
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Returns the report format of this form of output.
pub fn report_format(output: Output) -> report::Format {
    match output {
        Output::Concise => report::Format::Concise,
        Output::Json => report::Format::Json,
        Output::Sarif => report::Format::Sarif,
        Output::Github => report::Format::Github,
        Output::Gitlab => report::Format::Gitlab,
        Output::Junit => report::Format::Junit,
        _ => report::Format::Human,
    }
}
