//! Signed checkpoints, and runs that were cut between the writes.

use super::*;

#[test]
fn a_signed_checkpoint_is_verified_by_openssh_too() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    assert!(verified_by_openssh(&lab));
    let (body, signature) = (read(&file(&lab)), read(&beside(&lab, ".sig")));
    // The same again writes neither.
    let said = clean(&lab, &["--sign"]);
    assert!(said.out.contains("admin-1"), "who signed is told: {}", said.out);
    assert_eq!(
        (read(&file(&lab)), read(&beside(&lab, ".sig"))),
        (body, signature.clone())
    );
    grow(&lab, '2');
    // A user without a key may look, and moves nothing.
    let said = clean(&lab, &[]);
    assert!(said.err.contains("--sign"), "{}", said.err);
    assert!(verified_by_openssh(&lab));
    let _ = clean(&lab, &["--sign"]);
    assert_eq!(read(&file(&lab)), signed_by_hand(&lab));
    assert_ne!(read(&beside(&lab, ".sig")), signature);
    assert!(verified_by_openssh(&lab) && !beside(&lab, ".sig.new").exists());
    // A checkpoint that was never signed is signed in place.
    std::fs::remove_file(beside(&lab, ".sig")).expect("removed");
    std::fs::write(file(&lab), by_hand(&lab, "main")).expect("a file");
    let _ = clean(&lab, &["--sign"]);
    assert!(verified_by_openssh(&lab));
    assert_eq!(read(&file(&lab)), signed_by_hand(&lab));
    // A checkpoint that an older version signed says so when it moves on, or when it
    // is signed again.
    std::fs::write(file(&lab), by_hand(&lab, "main")).expect("a file");
    let mut command = lab.command("ssh-keygen");
    std::fs::remove_file(beside(&lab, ".sig")).expect("removed");
    command
        .args(["-q", "-Y", "sign", "-n", "modelry-checkpoint", "-f"])
        .arg(lab.key("admin-1"))
        .arg(file(&lab));
    assert!(command.status().expect("ssh-keygen").success());
    let _ = clean(&lab, &[]);
    assert_eq!(read(&file(&lab)), by_hand(&lab, "main"));
    let _ = clean(&lab, &["--sign"]);
    assert_eq!(read(&file(&lab)), signed_by_hand(&lab));
    assert!(verified_by_openssh(&lab));
}

#[test]
fn mr507_fires_when_the_signature_is_gone() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    let (shallow, good) = (clone(&lab, "1", "shallow"), read(&beside(&lab, ".sig")));
    let answer = |more: &[&str]| {
        let said = resolve(&lab, &shallow, &[&["churn/1", "-o", "json"], more].concat());
        let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        (said, value)
    };
    let (said, value) = answer(&[]);
    assert_eq!(said.code, 0, "{said:?}");
    let given = &value["proven"]["checkpoint"];
    assert_eq!(
        (&given["signed"], &given["signer"]),
        (&true.into(), &"admin-1".into())
    );
    assert!(said.err.contains("signed by `admin-1`"), "{}", said.err);
    grow(&lab, '2');
    std::fs::remove_file(beside(&lab, ".sig")).expect("removed");
    let body = read(&file(&lab));
    let said = finds(&lab, "MR507 bad-checkpoint-signature");
    assert!(said.contains("its signature is gone"), "{said}");
    let (said, value) = answer(&[]);
    assert_eq!(
        (said.code, &value["findings"][0]["code"]),
        (1, &"MR507".into()),
        "{said:?}"
    );
    // Signing does not help.
    let said = audit(&lab, "admin-1", &["--sign"]);
    assert_eq!((said.code, read(&file(&lab))), (1, body), "{said:?}");
    std::fs::write(beside(&lab, ".sig"), good).expect("a file");
    let _ = clean(&lab, &["--sign"]);
    // A checkpoint that does not mention a signature is reported as unsigned.
    std::fs::remove_file(beside(&lab, ".sig")).expect("removed");
    std::fs::write(file(&lab), by_hand(&lab, "main")).expect("a file");
    let whole = lab.top.clone();
    let said = resolve(&lab, &whole, &["churn/1", "-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let given = &value["proven"]["checkpoint"];
    assert_eq!(
        (&given["signed"], &given["signer"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert!(said.err.contains("which nobody signed"), "{}", said.err);
}

#[test]
fn only_actors_sign_checkpoints() {
    let lab = lab();
    let said = audit(&lab, "stranger", &["--new-checkpoint", "--sign"]);
    assert_eq!(
        (said.code, file(&lab).exists(), beside(&lab, ".sig").exists()),
        (2, false, false),
        "{said:?}"
    );
    assert!(said.err.contains("belongs to no actor"), "{}", said.err);
    let alone = lab.says("admin-1", &["audit", "--sign"]);
    assert_eq!(alone.code, 2, "{alone:?}");
}

#[test]
pub fn mr507_fires_when_the_signature_does_not_fit() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    let good = read(&beside(&lab, ".sig"));
    grow(&lab, '2');
    let body = read(&file(&lab));
    std::fs::write(file(&lab), by_hand(&lab, "main")).expect("a file");
    let said = finds(&lab, "MR507 bad-checkpoint-signature");
    assert!(!said.contains("MR506"), "it fits the history: {said}");
    assert_eq!(read(&beside(&lab, ".sig")), good);
    std::fs::write(file(&lab), body).expect("a file");
    for bad in ["", "nonsense\n", "-----BEGIN SSH SIGNATURE-----\n"] {
        std::fs::write(beside(&lab, ".sig"), bad).expect("a file");
        let _ = finds(&lab, "MR507 bad-checkpoint-signature");
    }
    // A good one, of nobody; and of the wrong namespace.
    for (who, namespace) in [("stranger", "modelry-checkpoint"), ("admin-1", "git")] {
        std::fs::remove_file(beside(&lab, ".sig")).expect("removed");
        let mut command = lab.command("ssh-keygen");
        command
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(lab.key(who))
            .arg(file(&lab));
        assert!(command.status().expect("ssh-keygen").success());
        let _ = finds(&lab, "MR507 bad-checkpoint-signature");
    }
    // Signing does not help.
    let said = audit(&lab, "admin-1", &["--sign"]);
    assert_eq!(said.code, 1, "{said:?}");
}

#[test]
pub fn mr507_passes_for_an_actor_of_then() {
    let lab = lab();
    let said = audit(&lab, "risk-2", &["--new-checkpoint", "--sign"]);
    assert_eq!(said.code, 0, "{said:?}");
    // An actor who leaves later was an actor when the checkpoint was signed.
    let _ = lab.ok("admin-1", &["actor", "retire", "risk-2", "-m", "has left"]);
    let said = clean(&lab, &[]);
    assert!(said.out.contains("risk-2"), "{}", said.out);
}

#[test]
fn a_pair_that_was_cut_between_its_writes_is_still_a_pair() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    let (old_body, old_sig) = (read(&file(&lab)), read(&beside(&lab, ".sig")));
    grow(&lab, '2');
    let _ = clean(&lab, &["--sign"]);
    let (new_body, new_sig) = (read(&file(&lab)), read(&beside(&lab, ".sig")));
    let unsigned = by_hand(&lab, "main~1");
    assert_ne!(old_body, new_body);
    // Every state in the order of the writes.
    for (body, sig, waiting) in [
        (&old_body, &old_sig, Some(&new_sig)),
        (&new_body, &old_sig, Some(&new_sig)),
        (&new_body, &new_sig, None),
    ] {
        for sign in [true, false] {
            let _ = std::fs::remove_file(beside(&lab, ".sig.new"));
            std::fs::write(file(&lab), body).expect("a file");
            std::fs::write(beside(&lab, ".sig"), sig).expect("a file");
            if let Some(waiting) = waiting {
                std::fs::write(beside(&lab, ".sig.new"), waiting).expect("a file");
            }
            let _ = clean(&lab, if sign { &["--sign"] } else { &[] });
            assert!(verified_by_openssh(&lab));
            if sign {
                assert_eq!(read(&file(&lab)), new_body);
            }
        }
    }
    // The same with the first signature of a file: none, waiting, placed.
    for body in [&unsigned, &new_body] {
        std::fs::remove_file(beside(&lab, ".sig")).expect("removed");
        std::fs::write(file(&lab), body).expect("a file");
        std::fs::write(beside(&lab, ".sig.new"), &new_sig).expect("a file");
        let _ = clean(&lab, &["--sign"]);
        assert!(verified_by_openssh(&lab));
    }
}

#[test]
fn a_file_that_changes_while_the_audit_runs_is_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    grow(&lab, '2');
    // Signing takes its time, and somebody is faster meanwhile.
    let program = lab.home().join("slow-keygen");
    for other in ["checkpoint", "checkpoint.sig", "checkpoint.sig.new"] {
        let before = (read(&file(&lab)), read(&beside(&lab, ".sig")));
        let path = lab.home().join(other);
        let script = format!(
            "#!/bin/sh\necho changed > '{}'\nexec ssh-keygen \"$@\"\n",
            path.display()
        );
        std::fs::write(&program, script).expect("a script");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        lab.git(&["config", "gpg.ssh.program", program.to_str().expect("UTF-8")]);
        let said = audit(&lab, "admin-1", &["--sign"]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(
            said.err.contains("was changed while the audit ran"),
            "{}",
            said.err
        );
        assert_eq!(read(&path), "changed\n");
        std::fs::remove_file(&path).expect("removed");
        std::fs::write(file(&lab), before.0).expect("a file");
        std::fs::write(beside(&lab, ".sig"), before.1).expect("a file");
    }
    lab.git(&["config", "--unset", "gpg.ssh.program"]);
    let _ = clean(&lab, &["--sign"]);
    assert!(verified_by_openssh(&lab));
}

#[test]
fn audits_at_once_leave_one_pair() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    grow(&lab, '2');
    let path = file(&lab);
    let path = path.to_str().expect("UTF-8");
    // Each at its own tip, so that no two of them write the same.
    for (name, at) in [("one", "main"), ("two", "main"), ("three", "main~1")] {
        lab.git(&["branch", name, at]);
        if name == "two" {
            lab.git(&["switch", "-q", "two"]);
            lab.git(&["commit", "-q", "--allow-empty", "-S", "-m", "a link"]);
            lab.git(&["switch", "-q", "main"]);
        }
    }
    for _ in 0..3 {
        let mut runs = Vec::new();
        for name in ["one", "two", "three"] {
            let mut command = lab.modelry(
                "admin-1",
                &["audit", "--sign", "--mainline", name, "--checkpoint", path],
            );
            command
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null());
            runs.push(command.spawn().expect("the program runs"));
        }
        for mut run in runs {
            let _ = run.wait();
        }
        assert!(verified_by_openssh(&lab));
    }
}

#[test]
fn a_kill_leaves_no_half_pair() {
    let lab = lab();
    let _ = clean(&lab, &["--new-checkpoint", "--sign"]);
    let path = file(&lab);
    let mut cut = 0;
    // The order of the writes decides, and not the moment: some runs are faster
    // than their killer.
    for round in 0..40u64 {
        if cut == 3 {
            break;
        }
        lab.git(&["commit", "-q", "--allow-empty", "-S", "-m", "a link"]);
        let mut child = lab
            .modelry(
                "admin-1",
                &["audit", "--sign", "--checkpoint", path.to_str().expect("UTF-8")],
            )
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the program runs");
        // As soon as the first of the writes is seen, or a little later.
        while !beside(&lab, ".sig.new").exists() && child.try_wait().expect("a child").is_none() {
            std::thread::sleep(std::time::Duration::from_micros(20));
        }
        std::thread::sleep(std::time::Duration::from_micros(round % 3 * 60));
        let _ = child.kill();
        cut += usize::from(!child.wait().expect("a child").success());
        // Both states are valid, and the next audit moves the checkpoint on.
        let _ = clean(&lab, &[]);
        assert!(verified_by_openssh(&lab));
    }
    assert!(cut > 0, "no run was killed in time");
    let _ = clean(&lab, &["--sign"]);
    assert_eq!(read(&file(&lab)), signed_by_hand(&lab));
    assert!(verified_by_openssh(&lab) && !beside(&lab, ".sig.new").exists());
}
