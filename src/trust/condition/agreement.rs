//! A second opinion on the parser: the crate `cel`.
//!
//! Both read random texts, and have the same tree or both refuse it.

use cel::common::ast::{ComprehensionExpr, Expr as Cel, IdedExpr, LiteralValue, operators as op};
use cel::parser::Parser;
use proptest::prelude::*;

use super::parse::parse;
use super::scan::scan;
use super::tree::{Arithmetic, Comparison, Node, Quantifier};

const VARIABLES: [&str; 2] = ["metrics", "card"];

fn theirs(source: &str) -> Option<Node> {
    let tree = Parser::new().error_recovery_limit(1).parse(source).ok()?;
    convert(&tree, &mut Vec::new())
}

fn convert(tree: &IdedExpr, bound: &mut Vec<String>) -> Option<Node> {
    Some(match &tree.expr {
        Cel::Literal(LiteralValue::Null) => Node::Null,
        Cel::Literal(LiteralValue::Boolean(value)) => Node::Bool(*value.inner()),
        Cel::Literal(LiteralValue::Double(value)) if value.inner().is_finite() => {
            Node::Number(*value.inner())
        }
        #[expect(clippy::cast_precision_loss, reason = "within 2^53")]
        Cel::Literal(LiteralValue::Int(value)) if value.inner().unsigned_abs() <= 1 << 53 => {
            Node::Number(*value.inner() as f64)
        }
        Cel::Literal(LiteralValue::String(text)) => Node::Text(text.inner().to_owned()),
        Cel::Ident(name) => match bound.iter().position(|known| known == name) {
            Some(depth) => Node::Bound(depth, name.clone()),
            None if VARIABLES.contains(&name.as_str()) => Node::Variable(name.clone()),
            None => return None,
        },
        Cel::Select(select) => {
            let operand = Box::new(convert(&select.operand, bound)?);
            match select.test {
                true => Node::Has(operand, select.field.clone()),
                false => Node::Select(operand, select.field.clone()),
            }
        }
        Cel::List(list) => {
            let items = list.elements.iter().map(|item| convert(item, bound));
            Node::List(items.collect::<Option<_>>()?)
        }
        Cel::Call(call) => {
            let arguments: Option<Vec<Box<Node>>> = call
                .args
                .iter()
                .map(|one| convert(one, bound).map(Box::new))
                .collect();
            match (&call.target, arguments?.as_slice()) {
                (Some(target), []) if call.func_name == "size" => {
                    Node::Size(Box::new(convert(target, bound)?))
                }
                (None, arguments) => operation(&call.func_name, arguments)?,
                _ => return None,
            }
        }
        Cel::Comprehension(fold) => {
            let (quantifier, condition) = quantifier(fold)?;
            let range = Box::new(convert(&fold.iter_range, bound)?);
            let name = &fold.iter_var;
            if bound.len() == 2 || bound.contains(name) || VARIABLES.contains(&name.as_str()) {
                return None;
            }
            bound.push(name.clone());
            let condition = convert(condition, bound);
            bound.pop();
            Node::Loop(quantifier, range, Box::new(condition?))
        }
        _ => return None,
    })
}

fn operation(name: &str, arguments: &[Box<Node>]) -> Option<Node> {
    use {Arithmetic as A, Comparison as C};
    let compare = |how| Some(Node::Compare(how, arguments[0].clone(), arguments[1].clone()));
    let compute = |how| Some(Node::Compute(how, arguments[0].clone(), arguments[1].clone()));
    match (name, arguments) {
        (op::LOGICAL_NOT, [a]) => Some(Node::Not(a.clone())),
        (op::NEGATE, [a]) => Some(Node::Negate(a.clone())),
        ("size", [a]) => Some(Node::Size(a.clone())),
        (op::CONDITIONAL, [a, b, c]) => Some(Node::If(a.clone(), b.clone(), c.clone())),
        (op::LOGICAL_AND, [a, b]) => Some(Node::And(a.clone(), b.clone())),
        (op::LOGICAL_OR, [a, b]) => Some(Node::Or(a.clone(), b.clone())),
        (op::INDEX, [a, b]) => Some(Node::Index(a.clone(), b.clone())),
        (op::IN, [a, b]) => Some(Node::In(a.clone(), b.clone())),
        (op::EQUALS, [_, _]) => compare(C::Equal),
        (op::NOT_EQUALS, [_, _]) => compare(C::NotEqual),
        (op::LESS, [_, _]) => compare(C::Less),
        (op::LESS_EQUALS, [_, _]) => compare(C::LessOrEqual),
        (op::GREATER, [_, _]) => compare(C::Greater),
        (op::GREATER_EQUALS, [_, _]) => compare(C::GreaterOrEqual),
        (op::ADD, [_, _]) => compute(A::Add),
        (op::SUBSTRACT, [_, _]) => compute(A::Subtract),
        (op::MULTIPLY, [_, _]) => compute(A::Multiply),
        (op::DIVIDE, [_, _]) => compute(A::Divide),
        (op::MODULO, [_, _]) => compute(A::Remainder),
        _ => None,
    }
}

/// CEL writes `exists` and `all` out as folds; `map`, `filter` and `exists_one`
/// have other steps. Source: the macros of the CEL specification.
fn quantifier(fold: &ComprehensionExpr) -> Option<(Quantifier, &IdedExpr)> {
    let (Cel::Literal(LiteralValue::Boolean(start)), Cel::Call(step)) =
        (&fold.accu_init.expr, &fold.loop_step.expr)
    else {
        return None;
    };
    let quantifier = match (start.inner(), step.func_name.as_str()) {
        (false, op::LOGICAL_OR) => Quantifier::Exists,
        (true, op::LOGICAL_AND) => Quantifier::All,
        _ => return None,
    };
    let is_accumulator = |tree: &IdedExpr| matches!(&tree.expr, Cel::Ident(name) if *name == fold.accu_var);
    match step.args.as_slice() {
        [accumulator, condition]
            if fold.iter_var2.is_none() && is_accumulator(accumulator) && is_accumulator(&fold.result) =>
        {
            Some((quantifier, condition))
        }
        _ => None,
    }
}

fn ours(source: &str) -> Option<Node> {
    let tokens = scan(source).expect("a text that can be split");
    parse(source, &tokens, &VARIABLES).ok()
}

/// Elements in any order: most of these texts are refused.
fn elements() -> impl Strategy<Value = String> {
    let elements = proptest::sample::select(vec![
        "metrics",
        "card",
        "x",
        "y",
        ".",
        ".a",
        ".size()",
        ".exists(x, ",
        ".all(y, ",
        "has(",
        "size(",
        "(",
        ")",
        "[",
        "]",
        ",",
        "?",
        ":",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "in",
        "&&",
        "||",
        "1",
        "2.5",
        ".5",
        "0x1F",
        "1e3",
        "3u",
        "1.",
        "0x",
        "7a",
        "''",
        "'a'",
        r"'\n'",
        r"'\x41'",
        r#""\101\u00e9""#,
        r"'\400'",
        "true",
        "false",
        "null",
        "for",
        "map",
        "metrics.a",
        "metrics['a']",
        ".b.exists(",
        "// end",
    ]);
    proptest::collection::vec((elements, any::<bool>()), 1..12).prop_map(|elements| {
        let spaced = |(word, space): (&str, bool)| format!("{word}{}", if space { " " } else { "" });
        elements.into_iter().map(spaced).collect()
    })
}

/// Conditions as people write them, with an element more or less now and then.
fn conditions() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "metrics.a",
        "card",
        "x",
        "y",
        "1",
        "-2",
        "0.5",
        "'t'",
        "true",
        "null",
        "[]",
        "[1, 'a',]",
        "metrics['a-b']",
        "has(card.a)",
        "card.b.size()",
        "size(metrics)",
        "has(has(card.a))",
        "[,]",
        "-0",
        "1e400",
        "9007199254740993",
    ])
    .prop_map(str::to_owned);
    let operators = vec![
        "&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%", "",
    ];
    leaf.prop_recursive(5, 24, 3, move |inner| {
        let operator = proptest::sample::select(operators.clone());
        prop_oneof![
            6 => (inner.clone(), operator.clone(), inner.clone()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
            1 => (proptest::collection::vec(inner.clone(), 2..9), operator)
                .prop_map(|(parts, o)| parts.join(&format!(" {o} "))),
            1 => inner.clone().prop_map(|a| format!("({a})")),
            1 => inner.clone().prop_map(|a| format!("!{a}")),
            1 => inner.clone().prop_map(|a| format!("!!({a})")),
            1 => inner.clone().prop_map(|a| format!("-{a}")),
            1 => inner.clone().prop_map(|a| format!("--{a}")),
            1 => inner.clone().prop_map(|a| format!("{a}.c")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            1 => inner.clone().prop_map(|a| format!("metrics.exists(x, {a})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}.all(y, {b})")),
            2 => (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("{a} ? {b} : {c}")),
        ]
    })
}

/// What CEL reads otherwise on purpose: a name that is looked up at the root (`.x`).
fn has_leading_dot(source: &str) -> bool {
    let tokens = scan(source).expect("a text that can be split");
    let text = |index: usize| tokens.get(index).map_or("", |token| &source[token.span.clone()]);
    (0..tokens.len()).any(|at| {
        let before = if at == 0 { "(" } else { text(at - 1) };
        let is_value = before
            .ends_with(|end: char| end.is_alphanumeric() || matches!(end, '_' | ')' | ']' | '\'' | '"'));
        text(at) == "." && (!is_value || before == "in")
    })
}

fn agree(source: &str) {
    if scan(source).is_ok() && !has_leading_dot(source) {
        assert_eq!(ours(source), theirs(source), "{source}");
    }
}

#[test]
fn the_same_trees_for_elements_in_any_order() {
    proptest!(ProptestConfig::with_cases(1_500), |(source in elements())| agree(&source));
}

#[test]
fn the_same_trees_for_conditions() {
    proptest!(ProptestConfig::with_cases(1_500), |(source in conditions())| agree(&source));
}

#[test]
fn the_same_trees_for_long_chains() {
    for operator in ["&&", "||", "+", "*", "<", "- -"] {
        for length in 1..40 {
            agree(&vec!["metrics"; length].join(operator));
        }
    }
}
