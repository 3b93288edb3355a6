//! The scenarios of git's t7510: commits signed with gpg.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{World, apart, branch, file, scribe, with_header};
use crate::support::Lab;
use crate::support::gnupg::Gnupg;
use crate::support::golden::golden;
use crate::support::needs::{GPG, needs};

const NOW: &[(&str, &str)] = &[];

/// Signed with gpg, with these arguments.
fn signed(world: &World, gpg: &Gnupg<'_>, arguments: &[&str], payload: &[u8]) -> String {
    let armor = gpg.sign(arguments, payload);
    world.store(&with_header(payload, "gpgsig", &armor))
}

/// Writes a wrapper that sets gpg's time, and returns its path.
fn gpg_at(lab: &Lab, time: &str) -> String {
    let path = file(
        lab,
        &format!("gpg-{time}"),
        &format!("#!/bin/sh\nexec gpg --faked-system-time {time} \"$@\"\n"),
    );
    let made = Command::new("chmod").arg("+x").arg(&path).status();
    assert!(made.expect("chmod").success());
    path
}

/// The packets inside an armour, one after the other, in one armour.
fn joined(armors: [&str; 2]) -> String {
    let packets: Vec<u8> = armors
        .iter()
        .flat_map(|armor| {
            let lines = armor.lines().skip_while(|line| !line.is_empty());
            let body: String = lines.take_while(|line| !line.starts_with(['=', '-'])).collect();
            STANDARD.decode(body).expect("base64")
        })
        .collect();
    let text = STANDARD.encode(packets);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..(at + 64).min(text.len())])
        .collect();
    format!(
        "-----BEGIN PGP SIGNATURE-----\n\n{}\n-----END PGP SIGNATURE-----\n",
        lines.join("\n")
    )
}

#[test]
#[ignore = "needs GnuPG"]
fn signed_with_gpg() {
    needs![GPG];
    let lab = Lab::with_registry();
    let mut keys = Vec::new();
    let mut world = World::new(lab, |lab| {
        let gpg = Gnupg::new(lab);
        let scribe_key = gpg.certificate("scribe", "ed25519", "sign");
        scribe(lab, "scribe", &gpg.file("scribe"));
        let rsa = gpg.certificate("rsa", "rsa3072", "sign");
        scribe(lab, "rsa", &gpg.file("rsa"));
        let sub = gpg.certificate("sub", "ed25519", "cert");
        gpg.run(&["--quick-add-key", &sub, "ed25519", "sign", "never"], b"");
        scribe(lab, "sub", &gpg.file("sub"));
        keys = vec![scribe_key, rsa, sub];
    });
    scenarios(&mut world, &keys);
    golden("fixtures/git-suites/openpgp.txt", &world.table());
}

fn scenarios(world: &mut World, keys: &[String]) {
    world.lab.git(&["config", "gpg.format", "openpgp"]);
    let by: Vec<String> = keys.iter().map(|key| format!("-S{key}")).collect();
    let scribe = &by[0];
    let id = world.commit("scribe", &["commit", "-q", "-a", scribe, "-m", "label"]);
    world.row("signed", &id, NOW, "");
    let id = world.commit("rsa", &["commit", "-q", "-a", &by[1], "-m", "label"]);
    world.row("signed with an RSA key", &id, NOW, "");
    let id = world.commit("sub", &["commit", "-q", "-a", &by[2], "-m", "label"]);
    world.row("signed with a subkey", &id, NOW, "");
    let id = world.commit("scribe", &["commit", "-q", "-a", "-m", "label"]);
    world.row("unsigned", &id, NOW, "");
    let _ = world.commit("scribe", &["commit", "-q", "-a", "-m", "label"]);
    world.git_as("scribe", &["commit", "-q", "--amend", scribe, "-m", "signed"]);
    let id = world.lab.git(&["rev-parse", "HEAD"]);
    world.row("unsigned, then amended and signed", &id, NOW, "");
    let _ = world.commit("scribe", &["commit", "-q", "-a", scribe, "-m", "label"]);
    world.git_as("scribe", &["commit", "-q", "--amend", scribe, "--no-edit"]);
    let id = world.lab.git(&["rev-parse", "HEAD"]);
    world.row("signed, then amended and signed", &id, NOW, "");
    let _ = world.commit("scribe", &["commit", "-q", "-a", scribe, "-m", "label"]);
    world.git_as("scribe", &["commit", "-q", "--amend", "--no-gpg-sign", "-m", "x"]);
    let id = world.lab.git(&["rev-parse", "HEAD"]);
    world.row("signed, then amended and not signed", &id, NOW, "");
    branch(world, "unsigned", "scribe", "--no-gpg-sign", || world.label());
    apart(world);
    world.git_as(
        "scribe",
        &["merge", "-q", "--no-ff", scribe, "-m", "merge", "unsigned"],
    );
    let id = world.lab.git(&["rev-parse", "HEAD"]);
    world.row(
        "a signed merge of an unsigned label",
        &id,
        NOW,
        "a merge signs nothing that its side did not",
    );
    strangers(world);
    changed(world);
    several(world);
    odd_signatures(world);
    // The administrator signs with SSH.
    world.lab.git(&["config", "gpg.format", "ssh"]);
    lives(world);
}

fn strangers(world: &mut World) {
    let lab = Lab::empty();
    let elsewhere = Gnupg::new(&lab);
    elsewhere.certificate("eris", "ed25519", "sign");
    let payload = world.payload("eighth");
    let armor = elsewhere.sign(&["-u", "eris"], &payload);
    let id = world.store(&with_header(&payload, "gpgsig", &armor));
    world.row("by a key that nobody knows", &id, NOW, "");
    let theirs = elsewhere.file("eris");
    {
        let gpg = Gnupg::new(&world.lab);
        gpg.run(&["--import", &theirs], b"");
    }
    world.row(
        "by a key of nobody, in gpg's keyring without trust",
        &id,
        NOW,
        "git takes any key of the keyring",
    );
    world.row(
        "the same under gpg.minTrustLevel",
        &id,
        &[("gpg.minTrustLevel", "marginal")],
        "",
    );
}

fn changed(world: &mut World) {
    let payload = world.payload("seventh");
    let text = String::from_utf8(payload.clone()).expect("text");
    let armor = {
        let gpg = Gnupg::new(&world.lab);
        gpg.sign(&["-u", "scribe"], &payload)
    };
    for (name, from, to) in [
        ("the message is another", "seventh", "7th forged"),
        ("the author is another", "author scribe", "author admin-1"),
    ] {
        let forged = text.replacen(from, to, 1);
        let id = world.store(&with_header(forged.as_bytes(), "gpgsig", &armor));
        world.row(name, &id, NOW, "");
    }
    let mut bytes = with_header(&payload, "gpgsig", &armor);
    bytes.extend_from_slice(b"\0wik\n");
    let id = world.store(&bytes);
    world.row("a NUL and more after the message", &id, NOW, "");
    let with_nul = [&payload[..], b"\0wik\n"].concat();
    let id = {
        let gpg = Gnupg::new(&world.lab);
        signed(world, &gpg, &["-u", "scribe"], &with_nul)
    };
    world.row(
        "a NUL and more that was signed",
        &id,
        NOW,
        "no tool shows what follows the NUL",
    );
    let id = world.store(&with_header(&payload, "gpgsig-sha256", &armor));
    world.row("only one for SHA-256 repositories", &id, NOW, "");
    let both = with_header(&with_header(&payload, "gpgsig", &armor), "gpgsig-sha256", &armor);
    let id = world.store(&both);
    world.row(
        "a good one, and one for SHA-256 repositories",
        &id,
        NOW,
        "the second is nobody's to check here",
    );
    let tag = [&payload[..], armor.as_bytes(), b"\n"].concat();
    let id = world.store(&tag);
    world.row("the signature after the message, as a tag has it", &id, NOW, "");
    let spoofed = format!("{armor}\n[GNUPG:] GOODSIG 0000000000000000 scribe");
    let id = world.store(&with_header(&payload, "gpgsig", &spoofed));
    world.row(
        "gpg's own words after the signature",
        &id,
        NOW,
        "exactly one block, and nothing beside it",
    );
}

fn several(world: &mut World) {
    let payload = world.payload("twice");
    let (good, other, of_else) = {
        let gpg = Gnupg::new(&world.lab);
        (
            gpg.sign(&["-u", "scribe"], &payload),
            gpg.sign(&["-u", "rsa"], &payload),
            gpg.sign(&["-u", "rsa"], b"something else"),
        )
    };
    for (name, armors) in [
        ("two packets in one block", [&good[..], &other]),
        ("two packets, one of them bad", [&of_else, &good]),
    ] {
        let id = world.store(&with_header(&payload, "gpgsig", &joined(armors)));
        world.row(name, &id, NOW, "");
    }
    let both = format!("{good}{other}");
    let id = world.store(&with_header(&payload, "gpgsig", &both));
    world.row("two blocks in one header", &id, NOW, "");
    let twice = with_header(&with_header(&payload, "gpgsig", &good), "gpgsig", &good);
    let id = world.store(&twice);
    world.row("two headers", &id, NOW, "");
}

fn odd_signatures(world: &mut World) {
    for (name, arguments, reason) in [
        (
            "signed in text mode",
            &["-u", "scribe", "--textmode"][..],
            "text mode changes what is signed",
        ),
        (
            "hashed with SHA-1",
            &["-u", "rsa", "--digest-algo", "SHA1"],
            "SHA-1 can be forged",
        ),
        (
            "a signature that expires",
            &["-u", "scribe", "--default-sig-expire", "1y"],
            "no decision expires",
        ),
    ] {
        let payload = world.payload(name);
        let id = {
            let gpg = Gnupg::new(&world.lab);
            signed(world, &gpg, arguments, &payload)
        };
        world.row(name, &id, NOW, reason);
    }
    let payload = world.payload("expired");
    let old = ["-u", "scribe", "--ignore-time-conflict"];
    let arguments = [
        &old[..],
        &[
            "--faked-system-time",
            "20300101T000000",
            "--default-sig-expire",
            "1d",
        ],
    ]
    .concat();
    let id = {
        let gpg = Gnupg::new(&world.lab);
        signed(world, &gpg, &arguments, &payload)
    };
    let then = gpg_at(&world.lab, "20310101T000000");
    world.row("a signature that has expired", &id, &[("gpg.program", &then)], "");
}

fn lives(world: &mut World) {
    let at = |time: &'static str| ["--faked-system-time", time];
    let (made, good, late) = ("20200101T000000", "20200601T000000", "20220601T000000");
    {
        let gpg = Gnupg::new(&world.lab);
        let make = |name: &str| {
            let uid = format!("{name} <{name}@example.com>");
            gpg.run(
                &[
                    &at(made)[..],
                    &["--quick-generate-key", &uid, "ed25519", "sign", "1y"],
                ]
                .concat(),
                b"",
            );
        };
        make("brief");
        gpg.certificate("gone", "ed25519", "sign");
        scribe(&world.lab, "brief", &gpg.file("brief"));
        scribe(&world.lab, "gone", &gpg.file("gone"));
    }
    world.rebase();
    let payload = world.payload("in its life");
    let (in_life, too_late) = {
        let gpg = Gnupg::new(&world.lab);
        let arguments = [&at(good)[..], &["-u", "brief"]].concat();
        let in_life = signed(world, &gpg, &arguments, &payload);
        // gpg itself does not sign with a key that has expired: the clock is
        // set back after a longer life was given, and the short one stays
        // in the policy.
        let print = gpg.fingerprints("brief")[0].clone();
        gpg.run(
            &[&at(good)[..], &["--quick-set-expire", &print, "10y"]].concat(),
            b"",
        );
        let arguments = [&at(late)[..], &["-u", "brief"]].concat();
        let too_late = signed(world, &gpg, &arguments, &payload);
        // And as the policy has it again.
        gpg.run(
            &[
                &at("20200602T000000")[..],
                &["--quick-set-expire", &print, "2020-12-31"],
            ]
            .concat(),
            b"",
        );
        (in_life, too_late)
    };
    let then = gpg_at(&world.lab, good);
    world.row(
        "in the life of a key: git is asked then",
        &in_life,
        &[("gpg.program", &then)],
        "",
    );
    let (git, ours) = (world.git_says(&in_life, NOW), world.we_say(&world.base, &in_life));
    assert!(
        !git.0 && git.1 == "EXPKEYSIG" && ours.is_empty(),
        "git takes back with the clock what it took then, and we read none: {git:?} {ours:?}"
    );
    world.row("after the life of a key", &too_late, NOW, "");
    let (print, certificate) = {
        let gpg = Gnupg::new(&world.lab);
        let certificate = gpg.export("gone");
        let print = gpg.fingerprints("gone")[0].clone();
        let revocation = world.lab.home().join(format!("g/openpgp-revocs.d/{print}.rev"));
        let text = std::fs::read_to_string(revocation).expect("a revocation");
        gpg.run(
            &["--import"],
            text.replace(":-----BEGIN", "-----BEGIN").as_bytes(),
        );
        (print, certificate)
    };
    let _ = world
        .lab
        .ok("admin-1", &["actor", "revoke-key", &print, "-m", "stolen"]);
    world.rebase();
    // gpg signs with no key that it knows to be revoked: the thief's does not.
    let elsewhere = Lab::empty();
    let gpg = Gnupg::new(&elsewhere);
    let copied = Command::new("cp")
        .arg("-r")
        .arg(world.lab.home().join("g/private-keys-v1.d"))
        .arg(elsewhere.home().join("g/"))
        .status();
    assert!(copied.expect("cp").success());
    gpg.run(&["--import"], certificate.as_bytes());
    let payload = world.payload("by the thief");
    let armor = gpg.sign(&["-u", "gone"], &payload);
    let id = world.store(&with_header(&payload, "gpgsig", &armor));
    world.row("a revoked key", &id, NOW, "");
}
