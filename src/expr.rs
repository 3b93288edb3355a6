//! The only room that names cel: conditions over what a version says, for
//! `list --where` and for gates. Bounded before they are run.
//!
//! Source of the language: the CEL specification (cel-spec). Only comparison,
//! arithmetic, logic, the conditional, `in`, `has`, `size`, `exists` and `all`
//! are allowed; numbers are doubles.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::ast::{EntryExpr, Expr as Ast, IdedExpr};
use cel::{Context, Program, Value as CelValue};
use serde_json::{Map, Value};

/// Bytes of a condition.
const LONGEST: usize = 2048;
/// Terms of a condition.
const MOST_TERMS: usize = 400;
/// Items of one list.
const LONGEST_LIST: usize = 64;
/// Comprehensions inside one another.
const DEEPEST_LOOPS: usize = 2;
/// Signs that open or negate, one inside another.
const DEEPEST_NESTING: usize = 48;
/// A parser that recurses needs room.
const STACK: usize = 64 << 20;

/// A condition, ready to be asked.
pub struct Expr {
    program: Program,
    source: String,
}

/// Why a condition is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprFault(pub String);

/// What a condition says of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It can't be said: a field is missing, or the result is no boolean.
    NotMet(String),
}

/// Runs `work` on a thread with a large stack, and turns a panic of the library
/// into nothing.
pub fn with_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let quiet = || {
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(|_| {}));
            let result = catch_unwind(AssertUnwindSafe(work)).ok();
            std::panic::set_hook(hook);
            result
        };
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, quiet)
            .ok()?
            .join()
            .ok()
            .flatten()
    })
}

impl Expr {
    /// Reads a condition over these variables. Call it inside [`with_stack`]
    /// when the text is not your own.
    ///
    /// # Errors
    /// Why it is no condition, or too much of one.
    pub fn compile(source: &str, variables: &[&str]) -> Result<Expr, ExprFault> {
        let fault = |message: String| Err(ExprFault(message));
        if source.len() > LONGEST {
            return fault(format!("the condition has more than {LONGEST} bytes"));
        }
        if nesting(source) > DEEPEST_NESTING {
            return fault(format!(
                "the condition is nested more than {DEEPEST_NESTING} deep"
            ));
        }
        let program = match Program::compile(&doubles(source)) {
            Ok(program) => program,
            Err(error) => {
                let said = error.to_string();
                let line = said
                    .lines()
                    .find(|line| !line.trim().is_empty())
                    .unwrap_or("it can't be read");
                return fault(format!("the condition can't be read: {}", line.trim()));
            }
        };
        let mut inspector = Inspector {
            terms: 0,
            variables,
            bound: Vec::new(),
        };
        inspector.look(program.expression(), 0, 0).map_err(ExprFault)?;
        Ok(Expr {
            program,
            source: source.to_owned(),
        })
    }

    /// The text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What the condition says when its variables are these.
    pub fn evaluate(&self, variables: &Map<String, Value>) -> Outcome {
        let mut context = Context::default();
        for (name, value) in variables {
            context.add_variable_from_value(name.as_str(), cel_value(value));
        }
        match self.program.execute(&context) {
            Ok(CelValue::Bool(true)) => Outcome::True,
            Ok(CelValue::Bool(false)) => Outcome::False,
            Ok(_) => Outcome::NotMet("the condition is neither true nor false".into()),
            Err(error) => Outcome::NotMet(error.to_string()),
        }
    }
}

/// JSON as CEL sees it here: every number is a double.
fn cel_value(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(flag) => CelValue::Bool(*flag),
        Value::Number(number) => CelValue::Float(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => CelValue::String(std::sync::Arc::new(text.clone())),
        Value::Array(items) => CelValue::List(std::sync::Arc::new(items.iter().map(cel_value).collect())),
        Value::Object(members) => {
            let map: std::collections::HashMap<String, CelValue> = members
                .iter()
                .map(|(key, value)| (key.clone(), cel_value(value)))
                .collect();
            CelValue::Map(map.into())
        }
    }
}

/// The source with its whole numbers as doubles, since all numbers are. What
/// stands alone in brackets is an index and stays.
fn doubles(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 16);
    let mut quote: Option<char> = None;
    let mut rest = source.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        out.push(c);
        if let Some(open) = quote {
            if c == '\\' {
                out.extend(rest.next().map(|(_, escaped)| escaped));
            } else if c == open {
                quote = None;
            }
            continue;
        }
        if matches!(c, '"' | '\'') {
            quote = Some(c);
            continue;
        }
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if !c.is_ascii_digit() || source[..at].ends_with(word) {
            continue;
        }
        while let Some((_, next)) = rest.next_if(|(_, next)| next.is_ascii_digit()) {
            out.push(next);
        }
        let follows = rest.peek().map(|(_, next)| *next);
        let index = source[..at].trim_end().ends_with('[') && follows == Some(']');
        if !index && !follows.is_some_and(word) {
            out.push_str(".0");
        }
    }
    out
}

/// How deep signs that open or negate stand inside one another, before any
/// parser sees them.
fn nesting(source: &str) -> usize {
    let (mut depth, mut deepest, mut run) = (0usize, 0usize, 0usize);
    for c in source.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        run = if matches!(c, '!' | '-' | '?') {
            run + 1
        } else if c.is_whitespace() {
            run
        } else {
            0
        };
        deepest = deepest.max(depth + run);
    }
    deepest.max(source.matches('?').count() + source.matches("!").count() / 2)
}

struct Inspector<'v> {
    terms: usize,
    variables: &'v [&'v str],
    bound: Vec<String>,
}

const OPERATORS: [&str; 16] = [
    "_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_", "_*_", "_/_", "_%_",
    "-_", "@in",
];

impl Inspector<'_> {
    fn look(&mut self, node: &IdedExpr, loops: usize, depth: usize) -> Result<(), String> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(format!("the condition has more than {MOST_TERMS} terms"));
        }
        if depth > 2 * DEEPEST_NESTING + 64 {
            return Err("the condition is nested too deep".into());
        }
        let deeper = depth + 1;
        match &node.expr {
            Ast::Literal(_) => Ok(()),
            Ast::Ident(name) => {
                let known = self.variables.contains(&name.as_str())
                    || self.bound.contains(name)
                    || name.starts_with('@');
                if known { Ok(()) } else { Err(self.unknown(name)) }
            }
            Ast::Select(select) => self.look(&select.operand, loops, deeper),
            Ast::Call(call) => {
                let name = call.func_name.as_str();
                let allowed = OPERATORS.contains(&name)
                    || matches!(
                        name,
                        "_?_:_"
                            | "_[_]"
                            | "in"
                            | "_in_"
                            | "size"
                            | "@not_strictly_false"
                            | "__not_strictly_false__"
                    );
                if !allowed {
                    return Err(format!(
                        "`{name}` is not allowed: there are comparison, arithmetic, logic, `in`, `has`, `size`, `exists` and `all`"
                    ));
                }
                if let Some(target) = &call.target {
                    self.look(target, loops, deeper)?;
                }
                call.args
                    .iter()
                    .try_for_each(|argument| self.look(argument, loops, deeper))
            }
            Ast::List(list) => {
                if list.elements.len() > LONGEST_LIST {
                    return Err(format!("a list has more than {LONGEST_LIST} items"));
                }
                list.elements
                    .iter()
                    .try_for_each(|item| self.look(item, loops, deeper))
            }
            Ast::Map(map) => {
                if map.entries.len() > LONGEST_LIST {
                    return Err(format!("a mapping has more than {LONGEST_LIST} members"));
                }
                map.entries.iter().try_for_each(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => {
                        self.look(&entry.key, loops, deeper)?;
                        self.look(&entry.value, loops, deeper)
                    }
                    EntryExpr::StructField(field) => self.look(&field.value, loops, deeper),
                })
            }
            Ast::Comprehension(comprehension) => {
                if loops >= DEEPEST_LOOPS {
                    return Err(format!(
                        "`exists` and `all` stand more than {DEEPEST_LOOPS} deep in one another"
                    ));
                }
                self.look(&comprehension.iter_range, loops, deeper)?;
                self.look(&comprehension.accu_init, loops, deeper)?;
                let bound = self.bound.len();
                self.bound.push(comprehension.iter_var.clone());
                self.bound.extend(comprehension.iter_var2.clone());
                self.bound.push(comprehension.accu_var.clone());
                self.look(&comprehension.loop_cond, loops + 1, deeper)?;
                self.look(&comprehension.loop_step, loops + 1, deeper)?;
                self.look(&comprehension.result, loops + 1, deeper)?;
                self.bound.truncate(bound);
                // `map` and `filter` build lists; `exists` and `all` give booleans.
                if matches!(comprehension.accu_init.expr, Ast::List(_)) {
                    return Err("`map` and `filter` are not allowed: use `exists` and `all`".into());
                }
                Ok(())
            }
            _ => Err("the condition uses a form that is not allowed".into()),
        }
    }

    fn unknown(&self, name: &str) -> String {
        let near = self
            .variables
            .iter()
            .copied()
            .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
        match near.filter(|near| strsim::jaro_winkler(near, name) > 0.75) {
            Some(near) => format!("there is no `{name}` here; did you mean `{near}`?"),
            None => format!(
                "there is no `{name}` here; there are {}",
                self.variables.join(", ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(source: &str) -> Outcome {
        let variables = json!({
            "metrics": {"auc": 0.91, "n": 3}, "labels": {"team": "risk"}, "status": "Approved",
            "stages": ["staging"], "version": 3, "card": null,
        });
        let variables = variables.as_object().cloned().unwrap_or_default();
        let names = ["metrics", "labels", "status", "stages", "version", "card"];
        match with_stack(|| Expr::compile(source, &names).map(|expr| expr.evaluate(&variables))) {
            Some(Ok(outcome)) => outcome,
            Some(Err(ExprFault(message))) => Outcome::NotMet(format!("fault: {message}")),
            None => Outcome::NotMet("fault: panic".into()),
        }
    }

    #[test]
    fn comparison_arithmetic_logic_and_the_few_functions() {
        for source in [
            "metrics.auc > 0.9 && labels.team == \"risk\"",
            "metrics.n > 2 && metrics.n == 3 && version + 1 == 4",
            "metrics.n * 2 - 1 >= 5 && -1 < 0",
            "has(metrics.auc) && !has(metrics.f1)",
            "'staging' in stages && size(stages) == 1",
            "stages.exists(s, s == 'staging') && stages.all(s, size(s) > 3)",
            "card == null ? true : false",
            "stages[0] == 'staging'",
            "'1 + 1' == \"1 + 1\"",
        ] {
            assert_eq!(ask(source), Outcome::True, "{source}");
        }
        assert_eq!(ask("metrics.auc > 0.95"), Outcome::False);
        for source in [
            "metrics.f1 > 0.5",
            "labels.none == 'x'",
            "metrics.auc",
            "metrics.f1 / 2 > 0.1",
            "status > 3",
        ] {
            assert!(
                matches!(&ask(source), Outcome::NotMet(why) if !why.starts_with("fault")),
                "{source}: {:?}",
                ask(source)
            );
        }
    }

    #[test]
    fn what_is_hostile_or_not_allowed_is_a_fault() {
        let list = |n: usize| format!("[{}]", vec!["1"; n].join(","));
        let long = list(65);
        let nested = "stages.exists(a, stages.exists(b, stages.exists(c, a == b && b == c)))".to_owned();
        for source in [
            "!".repeat(1900) + "true",
            "!".repeat(20_000) + "true",
            "(".repeat(900) + "1" + &")".repeat(900) + " > 0",
            "[".repeat(900),
            "-".repeat(1900) + "1 > 0",
            "true ? ".repeat(200) + "true",
            "1 + ".repeat(480) + "1 > 0",
            format!("1 in {long}"),
            nested,
            "status.matches('a+')".into(),
            "timestamp('2020-01-01T00:00:00Z') > timestamp('2019-01-01T00:00:00Z')".into(),
            "duration('1h') > duration('1m')".into(),
            "stages.map(s, s) == stages".into(),
            "stages.filter(s, true) == stages".into(),
            "env.HOME == 'x'".into(),
            "a.b.c.d == 1".into(),
            "metrics.auc >".into(),
            String::new(),
            "\"".into(),
            "\u{0}".into(),
        ] {
            let outcome = ask(&source);
            let short: String = source.chars().take(60).collect();
            assert!(
                matches!(&outcome, Outcome::NotMet(why) if why.starts_with("fault")),
                "{short}: {outcome:?}"
            );
        }
    }
}
