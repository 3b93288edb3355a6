//! `pull` from an S3-compatible store: moto, a server from PyPI.

use std::io::Write;
use std::process::Stdio;

use modelry::testing::record::canonical::{canonical, sha256};
use serde_json::{Value, json};

use crate::support::moto::{Moto, PACKAGES};
use crate::support::server::{Reply, Server};
use crate::support::shop::{Shop, bytes};
use crate::support::{Said, said};

/// A store, until the test ends.
struct Store(Moto);

impl Store {
    fn open() -> Store {
        Store(Moto::open())
    }

    /// Puts objects into a new bucket.
    fn put(&self, bucket: &str, objects: &[(&str, &[u8])]) {
        const SCRIPT: &str = "
import base64, boto3, json, sys
given = json.load(sys.stdin)
s3 = boto3.client('s3', endpoint_url=given['endpoint'], region_name='eu-central-1')
s3.create_bucket(Bucket=given['bucket'], CreateBucketConfiguration={'LocationConstraint': 'eu-central-1'})
for key, body in given['objects']: s3.put_object(Bucket=given['bucket'], Key=key, Body=bytes.fromhex(body))
";
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let objects: Vec<_> = objects
            .iter()
            .map(|(key, body)| json!([key, hex(body)]))
            .collect();
        let given = json!({"endpoint": self.0.endpoint, "bucket": bucket, "objects": objects});
        let mut command = PACKAGES.python3();
        self.0.environment(&mut command);
        let mut child = command
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(given.to_string().as_bytes()).expect("bytes");
        drop(pipe);
        assert!(child.wait().expect("python3").success());
    }

    fn pull(&self, shop: &Shop, version: &str) -> Said {
        let mut command = shop.command(version, &["-o", "json"]);
        self.0.environment(&mut command);
        said(&mut command)
    }

    #[track_caller]
    fn pulled(&self, shop: &Shop, version: &str) -> Value {
        let said = self.pull(shop, version);
        assert_eq!(said.code, 0, "{said:?}");
        serde_json::from_str(&said.out).expect("JSON")
    }
}

#[test]
#[ignore = "needs Python packages: moto, boto3, awscli"]
fn files_and_folders_from_a_store() {
    let shop = Shop::open();
    let store = Store::open();
    let model = bytes(3 << 20);
    store.put(
        "models",
        &[
            ("churn/a key +%20é.bin", &model),
            ("churn/wrong.bin", &model[1..]),
        ],
    );
    let version = shop.file("s3://models/churn/a key +%20é.bin", &model);
    let done = store.pulled(&shop, &version);
    assert_eq!(done[0]["uri"], "s3://models/churn/a key +%20é.bin");
    assert_eq!(done[0]["state"], "fetched");
    assert_eq!(shop.read("a key +%20é.bin"), model);
    assert_eq!(store.pulled(&shop, &version)[0]["state"], "present");

    // Going on from a part, in the middle and at the end.
    let hex = sha256(&model).as_str()[7..].to_owned();
    for kept in [1_000_000, model.len() - 1] {
        std::fs::remove_file(shop.folder.join("a key +%20é.bin")).expect("a file");
        std::fs::create_dir_all(shop.folder.join(".modelry-pull")).expect("a folder");
        let part = shop.folder.join(format!(".modelry-pull/{hex}.part"));
        std::fs::write(part, &model[..kept]).expect("a file");
        assert_eq!(store.pulled(&shop, &version)[0]["state"], "resumed");
        assert_eq!(shop.read("a key +%20é.bin"), model);
    }
    let said = store.pull(&shop, &shop.file("s3://models/churn/wrong.bin", &model));
    assert_eq!(said.code, 1, "{said:?}");
    let mut told = shop.scrub(&said.err);
    for uri in [
        "s3://models/churn/none",
        "s3://nowhere/m.bin",
        "s3://models/a/../m.bin",
    ] {
        let said = store.pull(&shop, &shop.file(uri, &model));
        assert_eq!(said.code, 2, "{said:?}");
        told.push_str(&shop.scrub(&said.err));
    }
    let secrets = ["throwaway", "X-Amz", "Signature"];
    assert!(!secrets.iter().any(|secret| told.contains(secret)), "{told}");

    // A folder of more files than one page of a list holds.
    let mut files: Vec<(String, Vec<u8>)> = (0..1005)
        .map(|i| (format!("shard-{i:04}.bin"), vec![7; i % 5]))
        .collect();
    files.push(("manifest.json".into(), b"{}".to_vec()));
    files.push(("deep/er/é +.bin".into(), bytes(10)));
    files.sort();
    let list: Vec<Value> = files
        .iter()
        .map(|(path, bytes)| json!({"path": path, "size": bytes.len(), "digest": sha256(bytes)}))
        .collect();
    let manifest = canonical(&json!(list));
    let keys: Vec<(String, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (format!("llm/v1/{path}"), &bytes[..]))
        .collect();
    let mut objects: Vec<(&str, &[u8])> = keys.iter().map(|(key, bytes)| (&key[..], *bytes)).collect();
    // A console's mark of a folder, and a neighbour with the same beginning.
    objects.extend([("llm/v1/", &b""[..]), ("llm/v1-old/x", b"x")]);
    store.put("folders", &objects);
    let digest = sha256(&manifest);
    let folder = |uri: &str| shop.register(&json!([{"uri": uri, "type": "folder", "digest": digest}]));
    let version = folder("s3://folders/llm/v1/");
    assert_eq!(store.pulled(&shop, &version)[0]["state"], "fetched");
    for (path, bytes) in &files {
        assert_eq!(shop.read(&format!("v1/{path}")), *bytes, "{path}");
    }
    assert_eq!(store.pulled(&shop, &version)[0]["state"], "present");
    let said = store.pull(&shop, &folder("s3://folders/llm/none"));
    assert_eq!(said.code, 2, "{said:?}");
    told.push_str(&shop.scrub(&said.err));
    insta::assert_snapshot!(told, @r"
    note: churn/2 is Pending
    error: `s3://models/churn/wrong.bin` has 3145727 bytes, and 3145728 are recorded
       hint: it is not what was registered: ask whoever keeps it there
    note: churn/3 is Pending
    error: `s3://models/churn/none` answers 404 Not Found
       hint: ask whoever registered it where it is now
    note: churn/4 is Pending
    error: `s3://nowhere/m.bin` answers 404 Not Found
       hint: ask whoever registered it where it is now
    note: churn/5 is Pending
    error: `s3://models/a/../m.bin` names no object of a store
       hint: it is written `s3://BUCKET/KEY`
    note: churn/7 is Pending
    error: there is nothing below `s3://folders/llm/none/`
       hint: ask whoever registered it where it is now
    ");
}

#[test]
#[ignore = "needs Python packages: moto, boto3, awscli"]
fn a_store_that_refuses_says_what_to_do() {
    let shop = Shop::open();
    let server = Server::start(|request| {
        if request.path.contains("elsewhere") {
            Reply::new(301, b"").with("x-amz-bucket-region", "us-west-2")
        } else {
            Reply::new(403, b"")
        }
    });
    let mut told = String::new();
    for (uri, key) in [
        (
            "s3://private/m.bin",
            &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"][..],
        ),
        ("s3://private/m.bin", &[]),
        ("s3://private/m.bin", &["AWS_ACCESS_KEY_ID"]),
        ("s3://elsewhere/m.bin", &[]),
    ] {
        let mut command = shop.command(&shop.file(uri, b"model"), &[]);
        command.env("AWS_ENDPOINT_URL_S3", &server.address);
        for name in key {
            command.env(name, "throwaway");
        }
        let said = said(&mut command);
        assert_eq!(said.code, 2, "{said:?}");
        told.push_str(&shop.scrub(&said.err));
    }
    insta::assert_snapshot!(told, @r"
    note: churn/1 is Pending
    error: `s3://private/m.bin` answers 403 Forbidden
       hint: look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION, and at what that key may read
    note: churn/2 is Pending
    error: `s3://private/m.bin` answers 403 Forbidden
       hint: name your key: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    note: churn/3 is Pending
    error: AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not
       hint: set both, or neither for a public bucket
    note: churn/4 is Pending
    error: `s3://elsewhere/m.bin` answers 301 Moved Permanently
       hint: the bucket is in another region: `AWS_REGION=us-west-2`
    ");
}
