//! Logins in records from before MR112: no command shows them, apart from the
//! answers that a program fetches from. Logins in texts that are written by hand.

use serde_json::json;

use crate::support::Lab;
use crate::support::shop::Shop;

const SECRET: &str = "hunter2";

/// A server that answers nothing, behind a login.
const ADDRESS: &str = "https://user:hunter2@127.0.0.1:9/model.bin";

#[test]
fn a_login_in_an_older_record_is_shown_by_no_command() {
    let shop = Shop::open();
    let version = shop.older_file(ADDRESS, b"weights");
    let lab = &shop.lab;
    let card = ["card", "set", &version, "--set", "intendedUses=payments"];
    let _ = lab.ok("admin-1", &card);
    let _ = lab.ok("admin-1", &["approve", &version, "-m", "fine"]);
    let root = lab.root();
    let range = format!("{root}..HEAD");
    let v = version.as_str();
    let lines: [&[&str]; 32] = [
        &["show", v],
        &["show", v, "-o", "json"],
        &["resolve", v],
        &["list"],
        &["list", "-o", "json"],
        &["list", "churn"],
        &["list", "churn", "-o", "json"],
        &["export", "sagemaker", v],
        &["export", "sagemaker", v, "--to", "../sagemaker"],
        &["export", "mlbom", v],
        &["export", "mlbom", v, "--to", "../bom.json"],
        &["export", "mlflow", v],
        &["export", "mlflow", v, "-o", "json"],
        &["events", &range],
        &["events", &range, "-o", "json"],
        &["log"],
        &["log", "-o", "json"],
        &["log", v],
        &["diff", &range],
        &["diff", &range, "-o", "json"],
        &["diff", &range, "-o", "markdown"],
        &["audit", "--trust-root"],
        &["audit", "--trust-root", "-o", "json"],
        &["audit", "--trust-root", "-o", "markdown"],
        &["audit", "--trust-root", "-o", "html"],
        &["validate", &range],
        &["validate", &range, "-o", "json"],
        &["validate", &range, "-o", "sarif"],
        &["validate", &range, "-o", "github"],
        &["validate", &range, "-o", "markdown"],
        &["pull", v, "../here"],
        &["pull", v, "../here", "-o", "json"],
    ];
    for line in lines {
        let said = lab.says("admin-1", line);
        let words = format!("{}{}", said.out, said.err);
        assert!(!words.contains(SECRET), "{line:?}: {words}");
        assert!(!words.contains("unexpected argument"), "{line:?}: {words}");
        assert!(!words.contains("invalid value"), "{line:?}: {words}");
    }
    for line in [
        &["validate", &range, "--report", "json=../r.json"][..],
        &["validate", &range, "--report", "gitlab=../r.gitlab"],
        &["validate", "--onto", root.as_str(), "--summary", "../r.md"],
        &["card", "render", v, "-o", "html", "--to", "../r.html"],
        &[
            "audit",
            "--trust-root",
            "--checkpoint",
            "../r.checkpoint",
            "--new-checkpoint",
        ],
        &[
            "notify",
            "--exec",
            "sh",
            "--cursor",
            "../r.cursor",
            "--from-start",
            "--trust-root",
            "--",
            "-c",
            "cat >>../r.events",
        ],
    ] {
        let said = lab.says("admin-1", line);
        assert!(said.code < 2, "{line:?}: {said:?}");
        let words = format!("{}{}", said.out, said.err);
        assert!(!words.contains(SECRET), "{line:?}: {words}");
    }
    for file in ["json", "gitlab", "md", "html", "checkpoint", "events", "cursor"] {
        let text = lab.read(&format!("../r.{file}"));
        assert!(!text.contains(SECRET), "{file}: {text}");
    }
    assert!(lab.read("../r.events").contains("127.0.0.1:9/model.bin"));
    let failed = lab.says("admin-1", &["pull", v, "../here"]);
    assert!(
        failed.code == 2 && failed.err.contains("127.0.0.1:9/model.bin"),
        "{failed:?}"
    );
    let bill = lab.read("../bom.json");
    assert!(!bill.contains(SECRET) && bill.contains("127.0.0.1:9"), "{bill}");
    let package = lab.read("../sagemaker/create-model-package.json");
    assert!(!package.contains(SECRET), "{package}");
    // The deploy script fetches from it.
    for form in ["uri", "env", "json"] {
        let out = lab.ok("admin-1", &["resolve", v, "--trust-root", "-o", form]);
        assert!(out.contains(ADDRESS), "{form}: {out}");
    }
}

#[test]
fn pull_shows_no_login_of_an_address_that_it_can_not_fetch() {
    let shop = Shop::open();
    for address in [
        "ftp://user:hunter2@files.example.com/m.bin",
        "s3://key:hunter2@bucket",
        "https://user:hunter2@127.0.0.1:9/",
        "https://127.0.0.1:9/m.bin?X-Amz-Signature=hunter2",
        "user:hunter2@files.example.com/m.bin",
    ] {
        let version = shop.older_file(address, b"weights");
        let said = shop.pull(&version, &[]);
        assert_eq!(said.code, 2, "{address}: {said:?}");
        assert!(!format!("{said:?}").contains(SECRET), "{address}: {said:?}");
    }
}

/// A text in a file by hand gets the verdict that a command gives it; a text that
/// was there before is not judged again.
#[test]
fn a_login_in_a_text_by_hand_is_a_finding_where_it_is_new() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let path = "groups/churn/group.yaml";
    let group = lab.read(path).replace("description: who may leave us\n", "");
    let bad = "see https://user:hunter2@git.example.com/x.git";
    let texts = [
        format!("description: {bad}\n"),
        format!("annotations:\n  from: {bad}\n"),
    ];
    for text in &texts {
        lab.write(path, &format!("{group}{text}"));
        let said = lab.says("admin-1", &["validate"]);
        assert!(said.code == 1 && said.out.contains("MR112"), "{text}: {said:?}");
        assert!(
            said.out.contains("https://git.example.com/x.git"),
            "a remedy: {said:?}"
        );
        assert!(!format!("{said:?}").contains(SECRET), "{said:?}");
    }
    let card = "groups/churn/versions/1/card.yaml";
    lab.write(path, &group);
    lab.write(
        card,
        &format!("apiVersion: modelry/v1\nkind: ModelCard\ngroup: churn\nversion: 1\nrevision: 1\nby: trainer\nauthors: [trainer]\nlimitations: {bad}\n"),
    );
    let said = lab.says("admin-1", &["validate", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("a report");
    let findings = report["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["code"] == "MR112");
    assert_eq!(
        found.map(|finding| &finding["path"]),
        Some(&json!(card)),
        "{report}"
    );
    lab.git(&["clean", "-qfd"]);

    // Once it is there, another change of the record is not refused for it.
    lab.write(path, &format!("{group}{}", texts[0]));
    lab.commit("admin-1", "a description with a login");
    lab.write(path, &format!("{group}{}labels:\n  team: risk\n", texts[0]));
    let said = lab.says("admin-1", &["validate"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!said.out.contains("[MR112"), "{said:?}");
}
