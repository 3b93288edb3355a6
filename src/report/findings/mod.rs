//! Reports and tables as text. Renderers make no decisions.

mod annotations;
mod changes;
mod code_quality;
mod concise;
pub(crate) mod human;
pub(crate) mod json;
mod junit;
mod sarif;

pub use changes::{changes, changes_in_full, policy_line};
pub use json::schema;

use crate::judge::finding::Report;

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Source lines with carets, for people.
    Human,
    /// Findings on one line each.
    Concise,
    /// `modelry-report/v1`.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations: workflow commands of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JUnit's XML.
    Junit,
}

/// The style of text.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether colour is allowed.
    pub color: bool,
    /// Columns of the terminal, or `None` in a pipe, where no text is cut.
    pub width: Option<usize>,
}

impl Style {
    /// The style for pipes and tests.
    pub const PLAIN: Style = Style {
        color: false,
        width: None,
    };
}

/// Renders a report as text.
pub fn report(report: &Report, format: Format, style: &Style) -> String {
    match format {
        Format::Human => human::render(report, style),
        Format::Concise => concise::render(report),
        Format::Json => json::render(report),
        Format::Sarif => sarif::render(report),
        Format::Github => annotations::render(report),
        Format::Gitlab => code_quality::render(report),
        Format::Junit => junit::render(report),
    }
}

/// The amount of data that was checked, and the number of findings: one line.
pub fn looked(report: &Report, style: &Style) -> String {
    human::summary(report, style)
}
