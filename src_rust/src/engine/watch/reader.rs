//! The watcher's side: what it has been told so far, and how that is said.

use rustc_hash::FxHashMap;

use super::json::{Strings, Text};
use super::pending::Pending;
use super::{Birth, Event, Judged, Opened, Sight};
use crate::market::PoolIndex;

/// A fee that moves by less, in 1/10^9 of the amount, is not told: 1/10,000.
const FEE_STEP_E9: u64 = 100_000;

/// One pool as it was told.
#[derive(Debug)]
struct Known {
    birth: Birth,
    sight: Sight,
    /// What was said of its fee when it was last told whole.
    fee_rate_e9: Option<[u64; 2]>,
    decimals: [Option<u8>; 2],
}

/// A cycle that is open.
#[derive(Debug)]
struct Open {
    opened: Opened,
    judged: Option<Judged>,
}

/// All that was fetched, folded.
#[derive(Debug)]
pub(super) struct Reader {
    pools: Vec<Known>,
    open: FxHashMap<u64, Open>,
    fetched: Pending,
    strings: Strings,
    /// Pools to be told whole, and those whose state alone is told; each in ascending order.
    whole: Vec<PoolIndex>,
    moved: Vec<PoolIndex>,
}

fn fee_of(sight: &Sight) -> Option<[u64; 2]> {
    sight.set_aside.is_none().then_some(sight.fee_rate_e9)
}

impl Known {
    /// Returns whether what was said of the pool when it was new is another by now.
    fn is_outdated(&self) -> bool {
        let fee_moved = match (self.fee_rate_e9, fee_of(&self.sight)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(told), Some(now)) => {
                told.iter().zip(now).any(|(told, now)| told.abs_diff(now) >= FEE_STEP_E9)
            }
        };
        fee_moved || self.decimals != self.sight.decimals
    }

    fn told(&mut self) {
        self.decimals = self.sight.decimals;
        self.fee_rate_e9 = fee_of(&self.sight);
    }
}

impl Reader {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            pools: Vec::new(),
            open: FxHashMap::default(),
            fetched: Pending::new(capacity),
            strings: Strings::default(),
            whole: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// Returns the buffer to swap with the engine's: empty before, and to be [folded](Self::fold) then.
    pub(super) fn fetched(&mut self) -> &mut Pending {
        &mut self.fetched
    }

    /// Takes a cycle that was open before anybody watched.
    pub(super) fn begin(&mut self, opened: Opened) {
        self.open.insert(opened.id, Open { opened, judged: None });
    }

    /// Brings what was fetched into what is known. To be told are then [`Self::changes`] or the whole.
    pub(super) fn fold(&mut self) {
        let Self { pools, open, fetched, whole, moved, .. } = self;
        let mut births = fetched.births.iter();
        for sight in &fetched.sights {
            if let Some(known) = pools.get_mut(sight.pool as usize) {
                known.sight = *sight;
                if known.is_outdated() { &mut *whole } else { &mut *moved }.push(sight.pool);
            } else if let Some(birth) = births.next() {
                // Pools come in the order of their numbers, each with its first state.
                debug_assert_eq!((birth.pool, sight.pool as usize), (sight.pool, pools.len()));
                pools.push(Known { birth: *birth, sight: *sight, fee_rate_e9: None, decimals: [None; 2] });
                whole.push(sight.pool);
            }
        }
        for &pool in &*whole {
            pools[pool as usize].told();
        }
        whole.sort_unstable();
        moved.sort_unstable();
        for (id, dropped) in &fetched.dropped {
            match dropped {
                Some(opened) => drop(open.insert(*id, Open { opened: *opened, judged: None })),
                None => drop(open.remove(id)),
            }
        }
        for event in &fetched.events {
            match event {
                Event::Opened(opened) => {
                    open.insert(opened.id, Open { opened: *opened, judged: None });
                }
                Event::Closed { id, .. } => drop(open.remove(id)),
            }
        }
        for (id, judged) in &fetched.judged {
            if let Some(open) = open.get_mut(id) {
                open.judged = Some(*judged);
                open.opened.net = judged.net.unwrap_or(open.opened.net);
            }
        }
    }

    /// Says what the last fetch brought, and forgets that it is to be said.
    pub(super) fn changes(&mut self, lost: u64) -> Vec<u8> {
        let Self { pools, fetched, strings, whole, moved, .. } = self;
        let nothing = whole.is_empty() && moved.is_empty();
        let nothing = nothing && fetched.events.is_empty() && fetched.judged.is_empty();
        let mut text = Text::default();
        if !nothing {
            text.raw("{\"new_pools\":");
            text.list(whole.iter(), |text, &pool| pools[pool as usize].write_whole(text, strings));
            text.raw(",\"pools\":");
            text.list(moved.iter(), |text, &pool| write_state(text, &pools[pool as usize].sight));
            text.raw(",\"opened\":");
            let opened = fetched.events.iter().filter_map(|event| match event {
                Event::Opened(opened) => Some(opened),
                Event::Closed { .. } => None,
            });
            text.list(opened, write_opened);
            text.raw(",\"judged\":");
            let mut judged: Vec<&Judged> = fetched.judged.values().collect();
            judged.sort_unstable_by_key(|judged| judged.id);
            text.list(judged.into_iter(), |text, judged| write_judged(text, judged, strings));
            text.raw(",\"closed\":");
            let closed = fetched.events.iter().filter_map(|event| match event {
                Event::Opened(_) => None,
                Event::Closed { id, slot } => Some((*id, *slot)),
            });
            text.list(closed, |text, (id, slot)| text.tuple(&[id, slot]));
            text.raw(",\"lost\":");
            text.integer(lost);
            text.raw("}");
        }
        self.forget_changes();
        text.into_bytes()
    }

    /// Forgets what is to be said of the last fetch.
    pub(super) fn forget_changes(&mut self) {
        self.fetched.clear();
        self.whole.clear();
        self.moved.clear();
    }

    /// Says all that is known.
    pub(super) fn snapshot(&mut self) -> Vec<u8> {
        let Self { pools, open, strings, .. } = self;
        let mut text = Text::default();
        text.raw("{\"pools\":");
        text.list(pools.iter_mut(), |text, known| {
            known.told();
            known.write_whole(text, strings);
        });
        let mut open: Vec<&Open> = open.values().collect();
        open.sort_unstable_by_key(|open| open.opened.id);
        text.raw(",\"open\":");
        text.list(open.iter(), |text, open| write_opened(text, &open.opened));
        text.raw(",\"judged\":");
        let judged = open.iter().filter_map(|open| open.judged.as_ref());
        text.list(judged, |text, judged| write_judged(text, judged, strings));
        text.raw("}");
        text.into_bytes()
    }
}

impl Known {
    fn write_whole(&self, text: &mut Text, strings: &mut Strings) {
        let Birth { pool, address, venue, mints } = self.birth;
        text.raw("[");
        text.integer(pool);
        text.raw(",");
        text.word(&address.to_string());
        text.raw(",");
        text.word(venue);
        for mint in mints {
            text.raw(",");
            text.word(strings.of(mint));
        }
        for decimals in self.sight.decimals {
            text.raw(",");
            text.maybe(decimals, Text::integer);
        }
        text.raw(",");
        text.maybe(fee_of(&self.sight), |text, fee| text.tuple(&fee));
        text.raw(",");
        write_rest(text, &self.sight);
        text.raw("]");
    }
}

fn write_state(text: &mut Text, sight: &Sight) {
    text.raw("[");
    text.integer(sight.pool);
    text.raw(",");
    write_rest(text, sight);
    text.raw("]");
}

/// Depths, price, slot, and why the pool is set aside.
fn write_rest(text: &mut Text, sight: &Sight) {
    for depth in sight.depth {
        text.amount(depth);
        text.raw(",");
    }
    text.maybe(sight.log_price, |text, log| text.float(log.exp()));
    text.raw(",");
    text.integer(sight.slot);
    text.raw(",");
    text.maybe(sight.set_aside, Text::word);
}

fn write_opened(text: &mut Text, opened: &Opened) {
    text.raw("[");
    text.integer(opened.id);
    text.raw(",");
    text.list(opened.key.edges(), |text, edge| {
        let (pool, a_to_b) = crate::cycle_finder::pool_of(edge);
        text.integer(2 * u64::from(pool) + u64::from(!a_to_b));
    });
    text.raw(",");
    text.float((0.0 - opened.net).exp_m1() * 1e4);
    text.raw(",");
    text.integer(opened.slot);
    text.raw("]");
}

fn write_judged(text: &mut Text, judged: &Judged, strings: &mut Strings) {
    text.raw("[");
    text.integer(judged.id);
    text.raw(",");
    text.word(judged.stage);
    text.raw(",");
    text.maybe(judged.reason, Text::word);
    text.raw(",");
    text.maybe(judged.missing_bps, Text::float);
    if let Some(amounts) = judged.amounts {
        text.raw(",");
        text.word(strings.of(amounts.base_mint));
        text.raw(",");
        text.amount(amounts.amount_in);
        text.raw(",");
        text.amount(amounts.gross_profit);
        text.raw(",");
        text.amount(amounts.net_profit);
        text.raw(",");
    } else {
        text.raw(",null,null,null,null,");
    }
    text.integer(judged.slot);
    text.raw("]");
}
