//! The right to import a version with its status, and the note in every report.

use serde_json::{Value, json};

use super::{described, file, lab, let_import, parsed};
use crate::support::Lab;

const WORDS: &str = "imported as Approved by admin-1, from sagemaker:eu-central-1:123456789012; decided there by arn:aws:sts::123456789012:assumed-role/risk/alice (last to change it), 2026-03-01T10:00:00.5Z";

#[test]
fn without_the_right_a_version_arrives_pending_and_tells_what_it_was() {
    let lab = lab();
    let given = file(&lab, "one.json", &[described("churn", 7, "Approved")]);
    let said = parsed(&lab.ok("admin-1", &["import", "sagemaker", &given, "-o", "json"]));
    let version = &said["plan"]["groups"][0]["versions"][0];
    assert_eq!(version["version"], "churn/7");
    assert_eq!(version["statusThere"], "Approved");
    assert_eq!(
        (&version["arrival"], &version["status"]),
        (&json!("new"), &json!("Pending"))
    );
    assert_eq!(
        version["why"],
        "`admin-1` is not among the policy's `imports` for `churn`"
    );
    let shown = parsed(&lab.ok("admin-1", &["show", "churn/7", "-o", "json"]));
    let record = &shown["record"];
    assert_eq!(record["status"], "Pending");
    assert_eq!(record.get("imported"), None);
    let annotations = &record["annotations"];
    assert_eq!(annotations["imported/status"], "Approved");
    assert_eq!(
        annotations["imported/from"],
        "sagemaker:eu-central-1:123456789012"
    );
    assert_eq!(
        annotations["imported/by"],
        "arn:aws:sts::123456789012:assumed-role/risk/alice (last to change it)"
    );
    assert_eq!(annotations["imported/at"], "2026-03-01T10:00:00.5Z");
    assert_eq!(annotations["sagemaker/CreationTime"], "2026-03-01T10:00:00.123Z");
    lab.check();
    // It is approved like any other, by somebody else.
    let own = lab.says("admin-1", &["approve", "churn/7", "--yes", "-m", "mine"]);
    assert!(own.code == 1 && own.err.contains("four eyes"), "{own:?}");
    let _ = lab.ok("risk-1", &["approve", "churn/7", "--yes", "-m", "looked at"]);
    let _ = lab.ok("admin-1", &["resolve", "churn@latest", "--trust-root"]);
}

#[test]
fn with_the_right_it_arrives_as_it_was_and_every_report_says_so() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let given = file(
        &lab,
        "all.json",
        &[
            described("churn", 2, "Approved"),
            described("churn", 5, "Rejected"),
            described("churn", 6, "PendingManualApproval"),
        ],
    );
    let said = lab.ok("admin-1", &["import", "sagemaker", &given]);
    assert!(
        said.contains("Import 3 versions of churn from sagemaker:eu-central-1:123456789012"),
        "{said}"
    );
    assert!(
        said.contains("version churn/2 imported as Approved by admin-1"),
        "{said}"
    );
    lab.check();
    let shown = lab.ok("admin-1", &["show", "churn/2"]);
    let words = WORDS.strip_prefix("imported ").expect("a word");
    assert!(shown.contains(words), "{shown}");
    let value = parsed(&lab.ok("admin-1", &["show", "churn/2", "-o", "json"]));
    assert_eq!(value["imported"], WORDS);
    assert_eq!(value["record"]["imported"]["status"], "Approved");
    assert_eq!(value["record"]["annotations"].get("imported/status"), None);
    let list = lab.ok("admin-1", &["list", "churn"]);
    assert!(list.contains("admin-1 (imported as Approved)"), "{list}");
    assert!(list.contains("admin-1 (imported as Rejected)"), "{list}");
    let log = lab.ok("admin-1", &["log", "churn"]);
    assert!(
        log.contains("version churn/2 imported as Approved by admin-1"),
        "{log}"
    );
    let resolved = parsed(&lab.ok(
        "admin-1",
        &["resolve", "churn@latest", "--trust-root", "-o", "json"],
    ));
    assert_eq!(resolved["version"], "churn/2");
    assert_eq!(resolved["imported"]["words"], WORDS);
    let human = lab.ok("admin-1", &["resolve", "churn/2", "--trust-root"]);
    assert!(human.contains(words), "{human}");
    let audit = lab.ok("admin-1", &["audit", "--trust-root"]);
    assert!(audit.contains(WORDS), "{audit}");
    let audit = parsed(&lab.ok("admin-1", &["audit", "--trust-root", "-o", "json"]));
    let live = &audit["live"][0];
    assert_eq!(
        (&live["version"], &live["status"]),
        (&json!("churn/2"), &json!("Approved"))
    );
    assert_eq!(live["imported"]["by"], "admin-1");
    assert_eq!(live["imported"]["granted"], true);
    assert_eq!(live.get("approval"), None);
    let page = lab.ok("admin-1", &["audit", "--trust-root", "-o", "html"]);
    assert!(page.contains("imported as Approved by admin-1"), "{page}");
    assert!(!page.contains("not authorised"));
    let diff = lab.ok("admin-1", &["diff", "HEAD~1..HEAD", "-o", "markdown"]);
    assert!(
        diff.contains("Imported as Approved, without reviews here,"),
        "{diff}"
    );
    let range = lab.says("admin-1", &["validate", "HEAD~1..HEAD"]);
    assert_eq!(range.code, 0, "{range:?}");
    let _ = lab.ok("admin-1", &["promote", "churn/2", "production", "--yes"]);
    exports_say_so(&lab);
    // A later annotation changes nothing of it, and the member can't be changed.
    let _ = lab.ok(
        "trainer",
        &["annotate", "churn/5", "--annotation", "imported/status=Approved"],
    );
    let path = "groups/churn/versions/5/version.yaml";
    let text = lab.read(path).replace("status: Rejected", "status: Approved");
    lab.write(path, &text);
    lab.commit("admin-1", "approve it after all");
    let report = lab.findings("admin-1", &["validate", "HEAD~1..HEAD", "-o", "concise"]);
    assert!(report.contains("MR201") && report.contains("MR203"), "{report}");
}

/// Exports say on whose word churn/2 is Approved, and where it serves.
#[track_caller]
fn exports_say_so(lab: &Lab) {
    let bill = parsed(&lab.ok("admin-1", &["export", "mlbom", "churn/2", "--trust-root"]));
    let properties = bill["metadata"]["component"]["properties"]
        .as_array()
        .expect("a list");
    let property = |name: &str| {
        let name = format!("modelry:{name}");
        let found = properties.iter().find(|it| it["name"] == name);
        found.map(|it| it["value"].clone()).unwrap_or_default()
    };
    assert_eq!(property("imported"), WORDS);
    assert_eq!(property("imported.status"), "Approved");
    assert_eq!(property("imported.from"), "sagemaker:eu-central-1:123456789012");
    let out = parsed(&lab.ok(
        "admin-1",
        &["export", "sagemaker", "churn@production", "--trust-root"],
    ));
    let notes = out["notes"].as_array().expect("a list");
    assert!(
        notes.contains(&json!(format!("churn/2 was {WORDS}"))),
        "{notes:?}"
    );
    assert_eq!(
        out["createModelPackage"]["ModelLifeCycle"],
        json!({"Stage": "production", "StageStatus": "Approved"})
    );
    assert_eq!(
        out["updateModelPackage"],
        json!({"ModelApprovalStatus": "Approved", "ApprovalDescription": WORDS})
    );
    let folder = lab.home().join("out-update");
    let written = ["export", "sagemaker", "churn/2", "--trust-root", "--to"];
    let said = lab.ok("admin-1", &[&written[..], &[&folder.to_string_lossy()]].concat());
    assert!(
        said.contains("update-model-package --model-package-arn \"$ARN\" --cli-input-json file://"),
        "{said}"
    );
    assert!(folder.join("update-model-package.json").exists());
}

#[test]
fn what_changed_there_since_is_told_and_not_taken() {
    let lab = lab();
    let mut package = described("churn", 2, "PendingManualApproval");
    package["CustomerMetadataProperties"] = json!({"tier": "silver"});
    let given = file(&lab, "a.json", std::slice::from_ref(&package));
    let _ = lab.ok("admin-1", &["import", "sagemaker", &given]);
    // `churn` existed before, so a missing description is not new.
    let same = lab.says("admin-1", &["import", "sagemaker", &given]);
    assert!(
        same.out
            .starts_with("nothing was written: all of it is here already\n"),
        "{same:?}"
    );
    assert!(
        !same.out.contains("kept as annotations") && !same.out.contains("differs"),
        "{same:?}"
    );
    package["ModelApprovalStatus"] = json!("Approved");
    package["ModelPackageDescription"] = json!("the second one");
    package["CustomerMetadataProperties"] = json!({"tier": "gold"});
    let given = file(&lab, "b.json", &[package]);
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let again = lab.says("admin-1", &["import", "sagemaker", &given]);
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), tip);
    for told in [
        "churn/2 its status there is `Approved` (`PendingManualApproval` when it was brought along), and is not taken: it is Pending here; `modelry approve churn/2 -m REASON` says the same",
        "churn/2 differs there, and is not taken: description, labels.tier; `modelry annotate churn/2 --description TEXT --label KEY=VALUE` takes it",
    ] {
        assert!(again.out.contains(told), "{again:?}");
    }
    assert!(
        again
            .out
            .contains("what differs there is told below, and is not taken"),
        "{again:?}"
    );
    let value = parsed(&lab.ok("admin-1", &["import", "sagemaker", &given, "-o", "json"]));
    assert_eq!(
        value["plan"]["groups"][0]["versions"][0]["differs"],
        json!(["status", "description", "labels.tier"])
    );
    // Once it is the same here, there is nothing to report.
    let _ = lab.ok("risk-1", &["approve", "churn/2", "--yes", "-m", "as there"]);
    let take = [
        "annotate",
        "churn/2",
        "--description",
        "the second one",
        "--label",
        "tier=gold",
    ];
    let _ = lab.ok("trainer", &take);
    let same = lab.says("admin-1", &["import", "sagemaker", &given]);
    assert!(
        same.out
            .starts_with("nothing was written: all of it is here already\n"),
        "{same:?}"
    );
}

#[test]
fn a_second_run_has_nothing_to_do_and_a_taken_number_is_refused() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let first = described("churn", 2, "Approved");
    let given = file(&lab, "a.json", std::slice::from_ref(&first));
    let _ = lab.ok("admin-1", &["import", "sagemaker", &given]);
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let again = parsed(&lab.ok("admin-1", &["import", "sagemaker", &given, "-o", "json"]));
    assert_eq!(again["changes"], json!([]));
    assert_eq!(again["plan"]["groups"][0]["versions"][0]["arrival"], "there");
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), tip);
    // A new one beside it comes along.
    let given = file(&lab, "b.json", &[first, described("churn", 9, "Approved")]);
    let more = parsed(&lab.ok("admin-1", &["import", "sagemaker", &given, "-o", "json"]));
    let versions = &more["plan"]["groups"][0]["versions"];
    assert_eq!(
        (&versions[0]["arrival"], &versions[1]["arrival"]),
        (&json!("there"), &json!("new"))
    );
    // The same number with other content.
    let mut other = described("churn", 2, "Approved");
    other["Task"] = json!("REGRESSION");
    let given = file(&lab, "c.json", &[other]);
    let error = lab.error("admin-1", &["import", "sagemaker", &given]);
    assert!(
        error.contains("churn/2 of sagemaker:eu-central-1:")
            && error.contains("and churn/2 here, registered by `admin-1`"),
        "{error}"
    );
    let elsewhere = lab.ok("admin-1", &["import", "sagemaker", &given, "--as", "attrition"]);
    assert!(elsewhere.contains("attrition/2"), "{elsewhere}");
    // Numbers have a highest, here as everywhere.
    let given = file(&lab, "d.json", &[described("churn", 200_000, "Approved")]);
    let error = lab.error("admin-1", &["import", "sagemaker", &given]);
    assert!(error.contains("more than 100000 above 9"), "{error}");
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let lab = lab();
    let given = file(&lab, "a.json", &[described("churn", 2, "Approved")]);
    let before = lab.git(&["rev-parse", "HEAD"]);
    let shown = lab.ok("admin-1", &["import", "sagemaker", &given, "--dry-run"]);
    assert!(shown.contains("nothing was written"), "{shown}");
    assert!(shown.contains("churn (there already)"), "{shown}");
    let row = shown
        .lines()
        .find(|line| line.contains("is not among"))
        .expect("a row");
    assert!(
        row.contains("churn/2") && row.contains("Approved") && row.contains("Pending"),
        "{row}"
    );
    let value = parsed(&lab.ok(
        "admin-1",
        &["import", "sagemaker", &given, "--dry-run", "-o", "json"],
    ));
    assert_eq!(value["dryRun"], true);
    assert_eq!(value["plan"]["from"], "sagemaker:eu-central-1:123456789012");
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), before);
    assert_eq!(lab.git(&["status", "--porcelain"]), "");
}

#[test]
fn an_unknown_digest_stays_unknown_and_is_never_approved() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let mut package = described("churn", 1, "Approved");
    package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] =
        json!("s3://models/churn/model.tar.gz");
    let given = file(&lab, "a.json", &[package]);
    let said = parsed(&lab.ok("admin-1", &["import", "sagemaker", &given, "-o", "json"]));
    let version = &said["plan"]["groups"][0]["versions"][0];
    assert_eq!(
        (&version["status"], &version["why"]),
        (&json!("Pending"), &json!("it lacks a digest"))
    );
    assert_eq!(
        version["notes"],
        json!([
            "kept as annotations `sagemaker/…`: CreationTime, LastModifiedBy, LastModifiedTime, ModelPackageArn, ModelPackageStatus",
            "the digest of inference.containers.0.artifact is unknown, so it can't be approved"
        ])
    );
    let shown = parsed(&lab.ok("admin-1", &["show", "churn/1", "-o", "json"]));
    assert_eq!(shown["record"]["annotations"]["imported/status"], "Approved");
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(
        shown.contains("turn: the author's: it can't be approved as it is; register it again with digests"),
        "{shown}"
    );
    let said = lab.says("risk-1", &["approve", "churn/1", "--dry-run", "-m", "fine"]);
    assert!(
        said.err
            .contains("it lacks a digest of inference.containers.0.artifact"),
        "{said:?}"
    );
    let said = lab.says("risk-1", &["approve", "churn/1", "--yes", "-m", "fine"]);
    assert!(
        said.err
            .contains("it lacks a digest of inference.containers.0.artifact"),
        "{said:?}"
    );
    // A record written by hand does not get around it either.
    let path = "groups/churn/versions/1/version.yaml";
    let text = lab.read(path);
    let at = text.find("spec:").expect("a spec");
    let signature = text.find("signature:").expect("a signature");
    let forged = format!(
        "{}imported:\n  from: elsewhere\n  status: Approved\n{}",
        &text[..at],
        &text[at..signature]
    );
    let forged = forged
        .replace("status: Pending", "status: Approved")
        .replace("version: 1\n", "version: 2\n");
    lab.write("groups/churn/versions/2/version.yaml", &forged);
    lab.commit("admin-1", "by hand");
    let report = lab.findings("admin-1", &["validate", "HEAD~1..HEAD", "-o", "concise"]);
    assert!(report.contains("MR209"), "{report}");
}

#[test]
fn who_is_not_listed_forges_no_import() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let given = file(&lab, "a.json", &[described("churn", 1, "Approved")]);
    let _ = lab.ok("admin-1", &["import", "sagemaker", &given]);
    let text = lab.read("groups/churn/versions/1/version.yaml");
    let signature = text.find("signature:").expect("a signature");
    // The pipeline says that it imported one of its own.
    let forged = text[..signature]
        .replace("by: admin-1", "by: trainer")
        .replace("version: 1\n", "version: 2\n");
    lab.write("groups/churn/versions/2/version.yaml", &forged);
    lab.commit("trainer", "from elsewhere");
    let report = lab.findings("trainer", &["validate", "HEAD~1..HEAD"]);
    assert!(
        report.contains("MR215") && report.contains("`trainer` may not import churn/2 as Approved"),
        "{report}"
    );
    let nothing = lab.says("admin-1", &["resolve", "churn/2", "--trust-root"]);
    assert_eq!(nothing.code, 1, "{nothing:?}");
    // Accepted later, it still says that nobody had the right.
    let commit = lab.git(&["rev-parse", "HEAD"]);
    lab.change_policy(
        "\nactors:",
        &format!("\nacknowledged:\n  - {{commit: {commit}, codes: [MR215], reason: looked at}}\nactors:"),
    );
    let audit: Value = parsed(&lab.ok("admin-1", &["audit", "--trust-root", "-o", "json"]));
    let granted: Vec<&Value> = audit["live"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|live| &live["imported"]["granted"])
        .collect();
    assert_eq!(granted, [&json!(true), &json!(false)]);
    let audit = lab.ok("admin-1", &["audit", "--trust-root"]);
    assert!(
        audit.contains("not authorised: imported as Approved by trainer"),
        "{audit}"
    );
}

#[test]
fn an_import_lands_as_a_squash_that_nobody_signed() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let mut package = described("churn", 1, "Approved");
    for key in [
        "CreationTime",
        "ModelPackageStatus",
        "LastModifiedTime",
        "LastModifiedBy",
    ] {
        // Annotations belong to the commit, and so would stand in the way.
        package.as_object_mut().expect("a mapping").remove(key);
    }
    package["ModelPackageArn"] = json!("");
    let given = file(&lab, "a.json", &[package]);
    let _ = lab.ok("admin-1", &["import", "sagemaker", &given, "--branch", "bring"]);
    let judged = lab.says(
        "risk-1",
        &["validate", "--onto", "main", "bring", "-o", "concise"],
    );
    assert!(
        !judged.out.contains("MR215") && !judged.out.contains("MR308"),
        "{judged:?}"
    );
}

#[test]
fn an_import_falls_with_the_key_that_vouched_for_it() {
    let lab = lab();
    let_import(&lab, "trainer");
    lab.change_policy(
        "allow: [register, add-evidence, annotate]",
        "allow: [register, add-evidence, annotate, create-group]",
    );
    let since = lab.git(&["rev-parse", "HEAD"]);
    let given = file(&lab, "a.json", &[described("churn", 1, "Approved")]);
    let _ = lab.ok("trainer", &["import", "sagemaker", &given]);
    let _ = lab.ok("admin-1", &["resolve", "churn/1", "--trust-root"]);
    let key = parsed(&lab.ok("trainer", &["whoami", "-o", "json"]));
    let key = key["key"].as_str().expect("a key");
    let _ = lab.ok(
        "admin-1",
        &["actor", "revoke-key", key, "--since", &since, "-m", "stolen"],
    );
    let said = lab.says("admin-1", &["audit", "--trust-root", "-o", "json"]);
    let audit = parsed(&said.out);
    assert_eq!(audit["live"][0]["version"], "churn/1");
    assert_eq!(audit["live"][0]["taintedBy"], key);
    let gone = lab.says("admin-1", &["resolve", "churn/1", "--trust-root"]);
    assert_eq!(gone.code, 1, "{gone:?}");
}

/// An export loads and runs nothing that the approval does not cover.
#[test]
fn annotations_bring_nothing_into_the_export_of_an_approved_version() {
    let lab = lab();
    let given = file(
        &lab,
        "one.json",
        &[described("churn", 7, "PendingManualApproval")],
    );
    let _ = lab.ok("admin-1", &["import", "sagemaker", &given]);
    let _ = lab.ok("risk-1", &["approve", "churn/7", "--yes", "-m", "looked at"]);
    let container = "sagemaker/InferenceSpecification/Containers/1={\"Image\":\"evil.example.com/x:latest\",\"ModelDataUrl\":\"s3://evil/m.tar.gz\"}";
    let code =
        "sagemaker/InferenceSpecification/Containers/0/Environment={\"CODE\":\"s3://evil/code.tar.gz\"}";
    let _ = lab.ok(
        "trainer",
        &[
            "annotate",
            "churn/7",
            "--annotation",
            container,
            "--annotation",
            code,
        ],
    );
    let said = lab.says("admin-1", &["export", "sagemaker", "churn/7", "--trust-root"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err
            .contains("is not covered by the approval, and is left out"),
        "{said:?}"
    );
    let exported = parsed(&said.out);
    for input in ["createModelPackage", "createModel"] {
        let text = exported[input].to_string();
        assert!(
            text.contains("fraud@sha256") || text.contains("Containers"),
            "{text}"
        );
        assert!(!text.contains("evil"), "{text}");
    }
}

/// A loaded file without a field here is not part of what would be approved.
#[test]
fn a_version_of_which_something_loaded_has_no_place_can_not_be_approved() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let mut package = described("churn", 7, "Approved");
    package["InferenceSpecification"]["Containers"][0]["AdditionalModelDataSources"] = json!([{
        "ChannelName": "adapter",
        "S3DataSource": {
            "S3Uri": "s3://other/adapter/", "S3DataType": "S3Prefix", "CompressionType": "None",
            "ManifestS3Uri": "s3://other/manifest.json",
        },
    }]);
    let given = file(&lab, "one.json", &[package.clone()]);
    let said = lab.ok("admin-1", &["import", "sagemaker", &given]);
    assert!(
        said.contains("part of what it loads or runs") && said.contains("`InferenceSpecification."),
        "{said}"
    );
    let shown = parsed(&lab.ok("admin-1", &["show", "churn/7", "-o", "json"]));
    assert_eq!(shown["record"]["status"], "Pending");
    let said = lab.says("risk-1", &["approve", "churn/7", "--yes", "-m", "looked at"]);
    assert!(said.code == 1 || said.err.contains("still Pending"), "{said:?}");
    let said = lab.says("risk-1", &["resolve", "churn@latest", "--trust-root"]);
    assert_eq!(said.code, 3, "{said:?}");
    // It goes back as it was.
    let exported = parsed(&lab.ok("admin-1", &["export", "sagemaker", "churn/7", "--trust-root"]));
    assert_eq!(
        exported["createModelPackage"]["InferenceSpecification"],
        package["InferenceSpecification"]
    );
}

/// A record that could not be read for a while is not a new one.
#[test]
fn a_decision_is_not_undone_by_an_import_of_what_was_broken() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let given = file(&lab, "one.json", &[described("churn", 7, "Approved")]);
    let _ = lab.ok("admin-1", &["import", "sagemaker", &given]);
    let path = "groups/churn/versions/7/version.yaml";
    let imported = lab.read(path);
    let _ = lab.ok("risk-1", &["archive", "churn/7", "-m", "old", "--yes"]);
    let archived = lab.read(path);
    let broken = archived.replace("kind: ModelVersion", "kind: ModelVersion: x");
    lab.write(path, &broken);
    lab.commit("admin-1", "a typo");
    // Restored as it was before, it is not a second import.
    lab.write(path, &archived);
    lab.commit("admin-1", "mended");
    let said = lab.ok("risk-1", &["validate", "HEAD~1..HEAD", "-o", "concise"]);
    assert!(!said.contains("MR308"), "{said}");
    lab.write(path, &broken);
    lab.commit("admin-1", "a typo again");
    lab.write(path, &imported);
    lab.commit("admin-1", "approved by the import, once more");
    let said = lab.findings("risk-1", &["validate", "HEAD~1..HEAD", "-o", "concise"]);
    assert!(said.contains("MR203"), "{said}");
}
