//! Account writes of a Whirlpool: what is taken, and what is refused.

use super::layouts::LAYOUTS;
use super::pool::WhirlpoolPool;
use crate::amm_math::whirlpool::TickArrayError;
use crate::decoders::orca_whirlpool::{DYNAMIC_TICK_ARRAY, FIXED_TICK_ARRAY, ORACLE, POOL};
use crate::decoders::{DecodeError, Oracle, TickArray, Whirlpool};
use crate::quantities::Pubkey;
use crate::venues::{AccountData, Written, layout};

impl WhirlpoolPool {
    pub(super) fn write_state(&mut self, account: &AccountData<'_>) -> Result<Written, DecodeError> {
        self.expect_owner(account)?;
        layout::expect_type(&LAYOUTS, account.owner, account.data, &[POOL], "Whirlpool")?;
        let state = Whirlpool::read(account.data)?;
        let lasting = |pool: &Whirlpool| (pool.token_mint_a, pool.token_mint_b, pool.tick_spacing);
        if lasting(&state) != lasting(&self.state) {
            return Err(DecodeError::ImpossibleField {
                account: "Whirlpool",
                field: "token_mint or tick_spacing",
                value: format!("{:?}", lasting(&state)),
                expected: "what it was when the pool was made",
            });
        }
        let changed = state != self.state;
        let has_moved = state.tick_current_index != self.state.tick_current_index;
        self.state = state;
        if has_moved {
            self.learn_addresses();
        }
        if changed {
            self.refresh_paths(true);
        }
        Ok(Written { changed, is_state: true })
    }

    pub(super) fn write_oracle(&mut self, account: Option<&AccountData<'_>>) -> Result<Written, DecodeError> {
        let before = self.oracle.take();
        self.is_oracle_absent = account.is_none();
        if let Some(account) = account {
            self.expect_owner(account)?;
            layout::expect_type(&LAYOUTS, account.owner, account.data, &[ORACLE], "Oracle")?;
            let oracle = Oracle::read(account.data)?;
            self.expect_named("Oracle", oracle.whirlpool)?;
            self.oracle = Some(oracle);
        }
        Ok(Written { changed: self.oracle != before, is_state: false })
    }

    /// One that cannot belong to the pool is refused and what was known of that start is forgotten.
    pub(super) fn write_array(
        &mut self,
        start: i32,
        account: Option<&AccountData<'_>>,
    ) -> Result<Written, DecodeError> {
        let set = match account {
            None => self.arrays.set(start, None).map_err(|error| impossible_array(&error)),
            Some(account) => self.read_array(account).and_then(|array| {
                self.arrays.set(start, Some(&array)).map_err(|error| impossible_array(&error))
            }),
        };
        let changed = set.inspect_err(|_| self.arrays.forget(start));
        if changed != Ok(false) {
            self.count_attempts();
            self.refresh_paths(false);
        }
        changed.map(|changed| Written { changed, is_state: false })
    }

    fn read_array(&self, account: &AccountData<'_>) -> Result<TickArray, DecodeError> {
        self.expect_owner(account)?;
        layout::expect_type(
            &LAYOUTS,
            account.owner,
            account.data,
            &[FIXED_TICK_ARRAY, DYNAMIC_TICK_ARRAY],
            "TickArray",
        )?;
        let array = TickArray::read(account.data)?;
        self.expect_named("TickArray", array.whirlpool)?;
        Ok(array)
    }

    /// Takes an account whose address is not known yet: a tick array out of reach.
    pub(super) fn write_further(
        &mut self,
        address: &Pubkey,
        account: &AccountData<'_>,
    ) -> Result<Written, DecodeError> {
        let is_array =
            [FIXED_TICK_ARRAY, DYNAMIC_TICK_ARRAY].iter().any(|kind| account.data.starts_with(kind));
        if *account.owner != self.program || !(is_array || account.data.starts_with(&ORACLE)) {
            return Ok(Written::default());
        }
        if !is_array {
            return Err(elsewhere("Oracle", address));
        }
        let start = self.read_array(account)?.start_tick_index;
        if !self.arrays.can_start(start) {
            let tick_spacing = self.state.tick_spacing;
            return Err(impossible_array(&TickArrayError::ImpossibleStart {
                start_tick_index: start,
                tick_spacing,
            }));
        }
        if self.derived.learn_array(start) != Some(*address) {
            return Err(elsewhere("TickArray", address));
        }
        self.write_array(start, Some(account))
    }

    fn expect_owner(&self, account: &AccountData<'_>) -> Result<(), DecodeError> {
        if *account.owner == self.program {
            return Ok(());
        }
        Err(DecodeError::WrongOwner { owner: *account.owner })
    }

    fn expect_named(&self, account: &'static str, named: Pubkey) -> Result<(), DecodeError> {
        if named == self.address {
            return Ok(());
        }
        Err(DecodeError::ImpossibleField {
            account,
            field: "whirlpool",
            value: named.to_string(),
            expected: "the pool that its address is derived from",
        })
    }
}

fn impossible_array(error: &TickArrayError) -> DecodeError {
    DecodeError::ImpossibleField {
        account: "TickArray",
        field: "start_tick_index or ticks",
        value: error.to_string(),
        expected: "what the pool's tick spacing allows",
    }
}

fn elsewhere(account: &'static str, found: &Pubkey) -> DecodeError {
    DecodeError::ImpossibleField {
        account,
        field: "address",
        value: found.to_string(),
        expected: "the address that the program derives for it",
    }
}
