//! Tick index to square root of price and back, exactly as Raydium rounds.
//!
//! One constant per set bit of the tick's magnitude is multiplied in Q64.64, from the low bits up,
//! and cut after every product; the inverse is taken for ticks above 0. The product over the low bits
//! is a function of those bits alone and comes from a table computed at compile time.
//!
//! # Source
//! raydium-clmm, `libraries/tick_math.rs`. Orca uses other constants and so other prices.

use crate::amm_math::tick_math::estimate_tick;

/// Lowest tick.
pub const MIN_TICK: i32 = -443_636;
/// Highest tick.
pub const MAX_TICK: i32 = 443_636;
/// Square root of the price at [`MIN_TICK`], Q64.64.
pub const MIN_SQRT_PRICE_X64: u128 = 4_295_048_016;
/// Square root of the price at [`MAX_TICK`], Q64.64; no pool ever gets there.
pub const MAX_SQRT_PRICE_X64: u128 = 79_226_673_521_066_979_257_578_248_091;

/// `sqrt(1.0001)^-(2^i)` in Q64.64.
const FACTORS_X64: [u64; 19] = [
    0xfffc_b933_bd6f_b800,
    0xfff9_7272_373d_4000,
    0xfff2_e50f_5f65_7000,
    0xffe5_caca_7e10_f000,
    0xffcb_9843_d60f_7000,
    0xff97_3b41_fa98_e800,
    0xff2e_a164_66c9_b000,
    0xfe5d_ee04_6a9a_3800,
    0xfcbe_86c7_900b_b000,
    0xf987_a725_3ac6_5800,
    0xf339_2b08_22bb_6000,
    0xe715_9475_a2ca_f000,
    0xd097_f3bd_fd2f_2000,
    0xa9f7_4646_2d9f_8000,
    0x70d8_69a1_56f3_1c00,
    0x31be_135f_97ed_3200,
    0x09aa_508b_5b85_a500,
    0x005d_6af8_dedc_582c,
    0x0000_2216_e584_f5fa,
];

const LOW_BITS: u32 = 9;
const LOW_COUNT: usize = 1 << LOW_BITS;
static LOW_PRODUCTS: [u128; LOW_COUNT] = low_products();

const fn low_products() -> [u128; LOW_COUNT] {
    let mut products = [1 << 64; LOW_COUNT];
    let mut bits = 1;
    while bits < LOW_COUNT {
        // The highest bit is multiplied last, onto the product of the bits below it.
        let top = bits.ilog2() as usize;
        products[bits] = (products[bits & !(1 << top)] * FACTORS_X64[top] as u128) >> 64;
        bits += 1;
    }
    products
}

/// Returns the square root of the price at `tick`, Q64.64.
///
/// Exact within [`MIN_TICK`]..=[`MAX_TICK`]; the program refuses others, and so must the caller.
#[must_use]
pub fn sqrt_price_at_tick(tick: i32) -> u128 {
    let ticks = tick.unsigned_abs();
    let mut ratio = LOW_PRODUCTS[(ticks & ((1 << LOW_BITS) - 1)) as usize];
    let mut high = ticks >> LOW_BITS & 0x3ff;
    while high != 0 {
        let bit = high.trailing_zeros();
        ratio = (ratio * u128::from(FACTORS_X64[(bit + LOW_BITS) as usize])) >> 64;
        high &= high - 1;
    }
    // The ratio is 0 only far beyond the last tick.
    if tick > 0 { u128::MAX.checked_div(ratio).unwrap_or(u128::MAX) } else { ratio }
}

/// Returns the highest tick whose square root of price is at most `sqrt_price_x64`.
///
/// Exact within [`MIN_SQRT_PRICE_X64`]..[`MAX_SQRT_PRICE_X64`]. Returns `None` for 0.
#[must_use]
pub fn tick_at_sqrt_price(sqrt_price_x64: u128) -> Option<i32> {
    let (low, high) = estimate_tick(sqrt_price_x64)?;
    Some(if low != high && sqrt_price_at_tick(high) <= sqrt_price_x64 { high } else { low })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit by bit, without a table.
    fn plain_sqrt_price(tick: i32) -> u128 {
        let mut ratio = 1_u128 << 64;
        for (bit, &factor) in FACTORS_X64.iter().enumerate() {
            if tick.unsigned_abs() >> bit & 1 == 1 {
                ratio = (ratio * u128::from(factor)) >> 64;
            }
        }
        if tick > 0 { u128::MAX / ratio } else { ratio }
    }

    /// The program's logarithm: 16 bits of fraction where Orca's has 14.
    fn plain_tick(sqrt_price: u128) -> i32 {
        let msb = sqrt_price.ilog2();
        let mut r = if msb >= 64 { sqrt_price >> (msb - 63) } else { sqrt_price << (63 - msb) };
        let mut fraction = 0_i128;
        for bit in 0..16 {
            r *= r;
            let twice = r >> 127;
            r >>= 63 + twice;
            fraction += (0x8000_0000_0000_0000 >> bit) * twice.cast_signed();
        }
        let log2_x32 = ((i128::from(msb) - 64) << 32) + (fraction >> 32);
        let log = log2_x32 * 59_543_866_431_248;
        let narrow = |value: i128| i32::try_from(value >> 64).expect("a tick");
        let (low, high) = (narrow(log - 184_467_440_737_095_516), narrow(log + 15_793_534_762_490_258_745));
        if low != high && sqrt_price_at_tick(high) <= sqrt_price { high } else { low }
    }

    #[test]
    fn published_prices_are_met() {
        let cases = [
            (MIN_TICK, MIN_SQRT_PRICE_X64),
            (-100_000, 124_324_258_983_086_206),
            (-18_000, 7_500_223_941_357_688_491),
            (-1, 18_445_821_805_675_395_072),
            (0, 18_446_744_073_709_551_616),
            (1, 18_447_666_387_855_957_090),
            (64, 18_505_865_242_158_232_063),
            (18_000, 45_369_627_571_325_642_613),
            (100_000, 2_737_055_259_402_209_284_734),
            (MAX_TICK, MAX_SQRT_PRICE_X64),
        ];
        for (tick, sqrt_price) in cases {
            assert_eq!(sqrt_price_at_tick(tick), sqrt_price, "tick {tick}");
        }
    }

    /// At both ends of every tick; the estimates are monotone, so it holds in between.
    #[test]
    fn every_tick_has_its_price_and_every_price_its_tick() {
        let mut below = 0;
        for tick in MIN_TICK..=MAX_TICK {
            let sqrt_price = sqrt_price_at_tick(tick);
            assert_eq!(sqrt_price, plain_sqrt_price(tick), "tick {tick}");
            assert!(sqrt_price > below, "tick {tick} is not above its neighbour");
            assert_eq!((tick_at_sqrt_price(sqrt_price), plain_tick(sqrt_price)), (Some(tick), tick));
            if tick > MIN_TICK {
                let last = sqrt_price - 1;
                assert_eq!((tick_at_sqrt_price(last), plain_tick(last)), (Some(tick - 1), tick - 1));
            }
            below = sqrt_price;
        }
    }
}
