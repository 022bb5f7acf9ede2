//! What the fuzz targets do with bytes: open a pool from them, write accounts, ask for swaps.
//!
//! An input is an [`Input`] in bytes. Whatever it holds, nothing may panic, hang, or allocate more
//! than a small multiple of it (run with `-timeout` and `-malloc_limit_mb`), and a quote must be what
//! carrying the swap out gives.

pub mod aggregator;
pub mod seeds;
pub mod strategy_language;

use phantom_core::decoders::Decoded;
use phantom_core::decoders::spl_token::{self, TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use phantom_core::decoders::sysvar::{self, Clock};
use phantom_core::quantities::Pubkey;
use phantom_core::swap::{Environment, MAX_COMPUTE_UNITS, SwapRequest};
use phantom_core::venues::{AccountData, Dependency, NewPool, PoolState, Venue, decode_account};

/// Bytes of one request.
const REQUEST_LEN: usize = 33;
/// Most accounts that one input writes.
const MAX_WRITES: usize = 48;

/// An account of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write<'a> {
    /// Which dependency it is written to; the first account is the pool's own and has none.
    pub dependency: u8,
    /// Which owner it has, see [`owner`].
    pub owner: u8,
    /// Its bytes.
    pub data: &'a [u8],
}

/// A fuzzer's input, taken apart.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// Which of the venue's programs owns the pool.
    pub program: u8,
    /// Address of the pool, from which those of its arrays follow.
    pub address: Pubkey,
    /// The time.
    pub clock: Clock,
    /// Swaps asked for.
    pub requests: Vec<SwapRequest>,
    /// The pool's account, then others.
    pub accounts: Vec<Write<'a>>,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

impl<'a> Input<'a> {
    /// Reads an input; `None` if it ends before the first account.
    #[must_use]
    pub fn read(data: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(data);
        let program = reader.u8()?;
        let address = Pubkey(reader.array()?);
        let clock = Clock { slot: reader.u64()?, epoch: reader.u64()?, unix_timestamp: reader.u64()? };
        let count = usize::from(reader.u8()? % 5);
        let mut requests = Vec::with_capacity(count);
        for _ in 0..count {
            let mut fields = Reader(reader.take(REQUEST_LEN)?);
            let (amount, other_amount_threshold) = (fields.u64()?, fields.u64()?);
            let sqrt_price_limit_x64 = fields.array().map(u128::from_le_bytes)?;
            let flags = fields.u8()?;
            requests.push(SwapRequest {
                other_amount_threshold,
                sqrt_price_limit_x64: if flags & 4 != 0 { sqrt_price_limit_x64 } else { 0 },
                partial_fill: flags & 8 != 0,
                compute_unit_limit: if flags & 16 != 0 { u32::MAX } else { MAX_COMPUTE_UNITS },
                trader_balance: (flags & 32 != 0).then_some(amount / 2),
                ..SwapRequest::new(amount, flags & 1 != 0, flags & 2 != 0)
            });
        }
        let mut accounts = Vec::new();
        while accounts.len() < MAX_WRITES {
            let Some([dependency, owner, low, high]) = reader.array() else { break };
            let len = usize::from(u16::from_le_bytes([low, high])).min(reader.0.len());
            let data = reader.take(len)?;
            accounts.push(Write { dependency, owner, data });
        }
        (!accounts.is_empty()).then_some(Self { program, address, clock, requests, accounts })
    }

    /// Writes an input.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.program];
        bytes.extend(self.address.0);
        for word in [self.clock.slot, self.clock.epoch, self.clock.unix_timestamp] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.push(self.requests.len() as u8);
        for request in &self.requests {
            bytes.extend(request.amount.to_le_bytes());
            bytes.extend(request.other_amount_threshold.to_le_bytes());
            bytes.extend(request.sqrt_price_limit_x64.to_le_bytes());
            let flags =
                [request.exact_in, request.a_to_b, request.sqrt_price_limit_x64 > 0, request.partial_fill];
            bytes.push(flags.iter().enumerate().map(|(bit, &set)| u8::from(set) << bit).sum());
        }
        for account in &self.accounts {
            bytes.extend([account.dependency, account.owner]);
            bytes.extend((account.data.len() as u16).to_le_bytes());
            bytes.extend(account.data);
        }
        bytes
    }
}

/// Returns the owners that an input can name: the venue's, the token programs, the system.
#[must_use]
pub fn owners(venue: &Venue) -> Vec<Pubkey> {
    let mut owners = venue.programs.to_vec();
    owners.extend([TOKEN_PROGRAM, TOKEN_2022_PROGRAM, Pubkey::default()]);
    for layout in venue.layouts {
        owners.extend(layout.owner.filter(|owner| !owners.contains(owner)));
    }
    owners
}

/// Prints an account, if it is one.
fn show(owner: &Pubkey, data: &[u8]) {
    if let Ok(decoded) = decode_account(owner, data) {
        for (_, value) in decoded.account.values() {
            let _ = value.to_string();
        }
    }
}

/// Writes an input's account to one of the pool's dependencies, or to the pool itself.
fn write(pool: &mut dyn PoolState, known: &mut Vec<Dependency>, owner: &Pubkey, account: &Write<'_>) {
    known.clear();
    pool.dependencies(known);
    let choice = usize::from(account.dependency) % (known.len() + 1);
    let address = known.get(choice).map_or(pool.address(), |dependency| dependency.address);
    // An empty account stands for one that does not exist.
    let content = (!account.data.is_empty()).then_some(AccountData { owner, data: account.data });
    let _ = pool.write(&address, content);
}

/// Opens a pool of `venue`, writes accounts and asks for swaps; panics only for a fault of ours.
///
/// # Panics
/// If a quote is not what carrying the swap out gives.
pub fn pool(venue: &str, data: &[u8]) {
    // A target may be older than its venue.
    let Some(venue) = Venue::named(venue) else { return };
    let Some(input) = Input::read(data) else { return };
    let owners = owners(venue);
    let owner = |index: u8| owners[usize::from(index) % owners.len()];
    for account in &input.accounts {
        show(&owner(account.owner), account.data);
    }
    let Some((first, others)) = input.accounts.split_first() else { return };
    let program = venue.programs[usize::from(input.program) % venue.programs.len()];
    let new = NewPool {
        address: input.address,
        program,
        data: first.data,
        assume_plain_mints: input.program >= 128,
    };
    let Ok(mut pool) = (venue.open)(&new) else { return };
    let mut dependencies = Vec::new();
    for account in others {
        write(pool.as_mut(), &mut dependencies, &owner(account.owner), account);
    }
    let environment = Environment { clock: Some(input.clock) };
    ask(pool.as_ref(), &environment, &input.requests);
    ask(pool.as_ref(), &Environment::default(), &input.requests);
}

/// Asks a pool everything there is to ask.
fn ask(pool: &dyn PoolState, environment: &Environment, requests: &[SwapRequest]) {
    let (mut segments, mut digest) = (Vec::new(), 0_usize);
    for a_to_b in [true, false] {
        pool.segments(environment, a_to_b, &mut segments);
        let _ = (pool.marginal_rate(environment, a_to_b), pool.spot_price(a_to_b));
    }
    let _ = (pool.obstacle(environment), pool.summary(environment));
    pool.digest(&mut |bytes| digest = digest.wrapping_add(bytes.len()));
    let mut traded = pool.boxed_clone();
    for request in requests {
        let quoted = traded.quote(environment, request);
        let executed = traded.execute(environment, request).map(|execution| execution.quote);
        assert_eq!(quoted, executed, "quote and execution differ");
    }
}

/// Decodes a mint or token account of either program, and a sysvar.
pub fn tokens(data: &[u8]) {
    for owner in [TOKEN_PROGRAM, TOKEN_2022_PROGRAM, sysvar::OWNER] {
        show(&owner, data);
        if let Ok(Decoded::Mint(mint)) = spl_token::decode(&owner, data) {
            for (epoch, amount) in [(0, 1), (mint.supply, mint.supply), (u64::MAX, u64::MAX)] {
                let Some(fee) = mint.transfer_fee.map(|fees| fees.at(epoch)) else { continue };
                let arrives = fee.exclude(amount).amount;
                let _ = fee.include(arrives);
            }
        }
    }
}
