//! No private address, no redirect to one, and no plain http to a public one.

use super::{Receiver, command, cursor, lab};
use crate::support::needs::needs;
use crate::support::said;

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn private_addresses_are_refused_in_any_spelling() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let port = receiver.port;
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "[fd00::1]",
        "[fe80::1]",
        "224.0.0.1",
    ] {
        for scheme in ["http", "https"] {
            let uri = format!("{scheme}://{host}:{port}/ok");
            let more = [
                "--to",
                &uri,
                "--from-start",
                "--allow-http",
                "--patience",
                "0s",
                "--timeout",
                "3s",
            ];
            let told = said(&mut command(&lab, &more));
            assert_eq!(told.code, 2, "{uri}: {told:?}");
            // Some spellings name no host on some machines, and that will do.
            let refused = told
                .err
                .contains("hint: when that is where the events are to go: `--allow-private`");
            let unknown = told.err.contains("lookup");
            assert!(
                refused || (unknown && !host.starts_with('[') && host.parse::<std::net::Ipv4Addr>().is_err()),
                "{uri}: {told:?}"
            );
            let _ = std::fs::remove_file(cursor(&lab));
        }
    }
    assert_eq!(receiver.received().len(), 0, "nothing was sent");
    let uri = format!("http://localhost:{port}/ok");
    let told = said(&mut command(
        &lab,
        &["--to", &uri, "--from-start", "--allow-private"],
    ));
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(receiver.received().len(), 3);
}

#[test]
fn plain_http_is_for_private_addresses() {
    let lab = lab();
    // A public address, which is never asked.
    let uri = "http://1.1.1.1/";
    for more in [
        &["--to", uri, "--from-start"][..],
        &["--to", uri, "--allow-private"],
    ] {
        let told = said(&mut command(&lab, more));
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains("plain http can be read on the way"), "{told:?}");
    }
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn no_proxy_is_asked() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let uri = receiver.uri("/ok");
    let more = [
        "--to",
        &uri,
        "--from-start",
        "--allow-private",
        "--patience",
        "0s",
    ];
    let mut command = command(&lab, &more);
    // No server listens there.
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env(name, "http://127.0.0.1:1");
    }
    let told = said(&mut command);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(receiver.received().len(), 3);
}

#[test]
fn addresses_that_are_none() {
    let lab = lab();
    for uri in [
        "ftp://example.com/",
        "https://who:s3cret@example.com/",
        "example.com",
        "https:///s3cret",
    ] {
        let told = said(&mut command(&lab, &["--to", uri, "--from-start"]));
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains("the receiver's address"), "{told:?}");
        assert!(!told.err.contains("s3cret"), "{told:?}");
    }
    let told = said(&mut command(&lab, &["--from-start"]));
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("nothing says who is to be told"), "{told:?}");
}
