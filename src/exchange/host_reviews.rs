//! Reviews of a pull request, read from a Git host's API:
//!
//! - GitHub's list of reviews (`GET /repos/{owner}/{repo}/pulls/{number}/reviews`, also
//!   in Gitea and Forgejo), and its `pull_request_review` event;
//! - GitLab's approvals (`GET /projects/:id/merge_requests/:iid/approvals`), and its
//!   webhook of an approved merge request.
//!
//! Accounts are identified by the host's own numbers, because a name can be given up
//! and taken by another person.

use jiff::Timestamp;
use serde_json::Value;

use crate::act::{Click, HostReviews, HostVerdict, WholeList};
use crate::base::{Error, Oid};

/// Parses a host's time: RFC 3339, or GitLab's `2026-03-03 10:00:00 UTC`.
fn time(value: Option<&Value>) -> Option<Timestamp> {
    let text = value?.as_str()?;
    let as_rfc = || {
        text.strip_suffix(" UTC")
            .map(|text| format!("{}Z", text.replacen(' ', "T", 1)))
    };
    text.parse().ok().or_else(|| as_rfc()?.parse().ok())
}

/// Reads the decisions of `host` from the file `name`: the last one of each account, in
/// the order in which the accounts first decided. Comments are not decisions.
///
/// # Errors
/// The text has no known form; the error names the file.
pub fn read(host: &str, name: &str, text: &str) -> Result<HostReviews, Error> {
    let hint = match is_named_gitlab(host) {
        true => {
            "give what the host's API answers, unchanged: `glab api projects/ID/merge_requests/N/approvals`"
        }
        false => "give what the host's API answers, unchanged: `gh api repos/OWNER/NAME/pulls/N/reviews`",
    };
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Error::msg(format!("{name} is no JSON: {error}")).hint(hint))?;
    let told = told(&value).map_err(|what| Error::msg(format!("{name}: {what}")).hint(hint))?;
    // The number of an account belongs to another person on another host.
    let is_gitlab = value.get("object_kind").is_some() || value.get("approved_by").is_some();
    let of_gitlab = is_named_gitlab(host);
    let of_another = ["github", "gitea", "forgejo", "codeberg"]
        .iter()
        .any(|other| host.to_ascii_lowercase().contains(other));
    if (is_gitlab && of_another) || (!is_gitlab && of_gitlab) {
        let is = if is_gitlab {
            "GitLab's"
        } else {
            "GitHub's or Forgejo's"
        };
        return Err(Error::msg(format!(
            "{name} is in {is} form, and `{host}` is another host, with other accounts"
        ))
        .hint("name the host that the reviews are from"));
    }
    let mut verdicts: Vec<HostVerdict> = Vec::new();
    for verdict in told {
        match verdicts.iter_mut().find(|known| known.account == verdict.account) {
            // Pages can come in any order, and the host numbers reviews.
            Some(known) if known.is_after(&verdict) => {}
            Some(known) => *known = verdict,
            None => verdicts.push(verdict),
        }
    }
    let whole = value.get("approved_by").map(|_| WholeList {
        review: review_of(&value),
        accounts: verdicts.iter().map(|verdict| verdict.account.clone()).collect(),
        at: time(value.get("updated_at")),
    });
    Ok(HostReviews { verdicts, whole })
}

/// Builds an id for the reviews of GitLab's list of approvals: its free edition may
/// leave out the merge request.
fn review_of(list: &Value) -> String {
    id(list.get("iid")).map_or_else(|| "approval".to_owned(), |number| format!("!{number}"))
}

/// Whether the host's name indicates GitLab.
fn is_named_gitlab(host: &str) -> bool {
    host.to_ascii_lowercase().contains("gitlab")
}

fn told(value: &Value) -> Result<Vec<HostVerdict>, String> {
    if let Some(reviews) = value.as_array() {
        // `gh api --paginate --slurp` returns one list for each page.
        let mut verdicts = Vec::new();
        for review in reviews {
            match review.as_array() {
                Some(page) => {
                    for review in page {
                        verdicts.extend(review_of_list(review)?);
                    }
                }
                None => verdicts.extend(review_of_list(review)?),
            }
        }
        return Ok(verdicts);
    }
    if let Some(review) = value.get("review").filter(|review| review.is_object()) {
        return Ok(review_of_list(review)?.into_iter().collect());
    }
    if value.get("object_kind").and_then(Value::as_str) == Some("merge_request") {
        return Ok(gitlab(value)?.into_iter().collect());
    }
    if let Some(approvals) = value.get("approved_by") {
        let approvals = approvals
            .as_array()
            .ok_or("`approved_by` is no list of approvals")?;
        let verdicts = approvals.iter().map(|approval| gitlab_approval(value, approval));
        return Ok(verdicts
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect());
    }
    Err(
        "this is no list of reviews or approvals, no `pull_request_review` event and no merge request event"
            .to_owned(),
    )
}

fn missing(what: &str) -> String {
    format!("a review has no `{what}`")
}

/// Formats a number or a text as text.
fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::String(text) if !text.is_empty() && text.len() <= 256 => Some(text.clone()),
        _ => None,
    }
}

fn review_of_list(review: &Value) -> Result<Option<HostVerdict>, String> {
    let state = review
        .get("state")
        .and_then(Value::as_str)
        .ok_or_else(|| missing("state"))?;
    let mut click = match state.to_ascii_uppercase().as_str() {
        "APPROVED" => Click::Approved,
        "CHANGES_REQUESTED" | "REQUEST_CHANGES" => Click::ChangesRequested,
        "DISMISSED" => Click::Dismissed,
        "COMMENTED" | "COMMENT" | "PENDING" | "REQUEST_REVIEW" => return Ok(None),
        other => {
            return Err(format!("a review has the state `{other}`, which is unknown"));
        }
    };
    // Forgejo and Gitea keep the state of a dismissed review.
    if review.get("dismissed").and_then(Value::as_bool) == Some(true) {
        click = Click::Dismissed;
    }
    // A deleted account can't be identified.
    let Some(account) = id(review.pointer("/user/id")) else {
        return match review.get("user") {
            Some(Value::Null) => Ok(None),
            _ => Err(missing("user.id")),
        };
    };
    Ok(Some(HostVerdict {
        account,
        review: id(review.get("id")).ok_or_else(|| missing("id"))?,
        click,
        commit: review
            .get("commit_id")
            .and_then(Value::as_str)
            .and_then(Oid::from_hex),
        at: time(review.get("updated_at")).or_else(|| time(review.get("submitted_at"))),
    }))
}

/// Reads GitLab's webhook, which reports one approval with the last commit at that
/// time.
fn gitlab(event: &Value) -> Result<Option<HostVerdict>, String> {
    let at = |pointer: &str| event.pointer(pointer);
    let click = match at("/object_attributes/action").and_then(Value::as_str) {
        Some("approved" | "approval") => Click::Approved,
        Some("unapproved" | "unapproval") => Click::Dismissed,
        _ => return Ok(None),
    };
    let number = id(at("/object_attributes/iid")).ok_or_else(|| missing("object_attributes.iid"))?;
    Ok(Some(HostVerdict {
        account: id(at("/user/id")).ok_or_else(|| missing("user.id"))?,
        review: format!("!{number}"),
        click,
        commit: at("/object_attributes/last_commit/id")
            .and_then(Value::as_str)
            .and_then(Oid::from_hex),
        at: time(at("/object_attributes/updated_at")),
    }))
}

/// Reads one approval of GitLab's list. The list does not name the commit, and in the
/// free edition not the merge request either.
fn gitlab_approval(list: &Value, approval: &Value) -> Result<Option<HostVerdict>, String> {
    let Some(account) = id(approval.pointer("/user/id")) else {
        // A deleted account can't be identified.
        return match approval.get("user") {
            Some(Value::Null) => Ok(None),
            _ => Err("an approval has no `user.id`".to_owned()),
        };
    };
    Ok(Some(HostVerdict {
        account,
        review: review_of(list),
        click: Click::Approved,
        commit: None,
        at: time(approval.get("approved_at")).or_else(|| time(list.get("updated_at"))),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "1111111111111111111111111111111111111111";

    fn one(account: u64, id: u64, state: &str) -> String {
        format!(r#"{{"id": {id}, "user": {{"id": {account}}}, "state": "{state}", "commit_id": "{COMMIT}"}}"#)
    }

    #[test]
    fn the_last_decision_of_an_account_counts_and_comments_do_not() {
        let list = format!(
            "[{}, {}, {}, {}]",
            one(7, 1, "CHANGES_REQUESTED"),
            one(8, 2, "APPROVED"),
            one(7, 3, "APPROVED"),
            one(8, 4, "COMMENTED")
        );
        let read = read("github", "FILE", &list).expect("reviews").verdicts;
        let told: Vec<(&str, &str, Click)> = read
            .iter()
            .map(|verdict| (&*verdict.account, &*verdict.review, verdict.click))
            .collect();
        assert_eq!(told, [("7", "3", Click::Approved), ("8", "2", Click::Approved)]);
        assert_eq!(
            read[0].commit.map(|commit| commit.to_string()).as_deref(),
            Some(COMMIT)
        );
    }

    #[test]
    fn events_and_pages_say_the_same() {
        let event = format!(
            r#"{{"action": "submitted", "review": {}, "pull_request": {{}}}}"#,
            one(7, 1, "approved")
        );
        let pages = format!("[[{}], []]", one(7, 1, "APPROVED"));
        assert_eq!(
            read("github", "FILE", &event).expect("an event"),
            read("github", "FILE", &pages).expect("pages")
        );
        let of_gitlab = format!(
            r#"{{"object_kind": "merge_request", "user": {{"id": 9}},
               "object_attributes": {{"iid": 4, "action": "approved", "last_commit": {{"id": "{COMMIT}"}}}}}}"#
        );
        let mut event = read("gitlab", "FILE", &of_gitlab).expect("an event");
        assert_eq!(event.whole, None, "an event speaks of one approval");
        let verdict = event.verdicts.remove(0);
        assert!(
            read("github", "FILE", &of_gitlab).is_err()
                && read("gitlab.example.com", "FILE", &pages).is_err()
        );
        assert_eq!((&*verdict.account, &*verdict.review), ("9", "!4"));
    }

    #[test]
    fn what_is_no_review_is_refused() {
        for text in [
            "",
            "{}",
            "null",
            r#"[{"id": 1}]"#,
            r#"[{"id": 1, "state": "APPROVED", "user": {"login": "risk-1"}}]"#,
            r#"[{"id": 1, "state": "SHRUGGED", "user": {"id": 1}}]"#,
        ] {
            assert!(read("github", "FILE", text).is_err(), "{text}");
        }
        let gone = r#"[{"id": 1, "state": "APPROVED", "user": null}]"#;
        assert!(read("github", "FILE", gone).expect("a list").verdicts.is_empty());
    }
}
