#![no_main]
//! Strategy expressions and rule files, from text to native code.

libfuzzer_sys::fuzz_target!(|data: &[u8]| phantom_core_fuzz::strategy_language::sources(data));
