//! Text that reports share: tables, Markdown, pages, escapes.

pub mod markdown;
pub(crate) mod page;
pub(crate) mod plain;
pub(crate) mod table;
