#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| headway_kernel_fuzz::check_block(data));
