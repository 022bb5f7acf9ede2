//! All pools at once: the trades that together gain most, and the prices that prove it.
//!
//! The method is the dual decomposition of Diamandis, Resnick, Chitra and Angeris, "An Efficient
//! Algorithm for Optimal Routing Through Constant Function Market Makers" (2023). The one idea: give
//! every mint a price. At given prices each pool can be asked alone what to swap with it, in closed
//! form along its Möbius pieces (`response`), and the sum of what the pools then gain bounds what any
//! plan can gain. The lowest bound over all prices is the best plan's value.
//!
//! The paper minimises the bound by L-BFGS-B. Here it is a semismooth Newton method (`dual`): written
//! for relative price changes, the bound's curvature is the Laplacian of a weighted graph over mints,
//! one edge per pool in use, as of a network of resistors, and `laplacian` factors it sparsely in a
//! fixed order. Bins of constant price make the bound kinked; a proximal term on their filling smooths
//! it, and moving its centre takes the error out again. Flows found at nearly the best prices leave
//! mints owed by rounding; `repair` scales swaps down until none is.
//!
//! Accuracy: networks of constant-product pools converge to [`TOLERANCE`] in all cases tried. With bins
//! or pools that end, most do. Not where cycles gain more of a mint than the pools that end can turn into
//! value: its price falls to nothing, and the plan found may be far below the bound, even empty. Such a
//! solution says that it has not converged.
//!
//! Everything here is `f64` and approximate: for search, and for users with their own data. Amounts to
//! be sent are recomputed by exact quotes elsewhere.

mod dual;
mod laplacian;
mod network;
mod repair;
mod response;
mod start;

pub use dual::Solver;
pub use network::Network;

/// What a plan should gain.
#[derive(Debug, Clone, Copy)]
pub enum Objective<'a> {
    /// The largest `Σ values[m] * net[m]` in which no mint is owed (`net[m] >= 0`). A mint of value 0
    /// gains nothing.
    Arbitrage {
        /// One value per mint and base unit, finite and not negative.
        values: &'a [f64],
    },
    /// The largest net of `mint_out` for at most `amount_in` of `mint_in`; no other mint is owed.
    /// Gains from cycles on the way are in it, also where `amount_in` is 0 or no path leads from
    /// `mint_in` to `mint_out`.
    Trade {
        /// The mint that is paid.
        mint_in: u32,
        /// The mint that is wanted; another one.
        mint_out: u32,
        /// Base units, finite and not negative.
        amount_in: f64,
    },
}

/// What a plan swaps with one pool. Amounts are 0 for a pool that is not used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Flow {
    /// The input is the pool's first mint.
    pub a_to_b: bool,
    /// Base units of the input mint, fees included.
    pub amount_in: f64,
    /// Base units of the output mint: what the pool's curve gives for `amount_in`.
    pub amount_out: f64,
}

/// A plan, and the prices that bound every other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Solution {
    /// One per pool, in the network's order.
    pub flows: Vec<Flow>,
    /// One price per mint, in units of the objective; 0 for a mint that is worth nothing here.
    pub prices: Vec<f64>,
    /// What `flows` gains. No mint is owed by it, up to the rounding of `f64`.
    pub value: f64,
    /// No plan gains more, up to the rounding of `f64`.
    pub bound: f64,
    /// Newton steps that were taken.
    pub iterations: u32,
    /// `value` is within [`TOLERANCE`] of `bound`.
    pub converged: bool,
}

/// Largest `(bound - value) / bound` of a solution that counts as converged. Where the bound is below
/// [`NEGLIGIBLE`] times the value of the liquidity in reach, it is nothing, and value 0 has converged.
pub const TOLERANCE: f64 = 1e-8;

/// See [`TOLERANCE`].
pub const NEGLIGIBLE: f64 = 1e-15;

/// Why a network or an objective makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum RoutingError {
    /// A mint that the network does not have.
    #[error("{role} is mint {mint}, of {mints}")]
    UnknownMint {
        /// Which argument.
        role: &'static str,
        /// What it holds.
        mint: u32,
        /// How many mints there are.
        mints: usize,
    },
    /// Both sides of a pool are the same mint.
    #[error("pool {pool} has mint {mint} on both sides")]
    SelfLoop {
        /// The pool's number, or the one it would get.
        pool: usize,
        /// The mint.
        mint: u32,
    },
    /// A trade from a mint to itself.
    #[error("mint_in and mint_out are both mint {0}")]
    SameMint(u32),
    /// A number that is not finite, negative, or otherwise out of range.
    #[error("{what} {place} is {value}; it must be {expected}")]
    BadNumber {
        /// What the number is.
        what: &'static str,
        /// The pool or mint, or the segment of the pool that is being added.
        place: usize,
        /// What it holds.
        value: f64,
        /// What it may hold.
        expected: &'static str,
    },
    /// As many values as mints are needed.
    #[error("{found} values for {mints} mints")]
    WrongLength {
        /// How many there are.
        found: usize,
        /// How many there must be.
        mints: usize,
    },
    /// A swap and its reverse would gain.
    #[error("pool {pool}: a swap and its reverse would gain, the rates multiply to {product}")]
    RoundTripGains {
        /// The pool's number, or the one it would get.
        pool: usize,
        /// Product of the two marginal rates.
        product: f64,
    },
    /// More pools or segments than can be counted.
    #[error("{0} is more than a network can hold")]
    TooMany(usize),
}
