#![no_main]
//! Decoder and quotes of `orca_whirlpool`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::pool("orca_whirlpool", data));
