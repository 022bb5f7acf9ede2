#![no_main]
//! Decoder and quotes of `raydium_cpmm`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::pool("raydium_cpmm", data));
