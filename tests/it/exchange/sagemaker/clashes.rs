//! Two things of one input that would get one name here: refused, with a way to
//! name them apart, and neither of them wins.

use serde_json::{Value, json};

use super::{described, file, lab, let_import};
use crate::support::Lab;

/// Returns the document as another account or region would print it.
fn elsewhere(document: &Value, region: &str, account: &str) -> Value {
    let text = document.to_string();
    let text = text.replace(
        "eu-central-1:123456789012:model-package",
        &format!("{region}:{account}:model-package"),
    );
    serde_json::from_str(&text).expect("JSON")
}

fn arn(region: &str, account: &str) -> String {
    format!("arn:aws:sagemaker:{region}:{account}:model-package-group/fraud")
}

fn group(region: &str, account: &str) -> Value {
    json!({"ModelPackageGroupName": "fraud", "ModelPackageGroupArn": arn(region, account)})
}

/// Returns the error of an import that is refused; accounts are not scrubbed.
#[track_caller]
fn error(lab: &Lab, arguments: &[&str]) -> String {
    let arguments = [&["import", "sagemaker"], arguments].concat();
    let _ = lab.error("admin-1", &arguments);
    lab.says("admin-1", &arguments).err
}

#[test]
fn two_accounts_of_one_name_are_refused_in_any_order() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let ours = described("fraud", 1, "Rejected");
    for (region, account) in [("eu-central-1", "999999999999"), ("us-east-1", "123456789012")] {
        let theirs = elsewhere(&described("fraud", 1, "Approved"), region, account);
        let (one, two) = (
            file(&lab, "one.json", std::slice::from_ref(&ours)),
            file(&lab, "two.json", std::slice::from_ref(&theirs)),
        );
        let both = file(&lab, "both.json", &[theirs.clone(), ours.clone()]);
        for files in [&[&*one, &*two][..], &[&*two, &*one], &[&*both]] {
            let told = error(&lab, files);
            assert!(
                told.contains("would both be called `fraud`")
                    && told.contains(&format!("of account {account} in {region}"))
                    && told.contains("--rename arn:aws:sagemaker:"),
                "{told}"
            );
        }
        // A name of one's own for one of them, and each keeps its decision.
        let rename = format!("{}=fraud-theirs", arn(region, account));
        let dry = lab.ok(
            "admin-1",
            &[
                "import",
                "sagemaker",
                &one,
                &two,
                "--rename",
                &rename,
                "--dry-run",
                "-o",
                "json",
            ],
        );
        let dry = super::parsed(&dry);
        let arrivals: Vec<String> = dry["plan"]["groups"]
            .as_array()
            .expect("groups")
            .iter()
            .map(|group| format!("{} {}", group["group"], group["versions"][0]["status"]))
            .collect();
        assert_eq!(
            arrivals,
            [r#""fraud" "Rejected""#, r#""fraud-theirs" "Approved""#]
        );
        // Different numbers are two groups all the same.
        let other = elsewhere(&described("fraud", 2, "Approved"), region, account);
        let other = file(&lab, "other.json", &[group(region, account), other]);
        assert!(
            error(&lab, &[&one, &other]).contains("would both be called"),
            "{region}"
        );
        assert!(
            error(&lab, &[&one, &other, "--as", "x"]).contains("would both be called"),
            "{region}"
        );
    }
    // Names that differ by case alone are one name here.
    let upper = file(&lab, "upper.json", &[described("FRAUD", 1, "Approved")]);
    let one = file(&lab, "one.json", &[ours]);
    assert!(error(&lab, &[&one, &upper]).contains("would both be called"));
    let told = error(&lab, &[&one, "--rename", "frud=x"]);
    assert!(told.contains("there is no group `frud` to rename"), "{told}");
}

#[test]
fn each_record_says_which_account_it_is_from() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let theirs = elsewhere(&described("fraud", 1, "Approved"), "us-east-1", "999999999999");
    let both = file(&lab, "both.json", &[described("fraud", 1, "Rejected"), theirs]);
    let rename = format!("{}=fraud-us", arn("us-east-1", "999999999999"));
    let _ = lab.ok("admin-1", &["import", "sagemaker", &both, "--rename", &rename]);
    for (group, status, from) in [
        ("fraud", "Rejected", "sagemaker:eu-central-1:123456789012"),
        ("fraud-us", "Approved", "sagemaker:us-east-1:999999999999"),
    ] {
        let text = lab.read(&format!("groups/{group}/versions/1/version.yaml"));
        assert!(
            text.contains(&format!("status: {status}")) && text.contains(from),
            "{text}"
        );
    }
    lab.check();
}

#[test]
fn a_group_that_is_here_takes_nothing_of_another_account() {
    for is_described in [true, false] {
        let lab = lab();
        let_import(&lab, "admin-1");
        let mut documents = vec![described("fraud", 1, "Rejected")];
        if is_described {
            documents.insert(0, group("eu-central-1", "123456789012"));
        }
        let _ = lab.ok(
            "admin-1",
            &["import", "sagemaker", &file(&lab, "one.json", &documents)],
        );
        for number in [1, 2] {
            let theirs = elsewhere(
                &described("fraud", number, "Approved"),
                "us-east-1",
                "999999999999",
            );
            let told = error(&lab, &[&file(&lab, "two.json", &[theirs])]);
            assert!(
                told.contains(&arn("us-east-1", "999999999999")) && told.contains("--as NAME"),
                "{told}"
            );
        }
        let theirs = elsewhere(&described("fraud", 1, "Approved"), "us-east-1", "999999999999");
        let two = file(&lab, "two.json", &[theirs]);
        let _ = lab.ok("admin-1", &["import", "sagemaker", &two, "--as", "fraud-us"]);
        assert!(
            lab.read("groups/fraud/versions/1/version.yaml")
                .contains("status: Rejected")
        );
    }
}

#[test]
fn one_version_told_twice_and_not_alike_is_refused() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let (before, after) = (
        described("fraud", 1, "Approved"),
        described("fraud", 1, "Rejected"),
    );
    let one = file(&lab, "one.json", std::slice::from_ref(&before));
    let two = file(&lab, "two.json", std::slice::from_ref(&after));
    for files in [&[&*one, &*two][..], &[&*two, &*one]] {
        let told = error(&lab, files);
        assert!(
            told.contains("is described twice, and not alike") && told.contains("two.json"),
            "{told}"
        );
    }
    let mut home = group("eu-central-1", "123456789012");
    home["ModelPackageGroupDescription"] = json!("payments");
    let three = file(&lab, "three.json", &[group("eu-central-1", "123456789012"), home]);
    assert!(error(&lab, &[&three]).contains("is described twice, and not alike"));
    // The same again is the same.
    let again = file(&lab, "again.json", &[before.clone(), before]);
    let _ = lab.ok("admin-1", &["import", "sagemaker", &one, &again]);
}
