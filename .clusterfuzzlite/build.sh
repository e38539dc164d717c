#!/bin/bash -eu
# Every target with its corpus, what was found before, and its dictionary, into $OUT.
cd "$SRC/pgtls"
cargo fuzz build -O --debug-assertions
for source in fuzz/fuzz_targets/*.rs; do
    target="$(basename "$source" .rs)"
    cp "fuzz/target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    find "fuzz/corpus/$target" "fuzz/regressions/$target" -type f -exec zip -qj "$OUT/${target}_seed_corpus.zip" {} + ||
        true
    if [ -f "fuzz/dictionaries/$target.dict" ]; then
        cp "fuzz/dictionaries/$target.dict" "$OUT/"
    fi
done
