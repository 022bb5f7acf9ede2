//! Providers that misbehave: how much is too much.

use super::malformed::Malformed;

/// When a provider is put under quarantine without being asked. It is when more than a
/// bound happens within 1,000 frames, whichever of its connections they come over.
///
/// Off by default: an endpoint that loses writes disagrees, too, and cutting off an honest one by
/// mistake costs speed at the moment it matters, while counters and a hand on
/// [`quarantine`](super::WssAggregator::quarantine) cost nothing. Switch it on where nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarantineLimits {
    /// Refused frames. Default 100: one in ten.
    pub malformed: u32,
    /// Final words that stand alone against two others. Default 20.
    pub disagreements: u32,
    /// Owners that nobody else names. Default 3.
    pub wrong_owners: u32,
    /// Slots out of reach. Default 3.
    pub impossible_slots: u32,
}

impl Default for QuarantineLimits {
    fn default() -> Self {
        Self { malformed: 100, disagreements: 20, wrong_owners: 3, impossible_slots: 3 }
    }
}

/// Frames after which a provider's offences are forgotten.
const WINDOW: u32 = 1000;

/// What a provider has done wrong within its last frames.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conduct {
    frames: u32,
    malformed: u32,
    disagreements: u32,
    wrong_owners: u32,
    impossible_slots: u32,
}

impl Conduct {
    /// Counts a frame.
    #[inline]
    pub fn frame(&mut self) {
        if self.frames == WINDOW {
            *self = Self::default();
        }
        self.frames += 1;
    }

    /// Counts the refusal of a frame.
    pub fn refused(&mut self, reason: &Malformed) {
        self.malformed += 1;
        match reason {
            Malformed::ImpossibleSlot { .. } => self.impossible_slots += 1,
            Malformed::WrongOwner => self.wrong_owners += 1,
            _ => {}
        }
    }

    /// Counts a final word that stands alone.
    pub fn disagreed(&mut self) {
        self.disagreements += 1;
    }

    /// Counts an owner that nobody else names, in a frame that was taken.
    pub fn wrong_owner(&mut self) {
        self.wrong_owners += 1;
    }

    /// Returns whether a limit is passed.
    #[inline]
    pub fn is_past(&self, limits: &QuarantineLimits) -> bool {
        self.malformed > limits.malformed
            || self.disagreements > limits.disagreements
            || self.wrong_owners > limits.wrong_owners
            || self.impossible_slots > limits.impossible_slots
    }
}
