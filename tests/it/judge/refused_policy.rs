//! A thief with an administrator's key makes the mainline's policy illegal, on a host
//! without a guard: the revocation lands all the same, on the policy in force.

use crate::policy::emergency::fingerprint;
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

/// Refused texts of the policy, by a fault that each has.
fn refusals(lab: &Lab) -> [(&'static str, Option<String>); 5] {
    let text = lab.read("registry.yaml");
    [
        ("MR401", Some(text.replace("required: 1", "required: 3"))),
        ("MR403", Some(lab.policy_with("required: 1", "required: 3"))),
        ("MR014", Some(lab.policy_with("actors:\n", "foo: bar\nactors:\n"))),
        ("MR009", Some(": : :\n".to_owned())),
        ("MR404", None),
    ]
}

/// Whether one or two administrators must agree, a revert of a refused text lands in
/// each way, and every command says so.
#[test]
fn a_revert_of_a_refused_policy_lands_in_each_way() {
    let (one, _) = two_administrators("");
    let (two, _) = two_administrators("");
    two.change_policy("actors:\n", "policyChange: {required: 2}\nactors:\n");
    for base in [one, two] {
        for (code, text) in refusals(&base) {
            let lab = base.copy();
            match text {
                Some(text) => lab.write("registry.yaml", &text),
                None => std::fs::remove_file(lab.top.join("registry.yaml")).expect("the policy"),
            }
            let who = if code == "MR403" { "trainer" } else { "admin-2" };
            lab.commit(who, "refused");
            lab.git(&["switch", "-q", "-c", "side"]);
            let revert = ["revert", "-S", "--no-edit", "HEAD"];
            assert!(lab.git_as("admin-1", &revert).status.success());
            let said = lab.says("admin-1", &["validate", "HEAD~1..HEAD"]);
            assert_eq!(said.code, 0, "{code}: {said:?}");
            let ways = ["validate", "--onto", "main", "side", "--landing"];
            for (way, land) in [
                (
                    "merge",
                    &["merge", "-q", "--no-ff", "--no-gpg-sign", "-m", "landed", "side"][..],
                ),
                ("squash", &["merge", "-q", "--squash", "side"]),
                ("rebase", &["cherry-pick", "--no-gpg-sign", "main..side"]),
            ] {
                let words = [&ways[..], &[way]].concat();
                let said = lab.says("admin-1", &words);
                let open = said.out.matches("finding[").count();
                let is_new = said.out.contains("= landed by:");
                assert!(open <= 1 && !is_new, "{code} {way}: {said:?}");
                let lab = lab.copy();
                lab.git(&["switch", "-q", "main"]);
                let before = open_findings(&lab);
                lab.git(land);
                if way == "squash" {
                    lab.git(&["commit", "-q", "--no-gpg-sign", "-m", "landed"]);
                }
                assert_eq!(open_findings(&lab), before, "{code} {way}");
            }
            let said = lab.says("admin-1", &["policy", "show", "side"]);
            assert!(
                said.err.contains("in place of a text that was refused"),
                "{code}: {said:?}"
            );
        }
    }
}

/// The number of open findings of an audit.
fn open_findings(lab: &Lab) -> usize {
    let said = lab.says("admin-1", &["audit", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    report["findings"].as_array().expect("a list").len()
}

/// The refused text grants a right, and names another stage: no answer follows it.
#[test]
fn no_reading_command_takes_a_refused_text_for_the_policy() {
    let (lab, _) = two_administrators("");
    let text = lab.policy_with("required: 1", "required: 4");
    let text = text.replace(
        "grants:\n",
        "grants:\n  - to: [risk-1]\n    allow: [administer]\n",
    );
    lab.write("registry.yaml", &text);
    lab.commit("risk-1", "refused");
    let said = lab.says("risk-1", &["whoami"]);
    assert!(
        !said.out.contains("administer") && said.err.contains("was refused: this is policy"),
        "{said:?}"
    );
    for words in [&["show", "churn/1"][..], &["show", "churn"]] {
        let said = lab.says("admin-1", words);
        assert!(
            !said.out.contains("of 4") && said.err.contains("was refused"),
            "{words:?}: {said:?}"
        );
    }
    // The files on disk, too, are judged by the policy in force.
    lab.git(&["checkout", "-q", "HEAD~1", "--", "registry.yaml"]);
    let said = lab.says("risk-1", &["validate"]);
    assert_eq!(said.code, 0, "{said:?}");
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

/// A clone that verified the history searches no further than that point.
#[test]
fn a_refused_text_is_found_beyond_the_verified_point_and_before_it() {
    let (lab, _) = two_administrators("");
    lab.write("registry.yaml", &lab.policy_with("required: 1", "required: 4"));
    lab.commit("risk-1", "refused");
    let tells = |what: &str| {
        let said = lab.says("admin-1", &["show", "churn/1"]);
        assert!(
            !said.out.contains("of 4") && said.err.contains("was refused"),
            "{what}: {said:?}"
        );
    };
    tells("unverified");
    let _ = lab.says("admin-1", &["audit"]);
    tells("verified");
    for number in 0..3 {
        lab.write("notes.txt", &number.to_string());
        lab.commit("admin-1", "beside");
        tells("beside");
    }
}
