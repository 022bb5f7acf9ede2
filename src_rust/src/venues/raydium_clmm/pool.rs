//! A pool with the accounts it depends on: takes writes, says what it lacks.

use super::accounts::{AmmConfig, PoolState as PoolAccount, TickArrayBitmapExtension};
use super::arrays::{Arrays, Content, read_ticks};
use super::bitmap::{Bitmaps, Extension, array_start};
use super::error::Fault;
use super::ladder::{Ladder, Way};
use super::step::TradeFee;
use super::tick_array::TickState;
use super::{AMM_CONFIG, POOL_STATE, SWAP_DISABLED, TICK_ARRAY, TICK_ARRAY_BITMAP_EXTENSION};
use crate::decoders::DecodeError;
use crate::pda;
use crate::quantities::Pubkey;
use crate::swap::{Environment, Value};
use crate::venues::{Account, AccountData, Dependency, NewPool, SetAside, TokenSides, Vaults, Written};

/// A Raydium CLMM pool.
#[derive(Debug, Clone)]
pub struct ClmmPool {
    pub(super) address: Pubkey,
    pub(super) program: Pubkey,
    pub(super) pool: PoolAccount,
    pub(super) config: Option<AmmConfig>,
    pub(super) fee: TradeFee,
    pub(super) tokens: TokenSides,
    pub(super) vaults: Vaults,
    pub(super) extension_address: Option<Pubkey>,
    pub(super) extension: Extension,
    pub(super) arrays: Arrays,
    pub(super) ladder: Ladder,
    /// From the present price to the next tick down and up; `None` where there is none, or the price
    /// is on the wrong side of it.
    pub(super) heads: [Option<Way>; 2],
    /// No running total of the program's can overflow, and no growth outside a tick exceeds the pool's.
    pub(super) is_plain: bool,
    /// Trade fees in token 0 and 1 up to which no total of fees can overflow.
    pub(super) fee_room: [u64; 2],
    /// What of the pool the program quoted here does not have.
    pub(super) unsupported: Option<&'static str>,
    /// Both mints are known, or taken, to move amounts as they are.
    pub(super) mints_are_plain: bool,
    closed: bool,
}

impl ClmmPool {
    /// Opens the pool with nothing known but its own account.
    ///
    /// # Errors
    /// [`DecodeError`], see [`PoolAccount::checked`].
    pub fn open(new: &NewPool<'_>) -> Result<Self, DecodeError> {
        let pool = PoolAccount::checked(new.data)?;
        let mints = [pool.token_mint_0, pool.token_mint_1];
        let seeds: [&[u8]; 2] = [b"pool_tick_array_bitmap_extension", &new.address.0];
        let mut opened = Self {
            address: new.address,
            program: new.program,
            pool,
            config: None,
            fee: TradeFee::new(0),
            tokens: TokenSides::new(mints, new.assume_plain_mints),
            vaults: Vaults::new([pool.token_vault_0, pool.token_vault_1], mints),
            extension_address: pda::find_program_address(&seeds, &new.program).ok().map(|found| found.0),
            extension: Extension::Unknown,
            arrays: Arrays::new(new.program, new.address),
            ladder: Ladder::empty(Fault::ExtensionUnknown),
            heads: [None; 2],
            is_plain: false,
            fee_room: [0; 2],
            unsupported: None,
            mints_are_plain: new.assume_plain_mints,
            closed: false,
        };
        opened.follow();
        Ok(opened)
    }

    /// Follows the bitmaps anew.
    fn follow(&mut self) {
        let bitmaps = Bitmaps {
            tick_spacing: self.pool.tick_spacing,
            own: &self.pool.tick_array_bitmap,
            extension: &self.extension,
        };
        self.arrays.follow(&bitmaps, self.pool.tick_current);
        self.refill();
    }

    /// Lists the ticks within reach anew.
    fn refill(&mut self) {
        self.arrays.fill(&mut self.ladder);
        self.rebuild();
    }

    fn rebuild(&mut self) {
        self.ladder.rebuild(self.pool.tick_current, self.pool.liquidity, self.fee);
        self.set_out();
    }

    /// Works out what depends on the present price.
    fn set_out(&mut self) {
        let (pool, ladder) = (&self.pool, &self.ladder);
        let price = pool.sqrt_price_x64;
        let below = ladder.below.checked_sub(1).and_then(|index| ladder.rungs.get(index));
        let above = ladder.rungs.get(ladder.below);
        let below = below.map(|rung| rung.sqrt_price).filter(|&edge| edge <= price);
        let above = above.map(|rung| rung.sqrt_price).filter(|&edge| edge >= price);
        self.heads = [
            below.map(|edge| Way::both(edge, price, pool.liquidity, self.fee)[0]),
            above.map(|edge| Way::both(price, edge, pool.liquidity, self.fee)[1]),
        ];
        self.unsupported = if pool.fee_on != 0 {
            Some("fee_on_one_token")
        } else if !pool.dynamic_fee_info.is_unset() {
            Some("dynamic_fee")
        } else if self.arrays.has_orders {
            Some("limit_orders")
        } else {
            None
        };
        let growth = [pool.fee_growth_global_0_x64, pool.fee_growth_global_1_x64];
        let outside = self.arrays.most_fees_outside;
        let rewards = pool.reward_infos.iter().zip(self.arrays.most_rewards_outside);
        let totals = pool.swap_in_amount_token_0
            | pool.swap_in_amount_token_1
            | pool.swap_out_amount_token_0
            | pool.swap_out_amount_token_1;
        self.is_plain = outside[0] <= growth[0]
            && outside[1] <= growth[1]
            && totals >> 127 == 0
            && rewards.fold(true, |plain, (reward, outside)| {
                plain && (!reward.is_initialized() || outside <= reward.reward_growth_global_x64)
            });
        let owed = [
            pool.protocol_fees_token_0 | pool.fund_fees_token_0 | pool.total_fees_token_0,
            pool.protocol_fees_token_1 | pool.fund_fees_token_1 | pool.total_fees_token_1,
        ];
        // Growth rises by at most the fee over the least liquidity; `|` is no less than any of its terms.
        self.fee_room = [0, 1].map(|side| {
            let steps = (u128::MAX - growth[side]) >> 64;
            // Below 2^64 times at most 2^64 - 1.
            let room = steps * ladder.least_liquidity.min(u128::from(u64::MAX));
            u64::try_from(room).unwrap_or(u64::MAX).min(u64::MAX - owed[side])
        });
    }

    /// The program's own account.
    fn write_pool(&mut self, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let Some(account) = account else {
            let changed = !self.closed;
            self.closed = true;
            return Ok(Written { changed, is_state: true });
        };
        self.check_owner(account, POOL_STATE)?;
        let pool = PoolAccount::checked(account.data)?;
        let fixed = |pool: &PoolAccount| {
            [pool.token_mint_0, pool.token_mint_1, pool.token_vault_0, pool.token_vault_1]
        };
        if fixed(&pool) != fixed(&self.pool) {
            return Err(impossible("PoolState", "token_mint or token_vault", "another than before"));
        }
        let changed = self.closed || pool != self.pool;
        self.closed = false;
        self.replace(&pool);
        Ok(Written { changed, is_state: true })
    }

    /// Puts another state of the pool in the place of the present one.
    pub(super) fn replace(&mut self, pool: &PoolAccount) {
        let before = std::mem::replace(&mut self.pool, *pool);
        if before.amm_config != pool.amm_config {
            self.config = None;
        }
        let start = |pool: &PoolAccount| array_start(pool.tick_current, pool.tick_spacing);
        if before.tick_spacing != pool.tick_spacing {
            self.arrays = Arrays::new(self.program, self.address);
            self.follow();
        } else if before.tick_array_bitmap != pool.tick_array_bitmap || start(&before) != start(pool) {
            self.follow();
        } else if self.ladder.moved(pool.tick_current, pool.liquidity) {
            self.set_out();
        } else {
            self.rebuild();
        }
    }

    fn write_config(&mut self, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let before = self.config.take();
        if let Some(account) = account {
            self.check_owner(account, AMM_CONFIG)?;
            let config = AmmConfig::checked(account.data)?;
            self.config = Some(config);
            if before.is_none_or(|before| before.trade_fee_rate != config.trade_fee_rate) {
                self.fee = TradeFee::new(config.trade_fee_rate);
                self.rebuild();
            }
        }
        Ok(Written { changed: before != self.config, is_state: false })
    }

    fn write_extension(&mut self, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let before = std::mem::replace(&mut self.extension, Extension::Unknown);
        let read = match account {
            None => Ok(Extension::Absent),
            Some(account) => self
                .check_owner(account, TICK_ARRAY_BITMAP_EXTENSION)
                .and_then(|()| TickArrayBitmapExtension::read(account.data))
                .and_then(|extension| {
                    let belongs = extension.pool_id == self.address;
                    let problem = || impossible("TickArrayBitmapExtension", "pool_id", "another pool");
                    belongs.then(|| Extension::Present(Box::new(extension))).ok_or_else(problem)
                }),
        };
        let (extension, error) = match read {
            Ok(extension) => (extension, None),
            Err(error) => (Extension::Unknown, Some(error)),
        };
        self.extension = extension;
        let changed = self.extension != before;
        if changed {
            self.follow();
        }
        error.map_or(Ok(Written { changed, is_state: false }), Err)
    }

    fn write_array(
        &mut self,
        place: usize,
        account: Option<AccountData<'_>>,
    ) -> Result<Written, DecodeError> {
        let start = self.arrays.known[place].start;
        let read = match account {
            None => Ok(Content::Absent),
            Some(account) => self.check_owner(account, TICK_ARRAY).and_then(|()| {
                if Pubkey::read(account.data, TICK_ARRAY_POOL_AT) == Some(self.address) {
                    read_ticks(account.data, start, self.pool.tick_spacing)
                } else {
                    Err(impossible("TickArrayState", "pool_id", "another pool"))
                }
            }),
        };
        let (content, error) = match read {
            Ok(content) => (content, None),
            Err(error) => (Content::Unknown, Some(error)),
        };
        let before = std::mem::replace(&mut self.arrays.known[place].content, content);
        let now = &self.arrays.known[place].content;
        let changed = !same_ticks(&before, now);
        if changed {
            self.refill();
        } else if before != *now {
            // Only growth outside the ticks: it decides nothing but whether a crossing panics.
            self.arrays.measure(&self.ladder);
            self.set_out();
        }
        error.map_or(Ok(Written { changed, is_state: false }), Err)
    }

    fn check_owner(&self, account: AccountData<'_>, discriminator: [u8; 8]) -> Result<(), DecodeError> {
        if *account.owner != self.program {
            return Err(DecodeError::WrongOwner { owner: *account.owner });
        }
        if account.data.starts_with(&discriminator) {
            return Ok(());
        }
        let mut found = [0; 8];
        found.iter_mut().zip(account.data).for_each(|(to, from)| *to = *from);
        Err(DecodeError::UnknownDiscriminator { owner: *account.owner, discriminator: found })
    }

    /// See [`crate::venues::PoolState::write`].
    pub(super) fn take(
        &mut self,
        address: &Pubkey,
        account: Option<AccountData<'_>>,
    ) -> Result<Written, DecodeError> {
        if *address == self.address {
            return self.write_pool(account);
        }
        if let Some(place) = self.arrays.at_address(address) {
            return self.write_array(place, account);
        }
        if let Some(written) = self.vaults.write(address, account) {
            // The pool's account says what a swap changed; balances only bound what can be paid out.
            return written.map(|written| Written { is_state: false, ..written });
        }
        if *address == self.pool.amm_config {
            return self.write_config(account);
        }
        if Some(*address) == self.extension_address {
            return self.write_extension(account);
        }
        if let Some(written) = self.tokens.write(address, account) {
            // An unknown mint that counts as plain shows no obstacle; the clock decides nothing here.
            let is_quiet = self.tokens.obstacle(&Environment::default()).is_none();
            let mints = self.tokens.mints();
            let has_fee = mints.iter().flatten().any(|mint| mint.transfer_fee.is_some());
            self.mints_are_plain = is_quiet && !has_fee;
            return written;
        }
        let Some(start) = account.and_then(|account| self.claims_array(account)) else {
            return Ok(Written::default());
        };
        match self.arrays.admit(start, address) {
            Some(place) => {
                let written = self.write_array(place, account);
                // Another array has moved every place after it.
                self.refill();
                written
            }
            None => Ok(Written::default()),
        }
    }

    /// Returns the start of an account that says it is one of the pool's tick arrays.
    fn claims_array(&self, account: AccountData<'_>) -> Option<i32> {
        let claims = *account.owner == self.program
            && account.data.starts_with(&TICK_ARRAY)
            && Pubkey::read(account.data, TICK_ARRAY_POOL_AT)? == self.address;
        let start = account.data.get(TICK_ARRAY_START_AT..)?.first_chunk::<4>()?;
        claims.then(|| i32::from_le_bytes(*start))
    }

    /// See [`crate::venues::PoolState::dependencies`].
    pub(super) fn list(&self, into: &mut Vec<Dependency>) {
        into.push(Dependency {
            address: self.pool.amm_config,
            reason: "missing_config",
            is_known: self.config.is_some(),
        });
        self.vaults.dependencies(into);
        self.tokens.dependencies(into);
        if let Some(address) = self.extension_address {
            let is_known = self.extension != Extension::Unknown;
            into.push(Dependency { address, reason: "missing_bitmap_extension", is_known });
        }
        into.extend(self.arrays.asked_for().map(|array| Dependency {
            address: array.address,
            reason: "missing_tick_array",
            is_known: array.content != Content::Unknown,
        }));
    }

    /// Whether the clock decides if swaps are allowed: a pool that has traded is open for good.
    pub(super) fn may_open(&self) -> bool {
        self.pool.open_time != 0 && !self.pool.has_traded()
    }

    /// See [`crate::venues::PoolState::digest`].
    pub(super) fn feed(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.address.0);
        feed_values(&self.pool.values(), sink);
        sink(&[u8::from(self.closed), u8::from(self.config.is_some())]);
        if let Some(config) = &self.config {
            feed_values(&config.values(), sink);
        }
        for amount in self.vaults.amounts().unwrap_or_default() {
            sink(&amount.to_le_bytes());
        }
        sink(&self.vaults.frozen().map(u8::from));
        if let Extension::Present(extension) = &self.extension {
            feed_values(&extension.values(), sink);
        }
        for array in &self.arrays.known {
            sink(&array.start.to_le_bytes());
            match &array.content {
                Content::Unknown => sink(&[0]),
                Content::Absent => sink(&[1]),
                Content::Present { ticks, has_orders } => {
                    sink(&[2, u8::from(*has_orders)]);
                    for tick in ticks {
                        feed_tick(&tick.state, sink);
                    }
                }
            }
        }
    }

    /// See [`crate::venues::PoolState::obstacle`].
    pub(super) fn find_obstacle(&self, environment: &Environment) -> Option<SetAside> {
        if self.closed {
            return Some(SetAside::Closed);
        }
        if self.config.is_none() {
            return Some(SetAside::Missing { reason: "missing_config", account: self.pool.amm_config });
        }
        if let Some(obstacle) = self.tokens.obstacle(environment).or_else(|| self.vaults.obstacle()) {
            return Some(obstacle);
        }
        if let Some(reason) = self.unsupported {
            return Some(SetAside::Unsupported { reason });
        }
        if self.pool.status & SWAP_DISABLED != 0 {
            return Some(SetAside::Disabled { status: u64::from(self.pool.status) });
        }
        match environment.clock {
            None if self.may_open() => return Some(SetAside::MissingClock),
            Some(clock) if clock.unix_timestamp <= self.pool.open_time => {
                return Some(SetAside::NotYetOpen { opens_at: self.pool.open_time });
            }
            _ => {}
        }
        if let (true, Some(account)) = (self.arrays.lacks_extension(), self.extension_address) {
            return Some(SetAside::Missing { reason: "missing_bitmap_extension", account });
        }
        if let Some(array) = self.arrays.unknown() {
            return Some(SetAside::Missing { reason: "missing_tick_array", account: array.address });
        }
        (self.pool.liquidity == 0).then_some(SetAside::NoLiquidity)
    }
}

const TICK_ARRAY_POOL_AT: usize = 8;
const TICK_ARRAY_START_AT: usize = 40;

fn feed_values(values: &[(&'static str, Value)], sink: &mut dyn FnMut(&[u8])) {
    for (_, value) in values {
        feed_value(value, sink);
    }
}

fn feed_value(value: &Value, sink: &mut dyn FnMut(&[u8])) {
    match value {
        Value::Unsigned(number) => sink(&number.to_le_bytes()),
        Value::Signed(number) => sink(&number.to_le_bytes()),
        Value::Address(address) => sink(&address.0),
        Value::Bool(flag) => sink(&[u8::from(*flag)]),
        Value::Text(text) => sink(text.as_bytes()),
        Value::Bytes(bytes) => sink(bytes),
        Value::List(values) => values.iter().for_each(|value| feed_value(value, sink)),
        Value::Record(_, fields) => feed_values(fields, sink),
        Value::None => sink(&[]),
    }
}

fn feed_tick(tick: &TickState, sink: &mut dyn FnMut(&[u8])) {
    sink(&tick.tick.to_le_bytes());
    sink(&tick.liquidity_net.to_le_bytes());
    for growth in tick.fee_growth_outside_x64.iter().chain(&tick.reward_growths_outside_x64) {
        sink(&growth.to_le_bytes());
    }
}

fn same_ticks(before: &Content, now: &Content) -> bool {
    match (before, now) {
        (
            Content::Present { ticks: before, has_orders: had },
            Content::Present { ticks: now, has_orders: has },
        ) => {
            had == has
                && before.len() == now.len()
                && before.iter().zip(now).all(|(before, now)| {
                    before.state.tick == now.state.tick
                        && before.state.liquidity_net == now.state.liquidity_net
                })
        }
        (before, now) => before == now,
    }
}

fn impossible(account: &'static str, field: &'static str, value: &str) -> DecodeError {
    DecodeError::ImpossibleField { account, field, value: value.to_owned(), expected: "that of this pool" }
}
