//! What must hold of every pool, asked through the venue as the market asks.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::VENUE;
use crate::amm_math::Segment;
use crate::amm_math::tick_math::sqrt_price_from_tick_index;
use crate::decoders::orca_whirlpool::PROGRAM;
use crate::decoders::spl_token::TOKEN_2022_PROGRAM;
use crate::pda;
use crate::quantities::Pubkey;
use crate::swap::{Environment, SwapRequest};
use crate::venues::{AccountData, Dependency, NewPool, PoolState};

const POOL: Pubkey = Pubkey([7; 32]);
const NOW: Environment = Environment { clock: None };

/// What a pool is made of; positions are (spacings below, spacings above, liquidity).
#[derive(Debug, Clone)]
struct Recipe {
    spacing: u16,
    fee_rate_e6: u16,
    tick: i32,
    /// Part of the way to the next tick, in 1/256.
    past: u8,
    positions: Vec<(i32, i32, u64)>,
}

impl Recipe {
    fn step(&self) -> i32 {
        i32::from(self.spacing)
    }

    fn nets(&self) -> BTreeMap<i32, i128> {
        let base = self.tick.div_euclid(self.step()) * self.step();
        let mut nets = BTreeMap::new();
        for &(below, above, liquidity) in &self.positions {
            *nets.entry(base - below * self.step()).or_default() += i128::from(liquidity);
            *nets.entry(base + (above + 1) * self.step()).or_default() -= i128::from(liquidity);
        }
        nets
    }

    fn pool_data(&self) -> Vec<u8> {
        let mut data = vec![0; 653];
        let mut put = |offset: usize, bytes: &[u8]| data[offset..offset + bytes.len()].copy_from_slice(bytes);
        let liquidity: u128 = self.positions.iter().map(|&(.., liquidity)| u128::from(liquidity)).sum();
        let low = sqrt_price_from_tick_index(self.tick);
        let way = sqrt_price_from_tick_index(self.tick + 1) - low;
        put(0, &[0x3f, 0x95, 0xd1, 0x0c, 0xe1, 0x80, 0x63, 0x09]);
        put(41, &self.spacing.to_le_bytes());
        put(43, &self.spacing.to_le_bytes());
        put(45, &self.fee_rate_e6.to_le_bytes());
        put(47, &300_u16.to_le_bytes());
        put(49, &liquidity.to_le_bytes());
        put(65, &(low + way / 256 * u128::from(self.past)).to_le_bytes());
        put(81, &self.tick.to_le_bytes());
        put(101, &[1; 32]);
        put(181, &[2; 32]);
        data
    }

    fn open(&self) -> Box<dyn PoolState> {
        let data = self.pool_data();
        let new = NewPool { address: POOL, program: PROGRAM, data: &data, assume_plain_mints: true };
        let mut pool = (VENUE.open)(&new).expect("a pool");
        let mut arrays: BTreeMap<i32, Vec<u8>> = BTreeMap::new();
        let span = 88 * self.step();
        for (tick, net) in self.nets() {
            let start = tick.div_euclid(span) * span;
            let data = arrays.entry(start).or_insert_with(|| {
                let mut data = vec![0; 9988];
                data[..8].copy_from_slice(&[0x45, 0x61, 0xbd, 0xbe, 0x6e, 0x07, 0x42, 0xbb]);
                data[8..12].copy_from_slice(&start.to_le_bytes());
                data[9956..].copy_from_slice(&POOL.0);
                data
            });
            let offset = 12 + 113 * usize::try_from((tick - start) / self.step()).expect("inside");
            data[offset] = 1;
            data[offset + 1..offset + 17].copy_from_slice(&net.to_le_bytes());
        }
        for (start, data) in arrays {
            let (address, _) = pda::whirlpool_tick_array(&PROGRAM, &POOL, start).expect("derivable");
            write(&mut *pool, address, &data);
        }
        let mut dependencies: Vec<Dependency> = Vec::new();
        pool.dependencies(&mut dependencies);
        for dependency in dependencies.iter().filter(|dependency| !dependency.is_known) {
            pool.write(&dependency.address, None).expect("nothing to decode");
        }
        pool
    }
}

fn write(pool: &mut dyn PoolState, address: Pubkey, data: &[u8]) {
    let account = AccountData { owner: &PROGRAM, data };
    pool.write(&address, Some(account)).expect("a good account");
}

/// A Token-2022 mint with this transfer fee: basis points and maximum.
fn write_mint(pool: &mut dyn PoolState, side: u8, (basis_points, maximum): (u16, u64)) {
    let mut data = vec![0; 278];
    data[45] = 1;
    data[165..170].copy_from_slice(&[1, 1, 0, 108, 0]);
    for schedule in [242, 260] {
        data[schedule + 8..schedule + 16].copy_from_slice(&maximum.to_le_bytes());
        data[schedule + 16..schedule + 18].copy_from_slice(&basis_points.to_le_bytes());
    }
    let account = AccountData { owner: &TOKEN_2022_PROGRAM, data: &data };
    pool.write(&Pubkey([side + 1; 32]), Some(account)).expect("a mint");
}

fn transfer_fee() -> impl Strategy<Value = (u16, u64)> {
    let basis_points = prop_oneof![Just(0_u16), 1_u16..1000, Just(10_000)];
    (basis_points, (any::<u64>(), 0_u32..64).prop_map(|(value, shift)| value >> shift))
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let spacing = prop_oneof![Just(1_u16), Just(8), Just(64), Just(128)];
    let fee = prop_oneof![Just(0_u16), Just(100), Just(3000), 0_u16..=60_000];
    let liquidity = (1_u64..1 << 60, 0_u32..60).prop_map(|(liquidity, shift)| (liquidity >> shift).max(1));
    let positions = prop::collection::vec((0_i32..60, 0_i32..60, liquidity), 1..40);
    (spacing, fee, -200_000_i32..200_000, any::<u8>(), positions).prop_map(
        |(spacing, fee_rate_e6, tick, past, positions)| Recipe {
            spacing,
            fee_rate_e6,
            tick,
            past,
            positions,
        },
    )
}

fn amount() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..63).prop_map(|(value, shift)| (value >> shift).max(1))
}

/// What is asked of a pool or done to it, one after the other.
#[derive(Debug, Clone)]
enum Event {
    /// A swap with a limit so many ticks ahead (0: none); carried out or only quoted.
    Swap { amount: u64, exact_in: bool, a_to_b: bool, limit: u16, executed: bool },
    /// The pool's account as it was at first, but for the price within the tick.
    Moved { past: u8 },
}

fn event() -> impl Strategy<Value = Event> {
    let limit = prop_oneof![2 => Just(0_u16), 1 => 1_u16..2000];
    prop_oneof![
        8 => (amount(), any::<bool>(), any::<bool>(), limit, prop::bool::weighted(0.1)).prop_map(
            |(amount, exact_in, a_to_b, limit, executed)| Event::Swap {
                amount, exact_in, a_to_b, limit, executed,
            }
        ),
        1 => any::<u8>().prop_map(|past| Event::Moved { past }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    /// A fresh copy remembers nothing, so its first answer comes from the walk.
    #[test]
    fn remembered_steps_answer_as_the_walk_does(
        recipe in recipe(), events in prop::collection::vec(event(), 1..40),
    ) {
        let mut pool = recipe.open();
        for event in events {
            let (amount, exact_in, a_to_b, limit, executed) = match event {
                Event::Moved { past } => {
                    let data = Recipe { past, ..recipe.clone() }.pool_data();
                    write(&mut *pool, POOL, &data);
                    continue;
                }
                Event::Swap { amount, exact_in, a_to_b, limit, executed } => {
                    (amount, exact_in, a_to_b, limit, executed)
                }
            };
            let mut request = SwapRequest::new(amount, exact_in, a_to_b);
            if limit > 0 {
                let ticks = if a_to_b { -i32::from(limit) } else { i32::from(limit) };
                request.sqrt_price_limit_x64 = sqrt_price_from_tick_index(recipe.tick + ticks);
            }
            let walked = pool.boxed_clone().quote(&NOW, &request);
            prop_assert_eq!(&pool.quote(&NOW, &request), &walked);
            // Once more at the edge of what was paid, where steps end exactly.
            if let Ok(quote) = &walked {
                for edge in [quote.user_in.saturating_sub(1), quote.user_in, quote.user_in.saturating_add(1)] {
                    let request = SwapRequest { amount: edge, exact_in: true, ..request };
                    prop_assert_eq!(pool.quote(&NOW, &request), pool.boxed_clone().quote(&NOW, &request));
                }
            }
            if executed {
                let done = pool.execute(&NOW, &request).map(|execution| execution.quote);
                prop_assert_eq!(done, walked);
            }
        }
    }

    /// At a limit on a tick, every step up to it is whole and the sums end exactly there.
    #[test]
    fn amounts_that_end_on_ticks_are_those_of_the_walk(
        recipe in recipe(), ahead in 1_i32..40, more in -1_i64..=1, a_to_b: bool, exact_in: bool,
    ) {
        let pool = recipe.open();
        let base = recipe.tick.div_euclid(recipe.step()) * recipe.step();
        let tick = if a_to_b { base - ahead * recipe.step() } else { base + ahead * recipe.step() };
        let request = SwapRequest {
            sqrt_price_limit_x64: sqrt_price_from_tick_index(tick),
            ..SwapRequest::new(u64::MAX, true, a_to_b)
        };
        let Ok(all) = pool.boxed_clone().quote(&NOW, &request) else { return Ok(()) };
        let whole = if exact_in { all.user_in } else { all.user_out };
        let amount = whole.saturating_add_signed(more);
        for limit in [0, request.sqrt_price_limit_x64] {
            let request = SwapRequest {
                sqrt_price_limit_x64: limit, ..SwapRequest::new(amount, exact_in, a_to_b)
            };
            let walked = pool.boxed_clone().quote(&NOW, &request);
            for _ in 0..3 {
                prop_assert_eq!(&pool.quote(&NOW, &request), &walked);
            }
        }
    }

    #[test]
    fn exact_output_names_an_input_that_suffices(recipe in recipe(), wanted in amount(), a_to_b: bool) {
        let pool = recipe.open();
        if let Ok(quote) = pool.quote(&NOW, &SwapRequest::new(wanted, false, a_to_b))
            && let Ok(back) = pool.quote(&NOW, &SwapRequest::new(quote.user_in, true, a_to_b))
        {
            prop_assert!(back.user_out >= wanted, "{} for {wanted}", back.user_out);
        }
    }

    #[test]
    fn higher_fee_never_gives_more(recipe in recipe(), amount in amount(), a_to_b: bool, more in 1_u16..5000) {
        let dear = Recipe { fee_rate_e6: recipe.fee_rate_e6 + more, ..recipe.clone() };
        let request = SwapRequest::new(amount, true, a_to_b);
        if let (Ok(cheap), Ok(dear)) = (recipe.open().quote(&NOW, &request), dear.open().quote(&NOW, &request)) {
            prop_assert!(dear.user_out <= cheap.user_out);
        }
    }

    #[test]
    fn the_search_never_sees_less_than_a_quote_pays(
        recipe in recipe(), amount in amount(), a_to_b: bool, fees in [transfer_fee(), transfer_fee()],
        has_fees: bool,
    ) {
        let mut pool = recipe.open();
        for (side, fee) in (0..2).zip(fees) {
            if has_fees {
                write_mint(&mut *pool, side, fee);
            }
        }
        let Ok(quote) = pool.quote(&NOW, &SwapRequest::new(amount, true, a_to_b)) else { return Ok(()) };
        let mut segments: Vec<Segment> = Vec::new();
        pool.segments(&NOW, a_to_b, &mut segments);
        let (mut left, mut output) = (quote.user_in as f64, 0.0);
        for segment in &segments {
            let x = left.min(segment.max_in);
            output += segment.gain * x / (segment.base + segment.drag * x);
            left -= x;
        }
        let paid = quote.user_out as f64;
        prop_assert!(output >= paid * (1.0 - 1e-9) - 1.0, "{output} for {paid}");
        // A fee that has reached its maximum takes nothing of the rest, so the rate may rise.
        if !has_fees {
            let marginal = pool.marginal_rate(&NOW, a_to_b) * quote.user_in as f64;
            prop_assert!(marginal >= paid * (1.0 - 1e-9), "{marginal} for {paid}");
        }
    }
}
