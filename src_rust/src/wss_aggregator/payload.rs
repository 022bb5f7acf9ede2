//! Account data: what a write is recognised by, and its bytes.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use base64_simd::STANDARD;
use twox_hash::XxHash3_128;

use super::frame::{Encoding, RawAccount};
use super::malformed::Malformed;

/// Longest account data: `MAX_PERMITTED_DATA_LENGTH` of the Solana SDK (`system_instruction`).
pub const MAX_DATA: usize = 10 * 1024 * 1024;
const MAX_TEXT: usize = MAX_DATA.div_ceil(3) * 4;

/// Identity of a written state: a 128-bit hash of owner, lamports and canonical base64 text.
pub type Content = u128;

/// The state "there is no such account".
pub const NO_ACCOUNT: Content = 0;

/// Returns the data as canonical base64 text: as received, or re-encoded from zstd.
///
/// # Errors
/// [`Malformed::BadBase64`], [`Malformed::BadZstd`], [`Malformed::OversizeData`]. Plain base64 is
/// not looked at: a duplicate needs no decoding.
pub fn canonical_text<'a>(raw: &'a RawAccount<'_>) -> Result<Cow<'a, [u8]>, Malformed> {
    if raw.data.len() > MAX_TEXT {
        return Err(Malformed::OversizeData { max: MAX_DATA });
    }
    match raw.encoding {
        Encoding::Base64 => Ok(Cow::Borrowed(&raw.data)),
        Encoding::Base64Zstd => {
            let packed = STANDARD.decode_to_vec(&raw.data[..]).map_err(|_| Malformed::BadBase64)?;
            Ok(Cow::Owned(STANDARD.encode_type(unpack(&packed)?)))
        }
    }
}

/// Returns the data if it is plain base64 text and known to be canonical.
#[inline]
pub fn checked_text<'a>(raw: &'a RawAccount<'_>) -> Option<&'a [u8]> {
    let is_checked = raw.is_base64 && raw.encoding == Encoding::Base64 && raw.data.len() <= MAX_TEXT;
    is_checked.then_some(&raw.data[..])
}

/// Unpacks one zstd frame, never holding more than [`MAX_DATA`] bytes.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, Malformed> {
    use std::io::Read;

    let mut decoder = zstd::Decoder::with_buffer(packed).map_err(|_| Malformed::BadZstd)?.single_frame();
    let mut data = Vec::new();
    let limit = MAX_DATA as u64 + 1;
    (&mut decoder).take(limit).read_to_end(&mut data).map_err(|_| Malformed::BadZstd)?;
    if data.len() > MAX_DATA {
        return Err(Malformed::OversizeData { max: MAX_DATA });
    }
    if packed.is_empty() || !decoder.finish().is_empty() {
        return Err(Malformed::BadZstd);
    }
    Ok(data)
}

/// A hash whose key differs in every process: who sends frames cannot make two states, addresses
/// or messages meet, since the hash has no collisions known to hold for every key.
pub struct Hasher {
    secret: [u8; 192],
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").finish_non_exhaustive()
    }
}

impl Default for Hasher {
    fn default() -> Self {
        let random = RandomState::new();
        let mut secret = [0; 192];
        for (number, word) in secret.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&random.hash_one(number).to_le_bytes());
        }
        Self { secret }
    }
}

impl Hasher {
    /// Returns the hash of `bytes`.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u128 {
        XxHash3_128::oneshot_with_secret(&self.secret, bytes)
            .unwrap_or_else(|_| unreachable!("192 bytes are long enough for a secret"))
    }

    /// Returns the identity of a state.
    #[inline]
    pub fn content(&self, text: &[u8], owner: &[u8], lamports: u64) -> Content {
        let mut all = [0_u8; 68];
        let owner = &owner[..owner.len().min(44)];
        all[..16].copy_from_slice(&self.hash(text).to_le_bytes());
        all[16..24].copy_from_slice(&lamports.to_le_bytes());
        all[24..24 + owner.len()].copy_from_slice(owner);
        self.hash(&all).max(NO_ACCOUNT + 1)
    }
}

/// Decodes canonical base64 text into `data`, whose allocation is reused.
///
/// # Errors
/// [`Malformed::BadBase64`], [`Malformed::OversizeData`].
pub fn decode_into(text: &[u8], data: &mut Vec<u8>) -> Result<(), Malformed> {
    data.clear();
    STANDARD.decode_append(text, data).map_err(|_| Malformed::BadBase64)?;
    if data.len() > MAX_DATA {
        return Err(Malformed::OversizeData { max: MAX_DATA });
    }
    Ok(())
}

/// Fails unless the text is canonical base64.
pub fn check(text: &[u8]) -> Result<(), Malformed> {
    STANDARD.check(text).map_err(|_| Malformed::BadBase64)
}
