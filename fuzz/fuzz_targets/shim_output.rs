#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pgtls_conformance::fuzzing::shim_output(data));
