//! A signal as the transaction that trades it.

use super::{Engine, Signal};
use crate::cycle_finder::{EdgeIndex, edge_of};
use crate::instruction_builder::{RouteError, RouteOrder, Transaction, build_quoted_route};

impl Engine {
    /// Returns the transaction that trades a signal, with the signal's amounts to the unit.
    ///
    /// # Errors
    /// [`RouteError`]; [`RouteError::Moved`] if the market no longer gives these amounts.
    pub fn build_transaction(
        &mut self,
        signal: &Signal,
        order: &RouteOrder<'_>,
    ) -> Result<Transaction, RouteError> {
        let edges: Vec<EdgeIndex> = signal.hops.iter().map(|hop| edge_of(hop.pool, hop.a_to_b)).collect();
        let mut amounts = vec![signal.candidate.amount_in];
        amounts.extend(signal.hops.iter().map(|hop| hop.amount_out));
        build_quoted_route(&mut self.market, &edges, &amounts, order)
    }
}
