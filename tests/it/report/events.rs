//! `modelry events`: one event a change, the same from everywhere, in forms that
//! others read.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::report::audit::{forbid_unknown, lived};
use crate::support::golden::golden;
use crate::support::moto::{Moto, PACKAGES as AWS};
use crate::support::needs::needs;
use crate::support::python::Packages;
use crate::support::{Lab, Said, said};

/// The validators of schemas, and the readers of events.
const READERS: Packages = Packages {
    folder: "python-events",
    imports: "import check_jsonschema, cloudevents",
    names: &["check-jsonschema", "cloudevents"],
    options: &[],
};

/// The command that prints events as AWS accepts them.
pub const BRIDGE: [&str; 6] = [
    "-o",
    "eventbridge",
    "--account",
    "123456789012",
    "--region",
    "eu-central-1",
];

/// The registry of an audit's tests, that lived on: every status and stage, a
/// merge, evidence, words that change, an end.
fn life() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = lived();
        let steps: [&[&str]; 9] = [
            &[
                "trainer",
                "annotate",
                "churn/1",
                "--label",
                "tier=gold",
                "--description",
                "the one",
            ],
            &[
                "trainer", "evidence", "add", "churn/3", "holdout", "--metric", "auc=0.91",
            ],
            &[
                "trainer",
                "card",
                "set",
                "churn/3",
                "--set",
                "intendedUses=letters",
            ],
            &["risk-1", "approve", "churn/3", "-m", "good"],
            &["risk-2", "promote", "churn/3", "production", "-m", "next"],
            &[
                "risk-1",
                "rollback",
                "churn",
                "production",
                "-m",
                "too many letters",
            ],
            &[
                "risk-1",
                "rollback",
                "churn",
                "production",
                "--empty",
                "-m",
                "stop",
            ],
            &["risk-1", "archive", "churn/3", "-m", "over"],
            &["risk-2", "delete", "churn/2", "-m", "gone"],
        ];
        for step in steps {
            let said = lab.says(step[0], &step[1..]);
            assert_eq!(said.code, 0, "{step:?}: {said:?}");
        }
        lab
    })
}

fn events(lab: &Lab, arguments: &[&str]) -> Said {
    let mut all = vec!["events", "--trust-root"];
    all.extend(arguments);
    lab.says("stranger", &all)
}

/// Returns the printed events, one a line.
#[track_caller]
fn told(lab: &Lab, range: &[&str]) -> Vec<Value> {
    let mut all = range.to_vec();
    all.extend(["-o", "cloudevents"]);
    let said = events(lab, &all);
    assert_eq!(said.code, 0, "{range:?}: {said:?}");
    let lines = said.out.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Ids, keys and times by the order in which they appear: they differ from run
/// to run, and who is equal to whom does not.
fn numbered(text: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    let mut number = |what: &str, word: &str| {
        let at = seen.iter().position(|one| one == word).unwrap_or_else(|| {
            seen.push(word.to_owned());
            seen.len() - 1
        });
        format!("[{what} {at}]")
    };
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let run = |is: fn(u8) -> bool| rest.bytes().take_while(|b| is(*b)).count();
        let hex = run(|b| b.is_ascii_hexdigit());
        let base64 = run(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
        let time = rest.len() > 20 && rest.as_bytes()[10] == b'T' && rest.as_bytes()[19] == b'Z';
        let (what, length) = match () {
            () if time && rest.starts_with("20") => ("time", 20),
            () if hex >= 32 => ("id", hex),
            () if base64 == 43 || base64 == 68 => ("key", base64),
            () => {
                // The whole word, so that nothing begins in its middle.
                let length = base64.max(rest.chars().next().map_or(1, char::len_utf8));
                out.push_str(&rest[..length]);
                rest = &rest[length..];
                continue;
            }
        };
        out.push_str(&number(what, &rest[..length]));
        rest = &rest[length..];
    }
    out
}

#[test]
fn a_whole_life_in_every_form() {
    let lab = life();
    let all = told(&lab, &[]);
    let mut text = String::new();
    for event in &all {
        text.push_str(&serde_json::to_string_pretty(event).expect("JSON"));
        text.push('\n');
    }
    golden("fixtures/events/life.cloudevents.json", &numbered(&text));

    let said = events(&lab, &BRIDGE);
    assert_eq!(said.code, 0, "{said:?}");
    let mut text = String::new();
    for mut entry in entries(&said.out) {
        let detail = entry["Detail"].as_str().expect("text");
        entry["Detail"] = serde_json::from_str(detail).expect("JSON");
        // Its content is checked above.
        let modelry = entry["Detail"]["Modelry"].take();
        entry["Detail"]["Modelry"] = json!({"id": modelry["id"], "change": modelry["change"]});
        text.push_str(&serde_json::to_string_pretty(&entry).expect("JSON"));
        text.push('\n');
    }
    golden("fixtures/events/life.eventbridge.json", &numbered(&text));

    let batch = events(&lab, &["-o", "json"]);
    assert_eq!(
        serde_json::from_str::<Vec<Value>>(&batch.out).expect("an array"),
        all
    );
    let lines = events(&lab, &[]).out;
    golden("fixtures/events/life.txt", &numbered(&lines));
    assert_eq!(lines.lines().count(), all.len());
    assert_eq!(events(&lab, &["HEAD..HEAD", "-o", "json"]).out, "[]\n");
    assert_eq!(events(&lab, &["HEAD..HEAD", "-o", "cloudevents"]).out, "");
}

fn entries(lines: &str) -> Vec<Value> {
    let calls = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    calls
        .flat_map(|call| call["Entries"].as_array().expect("entries").clone())
        .collect()
}

#[test]
fn every_range_and_every_clone_tell_the_same() {
    let lab = life();
    let all = told(&lab, &[]);
    let chain = lab.git(&["rev-list", "--first-parent", "--reverse", "HEAD"]);
    let chain: Vec<&str> = chain.lines().collect();

    let mut ids = HashSet::new();
    let mut last: Option<&Value> = None;
    for event in &all {
        let id = event["id"].as_str().expect("an id");
        assert!(
            id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()),
            "{id}"
        );
        assert!(ids.insert(id), "{id} twice");
        assert_eq!(event.get("previous"), last.map(|last| &last["id"]));
        if let Some(last) = last {
            assert!(last["sequence"].as_str() < event["sequence"].as_str(), "{event}");
        }
        let step =
            chain[usize::try_from(event["data"]["step"].as_u64().expect("a step")).expect("small") - 1];
        assert_eq!(event["data"]["mainline"], step);
        last = Some(event);
    }

    // Any cut: the two sides together are the whole.
    let of = |from: &str, to: &str| told(&lab, &[&format!("{from}..{to}")]);
    let mut refused = 0;
    for cut in &chain[..chain.len() - 1] {
        let before = events(&lab, &["-o", "cloudevents", &format!("..{cut}")]);
        if before.code == 1 {
            // It was accepted in the next step.
            refused += 1;
            continue;
        }
        let mut both = of("", cut);
        both.extend(of(cut, ""));
        assert_eq!(both, all, "cut at {cut}");
    }
    assert_eq!(refused, 1);
    let accepted = |event: &&Value| event["data"].get("findings").is_some();
    let accepted: Vec<&Value> = all.iter().filter(accepted).collect();
    let [accepted] = accepted[..] else {
        panic!("one was accepted: {accepted:?}")
    };
    assert_eq!(accepted["data"]["proof"]["means"], "nobody");
    let words = accepted["data"]["findings"][0]["acknowledged"].as_str();
    assert!(
        words.is_some_and(|words| words.contains("by `admin-1`")),
        "{accepted}"
    );

    // By day: all of it was made before then.
    assert_eq!(told(&lab, &["..2099-01-01"]), all);

    // Elsewhere: another path, another pin, another count of threads, bare; and
    // a clone that verified a part, or all, before.
    let elsewhere = tempfile::tempdir().expect("a folder");
    for (bare, name) in [(false, "a clone"), (true, "bare.git")] {
        let path = elsewhere.path().join(name);
        let mut clone = lab.command("git");
        clone.args(["clone", "--quiet"]).args(bare.then_some("--bare"));
        assert!(clone.arg(&lab.top).arg(&path).status().expect("git").success());
        for threads in ["1", "4"] {
            let again = |range: &[&str]| -> Vec<Value> {
                let mut command = lab.modelry("stranger", &["events", "-o", "cloudevents"]);
                command
                    .args(["--threads", threads, "--root", chain[0]])
                    .args(range);
                let said = said(command.current_dir(&path));
                assert_eq!(said.code, 0, "{said:?}");
                let lines = said.out.lines();
                lines
                    .map(|line| serde_json::from_str(line).expect("JSON"))
                    .collect()
            };
            let middle = chain[chain.len() / 2];
            let late = again(&[&format!("{middle}..")]);
            assert_eq!(late, all[all.len() - late.len()..]);
            assert_eq!(again(&[]), all);
            assert_eq!(again(&[&format!("{}..", chain[3])]), of(chain[3], ""));
        }
    }
}

#[test]
fn without_anything_accepted_every_range_tells_the_same() {
    // Here a range is judged from its own start on, and not from the root.
    let lab = Lab::with_registry();
    lab.write("README", "beside the registry\n");
    lab.commit("stranger", "a word");
    lab.register("churn", '1');
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "-c", "side"]);
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "tier=gold"]);
    lab.git(&["switch", "-q", "main"]);
    lab.register("churn", '2');
    let merge = lab.git_as("stranger", &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    assert!(merge.status.success(), "{merge:?}");
    for line in ["more", "and more"] {
        lab.write("README", line);
        lab.commit("stranger", "a word");
    }
    let _ = lab.ok("risk-2", &["reject", "churn/2", "-m", "no"]);

    let all = told(&lab, &[]);
    let chain = lab.git(&["rev-list", "--first-parent", "--reverse", "HEAD"]);
    let chain: Vec<&str> = chain.lines().collect();
    let entries_of = |range: &str| {
        let mut arguments = vec![range];
        arguments.extend(BRIDGE);
        entries(&events(&lab, &arguments).out)
    };
    let bridged = entries_of("..");
    for cut in &chain[..chain.len() - 1] {
        let (before, after) = (format!("..{cut}"), format!("{cut}.."));
        let mut both = told(&lab, &[&before]);
        both.extend(told(&lab, &[&after]));
        assert_eq!(both, all, "cut at {cut}");
        let mut both = entries_of(&before);
        both.extend(entries_of(&after));
        assert_eq!(both, bridged, "cut at {cut}");
    }

    // The changes of a branch happened when it was merged, and belong to its author.
    let merge = lab.git(&["rev-parse", "HEAD~3"]);
    let annotated: Vec<&Value> = all
        .iter()
        .filter(|event| event["data"]["mainline"] == merge.as_str())
        .collect();
    let [annotated] = annotated[..] else {
        panic!("one event of the merge: {annotated:?}")
    };
    assert_eq!(annotated["type"], "dev.modelry.version.annotated");
    assert_eq!(annotated["data"]["actor"], "trainer");
    assert_eq!(
        annotated["data"]["proof"]["commit"],
        lab.git(&["rev-parse", "side"])
    );
    assert_eq!(
        annotated["data"]["fields"],
        json!([{"pointer": "/labels", "after": {"tier": "gold"}}])
    );
}

#[test]
fn nothing_is_told_of_a_faulty_history() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let good = lab.git(&["rev-parse", "HEAD"]);
    let whole = told(&lab, &[]);
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(
        path,
        &lab.read(path).replace("status: Pending", "status: Approved"),
    );
    lab.commit("trainer", "approve it myself");
    lab.write("README", "beside the registry\n");
    lab.commit("stranger", "a word");
    for form in ["cloudevents", "eventbridge"] {
        let mut arguments = vec!["-o", form];
        if form == "eventbridge" {
            arguments.extend(&BRIDGE[2..]);
        }
        let said = events(&lab, &arguments);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        assert!(said.err.contains("MR308"), "{said:?}");
    }
    for range in ["", "HEAD~1..", "..HEAD~1"] {
        let mut arguments = vec!["-o", "json"];
        arguments.extend(Some(range).filter(|range| !range.is_empty()));
        let said = events(&lab, &arguments);
        assert_eq!(said.code, 1, "{said:?}");
        let report: Value = serde_json::from_str(&said.out).expect("a report");
        assert!(report["findings"].is_array(), "{report}");
    }
    assert!(events(&lab, &[]).err.contains("no event is told"));
    assert_eq!(told(&lab, &[&format!("..{good}")]), whole);
}

#[test]
fn what_can_not_be_looked_at_is_no_answer() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let clone = lab.home().join("clone");
    let mut command = lab.command("git");
    command.args(["clone", "--quiet"]).arg(&lab.top).arg(&clone);
    assert!(command.status().expect("git").success());
    let said = said(lab.modelry("stranger", &["events"]).current_dir(&clone));
    assert!(said.code == 2 && said.err.contains("not pinned"), "{said:?}");
    for (arguments, word) in [
        (&["-o", "eventbridge"][..], "an account and a region"),
        (&["--account", "123456789012"], "for entries of EventBridge"),
        (
            &["-o", "eventbridge", "--account", "12", "--region", "eu-central-1"],
            "no AWS account",
        ),
        (
            &[
                "-o",
                "eventbridge",
                "--account",
                "123456789012",
                "--region",
                "here",
            ],
            "no AWS region",
        ),
        (&["HEAD"], "no range"),
        (&["HEAD~1...HEAD"], "three dots"),
        (&["-o", "sarif"], "no output in the form"),
    ] {
        let said = events(&lab, arguments);
        assert!(
            said.code == 2 && said.err.contains(word),
            "{arguments:?}: {said:?}"
        );
        assert_eq!(said.out, "");
    }
    lab.git(&["branch", "aside"]);
    lab.git(&["switch", "-q", "aside"]);
    lab.register("churn", '2');
    lab.git(&["switch", "-q", "main"]);
    let said = events(&lab, &["aside.."]);
    assert!(
        said.code == 2 && said.err.contains("is not on `main`"),
        "{said:?}"
    );

    let shallow = lab.home().join("shallow");
    let from = format!("file://{}", lab.top.display());
    let mut clone = lab.command("git");
    clone
        .args(["clone", "--quiet", "--depth", "2", &from])
        .arg(&shallow);
    assert!(clone.status().expect("git").success());
    let mut command = lab.modelry("stranger", &["events", "--root", &lab.root(), "HEAD~1.."]);
    let said = crate::support::said(command.current_dir(&shallow));
    assert!(said.code == 2 && said.err.contains("--unshallow"), "{said:?}");
    assert_eq!(said.out, "");
}

#[test]
#[ignore = "needs Python packages: check-jsonschema, cloudevents"]
fn others_read_them_as_cloudevents() {
    needs![READERS];
    let lab = life();
    let all = told(&lab, &[]);
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cloudevents/cloudevents.json");
    let folder = tempfile::tempdir().expect("a folder");
    let check = |events: &[Value]| {
        let mut command = READERS.python3();
        command
            .args(["-m", "check_jsonschema", "--schemafile"])
            .arg(&schema)
            .stdout(Stdio::null());
        for (index, event) in events.iter().enumerate() {
            let path = folder.path().join(format!("{index}.json"));
            std::fs::write(&path, event.to_string()).expect("a file");
            command.arg(path);
        }
        command.status().expect("python3").success()
    };
    assert!(check(&all));
    let broken: [(&str, Value); 3] = [
        ("time", json!("yesterday")),
        ("id", json!("")),
        ("source", json!(7)),
    ];
    for (member, value) in broken {
        let mut event = all[0].clone();
        event[member] = value;
        assert!(!check(&[event]), "{member}");
    }

    // Their data is what its own schema says, and no more.
    let mut own = modelry::testing::report::event::schema();
    assert!(all.iter().all(|event| event["dataschema"] == own["$id"]));
    forbid_unknown(&mut own);
    let data: Vec<&Value> = all.iter().map(|event| &event["data"]).collect();
    let script = "
import json, sys, jsonschema
schema, documents = json.load(sys.stdin)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
print(json.dumps([e.json_path + ': ' + e.message for one in documents for e in validator.iter_errors(one)]))
";
    assert_eq!(READERS.run(script, &json!([own, data])), json!([]));
    assert_ne!(READERS.run(script, &json!([own, [{"registry": 1}]])), json!([]));
    let printed = lab.ok("stranger", &["schema", "event"]);
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(printed, modelry::testing::report::event::schema());

    // Attributes are lower-case letters and digits, as CloudEvents asks.
    for event in &all {
        for name in event.as_object().expect("an object").keys() {
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
                "{name}"
            );
        }
    }
    let script = "
import json, sys
from cloudevents.core.bindings.http import from_structured_event, to_structured_event, HTTPMessage
read = []
for event in json.load(sys.stdin):
    body = json.dumps(event).encode()
    message = HTTPMessage(headers={'content-type': 'application/cloudevents+json'}, body=body)
    got = from_structured_event(message)
    again = json.loads(to_structured_event(got).body)
    read.append({
        'id': got.get_id(), 'source': got.get_source(), 'type': got.get_type(), 'subject': got.get_subject(),
        'time': int(got.get_time().timestamp()), 'sequence': got.get_extension('sequence'),
        'previous': got.get_extension('previous'), 'data': got.get_data(), 'same': again['data'] == event['data'],
    })
print(json.dumps(read))
";
    let read = READERS.run(script, &json!(all));
    for (event, read) in all.iter().zip(read.as_array().expect("an array")) {
        for member in ["id", "source", "type", "subject", "sequence", "data"] {
            assert_eq!(event[member], read[member]);
        }
        assert_eq!(event.get("previous").unwrap_or(&Value::Null), &read["previous"]);
        assert_eq!(read["same"], true);
        let time: jiff::Timestamp = event["time"].as_str().expect("a time").parse().expect("RFC 3339");
        assert_eq!(read["time"], time.as_second());
    }
    assert_eq!(read.as_array().map(Vec::len), Some(all.len()));
}

/// AWS's own command line against the server; what it prints.
#[track_caller]
fn aws(moto: &Moto, arguments: &[&str]) -> Value {
    let mut command: Command = AWS.python3();
    moto.environment(&mut command);
    command
        .args(["-m", "awscli", "--region", "eu-central-1", "--output", "json"])
        .args(["--endpoint-url", &moto.endpoint])
        .args(arguments);
    let said = said(&mut command);
    assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
    serde_json::from_str(&said.out).unwrap_or_default()
}

#[test]
#[ignore = "needs Python packages: moto, boto3, awscli"]
fn eventbridge_takes_them_and_a_rule_for_sagemaker_matches() {
    needs![AWS];
    let lab = life();
    let said = events(&lab, &BRIDGE);
    assert_eq!(said.code, 0, "{said:?}");
    let wanted = entries(&said.out);

    // The rule of a team that comes from SageMaker, with one word changed; and one
    // for everything.
    let moto = Moto::open();
    let rules = [
        (
            "packages",
            r#"{"source": ["modelry"], "detail-type": ["SageMaker Model Package State Change"]}"#,
        ),
        (
            "approved",
            r#"{"source": ["modelry"], "detail-type": ["SageMaker Model Package State Change"], "detail": {"ModelPackageGroupName": ["churn"], "ModelApprovalStatus": ["Approved"], "UpdatedModelPackageFields": ["ModelApprovalStatus"]}}"#,
        ),
        ("all", r#"{"source": ["modelry"]}"#),
    ];
    let queue = |name: &str| {
        let made = aws(&moto, &["sqs", "create-queue", "--queue-name", name]);
        made["QueueUrl"].as_str().expect("a queue").to_owned()
    };
    let queues = rules.map(|(name, pattern)| {
        let url = queue(name);
        aws(
            &moto,
            &["events", "put-rule", "--name", name, "--event-pattern", pattern],
        );
        let target = format!("Id=q,Arn=arn:aws:sqs:eu-central-1:123456789012:{name}");
        let put = aws(
            &moto,
            &["events", "put-targets", "--rule", name, "--targets", &target],
        );
        assert_eq!(put["FailedEntryCount"], 0, "{put}");
        url
    });
    for (index, line) in said.out.lines().enumerate() {
        assert!(line.len() < 2 * 256 * 1024);
        let file = lab.home().join(format!("{index}.json"));
        std::fs::write(&file, line).expect("a file");
        let call: Value = serde_json::from_str(line).expect("JSON");
        let count = call["Entries"].as_array().expect("entries").len();
        assert!((1..=10).contains(&count));
        let input = format!("file://{}", file.display());
        let put = aws(&moto, &["events", "put-events", "--cli-input-json", &input]);
        assert_eq!(put["FailedEntryCount"], 0, "{put}");
        assert_eq!(put["Entries"].as_array().map(Vec::len), Some(count));
    }
    let script = "
import boto3, json, sys
given = json.load(sys.stdin)
sqs = boto3.client('sqs', endpoint_url=given['endpoint'], region_name='eu-central-1', aws_access_key_id='throwaway', aws_secret_access_key='throwaway-secret')
def drain(url):
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get('Messages'):
        yield from (json.loads(message['Body']) for message in messages)
print(json.dumps([list(drain(url)) for url in given['queues']]))
";
    let received = AWS.run(script, &json!({"endpoint": moto.endpoint, "queues": queues}));
    let received: [Vec<Value>; 3] = serde_json::from_value(received).expect("three queues");
    let ids = |events: &[Value]| -> BTreeSet<String> {
        let id = |event: &Value| {
            event["detail"]["Modelry"]["id"]
                .as_str()
                .expect("an id")
                .to_owned()
        };
        events.iter().map(id).collect()
    };
    let ids_where = |is: &dyn Fn(&Value, &Value) -> bool| -> BTreeSet<String> {
        let details = wanted.iter().map(|entry| {
            let detail = entry["Detail"].as_str().expect("text");
            (entry, serde_json::from_str::<Value>(detail).expect("JSON"))
        });
        details
            .filter(|(entry, detail)| is(entry, detail))
            .map(|(_, detail)| detail["Modelry"]["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let [packages, approved, all] = received.each_ref().map(|events| ids(events));
    assert_eq!(all, ids_where(&|_, _| true));
    let is_package = |entry: &Value, _: &Value| entry["DetailType"] == "SageMaker Model Package State Change";
    assert_eq!(packages, ids_where(&is_package));
    let is_approval = |_: &Value, detail: &Value| {
        detail["Modelry"]["change"]
            .as_str()
            .is_some_and(|change| change.starts_with("status churn/") && change.ends_with("-> Approved"))
    };
    assert_eq!(approved, ids_where(&is_approval));
    assert_eq!(approved.len(), 2);
    assert!(packages.len() < all.len());
    for event in &received[0] {
        assert_eq!(event["source"], "modelry");
        assert_eq!(event["resources"][0], event["detail"]["ModelPackageArn"]);
    }
}
