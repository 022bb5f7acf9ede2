//! DLMM pairs by hand: amounts worked out on paper, and every way a swap is refused that the golden
//! vectors do not reach.

#[path = "common/dlmm.rs"]
mod dlmm;

use dlmm::{BinContent, NOW, PAIR, Pair, environment};
use phantom_core::decoders::DecodeError;
use phantom_core::decoders::spl_token::TOKEN_PROGRAM;
use phantom_core::quantities::Pubkey;
use phantom_core::swap::{Refusal, RefusalKind, SwapRequest};
use phantom_core::venues::meteora_dlmm::PROGRAM;
use phantom_core::venues::{AccountData, PoolState, SetAside};

/// One token Y per token X in bin 0, a base fee of 1 % on the input.
fn pair(bins: &[(i32, BinContent)]) -> Pair {
    Pair {
        active_id: 0,
        bin_step: 100,
        base_factor: 10_000,
        variable_fee_control: 0,
        max_volatility_accumulator: 0,
        volatility: 0,
        filter_period: 30,
        function_type: 2,
        collect_fee_mode: 0,
        bins: bins.to_vec(),
    }
}

fn sells_y(amount_y: u64) -> BinContent {
    BinContent { amount_y, ..BinContent::default() }
}

fn ask(pool: &dyn PoolState, amount: u64, exact_in: bool) -> Result<(u64, u64, u64), Refusal> {
    let quote = pool.quote(&environment(), &SwapRequest::new(amount, exact_in, true))?;
    Ok((quote.user_in, quote.user_out, quote.fee))
}

fn error(refusal: Result<(u64, u64, u64), Refusal>) -> (&'static str, Option<u32>) {
    refusal.map_or_else(|refusal| (refusal.name, refusal.code), |quote| panic!("{quote:?}"))
}

/// The pair's account with some bytes replaced, written to its pool.
fn rewritten(pair: &Pair, changes: &[(usize, &[u8])]) -> Box<dyn PoolState> {
    let (mut pool, mut data) = (pair.pool(), pair.account());
    for (offset, bytes) in changes {
        data[*offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    pool.write(&PAIR, Some(AccountData { owner: &PROGRAM, data: &data })).expect("a pair");
    pool
}

#[test]
fn a_swap_within_a_bin_pays_its_fee_and_the_price() {
    let pool = pair(&[(0, sells_y(1_000_000))]).pool();
    // 1 % of 10,001 rounds up to 101; the price is 1.
    assert_eq!(ask(&*pool, 10_001, true), Ok((10_001, 9_900, 101)));
    // 9,900 net need 100 on top.
    assert_eq!(ask(&*pool, 9_900, false), Ok((10_000, 9_900, 100)));
}

#[test]
fn liquidity_is_used_before_orders_and_orders_being_filled_before_open_ones() {
    let content =
        BinContent { amount_y: 100, open_orders: 300, processed_orders: 200, ..BinContent::default() };
    let mut pool = pair(&[(0, content)]).pool();
    // 505 gross, 6 fee, 499 net: 100 of liquidity, 200 processed, 199 of 300 open.
    assert_eq!(ask(&*pool, 505, true), Ok((505, 499, 6)));
    pool.execute(&environment(), &SwapRequest::new(505, true, true)).expect("a swap");
    assert_eq!(error(ask(&*pool, 102, false)), ("BitmapExtensionAccountIsNotProvided", Some(6036)));
    assert_eq!(ask(&*pool, 101, false), Ok((103, 101, 2)));
}

#[test]
fn orders_are_not_touched_where_the_pair_mines_liquidity() {
    let content = BinContent { amount_y: 100, open_orders: 300, ..BinContent::default() };
    let pool = Pair { function_type: 1, ..pair(&[(0, content)]) }.pool();
    assert_eq!(ask(&*pool, 99, false), Ok((100, 99, 1)));
    assert_eq!(error(ask(&*pool, 101, false)), ("BitmapExtensionAccountIsNotProvided", Some(6036)));
}

#[test]
fn a_fee_on_y_is_taken_from_the_output() {
    let pool = Pair { collect_fee_mode: 1, ..pair(&[(0, sells_y(1_000_000))]) }.pool();
    assert_eq!(ask(&*pool, 10_001, true), Ok((10_001, 9_900, 101)));
    let quote = pool.quote(&environment(), &SwapRequest::new(10_001, true, true)).expect("a quote");
    assert!(!quote.fee_on_input);
    // A fee on top of what nearly fills 64 bits does not fit.
    assert_eq!(error(ask(&*pool, u64::MAX, false)), ("TypeCastFailed", Some(6019)));
}

#[test]
fn a_closed_pair_refuses_even_nothing() {
    let pair = pair(&[(0, sells_y(1_000))]);
    let disabled = rewritten(&pair, &[(82, &[1])]);
    assert_eq!(error(ask(&*disabled, 0, true)), ("PoolDisabled", Some(6042)));
    assert_eq!(disabled.obstacle(&environment()), Some(SetAside::Disabled { status: 1 }));
    // Seconds, customizable permissionless, opens one second later.
    let opens_at = NOW + 1;
    let early = rewritten(&pair, &[(86, &[1]), (75, &[2]), (816, &opens_at.to_le_bytes())]);
    assert_eq!(error(ask(&*early, 100, true)), ("PoolDisabled", Some(6042)));
    assert_eq!(early.obstacle(&environment()), Some(SetAside::NotYetOpen { opens_at }));
    let open = rewritten(&pair, &[(86, &[1]), (75, &[2]), (816, &NOW.to_le_bytes())]);
    assert!(ask(&*open, 100, true).is_ok());
    assert_eq!(open.obstacle(&environment()), None);
}

#[test]
fn nothing_in_or_out_is_refused() {
    let pool = pair(&[(0, sells_y(1_000))]).pool();
    assert_eq!(error(ask(&*pool, 0, true)), ("InvalidInput", Some(6002)));
    assert_eq!(error(ask(&*pool, 0, false)), ("InsufficientOutAmount", Some(6039)));
    assert_eq!(error(ask(&*pool, 1, true)), ("InsufficientOutAmount", Some(6039)));
}

#[test]
fn the_range_of_bins_ends_the_walk() {
    let pair = pair(&[(0, sells_y(10)), (-1, sells_y(10)), (-2, sells_y(10))]);
    let pool = rewritten(&pair, &[(24, &(-1_i32).to_le_bytes())]);
    assert!(ask(&*pool, 19, false).is_ok());
    assert_eq!(error(ask(&*pool, 21, false)), ("PairInsufficientLiquidity", Some(6012)));
}

#[test]
fn an_array_is_missed_only_if_nothing_is_known_of_it() {
    let pair = pair(&[(0, sells_y(10)), (-70, sells_y(10))]);
    let (address, data) = pair.arrays().swap_remove(0);
    let mut pool = pair.pool();
    assert!(ask(&*pool, 15, false).is_ok());
    // Another owner's bytes at its address: refused, and what was known is forgotten.
    let foreign = AccountData { owner: &TOKEN_PROGRAM, data: &data };
    assert!(matches!(pool.write(&address, Some(foreign)), Err(DecodeError::WrongOwner { .. })));
    let missing = SetAside::Missing { reason: "missing_bin_array", account: address };
    assert_eq!(pool.obstacle(&environment()), Some(missing));
    let refusal = ask(&*pool, 15, false).expect_err("an unknown array");
    assert_eq!((refusal.kind, refusal.code), (RefusalKind::MissingAccount, Some(3005)));
    assert!(refusal.details().contains(&("account", address.into())));
    assert!(ask(&*pool, 5, false).is_ok());
    pool.write(&address, None).expect("nothing");
    let refusal = ask(&*pool, 15, false).expect_err("an array that is not there");
    assert_eq!((refusal.kind, refusal.code), (RefusalKind::Program, Some(3005)));
}

#[test]
fn an_array_at_another_address_is_refused() {
    let pair = pair(&[(0, sells_y(10))]);
    let (_, data) = pair.arrays().swap_remove(0);
    let mut pool = pair.pool();
    let written = pool.write(&Pubkey([9; 32]), Some(AccountData { owner: &PROGRAM, data: &data }));
    assert!(matches!(written, Err(DecodeError::ImpossibleField { field: "address", .. })));
}

#[test]
fn a_vault_that_cannot_pay_or_be_paid_refuses() {
    let pair = pair(&[(0, sells_y(1_000_000))]);
    let vault = |mint: u8, amount: u64, state: u8| {
        let mut data = vec![0; 165];
        data[..32].copy_from_slice(&[mint; 32]);
        data[64..72].copy_from_slice(&amount.to_le_bytes());
        data[108] = state;
        data
    };
    for (reserve, data, expected) in [
        (4, vault(2, 98, 1), ("insufficient funds", Some(1))),
        (3, vault(1, u64::MAX - 99, 1), ("insufficient funds", Some(1))),
        (4, vault(2, 1_000, 2), ("Account is frozen", Some(17))),
        (3, vault(1, 1_000, 2), ("Account is frozen", Some(17))),
    ] {
        let mut pool = pair.pool();
        assert_eq!(ask(&*pool, 100, true), Ok((100, 99, 1)));
        pool.write(&Pubkey([reserve; 32]), Some(AccountData { owner: &TOKEN_PROGRAM, data: &data }))
            .expect("a vault");
        assert_eq!(error(ask(&*pool, 100, true)), expected);
    }
}

#[test]
fn too_many_bins_exceed_the_compute_budget_unless_only_asked_what_is_there() {
    let bins: Vec<_> = (0..400).map(|step| (-step, sells_y(1_000))).collect();
    let pool = pair(&bins).pool();
    let request = SwapRequest::new(350_000, false, true);
    let refusal = pool.quote(&environment(), &request).expect_err("too much work");
    assert_eq!(refusal.kind, RefusalKind::ComputeBudget);
    let request = SwapRequest { partial_fill: true, ..request };
    assert_eq!(pool.quote(&environment(), &request).map(|quote| quote.user_out), Ok(350_000));
    assert!(pool.quote(&environment(), &SwapRequest::new(100_000, false, true)).is_ok());
}

#[test]
fn a_lasting_field_does_not_change() {
    let pair = pair(&[(0, sells_y(1_000))]);
    let (mut pool, mut data) = (pair.pool(), pair.account());
    data[80] = 50;
    let written = pool.write(&PAIR, Some(AccountData { owner: &PROGRAM, data: &data }));
    assert!(matches!(written, Err(DecodeError::ImpossibleField { .. })), "{written:?}");
}
