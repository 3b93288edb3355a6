//! The meaning of conditions, and the results of hostile ones.

use serde_json::json;

use super::*;

const VARIABLES: [&str; 5] = ["metrics", "evidence", "card", "spec", "champion"];

fn content() -> Map<String, Value> {
    let Value::Object(map) = json!({
        "metrics": {"auc": 0.912, "n": 4, "zero": 0, "f1-macro": 0.8, "name": "größe"},
        "evidence": {
            "holdout": {"metrics": {"auc": 0.905}},
            "hold-out": {"metrics": {"auc": 0.7}},
        },
        "card": null,
        "spec": {"inference": {"contentTypes": ["text/csv", "application/json"]}},
        "champion": null,
    }) else {
        unreachable!()
    };
    map
}

fn judge(source: &str) -> Outcome {
    Expr::compile(source, &VARIABLES).unwrap().evaluate(&content())
}

fn fault(source: &str) -> ExprFault {
    Expr::compile(source, &VARIABLES).expect_err(source)
}

#[test]
fn conditions_that_hold() {
    for source in [
        "metrics.auc >= 0.85 && (champion == null || metrics.auc >= champion.metrics.auc)",
        "metrics.n > 3",
        "metrics.n == 4 && metrics.n == 4.0",
        "metrics.n + 1 == 5",
        "metrics.n * 2 - 1 > 6.5",
        "metrics.n % 3 == 1",
        "-metrics.n < 0",
        "7 / 2 == 3.5",
        "'text/csv' in spec.inference.contentTypes",
        "'auc' in metrics && !('recall' in metrics)",
        "metrics['f1-macro'] == 0.8",
        "has(metrics.auc) && !has(metrics.recall)",
        "size(evidence) == 2 && evidence.size() == 2",
        "size(metrics.name) == 5",
        "evidence.exists(e, evidence[e].metrics.auc > 0.9)",
        "evidence.all(e, evidence[e].metrics.auc > 0.5)",
        "spec.inference.contentTypes[1] == \"application/json\"",
        "[1, 2.5, 'a'].exists(x, x == 'a')",
        "[[1, 2], [3]].exists(x, x.exists(y, y == 3))",
        "metrics.name == 'größe'",
        "has(metrics.recall) ? metrics.recall > 0.5 : metrics.auc > 0.5",
        "[1, 2] == [1.0, 2.0] && 'a' < 'b' && false < true && 1 != 'a'",
        "metrics.recall > 0.5 || true",
        "true // a remark",
        "!!true",
    ] {
        assert_eq!(judge(source), Outcome::True, "{source}");
    }
}

#[test]
fn conditions_that_do_not_hold() {
    for source in [
        "metrics.auc > 0.95",
        "false && metrics.recall > 0.5",
        "metrics.recall > 0.5 && false",
        "champion != null",
        "[].exists(x, x == 1)",
        "[1, 2].all(x, x > 1)",
        "1 == '1'",
    ] {
        assert_eq!(judge(source), Outcome::False, "{source}");
    }
}

#[test]
fn what_is_missing_or_odd_is_not_met_and_says_why() {
    for (source, reason) in [
        ("metrics.recall > 0.5", "`metrics.recall` is missing"),
        (
            "champion.metrics.auc > 0.5",
            "`champion` is null, and has no `metrics`",
        ),
        ("metrics['f1'] > 0.5", "`metrics.f1` is missing"),
        ("metrics['f-1'] > 0.5", "`metrics[\"f-1\"]` is missing"),
        ("metrics.auc", "the result is a number, not true or false"),
        (
            "metrics.auc > 'a'",
            "`metrics.auc` is a number, a value is a text: they can't be ordered",
        ),
        (
            "metrics.auc && true",
            "`metrics.auc` is a number, and `&&` needs true or false",
        ),
        (
            "1 / metrics.zero > 0",
            "`metrics.zero` is zero, and nothing is divided by zero",
        ),
        (
            "1 % metrics.zero > 0",
            "`metrics.zero` is zero, and nothing is divided by zero",
        ),
        ("1e308 * 10 > 0", "the result of `*` is too large"),
        ("'a' + 'b' == 'ab'", "a value is a text, and `+` needs numbers"),
        ("1 + 'b' == 'ab'", "a value is a text, and `+` needs numbers"),
        (
            "spec.inference.contentTypes[2] == 'a'",
            "`spec.inference.contentTypes` has no item 2",
        ),
        (
            "spec.inference.contentTypes[0.5] == 'a'",
            "`spec.inference.contentTypes` has no item 0.5",
        ),
        (
            "size(metrics.n) > 1",
            "`metrics.n` is a number, and has no size: `size` is for texts, lists and maps",
        ),
        (
            "'a' in metrics.n",
            "`metrics.n` is a number, and `in` needs a list or a map",
        ),
        (
            "metrics.n.all(x, true)",
            "`metrics.n` is a number, and `all` needs a list or a map",
        ),
        (
            "evidence.exists(e, evidence[e].metrics.recall > 0.9)",
            "`evidence[e]`",
        ),
    ] {
        let Outcome::NotMet(said) = judge(source) else {
            panic!("{source} is met or not");
        };
        assert!(said == reason || reason == "`evidence[e]`", "{source}: {said}");
    }
    let absent = Expr::compile("metrics.auc > 1", &VARIABLES).unwrap();
    assert_eq!(
        absent.evaluate(&Map::new()),
        Outcome::NotMet("`metrics` is missing".into())
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of faults")]
fn faults_point_and_name_what_is_allowed() {
    for (source, meant, said) in [
        (
            "metrix.auc > 1",
            "metrix",
            "`metrix` is unknown; did you mean `metrics`?",
        ),
        ("zzz > 1", "zzz", "there are `metrics`, `evidence`"),
        (
            "'größe' == 'x' && metrix.a > 1",
            "metrix",
            "did you mean `metrics`",
        ),
        (
            "evidence.hold-out.metrics.auc > 1",
            "out",
            "write `[\"hold-out\"]`",
        ),
        (
            "metrics.auc.matches('a+')",
            "matches",
            "`matches` can't be used here; conditions have",
        ),
        (
            "timestamp('2026-01-01T00:00:00Z') > 1",
            "timestamp",
            "`timestamp` can't be used here",
        ),
        ("duration('1s') > 1", "duration", "can't be used here"),
        ("metrics.name.startsWith('a')", "startsWith", "can't be used here"),
        ("[1].map(x, x)", "map", "`map` can't be used here"),
        (
            "[1].filter(x, x > 1) == []",
            "filter",
            "`filter` can't be used here",
        ),
        (
            "[1].exists_one(x, x > 1)",
            "exists_one",
            "`exists_one` can't be used here",
        ),
        ("int('1') == 1", "int", "can't be used here"),
        ("size() == 1", "size", "`size` is not used like this"),
        ("has(metrics, 'a')", "has", "`has` is not used like this"),
        ("{'a': 1} == {}", "{", "maps can't be written here"),
        ("metrics.n == 3u", "3u", "write `3`"),
        ("b'abc' == 1", "b", "no prefix"),
        ("r'abc' == 1", "r", "no prefix"),
        ("'''abc''' == 'a'", "'''", "not three"),
        ("metrics.n == 9007199254740993", "9007199254740993", "beyond 2^53"),
        ("metrics.n = 3", "=", "write `==`"),
        ("metrics.n & 3", "&", "write `&&`"),
        ("metrics.n > 'abc", "'abc", "never closed"),
        ("(metrics.n > 3", "(", "never closed"),
        ("metrics.n > 3)", ")", "closes nothing"),
        ("[metrics.n > 3)", "[metrics.n > 3)", "closed by"),
        ("metrics.n > ", ">", "ends too early"),
        ("metrics.n 3", "3", "not expected here"),
        ("metrics.n > @", "@", "has no meaning here"),
        ("metrics.n > \u{202e}3", "\u{202e}", "has no meaning here"),
        ("metrics.`n` > 3", "`", "backticks"),
        (
            "metrics.exists(metrics, true)",
            "metrics",
            "already means something",
        ),
        ("metrics.exists(a, a.all(b, b.all(c, c)))", "all", "more than 2"),
        ("metrics.n > 1.5.2", "1.5.2", "no number"),
        ("metrics.name == '\\q'", "'\\q'", "no escape"),
        ("metrics.exists(for, true)", "for", "already means something"),
        ("has(metrics)", "has", "`has` is not used like this"),
        (
            "metrics.exists(a.b, true)",
            "exists",
            "`exists` is not used like this",
        ),
    ] {
        let fault = fault(source);
        assert!(fault.message.contains(said), "{source}: {fault:?}");
        assert_eq!(fault.span.map(|span| &source[span]), Some(meant), "{source}");
    }
    assert_eq!(fault("").message, "the condition is empty");
    assert_eq!(fault(" // nothing\n").message, "the condition is empty");
}

#[test]
fn the_members_that_are_named() {
    let source = "metrics.auc > 0.5 && has(champion.metrics) && evidence['hold-out'].metrics.auc > metrics.auc \
                  && evidence.exists(e, evidence[e].metrics.auc > size(spec.inference))";
    let expr = Expr::compile(source, &VARIABLES).unwrap();
    assert_eq!(
        expr.reads(),
        [
            "metrics.auc",
            "champion.metrics",
            "evidence[\"hold-out\"].metrics.auc",
            "evidence",
            "spec.inference"
        ]
    );
    let content = content();
    let values = expr.values(&content);
    assert_eq!(values[0], ("metrics.auc".to_owned(), Some(&json!(0.912))));
    assert_eq!(values[1].1, None);
}

/// CEL decides where both have an opinion: this compares our judgement with the crate's.
#[test]
fn agrees_with_cel() {
    let atoms = [
        "true",
        "false",
        "1.0 < 2.0",
        "'a' in ['a', 'b']",
        "[1.0, 2.0].all(y, y > 1.0)",
    ];
    let mut atoms: Vec<&str> = atoms.to_vec();
    atoms.push("metrics.nothing");
    let operators = ["&&", "||", "==", "!="];
    let mut context = cel::Context::default();
    context.add_variable_from_value("metrics", std::collections::HashMap::<String, f64>::new());
    let mut sources = Vec::new();
    for a in &atoms {
        for operator in operators {
            for b in &atoms {
                sources.push(format!("({a}) {operator} ({b})"));
                sources.push(format!("({a}) ? ({b}) : !({a})"));
                sources.push(format!("[true, false].exists(x, x {operator} ({b}))"));
                sources.push(format!("[true, false].all(x, ({a}) || (x {operator} ({b})))"));
            }
        }
    }
    let Value::Object(variables) = json!({"metrics": {}}) else {
        unreachable!()
    };
    for source in sources {
        let ours = Expr::compile(&source, &VARIABLES).unwrap().evaluate(&variables);
        let theirs = cel::Program::compile(&source).unwrap().execute(&context);
        match theirs {
            Ok(cel::Value::Bool(true)) => assert_eq!(ours, Outcome::True, "{source}"),
            Ok(cel::Value::Bool(false)) => assert_eq!(ours, Outcome::False, "{source}"),
            _ => assert!(matches!(ours, Outcome::NotMet(_)), "{source}: {ours:?}"),
        }
    }
}

/// Texts made to exhaust a reader: each is a fault, or is judged.
#[test]
fn hostile_texts_are_harmless() {
    let nested = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let mut texts = vec![
        "!".repeat(20_000) + "true",
        "!".repeat(2_000) + "true",
        "-".repeat(2_000) + "1",
        "!-".repeat(150),
        "a.".repeat(5_000) + "a",
        format!("metrics{} > 1", ".a".repeat(190)),
        "[".repeat(2_000),
        "(".repeat(2_000),
        "{".repeat(2_000),
        "'".repeat(2_001),
        "\\".repeat(2_000),
        "?".repeat(2_000),
        "a?".repeat(700),
        "a?b:".repeat(400) + "c",
        "a?".repeat(16) + "b" + &":c".repeat(16),
        "a[?".repeat(200),
        "a.?b".repeat(200),
        ".".repeat(2_000),
        "in ".repeat(600),
        "1 in ".repeat(199) + "1",
        "a<".repeat(199) + "a",
        "true&&".repeat(300) + "true",
        "true||true&&".repeat(40) + "true",
        "1+".repeat(199) + "1 > 0",
        "1*1-".repeat(99) + "1 > 0",
        format!("[{}] == []", "1,".repeat(150)),
        format!("[{}]", "[],".repeat(90)),
        format!("'{}' == ''", "a".repeat(300)),
        "metrics.exists(a,".repeat(30) + "true" + &")".repeat(30),
        "f(".repeat(15) + "1" + &")".repeat(15),
        "f(a,".repeat(15) + "1" + &")".repeat(15),
        "a{b:".repeat(15),
        "\u{0}".repeat(500),
        "\u{202e}".repeat(500),
        "9".repeat(2_000),
        "1e999999999".to_owned(),
        "0x".to_owned() + &"f".repeat(1_000),
        "1.".repeat(500),
        "'\\".to_owned(),
        "'\\'".to_owned(),
        "'\\u{110000}'".to_owned(),
        "'\\ud800' == ''".to_owned(),
        "'\\xff\\777' == ''".to_owned(),
        "has(has(has(1)))".to_owned(),
        "has(metrics.a.b.c[0])".to_owned(),
        "in in in".to_owned(),
        "as + break".to_owned(),
        "@result".to_owned(),
        "null.null".to_owned(),
        "size(size(size))".to_owned(),
        "x.exists(x.y, true)".to_owned(),
        "metrics.exists(1, true)".to_owned(),
    ];
    for n in [8, 15, 16, 17, 48, 500] {
        texts.push(nested("(", ")", n) + " > 0");
        texts.push(nested("[", "]", n) + " == 0");
        texts.push(nested("!(", ")", n));
        texts.push(nested("-(", ")", n) + " > 0");
        texts.push(nested("true ? (", ") : 1", n) + " > 0");
        texts.push(nested("size([", "])", n) + " > 0");
        texts.push(nested("metrics[", "]", n) + " > 0");
        texts.push(nested("(1 in [", "])", n));
    }
    let content = content();
    for text in texts {
        if let Ok(expr) = Expr::compile(&text, &VARIABLES) {
            let _ = expr.evaluate(&content);
        }
    }
}

#[test]
fn hostile_content_is_harmless() {
    let many: Map<String, Value> = (0..3_000).map(|n| (format!("m{n}"), json!(n))).collect();
    let long = "x".repeat(1 << 20);
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let Value::Object(content) = json!({
        "metrics": many,
        "card": {"a": long, "b": long},
        "spec": deep,
    }) else {
        unreachable!()
    };
    let stopped = Outcome::NotMet("it takes more than 250000 steps".into());
    for (source, outcome) in [
        ("metrics.exists(a, metrics[a] == 2999)", Outcome::True),
        (
            "metrics.all(a, metrics.all(b, metrics[a] + metrics[b] >= 0))",
            stopped.clone(),
        ),
        (
            "metrics.exists(a, metrics.exists(b, metrics.nothing > 0))",
            stopped.clone(),
        ),
        (
            "metrics.exists(a, metrics.exists(b, card.a != card.b))",
            stopped.clone(),
        ),
        (
            "metrics.exists(a, metrics.exists(b, size(card.a) == 1))",
            stopped.clone(),
        ),
        (
            "metrics.exists(a, metrics.exists(b, metrics != metrics)) || true",
            stopped,
        ),
        ("spec == spec", Outcome::True),
    ] {
        let expr = Expr::compile(source, &VARIABLES).unwrap();
        assert_eq!(expr.evaluate(&content), outcome, "{source}");
    }
}

#[test]
fn what_is_better_is_told_where_the_condition_says_it() {
    let better = |source: &str, metric: &str| {
        let expr = Expr::compile(source, &["metrics", "champion", "evidence"]).expect("a condition");
        expr.better("metrics", &[metric])
    };
    let higher = Some(Better::Higher);
    let lower = Some(Better::Lower);
    for (source, wanted) in [
        ("metrics.a >= 0.85", higher),
        ("0.85 < metrics.a", higher),
        ("metrics.a < 5", lower),
        ("!(metrics.a < 5)", higher),
        (
            "champion == null || metrics.a >= champion.metrics.a - 0.01",
            higher,
        ),
        ("champion.metrics.a + 1 > metrics.a * 2", lower),
        (
            "champion == null ? metrics.a > 1 : metrics.a > champion.metrics.a",
            higher,
        ),
        ("-metrics.a / 2 > 3", lower),
        ("metrics[\"a\"] > 1", higher),
        ("metrics.a > 1 && metrics.a < 2", None),
        ("metrics.a == 1", None),
        ("metrics.a * metrics.b > 1", None),
        ("metrics.b > 1", None),
        ("champion.metrics.a > 1", None),
        ("size(metrics) > 1", None),
    ] {
        assert_eq!(better(source, "a"), wanted, "{source}");
    }
}
