//! Which slot a frame speaks of, found without reading the frame as JSON.

use memchr::memmem::Finder;

/// A slot this far above the highest one before it is taken for a lie: two days.
pub const MAX_SLOT_LEAD: u64 = 432_000;

/// The highest slot of the frames so far.
pub(super) struct SlotClock {
    /// Boxed, since it is aligned to 32 bytes, and Python aligns what it holds to 16 only.
    key: Box<Finder<'static>>,
    highest: u64,
}

impl SlotClock {
    pub fn new() -> Self {
        Self::starting_at(0)
    }

    pub fn starting_at(highest: u64) -> Self {
        Self { key: Box::new(Finder::new(b"\"slot\":")), highest }
    }

    /// Returns the highest slot; 0 before the first.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Takes notice of an incoming frame.
    pub fn see(&mut self, frame: &[u8]) {
        let Some(slot) = self.slot_of(frame) else { return };
        if self.highest == 0 || slot <= self.highest.saturating_add(MAX_SLOT_LEAD) {
            self.highest = self.highest.max(slot);
        }
    }

    /// Returns the first number under a key `slot`. Inside a JSON text the quotes of such a key
    /// would be escaped, so it cannot be found there.
    fn slot_of(&self, frame: &[u8]) -> Option<u64> {
        let digits = frame.get(self.key.find(frame)? + self.key.needle().len()..)?.trim_ascii_start();
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(&digits[..length]).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn highest_of(frames: &[&str]) -> u64 {
        let mut clock = SlotClock::new();
        for frame in frames {
            clock.see(frame.as_bytes());
        }
        clock.highest()
    }

    #[test]
    fn slot_is_found_in_what_nodes_send() {
        for frame in [
            r#"{"jsonrpc":"2.0","method":"accountNotification","params":{"result":{"context":{"slot":76},"value":{}}}}"#,
            r#"{"jsonrpc":"2.0","method":"slotNotification","params":{"result":{"parent":75,"root":44,"slot": 76}}}"#,
            r#"{"jsonrpc":"2.0","result":{"context":{"apiVersion":"2.0","slot":76},"value":[null]},"id":1}"#,
        ] {
            assert_eq!(highest_of(&[frame]), 76, "{frame}");
        }
    }

    #[test]
    fn frame_without_a_slot_says_nothing() {
        for frame in [
            "",
            r#"{"result":1,"id":1}"#,
            r#"{"slot":}"#,
            r#"{"slot":"9"}"#,
            r#"{"slot":99999999999999999999}"#,
            r#"{"logs":["{\"slot\":9}"]}"#,
        ] {
            assert_eq!(highest_of(&[r#"{"slot":5}"#, frame]), 5, "{frame}");
        }
    }

    #[test]
    fn impossible_lead_is_ignored() {
        let lie = format!(r#"{{"slot":{}}}"#, 5 + MAX_SLOT_LEAD + 1);
        assert_eq!(highest_of(&[r#"{"slot":5}"#, &lie, r#"{"slot":6}"#, r#"{"slot":4}"#]), 6);
        let far = format!(r#"{{"slot":{}}}"#, 5 + MAX_SLOT_LEAD);
        assert_eq!(highest_of(&[r#"{"slot":5}"#, &far]), 5 + MAX_SLOT_LEAD);
    }
}
