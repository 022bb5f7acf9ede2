//! Raydium CLMM (`amm_v3`): concentrated liquidity with 60 ticks an array.
//!
//! Which arrays matter follows from bitmaps ([`bitmap`]); their ticks and the sums over the ways
//! between them make a ladder, which answers a quote with a binary search and one step of
//! exact arithmetic; [`swap`] is the program's loop.
//!
//! A client passes the array of the present tick and those after it, five at most; beyond them the
//! program answers `NotEnoughTickArrayAccount`, and so does a quote.
//!
//! # Source
//! raydium-clmm as of 2025-12-29, the last before limit orders and dynamic fees; golden vectors of its
//! build of April 2026. Pools that use what is newer are refused, see [`ClmmPool`].

mod accounts;
mod arrays;
mod bitmap;
mod book;
mod curve;
mod digest;
mod error;
mod instruction;
mod ladder;
mod order;
mod pool;
mod rewards;
mod step;
mod swap;
mod tick_array;
mod tick_math;

use ruint::aliases::U256;

pub use accounts::{
    AmmConfig, DynamicFeeInfo, PoolState as PoolAccount, RewardInfo, TickArrayBitmapExtension,
};
pub use pool::ClmmPool;
pub use tick_array::{TickArrayState, TickState};
pub use tick_math::{
    MAX_SQRT_PRICE_X64, MAX_TICK, MIN_SQRT_PRICE_X64, MIN_TICK, sqrt_price_at_tick, tick_at_sqrt_price,
};

use super::layout::Lengths;
use super::{
    AccountData, Dependency, Fraction, Layout, NewPool, PoolState, PoolSummary, Role, SetAside, Venue,
    Written,
};
use crate::amm_math::Segment;
use crate::decoders::{DecodeError, address};
use crate::instruction_builder::{BuildError, Instruction, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Details, Environment, Execution, Quote, Refusal, SwapRequest};

/// The program.
pub const PROGRAM: Pubkey = address("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK");

/// The instruction for SPL Token alone.
const SWAP: &str = "swap";
/// The instruction for either token program, which clients send.
const SWAP_V2: &str = "swap_v2";
/// Bit of a pool's status that forbids swaps.
const SWAP_DISABLED: u8 = 1 << 4;

const POOL_STATE: [u8; 8] = [0xf7, 0xed, 0xe3, 0xf5, 0xd7, 0xc3, 0xde, 0x46];
const AMM_CONFIG: [u8; 8] = [0xda, 0xf4, 0x21, 0x68, 0xcb, 0xcb, 0x2b, 0x6f];
const TICK_ARRAY: [u8; 8] = [0xc0, 0x9b, 0x55, 0xcd, 0x31, 0xf9, 0x81, 0x2a];
const TICK_ARRAY_BITMAP_EXTENSION: [u8; 8] = [0x3c, 0x96, 0x24, 0xdb, 0x61, 0x80, 0x8b, 0x99];

static LAYOUTS: [Layout; 10] = [
    Layout {
        name: "PoolState",
        discriminator: Some(POOL_STATE),
        owner: None,
        lengths: Lengths::Known(&[accounts::POOL_LEN]),
        role: Role::Pool,
        fields: PoolAccount::FIELDS,
        records: &[("RewardInfo", RewardInfo::FIELDS), ("DynamicFeeInfo", DynamicFeeInfo::FIELDS)],
        read: Some(PoolAccount::checked_boxed),
    },
    Layout {
        name: "AmmConfig",
        discriminator: Some(AMM_CONFIG),
        owner: None,
        lengths: Lengths::Known(&[accounts::CONFIG_LEN]),
        role: Role::Shared,
        fields: AmmConfig::FIELDS,
        records: &[],
        read: Some(AmmConfig::checked_boxed),
    },
    Layout {
        name: "TickArrayState",
        discriminator: Some(TICK_ARRAY),
        owner: None,
        lengths: Lengths::Known(&[tick_array::TICK_ARRAY_LEN]),
        role: Role::OfPool { pool_at: 8 },
        fields: TickArrayState::FIELDS,
        records: &[("TickState", TickState::FIELDS)],
        read: Some(TickArrayState::read_boxed),
    },
    Layout {
        name: "TickArrayBitmapExtension",
        discriminator: Some(TICK_ARRAY_BITMAP_EXTENSION),
        owner: None,
        lengths: Lengths::Known(&[accounts::EXTENSION_LEN]),
        role: Role::OfPool { pool_at: 8 },
        fields: TickArrayBitmapExtension::FIELDS,
        records: &[],
        read: Some(TickArrayBitmapExtension::read_boxed),
    },
    Layout::unused("ObservationState", [0x7a, 0xae, 0xc5, 0x35, 0x81, 0x09, 0xa5, 0x84]),
    Layout::unused("PersonalPositionState", [0x46, 0x6f, 0x96, 0x7e, 0xe6, 0x0f, 0x19, 0x75]),
    Layout::unused("ProtocolPositionState", [0x64, 0xe2, 0x91, 0x63, 0x92, 0xda, 0xa0, 0x6a]),
    Layout::unused("OperationState", [0x13, 0xec, 0x3a, 0xed, 0x51, 0xde, 0xb7, 0xfc]),
    Layout::unused("SupportMintAssociated", [0x86, 0x28, 0xb7, 0x4f, 0x0c, 0x70, 0xa2, 0x35]),
    // Accounts of limit orders are left out: they are a sign that the program is a newer one.
    Layout::unused("DynamicFeeConfig", [0xf4, 0xe2, 0x58, 0x52, 0x0e, 0x3b, 0xf6, 0xdc]),
];

/// Raydium CLMM.
pub static VENUE: Venue = Venue {
    name: "raydium_clmm",
    programs: &[PROGRAM],
    mints_at: [73, 105],
    layouts: &LAYOUTS,
    instructions: &[SWAP, SWAP_V2],
    open,
};

fn open(new: &NewPool<'_>) -> Result<Box<dyn PoolState>, DecodeError> {
    Ok(Box::new(ClmmPool::open(new)?))
}

impl PoolState for ClmmPool {
    fn address(&self) -> Pubkey {
        self.address
    }

    fn mints(&self) -> [Pubkey; 2] {
        self.tokens.addresses()
    }

    fn dependencies(&self, into: &mut Vec<Dependency>) {
        self.list(into);
    }

    fn write(&mut self, address: &Pubkey, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        self.take(address, account)
    }

    fn obstacle(&self, environment: &Environment) -> Option<SetAside> {
        self.find_obstacle(environment)
    }

    fn depends_on_time(&self) -> bool {
        let changes = |mint: &&crate::decoders::Mint| {
            mint.transfer_fee.is_some_and(|config| config.older != config.newer)
        };
        self.may_open() || self.tokens.mints().iter().flatten().any(changes)
    }

    fn quote(&self, environment: &Environment, request: &SwapRequest) -> Result<Quote, Refusal> {
        self.quote_swap(environment, request)
    }

    fn execute(&mut self, environment: &Environment, request: &SwapRequest) -> Result<Execution, Refusal> {
        let settled = self.carry_out(environment, request)?;
        for crossing in &settled.crossings {
            if let Some(tick) = self.arrays.tick_mut(crossing.source) {
                tick.state.fee_growth_outside_x64 = crossing.fee_growth_outside_x64;
                tick.state.reward_growths_outside_x64 = crossing.reward_growths_outside_x64;
            }
        }
        if !settled.crossings.is_empty() {
            self.arrays.measure(&self.ladder);
        }
        self.vaults.trade(request.a_to_b, settled.quote.vault_in, settled.quote.vault_out);
        self.replace(&settled.pool);
        Ok(Execution { quote: settled.quote, details: details(&self.pool) })
    }

    fn swap_instruction(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        reach: Reach,
    ) -> Result<Instruction, BuildError> {
        self.build_swap(environment, request, trader, reach)
    }

    fn each_segment(&self, environment: &Environment, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        self.walk_segments(environment, a_to_b, visit);
    }

    fn marginal_rate(&self, environment: &Environment, a_to_b: bool) -> f64 {
        let mut rate = 0.0;
        self.walk_segments(environment, a_to_b, |segment| {
            rate = segment.gain / segment.base;
            false
        });
        rate
    }

    fn spot_price(&self, a_to_b: bool) -> Option<Fraction> {
        let root = U256::from(self.pool.sqrt_price_x64);
        let (square, one) = (root * root, U256::from(1_u8) << 128_usize);
        let (numerator, denominator) = if a_to_b { (square, one) } else { (one, square) };
        Some(Fraction { numerator, denominator })
    }

    fn summary(&self, _: &Environment) -> PoolSummary {
        let rate = self.config.map_or(0, |config| u64::from(config.trade_fee_rate) * 1_000);
        PoolSummary {
            fee_rate_e9: [rate; 2],
            depth: self.depth(),
            liquidity: Some(self.pool.liquidity),
            details: vec![
                ("tick_current", self.pool.tick_current.into()),
                ("tick_spacing", self.pool.tick_spacing.into()),
                ("sqrt_price_x64", self.pool.sqrt_price_x64.into()),
                ("status", self.pool.status.into()),
            ],
        }
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        self.feed(sink);
    }

    fn boxed_clone(&self) -> Box<dyn PoolState> {
        Box::new(self.clone())
    }
}

/// Fields of the pool account after a swap, under the golden vectors' names.
fn details(pool: &PoolAccount) -> Details {
    vec![
        ("post_liquidity", pool.liquidity.into()),
        ("post_sqrt_price", pool.sqrt_price_x64.into()),
        ("post_tick", pool.tick_current.into()),
        ("post_fee_growth_global_0", pool.fee_growth_global_0_x64.into()),
        ("post_fee_growth_global_1", pool.fee_growth_global_1_x64.into()),
        ("post_protocol_fees_token_0", pool.protocol_fees_token_0.into()),
        ("post_protocol_fees_token_1", pool.protocol_fees_token_1.into()),
        ("post_fund_fees_token_0", pool.fund_fees_token_0.into()),
        ("post_fund_fees_token_1", pool.fund_fees_token_1.into()),
    ]
}
