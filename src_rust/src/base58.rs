//! Addresses from and to base58 text, several letters at a time.

use crate::quantities::Pubkey;

/// Letters of the longest address.
pub const MAX_ADDRESS: usize = 44;
const MIN_ADDRESS: usize = 32;
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const NO_DIGIT: u8 = 0xFF;

const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 58 {
        digits[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// Returns whether the text holds only base58 letters.
pub fn is_base58(text: &[u8]) -> bool {
    // Without a branch per letter; only `NO_DIGIT` has the high bit.
    text.iter().fold(0, |all, &letter| all | DIGITS[usize::from(letter)]) < 0x80
}

/// Returns the address that a text of 32 to 44 letters stands for.
pub fn decode(text: &[u8]) -> Option<Pubkey> {
    if !(MIN_ADDRESS..=MAX_ADDRESS).contains(&text.len()) {
        return None;
    }
    let mut limbs = [0_u64; 4]; // little-endian
    for group in text.chunks(10) {
        let mut value = 0_u64; // below 58^10 < 2^59
        let mut scale = 1_u64;
        for &letter in group {
            let digit = DIGITS[usize::from(letter)];
            if digit == NO_DIGIT {
                return None;
            }
            value = value * 58 + u64::from(digit);
            scale *= 58;
        }
        let mut carry = u128::from(value);
        for limb in &mut limbs {
            let sum = u128::from(*limb) * u128::from(scale) + carry;
            (*limb, carry) = (low_half(sum), sum >> 64);
        }
        if carry != 0 {
            return None;
        }
    }
    let mut bytes = [0; 32];
    for (place, limb) in bytes.chunks_exact_mut(8).zip(limbs.iter().rev()) {
        place.copy_from_slice(&limb.to_be_bytes());
    }
    // A leading `1` stands for a zero byte, so as many of the one as of the other.
    let ones = text.iter().take_while(|&&letter| letter == b'1').count();
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    (ones == zeros).then_some(Pubkey(bytes))
}

/// Five digits are split off at a time: 58^5, the largest power of 58 below 2^32.
const FIVE_DIGITS: u64 = 58 * 58 * 58 * 58 * 58;

/// Returns an address in base58: 32 to 44 letters.
pub(crate) fn encode(key: &Pubkey) -> String {
    let mut limbs = [0_u64; 8]; // of 32 bits, the highest first
    for (limb, bytes) in limbs.iter_mut().zip(key.0.chunks_exact(4)) {
        *limb = bytes.iter().fold(0, |limb, &byte| limb << 8 | u64::from(byte));
    }
    let mut letters = [b'1'; 45];
    for group in letters.rchunks_exact_mut(5) {
        let mut rest = 0;
        for limb in &mut limbs {
            let dividend = rest << 32 | *limb;
            (*limb, rest) = (dividend / FIVE_DIGITS, dividend % FIVE_DIGITS);
        }
        for letter in group.iter_mut().rev() {
            *letter = ALPHABET[usize::try_from(rest % 58).unwrap_or_default()];
            rest /= 58;
        }
    }
    // A leading zero byte is a `1`; further leading ones are none of the number's.
    let zeros = key.0.iter().take_while(|&&byte| byte == 0).count();
    let ones = letters.iter().take_while(|&&letter| letter == b'1').count();
    letters[ones - zeros.min(ones)..].iter().map(|&letter| char::from(letter)).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn low_half(wide: u128) -> u64 {
    wide as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decode_returns_what_bs58_encoded(bytes: [u8; 32], zeros in 0_usize..33) {
            let mut bytes = bytes;
            bytes[..zeros.min(32)].fill(0);
            let text = bs58::encode(bytes).into_string();
            prop_assert_eq!(decode(text.as_bytes()), Some(Pubkey(bytes)));
        }

        #[test]
        fn encode_returns_what_bs58_does(bytes: [u8; 32], zeros in 0_usize..33, ones in 0_usize..33) {
            let mut bytes = bytes;
            bytes[32 - ones.min(32)..].fill(0xff);
            bytes[..zeros.min(32)].fill(0);
            prop_assert_eq!(encode(&Pubkey(bytes)), bs58::encode(bytes).into_string());
        }

        #[test]
        fn decode_accepts_exactly_what_bs58_accepts(text in "[1-9A-HJ-NP-Za-km-z]{30,46}") {
            let ours = decode(text.as_bytes());
            let mut bytes = [0; 32];
            let sound = bs58::decode(&text).onto(&mut bytes) == Ok(32);
            let theirs = sound.then_some(Pubkey(bytes));
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn decode_of_a_foreign_letter_is_none() {
        assert_eq!(decode(b"0TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"), None);
        assert_eq!(decode(&[b'I'; 44]), None);
    }
}
