#![no_main]
//! Decoder and quotes of `raydium_clmm`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::pool("raydium_clmm", data));
