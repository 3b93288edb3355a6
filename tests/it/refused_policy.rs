//! A thief with an administrator's key makes the mainline's policy illegal, on a host
//! without a guard: the revocation lands all the same, on the policy in force.

use crate::emergency::fingerprint;
use crate::support::Lab;

/// A registry with a second administrator, whose key is stolen, and the commit before.
fn two_administrators(more: &str) -> (Lab, String) {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let key = lab.public_key("admin-2");
    let _ = lab.ok("admin-1", &["actor", "add", "admin-2", "--key", &key]);
    let _ = lab.ok("admin-1", &["grant", "add", "admin-2", "--allow", "administer"]);
    if !more.is_empty() {
        lab.change_policy("actors:\n", &format!("{more}\nactors:\n"));
    }
    let before = lab.git(&["rev-parse", "HEAD"]);
    (lab, before)
}

/// Accepts what is open, as `audit` says, until it is clean.
#[track_caller]
fn accept_all(lab: &Lab) {
    for _ in 0..4 {
        let said = lab.says("admin-1", &["audit"]);
        if said.code == 0 {
            return;
        }
        let entry = said.out.lines().find(|line| line.starts_with("    - {commit: "));
        let entry = entry
            .unwrap_or_else(|| panic!("{said:?}"))
            .replace('…', "looked at");
        match lab.read("registry.yaml").contains("acknowledged:\n") {
            true => lab.change_policy("acknowledged:\n", &format!("acknowledged:\n{entry}\n")),
            false => lab.change_policy("actors:\n", &format!("acknowledged:\n{entry}\nactors:\n")),
        }
    }
    panic!("{:?}", lab.says("admin-1", &["audit"]));
}

fn raised(lab: &Lab, from: &str, to: &str) -> String {
    lab.policy_with(from, to)
}

#[test]
fn a_revocation_lands_on_the_policy_in_force() {
    type Theft = fn(&Lab) -> Option<String>;
    let thefts: [(&str, Theft); 6] = [
        ("MR408", |lab| {
            Some(raised(lab, "actors:\n", "policyChange: {required: 5}\nactors:\n"))
        }),
        ("MR014", |lab| {
            Some(raised(lab, "actors:\n", "foo: bar\nactors:\n"))
        }),
        ("MR401", |lab| {
            Some(lab.read("registry.yaml").replace("required: 1", "required: 3"))
        }),
        ("MR401", |lab| {
            let text = lab.read("registry.yaml");
            let serial = text
                .lines()
                .find(|line| line.starts_with("serial: "))
                .expect("a serial");
            Some(text.replace(serial, "serial: 9000000000"))
        }),
        ("MR009", |_| Some(": : :\n".to_owned())),
        ("MR404", |_| None),
    ];
    for (code, theft) in thefts {
        let (lab, before) = two_administrators("");
        match theft(&lab) {
            Some(text) => lab.write("registry.yaml", &text),
            None => std::fs::remove_file(lab.top.join("registry.yaml")).expect("the policy"),
        }
        lab.commit("admin-2", "stolen");
        let said = lab.findings("admin-1", &["validate", "HEAD~1..HEAD"]);
        assert!(said.contains(code), "{said}");
        let key = fingerprint(&lab, "admin-2");
        let revoke = [
            "actor",
            "revoke-key",
            &key,
            "-m",
            "stolen",
            "--yes",
            "--since",
            &before,
        ];
        let said = lab.says("admin-1", &revoke);
        assert!(
            said.code == 0 && said.err.contains("`registry.yaml` is not the policy in force"),
            "{code}: {said:?}"
        );
        // Once is enough, and what was refused is gone with it.
        let said = lab.says("admin-1", &revoke);
        assert!(said.out.contains("is revoked already"), "{code}: {said:?}");
        let text = lab.read("registry.yaml");
        assert!(
            !text.contains("foo: bar") && !text.contains("required: 5") && text.contains(&key),
            "{text}"
        );
        accept_all(&lab);
        let said = lab.says("admin-1", &["resolve", "churn/1"]);
        assert_eq!(said.code, 3, "{code}: {said:?}");
        let _ = lab.ok(
            "admin-1",
            &["actor", "add", "new-1", "--key", &lab.public_key("new-1")],
        );
        let _ = lab.ok("admin-1", &["audit"]);
    }
}

/// A thief with one key changes nothing where two administrators are needed.
#[test]
fn one_of_two_keys_brings_no_policy_into_force() {
    let (lab, _) = two_administrators("");
    lab.change_policy("actors:\n", "policyChange: {required: 2}\nactors:\n");
    let text = raised(&lab, "required: 2", "required: 1");
    lab.write("registry.yaml", &text);
    lab.commit("admin-2", "stolen");
    let key = fingerprint(&lab, "admin-2");
    let _ = lab.ok(
        "admin-1",
        &["actor", "retire", "admin-2", "-m", "stolen", "--yes"],
    );
    let _ = lab.ok("admin-1", &["actor", "revoke-key", &key, "-m", "stolen", "--yes"]);
    let text = lab.read("registry.yaml");
    assert!(text.contains("policyChange: {required: 2}"), "{text}");
    let audit = lab.findings("admin-1", &["audit"]);
    assert!(
        audit.contains("MR403") && audit.contains("1 open finding"),
        "{audit}"
    );
}
