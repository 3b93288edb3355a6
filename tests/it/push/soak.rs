//! Many writers at once against one guarded repository over ssh: every acknowledged
//! change is in the final history exactly once.
//!
//! The small form runs with the other tests. The full one is run by hand:
//! `MODELRY_SOAK=16x100 cargo test --release --test system -- soak --nocapture --test-threads=1`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::hub::{Hub, Seat, Sshd, model};
use crate::support::needs::{SSHD, needs};
use crate::support::{Lab, said};

/// Random enough to choose by, and the same on each machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

/// The known state of a version: who registered it, and whether somebody is about to
/// move it.
struct Known {
    id: String,
    author: usize,
    status: &'static str,
    claimed: bool,
}

/// One operation: what it was, and how it ended.
struct Done {
    mark: String,
    verb: &'static str,
    /// The commit and the tries, when it was acknowledged.
    landed: Option<(String, u64)>,
    /// The answer of the first push was lost.
    recovered: bool,
    time: Duration,
    said: String,
}

struct Soak {
    hub: Hub,
    sshd: Mutex<Sshd>,
    people: Vec<String>,
    board: Mutex<Vec<Known>>,
}

impl Soak {
    fn prepare(writers: usize) -> Soak {
        let lab = Lab::empty();
        let _ = lab.ok("admin-1", &["init", "--actor", "admin-1", "--solo"]);
        let people: Vec<String> = (0..writers).map(|n| format!("writer-{n}")).collect();
        for who in &people {
            let _ = lab.ok("admin-1", &["actor", "add", who, "--key", &lab.public_key(who)]);
        }
        let mut team = vec!["team", "add", "writers"];
        team.extend(people.iter().map(String::as_str));
        let _ = lab.ok("admin-1", &team);
        let rights = "register,annotate,approve,reject,archive";
        let _ = lab.ok(
            "admin-1",
            &["grant", "add", "team:writers", "--allow", rights, "--groups", "*"],
        );
        for group in ["soak-a", "soak-b"] {
            let _ = lab.ok("admin-1", &["group", "create", group]);
        }
        let hub = Hub::of(lab);
        hub.git(&["config", "receive.denyNonFastForwards", "true"]);
        hub.guard();
        let names: Vec<&str> = people.iter().map(String::as_str).collect();
        let sshd = Mutex::new(Sshd::serve(&hub, &names));
        Soak {
            hub,
            sshd,
            people,
            board: Mutex::default(),
        }
    }

    /// Takes a version that fits for one operation.
    fn claim(&self, me: usize, dice: &mut Dice, statuses: &[&str]) -> Option<String> {
        let mut board = self.board.lock().expect("the board");
        let fits = |known: &Known| !known.claimed && statuses.contains(&known.status) && known.author != me;
        let count = board.iter().filter(|known| fits(known)).count();
        if count == 0 {
            return None;
        }
        let chosen = dice.roll(count);
        let known = board.iter_mut().filter(|known| fits(known)).nth(chosen)?;
        known.claimed = true;
        Some(known.id.clone())
    }

    /// Records the status of a version, or `None` when it is unknown.
    fn settle(&self, id: &str, status: Option<&'static str>) {
        let mut board = self.board.lock().expect("the board");
        if let Some(known) = board.iter_mut().find(|known| known.id == id)
            && let Some(status) = status
        {
            known.status = status;
            known.claimed = false;
        }
    }

    fn operate(&self, seat: &Seat<'_>, me: usize, number: usize, dice: &mut Dice) -> Done {
        let mark = format!("operation {me}-{number}");
        let (uri, digest) = model(&mark.replace(' ', "-"));
        let label = format!("op-{me}-{number}=done");
        let any = ["Pending", "Approved", "Rejected", "Archived"];
        let (verb, id) = match dice.roll(10) {
            0..=2 => ("register", None),
            3..=4 => ("approve", self.claim(me, dice, &["Pending"])),
            5 => ("reject", self.claim(me, dice, &["Pending"])),
            6..=7 => ("archive", self.claim(me, dice, &["Approved", "Rejected"])),
            _ => ("annotate", self.claim(me, dice, &any)),
        };
        // Where nothing fits, there is something to register.
        let verb = if id.is_some() { verb } else { "register" };
        let group = ["soak-a", "soak-b"][dice.roll(2)];
        let mut arguments = match (verb, &id) {
            ("register", _) | (_, None) => vec!["register", group, "--artifact", &uri, "--digest", &digest],
            ("annotate", Some(id)) => vec!["annotate", id.as_str(), "--label", &label],
            (verb, Some(id)) => vec![verb, id.as_str()],
        };
        arguments.extend(["-m", &mark, "--push", "--patience", "10m", "-o", "json"]);
        let start = Instant::now();
        // On the clock: by their dates it is seen who lands just now.
        let mut command = seat.command(&self.people[me], &arguments);
        command
            .env_remove("GIT_AUTHOR_DATE")
            .env_remove("GIT_COMMITTER_DATE");
        let said = said(&mut command);
        let time = start.elapsed();
        let answer: Option<serde_json::Value> = match said.code {
            0 => serde_json::from_str(&said.out).ok(),
            _ => None,
        };
        let landed = answer.map(|answer| {
            if verb == "register" {
                let change = answer["changes"][0].as_str().expect("a change");
                let id = change.split(' ').nth(1).expect("a version").to_owned();
                self.board.lock().expect("the board").push(Known {
                    id,
                    author: me,
                    status: "Pending",
                    claimed: false,
                });
            }
            let commit = answer["commit"].as_str().expect("a commit").to_owned();
            (commit, answer["tries"].as_u64().expect("tries"))
        });
        if let Some(id) = &id {
            let status = match verb {
                "approve" => Some("Approved"),
                "reject" => Some("Rejected"),
                "archive" => Some("Archived"),
                _ => {
                    let board = self.board.lock().expect("the board");
                    board
                        .iter()
                        .find(|known| known.id == *id)
                        .map(|known| known.status)
                }
            };
            self.settle(id, status.filter(|_| landed.is_some()));
        }
        Done {
            mark,
            verb,
            landed,
            recovered: said.err.contains("the answer to the push was lost"),
            time,
            said: format!("{}{}", said.out, said.err),
        }
    }

    /// Kills the server at random moments, and starts it again.
    fn harass(&self, over: &AtomicBool) -> usize {
        let mut dice = Dice(7);
        let mut kills = 0;
        loop {
            let moment = Instant::now() + Duration::from_millis(2500 + dice.roll(4000) as u64);
            while Instant::now() < moment {
                if over.load(Ordering::Relaxed) {
                    return kills;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let mut sshd = self.sshd.lock().expect("sshd");
            sshd.kill();
            kills += 1;
            // Git never removes a lock that a dead process left; the server's
            // administrator does.
            for name in ["refs/heads/main.lock", "HEAD.lock", "packed-refs.lock"] {
                let _ = std::fs::remove_file(self.hub.bare.join(name));
            }
            sshd.start();
        }
    }

    /// The guard was there all the time: it remembers what it proved, and takes
    /// nothing that is against the rules.
    fn is_guarded(&self) {
        let points = std::fs::read_dir(self.hub.bare.join("modelry/verified"));
        assert_eq!(points.expect("what the guard remembers").count(), 1);
        let (lab, tip) = (&self.hub.lab, self.hub.tip());
        let bare = self.hub.bare.to_string_lossy().into_owned();
        lab.git(&["fetch", "-q", &bare, "main"]);
        lab.git(&["reset", "-q", "--hard", "FETCH_HEAD"]);
        std::fs::write(lab.top.join("groups/soak-a/group.yaml"), "no: record\n").expect("a file");
        lab.git(&["commit", "-q", "-a", "-m", "broken"]);
        let mut push = lab.command("git");
        lab.as_actor(&mut push, "admin-1");
        let said = said(push.args(["push", &bare, "HEAD:main"]).current_dir(&lab.top));
        assert!(said.err.contains("pre-receive hook declined"), "{}", said.err);
        assert_eq!(self.hub.tip(), tip);
    }

    fn run(&self, operations: usize, kill: bool) -> (Vec<Done>, usize, Duration) {
        let seats: Vec<Seat<'_>> = {
            let sshd = self.sshd.lock().expect("sshd");
            self.people.iter().map(|who| sshd.seat(&self.hub, who)).collect()
        };
        let over = AtomicBool::new(false);
        let start = Instant::now();
        let (done, kills) = std::thread::scope(|scope| {
            let harasser = kill.then(|| scope.spawn(|| self.harass(&over)));
            let writers: Vec<_> = seats
                .iter()
                .enumerate()
                .map(|(me, seat)| {
                    scope.spawn(move || {
                        let mut dice = Dice(me as u64 + 1);
                        (0..operations)
                            .map(|number| self.operate(seat, me, number, &mut dice))
                            .collect::<Vec<Done>>()
                    })
                })
                .collect();
            let done: Vec<Done> = writers
                .into_iter()
                .flat_map(|writer| writer.join().expect("a writer"))
                .collect();
            over.store(true, Ordering::Relaxed);
            (
                done,
                harasser.map_or(0, |harasser| harasser.join().expect("the harasser")),
            )
        });
        (done, kills, start.elapsed())
    }
}

/// Runs a soak, and checks what is left of it.
#[allow(clippy::print_stdout, reason = "its counts are what a soak is run for")]
fn soak(writers: usize, operations: usize, kill: bool) {
    let soak = Soak::prepare(writers);
    let before = soak.hub.tip();
    let (done, kills, time) = soak.run(operations, kill);
    let log = soak.hub.git(&[
        "log",
        "--first-parent",
        "--format=%H %s%n%b",
        &format!("{before}..main"),
    ]);
    let commits = soak
        .hub
        .git(&["rev-list", "--first-parent", &format!("{before}..main")]);
    let commits: Vec<&str> = commits.lines().collect();
    let mut marks: BTreeMap<&str, usize> = BTreeMap::new();
    for line in log.lines().filter(|line| line.starts_with("operation ")) {
        *marks.entry(line).or_default() += 1;
    }
    let times = |mark: &str| marks.get(mark).copied().unwrap_or(0);
    let (mut lost, mut doubled, mut silent, mut tries, mut recovered) = (0, 0, 0, 0, 0);
    let mut verbs: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failures = String::new();
    for one in &done {
        doubled += usize::from(times(&one.mark) > 1);
        recovered += usize::from(one.recovered && one.landed.is_some());
        match &one.landed {
            Some((commit, tried)) => {
                let there = commits.contains(&commit.as_str()) && times(&one.mark) > 0;
                lost += usize::from(!there);
                tries += tried;
                *verbs.entry(one.verb).or_default() += 1;
            }
            None => {
                silent += times(&one.mark);
                let _ = writeln!(failures, "{} {}: {}", one.mark, one.verb, one.said.trim());
            }
        }
    }
    let acknowledged = done.iter().filter(|one| one.landed.is_some()).count();
    let raced = done
        .iter()
        .filter(|one| one.landed.as_ref().is_some_and(|(_, tries)| *tries > 1))
        .count();
    let mut waits: Vec<Duration> = done
        .iter()
        .filter(|one| one.landed.is_some())
        .map(|one| one.time)
        .collect();
    waits.sort();
    let part = |percent: usize| {
        waits
            .get(waits.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "soak {writers} x {operations}{}: {} operations, {acknowledged} acknowledged {verbs:?}, {raced} raced, {} tries again, {kills} kills, {recovered} lost answers found, {silent} landed without an answer, {lost} lost, {doubled} doubled; p50 {:.2?}, p99 {:.2?}, in all {time:.1?}",
        if kill { ", server killed" } else { "" },
        done.len(),
        usize::try_from(tries).expect("few") - acknowledged,
        part(50),
        part(99),
    );
    print!("{failures}");
    assert_eq!((lost, doubled), (0, 0), "{failures}");
    assert_eq!(
        commits.len(),
        acknowledged + silent,
        "and nothing else is in the history"
    );
    match kill {
        true => assert!(kills > 0, "the server was never killed"),
        false => assert_eq!(acknowledged, done.len(), "{failures}"),
    }
    assert!(writers < 2 || raced > 0, "nobody raced, so nothing was shown");
    assert!(acknowledged * 20 >= done.len() * 19, "{failures}");
    soak.hub.check();
    soak.is_guarded();
    // Each number was given once, and no file was written over.
    let versions = soak.hub.files();
    let versions = versions
        .iter()
        .filter(|path| path.ends_with("/version.yaml"))
        .count();
    let registered = log
        .lines()
        .filter(|line| line.contains(" Register soak-"))
        .count();
    assert_eq!(versions, registered);
}

/// The size that is asked for: `16x100`.
fn size() -> (usize, usize) {
    let Ok(wanted) = std::env::var("MODELRY_SOAK") else {
        return (4, 25);
    };
    let (writers, operations) = wanted.split_once('x').expect("as 16x100");
    let number = |text: &str| text.parse().expect("a number");
    (number(writers), number(operations))
}

#[test]
#[ignore = "needs sshd, and takes minutes"]
fn whatever_is_acknowledged_is_there_once() {
    needs![SSHD];
    let (writers, operations) = size();
    soak(writers, operations, false);
}

#[test]
#[ignore = "needs sshd, and takes minutes"]
fn also_when_the_server_dies_at_random_moments() {
    needs![SSHD];
    match std::env::var("MODELRY_SOAK") {
        Ok(_) => {
            let (writers, operations) = size();
            soak(writers, operations, true);
        }
        Err(_) => soak(4, 8, true),
    }
}
