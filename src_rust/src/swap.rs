//! What is asked of a pool and what it answers, in the same words for every venue.

use crate::decoders::sysvar::Clock;
use crate::quantities::Pubkey;

/// What a program reads besides accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Environment {
    /// The chain's clock, if it is known. A pool whose answer depends on it is set aside without.
    pub clock: Option<Clock>,
}

impl Environment {
    /// Returns the clock, all zero if it is not known.
    #[must_use]
    pub fn now(&self) -> Clock {
        self.clock.unwrap_or_default()
    }
}

/// Most compute units that a transaction can ask for.
pub const MAX_COMPUTE_UNITS: u32 = 1_400_000;

/// The arguments of a swap, whatever the program calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwapRequest {
    /// Input if `exact_in`, else output; base units, as the trader sends or receives them.
    pub amount: u64,
    /// Whether `amount` is the input.
    pub exact_in: bool,
    /// Whether the input is the pool's first token (A, 0, coin, X, base).
    pub a_to_b: bool,
    /// Least output if `exact_in`, else most input, as the trader receives or pays them.
    pub other_amount_threshold: u64,
    /// Price (Q64.64 square root) at which the swap stops, where the program takes one; 0 = none.
    pub sqrt_price_limit_x64: u128,
    /// Take what the pool can give instead of failing (Meteora DAMM v2, `swap_mode` 1).
    pub partial_fill: bool,
    /// What the trader holds of the input token, transfer fees not yet paid; `None`: whatever a supply
    /// of 64 bits leaves outside of the pool.
    pub trader_balance: Option<u64>,
    /// Compute units that the swap may take; a program that runs out of them fails like any other.
    /// `u32::MAX` asks for the amounts whatever they cost.
    pub compute_unit_limit: u32,
    /// One of [`crate::venues::Venue::instructions`], where answers depend on it; `None`: the one
    /// that a client would send.
    pub instruction: Option<&'static str>,
}

impl SwapRequest {
    /// Returns a request with no price limit that accepts any outcome.
    #[must_use]
    pub const fn new(amount: u64, exact_in: bool, a_to_b: bool) -> Self {
        Self {
            amount,
            exact_in,
            a_to_b,
            other_amount_threshold: if exact_in { 0 } else { u64::MAX },
            sqrt_price_limit_x64: 0,
            partial_fill: false,
            trader_balance: None,
            compute_unit_limit: MAX_COMPUTE_UNITS,
            instruction: None,
        }
    }

    /// Returns the most that the trader can pay into a vault that holds `vault_balance`: a supply fits
    /// 64 bits, so nobody holds what does not fit beside it.
    #[must_use]
    pub const fn most_payable(&self, vault_balance: u64) -> u64 {
        match self.trader_balance {
            Some(balance) => balance,
            None => u64::MAX - vault_balance,
        }
    }
}

/// The amounts of a swap, base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quote {
    /// Leaves the trader, transfer fee included.
    pub user_in: u64,
    /// Reaches the trader, transfer fee excluded.
    pub user_out: u64,
    /// Reaches the pool.
    pub vault_in: u64,
    /// Leaves the pool.
    pub vault_out: u64,
    /// Everything the pool and its program keep, in the token that `fee_on_input` names.
    pub fee: u64,
    /// Whether `fee` is in the input token, else in the output token.
    pub fee_on_input: bool,
    /// Token-2022 transfer fee on the way in; `user_in - vault_in`.
    pub input_transfer_fee: u64,
    /// Token-2022 transfer fee on the way out; `vault_out - user_out`.
    pub output_transfer_fee: u64,
}

/// A value of a decoded field or a swap's detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing there.
    None,
    /// True or false.
    Bool(bool),
    /// A non-negative number.
    Unsigned(u128),
    /// A number that may be negative.
    Signed(i128),
    /// An address.
    Address(Pubkey),
    /// A word of the program's, as for a status.
    Text(&'static str),
    /// Bytes, shown in hexadecimal.
    Bytes(Vec<u8>),
    /// Several of the same kind.
    List(Vec<Value>),
    /// A nested structure: its name and its fields.
    Record(&'static str, Vec<(&'static str, Value)>),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),*) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}
value_from!(bool => Bool, u8 => Unsigned, u16 => Unsigned, u32 => Unsigned, u64 => Unsigned,
    u128 => Unsigned, i32 => Signed, i64 => Signed, i128 => Signed, Pubkey => Address, Vec<u8> => Bytes);

/// Named values.
pub type Details = Vec<(&'static str, Value)>;

/// A swap carried out on a pool's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// The amounts.
    pub quote: Quote,
    /// What else the program reports or writes, under the names of the golden vectors' `result`.
    pub details: Details,
}

/// What kind of failure a [`Refusal`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The program, or the token program under it, returns an error.
    Program,
    /// The program panics: a failed transaction without an error number.
    Panic,
    /// The swap takes more compute units than it may.
    ComputeBudget,
    /// An account that the swap reaches is not known. `name` and `code` are the program's when it is
    /// not passed.
    MissingAccount,
    /// The swap depends on something this crate does not model; never guessed.
    Unsupported,
}

/// Why there is no quote: what the program would say, with the values that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of failure.
    pub kind: RefusalKind,
    /// The program's word for it.
    pub name: &'static str,
    /// The program's number for it, if it has one.
    pub code: Option<u32>,
    /// The values that matter. Boxed, so that a quote's result stays small.
    details: Option<Box<Details>>,
}

impl Refusal {
    /// Returns an error of the program.
    #[must_use]
    pub const fn program(name: &'static str, code: u32) -> Self {
        Self { kind: RefusalKind::Program, name, code: Some(code), details: None }
    }

    /// Returns a failure without a number of the program's.
    #[must_use]
    pub const fn other(kind: RefusalKind, name: &'static str) -> Self {
        Self { kind, name, code: None, details: None }
    }

    /// Returns the refusal for an account that is not known, with the program's error for it.
    #[must_use]
    pub const fn missing(name: &'static str, code: Option<u32>) -> Self {
        Self { kind: RefusalKind::MissingAccount, name, code, details: None }
    }

    /// Adds a value that matters.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.get_or_insert_default().push((name, value.into()));
        self
    }

    /// Adds the amount that was asked for, unless the values name one or an account is to blame.
    #[must_use]
    pub fn asked(self, request: &SwapRequest) -> Self {
        let is_of_program =
            matches!(self.kind, RefusalKind::Program | RefusalKind::Panic | RefusalKind::ComputeBudget);
        if !is_of_program || self.details().iter().any(|(name, _)| name.starts_with("amount")) {
            return self;
        }
        self.with(if request.exact_in { "amount_in" } else { "amount_out" }, request.amount)
    }

    /// Returns the values that matter.
    #[must_use]
    pub fn details(&self) -> &[(&'static str, Value)] {
        self.details.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Address(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::List(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Record(name, fields) => {
                write!(f, "{name}(")?;
                for (index, (field, value)) in fields.iter().enumerate() {
                    write!(f, "{}{field}={value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            RefusalKind::Program => "the program refuses: ",
            RefusalKind::Panic => "the program panics: ",
            RefusalKind::ComputeBudget => "too many compute units: ",
            RefusalKind::MissingAccount => "an account is missing: ",
            RefusalKind::Unsupported => "not supported: ",
        })?;
        f.write_str(self.name)?;
        if let Some(code) = self.code {
            write!(f, " ({code})")?;
        }
        for (name, value) in self.details() {
            write!(f, ", {name} {value}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_programs_names_the_amount_once() {
        let request = SwapRequest::new(7, false, true);
        let bare = Refusal::program("MathOverflow", 6000).asked(&request);
        assert_eq!(bare.details(), [("amount_out", Value::Unsigned(7))]);
        let own = Refusal::program("InvalidInput", 29).with("amount_in", 5_u64);
        assert_eq!(own.clone().asked(&request), own);
        let missing = Refusal::missing("AccountNotInitialized", Some(3012));
        assert_eq!(missing.clone().asked(&request), missing);
    }
}
