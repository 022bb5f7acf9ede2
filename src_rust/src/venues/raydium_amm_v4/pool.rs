//! A pool with its accounts.

use ruint::aliases::U256;

use super::layout::{AmmV4Info, INFO_LEN, MARKET_HEAD, Market, OPEN_ORDERS_HEAD, OpenOrders};
use super::swap::{INSUFFICIENT_FUNDS, Outcome, share_up, status};
use crate::amm_math::constant_product::Direction;
use crate::amm_math::{Segment, constant_product};
use crate::decoders::DecodeError;
use crate::instruction_builder::{BuildError, Instruction, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Environment, Execution, Quote, Refusal, SwapRequest, Value};
use crate::venues::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, SetAside, TokenSides, Vaults, Written,
};

const CHECKED_SUB: Refusal = Refusal::program("Checked_Sub Overflow", 32);
const CHECKED_ADD: Refusal = Refusal::program("Checked_Add Overflow", 33);

/// The pool's account at its market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Book {
    Unknown,
    Absent,
    Known(OpenOrders),
}

impl Book {
    /// Whether orders rest at the market: fills that nobody has accounted for may belong to them.
    pub(super) fn has_orders(&self) -> bool {
        matches!(self, Self::Known(orders) if orders.free_slot_bits != u128::MAX
            || orders.native_coin_free != orders.native_coin_total
            || orders.native_pc_free != orders.native_pc_total)
    }
}

/// A pool and the accounts it depends on.
#[derive(Debug, Clone)]
pub struct AmmV4Pool {
    pub(super) address: Pubkey,
    pub(super) program: Pubkey,
    pub(super) info: AmmV4Info,
    pub(super) exists: bool,
    pub(super) vaults: Vaults,
    /// For what others want to know of the mints: the program never reads them.
    pub(super) sides: TokenSides,
    pub(super) book: Book,
    /// For instructions only; not asked for unless the program looks at it.
    pub(super) market: Option<Market>,
    /// The market was asked for and does not exist.
    lacks_market: bool,
    /// What the pool trades with (coin, price currency), once all accounts are known; or what the
    /// program says to them.
    pub(super) reserves: Option<Result<[u64; 2], Refusal>>,
}

/// Opens the pool at an address.
pub(super) fn open(new: &NewPool<'_>) -> Result<Box<dyn PoolState>, DecodeError> {
    let info = read_info(new.data)?;
    Ok(Box::new(AmmV4Pool {
        address: new.address,
        program: new.program,
        info,
        exists: true,
        vaults: vaults_of(&info),
        sides: TokenSides::new(mints_of(&info), true),
        book: Book::Unknown,
        market: None,
        lacks_market: false,
        reserves: None,
    }))
}

fn read_info(data: &[u8]) -> Result<AmmV4Info, DecodeError> {
    if data.len() != INFO_LEN {
        return Err(DecodeError::WrongLength { account: "AmmInfo", found: data.len(), expected: INFO_LEN });
    }
    let info = AmmV4Info::read(data)?;
    if info.status > status::WAITING_TRADE {
        return Err(DecodeError::ImpossibleField {
            account: "AmmInfo",
            field: "status",
            value: info.status.to_string(),
            expected: "at most 7",
        });
    }
    Ok(info)
}

fn mints_of(info: &AmmV4Info) -> [Pubkey; 2] {
    [info.coin_mint, info.pc_mint]
}

fn vaults_of(info: &AmmV4Info) -> Vaults {
    Vaults::new([info.coin_vault, info.pc_vault], mints_of(info))
}

impl AmmV4Pool {
    /// Whether the program counts what lies at the market.
    pub(super) fn uses_book(&self) -> bool {
        matches!(self.info.status, status::INITIALIZED | status::ORDER_BOOK_ONLY)
    }

    /// To be called after every change of an account.
    fn update_reserves(&mut self) {
        self.reserves = self.vaults.amounts().and_then(|[coin, pc]| {
            let at_market = match self.book {
                _ if !self.uses_book() => [0, 0],
                Book::Known(orders) => [orders.native_coin_total, orders.native_pc_total],
                Book::Unknown | Book::Absent => return None,
            };
            let total = |vault: u64, at_market: u64, pnl: u64| {
                vault.checked_add(at_market).ok_or(CHECKED_ADD)?.checked_sub(pnl).ok_or(CHECKED_SUB)
            };
            let pc = total(pc, at_market[1], self.info.need_take_pnl_pc);
            let coin = total(coin, at_market[0], self.info.need_take_pnl_coin);
            Some(pc.and_then(|pc| Ok([coin?, pc])))
        });
    }

    /// When swaps open, if the status makes them wait.
    pub(super) fn opens_at(&self) -> Option<u64> {
        match self.info.status {
            status::ORDER_BOOK_ONLY => Some(self.info.orderbook_to_init_time),
            status::WAITING_TRADE => Some(self.info.pool_open_time),
            _ => None,
        }
    }

    /// Replaces the pool's own account.
    fn write_info(&mut self, data: &[u8]) -> Result<Written, DecodeError> {
        let info = read_info(data)?;
        let changed = !self.exists || relevant(&info) != relevant(&self.info);
        if vaults_of(&info).addresses() != self.vaults.addresses() || mints_of(&info) != mints_of(&self.info)
        {
            self.vaults = vaults_of(&info);
            self.sides = TokenSides::new(mints_of(&info), true);
        }
        if info.open_orders != self.info.open_orders {
            self.book = Book::Unknown;
        }
        if info.market != self.info.market {
            (self.market, self.lacks_market) = (None, false);
        }
        self.info = info;
        self.exists = true;
        Ok(Written { changed, is_state: false })
    }

    fn write_book(&mut self, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let before = std::mem::replace(&mut self.book, Book::Unknown);
        self.book = match account {
            None => Book::Absent,
            Some(account) => Book::Known(self.read_book(account)?),
        };
        Ok(Written { changed: self.uses_book() && self.book != before, is_state: false })
    }

    fn read_book(&self, account: AccountData<'_>) -> Result<OpenOrders, DecodeError> {
        if *account.owner != self.info.market_program {
            return Err(DecodeError::WrongOwner { owner: *account.owner });
        }
        let orders = OpenOrders::read(account.data)?;
        let problem = match account.data.first_chunk::<8>() {
            Some(&head) if head != OPEN_ORDERS_HEAD => {
                return Err(DecodeError::UnknownDiscriminator { owner: *account.owner, discriminator: head });
            }
            _ if orders.market != self.info.market => {
                ("market", orders.market.to_string(), "the pool's market")
            }
            _ => return Ok(orders),
        };
        let (field, value, expected) = problem;
        Err(DecodeError::ImpossibleField { account: "OpenOrders", field, value, expected })
    }

    /// Takes the market, of which instructions name the accounts.
    fn write_market(&mut self, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        self.market = None;
        self.lacks_market = account.is_none();
        if let Some(account) = account {
            if *account.owner != self.info.market_program {
                return Err(DecodeError::WrongOwner { owner: *account.owner });
            }
            let market = Market::read(account.data)?;
            let discriminator = *account.data.first_chunk::<8>().unwrap_or(&MARKET_HEAD);
            if discriminator != MARKET_HEAD {
                return Err(DecodeError::UnknownDiscriminator { owner: *account.owner, discriminator });
            }
            self.market = Some(market);
        }
        Ok(Written::default())
    }

    /// Reserves as they stand, both above 0.
    fn known_reserves(&self) -> Option<[u64; 2]> {
        let reserves = self.reserves.as_ref()?.as_ref().ok()?;
        (reserves[0] > 0 && reserves[1] > 0).then_some(*reserves)
    }

    /// Share of the input that the fee leaves.
    fn kept(&self) -> f64 {
        let fee = self.info.swap_fee_numerator as f64 / self.info.swap_fee_denominator as f64;
        if fee < 1.0 { 1.0 - fee } else { 0.0 }
    }
}

/// What quotes read of a pool's account.
fn relevant(info: &AmmV4Info) -> AmmV4Info {
    AmmV4Info {
        swap_coin_in_amount: 0,
        swap_pc_out_amount: 0,
        swap_acc_pc_fee: 0,
        swap_pc_in_amount: 0,
        swap_coin_out_amount: 0,
        swap_acc_coin_fee: 0,
        state: 0,
        lp_amount: 0,
        client_order_id: 0,
        recent_epoch: 0,
        ..*info
    }
}

impl PoolState for AmmV4Pool {
    fn address(&self) -> Pubkey {
        self.address
    }

    fn mints(&self) -> [Pubkey; 2] {
        mints_of(&self.info)
    }

    fn written_together(&self, into: &mut Vec<Pubkey>) {
        into.extend(self.vaults.addresses());
    }

    fn dependencies(&self, into: &mut Vec<Dependency>) {
        self.vaults.dependencies(into);
        self.sides.dependencies(into);
        if self.uses_book() {
            into.push(Dependency {
                address: self.info.open_orders,
                reason: "missing_open_orders",
                is_known: self.book != Book::Unknown,
            });
            into.push(Dependency {
                address: self.info.market,
                reason: "missing_market",
                is_known: self.market.is_some() || self.lacks_market,
            });
        }
    }

    fn reads_if_given(&self, address: &Pubkey) -> bool {
        *address == self.info.market
    }

    fn write(&mut self, address: &Pubkey, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        let written = if *address == self.address {
            match account {
                Some(account) if *account.owner == self.program => self.write_info(account.data),
                Some(account) => Err(DecodeError::WrongOwner { owner: *account.owner }),
                None => Ok(Written { changed: std::mem::take(&mut self.exists), is_state: false }),
            }
        } else if *address == self.info.open_orders {
            self.write_book(account)
        } else if *address == self.info.market {
            return self.write_market(account);
        } else if let Some(written) = self.vaults.write(address, account) {
            written
        } else {
            return self.sides.write(address, account).unwrap_or_else(|| Ok(Written::default()));
        };
        self.update_reserves();
        written
    }

    fn obstacle(&self, environment: &Environment) -> Option<SetAside> {
        if !self.exists {
            return Some(SetAside::Closed);
        }
        if let Some(obstacle) = self.vaults.obstacle() {
            return Some(obstacle);
        }
        match (self.opens_at(), environment.clock) {
            (Some(_), None) => return Some(SetAside::MissingClock),
            (Some(opens_at), Some(clock)) if clock.unix_timestamp < opens_at => {
                return Some(SetAside::NotYetOpen { opens_at });
            }
            _ => {}
        }
        if self.checked_status(environment).is_err() {
            return Some(SetAside::Disabled { status: self.info.status });
        }
        if self.uses_book() {
            match self.book {
                Book::Unknown => {
                    let account = self.info.open_orders;
                    return Some(SetAside::Missing { reason: "missing_open_orders", account });
                }
                Book::Absent => return Some(SetAside::Unsupported { reason: "no_open_orders" }),
                Book::Known(_) if self.book.has_orders() => {
                    return Some(SetAside::Unsupported { reason: "resting_orders" });
                }
                Book::Known(_) => {}
            }
        }
        self.known_reserves().is_none().then_some(SetAside::NoLiquidity)
    }

    /// Only while the pool waits for its time.
    fn depends_on_time(&self) -> bool {
        self.opens_at().is_some()
    }

    fn quote(&self, environment: &Environment, request: &SwapRequest) -> Result<Quote, Refusal> {
        self.swap(environment, request).map(|outcome| outcome.quote)
    }

    fn execute(&mut self, environment: &Environment, request: &SwapRequest) -> Result<Execution, Refusal> {
        let Outcome { quote, info, reserves } = self.swap(environment, request)?;
        if !self.vaults.trade(request.a_to_b, quote.vault_in, quote.vault_out) {
            return Err(INSUFFICIENT_FUNDS.with("amount_in", quote.vault_in));
        }
        self.info = info;
        self.update_reserves();
        let (log, counterpart) = if request.exact_in {
            ("swap_base_in", ("out_amount", quote.user_out.into()))
        } else {
            ("swap_base_out", ("deduct_in", quote.user_in.into()))
        };
        let direction: u8 = if request.a_to_b { 2 } else { 1 };
        let details = vec![
            ("log", Value::Text(log)),
            ("direction", direction.into()),
            ("pool_coin", reserves[0].into()),
            ("pool_pc", reserves[1].into()),
            counterpart,
        ];
        Ok(Execution { quote, details })
    }

    fn swap_instruction(
        &self,
        _: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        reach: Reach,
    ) -> Result<Instruction, BuildError> {
        self.build_swap(request, trader, reach)
    }

    fn each_segment(&self, _: &Environment, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        let (Some(reserves), Some(vaults)) = (self.known_reserves(), self.vaults.amounts()) else { return };
        let (side_in, side_out) = if a_to_b { (0, 1) } else { (1, 0) };
        constant_product::each_segment(
            [reserves[side_in] as f64, reserves[side_out] as f64],
            self.kept(),
            1.0,
            [None; 2],
            (u64::MAX - vaults[side_in]) as f64,
            visit,
        );
    }

    /// Its swaps are that, but for the sums that it keeps and an order book's share of its reserves.
    fn direction(&self, environment: &Environment, a_to_b: bool) -> Option<Direction> {
        let (reserves, vaults) = (self.known_reserves()?, self.vaults.amounts()?);
        let (side_in, side_out) = if a_to_b { (0, 1) } else { (1, 0) };
        let info = &self.info;
        let has_room = [info.swap_acc_coin_fee, info.swap_acc_pc_fee].iter().all(|fees| fees >> 63 == 0)
            && [
                info.swap_coin_in_amount,
                info.swap_pc_in_amount,
                info.swap_coin_out_amount,
                info.swap_pc_out_amount,
            ]
            .iter()
            .all(|sum| sum >> 127 == 0);
        let is_plain =
            has_room && vaults[side_out] >= reserves[side_out] && vaults[side_in] >= reserves[side_in];
        if !is_plain || self.obstacle(environment).is_some() {
            return None;
        }
        let (numerator, denominator) = (info.swap_fee_numerator, info.swap_fee_denominator);
        Direction::new(reserves[side_in], reserves[side_out], numerator, denominator)
    }

    fn marginal_rate(&self, _: &Environment, a_to_b: bool) -> f64 {
        let Some([coin, pc]) = self.known_reserves().map(|reserves| reserves.map(|reserve| reserve as f64))
        else {
            return 0.0;
        };
        self.kept() * if a_to_b { pc / coin } else { coin / pc }
    }

    fn spot_price(&self, a_to_b: bool) -> Option<Fraction> {
        let [coin, pc] = self.known_reserves()?.map(U256::from);
        let (numerator, denominator) = if a_to_b { (pc, coin) } else { (coin, pc) };
        Some(Fraction { numerator, denominator })
    }

    fn summary(&self, _: &Environment) -> PoolSummary {
        let rate_e9 = share_up(1_000_000_000, self.info.swap_fee_numerator, self.info.swap_fee_denominator);
        let rate_e9 = rate_e9.and_then(|rate| u64::try_from(rate).ok()).unwrap_or_default();
        PoolSummary {
            fee_rate_e9: [rate_e9; 2],
            depth: self.known_reserves().unwrap_or_default(),
            liquidity: None,
            details: vec![
                ("status", self.info.status.into()),
                ("need_take_pnl_coin", self.info.need_take_pnl_coin.into()),
                ("need_take_pnl_pc", self.info.need_take_pnl_pc.into()),
                ("pool_open_time", self.info.pool_open_time.into()),
            ],
        }
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        let info = &self.info;
        sink(&[u8::from(self.exists)]);
        let words = [
            info.status,
            info.swap_fee_numerator,
            info.swap_fee_denominator,
            info.need_take_pnl_coin,
            info.need_take_pnl_pc,
            info.pool_open_time,
            info.orderbook_to_init_time,
        ];
        for word in words.into_iter().chain(self.vaults.amounts().unwrap_or_default()) {
            sink(&word.to_le_bytes());
        }
        sink(&self.vaults.frozen().map(u8::from));
        if let (true, Book::Known(orders)) = (self.uses_book(), self.book) {
            for word in [orders.native_coin_total, orders.native_pc_total, u64::from(self.book.has_orders())]
            {
                sink(&word.to_le_bytes());
            }
        }
    }

    fn boxed_clone(&self) -> Box<dyn PoolState> {
        Box::new(self.clone())
    }
}
