//! What tick arrays look like.
//!
//! # Source
//! raydium-clmm, `states/tick_array.rs`. The limit orders of its newer sources are read too: they are
//! zero as long as nothing uses them.

use crate::decoders::{DecodeError, Fields};
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};
use crate::venues::Account;

/// Length of a `TickArrayState` account.
pub(super) const TICK_ARRAY_LEN: usize = 10_240;
/// Ticks of one array.
pub(super) const TICK_ARRAY_SIZE: i32 = 60;
const TICK_COUNT: u8 = 60;

const TICKS_AT: usize = 44;
const TICK_LEN: usize = 168;
const LIQUIDITY_GROSS_AT: usize = 20;
const ORDERS_AT: usize = 124;

/// A tick at which positions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickState {
    /// Its index.
    pub tick: i32,
    /// Liquidity that comes into range when the price rises through it.
    pub liquidity_net: i128,
    /// Liquidity of the positions that end here.
    pub liquidity_gross: u128,
    /// Fees per unit of liquidity on the other side of the tick, Q64.64, token 0 and 1.
    pub fee_growth_outside_x64: [u128; 2],
    /// Rewards per unit of liquidity on the other side of the tick, Q64.64.
    pub reward_growths_outside_x64: [u128; 3],
    /// Base units of limit orders resting here, fresh and partly filled; newer than the program quoted.
    pub orders: [u64; 2],
}

impl TickState {
    /// Names and Python types of the fields.
    pub const FIELDS: &'static [(&'static str, &'static str)] = &[
        ("tick", "int"),
        ("liquidity_net", "int"),
        ("liquidity_gross", "int"),
        ("fee_growth_outside_x64", "tuple[int, ...]"),
        ("reward_growths_outside_x64", "tuple[int, ...]"),
        ("orders", "tuple[int, ...]"),
    ];

    fn read(fields: &Fields<'_>, at: usize) -> Result<Self, DecodeError> {
        Ok(Self {
            tick: fields.i32(at)?,
            liquidity_net: fields.i128(at + 4)?,
            liquidity_gross: fields.u128(at + LIQUIDITY_GROSS_AT)?,
            fee_growth_outside_x64: [fields.u128(at + 36)?, fields.u128(at + 52)?],
            reward_growths_outside_x64: [
                fields.u128(at + 68)?,
                fields.u128(at + 84)?,
                fields.u128(at + 100)?,
            ],
            orders: [fields.u64(at + ORDERS_AT)?, fields.u64(at + ORDERS_AT + 8)?],
        })
    }

    fn value(&self) -> Value {
        let list = |values: &[u128]| Value::List(values.iter().map(|&value| value.into()).collect());
        Value::Record(
            "TickState",
            vec![
                ("tick", self.tick.into()),
                ("liquidity_net", self.liquidity_net.into()),
                ("liquidity_gross", self.liquidity_gross.into()),
                ("fee_growth_outside_x64", list(&self.fee_growth_outside_x64)),
                ("reward_growths_outside_x64", list(&self.reward_growths_outside_x64)),
                ("orders", Value::List(self.orders.iter().map(|&value| value.into()).collect())),
            ],
        )
    }
}

/// Sixty neighbouring ticks of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickArrayState {
    /// The pool.
    pub pool_id: Pubkey,
    /// First tick index.
    pub start_tick_index: i32,
    /// The ticks that have liquidity or orders, in ascending order, with their places 0 to 59.
    pub ticks: Vec<(u8, TickState)>,
    /// Number of initialised ticks, as the program counts.
    pub initialized_tick_count: u8,
    /// Epoch of the last change.
    pub recent_epoch: u64,
}

impl TickArrayState {
    /// Names and Python types of the fields.
    pub const FIELDS: &'static [(&'static str, &'static str)] = &[
        ("pool_id", "Address"),
        ("start_tick_index", "int"),
        ("ticks", "tuple[TickState, ...]"),
        ("initialized_tick_count", "int"),
        ("recent_epoch", "int"),
    ];

    /// Reads the account's fields.
    ///
    /// # Errors
    /// [`DecodeError`]: too few bytes.
    pub fn read(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("TickArrayState", data, TICK_ARRAY_LEN)?;
        let mut ticks = Vec::new();
        for place in 0..TICK_COUNT {
            let at = TICKS_AT + usize::from(place) * TICK_LEN;
            let orders = fields.u64(at + ORDERS_AT)? | fields.u64(at + ORDERS_AT + 8)?;
            if fields.u128(at + LIQUIDITY_GROSS_AT)? != 0 || orders != 0 {
                ticks.push((place, TickState::read(&fields, at)?));
            }
        }
        Ok(Self {
            pool_id: fields.pubkey(8)?,
            start_tick_index: fields.i32(40)?,
            ticks,
            initialized_tick_count: fields.u8(10_124)?,
            recent_epoch: fields.u64(10_125)?,
        })
    }

    /// Reads the account for printing.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_boxed(data: &[u8]) -> Result<Box<dyn Account>, DecodeError> {
        Ok(Box::new(Self::read(data)?))
    }
}

impl Account for TickArrayState {
    fn values(&self) -> Details {
        vec![
            ("pool_id", self.pool_id.into()),
            ("start_tick_index", self.start_tick_index.into()),
            ("ticks", Value::List(self.ticks.iter().map(|(_, tick)| tick.value()).collect())),
            ("initialized_tick_count", self.initialized_tick_count.into()),
            ("recent_epoch", self.recent_epoch.into()),
        ]
    }
}
