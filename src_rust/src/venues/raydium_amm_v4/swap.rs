//! A swap: the program's checks in their order.

use super::layout::AmmV4Info;
use super::pool::AmmV4Pool;
use crate::amm_math::constant_product;
use crate::swap::{Environment, Quote, Refusal, RefusalKind, SwapRequest};
use crate::venues::SetAside;

/// Statuses of the program that swaps look at.
pub(super) mod status {
    pub const INITIALIZED: u64 = 1;
    pub const ORDER_BOOK_ONLY: u64 = 5;
    pub const SWAP_ONLY: u64 = 6;
    pub const WAITING_TRADE: u64 = 7;
}

// Names as the program prints them.
const INVALID_STATUS: Refusal = Refusal::program("InvalidStatus", 22);
const INVALID_INPUT: Refusal = Refusal::program("InvalidInput", 29);
const EXCEEDED_SLIPPAGE: Refusal = Refusal::program("exceeds desired slippage limit", 30);
pub(super) const INSUFFICIENT_FUNDS: Refusal = Refusal::program("insufficient funds", 40);
/// The token program's error.
const ACCOUNT_FROZEN: Refusal = Refusal::program("Account is frozen", 17);
/// What the program says to an account that no token program owns.
const NO_TOKEN_ACCOUNT: Refusal = Refusal::missing("InvalidSplTokenProgram", Some(38));

const fn panic(why: &'static str) -> Refusal {
    Refusal::other(RefusalKind::Panic, why)
}
const UNWRAP: Refusal = panic("math.rs: Option::unwrap() on None");

/// A swap carried out.
pub(super) struct Outcome {
    pub quote: Quote,
    /// The pool's account afterwards.
    pub info: AmmV4Info,
    /// Reserves before, coin and price currency.
    pub reserves: [u64; 2],
}

impl AmmV4Pool {
    /// Returns the status that a swap leaves.
    pub(super) fn checked_status(&self, environment: &Environment) -> Result<u64, Refusal> {
        let now = environment.now().unix_timestamp;
        match (self.info.status, self.opens_at()) {
            (_, Some(opens_at)) if now < opens_at => Err(INVALID_STATUS.with("opens_at", opens_at)),
            (status::ORDER_BOOK_ONLY, _) => Ok(status::INITIALIZED),
            (status::WAITING_TRADE, _) => Ok(status::SWAP_ONLY),
            (permitted @ (status::INITIALIZED | status::SWAP_ONLY), _) => Ok(permitted),
            (other, _) => Err(INVALID_STATUS.with("status", other)),
        }
    }

    /// Returns the reserves, or why there are none.
    fn checked_reserves(&self) -> Result<[u64; 2], Refusal> {
        if self.uses_book() && self.book.has_orders() {
            return Err(Refusal::other(RefusalKind::Unsupported, "resting_orders")
                .with("open_orders", self.info.open_orders));
        }
        match &self.reserves {
            Some(reserves) => reserves.clone(),
            None => {
                Err(Refusal::missing("InvalidOpenOrders", Some(10)).with("account", self.info.open_orders))
            }
        }
    }

    /// The one core of [`quote`](PoolState::quote) and [`execute`](PoolState::execute).
    pub(super) fn swap(&self, environment: &Environment, request: &SwapRequest) -> Result<Outcome, Refusal> {
        if !self.exists {
            return Err(Refusal::missing("The amm account owner is not match with this program", Some(27))
                .with("account", self.address));
        }
        let Some(vaults) = self.vaults.amounts() else {
            return Err(match self.vaults.obstacle() {
                Some(SetAside::Missing { account, .. }) => NO_TOKEN_ACCOUNT.with("account", account),
                _ => NO_TOKEN_ACCOUNT,
            });
        };
        let status = self.checked_status(environment)?;
        let reserves = self.checked_reserves()?;
        let (side_in, side_out) = if request.a_to_b { (0, 1) } else { (1, 0) };
        let (reserve_in, reserve_out) = (reserves[side_in], reserves[side_out]);
        let most = request.most_payable(vaults[side_in]);
        let (amount_in, amount_out, fee) = if request.exact_in {
            self.exact_in(request, reserve_in, reserve_out, most)?
        } else {
            self.exact_out(request, reserve_in, reserve_out, most)?
        };
        if amount_out >= reserve_out {
            return Err(INSUFFICIENT_FUNDS.with("amount_out", amount_out));
        }
        if amount_out > vaults[side_out] {
            return Err(Refusal::other(RefusalKind::Unsupported, "unsettled_funds")
                .with("open_orders", self.info.open_orders));
        }
        let frozen = self.vaults.frozen();
        if frozen[side_in] || frozen[side_out] {
            return Err(ACCOUNT_FROZEN);
        }
        let info = self.info_after(status, request.a_to_b, amount_in, amount_out, fee);
        Ok(Outcome {
            quote: Quote {
                user_in: amount_in,
                user_out: amount_out,
                vault_in: amount_in,
                vault_out: amount_out,
                fee,
                fee_on_input: true,
                input_transfer_fee: 0,
                output_transfer_fee: 0,
            },
            info: info.ok_or(panic("processor.rs: Option::unwrap() on None"))?,
            reserves,
        })
    }

    /// Returns input, output and fee. `most`: what a trader can hold of the input.
    fn exact_in(
        &self,
        request: &SwapRequest,
        reserve_in: u64,
        reserve_out: u64,
        most: u64,
    ) -> Result<(u64, u64, u64), Refusal> {
        let amount_in = request.amount;
        if amount_in > most {
            return Err(INSUFFICIENT_FUNDS.with("amount_in", amount_in));
        }
        let fee = share_up(amount_in.into(), self.info.swap_fee_numerator, self.info.swap_fee_denominator)
            .and_then(|fee| u64::try_from(fee).ok())
            .ok_or(UNWRAP)?;
        let net = amount_in.checked_sub(fee).ok_or(UNWRAP)?;
        let amount_out = constant_product::amount_out(reserve_in, reserve_out, net).ok_or(UNWRAP)?;
        if amount_out < request.other_amount_threshold {
            return Err(EXCEEDED_SLIPPAGE.with("amount_out", amount_out));
        }
        if amount_out == 0 || amount_in == 0 {
            return Err(INVALID_INPUT.with("amount_in", amount_in).with("amount_out", amount_out));
        }
        Ok((amount_in, amount_out, fee))
    }

    /// Returns input, output and fee. `most`: what a trader can hold of the input.
    fn exact_out(
        &self,
        request: &SwapRequest,
        reserve_in: u64,
        reserve_out: u64,
        most: u64,
    ) -> Result<(u64, u64, u64), Refusal> {
        let amount_out = request.amount;
        let (numerator, denominator) = (self.info.swap_fee_numerator, self.info.swap_fee_denominator);
        let net = constant_product::net_in(reserve_in, reserve_out, amount_out).ok_or(UNWRAP)?;
        let kept = denominator.checked_sub(numerator).ok_or(UNWRAP)?;
        let gross = share_up(net, denominator, kept).ok_or(UNWRAP)?;
        let amount_in = u64::try_from(gross).map_err(|_| panic("Integer overflow when casting to u64"))?;
        // The input is at least what arrives, which therefore fits as well.
        let fee = u64::try_from(gross - net).map_err(|_| UNWRAP)?;
        if amount_in > most {
            return Err(INSUFFICIENT_FUNDS.with("amount_in", amount_in));
        }
        if request.other_amount_threshold < amount_in {
            return Err(EXCEEDED_SLIPPAGE.with("amount_in", amount_in));
        }
        if amount_in == 0 || amount_out == 0 {
            return Err(INVALID_INPUT.with("amount_in", amount_in).with("amount_out", amount_out));
        }
        Ok((amount_in, amount_out, fee))
    }

    /// The pool's account after a swap; `None`: one of its sums leaves its range.
    fn info_after(&self, status: u64, a_to_b: bool, input: u64, output: u64, fee: u64) -> Option<AmmV4Info> {
        let mut info = AmmV4Info { status, ..self.info };
        let (all_in, all_out, all_fees) = if a_to_b {
            (&mut info.swap_coin_in_amount, &mut info.swap_pc_out_amount, &mut info.swap_acc_coin_fee)
        } else {
            (&mut info.swap_pc_in_amount, &mut info.swap_coin_out_amount, &mut info.swap_acc_pc_fee)
        };
        *all_in = all_in.checked_add(input.into())?;
        *all_out = all_out.checked_add(output.into())?;
        *all_fees = all_fees.checked_add(fee)?;
        Some(info)
    }
}

/// `ceil(amount * numerator / denominator)`; `None`: beyond 128 bits, or no denominator.
pub(super) fn share_up(amount: u128, numerator: u64, denominator: u64) -> Option<u128> {
    let product = amount.checked_mul(numerator.into())?;
    if denominator == 0 {
        return None;
    }
    Some(match u64::try_from(product) {
        Ok(product) => product.div_ceil(denominator).into(),
        Err(_) => product.div_ceil(denominator.into()),
    })
}
