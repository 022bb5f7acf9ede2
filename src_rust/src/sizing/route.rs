//! Whether hops make a cycle, and cycles of pools and plain reserves mixed.

use super::MAX_SIZED_HOPS;
use crate::amm_math::constant_product::{ConstantProduct, Direction};
use crate::amm_math::{Curve, Segment};
use crate::market::PoolView;
use crate::quantities::Pubkey;

/// Why hops are no cycle that can be sized. Hops count from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// None, or too many.
    #[error("a cycle has 1 to {MAX_SIZED_HOPS} hops, these are {found}")]
    Hops {
        /// How many were given.
        found: usize,
    },
    /// A hop does not see what an earlier one did to its pool.
    #[error("hop {hop}: pool {pool} is in the cycle already")]
    PoolTwice {
        /// The later of the two.
        hop: usize,
        /// The pool.
        pool: Pubkey,
    },
    /// A hop does not take what the one before it gives.
    #[error("hop {hop} takes mint {found}, the hop before it gives {expected}")]
    BrokenChain {
        /// The hop that takes; 0: the last hop gives something else than the first takes.
        hop: usize,
        /// Output of the hop before.
        expected: Pubkey,
        /// Input of this one.
        found: Pubkey,
    },
}

/// What a hop is about; reserves alone have neither address nor mints.
#[derive(Debug, Clone, Copy, Default)]
pub struct HopIdentity {
    /// The pool.
    pub pool: Option<Pubkey>,
    /// Mints of input and output.
    pub mints: Option<[Pubkey; 2]>,
}

/// Checks the number of hops.
///
/// # Errors
/// [`RouteError::Hops`].
pub fn check_length(hops: usize) -> Result<(), RouteError> {
    if (1..=MAX_SIZED_HOPS).contains(&hops) { Ok(()) } else { Err(RouteError::Hops { found: hops }) }
}

/// Checks that hops differ and that each takes what the one before it gives.
///
/// # Errors
/// [`RouteError`].
pub fn check_cycle(hops: &[HopIdentity]) -> Result<(), RouteError> {
    check_length(hops.len())?;
    for (hop, identity) in hops.iter().enumerate() {
        if let Some(pool) = identity.pool
            && hops[..hop].iter().any(|earlier| earlier.pool == Some(pool))
        {
            return Err(RouteError::PoolTwice { hop, pool });
        }
        let before = hops[(hop + hops.len() - 1) % hops.len()];
        if let (Some([_, expected]), Some([found, _])) = (before.mints, identity.mints)
            && expected != found
        {
            return Err(RouteError::BrokenChain { hop, expected, found });
        }
    }
    Ok(())
}

/// A pool of any venue, or reserves alone.
#[derive(Debug, Clone, Copy)]
pub enum AnyCurve<'a> {
    /// Reserves and a fee.
    Reserves(ConstantProduct),
    /// A pool.
    Pool(PoolView<'a>),
}

impl Curve for AnyCurve<'_> {
    type Error = ();

    fn quote_exact_in(&self, a_to_b: bool, amount_in: u64) -> Result<u64, ()> {
        match self {
            Self::Reserves(curve) => curve.quote_exact_in(a_to_b, amount_in).map_err(drop),
            Self::Pool(curve) => curve.quote_exact_in(a_to_b, amount_in).map_err(drop),
        }
    }

    fn quote_exact_out(&self, a_to_b: bool, amount_out: u64) -> Result<u64, ()> {
        match self {
            Self::Reserves(curve) => curve.quote_exact_out(a_to_b, amount_out).map_err(drop),
            Self::Pool(curve) => curve.quote_exact_out(a_to_b, amount_out).map_err(drop),
        }
    }

    fn each_segment(&self, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        match self {
            Self::Reserves(curve) => curve.each_segment(a_to_b, visit),
            Self::Pool(curve) => curve.each_segment(a_to_b, visit),
        }
    }

    fn marginal_rate(&self, a_to_b: bool) -> f64 {
        match self {
            Self::Reserves(curve) => curve.marginal_rate(a_to_b),
            Self::Pool(curve) => curve.marginal_rate(a_to_b),
        }
    }

    fn direction(&self, a_to_b: bool) -> Option<Direction> {
        match self {
            Self::Reserves(curve) => Some(curve.direction(a_to_b)),
            Self::Pool(curve) => curve.direction(a_to_b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn hop(pool: u8, mint_in: u8, mint_out: u8) -> HopIdentity {
        HopIdentity {
            pool: Some(Pubkey([pool; 32])),
            mints: Some([Pubkey([mint_in; 32]), Pubkey([mint_out; 32])]),
        }
    }

    #[test]
    fn pools_differ_and_mints_chain_round() {
        assert_eq!(check_cycle(&[hop(1, 1, 2), hop(2, 2, 1)]), Ok(()));
        assert_eq!(check_cycle(&[hop(1, 1, 2), HopIdentity::default(), hop(2, 3, 1)]), Ok(()));
        assert_eq!(check_cycle(&[]), Err(RouteError::Hops { found: 0 }));
        assert_eq!(check_cycle(&[HopIdentity::default(); 9]), Err(RouteError::Hops { found: 9 }));
        let pool = Pubkey([1; 32]);
        let twice = Err(RouteError::PoolTwice { hop: 1, pool });
        assert_eq!(check_cycle(&[hop(1, 1, 2), hop(1, 2, 1)]), twice);
        let broken = |hop, expected, found| {
            Err(RouteError::BrokenChain { hop, expected: Pubkey([expected; 32]), found: Pubkey([found; 32]) })
        };
        assert_eq!(check_cycle(&[hop(1, 1, 2), hop(2, 3, 1)]), broken(1, 2, 3));
        assert_eq!(check_cycle(&[hop(1, 1, 2), hop(2, 2, 3)]), broken(0, 3, 1));
    }
}
