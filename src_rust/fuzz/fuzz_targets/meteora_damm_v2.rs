#![no_main]
//! Decoder and quotes of `meteora_damm_v2`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::pool("meteora_damm_v2", data));
