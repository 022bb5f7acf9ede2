//! What must hold of every Raydium CLMM swap, whatever the pool.

#[path = "common/raydium_clmm.rs"]
mod pools;

use phantom_core::amm_math::Segment;
use phantom_core::decoders::sysvar::Clock;
use phantom_core::swap::{Environment, Quote, Refusal, RefusalKind, SwapRequest};
use phantom_core::venues::raydium_clmm::{PROGRAM, sqrt_price_at_tick};
use phantom_core::venues::{AccountData, Dependency, PoolState, SetAside};
use pools::{POOL, Shape, extension_address, put, tick_array_address};
use proptest::prelude::*;

fn environment() -> Environment {
    Environment { clock: Some(Clock { slot: 1, epoch: 1, unix_timestamp: 1_750_000_000 }) }
}

fn quote(pool: &dyn PoolState, request: &SwapRequest) -> Result<Quote, Refusal> {
    pool.quote(&environment(), request)
}

fn give(pool: &dyn PoolState, amount: u64, a_to_b: bool) -> Result<u64, Refusal> {
    quote(pool, &SwapRequest::new(amount, true, a_to_b)).map(|quote| quote.user_out)
}

fn shape() -> impl Strategy<Value = Shape> {
    let spacing = prop_oneof![Just(1_u16), Just(10), Just(60), Just(120)];
    let fee_rate_e6 = prop_oneof![Just(0_u32), Just(100), Just(2_500), 0_u32..1_000_000];
    let positions = prop::collection::vec((0_i32..140, 0_i32..140, 1_u64..1 << 60), 1..40);
    let transfer_fee = prop_oneof![
        4 => Just((0_u16, 0_u64)),
        1 => (1_u16..=10_000, 0_u64..1 << 40),
        1 => (1_u16..=10_000, Just(u64::MAX)),
    ];
    let transfer_fees = [transfer_fee.clone(), transfer_fee];
    // Beyond 30,720 ticks a spacing of 1 needs the bitmap extension.
    (spacing, fee_rate_e6, -200_000_i32..200_000, any::<u128>(), positions, transfer_fees).prop_map(
        |(spacing, fee_rate_e6, tick, past, positions, transfer_fees)| Shape {
            spacing,
            fee_rate_e6,
            tick,
            past,
            positions,
            transfer_fees,
            ..Shape::default()
        },
    )
}

fn amount() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..63).prop_map(|(value, shift)| (value >> shift).max(1))
}

/// No limit half of the time, else one up to some thousand ticks ahead, now and then on a tick.
fn limit(shape: &Shape, a_to_b: bool, distance: i32, kind: u8) -> u128 {
    let tick = if a_to_b { shape.tick - distance } else { shape.tick + distance };
    match kind % 4 {
        0 => sqrt_price_at_tick(tick),
        1 => sqrt_price_at_tick(tick.div_euclid(i32::from(shape.spacing)) * i32::from(shape.spacing)) + 1,
        _ => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    /// A quote leaps over whole ways between ticks, an execution goes step by step.
    #[test]
    fn leaping_quote_equals_the_programs_steps(
        shape in shape(), amount in amount(), exact_in: bool, a_to_b: bool, distance in 1_i32..9_000, kind: u8,
    ) {
        let mut pool = shape.open();
        let request = SwapRequest {
            sqrt_price_limit_x64: limit(&shape, a_to_b, distance, kind),
            ..SwapRequest::new(amount, exact_in, a_to_b)
        };
        let quoted = quote(&*pool, &request);
        let done = pool.execute(&environment(), &request);
        prop_assert_eq!(quoted, done.map(|done| done.quote));
    }

    /// What is known of a pool after a swap is what its accounts would say.
    #[test]
    fn amounts_at_the_edges_of_ways_are_exact(
        shape in shape(), share in 0.0_f64..1.0, delta in -2_i64..=2, exact_in: bool, a_to_b: bool,
    ) {
        // The most that the way to some tick takes or gives, more or less a unit.
        let pool = shape.open();
        let steps = 140.0 * share;
        #[expect(clippy::cast_possible_truncation, reason = "at most 140")]
        let distance = (steps as i32 + 1) * i32::from(shape.spacing);
        let base = shape.tick.div_euclid(i32::from(shape.spacing)) * i32::from(shape.spacing);
        let edge = if a_to_b { base - distance } else { base + distance };
        let to_edge = SwapRequest {
            sqrt_price_limit_x64: sqrt_price_at_tick(edge),
            ..SwapRequest::new(1 << 61, exact_in, a_to_b)
        };
        if let Ok(whole) = quote(&*pool, &to_edge) {
            let amount = if exact_in { whole.user_in } else { whole.user_out };
            let Some(amount) = amount.checked_add_signed(delta) else { return Ok(()) };
            let request = SwapRequest::new(amount, exact_in, a_to_b);
            let done = pool.clone().execute(&environment(), &request);
            prop_assert_eq!(quote(&*pool, &request), done.map(|done| done.quote));
        }
    }

    #[test]
    fn output_never_falls_when_input_grows(shape in shape(), less in amount(), more in amount(), a_to_b: bool) {
        let (less, more) = (less.min(more), less.max(more));
        let pool = shape.open();
        if let (Ok(small), Ok(large)) = (give(&*pool, less, a_to_b), give(&*pool, more, a_to_b)) {
            prop_assert!(small <= large);
        }
    }

    #[test]
    fn input_never_falls_when_output_grows(shape in shape(), less in amount(), more in amount(), a_to_b: bool) {
        let (less, more) = (less.min(more), less.max(more));
        let pool = shape.open();
        let take = |amount| quote(&*pool, &SwapRequest::new(amount, false, a_to_b));
        if let (Ok(small), Ok(large)) = (take(less), take(more)) {
            prop_assert!(small.user_in <= large.user_in);
        }
    }

    #[test]
    fn higher_fee_never_gives_more(shape in shape(), more in 1_u32..1_000_000, amount in amount(), a_to_b: bool) {
        let dearer = Shape { fee_rate_e6: (shape.fee_rate_e6 + more).min(999_999), ..shape.clone() };
        if let (Ok(cheap), Ok(dear)) =
            (give(&*shape.open(), amount, a_to_b), give(&*dearer.open(), amount, a_to_b))
        {
            prop_assert!(dear <= cheap);
        }
    }

    #[test]
    fn input_quoted_for_an_output_gives_it(shape in shape(), wanted in amount(), a_to_b: bool) {
        let pool = shape.open();
        if let Ok(asked) = quote(&*pool, &SwapRequest::new(wanted, false, a_to_b)) {
            match give(&*pool, asked.user_in, a_to_b) {
                Ok(given) => prop_assert!(given >= asked.user_out, "{given} of {}", asked.user_out),
                // The input may pay for a unit more than the ticks within reach hold.
                Err(refusal) => prop_assert!(
                    ["LiquidityInsufficient", "NotEnoughTickArrayAccount"].contains(&refusal.name), "{refusal}"
                ),
            }
        }
    }

    #[test]
    fn there_and_back_never_gains(shape in shape(), paid in amount(), a_to_b: bool) {
        let mut pool = shape.open();
        if let Ok(there) = pool.execute(&environment(), &SwapRequest::new(paid, true, a_to_b))
            && let Ok(back) = give(&*pool, there.quote.user_out, !a_to_b)
        {
            prop_assert!(back <= there.quote.user_in);
        }
    }

    #[test]
    fn splitting_never_beats_one_swap(shape in shape(), first in amount(), second in amount(), a_to_b: bool) {
        // A fee with a maximum is paid twice by two swaps, and rounds up for each.
        let (first, second) = ((first >> 1).max(1), (second >> 1).max(1));
        let mut pool = shape.open();
        let whole = give(&*pool, first + second, a_to_b);
        let part = pool.execute(&environment(), &SwapRequest::new(first, true, a_to_b));
        if let (Ok(whole), Ok(part)) = (whole, part)
            && let Ok(rest) = give(&*pool, second, a_to_b)
        {
            prop_assert!(part.quote.user_out + rest <= whole);
        }
    }

    #[test]
    fn accounts_never_seen_change_nothing_or_say_so(
        shape in shape(), amount in amount(), exact_in: bool, a_to_b: bool, hidden: u16,
    ) {
        let whole = shape.open();
        let mut partly = shape.bare();
        let (_, accounts) = shape.accounts();
        for (index, (address, owner, data)) in accounts.iter().enumerate() {
            if hidden >> (index % 16) & 1 == 0 {
                partly.write(address, Some(AccountData { owner, data })).expect("an account of the pool");
            }
        }
        let mut known = Vec::new();
        partly.dependencies(&mut known);
        let request = SwapRequest::new(amount, exact_in, a_to_b);
        match quote(&*partly, &request) {
            Err(refusal) if refusal.kind == RefusalKind::MissingAccount => {
                prop_assert!(known.iter().any(|each| !each.is_known));
                prop_assert!(partly.obstacle(&environment()).is_some());
            }
            answer => prop_assert_eq!(answer, quote(&*whole, &request)),
        }
    }

    #[test]
    fn segments_never_understate_and_hardly_overstate(shape in shape(), share in 0.0_f64..1.0, a_to_b: bool) {
        let pool = shape.open();
        let mut segments: Vec<Segment> = Vec::new();
        pool.segments(&environment(), a_to_b, &mut segments);
        let input = (segments.iter().map(|segment| segment.max_in).sum::<f64>() * share * 0.999).round();
        prop_assume!(input > 1e6 && input < 1e18);
        let (mut left, mut output, mut rounding) = (input, 0.0, 3.0);
        for segment in &segments {
            let x = left.min(segment.max_in);
            output += segment.gain * x / (segment.base + segment.drag * x);
            left -= x;
            // Every step rounds up to two units on the way in and one on the way out.
            rounding += 1.0 + 3.0 * segment.gain / segment.base;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above")]
        let amount = input as u64;
        if let Ok(exact) = give(&*pool, amount, a_to_b) {
            prop_assert!(output >= exact as f64 * (1.0 - 1e-9) - 1.0, "{output} for {exact}");
            prop_assert!(output <= exact as f64 + rounding + output * 1e-6, "{output} for {exact}");
        }
        let first = segments.first().map_or(0.0, |segment| segment.gain / segment.base);
        prop_assert!((pool.marginal_rate(&environment(), a_to_b) - first).abs() <= first * 1e-12);
    }

    #[test]
    fn bytes_of_any_kind_are_refused_or_read(
        shape in shape(), which: prop::sample::Index, at: prop::sample::Index, bytes: [u8; 16], amount in amount(),
        a_to_b: bool, exact_in: bool,
    ) {
        let (mut data, mut others) = shape.accounts();
        let which = which.index(others.len() + 1);
        let target = if which == 0 { &mut data } else { &mut others[which - 1].2 };
        let at = at.index(target.len() - 15);
        put(target, at, &bytes);
        let mut pool = shape.open();
        let written = if which == 0 {
            pool.write(&POOL, Some(AccountData { owner: &PROGRAM, data: &data }))
        } else {
            let (address, owner, data) = &others[which - 1];
            pool.write(address, Some(AccountData { owner, data }))
        };
        if written.is_ok() {
            let request = SwapRequest::new(amount, exact_in, a_to_b);
            let quoted = quote(&*pool, &request);
            prop_assert_eq!(quoted, pool.clone().execute(&environment(), &request).map(|done| done.quote));
        }
        let mut segments = Vec::new();
        pool.segments(&environment(), a_to_b, &mut segments);
        pool.summary(&environment());
    }
}

fn one_position() -> Shape {
    Shape { positions: vec![(200, 200, 1_000_000_000)], ..Shape::default() }
}

fn refused(pool: &dyn PoolState, request: &SwapRequest) -> (&'static str, Option<u32>) {
    let refusal = quote(pool, request).expect_err("a refusal");
    (refusal.name, refusal.code)
}

/// Rewrites the pool's own account.
fn rewritten(shape: &Shape, offset: usize, bytes: &[u8]) -> Box<dyn PoolState> {
    let mut pool = shape.open();
    let (mut data, _) = shape.accounts();
    put(&mut data, offset, bytes);
    pool.write(&POOL, Some(AccountData { owner: &PROGRAM, data: &data })).expect("still a pool");
    pool
}

#[test]
fn swaps_of_a_stopped_or_unopened_pool_are_refused_by_the_programs_errors() {
    let (shape, request) = (one_position(), SwapRequest::new(1_000, true, true));
    let stopped = rewritten(&shape, 389, &[16]);
    assert_eq!(refused(&*stopped, &request), ("NotApproved", Some(6001)));
    assert_eq!(stopped.obstacle(&environment()), Some(SetAside::Disabled { status: 16 }));
    let opens_at = 1_750_000_000_u64;
    let closed = rewritten(&shape, 1080, &opens_at.to_le_bytes());
    assert_eq!(refused(&*closed, &request), ("RequireGtViolated", Some(2505)));
    assert_eq!(closed.obstacle(&environment()), Some(SetAside::NotYetOpen { opens_at }));
    assert_eq!(closed.obstacle(&Environment::default()), Some(SetAside::MissingClock));
    assert!(closed.depends_on_time() && !shape.open().depends_on_time());
    let open = rewritten(&shape, 1080, &(opens_at - 1).to_le_bytes());
    assert!(quote(&*open, &request).is_ok() && open.obstacle(&environment()).is_none());
}

#[test]
fn what_is_newer_than_the_program_is_not_guessed() {
    let (shape, request) = (one_position(), SwapRequest::new(1_000, true, true));
    for (offset, bytes, reason) in
        [(390, [1, 0], "fee_on_one_token"), (1096, [5, 0], "dynamic_fee"), (1096 + 26, [1, 0], "dynamic_fee")]
    {
        let pool = rewritten(&shape, offset, &bytes);
        assert_eq!(pool.obstacle(&environment()), Some(SetAside::Unsupported { reason }));
        let refusal = quote(&*pool, &request).expect_err("not supported");
        assert_eq!((refusal.kind, refusal.name), (RefusalKind::Unsupported, reason));
    }
    let (_, accounts) = shape.accounts();
    let start = -2_400;
    let (address, owner, data) =
        accounts.iter().find(|(address, ..)| *address == tick_array_address(start)).expect("its lower array");
    let mut data = data.clone();
    put(&mut data, 44 + 168 * 3 + 124, &1_u64.to_le_bytes());
    let mut pool = shape.open();
    pool.write(address, Some(AccountData { owner, data: &data })).expect("an array");
    let reason = "limit_orders";
    assert_eq!(pool.obstacle(&environment()), Some(SetAside::Unsupported { reason }));
}

#[test]
fn amounts_limits_and_thresholds_are_refused_by_the_programs_errors() {
    let pool = one_position().open();
    let request = SwapRequest::new(1_000, true, true);
    let with = |change: fn(&mut SwapRequest)| {
        let mut request = request;
        change(&mut request);
        refused(&*pool, &request)
    };
    assert_eq!(with(|request| request.amount = 0), ("ZeroAmountSpecified", Some(6024)));
    assert_eq!(with(|request| request.amount = 1), ("TooSmallInputOrOutputAmount", Some(6026)));
    assert_eq!(
        with(|request| request.sqrt_price_limit_x64 = 1 << 64),
        ("SqrtPriceLimitOverflow", Some(6013)),
        "the price itself is no limit"
    );
    assert_eq!(
        with(|request| request.other_amount_threshold = 1_000),
        ("TooLittleOutputReceived", Some(6022))
    );
    let exact_out = SwapRequest { exact_in: false, other_amount_threshold: 1_000, ..request };
    assert_eq!(refused(&*pool, &exact_out), ("TooMuchInputPaid", Some(6023)));
    let all = SwapRequest::new(1 << 60, true, true);
    assert_eq!(refused(&*pool, &all), ("LiquidityInsufficient", Some(6019)));
    // A limit before the last tick turns the same amount into a partial fill.
    let limited = SwapRequest { sqrt_price_limit_x64: sqrt_price_at_tick(-1_000), ..all };
    let quoted = quote(&*pool, &limited).expect("a partial fill");
    assert!(quoted.user_in < all.amount && quoted.user_out > 0);
}

#[test]
fn a_vault_that_pays_out_everything_stops_the_pool() {
    let wanted = 1_000;
    let request = SwapRequest::new(wanted, false, true);
    let mut pool = Shape { vault: wanted, ..one_position() }.open();
    assert_eq!(pool.execute(&environment(), &request).expect("the last swap").quote.vault_out, wanted);
    assert_eq!(refused(&*pool, &request), ("NotApproved", Some(6001)));
    let pool = Shape { vault: wanted - 1, ..one_position() }.open();
    assert_eq!(refused(&*pool, &request), ("insufficient funds", Some(1)));
}

#[test]
fn the_older_instruction_takes_no_token_2022() {
    let shape = Shape { transfer_fees: [(100, u64::MAX), (0, 0)], ..one_position() };
    let request = SwapRequest { instruction: Some("swap"), ..SwapRequest::new(1_000, true, true) };
    assert_eq!(refused(&*shape.open(), &request), ("AccountOwnedByWrongProgram", Some(3007)));
    let quoted = quote(&*shape.open(), &SwapRequest { instruction: None, ..request }).expect("swap_v2");
    // 1 % of 1000 stays with the mint; 990 less 0.25 % buys 986.5 at price 1, less rounding.
    assert_eq!((quoted.user_in, quoted.vault_in, quoted.input_transfer_fee), (1_000, 990, 10));
    assert_eq!((quoted.user_out, quoted.fee), (986, 3));
}

#[test]
fn pool_with_nothing_known_asks_for_everything_once() {
    let shape = Shape { positions: vec![(700, 700, 1_000)], ..Shape::default() };
    let mut pool = shape.bare();
    let mut asked: Vec<Dependency> = Vec::new();
    pool.dependencies(&mut asked);
    // Two arrays have initialised ticks: bit by bit they are known from the pool alone.
    let arrays: Vec<_> = asked.iter().filter(|each| each.reason == "missing_tick_array").collect();
    assert_eq!(arrays.len(), 2);
    assert_eq!(arrays[0].address, tick_array_address(-7_200));
    assert_eq!(arrays[1].address, tick_array_address(6_600));
    assert!(asked.iter().all(|each| !each.is_known));
    let others = ["missing_config", "missing_vault", "missing_mint", "missing_bitmap_extension"];
    assert!(others.iter().all(|reason| asked.iter().any(|each| each.reason == *reason)));
    for (address, owner, data) in &shape.accounts().1 {
        assert!(pool.write(address, Some(AccountData { owner, data })).expect("its account").changed);
        assert!(!pool.write(address, Some(AccountData { owner, data })).expect("its account").changed);
    }
    assert_eq!(pool.obstacle(&environment()), None);
    let mut asked = Vec::new();
    pool.dependencies(&mut asked);
    assert!(asked.iter().all(|each| each.is_known));
}

#[test]
fn a_pool_without_extension_says_so_where_its_bitmap_ends() {
    let mut pool = one_position().open();
    let all = SwapRequest::new(1 << 60, true, true);
    pool.write(&extension_address(), None).expect("known not to exist");
    let missing = ("MissingTickArrayBitmapExtensionAccount", Some(6040));
    assert_eq!(refused(&*pool, &all), missing);
    assert!(quote(&*pool, &SwapRequest::new(1_000, true, true)).is_ok());
}

#[test]
fn arrays_of_another_pool_or_at_another_address_are_not_taken() {
    let shape = one_position();
    let (_, accounts) = shape.accounts();
    let (address, owner, data) = accounts
        .iter()
        .find(|(address, ..)| *address == tick_array_address(-2_400))
        .expect("its lower array");
    let mut pool = shape.open();
    let elsewhere = pools::CONFIG;
    assert_ne!(*address, elsewhere);
    let stranger = phantom_core::quantities::Pubkey([99; 32]);
    let ignored = pool.write(&stranger, Some(AccountData { owner, data })).expect("ignored");
    assert!(!ignored.changed);
    let mut foreign = data.clone();
    put(&mut foreign, 8, &[5; 32]);
    assert!(pool.write(address, Some(AccountData { owner, data: &foreign })).is_err());
    // What was known of it is forgotten.
    let refusal = quote(&*pool, &SwapRequest::new(1 << 60, true, true)).expect_err("an array is missing");
    assert_eq!(refusal.kind, RefusalKind::MissingAccount);
}
