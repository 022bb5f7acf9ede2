//! A token-swap pool: what is known of its accounts.

use super::curve::{Curve, Reserves};
use super::fees::Fees;
use super::layout::SwapV1;
use super::{PROGRAM, refusal};
use crate::amm_math::Segment;
use crate::decoders::{self, DecodeError, Decoded, Mint, TokenAccount};
use crate::instruction_builder::{BuildError, Instruction, Reach, Trader};
use crate::pda::create_program_address;
use crate::quantities::Pubkey;
use crate::swap::{Environment, Execution, Quote, Refusal, SwapRequest, Value};
use crate::venues::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, SetAside, TokenSides, Vaults, Written,
};

/// Below this, minting pool tokens cannot pass 64 bits: a fee is worth at most the whole supply.
const SAFE_SUPPLY: u64 = u64::MAX / 2;

/// A pool with what is known of its accounts.
#[derive(Debug, Clone)]
pub struct TokenSwapPool {
    pub(super) address: Pubkey,
    pub(super) swap: SwapV1,
    pub(super) curve: Curve,
    pub(super) fees: Fees,
    sides: TokenSides,
    pub(super) vaults: Vaults,
    pub(super) pool_mint: Option<Mint>,
    pub(super) fee_account: FeeAccount,
    pub(super) is_closed: bool,
    /// Authority of the vaults, by the bump that the account names.
    pub(super) authority: Option<Pubkey>,
    /// Minting the owner's fee cannot fail, so that a quote need not work it out.
    pub(super) mint_is_safe: bool,
}

/// The account that receives the owner's fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeeAccount {
    Unknown,
    /// It does not exist, or is no account of the pool's mint: only a swap that mints nothing works.
    Unusable,
    Usable(TokenAccount),
}

fn authority(pool: &Pubkey, swap: &SwapV1) -> Option<Pubkey> {
    create_program_address(&[&pool.0, &[swap.bump_seed]], &PROGRAM)
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
            authority: authority(&new.address, &swap),
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
        if swap.bump_seed != self.swap.bump_seed {
            self.authority = authority(&self.address, &swap);
        }
        (self.swap, self.curve, self.fees, self.is_closed) = (swap, curve, Fees::new(&swap), false);
        Ok(Written { changed, is_state: false })
    }

    fn write_pool_mint(&mut self, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let before = self.pool_mint.take();
        if let Some(account) = account {
            match decoders::spl_token::decode(account.owner, account.data)? {
                Decoded::Mint(mint) => self.pool_mint = Some(mint),
                Decoded::TokenAccount(_) => {
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

    /// Reserves as the trade goes, if both are above zero.
    fn live_reserves(&self, a_to_b: bool) -> Option<Reserves> {
        let reserves = self.reserves(a_to_b).ok()?;
        (reserves.destination > 0 && !self.is_closed).then_some(reserves)
    }
}

impl PoolState for TokenSwapPool {
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
        self.sides.dependencies(into);
        self.vaults.dependencies(into);
        let (address, is_known) = (self.swap.pool_mint, self.pool_mint.is_some());
        into.push(Dependency { address, reason: "missing_pool_mint", is_known });
        let (address, is_known) = (self.swap.pool_fee_account, self.fee_account != FeeAccount::Unknown);
        into.push(Dependency { address, reason: "missing_fee_account", is_known });
    }

    fn write(&mut self, address: &Pubkey, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let written = if *address == self.address {
            if let Some(account) = account {
                self.write_swap(account.data)
            } else {
                self.is_closed = true;
                Ok(Written { changed: true, is_state: false })
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
        let kept = self.fees.kept();
        if let Some(reserves) = self.live_reserves(a_to_b).filter(|_| kept > 0.0) {
            self.curve.each_segment(reserves, kept, visit);
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
