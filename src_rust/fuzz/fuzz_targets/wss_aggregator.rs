#![no_main]
//! Frames of three endpoints, sound and not.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::aggregator::frames(data));
