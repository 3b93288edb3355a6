//! Killed at any moment: nothing is lost, and a receiver that ignores known ids sees
//! each event once and in order.

use std::collections::HashSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Receiver, command, events, lab, to};
use crate::support::Lab;
use crate::support::needs::needs;

/// How often the notifier is killed.
const KILLS: usize = 200;

/// Many events in one commit.
fn grow(lab: &Lab, n: usize) {
    for group in 0..60 {
        lab.write(
            &format!("groups/g{n}-{group}/group.yaml"),
            &format!("apiVersion: modelry/v1\nkind: ModelGroup\nname: g{n}-{group}\n"),
        );
    }
    lab.commit("admin-1", "many groups");
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn killed_at_any_moment_nothing_is_lost() {
    needs![super::PACKAGES];
    let lab = lab().copy();
    let receiver = Receiver::start(lab.home());
    let start = Instant::now();
    let told = to(&lab, &receiver, "/slow", &["--from-start"]);
    assert_eq!(told.code, 0, "{told:?}");
    let mut state = 20_261_125_u64;
    let mut random = |below: u128| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u128::from(state >> 33) % below
    };
    let uri = receiver.uri("/slow");
    let (mut kills, mut ended, mut commits) = (0, 0, 0);
    // The longest that a killed run was let live, in microseconds: around the
    // time that one takes until its first event.
    let mut most = 100_000;
    let count =
        || std::fs::read(&receiver.log).map_or(0, |log| log.iter().filter(|byte| **byte == b'\n').count());
    let mut before = count();
    grow(&lab, commits);
    while kills < KILLS {
        let mut child = command(&lab, &["--to", &uri, "--allow-private"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let delay = u64::try_from(random(most)).expect("small");
        std::thread::sleep(Duration::from_micros(delay));
        match child.try_wait().expect("a process") {
            None => {
                // SIGKILL: nothing can be tidied up.
                child.kill().expect("a process");
                child.wait().expect("a process");
                kills += 1;
            }
            Some(status) => {
                assert!(status.success(), "{status}");
                ended += 1;
                commits += 1;
                grow(&lab, commits);
            }
        }
        // About every second run is to get as far as an event.
        let now = count();
        most = match now > before {
            true => most * 9 / 10,
            false => most * 11 / 10,
        }
        .max(1000);
        before = now;
    }
    let told = to(&lab, &receiver, "/slow", &[]);
    assert_eq!(told.code, 0, "{told:?}");
    let expected = events(&lab);
    let received = receiver.ids("/slow");
    let mut seen = HashSet::new();
    let once: Vec<&String> = received.iter().filter(|id| seen.insert(*id)).collect();
    let lost = expected.iter().filter(|id| !seen.contains(id)).count();
    #[expect(clippy::print_stdout, reason = "for who measures it")]
    {
        println!(
            "{kills} kills, {ended} runs that ended first, {} events: {} deliveries, {} doubled, {lost} lost, in {:.1} s",
            expected.len(),
            received.len(),
            received.len() - once.len(),
            start.elapsed().as_secs_f64()
        );
    }
    assert_eq!(lost, 0);
    assert_eq!(once, expected.iter().collect::<Vec<_>>(), "each once, in order");
    assert!(
        received.len() - once.len() <= kills,
        "at most one is doubled by each kill"
    );
    let stray: Vec<String> = std::fs::read_dir(lab.home())
        .expect("a home")
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.starts_with("cursor") || name.starts_with(".modelry"))
        .collect();
    assert!(stray.len() <= 3, "killed runs leave nothing behind: {stray:?}");
}
