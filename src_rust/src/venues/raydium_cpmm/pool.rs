//! A pool with its accounts: the program's checks around the curve, in their order.

use ruint::aliases::U256;

use super::curve::{Curve, RATE_ONE, Rates, Traded, panic};
use super::layout::{CONFIG_DISCRIMINATOR, CpmmConfig, CpmmState, STATE_DISCRIMINATOR};
use crate::amm_math::transfer_fee::WithFee;
use crate::amm_math::{Segment, constant_product};
use crate::decoders::{DecodeError, TransferFee};
use crate::quantities::Pubkey;
use crate::swap::{Environment, Execution, Quote, Refusal, RefusalKind, SwapRequest};
use crate::venues::token_sides::excluded;
use crate::venues::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, SetAside, TokenSides, Vaults, Written,
};

const SWAP_DISABLED: u8 = 1 << 2;
/// Bits of the status with a meaning.
const STATUS_BITS: u8 = 0b111;

const NOT_APPROVED: Refusal = Refusal::program("NotApproved", 6000);
const EXCEEDED_SLIPPAGE: Refusal = Refusal::program("ExceededSlippage", 6005);
const FEE_MISMATCH: Refusal = Refusal::program("TransferFeeCalculateNotMatch", 6010);
const MATH_OVERFLOW: Refusal = Refusal::program("MathOverflow", 6011);
const INSUFFICIENT_VAULT: Refusal = Refusal::program("InsufficientVault", 6012);
/// Anchor's `require_gt!`.
const ZERO_AMOUNT: Refusal = Refusal::program("RequireGtViolated", 2505);
/// The token programs' errors.
const INSUFFICIENT_FUNDS: Refusal = Refusal::program("insufficient funds", 1);
const ACCOUNT_FROZEN: Refusal = Refusal::program("Account is frozen", 17);
/// Anchor's error for an account that does not exist.
const NOT_INITIALIZED: (&str, Option<u32>) = ("AccountNotInitialized", Some(3012));

/// A pool and the accounts it depends on.
#[derive(Debug, Clone)]
pub struct CpmmPool {
    address: Pubkey,
    program: Pubkey,
    state: CpmmState,
    exists: bool,
    config: Option<CpmmConfig>,
    vaults: Vaults,
    sides: TokenSides,
    assume_plain_mints: bool,
    /// Vaults less accrued fees, once the vaults are known; or what the program says to them.
    reserves: Option<Result<[u64; 2], Refusal>>,
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
    expect_discriminator(owner, data, STATE_DISCRIMINATOR)?;
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

fn expect_discriminator(owner: &Pubkey, data: &[u8], expected: [u8; 8]) -> Result<(), DecodeError> {
    match data.first_chunk::<8>() {
        Some(&discriminator) if discriminator != expected => {
            Err(DecodeError::UnknownDiscriminator { owner: *owner, discriminator })
        }
        // Too few bytes for a discriminator are too few for the account: `read` says so.
        _ => Ok(()),
    }
}

fn mints_of(state: &CpmmState) -> [Pubkey; 2] {
    [state.token_0_mint, state.token_1_mint]
}

fn vaults_of(state: &CpmmState) -> Vaults {
    Vaults::new([state.token_0_vault, state.token_1_vault], mints_of(state))
}

/// A swap carried out: what the trader sees, what the curve did, fees accrued afterwards.
struct Outcome {
    quote: Quote,
    traded: Traded,
    protocol_fees: [u64; 2],
    fund_fees: [u64; 2],
    creator_fees: [u64; 2],
}

impl CpmmPool {
    fn protocol_fees(&self) -> [u64; 2] {
        [self.state.protocol_fees_token_0, self.state.protocol_fees_token_1]
    }

    fn fund_fees(&self) -> [u64; 2] {
        [self.state.fund_fees_token_0, self.state.fund_fees_token_1]
    }

    fn creator_fees(&self) -> [u64; 2] {
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

    fn rates(&self) -> Option<Rates> {
        let config = self.config?;
        Some(Rates {
            trade: config.trade_fee_rate,
            protocol: config.protocol_fee_rate,
            fund: config.fund_fee_rate,
            creator: if self.state.enable_creator_fee { config.creator_fee_rate } else { 0 },
        })
    }

    fn creator_on_input(&self, a_to_b: bool) -> bool {
        match self.state.creator_fee_on {
            0 => true,
            1 => a_to_b,
            _ => !a_to_b,
        }
    }

    /// Whether the pool has taken fees: then it is open, whatever the clock says.
    fn has_traded(&self) -> bool {
        [self.protocol_fees(), self.fund_fees(), self.creator_fees()] != [[0; 2]; 3]
    }

    /// The curve of one direction, or the program's error; every account it reads must be known.
    fn curve(&self, a_to_b: bool) -> Result<Curve, Refusal> {
        let (Some(rates), Some(reserves)) = (self.rates(), self.reserves.as_ref()) else {
            return Err(self.missing());
        };
        let reserves = reserves.clone()?;
        let [reserve_in, reserve_out] = if a_to_b { reserves } else { [reserves[1], reserves[0]] };
        Ok(Curve { reserve_in, reserve_out, rates, creator_on_input: self.creator_on_input(a_to_b) })
    }

    /// What a swap says to the account that is not known.
    fn missing(&self) -> Refusal {
        let missing =
            |account: Pubkey| Refusal::missing(NOT_INITIALIZED.0, NOT_INITIALIZED.1).with("account", account);
        if !self.exists {
            return Refusal::missing("AccountOwnedByWrongProgram", Some(3007)).with("account", self.address);
        }
        if self.config.is_none() {
            return missing(self.state.amm_config);
        }
        match self.vaults.obstacle() {
            Some(SetAside::Missing { account, .. }) => missing(account),
            _ => missing(self.address),
        }
    }

    /// Refuses a swap whose accounts are not all known, or that no local arithmetic predicts.
    fn check_accounts(&self) -> Result<(), Refusal> {
        if !self.exists || self.config.is_none() || self.reserves.is_none() {
            return Err(self.missing());
        }
        for (mint, &address) in self.sides.mints().into_iter().zip(&mints_of(&self.state)) {
            match mint {
                None if !self.assume_plain_mints => {
                    return Err(
                        Refusal::missing(NOT_INITIALIZED.0, NOT_INITIALIZED.1).with("account", address)
                    );
                }
                Some(mint) => {
                    if let Some(restriction) = mint.restriction {
                        let reason = restriction.reason();
                        return Err(Refusal::other(RefusalKind::Unsupported, reason).with("mint", address));
                    }
                }
                None => {}
            }
        }
        Ok(())
    }

    fn check_open(&self, environment: &Environment) -> Result<(), Refusal> {
        if self.state.status & SWAP_DISABLED != 0 {
            return Err(NOT_APPROVED.with("status", self.state.status));
        }
        if environment.now().unix_timestamp < self.state.open_time {
            return Err(NOT_APPROVED.with("open_time", self.state.open_time));
        }
        Ok(())
    }

    /// The one core of [`quote`](PoolState::quote) and [`execute`](PoolState::execute).
    fn swap(&self, environment: &Environment, request: &SwapRequest) -> Result<Outcome, Refusal> {
        self.check_accounts()?;
        let fees = self.sides.fees(environment, request.a_to_b);
        let (traded, sent, received) = if request.exact_in {
            self.exact_in(environment, request, fees)?
        } else {
            self.exact_out(environment, request, fees)?
        };
        let (side_in, side_out) = if request.a_to_b { (0, 1) } else { (1, 0) };
        let creator_side = if self.creator_on_input(request.a_to_b) { side_in } else { side_out };
        let outcome = Outcome {
            quote: Quote {
                user_in: sent.amount,
                user_out: received.amount,
                vault_in: traded.input,
                vault_out: traded.output,
                fee: traded.trade_fee,
                fee_on_input: true,
                input_transfer_fee: sent.fee,
                output_transfer_fee: received.fee,
            },
            protocol_fees: accrued(self.protocol_fees(), side_in, traded.protocol_fee)?,
            fund_fees: accrued(self.fund_fees(), side_in, traded.fund_fee)?,
            creator_fees: accrued(self.creator_fees(), creator_side, traded.creator_fee.into())?,
            traded,
        };
        self.check_transfers(&outcome.quote, side_in, side_out)?;
        Ok(outcome)
    }

    /// What the token programs refuse.
    fn check_transfers(&self, quote: &Quote, side_in: usize, side_out: usize) -> Result<(), Refusal> {
        let frozen = self.vaults.frozen();
        let vault_in = self.vaults.amounts().map_or(0, |amounts| amounts[side_in]);
        if frozen[side_in] {
            return Err(ACCOUNT_FROZEN);
        }
        // A supply fits 64 bits, so no trader holds what does not fit beside the vault's balance.
        if vault_in.checked_add(quote.user_in).is_none() {
            return Err(INSUFFICIENT_FUNDS.with("amount", quote.user_in));
        }
        if frozen[side_out] {
            return Err(ACCOUNT_FROZEN);
        }
        Ok(())
    }

    fn exact_in(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        [fee_in, fee_out]: [Option<TransferFee>; 2],
    ) -> Result<(Traded, WithFee, WithFee), Refusal> {
        self.check_open(environment)?;
        let arrives = excluded(fee_in, request.amount);
        if arrives.amount == 0 {
            return Err(ZERO_AMOUNT.with("amount_in", request.amount));
        }
        let traded = self.curve(request.a_to_b)?.exact_in(arrives.amount)?;
        let received = excluded(fee_out, traded.output);
        if received.amount == 0 {
            return Err(ZERO_AMOUNT.with("amount_out", traded.output));
        }
        if received.amount < request.other_amount_threshold {
            return Err(EXCEEDED_SLIPPAGE.with("amount_out", received.amount));
        }
        Ok((traded, WithFee { amount: request.amount, fee: arrives.fee }, received))
    }

    fn exact_out(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        [fee_in, fee_out]: [Option<TransferFee>; 2],
    ) -> Result<(Traded, WithFee, WithFee), Refusal> {
        if request.amount == 0 {
            return Err(ZERO_AMOUNT.with("amount_out", request.amount));
        }
        self.check_open(environment)?;
        let leaves = included(fee_out, request.amount)?;
        let traded = self.curve(request.a_to_b)?.exact_out(leaves.amount)?;
        if traded.input == 0 {
            return Err(ZERO_AMOUNT.with("amount_in", traded.input));
        }
        let sent = included(fee_in, traded.input)?;
        if request.other_amount_threshold < sent.amount {
            return Err(EXCEEDED_SLIPPAGE.with("amount_in", sent.amount));
        }
        Ok((traded, sent, WithFee { amount: request.amount, fee: leaves.fee }))
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
            expect_discriminator(account.owner, account.data, CONFIG_DISCRIMINATOR)?;
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

/// Adds a fee to one side; the program unwraps.
fn accrued(mut fees: [u64; 2], side: usize, fee: u128) -> Result<[u64; 2], Refusal> {
    let sum = u64::try_from(fee).ok().and_then(|fee| fees[side].checked_add(fee));
    fees[side] = sum.ok_or(panic("states/pool.rs: Option::unwrap() on None"))?;
    Ok(fees)
}

/// Returns what must be sent so that `amount` arrives, with the program's error where there is none.
fn included(fee: Option<TransferFee>, amount: u64) -> Result<WithFee, Refusal> {
    let Some(fee) = fee else { return Ok(WithFee { amount, fee: 0 }) };
    fee.include(amount).ok_or_else(|| {
        // Beyond 64 bits the program unwraps nothing; else the fee of the sum is another one.
        let kept = u128::from(10_000_u16.saturating_sub(fee.basis_points));
        let most = u128::from(amount) + u128::from(fee.maximum_fee);
        let sent = match kept {
            0 => most,
            kept => (u128::from(amount) * 10_000).div_ceil(kept).min(most),
        };
        if sent > u128::from(u64::MAX) {
            panic("utils/token.rs: Option::unwrap() on None")
        } else {
            FEE_MISMATCH.with("amount", amount)
        }
    })
}

impl PoolState for CpmmPool {
    fn address(&self) -> Pubkey {
        self.address
    }

    fn mints(&self) -> [Pubkey; 2] {
        mints_of(&self.state)
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
        if self.state.open_time > 0 && !self.has_traded() {
            match environment.clock {
                None => return Some(SetAside::MissingClock),
                Some(clock) if clock.unix_timestamp < self.state.open_time => {
                    return Some(SetAside::NotYetOpen { opens_at: self.state.open_time });
                }
                Some(_) => {}
            }
        }
        self.known_reserves().is_none().then_some(SetAside::NoLiquidity)
    }

    /// Only until the pool has traded once: it opens when its time has come.
    fn depends_on_time(&self) -> bool {
        self.state.open_time > 0 && !self.has_traded()
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

    fn segments(&self, environment: &Environment, a_to_b: bool, into: &mut Vec<Segment>) {
        let (Some(reserves), Some([kept_in, kept_out])) = (self.known_reserves(), self.kept(a_to_b)) else {
            return;
        };
        let Some(vaults) = self.vaults.amounts() else { return };
        let (side_in, side_out) = if a_to_b { (0, 1) } else { (1, 0) };
        constant_product::push_segments(
            [reserves[side_in] as f64, reserves[side_out] as f64],
            kept_in,
            kept_out,
            self.sides.fees(environment, a_to_b),
            (u64::MAX - vaults[side_in]) as f64,
            into,
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
