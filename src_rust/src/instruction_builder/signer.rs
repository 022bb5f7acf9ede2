//! The key that signs: kept where nothing shows it, and wiped when it is dropped.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::quantities::Pubkey;

/// A key pair. It cannot be read back, copied or printed; [`Debug`](fmt::Debug) shows the address.
///
/// The secret half stands on the heap and stays there, so that moving a `Signer` leaves no copy behind.
pub struct Signer {
    key: Box<SigningKey>,
    address: Pubkey,
}

/// Why bytes are no key pair. None of the messages holds any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither a seed nor a pair.
    #[error("a key has 64 bytes (seed and public key) or 32 (seed), not {found}")]
    Length {
        /// Bytes given.
        found: usize,
    },
    /// The second half is not the public key of the first.
    #[error("the last 32 bytes are not the public key of the first 32")]
    Mismatch,
}

impl Signer {
    /// Returns the key pair in 64 bytes (seed, then public key: a keypair file) or of a seed of 32.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let found = bytes.len();
        let seed =
            bytes.get(..32).filter(|_| found == 32 || found == 64).ok_or(KeyError::Length { found })?;
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(seed);
        let key = Box::new(SigningKey::from_bytes(&secret));
        let address = Pubkey(key.verifying_key().to_bytes());
        if found == 64 && bytes[32..] != address.0 {
            return Err(KeyError::Mismatch);
        }
        Ok(Self { key, address })
    }

    /// Returns the address: the public half.
    #[must_use]
    pub fn address(&self) -> Pubkey {
        self.address
    }

    /// Returns the signature of a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 1.
    #[test]
    fn signature_of_the_rfc_is_made() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
                .collect()
        };
        let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let pair = [seed.clone(), public.clone()].concat();
        let signer = Signer::from_bytes(&pair).expect("a pair");
        assert_eq!(signer.address().0.as_slice(), public);
        let expected = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        assert_eq!(signer.sign(b"").as_slice(), hex(expected));
        assert_eq!(Signer::from_bytes(&seed).expect("a seed").address(), signer.address());
    }

    #[test]
    fn a_foreign_public_half_is_refused_and_nothing_shows_the_secret() {
        let mut pair = [7; 64];
        assert_eq!(Signer::from_bytes(&pair).err(), Some(KeyError::Mismatch));
        assert_eq!(Signer::from_bytes(&pair[..63]).err(), Some(KeyError::Length { found: 63 }));
        let address = Signer::from_bytes(&pair[..32]).expect("a seed").address();
        pair[32..].copy_from_slice(&address.0);
        let signer = Signer::from_bytes(&pair).expect("a pair");
        assert_eq!(format!("{signer:?}"), format!("Signer({address})"));
    }
}
