//! How many inputs the property tests try, and where they keep those that fail.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::FileFailurePersistence;

/// Returns the settings for `cases` usable inputs, times `PHANTOM_SOAK` where that is set.
///
/// proptest's own variables stand above it: `PROPTEST_CASES` gives the number itself and
/// `PROPTEST_RNG_SEED` fixes the inputs. A failing input's seed is kept beside the test's source,
/// in `<test>.proptest-regressions`.
///
/// # Panics
/// If `PHANTOM_SOAK` is no integer from 1, or too large a factor for `cases`.
pub fn cases(cases: u32) -> ProptestConfig {
    let factor = std::env::var("PHANTOM_SOAK").map_or(1, |text| {
        text.parse()
            .ok()
            .filter(|&factor| factor > 0)
            .unwrap_or_else(|| panic!("PHANTOM_SOAK is {text:?}, expected an integer from 1 to {}", u32::MAX))
    });
    let scaled = |count: u32| count.checked_mul(factor).expect("PHANTOM_SOAK times the cases fits 32 bits");
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: scaled(cases),
        // With the cases grow those that a test cannot use.
        max_global_rejects: scaled(usual.max_global_rejects),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..usual
    }
}
