//! Arguments of `Pool.swap_instruction` and `Market.swap_instruction`.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::arguments;
use super::errors;
use crate::instruction_builder::Reach;
use crate::market::InstructionOptions;
use crate::quantities::Pubkey;
use crate::swap::SwapRequest;
use crate::venues::Venue;

/// What the trader accepts, as given.
pub struct Bounds<'a, 'py> {
    pub min_out: Option<&'a Bound<'py, PyAny>>,
    pub max_in: Option<&'a Bound<'py, PyAny>>,
}

/// Returns who swaps and what comes along.
pub fn options_of(
    wallet: &Bound<'_, PyAny>,
    token_accounts: Option<&Bound<'_, PyAny>>,
    reach: &str,
) -> PyResult<InstructionOptions> {
    let reach = match reach {
        "official" => Reach::Official,
        "needed" => Reach::Needed,
        other => {
            return Err(errors::invalid(format!("reach is '{other}'; it may be 'official' or 'needed'")));
        }
    };
    let wallet = arguments::address("wallet", wallet)?;
    Ok(InstructionOptions { wallet, token_accounts: token_accounts.map(pair).transpose()?, reach })
}

fn pair(accounts: &Bound<'_, PyAny>) -> PyResult<[Pubkey; 2]> {
    let wrong = || errors::invalid("token_accounts: a pair of addresses expected, of mint A and B".into());
    let pair = accounts.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2).ok_or_else(wrong)?;
    let account = |side: usize| arguments::address("token_accounts", &pair.get_item(side)?);
    Ok([account(0)?, account(1)?])
}

/// Puts in what the trader accepts, which must be given, and the venue's own word for the instruction.
pub fn complete(
    request: &mut SwapRequest,
    bounds: &Bounds<'_, '_>,
    instruction: Option<&str>,
    venue: &Venue,
) -> PyResult<()> {
    request.other_amount_threshold = match (request.exact_in, bounds.min_out, bounds.max_in) {
        (true, Some(min_out), None) => arguments::amount("min_out", min_out)?,
        (false, None, Some(max_in)) => arguments::amount("max_in", max_in)?,
        (true, ..) => {
            return Err(errors::invalid("min_out must be given, and no max_in, where exact is 'in'".into()));
        }
        (false, ..) => {
            return Err(errors::invalid("max_in must be given, and no min_out, where exact is 'out'".into()));
        }
    };
    if let Some(name) = instruction {
        let known = venue.instructions.iter().copied().find(|known| *known == name);
        let expected = || venue.instructions.join("', '");
        request.instruction = Some(known.ok_or_else(|| {
            errors::invalid(format!("instruction is '{name}'; {} has '{}'", venue.name, expected()))
        })?);
    }
    Ok(())
}
