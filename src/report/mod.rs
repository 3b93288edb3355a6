//! Reports: the result of a judgement, a history or a version, as values and as text.
//!
//! | part | what it holds |
//! | --- | --- |
//! | [`findings`] | a list of findings in seven forms: for people, JSON, SARIF, JUnit, code hosts |
//! | [`audit`] | the account of a whole history: the actors behind every version in use |
//! | [`summary`] | the meaning of a change for the people who decide about it |
//! | [`mod@event`] | the changes of a registry, each with an id that is the same everywhere |
//! | `card` | a model card as a page |
//! | [`resolve`] | the version to deploy |
//! | `text` | tables, Markdown, escapes: shared by the others |
//!
//! A value comes first (a struct that can be serialised), its renderings after it.
//! Renderers decide nothing. Text that others wrote is escaped where it is rendered, by
//! type for HTML.
//!
//! # Imports
//!
//! `base`, `object`, `record`, `trust`, `judge`. A report knows no act.
//!
//! # Where the next thing goes
//!
//! A new form of a list of findings is a file in `findings/` and a line in its `Format`.
//! A new fact about a version goes into the value of the report that shows it, then into
//! each of its renderings; the published schema follows by `UPDATE=1 cargo test`.

pub mod audit;
pub(crate) mod card;
pub mod event;
pub mod findings;
pub mod resolve;
pub mod summary;
pub mod text;

pub use audit::view::{html as audit_html, human as audit_human, json as audit_json, schema as audit_schema};
pub use card::{CardReview, CardView, html as card_html, markdown as card_markdown};
pub use event::human::event;
pub use findings::{Format, Style, changes, changes_in_full, looked, policy_line, report, schema};
pub use resolve::text::{env, env_unset, github};
pub use summary::view::{Page, markdown as summary_markdown, terminal as summary_terminal};
pub use text::plain::{clean, json_line, json_text, number, paint, shown};
pub use text::table::{Cell, CellStyle, Table};
