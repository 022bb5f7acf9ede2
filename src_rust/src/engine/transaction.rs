//! A signal as the transaction that trades it, and whether there can be one.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Engine, Hop, Signal};
use crate::cycle_finder::{EdgeIndex, edge_of};
use crate::instruction_builder::system::TIP_ACCOUNTS;
use crate::instruction_builder::{
    Limits, LookupTable, MessageError, Reach, RouteError, RouteOrder, Signer, Tip, Transaction,
    build_quoted_route, measure_route,
};
use crate::quantities::Pubkey;
use crate::scorer::Reason;
use crate::swap::MAX_COMPUTE_UNITS;

/// What all transactions of an engine have in common: enough to know whether a route fits into one.
#[derive(Debug, Clone)]
pub struct ExecutionPlan {
    /// Who trades.
    pub wallet: Pubkey,
    /// Lookup tables that may be used now.
    pub tables: Vec<Arc<LookupTable>>,
    /// The wallet's token account of a mint, where it is not the associated one.
    pub token_accounts: FxHashMap<Pubkey, Pubkey>,
    /// Whether they pay a tip.
    pub tips: bool,
    /// An address that begins with `jitodontfront`, if they name one.
    pub dont_front: Option<Pubkey>,
    /// Whether they advance a nonce.
    pub uses_nonce: bool,
    /// Which arrays the swaps bring along.
    pub reach: Reach,
    /// What a transaction may be at most.
    pub limits: Limits,
}

/// Stands for addresses that are known only when a transaction is built; it can be in no table.
const SOME_NONCE: Pubkey = Pubkey([0xff; 32]);

impl Engine {
    /// Says how signals will be executed, so that a route which fits into no transaction is refused before
    /// it is ranked; `None`: every route is let through.
    pub fn set_execution(&mut self, plan: Option<ExecutionPlan>) {
        self.execution = plan;
    }

    /// Returns the transaction that trades a signal, with the signal's amounts to the unit.
    ///
    /// # Errors
    /// [`RouteError`]; [`RouteError::Moved`] if the market no longer gives these amounts.
    pub fn build_transaction(
        &mut self,
        signal: &Signal,
        order: &RouteOrder<'_>,
        signer: &Signer,
    ) -> Result<Transaction, RouteError> {
        let (edges, amounts) = quoted(&signal.hops);
        build_quoted_route(&mut self.market, &edges, &amounts, order, signer)
    }

    /// Returns why the transaction of a route does not fit, if it does not: its message is made, unsigned,
    /// without the creation of token accounts. A route that cannot be built for another reason is let
    /// through; who builds it is told.
    pub(super) fn misfit(&mut self, hops: &[Hop]) -> Option<Reason> {
        let plan = self.execution.as_ref()?;
        let (edges, amounts) = quoted(hops);
        let tables: Vec<&LookupTable> = plan.tables.iter().map(|table| &**table).collect();
        let tip = Tip { account: TIP_ACCOUNTS[0], lamports: 1, dont_front: plan.dont_front };
        let order = RouteOrder {
            wallet: plan.wallet,
            blockhash: [0; 32],
            tables: &tables,
            min_amount_out: 1,
            compute_unit_limit: MAX_COMPUTE_UNITS,
            compute_unit_price_micro_lamports: 0,
            loaded_accounts_data_size: None,
            tip: plan.tips.then_some(tip),
            nonce: plan.uses_nonce.then_some(SOME_NONCE),
            create_accounts: &[],
            token_accounts: &plan.token_accounts,
            reach: plan.reach,
            limits: plan.limits,
        };
        match measure_route(&mut self.market, &edges, &amounts, &order) {
            Err(RouteError::Message { error: MessageError::TooLarge { .. }, .. }) => {
                Some(Reason::RouteTooLarge)
            }
            Err(RouteError::Message { error: MessageError::TooManyLocks { .. }, .. }) => {
                Some(Reason::TooManyAccountLocks)
            }
            _ => None,
        }
    }
}

/// Returns the edges of some hops and their amounts, the input first.
fn quoted(hops: &[Hop]) -> (Vec<EdgeIndex>, Vec<u64>) {
    let edges = hops.iter().map(|hop| edge_of(hop.pool, hop.a_to_b)).collect();
    let input = hops.first().map(|hop| hop.amount_in);
    (edges, input.into_iter().chain(hops.iter().map(|hop| hop.amount_out)).collect())
}
