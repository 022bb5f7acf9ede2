//! From prices to lamports and back.

use super::FeeError;

/// Most compute units that a transaction may ask for; solana-compute-budget `MAX_COMPUTE_UNIT_LIMIT`.
pub const MAX_COMPUTE_UNIT_LIMIT: u32 = 1_400_000;

const MICRO_LAMPORTS_PER_LAMPORT: u128 = 1_000_000;

/// Returns the priority fee in lamports of a limit in compute units at a price in micro-lamports each.
///
/// Rounds up, as the runtime does; the fee is charged on the limit, used or not.
///
/// # Errors
/// [`FeeError::Overflow`] if it does not fit 64 bits; the runtime would charge the greatest number then.
///
/// # Source
/// solana-compute-budget, the prioritization fee: `ceil(price × limit / 1,000,000)`.
pub fn priority_fee_lamports(price_micro_lamports: u64, compute_unit_limit: u64) -> Result<u64, FeeError> {
    // Two 64-bit numbers multiply into 128 bits.
    let micro = u128::from(price_micro_lamports) * u128::from(compute_unit_limit);
    u64::try_from(micro.div_ceil(MICRO_LAMPORTS_PER_LAMPORT))
        .map_err(|_| FeeError::Overflow { price: price_micro_lamports, limit: compute_unit_limit })
}

/// Returns the greatest price, in micro-lamports per compute unit, whose priority fee for this limit does
/// not exceed `budget_lamports`; at most 2^64 - 1.
///
/// # Errors
/// [`FeeError::ZeroLimit`]: any price costs nothing then.
pub fn price_for_budget(budget_lamports: u64, compute_unit_limit: u64) -> Result<u64, FeeError> {
    if compute_unit_limit == 0 {
        return Err(FeeError::ZeroLimit);
    }
    let micro = u128::from(budget_lamports) * MICRO_LAMPORTS_PER_LAMPORT;
    Ok(u64::try_from(micro / u128::from(compute_unit_limit)).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn priority_fee_rounds_up_to_whole_lamports() {
        // solana-sdk's own examples: 1 micro-lamport on 1 unit costs 1 lamport, as do 1,000,000 on 1.
        assert_eq!(priority_fee_lamports(1, 1), Ok(1));
        assert_eq!(priority_fee_lamports(1_000_000, 1), Ok(1));
        assert_eq!(priority_fee_lamports(1_000_001, 1), Ok(2));
        assert_eq!(priority_fee_lamports(50_000, 400_000), Ok(20_000));
        assert_eq!(priority_fee_lamports(0, 1_400_000), Ok(0));
    }

    #[test]
    fn priority_fee_beyond_64_bits_is_an_error() {
        assert_eq!(
            priority_fee_lamports(u64::MAX, 1_000_001),
            Err(FeeError::Overflow { price: u64::MAX, limit: 1_000_001 })
        );
        assert_eq!(priority_fee_lamports(u64::MAX, 1_000_000), Ok(u64::MAX));
    }

    #[test]
    fn price_for_budget_is_the_greatest_that_fits() {
        for (budget, limit) in [(0, 1), (1, 3), (20_000, 400_000), (12_345, 1_399_999), (u64::MAX, 1)] {
            let price = price_for_budget(budget, limit).unwrap();
            assert!(priority_fee_lamports(price, limit).unwrap() <= budget);
            if let Some(more) = price.checked_add(1) {
                assert!(priority_fee_lamports(more, limit).unwrap() > budget);
            }
        }
        assert_eq!(price_for_budget(1, 0), Err(FeeError::ZeroLimit));
    }
}
