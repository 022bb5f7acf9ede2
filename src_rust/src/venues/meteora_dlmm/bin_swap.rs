//! A swap within one bin, check by check as the program does it.
//!
//! Input goes to liquidity providers first, then to orders being filled, then to open orders, each
//! paid with the input rounded up. An exact output is turned into an input for the bin as a whole and
//! carried out as that: it can come out higher, and what is too much stays with the bin (or, where the
//! fee is taken from the output, goes to the program).
//!
//! # Source
//! dlmm-sdk `commons/src/quote.rs`; where the program differs, its own answers.

use super::bin_array::{Bin, Layers};
use super::errors::Fault;
use super::fees::{fee_on_top, fee_within};
use super::price::{amount_in, amount_out};

/// What was paid for and taken of one source of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LayerFill {
    pub input: u64,
    pub output: u64,
}

/// A swap within a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fill {
    /// Input taken, fee included.
    pub input: u64,
    /// Output given, fee excluded.
    pub output: u64,
    /// The fee, [`Self::surplus`] excluded.
    pub fee: u64,
    /// What the program gets besides its part of the fee.
    pub surplus: u64,
    /// By source.
    pub layers: [LayerFill; 3],
    /// Whether an exact output ends here.
    pub is_last: bool,
}

/// How one bin is traded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub price: u128,
    pub layers: Layers,
    pub rate: u64,
    pub a_to_b: bool,
    pub fee_on_input: bool,
    pub with_orders: bool,
}

impl Terms {
    /// Spends up to `amount`.
    pub(super) fn exact_in(&self, amount: u64) -> Result<Fill, Fault> {
        let mut fee = if self.fee_on_input { fee_within(amount, self.rate) } else { 0 };
        let spendable = amount - fee;
        let (layers, left) = self.fill_layers(spendable)?;
        let gross_out = sum(layers.map(|layer| layer.output))?;
        let mut input = amount;
        if left > 0 {
            let spent = spendable - left;
            input = spent;
            if self.fee_on_input {
                fee = fee_on_top(spent, self.rate);
                input = spent.checked_add(fee).ok_or(Fault::MathOverflow)?;
            }
        }
        let mut output = gross_out;
        if !self.fee_on_input {
            fee = fee_within(gross_out, self.rate);
            output = gross_out - fee;
        }
        Ok(Fill { input, output, fee, surplus: 0, layers, is_last: false })
    }

    /// Buys `amount`, or all there is, with at most `most_in`.
    pub(super) fn exact_out(&self, amount: u64, most_in: u64) -> Result<Fill, Fault> {
        let gross_out = self.with_output_fee(amount)?;
        if gross_out >= sum(self.layers)? {
            return self.exact_in(most_in);
        }
        let mut input = amount_in(gross_out, self.price, self.a_to_b)?;
        if self.fee_on_input {
            input = input.checked_add(fee_on_top(input, self.rate)).ok_or(Fault::TypeCastFailed)?;
        }
        if input > most_in {
            return Err(Fault::InsufficientInAmount);
        }
        let mut fill = self.exact_in(input)?;
        let surplus = fill.output.checked_sub(amount).ok_or(Fault::Undetermined)?;
        fill.output = amount;
        fill.surplus = if self.fee_on_input { 0 } else { surplus };
        fill.is_last = true;
        Ok(fill)
    }

    /// Returns what must leave the bin so that `amount` remains after a fee on the output.
    pub(super) fn with_output_fee(&self, amount: u64) -> Result<u64, Fault> {
        if self.fee_on_input {
            return Ok(amount);
        }
        amount.checked_add(fee_on_top(amount, self.rate)).ok_or(Fault::TypeCastFailed)
    }

    /// Returns what each source gives and what is left. The program works out a source's whole price
    /// even for an amount of nothing, but asks orders only when something is left.
    fn fill_layers(&self, amount: u64) -> Result<([LayerFill; 3], u64), Fault> {
        let mut fills = [LayerFill::default(); 3];
        let mut left = amount;
        for (place, (fill, &available)) in fills.iter_mut().zip(&self.layers).enumerate() {
            if place > 0 && (left == 0 || !self.with_orders) {
                break;
            }
            if available == 0 {
                continue;
            }
            let whole = amount_in(available, self.price, self.a_to_b)?;
            *fill = if left >= whole {
                LayerFill { input: whole, output: available }
            } else {
                LayerFill { input: left, output: amount_out(left, self.price, self.a_to_b)? }
            };
            left -= fill.input;
        }
        Ok((fills, left))
    }
}

impl Bin {
    /// Returns how the bin is traded.
    pub(super) fn terms(&self, rate: u64, a_to_b: bool, fee_on_input: bool, with_orders: bool) -> Terms {
        let layers = self.layers(a_to_b, with_orders);
        Terms { price: self.price, layers, rate, a_to_b, fee_on_input, with_orders }
    }
}

pub(super) fn sum(parts: [u64; 3]) -> Result<u64, Fault> {
    parts.into_iter().try_fold(0_u64, u64::checked_add).ok_or(Fault::MathOverflow)
}
