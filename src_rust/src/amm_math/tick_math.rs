//! Tick index to square root of price and back, exactly as the Orca program rounds.
//!
//! `sqrt_price = 1.0001^(tick / 2)` in Q64.64, built by multiplying one constant per set bit of the
//! tick and cutting after every product. The cuts run from the low bits up, so the product over the
//! low bits is a function of those bits alone and comes from a table computed at compile time.
//!
//! # Source
//! Orca Whirlpool program, `math/tick_math.rs`. Raydium uses other constants.

use super::fixed_point::mul_wide;

/// Highest tick.
pub const MAX_TICK_INDEX: i32 = 443_636;
/// Lowest tick.
pub const MIN_TICK_INDEX: i32 = -443_636;
/// Square root of price at [`MAX_TICK_INDEX`], Q64.64.
pub const MAX_SQRT_PRICE_X64: u128 = 79_226_673_515_401_279_992_447_579_055;
/// Square root of price at [`MIN_TICK_INDEX`], Q64.64.
pub const MIN_SQRT_PRICE_X64: u128 = 4_295_048_016;

/// `2^32 / log2(sqrt(1.0001))`.
const LOG_B_2_X32: i128 = 59_543_866_431_248;
const BIT_PRECISION: u32 = 14;
/// 0.01 in Q64.64.
const ERR_MARGIN_LOWER_X64: i128 = 184_467_440_737_095_516;
/// `2^-14 / log2(sqrt(1.0001)) + 0.01` in Q64.64.
const ERR_MARGIN_UPPER_X64: i128 = 15_793_534_762_490_258_745;

/// `sqrt(1.0001)^(2^i)` in Q32.96.
const POSITIVE_X96: [u128; 19] = [
    79_232_123_823_359_799_118_286_999_567,
    79_236_085_330_515_764_027_303_304_731,
    79_244_008_939_048_815_603_706_035_061,
    79_259_858_533_276_714_757_314_932_305,
    79_291_567_232_598_584_799_939_703_904,
    79_355_022_692_464_371_645_785_046_466,
    79_482_085_999_252_804_386_437_311_141,
    79_736_823_300_114_093_921_829_183_326,
    80_248_749_790_819_932_309_965_073_892,
    81_282_483_887_344_747_381_513_967_011,
    83_390_072_131_320_151_908_154_831_281,
    87_770_609_709_833_776_024_991_924_138,
    97_234_110_755_111_693_312_479_820_773,
    119_332_217_159_966_728_226_237_229_890,
    179_736_315_981_702_064_433_883_588_727,
    407_748_233_172_238_350_107_850_275_304,
    2_098_478_828_474_011_932_436_660_412_517,
    55_581_415_166_113_811_149_459_800_483_533,
    38_992_368_544_603_139_932_233_054_999_993_551,
];

/// `sqrt(1.0001)^-(2^i)` in Q64.64.
const NEGATIVE_X64: [u128; 19] = [
    18_445_821_805_675_392_311,
    18_444_899_583_751_176_498,
    18_443_055_278_223_354_162,
    18_439_367_220_385_604_838,
    18_431_993_317_065_449_817,
    18_417_254_355_718_160_513,
    18_387_811_781_193_591_352,
    18_329_067_761_203_520_168,
    18_212_142_134_806_087_854,
    17_980_523_815_641_551_639,
    17_526_086_738_831_147_013,
    16_651_378_430_235_024_244,
    15_030_750_278_693_429_944,
    12_247_334_978_882_834_399,
    8_131_365_268_884_726_200,
    3_584_323_654_723_342_297,
    696_457_651_847_595_233,
    26_294_789_957_452_057,
    37_481_735_321_082,
];

const LOW_BITS: u32 = 9;
const LOW_COUNT: usize = 1 << LOW_BITS;
static POSITIVE_LOW: [u128; LOW_COUNT] = low_products(&POSITIVE_X96, 96);
static NEGATIVE_LOW: [u128; LOW_COUNT] = low_products(&NEGATIVE_X64, 64);

const fn mul_shift(a: u128, b: u128, shift: u32) -> u128 {
    let (high, low) = mul_wide(a, b);
    low >> shift | high << (128 - shift)
}

const fn low_products(factors: &[u128; 19], shift: u32) -> [u128; LOW_COUNT] {
    let mut products = [1 << shift; LOW_COUNT];
    let mut bits = 1;
    while bits < LOW_COUNT {
        // The highest bit is multiplied last, onto the product of the bits below it.
        let top = bits.ilog2() as usize;
        let below = bits & !(1 << top);
        products[bits] =
            if below == 0 { factors[top] } else { mul_shift(products[below], factors[top], shift) };
        bits += 1;
    }
    products
}

/// Returns the square root of the price at `tick`, Q64.64.
///
/// Exact within [`MIN_TICK_INDEX`]..=[`MAX_TICK_INDEX`]; outside the program promises nothing either.
#[must_use]
pub fn sqrt_price_from_tick_index(tick: i32) -> u128 {
    let ticks = tick.unsigned_abs();
    let low = (ticks & ((1 << LOW_BITS) - 1)) as usize;
    let mut high = ticks >> LOW_BITS & 0x3ff;
    if tick >= 0 {
        let mut ratio = POSITIVE_LOW[low];
        while high != 0 {
            let bit = high.trailing_zeros();
            ratio = mul_shift(ratio, POSITIVE_X96[(bit + LOW_BITS) as usize], 96);
            high &= high - 1;
        }
        ratio >> 32
    } else {
        let mut ratio = NEGATIVE_LOW[low];
        while high != 0 {
            let bit = high.trailing_zeros();
            ratio = (ratio * NEGATIVE_X64[(bit + LOW_BITS) as usize]) >> 64;
            high &= high - 1;
        }
        ratio
    }
}

/// Returns the highest tick whose square root of price is at most `sqrt_price_x64`.
///
/// Exact within [`MIN_SQRT_PRICE_X64`]..=[`MAX_SQRT_PRICE_X64`]. Returns `None` for 0.
#[must_use]
pub fn tick_index_from_sqrt_price(sqrt_price_x64: u128) -> Option<i32> {
    let (tick_low, tick_high) = estimate_tick(sqrt_price_x64)?;
    let is_high = tick_low != tick_high && sqrt_price_from_tick_index(tick_high) <= sqrt_price_x64;
    Some(if is_high { tick_high } else { tick_low })
}

/// Returns the number of set bits of the logarithm's fraction, which the program's cost depends on.
pub(crate) fn log2_fraction_bits(sqrt_price_x64: u128) -> u32 {
    log2(sqrt_price_x64).map_or(0, |(_, fraction)| fraction.count_ones())
}

/// Returns the binary logarithm as a Q64.64 price has it: integer part, 14 bits of fraction.
fn log2(sqrt_price_x64: u128) -> Option<(i128, i128)> {
    let msb = sqrt_price_x64.checked_ilog2()?;
    let mut mantissa = if msb >= 64 { sqrt_price_x64 >> (msb - 63) } else { sqrt_price_x64 << (63 - msb) };
    // Squaring doubles the logarithm: its next bit is whether the square reaches two.
    let mut fraction: i128 = 0;
    for _ in 0..BIT_PRECISION {
        mantissa *= mantissa;
        let reaches_two = mantissa >> 127;
        mantissa >>= 63 + reaches_two;
        fraction = fraction << 1 | reaches_two.cast_signed();
    }
    Some((i128::from(msb) - 64, fraction))
}

/// Returns the two neighbouring ticks (often one) between which the logarithm leaves the choice.
pub(crate) fn estimate_tick(sqrt_price_x64: u128) -> Option<(i32, i32)> {
    let (integer, fraction_x14) = log2(sqrt_price_x64)?;
    let log2_x32 = (integer << 32) + (fraction_x14 << (32 - BIT_PRECISION));
    let log_b_x64 = log2_x32 * LOG_B_2_X32;
    let tick_low = i32::try_from((log_b_x64 - ERR_MARGIN_LOWER_X64) >> 64).ok()?;
    let tick_high = i32::try_from((log_b_x64 + ERR_MARGIN_UPPER_X64) >> 64).ok()?;
    Some((tick_low, tick_high))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The program's multiplication, bit by bit, without a table.
    fn plain_sqrt_price(tick: i32) -> u128 {
        let (factors, shift) = if tick >= 0 { (&POSITIVE_X96, 96) } else { (&NEGATIVE_X64, 64) };
        let mut ratio = 1_u128 << shift;
        for (bit, factor) in factors.iter().enumerate() {
            if tick.unsigned_abs() >> bit & 1 == 1 {
                ratio = mul_shift(ratio, *factor, shift);
            }
        }
        if tick >= 0 { ratio >> 32 } else { ratio }
    }

    #[test]
    fn published_prices_are_met() {
        let cases = [
            (-443_636, MIN_SQRT_PRICE_X64),
            (-100_000, 124_324_258_982_887_573),
            (-18_000, 7_500_223_941_355_531_697),
            (-1, 18_445_821_805_675_392_311),
            (0, 18_446_744_073_709_551_616),
            (1, 18_447_666_387_855_959_850),
            (64, 18_505_865_242_158_250_041),
            (18_000, 45_369_627_571_338_689_268),
            (100_000, 2_737_055_259_406_582_257_880),
            (443_636, MAX_SQRT_PRICE_X64),
        ];
        for (tick, sqrt_price) in cases {
            assert_eq!(sqrt_price_from_tick_index(tick), sqrt_price, "tick {tick}");
        }
    }

    #[test]
    fn every_tick_has_its_price_and_every_price_its_tick() {
        let mut below = 0;
        for tick in MIN_TICK_INDEX..=MAX_TICK_INDEX {
            let sqrt_price = sqrt_price_from_tick_index(tick);
            assert_eq!(sqrt_price, plain_sqrt_price(tick), "tick {tick}");
            assert!(sqrt_price > below, "tick {tick} is not above its neighbour");
            assert_eq!(tick_index_from_sqrt_price(sqrt_price), Some(tick));
            if tick > MIN_TICK_INDEX {
                assert_eq!(tick_index_from_sqrt_price(sqrt_price - 1), Some(tick - 1));
            }
            below = sqrt_price;
        }
    }

    #[test]
    fn price_zero_has_no_tick() {
        assert_eq!(tick_index_from_sqrt_price(0), None);
    }
}
