//! One call per frame: from bytes that an endpoint pushed to the cycles worth trading.
//!
//! ```text
//! frame → aggregator → market → cycles through the changed pool → openings → sizing → scorer → rules → Signal
//! ```
//!
//! The one idea: an *opening* is the time during which a cycle is profitable at recorded marginal
//! prices after fees. It is one opportunity however many updates it lasts. A cycle is taken at most
//! once per opening; it counts again only after it has closed at recorded prices and opened anew.
//! What is taken is sized on the market as our fills have left it, and only while it is open at
//! recorded prices: a gain that exists because of our own fill alone is not a signal.

mod candidate;
mod config;
mod context;
mod explain;
mod freshness;
mod funnel;
mod guard;
mod held;
mod misses;
mod openings;
mod pricing;
mod rules;
mod signal;
mod timing;
mod transaction;
mod volatility;
mod watch;

use rustc_hash::FxHashSet;

use crate::cycle_finder::{
    CycleKey, CycleScratch, EdgeIndex, MAX_HOPS, MarketSweep, NegativeCycle, edge_of, pool_of,
};
use crate::latency::{Stopwatch, TimedStage};
use crate::market::{AccountWrite, Applied, Market, PoolIndex};
use crate::quantities::{Pubkey, Slot};
use crate::scorer::{Prospect, Reason, Reasons, Share, SignalScorer};
use crate::sizing::SizingScratch;
use crate::token_firewall::{Permission, RuleError, TokenRules};
pub use crate::wss_aggregator::ConnectionFreshness;
use crate::wss_aggregator::{AccountUpdate, EndpointId, Malformed, NO_TIME, Verdict, WssAggregator};
use candidate::Sizing;
pub use config::{BaseMint, ConfigError, Costs, EngineConfig, Fees};
use context::Experience;
pub use explain::{ExplainError, Explanation, Obstacle};
pub use freshness::{FreshnessReport, PoolFreshness};
use funnel::Shortfall;
pub use funnel::{Funnel, Miss, Stage};
use guard::Guard;
pub use guard::{Blocked, FreshnessConfig, Healing, StaleAccount};
use held::Held;
pub use held::HeldAccount;
use openings::Openings;
use pricing::Pricing;
pub use pricing::SharedFeeEngine;
use rules::Rules;
pub use rules::{CANDIDATE_FIELDS, CandidateValues, WrongFields, candidate_fields, candidate_values};
pub use signal::{Cycle, Hop, Signal, TakeError};
pub use transaction::ExecutionPlan;
use volatility::Volatility;
pub use watch::EngineWatch;
use watch::Watcher;

/// Counters of the engine itself; the aggregator keeps its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Account writes handed to the market.
    pub updates: u64,
    /// Account writes that could not be decoded, by [`crate::decoders::DecodeError::reason`].
    pub faults: Vec<(&'static str, u64)>,
}

/// The whole pipeline for one stream of frames.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    fees: Fees,
    pricing: Pricing,
    aggregator: WssAggregator,
    market: Market,
    scorer: SignalScorer,
    rules: Rules,
    execution: Option<ExecutionPlan>,
    openings: Openings,
    guard: Guard,
    held: Held,
    experience: Experience,
    volatility: Volatility,
    funnel: Funnel,
    counters: Counters,
    watcher: Option<Box<Watcher>>,
    stopwatch: Stopwatch,
    updates: Vec<AccountUpdate>,
    touched: Vec<PoolIndex>,
    found: Vec<Cycle>,
    seen: FxHashSet<CycleKey>,
    walk: CycleScratch,
    sweep: MarketSweep,
    sizing: SizingScratch,
}

impl Engine {
    /// Returns an engine that knows no pool yet.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(config: EngineConfig) -> Result<Self, ConfigError> {
        if !(2..=MAX_HOPS).contains(&config.max_hops) {
            return Err(ConfigError::MaxHops { found: config.max_hops });
        }
        if !(1..=64).contains(&config.aggregator.quorum) {
            return Err(ConfigError::Quorum { found: config.aggregator.quorum });
        }
        let fees = config.costs.fees().ok_or(ConfigError::Costs(config.costs))?;
        let mut market = Market::new(config.market);
        market.set_token_rules(config.tokens.clone())?;
        Ok(Self {
            fees,
            pricing: Pricing::default(),
            aggregator: WssAggregator::new(config.aggregator),
            market,
            scorer: SignalScorer::new(config.scorer.clone()),
            rules: Rules::default(),
            execution: None,
            guard: Guard::new(config.freshness),
            held: Held::new(config.keep_accounts),
            config,
            openings: Openings::default(),
            experience: Experience::default(),
            volatility: Volatility::default(),
            funnel: Funnel::default(),
            counters: Counters::default(),
            watcher: None,
            stopwatch: Stopwatch::default(),
            updates: Vec::new(),
            touched: Vec::new(),
            found: Vec::new(),
            seen: FxHashSet::default(),
            walk: CycleScratch::new(),
            sweep: MarketSweep::new(),
            sizing: SizingScratch::new(),
        })
    }

    /// Returns the settings.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Returns what one attempt costs by the settings; with a fee engine each signal names its own.
    #[must_use]
    pub fn fees(&self) -> Fees {
        self.fees
    }

    /// Returns the market.
    #[must_use]
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Returns the market, for an operator's decisions: release a venue, name a verified deployment.
    /// [`tell_all`](Self::tell_all) tells them to those who watch; otherwise the next frame does.
    pub fn market_mut(&mut self) -> &mut Market {
        &mut self.market
    }

    /// Judges mints by other rules from now on. What they refuse and others open is looked at again with
    /// the next write of its pools.
    ///
    /// # Errors
    /// [`RuleError`]; the rules then stay as they are.
    pub fn set_token_rules(&mut self, rules: TokenRules) -> Result<(), RuleError> {
        self.market.set_token_rules(rules.clone())?;
        self.config.tokens = rules;
        Ok(())
    }

    /// Returns the aggregator.
    #[must_use]
    pub fn aggregator(&self) -> &WssAggregator {
        &self.aggregator
    }

    /// Returns the scorer with its counts.
    #[must_use]
    pub fn scorer(&self) -> &SignalScorer {
        &self.scorer
    }

    /// Returns how far candidates came, and what was missing.
    #[must_use]
    pub fn funnel(&self) -> &Funnel {
        &self.funnel
    }

    /// Returns the engine's own counters.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns how many openings there have been, and how many are open now.
    #[must_use]
    pub fn openings(&self) -> (u64, usize) {
        (self.openings.total(), self.openings.open_now())
    }

    /// Returns the keys of the cycles open at recorded prices, in no particular order.
    pub fn open_cycles(&self) -> impl Iterator<Item = CycleKey> + '_ {
        self.openings.keys()
    }

    /// Returns a cycle that pays at recorded marginal prices, found by Bellman-Ford over the whole
    /// graph; the check of what the incremental search keeps.
    pub fn negative_cycle(&mut self) -> Option<NegativeCycle> {
        self.sweep.find(self.market.graph()).ok().flatten()
    }

    /// Returns the endpoint's number, new on first use.
    pub fn endpoint(&mut self, name: &str) -> EndpointId {
        self.aggregator.endpoint(name)
    }

    /// Notes that a connection opened: subscriptions of an earlier one are void.
    pub fn connect(&mut self, endpoint: EndpointId) {
        self.aggregator.connect(endpoint);
    }

    /// Notes an outgoing JSON-RPC request, so that its answer can be understood.
    ///
    /// # Errors
    /// [`Malformed`] if it is not a request that the engine can follow.
    pub fn request(&mut self, endpoint: EndpointId, frame: &[u8]) -> Result<(), Malformed> {
        self.aggregator.request(endpoint, frame)
    }

    /// Takes one incoming frame through the whole pipeline; bad frames are counted, never fatal.
    pub fn ingest(&mut self, endpoint: EndpointId, frame: &[u8], signals: &mut Vec<Signal>) -> Verdict {
        self.ingest_at(endpoint, frame, NO_TIME, signals)
    }

    /// Does what [`ingest`](Self::ingest) does for a frame that came at `arrival_ns` of the caller's
    /// clock. Times are for the statistics of lags alone; they decide nothing.
    pub fn ingest_at(
        &mut self,
        endpoint: EndpointId,
        frame: &[u8],
        arrival_ns: u64,
        signals: &mut Vec<Signal>,
    ) -> Verdict {
        self.updates.clear();
        let is_measured = self.stopwatch.begin();
        if is_measured {
            self.aggregator.measure(true);
        }
        let verdict = self.aggregator.push_at(endpoint, frame, arrival_ns, &mut self.updates);
        if is_measured {
            self.measured_until(verdict);
        }
        self.apply_updates(signals);
        if is_measured {
            self.stopwatch.stop();
        }
        self.look_again(signals);
        self.tell();
        verdict
    }

    /// Puts the provider of an endpoint under quarantine, see [`WssAggregator::quarantine`]: pools that
    /// hold what it alone has said give no signal until that was read again ([`Blocked::Doubted`]).
    pub fn quarantine(&mut self, endpoint: EndpointId, signals: &mut Vec<Signal>) {
        self.updates.clear();
        self.aggregator.quarantine(endpoint, &mut self.updates);
        self.apply_updates(signals);
        self.look_again(signals);
        self.tell();
    }

    /// Gives the provider of an endpoint its word back, see [`WssAggregator::release`].
    pub fn release(&mut self, endpoint: EndpointId) {
        self.aggregator.release(endpoint);
    }

    /// Notes a lost connection; writes that only its doubt held back are applied.
    pub fn disconnect(&mut self, endpoint: EndpointId, signals: &mut Vec<Signal>) {
        self.updates.clear();
        self.aggregator.disconnect(endpoint, &mut self.updates);
        self.apply_updates(signals);
        self.look_again(signals);
        self.tell();
    }

    fn apply_updates(&mut self, signals: &mut Vec<Signal>) {
        // What is applied now ends older doubts, and may itself be in doubt at once.
        self.guard.applied(&self.updates);
        self.guard.doubt(self.aggregator.take_doubted());
        if self.updates.is_empty() {
            return;
        }
        self.touched.clear();
        let mut slot = 0;
        let mut updates = std::mem::take(&mut self.updates);
        for update in &updates {
            slot = slot.max(update.slot);
            let account = update.account.as_ref().map(|account| (account.owner, account.data.as_slice()));
            let applied =
                self.market.apply(AccountWrite { pubkey: update.pubkey, slot: update.slot, account });
            self.counters.updates += 1;
            self.held.applied(update, &applied);
            match applied {
                Applied::Changed => {
                    self.volatility.applied(self.market.graph(), self.market.touched(), update.slot);
                    for &pool in self.market.touched() {
                        if !self.touched.contains(&pool) {
                            self.touched.push(pool);
                        }
                    }
                }
                Applied::Fault(error) => count(&mut self.counters.faults, error.reason()),
                Applied::Unchanged | Applied::Ignored => {}
            }
        }
        self.aggregator.recycle(&mut updates);
        self.updates = updates;
        self.stopwatch.end(TimedStage::Apply);
        self.evaluate(slot, false, signals);
    }

    /// Looks again at cycles that were refused because of what was held of a pool, once some
    /// connection has come further or something was read.
    #[inline]
    fn look_again(&mut self, signals: &mut Vec<Signal>) {
        if self.guard.is_due(&self.aggregator) {
            self.look_at_waiting(signals);
        }
    }

    fn look_at_waiting(&mut self, signals: &mut Vec<Signal>) {
        for key in self.guard.take_waiting() {
            let graph = self.market.graph();
            let net = key.edges().map(|edge| graph.weight(edge).map(|weight| weight.net)).sum();
            let Some(net) = net else {
                self.guard.wait(key); // set aside for a while
                continue;
            };
            let cycle = Cycle { key, net };
            if !cycle.is_open() || !self.openings.is_open(key) {
                continue;
            }
            if self.blocked(&cycle).is_some() {
                self.guard.wait(key);
                continue;
            }
            let pools = key.edges().map(|edge| pool_of(edge).0);
            let known =
                pools.filter_map(|pool| self.guard.fresh_to(&self.aggregator, self.market.pool(pool)));
            let slot = known.min().unwrap_or_else(|| self.aggregator.highest_slot());
            self.consider(&cycle, slot, true, signals);
        }
        self.keep_disjoint(signals);
    }

    /// Returns why one of the cycle's pools may not be traded now.
    fn blocked(&mut self, cycle: &Cycle) -> Option<Blocked> {
        let mut pools = cycle.key.edges().map(|edge| pool_of(edge).0);
        pools.find_map(|pool| self.guard.blocked(&self.aggregator, self.market.pool(pool)))
    }

    /// Looks again at the cycles through the pools touched last, on the market as fills have left it.
    /// To be called after a taken signal, for what the fill has left open.
    pub fn recheck(&mut self, slot: Slot, signals: &mut Vec<Signal>) {
        self.evaluate(slot, true, signals);
        self.tell();
    }

    fn evaluate(&mut self, slot: Slot, recheck: bool, signals: &mut Vec<Signal>) {
        self.seen.clear();
        let touched = std::mem::take(&mut self.touched);
        let mut found = std::mem::take(&mut self.found);
        for &pool in &touched {
            self.stopwatch.restart();
            let graph = self.market.graph();
            if graph.weight(edge_of(pool, true)).is_none() {
                continue; // set aside: what was open stays open until prices say otherwise
            }
            found.clear();
            let searched = graph.cycles_through(pool, self.config.max_hops, &mut self.walk, |cycle| {
                found.push(Cycle { key: cycle.key(), net: cycle.net });
            });
            debug_assert!(searched.is_ok(), "the pool exists and max_hops was checked");
            let watcher = &mut self.watcher;
            self.openings.close_missing(pool, &found, |id| {
                if let Some(watcher) = watcher {
                    watcher.closed(id, slot);
                }
            });
            self.stopwatch.end(TimedStage::Search);
            for cycle in &found {
                if self.seen.insert(cycle.key) {
                    self.consider(cycle, slot, recheck, signals);
                }
            }
        }
        self.touched = touched;
        self.found = found;
        self.keep_disjoint(signals);
    }

    fn consider(&mut self, cycle: &Cycle, slot: Slot, recheck: bool, signals: &mut Vec<Signal>) {
        self.funnel.reach_cycle(cycle.key, recheck);
        if !cycle.is_open() {
            if !self.openings.has_opened(cycle.key) {
                self.funnel.miss(Miss::closed(cycle, slot));
            }
            return;
        }
        let opening = self.openings.open(cycle);
        let (opening_id, furthest, taken) = (opening.id(), opening.furthest(), opening.is_taken());
        if furthest == Stage::Cycle {
            if let Some(watcher) = &mut self.watcher {
                watcher.opened(opening_id, cycle, slot);
            }
            self.funnel.forget_miss(cycle.key, 0);
        }
        self.funnel.reach(Stage::AfterFees, furthest, recheck);
        opening.advance(Stage::AfterFees);
        if taken {
            if !recheck {
                self.scorer.count(Reasons::only(Reason::AlreadyTaken));
            }
            return;
        }
        let sized = if self.denied_token(cycle.key.edges()).is_some() {
            Err((Reason::TokenDenied, Shortfall::Unknown))
        } else {
            self.stopwatch.restart();
            let sized = self.size(cycle, slot);
            self.stopwatch.end(TimedStage::Size);
            sized
        };
        match sized {
            Err((reason, nearest)) => {
                self.scorer.count(Reasons::only(reason));
                let miss = Miss::open(cycle.key, opening_id, slot, Reasons::only(reason), nearest);
                if self.watcher.is_some() {
                    let base_mint =
                        miss.candidate.and_then(|_| self.base_of(cycle)).map(|(_, base)| base.mint);
                    self.judged(&miss, base_mint, cycle);
                }
                if furthest < Stage::AfterCosts {
                    self.funnel.miss(miss);
                }
            }
            Ok(Sizing { base_mint, hops, candidate, stakes, depth_bps, priced }) => {
                let edges: Vec<EdgeIndex> = cycle.key.edges().collect();
                let with_agreement = self.config.scorer.min_agreement > Share::NONE;
                let mut context =
                    self.context(cycle.key, &edges, candidate.age_slots, depth_bps, with_agreement);
                let mut assessment = self.scorer.assess(&Prospect { candidate, context, stakes });
                assessment.reasons =
                    assessment.reasons.with_if(Reason::CostsExceedProfit, !priced.is_worth_bidding);
                if assessment.reasons.is_go() {
                    if !with_agreement {
                        context.agreement = self.agreement(&edges); // for rules, and whoever reads the signal
                    }
                    let prospect = Prospect { candidate, context, stakes };
                    assessment = self.rules.judge(&prospect, assessment, edges.len(), slot);
                }
                let mut reasons = assessment.reasons;
                if reasons.is_go() {
                    self.guard.forget(cycle.key);
                    if let Some(blocked) = self.blocked(cycle) {
                        reasons = Reasons::only(blocked.reason());
                        self.guard.wait(cycle.key);
                    } else if let Some(reason) = self.misfit(&hops) {
                        reasons = Reasons::only(reason);
                    }
                }
                self.scorer.count(reasons);
                self.stopwatch.end(TimedStage::Score);
                let sized = Shortfall::Sized(candidate);
                let miss = Miss::open(cycle.key, opening_id, slot, reasons, sized);
                if self.watcher.is_some() {
                    self.judged(&miss, Some(self.market.mint(base_mint)), cycle);
                }
                let stage = if reasons.is_go() { Stage::AfterCosts } else { Stage::AfterSizing };
                self.funnel.reach_through(stage, furthest, recheck);
                self.openings.advance(cycle.key, stage);
                if reasons.is_go() {
                    self.pricing.bid();
                    signals.push(Signal {
                        opening_id,
                        slot,
                        base_mint,
                        hops,
                        candidate,
                        fees: priced.fees,
                        priced_accounts: priced.accounts,
                        score: assessment.score,
                        context,
                        expected_value_lamports: assessment.expected_value_lamports,
                        key: cycle.key,
                    });
                    self.funnel.forget_miss(cycle.key, opening_id);
                } else if furthest < Stage::AfterCosts {
                    self.funnel.miss(miss);
                }
            }
        }
    }

    fn judged(&mut self, miss: &Miss, base_mint: Option<Pubkey>, cycle: &Cycle) {
        if let Some(watcher) = &mut self.watcher {
            watcher.judged(miss, base_mint, Some(cycle.net));
        }
    }

    /// Returns the first mint on the way that may not be traded, with its heaviest reason. A cycle is
    /// atomic: of the mints that may be in one transaction only, none is held.
    fn denied_token(&mut self, edges: impl Iterator<Item = EdgeIndex>) -> Option<(Pubkey, &'static str)> {
        for edge in edges {
            let (mint, _) = self.market.ends(edge);
            let verdict = self.market.verdict_on(mint);
            if verdict.permission == Permission::Denied {
                return Some((verdict.mint, verdict.reasons.first().map_or("", |(name, _)| name)));
            }
        }
        None
    }

    /// Keeps the best of signals that use one pool; the others would be sized on a state that the
    /// best one changes.
    fn keep_disjoint(&mut self, signals: &mut Vec<Signal>) {
        if signals.len() < 2 {
            return;
        }
        signals.sort_by(|x, y| y.score.total_cmp(&x.score).then(x.opening_id.cmp(&y.opening_id)));
        let mut used: Vec<PoolIndex> = Vec::new();
        let Self { scorer, watcher, market, .. } = self;
        signals.retain(|signal| {
            let free = signal.hops.iter().all(|hop| !used.contains(&hop.pool));
            if free {
                used.extend(signal.hops.iter().map(|hop| hop.pool));
            } else {
                scorer.withdraw_go(Reason::SharesPoolWithBetter);
                if let Some(watcher) = watcher {
                    let reasons = Reasons::only(Reason::SharesPoolWithBetter);
                    let sized = Shortfall::Sized(signal.candidate);
                    let miss = Miss::open(signal.key, signal.opening_id, signal.slot, reasons, sized);
                    watcher.judged(&miss, Some(market.mint(signal.base_mint)), None);
                }
            }
            free
        });
    }

    /// Executes a signal on the market that quotes see and closes it to further signals of the same
    /// opening. Returns the amounts after every hop, the input first. On an error nothing is changed.
    ///
    /// # Errors
    /// [`TakeError`]: the opening is over or taken, a hop fails now, or an amount would not be the
    /// signal's to the last unit.
    pub fn take(&mut self, signal: &Signal) -> Result<Vec<u64>, TakeError> {
        if !self.openings.can_take(signal.key, signal.opening_id) {
            if !self.openings.is_taken(signal.key) {
                self.experience.attempted(signal.key, true);
            }
            return Err(TakeError::Over { opening_id: signal.opening_id });
        }
        for hop in &signal.hops {
            let pool = self.market.pool(hop.pool);
            if let Some(blocked) = self.guard.blocked(&self.aggregator, pool) {
                return Err(TakeError::Blocked { pool: pool.address(), blocked });
            }
        }
        let edges: Vec<EdgeIndex> = signal.hops.iter().map(|hop| edge_of(hop.pool, hop.a_to_b)).collect();
        if let Some((mint, reason)) = self.denied_token(edges.iter().copied()) {
            return Err(TakeError::TokenDenied { mint, reason });
        }
        let quoted = self.market.quote_route(&edges, signal.candidate.amount_in)?;
        if !quoted.iter().skip(1).eq(signal.hops.iter().map(|hop| &hop.amount_out)) {
            let found = quoted.last().copied().unwrap_or_default();
            // What our own fill has moved, nobody took from us.
            if !signal.hops.iter().any(|hop| self.market.pool(hop.pool).is_filled()) {
                self.experience.attempted(signal.key, true);
            }
            return Err(TakeError::Moved { expected: signal.amount_out(), found });
        }
        let amounts = self.market.fill_route(&edges, signal.candidate.amount_in)?;
        self.openings.take(signal.key);
        self.experience.attempted(signal.key, false);
        self.touched.clear();
        self.touched.extend(signal.hops.iter().map(|hop| hop.pool));
        if let Some(watcher) = &mut self.watcher {
            watcher.taken(signal, self.market.mint(signal.base_mint));
        }
        self.tell();
        Ok(amounts)
    }
}

fn count(counts: &mut Vec<(&'static str, u64)>, reason: &'static str) {
    match counts.iter_mut().find(|(known, _)| *known == reason) {
        Some((_, n)) => *n += 1,
        None => counts.push((reason, 1)),
    }
}
