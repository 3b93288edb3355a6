//! The card for others: Hugging Face's, a page, SageMaker's, each read by
//! somebody else.

use serde_json::{Value, json};

use crate::support::Lab;
use crate::support::python::Packages;

const PACKAGES: Packages = Packages {
    folder: "python-cards",
    imports: "import huggingface_hub, html5lib, boto3, moto.server",
    names: &["huggingface_hub", "html5lib", "boto3", "moto[server]"],
    options: &[],
};

fn python(script: &str, input: &Value) -> Value {
    PACKAGES.run(script, input)
}

/// Sections in which every text is a mark of its own.
fn marked() -> (Value, Vec<String>) {
    let text = include_str!("../../fixtures/schema/valid/model-card-full.yaml");
    let mut card: Value = serde_yaml::from_str(text).expect("YAML");
    let members = card.as_object_mut().expect("a mapping");
    for identity in [
        "apiVersion",
        "kind",
        "group",
        "version",
        "by",
        "authors",
        "revision",
        "signature",
    ] {
        members.remove(identity);
    }
    let mut marks = Vec::new();
    mark(&mut card, &mut marks);
    // These are not free text.
    card["risk"]["rating"] = json!("High");
    card["overview"]["version"] = json!("7");
    card["datasets"][0]["role"] = json!("training");
    let digest = format!("sha256:{}", "d".repeat(64));
    card["datasets"][0]["digest"] = json!(digest);
    card["baseModels"][0]["digest"] = json!(digest);
    // The evaluation names the dataset.
    card["evaluations"][0]["dataset"] = card["datasets"][0]["name"].clone();
    let told = card.to_string();
    marks.retain(|mark| told.contains(mark.as_str()));
    marks.extend(["High".into(), digest]);
    (card, marks)
}

fn mark(value: &mut Value, marks: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            *text = format!("mark{:03}z", marks.len());
            marks.push(text.clone());
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mark(item, marks)),
        Value::Object(members) => members.values_mut().for_each(|value| mark(value, marks)),
        Value::Number(number) => marks.push(number.to_string()),
        _ => {}
    }
}

/// `churn/1` with this card.
fn lab(card: &Value) -> Lab {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let file = lab.home().join("card.json");
    std::fs::write(&file, card.to_string()).expect("a file");
    let _ = lab.ok(
        "trainer",
        &["card", "set", "churn/1", "-f", &file.to_string_lossy()],
    );
    let _ = lab.ok(
        "trainer",
        &["evidence", "add", "churn/1", "holdout", "--metric", "auc=0.905"],
    );
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good enough"]);
    lab
}

fn rendered(lab: &Lab, format: &str) -> String {
    lab.ok("stranger", &["card", "render", "churn/1", "-o", format])
}

#[test]
fn no_member_is_forgotten_in_any_format() {
    let (card, marks) = marked();
    assert!(marks.len() > 60, "{}", marks.len());
    let lab = lab(&card);
    for format in ["markdown", "html", "json"] {
        let text = rendered(&lab, format);
        let missing: Vec<&String> = marks
            .iter()
            .filter(|mark| !text.contains(mark.as_str()))
            .collect();
        assert!(missing.is_empty(), "{format} does not tell {missing:?}\n{text}");
    }
    lab.check();
}

#[test]
fn hugging_face_reads_the_front_matter() {
    let (card, _) = marked();
    let lab = lab(&card);
    let script = "
import json, sys
from huggingface_hub import ModelCard
card = ModelCard(json.load(sys.stdin))
data = card.data
json.dump({
    'data': data.to_dict(), 'content': card.content.count('# '),
    'results': [[r.task_type, r.dataset_name, r.metric_type, r.metric_value] for r in data.eval_results],
}, sys.stdout)
";
    let read = python(script, &json!(rendered(&lab, "markdown")));
    let evaluation = &card["evaluations"][0];
    assert_eq!(
        read["results"][0],
        json!([
            evaluation["task"],
            evaluation["dataset"],
            evaluation["metrics"][0]["name"],
            0.9
        ])
    );
    assert_eq!(read["data"]["library_name"], card["library"]);
    assert_eq!(read["data"]["tags"], card["tags"]);
    assert_eq!(read["data"]["base_model"], json!([card["baseModels"][0]["name"]]));
    assert_eq!(read["data"]["pipeline_tag"], card["pipeline"]);
}

#[test]
fn sagemaker_accepts_the_json() {
    let (card, _) = marked();
    let lab = lab(&card);
    let script = "
import json, sys, boto3
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
client = boto3.client('sagemaker', region_name='eu-central-1', endpoint_url=f'http://{host}:{port}',
                      aws_access_key_id='testing', aws_secret_access_key='testing')
content = json.load(sys.stdin)
client.create_model_card(ModelCardName='churn-1', Content=json.dumps(content), ModelCardStatus='Approved')
described = client.describe_model_card(ModelCardName='churn-1')
server.stop()
json.dump({'content': json.loads(described['Content']), 'status': described['ModelCardStatus']}, sys.stdout)
";
    let content: Value = serde_json::from_str(&rendered(&lab, "json")).expect("JSON");
    let answer = python(script, &content);
    assert_eq!(answer["content"], content);
    assert_eq!(content["model_overview"]["model_version"], 7);
    assert_eq!(content["intended_uses"]["risk_rating"], "High");
    assert_eq!(
        content["evaluation_details"][0]["metric_groups"][0]["metric_data"][0]["type"],
        "number"
    );
    let sections: Vec<&String> = content.as_object().expect("a mapping").keys().collect();
    assert_eq!(
        sections,
        [
            "model_overview",
            "intended_uses",
            "business_details",
            "training_details",
            "evaluation_details",
            "additional_information",
        ]
    );
}

/// Text of others stays text: in the page no element comes of it, in Markdown
/// no heading, link, mention or front matter.
#[test]
fn text_of_others_stays_text() {
    let evil = "<script>alert(1)</script>\n# Approved by everybody\n[x](javascript:alert(1)) <img src=x onerror=y>\n---\n@everyone `code` 1. one\n| a | b |\n\n- item\n\n***\n=====";
    let lab = lab(
        &json!({"limitations": evil, "tags": ["a: b\n---\nlicense: mit", "'\"{}["], "custom": {"k": evil}}),
    );
    let html = rendered(&lab, "html");
    let script = "
import json, sys, html5lib
parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
tree = parser.parse(json.load(sys.stdin))
json.dump({'tags': sorted({e.tag for e in tree.iter() if isinstance(e.tag, str)}),
           'links': [e.get('href') for e in tree.iter('a')], 'text': ''.join(tree.itertext())}, sys.stdout)
";
    let page = python(script, &json!(html));
    let tags: Vec<&str> = page["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(!tags.contains(&"script") && !tags.contains(&"img"), "{tags:?}");
    assert_eq!(page["links"], json!([]));
    assert!(
        page["text"]
            .as_str()
            .expect("text")
            .contains("<script>alert(1)</script>")
    );
    let markdown = rendered(&lab, "markdown");
    let body = markdown.splitn(3, "---\n").nth(2).expect("a body");
    assert!(
        !body.contains("<script") && !body.contains("<img") && !body.contains("@everyone"),
        "{body}"
    );
    assert!(
        !body
            .lines()
            .any(|line| line.starts_with("# Approved") || line == "---" || line == "***"),
        "{body}"
    );
    assert!(body.contains(r"\[x\](javascript"), "{body}");
    let read = python(
        "import json, sys\nfrom huggingface_hub import ModelCard\njson.dump(ModelCard(json.load(sys.stdin)).data.to_dict(), sys.stdout)",
        &json!(markdown),
    );
    assert_eq!(read["tags"], json!(["a: b --- license: mit", "'\"{}["]));
    assert_eq!(read.get("license"), None);
}

#[test]
fn a_missing_section_is_named_and_can_be_filled() {
    let lab = Lab::with_registry();
    lab.change_policy(
        "    required: 1\n",
        "    required: 1\n    card: [intendedUses, limitations]\n",
    );
    lab.register("churn", '1');
    let said = lab.error("stranger", &["card", "render", "churn/1"]);
    assert!(said.contains("churn/1 has no card yet"), "{said}");
    let said = lab.says("risk-1", &["approve", "churn/1", "-m", "good"]);
    assert!(
        said.err
            .contains("the card's section intendedUses; the card's section limitations"),
        "{said:?}"
    );
    let said = lab.error(
        "trainer",
        &["card", "set", "churn/1", "--section", "intendedUse=x"],
    );
    assert!(said.contains("did you mean `intendedUses`?"), "{said}");
    let sections = [
        "--section",
        "intendedUses=calls",
        "--section",
        "limitations=none known",
    ];
    let _ = lab.ok("trainer", &[&["card", "set", "churn/1"], &sections[..]].concat());
    let path = "groups/churn/versions/1/version.yaml";
    let text = lab.read(path);
    // The review was given for content without a card.
    lab.write(path, &text.replace("Pending", "Approved"));
    assert!(
        lab.findings("risk-1", &["validate", "-o", "concise"])
            .contains("MR308")
    );
    lab.write(path, &text);
    let out = lab.ok("risk-1", &["approve", "churn/1", "-m", "now with a card"]);
    assert!(out.contains("Pending -> Approved"), "{out}");
    let out = lab.ok("stranger", &["card", "show", "churn@latest"]);
    assert!(out.contains("intendedUses: calls"), "{out}");
    let said = lab.error("stranger", &["card", "show", "churn/1", "-o", "html"]);
    assert!(said.contains("it has: human, json"), "{said}");
}
