//! The accounts a quote reads.

use crate::quantities::Pubkey;
use crate::venues::layout::{Lengths, account_layout};
use crate::venues::{Layout, Role};

/// The program refuses pools of any other length.
pub(super) const INFO_LEN: usize = 752;
const OPEN_ORDERS_LEN: usize = 3_228;
/// "serum" and the low bytes of the flags: initialized, open orders.
pub(super) const OPEN_ORDERS_HEAD: [u8; 8] = *b"serum\x05\x00\x00";

const MARKET_LEN: usize = 388;
/// "serum" and the low bytes of the flags: initialized, market.
pub(super) const MARKET_HEAD: [u8; 8] = *b"serum\x03\x00\x00";

/// `AmmInfo` in the program.
pub(super) const INFO: Layout = Layout {
    name: "AmmInfo",
    discriminator: None,
    owner: None,
    lengths: Lengths::Known(&[INFO_LEN]),
    role: Role::Pool,
    fields: AmmV4Info::FIELDS,
    records: &[],
    read: Some(AmmV4Info::read_boxed),
};

/// Returns the layout of the open orders at a market of `program`.
pub(super) const fn open_orders(program: Pubkey) -> Layout {
    Layout {
        name: "OpenOrders",
        discriminator: Some(OPEN_ORDERS_HEAD),
        owner: Some(program),
        lengths: Lengths::Known(&[OPEN_ORDERS_LEN]),
        role: Role::Shared,
        fields: OpenOrders::FIELDS,
        records: &[],
        read: Some(OpenOrders::read_boxed),
    }
}

/// Returns the layout of a market of `program`.
pub(super) const fn market(program: Pubkey) -> Layout {
    Layout {
        name: "Market",
        discriminator: Some(MARKET_HEAD),
        owner: Some(program),
        lengths: Lengths::Known(&[MARKET_LEN]),
        role: Role::Shared,
        fields: Market::FIELDS,
        records: &[],
        read: Some(Market::read_boxed),
    }
}

/// Returns the layout of a type that is only recognised, by its length.
pub(super) const fn unused(name: &'static str, lengths: &'static [usize]) -> Layout {
    Layout { discriminator: None, lengths: Lengths::Known(lengths), ..Layout::unused(name, [0; 8]) }
}

account_layout! {
    /// A pool. Amounts are base units.
    pub struct AmmV4Info ("AmmInfo", INFO_LEN) {
        /// 1 initialized, 2 disabled, 3 withdrawals only, 4 liquidity only, 5 order book only, 6 swaps
        /// only, 7 swaps from `pool_open_time` on.
        status: u64 = 0,
        /// Bump of the program's authority.
        nonce: u64 = 8,
        /// Decimals of the coin.
        coin_decimals: u64 = 32,
        /// Decimals of the price currency.
        pc_decimals: u64 = 40,
        /// State of the order-book machine.
        state: u64 = 48,
        /// Fee on the input of a swap: above the line.
        swap_fee_numerator: u64 = 176,
        /// Below the line.
        swap_fee_denominator: u64 = 184,
        /// Coin in the vault that belongs to the protocol.
        need_take_pnl_coin: u64 = 192,
        /// Price currency in the vault that belongs to the protocol.
        need_take_pnl_pc: u64 = 200,
        /// When swaps open, unix seconds; read in status 7.
        pool_open_time: u64 = 224,
        /// From when on status 5 becomes 1, unix seconds.
        orderbook_to_init_time: u64 = 248,
        /// All coin ever put in.
        swap_coin_in_amount: u128 = 256,
        /// All price currency ever taken out.
        swap_pc_out_amount: u128 = 272,
        /// All fees ever charged in price currency.
        swap_acc_pc_fee: u64 = 288,
        /// All price currency ever put in.
        swap_pc_in_amount: u128 = 296,
        /// All coin ever taken out.
        swap_coin_out_amount: u128 = 312,
        /// All fees ever charged in coin.
        swap_acc_coin_fee: u64 = 328,
        /// Token account that holds the coin.
        coin_vault: Pubkey = 336,
        /// Token account that holds the price currency.
        pc_vault: Pubkey = 368,
        /// Mint of the coin.
        coin_mint: Pubkey = 400,
        /// Mint of the price currency.
        pc_mint: Pubkey = 432,
        /// Mint of the shares.
        lp_mint: Pubkey = 464,
        /// Account of the pool at its market.
        open_orders: Pubkey = 496,
        /// Market that it once placed orders at.
        market: Pubkey = 528,
        /// Program of the market.
        market_program: Pubkey = 560,
        /// Orders the program planned.
        target_orders: Pubkey = 592,
        /// Owner of the pool.
        amm_owner: Pubkey = 688,
        /// Shares in circulation.
        lp_amount: u64 = 720,
        /// Last order's number.
        client_order_id: u64 = 728,
        /// Epoch of the last change.
        recent_epoch: u64 = 736,
    }
}

account_layout! {
    /// What a pool has at its market. Amounts are base units.
    pub struct OpenOrders ("OpenOrders", OPEN_ORDERS_LEN) {
        /// Bits: 0 initialized, 2 open orders.
        account_flags: u64 = 5,
        /// Market.
        market: Pubkey = 13,
        /// Who may act: the program's authority.
        owner: Pubkey = 45,
        /// Coin not bound by orders.
        native_coin_free: u64 = 77,
        /// All coin.
        native_coin_total: u64 = 85,
        /// Price currency not bound by orders.
        native_pc_free: u64 = 93,
        /// All price currency.
        native_pc_total: u64 = 101,
        /// A bit for each of 128 places, set where there is no order.
        free_slot_bits: u128 = 109,
    }
}

account_layout! {
    /// A market, as far as a swap's instruction names its accounts.
    pub struct Market ("Market", MARKET_LEN) {
        /// Bits: 0 initialized, 1 market.
        account_flags: u64 = 5,
        /// The market's own address.
        own_address: Pubkey = 13,
        /// Number that the owner of its vaults is derived with.
        vault_signer_nonce: u64 = 45,
        /// Mint of the coin.
        base_mint: Pubkey = 53,
        /// Mint of the price currency.
        quote_mint: Pubkey = 85,
        /// Token account that holds the coin.
        base_vault: Pubkey = 117,
        /// Token account that holds the price currency.
        quote_vault: Pubkey = 165,
        /// Queue of orders to be matched.
        request_queue: Pubkey = 221,
        /// Queue of fills to be accounted for.
        event_queue: Pubkey = 253,
        /// Orders to buy.
        bids: Pubkey = 285,
        /// Orders to sell.
        asks: Pubkey = 317,
    }
}
