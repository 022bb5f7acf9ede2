//! Exact plans over many pools: an amount divided over routes, and all profitable cycles at once.
//!
//! [`crate::routing`] says in `f64` what would flow through every pool at the optimum. Here that
//! becomes swaps in an order, in whole units, each quoted on what the ones before it left
//! ([`Overlay`]). The one idea: search in `f64`, decide on exact quotes, and never return less than
//! the plain way gives, which is always tried as well: the best single route for [`best_trade`], the
//! best cycle again and again for [`joint_plan`].
//!
//! A plan is as good as the moment it was made in: [`requote`] carries it out on the market as it
//! stands now, and says which pool is gone or refuses.

mod chain;
mod cycles;
mod exact;
mod flows;
mod joint;
mod lanes;
mod overlay;
mod route;
mod sequential;
mod solve;
mod split;
mod trade;

pub use joint::{Base, MAX_PLAN_CYCLES, Method, Plan, PlanLimits, joint_plan, values_against_first};
pub use overlay::Overlay;
pub use route::{PlanError, PlannedHop, PlannedRoute, PoolFilter, requote};
pub use trade::{MAX_TRADE_HOPS, MAX_TRADE_LEGS, Trade, TradeOptions, best_trade};
