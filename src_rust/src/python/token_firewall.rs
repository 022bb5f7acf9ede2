//! Binding of the token firewall: conversion only.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::arguments;
use super::errors;
use super::values::to_python;
use crate::market::Market;
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};
use crate::token_firewall::{
    Depth, MintAccountState, Permission, Rule, RuleError, TokenContext, TokenRules, TokenVerdict, judge,
};

/// What the operator says about mints.
#[pyclass(name = "TokenRules", module = "phantom_core", frozen)]
#[derive(Clone, Default)]
pub struct PyTokenRules(pub TokenRules);

fn addresses(argument: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<Pubkey>> {
    if values.is_instance_of::<pyo3::types::PyString>() {
        return Err(errors::invalid(format!("{argument}: several addresses expected, found one text")));
    }
    let items = values
        .try_iter()
        .map_err(|_| errors::invalid(format!("{argument}: addresses expected, found {}", values.get_type())));
    items?.map(|item| arguments::address(argument, &item?)).collect()
}

fn amounts(argument: &str, values: &Bound<'_, PyDict>) -> PyResult<Vec<(Pubkey, u64)>> {
    values
        .iter()
        .map(|(mint, amount)| {
            Ok((arguments::address(argument, &mint)?, arguments::amount(argument, &amount)?))
        })
        .collect()
}

fn named<T>(word: &str, value: &str, found: Option<T>, names: &[&str]) -> PyResult<T> {
    found.ok_or_else(|| errors::invalid(format!("{word} is '{value}'; it may be {}", names.join(", "))))
}

/// Maps rules that cannot be.
pub fn rule_error(error: &RuleError) -> PyErr {
    errors::invalid(error.to_string())
}

fn sorted(keys: impl Iterator<Item = Pubkey>) -> Vec<String> {
    let mut texts: Vec<String> = keys.map(|key| key.to_string()).collect();
    texts.sort();
    texts
}

#[pymethods]
impl PyTokenRules {
    #[new]
    #[pyo3(signature = (*, allow=None, deny=None, rules=None, max_transfer_fee_bps=1_000, min_depth=None,
        min_age_slots=0))]
    fn new(
        allow: Option<&Bound<'_, PyAny>>,
        deny: Option<&Bound<'_, PyAny>>,
        rules: Option<&Bound<'_, PyDict>>,
        max_transfer_fee_bps: u16,
        min_depth: Option<&Bound<'_, PyDict>>,
        min_age_slots: u64,
    ) -> PyResult<Self> {
        let listed = |argument, values: Option<&Bound<'_, PyAny>>| {
            let found = values.map_or(Ok(Vec::new()), |values| addresses(argument, values))?;
            Ok::<_, PyErr>(found.into_iter().collect())
        };
        let mut made = TokenRules::default();
        made.allow = listed("allow", allow)?;
        made.deny = listed("deny", deny)?;
        made.max_transfer_fee_bps = max_transfer_fee_bps;
        made.min_age_slots = min_age_slots;
        if let Some(depths) = min_depth {
            made.min_depth = amounts("min_depth", depths)?;
        }
        for (rule, permission) in rules.map(PyDictMethods::iter).into_iter().flatten() {
            let word = |value: &Bound<'_, PyAny>| {
                let wrong = || format!("rules: names expected, found {}", value.get_type());
                value.extract::<String>().map_err(|_| errors::invalid(wrong()))
            };
            let (rule, permission) = (word(&rule)?, word(&permission)?);
            let rule = named("rules", &rule, Rule::named(&rule), &Rule::ALL.map(Rule::name))?;
            let names = Permission::ALL.map(Permission::name);
            let word = format!("rules: {}", rule.name());
            let permission = named(&word, &permission, Permission::named(&permission), &names)?;
            made.set(rule, permission).map_err(|error| rule_error(&error))?;
        }
        made.check().map_err(|error| rule_error(&error))?;
        Ok(Self(made))
    }

    #[getter]
    fn allow(&self) -> Vec<String> {
        sorted(self.0.allow.iter().copied())
    }

    #[getter]
    fn deny(&self) -> Vec<String> {
        sorted(self.0.deny.iter().copied())
    }

    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rules = PyDict::new(py);
        for rule in Rule::ALL {
            rules.set_item(rule.name(), self.0.permission(rule).name())?;
        }
        Ok(rules)
    }

    #[getter]
    fn max_transfer_fee_bps(&self) -> u16 {
        self.0.max_transfer_fee_bps
    }

    #[getter]
    fn min_depth<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let depths = PyDict::new(py);
        for (mint, amount) in &self.0.min_depth {
            depths.set_item(mint.to_string(), amount)?;
        }
        Ok(depths)
    }

    #[getter]
    fn min_age_slots(&self) -> u64 {
        self.0.min_age_slots
    }
}

/// Where a mint may be traded, and why.
#[pyclass(name = "TokenVerdict", module = "phantom_core", frozen)]
pub struct PyTokenVerdict {
    verdict: TokenVerdict,
    facts: Option<Details>,
}

#[pymethods]
impl PyTokenVerdict {
    #[getter]
    fn mint(&self) -> String {
        self.verdict.mint.to_string()
    }

    #[getter]
    fn verdict(&self) -> &'static str {
        self.verdict.permission.name()
    }

    #[getter]
    fn reasons<'py>(&self, py: Python<'py>) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
        self.verdict.reasons.iter().map(|(name, value)| Ok((*name, to_python(py, value)?))).collect()
    }

    #[getter]
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(details) = &self.facts else { return Ok(None) };
        let facts = PyDict::new(py);
        for (name, value) in details {
            facts.set_item(name, to_python(py, value)?)?;
        }
        Ok(Some(facts))
    }

    fn __repr__(&self) -> String {
        let shown = |(name, value): &(&'static str, Value)| match value {
            Value::None => format!("'{name}'"),
            value => format!("'{name}: {value}'"),
        };
        let reasons: Vec<String> = self.verdict.reasons.iter().map(shown).collect();
        format!(
            "TokenVerdict(mint='{}', verdict='{}', reasons=[{}])",
            self.verdict.mint,
            self.verdict.permission.name(),
            reasons.join(", ")
        )
    }
}

fn with_facts(market: &Market, verdict: TokenVerdict) -> PyTokenVerdict {
    let facts = market.mint_facts(&verdict.mint).map(crate::token_firewall::MintFacts::details);
    PyTokenVerdict { verdict, facts }
}

/// Returns the list behind `Engine.tokens()` and `Market.tokens()`.
pub fn tokens(market: &mut Market) -> Vec<PyTokenVerdict> {
    let verdicts: Vec<TokenVerdict> = market.tokens().cloned().collect();
    verdicts.into_iter().map(|verdict| with_facts(market, verdict)).collect()
}

/// Returns the list behind `Engine.take_changed_tokens()` and `Market.take_changed_tokens()`.
pub fn take_changed_tokens(market: &mut Market) -> Vec<PyTokenVerdict> {
    let verdicts = market.take_changed_tokens();
    verdicts.into_iter().map(|verdict| with_facts(market, verdict)).collect()
}

/// Returns what is behind `Engine.token()` and `Market.token()`.
pub fn token(market: &mut Market, mint: &Pubkey) -> Option<PyTokenVerdict> {
    let verdict = market.token(mint).cloned()?;
    Some(with_facts(market, verdict))
}

#[pyfunction]
#[pyo3(signature = (mint, account=None, *, rules=None, epoch=None, slot=0, since_slot=None, depth=None))]
#[expect(clippy::too_many_arguments, reason = "keyword-only settings")]
fn judge_token(
    py: Python<'_>,
    mint: &Bound<'_, PyAny>,
    account: Option<&Bound<'_, PyAny>>,
    rules: Option<&PyTokenRules>,
    epoch: Option<u64>,
    #[pyo3(from_py_with = arguments::slot)] slot: u64,
    since_slot: Option<u64>,
    depth: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyTokenVerdict> {
    let mint = arguments::address("mint", mint)?;
    let account = account.map(|account| arguments::account("account", account)).transpose()?;
    let depths = depth.map(|depths| amounts("depth", depths)).transpose()?.unwrap_or_default();
    let depths: Vec<Depth> =
        depths.into_iter().map(|(base_mint, amount)| Depth { base_mint, amount: amount.into() }).collect();
    let default = PyTokenRules::default();
    let rules = &rules.unwrap_or(&default).0;
    let (verdict, facts) = py.detach(|| {
        let account = account
            .as_ref()
            .map_or(MintAccountState::Unseen, |(owner, data)| MintAccountState::of(owner, data.as_ref()));
        let context = TokenContext { epoch, slot, since_slot, depths: &depths };
        let facts = account.facts().map(crate::token_firewall::MintFacts::details);
        (judge(mint, &account, rules, &context), facts)
    });
    Ok(PyTokenVerdict { verdict, facts })
}

#[pyfunction]
fn token_rule_names(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    PyTuple::new(py, Rule::ALL.map(Rule::name))
}

/// Adds this file's classes and functions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyTokenRules, PyTokenVerdict);
    m.add_function(wrap_pyfunction!(judge_token, m)?)?;
    m.add_function(wrap_pyfunction!(token_rule_names, m)?)?;
    Ok(())
}
