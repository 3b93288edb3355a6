//! OpenPGP with real GnuPG: what is verified in this process, git's own verdict
//! beside it, and a registry whose people sign with gpg.

use std::process::{Command, Stdio};

use modelry::testing::signature::openpgp::verify;
use modelry::testing::signature::{Certificate, OpenPgpFault};

use crate::support::gnupg::Gnupg;
use crate::support::needs::{GPG, needs};
use crate::support::{Lab, Said, said};

const PAYLOAD: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@example.com> 1790000000 +0000\ncommitter A <a@example.com> 1790000000 +0000\n\nsigned\n";

/// Returns git's verdict on a commit with this signature; gpg may be given a time.
fn git_agrees(lab: &Lab, armor: &str, time: Option<&str>) -> bool {
    let folded = armor.trim_end().replace('\n', "\n ");
    let bytes = PAYLOAD.replacen("\n\n", &format!("\ngpgsig {folded}\n\n"), 1);
    let mut child = lab
        .command("git")
        .args(["hash-object", "-t", "commit", "-w", "--stdin"])
        .current_dir(&lab.top)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), bytes.as_bytes()).expect("bytes");
    let output = child.wait_with_output().expect("git");
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(!id.is_empty(), "git hash-object");
    let program = lab.home().join("gpg-then");
    let script = format!(
        "#!/bin/sh\nexec gpg {} \"$@\"\n",
        time.map(|time| format!("--faked-system-time {time}"))
            .unwrap_or_default()
    );
    std::fs::write(&program, script).expect("a script");
    let chmod = Command::new("chmod").arg("+x").arg(&program).status();
    assert!(chmod.expect("chmod").success());
    let verdict = lab
        .command("git")
        .args([
            "-c",
            &format!("gpg.program={}", program.display()),
            "verify-commit",
            &id,
        ])
        .current_dir(&lab.top)
        .output()
        .expect("git");
    verdict.status.success()
}

#[track_caller]
fn good(lab: &Lab, certificate: &str, armor: &str, time: Option<&str>) -> String {
    let certificate = Certificate::parse(certificate).expect("a certificate");
    assert_eq!(certificate.weakness(), None);
    let signer = verify([&certificate], armor, PAYLOAD.as_bytes()).expect("a good signature");
    assert!(git_agrees(lab, armor, time), "git agrees");
    assert!(
        verify([&certificate], armor, format!("{PAYLOAD} ").as_bytes()).is_err(),
        "of these bytes alone"
    );
    signer
}

#[track_caller]
fn bad(certificate: &str, armor: &str) -> String {
    let certificate = Certificate::parse(certificate).expect("a certificate");
    match verify([&certificate], armor, PAYLOAD.as_bytes()) {
        Err(OpenPgpFault::Bad(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "needs GnuPG"]
fn every_kind_of_key_is_believed_as_git_believes_it() {
    needs![GPG];
    let lab = Lab::empty();
    let gpg = Gnupg::new(&lab);
    for algorithm in [
        "rsa2048", "rsa3072", "ed25519", "nistp256", "nistp384", "nistp521",
    ] {
        let print = gpg.certificate(algorithm, algorithm, "sign");
        for hash in ["SHA256", "SHA384", "SHA512"] {
            let Ok(armor) = gpg.try_run(
                &["-u", &print, "--digest-algo", hash, "--armor", "--detach-sign"],
                PAYLOAD.as_bytes(),
            ) else {
                // A curve asks for a hash of its own size.
                assert!(algorithm.starts_with("nistp"), "{algorithm} {hash}");
                continue;
            };
            if algorithm == "nistp521" && hash != "SHA512" || algorithm == "nistp384" && hash == "SHA256" {
                assert!(bad(&gpg.export(&print), &armor).contains("something else"));
                continue;
            }
            assert_eq!(
                good(&lab, &gpg.export(&print), &armor, None),
                print,
                "{algorithm} {hash}"
            );
        }
    }
}

#[test]
#[ignore = "needs GnuPG"]
fn subkeys_sign_for_their_primary_key_and_nobody_elses() {
    needs![GPG];
    let lab = Lab::empty();
    let gpg = Gnupg::new(&lab);
    let primary = gpg.certificate("risk", "ed25519", "cert");
    for algorithm in ["ed25519", "rsa3072", "rsa2048"] {
        gpg.run(&["--quick-add-key", &primary, algorithm, "sign", "never"], b"");
    }
    gpg.run(&["--quick-add-key", &primary, "cv25519", "encr", "never"], b"");
    let prints = gpg.fingerprints("risk");
    let certificate = Certificate::parse(&gpg.export("risk")).expect("a certificate");
    assert_eq!(certificate.fingerprint(), primary);
    assert_eq!(
        certificate.fingerprints(),
        &prints[..4],
        "all that sign, and no more"
    );
    for print in &prints[1..4] {
        let armor = gpg.sign(&["-u", &format!("{print}!")], PAYLOAD.as_bytes());
        assert_eq!(good(&lab, &gpg.export("risk"), &armor, None), *print);
    }
    let other = gpg.certificate("other", "ed25519", "sign");
    let armor = gpg.sign(&["-u", &other], PAYLOAD.as_bytes());
    assert_eq!(
        verify([&certificate], &armor, PAYLOAD.as_bytes()),
        Err(OpenPgpFault::UnknownKey(other))
    );
    // A certificate that only certifies proves nothing.
    gpg.certificate("certifier", "ed25519", "cert");
    let certifier = Certificate::parse(&gpg.export("certifier")).expect("a certificate");
    assert_eq!(
        certifier.weakness().as_deref(),
        Some("it is no key for signatures")
    );
}

#[test]
#[ignore = "needs GnuPG"]
fn weak_hashes_text_mode_and_several_packets_are_refused() {
    needs![GPG];
    let lab = Lab::empty();
    let gpg = Gnupg::new(&lab);
    let a = gpg.certificate("a", "rsa3072", "sign");
    let b = gpg.certificate("b", "ed25519", "sign");
    let certificate = gpg.export(&a);
    for hash in ["SHA1", "RIPEMD160", "SHA224"] {
        let armor = gpg.sign(
            &["--digest-algo", hash, "--allow-weak-digest-algos", "-u", &a],
            PAYLOAD.as_bytes(),
        );
        assert!(bad(&certificate, &armor).contains("weak hash"), "{hash}");
    }
    let armor = gpg.sign(&["--textmode", "-u", &a], PAYLOAD.as_bytes());
    assert!(bad(&certificate, &armor).contains("text mode"));
    let armor = gpg.sign(&["-u", &a, "-u", &b], PAYLOAD.as_bytes());
    assert!(bad(&certificate, &armor).contains("holds 2 packets"));
    assert!(!git_agrees(&lab, &armor, None), "git refuses several, too");
    let one = gpg.sign(&["-u", &a], PAYLOAD.as_bytes());
    assert!(bad(&certificate, &format!("{one}{one}")).contains("more than one armoured block"));
    // A message that contains the signed bytes is not a detached signature.
    let whole = gpg.run(&["-u", &a, "--armor", "--sign"], PAYLOAD.as_bytes());
    assert!(bad(&certificate, &whole).contains("malformed"));
    let armor = gpg.sign(&["--default-sig-expire", "1y", "-u", &a], PAYLOAD.as_bytes());
    assert!(bad(&certificate, &armor).contains("expires"));
    // Secret keys, two certificates, old binding signatures.
    let secret = gpg.run(&["--armor", "--export-secret-keys", &a], b"");
    assert!(
        Certificate::parse(&secret)
            .expect_err("secret")
            .contains("private key")
    );
    let hidden = secret.replace("PRIVATE KEY BLOCK", "PUBLIC KEY BLOCK");
    assert!(
        Certificate::parse(&hidden)
            .expect_err("secret")
            .contains("secret key")
    );
    let two = gpg.run(&["--armor", "--export", &a, &b], b"");
    assert!(
        Certificate::parse(&two)
            .expect_err("two")
            .contains("two certificates")
    );
    let old = ["--cert-digest-algo", "SHA1", "--allow-weak-digest-algos"];
    gpg.run(
        &[
            &old[..],
            &[
                "--quick-generate-key",
                "old <old@example.com>",
                "ed25519",
                "sign",
                "never",
            ],
        ]
        .concat(),
        b"",
    );
    let old = Certificate::parse(&gpg.export("old")).expect("a certificate");
    assert!(old.weakness().expect("weak").contains("weak hash SHA-1"));
    for (algorithm, why) in [
        ("rsa1024", "2048 bits"),
        ("dsa2048", "DSA"),
        ("secp256k1", "not supported"),
    ] {
        gpg.certificate(algorithm, algorithm, "sign");
        let weak = Certificate::parse(&gpg.export(algorithm)).expect("a certificate");
        let told = weak.weakness().expect("weak");
        assert!(told.contains(why), "{told}");
        let armor = gpg.sign(&["-u", algorithm], PAYLOAD.as_bytes());
        assert!(
            verify([&weak], &armor, PAYLOAD.as_bytes()).is_err(),
            "{algorithm}"
        );
    }
}

#[test]
#[ignore = "needs GnuPG"]
fn a_certificate_proves_what_was_signed_in_its_life() {
    needs![GPG];
    let lab = Lab::empty();
    let gpg = Gnupg::new(&lab);
    let at = |day: &str| format!("--faked-system-time={day}T000000");
    gpg.run(
        &[
            &at("20200101"),
            "--quick-generate-key",
            "e <e@example.com>",
            "ed25519",
            "sign",
            "10d",
        ],
        b"",
    );
    let print = gpg.fingerprints("e")[0].clone();
    let short = gpg.export("e");
    let alive = gpg.sign(&[&at("20200105"), "-u", "e"], PAYLOAD.as_bytes());
    assert_eq!(good(&lab, &short, &alive, Some("20200106T000000")), print);
    // Its life is made longer: what is signed then is good by the new one alone.
    gpg.run(&[&at("20200108"), "--quick-set-expire", &print, "0"], b"");
    let late = gpg.sign(&[&at("20200201"), "-u", "e"], PAYLOAD.as_bytes());
    assert_eq!(good(&lab, &gpg.export("e"), &late, None), print);
    assert!(bad(&short, &late).contains("expired"), "by the old one");
    // Signed, as it says, before there was a key.
    let early = gpg.sign(
        &[&at("20191231"), "--ignore-time-conflict", "-u", "e"],
        PAYLOAD.as_bytes(),
    );
    assert!(bad(&gpg.export("e"), &early).contains("older than"));
}

#[test]
#[ignore = "needs GnuPG"]
fn revocations_are_hard_or_soft() {
    needs![GPG];
    let lab = Lab::empty();
    let gpg = Gnupg::new(&lab);
    let at = |day: &str| format!("--faked-system-time={day}T000000");
    let revoke = |name: &str, day: &str, reason: &str| {
        let answers = format!("y\n{reason}\n\ny\n");
        let block = gpg.run(
            &[
                &at(day),
                "--no-batch",
                "--command-fd",
                "0",
                "--status-fd",
                "2",
                "--gen-revoke",
                name,
            ],
            answers.as_bytes(),
        );
        gpg.run(&["--import"], block.as_bytes());
        gpg.export(name)
    };
    for (name, reason, hard) in [
        ("none", "0", true),
        ("stolen", "1", true),
        ("newer", "2", false),
        ("unused", "3", false),
    ] {
        gpg.run(
            &[
                &at("20200101"),
                "--quick-generate-key",
                &format!("{name} <{name}@example.com>"),
                "ed25519",
                "sign",
                "never",
            ],
            b"",
        );
        let print = gpg.fingerprints(name)[0].clone();
        let before = gpg.sign(&[&at("20200105"), "-u", name], PAYLOAD.as_bytes());
        let after = gpg.sign(&[&at("20200115"), "-u", name], PAYLOAD.as_bytes());
        assert_eq!(good(&lab, &gpg.export(name), &before, None), print);
        let certificate = revoke(name, "20200110", reason);
        assert!(
            Certificate::parse(&certificate)
                .expect("a certificate")
                .is_revoked()
        );
        assert!(bad(&certificate, &after).contains("revoked"), "{name}");
        assert!(!git_agrees(&lab, &after, None), "git refuses it, too");
        let parsed = Certificate::parse(&certificate).expect("a certificate");
        let verdict = verify([&parsed], &before, PAYLOAD.as_bytes());
        assert_eq!(verdict.is_err(), hard, "{name}: {verdict:?}");
    }
    // A subkey alone.
    let primary = gpg.certificate("sub", "ed25519", "sign");
    gpg.run(&["--quick-add-key", &primary, "ed25519", "sign", "never"], b"");
    let prints = gpg.fingerprints("sub");
    let by_sub = gpg.sign(&["-u", &format!("{}!", prints[1])], PAYLOAD.as_bytes());
    let by_primary = gpg.sign(&["-u", &format!("{primary}!")], PAYLOAD.as_bytes());
    assert_eq!(good(&lab, &gpg.export("sub"), &by_sub, None), prints[1]);
    gpg.run(
        &[
            "--no-batch",
            "--command-fd",
            "0",
            "--status-fd",
            "2",
            "--edit-key",
            &primary,
        ],
        b"key 1\nrevkey\ny\n1\n\ny\nsave\n",
    );
    assert!(bad(&gpg.export("sub"), &by_sub).contains("revoked"));
    assert!(!git_agrees(&lab, &by_sub, None));
    assert_eq!(good(&lab, &gpg.export("sub"), &by_primary, None), primary);
}

/// Modelry as somebody who signs with gpg, by this `user.signingkey`.
fn with_gpg(lab: &Lab, who: &str, key: &str, arguments: &[&str]) -> Said {
    let mut command = lab.modelry(who, arguments);
    command
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "gpg.format")
        .env("GIT_CONFIG_VALUE_0", "openpgp")
        .env("GIT_CONFIG_KEY_1", "user.signingkey")
        .env("GIT_CONFIG_VALUE_1", key);
    said(&mut command)
}

#[track_caller]
fn ok(said: Said) -> String {
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said.out
}

#[test]
#[ignore = "needs GnuPG"]
fn a_registry_whose_people_sign_with_gpg() {
    needs![GPG];
    let lab = Lab::empty();
    let gpg = Gnupg::new(&lab);
    let admin = gpg.certificate("admin-1", "ed25519", "cert");
    gpg.run(&["--quick-add-key", &admin, "ed25519", "sign", "never"], b"");
    let risk = gpg.certificate("risk-1", "rsa3072", "sign");
    // Without user.signingkey, git asks for the committer's name and address.
    let by_admin = |arguments: &[&str]| with_gpg(&lab, "admin-1", "", arguments);
    let by_risk = |arguments: &[&str]| with_gpg(&lab, "risk-1", &risk, arguments);
    let _ = ok(by_admin(&["init", "--actor", "admin-1"]));
    let policy = lab.read("registry.yaml");
    assert!(
        policy.contains("openpgp: |\n") && policy.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"),
        "{policy}"
    );
    let stranger = ok(by_risk(&["whoami"]));
    assert!(
        stranger.contains(&format!(
            "gpg --armor --export --export-options export-minimal {risk} > NAME.asc"
        )),
        "{stranger}"
    );
    let _ = ok(by_admin(&[
        "actor",
        "add",
        "risk-1",
        "--key",
        &gpg.file("risk-1"),
    ]));
    let host = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/vectors/openpgp/web-flow-2024.asc"
    );
    let _ = ok(by_admin(&[
        "actor", "add", "host", "--kind", "forge", "--key", host,
    ]));
    let _ = ok(by_admin(&[
        "grant",
        "add",
        "risk-1",
        "--allow",
        "approve,reject",
        "--groups",
        "*",
    ]));
    let _ = ok(by_admin(&["group", "create", "churn"]));
    let digest = format!("sha256:{}", "a".repeat(64));
    let register = |uri: &str| {
        let arguments = ["register", "churn", "--artifact", uri, "--digest", &digest];
        let _ = ok(by_admin(&arguments));
    };
    register("s3://m/1");
    register("s3://m/2");
    let _ = ok(by_risk(&["approve", "churn/1", "-m", "good"]));
    let range = format!("{}..HEAD", lab.root());
    let clean = lab.ok("admin-1", &["validate", &range]);
    assert!(clean.contains("no finding") || clean.contains("clean"), "{clean}");
    let review = lab.read("groups/churn/versions/1/reviews/risk-1.yaml");
    assert!(review.contains("-----BEGIN PGP SIGNATURE-----"), "{review}");
    for commit in lab.git(&["rev-list", "HEAD"]).lines() {
        let verdict = lab.git_as("admin-1", &["verify-commit", commit]);
        assert!(
            verdict.status.success(),
            "git verify-commit {commit}: {verdict:?}"
        );
    }
    assert_eq!(lab.git(&["status", "--porcelain"]), "");
    let listed = lab.ok("admin-1", &["actor", "list"]);
    for print in [&admin, &risk, "968479A1AFF927E37D1A566BB5690EEEBB952194"] {
        assert!(listed.contains(print), "{listed}");
    }
    assert!(ok(by_risk(&["whoami"])).contains("actor  risk-1"));
    let signers = lab.says("admin-1", &["allowed-signers"]);
    assert!(
        signers.out.is_empty() && signers.err.contains("3 OpenPGP certificates left out"),
        "{signers:?}"
    );

    // One key belongs to one actor, in any format.
    let line = gpg.run(
        &[
            "--export-ssh-key",
            &format!("{}!", gpg.fingerprints("admin-1")[1]),
        ],
        b"",
    );
    let told = by_admin(&["actor", "add", "twin", "--key", line.trim()]);
    assert!(told.code == 1 && told.out.contains("MR406"), "{told:?}");

    // A new subkey signs once the registry has the new certificate.
    gpg.run(&["--quick-add-key", &risk, "ed25519", "sign", "never"], b"");
    let subkey = gpg.fingerprints("risk-1")[1].clone();
    let told = with_gpg(
        &lab,
        "risk-1",
        &format!("{subkey}!"),
        &["approve", "churn/2", "-m", "x", "--no-record-signature"],
    );
    assert!(
        told.code == 2 && told.err.contains("does not prove `risk-1`") && told.err.contains("add-key risk-1"),
        "{told:?}"
    );
    let told = ok(by_admin(&[
        "actor",
        "add-key",
        "risk-1",
        "--key",
        &gpg.file("risk-1"),
    ]));
    assert!(told.contains("up to date"), "{told}");
    let _ = ok(with_gpg(
        &lab,
        "risk-1",
        &format!("{subkey}!"),
        &["approve", "churn/2", "-m", "x"],
    ));
    let _ = lab.ok("admin-1", &["validate", &range]);

    // A revoked subkey leaves the primary; a revoked primary leaves nothing.
    register("s3://m/3");
    let spaced: String = subkey.to_lowercase().chars().flat_map(|c| [c, ' ']).collect();
    let _ = ok(by_admin(&["actor", "revoke-key", spaced.trim(), "-m", "lost"]));
    let told = with_gpg(
        &lab,
        "risk-1",
        &format!("{subkey}!"),
        &["approve", "churn/3", "-m", "x"],
    );
    // As with any key of one's own that is revoked: it can't sign.
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("is revoked"), "{told:?}");
    let _ = ok(with_gpg(
        &lab,
        "risk-1",
        &format!("{risk}!"),
        &["approve", "churn/3", "-m", "x"],
    ));
    register("s3://m/4");
    let _ = ok(by_risk(&["--help"]));
    let _ = ok(with_gpg(
        &lab,
        "risk-1",
        &format!("{risk}!"),
        &["actor", "revoke-key", &risk, "-m", "my own"],
    ));
    let told = with_gpg(
        &lab,
        "risk-1",
        &format!("{risk}!"),
        &["approve", "churn/4", "-m", "x"],
    );
    assert!(told.code == 2 && told.err.contains("is revoked"), "{told:?}");
    let _ = ok(by_admin(&[
        "actor",
        "retire",
        "host",
        "--key",
        "9684 79a1 aff9 27e3 7d1a 566b b569 0eee bb95 2194",
    ]));
    assert!(lab.read("registry.yaml").contains("retired: true"));
    let _ = lab.ok("admin-1", &["validate", &range]);
}

#[test]
#[ignore = "needs GnuPG"]
fn checkpoints_are_signed_with_gpg_too() {
    needs![GPG];
    let lab = Lab::empty();
    let gpg = Gnupg::new(&lab);
    let _ = gpg.certificate("admin-1", "ed25519", "sign");
    let audit = |more: &[&str]| {
        let all = ["audit", "--checkpoint", "../checkpoint"];
        with_gpg(&lab, "admin-1", "", &[&all[..], more].concat())
    };
    let _ = ok(with_gpg(&lab, "admin-1", "", &["init", "--actor", "admin-1"]));
    let _ = ok(audit(&["--new-checkpoint", "--sign"]));
    let path = lab.home().join("checkpoint.sig").to_string_lossy().into_owned();
    gpg.run(&["--verify", &path, path.trim_end_matches(".sig")], b"");
    assert!(ok(audit(&[])).contains("signed by `admin-1`"));
    let body = std::fs::read_to_string(path.trim_end_matches(".sig")).expect("a file");
    std::fs::write(
        path.trim_end_matches(".sig"),
        format!("{body}\n\u{2014} w AAAAAGFiYw==\n"),
    )
    .expect("a file");
    let said = audit(&[]);
    assert!(said.code == 1 && said.out.contains("MR507"), "{said:?}");
}

#[test]
#[ignore = "needs GnuPG"]
fn what_gpg_does_not_call_made_is_not_made() {
    needs![GPG];
    let lab = Lab::empty();
    let gpg = Gnupg::new(&lab);
    let admin = gpg.certificate("admin-1", "ed25519", "sign");
    let script = |name: &str, text: &str| {
        let path = lab.home().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
        let chmod = Command::new("chmod").arg("+x").arg(&path).status();
        assert!(chmod.expect("chmod").success());
        path.display().to_string()
    };
    let with_program = |program: &str| {
        let mut command = lab.modelry("admin-1", &["init", "--actor", "admin-1"]);
        let pairs = [
            ("gpg.format", "openpgp"),
            ("user.signingkey", &admin),
            ("gpg.program", program),
        ];
        command.env("GIT_CONFIG_COUNT", pairs.len().to_string());
        for (place, (key, value)) in pairs.iter().enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{place}"), key)
                .env(format!("GIT_CONFIG_VALUE_{place}"), value);
        }
        said(&mut command)
    };
    // Reads keys as gpg does, and signs nothing.
    let silent = script(
        "silent",
        "case $1 in --status-fd=2) exit 0;; esac\nexec gpg \"$@\"",
    );
    let refuses = script(
        "refuses",
        "case $1 in --status-fd=2) echo 'the card is not here' >&2; exit 2;; esac\nexec gpg \"$@\"",
    );
    for (program, why) in [
        (&silent[..], "refused"),
        (&refuses, "the card is not here"),
        ("/no/such/gpg", "can't run the signing program `/no/such/gpg`"),
    ] {
        let told = with_program(program);
        assert!(told.code == 2 && told.err.contains(why), "{told:?}");
        assert_eq!(lab.git(&["for-each-ref"]), "", "nothing was written");
    }
    let calls = script("calls", "echo \"$1 $2\" >> \"$HOME/called\"\nexec gpg \"$@\"");
    let _ = ok(with_program(&calls));
    let called = std::fs::read_to_string(lab.home().join("called")).expect("it was called");
    assert_eq!(
        called.matches("--status-fd=2 -bsau\n").count(),
        1,
        "as git calls it: {called}"
    );
}

#[test]
#[ignore = "needs GnuPG"]
fn a_review_that_a_revoked_key_brought_counts_no_more() {
    needs![GPG];
    let lab = Lab::with_registry();
    let gpg = Gnupg::new(&lab);
    let risk = gpg.certificate("risk-3", "ed25519", "sign");
    let _ = lab.ok(
        "admin-1",
        &["actor", "add", "risk-3", "--key", &gpg.file("risk-3")],
    );
    let _ = lab.ok("admin-1", &["team", "add", "risk", "risk-3"]);
    let policy = lab.read("registry.yaml");
    let serial = policy
        .lines()
        .find(|line| line.starts_with("serial:"))
        .expect("a serial");
    let two = policy
        .replace("required: 1", "required: 2")
        .replace(serial, "serial: 99");
    lab.write("registry.yaml", &two);
    lab.git(&["commit", "-q", "-S", "-a", "-m", "two approvals"]);
    let review = |number: u32| {
        lab.register("churn", char::from_digit(number, 10).expect("a digit"));
        let arguments = [
            "approve",
            &format!("churn/{number}"),
            "-m",
            "x",
            "--no-record-signature",
        ];
        let _ = ok(with_gpg(&lab, "risk-3", &risk, &arguments));
    };
    let status = |number: u32| {
        let _ = lab.ok("risk-1", &["approve", &format!("churn/{number}"), "-m", "x"]);
        lab.read(&format!("groups/churn/versions/{number}/version.yaml"))
    };
    review(1);
    review(2);
    assert!(status(1).contains("status: Approved"));
    let _ = lab.ok("admin-1", &["actor", "revoke-key", &risk, "-m", "lost"]);
    assert!(status(2).contains("status: Pending"));
    let _ = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
}

#[test]
#[ignore = "needs GnuPG"]
fn x509_is_told_apart() {
    needs![GPG];
    let lab = Lab::with_registry();
    // Labels have no signature of their own: the commit's decides.
    lab.register("churn", '1');
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    let body = lab.git(&["cat-file", "commit", "HEAD"]);
    let start = body.find("gpgsig ").expect("a signature");
    let end = start + body[start..].find("\n\n").expect("a message");
    let x509 = "gpgsig -----BEGIN SIGNED MESSAGE-----\n AAAA\n -----END SIGNED MESSAGE-----";
    let path = lab.home().join("commit");
    std::fs::write(&path, format!("{}{x509}{}\n", &body[..start], &body[end..])).expect("a file");
    let id = lab.git(&["hash-object", "-t", "commit", "-w", &path.to_string_lossy()]);
    lab.git(&["update-ref", "refs/heads/main", &id]);
    let told = lab.findings("admin-1", &["validate", "HEAD~1..HEAD"]);
    assert!(
        told.contains("X.509 signatures are not supported: sign with SSH or OpenPGP"),
        "{told}"
    );
}
