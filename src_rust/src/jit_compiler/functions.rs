//! The functions that the interpreter and native code both call, so that both get the same bits.
//!
//! Division and remainder follow `CPython`: they round towards minus infinity, and the remainder has the
//! divisor's sign.

use super::ir::Math;

pub(super) extern "C" fn exp(x: f64) -> f64 {
    x.exp()
}

pub(super) extern "C" fn log(x: f64) -> f64 {
    x.ln()
}

pub(super) extern "C" fn pow(x: f64, y: f64) -> f64 {
    x.powf(y)
}

/// Returns what a function of one float gives.
pub(super) fn math(function: Math, x: f64) -> f64 {
    match function {
        Math::Sqrt => x.sqrt(),
        Math::Floor => x.floor(),
        Math::Ceil => x.ceil(),
        Math::Exp => exp(x),
        Math::Log => log(x),
    }
}

/// Returns `a % b` of finite floats; `b` is not 0.
pub(super) extern "C" fn float_rem(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest == 0.0 {
        0.0_f64.copysign(b)
    } else if (b < 0.0) == (rest < 0.0) {
        rest
    } else {
        rest + b
    }
}

/// Returns `a // b` of finite floats; `b` is not 0.
pub(super) extern "C" fn float_floor_div(a: f64, b: f64) -> f64 {
    let rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0.0_f64.copysign(a / b);
    }
    // The division above may have rounded past a whole number.
    let whole = quotient.floor();
    if quotient - whole > 0.5 { whole + 1.0 } else { whole }
}

/// Returns `a // b`; `b` is not 0, and not -1 where `a` is the smallest number.
pub(super) extern "C" fn int_floor_div(a: i64, b: i64) -> i64 {
    let quotient = a.wrapping_div(b);
    let leans_down = a.wrapping_rem(b) != 0 && (a < 0) != (b < 0);
    quotient - i64::from(leans_down)
}

/// Returns `a % b`; `b` is not 0.
pub(super) extern "C" fn int_rem(a: i64, b: i64) -> i64 {
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `CPython` 3.11 prints them.
    #[test]
    fn float_division_rounds_as_in_python() {
        let cases = [
            (7.5, 2.0, 3.0, 1.5),
            (-7.5, 2.0, -4.0, 0.5),
            (7.5, -2.0, -4.0, -0.5),
            (-7.5, -2.0, 3.0, -1.5),
            (1.0, 0.1, 9.0, 0.099_999_999_999_999_95),
            (-1e-300, 3.0, -1.0, 3.0),
            (6.0, 3.0, 2.0, 0.0),
        ];
        for (a, b, quotient, rest) in cases {
            assert_eq!(
                (float_floor_div(a, b).to_bits(), float_rem(a, b).to_bits()),
                (f64::to_bits(quotient), f64::to_bits(rest))
            );
        }
        assert!(float_rem(-6.0, -3.0).is_sign_negative());
        assert!(float_floor_div(-0.0, 3.0).is_sign_negative());
    }

    #[test]
    fn int_division_rounds_as_in_python() {
        for (a, b, quotient, rest) in [(7, 2, 3, 1), (-7, 2, -4, 1), (7, -2, -4, -1), (-7, -2, 3, -1)] {
            assert_eq!((int_floor_div(a, b), int_rem(a, b)), (quotient, rest));
        }
        assert_eq!(int_rem(i64::MIN, -1), 0);
        assert_eq!(int_floor_div(i64::MIN, 1), i64::MIN);
    }
}
