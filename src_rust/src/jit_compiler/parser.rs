//! Tokens to terms, with Python's precedence; recursion is bounded by [`limits::NESTING`].

use super::builder::{Builder, Built, Operator, Term};
use super::error::{Fault, Span};
use super::ir::Cmp;
use super::lexer::{Kind, Mark, Token, tokens};
use super::limits;

/// Parses `text`, which starts at byte `offset` of the builder's source.
pub(super) fn parse(builder: &mut Builder<'_>, text: &str, offset: usize) -> Built {
    let shift = |span: Span| Span::new(span.start as usize + offset, span.end as usize + offset);
    let mut tokens = tokens(text).map_err(|fault| Fault { span: shift(fault.span), ..fault })?;
    for token in &mut tokens {
        token.span = shift(token.span);
    }
    let mut parser = Parser { builder, tokens: &tokens, at: 0, nesting: 0 };
    if tokens.len() == 1 {
        return Err(Fault::new(tokens[0].span, "the expression is empty"));
    }
    let term = parser.expression()?;
    let rest = parser.peek();
    if rest.kind != Kind::End {
        let fault = Fault::new(rest.span, format!("`{}` is not expected here", parser.text(rest)));
        return Err(match rest.kind {
            Kind::Name(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::Bool(_) => {
                fault.hint("an operator is missing")
            }
            _ => fault,
        });
    }
    Ok(term)
}

struct Parser<'p, 'b, 'a, 't> {
    builder: &'p mut Builder<'b>,
    tokens: &'t [Token<'a>],
    at: usize,
    nesting: u32,
}

/// Binds how strongly, and what.
fn infix(kind: Kind<'_>) -> Option<(u8, Operator)> {
    let Kind::Mark(mark) = kind else { return None };
    Some(match mark {
        Mark::Plus => (1, Operator::Add),
        Mark::Minus => (1, Operator::Sub),
        Mark::Star => (2, Operator::Mul),
        Mark::Slash => (2, Operator::Div),
        Mark::SlashSlash => (2, Operator::FloorDiv),
        Mark::Percent => (2, Operator::Rem),
        _ => return None,
    })
}

fn comparison(kind: Kind<'_>) -> Option<Cmp> {
    let Kind::Mark(mark) = kind else { return None };
    Some(match mark {
        Mark::Less => Cmp::Less,
        Mark::LessEqual => Cmp::LessEqual,
        Mark::Greater => Cmp::Greater,
        Mark::GreaterEqual => Cmp::GreaterEqual,
        Mark::EqualEqual => Cmp::Equal,
        Mark::NotEqual => Cmp::NotEqual,
        _ => return None,
    })
}

impl<'a> Parser<'_, '_, 'a, '_> {
    fn peek(&self) -> Token<'a> {
        self.tokens[self.at]
    }

    /// The last token is the end, which is never passed.
    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn text(&self, token: Token<'_>) -> String {
        match token.kind {
            Kind::End => "the end".to_owned(),
            _ => token.span.text(self.builder.source).chars().take(40).collect(),
        }
    }

    fn take(&mut self, mark: Mark) -> Option<Span> {
        (self.peek().kind == Kind::Mark(mark)).then(|| self.next().span)
    }

    fn expect(&mut self, mark: Mark, what: &str) -> Result<Span, Fault> {
        let found = self.peek();
        self.take(mark)
            .ok_or_else(|| Fault::new(found.span, format!("{what} is expected, found {}", self.text(found))))
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Built) -> Built {
        self.nesting += 1;
        if self.nesting > limits::NESTING {
            let message = format!("nested deeper than {} levels", limits::NESTING);
            return Err(Fault::new(self.peek().span, message));
        }
        let term = inner(self)?;
        self.nesting -= 1;
        Ok(term)
    }

    /// `a if condition else b`, or less.
    fn expression(&mut self) -> Built {
        let value = self.either()?;
        if self.take(Mark::If).is_none() {
            return Ok(value);
        }
        let condition = self.either()?;
        self.expect(Mark::Else, "else")?;
        let other = self.deeper(Self::expression)?;
        self.builder.conditional(condition, value, other)
    }

    fn either(&mut self) -> Built {
        let mut left = self.both()?;
        while self.take(Mark::Or).is_some() {
            let right = self.both()?;
            left = self.builder.logic(false, left, right)?;
        }
        Ok(left)
    }

    fn both(&mut self) -> Built {
        let mut left = self.negation()?;
        while self.take(Mark::And).is_some() {
            let right = self.negation()?;
            left = self.builder.logic(true, left, right)?;
        }
        Ok(left)
    }

    fn negation(&mut self) -> Built {
        let Some(not) = self.take(Mark::Not) else { return self.comparisons() };
        let term = self.deeper(Self::negation)?;
        self.builder.not(term, not.to(term.span))
    }

    /// `a < b <= c` is `a < b and b <= c`.
    fn comparisons(&mut self) -> Built {
        let mut left = self.sum(1)?;
        let mut all: Option<Term> = None;
        while let Some(cmp) = comparison(self.peek().kind) {
            let at = self.next().span;
            let right = self.sum(1)?;
            let one = self.builder.compare(cmp, left, right, at)?;
            all = Some(match all {
                Some(before) => self.builder.logic(true, before, one)?,
                None => one,
            });
            left = right;
        }
        Ok(all.unwrap_or(left))
    }

    fn sum(&mut self, least: u8) -> Built {
        let mut left = self.signed()?;
        while let Some((strength, operator)) = infix(self.peek().kind).filter(|(found, _)| *found >= least) {
            let at = self.next().span;
            let right = if strength == 1 { self.sum(2)? } else { self.signed()? };
            left = self.builder.binary(operator, left, right, at)?;
        }
        Ok(left)
    }

    fn signed(&mut self) -> Built {
        if let Some(sign) = self.take(Mark::Minus) {
            let term = self.deeper(Self::signed)?;
            return self.builder.negate(term, sign.to(term.span));
        }
        if let Some(sign) = self.take(Mark::Plus) {
            let term = self.deeper(Self::signed)?;
            return Ok(Term { span: sign.to(term.span), ..self.builder.number(term)? });
        }
        let base = self.atom()?;
        let Some(at) = self.take(Mark::StarStar) else { return Ok(base) };
        let exponent = self.deeper(Self::signed)?;
        self.builder.binary(Operator::Power, base, exponent, at)
    }

    fn atom(&mut self) -> Built {
        let token = self.next();
        match token.kind {
            Kind::Int(value) => self.builder.int(value, token.span),
            Kind::Float(value) => self.builder.float(value, token.span),
            Kind::Bool(value) => self.builder.bool(value, token.span),
            Kind::Name(name) if self.peek().kind == Kind::Mark(Mark::Open) => self.call(name, token.span),
            Kind::Name(name) | Kind::Text(name) => self.builder.name(name, token.span),
            Kind::Mark(Mark::Open) => {
                let inner = self.deeper(Self::expression)?;
                let close = self.expect(Mark::Close, "`)`")?;
                Ok(Term { span: token.span.to(close), ..inner })
            }
            _ => {
                let found = self.text(token);
                Err(Fault::new(token.span, format!("a value is expected, found {found}")))
            }
        }
    }

    fn call(&mut self, name: &str, at: Span) -> Built {
        self.next();
        let mut arguments = Vec::new();
        while self.peek().kind != Kind::Mark(Mark::Close) {
            arguments.push(self.deeper(Self::expression)?);
            if self.take(Mark::Comma).is_none() {
                break;
            }
        }
        let close = self.expect(Mark::Close, "`)` or `,`")?;
        self.builder.call(name, &arguments, at, at.to(close))
    }
}
