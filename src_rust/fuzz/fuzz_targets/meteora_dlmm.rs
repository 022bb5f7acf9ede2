#![no_main]
//! Decoder and quotes of `meteora_dlmm`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::pool("meteora_dlmm", data));
