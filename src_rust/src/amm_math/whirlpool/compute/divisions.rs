//! Which way the program's software divisions take: their cost depends on the operands.

use ruint::Uint;
use ruint::aliases::U256;

use super::{Item, Meter};

/// Notes a 128-bit division as the compiler's runtime library (its "trifecta" algorithm) does it.
pub(super) fn note_div128(meter: &mut impl Meter, dividend: u128, divisor: u128, times: u32) {
    let (dividend_zeros, divisor_zeros) = (dividend.leading_zeros(), divisor.leading_zeros());
    if divisor_zeros <= dividend_zeros {
        meter.note(Item::Div128Trivial, times);
    } else if dividend_zeros >= 64 {
        meter.note(Item::Div128Narrow, times);
    } else if divisor_zeros >= 96 {
        meter.note(Item::Div128Short, times);
    } else if divisor_zeros - dividend_zeros < 32 {
        meter.note(Item::Div128Close, times);
    } else {
        meter.note(Item::Div128Long, times);
        note_long_steps(meter, dividend, divisor, times);
    }
}

/// Each step takes about 31 bits off the dividend by an estimate that is never too large.
fn note_long_steps(meter: &mut impl Meter, dividend: u128, divisor: u128, times: u32) {
    let divisor_zeros = divisor.leading_zeros();
    let divisor_extra = 96 - divisor_zeros;
    let divisor_top = (divisor >> divisor_extra) + 1;
    let mut rest = dividend;
    loop {
        let rest_extra = 64 - rest.leading_zeros();
        if divisor_extra > rest_extra {
            meter.note(Item::Div128LongClose, times);
            return;
        }
        meter.note(Item::Div128LongStep, times);
        let part = (rest >> rest_extra) / divisor_top;
        rest -= (divisor * part) << (rest_extra - divisor_extra);
        if rest.leading_zeros() >= divisor_zeros.min(64) {
            return;
        }
    }
}

/// Notes a 256-bit division as the program's own long division by words does it.
pub(super) fn note_div256(meter: &mut impl Meter, dividend: U256, divisor: U256) {
    let word_count = |value: U256| value.bit_len().div_ceil(64);
    let (dividend_words, divisor_words) = (word_count(dividend), word_count(divisor));
    if dividend_words < divisor_words || divisor_words == 0 {
        return;
    }
    let note_narrow = |meter: &mut _, dividend: &[u64], divisor: &[u64]| {
        let wide = |words: &[u64]| u128::from(words[1]) << 64 | u128::from(words[0]);
        note_div128(meter, wide(dividend), wide(divisor), 1);
    };
    if dividend_words < 3 {
        meter.note(Item::Div256Narrow, 1);
        note_narrow(meter, dividend.as_limbs(), divisor.as_limbs());
        return;
    }
    if divisor_words == 1 {
        meter.note(Item::Div256Short, 1);
        return;
    }
    meter.note(Item::Div256Long, 1);
    let shift = 64 * divisor_words - divisor.bit_len();
    meter.note(Item::Div256Unaligned, u32::from(shift > 0));
    let mut rest = Uint::<320, 5>::from(dividend) << shift;
    let divisor = Uint::<320, 5>::from(divisor) << shift;
    let top = u128::from(divisor.as_limbs()[divisor_words - 1]);
    for index in (0..=dividend_words - divisor_words).rev() {
        let limbs = rest.as_limbs();
        let head =
            u128::from(limbs[index + divisor_words]) << 64 | u128::from(limbs[index + divisor_words - 1]);
        note_div128(meter, head, top, 1);
        meter.note(Item::Div256LongWords, 1);
        meter.note(Item::Div256LongWideWords, u32::from(divisor_words > 2));
        meter.note(Item::Div256LongFullWords, u32::from(dividend_words == 4));
        let step = divisor << (64 * index);
        let (digit, rest_after) = rest.div_rem(step);
        let excess = (head / top).saturating_sub(u128::from(digit.as_limbs()[0]));
        meter.note(Item::Div256LongCorrection, u32::try_from(excess.min(2)).unwrap_or(0));
        rest = rest_after;
    }
}
