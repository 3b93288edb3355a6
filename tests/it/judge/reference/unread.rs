//! Records that can't be read: numbers that a double does not keep, the text that
//! follows such a record, and addresses in the first policy.

use serde_json::json;

use super::acts::Pen;
use super::exhaustive::{VERSION, agreed, signed, version, world};
use super::judge::Case;
use super::objects::Files;
use super::place::Place;
use super::provenance::Link;
use super::world::{Dice, Sign, World, document};

const EVIDENCE: &str = "groups/churn/versions/1/evidence/holdout.yaml";

/// The decimal expansion of a number in JSON's grammar, without zeros that say nothing:
/// its whole part, and its fraction.
fn expanded(text: &str) -> (String, String) {
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i64>().unwrap_or(0)),
        None => (text, 0),
    };
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).expect("a short text") + power;
    let at = |index: i64| -> char {
        let index = usize::try_from(index).ok();
        index.and_then(|index| digits.chars().nth(index)).unwrap_or('0')
    };
    let end = i64::try_from(digits.len()).expect("a short text");
    let whole: String = (0..point.max(0)).map(at).collect();
    let fraction: String = (point..end.max(point)).map(at).collect();
    (
        whole.trim_start_matches('0').to_owned(),
        fraction.trim_end_matches('0').to_owned(),
    )
}

/// Whether readers with doubles keep a number. Fractions are rounded alike by all; the
/// whole part of a number, and that it is not zero, must stay.
fn is_kept(text: &str) -> bool {
    let double: f64 = text.parse().expect("a number");
    let (whole, fraction) = expanded(text);
    if whole.is_empty() && fraction.is_empty() {
        return !text.starts_with('-');
    }
    let large = 2_f64.powi(53);
    match text.contains(['.', 'e', 'E']) {
        false => double.abs() < large || whole == "9007199254740992",
        true if double == 0.0 || !double.is_finite() => false,
        true if double.abs() < large => true,
        true => (whole, fraction) == expanded(&format!("{double}")),
    }
}

/// The code of the fault by which a record can't be read: a number behind a member.
pub fn fault(bytes: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(bytes);
    let is_number = |word: &&str| {
        word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && word.parse::<f64>().is_ok()
    };
    let mut numbers = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(_, value)| value.trim())
        .filter(is_number);
    numbers.any(|number| !is_kept(number)).then_some("MR012")
}

impl Case<'_> {
    /// A change of a record that can be read. Its text before is the last one that could
    /// be read.
    pub fn readable(&mut self, link: &Link, place: &Place) -> Option<Link> {
        if *place == Place::Stray {
            return Some(link.clone());
        }
        if let Some(code) = link.after.as_deref().and_then(fault) {
            self.record_author(link, None);
            self.codes.insert(code);
            return None;
        }
        let mut link = link.clone();
        if link.before.as_deref().and_then(fault).is_none() || link.after.is_none() {
            return Some(link);
        }
        link.before = None;
        let mut at = self.history[&self.commit].parents.first();
        while let Some(id) = at {
            let commit = &self.history[id];
            let text = commit.files.get(&link.path);
            if let Some(text) = text.filter(|text| fault(text).is_none()) {
                link.before = Some(text.clone());
                break;
            }
            at = commit.parents.first();
        }
        Some(link)
    }
}

/// An evaluation with this number, as text.
fn evaluation(number: &str, revision: u64, data: &str) -> Vec<u8> {
    format!(
        "apiVersion: modelry/v1\nkind: Evaluation\ngroup: churn\nversion: 1\nname: holdout\nby: trainer\nrevision: {revision}\ndataset:\n  uri: {data}\nmetrics:\n  rows: {number}\n"
    )
    .into_bytes()
}

/// A registry with one version.
fn registered() -> (World, Files, usize) {
    let (mut world, mut files) = world([false, false], |_| {});
    let bytes = signed(&mut world, VERSION, version("trainer", "Pending"));
    files.insert(VERSION.into(), bytes);
    let tip = world.commit(
        &[1],
        files.clone(),
        &Sign::By("trainer#0".into()),
        "version".into(),
    );
    (world, files, tip)
}

#[test]
fn a_number_is_kept_or_not_for_both_judges() {
    let mut dice = Dice(12);
    let mut numbers: Vec<String> = [
        "0",
        "0.0",
        "-0",
        "-0.0",
        "0.91",
        "9007199254740992",
        "9007199254740993",
        "-9007199254740993",
        "9007199254740992.0",
        "9007199254740993.0",
        "9007199254740992.5",
        "9007199254740991.5",
        "12345678901234567890.0",
        "1.0e+20",
        "1.0e+23",
        "1.0e+308",
        "1.0e+309",
        "1.0e-323",
        "1.0e-400",
        "0.12345678901234567890123",
    ]
    .map(str::to_owned)
    .into();
    for _ in 0..60 {
        let digit = |dice: &mut Dice| char::from(b'0' + u8::try_from(dice.below(10)).expect("a digit"));
        let many = 1 + dice.below(19);
        let mut text = char::from(b'1' + u8::try_from(dice.below(9)).expect("a digit")).to_string();
        text.extend((1..many).map(|_| digit(&mut dice)));
        if dice.percent(60) {
            text.push('.');
            text.extend((0..1 + dice.below(3)).map(|_| digit(&mut dice)));
            if dice.percent(50) {
                text.push_str(&format!(
                    "e{:+}",
                    i64::try_from(dice.below(30)).expect("small") - 8
                ));
            }
        }
        numbers.push(text);
    }
    let (mut world, files, tip) = registered();
    let (mut kept, mut lost) = (0, 0);
    for number in numbers {
        let mut files = files.clone();
        files.insert(EVIDENCE.into(), evaluation(&number, 1, "s3://data/1"));
        let tip = world.commit(&[tip], files, &Sign::By("trainer#0".into()), "evidence".into());
        let said = agreed(&world, tip, &number);
        let last = &said.last().expect("a step").codes;
        let expected = !is_kept(&number);
        assert_eq!(last.contains("MR012"), expected, "{number}: {last:?}");
        *(if expected { &mut lost } else { &mut kept }) += 1;
    }
    assert!(kept > 20 && lost > 10, "{kept} and {lost}");
}

#[test]
fn what_follows_an_unreadable_record_is_judged_alike() {
    const LOGIN: &str = "https://user:secret@data.example.com/1";
    const OTHER: &str = "https://user:other@data.example.com/1";
    let (mut world, files, tip) = registered();
    let bad = "9007199254740993";
    // (number, revision, data, codes) of one commit after the other.
    type Step<'s> = (&'s str, u64, &'s str, &'s [&'s str]);
    let stories: [&[Step<'_>]; 6] = [
        &[
            ("1", 1, "s3://data/1", &[]),
            (bad, 2, "s3://data/1", &["MR012"]),
            ("2", 3, "s3://data/1", &[]),
        ],
        // The address was judged with the last text that could be read.
        &[
            ("1", 1, LOGIN, &["MR112"]),
            (bad, 2, LOGIN, &["MR012"]),
            ("2", 3, LOGIN, &[]),
        ],
        &[
            ("1", 1, "s3://data/1", &[]),
            (bad, 2, LOGIN, &["MR012"]),
            (bad, 3, OTHER, &["MR012"]),
            ("2", 4, LOGIN, &["MR112"]),
            ("2", 5, OTHER, &["MR112"]),
        ],
        // Nothing before it could be read.
        &[(bad, 1, LOGIN, &["MR012"]), ("2", 2, LOGIN, &["MR112"])],
        // The counter is higher than that of the last text that could be read.
        &[
            ("1", 4, "s3://data/1", &[]),
            (bad, 9, "s3://data/1", &["MR012"]),
            ("2", 5, "s3://data/1", &[]),
        ],
        &[
            ("1", 4, "s3://data/1", &[]),
            (bad, 9, "s3://data/1", &["MR012"]),
            ("2", 4, "s3://data/1", &["MR205"]),
        ],
    ];
    for (index, story) in stories.iter().enumerate() {
        let (mut files, mut tip) = (files.clone(), tip);
        let mut steps = Vec::new();
        for (number, revision, data, codes) in *story {
            files.insert(EVIDENCE.into(), evaluation(number, *revision, data));
            let sign = Sign::By("trainer#0".into());
            tip = world.commit(&[tip], files.clone(), &sign, "evidence".into());
            steps.push(codes.iter().map(|code| (*code).to_owned()).collect());
        }
        let said = agreed(&world, tip, &format!("story {index}"));
        let last: Vec<std::collections::BTreeSet<String>> = said[said.len() - steps.len()..]
            .iter()
            .map(|said| said.codes.clone())
            .collect();
        assert_eq!(last, steps, "story {index}");
    }
}

/// The content of the root is kept for ever, too; its policy is in force all the same.
#[test]
fn an_address_in_the_root_is_judged_alike() {
    for (comment, group, codes) in [
        ("# see https://git.example.com/x", None, &[][..]),
        ("# see https://user:secret@git.example.com/x", None, &["MR112"]),
        (
            "# fine",
            Some("https://user:secret@git.example.com/x"),
            &["MR112", "MR501"],
        ),
        ("# fine", Some("https://git.example.com/x"), &["MR501"]),
    ] {
        let mut world = World::new();
        let mut dice = Dice(1);
        let mut pen = Pen {
            world: &mut world,
            dice: &mut dice,
            tamper: 0,
            fresh: 1,
        };
        let policy = pen.root_policy();
        let mut text = document(&policy);
        text.extend(format!("{comment}\n").bytes());
        let mut files = Files::from([("registry.yaml".to_owned(), text)]);
        if let Some(address) = group {
            let record = json!({
                "apiVersion": "modelry/v1", "kind": "ModelGroup", "name": "churn",
                "description": format!("see {address}"),
            });
            files.insert("groups/churn/group.yaml".into(), document(&record));
        }
        let root = world.commit(&[], files, &Sign::By("admin-1#0".into()), "root".into());
        let said = agreed(&world, root, comment);
        let expected: Vec<&str> = codes.to_vec();
        assert!(
            said[0].codes.iter().eq(expected),
            "{comment} {group:?}: {:?}",
            said[0].codes
        );
        assert!(said[0].brought, "{comment} {group:?}");
    }
}
