//! The conversion from CEL's syntax tree to ours, which has only the elements that
//! conditions may use.

use std::ops::Range;

use cel::common::ast::{Expr as Cel, IdedExpr, LiteralValue, operators as op};
use cel::parser::{ParseError, Parser};

use super::ExprFault;
use super::scan::{ALLOWED, Kind, Token};

/// Depth of the tree: it bounds the stack that judging takes.
const MAX_DEPTH: usize = 64;
/// Items of a list literal.
const MAX_ITEMS: usize = 64;
/// `exists` and `all` within one another.
const MAX_LOOPS: usize = 2;
/// The largest whole number that a double holds exactly.
const MAX_WHOLE: u64 = 1 << 53;

/// A condition's syntax tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    /// A variable that the caller provides.
    Variable(String),
    /// The name that the loop at this depth binds, outermost first.
    Bound(usize, String),
    Select(Box<Node>, String),
    /// Whether the member is there.
    Has(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Size(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Compute(Arithmetic, Box<Node>, Box<Node>),
    In(Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Loop(Quantifier, Box<Node>, Box<Node>),
}

/// `==`, `<` and their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// `+` and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// `exists` or `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    Exists,
    All,
}

/// Parses a text that [`super::scan`] let through, and judges its form.
pub(super) fn read(source: &str, tokens: &[Token], variables: &[&str]) -> Result<Node, ExprFault> {
    let (tree, info) = Parser::new()
        .max_recursion_depth(48)
        .error_recovery_limit(1)
        .parse_with_source_info(source)
        .map_err(|errors| syntax(source, tokens, errors.errors.first()))?;
    let reader = Reader {
        source,
        tokens,
        variables,
        offset: &|id| info.offset_for(id).map(|(start, _)| start as usize),
    };
    let mut bound = Vec::new();
    reader.node(&tree, &mut bound, 0)
}

/// CEL's parser names its tokens and all that it expected, which is too much for people.
/// The place is the helpful part.
fn syntax(source: &str, tokens: &[Token], error: Option<&ParseError>) -> ExprFault {
    let Some(error) = error else {
        return ExprFault::at(None, "the condition can't be read as CEL");
    };
    let place = |(line, column): (isize, isize)| {
        let start: usize = source
            .split_inclusive('\n')
            .take(usize::try_from(line - 1).ok()?)
            .map(str::len)
            .sum();
        let in_line = source.get(start..)?;
        let column = usize::try_from(column - 1).ok()?;
        let column = in_line
            .char_indices()
            .nth(column)
            .map_or(in_line.len(), |(at, _)| at);
        Some(start + column)
    };
    let at = place(error.pos).unwrap_or(source.len());
    let Some(token) = tokens.iter().find(|token| token.span.end > at) else {
        let last = tokens.last().map(|token| token.span.clone());
        return ExprFault::at(last, "the condition ends too early");
    };
    let word = &source[token.span.clone()];
    ExprFault::at(Some(token.span.clone()), format!("`{word}` is not expected here"))
}

struct Reader<'a> {
    source: &'a str,
    tokens: &'a [Token],
    variables: &'a [&'a str],
    /// Returns the parser's position of a node: an index of characters.
    offset: &'a dyn Fn(u64) -> Option<usize>,
}

impl Reader<'_> {
    fn token(&self, id: u64) -> Option<usize> {
        let characters = (self.offset)(id)?;
        let (at, _) = self.source.char_indices().nth(characters)?;
        self.tokens.iter().position(|token| token.span.contains(&at))
    }

    fn span(&self, id: u64) -> Option<Range<usize>> {
        self.token(id).map(|index| self.tokens[index].span.clone())
    }

    fn fault<T>(&self, id: u64, message: impl Into<String>) -> Result<T, ExprFault> {
        Err(ExprFault::at(self.span(id), message))
    }

    /// `bound`: the names that loops around this node bind, outermost first.
    fn node(&self, tree: &IdedExpr, bound: &mut Vec<String>, depth: usize) -> Result<Node, ExprFault> {
        let depth = depth + 1;
        if depth > MAX_DEPTH {
            return self.fault(
                tree.id,
                "the condition is nested too deeply, or its chain is too long",
            );
        }
        match &tree.expr {
            Cel::Literal(literal) => self.literal(tree.id, literal),
            Cel::Ident(name) => self.name(tree.id, name, bound),
            Cel::Select(select) => {
                let operand = Box::new(self.node(&select.operand, bound, depth)?);
                let field = select.field.clone();
                Ok(if select.test {
                    Node::Has(operand, field)
                } else {
                    Node::Select(operand, field)
                })
            }
            Cel::List(list) if list.elements.len() > MAX_ITEMS => self.fault(
                tree.id,
                format!(
                    "the list has {} items; {MAX_ITEMS} is the limit",
                    list.elements.len()
                ),
            ),
            Cel::List(list) => {
                let items = list.elements.iter().map(|item| self.node(item, bound, depth));
                Ok(Node::List(items.collect::<Result<_, _>>()?))
            }
            Cel::Call(call) => match &call.target {
                None => self.operation(tree.id, &call.func_name, &call.args, bound, depth),
                Some(target) if call.func_name == "size" && call.args.is_empty() => {
                    Ok(Node::Size(Box::new(self.node(target, bound, depth)?)))
                }
                Some(_) => self.unknown_function(tree.id, &call.func_name),
            },
            Cel::Comprehension(comprehension) => {
                let Some((quantifier, condition)) = quantifier(comprehension) else {
                    return self.unknown_function(tree.id, "");
                };
                let range = Box::new(self.node(&comprehension.iter_range, bound, depth)?);
                if bound.len() == MAX_LOOPS {
                    return self.fault(
                        tree.id,
                        format!("more than {MAX_LOOPS} of `exists` and `all` within one another"),
                    );
                }
                let name = comprehension.iter_var.clone();
                if bound.contains(&name) || self.variables.contains(&name.as_str()) {
                    return self.fault(
                        tree.id,
                        format!("`{name}` already means something: take another name"),
                    );
                }
                bound.push(name);
                let condition = self.node(condition, bound, depth);
                bound.pop();
                Ok(Node::Loop(quantifier, range, Box::new(condition?)))
            }
            Cel::Unspecified | Cel::Map(_) | Cel::Struct(_) => {
                self.fault(tree.id, format!("this can't be used here; {ALLOWED}"))
            }
        }
    }

    fn literal(&self, id: u64, literal: &LiteralValue) -> Result<Node, ExprFault> {
        Ok(match literal {
            LiteralValue::Null => Node::Null,
            LiteralValue::Boolean(value) => Node::Bool(*value.inner()),
            LiteralValue::Double(value) if value.inner().is_finite() => Node::Number(*value.inner()),
            LiteralValue::Double(_) => return self.fault(id, "the number is too large"),
            #[allow(clippy::cast_precision_loss, reason = "within 2^53")]
            LiteralValue::Int(value) if value.inner().unsigned_abs() <= MAX_WHOLE => {
                Node::Number(*value.inner() as f64)
            }
            LiteralValue::Int(_) => {
                return self.fault(
                    id,
                    "the number is beyond 2^53, where whole numbers are not exact any more",
                );
            }
            LiteralValue::String(text) => Node::Text(text.inner().to_owned()),
            LiteralValue::UInt(value) => {
                return self.fault(id, format!("numbers have no `u` here: write `{}`", value.inner()));
            }
            LiteralValue::Bytes(_) => return self.fault(id, "bytes can't be written here"),
        })
    }

    fn name(&self, id: u64, name: &str, bound: &[String]) -> Result<Node, ExprFault> {
        if let Some(depth) = bound.iter().position(|known| known == name) {
            return Ok(Node::Bound(depth, name.to_owned()));
        }
        if self.variables.contains(&name) {
            return Ok(Node::Variable(name.to_owned()));
        }
        let name = name.trim_start_matches('.');
        if let Some(dashed) = self.dashed(id) {
            return self.fault(
                id,
                format!("`{name}` is unknown; if the name is `{dashed}`, write `[\"{dashed}\"]`"),
            );
        }
        let mut known: Vec<&str> = bound.iter().map(String::as_str).collect();
        known.extend(self.variables);
        let nearest = known
            .iter()
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let known_list = || {
            let quoted: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            quoted.join(", ")
        };
        match nearest {
            Some((_, nearest)) => self.fault(id, format!("`{name}` is unknown; did you mean `{nearest}`?")),
            None if known.is_empty() => self.fault(id, format!("`{name}` is unknown")),
            None => self.fault(id, format!("`{name}` is unknown; there are {}", known_list())),
        }
    }

    /// `a.hold-out` reads as `a.hold - out`: returns the whole, when a name touches a
    /// minus that touches a member.
    fn dashed(&self, id: u64) -> Option<&str> {
        let index = self.token(id)?;
        let [dot, before, minus, word] = self.tokens.get(index.checked_sub(3)?..=index)? else {
            return None;
        };
        let text = |token: &Token| &self.source[token.span.clone()];
        let member = text(dot) == "." && text(minus) == "-" && before.kind == Kind::Word;
        let touching = before.span.end == minus.span.start && minus.span.end == word.span.start;
        (member && touching).then(|| &self.source[before.span.start..word.span.end])
    }

    fn operation(
        &self,
        id: u64,
        name: &str,
        arguments: &[IdedExpr],
        bound: &mut Vec<String>,
        depth: usize,
    ) -> Result<Node, ExprFault> {
        let mut nodes = Vec::with_capacity(arguments.len());
        for argument in arguments {
            nodes.push(Box::new(self.node(argument, bound, depth)?));
        }
        let mut nodes = nodes.into_iter();
        let (a, b, c, more) = (nodes.next(), nodes.next(), nodes.next(), nodes.next());
        Ok(match (name, a, b, c, more) {
            (op::LOGICAL_NOT, Some(a), None, ..) => Node::Not(a),
            (op::NEGATE, Some(a), None, ..) => Node::Negate(a),
            ("size", Some(a), None, ..) => Node::Size(a),
            (op::CONDITIONAL, Some(a), Some(b), Some(c), None) => Node::If(a, b, c),
            (op::LOGICAL_AND, Some(a), Some(b), None, _) => Node::And(a, b),
            (op::LOGICAL_OR, Some(a), Some(b), None, _) => Node::Or(a, b),
            (op::INDEX, Some(a), Some(b), None, _) => Node::Index(a, b),
            (op::IN, Some(a), Some(b), None, _) => Node::In(a, b),
            (op::EQUALS, Some(a), Some(b), None, _) => Node::Compare(Comparison::Equal, a, b),
            (op::NOT_EQUALS, Some(a), Some(b), None, _) => Node::Compare(Comparison::NotEqual, a, b),
            (op::LESS, Some(a), Some(b), None, _) => Node::Compare(Comparison::Less, a, b),
            (op::LESS_EQUALS, Some(a), Some(b), None, _) => Node::Compare(Comparison::LessOrEqual, a, b),
            (op::GREATER, Some(a), Some(b), None, _) => Node::Compare(Comparison::Greater, a, b),
            (op::GREATER_EQUALS, Some(a), Some(b), None, _) => {
                Node::Compare(Comparison::GreaterOrEqual, a, b)
            }
            (op::ADD, Some(a), Some(b), None, _) => Node::Compute(Arithmetic::Add, a, b),
            (op::SUBSTRACT, Some(a), Some(b), None, _) => Node::Compute(Arithmetic::Subtract, a, b),
            (op::MULTIPLY, Some(a), Some(b), None, _) => Node::Compute(Arithmetic::Multiply, a, b),
            (op::DIVIDE, Some(a), Some(b), None, _) => Node::Compute(Arithmetic::Divide, a, b),
            (op::MODULO, Some(a), Some(b), None, _) => Node::Compute(Arithmetic::Remainder, a, b),
            _ => return self.unknown_function(id, name),
        })
    }

    /// The place of a call is its bracket; the name is before it.
    fn unknown_function<T>(&self, id: u64, name: &str) -> Result<T, ExprFault> {
        let before = self
            .token(id)
            .and_then(|bracket| self.tokens.get(bracket.checked_sub(1)?))
            .filter(|token| token.kind == Kind::Word);
        let (span, name) = match before {
            Some(token) => (Some(token.span.clone()), &self.source[token.span.clone()]),
            None => (self.span(id), name),
        };
        let message = match name {
            "has" | "size" | "exists" | "all" => format!("`{name}` is not used like this; {ALLOWED}"),
            _ => format!("`{name}` can't be used here; {ALLOWED}"),
        };
        Err(ExprFault::at(span, message))
    }
}

/// CEL writes `exists` and `all` out as folds; `map`, `filter` and `exists_one`
/// have other steps. Source: the macros of the CEL specification.
fn quantifier(fold: &cel::common::ast::ComprehensionExpr) -> Option<(Quantifier, &IdedExpr)> {
    let Cel::Literal(LiteralValue::Boolean(start)) = &fold.accu_init.expr else {
        return None;
    };
    let Cel::Call(step) = &fold.loop_step.expr else {
        return None;
    };
    let quantifier = match (start.inner(), step.func_name.as_str()) {
        (false, op::LOGICAL_OR) => Quantifier::Exists,
        (true, op::LOGICAL_AND) => Quantifier::All,
        _ => return None,
    };
    let [accumulator, condition] = step.args.as_slice() else {
        return None;
    };
    let plain = fold.iter_var2.is_none()
        && matches!(&accumulator.expr, Cel::Ident(name) if *name == fold.accu_var)
        && matches!(&fold.result.expr, Cel::Ident(name) if *name == fold.accu_var);
    plain.then_some((quantifier, condition))
}
