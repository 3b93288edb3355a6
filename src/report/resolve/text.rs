//! A resolved version for shells and CI systems.

/// Writes `NAME='value'` lines that every POSIX shell reads back exactly.
///
/// Source: POSIX.1-2017, Shell Command Language, 2.2.2: between single quotes, only a
/// single quote is special.
pub fn env(pairs: &[(&str, String)]) -> String {
    let line = |(name, value): &(&str, String)| {
        let name = name.to_uppercase().replace('-', "_");
        format!("MODELRY_{name}='{}'\n", value.replace('\'', r"'\''"))
    };
    pairs.iter().map(line).collect()
}

/// Writes lines that make a POSIX shell unset these variables and fail.
pub fn env_unset(names: &[&str]) -> String {
    let line = |name: &&str| format!("unset MODELRY_{}\n", name.to_uppercase().replace('-', "_"));
    names.iter().map(line).chain(["false\n".to_owned()]).collect()
}

/// Writes `name=value` lines for `$GITHUB_OUTPUT`. A value with line breaks is enclosed
/// in delimiters that it does not contain.
///
/// Source: GitHub Actions, "Workflow commands: multiline strings".
pub fn github(pairs: &[(&str, String)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !value.contains(['\n', '\r']) {
            out.push_str(&format!("{name}={value}\n"));
            continue;
        }
        let mut mark = "MODELRY_END".to_owned();
        while value.contains(&mark) {
            mark.push('_');
        }
        out.push_str(&format!("{name}<<{mark}\n{value}\n{mark}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_value() {
        let evil = "a'; rm -rf \"$HOME\" `id` $(id)\nb\\";
        assert_eq!(
            env(&[("artifact", evil.into())]),
            "MODELRY_ARTIFACT='a'\\''; rm -rf \"$HOME\" `id` $(id)\nb\\'\n"
        );
        let text = github(&[
            ("a", "x\nMODELRY_END\nstatus=Approved".into()),
            ("b", "y=z".into()),
        ]);
        assert_eq!(
            text,
            "a<<MODELRY_END_\nx\nMODELRY_END\nstatus=Approved\nMODELRY_END_\nb=y=z\n"
        );
    }
}
