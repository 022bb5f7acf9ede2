//! Exact quotes along a cycle.
//!
//! A hop that is a constant product with one fee is quoted here, in a few nanoseconds; the others are
//! asked. A cycle of the former alone has a type of its own, so that its quotes are straight code.

use super::model::Amounts;
use super::{HopRef, MAX_SIZED_HOPS};
use crate::amm_math::Curve;
use crate::amm_math::constant_product::Direction;

/// The hops of a cycle as exact quotes see them.
pub(super) trait Chain {
    /// Number of hops.
    fn len(&self) -> usize;

    /// Whether quotes are asked of pools.
    fn is_asked(&self) -> bool;

    /// Exact output of one hop; `None` if it cannot be quoted or is nothing.
    fn amount_out(&self, hop: usize, amount_in: u64) -> Option<u64>;

    /// An input for which one hop promises `amount_out`.
    fn amount_in(&self, hop: usize, amount_out: u64) -> Option<u64>;

    /// One hop's fee on the input as a fraction, if it is `ceil(amount * fee)` of the whole input.
    fn fee(&self, hop: usize) -> Option<(u64, u64)>;

    /// Exact amounts along the cycle, each hop's input being the one before's output.
    #[inline]
    fn forward(&self, amount_in: u64) -> Option<Amounts<u64>> {
        let mut amounts = [0; MAX_SIZED_HOPS + 1];
        amounts[0] = amount_in;
        for hop in 0..self.len() {
            amounts[hop + 1] = self.amount_out(hop, amounts[hop])?;
        }
        Some(amounts)
    }

    /// The input for which exact-out quotes promise `amount` after the first `hops` hops.
    #[inline]
    fn input_for(&self, hops: usize, amount: u64) -> Option<u64> {
        (0..hops).rev().try_fold(amount, |amount, hop| self.amount_in(hop, amount))
    }

    /// What roundings on the way of an amount after the first `hops` hops take, at least and roughly, in
    /// units of the last output: a look that costs less than `promising_input`.
    #[inline]
    fn least_loss(&self, _hops: usize, _amount: u64, _values: &Amounts<f64>) -> f64 {
        0.0
    }

    /// As `input_for`, with the output that this amount leads to, or more; `None` also if roundings on the way of that amount take more than `allowed`, in
    /// units of the last output. `values`: what a unit of each amount is worth there, or less.
    #[inline]
    fn promising_input(
        &self,
        hops: usize,
        amount: u64,
        _allowed: f64,
        _values: &Amounts<f64>,
    ) -> Option<(u64, u64)> {
        Some((self.input_for(hops, amount)?, u64::MAX))
    }
}

/// Constant products only.
#[derive(Clone, Copy)]
pub(super) struct Products<'a>(pub &'a [Direction]);

impl Chain for Products<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_asked(&self) -> bool {
        false
    }

    #[inline]
    fn amount_out(&self, hop: usize, amount_in: u64) -> Option<u64> {
        self.0[hop].amount_out(amount_in)
    }

    #[inline]
    fn amount_in(&self, hop: usize, amount_out: u64) -> Option<u64> {
        self.0[hop].amount_in(amount_out)
    }

    fn fee(&self, hop: usize) -> Option<(u64, u64)> {
        Some(self.0[hop].fee())
    }

    #[inline]
    fn least_loss(&self, hops: usize, amount: u64, values: &Amounts<f64>) -> f64 {
        let Some(next) = self.0.get(hops) else { return 0.0 };
        let Some((out, loss)) = next.rough_output(amount) else { return 0.0 };
        let after = self.0.get(hops + 1);
        let fee_loss = after.map_or(0.0, |after| after.rough_fee_loss(out) * values[hops + 1]);
        loss * values[hops + 1] + fee_loss
    }

    #[inline]
    fn promising_input(
        &self,
        hops: usize,
        amount: u64,
        allowed: f64,
        values: &Amounts<f64>,
    ) -> Option<(u64, u64)> {
        let mut lost = 0.0;
        let mut along = amount;
        for hop in hops..self.0.len() {
            let (out, fee_loss, out_loss) = self.0[hop].output_and_losses(along)?;
            along = out;
            lost += fee_loss * values[hop] + out_loss * values[hop + 1];
            if lost > allowed {
                return None;
            }
        }
        let mut back = amount;
        for hop in (0..hops).rev() {
            let (input, loss) = self.0[hop].input_and_loss(back)?;
            back = input;
            lost += loss * values[hop];
            if lost > allowed {
                return None;
            }
        }
        Some((back, along))
    }
}

/// Hops of any kind.
pub(super) struct Curves<'a, C: ?Sized> {
    hops: &'a [HopRef<'a, C>],
    products: &'a [Option<Direction>; MAX_SIZED_HOPS],
}

impl<'a, C: Curve + ?Sized> Curves<'a, C> {
    pub fn new(hops: &'a [HopRef<'a, C>], products: &'a [Option<Direction>; MAX_SIZED_HOPS]) -> Self {
        Self { hops, products }
    }
}

impl<C: Curve + ?Sized> Chain for Curves<'_, C> {
    fn len(&self) -> usize {
        self.hops.len()
    }

    fn is_asked(&self) -> bool {
        true
    }

    fn amount_out(&self, hop: usize, amount_in: u64) -> Option<u64> {
        if let Some(product) = &self.products[hop] {
            return product.amount_out(amount_in);
        }
        let hop = &self.hops[hop];
        hop.curve.quote_exact_in(hop.a_to_b, amount_in).ok()
    }

    fn amount_in(&self, hop: usize, amount_out: u64) -> Option<u64> {
        if let Some(product) = &self.products[hop] {
            return product.amount_in(amount_out);
        }
        let hop = &self.hops[hop];
        hop.curve.quote_exact_out(hop.a_to_b, amount_out).ok()
    }

    fn fee(&self, hop: usize) -> Option<(u64, u64)> {
        self.products[hop].as_ref().map(Direction::fee)
    }
}
