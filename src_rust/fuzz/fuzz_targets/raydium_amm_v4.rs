#![no_main]
//! Decoder and quotes of `raydium_amm_v4`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::pool("raydium_amm_v4", data));
