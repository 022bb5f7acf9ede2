//! Who speaks: a provider has one voice, over however many connections.
//!
//! A connection is named `provider/n`, answers over HTTP come as `provider/http`: what stands before
//! the first `/` names the provider. Sockets prove order, providers are believed: to open another
//! connection costs a liar nothing, so whatever counts voices counts providers.

/// Providers that can be told apart. All further ones share the last place: they are counted too low.
const PLACES: u32 = 64;

/// Returns the provider that a connection belongs to by its name.
pub fn provider_of(connection: &str) -> &str {
    connection.split_once('/').map_or(connection, |(provider, _)| provider)
}

/// A set of providers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Voices(u64);

impl Voices {
    #[inline]
    fn place(provider: u32) -> u64 {
        1 << provider.min(PLACES - 1)
    }

    /// Adds a provider.
    #[inline]
    pub fn add(&mut self, provider: u32) {
        self.0 |= Self::place(provider);
    }

    /// Takes a provider out.
    #[inline]
    pub fn remove(&mut self, provider: u32) {
        self.0 &= !Self::place(provider);
    }

    /// Returns whether the provider is among them.
    #[inline]
    pub fn contains(self, provider: u32) -> bool {
        self.0 & Self::place(provider) != 0
    }

    /// Returns how many they are.
    #[inline]
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns whether there is none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<u32> for Voices {
    #[inline]
    fn from_iter<I: IntoIterator<Item = u32>>(providers: I) -> Self {
        let mut voices = Self::default();
        providers.into_iter().for_each(|provider| voices.add(provider));
        voices
    }
}

/// Returns the highest of what each provider's connections have reached, the highest first.
pub fn reached<T: Ord + Copy>(all: impl Iterator<Item = (u32, T)>) -> Vec<T> {
    let mut best: Vec<(u32, T)> = Vec::new();
    for (provider, reached) in all {
        match best.iter_mut().find(|(known, _)| *known == provider) {
            Some((_, known)) => *known = reached.max(*known),
            None => best.push((provider, reached)),
        }
    }
    let mut best: Vec<T> = best.into_iter().map(|(_, reached)| reached).collect();
    best.sort_unstable_by(|a, b| b.cmp(a));
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_of_is_what_stands_before_the_first_slash() {
        for (name, provider) in
            [("helius/0", "helius"), ("helius/http", "helius"), ("a/b/c", "a"), ("x", "x")]
        {
            assert_eq!(provider_of(name), provider);
        }
    }

    #[test]
    fn reached_counts_every_provider_once() {
        assert_eq!(reached([(0, 5), (1, 7), (0, 9), (2, 1), (1, 6)].into_iter()), [9, 7, 1]);
    }

    #[test]
    fn voices_past_the_last_place_are_one() {
        let voices: Voices = [3, 3, 63, 64, 1000].into_iter().collect();
        assert_eq!(voices.count(), 2);
        assert!(voices.contains(70) && !voices.contains(4));
    }
}
