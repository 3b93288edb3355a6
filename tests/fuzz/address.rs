//! Addresses: their parts make them again, no form for people shows what a record
//! may not hold, and what is cleaned or masked stays so.

use modelry::testing::record::kind::{
    Address, Form, UriFault, cleaned_text, cleaned_uri, concealed, concealed_in_place, masked_text,
    text_fault, text_secrets, uri_fault,
};

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let address = Address::from(text);
    assert_eq!(address.expose(), text);
    let parts = address.parts();
    let login = parts
        .expose_login()
        .map(|login| format!("{login}@"))
        .unwrap_or_default();
    let head = match parts.form {
        Form::Url => format!("{}://{login}{}", parts.scheme, parts.authority),
        Form::Opaque => format!("{}:", parts.scheme),
        Form::Path | Form::Scp => String::new(),
    };
    assert_eq!(
        format!("{head}{}", parts.expose_rest()),
        text,
        "parts lose nothing"
    );
    assert!(!parts.authority.contains(['@', '/', '?', '#']));
    let remote = address.as_remote();
    assert!(text.ends_with(remote.expose_rest()));
    assert!(remote.form == Form::Scp || remote == parts || remote.form == Form::Path);
    let _ = (
        remote.host(),
        remote.port(),
        remote.path(),
        remote.query(),
        remote.fragment(),
    );
    // The displayed address has no secret left to hide.
    let shown = address.to_string();
    assert_eq!(concealed(&shown), shown, "{text:?} is shown as {shown:?}");
    for form in [
        format!("{address:?}"),
        address.place(),
        format!("{parts:?}"),
        format!("{remote:?}"),
    ] {
        for secret in secrets(text) {
            assert!(!form.contains(&secret), "{text:?} is shown as {form:?}");
        }
    }
    let same = concealed_in_place(text);
    assert_eq!(same.len(), text.len());
    // A cleaned address is valid in a record.
    let clean = cleaned_uri(text);
    assert!(clean.len() <= text.len());
    assert_eq!(uri_fault(&clean), None, "{text:?} is cleaned to {clean:?}");
    if uri_fault(text).is_none() {
        assert_eq!(clean, text);
    }
    let clean = cleaned_text(text);
    assert_eq!(text_fault(&clean), None, "{text:?} is cleaned to {clean:?}");
    let masked = masked_text(text);
    assert_eq!(masked_text(&masked), masked, "{text:?}");
    for (place, _) in text_secrets(text) {
        assert!(text.is_char_boundary(place.start) && text.is_char_boundary(place.end));
    }
}

/// The words of a text that are secret for sure: long, and there once.
fn secrets(text: &str) -> Vec<String> {
    let all = text_secrets(text).into_iter();
    let words = all.filter_map(|(place, fault)| {
        let word = &text[place];
        match fault {
            UriFault::Signature(_) => Some(word.split_once('=')?.1.to_owned()),
            _ => Some(word.to_owned()),
        }
    });
    words
        .filter(|word| word.len() >= 8 && text.matches(word.as_str()).count() == 1)
        .filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric()))
        .collect()
}
