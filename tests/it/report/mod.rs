//! Reports: the audit, the page of a pull request, forms for machines, and events.

mod audit;
mod by_hand;
mod event_days;
pub mod events;
mod foreign_formats;
mod formats;
mod notify;
mod summary;
mod summary_pages;
