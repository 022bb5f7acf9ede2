//! Which way the compiler's 128-bit division takes: its cost depends on the operands.
//!
//! # Source
//! compiler-builtins, the "trifecta" algorithm, as far as the program's build was seen to follow it.

/// Kinds of divisions by what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Division {
    /// A quotient of 0 or 1, operands of 64 bits, or a divisor of 32.
    Short,
    /// A quotient of about 32 bits.
    Close,
    /// Anything else.
    Long {
        /// Steps, each of which takes about 31 bits off the dividend.
        steps: u32,
        /// Whether it ends as a close one.
        ends_close: bool,
    },
}

/// Returns the kind of a division; one by nothing counts as short.
pub(super) fn note_division(dividend: u128, divisor: u128) -> Division {
    let (dividend_zeros, divisor_zeros) = (dividend.leading_zeros(), divisor.leading_zeros());
    if divisor_zeros <= dividend_zeros || dividend_zeros >= 64 || divisor_zeros >= 96 {
        return Division::Short;
    }
    if divisor_zeros - dividend_zeros < 32 {
        return Division::Close;
    }
    let divisor_extra = 96 - divisor_zeros;
    let divisor_top = (divisor >> divisor_extra) + 1;
    let mut rest = dividend;
    let mut steps = 0;
    loop {
        let rest_extra = 64_u32.saturating_sub(rest.leading_zeros());
        if divisor_extra > rest_extra {
            return Division::Long { steps, ends_close: true };
        }
        steps += 1;
        // An estimate that is never too large.
        let part = (rest >> rest_extra) / divisor_top;
        rest = rest.saturating_sub(divisor.saturating_mul(part) << (rest_extra - divisor_extra));
        if rest.leading_zeros() >= divisor_zeros.min(64) || part == 0 {
            return Division::Long { steps, ends_close: false };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisions_are_told_by_the_widths_of_their_operands() {
        let divide = |dividend_bits: u32, divisor_bits: u32| {
            note_division(1 << (dividend_bits - 1), 1 << (divisor_bits - 1))
        };
        assert_eq!(divide(60, 40), Division::Short);
        assert_eq!(divide(128, 30), Division::Short);
        assert_eq!(divide(40, 100), Division::Short);
        assert_eq!(divide(80, 50), Division::Close);
        assert!(matches!(divide(100, 40), Division::Long { steps: 1..=2, .. }));
        assert_eq!(note_division(u128::MAX, 0), Division::Short);
    }
}
