//! A pool with its accounts.

use ruint::aliases::U256;

use super::VENUE;
use super::curve::{RATE_ONE, Rates, panic};
use super::layout::{CONFIG_DISCRIMINATOR, CpmmConfig, CpmmState, STATE_DISCRIMINATOR};
use super::swap::{INSUFFICIENT_FUNDS, Outcome};
use crate::amm_math::{Segment, constant_product};
use crate::decoders::{DecodeError, TransferFee, TransferFeeConfig};
use crate::instruction_builder::{BuildError, Instruction, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Environment, Execution, Quote, Refusal, SwapRequest};
use crate::venues::layout::expect_type;
use crate::venues::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, SetAside, TokenSides, Vaults, Written,
};

pub(super) const SWAP_DISABLED: u8 = 1 << 2;
/// Bits of the status with a meaning.
const STATUS_BITS: u8 = 0b111;

const MATH_OVERFLOW: Refusal = Refusal::program("MathOverflow", 6011);
const INSUFFICIENT_VAULT: Refusal = Refusal::program("InsufficientVault", 6012);

/// A pool and the accounts it depends on.
#[derive(Debug, Clone)]
pub struct CpmmPool {
    pub(super) address: Pubkey,
    pub(super) program: Pubkey,
    pub(super) state: CpmmState,
    pub(super) exists: bool,
    pub(super) config: Option<CpmmConfig>,
    pub(super) vaults: Vaults,
    pub(super) sides: TokenSides,
    pub(super) assume_plain_mints: bool,
    /// Vaults less accrued fees, once the vaults are known; or what the program says to them.
    pub(super) reserves: Option<Result<[u64; 2], Refusal>>,
}

/// Opens the pool at an address.
pub(super) fn open(new: &NewPool<'_>) -> Result<Box<dyn PoolState>, DecodeError> {
    let state = read_state(&new.program, new.data)?;
    Ok(Box::new(CpmmPool {
        address: new.address,
        program: new.program,
        state,
        exists: true,
        config: None,
        vaults: vaults_of(&state),
        sides: TokenSides::new(mints_of(&state), new.assume_plain_mints),
        assume_plain_mints: new.assume_plain_mints,
        reserves: None,
    }))
}

fn read_state(owner: &Pubkey, data: &[u8]) -> Result<CpmmState, DecodeError> {
    expect_type(VENUE.layouts, owner, data, &[STATE_DISCRIMINATOR], "PoolState")?;
    let state = CpmmState::read(data)?;
    if state.creator_fee_on > 2 {
        return Err(DecodeError::ImpossibleField {
            account: "PoolState",
            field: "creator_fee_on",
            value: state.creator_fee_on.to_string(),
            expected: "0, 1 or 2",
        });
    }
    Ok(state)
}

pub(super) fn mints_of(state: &CpmmState) -> [Pubkey; 2] {
    [state.token_0_mint, state.token_1_mint]
}

fn vaults_of(state: &CpmmState) -> Vaults {
    Vaults::new([state.token_0_vault, state.token_1_vault], mints_of(state))
}

impl CpmmPool {
    pub(super) fn protocol_fees(&self) -> [u64; 2] {
        [self.state.protocol_fees_token_0, self.state.protocol_fees_token_1]
    }

    pub(super) fn fund_fees(&self) -> [u64; 2] {
        [self.state.fund_fees_token_0, self.state.fund_fees_token_1]
    }

    pub(super) fn creator_fees(&self) -> [u64; 2] {
        [self.state.creator_fees_token_0, self.state.creator_fees_token_1]
    }

    /// To be called after every change of the pool or a vault.
    fn update_reserves(&mut self) {
        self.reserves = self.vaults.amounts().map(|vaults| {
            let (protocol, fund, creator) = (self.protocol_fees(), self.fund_fees(), self.creator_fees());
            let mut fees = [0; 2];
            for side in [0, 1] {
                fees[side] = protocol[side]
                    .checked_add(fund[side])
                    .and_then(|fees| fees.checked_add(creator[side]))
                    .ok_or(MATH_OVERFLOW)?;
            }
            let mut reserves = [0; 2];
            for side in [0, 1] {
                reserves[side] = vaults[side].checked_sub(fees[side]).ok_or(INSUFFICIENT_VAULT)?;
            }
            // The program computes both prices for its oracle.
            if reserves[0] == 0 || reserves[1] == 0 {
                return Err(panic("attempt to divide by zero"));
            }
            Ok(reserves)
        });
    }

    pub(super) fn rates(&self) -> Option<Rates> {
        let config = self.config?;
        Some(Rates {
            trade: config.trade_fee_rate,
            protocol: config.protocol_fee_rate,
            fund: config.fund_fee_rate,
            creator: if self.state.enable_creator_fee { config.creator_fee_rate } else { 0 },
        })
    }

    pub(super) fn creator_on_input(&self, a_to_b: bool) -> bool {
        match self.state.creator_fee_on {
            0 => true,
            1 => a_to_b,
            _ => !a_to_b,
        }
    }

    /// Whether the pool has taken fees: then it is open, whatever the clock says.
    pub(super) fn has_traded(&self) -> bool {
        [self.protocol_fees(), self.fund_fees(), self.creator_fees()] != [[0; 2]; 3]
    }

    /// Replaces the pool's own account.
    fn write_state(&mut self, account: AccountData<'_>) -> Result<Written, DecodeError> {
        let state = read_state(account.owner, account.data)?;
        let relevant = |state: &CpmmState| CpmmState { lp_supply: 0, recent_epoch: 0, ..*state };
        let changed = !self.exists || relevant(&state) != relevant(&self.state);
        if state.amm_config != self.state.amm_config {
            self.config = None;
        }
        if vaults_of(&state).addresses() != self.vaults.addresses()
            || mints_of(&state) != mints_of(&self.state)
        {
            self.vaults = vaults_of(&state);
            self.sides = TokenSides::new(mints_of(&state), self.assume_plain_mints);
        }
        self.state = state;
        self.exists = true;
        self.update_reserves();
        Ok(Written { changed, is_state: true })
    }

    fn write_config(&mut self, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let before = self.config.take();
        if let Some(account) = account {
            if *account.owner != self.program {
                return Err(DecodeError::WrongOwner { owner: *account.owner });
            }
            expect_type(VENUE.layouts, account.owner, account.data, &[CONFIG_DISCRIMINATOR], "AmmConfig")?;
            self.config = Some(CpmmConfig::read(account.data)?);
        }
        Ok(Written { changed: self.config != before, is_state: false })
    }

    /// Reserves as they stand, both above 0.
    fn known_reserves(&self) -> Option<[u64; 2]> {
        self.reserves.as_ref()?.as_ref().ok().copied()
    }

    /// Shares of the input and of the output that fees leave.
    fn kept(&self, a_to_b: bool) -> Option<[f64; 2]> {
        let rates = self.rates()?;
        let kept = |rate: u64| (1.0 - rate as f64 / RATE_ONE as f64).max(0.0);
        Some(if self.creator_on_input(a_to_b) {
            [kept(rates.trade.checked_add(rates.creator)?), 1.0]
        } else {
            [kept(rates.trade), kept(rates.creator)]
        })
    }
}

impl PoolState for CpmmPool {
    fn address(&self) -> Pubkey {
        self.address
    }

    fn mints(&self) -> [Pubkey; 2] {
        mints_of(&self.state)
    }

    /// The pool's own account too: it holds the fees that the vaults do not trade with.
    fn written_together(&self, into: &mut Vec<Pubkey>) {
        into.extend(self.vaults.addresses());
        into.push(self.address);
    }

    fn dependencies(&self, into: &mut Vec<Dependency>) {
        into.push(Dependency {
            address: self.state.amm_config,
            reason: "missing_config",
            is_known: self.config.is_some(),
        });
        self.vaults.dependencies(into);
        self.sides.dependencies(into);
    }

    fn write(&mut self, address: &Pubkey, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        if *address == self.address {
            return match account {
                Some(account) if *account.owner == self.program => self.write_state(account),
                Some(account) => Err(DecodeError::WrongOwner { owner: *account.owner }),
                None => {
                    let changed = std::mem::take(&mut self.exists);
                    Ok(Written { changed, is_state: true })
                }
            };
        }
        if *address == self.state.amm_config {
            return self.write_config(account);
        }
        if let Some(written) = self.vaults.write(address, account) {
            self.update_reserves();
            return written;
        }
        self.sides.write(address, account).unwrap_or_else(|| Ok(Written::default()))
    }

    fn obstacle(&self, environment: &Environment) -> Option<SetAside> {
        if !self.exists {
            return Some(SetAside::Closed);
        }
        if self.config.is_none() {
            return Some(SetAside::Missing { reason: "missing_config", account: self.state.amm_config });
        }
        if let Some(obstacle) = self.vaults.obstacle().or_else(|| self.sides.obstacle(environment)) {
            return Some(obstacle);
        }
        if self.state.status & !STATUS_BITS != 0 {
            return Some(SetAside::Unsupported { reason: "unknown_status" });
        }
        if self.state.status & SWAP_DISABLED != 0 {
            return Some(SetAside::Disabled { status: self.state.status.into() });
        }
        match environment.clock {
            None if self.state.open_time > 0 && !self.has_traded() => return Some(SetAside::MissingClock),
            Some(clock) if clock.unix_timestamp < self.state.open_time => {
                return Some(SetAside::NotYetOpen { opens_at: self.state.open_time });
            }
            _ => {}
        }
        self.known_reserves().is_none().then_some(SetAside::NoLiquidity)
    }

    /// Until the pool has traded once, for it opens when its time has come; and where a transfer fee
    /// changes with the epoch.
    fn depends_on_time(&self) -> bool {
        let changes = |fees: TransferFeeConfig| {
            TransferFee { epoch: 0, ..fees.older } != TransferFee { epoch: 0, ..fees.newer }
        };
        let mints = self.sides.mints();
        let fee_changes =
            mints.iter().any(|mint| mint.and_then(|mint| mint.transfer_fee).is_some_and(changes));
        fee_changes || (self.state.open_time > 0 && !self.has_traded())
    }

    fn quote(&self, environment: &Environment, request: &SwapRequest) -> Result<Quote, Refusal> {
        self.swap(environment, request).map(|outcome| outcome.quote)
    }

    fn execute(&mut self, environment: &Environment, request: &SwapRequest) -> Result<Execution, Refusal> {
        let outcome = self.swap(environment, request)?;
        let Outcome { quote, traded, protocol_fees, fund_fees, creator_fees } = outcome;
        if !self.vaults.trade(request.a_to_b, quote.vault_in, quote.vault_out) {
            return Err(INSUFFICIENT_FUNDS.with("amount", quote.vault_out));
        }
        [self.state.protocol_fees_token_0, self.state.protocol_fees_token_1] = protocol_fees;
        [self.state.fund_fees_token_0, self.state.fund_fees_token_1] = fund_fees;
        [self.state.creator_fees_token_0, self.state.creator_fees_token_1] = creator_fees;
        self.update_reserves();
        let details = vec![
            ("trade_fee", traded.trade_fee.into()),
            ("creator_fee", traded.creator_fee.into()),
            ("creator_fee_on_input", self.creator_on_input(request.a_to_b).into()),
            ("post_protocol_fees_token_0", protocol_fees[0].into()),
            ("post_protocol_fees_token_1", protocol_fees[1].into()),
            ("post_fund_fees_token_0", fund_fees[0].into()),
            ("post_fund_fees_token_1", fund_fees[1].into()),
            ("post_creator_fees_token_0", creator_fees[0].into()),
            ("post_creator_fees_token_1", creator_fees[1].into()),
        ];
        Ok(Execution { quote, details })
    }

    fn swap_instruction(
        &self,
        _: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        _: Reach,
    ) -> Result<Instruction, BuildError> {
        self.build_swap(request, trader)
    }

    fn each_segment(&self, environment: &Environment, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        let (Some(reserves), Some([kept_in, kept_out])) = (self.known_reserves(), self.kept(a_to_b)) else {
            return;
        };
        let Some(vaults) = self.vaults.amounts() else { return };
        let (side_in, side_out) = if a_to_b { (0, 1) } else { (1, 0) };
        constant_product::each_segment(
            [reserves[side_in] as f64, reserves[side_out] as f64],
            kept_in,
            kept_out,
            self.sides.fees(environment, a_to_b),
            (u64::MAX - vaults[side_in]) as f64,
            visit,
        );
    }

    fn marginal_rate(&self, environment: &Environment, a_to_b: bool) -> f64 {
        let (Some(reserves), Some([kept_in, kept_out])) = (self.known_reserves(), self.kept(a_to_b)) else {
            return 0.0;
        };
        let (side_in, side_out) = if a_to_b { (0, 1) } else { (1, 0) };
        let transfers: f64 =
            self.sides.fees(environment, a_to_b).map(constant_product::arriving).iter().product();
        transfers * kept_in * kept_out * reserves[side_out] as f64 / reserves[side_in] as f64
    }

    fn spot_price(&self, a_to_b: bool) -> Option<Fraction> {
        let [reserve_0, reserve_1] = self.known_reserves()?.map(U256::from);
        let (numerator, denominator) = if a_to_b { (reserve_1, reserve_0) } else { (reserve_0, reserve_1) };
        Some(Fraction { numerator, denominator })
    }

    fn summary(&self, _: &Environment) -> PoolSummary {
        // A share of 1e-6 each of the input and, where the creator's fee is on it, of the output.
        let rate_e9 =
            self.rates().map_or(0, |rates| rates.trade.saturating_add(rates.creator).saturating_mul(1_000));
        PoolSummary {
            fee_rate_e9: [rate_e9; 2],
            depth: self.known_reserves().unwrap_or_default(),
            liquidity: None,
            details: vec![
                ("status", self.state.status.into()),
                ("open_time", self.state.open_time.into()),
                ("creator_fee_on", self.state.creator_fee_on.into()),
                ("enable_creator_fee", self.state.enable_creator_fee.into()),
                ("lp_supply", self.state.lp_supply.into()),
            ],
        }
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        let state = &self.state;
        sink(&[
            u8::from(self.exists),
            state.status,
            state.creator_fee_on,
            u8::from(state.enable_creator_fee),
        ]);
        sink(&state.open_time.to_le_bytes());
        for fee in [self.protocol_fees(), self.fund_fees(), self.creator_fees()].concat() {
            sink(&fee.to_le_bytes());
        }
        for amount in self.vaults.amounts().unwrap_or_default() {
            sink(&amount.to_le_bytes());
        }
        sink(&self.vaults.frozen().map(u8::from));
        if let Some(rates) = self.rates() {
            for rate in [rates.trade, rates.protocol, rates.fund, rates.creator] {
                sink(&rate.to_le_bytes());
            }
        }
    }

    fn boxed_clone(&self) -> Box<dyn PoolState> {
        Box::new(self.clone())
    }
}
