#![no_main]
//! Decoder and quotes of `orca_token_swap_v2`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::pool("orca_token_swap_v2", data));
