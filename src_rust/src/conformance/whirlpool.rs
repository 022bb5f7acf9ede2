//! Vectors of the Orca Whirlpool program.

use super::{ConformanceError, Outcome, Value, VectorState, VectorSwap};
use crate::amm_math::whirlpool::{
    ComputeContext, Instruction, PoolView, Swap, SwapRequest, TickArrays, measure, sequence_starts, swap,
};
use crate::decoders::{self, Decoded, Mint, Oracle, TransferFee, Whirlpool};
use crate::pda;
use crate::quantities::Pubkey;

/// A Whirlpool state.
#[derive(Debug, Clone)]
pub struct WhirlpoolCase {
    program: Pubkey,
    address: Pubkey,
    pool: Whirlpool,
    arrays: TickArrays,
    oracle: Option<Oracle>,
    mint_a: Mint,
    mint_b: Mint,
    unix_timestamp: u64,
    epoch: u64,
}

impl WhirlpoolCase {
    pub(super) fn load(state: &VectorState<'_>) -> Result<Self, ConformanceError> {
        let mut decoded = Vec::with_capacity(state.accounts.len());
        for account in state.accounts {
            let content = decoders::decode(&account.owner, account.data)
                .map_err(|source| ConformanceError::Account { key: account.key, source })?;
            decoded.push((account.key, content));
        }
        let pool = decoded.iter().find_map(|(key, content)| match content {
            Decoded::Whirlpool(pool) if *key == state.pool => Some(*pool),
            _ => None,
        });
        let pool = pool.ok_or(ConformanceError::Missing { what: "pool account" })?;
        let mint = |wanted: Pubkey, what| {
            let found = decoded.iter().find_map(|(key, content)| match content {
                Decoded::Mint(mint) if *key == wanted => Some(*mint),
                _ => None,
            });
            found.ok_or(ConformanceError::Missing { what })
        };
        let (mint_a, mint_b) = (mint(pool.token_mint_a, "mint A")?, mint(pool.token_mint_b, "mint B")?);
        let mut arrays = TickArrays::new(pool.tick_spacing);
        let mut oracle = None;
        for (key, content) in &decoded {
            match content {
                Decoded::TickArray(array) => {
                    arrays.set(array.start_tick_index, Some(array)).map_err(|error| {
                        ConformanceError::Inconsistent { key: *key, problem: error.to_string() }
                    })?;
                }
                Decoded::Oracle(found) => oracle = Some(*found),
                _ => {}
            }
        }
        // A state lists every array in reach that exists.
        arrays.set_all_others_absent(true);
        Ok(Self {
            program: state.program,
            address: state.pool,
            pool,
            arrays,
            oracle,
            mint_a,
            mint_b,
            unix_timestamp: state.clock.unix_timestamp,
            epoch: state.clock.epoch,
        })
    }

    fn view(&self, swap: &VectorSwap<'_>) -> Result<PoolView<'_>, ConformanceError> {
        let instruction = match swap.operation {
            "swap" => Instruction::Swap,
            "swap_v2" => Instruction::SwapV2,
            other => return Err(ConformanceError::UnknownOperation { operation: other.to_owned() }),
        };
        Ok(PoolView {
            pool: &self.pool,
            arrays: &self.arrays,
            oracle: self.oracle.as_ref(),
            transfer_fee_a: self.transfer_fee(&self.mint_a),
            transfer_fee_b: self.transfer_fee(&self.mint_b),
            unix_timestamp: self.unix_timestamp,
            compute: ComputeContext {
                derivation_attempts: self.derivation_attempts(swap.a_to_b),
                ..ComputeContext::of_pool(
                    &self.program,
                    [Some(&self.mint_a), Some(&self.mint_b)],
                    instruction,
                )
            },
        })
    }

    fn transfer_fee(&self, mint: &Mint) -> Option<TransferFee> {
        mint.transfer_fee.map(|config| config.at(self.epoch))
    }

    /// Counts how often the program hashes to find the oracle and the arrays that do not exist.
    fn derivation_attempts(&self, a_to_b: bool) -> Option<u32> {
        let attempts = |bump: u8| 256 - u32::from(bump);
        let (_, bump) = pda::whirlpool_oracle(&self.program, &self.address).ok()?;
        let mut total = attempts(bump);
        for start in sequence_starts(&self.pool, a_to_b).filter(|start| !self.arrays.exists(*start)) {
            let (_, bump) = pda::whirlpool_tick_array(&self.program, &self.address, start).ok()?;
            total += attempts(bump);
        }
        Some(total)
    }

    pub(super) fn run(&self, request: &VectorSwap<'_>) -> Result<Outcome, ConformanceError> {
        let view = self.view(request)?;
        Ok(match swap(&view, &swap_request(request)) {
            Ok(done) => Outcome::Done(result_fields(&done)),
            Err(error) => Outcome::Refused { name: Some(error.name()), code: error.code() },
        })
    }

    pub(super) fn work(
        &self,
        request: &VectorSwap<'_>,
    ) -> Result<Vec<(&'static str, u32)>, ConformanceError> {
        let view = self.view(request)?;
        let (counted, _) = measure(&view, &swap_request(request));
        let mut work = vec![
            ("estimate", counted.units(&view.compute)),
            ("derivation_attempts", view.compute.derivation_attempts.unwrap_or(0)),
            ("rewards", u32::from(self.pool.rewards)),
        ];
        work.extend(counted.named());
        Ok(work)
    }
}

fn swap_request(swap: &VectorSwap<'_>) -> SwapRequest {
    SwapRequest {
        amount: swap.amount,
        exact_in: swap.exact_in,
        a_to_b: swap.a_to_b,
        sqrt_price_limit_x64: swap.sqrt_price_limit,
        other_amount_threshold: swap.other_amount_threshold,
    }
}

fn result_fields(swap: &Swap) -> Vec<(&'static str, Value)> {
    let (quote, post) = (&swap.quote, &swap.post);
    let amount = |value: u64| Value::Unsigned(u128::from(value));
    let mut fields = vec![
        ("user_in", amount(quote.user_in)),
        ("user_out", amount(quote.user_out)),
        ("vault_in", amount(quote.vault_in)),
        ("vault_out", amount(quote.vault_out)),
        ("fee", amount(quote.fee)),
        ("lp_fee", amount(swap.lp_fee)),
        ("protocol_fee", amount(swap.protocol_fee)),
        ("input_transfer_fee", amount(quote.input_transfer_fee)),
        ("output_transfer_fee", amount(quote.output_transfer_fee)),
        ("post_liquidity", Value::Unsigned(post.liquidity)),
        ("post_sqrt_price", Value::Unsigned(post.sqrt_price_x64)),
        ("post_tick", Value::Signed(i128::from(post.tick_current_index))),
        ("post_protocol_fee_owed_a", amount(post.protocol_fee_owed_a)),
        ("post_protocol_fee_owed_b", amount(post.protocol_fee_owed_b)),
        ("post_fee_growth_global_a", Value::Unsigned(post.fee_growth_global_a)),
        ("post_fee_growth_global_b", Value::Unsigned(post.fee_growth_global_b)),
    ];
    if let Some(variables) = post.adaptive_variables {
        fields.push(("post_adaptive_variables_hex", Value::Bytes(variables.to_bytes().to_vec())));
    }
    fields
}
