//! Raydium's constant-product pools, built from bytes.

use phantom_core::decoders::spl_token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use phantom_core::decoders::sysvar::Clock;
use phantom_core::quantities::Pubkey;
use phantom_core::swap::Environment;
use phantom_core::venues::{AccountData, NewPool, PoolState, raydium_amm_v4, raydium_cpmm};

pub const POOL: Pubkey = Pubkey([1; 32]);
pub const CONFIG: Pubkey = Pubkey([2; 32]);
pub const VAULTS: [Pubkey; 2] = [Pubkey([3; 32]), Pubkey([4; 32])];
pub const MINTS: [Pubkey; 2] = [Pubkey([5; 32]), Pubkey([6; 32])];
pub const OPEN_ORDERS: Pubkey = Pubkey([7; 32]);
pub const MARKET: Pubkey = Pubkey([8; 32]);

/// Bytes of an account with these fields.
pub fn bytes(len: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut data = vec![0; len];
    for (offset, field) in fields {
        data[*offset..offset + field.len()].copy_from_slice(field);
    }
    data
}

pub fn environment(unix_timestamp: u64) -> Environment {
    Environment { clock: Some(Clock { slot: 1, epoch: 10, unix_timestamp }) }
}

/// A token account of an SPL Token mint; `state`: 1 initialized, 2 frozen.
pub fn token_account(mint: Pubkey, amount: u64, state: u8) -> Vec<u8> {
    bytes(165, &[(0, &mint.0), (64, &amount.to_le_bytes()), (108, &[state])])
}

/// A Token-2022 mint with a transfer fee, or a plain one.
pub fn mint(fee: Option<(u16, u64)>) -> (Pubkey, Vec<u8>) {
    let Some((basis_points, maximum)) = fee else {
        return (TOKEN_PROGRAM, bytes(82, &[(44, &[6]), (45, &[1])]));
    };
    let (rate, maximum) = (basis_points.to_le_bytes(), maximum.to_le_bytes());
    let header = [(165, &[1][..]), (166, &[1, 0, 108, 0]), (44, &[6]), (45, &[1])];
    let older = [(170 + 80, &maximum[..]), (170 + 88, &rate)];
    let newer = [(170 + 98, &maximum[..]), (170 + 106, &rate)];
    (TOKEN_2022_PROGRAM, bytes(278, &[&header[..], &older, &newer].concat()))
}

pub fn write(pool: &mut dyn PoolState, address: Pubkey, owner: Pubkey, data: &[u8]) {
    let account = AccountData { owner: &owner, data };
    pool.write(&address, Some(account)).expect("a sound account");
}

/// What makes a CPMM pool; rates in 1e-6.
#[derive(Debug, Clone)]
pub struct Cpmm {
    pub balances: [u64; 2],
    pub trade: u64,
    pub protocol: u64,
    pub fund: u64,
    pub creator: u64,
    pub creator_fee_on: u8,
    pub enable_creator_fee: bool,
    pub status: u8,
    pub open_time: u64,
    /// Protocol fees accrued.
    pub accrued: [u64; 2],
    /// Basis points and maximum of each mint's transfer fee.
    pub transfer_fees: [Option<(u16, u64)>; 2],
}

impl Cpmm {
    pub fn new(balances: [u64; 2], trade: u64) -> Self {
        Self {
            balances,
            trade,
            protocol: 120_000,
            fund: 40_000,
            creator: 0,
            creator_fee_on: 0,
            enable_creator_fee: false,
            status: 0,
            open_time: 0,
            accrued: [0; 2],
            transfer_fees: [None; 2],
        }
    }

    pub fn state_data(&self) -> Vec<u8> {
        bytes(
            637,
            &[
                (0, &[0xf7, 0xed, 0xe3, 0xf5, 0xd7, 0xc3, 0xde, 0x46]),
                (8, &CONFIG.0),
                (72, &VAULTS[0].0),
                (104, &VAULTS[1].0),
                (168, &MINTS[0].0),
                (200, &MINTS[1].0),
                (329, &[self.status]),
                (341, &self.accrued[0].to_le_bytes()),
                (349, &self.accrued[1].to_le_bytes()),
                (373, &self.open_time.to_le_bytes()),
                (389, &[self.creator_fee_on, u8::from(self.enable_creator_fee)]),
            ],
        )
    }

    pub fn config_data(&self) -> Vec<u8> {
        bytes(
            236,
            &[
                (0, &[0xda, 0xf4, 0x21, 0x68, 0xcb, 0xcb, 0x2b, 0x6f]),
                (12, &self.trade.to_le_bytes()),
                (20, &self.protocol.to_le_bytes()),
                (28, &self.fund.to_le_bytes()),
                (108, &self.creator.to_le_bytes()),
            ],
        )
    }

    /// The pool without any of the accounts it depends on.
    pub fn open(&self) -> Box<dyn PoolState> {
        let data = self.state_data();
        let program = raydium_cpmm::PROGRAM;
        let new = NewPool { address: POOL, program, data: &data, assume_plain_mints: false };
        (raydium_cpmm::VENUE.open)(&new).expect("a pool")
    }

    pub fn build(&self) -> Box<dyn PoolState> {
        let mut pool = self.open();
        write(&mut *pool, CONFIG, raydium_cpmm::PROGRAM, &self.config_data());
        for side in [0, 1] {
            let (program, data) = mint(self.transfer_fees[side]);
            write(&mut *pool, MINTS[side], program, &data);
            write(&mut *pool, VAULTS[side], program, &token_account(MINTS[side], self.balances[side], 1));
        }
        pool
    }
}

/// What makes an AMM v4 pool.
#[derive(Debug, Clone)]
pub struct AmmV4 {
    pub balances: [u64; 2],
    pub status: u64,
    pub fee: [u64; 2],
    /// Owed to the protocol.
    pub pnl: [u64; 2],
    pub pool_open_time: u64,
    pub orderbook_to_init_time: u64,
}

impl AmmV4 {
    pub fn new(balances: [u64; 2]) -> Self {
        Self {
            balances,
            status: 6,
            fee: [25, 10_000],
            pnl: [0; 2],
            pool_open_time: 0,
            orderbook_to_init_time: 0,
        }
    }

    pub fn data(&self) -> Vec<u8> {
        bytes(
            752,
            &[
                (0, &self.status.to_le_bytes()),
                (176, &self.fee[0].to_le_bytes()),
                (184, &self.fee[1].to_le_bytes()),
                (192, &self.pnl[0].to_le_bytes()),
                (200, &self.pnl[1].to_le_bytes()),
                (224, &self.pool_open_time.to_le_bytes()),
                (248, &self.orderbook_to_init_time.to_le_bytes()),
                (336, &VAULTS[0].0),
                (368, &VAULTS[1].0),
                (400, &MINTS[0].0),
                (432, &MINTS[1].0),
                (496, &OPEN_ORDERS.0),
                (528, &MARKET.0),
                (560, &raydium_amm_v4::OPENBOOK_PROGRAM.0),
            ],
        )
    }

    pub fn build(&self) -> Box<dyn PoolState> {
        let data = self.data();
        let program = raydium_amm_v4::PROGRAM;
        let new = NewPool { address: POOL, program, data: &data, assume_plain_mints: false };
        let mut pool = (raydium_amm_v4::VENUE.open)(&new).expect("a pool");
        for side in [0, 1] {
            let account = token_account(MINTS[side], self.balances[side], 1);
            write(&mut *pool, VAULTS[side], TOKEN_PROGRAM, &account);
        }
        pool
    }
}

/// Open orders with these balances; `resting`: an order lies in the first place.
pub fn open_orders(free: [u64; 2], total: [u64; 2], resting: bool) -> Vec<u8> {
    let slots = if resting { u128::MAX - 1 } else { u128::MAX };
    bytes(
        3228,
        &[
            (0, b"serum\x05"),
            (13, &MARKET.0),
            (77, &free[0].to_le_bytes()),
            (85, &total[0].to_le_bytes()),
            (93, &free[1].to_le_bytes()),
            (101, &total[1].to_le_bytes()),
            (109, &slots.to_le_bytes()),
        ],
    )
}
