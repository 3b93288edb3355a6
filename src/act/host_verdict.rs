//! Answers of a Git host about reviews, and their order.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::base::Oid;
use crate::record::kind::{Decision, HostReview};

/// A reviewer's decision on a host's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Click {
    /// Approved.
    Approved,
    /// The reviewer asked for changes.
    ChangesRequested,
    /// The review was dismissed, or withdrawn.
    Dismissed,
}

/// The last decisive review of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostVerdict {
    /// The account's number on the host.
    pub account: String,
    /// The host's id of the review.
    pub review: String,
    /// The decision.
    pub click: Click,
    /// The commit that the reviewer saw, or `None` if the host does not say.
    pub commit: Option<Oid>,
    /// The time when it was given, or last changed, or `None` if the host does not say.
    pub at: Option<Timestamp>,
}

impl HostVerdict {
    /// Whether the host's decision is older than the recorded one. The host numbers
    /// reviews in order; a dismissed review does not reappear, unless it changed since.
    pub fn is_older_than(&self, record: &HostReview, decision: Decision) -> bool {
        let number = |id: &str| id.parse::<u64>().ok();
        let times = self.at.zip(time_of(record));
        let is_taken_back = decision == Decision::Withdrawn && self.click == Click::Approved;
        match (number(&self.review), number(&record.review)) {
            (Some(this), Some(other)) if this != other => this < other,
            (Some(_), Some(_)) => match times {
                Some((this, other)) => this < other || (this == other && is_taken_back),
                None => is_taken_back,
            },
            // Two that came in one second, or without a time: taken back holds.
            _ => times.map_or(is_taken_back, |(this, other)| {
                this < other || (this == other && is_taken_back)
            }),
        }
    }

    /// Whether the host numbers this review after the other.
    pub fn is_after(&self, other: &HostVerdict) -> bool {
        let number = |id: &str| id.parse::<u64>().ok();
        let pair = number(&self.review).zip(number(&other.review));
        pair.is_some_and(|(this, other)| this > other)
    }

    /// Whether the host decided this after it decided the recorded one.
    pub fn is_newer_than(&self, record: &HostReview) -> bool {
        let number = |id: &str| id.parse::<u64>().ok();
        match (number(&self.review), number(&record.review)) {
            (Some(this), Some(other)) if this != other => this > other,
            _ => self
                .at
                .zip(time_of(record))
                .is_some_and(|(this, other)| this > other),
        }
    }
}

/// The host's time of a recorded review.
pub(super) fn time_of(record: &HostReview) -> Option<Timestamp> {
    record.at.as_deref()?.parse().ok()
}

/// A complete list: an approval that it lacks was withdrawn, or never given. GitLab sends
/// one, and does not list withdrawals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeList {
    /// The host's review id of each approval in the list.
    pub review: String,
    /// The accounts whose approvals it holds.
    pub accounts: BTreeSet<String>,
    /// The time when the merge request last changed, or `None` if the host does not say.
    pub at: Option<Timestamp>,
}

/// The reviews in an answer of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostReviews {
    /// The last decision of each account.
    pub verdicts: Vec<HostVerdict>,
    /// The whole list, where the answer is one.
    pub whole: Option<WholeList>,
}
