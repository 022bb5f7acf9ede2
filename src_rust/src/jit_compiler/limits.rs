//! Bounds on what a source may ask for. Each has an error that names it.

/// Bytes of a source, comments included.
pub const SOURCE_BYTES: usize = 64 * 1024;
/// Words and symbols of one expression.
pub const TOKENS: usize = 8_192;
/// Parentheses, calls, signs and conditions within each other.
pub const NESTING: u32 = 64;
/// Longest chain of operations, each on the result of the one before.
pub const DEPTH: u32 = 256;
/// Operations of one expression.
pub const TERMS: u32 = 4_096;
/// Operations of a rule file.
pub const ALL_TERMS: u32 = 16_384;
/// Fields that a caller may offer.
pub const FIELDS: usize = 256;
/// Named values of a rule file.
pub const LETS: usize = 64;
/// Rules of a rule file.
pub const RULES: usize = 256;
/// Different indicators of a source.
pub const INDICATORS: usize = 64;
/// Longest period of an indicator.
pub const PERIOD: u32 = 10_000;
/// Largest exponent of a whole number.
pub const INT_EXPONENT: i64 = 64;
