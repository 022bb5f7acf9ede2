//! A `PumpSwap` pool: what is known of its accounts and what trades come to.

use super::addresses::Remembered;
use super::fee_config::{FeeConfig, FeeTier, Fees};
use super::layout::{GlobalConfig, Pool};
use super::rates::{Schedule, Worth, rates};
use super::trade::{Terms, Traded, total_bps};
use super::{FEE_CONFIG, FEE_PROGRAM, GLOBAL_CONFIG, PROGRAM, refusal};
use crate::amm_math::Segment;
use crate::decoders::{DecodeError, Mint};
use crate::instruction_builder::{BuildError, Instruction, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Environment, Execution, Quote, Refusal, RefusalKind, SwapRequest, Value};
use crate::venues::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, SetAside, TokenSides, Vaults, Written,
};

const DISABLE_BUY: u8 = 1 << 3;
const DISABLE_SELL: u8 = 1 << 4;
const BPS: f64 = 10_000.0;

/// A pool with what is known of its accounts.
#[derive(Debug, Clone)]
pub struct PumpSwapPool {
    pub(super) address: Pubkey,
    pub(super) pool: Pool,
    schedule: Schedule,
    pub(super) sides: TokenSides,
    vaults: Vaults,
    pub(super) global: Seen<GlobalConfig>,
    fee_config: Seen<FeeConfig>,
    is_closed: bool,
    /// What the accounts come to.
    terms: Result<Terms, Lack>,
    pub(super) addresses: Remembered,
}

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen<T> {
    Unknown,
    Absent,
    Present(T),
}

impl<T: PartialEq> Seen<T> {
    const fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    pub(super) const fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Unknown | Self::Absent => None,
        }
    }

    /// Takes a write; what was known is forgotten if it cannot be read.
    fn write(
        &mut self,
        account: Option<AccountData<'_>>,
        owner: &Pubkey,
        read: fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<(), DecodeError> {
        *self = Self::Unknown;
        *self = match account {
            None => Self::Absent,
            Some(account) if account.owner != owner => {
                return Err(DecodeError::WrongOwner { owner: *account.owner });
            }
            Some(account) => Self::Present(read(account.data)?),
        };
        Ok(())
    }
}

/// Why there are no terms to trade on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// The pool's account no longer exists.
    Pool,
    /// An account is not known or does not exist.
    Account { reason: &'static str, address: Pubkey },
    /// A mint charges for transfers, which the SDK leaves out of account.
    TransferFee(Pubkey),
    /// A vault is empty.
    Empty,
    /// Virtual reserves leave no quote units to price with.
    NoQuote,
}

impl Lack {
    fn refusal(self) -> Refusal {
        match self {
            Self::Pool => refusal::missing(),
            Self::Account { address, .. } => refusal::missing().with("account", address),
            Self::TransferFee(mint) => {
                Refusal::other(RefusalKind::Unsupported, "mint_transfer_fee").with("mint", mint)
            }
            Self::Empty => refusal::empty_reserves(),
            Self::NoQuote => refusal::overflow(),
        }
    }

    const fn obstacle(self) -> SetAside {
        match self {
            Self::Pool => SetAside::Closed,
            Self::Account { reason, address } => SetAside::Missing { reason, account: address },
            Self::TransferFee(_) => SetAside::Unsupported { reason: "mint_transfer_fee" },
            Self::Empty | Self::NoQuote => SetAside::NoLiquidity,
        }
    }
}

impl PumpSwapPool {
    /// Opens the pool in an account.
    ///
    /// # Errors
    /// [`DecodeError`]: no pool, or one that the program never writes.
    pub fn open(new: &NewPool<'_>) -> Result<Self, DecodeError> {
        let pool = Pool::tolerant(new.data)?;
        let mints = [pool.base_mint, pool.quote_mint];
        let vaults = [pool.pool_base_token_account, pool.pool_quote_token_account];
        Ok(Self {
            address: new.address,
            schedule: Schedule::of(&pool),
            sides: TokenSides::new(mints, new.assume_plain_mints),
            vaults: Vaults::new(vaults, mints),
            global: Seen::Unknown,
            fee_config: Seen::Unknown,
            is_closed: false,
            addresses: Remembered::default(),
            terms: Err(Lack::Account { reason: "missing_vault", address: vaults[0] }),
            pool,
        })
    }

    fn write_pool(&mut self, data: &[u8]) -> Result<(), DecodeError> {
        let pool = Pool::tolerant(data)?;
        let named = |pool: &Pool| {
            let Pool { creator, base_mint, quote_mint, .. } = *pool;
            let vaults = [pool.pool_base_token_account, pool.pool_quote_token_account];
            (creator, base_mint, quote_mint, vaults)
        };
        if named(&pool) != named(&self.pool) {
            return Err(DecodeError::ImpossibleField {
                account: "Pool",
                field: "creator, mints and vaults",
                value: "others than before".to_owned(),
                expected: "those of its first state",
            });
        }
        (self.pool, self.is_closed) = (pool, false);
        Ok(())
    }

    fn base_supply(&self) -> Option<u64> {
        self.sides.mints()[0].map(|mint| mint.supply)
    }

    /// Whether the fees cannot be told without the base mint.
    const fn needs_supply(&self) -> bool {
        self.schedule.has_tiers() && !self.pool.is_mayhem_mode
    }

    /// Works out the terms from all accounts.
    fn settle(&self) -> Result<Terms, Lack> {
        if self.is_closed {
            return Err(Lack::Pool);
        }
        let charges = |mint: &Mint| {
            let fees = mint.transfer_fee;
            fees.is_some_and(|fees| fees.older.basis_points > 0 || fees.newer.basis_points > 0)
        };
        for (mint, address) in self.sides.mints().into_iter().zip(self.sides.addresses()) {
            if mint.is_some_and(charges) {
                return Err(Lack::TransferFee(address));
            }
        }
        let Some([base, real_quote]) = self.vaults.amounts() else {
            return Err(match self.vaults.obstacle() {
                Some(SetAside::Missing { reason, account }) => Lack::Account { reason, address: account },
                _ => Lack::Empty,
            });
        };
        let missing = |reason, address| Lack::Account { reason, address };
        let global = self.global.present().ok_or(missing("missing_config", GLOBAL_CONFIG))?;
        let config = self.fee_config.present().ok_or(missing("missing_config", FEE_CONFIG))?;
        let supply = match self.base_supply() {
            None if self.needs_supply() => return Err(missing("missing_mint", self.pool.base_mint)),
            supply => supply.unwrap_or_default(),
        };
        if base == 0 || real_quote == 0 {
            return Err(Lack::Empty);
        }
        let quote = i128::from(real_quote).checked_add(self.pool.virtual_quote_reserves);
        let quote = quote.and_then(|quote| u128::try_from(quote).ok()).filter(|&quote| quote > 0);
        let quote = quote.ok_or(Lack::NoQuote)?;
        let worth = Worth { supply, base_reserve: base, quote_reserve: quote };
        let mut rates = rates(self.schedule, &self.pool, global, config, worth);
        if self.pool.coin_creator == Pubkey::default() {
            rates = rates.map(|rates| Fees { creator_fee_bps: 0, ..rates });
        }
        Ok(Terms { base, real_quote, quote, rates })
    }

    fn disable_flags(&self) -> u8 {
        self.global.present().map_or(0, |global| global.disable_flags)
    }

    fn is_disabled(&self, a_to_b: bool) -> bool {
        self.disable_flags() & if a_to_b { DISABLE_SELL } else { DISABLE_BUY } != 0
    }

    pub(super) fn trade(&self, request: &SwapRequest) -> Result<(Terms, Traded), Refusal> {
        if self.is_disabled(request.a_to_b) {
            let refusal = if request.a_to_b { refusal::disabled_sell() } else { refusal::disabled_buy() };
            return Err(refusal.with("disable_flags", self.disable_flags()));
        }
        let terms = self.terms.as_ref().map_err(|lack| lack.refusal())?;
        if let Some((_, vault)) = self.vaults.frozen().iter().zip(self.vaults.addresses()).find(|(f, _)| **f)
        {
            return Err(Refusal::program("Account is frozen", 17).with("account", vault));
        }
        Ok((*terms, terms.trade(request)?))
    }

    /// Terms and the sum of the rates as a fraction, if the direction can be traded.
    fn live(&self, a_to_b: bool) -> Option<(&Terms, f64)> {
        let terms = self.terms.as_ref().ok().filter(|_| !self.is_disabled(a_to_b))?;
        Some((terms, total_bps(&terms.rates?) as f64 / BPS))
    }
}

impl PoolState for PumpSwapPool {
    fn address(&self) -> Pubkey {
        self.address
    }

    fn mints(&self) -> [Pubkey; 2] {
        self.sides.addresses()
    }

    fn written_together(&self, into: &mut Vec<Pubkey>) {
        into.extend(self.vaults.addresses());
    }

    fn dependencies(&self, into: &mut Vec<Dependency>) {
        let first = into.len();
        self.sides.dependencies(into);
        if let Some(base) = into.get_mut(first).filter(|_| self.needs_supply()) {
            // A mint taken for a plain one has no supply.
            base.is_known = self.base_supply().is_some();
        }
        self.vaults.dependencies(into);
        for (address, is_known) in
            [(GLOBAL_CONFIG, self.global.is_known()), (FEE_CONFIG, self.fee_config.is_known())]
        {
            into.push(Dependency { address, reason: "missing_config", is_known });
        }
    }

    fn write(&mut self, address: &Pubkey, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let flags = self.disable_flags();
        let mut written = Written::default();
        let result = if *address == self.address {
            if let Some(account) = account {
                self.write_pool(account.data)
            } else {
                self.is_closed = true;
                Ok(())
            }
        } else if *address == GLOBAL_CONFIG {
            self.global.write(account, &PROGRAM, GlobalConfig::tolerant)
        } else if *address == FEE_CONFIG {
            self.fee_config.write(account, &FEE_PROGRAM, FeeConfig::read)
        } else {
            let taken = match self.vaults.write(address, account) {
                None => self.sides.write(address, account),
                taken => taken,
            };
            match taken {
                None => return Ok(written),
                Some(taken) => taken.map(|taken| written = taken),
            }
        };
        let terms = self.settle();
        written.changed |= terms != self.terms || flags != self.disable_flags();
        self.terms = terms;
        result.map(|()| written)
    }

    fn obstacle(&self, environment: &Environment) -> Option<SetAside> {
        if let Err(lack @ (Lack::Pool | Lack::Account { .. } | Lack::TransferFee(_))) = self.terms {
            return Some(lack.obstacle());
        }
        if let Some(obstacle) = self.sides.obstacle(environment).or_else(|| self.vaults.obstacle()) {
            return Some(obstacle);
        }
        let flags = self.disable_flags();
        if flags & DISABLE_BUY != 0 && flags & DISABLE_SELL != 0 {
            return Some(SetAside::Disabled { status: flags.into() });
        }
        match &self.terms {
            Err(lack) => Some(lack.obstacle()),
            Ok(Terms { rates: None, .. }) => Some(SetAside::Unsupported { reason: "no_fee_tiers" }),
            Ok(_) => None,
        }
    }

    fn depends_on_time(&self) -> bool {
        false
    }

    fn quote(&self, _: &Environment, request: &SwapRequest) -> Result<Quote, Refusal> {
        self.trade(request).map(|(_, traded)| traded.quote)
    }

    fn execute(&mut self, _: &Environment, request: &SwapRequest) -> Result<Execution, Refusal> {
        let (terms, Traded { quote, without_fees }) = self.trade(request)?;
        if !self.vaults.trade(request.a_to_b, quote.vault_in, quote.vault_out) {
            return Err(refusal::overflow());
        }
        self.terms = self.settle();
        let rates = terms.rates.unwrap_or_default();
        Ok(Execution {
            quote,
            details: vec![
                ("quote_without_fees", without_fees.into()),
                ("lp_fee_bps", rates.lp_fee_bps.into()),
                ("protocol_fee_bps", rates.protocol_fee_bps.into()),
                ("creator_fee_bps", rates.creator_fee_bps.into()),
            ],
        })
    }

    fn swap_instruction(
        &self,
        _: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        _: Reach,
    ) -> Result<Instruction, BuildError> {
        self.instruction(request, trader)
    }

    fn each_segment(&self, _: &Environment, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        let Some((terms, fees)) = self.live(a_to_b).filter(|&(_, fees)| fees < 1.0 || !a_to_b) else {
            return;
        };
        let (base, quote, real_quote) = (terms.base as f64, terms.quote as f64, terms.real_quote as f64);
        visit(if a_to_b {
            // Virtual units cannot be paid out: the stretch ends where the real ones and the fee
            // that stays with them do.
            let lp = terms.rates.map_or(0.0, |rates| rates.lp_fee_bps as f64 / BPS);
            let most = real_quote / (1.0 - lp).max(0.0);
            let max_in = if quote > most { base * most / (quote - most) } else { f64::INFINITY };
            Segment { gain: (1.0 - fees) * quote, base, drag: 1.0, max_in }
        } else {
            Segment { gain: base, base: (1.0 + fees) * quote, drag: 1.0, max_in: f64::INFINITY }
        });
    }

    fn marginal_rate(&self, _: &Environment, a_to_b: bool) -> f64 {
        let Some((terms, fees)) = self.live(a_to_b) else { return 0.0 };
        let price = terms.quote as f64 / terms.base as f64;
        if a_to_b { (price * (1.0 - fees)).max(0.0) } else { 1.0 / (price * (1.0 + fees)) }
    }

    fn spot_price(&self, a_to_b: bool) -> Option<Fraction> {
        let terms = self.terms.as_ref().ok()?;
        let (base, quote) = (terms.base.try_into().ok()?, terms.quote.try_into().ok()?);
        let (numerator, denominator) = if a_to_b { (quote, base) } else { (base, quote) };
        Some(Fraction { numerator, denominator })
    }

    fn summary(&self, _: &Environment) -> PoolSummary {
        let rates = self.terms.as_ref().ok().and_then(|terms| terms.rates).unwrap_or_default();
        let total = total_bps(&rates);
        let rate = |numerator: u128, denominator: u128| {
            numerator
                .checked_mul(1_000_000_000)
                .map(|scaled| scaled / denominator)
                .and_then(|e9| e9.try_into().ok())
        };
        PoolSummary {
            fee_rate_e9: [
                rate(total, 10_000).unwrap_or(u64::MAX),
                rate(total, total.saturating_add(10_000)).unwrap_or(u64::MAX),
            ],
            depth: self.vaults.amounts().unwrap_or_default(),
            liquidity: None,
            details: vec![
                ("fee_schedule", Value::Text(self.schedule.name())),
                ("lp_fee_bps", rates.lp_fee_bps.into()),
                ("protocol_fee_bps", rates.protocol_fee_bps.into()),
                ("creator_fee_bps", rates.creator_fee_bps.into()),
                ("virtual_quote_reserves", self.pool.virtual_quote_reserves.into()),
                ("is_mayhem_mode", self.pool.is_mayhem_mode.into()),
                ("is_cashback_coin", self.pool.is_cashback_coin.into()),
            ],
        }
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&[
            u8::from(self.is_closed),
            self.disable_flags(),
            u8::from(self.pool.is_mayhem_mode),
            u8::from(self.global.present().is_some_and(|global| global.creator_fee_configurable)),
        ]);
        sink(&self.pool.coin_creator.0);
        sink(&self.pool.creator_fee_bps.to_le_bytes());
        sink(&self.pool.virtual_quote_reserves.to_le_bytes());
        for amount in self.vaults.amounts().unwrap_or_default() {
            sink(&amount.to_le_bytes());
        }
        sink(&self.vaults.frozen().map(u8::from));
        let fees = |fees: &Fees| [fees.lp_fee_bps, fees.protocol_fee_bps, fees.creator_fee_bps];
        if let Some(config) = self.fee_config.present() {
            for word in fees(&config.flat_fees).into_iter().chain(fees(&config.exotic_flat_fees)) {
                sink(&word.to_le_bytes());
            }
            for tiers in [&config.fee_tiers, &config.stable_fee_tiers] {
                sink(&tiers.len().to_le_bytes());
                for FeeTier { market_cap_lamports_threshold, fees: tier } in tiers {
                    sink(&market_cap_lamports_threshold.to_le_bytes());
                    for word in fees(tier) {
                        sink(&word.to_le_bytes());
                    }
                }
            }
        }
    }

    fn boxed_clone(&self) -> Box<dyn PoolState> {
        Box::new(self.clone())
    }
}
