//! The parser of conditions, over the elements that [`super::scan`] found. Source: the
//! grammar of the CEL specification, as far as conditions may use it.

use super::ExprFault;
use super::literal;
use super::scan::{ALLOWED, Kind, Token};
use super::tree::{Arithmetic, Comparison, Node, Quantifier};

/// Height of the tree: it bounds the stack that judging takes.
const MAX_HEIGHT: usize = 64;
/// Items of a list literal.
const MAX_ITEMS: usize = 64;
/// `exists` and `all` within one another.
const MAX_LOOPS: usize = 2;

/// The words that are values or operators, and name nothing.
const KEYWORDS: [&str; 4] = ["false", "in", "null", "true"];
/// The words that CEL keeps for languages around it: they name members, and nothing else.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

/// Makes a node of the two sides of an operator.
type Make = fn(Box<Node>, Box<Node>) -> Node;

const RELATIONS: [(&str, Make); 7] = [
    ("==", |a, b| Node::Compare(Comparison::Equal, a, b)),
    ("!=", |a, b| Node::Compare(Comparison::NotEqual, a, b)),
    ("<", |a, b| Node::Compare(Comparison::Less, a, b)),
    ("<=", |a, b| Node::Compare(Comparison::LessOrEqual, a, b)),
    (">", |a, b| Node::Compare(Comparison::Greater, a, b)),
    (">=", |a, b| Node::Compare(Comparison::GreaterOrEqual, a, b)),
    ("in", Node::In),
];
const SUMS: [(&str, Make); 2] = [
    ("+", |a, b| Node::Compute(Arithmetic::Add, a, b)),
    ("-", |a, b| Node::Compute(Arithmetic::Subtract, a, b)),
];
const PRODUCTS: [(&str, Make); 3] = [
    ("*", |a, b| Node::Compute(Arithmetic::Multiply, a, b)),
    ("/", |a, b| Node::Compute(Arithmetic::Divide, a, b)),
    ("%", |a, b| Node::Compute(Arithmetic::Remainder, a, b)),
];

/// A node, and the height of the tree below it.
struct Tree(Node, usize);

type Parsed = Result<Tree, ExprFault>;

/// Parses a text that [`super::scan`] let through.
///
/// The scanner's limits on brackets and choices bound the recursion.
pub(super) fn parse(source: &str, tokens: &[Token], variables: &[&str]) -> Result<Node, ExprFault> {
    let mut parser = Parser {
        source,
        tokens,
        variables,
        next: 0,
        bound: Vec::new(),
    };
    let Tree(node, _) = parser.choice()?;
    match parser.next < tokens.len() {
        true => parser.unexpected(),
        false => Ok(node),
    }
}

struct Parser<'a> {
    source: &'a str,
    tokens: &'a [Token],
    variables: &'a [&'a str],
    /// The index of the element to read next.
    next: usize,
    /// The names that the loops around this place bind, outermost first.
    bound: Vec<String>,
}

impl<'a> Parser<'a> {
    /// Returns the text of the element at this index, empty behind the last one.
    fn text(&self, index: usize) -> &'a str {
        self.tokens
            .get(index)
            .map_or("", |token| &self.source[token.span.clone()])
    }

    fn kind(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    fn is_name(&self, index: usize) -> bool {
        self.kind(index) == Some(Kind::Word) && !KEYWORDS.contains(&self.text(index))
    }

    /// Takes the next element if it is this sign or word, and returns its index.
    fn take(&mut self, sign: &str) -> Option<usize> {
        let at = self.next;
        (self.text(at) == sign).then(|| {
            self.next += 1;
            at
        })
    }

    fn expect(&mut self, sign: &str) -> Result<usize, ExprFault> {
        self.take(sign).map_or_else(|| self.unexpected(), Ok)
    }

    fn fault<T>(&self, index: usize, message: impl Into<String>) -> Result<T, ExprFault> {
        let span = self.tokens.get(index).map(|token| token.span.clone());
        Err(ExprFault::at(span, message))
    }

    fn unexpected<T>(&self) -> Result<T, ExprFault> {
        match self.tokens.len() {
            length if self.next < length => self.fault(
                self.next,
                format!("`{}` is not expected here", self.text(self.next)),
            ),
            length => self.fault(length - 1, "the condition ends too early"),
        }
    }

    fn misused<T>(&self, name: usize) -> Result<T, ExprFault> {
        self.fault(
            name,
            format!("`{}` is not used like this; {ALLOWED}", self.text(name)),
        )
    }

    /// Checks the height that a node gets above these trees.
    fn above(&self, at: usize, heights: impl IntoIterator<Item = usize>) -> Result<usize, ExprFault> {
        let height = heights.into_iter().max().unwrap_or(0) + 1;
        match height < MAX_HEIGHT {
            true => Ok(height),
            false => self.fault(at, "the condition is nested too deeply, or its chain is too long"),
        }
    }

    fn one(&self, at: usize, Tree(node, height): Tree, make: impl FnOnce(Box<Node>) -> Node) -> Parsed {
        Ok(Tree(make(Box::new(node)), self.above(at, [height])?))
    }

    fn two(&self, at: usize, a: Tree, b: Tree, make: impl FnOnce(Box<Node>, Box<Node>) -> Node) -> Parsed {
        let height = self.above(at, [a.1, b.1])?;
        Ok(Tree(make(Box::new(a.0), Box::new(b.0)), height))
    }

    fn choice(&mut self) -> Parsed {
        let condition = self.any()?;
        let Some(at) = self.take("?") else {
            return Ok(condition);
        };
        let yes = self.any()?;
        self.expect(":")?;
        let no = self.choice()?;
        let height = self.above(at, [condition.1, yes.1, no.1])?;
        let [condition, yes, no] = [condition, yes, no].map(|Tree(node, _)| Box::new(node));
        Ok(Tree(Node::If(condition, yes, no), height))
    }

    fn any(&mut self) -> Parsed {
        self.chain("||", Parser::every, Node::Or)
    }

    fn every(&mut self) -> Parsed {
        self.chain("&&", Parser::relation, Node::And)
    }

    fn chain(&mut self, sign: &str, part: fn(&mut Self) -> Parsed, make: Make) -> Parsed {
        let mut at = self.next;
        let mut parts = vec![part(self)?];
        while let Some(index) = self.take(sign) {
            at = index;
            parts.push(part(self)?);
        }
        self.balanced(at, parts, make)
    }

    /// Joins a chain as a balanced tree, as CEL's own parsers do: a long chain is not deep.
    fn balanced(&self, at: usize, mut parts: Vec<Tree>, make: Make) -> Parsed {
        match parts.len() {
            1 => Ok(parts.remove(0)),
            length => {
                let right = parts.split_off((length - 1) / 2 + 1);
                let left = self.balanced(at, parts, make)?;
                let right = self.balanced(at, right, make)?;
                self.two(at, left, right, make)
            }
        }
    }

    fn relation(&mut self) -> Parsed {
        self.operators(&RELATIONS, |parser| {
            parser.operators(&SUMS, |parser| parser.operators(&PRODUCTS, Parser::unary))
        })
    }

    /// Parses operators of one precedence, which bind to the left.
    fn operators(&mut self, operators: &[(&str, Make)], part: fn(&mut Self) -> Parsed) -> Parsed {
        let mut left = part(self)?;
        while let Some((sign, make)) = operators.iter().find(|(sign, _)| *sign == self.text(self.next)) {
            let at = self.expect(sign)?;
            let right = part(self)?;
            left = self.two(at, left, right, make)?;
        }
        Ok(left)
    }

    /// Parses signs and what they belong to. An even number of them takes itself back, as
    /// in CEL's own parsers.
    fn unary(&mut self) -> Parsed {
        let at = self.next;
        let (sign, make) = match self.text(at) {
            "!" => ("!", Node::Not as fn(Box<Node>) -> Node),
            "-" if self.kind(at + 1) != Some(Kind::Number) => ("-", Node::Negate as fn(Box<Node>) -> Node),
            _ => return self.member(),
        };
        while self.take(sign).is_some() {}
        let is_odd = (self.next - at) % 2 == 1;
        let operand = self.member()?;
        match is_odd {
            true => self.one(at, operand, make),
            false => Ok(operand),
        }
    }

    /// Parses a value and what follows it: members, indexes, calls.
    fn member(&mut self) -> Parsed {
        let mut operand = self.primary()?;
        loop {
            if let Some(dot) = self.take(".") {
                let name = self.next;
                if !self.is_name(name) {
                    return self.unexpected();
                }
                self.next += 1;
                operand = match self.take("(") {
                    Some(_) => self.method(name, operand)?,
                    None => self.one(dot, operand, |node| {
                        Node::Select(node, self.text(name).to_owned())
                    })?,
                };
            } else if let Some(at) = self.take("[") {
                let index = self.choice()?;
                self.expect("]")?;
                operand = self.two(at, operand, index, Node::Index)?;
            } else {
                return Ok(operand);
            }
        }
    }

    fn method(&mut self, name: usize, operand: Tree) -> Parsed {
        match self.text(name) {
            "size" => match self.take(")") {
                Some(_) => self.one(name, operand, Node::Size),
                None => self.misused(name),
            },
            "exists" => self.quantified(name, operand, Quantifier::Exists),
            "all" => self.quantified(name, operand, Quantifier::All),
            _ => self.unknown_function(name),
        }
    }

    fn quantified(&mut self, name: usize, range: Tree, quantifier: Quantifier) -> Parsed {
        let binds = self.next;
        if !self.is_name(binds) || self.text(binds + 1) != "," {
            return self.misused(name);
        }
        self.next += 2;
        let bound = self.text(binds);
        if self.bound.len() == MAX_LOOPS {
            let message = format!("more than {MAX_LOOPS} of `exists` and `all` within one another");
            return self.fault(name, message);
        }
        if RESERVED.contains(&bound)
            || self.variables.contains(&bound)
            || self.bound.iter().any(|b| b == bound)
        {
            return self.fault(
                binds,
                format!("`{bound}` already means something: take another name"),
            );
        }
        self.bound.push(bound.to_owned());
        let condition = self.argument(name);
        self.bound.pop();
        self.two(name, range, condition?, |range, condition| {
            Node::Loop(quantifier, range, condition)
        })
    }

    /// Parses the last argument of a call, with the bracket after it.
    fn argument(&mut self, name: usize) -> Parsed {
        if self.text(self.next) == ")" {
            return self.misused(name);
        }
        let argument = self.choice()?;
        match self.take(")") {
            Some(_) => Ok(argument),
            None if self.text(self.next) == "," => self.misused(name),
            None => self.unexpected(),
        }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.next;
        let Some(kind) = self.kind(at) else {
            return self.unexpected();
        };
        let leaf = |node| Ok(Tree(node, 1));
        match (kind, self.text(at)) {
            (Kind::Number, _) => return self.number(|value| value),
            (Kind::Sign, "-") if self.kind(at + 1) == Some(Kind::Number) => {
                self.next += 1;
                return self.number(|value| -value);
            }
            (Kind::Sign, "(") => {
                self.next += 1;
                let inner = self.choice()?;
                self.expect(")")?;
                return Ok(inner);
            }
            (Kind::Sign, "[") => return self.list(),
            (Kind::Sign, _) | (Kind::Word, "in") => return self.unexpected(),
            _ => self.next += 1,
        }
        match (kind, self.text(at)) {
            (Kind::Text, text) => leaf(Node::Text(
                literal::text(text).or_else(|why| self.fault(at, why))?,
            )),
            (_, "null") => leaf(Node::Null),
            (_, "true") => leaf(Node::Bool(true)),
            (_, "false") => leaf(Node::Bool(false)),
            (_, name) if self.take("(").is_none() => leaf(self.name(at, name)?),
            (_, "size") => {
                let argument = self.argument(at)?;
                self.one(at, argument, Node::Size)
            }
            (_, "has") => match self.argument(at)? {
                Tree(Node::Select(of, member) | Node::Has(of, member), height) => {
                    Ok(Tree(Node::Has(of, member), height))
                }
                _ => self.misused(at),
            },
            (_, "exists" | "all") => self.misused(at),
            _ => self.unknown_function(at),
        }
    }

    fn number(&mut self, signed: fn(f64) -> f64) -> Parsed {
        let at = self.next;
        self.next += 1;
        match literal::number(self.text(at)) {
            Ok(value) => Ok(Tree(Node::Number(signed(value)), 1)),
            Err(why) => self.fault(at, why),
        }
    }

    fn list(&mut self) -> Parsed {
        let at = self.expect("[")?;
        let (mut items, mut heights) = (Vec::new(), Vec::new());
        while !matches!(self.text(self.next), "]" | ",") {
            let Tree(item, height) = self.choice()?;
            items.push(item);
            heights.push(height);
            if self.take(",").is_none() {
                break;
            }
        }
        if items.is_empty() {
            self.take(",");
        }
        self.expect("]")?;
        if items.len() > MAX_ITEMS {
            let message = format!("the list has {} items; {MAX_ITEMS} is the limit", items.len());
            return self.fault(at, message);
        }
        Ok(Tree(Node::List(items), self.above(at, heights)?))
    }

    fn name(&self, at: usize, name: &str) -> Result<Node, ExprFault> {
        if let Some(depth) = self.bound.iter().position(|known| known == name) {
            return Ok(Node::Bound(depth, name.to_owned()));
        }
        if self.variables.contains(&name) {
            return Ok(Node::Variable(name.to_owned()));
        }
        if let Some(dashed) = self.dashed(at) {
            let message = format!("`{name}` is unknown; if the name is `{dashed}`, write `[\"{dashed}\"]`");
            return self.fault(at, message);
        }
        let mut known: Vec<&str> = self.bound.iter().map(String::as_str).collect();
        known.extend(self.variables);
        let nearest = known
            .iter()
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let more = match nearest {
            Some((_, nearest)) => format!("; did you mean `{nearest}`?"),
            None if known.is_empty() => String::new(),
            None => format!("; there are `{}`", known.join("`, `")),
        };
        self.fault(at, format!("`{name}` is unknown{more}"))
    }

    /// `a.hold-out` reads as `a.hold - out`: returns the whole, when a name touches a
    /// minus that touches a member.
    fn dashed(&self, at: usize) -> Option<&str> {
        let [dot, before, minus, word] = self.tokens.get(at.checked_sub(3)?..=at)? else {
            return None;
        };
        let text = |token: &Token| &self.source[token.span.clone()];
        let member = text(dot) == "." && text(minus) == "-" && before.kind == Kind::Word;
        let touching = before.span.end == minus.span.start && minus.span.end == word.span.start;
        (member && touching).then(|| &self.source[before.span.start..word.span.end])
    }

    fn unknown_function<T>(&self, name: usize) -> Result<T, ExprFault> {
        self.fault(
            name,
            format!("`{}` can't be used here; {ALLOWED}", self.text(name)),
        )
    }
}
