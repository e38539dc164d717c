//! Tells sqlx's shims whether their release reads hstore, which is so from 0.8 on.

fn main() {
    println!("cargo::rerun-if-changed=Cargo.lock");
    println!("cargo::rustc-check-cfg=cfg(hstore)");
    let lock = std::fs::read_to_string("Cargo.lock").unwrap_or_default();
    if !lock.contains("name = \"sqlx\"\nversion = \"0.7.") {
        println!("cargo::rustc-cfg=hstore");
    }
}
