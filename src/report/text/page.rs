//! The frame of every HTML page: self-contained, without scripts and external
//! resources.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Forbids scripts, so that a browser would not run one even if the page contained it.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Builds a page with this title, inline style and body.
pub(crate) fn page(title: &str, style: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(CONTENT_POLICY);
                title { (title) }
                style { (PreEscaped(style)) }
            }
            (body)
        }
    }
}
