//! Editors are led to the schemas in the registry's folder, and to no host.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use modelry::testing::record::kind::Kind;
use modelry::testing::record::schema;
use serde_json::Value;

use crate::support::Lab;
use crate::support::needs::needs;
use crate::support::node::{LanguageServer, YAML_SERVER};

const FOLDER: &str = ".modelry/schemas";
const MARK: &str = "# yaml-language-server: $schema=";
/// A line as earlier versions wrote it, with a host that does not exist.
const OLD: &str = "# yaml-language-server: $schema=https://schemas.example.com/schemas/v1/";

fn register(lab: &Lab, who: &str) {
    std::fs::write(lab.home().join("model.bin"), "weights").expect("a file");
    let artifact = lab.home().join("model.bin");
    let artifact = artifact.to_string_lossy();
    let _ = lab.ok(who, &["register", "churn", "--artifact", &artifact]);
}

/// The records below a folder.
fn records(folder: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    files
        .map(|entry| entry.expect("a file").into_path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect()
}

/// The schema that the first line of a record leads to.
fn schema_of(record: &Path) -> Value {
    let text = std::fs::read_to_string(record).expect("a record");
    let first = text.lines().next().unwrap_or_default();
    let to = first
        .strip_prefix(MARK)
        .unwrap_or_else(|| panic!("{}: {first}", record.display()));
    let schema = record.parent().expect("a folder").join(to);
    let schema = std::fs::read(&schema).unwrap_or_else(|error| panic!("{}: {error}", schema.display()));
    serde_json::from_slice(&schema).expect("JSON")
}

#[test]
fn each_record_of_a_fresh_registry_leads_to_its_schema() {
    for folder in ["", "ml/models"] {
        let lab = Lab::empty();
        if !folder.is_empty() {
            lab.git(&["config", "modelry.path", folder]);
        }
        lab.populate();
        register(&lab, "trainer");
        let _ = lab.ok(
            "trainer",
            &["evidence", "add", "churn/1", "holdout", "--metric", "auc=0.9"],
        );
        let _ = lab.ok(
            "trainer",
            &[
                "card",
                "set",
                "churn/1",
                "--set",
                "overview.description=who leaves",
            ],
        );
        let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
        let _ = lab.ok("admin-1", &["promote", "churn/1", "staging"]);
        let _ = lab.ok("risk-1", &["archive", "churn/1", "-m", "old"]);
        let top = lab.top.join(folder);
        let mut kinds: Vec<String> = Vec::new();
        for record in records(&top) {
            let text = std::fs::read_to_string(&record).expect("a record");
            let kind = text.lines().find_map(|line| line.strip_prefix("kind: "));
            let kind: Kind = kind.and_then(|kind| kind.parse().ok()).expect("a kind");
            assert_eq!(schema_of(&record), *schema::schema(kind), "{}", record.display());
            kinds.push(kind.to_string());
        }
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), 8, "{kinds:?}");
        let schemas = std::fs::read_dir(top.join(FOLDER)).expect("schemas");
        assert_eq!(schemas.count(), Kind::ALL.len());
        assert_eq!(lab.git(&["status", "--porcelain"]), "");
        let _ = lab.ok("stranger", &["audit"]);
    }
}

#[test]
#[ignore = "needs node and yaml-language-server"]
fn a_language_server_finds_a_wrong_status_without_network() {
    needs![YAML_SERVER];
    let lab = Lab::with_registry();
    register(&lab, "trainer");
    let version = "groups/churn/versions/1/version.yaml";
    let text = lab.read(version);
    lab.write(version, &text.replace("status: Pending", "status: Aproved"));
    let line = text
        .lines()
        .position(|line| line == "status: Pending")
        .expect("a status");
    let mut server = LanguageServer::start(&YAML_SERVER, lab.home());
    let file = lab.top.join(version);
    let found = server.open(&file);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["range"]["start"]["line"], line, "{found:?}");
    let message = found[0]["message"].to_string();
    assert!(
        message.contains("Approved") && message.contains("Rejected"),
        "{message}"
    );
    let words = server.complete(&file, line, "status: ".len());
    assert_eq!(words, ["Pending", "Approved", "Rejected", "Archived"]);
    for record in records(&lab.top).iter().filter(|record| **record != file) {
        assert_eq!(server.open(record), Vec::<Value>::new(), "{}", record.display());
    }
    assert_eq!(server.connections(), "");
    // A line with a host has the server ask that host, so that the check above is one.
    lab.write(version, &text.replacen(MARK, OLD, 1));
    let mut server = LanguageServer::start(&YAML_SERVER, lab.home());
    let _ = server.open(&file);
    assert!(server.connections().contains("schemas.example.com"));
}

/// A registry as an older version made it: no schemas, and lines with a host.
fn older() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        register(&lab, "trainer");
        lab.git(&["rm", "-rq", ".modelry"]);
        for record in records(&lab.top) {
            let text = std::fs::read_to_string(&record).expect("a record");
            let (first, rest) = text.split_once('\n').expect("lines");
            let (_, name) = first.rsplit_once('/').expect("a path");
            let rest = match record.ends_with("registry.yaml") {
                true => {
                    let serial = rest
                        .lines()
                        .find(|line| line.starts_with("serial: "))
                        .expect("a serial");
                    rest.replacen(serial, "serial: 50", 1)
                }
                false => rest.to_owned(),
            };
            std::fs::write(&record, format!("{OLD}{name}\n{rest}")).expect("a record");
            lab.commit("admin-1", "as an older version wrote it");
        }
        lab
    })
}

#[test]
fn an_older_registry_goes_on_and_is_led_to_schemas_of_its_own() {
    let lab = older();
    let _ = lab.ok("stranger", &["audit"]);
    let version = "groups/churn/versions/1/version.yaml";
    let evidence = |name: &str| format!("groups/churn/versions/1/evidence/{name}.yaml");
    let add = |name: &str| {
        lab.says(
            "trainer",
            &["evidence", "add", "churn/1", name, "--metric", "auc=0.9"],
        )
    };

    // A schema that is not there is named by no line.
    let said = add("first");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err
            .contains("`modelry schema update --records` writes the schemas to `.modelry/schemas`"),
        "{said:?}"
    );
    assert!(!lab.read(&evidence("first")).contains(MARK));
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "team=risk"]);
    assert!(lab.read(version).starts_with(OLD));

    let _ = lab.ok("trainer", &["schema", "update"]);
    let said = add("second");
    assert!(said.code == 0 && !said.err.contains("schema"), "{said:?}");
    assert_eq!(
        schema_of(&lab.top.join(evidence("second"))),
        *schema::schema(Kind::Evaluation)
    );

    // An edit with changes adds the line too; one without changes does nothing.
    let before = lab.git(&["rev-parse", "HEAD"]);
    let said = lab.says("trainer", &["annotate", "churn/1", "--label", "team=risk"]);
    assert!(
        said.code == 0 && lab.git(&["rev-parse", "HEAD"]) == before,
        "{said:?}"
    );
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "team=fraud"]);
    assert_eq!(
        schema_of(&lab.top.join(version)),
        *schema::schema(Kind::ModelVersion)
    );
    let _ = lab.ok("admin-1", &["team", "add", "ops", "risk-1"]);
    assert_eq!(
        schema_of(&lab.top.join("registry.yaml")),
        *schema::schema(Kind::Registry)
    );
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.ok("stranger", &["audit"]);
    lab.check();
}

#[test]
fn records_of_an_older_version_are_led_to_the_schemas_at_once() {
    let lab = older();
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.ok("admin-1", &["promote", "churn/1", "staging"]);
    // A user who may edit few records updates only those.
    let said = lab.says("trainer", &["schema", "update", "--records", "--dry-run"]);
    assert!(
        said.code == 0 && said.out.contains("reformat groups/churn/versions/1/version.yaml"),
        "{said:?}"
    );
    assert!(
        !said.out.contains("group.yaml") && said.err.contains("stay as they are"),
        "{said:?}"
    );
    let said = lab.says("admin-1", &["schema", "update"]);
    assert!(said.err.contains("`modelry schema update --records`"), "{said:?}");
    let said = lab.says("admin-1", &["schema", "update", "--records"]);
    assert_eq!(said.code, 0, "{said:?}");
    let web: Vec<PathBuf> = records(&lab.top)
        .into_iter()
        .filter(|record| std::fs::read_to_string(record).expect("a record").contains(OLD))
        .collect();
    // The policy waits for its next edit.
    assert_eq!(web, [lab.top.join("registry.yaml")]);
    let _ = lab.ok("admin-1", &["team", "add", "ops", "risk-1"]);
    assert!(!lab.read("registry.yaml").contains(OLD));
    let again = lab.ok("admin-1", &["schema", "update", "--records"]);
    assert!(again.contains("are those of this version"), "{again}");
    let _ = lab.ok("stranger", &["audit"]);
    lab.check();
}

#[test]
fn schemas_of_another_version_are_noted_and_decide_nothing() {
    let lab = Lab::with_registry();
    let file = format!("{FOLDER}/model-group.schema.json");
    let own = lab.read(&file);
    lab.write(&file, "{}\n");
    // The schemas belong to no actor: not even a signature is needed.
    lab.git(&["commit", "-qam", "a schema that allows everything"]);
    let _ = lab.ok("stranger", &["validate", "HEAD~1..HEAD"]);
    let _ = lab.ok("stranger", &["audit"]);
    lab.write("groups/other/group.yaml", "anything: goes\n");
    assert!(lab.findings("stranger", &["validate"]).contains("MR0"));
    std::fs::remove_dir_all(lab.top.join("groups/other")).expect("a folder");

    let create = |name: &str| lab.says("admin-1", &["group", "create", name]);
    let said = create("a");
    assert!(
        said.code == 0
            && said
                .err
                .contains("`.modelry/schemas` are not those of this version")
            && said.err.contains("`modelry schema update`"),
        "{said:?}"
    );
    let dry = lab.ok("admin-1", &["schema", "update", "--dry-run"]);
    assert!(
        dry.contains("nothing was written") && lab.read(&file) == "{}\n",
        "{dry}"
    );
    let out = lab.ok("admin-1", &["schema", "update", "-m", "they were replaced"]);
    assert!(out.contains("Update the schemas for editors"), "{out}");
    assert_eq!(lab.read(&file), own);
    assert_eq!(lab.git(&["show", "--name-only", "--format=", "HEAD"]), file);
    assert!(
        lab.git(&["log", "-1", "--format=%b"])
            .starts_with("they were replaced")
    );
    let said = create("b");
    assert!(said.code == 0 && !said.err.contains("schema"), "{said:?}");
    let again = lab.ok("admin-1", &["schema", "update"]);
    assert!(again.contains("are those of this version"), "{again}");
    let _ = lab.ok("stranger", &["audit"]);
    assert_eq!(lab.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_policy_may_protect_the_schemas() {
    let lab = Lab::with_registry();
    lab.change_policy("stages:", "protect: [\".modelry/**\"]\nstages:");
    let file = format!("{FOLDER}/review.schema.json");
    lab.write(&file, "{}\n");
    lab.git(&["commit", "-qam", "a schema that allows everything"]);
    let out = lab.findings("stranger", &["validate", "HEAD~1..HEAD"]);
    assert!(out.contains("MR301") && out.contains(&file), "{out}");
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    lab.write(&file, "{}\n");
    lab.commit("trainer", "a schema that allows everything");
    assert!(
        lab.findings("stranger", &["validate", "HEAD~1..HEAD"])
            .contains(&file)
    );
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    lab.write(&file, "{}\n");
    lab.commit("admin-1", "a schema of another version");
    let refused = lab.findings("trainer", &["schema", "update"]);
    assert!(refused.contains("MR307"), "{refused}");
    let _ = lab.ok("admin-1", &["schema", "update"]);
    let _ = lab.ok("stranger", &["audit"]);
    lab.check();
}

#[test]
fn schemas_are_updated_on_a_remote() {
    let lab = Lab::with_registry();
    let file = format!("{FOLDER}/review.schema.json");
    let own = lab.read(&file);
    lab.git(&["init", "-q", "--bare", "-b", "main", "../hub.git"]);
    lab.git(&["remote", "add", "origin", "../hub.git"]);
    lab.write(&file, "{}\n");
    lab.commit("trainer", "a schema that allows everything");
    lab.git(&["push", "-q", "-u", "origin", "main"]);
    let out = lab.ok("admin-1", &["schema", "update", "--push"]);
    assert!(out.contains("pushed to branch main of origin"), "{out}");
    lab.git(&["fetch", "-q"]);
    let remote = lab.git(&["show", &format!("origin/main:{file}")]);
    assert_eq!(remote, own.trim_end());
}

#[test]
fn what_is_in_the_place_of_the_schemas_stays() {
    let lab = Lab::empty();
    lab.write(".modelry", "mine\n");
    lab.commit("admin-1", "a file of that name");
    lab.populate();
    assert_eq!(lab.read(".modelry"), "mine\n");
    assert!(!lab.read("groups/churn/group.yaml").contains(MARK));
    let error = lab.error("admin-1", &["schema", "update"]);
    assert!(error.contains("`.modelry` is not a folder"), "{error}");
    assert!(error.contains("`git mv .modelry .modelry.old`"), "{error}");
    lab.git(&["mv", ".modelry", ".modelry.old"]);
    lab.git(&["commit", "-qm", "another name"]);
    let _ = lab.ok("admin-1", &["schema", "update"]);
    assert_eq!(lab.read(".modelry.old"), "mine\n");
    let _ = lab.ok("stranger", &["audit"]);
}
