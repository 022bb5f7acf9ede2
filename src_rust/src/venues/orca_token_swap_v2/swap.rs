//! What the program does with a swap, operation by operation.

use super::curve::{Curve, Reserves};
use super::pool::{FeeAccount, TokenSwapPool};
use super::{pool_tokens, refusal};
use crate::decoders::Mint;
use crate::swap::{Quote, Refusal, RefusalKind, SwapRequest};
use crate::venues::SetAside;

/// A swap worked out.
pub(super) struct Swapped {
    pub user_in: u64,
    pub user_out: u64,
    fee: u64,
    pub pool_tokens: u64,
}

/// What the curve and the fees make of an input.
struct Exchange {
    source: u128,
    destination: u128,
    fee: u128,
}

impl Swapped {
    pub(super) fn quote(&self) -> Quote {
        Quote {
            user_in: self.user_in,
            user_out: self.user_out,
            vault_in: self.user_in,
            vault_out: self.user_out,
            fee: self.fee,
            fee_on_input: true,
            input_transfer_fee: 0,
            output_transfer_fee: 0,
        }
    }
}

impl TokenSwapPool {
    pub(super) fn reserves(&self, a_to_b: bool) -> Result<Reserves, Refusal> {
        let Some([a, b]) = self.vaults.amounts() else {
            let refusal = refusal::expected_account();
            return Err(match self.vaults.obstacle() {
                Some(SetAside::Missing { account, .. }) => refusal.with("account", account),
                _ => refusal,
            });
        };
        let (source, destination) = if a_to_b { (a, b) } else { (b, a) };
        Ok(Reserves { source, destination, a_to_b })
    }

    /// Does what the `swap` instruction does, up to the first check that fails. Without `mint`, the
    /// pool tokens are worked out only where that can fail.
    fn swap(
        &self,
        request: &SwapRequest,
        amount_in: u64,
        minimum_out: u64,
        reserves: Reserves,
        mint: bool,
    ) -> Result<Swapped, Refusal> {
        let zero = || {
            refusal::zero()
                .with("amount_in", amount_in)
                .with("reserve_in", reserves.source)
                .with("reserve_out", reserves.destination)
        };
        let pool_mint = self
            .pool_mint
            .as_ref()
            .ok_or_else(|| refusal::expected_mint().with("account", self.swap.pool_mint))?;
        let (swapped, owner_fee) = self.exchange(amount_in, reserves).ok_or_else(zero)?;
        if swapped.destination < u128::from(minimum_out) {
            return Err(refusal::slippage()
                .with("amount_out", swapped.destination)
                .with("minimum_amount_out", minimum_out));
        }
        let to_u64 = |amount: u128| u64::try_from(amount).map_err(|_| refusal::conversion());
        let user_in = to_u64(swapped.source)?;
        let after = self.transfer_in(request, user_in, reserves)?;
        let fee = to_u64(swapped.fee)?;
        let mut pool_tokens = 0;
        if owner_fee > 0 && (mint || !self.mint_is_safe) {
            let left = Reserves {
                source: after,
                // Checked by `exchange` to be there.
                destination: to_u64(u128::from(reserves.destination) - swapped.destination)?,
                a_to_b: reserves.a_to_b,
            };
            let worth = self.pool_tokens_for(owner_fee, left, pool_mint.supply);
            let worth = worth.ok_or_else(|| refusal::fee().with("owner_fee", owner_fee))?;
            if worth > 0 {
                pool_tokens = to_u64(worth)?;
                self.mint_to(pool_tokens, pool_mint)?;
            }
        }
        self.check_not_frozen(reserves.a_to_b)?;
        let user_out = to_u64(swapped.destination)?;
        Ok(Swapped { user_in, user_out, fee, pool_tokens })
    }

    /// What is left of an input after both fees, and the owner's; `None` if they are more than it.
    fn after_fees(&self, amount: u128) -> Option<(u128, u128)> {
        let owner_fee = self.fees.owner.on(amount)?;
        let fee = self.fees.trade.on(amount)?.checked_add(owner_fee)?;
        Some((amount.checked_sub(fee)?, owner_fee))
    }

    /// Fees, then the curve; `None` where the program's `SwapCurve::swap` gives none.
    fn exchange(&self, amount_in: u64, reserves: Reserves) -> Option<(Exchange, u128)> {
        let amount = u128::from(amount_in);
        let (left, owner_fee) = self.after_fees(amount)?;
        let fee = amount - left;
        let curve = self.curve.swap(reserves, left)?;
        let source = curve.source.checked_add(fee)?;
        u128::from(reserves.source).checked_add(source)?;
        u128::from(reserves.destination).checked_sub(curve.destination)?;
        Some((Exchange { source, destination: curve.destination, fee }, owner_fee))
    }

    /// Checks the transfer from the trader; returns what the vault holds afterwards.
    fn transfer_in(&self, request: &SwapRequest, user_in: u64, reserves: Reserves) -> Result<u64, Refusal> {
        self.check_not_frozen(!reserves.a_to_b)?;
        let most = request.most_payable(reserves.source);
        let after = reserves.source.checked_add(user_in).filter(|_| user_in <= most);
        after.ok_or_else(|| {
            refusal::insufficient_funds().with("amount", user_in).with("most_there_can_be", most)
        })
    }

    /// Checks the vault of token B (`b`) or A.
    fn check_not_frozen(&self, b: bool) -> Result<(), Refusal> {
        let ([is_frozen_a, is_frozen_b], [vault_a, vault_b]) =
            (self.vaults.frozen(), self.vaults.addresses());
        let (is_frozen, vault) = if b { (is_frozen_b, vault_b) } else { (is_frozen_a, vault_a) };
        if is_frozen { Err(refusal::frozen().with("account", vault)) } else { Ok(()) }
    }

    /// The owner's fee in pool tokens, less half of what swapping it would cost.
    fn pool_tokens_for(&self, owner_fee: u128, left: Reserves, supply: u64) -> Option<u128> {
        let trade_fee = self.fees.trade.on((owner_fee / 2).max(1))?;
        pool_tokens::worth(self.curve, owner_fee.checked_sub(trade_fee)?, left, supply)
    }

    fn mint_to(&self, pool_tokens: u64, pool_mint: &Mint) -> Result<(), Refusal> {
        let address = self.swap.pool_fee_account;
        let account = match self.fee_account {
            FeeAccount::Unknown => {
                return Err(refusal::expected_account().with("account", address));
            }
            FeeAccount::Unusable => {
                let name = "InvalidAccountData";
                return Err(Refusal::other(RefusalKind::Program, name).with("account", address));
            }
            FeeAccount::Usable(account) => account,
        };
        if account.is_frozen {
            return Err(refusal::frozen().with("account", address));
        }
        let fits = account.amount.checked_add(pool_tokens).is_some()
            && pool_mint.supply.checked_add(pool_tokens).is_some();
        if fits { Ok(()) } else { Err(refusal::overflow().with("pool_tokens", pool_tokens)) }
    }

    /// Returns an input that buys at least `wanted` while one unit less does not.
    fn input_for(&self, wanted: u64, reserves: Reserves) -> Result<u64, Refusal> {
        // Too large an input buys nothing either, but counts as enough for the search.
        let buys = |amount_in: u64| {
            let Some((amount, _)) = self.after_fees(amount_in.into()) else { return false };
            match self.curve.swap(reserves, amount) {
                Some(exchanged) => exchanged.destination >= u128::from(wanted),
                None => self.curve.is_beyond(reserves, amount),
            }
        };
        let most = u64::MAX - reserves.source;
        let unreachable =
            || refusal::zero().with("amount_out", wanted).with("reserve_out", reserves.destination);
        if wanted == 0 || wanted > reserves.destination {
            return Err(unreachable());
        }
        let guess = self.guess_input(wanted, reserves).clamp(1, most.max(1));
        let (mut short, mut enough) = (0, guess);
        if buys(guess) {
            let mut step = 1;
            while let Some(less) = enough.checked_sub(step).filter(|&less| less > short) {
                if !buys(less) {
                    short = less;
                    break;
                }
                (enough, step) = (less, step.saturating_mul(4));
            }
        } else {
            let mut step = 1_u64;
            while !buys(enough) {
                if enough == most {
                    return Err(unreachable());
                }
                short = enough;
                enough = short.checked_add(step).filter(|&more| more < most).unwrap_or(most);
                step = step.saturating_mul(4);
            }
        }
        while enough - short > 1 {
            let middle = short + (enough - short) / 2;
            if buys(middle) { enough = middle } else { short = middle }
        }
        Ok(enough)
    }

    /// Where the search for an input starts: by the curve's stretches, in floating point.
    fn guess_input(&self, wanted: u64, reserves: Reserves) -> u64 {
        let kept = self.fees.kept();
        if kept == 0.0 {
            return 1;
        }
        let held = reserves.destination as f64;
        let guess = match self.curve {
            Curve::ConstantProduct => {
                let left = (held - wanted as f64).max(0.5);
                reserves.source as f64 * wanted as f64 / left / kept
            }
            Curve::ConstantPrice(price) if reserves.a_to_b => wanted as f64 * price as f64 / kept,
            _ => wanted as f64 / kept,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "only a start")]
        let guess = guess as u64;
        guess
    }

    /// Answers a request; see [`swap`](Self::swap) for `mint`.
    pub(super) fn answer(&self, request: &SwapRequest, mint: bool) -> Result<Swapped, Refusal> {
        if self.is_closed {
            return Err(Refusal::other(RefusalKind::MissingAccount, "IncorrectProgramId")
                .with("account", self.address));
        }
        let reserves = self.reserves(request.a_to_b)?;
        if request.exact_in {
            return self.swap(request, request.amount, request.other_amount_threshold, reserves, mint);
        }
        let amount_in = self.input_for(request.amount, reserves)?;
        let swapped = self.swap(request, amount_in, request.amount, reserves, mint)?;
        if swapped.user_in > request.other_amount_threshold {
            return Err(refusal::slippage()
                .with("amount_in", swapped.user_in)
                .with("maximum_amount_in", request.other_amount_threshold));
        }
        Ok(swapped)
    }
}
