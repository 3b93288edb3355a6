//! Numbers and texts as conditions write them. Source: the lexical part of the CEL
//! specification.

/// The largest whole number that a double holds exactly.
const MAX_WHOLE: u64 = 1 << 53;

/// Returns the value of a number without its sign, or what is wrong with it.
pub(super) fn number(text: &str) -> Result<f64, String> {
    let all =
        |digits: &str, belongs: fn(&u8) -> bool| !digits.is_empty() && digits.bytes().all(|b| belongs(&b));
    let plain = text.trim_end_matches(['u', 'U']);
    let whole = match plain.strip_prefix("0x") {
        Some(digits) if all(digits, u8::is_ascii_hexdigit) => Some(u64::from_str_radix(digits, 16)),
        None if all(plain, u8::is_ascii_digit) => Some(plain.parse()),
        _ => None,
    };
    match whole {
        Some(_) if plain.len() + 1 == text.len() => Err(format!("numbers have no `u` here: write `{plain}`")),
        #[expect(clippy::cast_precision_loss, reason = "within 2^53")]
        Some(Ok(value)) if value <= MAX_WHOLE && plain == text => Ok(value as f64),
        Some(_) if plain == text => {
            Err("the number is beyond 2^53, where whole numbers are not exact any more".to_owned())
        }
        // The scanner ends a number before anything that Rust reads and CEL does not.
        _ => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            Ok(_) => Err("the number is too large".to_owned()),
            Err(_) => Err(format!("`{text}` is no number")),
        },
    }
}

/// Returns the text between these quotes, its escapes replaced, or what is wrong with it.
pub(super) fn text(literal: &str) -> Result<String, String> {
    let inner = &literal[1..literal.len() - 1];
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(next) = rest.next() {
        if next != '\\' {
            text.push(next);
            continue;
        }
        let before = rest.as_str();
        let sign = rest.next().unwrap_or_default();
        let mut code = |start: u32, digits: usize, radix: u32| {
            let more = rest.as_str().get(..digits)?;
            rest = rest.as_str()[digits..].chars();
            more.chars().try_fold(start, |code, digit| {
                code.checked_mul(radix)?.checked_add(digit.to_digit(radix)?)
            })
        };
        let value = match sign {
            'a' => Some(0x07),
            'b' => Some(0x08),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            '\\' | '?' | '"' | '\'' | '`' => Some(u32::from(sign)),
            'x' | 'X' => code(0, 2, 16),
            'u' => code(0, 4, 16),
            'U' => code(0, 8, 16),
            '0'..='3' => code(u32::from(sign) - u32::from('0'), 2, 8),
            _ => None,
        };
        let Some(value) = value.and_then(char::from_u32) else {
            let shown: String = before.chars().take(1).collect();
            return Err(format!("`\\{}` is no escape here", shown.escape_default()));
        };
        text.push(value);
    }
    Ok(text)
}
