//! A trade as the program's instruction.
//!
//! Besides what the IDL names, the program wants accounts that depend on the pool, in this order: of a
//! cashback coin the wallet's volume accumulator and its token account, of a coin with a creator the
//! `pool-v2` address, and always a recipient of the share for buying back with its token account.
//!
//! # Source
//! pump-swap-sdk 1.20.0 and its IDL; pump-public-docs, upgrade of 2026-04-28. As the SDK built them
//! for the golden vectors.

use super::addresses::Parties;
use super::layout::GlobalConfig;
use super::pool::PumpSwapPool;
use super::{FEE_CONFIG, FEE_PROGRAM, GLOBAL_CONFIG, PROGRAM};
use crate::decoders::address;
use crate::decoders::spl_token::TOKEN_PROGRAM;
use crate::instruction_builder::{AccountMeta, BuildError, Instruction, Trader};
use crate::quantities::Pubkey;
use crate::swap::SwapRequest;

const SYSTEM_PROGRAM: Pubkey = Pubkey([0; 32]);
pub(super) const ASSOCIATED_TOKEN_PROGRAM: Pubkey = address("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
/// `["__event_authority"]` under the program.
const EVENT_AUTHORITY: Pubkey = address("GS4CU59F31iL7aR2Q8zVS8DRrcRnXX1yjQ66TqNVQnaR");
/// `["global_volume_accumulator"]` under the program.
const GLOBAL_VOLUME_ACCUMULATOR: Pubkey = address("C2aFPdENg4A2HQsmrd5rTw5TaYBX5Ku887cWjbFKtZpw");

const BUY: [u8; 8] = [0x66, 0x06, 0x3d, 0x12, 0x01, 0xda, 0xeb, 0xea];
const BUY_EXACT_QUOTE_IN: [u8; 8] = [0xc6, 0x2e, 0x15, 0x52, 0xb4, 0xd9, 0xe8, 0x70];
const SELL: [u8; 8] = [0x33, 0xe6, 0x85, 0xa4, 0x01, 0x7f, 0x83, 0xad];

/// `track_volume`: the trade counts towards the wallet's volume, as the SDK has it.
const TRACK_VOLUME: u8 = 1;

/// What the program is told: its instruction's tag and two amounts.
struct Call {
    discriminator: [u8; 8],
    amounts: [u64; 2],
}

impl PumpSwapPool {
    /// Returns the trade as an instruction: `buy_exact_quote_in` for an exact input of quote tokens;
    /// `buy` with the output quoted now if the request names `buy_quote_in`, as the SDK does; `sell`
    /// with the input quoted now for an exact output, for which the program has no instruction.
    ///
    /// Fee recipients are chosen by the wallet among those that the settings name, so that one
    /// trader always locks the same accounts and different ones spread.
    ///
    /// # Errors
    /// [`BuildError`]: the settings are not known, a kind of trade that the program does not have, or,
    /// where an amount comes from a quote, a trade that would be refused.
    pub(super) fn instruction(
        &self,
        request: &SwapRequest,
        trader: &Trader,
    ) -> Result<Instruction, BuildError> {
        let global = self.global.present().ok_or(BuildError::Unknown { what: "global config" })?;
        let Call { discriminator, amounts } = self.call(request)?;
        let mut data = Vec::with_capacity(25);
        data.extend(discriminator);
        data.extend(amounts.map(u64::to_le_bytes).as_flattened());
        if !request.a_to_b {
            data.push(TRACK_VOLUME);
        }
        let accounts = self.accounts(request.a_to_b, global, trader)?;
        Ok(Instruction { program: PROGRAM, accounts, data })
    }

    fn call(&self, request: &SwapRequest) -> Result<Call, BuildError> {
        let none = |reason| Err(BuildError::NoInstruction { venue: "pumpswap", reason });
        if request.partial_fill {
            return none("it takes the whole amount or fails");
        }
        let (amount, threshold) = (request.amount, request.other_amount_threshold);
        let quoted = || {
            let traded = self.trade(request).map_err(|refusal| BuildError::Refused(refusal.name));
            traded.map(|(_, traded)| traded.quote)
        };
        let (discriminator, amounts) = match (request.instruction, request.a_to_b, request.exact_in) {
            (None, false, true) => (BUY_EXACT_QUOTE_IN, [amount, threshold]),
            (Some("buy_quote_in"), false, true) => (BUY, [quoted()?.user_out, amount]),
            (None | Some("buy_base_out"), false, false) => (BUY, [amount, threshold]),
            (None | Some("sell_base_in"), true, true) => (SELL, [amount, threshold]),
            (None | Some("sell_quote_out"), true, false) => (SELL, [quoted()?.user_in, amount]),
            (Some("buy_quote_in" | "buy_base_out" | "sell_base_in" | "sell_quote_out"), _, _) => {
                return none("the instruction named is of another direction");
            }
            (Some(_), _, _) => return none("it has no instruction of this name"),
        };
        Ok(Call { discriminator, amounts })
    }

    fn accounts(
        &self,
        is_sale: bool,
        global: &GlobalConfig,
        trader: &Trader,
    ) -> Result<Vec<AccountMeta>, BuildError> {
        let pool = &self.pool;
        let [base_program, quote_program] =
            self.sides.mints().map(|mint| mint.map_or(TOKEN_PROGRAM, |mint| mint.program));
        let wallet = &trader.wallet;
        let protocol = if pool.is_mayhem_mode {
            let others = global.reserved_fee_recipients.into_iter();
            pick(std::iter::once(global.reserved_fee_recipient).chain(others), wallet)
        } else {
            pick(global.protocol_fee_recipients.into_iter(), wallet)
        };
        let protocol = protocol.ok_or(BuildError::Unknown { what: "protocol fee recipient" })?;
        let buyback = pick(global.buyback_fee_recipients.into_iter(), wallet)
            .ok_or(BuildError::Unknown { what: "buyback fee recipient" })?;
        let derived = self.addresses.of(&Parties {
            wallet: *wallet,
            base_mint: pool.base_mint,
            quote_mint: pool.quote_mint,
            quote_program,
            coin_creator: pool.coin_creator,
            protocol_recipient: protocol,
            buyback_recipient: buyback,
        })?;
        let mut accounts = Vec::with_capacity(27);
        accounts.extend([
            AccountMeta::writable(self.address),
            AccountMeta::writable(*wallet).signer(),
            AccountMeta::readonly(GLOBAL_CONFIG),
            AccountMeta::readonly(pool.base_mint),
            AccountMeta::readonly(pool.quote_mint),
            AccountMeta::writable(trader.token_accounts[0]),
            AccountMeta::writable(trader.token_accounts[1]),
            AccountMeta::writable(pool.pool_base_token_account),
            AccountMeta::writable(pool.pool_quote_token_account),
            AccountMeta::readonly(protocol),
            AccountMeta::writable(derived.protocol_account),
            AccountMeta::readonly(base_program),
            AccountMeta::readonly(quote_program),
            AccountMeta::readonly(SYSTEM_PROGRAM),
            AccountMeta::readonly(ASSOCIATED_TOKEN_PROGRAM),
            AccountMeta::readonly(EVENT_AUTHORITY),
            AccountMeta::readonly(PROGRAM),
            AccountMeta::writable(derived.creator_account),
            AccountMeta::readonly(derived.creator_vault),
        ]);
        if !is_sale {
            accounts.push(AccountMeta::readonly(GLOBAL_VOLUME_ACCUMULATOR));
            accounts.push(AccountMeta::writable(derived.accumulator));
        }
        accounts.push(AccountMeta::readonly(FEE_CONFIG));
        accounts.push(AccountMeta::readonly(FEE_PROGRAM));
        if pool.is_cashback_coin {
            accounts.push(AccountMeta::writable(derived.accumulator_account));
            if is_sale {
                accounts.push(AccountMeta::writable(derived.accumulator));
            }
        }
        if pool.coin_creator != Pubkey::default() {
            accounts.push(AccountMeta::readonly(derived.pool_v2));
        }
        accounts.push(AccountMeta::readonly(buyback));
        accounts.push(AccountMeta::writable(derived.buyback_account));
        Ok(accounts)
    }
}

/// Returns one of the addresses that are set, the same for a wallet every time.
fn pick(addresses: impl Iterator<Item = Pubkey> + Clone, wallet: &Pubkey) -> Option<Pubkey> {
    let mut set = addresses.filter(|address| *address != Pubkey::default());
    let count = set.clone().count();
    let turn = usize::from(wallet.0[31]).checked_rem(count)?;
    set.nth(turn)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::venues::pumpswap::addresses::derive;

    #[test]
    fn constant_addresses_are_the_derived_ones() {
        assert_eq!(derive(&[b"__event_authority"]).unwrap(), EVENT_AUTHORITY);
        assert_eq!(derive(&[b"global_volume_accumulator"]).unwrap(), GLOBAL_VOLUME_ACCUMULATOR);
    }

    #[test]
    fn a_recipient_is_one_of_those_that_are_set_and_wallets_spread() {
        let listed = [Pubkey::default(), Pubkey([1; 32]), Pubkey([2; 32]), Pubkey::default()];
        let of = |last: u8| pick(listed.into_iter(), &Pubkey([last; 32]));
        assert_eq!([of(6), of(7), of(8)], [Some(listed[1]), Some(listed[2]), Some(listed[1])]);
        assert_eq!(pick([Pubkey::default()].into_iter(), &Pubkey([3; 32])), None);
    }
}
