//! A token-swap pool and what the program does with a swap, operation by operation.

use super::curve::{Curve, Reserves};
use super::fees::Fees;
use super::layout::SwapV1;
use super::pool_tokens;
use crate::amm_math::Segment;
use crate::decoders::{self, DecodeError, Decoded, Mint, TokenAccount};
use crate::quantities::Pubkey;
use crate::swap::{Environment, Execution, Quote, Refusal, RefusalKind, SwapRequest, Value};
use crate::venues::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, SetAside, TokenSides, Vaults, Written,
};

/// Below this, minting pool tokens cannot pass 64 bits: a fee is worth at most the whole supply.
const SAFE_SUPPLY: u64 = u64::MAX / 2;

/// A pool with what is known of its accounts.
#[derive(Debug, Clone)]
pub struct TokenSwapPool {
    address: Pubkey,
    swap: SwapV1,
    curve: Curve,
    fees: Fees,
    sides: TokenSides,
    vaults: Vaults,
    pool_mint: Option<Mint>,
    fee_account: FeeAccount,
    is_closed: bool,
    /// Minting the owner's fee cannot fail, so that a quote need not work it out.
    mint_is_safe: bool,
}

/// The account that receives the owner's fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FeeAccount {
    Unknown,
    /// It does not exist, or is no account of the pool's mint: only a swap that mints nothing works.
    Unusable,
    Usable(TokenAccount),
}

/// A swap worked out.
struct Swapped {
    user_in: u64,
    user_out: u64,
    fee: u64,
    pool_tokens: u64,
}

mod refusal {
    //! The errors of the program and of SPL Token under it, in the words that they log.

    use crate::swap::Refusal;

    pub(super) const fn expected_mint() -> Refusal {
        Refusal::missing("Deserialized account is not an SPL Token mint", Some(4))
    }
    pub(super) const fn expected_account() -> Refusal {
        Refusal::missing("Deserialized account is not an SPL Token account", Some(5))
    }
    pub(super) const fn slippage() -> Refusal {
        Refusal::program("Swap instruction exceeds desired slippage limit", 16)
    }
    pub(super) const fn zero() -> Refusal {
        Refusal::program("Given pool token amount results in zero trading tokens", 20)
    }
    pub(super) const fn fee() -> Refusal {
        Refusal::program("The fee calculation failed due to overflow, underflow, or unexpected 0", 21)
    }
    pub(super) const fn conversion() -> Refusal {
        Refusal::program("Conversion to or from u64 failed.", 22)
    }
    pub(super) const fn insufficient_funds() -> Refusal {
        Refusal::program("insufficient funds", 1)
    }
    pub(super) const fn overflow() -> Refusal {
        Refusal::program("Operation overflowed", 14)
    }
    pub(super) const fn frozen() -> Refusal {
        Refusal::program("Account is frozen", 17)
    }
}

impl TokenSwapPool {
    /// Opens the pool in a swap account.
    ///
    /// # Errors
    /// [`DecodeError`]: no swap account, or one that the program never writes.
    pub fn open(new: &NewPool<'_>) -> Result<Self, DecodeError> {
        let swap = SwapV1::checked(new.data)?;
        let mints = [swap.token_a_mint, swap.token_b_mint];
        let mut pool = Self {
            address: new.address,
            curve: Curve::new(swap.curve_type, swap.curve_parameter)?,
            fees: Fees::new(&swap),
            sides: TokenSides::new(mints, new.assume_plain_mints),
            vaults: Vaults::new([swap.token_a, swap.token_b], mints),
            pool_mint: None,
            fee_account: FeeAccount::Unknown,
            is_closed: false,
            mint_is_safe: false,
            swap,
        };
        pool.settle();
        Ok(pool)
    }

    /// Works out what depends on the accounts alone.
    fn settle(&mut self) {
        let is_share_of_supply = matches!(self.curve, Curve::ConstantProduct | Curve::Offset(_));
        self.mint_is_safe = is_share_of_supply
            && self.fees.trade.is_fraction()
            && self.pool_mint.is_some_and(|mint| mint.supply <= SAFE_SUPPLY)
            && matches!(self.fee_account, FeeAccount::Usable(account)
                if !account.is_frozen && account.amount <= SAFE_SUPPLY);
    }

    /// Takes a new state of the swap account; what it names cannot change.
    fn write_swap(&mut self, data: &[u8]) -> Result<Written, DecodeError> {
        let swap = SwapV1::checked(data)?;
        let named = |swap: &SwapV1| {
            [
                swap.token_a,
                swap.token_b,
                swap.token_a_mint,
                swap.token_b_mint,
                swap.pool_mint,
                swap.pool_fee_account,
            ]
        };
        if named(&swap) != named(&self.swap) {
            return Err(DecodeError::ImpossibleField {
                account: "SwapV1",
                field: "vaults, mints and fee account",
                value: "others than before".to_owned(),
                expected: "those of its first state",
            });
        }
        let curve = Curve::new(swap.curve_type, swap.curve_parameter)?;
        let changed = swap != self.swap || self.is_closed;
        (self.swap, self.curve, self.fees, self.is_closed) = (swap, curve, Fees::new(&swap), false);
        Ok(Written { changed, is_state: false })
    }

    fn write_pool_mint(&mut self, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let before = self.pool_mint.take();
        if let Some(account) = account {
            match decoders::spl_token::decode(account.owner, account.data)? {
                Decoded::Mint(mint) => self.pool_mint = Some(mint),
                _ => {
                    return Err(DecodeError::ImpossibleField {
                        account: "pool mint",
                        field: "account type",
                        value: "that of a token account".to_owned(),
                        expected: "a mint",
                    });
                }
            }
        }
        let supply = |mint: Option<Mint>| mint.map(|mint| mint.supply);
        Ok(Written { changed: supply(before) != supply(self.pool_mint), is_state: true })
    }

    fn write_fee_account(&mut self, account: Option<AccountData<'_>>) -> Written {
        let before = self.fee_account;
        // The program looks at this account only where it mints to it, and fails there.
        let decoded = account.map(|account| decoders::spl_token::decode(account.owner, account.data));
        self.fee_account = match decoded {
            Some(Ok(Decoded::TokenAccount(account))) if account.mint == self.swap.pool_mint => {
                FeeAccount::Usable(account)
            }
            _ => FeeAccount::Unusable,
        };
        Written { changed: before != self.fee_account, is_state: true }
    }

    fn reserves(&self, a_to_b: bool) -> Result<Reserves, Refusal> {
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
        let after = self.transfer_in(user_in, reserves)?;
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

    /// Fees, then the curve; `None` where the program's `SwapCurve::swap` gives none.
    fn exchange(&self, amount_in: u64, reserves: Reserves) -> Option<(Exchange, u128)> {
        let amount = u128::from(amount_in);
        let owner_fee = self.fees.owner.on(amount)?;
        let fee = self.fees.trade.on(amount)?.checked_add(owner_fee)?;
        let curve = self.curve.swap(reserves, amount.checked_sub(fee)?)?;
        let source = curve.source.checked_add(fee)?;
        u128::from(reserves.source).checked_add(source)?;
        u128::from(reserves.destination).checked_sub(curve.destination)?;
        Some((Exchange { source, destination: curve.destination, fee }, owner_fee))
    }

    /// Checks the transfer from the trader; returns what the vault holds afterwards.
    fn transfer_in(&self, user_in: u64, reserves: Reserves) -> Result<u64, Refusal> {
        self.check_not_frozen(!reserves.a_to_b)?;
        // No supply passes 64 bits, so nobody holds what would not fit the vault.
        reserves.source.checked_add(user_in).ok_or_else(|| {
            refusal::insufficient_funds()
                .with("amount", user_in)
                .with("most_there_can_be", u64::MAX - reserves.source)
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
        let buys = |amount_in: u64| {
            let bought = self.exchange(amount_in, reserves);
            bought.is_some_and(|(exchange, _)| exchange.destination >= u128::from(wanted))
        };
        let most = u64::MAX - reserves.source;
        let unreachable =
            || refusal::zero().with("amount_out", wanted).with("reserve_out", reserves.destination);
        // No input takes the last unit of a curve; a constant price can.
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

    fn answer(&self, request: &SwapRequest, mint: bool) -> Result<Swapped, Refusal> {
        if self.is_closed {
            return Err(Refusal::other(RefusalKind::MissingAccount, "IncorrectProgramId")
                .with("account", self.address));
        }
        let reserves = self.reserves(request.a_to_b)?;
        if request.exact_in {
            return self.swap(request.amount, request.other_amount_threshold, reserves, mint);
        }
        let amount_in = self.input_for(request.amount, reserves)?;
        let swapped = self.swap(amount_in, request.amount, reserves, mint)?;
        if swapped.user_in > request.other_amount_threshold {
            return Err(refusal::slippage()
                .with("amount_in", swapped.user_in)
                .with("maximum_amount_in", request.other_amount_threshold));
        }
        Ok(swapped)
    }

    /// Reserves as the trade goes, if both are above zero.
    fn live_reserves(&self, a_to_b: bool) -> Option<Reserves> {
        let reserves = self.reserves(a_to_b).ok()?;
        (reserves.destination > 0 && !self.is_closed).then_some(reserves)
    }
}

/// What the curve and the fees make of an input.
struct Exchange {
    source: u128,
    destination: u128,
    fee: u128,
}

impl Swapped {
    fn quote(&self) -> Quote {
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

impl PoolState for TokenSwapPool {
    fn address(&self) -> Pubkey {
        self.address
    }

    fn mints(&self) -> [Pubkey; 2] {
        self.sides.addresses()
    }

    fn dependencies(&self, into: &mut Vec<Dependency>) {
        self.sides.dependencies(into);
        self.vaults.dependencies(into);
        let (address, is_known) = (self.swap.pool_mint, self.pool_mint.is_some());
        into.push(Dependency { address, reason: "missing_pool_mint", is_known });
        let (address, is_known) = (self.swap.pool_fee_account, self.fee_account != FeeAccount::Unknown);
        into.push(Dependency { address, reason: "missing_fee_account", is_known });
    }

    fn write(&mut self, address: &Pubkey, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let written = if *address == self.address {
            match account {
                Some(account) => self.write_swap(account.data),
                None => {
                    self.is_closed = true;
                    Ok(Written { changed: true, is_state: false })
                }
            }
        } else if *address == self.swap.pool_mint {
            self.write_pool_mint(account)
        } else if *address == self.swap.pool_fee_account {
            Ok(self.write_fee_account(account))
        } else if let Some(written) = self.vaults.write(address, account) {
            written
        } else {
            self.sides.write(address, account).unwrap_or(Ok(Written::default()))
        };
        self.settle();
        written
    }

    fn obstacle(&self, environment: &Environment) -> Option<SetAside> {
        if self.is_closed {
            return Some(SetAside::Closed);
        }
        let lacking = self.sides.obstacle(environment).or_else(|| self.vaults.obstacle());
        if lacking.is_some() {
            return lacking;
        }
        if self.pool_mint.is_none() {
            let account = self.swap.pool_mint;
            return Some(SetAside::Missing { reason: "missing_pool_mint", account });
        }
        match self.fee_account {
            FeeAccount::Unknown => {
                let account = self.swap.pool_fee_account;
                return Some(SetAside::Missing { reason: "missing_fee_account", account });
            }
            FeeAccount::Usable(account) if account.is_frozen => {
                return Some(SetAside::FrozenVault(self.swap.pool_fee_account));
            }
            FeeAccount::Usable(_) | FeeAccount::Unusable => {}
        }
        let is_empty = self.vaults.amounts().is_none_or(|[a, b]| match self.curve {
            Curve::ConstantProduct | Curve::Stable(_) => a == 0 || b == 0,
            Curve::ConstantPrice(_) | Curve::Offset(_) => a == 0 && b == 0,
        });
        (is_empty || self.fees.kept() == 0.0).then_some(SetAside::NoLiquidity)
    }

    fn depends_on_time(&self) -> bool {
        false
    }

    fn quote(&self, _: &Environment, request: &SwapRequest) -> Result<Quote, Refusal> {
        self.answer(request, false).map(|swapped| swapped.quote())
    }

    fn execute(&mut self, _: &Environment, request: &SwapRequest) -> Result<Execution, Refusal> {
        let swapped = self.answer(request, true)?;
        if !self.vaults.trade(request.a_to_b, swapped.user_in, swapped.user_out) {
            return Err(refusal::insufficient_funds());
        }
        if let Some(mint) = &mut self.pool_mint {
            mint.supply = mint.supply.checked_add(swapped.pool_tokens).ok_or_else(refusal::overflow)?;
        }
        if let FeeAccount::Usable(account) = &mut self.fee_account {
            account.amount = account.amount.checked_add(swapped.pool_tokens).ok_or_else(refusal::overflow)?;
        }
        self.settle();
        Ok(Execution { quote: swapped.quote(), details: vec![("fee_lp_minted", swapped.pool_tokens.into())] })
    }

    fn segments(&self, _: &Environment, a_to_b: bool, into: &mut Vec<Segment>) {
        let kept = self.fees.kept();
        if let Some(reserves) = self.live_reserves(a_to_b).filter(|_| kept > 0.0) {
            self.curve.segments(reserves, kept, into);
        }
    }

    fn marginal_rate(&self, _: &Environment, a_to_b: bool) -> f64 {
        let price = self.live_reserves(a_to_b).and_then(|reserves| self.curve.spot_price(reserves));
        price.map_or(0.0, |price| price.to_f64() * self.fees.kept())
    }

    fn spot_price(&self, a_to_b: bool) -> Option<Fraction> {
        self.curve.spot_price(self.live_reserves(a_to_b)?)
    }

    fn summary(&self, _: &Environment) -> PoolSummary {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1e9")]
        let rate = ((1.0 - self.fees.kept()) * 1e9).round() as u64;
        PoolSummary {
            fee_rate_e9: [rate; 2],
            depth: self.vaults.amounts().unwrap_or_default(),
            liquidity: None,
            details: vec![
                ("curve_type", Value::Text(self.curve.name())),
                ("curve_parameter", self.swap.curve_parameter.into()),
                ("pool_token_supply", self.pool_mint.map_or(Value::None, |mint| mint.supply.into())),
            ],
        }
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        let SwapV1 { curve_type, curve_parameter, .. } = self.swap;
        sink(&[u8::from(self.is_closed), curve_type]);
        for word in [
            curve_parameter,
            self.swap.trade_fee_numerator,
            self.swap.trade_fee_denominator,
            self.swap.owner_trade_fee_numerator,
            self.swap.owner_trade_fee_denominator,
        ] {
            sink(&word.to_le_bytes());
        }
        for amount in self.vaults.amounts().unwrap_or_default() {
            sink(&amount.to_le_bytes());
        }
        sink(&self.vaults.frozen().map(u8::from));
        sink(&self.pool_mint.map_or(0, |mint| mint.supply).to_le_bytes());
        match self.fee_account {
            FeeAccount::Unknown => sink(&[0]),
            FeeAccount::Unusable => sink(&[1]),
            FeeAccount::Usable(account) => {
                sink(&[2, u8::from(account.is_frozen)]);
                sink(&account.amount.to_le_bytes());
            }
        }
    }

    fn boxed_clone(&self) -> Box<dyn PoolState> {
        Box::new(self.clone())
    }
}
