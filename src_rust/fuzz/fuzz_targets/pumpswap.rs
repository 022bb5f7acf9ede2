#![no_main]
//! Decoder and quotes of `pumpswap`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::pool("pumpswap", data));
