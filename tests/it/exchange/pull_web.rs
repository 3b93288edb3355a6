//! `pull` over http and https: what arrives is what was registered, or nothing
//! does.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use modelry::testing::record::canonical::sha256;
use serde_json::json;

use crate::support::needs::{OPENSSL, needs};
use crate::support::said;
use crate::support::server::{Reply, Server};
use crate::support::shop::{Shop, bytes, part};
use crate::support::wait::wait_for;

#[test]
fn what_differs_leaves_nothing_behind() {
    let shop = Shop::open();
    let model = bytes(200_000);
    let served = model.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/wrong" => Reply::new(200, &bytes(200_001)[1..]),
        "/short" => Reply::new(200, &served[..1000]),
        "/long" => Reply::new(200, &[&served[..], b"more"].concat()),
        "/endless" => Reply {
            announced: None,
            endless: true,
            ..Reply::new(200, &served)
        },
        "/packed" => Reply::new(200, &served).with("Content-Encoding", "gzip"),
        other => panic!("{other}"),
    });
    let mut told = String::new();
    for path in ["/wrong", "/short", "/long", "/endless"] {
        let version = shop.file(&server.uri(path), &model);
        told.push_str(&shop.fails(&version, 1));
        assert_eq!(shop.names(), [""; 0], "{path}");
        // The earlier content is not touched either.
        std::fs::write(shop.folder.join(&path[1..]), "old").expect("a file");
        assert_eq!(shop.pull(&version, &["--force"]).code, 1);
        assert_eq!(shop.read(&path[1..]), b"old");
        std::fs::remove_file(shop.folder.join(&path[1..])).expect("a file");
    }
    let version = shop.file(&server.uri("/packed"), &model);
    told.push_str(&shop.fails(&version, 2));
    insta::assert_snapshot!(told, @r"
    note: churn/1 is Pending
    error: `http://localhost:PORT/wrong` has the digest sha256:[ID], and sha256:[ID] is recorded
       hint: it is not what was registered: ask whoever keeps it there
    note: churn/2 is Pending
    error: `http://localhost:PORT/short` has 1000 bytes, and 200000 are recorded
       hint: it is not what was registered: ask whoever keeps it there
    note: churn/3 is Pending
    error: `http://localhost:PORT/long` has 200004 bytes, and 200000 are recorded
       hint: it is not what was registered: ask whoever keeps it there
    note: churn/4 is Pending
    error: `http://localhost:PORT/endless` has more bytes, and 200000 are recorded
       hint: it is not what was registered: ask whoever keeps it there
    note: churn/5 is Pending
    error: `http://localhost:PORT/packed` answers with packed bytes, and was asked for plain ones
    ");
}

#[test]
fn a_lost_connection_goes_on_where_it_broke() {
    let shop = Shop::open();
    let model = bytes(3 << 20);
    let served = model.clone();
    let server = Server::start(move |request| {
        let reply = Reply::file(&served, request);
        match (request.path.as_str(), request.earlier) {
            // No announced length: an early end looks like an end.
            ("/silent", 0) => Reply {
                announced: None,
                dropped_after: Some(1_500_000),
                ..reply
            },
            ("/drops", 0 | 1) => Reply {
                dropped_after: Some(1_000_000),
                ..reply
            },
            ("/stubborn", 0) => Reply {
                dropped_after: Some(1_000_000),
                ..reply
            },
            // Ranges are only a wish.
            ("/stubborn", _) => Reply::new(200, &served),
            ("/changes", 0) => Reply {
                dropped_after: Some(1_000_000),
                ..Reply::new(200, &bytes(3 << 20)[1..]).with("ETag", "\"old\"")
            },
            _ => reply,
        }
    });
    for (path, ranges) in [
        ("/drops", vec![None, Some(1_000_000), Some(2_000_000)]),
        ("/silent", vec![None, Some(1_500_000)]),
        ("/stubborn", vec![None, Some(1_000_000)]),
        ("/changes", vec![None, Some(1_000_000)]),
    ] {
        let version = shop.file(&server.uri(path), &model);
        let said = shop.pull(&version, &[]);
        assert_eq!(said.code, 0, "{path}: {said:?}");
        assert!(said.err.contains("trying again in 0.5 s"), "{said:?}");
        assert_eq!(shop.read(&path[1..]), model, "{path}");
        assert_eq!(server.ranges(path), ranges, "{path}");
    }
    assert_eq!(
        shop.names(),
        ["changes", "drops", "silent", "stubborn"],
        "nothing else is left"
    );
}

#[test]
fn a_killed_pull_is_resumed() {
    let shop = Shop::open();
    let model = bytes(4 << 20);
    let served = model.clone();
    let server = Server::start(move |request| Reply {
        pause: Duration::from_millis(if request.earlier == 0 { 100 } else { 0 }),
        ..Reply::file(&served, request)
    });
    let version = shop.file(&server.uri("/model.bin"), &model);
    let mut child = shop
        .command(&version, &[])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let size = || {
        part(&shop.folder)
            .and_then(|part| part.metadata().ok())
            .map_or(0, |meta| meta.len())
    };
    wait_for("the first bytes", || size() > 1 << 20);
    // SIGKILL: nothing can be tidied up.
    child.kill().expect("a process");
    child.wait().expect("a process");
    assert!(!shop.folder.join("model.bin").exists());
    let kept = usize::try_from(size()).expect("a size");
    assert!(kept < model.len());

    let resumed = shop.pulled(&version);
    assert_eq!(resumed[0]["state"], "resumed");
    assert_eq!(server.ranges("/model.bin"), [None, Some(kept)]);
    let mark = format!("\"{}\"", sha256(&model).short());
    assert_eq!(server.log()[1].header("if-range"), Some(mark.as_str()));
    assert_eq!(shop.read("model.bin"), model);
    assert_eq!(shop.names(), ["model.bin"]);
}

#[test]
fn parts_of_any_age_are_put_right() {
    let shop = Shop::open();
    let model = bytes(100_000);
    let served = model.clone();
    let server = Server::start(move |request| Reply::file(&served, request));
    let sized = shop.file(&server.uri("/a"), &model);
    let digest = sha256(&model);
    let unsized_ = shop.register(&json!([{"uri": server.uri("/a"), "digest": digest}]));
    let hex = &digest.as_str()[7..];
    let part = shop.folder.join(format!(".modelry-pull/{hex}.part"));
    for version in [&sized, &unsized_] {
        for (left, state) in [
            // Whole already: only its name was missing.
            (model.clone(), "resumed"),
            (model[..50_000].to_vec(), "resumed"),
            // Of other content, shorter, as long, and longer.
            (vec![0; 50_000], "fetched"),
            (vec![0; 100_000], "fetched"),
            (vec![0; 200_000], "fetched"),
        ] {
            std::fs::create_dir_all(part.parent().expect("a folder")).expect("a folder");
            std::fs::write(&part, &left).expect("a file");
            assert_eq!(shop.pulled(version)[0]["state"], state, "{} bytes", left.len());
            assert_eq!(shop.read("a"), model);
            assert_eq!(shop.names(), ["a"]);
            std::fs::remove_file(shop.folder.join("a")).expect("a file");
        }
    }
}

#[test]
fn patience_has_bounds() {
    let shop = Shop::open();
    let model = bytes(1000);
    let served = model.clone();
    let server = Server::start(move |request| match (request.path.as_str(), request.earlier) {
        ("/recovers", 0) => Reply::new(500, b"oh"),
        ("/recovers", 1) => Reply::new(503, b"oh").with("Retry-After", "1"),
        ("/never", _) => Reply::new(500, b"oh"),
        ("/lies", _) => Reply {
            announced: Some(1000),
            dropped_after: Some(600),
            ..Reply::new(200, &served)
        },
        ("/gone", _) => Reply::new(404, b"no"),
        ("/secret", _) => Reply::new(403, b"no"),
        _ => Reply::file(&served, request),
    });
    let version = shop.file(&server.uri("/recovers"), &model);
    let said = shop.pull(&version, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    insta::assert_snapshot!(shop.scrub(&said.err), @r"
    note: churn/1 is Pending
    note: can't fetch `http://localhost:PORT/recovers`: it answers 500 Internal Server Error; trying again in 0.5 s
    note: can't fetch `http://localhost:PORT/recovers`: it answers 503 Service Unavailable; trying again in 1.0 s
    ");

    let mut told = String::new();
    for path in ["/never", "/lies", "/gone", "/secret"] {
        let version = shop.file(&server.uri(path), &model);
        told.push_str(&shop.fails(&version, 2));
        assert!(!shop.folder.join(&path[1..]).exists());
    }
    insta::assert_snapshot!(told, @r"
    note: churn/2 is Pending
    note: can't fetch `http://localhost:PORT/never`: it answers 500 Internal Server Error; trying again in 0.5 s
    note: can't fetch `http://localhost:PORT/never`: it answers 500 Internal Server Error; trying again in 1.0 s
    note: can't fetch `http://localhost:PORT/never`: it answers 500 Internal Server Error; trying again in 2.0 s
    note: can't fetch `http://localhost:PORT/never`: it answers 500 Internal Server Error; trying again in 4.0 s
    error: can't fetch `http://localhost:PORT/never`: it answers 500 Internal Server Error (5 tries)
       hint: what has arrived is kept: the same command goes on from there
    note: churn/3 is Pending
    note: can't fetch `http://localhost:PORT/lies`: Peer disconnected; trying again in 0.5 s
    note: can't fetch `http://localhost:PORT/lies`: Peer disconnected; trying again in 1.0 s
    note: can't fetch `http://localhost:PORT/lies`: Peer disconnected; trying again in 2.0 s
    note: can't fetch `http://localhost:PORT/lies`: Peer disconnected; trying again in 4.0 s
    error: can't fetch `http://localhost:PORT/lies`: Peer disconnected (5 tries)
       hint: what has arrived is kept: the same command goes on from there
    note: churn/4 is Pending
    error: `http://localhost:PORT/gone` answers 404 Not Found
       hint: ask whoever registered it where it is now
    note: churn/5 is Pending
    error: `http://localhost:PORT/secret` answers 403 Forbidden
       hint: fetch it with a program that has the right to, and compare its digest
    ");
    assert_eq!(server.ranges("/never").len(), 5);
    assert_eq!(server.ranges("/gone").len(), 1, "it is told at once");
}

/// A certificate authority and a server's certificate, thrown away after the
/// test: the authority's file, and what the server needs.
pub fn authority(home: &Path) -> (PathBuf, Arc<rustls::ServerConfig>) {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(home)
            .output()
            .expect("openssl is needed by this test");
        assert!(
            output.status.success(),
            "openssl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let curve = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let mut ca = vec!["req", "-x509", "-days", "2", "-subj", "/CN=throwaway"];
    ca.extend(["-keyout", "ca.key", "-out", "ca.pem"]);
    ca.extend(curve);
    openssl(&ca);
    let mut leaf = vec![
        "req",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "leaf.key",
        "-out",
        "leaf.csr",
    ];
    leaf.extend(curve);
    openssl(&leaf);
    std::fs::write(
        home.join("leaf.ext"),
        "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n",
    )
    .expect("a file");
    openssl(&[
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        "leaf.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "leaf.ext",
        "-out",
        "leaf.pem",
    ]);
    let certificate = CertificateDer::from_pem_file(home.join("leaf.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(home.join("leaf.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a configuration");
    (home.join("ca.pem"), Arc::new(config))
}

#[test]
fn https_with_the_certificate_of_a_company() {
    needs![OPENSSL];
    let shop = Shop::open();
    let (ca, config) = authority(shop.lab.home());
    let model = bytes(100_000);
    let served = model.clone();
    let plain = Server::start(move |_| Reply::new(200, b"over http"));
    let away = plain.uri("/away");
    let server = Server::start_tls(config, move |request| match request.path.as_str() {
        "/away" => Reply::to(&away),
        path => match path.strip_prefix("/hop-").and_then(|n| n.parse::<u32>().ok()) {
            Some(0) | None => Reply::file(&served, request),
            Some(n) => Reply::to(&format!("/hop-{}", n - 1)),
        },
    });
    let pull = |version: &str, trust: Option<&Path>| {
        let mut command = shop.command(version, &[]);
        if let Some(trust) = trust {
            command.env("SSL_CERT_FILE", trust);
        }
        said(&mut command)
    };
    let version = shop.file(&server.uri("/model.bin"), &model);
    let mut told = String::new();
    for trust in [None, Some(Path::new("/dev/null"))] {
        let said = pull(&version, trust);
        assert_eq!(said.code, 2, "{said:?}");
        told.push_str(&shop.scrub(&said.err));
    }
    let said = pull(&version, Some(&ca));
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(shop.read("model.bin"), model);

    let version = shop.file(&server.uri("/hop-5"), &model);
    assert_eq!(pull(&version, Some(&ca)).code, 0);
    for path in ["/hop-6", "/away"] {
        let said = pull(&shop.file(&server.uri(path), &model), Some(&ca));
        assert_eq!(said.code, 2, "{said:?}");
        told.push_str(&shop.scrub(&said.err));
    }
    assert!(plain.log().is_empty(), "http was never asked");
    insta::assert_snapshot!(told, @r"
    note: churn/1 is Pending
    error: `https://localhost:PORT/model.bin` can't be trusted: invalid peer certificate: UnknownIssuer
       hint: behind a proxy that opens TLS, name its certificate: `SSL_CERT_FILE=FILE.pem`
    note: churn/1 is Pending
    error: no certificate can be read where SSL_CERT_FILE or SSL_CERT_DIR says: it holds none
       hint: name a file of certificates in PEM, or unset them
    note: churn/3 is Pending
    error: `https://localhost:PORT/hop-6` points elsewhere more than 5 times
    note: churn/4 is Pending
    error: `https://localhost:PORT/away` points from https to http
    ");

    // An older record may hold a login: the server gets it, and people do not see it.
    let with_password = server
        .uri("/model.bin")
        .replace("https://", "https://trainer:p%40ss@");
    let version = shop.older_file(&with_password, &model);
    std::fs::remove_file(shop.folder.join("model.bin")).expect("a file");
    let untrusted = pull(&version, None);
    assert_eq!(untrusted.code, 2, "{untrusted:?}");
    let said = pull(&version, Some(&ca));
    assert_eq!(said.code, 0, "{said:?}");
    let log = server.log();
    assert_eq!(
        log.last().and_then(|request| request.header("authorization")),
        Some("Basic dHJhaW5lcjpwQHNz")
    );
    let shown = format!("{said:?}{untrusted:?}");
    assert!(!shown.contains("ss@") && !shown.contains("p%40ss"), "{shown}");
}

#[test]
fn a_proxy_that_leads_nowhere() {
    let shop = Shop::open();
    let proxy = Server::start(|_| Reply::new(407, b""));
    let version = shop.file("https://models.example.com/m.bin", b"model");
    let mut command = shop.command(&version, &[]);
    command.env(
        "HTTPS_PROXY",
        proxy.address.replace("http://", "http://who:throwaway@"),
    );
    let said = said(&mut command);
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(proxy.log()[0].path, "models.example.com:443");
    insta::assert_snapshot!(shop.scrub(&said.err), @r"
    note: churn/1 is Pending
    error: the proxy leads nowhere on the way to `https://models.example.com/m.bin`
       hint: look at HTTPS_PROXY, ALL_PROXY and NO_PROXY
    ");
}
