#![no_main]
//! Mints and token accounts of both token programs, and the sysvars.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::tokens(data));
