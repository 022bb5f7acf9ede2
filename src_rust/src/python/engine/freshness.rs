//! How fresh an engine's market is, as Python sees it: conversion only.

use pyo3::prelude::*;

use crate::engine::{self, Blocked, Engine};
use crate::market::PoolIndex;

/// Why a pool may not be traded now.
#[pyclass(name = "BlockedPool", module = "phantom_core", frozen, get_all)]
pub struct PyBlockedPool {
    pool: String,
    reason: &'static str,
    detail: String,
}

impl PyBlockedPool {
    fn new(pool: String, blocked: &Blocked) -> Self {
        Self { pool, reason: blocked.reason().name(), detail: blocked.to_string() }
    }
}

/// One connection: how far it has come, and what it lost.
#[pyclass(name = "ConnectionFreshness", module = "phantom_core", frozen, get_all)]
pub struct PyConnectionFreshness {
    name: String,
    is_open: bool,
    shown_slot: Option<u64>,
    behind_slots: Option<u64>,
    heartbeat_slot: Option<u64>,
    subscriptions: usize,
    connections: u64,
    gaps: u64,
    slots_lost: u64,
}

impl From<engine::ConnectionFreshness> for PyConnectionFreshness {
    fn from(connection: engine::ConnectionFreshness) -> Self {
        let engine::ConnectionFreshness { name, link, behind_slots } = connection;
        Self {
            name,
            is_open: link.is_open,
            shown_slot: link.shown,
            behind_slots,
            heartbeat_slot: link.heartbeat,
            subscriptions: link.subscriptions,
            connections: link.connections,
            gaps: link.gaps,
            slots_lost: link.slots_lost,
        }
    }
}

/// How fresh the whole market is at one moment.
#[pyclass(name = "MarketFreshness", module = "phantom_core", frozen, get_all)]
pub struct PyMarketFreshness {
    is_judging: bool,
    slot: u64,
    connections: Vec<Py<PyConnectionFreshness>>,
    blocked: Vec<Py<PyBlockedPool>>,
    waiting: usize,
    in_doubt: usize,
    doubted: u64,
    healed: u64,
    healed_slots: u64,
    longest_slots: u64,
}

/// How fresh one pool is.
#[pyclass(name = "PoolFreshness", module = "phantom_core", frozen, get_all)]
pub struct PyPoolFreshness {
    fresh_to: Option<u64>,
    age_slots: Option<u64>,
    blocked_reason: Option<&'static str>,
    blocked_detail: Option<String>,
}

/// An account to read again.
#[pyclass(name = "StaleAccount", module = "phantom_core", frozen, get_all)]
pub struct PyStaleAccount {
    pubkey: String,
    pool: String,
    reason: &'static str,
    fresh_to: u64,
    age_slots: u64,
    read_from: Option<u64>,
}

/// Converts the whole.
pub(super) fn market_freshness(
    py: Python<'_>,
    report: engine::FreshnessReport,
) -> PyResult<PyMarketFreshness> {
    let connections = report.connections.into_iter();
    let blocked = report.blocked.into_iter();
    Ok(PyMarketFreshness {
        is_judging: report.is_judging,
        slot: report.now,
        connections: connections
            .map(|one| Py::new(py, PyConnectionFreshness::from(one)))
            .collect::<PyResult<_>>()?,
        blocked: blocked
            .map(|(pool, blocked)| Py::new(py, PyBlockedPool::new(pool.to_string(), &blocked)))
            .collect::<PyResult<_>>()?,
        waiting: report.waiting,
        in_doubt: report.healing.in_doubt,
        doubted: report.healing.doubted,
        healed: report.healing.healed,
        healed_slots: report.healing.healed_slots,
        longest_slots: report.healing.longest_slots,
    })
}

/// Converts one pool's.
pub(super) fn pool_freshness(engine: &mut Engine, pool: PoolIndex) -> PyPoolFreshness {
    let found = engine.pool_freshness(pool);
    PyPoolFreshness {
        fresh_to: found.fresh_to,
        age_slots: found.age_slots,
        blocked_reason: found.blocked.map(|blocked| blocked.reason().name()),
        blocked_detail: found.blocked.map(|blocked| blocked.to_string()),
    }
}

/// Converts the accounts to read again.
pub(super) fn stale_accounts(engine: &mut Engine) -> Vec<PyStaleAccount> {
    let stale = engine.stale_accounts();
    let shown = stale.into_iter().map(|account| PyStaleAccount {
        pubkey: account.pubkey.to_string(),
        pool: engine.market().pool(account.pool).address().to_string(),
        reason: account.reason,
        fresh_to: account.fresh_to,
        age_slots: account.age_slots,
        read_from: account.read_from,
    });
    shown.collect()
}

/// Adds this file's classes to the module.
pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyBlockedPool, PyConnectionFreshness, PyMarketFreshness, PyPoolFreshness, PyStaleAccount);
    Ok(())
}
