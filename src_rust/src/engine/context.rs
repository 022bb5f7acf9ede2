//! What the engine knows beside a candidate: depth, volatility, agreement, properties of mints, and what
//! became of earlier attempts.

use rustc_hash::FxHashMap;

use super::{Engine, Signal};
use crate::amm_math::Curve;
use crate::cycle_finder::{CycleKey, EdgeIndex, pool_of};
use crate::market::{Market, Pool};
use crate::scorer::{Context, Decayed, Features, LandingModel, Share, TokenFlags, venue_bit};
use crate::sizing::HopRef;
use crate::token_firewall::MintFacts;
use crate::venues::VENUES;

/// Attempts at a cycle that count at most.
const COMPETITION_MEMORY: u32 = 64;
/// Attempts in time that are taken for granted: one lost race is no pattern.
const COMPETITION_PRIOR: u32 = 4;
/// Most cycles whose attempts are remembered; further ones count as never contested.
const MAX_CONTESTED: usize = 65_536;

/// What became of earlier attempts.
#[derive(Debug, Default)]
pub(super) struct Experience {
    pub(super) landing: LandingModel,
    gone: FxHashMap<CycleKey, Decayed>,
}

impl Experience {
    /// Takes notice that an attempt found the cycle as it was signalled, or gone.
    pub(super) fn attempted(&mut self, key: CycleKey, was_gone: bool) {
        // A cycle that was never gone needs no entry: its share is nothing.
        let has_room = was_gone && self.gone.len() < MAX_CONTESTED;
        if has_room || self.gone.contains_key(&key) {
            self.gone.entry(key).or_default().observe(was_gone, COMPETITION_MEMORY);
        }
    }

    /// Returns how often the cycle was gone, old attempts counting less; rounded up.
    pub(super) fn competition(&self, key: CycleKey) -> Share {
        self.gone.get(&key).map_or(Share::NONE, |gone| gone.share_above(COMPETITION_PRIOR))
    }
}

/// Returns what tells a route from others when it comes to landing.
pub(super) fn features(market: &Market, edges: &[EdgeIndex], age_slots: u64) -> Features {
    let bit_of = |pool: &Pool| {
        let number = VENUES.iter().position(|venue| std::ptr::eq(*venue, pool.venue()));
        number.and_then(venue_bit).unwrap_or(0)
    };
    let venues = edges.iter().fold(0, |all, &edge| all | bit_of(market.pool(pool_of(edge).0)));
    Features::new(venues, u8::try_from(edges.len()).unwrap_or(u8::MAX), age_slots)
}

/// Returns an input as a share of the depth of the hop that takes it, in basis points, rounded up.
///
/// Depth is the virtual reserve of the input token on the stretch that the swap starts on, or what a
/// stretch of constant price takes. Approximate, as [`crate::amm_math::Segment`] is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn depth_bps<C: Curve + ?Sized>(curve: &C, a_to_b: bool, amount_in: u64) -> u32 {
    let mut depth = 0.0;
    curve.each_segment(a_to_b, &mut |first| {
        depth = if first.drag > 0.0 { first.base / first.drag } else { first.max_in };
        false
    });
    // No depth at all: infinitely deep in, `u32::MAX`.
    (amount_in as f64 * 1e4 / depth).ceil() as u32
}

/// Returns the greatest share of a hop's depth, [`depth_bps`].
pub(super) fn deepest<C: Curve + ?Sized>(hops: &[HopRef<'_, C>], amounts: &[u64]) -> u32 {
    let all = hops.iter().zip(amounts);
    all.map(|(hop, &amount_in)| depth_bps(hop.curve, hop.a_to_b, amount_in)).max().unwrap_or(0)
}

/// Returns the properties of one mint.
fn flags_of(facts: &MintFacts, epoch: Option<u64>) -> TokenFlags {
    let found = [
        (facts.freeze_authority.is_some(), TokenFlags::FREEZE_AUTHORITY),
        (facts.transfer_fee_bps(epoch) > 0, TokenFlags::TRANSFER_FEE),
        (facts.mint_authority.is_some(), TokenFlags::MINT_AUTHORITY),
    ];
    let held = found.into_iter().filter(|&(holds, _)| holds);
    held.fold(TokenFlags::default(), |flags, (_, flag)| flags.union(flag))
}

impl Engine {
    /// Returns what is known beside a candidate. Agreement is looked up only if asked for.
    pub(super) fn context(
        &mut self,
        key: CycleKey,
        edges: &[EdgeIndex],
        age_slots: u64,
        depth_bps: u32,
        with_agreement: bool,
    ) -> Context {
        let landing = self.experience.landing.estimate(features(&self.market, edges, age_slots));
        let agreement = if with_agreement { self.agreement(edges) } else { Share::ALL };
        Context {
            depth_bps,
            volatility_bps: self.volatility.route_bps(edges, self.aggregator.highest_slot()),
            competition: self.experience.competition(key),
            agreement,
            token_flags: self.token_flags(edges),
            landing,
        }
    }

    /// Returns the properties of the route's mints, as far as their accounts are known. Mints of the allow
    /// list have none: they are traded whatever their accounts say.
    fn token_flags(&mut self, edges: &[EdgeIndex]) -> TokenFlags {
        let epoch = self.market.environment().clock.map(|clock| clock.epoch);
        edges.iter().fold(TokenFlags::default(), |flags, &edge| {
            let mint = self.market.ends(edge).0;
            self.market.unlisted_facts(mint).map_or(flags, |facts| flags.union(flags_of(facts, epoch)))
        })
    }

    /// Returns the share of the providers with an open connection that vouch for the account that
    /// fewest vouch for. Neutral while freshness is not judged.
    pub(super) fn agreement(&mut self, edges: &[EdgeIndex]) -> Share {
        let Self { aggregator, market, guard, .. } = self;
        let providers = aggregator.watch().open_providers();
        if !aggregator.watch().is_judging() || providers == 0 {
            return Share::ALL;
        }
        let vouchers =
            edges.iter().filter_map(|&edge| guard.vouchers(aggregator, market.pool(pool_of(edge).0))).min();
        vouchers
            .map_or(Share::ALL, |vouchers| Share::of(vouchers as u64, providers as u64).unwrap_or(Share::ALL))
    }

    /// Returns what is known by now beside a signal's candidate; its age and depth are those of then.
    pub fn context_of(&mut self, signal: &Signal) -> Context {
        let edges: Vec<EdgeIndex> = signal.key.edges().collect();
        self.context(signal.key, &edges, signal.candidate.age_slots, signal.context.depth_bps, true)
    }

    /// Returns the landing model.
    #[must_use]
    pub fn landing(&self) -> &LandingModel {
        &self.experience.landing
    }

    /// Replaces the landing model, by one rebuilt from a journal.
    pub fn set_landing(&mut self, landing: LandingModel) {
        self.experience.landing = landing;
    }

    /// Returns the features of a signal's route.
    #[must_use]
    pub fn features_of(&self, signal: &Signal) -> Features {
        let edges: Vec<EdgeIndex> = signal.key.edges().collect();
        features(&self.market, &edges, signal.candidate.age_slots)
    }

    /// Learns whether the attempt at a signal landed.
    pub fn observe_landing(&mut self, signal: &Signal, landed: bool) {
        let features = self.features_of(signal);
        self.experience.landing.observe(features, landed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lost_race_is_a_fifth_and_won_ones_wear_it_off() {
        let (Some(key), mut experience) = (CycleKey::new(&[2, 5]), Experience::default()) else {
            panic!("two edges are a cycle")
        };
        experience.attempted(key, false);
        assert_eq!(experience.competition(key), Share::NONE);
        experience.attempted(key, true);
        assert_eq!(experience.competition(key).e4(), 2_000);
        for _ in 0..200 {
            experience.attempted(key, false);
        }
        assert!(experience.competition(key).e4() < 20, "{:?}", experience.competition(key));
    }
}
