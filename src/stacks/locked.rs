//! Versions of dependencies: what this program was built with.

/// The version of a dependency, from the lock file that this program was built with.
pub(super) fn locked_version(package: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let name = format!("name = \"{package}\"\nversion = \"");
    lock.find(&name)
        .and_then(|start| lock[start + name.len()..].split('"').next())
        .unwrap_or("unknown")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        assert!(locked_version("tokio-postgres").starts_with("0.7."));
        assert_eq!(locked_version("no-such-package"), "unknown");
    }
}
