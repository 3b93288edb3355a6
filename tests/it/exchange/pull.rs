//! `pull`: which version, under which names, into which folder.

use std::process::{Command, Stdio};
use std::time::Duration;

use modelry::testing::record::canonical::{canonical, sha256};
use serde_json::{Value, json};

use crate::support::needs::{PRLIMIT, PYTHON, SCRIPT, needs};
use crate::support::said;
use crate::support::server::{Reply, Server};
use crate::support::shop::{Shop, bytes, registered};

#[test]
fn a_file_is_fetched_once_and_never_overwritten_unasked() {
    let shop = Shop::open();
    let model = bytes(300_000);
    let served = model.clone();
    let server = Server::start(move |request| Reply::file(&served, request));
    let version = shop.file(&server.uri("/models/my%20model.bin?part=hidden"), &model);

    let first = shop.pulled(&version);
    let digest = sha256(&model);
    let place = shop.folder.join("my model.bin");
    assert_eq!(
        first,
        json!([{
            "uri": server.uri("/models/my%20model.bin?…"), "path": place.to_string_lossy(), "size": 300_000,
            "digest": digest, "state": "fetched",
        }])
    );
    assert_eq!(shop.read("my model.bin"), model);
    assert_eq!(shop.names(), ["my model.bin"]);

    let again = shop.pull(&version, &[]);
    assert_eq!(again.code, 0);
    assert!(
        again
            .out
            .contains("my model.bin: up to date, 292.97 KiB, sha256:"),
        "{again:?}"
    );
    assert_eq!(server.log().len(), 1, "it was not fetched again");

    // As though started in another folder.
    std::fs::create_dir(shop.lab.top.join("sub")).expect("a folder");
    let there = said(
        &mut shop
            .lab
            .modelry("admin-1", &["-C", "sub", "pull", &version, "there"]),
    );
    assert!(
        there.out.starts_with("sub/there/my model.bin: fetched"),
        "{there:?}"
    );
    let here = said(&mut shop.lab.modelry("admin-1", &["pull", &version, "sub/there"]));
    assert!(
        here.out.starts_with("sub/there/my model.bin: up to date"),
        "{here:?}"
    );

    std::fs::write(&place, "my own work").expect("a file");
    insta::assert_snapshot!(shop.fails(&version, 2), @r"
    note: churn/1 is Pending
    error: `[HOME]/here/my model.bin` is there, with other content
       hint: move it away, name another folder, or replace it: `--force`
    ");
    assert_eq!(shop.read("my model.bin"), b"my own work");
    let forced = shop.pull(&version, &["--force"]);
    assert_eq!(forced.code, 0, "{forced:?}");
    assert_eq!(shop.read("my model.bin"), model);
    assert_eq!(shop.names(), ["my model.bin"]);
}

#[test]
fn folders_over_file_and_http() {
    needs![PYTHON];
    let shop = Shop::open();
    let lab = &shop.lab;
    let made = lab.home().join("weights");
    std::fs::create_dir_all(made.join("deep/er")).expect("folders");
    let files = [
        ("a.bin", bytes(70_000)),
        ("deep/b c.bin", bytes(1)),
        ("deep/er/empty", Vec::new()),
        ("é.txt", bytes(10)),
    ];
    for (path, bytes) in &files {
        std::fs::write(made.join(path), bytes).expect("a file");
    }
    let list: Vec<Value> = files
        .iter()
        .map(|(path, bytes)| json!({"path": path, "size": bytes.len(), "digest": sha256(bytes)}))
        .collect();
    let manifest = canonical(&json!(list));
    let digest = sha256(&manifest);
    let expected = |name: &str| {
        let mut names = vec![name.to_owned()];
        names.extend(["deep", "deep/er"].map(|folder| format!("{name}/{folder}")));
        names.extend(files.iter().map(|(path, _)| format!("{name}/{path}")));
        names.sort();
        names
    };

    // As `register --artifact FOLDER` records it.
    let path = made.to_string_lossy().into_owned();
    let _ = lab.ok("admin-1", &["register", "churn", "--artifact", &path]);
    let done = shop.pulled("churn/1");
    assert_eq!(done[0]["digest"], json!(digest), "what registration says of it");
    assert_eq!(done[0]["size"], 70_011);
    assert_eq!(shop.names(), expected("weights"));
    for (path, bytes) in &files {
        assert_eq!(shop.read(&format!("weights/{path}")), *bytes);
    }
    assert_eq!(shop.pulled("churn/1")[0]["state"], "present");
    std::fs::write(shop.folder.join("weights/more"), "x").expect("a file");
    assert!(shop.fails("churn/1", 2).contains("is there, with other content"));
    assert_eq!(shop.pull("churn/1", &["--force"]).code, 0);
    assert_eq!(shop.names(), expected("weights"));

    // A file that changed after registration.
    std::fs::write(made.join("a.bin"), vec![0; 70_000]).expect("a file");
    std::fs::remove_dir_all(&shop.folder).expect("a folder");
    assert!(shop.fails("churn/1", 1).contains("has the digest"));
    assert_eq!(shop.names(), [""; 0]);

    // The way of the docs to make the list.
    let script = crate::support::docs::block("manifest");
    std::fs::write(made.join("a.bin"), &files[0].1).expect("a file");
    let output = Command::new("python3")
        .args(["-c", &script, &path])
        .output()
        .expect("python3");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&manifest)
    );

    // Over http the list of files proves itself first.
    let (served, listed) = (files.clone(), manifest.clone());
    let server = Server::start(move |request| {
        let decoded = request.path.replace("%20", " ").replace("%C3%A9", "é");
        let path = decoded.strip_prefix("/served/").unwrap_or_default();
        match served.iter().find(|(name, _)| *name == path) {
            Some((_, bytes)) if path == "a.bin" && request.earlier == 0 => Reply {
                dropped_after: Some(20_000),
                ..Reply::file(bytes, request)
            },
            Some((_, bytes)) => Reply::file(bytes, request),
            None if path == "manifest.json" => Reply::new(200, &listed),
            None => Reply::new(404, b""),
        }
    });
    let folder = |uri: &str, digest: &modelry::testing::record::kind::Digest| {
        shop.register(&json!([{"uri": uri, "type": "folder", "digest": digest, "size": 70_011}]))
    };
    let version = folder(&server.uri("/served/"), &digest);
    assert_eq!(shop.pulled(&version)[0]["state"], "fetched");
    assert_eq!(shop.names(), expected("served"));
    assert_eq!(server.ranges("/served/a.bin"), [None, Some(20_000)]);

    // A part of an earlier run is used where it fits, and removed where not.
    std::fs::remove_dir_all(&shop.folder).expect("a folder");
    let stage = shop
        .folder
        .join(format!(".modelry-pull/{}/files", &digest.as_str()[7..]));
    std::fs::create_dir_all(stage.join("deep")).expect("folders");
    std::fs::write(stage.join("a.bin"), &files[0].1).expect("a file");
    std::fs::write(stage.join("deep/b c.bin"), "wrong").expect("a file");
    std::fs::write(stage.join("deep/stray"), "stray").expect("a file");
    assert_eq!(shop.pulled(&version)[0]["state"], "resumed");
    assert_eq!(server.ranges("/served/a.bin").len(), 2, "it was not asked again");
    assert_eq!(shop.names(), expected("served"));
    for (path, bytes) in &files {
        assert_eq!(shop.read(&format!("served/{path}")), *bytes);
    }

    // Another list than the one recorded, and lists that lead astray.
    let version = folder(&server.uri("/served"), &sha256(b"another"));
    std::fs::remove_dir_all(&shop.folder).expect("a folder");
    let mut told = shop.fails(&version, 1);
    for path in ["../out", "/etc/out", "a/../../out", "nul.txt", "a\\b"] {
        let evil = canonical(&json!([{"path": path, "size": 70_011, "digest": sha256(b"")}]));
        let digest = sha256(&evil);
        let server = Server::start(move |_| Reply::new(200, &evil));
        told.push_str(&shop.fails(&folder(&server.uri("/evil"), &digest), 2));
        assert_eq!(server.log().len(), 1, "nothing was fetched");
    }
    insta::assert_snapshot!(told, @r"
    note: churn/3 is Pending
    error: `http://localhost:PORT/served/manifest.json` is not the list of files that is recorded
       hint: it must be the canonical JSON (RFC 8785) of [{path, size, digest}] sorted by path, whose SHA-256 is the folder's digest
    note: churn/4 is Pending
    error: the folder `http://localhost:PORT/evil` has a file with a name that can't be used: in `../out`, `..` leads out of the folder
       hint: fetch it by hand, and compare its digest
    note: churn/5 is Pending
    error: the folder `http://localhost:PORT/evil` has a file with a name that can't be used: in `/etc/out`, the name is empty
       hint: fetch it by hand, and compare its digest
    note: churn/6 is Pending
    error: the folder `http://localhost:PORT/evil` has a file with a name that can't be used: in `a/../../out`, `..` leads out of the folder
       hint: fetch it by hand, and compare its digest
    note: churn/7 is Pending
    error: the folder `http://localhost:PORT/evil` has a file with a name that can't be used: in `nul.txt`, `nul.txt` is a device on Windows
       hint: fetch it by hand, and compare its digest
    note: churn/8 is Pending
    error: the folder `http://localhost:PORT/evil` has a file with a name that can't be used: in `a\\b`, `a\\b` is a path
       hint: fetch it by hand, and compare its digest
    ");
    assert_eq!(shop.names(), [""; 0]);
}

#[test]
fn names_are_sorted_out_before_anything_is_fetched() {
    let shop = Shop::open();
    let model = bytes(100);
    let served = model.clone();
    let server = Server::start(move |request| Reply::file(&served, request));
    let digest = sha256(&model);
    let artifact = |uri: &str| json!({"uri": uri, "digest": digest});
    let mut told = String::new();
    for artifacts in [
        json!([
            artifact(&server.uri("/a/m.bin")),
            artifact(&server.uri("/b/M.bin"))
        ]),
        json!([artifact(&server.uri("/a/..%2F..%2Fout"))]),
        json!([artifact(&server.uri("/a/%2E%2E"))]),
        json!([artifact(&server.uri("/a/%00"))]),
        json!([artifact(&server.uri("/a/COM1.bin"))]),
        json!([artifact(&server.uri("/a/.modelry-pull"))]),
        json!([artifact(&server.address)]),
        json!([artifact("https://")]),
        json!([artifact("gs://models/m.bin")]),
        json!([artifact("file://elsewhere/m.bin")]),
        json!([artifact("file:///no/such/file")]),
        json!([{"uri": server.uri("/a/m.bin")}]),
    ] {
        let version = shop.register(&artifacts);
        told.push_str(
            &shop
                .fails(&version, 2)
                .replace(&format!("note: {version} is Pending\n"), ""),
        );
    }
    insta::assert_snapshot!(told, @r"
    error: `http://localhost:PORT/a/m.bin` and `http://localhost:PORT/b/M.bin` would both be `M.bin`
       hint: fetch them by hand into folders of their own, and compare their digests
       hint: give the next version's artifacts different names
    error: `http://localhost:PORT/a/..%2F..%2Fout` gives no name for a file: `../../out` is a path
       hint: fetch it by hand, and compare its digest
    error: `http://localhost:PORT/a/%2E%2E` gives no name for a file: `..` leads out of the folder
       hint: fetch it by hand, and compare its digest
    error: `http://localhost:PORT/a/%00` gives no name for a file: `\0` has a character that is not seen
       hint: fetch it by hand, and compare its digest
    error: `http://localhost:PORT/a/COM1.bin` gives no name for a file: `COM1.bin` is a device on Windows
       hint: fetch it by hand, and compare its digest
    error: `http://localhost:PORT/a/.modelry-pull` gives no name for a file: `.modelry-pull` is Modelry's own
       hint: fetch it by hand, and compare its digest
    error: `http://localhost:PORT` gives no name for a file: the name is empty
       hint: fetch it by hand, and compare its digest
    error: `https://` gives no name for a file: the name is empty
       hint: fetch it by hand, and compare its digest
    error: no way leads to `gs://models/m.bin`: Modelry fetches file, http, https and s3
       hint: fetch it with that store's own program, and compare its SHA-256 with the recorded digest
    error: `file://elsewhere/m.bin` is on another machine: `elsewhere`
       hint: a path on this machine is written `file:///…`
    error: can't read /no/such/file
      because: No such file or directory (os error 2)
    error: `http://localhost:PORT/a/m.bin` has no digest to be checked against
       hint: register a version that fixes its bytes: `--artifact URI --digest sha256:…`
    ");
    assert!(server.log().is_empty());
    assert_eq!(shop.names(), [""; 0]);

    // One thing in two places is one thing; images are somebody else's.
    let one = artifact(&server.uri("/a/m.bin"));
    let container = json!({"image": "registry.example.com/m@sha256:1", "artifact": one});
    let spec = json!({
        "inference": {"containers": [container]},
        "additionalInference": [{"name": "other", "inference": {"containers": [container]}}],
        "artifacts": [artifact("data/lora.bin")],
    });
    let file = shop.lab.home().join("spec.json");
    std::fs::write(&file, spec.to_string()).expect("a file");
    // A relative path starts at the top of the work tree.
    shop.lab.write("data/lora.bin", "");
    std::fs::write(shop.lab.top.join("data/lora.bin"), &model).expect("a file");
    let file = file.to_string_lossy().into_owned();
    let out = shop
        .lab
        .ok("admin-1", &["register", "churn", "-f", &file, "--without-digest"]);
    let version = registered(&out);
    let said = shop.pull(&version, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("docker pull registry.example.com/m@sha256:1"),
        "{said:?}"
    );
    assert_eq!(server.log().len(), 1);
    assert_eq!(shop.names(), ["lora.bin", "m.bin"]);
}

#[test]
fn which_version_is_meant() {
    let shop = Shop::open();
    let file = shop.lab.home().join("m.bin");
    std::fs::write(&file, "model").expect("a file");
    let uri = format!("file://{}", file.display());
    let version = shop.file(&uri, b"model");
    let mut told = String::new();
    for (name, code) in [
        ("churn@latest", 3),
        ("churn@production", 3),
        ("churn", 2),
        ("chrn@latest", 2),
        ("churn/7", 2),
    ] {
        told.push_str(&format!("$ modelry pull {name} DIR\n{}", shop.fails(name, code)));
    }
    insta::assert_snapshot!(told, @r"
    $ modelry pull churn@latest DIR
    nothing qualifies: no version of `churn` is Approved
    $ modelry pull churn@production DIR
    nothing qualifies: nothing serves `production` in `churn`
    $ modelry pull churn DIR
    error: `churn` is a group
       hint: name a version: `churn@production`, `churn@latest` or `churn/N`
    $ modelry pull chrn@latest DIR
    error: there is no group `chrn`
       hint: did you mean `churn`?
    $ modelry pull churn/7 DIR
    error: there is no version churn/7
       hint: the highest is churn/1; `modelry list churn` shows them all
    ");
    // A stage means the version that `resolve` answers; staging needs no approvals.
    let _ = shop
        .lab
        .ok("admin-1", &["promote", &version, "staging", "-m", "a try"]);
    let said = shop.pull("churn@staging", &[]);
    assert!(
        said.code == 0 && said.err.contains("note: churn/1 is Pending"),
        "{said:?}"
    );
    let before = shop.lab.git(&["rev-parse", "HEAD"]);
    let _ = shop.lab.ok("admin-1", &["approve", &version, "-m", "good"]);
    let said = shop.pull("churn@latest", &[]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (0, ""),
        "an approved version needs no note"
    );
    let _ = shop
        .lab
        .ok("admin-1", &["promote", &version, "production", "-m", "good"]);
    assert_eq!(shop.pull("churn@production", &[]).code, 0);
    for stage in ["staging", "production"] {
        let _ = shop
            .lab
            .ok("admin-1", &["rollback", "churn", stage, "--empty", "-m", "off"]);
    }
    assert_eq!(
        shop.pull("churn@latest", &["--at", &before]).code,
        3,
        "it was not Approved then"
    );
    let _ = shop.lab.ok("admin-1", &["archive", &version, "-m", "over"]);
    assert_eq!(shop.pull("churn@latest", &[]).code, 3);
    let said = shop.pull(&version, &[]);
    assert!(
        said.code == 0 && said.err.contains("note: churn/1 is Archived"),
        "{said:?}"
    );
    let _ = shop
        .lab
        .ok("admin-1", &["delete", &version, "-m", "contract ended"]);
    assert!(shop.fails(&version, 3).contains("churn/1 is deleted"));
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let shop = Shop::open();
    let file = shop.lab.home().join("m.bin");
    std::fs::write(&file, "model").expect("a file");
    let version = shop.file(&format!("file://{}", file.display()), b"model");
    let digest = sha256(b"model");
    let outside = shop.lab.home().join("outside");
    std::fs::create_dir_all(&outside).expect("a folder");
    std::fs::write(outside.join("mine"), "mine").expect("a file");
    let untouched = || {
        assert_eq!(std::fs::read(outside.join("mine")).expect("a file"), b"mine");
        assert_eq!(std::fs::read_dir(&outside).expect("a folder").count(), 1);
    };
    std::fs::create_dir_all(&shop.folder).expect("a folder");
    // Under the final name.
    symlink(outside.join("mine"), shop.folder.join("m.bin")).expect("a link");
    assert!(shop.fails(&version, 2).contains("with other content"));
    untouched();
    assert_eq!(shop.pull(&version, &["--force"]).code, 0);
    assert!(
        !shop
            .folder
            .join("m.bin")
            .symlink_metadata()
            .expect("a file")
            .is_symlink()
    );
    assert_eq!(shop.read("m.bin"), b"model");
    untouched();
    std::fs::remove_file(shop.folder.join("m.bin")).expect("a file");
    // Where parts wait.
    symlink(&outside, shop.folder.join(".modelry-pull")).expect("a link");
    assert!(shop.fails(&version, 2).contains(".modelry-pull` is no folder"));
    untouched();
    std::fs::remove_file(shop.folder.join(".modelry-pull")).expect("a link");
    std::fs::create_dir(shop.folder.join(".modelry-pull")).expect("a folder");
    let part = shop
        .folder
        .join(format!(".modelry-pull/{}.part", &digest.as_str()[7..]));
    symlink(outside.join("mine"), &part).expect("a link");
    assert!(shop.fails(&version, 2).contains("is no plain file"));
    untouched();
}

#[test]
fn two_at_once_wait_for_one_another() {
    let shop = Shop::open();
    let model = bytes(1 << 20);
    let served = model.clone();
    let server = Server::start(move |request| Reply {
        pause: Duration::from_millis(50),
        ..Reply::file(&served, request)
    });
    let version = shop.file(&server.uri("/m.bin"), &model);
    let children: Vec<_> = (0..3)
        .map(|_| {
            let mut command = shop.command(&version, &["-o", "json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("a process")
        })
        .collect();
    let mut states = Vec::new();
    for child in children {
        let output = child.wait_with_output().expect("a process");
        assert!(output.status.success(), "{output:?}");
        let done: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        states.push(done[0]["state"].as_str().unwrap_or_default().to_owned());
    }
    states.sort();
    assert_eq!(states, ["fetched", "present", "present"]);
    assert_eq!(server.log().len(), 1);
    assert_eq!(shop.read("m.bin"), model);
    assert_eq!(shop.names(), ["m.bin"]);
}

#[test]
fn a_disk_that_takes_no_more() {
    needs![PRLIMIT];
    let shop = Shop::open();
    let model = bytes(3 << 20);
    let served = model.clone();
    let server = Server::start(move |request| Reply::file(&served, request));
    let version = shop.file(&server.uri("/m.bin"), &model);
    // No file may grow beyond 1 MiB: what a full disk does, without one.
    let mut limited = shop.lab.command("sh");
    let folder = shop.folder.to_string_lossy().into_owned();
    limited.current_dir(&shop.lab.top).args([
        "-c",
        "trap '' XFSZ; exec prlimit --fsize=1048576 -- \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_modelry"),
        "pull",
        &version,
        &folder,
    ]);
    let told = said(&mut limited);
    assert_eq!(told.code, 2, "{told:?}");
    insta::assert_snapshot!(shop.scrub(&told.err), @r"
    note: churn/1 is Pending
    error: can't write [HOME]/here/.modelry-pull/c34d65fb30f882ca497c36ef4468cd1b757f0f1c148a12130c5b7fc47a1d251d.part
      because: File too large (os error 27)
    ");
    assert!(!shop.folder.join("m.bin").exists());
    assert_eq!(shop.pulled(&version)[0]["state"], "resumed");
    assert_eq!(server.ranges("/m.bin"), [None, Some(1 << 20)]);
    assert_eq!(shop.read("m.bin"), model);
    // Something else in the folder's place.
    std::fs::remove_dir_all(&shop.folder).expect("a folder");
    std::fs::write(&shop.folder, "a file").expect("a file");
    assert!(shop.fails(&version, 2).contains("can't create [HOME]/here"));
}

#[test]
fn a_bar_where_somebody_watches() {
    needs![SCRIPT];
    let shop = Shop::open();
    let model = bytes(1 << 20);
    let served = model.clone();
    let server = Server::start(move |request| Reply {
        pause: Duration::from_millis(50),
        ..Reply::file(&served, request)
    });
    let version = shop.file(&server.uri("/m.bin"), &model);
    let inner = format!(
        "{} pull {version} '{}'",
        env!("CARGO_BIN_EXE_modelry"),
        shop.folder.display()
    );
    let mut terminal = shop.lab.command("script");
    terminal.env("TERM", "xterm").args(["-qec", &inner, "/dev/null"]);
    terminal.current_dir(&shop.lab.top).stdin(Stdio::null());
    let said = said(&mut terminal);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("fetching m.bin") && said.out.contains("MiB/s"),
        "{said:?}"
    );
    assert!(said.out.contains("m.bin: fetched, 1.00 MiB"), "{said:?}");
}

#[cfg(not(feature = "s3"))]
#[test]
fn without_the_feature_a_store_is_out_of_reach() {
    let shop = Shop::open();
    let version = shop.file("s3://models/churn/m.bin", b"model");
    insta::assert_snapshot!(shop.fails(&version, 2), @r"
    note: churn/1 is Pending
    error: `s3://models/churn/m.bin` is in a store, and this Modelry is built without the feature `s3`
       hint: build it in: `cargo install --path . --features s3`
       hint: or fetch it with `aws s3 cp s3://models/churn/m.bin …`, and compare its SHA-256 with the digest that `modelry resolve` shows
    ");
}

/// Opening a pipe would wait for somebody who writes to it, for ever.
#[test]
fn a_pipe_or_a_device_is_no_artifact() {
    let lab = crate::support::Lab::with_registry();
    let told = |arguments: &[&str]| {
        let mut command = lab.command("timeout");
        lab.as_actor(&mut command, "trainer");
        let program = ["30", env!("CARGO_BIN_EXE_modelry")];
        said(command.args(program).args(arguments).current_dir(&lab.top))
    };
    let place = lab.home().join("m.bin");
    std::fs::write(&place, "weights").expect("a file");
    let shown = place.to_string_lossy().into_owned();
    let registered = told(&["register", "churn", "--artifact", &shown]);
    assert_eq!(registered.code, 0, "{registered:?}");
    std::fs::remove_file(&place).expect("removed");
    let made = Command::new("mkfifo").arg(&place).status();
    assert!(made.expect("mkfifo").success());
    for line in [
        &["register", "churn", "--artifact", &shown][..],
        &["register", "churn", "--artifact", "/dev/zero"],
        &["pull", "churn/1", "out"],
    ] {
        let told = told(line);
        assert_eq!(told.code, 2, "{line:?}: {told:?}");
        assert!(told.err.contains("no plain file"), "{line:?}: {told:?}");
    }
}
