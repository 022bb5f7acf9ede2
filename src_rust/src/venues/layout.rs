//! Account layouts: declared once, used to read, to print and to notice that a program has changed.

use std::fmt;

use crate::decoders::{DecodeError, Fields};
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};

/// What an account is to the pools of its venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It makes a pool.
    Pool,
    /// It belongs to one pool and holds its address at this offset: tick arrays, bin arrays, oracles.
    OfPool {
        /// Offset of the pool's address.
        pool_at: usize,
    },
    /// Pools name it: configurations, shared by many.
    Shared,
    /// No quote needs it.
    Unused,
}

/// Lengths of an account type that are known to be sound.
#[derive(Debug, Clone, Copy)]
pub enum Lengths {
    /// One of these. A longer account is read, but is a sign that the program has changed.
    Known(&'static [usize]),
    /// Any from this on: the type is of variable size.
    AtLeast(usize),
}

/// A decoded account, for people and for Python.
pub trait Account: fmt::Debug + Send + Sync {
    /// Returns the fields in the order of the layout.
    fn values(&self) -> Details;
}

/// Reads an account whose length and discriminator have been checked.
pub type ReadAccount = fn(&[u8]) -> Result<Box<dyn Account>, DecodeError>;

/// How to know an account type and what to make of it.
#[derive(Debug)]
pub struct Layout {
    /// Name in the program's own words: `PoolState`.
    pub name: &'static str,
    /// First eight bytes; `None`: the type is told by its owner and length.
    pub discriminator: Option<[u8; 8]>,
    /// Owner, where it is not one of the venue's pool programs.
    pub owner: Option<Pubkey>,
    /// Sound lengths.
    pub lengths: Lengths,
    /// What the account is to pools.
    pub role: Role,
    /// Names and Python types of the fields.
    pub fields: &'static [(&'static str, &'static str)],
    /// Nested structures among the field types: name, and names and Python types of its fields.
    pub records: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    /// Reads it; `None` for a type that is only recognised.
    pub read: Option<ReadAccount>,
}

impl Layout {
    /// Returns the layout of a type that no quote needs: it is recognised, not read.
    #[must_use]
    pub const fn unused(name: &'static str, discriminator: [u8; 8]) -> Self {
        Self {
            name,
            discriminator: Some(discriminator),
            owner: None,
            lengths: Lengths::AtLeast(8),
            role: Role::Unused,
            fields: &[],
            records: &[],
            read: None,
        }
    }

    /// Returns whether `len` is a length that this layout was written for.
    #[must_use]
    pub fn knows_length(&self, len: usize) -> bool {
        match self.lengths {
            Lengths::Known(lengths) => lengths.contains(&len),
            Lengths::AtLeast(least) => len >= least,
        }
    }

    fn fits(&self, owner: &Pubkey, data: &[u8]) -> bool {
        if self.owner.is_some_and(|expected| expected != *owner) {
            return false;
        }
        match self.discriminator {
            Some(discriminator) => data.starts_with(&discriminator),
            None => self.knows_length(data.len()),
        }
    }
}

/// Returns the layout among `layouts` that an account of `owner` has.
pub(super) fn find(
    layouts: &'static [Layout],
    owner: &Pubkey,
    data: &[u8],
) -> Result<&'static Layout, DecodeError> {
    layouts.iter().find(|layout| layout.fits(owner, data)).ok_or_else(|| {
        let mut discriminator = [0; 8];
        let known = data.len().min(8);
        discriminator[..known].copy_from_slice(&data[..known]);
        DecodeError::UnknownDiscriminator { owner: *owner, discriminator }
    })
}

/// Refuses an account of another type than it must have: one of `discriminators`.
///
/// # Errors
/// [`DecodeError::UnknownDiscriminator`] for a type that is in no layout, else
/// [`DecodeError::ImpossibleField`].
pub(super) fn expect_type(
    layouts: &'static [Layout],
    owner: &Pubkey,
    data: &[u8],
    discriminators: &[[u8; 8]],
    account: &'static str,
) -> Result<(), DecodeError> {
    if discriminators.iter().any(|expected| data.starts_with(expected)) {
        return Ok(());
    }
    let found = find(layouts, owner, data)?;
    Err(DecodeError::ImpossibleField {
        account,
        field: "discriminator",
        value: format!("that of {}", found.name),
        expected: "that of the type it must have",
    })
}

/// A type that stands in account bytes at a fixed offset, little-endian.
pub(crate) trait Wire: Sized {
    /// Its type in Python.
    const PYTHON: &'static str;

    /// Reads it; `field` is for the error.
    fn read(fields: &Fields<'_>, field: &'static str, offset: usize) -> Result<Self, DecodeError>;

    /// Returns it for printing.
    fn value(&self) -> Value;
}

macro_rules! wire_integers {
    ($($kind:ty),*) => {
        $(impl Wire for $kind {
            const PYTHON: &'static str = "int";

            fn read(fields: &Fields<'_>, _: &'static str, offset: usize) -> Result<Self, DecodeError> {
                fields.bytes(offset).map(Self::from_le_bytes)
            }

            fn value(&self) -> Value {
                (*self).into()
            }
        })*
    };
}
wire_integers!(u8, u16, u32, u64, u128, i32, i64, i128);

impl Wire for bool {
    const PYTHON: &'static str = "bool";

    fn read(fields: &Fields<'_>, field: &'static str, offset: usize) -> Result<Self, DecodeError> {
        let byte = fields.u8(offset)?;
        fields.check(byte <= 1, field, byte, "0 or 1")?;
        Ok(byte == 1)
    }

    fn value(&self) -> Value {
        (*self).into()
    }
}

impl Wire for Pubkey {
    const PYTHON: &'static str = "Address";

    fn read(fields: &Fields<'_>, _: &'static str, offset: usize) -> Result<Self, DecodeError> {
        fields.pubkey(offset)
    }

    fn value(&self) -> Value {
        (*self).into()
    }
}

impl<const N: usize> Wire for [u64; N] {
    const PYTHON: &'static str = "tuple[int, ...]";

    fn read(fields: &Fields<'_>, _: &'static str, offset: usize) -> Result<Self, DecodeError> {
        let mut words = [0; N];
        for (index, word) in words.iter_mut().enumerate() {
            *word = fields.u64(offset + 8 * index)?;
        }
        Ok(words)
    }

    fn value(&self) -> Value {
        Value::List(self.iter().map(|&word| word.into()).collect())
    }
}

impl<const N: usize> Wire for [Pubkey; N] {
    const PYTHON: &'static str = "tuple[Address, ...]";

    fn read(fields: &Fields<'_>, _: &'static str, offset: usize) -> Result<Self, DecodeError> {
        let mut keys = [Pubkey::default(); N];
        for (index, key) in keys.iter_mut().enumerate() {
            *key = fields.pubkey(offset + 32 * index)?;
        }
        Ok(keys)
    }

    fn value(&self) -> Value {
        Value::List(self.iter().map(|&key| key.into()).collect())
    }
}

/// Declares an account type: a struct, how to read it from at least `$least` bytes, its fields for
/// printing, and `FIELDS` for its [`Layout`].
///
/// `field: Type = offset` is read; the type must be [`Wire`].
macro_rules! account_layout {
    (
        $(#[$doc:meta])*
        pub struct $name:ident ($word:literal, $least:expr) {
            $($(#[$field_doc:meta])* $field:ident : $kind:ty = $offset:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl $name {
            /// Names and Python types of the fields.
            pub const FIELDS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($field), <$kind as $crate::venues::layout::Wire>::PYTHON),)*];

            /// Reads the account's fields.
            ///
            /// # Errors
            /// [`DecodeError`](crate::decoders::DecodeError): too few bytes, or a flag that is neither 0 nor 1.
            pub fn read(data: &[u8]) -> Result<Self, $crate::decoders::DecodeError> {
                let fields = $crate::decoders::Fields::new($word, data, $least)?;
                Ok(Self {
                    $($field: <$kind as $crate::venues::layout::Wire>::read(&fields, stringify!($field), $offset)?,)*
                })
            }

            /// Reads the account for printing.
            ///
            /// # Errors
            /// As [`read`](Self::read).
            pub fn read_boxed(
                data: &[u8],
            ) -> Result<Box<dyn $crate::venues::Account>, $crate::decoders::DecodeError> {
                Ok(Box::new(Self::read(data)?))
            }
        }

        impl $crate::venues::Account for $name {
            fn values(&self) -> $crate::swap::Details {
                vec![$((stringify!($field), $crate::venues::layout::Wire::value(&self.$field)),)*]
            }
        }
    };
}
pub(crate) use account_layout;
