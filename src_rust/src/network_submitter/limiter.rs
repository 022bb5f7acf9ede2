//! Requests a second, as the generic cell rate algorithm: one time instead of a bucket of tokens.

/// How often a target may be asked. Times are nanoseconds of a clock that the caller reads.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "the unit")]
pub(super) struct Limiter {
    /// Nanoseconds that one request uses up; 0: no limit.
    interval_ns: u64,
    /// Nanoseconds that may be used up ahead of time: burst − 1 requests.
    tolerance_ns: u64,
    /// Until when time is used up.
    used_until_ns: u64,
    /// The target has asked for silence until then.
    silent_until_ns: u64,
}

impl Limiter {
    /// Returns a limiter that is full: a second's worth of requests, at least one, may go at once.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are 0.001 and more")]
    pub(super) fn new(requests_per_second: f64) -> Self {
        let interval_ns = (1e9 / requests_per_second) as u64;
        let burst = requests_per_second.clamp(1.0, 1e6) as u64;
        Self {
            interval_ns,
            tolerance_ns: interval_ns.saturating_mul(burst - 1),
            used_until_ns: 0,
            silent_until_ns: 0,
        }
    }

    /// Counts a request, or returns after how many nanoseconds one may go.
    pub(super) fn take(&mut self, now_ns: u64) -> Result<(), u64> {
        if self.silent_until_ns > now_ns {
            return Err(self.silent_until_ns - now_ns);
        }
        if self.interval_ns == 0 {
            // Threads may come with their times in another order than they read them.
            return Ok(());
        }
        let used_until = self.used_until_ns.max(now_ns);
        let ahead = used_until - now_ns;
        if ahead > self.tolerance_ns {
            return Err(ahead - self.tolerance_ns);
        }
        self.used_until_ns = used_until.saturating_add(self.interval_ns);
        Ok(())
    }

    /// Heeds a `Retry-After`.
    pub(super) fn be_silent_until(&mut self, until_ns: u64) {
        self.silent_until_ns = self.silent_until_ns.max(until_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn one_a_second_is_one_a_second() {
        let mut limiter = Limiter::new(1.0);
        assert_eq!(limiter.take(5), Ok(()));
        assert_eq!(limiter.take(5), Err(SECOND));
        assert_eq!(limiter.take(4 + SECOND), Err(1));
        assert_eq!(limiter.take(5 + SECOND), Ok(()));
    }

    #[test]
    fn a_burst_is_a_second_of_requests() {
        let mut limiter = Limiter::new(3.0);
        let gone = (0..10).filter(|_| limiter.take(0).is_ok()).count();
        assert_eq!(gone, 3);
        let gone = (0..10).filter(|_| limiter.take(SECOND).is_ok()).count();
        assert_eq!(gone, 3);
    }

    #[test]
    fn no_limit_never_refuses_but_heeds_silence() {
        let mut limiter = Limiter::new(f64::INFINITY);
        assert!((0..1000).all(|_| limiter.take(0).is_ok()));
        limiter.be_silent_until(7);
        assert_eq!(limiter.take(0), Err(7));
        assert_eq!(limiter.take(7), Ok(()));
    }
}
