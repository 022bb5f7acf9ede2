//! The pool as the market sees it: what it needs, what keeps it out, what it refuses.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::decoders::spl_token::TOKEN_PROGRAM;
use crate::decoders::sysvar::Clock;

const ADDRESS: Pubkey = Pubkey([9; 32]);
const MINTS: [Pubkey; 2] = [Pubkey([1; 32]), Pubkey([2; 32])];
const VAULTS: [Pubkey; 2] = [Pubkey([3; 32]), Pubkey([4; 32])];
const NOW: Environment = at(1_000_000);

const fn at(unix_timestamp: u64) -> Environment {
    Environment { clock: Some(Clock { slot: 7, epoch: 0, unix_timestamp }) }
}

fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// 1,000,000 of each token at a price of 1 with prices from a quarter to four, 1 % in the output,
/// a fifth of it the protocol's, open since 1,000,000 seconds; reserves not kept yet.
fn account() -> Vec<u8> {
    let mut data = vec![0; 1112];
    put(&mut data, 0, &[241, 154, 109, 4, 17, 177, 109, 188]);
    put(&mut data, 8, &10_000_000_u64.to_le_bytes());
    data[48] = 20;
    put(&mut data, 168, &MINTS[0].0);
    put(&mut data, 200, &MINTS[1].0);
    put(&mut data, 232, &VAULTS[0].0);
    put(&mut data, 264, &VAULTS[1].0);
    put(&mut data, 360, &(1_000_000_u128 << 64).to_le_bytes());
    put(&mut data, 424, &(1_u128 << 63).to_le_bytes());
    put(&mut data, 440, &(1_u128 << 65).to_le_bytes());
    put(&mut data, 456, &(1_u128 << 64).to_le_bytes());
    put(&mut data, 472, &1_000_000_u64.to_le_bytes());
    data[480] = 1;
    data
}

fn open(data: &[u8]) -> std::result::Result<DammPool, DecodeError> {
    DammPool::open(&NewPool { address: ADDRESS, program: PROGRAM, data, assume_plain_mints: false })
}

fn mint(supply: u64) -> Vec<u8> {
    let mut data = vec![0; 82];
    put(&mut data, 36, &supply.to_le_bytes());
    data[45] = 1;
    data
}

fn vault(side: usize, amount: u64) -> Vec<u8> {
    let mut data = vec![0; 165];
    put(&mut data, 0, &MINTS[side].0);
    put(&mut data, 64, &amount.to_le_bytes());
    data[108] = 1;
    data
}

fn write(pool: &mut DammPool, address: &Pubkey, owner: &Pubkey, data: &[u8]) -> Written {
    pool.write(address, Some(AccountData { owner, data })).unwrap()
}

/// The pool of `data` with a supply of 10,000,000 of each token and 500,000 in each vault.
fn complete(data: &[u8]) -> DammPool {
    let mut pool = open(data).unwrap();
    for side in 0..2 {
        write(&mut pool, &MINTS[side], &TOKEN_PROGRAM, &mint(10_000_000));
        write(&mut pool, &VAULTS[side], &TOKEN_PROGRAM, &vault(side, 500_000));
    }
    pool
}

fn with(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut data = account();
    put(&mut data, offset, bytes);
    data
}

fn refusal(pool: &DammPool, request: &SwapRequest) -> (&'static str, Option<u32>) {
    let refusal = pool.quote(&NOW, request).unwrap_err();
    (refusal.name, refusal.code)
}

fn detail(execution: &Execution, name: &str) -> Value {
    execution.details.iter().find(|(detail, _)| *detail == name).unwrap().1.clone()
}

#[test]
fn a_swap_takes_its_fee_and_books_what_it_leaves() {
    let mut pool = complete(&account());
    let done = pool.execute(&NOW, &SwapRequest::new(10_000, true, true)).unwrap();
    // 1,000,000 * 10,000 / 1,010,000 = 9900.99; 1 % of 9900 is 99, of which 19 are the protocol's.
    let expected = Quote {
        user_in: 10_000,
        user_out: 9801,
        vault_in: 10_000,
        vault_out: 9801,
        fee: 99,
        ..Quote::default()
    };
    assert_eq!(done.quote, expected);
    assert_eq!(detail(&done, "claiming_fee"), Value::Unsigned(80));
    assert_eq!(detail(&done, "post_protocol_b_fee"), Value::Unsigned(19));
    // The reserves were not kept before: 500,000 of each lie in the range.
    assert_eq!(detail(&done, "post_token_a_amount"), Value::Unsigned(510_000));
    assert_eq!(detail(&done, "post_token_b_amount"), Value::Unsigned(490_100));
    assert_eq!(pool.account().layout_version, 1);
    assert_eq!(pool.vaults.amounts(), Some([510_000, 490_199]));
}

#[test]
fn fees_are_in_the_output_or_in_token_b() {
    let fee = |mode: u8, a_to_b: bool| {
        let quote =
            complete(&with(484, &[mode])).quote(&NOW, &SwapRequest::new(10_000, true, a_to_b)).unwrap();
        (quote.fee, quote.fee_on_input)
    };
    assert_eq!(fee(0, true), (99, false));
    assert_eq!(fee(0, false), (99, false));
    assert_eq!(fee(1, true), (99, false));
    assert_eq!(fee(1, false), (100, true));
}

#[test]
fn thresholds_are_what_the_trader_gets_and_pays() {
    let pool = complete(&account());
    let slipped = ("ExceededSlippage", Some(6002));
    let at_least =
        |limit| SwapRequest { other_amount_threshold: limit, ..SwapRequest::new(10_000, true, true) };
    assert!(pool.quote(&NOW, &at_least(9801)).is_ok());
    assert_eq!(refusal(&pool, &at_least(9802)), slipped);
    // 9801 and 1 % make 9900; 1,000,000 * 9900 / 990,100 = 9998.99.
    let at_most =
        |limit| SwapRequest { other_amount_threshold: limit, ..SwapRequest::new(9801, false, true) };
    assert_eq!(pool.quote(&NOW, &at_most(9999)).unwrap().user_in, 9999);
    assert_eq!(refusal(&pool, &at_most(9998)), slipped);
}

#[test]
fn refusals_carry_the_programs_names_and_numbers() {
    let pool = complete(&account());
    assert_eq!(refusal(&pool, &SwapRequest::new(0, true, true)), ("AmountIsZero", Some(6006)));
    assert_eq!(refusal(&pool, &SwapRequest::new(2_000_000, true, true)), ("PriceRangeViolation", Some(6015)));
    assert_eq!(refusal(&pool, &SwapRequest::new(u64::MAX, false, true)), ("TypeCastFailed", Some(6007)));
    assert_eq!(refusal(&pool, &SwapRequest::new(2_000_000, false, true)), ("MathOverflow", Some(6000)));
    let disabled = complete(&with(481, &[1]));
    assert_eq!(refusal(&disabled, &SwapRequest::new(0, true, true)), ("PoolDisabled", Some(6003)));
    let early = pool.quote(&at(999_999), &SwapRequest::new(1, true, true)).unwrap_err();
    assert_eq!((early.name, early.details().len()), ("PoolDisabled", 2));
}

#[test]
fn what_no_instruction_does_is_not_supported() {
    let pool = complete(&account());
    let partial_out = SwapRequest { partial_fill: true, ..SwapRequest::new(10, false, true) };
    for request in [
        partial_out,
        SwapRequest { instruction: Some("swap"), ..SwapRequest::new(10, false, true) },
        SwapRequest { instruction: Some("swap"), partial_fill: true, ..SwapRequest::new(10, true, true) },
        SwapRequest { instruction: Some("swap3"), ..SwapRequest::new(10, true, true) },
    ] {
        assert_eq!(pool.quote(&NOW, &request).unwrap_err().kind, RefusalKind::Unsupported);
    }
}

#[test]
fn nobody_pays_what_does_not_exist() {
    let mut pool = complete(&account());
    let request = SwapRequest::new(10_000, true, true);
    write(&mut pool, &MINTS[0], &TOKEN_PROGRAM, &mint(510_000));
    assert!(pool.quote(&NOW, &request).is_ok());
    write(&mut pool, &MINTS[0], &TOKEN_PROGRAM, &mint(509_999));
    assert_eq!(refusal(&pool, &request), ("insufficient funds", Some(1)));
    // A supply below the vault's balance is out of date and says nothing.
    write(&mut pool, &MINTS[0], &TOKEN_PROGRAM, &mint(499_999));
    assert!(pool.quote(&NOW, &request).is_ok());
}

#[test]
fn the_supply_of_wrapped_sol_says_nothing() {
    let mut pool = open(&with(168, &NATIVE_MINT.0)).unwrap();
    let mut held = vault(0, 0);
    put(&mut held, 0, &NATIVE_MINT.0);
    write(&mut pool, &NATIVE_MINT, &TOKEN_PROGRAM, &mint(0));
    write(&mut pool, &MINTS[1], &TOKEN_PROGRAM, &mint(0));
    write(&mut pool, &VAULTS[0], &TOKEN_PROGRAM, &held);
    write(&mut pool, &VAULTS[1], &TOKEN_PROGRAM, &vault(1, 500_000));
    assert!(pool.quote(&NOW, &SwapRequest::new(10_000, true, true)).is_ok());
}

#[test]
fn vaults_must_hold_what_they_pay_and_not_be_frozen() {
    let mut pool = complete(&account());
    let request = SwapRequest::new(10_000, true, true);
    write(&mut pool, &VAULTS[1], &TOKEN_PROGRAM, &vault(1, 9800));
    assert_eq!(refusal(&pool, &request), ("insufficient funds", Some(1)));
    let mut frozen = vault(0, 500_000);
    frozen[108] = 2;
    write(&mut pool, &VAULTS[0], &TOKEN_PROGRAM, &frozen);
    assert_eq!(refusal(&pool, &request), ("Account is frozen", Some(17)));
    assert_eq!(pool.obstacle(&NOW), Some(SetAside::FrozenVault(VAULTS[0])));
    // The trader pays before the pool does.
    assert_eq!(refusal(&pool, &SwapRequest::new(10_000, true, false)), ("Account is frozen", Some(17)));
    write(&mut pool, &MINTS[1], &TOKEN_PROGRAM, &mint(9900));
    assert_eq!(refusal(&pool, &SwapRequest::new(10_000, true, false)), ("insufficient funds", Some(1)));
}

#[test]
fn obstacles_name_what_keeps_the_pool_out() {
    let mut pool = open(&account()).unwrap();
    let missing = |reason, account| Some(SetAside::Missing { reason, account });
    assert_eq!(pool.obstacle(&NOW), missing("missing_mint", MINTS[0]));
    let unknown = pool.quote(&NOW, &SwapRequest::new(1, true, true)).unwrap_err();
    assert_eq!((unknown.kind, unknown.name), (RefusalKind::MissingAccount, "missing_mint"));
    for (side, mint_address) in MINTS.iter().enumerate() {
        write(&mut pool, mint_address, &TOKEN_PROGRAM, &mint(1 << 40));
        assert_eq!(pool.vaults.addresses()[side], VAULTS[side]);
    }
    assert_eq!(pool.obstacle(&NOW), missing("missing_vault", VAULTS[0]));
    let mut needed = Vec::new();
    pool.dependencies(&mut needed);
    assert_eq!(needed.iter().map(|each| each.is_known).collect::<Vec<_>>(), [true, true, false, false]);

    let pool = complete(&account());
    assert_eq!(pool.obstacle(&NOW), None);
    assert_eq!(pool.obstacle(&Environment::default()), Some(SetAside::MissingClock));
    assert_eq!(pool.obstacle(&at(999_999)), Some(SetAside::NotYetOpen { opens_at: 1_000_000 }));
    assert_eq!(complete(&with(481, &[1])).obstacle(&NOW), Some(SetAside::Disabled { status: 1 }));
    assert_eq!(complete(&with(360, &[0; 16])).obstacle(&NOW), Some(SetAside::NoLiquidity));
    assert_eq!(complete(&with(484, &[2])).obstacle(&NOW), Some(SetAside::NoLiquidity));
    // By slot: slot 7 is before 1,000,000.
    assert_eq!(complete(&with(480, &[0])).obstacle(&NOW).unwrap().reason(), "not_yet_open");
}

#[test]
fn a_closed_door_has_no_rate() {
    let pool = complete(&account());
    assert!((pool.marginal_rate(&NOW, true) - 0.99).abs() < 1e-12);
    assert!(pool.marginal_rate(&at(999_999), true) <= 0.0);
    assert!(complete(&with(481, &[1])).marginal_rate(&NOW, true) <= 0.0);
    assert!(complete(&with(360, &[0; 16])).marginal_rate(&NOW, true) <= 0.0);
}

#[test]
fn unknown_modes_and_short_accounts_are_refused_and_long_ones_read() {
    for (offset, value) in [(16, 5), (480, 2), (481, 2), (484, 3), (486, 2), (696, 2)] {
        let error = open(&with(offset, &[value])).unwrap_err();
        assert_eq!(error.reason(), "impossible_field", "{error}");
    }
    assert_eq!(open(&account()[..1111]).unwrap_err().reason(), "wrong_length");
    let mut longer = account();
    longer.extend([7; 40]);
    assert_eq!(open(&longer).unwrap().account(), open(&account()).unwrap().account());
    assert_eq!(open(&with(0, &[0; 8])).unwrap_err().reason(), "unknown_discriminator");
    let position = with(0, &[170, 188, 143, 228, 122, 64, 247, 208]);
    assert_eq!(open(&position).unwrap_err().reason(), "impossible_field");
}

#[test]
fn writes_say_what_changed_and_lasting_fields_stay() {
    let mut pool = complete(&account());
    let same = write(&mut pool, &ADDRESS, &PROGRAM, &account());
    assert_eq!(same, Written { changed: false, is_state: true });
    let moved = write(&mut pool, &ADDRESS, &PROGRAM, &with(456, &(3_u128 << 63).to_le_bytes()));
    assert_eq!(moved, Written { changed: true, is_state: true });
    let other = with(232, &[8; 32]);
    let other = pool.write(&ADDRESS, Some(AccountData { owner: &PROGRAM, data: &other }));
    assert_eq!(other.unwrap_err().reason(), "impossible_field");
    assert_eq!(pool.account().sqrt_price, 3 << 63);
    assert_eq!(write(&mut pool, &Pubkey([77; 32]), &PROGRAM, &[]), Written::default());
}

#[test]
fn spot_price_is_the_exact_fraction() {
    let price = |data: &[u8], a_to_b| open(data).unwrap().spot_price(a_to_b).unwrap().to_f64();
    let half_more = with(456, &(3_u128 << 63).to_le_bytes());
    assert!((price(&half_more, true) - 2.25).abs() < 1e-15);
    assert!((price(&half_more, false) - 1.0 / 2.25).abs() < 1e-15);
    let mut product = with(484, &[2]);
    put(&mut product, 680, &3_u64.to_le_bytes());
    put(&mut product, 688, &7_u64.to_le_bytes());
    let fraction = open(&product).unwrap().spot_price(true).unwrap();
    assert_eq!((fraction.numerator, fraction.denominator), (U256::from(7), U256::from(3)));
    assert_eq!(open(&with(456, &[0; 16])).unwrap().spot_price(true), None);
}

#[test]
fn time_matters_until_the_pool_has_opened_and_while_its_fee_falls() {
    assert!(complete(&account()).depends_on_time(), "it may not be open yet");
    let mut traded = with(584, &1_u128.to_le_bytes());
    assert!(!complete(&traded).depends_on_time());
    put(&mut traded, 22, &10_u16.to_le_bytes());
    put(&mut traded, 24, &60_u64.to_le_bytes());
    put(&mut traded, 32, &100_u64.to_le_bytes());
    assert!(complete(&traded).depends_on_time());
    let mut vault_bought = with(584, &1_u128.to_le_bytes());
    put(&mut vault_bought, 296, &[5; 32]);
    assert!(complete(&vault_bought).depends_on_time());
}

#[test]
fn summary_shows_fees_and_depth() {
    let summary = complete(&account()).summary(&NOW);
    assert_eq!(summary.fee_rate_e9, [10_000_000, 10_000_000]);
    assert_eq!(summary.liquidity, Some(1_000_000 << 64));
    // 1,000,000 * (1 - 1 / sqrt(1.02)) of token A above, and as much of token B below.
    assert_eq!(summary.depth, [9852, 9852]);
}

#[test]
fn accounts_are_printable() {
    let layout = VENUE.layout_of(&PROGRAM, &account()).unwrap();
    let values = layout.read.unwrap()(&account()).unwrap().values();
    assert_eq!(values.len(), layout.fields.len());
    let shown = values.iter().find(|(name, _)| *name == "base_fee").unwrap().1.to_string();
    assert_eq!(
        shown,
        "TimeScheduler(mode=linear, cliff_fee_numerator=10000000, number_of_period=0, reduction_factor=0, period_frequency=0)"
    );
    let mut config = vec![0; 328];
    put(&mut config, 0, &[155, 12, 170, 224, 30, 250, 204, 130]);
    config[80] = 2;
    put(&mut config, 208, &42_u64.to_le_bytes());
    let layout = VENUE.layout_of(&PROGRAM, &config).unwrap();
    let values = layout.read.unwrap()(&config).unwrap().values();
    assert!(values.contains(&("index", Value::Unsigned(42))));
}
