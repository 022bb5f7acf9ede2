//! The tick arrays a pool knows of, and what of them a swap can reach.

use super::bitmap::{Bitmaps, span};
use super::error::{self, Fault};
use super::ladder::{End, Ladder, Rung};
use super::tick_array::{TICK_ARRAY_LEN, TickArrayState, TickState};
use super::tick_math::{MAX_TICK, MIN_TICK, sqrt_price_at_tick};
use crate::decoders::{DecodeError, Fields};
use crate::pda;
use crate::quantities::Pubkey;

/// Most arrays that a client passes for one swap, the one of the present tick included.
pub(super) const MAX_ARRAYS_PER_SWAP: usize = 5;
/// Arrays asked for in each direction: one more, so that it is there when the price moves on.
const ARRAYS_ASKED_FOR: usize = MAX_ARRAYS_PER_SWAP + 1;

/// A tick with the square root of its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) state: TickState,
    pub(super) sqrt_price: u128,
}

/// What is known of a tick array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing.
    Unknown,
    /// It does not exist.
    Absent,
    /// Its initialised ticks in ascending order, and whether limit orders rest in it.
    Present { ticks: Vec<Tick>, has_orders: bool },
}

/// A tick array by its place and address.
#[derive(Debug, Clone)]
pub(super) struct KnownArray {
    pub(super) start: i32,
    pub(super) address: Pubkey,
    pub(super) content: Content,
}

/// The arrays in the order in which a swap meets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// At most [`ARRAYS_ASKED_FOR`]; a swap takes the first [`MAX_ARRAYS_PER_SWAP`].
    pub(super) starts: Vec<i32>,
    /// Whether the first is the array of the present tick.
    starts_here: bool,
    /// What follows the last.
    end: Fault,
}

impl Chain {
    fn new(bitmaps: &Bitmaps<'_>, tick_current: i32, downwards: bool) -> Self {
        let (starts_here, first) = match bitmaps.first(tick_current, downwards) {
            Ok(first) => first,
            Err(end) => return Self { starts: Vec::new(), starts_here: false, end },
        };
        let mut starts = vec![first];
        let mut last = first;
        while starts.len() < ARRAYS_ASKED_FOR {
            match bitmaps.next(last, downwards) {
                Ok(Some(next)) => last = next,
                Ok(None) => return Self { starts, starts_here, end: error::LIQUIDITY_INSUFFICIENT },
                Err(end) => return Self { starts, starts_here, end },
            }
            starts.push(last);
        }
        Self { starts, starts_here, end: error::LIQUIDITY_INSUFFICIENT }
    }
}

/// Every array that the pool knows of or asks for, ascending, and the chains through them.
#[derive(Debug, Clone)]
pub(super) struct Arrays {
    program: Pubkey,
    pool: Pubkey,
    pub(super) known: Vec<KnownArray>,
    /// Downwards and upwards.
    chains: [Chain; 2],
    /// Limit orders rest within reach.
    pub(super) has_orders: bool,
    /// Highest growth outside any tick within reach, token 0 and 1.
    pub(super) most_fees_outside: [u128; 2],
    /// Highest reward growth outside any tick within reach.
    pub(super) most_rewards_outside: [u128; 3],
}

impl Arrays {
    pub(super) fn new(program: Pubkey, pool: Pubkey) -> Self {
        let none = Chain { starts: Vec::new(), starts_here: false, end: Fault::ExtensionUnknown };
        Self {
            program,
            pool,
            known: Vec::new(),
            chains: [none.clone(), none],
            has_orders: false,
            most_fees_outside: [0; 2],
            most_rewards_outside: [0; 3],
        }
    }

    /// Follows the bitmaps anew from `tick_current`.
    pub(super) fn follow(&mut self, bitmaps: &Bitmaps<'_>, tick_current: i32) {
        self.chains = [true, false].map(|downwards| Chain::new(bitmaps, tick_current, downwards));
        for side in 0..2 {
            for index in 0..self.chains[side].starts.len() {
                let start = self.chains[side].starts[index];
                if let Err(place) = self.place(start)
                    && let Some(address) = self.derive(start)
                {
                    self.known.insert(place, KnownArray { start, address, content: Content::Unknown });
                }
            }
        }
    }

    /// Returns the address of the array at `start`.
    pub(super) fn derive(&self, start: i32) -> Option<Pubkey> {
        let seeds: [&[u8]; 3] = [b"tick_array", &self.pool.0, &start.to_be_bytes()];
        pda::find_program_address(&seeds, &self.program).ok().map(|(address, _)| address)
    }

    fn place(&self, start: i32) -> Result<usize, usize> {
        self.known.binary_search_by_key(&start, |array| array.start)
    }

    /// Returns the starts of the arrays in the order in which a swap meets them, one more than it takes.
    pub(super) fn chain(&self, a_to_b: bool) -> &[i32] {
        &self.chains[usize::from(!a_to_b)].starts
    }

    /// Returns the known array at `start`.
    pub(super) fn at_start(&self, start: i32) -> Option<&KnownArray> {
        self.known.get(self.place(start).ok()?)
    }

    /// Returns the known array at `address`.
    pub(super) fn at_address(&self, address: &Pubkey) -> Option<usize> {
        self.known.iter().position(|array| array.address == *address)
    }

    /// Makes room for the array at `start` if its address is `address`.
    pub(super) fn admit(&mut self, start: i32, address: &Pubkey) -> Option<usize> {
        let place = self.place(start).err()?;
        (self.derive(start)? == *address).then(|| {
            let array = KnownArray { start, address: *address, content: Content::Unknown };
            self.known.insert(place, array);
            place
        })
    }

    /// Returns the arrays that dependencies list: addresses, and whether anything is known of each.
    pub(super) fn asked_for(&self) -> impl Iterator<Item = &KnownArray> {
        let [down, up] = &self.chains;
        self.known
            .iter()
            .filter(|array| down.starts.contains(&array.start) || up.starts.contains(&array.start))
    }

    /// Returns an array that a swap can reach and of which nothing is known.
    pub(super) fn unknown(&self) -> Option<&KnownArray> {
        self.known.iter().filter(|array| array.content == Content::Unknown).find(|array| {
            self.chains
                .iter()
                .any(|chain| chain.starts.iter().take(MAX_ARRAYS_PER_SWAP).any(|&start| start == array.start))
        })
    }

    /// Whether the bitmap extension decides how far a swap gets and nothing is known of it.
    pub(super) fn lacks_extension(&self) -> bool {
        self.chains
            .iter()
            .any(|chain| chain.end == Fault::ExtensionUnknown && chain.starts.len() < MAX_ARRAYS_PER_SWAP)
    }

    /// Puts the ticks within reach into `ladder` and says how it ends.
    pub(super) fn fill(&mut self, ladder: &mut Ladder) {
        ladder.rungs.clear();
        self.has_orders = false;
        let (down, down_end) = self.reach(0);
        let (up, up_end) = self.reach(1);
        ladder.ends = [down_end, up_end];
        let shared = self.chains[1].starts_here && !down.is_empty() && !up.is_empty();
        for place in down.iter().rev().chain(up.iter().skip(usize::from(shared))).copied() {
            let Content::Present { ticks, has_orders } = &self.known[place].content else { continue };
            self.has_orders |= has_orders;
            for (index, tick) in ticks.iter().enumerate() {
                ladder.rungs.push(Rung {
                    tick: tick.state.tick,
                    sqrt_price: tick.sqrt_price,
                    liquidity_net: tick.state.liquidity_net,
                    source: (place, index),
                });
            }
        }
        self.measure(ladder);
    }

    /// Finds the highest growth outside the ticks within reach.
    pub(super) fn measure(&mut self, ladder: &Ladder) {
        let (mut fees, mut rewards) = ([0; 2], [0; 3]);
        for tick in ladder.rungs.iter().filter_map(|rung| self.tick(rung)) {
            raise(&mut fees, &tick.state.fee_growth_outside_x64);
            raise(&mut rewards, &tick.state.reward_growths_outside_x64);
        }
        (self.most_fees_outside, self.most_rewards_outside) = (fees, rewards);
    }

    /// Returns the tick behind a rung.
    pub(super) fn tick(&self, rung: &Rung) -> Option<&Tick> {
        match &self.known.get(rung.source.0)?.content {
            Content::Present { ticks, .. } => ticks.get(rung.source.1),
            Content::Unknown | Content::Absent => None,
        }
    }

    /// As [`tick`](Self::tick), to be changed.
    pub(super) fn tick_mut(&mut self, source: (usize, usize)) -> Option<&mut Tick> {
        match &mut self.known.get_mut(source.0)?.content {
            Content::Present { ticks, .. } => ticks.get_mut(source.1),
            Content::Unknown | Content::Absent => None,
        }
    }

    /// Returns whether a client finds no array at all to pass in a direction.
    pub(super) fn has_none(&self, downwards: bool) -> bool {
        let starts = &self.chains[usize::from(!downwards)].starts;
        starts
            .iter()
            .take(MAX_ARRAYS_PER_SWAP)
            .all(|&start| self.place(start).is_ok_and(|place| self.known[place].content == Content::Absent))
    }

    /// Returns the places of the arrays with ticks, in the chain's order, and how they end.
    fn reach(&self, side: usize) -> (Vec<usize>, End) {
        let chain = &self.chains[side];
        let mut places = Vec::new();
        for (index, &start) in chain.starts.iter().enumerate() {
            let place = self.place(start).ok();
            let missing = |is_absent: bool| End::Array { start, is_absent, is_first: index == 0 };
            if index == MAX_ARRAYS_PER_SWAP {
                return (places, missing(true));
            }
            match place.map(|place| (place, &self.known[place].content)) {
                None | Some((_, Content::Unknown)) => return (places, missing(false)),
                Some((_, Content::Absent)) => return (places, missing(true)),
                Some((place, Content::Present { ticks, .. })) => {
                    if ticks.is_empty() && !(index == 0 && chain.starts_here) {
                        return (places, End::Fault(error::INVALID_TICK_ARRAY));
                    }
                    places.push(place);
                }
            }
        }
        (places, End::Fault(chain.end))
    }
}

fn raise<const N: usize>(most: &mut [u128; N], values: &[u128; N]) {
    for (most, value) in most.iter_mut().zip(values) {
        *most = (*most).max(*value);
    }
}

/// Reads the ticks of the array that starts at `start`.
///
/// # Errors
/// [`DecodeError`]: too few bytes, another start or a tick that is not where its index says.
pub(super) fn read_ticks(data: &[u8], start: i32, tick_spacing: u16) -> Result<Content, DecodeError> {
    let array = TickArrayState::read(data)?;
    let fields = Fields::new("TickArrayState", data, TICK_ARRAY_LEN)?;
    let found = array.start_tick_index;
    fields.check(found == start, "start_tick_index", found, "that of its address")?;
    let mut has_orders = false;
    let mut ticks = Vec::with_capacity(array.ticks.len());
    for (place, state) in array.ticks {
        has_orders |= state.orders != [0; 2];
        if state.liquidity_gross == 0 {
            continue;
        }
        let offset = i32::from(place) * i32::from(tick_spacing);
        debug_assert!(offset < span(tick_spacing));
        let in_range = (MIN_TICK..=MAX_TICK).contains(&state.tick);
        let in_place = in_range && start.checked_add(offset) == Some(state.tick);
        fields.check(in_place, "tick", state.tick, "the index of its place")?;
        ticks.push(Tick { state, sqrt_price: sqrt_price_at_tick(state.tick) });
    }
    Ok(Content::Present { ticks, has_orders })
}
