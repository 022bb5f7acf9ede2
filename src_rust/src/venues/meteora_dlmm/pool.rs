//! A DLMM pair with the accounts it depends on.

use ruint::aliases::U256;

use super::PROGRAM;
use super::accounts::{BITMAP_EXTENSION, BinArrayBitmapExtension, LAYOUTS, LB_PAIR, LbPair};
use super::arrays::{Arrays, Known};
use super::bin_array::{BINS_PER_ARRAY, BinArray};
use super::bitmap::{Extension, is_inner, next_array};
use super::errors::Fault;
use super::fees::{FeeSchedule, References};
use super::price::{ONE_X64, price_of_bin};
use super::search::MAX_SEGMENTS;
use super::swap::{Effects, Swap};
use super::walk::Course;
use crate::amm_math::Segment;
use crate::decoders::DecodeError;
use crate::decoders::sysvar::Clock;
use crate::instruction_builder::{BuildError, Instruction, Reach, Trader};
use crate::pda::find_program_address;
use crate::quantities::Pubkey;
use crate::swap::{Details, Environment, Execution, Quote, Refusal, SwapRequest};
use crate::venues::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, SetAside, TokenSides, Vaults,
    Written, layout,
};

/// Owner of accounts that no program has taken: the system program.
const SYSTEM_PROGRAM: Pubkey = Pubkey([0; 32]);
/// Arrays with liquidity that count as within reach in either direction: what one transaction has room
/// and compute units for.
pub(super) const REACH: usize = 4;

/// A pair and what is known of its mints, vaults, bin arrays and bitmap extension.
#[derive(Debug, Clone)]
pub struct DlmmPool {
    pub(super) address: Pubkey,
    pub(super) pair: LbPair,
    pub(super) schedule: FeeSchedule,
    pub(super) sides: TokenSides,
    pub(super) vaults: Vaults,
    pub(super) arrays: Arrays,
    pub(super) extension: Extension,
    pub(super) extension_address: Pubkey,
    /// Arrays within reach, lowest first.
    reach: Vec<i32>,
}

impl DlmmPool {
    /// Opens the pair.
    ///
    /// # Errors
    /// [`DecodeError`] if the account is no pair, or one this crate does not know.
    pub fn open(new: &NewPool<'_>) -> Result<Self, DecodeError> {
        if new.program != PROGRAM {
            return Err(DecodeError::WrongOwner { owner: new.program });
        }
        layout::expect_type(&LAYOUTS, &new.program, new.data, &[LB_PAIR], "LbPair")?;
        let pair = LbPair::read_known(new.data)?;
        let mints = [pair.token_x_mint, pair.token_y_mint];
        let mut pool = Self {
            address: new.address,
            schedule: FeeSchedule::new(&pair),
            sides: TokenSides::new(mints, new.assume_plain_mints),
            vaults: Vaults::new([pair.reserve_x, pair.reserve_y], mints),
            arrays: Arrays::new(PROGRAM, new.address, pair.has_limit_orders()),
            extension: Extension::Unknown,
            extension_address: find_program_address(&[b"bitmap", &new.address.0], &PROGRAM)
                .map(|(address, _)| address)
                .unwrap_or_default(),
            reach: Vec::new(),
            pair,
        };
        pool.learn_reach();
        Ok(pool)
    }

    /// Returns the pair's account.
    #[must_use]
    pub fn pair(&self) -> &LbPair {
        &self.pair
    }

    /// Derives the addresses of the arrays within reach.
    fn learn_reach(&mut self) {
        self.reach.clear();
        let active = self.pair.active_id.div_euclid(BINS_PER_ARRAY);
        for a_to_b in [true, false] {
            let mut start = active;
            for _ in 0..REACH {
                let next = next_array(&self.pair.bin_array_bitmap, &self.extension, start, a_to_b);
                let Ok(index) = next else { break };
                if !self.reach.contains(&index) {
                    self.reach.push(index);
                }
                start = if a_to_b { index - 1 } else { index + 1 };
            }
        }
        self.reach.sort_unstable();
        for place in 0..self.reach.len() {
            self.arrays.learn(self.reach[place]);
        }
    }

    pub(super) fn course(&self, clock: &Clock, a_to_b: bool) -> Result<Course<'_>, Fault> {
        Ok(Course {
            pair: &self.pair,
            schedule: &self.schedule,
            arrays: &self.arrays,
            extension: &self.extension,
            references: References::at(&self.pair, clock.unix_timestamp)?,
            with_orders: self.pair.has_limit_orders(),
            a_to_b,
        })
    }

    /// Returns the time in the unit of the activation point.
    pub(super) fn present_point(&self, clock: &Clock) -> u64 {
        if self.pair.activation_type == 0 { clock.slot } else { clock.unix_timestamp }
    }

    /// Returns the refusal for a fault, with the account it is about.
    pub(super) fn refusal(&self, fault: Fault) -> Refusal {
        let refusal = fault.refusal();
        match fault {
            Fault::UnknownArray(index) | Fault::AbsentArray(index) => match self.arrays.address(index) {
                Some(address) => refusal.with("account", address),
                None => refusal,
            },
            Fault::UnknownBitmapExtension => refusal.with("account", self.extension_address),
            _ => refusal,
        }
    }

    fn write_pair(&mut self, account: &AccountData<'_>) -> Result<Written, DecodeError> {
        expect_owner(account)?;
        layout::expect_type(&LAYOUTS, account.owner, account.data, &[LB_PAIR], "LbPair")?;
        let pair = LbPair::read_known(account.data)?;
        let lasting = |pair: &LbPair| {
            (pair.token_x_mint, pair.token_y_mint, pair.reserve_x, pair.reserve_y, pair.bin_step)
        };
        if lasting(&pair) != lasting(&self.pair) {
            return Err(DecodeError::ImpossibleField {
                account: "LbPair",
                field: "token mints, reserves or bin_step",
                value: format!("{:?}", lasting(&pair)),
                expected: "what it was when the pair was made",
            });
        }
        let changed = pair != self.pair;
        if changed {
            self.set_pair(&pair);
        }
        Ok(Written { changed, is_state: true })
    }

    fn set_pair(&mut self, pair: &LbPair) {
        let stays = pair.active_id.div_euclid(BINS_PER_ARRAY)
            == self.pair.active_id.div_euclid(BINS_PER_ARRAY)
            && pair.bin_array_bitmap == self.pair.bin_array_bitmap;
        self.pair = *pair;
        self.schedule = FeeSchedule::new(&self.pair);
        self.arrays.set_with_orders(self.pair.has_limit_orders());
        if !stays {
            self.learn_reach();
        }
    }

    fn write_extension(&mut self, account: Option<&AccountData<'_>>) -> Result<Written, DecodeError> {
        let before = std::mem::replace(&mut self.extension, Extension::Unknown);
        let read = || {
            let Some(account) = account else { return Ok(Extension::Absent) };
            expect_owner(account)?;
            layout::expect_type(
                &LAYOUTS,
                account.owner,
                account.data,
                &[BITMAP_EXTENSION],
                "BinArrayBitmapExtension",
            )?;
            let extension = BinArrayBitmapExtension::read(account.data)?;
            self.expect_named("BinArrayBitmapExtension", extension.lb_pair)?;
            Ok(Extension::Present(Box::new(extension)))
        };
        let extension = read();
        let changed = extension.as_ref() != Ok(&before);
        if let Ok(extension) = &extension {
            self.extension = extension.clone();
        }
        if changed {
            self.learn_reach();
        }
        extension.map(|_| Written { changed, is_state: false })
    }

    /// One that cannot belong to the pair is refused, and what was known of that index is forgotten.
    fn write_array(&mut self, index: i32, account: Option<&AccountData<'_>>) -> Result<Written, DecodeError> {
        let read = match account {
            None => Ok(None),
            Some(account) => self.read_array(account).and_then(|array| {
                if array.index == i64::from(index) {
                    return Ok(Some(array));
                }
                Err(DecodeError::ImpossibleField {
                    account: "BinArray",
                    field: "index",
                    value: array.index.to_string(),
                    expected: "the index that its address is derived from",
                })
            }),
        };
        let array = read.inspect_err(|_| self.arrays.forget(index))?;
        // Every swap changes the bins it goes through, but prices follow the pair.
        Ok(Written { changed: self.arrays.set(index, array), is_state: false })
    }

    fn read_array(&self, account: &AccountData<'_>) -> Result<BinArray, DecodeError> {
        expect_owner(account)?;
        if !BinArray::is_array(account.data) {
            layout::expect_type(
                &LAYOUTS,
                account.owner,
                account.data,
                &[super::accounts::BIN_ARRAY],
                "BinArray",
            )?;
        }
        let array = BinArray::read(account.data)?;
        self.expect_named("BinArray", array.lb_pair)?;
        Ok(array)
    }

    /// Takes an account whose address is not known yet: an array out of reach.
    fn write_further(&mut self, address: &Pubkey, account: &AccountData<'_>) -> Result<Written, DecodeError> {
        if *account.owner != PROGRAM || !BinArray::is_array(account.data) {
            return Ok(Written::default());
        }
        let index = self.read_array(account)?.index;
        let index = i32::try_from(index).ok().filter(|index| (-6656..6656).contains(index));
        let Some(index) = index.filter(|&index| self.arrays.learn(index) == Some(*address)) else {
            return Err(DecodeError::ImpossibleField {
                account: "BinArray",
                field: "address",
                value: address.to_string(),
                expected: "the address that the program derives for it",
            });
        };
        self.write_array(index, Some(account))
    }

    fn expect_named(&self, account: &'static str, named: Pubkey) -> Result<(), DecodeError> {
        if named == self.address {
            return Ok(());
        }
        Err(DecodeError::ImpossibleField {
            account,
            field: "lb_pair",
            value: named.to_string(),
            expected: "the pair that its address is derived from",
        })
    }

    /// Makes the state what the program leaves.
    fn apply(&mut self, clock: &Clock, a_to_b: bool, swap: &Swap, effects: &Effects) {
        for &(index, place, bin) in &effects.bins {
            self.arrays.set_bin(index, place, bin);
        }
        let mut pair = self.pair;
        if let Ok(references) = References::at(&pair, clock.unix_timestamp) {
            pair.index_reference = references.index;
            pair.volatility_reference = references.volatility;
        }
        pair.volatility_accumulator = swap.progress.accumulator;
        if pair.active_id != swap.progress.active_id {
            pair.active_id = swap.progress.active_id;
            pair.last_update_timestamp = clock.unix_timestamp.cast_signed();
        }
        // The swap would have been refused if these left 64 bits.
        if a_to_b == pair.fee_on_input(a_to_b) {
            pair.protocol_fee_x = pair.protocol_fee_x.wrapping_add(effects.fees.protocol);
        } else {
            pair.protocol_fee_y = pair.protocol_fee_y.wrapping_add(effects.fees.protocol);
        }
        if !pair.has_limit_orders() {
            let now = clock.unix_timestamp;
            pair.reward_last_update_0 =
                counted(pair.reward_mint_0, pair.reward_duration_end_0, pair.reward_last_update_0, now);
            pair.reward_last_update_1 =
                counted(pair.reward_mint_1, pair.reward_duration_end_1, pair.reward_last_update_1, now);
        }
        self.set_pair(&pair);
        self.vaults.trade(a_to_b, swap.quote.vault_in, swap.quote.vault_out);
    }

    fn details(&self, swap: &Swap, effects: &Effects) -> Details {
        let pair = &self.pair;
        vec![
            ("fee_rate", swap.progress.rate.into()),
            ("protocol_fee", effects.fees.protocol.into()),
            ("mm_fee", effects.fees.market_makers.into()),
            ("limit_order_fee", effects.fees.limit_orders.into()),
            ("fees_on_input", swap.quote.fee_on_input.into()),
            ("amount_left", swap.progress.left_in.into()),
            ("post_volatility_accumulator", pair.volatility_accumulator.into()),
            ("post_volatility_reference", pair.volatility_reference.into()),
            ("post_index_reference", pair.index_reference.into()),
            ("post_last_update_timestamp", pair.last_update_timestamp.into()),
            ("post_active_id", pair.active_id.into()),
            ("post_protocol_fee_x", pair.protocol_fee_x.into()),
            ("post_protocol_fee_y", pair.protocol_fee_y.into()),
        ]
    }

    fn missing_array(&self) -> Option<SetAside> {
        let index = self.reach.iter().copied().find(|&index| !self.arrays.is_known(index))?;
        let account = self.arrays.address(index).unwrap_or_default();
        Some(SetAside::Missing { reason: "missing_bin_array", account })
    }

    fn holds_nothing(&self) -> bool {
        self.arrays
            .present()
            .all(|(_, array)| [true, false].map(|a_to_b| array.side(a_to_b).occupied) == [0, 0])
    }
}

/// Returns when a reward was last counted after a swap.
fn counted(mint: Pubkey, end: u64, last_update: u64, now: u64) -> u64 {
    if mint == Pubkey::default() { last_update } else { now.min(end) }
}

fn expect_owner(account: &AccountData<'_>) -> Result<(), DecodeError> {
    if *account.owner == PROGRAM {
        return Ok(());
    }
    Err(DecodeError::WrongOwner { owner: *account.owner })
}

impl PoolState for DlmmPool {
    fn address(&self) -> Pubkey {
        self.address
    }

    fn mints(&self) -> [Pubkey; 2] {
        self.sides.addresses()
    }

    fn written_together(&self, into: &mut Vec<Pubkey>) {
        into.push(self.address);
        into.extend(self.arrays.address(self.pair.active_id.div_euclid(BINS_PER_ARRAY)));
    }

    fn dependencies(&self, into: &mut Vec<Dependency>) {
        self.sides.dependencies(into);
        self.vaults.dependencies(into);
        into.push(Dependency {
            address: self.extension_address,
            reason: "missing_bitmap_extension",
            is_known: self.extension != Extension::Unknown,
        });
        for &index in &self.reach {
            if let Some(address) = self.arrays.address(index) {
                let is_known = self.arrays.is_known(index);
                into.push(Dependency { address, reason: "missing_bin_array", is_known });
            }
        }
    }

    fn write(&mut self, address: &Pubkey, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        if *address == self.address {
            // Pairs are never closed; what to make of a missing one is the market's decision.
            return account.map_or(Ok(Written::default()), |account| self.write_pair(&account));
        }
        if let Some(written) = self.vaults.write(address, account) {
            // A swap changes the pair too; of the vaults a quote reads only whether they suffice.
            return written.map(|written| Written { is_state: false, ..written });
        }
        if let Some(written) = self.sides.write(address, account) {
            return written;
        }
        // Anyone can send lamports to an address that the program has not taken yet: it is then still
        // as good as not there.
        let taken = account.filter(|account| !(*account.owner == SYSTEM_PROGRAM && account.data.is_empty()));
        if *address == self.extension_address {
            return self.write_extension(taken.as_ref());
        }
        if let Some(index) = self.arrays.index_of(address) {
            return self.write_array(index, taken.as_ref());
        }
        taken.map_or(Ok(Written::default()), |account| self.write_further(address, &account))
    }

    fn obstacle(&self, environment: &Environment) -> Option<SetAside> {
        if let Some(obstacle) = self.sides.obstacle(environment).or_else(|| self.vaults.obstacle()) {
            return Some(obstacle);
        }
        if self.pair.status != 0 {
            return Some(SetAside::Disabled { status: u64::from(self.pair.status) });
        }
        if environment.clock.is_none() {
            return Some(SetAside::MissingClock);
        }
        let now = self.present_point(&environment.now());
        if let Some(opens_at) = self.pair.opens_at().filter(|&opens_at| now < opens_at) {
            return Some(SetAside::NotYetOpen { opens_at });
        }
        let is_outer = !is_inner(self.pair.active_id.div_euclid(BINS_PER_ARRAY));
        if is_outer && self.extension == Extension::Unknown {
            let account = self.extension_address;
            return Some(SetAside::Missing { reason: "missing_bitmap_extension", account });
        }
        self.missing_array().or_else(|| self.holds_nothing().then_some(SetAside::NoLiquidity))
    }

    fn depends_on_time(&self) -> bool {
        self.pair.variable_fee_control != 0 || self.pair.opens_at().is_some()
    }

    fn quote(&self, environment: &Environment, request: &SwapRequest) -> Result<Quote, Refusal> {
        self.swap(environment, request, None).map(|swap| swap.quote)
    }

    fn execute(&mut self, environment: &Environment, request: &SwapRequest) -> Result<Execution, Refusal> {
        let mut effects = Effects::default();
        let swap = self.swap(environment, request, Some(&mut effects))?;
        self.apply(&environment.now(), request.a_to_b, &swap, &effects);
        Ok(Execution { quote: swap.quote, details: self.details(&swap, &effects) })
    }

    fn swap_instruction(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        reach: Reach,
    ) -> Result<Instruction, BuildError> {
        self.instruction(environment, request, trader, reach)
    }

    fn each_segment(&self, environment: &Environment, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        let mut left = MAX_SEGMENTS;
        self.walk_segments(environment, a_to_b, |segment| {
            left -= 1;
            visit(segment) && left > 0
        });
    }

    fn marginal_rate(&self, environment: &Environment, a_to_b: bool) -> f64 {
        self.first_rate(environment, a_to_b)
    }

    fn spot_price(&self, a_to_b: bool) -> Option<Fraction> {
        let (price, one) = (U256::from(self.active_price()?), U256::from(ONE_X64));
        let (numerator, denominator) = if a_to_b { (price, one) } else { (one, price) };
        Some(Fraction { numerator, denominator })
    }

    fn summary(&self, environment: &Environment) -> PoolSummary {
        let pair = &self.pair;
        PoolSummary {
            fee_rate_e9: [true, false].map(|a_to_b| self.present_fee_rate(environment, a_to_b)),
            depth: [self.depth(false), self.depth(true)],
            liquidity: None,
            details: vec![
                ("active_id", pair.active_id.into()),
                ("bin_step", pair.bin_step.into()),
                ("status", pair.status.into()),
                ("volatility_accumulator", pair.volatility_accumulator.into()),
                ("variable_fee_control", pair.variable_fee_control.into()),
                ("collect_fee_mode", pair.collect_fee_mode.into()),
                ("protocol_share_bps", pair.protocol_share.into()),
                ("has_limit_orders", pair.has_limit_orders().into()),
            ],
        }
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        let pair = &self.pair;
        sink(&pair.active_id.to_le_bytes());
        sink(&pair.volatility_accumulator.to_le_bytes());
        sink(&pair.volatility_reference.to_le_bytes());
        sink(&pair.index_reference.to_le_bytes());
        sink(&pair.last_update_timestamp.to_le_bytes());
        for word in pair.bin_array_bitmap {
            sink(&word.to_le_bytes());
        }
        for (index, array) in self.arrays.present() {
            sink(&index.to_le_bytes());
            for bin in array.bins.iter() {
                sink(&bin.amount_x.to_le_bytes());
                sink(&bin.amount_y.to_le_bytes());
                sink(&bin.price.to_le_bytes());
                sink(&bin.open_order_amount.to_le_bytes());
                sink(&bin.processed_order_remaining_amount.to_le_bytes());
            }
        }
        for amount in self.vaults.amounts().into_iter().flatten() {
            sink(&amount.to_le_bytes());
        }
    }

    fn boxed_clone(&self) -> Box<dyn PoolState> {
        Box::new(self.clone())
    }
}

impl DlmmPool {
    /// Returns the price of the active bin: the stored one, which the program trusts, or what it would
    /// store in a new array.
    pub(super) fn active_price(&self) -> Option<u128> {
        let active_id = self.pair.active_id;
        let place = usize::try_from(active_id.rem_euclid(BINS_PER_ARRAY)).ok()?;
        let price = match self.arrays.get(active_id.div_euclid(BINS_PER_ARRAY)) {
            Known::Present(array) => array.bins.get(place)?.price,
            Known::Absent | Known::Unknown => price_of_bin(active_id, self.pair.bin_step)?,
        };
        (price != 0).then_some(price)
    }
}
