//! How a command ended, and the forms of its output.

use clap::ValueEnum;

use crate::report;

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Looked, and clean; or done.
    Fine,
    /// There are findings, or the command was refused because its result would
    /// be one.
    Findings,
    /// Nothing qualifies.
    Nothing,
}

/// The forms of output. Which of them a command has, [`Command::forms`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Human,
    /// One line a finding (validate)
    Concise,
    /// For programs
    Json,
    /// The artifact's URI alone (resolve)
    Uri,
    /// Lines for a shell (resolve)
    Env,
    /// Annotations (validate, audit); lines for $GITHUB_OUTPUT (resolve)
    Github,
    /// A KServe InferenceService (resolve)
    Kserve,
    /// For a pull request (diff); with front matter, as Hugging Face reads it (card render)
    Markdown,
    /// One page that stands alone (card render, audit)
    Html,
    /// For code hosts and editors (validate, audit)
    Sarif,
    /// A code quality report (validate, audit)
    Gitlab,
    /// Tests that failed, as XML (validate, audit)
    Junit,
    /// CloudEvents 1.0, one a line (events)
    Cloudevents,
    /// What `aws events put-events` takes, one call a line (events)
    Eventbridge,
    /// A program for MLflow's client (export mlflow)
    Python,
}

impl Output {
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// The form of a report that this form of output is.
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
