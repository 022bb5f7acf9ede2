//! Seventy neighbouring bins, as the account has them, and what a swap needs of them at a glance.

use super::accounts::BIN_ARRAY;
use super::bin_swap::Fill;
use super::errors::Fault;
use super::fees::FeeSplit;
use super::price::amount_in;
use crate::decoders::{DecodeError, Fields};
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};
use crate::venues::Account;
use crate::venues::layout::Wire;

/// Bins of an array.
pub(super) const BINS: usize = 70;
/// The same, for arithmetic on bin ids.
pub(super) const BINS_PER_ARRAY: i32 = 70;
/// Length of an array's account.
pub(super) const BIN_ARRAY_LEN: usize = BINS_AT + BINS * BIN_LEN;
const BINS_AT: usize = 56;
const BIN_LEN: usize = 144;

macro_rules! bin {
    ($($(#[$doc:meta])* $field:ident : $kind:ident = $offset:literal,)*) => {
        /// What can be traded at one price, and the orders there.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Bin {
            $($(#[$doc])* pub $field: $kind,)*
        }

        /// Names and Python types of a bin's fields.
        pub(super) const BIN_FIELDS: &[(&str, &str)] =
            &[$((stringify!($field), <$kind as Wire>::PYTHON),)*];

        impl Bin {
            fn read(bytes: &[u8; BIN_LEN]) -> Self {
                $(const _: () = assert!($offset + size_of::<$kind>() <= BIN_LEN);)*
                Self { $($field: {
                    let mut field = [0; size_of::<$kind>()];
                    field.copy_from_slice(&bytes[$offset..$offset + size_of::<$kind>()]);
                    $kind::from_le_bytes(field)
                },)* }
            }

            fn value(&self) -> Value {
                Value::Record("Bin", vec![$((stringify!($field), self.$field.into()),)*])
            }
        }
    };
}

bin! {
    /// Token X of liquidity providers, base units.
    amount_x: u64 = 0,
    /// Token Y of liquidity providers, base units.
    amount_y: u64 = 8,
    /// Token Y per token X, Q64.64. Trusted as it stands, 0 included.
    price: u128 = 16,
    /// Shares of liquidity providers, Q64.64.
    liquidity_supply: u128 = 32,
    /// Token X that orders have sold, base units. Pairs with rewards keep something else here and in
    /// the three fields below.
    fulfilled_order_amount_x: u64 = 48,
    /// Token Y that orders have sold, base units.
    fulfilled_order_amount_y: u64 = 56,
    /// Fees of those who sold token X, base units.
    limit_order_fee_ask_side: u64 = 64,
    /// Fees of those who sold token Y, base units.
    limit_order_fee_bid_side: u64 = 72,
    /// Fees in token X of liquidity providers per share, Q64.64.
    fee_amount_x_per_token_stored: u128 = 80,
    /// Fees in token Y of liquidity providers per share, Q64.64.
    fee_amount_y_per_token_stored: u128 = 96,
    /// Orders not yet touched, base units of the token they sell.
    open_order_amount: u64 = 112,
    /// Orders being filled, base units when that began.
    total_processing_order_amount: u64 = 120,
    /// What is left of these.
    processed_order_remaining_amount: u64 = 128,
    /// How often open orders began to be filled.
    order_age: u32 = 136,
    /// 1 if the orders sell token X, else token Y.
    limit_order_ask_side: u8 = 140,
}

/// Sources of a bin's output in the order they are used: liquidity providers, orders being filled,
/// open orders.
pub(super) type Layers = [u64; 3];

/// Input that cannot be told beforehand: a swap there goes through every check.
const UNTOLD: u64 = u64::MAX;
/// A fee growth below this has room for that of any one swap over [`SOUND_SHARES`].
const SOUND_GROWTH: u128 = 1 << 127;
/// Whole shares from which on one swap's fee grows by less than half of what fits.
const SOUND_SHARES: u128 = 2;

impl Bin {
    /// Returns what is for sale against the input.
    pub(super) fn layers(&self, a_to_b: bool, with_orders: bool) -> Layers {
        let provided = if a_to_b { self.amount_y } else { self.amount_x };
        if with_orders && (self.limit_order_ask_side == 1) != a_to_b {
            [provided, self.processed_order_remaining_amount, self.open_order_amount]
        } else {
            [provided, 0, 0]
        }
    }

    /// Returns the bin as a swap leaves it.
    pub(super) fn after(
        &self,
        fill: &Fill,
        split: &FeeSplit,
        a_to_b: bool,
        fee_in_x: bool,
    ) -> Result<Self, Fault> {
        let add = |amount: u64, more: u64| amount.checked_add(more).ok_or(Fault::MathOverflow);
        let take = |amount: u64, less: u64| amount.checked_sub(less).ok_or(Fault::MathOverflow);
        let [provided, processed, open] = fill.layers;
        let mut bin = *self;
        if a_to_b {
            bin.amount_x = add(bin.amount_x, provided.input)?;
            bin.amount_y = take(bin.amount_y, provided.output)?;
        } else {
            bin.amount_y = add(bin.amount_y, provided.input)?;
            bin.amount_x = take(bin.amount_x, provided.output)?;
        }
        bin.processed_order_remaining_amount = take(bin.processed_order_remaining_amount, processed.output)?;
        if open.output > 0 {
            bin.total_processing_order_amount = bin.open_order_amount;
            bin.processed_order_remaining_amount = take(bin.open_order_amount, open.output)?;
            bin.open_order_amount = 0;
            bin.order_age = bin.order_age.checked_add(1).ok_or(Fault::MathOverflow)?;
        }
        let ordered = add(processed.output, open.output)?;
        if ordered > 0 {
            let (sold, fees) = if a_to_b {
                (&mut bin.fulfilled_order_amount_y, &mut bin.limit_order_fee_bid_side)
            } else {
                (&mut bin.fulfilled_order_amount_x, &mut bin.limit_order_fee_ask_side)
            };
            *sold = add(*sold, ordered)?;
            *fees = add(*fees, split.limit_orders)?;
        }
        // Without a whole share there is nobody to credit.
        if let Some(growth) = (u128::from(split.market_makers) << 64).checked_div(self.liquidity_supply >> 64)
        {
            let stored = if fee_in_x {
                &mut bin.fee_amount_x_per_token_stored
            } else {
                &mut bin.fee_amount_y_per_token_stored
            };
            *stored = stored.checked_add(growth).ok_or(Fault::MathOverflow)?;
        }
        Ok(bin)
    }

    /// Returns input before fees and output of buying everything, if no check in it can fail and the
    /// bin does not give anything away.
    fn drained(&self, layers: Layers, a_to_b: bool) -> (u64, u64) {
        let output = layers.iter().try_fold(0_u64, |sum, &layer| sum.checked_add(layer));
        let Some(output) = output else { return (UNTOLD, u64::MAX) };
        if output == 0 {
            return (UNTOLD, 0);
        }
        let told = || {
            let mut inputs = [0; 3];
            for (input, layer) in inputs.iter_mut().zip(layers) {
                if layer > 0 {
                    *input = amount_in(layer, self.price, a_to_b).ok()?;
                }
            }
            let input = inputs.iter().try_fold(0_u64, |sum, &input| sum.checked_add(input))?;
            let (into, sold, order_fees) = if a_to_b {
                (self.amount_x, self.fulfilled_order_amount_y, self.limit_order_fee_bid_side)
            } else {
                (self.amount_y, self.fulfilled_order_amount_x, self.limit_order_fee_ask_side)
            };
            into.checked_add(inputs[0])?;
            let growth = self.fee_amount_x_per_token_stored.max(self.fee_amount_y_per_token_stored);
            let shares = self.liquidity_supply >> 64;
            let shares_are_sound = shares == 0 || (shares >= SOUND_SHARES && growth < SOUND_GROWTH);
            let ordered = layers[1].checked_add(layers[2])?;
            // A fee is less than a ninth of the amount it is taken from or put on.
            let orders_are_sound = ordered == 0
                || (sold.checked_add(ordered).is_some()
                    && order_fees.checked_add(input.max(output)).is_some()
                    && self.order_age < u32::MAX
                    && layers[1] <= self.processed_order_remaining_amount);
            (input > 0 && shares_are_sound && orders_are_sound).then_some(input)
        };
        (told().unwrap_or(UNTOLD), output)
    }
}

/// One direction's view of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Side {
    /// Bins that have something for sale, lowest bin in the lowest bit.
    pub occupied: u128,
    /// Input before fees that buys a whole bin; `u64::MAX` where that must be worked out.
    pub input: [u64; BINS],
    /// Output of a whole bin before fees.
    pub output: [u64; BINS],
}

impl Side {
    const EMPTY: Self = Self { occupied: 0, input: [UNTOLD; BINS], output: [0; BINS] };

    /// Returns the input before fees that buys a whole bin, if it can be told beforehand.
    #[inline]
    pub(super) fn told_input(&self, place: usize) -> Option<u64> {
        self.input.get(place).copied().filter(|&input| input != UNTOLD)
    }
}

/// A bin array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinArray {
    /// Bins `70 * index` and up.
    pub index: i64,
    /// Version of the layout.
    pub version: u8,
    /// The pair.
    pub lb_pair: Pubkey,
    /// The bins, lowest first.
    pub bins: Box<[Bin; BINS]>,
}

impl BinArray {
    /// Names and Python types of the fields.
    pub const FIELDS: &'static [(&'static str, &'static str)] =
        &[("index", "int"), ("version", "int"), ("lb_pair", "Address"), ("bins", "tuple[Bin, ...]")];

    /// Reads an array.
    ///
    /// # Errors
    /// [`DecodeError`]: too few bytes.
    pub fn read(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("BinArray", data, BIN_ARRAY_LEN)?;
        let mut bins = Box::new([Bin::default(); BINS]);
        let bytes = data.get(BINS_AT..).unwrap_or_default().as_chunks::<BIN_LEN>().0;
        for (bin, bytes) in bins.iter_mut().zip(bytes) {
            *bin = Bin::read(bytes);
        }
        Ok(Self {
            index: i64::from_le_bytes(fields.bytes(8)?),
            version: fields.u8(16)?,
            lb_pair: fields.pubkey(24)?,
            bins,
        })
    }

    /// Returns whether bytes are those of an array.
    pub(super) fn is_array(data: &[u8]) -> bool {
        data.starts_with(&BIN_ARRAY)
    }
}

impl Account for BinArray {
    fn values(&self) -> Details {
        vec![
            ("index", self.index.into()),
            ("version", self.version.into()),
            ("lb_pair", self.lb_pair.into()),
            ("bins", Value::List(self.bins.iter().map(Bin::value).collect())),
        ]
    }
}

/// An array made ready for swaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PreparedArray {
    pub bins: Box<[Bin; BINS]>,
    sides: Box<[Side; 2]>,
}

impl PreparedArray {
    /// Prepares an array. What is the same in `before` is not worked out again.
    pub(super) fn new(array: BinArray, with_orders: bool, before: Option<&Self>) -> Self {
        let mut prepared = Self {
            bins: array.bins,
            sides: before.map_or_else(|| Box::new([Side::EMPTY; 2]), |before| before.sides.clone()),
        };
        for place in 0..BINS {
            if before.is_none_or(|before| before.bins[place] != prepared.bins[place]) {
                prepared.prepare(place, with_orders);
            }
        }
        prepared
    }

    /// Returns the array as a direction sees it.
    #[inline]
    pub(super) fn side(&self, a_to_b: bool) -> &Side {
        &self.sides[usize::from(!a_to_b)]
    }

    /// Replaces a bin.
    pub(super) fn set(&mut self, place: usize, bin: Bin, with_orders: bool) {
        if let Some(slot) = self.bins.get_mut(place) {
            *slot = bin;
            self.prepare(place, with_orders);
        }
    }

    fn prepare(&mut self, place: usize, with_orders: bool) {
        let Some(bin) = self.bins.get(place) else { return };
        for (side, a_to_b) in self.sides.iter_mut().zip([true, false]) {
            let (input, output) = bin.drained(bin.layers(a_to_b, with_orders), a_to_b);
            side.input[place] = input;
            side.output[place] = output;
            let bit = 1 << place;
            side.occupied = if output > 0 { side.occupied | bit } else { side.occupied & !bit };
        }
    }
}
